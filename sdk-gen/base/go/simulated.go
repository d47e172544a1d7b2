package skirmish

import (
	"net/netip"
	"time"

	"github.com/skirmishgg/skirmish/netcode/simnet"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// Simulated is a Conn on a simulated network, for tests that run hundreds of clients faster than time passes.
type Simulated struct {
	Conn *Conn
	End  *simnet.Endpoint

	now time.Duration
	due time.Duration
	in  [wire.MaxDatagram]byte
	out [wire.MaxDatagram]byte
}

// Step takes what has arrived by now (after simnet.Net.Advance) and lets the Conn do what is due.
func (s *Simulated) Step(now time.Duration) {
	s.now = now
	for pkt, from, ok := s.End.Receive(); ok; pkt, from, ok = s.End.Receive() {
		s.Conn.Receive(s.in[:copy(s.in[:], pkt)], from, now)
		s.due = now
	}
	if now >= s.due {
		s.due = s.Conn.Poll(now, s)
	}
}

// Buffer and Queue are the Conn's way out.
func (s *Simulated) Buffer() []byte { return s.out[:] }

// Queue sends at once.
func (s *Simulated) Queue(n int, to netip.AddrPort) { s.End.Send(s.now, s.out[:n], to) }
