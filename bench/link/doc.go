// Package link is a bad link for TCP: IP packets between two network namespaces, forwarded one by one through the
// simulator's model of a link, the same that bench/proxy puts under UDP.
//
//	namespace "near"                                     namespace "far"
//	10.66.0.1  skirmish0 (TUN) -- simnet.Model, line --> skirmish0 (TUN)  10.66.0.2
//	                          <-- simnet.Model, line --
//
// Sockets belong to the namespace of the thread that makes them, and can be used from anywhere afterwards:
//
//	l.Far(func() error { listener, err = net.Listen("tcp", "10.66.0.2:0"); return err })
//	l.Near(func() error { conn, err = net.Dial("tcp", listener.Addr().String()); return err })
//
// Both namespaces are new, nameless, and gone after Close: nothing of the host's network is touched. Needs Linux,
// CAP_SYS_ADMIN (the namespaces), CAP_NET_ADMIN and /dev/net/tun; Open's *MissingError says which is not there.
package link

import (
	"fmt"
	"net/netip"

	"github.com/skirmishgg/skirmish/bench/delay"
	"github.com/skirmishgg/skirmish/netcode/simnet"
)

// Addresses of the two ends.
var (
	NearAddr = netip.MustParseAddr("10.66.0.1")
	FarAddr  = netip.MustParseAddr("10.66.0.2")
)

// MTU of both devices.
const MTU = 1500

// Config says how bad the link is. Sizes are of IP packets.
type Config struct {
	Up   simnet.LinkConfig // near to far
	Down simnet.LinkConfig // far to near
	Seed uint64
}

// Stats is what happened so far.
type Stats struct {
	Up, Down simnet.Stats
	Refused  uint64 // packets that the other device did not take, among them corrupted headers
	Line     delay.Stats
}

// MissingError says what the machine lacks for a link.
type MissingError struct {
	Needs string // "CAP_SYS_ADMIN, to make network namespaces"
	Err   error  // what the system said; may be nil
}

func (e *MissingError) Error() string {
	if e.Err == nil {
		return "bench link needs " + e.Needs
	}
	return fmt.Sprintf("bench link needs %s: %v", e.Needs, e.Err)
}

func (e *MissingError) Unwrap() error { return e.Err }
