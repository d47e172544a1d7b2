package gateway

import (
	"net"
	"net/netip"
	"strings"
)

// ClientIP is the address a call comes from: the peer's own, or what the proxies in front say. Each proxy appends the
// address it saw to X-Forwarded-For, so with n trusted proxies the client is the n-th from the end; whatever stands
// before it was written by the client. remote is "host:port", forwarded are all values of the header.
func (d *Door) ClientIP(remote string, forwarded []string) string {
	host := hostOf(remote)
	if len(forwarded) == 0 || d.ProxyCount < 1 {
		return host
	}
	said, err := netip.ParseAddr(hostOf(nthFromEnd(forwarded, d.ProxyCount)))
	if err != nil {
		return host
	}
	said = said.Unmap().WithZone("")
	// Addresses of one's own network are under no limit. A peer from outside cannot have forwarded for one.
	if peer, err := netip.ParseAddr(host); (err != nil || !own(peer.Unmap())) && own(said) {
		return host
	}
	return said.String()
}

// ClientPort is the port a call comes from; "" behind a proxy, which does not say.
func (d *Door) ClientPort(remote string, forwarded []string) string {
	if len(forwarded) > 0 && d.ProxyCount > 0 {
		return ""
	}
	_, port, _ := net.SplitHostPort(remote)
	return port
}

func own(a netip.Addr) bool { return a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast() }

// nthFromEnd counts entries of the comma lists backwards; when there are fewer, it is the first.
func nthFromEnd(lists []string, n int) string {
	entry := ""
	for i := len(lists) - 1; i >= 0; i-- {
		for rest, more := lists[i], true; more; {
			comma := strings.LastIndexByte(rest, ',')
			entry = strings.TrimSpace(rest[comma+1:])
			if n--; n == 0 {
				return entry
			}
			if more = comma >= 0; more {
				rest = rest[:comma]
			}
		}
	}
	return entry
}

// hostOf takes a port and brackets off, if there are any.
func hostOf(address string) string {
	if host, _, err := net.SplitHostPort(address); err == nil {
		return host
	}
	return strings.Trim(address, "[]")
}
