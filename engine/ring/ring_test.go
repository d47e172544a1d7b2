package ring

import (
	"runtime"
	"sync"
	"testing"
)

func TestFullAndEmpty(t *testing.T) {
	type queue interface {
		TryPush(int) bool
		TryPop() (int, bool)
		Len() int
		Cap() int
	}
	f := func(name string, q queue, wantCap int) {
		t.Helper()
		if q.Cap() != wantCap {
			t.Fatalf("%s: capacity %d, want %d", name, q.Cap(), wantCap)
		}
		next, want := 0, 0
		for range 5 { // five laps, so that indices wrap
			for q.TryPush(next) {
				next++
			}
			if q.Len() != wantCap || next-want != wantCap {
				t.Fatalf("%s: full at %d (Len %d), want %d", name, next-want, q.Len(), wantCap)
			}
			for range wantCap {
				v, ok := q.TryPop()
				if !ok || v != want {
					t.Fatalf("%s: popped %d %v, want %d", name, v, ok, want)
				}
				want++
			}
			if _, ok := q.TryPop(); ok || q.Len() != 0 {
				t.Fatalf("%s: not empty", name)
			}
		}
	}
	f("spsc 1", NewSPSC[int](1), 1)
	f("spsc 5", NewSPSC[int](5), 8)
	f("mpsc 1", NewMPSC[int](1), 2)
	f("mpsc 8", NewMPSC[int](8), 8)
}

// Popped pointers must be collectable at once, or a ring of buffers pins a lap of them.
func TestPopForgets(t *testing.T) {
	s, m := NewSPSC[*int](4), NewMPSC[*int](4)
	s.TryPush(new(int))
	m.TryPush(new(int))
	s.TryPop()
	m.TryPop()
	if s.slots[0] != nil || m.slots[0].value != nil {
		t.Fatal("a popped slot still holds its pointer")
	}
}

func TestSPSCAcrossGoroutines(t *testing.T) {
	const count = 200_000
	r := NewSPSC[int](64)
	go func() { // ends when it has pushed count values; the loop below waits for them
		for i := 0; i < count; {
			if r.TryPush(i) {
				i++
			} else {
				runtime.Gosched()
			}
		}
	}()
	for want := 0; want < count; {
		v, ok := r.TryPop()
		if !ok {
			runtime.Gosched()
			continue
		}
		if v != want {
			t.Fatalf("popped %d, want %d", v, want)
		}
		want++
	}
}

// Every value arrives once, and each producer's values in its order.
func TestMPSCAcrossGoroutines(t *testing.T) {
	const producers, each = 4, 50_000
	type item struct{ producer, n int }
	r := NewMPSC[item](64)
	var wg sync.WaitGroup
	for p := range producers {
		wg.Go(func() {
			for i := 0; i < each; {
				if r.TryPush(item{p, i}) {
					i++
				} else {
					runtime.Gosched()
				}
			}
		})
	}
	var next [producers]int
	for got := 0; got < producers*each; {
		v, ok := r.TryPop()
		if !ok {
			runtime.Gosched()
			continue
		}
		if v.n != next[v.producer] {
			t.Fatalf("producer %d: popped %d, want %d", v.producer, v.n, next[v.producer])
		}
		next[v.producer]++
		got++
	}
	wg.Wait()
	if _, ok := r.TryPop(); ok {
		t.Fatal("a value more than was pushed")
	}
}

func TestAllocatesNothing(t *testing.T) {
	s, m := NewSPSC[[4]int](8), NewMPSC[[4]int](8)
	if n := testing.AllocsPerRun(1000, func() {
		s.TryPush([4]int{})
		s.TryPop()
		m.TryPush([4]int{})
		m.TryPop()
	}); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}

func BenchmarkSPSC(b *testing.B) {
	r := NewSPSC[int](64)
	for b.Loop() {
		r.TryPush(1)
		r.TryPop()
	}
}

func BenchmarkMPSC(b *testing.B) {
	r := NewMPSC[int](64)
	for b.Loop() {
		r.TryPush(1)
		r.TryPop()
	}
}
