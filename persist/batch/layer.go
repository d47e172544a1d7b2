package batch

import (
	"cmp"
	"fmt"
	"iter"
	"reflect"
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
	rows  map[*store.Def]map[store.Key]slot     // by primary key
	held  map[*store.IndexDef]map[store.Key]any // unique key → row of rows that holds it
	after []func(store.Commit)
}

// slot is what a layer says of one row; row is nil when it was removed.
type slot struct {
	key []any
	row any
}

// NewLayer lies over below; now is the batch's time.
func NewLayer(below store.Reader, now time.Time) *Layer {
	return &Layer{below: below, now: now, rows: map[*store.Def]map[store.Key]slot{}, held: map[*store.IndexDef]map[store.Key]any{}}
}

// Now is the batch's time.
func (l *Layer) Now() time.Time { return l.now }

// AfterCommit keeps f until the lane has committed.
func (l *Layer) AfterCommit(f func(store.Commit)) { l.after = append(l.after, f) }

// Fetch reads through the layer.
func (l *Layer) Fetch(ix *store.IndexDef, values []any) (any, error) {
	key, err := ix.Prefix(values...)
	if err != nil {
		return nil, err
	}
	changed := l.rows[ix.Table]
	if ix == ix.Table.Primary {
		if s, ok := changed[key]; ok {
			return Clone(s.row), nil
		}
		return l.below.Fetch(ix, values)
	}
	if row, ok := l.held[ix][key]; ok {
		return Clone(row), nil
	}
	row, err := l.below.Fetch(ix, values)
	if err != nil || row == nil {
		return nil, err
	}
	primary, _, err := ix.Table.Primary.KeyOf(row)
	if _, ok := changed[primary]; err != nil || ok {
		return nil, err // the row below was removed here, or holds another unique key now
	}
	return row, nil
}

// Store puts a copy of row into the layer.
func (l *Layer) Store(d *store.Def, row any) error {
	row, err := d.Copy(row)
	if err != nil {
		return err
	}
	primary, _, err := d.Primary.KeyOf(row)
	if err != nil {
		return err
	}
	for _, ix := range d.Keys[1:] {
		if err := l.checkUnique(ix, row, primary); err != nil {
			return err
		}
	}
	return l.set(d, primary, slot{d.Primary.ValuesOf(row), row})
}

func (l *Layer) checkUnique(ix *store.IndexDef, row any, primary store.Key) error {
	_, hasNull, err := ix.KeyOf(row)
	if err != nil || hasNull {
		return err
	}
	holder, err := l.Fetch(ix, ix.ValuesOf(row))
	if err != nil || holder == nil {
		return err
	}
	holderKey, _, err := ix.Table.Primary.KeyOf(holder)
	if err == nil && holderKey != primary {
		err = &store.DuplicateError{Table: ix.Table.Name, Columns: ix.ColumnNames()}
	}
	return err
}

// Remove marks the row as gone, and removes or re-assigns its children.
func (l *Layer) Remove(d *store.Def, key []any) error {
	primary, err := d.Primary.Prefix(key...)
	if err != nil {
		return err
	}
	if err := l.set(d, primary, slot{key, nil}); err != nil {
		return err
	}
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
	for d, rows := range l.rows {
		for _, f := range d.Parents {
			for _, s := range rows {
				if s.row == nil {
					continue
				}
				key, hasNull, err := f.ParentKey(s.row)
				if err != nil {
					return err
				}
				if hasNull {
					continue
				}
				ok, err := l.Exists(f.Parent, key)
				if err != nil {
					return err
				}
				if !ok {
					return &store.ReferenceError{Table: d.Name, Columns: f.ColumnNames()}
				}
			}
		}
	}
	return nil
}

// Exists reports whether there is a row with this key; true where the database will find out.
func (l *Layer) Exists(d *store.Def, primary store.Key) (bool, error) {
	if s, ok := l.rows[d][primary]; ok {
		return s.row != nil, nil
	}
	if below, ok := l.below.(Exister); ok {
		return below.Exists(d, primary)
	}
	return true, nil
}

// set replaces what the layer says of one row, and moves its unique keys.
func (l *Layer) set(d *store.Def, primary store.Key, s slot) error {
	rows := l.rows[d]
	if rows == nil {
		rows = map[store.Key]slot{}
		l.rows[d] = rows
	}
	for _, ix := range d.Uniques {
		held := l.held[ix]
		if held == nil {
			held = map[store.Key]any{}
			l.held[ix] = held
		}
		if old := rows[primary].row; old != nil {
			if key, _, err := ix.KeyOf(old); err == nil && held[key] == old {
				delete(held, key)
			}
		}
		if s.row != nil {
			key, hasNull, err := ix.KeyOf(s.row)
			if err != nil {
				return err
			}
			if !hasNull {
				held[key] = s.row
			}
		}
	}
	rows[primary] = s
	return nil
}

// Walk merges the rows below, without those the layer changed, with the layer's own.
func (l *Layer) Walk(ix *store.IndexDef, rng store.Range) iter.Seq2[any, error] {
	own, err := l.ownRows(ix, rng)
	changed := l.rows[ix.Table]
	return func(yield func(any, error) bool) {
		if err != nil {
			yield(nil, err)
			return
		}
		limit, wide := rng.Limit, rng
		if wide.Limit > 0 {
			wide.Limit += len(changed) // as many rows below may be hidden by the layer
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
			primary, _, err := ix.Table.Primary.KeyOf(row)
			if err != nil {
				yield(nil, err)
				return
			}
			if _, ok := changed[primary]; ok {
				continue
			}
			at, _, err := ix.KeyOf(row)
			if err != nil {
				yield(nil, err)
				return
			}
			for len(own) > 0 && (own[0].key < at) != rng.Reverse {
				if !emit(Clone(own[0].row)) {
					return
				}
				own = own[1:]
			}
			if !emit(row) {
				return
			}
		}
		for _, o := range own {
			if !emit(Clone(o.row)) {
				return
			}
		}
	}
}

type keyed struct {
	key store.Key
	row any
}

// ownRows are the layer's rows within rng, in index order.
func (l *Layer) ownRows(ix *store.IndexDef, rng store.Range) ([]keyed, error) {
	bounds, err := ix.Bounds(rng)
	if err != nil {
		return nil, err
	}
	var own []keyed
	for _, s := range l.rows[ix.Table] {
		if s.row == nil {
			continue
		}
		key, _, err := ix.KeyOf(s.row)
		if err != nil {
			return nil, err
		}
		if bounds.Contains(key) {
			own = append(own, keyed{key, s.row})
		}
	}
	slices.SortFunc(own, func(a, b keyed) int {
		if rng.Reverse {
			a, b = b, a
		}
		return strings.Compare(string(a.key), string(b.key))
	})
	return own, nil
}

// merge adds the writes of a function's layer that succeeded.
func (l *Layer) merge(from *Layer) error {
	for d, rows := range from.rows {
		for key, s := range rows {
			if err := l.set(d, key, s); err != nil {
				return err
			}
		}
	}
	l.after = append(l.after, from.after...)
	return nil
}

// Change is one row to flush; Row is nil when it was removed.
type Change struct {
	Table  *store.Def
	Key    store.Key
	Values []any // of Key
	Row    any
}

// Changes are the layer's writes in catalogue order, then key order: the order in which rows lock.
func (l *Layer) Changes() []Change {
	var all []Change
	for d, rows := range l.rows {
		for key, s := range rows {
			all = append(all, Change{d, key, s.key, s.row})
		}
	}
	slices.SortFunc(all, func(a, b Change) int {
		return cmp.Or(cmp.Compare(a.Table.Order, b.Table.Order), strings.Compare(string(a.Key), string(b.Key)))
	})
	return all
}

// Clone copies a row, so that neither side's later changes reach the other. Byte columns are shared: nobody writes
// into a stored slice.
func Clone(row any) any {
	if row == nil {
		return nil
	}
	p := reflect.New(reflect.TypeOf(row).Elem())
	p.Elem().Set(reflect.ValueOf(row).Elem())
	return p.Interface()
}
