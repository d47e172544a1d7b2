package handshake

import (
	"net/netip"
	"testing"
	"time"

	"github.com/skirmishgg/skirmish/protocol/wire"
)

func data(cid uint32) []byte {
	pkt := make([]byte, wire.MinClientData)
	pkt[0] = byte(wire.FormData)
	pkt[1], pkt[2] = byte(cid), byte(cid>>8)
	return pkt
}

func TestReset(t *testing.T) {
	r := NewResetter(&resetKey, [16]byte{1}, 1)
	token := ResetToken(&resetKey, 0x0201, clientAddr.Addr())
	pkt := r.Reply(data(0x0201), clientAddr, 0, make([]byte, 0, 32))
	if !IsReset(pkt, &token) || len(pkt) != wire.ResetSize {
		t.Fatalf("%x", pkt)
	}
	f := func(what string, token [16]byte, pkt []byte) {
		t.Helper()
		if IsReset(pkt, &token) {
			t.Errorf("a reset of %s is taken", what)
		}
	}
	f("another connection", ResetToken(&resetKey, 0x0202, clientAddr.Addr()), pkt)
	f("another address", ResetToken(&resetKey, 0x0201, serverAddr.Addr()), pkt)
	f("another server", ResetToken(&[32]byte{}, 0x0201, clientAddr.Addr()), pkt)
	f("16 bytes", token, pkt[:16])
	mapped := netip.AddrFrom16(clientAddr.Addr().As16())
	if ResetToken(&resetKey, 0x0201, mapped) != token {
		t.Error("the notation of an IPv4 address matters")
	}

	if r.Reply(data(1)[:wire.MinClientData-1], serverAddr, 0, nil) != nil || r.Reply([]byte{0xC0}, serverAddr, 0, nil) != nil {
		t.Error("answers what is no data datagram")
	}
	if want := (ResetCounters{Sent: 1, NotData: 2}); r.Counters != want {
		t.Errorf("counters %+v, want %+v", r.Counters, want)
	}
}

// One source gets at most 10 a second over all sockets; a flood of made-up sources gets at most 2,560.
func TestResetLimits(t *testing.T) {
	out := make([]byte, 0, 32)
	for _, sockets := range []int{1, 2, 5} {
		r := NewResetter(&resetKey, [16]byte{1}, sockets)
		sent := 0
		for now := time.Duration(0); now < 10*time.Second; now += time.Millisecond {
			if r.Reply(data(1), netip.AddrPortFrom(clientAddr.Addr(), uint16(now)), now, out) != nil {
				sent++
			}
		}
		if sent*sockets != 100 {
			t.Errorf("%d resets in 10 s from each of %d sockets", sent, sockets)
		}
	}

	r := NewResetter(&resetKey, [16]byte{1}, 1)
	six := netip.MustParseAddr("2001:db8::1")
	r.Reply(data(1), netip.AddrPortFrom(six, 1), 0, out)
	if r.Reply(data(1), netip.AddrPortFrom(six.Next(), 1), 0, out) != nil || r.Counters.Limited != 1 {
		t.Error("two addresses of one /64 are two sources")
	}

	r = NewResetter(&resetKey, [16]byte{1}, 1)
	honest := 0
	for i := range 200_000 { // a second of flood
		now := time.Duration(i) * 5 * time.Microsecond
		r.Reply(data(uint32(i)), netip.AddrPortFrom(netip.AddrFrom4([4]byte{203, byte(i >> 16), byte(i >> 8), byte(i)}), 9), now, out)
		if i%3333 == 0 && r.Reply(data(1), clientAddr, now, out) != nil {
			honest++
		}
	}
	if r.Counters.Sent > 2560+256 {
		t.Errorf("%d resets in a second", r.Counters.Sent)
	}
	t.Logf("%d resets; a client that sends 60 packets a second got %d", r.Counters.Sent, honest)
}

func TestResetAllocs(t *testing.T) {
	r := NewResetter(&resetKey, [16]byte{1}, 1)
	out, pkt := make([]byte, 0, 32), data(1)
	var now time.Duration
	if n := testing.AllocsPerRun(1000, func() {
		now += time.Second
		if r.Reply(pkt, clientAddr, now, out) == nil {
			t.Fatal("no reset")
		}
		r.Reply(pkt, clientAddr, now, out)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkReset(b *testing.B) {
	r := NewResetter(&resetKey, [16]byte{1}, 1)
	out, pkt := make([]byte, 0, 32), data(1)
	var now time.Duration
	for b.Loop() {
		now += time.Second
		r.Reply(pkt, clientAddr, now, out)
	}
}
