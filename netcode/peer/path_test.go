package peer

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/skirmishgg/skirmish/netcode/seal"
	"github.com/skirmishgg/skirmish/netcode/simnet"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

var elsewhere = netip.MustParseAddrPort("203.0.113.9:9")

// TestRebinding: the client's address changes; the server goes on, moves after the challenge, and loses no event.
func TestRebinding(t *testing.T) {
	w := wire2(t, simnet.LinkConfig{Delay: 20 * time.Millisecond}, wire.SuiteAES128GCM)
	w.run(time.Second)
	for i := range 5 {
		addr := netip.AddrPortFrom(netip.AddrFrom4([4]byte{203, 0, 113, byte(i + 1)}), uint16(5000+i))
		w.client.net.Rebind(addr)
		must(t, w.server.SendEvent(0, []byte{byte(i)}, w.now))
		must(t, w.client.SendEvent(0, []byte{byte(i)}, w.now))
		w.run(time.Second)
		if w.server.Addr() != addr {
			t.Fatalf("move %d: server sends to %v, client is at %v", i, w.server.Addr(), addr)
		}
	}
	if w.server.Counters.PathMoved != 5 || len(w.client.events[0]) != 5 || len(w.server.events[0]) != 5 {
		t.Errorf("moved %d times, events %d and %d", w.server.Counters.PathMoved, len(w.client.events[0]), len(w.server.events[0]))
	}
	if w.client.control.resets[0] != [16]byte{0xaa} {
		t.Error("no reset token for the new address came")
	}
}

// TestLateOldPacketKeepsPath: a packet older than the newest, from elsewhere, starts nothing.
func TestLateOldPacketKeepsPath(t *testing.T) {
	w := wire2(t, simnet.LinkConfig{}, wire.SuiteAES128GCM)
	w.client.Begin(w.client.buf, 0, TickInfo{})
	old := bytes.Clone(w.client.buf[:w.client.Finish(-1)])
	w.run(100 * time.Millisecond)
	if !w.server.Receive(old, netip.MustParseAddrPort("203.0.113.9:9"), w.now, w.server) {
		t.Fatal("a late packet was refused")
	}
	if w.server.path.live {
		t.Error("a late old packet started a probe")
	}
}

// TestProbeNeverAmplifies: towards an address that has not answered, never more than three times what came from it,
// whatever comes from how many addresses.
func TestProbeNeverAmplifies(t *testing.T) {
	w := wire2(t, simnet.LinkConfig{}, wire.SuiteAES128GCM)
	rng := rand.New(rand.NewPCG(1, 1))
	in, sent := map[netip.AddrPort]int{}, map[netip.AddrPort]int{}
	sender := tally{buf: make([]byte, 1500), sent: sent}
	for i := range 5000 {
		now := time.Duration(i) * 7 * time.Millisecond
		from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{203, 0, 113, byte(rng.IntN(4))}), uint16(1000+rng.IntN(3)))
		w.client.Begin(w.client.buf, now, TickInfo{})
		n := w.client.Finish(-1)
		if !w.server.Receive(w.client.buf[:n], from, now, w.server) {
			t.Fatal("refused")
		}
		in[from] += n
		w.server.Service(now, sender)
		for addr, bytes := range sent {
			if addr != clientAddr && bytes > amplification*in[addr] {
				t.Fatalf("%d bytes to %v, from which %d came", bytes, addr, in[addr])
			}
		}
	}
	if w.server.Counters.PathSent == 0 {
		t.Error("nothing was probed")
	}
}

type tally struct {
	buf  []byte
	sent map[netip.AddrPort]int
}

func (t tally) Buffer() []byte                 { return t.buf }
func (t tally) Queue(n int, to netip.AddrPort) { t.sent[to] += n }

// give builds a packet of a client, and hands it to the server as if it came from an address.
func (w *wiring) give(t *testing.T, from netip.AddrPort) {
	t.Helper()
	w.client.Begin(w.client.buf, w.now, TickInfo{})
	if !w.server.Receive(w.client.buf[:w.client.Finish(-1)], from, w.now, w.server) {
		t.Fatal("refused")
	}
}

// response builds a client's packet that answers the server's present challenge.
func (w *wiring) response() []byte {
	w.client.control.answer, w.client.control.answerDue = w.server.path.challenge, true
	w.client.Begin(w.client.buf, w.now, TickInfo{})
	return bytes.Clone(w.client.buf[:w.client.Finish(-1)])
}

// TestPathsNeverFlipBack: the client was elsewhere for a moment and is back. Its answer to the challenge, overtaken by
// packets from the old address, must not move the connection to where nobody is any more.
func TestPathsNeverFlipBack(t *testing.T) {
	w := wire2(t, simnet.LinkConfig{}, wire.SuiteAES128GCM)
	w.give(t, clientAddr)
	w.give(t, elsewhere)
	if !w.server.path.live {
		t.Fatal("no probe")
	}
	late := w.response()
	w.give(t, clientAddr)
	if w.server.path.live || w.server.Counters.PathStale != 1 {
		t.Error("a newer packet from the old address did not end the probe")
	}
	if !w.server.Receive(late, elsewhere, w.now, w.server) {
		t.Fatal("refused")
	}
	if w.server.Addr() != clientAddr || w.server.Counters.PathMoved != 0 || w.server.Counters.PathForged != 1 {
		t.Errorf("a late answer moved the connection to %v", w.server.Addr())
	}
}

// TestPathAnswerMustComeFromThere: the right 8 bytes from another address, or the wrong ones from the right address.
func TestPathAnswerMustComeFromThere(t *testing.T) {
	w := wire2(t, simnet.LinkConfig{}, wire.SuiteAES128GCM)
	w.give(t, elsewhere)
	third := netip.MustParseAddrPort("203.0.113.10:9")
	answer := w.response()
	w.give(t, elsewhere) // newer, so that the answer from a third address starts no probe of its own
	w.server.Receive(answer, third, w.now, w.server)
	w.client.control.answer, w.client.control.answerDue = [8]byte{1}, true
	w.give(t, elsewhere)
	if w.server.Addr() != clientAddr || w.server.Counters.PathForged != 2 {
		t.Errorf("moved to %v; %+v", w.server.Addr(), w.server.Counters)
	}
	w.server.Receive(w.response(), elsewhere, w.now, w.server)
	if w.server.Addr() != elsewhere || w.server.path.live {
		t.Error("the right answer from there did not move the connection")
	}
}

// TestProbeIsGivenUp: an address that is silent after its first packet is not challenged for ever.
func TestProbeIsGivenUp(t *testing.T) {
	w := wire2(t, simnet.LinkConfig{Loss: 1}, wire.SuiteAES128GCM)
	w.give(t, elsewhere)
	for i := range 500 {
		w.server.Service(w.now+time.Duration(i)*10*time.Millisecond, out{w.server, w.now})
	}
	if w.server.path.live || w.server.Counters.PathStale != 1 || w.server.Counters.PathSent == 0 || w.server.Counters.PathLimited == 0 {
		t.Errorf("live %v, %+v", w.server.path.live, w.server.Counters)
	}
}

// TestSimThousandRebinds: goal: 1,000 clients of one server change address in the same moment, on a link that loses 2 %,
// and none is lost, nor any event. Method: events both ways before, during and after the move, all numbered.
func TestSimThousandRebinds(t *testing.T) {
	const count = 1000
	link := simnet.LinkConfig{Delay: 20 * time.Millisecond, Jitter: 5 * time.Millisecond, Loss: 0.02}
	net := simnet.NewNet(11)
	random := random{rand.New(rand.NewPCG(1, 2))}
	hub := &end{net: net.Endpoint(serverAddr, simnet.LinkConfig{}, simnet.LinkConfig{}), buf: make([]byte, 1500)}
	type pair struct {
		client, server *Peer
		in, back       orderly
		net            *simnet.Endpoint
	}
	byCID := make([]*pair, count)
	for i := range byCID {
		keys := seal.DeriveSession([32]byte{byte(i), byte(i >> 8)}, [32]byte{2}, [16]byte{3}, [16]byte{4}, wire.SuiteAES128GCM)
		addr := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 4000)
		conf := Config{Keys: keys, CID: uint32(i)<<8 | 1, Addr: serverAddr, Timeout: 10 * time.Second}
		p := &pair{client: New(conf, 0), net: net.Endpoint(addr, link, link)}
		conf.Server, conf.Addr, conf.Random = true, addr, random
		p.server = New(conf, 0)
		byCID[i] = p
	}
	buf := make([]byte, 1500)
	const ticks, moveAt = 90, 30
	for tick := range uint32(ticks) {
		now := time.Duration(tick) * time.Second / 60
		net.Advance(now)
		for pkt, from, ok := hub.net.Receive(); ok; pkt, from, ok = hub.net.Receive() {
			p := byCID[binary.LittleEndian.Uint32(pkt[1:])>>8]
			p.server.Receive(pkt, from, now, &p.in)
		}
		for i, p := range byCID {
			if tick == moveAt {
				p.net.Rebind(netip.AddrPortFrom(netip.AddrFrom4([4]byte{172, 16, byte(i >> 8), byte(i)}), 5000))
			}
			for pkt, from, ok := p.net.Receive(); ok; pkt, from, ok = p.net.Receive() {
				p.client.Receive(pkt, from, now, &p.back)
			}
			if tick%3 == 0 && tick < ticks-40 {
				must(t, p.client.SendEvent(0, binary.LittleEndian.AppendUint32(nil, tick/3), now))
				must(t, p.server.SendEvent(1, binary.LittleEndian.AppendUint32(nil, tick/3), now))
			}
			p.client.Service(now, out{&end{net: p.net, buf: buf}, now})
			p.server.Service(now, out{hub, now})
			p.client.Begin(buf, now, TickInfo{Valid: true, Tick: tick})
			p.net.Send(now, buf[:p.client.Finish(-1)], p.client.Addr())
			p.server.Begin(buf, now, TickInfo{Valid: true, Tick: tick})
			hub.net.Send(now, buf[:p.server.Finish(-1)], p.server.Addr())
		}
	}
	const events = (ticks - 40 + 2) / 3
	for i, p := range byCID {
		for name, e := range map[string]*Peer{"client": p.client, "server": p.server} {
			if s, why := e.State(); s != Open {
				t.Errorf("the %s %d is in state %d for %d", name, i, s, why)
			}
		}
		if p.server.Addr() != p.net.Addr() || p.in.next != events || p.back.next != events || p.in.bad+p.back.bad != "" {
			t.Errorf("client %d: server sends to %v; %d and %d of %d events; %s %s", i, p.server.Addr(), p.in.next, p.back.next, events, p.in.bad, p.back.bad)
		}
	}
}

// orderly expects numbered events.
type orderly struct {
	quiet
	next uint32
	bad  string
}

func (o *orderly) OnEvent(_ uint8, data []byte) {
	if got := binary.LittleEndian.Uint32(data); got != o.next {
		o.bad = fmt.Sprintf("event %d where %d was due", got, o.next)
	}
	o.next++
}
