package loop

import (
	"io"
	"net/netip"
	"sync"
	"time"

	"github.com/skirmishgg/skirmish/engine/clock"
	"github.com/skirmishgg/skirmish/engine/shard"
	"github.com/skirmishgg/skirmish/engine/udp"
	"github.com/skirmishgg/skirmish/netcode/handshake"
	"github.com/skirmishgg/skirmish/netcode/query"
	"github.com/skirmishgg/skirmish/netcode/token"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// Config is what a Control is made of.
type Config struct {
	ServerID  [8]byte
	TokenKey  token.Key
	TicketKey token.Key
	ResetKey  [32]byte
	Random    io.Reader // secure
	Clock     clock.Clock
	Wall      func() time.Time
	Directory *Directory
	Shards    []*shard.Shard
	Sockets   int // of the port, for the limit on resets; default len(Shards)+1

	// DrainElsewhere answers ELSEWHERE instead of DENY(draining) while the directory is draining: clients try the next
	// address of their token.
	DrainElsewhere bool
	// Admit says whether an address may still ask for a connection: REQUESTs beyond that are dropped before anything is
	// opened. nil: all may.
	Admit func(from netip.Addr, now time.Duration) bool

	// Sessions serves native sessions; nil: there are none, and their tokens are answered with DENY(purpose).
	Sessions    Sessions
	SessionsMax int // beyond: DENY(busy). 0: 8,192
	// Wake gives the loop a turn soon, Port.Wake; any goroutine calls it. nil: what others send waits for the next turn.
	Wake func()

	// Describe fills in what queries are told, once a second at most; nil: queries are not answered.
	Describe func(r *query.Responder)
}

// Control answers what comes to socket 0. One goroutine owns it; Stats may be asked by any.
type Control struct {
	// constant after NewControl
	c Config

	// owned by the loop
	server      *handshake.Server
	queries     *query.Responder
	resumer     *handshake.Resumer
	resetter    *handshake.Resetter
	sessions    *sessions
	serial      uint64 // of admissions
	describedAt time.Duration
	publishedAt time.Duration
	counters    Stats

	mu        sync.Mutex
	published Stats
}

// Stats is what a Control has done.
type Stats struct {
	Handshake handshake.Counters
	Resume    handshake.ResumeCounters
	Reset     handshake.ResetCounters
	Queries   query.Counters
	Joins     uint64 // handed to shards
	NoMatch   uint64 // matches that ended during the handshake
	Draining  uint64 // the same for a drain
	ShardBusy uint64 // the shard's inbox was full: DENY(busy)
	Garbage   uint64 // no form that is anything
	Limited   uint64 // REQUESTs that Admit turned away
	Sessions  SessionStats
}

// NewControl makes a control loop's state.
func NewControl(c Config) *Control {
	if c.Sockets == 0 {
		c.Sockets = len(c.Shards) + 1
	}
	l := &Control{c: c, queries: query.New(query.Config{Random: c.Random}), resumer: handshake.NewResumer(&c.TicketKey)}
	var seed [16]byte
	l.draw(seed[:])
	l.resetter = handshake.NewResetter(&c.ResetKey, seed, c.Sockets)
	l.server = handshake.NewServer(handshake.ServerConfig{
		ID: c.ServerID, TokenKey: c.TokenKey, Random: c.Random, Schemas: l.schemaKnown, Capacity: l.capacity,
	})
	l.sessions = newSessions(l)
	return l
}

// schemaKnown lets session tokens pass, so that capacity can say what is wrong with them.
func (l *Control) schemaKnown(schema [8]byte) bool {
	return schema == [8]byte{} || l.c.Directory.Knows(schema)
}

// capacity is asked for each REQUEST that opened. Whether there is a free place only the match knows.
func (l *Control) capacity(p *token.Private, schema [8]byte) wire.Deny {
	switch {
	case l.c.Directory.Draining.Load() && l.c.DrainElsewhere:
		return handshake.Elsewhere
	case l.c.Directory.Draining.Load():
		return wire.DenyDraining
	case p.Session():
		return l.sessions.deny(schema)
	}
	if _, ok := l.c.Directory.Find(id.UUID(p.MatchID)); !ok {
		return wire.DenyNoMatch
	}
	return 0
}

// Drain is the loop's turn: it takes everything that waits at socket 0, does what is due for sessions, and sends.
func (l *Control) Drain(s udp.Socket, batch []udp.Datagram) error {
	now := l.c.Clock.Now()
	l.sessions.sender = s
	for {
		n, err := s.Recv(batch)
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
		for i := range batch[:n] {
			d := &batch[i]
			l.Answer(s, d.Buf, d.From, now)
		}
	}
	l.sessions.turn(now)
	l.Idle(now)
	return s.Flush()
}

// Next is when Drain has something to do although nothing has arrived: at the latest a second from now.
func (l *Control) Next() time.Duration {
	if len(l.sessions.all) == 0 {
		return l.c.Clock.Now() + idleWait
	}
	return l.sessions.dueAt
}

// EndSessions closes every session after what is queued for it; what it returns is closed when none is left. To be called
// when the directory is draining; a second call does nothing more. Any goroutine.
func (l *Control) EndSessions(why wire.Close) (ended <-chan struct{}) {
	if l.SessionCount() == 0 {
		none := make(chan struct{})
		close(none)
		return none
	}
	l.sessions.ending.Store(uint32(why))
	l.sessions.wake()
	return l.sessions.ended
}

// SessionCount is how many sessions there are, those that are saying goodbye included. Any goroutine.
func (l *Control) SessionCount() int { return int(l.sessions.count.Load()) }

func (l *Control) wake() {
	if l.c.Wake != nil {
		l.c.Wake()
	}
}

// Answer queues the answer to one datagram.
func (l *Control) Answer(s udp.Socket, pkt []byte, from netip.AddrPort, now time.Duration) {
	l.sessions.sender = s
	if reply := l.Handle(pkt, from, now, s.Buffer()[:0]); len(reply) > 0 {
		s.Queue(len(reply), from)
	}
}

// Idle is called when nothing waits: it refreshes what others may read.
func (l *Control) Idle(now time.Duration) {
	if now-l.publishedAt < 100*time.Millisecond && l.publishedAt != 0 {
		return
	}
	l.publishedAt = now
	l.counters.Handshake, l.counters.Resume = l.server.Counters, l.resumer.Counters
	l.counters.Reset, l.counters.Queries = l.resetter.Counters, l.queries.Counters
	l.sessions.counters.Open = len(l.sessions.all)
	l.counters.Sessions = l.sessions.counters
	l.mu.Lock()
	l.published = l.counters
	l.mu.Unlock()
}

// Stats is at most as old as the last datagram that was answered, and a tenth of a second.
func (l *Control) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.published
}

// Handle answers one datagram; the answer is built in out. pkt is spoiled.
func (l *Control) Handle(pkt []byte, from netip.AddrPort, now time.Duration, out []byte) []byte {
	if len(pkt) == 0 {
		l.counters.Garbage++
		return nil
	}
	switch form := wire.Form(pkt[0]); {
	case form == wire.FormRequest && l.c.Admit != nil && !l.c.Admit(from.Addr(), now):
		l.counters.Limited++
		return nil
	case form == wire.FormRequest || form == wire.FormResponse:
		reply, accepted := l.server.Handle(pkt, from, now, l.c.Wall(), out)
		if accepted != nil {
			return l.admit(accepted, now, out)
		}
		return reply
	case form == wire.FormConnectionless:
		if l.c.Describe != nil && (now-l.describedAt >= time.Second || l.describedAt == 0) {
			l.describedAt = now
			l.c.Describe(l.queries)
		}
		return l.queries.Handle(pkt, from, now, out)
	case form == wire.FormResume:
		return l.resume(pkt, from, out)
	case wire.IsData(pkt[0]):
		if l.sessions.receive(pkt, from, now) {
			return nil
		}
		return l.resetter.Reply(pkt, from, now, out)
	}
	l.counters.Garbage++
	return nil
}

// admit sends an accepted connection to the shard of its match, which answers the client.
//
// The route noted with the token is the shard's index and a serial number, so that what comes again goes to the same
// place; of who was refused here, it is the reason.
//
//	u8 shard, 255 for a session · 48 bits serial, from 1 · u8 reason
func (l *Control) admit(a *handshake.Accepted, now time.Duration, out []byte) []byte {
	switch {
	case a.Again:
		return l.again(a, now, out)
	case a.Private.Session():
		return l.sessions.admit(a, out, now)
	}
	info, ok := l.c.Directory.Find(id.UUID(a.Private.MatchID))
	switch {
	case !ok:
		l.counters.NoMatch++
		return l.refuse(a, out, wire.DenyNoMatch)
	case l.c.Directory.Draining.Load():
		l.counters.Draining++
		return l.refuse(a, out, wire.DenyDraining)
	}
	l.serial++
	route := uint64(info.Shard)<<56 | l.serial<<8
	l.server.SetRoute(a, route)
	if !l.c.Shards[info.Shard].Join(&shard.Admission{Accepted: *a, Route: route}) {
		l.counters.ShardBusy++
		return l.refuse(a, out, wire.DenyBusy)
	}
	l.counters.Joins++
	return nil
}

// again answers a RESPONSE that was accepted before: by its shard, or by the refusal that was made here, whose route is a
// reason alone.
func (l *Control) again(a *handshake.Accepted, now time.Duration, out []byte) []byte {
	switch i := int(a.Route >> 56); {
	case a.Route == 0:
		return nil
	case a.Route>>8 == 0:
		return l.server.Deny(out, a, wire.Deny(a.Route))
	case i == sessionRoute:
		return l.sessions.again(a.Route, out, now)
	case i < len(l.c.Shards):
		l.c.Shards[i].Again(&shard.Admission{Accepted: *a, Route: a.Route})
	}
	return nil
}

// refuse denies an accepted connection, and every repetition of it.
func (l *Control) refuse(a *handshake.Accepted, out []byte, why wire.Deny) []byte {
	l.server.SetRoute(a, uint64(why))
	return l.server.Deny(out, a, why)
}

// resume answers for sessions, and for shards that this server has not got.
func (l *Control) resume(pkt []byte, from netip.AddrPort, out []byte) []byte {
	r, err := l.resumer.Open(pkt, l.c.Wall())
	switch err {
	case nil:
		return l.sessions.resume(&r, from, out)
	case handshake.ErrResumeExpired:
		return handshake.DenyResume(out, &r, l.c.Random, wire.DenyExpired)
	}
	return nil
}

func (l *Control) draw(b []byte) {
	if _, err := io.ReadFull(l.c.Random, b); err != nil {
		panic("loop: random source: " + err.Error())
	}
}
