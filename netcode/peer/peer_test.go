package peer

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
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
	net     *simnet.Endpoint
	events  [wire.EventChannels][]string
	msgs    []string
	stream  []string
	tickets []string
	inputs  int
	snaps   [][]byte
	ticks   []uint32
	buf     []byte
	onEv    func(ch uint8, data []byte)
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
func (e *end) OnTicket(secret [32]byte, t []byte) { e.tickets = append(e.tickets, string(t)) }

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
	return wireSeed(t, link, suite, 7)
}

func wireSeed(t testing.TB, link simnet.LinkConfig, suite wire.Suite, seed uint64) *wiring {
	t.Helper()
	w := &wiring{net: simnet.NewNet(seed), rng: rand.New(rand.NewPCG(seed, 2))}
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
