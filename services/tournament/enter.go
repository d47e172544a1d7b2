package tournament

import (
	"context"
	"time"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/leaderboard"
	"github.com/skirmishgg/skirmish/services/period"
)

// Refusals.
var (
	ErrNotFound      = errs.New(errs.NotFound, "Tournament not found.")
	ErrEnded         = errs.New(errs.NotFound, "Tournament not found or has ended.")
	ErrJoinFull      = errs.New(errs.InvalidArgument, "Tournament cannot be joined as it has reached its max size.")
	ErrJoinInactive  = errs.New(errs.InvalidArgument, "Tournament is not active and cannot accept new joins.")
	ErrFull          = errs.New(errs.FailedPrecondition, "Tournament has reached max size.")
	ErrAuthoritative = errs.New(errs.PermissionDenied, "Tournament only allows authoritative score submissions.")
	ErrAttempts      = errs.New(errs.FailedPrecondition, "Reached allowed max number of score attempts.")
	ErrJoinFirst     = errs.New(errs.FailedPrecondition, "Must join tournament before attempting to write value.")
	ErrInactive      = errs.New(errs.FailedPrecondition, "Tournament is not active and cannot accept new scores.")
	ErrDelete        = errs.New(errs.PermissionDenied, "Tournament only allows authoritative score deletions.")
	ErrMaxNumScore   = errs.New(errs.InvalidArgument, "A record must allow between 1 and 2147483647 attempts.")
)

// Join enters a user for the present period, or the one to come. Where joining is not required it does nothing.
// Errors: ErrNotFound, ErrJoinInactive, ErrJoinFull; account.ErrNotFound.
func (s *Service) Join(ctx context.Context, c op.Caller, tournament string, owner id.UUID, username string) error {
	b, ok := s.Get(tournament)
	switch {
	case !ok:
		return ErrNotFound
	case !b.JoinRequired:
		return nil
	}
	return s.write(ctx, c, b, owner, func(t *entry) error {
		if t.now >= t.period.End {
			return ErrJoinInactive
		}
		if old, err := t.record(); err != nil || old != nil {
			return err
		}
		if err := t.enter(ErrJoinFull); err != nil {
			return err
		}
		r := &schema.LeaderboardRecord{
			LeaderboardID: b.ID, OwnerID: owner, Metadata: "{}", CreateTime: t.tx.Now(), UpdateTime: t.tx.Now(), ExpiryTime: t.expiry,
			MaxNumScore: b.MaxNumScore,
		}
		if username != "" {
			r.Username = &username
		}
		return t.tx.PutRecord(r)
	})
}

// Write takes one attempt of an owner's and returns his record. When joining is required and he has no attempt left, it is
// as it was.
// Errors: ErrNotFound, ErrEnded, ErrAuthoritative, ErrInactive, ErrJoinFirst, ErrAttempts, ErrFull; leaderboard's ErrScore,
// ErrMetadata, ErrOperator; account.ErrNotFound.
func (s *Service) Write(ctx context.Context, c op.Caller, tournament string, in leaderboard.Score) (*leaderboard.Record, error) {
	b, ok := s.Get(tournament)
	switch {
	case !ok:
		return nil, ErrNotFound
	case hasEnded(b, s.c.Now()):
		return nil, ErrEnded
	case b.Authoritative && !c.Trusted:
		return nil, ErrAuthoritative
	}
	if err := in.Normalise(); err != nil {
		return nil, err
	}
	if !b.JoinRequired && in.OperatorOn(b) != leaderboard.Decrement && (in.Score < 0 || in.Subscore < 0) {
		return nil, leaderboard.ErrScore
	}
	var written *schema.LeaderboardRecord
	err := s.write(ctx, c, b, in.Owner, func(t *entry) error {
		if !t.period.Active(t.now) {
			return ErrInactive
		}
		old, err := t.record()
		switch {
		case err != nil:
			return err
		case old == nil && b.JoinRequired:
			return ErrJoinFirst
		case old == nil:
			if err := t.enter(ErrFull); err != nil {
				return err
			}
		case old.NumScore < old.MaxNumScore:
		case b.JoinRequired:
			written = old
			return nil
		default:
			return ErrAttempts
		}
		if written, _, err = b.Apply(old, &in, t.expiry, t.tx.Now()); err != nil {
			return err
		}
		return t.tx.PutRecord(written)
	})
	if err != nil {
		return nil, err
	}
	return &leaderboard.Record{LeaderboardRecord: written, Rank: s.c.Boards.Rank(b, in.Owner, written.ExpiryTime)}, nil
}

// DeleteRecord removes an owner's record of the present period, if there is one, and with it his entry.
// Errors: ErrNotFound, ErrDelete.
func (s *Service) DeleteRecord(ctx context.Context, c op.Caller, tournament string, owner id.UUID) error {
	b, ok := s.Get(tournament)
	switch {
	case !ok:
		return ErrNotFound
	case b.Authoritative && !c.Trusted:
		return ErrDelete
	}
	return s.write(ctx, c, b, owner, func(t *entry) error {
		if old, err := t.record(); err != nil || old == nil {
			return err
		}
		if err := t.leave(); err != nil {
			return err
		}
		return t.tx.RemoveRecord(owner, t.expiry)
	})
}

// Forget follows a record that was deleted in a transaction which is not of this package, at an account's end: its rank
// goes, and its entry. It goes with every run of the transaction.
func (s *Service) Forget(tx store.Tx, r *schema.LeaderboardRecord) error {
	s.c.Boards.Forget(tx, r)
	if b, ok := s.Get(r.LeaderboardID); !ok || !limited(&b.Leaderboard) {
		return nil
	}
	return giveBack(tx, r)
}

// AddAttempts lets an owner try count more times in the present period, or fewer. Of one who has no record it is forgotten.
// Errors: ErrNotFound, ErrMaxNumScore.
func (s *Service) AddAttempts(ctx context.Context, tournament string, owner id.UUID, count int32) error {
	b, ok := s.Get(tournament)
	if !ok {
		return ErrNotFound
	}
	return s.write(ctx, op.Caller{Trusted: true}, b, owner, func(t *entry) error {
		r, err := t.record()
		if err != nil || r == nil {
			return err
		}
		allowed := int64(r.MaxNumScore) + int64(count)
		if allowed < 1 || allowed > maxNumScoreMax {
			return ErrMaxNumScore
		}
		r.MaxNumScore, r.UpdateTime = int32(allowed), t.tx.Now()
		return t.tx.PutRecord(r)
	})
}

func hasEnded(b *leaderboard.Board, now time.Time) bool {
	return b.EndTime.After(schema.Epoch) && !b.EndTime.After(now)
}

// write runs f in a transaction with what an owner does to a tournament.
func (s *Service) write(ctx context.Context, c op.Caller, b *leaderboard.Board, owner id.UUID, f func(*entry) error) error {
	hints := []store.Ref{b.Ref(owner, b.Expiry(s.c.Now())), schema.Users.Ref(owner)}
	if limited(&b.Leaderboard) {
		hints = append(hints, countHints(b.ID)...)
	}
	err := s.c.Boards.Write(ctx, b, hints, func(tx *leaderboard.Tx) error {
		now := tx.Now().Unix()
		p := b.Periods().At(now)
		return f(&entry{tx: tx, board: b, owner: owner, trusted: c.Trusted, now: now, period: p, expiry: time.Unix(p.Expiry, 0).UTC()})
	})
	if err == leaderboard.ErrNotFound { // deleted meanwhile
		return ErrNotFound
	}
	return err
}

// entry is an owner's part in a tournament's present period, inside a transaction.
type entry struct {
	tx      *leaderboard.Tx
	board   *leaderboard.Board
	owner   id.UUID
	trusted bool
	now     int64
	period  period.Period
	expiry  time.Time
}

func (t *entry) record() (*schema.LeaderboardRecord, error) { return t.tx.Record(t.owner, t.expiry) }

// enter takes a place for an owner who has no record. One who is not trusted holds his account, so that it is not deleted
// meanwhile and leaves a record of nobody.
// Errors: full; account.ErrNotFound.
func (t *entry) enter(full error) error {
	if !t.trusted {
		if err := leaderboard.NeedAccount(t.tx, t.owner); err != nil {
			return err
		}
	}
	if !limited(&t.board.Leaderboard) {
		return nil
	}
	c, err := holdCount(t.tx, t.board.ID, t.expiry)
	switch {
	case err != nil:
		return err
	case c.full():
		return full
	}
	return c.add(1)
}

// leave gives the place back.
func (t *entry) leave() error {
	if !limited(&t.board.Leaderboard) {
		return nil
	}
	c, err := holdCount(t.tx, t.board.ID, t.expiry)
	if err != nil {
		return err
	}
	return c.add(-1)
}
