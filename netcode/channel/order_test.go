package channel

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/skirmishgg/skirmish/protocol/wire"
)

// wires is a connection's two ways: events arrive and are acked in order, and so do stream messages, each at its own pace.
type wires struct {
	events, stream [][]byte
	eventBytes     int
	full           bool // the stream's queue
}

func (w *wires) SendEvent(_ uint8, data []byte) error {
	w.events = append(w.events, bytes.Clone(data))
	w.eventBytes += len(data) + eventHeader
	return nil
}

func (w *wires) SendStream(_ uint8, data []byte) error {
	if w.full || len(w.stream) >= pushBackAt {
		return ErrBackpressure
	}
	w.stream = append(w.stream, bytes.Clone(data))
	return nil
}

func (w *wires) EventRoom() int    { return EventBudget - w.eventBytes }
func (w *wires) StreamsIdle() bool { return len(w.stream) == 0 }

// deliver brings the oldest of one way over and acks it.
func (w *wires) deliver(event bool) []byte {
	list := &w.stream
	if event {
		list = &w.events
	}
	if len(*list) == 0 {
		return nil
	}
	msg := (*list)[0]
	*list = (*list)[1:]
	if event {
		w.eventBytes -= len(msg) + eventHeader
	}
	return msg
}

// TestOrder: goal: whatever is sent arrives once and in order, each way at any pace, also with one of them standing still for
// long; nothing is ever refused by the receiver; a sender is pushed back, and goes on. Method: random sizes and paces.
func TestOrder(t *testing.T) {
	for seed := range uint64(12) {
		rng := rand.New(rand.NewPCG(seed, 1))
		var w wires
		var s Splitter
		var j Joiner
		sent, got, pushedBack, ahead := 0, 0, 0, 0
		take := func(msg []byte) {
			if n := binary.LittleEndian.Uint32(msg); int(n) != got {
				t.Fatalf("seed %d: %d came when it was the turn of %d", seed, n, got)
			}
			got++
		}
		pace := 0
		for step := 0; sent < 20_000 || got < sent; step++ {
			if step%1000 == 0 {
				pace = rng.IntN(11) // how often events arrive rather than the stream; 0 and 10: one stands still
			}
			if sent < 20_000 {
				size := 4 + rng.IntN(60)
				if rng.IntN(20) == 0 {
					size = 4 + rng.IntN(30_000)
				}
				msg := append(s.Begin(), make([]byte, size)...)
				binary.LittleEndian.PutUint32(msg[OrderHead:], uint32(sent))
				if err := s.Send(&w, wire.CarriedStream, msg); err == nil {
					sent++
				} else if err == ErrBackpressure {
					pushedBack++
				} else {
					t.Fatal(err)
				}
			}
			msg := w.deliver(rng.IntN(10) < pace)
			if msg == nil {
				continue
			}
			rest, err := j.Accept(msg)
			if err != nil {
				t.Fatalf("seed %d: number %d, next is %d, %d held in %d bytes: %v", seed, binary.LittleEndian.Uint16(msg), j.next, len(j.held), j.bytes, err)
			}
			ahead = max(ahead, len(j.held))
			for ok := rest != nil; ok; rest, ok = j.Next() {
				take(rest)
			}
		}
		if j.held != nil || j.bytes != 0 || pushedBack == 0 || ahead < 10 {
			t.Errorf("seed %d: %d bytes held at the end, pushed back %d times, %d waited at most", seed, j.bytes, pushedBack, ahead)
		}
	}
}

// TestOrderWays: small messages go as events while few wait, and leave nothing allocated behind.
func TestOrderWays(t *testing.T) {
	var w wires
	var s Splitter
	small := make([]byte, 40)
	send := func(data []byte) {
		t.Helper()
		if err := s.Send(&w, wire.CarriedStream, append(s.Begin(), data...)); err != nil {
			t.Fatal(err)
		}
	}
	for range 12 {
		send(small)
	}
	if len(w.events) != 11 || len(w.stream) != 1 { // 11 * (40+2+4) <= 512
		t.Errorf("%d events and %d stream messages", len(w.events), len(w.stream))
	}
	for w.deliver(true) != nil {
	}
	send(small)
	send(make([]byte, wire.MaxEvent-1))
	if len(w.events) != 1 || len(w.stream) != 2 {
		t.Errorf("%d events and %d stream messages", len(w.events), len(w.stream))
	}
	w.full = true
	if err := s.Send(&w, wire.CarriedStream, append(s.Begin(), make([]byte, 1000)...)); err != ErrBackpressure {
		t.Errorf("a full stream: %v", err)
	}
	send(small) // may still overtake
	s.Restart()
	send(small)
	if n := binary.LittleEndian.Uint16(w.events[len(w.events)-1]); n != 0 {
		t.Errorf("after a restart the first number is %d", n)
	}
}

// FuzzJoiner: whatever arrives is taken in order or refused, and what waits is bounded.
func FuzzJoiner(f *testing.F) {
	f.Add([]byte{0, 0, 1, 2, 0, 3, 1, 0, 2})
	f.Fuzz(func(t *testing.T, b []byte) {
		var j Joiner
		next := uint16(0)
		for len(b) >= 3 {
			rest, err := j.Accept(b[:3])
			b = b[3:]
			if err != nil {
				return
			}
			for ok := rest != nil; ok; _, ok = j.Next() {
				next++
			}
			if j.next != next || len(j.held) >= orderWindow || j.bytes != 3*len(j.held) {
				t.Fatalf("next %d of %d, %d held in %d bytes", j.next, next, len(j.held), j.bytes)
			}
		}
	})
}
