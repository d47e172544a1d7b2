package matchmaker

import (
	"math"
	"testing"
	"time"

	"github.com/skirmishgg/skirmish/services/matchmaker/pool"
)

// TestPoolDoesWhatTheNaivePassDoes: goal, the figures compare equal work; method, both match the same number of players of
// one batch, and those of the pool's groups are whom the games ask for, by the numbers that they were made of.
func TestPoolDoesWhatTheNaivePassDoes(t *testing.T) {
	start := time.Now()
	clock := func() time.Duration { return time.Since(start) }
	for _, g := range Games {
		took, matches := batch(g, 1000, 1, clock)
		naive := Naive(g, 1000, 1, clock)
		for _, m := range matches {
			fair(t, g, m)
		}
		once(t, matches)
		if took.Matched != naive.Matched || took.Matched < 700 || took.Bytes <= 0 || took.Match <= 0 {
			t.Errorf("%s: the pool matches %+v, the naive pass %+v", g.Name, took, naive)
		}
		w := Stream(g, 1000, 10*time.Second, 1, clock)
		if w.Matched < 600 || w.P50 < beat/2 || w.P99 < w.P50 || w.P99 > 11*time.Second {
			t.Errorf("%s: %+v", g.Name, w)
		}
	}
}

// fair looks at a group with the game's words: as many players as it has, all within the region and the skills of the one
// who searched, who comes last. It asks no query.
func fair(t *testing.T, g Game, m pool.Match) {
	t.Helper()
	if len(m) != g.Players {
		t.Fatalf("%s: %d players", g.Name, len(m))
	}
	searched := m[len(m)-1].Owner.(Player)
	for _, k := range m {
		const rounding = 0.5 // queries have whole numbers
		p := k.Owner.(Player)
		if p.Region != searched.Region || math.Abs(p.Skill-searched.Skill) > window+rounding {
			t.Fatalf("%s: %+v is matched with %+v", g.Name, searched, p)
		}
	}
}

// once sees nobody twice.
func once(t *testing.T, matches []pool.Match) {
	t.Helper()
	seen := map[int]bool{}
	for _, m := range matches {
		for _, k := range m {
			n := k.Owner.(Player).Number
			if seen[n] {
				t.Fatalf("player %d is in two matches", n)
			}
			seen[n] = true
		}
	}
}
