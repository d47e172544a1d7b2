package peer

import (
	"bytes"
	"testing"
	"time"

	"github.com/skirmishgg/skirmish/netcode/simnet"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

func TestCloseTimeoutAndOverflow(t *testing.T) {
	w := wire2(t, simnet.LinkConfig{Delay: 10 * time.Millisecond}, wire.SuiteAES128GCM)
	w.run(100 * time.Millisecond)
	w.server.Close(wire.CloseKicked, w.now)
	w.run(time.Second)
	for name, e := range map[string]*end{"client": w.client, "server": w.server} {
		if s, why := e.State(); s != Closed || why != wire.CloseKicked {
			t.Errorf("%s is in state %d for %d", name, s, why)
		}
	}
	w = wire2(t, simnet.LinkConfig{Loss: 1}, wire.SuiteAES128GCM)
	w.run(11 * time.Second)
	if s, why := w.client.State(); s != Closed || why != wire.CloseTimeout {
		t.Errorf("after silence: state %d for %d", s, why)
	}
	w = wire2(t, simnet.LinkConfig{Loss: 1}, wire.SuiteAES128GCM)
	for range 1000 {
		_ = w.client.SendEvent(0, []byte("x"), w.now)
	}
	if s, why := w.client.State(); s != Closing || why != wire.CloseOverflow {
		t.Errorf("after too many events: state %d for %d", s, why)
	}
}

// TestSilentEndsStaySilent: two ends with nothing to say send keep-alives and a report a second, and no acks of acks.
func TestSilentEndsStaySilent(t *testing.T) {
	w := wire2(t, simnet.LinkConfig{Delay: 20 * time.Millisecond}, wire.SuiteAES128GCM)
	before := w.client.stats.Out
	for range 10 * 100 {
		w.step(10*time.Millisecond, false)
	}
	if n := w.client.stats.Out - before; n < 40 || n > 70 {
		t.Errorf("%d packets in 10 s", n)
	}
}

// TestWithoutTicks: a connection that nobody calls Begin for, such as a session, still delivers within two services and
// the way.
func TestWithoutTicks(t *testing.T) {
	w := wire2(t, simnet.LinkConfig{Delay: 20 * time.Millisecond}, wire.SuiteAES128GCM)
	step := func(d time.Duration) {
		for range d / (5 * time.Millisecond) {
			w.step(5*time.Millisecond, false)
		}
	}
	step(time.Second)
	must(t, w.client.SendEvent(0, []byte("e"), w.now))
	must(t, w.server.SendUnreliable(0, []byte("m")))
	step(50 * time.Millisecond)
	if len(w.server.events[0]) != 1 || len(w.client.msgs) != 1 {
		t.Errorf("%d events, %d messages", len(w.server.events[0]), len(w.client.msgs))
	}
	step(100 * time.Millisecond)
	if w.client.outbox.Len() != 0 {
		t.Error("the event was not acked")
	}
	w.client.AskTime(w.now)
	w.client.stats.newRoute()
	step(100 * time.Millisecond)
	if rtt := w.client.Stats().RTT; rtt < 40*time.Millisecond || rtt > 70*time.Millisecond {
		t.Errorf("RTT %v", rtt)
	}
}

// TestReset: a client believes the two newest tokens it was given inside the seal, and nothing before it has one.
func TestReset(t *testing.T) {
	reset := func(token byte) []byte {
		return append([]byte{byte(wire.FormReset)}, bytes.Repeat([]byte{token}, wire.ResetTokenSize)...)
	}
	token := func(b byte) (t [wire.ResetTokenSize]byte) {
		copy(t[:], bytes.Repeat([]byte{b}, wire.ResetTokenSize))
		return t
	}
	f := func(want State, got byte, given ...byte) {
		t.Helper()
		w := wire2(t, simnet.LinkConfig{}, wire.SuiteAES128GCM)
		for _, b := range given {
			w.client.SetResetToken(token(b))
		}
		w.client.Receive(reset(got), elsewhere, w.now, w.client)
		s, why := w.client.State()
		if s != want || (s == Closed) != (why == wire.CloseReset) || (s == Open) != (w.client.Counters.ResetForged == 1) {
			t.Errorf("given %v, got %d: state %d for %d, %+v", given, got, s, why, w.client.Counters)
		}
	}
	f(Open, 0)
	f(Open, 0, 1)
	f(Closed, 1, 1)
	f(Closed, 1, 1, 2)
	f(Closed, 1, 1, 2, 2, 2) // a token is repeated until acked
	f(Closed, 2, 1, 2)
	f(Open, 1, 1, 2, 3)
	w := wire2(t, simnet.LinkConfig{}, wire.SuiteAES128GCM)
	if w.server.Receive(reset(1), clientAddr, w.now, w.server) || w.server.Counters.Header != 1 {
		t.Error("a server has no use for a reset")
	}
}

// TestCloseFrames: what the other end's CLOSE means at each end.
func TestCloseFrames(t *testing.T) {
	f := func(toServer bool, reason, want wire.Close, wantState State) {
		t.Helper()
		w := wire2(t, simnet.LinkConfig{}, wire.SuiteAES128GCM)
		from, to := w.server, w.client
		if toServer {
			from, to = to, from
		}
		w.plain(from, to, []byte{ackNone, byte(wire.FrameClose) << 3, byte(reason), byte(wire.FrameEvent) << 3, 0, 0, 0})
		if s, why := to.State(); s != wantState || why != want || len(to.events[0]) != 0 {
			t.Errorf("reason %d: state %d for %d", reason, s, why)
		}
	}
	f(false, wire.CloseKicked, wire.CloseKicked, Closed)
	f(false, 200, 200, Closed) // of a newer server
	f(true, wire.CloseLeft, wire.CloseLeft, Closed)
	f(true, wire.CloseProtocol, wire.CloseProtocol, Closed)
	f(true, wire.CloseTimeout, wire.CloseLeft, Closed) // a client that says so is not gone
	f(true, wire.CloseMatchEnded, wire.CloseLeft, Closed)
	f(true, wire.CloseNone, wire.CloseProtocol, Closing)
	f(false, wire.CloseNone, wire.CloseProtocol, Closing)
}

// plain hands to a packet with this plaintext.
func (w *wiring) plain(from, to *end, plain []byte) {
	from.beginTo(from.buf, w.now, TickInfo{})
	from.dst = append(from.dst[:from.headerLen], plain...)
	n := from.Finish(-1)
	to.Receive(from.buf[:n], from.net.Addr(), w.now, to)
}

// TestTicketsAreRenewed: every 30 s, repeated until acked, and an ack of the one before does not end the repetition.
func TestTicketsAreRenewed(t *testing.T) {
	w := wire2(t, simnet.LinkConfig{Delay: 20 * time.Millisecond, Loss: 0.3}, wire.SuiteAES128GCM)
	minted := byte(0)
	w.server.c.Ticket = func(dst []byte) []byte {
		minted++
		return append(append(dst, make([]byte, 32)...), 1, minted)
	}
	w.run(95 * time.Second)
	if minted != 3 || len(w.client.tickets) < 3 {
		t.Fatalf("%d tickets minted, %d came", minted, len(w.client.tickets))
	}
	if newest := w.client.tickets[len(w.client.tickets)-1]; newest[0] != 3 || len(w.server.control.ticket) != 0 {
		t.Errorf("the newest is %d, %d B wait", newest[0], len(w.server.control.ticket))
	}
	w.server.control.ticket, w.server.control.ticketPN = append(w.server.control.ticket, 1), 1000
	w.server.onControlAcked(sentTicket, 999)
	if len(w.server.control.ticket) == 0 {
		t.Error("a ticket that was not acked is gone")
	}
}

// TestSimShedding: goal: on a path that carries less than is sent, levels rise in their order, what is left out gets the
// path free again, and they fall. Method: 60 Hz of 1,000 B into a link of 40 KB/s, that later carries all.
func TestSimShedding(t *testing.T) {
	narrow := simnet.LinkConfig{Delay: 20 * time.Millisecond, Rate: 40 << 10, Queue: 16 << 10}
	w := wire2(t, simnet.LinkConfig{}, wire.SuiteAES128GCM)
	w.client.net.SetLinks(simnet.LinkConfig{Delay: 20 * time.Millisecond}, simnet.LinkConfig{Delay: 20 * time.Millisecond})
	size := 1000
	run := func(seconds int) {
		for range seconds * 60 {
			budget, every := w.server.Shed()
			w.step(time.Second/60, false)
			w.client.send(w.now, TickInfo{Valid: true, Tick: 1}, []byte("input"))
			if uint32(w.now/(time.Second/60))%every == 0 {
				w.server.send(w.now, TickInfo{Valid: true, Tick: 1}, make([]byte, int(float64(size)*budget)))
			}
			w.client.snaps = w.client.snaps[:0]
		}
	}
	run(3)
	if w.server.shed.level != 0 {
		t.Fatalf("level %d on a free path", w.server.shed.level)
	}
	w.client.net.SetLinks(simnet.LinkConfig{Delay: 20 * time.Millisecond}, narrow)
	most := uint8(0)
	for range 20 {
		run(1)
		most = max(most, w.server.shed.level)
	}
	if most < 2 || w.server.bulkRate() > rateDefault {
		t.Errorf("level %d at most on a path that carries two thirds", most)
	}
	w.client.net.SetLinks(simnet.LinkConfig{Delay: 20 * time.Millisecond}, simnet.LinkConfig{Delay: 20 * time.Millisecond})
	run(30)
	if s := w.server.Stats(); w.server.shed.level != 0 || s.LossOut != 0 {
		t.Errorf("level %d, %v lost, on a path that is free again", w.server.shed.level, s.LossOut)
	}
	// Loss alone, as radio has it, is no reason.
	w.client.net.SetLinks(simnet.LinkConfig{Delay: 20 * time.Millisecond}, simnet.LinkConfig{Delay: 20 * time.Millisecond, Loss: 0.2})
	run(10)
	if w.server.shed.level != 0 || w.server.stats.LossOut < 0.1 {
		t.Errorf("level %d at %v loss without a queue", w.server.shed.level, w.server.stats.LossOut)
	}
}

// TestSimLongFatLink: a second each way at 256 Hz: acks come back while the packets are still remembered.
func TestSimLongFatLink(t *testing.T) {
	w := wire2(t, simnet.LinkConfig{Delay: 950 * time.Millisecond}, wire.SuiteAES128GCM)
	for i := range 256 * 8 {
		if i%64 == 0 {
			must(t, w.client.SendEvent(0, []byte{byte(i)}, w.now))
		}
		w.step(time.Second/256, true)
	}
	if n := w.client.outbox.Len(); n > 10 {
		t.Errorf("%d events wait for acks", n)
	}
	if rtt := w.client.Stats().RTT; rtt < 1850*time.Millisecond || rtt > 2*time.Second {
		t.Errorf("RTT %v", rtt)
	}
}
