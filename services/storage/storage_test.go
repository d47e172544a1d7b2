package storage

import (
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/persist/storetest/each"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
)

func TestMain(m *testing.M) { each.Main(m) }

// desk is a catalogue with the storage operations over one store.
type desk struct {
	*each.Clock
	t        *testing.T
	db       store.DB
	s        *Service
	r        *op.Registry
	mu       sync.Mutex
	rejected []string
}

var (
	anna = id.UUID{0: 0xa, 15: 1}
	ben  = id.UUID{0: 0xb, 15: 1}
)

func as(user id.UUID) op.Caller { return op.Caller{UserID: user} }

var server = op.Caller{Trusted: true}

func onEachStore(t *testing.T, f func(t *testing.T, d *desk)) {
	each.Store(t, func(t *testing.T, db store.DB, clock *each.Clock) {
		d := &desk{Clock: clock, t: t, db: db, r: op.NewRegistry()}
		d.s = New(Config{DB: db, Rejected: func(collection string, why Reason) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.rejected = append(d.rejected, collection+" "+string(why))
		}})
		d.s.Register(d.r)
		d.r.Seal()
		d.addUser(anna)
		d.addUser(ben)
		f(t, d)
	})
}

func (d *desk) addUser(user id.UUID) {
	d.t.Helper()
	err := d.db.Write(d.t.Context(), nil, func(tx store.Tx) error {
		return store.Put(tx, schema.Users, &schema.User{ID: user, Username: user.String(), LangTag: "en", Metadata: "{}", Wallet: "{}",
			CreateTime: tx.Now(), UpdateTime: tx.Now(), VerifyTime: time.Unix(0, 0), DisableTime: time.Unix(0, 0)})
	})
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) call(c op.Caller, name string, in proto.Message) (proto.Message, error) {
	return d.r.Named(name).Invoke(d.t.Context(), c, in)
}

// write is one WriteStorageObjects call.
func (d *desk) write(c op.Caller, objects ...*api.WriteStorageObject) ([]*api.StorageObjectAck, error) {
	out, err := d.call(c, "WriteStorageObjects", &api.WriteStorageObjectsRequest{Objects: objects})
	if err != nil {
		return nil, err
	}
	return out.(*api.StorageObjectAcks).Acks, nil
}

func (d *desk) mustWrite(c op.Caller, objects ...*api.WriteStorageObject) []*api.StorageObjectAck {
	d.t.Helper()
	acks, err := d.write(c, objects...)
	if err != nil {
		d.t.Fatal(err)
	}
	return acks
}

// object is a write of "collection/key".
func object(name, value string, change ...func(*api.WriteStorageObject)) *api.WriteStorageObject {
	collection, key, _ := strings.Cut(name, "/")
	o := &api.WriteStorageObject{Collection: collection, Key: key, Value: value}
	for _, f := range change {
		f(o)
	}
	return o
}

func version(v string) func(*api.WriteStorageObject) {
	return func(o *api.WriteStorageObject) { o.Version = v }
}

func permissions(read, write int32) func(*api.WriteStorageObject) {
	return func(o *api.WriteStorageObject) {
		o.PermissionRead, o.PermissionWrite = wrapperspb.Int32(read), wrapperspb.Int32(write)
	}
}

func md5Hex(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}

// read gives "key=value" of what the caller sees of these objects of the collection "c", owned by owner.
func (d *desk) read(c op.Caller, owner id.UUID, keys ...string) string {
	d.t.Helper()
	in := &api.ReadStorageObjectsRequest{}
	for _, k := range keys {
		one := &api.ReadStorageObjectId{Collection: "c", Key: k, UserId: owner.String()}
		if owner.IsZero() {
			one.UserId = ""
		}
		in.ObjectIds = append(in.ObjectIds, one)
	}
	out, err := d.call(c, "ReadStorageObjects", in)
	if err != nil {
		d.t.Fatal(err)
	}
	var all []string
	for _, o := range out.(*api.StorageObjects).Objects {
		all = append(all, o.Key+"="+o.Value)
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

func refused(t *testing.T, err error, want string) {
	t.Helper()
	var e *errs.Error
	if !errors.As(err, &e) || fmt.Sprint(int(e.Code), " ", e.Message) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

const (
	nameRefusal    = "3 Invalid collection or key value supplied. They must be set."
	versionRefusal = "3 Storage write rejected - version check failed."
	permRefusal    = "3 Storage write rejected - permission denied."
	deleteRefusal  = "3 Storage delete rejected - not found, version check failed, or permission denied."
	userRefusal    = "3 Invalid user ID - make sure user ID is a valid UUID."
)

func TestWriteAcknowledgesWhatIsStored(t *testing.T) {
	onEachStore(t, func(t *testing.T, d *desk) {
		const sent = `{"bb":1,"a":1e2,"a":"\u00e9"}`
		ack := d.mustWrite(as(anna), object("c/k", sent))[0]
		if ack.Collection != "c" || ack.Key != "k" || ack.UserId != anna.String() || ack.Version != md5Hex(sent) ||
			!ack.CreateTime.AsTime().Equal(each.Start) || !ack.UpdateTime.AsTime().Equal(each.Start) {
			t.Errorf("ack %v", ack)
		}
		out, err := d.call(as(anna), "ReadStorageObjects", &api.ReadStorageObjectsRequest{
			ObjectIds: []*api.ReadStorageObjectId{{Collection: "c", Key: "k", UserId: strings.ToUpper(anna.String())}}})
		if err != nil {
			t.Fatal(err)
		}
		want := &api.StorageObject{Collection: "c", Key: "k", UserId: anna.String(), Value: `{"a": "é", "bb": 1}`, Version: md5Hex(sent),
			PermissionRead: 1, PermissionWrite: 1, CreateTime: ack.CreateTime, UpdateTime: ack.UpdateTime}
		want.CreateTime.Nanos, want.UpdateTime.Nanos = 0, 0
		if got := out.(*api.StorageObjects).Objects; len(got) != 1 || !proto.Equal(got[0], want) {
			t.Errorf("read %v\nwant %v", got, want)
		}
		if acks := d.mustWrite(as(anna)); len(acks) != 0 {
			t.Errorf("no objects: %v", acks)
		}
	})
}

func TestWriteMovesUpdateTime(t *testing.T) {
	onEachStore(t, func(t *testing.T, d *desk) {
		d.mustWrite(as(anna), object("c/k", `{"a":1}`))
		f := func(moves bool, o *api.WriteStorageObject) {
			t.Helper()
			d.Advance(time.Second)
			ack := d.mustWrite(as(anna), o)[0]
			if got := ack.UpdateTime.AsTime().Equal(d.Now()); got != moves || !ack.CreateTime.AsTime().Equal(each.Start) {
				t.Errorf("%v: created %s, updated %s", o, ack.CreateTime.AsTime(), ack.UpdateTime.AsTime())
			}
		}
		f(false, object("c/k", `{"a":1}`))
		f(true, object("c/k", `{"a": 1}`)) // equal JSON, other text
		f(true, object("c/k", `{"a": 1}`, version(md5Hex(`{"a": 1}`))))
		f(true, object("c/k", `{"a": 1}`, permissions(2, 1)))
		f(false, object("c/k", `{"a": 1}`, permissions(2, 1)))
	})
}

func TestWriteRefusals(t *testing.T) {
	onEachStore(t, func(t *testing.T, d *desk) {
		f := func(want string, o *api.WriteStorageObject) {
			t.Helper()
			acks, err := d.write(as(anna), object("c/first", `{}`), o) // the batch leaves nothing
			if want == "" && err == nil && len(acks) == 2 {
				return
			}
			refused(t, err, want)
		}
		long, longest := strings.Repeat("é", 129), strings.Repeat("é", 128)
		const notObject = "3 Value must be a JSON object."
		unstorable := "3 " + ErrValueText.Message
		f(nameRefusal, object("/k", `{}`))
		f(nameRefusal, object("c/", `{}`))
		f(nameRefusal, object("c/k", ``))
		f("3 Invalid Read permission supplied. It must be either 0, 1 or 2.", object("c/k", `x`, permissions(3, 9)))
		f("3 Invalid Read permission supplied. It must be either 0, 1 or 2.", object("c/k", `x`, permissions(-1, 1)))
		f("3 Invalid Write permission supplied. It must be either 0 or 1.", object("c/k", `x`, permissions(1, 2)))
		for _, text := range []string{`x`, ` `, `1`, `"{}"`, `[]`, `null`, `{`, `{}{}`, `{"a":}`, `{a:1}`, `["\u0000"]`} {
			f(notObject, object("c/k", text))
		}
		for _, text := range []string{`{"a":"\u0000"}`, `{"\u0000":1}`, `{"a":"\ud800"}`, `{"a":"\udc00\ud800"}`, `{"a":1e200000}`, `{"a":1e-20000}`} {
			f(unstorable, object("c/k", text))
		}
		f("3 "+ErrNameText.Message, object("c\x00/k", `{}`))
		f("3 "+ErrNameText.Message, object("c/k\x00", `{}`))
		f("3 "+ErrNameLong.Message, object(long+"/k", `{}`))
		f("3 "+ErrNameLong.Message, object("c/"+long, `{}`))
		f(versionRefusal, object("c/k", `{}`, version("none")))
		f(versionRefusal, object("c/k", `{}`, version("\x00")))
		f(versionRefusal, object("c/first", `{}`, version("*"))) // just written, in this batch
		if got := d.read(as(anna), anna, "first", "k"); got != "" {
			t.Errorf("refused batches left %s", got)
		}
		f("", object(longest+"/"+longest, ` {"n": 1e1000, "pair": "\ud83d\ude00", "lo\/ng": "`+strings.Repeat("x", 100000)+`"} `))
		if got := d.read(as(anna), anna, "first"); got != "first={}" {
			t.Errorf("an accepted batch left %s", got)
		}
	})
}

func TestVersions(t *testing.T) {
	onEachStore(t, func(t *testing.T, d *desk) {
		f := func(want string, o *api.WriteStorageObject) {
			t.Helper()
			_, err := d.write(as(anna), o)
			if want == "" && err == nil {
				return
			}
			refused(t, err, want)
		}
		f("", object("c/k", `{"n":1}`, version("*")))
		f(versionRefusal, object("c/k", `{"n":2}`, version("*")))
		f(versionRefusal, object("c/k", `{"n":2}`, version(strings.ToUpper(md5Hex(`{"n":1}`)))))
		f("", object("c/k", `{"n":2}`, version(md5Hex(`{"n":1}`))))
		f(versionRefusal, object("c/k", `{"n":3}`, version(md5Hex(`{"n":1}`))))
		f("", object("c/k", `{"n":4}`))
		if got := d.read(as(anna), anna, "k"); got != `k={"n": 4}` {
			t.Error(got)
		}
		if want := []string{"c version", "c version", "c version"}; !slices.Equal(d.rejected, want) {
			t.Errorf("rejections counted: %q", d.rejected)
		}
	})
}

// TestOneOfManyWritersWins: fifty writers hold one version; whoever commits first changes it.
func TestOneOfManyWritersWins(t *testing.T) {
	onEachStore(t, func(t *testing.T, d *desk) {
		for _, expected := range []string{"*", md5Hex(`{"n":0}`)} {
			if expected != "*" {
				d.mustWrite(as(anna), object("c/k", `{"n":0}`))
			}
			var wg sync.WaitGroup
			var won atomic.Int32
			var winner atomic.Value
			for n := range 50 {
				wg.Go(func() {
					value := fmt.Sprintf(`{"n": %d}`, n+1)
					_, err := d.write(as(anna), object("c/k", value, version(expected)))
					if err == nil {
						won.Add(1)
						winner.Store(value)
						return
					}
					refused(t, err, versionRefusal)
				})
			}
			wg.Wait()
			if won.Load() != 1 {
				t.Fatalf("%d writers won with version %s", won.Load(), expected)
			}
			if got := d.read(as(anna), anna, "k"); got != "k="+winner.Load().(string) {
				t.Errorf("stored %s, the winner wrote %s", got, winner.Load())
			}
		}
	})
}

func TestSameKeyTwiceInABatch(t *testing.T) {
	onEachStore(t, func(t *testing.T, d *desk) {
		acks := d.mustWrite(as(anna), object("c/k", `{"n":1}`), object("c/other", `{}`), object("c/k", `{"n":2}`))
		if len(acks) != 3 || acks[0].Version != md5Hex(`{"n":1}`) || acks[1].Key != "other" || acks[2].Version != md5Hex(`{"n":2}`) {
			t.Errorf("acks %v", acks)
		}
		if got := d.read(as(anna), anna, "k", "other", "k"); got != `k={"n": 2} other={}` {
			t.Errorf("stored %s", got)
		}
		_, err := d.write(as(anna), object("c/k", `{"n":3}`), object("c/k", `{"n":4}`, version(md5Hex(`{"n":2}`))))
		refused(t, err, versionRefusal)
		d.mustWrite(as(anna), object("c/k", `{"n":3}`), object("c/k", `{"n":4}`, version(md5Hex(`{"n":3}`))))
	})
}

func TestWritePermission(t *testing.T) {
	onEachStore(t, func(t *testing.T, d *desk) {
		d.mustWrite(as(anna), object("c/sealed", `{}`, permissions(1, 0)), object("c/unseen", `{}`, permissions(0, 1)))
		f := func(want string, o *api.WriteStorageObject) {
			t.Helper()
			_, err := d.write(as(anna), o)
			refused(t, err, want)
		}
		f(permRefusal, object("c/sealed", `{}`, permissions(1, 0))) // the identical one, too
		f(permRefusal, object("c/sealed", `{}`, version("wrong")))
		f(versionRefusal, object("c/sealed", `{}`, version("*")))
		if want := []string{"c permission", "c permission", "c version"}; !slices.Equal(d.rejected, want) {
			t.Errorf("rejections counted: %q", d.rejected)
		}
		if got := d.read(as(anna), anna, "sealed", "unseen"); got != "sealed={}" {
			t.Errorf("the owner sees %s", got)
		}
		d.mustWrite(as(anna), object("c/unseen", `{"n":2}`)) // overwritten unseen
		if got := d.read(as(anna), anna, "unseen"); got != `unseen={"n": 2}` {
			t.Errorf("the owner sees %s", got)
		}
		// Owners differ, so these are other objects than anna's.
		d.mustWrite(as(ben), object("c/sealed", `{"n":3}`))
		if got := d.read(as(anna), anna, "sealed"); got != "sealed={}" {
			t.Errorf("another user's write changed %s", got)
		}
		if _, err := d.s.Write(t.Context(), server, []Write{{ID: ID{"c", "sealed", anna}, Value: `{"n":4}`, PermissionRead: 1}}); err != nil {
			t.Errorf("server code: %v", err)
		}
	})
}

func TestReadPermission(t *testing.T) {
	onEachStore(t, func(t *testing.T, d *desk) {
		d.mustWrite(as(anna), object("c/0", `{}`, permissions(0, 1)), object("c/1", `{}`, permissions(1, 1)), object("c/2", `{}`, permissions(2, 1)))
		if _, err := d.s.Write(t.Context(), server, []Write{{ID: ID{Collection: "c", Key: "sys"}, Value: `{"s":1}`, PermissionRead: 2},
			{ID: ID{Collection: "c", Key: "own"}, Value: `{"s":1}`, PermissionRead: 1}}); err != nil {
			t.Fatal(err)
		}
		f := func(want string, c op.Caller, owner id.UUID, keys ...string) {
			t.Helper()
			if got := d.read(c, owner, keys...); got != want {
				t.Errorf("read %q, want %q", got, want)
			}
		}
		f("1={} 2={}", as(anna), anna, "0", "1", "2", "none")
		f("2={}", as(ben), anna, "0", "1", "2")
		f("0={} 1={} 2={}", server, anna, "0", "1", "2")
		f(`sys={"s": 1}`, as(anna), id.UUID{}, "sys", "own", "1") // without an owner: the system's
		f("", as(anna), anna, strings.Repeat("k", 500), "no such")
		f("", as(anna), anna)

		g := func(want string, o *api.ReadStorageObjectId) {
			t.Helper()
			_, err := d.call(as(anna), "ReadStorageObjects", &api.ReadStorageObjectsRequest{ObjectIds: []*api.ReadStorageObjectId{o}})
			refused(t, err, want)
		}
		g(nameRefusal, &api.ReadStorageObjectId{Key: "k"})
		g(nameRefusal, &api.ReadStorageObjectId{Collection: "c"})
		g(userRefusal, &api.ReadStorageObjectId{Collection: "c", Key: "k", UserId: "me"})
		g(userRefusal, &api.ReadStorageObjectId{Collection: "c", Key: "k", UserId: id.UUID{}.String()})
		g("3 "+ErrNameText.Message, &api.ReadStorageObjectId{Collection: "c", Key: "\x00"})
	})
}

func TestDelete(t *testing.T) {
	onEachStore(t, func(t *testing.T, d *desk) {
		d.mustWrite(as(anna), object("c/a", `{}`), object("c/b", `{}`, permissions(0, 1)), object("c/sealed", `{}`, permissions(2, 0)))
		f := func(want string, c op.Caller, ids ...*api.DeleteStorageObjectId) {
			t.Helper()
			_, err := d.call(c, "DeleteStorageObjects", &api.DeleteStorageObjectsRequest{ObjectIds: ids})
			if want == "" && err == nil {
				return
			}
			refused(t, err, want)
		}
		named := func(key, version string) *api.DeleteStorageObjectId {
			return &api.DeleteStorageObjectId{Collection: "c", Key: key, Version: version}
		}
		f("", as(anna))
		f(nameRefusal, as(anna), named("", ""))
		f(deleteRefusal, as(anna), named("a", ""), named("none", ""))
		f(deleteRefusal, as(anna), named("a", ""), named("a", ""))
		f(deleteRefusal, as(anna), named("a", ""), named("b", "wrong"))
		f(deleteRefusal, as(anna), named("a", ""), named("sealed", ""))
		f(deleteRefusal, as(anna), named("a", ""), named(strings.Repeat("k", 500), ""))
		f(deleteRefusal, as(ben), named("a", ""))
		if got := d.read(as(anna), anna, "a"); got != "a={}" {
			t.Fatal("a refused batch deleted something")
		}
		f("", as(anna), named("a", md5Hex(`{}`)), named("b", ""))
		if got := d.read(server, anna, "a", "b", "sealed"); got != "sealed={}" {
			t.Errorf("left: %s", got)
		}
		if err := d.s.Delete(t.Context(), server, []Delete{{ID{"c", "sealed", anna}, ""}, {ID{"c", "none", ben}, ""}}); err != nil {
			t.Errorf("server code: %v", err)
		}
		if err := d.s.Delete(t.Context(), server, []Delete{{ID{"c", "none", ben}, "v"}}); !errors.Is(err, ErrDelete) {
			t.Errorf("server code with a version: %v", err)
		}
	})
}

// list follows cursors with pages of limit, and gives "key/owner" in order.
func (d *desk) list(c op.Caller, owner string, limit int32) string {
	d.t.Helper()
	in := &api.ListStorageObjectsRequest{Collection: "c", UserId: owner, Limit: wrapperspb.Int32(limit)}
	var all []string
	for {
		out, err := d.call(c, "ListStorageObjects", in)
		if err != nil {
			d.t.Fatal(err)
		}
		page := out.(*api.StorageObjectList)
		if len(page.Objects) > int(limit) || len(page.Objects) < int(limit) && page.Cursor != "" {
			d.t.Errorf("a page of %d with cursor %q", len(page.Objects), page.Cursor)
		}
		for _, o := range page.Objects {
			all = append(all, o.Key+"/"+map[string]string{anna.String(): "a", ben.String(): "b", id.UUID{}.String(): "s"}[o.UserId])
		}
		if in.Cursor = page.Cursor; in.Cursor == "" {
			return strings.Join(all, " ")
		}
	}
}

func TestList(t *testing.T) {
	onEachStore(t, func(t *testing.T, d *desk) {
		for _, c := range []op.Caller{as(ben), as(anna)} {
			d.mustWrite(c, object("c/p2", `{}`, permissions(2, 1)), object("c/P1", `{}`, permissions(2, 0)), object("c/é", `{}`, permissions(2, 0)),
				object("c/own2", `{}`), object("c/own1", `{}`), object("c/hidden", `{}`, permissions(0, 1)), object("d/p1", `{}`, permissions(2, 1)))
		}
		if _, err := d.s.Write(t.Context(), server, []Write{{ID: ID{Collection: "c", Key: "p0"}, Value: `{}`, PermissionRead: 2}}); err != nil {
			t.Fatal(err)
		}
		for _, limit := range []int32{1, 2, 3, 100} {
			f := func(c op.Caller, owner, want string) {
				t.Helper()
				if got := d.list(c, owner, limit); got != want {
					t.Errorf("pages of %d: %s\nwant %s", limit, got, want)
				}
			}
			f(as(anna), "", "P1/a P1/b p0/s p2/a p2/b é/a é/b")
			f(as(anna), anna.String(), "own1/a own2/a P1/a p2/a é/a")
			f(as(anna), strings.ToUpper(ben.String()), "P1/b p2/b é/b")
			f(as(anna), id.UUID{}.String(), "p0/s")
			f(server, "", "P1/a P1/b hidden/a hidden/b own1/a own1/b own2/a own2/b p0/s p2/a p2/b é/a é/b")
			f(server, anna.String(), "hidden/a own1/a own2/a P1/a p2/a é/a")
		}
		in := &api.ListStorageObjectsRequest{Collection: "c"}
		out, err := d.call(as(anna), "ListStorageObjects", in)
		if err != nil || len(out.(*api.StorageObjectList).Objects) != 1 {
			t.Errorf("the default limit gave %v, %v", out, err)
		}
		if out, err = d.call(as(anna), "ListStorageObjects", &api.ListStorageObjectsRequest{Collection: strings.Repeat("c", 500)}); err != nil || proto.Size(out) != 0 {
			t.Errorf("an unknown collection lists %v, %v", out, err)
		}
	})
}

func TestListRefusals(t *testing.T) {
	onEachStore(t, func(t *testing.T, d *desk) {
		d.mustWrite(as(anna), object("c/a", `{}`, permissions(0, 1)), object("c/b", `{}`, permissions(0, 1)))
		f := func(want string, in *api.ListStorageObjectsRequest) {
			t.Helper()
			in.Collection += "c"
			_, err := d.call(as(anna), "ListStorageObjects", in)
			refused(t, err, want)
		}
		const limit, cursor = "3 Invalid limit - limit must be between 1 and 100.", "3 Malformed cursor was used."
		f(limit, &api.ListStorageObjectsRequest{Limit: wrapperspb.Int32(0)})
		f(limit, &api.ListStorageObjectsRequest{Limit: wrapperspb.Int32(101)})
		f(limit, &api.ListStorageObjectsRequest{Limit: wrapperspb.Int32(-1)})
		f(userRefusal, &api.ListStorageObjectsRequest{UserId: "x"})
		f("3 "+ErrNameText.Message, &api.ListStorageObjectsRequest{Collection: "\x00"})
		f(cursor, &api.ListStorageObjectsRequest{Cursor: "%"})
		f(cursor, &api.ListStorageObjectsRequest{Cursor: "AAAA"})
		// One that points before the owner's hidden objects must not open them.
		forged := cursorAt(&Object{Key: "a", UserID: anna, Read: 0})
		f(cursor, &api.ListStorageObjectsRequest{Cursor: forged, UserId: anna.String()})
		f(cursor, &api.ListStorageObjectsRequest{Cursor: forged})
		f(cursor, &api.ListStorageObjectsRequest{Cursor: cursorAt(&Object{Key: "a\x00", UserID: anna, Read: 2})})
	})
}

// TestBatchAcrossUsers: server code writes for several users in one unit that also does other things.
func TestBatchAcrossUsers(t *testing.T) {
	onEachStore(t, func(t *testing.T, d *desk) {
		writes := []Write{{ID: ID{"c", "k", anna}, Value: `{}`, PermissionRead: 1}, {ID: ID{"c", "k", ben}, Value: `{}`, PermissionRead: 4, Version: MustNotExist}}
		b, err := New(Config{}).Prepare(server, writes)
		if err != nil {
			t.Fatal(err)
		}
		unit := func(tx store.Tx) error {
			if err := New(Config{}).Remove(tx, server, []Delete{{ID{"c", "old", anna}, ""}}); err != nil {
				return err
			}
			_, err := b.Put(tx, server)
			return err
		}
		d.mustWrite(as(anna), object("c/old", `{}`))
		if err := d.db.Write(t.Context(), b.Hints(), unit); err != nil {
			t.Fatal(err)
		}
		if got := d.read(server, anna, "k", "old") + d.read(server, ben, "k"); got != "k={}k={}" {
			t.Errorf("stored %s", got)
		}
		if got := d.read(as(ben), ben, "k"); got != "" {
			t.Errorf("read permission 4 is seen: %s", got)
		}
		err = d.db.Write(t.Context(), b.Hints(), unit)
		d.s.CountRejection(err)
		if !errors.Is(err, ErrVersion) || len(d.rejected) != 1 {
			t.Errorf("the second unit answered %v, counted %q", err, d.rejected)
		}
	})
}

func TestTroubleIsTold(t *testing.T) {
	onEachStore(t, func(t *testing.T, d *desk) {
		ghost := as(id.UUID{15: 77}) // a token of an account that is gone
		_, err := d.write(ghost, object("c/k", `{}`))
		refused(t, err, "5 Account not found.")
		if err := d.db.Close(); err != nil {
			t.Fatal(err)
		}
		_, err = d.write(as(anna), object("c/k", `{}`))
		refused(t, err, "14 Storage is not available.")
	})
}

func FuzzCursor(f *testing.F) {
	f.Add(cursorAt(&Object{Key: "k", UserID: anna, Read: 2}))
	f.Add("")
	f.Add("AAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, text string) {
		at, err := parseCursor(text)
		if err != nil {
			return
		}
		again, err := parseCursor(cursorAt(&Object{Key: at.key, UserID: at.user, Read: at.read}))
		if err != nil || again != at {
			t.Errorf("%q: %v became %v, %v", text, at, again, err)
		}
	})
}

func FuzzValue(f *testing.F) {
	for _, text := range []string{`{}`, `{"a":[1,2.50,1e3]}`, `{"a":"\ud83d\ude00"}`, `{"a":"\ud800"}`, "{\"a\":\"\xff\"}"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		kept, err := normal(text)
		if err == nil && !strings.HasPrefix(string(kept), "{") {
			t.Errorf("%q is kept as %q", text, kept)
		}
	})
}
