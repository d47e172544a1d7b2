package matchmaker

import (
	"context"
	"errors"

	nakama "github.com/heroiclabs/nakama-common/runtime"

	"github.com/skirmishgg/skirmish/services/matchmaker/pool"
)

// What may be wrong with a group that server code made.
var (
	errForeign = errors.New("an entry is none of those that were given")
	errGone    = errors.New("a ticket is gone, or in another group")
	errParts   = errors.New("a ticket is in it with some of its players only")
)

// process lets server code make the groups of a round.
func (s *Service) process(ctx context.Context, hook func(context.Context, []nakama.MatchmakerEntry) ([][]nakama.MatchmakerEntry, error)) {
	s.mu.Lock()
	s.pool.Skip()
	all := tickets(s.pool.All())
	s.mu.Unlock()
	if len(all) == 0 {
		return
	}
	groups, err := hook(ctx, public(entries(all)))
	s.form(ctx, groups, err)
}

// override lets server code pick among the groups of a round.
func (s *Service) override(ctx context.Context, hook func(context.Context, [][]nakama.MatchmakerEntry) ([][]nakama.MatchmakerEntry, error)) {
	s.mu.Lock()
	var candidates [][]nakama.MatchmakerEntry
	var filled [][]*ticket // of matches that run: server code has no say in these
	for _, m := range s.pool.Propose(nil) {
		group := tickets(m)
		if backfillOf(group) == nil {
			candidates = append(candidates, public(entries(group)))
		} else if s.allHere(group) {
			filled = append(filled, s.pick(group))
		}
	}
	s.mu.Unlock()
	s.deliverAll(ctx, filled)
	if len(candidates) == 0 {
		return
	}
	groups, err := hook(ctx, candidates)
	s.form(ctx, groups, err)
}

func tickets(list []*pool.Ticket) []*ticket {
	out := make([]*ticket, len(list))
	for i, p := range list {
		out[i] = p.Owner.(*ticket)
	}
	return out
}

// form makes matches of the groups that a hook returned, as far as they can be.
func (s *Service) form(ctx context.Context, groups [][]nakama.MatchmakerEntry, err error) {
	if err != nil {
		s.c.Log.Error("a matchmaker hook failed", "error", err)
		return
	}
	var formed [][]*ticket
	s.mu.Lock()
	for _, g := range groups {
		group, err := whole(g)
		if err == nil && !s.allHere(group) {
			err = errGone
		}
		if err != nil {
			s.c.Log.Error("a matchmaker hook made a group that cannot be", "entries", len(g), "error", err)
		} else if len(group) > 0 {
			formed = append(formed, s.pick(group))
		}
	}
	s.mu.Unlock()
	s.deliverAll(ctx, formed)
}

func (s *Service) allHere(group []*ticket) bool {
	for _, t := range group {
		if t.gone {
			return false
		}
	}
	return true
}

// pick takes a group out of the pool.
func (s *Service) pick(group []*ticket) []*ticket {
	m := make(pool.Match, len(group))
	for i, t := range group {
		s.pool.Remove(&t.Ticket)
		m[i] = &t.Ticket
	}
	return s.take(m)
}

// whole is the tickets of a hook's group, in its order, if all their players are in it, once.
func whole(g []nakama.MatchmakerEntry) (group []*ticket, err error) {
	players := map[*ticket]map[int]struct{}{}
	for _, x := range g {
		e, ok := x.(*Entry)
		if !ok {
			return nil, errForeign
		}
		if players[e.t] == nil {
			players[e.t] = map[int]struct{}{}
			group = append(group, e.t)
		}
		players[e.t][e.n] = struct{}{}
	}
	for _, t := range group {
		if len(players[t]) != len(t.conns) {
			return nil, errParts
		}
	}
	return group, nil
}
