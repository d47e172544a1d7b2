package peer

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/skirmishgg/skirmish/netcode/channel"
	"github.com/skirmishgg/skirmish/netcode/simnet"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// TestTailHasRoom: whatever waits, a tick's datagram has room for its body, and no message is kept waiting for longer
// than the next Service.
func TestTailHasRoom(t *testing.T) {
	w := wire2(t, simnet.LinkConfig{}, wire.SuiteAES128GCM)
	rng := rand.New(rand.NewPCG(3, 4))
	w.server.c.Ticket = func(dst []byte) []byte {
		return append(append(append(dst, make([]byte, 32)...), 0x80|wire.TicketMax>>8, wire.TicketMax&255), make([]byte, wire.TicketMax)...)
	}
	least, queued := packetLimit, 0
	for i := range 3000 {
		w.now += 7 * time.Millisecond
		for range rng.IntN(4) {
			if w.server.SendUnreliable(1, make([]byte, rng.IntN(messageMax+1))) == nil {
				queued++
			}
			if w.server.outbox.Len() < 100 {
				must(t, w.server.SendEvent(2, make([]byte, rng.IntN(256)), w.now))
			}
		}
		if i%50 == 0 {
			w.server.control.resetDue, w.server.control.answerDue, w.server.control.stampDue = true, true, true
			w.server.AskTime(w.now)
		}
		w.server.Begin(w.server.buf, w.now, TickInfo{Valid: true, Tick: uint32(i)})
		body := w.server.Tail(wire.FrameSnapshot)
		if len(w.server.control.ticket) == 0 || w.server.flags&sentTicket == 0 { // this test's ticket is three times a real one
			least = min(least, len(body))
		}
		n := w.server.Finish(len(body) / 2)
		if n > wire.MaxDatagram || !w.client.Receive(w.server.buf[:n], serverAddr, w.now, w.client) {
			t.Fatalf("a datagram of %d B", n)
		}
		w.server.Service(w.now, &direct{w.server.buf, w.client, w.now})
		if w.server.queue.any() {
			t.Fatal("messages wait for longer")
		}
		w.client.Begin(w.client.buf, w.now, TickInfo{})
		w.server.Receive(w.client.buf[:w.client.Finish(-1)], clientAddr, w.now, w.server)
	}
	if least < bodyRoom {
		t.Errorf("a body had room for %d B, want %d", least, bodyRoom)
	}
	if len(w.client.msgs) != queued || w.client.Counters.Malformed != 0 {
		t.Errorf("%d messages of %d arrived, %+v", len(w.client.msgs), queued, w.client.Counters)
	}
}

// direct is a sender whose packets are there at once.
type direct struct {
	buf []byte
	to  *end
	now time.Duration
}

func (d *direct) Buffer() []byte { return d.buf }
func (d *direct) Queue(n int, _ netip.AddrPort) {
	d.to.Receive(d.buf[:n], serverAddr, d.now, d.to)
}

// TestSequencedNewestWins: on a link that reorders, a channel's messages only ever get newer; others are not disturbed.
func TestSequencedNewestWins(t *testing.T) {
	w := wire2(t, simnet.LinkConfig{Delay: 20 * time.Millisecond, Jitter: 20 * time.Millisecond, Overtake: true, Duplicate: 0.2}, wire.SuiteAES128GCM)
	for i := range uint32(70_000) { // more than a sequence has numbers
		must(t, w.client.SendSequenced(3, binary.LittleEndian.AppendUint32(nil, i)))
		w.step(time.Millisecond, i%4 == 0)
		w.client.snaps, w.client.ticks, w.server.ticks = w.client.snaps[:0], w.client.ticks[:0], w.server.ticks[:0]
	}
	last := -1
	for _, m := range w.server.msgs {
		n := int(binary.LittleEndian.Uint32([]byte(m)))
		if n <= last {
			t.Fatalf("%d after %d", n, last)
		}
		last = n
	}
	if w.server.Counters.OldSequenced == 0 || len(w.server.msgs) < 20_000 || last < 69_900 {
		t.Errorf("%d delivered, %d overtaken, last %d", len(w.server.msgs), w.server.Counters.OldSequenced, last)
	}
}

// TestLarge: frames in pieces arrive whole or not at all, the newest one, and snapshots with their tick.
func TestLarge(t *testing.T) {
	link := simnet.LinkConfig{Delay: 20 * time.Millisecond, Jitter: 10 * time.Millisecond, Overtake: true, Loss: 0.02, Duplicate: 0.1}
	w := wire2(t, link, wire.SuiteAES128GCM)
	const count = 300
	for i := range count {
		body := bytes.Repeat([]byte{byte(i)}, 1200+i*50)
		must(t, w.server.SendLargeSnapshot(TickInfo{Tick: uint32(1000 + i), BaselineDelta: 7}, body))
		w.step(20*time.Millisecond, false)
		msg := strings.Repeat(string(rune('a'+i%26)), 2000+i*50)
		must(t, w.client.SendUnreliable(1, []byte(msg)))
		w.step(20*time.Millisecond, false)
	}
	w.run(100 * time.Millisecond)
	for _, s := range w.client.snaps {
		if len(s) == 4 {
			continue // of run, at the end
		}
		if len(s) != 1200+int(s[0])*50 && len(s) != 1200+(int(s[0])+256)*50 || bytes.Count(s, s[:1]) != len(s) {
			t.Fatalf("a snapshot of %d B is a mixture", len(s))
		}
	}
	for _, m := range w.server.msgs {
		if strings.Count(m, m[:1]) != len(m) {
			t.Fatal("a message is a mixture")
		}
	}
	if len(w.client.snaps) < count*6/10 || len(w.server.msgs) < count*6/10 {
		t.Errorf("%d snapshots and %d messages of %d", len(w.client.snaps), len(w.server.msgs), count)
	}
	if w.client.Counters.Malformed+w.server.Counters.Malformed != 0 {
		t.Errorf("%+v %+v", w.client.Counters, w.server.Counters)
	}
}

// TestMessageLimits: what is refused, with its error and counter.
func TestMessageLimits(t *testing.T) {
	w := wire2(t, simnet.LinkConfig{Loss: 1}, wire.SuiteAES128GCM)
	f := func(what string, got, want error) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	f("channel 8", w.client.SendUnreliable(8, nil), channel.ErrChannel)
	f("event channel 4", w.client.SendEvent(4, nil, 0), channel.ErrChannel)
	f("event of 256 B", w.client.SendEvent(0, make([]byte, 256), 0), channel.ErrTooLarge)
	f("stream channel 3", w.client.SendStream(3, []byte{1}), channel.ErrChannel)
	f("empty stream message", w.client.SendStream(4, nil), channel.ErrTooLarge)
	f("stream message over 64 KB", w.client.SendStream(4, make([]byte, wire.MaxStreamMsg+1)), channel.ErrTooLarge)
	f("more than 16 pieces", w.client.SendUnreliable(0, make([]byte, messageLarge+1)), channel.ErrTooLarge)
	f("as many as 16 pieces", w.client.SendUnreliable(0, make([]byte, messageLarge)), nil)
	f("a second large one", w.client.SendUnreliable(0, make([]byte, messageLarge)), channel.ErrFull)
	f("a snapshot over 16 pieces", w.server.SendLargeSnapshot(TickInfo{}, make([]byte, channel.FragmentedMax)), channel.ErrTooLarge)
	f("a large snapshot", w.server.SendLargeSnapshot(TickInfo{}, make([]byte, channel.FragmentedMax-1)), nil)
	f("a newer one", w.server.SendLargeSnapshot(TickInfo{}, make([]byte, 3000)), nil)
	for range messagesMax / 1000 {
		f("waiting", w.client.SendUnreliable(0, make([]byte, 900)), nil)
	}
	f("too much waiting", w.client.SendUnreliable(0, make([]byte, 900)), channel.ErrFull)
	if w.client.Counters.MessageDrop != 2 || w.server.Counters.LargeDrop != 1 {
		t.Errorf("dropped %d and %d", w.client.Counters.MessageDrop, w.server.Counters.LargeDrop)
	}
}
