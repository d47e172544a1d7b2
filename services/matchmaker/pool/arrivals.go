package pool

import (
	"slices"

	"github.com/skirmishgg/skirmish/services/query"
)

// arrivals are the searching tickets by what they want, so that a new ticket wakes those that want it. Each is in one list:
// that of a term which its query requires, the shortest such; or, when it requires none, in the list of those that any new
// ticket must be shown to.
type arrivals struct {
	byTerm map[term]*wanting
	rest   wanting
}

type term struct{ field, text string }

// wanting is a list of tickets; the order is of no matter.
type wanting struct{ list []*Ticket }

// wants is where a ticket is in arrivals, and the rest of its query that is quickly asked.
type wants struct {
	list  *wanting
	term  term
	place int
}

// note enters an active ticket.
func (a *arrivals) note(t *Ticket) {
	t.wants = wants{list: &a.rest}
	best := -1
	for c := range t.Query.Clauses() {
		field, text, ok := c.Term()
		if c.Sign != query.Required || !ok {
			continue
		}
		k := term{field, text}
		l := a.byTerm[k]
		if l == nil {
			l = &wanting{}
		}
		if best < 0 || len(l.list) < best {
			best, t.wants.list, t.wants.term = len(l.list), l, k
		}
	}
	if best == 0 {
		a.byTerm[t.wants.term] = t.wants.list
	}
	t.wants.place = len(t.wants.list.list)
	t.wants.list.list = append(t.wants.list.list, t)
}

// forget takes it out.
func (a *arrivals) forget(t *Ticket) {
	w := &t.wants
	list := w.list.list
	end := len(list) - 1
	list[w.place] = list[end]
	list[w.place].wants.place = w.place
	list[end] = nil
	if w.list.list = list[:end]; end == 0 && w.list != &a.rest {
		delete(a.byTerm, w.term)
	}
	t.wants = wants{}
}

// arrive wakes the active tickets for which a new one may be what was missing for a full group, or for any that a standing
// one waits for.
func (p *Pool) arrive(t *Ticket) {
	before := len(p.wakened)
	p.show(&p.rest, t)
	if len(p.byTerm) > 0 {
		for field, text := range t.Document.Texts() {
			if l := p.byTerm[term{field, text}]; l != nil {
				p.show(l, t)
			}
		}
	}
	slices.SortFunc(p.wakened[before:], older)
}

func (p *Pool) show(l *wanting, t *Ticket) {
	for _, s := range l.list {
		if s == t || s.woken || !s.Standing && (s.Max != t.Max || t.Min < s.Min) || !wanted(s, t) {
			continue
		}
		if s.missing -= t.Weight; s.missing <= 0 {
			s.woken = true
			p.wakened = append(p.wakened, s)
		}
	}
}
