package demo

import (
	"time"

	"github.com/skirmishgg/skirmish/engine/shard"
)

// meterSpan is how many samples a quantile reaches back: 2 s, 120 ticks at 60 Hz. Of the 30 ticks of one sample, a p99
// would be the worst.
const meterSpan = 4

// meter turns a shard's histograms, which only grow, into quantiles of the last moments.
type meter struct {
	ticks, lateness [meterSpan][]uint64 // as they were, by sample modulo meterSpan
	samples         int
}

// measure is false the first time: there is nothing to compare with, and what came before was the start of a process.
func (m *meter) measure(s *shard.Stats) (Figures, bool) {
	at := m.samples % meterSpan
	m.samples++
	ticksNow, latenessNow := s.TickTime.Buckets(nil), s.Lateness.Buckets(nil)
	if m.samples == 1 {
		for i := range meterSpan {
			m.ticks[i], m.lateness[i] = ticksNow, latenessNow
		}
		return Figures{}, false
	}
	ticks, lateness := difference(ticksNow, m.ticks[at]), difference(latenessNow, m.lateness[at])
	m.ticks[at], m.lateness[at] = ticksNow, latenessNow
	return Figures{
		TickP50: quantile(ticks, 0.50), TickP99: quantile(ticks, 0.99), LateP50: quantile(lateness, 0.50), LateP99: quantile(lateness, 0.99),
		Overruns: s.Slipped.Load(),
	}, true
}

func difference(now, then []uint64) []uint64 {
	d := make([]uint64, len(now))
	copy(d, now)
	for i := range then {
		d[i] -= then[i]
	}
	return d
}

// quantile is shard.Quantile with a straight line within the bucket: buckets are a quarter of a doubling wide, and a graph
// that jumps between their ends would show steps that are not there.
func quantile(buckets []uint64, q float64) time.Duration {
	total := uint64(0)
	for _, n := range buckets {
		total += n
	}
	rank := q * float64(total)
	for i, n := range buckets {
		if n == 0 || rank > float64(n) {
			rank -= float64(n)
			continue
		}
		low := time.Duration(0)
		if i > 0 {
			low = shard.BucketEnd(i - 1)
		}
		return low + time.Duration(float64(shard.BucketEnd(i)-low)*rank/float64(n))
	}
	return 0
}
