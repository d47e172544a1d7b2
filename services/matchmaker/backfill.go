package matchmaker

import (
	"fmt"
	"slices"

	"github.com/skirmishgg/skirmish/protocol/id"
)

// Backfill is a ticket that a running match holds for the places it has left. It takes whoever comes first and fits: a
// ticket with as many players as there are places at most, whose limits hold for the match with them in it.
type Backfill struct {
	MatchID string // UUID.NODE, of any kind: the new players are sent it
	Players int    // who are in the match
	Places  int    // that are left
	Request        // Query, Strings and Numbers of it; the counts follow from the players
	// Matched hears who comes, before they are told; nil: nobody has to know. The ticket is closed then: a match with
	// places left opens another. A goroutine of its own calls it.
	Matched func(entries []*Entry)
}

// backfillSession is shared by all tickets of running matches, which must not meet each other.
var backfillSession = id.UUID{0xff}

// AddBackfill opens a ticket for a running match and returns its id. RemoveBackfill closes it; a match that ends must do
// so, and one whose number of players changes opens another.
// Errors: ErrQuery, ErrFull, an error about the numbers.
func (s *Service) AddBackfill(b Backfill) (string, error) {
	if b.Players < 0 || b.Places < 1 || b.MatchID == "" {
		return "", fmt.Errorf("matchmaker: a backfill of %d players and %d places for match %q", b.Players, b.Places, b.MatchID)
	}
	b.MinCount, b.MaxCount, b.CountMultiple = b.Players+1, b.Players+b.Places, 1
	t, err := s.newTicket(b.Request, nil)
	if err != nil {
		return "", err
	}
	t.filled, t.Standing, t.Weight, t.Sessions = &b, true, b.Players, []id.UUID{backfillSession}
	t.describe()
	s.mu.Lock()
	defer s.mu.Unlock()
	return t.id, s.admitLater(t)
}

// RemoveBackfill closes a ticket of AddBackfill; one that is closed is no matter.
func (s *Service) RemoveBackfill(ticketID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.byID[ticketID]; t != nil && t.filled != nil {
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
