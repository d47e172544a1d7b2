// Package party lets players gather before they play: a leader, members in the order they came, requests to join, a label
// to be found by. A party lives in the memory of one node, and nowhere else.
//
// The life of a party: Create makes its creator the leader; others Join when it is open, or ask and are Accepted; the
// oldest member inherits from a leader who leaves; the party ends when its last member leaves or its leader closes it.
//
// Each party has a lock of its own, held over a whole change, messages included: its members see everything in one order.
// Its presences are the members of a stream of services/presence, and leave in one of three ways: by an operation here, by
// End of their session, or by somebody else's hand, of which presence tells by Left. Whoever takes the entry out of the
// roster does the rest, so that each leave is dealt with once.
//
// Locks are taken in this order: party, directory, roster, those of presence. Any goroutine may call these functions.
package party

import (
	"encoding/json"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/heroiclabs/nakama-common/rtapi"

	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/presence"
	"github.com/skirmishgg/skirmish/services/session"
)

// Reason is why a party refuses. An operation puts before it what was attempted.
type Reason string

func (r Reason) Error() string { return string(r) }

// Reasons.
const (
	ErrNotFound       = Reason("party not found")
	ErrClosed         = Reason("party closed") // it ended while the call was on its way
	ErrNotLeader      = Reason("party leader only")
	ErrFull           = Reason("party full")
	ErrRequestsFull   = Reason("party join requests full")
	ErrRequested      = Reason("party join request duplicate")
	ErrNotRequested   = Reason("party join request not found")
	ErrNotMember      = Reason("party member not found")
	ErrSelf           = Reason("party cannot remove self")
	ErrAccept         = Reason("party could not accept request") // the session that asked has ended
	ErrLabelLong      = Reason("party label too long")
	ErrHiddenLabel    = Reason("party is hidden and label is not empty, invalid operation")
	ErrTooManyParties = Reason("session is in too many parties")
)

// Refusals that are told as they are.
var (
	ErrID       = errs.New(errs.InvalidArgument, "Invalid party ID")
	ErrPresence = errs.New(errs.InvalidArgument, "Invalid presence")
	ErrSize     = errs.New(errs.InvalidArgument, "Invalid party max size, must be 1-256")

	// The session has ended while the call was on its way.
	ErrTrackCreate = errs.New(errs.Internal, "Error tracking party creation")
	ErrTrackJoin   = errs.New(errs.Internal, "Error tracking party join")
)

const (
	sizeMax    = 256  // members of a party
	labelMax   = 2048 // bytes
	partiesMax = 128  // of one session
	idleMax    = 1024 // parties without presences that wait for a Sweep; one more does not wait
)

// Matchmaker is what parties ask of the matchmaker, whose tickets are for the members a party had at that time.
type Matchmaker interface {
	// CancelParty takes back all tickets of a party. It is called with the party locked: see Lead.
	CancelParty(party id.UUID)
}

// Config is what a Service is made of.
type Config struct {
	Presence    *presence.Service
	Live        *session.Live
	Node        string
	SingleParty bool       // a session that comes into a party leaves its others
	Matchmaker  Matchmaker // nil: there are no tickets
	Now         func() time.Time
	Random      io.Reader // of party ids; safe for any goroutine
}

// Service has the parties of this node.
type Service struct {
	// constant after New
	c Config

	directory directory
	roster    roster
	idle      atomic.Int64 // parties without presences
}

// New has no parties.
func New(c Config) *Service {
	return &Service{c: c, directory: newDirectory(), roster: roster{in: map[id.UUID][]*party{}}}
}

// party is one of them.
type party struct {
	// constant
	id      id.UUID
	name    string // ID.NODE
	stream  presence.Stream
	max     int
	since   time.Time
	ordinal uint64 // of creation; set by the directory, constant from then on

	listing *listing // of the directory, under its lock

	mu       sync.Mutex
	open     bool
	leader   member
	members  []member // in the order they came
	requests []member
	empty    bool // no presences are left; it is counted in Service.idle
	ended    bool
}

// member is a session in a party, or one that asks to be.
type member struct {
	conn session.Conn
	wire *rtapi.UserPresence // as clients see it; never changed
}

func memberOf(c session.Conn) member {
	return member{c, presence.Presence{Conn: c}.Wire(presence.ModeParty)}
}

// is reports whether a client means this one: everything it says must be true.
func (m member) is(p *rtapi.UserPresence) bool {
	return m.wire.SessionId == p.SessionId && m.wire.UserId == p.UserId && m.wire.Username == p.Username
}

func find(list []member, p *rtapi.UserPresence) int {
	return slices.IndexFunc(list, func(m member) bool { return m.is(p) })
}

func (p *party) place(sessionID id.UUID) int {
	return slices.IndexFunc(p.members, func(m member) bool { return m.conn.ID() == sessionID })
}

func (p *party) full() bool { return len(p.members) >= p.max }

// find is the party of an id. Errors: ErrID, ErrNotFound.
func (s *Service) find(name string) (*party, error) {
	text, node, ok := strings.Cut(name, ".")
	u, err := id.Parse(text)
	if !ok || err != nil {
		return nil, ErrID
	}
	if p := s.directory.find(u); p != nil && node == s.c.Node {
		return p, nil
	}
	return nil, ErrNotFound
}

// within runs f with the party locked. Errors: ErrID, ErrNotFound, ErrClosed, those of f.
func (s *Service) within(name string, f func(p *party) error) error {
	p, err := s.find(name)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return ErrClosed
	}
	return f(p)
}

// lead is within for what only the leader may do. Errors: ErrNotLeader too.
func (s *Service) lead(c session.Conn, name string, f func(p *party) error) error {
	return s.within(name, func(p *party) error {
		if p.leader.conn.ID() != c.ID() {
			return ErrNotLeader
		}
		return f(p)
	})
}

// Lead runs f for the leader of a party, with the party's id and its members in the order they came. Nobody comes or goes
// meanwhile: a ticket that f adds is for these members until Matchmaker.CancelParty. f must not call this package, and
// takes only locks under which nothing of this package is called.
// Errors: ErrID, ErrNotFound, ErrClosed, ErrNotLeader, those of f.
func (s *Service) Lead(c session.Conn, name string, f func(party id.UUID, members []session.Conn) error) error {
	return s.lead(c, name, func(p *party) error {
		members := make([]session.Conn, len(p.members))
		for i, m := range p.members {
			members[i] = m.conn
		}
		return f(p.id, members)
	})
}

// end closes a party: everybody is out of it, and nobody is told. p is locked.
func (s *Service) end(p *party) {
	p.ended = true
	p.members, p.requests = nil, nil
	s.directory.remove(p)
	if p.empty {
		s.idle.Add(-1)
	}
	for _, pr := range s.c.Presence.List(p.stream, true) {
		s.roster.exit(pr.Conn.ID(), p)
	}
	s.c.Presence.Drop(p.stream)
	s.cancelTickets(p)
}

func (s *Service) cancelTickets(p *party) {
	if s.c.Matchmaker != nil {
		s.c.Matchmaker.CancelParty(p.id)
	}
}

// parseLabel is the object that a label is; nil for "" and null.
// Errors: ErrLabelLong, a Reason with what JSON has to say.
func parseLabel(text string) (map[string]any, error) {
	if len(text) > labelMax {
		return nil, ErrLabelLong
	}
	if text == "" {
		return nil, nil
	}
	var object map[string]any
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		return nil, Reason("failed to unmarshal party label: " + err.Error())
	}
	return object, nil
}
