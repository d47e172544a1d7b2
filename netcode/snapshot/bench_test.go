package snapshot

import (
	"testing"
	"unsafe"
)

type projectile struct {
	motion
	Owner uint8 `snap:"bits=6"`
}

// arena16 is 16 players, 16 flying projectiles and 24 pickups in slots for 16, 64 and 32, in motion for some ticks.
type arena16 struct {
	s     *Schema
	w     *World
	tr    *trace
	shots [64]projectile
	picks [32]pickup
	tick  uint32
}

func newArena16(t testing.TB) *arena16 {
	s, err := NewSchema(SchemaSpec{Rate: 60, Kinds: []KindSpec{{Proto: player{}, Cap: 16}, {Proto: projectile{}, Cap: 64}, {Proto: pickup{}, Cap: 32}}})
	if err != nil {
		t.Fatal(err)
	}
	a := &arena16{s: s, w: NewWorld(s), tr: newTrace(16, 60, 3)}
	for i := range a.shots {
		a.shots[i].VX, a.shots[i].VY = float32(i%7-3), float32(i%5-2)
	}
	for range 600 {
		a.step()
	}
	return a
}

func (a *arena16) step() {
	a.tick++
	a.tr.step(int(a.tick))
	a.capture()
}

// capture advances the World with what is there.
func (a *arena16) capture() {
	a.w.Begin(a.tick)
	for i := range a.tr.p {
		a.w.Capture(0, i, 0, unsafe.Pointer(&a.tr.p[i]))
	}
	for i := range 16 {
		slot := (i + int(a.tick/30)) % 64 // one is born, one dies, every half second
		shot := &a.shots[slot]
		shot.X += shot.VX / 60
		shot.Y += shot.VY / 60
		a.w.Capture(1, slot, uint8(a.tick/1920), unsafe.Pointer(shot))
	}
	for i := range 24 {
		a.w.Capture(2, i, 0, unsafe.Pointer(&a.picks[i]))
	}
	a.w.End()
}

// TestNoAllocation: after warm-up, a tick of 16 viewers with clients allocates nothing, with and without a budget that
// fits, for a full snapshot and for decoding.
func TestNoAllocation(t *testing.T) {
	a := newArena16(t)
	v, tight, late := NewViewer(a.w), NewViewer(a.w), NewViewer(a.w)
	d := NewDecoder(a.s)
	buf := make([]byte, 1100)
	var p player
	tick := func() {
		a.step()
		n, delta := v.Encode(buf, Request{Acked: a.tick - 1, HasAck: true, Owner: NoID})
		view, err := d.Decode(a.tick, delta, buf[:n])
		if err != nil || !Load(view, 3, &p) {
			t.Fatal(err)
		}
		tight.Encode(buf[:48], Request{Acked: a.tick - 5, HasAck: true, Owner: 2})
		late.Encode(buf, Request{Owner: NoID})
	}
	for range 300 {
		tick()
	}
	if n := testing.AllocsPerRun(500, tick); n != 0 {
		t.Errorf("%v allocations a tick", n)
	}
	if tight.Counters.Deferred == 0 || late.Counters.Full != late.Counters.Snapshots {
		t.Errorf("tight %+v, late %+v", tight.Counters, late.Counters)
	}
	data := make([]byte, 0, 255)
	s := testSchema(t, 1, 1, 1)
	var o, back odd
	if n := testing.AllocsPerRun(100, func() {
		data, _ = AppendEvent(s, data[:0], &o)
		LoadEvent(s, data, &back)
	}); n != 0 {
		t.Errorf("%v allocations an event", n)
	}
}

// BenchmarkEncodeWarm is one more viewer of 16 players, 16 projectiles and 24 pickups, all strings made.
func BenchmarkEncodeWarm(b *testing.B) {
	a := newArena16(b)
	v := NewViewer(a.w)
	buf := make([]byte, 1100)
	var r Request
	for range 40 { // until it knows the models
		r = Request{Acked: a.tick - 1, HasAck: true, Owner: NoID}
		v.Encode(buf, r)
		a.step()
	}
	r.Acked++
	n := 0
	for b.Loop() {
		n, _ = v.Encode(buf, r)
	}
	b.ReportMetric(float64(n), "B")
}

// BenchmarkEncodeWarmPlayers is the same of 16 players alone.
func BenchmarkEncodeWarmPlayers(b *testing.B) {
	w, tr := benchPlayers(b, 16)
	v := NewViewer(w)
	buf := make([]byte, 1100)
	var r Request
	for range 40 {
		r = Request{Acked: w.Tick() - 1, HasAck: true, Owner: NoID}
		v.Encode(buf, r)
		captureAll(w, tr, w.Tick()+1)
	}
	r.Acked++
	n := 0
	for b.Loop() {
		n, _ = v.Encode(buf, r)
	}
	b.ReportMetric(float64(n), "B")
}

func benchPlayers(b testing.TB, n int) (*World, *trace) {
	s, err := NewSchema(SchemaSpec{Rate: 60, Kinds: []KindSpec{{Proto: player{}, Cap: n}}})
	if err != nil {
		b.Fatal(err)
	}
	w, tr := NewWorld(s), newTrace(n, 60, 3)
	v := NewViewer(w)
	buf := make([]byte, 1100)
	for tick := range uint32(601) {
		captureAll(w, tr, tick)
		v.Encode(buf, Request{Acked: tick - 1, HasAck: tick > 0, Owner: NoID})
	}
	return w, tr
}

func captureAll(w *World, tr *trace, tick uint32) {
	tr.step(int(tick))
	w.Begin(tick)
	for i := range tr.p {
		w.Capture(0, i, 0, unsafe.Pointer(&tr.p[i]))
	}
	w.End()
}

// BenchmarkCapture is Begin, 64 players of 13 fields, End.
func BenchmarkCapture(b *testing.B) {
	w, tr := benchPlayers(b, 64)
	tick := w.Tick()
	for b.Loop() {
		tick++
		w.Begin(tick)
		for i := range tr.p {
			w.Capture(0, i, 0, unsafe.Pointer(&tr.p[i]))
		}
		w.End()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/64, "ns/entity")
}

// BenchmarkStrings makes the bits of 64 players against one baseline.
func BenchmarkStrings(b *testing.B) {
	w, _ := benchPlayers(b, 64)
	for b.Loop() {
		w.serial++
		w.long = w.long[:0]
		for id := range 64 {
			w.changes(id, 1)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/64, "ns/entity")
}

// BenchmarkTick is a whole tick of 16 players, 16 projectiles, 24 pickups for 16 viewers with three ages of baselines.
func BenchmarkTick(b *testing.B) {
	a := newArena16(b)
	var viewers [16]*Viewer
	for i := range viewers {
		viewers[i] = NewViewer(a.w)
	}
	buf := make([]byte, 1100)
	tick := func() {
		a.tick++
		a.capture()
		for i, v := range viewers {
			v.Encode(buf, Request{Acked: a.tick - uint32(2+i%3), HasAck: true, Owner: NoID})
		}
	}
	for range 100 {
		a.tr.step(int(a.tick))
		tick()
	}
	for b.Loop() {
		a.tr.p[a.tick%16].X += 0.1
		tick()
	}
}

// BenchmarkDecode is 16 players, 16 projectiles, 24 pickups.
func BenchmarkDecode(b *testing.B) {
	a := newArena16(b)
	v, d := NewViewer(a.w), NewDecoder(a.s)
	buf := make([]byte, 1100)
	n, _ := v.Encode(buf, Request{Owner: NoID})
	d.Decode(a.tick, 0, buf[:n])
	first := a.tick
	a.step()
	n, delta := v.Encode(buf, Request{Acked: first, HasAck: true, Owner: NoID})
	for b.Loop() {
		if _, err := d.Decode(a.tick, delta, buf[:n]); err != nil {
			b.Fatal(err)
		}
		d.views[a.tick&historyMask].valid = false
	}
}
