package pool

import (
	"cmp"
	"slices"
)

// search looks for the group of one ticket: a full one, or when settle, if there is none, any that everybody in it allows.
// nil: there is none. It leaves in t.missing how many players have to come before a full group is possible.
func (p *Pool) search(t *Ticket, settle bool) Match {
	part := p.partitions[t.Max]
	if t.missing = t.Max - part.weight; t.missing <= 0 {
		if m := p.full(t, part); m != nil {
			return m
		}
	}
	if t.Standing {
		t.missing = 0
	}
	if settle {
		return p.settle(t)
	}
	return nil
}

// full looks for a group of exactly t.Max players, who are all of one partition: others want to be fewer.
func (p *Pool) full(t *Ticket, part *partition) Match {
	p.combiner.begin(p, t)
	var m Match
	seen := t.Weight
	part.index.Search(t.Query, func(c *Ticket, _ float64) bool {
		if c.Min < t.Min && !t.Standing || t.Max%c.Multiple != 0 || !p.meets(t, c) {
			return true
		}
		seen += c.Weight
		if g := p.combiner.put(c); g != nil && g.total == t.Max {
			m = g.match(t)
		}
		return m == nil
	})
	if m == nil {
		t.missing = t.Max - seen
		if p.combiner.crooked() {
			t.missing = 0 // who fits with whom is hard to say: anybody's coming is worth another look
		}
	}
	return m
}

// settle looks for the largest group that everybody in it allows.
func (p *Pool) settle(t *Ticket) Match {
	p.combiner.begin(p, t)
	p.candidates(t, func(c *Ticket) bool {
		if p.meets(t, c) {
			p.combiner.put(c)
		}
		return true
	})
	groups := p.combiner.groups
	slices.SortStableFunc(groups, func(a, b *group) int { return cmp.Compare(b.total, a.total) })
	for _, g := range groups {
		if g.trim(t) {
			return g.match(t)
		}
	}
	return nil
}

// candidates are the tickets of any partition that t's query and limits allow, the best score first, then the oldest.
func (p *Pool) candidates(t *Ticket, yield func(*Ticket) bool) {
	type scored struct {
		ticket *Ticket
		score  float64
	}
	var list []scored
	for size, part := range p.partitions {
		if size > t.Max && !t.Standing {
			continue // who allows more than the searching ticket does is for others to find
		}
		part.index.Search(t.Query, func(c *Ticket, score float64) bool {
			if c.Min >= t.Min || t.Standing {
				list = append(list, scored{c, score})
			}
			return true
		})
	}
	slices.SortFunc(list, func(a, b scored) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.ticket.number, b.ticket.number))
	})
	for _, c := range list {
		if !yield(c.ticket) {
			return
		}
	}
}

// meets reports whether a ticket that t's query wants may be in its group at all.
func (p *Pool) meets(t, c *Ticket) bool {
	return c != t && (c.Party.IsZero() || c.Party != t.Party) && !p.share(t, c) && (!p.c.Mutual || wanted(c, t))
}

// share reports whether two tickets have a session in common.
func (p *Pool) share(a, b *Ticket) bool {
	for _, s := range a.Sessions {
		if p.sessions[s] > 1 && slices.Contains(b.Sessions, s) {
			return true
		}
	}
	return false
}

// wanted reports whether a's query wants b.
func wanted(a, b *Ticket) bool {
	_, ok := a.Query.Match(b.Document)
	return ok
}
