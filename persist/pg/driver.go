package pg

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/skirmishgg/skirmish/persist/batch"
	"github.com/skirmishgg/skirmish/persist/store"
)

const (
	batchTimeout   = 30 * time.Second // of one round trip, so that a lane never waits for ever on a dead server
	connectTimeout = 5 * time.Second
)

// driver is a lane's half: one connection and the batch under way. Owned by the lane's goroutine.
type driver struct {
	db      *DB
	connect func(context.Context) (*pgx.Conn, error) // nil: the connection is borrowed
	conn    *pgx.Conn

	begun   bool
	view    view
	wanted  wants
	arrays  arrays // of a load
	indexes []*store.IndexDef
	calls   []call
	flush   flush
	clashes int   // flushes of this batch that broke a unique key, one after another: the next frees the keys first
	touched wants // rows of a batch that lost a deadlock: its next run locks them up front, in order
}

func (d *driver) Begin(units []*batch.Unit) (store.Reader, error) {
	ctx, cancel := context.WithTimeout(context.Background(), batchTimeout)
	defer cancel()
	if err := d.ensureConnected(ctx); err != nil {
		return nil, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	d.view.reset(d, &d.db.texts)
	d.wanted = append(d.wanted[:0], d.touched...)
	d.touched = nil
	d.wanted = d.wanted.hint(units).sorted()
	defer clear(d.wanted)
	if err := d.load(ctx, d.wanted); err != nil {
		d.Abort()
		return nil, explain(err)
	}
	return &d.view, nil
}

func (d *driver) ensureConnected(ctx context.Context) error {
	if d.conn != nil && !d.conn.IsClosed() {
		return nil
	}
	if d.connect == nil {
		return errors.New("the connection was lost")
	}
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	var err error
	d.conn, err = d.connect(ctx)
	return err
}

func (d *driver) disconnect() {
	if d.conn != nil && d.connect != nil {
		d.drop()
	}
}

// drop closes the connection; nothing depends on how the goodbye went.
func (d *driver) drop() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = d.conn.Close(ctx)
}

// load opens the transaction and locks the wanted rows, in one round trip.
func (d *driver) load(ctx context.Context, wanted wants) error {
	d.begun = false
	if len(wanted) == 0 {
		return nil
	}
	d.arrays.reset()
	d.calls, d.indexes = append(d.calls[:0], begin), d.indexes[:0]
	for rest := wanted; len(rest) > 0; {
		n := rest.first()
		if err := d.arrays.wants(rest[:n]); err != nil {
			return err
		}
		d.calls = append(d.calls, call{text: d.db.texts.text(shape{verb: verbLock, index: rest[0].index})})
		d.indexes = append(d.indexes, rest[0].index)
		rest = rest[n:]
	}
	args := d.arrays.args()
	for i, ix := range d.indexes {
		d.calls[i+1].args, args = args[:len(ix.Columns)], args[len(ix.Columns):]
	}
	d.begun = true
	_, err := link{d.conn}.exchange(ctx, d.calls, func(n int, values [][]byte) error {
		table := d.indexes[n-1].Table
		row, err := readRow(table, values)
		if err == nil {
			d.view.rememberRow(table, row)
		}
		return err
	})
	for _, w := range wanted {
		d.view.rememberMissing(w.index, w.key)
	}
	return err
}

// rows reads within the transaction, and begins it where no hint has.
func (d *driver) rows(t *store.Def, c call) ([]any, error) {
	ctx, cancel := context.WithTimeout(context.Background(), batchTimeout)
	defer cancel()
	if d.begun {
		return link{d.conn}.rows(ctx, t, c)
	}
	d.begun = true
	return link{d.conn}.rows(ctx, t, begin, c)
}

func (d *driver) Commit(changes []batch.Change) (store.Commit, error) {
	ctx, cancel := context.WithTimeout(context.Background(), batchTimeout)
	defer cancel()
	done := store.Commit{Sequence: d.db.sequence.Add(1)}
	d.flush.reset()
	if !d.begun {
		d.flush.add(begin)
	}
	if err := d.flush.fill(&d.db.texts, changes, d.view.known, d.clashes > 0); err != nil {
		d.Abort()
		return store.Commit{}, err
	}
	d.flush.add(commit)
	d.begun = true
	answered, err := link{d.conn}.exchange(ctx, d.flush.calls, nil)
	clashes := d.clashes
	d.clashes = 0
	if answered == len(d.flush.calls) {
		return done, nil // whatever happened to the connection after COMMIT was answered
	}
	var refused *pgconn.PgError
	if !errors.As(err, &refused) || refused.Severity == "FATAL" || refused.Severity == "PANIC" {
		d.drop() // the connection ended with COMMIT on its way
		return store.Commit{}, fmt.Errorf("%w: %w", batch.ErrUnknownOutcome, err)
	}
	d.Abort()
	switch {
	case refused.Code == uniqueViolation && clashes < clashesMax:
		d.clashes = clashes + 1
		return store.Commit{}, fmt.Errorf("%w: %w", batch.ErrRetry, err)
	case refused.Code == uniqueViolation:
		return store.Commit{}, errors.Join(&store.DuplicateError{Table: refused.TableName, Columns: d.columnsOf(ctx, refused)}, err)
	case refused.Code == foreignKeyViolation:
		return store.Commit{}, errors.Join(&store.ReferenceError{Table: refused.TableName, Columns: d.columnsOf(ctx, refused)}, err)
	}
	return store.Commit{}, explain(err)
}

// A unique key breaks in a flush when another program took it since the load, or when rows of one batch exchange it: the
// batch runs again, on what is there now. Twice, so that both can happen to it; a third time it is the function's fault.
const clashesMax = 2

// columnsOf asks which columns a constraint or unique index is about, whatever an administrator has named it. A key that
// the table declares is named as it is declared.
func (d *driver) columnsOf(ctx context.Context, refused *pgconn.PgError) string {
	var names []string
	err := d.conn.QueryRow(ctx, constraintSQL, refused.SchemaName, refused.TableName, refused.ConstraintName).Scan(&names)
	if err != nil {
		return refused.ConstraintName // says as much to a reader of the log
	}
	if t := store.TableNamed(refused.TableName); t != nil {
		for _, ix := range t.Uniques {
			declared := strings.Split(ix.ColumnNames(), ",")
			if slices.Equal(slices.Sorted(slices.Values(declared)), slices.Sorted(slices.Values(names))) {
				return ix.ColumnNames()
			}
		}
	}
	return strings.Join(names, ",")
}

func (d *driver) Abort() {
	if !d.begun || d.conn.IsClosed() {
		return
	}
	d.begun = false
	ctx, cancel := context.WithTimeout(context.Background(), connectTimeout)
	defer cancel()
	if _, err := (link{d.conn}).exchange(ctx, []call{rollback}, nil); err != nil {
		d.drop() // a connection that cannot roll back is of no use; its transaction ends with it
	}
}

func (d *driver) Trouble() error {
	if errors.Is(d.view.trouble, batch.ErrRetry) {
		d.touched = d.view.touched
	}
	return d.view.trouble
}

// flush is the statements of a batch's changes, in memory that the next batch uses again.
type flush struct {
	calls  []call
	arrays arrays
	parts  []part
	rows   []store.Row
}

// part is one statement of a flush, whose arguments are the arrays first to last.
type part struct{ call, first, last int }

func (f *flush) reset() {
	clear(f.calls)
	f.calls, f.parts = f.calls[:0], f.parts[:0]
	f.arrays.reset()
}

func (f *flush) add(c call) { f.calls = append(f.calls, c) }

// fill adds the changes, which are in catalogue order: of each table removals first, so that what they held is free, then
// rows. Keys are moved out of the way before, where release says so.
func (f *flush) fill(t *texts, changes []batch.Change, known func(*store.Def, store.Key) presence, release bool) error {
	for len(changes) > 0 {
		d, n := changes[0].Table, 1
		for n < len(changes) && changes[n].Table == d {
			n++
		}
		if err := f.table(t, d, changes[:n], known, release); err != nil {
			return err
		}
		changes = changes[n:]
	}
	args := f.arrays.args()
	for _, p := range f.parts {
		f.calls[p.call].args = args[p.first:p.last]
	}
	return nil
}

func (f *flush) table(t *texts, d *store.Def, changes []batch.Change, known func(*store.Def, store.Key) presence, release bool) error {
	var removed [][]any
	for i := range changes {
		if changes[i].Row == nil {
			removed = append(removed, changes[i].Values)
		}
	}
	if len(removed) > 0 {
		first := len(f.arrays.ends)
		if err := f.arrays.keys(d.Primary, removed); err != nil {
			return err
		}
		f.part(t, verbRemove, d, first)
	}
	for _, w := range []struct {
		verb verb
		when presence
	}{{verbUpdate, present}, {verbUpsert, unknown}, {verbInsert, absent}} {
		f.rows = f.rows[:0]
		for i := range changes {
			if c := &changes[i]; c.Row != nil && known(d, c.Key) == w.when {
				f.rows = append(f.rows, d.View(c.Row))
			}
		}
		if len(f.rows) == 0 {
			continue
		}
		if release && w.verb != verbInsert {
			f.columns(t, verbRelease, d, d.Primary.Columns, f.rows)
		}
		f.columns(t, w.verb, d, d.All, f.rows)
	}
	return nil
}

func (f *flush) columns(t *texts, v verb, d *store.Def, columns []int, rows []store.Row) {
	if t.text(shape{verb: v, index: d.Primary}) == "" {
		return // the table has nothing of the kind
	}
	first := len(f.arrays.ends)
	f.arrays.columns(d, columns, rows)
	f.part(t, v, d, first)
}

func (f *flush) part(t *texts, v verb, d *store.Def, first int) {
	f.parts = append(f.parts, part{len(f.calls), first, len(f.arrays.ends)})
	f.add(call{text: t.text(shape{verb: v, index: d.Primary})})
}
