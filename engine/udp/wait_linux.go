package udp

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/skirmishgg/skirmish/engine/clock"
)

func (s *linuxSocket) Wait(until time.Duration) bool  { return s.wait(until, s.ready[:]) }
func (s *linuxSocket) Sleep(until time.Duration) bool { return s.wait(until, s.ready[:1]) }

func (s *linuxSocket) wait(until time.Duration, ready []unix.PollFd) (woken bool) {
	var c clock.Real
	now := c.Now()
	if until-now <= parkMin {
		// The caller drains its inbox afterwards whatever woke it, so a Wake from before is answered by that.
		s.state.Store(running)
		c.SleepUntil(until)
		return false
	}
	if !s.state.CompareAndSwap(running, parked) {
		s.state.Store(running)
		return true
	}
	for now < until {
		timeout := unix.NsecToTimespec(int64(until - now))
		n, err := unix.Ppoll(ready, &timeout, nil) // through Syscall6: gives the P away
		if n > 0 || (err != nil && err != unix.EINTR) {
			break
		}
		now = c.Now() // time is over, or a signal of Go's scheduler
	}
	byWake := s.state.Swap(running) == notified
	if ready[0].Revents != 0 {
		var counter [8]byte
		_, _ = unix.Read(s.event, counter[:]) // resets it; EAGAIN when a waker is between its swap and its write
		ready[0].Revents = 0
	}
	return byWake || now < until
}

func (s *linuxSocket) Wake() {
	if s.state.Load() == notified || s.state.Swap(notified) != parked {
		return // it runs, or somebody woke it already: it drains its inbox after it leaves that state
	}
	s.counters.Wakes.Add(1)
	one := [8]byte{0: 1} // little- or big-endian, it is not zero
	_, _ = unix.Write(s.event, one[:])
}
