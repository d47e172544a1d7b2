package schema_test

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/skirmishgg/skirmish/persist/bunt"
	"github.com/skirmishgg/skirmish/persist/pg"
	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/id"
)

// onBoth runs a test on a new store of each driver.
func onBoth(t *testing.T, test func(t *testing.T, db store.DB)) {
	run := func(name string, open func(t *testing.T) (store.DB, error)) {
		t.Run(name, func(t *testing.T) {
			db, err := open(t)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			if err := db.Write(t.Context(), nil, schema.Seed); err != nil {
				t.Fatal(err)
			}
			test(t, db)
		})
	}
	run("bunt", func(t *testing.T) (store.DB, error) { return bunt.Open(bunt.Config{Dir: t.TempDir(), Clock: time.Now}) })
	run("pg", func(t *testing.T) (store.DB, error) {
		dsn, _ := migrated(t)
		return pg.Open(t.Context(), pg.Config{DSN: dsn, Clock: time.Now})
	})
}

// fill puts a value into every column, another for every n; nulls leaves out what may be NULL.
func fill(d *store.Def, row any, n int, nulls bool) {
	r := d.View(row)
	for i := range d.Columns {
		c := &d.Columns[i]
		if c.Null && nulls {
			c.SetZero(r)
			continue
		}
		switch c.Kind {
		case store.KindUUID:
			c.SetUUID(r, id.UUID{0: byte(n), 1: byte(i), 2: byte(d.Order), 6: 0x40, 8: 0x80, 15: 1})
		case store.KindText:
			c.SetText(r, fmt.Sprintf("%d é %d", n, i))
		case store.KindJSON:
			c.SetText(r, fmt.Sprintf(`{"n": %d, "name": "%s"}`, n, c.Name))
		case store.KindBytes:
			c.SetBytes(r, []byte{0, byte(n), 255})
		case store.KindTime:
			c.SetInt(r, int64(1_700_000_000_123_456+i*1_000_000+n))
		case store.KindBool:
			c.SetInt(r, int64(n%2))
		default:
			c.SetInt(r, int64(i+n*100)+1)
		}
	}
}

// parents makes a row of each parent and names them in row.
func parents(t *testing.T, tx store.Tx, d *store.Def, row any, n int) {
	t.Helper()
	for k, f := range d.Parents {
		parent := f.Parent.New()
		fill(f.Parent, parent, 100+10*n+k, true)
		if err := tx.Store(f.Parent, parent); err != nil {
			t.Fatal(err)
		}
		from := &f.Parent.Columns[f.Parent.Primary.Columns[0]]
		switch to := &d.Columns[f.Columns[0]]; to.Kind {
		case store.KindUUID:
			to.SetUUID(d.View(row), from.UUID(f.Parent.View(parent)))
		case store.KindText:
			to.SetText(d.View(row), from.Text(f.Parent.View(parent)))
		}
	}
}

func write(t *testing.T, db store.DB, f func(store.Tx) error) {
	t.Helper()
	if err := db.Write(t.Context(), nil, f); err != nil {
		t.Fatal(err)
	}
}

func fetch(t *testing.T, db store.DB, ix *store.IndexDef, values []any) any {
	t.Helper()
	rows, err := db.Load(t.Context(), ix, [][]any{values})
	if err != nil {
		t.Fatal(err)
	}
	return rows[0]
}

// rowsUnlike is what the general fill gets wrong.
var rowsUnlike = map[string]func(row any){
	"groups": func(row any) { row.(*schema.Group).EdgeCount = 1 },
}

// TestRows: a row of every table, full and with NULLs, comes back as it went in; it is found by every key; it can change
// in every column but its key, also in those of PostgreSQL's primary key; and it can go.
func TestRows(t *testing.T) {
	onBoth(t, func(t *testing.T, db store.DB) {
		for _, d := range tables() {
			t.Run(d.Name, func(t *testing.T) {
				for n, nulls := range []bool{false, true} {
					row := d.New()
					fill(d, row, n, nulls)
					if tweak := rowsUnlike[d.Name]; tweak != nil {
						tweak(row)
					}
					write(t, db, func(tx store.Tx) error {
						parents(t, tx, d, row, n)
						return tx.Store(d, row)
					})
					key := d.Primary.ValuesOf(row)
					for _, ix := range append([]*store.IndexDef{d.Primary}, d.Uniques...) {
						if _, hasNull := ix.KeyOf(row); hasNull {
							continue
						}
						if got := fetch(t, db, ix, ix.ValuesOf(row)); !reflect.DeepEqual(got, row) {
							t.Errorf("by %s: wrote %+v\nread %+v", ix.ColumnNames(), row, got)
						}
					}
					changed := d.Clone(row)
					fill(d, changed, 50+n, !nulls)
					if tweak := rowsUnlike[d.Name]; tweak != nil {
						tweak(changed)
					}
					keepKeys(d, row, changed)
					write(t, db, func(tx store.Tx) error { // a blind put, then one that has looked
						if n == 0 {
							return tx.Store(d, changed)
						}
						if _, err := tx.Fetch(d.Primary, key); err != nil {
							return err
						}
						return tx.Store(d, changed)
					})
					if got := fetch(t, db, d.Primary, key); !reflect.DeepEqual(got, changed) {
						t.Errorf("changed to %+v\nread %+v", changed, got)
					}
					write(t, db, func(tx store.Tx) error { return tx.Remove(d, key) })
					if got := fetch(t, db, d.Primary, key); got != nil {
						t.Errorf("removed, and read %+v", got)
					}
				}
			})
		}
	})
}

// keepKeys copies the key and the names of parents.
func keepKeys(d *store.Def, from, to any) {
	columns := append([]int{}, d.Primary.Columns...)
	for _, f := range d.Parents {
		columns = append(columns, f.Columns...)
	}
	for _, i := range columns {
		c, r := &d.Columns[i], d.View(from)
		switch c.Kind {
		case store.KindUUID:
			c.SetUUID(d.View(to), c.UUID(r))
		case store.KindText:
			c.SetText(d.View(to), c.Text(r))
		default:
			c.SetInt(d.View(to), c.Int(r))
		}
	}
}

// TestEdgesChangePlaces: edges are keyed by their ends here and by (source, state, position) in PostgreSQL. They move, also
// to where another edge of the batch was, and two that share a place are refused alike.
func TestEdgesChangePlaces(t *testing.T) {
	onBoth(t, func(t *testing.T, db store.DB) {
		ids := []id.UUID{{15: 1}, {15: 2}, {15: 3}}
		edge := func(to int, state int16, position int64) *schema.UserEdge {
			return &schema.UserEdge{SourceID: ids[0], DestinationID: ids[to], State: state, Position: position, Metadata: "{}", UpdateTime: schema.Epoch}
		}
		write(t, db, func(tx store.Tx) error {
			for n, u := range ids {
				row := schema.Users.Def.New().(*schema.User)
				fill(schema.Users.Def, row, n, true)
				if row.ID = u; n < 0 {
					return nil
				}
				if err := store.Put(tx, schema.Users, row); err != nil {
					return err
				}
			}
			return errors.Join(store.Put(tx, schema.UserEdges, edge(1, 1, 10)), store.Put(tx, schema.UserEdges, edge(2, 2, 20)))
		})
		put := func(edges ...*schema.UserEdge) error {
			return db.Write(t.Context(), nil, func(tx store.Tx) error {
				for _, e := range edges {
					if err := store.Put(tx, schema.UserEdges, e); err != nil {
						return err
					}
				}
				return nil
			})
		}
		if err := put(edge(2, 0, 30), edge(1, 2, 20)); err != nil { // 1 takes the place that 2 leaves
			t.Error(err)
		}
		var dup *store.DuplicateError
		if err := put(edge(2, 2, 20)); !errors.As(err, &dup) || dup.Columns != "source_id,state,position" {
			t.Errorf("two edges in one place: %v", err)
		}
		if err := put(edge(2, 2, 21), edge(1, 0, 22)); err != nil {
			t.Error(err)
		}
		edges, err := store.List(t.Context(), db, schema.UserEdges.By("source_id", "state", "position"), store.Range{Prefix: []any{ids[0]}})
		if err != nil || len(edges) != 2 || edges[0].DestinationID != ids[1] || edges[1].DestinationID != ids[2] {
			t.Errorf("edges %+v, %v", edges, err)
		}
	})
}

// TestAccountGoes: whatever an account leaves behind is the same on both stores.
func TestAccountGoes(t *testing.T) {
	onBoth(t, func(t *testing.T, db store.DB) {
		user := schema.Users.Def.New().(*schema.User)
		fill(schema.Users.Def, user, 1, false)
		children := map[*store.Def]any{}
		write(t, db, func(tx store.Tx) error {
			if err := store.Put(tx, schema.Users, user); err != nil {
				return err
			}
			for _, f := range schema.Users.Def.Children {
				row := f.Child.New()
				fill(f.Child, row, 2, false)
				parents(t, tx, f.Child, row, 2)
				f.Child.Columns[f.Columns[0]].SetUUID(f.Child.View(row), user.ID)
				if err := tx.Store(f.Child, row); err != nil {
					return err
				}
				children[f.Child] = row
			}
			return nil
		})
		if err := db.Update(t.Context(), func(tx store.Tx) error { return store.Delete(tx, schema.Users, user.ID) }); err != nil {
			t.Fatal(err)
		}
		for _, f := range schema.Users.Def.Children {
			row := fetch(t, db, f.Child.Primary, f.Child.Primary.ValuesOf(children[f.Child]))
			switch {
			case !f.SetZero && row != nil:
				t.Errorf("%s outlives its user", f.Child.Name)
			case f.SetZero && row == nil:
				t.Errorf("%s went with its user", f.Child.Name)
			case f.SetZero && f.Child.Columns[f.Columns[0]].UUID(f.Child.View(row)) != id.UUID{}:
				t.Errorf("%s did not fall to the system user", f.Child.Name)
			}
		}
	})
}

// TestLimits: text at a column's limit is kept, counted in characters; one more is refused before any database sees it.
func TestLimits(t *testing.T) {
	onBoth(t, func(t *testing.T, db store.DB) {
		for _, d := range tables() {
			for i := range d.Columns {
				c := &d.Columns[i]
				if c.Max == 0 {
					continue
				}
				for _, over := range []int{0, 1} {
					row := d.New()
					fill(d, row, 3, false)
					if tweak := rowsUnlike[d.Name]; tweak != nil {
						tweak(row)
					}
					c.SetText(d.View(row), string(bytes.Repeat([]byte("é"), c.Max+over)))
					err := db.Write(t.Context(), nil, func(tx store.Tx) error {
						if len(d.Parents) > 0 && i != d.Parents[0].Columns[0] {
							parents(t, tx, d, row, 3)
						} else if len(d.Parents) > 0 {
							parent := d.Parents[0].Parent.New()
							fill(d.Parents[0].Parent, parent, 3, true)
							d.Parents[0].Parent.Columns[0].SetText(d.Parents[0].Parent.View(parent), c.Text(d.View(row)))
							if err := tx.Store(d.Parents[0].Parent, parent); err != nil {
								return err
							}
						}
						return errors.Join(tx.Store(d, row), tx.Remove(d, d.Primary.ValuesOf(row)))
					})
					if errors.Is(err, store.ErrInvalidValue) != (over == 1) || over == 0 && err != nil {
						t.Errorf("%s.%s with %d characters: %v", d.Name, c.Name, c.Max+over, err)
					}
				}
			}
		}
	})
}
