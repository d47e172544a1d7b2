package peer

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skirmishgg/skirmish/netcode/handshake"
	"github.com/skirmishgg/skirmish/netcode/seal"
	"github.com/skirmishgg/skirmish/netcode/simnet"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

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

func otherKeys(k seal.Keys) seal.Keys {
	k.C2S.Key[0] ^= 1
	k.S2C.Key[0] ^= 1
	return k
}

// TestResumeAddressIsProvedByRESUME: a first packet from where the RESUME came from moves the connection; from anywhere
// else it starts a probe. Otherwise a client could resume, forge one sender address, and have its snapshots sent there.
func TestResumeAddressIsProvedByRESUME(t *testing.T) {
	for _, proved := range []bool{true, false} {
		w := wire2(t, simnet.LinkConfig{}, wire.SuiteAES128GCM)
		w.run(100 * time.Millisecond)
		keys, accept := otherKeys(w.server.c.Keys), acceptFor(0x0900_0001)
		w.server.BeginResume(w.server.buf, keys, [16]byte{1}, &accept, elsewhere)
		w.client.Rekey(keys, accept.CID, serverAddr, w.now)
		from, want := elsewhere, elsewhere
		if !proved {
			from, want = netip.MustParseAddrPort("192.0.2.99:1"), clientAddr
		}
		w.give(t, from)
		if w.server.Addr() != want || w.server.path.live == proved {
			t.Errorf("proved %v: server sends to %v, probe %v", proved, w.server.Addr(), w.server.path.live)
		}
	}
}

// TestResumeForged: packets that only name the waiting connection end nothing, and neither does a second RESUMED.
func TestResumeForged(t *testing.T) {
	w := wire2(t, simnet.LinkConfig{}, wire.SuiteAES128GCM)
	w.run(100 * time.Millisecond)
	keys, accept := otherKeys(w.server.c.Keys), acceptFor(0x0900_0001)
	w.server.BeginResume(w.server.buf, keys, [16]byte{1}, &accept, clientAddr)
	first := string(w.server.buf[:60])
	w.server.BeginResume(w.server.buf, keys, [16]byte{1}, &accept, clientAddr)
	if first == string(w.server.buf[:60]) {
		t.Error("RESUMED was sealed twice under one packet number")
	}
	forged := binary.LittleEndian.AppendUint32([]byte{byte(wire.FormData)}, accept.CID)
	forged = append(forged, make([]byte, 30)...)
	if w.server.Receive(forged, clientAddr, w.now, w.server) || w.server.CID() == accept.CID {
		t.Error("a forged packet was believed")
	}
	before := w.server.Refused()
	w.give(t, clientAddr) // still under the old keys
	w.client.Rekey(keys, accept.CID, serverAddr, w.now)
	w.give(t, clientAddr)
	if after := w.server.Refused(); w.server.CID() != accept.CID || after.Forged != before.Forged+1 || w.server.Counters.Resumed != 1 {
		t.Errorf("CID %x, refused %+v then %+v", w.server.CID(), before, after)
	}
}

// TestRestartWithoutMemory: the client's process died and its successor resumes. Both directions of every channel go on
// from the beginning, whichever packet comes first.
func TestRestartWithoutMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		link := simnet.LinkConfig{Delay: 10 * time.Millisecond, Jitter: 5 * time.Millisecond, Overtake: true, Loss: 0.2}
		w := wire2(t, link, wire.SuiteAES128GCM)
		run := func(steps int) {
			for i := range steps {
				time.Sleep(time.Second / 240)
				w.step(time.Second/240, i%4 == 0)
			}
		}
		for range 10 {
			must(t, w.client.SendEvent(0, []byte("old"), w.now))
			must(t, w.server.SendEvent(1, []byte("old"), w.now))
			must(t, w.client.SendSequenced(0, []byte("old")))
			must(t, w.server.SendSequenced(0, []byte("old")))
			run(8)
		}
		must(t, w.client.SendStream(4, []byte("old")))
		must(t, w.server.SendStream(4, make([]byte, 5000)))
		run(4)
		must(t, w.server.SendEvent(0, []byte("never seen"), w.now))

		keys, accept := otherKeys(w.server.c.Keys), acceptFor(0x0900_0001)
		w.server.BeginResume(w.server.buf, keys, [16]byte{1}, &accept, clientAddr)
		conf := w.client.c
		conf.Keys, conf.CID, conf.Restart = keys, accept.CID, true
		w.client.Peer = New(conf, w.now)
		w.client.events, w.client.msgs, w.client.stream = [wire.EventChannels][]string{}, nil, nil
		w.server.events, w.server.msgs, w.server.stream = [wire.EventChannels][]string{}, nil, nil
		must(t, w.client.SendEvent(0, []byte("new"), w.now))
		must(t, w.client.SendStream(4, []byte("new")))
		run(60)
		must(t, w.server.SendEvent(1, []byte("welcome"), w.now))
		must(t, w.server.SendStream(4, []byte("welcome")))
		for range 10 {
			must(t, w.server.SendSequenced(0, []byte("new")))
			run(12)
		}
		run(240)
		if w.server.Counters.Restarted != 1 || w.client.control.restart {
			t.Errorf("restarted %d times, asks on: %v", w.server.Counters.Restarted, w.client.control.restart)
		}
		if got := w.server.events[0]; len(got) != 1 || got[0] != "new" {
			t.Errorf("server got events %q", got)
		}
		if got := w.client.events[1]; len(got) != 1 || got[0] != "welcome" || len(w.client.events[0]) != 0 {
			t.Errorf("client got events %q %q", w.client.events[0], got)
		}
		if len(w.server.stream) != 1 || w.server.stream[0] != "new" || len(w.client.stream) != 1 || w.client.stream[0] != "welcome" {
			t.Errorf("streams %q and %q", w.server.stream, w.client.stream)
		}
		if len(w.client.msgs) < 3 {
			t.Errorf("%d sequenced messages", len(w.client.msgs))
		}
	})
}

// TestKeyEpochs: packets on both sides of 2^30 open, and the sender says KEY until that is acked.
func TestKeyEpochs(t *testing.T) {
	w := wire2(t, simnet.LinkConfig{}, wire.SuiteAES128GCM)
	w.give(t, clientAddr)
	w.client.nextPN = seal.EpochPackets - 3
	w.client.largestAcked = 0 // so that the number travels in four bytes
	for range 6 {
		w.give(t, clientAddr)
	}
	if w.server.opener.Largest() != seal.EpochPackets+2 || w.client.keyEpoch != 0 {
		t.Fatalf("largest %d", w.server.opener.Largest())
	}
	w.client.Begin(w.client.buf, w.now, TickInfo{})
	if w.client.flags&sentKey == 0 {
		t.Error("no KEY before an ack")
	}
	w.server.Receive(w.client.buf[:w.client.Finish(-1)], clientAddr, w.now, w.server)
	w.server.Begin(w.server.buf, w.now, TickInfo{})
	w.client.Receive(w.server.buf[:w.server.Finish(-1)], serverAddr, w.now, w.client)
	w.client.Begin(w.client.buf, w.now, TickInfo{})
	w.client.Finish(-1)
	if w.client.keyEpoch != 1 || w.client.flags&sentKey != 0 || w.server.Counters.Malformed != 0 {
		t.Errorf("epoch %d after the ack", w.client.keyEpoch)
	}
}
