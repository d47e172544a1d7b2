package leaderboard

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/leaderboard/rank"
)

// Record is a record with its rank; 0: none is known.
type Record struct {
	*schema.LeaderboardRecord
	Rank int
}

// Page is a part of a board. Cursors are "" where there is no more.
type Page struct {
	Records      []Record
	OwnerRecords []Record
	Next, Prev   string
	RankCount    int // of the whole period; 0: no ranks are kept
}

// Listing asks for one page of a period.
type Listing struct {
	Expiry time.Time // of the period; Board.Expiry is that of now
	Owners []id.UUID // whose records are to be listed in addition
	Limit  int       // 0: only those
	Cursor string    // "": the first page
}

// Records reads one page. Records are numbered by their place, on from where the cursor was; those of owners have the
// ranks of this moment.
// Errors: ErrCursor.
func (s *Service) Records(ctx context.Context, b *Board, l Listing) (*Page, error) {
	from, err := parseCursor(b, l.Expiry, l.Cursor)
	if err != nil {
		return nil, err
	}
	p := &Page{}
	if ranks := s.ranks(b, l.Expiry); ranks != nil {
		p.RankCount = ranks.Len()
	}
	if l.Limit > 0 {
		if err := s.fill(ctx, p, b, l, from); err != nil {
			return nil, fmt.Errorf("list %d records: %w", l.Limit, err)
		}
	}
	if len(l.Owners) > 0 {
		if p.OwnerRecords, err = s.of(ctx, b, l.Owners, l.Expiry); err != nil {
			return nil, fmt.Errorf("list the records of %d owners: %w", len(l.Owners), err)
		}
	}
	return p, nil
}

// fill reads the records of a page, from a cursor on or, with one that looks back, up to it.
func (s *Service) fill(ctx context.Context, p *Page, b *Board, l Listing, from *cursor) error {
	rng := store.Range{Prefix: []any{b.ID, l.Expiry}, Reverse: b.IsDescending(), Limit: l.Limit + 1}
	first := 1
	if from != nil {
		rng.After = []any{b.ID, l.Expiry, from.Score, from.Subscore, from.Owner}
		rng.Reverse = rng.Reverse != from.back
		first = from.rank + 1
	}
	rows, err := store.List(ctx, s.c.DB, inPeriod, rng)
	if err != nil {
		return err
	}
	more := len(rows) > l.Limit // beyond this page, in the direction of reading
	rows = rows[:min(len(rows), l.Limit)]
	back := from != nil && from.back
	if back {
		slices.Reverse(rows)
		first = max(from.rank-len(rows), 1)
	}
	p.Records = make([]Record, len(rows))
	for i, r := range rows {
		p.Records[i] = Record{r, first + i}
	}
	if len(rows) == 0 {
		return nil
	}
	if more || back {
		p.Next = cursorAt(b, p.Records[len(rows)-1], false)
	}
	if back && more || !back && from != nil {
		p.Prev = cursorAt(b, p.Records[0], true)
	}
	return nil
}

// of reads the records that owners have in a period, in the board's order.
func (s *Service) of(ctx context.Context, b *Board, owners []id.UUID, expiry time.Time) ([]Record, error) {
	owners = slices.Clone(owners)
	slices.SortFunc(owners, func(a, c id.UUID) int { return slices.Compare(a[:], c[:]) })
	rows, err := s.load(ctx, b, slices.Compact(owners), expiry)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(rows, func(a, c *schema.LeaderboardRecord) int {
		x, y := keyOf(a), keyOf(c)
		return x.Compare(&y, b.IsDescending())
	})
	records := make([]Record, len(rows))
	for i, r := range rows {
		records[i] = s.ranked(b, r)
	}
	return records, nil
}

// load reads records by their owners, in the order of these, without those who have none.
func (s *Service) load(ctx context.Context, b *Board, owners []id.UUID, expiry time.Time) ([]*schema.LeaderboardRecord, error) {
	keys := make([][]any, len(owners))
	for i, o := range owners {
		keys[i] = []any{o, b.ID, expiry}
	}
	rows, err := store.GetMany(ctx, s.c.DB, schema.LeaderboardRecords, keys...)
	return slices.DeleteFunc(rows, func(r *schema.LeaderboardRecord) bool { return r == nil }), err
}

func keyOf(r *schema.LeaderboardRecord) rank.Key {
	return rank.Key{Score: r.Score, Subscore: r.Subscore, Owner: r.OwnerID}
}
