package peer

import (
	"testing"

	"github.com/skirmishgg/skirmish/netcode/simnet"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// FuzzPackets: authentic packets of any content, one after the other and each at both ends, never panic; every one is
// either taken or closes the connection, and what a handler gets is part of the packet or of the frame in pieces.
// data: u16 length · plaintext, again and again.
func FuzzPackets(f *testing.F) {
	pack := func(plains ...[]byte) (all []byte) {
		for _, p := range plains {
			all = append(append(all, byte(len(p)), byte(len(p)>>8)), p...)
		}
		return all
	}
	for frame := range byte(18) {
		f.Add(pack([]byte{ackTick | ackNone, 1, 0, 2, 3, 4, frame << 3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}))
		f.Add(pack([]byte{ackDelay, 1, 0, 2, frame<<3 | 4, 24, 4, 0, 0, 0, 81, 0, 0, 1}))
	}
	for _, m := range malformed {
		f.Add(pack(m.plain))
	}
	f.Add(pack(join([]byte{ackNone}, frame(wire.FrameStream, 4, 26), segment(4, 81, 1, 1, 2)), join([]byte{ackNone}, frame(wire.FrameStream, 4, 24), segment(4, 82, 0))))
	full := make([]byte, 1100)
	full[0] = byte(wire.FrameUnreliable) << 3
	full[1], full[2] = 0x84, 75 // 1,099 bytes follow in all
	f.Add(pack(join([]byte{ackNone}, frame(wire.FrameFragment, 0, 1, 1<<4|1, 2, 0, 0)), join([]byte{ackNone}, frame(wire.FrameFragment, 0, 1, 1, 0x84, 76), full)))
	f.Fuzz(func(t *testing.T, data []byte) {
		w := wire2(t, simnet.LinkConfig{}, wire.SuiteAES128GCM)
		w.server.resumed = true // so that RESTART is one
		for len(data) >= 2 {
			n := int(data[0]) | int(data[1])<<8
			n, data = min(n, len(data)-2, 1150), data[2:]
			for _, pair := range [][2]*end{{w.client, w.server}, {w.server, w.client}} {
				from, to := pair[0], pair[1]
				before, in := to.Counters.Malformed, to.stats.PacketsIn
				w.plain(from, to, data[:n])
				if state, _ := to.State(); to.stats.PacketsIn > in && to.Counters.Malformed != before && state == Open {
					t.Fatal("malformed, and still open")
				}
				to.Service(w.now, out{to, w.now})
			}
			data = data[n:]
		}
	})
}

// FuzzDatagram: bytes that nobody sealed change nothing but counters, at both ends.
func FuzzDatagram(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0x40, 1, 2, 3, 4, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})
	f.Add(append([]byte{byte(wire.FormReset)}, make([]byte, 16)...))
	f.Fuzz(func(t *testing.T, pkt []byte) {
		w := wire2(t, simnet.LinkConfig{}, wire.SuiteChaCha20Poly1305)
		for _, e := range []*end{w.client, w.server} {
			if e.Receive(append([]byte(nil), pkt...), elsewhere, 0, e) {
				t.Fatal("believed")
			}
			r := e.Refused()
			if e.Counters.Header+e.Counters.ResetForged+r.Short+r.Replayed+r.TooOld+r.Phase+r.Forged != 1 || e.state != Open || e.path.live {
				t.Fatalf("%+v %+v", e.Counters, r)
			}
		}
	})
}
