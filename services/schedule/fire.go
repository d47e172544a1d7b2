package schedule

import (
	"context"
	"time"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/services/leaderboard"
	"github.com/skirmishgg/skirmish/services/period"
	"github.com/skirmishgg/skirmish/services/tournament"
)

// work does what is due for a board, one event after the other, and puts it back.
func (s *Service) work(b *board) {
	for s.step(b) {
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy--
	if !b.gone {
		s.await(b)
	}
	s.lookAgain()
}

// step does the board's next event if it is due, and reports whether there may be another.
func (s *Service) step(b *board) bool {
	now := s.c.Now()
	s.mu.Lock()
	e, ok := b.upcoming(now.Unix())
	b.next = e
	def, over := b.def, b.gone || s.stopped
	s.mu.Unlock()
	if !ok || over || now.Unix() < e.at {
		return false
	}
	log := s.c.Log.With("board", def.ID, "kind", e.kind.String(), "time", time.Unix(e.at, 0).UTC())
	if e.over {
		log.Warn("a board makes up for its newest ends or resets only; earlier ones are passed over", "max", CatchUpMax)
	}
	f := s.function(def, e)
	t, err := s.take(s.calls, def, e, f != nil)
	if err != nil {
		log.Error("a board's end or reset is put off: the store does not take it", "error", err)
		s.mu.Lock()
		b.retry = now.Add(retryEvery)
		s.mu.Unlock()
		return false
	}
	if t.outcome == gone {
		s.mu.Lock()
		s.drop(b)
		s.mu.Unlock()
		return false
	}
	b.marks = t.marks
	switch t.outcome {
	case givenUp:
		log.Error("the function of a board's end or reset is given up: the process died in it each time", "attempts", AttemptsMax)
	case taken:
		if e.again {
			log.Warn("the function of a board's end or reset is called again: the process died in it")
		}
		if err := f(s.calls, t.was); err != nil {
			log.Error("the function of a board's end or reset failed", "error", err)
		}
		if s.calls.Err() != nil {
			return false // it was cut short: the next start calls it again
		}
		b.marks[e.kind].open = false
		if err := s.finish(def, e); err != nil {
			log.Error("a function has returned, but will be called again at the next start: the store does not take it", "error", err)
		}
	}
	return true
}

// function is what to call for an event with the board as it was; nil: nothing.
func (s *Service) function(def *leaderboard.Board, e event) func(ctx context.Context, was *leaderboard.Board) error {
	set, last := s.c.Callbacks(), time.Unix(e.at-1, 0).UTC() // the period's last second
	ofTournament := set.TournamentReset
	switch {
	case !def.IsTournament() && set.LeaderboardReset == nil:
		return nil
	case !def.IsTournament():
		return func(ctx context.Context, was *leaderboard.Board) error {
			return set.LeaderboardReset(ctx, was.Message(last), e.at)
		}
	case e.kind == End:
		ofTournament = set.TournamentEnd
	}
	if ofTournament == nil {
		return nil
	}
	return func(ctx context.Context, was *leaderboard.Board) error {
		return ofTournament(ctx, tournament.Message(was, last), e.period.End, e.period.Expiry)
	}
}

// outcome is what became of an event that a worker wanted to take up.
type outcome uint8

const (
	gone    outcome = iota // the board was deleted
	already                // it had been taken up before, maybe by another server
	done                   // there is no function to call
	taken                  // its function is to be called
	givenUp                // its function was called too often
)

// taking is an event taken up.
type taking struct {
	outcome outcome
	was     *leaderboard.Board // when the period closed
	marks   [2]mark            // as the store has them now; not when it is gone
}

// take records in the store that an event is taken up: of those who try, one does. With a reset goes what it does to the
// board itself.
func (s *Service) take(ctx context.Context, def *leaderboard.Board, e event, called bool) (t taking, err error) {
	hints := []store.Ref{schema.Leaderboards.Ref(def.ID), schema.LeaderboardSchedules.Ref(def.ID)}
	err = s.c.DB.Write(ctx, hints, func(tx store.Tx) error {
		t = taking{outcome: gone}
		row, ok, err := store.Get(tx, schema.Leaderboards, def.ID)
		if err != nil || !ok || !row.CreateTime.Equal(def.CreateTime) {
			return err
		}
		come, ok, err := store.Get(tx, schema.LeaderboardSchedules, def.ID)
		if err != nil {
			return err
		}
		if !ok {
			come = schema.NewLeaderboardSchedule(def.ID, def.CreateTime)
		}
		t.outcome = advance(come, e, called)
		t.marks = marksOf(come)
		t.marks[e.kind].open = t.outcome == taken
		if t.outcome == already {
			return nil
		}
		t.was = &leaderboard.Board{Leaderboard: *row, Resets: def.Resets}
		t.was.Size = tournament.SizeAt(row, come, expiry(e.period))
		if e.kind == Reset && def.IsTournament() {
			if err := tournament.Close(tx, row, come, expiry(e.period), following(def, e.period)); err != nil {
				return err
			}
		}
		return store.Put(tx, schema.LeaderboardSchedules, come)
	})
	return t, err
}

// following is the expiry of the period after another, Epoch when there is none.
func following(def *leaderboard.Board, p period.Period) time.Time {
	if p.Expiry == def.Periods().End {
		return schema.Epoch
	}
	return def.Expiry(expiry(p))
}

// advance moves a row on to an event.
func advance(come *schema.LeaderboardSchedule, e event, called bool) outcome {
	at, attempts := &come.EndTime, &come.EndAttempts
	if e.kind == Reset {
		at, attempts = &come.ResetTime, &come.ResetAttempts
	}
	switch now := at.Unix(); {
	case now > e.at, now == e.at && (*attempts == 0 || !e.again):
		return already
	case now == e.at && *attempts >= AttemptsMax:
		*attempts = 0
		return givenUp
	case now < e.at:
		*at, *attempts = time.Unix(e.at, 0).UTC(), 0
	}
	if !called {
		*attempts = 0
		return done
	}
	*attempts++
	return taken
}

// finish records that an event's function has returned.
func (s *Service) finish(def *leaderboard.Board, e event) error {
	return s.c.DB.Write(context.Background(), []store.Ref{schema.LeaderboardSchedules.Ref(def.ID)}, func(tx store.Tx) error {
		come, ok, err := store.Get(tx, schema.LeaderboardSchedules, def.ID)
		if err != nil || !ok {
			return err
		}
		at, attempts := come.EndTime, &come.EndAttempts
		if e.kind == Reset {
			at, attempts = come.ResetTime, &come.ResetAttempts
		}
		if at.Unix() != e.at {
			return nil
		}
		*attempts = 0
		return store.Put(tx, schema.LeaderboardSchedules, come)
	})
}
