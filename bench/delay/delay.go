// Package delay delivers packets when they are due: the thread under bench/proxy and bench/link, whose fates
// netcode/simnet decides.
package delay

import (
	"runtime"
	"sync"
	"time"

	"github.com/skirmishgg/skirmish/engine/clock"
	"github.com/skirmishgg/skirmish/netcode/simnet"
)

// Line holds values until they are due and hands them to one function, in order, on one thread.
type Line[T any] struct {
	// constant after New
	deliver func(T)
	alarm   *alarm
	ended   sync.WaitGroup

	mu     sync.Mutex
	queue  simnet.Queue[T]
	closed bool
	stats  Stats
}

// Stats says how well the line kept its times.
type Stats struct {
	Delivered uint64
	Waiting   int
	LateSum   time.Duration // over all delivered: how long after its time each was handed over
	LateMax   time.Duration
}

// New starts a line. deliver runs on the line's own thread and must not block for long: what is due behind it waits.
func New[T any](deliver func(T)) (*Line[T], error) {
	a, err := newAlarm()
	if err != nil {
		return nil, err
	}
	l := &Line[T]{deliver: deliver, alarm: a}
	l.ended.Go(l.run) // stopped and awaited by Close
	return l, nil
}

// Push hands over a value that is due at the given time on clock.Real. Any goroutine. After Close it is dropped.
func (l *Line[T]) Push(at time.Duration, v T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	first, some := l.queue.Next()
	l.queue.Push(at, v)
	if !some || at < first {
		l.alarm.ring() // it sleeps for a later one; under the lock, since Close takes the alarm away
	}
}

// Stats is what happened so far.
func (l *Line[T]) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.stats
	s.Waiting = l.queue.Len()
	return s
}

// Close stops the line and drops what waits. It returns when deliver will not be called again. A second call does
// nothing.
func (l *Line[T]) Close() {
	l.mu.Lock()
	was := l.closed
	l.closed = true
	l.mu.Unlock()
	if was {
		return
	}
	l.alarm.ring()
	l.ended.Wait()
	l.alarm.close()
}

func (l *Line[T]) run() {
	// A link does not wait for a busy processor, so neither should this; it runs a few microseconds a packet. No
	// unlock: the thread takes its priority along when it ends.
	runtime.LockOSThread()
	clock.RaisePriority()
	var c clock.Real
	var due []T
	for {
		now := c.Now()
		l.mu.Lock()
		if l.closed {
			l.mu.Unlock()
			return
		}
		due = due[:0]
		for {
			v, at, ok := l.queue.Pop(now)
			if !ok {
				break
			}
			due = append(due, v)
			l.stats.Delivered++
			l.stats.LateSum += now - at
			l.stats.LateMax = max(l.stats.LateMax, now-at)
		}
		next, some := l.queue.Next()
		l.mu.Unlock()

		for _, v := range due {
			l.deliver(v)
		}
		if !some {
			next = now + time.Hour
		}
		l.alarm.sleep(next)
	}
}
