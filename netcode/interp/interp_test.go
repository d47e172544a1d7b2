package interp

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestShownTimeIsEvenAndLate: with jittered arrivals the shown time runs between 0.97 and 1.03, and nearly always lies
// between two snapshots that have arrived.
func TestShownTimeIsEvenAndLate(t *testing.T) {
	f := func(jitter time.Duration, delayMax time.Duration) {
		t.Helper()
		const rate, period = 60, time.Second / 60
		rng := rand.New(rand.NewPCG(3, uint64(jitter)))
		c := New(rate)
		arrivals := map[int64]uint32{} // by millisecond
		for tick := range uint32(60 * 20) {
			at := time.Duration(tick)*period + 50*time.Millisecond + time.Duration(rng.Int64N(int64(2*jitter)+1)) - jitter
			arrivals[at.Milliseconds()] = max(tick, arrivals[at.Milliseconds()])
		}
		newest, starved, frames, last := uint32(0), 0, 0, float64(-1)
		for ms := int64(0); ms < 19_000; ms++ {
			now := time.Duration(ms) * time.Millisecond
			if tick, ok := arrivals[ms]; ok {
				c.Arrived(tick, now)
				newest = max(newest, tick)
			}
			tick, fraction, ok := c.At(now)
			if !ok || ms < 3000 {
				continue
			}
			shown := float64(tick) + float64(fraction)
			if last >= 0 {
				if step := (shown - last) * 1000 / rate; step < 0.965 || step > 1.035 {
					t.Fatalf("at %d ms the shown time moved by %.3f ms in one", ms, step)
				}
			}
			last = shown
			if frames++; shown > float64(newest) {
				starved++
			}
		}
		if starved*100 > frames || c.Delay() > delayMax || c.Jumps != 0 {
			t.Errorf("jitter %v: starved %d of %d ms, delay %v, %d jumps", jitter, starved, frames, c.Delay(), c.Jumps)
		}
	}
	f(0, 30*time.Millisecond)
	f(5*time.Millisecond, 45*time.Millisecond)
	f(20*time.Millisecond, 100*time.Millisecond)
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

func TestTurnTakesTheShortWay(t *testing.T) {
	if got := Turn(0.9, 0.1, 0.5, 1); got < 0.99 || got > 1.01 {
		t.Errorf("halfway from 0.9 to 0.1 is %v", got)
	}
}
