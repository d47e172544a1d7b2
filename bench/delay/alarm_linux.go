package delay

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/skirmishgg/skirmish/engine/clock"
)

// alarm is a sleep that another goroutine can end: ppoll on an eventfd, whose timeout the kernel keeps to the
// microsecond, where Go's timers round to milliseconds.
type alarm struct{ event int }

func newAlarm() (*alarm, error) {
	event, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	return &alarm{event}, err
}

// sleep returns at until, or early if ring was called since the last sleep, or for no reason.
func (a *alarm) sleep(until time.Duration) {
	d := until - clock.Real{}.Now()
	if d <= 0 {
		return
	}
	timeout := unix.NsecToTimespec(int64(d))
	ready := [1]unix.PollFd{{Fd: int32(a.event), Events: unix.POLLIN}}
	if n, _ := unix.Ppoll(ready[:], &timeout, nil); n > 0 {
		var counter [8]byte
		_, _ = unix.Read(a.event, counter[:])
	}
}

func (a *alarm) ring() {
	one := [8]byte{0: 1}
	_, _ = unix.Write(a.event, one[:])
}

func (a *alarm) close() { _ = unix.Close(a.event) }
