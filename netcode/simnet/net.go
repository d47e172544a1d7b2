package simnet

import (
	"net/netip"
	"time"
)

// Net is endpoints that send to each other by address. Between two of them lie the sender's link up and the receiver's
// link down; the core in between is perfect.
//
//	for {
//		n.Advance(now)                       // moves packets; then
//		for pkt, from, ok := e.Receive(); ok; pkt, from, ok = e.Receive() { ... }
//		e.Send(now, answer, from)
//		now, _ = n.Next()                    // or the simulation's next tick, if that is earlier
//	}
type Net struct {
	seed      uint64
	now       time.Duration
	endpoints map[netip.AddrPort]*Endpoint // looked up, never ranged over: order must not depend on it
	created   uint64
	queue     Queue[flight]
	store     store
	lost      uint64
}

// flight is one packet under way: without an endpoint until it reaches the core, then on the way down to one.
type flight struct {
	pkt      []byte
	from     netip.AddrPort
	toAddr   netip.AddrPort
	endpoint *Endpoint
}

// Endpoint is one address and the host behind it.
type Endpoint struct {
	net      *Net
	addr     netip.AddrPort
	up, down Model
	inbox    []flight
	read     int    // inbox[:read] was given out
	lent     []byte // what Receive gave out last
}

// NewNet returns a network without endpoints.
func NewNet(seed uint64) *Net {
	return &Net{seed: seed, endpoints: map[netip.AddrPort]*Endpoint{}}
}

// Endpoint adds a host. up is its way to the others, down the way to it. It panics when addr is taken or a config is
// wrong. The seed of its links comes from the net's and the count of endpoints so far.
func (n *Net) Endpoint(addr netip.AddrPort, up, down LinkConfig) *Endpoint {
	n.created++
	e := &Endpoint{
		net: n, up: NewModel(up, mix(n.seed, 2*n.created)), down: NewModel(down, mix(n.seed, 2*n.created+1)),
	}
	e.bind(addr)
	return e
}

// Advance moves packets up to now; time never goes back. Packets that arrive then wait in their endpoint's inbox.
func (n *Net) Advance(now time.Duration) {
	n.now = max(n.now, now)
	for {
		f, at, ok := n.queue.Pop(now)
		if !ok {
			return
		}
		switch {
		case f.endpoint == nil: // at the core
			f.endpoint = n.endpoints[f.toAddr]
			if f.endpoint == nil {
				n.drop(f)
				continue
			}
			n.launch(f, f.endpoint.down.Send(at, len(f.pkt)))
			n.store.giveBack(f.pkt)
		case f.endpoint.addr != f.toAddr: // it moved while this was on its link
			n.drop(f)
		default:
			f.endpoint.inbox = append(f.endpoint.inbox, f)
		}
	}
}

// Next is when the next packet moves; false when none is under way. It may be a step inside the net: Advance to it.
func (n *Net) Next() (at time.Duration, ok bool) { return n.queue.Next() }

// Unroutable counts packets to addresses that nobody has, or no longer.
func (n *Net) Unroutable() uint64 { return n.lost }

func (n *Net) drop(f flight) {
	n.lost++
	n.store.giveBack(f.pkt)
}

// launch puts the copies of f on the way.
func (n *Net) launch(f flight, fate Fate) {
	pkt := f.pkt
	for i := range fate.Copies {
		f.pkt = n.store.copyOf(pkt, fate.Flip[i])
		n.queue.Push(fate.At[i], f)
	}
}

// Send sends a copy of pkt to another endpoint's address. now is not before the last Advance.
func (e *Endpoint) Send(now time.Duration, pkt []byte, to netip.AddrPort) {
	if now < e.net.now {
		panic("simnet: Send in the past")
	}
	e.net.launch(flight{pkt: pkt, from: e.addr, toAddr: to}, e.up.Send(now, len(pkt)))
}

// Receive gives the next packet that has arrived. pkt is valid until the next Receive on this endpoint.
func (e *Endpoint) Receive() (pkt []byte, from netip.AddrPort, ok bool) {
	e.net.store.giveBack(e.lent)
	e.lent = nil
	if e.read == len(e.inbox) {
		e.inbox, e.read = e.inbox[:0], 0
		return nil, from, false
	}
	f := &e.inbox[e.read]
	e.read++
	e.lent = f.pkt
	return f.pkt, f.from, true
}

// Rebind gives the host another address, as a NAT does that lost its mapping: what is under way to the old one is
// lost, what it sends carries the new one. It panics when addr is taken.
func (e *Endpoint) Rebind(addr netip.AddrPort) {
	delete(e.net.endpoints, e.addr)
	e.bind(addr)
}

// Close takes the host off the net. What waits in its inbox can still be received.
func (e *Endpoint) Close() {
	delete(e.net.endpoints, e.addr)
	e.addr = netip.AddrPort{}
}

// SetLinks changes both directions from the next packet on. It panics when a config is wrong.
func (e *Endpoint) SetLinks(up, down LinkConfig) {
	e.up.SetConfig(up)
	e.down.SetConfig(down)
}

// Addr is the present address.
func (e *Endpoint) Addr() netip.AddrPort { return e.addr }

// Stats is what happened on the links so far.
func (e *Endpoint) Stats() (up, down Stats) { return e.up.Stats(), e.down.Stats() }

func (e *Endpoint) bind(addr netip.AddrPort) {
	if e.net.endpoints[addr] != nil {
		panic("simnet: " + addr.String() + " is taken")
	}
	e.addr = addr
	e.net.endpoints[addr] = e
}
