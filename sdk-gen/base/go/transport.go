package skirmish

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

// Transport carries a Client's datagrams: UDP, or whatever a test or a console platform puts in its place. One that has a
// method Wake(), which ends a Read under way or else the next one, lets a Session send without delay.
type Transport interface {
	// Read waits for a datagram until a moment. Its error is os.ErrDeadlineExceeded then; any other means that the
	// network says no at the moment.
	Read(buf []byte, until time.Time) (n int, from netip.AddrPort, err error)
	// Write sends a datagram. What cannot be sent is lost, like any datagram.
	Write(pkt []byte, to netip.AddrPort) error
	Close() error
}

// UDP opens a socket on any port.
func UDP() (Transport, error) {
	socket, err := net.ListenUDP("udp", nil)
	if err != nil {
		if socket, err = net.ListenUDP("udp4", nil); err != nil { // no IPv6 here
			return nil, err
		}
	}
	return &udpTransport{UDPConn: socket}, nil
}

type udpTransport struct {
	*net.UDPConn
	mu    sync.Mutex // of the deadline: a Wake must not be undone by the Read that it comes before
	woken bool
}

func (u *udpTransport) Read(buf []byte, until time.Time) (int, netip.AddrPort, error) {
	if err := u.deadline(until); err != nil {
		return 0, netip.AddrPort{}, err
	}
	n, from, err := u.ReadFromUDPAddrPort(buf)
	return n, netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), err
}

func (u *udpTransport) deadline(until time.Time) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.woken {
		u.woken = false
		return os.ErrDeadlineExceeded
	}
	return u.SetReadDeadline(until)
}

// Wake ends the Read under way, or else the next one.
func (u *udpTransport) Wake() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.woken = true
	_ = u.SetReadDeadline(time.Unix(1, 0)) // an error is that the socket is closed
}

func (u *udpTransport) Write(pkt []byte, to netip.AddrPort) error {
	_, err := u.WriteToUDPAddrPort(pkt, to)
	return err
}

// expired tells a deadline from trouble.
func expired(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }

// sender is a Transport as a Conn sends on it.
type sender struct {
	transport Transport
	buf       []byte
}

func (s *sender) Buffer() []byte { return s.buf }

func (s *sender) Queue(n int, to netip.AddrPort) { _ = s.transport.Write(s.buf[:n], to) }
