package peer

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skirmishgg/skirmish/netcode/seal"
	"github.com/skirmishgg/skirmish/netcode/simnet"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

var (
	serverAddr = netip.MustParseAddrPort("192.0.2.1:7350")
	clientAddr = netip.MustParseAddrPort("198.51.100.7:4000")
)

// end is one peer with its endpoint and what its handler saw.
type end struct {
	*Peer
	net    *simnet.Endpoint
	events [wire.EventChannels][]string
	msgs   []string
	stream []string
	inputs int
	snaps  [][]byte
	ticks  []uint32
	buf    []byte
	onEv   func(ch uint8, data []byte)
}

func (e *end) OnTick(t TickInfo)               { e.ticks = append(e.ticks, t.Tick) }
func (e *end) OnInput(TickInfo, []byte)        { e.inputs++ }
func (e *end) OnSnapshot(_ TickInfo, b []byte) { e.snaps = append(e.snaps, bytes.Clone(b)) }
func (e *end) OnEvent(ch uint8, data []byte) {
	e.events[ch] = append(e.events[ch], string(data))
	if e.onEv != nil {
		e.onEv(ch, data)
	}
}
func (e *end) OnMessage(_ uint8, data []byte)     { e.msgs = append(e.msgs, string(data)) }
func (e *end) OnStream(_ uint8, msg []byte)       { e.stream = append(e.stream, string(msg)) }
func (e *end) OnTicket(secret [32]byte, t []byte) {}

// wiring is a client and a server over a simulated link.
type wiring struct {
	net            *simnet.Net
	client, server *end
	now            time.Duration
	rng            *rand.Rand
}

type random struct{ *rand.Rand }

func (r random) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return len(b), nil
}

func wire2(t testing.TB, link simnet.LinkConfig, suite wire.Suite) *wiring {
	t.Helper()
	w := &wiring{net: simnet.NewNet(7), rng: rand.New(rand.NewPCG(1, 2))}
	keys := seal.DeriveSession([32]byte{1}, [32]byte{2}, [16]byte{3}, [16]byte{4}, suite)
	conf := Config{Keys: keys, Schema: [8]byte{9}, CID: 0x0403_0201, Timeout: 10 * time.Second, Random: random{w.rng}}
	client, server := conf, conf
	client.Addr = serverAddr
	client.Random = nil
	server.Addr, server.Server = clientAddr, true
	server.ResetToken = func(uint32, netip.Addr) [16]byte { return [16]byte{0xaa} }
	w.client = &end{Peer: New(client, 0), net: w.net.Endpoint(clientAddr, link, link), buf: make([]byte, 1500)}
	w.server = &end{Peer: New(server, 0), net: w.net.Endpoint(serverAddr, simnet.LinkConfig{}, simnet.LinkConfig{}), buf: make([]byte, 1500)}
	return w
}

// out is where an end's Service sends.
type out struct {
	e   *end
	now time.Duration
}

func (o out) Buffer() []byte                 { return o.e.buf }
func (o out) Queue(n int, to netip.AddrPort) { o.e.net.Send(o.now, o.e.buf[:n], to) }

// step lets dt pass, delivers, services, and sends a tick's datagram from both ends when tick is set.
func (w *wiring) step(dt time.Duration, tick bool) {
	w.now += dt
	w.net.Advance(w.now)
	for _, e := range []*end{w.server, w.client} {
		for {
			pkt, from, ok := e.net.Receive()
			if !ok {
				break
			}
			e.Receive(pkt, from, w.now, e)
		}
		e.Service(w.now, out{e, w.now})
		if tick {
			e.send(w.now, TickInfo{Valid: true, Tick: uint32(w.now / (time.Second / 60)), InputDelta: None, DecodedDelta: None}, []byte("body"))
		}
	}
}

func (e *end) send(now time.Duration, t TickInfo, body []byte) {
	e.Begin(e.buf, now, t)
	f := wire.FrameInput
	if e.c.Server {
		f = wire.FrameSnapshot
	}
	n := e.Finish(copy(e.Tail(f), body))
	e.net.Send(now, e.buf[:n], e.Addr())
}

// run steps for d at 60 Hz, with service every 1/240 s.
func (w *wiring) run(d time.Duration) {
	const slice = time.Second / 240
	for end, i := w.now+d, 0; w.now < end; i++ {
		w.step(slice, i%4 == 0)
	}
}

func TestBothSuitesCarryEverything(t *testing.T) {
	for _, suite := range []wire.Suite{wire.SuiteChaCha20Poly1305, wire.SuiteAES128GCM} {
		w := wire2(t, simnet.LinkConfig{Delay: 20 * time.Millisecond}, suite)
		for i := range 4 {
			must(t, w.client.SendEvent(uint8(i), []byte{'e', byte('0' + i)}, w.now))
		}
		must(t, w.server.SendUnreliable(1, []byte("u")))
		must(t, w.server.SendSequenced(2, []byte("s")))
		big := bytes.Repeat([]byte("big"), 3000)
		must(t, w.server.SendUnreliable(3, big))
		w.run(time.Second)
		for i := range 4 {
			if got := w.server.events[i]; len(got) != 1 || got[0] != fmt.Sprint("e", i) {
				t.Errorf("suite %d channel %d: %q", suite, i, got)
			}
		}
		if len(w.client.msgs) != 3 || !slices.Contains(w.client.msgs, string(big)) {
			t.Errorf("suite %d: %d messages", suite, len(w.client.msgs))
		}
		if w.server.inputs < 50 || len(w.client.snaps) < 50 || !slices.IsSorted(w.client.ticks) {
			t.Errorf("suite %d: %d inputs, %d snapshots", suite, w.server.inputs, len(w.client.snaps))
		}
		if rtt := w.client.Stats().RTT; rtt < 35*time.Millisecond || rtt > 60*time.Millisecond {
			t.Errorf("suite %d: RTT %v on a link of 40 ms", suite, rtt)
		}
		if w.client.outbox.Len() != 0 {
			t.Errorf("suite %d: %d events wait for acks that came", suite, w.client.outbox.Len())
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestEventsOnceAndInOrder: whatever the link does, each event is delivered once, and in order on channels 0 and 1.
func TestEventsOnceAndInOrder(t *testing.T) {
	bad := simnet.LinkConfig{Delay: 30 * time.Millisecond, Jitter: 20 * time.Millisecond, Overtake: true, Loss: 0.2, Duplicate: 0.2, Corrupt: 0.05}
	w := wire2(t, bad, wire.SuiteAES128GCM)
	const count = 400
	for i := range count {
		for ch := range uint8(4) {
			must(t, w.client.SendEvent(ch, binary.LittleEndian.AppendUint32(nil, uint32(i)), w.now))
		}
		w.run(time.Second / 30)
	}
	w.run(3 * time.Second)
	for ch := range 4 {
		seen := map[uint32]int{}
		last := -1
		for _, e := range w.server.events[ch] {
			n := binary.LittleEndian.Uint32([]byte(e))
			seen[n]++
			if ch < wire.FirstUnordered && int(n) != last+1 {
				t.Fatalf("channel %d: %d after %d", ch, n, last)
			}
			last = int(n)
		}
		if len(seen) != count || len(w.server.events[ch]) != count {
			t.Errorf("channel %d: %d different events, %d deliveries, of %d", ch, len(seen), len(w.server.events[ch]), count)
		}
	}
	if w.server.Refused().Forged == 0 || w.server.Refused().Replayed == 0 {
		t.Errorf("corrupted and duplicated packets were not counted: %+v", w.server.Refused())
	}
}

// TestSimEventRTT holds the figures of an event's way there and back at 60 Hz on a link of 50 ± 5 ms.
func TestSimEventRTT(t *testing.T) {
	f := func(loss float64, p99Max time.Duration) {
		t.Helper()
		w := wire2(t, simnet.LinkConfig{Delay: 22500 * time.Microsecond, Jitter: 5 * time.Millisecond, Loss: loss}, wire.SuiteAES128GCM)
		w.server.onEv = func(ch uint8, data []byte) { must(t, w.server.SendEvent(ch, data, w.now)) }
		var rtts []time.Duration
		w.client.onEv = func(_ uint8, data []byte) {
			rtts = append(rtts, w.now-time.Duration(binary.LittleEndian.Uint64(data)))
		}
		for range 20000 / 4 {
			must(t, w.client.SendEvent(2, binary.LittleEndian.AppendUint64(nil, uint64(w.now)), w.now))
			w.run(time.Second / 60)
		}
		slices.Sort(rtts)
		p99 := rtts[len(rtts)*99/100]
		t.Logf("loss %.0f %%: %d events, p50 %v, p99 %v", loss*100, len(rtts), rtts[len(rtts)/2], p99)
		if len(rtts) < 4950 || p99 > p99Max {
			t.Errorf("loss %.0f %%: %d events, p99 %v, want at most %v", loss*100, len(rtts), p99, p99Max)
		}
	}
	f(0, 75*time.Millisecond)
	f(0.05, 90*time.Millisecond)
	f(0.10, 105*time.Millisecond)
}

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

// TestStreams: bulk both ways over a lossy link, inside virtual time because KCP reads the clock itself.
func TestStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := wire2(t, simnet.LinkConfig{Delay: 20 * time.Millisecond, Jitter: 5 * time.Millisecond, Loss: 0.05}, wire.SuiteAES128GCM)
		msg := make([]byte, 50_000)
		for i := range msg {
			msg[i] = byte(i * 7)
		}
		must(t, w.client.SendStream(4, msg))
		must(t, w.server.SendStream(5, msg[:10_000]))
		for range 240 * 8 {
			time.Sleep(time.Second / 240)
			w.step(time.Second/240, false)
		}
		if len(w.server.stream) != 1 || w.server.stream[0] != string(msg) {
			t.Errorf("server got %d messages", len(w.server.stream))
		}
		if len(w.client.stream) != 1 || w.client.stream[0] != string(msg[:10_000]) {
			t.Errorf("client got %d messages", len(w.client.stream))
		}
	})
}

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

// TestHotPathAllocatesNothing: a packet in, a packet out, with acks, input and snapshot.
func TestHotPathAllocatesNothing(t *testing.T) {
	w := wire2(t, simnet.LinkConfig{}, wire.SuiteAES128GCM)
	w.run(time.Second)
	in, body := make([]byte, 1500), make([]byte, 200)
	h := &quiet{}
	var tick uint32
	round := func() {
		tick++
		now := w.now + time.Duration(tick)*time.Millisecond
		w.client.Begin(in, now, TickInfo{Valid: true, Tick: tick, DecodedDelta: 3})
		n := w.client.Finish(copy(w.client.Tail(wire.FrameInput), body[:30]))
		if !w.server.Receive(in[:n], clientAddr, now, h) {
			t.Fatal("refused")
		}
		w.server.Begin(w.server.buf, now, TickInfo{Valid: true, Tick: tick})
		n = w.server.Finish(copy(w.server.Tail(wire.FrameSnapshot), body))
		if !w.client.Receive(w.server.buf[:n], serverAddr, now, h) {
			t.Fatal("refused")
		}
	}
	round()
	if n := testing.AllocsPerRun(1000, round); n != 0 {
		t.Errorf("%v allocations a round", n)
	}
}

type quiet struct{ n int }

func (q *quiet) OnTick(TickInfo)             { q.n++ }
func (q *quiet) OnInput(TickInfo, []byte)    { q.n++ }
func (q *quiet) OnSnapshot(TickInfo, []byte) { q.n++ }
func (q *quiet) OnEvent(uint8, []byte)       { q.n++ }
func (q *quiet) OnMessage(uint8, []byte)     { q.n++ }
func (q *quiet) OnStream(uint8, []byte)      { q.n++ }
func (q *quiet) OnTicket([32]byte, []byte)   { q.n++ }

func BenchmarkServerClientTick(b *testing.B) {
	w := wire2(b, simnet.LinkConfig{}, wire.SuiteAES128GCM)
	in, body, h := make([]byte, 1500), make([]byte, 200), &quiet{}
	b.ReportAllocs()
	for i := range b.N {
		now := time.Duration(i) * time.Millisecond
		w.client.Begin(in, now, TickInfo{Valid: true, Tick: uint32(i)})
		n := w.client.Finish(copy(w.client.Tail(wire.FrameInput), body[:30]))
		w.server.Receive(in[:n], clientAddr, now, h)
		w.server.Begin(w.server.buf, now, TickInfo{Valid: true, Tick: uint32(i)})
		n = w.server.Finish(copy(w.server.Tail(wire.FrameSnapshot), body))
		w.client.Receive(w.server.buf[:n], serverAddr, now, h)
	}
}

// FuzzPacket: an authenticated packet of any content never panics, at either end.
func FuzzPacket(f *testing.F) {
	for _, frame := range []wire.Frame{wire.FrameInput, wire.FrameSnapshot, wire.FrameEvent, wire.FrameStream, wire.FrameUnreliable, wire.FrameSequenced,
		wire.FrameFragment, wire.FrameTime, wire.FramePathChallenge, wire.FramePathResponse, wire.FrameRate, wire.FrameClose, wire.FrameKey, wire.FrameTicket, wire.FrameResetToken} {
		f.Add([]byte{ackTick | ackNone, 1, 0, 2, 3, 4, byte(frame) << 3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})
		f.Add([]byte{ackDelay, 1, 0, 2, byte(frame)<<3 | 4, 24, 4, 0, 0, 0, 81, 0, 0, 1})
	}
	f.Fuzz(func(t *testing.T, plain []byte) {
		if len(plain) > 1100 {
			return
		}
		w := wire2(t, simnet.LinkConfig{}, wire.SuiteAES128GCM)
		for _, pair := range [][2]*end{{w.client, w.server}, {w.server, w.client}} {
			from, to := pair[0], pair[1]
			from.beginTo(from.buf, 0, TickInfo{})
			from.dst = append(from.dst[:from.headerLen], plain...)
			n := from.Finish(-1)
			to.Receive(from.buf[:n], from.net.Addr(), 0, to)
			to.Service(0, out{to, 0})
		}
	})
}
