package input

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/skirmishgg/skirmish/netcode/snapshot"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

type controls struct {
	MoveX, MoveY int8    `snap:"min=-1,max=1"`
	Yaw          float32 `snap:"bits=12,min=0,max=6.283185307179586,wrap"`
	Fire, Jump   bool    `snap:""`
	Weapon       uint8   `snap:"bits=3"`
}

func record(t testing.TB) *snapshot.Record {
	s, err := snapshot.NewSchema(snapshot.SchemaSpec{Rate: 60, Kinds: []snapshot.KindSpec{{Proto: controls{}, Cap: 1}}, Input: controls{}})
	if err != nil {
		t.Fatal(err)
	}
	return s.Input()
}

func random(rng *rand.Rand, c *controls) {
	if rng.IntN(4) == 0 {
		c.MoveX, c.MoveY = int8(rng.IntN(3)-1), int8(rng.IntN(3)-1)
	}
	if rng.IntN(5) > 0 {
		c.Yaw += rng.Float32() - 0.5
	}
	c.Fire = rng.IntN(20) == 0
}

func (c *controls) p() unsafe.Pointer { return unsafe.Pointer(c) }

// TestLink sends inputs over a link that loses, delays and duplicates, with the server's word of what it used coming
// back as badly, and checks that every tick taken gets exactly what the client put, or the newest input before it.
func TestLink(t *testing.T) {
	type packet struct {
		due, tick uint32
		body      []byte
	}
	rec := record(t)
	for _, loss := range []int{0, 20, 50} {
		rng := rand.New(rand.NewPCG(uint64(loss), 3))
		history, ring := NewHistory(rec), NewRing(rec)
		put := map[uint32]controls{}
		var flight []packet
		var c controls
		var processed uint32
		var known bool
		const lead = 5 // ticks that the client runs ahead
		total := 0
		for server := uint32(100); server < 3100; server++ {
			random(rng, &c)
			history.Put(server+lead, c.p())
			put[server+lead] = c
			body := make([]byte, 64)
			n := history.Encode(body, processed, known)
			total += n
			for range 1 + rng.IntN(10)/9 {
				if rng.IntN(100) >= loss {
					flight = append(flight, packet{server + uint32(rng.IntN(5)), server + lead, body[:n]})
				}
			}
			rest := flight[:0]
			for _, p := range flight {
				if p.due > server {
					rest = append(rest, p)
				} else if err := ring.Receive(p.body, p.tick, server); err != nil {
					t.Fatal(err)
				}
			}
			flight = rest
			var got controls
			switch ring.Take(server, got.p()) {
			case Exact:
				if want := put[server]; got != want {
					t.Fatalf("loss %d, tick %d: %+v, want %+v", loss, server, got, want)
				}
			case Repeated:
				found := false
				for back := uint32(1); back < 40 && !found; back++ {
					found = got == put[server-back]
				}
				if !found {
					t.Fatalf("loss %d, tick %d: %+v is no input before it", loss, server, got)
				}
			case Missing:
				if got != (controls{}) || server > 130 {
					t.Fatalf("loss %d, tick %d: %+v, nothing came", loss, server, got)
				}
			}
			if rng.IntN(100) >= loss {
				processed, known = ring.Processed()
			}
		}
		k := ring.Counters
		t.Logf("loss %d %%: %.1f B a packet, %+v", loss, float64(total)/3000, k)
		if onTime := float64(k.Exact) / 3000; loss <= 20 && onTime < 0.985 || k.Malformed != 0 || k.Added == 0 || loss > 0 && k.Duplicate == 0 {
			t.Errorf("loss %d: %.4f on time, %+v", loss, onTime, k)
		}
	}
}

func TestRingPolicy(t *testing.T) {
	r := NewRing(record(t))
	add := func(tick, server uint32, weapon uint8) { r.Add(tick, server, (&controls{Weapon: weapon}).p()) }
	take := func(tick uint32, outcome Outcome, weapon uint8) {
		t.Helper()
		var c controls
		if got := r.Take(tick, c.p()); got != outcome || c.Weapon != weapon {
			t.Errorf("tick %d: %d with weapon %d, want %d with %d", tick, got, c.Weapon, outcome, weapon)
		}
	}
	take(10, Missing, 0)
	add(12, 11, 1)
	add(12, 11, 2) // the first counts
	take(11, Missing, 0)
	take(12, Exact, 1)
	take(13, Repeated, 1)
	add(13, 14, 3) // late, but newer than what is repeated
	take(14, Repeated, 3)
	add(12, 15, 4)    // known
	add(15+32, 15, 5) // too early
	add(15+31, 15, 6)
	take(15, Repeated, 3)
	add(16, 16, 7)
	take(18, Repeated, 7) // 16 and 17 were left out
	take(46, Exact, 6)
	if want := (Counters{Added: 3, Duplicate: 2, Late: 1, Early: 1, Exact: 2, Repeated: 4, Missing: 2}); r.Counters != want {
		t.Errorf("%+v, want %+v", r.Counters, want)
	}
	if tick, ok := r.Processed(); tick != 46 || !ok {
		t.Errorf("processed %d, %v", tick, ok)
	}
}

func TestEncode(t *testing.T) {
	rec := record(t)
	h := NewHistory(rec)
	buf := make([]byte, 64)
	if n := h.Encode(buf, 0, false); n != 0 {
		t.Errorf("%d bytes of nothing", n)
	}
	f := func(processed uint32, has bool, want int) {
		t.Helper()
		r := NewRing(rec)
		newest, _ := h.Newest()
		n := h.Encode(buf, processed, has)
		if err := r.Receive(buf[:n], newest, newest-7); err != nil || r.Counters.Added != uint64(want) {
			t.Errorf("%v, %+v, want %d", err, r.Counters, want)
		}
	}
	for tick := uint32(20); tick < 40; tick++ {
		h.Put(tick, (&controls{Weapon: uint8(tick) & 7}).p())
	}
	f(0, false, wire.MaxInputsPacket)
	f(30, true, wire.MaxInputsPacket)
	f(36, true, 3)
	f(39, true, 1) // the newest always goes along
	h.Put(42, new(controls).p())
	f(36, true, 1) // behind the gap there is nothing to count from
	var got controls
	if !h.Get(39, got.p()) || got.Weapon != 39&7 || h.Get(41, got.p()) {
		t.Errorf("history gives %+v", got)
	}
}

func TestMalformed(t *testing.T) {
	rec := record(t)
	h := NewHistory(rec)
	for tick := uint32(1); tick < 9; tick++ {
		h.Put(tick, (&controls{Weapon: uint8(tick) & 7}).p())
	}
	buf := make([]byte, 64)
	body := buf[:h.Encode(buf, 0, false)]
	r := NewRing(rec)
	f := func(body []byte, tick uint32) {
		t.Helper()
		if err := r.Receive(body, tick, 1); err != ErrMalformed {
			t.Errorf("% X at %d: %v", body, tick, err)
		}
	}
	f(nil, 8)
	f(body[:len(body)-1], 8)
	f(append(bytes.Clone(body), 0), 8)
	f(body, 6)                                      // ticks before the first
	f([]byte{0xF8, 0xFF, 0xFF, 0xFF, 0xFF, 0}, 100) // MoveX is 3 of 0 to 2
	if r.Counters != (Counters{Malformed: 5}) {
		t.Errorf("%+v", r.Counters)
	}
}

func FuzzReceive(f *testing.F) {
	rec := record(f)
	h := NewHistory(rec)
	rng := rand.New(rand.NewPCG(1, 1))
	buf := make([]byte, 64)
	var c controls
	for tick := uint32(0); tick < 40; tick++ {
		random(rng, &c)
		h.Put(tick, c.p())
		f.Add(bytes.Clone(buf[:h.Encode(buf, tick-tick%9, tick > 9)]), tick, tick-3)
	}
	f.Fuzz(func(t *testing.T, body []byte, clientTick, serverTick uint32) {
		r := NewRing(rec)
		err := r.Receive(body, clientTick, serverTick)
		k := r.Counters
		if kept := k.Added + k.Late + k.Early; err != nil && (kept != 0 || k.Malformed != 1) || err == nil && (kept == 0 || kept > 8) {
			t.Fatalf("%v, %+v", err, k)
		}
		var c controls
		r.Take(serverTick, c.p())
		if c.MoveX < -1 || c.MoveX > 1 || c.Weapon > 7 || !(c.Yaw >= 0 && c.Yaw < 6.2832) {
			t.Fatalf("%+v", c)
		}
	})
}

func TestNoAllocation(t *testing.T) {
	rec := record(t)
	h, r := NewHistory(rec), NewRing(rec)
	rng := rand.New(rand.NewPCG(1, 1))
	buf := make([]byte, 64)
	c, got := new(controls), new(controls)
	tick := uint32(10)
	if n := testing.AllocsPerRun(200, func() {
		random(rng, c)
		h.Put(tick, c.p())
		if err := r.Receive(buf[:h.Encode(buf, tick-4, true)], tick, tick); err != nil {
			t.Fatal(err)
		}
		r.Take(tick, got.p())
		tick++
	}); n != 0 || *got != *c {
		t.Errorf("%v allocations, %+v", n, got)
	}
}

func BenchmarkReceive(b *testing.B) {
	rec := record(b)
	h, r := NewHistory(rec), NewRing(rec)
	rng := rand.New(rand.NewPCG(1, 1))
	buf := make([]byte, 64)
	var c controls
	n := 0
	for tick := uint32(1); tick < 50; tick++ {
		random(rng, &c)
		h.Put(tick, c.p())
		n = h.Encode(buf, tick-3, true)
	}
	for b.Loop() {
		if err := r.Receive(buf[:n], 49, 49); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n), "B")
}
