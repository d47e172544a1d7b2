package bunt

import (
	"errors"
	"fmt"
	"sync"

	"github.com/tidwall/buntdb"

	"github.com/skirmishgg/skirmish/persist/batch"
	"github.com/skirmishgg/skirmish/persist/store"
)

// driver is the lane's half.
type driver struct {
	// constant after Open
	mem    *buntdb.DB
	dir    string
	unlock func() error
	warn   func(error)
	lane   *batch.Lane

	// owned by the lane's goroutine once Open has returned
	log           *logFile
	tx            *buntdb.Tx // of the batch under way
	sequence      uint64
	live          int64 // bytes that a checkpoint would keep
	frame, row    []byte
	from, to      []byte // keys of index entries
	writes        []write
	checkpointing bool
	deadMin       int64 // a checkpoint waits for as many dead bytes

	// any goroutine
	closing    sync.Once
	closeErr   error
	stop       chan struct{} // closed when the store closes
	checkpoint sync.WaitGroup
}

func newDriver(c Config, mem *buntdb.DB, unlock func() error) *driver {
	d := &driver{mem: mem, dir: c.Dir, unlock: unlock, warn: c.Warn, deadMin: deadMin, stop: make(chan struct{})}
	if d.warn == nil {
		d.warn = func(error) {}
	}
	return d
}

func (d *driver) close() error {
	d.closing.Do(func() {
		close(d.stop)
		d.lane.Close()
		d.checkpoint.Wait()
		err := d.log.f.Close()
		if d.log.failed != nil {
			err = nil // said before, to whoever wrote
		}
		d.closeErr = errors.Join(err, d.mem.Close(), d.unlock())
	})
	return d.closeErr
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
	d.frame, d.writes = d.frame[:0], d.writes[:0]
	for _, c := range changes {
		w := write{table: c.Table, key: c.Key, row: c.Row}
		if c.Row != nil {
			d.row = appendRow(d.row[:0], c.Table, c.Row)
			w.text = string(d.row)
		}
		d.writes = append(d.writes, w)
		d.frame = w.append(d.frame)
	}
	defer clear(d.writes)
	if len(d.frame) > frameMax {
		return store.Commit{}, fmt.Errorf("a commit of %d rows has %d bytes, %d at most", len(changes), len(d.frame), frameMax)
	}
	if err := d.log.append(d.sequence+1, d.frame); err != nil {
		return store.Commit{}, fmt.Errorf("%w: %w", batch.ErrUnknownOutcome, err)
	}
	d.sequence++
	if err := d.show(d.writes); err != nil {
		panic("bunt: a logged commit does not apply: " + err.Error()) // memory and log would differ from here on
	}
	d.checkpointIfDead()
	return store.Commit{Sequence: d.sequence}, nil
}

func (d *driver) replayFrame(sequence uint64, changes []byte) error {
	d.sequence, d.writes = sequence, d.writes[:0]
	defer func() { clear(d.writes) }()
	for in := (reader{rest: string(changes)}); in.rest != ""; {
		w, err := in.write()
		if err != nil {
			return fmt.Errorf("frame %d: %w", sequence, err)
		}
		d.writes = append(d.writes, w)
	}
	return d.show(d.writes)
}
