package leaderboard

import (
	"context"
	"time"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/leaderboard/rank"
)

// Ref hints at a record.
func (b *Board) Ref(owner id.UUID, expiry time.Time) store.Ref {
	return schema.LeaderboardRecords.Ref(owner, b.ID, expiry)
}

// Write runs f in one transaction that may read and change records of a board, and moves their ranks when it has
// committed. f and hints are as of store.DB's Write: f is pure and may run again.
// Errors: f's own; ErrNotFound; those of the store.
func (s *Service) Write(ctx context.Context, b *Board, hints []store.Ref, f func(tx *Tx) error) error {
	l := s.find(b.ID)
	if l == nil {
		return ErrNotFound
	}
	l.gate.RLock()
	defer l.gate.RUnlock()
	if l.gone {
		return ErrNotFound
	}
	t := &Tx{l: l, s: s, board: b.ID}
	err := s.c.DB.Write(ctx, hints, func(tx store.Tx) error {
		t.Tx, t.touched = tx, t.touched[:0]
		return f(t)
	})
	if isUnknown(err) {
		for _, r := range t.touched {
			s.doubt(l, r)
		}
	}
	return err
}

// Tx is a transaction in which records may be changed. It is valid until f returns.
type Tx struct {
	store.Tx
	s       *Service
	l       *live
	board   string
	touched []recordID
}

// recordID names a record of a board.
type recordID struct {
	owner  id.UUID
	expiry int64
}

// Record is an owner's record in the period that ends at expiry, nil when there is none.
func (t *Tx) Record(owner id.UUID, expiry time.Time) (*schema.LeaderboardRecord, error) {
	r, _, err := store.Get(t.Tx, schema.LeaderboardRecords, owner, t.board, expiry)
	return r, err
}

// PutRecord writes a record.
func (t *Tx) PutRecord(r *schema.LeaderboardRecord) error {
	k, expiry := rank.Key{Score: r.Score, Subscore: r.Subscore, Owner: r.OwnerID}, r.ExpiryTime.Unix()
	t.touched = append(t.touched, recordID{k.Owner, expiry})
	if ranks := t.s.ranksForWrite(t.l, expiry); ranks != nil {
		t.AfterCommit(func(c store.Commit) { ranks.Set(k, c.Sequence) })
	}
	return store.Put(t.Tx, schema.LeaderboardRecords, r)
}

// RemoveRecord deletes a record.
func (t *Tx) RemoveRecord(owner id.UUID, expiry time.Time) error {
	seconds := expiry.Unix()
	t.touched = append(t.touched, recordID{owner, seconds})
	if ranks := t.s.ranksForWrite(t.l, seconds); ranks != nil {
		t.AfterCommit(func(c store.Commit) { ranks.Remove(owner, c.Sequence) })
	}
	return store.Delete(t.Tx, schema.LeaderboardRecords, owner, t.board, expiry)
}

// Forget moves the ranks when a record was deleted in a transaction that is not of this package: an account's end. It goes
// with every run of the transaction.
func (s *Service) Forget(tx store.Tx, r *schema.LeaderboardRecord) {
	board, owner, expiry := r.LeaderboardID, r.OwnerID, r.ExpiryTime.Unix()
	tx.AfterCommit(func(c store.Commit) {
		if l := s.find(board); l != nil {
			if ranks := s.ranksForWrite(l, expiry); ranks != nil {
				ranks.Remove(owner, c.Sequence)
			}
		}
	})
}

// Follow moves the ranks when a record was put in a transaction that is not of this package: an account's import. The
// transaction has read the board's row, so that the board is not deleted meanwhile. It goes with every run of the
// transaction.
func (s *Service) Follow(tx store.Tx, r *schema.LeaderboardRecord) {
	board, expiry := r.LeaderboardID, r.ExpiryTime.Unix()
	k := rank.Key{Score: r.Score, Subscore: r.Subscore, Owner: r.OwnerID}
	tx.AfterCommit(func(c store.Commit) {
		if l := s.find(board); l != nil {
			if ranks := s.ranksForWrite(l, expiry); ranks != nil {
				ranks.Set(k, c.Sequence)
			}
		}
	})
}

// Doubt has the ranks of records set anew by what the store holds, when nobody can say whether a transaction that Follow
// was called in has committed.
func (s *Service) Doubt(records []*schema.LeaderboardRecord) {
	for _, r := range records {
		if l := s.find(r.LeaderboardID); l != nil {
			s.doubt(l, recordID{r.OwnerID, r.ExpiryTime.Unix()})
		}
	}
}
