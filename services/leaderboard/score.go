package leaderboard

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/account"
)

// Refusals of scores.
var (
	ErrMetadata = errs.New(errs.InvalidArgument, "Metadata value must be JSON, if provided.")
	ErrScore    = errs.New(errs.InvalidArgument, "Score and subscore must not be negative, nor their sums too large.")
	ErrOperator = errs.New(errs.InvalidArgument, "Unknown operator.")
	ErrWrite    = errs.New(errs.PermissionDenied, "Leaderboard only allows authoritative score submissions.")
	ErrDelete   = errs.New(errs.PermissionDenied, "Leaderboard only allows authoritative score deletions.")
)

// Score is what an owner has achieved.
type Score struct {
	Owner           id.UUID
	Username        string // "": not known
	Score, Subscore int64
	Metadata        store.JSON // ""; what is stored stays
	Operator        *Operator  // nil: the board's
}

// OperatorOn is the operator that a score comes with, on a board.
func (in *Score) OperatorOn(b *Board) Operator {
	if in.Operator != nil {
		return *in.Operator
	}
	return Operator(b.Operator)
}

// Normalise checks a score in itself, and makes its metadata what a store keeps.
// Errors: ErrMetadata, ErrOperator.
func (in *Score) Normalise() error {
	if in.Operator != nil && (*in.Operator < Best || *in.Operator > Decrement) {
		return ErrOperator
	}
	if in.Metadata == "" {
		return nil
	}
	text, err := store.Normalise(in.Metadata)
	if err != nil || !text.IsObject() {
		return ErrMetadata
	}
	in.Metadata = text
	return nil
}

// Apply makes the record that old, or nil, becomes with a score in the period that ends at expiry. scored tells that the
// score counts: it is the first one, or changes something. The record is a new one in any case: with one more attempt, the
// score's metadata and username, and the time, as for a score that counts. A record that was made by joining has no
// attempt yet, and its first one is a first score.
// Errors: ErrScore.
func (b *Board) Apply(old *schema.LeaderboardRecord, in *Score, expiry, now time.Time) (r *schema.LeaderboardRecord, scored bool, err error) {
	r = &schema.LeaderboardRecord{
		LeaderboardID: b.ID, OwnerID: in.Owner, Metadata: "{}", CreateTime: now, ExpiryTime: expiry, MaxNumScore: b.MaxNumScore,
	}
	if old != nil {
		*r = *old
	}
	operator := in.OperatorOn(b)
	switch {
	case r.NumScore > 0:
		scored, err = b.combine(r, operator, in.Score, in.Subscore)
	case operator == Decrement:
		scored = true
	default:
		r.Score, r.Subscore, scored = in.Score, in.Subscore, true
	}
	if err != nil || r.Score < 0 || r.Subscore < 0 {
		return nil, false, ErrScore
	}
	if r.NumScore < math.MaxInt32 {
		r.NumScore++
	}
	if in.Metadata != "" {
		r.Metadata = in.Metadata
	}
	if in.Username != "" {
		r.Username = &in.Username
	}
	r.UpdateTime = now
	return r, scored, nil
}

// combine puts a further score into a record.
func (b *Board) combine(r *schema.LeaderboardRecord, operator Operator, score, subscore int64) (changed bool, err error) {
	was, wasSub := r.Score, r.Subscore
	switch operator {
	case Best:
		better := func(a, c int64) int64 { return max(a, c) }
		if !b.IsDescending() {
			better = func(a, c int64) int64 { return min(a, c) }
		}
		r.Score, r.Subscore = better(was, score), better(wasSub, subscore)
	case Set:
		r.Score, r.Subscore = score, subscore
	case Increment, Decrement:
		var ok, okSub bool
		if operator == Increment {
			r.Score, ok = sum(was, score)
			r.Subscore, okSub = sum(wasSub, subscore)
		} else {
			r.Score, ok = difference(was, score)
			r.Subscore, okSub = difference(wasSub, subscore)
		}
		if !ok || !okSub {
			return false, ErrScore
		}
		return score != 0 || subscore != 0, nil
	}
	return r.Score != was || r.Subscore != wasSub, nil
}

// sum adds to a number that is not negative.
func sum(a, c int64) (int64, bool) {
	if c > math.MaxInt64-a {
		return 0, false
	}
	return a + c, true
}

// difference subtracts from a number that is not negative, down to 0.
func difference(a, c int64) (int64, bool) {
	if c < 0 && a > math.MaxInt64+c {
		return 0, false
	}
	return max(a-c, 0), true
}

// Submit enters a score by the board's rules alone, also when the board is a tournament: its period is the one until the
// next reset. The owner of a score that is not trusted needs an account. A score that changes nothing leaves the record as
// it is.
// Errors: ErrNotFound, ErrWrite, ErrScore, ErrMetadata, ErrOperator; account.ErrNotFound.
func (s *Service) Submit(ctx context.Context, c op.Caller, board string, in Score) (*Record, error) {
	b, ok := s.Get(board)
	switch {
	case !ok:
		return nil, ErrNotFound
	case b.Authoritative && !c.Trusted:
		return nil, ErrWrite
	}
	if err := in.Normalise(); err != nil {
		return nil, err
	}
	if in.OperatorOn(b) != Decrement && (in.Score < 0 || in.Subscore < 0) {
		return nil, ErrScore
	}
	expiry := b.nextReset(s.c.Now())
	hints := []store.Ref{b.Ref(in.Owner, expiry)}
	if !c.Trusted && !s.hasRank(b, in.Owner, expiry) {
		hints = append(hints, schema.Users.Ref(in.Owner)) // likely a first score
	}
	var written *schema.LeaderboardRecord
	err := s.Write(ctx, b, hints, func(tx *Tx) error {
		old, err := tx.Record(in.Owner, expiry)
		if err != nil {
			return err
		}
		if old == nil && !c.Trusted {
			if err := NeedAccount(tx, in.Owner); err != nil {
				return err
			}
		}
		next, scored, err := b.Apply(old, &in, expiry, tx.Now())
		if err != nil {
			return err
		}
		if written = next; !scored {
			written = old
			return nil
		}
		return tx.PutRecord(next)
	})
	if err != nil {
		return nil, boardGone(err)
	}
	r := s.ranked(b, written)
	return &r, nil
}

// NeedAccount holds the owner's account, so that it is not deleted meanwhile and leaves a record of nobody.
func NeedAccount(tx store.Tx, owner id.UUID) error {
	_, ok, err := store.Get(tx, schema.Users, owner)
	if err == nil && !ok {
		return account.ErrNotFound
	}
	return err
}

// boardGone names what a record misses whose board another program has deleted.
func boardGone(err error) error {
	var missing *store.ReferenceError
	if errors.As(err, &missing) {
		return ErrNotFound
	}
	return err
}

// DeleteRecord removes an owner's record of the present period; removed tells whether there was one.
// Errors: ErrNotFound, also of a tournament; ErrDelete.
func (s *Service) DeleteRecord(ctx context.Context, c op.Caller, board string, owner id.UUID) (removed bool, err error) {
	b, ok := s.Get(board)
	switch {
	case !ok || b.IsTournament():
		return false, ErrNotFound
	case b.Authoritative && !c.Trusted:
		return false, ErrDelete
	}
	expiry := b.Expiry(s.c.Now())
	err = s.Write(ctx, b, []store.Ref{b.Ref(owner, expiry)}, func(tx *Tx) error {
		old, err := tx.Record(owner, expiry)
		if removed = old != nil; err != nil || old == nil {
			return err
		}
		return tx.RemoveRecord(owner, expiry)
	})
	return removed, err
}
