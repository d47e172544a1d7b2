package shard

import (
	"encoding/binary"

	"github.com/skirmishgg/skirmish/engine/udp"
	"github.com/skirmishgg/skirmish/netcode/handshake"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// drain takes everything that waits at the socket.
func (s *Shard) drain() {
	taken := 0
	for taken < drainMax {
		n, err := s.socket.Recv(s.batch)
		if n == 0 || err != nil {
			break
		}
		for i := range s.batch[:n] {
			s.receive(&s.batch[i])
		}
		taken += n
	}
	// A flood is drained more often than ticks are due, so that a tick never has much of it in front of it.
	s.flooded = taken > floodAbove
}

// receive decides what a datagram is.
func (s *Shard) receive(d *udp.Datagram) {
	s.rx = s.now
	if d.Rx > 0 {
		s.rx = min(d.Rx, s.now)
	}
	switch pkt := d.Buf; {
	case len(pkt) >= wire.MinClientData && wire.IsData(pkt[0]):
		c := s.table.get(binary.LittleEndian.Uint32(pkt[1:]))
		if c == nil {
			s.Stats.Unknown.add(1)
			if reset := s.resetter.Reply(pkt, d.From, s.now, s.socket.Buffer()[:0]); reset != nil {
				s.Stats.Resets.add(1)
				s.reply(reset, d.From)
			}
			return
		}
		s.receiveData(c, d)
	case len(pkt) > 0 && pkt[0] == byte(wire.FormResume):
		s.resume(d)
	default:
		s.Stats.Garbage.add(1)
	}
}

// receiveData lets a connection's peer open its packet, and the peer its connection's methods take what was in it.
func (s *Shard) receiveData(c *conn, d *udp.Datagram) {
	if !c.peer.Receive(d.Buf, d.From, s.rx, c) {
		s.Stats.Refused.add(1)
	}
	if c.bad != wire.CloseNone {
		c.peer.Close(c.bad, s.now)
	}
	c.noticeRestart()
	if cid := c.peer.CID(); cid != c.cid {
		s.table.remove(c.cid) // a resumption's first packet: the old connection id is no more
		c.cid, c.pending = cid, 0
		s.Stats.Resumed.add(1)
		if c.player != nil {
			c.match.Resumed(c.player)
		}
	}
	s.settle(c)
}

// resume answers a RESUME: its client lost its socket, or its process, and has a ticket.
func (s *Shard) resume(d *udp.Datagram) {
	r, err := s.resumer.Open(d.Buf, s.c.Wall())
	switch {
	case err == handshake.ErrResumeExpired:
		s.denyResume(&r, d, wire.DenyExpired)
		return
	case err != nil:
		return // counted by the resumer; whoever made it up learns nothing
	}
	c := s.table.get(r.Ticket.CID)
	if c == nil || c.player == nil {
		s.denyResume(&r, d, wire.DenyGone)
		return
	}
	switch c.resumption.Judge(&r) {
	case handshake.ResumeReused:
		s.denyResume(&r, d, wire.DenyReused)
		return
	case handshake.ResumeNew:
		var random [wire.RandomSize]byte
		s.draw(random[:])
		c.resumption.Begin(&r, random)
		if c.pending != 0 {
			s.table.remove(c.pending)
		}
		c.pending = s.newCID()
		s.table.put(c.pending, c)
	case handshake.ResumeAgain:
		if c.pending == 0 {
			return // its first packet is here already
		}
	}
	a := c.accept(c.pending, d.From)
	random := c.resumption.ServerRandom()
	n := c.peer.BeginResume(s.socket.Buffer(), r.Keys(random), random, &a, d.From)
	s.socket.Queue(n, d.From)
}

func (s *Shard) denyResume(r *handshake.Resume, d *udp.Datagram, why wire.Deny) {
	s.Stats.ResumesDenied.add(1)
	s.reply(handshake.DenyResume(s.socket.Buffer()[:0], r, s.c.Random, why), d.From)
}

// service looks after every connection's transport: timeouts, path probes, streams, goodbyes. It is done early when the
// Step after this one would come too late, so that a fast match's connections cost no wake-ups of their own.
func (s *Shard) service() {
	if len(s.conns) == 0 {
		s.serviceAt = s.now + serviceEvery
		return
	}
	next := s.serviceAt + 1
	for _, m := range s.matches {
		next = min(next, m.due)
	}
	if s.now+shareWithin < s.serviceAt && next < s.serviceAt {
		return
	}
	s.serviceAt = s.now + serviceEvery
	for i := 0; i < len(s.conns); {
		c := s.conns[i]
		if c.fresh && c.player != nil && c.match.info.Carrier {
			s.sendNow(c)
		}
		c.peer.Service(s.now, s.sender)
		if !s.settle(c) {
			i++
		}
	}
}
