package session

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/id"
)

// A revocation is a row of schema.Revocations and, once that is durable, an entry in memory. There are two forms:
//
//	everything a user holds   per kind the second before which a token must end to be dead: the second of the revocation
//	                          plus the lifetime. So a token issued in that very second lives, as it always did, and a
//	                          later change of the configured lifetime revives none.
//	one family, one kind      until no token of the family can be alive. A session token may come out of the newest
//	                          refresh token at its very end, so its family is kept for both lifetimes.
//
// Either is forgotten when its ExpiryTime has passed.
type revocations struct {
	users  atomic.Int64 // how many there are: with none, checks cost nothing
	shards [revokedShards]struct {
		mu     sync.RWMutex
		byUser map[id.UUID]*revoked
	}
}

const revokedShards = 16

type revoked struct {
	before   [kinds]int64 // tokens that end earlier are dead
	families map[family]int64
}

type family struct {
	kind    kind
	tokenID string
}

// ending is a family to revoke, and when the token in hand expires: server code may have given it a life of its own.
type ending struct {
	family
	expires int64
}

// all reports whether t died with everything its user held.
func (r *revocations) all(k kind, t *Token) bool {
	if r.users.Load() == 0 {
		return false
	}
	s := &r.shards[t.UserID[15]%revokedShards]
	s.mu.RLock()
	defer s.mu.RUnlock()
	u := s.byUser[t.UserID]
	return u != nil && t.Expires < u.before[k]
}

// family reports whether the user's family is dead for tokens of its kind.
func (r *revocations) family(user id.UUID, f family) bool {
	if r.users.Load() == 0 {
		return false
	}
	s := &r.shards[user[15]%revokedShards]
	s.mu.RLock()
	defer s.mu.RUnlock()
	u := s.byUser[user]
	return u != nil && u.families[f] != 0
}

// apply enters a row that is durable.
func (r *revocations) apply(row *schema.Revocation) {
	if row.Kind < 0 || row.Kind >= kinds {
		return // of a later version
	}
	s := &r.shards[row.UserID[15]%revokedShards]
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.byUser[row.UserID]
	if u == nil {
		if s.byUser == nil {
			s.byUser = map[id.UUID]*revoked{}
		}
		u = &revoked{families: map[family]int64{}}
		s.byUser[row.UserID] = u
		r.users.Add(1)
	}
	k, end := kind(row.Kind), row.ExpiryTime.Unix()
	if row.TokenID == "" {
		u.before[k] = max(u.before[k], end)
	} else {
		f := family{k, row.TokenID}
		u.families[f] = max(u.families[f], end)
	}
}

// forget drops what ended before now.
func (r *revocations) forget(now int64) {
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.Lock()
		for user, u := range s.byUser {
			for f, end := range u.families {
				if end <= now {
					delete(u.families, f)
				}
			}
			if len(u.families) == 0 && u.before[kindSession] <= now && u.before[kindRefresh] <= now {
				delete(s.byUser, user)
				r.users.Add(-1)
			}
		}
		s.mu.Unlock()
	}
}

// RevokeAll ends every token of the user that was issued before this second.
func (s *Service) RevokeAll(ctx context.Context, user id.UUID) error {
	hint := []store.Ref{
		schema.Revocations.Ref(user, "", int16(kindSession)), schema.Revocations.Ref(user, "", int16(kindRefresh)),
	}
	return s.c.DB.Write(ctx, hint, func(tx store.Tx) error { return s.RevokeAllIn(tx, user) })
}

// RevokeAllIn is RevokeAll as part of a larger change, such as a ban.
func (s *Service) RevokeAllIn(tx store.Tx, user id.UUID) error {
	now := tx.Now().Unix()
	for k := range kind(kinds) {
		row := &schema.Revocation{UserID: user, Kind: int16(k), Before: now, ExpiryTime: time.Unix(now+s.life[k], 0).UTC()}
		if err := s.put(tx, row); err != nil {
			return err
		}
	}
	return nil
}

// graceSec covers a refresh that is under way while its family is revoked.
const graceSec = 60

func (s *Service) revokeFamilies(ctx context.Context, user id.UUID, dead ...ending) error {
	var hint []store.Ref
	for _, e := range dead {
		hint = append(hint, schema.Revocations.Ref(user, e.tokenID, int16(e.kind)))
	}
	return s.c.DB.Write(ctx, hint, func(tx store.Tx) error {
		for _, e := range dead {
			end := tx.Now().Unix() + s.life[kindRefresh] + graceSec
			if e.kind == kindSession {
				end += s.life[kindSession]
			}
			end = max(end, e.expires)
			row := &schema.Revocation{UserID: user, TokenID: e.tokenID, Kind: int16(e.kind), ExpiryTime: time.Unix(end, 0).UTC()}
			if err := s.put(tx, row); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Service) put(tx store.Tx, row *schema.Revocation) error {
	tx.AfterCommit(func(store.Commit) { s.revoked.apply(row) })
	return store.Put(tx, schema.Revocations, row)
}

func (s *Service) loadRevocations(ctx context.Context) error {
	return s.c.DB.Read(ctx, func(r store.Reader) error {
		alive := store.Range{After: []any{s.c.Now()}}
		for row, err := range store.Scan(r, schema.Revocations.By("expiry_time"), alive) {
			if err != nil {
				return err
			}
			s.revoked.apply(row)
		}
		return nil
	})
}

const sweepMax = 500 // rows of one transaction

// Sweep forgets revocations whose tokens have all expired.
func (s *Service) Sweep(ctx context.Context) error {
	s.revoked.forget(s.c.Now().Unix())
	for more := true; more; {
		err := s.c.DB.Update(ctx, func(tx store.Tx) error {
			n, err := sweep(tx)
			more = n == sweepMax
			return err
		})
		if err != nil {
			return fmt.Errorf("sweep session revocations: %w", err)
		}
	}
	return nil
}

func sweep(tx store.Tx) (int, error) {
	var dead []*schema.Revocation
	for row, err := range store.Scan(tx, schema.Revocations.By("expiry_time"), store.Range{Limit: sweepMax}) {
		if err != nil {
			return 0, err
		}
		if row.ExpiryTime.After(tx.Now()) {
			break
		}
		dead = append(dead, row)
	}
	for _, row := range dead {
		if err := store.Delete(tx, schema.Revocations, row.UserID, row.TokenID, row.Kind); err != nil {
			return 0, err
		}
	}
	return len(dead), nil
}

// Ended reports whether everything that the user held at a moment has been revoked since: for what was made from a session
// token and is used without it.
func (s *Service) Ended(user id.UUID, at time.Time) bool {
	return s.revoked.all(kindSession, &Token{UserID: user, Expires: at.Unix() + s.life[kindSession]})
}
