package pg

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"runtime"
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
	Lanes        int              // connections that commit; 0: a core in two has one, at least 2, at most 8
	ConnsMax     int              // connections in all; 0: 100
	ConnLifetime time.Duration    // after which one is replaced; 0: an hour
	Clock        func() time.Time // the server's
}

// DB is a PostgreSQL store.
type DB struct {
	// constant after Open
	pool    *pgxpool.Pool
	lanes   []*batch.Lane
	drivers []*driver
	clock   func() time.Time
	texts   texts

	// any goroutine
	reads    gather
	next     atomic.Uint64 // lane of the next unhinted write
	sequence atomic.Uint64 // of commits, taken while the batch holds its row locks
}

// Open connects. It does not create or migrate anything.
// Errors: the server cannot be reached, or refuses the user.
func Open(ctx context.Context, c Config) (*DB, error) {
	conf, err := pgxpool.ParseConfig(c.DSN)
	if err != nil {
		return nil, fmt.Errorf("database.address: %w", err)
	}
	lanes := cmp.Or(c.Lanes, min(max(runtime.NumCPU()/2, 2), 8))
	conf.MaxConns = int32(max(cmp.Or(c.ConnsMax, 100)-lanes, 1))
	conf.MaxConnLifetime = cmp.Or(c.ConnLifetime, time.Hour)
	conf.AfterConnect = configure
	pool, err := pgxpool.NewWithConfig(ctx, conf)
	if err != nil {
		return nil, fmt.Errorf("connect to the database: %w", err)
	}
	db := &DB{pool: pool, clock: c.Clock}
	db.reads.db = db
	if err := pool.QueryRow(ctx, bytewiseSQL).Scan(&db.texts.bytewise); err != nil {
		pool.Close()
		return nil, fmt.Errorf("connect to the database: %w", err)
	}
	connect := func(ctx context.Context) (*pgx.Conn, error) {
		conn, err := pgx.ConnectConfig(ctx, conf.ConnConfig.Copy())
		if err != nil {
			return nil, err
		}
		return conn, configure(ctx, conn)
	}
	for range lanes {
		d := &driver{db: db, connect: connect}
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

// Read runs f in one snapshot, which is of its first look.
func (db *DB) Read(ctx context.Context, f func(store.Reader) error) error {
	tx := &reading{ctx: ctx, db: db}
	defer tx.end()
	return f(&view{tx: tx, texts: &db.texts})
}

// Load reads many rows in one round trip, which the reads of other callers share.
func (db *DB) Load(ctx context.Context, ix *store.IndexDef, keys [][]any) ([]any, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	return db.reads.load(ctx, ix, keys)
}

// Page reads one range in one statement.
func (db *DB) Page(ctx context.Context, ix *store.IndexDef, rng store.Range) ([]any, error) {
	c, empty, err := db.texts.walkCall(ix, rng, false)
	if err != nil || empty {
		return nil, err
	}
	return db.rows(ctx, ix.Table, c)
}

// rows runs one call without a transaction.
func (db *DB) rows(ctx context.Context, d *store.Def, c call) (rows []any, err error) {
	conn, err := db.onLiveConn(ctx, func(l link) (err error) {
		rows, err = l.rows(ctx, d, c)
		return err
	})
	if conn != nil {
		conn.Release()
	}
	return rows, explain(err)
}

// onLiveConn runs f on a connection of the pool, and again on the next as long as they turn out to have died with an
// earlier run of the server. The caller releases the connection.
func (db *DB) onLiveConn(ctx context.Context, f func(link) error) (conn *pgxpool.Conn, err error) {
	for range db.pool.Config().MaxConns + 1 {
		if conn, err = db.pool.Acquire(ctx); err != nil {
			return nil, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
		}
		err = f(link{conn.Conn()})
		if !conn.Conn().IsClosed() || ctx.Err() != nil {
			return conn, err
		}
		conn.Release()
	}
	return nil, err
}

// Write goes to the lane of its lowest hinted row, so that writes of one row meet in one batch; else to that of what it is
// near to.
func (db *DB) Write(ctx context.Context, hint []store.Ref, f func(store.Tx) error) error {
	return db.lanes[db.laneOf(hint)].Write(ctx, hint, f)
}

func (db *DB) laneOf(hint []store.Ref) uint64 {
	lowest, order := store.Key(""), -1
	near := ""
	for i := range hint {
		ref := &hint[i]
		if ref.Index == nil {
			near = ref.Nearby()
			continue
		}
		at := ref.Index.Table.Order
		if ref.Index != ref.Index.Table.Primary {
			at += 1 << 16 // the row itself, where it is named, says more than one of its unique keys
		}
		if key := ref.Key(); key != "" && (order < 0 || at < order || at == order && key < lowest) {
			lowest, order = key, at
		}
	}
	if order < 0 {
		lowest = store.Key(near)
	}
	if lowest == "" {
		return db.next.Add(1) % uint64(len(db.lanes))
	}
	h := fnv.New64a()
	h.Write([]byte(lowest))
	return h.Sum64() % uint64(len(db.lanes))
}

// Update is a lane of one unit on a connection of the pool.
func (db *DB) Update(ctx context.Context, f func(store.Tx) error) error {
	conn, err := db.onLiveConn(ctx, func(l link) error { return l.conn.Ping(ctx) })
	if conn == nil {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	defer conn.Release()
	lane := batch.NewLane(&driver{db: db, conn: conn.Conn()}, db.clock)
	defer lane.Close()
	return lane.Write(ctx, nil, f)
}

const (
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	foreignKeyViolation  = "23503"
	uniqueViolation      = "23505"
	notNullViolation     = "23502"
	checkViolation       = "23514"
	stalePlan            = "0A000" // "cached plan must not change result type": the table was altered
	unknownStatement     = "26000"
)

// explain sorts what the server or the connection said into what a lane acts on.
func explain(err error) error {
	var refused *pgconn.PgError
	switch {
	case err == nil || errors.Is(err, store.ErrUnavailable):
		return err
	case !errors.As(err, &refused):
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	switch code := refused.Code; {
	case code == serializationFailure, code == deadlockDetected, code == stalePlan, code == unknownStatement:
		return fmt.Errorf("%w: %w", batch.ErrRetry, err)
	case code[:2] == "08", code[:2] == "57", code[:2] == "53": // connection, operator, resources
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	case code[:2] == "22", code == checkViolation, code == notNullViolation: // data that a column cannot hold
		return fmt.Errorf("%w: %w", store.ErrInvalidValue, err)
	}
	return err
}
