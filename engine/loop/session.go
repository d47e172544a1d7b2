package loop

import (
	"errors"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"github.com/skirmishgg/skirmish/netcode/channel"
	"github.com/skirmishgg/skirmish/netcode/handshake"
	"github.com/skirmishgg/skirmish/netcode/peer"
	"github.com/skirmishgg/skirmish/netcode/token"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// Sessions is who serves native sessions: a door. The loop calls it, so it must not block.
type Sessions interface {
	// Open is asked when a client has proved its address and its token was not used before. It answers who is to hear of
	// the session from now on, or why there is none. p is valid until it returns, but for its GameData, which may be kept.
	Open(s *Session, p *token.Private) (Receiver, wire.Deny)
}

// Receiver hears what happens to one session, on the loop.
type Receiver interface {
	// Message is a whole stream message, borrowed until it returns. more says whether the next one may come: if not, it
	// waits in the stream, whose sender is pushed back, until Session.Read.
	Message(ch uint8, msg []byte) (more bool)
	// Room says that a session that was Full is not any more.
	Room()
	// Restarted says that the client is another process, without memory: what was under way, in either direction, is void.
	// What was queued before it returns is dropped.
	Restarted()
	// Closed is the last call.
	Closed(why wire.Close)
}

// ErrSessionClosed refuses what is sent to a session that has ended, or is about to.
var ErrSessionClosed = errors.New("loop: the session is over")

// ErrSessionFull refuses what is sent to a session whose queue is full, and ends the session.
var ErrSessionFull = errors.New("loop: the session's queue is full")

// Limits of one session. What waits is counted in bytes, with what a message costs beside its own.
const (
	queueMax    = 1 << 20       // policy when full: the session is closed with overflow
	queueFull   = queueMax / 2  // from here on Full
	queueRoom   = queueFull / 2 // until here
	messageCost = 64
	// sessionRate is the bytes a second that a session's streams may fill: an answer of 1 MB takes four seconds.
	sessionRate = 256 << 10
	// goodbyeWithin is how long what was queued may take to arrive before a session that is being closed is.
	goodbyeWithin = time.Second
	// restPart of the timeout is how long a session may be silent before it says that it is there. A phone's radio should
	// sleep in between, and nine of ten such packets may be lost.
	restPart = 10
)

// Session is one native session: a peer without match and ticks.
//
//	handshake ── Open ── messages both ways ── Close: what is queued goes out first ── goodbyes ── forgotten
//	                                    └── CLOSE, silence, a packet that makes no sense ───────────┘
type Session struct {
	// constant after Open
	owner    *sessions
	receiver Receiver
	route    uint64
	timeout  time.Duration

	// owned by the loop
	peer       *peer.Peer
	at         int // in sessions.all
	cid        uint32
	pending    uint32 // connection id of a resumption in progress
	resumption handshake.Resumption
	ticketSeq  uint32
	paper      token.Ticket // what its tickets have in common
	restarted  uint64       // of the peer's counter of that name, those that the receiver knows of
	unread     uint8        // bit ch: the stream is held
	waiting    *parcel      // taken from queue, oldest first, not yet in the stream
	last       *parcel
	closeBy    time.Duration // when a Close stops waiting for what is queued; 0: none
	told       bool          // Closed was called

	// any goroutine
	queue    atomic.Pointer[parcel] // newest first
	queued   atomic.Int64           // bytes in queue and waiting
	wantRoom atomic.Bool            // Full has said yes
	wantRead atomic.Bool            // Read was called
	wantEnd  atomic.Uint32          // reason of Close
	over     atomic.Bool
}

// parcel is one or more messages that follow each other in a stream.
type parcel struct {
	next     *parcel
	ch       uint8
	messages [][]byte
	sent     int
	cost     int64
}

// Send queues messages, each of at most 64 KB, for stream channel ch, 4 to 7; nothing comes between them. The caller gives
// them up. Any goroutine.
// Errors: ErrSessionClosed; ErrSessionFull, which ends the session.
func (s *Session) Send(ch uint8, messages ...[]byte) error {
	if s.over.Load() || s.wantEnd.Load() != 0 {
		return ErrSessionClosed
	}
	if s.queued.Load() >= queueMax {
		s.Close(wire.CloseOverflow)
		return ErrSessionFull
	}
	p := &parcel{ch: ch, messages: messages, cost: messageCost}
	for _, m := range messages {
		p.cost += int64(len(m))
	}
	s.queued.Add(p.cost)
	before := s.queue.Load()
	for p.next = before; !s.queue.CompareAndSwap(before, p); p.next = before {
		before = s.queue.Load()
	}
	if before == nil { // p is the loop's now; otherwise whoever queued before has said so
		s.owner.mark(s)
	}
	return nil
}

// Full reports that so much waits to be sent that whoever can should wait for Receiver.Room. Any goroutine.
func (s *Session) Full() bool {
	if s.queued.Load() < queueFull {
		return false
	}
	s.wantRoom.Store(true)
	return s.queued.Load() >= queueRoom // else the loop may have looked before it was told
}

// Read has messages come again after Receiver.Message said that none should. Any goroutine.
func (s *Session) Read() {
	s.wantRead.Store(true)
	s.owner.mark(s)
}

// Close ends the session after what is queued, for which it waits a second; with overflow at once. The first reason
// counts. Any goroutine.
func (s *Session) Close(why wire.Close) {
	if s.wantEnd.CompareAndSwap(0, uint32(why)) {
		s.owner.mark(s)
	}
}

// Addr is where the client is. The loop only.
func (s *Session) Addr() netip.AddrPort { return s.peer.Addr() }

// take moves what others have queued behind what waits, in the order in which it was queued.
func (s *Session) take() {
	var first, last *parcel
	for p := s.queue.Swap(nil); p != nil; {
		next := p.next
		if last == nil {
			last = p
		}
		p.next, first = first, p
		p = next
	}
	switch {
	case first == nil:
		return
	case s.waiting == nil:
		s.waiting = first
	default:
		s.last.next = first
	}
	s.last = last
}

// feed gives the streams what they take, and says so when there is room again. Some bug of a caller's, such as an empty
// message, ends the session.
func (s *Session) feed(now time.Duration) {
	for p := s.waiting; p != nil; p = s.waiting {
		for p.sent < len(p.messages) {
			switch err := s.peer.SendStream(p.ch, p.messages[p.sent]); err {
			case nil:
				p.messages[p.sent] = nil
				p.sent++
			case channel.ErrBackpressure:
				return
			default:
				s.peer.Close(wire.CloseOverflow, now)
				return
			}
		}
		s.drop(p)
	}
}

func (s *Session) drop(p *parcel) {
	s.waiting = p.next
	if s.queued.Add(-p.cost) < queueRoom && s.wantRoom.Load() && s.wantRoom.Swap(false) && !s.told {
		s.receiver.Room()
	}
}

// OnStream hands a message on, unless the session is ending.
func (s *Session) OnStream(ch uint8, msg []byte) {
	s.noticeRestart() // it may be in the very packet that brought this
	if s.told || s.wantEnd.Load() != 0 {
		return
	}
	if !s.receiver.Message(ch, msg) {
		s.unread |= 1 << ch
		s.peer.HoldStream(ch)
	}
}

func (s *Session) noticeRestart() {
	if s.peer.Counters.Restarted == s.restarted {
		return
	}
	s.restarted = s.peer.Counters.Restarted
	if s.told {
		return
	}
	s.receiver.Restarted()
	s.take()
	for p := s.waiting; p != nil; p = s.waiting {
		s.drop(p)
	}
	if s.unread != 0 {
		s.Read()
	}
}

// OnEvent, OnMessage, OnTick, OnInput: a session has streams only; the rest is ignored, so that a later version may have a
// use for it.
func (s *Session) OnEvent(uint8, []byte) { s.owner.counters.Ignored++ }

func (s *Session) OnMessage(uint8, []byte) { s.owner.counters.Ignored++ }

func (s *Session) OnTick(peer.TickInfo) { s.owner.counters.Ignored++ }

func (s *Session) OnInput(peer.TickInfo, []byte) { s.owner.counters.Ignored++ }

// OnSnapshot and OnTicket are a client's.
func (s *Session) OnSnapshot(peer.TickInfo, []byte) {}

func (s *Session) OnTicket([32]byte, []byte) {}

// accept is what a client is told when its connection begins, or begins anew.
func (s *Session) accept(cid uint32, addr netip.AddrPort) handshake.Accept {
	a := handshake.Accept{
		CID: cid, MaxPayload: wire.MaxDatagram, Timeout: s.timeout, ResetToken: s.resetToken(cid, addr.Addr()),
	}
	a.Secret, a.Ticket = s.mintTicket(nil, cid)
	return a
}

func (s *Session) resetToken(cid uint32, ip netip.Addr) [wire.ResetTokenSize]byte {
	return handshake.ResetToken(&s.owner.control.c.ResetKey, cid, ip)
}

// appendTicket is the body of a TICKET frame: the peer asks for one every 30 s.
func (s *Session) appendTicket(dst []byte) []byte {
	var room [wire.TicketSize]byte
	secret, ticket := s.mintTicket(room[:0], s.cid)
	return handshake.AppendTicket(dst, &secret, ticket)
}

func (s *Session) mintTicket(dst []byte, cid uint32) (secret [32]byte, ticket []byte) {
	l := s.owner.control
	var nonce [wire.NonceSize]byte
	l.draw(nonce[:])
	l.draw(secret[:])
	t := s.paper
	t.CID, t.Seq, t.Secret, t.Issued = cid, s.ticketSeq, secret, l.c.Wall()
	s.ticketSeq++
	return secret, s.owner.tickets.Seal(slices.Grow(dst, wire.TicketSize), &t, nonce)
}
