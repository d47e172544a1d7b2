package snapshot

import (
	"testing"
	"unsafe"

	"github.com/skirmishgg/skirmish/netcode/bits"
)

// TestRefusals: what only a broken server sends. One pickup is there since tick 1.
func TestRefusals(t *testing.T) {
	s := testSchema(t, 1, 1, 1)
	start := func() *Decoder {
		w, p := NewWorld(s), pickup{Kind: 3}
		w.Begin(1)
		w.Capture(2, 0, 0, unsafe.Pointer(&p))
		w.End()
		buf := make([]byte, 64)
		d := NewDecoder(s)
		n, _ := NewViewer(w).Encode(buf, Request{Owner: NoID})
		if _, err := d.Decode(1, 0, buf[:n]); err != nil {
			t.Fatal(err)
		}
		return d
	}
	// body is a snapshot in which the pickup is late, changed or both.
	body := func(late, due bool) []byte {
		var w bits.Writer
		w.Reset(make([]byte, 16))
		w.Bool(false) // no models
		w.Bool(late)
		run := func() {
			w.Golomb(1, orderRuns)
			w.Golomb(0, orderSkip)
			w.Golomb(0, orderTaken)
		}
		if late {
			run()
		}
		if due {
			run()
			w.Write(0b11, 2) // of the model to start from escape has no bits: a mask, in the only component
			w.Write(0b10, 2) // Taken
			w.Golomb(0, 0)   // nothing created
			return w.Bytes() // Taken is one bit and implied
		}
		w.Golomb(0, orderRuns)
		w.Golomb(0, orderRuns)
		return w.Bytes()
	}
	d := start()
	view, err := d.Decode(2, 1, body(false, true))
	var p pickup
	if err != nil || !Load(view, 2, &p) || p != (pickup{3, true}) {
		t.Fatalf("%v, %+v", err, p)
	}
	if _, err := d.Decode(3, 1, body(true, true)); err != ErrMalformed {
		t.Errorf("late and changed: %v", err)
	}
	if _, err := d.Decode(3, 2, body(false, true)[:1]); err != ErrMalformed {
		t.Errorf("cut: %v", err)
	}
	if _, err := d.Decode(3, 63, body(false, true)); err != ErrMalformed {
		t.Errorf("baseline 63 ticks back: %v", err)
	}
	if _, err := d.Decode(3, 3, body(false, true)); err != ErrNoBaseline {
		t.Errorf("baseline of tick 0: %v", err)
	}
	if v, err := d.Decode(2, 1, nil); v != view || err != nil {
		t.Errorf("a tick again: %v", err)
	}

	// Late for 62 ticks, it can still be changed; for 63 it must come whole.
	for _, ticks := range []uint32{61, 62} {
		d := start()
		for tick := uint32(2); tick < 2+ticks; tick++ {
			v, err := d.Decode(tick, 1, body(true, false))
			if err != nil || v.Age(2) != int(tick-1) {
				t.Fatal(err)
			}
		}
		if _, err := d.Decode(2+ticks, 1, body(false, true)); (err == nil) != (ticks < 62) {
			t.Errorf("%d ticks late: %v", ticks+1, err)
		}
	}
	if v, err := d.Decode(100, 0, []byte{1}); err != nil || v.Has(2) {
		t.Errorf("an empty world: %v", err)
	}
	if _, err := d.Decode(36, 0, []byte{1}); err != ErrOld {
		t.Errorf("64 ticks behind: %v", err)
	}
	if d.Newest().Tick() != 100 || d.View(2) != view || d.View(1) == nil {
		t.Error("views got lost")
	}
}

// TestModelLife: a version that comes round after 255 others is not taken for the one that the client knows.
func TestModelLife(t *testing.T) {
	w, tr := benchPlayers(t, 8)
	v := NewViewer(w)
	buf := make([]byte, 1100)
	r := Request{Owner: NoID}
	for range 3 {
		captureAll(w, tr, w.Tick()+1)
		v.Encode(buf, r)
		r.Acked, r.HasAck = w.Tick(), true
	}
	captureAll(w, tr, w.Tick()+1)
	if w.versions[0] == 0 || !v.knows(0, 0, 1) {
		t.Fatal("the viewer does not know the model that it was sent")
	}
	v.sent[r.Acked&historyMask].used[0] -= modelLife
	if v.knows(0, 0, 1) {
		t.Error("a model is known for ever")
	}
}
