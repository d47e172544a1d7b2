// Package storetest is the suite that every store driver passes: the same rows in, the same rows and errors out.
// A driver's test calls Run with a function that opens an empty store.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/id"
)

// Thing has a column of every kind.
type Thing struct {
	ID      id.UUID    `db:"id"`
	Name    string     `db:"name"`
	Owner   *string    `db:"owner"`
	Rank    int64      `db:"rank"`
	Small   int16      `db:"small"`
	Count   int32      `db:"count"`
	On      bool       `db:"enabled"`
	Blob    []byte     `db:"blob"`
	Made    time.Time  `db:"made"`
	Ended   *time.Time `db:"ended"`
	Value   store.JSON `db:"value"`
	Subrank *int64     `db:"subrank"`
}

// Things is the suite's relation. Drivers that need it created find its SQL in DDL.
var Things = store.NewTable[Thing]("storetest_thing", "id",
	store.Unique("name"), store.Unique("owner"), store.Ordered("rank desc", "name"), store.Ordered("enabled", "made"), store.Ordered("small"))

// DDL creates the suite's relations on PostgreSQL.
const DDL = thingDDL + ";\n" + foreignDDL

const thingDDL = `CREATE TABLE storetest_thing (
	id UUID NOT NULL PRIMARY KEY, name VARCHAR(128) NOT NULL UNIQUE, owner VARCHAR(128) UNIQUE, rank BIGINT NOT NULL,
	small SMALLINT NOT NULL, count INT NOT NULL, enabled BOOLEAN NOT NULL, blob BYTEA, made TIMESTAMPTZ NOT NULL,
	ended TIMESTAMPTZ, value JSONB NOT NULL, subrank BIGINT)`

// Run holds a driver against the contract. open gives an empty store that lives until the test ends.
func Run(t *testing.T, open func(t *testing.T) store.DB) {
	for _, c := range []struct {
		name string
		test func(*testing.T, store.DB)
	}{
		{"every kind of column comes back", columns},
		{"a row read is a copy", copies},
		{"a failing function leaves nothing", failureLeavesNothing},
		{"unique keys", uniques},
		{"what goes with a row", children},
		{"a row needs its parent", parents},
		{"two functions on one row in a batch", sameRow},
		{"scans keep index order in both directions", scans},
		{"a transaction sees its own writes in scans", ownWritesInScans},
		{"cursors neither skip nor repeat", cursors},
		{"many keys and one range without a transaction", direct},
		{"text sorts bytewise", bytewise},
		{"an empty text is not NULL", empty},
		{"NUL bytes and what is no UTF-8 are refused", nul},
		{"a key that no row can have", impossible},
		{"a number that no column can have", tooLarge},
		{"after commit runs in order, once, and only for what was kept", afterCommit},
		{"parallel increments lose nothing", increments},
		{"a cancelled caller's write does not run", cancelled},
		{"a closed store refuses", closed},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
	}
}

func uid(n int) id.UUID { return id.UUID{0: byte(n >> 8), 1: byte(n), 15: 1} }

func thing(n int, name string) *Thing {
	return &Thing{ID: uid(n), Name: name, Made: time.UnixMicro(int64(n)).UTC(), Value: `{}`}
}

func write(t *testing.T, db store.DB, f func(store.Tx) error, hint ...store.Ref) {
	t.Helper()
	if err := db.Write(t.Context(), hint, f); err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, db store.DB, rows ...*Thing) {
	t.Helper()
	write(t, db, func(tx store.Tx) error {
		for _, r := range rows {
			if err := store.Put(tx, Things, r); err != nil {
				return err
			}
		}
		return nil
	})
}

func get(t *testing.T, db store.DB, n int) *Thing {
	t.Helper()
	var row *Thing
	err := db.Read(t.Context(), func(r store.Reader) (err error) {
		row, _, err = store.Get(r, Things, uid(n))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return row
}

func columns(t *testing.T, db store.DB) {
	owner, sub, ended := "me", int64(-9), time.Date(2026, 2, 28, 23, 59, 59, 123456000, time.UTC)
	f := func(want *Thing) {
		t.Helper()
		put(t, db, want)
		got := get(t, db, int(want.ID[1]))
		if got == nil || fmt.Sprintf("%+v", deref(got)) != fmt.Sprintf("%+v", deref(want)) {
			t.Errorf("wrote %+v\nread  %+v", deref(want), deref(got))
		}
	}
	f(&Thing{ID: uid(1), Name: "zero", Made: time.Unix(0, 0).UTC(), Value: `{}`})
	f(&Thing{ID: uid(2), Name: "full Ünïcode", Owner: &owner, Rank: -1 << 62, Small: -3, Count: 1 << 30, On: true,
		Blob: []byte{0, 255}, Made: ended, Ended: &ended, Value: `{"a": [1, "x"], "bb": 1}`, Subrank: &sub})
	f(&Thing{ID: uid(3), Name: "empty is not NULL", Blob: []byte{}, Made: ended, Value: `[]`})
	write(t, db, func(tx store.Tx) error { return store.Delete(tx, Things, uid(2)) })
	if get(t, db, 2) != nil {
		t.Error("a deleted row is read")
	}
	write(t, db, func(tx store.Tx) error { return store.Delete(tx, Things, uid(99)) }) // deleting nothing is no error
}

// deref prints pointers as what they point to.
func deref(t *Thing) []any {
	if t == nil {
		return nil
	}
	out := []any{t.ID, t.Name, nil, t.Rank, t.Small, t.Count, t.On, t.Blob == nil, t.Blob, t.Made, nil, t.Value, nil}
	if t.Owner != nil {
		out[2] = *t.Owner
	}
	if t.Ended != nil {
		out[10] = *t.Ended
	}
	if t.Subrank != nil {
		out[12] = *t.Subrank
	}
	return out
}

func copies(t *testing.T, db store.DB) {
	row := thing(1, "a")
	write(t, db, func(tx store.Tx) error {
		if err := store.Put(tx, Things, row); err != nil {
			return err
		}
		row.Rank = 7 // after Put: not stored
		back, ok, err := store.Get(tx, Things, uid(1))
		if err != nil || !ok || back.Rank != 0 {
			t.Errorf("the layer shares the caller's row: %+v %v", back, err)
		}
		back.Rank = 8
		return nil
	})
	if got := get(t, db, 1); got.Rank != 0 {
		t.Errorf("rank %d was never put", got.Rank)
	}
}

func failureLeavesNothing(t *testing.T, db store.DB) {
	put(t, db, thing(1, "a"))
	boom := errors.New("boom")
	ran := false
	err := db.Write(t.Context(), nil, func(tx store.Tx) error {
		if err := store.Put(tx, Things, thing(2, "b")); err != nil {
			return err
		}
		if err := store.Delete(tx, Things, uid(1)); err != nil {
			return err
		}
		tx.AfterCommit(func(store.Commit) { ran = true })
		return boom
	})
	if !errors.Is(err, boom) || ran || get(t, db, 2) != nil || get(t, db, 1) == nil {
		t.Errorf("a failed write answered %v, after-commit ran: %v", err, ran)
	}
}

func uniques(t *testing.T, db store.DB) {
	put(t, db, thing(1, "a"), thing(2, "b"))
	f := func(want string, rows ...*Thing) {
		t.Helper()
		err := db.Write(t.Context(), nil, func(tx store.Tx) error {
			for _, r := range rows {
				if err := store.Put(tx, Things, r); err != nil {
					return err
				}
			}
			return nil
		})
		var dup *store.DuplicateError
		if got := errors.As(err, &dup); got != (want != "") || got && dup.Columns != want {
			t.Errorf("got %v, want a duplicate of %q", err, want)
		}
	}
	f("name", thing(3, "a"))
	f("", thing(1, "a")) // the holder itself
	owner := "o"
	first, second := thing(4, "d"), thing(5, "e")
	first.Owner, second.Owner = &owner, &owner
	f("owner", first, second)
	f("", thing(6, "f"), thing(7, "g"))    // NULLs never clash
	write(t, db, func(tx store.Tx) error { // names may swap within one write, through a third
		return errors.Join(store.Put(tx, Things, thing(1, "tmp")), store.Put(tx, Things, thing(2, "a")), store.Put(tx, Things, thing(1, "b")))
	})
	if get(t, db, 1).Name != "b" || get(t, db, 2).Name != "a" {
		t.Error("names did not swap")
	}
	write(t, db, func(tx store.Tx) error { // a name is free once its holder is gone
		return errors.Join(store.Delete(tx, Things, uid(1)), store.Put(tx, Things, thing(8, "b")))
	})
	err := db.Read(t.Context(), func(r store.Reader) error {
		row, ok, err := store.GetBy(r, Things.By("name"), "b")
		if err == nil && (!ok || row.ID != uid(8)) {
			t.Errorf("name b belongs to %+v", row)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func sameRow(t *testing.T, db store.DB) {
	put(t, db, thing(1, "a"))
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			err := db.Write(context.Background(), []store.Ref{Things.Ref(uid(1))}, func(tx store.Tx) error {
				row, _, err := store.Get(tx, Things, uid(1))
				if err != nil {
					return err
				}
				row.Count++
				if row.Count%2 == 0 {
					row.Name += "x" // a changed unique key in the same batch
				}
				return store.Put(tx, Things, row)
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := get(t, db, 1); got.Count != 20 || got.Name != "a"+strings.Repeat("x", 10) {
		t.Errorf("count %d, name %q", got.Count, got.Name)
	}
}

func names(t *testing.T, r store.Reader, ix *store.Index[Thing], rng store.Range) []string {
	t.Helper()
	var out []string
	for row, err := range store.Scan(r, ix, rng) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, row.Name)
	}
	return out
}

func ranked(n int, name string, rank int64) *Thing {
	r := thing(n, name)
	r.Rank = rank
	return r
}

func scans(t *testing.T, db store.DB) {
	put(t, db, ranked(1, "a", 5), ranked(2, "b", 9), ranked(3, "c", 5), ranked(4, "d", -1))
	byRank := Things.By("rank desc", "name")
	f := func(rng store.Range, want string) {
		t.Helper()
		err := db.Read(t.Context(), func(r store.Reader) error {
			if got := strings.Join(names(t, r, byRank, rng), ""); got != want {
				t.Errorf("%+v yields %q, want %q", rng, got, want)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	f(store.Range{}, "bacd")
	f(store.Range{Reverse: true}, "dcab")
	f(store.Range{Limit: 2}, "ba")
	f(store.Range{Prefix: []any{int64(5)}}, "ac")
	f(store.Range{Prefix: []any{int64(5)}, Reverse: true}, "ca")
	f(store.Range{After: []any{int64(9)}}, "acd")
	f(store.Range{After: []any{int64(5), "a"}}, "cd")
	f(store.Range{After: []any{int64(5), "c"}, Reverse: true}, "ab")
	f(store.Range{Prefix: []any{int64(5)}, After: []any{int64(5), "a"}}, "c")
	f(store.Range{Prefix: []any{int64(77)}}, "")
}

func ownWritesInScans(t *testing.T, db store.DB) {
	put(t, db, ranked(1, "a", 1), ranked(2, "b", 2), ranked(3, "c", 3))
	write(t, db, func(tx store.Tx) error {
		if err := errors.Join(store.Delete(tx, Things, uid(2)), store.Put(tx, Things, ranked(3, "c", 0)),
			store.Put(tx, Things, ranked(4, "d", 2))); err != nil {
			return err
		}
		byRank := Things.By("rank desc")
		if got := strings.Join(names(t, tx, byRank, store.Range{}), ""); got != "dac" {
			t.Errorf("scan of own writes: %q", got)
		}
		if got := strings.Join(names(t, tx, byRank, store.Range{Limit: 1, Reverse: true}), ""); got != "c" {
			t.Errorf("limited reverse scan of own writes: %q", got)
		}
		return nil
	})
}

func cursors(t *testing.T, db store.DB) {
	var rows []*Thing
	for n := range 57 {
		rows = append(rows, ranked(n+1, fmt.Sprintf("n%02d", n), int64(n%3)))
	}
	put(t, db, rows...)
	var got []string
	var after []any
	for {
		page := 0
		err := db.Read(t.Context(), func(r store.Reader) error {
			for row, err := range store.Scan(r, Things.By("rank desc", "name"), store.Range{After: after, Limit: 10}) {
				if err != nil {
					return err
				}
				got, after, page = append(got, row.Name), []any{row.Rank, row.Name}, page+1
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if page == 0 {
			break
		}
	}
	if unique := slices.Compact(slices.Sorted(slices.Values(got))); len(got) != 57 || len(unique) != 57 {
		t.Errorf("pages hold %d rows, %d different ones, of 57", len(got), len(unique))
	}
}

// direct reads the same as a transaction would: keys asked twice, missing ones, none, and a limited range.
func direct(t *testing.T, db store.DB) {
	put(t, db, ranked(1, "a", 5), ranked(2, "b", 9), ranked(3, "c", 5))
	f := func(want string, keys ...int) {
		t.Helper()
		var all [][]any
		for _, n := range keys {
			all = append(all, []any{uid(n)})
		}
		rows, err := store.GetMany(t.Context(), db, Things, all...)
		got := ""
		for _, r := range rows {
			if r == nil {
				got += "-"
			} else {
				got += r.Name
			}
		}
		if err != nil || got != want {
			t.Errorf("keys %v read %q, %v; want %q", keys, got, err, want)
		}
	}
	f("")
	f("b", 2)
	f("-", 9)
	f("c-aca", 3, 9, 1, 3, 1)
	byName, err := store.GetManyBy(t.Context(), db, Things.By("name"), []any{"c"}, []any{"z"}, []any{"c"})
	if err != nil || len(byName) != 3 || byName[0].ID != uid(3) || byName[1] != nil || byName[0] == byName[2] {
		t.Errorf("names c, z, c read %v, %v", byName, err)
	}
	g := func(want string, rng store.Range) {
		t.Helper()
		rows, err := store.List(t.Context(), db, Things.By("rank desc", "name"), rng)
		got := ""
		for _, r := range rows {
			got += r.Name
		}
		if err != nil || got != want {
			t.Errorf("%+v lists %q, %v; want %q", rng, got, err, want)
		}
		keys, err := store.ListKeys(t.Context(), db, Things.By("rank desc", "name"), rng)
		same := func(k, r *Thing) bool { return k.ID == r.ID && k.Name == r.Name && k.Rank == r.Rank }
		if err != nil || !slices.EqualFunc(keys, rows, same) {
			t.Errorf("%+v: keys %v, %v; rows %v", rng, keys, err, rows)
		}
	}
	g("bac", store.Range{})
	g("ca", store.Range{Reverse: true, Limit: 2})
	g("c", store.Range{Prefix: []any{int64(5)}, After: []any{int64(5), "a"}})
	g("", store.Range{Prefix: []any{int64(4)}})
}

func bytewise(t *testing.T, db store.DB) {
	put(t, db, thing(1, "b"), thing(2, "B"), thing(3, "a"), thing(4, "é"), thing(5, "_"), thing(6, "Z z"))
	err := db.Read(t.Context(), func(r store.Reader) error {
		got := names(t, r, Things.By("name"), store.Range{})
		if !slices.IsSorted(got) || len(got) != 6 {
			t.Errorf("order %q is not bytewise", got)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func empty(t *testing.T, db store.DB) {
	none := ""
	first, second := thing(1, ""), thing(2, "b")
	first.Owner = &none
	put(t, db, first, second)
	f := func(ix *store.Index[Thing], rng store.Range, want string) {
		t.Helper()
		err := db.Read(t.Context(), func(r store.Reader) error {
			if got := fmt.Sprintf("%q", names(t, r, ix, rng)); got != want {
				t.Errorf("%+v yields %s, want %s", rng, got, want)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	f(Things.By("name"), store.Range{Prefix: []any{""}}, `[""]`)
	f(Things.By("name"), store.Range{After: []any{""}}, `["b"]`)
	f(Things.By("owner"), store.Range{Prefix: []any{""}}, `[""]`)
	f(Things.By("owner"), store.Range{Prefix: []any{nil}}, `["b"]`)
	write(t, db, func(tx store.Tx) error {
		if row, ok, err := store.GetBy(tx, Things.By("name"), ""); err != nil || !ok || row.ID != first.ID {
			t.Errorf("by an empty name: %v, %v", row, err)
		}
		return nil
	})
}

func nul(t *testing.T, db store.DB) {
	for _, row := range []*Thing{thing(1, "a\x00b"), thing(3, "no UTF-8: \xff"), {ID: uid(2), Name: "v", Made: time.Unix(0, 0), Value: "\"\x00\""}} {
		err := db.Write(t.Context(), nil, func(tx store.Tx) error { return store.Put(tx, Things, row) })
		if !errors.Is(err, store.ErrInvalidValue) {
			t.Errorf("a NUL byte answered %v", err)
		}
	}
}

// impossible keys find nothing, alone and among others; a cursor of such text is refused.
func impossible(t *testing.T, db store.DB) {
	put(t, db, thing(1, "a"), thing(2, "b"))
	for _, name := range []string{"a\x00", "\xff"} {
		rows, err := store.GetManyBy(t.Context(), db, Things.By("name"), []any{name}, []any{"b"})
		if err != nil || len(rows) != 2 || rows[0] != nil || rows[1] == nil {
			t.Errorf("%q and b read %v, %v", name, rows, err)
		}
		if rows, err := store.List(t.Context(), db, Things.By("name"), store.Range{Prefix: []any{name}}); err != nil || len(rows) != 0 {
			t.Errorf("a range of %q: %v, %v", name, rows, err)
		}
		if _, err := store.List(t.Context(), db, Things.By("name"), store.Range{After: []any{name}}); !errors.Is(err, store.ErrInvalidValue) {
			t.Errorf("a cursor of %q: %v", name, err)
		}
		write(t, db, func(tx store.Tx) error {
			row, ok, err := store.GetBy(tx, Things.By("name"), name)
			if err != nil || ok {
				t.Errorf("%q read %v, %v", name, row, err)
			}
			return store.Delete(tx, Parts, name)
		}, Things.By("name").Ref(name))
		if err := db.Read(t.Context(), func(r store.Reader) error {
			row, ok, err := store.GetBy(r, Things.By("name"), name)
			if err != nil || ok {
				t.Errorf("%q read %v, %v", name, row, err)
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
	}
}

// tooLarge numbers are impossible keys as well.
func tooLarge(t *testing.T, db store.DB) {
	put(t, db, thing(1, "a"))
	byCount := Things.By("small")
	for _, n := range []any{40000, int64(-40000), int32(1 << 20)} {
		if rows, err := store.List(t.Context(), db, byCount, store.Range{Prefix: []any{n}}); err != nil || len(rows) != 0 {
			t.Errorf("a range of %v: %v, %v", n, rows, err)
		}
		if _, err := store.List(t.Context(), db, byCount, store.Range{After: []any{n}}); !errors.Is(err, store.ErrInvalidValue) {
			t.Errorf("a cursor of %v: %v", n, err)
		}
	}
	if rows, err := store.List(t.Context(), db, byCount, store.Range{Prefix: []any{0}}); err != nil || len(rows) != 1 {
		t.Errorf("a range of 0: %v, %v", rows, err)
	}
}

func afterCommit(t *testing.T, db store.DB) {
	var mu sync.Mutex
	var sequences []uint64
	var counts []int32
	put(t, db, thing(1, "a"))
	var wg sync.WaitGroup
	for n := range 40 {
		wg.Go(func() {
			err := db.Write(context.Background(), []store.Ref{Things.Ref(uid(1))}, func(tx store.Tx) error {
				row, _, err := store.Get(tx, Things, uid(1))
				if err != nil {
					return err
				}
				if n%4 == 0 {
					return errors.New("not this one")
				}
				row.Count++
				tx.AfterCommit(func(c store.Commit) {
					mu.Lock()
					defer mu.Unlock()
					sequences, counts = append(sequences, c.Sequence), append(counts, row.Count)
				})
				return store.Put(tx, Things, row)
			})
			if (err != nil) != (n%4 == 0) {
				t.Errorf("write %d answered %v", n, err)
			}
		})
	}
	wg.Wait()
	if len(counts) != 30 || !slices.IsSorted(counts) || !slices.IsSorted(sequences) {
		t.Errorf("counts %v, sequences %v", counts, sequences)
	}
}

func increments(t *testing.T, db store.DB) {
	put(t, db, thing(1, "a"), thing(2, "b"))
	var wg sync.WaitGroup
	for n := range 16 {
		wg.Go(func() {
			for range 25 {
				at := uid(1 + n%2)
				err := db.Write(context.Background(), nil, func(tx store.Tx) error { // unhinted: slower, as right
					row, _, err := store.Get(tx, Things, at)
					if err != nil {
						return err
					}
					row.Rank++
					return store.Put(tx, Things, row)
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if a, b := get(t, db, 1).Rank, get(t, db, 2).Rank; a != 200 || b != 200 {
		t.Errorf("ranks %d and %d, want 200 each", a, b)
	}
}

func cancelled(t *testing.T, db store.DB) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := db.Write(ctx, nil, func(tx store.Tx) error { return store.Put(tx, Things, thing(1, "a")) })
	if !errors.Is(err, context.Canceled) || get(t, db, 1) != nil {
		t.Errorf("a cancelled write answered %v", err)
	}
}

func closed(t *testing.T, db store.DB) {
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := db.Write(t.Context(), nil, func(store.Tx) error { return nil }); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("a closed store answered %v", err)
	}
}
