package udp

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/skirmishgg/skirmish/engine/clock"
	"github.com/skirmishgg/skirmish/engine/ring"
	"github.com/skirmishgg/skirmish/engine/slab"
)

// portableRing is how many datagrams may wait for one socket: 2,000 players x 16 ms at 60 Hz, as LAN hosts never see.
const portableRing = 2048

// portableGroup is one net.UDPConn. Its reader goroutine does what the BPF program does on Linux.
type portableGroup struct {
	// constant after openPortable
	conn       *net.UDPConn
	local      netip.AddrPort
	note       string
	timestamps bool
	buffers    *slab.Pool
	sockets    []*portableSocket
	ended      sync.WaitGroup

	// any goroutine
	closed atomic.Bool

	// owned by the reader
	spill []byte // where a datagram goes when every buffer is in use
}

// portableSocket is one socket's ends of the rings.
type portableSocket struct {
	// constant after openPortable
	group *portableGroup
	inbox *ring.SPSC[arrival]
	wake  chan struct{} // holds one: "state left parked"

	// owned by the socket's goroutine
	held  []slab.Ref // buffers behind the datagrams of the last Recv
	send  []byte
	sizes []int
	to    []netip.AddrPort
	timer *time.Timer

	// any goroutine
	state    atomic.Int32 // running, notified, parked, or parkedForPackets
	counters Counters
}

// arrival is one datagram on its way from the reader; the reference moves with it.
type arrival struct {
	ref  slab.Ref
	n    int
	from netip.AddrPort
	rx   time.Duration
}

func openPortable(c Config, note string) (Group, error) {
	if c.ControlFD > 0 {
		return nil, errors.New("udp: the portable driver opens its own socket and takes no ControlFD")
	}
	addr, err := net.ResolveUDPAddr("udp", c.Addr)
	if err != nil {
		return nil, fmt.Errorf("udp: %w", err)
	}
	network := "udp" // IPv4 and IPv6, or what the kernel has
	if addr.IP != nil && addr.IP.To4() != nil {
		network = "udp4"
	}
	conn, err := net.ListenUDP(network, addr)
	if err != nil {
		return nil, fmt.Errorf("udp: %w", err)
	}
	_ = conn.SetReadBuffer(c.RecvBufferBytes) // what the system allows
	_ = conn.SetWriteBuffer(c.SendBufferBytes)

	local := conn.LocalAddr().(*net.UDPAddr).AddrPort()
	local = netip.AddrPortFrom(local.Addr().Unmap(), local.Port())
	count := c.Shards + 1
	g := &portableGroup{
		conn: conn, local: local, note: note, timestamps: c.Timestamps,
		buffers: slab.New(count*(portableRing+c.Batch), slotBytes),
		spill:   make([]byte, slotBytes),
	}
	for range count {
		s := &portableSocket{
			group: g, inbox: ring.NewSPSC[arrival](portableRing), wake: make(chan struct{}, 1),
			held: make([]slab.Ref, 0, c.Batch),
			send: make([]byte, c.Batch*slotBytes), sizes: make([]int, 0, c.Batch), to: make([]netip.AddrPort, 0, c.Batch),
			timer: time.NewTimer(time.Hour),
		}
		s.timer.Stop()
		g.sockets = append(g.sockets, s)
	}
	g.ended.Go(g.read) // stopped by closing conn; Close waits for it
	return g, nil
}

// read steers until the conn is closed. Any other error belongs to one datagram (Windows reports an earlier
// ICMP "port unreachable" here, and an oversized datagram) and is counted on the control socket.
func (g *portableGroup) read() {
	var c clock.Real
	failures := 0
	for {
		ref, ok := g.buffers.Get()
		buf := g.spill
		if ok {
			buf = ref.Bytes()
		}
		n, from, err := g.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			if ok {
				ref.Release()
			}
			if errors.Is(err, net.ErrClosed) {
				return
			}
			g.sockets[0].counters.RxErrors.Add(1)
			if failures++; failures > 100 { // an error that stays must not eat a core
				c.SleepUntil(c.Now() + time.Millisecond)
			}
			continue
		}
		failures = 0
		index := 0
		if n >= 2 && int(buf[1]) < len(g.sockets) {
			index = int(buf[1])
		}
		a := arrival{ref: ref, n: n, from: netip.AddrPortFrom(from.Addr().Unmap(), from.Port())}
		if g.timestamps {
			a.rx = c.Now()
		}
		g.sockets[index].deliver(a)
	}
}

// deliver runs on the reader.
func (s *portableSocket) deliver(a arrival) {
	switch {
	case a.n > MaxDatagram:
		s.counters.RxOversize.Add(1)
	case a.ref.Valid() && s.inbox.TryPush(a):
		if s.state.Load() == parkedForPackets {
			s.Wake()
		}
		return
	default:
		s.counters.RxDropped.Add(1)
	}
	if a.ref.Valid() {
		a.ref.Release()
	}
}

func (s *portableSocket) Recv(batch []Datagram) (int, error) {
	for _, ref := range s.held {
		ref.Release()
	}
	s.held = s.held[:0]
	n, bytes := 0, 0
	for n < len(batch) && n < cap(s.held) {
		a, ok := s.inbox.TryPop()
		if !ok {
			break
		}
		s.held = append(s.held, a.ref)
		batch[n] = Datagram{Buf: a.ref.Bytes()[:a.n], N: a.n, From: a.from, Rx: a.rx}
		bytes += a.n
		n++
	}
	if n > 0 {
		s.counters.RxCalls.Add(1)
		s.counters.RxPackets.Add(uint64(n))
		s.counters.RxBytes.Add(uint64(bytes))
	} else if s.group.closed.Load() {
		return 0, ErrClosed
	}
	return n, nil
}

func (s *portableSocket) Buffer() []byte {
	first := len(s.sizes) * slotBytes
	return s.send[first : first+MaxDatagram : first+MaxDatagram]
}

func (s *portableSocket) Queue(n int, to netip.AddrPort) {
	if !to.IsValid() {
		s.counters.TxErrors.Add(1)
		return
	}
	if n > MaxDatagram {
		panic("udp: Queue of more than Buffer holds")
	}
	s.sizes, s.to = append(s.sizes, n), append(s.to, to)
	if len(s.sizes) == cap(s.sizes) {
		_ = s.Flush()
	}
}

// Flush sends one by one. A full send queue blocks here, inside the runtime: only the linux driver can
// drop instead.
func (s *portableSocket) Flush() error {
	var closed error
	for i, n := range s.sizes {
		first := i * slotBytes
		_, err := s.group.conn.WriteToUDPAddrPort(s.send[first:first+n], s.to[i])
		s.counters.TxCalls.Add(1)
		switch {
		case err == nil:
			s.counters.TxPackets.Add(1)
			s.counters.TxBytes.Add(uint64(n))
		case errors.Is(err, net.ErrClosed):
			closed = ErrClosed
		default:
			s.counters.TxErrors.Add(1)
		}
	}
	s.sizes, s.to = s.sizes[:0], s.to[:0]
	return closed
}

func (s *portableSocket) Wait(until time.Duration) bool  { return s.wait(until, parkedForPackets) }
func (s *portableSocket) Sleep(until time.Duration) bool { return s.wait(until, parked) }

// wait sleeps on a timer, which may be a millisecond late, to shortly before the deadline, and on the clock from there.
func (s *portableSocket) wait(until time.Duration, how int32) (woken bool) {
	var c clock.Real
	now := c.Now()
	if until-now > parkMin {
		if !s.state.CompareAndSwap(running, how) {
			s.state.Store(running)
			return true
		}
		if how == parkedForPackets && s.inbox.Len() > 0 { // pushed before the reader could see us parked
			return s.unpark(true)
		}
		s.timer.Reset(until - now - parkMin)
		select {
		case <-s.wake:
			s.timer.Stop()
			return s.unpark(true)
		case <-s.timer.C:
			if s.unpark(false) {
				return true
			}
		}
	}
	s.state.Store(running)
	c.SleepUntil(until)
	return false
}

// unpark goes back to running and reports whether something had woken us.
func (s *portableSocket) unpark(woken bool) bool {
	woken = s.state.Swap(running) == notified || woken
	select {
	case <-s.wake:
	default:
	}
	return woken
}

func (s *portableSocket) Wake() {
	if s.state.Load() == notified {
		return
	}
	if old := s.state.Swap(notified); old != parked && old != parkedForPackets {
		return
	}
	s.counters.Wakes.Add(1)
	select {
	case s.wake <- struct{}{}:
	default: // one that came a moment ago is still there
	}
}

func (s *portableSocket) Counters() *Counters       { return &s.counters }
func (s *portableSocket) LocalAddr() netip.AddrPort { return s.group.local }

func (g *portableGroup) Control() Socket           { return g.sockets[0] }
func (g *portableGroup) Shard(i int) Socket        { return g.sockets[i+1] }
func (g *portableGroup) Shards() int               { return len(g.sockets) - 1 }
func (g *portableGroup) LocalAddr() netip.AddrPort { return g.local }
func (g *portableGroup) Driver() string            { return "portable" }
func (g *portableGroup) Note() string              { return g.note }

// Close ends the reader and waits for it. A second call does nothing.
func (g *portableGroup) Close() error {
	g.closed.Store(true)
	err := g.conn.Close()
	g.ended.Wait()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
