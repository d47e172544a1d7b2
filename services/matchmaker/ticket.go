package matchmaker

import (
	"time"

	"github.com/heroiclabs/nakama-common/rtapi"
	nakama "github.com/heroiclabs/nakama-common/runtime"

	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/matchmaker/pool"
	"github.com/skirmishgg/skirmish/services/presence"
	"github.com/skirmishgg/skirmish/services/query"
	"github.com/skirmishgg/skirmish/services/session"
)

// Refusals of what a ticket asks for.
var (
	ErrMinCount    = errs.New(errs.InvalidArgument, "Invalid minimum count, must be >= 2")
	ErrMaxCount    = errs.New(errs.InvalidArgument, "Invalid maximum count, must be >= minimum count")
	ErrMultiple    = errs.New(errs.InvalidArgument, "Invalid count multiple, must be >= 1")
	ErrMultipleMin = errs.New(errs.InvalidArgument, "Invalid count multiple for minimum count, must divide")
	ErrMultipleMax = errs.New(errs.InvalidArgument, "Invalid count multiple for maximum count, must divide")
)

// Request is what a ticket asks for.
type Request struct {
	Query              string
	MinCount, MaxCount int
	CountMultiple      int // of players; 1 for any number
	Strings            map[string]string
	Numbers            map[string]float64
}

// check refuses counts that do not fit together.
func (r *Request) check() error {
	switch {
	case r.MinCount < 2:
		return ErrMinCount
	case r.MaxCount < r.MinCount:
		return ErrMaxCount
	case r.CountMultiple < 1:
		return ErrMultiple
	case r.MinCount%r.CountMultiple != 0:
		return ErrMultipleMin
	case r.MaxCount%r.CountMultiple != 0:
		return ErrMultipleMax
	}
	return nil
}

// ticket is one of them, with the players it is for.
type ticket struct {
	pool.Ticket // Owner is this

	// constant
	id      string
	created time.Time
	node    string
	partyID string // ID.NODE; "" without a party
	conns   []session.Conn
	wire    []*rtapi.UserPresence // of conns
	strings map[string]string     // as they came: every player of the ticket has them
	numbers map[string]float64
	filled  *Backfill // of SetBackfill

	gone bool // matched or removed
}

// Entry is a player of a ticket. It is a runtime.MatchmakerEntry.
type Entry struct {
	t *ticket
	n int
}

var _ nakama.MatchmakerEntry = (*Entry)(nil)

func (e *Entry) GetPresence() nakama.Presence { return entryPresence{e} }
func (e *Entry) GetTicket() string            { return e.t.id }
func (e *Entry) GetPartyId() string           { return e.t.partyID }
func (e *Entry) GetCreateTime() int64         { return e.t.created.UnixNano() }

// GetProperties has strings and numbers; of two of one name it is the number.
func (e *Entry) GetProperties() map[string]any {
	all := make(map[string]any, len(e.t.strings)+len(e.t.numbers))
	for name, v := range e.t.strings {
		all[name] = v
	}
	for name, v := range e.t.numbers {
		all[name] = v
	}
	return all
}

// Conn is the player's session.
func (e *Entry) Conn() session.Conn { return e.t.conns[e.n] }

// user is the player as clients see it.
func (e *Entry) user() *rtapi.MatchmakerMatched_MatchmakerUser {
	return &rtapi.MatchmakerMatched_MatchmakerUser{
		Presence: e.t.wire[e.n], PartyId: e.t.partyID, StringProperties: e.t.strings, NumericProperties: e.t.numbers,
	}
}

// entryPresence is where an entry's player is. It is a runtime.Presence.
type entryPresence struct{ *Entry }

func (p entryPresence) GetUserId() string                { return p.t.wire[p.n].UserId }
func (p entryPresence) GetSessionId() string             { return p.t.wire[p.n].SessionId }
func (p entryPresence) GetUsername() string              { return p.t.wire[p.n].Username }
func (p entryPresence) GetNodeId() string                { return p.t.node }
func (p entryPresence) GetHidden() bool                  { return false }
func (p entryPresence) GetPersistence() bool             { return false }
func (p entryPresence) GetStatus() string                { return "" }
func (p entryPresence) GetReason() nakama.PresenceReason { return nakama.PresenceReasonUnknown }

// entries are the players of tickets, in their order.
func entries(group []*ticket) (list []*Entry) {
	for _, t := range group {
		for n := range t.conns {
			list = append(list, &Entry{t, n})
		}
	}
	return list
}

// newTicket makes a ticket that nobody knows yet. Errors: ErrQuery.
func (s *Service) newTicket(r Request, conns []session.Conn) (*ticket, error) {
	q, _ := query.Parse(r.Query) // that has an expression that cannot be: the ticket wants nobody, and may be wanted
	if q == nil {
		return nil, ErrQuery
	}
	u, err := id.NewV4(s.c.Random)
	if err != nil {
		return nil, err
	}
	t := &ticket{id: u.String(), created: s.c.Now(), conns: conns, strings: r.Strings, numbers: r.Numbers, node: s.c.Node}
	for _, c := range conns {
		t.wire = append(t.wire, presence.Presence{Conn: c}.Wire(presence.ModeParty))
		t.Sessions = append(t.Sessions, c.ID())
	}
	t.Query, t.Document = q, &query.Document{}
	t.Min, t.Max, t.Multiple, t.Weight = r.MinCount, r.MaxCount, r.CountMultiple, len(conns)
	t.Created, t.Owner = t.created.UnixNano(), t
	return t, nil
}

// describe fills in what queries can ask of a ticket.
func (t *ticket) describe() {
	d := t.Document
	for name, v := range t.strings {
		if _, number := t.numbers[name]; !number {
			d.Text("properties."+name, v)
		}
	}
	for name, v := range t.numbers {
		d.Number("properties."+name, v)
	}
	d.Number("min_count", float64(t.Min))
	d.Number("max_count", float64(t.Max))
	d.Number("created_at", float64(t.Created))
	d.Keyword("party_id", t.partyID)
	d.Keyword("ticket", t.id)
}

// Add opens a ticket for one session and returns its id.
// Errors: ErrMinCount and the other refusals of counts, ErrQuery, ErrTooManyTickets, ErrFull, ErrEnded.
func (s *Service) Add(c session.Conn, r Request) (string, error) {
	if err := r.check(); err != nil {
		return "", err
	}
	t, err := s.newTicket(r, []session.Conn{c})
	if err != nil {
		return "", err
	}
	t.describe()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.c.Live.Find(c.ID()) == nil {
		return "", ErrEnded // asked under the lock: End comes later than that, and finds the ticket
	}
	return t.id, s.enter(t, s.bySession, c.ID())
}

// AddParty opens a ticket for a party, in the name of its leader: for all who are in it now. party is ID.NODE. told is
// called for each of the others; the ticket waits a beat before it can match.
// Errors: those of Add, and of party.Service.Lead.
func (s *Service) AddParty(leader session.Conn, party string, r Request, told func(c session.Conn, ticket string)) (string, error) {
	if err := r.check(); err != nil {
		return "", err
	}
	var ticketID string
	err := s.c.Parties.Lead(leader, party, func(u id.UUID, members []session.Conn) error {
		t, err := s.newTicket(r, members)
		if err != nil {
			return err
		}
		t.Party, t.partyID = u, party
		t.describe()
		s.mu.Lock()
		err = s.enter(t, s.byParty, u)
		s.mu.Unlock()
		if err != nil {
			return err
		}
		ticketID = t.id
		for _, c := range members {
			if c != leader {
				told(c, t.id)
			}
		}
		return nil
	})
	return ticketID, err
}

// enter makes a ticket known; holders are those of its kind. Errors: ErrTooManyTickets, ErrFull.
func (s *Service) enter(t *ticket, holders map[id.UUID]map[*ticket]struct{}, holder id.UUID) error {
	if len(holders[holder]) >= s.c.Tickets {
		return ErrTooManyTickets
	}
	if err := s.admitLater(t); err != nil {
		return err
	}
	if holders[holder] == nil {
		holders[holder] = map[*ticket]struct{}{}
	}
	holders[holder][t] = struct{}{}
	return nil
}

func (s *Service) admitLater(t *ticket) error {
	if len(s.byID) >= ticketsMax {
		return ErrFull
	}
	s.byID[t.id] = t
	s.coming = append(s.coming, t)
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return nil
}

// forget takes a ticket out of everything but the pool.
func (s *Service) forget(t *ticket) {
	t.gone = true
	delete(s.byID, t.id)
	holders, holder := s.byParty, t.Party
	if t.filled != nil {
		delete(s.byMatch, t.filled.MatchID)
		return
	}
	if t.Party.IsZero() {
		holders, holder = s.bySession, t.conns[0].ID()
	}
	if delete(holders[holder], t); len(holders[holder]) == 0 {
		delete(holders, holder)
	}
}

func (s *Service) drop(t *ticket) {
	s.pool.Remove(&t.Ticket)
	s.forget(t)
}

// Remove closes a ticket of a session. Errors: ErrNotFound, also for another's, or a party's.
func (s *Service) Remove(c session.Conn, ticketID string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.byID[ticketID]
	if _, own := s.bySession[c.ID()][t]; t == nil || !own {
		return ErrNotFound
	}
	s.drop(t)
	return nil
}

// RemoveParty closes a ticket of a party, in the name of its leader. Errors: ErrNotFound, those of party.Service.Lead.
func (s *Service) RemoveParty(leader session.Conn, party, ticketID string) error {
	return s.c.Parties.Lead(leader, party, func(u id.UUID, _ []session.Conn) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		t := s.byID[ticketID]
		if _, own := s.byParty[u][t]; t == nil || !own {
			return ErrNotFound
		}
		s.drop(t)
		return nil
	})
}

// CancelParty is party.Matchmaker: it closes all tickets of a party.
func (s *Service) CancelParty(party id.UUID) { s.dropAll(s.byParty, party) }

// End closes all tickets of a session that has ended, but for those of its parties.
func (s *Service) End(c session.Conn) { s.dropAll(s.bySession, c.ID()) }

func (s *Service) dropAll(holders map[id.UUID]map[*ticket]struct{}, holder id.UUID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for t := range holders[holder] {
		s.drop(t)
	}
}

// Count is how many tickets there are, and how many of them search.
func (s *Service) Count() (tickets, searching int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.byID), s.pool.Searching() + len(s.coming) + len(s.ripe)
}
