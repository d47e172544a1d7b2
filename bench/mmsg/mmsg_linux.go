package mmsg

import (
	"errors"
	"fmt"
	"net/netip"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Size is the room of one datagram in a Batch. Ours and ENet's are at most 1,400 B.
const Size = 1472

// rcvbufBytes holds one tick of 4,000 clients: a small datagram takes 768 B of socket memory.
const rcvbufBytes = 4 << 20

// mmsghdr is struct mmsghdr; the kernel aligns it to 8 B.
type mmsghdr struct {
	hdr unix.Msghdr
	len uint32
	_   uint32
}

// Batch is the memory of one recvmmsg or sendmmsg call. It belongs to one goroutine and may serve many Conns in turn.
type Batch struct {
	hdrs  []mmsghdr
	iovs  []unix.Iovec
	names []unix.RawSockaddrInet6 // room for either family
	ctls  [][64]byte
	bufs  []byte
	room  int // bytes a message
}

// NewBatch makes room for n datagrams.
func NewBatch(n int) *Batch {
	b := &Batch{
		hdrs: make([]mmsghdr, n), iovs: make([]unix.Iovec, n), names: make([]unix.RawSockaddrInet6, n),
		ctls: make([][64]byte, n), bufs: make([]byte, n*Size), room: Size,
	}
	for i := range b.hdrs {
		b.iovs[i].Base = &b.bufs[i*Size]
		h := &b.hdrs[i].hdr
		h.Iov = &b.iovs[i]
		h.SetIovlen(1)
	}
	return b
}

// Len is the number of datagrams the batch holds room for.
func (b *Batch) Len() int { return len(b.hdrs) }

// Buf is the whole room of datagram i, to be filled before Send.
func (b *Batch) Buf(i int) []byte { return b.bufs[i*b.room : (i+1)*b.room] }

// Received is datagram i of the last Recv, valid until the next one.
func (b *Batch) Received(i int) []byte { return b.bufs[i*b.room : i*b.room+int(b.hdrs[i].len)] }

// SetLen says how much of Buf(i) Send is to send.
func (b *Batch) SetLen(i, n int) { b.iovs[i].SetLen(n) }

// ReplyTo addresses datagram i of b to whoever sent datagram j of from.
func (b *Batch) ReplyTo(i int, from *Batch, j int) {
	b.names[i] = from.names[j]
	b.hdrs[i].hdr.Name = (*byte)(unsafe.Pointer(&b.names[i]))
	b.hdrs[i].hdr.Namelen = from.hdrs[j].hdr.Namelen
}

// Stamp is when the kernel received datagram i, on CLOCK_REALTIME, or 0 if the Conn was opened without stamps.
func (b *Batch) Stamp(i int) time.Duration {
	// struct cmsghdr{len u64, level i32, type i32} · struct timespec{sec i64, nsec i64}
	h := &b.hdrs[i].hdr
	if h.Controllen < unix.SizeofCmsghdr+16 {
		return 0
	}
	c := (*unix.Cmsghdr)(unsafe.Pointer(&b.ctls[i]))
	if c.Level != unix.SOL_SOCKET || c.Type != unix.SCM_TIMESTAMPNS {
		return 0
	}
	ts := (*unix.Timespec)(unsafe.Pointer(&b.ctls[i][unix.SizeofCmsghdr]))
	return time.Duration(ts.Nano())
}

// Conn is a raw non-blocking UDP socket.
type Conn struct {
	fd     int
	stamps bool
}

// Listen opens a socket at addr (port 0: any) that receives from everyone.
func Listen(addr netip.AddrPort) (*Conn, error) { return open(addr, netip.AddrPort{}, false) }

// Dial opens a socket connected to addr. With stamps every received datagram carries the kernel's time of receipt.
func Dial(addr netip.AddrPort, stamps bool) (*Conn, error) {
	return open(netip.AddrPort{}, addr, stamps)
}

func open(local, remote netip.AddrPort, stamps bool) (*Conn, error) {
	family := unix.AF_INET
	if a := local.Addr(); (a.IsValid() && a.Is6()) || remote.Addr().Is6() {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open UDP socket: %w", err)
	}
	c := &Conn{fd: fd, stamps: stamps}
	if err := c.setup(local, remote); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return c, nil
}

func (c *Conn) setup(local, remote netip.AddrPort) error {
	if local.IsValid() {
		// A listener takes a whole tick of everybody at once. FORCE passes the sysctl limit where permitted.
		if unix.SetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, rcvbufBytes) != nil {
			_ = unix.SetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, rcvbufBytes)
		}
		if err := unix.Bind(c.fd, sockaddr(local)); err != nil {
			return fmt.Errorf("bind %v: %w", local, err)
		}
	}
	if remote.IsValid() {
		if err := unix.Connect(c.fd, sockaddr(remote)); err != nil {
			return fmt.Errorf("connect to %v: %w", remote, err)
		}
	}
	if c.stamps {
		if err := unix.SetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err != nil {
			return fmt.Errorf("ask for receive timestamps: %w", err)
		}
	}
	return nil
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
}

// LocalAddr is the address the socket is bound to.
func (c *Conn) LocalAddr() netip.AddrPort {
	sa, err := unix.Getsockname(c.fd)
	if err != nil {
		return netip.AddrPort{}
	}
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(sa.Addr), uint16(sa.Port))
	}
	return netip.AddrPort{}
}

// Close closes the socket.
func (c *Conn) Close() error { return unix.Close(c.fd) }

// Recv takes up to b.Len() waiting datagrams and returns how many; 0 when none wait. It never blocks.
// Errors: those a connected socket reports (the other end is gone), never EAGAIN.
func (c *Conn) Recv(b *Batch) (int, error) {
	for i := range b.hdrs {
		h := &b.hdrs[i].hdr
		h.Name, h.Namelen = (*byte)(unsafe.Pointer(&b.names[i])), unix.SizeofSockaddrInet6
		h.Control, h.Controllen = nil, 0
		if c.stamps {
			h.Control, h.Controllen = &b.ctls[i][0], uint64(len(b.ctls[i]))
		}
		b.iovs[i].SetLen(b.room)
	}
	n, _, e := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(c.fd), uintptr(unsafe.Pointer(&b.hdrs[0])), uintptr(len(b.hdrs)), unix.MSG_DONTWAIT, 0, 0)
	switch e {
	case 0:
		return int(n), nil
	case unix.EAGAIN, unix.EINTR:
		return 0, nil
	}
	return 0, e
}

// Send sends the first n datagrams of b and returns how many the kernel took: fewer when a buffer is full.
// On a connected Conn datagrams go to its peer; on a listening one each must have been addressed by ReplyTo.
func (c *Conn) Send(b *Batch, n int) (int, error) {
	sent := 0
	for sent < n {
		m, _, e := unix.RawSyscall6(unix.SYS_SENDMMSG, uintptr(c.fd), uintptr(unsafe.Pointer(&b.hdrs[sent])), uintptr(n-sent), unix.MSG_DONTWAIT, 0, 0)
		if e != 0 {
			if e == unix.EINTR {
				continue
			}
			if errors.Is(e, unix.EAGAIN) || errors.Is(e, unix.ENOBUFS) {
				return sent, nil
			}
			return sent, e
		}
		sent += int(m)
	}
	return sent, nil
}

// ForConnected clears the addresses of b, so that it may be sent on a connected Conn after it served Recv.
func (b *Batch) ForConnected() {
	for i := range b.hdrs {
		h := &b.hdrs[i].hdr
		h.Name, h.Namelen, h.Control, h.Controllen = nil, 0, nil, 0
	}
}

// Now is CLOCK_REALTIME, the clock of Stamp.
func Now() time.Duration {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_REALTIME, &ts)
	return time.Duration(ts.Nano())
}
