package lab

import (
	"os"
	"slices"
	"testing"
	"time"

	"github.com/skirmishgg/skirmish/bench/arena"
	"github.com/skirmishgg/skirmish/netcode/simnet"
)

func trace(t testing.TB, file string) *arena.Trace {
	t.Helper()
	b, err := os.ReadFile("../testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	tr, err := arena.ParseTrace(b)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func play(t testing.TB, c Config) Report {
	t.Helper()
	r, err := Play(c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Goal: the generator's players are as good as real ones. Method: the same arena, the same recorded inputs, once played
// by the load generator's players and once by 16 Go clients; the server's state is the same at every tick, and what
// each client decodes is the server's state.
func TestGeneratorAndGoClientsReachTheSameState(t *testing.T) {
	c := Config{
		Definition: arena.Definition(arena.Rate), Trace: trace(t, "arena-16x60.trace"), Players: arena.PlayersMax, Ticks: 600, Seed: 3,
		Link: simnet.LinkConfig{Delay: 2 * time.Millisecond},
	}
	generated := play(t, c)
	c.Real = true
	real := play(t, c)
	for _, r := range []Report{generated, real} {
		if len(r.Sums) != c.Ticks || r.Checked < c.Players*(c.Ticks-3) || r.Starved > 0 {
			t.Errorf("%d ticks, %d states checked, %d inputs missing", len(r.Sums), r.Checked, r.Starved)
		}
	}
	if !slices.Equal(generated.Sums, real.Sums) {
		for i := range generated.Sums {
			if generated.Sums[i] != real.Sums[i] {
				t.Fatalf("the states differ from measured tick %d on", i)
			}
		}
	}
	if generated.Moving < 0.8 || generated.Turning < 0.8 {
		t.Errorf("players move in %.0f %% of ticks and turn in %.0f %%, want 80", generated.Moving*100, generated.Turning*100)
	}
}

// The figures that the bench prints, held as tests: they are deterministic.
func TestSizes(t *testing.T) {
	f := func(name string, c Config, size func(Report) []int, most float64) {
		t.Helper()
		r := play(t, c)
		mean := Mean(size(r))
		t.Logf("%s: mean %.1f B, p99 %d B; moving %.0f %%, turning %.0f %%, %d checked, %d undecoded, %d starved", name, mean, Quantile(size(r), 0.99),
			r.Moving*100, r.Turning*100, r.Checked, r.Undecoded, r.Starved)
		if mean > most {
			t.Errorf("%s: mean %.1f B, want at most %.0f", name, mean, most)
		}
		if r.Moving < 0.8 || r.Turning < 0.8 {
			t.Errorf("%s: players move in %.0f %% of ticks and turn in %.0f %%, want 80", name, r.Moving*100, r.Turning*100)
		}
	}
	datagrams := func(r Report) []int { return r.Datagrams }
	snapshots := func(r Report) []int { return r.Snapshots }
	lan := simnet.LinkConfig{Delay: time.Millisecond}
	lossy := simnet.LinkConfig{Delay: time.Millisecond, Loss: 0.02}
	fast := Config{Definition: arena.Definition(arena.RateFast), Trace: trace(t, "arena-10x128.trace"), Players: 10, Ticks: 1280, Seed: 1, Link: lan}
	f("10 players at 128 Hz", fast, datagrams, 100-28)
	fast.Link = lossy
	f("10 players at 128 Hz, 2 % loss", fast, datagrams, 100-28)
	crowd := Config{Definition: Crowd(60), Trace: arena.NewTrace(CrowdMax, 60, 600, 7), Players: CrowdMax, Ticks: 300, Seed: 1, Link: lan}
	f("64 players at 60 Hz", crowd, snapshots, 200)
	crowd.Link = lossy
	f("64 players at 60 Hz, 2 % loss", crowd, snapshots, 230)
}
