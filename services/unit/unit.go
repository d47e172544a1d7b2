// Package unit changes accounts, storage objects and wallets in one write function: all of it, or nothing, whatever server
// code puts together. The rules are those of packages account, storage and wallet.
package unit

import (
	"context"
	"errors"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/account"
	"github.com/skirmishgg/skirmish/services/storage"
	"github.com/skirmishgg/skirmish/services/wallet"
)

// Config is what a Service is made of.
type Config struct {
	DB      store.DB
	Storage *storage.Service // counts the writes that a stored object refuses
}

// Service runs units. Any goroutine may use it.
type Service struct{ c Config }

// New is a service over these parts.
func New(c Config) *Service { return &Service{c} }

// Profile is a change of one account's profile.
type Profile struct {
	UserID id.UUID
	account.Update
}

// Unit is what changes together, in the order of its fields.
type Unit struct {
	Profiles []Profile
	Writes   []storage.Write
	Deletes  []storage.Delete
	Wallets  []wallet.Change
	Ledger   bool // notes each change of a wallet down
}

// Result is what a Unit did: the objects as stored and the wallets, in the order of its writes and changes.
type Result struct {
	Objects []storage.Object
	Wallets []wallet.Result
}

// Do runs a unit as the caller, whom permissions of objects bind unless it is trusted.
// Errors: those of account.Update, of storage's Prepare and Remove, wallet.Prepare and of applying them.
func (s *Service) Do(ctx context.Context, c op.Caller, u Unit) (r Result, err error) {
	for i := range u.Profiles {
		if err := u.Profiles[i].Check(); err != nil {
			return r, err
		}
	}
	objects, err := s.c.Storage.Prepare(c, u.Writes)
	if err != nil {
		return r, err
	}
	deletes, err := storage.PrepareDelete(u.Deletes)
	if err != nil {
		return r, err
	}
	wallets, err := wallet.Prepare(u.Wallets, u.Ledger)
	if err != nil {
		return r, err
	}
	hints := append(u.hints(), objects.Hints()...)
	hints = append(append(hints, deletes...), wallets.Hints()...)
	if len(hints) == 0 {
		return r, nil
	}
	err = s.c.DB.Write(ctx, hints, func(tx store.Tx) (err error) {
		for i := range u.Profiles {
			if err := u.Profiles[i].Apply(tx, u.Profiles[i].UserID); err != nil {
				return err
			}
		}
		if r.Objects, err = objects.Put(tx, c); err != nil {
			return err
		}
		if err := s.c.Storage.Remove(tx, c, u.Deletes); err != nil {
			return err
		}
		r.Wallets, err = wallets.Apply(tx)
		return err
	})
	if err != nil {
		s.c.Storage.CountRejection(err)
		return Result{}, worded(err)
	}
	return r, nil
}

// hints names the accounts' rows.
func (u *Unit) hints() (refs []store.Ref) {
	for i := range u.Profiles {
		refs = append(refs, schema.Users.Ref(u.Profiles[i].UserID))
		if name := u.Profiles[i].Username; name != nil {
			refs = append(refs, schema.Users.By("username").Ref(*name))
		}
	}
	return refs
}

// worded says in the features' words what a key refused: of those that a unit writes, only the username is another's.
func worded(err error) error {
	var taken *store.DuplicateError
	var missing *store.ReferenceError
	switch {
	case errors.As(err, &taken):
		return account.ErrUsernameInUse
	case errors.As(err, &missing):
		return account.ErrNotFound
	}
	return err
}
