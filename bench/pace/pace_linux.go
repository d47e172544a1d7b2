// Package pace sleeps to absolute deadlines for the generator and the reference servers.
// Like bench/mmsg it is apart from the engine that is measured.
package pace

import (
	"time"

	"golang.org/x/sys/unix"
)

// Clock counts from its making. One goroutine owns it.
type Clock struct {
	origin time.Time
	base   int64 // CLOCK_MONOTONIC at origin, ns
}

// New starts a clock at zero.
func New() *Clock {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts)
	return &Clock{origin: time.Now(), base: ts.Nano()}
}

// Now is the time since New.
func (c *Clock) Now() time.Duration { return time.Since(c.origin) }

// SleepUntil returns at t, or at once when t has passed.
func (c *Clock) SleepUntil(t time.Duration) {
	ts := unix.NsecToTimespec(c.base + int64(t))
	for c.Now() < t {
		_ = unix.ClockNanosleep(unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, &ts, nil)
	}
}
