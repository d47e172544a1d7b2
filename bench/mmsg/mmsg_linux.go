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

// bufferBytes holds one tick of 4,000 clients: a small datagram takes 768 B of socket memory.
const bufferBytes = 4 << 20

// mmsghdr is struct mmsghdr; the kernel aligns it to 8 B.
type mmsghdr struct {
	hdr unix.Msghdr
	len uint32
	_   uint32
}

// pktinfo is a control message with the local address of one datagram.
type pktinfo struct {
	head unix.Cmsghdr
	info unix.Inet4Pktinfo
	_    uint32 // control messages are aligned to 8 B
}

// Batch is the memory of one recvmmsg or sendmmsg call. It belongs to one goroutine and may serve many Conns in turn,
// for one direction.
type Batch struct {
	hdrs  []mmsghdr
	iovs  []unix.Iovec
	names []unix.RawSockaddrInet4
	infos []pktinfo   // to send
	ctls  [][128]byte // received
	bufs  []byte
}

// NewBatch makes room for n datagrams.
func NewBatch(n int) *Batch {
	b := &Batch{
		hdrs: make([]mmsghdr, n), iovs: make([]unix.Iovec, n), names: make([]unix.RawSockaddrInet4, n),
		infos: make([]pktinfo, n), ctls: make([][128]byte, n), bufs: make([]byte, n*Size),
	}
	for i := range b.hdrs {
		b.iovs[i].Base = &b.bufs[i*Size]
		h := &b.hdrs[i].hdr
		h.Iov = &b.iovs[i]
		h.SetIovlen(1)
		h.Name, h.Namelen = (*byte)(unsafe.Pointer(&b.names[i])), unix.SizeofSockaddrInet4
	}
	return b
}

// Buf is the whole room of datagram i, to be filled before Send.
func (b *Batch) Buf(i int) []byte { return b.bufs[i*Size : (i+1)*Size : (i+1)*Size] }

// SetLen says how much of Buf(i) Send is to send.
func (b *Batch) SetLen(i, n int) { b.iovs[i].SetLen(n) }

// Received is datagram i of the last Recv, valid until the next one.
func (b *Batch) Received(i int) []byte { return b.bufs[i*Size : i*Size+int(b.hdrs[i].len)] }

// ReplyTo addresses datagram i of b to whoever sent datagram j of from.
func (b *Batch) ReplyTo(i int, from *Batch, j int) {
	b.names[i] = from.names[j]
	b.hdrs[i].hdr.Control, b.hdrs[i].hdr.Controllen = nil, 0
}

// SetFrom says which of c's addresses datagram i comes from.
func (b *Batch) SetFrom(i int, c *Conn, local [4]byte) {
	b.names[i] = c.remote
	p := &b.infos[i]
	p.head = unix.Cmsghdr{Level: unix.IPPROTO_IP, Type: unix.IP_PKTINFO, Len: unix.SizeofCmsghdr + unix.SizeofInet4Pktinfo}
	p.info = unix.Inet4Pktinfo{Spec_dst: local}
	b.hdrs[i].hdr.Control, b.hdrs[i].hdr.Controllen = (*byte)(unsafe.Pointer(p)), uint64(unsafe.Sizeof(*p))
}

// Meta is to which local address datagram i came and when the kernel received it, on CLOCK_REALTIME; zero for what
// its Conn was not asked to tell.
func (b *Batch) Meta(i int) (local [4]byte, stamp time.Duration) {
	h := &b.hdrs[i].hdr
	ctl := b.ctls[i][:min(int(h.Controllen), len(b.ctls[i]))]
	for len(ctl) >= unix.SizeofCmsghdr {
		c := (*unix.Cmsghdr)(unsafe.Pointer(&ctl[0]))
		if c.Len < unix.SizeofCmsghdr || c.Len > uint64(len(ctl)) {
			break
		}
		data := unsafe.Pointer(&ctl[unix.SizeofCmsghdr:][:1][0])
		switch {
		case c.Level == unix.IPPROTO_IP && c.Type == unix.IP_PKTINFO:
			local = (*unix.Inet4Pktinfo)(data).Addr
		case c.Level == unix.SOL_SOCKET && c.Type == unix.SCM_TIMESTAMPNS:
			stamp = time.Duration((*unix.Timespec)(data).Nano())
		}
		next := (int(c.Len) + 7) &^ 7
		if next >= len(ctl) {
			break
		}
		ctl = ctl[next:]
	}
	return local, stamp
}

// Conn is a raw non-blocking UDP socket.
type Conn struct {
	fd     int
	meta   bool // datagrams come with Meta
	remote unix.RawSockaddrInet4
}

// Listen opens a server's socket on a loopback port of the kernel's choice.
func Listen() (*Conn, error) {
	return open([4]byte{127, 0, 0, 1}, netip.AddrPort{})
}

// Many opens a socket that speaks with remote from any address of 127/8, and one port. With stamps every received
// datagram carries the kernel's time of receipt.
func Many(remote netip.AddrPort, stamps bool) (*Conn, error) {
	if !remote.Addr().Is4() {
		return nil, fmt.Errorf("%v is not an IPv4 address", remote)
	}
	c, err := open([4]byte{}, remote)
	if err != nil {
		return nil, err
	}
	c.meta = true
	err = unix.SetsockoptInt(c.fd, unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
	if err == nil && stamps {
		err = unix.SetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	}
	if err != nil {
		c.Close()
		return nil, fmt.Errorf("ask for addresses and times of received datagrams: %w", err)
	}
	return c, nil
}

func open(local [4]byte, remote netip.AddrPort) (*Conn, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open UDP socket: %w", err)
	}
	c := &Conn{fd: fd}
	if remote.IsValid() {
		c.remote = unix.RawSockaddrInet4{Family: unix.AF_INET, Port: remote.Port()<<8 | remote.Port()>>8, Addr: remote.Addr().As4()}
	}
	// A socket takes a whole tick of everybody at once. FORCE passes the sysctl limit where permitted.
	for _, o := range [][2]int{{unix.SO_RCVBUFFORCE, unix.SO_RCVBUF}, {unix.SO_SNDBUFFORCE, unix.SO_SNDBUF}} {
		if unix.SetsockoptInt(fd, unix.SOL_SOCKET, o[0], bufferBytes) != nil {
			_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, o[1], bufferBytes)
		}
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: local}); err != nil {
		c.Close()
		return nil, fmt.Errorf("bind a UDP port: %w", err)
	}
	return c, nil
}

// LocalAddr is the address of a Listen socket.
func (c *Conn) LocalAddr() netip.AddrPort {
	sa, _ := unix.Getsockname(c.fd)
	if sa, ok := sa.(*unix.SockaddrInet4); ok {
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	}
	return netip.AddrPort{}
}

// Close closes the socket.
func (c *Conn) Close() { _ = unix.Close(c.fd) }

// Recv takes up to b.Len() waiting datagrams and returns how many; 0 when none wait. It never blocks.
// Errors: those a socket reports (the other end is gone), never EAGAIN.
func (c *Conn) Recv(b *Batch) (int, error) {
	if c.meta { // the kernel has overwritten the lengths of the last time
		for i := range b.hdrs {
			h := &b.hdrs[i].hdr
			h.Control, h.Controllen = &b.ctls[i][0], uint64(len(b.ctls[i]))
		}
	}
	for i := range b.iovs {
		b.iovs[i].SetLen(Size)
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

// Send sends the first n datagrams of b, each addressed by ReplyTo or SetFrom, and returns how many the kernel took:
// fewer when a buffer is full.
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

// Now is CLOCK_REALTIME, the clock of Meta's stamps.
func Now() time.Duration {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_REALTIME, &ts)
	return time.Duration(ts.Nano())
}
