package loop

import (
	"encoding/binary"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/skirmishgg/skirmish/engine/ring"
	"github.com/skirmishgg/skirmish/netcode/handshake"
	"github.com/skirmishgg/skirmish/netcode/peer"
	"github.com/skirmishgg/skirmish/netcode/token"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

const (
	sessionsDefault = 8192 // 6 KB each at rest, 26 with a stream in use, see TestSessionsAtRest
	serviceEvery    = 10 * time.Millisecond
	idleWait        = time.Second
	// sessionRoute stands where an admission's route has its shard; there are at most 254.
	sessionRoute = 255
)

// SessionStats is what the loop has done for native sessions.
type SessionStats struct {
	Open      int
	Opened    uint64
	Closed    [wire.CloseOverrun + 1]uint64 // by reason
	Denied    [wire.DenyGone + 1]uint64     // by reason, after the handshake
	Resumed   uint64
	Restarted uint64 // of Resumed: by a client without memory
	NoResume  uint64 // RESUMEs denied
	Refused   uint64 // datagrams for a session that were not authentic
	Ignored   uint64 // events, messages, ticks: nothing that a session has
}

// sessions is the loop's table of native sessions.
type sessions struct {
	// constant after newSessions
	control *Control
	serve   Sessions // nil: there are none here, DENY(purpose)
	max     int

	// owned by the loop
	byCID    map[uint32]*Session // one that is being resumed is there twice
	byRoute  map[uint64]*Session
	all      []*Session
	due      []time.Duration // of all[i]: when its peer wants service. Beside it, because the loop walks it each time
	dueAt    time.Duration   // the least of due, or earlier
	tickets  *token.Tickets
	counters SessionStats
	sender   peer.Sender // of this turn
	gone     bool        // ended is closed

	// any goroutine
	marked *ring.MPSC[*Session] // those that have something for the loop
	missed atomic.Bool          // marked had no room: look at all of them
	woken  atomic.Bool          // the loop was woken and has not looked yet
	ending atomic.Uint32        // reason to close all of them
	ended  chan struct{}        // closed when ending is done
	count  atomic.Int64
}

func newSessions(l *Control) *sessions {
	t := &sessions{
		control: l, serve: l.c.Sessions, max: l.c.SessionsMax, byCID: map[uint32]*Session{}, byRoute: map[uint64]*Session{},
		tickets: token.NewTickets(&l.c.TicketKey), ended: make(chan struct{}),
	}
	if t.max <= 0 {
		t.max = sessionsDefault
	}
	if t.serve != nil {
		t.marked = ring.NewMPSC[*Session](2 * t.max)
	}
	return t
}

// mark tells the loop to look at a session. Any goroutine.
func (t *sessions) mark(s *Session) {
	if !t.marked.TryPush(s) {
		t.missed.Store(true)
	}
	t.wake()
}

func (t *sessions) wake() {
	if !t.woken.Swap(true) {
		t.control.wake()
	}
}

// deny says whether a REQUEST for a session has a chance.
func (t *sessions) deny(schema [8]byte) wire.Deny {
	switch {
	case t.serve == nil:
		return wire.DenyPurpose
	case schema != [8]byte{}:
		return wire.DenyVersion
	case len(t.all) >= t.max:
		return wire.DenyBusy
	}
	return 0
}

// admit makes a session of an accepted handshake and queues its ACCEPT, or returns the refusal.
func (t *sessions) admit(a *handshake.Accepted, out []byte, now time.Duration) []byte {
	l := t.control
	why := t.deny(a.Schema)
	if l.c.Directory.Draining.Load() {
		why = wire.DenyDraining
	}
	var s *Session
	if why == 0 {
		s = t.newSession(a, now)
		s.receiver, why = t.serve.Open(s, &a.Private)
	}
	if why != 0 {
		t.counters.Denied[min(why, wire.DenyGone)]++
		return l.refuse(a, out, why)
	}
	l.serial++
	s.route = sessionRoute<<56 | l.serial<<8
	l.server.SetRoute(a, s.route)
	s.at = len(t.all)
	t.all, t.due = append(t.all, s), append(t.due, now)
	t.byCID[s.cid], t.byRoute[s.route] = s, s
	t.count.Store(int64(len(t.all)))
	t.counters.Opened++
	t.dueAt = now
	return t.sendAccept(s, out, now)
}

func (t *sessions) newSession(a *handshake.Accepted, now time.Duration) *Session {
	p := &a.Private
	s := &Session{owner: t, at: -1, cid: t.newCID(), timeout: p.Timeout}
	s.paper = token.Ticket{Suite: p.Suite, UserID: p.UserID, SessionID: p.SessionID}
	s.peer = peer.New(peer.Config{
		Server: true, Keys: a.Keys, CID: s.cid, Addr: a.From, Timeout: p.Timeout, KeepAlive: p.Timeout / restPart,
		RateBytes: sessionRate, Random: t.control.c.Random, Ticket: s.appendTicket, ResetToken: s.resetToken,
	}, now)
	return s
}

// newCID is random, so that one of before a restart is known for a stranger's, and nobody guesses another's. Its low byte
// is the steering byte of socket 0.
func (t *sessions) newCID() uint32 {
	for {
		var b [4]byte
		t.control.draw(b[1:])
		if cid := binary.LittleEndian.Uint32(b[:]); cid != 0 && t.byCID[cid] == nil {
			return cid
		}
	}
}

func (t *sessions) sendAccept(s *Session, out []byte, now time.Duration) []byte {
	a := s.accept(s.cid, s.peer.Addr())
	return out[:s.peer.Accept(out[:cap(out)], &a, now)]
}

// again answers a RESPONSE whose ACCEPT was lost.
func (t *sessions) again(route uint64, out []byte, now time.Duration) []byte {
	if s := t.byRoute[route]; s != nil && s.peer.Stats().PacketsIn == 0 {
		return t.sendAccept(s, out, now)
	}
	return nil
}

// receive takes a data datagram of steering byte 0; false when its connection is not known.
func (t *sessions) receive(pkt []byte, from netip.AddrPort, now time.Duration) bool {
	if len(pkt) < wire.MinClientData {
		return false
	}
	s := t.byCID[binary.LittleEndian.Uint32(pkt[1:])]
	if s == nil {
		return false
	}
	if !s.peer.Receive(pkt, from, now, s) {
		t.counters.Refused++
	}
	s.noticeRestart()
	if cid := s.peer.CID(); cid != s.cid {
		delete(t.byCID, s.cid) // a resumption's first packet: the old connection id is no more
		s.cid, s.pending = cid, 0
		t.counters.Resumed++
	}
	s.feed(now) // acks may have made room
	t.attend(s, now)
	return true
}

// resume judges a RESUME that opened; gone is for a connection that is not known.
func (t *sessions) resume(r *handshake.Resume, from netip.AddrPort, out []byte) []byte {
	l := t.control
	s := t.byCID[r.Ticket.CID]
	if s == nil || s.told {
		t.counters.NoResume++
		return handshake.DenyResume(out, r, l.c.Random, wire.DenyGone)
	}
	switch s.resumption.Judge(r) {
	case handshake.ResumeReused:
		t.counters.NoResume++
		return handshake.DenyResume(out, r, l.c.Random, wire.DenyReused)
	case handshake.ResumeNew:
		var random [wire.RandomSize]byte
		l.draw(random[:])
		s.resumption.Begin(r, random)
		if s.pending != 0 {
			delete(t.byCID, s.pending)
		}
		s.pending = t.newCID()
		t.byCID[s.pending] = s
	case handshake.ResumeAgain:
		if s.pending == 0 {
			return nil // its first packet is here already
		}
	}
	a := s.accept(s.pending, from)
	random := s.resumption.ServerRandom()
	return out[:s.peer.BeginResume(out[:cap(out)], r.Keys(random), random, &a, from)]
}

// turn does what other goroutines asked for, and what is due.
func (t *sessions) turn(now time.Duration) {
	if t.marked == nil {
		return
	}
	t.woken.Store(false) // before looking: whoever marks from here on wakes again
	for s, ok := t.marked.TryPop(); ok; s, ok = t.marked.TryPop() {
		t.look(s, now)
	}
	if t.missed.Swap(false) {
		for i := len(t.all) - 1; i >= 0; i-- {
			t.look(t.all[i], now)
		}
	}
	t.endAll(now)
	if now >= t.dueAt {
		t.attendDue(now)
	}
	if t.ending.Load() != 0 && len(t.all) == 0 && !t.gone {
		t.gone = true
		close(t.ended)
	}
}

func (t *sessions) attendDue(now time.Duration) {
	for i := len(t.all) - 1; i >= 0; i-- { // backwards: attend may move the last one into a place behind
		if t.due[i] <= now {
			t.attend(t.all[i], now)
		}
	}
	t.dueAt = now + idleWait
	for _, at := range t.due {
		t.dueAt = min(t.dueAt, at)
	}
}

// endAll closes every session, once that was asked for.
func (t *sessions) endAll(now time.Duration) {
	why := wire.Close(t.ending.Load())
	if why == 0 {
		return
	}
	for i := len(t.all) - 1; i >= 0; i-- {
		if s := t.all[i]; s.wantEnd.CompareAndSwap(0, uint32(why)) {
			t.look(s, now)
		}
	}
}

// look does what others asked of a session.
func (t *sessions) look(s *Session, now time.Duration) {
	if s.at < 0 {
		return // forgotten, with a mark left
	}
	s.take()
	if s.wantRead.Swap(false) {
		for ch := uint8(0); s.unread>>ch != 0; ch++ {
			if s.unread>>ch&1 != 0 {
				s.unread &^= 1 << ch
				s.peer.ReleaseStream(ch, now, s)
			}
		}
	}
	s.feed(now)
	if why := wire.Close(s.wantEnd.Load()); why != 0 && s.closeBy == 0 {
		s.closeBy = now + goodbyeWithin
		if why == wire.CloseOverflow {
			s.closeBy = now
		}
	}
	t.attend(s, now)
}

// attend does what is due for a session's transport and finds out when that is next.
func (t *sessions) attend(s *Session, now time.Duration) {
	if s.closeBy > 0 {
		if now >= s.closeBy || s.waiting == nil && s.peer.StreamsIdle() {
			s.peer.Close(wire.Close(s.wantEnd.Load()), now)
		}
	}
	next := s.peer.Next(now)
	if next <= now {
		s.feed(now)
		s.peer.Service(now, t.sender)
		next = max(s.peer.Next(now), now+time.Millisecond)
	}
	if s.closeBy > 0 {
		next = min(next, now+serviceEvery)
	}
	state, why := s.peer.State()
	if state != peer.Open && !s.told {
		t.end(s, why)
	}
	if state == peer.Closed {
		t.forget(s)
		return
	}
	t.due[s.at] = next
	t.dueAt = min(t.dueAt, next)
}

// end tells the receiver that it is over.
func (t *sessions) end(s *Session, why wire.Close) {
	s.told = true
	s.over.Store(true)
	t.counters.Closed[min(why, wire.CloseOverrun)]++
	s.receiver.Closed(why)
}

func (t *sessions) forget(s *Session) {
	delete(t.byCID, s.cid)
	if s.pending != 0 {
		delete(t.byCID, s.pending)
	}
	delete(t.byRoute, s.route)
	last := len(t.all) - 1
	t.all[s.at], t.due[s.at] = t.all[last], t.due[last]
	t.all[s.at].at = s.at
	t.all[last] = nil
	t.all, t.due = t.all[:last], t.due[:last]
	s.at = -1
	t.count.Store(int64(last))
}
