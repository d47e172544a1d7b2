package peer

import (
	"net/netip"
	"runtime"
	"testing"
	"time"
	"unsafe"

	"github.com/skirmishgg/skirmish/netcode/seal"
	"github.com/skirmishgg/skirmish/netcode/simnet"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// TestHotPathAllocatesNothing: packets in and out with acks, input, snapshot, events, messages and a probe.
func TestHotPathAllocatesNothing(t *testing.T) {
	for _, suite := range []wire.Suite{wire.SuiteChaCha20Poly1305, wire.SuiteAES128GCM} {
		w := wire2(t, simnet.LinkConfig{}, suite)
		w.run(time.Second)
		in, body, event := make([]byte, 1500), make([]byte, 200), []byte("event")
		h, away := &quiet{}, &lost{make([]byte, 1500)}
		var tick uint32
		round := func() {
			tick++
			now := w.now + time.Duration(tick)*time.Millisecond
			from := clientAddr
			if tick%4 == 0 {
				from = elsewhere
			}
			must(t, w.client.SendEvent(0, event, now))
			must(t, w.server.SendEvent(3, event, now))
			must(t, w.server.SendUnreliable(0, event))
			must(t, w.client.SendSequenced(0, event))
			w.client.Begin(in, now, TickInfo{Valid: true, Tick: tick, DecodedDelta: 3})
			n := w.client.Finish(copy(w.client.Tail(wire.FrameInput), body[:30]))
			if !w.server.Receive(in[:n], from, now, h) {
				t.Fatal("refused")
			}
			w.server.Service(now, away)
			w.server.Begin(w.server.buf, now, TickInfo{Valid: true, Tick: tick})
			n = w.server.Finish(copy(w.server.Tail(wire.FrameSnapshot), body))
			if !w.client.Receive(w.server.buf[:n], serverAddr, now, h) {
				t.Fatal("refused")
			}
		}
		round()
		if n := testing.AllocsPerRun(1000, round); n != 0 {
			t.Errorf("suite %d: %v allocations a round", suite, n)
		}
		if w.server.outbox.Len() > 3 || w.server.Counters.PathSent == 0 {
			t.Errorf("%d events unacked, %d probes", w.server.outbox.Len(), w.server.Counters.PathSent)
		}
	}
}

// lost is a sender whose packets nobody gets.
type lost struct{ buf []byte }

func (l *lost) Buffer() []byte            { return l.buf }
func (l *lost) Queue(int, netip.AddrPort) {}

type quiet struct{ n int }

func (q *quiet) OnTick(TickInfo)             { q.n++ }
func (q *quiet) OnInput(TickInfo, []byte)    { q.n++ }
func (q *quiet) OnSnapshot(TickInfo, []byte) { q.n++ }
func (q *quiet) OnEvent(uint8, []byte)       { q.n++ }
func (q *quiet) OnMessage(uint8, []byte)     { q.n++ }
func (q *quiet) OnStream(uint8, []byte)      { q.n++ }
func (q *quiet) OnTicket([32]byte, []byte)   { q.n++ }

// TestMemory holds a peer under 6 KB before streams, ciphers included.
func TestMemory(t *testing.T) {
	const count = 500
	conf := Config{Server: true, Keys: seal.DeriveSession([32]byte{1}, [32]byte{2}, [16]byte{3}, [16]byte{4}, wire.SuiteAES128GCM)}
	peers := make([]*Peer, count)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range peers {
		peers[i] = New(conf, 0)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	each := (after.HeapAlloc - before.HeapAlloc) / count
	t.Logf("%d B each, of which %d are the struct", each, unsafe.Sizeof(Peer{}))
	if each > 6<<10 {
		t.Errorf("%d B a peer", each)
	}
	runtime.KeepAlive(peers)
}

// BenchmarkServerClientTick is one tick of both ends: two packets out, two in, 60 and 230 B.
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

// BenchmarkCipherOfTick is what of it is the cipher's.
func BenchmarkCipherOfTick(b *testing.B) {
	keys := seal.DeriveSession([32]byte{1}, [32]byte{2}, [16]byte{3}, [16]byte{4}, wire.SuiteAES128GCM)
	up, down := seal.NewSealer(keys, seal.C2S, [8]byte{}), seal.NewSealer(keys, seal.S2C, [8]byte{})
	atServer, atClient := seal.NewOpener(keys, seal.C2S, [8]byte{}), seal.NewOpener(keys, seal.S2C, [8]byte{})
	pkt := make([]byte, 0, 1500)
	b.ReportAllocs()
	for i := range uint64(b.N) {
		small := up.Seal(seal.AppendClientHeader(pkt, 1, i, i)[:6+38], 6, i)
		atServer.Open(small, 6, i)
		large := down.Seal(seal.AppendServerHeader(pkt, i, i)[:2+210], 2, i)
		atClient.Open(large, 2, i)
	}
}
