package carry

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/heroiclabs/nakama-common/rtapi"

	"github.com/skirmishgg/skirmish/engine/match"
	"github.com/skirmishgg/skirmish/engine/ring"
	"github.com/skirmishgg/skirmish/engine/shard"
	"github.com/skirmishgg/skirmish/protocol/codec"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/protocol/wire"
	"github.com/skirmishgg/skirmish/services/connect"
	"github.com/skirmishgg/skirmish/services/gateway"
	"github.com/skirmishgg/skirmish/services/gateway/worker"
	"github.com/skirmishgg/skirmish/services/presence"
	"github.com/skirmishgg/skirmish/services/session"
)

// ErrFull refuses a member more than a carrier has places for.
var ErrFull = errs.New(errs.ResourceExhausted, "The match has no room for another UDP connection.").On(errs.MatchJoinRejected)

// ErrNoCarrier refuses when the server is shutting down, or its shards are too busy.
var ErrNoCarrier = errs.New(errs.Unavailable, "The server takes no new UDP connections in this match right now.").On(errs.MatchJoinRejected)

// Engine starts and ends carriers. Any goroutine may call it.
type Engine interface {
	// StartCarrier starts a game as the match of an id.
	StartCarrier(match id.UUID, d *match.Definition) (*shard.Info, error)
	// Carry has the carrier look soon at what waits for it. False: it will look at its next tick.
	Carry(info *shard.Info) bool
	// EndCarrier ends it soon; its next tick at the latest does.
	EndCarrier(info *shard.Info)
}

// Config is what a Service is made of.
type Config struct {
	Door     *gateway.Door
	Workers  *worker.Pool
	Presence *presence.Service
	Engine   Engine
	Deadline time.Duration // within which a member must have connected: match.join_marker_deadline_ms
	Log      *slog.Logger
}

// Limits of the door.
const (
	seatsMax  = 128  // UDP members of one match; beyond: ErrFull
	framesMax = 8192 // messages of all members on their way to the workers; policy when full: their sender is closed with overflow
)

// Service has the members of all carriers. Any goroutine may call it.
type Service struct {
	// constant after New
	c                 Config
	join, data, leave *op.Entry
	quit, done        chan struct{}

	frames *ring.MPSC[frame]
	ended  atomic.Pointer[member] // whose connection is over, newest first
	wake   chan struct{}          // the pump has something to do
	parked atomic.Bool            // the pump waits for wake

	lastPacked atomic.Pointer[packed]

	mu       sync.Mutex
	carriers map[id.UUID]*carrier
	stopped  bool

	Counters Counters
}

// Counters of the door.
type Counters struct {
	Members   atomic.Int64
	Carriers  atomic.Int64
	Joined    atomic.Uint64
	Never     atomic.Uint64 // members that never connected
	Messages  atomic.Uint64 // from clients
	Delivered atomic.Uint64 // to clients
	Overflows atomic.Uint64 // members closed because a queue was full, either way
	Malformed atomic.Uint64 // members closed because a message made no sense
	Dropped   atomic.Uint64 // lossy messages that found no room
}

// New makes the door; Stop ends it.
func New(c Config) *Service {
	s := &Service{
		c: c, join: c.Door.Registry.Named("MatchJoin"), data: c.Door.Registry.Named("MatchDataSend"), leave: c.Door.Registry.Named("MatchLeave"),
		frames: ring.NewMPSC[frame](framesMax), wake: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{}),
		carriers: map[id.UUID]*carrier{},
	}
	go s.pump() // ended by Stop, which waits
	return s
}

// Stop takes no more members and ends the pump. The carriers have ended with their shards. It may be called twice.
func (s *Service) Stop() {
	s.mu.Lock()
	stopped := s.stopped
	s.stopped = true
	s.mu.Unlock()
	if !stopped {
		close(s.quit)
	}
	<-s.done
}

// Place makes the caller a member of a match, of an id or named by a matchmaker's token, and says where its connection goes.
// A user is in a match once by UDP: asked again, he gets the same place, and a new connection replaces the old one.
// Errors: those of MatchJoin; ErrFull.
func (s *Service) Place(ctx context.Context, r connect.Request, c op.Caller) (connect.Place, error) {
	if m := s.member(r.Match, c.UserID); m != nil {
		return m.again(), nil
	}
	m := s.newMember(c)
	s.c.Door.Live.Add(m)
	s.c.Presence.Begin(m)
	joined, err := m.enter(ctx, r)
	if err == nil {
		var place connect.Place
		if place, err = s.seat(m, joined); err == nil {
			return place, nil
		}
	}
	m.over.Store(true)
	s.forget(m)
	return connect.Place{}, err
}

// member is the one that a user has in a match already.
func (s *Service) member(match, user id.UUID) *member {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.carriers[match]; g != nil {
		return g.of(user)
	}
	return nil
}

// seat gives a member that has joined its place with the match's carrier, which is started if there is none.
func (s *Service) seat(m *member, joined *rtapi.Match) (p connect.Place, err error) {
	stream, ok := streamOf(joined.MatchId)
	if !ok {
		return p, errors.New("carry: MatchJoin answered with the match id " + joined.MatchId)
	}
	m.stream, m.matchID = stream, joined.MatchId
	e := &rtapi.Envelope{Message: &rtapi.Envelope_Match{Match: joined}}
	if m.first, err = packEnvelope(codec.Share(e), e); err != nil {
		return p, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return p, connect.ErrMatch
	}
	g := s.carriers[stream.Subject]
	switch {
	case g == nil:
		if g, err = s.start(stream.Subject); err != nil {
			return p, err
		}
	case g.of(m.caller.UserID) != nil: // two calls at once
		other := g.of(m.caller.UserID)
		m.over.Store(true)
		s.forget(m)
		return other.again(), nil
	case len(g.list) >= seatsMax:
		return p, ErrFull
	}
	g.list = append(g.list, m)
	s.Counters.Members.Add(1)
	s.Counters.Joined.Add(1)
	m.carrier.Store(g)
	m.mark()
	return m.place(g), nil
}

// start starts a match's carrier. mu is held.
func (s *Service) start(u id.UUID) (*carrier, error) {
	g := newCarrier(s, u)
	d := definition(g)
	info, err := s.c.Engine.StartCarrier(u, &d)
	if err != nil {
		s.c.Log.Warn("no carrier for a match", "match", u.String(), "error", err)
		return nil, ErrNoCarrier
	}
	g.info = info
	s.carriers[u] = g
	s.Counters.Carriers.Add(1)
	return g, nil
}

// remove takes a member out of its carrier's list, and ends a carrier that has none left.
func (s *Service) remove(m *member) {
	g := m.carrier.Load()
	if g == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, other := range g.list {
		if other == m {
			g.list = append(g.list[:i:i], g.list[i+1:]...)
			s.Counters.Members.Add(-1)
			break
		}
	}
	if len(g.list) == 0 && s.carriers[g.id] == g {
		delete(s.carriers, g.id)
		s.Counters.Carriers.Add(-1)
		g.empty.Store(true)
		s.c.Engine.EndCarrier(g.info)
	}
}

// forget takes a member out of everything that a session is in.
func (s *Service) forget(m *member) {
	s.c.Door.Live.Remove(m)
	s.c.Presence.End(m)
	m.line.Close(nil)
}

// Lost says that the engine has ended a carrier by itself: its members' connections are over.
func (s *Service) Lost(info *shard.Info) {
	s.mu.Lock()
	var list []*member
	if g := s.carriers[info.ID]; g != nil && g.info == info {
		list = g.list
		delete(s.carriers, info.ID) // who comes now starts another
		s.Counters.Carriers.Add(-1)
	}
	s.mu.Unlock()
	for _, m := range list {
		m.finish(wire.Close(info.Over.Load()))
	}
}

// Left is for presence.Config.Left, while the match goes on: whom somebody took out of the match loses his connection too.
func (s *Service) Left(st presence.Stream, p presence.Presence) {
	if m, ok := p.Conn.(*member); ok && (st.Mode == presence.ModeRelayed || st.Mode == presence.ModeAuthoritative) {
		m.want(wire.CloseKicked)
	}
}

var _ session.Conn = (*member)(nil)
