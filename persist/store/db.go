package store

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/skirmishgg/skirmish/protocol/errs"
)

// Refusals every driver gives alike.
var (
	ErrInvalidValue = errors.New("value cannot be stored")
	errNUL          = errors.New("has a NUL byte")
	errUTF8         = errors.New("is not UTF-8")
	ErrUnavailable  = errs.New(errs.Unavailable, "Storage is not available.")
)

// DuplicateError says which unique key a Put would break. Match it with errors.As.
type DuplicateError struct {
	Table   string
	Columns string // comma list
}

func (e *DuplicateError) Error() string { return "duplicate " + e.Columns + " in " + e.Table }

// ReferenceError says which columns of a row that was put name a row of another table that does not exist. Match it
// with errors.As.
type ReferenceError struct {
	Table   string
	Columns string // comma list
}

func (e *ReferenceError) Error() string { return "no row for " + e.Columns + " of " + e.Table }

// DB is a store. All methods may be called from any goroutine.
type DB interface {
	// Read runs f against one consistent state.
	Read(ctx context.Context, f func(Reader) error) error

	// Load reads the rows that a unique index holds under each of many keys, and Page the rows of one range, when that
	// is all a caller wants to know: one statement is one state, and one round trip where Read takes three and one a
	// key. Features use GetMany and List. The rows are the caller's; Load answers in the order of keys, nil where there
	// is no row.
	Load(ctx context.Context, ix *IndexDef, keys [][]any) ([]any, error)
	Page(ctx context.Context, ix *IndexDef, rng Range) ([]any, error)

	// Write runs f in a group commit and returns when its effect is durable. f is pure: it reads and writes only its
	// Tx, may run again, and has no effect at all when it returns an error. hint names rows it will touch; it is speed,
	// never correctness.
	// Errors: f's own; *DuplicateError; *ReferenceError; ErrUnavailable when the outcome of a lost commit is unknown.
	Write(ctx context.Context, hint []Ref, f func(Tx) error) error

	// Update is Write in a transaction of its own, for wide work.
	Update(ctx context.Context, f func(Tx) error) error

	Close() error
}

// Ref names a row by the values of a unique key.
type Ref struct {
	Index  *IndexDef
	Values []any
	key    Key
	near   string
}

// Ref names one row of the table by its primary key.
func (t *Table[R]) Ref(key ...any) Ref { return refTo(t.Def.Primary, key) }

// Ref names the row that a unique index holds under these values, or that it holds none.
func (ix *Index[R]) Ref(values ...any) Ref { return refTo(ix.Def, values) }

// refTo leaves the key of a wrong hint empty, since a hint is speed only.
func refTo(ix *IndexDef, values []any) Ref {
	r := Ref{Index: ix, Values: values}
	if key, err := ix.Prefix(values...); err == nil && ix.Unique && len(values) == len(ix.Columns) && ix.Storable(values) {
		r.key = key
	}
	return r
}

// Near is a hint that names no row: writes near the same thing, and with no row to name, become durable together, so that
// whoever waits for all of them waits once.
func Near(thing string) Ref { return Ref{near: thing} }

// Nearby is what Near was given.
func (r Ref) Nearby() string { return r.near }

// Key is the named key; "" when the Ref names none.
func (r Ref) Key() Key { return r.key }

// Commit identifies a commit to AfterCommit callbacks; a consumer ignores sequences older than the one it holds.
type Commit struct{ Sequence uint64 }

// Reader reads; drivers implement it, features use Get and Scan.
type Reader interface {
	// Fetch is the row that a unique index holds under these values (all its columns), or nil. The row is the caller's.
	Fetch(ix *IndexDef, values []any) (row any, err error)
	// Walk yields rows of an index in its order. Rows are the caller's.
	Walk(ix *IndexDef, rng Range) iter.Seq2[any, error]
}

// Tx reads and writes.
type Tx interface {
	Reader
	Store(d *Def, row any) error
	Remove(d *Def, key []any) error
	Now() time.Time             // the batch's time, equal for all its functions
	AfterCommit(f func(Commit)) // runs once, in commit order, after the effect is durable
}

// Range selects part of an index.
type Range struct {
	Prefix  []any // values of leading columns that every row has
	After   []any // values of leading columns: start beyond them (a cursor is the last key)
	Reverse bool
	Limit   int  // 0: no limit
	Keys    bool // of Page: only the index's columns are read, and the rows' others may be zero
}

// Get reads the row with this primary key. The row is a copy; Put it back to change it. To change a column that may be
// NULL, or bytes, put a new pointer or slice into it: what the old one points to is shared.
func Get[R any](r Reader, t *Table[R], key ...any) (*R, bool, error) {
	return fetch[R](r, t.Def.Primary, key)
}

// GetBy reads the row that a unique index holds under these values.
func GetBy[R any](r Reader, ix *Index[R], values ...any) (*R, bool, error) {
	return fetch[R](r, ix.Def, values)
}

func fetch[R any](r Reader, ix *IndexDef, values []any) (*R, bool, error) {
	row, err := r.Fetch(ix, values)
	if err != nil || row == nil {
		return nil, false, err
	}
	return row.(*R), true, nil
}

// GetMany reads the rows with these primary keys, in their order, nil where there is none: one round trip.
func GetMany[R any](ctx context.Context, db DB, t *Table[R], keys ...[]any) ([]*R, error) {
	return GetManyBy(ctx, db, &Index[R]{t.Def.Primary}, keys...)
}

// GetManyBy is GetMany for the keys of any unique index.
func GetManyBy[R any](ctx context.Context, db DB, ix *Index[R], keys ...[]any) ([]*R, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	rows, err := db.Load(ctx, ix.Def, keys)
	return typed[R](rows), err
}

// ListKeys is List of rows that have only the columns of the index, which a database need not leave for them.
func ListKeys[R any](ctx context.Context, db DB, ix *Index[R], rng Range) ([]*R, error) {
	rng.Keys = true
	return List(ctx, db, ix, rng)
}

// List reads the rows of a range in index order: one round trip.
func List[R any](ctx context.Context, db DB, ix *Index[R], rng Range) ([]*R, error) {
	rows, err := db.Page(ctx, ix.Def, rng)
	return typed[R](rows), err
}

// ListAround reads up to limit rows of a table in the order of its key, from beyond a key; when it comes to the end it goes
// on with the first. Beyond a random key it is a sample.
func ListAround[R any](ctx context.Context, db DB, t *Table[R], limit int, after ...any) ([]*R, error) {
	ix := &Index[R]{t.Def.Primary}
	rows, err := List(ctx, db, ix, Range{After: after, Limit: limit})
	if err != nil || len(rows) == limit {
		return rows, err
	}
	first, err := List(ctx, db, ix, Range{Limit: limit - len(rows)})
	if err != nil {
		return nil, err
	}
	// What lies beyond the key has been read, unless somebody has put it there meanwhile.
	limitKey, err := t.Def.Primary.Prefix(after...)
	if err != nil {
		return nil, err
	}
	for _, row := range first {
		if key, _ := t.Def.Primary.KeyOf(row); key > limitKey {
			break
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func typed[R any](rows []any) []*R {
	out := make([]*R, len(rows))
	for i, row := range rows {
		if row != nil {
			out[i] = row.(*R)
		}
	}
	return out
}

// Put inserts or replaces the row with row's primary key.
// Errors: *DuplicateError when another row holds one of its unique keys; ErrInvalidValue.
func Put[R any](tx Tx, t *Table[R], row *R) error { return tx.Store(t.Def, row) }

// Delete removes the row with this primary key, if there is one, and does to its children what their tables declare.
func Delete[R any](tx Tx, t *Table[R], key ...any) error { return tx.Remove(t.Def, key) }

// Scan yields the rows of a range in index order; it ends after the first error.
func Scan[R any](r Reader, ix *Index[R], rng Range) iter.Seq2[*R, error] {
	return func(yield func(*R, error) bool) {
		for row, err := range r.Walk(ix.Def, rng) {
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(row.(*R), nil) {
				return
			}
		}
	}
}
