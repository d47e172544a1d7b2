package metric

import (
	"math"
	"math/bits"
	"sync/atomic"
	"time"
)

// Timer is a histogram of durations with a relative error of at most 1/16. Observe allocates nothing and takes no lock.
//
//	1.024 µs units, v < 16: one bucket each · above: eight buckets a power of two · 68 s and more: the last bucket
type Timer struct {
	sum     atomic.Int64 // ns
	buckets [bucketCount]atomic.Uint64

	// owned by the collector, under its lock
	window *window
}

const (
	bucketCount = (unitBits-3)*8 + 8
	unitBits    = 26 // 2^26 units of 1.024 µs are 68.7 s
	unitShift   = 10 // ns to units
)

// Observe counts one duration.
func (t *Timer) Observe(d time.Duration) { t.observe(d) }

// observe also says which one of its bucket this is.
func (t *Timer) observe(d time.Duration) (nth uint64) {
	t.sum.Add(int64(d))
	return t.buckets[bucketOf(d)].Add(1)
}

func bucketOf(d time.Duration) int {
	v := min(uint64(max(d, 0))>>unitShift, 1<<unitBits-1)
	n := bits.Len64(v)
	if n <= 4 {
		return int(v)
	}
	return (n-3)*8 + int(v>>(n-4))&7
}

// middleOf is the duration in the middle of a bucket, in seconds.
func middleOf(bucket int) float64 {
	low, width := uint64(bucket), uint64(1)
	if bucket >= 16 {
		shift := bucket/8 - 1
		low, width = uint64(8+bucket%8)<<shift, 1<<shift
	}
	return (float64(low) + float64(width)/2) * (1 << unitShift) / 1e9
}

// counts are a histogram's buckets at one moment.
type counts [bucketCount]uint64

// summary is what one or more timers say together.
type summary struct {
	count  uint64
	sum    float64 // seconds
	recent counts  // of the window
}

// window remembers earlier states, so that quantiles can be of the recent past.
type window struct {
	older, newer counts
	newerAt      time.Duration
}

const windowMin = time.Minute // quantiles are of the last one to two, or of the time since the reader came before the last

// addTo adds the timer to s and moves the window.
func (t *Timer) addTo(s *summary, now time.Duration) {
	var current counts
	for i := range current {
		current[i] = t.buckets[i].Load()
		s.count += current[i]
	}
	s.sum += time.Duration(t.sum.Load()).Seconds()
	if t.window == nil {
		t.window = &window{newerAt: now}
	}
	w := t.window
	if now-w.newerAt >= windowMin {
		w.older, w.newer, w.newerAt = w.newer, current, now
	}
	for i := range current {
		s.recent[i] += current[i] - w.older[i]
	}
}

// quantiles that Nakama's timers have.
var quantiles = [...]float64{0.5, 0.75, 0.95, 0.99, 0.999}

// values are the quantiles of the window; NaN when it is empty, as Prometheus' own summaries have it.
func (s *summary) values() map[float64]float64 {
	total := uint64(0)
	for _, n := range s.recent {
		total += n
	}
	out := make(map[float64]float64, len(quantiles))
	bucket, seen := 0, s.recent[0]
	for _, q := range quantiles {
		if total == 0 {
			out[q] = math.NaN()
			continue
		}
		rank := uint64(math.Ceil(q * float64(total)))
		for seen < rank {
			bucket++
			seen += s.recent[bucket]
		}
		out[q] = middleOf(bucket)
	}
	return out
}
