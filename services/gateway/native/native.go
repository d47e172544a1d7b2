package native

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/skirmishgg/skirmish/engine/loop"
	"github.com/skirmishgg/skirmish/netcode/token"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/protocol/wire"
	"github.com/skirmishgg/skirmish/services/connect"
	"github.com/skirmishgg/skirmish/services/gateway"
	"github.com/skirmishgg/skirmish/services/gateway/worker"
	"github.com/skirmishgg/skirmish/services/session"
)

// Config is what a Door is made of.
type Config struct {
	Door    *gateway.Door
	Workers *worker.Pool
	// Identify reads who opens a session: connect.Service's.
	Identify func(p *token.Private) (connect.Identity, error)
	// Ended reports whether all that a user held has been revoked since: session.Service's. nil: nothing ever is.
	Ended func(user id.UUID, issued time.Time) bool
	// Opened hears of each session before its first call, on the loop; Closed of its end, from a worker, after its last
	// call. nil: nobody wants to know.
	Opened func(c session.Conn)
	Closed func(c session.Conn)

	RequestMax   int  // bytes of a request's table; 0: 256 KB
	SingleSocket bool // a user's new session ends his older ones
}

// Limits of one session, beside those of its stream.
const (
	callsMax       = 32 // waiting calls; then its stream is not read
	callBytesMax   = 256 << 10
	requestDefault = 256 << 10 // as much as REST takes
	// answerWithin is how long a session that the server ends waits for the call under way.
	answerWithin = 5 * time.Second
)

// Door serves the native sessions of a control loop.
type Door struct {
	c        Config
	counters counters
}

var _ loop.Sessions = (*Door)(nil)

// Stats counts what a Door did.
type Stats struct {
	Opened, Open uint64
	Refused      uint64 // sessions: token of another kind, revoked, twice
	Calls        uint64
	Pushes       uint64
	Malformed    uint64 // messages that break the format: the session is closed
	Unreadable   uint64 // requests whose table does not verify
	Unknown      uint64 // requests for operations that do not exist
	TooLarge     uint64 // requests
	Held         uint64 // times that a session's stream was not read because too many calls waited
	Overflows    uint64 // sessions closed because their client did not take what was sent
	Restarted    uint64 // sessions taken up by another process of the client
}

type counters struct {
	opened, open, refused, calls, pushes, malformed, unreadable, unknown, tooLarge, held, overflows, restarted atomic.Uint64
}

// New makes a door.
func New(c Config) *Door {
	if c.RequestMax <= 0 {
		c.RequestMax = requestDefault
	}
	if c.Ended == nil {
		c.Ended = func(id.UUID, time.Time) bool { return false }
	}
	return &Door{c: c}
}

// Stats may be asked by any goroutine.
func (d *Door) Stats() Stats {
	c := &d.counters
	return Stats{
		Opened: c.opened.Load(), Open: c.open.Load(), Refused: c.refused.Load(), Calls: c.calls.Load(), Pushes: c.pushes.Load(),
		Malformed: c.malformed.Load(), Unreadable: c.unreadable.Load(), Unknown: c.unknown.Load(), TooLarge: c.tooLarge.Load(),
		Held: c.held.Load(), Overflows: c.overflows.Load(), Restarted: c.restarted.Load(),
	}
}

// Open makes a connection of a session whose client has proved its address.
func (d *Door) Open(s *loop.Session, p *token.Private) (loop.Receiver, wire.Deny) {
	who, err := d.c.Identify(p)
	if err != nil || id.UUID(p.UserID).IsZero() || id.UUID(p.SessionID).IsZero() || d.c.Door.Live.Find(p.SessionID) != nil {
		d.counters.refused.Add(1)
		return nil, wire.DenyRefused
	}
	c := &conn{door: d, session: s, id: p.SessionID, caller: op.Caller{
		UserID: p.UserID, Username: p.Username, Vars: who.Vars, SessionID: id.UUID(p.SessionID).String(), Lang: lang, Node: d.c.Door.Node, Host: who.Host,
	}}
	c.caller.Conn = c
	c.caller.ClientIP, c.caller.ClientPort = addressOf(s.Addr())
	c.reader.Max = d.c.RequestMax
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.line = d.c.Workers.Line(callsMax, nil)
	older := d.c.Door.Live.Add(c)
	// Whoever revokes kicks afterwards: being live first, a session is either refused here or kicked.
	if !who.Issued.IsZero() && d.c.Ended(p.UserID, who.Issued) {
		d.counters.refused.Add(1)
		d.c.Door.Live.Remove(c)
		c.cancel()
		return nil, wire.DenyExpired
	}
	if d.c.Opened != nil {
		d.c.Opened(c)
	}
	d.counters.opened.Add(1)
	d.counters.open.Add(1)
	if d.c.SingleSocket {
		session.Replace(older)
	}
	return c, 0
}
