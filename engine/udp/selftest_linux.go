package udp

import (
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"github.com/skirmishgg/skirmish/engine/clock"
)

// selfTestWait bounds the test. Over loopback a datagram is in its queue before the send returns; a second is for
// a machine that swaps.
const selfTestWait = time.Second

// selfTest sends one datagram for each steering byte and one each for a byte beyond the last and for none at all, and
// looks for all of them where they belong. Byte 0 of 0x00 is no form of the protocol: a peer on
// this port that should see one drops it.
func (g *linuxGroup) selfTest(domain int, v6only bool) error {
	to := g.local
	if to.Addr().IsUnspecified() {
		if domain == unix.AF_INET6 && v6only {
			to = netip.AddrPortFrom(netip.IPv6Loopback(), to.Port())
		} else {
			to = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), to.Port())
		}
	}
	fd, from, err := probeSocket(to)
	if err != nil {
		return fmt.Errorf("%w: test socket: %w", ErrAstray, err)
	}
	defer unix.Close(fd)

	probes := [][]byte{{0}} // without a byte 1: socket 0
	for i := range g.sockets {
		probes = append(probes, []byte{0, byte(i)})
	}
	if len(g.sockets) <= MaxShards {
		probes = append(probes, []byte{0, byte(len(g.sockets))}) // names no socket: socket 0
	}
	for _, p := range probes {
		if err := unix.Send(fd, p, 0); err != nil {
			return fmt.Errorf("%w: send to %v: %w", ErrAstray, to, err)
		}
	}
	found := 0
	for deadline := (clock.Real{}).Now() + selfTestWait; found < len(probes); {
		for i := range g.sockets {
			n, err := g.collect(i, from)
			if err != nil {
				return err
			}
			found += n
		}
		if found < len(probes) {
			now := clock.Real{}.Now()
			if now > deadline {
				return fmt.Errorf("%w: %d of %d test datagrams did not arrive", ErrAstray, len(probes)-found, len(probes))
			}
			clock.Real{}.SleepUntil(now + time.Millisecond)
		}
	}
	return nil
}

// collect counts the probes that wait at socket i, and refuses one that belongs elsewhere. Others' datagrams that
// arrive this early are lost; their senders repeat them.
func (g *linuxGroup) collect(i int, from netip.AddrPort) (found int, err error) {
	var p [8]byte
	for {
		n, sa, err := unix.Recvfrom(g.sockets[i].fd, p[:], unix.MSG_DONTWAIT)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return found, nil
		}
		sender := fromSockaddr(sa)
		if netip.AddrPortFrom(sender.Addr().Unmap(), sender.Port()) != from {
			continue
		}
		want := 0
		if n >= 2 && int(p[1]) < len(g.sockets) {
			want = int(p[1])
		}
		if i != want {
			return found, fmt.Errorf("%w: a datagram for socket %d arrived at socket %d", ErrAstray, want, i)
		}
		found++
	}
}

// probeSocket is connected to the group, and says which address the group will see.
func probeSocket(to netip.AddrPort) (fd int, from netip.AddrPort, err error) {
	domain := unix.AF_INET
	if to.Addr().Is6() {
		domain = unix.AF_INET6
	}
	if fd, err = unix.Socket(domain, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.IPPROTO_UDP); err != nil {
		return -1, from, err
	}
	var sa unix.Sockaddr = &unix.SockaddrInet4{Port: int(to.Port()), Addr: unmapped4(to.Addr())}
	if domain == unix.AF_INET6 {
		id, _ := scope(to.Addr().Zone())
		sa = &unix.SockaddrInet6{Port: int(to.Port()), Addr: to.Addr().As16(), ZoneId: id}
	}
	if err = unix.Connect(fd, sa); err == nil {
		if sa, err = unix.Getsockname(fd); err == nil {
			return fd, fromSockaddr(sa), nil
		}
	}
	_ = unix.Close(fd)
	return -1, from, err
}

func unmapped4(a netip.Addr) (b [4]byte) {
	if a.Is4() {
		b = a.As4()
	}
	return b
}
