package load

import (
	"crypto/rand"
	"net/netip"
	"time"

	"github.com/skirmishgg/skirmish/netcode/handshake"
	"github.com/skirmishgg/skirmish/netcode/token"
)

// Shaker connects again and again: as soon as one handshake has ended it begins the next with a new token, and
// forgets the connection.
type Shaker struct {
	mint  func() (*token.Connect, error)
	addr  netip.AddrPort
	shake *handshake.Client
	due   time.Duration
	Count uint64 // handshakes that ended well
	Err   error  // the last that did not
}

// NewShaker makes one for the server at addr.
func NewShaker(addr netip.AddrPort, mint func() (*token.Connect, error)) *Shaker {
	return &Shaker{mint: mint, addr: addr}
}

// Next is the handshake's next datagram.
func (s *Shaker) Next(dst []byte, now time.Duration) int {
	if s.shake == nil {
		connect, err := s.mint()
		if err != nil {
			s.Err = err
			return 0
		}
		s.shake, s.due = handshake.NewClient(connect, rand.Reader), 0
	}
	if now < s.due {
		return 0
	}
	datagram, _, wait := s.shake.Next(now)
	s.due = now + wait
	return copy(dst, datagram)
}

// Tick has nothing to say.
func (*Shaker) Tick([]byte, time.Duration) int { return 0 }

// Receive takes an answer; an ACCEPT counts as the server's tick.
func (s *Shaker) Receive(pkt []byte, now, _ time.Duration) (accepted bool) {
	if s.shake == nil {
		return false
	}
	s.due = 0
	done, err := s.shake.Receive(pkt, s.addr, now)
	if err != nil {
		s.Err, s.shake = err, nil
	}
	if done {
		s.Count++
		s.shake = nil
	}
	return done
}

// Ready is true: a Shaker is never done.
func (*Shaker) Ready() bool { return true }
