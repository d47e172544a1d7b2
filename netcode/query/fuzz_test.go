package query

import (
	"net/netip"
	"testing"
	"time"

	"github.com/skirmishgg/skirmish/protocol/wire"
)

// FuzzHandle: any bytes from any address are refused or answered within the rules of TestAmplification.
func FuzzHandle(f *testing.F) {
	for _, kind := range []byte{wire.QueryInfo, wire.QueryPlayers, wire.QueryRules, 'W'} {
		f.Add(AppendAsk(nil, kind, 0), []byte{203, 0, 113, 9}, uint16(27005))
		f.Add(AppendAsk(nil, kind, 77), []byte{10, 0, 0, 9}, uint16(1))
	}
	f.Add(AppendDiscover(nil, [8]byte{1}, 0), []byte{192, 168, 1, 2}, uint16(7))
	f.Add([]byte{0xFF, 0xFF, 0xFF, 0xFE}, []byte{10, 0, 0, 9}, uint16(0))
	r := newResponder(f, Config{Rate: 1 << 20, Burst: 1 << 20, Total: 1 << 30})
	out, again := make([]byte, wire.MaxDatagram), make([]byte, wire.MaxDatagram)
	now := time.Duration(0)
	f.Fuzz(func(t *testing.T, pkt, ip []byte, port uint16) {
		addr, ok := netip.AddrFromSlice(ip)
		if !ok {
			return
		}
		now += time.Millisecond
		from := netip.AddrPortFrom(addr, port)
		reply := r.Handle(pkt, from, now, out)
		if len(reply) > len(pkt) { // guessing a challenge takes longer than any fuzzing run
			t.Fatalf("%d bytes answered %d", len(pkt), len(reply))
		}
		if reply != nil && r.Handle(reply, from, now, again) != nil {
			t.Fatalf("an answer was answered: %x", reply)
		}
	})
}

// FuzzParse: the asker's half refuses or reads any bytes.
func FuzzParse(f *testing.F) {
	r := newResponder(f, Config{})
	for _, answer := range [][]byte{r.info, r.players, r.rules, r.server} {
		f.Add(answer)
		f.Add(answer[:len(answer)-1])
	}
	f.Fuzz(func(t *testing.T, pkt []byte) {
		ParseChallenge(pkt)
		ParseInfo(pkt)
		ParseLANChallenge(pkt, [8]byte{})
		ParseServer(pkt, [8]byte{})
		if players, ok := ParsePlayers(pkt); ok && len(players) > 255 {
			t.Fatalf("%d players", len(players))
		}
		if rules, ok := ParseRules(pkt); ok && len(rules)*2 > len(pkt) {
			t.Fatalf("%d rules in %d bytes", len(rules), len(pkt))
		}
	})
}
