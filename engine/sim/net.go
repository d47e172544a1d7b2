package sim

import (
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/skirmishgg/skirmish/engine/udp"
	"github.com/skirmishgg/skirmish/netcode/simnet"
)

// port is the server's address on the simulated network, and its sockets: byte 1 of a datagram names one, as the BPF
// program of the linux driver does.
type port struct {
	clock   interface{ Now() time.Duration }
	end     *simnet.Endpoint
	sockets []*socket
}

// socketMax is how many datagrams may wait at a socket, as many as the portable driver's ring holds.
const socketMax = 2048

// socket is a udp.Socket of a port. Its queue's buffers are made at start: sending and receiving allocate nothing.
type socket struct {
	port     *port
	slots    [][]byte
	waiting  []udp.Datagram // Buf is a slot's
	read     int
	out      [udp.MaxDatagram]byte
	woken    atomic.Bool // by any goroutine
	counters udp.Counters
}

func newPort(net *simnet.Net, addr netip.AddrPort, sockets int, c interface{ Now() time.Duration }) *port {
	p := &port{clock: c, end: net.Endpoint(addr, simnet.LinkConfig{}, simnet.LinkConfig{})}
	for range sockets {
		p.sockets = append(p.sockets, &socket{port: p, waiting: make([]udp.Datagram, 0, socketMax)})
	}
	return p
}

// pump hands what has arrived at the address to the sockets.
func (p *port) pump() {
	for pkt, from, ok := p.end.Receive(); ok; pkt, from, ok = p.end.Receive() {
		index := 0
		if len(pkt) >= 2 && int(pkt[1]) < len(p.sockets) {
			index = int(pkt[1])
		}
		p.sockets[index].deliver(pkt, from, p.clock.Now())
	}
}

func (s *socket) deliver(pkt []byte, from netip.AddrPort, now time.Duration) {
	if len(s.waiting) == socketMax || len(pkt) > udp.MaxDatagram {
		s.counters.RxDropped.Add(1)
		return
	}
	i := len(s.waiting)
	if i == len(s.slots) {
		s.slots = append(s.slots, make([]byte, udp.MaxDatagram))
	}
	n := copy(s.slots[i], pkt)
	s.waiting = append(s.waiting, udp.Datagram{Buf: s.slots[i][:n], N: n, From: from, Rx: now})
}

func (s *socket) Recv(batch []udp.Datagram) (int, error) {
	n := copy(batch, s.waiting[s.read:])
	if s.read += n; n == 0 {
		s.waiting, s.read = s.waiting[:0], 0
	}
	s.counters.RxPackets.Add(uint64(n))
	return n, nil
}

func (s *socket) Buffer() []byte { return s.out[:] }

func (s *socket) Queue(n int, to netip.AddrPort) {
	s.counters.TxPackets.Add(1)
	s.counters.TxBytes.Add(uint64(n))
	s.port.end.Send(s.port.clock.Now(), s.out[:n], to)
}

func (s *socket) Flush() error              { return nil }
func (s *socket) Wait(time.Duration) bool   { panic("sim: nobody waits here") }
func (s *socket) Sleep(time.Duration) bool  { panic("sim: nobody sleeps here") }
func (s *socket) Wake()                     { s.woken.Store(true) }
func (s *socket) Counters() *udp.Counters   { return &s.counters }
func (s *socket) LocalAddr() netip.AddrPort { return s.port.end.Addr() }
