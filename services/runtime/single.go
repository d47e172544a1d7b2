package runtime

import (
	"context"

	"github.com/heroiclabs/nakama-common/api"
	nakama "github.com/heroiclabs/nakama-common/runtime"
)

// wrapSingle gives the hooks of which there is one each their context and their net. What nobody registered stays nil.
func (s *Set) wrapSingle() {
	s.wrapMatchmaker()
	s.wrapBoards()
	s.wrapPurchases()
	if f := s.Shutdown; f != nil {
		s.Shutdown = func(ctx context.Context) {
			var err error
			defer s.catch(&err, "shutdown function")
			f(s.host.Context(ctx, ModeShutdown))
		}
	}
}

func (s *Set) wrapMatchmaker() {
	if f := s.MatchmakerMatched; f != nil {
		s.MatchmakerMatched = func(ctx context.Context, entries []nakama.MatchmakerEntry) (id string, err error) {
			defer s.catch(&err, "matchmaker matched hook")
			return f(s.host.Context(ctx, ModeMatchmaker), entries)
		}
	}
	if f := s.MatchmakerOverride; f != nil {
		s.MatchmakerOverride = func(ctx context.Context, candidates [][]nakama.MatchmakerEntry) (m [][]nakama.MatchmakerEntry, err error) {
			defer s.catch(&err, "matchmaker override hook")
			return f(s.host.Context(ctx, ModeMatchmakerOverride), candidates)
		}
	}
	if f := s.MatchmakerProcessor; f != nil {
		s.MatchmakerProcessor = func(ctx context.Context, entries []nakama.MatchmakerEntry) (m [][]nakama.MatchmakerEntry, err error) {
			defer s.catch(&err, "matchmaker processor hook")
			return f(s.host.Context(ctx, ModeMatchmakerProcessor), entries)
		}
	}
}

func (s *Set) wrapBoards() {
	tournament := func(f func(context.Context, *api.Tournament, int64, int64) error, mode string) func(context.Context, *api.Tournament, int64, int64) error {
		if f == nil {
			return nil
		}
		return func(ctx context.Context, t *api.Tournament, end, reset int64) (err error) {
			defer s.catch(&err, mode+" hook")
			return f(s.host.Context(ctx, mode), t, end, reset)
		}
	}
	s.TournamentEnd = tournament(s.TournamentEnd, ModeTournamentEnd)
	s.TournamentReset = tournament(s.TournamentReset, ModeTournamentReset)
	if f := s.LeaderboardReset; f != nil {
		s.LeaderboardReset = func(ctx context.Context, l *api.Leaderboard, reset int64) (err error) {
			defer s.catch(&err, ModeLeaderboardReset+" hook")
			return f(s.host.Context(ctx, ModeLeaderboardReset), l, reset)
		}
	}
}

func (s *Set) wrapPurchases() {
	s.PurchaseApple = notified(s, s.PurchaseApple, ModePurchaseApple)
	s.SubscriptionApple = notified(s, s.SubscriptionApple, ModeSubscriptionApple)
	s.PurchaseGoogle = notified(s, s.PurchaseGoogle, ModePurchaseGoogle)
	s.SubscriptionGoogle = notified(s, s.SubscriptionGoogle, ModeSubscriptionGoogle)
}

// notified wraps a hook for what a store tells of a purchase P, in its words D.
func notified[P, D any](s *Set, f func(context.Context, nakama.NotificationType, *P, *D) error, mode string) func(context.Context, nakama.NotificationType, *P, *D) error {
	if f == nil {
		return nil
	}
	return func(ctx context.Context, t nakama.NotificationType, p *P, data *D) (err error) {
		defer s.catch(&err, mode+" hook")
		return f(s.host.Context(ctx, mode), t, p, data)
	}
}
