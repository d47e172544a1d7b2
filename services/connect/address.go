package connect

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/skirmishgg/skirmish/protocol/wire"
)

// AddressConfig is what Addresses are found with.
type AddressConfig struct {
	// Public are the addresses that clients use, host:port; names are resolved, and again every minute. Empty: they are
	// found out for each caller.
	Public []string
	// Local is where the UDP port is bound.
	Local netip.AddrPort

	Lookup     func(ctx context.Context, host string) ([]netip.Addr, error) // nil: the system's resolver
	Interfaces func() []netip.Prefix                                        // of this machine; nil: the system's
	Now        func() time.Time                                             // nil: time.Now
}

// Addresses says where a caller reaches the UDP port. Any goroutine may ask.
//
//	udp.public_addresses set    those
//	bound to one address        that
//	else                        the host by which the caller reached the API, and for callers from a private network the
//	                            addresses this machine has in one
//
// Loopback is for callers on loopback only.
type Addresses struct {
	c      AddressConfig
	public []hostPort
	names  names
}

type hostPort struct {
	host string
	port uint16
}

// NewAddresses starts to resolve public names; nobody waits for that.
// Error: an entry of Public is not host:port.
func NewAddresses(c AddressConfig) (*Addresses, error) {
	if c.Lookup == nil {
		c.Lookup = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	if c.Interfaces == nil {
		c.Interfaces = interfaces
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	a := &Addresses{c: c, names: names{lookup: c.Lookup, now: c.Now, known: map[string]*name{}}}
	for _, text := range c.Public {
		host, port, err := net.SplitHostPort(text)
		number, e := strconv.ParseUint(port, 10, 16)
		if err != nil || e != nil || number == 0 || host == "" {
			return nil, fmt.Errorf("udp.public_addresses: %q is not host:port", text)
		}
		a.public = append(a.public, hostPort{host, uint16(number)})
		a.names.begin(host)
	}
	return a, nil
}

// For is where a caller reaches the UDP port who reached the API by host, as its request says (with or without a port), and
// from clientIP.
// Errors: ErrUnreachable, ErrUnresolved, ctx's.
func (a *Addresses) For(ctx context.Context, host, clientIP string) ([]netip.AddrPort, error) {
	client, _ := netip.ParseAddr(clientIP) // unknown: a stranger
	client = client.Unmap().WithZone("")
	list, err := a.all(ctx, host, client)
	list = slices.DeleteFunc(list, func(at netip.AddrPort) bool { return !a.usable(at.Addr(), client) })
	if len(list) == 0 {
		if err == nil {
			err = ErrUnreachable
		}
		return nil, err
	}
	// A client tries them one after the other, five seconds each: first what its own family of addresses can reach.
	slices.SortStableFunc(list, func(x, y netip.AddrPort) int { return rank(x, client) - rank(y, client) })
	var unique []netip.AddrPort
	for _, at := range list {
		if !slices.Contains(unique, at) && len(unique) < wire.MaxAddresses {
			unique = append(unique, at)
		}
	}
	return unique, nil
}

// all is every address there may be; err is the last that went wrong.
func (a *Addresses) all(ctx context.Context, host string, client netip.Addr) (list []netip.AddrPort, err error) {
	if len(a.public) > 0 {
		for _, p := range a.public {
			found, e := a.names.resolve(ctx, p.host)
			if e != nil {
				err = e
			}
			list = appendAll(list, found, p.port)
		}
		return list, err
	}
	if !a.c.Local.Addr().IsUnspecified() {
		return []netip.AddrPort{a.c.Local}, nil
	}
	if host = hostName(host); host != "" {
		var found []netip.Addr
		found, err = a.names.resolve(ctx, host)
		list = appendAll(nil, found, a.c.Local.Port())
	}
	if isLocal(client) {
		list = appendAll(list, a.ofThisMachine(client), a.c.Local.Port())
	}
	return list, err
}

// ofThisMachine is this machine's addresses in private networks, those in the client's own first.
func (a *Addresses) ofThisMachine(client netip.Addr) (list []netip.Addr) {
	own := a.c.Interfaces()
	slices.SortStableFunc(own, func(x, y netip.Prefix) int { return contains(y, client) - contains(x, client) })
	for _, p := range own {
		if ip := p.Addr().Unmap(); ip.IsPrivate() || ip.Is4() && ip.IsLinkLocalUnicast() {
			list = append(list, ip)
		}
	}
	return list
}

func contains(p netip.Prefix, ip netip.Addr) int {
	if p.Contains(ip) {
		return 1
	}
	return 0
}

// usable reports whether a client could reach an address. Link-local addresses of IPv6 need a zone, which is another one on
// every machine.
func (a *Addresses) usable(ip, client netip.Addr) bool {
	switch {
	case !ip.IsValid() || ip.IsUnspecified() || ip.IsMulticast() || ip.Is6() && ip.IsLinkLocalUnicast():
		return false
	case ip.IsLoopback():
		return client.IsLoopback()
	}
	return ip.Is4() || !a.c.Local.Addr().Is4() // bound to IPv4 only
}

func rank(at netip.AddrPort, client netip.Addr) int {
	if at.Addr().Is4() == client.Is4() {
		return 0
	}
	return 1
}

// isLocal reports whether a caller is in a network that this machine's private addresses may belong to.
func isLocal(ip netip.Addr) bool { return ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast() }

func appendAll(list []netip.AddrPort, ips []netip.Addr, port uint16) []netip.AddrPort {
	for _, ip := range ips {
		list = append(list, netip.AddrPortFrom(ip.Unmap().WithZone(""), port))
	}
	return list
}

// hostName is the host of a Host header or :authority, "" when it is none.
func hostName(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	if _, err := netip.ParseAddr(host); err == nil {
		return host
	}
	for _, c := range host {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_') {
			return ""
		}
	}
	if len(host) > 253 {
		return ""
	}
	return strings.ToLower(host)
}

func interfaces() (list []netip.Prefix) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil // then the host that the caller used has to do
	}
	for _, a := range all {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			list = append(list, p)
		}
	}
	return list
}
