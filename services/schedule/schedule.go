// Package schedule makes what happens to leaderboards and tournaments by the clock happen once: the end of each active
// time, and the reset at the end of each period.
//
//	loop    which boards have something due? One worker a board, so that a slow function keeps nobody else waiting
//	worker  take it up: the board's row in the store says so, and its size is 0 from now on
//	        call the server code's function with the board as it was when the period closed
//	        say in the store that it has returned
//
// Nothing is kept in queues: what is due follows from the definition, the clock, and how far the store says the board has
// come. Hence:
//
//   - A restart changes nothing. What fell due meanwhile is made up for, oldest first, but of no more than the newest
//     CatchUpMax periods a board and the present one: a board reset each minute runs no thousand functions after a weekend.
//   - A clock that jumps forward does the same as a restart; one that jumps back does nothing until it has passed where it
//     was. It is looked at once a second, whatever the next run.
//   - A function that was called when the process died is called again at the next start, at most AttemptsMax times, since
//     nobody knows how far it came. One that returns, with an error or without, is not: the error is logged. Stop waits for
//     those under way.
//
// Any goroutine may call these functions.
package schedule

import (
	"cmp"
	"container/heap"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/heroiclabs/nakama-common/api"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/services/leaderboard"
)

const (
	CatchUpMax  = 24 // periods that were closed meanwhile and are made up for, a board; older ones are passed over
	AttemptsMax = 3  // calls of a function that the process did not survive; then it is given up

	lookEvery  = time.Second     // at the clock, which may jump
	retryEvery = 5 * time.Second // when the store fails
)

// Callbacks are the functions that server code has for ends and resets; nil: none. Times are Unix seconds; the board is as
// it was when the period closed. An error is logged.
type Callbacks struct {
	TournamentEnd    func(ctx context.Context, t *api.Tournament, end, reset int64) error
	TournamentReset  func(ctx context.Context, t *api.Tournament, end, reset int64) error
	LeaderboardReset func(ctx context.Context, l *api.Leaderboard, reset int64) error
}

// Config is what a Service is made of.
type Config struct {
	DB        store.DB
	Boards    Boards
	Callbacks func() Callbacks // as they are now: scripts may be loaded anew; nil: none
	Workers   int              // functions that run at once; 0: 8
	Now       func() time.Time
	Log       *slog.Logger
}

// Boards are what has a clock; leaderboard.Service.
type Boards interface {
	All() []*leaderboard.Board
	Get(id string) (*leaderboard.Board, bool)
}

// Service keeps the clock of every board that has one.
type Service struct {
	// constant after New
	c       Config
	wake    chan struct{} // the loop looks again
	quit    chan struct{} // closed by Stop
	running sync.WaitGroup
	calls   context.Context // of functions; ended when Stop will not wait any longer
	abandon context.CancelFunc

	mu      sync.Mutex
	started bool
	boards  map[string]*board
	queue   queue // those that no worker has, by their next event
	busy    int   // workers
	stopped bool
}

// New is a service that keeps no board's clock before Start.
func New(c Config) *Service {
	if c.Workers == 0 {
		c.Workers = 8
	}
	if c.Callbacks == nil {
		c.Callbacks = func() Callbacks { return Callbacks{} }
	}
	s := &Service{c: c, wake: make(chan struct{}, 1), quit: make(chan struct{}), boards: map[string]*board{}}
	s.calls, s.abandon = context.WithCancel(context.Background())
	return s
}

// Start reads how far every board has come and begins to keep their clocks.
func (s *Service) Start(ctx context.Context) error {
	if err := s.load(ctx); err != nil {
		return err
	}
	s.running.Go(s.loop) // ended by Stop, which waits
	return nil
}

func (s *Service) load(ctx context.Context) error {
	s.mu.Lock()
	s.started = true // from here on Changed tells what the lists below may miss
	s.mu.Unlock()
	rows, err := store.List(ctx, s.c.DB, schema.LeaderboardSchedules.By("leaderboard_id"), store.Range{})
	if err != nil {
		return err
	}
	come := make(map[string]*schema.LeaderboardSchedule, len(rows))
	for _, row := range rows {
		come[row.LeaderboardID] = row
	}
	var unknown []*leaderboard.Board
	for _, def := range s.c.Boards.All() {
		if row := come[def.ID]; row != nil {
			s.add(def, row)
		} else if isPeriodic(def) {
			unknown = append(unknown, def)
		}
	}
	return s.adopt(ctx, unknown)
}

// adoptMax boards are adopted in one transaction.
const adoptMax = 500

// adopt takes on boards of a database that another program has kept so far: what is past is not made up for.
func (s *Service) adopt(ctx context.Context, boards []*leaderboard.Board) error {
	for chunk := range slices.Chunk(boards, adoptMax) {
		var rows []*schema.LeaderboardSchedule
		err := s.c.DB.Update(ctx, func(tx store.Tx) error {
			rows = rows[:0]
			for _, def := range chunk {
				row := schema.NewLeaderboardSchedule(def.ID, s.c.Now())
				row.SizeExpiry = def.Expiry(row.EndTime)
				rows = append(rows, row)
				if err := store.Put(tx, schema.LeaderboardSchedules, row); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		for i, def := range chunk {
			s.add(def, rows[i])
		}
	}
	return nil
}

// Changed tells that a board was created, altered or deleted. Before Start nothing needs to be told.
func (s *Service) Changed(id string) {
	def, ok := s.c.Boards.Get(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.started {
		return
	}
	if b := s.boards[id]; b != nil {
		if ok && b.def.CreateTime.Equal(def.CreateTime) { // still the same board
			b.def = def
			return
		}
		s.drop(b)
	}
	if ok && isPeriodic(def) {
		s.addLocked(def, schema.NewLeaderboardSchedule(def.ID, def.CreateTime))
	}
	s.lookAgain()
}

func (s *Service) add(def *leaderboard.Board, row *schema.LeaderboardSchedule) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.boards[def.ID] == nil { // else Changed was faster
		s.addLocked(def, row)
	}
}

func (s *Service) addLocked(def *leaderboard.Board, row *schema.LeaderboardSchedule) {
	b := &board{def: def, marks: marksOf(row), place: -1}
	s.boards[def.ID] = b
	s.await(b)
}

// await puts a board that no worker has where its next event belongs; one without any leaves.
func (s *Service) await(b *board) {
	var ok bool
	if b.next, ok = b.upcoming(s.c.Now().Unix()); !ok {
		s.drop(b)
		return
	}
	heap.Push(&s.queue, b)
}

func (s *Service) drop(b *board) {
	if b.place >= 0 {
		heap.Remove(&s.queue, b.place)
	}
	b.gone = true
	if s.boards[b.def.ID] == b {
		delete(s.boards, b.def.ID)
	}
}

func (s *Service) lookAgain() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// loop hands boards to workers as they fall due.
func (s *Service) loop() {
	for {
		wait := s.dispatch()
		timer := time.NewTimer(wait)
		select {
		case <-s.quit:
			timer.Stop()
			return
		case <-s.wake:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// dispatch starts workers for all that is due, as far as there are any, and returns when to look again.
func (s *Service) dispatch() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.c.Now()
	for len(s.queue) > 0 && s.busy < s.c.Workers && !s.stopped {
		wait := s.queue[0].due().Sub(now)
		if wait > 0 {
			return min(wait, lookEvery)
		}
		b := heap.Pop(&s.queue).(*board)
		s.busy++
		s.running.Go(func() { s.work(b) }) // ends with what is due; Stop waits
	}
	return lookEvery
}

// Stop takes nothing up any more and waits for the functions under way; when ctx ends, so do their contexts. A second call
// does nothing.
func (s *Service) Stop(ctx context.Context) {
	s.mu.Lock()
	if !s.stopped {
		s.stopped = true
		close(s.quit)
	}
	s.mu.Unlock()
	stop := context.AfterFunc(ctx, s.abandon)
	defer stop()
	s.running.Wait()
}

// Run is an end or reset to come, or under way.
type Run struct {
	Board   string
	Kind    Kind
	Time    time.Time
	Running bool
}

// Runs are the next run of every board that has one, soonest first, at most limit; board "" is all.
func (s *Service) Runs(board string, limit int) []Run {
	s.mu.Lock()
	var all []Run
	for id, b := range s.boards {
		if board == "" || board == id {
			all = append(all, Run{id, b.next.kind, time.Unix(b.next.at, 0).UTC(), b.place < 0})
		}
	}
	s.mu.Unlock()
	slices.SortFunc(all, func(a, b Run) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Board, b.Board))
	})
	return all[:min(limit, len(all))]
}
