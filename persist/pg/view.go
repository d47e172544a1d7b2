package pg

import (
	"context"
	"fmt"
	"iter"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/skirmishgg/skirmish/persist/batch"
	"github.com/skirmishgg/skirmish/persist/store"
)

// transaction is what a view reads in.
type transaction interface {
	// rows runs a call in the transaction, which begins with the first.
	rows(d *store.Def, c call) ([]any, error)
}

// view reads within one transaction. Rows that it locks stay as they are until the transaction ends, so it remembers them.
type view struct {
	tx    transaction
	texts *texts
	lock  bool

	loaded  map[keyID]any // what unique keys hold; nil: nothing
	kept    int           // rows in loaded
	touched wants         // rows asked for by key that no hint named
	trouble error
}

type keyID struct {
	index *store.IndexDef
	key   store.Key
}

// reset makes it a view of a new transaction, which locks what it reads.
func (v *view) reset(tx transaction, t *texts) {
	if len(v.loaded) > 4*keptMax { // one wide batch must not make each later one clear its memory
		v.loaded = nil
	}
	if v.loaded == nil {
		v.loaded = map[keyID]any{}
	}
	clear(v.loaded)
	*v = view{tx: tx, texts: t, lock: true, loaded: v.loaded}
}

func (v *view) Fetch(ix *store.IndexDef, values []any) (any, error) {
	key, err := ix.Prefix(values...)
	if err != nil || !ix.Storable(values) {
		return nil, err
	}
	if row, ok := v.loaded[keyID{ix, key}]; ok {
		if row == nil {
			return nil, nil
		}
		return ix.Table.Clone(row), nil
	}
	if v.lock {
		v.touched = append(v.touched, want{ix, key, values})
	}
	rows, err := v.page(ix, store.Range{Prefix: values, Limit: 1})
	if err != nil {
		return nil, err
	}
	if len(rows) > 0 {
		return rows[0], nil
	}
	if v.lock {
		v.remember(ix, key, nil)
	}
	return nil, nil
}

const pageSize = 500

// Walk reads page by page, since the connection serves other reads between two rows.
func (v *view) Walk(ix *store.IndexDef, rng store.Range) iter.Seq2[any, error] {
	rng.Keys = false // rows are kept for the next look
	return func(yield func(any, error) bool) {
		left := rng.Limit
		for {
			page := rng
			if page.Limit = pageSize; rng.Limit > 0 {
				page.Limit = min(left, pageSize)
			}
			rows, err := v.page(ix, page)
			if err != nil {
				yield(nil, err)
				return
			}
			var last []any
			if len(rows) > 0 {
				last = ix.ValuesOf(rows[len(rows)-1]) // now: the rows are the caller's to change
			}
			for _, row := range rows {
				if !yield(row, nil) {
					return
				}
			}
			left -= len(rows)
			if len(rows) < page.Limit || rng.Limit > 0 && left == 0 {
				return
			}
			rng.After = last
		}
	}
}

func (v *view) page(ix *store.IndexDef, rng store.Range) ([]any, error) {
	if v.trouble != nil {
		return nil, v.trouble
	}
	c, empty, err := v.texts.walkCall(ix, rng, v.lock)
	if err != nil || empty {
		return nil, err
	}
	rows, err := v.tx.rows(ix.Table, c)
	if err != nil {
		v.trouble = explain(err)
		return nil, v.trouble
	}
	if v.lock {
		v.rememberRows(ix.Table, rows)
	}
	return rows, v.trouble
}

const keptMax = 8192 // rows remembered of one batch; one that walks over more asks again

// rememberRows notes copies of locked rows under every unique key they hold.
func (v *view) rememberRows(d *store.Def, rows []any) {
	for _, row := range rows {
		if v.kept++; v.kept > keptMax {
			return
		}
		v.rememberRow(d, d.Clone(row))
	}
}

func (v *view) rememberRow(d *store.Def, row any) {
	for _, ix := range d.Keys {
		if key, hasNull := ix.KeyOf(row); !hasNull {
			v.remember(ix, key, row)
		}
	}
}

// remember notes what a key holds. A row that appears after a function may have been told that there is none makes the
// batch run again: another program has inserted it, and nobody may write over what it has not seen.
func (v *view) remember(ix *store.IndexDef, key store.Key, row any) {
	at := keyID{ix, key}
	if before, ok := v.loaded[at]; ok && before == nil && row != nil {
		v.trouble = fmt.Errorf("%w: a row of %s has appeared", batch.ErrRetry, ix.Table.Name)
	}
	v.loaded[at] = row
}

// rememberMissing notes a key that was looked for, unless it was found.
func (v *view) rememberMissing(ix *store.IndexDef, key store.Key) {
	at := keyID{ix, key}
	if _, found := v.loaded[at]; !found {
		v.loaded[at] = nil
	}
}

// presence is what a batch knows of a row that it puts.
type presence uint8

const (
	unknown presence = iota // nobody has looked: an upsert, the last write wins
	present                 // it is locked: an update
	absent                  // an insert, which must not silently replace a row that another program has inserted since
)

func (v *view) known(d *store.Def, key store.Key) presence {
	row, ok := v.loaded[keyID{d.Primary, key}]
	switch {
	case !ok:
		return unknown
	case row == nil:
		return absent
	}
	return present
}

// reading is the transaction of a Read. It begins with its first call, which passes over pooled connections that died with
// an earlier run of the server: at most as many as the pool holds.
type reading struct {
	ctx  context.Context
	db   *DB
	conn *pgxpool.Conn
}

func (r *reading) rows(d *store.Def, c call) (rows []any, err error) {
	if r.conn != nil {
		return link{r.conn.Conn()}.rows(r.ctx, d, c)
	}
	r.conn, err = r.db.onLiveConn(r.ctx, func(l link) error {
		rows, err = l.rows(r.ctx, d, beginRead, c)
		return err
	})
	return rows, err
}

func (r *reading) end() {
	if r.conn == nil {
		return
	}
	defer r.conn.Release()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.ctx), connectTimeout)
	defer cancel()
	if !r.conn.Conn().IsClosed() {
		_, _ = link{r.conn.Conn()}.exchange(ctx, []call{rollback}, nil) // Release drops a connection that is not idle
	}
}
