package sessiontest

import (
	"context"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/account"
)

// Desk is a sealed registry whose operations a test calls by name. Its methods may be called from any goroutine.
type Desk struct {
	*op.Registry
	t testing.TB
}

// NewDesk has the operations that register adds.
func NewDesk(t testing.TB, register func(*op.Registry)) *Desk {
	d := &Desk{Registry: op.NewRegistry(), t: t}
	register(d.Registry)
	d.Seal()
	return d
}

// Call is a call as a door would make it.
func (d *Desk) Call(as op.Caller, name string, in proto.Message) (proto.Message, error) {
	return d.Named(name).Invoke(context.Background(), as, in)
}

// OK asserts that a call is answered.
func (d *Desk) OK(as op.Caller, name string, in proto.Message) proto.Message {
	d.t.Helper()
	out, err := d.Call(as, name, in)
	if err != nil {
		d.t.Errorf("%s(%v) of %q: %v", name, in, as.Username, err)
	}
	return out
}

// Refuse asserts the code and the sentence of a call's refusal.
func (d *Desk) Refuse(code errs.Code, text string, as op.Caller, name string, in proto.Message) {
	d.t.Helper()
	_, err := d.Call(as, name, in)
	if got := errs.Of(err); got == nil || got.Code != code || got.Message != text {
		d.t.Errorf("%s(%v) of %q answers %v, want %d %q", name, in, as.Username, err, code, text)
	}
}

// RefuseOnSocket is Refuse with the code that a socket tells.
func (d *Desk) RefuseOnSocket(code errs.Realtime, text string, as op.Caller, name string, in proto.Message) {
	d.t.Helper()
	_, err := d.Call(as, name, in)
	if got := errs.Of(err); got == nil || got.Realtime() != code || got.Message != text {
		d.t.Errorf("%s(%v) of %q answers %v, want %d %q", name, in, as.Username, err, code, text)
	}
}

// Put runs a write that must succeed.
func Put(t testing.TB, db store.DB, write func(tx store.Tx) error) {
	t.Helper()
	if err := db.Update(context.Background(), write); err != nil {
		t.Fatal(err)
	}
}

// PutUsers makes an account for each of these ids, with its name.
func PutUsers(t testing.TB, db store.DB, names map[id.UUID]string) {
	t.Helper()
	Put(t, db, func(tx store.Tx) error {
		for user, name := range names {
			if err := store.Put(tx, schema.Users, account.NewRow(user, name, tx.Now())); err != nil {
				return err
			}
		}
		return nil
	})
}
