package schedule_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heroiclabs/nakama-common/api"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/persist/storetest/each"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/cron"
	"github.com/skirmishgg/skirmish/services/leaderboard"
	"github.com/skirmishgg/skirmish/services/schedule"
)

func TestMain(m *testing.M) { each.Main(m) }

// world is a store with boards in it, whose clock each server started on it keeps.
type world struct {
	t     *testing.T
	db    store.DB
	clock *each.Clock
	defs  map[string]*leaderboard.Board

	mu    sync.Mutex
	calls []string // what the functions were called with, since take
	fail  error
	hang  func(ctx context.Context) error
	logs  strings.Builder
}

func newWorld(t *testing.T, db store.DB, clock *each.Clock) *world {
	clock.Advance(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).Sub(clock.Now()))
	return &world{t: t, db: db, clock: clock, defs: map[string]*leaderboard.Board{}}
}

// board makes a board, as leaderboard.Create does. Times are after the clock's; end 0: none.
func (w *world) board(name, resets string, start, end, duration time.Duration, maxSize int32) *leaderboard.Board {
	w.t.Helper()
	b := w.row(name, resets, start, end, duration, maxSize)
	err := w.db.Write(w.t.Context(), nil, func(tx store.Tx) error {
		return store.Put(tx, schema.LeaderboardSchedules, schema.NewLeaderboardSchedule(name, b.CreateTime))
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

// row makes one as another program would.
func (w *world) row(name, resets string, start, end, duration time.Duration, maxSize int32) *leaderboard.Board {
	w.t.Helper()
	now := w.clock.Now()
	row := &schema.Leaderboard{
		ID: name, Metadata: "{}", CreateTime: now, StartTime: now.Add(start), EndTime: schema.Epoch, Duration: int32(duration / time.Second),
		MaxSize: maxSize, MaxNumScore: 100,
	}
	if end > 0 {
		row.EndTime = now.Add(end)
	}
	b := &leaderboard.Board{}
	if resets != "" {
		row.ResetSchedule = &resets
		s, err := cron.Parse(resets)
		if err != nil {
			w.t.Fatal(err)
		}
		b.Resets = s
	}
	if err := w.db.Write(w.t.Context(), nil, func(tx store.Tx) error { return store.Put(tx, schema.Leaderboards, row) }); err != nil {
		w.t.Fatal(err)
	}
	b.Leaderboard = *row
	w.defs[name] = b
	return b
}

func (w *world) delete(name string) {
	w.t.Helper()
	delete(w.defs, name)
	if err := w.db.Write(w.t.Context(), nil, func(tx store.Tx) error { return store.Delete(tx, schema.Leaderboards, name) }); err != nil {
		w.t.Fatal(err)
	}
}

// server is a service as a server has it, without the loop.
func (w *world) server() *schedule.Service {
	w.t.Helper()
	s := schedule.New(w.config())
	if err := s.Load(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	return s
}

func (w *world) config() schedule.Config {
	return schedule.Config{
		DB: w.db, Now: w.clock.Now, Log: slog.New(slog.NewTextHandler(w, nil)),
		Boards: w,
		Callbacks: func() schedule.Callbacks {
			return schedule.Callbacks{
				TournamentEnd: func(ctx context.Context, t *api.Tournament, end, reset int64) error {
					return w.called(ctx, "end", t, end, reset)
				},
				TournamentReset: func(ctx context.Context, t *api.Tournament, end, reset int64) error {
					return w.called(ctx, "reset", t, end, reset)
				},
				LeaderboardReset: func(_ context.Context, l *api.Leaderboard, reset int64) error {
					w.note(fmt.Sprintf("%s reset %s, was %s to %s", l.Id, short(reset), short(int64(l.PrevReset)), short(int64(l.NextReset))))
					return w.fail
				},
			}
		},
	}
}

func (w *world) All() []*leaderboard.Board { return slices.Collect(maps.Values(w.defs)) }

func (w *world) Get(name string) (*leaderboard.Board, bool) { b, ok := w.defs[name]; return b, ok }

// Write takes the log.
func (w *world) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.logs.Write(line)
}

func (w *world) called(ctx context.Context, kind string, t *api.Tournament, end, reset int64) error {
	if w.hang != nil {
		return w.hang(ctx)
	}
	w.note(fmt.Sprintf("%s %s: %s to %s, reset %s, size %d", t.Id, kind, short(int64(t.StartActive)), short(end), short(reset), t.Size))
	if int64(t.EndActive) != end || int64(t.NextReset) != reset {
		w.t.Errorf("the message says %d and %d", t.EndActive, t.NextReset)
	}
	return w.fail
}

func (w *world) note(call string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, call)
}

// told checks what the functions were called with since the last time, in any order of boards.
func (w *world) told(s *schedule.Service, want ...string) {
	w.t.Helper()
	s.Settle()
	w.mu.Lock()
	defer w.mu.Unlock()
	got := w.calls
	w.calls = nil
	if !slices.Equal(got, want) {
		w.t.Errorf("%s\n got %s\nwant %s", short(w.clock.Now().Unix()), strings.Join(got, "\n     "), strings.Join(want, "\n     "))
	}
}

func short(at int64) string {
	if at == 0 {
		return "-"
	}
	return time.Unix(at, 0).UTC().Format("02 15:04:05")
}

func (w *world) size(name string) (size int32) {
	w.t.Helper()
	err := w.db.Read(w.t.Context(), func(r store.Reader) error {
		row, _, err := store.Get(r, schema.Leaderboards, name)
		size = row.Size
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return size
}

const hour, day = time.Hour, 24 * time.Hour

// TestOnce: each end and reset is told once, with the period that it closes, whatever is started anew in between.
func TestOnce(t *testing.T) {
	each.Store(t, func(t *testing.T, db store.DB, clock *each.Clock) {
		w := newWorld(t, db, clock)
		w.board("daily", "0 0 * * *", 0, 0, 12*hour, math.MaxInt32)
		s := w.server()
		w.told(s)
		clock.Advance(12*hour - time.Second)
		w.told(s)
		clock.Advance(time.Second)
		w.told(s, "daily end: 01 00:00:00 to 01 12:00:00, reset 02 00:00:00, size 0")
		w.told(s)
		w.told(w.server()) // a second server, or the next
		clock.Advance(12 * hour)
		s = w.server()
		w.told(s, "daily reset: 01 00:00:00 to 01 12:00:00, reset 02 00:00:00, size 0")
		w.told(w.server())
		clock.Advance(12*hour + 1)
		w.told(s, "daily end: 02 00:00:00 to 02 12:00:00, reset 03 00:00:00, size 0")
		s.Stop(t.Context())
		s.Stop(t.Context())
		clock.Advance(day)
		w.told(s)
		w.told(w.server(), "daily reset: 02 00:00:00 to 02 12:00:00, reset 03 00:00:00, size 0", "daily end: 03 00:00:00 to 03 12:00:00, reset 04 00:00:00, size 0")
	})
}

// TestKinds: boards with every form of life.
func TestKinds(t *testing.T) {
	each.Store(t, func(t *testing.T, db store.DB, clock *each.Clock) {
		w := newWorld(t, db, clock)
		f := func(resets string, start, end, duration, after time.Duration, want ...string) {
			t.Helper()
			w.board("b", resets, start, end, duration, math.MaxInt32)
			s := w.server()
			clock.Advance(after)
			w.told(s, want...)
			w.delete("b")
			s.Changed("b")
			if runs := s.Runs("", 10); len(runs) > 0 {
				t.Errorf("of a deleted board: %v", runs)
			}
			clock.Advance(-after)
		}
		f("", 0, 0, hour, 100*day, "b end: 01 00:00:00 to 01 01:00:00, reset -, size 0")
		f("", hour, 3*hour, hour, 100*day, "b end: 01 01:00:00 to 01 02:00:00, reset 01 03:00:00, size 0", "b reset: 01 01:00:00 to 01 02:00:00, reset 01 03:00:00, size 0")
		f("", 0, 2*hour, 5*hour, day, "b end: 01 00:00:00 to 01 02:00:00, reset 01 02:00:00, size 0", "b reset: 01 00:00:00 to 01 02:00:00, reset 01 02:00:00, size 0")
		// begun within an active time: the first is shorter
		f("0 * * * *", 10*time.Minute, 0, 30*time.Minute, 95*time.Minute, "b end: 01 00:10:00 to 01 00:30:00, reset 01 01:00:00, size 0",
			"b reset: 01 00:10:00 to 01 00:30:00, reset 01 01:00:00, size 0", "b end: 01 01:00:00 to 01 01:30:00, reset 01 02:00:00, size 0")
		f("0 * * * *", 0, 0, 0, 2*hour, "b reset 01 01:00:00, was 01 00:00:00 to 01 01:00:00", "b reset 01 02:00:00, was 01 01:00:00 to 01 02:00:00")
		f("", 0, 0, 0, 100*day)
	})
}

// TestClockJumps: forward like a restart, and back without anything twice.
func TestClockJumps(t *testing.T) {
	each.Store(t, func(t *testing.T, db store.DB, clock *each.Clock) {
		w := newWorld(t, db, clock)
		w.board("b", "0 0 * * *", 0, 0, 0, math.MaxInt32)
		s := w.server()
		clock.Advance(2 * day)
		w.told(s, "b reset 02 00:00:00, was 01 00:00:00 to 02 00:00:00", "b reset 03 00:00:00, was 02 00:00:00 to 03 00:00:00")
		clock.Advance(-2 * day)
		w.told(s)
		clock.Advance(day)
		w.told(s)
		w.told(w.server())
		clock.Advance(2 * day)
		w.told(s, "b reset 04 00:00:00, was 03 00:00:00 to 04 00:00:00")
	})
}

// TestCatchUp: a long absence is made up for by the newest only, and what went before is never told.
func TestCatchUp(t *testing.T) {
	each.Store(t, func(t *testing.T, db store.DB, clock *each.Clock) {
		w := newWorld(t, db, clock)
		w.board("b", "* * * * *", 0, 0, 30*time.Second, math.MaxInt32)
		clock.Advance(100*day + 45*time.Second)
		s := w.server()
		s.Settle()
		if len(w.calls) != 2*schedule.CatchUpMax+1 { // the present one has its end behind it
			t.Errorf("%d calls:\n%s", len(w.calls), strings.Join(w.calls, "\n"))
		}
		first, last := "b end: 08 23:36:00 to 08 23:36:30, reset 08 23:37:00, size 0", "b end: 09 00:00:00 to 09 00:00:30, reset 09 00:01:00, size 0"
		if w.calls[0] != first || w.calls[len(w.calls)-1] != last {
			t.Errorf("from %s\nto %s", w.calls[0], w.calls[len(w.calls)-1])
		}
		if n := strings.Count(w.logs.String(), "passed over"); n != 2 {
			t.Errorf("said %d times that some are passed over", n)
		}
		w.calls = nil
		w.told(w.server())
	})
}

// TestAdopted: a board that another program has kept so far begins now, with the size it has.
func TestAdopted(t *testing.T) {
	each.Store(t, func(t *testing.T, db store.DB, clock *each.Clock) {
		w := newWorld(t, db, clock)
		w.row("b", "0 0 * * *", 0, 0, 12*hour, 5)
		w.setSize("b", 3)
		clock.Advance(10 * day)
		s := w.server()
		w.told(s)
		clock.Advance(12 * hour)
		w.told(s, "b end: 11 00:00:00 to 11 12:00:00, reset 12 00:00:00, size 3")
	})
}

func (w *world) setSize(name string, n int32) {
	w.t.Helper()
	err := w.db.Write(w.t.Context(), nil, func(tx store.Tx) error {
		row, _, err := store.Get(tx, schema.Leaderboards, name)
		if err != nil {
			return err
		}
		row.Size = n
		return store.Put(tx, schema.Leaderboards, row)
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// TestSize: a reset empties a tournament, and its function is told how many there were. Who joined before it began stays.
func TestSize(t *testing.T) {
	each.Store(t, func(t *testing.T, db store.DB, clock *each.Clock) {
		w := newWorld(t, db, clock)
		b := w.board("b", "0 0 * * *", 6*hour, 2*day, 12*hour, 5)
		early := b.Expiry(clock.Now()) // the second period's
		err := w.db.Write(t.Context(), nil, func(tx store.Tx) error {
			return store.Put(tx, schema.LeaderboardRecords, &schema.LeaderboardRecord{
				LeaderboardID: "b", OwnerID: id.UUID{1}, Metadata: "{}", CreateTime: clock.Now(), UpdateTime: clock.Now(),
				ExpiryTime: early, MaxNumScore: 1,
			})
		})
		if err != nil {
			t.Fatal(err)
		}
		s := w.server()
		w.setSize("b", 4)
		clock.Advance(day)
		w.told(s, "b end: 01 06:00:00 to 01 12:00:00, reset 02 00:00:00, size 0", "b reset: 01 06:00:00 to 01 12:00:00, reset 02 00:00:00, size 0")
		if n := w.size("b"); n != 1 {
			t.Errorf("size %d, want the one who joined early", n)
		}
		w.setSize("b", 2)
		clock.Advance(day)
		w.told(s, "b end: 02 00:00:00 to 02 12:00:00, reset 03 00:00:00, size 2", "b reset: 02 00:00:00 to 02 12:00:00, reset 03 00:00:00, size 2")
		if n := w.size("b"); n != 0 {
			t.Errorf("size %d of one that is over", n)
		}
	})
}

// TestInterrupted: a function that the process did not survive is called again, but not for ever; one that fails is not.
func TestInterrupted(t *testing.T) {
	each.Store(t, func(t *testing.T, db store.DB, clock *each.Clock) {
		w := newWorld(t, db, clock)
		w.board("b", "0 0 * * *", 0, 0, 0, math.MaxInt32)
		w.board("t", "0 0 * * *", 0, 0, day, 5)
		w.setSize("t", 2)
		w.fail = errors.New("no luck")
		s := w.server()
		clock.Advance(day)
		s.Settle()
		if len(w.calls) != 3 || strings.Count(w.logs.String(), "no luck") != 3 {
			t.Errorf("calls %q\n%s", w.calls, w.logs.String())
		}
		w.calls = nil
		w.told(w.server())

		w.fail = nil
		w.delete("b")
		clock.Advance(day)
		for range schedule.AttemptsMax {
			w.dies()
		}
		w.told(w.server(), "t reset: 02 00:00:00 to 03 00:00:00, reset 03 00:00:00, size 0") // the end is given up
		if !strings.Contains(w.logs.String(), "given up") {
			t.Error(w.logs.String())
		}
		clock.Advance(day)
		w.dies()
		w.told(w.server(), "t end: 03 00:00:00 to 04 00:00:00, reset 04 00:00:00, size 0", "t reset: 03 00:00:00 to 04 00:00:00, reset 04 00:00:00, size 0")
		w.told(w.server())
	})
}

// dies is a server that is gone before its function has returned.
func (w *world) dies() {
	w.t.Helper()
	called := make(chan struct{})
	w.hang = func(ctx context.Context) error { close(called); <-ctx.Done(); return ctx.Err() }
	s := schedule.New(w.config())
	if err := s.Start(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	<-called
	ctx, cancel := context.WithCancel(w.t.Context())
	cancel()
	s.Stop(ctx)
	w.hang = nil
}

// TestLoop: what is due is done without anybody's help, and Runs says what comes next.
func TestLoop(t *testing.T) {
	each.Store(t, func(t *testing.T, db store.DB, clock *each.Clock) {
		w := newWorld(t, db, clock)
		called := make(chan struct{})
		w.hang = func(context.Context) error { called <- struct{}{}; <-called; return nil }
		s := schedule.New(w.config())
		w.board("b", "0 2 * * *", 0, 0, 0, 5)
		s.Changed("b")
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.delete("b")
		s.Changed("b")
		w.board("a", "0 0 * * *", 0, 0, 12*hour, 5)
		w.board("z", "0 1 * * *", 0, 0, 0, 5)
		s.Changed("a")
		s.Changed("z")
		runs := func(want string) {
			t.Helper()
			if got := fmt.Sprint(s.Runs("", 10)); got != want {
				t.Errorf("got %s\nwant %s", got, want)
			}
		}
		runs("[{z reset 2026-03-01 01:00:00 +0000 UTC false} {a end 2026-03-01 12:00:00 +0000 UTC false}]")
		clock.Advance(12 * hour)
		s.Changed("z") // looks at the clock at once
		<-called
		if got := fmt.Sprint(s.Runs("a", 10)); got != "[{a end 2026-03-01 12:00:00 +0000 UTC true}]" {
			t.Error(got)
		}
		called <- struct{}{}
		s.Stop(t.Context())
		if got := fmt.Sprint(s.Runs("a", 10)); got != "[{a reset 2026-03-02 00:00:00 +0000 UTC false}]" {
			t.Error(got)
		}
	})
}
