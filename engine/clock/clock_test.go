package clock

import (
	"runtime"
	"testing"
	"time"
)

func TestRealSleepsToTheDeadline(t *testing.T) {
	var c Clock = Real{}
	for range 20 {
		until := c.Now() + 3*time.Millisecond
		c.SleepUntil(until)
		late := c.Now() - until
		if late < 0 {
			t.Fatalf("woke %v early", -late)
		}
		if late > time.Second {
			t.Fatalf("woke %v late", late)
		}
	}
	before := c.Now()
	c.SleepUntil(before - time.Hour)
	if c.Now()-before > 500*time.Millisecond {
		t.Fatal("slept for a deadline in the past")
	}
}

func TestBothAgree(t *testing.T) {
	now, unixNs := Real{}.Both()
	wall := time.Now().UnixNano()
	if d := time.Duration(wall - unixNs); d < 0 || d > time.Second {
		t.Fatalf("wall clock off by %v", d)
	}
	if got := SinceUnix(unixNs-int64(time.Millisecond), now, unixNs); got != now-time.Millisecond {
		t.Fatalf("a stamp 1 ms ago became %v at %v", got, now)
	}
}

func TestManualMovesOnlyWhenTold(t *testing.T) {
	m := NewManual(time.Second)
	m.SleepUntil(3 * time.Second)
	m.SleepUntil(2 * time.Second)
	m.Advance(time.Millisecond)
	if want := 3*time.Second + time.Millisecond; m.Now() != want {
		t.Fatalf("at %v, want %v", m.Now(), want)
	}
}

func TestAllocatesNothing(t *testing.T) {
	c := Real{}
	if n := testing.AllocsPerRun(100, func() { c.SleepUntil(c.Now() + 10*time.Microsecond) }); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}

// Whatever is granted, the thread must keep running and sleeping properly under it.
func TestRaisePriority(t *testing.T) {
	done := make(chan Priority)
	go func() { // ends with its thread after one sleep
		runtime.LockOSThread()
		granted := RaisePriority()
		c := Real{}
		c.SleepUntil(c.Now() + time.Millisecond)
		done <- granted
	}()
	t.Logf("granted: %v", <-done)
}

// BenchmarkLateness prints how late a 1 ms sleep wakes, with and without the priority.
func BenchmarkLateness(b *testing.B) {
	run := func(b *testing.B, raise bool) {
		done := make(chan time.Duration)
		go func() { // ends with its thread when the samples are taken
			runtime.LockOSThread()
			if raise {
				RaisePriority()
			}
			var total time.Duration
			c := Real{}
			for range b.N {
				until := c.Now() + time.Millisecond
				c.SleepUntil(until)
				total += c.Now() - until
			}
			done <- total
		}()
		b.ReportMetric(float64((<-done).Nanoseconds())/float64(b.N)/1e3, "µs-late/op")
	}
	b.Run("normal", func(b *testing.B) { run(b, false) })
	b.Run("raised", func(b *testing.B) { run(b, true) })
}
