package clock

import (
	"sync/atomic"
	"time"
)

// Clock tells monotonic time and waits for it.
type Clock interface {
	// Now is the time since the clock's origin; it never goes back.
	Now() time.Duration
	// SleepUntil returns at t or a little later; at once when t has passed.
	SleepUntil(t time.Duration)
}

// Real is the machine's monotonic clock. All values share one origin, the start of the process.
type Real struct{}

var origin = time.Now()

// Now reads the monotonic clock (one vDSO call, no system call on Linux).
func (Real) Now() time.Duration { return time.Since(origin) }

// SleepUntil blocks the calling goroutine, on Linux also its thread: meant for goroutines locked to one.
func (c Real) SleepUntil(t time.Duration) {
	if t > c.Now() {
		sleepUntil(t)
	}
}

// SinceUnix converts a wall-clock stamp in nanoseconds since 1970, such as the kernel's receive time of a datagram,
// to this clock, given both clocks' readings of one moment.
func SinceUnix(stampNs int64, now time.Duration, nowUnixNs int64) time.Duration {
	return now - time.Duration(nowUnixNs-stampNs)
}

// Both reads this clock and the wall clock at one moment.
func (Real) Both() (now time.Duration, unixNs int64) {
	t := time.Now()
	return t.Sub(origin), t.UnixNano()
}

// Manual is the clock of a simulation: it moves only when told, and a sleeper moves it. One goroutine drives it;
// others may read it.
type Manual struct{ now atomic.Int64 }

// NewManual returns a clock that stands at start.
func NewManual(start time.Duration) *Manual {
	m := &Manual{}
	m.now.Store(int64(start))
	return m
}

// Now is the time last set.
func (m *Manual) Now() time.Duration { return time.Duration(m.now.Load()) }

// SleepUntil moves the clock to t, never back: in a simulation nobody else would.
func (m *Manual) SleepUntil(t time.Duration) {
	if t > m.Now() {
		m.now.Store(int64(t))
	}
}

// Advance moves the clock on by d. It panics when d is negative.
func (m *Manual) Advance(d time.Duration) {
	if d < 0 {
		panic("clock: Advance backwards")
	}
	m.now.Add(int64(d))
}
