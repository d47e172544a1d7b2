package tournament

import (
	"math"
	"time"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
)

// unlimited is the max_size of a tournament that takes everybody; its entrants are not counted.
const unlimited = math.MaxInt32

// maxNumScoreMax is the most attempts that a record can allow.
const maxNumScoreMax = math.MaxInt32

func limited(row *schema.Leaderboard) bool { return row.MaxSize < unlimited }

// count is the number of a tournament's entrants, inside a transaction that holds its rows, so that they are counted one by
// one.
//
// leaderboard.size counts those of one period, which the tournament's LeaderboardSchedule names. Whoever comes first in a
// new one, an entrant or the clock, opens it: so a full tournament is free again in the very second of its reset.
type count struct {
	tx   store.Tx
	row  *schema.Leaderboard
	come *schema.LeaderboardSchedule
}

// countHints names what a count reads.
func countHints(id string) []store.Ref {
	return []store.Ref{schema.Leaderboards.Ref(id), schema.LeaderboardSchedules.Ref(id)}
}

// holdCount holds a tournament's count of the period with this expiry.
// Errors: ErrNotFound.
func holdCount(tx store.Tx, id string, expiry time.Time) (*count, error) {
	row, ok, err := store.Get(tx, schema.Leaderboards, id)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, ErrNotFound
	}
	come, ok, err := store.Get(tx, schema.LeaderboardSchedules, id)
	if err != nil {
		return nil, err
	}
	if !ok { // another program made it
		come = schema.NewLeaderboardSchedule(id, tx.Now())
	}
	c := &count{tx, row, come}
	return c, c.open(expiry)
}

// open makes the size count a period: nobody, but for those who joined before the tournament began.
func (c *count) open(expiry time.Time) error {
	if c.come.SizeExpiry.Equal(expiry) {
		return nil
	}
	c.come.ClosedExpiry, c.come.ClosedSize = c.come.SizeExpiry, c.row.Size
	c.come.SizeExpiry, c.row.Size = expiry, 0
	if !limited(c.row) {
		return nil
	}
	for _, err := range store.Scan(c.tx, byPeriod, store.Range{Prefix: []any{c.row.ID, expiry}, Limit: int(c.row.MaxSize)}) {
		if err != nil {
			return err
		}
		c.row.Size++
	}
	return nil
}

var byPeriod = schema.LeaderboardRecords.By("leaderboard_id", "expiry_time", "score", "subscore")

func (c *count) full() bool { return c.row.Size >= c.row.MaxSize }

// add counts n more, or fewer.
func (c *count) add(n int32) error {
	c.row.Size = max(0, c.row.Size+n)
	if err := store.Put(c.tx, schema.Leaderboards, c.row); err != nil {
		return err
	}
	return store.Put(c.tx, schema.LeaderboardSchedules, c.come)
}

// giveBack counts one fewer if a record that was deleted is of the period that is counted.
func giveBack(tx store.Tx, r *schema.LeaderboardRecord) error {
	row, ok, err := store.Get(tx, schema.Leaderboards, r.LeaderboardID)
	if err != nil || !ok {
		return err
	}
	come, ok, err := store.Get(tx, schema.LeaderboardSchedules, r.LeaderboardID)
	if err != nil || !ok || !come.SizeExpiry.Equal(r.ExpiryTime) {
		return err
	}
	return (&count{tx, row, come}).add(-1)
}

// Close ends the period with this expiry in a tournament's size, unless somebody has opened a later one. next is the expiry
// of the one after it, Epoch when there is none. The caller holds both rows, and puts come.
func Close(tx store.Tx, row *schema.Leaderboard, come *schema.LeaderboardSchedule, expiry, next time.Time) error {
	if come.SizeExpiry.After(expiry) {
		return nil
	}
	c := &count{tx, row, come}
	if err := c.open(next); err != nil {
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
