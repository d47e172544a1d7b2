package party

import (
	"errors"
	"slices"

	"github.com/heroiclabs/nakama-common/rtapi"

	"github.com/skirmishgg/skirmish/protocol/codec"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/presence"
	"github.com/skirmishgg/skirmish/services/session"
)

// Options are what a party is like.
type Options struct {
	Open    bool // whoever wants to joins
	Hidden  bool // from listings
	MaxSize int
	Label   string // a JSON object, or ""
}

// Create makes a party whose leader is the session, and returns it as its creator sees it. One of size 0 has a leader and
// no members.
// Errors: ErrSize, ErrLabelLong or another Reason about the label, ErrTooManyParties, ErrTrackCreate.
func (s *Service) Create(c session.Conn, o Options) (*rtapi.Party, error) {
	if o.MaxSize < 0 || o.MaxSize > sizeMax {
		return nil, ErrSize
	}
	label, err := parseLabel(o.Label)
	if err != nil {
		return nil, err
	}
	u, err := id.NewV4(s.c.Random)
	if err != nil {
		return nil, err
	}
	p := &party{
		id: u, stream: presence.Stream{Mode: presence.ModeParty, Subject: u, Label: s.c.Node},
		max: o.MaxSize, since: s.c.Now(), open: o.Open, leader: memberOf(c),
	}
	p.name = p.stream.Member()
	reply := p.message(p.leader, []member{p.leader}) // before anybody else can change it
	reply.Label, reply.Hidden = o.Label, o.Hidden
	p.mu.Lock()
	left, err := s.begin(p, label, o)
	p.mu.Unlock()
	s.leave(c, left)
	if err != nil {
		return nil, err
	}
	return reply, nil
}

// begin enters a new party into everything. p is locked. left are parties that the creator has to leave.
func (s *Service) begin(p *party, label map[string]any, o Options) (left []*party, err error) {
	creator := p.leader
	left, err = s.roster.enter(creator.conn.ID(), p, s.c.SingleParty)
	if err != nil {
		return left, err
	}
	s.list(p, o.Label, label, o.Hidden)
	if p.max > 0 {
		p.members = []member{creator}
		creator.send(p.welcome(creator))
	}
	if fresh, _ := s.c.Presence.Track(creator.conn, p.stream, presence.Meta{}); !fresh {
		s.roster.exit(creator.conn.ID(), p)
		s.end(p)
		return left, ErrTrackCreate
	}
	return left, nil
}

// Join lets a session into an open party; for a closed one it asks the leader.
// Errors: ErrID, ErrNotFound, ErrClosed, ErrFull, ErrRequestsFull, ErrRequested, ErrTooManyParties, ErrTrackJoin.
func (s *Service) Join(c session.Conn, name string) error {
	var left []*party
	err := s.within(name, func(p *party) (err error) {
		switch {
		case p.full():
			return ErrFull
		case !p.open:
			return p.ask(memberOf(c))
		case p.place(c.ID()) >= 0:
			return nil
		}
		left, err = s.admit(p, memberOf(c), ErrTrackJoin)
		return err
	})
	s.leave(c, left)
	return err
}

// ask adds a request and tells the leader. p is locked.
func (p *party) ask(m member) error {
	if len(p.requests) >= p.max {
		return ErrRequestsFull
	}
	if slices.ContainsFunc(p.requests, func(r member) bool { return r.conn.UserID() == m.conn.UserID() }) {
		return ErrRequested
	}
	p.requests = append(p.requests, m)
	p.leader.send(codec.Share(&rtapi.Envelope{Message: &rtapi.Envelope_PartyJoinRequest{PartyJoinRequest: &rtapi.PartyJoinRequest{
		PartyId: p.name, Presences: []*rtapi.UserPresence{m.wire},
	}}}))
	return nil
}

// Accept lets in a session that asked.
// Errors: ErrID, ErrNotFound, ErrClosed, ErrNotLeader, ErrNotRequested, ErrFull, ErrTooManyParties, ErrAccept: the session
// has ended, and its request with it.
func (s *Service) Accept(c session.Conn, name string, who *rtapi.UserPresence) error {
	var left []*party
	var asked member
	err := s.lead(c, name, func(p *party) (err error) {
		i := find(p.requests, who)
		if i < 0 {
			return ErrNotRequested
		}
		if p.full() {
			return ErrFull
		}
		asked = p.requests[i]
		if p.place(asked.conn.ID()) < 0 {
			if left, err = s.admit(p, asked, ErrAccept); err != nil && !errors.Is(err, ErrAccept) {
				return err
			}
		}
		p.requests = slices.Delete(p.requests, i, i+1)
		return err
	})
	s.leave(asked.conn, left)
	return err
}

// admit makes a session a member: it is told of the party, then everybody of it. p is locked. left are parties that the
// session has to leave, also after an error.
func (s *Service) admit(p *party, m member, gone error) (left []*party, err error) {
	left, err = s.roster.enter(m.conn.ID(), p, s.c.SingleParty)
	if err != nil {
		return left, err
	}
	before := p.members
	p.members = append(p.members, m)
	m.send(p.welcome(m))
	fresh, others := s.c.Presence.Track(m.conn, p.stream, presence.Meta{})
	if !fresh {
		if _, in := s.c.Presence.Find(p.stream, m.conn.ID()); !in { // server code has not put it there either
			p.members = before
			s.roster.exit(m.conn.ID(), p)
			return left, gone
		}
	} else if out := absent(before, others); len(out) > 0 {
		// They left the stream by somebody else's hand, and wait for the lock in Left: the rest know already.
		m.send(codec.Share(presence.Event(p.stream, nil, out)))
	}
	s.cancelTickets(p)
	return left, nil
}

// absent are the members that are not among the presences of their stream.
func absent(members []member, present []presence.Presence) (out []presence.Presence) {
	for i, m := range members {
		is := func(p presence.Presence) bool { return p.Conn.ID() == m.conn.ID() }
		if i < len(present) && is(present[i]) { // both are in the order they came: it is seldom somewhere else
			continue
		}
		if !slices.ContainsFunc(present, is) {
			out = append(out, presence.Presence{Conn: m.conn})
		}
	}
	return out
}

// Leave takes a session out of a party. It does not matter whether it was in it, or whether there is one.
// Errors: ErrID.
func (s *Service) Leave(c session.Conn, name string) error {
	p, err := s.find(name)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if s.roster.exit(c.ID(), p) {
		s.part(p, c)
	}
	return nil
}

// End takes a session out of all its parties: its connection is gone. It comes before presence.End, so that the rest of a
// party hears of the new leader before it hears that the old one left.
func (s *Service) End(c session.Conn) { s.leave(c, s.roster.clear(c.ID())) }

// Left is told by presence of what leaves a stream. Most of it is what this package did itself.
func (s *Service) Left(st presence.Stream, gone presence.Presence) {
	if st.Mode != presence.ModeParty || st.Label != s.c.Node {
		return
	}
	if p := s.directory.find(st.Subject); p != nil && s.roster.exit(gone.Conn.ID(), p) {
		s.part(p, gone.Conn)
	}
}

// leave takes a session out of parties in whose roster it is not any more.
func (s *Service) leave(c session.Conn, left []*party) {
	for _, p := range left {
		s.part(p, c)
	}
}

// part takes a session out of a party in whose roster it is not any more.
func (s *Service) part(p *party, c session.Conn) {
	p.mu.Lock()
	crowded := s.partLocked(p, c)
	p.mu.Unlock()
	if crowded {
		s.Sweep()
	}
}

// partLocked is part with the party locked. crowded: too many parties wait for a Sweep.
func (s *Service) partLocked(p *party, c session.Conn) (crowded bool) {
	if p.ended {
		return false
	}
	i := p.place(c.ID())
	if i >= 0 {
		p.members = slices.Delete(p.members, i, i+1)
		if len(p.members) > 0 && p.leader.conn.ID() == c.ID() {
			p.leader = p.members[0]
			s.c.Presence.SendExcept(p.stream, p.leaderMessage(), c.ID())
		}
	}
	s.c.Presence.Untrack(c, p.stream)
	switch {
	case i >= 0 && len(p.members) == 0:
		s.end(p)
	case i >= 0:
		s.cancelTickets(p)
	case !p.empty && s.c.Presence.Count(p.stream) == 0:
		p.empty = true
		return s.idle.Add(1) > idleMax
	}
	return false
}

// Sweep ends parties without presences: those that never had a member, and what server code has emptied. It is called at
// regular times.
func (s *Service) Sweep() {
	for _, p := range s.directory.all() {
		p.mu.Lock()
		if !p.ended && s.c.Presence.Count(p.stream) == 0 {
			s.end(p)
		}
		p.mu.Unlock()
	}
}

// SendData carries a member's data to the others.
// Errors: ErrID, ErrNotFound, ErrClosed, ErrNotMember.
func (s *Service) SendData(c session.Conn, name string, opCode int64, data []byte) error {
	return s.within(name, func(p *party) error {
		i := p.place(c.ID())
		if i < 0 {
			return ErrNotMember
		}
		s.c.Presence.SendExcept(p.stream, codec.Share(&rtapi.Envelope{Message: &rtapi.Envelope_PartyData{PartyData: &rtapi.PartyData{
			PartyId: p.name, Presence: p.members[i].wire, OpCode: opCode, Data: data,
		}}}), c.ID())
		return nil
	})
}
