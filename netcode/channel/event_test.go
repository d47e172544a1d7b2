package channel

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/skirmishgg/skirmish/protocol/wire"
)

// carried is one packet on its way.
type carried struct {
	pn    uint64
	bytes []byte
}

// read takes the events of a packet apart.
func read(b []byte, f func(ch uint8, id uint16, data []byte)) {
	for len(b) > 0 {
		n := int(b[3])
		f(b[0]&7, binary.LittleEndian.Uint16(b[1:]), b[4:4+n])
		b = b[4+n:]
	}
}

// TestEventsOnceAndInOrder: goal: whatever is lost, doubled or overtaken, in both directions, each event comes out once,
// and in order on channels 0 and 1; nothing is acked that did not arrive. Method: random packets, fates and acks, over
// more events than an id has values.
func TestEventsOnceAndInOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	var o Outbox
	var in Inbox
	var sent, got [wire.EventChannels]uint32
	seen := map[string]bool{}
	var way []carried
	var acks []uint64
	pn := uint64(0)
	for sent[0] < 70_000 {
		for range rng.IntN(6) {
			ch := uint8(rng.IntN(wire.EventChannels))
			if o.Len() < eventsMax-10 {
				data := append(binary.LittleEndian.AppendUint32(nil, sent[ch]), make([]byte, rng.IntN(40))...)
				if err := o.Push(ch, data); err != nil {
					t.Fatal(err)
				}
				sent[ch]++
			}
		}
		b := o.Append(nil, pn)
		if len(b) > EventBudget {
			t.Fatalf("%d B of events", len(b))
		}
		for range rng.IntN(3) { // lost, once, twice
			way = append(way, carried{pn, b})
		}
		pn++
		for len(way) > 0 && rng.IntN(3) > 0 {
			i := rng.IntN(len(way))
			c := way[i]
			way[i] = way[len(way)-1]
			way = way[:len(way)-1]
			read(c.bytes, func(ch uint8, id uint16, data []byte) {
				deliver, err := in.Accept(ch, id)
				if err != nil {
					t.Fatalf("channel %d, id %d: %v", ch, id, err)
				}
				if !deliver {
					return
				}
				n := binary.LittleEndian.Uint32(data)
				if ch < wire.FirstUnordered && n != got[ch] {
					t.Fatalf("channel %d: %d where %d was due", ch, n, got[ch])
				}
				if key := fmt.Sprint(ch, n); seen[key] {
					t.Fatalf("channel %d: %d twice", ch, n)
				} else {
					seen[key] = true
				}
				got[ch]++
			})
			acks = append(acks, c.pn)
		}
		if len(way) > 50 {
			way = way[40:]
		}
		for len(acks) > 0 && rng.IntN(2) > 0 {
			i := rng.IntN(len(acks))
			o.Acked(acks[i])
			acks[i] = acks[len(acks)-1]
			acks = acks[:len(acks)-1]
		}
		if len(acks) > 20 {
			acks = acks[15:]
		}
	}
	for i := 0; i < 200 && o.Len() > 0; i++ { // a clean link at last
		read(o.Append(nil, pn), func(ch uint8, id uint16, data []byte) {
			if deliver, _ := in.Accept(ch, id); deliver {
				got[ch]++
			}
		})
		o.Acked(pn)
		pn++
	}
	if got != sent || o.Len() != 0 || len(o.data) != 0 {
		t.Errorf("got %v of %v, %d wait", got, sent, o.Len())
	}
}

// TestPrefixRule: once carried, an event is in every packet until acked; that is what lets one ack speak for all before.
func TestPrefixRule(t *testing.T) {
	var o Outbox
	for i := range 40 {
		if err := o.Push(2, make([]byte, 20+i%7)); err != nil {
			t.Fatal(err)
		}
	}
	ids := func(pn uint64) (ids []uint16) {
		read(o.Append(nil, pn), func(_ uint8, id uint16, _ []byte) { ids = append(ids, id) })
		return ids
	}
	first := ids(10)
	if !o.Fresh() {
		t.Error("not all fit, yet none is fresh")
	}
	if second := ids(11); fmt.Sprint(first) != fmt.Sprint(second) {
		t.Errorf("%v then %v", first, second)
	}
	o.Acked(9)
	if o.Len() != 40 {
		t.Error("an ack of a packet before the first acked something")
	}
	o.Acked(11)
	if o.Len() != 40-len(first) {
		t.Errorf("%d wait", o.Len())
	}
	if third := ids(12); third[0] != first[len(first)-1]+1 {
		t.Errorf("%v after %v", third, first)
	}
	o.Restart()
	o.Acked(1 << 40)
	if o.Len() != 40-len(first) {
		t.Error("after Restart an old ack still counts")
	}
}

func TestEventLimits(t *testing.T) {
	var o Outbox
	f := func(ch uint8, size int, want error) {
		t.Helper()
		if err := o.Push(ch, make([]byte, size)); err != want {
			t.Errorf("%d B on channel %d: %v, want %v", size, ch, err, want)
		}
	}
	f(4, 1, ErrChannel)
	f(0, 256, ErrTooLarge)
	for range eventsMax {
		f(3, 255, nil)
	}
	f(0, 1, ErrFull)
	o.Clear()
	f(0, 1, nil)

	var in Inbox
	g := func(ch uint8, id uint16, want bool, wantErr error) {
		t.Helper()
		if got, err := in.Accept(ch, id); got != want || err != wantErr {
			t.Errorf("id %d on channel %d: %v, %v", id, ch, got, err)
		}
	}
	g(4, 0, false, ErrChannel)
	g(0, windowMax, false, ErrWindow)
	g(2, windowMax, false, ErrWindow)
	g(2, windowMax-1, true, nil)
	g(2, windowMax-1, false, nil)
	g(2, 0xFFFF, false, nil) // of before the first
	g(0, 1, false, nil)
	g(0, 0, true, nil)
	g(0, 0, false, nil)
	g(0, 1, true, nil)
}

// FuzzInbox holds the window of bits against a set.
func FuzzInbox(f *testing.F) {
	f.Add([]byte{0, 0, 2, 1, 0, 2, 2, 0, 2, 0, 0, 0})
	f.Add([]byte{255, 1, 3, 0, 0, 3, 1, 0, 3, 255, 1, 3})
	f.Fuzz(func(t *testing.T, ops []byte) {
		var in Inbox
		var next [wire.EventChannels]uint16
		done := map[[2]uint16]bool{}
		for ; len(ops) >= 3; ops = ops[3:] {
			ch, id := ops[2]%5, next[ops[2]%4]+binary.LittleEndian.Uint16(ops)
			deliver, err := in.Accept(ch, id)
			if ch == 4 {
				if err != ErrChannel {
					t.Fatal("channel 4 was taken")
				}
				continue
			}
			ahead := int16(id - next[ch])
			key := [2]uint16{uint16(ch), id}
			want := ahead >= 0 && ahead < windowMax && !done[key] && (ch >= wire.FirstUnordered || ahead == 0)
			if deliver != want || (err == ErrWindow) != (ahead >= windowMax) {
				t.Fatalf("channel %d, %d ahead: %v, %v", ch, ahead, deliver, err)
			}
			if deliver {
				done[key] = true
			}
			for done[[2]uint16{uint16(ch), next[ch]}] {
				delete(done, [2]uint16{uint16(ch), next[ch]})
				next[ch]++
			}
			if next[ch] != in.next[ch] {
				t.Fatalf("channel %d waits for %d, want %d", ch, in.next[ch], next[ch])
			}
		}
	})
}
