package delay

import (
	"testing"
	"time"

	"github.com/skirmishgg/skirmish/engine/clock"
)

// Values leave in the order of their times, none early, also those pushed while the line sleeps for a later one.
func TestOrderAndTime(t *testing.T) {
	type value struct {
		n  int
		at time.Duration
	}
	var c clock.Real
	got := make(chan value, 100)
	l, err := New(func(v value) {
		if c.Now() < v.at {
			t.Errorf("value %d came %v early", v.n, v.at-c.Now())
		}
		got <- v
	})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	start := c.Now() + 20*time.Millisecond // later than it takes to push them all
	push := func(n int) {
		at := start + time.Duration(n)*time.Millisecond
		l.Push(at, value{n, at})
	}
	for _, n := range []int{30, 10, 0, 20, 5, 29} {
		push(n)
	}
	last := -1
	for range 6 {
		v := <-got
		if v.n < last {
			t.Fatalf("%d after %d", v.n, last)
		}
		last = v.n
	}
	s := l.Stats()
	if s.Delivered != 6 || s.Waiting != 0 {
		t.Fatalf("%+v", s)
	}
	t.Logf("late by %v on average, %v at most", s.LateSum/6, s.LateMax)
}

func TestClose(t *testing.T) {
	l, err := New(func(int) { t.Error("delivered") })
	if err != nil {
		t.Fatal(err)
	}
	l.Push(clock.Real{}.Now()+time.Hour, 1)
	l.Close()
	l.Close()
	l.Push(0, 2)
}
