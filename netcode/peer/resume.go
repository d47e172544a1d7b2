package peer

import (
	"net/netip"
	"time"

	"github.com/skirmishgg/skirmish/netcode/channel"
	"github.com/skirmishgg/skirmish/netcode/handshake"
	"github.com/skirmishgg/skirmish/netcode/seal"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// Accept builds ACCEPT in dst as the peer's next packet and returns its length.
func (p *Peer) Accept(dst []byte, a *handshake.Accept, now time.Duration) int {
	pkt := handshake.SealAccept(dst, p.sealer, p.nextPN, a)
	p.took(0, now) // whoever got it says so by his first packet
	p.sentOut(len(pkt), now)
	return len(pkt)
}

// pending are the keys of a resumption until its first packet opens.
//
//	RESUME ─▶ RESUMED, old and new keys both open ─▶ first packet under the new keys: the old ones are forgotten
type pending struct {
	link
	from netip.AddrPort // of the RESUME, where RESUMED went
}

// BeginResume answers a RESUME that the shard has judged: keys and CID wait beside the old ones, and RESUMED is built in
// dst, for from. Call it again with the same keys and CID to answer the same RESUME again.
func (p *Peer) BeginResume(dst []byte, keys seal.Keys, serverRandom [wire.RandomSize]byte, a *handshake.Accept, from netip.AddrPort) int {
	if p.pending == nil || p.pending.cid != a.CID {
		p.pending = &pending{link: newLink(&p.c, keys, a.CID)}
		p.pending.resumed = true
	}
	p.pending.from = from
	pn := p.pending.nextPN
	p.pending.took(0, 0) // its first packet is its ack
	return len(handshake.SealResumed(dst, p.pending.sealer, serverRandom, pn, a))
}

// takeUp makes the waiting keys the peer's, because a packet has opened under them. Whoever sent it from where the RESUME
// came from has read RESUMED there, and needs no challenge; from elsewhere it is another address like any.
func (p *Peer) takeUp(from netip.AddrPort, now time.Duration) {
	proved := from == p.pending.from
	p.rekey(p.pending.link, now)
	p.pending = nil
	if proved {
		p.addr = from
	}
	p.Counters.Resumed++
}

// Rekey gives a client's peer the connection that its RESUME opened; unacked events and streams go on.
func (p *Peer) Rekey(keys seal.Keys, cid uint32, addr netip.AddrPort, now time.Duration) {
	l := newLink(&p.c, keys, cid)
	l.resumed = true
	p.rekey(l, now)
	p.addr, p.lastIn = addr, now
	p.Counters.Resumed++
}

func (p *Peer) rekey(l link, now time.Duration) {
	p.refused = sum(p.refused, p.link.opener.Counters)
	p.link = l
	p.outbox.Restart()
	p.path = probe{}
	p.stats.newRoute()
	p.report.begin(now, 1)
	c := &p.control
	c.ticket, c.ticketAt, c.resetDue = c.ticket[:0], now+wire.TicketInterval, false // RESUMED had both
}

// restart forgets, at the server, what a client without memory cannot go on with: events it may or may not have got,
// streams half read. What the game has to tell it anew is the game's to know, from Counters.Restarted.
func (p *Peer) restart() {
	p.restarted = true
	p.outbox.Clear()
	p.inbox = channel.Inbox{}
	p.seqOut, p.seqIn, p.seqAny = [wire.Channels]uint16{}, [wire.Channels]uint16{}, 0
	p.assembly.Restart()
	p.streams = [wire.Channels - wire.FirstStream]*channel.Stream{}
	p.Counters.Restarted++
}
