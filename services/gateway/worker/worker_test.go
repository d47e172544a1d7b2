package worker_test

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/skirmishgg/skirmish/services/gateway/worker"
)

func TestCallsOfALineRunInOrderOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const lines, calls = 50, 200
		p := worker.New(8)
		defer p.Stop()
		var got [lines][]int // each written by its own line only, which -race checks
		var inside [lines]atomic.Int32
		for i := range lines {
			l := p.Line(32, nil)
			for n := range calls {
				l.Push(func() {
					if inside[i].Add(1) != 1 {
						t.Error("two calls of one line at once")
					}
					got[i] = append(got[i], n)
					runtime.Gosched()
					inside[i].Add(-1)
				})
			}
		}
		synctest.Wait()
		for i := range got {
			for n := range calls {
				if len(got[i]) != calls || got[i][n] != n {
					t.Fatalf("line %d ran %v", i, got[i])
				}
			}
		}
	})
}

// Calls that wait for something outside must not hold up other sessions, up to the pool's limit.
func TestLongCallsDoNotHoldUpOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := worker.New(100)
		defer p.Stop()
		release := make(chan struct{})
		for range 99 {
			p.Line(32, nil).Push(func() { <-release })
		}
		synctest.Wait()
		ran := false
		p.Line(32, nil).Push(func() { ran = true })
		synctest.Wait()
		if !ran {
			t.Error("the hundredth session waits though the pool has room for it")
		}
		var blocked atomic.Bool
		p.Line(32, nil).Push(func() { <-release })
		p.Line(32, nil).Push(func() { blocked.Store(true) })
		synctest.Wait()
		if blocked.Load() {
			t.Error("101 calls run at once in a pool of 100")
		}
		close(release)
		synctest.Wait()
		if !blocked.Load() {
			t.Error("the line that waited for a goroutine never got one")
		}
	})
}

// Two lines that come at once must not both rely on the one goroutine that is idle.
func TestOneIdleGoroutineIsPromisedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := worker.New(10)
		defer p.Stop()
		p.Line(32, nil).Push(func() {})
		synctest.Wait()
		release := make(chan struct{})
		var ran atomic.Int32
		for range 2 {
			p.Line(32, nil).Push(func() { ran.Add(1); <-release })
		}
		synctest.Wait()
		if ran.Load() != 2 {
			t.Errorf("%d of 2 calls run", ran.Load())
		}
		close(release)
	})
}

func TestGoroutinesGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before := runtime.NumGoroutine()
		p := worker.New(1000)
		release := make(chan struct{})
		for range 500 {
			p.Line(32, nil).Push(func() { <-release })
		}
		synctest.Wait()
		close(release)
		synctest.Wait()
		if n := runtime.NumGoroutine() - before; n > 128 {
			t.Errorf("%d goroutines are left", n)
		}
		p.Stop()
		if n := runtime.NumGoroutine() - before; n > 0 {
			t.Errorf("%d goroutines are left after Stop", n)
		}
	})
}

func TestRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := worker.New(1)
		defer p.Stop()
		step := make(chan struct{})
		rooms := 0 // written by calls of the line only
		l := p.Line(4, func() { rooms++ })
		call := func() { <-step }
		if !l.Push(call) {
			t.Fatal("full at one")
		}
		synctest.Wait() // it runs; four may wait
		for i, want := range []bool{true, true, true, false, false} {
			if l.Push(call) != want {
				t.Fatalf("with %d waiting, more is %v", i+1, !want)
			}
		}
		for i, want := range []int{0, 0, 1, 1} { // four, three, two wait
			step <- struct{}{}
			synctest.Wait()
			if rooms != want {
				t.Fatalf("after %d calls room was announced %d times", i+1, rooms)
			}
		}
		for i, want := range []bool{true, true, false} { // one waits
			if l.Push(call) != want {
				t.Fatalf("push %d after room: more is %v", i+1, !want)
			}
		}
		close(step)
		synctest.Wait()
		if rooms != 2 {
			t.Fatalf("room was announced %d times in all", rooms)
		}
	})
}

func TestCloseRunsLastAfterTheCallUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := worker.New(4)
		defer p.Stop()
		var order []string // of one line
		release := make(chan struct{})
		l := p.Line(32, func() { t.Error("room on a closed line") })
		l.Push(func() { <-release; order = append(order, "under way") })
		synctest.Wait()
		for range 40 {
			l.Push(func() { order = append(order, "dropped") })
		}
		l.Close(func() { order = append(order, "last") })
		l.Close(func() { order = append(order, "second close") })
		if !l.Push(func() { order = append(order, "late") }) {
			t.Error("a closed line asks to stop reading")
		}
		close(release)
		synctest.Wait()
		if len(order) != 2 || order[0] != "under way" || order[1] != "last" {
			t.Errorf("ran %q", order)
		}
		var idle []string
		l = p.Line(32, nil)
		l.Close(func() { idle = append(idle, "last") })
		synctest.Wait()
		if len(idle) != 1 {
			t.Errorf("an idle line ran %q at its end", idle)
		}
	})
}

func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := worker.New(1)
		release := make(chan struct{})
		ended := false
		p.Line(32, nil).Push(func() { <-release; ended = true })
		synctest.Wait()
		other := p.Line(32, nil)
		other.Push(func() { t.Error("a call began after Stop") })
		stopped := false
		go func() { p.Stop(); stopped = true }() // ends with the call under way
		synctest.Wait()
		if stopped {
			t.Error("Stop did not wait for the call under way")
		}
		close(release)
		synctest.Wait()
		if !stopped || !ended {
			t.Errorf("Stop returned: %v; the call under way ended: %v", stopped, ended)
		}
		other.Push(func() { t.Error("a call began after Stop") })
		p.Line(32, nil).Push(func() { t.Error("a call began after Stop") })
		p.Stop()
	})
}

// A line that always has work gives others their turn.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := worker.New(1)
		defer p.Stop()
		hold := make(chan struct{})
		greedy, modest := p.Line(1000, nil), p.Line(1000, nil)
		greedy.Push(func() { <-hold })
		synctest.Wait()
		done := 0
		for range 100 {
			greedy.Push(func() { done++ })
		}
		before := -1
		modest.Push(func() { before = done })
		close(hold)
		synctest.Wait()
		if before < 0 || before > 16 {
			t.Errorf("the modest line waited for %d calls of the other", before)
		}
	})
}

func BenchmarkPush(b *testing.B) {
	p := worker.New(64)
	defer p.Stop()
	for _, lines := range []int{1, 100} {
		b.Run(map[int]string{1: "one", 100: "hundred"}[lines], func(b *testing.B) {
			all := make([]*worker.Line, lines)
			room := make(chan struct{}, lines)
			for i := range all {
				all[i] = p.Line(1<<30, func() { room <- struct{}{} })
			}
			b.ReportAllocs()
			var wg sync.WaitGroup
			wg.Add(b.N)
			for i := range b.N {
				all[i%lines].Push(wg.Done)
			}
			wg.Wait()
		})
	}
}
