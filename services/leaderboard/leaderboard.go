package leaderboard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/services/leaderboard/rank"
)

// ErrNotFound says that there is no such board.
var ErrNotFound = errs.New(errs.NotFound, "Leaderboard not found.")

// Config is what a Service is made of.
type Config struct {
	DB  store.DB
	Now func() time.Time
	Log *slog.Logger

	WithoutRanks []string        // ids of boards; "*": all of them
	Workers      int             // that load ranks at the start; 0: 1
	Changed      func(id string) // is told of boards that were created, altered or deleted; nil: nobody is
}

// Service keeps the boards.
type Service struct {
	// constant after New
	c       Config
	quit    chan struct{} // closed by Stop
	running sync.WaitGroup

	defining sync.Mutex // held by who changes definitions: one at a time

	mu     sync.RWMutex
	boards map[string]*live

	doubts doubts
}

// live is a board that exists.
type live struct {
	def  atomic.Pointer[Board]
	gate sync.RWMutex // writers of records hold it for reading, who deletes the board for writing
	gone bool         // under gate

	mu      sync.Mutex
	periods map[int64]*rank.Board // by expiry; only of those that are not over
	over    int64                 // the latest expiry of those whose ranks were dropped
}

// New reads all definitions, and the ranks of everything that is not over.
func New(ctx context.Context, c Config) (*Service, error) {
	c.Workers = max(c.Workers, 1)
	if c.Changed == nil {
		c.Changed = func(string) {}
	}
	s := &Service{c: c, quit: make(chan struct{}), boards: map[string]*live{}}
	rows, err := store.List(ctx, c.DB, schema.Leaderboards.By("create_time"), store.Range{})
	if err != nil {
		return nil, fmt.Errorf("read the leaderboards: %w", err)
	}
	for _, row := range rows {
		b, err := boardOf(row)
		if err != nil {
			c.Log.Error("a leaderboard is left out: its definition cannot be read", "error", err)
			continue
		}
		s.add(b)
	}
	if err := s.warm(ctx); err != nil {
		return nil, fmt.Errorf("read the ranks of leaderboards: %w", err)
	}
	return s, nil
}

// Stop waits for what is still to be found out about the store. A second call does nothing.
func (s *Service) Stop() {
	s.doubts.stop(s.quit)
	s.running.Wait()
}

func (s *Service) add(b *Board) {
	l := &live{periods: map[int64]*rank.Board{}}
	l.def.Store(b)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.boards[b.ID] = l
}

func (s *Service) find(id string) *live {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.boards[id]
}

// Get is a board or a tournament.
func (s *Service) Get(id string) (*Board, bool) {
	l := s.find(id)
	if l == nil {
		return nil, false
	}
	return l.def.Load(), true
}

// All are leaderboards and tournaments, in the order of their creation.
func (s *Service) All() []*Board {
	s.mu.RLock()
	all := make([]*Board, 0, len(s.boards))
	for _, l := range s.boards {
		all = append(all, l.def.Load())
	}
	s.mu.RUnlock()
	slices.SortFunc(all, inOrder)
	return all
}

func inOrder(a, b *Board) int {
	return cmp.Or(a.CreateTime.Compare(b.CreateTime), cmp.Compare(a.ID, b.ID))
}

// List reads one page of what is no tournament, in the order of creation; cursor "" begins, and next is "" on the last
// page.
// Errors: ErrCursor.
func (s *Service) List(limit int, cursor string) (page []*Board, next string, err error) {
	var after *Board
	if cursor != "" {
		if after, err = parseBoardCursor(cursor); err != nil {
			return nil, "", err
		}
	}
	for _, b := range s.All() {
		switch {
		case b.IsTournament(), after != nil && inOrder(b, after) <= 0:
		case len(page) == limit:
			return page, boardCursor(page[limit-1]), nil
		default:
			page = append(page, b)
		}
	}
	return page, "", nil
}

// Create makes a board. When there is one of the id, that one is returned as it is, and created is false.
// Errors: ErrID, ErrSchedule, ErrDefined, ErrRange.
func (s *Service) Create(ctx context.Context, d Definition) (b *Board, created bool, err error) {
	if b, ok := s.Get(d.ID); ok {
		return b, false, nil
	}
	row, err := d.row(s.c.Now())
	if err != nil {
		return nil, false, err
	}
	s.defining.Lock()
	defer s.defining.Unlock()
	if b, ok := s.Get(d.ID); ok {
		return b, false, nil
	}
	err = s.c.DB.Write(ctx, []store.Ref{schema.Leaderboards.Ref(d.ID)}, func(tx store.Tx) error {
		old, exists, err := store.Get(tx, schema.Leaderboards, d.ID)
		if err != nil {
			return err
		}
		if created = !exists; exists { // another program made it
			row = old
			return nil
		}
		if err := store.Put(tx, schema.Leaderboards, row); err != nil || !isPeriodic(row) {
			return err
		}
		return store.Put(tx, schema.LeaderboardSchedules, schema.NewLeaderboardSchedule(row.ID, row.CreateTime))
	})
	if err != nil {
		return nil, false, err
	}
	if row, err = s.asStored(ctx, row); err != nil {
		return nil, false, err
	}
	if b, err = boardOf(row); err != nil {
		return nil, false, err
	}
	s.add(b)
	if !created {
		err = s.warmBoard(ctx, s.find(b.ID))
	}
	s.c.Changed(b.ID)
	return b, created, err
}

// asStored is the row with times as precise as the store keeps them.
func (s *Service) asStored(ctx context.Context, row *schema.Leaderboard) (*schema.Leaderboard, error) {
	rows, err := store.GetMany(ctx, s.c.DB, schema.Leaderboards, []any{row.ID})
	if err != nil {
		return nil, err
	}
	if rows[0] == nil {
		return nil, ErrNotFound
	}
	return rows[0], nil
}

// isPeriodic reports whether the clock does anything to a board.
func isPeriodic(row *schema.Leaderboard) bool { return row.ResetSchedule != nil || row.Duration > 0 }

// Delete removes a board with all its records.
// Errors: ErrNotFound.
func (s *Service) Delete(ctx context.Context, id string) error {
	s.defining.Lock()
	defer s.defining.Unlock()
	l := s.find(id)
	if l == nil {
		return ErrNotFound
	}
	l.gate.Lock() // waits for those who write records, and keeps others out
	defer l.gate.Unlock()
	err := s.c.DB.Update(ctx, func(tx store.Tx) error { return store.Delete(tx, schema.Leaderboards, id) })
	if err != nil {
		return err
	}
	l.gone = true
	s.mu.Lock()
	delete(s.boards, id)
	s.mu.Unlock()
	s.c.Changed(id)
	return nil
}

// DisableRanks makes a board one without ranks, for good.
// Errors: ErrNotFound.
func (s *Service) DisableRanks(ctx context.Context, id string) error {
	s.defining.Lock()
	defer s.defining.Unlock()
	l := s.find(id)
	if l == nil {
		return ErrNotFound
	}
	var row *schema.Leaderboard
	err := s.c.DB.Write(ctx, []store.Ref{schema.Leaderboards.Ref(id)}, func(tx store.Tx) (err error) {
		var ok bool
		if row, ok, err = store.Get(tx, schema.Leaderboards, id); err != nil {
			return err
		}
		if !ok {
			return ErrNotFound
		}
		off := false
		row.EnableRanks = &off
		return store.Put(tx, schema.Leaderboards, row)
	})
	if err != nil {
		return err
	}
	b, err := boardOf(row)
	if err != nil {
		return err
	}
	l.mu.Lock()
	l.def.Store(b)
	clear(l.periods)
	l.mu.Unlock()
	s.c.Changed(id)
	return nil
}

// isUnknown reports that nobody can say whether a write was kept.
func isUnknown(err error) bool { return errors.Is(err, store.ErrUnavailable) }
