package rewind

import "testing"

type place struct{ X, Y float32 }

func TestAt(t *testing.T) {
	h := New[place](4, 12)
	if h.At(5, 0, 0) != nil {
		t.Error("an empty history knows somebody")
	}
	for tick := uint32(100); tick <= 140; tick++ {
		h.Begin(tick)
		for slot := range 3 {
			gen := uint8(7)
			if slot == 1 && tick >= 135 {
				gen = 8 // another owner
			}
			h.Put(slot, gen, &place{X: float32(tick), Y: float32(slot)})
		}
	}
	f := func(tick uint32, slot int, gen uint8, want float32) {
		t.Helper()
		got := h.At(tick, slot, gen)
		if want == 0 {
			if got != nil {
				t.Errorf("At(%d, %d, %d) = %v, want nobody", tick, slot, gen, *got)
			}
			return
		}
		if got == nil || got.X != want || got.Y != float32(slot) {
			t.Errorf("At(%d, %d, %d) = %v, want X %v", tick, slot, gen, got, want)
		}
	}
	f(140, 0, 7, 140)
	f(133, 2, 7, 133)
	f(128, 0, 7, 128) // as far back as it goes
	f(127, 0, 7, 128)
	f(0, 0, 7, 128)
	f(1000, 0, 7, 140)
	f(134, 1, 7, 134)
	f(134, 1, 8, 0) // was another's
	f(135, 1, 8, 135)
	f(140, 3, 0, 0) // free
	f(140, -1, 7, 0)
	f(140, 4, 7, 0)

	h.Begin(500) // time jumped: nobody is where he was
	f(499, 0, 7, 0)
	h.Put(0, 7, &place{X: 500})
	f(499, 0, 7, 500)
}

func TestYoung(t *testing.T) {
	h := New[place](1, 12)
	for tick := uint32(1); tick <= 3; tick++ {
		h.Begin(tick)
		h.Put(0, 0, &place{X: float32(tick)})
	}
	if got := h.Clamp(0); got != 1 {
		t.Errorf("before the first tick remembered: %d", got)
	}
}

func TestAllocations(t *testing.T) {
	h := New[place](64, 12)
	tick := uint32(0)
	if n := testing.AllocsPerRun(100, func() {
		tick++
		h.Begin(tick)
		for slot := range 64 {
			h.Put(slot, 1, &place{X: 1})
		}
		for slot := range 64 {
			if h.At(tick-3, slot, 1) == nil && tick > 20 {
				t.Error("gone")
			}
		}
	}); n != 0 {
		t.Errorf("%v allocations a tick", n)
	}
}
