package node

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/skirmishgg/skirmish/services/leaderboard"
	"github.com/skirmishgg/skirmish/services/schedule"
	"github.com/skirmishgg/skirmish/services/tournament"
)

// newBoards reads the leaderboards and their ranks, builds what stands on them, and creates what the program and the settings
// define.
func newBoards(ctx context.Context, b *backend, n *Node) (*leaderboard.Service, error) {
	s := b.settings.Leaderboard
	definitions := slices.Clone(n.c.Leaderboards)
	if s.Definitions != "" {
		text, err := os.ReadFile(s.Definitions)
		if err != nil {
			return nil, fmt.Errorf("leaderboard.definitions: %w", err)
		}
		more, err := leaderboard.ParseDefinitions(text)
		if err != nil {
			return nil, fmt.Errorf("leaderboard.definitions: %s: %w", s.Definitions, err)
		}
		definitions = append(definitions, more...)
	}
	boards, err := leaderboard.New(ctx, leaderboard.Config{
		DB: b.db, Now: time.Now, Log: b.log, WithoutRanks: s.BlacklistRankCache, Workers: s.RankCacheWorkers,
		Changed: func(id string) { b.tournament.Changed(id); b.schedule.Changed(id) },
	})
	if err != nil {
		return nil, err
	}
	b.tournament = tournament.New(tournament.Config{DB: b.db, Boards: boards, Now: time.Now})
	b.schedule = schedule.New(schedule.Config{
		DB: b.db, Boards: boards, Callbacks: b.boardCallbacks, Workers: s.CallbackQueueWorkers, Now: time.Now, Log: b.log,
	})
	for _, d := range definitions {
		if _, _, err := boards.Create(ctx, d); err != nil {
			return nil, fmt.Errorf("leaderboard %q: %w", d.ID, err)
		}
	}
	return boards, nil
}

// boardCallbacks are the functions that modules have for ends and resets.
func (b *backend) boardCallbacks() schedule.Callbacks {
	set := b.runtime.Set()
	return schedule.Callbacks{TournamentEnd: set.TournamentEnd, TournamentReset: set.TournamentReset, LeaderboardReset: set.LeaderboardReset}
}
