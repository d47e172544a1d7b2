package interp

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestShownTimeIsEvenAndLate: with jitter and loss the shown time runs between 0.97 and 1.03, and nearly always lies
// before the newest snapshot.
func TestShownTimeIsEvenAndLate(t *testing.T) {
	const ms = time.Millisecond
	f := func(jitter time.Duration, loss float64, delayMax time.Duration) {
		t.Helper()
		const rate, period, seconds = 60, time.Second / 60, 40
		rng := rand.New(rand.NewPCG(3, uint64(jitter)))
		c := New(rate)
		arrivals := map[int64]uint32{} // by millisecond
		for tick := range uint32(rate * seconds) {
			at := time.Duration(tick)*period + 50*ms
			if jitter > 0 {
				at += time.Duration(rng.Int64N(int64(2*jitter))) - jitter
			}
			if rng.Float64() >= loss {
				arrivals[at.Milliseconds()] = max(tick, arrivals[at.Milliseconds()])
			}
		}
		newest, starved, frames, last := uint32(0), 0, 0, float64(-1)
		for now := range int64(seconds*1000 - 1000) {
			if tick, ok := arrivals[now]; ok {
				c.Arrived(tick, time.Duration(now)*ms)
				newest = max(newest, tick)
			}
			tick, fraction, ok := c.At(time.Duration(now) * ms)
			if !ok || now < 10_000 {
				continue
			}
			shown := float64(tick) + float64(fraction)
			if last >= 0 {
				if step := (shown - last) * 1000 / rate; step < 0.965 || step > 1.035 {
					t.Fatalf("at %d ms the shown time moved by %.3f ms in one", now, step)
				}
			}
			last = shown
			if frames++; shown > float64(newest) {
				starved++
			}
		}
		if starved*50 > frames || c.Delay() > delayMax || c.Jumps != 0 {
			t.Errorf("jitter %v, loss %v: starved %d of %d ms, delay %v, %d jumps", jitter, loss, starved, frames, c.Delay(), c.Jumps)
		}
	}
	f(0, 0, 30*ms)
	f(5*ms, 0, 40*ms)
	f(20*ms, 0, 90*ms) // packets overtake each other
	f(2*ms, 0.05, 70*ms)
	f(10*ms, 0.2, 130*ms)
}

func TestDelayIsCapped(t *testing.T) {
	c := New(60)
	for tick := range uint32(200) {
		c.Arrived(tick, time.Duration(tick%2)*3*time.Second+time.Duration(tick)*time.Second/60)
	}
	if c.Delay() != delayMax {
		t.Errorf("delay %v", c.Delay())
	}
}

func TestOldSnapshotsChangeNothing(t *testing.T) {
	c := New(60)
	c.Arrived(100, time.Second)
	before := *c
	c.Arrived(100, 2*time.Second)
	c.Arrived(7, 2*time.Second)
	if *c != before {
		t.Error("a snapshot that is not newer moved the clock")
	}
}

func TestTurnTakesTheShortWay(t *testing.T) {
	f := func(a, b, want float32) {
		t.Helper()
		if got := Turn(a, b, 0.5, 1); got < want-0.001 || got > want+0.001 {
			t.Errorf("halfway from %v to %v is %v, want %v", a, b, got, want)
		}
	}
	f(0.9, 0.2, 0.05)
	f(0.2, 0.9, 0.05)
	f(0.2, 0.4, 0.3)
}

func TestAtAllocatesNothing(t *testing.T) {
	c, tick := New(60), uint32(0)
	if n := testing.AllocsPerRun(500, func() {
		tick++
		c.Arrived(tick, time.Duration(tick)*c.period)
		c.At(time.Duration(tick) * c.period)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
