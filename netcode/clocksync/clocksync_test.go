package clocksync

import (
	"math/rand/v2"
	"testing"
	"time"
)

// run simulates a client at 60 Hz whose inputs take delay plus jitter, and returns the part of inputs that came in time
// and the mean margin in ticks, after a second of settling. start is how far off the first tick is.
func run(seed uint64, delay, jitter time.Duration, start int32, seconds int) (onTime, margin float64, s *Sync) {
	const period = time.Second / 60
	rng := rand.New(rand.NewPCG(seed, 1))
	s = New(60)
	type report struct {
		at     time.Duration
		margin int8
	}
	var reports []report
	tick := s.First(0, 2*delay) + uint32(start)
	now, next := time.Duration(0), time.Duration(0)
	total, good, sum := 0.0, 0.0, 0.0
	for now = 0; now < time.Duration(seconds)*time.Second; now += time.Millisecond {
		for len(reports) > 0 && reports[0].at <= now {
			tick += uint32(s.Margin(reports[0].margin))
			reports = reports[1:]
		}
		if now < next {
			continue
		}
		tick++
		arrives := now + delay + time.Duration(rng.Int64N(int64(2*jitter)+1)) - jitter
		early := time.Duration(int32(tick))*period - arrives
		m := int8(min(max(early*16/period, -128), 127))
		reports = append(reports, report{arrives + delay, m})
		if now > 4*time.Second {
			total++
			sum += float64(early) / float64(period)
			if early >= 0 {
				good++
			}
		}
		next += s.Tick()
	}
	return good / total, sum / total, s
}

func TestInputsArriveInTime(t *testing.T) {
	f := func(delay, jitter time.Duration, start int32, marginMax float64) {
		t.Helper()
		for seed := range uint64(5) {
			onTime, margin, s := run(seed, delay, jitter, start, 30)
			if onTime < 0.999 || margin > marginMax {
				t.Errorf("delay %v ± %v, start %d, seed %d: %.2f %% in time, mean margin %.2f ticks, %d jumps", delay, jitter, start, seed, onTime*100, margin, s.Jumps)
			}
		}
	}
	f(0, 0, 0, 2)
	f(25*time.Millisecond, time.Millisecond, 0, 2.5)
	f(50*time.Millisecond, 20*time.Millisecond, 0, 4)
	f(100*time.Millisecond, 5*time.Millisecond, -30, 3) // far behind: jumps
	f(100*time.Millisecond, 5*time.Millisecond, 40, 3)  // far ahead
}

func TestSpeedStaysInBounds(t *testing.T) {
	s := New(60)
	for _, m := range []int8{0, 100, -100, 20, 16} {
		s.Margin(m)
		if s.Speed() < 0.95 || s.Speed() > 1.05 {
			t.Errorf("margin %d: speed %v", m, s.Speed())
		}
	}
}

func TestMarginAllocatesNothing(t *testing.T) {
	s := New(60)
	if n := testing.AllocsPerRun(500, func() { s.Margin(16); s.Tick() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
