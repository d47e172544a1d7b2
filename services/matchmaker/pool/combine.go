package pool

import (
	"slices"

	"github.com/skirmishgg/skirmish/protocol/id"
)

// combiner puts the tickets that one search wants together, in the order in which it wants them: each into the first group
// it fits, or into a new one.
type combiner struct {
	p      *Pool
	t      *Ticket // that searches, and is in every group
	groups []*group
	spare  []*group
	passed bool // there was a ticket that did not fit where there was room
}

// groupsMax bounds what one search keeps: tickets that fit none of so many groups are passed over.
const groupsMax = 32

// group is a match in the making, without the ticket that searches.
type group struct {
	members []*Ticket
	total   int // players, with those of the ticket that searches
	cap     int // the most that everybody allows
	shared  map[id.UUID]struct{}
}

func (b *combiner) begin(p *Pool, t *Ticket) {
	b.p, b.t, b.passed = p, t, false
	for _, g := range b.groups {
		clear(g.members)
		g.members = g.members[:0]
		clear(g.shared)
		b.spare = append(b.spare, g)
	}
	b.groups = b.groups[:0]
}

// crooked reports whether the groups are more than one simple row, in which those who come would only be appended.
func (b *combiner) crooked() bool { return b.passed || len(b.groups) > 1 || b.p.parties > 0 }

// put enters a ticket and returns its group; nil: it fits none.
func (b *combiner) put(c *Ticket) *group {
	for _, g := range b.groups {
		if b.fits(g, c) {
			b.enter(g, c)
			return g
		}
	}
	if b.passed = b.passed || len(b.groups) > 0; len(b.groups) == groupsMax {
		return nil
	}
	var g *group
	if n := len(b.spare); n > 0 {
		g, b.spare = b.spare[n-1], b.spare[:n-1]
	} else {
		g = &group{}
	}
	if g.total, g.cap = b.t.Weight, b.t.Max; !b.fits(g, c) {
		b.spare = append(b.spare, g)
		return nil
	}
	b.groups = append(b.groups, g)
	b.enter(g, c)
	return g
}

func (b *combiner) enter(g *group, c *Ticket) {
	g.members = append(g.members, c)
	g.total += c.Weight
	g.cap = min(g.cap, c.Max)
	for _, s := range c.Sessions {
		if b.p.sessions[s] > 1 {
			if g.shared == nil {
				g.shared = map[id.UUID]struct{}{}
			}
			g.shared[s] = struct{}{}
		}
	}
}

func (b *combiner) fits(g *group, c *Ticket) bool {
	if g.total+c.Weight > min(g.cap, c.Max) {
		return false
	}
	for _, s := range c.Sessions {
		if _, twice := g.shared[s]; twice {
			return false
		}
	}
	if !b.p.c.Mutual {
		return true
	}
	for _, m := range g.members {
		if !wanted(m, c) || !wanted(c, m) {
			return false
		}
	}
	return true
}

func (g *group) match(t *Ticket) Match {
	return append(append(make(Match, 0, len(g.members)+1), g.members...), t)
}

// trim takes out of a group who cannot be in one of its size, until everybody left allows it. False: nobody is left, or t
// itself does not allow it.
func (g *group) trim(t *Ticket) bool {
	for len(g.members) > 0 && g.total >= t.Min {
		if over := g.total % t.Multiple; over > 0 {
			if !g.drop(over) {
				return false
			}
			continue
		}
		i := g.unhappy()
		if i < 0 {
			return true
		}
		g.total -= g.members[i].Weight
		g.members = slices.Delete(g.members, i, i+1)
	}
	return false
}

// unhappy is the member that asks for the most beyond what the group is, or for another multiple; -1: there is none.
func (g *group) unhappy() int {
	worst := -1
	for i, m := range g.members {
		if m.Min > g.total && (worst < 0 || m.Min > g.members[worst].Min) {
			worst = i
		}
	}
	if worst >= 0 {
		return worst
	}
	return slices.IndexFunc(g.members, func(m *Ticket) bool { return g.total%m.Multiple != 0 })
}

// drop takes out members of exactly so many players: of several such sets the one that was created earliest on average, as
// clients know it. False: there is no such set.
func (g *group) drop(players int) bool {
	set := earliest(g.members, players)
	if set == nil {
		return false
	}
	g.total -= players
	g.members = slices.DeleteFunc(g.members, func(m *Ticket) bool { return slices.Contains(set, m) })
	return true
}

// Bounds of the exact answer of earliest; beyond them the oldest tickets that fit are taken in turn.
const (
	dropTickets = 64
	dropPlayers = 64
)

// earliest is the set of tickets whose weights sum to players with the earliest average creation. nil: there is none.
func earliest(list []*Ticket, players int) []*Ticket {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b *Ticket) int {
		if a.Created != b.Created {
			if a.Created < b.Created {
				return -1
			}
			return 1
		}
		return older(a, b)
	})
	if solo := !slices.ContainsFunc(list, func(t *Ticket) bool { return t.Weight != 1 }); solo {
		if players > len(list) {
			return nil
		}
		return list[:players]
	}
	if players > dropPlayers {
		return greedy(list, players)
	}
	return exact(list[:min(len(list), dropTickets)], players)
}

func greedy(list []*Ticket, players int) (set []*Ticket) {
	for _, t := range list {
		if t.Weight <= players {
			set = append(set, t)
			if players -= t.Weight; players == 0 {
				return set
			}
		}
	}
	return nil
}

// exact fills a table by players and tickets: the earliest sum of creation times, and the set that has it, as bits.
func exact(list []*Ticket, players int) (set []*Ticket) {
	type cell struct {
		sum  int64
		bits uint64
	}
	table := make([][]cell, players+1) // [players][tickets]
	for i := range table {
		table[i] = make([]cell, players+1)
	}
	for i, t := range list {
		for at := players; at >= t.Weight; at-- {
			for n := 1; n <= players; n++ {
				from := table[at-t.Weight][n-1]
				if from.bits == 0 && (n > 1 || at > t.Weight) {
					continue
				}
				sum := from.sum + t.Created - list[0].Created
				if to := &table[at][n]; to.bits == 0 || sum < to.sum {
					*to = cell{sum, from.bits | 1<<i}
				}
			}
		}
	}
	var best cell
	tickets := 0
	for n := 1; n <= players; n++ {
		c := table[players][n]
		if c.bits != 0 && (tickets == 0 || float64(c.sum)/float64(n) < float64(best.sum)/float64(tickets)) {
			best, tickets = c, n
		}
	}
	for i, t := range list {
		if best.bits&(1<<i) != 0 {
			set = append(set, t)
		}
	}
	return set
}
