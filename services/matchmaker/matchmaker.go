package matchmaker

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	nakama "github.com/heroiclabs/nakama-common/runtime"

	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/matchmaker/pool"
	"github.com/skirmishgg/skirmish/services/session"
)

// Refusals. They are the errors that server code knows, so that errors.Is works there too.
var (
	ErrQuery          = nakama.ErrMatchmakerQueryInvalid
	ErrTooManyTickets = nakama.ErrMatchmakerTooManyTickets
	ErrNotFound       = nakama.ErrMatchmakerTicketNotFound
	ErrFull           = errors.New("matchmaker is full")
	ErrEnded          = errors.New("session has ended")
)

// Parties is what the matchmaker asks of services/party.
type Parties interface {
	// Lead runs f for the leader of a party while nobody comes or goes.
	Lead(c session.Conn, name string, f func(party id.UUID, members []session.Conn) error) error
}

// Native has matches of the engine.
type Native interface {
	// Begin starts a match for these players and returns its id, UUID.NODE; "": groups do not play in such matches.
	Begin(ctx context.Context, entries []*Entry) (matchID string, err error)
	// Has reports whether an id is that of one of them.
	Has(matchID string) bool
	// ConnectToken makes the text of the token with which one of the players joins it over UDP.
	ConnectToken(ctx context.Context, matchID string, e *Entry) (string, error)
}

// Hooks is what server code may have to say. Each may be nil. A reload changes them, so they are asked for each time.
type Hooks struct {
	// Matched may make the match that a group plays in; "" leaves it to the server.
	Matched func(ctx context.Context, entries []nakama.MatchmakerEntry) (matchID string, err error)
	// Override picks among the groups of a round; then there are none between rounds.
	Override func(ctx context.Context, candidates [][]nakama.MatchmakerEntry) ([][]nakama.MatchmakerEntry, error)
	// Processor makes the groups of a round itself, of the entries of all tickets.
	Processor func(ctx context.Context, entries []nakama.MatchmakerEntry) ([][]nakama.MatchmakerEntry, error)
}

// Config is what a Service is made of.
type Config struct {
	Live      *session.Live
	Parties   Parties
	Node      string
	Tickets   int           // that a session, or a party, may have open
	Interval  time.Duration // between rounds
	Intervals int           // rounds in which a ticket searches
	Mutual    bool          // each of a match must want all others
	NewToken  func() (string, error)
	Native    Native                   // nil: there are none
	Hooks     func() Hooks             // nil: there are none
	Worked    func(took time.Duration) // hears of each round; nil: nobody does
	Now       func() time.Time
	Random    io.Reader // of ticket ids; safe for any goroutine
	Log       *slog.Logger
}

const (
	ticketsMax = 1 << 20 // of all; more are refused

	beat       = 50 * time.Millisecond // between looks at new tickets: who comes within one is chosen from by score
	searches   = 256                   // in one go, between which others get at the tickets: about a millisecond
	deliveries = 16                    // matches whose hooks run at once; then the pool waits
)

// Service has the tickets of this node.
type Service struct {
	// constant after New
	c    Config
	wake chan struct{} // capacity 1: there are new tickets

	mu        sync.Mutex
	pool      *pool.Pool
	byID      map[string]*ticket
	byMatch   map[string]*ticket               // of SetBackfill
	bySession map[id.UUID]map[*ticket]struct{} // without those of parties
	byParty   map[id.UUID]map[*ticket]struct{}
	coming    []*ticket // added within this beat
	ripe      []*ticket // and the one before: they go to the pool with the next
	history   history

	stats      atomic.Pointer[api.MatchmakerStats]
	delivering chan struct{} // a place is taken for each delivery under way
	delivered  sync.WaitGroup
}

// New has no tickets.
func New(c Config) *Service {
	if c.Worked == nil {
		c.Worked = func(time.Duration) {}
	}
	s := &Service{
		c: c, wake: make(chan struct{}, 1), delivering: make(chan struct{}, deliveries),
		pool: pool.New(pool.Config{RoundsMax: c.Intervals, Mutual: c.Mutual}),
		byID: map[string]*ticket{}, byMatch: map[string]*ticket{}, bySession: map[id.UUID]map[*ticket]struct{}{}, byParty: map[id.UUID]map[*ticket]struct{}{},
	}
	s.stats.Store(&api.MatchmakerStats{})
	return s
}

func (s *Service) hooks() Hooks {
	if s.c.Hooks == nil {
		return Hooks{}
	}
	return s.c.Hooks()
}

// Run matches until ctx ends, and returns when the last of the matched has been told. It is called once.
func (s *Service) Run(ctx context.Context) {
	defer s.delivered.Wait()
	round := time.NewTicker(s.c.Interval)
	defer round.Stop()
	var beats <-chan time.Time // nil while there is nothing to wait for
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
			if beats == nil {
				beats = time.After(beat)
			}
		case <-beats:
			beats = nil
			if s.admit() {
				beats = time.After(beat)
			}
			s.step(ctx)
		case <-round.C:
			start := s.c.Now()
			s.round(ctx)
			s.c.Worked(s.c.Now().Sub(start))
		}
	}
}

// admit moves the tickets on that have waited a beat. It reports whether there are others.
func (s *Service) admit() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.ripe {
		if !t.gone && s.pool.Add(&t.Ticket) != nil {
			s.forget(t) // 16 million tickets: Add refuses long before
		}
	}
	s.ripe, s.coming = s.coming, nil
	return len(s.ripe) > 0
}

// round lets every ticket grow a round older.
func (s *Service) round(ctx context.Context) {
	h := s.hooks()
	s.mu.Lock()
	s.snapshot()
	s.pool.Round()
	s.mu.Unlock()
	switch {
	case h.Processor != nil:
		s.process(ctx, h.Processor)
	case h.Override != nil:
		s.override(ctx, h.Override)
	default:
		s.step(ctx)
	}
}

// step lets the pool work off what there is, unless a hook does at the next round.
func (s *Service) step(ctx context.Context) {
	if h := s.hooks(); h.Processor != nil || h.Override != nil {
		return
	}
	for idle := false; !idle && ctx.Err() == nil; {
		var groups [][]*ticket
		s.mu.Lock()
		for _, m := range s.pool.Step(searches, nil) {
			groups = append(groups, s.take(m))
		}
		idle = s.pool.Idle()
		s.mu.Unlock()
		s.deliverAll(ctx, groups)
	}
}

// take forgets the tickets of a match, which have left the pool.
func (s *Service) take(m pool.Match) []*ticket {
	group := make([]*ticket, len(m))
	for i, p := range m {
		group[i] = p.Owner.(*ticket)
		s.forget(group[i])
	}
	s.history.add(group, s.c.Now())
	return group
}
