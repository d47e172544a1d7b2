package bunt

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/tidwall/buntdb"

	"github.com/skirmishgg/skirmish/persist/store"
)

// A checkpoint makes a log that holds each live row once. It runs beside the lane:
//
//	lane        ──────▶ notes size and sequence of its log, goes on appending ──────────▶ takes over ──▶ appends to the new log
//	checkpoint            rows, a chunk at a time ─▶ frames appended since ─▶ fsync ───────▲
//
// The rows are not of one moment: a chunk may show commits later than the noted sequence. That is healed by the frames
// that follow, since they hold whole rows and are replayed in order. Until the rename the old log is whole, after it the
// new one is.

const (
	checkpointName = "store.log.new"
	deadMin        = 4 << 20  // bytes; and at least half of the log: a checkpoint writes at most as much as it frees
	chunkBytes     = 64 << 10 // of rows copied at a time: readers and the lane wait no longer than that takes
	handOverBytes  = 1 << 20  // of frames that the lane copies itself, while its writers wait
)

var errStopped = errors.New("the store is closing")

// checkpointIfDead starts a checkpoint when most of the log is rows long replaced. On the lane's goroutine.
func (d *driver) checkpointIfDead() {
	size := d.log.size.Load()
	if dead := size - d.live; d.checkpointing || d.log.failed != nil || dead < d.deadMin || dead < size/2 {
		return
	}
	d.checkpointing = true
	c := &checkpoint{d: d, from: size, sequence: d.sequence}
	d.checkpoint.Go(c.run) // ends by itself, or when d.stop is closed; close waits for it
}

// checkpoint is one that is under way. Owned by its goroutine until takeOver, which is the lane's.
type checkpoint struct {
	d        *driver
	from     int64 // where the frames begin that follow the rows
	sequence uint64
	old      *os.File
	fresh    *os.File
	size     int64 // of fresh
	buf      []byte
}

func (c *checkpoint) run() {
	err := c.write()
	doErr := c.d.lane.Do(func() {
		if err == nil {
			err = c.takeOver()
		}
		c.d.checkpointing = false
		if err != nil {
			c.d.deadMin = 2 * (c.d.log.size.Load() - c.d.live) // not again at the next commit: the disk may be full
		}
	})
	if err = errors.Join(err, doErr); err == nil {
		return
	}
	c.abandon()
	if !errors.Is(err, errStopped) && doErr == nil {
		c.d.warn(fmt.Errorf("checkpoint of the store: %w", err))
	}
}

func (c *checkpoint) path(name string) string { return filepath.Join(c.d.dir, name) }

func (c *checkpoint) abandon() {
	for _, f := range []*os.File{c.old, c.fresh} {
		if f != nil {
			_ = f.Close() // twice after takeOver
		}
	}
	_ = os.Remove(c.path(checkpointName)) // the next one would truncate it
}

// write does what needs no lane.
func (c *checkpoint) write() (err error) {
	if c.old, err = os.Open(c.path(logName)); err != nil {
		return err
	}
	if c.fresh, err = os.OpenFile(c.path(checkpointName), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600); err != nil {
		return err
	}
	if err = c.put([]byte(logMagic)); err != nil {
		return err
	}
	for at, more := "r", true; more; {
		if at, more, err = c.chunk(at); err != nil {
			return err
		}
		if err = c.stopped(); err != nil {
			return err
		}
	}
	for c.d.log.size.Load()-c.from > handOverBytes {
		if err = c.copyFrames(handOverBytes); err != nil {
			return err
		}
		if err = c.stopped(); err != nil {
			return err
		}
	}
	return c.fresh.Sync()
}

func (c *checkpoint) stopped() error {
	select {
	case <-c.d.stop:
		return errStopped
	default:
		return nil
	}
}

func (c *checkpoint) put(b []byte) error {
	n, err := c.fresh.Write(b)
	c.size += int64(n)
	return err
}

// chunk copies rows from at on into one frame, and says where the next begins. The last frame may be empty: it tells the
// sequence of a store without rows.
func (c *checkpoint) chunk(at string) (next string, more bool, err error) {
	tables := store.Tables()
	var changes []byte
	err = c.d.mem.View(func(tx *buntdb.Tx) error {
		var bad error
		err := tx.AscendGreaterOrEqual("", at, func(key, text string) bool {
			if len(changes) >= chunkBytes {
				next, more = key, true
				return false
			}
			table, primary := rowAt(key, tables)
			if table == nil {
				bad = fmt.Errorf("%w: key %q", errCorrupt, key)
				return false
			}
			changes = write{table: table, key: primary, row: text, text: text}.append(changes)
			return true
		})
		return errors.Join(err, bad)
	})
	if err != nil {
		return "", false, err
	}
	c.buf = appendFrame(c.buf[:0], c.sequence, changes)
	return next, more, c.put(c.buf)
}

// rowAt is the inverse of rowKey.
func rowAt(key string, tables []*store.Def) (*store.Def, store.Key) {
	if len(key) < 3 || key[0] != 'r' || int(key[1])<<8|int(key[2]) >= len(tables) {
		return nil, ""
	}
	return tables[int(key[1])<<8|int(key[2])], store.Key(key[3:])
}

// copyFrames copies up to max bytes that the lane has appended to the old log since.
func (c *checkpoint) copyFrames(max int64) error {
	n := min(c.d.log.size.Load()-c.from, max)
	copied, err := io.Copy(c.fresh, io.NewSectionReader(c.old, c.from, n))
	c.from, c.size = c.from+copied, c.size+copied
	if err == nil && copied < n {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// takeOver makes the new log the log. On the lane's goroutine. Both files are closed before the rename, which Windows
// demands.
func (c *checkpoint) takeOver() error {
	l := c.d.log
	if l.failed != nil {
		return l.failed
	}
	if err := c.copyFrames(l.size.Load() - c.from); err != nil {
		return err
	}
	if err := errors.Join(c.fresh.Sync(), c.fresh.Close(), c.old.Close()); err != nil {
		return err
	}
	if err := l.f.Close(); err != nil {
		l.failed = fmt.Errorf("close the store's log: %w", err)
		return l.failed
	}
	renamed := os.Rename(c.path(checkpointName), c.path(logName))
	f, err := os.OpenFile(c.path(logName), os.O_WRONLY|os.O_APPEND, 0o600)
	if err == nil && renamed == nil {
		err = syncDir(c.d.dir)
	}
	if err != nil { // which of the two logs a restart finds is open, so neither may be written to
		l.failed = fmt.Errorf("take over the store's log: %w", err)
		return l.failed
	}
	l.f = f
	if renamed == nil {
		l.size.Store(c.size)
	}
	return renamed
}
