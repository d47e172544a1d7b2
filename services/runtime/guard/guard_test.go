package guard

import (
	"errors"
	"log/slog"
	"math"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestTheLongestCallEndsFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var live atomic.Uint64
		g := New(100, slog.New(slog.DiscardHandler))
		g.live = live.Load
		var ended []string
		enter := func(name string) *Call {
			return g.Enter(name, func(err error) {
				if !errors.Is(err, ErrMemory) {
					t.Error(err)
				}
				ended = append(ended, name)
			})
		}
		a, b, c := enter("a"), enter("b"), enter("c")
		a.Leave()
		go g.Watch(t.Context())
		pass := func(d time.Duration) { time.Sleep(d); synctest.Wait() }
		pass(3 * time.Second)
		if len(ended) != 0 {
			t.Errorf("ended without need: %v", ended)
		}
		live.Store(101)
		pass(collect)
		if !slices.Equal(ended, []string{"b"}) {
			t.Errorf("ended %v", ended)
		}
		b.Leave()
		pass(collect)
		pass(collect)
		if !slices.Equal(ended, []string{"b", "c"}) {
			t.Errorf("ended %v", ended)
		}
		c.Leave()
		if g.first != nil || g.latest != nil {
			t.Error("calls are left")
		}
	})
	var none *Guard
	none.Enter("x", nil).Leave()
}

func TestLimit(t *testing.T) {
	if n := Limit(5); n != 5<<20 {
		t.Error(n)
	}
	if n := Limit(0); n < 64<<20 {
		t.Errorf("a limit of %d bytes", n)
	}
	if n := memTotal("MemFree: 1 kB\nMemTotal:  2048 kB\n"); n != 2<<20 {
		t.Error(n)
	}
	if n := memTotal("nothing"); n != math.MaxUint64 {
		t.Error(n)
	}
}
