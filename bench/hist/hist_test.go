package hist

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// Quantiles stay within a bucket's width of the exact ones, over six orders of magnitude.
func TestQuantile(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var h Hist
	all := make([]time.Duration, 50000)
	for i := range all {
		d := time.Duration(1000 << rng.IntN(20))
		all[i] = d + time.Duration(rng.Int64N(int64(d)))
		h.Add(all[i])
	}
	slices.Sort(all)
	for _, q := range []float64{0, 0.5, 0.9, 0.99, 0.999, 1} {
		want := all[min(int(q*float64(len(all))), len(all)-1)]
		got := h.Quantile(q)
		if diff := (got - want).Abs(); diff > want/200+2*unit {
			t.Errorf("quantile %v = %v, exact %v", q, got, want)
		}
	}
	if h.Max() != all[len(all)-1] {
		t.Errorf("max = %v, want %v", h.Max(), all[len(all)-1])
	}
}

// Every bucket's upper bound falls into that bucket, and the next value into the next.
func TestBuckets(t *testing.T) {
	for i := range octaves<<subBits - 1 {
		if i>>subBits == 0 || i >= 1<<subBits {
			if got := bucket(upper(i)); got != i {
				t.Fatalf("bucket(upper(%d)) = %d", i, got)
			}
			if got := bucket(upper(i) + 1); got != i+1 {
				t.Fatalf("bucket(upper(%d)+1) = %d", i, got)
			}
		}
	}
}

func TestMergeAndEmpty(t *testing.T) {
	var a, b Hist
	if a.Quantile(0.5) != 0 || a.Mean() != 0 {
		t.Error("an empty histogram has a quantile")
	}
	a.Add(time.Millisecond)
	b.Add(3 * time.Millisecond)
	a.Merge(&b)
	if a.Count() != 2 || a.Mean() != 2*time.Millisecond || a.Max() != 3*time.Millisecond {
		t.Errorf("merged: count %d mean %v max %v", a.Count(), a.Mean(), a.Max())
	}
	if n := testing.AllocsPerRun(100, func() { a.Add(time.Second) }); n != 0 {
		t.Errorf("Add allocates %v times", n)
	}
}
