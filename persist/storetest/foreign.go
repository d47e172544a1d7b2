package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/id"
)

// Part goes with its thing, Screw with its part; Tag stays and falls to the thing with the zero key.
type Part struct {
	Name  string  `db:"name"`
	Thing id.UUID `db:"thing"`
}

// Screw holds a part, or nothing.
type Screw struct {
	Name string  `db:"name"`
	Part *string `db:"part"`
}

// Tag is a note about a thing.
type Tag struct {
	Name  string  `db:"name"`
	Thing id.UUID `db:"thing"`
}

// The relations of the foreign-key cases.
var (
	Parts  = store.NewTable[Part]("storetest_part", "name", store.Ordered("thing"), store.Cascade(Things, "thing"))
	Screws = store.NewTable[Screw]("storetest_screw", "name", store.Ordered("part"), store.Cascade(Parts, "part"))
	Tags   = store.NewTable[Tag]("storetest_tag", "name", store.Ordered("thing"), store.SetZero(Things, "thing"))
)

const foreignDDL = `CREATE TABLE storetest_part (name VARCHAR(128) PRIMARY KEY, thing UUID NOT NULL REFERENCES storetest_thing ON DELETE CASCADE);
CREATE TABLE storetest_screw (name VARCHAR(128) PRIMARY KEY, part VARCHAR(128) REFERENCES storetest_part ON DELETE CASCADE);
CREATE TABLE storetest_tag (name VARCHAR(128) PRIMARY KEY, thing UUID NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000' REFERENCES storetest_thing ON DELETE SET DEFAULT)`

func assemble(t *testing.T, db store.DB) {
	t.Helper()
	zero := thing(0, "nobody")
	zero.ID = id.UUID{}
	put(t, db, zero, thing(1, "a"), thing(2, "b"))
	door := "door"
	write(t, db, func(tx store.Tx) error {
		return errors.Join(
			store.Put(tx, Screws, &Screw{"s1", &door}), store.Put(tx, Screws, &Screw{"loose", nil}), // before the part that they hold
			store.Put(tx, Parts, &Part{"door", uid(1)}), store.Put(tx, Parts, &Part{"roof", uid(1)}), store.Put(tx, Parts, &Part{"wall", uid(2)}),
			store.Put(tx, Tags, &Tag{"t1", uid(1)}), store.Put(tx, Tags, &Tag{"t2", uid(2)}))
	})
}

// contents names every row of the three relations.
func contents(t *testing.T, r store.Reader) string {
	t.Helper()
	var out []string
	for row, err := range store.Scan(r, Parts.By("name"), store.Range{}) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, row.Name)
	}
	for row, err := range store.Scan(r, Screws.By("name"), store.Range{}) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, row.Name)
	}
	for row, err := range store.Scan(r, Tags.By("name"), store.Range{}) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprint(row.Name, ":", row.Thing[1]))
	}
	return strings.Join(out, " ")
}

// children: what a row's removal does elsewhere is seen by the rest of the function, and by everybody after the commit.
func children(t *testing.T, db store.DB) {
	assemble(t, db)
	const want = "wall loose t1:0 t2:2"
	write(t, db, func(tx store.Tx) error {
		if err := store.Put(tx, Parts, &Part{"new", uid(1)}); err != nil { // a child of the same function goes as well
			return err
		}
		if err := store.Delete(tx, Things, uid(1)); err != nil {
			return err
		}
		if got := contents(t, tx); got != want {
			t.Errorf("the function that deleted sees %q, want %q", got, want)
		}
		return nil
	})
	if err := db.Read(t.Context(), func(r store.Reader) error {
		if got := contents(t, r); got != want {
			t.Errorf("after the commit: %q, want %q", got, want)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

// parents: a row whose parent is missing, or goes in the same function, is refused, and alone.
func parents(t *testing.T, db store.DB) {
	assemble(t, db)
	f := func(table string, run func(tx store.Tx) error) {
		t.Helper()
		err := db.Write(context.Background(), nil, run)
		var missing *store.ReferenceError
		if got := errors.As(err, &missing); got != (table != "") || got && (missing.Table != table || missing.Columns == "") {
			t.Errorf("got %v (%+v), want a missing parent in %q", err, missing, table)
		}
	}
	nowhere := "nowhere"
	f("storetest_part", func(tx store.Tx) error { return store.Put(tx, Parts, &Part{"p", uid(9)}) })
	f("storetest_screw", func(tx store.Tx) error { return store.Put(tx, Screws, &Screw{"s", &nowhere}) })
	f("", func(tx store.Tx) error { return store.Put(tx, Screws, &Screw{"s", nil}) })
	f("storetest_part", func(tx store.Tx) error {
		return errors.Join(store.Delete(tx, Things, uid(2)), store.Put(tx, Parts, &Part{"p", uid(2)}))
	})
	f("storetest_tag", func(tx store.Tx) error { // the zero row has nobody to leave its tags to
		return errors.Join(store.Put(tx, Tags, &Tag{"t0", id.UUID{}}), store.Delete(tx, Things, id.UUID{}))
	})
	if err := db.Read(t.Context(), func(r store.Reader) error {
		if got, want := contents(t, r), "door roof wall loose s s1 t1:1 t2:2"; got != want {
			t.Errorf("after the refusals: %q, want %q", got, want)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}
