package batch

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/errs"
)

// Unit is one write function in the queue of a lane.
type Unit struct {
	Ctx  context.Context
	Hint []store.Ref
	Run  func(store.Tx) error

	alone   func()     // instead of Run: something else for the lane's goroutine to do, between two batches
	refusal error      // of Run, until the group has committed
	done    chan error // buffered: the lane never waits for the caller
}

// units are used again: a write makes neither a Unit nor a channel.
var units = sync.Pool{New: func() any { return &Unit{done: make(chan error, 1)} }}

// Driver does for a lane what differs between stores. All methods run on the lane's goroutine.
type Driver interface {
	// Begin opens a transaction and loads the hinted rows of all units; reads go to the Reader it returns.
	Begin(units []*Unit) (store.Reader, error)
	// Commit makes changes durable, all or none, and returns the commit's place in the order.
	// committed false with an error: nothing was kept. ErrUnknownOutcome: nobody can say.
	Commit(changes []Change) (store.Commit, error)
	// Abort ends a transaction that keeps nothing.
	Abort()
	// Trouble is what went wrong below a Reader's back since Begin: functions may have wrapped it, or hidden it.
	Trouble() error
}

// Kinds of trouble that a driver wraps.
var (
	ErrUnknownOutcome = errors.New("the outcome of a commit is unknown")
	ErrRetry          = errors.New("the transaction lost against another and can run again")
)

// ErrBusy refuses a write when the lane's queue is full.
var ErrBusy = errs.New(errs.ResourceExhausted, "Storage is busy, try again.")

const (
	queueMax = 8192 // waiting units; policy when full: refuse with ErrBusy
	batchMax = 512  // units in one commit, so that the first caller does not wait for thousands
	triesMax = 8    // of one batch that keeps losing against other transactions
)

// Lane commits units in groups. Any goroutine may Write; one goroutine, started by NewLane and ended by Close, commits.
type Lane struct {
	// constant after NewLane
	driver Driver
	clock  func() time.Time
	queue  chan *Unit
	ended  chan struct{}

	// owned by the lane's goroutine
	group, single Layer
	changes       []Change

	mu     sync.RWMutex // guards closed against a Write that is about to queue
	closed bool
}

// NewLane starts a lane over d; clock is the server's, read once a batch.
func NewLane(d Driver, clock func() time.Time) *Lane {
	l := &Lane{driver: d, clock: clock, queue: make(chan *Unit, queueMax), ended: make(chan struct{})}
	go l.run() // ended by Close, which waits for it
	return l
}

// Write queues f and waits until its effect is durable, or refused.
func (l *Lane) Write(ctx context.Context, hint []store.Ref, f func(store.Tx) error) error {
	u := units.Get().(*Unit)
	u.Ctx, u.Hint, u.Run = ctx, hint, f
	return l.await(u)
}

// Do runs f on the lane's goroutine, between two batches.
func (l *Lane) Do(f func()) error {
	u := units.Get().(*Unit)
	u.alone = f
	return l.await(u)
}

func (l *Lane) await(u *Unit) error {
	err := l.enqueue(u)
	if err == nil {
		err = <-u.done // not ctx.Done(): the caller must learn what became of its write
	}
	*u = Unit{done: u.done}
	units.Put(u)
	return err
}

func (l *Lane) enqueue(u *Unit) error {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.closed {
		return store.ErrUnavailable
	}
	select {
	case l.queue <- u:
		return nil
	default:
		return ErrBusy
	}
}

// Close commits what is queued and ends the lane. It may be called twice.
func (l *Lane) Close() {
	l.mu.Lock()
	if !l.closed {
		l.closed = true
		close(l.queue)
	}
	l.mu.Unlock()
	<-l.ended
}

func (l *Lane) run() {
	defer close(l.ended)
	batch := make([]*Unit, 0, batchMax)
	for first := range l.queue {
		var alone *Unit
		runtime.Gosched() // the writers that the last commit has answered are about to send their next
		batch, alone = l.takeWaiting(batch[:0], first)
		if len(batch) > 0 {
			l.commit(batch)
		}
		if alone != nil {
			alone.alone()
			alone.done <- nil
		}
		clear(batch)
	}
}

// takeWaiting takes what is queued now, up to something that runs alone.
func (l *Lane) takeWaiting(batch []*Unit, next *Unit) (_ []*Unit, alone *Unit) {
	for ok := true; ok; {
		if next.alone != nil {
			return batch, next
		}
		if batch = append(batch, next); len(batch) == batchMax {
			break
		}
		select {
		case next, ok = <-l.queue:
		default:
			ok = false
		}
	}
	return batch, nil
}

// commit runs units as one group; when the store rejects the group's flush, one by one, so that each gets its own error.
func (l *Lane) commit(units []*Unit) {
	err := l.commitGroup(units)
	for try := 1; errors.Is(err, ErrRetry) && try < triesMax; try++ {
		err = l.commitGroup(units)
	}
	switch {
	case err == nil:
		for _, u := range units {
			u.done <- u.refusal
		}
	case len(units) == 1 || errors.Is(err, ErrUnknownOutcome) || errors.Is(err, store.ErrUnavailable):
		switch {
		case errors.Is(err, ErrUnknownOutcome):
			err = store.ErrUnavailable
		case errors.Is(err, ErrRetry):
			err = fmt.Errorf("%w: %w", ErrBusy, err)
		}
		for _, u := range units {
			u.done <- err
		}
	default:
		for _, u := range units {
			l.commit([]*Unit{u})
		}
	}
}

// commitGroup runs units and commits what they wrote. A function that fails leaves its refusal in its unit and nothing
// in the group; the refusal counts only if the group commits, since it may rest on what others wrote in it.
func (l *Lane) commitGroup(units []*Unit) error {
	base, err := l.driver.Begin(units)
	if err != nil {
		return fmt.Errorf("begin a batch of %d: %w", len(units), err)
	}
	now := l.clock().UTC().Truncate(time.Microsecond)
	l.group.reset(base, now)
	for _, u := range units {
		if u.refusal = l.runOne(u, now); u.refusal == nil {
			l.group.merge(&l.single)
		}
	}
	if err := l.driver.Trouble(); err != nil {
		l.driver.Abort()
		return fmt.Errorf("run a batch of %d: %w", len(units), err)
	}
	l.changes = l.group.Changes(l.changes[:0])
	defer clear(l.changes)
	if len(l.changes) == 0 {
		l.driver.Abort()
		return nil
	}
	commit, err := l.driver.Commit(l.changes)
	if err != nil {
		return fmt.Errorf("commit a batch of %d: %w", len(units), err)
	}
	for _, f := range l.group.after {
		f(commit)
	}
	return nil
}

// runOne runs a function on a layer of its own.
func (l *Lane) runOne(u *Unit, now time.Time) error {
	if err := u.Ctx.Err(); err != nil {
		return err
	}
	l.single.reset(&l.group, now)
	if err := u.Run(&l.single); err != nil {
		return err
	}
	return l.single.CheckParents()
}
