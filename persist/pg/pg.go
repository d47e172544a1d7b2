package pg

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"iter"
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
	DSN   string           // postgres://user:password@host:port/database
	Lanes int              // connections that commit; 0: 2
	Pool  int32            // connections for reads and wide updates; 0: 16
	Clock func() time.Time // the server's
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
	if conf.MaxConns = 16; c.Pool > 0 {
		conf.MaxConns = c.Pool
	}
	pool, err := pgxpool.NewWithConfig(ctx, conf)
	if err != nil {
		return nil, fmt.Errorf("connect to the database: %w", err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("connect to the database: %w", err)
	}
	db := &DB{pool: pool, clock: c.Clock}
	for range max(c.Lanes, 2) {
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
	err = f(&view{ctx: ctx, conn: tx.Conn()})
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
		key, err := ref.Table.Primary.Prefix(ref.Values...)
		if err == nil && (order < 0 || ref.Table.Order < order || ref.Table.Order == order && key < lowest) {
			lowest, order = key, ref.Table.Order
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
	release bool // the last flush broke a unique key: free the keys first this time

	// rows of a batch that lost a deadlock: its next run locks them up front, in order
	touched map[*store.Def]map[store.Key][]any
}

func (d *driver) Begin(units []*batch.Unit) (store.Reader, error) {
	ctx, cancel := context.WithTimeout(context.Background(), batchTimeout)
	defer cancel()
	if err := d.ensureConnected(ctx); err != nil {
		return nil, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	d.view = &view{ctx: context.Background(), conn: d.conn, lock: true, loaded: map[*store.Def]map[store.Key]any{}}
	touched := d.touched
	d.touched = nil
	if err := d.load(ctx, hinted(units, touched)); err != nil {
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

// hinted are the rows of all hints and those already in byTable, once each, in catalogue and key order.
func hinted(units []*batch.Unit, byTable map[*store.Def]map[store.Key][]any) []tableKeys {
	if byTable == nil {
		byTable = map[*store.Def]map[store.Key][]any{}
	}
	for _, u := range units {
		for _, ref := range u.Hint {
			key, err := ref.Table.Primary.Prefix(ref.Values...)
			if err != nil || len(ref.Values) != len(ref.Table.Primary.Columns) {
				continue // a wrong hint only costs speed
			}
			if byTable[ref.Table] == nil {
				byTable[ref.Table] = map[store.Key][]any{}
			}
			byTable[ref.Table][key] = ref.Values
		}
	}
	return sortedKeys(byTable)
}

// load opens the transaction and reads the hinted rows in one round trip.
func (d *driver) load(ctx context.Context, tables []tableKeys) error {
	b := &pgx.Batch{}
	b.Queue("BEGIN")
	for _, t := range tables {
		b.Queue(loadSQL(t.table), keyArrays(t.table, t.values)...)
	}
	results := d.conn.SendBatch(ctx, b)
	_, err := results.Exec()
	for _, t := range tables {
		if err != nil {
			break
		}
		var rows []any
		var found pgx.Rows
		if found, err = results.Query(); err != nil {
			break
		}
		if rows, err = readRows(t.table, found); err != nil {
			break
		}
		loaded := map[store.Key]any{}
		for _, key := range t.keys {
			loaded[key] = nil
		}
		for _, row := range rows {
			key, _, keyErr := t.table.Primary.KeyOf(row)
			if keyErr != nil {
				err = keyErr
				break
			}
			loaded[key] = row
		}
		d.view.loaded[t.table] = loaded
	}
	return errors.Join(err, results.Close())
}

func (d *driver) Commit(changes []batch.Change) (store.Commit, error) {
	ctx, cancel := context.WithTimeout(context.Background(), batchTimeout)
	defer cancel()
	commit := store.Commit{Sequence: d.db.sequence.Add(1)}
	careful := d.release
	b := statements(changes, careful)
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
	d.release = false
	if err == nil {
		return commit, nil
	}
	var refused *pgconn.PgError
	if !errors.As(err, &refused) { // the connection broke with COMMIT on its way
		return store.Commit{}, fmt.Errorf("%w: %w", batch.ErrUnknownOutcome, errors.Join(err, d.drop()))
	}
	d.Abort()
	if refused.Code == uniqueViolation && !careful {
		d.release = true
		return store.Commit{}, fmt.Errorf("%w: %w", batch.ErrRetry, err)
	}
	return store.Commit{}, explain(err)
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

const (
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
	case refused.Code == uniqueViolation:
		return errors.Join(&store.DuplicateError{Table: refused.TableName, Columns: refused.ConstraintName}, err)
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
	loaded  map[*store.Def]map[store.Key]any
	touched map[*store.Def]map[store.Key][]any // rows asked for by key that no hint named
	trouble error
}

func (v *view) Fetch(ix *store.IndexDef, values []any) (any, error) {
	if ix == ix.Table.Primary {
		key, err := ix.Prefix(values...)
		if err != nil {
			return nil, err
		}
		if row, ok := v.loaded[ix.Table][key]; ok {
			return batch.Clone(row), nil
		}
		v.touch(ix.Table, key, values)
	}
	rows, err := v.page(ix, store.Range{Prefix: values, Limit: 1})
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return rows[0], nil
}

func (v *view) touch(d *store.Def, key store.Key, values []any) {
	if !v.lock {
		return
	}
	if v.touched == nil {
		v.touched = map[*store.Def]map[store.Key][]any{}
	}
	if v.touched[d] == nil {
		v.touched[d] = map[store.Key][]any{}
	}
	v.touched[d][key] = values
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
	v.trouble = explain(err)
	return found, v.trouble
}
