package peer

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/skirmishgg/skirmish/netcode/handshake"
	"github.com/skirmishgg/skirmish/netcode/simnet"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// seeds are what a simulation runs over: one and the short form in `make test`; `make sim` sets the variables.
func seeds(t *testing.T) (all []uint64, long bool) {
	t.Helper()
	long = os.Getenv("SKIRMISH_SIM_LONG") != ""
	if s := os.Getenv("SKIRMISH_SEED"); s != "" {
		seed, err := strconv.ParseUint(s, 10, 64)
		must(t, err)
		return []uint64{seed}, long
	}
	count := 1
	if s := os.Getenv("SKIRMISH_SIM_COUNT"); s != "" {
		var err error
		count, err = strconv.Atoi(s)
		must(t, err)
	}
	for i := range count {
		all = append(all, uint64(i+1))
	}
	return all, long
}

// TestSimSoak: 25 % loss and as many duplicates, 1,000 ms of latency, 100 ms of jitter that reorders. Goal: no event lost,
// doubled or out of order, no stall, no growth. Method: a numbered event each way every 100 ms, over 20,000 packets, or
// 10^7 in `make sim`.
func TestSimSoak(t *testing.T) {
	all, long := seeds(t)
	packets := 20_000
	if long {
		packets = 10_000_000
	}
	for _, seed := range all {
		link := simnet.LinkConfig{Delay: 500 * time.Millisecond, Jitter: 100 * time.Millisecond, Overtake: true, Loss: 0.25, Duplicate: 0.25}
		w := wire2(t, link, wire.SuiteAES128GCM)
		w.rng = rand.New(rand.NewPCG(seed, 1))
		for _, e := range []*end{w.client, w.server} {
			next := uint32(0)
			e.onEv = func(_ uint8, data []byte) {
				if got := binary.LittleEndian.Uint32(data); got != next {
					t.Fatalf("event %d came where %d was due; repeat with: make sim SEED=%d", got, next, seed)
				}
				next++
			}
		}
		sent, mostUnacked := uint32(0), 0
		for tick := 0; tick < packets/2; tick++ {
			if tick%6 == 0 {
				must(t, w.client.SendEvent(0, binary.LittleEndian.AppendUint32(nil, sent), w.now))
				must(t, w.server.SendEvent(1, binary.LittleEndian.AppendUint32(nil, sent), w.now))
				sent++
			}
			w.step(time.Second/60, true)
			mostUnacked = max(mostUnacked, w.client.outbox.Len(), w.server.outbox.Len())
			w.client.snaps, w.client.ticks, w.server.ticks = w.client.snaps[:0], w.client.ticks[:0], w.server.ticks[:0]
			w.client.events, w.server.events = [wire.EventChannels][]string{}, [wire.EventChannels][]string{}
		}
		if mostUnacked > 60 {
			t.Errorf("seed %d: %d events waited at once: the connection stalls; repeat with: make sim SEED=%d", seed, mostUnacked, seed)
		}
		for name, e := range map[string]*end{"client": w.client, "server": w.server} {
			if s, why := e.State(); s != Open || e.Counters.Malformed != 0 {
				t.Errorf("seed %d: the %s is in state %d for %d with %+v", seed, name, s, why, e.Counters)
			}
			if cap(e.outbox0()) > 64<<10 || cap(e.queue.bytes) > messagesMax*2 {
				t.Errorf("seed %d: the %s has grown", seed, name)
			}
		}
	}
}

// outbox0 is the storage behind unacked events, for its size.
func (e *end) outbox0() []byte { return e.outbox.Append(nil, 0) }

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

// TestResumeRekeys: a client that lost its socket goes on under new keys; the old path dies with the first new packet,
// and unacked events arrive once.
func TestResumeRekeys(t *testing.T) {
	w := wire2(t, simnet.LinkConfig{Delay: 10 * time.Millisecond}, wire.SuiteAES128GCM)
	w.run(time.Second)
	must(t, w.server.SendEvent(0, []byte("before"), w.now))
	must(t, w.client.SendEvent(0, []byte("lost socket"), w.now))
	keys := w.server.c.Keys
	keys.C2S.IV[0] ^= 1
	keys.S2C.IV[0] ^= 1
	accept := acceptFor(0x0900_0001)
	old := w.client.nextPN
	moved := netip.MustParseAddrPort("203.0.113.5:999")
	n := w.server.BeginResume(w.server.buf, keys, [16]byte{1}, &accept, moved)
	if n == 0 || w.server.CID() != 0x0403_0201 {
		t.Fatal("the old connection ended before the new one began")
	}
	w.client.Begin(w.client.buf, w.now, TickInfo{})
	late := append([]byte(nil), w.client.buf[:w.client.Finish(-1)]...)
	w.client.Rekey(keys, accept.CID, serverAddr, w.now)
	w.client.net.Rebind(moved)
	w.run(time.Second)
	if w.server.CID() != accept.CID || w.server.Addr() != moved {
		t.Errorf("server is at %x, %v", w.server.CID(), w.server.Addr())
	}
	if len(w.server.events[0]) != 1 || len(w.client.events[0]) != 1 {
		t.Errorf("events %q and %q", w.server.events[0], w.client.events[0])
	}
	if w.server.Receive(late, clientAddr, w.now, w.server) || w.client.nextPN >= old+1000 {
		t.Error("a packet under the old keys was taken")
	}
}

func acceptFor(cid uint32) handshake.Accept {
	return handshake.Accept{CID: cid, TickRate: 60, MaxPayload: wire.MaxDatagram, Timeout: 10 * time.Second, Ticket: []byte("t")}
}
