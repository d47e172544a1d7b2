package sim

import (
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/skirmishgg/skirmish/engine/match"
)

// BenchmarkClientTick is a shard's own time a client and tick: receive, tick, encode, seal, with a simulated network in
// place of the kernel. The game does next to nothing, so this is the framework. CPU time of the thread, which a busy
// machine does not blur.
func BenchmarkClientTick(b *testing.B) {
	def, _ := strollDef("stroll", 60, 16, nil)
	s := New(Config{Seed: 1, Definitions: []*match.Definition{def}})
	for range 8 {
		m := s.StartMatch("stroll", 1, nil)
		for range 16 {
			s.Connect(ClientConfig{Schema: s.Schema("stroll"), Match: m, Think: walking(nil)})
		}
	}
	s.Until(5*time.Second, opened(s.Clients...))
	s.Run(3 * time.Second)
	sh := s.Shards[0]
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var spent time.Duration
	first := sh.Stats.Ticks.Load()
	for sh.Stats.Ticks.Load()-first < uint64(b.N)/16+1 {
		next := sh.Next()
		if d := next - s.Clock.Now() - 1; d > 0 {
			s.Run(d)
		}
		s.Clock.SleepUntil(next)
		s.Net.Advance(next)
		s.port.pump()
		began := threadTime()
		sh.Step()
		spent += threadTime() - began
	}
	ticks := sh.Stats.Ticks.Load() - first
	b.ReportMetric(float64(spent.Nanoseconds())/float64(ticks*16), "ns/client-tick")
	b.ReportMetric(float64(spent.Nanoseconds())/float64(ticks), "ns/tick-of-16")
}

func threadTime() time.Duration {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t)
	return time.Duration(t.Nano())
}
