//go:build !linux

package delay

import (
	"time"

	"github.com/skirmishgg/skirmish/engine/clock"
)

// alarm is a sleep that another goroutine can end, as precise as Go's timers are here.
type alarm struct {
	rung  chan struct{} // holds one
	timer *time.Timer
}

func newAlarm() (*alarm, error) {
	return &alarm{rung: make(chan struct{}, 1), timer: time.NewTimer(0)}, nil
}

// sleep returns at until, or early if ring was called since the last sleep, or for no reason.
func (a *alarm) sleep(until time.Duration) {
	d := until - clock.Real{}.Now()
	if d <= 0 {
		return
	}
	a.timer.Reset(d)
	select {
	case <-a.rung:
	case <-a.timer.C:
	}
}

func (a *alarm) ring() {
	select {
	case a.rung <- struct{}{}:
	default:
	}
}

func (a *alarm) close() { a.timer.Stop() }
