package bunt

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
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
	drv := &driver{mem: mem, dir: c.Dir, unlock: unlock}
	if drv.log, err = openLog(c.Dir, drv.replayFrame); err == nil {
		err = drv.checkpointIfDead()
	}
	if err != nil {
		return nil, errors.Join(err, mem.Close(), unlock())
	}
	return &DB{mem: mem, drv: drv, lane: batch.NewLane(drv, c.Clock)}, nil
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

// Close ends the lane and closes the log.
func (db *DB) Close() error {
	db.lane.Close()
	return errors.Join(db.drv.log.f.Close(), db.mem.Close(), db.drv.unlock())
}

// driver is the lane's half. Owned by the lane's goroutine once Open has returned.
type driver struct {
	mem      *buntdb.DB
	log      *logFile
	dir      string
	unlock   func() error
	tx       *buntdb.Tx // of the batch under way
	sequence uint64
	live     int64 // bytes of rows that a checkpoint would keep
	buf      []byte
}

func (d *driver) Begin([]*batch.Unit) (store.Reader, error) {
	if d.log.failed != nil {
		return nil, store.ErrUnavailable
	}
	tx, err := d.mem.Begin(false)
	d.tx = tx
	return view{tx}, err
}

func (d *driver) Abort() { d.endRead() }

func (d *driver) Trouble() error { return nil } // memory does not fail

func (d *driver) endRead() {
	if err := d.tx.Rollback(); err != nil {
		panic("bunt: a read transaction of the lane did not end: " + err.Error())
	}
	d.tx = nil
}

// Commit writes the frame, then shows its effect. A log that has failed may or may not hold the frame, so nobody can
// say whether the batch survives a restart.
func (d *driver) Commit(changes []batch.Change) (store.Commit, error) {
	d.endRead()
	d.buf = d.buf[:0]
	for _, c := range changes {
		d.buf = appendChange(d.buf, c)
	}
	if err := d.log.append(d.sequence+1, d.buf); err != nil {
		return store.Commit{}, fmt.Errorf("%w: %w", batch.ErrUnknownOutcome, err)
	}
	d.sequence++
	err := d.mem.Update(func(tx *buntdb.Tx) error {
		for _, c := range changes {
			if err := d.apply(tx, c); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		panic("bunt: a logged commit does not apply: " + err.Error()) // memory and log would differ from here on
	}
	return store.Commit{Sequence: d.sequence}, nil
}

// A change in a frame: table name · key · flag u8 (0 removed, 1 row) · row; strings with uvarint length.
func appendChange(dst []byte, c batch.Change) []byte {
	dst = appendString(dst, c.Table.Name)
	dst = appendString(dst, string(c.Key))
	if c.Row == nil {
		return append(dst, 0)
	}
	dst = append(dst, 1)
	at := len(dst)
	dst = appendRow(dst, c.Table, c.Row)
	row := len(dst) - at
	var head [binary.MaxVarintLen64]byte
	n := binary.PutUvarint(head[:], uint64(row))
	dst = append(dst, head[:n]...)
	copy(dst[at+n:], dst[at:at+row])
	copy(dst[at:], head[:n])
	return dst
}

func (d *driver) replayFrame(sequence uint64, changes []byte) error {
	d.sequence = sequence
	tables := map[string]*store.Def{}
	for _, t := range store.Tables() {
		tables[t.Name] = t
	}
	r := reader{rest: string(changes)}
	return d.mem.Update(func(tx *buntdb.Tx) error {
		for r.rest != "" {
			name, key, kept := r.text(), store.Key(r.text()), r.byte() == 1
			c := batch.Change{Table: tables[name], Key: key}
			row := ""
			if kept {
				row = r.text()
			}
			if r.bad || c.Table == nil {
				return fmt.Errorf("frame %d: %w: table %q", sequence, errCorrupt, name)
			}
			if kept {
				var err error
				if c.Row, err = readRow(c.Table, row); err != nil {
					return fmt.Errorf("frame %d: %w", sequence, err)
				}
			}
			if err := d.apply(tx, c); err != nil {
				return err
			}
		}
		return nil
	})
}

// apply replaces one row and its index entries.
func (d *driver) apply(tx *buntdb.Tx, c batch.Change) error {
	at := rowKey(c.Table, c.Key)
	old, err := tx.Get(at)
	if err != nil && !errors.Is(err, buntdb.ErrNotFound) {
		return err
	}
	if err == nil {
		row, err := readRow(c.Table, old)
		if err != nil {
			return err
		}
		if err := eachEntry(c.Table, c.Key, row, func(entry string) error { _, err := tx.Delete(entry); return err }); err != nil {
			return err
		}
		d.live -= int64(len(at) + len(old))
		if _, err := tx.Delete(at); err != nil {
			return err
		}
	}
	if c.Row == nil {
		return nil
	}
	text := string(appendRow(nil, c.Table, c.Row))
	d.live += int64(len(at) + len(text))
	if _, _, err := tx.Set(at, text, nil); err != nil {
		return err
	}
	return eachEntry(c.Table, c.Key, c.Row, func(entry string) error { _, _, err := tx.Set(entry, string(c.Key), nil); return err })
}

// Keys in the index: "r" table · primary key → row; "i" table, index · index key, primary key → primary key.
func rowKey(t *store.Def, primary store.Key) string {
	return string([]byte{'r', byte(t.Order >> 8), byte(t.Order)}) + string(primary)
}

func indexPrefix(ix *store.IndexDef, n int) string {
	return string([]byte{'i', byte(ix.Table.Order >> 8), byte(ix.Table.Order), byte(n)})
}

func eachEntry(t *store.Def, primary store.Key, row any, f func(entry string) error) error {
	for n, ix := range t.Indexes {
		if ix == t.Primary {
			continue
		}
		key, _, err := ix.KeyOf(row)
		if err == nil {
			err = f(indexPrefix(ix, n) + string(key) + string(primary))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// view reads one state of the index.
type view struct{ tx *buntdb.Tx }

func (v view) Fetch(ix *store.IndexDef, values []any) (any, error) {
	key, err := ix.Prefix(values...)
	if err != nil {
		return nil, err
	}
	if ix == ix.Table.Primary {
		return v.row(ix.Table, key)
	}
	for row, err := range v.Walk(ix, store.Range{Prefix: values, Limit: 1}) {
		return row, err
	}
	return nil, nil
}

// Exists looks at the key only; the layer asks it for the parents of rows.
func (v view) Exists(t *store.Def, primary store.Key) (bool, error) {
	_, err := v.tx.Get(rowKey(t, primary))
	if errors.Is(err, buntdb.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

func (v view) row(t *store.Def, primary store.Key) (any, error) {
	text, err := v.tx.Get(rowKey(t, primary))
	if errors.Is(err, buntdb.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return readRow(t, text)
}

// Walk yields the rows of a range in index order.
func (v view) Walk(ix *store.IndexDef, rng store.Range) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		bounds, err := ix.Bounds(rng)
		if err != nil {
			yield(nil, err)
			return
		}
		space := v.space(ix)
		count := 0
		visit := func(entry, value string) bool {
			key := store.Key(entry[min(len(space), len(entry)):])
			if !strings.HasPrefix(entry, space) || !bounds.Contains(key) {
				// descending starts at the limit, which is not part of the range
				return rng.Reverse && strings.HasPrefix(entry, space) && key >= bounds.First
			}
			var row any
			var err error
			if ix == ix.Table.Primary {
				row, err = readRow(ix.Table, value)
			} else {
				row, err = v.row(ix.Table, store.Key(value))
			}
			count++
			return yield(row, err) && err == nil && (rng.Limit == 0 || count < rng.Limit)
		}
		if rng.Reverse {
			err = v.tx.DescendLessOrEqual("", space+limitOf(bounds), visit)
		} else {
			err = v.tx.AscendGreaterOrEqual("", space+string(bounds.First), visit)
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

func (v view) space(ix *store.IndexDef) string {
	if ix == ix.Table.Primary {
		return rowKey(ix.Table, "")
	}
	for n, other := range ix.Table.Indexes {
		if other == ix {
			return indexPrefix(ix, n)
		}
	}
	panic("bunt: an index of another table")
}

// limitOf is where a descent starts; nothing sorts after ff in a key's first byte but NULLs, which start with it.
func limitOf(b store.Bounds) string {
	if b.Limit == "" {
		return "\xff\xff"
	}
	return string(b.Limit)
}

// checkpointIfDead rewrites the log when more than half of it, and more than 4 MB, is rows long replaced.
func (d *driver) checkpointIfDead() error {
	if dead := d.log.size - d.live; dead < 4<<20 || dead < d.log.size/2 {
		return nil
	}
	path := filepath.Join(d.dir, checkpoint)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	fresh := &logFile{f: f, size: int64(len(logMagic))}
	if _, err = f.WriteString(logMagic); err == nil {
		err = d.writeLive(fresh)
	}
	if err == nil {
		err = os.Rename(path, filepath.Join(d.dir, logName))
	}
	if err == nil {
		err = syncDir(d.dir)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("checkpoint: %w", err), f.Close())
	}
	old := d.log
	d.log = fresh
	return old.f.Close()
}

// writeLive puts all rows into frames of about a megabyte, under the current sequence.
func (d *driver) writeLive(to *logFile) error {
	return d.mem.View(func(tx *buntdb.Tx) error {
		var buf []byte
		for _, t := range store.Tables() {
			for row, err := range (view{tx}).Walk(t.Primary, store.Range{}) {
				if err != nil {
					return err
				}
				key, _, err := t.Primary.KeyOf(row)
				if err != nil {
					return err
				}
				buf = appendChange(buf, batch.Change{Table: t, Key: key, Row: row})
				if len(buf) > 1<<20 {
					if err := to.append(d.sequence, buf); err != nil {
						return err
					}
					buf = buf[:0]
				}
			}
		}
		return to.append(d.sequence, buf)
	})
}
