package udp

import (
	"net/netip"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/skirmishgg/skirmish/engine/clock"
)

// mmsghdr is the kernel's struct mmsghdr.
type mmsghdr struct {
	head unix.Msghdr
	n    uint32 // received bytes
}

// linuxSocket is one member of the reuseport group.
//
// The kernel reads and writes the arrays below in place. Every header points at its own slot of the other arrays for
// good; a call changes sizes only.
type linuxSocket struct {
	// constant after newLinuxSocket
	fd         int
	family     uint16
	timestamps bool
	local      netip.AddrPort

	// owned by the socket's goroutine
	rx    queue
	tx    queue
	tail  int    // datagrams queued in tx
	bytes uint64 // their sizes
	ready [2]unix.PollFd

	// any goroutine
	state    atomic.Int32 // running, notified or parked; see park.go
	event    int          // eventfd
	counters Counters
}

// queue is the arrays of one direction.
type queue struct {
	heads   []mmsghdr
	parts   []unix.Iovec
	names   []sockaddr
	control []stamp
	slots   []byte
}

// stamp is the control message of SO_TIMESTAMPNS.
type stamp struct {
	head unix.Cmsghdr
	time unix.Timespec
}

func newQueue(batch int, timestamps bool) queue {
	q := queue{
		heads: make([]mmsghdr, batch),
		parts: make([]unix.Iovec, batch),
		names: make([]sockaddr, batch),
		slots: make([]byte, batch*slotBytes),
	}
	if timestamps {
		q.control = make([]stamp, batch)
	}
	for i := range q.heads {
		h := &q.heads[i].head
		q.parts[i].Base = &q.slots[i*slotBytes]
		q.parts[i].SetLen(MaxDatagram)
		h.Iov = &q.parts[i]
		h.SetIovlen(1)
		h.Name = (*byte)(unsafe.Pointer(&q.names[i]))
		h.Namelen = sizeInet6
		if timestamps {
			h.Control = (*byte)(unsafe.Pointer(&q.control[i]))
			h.SetControllen(int(unsafe.Sizeof(stamp{})))
		}
	}
	return q
}

func (q *queue) slot(i int) []byte {
	return q.slots[i*slotBytes : i*slotBytes+MaxDatagram : i*slotBytes+MaxDatagram]
}

func newLinuxSocket(fd int, family uint16, local netip.AddrPort, c Config) (*linuxSocket, error) {
	event, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	s := &linuxSocket{
		fd: fd, family: family, timestamps: c.Timestamps, local: local,
		rx: newQueue(c.Batch, c.Timestamps), tx: newQueue(c.Batch, false), event: event,
	}
	s.ready[0] = unix.PollFd{Fd: int32(event), Events: unix.POLLIN}
	s.ready[1] = unix.PollFd{Fd: int32(fd), Events: unix.POLLIN}
	return s, nil
}

func (s *linuxSocket) Recv(batch []Datagram) (int, error) {
	if len(batch) == 0 {
		return 0, nil
	}
	n, errno := s.recvmmsg(min(len(batch), len(s.rx.heads)))
	if n == 0 {
		return 0, s.recvError(errno)
	}
	var now time.Duration
	var nowUnixNs int64
	if s.timestamps {
		now, nowUnixNs = clock.Real{}.Both()
	}
	kept, bytes := 0, 0
	for i := range n {
		h := &s.rx.heads[i]
		if h.head.Flags&unix.MSG_TRUNC != 0 {
			s.counters.RxOversize.Add(1)
		} else {
			d := &batch[kept]
			d.N = int(h.n)
			d.Buf = s.rx.slot(i)[:d.N]
			d.From = addrPort(&s.rx.names[i])
			d.Rx = 0
			if s.timestamps && s.rx.control[i].head.Type == unix.SCM_TIMESTAMPNS {
				d.Rx = clock.SinceUnix(s.rx.control[i].time.Nano(), now, nowUnixNs)
			}
			kept++
			bytes += d.N
		}
		h.head.Namelen = sizeInet6 // the kernel left the sizes of what it wrote
		if s.timestamps {
			h.head.SetControllen(int(unsafe.Sizeof(stamp{})))
		}
	}
	s.counters.RxCalls.Add(1)
	s.counters.RxPackets.Add(uint64(kept))
	s.counters.RxBytes.Add(uint64(bytes))
	return kept, nil
}

// recvmmsg enters through Syscall6: a full batch takes tens of microseconds, and a thread that kept its P that long
// would hold up garbage collection.
func (s *linuxSocket) recvmmsg(most int) (int, unix.Errno) {
	for {
		n, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&s.rx.heads[0])),
			uintptr(most), unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case 0:
			return int(n), 0
		case unix.EINTR:
		default:
			return 0, errno
		}
	}
}

func (s *linuxSocket) recvError(errno unix.Errno) error {
	switch errno {
	case 0, unix.EAGAIN:
		return nil
	case unix.EBADF, unix.ENOTSOCK:
		return ErrClosed
	}
	s.counters.RxErrors.Add(1) // an ICMP error that waited at the socket; reading it has cleared it
	return nil
}

func (s *linuxSocket) Buffer() []byte { return s.tx.slot(s.tail) }

func (s *linuxSocket) Queue(n int, to netip.AddrPort) {
	size := putAddr(&s.tx.names[s.tail], to, s.family)
	if size == 0 {
		s.counters.TxErrors.Add(1)
		return
	}
	if n > MaxDatagram {
		panic("udp: Queue of more than Buffer holds") // a bug of ours, never of the network
	}
	s.tx.heads[s.tail].head.Namelen = size
	s.tx.parts[s.tail].SetLen(n)
	s.bytes += uint64(n)
	if s.tail++; s.tail == len(s.tx.heads) {
		_ = s.Flush() // a closed socket says so again at the caller's own Flush
	}
}

// Flush sends in order. The kernel stops at the first datagram that fails: that one is skipped and the rest
// tried, except when its queue is full, where trying on would only burn the tick.
func (s *linuxSocket) Flush() error {
	total, sent, skipped := s.tail, 0, 0
	retried := false
	for sent < total {
		n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&s.tx.heads[sent])),
			uintptr(total-sent), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
		s.counters.TxCalls.Add(1)
		switch {
		case errno == 0:
			sent += int(n)
		case errno == unix.EINTR:
		case errno == unix.EAGAIN || errno == unix.ENOBUFS || errno == unix.ENOMEM:
			s.counters.TxDropped.Add(uint64(total - sent))
			skipped += total - sent
			sent = total
		case errno == unix.EBADF || errno == unix.ENOTSOCK:
			s.tail, s.bytes = 0, 0
			return ErrClosed
		case errno == unix.ECONNREFUSED && !retried:
			retried = true // news of an earlier datagram, not of this one; reporting it has cleared it
		default:
			s.counters.TxErrors.Add(1)
			skipped++
			sent++
		}
	}
	if total > 0 {
		s.counters.TxPackets.Add(uint64(total - skipped))
		s.counters.TxBytes.Add(s.bytes)
		s.tail, s.bytes = 0, 0
	}
	return nil
}

func (s *linuxSocket) LocalAddr() netip.AddrPort { return s.local }

// Counters also asks the kernel how many datagrams found the receive queue full: a system call, so not for every tick.
func (s *linuxSocket) Counters() *Counters {
	const drops = 8 // SK_MEMINFO_DROPS
	var memory [drops + 1]uint32
	size := uint32(unsafe.Sizeof(memory))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(s.fd), unix.SOL_SOCKET, unix.SO_MEMINFO,
		uintptr(unsafe.Pointer(&memory)), uintptr(unsafe.Pointer(&size)), 0)
	if errno == 0 && size == uint32(unsafe.Sizeof(memory)) {
		s.counters.RxDropped.Store(uint64(memory[drops]))
	}
	return &s.counters
}
