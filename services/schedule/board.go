package schedule

import (
	"time"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/services/leaderboard"
	"github.com/skirmishgg/skirmish/services/period"
)

// Kind is what happens to a board.
type Kind uint8

const (
	End   Kind = iota // a tournament's active time is over; its records stay readable until the reset
	Reset             // a period is over
)

// String names it for logs.
func (k Kind) String() string {
	if k == End {
		return "end"
	}
	return "reset"
}

// event is one end or reset.
type event struct {
	kind   Kind
	at     int64
	period period.Period // that it closes
	again  bool          // it was taken up, by a process that died
	over   bool          // earlier ones were passed over
}

// board is a board's place between its past and its next event.
type board struct {
	def   *leaderboard.Board // the Service's mutex
	marks [2]mark            // by Kind; the worker's while there is one, else the mutex's

	next  event
	retry time.Time
	place int // in the queue; -1: a worker has it, or it was dropped
	gone  bool
}

// isPeriodic reports whether anything happens to a board by the clock.
func isPeriodic(b *leaderboard.Board) bool { return b.Resets != nil || b.IsTournament() }

// mark is how far one kind of event has come.
type mark struct {
	at   int64
	open bool // it was taken up, and its function not seen to return
}

func marksOf(row *schema.LeaderboardSchedule) [2]mark {
	return [2]mark{
		End:   {row.EndTime.Unix(), row.EndAttempts > 0},
		Reset: {row.ResetTime.Unix(), row.ResetAttempts > 0},
	}
}

// upcoming finds the board's next event: one that was interrupted, else the earliest that is not passed over.
func (b *board) upcoming(now int64) (next event, ok bool) {
	times := b.def.Periods()
	floor := times.Back(now, CatchUpMax)
	for kind, m := range b.marks {
		e, found := event{kind: Kind(kind), again: m.open}, false
		after := max(m.at, floor)
		if m.open {
			after = m.at - 1
		}
		e.period, e.at, found = nextOf(times, e.kind, after)
		if after == floor {
			_, first, _ := nextOf(times, e.kind, m.at)
			e.over = first < e.at
		}
		if found && (!ok || e.at < next.at) { // an end comes before the reset of the same moment
			next, ok = e, true
		}
	}
	return next, ok
}

// nextOf is the period whose event of this kind is the first after t.
func nextOf(b period.Board, kind Kind, t int64) (p period.Period, at int64, ok bool) {
	if kind == End {
		p, ok = b.NextEnd(t)
		return p, p.End, ok
	}
	p, ok = b.NextReset(t)
	return p, p.Expiry, ok
}

// queue is a heap of boards by their next event. It implements heap.Interface.
type queue []*board

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].due().Before(q[j].due()) }
func (q queue) Swap(i, j int)      { q[i], q[j] = q[j], q[i]; q[i].place, q[j].place = i, j }
func (q *queue) Push(x any)        { b := x.(*board); b.place = len(*q); *q = append(*q, b) }
func (q *queue) Pop() any {
	last := len(*q) - 1
	b := (*q)[last]
	(*q)[last], *q = nil, (*q)[:last]
	b.place = -1
	return b
}

// due is when a worker should take the board.
func (b *board) due() time.Time {
	at := time.Unix(b.next.at, 0)
	if b.retry.After(at) {
		return b.retry
	}
	return at
}

// expiry is that of a period's records.
func expiry(p period.Period) time.Time { return time.Unix(p.Expiry, 0).UTC() }
