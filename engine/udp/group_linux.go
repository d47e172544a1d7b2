package udp

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"
)

// linuxGroup is a SO_REUSEPORT group; a socket's index in it is its steering byte, by the order of binding.
type linuxGroup struct {
	sockets  []*linuxSocket
	borrowed bool // socket 0 is the caller's
	local    netip.AddrPort
}

func openLinux(c Config) (Group, error) {
	g := &linuxGroup{borrowed: c.ControlFD > 0}
	if err := g.open(c); err != nil {
		_ = g.Close()
		return nil, fmt.Errorf("udp: %w", err)
	}
	return g, nil
}

func (g *linuxGroup) open(c Config) error {
	first, domain, err := firstSocket(c)
	if err != nil {
		return err
	}
	bound, err := unix.Getsockname(first)
	if err != nil {
		return closeAfter(first, g.borrowed, failed("getsockname", err))
	}
	g.local = fromSockaddr(bound)
	if err := g.add(first, domain, c); err != nil {
		return closeAfter(first, g.borrowed, err)
	}

	v6only := 0
	if domain == unix.AF_INET6 {
		if v6only, err = unix.GetsockoptInt(first, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY); err != nil {
			return failed("getsockopt IPV6_V6ONLY", err)
		}
	}
	// Set after the bind. Bound with it, socket 0 would quietly join the group of another server of the same user on
	// this port and take part of its players; so it fails with "address already in use". The members that join below
	// make the kernel form the group around it, as index 0.
	if err := unix.SetsockoptInt(first, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
		return failed("setsockopt SO_REUSEPORT", err)
	}
	for i := range c.Shards {
		fd, err := member(domain, v6only, bound)
		if err != nil {
			return fmt.Errorf("shard socket %d: %w", i, err)
		}
		if err := g.add(fd, domain, c); err != nil {
			return closeAfter(fd, false, err)
		}
	}
	if c.Shards > 0 {
		attach := attachSteering
		if c.attach != nil {
			attach = c.attach
		}
		if err := attach(first, c.Shards); err != nil {
			return fmt.Errorf("%w: SO_ATTACH_REUSEPORT_CBPF: %w", ErrAstray, err)
		}
		return g.selfTest(domain, v6only == 1)
	}
	return nil
}

// firstSocket gives socket 0, bound, and its family.
func firstSocket(c Config) (fd, domain int, err error) {
	if fd = c.ControlFD; fd > 0 {
		if domain, err = unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN); err != nil {
			return 0, 0, failed("control socket", err)
		}
		if domain != unix.AF_INET && domain != unix.AF_INET6 {
			return 0, 0, fmt.Errorf("control socket: address family %d", domain)
		}
		kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
		if err != nil || kind != unix.SOCK_DGRAM {
			return 0, 0, fmt.Errorf("control socket: type %d is not UDP", kind)
		}
		return fd, domain, nil
	}
	addr, err := net.ResolveUDPAddr("udp", c.Addr)
	if err != nil {
		return 0, 0, err
	}
	if addr.IP != nil && addr.IP.To4() != nil {
		fd, err = bindNew(unix.AF_INET, toSockaddr4(addr))
		return fd, unix.AF_INET, err
	}
	fd, err = bindNew(unix.AF_INET6, toSockaddr6(addr))
	if errors.Is(err, unix.EAFNOSUPPORT) && addr.IP == nil { // a kernel without IPv6: ":7350" means IPv4 then
		fd, err = bindNew(unix.AF_INET, toSockaddr4(addr))
		return fd, unix.AF_INET, err
	}
	return fd, unix.AF_INET6, err
}

func bindNew(domain int, to unix.Sockaddr) (int, error) {
	fd, err := newSocket(domain, 0)
	if err != nil {
		return -1, err
	}
	if err := unix.Bind(fd, to); err != nil {
		return -1, closeAfter(fd, false, failed("bind", err))
	}
	return fd, nil
}

// member opens a further socket on the address of the first.
func member(domain, v6only int, bound unix.Sockaddr) (int, error) {
	fd, err := newSocket(domain, v6only)
	if err != nil {
		return -1, err
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
		return -1, closeAfter(fd, false, failed("setsockopt SO_REUSEPORT", err))
	}
	if err := unix.Bind(fd, bound); err != nil {
		return -1, closeAfter(fd, false, failed("bind", err))
	}
	return fd, nil
}

func newSocket(domain, v6only int) (int, error) {
	fd, err := unix.Socket(domain, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.IPPROTO_UDP)
	if err != nil {
		return -1, failed("socket", err)
	}
	if domain == unix.AF_INET6 { // never trust net.ipv6.bindv6only
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, v6only); err != nil {
			return -1, closeAfter(fd, false, failed("setsockopt IPV6_V6ONLY", err))
		}
	}
	return fd, nil
}

// add makes fd the group's next socket.
func (g *linuxGroup) add(fd, domain int, c Config) error {
	grow(fd, unix.SO_RCVBUFFORCE, unix.SO_RCVBUF, c.RecvBufferBytes)
	grow(fd, unix.SO_SNDBUFFORCE, unix.SO_SNDBUF, c.SendBufferBytes)

	// Never fragment, and never believe an ICMP that claims a small path: our datagrams fit every path in use.
	if domain == unix.AF_INET6 {
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER, unix.IPV6_PMTUDISC_PROBE)
	}
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_PROBE)

	if c.Timestamps {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err != nil {
			return failed("setsockopt SO_TIMESTAMPNS", err)
		}
	}
	s, err := newLinuxSocket(fd, uint16(domain), g.local, c)
	if err != nil {
		return failed("eventfd", err)
	}
	g.sockets = append(g.sockets, s)
	return nil
}

// grow asks for a big buffer: past the system's limit with the privilege, else up to it. Less than asked is no error:
// it costs drops under load, which are counted.
func grow(fd, force, plain, bytes int) {
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, force, bytes) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, plain, bytes)
	}
}

// attachSteering gives the group its program. It sees the payload, so byte 1 is ours; loading it from a
// datagram of one byte ends the program with 0.
func attachSteering(fd, shards int) error {
	const (
		loadByte    = unix.BPF_LD | unix.BPF_B | unix.BPF_ABS
		jumpGreater = unix.BPF_JMP | unix.BPF_JGT | unix.BPF_K
		returnA     = unix.BPF_RET | unix.BPF_A
		returnK     = unix.BPF_RET | unix.BPF_K
	)
	program := [...]unix.SockFilter{
		{Code: loadByte, K: 1},
		{Code: jumpGreater, K: uint32(shards), Jt: 1},
		{Code: returnA},
		{Code: returnK, K: 0},
	}
	return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_REUSEPORT_CBPF,
		&unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]})
}

func (g *linuxGroup) Control() Socket           { return g.sockets[0] }
func (g *linuxGroup) Shard(i int) Socket        { return g.sockets[i+1] }
func (g *linuxGroup) Shards() int               { return len(g.sockets) - 1 }
func (g *linuxGroup) LocalAddr() netip.AddrPort { return g.local }
func (g *linuxGroup) Driver() string            { return "linux" }
func (g *linuxGroup) Note() string              { return "" }

// Close closes every socket of ours. A second call does nothing.
func (g *linuxGroup) Close() error {
	var errs []error
	for i, s := range g.sockets {
		if i > 0 || !g.borrowed {
			errs = append(errs, unix.Close(s.fd))
		}
		errs = append(errs, unix.Close(s.event))
		s.fd, s.event = -1, -1
	}
	g.sockets = g.sockets[:0:0]
	return errors.Join(errs...)
}

func closeAfter(fd int, borrowed bool, err error) error {
	if !borrowed {
		_ = unix.Close(fd)
	}
	return err
}

func failed(call string, err error) error { return fmt.Errorf("%s: %w", call, err) }

func toSockaddr4(a *net.UDPAddr) *unix.SockaddrInet4 {
	sa := &unix.SockaddrInet4{Port: a.Port}
	copy(sa.Addr[:], a.IP.To4())
	return sa
}

func toSockaddr6(a *net.UDPAddr) *unix.SockaddrInet6 {
	sa := &unix.SockaddrInet6{Port: a.Port}
	copy(sa.Addr[:], a.IP.To16())
	if a.Zone == "" {
		return sa
	}
	if link, err := net.InterfaceByName(a.Zone); err == nil {
		sa.ZoneId = uint32(link.Index)
	} else if id, err := strconv.ParseUint(a.Zone, 10, 32); err == nil {
		sa.ZoneId = uint32(id)
	}
	return sa
}

func fromSockaddr(sa unix.Sockaddr) netip.AddrPort {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *unix.SockaddrInet6:
		addr := netip.AddrFrom16(sa.Addr)
		if sa.ZoneId != 0 {
			addr = addr.WithZone(strconv.Itoa(int(sa.ZoneId)))
		}
		return netip.AddrPortFrom(addr, uint16(sa.Port))
	}
	return netip.AddrPort{}
}
