package matchmaker

import (
	"fmt"
	"slices"

	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/matchmaker/pool"
	"github.com/skirmishgg/skirmish/services/session"
)

// Explanation says why a ticket is not matched yet.
type Explanation struct {
	pool.Explanation
	Ticket string
	// Summary is the same in a sentence, for who looks at it for the first time.
	Summary string
}

// Explain looks at all other tickets with one ticket's eyes. Errors: ErrNotFound.
func (s *Service) Explain(ticketID string) (*Explanation, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.explain(s.byID[ticketID])
}

// ExplainOwn is Explain for a user, about a ticket that a session of his, or a party he is in, holds. Errors: ErrNotFound.
func (s *Service) ExplainOwn(user id.UUID, ticketID string) (*Explanation, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.byID[ticketID]
	if t == nil || !t.isFor(user) {
		return nil, ErrNotFound
	}
	return s.explain(t)
}

func (t *ticket) isFor(user id.UUID) bool {
	return slices.ContainsFunc(t.conns, func(c session.Conn) bool { return c.UserID() == user })
}

func (s *Service) explain(t *ticket) (*Explanation, error) {
	if t == nil {
		return nil, ErrNotFound
	}
	e := &Explanation{Ticket: t.id}
	var ok bool
	if e.Explanation, ok = s.pool.Explain(&t.Ticket); !ok {
		e.Summary = "The ticket has just come."
		return e, nil
	}
	e.Summary = summary(&e.Explanation)
	return e, nil
}

func summary(e *pool.Explanation) string {
	switch {
	case e.Wants < 1:
		return "The party is as large as the match may be: nobody can be added."
	case e.Others == 0:
		return "There are no other tickets."
	case e.Left == 0:
		return fmt.Sprintf("Of %d other tickets none will do; %s.", e.Others, worst(e))
	case e.LeftPlayers < e.Needs:
		return fmt.Sprintf("%d players would do, and %d are needed; %s.", e.LeftPlayers, e.Needs, worst(e))
	case e.LeftPlayers < e.Wants && e.Active:
		return fmt.Sprintf("%d players would do: enough, but the ticket waits for %d until round %d, and this is round %d.", e.LeftPlayers, e.Wants, e.Last, e.Rounds)
	case !e.Active:
		return "The ticket has searched for as many rounds as it may, and waits to be found by a newer one."
	}
	return "There are enough players, but no group of them in which everybody's limits hold."
}

// worst is what rules out the most.
func worst(e *pool.Explanation) string {
	most, text := 0, "nothing rules out the others"
	for _, c := range e.Clauses {
		if c.RulesOut > most {
			most, text = c.RulesOut, fmt.Sprintf("%s rules out %d", c.Text, c.RulesOut)
		}
	}
	for _, r := range []struct {
		count int
		text  string
	}{
		{e.Optional, "none of the query's optional clauses holds for %d"}, {e.Sizes, "the counts that %d allow are not within its own"},
		{e.Party, "%d are of the same party"}, {e.Session, "%d share a session with it"}, {e.Refusing, "%d do not want it"},
	} {
		if r.count > most {
			most, text = r.count, fmt.Sprintf(r.text, r.count)
		}
	}
	return text
}
