package tournament

import (
	"math"
	"time"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
)

// unlimited is the max_size of a tournament that takes everybody.
const unlimited = math.MaxInt32

func limited(row *schema.Leaderboard) bool { return row.MaxSize < unlimited }

// entry is a limited tournament inside a transaction that holds its row, so that entrants are counted one by one.
//
// leaderboard.size counts the entrants of one period, which the tournament's LeaderboardSchedule names. Whoever comes first
// in a new one, an entrant or the clock, opens it: so a full tournament is free again in the second of its reset.
type entry struct {
	tx   store.Tx
	row  *schema.Leaderboard
	come *schema.LeaderboardSchedule
}

// entryHints names what an entry reads.
func entryHints(id string) []store.Ref {
	return []store.Ref{schema.Leaderboards.Ref(id), schema.LeaderboardSchedules.Ref(id)}
}

// openEntry holds a tournament with its count at a period. nil: the tournament is gone.
func openEntry(tx store.Tx, id string, expiry time.Time) (*entry, error) {
	row, ok, err := store.Get(tx, schema.Leaderboards, id)
	if err != nil || !ok {
		return nil, err
	}
	come, ok, err := store.Get(tx, schema.LeaderboardSchedules, id)
	if err != nil {
		return nil, err
	}
	if !ok { // another program made it
		come = schema.NewLeaderboardSchedule(id, tx.Now())
	}
	e := &entry{tx, row, come}
	return e, e.open(expiry)
}

// open makes the size count a period: nobody, but for those who joined before the tournament began.
func (e *entry) open(expiry time.Time) error {
	if e.come.SizeExpiry.Equal(expiry) {
		return nil
	}
	e.close(expiry)
	if !limited(e.row) {
		return nil
	}
	early := store.Range{Prefix: []any{e.row.ID, expiry}, Limit: int(e.row.MaxSize)}
	for _, err := range store.Scan(e.tx, byPeriod, early) {
		if err != nil {
			return err
		}
		e.row.Size++
	}
	return nil
}

var byPeriod = schema.LeaderboardRecords.By("leaderboard_id", "expiry_time", "score", "subscore")

// close empties the tournament, and remembers how many had entered.
func (e *entry) close(next time.Time) {
	e.come.ClosedExpiry, e.come.ClosedSize = e.come.SizeExpiry, e.row.Size
	e.come.SizeExpiry, e.row.Size = next, 0
}

func (e *entry) full() bool { return e.row.Size >= e.row.MaxSize }

func (e *entry) add(n int32) { e.row.Size = max(0, e.row.Size+n) }

func (e *entry) put() error {
	if err := store.Put(e.tx, schema.Leaderboards, e.row); err != nil {
		return err
	}
	return store.Put(e.tx, schema.LeaderboardSchedules, e.come)
}

// Close ends the period of a tournament's size that has this expiry, unless somebody has opened a later one. next is the
// expiry of the one after it, Epoch when there is none. The caller holds both rows and puts come.
func Close(tx store.Tx, row *schema.Leaderboard, come *schema.LeaderboardSchedule, expiry, next time.Time) error {
	if come.SizeExpiry.After(expiry) {
		return nil
	}
	e := &entry{tx, row, come}
	if err := e.open(next); err != nil {
		return err
	}
	return store.Put(tx, schema.Leaderboards, row)
}

// SizeAt is how many had entered a period, as far as it is remembered; come may be nil.
func SizeAt(row *schema.Leaderboard, come *schema.LeaderboardSchedule, expiry time.Time) int32 {
	switch {
	case come == nil || come.SizeExpiry.Equal(expiry):
		return row.Size
	case come.ClosedExpiry.Equal(expiry):
		return come.ClosedSize
	}
	return 0
}
