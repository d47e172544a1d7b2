// Package guard ends calls of scripts when the process runs out of memory.
//
// Interpreters count instructions or time, not bytes, and Go does not say who allocated what. So the guard looks at the heap
// of the process: when what is alive in it stays above the limit, the script call that has run longest is ended, then the
// next, until it does not. What a match keeps from tick to tick is not running, and not found this way.
package guard

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"runtime/metrics"
	"sync"
	"time"
)

// ErrMemory is what an ended call fails with.
var ErrMemory = errors.New("the server is out of memory, and this call has run longest (runtime.memory_limit_mb)")

// Guard knows the calls that run. Any goroutine may use it; a nil Guard watches nothing.
type Guard struct {
	limit uint64 // bytes
	log   *slog.Logger
	live  func() uint64 // bytes in the heap; after a collection if asked again

	mu            sync.Mutex
	first, latest *Call // in the order they began
}

// Call is one that runs.
type Call struct {
	guard      *Guard
	end        func(error)
	name       string
	since      time.Time
	prev, next *Call
	told       bool
}

// New makes a guard for a limit in bytes.
func New(limit uint64, log *slog.Logger) *Guard { return &Guard{limit: limit, log: log, live: heap} }

// Enter begins a call. end makes it fail soon; it is called by another goroutine, at most once, and never after Leave.
func (g *Guard) Enter(name string, end func(error)) *Call {
	if g == nil {
		return nil
	}
	c := &Call{guard: g, end: end, name: name, since: time.Now()}
	g.mu.Lock()
	defer g.mu.Unlock()
	if c.prev = g.latest; c.prev == nil {
		g.first = c
	} else {
		c.prev.next = c
	}
	g.latest = c
	return c
}

// Leave ends the call.
func (c *Call) Leave() {
	if c == nil {
		return
	}
	g := c.guard
	g.mu.Lock()
	defer g.mu.Unlock()
	if c.prev == nil {
		g.first = c.next
	} else {
		c.prev.next = c.next
	}
	if c.next == nil {
		g.latest = c.prev
	} else {
		c.next.prev = c.prev
	}
}

const (
	every   = 100 * time.Millisecond
	collect = time.Second // between collections that only find out what is alive
)

// Watch looks until ctx ends.
func (g *Guard) Watch(ctx context.Context) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	var collected time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			if g.live() > g.limit && now.Sub(collected) >= collect {
				collected = now
				g.look()
			}
		}
	}
}

// look ends calls, one after the other, while what is alive is more than the limit.
func (g *Guard) look() {
	runtime.GC()
	if g.live() > g.limit {
		g.endLongest()
	}
}

// endLongest ends the call that has run longest of those not ended yet.
func (g *Guard) endLongest() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for c := g.first; c != nil; c = c.next {
		if !c.told {
			c.told = true
			g.log.Error("A script call is ended: the server is out of memory", "call", c.name, "ran", time.Since(c.since).String(), "limit", g.limit)
			c.end(ErrMemory)
			return
		}
	}
}

// heap is the bytes of objects in the heap.
func heap() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
