package batch

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/id"
)

type row struct {
	ID id.UUID `db:"id"`
	N  int64   `db:"n"`
}

var rowsTable = store.NewTable[row]("batch_test_row", "id")

// fake is a driver without a store. Its answers to Commit are taken from commits, then nil.
type fake struct {
	batches  []int         // units of each Begin
	flushed  []int         // changes of each Commit
	commits  []error       // what Commit answers, one after another
	entered  chan struct{} // Begin says that it is there
	released chan struct{} // and waits; nil: neither
}

func (f *fake) Begin(units []*Unit) (store.Reader, error) {
	f.batches = append(f.batches, len(units))
	if f.entered != nil {
		f.entered <- struct{}{}
		<-f.released
	}
	return nothing{}, nil
}

func (f *fake) Commit(changes []Change) (store.Commit, error) {
	f.flushed = append(f.flushed, len(changes))
	if len(f.commits) == 0 {
		return store.Commit{Sequence: uint64(len(f.flushed))}, nil
	}
	err := f.commits[0]
	f.commits = f.commits[1:]
	return store.Commit{Sequence: uint64(len(f.flushed))}, err
}

func (f *fake) Abort()         {}
func (f *fake) Trouble() error { return nil }

type nothing struct{}

func (nothing) Fetch(*store.IndexDef, []any) (any, error) { return nil, nil }
func (nothing) Walk(*store.IndexDef, store.Range) iter.Seq2[any, error] {
	return func(func(any, error) bool) {}
}

func put(n byte) func(store.Tx) error {
	return func(tx store.Tx) error { return store.Put(tx, rowsTable, &row{ID: id.UUID{n}}) }
}

// TestWaitingWritesShareACommit: what comes while a batch is under way is the next one; what is to run alone runs between.
func TestWaitingWritesShareACommit(t *testing.T) {
	f := &fake{entered: make(chan struct{}), released: make(chan struct{})}
	l := NewLane(f, time.Now)
	var wg sync.WaitGroup
	write := func(n byte) {
		wg.Go(func() {
			if err := l.Write(context.Background(), nil, put(n)); err != nil {
				t.Error(err)
			}
		})
	}
	write(0)
	<-f.entered
	for n := range byte(5) {
		write(n + 1)
	}
	waitFor(l, 5)
	alone := -1
	wg.Go(func() {
		if err := l.Do(func() { alone = len(f.flushed) }); err != nil {
			t.Error(err)
		}
	})
	waitFor(l, 6)
	write(9)
	waitFor(l, 7)
	f.released <- struct{}{}
	for range 2 {
		<-f.entered
		f.released <- struct{}{}
	}
	wg.Wait()
	l.Close()
	l.Close()
	if !slices.Equal(f.batches, []int{1, 5, 1}) || !slices.Equal(f.flushed, []int{1, 5, 1}) || alone != 2 {
		t.Errorf("batches of %v units flushed %v rows; the odd one ran after %d", f.batches, f.flushed, alone)
	}
	if err := l.Do(func() {}); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("a closed lane answers %v", err)
	}
}

// waitFor spins until so many units are queued: the lane is held up, so the number only grows.
func waitFor(l *Lane, queued int) {
	for len(l.queue) < queued {
		runtime.Gosched()
	}
}

// TestFullQueue: a write that finds the queue full is refused at once.
func TestFullQueue(t *testing.T) {
	f := &fake{entered: make(chan struct{}), released: make(chan struct{})}
	l := NewLane(f, time.Now)
	var wg sync.WaitGroup
	write := func() error { return l.Write(context.Background(), nil, put(1)) }
	wg.Go(func() { _ = write() })
	<-f.entered
	for range queueMax {
		wg.Go(func() {
			if err := write(); err != nil {
				t.Error(err)
			}
		})
	}
	waitFor(l, queueMax)
	if err := write(); !errors.Is(err, ErrBusy) {
		t.Errorf("a full lane answers %v", err)
	}
	f.released <- struct{}{}
	wg.Go(func() {
		for range queueMax / batchMax {
			<-f.entered
			f.released <- struct{}{}
		}
	})
	wg.Wait()
	l.Close()
	if want := 1 + queueMax/batchMax; len(f.batches) != want {
		t.Errorf("%d batches, want %d", len(f.batches), want)
	}
}

// TestCommitErrors: a loser runs again, a rejected group is tried one by one, and nobody is tried again when the outcome is
// unknown.
func TestCommitErrors(t *testing.T) {
	rejected := errors.New("rejected")
	f := func(flushes []int, want []error, commits ...error) {
		t.Helper()
		d := &fake{commits: commits}
		l := &Lane{driver: d, clock: time.Now}
		var units []*Unit
		for n := range want {
			units = append(units, &Unit{Ctx: t.Context(), Run: put(byte(n)), done: make(chan error, 1)})
		}
		l.commit(units)
		for n, u := range units {
			if err := <-u.done; !errors.Is(err, want[n]) || want[n] == nil && err != nil {
				t.Errorf("%v: write %d answers %v, want %v", commits, n, err, want[n])
			}
		}
		if !slices.Equal(d.flushed, flushes) {
			t.Errorf("%v: flushes of %v, want %v", commits, d.flushed, flushes)
		}
	}
	f([]int{2}, []error{nil, nil})
	f([]int{2, 2, 2}, []error{nil, nil}, ErrRetry, fmt.Errorf("again: %w", ErrRetry))
	f([]int{2, 1, 1}, []error{nil, rejected}, rejected, nil, rejected)
	f([]int{2, 1, 1, 1}, []error{nil, nil}, rejected, ErrRetry, nil)
	f([]int{2}, []error{store.ErrUnavailable, store.ErrUnavailable}, ErrUnknownOutcome)
	f([]int{2}, []error{store.ErrUnavailable, store.ErrUnavailable}, store.ErrUnavailable)
	f([]int{1, 1, 1, 1, 1, 1, 1, 1}, []error{ErrBusy}, ErrRetry, ErrRetry, ErrRetry, ErrRetry, ErrRetry, ErrRetry, ErrRetry, ErrRetry)
}
