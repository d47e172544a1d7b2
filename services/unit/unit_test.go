package unit

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/persist/storetest/each"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/account"
	"github.com/skirmishgg/skirmish/services/storage"
	"github.com/skirmishgg/skirmish/services/wallet"
)

func TestMain(m *testing.M) { each.Main(m) }

var (
	anna  = id.UUID{0: 0xa, 15: 1}
	ben   = id.UUID{0: 0xb, 15: 1}
	ghost = id.UUID{15: 77}

	server = op.Caller{Trusted: true}
)

type desk struct {
	*Service
	t        *testing.T
	rejected atomic.Int32
}

func onEachStore(t *testing.T, f func(t *testing.T, d *desk)) {
	each.Store(t, func(t *testing.T, db store.DB, _ *each.Clock) {
		for name, u := range map[string]id.UUID{"anna": anna, "ben": ben} {
			if err := db.Write(t.Context(), nil, func(tx store.Tx) error {
				return store.Put(tx, schema.Users, account.NewRow(u, name, tx.Now()))
			}); err != nil {
				t.Fatal(err)
			}
		}
		d := &desk{t: t}
		d.Service = New(Config{DB: db, Storage: storage.New(storage.Config{DB: db, Rejected: func(string, storage.Reason) { d.rejected.Add(1) }})})
		f(t, d)
	})
}

// state is everything a unit can change of anna and ben.
func (d *desk) state() string {
	d.t.Helper()
	users, err := store.GetMany(d.t.Context(), d.c.DB, schema.Users, []any{anna}, []any{ben})
	if err != nil {
		d.t.Fatal(err)
	}
	objects, err := d.c.Storage.List(d.t.Context(), server, storage.Listing{Collection: "c", Limit: 100})
	if err != nil {
		d.t.Fatal(err)
	}
	var text string
	for _, u := range users {
		text += u.Username + string(u.Metadata) + string(u.Wallet) + " "
	}
	for _, o := range objects.Objects {
		text += o.Key + string(o.Value)
	}
	return text
}

func named(key string) storage.ID { return storage.ID{Collection: "c", Key: key, UserID: anna} }

func write(key, value, version string) storage.Write {
	return storage.Write{ID: named(key), Value: value, Version: version, PermissionRead: 1, PermissionWrite: 1}
}

func rename(user id.UUID, name string) Profile {
	return Profile{user, account.Update{Username: &name}}
}

func TestUnit(t *testing.T) {
	onEachStore(t, func(t *testing.T, d *desk) {
		metadata := store.JSON(`{"level": 2}`)
		r, err := d.Do(t.Context(), server, Unit{
			Profiles: []Profile{rename(anna, "anna2"), {ben, account.Update{Metadata: &metadata}}},
			Writes:   []storage.Write{write("a", `{"n":1}`, "*"), write("gone", `{}`, "")},
			Deletes:  []storage.Delete{{ID: named("gone")}},
			Wallets:  []wallet.Change{{UserID: anna, Amounts: wallet.Amounts{"gold": 5}}, {UserID: ben, Amounts: wallet.Amounts{"gold": 1}}},
			Ledger:   true,
		})
		if err != nil || len(r.Objects) != 2 || r.Objects[0].Key != "a" || len(r.Wallets) != 2 || r.Wallets[0].Updated["gold"] != 5 {
			t.Fatalf("%+v %v", r, err)
		}
		const done = `anna2{}{"gold": 5} ben{"level": 2}{"gold": 1} a{"n": 1}`
		if got := d.state(); got != done {
			t.Errorf("the state is %s", got)
		}
		if items, _, err := wallet.New(d.c.DB).Ledger(t.Context(), anna, 10, ""); err != nil || len(items) != 1 {
			t.Errorf("the ledger has %d items, %v", len(items), err)
		}

		f := func(want string, change func(*Unit)) {
			t.Helper()
			u := Unit{
				Profiles: []Profile{rename(anna, "other")},
				Writes:   []storage.Write{write("b", `{}`, "")},
				Deletes:  []storage.Delete{{ID: named("a")}},
				Wallets:  []wallet.Change{{UserID: anna, Amounts: wallet.Amounts{"gold": 1}}},
			}
			change(&u)
			_, err := d.Do(t.Context(), server, u)
			if err == nil || err.Error() != want {
				t.Errorf("refused with %v, want %s", err, want)
			}
			if got := d.state(); got != done {
				t.Errorf("a refused unit left %s", got)
			}
		}
		f(account.ErrUsernameInUse.Message, func(u *Unit) { u.Profiles = append(u.Profiles, rename(anna, "ben")) })
		f(account.ErrNotFound.Message, func(u *Unit) { u.Profiles = append(u.Profiles, rename(ghost, "ghost")) })
		f(account.ErrNoFields.Message, func(u *Unit) { u.Profiles = append(u.Profiles, Profile{UserID: ben}) })
		f(storage.ErrVersion.Message, func(u *Unit) { u.Writes = append(u.Writes, write("a", `{}`, "*")) })
		f(storage.ErrValue.Message, func(u *Unit) { u.Writes = append(u.Writes, write("a", `1`, "")) })
		f(storage.ErrDelete.Message, func(u *Unit) { u.Deletes = append(u.Deletes, storage.Delete{ID: named("none"), Version: "v"}) })
		f(storage.ErrName.Message, func(u *Unit) { u.Deletes = append(u.Deletes, storage.Delete{}) })
		f("wallet update rejected negative value at path 'gold'", func(u *Unit) { u.Wallets[0].Amounts["gold"] = -6 })
		f(wallet.ErrUser.Message, func(u *Unit) { u.Wallets[0].UserID = ghost })
		f(account.ErrNotFound.Message, func(u *Unit) { u.Writes[0].UserID = ghost })
		if d.rejected.Load() != 1 {
			t.Errorf("%d rejections of stored objects are counted", d.rejected.Load())
		}
		if r, err := d.Do(t.Context(), server, Unit{}); err != nil || r.Objects != nil || r.Wallets != nil {
			t.Errorf("an empty unit gives %v, %v", r, err)
		}
	})
}

// TestUnitsAtOnce: twenty buy the one thing that is there; one of them pays, and only once.
func TestUnitsAtOnce(t *testing.T) {
	onEachStore(t, func(t *testing.T, d *desk) {
		if _, err := d.Do(t.Context(), server, Unit{Wallets: []wallet.Change{{UserID: anna, Amounts: wallet.Amounts{"gold": 100}}}}); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		var bought atomic.Int32
		for n := range 20 {
			wg.Go(func() {
				_, err := d.Do(t.Context(), server, Unit{
					Writes:  []storage.Write{write("sword", fmt.Sprintf(`{"n": %d}`, n), "*")},
					Wallets: []wallet.Change{{UserID: anna, Amounts: wallet.Amounts{"gold": -10}}},
				})
				switch {
				case err == nil:
					bought.Add(1)
				case !errors.Is(err, storage.ErrVersion) || errs.Of(err).Code != errs.InvalidArgument:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		users, err := store.GetMany(t.Context(), d.c.DB, schema.Users, []any{anna})
		if err != nil || bought.Load() != 1 || users[0].Wallet != `{"gold": 90}` {
			t.Errorf("bought %d times, left with %s, %v", bought.Load(), users[0].Wallet, err)
		}
	})
}
