package snapshot

import (
	"slices"
	"testing"
	"unsafe"
)

// TestBudget gives half of what a world of 128 players needs: who is deferred gets its turn, the viewer's own player
// never waits, nobody is more than 62 ticks behind and then sent against what it was, and with room again all are there.
func TestBudget(t *testing.T) {
	const players, own = 128, 77
	s, err := NewSchema(SchemaSpec{Rate: 60, Kinds: []KindSpec{{Proto: player{}, Cap: players}}})
	if err != nil {
		t.Fatal(err)
	}
	w, tr := NewWorld(s), newTrace(players, 60, 3)
	v, d := NewViewer(w), NewDecoder(s)
	buf := make([]byte, 4096)
	oldest := 0
	for tick := uint32(1); tick < 400; tick++ {
		captureAll(w, tr, tick)
		r := Request{Acked: tick - 1, HasAck: tick > 1, Owner: own}
		if tick > 10 && tick < 300 {
			r.Budget = 1 // that is BudgetMin
		}
		n, delta := v.Encode(buf, r)
		view, err := d.Decode(tick, delta, buf[:n])
		if err != nil || r.Budget > 0 && n > BudgetMin {
			t.Fatal(err, n)
		}
		for id := range ID(players) {
			age := view.Age(id)
			if tick > 30 {
				oldest = max(oldest, age)
			}
			if age == 0 && !slices.Equal(view.Row(id), w.Row(id)) || age > 0 && !slices.Equal(view.Row(id), w.rowAt(tick-uint32(age), int(id))) {
				t.Fatalf("tick %d: player %d of age %d is %d", tick, id, age, view.Row(id))
			}
			if age > 0 && (r.Budget == 0 || id == own) {
				t.Fatalf("tick %d: player %d is late", tick, id)
			}
		}
	}
	if v.Counters.Deferred == 0 || oldest < 3 || oldest > 30 {
		t.Errorf("%d deferred, oldest %d", v.Counters.Deferred, oldest)
	}
	t.Logf("%d deferred in 290 ticks, oldest %d ticks", v.Counters.Deferred, oldest)
}

// TestTooOld: a baseline of 62 ticks is built on, one of 63 is not, nor what was never sent, nor the same tick.
func TestTooOld(t *testing.T) {
	s := testSchema(t, 2, 2, 2)
	w, p := NewWorld(s), pickup{}
	v := NewViewer(w)
	buf := make([]byte, 256)
	f := func(tick, acked uint32, want uint8) {
		t.Helper()
		w.Begin(tick)
		w.Capture(2, 0, 0, unsafe.Pointer(&p))
		w.End()
		if _, delta := v.Encode(buf, Request{Acked: acked, HasAck: true, Owner: NoID}); delta != want {
			t.Errorf("tick %d on %d: baseline %d back, want %d", tick, acked, delta, want)
		}
	}
	f(100, 99, 0)
	f(101, 100, 1)
	f(162, 100, 62)
	f(163, 100, 0)
	f(164, 164, 0)
	f(165, 164, 1)
	f(166, 170, 0)
	f(167, 150, 0)
	f(4000, 167, 0)
	if v.Counters.Full != 6 || v.Counters.Snapshots != 9 {
		t.Errorf("%+v", v.Counters)
	}
}

// TestUnchangedCostsNothing: a world at rest is 4 bits however large, and someone who starts to move after a rest is
// predicted from the baseline's tick, not from when he last moved.
func TestUnchangedCostsNothing(t *testing.T) {
	s, err := NewSchema(SchemaSpec{Rate: 60, Kinds: []KindSpec{{Proto: player{}, Cap: 1000}}})
	if err != nil {
		t.Fatal(err)
	}
	w, v := NewWorld(s), (*Viewer)(nil)
	v = NewViewer(w)
	all := make([]player, 1000)
	buf := make([]byte, 8192)
	n := 0
	for tick := uint32(1); tick < 200; tick++ {
		w.Begin(tick)
		for i := range all {
			w.Capture(0, i, 0, unsafe.Pointer(&all[i]))
		}
		w.End()
		n, _ = v.Encode(buf, Request{Acked: tick - 1, HasAck: tick > 1, Owner: NoID})
	}
	if n != 1 {
		t.Errorf("%d bytes for a world at rest", n)
	}
	all[5].VX = 6
	all[5].X += all[5].VX / 60
	w.Begin(200)
	for i := range all {
		w.Capture(0, i, 0, unsafe.Pointer(&all[i]))
	}
	w.End()
	if n, _ = v.Encode(buf, Request{Acked: 199, HasAck: true, Owner: NoID}); n > 7 {
		t.Errorf("%d bytes for one who starts to move", n)
	}
}

// TestMisuse: what can only be a bug of the caller panics.
func TestMisuse(t *testing.T) {
	f := func(name string, call func(w *World)) {
		t.Helper()
		defer func() {
			if recover() == nil {
				t.Errorf("%s does not panic", name)
			}
		}()
		w := NewWorld(testSchema(t, 1, 1, 1))
		w.Begin(5)
		call(w)
	}
	var p player
	f("Begin twice", func(w *World) { w.Begin(6) })
	f("Begin of the past", func(w *World) { w.End(); w.Begin(5) })
	f("Capture twice", func(w *World) {
		w.Capture(0, 0, 0, unsafe.Pointer(&p))
		w.Capture(0, 0, 0, unsafe.Pointer(&p))
	})
	f("a slot beyond the capacity", func(w *World) { w.Capture(0, 1, 0, unsafe.Pointer(&p)) })
	f("Capture after End", func(w *World) { w.End(); w.Capture(0, 0, 0, unsafe.Pointer(&p)) })
	f("Encode inside a tick", func(w *World) { NewViewer(w).Encode(make([]byte, 64), Request{}) })
}
