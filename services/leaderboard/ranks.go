package leaderboard

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/leaderboard/rank"
)

// overFor is how long a period's ranks are kept when it is over: as long as a clock may be set back.
const overFor = time.Minute

// isRanked reports whether ranks are kept for a board.
func (s *Service) isRanked(b *Board) bool {
	return (b.EnableRanks == nil || *b.EnableRanks) && !slices.Contains(s.c.WithoutRanks, "*") && !slices.Contains(s.c.WithoutRanks, b.ID)
}

// ranksForWrite are a period's ranks, made when there are none yet; nil: none are kept.
func (s *Service) ranksForWrite(l *live, expiry int64) *rank.Board {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.def.Load() // under mu, so that none come after DisableRanks has dropped them
	if !s.isRanked(b) {
		return nil
	}
	ranks := l.periods[expiry]
	if ranks == nil && (expiry == 0 || expiry > l.over && expiry > s.c.Now().Add(-overFor).Unix()) {
		ranks = rank.New(b.IsDescending())
		l.periods[expiry] = ranks
	}
	return ranks
}

// ranks are a period's, nil when there are none.
func (s *Service) ranks(b *Board, expiry time.Time) *rank.Board {
	l := s.find(b.ID)
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.periods[expiry.Unix()]
}

// Rank is an owner's place, 0 when there is none.
func (s *Service) Rank(b *Board, owner id.UUID, expiry time.Time) int {
	ranks := s.ranks(b, expiry)
	if ranks == nil {
		return 0
	}
	place, _ := ranks.Rank(owner)
	return place
}

func (s *Service) hasRank(b *Board, owner id.UUID, expiry time.Time) bool {
	return s.Rank(b, owner, expiry) > 0
}

// ranked is a record with its rank.
func (s *Service) ranked(b *Board, r *schema.LeaderboardRecord) Record {
	return Record{r, s.Rank(b, r.OwnerID, r.ExpiryTime)}
}

// Sweep drops the ranks of periods that are over.
func (s *Service) Sweep() {
	over := s.c.Now().Add(-overFor).Unix()
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, l := range s.boards {
		l.mu.Lock()
		for expiry := range l.periods {
			if expiry != 0 && expiry <= over {
				delete(l.periods, expiry)
				l.over = max(l.over, expiry)
			}
		}
		l.mu.Unlock()
	}
}

// warm reads the ranks of all boards. Nobody writes yet.
func (s *Service) warm(ctx context.Context) error {
	queue := make(chan *live)
	failed := make(chan error, s.c.Workers)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var workers sync.WaitGroup
	for range s.c.Workers {
		workers.Go(func() { // ends with the queue
			for l := range queue {
				if err := s.warmBoard(ctx, l); err != nil {
					failed <- err
					cancel()
					return
				}
			}
		})
	}
	for _, l := range s.boards {
		select {
		case queue <- l:
		case <-ctx.Done():
		}
	}
	close(queue)
	workers.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return ctx.Err()
	}
}

// warmBoard reads the ranks of a board's periods that are not over: the one without an end, and those yet to expire.
func (s *Service) warmBoard(ctx context.Context, l *live) error {
	b := l.def.Load()
	if !s.isRanked(b) {
		return nil
	}
	if err := s.warmPeriod(ctx, l, schema.Epoch); err != nil {
		return err
	}
	for after := time.Unix(max(s.c.Now().Unix(), 0), 0).UTC(); ; {
		next, err := store.List(ctx, s.c.DB, inPeriod, store.Range{Prefix: []any{b.ID}, After: []any{b.ID, after}, Limit: 1})
		if err != nil || len(next) == 0 {
			return err
		}
		if after = next[0].ExpiryTime; after.Equal(schema.Epoch) {
			return fmt.Errorf("board %q: its periods are out of order", b.ID)
		}
		if err := s.warmPeriod(ctx, l, after); err != nil {
			return err
		}
	}
}

// inPeriod is the order of a period's records.
var inPeriod = schema.LeaderboardRecords.By("leaderboard_id", "expiry_time", "score", "subscore")

const warmPage = 4096 // records a read

// warmPeriod fills ranks in their order, which is what they take fastest.
func (s *Service) warmPeriod(ctx context.Context, l *live, expiry time.Time) error {
	b := l.def.Load()
	rng := store.Range{Prefix: []any{b.ID, expiry}, Reverse: b.IsDescending(), Limit: warmPage}
	for {
		rows, err := store.ListKeys(ctx, s.c.DB, inPeriod, rng)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if ranks := s.ranksForWrite(l, expiry.Unix()); ranks != nil {
				ranks.Set(rank.Key{Score: r.Score, Subscore: r.Subscore, Owner: r.OwnerID}, 0)
			}
		}
		if len(rows) < warmPage {
			return nil
		}
		rng.After = positionOf(rows[len(rows)-1])
	}
}

// positionOf is a record's place in a period, as a key of inPeriod.
func positionOf(r *schema.LeaderboardRecord) []any {
	return []any{r.LeaderboardID, r.ExpiryTime, r.Score, r.Subscore, r.OwnerID}
}

// doubts are records of which nobody can say what the store holds, since a commit's outcome is unknown.
type doubts struct {
	mu      sync.Mutex
	list    []doubt
	working bool
	stopped bool
}

type doubt struct {
	l *live
	r recordID
}

const (
	doubtsMax  = 1 << 16 // more: the ranks of that record are as before until it is written again, or the next start
	doubtEvery = time.Second
)

func (d *doubts) stop(quit chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.stopped {
		d.stopped = true
		close(quit)
	}
}

// doubt has a record read again, until that works.
func (s *Service) doubt(l *live, r recordID) {
	d := &s.doubts
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stopped || len(d.list) >= doubtsMax {
		return
	}
	d.list = append(d.list, doubt{l, r})
	if !d.working {
		d.working = true
		s.running.Go(s.settle) // ends when all is known, or with Stop, which waits
	}
}

// settle works off doubts.
func (s *Service) settle() {
	for {
		s.doubts.mu.Lock()
		if len(s.doubts.list) == 0 {
			s.doubts.working, s.doubts.list = false, nil
			s.doubts.mu.Unlock()
			return
		}
		next := s.doubts.list[0]
		s.doubts.mu.Unlock()
		if err := s.settleOne(next); err != nil {
			s.c.Log.Warn("the ranks of a record wait for the store", "board", next.l.def.Load().ID, "error", err)
			select {
			case <-s.quit:
				return
			case <-time.After(doubtEvery):
			}
			continue
		}
		s.doubts.mu.Lock()
		s.doubts.list = s.doubts.list[1:]
		s.doubts.mu.Unlock()
	}
}

// settleOne reads a record where a write would: behind whatever transaction may still hold it.
func (s *Service) settleOne(d doubt) error {
	ranks := s.ranksForWrite(d.l, d.r.expiry)
	if ranks == nil {
		return nil
	}
	b, expiry := d.l.def.Load(), expiryOf(d.r.expiry)
	seen := ranks.Version(d.r.owner)
	var found *rank.Key
	err := s.c.DB.Write(context.Background(), []store.Ref{b.Ref(d.r.owner, expiry)}, func(tx store.Tx) error {
		r, ok, err := store.Get(tx, schema.LeaderboardRecords, d.r.owner, b.ID, expiry)
		if found = nil; ok {
			found = &rank.Key{Score: r.Score, Subscore: r.Subscore, Owner: r.OwnerID}
		}
		return err
	})
	if err == nil {
		ranks.Settle(d.r.owner, found, seen)
	}
	return err
}
