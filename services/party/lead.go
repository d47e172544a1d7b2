package party

import (
	"slices"

	"github.com/heroiclabs/nakama-common/rtapi"

	"github.com/skirmishgg/skirmish/protocol/codec"
	"github.com/skirmishgg/skirmish/services/session"
)

// Promote makes another member the leader and tells all.
// Errors: ErrID, ErrNotFound, ErrClosed, ErrNotLeader, ErrNotMember.
func (s *Service) Promote(c session.Conn, name string, who *rtapi.UserPresence) error {
	return s.lead(c, name, func(p *party) error {
		i := find(p.members, who)
		if i < 0 {
			return ErrNotMember
		}
		p.leader = p.members[i]
		s.c.Presence.Send(p.stream, p.leaderMessage())
		return nil
	})
}

// Remove takes a member out of the party, which it is told as if the party were closed, or drops a request, of which
// nobody is told.
// Errors: ErrID, ErrNotFound, ErrClosed, ErrNotLeader, ErrSelf, ErrNotMember.
func (s *Service) Remove(c session.Conn, name string, who *rtapi.UserPresence) error {
	return s.lead(c, name, func(p *party) error {
		if p.leader.is(who) {
			return ErrSelf
		}
		if i := find(p.members, who); i >= 0 {
			out := p.members[i].conn
			out.Send(p.closeMessage())
			s.roster.exit(out.ID(), p)
			s.partLocked(p, out)
			return nil
		}
		if i := find(p.requests, who); i >= 0 {
			p.requests = slices.Delete(p.requests, i, i+1)
			return nil
		}
		return ErrNotMember
	})
}

// Close tells all members that the party is over, and ends it.
// Errors: ErrID, ErrNotFound, ErrClosed, ErrNotLeader.
func (s *Service) Close(c session.Conn, name string) error {
	return s.lead(c, name, func(p *party) error {
		s.c.Presence.Send(p.stream, p.closeMessage())
		s.end(p)
		return nil
	})
}

// Requests are those who ask to be let in, in the order they came.
// Errors: ErrID, ErrNotFound, ErrClosed, ErrNotLeader.
func (s *Service) Requests(c session.Conn, name string) (list *rtapi.PartyJoinRequest, err error) {
	err = s.lead(c, name, func(p *party) error {
		list = &rtapi.PartyJoinRequest{PartyId: p.name, Presences: wire(p.requests)}
		return nil
	})
	return list, err
}

// Update replaces label, open and hidden, and tells all members.
// Errors: ErrID, ErrNotFound, ErrClosed, ErrNotLeader, ErrLabelLong, ErrHiddenLabel, another Reason about the label.
func (s *Service) Update(c session.Conn, name, label string, open, hidden bool) error {
	return s.lead(c, name, func(p *party) error {
		if len(label) <= labelMax && hidden && label != "" && label != "{}" {
			return ErrHiddenLabel
		}
		object, err := parseLabel(label)
		if err != nil {
			return err
		}
		p.open = open
		s.list(p, label, object, hidden)
		s.c.Presence.Send(p.stream, codec.Share(&rtapi.Envelope{Message: &rtapi.Envelope_PartyUpdate{PartyUpdate: &rtapi.PartyUpdate{
			PartyId: p.name, Label: label, Open: open, Hidden: hidden,
		}}}))
		return nil
	})
}
