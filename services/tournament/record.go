package tournament

import (
	"context"
	"time"

	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/leaderboard"
)

// ErrOver refuses a look at the present records of a tournament that is over for good.
var ErrOver = errs.New(errs.NotFound, "Tournament has ended.")

// Records reads one page of a period's records. l.Expiry zero: the present one's.
// Errors: ErrNotFound, ErrOver; leaderboard.ErrCursor.
func (s *Service) Records(ctx context.Context, tournament string, l leaderboard.Listing) (*leaderboard.Page, error) {
	b, ok := s.Get(tournament)
	if !ok {
		return nil, ErrNotFound
	}
	if l.Expiry, ok = s.expiry(b, l.Expiry); !ok {
		return nil, ErrOver
	}
	return s.c.Boards.Records(ctx, b, l)
}

// Around reads the records around an owner's, or the page that a cursor leads to, under the same terms; of a tournament
// that is over there are none.
// Errors: ErrNotFound; leaderboard.ErrCursor.
func (s *Service) Around(ctx context.Context, tournament string, owner id.UUID, limit int, cursor string, expiry time.Time) (*leaderboard.Page, error) {
	b, ok := s.Get(tournament)
	if !ok {
		return nil, ErrNotFound
	}
	if expiry, ok = s.expiry(b, expiry); !ok {
		return &leaderboard.Page{}, nil
	}
	return s.c.Boards.AroundOrFrom(ctx, b, owner, limit, cursor, expiry)
}

// expiry is that of the period that is asked for. ok is false for the present one of a tournament that is over.
func (s *Service) expiry(b *leaderboard.Board, asked time.Time) (expiry time.Time, ok bool) {
	if !asked.IsZero() {
		return asked, true
	}
	now := s.c.Now()
	return b.Expiry(now), !hasEnded(b, now)
}
