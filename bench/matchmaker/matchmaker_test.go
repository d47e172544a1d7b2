package matchmaker

import (
	"testing"
	"time"
)

// TestPoolDoesWhatTheNaivePassDoes: goal, the figures compare equal work; method, both match the same number of players of
// one batch, within the few that depend on who searches first.
func TestPoolDoesWhatTheNaivePassDoes(t *testing.T) {
	start := time.Now()
	clock := func() time.Duration { return time.Since(start) }
	for _, g := range Games {
		pool, naive := Batch(g, 1000, 1, clock), Naive(g, 1000, 1, clock)
		if pool.Matched != naive.Matched || pool.Matched < 700 || pool.Bytes <= 0 || pool.Match <= 0 {
			t.Errorf("%s: the pool matches %+v, the naive pass %+v", g.Name, pool, naive)
		}
		w := Stream(g, 1000, 10*time.Second, 1, clock)
		if w.Matched < 600 || w.P50 < beat/2 || w.P99 < w.P50 || w.P99 > 11*time.Second {
			t.Errorf("%s: %+v", g.Name, w)
		}
	}
}
