package batch

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/skirmishgg/skirmish/persist/store"
)

// Layer is a store.Tx that keeps its writes to itself over the Reader below. Layers stack: the lane's layer lies over
// the driver, each function's layer over the lane's. Owned by the goroutine that runs the function.
type Layer struct {
	below store.Reader
	now   time.Time
	rows  rows
	held  map[heldID]any // unique key → row of rows that holds it
	after []func(store.Commit)
}

type heldID struct {
	index *store.IndexDef
	key   store.Key
}

// reset lays an empty layer over below, in the memory of the last one; now is the batch's time.
func (l *Layer) reset(below store.Reader, now time.Time) {
	l.below, l.now = below, now
	l.rows.reset()
	clear(l.held)
	clear(l.after)
	l.after = l.after[:0]
}

// Now is the batch's time.
func (l *Layer) Now() time.Time { return l.now }

// AfterCommit keeps f until the lane has committed.
func (l *Layer) AfterCommit(f func(store.Commit)) { l.after = append(l.after, f) }

// Fetch reads through the layer.
func (l *Layer) Fetch(ix *store.IndexDef, values []any) (any, error) {
	key, err := ix.Prefix(values...)
	if err != nil || !ix.Storable(values) {
		return nil, err
	}
	d := ix.Table
	if ix == d.Primary {
		if s := l.rows.find(d, key); s != nil {
			return cloned(d, s.row), nil
		}
		return l.below.Fetch(ix, values)
	}
	if primary := ix.PrimaryValues(values); primary != nil {
		row, err := l.Fetch(d.Primary, primary)
		if row != nil {
			if holds, _ := ix.KeyOf(row); holds != key {
				row = nil
			}
		}
		return row, err
	}
	if row := l.held[heldID{ix, key}]; row != nil {
		return d.Clone(row), nil
	}
	row, err := l.below.Fetch(ix, values)
	if err != nil || row == nil {
		return nil, err
	}
	primary, _ := d.Primary.KeyOf(row)
	if l.rows.find(d, primary) != nil {
		return nil, nil // the row below was removed here, or holds another unique key now
	}
	return row, nil
}

func cloned(d *store.Def, row any) any {
	if row == nil {
		return nil
	}
	return d.Clone(row)
}

// Store puts a copy of row into the layer.
func (l *Layer) Store(d *store.Def, row any) error {
	row, err := d.Copy(row)
	if err != nil {
		return err
	}
	primary, _ := d.Primary.KeyOf(row)
	for _, ix := range d.Keys[1:] {
		if err := l.checkUnique(ix, row, primary); err != nil {
			return err
		}
	}
	l.set(slot{table: d, key: primary, row: row})
	return nil
}

func (l *Layer) checkUnique(ix *store.IndexDef, row any, primary store.Key) error {
	if ix.HasNull(row) {
		return nil
	}
	holder, err := l.Fetch(ix, ix.ValuesOf(row))
	if err != nil || holder == nil {
		return err
	}
	if holderKey, _ := ix.Table.Primary.KeyOf(holder); holderKey != primary {
		return &store.DuplicateError{Table: ix.Table.Name, Columns: ix.ColumnNames()}
	}
	return nil
}

// Remove marks the row as gone, and removes or re-assigns its children.
func (l *Layer) Remove(d *store.Def, key []any) error {
	primary, err := d.Primary.Prefix(key...)
	if err != nil || !d.Primary.Storable(key) {
		return err
	}
	if len(key) != len(d.Primary.Columns) {
		return fmt.Errorf("%s: %d values for a key of %d columns", d.Name, len(key), len(d.Primary.Columns))
	}
	l.set(slot{table: d, key: primary, values: key})
	for _, f := range d.Children {
		if err := l.releaseChildren(f, key); err != nil {
			return fmt.Errorf("release the rows of %s: %w", f.Child.Name, err)
		}
	}
	return nil
}

func (l *Layer) releaseChildren(f *store.Foreign, parent []any) error {
	var children []any // collected first: the walk reads what the loop changes
	for row, err := range l.Walk(f.Index, store.Range{Prefix: parent}) {
		if err != nil {
			return err
		}
		children = append(children, row)
	}
	for _, row := range children {
		var err error
		if f.SetZero {
			f.Zero(row)
			err = l.Store(f.Child, row)
		} else {
			err = l.Remove(f.Child, f.Child.Primary.ValuesOf(row))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Exister is a Reader that does not refuse rows without a parent itself, and can say cheaply whether there is one.
type Exister interface {
	Exists(d *store.Def, primary store.Key) (bool, error)
}

// CheckParents refuses rows of this layer that name a row which does not exist. It runs after the function, since that
// may put a child before its parent. Over a driver whose database checks by itself it asks nothing.
// Errors: *store.ReferenceError.
func (l *Layer) CheckParents() error {
	for i := range l.rows.slots {
		s := &l.rows.slots[i]
		if s.row == nil {
			continue
		}
		for _, f := range s.table.Parents {
			key, hasNull := f.ParentKey(s.row)
			if hasNull {
				continue
			}
			ok, err := l.Exists(f.Parent, key)
			if err != nil {
				return err
			}
			if !ok {
				return &store.ReferenceError{Table: s.table.Name, Columns: f.ColumnNames()}
			}
		}
	}
	return nil
}

// Exists reports whether there is a row with this key; true where the database will find out.
func (l *Layer) Exists(d *store.Def, primary store.Key) (bool, error) {
	if s := l.rows.find(d, primary); s != nil {
		return s.row != nil, nil
	}
	if below, ok := l.below.(Exister); ok {
		return below.Exists(d, primary)
	}
	return true, nil
}

// set replaces what the layer says of one row, and moves its unique keys.
func (l *Layer) set(s slot) {
	old := l.rows.find(s.table, s.key)
	for _, ix := range s.table.Keys[1:] {
		if old != nil && old.row != nil {
			key, _ := ix.KeyOf(old.row)
			if id := (heldID{ix, key}); l.held[id] == old.row {
				delete(l.held, id)
			}
		}
		if s.row == nil {
			continue
		}
		if key, hasNull := ix.KeyOf(s.row); !hasNull {
			if l.held == nil {
				l.held = map[heldID]any{}
			}
			l.held[heldID{ix, key}] = s.row
		}
	}
	if old != nil {
		*old = s
	} else {
		l.rows.add(s)
	}
}

// Walk merges the rows below, without those the layer changed, with the layer's own.
func (l *Layer) Walk(ix *store.IndexDef, rng store.Range) iter.Seq2[any, error] {
	own, changed, err := l.ownRows(ix, rng)
	return func(yield func(any, error) bool) {
		if err != nil {
			yield(nil, err)
			return
		}
		limit, wide := rng.Limit, rng
		if wide.Limit > 0 {
			wide.Limit += changed // as many rows below may be hidden by the layer
		}
		emitted := 0
		emit := func(row any) bool {
			emitted++
			return yield(row, nil) && (limit == 0 || emitted < limit)
		}
		for row, err := range l.below.Walk(ix, wide) {
			if err != nil {
				yield(nil, err)
				return
			}
			if primary, _ := ix.Table.Primary.KeyOf(row); l.rows.find(ix.Table, primary) != nil {
				continue
			}
			at, _ := ix.KeyOf(row)
			for len(own) > 0 && (own[0].key < at) != rng.Reverse {
				if !emit(ix.Table.Clone(own[0].row)) {
					return
				}
				own = own[1:]
			}
			if !emit(row) {
				return
			}
		}
		for _, o := range own {
			if !emit(ix.Table.Clone(o.row)) {
				return
			}
		}
	}
}

type keyed struct {
	key store.Key
	row any
}

// ownRows are the layer's rows within rng, in index order; changed is how many rows of the table it speaks of.
func (l *Layer) ownRows(ix *store.IndexDef, rng store.Range) (own []keyed, changed int, err error) {
	bounds, err := ix.Bounds(rng)
	if err != nil {
		return nil, 0, err
	}
	for i := range l.rows.slots {
		s := &l.rows.slots[i]
		if s.table != ix.Table {
			continue
		}
		changed++
		if s.row == nil {
			continue
		}
		if key, _ := ix.KeyOf(s.row); bounds.Contains(key) {
			own = append(own, keyed{key, s.row})
		}
	}
	slices.SortFunc(own, func(a, b keyed) int {
		if rng.Reverse {
			a, b = b, a
		}
		return strings.Compare(string(a.key), string(b.key))
	})
	return own, changed, nil
}

// merge adds the writes of a function's layer that succeeded.
func (l *Layer) merge(from *Layer) {
	for i := range from.rows.slots {
		l.set(from.rows.slots[i])
	}
	l.after = append(l.after, from.after...)
}

// Change is one row to flush; Row is nil when it was removed.
type Change struct {
	Table  *store.Def
	Key    store.Key // primary
	Values []any     // of Key, of a removed row
	Row    any
}

// Changes are the layer's writes in catalogue order, then key order: the order in which rows lock. They are appended to
// into.
func (l *Layer) Changes(into []Change) []Change {
	for i := range l.rows.slots {
		s := &l.rows.slots[i]
		into = append(into, Change{s.table, s.key, s.values, s.row})
	}
	slices.SortFunc(into, func(a, b Change) int {
		return cmp.Or(cmp.Compare(a.Table.Order, b.Table.Order), strings.Compare(string(a.Key), string(b.Key)))
	})
	return into
}
