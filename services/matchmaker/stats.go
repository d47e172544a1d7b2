package matchmaker

import (
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/types/known/timestamppb"
)

const historyMax = 10 // players

// history is the players that were matched last.
type history struct {
	list []*api.MatchmakerCompletionStats
}

func (h *history) add(group []*ticket, now time.Time) {
	at := timestamppb.New(now)
	for _, t := range group {
		for range min(len(t.conns), historyMax) {
			h.list = append(h.list, &api.MatchmakerCompletionStats{CreateTime: timestamppb.New(t.created), CompleteTime: at})
		}
	}
	if over := len(h.list) - historyMax; over > 0 {
		h.list = append([]*api.MatchmakerCompletionStats(nil), h.list[over:]...)
	}
}

// snapshot makes the statistics of this round.
func (s *Service) snapshot() {
	stats := &api.MatchmakerStats{TicketCount: int32(len(s.byID)), Completions: append([]*api.MatchmakerCompletionStats(nil), s.history.list...)}
	var oldest time.Time
	for _, t := range s.byID {
		if oldest.IsZero() || t.created.Before(oldest) {
			oldest = t.created
		}
	}
	if !oldest.IsZero() {
		stats.OldestTicketCreateTime = timestamppb.New(oldest)
	}
	s.stats.Store(stats)
}

// Stats is the state at the beginning of the last round; empty before there was one. Nobody changes it.
func (s *Service) Stats() *api.MatchmakerStats { return s.stats.Load() }
