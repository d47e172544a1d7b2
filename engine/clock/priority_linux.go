package clock

import "golang.org/x/sys/unix"

const fifoPriority = 10 // below the kernel's interrupt threads at 50, above everything ordinary

func raisePriority() Priority {
	// 1 ns instead of 50 µs of slack on this thread's timers. No privilege needed; a refusal only costs precision.
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)

	// Reset on fork: a thread or process that this one starts must not become real-time by accident.
	attr := unix.SchedAttr{
		Size:     unix.SizeofSchedAttr,
		Policy:   unix.SCHED_FIFO,
		Flags:    unix.SCHED_FLAG_RESET_ON_FORK,
		Priority: fifoPriority,
	}
	const self = 0
	if !alone() && unix.SchedSetAttr(self, &attr, 0) == nil {
		return PriorityRealtime
	}
	if unix.Setpriority(unix.PRIO_PROCESS, self, -20) == nil { // on Linux this is the thread, not the process
		return PriorityNice
	}
	return PriorityNone
}

// alone reports whether the process has one core only. Real time is no good there: the runtime spins, in places without
// end, for a thread that scans this one's stack; if that is preempted by this very thread it never gets to finish, until
// after 0.95 s the kernel throttles real time. Seen as stalls of a second when a collection met a tick.
func alone() bool {
	var cores unix.CPUSet
	return unix.SchedGetaffinity(0, &cores) == nil && cores.Count() < 2
}
