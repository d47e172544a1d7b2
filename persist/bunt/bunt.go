package bunt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/tidwall/buntdb"

	"github.com/skirmishgg/skirmish/persist/batch"
	"github.com/skirmishgg/skirmish/persist/store"
)

// DB is the embedded store of one folder. Writes go through its one lane; reads see the last commit.
type DB struct {
	mem  *buntdb.DB
	lane *batch.Lane
	drv  *driver
}

// Config says where the store lives and what time it is.
type Config struct {
	Dir   string // made when missing; one process at a time
	Clock func() time.Time
	Warn  func(error) // told of a checkpoint that failed, from any goroutine; nil: nobody is
}

// Open recovers the folder's store.
// Errors: the folder cannot be used, is in use by another process, or holds a log that is not ours.
func Open(c Config) (*DB, error) {
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	unlock, err := lockDir(c.Dir)
	if err != nil {
		return nil, err
	}
	mem, err := buntdb.Open(":memory:")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the index: %w", err), unlock())
	}
	d := newDriver(c, mem, unlock)
	if d.log, err = openLog(c.Dir, d.replayFrame); err != nil {
		return nil, errors.Join(err, mem.Close(), unlock())
	}
	d.lane = batch.NewLane(d, c.Clock)
	if err := d.lane.Do(d.checkpointIfDead); err != nil {
		return nil, err // a lane that nobody closed
	}
	return &DB{mem: mem, drv: d, lane: d.lane}, nil
}

// Read runs f against the last commit.
func (db *DB) Read(_ context.Context, f func(store.Reader) error) error {
	return db.mem.View(func(tx *buntdb.Tx) error { return f(view{tx}) })
}

// Load reads many rows of the last commit.
func (db *DB) Load(_ context.Context, ix *store.IndexDef, keys [][]any) ([]any, error) {
	rows := make([]any, len(keys))
	err := db.mem.View(func(tx *buntdb.Tx) error {
		for i, key := range keys {
			row, err := view{tx}.Fetch(ix, key)
			if err != nil {
				return err
			}
			rows[i] = row
		}
		return nil
	})
	return rows, err
}

// Page reads one range of the last commit.
func (db *DB) Page(_ context.Context, ix *store.IndexDef, rng store.Range) ([]any, error) {
	var rows []any
	err := db.mem.View(func(tx *buntdb.Tx) error {
		for row, err := range (view{tx}).Walk(ix, rng) {
			if err != nil {
				return err
			}
			rows = append(rows, row)
		}
		return nil
	})
	return rows, err
}

// Write is a group commit.
func (db *DB) Write(ctx context.Context, hint []store.Ref, f func(store.Tx) error) error {
	return db.lane.Write(ctx, hint, f)
}

// Update is the same here: there is one writer.
func (db *DB) Update(ctx context.Context, f func(store.Tx) error) error {
	return db.lane.Write(ctx, nil, f)
}

// Close commits what is queued, ends the lane and a checkpoint under way, and closes the log. It may be called twice.
func (db *DB) Close() error { return db.drv.close() }
