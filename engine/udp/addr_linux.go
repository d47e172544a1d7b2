package udp

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sockaddr is room for either family's address in the kernel's form. Converting costs 2-7 ns each way, which
// is why sockets deal in netip.AddrPort only and keep no kernel form for the way back.
type sockaddr = unix.RawSockaddrInet6

const (
	sizeInet4 = uint32(unsafe.Sizeof(unix.RawSockaddrInet4{}))
	sizeInet6 = uint32(unsafe.Sizeof(unix.RawSockaddrInet6{}))
)

// mappedPrefix starts an IPv4 address in IPv6 form, ::ffff:a.b.c.d.
var mappedPrefix = [12]byte{10: 0xFF, 11: 0xFF}

// zones names link-local scopes, so that reading an address builds no string. Interfaces are numbered from 1 and
// seldom beyond a few; the rest is left without a zone and cannot be answered.
var zones = func() (z [256]string) {
	for i := 1; i < len(z); i++ {
		z[i] = strconv.Itoa(i)
	}
	return z
}()

// addrPort reads what recvmmsg wrote. An unknown family gives the zero AddrPort.
func addrPort(sa *sockaddr) netip.AddrPort {
	port := hostOrder(&sa.Port)
	switch sa.Family {
	case unix.AF_INET:
		return netip.AddrPortFrom(netip.AddrFrom4((*unix.RawSockaddrInet4)(unsafe.Pointer(sa)).Addr), port)
	case unix.AF_INET6:
		if [12]byte(sa.Addr[:12]) == mappedPrefix {
			return netip.AddrPortFrom(netip.AddrFrom4([4]byte(sa.Addr[12:])), port)
		}
		addr := netip.AddrFrom16(sa.Addr)
		if sa.Scope_id != 0 && sa.Scope_id < uint32(len(zones)) {
			addr = addr.WithZone(zones[sa.Scope_id])
		}
		return netip.AddrPortFrom(addr, port)
	}
	return netip.AddrPort{}
}

// putAddr writes to for a socket of the given family and returns the size; 0 when the socket cannot reach it.
func putAddr(sa *sockaddr, to netip.AddrPort, family uint16) uint32 {
	addr := to.Addr()
	if family == unix.AF_INET {
		if !addr.Is4() && !addr.Is4In6() {
			return 0
		}
		sa4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(sa))
		sa4.Family = unix.AF_INET
		putNetworkOrder(&sa4.Port, to.Port())
		sa4.Addr = addr.As4()
		return sizeInet4
	}
	if !addr.IsValid() {
		return 0
	}
	sa.Family = unix.AF_INET6
	putNetworkOrder(&sa.Port, to.Port())
	sa.Flowinfo = 0
	sa.Addr = addr.As16() // maps IPv4
	sa.Scope_id = 0
	if zone := addr.Zone(); zone != "" {
		id, ok := scope(zone)
		if !ok {
			return 0
		}
		sa.Scope_id = id
	}
	return sizeInet6
}

// scope reads a zone as addrPort wrote it: an interface number. Names are for people, and only resolved in Config.Addr.
func scope(zone string) (id uint32, ok bool) {
	for i := range len(zone) {
		digit := zone[i] - '0'
		if digit > 9 || i > 8 {
			return 0, false
		}
		id = id*10 + uint32(digit)
	}
	return id, true
}

func hostOrder(p *uint16) uint16 { return binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(p))[:]) }

func putNetworkOrder(p *uint16, v uint16) {
	binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(p))[:], v)
}
