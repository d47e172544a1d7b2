package tournament

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/heroiclabs/nakama-common/api"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/services/leaderboard"
)

// Config is what a Service is made of.
type Config struct {
	DB     store.DB
	Boards *leaderboard.Service // whose definitions, records and ranks a tournament's are
	Now    func() time.Time
}

// Service runs tournaments.
type Service struct {
	c Config

	mu      sync.Mutex
	ordered []*leaderboard.Board // all tournaments in the order of listings; nil: to be asked anew
}

// New is a service over these parts.
func New(c Config) *Service { return &Service{c: c} }

// Changed tells that a board was created, altered or deleted.
func (s *Service) Changed(string) {
	s.mu.Lock()
	s.ordered = nil
	s.mu.Unlock()
}

// inOrder are all tournaments in the order of listings.
func (s *Service) inOrder() []*leaderboard.Board {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ordered == nil {
		s.ordered = slices.DeleteFunc(s.c.Boards.All(), func(b *leaderboard.Board) bool { return !b.IsTournament() })
		slices.SortFunc(s.ordered, order)
	}
	return s.ordered
}

// Get is a tournament's definition.
func (s *Service) Get(id string) (*leaderboard.Board, bool) {
	b, ok := s.c.Boards.Get(id)
	return b, ok && b.IsTournament()
}

// GetMany are tournaments as clients see them now; unknown ones are left out.
func (s *Service) GetMany(ctx context.Context, ids []string) ([]*api.Tournament, error) {
	var found []*leaderboard.Board
	for _, id := range ids {
		if b, ok := s.Get(id); ok {
			found = append(found, b)
		}
	}
	return s.messages(ctx, found)
}

// messages are tournaments as clients see them now.
func (s *Service) messages(ctx context.Context, found []*leaderboard.Board) ([]*api.Tournament, error) {
	at := s.c.Now()
	sizes, err := s.sizes(ctx, found, at)
	if err != nil {
		return nil, err
	}
	out := make([]*api.Tournament, len(found))
	for i, b := range found {
		now := *b
		now.Size = sizes[b.ID]
		out[i] = Message(&now, at)
	}
	return out, nil
}

// sizes are the present entrants of those tournaments that are limited.
func (s *Service) sizes(ctx context.Context, of []*leaderboard.Board, now time.Time) (map[string]int32, error) {
	of = slices.DeleteFunc(slices.Clone(of), func(b *leaderboard.Board) bool { return !limited(&b.Leaderboard) })
	keys := make([][]any, len(of))
	for i, b := range of {
		keys[i] = []any{b.ID}
	}
	rows, err := store.GetMany(ctx, s.c.DB, schema.Leaderboards, keys...)
	if err != nil {
		return nil, err
	}
	come, err := store.GetMany(ctx, s.c.DB, schema.LeaderboardSchedules, keys...)
	if err != nil {
		return nil, err
	}
	sizes := make(map[string]int32, len(of))
	for i, b := range of {
		if rows[i] != nil { // else deleted since
			sizes[b.ID] = SizeAt(rows[i], come[i], b.Expiry(now))
		}
	}
	return sizes, nil
}
