// Package clock is where time enters the engine. Everything below the loops takes `now` as an argument: a
// time.Duration since an origin that is fixed for the life of the process.
//
//	now := c.Now()
//	... work due at now ...
//	c.SleepUntil(next) // an absolute deadline, so that lateness never adds up
//
// Real is the machine's monotonic clock; on Linux it sleeps in clock_nanosleep with an absolute deadline. Manual is the
// clock of a simulation. RaisePriority asks the kernel to favour the calling thread.
package clock
