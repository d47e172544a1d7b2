package proxy

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/skirmishgg/skirmish/engine/clock"
	"github.com/skirmishgg/skirmish/netcode/simnet"
)

// session is one client: its two links and its socket towards the target.
type session struct {
	// constant after add
	proxy  *Proxy
	client netip.AddrPort

	// guarded by proxy.mu
	heard time.Duration // from the client

	mu       sync.Mutex
	upstream *net.UDPConn
	up, down simnet.Model
}

// rebind opens a new socket towards the target and closes the one before, so that the target's packets to it come
// back to it as unreachable. On failure the old one stays.
func (s *session) rebind() error {
	conn, err := net.DialUDP("udp", nil, s.proxy.target)
	if err != nil {
		return err
	}
	grow(conn)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.upstream != nil {
		s.upstream.Close()
	}
	s.upstream = conn
	s.proxy.ended.Go(func() { s.read(conn) }) // ends when conn is closed; Proxy.Close waits
	return nil
}

func (s *session) read(conn *net.UDPConn) {
	buf := make([]byte, 64<<10)
	for {
		n, err := conn.Read(buf)
		switch {
		case err == nil:
			s.forward(buf[:n], false)
		case errors.Is(err, net.ErrClosed):
			return
		default: // nobody listens at the target, for now; reading has cleared the error
		}
	}
}

// forward puts what the model lets through on the line.
func (s *session) forward(pkt []byte, up bool) {
	now := clock.Real{}.Now()
	s.mu.Lock()
	model := &s.down
	if up {
		model = &s.up
	}
	fate := model.Send(now, len(pkt))
	s.mu.Unlock()
	for i := range fate.Copies {
		d := parcels.Get().(*parcel)
		d.session, d.up = s, up
		d.bytes = append(d.bytes[:0], pkt...)
		if bit := fate.Flip[i]; bit >= 0 {
			d.bytes[bit/8] ^= 1 << (bit % 8)
		}
		s.proxy.line.Push(fate.At[i], d)
	}
}

func (s *session) sendUp(pkt []byte) error {
	s.mu.Lock()
	conn := s.upstream
	s.mu.Unlock()
	_, err := conn.Write(pkt)
	if err != nil && !errors.Is(err, net.ErrClosed) {
		// On a connected socket this may be the ICMP answer to an earlier datagram. It has been cleared, and this
		// datagram has not been sent.
		_, err = conn.Write(pkt)
	}
	return err
}

func (s *session) setLinks(up, down simnet.LinkConfig) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.up.SetConfig(up)
	s.down.SetConfig(down)
}

func (s *session) addTo(st *Stats) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st.Up.Add(s.up.Stats())
	st.Down.Add(s.down.Stats())
}

func (s *session) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.upstream.Close()
}
