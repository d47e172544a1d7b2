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
	return l
}

// schemaKnown lets session tokens pass, so that capacity can say what is wrong with them.
func (l *Control) schemaKnown(schema [8]byte) bool {
	return schema == [8]byte{} || l.c.Directory.Knows(schema)
}

// capacity is asked for each REQUEST that opened. Whether there is a free place only the match knows.
func (l *Control) capacity(p *token.Private, _ [8]byte) wire.Deny {
	switch {
	case l.c.Directory.Draining.Load() && l.c.DrainElsewhere:
		return handshake.Elsewhere
	case l.c.Directory.Draining.Load():
		return wire.DenyDraining
	case p.Session():
		return wire.DenyPurpose
	}
	if _, ok := l.c.Directory.Find(id.UUID(p.MatchID)); !ok {
		return wire.DenyNoMatch
	}
	return 0
}

// Drain takes everything that waits at socket 0 and sends the answers.
func (l *Control) Drain(s udp.Socket, batch []udp.Datagram) error {
	now := l.c.Clock.Now()
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
	l.Idle(now)
	return s.Flush()
}

// Answer queues the answer to one datagram.
func (l *Control) Answer(s udp.Socket, pkt []byte, from netip.AddrPort, now time.Duration) {
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

// Handle answers one datagram; the answer is built in out.
func (l *Control) Handle(pkt []byte, from netip.AddrPort, now time.Duration, out []byte) []byte {
	if len(pkt) == 0 {
		l.counters.Garbage++
		return nil
	}
	switch form := wire.Form(pkt[0]); {
	case form == wire.FormRequest || form == wire.FormResponse:
		reply, accepted := l.server.Handle(pkt, from, now, l.c.Wall(), out)
		if accepted != nil {
			return l.admit(accepted, out)
		}
		return reply
	case form == wire.FormConnectionless:
		if l.c.Describe != nil && (now-l.describedAt >= time.Second || l.describedAt == 0) {
			l.describedAt = now
			l.c.Describe(l.queries)
		}
		return l.queries.Handle(pkt, from, now, out)
	case form == wire.FormResume:
		return l.resume(pkt, out)
	case wire.IsData(pkt[0]):
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
//	u8 shard · 48 bits serial, from 1 · u8 reason
func (l *Control) admit(a *handshake.Accepted, out []byte) []byte {
	if a.Again {
		return l.again(a, out)
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
func (l *Control) again(a *handshake.Accepted, out []byte) []byte {
	switch i := int(a.Route >> 56); {
	case a.Route == 0:
		return nil
	case a.Route>>8 == 0:
		return l.server.Deny(out, a, wire.Deny(a.Route))
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

// resume answers for shards that this server has not got.
func (l *Control) resume(pkt []byte, out []byte) []byte {
	r, err := l.resumer.Open(pkt, l.c.Wall())
	switch err {
	case nil:
		return handshake.DenyResume(out, &r, l.c.Random, wire.DenyGone)
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
