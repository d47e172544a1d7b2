package clocksync

import (
	"math/rand/v2"
	"testing"
	"time"
)

// path is one way of a simulated connection, twice.
type path struct {
	delay, jitter time.Duration // jitter of the way up; the way down has none
	loss          float64       // up
	start         int32         // ticks that the first one is off
}

type outcome struct {
	onTime float64 // part of the inputs that came in time, themselves or repeated
	margin float64 // mean, ticks
	speed  float64 // greatest |speed-1| once settled
	jumps  uint64
}

// run simulates a client at 60 Hz and looks at it after ten seconds of settling.
//
// Method: every input also travels with the seven packets after it; its time is that of the first of the eight that gets
// through. The server reports the margin of each packet that gets through, half a round trip later.
func run(seed uint64, p path, seconds int) outcome {
	const period = time.Second / 60
	rng := rand.New(rand.NewPCG(seed, 1))
	s := New(60)
	type report struct {
		at     time.Duration
		server uint32
		margin int8
	}
	var reports []report
	tick := s.First(0, 2*p.delay) + uint32(p.start)
	arrival := map[uint32]time.Duration{}
	result := outcome{}
	total, good, sum := 0.0, 0.0, 0.0
	for now, next := time.Duration(0), time.Duration(0); now < time.Duration(seconds)*time.Second; now += time.Millisecond {
		for len(reports) > 0 && reports[0].at <= now {
			r := reports[0]
			reports = reports[1:]
			jump := s.Margin(Report{r.server, tick, r.margin, 2 * p.delay, p.loss})
			if jump > 0 {
				tick += uint32(jump)
			}
			next += time.Duration(max(-jump, 0)) * period
		}
		if now < next {
			continue
		}
		tick++
		next += s.Tick()
		if rng.Float64() >= p.loss {
			at := now + p.delay
			if p.jitter > 0 {
				at += time.Duration(rng.Int64N(int64(2*p.jitter))) - p.jitter
			}
			for i := range uint32(8) {
				if _, ok := arrival[tick-i]; !ok {
					arrival[tick-i] = at
				}
			}
			early := time.Duration(int32(tick))*period - at
			reports = append(reports, report{at + p.delay, uint32(at / period), int8(min(max(early*16/period, -128), 127))})
			if now > 10*time.Second {
				sum += float64(early) / float64(period)
			}
		}
		if old := tick - 20; now > 10*time.Second {
			total++
			if at, ok := arrival[old]; ok && at <= time.Duration(old)*period {
				good++
			}
			result.speed = max(result.speed, s.Speed()-1, 1-s.Speed())
		}
	}
	result.onTime, result.margin, result.jumps = good/total, sum/total, s.Jumps
	return result
}

func TestInputsArriveInTime(t *testing.T) {
	const ms = time.Millisecond
	f := func(p path, onTimeMin, marginMax float64) {
		t.Helper()
		for seed := range uint64(4) {
			got := run(seed, p, 70)
			if got.onTime < onTimeMin || got.margin > marginMax || got.jumps > 2 {
				t.Errorf("%+v, seed %d: %.3f %% in time, mean margin %.2f ticks, speed ±%.3f, %d jumps", p, seed, got.onTime*100, got.margin, got.speed, got.jumps)
			}
		}
	}
	f(path{}, 1, 1.3)
	f(path{delay: 25 * ms, jitter: ms}, 1, 1.4)
	f(path{delay: 50 * ms, jitter: 20 * ms}, 0.9999, 2.7)
	f(path{delay: 500 * ms, jitter: 5 * ms}, 0.9999, 1.8) // a second of latency in the control loop
	f(path{delay: 500 * ms, jitter: 100 * ms}, 0.9999, 8)
	f(path{delay: 50 * ms, jitter: 20 * ms, loss: 0.05}, 0.9997, 4.8) // 3,600 inputs: one late is 0.03 %
	f(path{delay: 50 * ms, jitter: 20 * ms, loss: 0.2}, 0.9997, 7.8)
	f(path{delay: 100 * ms, jitter: 5 * ms, start: -50}, 1, 1.8) // far behind: jumps
	f(path{delay: 100 * ms, jitter: 5 * ms, start: 40}, 1, 1.8)  // far ahead
	f(path{delay: 100 * ms, jitter: 5 * ms, start: -9}, 1, 1.8)  // a little behind: steers
}

func TestStallDoesNotJump(t *testing.T) {
	s := New(60)
	tick := s.First(1000, 50*time.Millisecond)
	for i := range uint32(300) {
		tick++
		s.Tick()
		server := 1000 + i
		margin := int8(16)
		if i%100 > 90 { // ten packets that were held back
			server, margin = server-15, 127
		}
		if jump := s.Margin(Report{server, tick, margin, 50 * time.Millisecond, 0}); jump != 0 {
			t.Fatalf("report %d jumps by %d", i, jump)
		}
	}
}

func TestSpeedStaysInBounds(t *testing.T) {
	s := New(60)
	for i, m := range []int8{0, 100, -100, 20, 16, -128, 127} {
		s.Tick()
		s.Margin(Report{uint32(i), uint32(i), m, 0, 0})
		if s.Speed() < 0.95 || s.Speed() > 1.05 {
			t.Errorf("margin %d: speed %v", m, s.Speed())
		}
	}
}

func TestMarginAllocatesNothing(t *testing.T) {
	s := New(60)
	if n := testing.AllocsPerRun(500, func() { s.Margin(Report{Margin: 16}); s.Tick() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkMargin(b *testing.B) {
	s := New(60)
	for b.Loop() {
		s.Tick()
		s.Margin(Report{Margin: 16})
	}
}
