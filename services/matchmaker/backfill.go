package matchmaker

import (
	"slices"

	"github.com/skirmishgg/skirmish/protocol/id"
)

// Backfill is what a running match has room for, as the ticket that it holds. It takes whoever comes first and fits: a
// ticket with as many players as there are places at most, whose limits hold for the match with them in it.
type Backfill struct {
	MatchID string // UUID.NODE, of any kind: the new players are sent it
	Players int    // who are in the match
	Places  int    // that are left; 0: it takes nobody
	Request        // Query, Strings and Numbers of it; the counts follow from the players
}

// backfillSession is shared by all tickets of running matches, which must not meet each other.
var backfillSession = id.UUID{0xff}

// SetBackfill says what a match has room for, in place of what was said of it before. Who is sent to the match uses it up: the
// match says it again as players come and go. EndBackfill takes it back, as the end of a match of this node does by itself.
// Errors: ErrQuery, ErrFull, ErrBackfill.
func (s *Service) SetBackfill(b Backfill) error {
	if b.Players < 0 || b.Places < 0 || b.MatchID == "" {
		return ErrBackfill
	}
	if b.Places == 0 {
		s.EndBackfill(b.MatchID)
		return nil
	}
	b.MinCount, b.MaxCount, b.CountMultiple = b.Players+1, b.Players+b.Places, 1
	t, err := s.newTicket(b.Request, nil)
	if err != nil {
		return err
	}
	t.filled, t.Standing, t.Weight, t.Sessions = &b, true, b.Players, []id.UUID{backfillSession}
	t.describe()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endBackfill(b.MatchID)
	if err := s.admitLater(t); err != nil {
		return err
	}
	s.byMatch[b.MatchID] = t
	return nil
}

// EndBackfill says that a match takes nobody, or is over.
func (s *Service) EndBackfill(matchID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endBackfill(matchID)
}

func (s *Service) endBackfill(matchID string) {
	if t := s.byMatch[matchID]; t != nil {
		s.drop(t)
	}
}

// backfillOf is the running match that a group goes to, nil when it is a group of its own.
func backfillOf(group []*ticket) *Backfill {
	if i := slices.IndexFunc(group, func(t *ticket) bool { return t.filled != nil }); i >= 0 {
		return group[i].filled
	}
	return nil
}
