package clock

import (
	"time"

	"golang.org/x/sys/unix"
)

// monotonicBase is CLOCK_MONOTONIC, in nanoseconds, at the origin. Go's monotonic readings are that clock less a
// constant it does not tell, so we measure it: the narrowest of a few brackets is right within a fraction of a µs.
var monotonicBase = calibrate()

func calibrate() int64 {
	var base int64
	narrowest := time.Duration(1<<63 - 1)
	for range 16 {
		var ts unix.Timespec
		before := time.Since(origin)
		if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
			panic("clock: CLOCK_MONOTONIC: " + err.Error())
		}
		after := time.Since(origin)
		if width := after - before; width < narrowest {
			narrowest = width
			base = ts.Nano() - int64(before+width/2)
		}
	}
	return base
}

// sleepUntil uses the kernel's own absolute timer: 85 µs late at the median where time.Ticker is 560 µs late, since
// Go's timers pass through epoll_wait and its milliseconds. The wrapper enters through Syscall6, which
// gives the P away while we sleep; RawSyscall would keep it and starve everybody else.
func sleepUntil(t time.Duration) {
	ts := unix.NsecToTimespec(monotonicBase + int64(t))
	for {
		err := unix.ClockNanosleep(unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, &ts, nil)
		if err == nil {
			return
		}
		if err != unix.EINTR { // a sandbox without this call; EINTR comes from Go's own preemption signals
			time.Sleep(t - time.Since(origin))
			return
		}
	}
}
