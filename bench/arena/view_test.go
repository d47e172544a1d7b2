package arena

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/skirmishgg/skirmish/engine/match"
	"github.com/skirmishgg/skirmish/netcode/snapshot"
)

// TestClientsSeeTheServersState: over each checked-in trace, what every client decodes of every tick is what the server
// has, nothing is deferred, and snapshots are as small as they should be.
//
// Method: a match without a network; each player decodes his own snapshot and acknowledges it 2 ticks later, as over a
// round trip of 2 ticks; with loss, one in fifty does not arrive.
func TestClientsSeeTheServersState(t *testing.T) {
	f := func(file string, loss bool, bytesMax float64) {
		t.Helper()
		trace := readTrace(t, file)
		players, rate, ticks := trace.Players, trace.Rate, trace.Ticks()
		s := startAt(t, rate, players, 1, Peaceful)
		rand := match.NewRand(5)
		decoders := make([]*snapshot.Decoder, players)
		for i := range decoders {
			decoders[i] = snapshot.NewDecoder(s.schema)
		}
		dst := make([]byte, 1200)
		bytes, sent := 0, 0
		for tick := uint32(1); tick <= uint32(ticks); tick++ {
			for i, p := range s.players {
				if v := decoders[i].View(max(tick, 3) - 3); v != nil {
					s.Saw(p, tick, v.Tick())
				}
			}
			s.step(trace.Input)
			want := s.checksum()
			for i, p := range s.players {
				n, delta := s.Snapshot(p, dst, 1)
				if tick > 60 {
					bytes += n
					sent++
				}
				if loss && rand.IntN(50) == 0 {
					continue
				}
				v, err := decoders[i].Decode(tick, delta, dst[:n])
				if err != nil {
					t.Fatalf("tick %d player %d: %v", tick, i, err)
				}
				if got := Checksum(s.schema, v.Has, v.Row); got != want {
					t.Fatalf("tick %d player %d decodes another state than the server has", tick, i)
				}
			}
		}
		mean := float64(bytes) / float64(sent)
		t.Logf("%d players at %d Hz, loss %v: mean snapshot %.1f B", players, rate, loss, mean)
		if mean > bytesMax {
			t.Errorf("%d players at %d Hz, loss %v: mean snapshot %.1f B, at most %.0f wanted", players, rate, loss, mean, bytesMax)
		}
	}
	f("arena-16x60.trace", false, 45)
	f("arena-16x60.trace", true, 46)
	f("arena-10x128.trace", false, 25)
	f("arena-10x128.trace", true, 26)
}

func readTrace(t testing.TB, name string) *Trace {
	t.Helper()
	file, err := os.ReadFile(filepath.Join("..", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	trace, err := ParseTrace(file)
	if err != nil {
		t.Fatal(err)
	}
	return trace
}
