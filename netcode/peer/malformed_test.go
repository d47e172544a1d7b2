package peer

import (
	"bytes"
	"testing"
	"time"

	"github.com/skirmishgg/skirmish/netcode/simnet"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

func frame(f wire.Frame, ch byte, body ...byte) []byte {
	return append([]byte{byte(f)<<3 | ch}, body...)
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// segment is one KCP segment.
func segment(conv, command, fragments byte, data ...byte) []byte {
	b := make([]byte, 24, 24+len(data))
	b[0], b[4], b[5], b[6], b[20], b[21] = conv, command, fragments, 128, byte(len(data)), byte(len(data)>>8)
	return append(b, data...)
}

// malformed are packets that an honest end never seals. Each closes the connection with CloseProtocol; the standard's
// vectors have them too.
var malformed = []struct {
	why    string
	server bool // sender
	plain  []byte
	count  func(*Counters) uint64 // the counter beside Malformed
}{
	{"empty", false, nil, nil},
	{"reserved flag", false, []byte{0x10 | ackNone}, nil},
	{"ack fields although nothing was received", false, []byte{ackNone | ackDelay, 1}, nil},
	{"ack cut", false, []byte{ackBits | ackDelay, 0, 0, 1, 2}, nil},
	{"all ones written out", false, []byte{ackBits, 0, 0, 255, 255, 255, 255}, nil},
	{"tick block cut", true, []byte{ackNone | ackTick, 1, 0, 0, 0}, nil},
	{"unknown frame", false, join([]byte{ackNone}, frame(31, 0)), nil},
	{"MIGRATE", true, join([]byte{ackNone}, frame(wire.FrameMigrate, 0, 1, 2, 3)), nil},
	{"padding that is not zero", false, join([]byte{ackNone}, frame(wire.FramePad, 0, 0, 1)), nil},
	{"INPUT without a tick", false, join([]byte{ackNone}, frame(wire.FrameInput, 0, 1)), nil},
	{"INPUT from a server", true, join([]byte{ackNone | ackTick, 1, 0, 0, 0, 0}, frame(wire.FrameInput, 0, 1)), nil},
	{"SNAPSHOT without a tick", true, join([]byte{ackNone}, frame(wire.FrameSnapshot, 0, 1)), nil},
	{"SNAPSHOT from a client", false, join([]byte{ackNone | ackTick, 1, 0, 0}, frame(wire.FrameSnapshot, 0, 1)), nil},
	{"SNAPSHOT with a channel", true, join([]byte{ackNone | ackTick, 1, 0, 0, 0, 0}, frame(wire.FrameSnapshot, 1, 1)), nil},
	{"event on channel 4", false, join([]byte{ackNone}, frame(wire.FrameEvent, 4, 0, 0, 0)), func(c *Counters) uint64 { return c.EventWindow }},
	{"event outside the window", false, join([]byte{ackNone}, frame(wire.FrameEvent, 0, 0, 2, 0)), func(c *Counters) uint64 { return c.EventWindow }},
	{"event cut", false, join([]byte{ackNone}, frame(wire.FrameEvent, 0, 0, 0, 2, 1)), nil},
	{"message cut", false, join([]byte{ackNone}, frame(wire.FrameUnreliable, 0, 5, 1, 2)), nil},
	{"short length in two bytes", false, join([]byte{ackNone}, frame(wire.FrameUnreliable, 0, 0x80, 1, 9)), nil},
	{"sequenced cut", false, join([]byte{ackNone}, frame(wire.FrameSequenced, 0, 1)), nil},
	{"stream on channel 3", false, join([]byte{ackNone}, frame(wire.FrameStream, 3, 24), segment(3, 82, 0)), func(c *Counters) uint64 { return c.StreamBad }},
	{"stream of another conversation", false, join([]byte{ackNone}, frame(wire.FrameStream, 4, 24), segment(5, 82, 0)), func(c *Counters) uint64 { return c.StreamBad }},
	{"stream with an unknown command", false, join([]byte{ackNone}, frame(wire.FrameStream, 4, 24), segment(4, 80, 0)), func(c *Counters) uint64 { return c.StreamBad }},
	{"stream without a segment", false, join([]byte{ackNone}, frame(wire.FrameStream, 4, 0)), func(c *Counters) uint64 { return c.StreamBad }},
	{"stream segment cut", false, join([]byte{ackNone}, frame(wire.FrameStream, 4, 25), segment(4, 81, 0, 1, 2)[:25]), func(c *Counters) uint64 { return c.StreamBad }},
	{"stream message of too many segments", false, join([]byte{ackNone}, frame(wire.FrameStream, 4, 25), segment(4, 81, 60, 1)), func(c *Counters) uint64 { return c.StreamBad }},
	{"empty stream segment", false, join([]byte{ackNone}, frame(wire.FrameStream, 4, 24), segment(4, 81, 0)), func(c *Counters) uint64 { return c.StreamBad }},
	{"piece beyond its count", true, join([]byte{ackNone}, frame(wire.FrameFragment, 0, 1, 1<<4, 1, 9)), func(c *Counters) uint64 { return c.FragmentBad }},
	{"piece before the last that is not full", true, join([]byte{ackNone}, frame(wire.FrameFragment, 0, 1, 0<<4|1, 1, 9)), func(c *Counters) uint64 { return c.FragmentBad }},
	{"empty piece", true, join([]byte{ackNone}, frame(wire.FrameFragment, 0, 1, 0, 0)), func(c *Counters) uint64 { return c.FragmentBad }},
	{"a fragment in pieces", true, join([]byte{ackNone}, frame(wire.FrameFragment, 0, 1, 0, 5), frame(wire.FrameFragment, 0, 2, 0, 1, 9)), func(c *Counters) uint64 { return c.FragmentBad }},
	{"a CLOSE in pieces", true, join([]byte{ackNone}, frame(wire.FrameFragment, 0, 1, 0, 2), frame(wire.FrameClose, 0, 1)), func(c *Counters) uint64 { return c.FragmentBad }},
	{"two frames in pieces", true, join([]byte{ackNone}, frame(wire.FrameFragment, 0, 1, 0, 4), frame(wire.FrameUnreliable, 0, 0), frame(wire.FrameUnreliable, 0, 0)), func(c *Counters) uint64 { return c.FragmentBad }},
	{"TIME of kind 2", false, join([]byte{ackNone}, frame(wire.FrameTime, 0, 2, 0, 0, 0, 0)), nil},
	{"TIME with a channel", false, join([]byte{ackNone}, frame(wire.FrameTime, 1, 0, 0, 0, 0, 0)), nil},
	{"PATH_CHALLENGE cut", true, join([]byte{ackNone}, frame(wire.FramePathChallenge, 0, 1, 2, 3)), nil},
	{"CLOSE without a reason", true, join([]byte{ackNone}, frame(wire.FrameClose, 0, 0)), nil},
	{"KEY of an epoch to come", true, join([]byte{ackNone}, frame(wire.FrameKey, 0, 1, 0, 0, 0)), nil},
	{"TICKET from a client", false, join([]byte{ackNone}, frame(wire.FrameTicket, 0), make([]byte, 32), []byte{1, 9}), nil},
	{"TICKET without a ticket", true, join([]byte{ackNone}, frame(wire.FrameTicket, 0), make([]byte, 32), []byte{0}), nil},
	{"RESET_TOKEN from a client", false, join([]byte{ackNone}, frame(wire.FrameResetToken, 0), make([]byte, 16)), nil},
	{"RESTART from a server", true, join([]byte{ackNone}, frame(wire.FrameRestart, 0)), nil},
	{"RESTART of a connection that was not resumed", false, join([]byte{ackNone}, frame(wire.FrameRestart, 0)), nil},
}

// TestMalformed: each is counted by name and closes the connection with a reason that the sender is told; what is not
// authentic closes nothing.
func TestMalformed(t *testing.T) {
	for _, m := range malformed {
		w := wire2(t, simnet.LinkConfig{}, wire.SuiteAES128GCM)
		from, to := w.client, w.server
		if m.server {
			from, to = to, from
		}
		w.plain(from, to, m.plain)
		if s, why := to.State(); s != Closing || why != wire.CloseProtocol || to.Counters.Malformed != 1 {
			t.Errorf("%s: state %d for %d, %+v", m.why, s, why, to.Counters)
		}
		if m.count != nil && m.count(&to.Counters) != 1 {
			t.Errorf("%s: %+v", m.why, to.Counters)
		}
		w.step(10*time.Millisecond, false)
		w.step(10*time.Millisecond, false)
		if s, why := from.State(); s != Closed || why != wire.CloseProtocol {
			t.Errorf("%s: the sender is in state %d for %d", m.why, s, why)
		}
	}
}

// TestDamagedPacketsChangeNothing: truncated, bit-flipped, replayed, foreign, late for a closed peer.
func TestDamagedPacketsChangeNothing(t *testing.T) {
	w := wire2(t, simnet.LinkConfig{}, wire.SuiteAES128GCM)
	must(t, w.client.SendEvent(0, []byte("once"), w.now))
	w.client.Begin(w.client.buf, w.now, TickInfo{})
	pkt := bytes.Clone(w.client.buf[:w.client.Finish(-1)])
	give := func(b []byte) bool { return w.server.Receive(bytes.Clone(b), clientAddr, w.now, w.server) }
	for n := range pkt {
		if give(pkt[:n]) {
			t.Fatalf("accepted when cut to %d", n)
		}
	}
	for bit := range len(pkt) * 8 {
		pkt[bit/8] ^= 1 << (bit % 8)
		if give(pkt) {
			t.Fatalf("accepted with bit %d flipped", bit)
		}
		pkt[bit/8] ^= 1 << (bit % 8)
	}
	refused := w.server.Refused()
	if sum := w.server.Counters.Header + refused.Forged + refused.Phase + refused.Short; sum != uint64(len(pkt)*9) {
		t.Errorf("%d refusals counted of %d: %+v %+v", sum, len(pkt)*9, w.server.Counters, refused)
	}
	if !give(pkt) || give(pkt) || w.server.Refused().Replayed != 1 || len(w.server.events[0]) != 1 {
		t.Errorf("replay: %+v, %d events", w.server.Refused(), len(w.server.events[0]))
	}
	w.server.end(wire.CloseKicked)
	if give(pkt) || w.server.Counters.Ended != 1 {
		t.Error("a packet for a closed peer was not counted")
	}
}
