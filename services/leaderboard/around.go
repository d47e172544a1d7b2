package leaderboard

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/leaderboard/rank"
)

// aroundTries is how often the records around an owner are read, when they were changed between the look at the ranks and
// the one into the store. Then those that had these ranks are shown as they have become.
const aroundTries = 3

// Around reads limit records with an owner's among them, with the ranks of this moment. An owner without a record gets an
// empty page.
func (s *Service) Around(ctx context.Context, b *Board, owner id.UUID, limit int, expiry time.Time) (*Page, error) {
	read := s.aroundInStore
	if s.ranks(b, expiry) != nil {
		read = s.aroundInRanks
	}
	p, err := read(ctx, b, owner, limit, expiry)
	if err != nil {
		return nil, fmt.Errorf("list %d records around an owner: %w", limit, err)
	}
	return p, nil
}

// window is what is shown around a rank of a board with count records, first and last inclusive: as many better ones as
// worse ones, one worse one more when limit is even; shifted to stay full at an end of the board.
func window(limit, rank, count int) (first, last int) {
	better := min(limit, rank-1)
	half := limit / 2
	if better < half {
		first = rank - better
		return first, min(first+limit-1, count)
	}
	last = min(rank+half, count)
	return max(last-limit+1, rank-better), last
}

// aroundInRanks takes the place from the ranks, and what is there from the store.
func (s *Service) aroundInRanks(ctx context.Context, b *Board, owner id.UUID, limit int, expiry time.Time) (*Page, error) {
	ranks := s.ranks(b, expiry)
	if ranks == nil {
		return s.aroundInStore(ctx, b, owner, limit, expiry)
	}
	var keys []rank.Key
	for try := 1; ; try++ {
		var from, count int
		keys, from, _, count = ranks.Around(keys[:0], owner, func(rank, count int) (int, int) {
			first, last := window(limit, rank, count)
			return max(first-1, 1), last // with the one before, behind which the store is read
		})
		if len(keys) == 0 {
			return &Page{RankCount: count}, nil
		}
		rng := store.Range{Prefix: []any{b.ID, expiry}, Reverse: b.IsDescending()}
		shown, first := keys, from
		if len(keys) > limit { // a window that does not begin with rank 1 is full
			before := &keys[0]
			rng.After = []any{b.ID, expiry, before.Score, before.Subscore, before.Owner}
			shown, first = keys[1:], from+1
		}
		rng.Limit = len(shown)
		rows, err := store.List(ctx, s.c.DB, inPeriod, rng)
		if err != nil {
			return nil, err
		}
		if slices.EqualFunc(rows, shown, func(r *schema.LeaderboardRecord, k rank.Key) bool { return keyOf(r) == k }) {
			return pageAround(b, rows, first, count), nil
		}
		if try == aroundTries {
			rows, err := s.load(ctx, b, ownersOf(shown), expiry)
			return pageAround(b, rows, first, count), err
		}
	}
}

func ownersOf(keys []rank.Key) []id.UUID {
	owners := make([]id.UUID, len(keys))
	for i := range keys {
		owners[i] = keys[i].Owner
	}
	return owners
}

func pageAround(b *Board, rows []*schema.LeaderboardRecord, first, count int) *Page {
	p := &Page{RankCount: count, Records: make([]Record, len(rows))}
	for i, r := range rows {
		p.Records[i] = Record{r, first + i}
	}
	if len(rows) == 0 {
		return p
	}
	if first > 1 {
		p.Prev = cursorAt(b, p.Records[0], true)
	}
	if first+len(rows)-1 < count {
		p.Next = cursorAt(b, p.Records[len(rows)-1], false)
	}
	return p
}

// aroundInStore does without ranks: what is better and what is worse, each up to limit. The cursors count from the page
// alone, since nobody knows what is before it.
func (s *Service) aroundInStore(ctx context.Context, b *Board, owner id.UUID, limit int, expiry time.Time) (*Page, error) {
	var better, worse []*schema.LeaderboardRecord
	var own *schema.LeaderboardRecord
	err := s.c.DB.Read(ctx, func(r store.Reader) (err error) {
		var ok bool
		if own, ok, err = store.Get(r, schema.LeaderboardRecords, owner, b.ID, expiry); err != nil || !ok {
			return errors.Join(err, notThere(ok))
		}
		rng := store.Range{Prefix: []any{b.ID, expiry}, After: positionOf(own), Reverse: b.IsDescending(), Limit: limit + 1}
		if worse, err = collect(r, rng); err != nil {
			return err
		}
		rng.Reverse = !rng.Reverse
		better, err = collect(r, rng)
		return err
	})
	if errors.Is(err, errNone) {
		return &Page{}, nil
	}
	if err != nil {
		return nil, err
	}
	slices.Reverse(better)
	place := len(better) + 1
	all := append(append(better, own), worse...)
	first, last := window(limit, place, len(all))
	p := pageAround(b, all[first-1:last], first, len(all))
	p.RankCount = 0
	for i := range p.Records {
		p.Records[i].Rank = 0
	}
	return p, nil
}

var errNone = errors.New("the owner has no record")

func notThere(ok bool) error {
	if ok {
		return nil
	}
	return errNone
}

func collect(r store.Reader, rng store.Range) (rows []*schema.LeaderboardRecord, err error) {
	for row, err := range store.Scan(r, inPeriod, rng) {
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}
