package wallet

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/persist/storetest/each"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/account"
)

func TestMain(m *testing.M) { each.Main(m) }

var (
	anna  = id.UUID{0: 0xa, 15: 1}
	ben   = id.UUID{0: 0xb, 15: 1}
	ghost = id.UUID{15: 77} // has no account
)

// desk is the wallets of one store.
type desk struct {
	*Service
	*each.Clock
	t *testing.T
}

func onEachStore(t *testing.T, f func(t *testing.T, d *desk)) {
	each.Store(t, func(t *testing.T, db store.DB, clock *each.Clock) {
		for _, u := range []id.UUID{anna, ben} {
			if err := db.Write(t.Context(), nil, func(tx store.Tx) error {
				return store.Put(tx, schema.Users, account.NewRow(u, u.String(), tx.Now()))
			}); err != nil {
				t.Fatal(err)
			}
		}
		f(t, &desk{New(db), clock, t})
	})
}

// change is one change of one key.
func change(user id.UUID, key string, amount int64) Change {
	return Change{UserID: user, Amounts: Amounts{key: amount}}
}

func (d *desk) must(changes ...Change) []Result {
	d.t.Helper()
	r, err := d.Update(d.t.Context(), changes, true)
	if err != nil {
		d.t.Fatal(err)
	}
	return r
}

// row is a user's account as it is stored.
func (d *desk) row(user id.UUID) *schema.User {
	d.t.Helper()
	rows, err := store.GetMany(d.t.Context(), d.db, schema.Users, []any{user})
	if err != nil {
		d.t.Fatal(err)
	}
	return rows[0]
}

func (d *desk) holds(user id.UUID, want string) {
	d.t.Helper()
	if got := d.row(user).Wallet; string(got) != want {
		d.t.Errorf("the wallet is %s, want %s", got, want)
	}
}

// lines are a user's whole ledger in pages of limit, newest first.
func (d *desk) lines(user id.UUID, limit int) (all []string) {
	d.t.Helper()
	for cursor := ""; ; {
		items, next, err := d.Ledger(d.t.Context(), user, limit, cursor)
		if err != nil {
			d.t.Fatal(err)
		}
		for _, i := range items {
			all = append(all, string(i.Changeset)+string(i.Metadata))
		}
		if next == "" {
			return all
		}
		if len(items) != limit {
			d.t.Fatalf("a page of %d has %d items and a cursor", limit, len(items))
		}
		cursor = next
	}
}

func TestUpdate(t *testing.T) {
	onEachStore(t, func(t *testing.T, d *desk) {
		r := d.must(Change{anna, Amounts{"gold": 10, "gems": 3}, `{"why": "start"}`}, change(ben, "gold", 5), change(anna, "gold", -4))
		if len(r) != 3 || !maps.Equal(r[0].Updated, Amounts{"gold": 10, "gems": 3}) || len(r[0].Previous) != 0 || r[0].UserID != anna ||
			!maps.Equal(r[1].Updated, Amounts{"gold": 5}) || r[1].UserID != ben ||
			!maps.Equal(r[2].Previous, Amounts{"gold": 10, "gems": 3}) || !maps.Equal(r[2].Updated, Amounts{"gold": 6, "gems": 3}) {
			t.Errorf("results %v", r)
		}
		d.holds(anna, `{"gems": 3, "gold": 6}`)
		d.holds(ben, `{"gold": 5}`)
		d.must(change(anna, "gold", -6))
		d.holds(anna, `{"gems": 3, "gold": 0}`) // what is spent stays a key

		before := d.row(ben).UpdateTime
		d.Advance(time.Hour)
		d.must(change(ben, "gold", 0))
		if got := d.row(ben).UpdateTime; !got.Equal(before) {
			t.Errorf("adding nothing is an update at %v", got)
		}
		d.must(change(ben, "gold", 1))
		if got := d.row(ben).UpdateTime; !got.After(before) {
			t.Errorf("an update is not noted: %v", got)
		}
		if r, err := d.Update(t.Context(), nil, true); err != nil || r != nil {
			t.Errorf("no changes give %v, %v", r, err)
		}
	})
}

func TestRefusedTogether(t *testing.T) {
	onEachStore(t, func(t *testing.T, d *desk) {
		d.must(change(anna, "gold", 10), change(ben, "gold", math.MaxInt64))
		d.Advance(time.Second)
		f := func(want string, c ...Change) {
			t.Helper()
			_, err := d.Update(t.Context(), append([]Change{change(anna, "gold", 1)}, c...), true)
			if err == nil || err.Error() != want {
				t.Errorf("refused with %v, want %s", err, want)
			}
			d.holds(anna, `{"gold": 10}`)
			d.holds(ben, `{"gold": 9223372036854775807}`)
		}
		negative := func(key string) string { return "wallet update rejected negative value at path '" + key + "'" }
		f(negative("gold"), change(anna, "gold", -12))
		f(negative("gems"), change(ben, "gems", -1))
		f(negative("a"), Change{UserID: ben, Amounts: Amounts{"z": -1, "b": -1, "a": -1}})
		f(negative("gold"), change(ben, "gold", math.MinInt64))
		f("wallet update rejected value at path 'gold': more than can be counted", change(ben, "gold", 1))
		f("user not found", change(ghost, "gold", 1))
		f(ErrKey.Message, change(anna, "a\x00", 1))
		f(ErrKey.Message, change(anna, "\xff", 1))
		f(ErrMetadata.Message, Change{anna, Amounts{}, `[]`})
		f(ErrMetadata.Message, Change{anna, Amounts{}, `{"a": "\u0000"}`})
		f(ErrMetadata.Message, Change{anna, Amounts{}, `{`})
		if got := len(d.lines(anna, 100)); got != 1 {
			t.Errorf("refused changes left %d items", got)
		}

		_, err := d.Update(t.Context(), []Change{change(anna, "gold", -11)}, false)
		var n *NegativeError
		if !errors.As(err, &n) || *n != (NegativeError{anna, "gold", 10, -11}) || errs.Of(err).Code != errs.InvalidArgument {
			t.Errorf("%v", err)
		}
	})
}

// TestMoneyIsNeitherMadeNorLost: users pay each other at the same time, more than they have; what all have together stays.
func TestMoneyIsNeitherMadeNorLost(t *testing.T) {
	onEachStore(t, func(t *testing.T, d *desk) {
		d.must(change(anna, "gold", 10), change(ben, "gold", 10))
		var wg sync.WaitGroup
		var paid [2]atomic.Int64
		for n := range 80 {
			wg.Go(func() {
				from, to := anna, ben
				if n%2 == 1 {
					from, to = ben, anna
				}
				_, err := d.Update(t.Context(), []Change{change(to, "gold", 3), change(from, "gold", -3)}, true)
				var refused *NegativeError
				switch {
				case err == nil:
					paid[n%2].Add(1)
				case !errors.As(err, &refused):
					t.Error(err)
				}
			})
		}
		wg.Wait()
		moved := 3 * (paid[1].Load() - paid[0].Load())
		d.holds(anna, fmt.Sprintf(`{"gold": %d}`, 10+moved))
		d.holds(ben, fmt.Sprintf(`{"gold": %d}`, 10-moved))
		if got, want := len(d.lines(anna, 7)), int(1+paid[0].Load()+paid[1].Load()); got != want {
			t.Errorf("%d items for %d changes", got, want)
		}
	})
}

// TestTheLastCoin: fifty want one of ten coins each.
func TestTheLastCoin(t *testing.T) {
	onEachStore(t, func(t *testing.T, d *desk) {
		d.must(change(anna, "gold", 10))
		var wg sync.WaitGroup
		var won atomic.Int32
		for range 50 {
			wg.Go(func() {
				if _, err := d.Update(t.Context(), []Change{change(anna, "gold", -1)}, false); err == nil {
					won.Add(1)
				}
			})
		}
		wg.Wait()
		if won.Load() != 10 {
			t.Errorf("%d were paid", won.Load())
		}
		d.holds(anna, `{"gold": 0}`)
	})
}

func TestLedger(t *testing.T) {
	onEachStore(t, func(t *testing.T, d *desk) {
		for n := range 5 {
			d.Advance(time.Second)
			d.must(Change{anna, Amounts{"gold": int64(n + 1)}, store.JSON(fmt.Sprintf(`{"n": %d}`, n+1))}, change(ben, "gold", 1))
		}
		want := []string{`{"gold": 5}{"n": 5}`, `{"gold": 4}{"n": 4}`, `{"gold": 3}{"n": 3}`, `{"gold": 2}{"n": 2}`, `{"gold": 1}{"n": 1}`}
		for _, limit := range []int{1, 2, 4, 5, 100} {
			if got := d.lines(anna, limit); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("in pages of %d: %v", limit, got)
			}
		}
		if got := d.lines(ben, 100); len(got) != 5 || got[0] != `{"gold": 1}{}` {
			t.Errorf("ben's: %v", got)
		}
		if items, next, err := d.Ledger(t.Context(), anna, 0, ""); len(items) != 0 || next != "" || err != nil {
			t.Errorf("a page of none: %v %q %v", items, next, err)
		}
		for _, bad := range []string{"x", "AAAA", cursorAt(time.UnixMicro(-1), anna)} {
			if _, _, err := d.Ledger(t.Context(), anna, 1, bad); !errors.Is(err, ErrCursor) {
				t.Errorf("cursor %q: %v", bad, err)
			}
		}
		if _, err := d.Update(t.Context(), []Change{change(anna, "gold", 1)}, false); err != nil || len(d.lines(anna, 100)) != 5 {
			t.Errorf("a change that is not to be noted down: %v", err)
		}
	})
}

func TestAnnotateAndRemove(t *testing.T) {
	onEachStore(t, func(t *testing.T, d *desk) {
		d.must(Change{anna, Amounts{"gold": 1}, `{"a": 1, "big": 12345678901234567890.50}`})
		items, _, err := d.Ledger(t.Context(), anna, 1, "")
		if err != nil {
			t.Fatal(err)
		}
		one := items[0].ID
		d.Advance(time.Second)
		row, err := d.Annotate(t.Context(), one, map[string]any{"a": "x", "b": []int{2}})
		if err != nil || !row.UpdateTime.After(row.CreateTime) {
			t.Errorf("%v %v", row, err)
		}
		if got := d.lines(anna, 9)[0]; got != `{"gold": 1}{"a": "x", "b": [2], "big": 12345678901234567890.50}` {
			t.Error(got)
		}
		a, _ := AmountsOf(row)
		m, _ := MetadataOf(row)
		if a["gold"] != 1 || m["a"] != "x" {
			t.Errorf("read as %v and %v", a, m)
		}
		if _, err := d.Annotate(t.Context(), ghost, nil); !errors.Is(err, ErrMetadata) {
			t.Errorf("null for metadata: %v", err)
		}
		if _, err := d.Annotate(t.Context(), ghost, map[string]any{}); !errors.Is(err, ErrItem) {
			t.Errorf("an unknown item: %v", err)
		}
		if err := d.Remove(t.Context(), ben, one); err != nil || len(d.lines(anna, 9)) != 1 {
			t.Errorf("removed as another's: %v", err)
		}
		if err := d.Remove(t.Context(), anna, one); err != nil || len(d.lines(anna, 9)) != 0 {
			t.Errorf("not removed: %v", err)
		}
		d.holds(anna, `{"gold": 1}`)
	})
}

// TestAForeignWallet: what other software left in a wallet is told, not overwritten.
func TestAForeignWallet(t *testing.T) {
	onEachStore(t, func(t *testing.T, d *desk) {
		for _, text := range []store.JSON{`{"gold": 1.5}`, `{"gold": {"n": 1}}`, `[]`} {
			row := d.row(anna)
			row.Wallet = text
			if err := d.db.Write(t.Context(), nil, func(tx store.Tx) error { return store.Put(tx, schema.Users, row) }); err != nil {
				t.Fatal(err)
			}
			if _, err := d.Update(t.Context(), []Change{change(anna, "gold", 1)}, false); err == nil || errs.Of(err).Code != errs.Internal {
				t.Errorf("%s: %v", text, err)
			}
			d.holds(anna, string(text))
		}
	})
}

func FuzzCursor(f *testing.F) {
	f.Add(cursorAt(each.Start, anna))
	f.Add("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, text string) {
		if at, item, ok := parseCursor(text); ok {
			if at2, item2, ok := parseCursor(cursorAt(at, item)); !ok || !at2.Equal(at) || item2 != item {
				t.Errorf("%q does not come back", text)
			}
		}
	})
}
