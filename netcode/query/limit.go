package query

import "time"

const (
	limitSets = 256
	limitWays = 4
)

// limiter is one token bucket a network and one for all, each kept as the time at which it would be full again (GCRA):
// asking costs an interval, and whoever is a burst ahead of now waits. A place is free as soon as its bucket is full,
// so an idle network leaves nothing behind. 16 KB.
//
// When the four places of a set are taken the newcomer is refused. Evicting instead would let whoever makes up senders
// reset everybody's bucket.
type limiter struct {
	// constant after init
	interval, ahead           time.Duration
	totalInterval, totalAhead time.Duration

	total time.Duration
	table [limitSets][limitWays]bucket
}

type bucket struct {
	network uint64        // hash
	fullAt  time.Duration // zero and before now: free
}

type verdict uint8

const (
	admitted verdict = iota
	limited          // by its own bucket or everybody's
	full             // no place
)

func (l *limiter) init(c Config) {
	l.interval = time.Second / time.Duration(c.Rate)
	l.ahead = l.interval * time.Duration(c.Burst-1)
	l.totalInterval = time.Second / time.Duration(c.Total)
	l.totalAhead = time.Second / 10
}

func (l *limiter) admit(network uint64, now time.Duration) verdict {
	set := &l.table[network%limitSets]
	var place *bucket
	for i := range set {
		b := &set[i]
		if b.network == network && b.fullAt > now {
			place = b
			break
		}
		if b.fullAt <= now {
			place = b
		}
	}
	switch {
	case place == nil:
		return full
	case place.fullAt-now > l.ahead, l.total-now > l.totalAhead:
		return limited
	}
	l.total = max(l.total, now) + l.totalInterval
	*place = bucket{network, max(place.fullAt, now) + l.interval}
	return admitted
}
