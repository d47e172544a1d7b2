package clock

// Priority is what the kernel granted a thread.
type Priority uint8

const (
	// PriorityNone: as every other thread. A busy machine makes ticks late.
	PriorityNone Priority = iota
	// PriorityNice: nice -20, the largest share of a busy core.
	PriorityNice
	// PriorityRealtime: SCHED_FIFO 10, runs before everything ordinary.
	PriorityRealtime
)

// String says it for start-up lines.
func (p Priority) String() string {
	switch p {
	case PriorityRealtime:
		return "real-time (SCHED_FIFO 10)"
	case PriorityNice:
		return "nice -20"
	}
	return "normal"
}

// RaisePriority asks for the best priority that this process may have for the calling thread, and for timers
// without slack, and reports what was granted. Call runtime.LockOSThread first and never unlock: the
// runtime then ends the thread together with the goroutine, so that no other goroutine inherits the priority.
func RaisePriority() Priority { return raisePriority() }
