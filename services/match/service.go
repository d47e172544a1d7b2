package match

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	"github.com/heroiclabs/nakama-common/runtime"

	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/presence"
	"github.com/skirmishgg/skirmish/services/session"
)

// Refusals that clients know.
var (
	ErrID       = errs.New(errs.InvalidArgument, "Invalid match ID")
	ErrNoID     = errs.New(errs.InvalidArgument, "No match ID or token found")
	ErrToken    = errs.New(errs.InvalidArgument, "Invalid match token")
	ErrNotFound = errs.New(errs.NotFound, "Match not found").On(errs.MatchNotFound)
	ErrRejected = errs.New(errs.PermissionDenied, "Match join rejected").On(errs.MatchJoinRejected)
	ErrBusy     = errs.New(errs.ResourceExhausted, "Match is not currently accepting join requests").On(errs.MatchJoinRejected)
	ErrNative   = errs.New(errs.FailedPrecondition, "This match is played over UDP: ask CreateConnectToken for a way in").On(errs.MatchJoinRejected)

	errEnded = errs.New(errs.Internal, "Session has ended.")
)

// What server code is told; these are the errors it knows from nakama-common, so that errors.Is works in Go modules.
var (
	ErrMatchID      = runtime.ErrMatchIdInvalid
	ErrNoMatch      = runtime.ErrMatchNotFound
	ErrMatchBusy    = runtime.ErrMatchBusy
	ErrLabelLong    = runtime.ErrMatchLabelTooLong
	ErrDeferredFull = runtime.ErrDeferredBroadcastFull
)

// Config is what a Service is made of.
type Config struct {
	Presence    *presence.Service
	Live        *session.Live
	Node        string
	SingleMatch bool   // a session that joins a match leaves its others
	TokenKey    string // of match tokens: the session tokens' key

	// Handlers finds what makes the handlers of a name; it is asked at each Create. nil: there are none.
	Handlers func(name string) (func() Handler, bool)
	// Context has the values that every handler's context begins with; nil: none.
	Context context.Context
	// Native reports whether an id is that of a match of the engine, which is not joined over a realtime session; nil: none is.
	Native func(id.UUID) bool

	// Over hears of authoritative matches that have ended, by their ids. It must not wait; nil: nobody has to know.
	Over func(matchID string)

	// What waits for a match, at most; 0: as many as Nakama's defaults.
	InputMax, CallMax, JoinMax, SignalMax, DeferredMax int
	// EmptyMax is after how long without members an authoritative match ends; 0: never.
	EmptyMax time.Duration
	// LabelInterval is how long a changed label may wait until listings find it, when many change; 0: 1 s.
	LabelInterval time.Duration

	Random io.Reader    // of match ids; nil: crypto/rand. Safe for any goroutine
	Log    *slog.Logger // nil: slog.Default()
}

func (c Config) withDefaults() Config {
	def := func(n *int, usual int) {
		if *n <= 0 {
			*n = usual
		}
	}
	def(&c.InputMax, 128)
	def(&c.CallMax, 128)
	def(&c.JoinMax, 128)
	def(&c.SignalMax, 10)
	def(&c.DeferredMax, 128)
	if c.LabelInterval <= 0 {
		c.LabelInterval = time.Second
	}
	if c.Context == nil {
		c.Context = context.Background()
	}
	if c.Random == nil {
		c.Random = rand.Reader
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return c
}

// Service has the matches of this node.
type Service struct {
	// constant after New
	c Config

	directory directory // of authoritative matches
	relayed   relayed
	listing   listing        // of authoritative and native matches
	dropped   atomic.Uint64  // messages whose match had no room for them
	running   sync.WaitGroup // the matches' goroutines

	mu       sync.Mutex
	stopping bool // no match begins any more
}

// New has no matches.
func New(c Config) *Service {
	s := &Service{c: c.withDefaults()}
	s.directory.init()
	s.relayed.init()
	s.listing.init(s.c.Node, s.c.LabelInterval)
	return s
}

// parse takes a match id apart: UUID.NODE, where a relayed match has no node. Both kinds of errors say the same.
func parse(name string) (u id.UUID, node string, ok bool) {
	text, node, ok := strings.Cut(name, ".")
	u, err := id.Parse(text)
	return u, node, ok && err == nil
}

func relayedStream(u id.UUID) presence.Stream {
	return presence.Stream{Mode: presence.ModeRelayed, Subject: u}
}

// find is the authoritative match of an id; nil when it is not here, or over.
func (s *Service) find(u id.UUID, node string) *match {
	if node != s.c.Node {
		return nil
	}
	return s.directory.find(u)
}

// Join takes a session into a match of either kind. metadata is for the handler's JoinAttempt.
// Errors: ErrID, ErrNotFound, ErrNative, ErrBusy, ErrRejected or a refusal with the handler's reason.
func (s *Service) Join(ctx context.Context, conn session.Conn, c op.Caller, name string, metadata map[string]string) (*rtapi.Match, error) {
	u, node, ok := parse(name)
	if !ok {
		return nil, ErrID
	}
	if node == "" {
		return s.joinRelayed(conn, u, false)
	}
	if m := s.find(u, node); m != nil {
		return m.join(ctx, conn, c, metadata)
	}
	if s.c.Native != nil && s.c.Native(u) {
		return nil, ErrNative
	}
	return nil, ErrNotFound
}

// Leave takes a session out of a match; it need not be in it. Errors: ErrID.
func (s *Service) Leave(conn session.Conn, name string) error {
	u, node, ok := parse(name)
	if !ok {
		return ErrID
	}
	st := relayedStream(u)
	if node != "" {
		st = presence.Stream{Mode: presence.ModeAuthoritative, Subject: u, Label: node}
	}
	s.c.Presence.Untrack(conn, st)
	return nil
}

// Left is for presence.Config.Left.
func (s *Service) Left(st presence.Stream, p presence.Presence, why presence.Reason) {
	switch st.Mode {
	case presence.ModeRelayed:
		s.relayed.left(s.c.Presence, st)
	case presence.ModeAuthoritative:
		if m := s.find(st.Subject, st.Label); m != nil {
			m.left(p.Conn.ID(), why)
		}
	}
}

// Data passes on what a session sends to a match: to the members of a relayed one, to the handler of an authoritative
// one. It never blocks. Whatever is wrong with it, it is dropped and nobody is told, but for ErrID.
func (s *Service) Data(conn session.Conn, in *rtapi.MatchDataSend) error {
	u, node, ok := parse(in.MatchId)
	if !ok {
		return ErrID
	}
	if node == "" {
		s.relay(conn, relayedStream(u), in)
	} else if m := s.find(u, node); m != nil {
		m.input(conn.ID(), in)
	}
	return nil
}

// Get is a match as listings show it; nil when there is none. Errors: ErrMatchID.
func (s *Service) Get(name string) (*api.Match, error) {
	u, node, ok := parse(name)
	if !ok {
		return nil, ErrMatchID
	}
	if node == "" {
		if n := s.c.Presence.Count(relayedStream(u)); n > 0 {
			return &api.Match{MatchId: relayedStream(u).Member(), Size: int32(n)}, nil
		}
		return nil, nil
	}
	if m := s.find(u, node); m != nil {
		return m.listed(), nil
	}
	return nil, nil
}

// listed is the match as listings show it.
func (m *match) listed() *api.Match {
	return &api.Match{
		MatchId: m.name, Authoritative: true, Label: labelValue(m.currentLabel()), Size: int32(m.size()),
		TickRate: int32(m.rate), HandlerName: m.handlerName,
	}
}

// Signal calls a match's handler and returns its answer, within answerWithin. Errors: ErrMatchID, ErrNoMatch, ErrMatchBusy.
func (s *Service) Signal(ctx context.Context, name, data string) (string, error) {
	m, err := s.authoritative(name)
	if err != nil {
		return "", err
	}
	return m.signal(ctx, data)
}

// State is what the console shows of a match: who is in it, its tick, and its handler's state as text, which a relayed
// match has not. Errors: ErrMatchID, ErrNoMatch, ErrMatchBusy.
func (s *Service) State(ctx context.Context, name string) (members []*rtapi.UserPresence, tick int64, state string, err error) {
	if u, node, ok := parse(name); ok && node == "" {
		st := relayedStream(u)
		return presence.Wire(st, s.c.Presence.List(st, false)), 0, "", nil
	}
	m, err := s.authoritative(name)
	if err != nil {
		return nil, 0, "", err
	}
	return m.state(ctx)
}

func (s *Service) authoritative(name string) (*match, error) {
	u, node, ok := parse(name)
	if !ok {
		return nil, ErrMatchID
	}
	if m := s.find(u, node); m != nil {
		return m, nil
	}
	return nil, ErrNoMatch
}

// Dropped is how many messages of members found no room in their match's queue.
func (s *Service) Dropped() uint64 { return s.dropped.Load() }

// Count is how many authoritative matches there are.
func (s *Service) Count() int { return s.directory.count() }

// Drain refuses new matches and tells every handler that the server stops after the grace; matches go on until then. over
// is closed when the last one has ended. Stop follows.
func (s *Service) Drain(grace time.Duration) (over <-chan struct{}) {
	over = s.refuse()
	s.directory.each(func(m *match) { m.terminate(int(grace / time.Second)) })
	return over
}

// Stop ends all matches at once and refuses new ones. It returns when every handler has returned, or ctx is done: one
// that does not return cannot be stopped.
func (s *Service) Stop(ctx context.Context) {
	over := s.refuse()
	s.directory.each(func(m *match) { m.finish(EndedByShutdown) })
	select {
	case <-over:
	case <-ctx.Done():
	}
}

// refuse lets no match begin any more, and tells when the last one has ended.
func (s *Service) refuse() <-chan struct{} {
	s.mu.Lock()
	s.stopping = true
	s.mu.Unlock()
	over := make(chan struct{})
	go func() { s.running.Wait(); close(over) }() // ends with the last match
	return over
}
