package lua

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
)

// turn is the right to run on a machine.
type turn struct {
	mu      sync.Mutex
	waiting atomic.Int32
}

func (t *turn) take() {
	t.waiting.Add(1)
	t.mu.Lock()
	t.waiting.Add(-1)
}

func (t *turn) give() { t.mu.Unlock() }

// yield lets somebody else run who waits.
func (t *turn) yield() {
	if t.waiting.Load() > 0 {
		t.mu.Unlock()
		t.take()
	}
}

// slice is how many instructions run before others are asked, and the context: some 50 µs of them.
const slice = 4096

var errBudget = errors.New("the call has run too many instructions (runtime.lua_max_instructions)")

var closed = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// budget is the context that an interpreter sees. It asks Done before every instruction, so that is where they are counted.
// Owned by the goroutine of the call.
type budget struct {
	context.Context // of the call, for functions of nk
	turn            *turn
	left            int64 // instructions; negative from the start: no limit
	count           uint32
	depth           int // of protected calls, one in the other
	over            error
	killed          atomic.Pointer[error] // by any goroutine
}

// kill ends the call soon.
func (b *budget) kill(why error) { b.killed.Store(&why) }

// Done is closed when the call must end; nil is never.
func (b *budget) Done() <-chan struct{} {
	if b.count++; b.count == slice {
		b.count = 0
		b.slow()
	}
	if b.over != nil {
		return closed
	}
	return nil
}

func (b *budget) slow() {
	if b.left >= 0 {
		if b.left -= slice; b.left < 0 {
			b.over = errBudget
			return
		}
	}
	if err := b.killed.Load(); err != nil {
		b.over = *err
		return
	}
	if err := b.Context.Err(); err != nil {
		b.over = err
		return
	}
	b.turn.yield()
}

// Err says why Done is closed.
func (b *budget) Err() error { return b.over }
