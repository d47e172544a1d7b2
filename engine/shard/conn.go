package shard

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"time"

	"github.com/skirmishgg/skirmish/engine/match"
	"github.com/skirmishgg/skirmish/netcode/handshake"
	"github.com/skirmishgg/skirmish/netcode/peer"
	"github.com/skirmishgg/skirmish/netcode/token"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// conn is one connection of one match: its peer's handler and its player's link.
//
//	join ── attached to a match and a player ── detached (the match is over, he left, he was replaced) ── forgotten
//
// Detached it only says goodbye.
type conn struct {
	shard *Shard
	peer  *peer.Peer
	at    int // in shard.conns

	// until it is detached
	match  *running
	player *match.Player
	inTurn int // in match.conns

	fresh     bool          // of a carrier: something was queued since the last datagram of sendNow
	freshAt   time.Duration // when that was
	bad       wire.Close    // what its client did wrong
	restarted uint64        // of the peer's counter of that name, those that the match knows of

	cid        uint32
	pending    uint32 // connection id of a resumption in progress
	route      uint64
	resumption handshake.Resumption
	ticketSeq  uint32
	paper      token.Ticket // what its tickets have in common
	timeout    time.Duration
}

// join makes a connection of an admission, or tells its client why not.
func (s *Shard) join(a *Admission) {
	if s.joinedAlready(a.Route) != nil {
		return
	}
	c, deny := s.admit(a)
	if deny != 0 {
		s.Stats.denied(deny)
		s.refused[s.refusals%refusedMax] = refusal{a.Route, deny}
		s.refusals++
		s.deny(a, deny)
		return
	}
	s.sendAccept(c)
}

// refusal is remembered for the RESPONSE that comes again because the DENY was lost. It is not judged again: its keys may
// have been used, and keys are for one connection.
type refusal struct {
	route uint64
	why   wire.Deny
}

// refusedMax is a ring: who asks again after so many others were refused hears nothing, and gives up.
const refusedMax = 256

func (s *Shard) deny(a *Admission, why wire.Deny) {
	s.reply(handshake.Deny(s.socket.Buffer()[:0], &a.Accepted.Private, s.c.Random, why), a.Accepted.From)
}

func (s *Shard) admit(a *Admission) (*conn, wire.Deny) {
	p := &a.Accepted.Private
	m := s.find(p.MatchID)
	switch {
	case s.draining:
		return nil, wire.DenyDraining
	case m == nil:
		return nil, wire.DenyNoMatch
	case a.Accepted.Schema != m.info.Schema:
		return nil, wire.DenyVersion
	case len(s.conns) >= s.connsMax:
		return nil, wire.DenyFull
	}
	who := whoIs(p)
	if deny := m.Room(who); deny != 0 {
		return nil, deny
	}
	c := s.newConn(a, m.info.Carrier)
	player, deny, _ := m.Join(who, c)
	if deny != 0 {
		return nil, deny
	}
	c.player, c.match = player, m
	c.inTurn = len(m.conns)
	m.conns = append(m.conns, c)
	c.at = len(s.conns)
	s.conns = append(s.conns, c)
	s.table.put(c.cid, c)
	m.publish()
	s.Stats.Conns.Store(int64(len(s.conns)))
	return c, 0
}

func whoIs(p *token.Private) match.Who {
	data, spectator := strings.CutPrefix(string(p.GameData), match.SpectatorPrefix)
	return match.Who{UserID: id.UUID(p.UserID), Username: p.Username, Data: []byte(data), Spectator: spectator}
}

// restPart of the timeout is how long a connection without ticks may be silent before it says that it is there.
const restPart = 10

func (s *Shard) newConn(a *Admission, carrier bool) *conn {
	p := &a.Accepted.Private
	c := &conn{shard: s, cid: s.newCID(), route: a.Route, timeout: p.Timeout}
	c.paper = token.Ticket{
		Schema: a.Accepted.Schema, Suite: p.Suite, UserID: p.UserID, MatchID: p.MatchID, SessionID: p.SessionID,
	}
	conf := peer.Config{
		Server: true, Keys: a.Accepted.Keys, Schema: a.Accepted.Schema, CID: c.cid, Addr: a.Accepted.From,
		Timeout: p.Timeout, Random: s.c.Random, Ticket: c.appendTicket, ResetToken: c.resetToken,
	}
	if carrier {
		conf.KeepAlive = p.Timeout / restPart
	}
	c.peer = peer.New(conf, s.now)
	return c
}

// newCID is random, so that one of before a restart is known for a stranger's, and nobody guesses another's.
func (s *Shard) newCID() uint32 {
	for {
		var b [4]byte
		s.draw(b[:])
		cid := binary.LittleEndian.Uint32(b[:])&^0xFF | uint32(s.c.Index+1)
		if cid>>8 != 0 && s.table.get(cid) == nil {
			return cid
		}
	}
}

func (s *Shard) sendAccept(c *conn) {
	a := c.accept(c.cid, c.peer.Addr())
	n := c.peer.Accept(s.socket.Buffer(), &a, s.now)
	s.socket.Queue(n, c.peer.Addr())
	s.Stats.Accepts.add(1)
}

// answerAgain answers a RESPONSE that came again as it was answered before. A walk over all connections, a few
// microseconds: only a holder of a good token can cause it.
func (s *Shard) answerAgain(a *Admission) {
	if c := s.joinedAlready(a.Route); c != nil {
		if c.player != nil {
			s.sendAccept(c)
		}
		return
	}
	for i := range s.refused {
		if s.refused[i].route == a.Route {
			s.deny(a, s.refused[i].why)
			return
		}
	}
}

func (s *Shard) joinedAlready(route uint64) *conn {
	for _, c := range s.conns {
		if c.route == route {
			return c
		}
	}
	return nil
}

// accept is what a client is told when its connection begins, or begins anew.
func (c *conn) accept(cid uint32, addr netip.AddrPort) handshake.Accept {
	rate := c.match.info.Rate
	if c.match.info.Carrier {
		rate = 0 // there are no ticks that a client should know of
	}
	a := handshake.Accept{
		CID: cid, TickRate: uint16(rate), ServerTick: c.match.LastTick(), MaxPayload: wire.MaxDatagram,
		Timeout: c.timeout, ResetToken: c.resetToken(cid, addr.Addr()),
	}
	a.Secret, a.Ticket = c.mintTicket(nil, cid)
	return a
}

func (c *conn) resetToken(cid uint32, ip netip.Addr) [wire.ResetTokenSize]byte {
	return handshake.ResetToken(&c.shard.c.ResetKey, cid, ip)
}

// appendTicket is the body of a TICKET frame: the peer asks for one every 30 s.
func (c *conn) appendTicket(dst []byte) []byte {
	var room [wire.TicketSize]byte
	secret, ticket := c.mintTicket(room[:0], c.cid)
	return handshake.AppendTicket(dst, &secret, ticket)
}

func (c *conn) mintTicket(dst []byte, cid uint32) (secret [32]byte, ticket []byte) {
	s := c.shard
	s.draw(s.nonce[:])
	s.draw(s.secret[:])
	t := c.paper
	t.CID, t.Seq, t.Secret, t.Issued = cid, c.ticketSeq, s.secret, s.c.Wall()
	c.ticketSeq++
	return s.secret, s.tickets.Seal(dst, &t, s.nonce)
}

// settle detaches a connection that is ending and forgets one that has ended; gone says the latter.
func (s *Shard) settle(c *conn) (gone bool) {
	state, why := c.peer.State()
	if state == peer.Open {
		return false
	}
	if c.player != nil {
		m, p := c.match, c.player
		m.detach(c)
		if why == wire.CloseTimeout {
			s.Stats.Timeouts.add(1)
			m.Lost(p, c)
		} else {
			m.Left(p, c, why)
		}
		m.publish()
	}
	if state == peer.Closed {
		s.forget(c)
	}
	return state == peer.Closed
}

func (s *Shard) forget(c *conn) {
	s.table.remove(c.cid)
	if c.pending != 0 {
		s.table.remove(c.pending)
	}
	last := len(s.conns) - 1
	s.conns[c.at] = s.conns[last]
	s.conns[c.at].at = c.at
	s.conns[last] = nil
	s.conns = s.conns[:last]
	s.Stats.Conns.Store(int64(last))
}

// OnTick: what the client had seen when it sent this.
func (c *conn) OnTick(t peer.TickInfo) {
	if c.player != nil && t.DecodedDelta != peer.None {
		c.match.Saw(c.player, t.Tick, t.Tick-uint32(t.DecodedDelta))
	}
}

// OnInput gives the match the inputs of a packet.
func (c *conn) OnInput(t peer.TickInfo, body []byte) {
	if c.player != nil && !c.match.Input(c.player, t.Tick, body, c.match.due-c.shard.rx) {
		c.bad = wire.CloseProtocol
	}
}

// OnEvent, OnMessage and OnStream put what the client says into the match's mail.
func (c *conn) OnEvent(ch uint8, data []byte) { c.mail(match.MessageEvent, ch, data) }

func (c *conn) OnMessage(ch uint8, data []byte) { c.mail(match.MessageLossy, ch, data) }

func (c *conn) OnStream(ch uint8, data []byte) { c.mail(match.MessageStream, ch, data) }

func (c *conn) mail(kind match.MessageKind, ch uint8, data []byte) {
	c.noticeRestart() // it may be in the very packet that brought this
	if c.player != nil && !c.match.Receive(c.player, kind, ch, data) {
		c.bad = wire.CloseOverflow
	}
}

// noticeRestart tells the match of a client that is another process, without memory.
func (c *conn) noticeRestart() {
	if n := c.peer.Counters.Restarted; n != c.restarted && c.player != nil {
		c.restarted = n
		c.match.Restarted(c.player)
	}
}

// OnSnapshot and OnTicket are a client's.
func (c *conn) OnSnapshot(peer.TickInfo, []byte) {}

func (c *conn) OnTicket([32]byte, []byte) {}

// SendEvent, SendUnreliable and SendStream are the match's way to the client. A queue over its limit closes the peer,
// which settle sees.
func (c *conn) SendEvent(ch uint8, data []byte) error {
	c.fresh = true
	return c.peer.SendEvent(ch, data, c.shard.now)
}

func (c *conn) SendUnreliable(ch uint8, data []byte) error {
	c.fresh = true
	return c.peer.SendUnreliable(ch, data)
}

func (c *conn) SendStream(ch uint8, data []byte) error {
	return c.peer.SendStream(ch, data)
}

// EventRoom and StreamsIdle say how far the client has got.
func (c *conn) EventRoom() int { return c.peer.EventRoom() }

func (c *conn) StreamsIdle() bool { return c.peer.StreamsIdle() }

// Close is the match's goodbye.
func (c *conn) Close(why wire.Close) {
	c.peer.Close(why, c.shard.now)
	if c.player != nil {
		c.match.detach(c)
	}
}
