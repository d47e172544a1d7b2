// Package hist counts durations in fixed buckets: no allocation while measuring, quantiles afterwards.
//
// Buckets are exact below 256 units and 1/256 wide above (log-linear), so a quantile is right to 0.4 %.
// Owned by one goroutine; Merge joins several afterwards.
package hist

import (
	"math/bits"
	"time"
)

const (
	subBits = 8 // 256 buckets an octave
	octaves = 40 - subBits
	unit    = 100 * time.Nanosecond
)

// Hist is a histogram of durations from 100 ns to a day. The zero value is ready.
type Hist struct {
	counts [octaves << subBits]uint32
	total  uint64
	sum    time.Duration
	max    time.Duration
}

// Add counts d; negative durations count as zero.
func (h *Hist) Add(d time.Duration) {
	d = max(d, 0)
	h.counts[bucket(uint64(d/unit))]++
	h.total++
	h.sum += d
	h.max = max(h.max, d)
}

// Count is how many durations were added.
func (h *Hist) Count() uint64 { return h.total }

// Max is the largest duration added, exactly.
func (h *Hist) Max() time.Duration { return h.max }

// Mean is the mean of what was added, exactly; 0 when empty.
func (h *Hist) Mean() time.Duration {
	if h.total == 0 {
		return 0
	}
	return h.sum / time.Duration(h.total)
}

// Quantile is the duration that the share q (0..1) of all durations does not exceed; 0 when empty.
func (h *Hist) Quantile(q float64) time.Duration {
	if h.total == 0 {
		return 0
	}
	want := uint64(q*float64(h.total) + 0.5)
	want = min(max(want, 1), h.total)
	seen := uint64(0)
	for i, n := range h.counts {
		seen += uint64(n)
		if seen >= want {
			return min(time.Duration(upper(i))*unit, h.max)
		}
	}
	return h.max
}

// Merge adds everything that o counted.
func (h *Hist) Merge(o *Hist) {
	for i, n := range o.counts {
		h.counts[i] += n
	}
	h.total += o.total
	h.sum += o.sum
	h.max = max(h.max, o.max)
}

// Reset forgets everything.
func (h *Hist) Reset() { *h = Hist{} }

// bucket maps v to its index: the octave above the subBits, then the subBits below the leading one.
func bucket(v uint64) int {
	if v < 1<<subBits {
		return int(v)
	}
	octave := bits.Len64(v) - subBits // ≥ 1
	i := octave<<subBits | int(v>>(octave-1))&(1<<subBits-1)
	return min(i, octaves<<subBits-1)
}

// upper is the largest value of bucket i.
func upper(i int) uint64 {
	octave := i >> subBits
	if octave == 0 {
		return uint64(i)
	}
	low := uint64(1<<subBits|i&(1<<subBits-1)) << (octave - 1)
	return low + 1<<(octave-1) - 1
}
