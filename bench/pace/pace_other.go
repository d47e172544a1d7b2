//go:build !linux

// Package pace sleeps to absolute deadlines for the generator and the reference servers.
// Like bench/mmsg it is apart from the engine that is measured.
package pace

import "time"

// Clock counts from its making. One goroutine owns it.
type Clock struct{ origin time.Time }

// New starts a clock at zero.
func New() *Clock { return &Clock{origin: time.Now()} }

// Now is the time since New.
func (c *Clock) Now() time.Duration { return time.Since(c.origin) }

// SleepUntil returns at t, or at once when t has passed.
func (c *Clock) SleepUntil(t time.Duration) { time.Sleep(t - c.Now()) }
