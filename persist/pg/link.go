package pg

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/skirmishgg/skirmish/persist/store"
)

// call is one statement with its arguments in binary form.
type call struct {
	text string
	args [][]byte
}

// link runs calls on a connection; each text is prepared on it once. Owned by one goroutine at a time.
type link struct{ conn *pgx.Conn }

const binaryFormat = 1

var formats = []int16{binaryFormat}

// settings of every connection: all that is asked here looks up keys or walks an index, so one plan a text is right for
// ever, and a table that was empty when the plan was made is not read as a whole once it has grown.
const settings = `SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off`

func configure(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.PgConn().Exec(ctx, settings).ReadAll()
	return err
}

// exchange sends calls in one round trip, and reads the rows that each answers.
func (l link) exchange(ctx context.Context, calls []call, each func(n int, values [][]byte) error) (answered int, err error) {
	var b pgconn.Batch
	for _, c := range calls {
		prepared, err := l.conn.Prepare(ctx, c.text, c.text)
		if err != nil {
			return 0, err
		}
		b.ExecStatement(prepared, c.args, formats, formats)
	}
	results := l.conn.PgConn().ExecBatch(ctx, &b)
	var bad error
	for results.NextResult() {
		rows := results.ResultReader()
		for rows.NextRow() {
			if bad == nil && each != nil {
				bad = each(answered, rows.Values())
			}
		}
		if _, err := rows.Close(); err != nil {
			break
		}
		answered++
	}
	err = errors.Join(results.Close(), bad)
	if isStale(err) {
		_ = l.conn.Close(ctx) // what it has prepared is of no use; the next try is on another connection
	}
	return answered, err
}

// isStale reports that a table was altered since a statement was prepared, or that the statement is gone.
func isStale(err error) bool {
	var refused *pgconn.PgError
	return errors.As(err, &refused) && (refused.Code == stalePlan || refused.Code == unknownStatement)
}

// rows reads the rows that one call answers.
func (l link) rows(ctx context.Context, d *store.Def, calls ...call) ([]any, error) {
	var out []any
	_, err := l.exchange(ctx, calls, func(_ int, values [][]byte) error {
		row, err := readRow(d, values)
		out = append(out, row)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

var (
	begin     = call{text: "BEGIN"}
	beginRead = call{text: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"}
	commit    = call{text: "COMMIT"}
	rollback  = call{text: "ROLLBACK"}
)

// getCall reads many rows by a unique key; locked, in key order.
func (t *texts) getCall(ix *store.IndexDef, keys [][]any, lock bool) (call, error) {
	s := shape{verb: verbGet, index: ix}
	if lock {
		s.verb = verbLock
	}
	var a arrays
	err := a.keys(ix, keys)
	return call{t.text(s), a.args()}, err
}

// walkCall reads a range. empty says that the cursor lies beyond the whole prefix.
func (t *texts) walkCall(ix *store.IndexDef, rng store.Range, lock bool) (c call, empty bool, err error) {
	s := shape{verb: verbWalk, index: ix, prefix: len(rng.Prefix), reverse: rng.Reverse, lock: lock, keys: rng.Keys}
	if !ix.Storable(rng.Prefix) {
		return call{}, true, nil
	}
	if !ix.Storable(rng.After) {
		return call{}, false, fmt.Errorf("cursor of %s: %w", ix.Table.Name, store.ErrInvalidValue)
	}
	values := rng.Prefix
	if len(rng.After) > 0 {
		after, empty, err := cursor(ix, rng)
		if err != nil || empty {
			return call{}, empty, err
		}
		s.after = len(after)
		values = append(values[:len(values):len(values)], after...)
	}
	limit := int64(rng.Limit)
	if limit == 0 {
		limit = 1<<63 - 1
	}
	var args [][]byte
	for n, v := range values {
		if v == nil {
			s.nulls |= 1 << n
			continue
		}
		// not nil, which would be NULL: a text may be empty
		arg, err := appendValue([]byte{}, ix.Table.Columns[ix.Columns[n]].Kind, v)
		if err != nil {
			return call{}, false, fmt.Errorf("range of %s: %w", ix.Table.Name, err)
		}
		args = append(args, arg)
	}
	arg, err := appendInt(nil, store.KindInt64, limit)
	return call{t.text(s), append(args, arg)}, false, err
}

// cursor is the part of After beyond the prefix. A cursor that differs from the prefix lies before all of its rows, so that
// it says nothing, or beyond all of them.
func cursor(ix *store.IndexDef, rng store.Range) (after []any, empty bool, err error) {
	common := min(len(rng.Prefix), len(rng.After))
	prefix, err := ix.Prefix(rng.Prefix[:common]...)
	if err != nil {
		return nil, false, err
	}
	key, err := ix.Prefix(rng.After[:common]...)
	if err != nil {
		return nil, false, err
	}
	switch {
	case key == prefix && len(rng.After) <= len(rng.Prefix):
		return nil, true, nil // every row of the prefix starts with the cursor
	case key == prefix:
		return rng.After[common:], false, nil
	default:
		return nil, (key > prefix) != rng.Reverse, nil
	}
}
