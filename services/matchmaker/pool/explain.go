package pool

import "github.com/skirmishgg/skirmish/services/query"

// Explanation says why a ticket is not matched yet: what keeps it from the other tickets of the pool. A ticket may be ruled
// out by several things and is counted for each; Left are those that nothing rules out.
type Explanation struct {
	Others      int      // tickets beside this one
	Clauses     []Clause // of its query, the required and excluded ones
	Optional    int      // tickets that the query refuses although no clause above does: none of the optional clauses holds
	Sizes       int      // tickets whose limits do not lie within its own
	Party       int      // tickets of its party
	Session     int      // tickets that share a session with it
	Refusing    int      // tickets whose queries do not want it, when both must
	Left        int
	LeftPlayers int

	Needs  int // players beside its own for the smallest group it allows, and for a full one
	Wants  int
	Active bool // it searches; else it waits to be found
	Rounds int  // that it has searched in
	Last   int  // the round in which it takes any size that it allows
}

// Clause is a condition of a query and how many of the others it rules out by itself.
type Clause struct {
	Text     string
	RulesOut int
}

// Explain looks at all tickets once. ok is false for a ticket that is not in the pool.
func (p *Pool) Explain(t *Ticket) (e Explanation, ok bool) {
	if !t.in() {
		return e, false
	}
	e = Explanation{Needs: max(t.Min-t.Weight, 1), Wants: t.Max - t.Weight, Active: t.state != passive, Rounds: t.rounds, Last: p.c.RoundsMax}
	if t.Min == t.Max {
		e.Last = 1
	}
	var clauses []query.Clause
	for c := range t.Query.Clauses() {
		if c.Sign != query.Optional {
			clauses = append(clauses, c)
			e.Clauses = append(e.Clauses, Clause{Text: c.String()})
		}
	}
	for _, part := range p.partitions {
		part.index.Search(everybody, func(c *Ticket, _ float64) bool {
			if c != t {
				p.explain(t, c, clauses, &e)
			}
			return true
		})
	}
	return e, true
}

// explain counts one of the others.
func (p *Pool) explain(t, c *Ticket, clauses []query.Clause, e *Explanation) {
	e.Others++
	out := false
	rule := func(holds bool, n *int) {
		if holds {
			*n++
			out = true
		}
	}
	for i, clause := range clauses {
		rule(clause.Holds(c.Document) != (clause.Sign == query.Required), &e.Clauses[i].RulesOut)
	}
	rule(!out && !wanted(t, c), &e.Optional)
	rule(!t.Standing && (c.Min < t.Min || c.Max > t.Max), &e.Sizes)
	rule(!t.Party.IsZero() && c.Party == t.Party, &e.Party)
	rule(p.share(t, c), &e.Session)
	rule(p.c.Mutual && !wanted(c, t), &e.Refusing)
	if !out {
		e.Left++
		e.LeftPlayers += c.Weight
	}
}
