package pg

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"iter"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/skirmishgg/skirmish/persist/batch"
	"github.com/skirmishgg/skirmish/persist/store"
)

// Config says where the database is.
type Config struct {
	DSN          string           // postgres://user:password@host:port/database
	Lanes        int              // connections that commit; 0: 2
	ConnsMax     int              // connections in all; 0: 100
	ConnLifetime time.Duration    // after which one is replaced; 0: an hour
	Clock        func() time.Time // the server's
}

// DB is a PostgreSQL store.
type DB struct {
	pool     *pgxpool.Pool
	lanes    []*batch.Lane
	drivers  []*driver
	next     atomic.Uint64 // lane of the next unhinted write
	sequence atomic.Uint64 // of commits, taken while the batch holds its row locks
	clock    func() time.Time
}

// Open connects. It does not create or migrate anything.
// Errors: the server cannot be reached, or refuses the user.
func Open(ctx context.Context, c Config) (*DB, error) {
	conf, err := pgxpool.ParseConfig(c.DSN)
	if err != nil {
		return nil, fmt.Errorf("database.address: %w", err)
	}
	lanes := cmp.Or(c.Lanes, 2)
	conf.MaxConns = int32(max(cmp.Or(c.ConnsMax, 100)-lanes, 1))
	conf.MaxConnLifetime = cmp.Or(c.ConnLifetime, time.Hour)
	pool, err := pgxpool.NewWithConfig(ctx, conf)
	if err != nil {
		return nil, fmt.Errorf("connect to the database: %w", err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("connect to the database: %w", err)
	}
	db := &DB{pool: pool, clock: c.Clock}
	for range lanes {
		d := &driver{db: db, connect: func(ctx context.Context) (*pgx.Conn, error) { return pgx.ConnectConfig(ctx, conf.ConnConfig.Copy()) }}
		db.drivers = append(db.drivers, d)
		db.lanes = append(db.lanes, batch.NewLane(d, c.Clock))
	}
	return db, nil
}

// Close commits what is queued and closes all connections.
func (db *DB) Close() error {
	for i, l := range db.lanes {
		l.Close()
		db.drivers[i].disconnect()
	}
	db.pool.Close()
	return nil
}

// Read runs f in one snapshot.
func (db *DB) Read(ctx context.Context, f func(store.Reader) error) error {
	tx, err := db.beginRead(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	err = f(newView(ctx, tx.Conn()))
	if endErr := tx.Rollback(context.WithoutCancel(ctx)); err == nil && endErr != nil {
		err = explain(endErr)
	}
	return err
}

// beginRead passes over pooled connections that died with an earlier run of the server: each fails at BEGIN, at most as
// many as the pool holds.
func (db *DB) beginRead(ctx context.Context) (tx pgx.Tx, err error) {
	for range db.pool.Config().MaxConns + 1 {
		tx, err = db.pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
		if err == nil || ctx.Err() != nil {
			break
		}
	}
	return tx, err
}

// Load reads many rows in one statement.
func (db *DB) Load(ctx context.Context, ix *store.IndexDef, keys [][]any) ([]any, error) {
	sql, args := getSQL(ix, keys)
	found, err := db.query(ctx, ix.Table, sql, args)
	if err != nil {
		return nil, err
	}
	at := make(map[store.Key]any, len(found))
	for _, row := range found {
		key, _, err := ix.KeyOf(row)
		if err != nil {
			return nil, err
		}
		at[key] = row
	}
	rows := make([]any, len(keys))
	for i, values := range keys {
		key, err := ix.Prefix(values...)
		if err != nil {
			return nil, err
		}
		if row := at[key]; row != nil {
			rows[i] = batch.Clone(row) // a key may be asked twice
		}
	}
	return rows, nil
}

// Page reads one range in one statement.
func (db *DB) Page(ctx context.Context, ix *store.IndexDef, rng store.Range) ([]any, error) {
	sql, args := walkSQL(ix, rng, false)
	return db.query(ctx, ix.Table, sql, args)
}

// query passes over connections that died with an earlier run of the server, as beginRead does.
func (db *DB) query(ctx context.Context, d *store.Def, sql string, args []any) (rows []any, err error) {
	for range db.pool.Config().MaxConns + 1 {
		var found pgx.Rows
		if found, err = db.pool.Query(ctx, sql, args...); err == nil {
			rows, err = readRows(d, found)
		}
		if err = explain(err); !errors.Is(err, store.ErrUnavailable) || ctx.Err() != nil {
			break
		}
	}
	return rows, err
}

// Write goes to the lane of its lowest hinted row, so that writes of one row meet in one batch.
func (db *DB) Write(ctx context.Context, hint []store.Ref, f func(store.Tx) error) error {
	return db.lanes[db.laneOf(hint)].Write(ctx, hint, f)
}

func (db *DB) laneOf(hint []store.Ref) uint64 {
	if len(hint) == 0 {
		return db.next.Add(1) % uint64(len(db.lanes))
	}
	lowest, order := store.Key(""), -1
	for _, ref := range hint {
		key, err := ref.Index.Prefix(ref.Values...)
		at := ref.Index.Table.Order
		if ref.Index != ref.Index.Table.Primary {
			at += len(store.Tables()) // the row itself, where it is named, says more than one of its unique keys
		}
		if err == nil && (order < 0 || at < order || at == order && key < lowest) {
			lowest, order = key, at
		}
	}
	h := fnv.New64a()
	h.Write([]byte(lowest))
	return h.Sum64() % uint64(len(db.lanes))
}

// Update is a lane of one unit on a connection of the pool.
func (db *DB) Update(ctx context.Context, f func(store.Tx) error) error {
	conn, err := db.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	defer conn.Release()
	lane := batch.NewLane(&driver{db: db, conn: conn.Conn()}, db.clock)
	defer lane.Close()
	return lane.Write(ctx, nil, f)
}

const (
	batchTimeout   = 30 * time.Second // of one statement group, so that a lane never waits for ever on a dead server
	connectTimeout = 5 * time.Second
)

// driver is a lane's half: one connection and the batch under way. Owned by the lane's goroutine.
type driver struct {
	db      *DB
	connect func(context.Context) (*pgx.Conn, error) // nil: the connection is borrowed
	conn    *pgx.Conn
	view    *view
	clashes int // flushes of this batch that broke a unique key, one after another: the next frees the keys first

	// rows of a batch that lost a deadlock: its next run locks them up front, in order
	touched keySet
}

func (d *driver) Begin(units []*batch.Unit) (store.Reader, error) {
	ctx, cancel := context.WithTimeout(context.Background(), batchTimeout)
	defer cancel()
	if err := d.ensureConnected(ctx); err != nil {
		return nil, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	d.view = lockingView(d.conn)
	wanted := d.touched
	if d.touched = nil; wanted == nil {
		wanted = keySet{}
	}
	wanted.hint(units)
	if err := d.load(ctx, wanted.sorted()); err != nil {
		d.Abort()
		return nil, explain(err)
	}
	return d.view, nil
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
		ctx, cancel := context.WithTimeout(context.Background(), connectTimeout)
		defer cancel()
		_ = d.conn.Close(ctx) // nothing depends on how the goodbye went
	}
}

// load opens the transaction and reads the hinted rows in one round trip.
func (d *driver) load(ctx context.Context, wanted []indexKeys) error {
	b := &pgx.Batch{}
	b.Queue("BEGIN")
	for _, w := range wanted {
		b.Queue(loadSQL(w.index), keyArrays(w.index, w.values)...)
	}
	results := d.conn.SendBatch(ctx, b)
	_, err := results.Exec()
	for _, w := range wanted {
		if err != nil {
			break
		}
		err = d.view.keep(results, w)
	}
	return errors.Join(err, results.Close())
}

func (d *driver) Commit(changes []batch.Change) (store.Commit, error) {
	ctx, cancel := context.WithTimeout(context.Background(), batchTimeout)
	defer cancel()
	commit := store.Commit{Sequence: d.db.sequence.Add(1)}
	b := statements(changes, d.view.absent, d.clashes > 0)
	flushes := b.Len()
	b.Queue("COMMIT")
	results := d.conn.SendBatch(ctx, b)
	var err error
	for range flushes + 1 {
		if _, err = results.Exec(); err != nil {
			break
		}
	}
	err = errors.Join(err, results.Close())
	clashes := d.clashes
	d.clashes = 0
	if err == nil {
		return commit, nil
	}
	var refused *pgconn.PgError
	if !errors.As(err, &refused) { // the connection broke with COMMIT on its way
		return store.Commit{}, fmt.Errorf("%w: %w", batch.ErrUnknownOutcome, errors.Join(err, d.drop()))
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

// columnsOf asks which columns a constraint or unique index is about, whatever an administrator has named it. A key that
// the table declares is named as it is declared.
func (d *driver) columnsOf(ctx context.Context, refused *pgconn.PgError) string {
	var names []string
	err := d.conn.QueryRow(ctx, constraintSQL, refused.SchemaName, refused.TableName, refused.ConstraintName).Scan(&names)
	if err != nil {
		return refused.ConstraintName // says as much to a reader of the log
	}
	for _, t := range store.Tables() {
		for _, ix := range t.Uniques {
			declared := strings.Split(ix.ColumnNames(), ",")
			if t.Name == refused.TableName && slices.Equal(slices.Sorted(slices.Values(declared)), slices.Sorted(slices.Values(names))) {
				return ix.ColumnNames()
			}
		}
	}
	return strings.Join(names, ",")
}

func (d *driver) drop() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return d.conn.Close(ctx)
}

func (d *driver) Abort() {
	ctx, cancel := context.WithTimeout(context.Background(), connectTimeout)
	defer cancel()
	if d.conn.IsClosed() {
		return
	}
	if _, err := d.conn.Exec(ctx, "ROLLBACK"); err != nil {
		_ = d.drop() // a connection that cannot roll back is of no use; its transaction ends with it
	}
}

func (d *driver) Trouble() error {
	if errors.Is(d.view.trouble, batch.ErrRetry) {
		d.touched = d.view.touched
	}
	return d.view.trouble
}

// A unique key breaks in a flush when another program took it since the load, or when rows of one batch exchange it: the
// batch runs again, on what is there now. Twice, so that both can happen to it; a third time it is the function's fault.
const clashesMax = 2

const (
	foreignKeyViolation  = "23503"
	uniqueViolation      = "23505"
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
)

// explain sorts what the server or the connection said into what a lane acts on.
func explain(err error) error {
	var refused *pgconn.PgError
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &refused):
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	case refused.Code == serializationFailure, refused.Code == deadlockDetected:
		return fmt.Errorf("%w: %w", batch.ErrRetry, err)
	case refused.Code[:2] == "08", refused.Code[:2] == "57", refused.Code[:2] == "53": // connection, operator, resources
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return err
}

// view reads within one transaction. Rows it loads under lock stay loaded until the batch ends.
type view struct {
	ctx     context.Context
	conn    *pgx.Conn
	lock    bool
	loaded  map[*store.IndexDef]map[store.Key]any // what unique keys hold; nil: nothing
	kept    int                                   // rows in loaded
	touched keySet                                // rows asked for by key that no hint named
	trouble error
}

func newView(ctx context.Context, conn *pgx.Conn) *view { return &view{ctx: ctx, conn: conn} }

// lockingView locks what it reads.
func lockingView(conn *pgx.Conn) *view {
	return &view{ctx: context.Background(), conn: conn, lock: true, loaded: map[*store.IndexDef]map[store.Key]any{}, touched: keySet{}}
}

// keep takes the answer to one query of load.
func (v *view) keep(results pgx.BatchResults, w indexKeys) error {
	found, err := results.Query()
	if err != nil {
		return err
	}
	rows, err := readRows(w.index.Table, found)
	if err != nil {
		return err
	}
	for _, key := range w.keys {
		v.remember(w.index, key, nil)
	}
	return v.rememberRows(w.index.Table, rows)
}

const keptMax = 8192 // rows remembered of one batch; one that walks over more asks again

// rememberRows notes locked rows under every unique key they hold.
func (v *view) rememberRows(d *store.Def, rows []any) error {
	for _, row := range rows {
		if v.kept++; v.kept > keptMax {
			return nil
		}
		copied := batch.Clone(row) // the row itself is the caller's
		for _, ix := range d.Keys {
			key, hasNull, err := ix.KeyOf(row)
			if err != nil {
				return err
			}
			if !hasNull {
				v.remember(ix, key, copied)
			}
		}
	}
	return nil
}

// absent reports a row that was looked for and not found: putting it is an insert, which must not silently replace a row
// that another program has inserted since.
func (v *view) absent(d *store.Def, key store.Key) bool {
	row, ok := v.loaded[d.Primary][key]
	return ok && row == nil
}

func (v *view) remember(ix *store.IndexDef, key store.Key, row any) {
	if v.loaded[ix] == nil {
		v.loaded[ix] = map[store.Key]any{}
	}
	v.loaded[ix][key] = row
}

func (v *view) Fetch(ix *store.IndexDef, values []any) (any, error) {
	key, err := ix.Prefix(values...)
	if err != nil {
		return nil, err
	}
	if row, ok := v.loaded[ix][key]; ok {
		return batch.Clone(row), nil
	}
	if v.lock {
		v.touched.add(ix, key, values)
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
			for _, row := range rows {
				if !yield(row, nil) {
					return
				}
			}
			left -= len(rows)
			if len(rows) < page.Limit || rng.Limit > 0 && left == 0 {
				return
			}
			rng.After = ix.ValuesOf(rows[len(rows)-1])
		}
	}
}

func (v *view) page(ix *store.IndexDef, rng store.Range) ([]any, error) {
	if v.trouble != nil {
		return nil, v.trouble
	}
	ctx, cancel := context.WithTimeout(v.ctx, batchTimeout)
	defer cancel()
	sql, args := walkSQL(ix, rng, v.lock)
	rows, err := v.conn.Query(ctx, sql, args...)
	if err != nil {
		v.trouble = explain(err)
		return nil, v.trouble
	}
	found, err := readRows(ix.Table, rows)
	if err == nil && v.lock {
		err = v.rememberRows(ix.Table, found)
	}
	v.trouble = explain(err)
	return found, v.trouble
}
