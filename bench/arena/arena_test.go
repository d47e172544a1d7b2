package arena

import (
	"bytes"
	"flag"
	"math"
	"os"
	"path/filepath"
	"testing"
	"unsafe"

	"github.com/skirmishgg/skirmish/engine/match"
	"github.com/skirmishgg/skirmish/netcode/snapshot"
	"github.com/skirmishgg/skirmish/protocol/id"
)

var rewrite = flag.Bool("rewrite", false, "write testdata anew")

// field is a match without a network and the players in it.
type field struct {
	*match.Match
	schema  *snapshot.Schema
	players []*match.Player
	game    *Game
}

func start(t testing.TB, players int, seed uint64, params string) *field {
	return startAt(t, Rate, players, seed, params)
}

func startAt(t testing.TB, rate, players int, seed uint64, params string) *field {
	t.Helper()
	def := Definition(rate)
	f := &field{}
	def.New = func() match.Game { f.game = &Game{}; return f.game }
	schema, err := def.Compile()
	if err != nil {
		t.Fatal(err)
	}
	f.schema = schema
	if f.Match, err = match.New(match.Config{Definition: &def, Schema: schema, ID: id.UUID{1}, Seed: seed, Params: []byte(params)}); err != nil {
		t.Fatal(err)
	}
	for i := range players {
		p, _, err := f.Join(match.Who{UserID: id.UUID{byte(i + 1)}, Username: "p"}, match.NullLink{})
		if err != nil {
			t.Fatal(err)
		}
		f.players = append(f.players, p)
	}
	return f
}

func (f *field) step(input func(player int, tick uint32) Input) {
	tick := f.LastTick() + 1
	for i, p := range f.players {
		in := input(i, tick)
		f.SetInput(p, tick, unsafe.Pointer(&in))
	}
	f.Tick()
}

func (f *field) checksum() uint64 {
	w := f.World()
	present := w.Present()
	return Checksum(f.schema, func(id snapshot.ID) bool { return present[id>>6]>>(id&63)&1 != 0 }, w.Row)
}

// wild is an input that tries everything.
func wild(seed uint64) func(int, uint32) Input {
	r := match.NewRand(seed)
	return func(int, uint32) Input {
		return Input{MoveX: int8(r.IntN(3) - 1), MoveY: int8(r.IntN(3) - 1), Yaw: r.Float32(), Fire: r.IntN(4) == 0, Alt: r.IntN(4) == 0, Shown: uint8(r.IntN(20))}
	}
}

func TestNobodyLeavesTheMapOrEntersAWall(t *testing.T) {
	f := start(t, PlayersMax, 1, "")
	input := wild(2)
	kills := 0
	for range 60 * 60 {
		f.step(input)
		for _, e := range f.game.players.All() {
			if e.Alive && !fits(e.X, e.Y) {
				t.Fatalf("tick %d: player %d is in a wall at %v, %v", f.LastTick(), e.Slot, e.X, e.Y)
			}
		}
	}
	for _, e := range f.game.players.All() {
		kills += int(e.Deaths)
	}
	if f.Failure() != nil || kills == 0 {
		t.Errorf("%d deaths in a minute of wild shooting, failure %v", kills, f.Failure())
	}
}

func TestSameSeedSameWorld(t *testing.T) {
	run := func(seed uint64) uint64 {
		f := start(t, PlayersMax, seed, "")
		input := wild(9)
		for range 600 {
			f.step(input)
		}
		return f.checksum()
	}
	if first, again := run(5), run(5); first != again {
		t.Error("the same seed and inputs gave another world")
	}
	if run(5) == run(6) {
		t.Error("the seed changes nothing")
	}
}

// TestMoveFromQuantisedStateIsExact: a client that starts from what was sent computes what the server computes.
func TestMoveFromQuantisedStateIsExact(t *testing.T) {
	f := start(t, 8, 3, Peaceful)
	input := wild(4)
	var mine [8]Body
	for tick := range uint32(600) {
		for i, p := range f.players {
			mine[i] = f.game.players.Get(p.Entity).Body
		}
		inputs := [8]Input{}
		f.step(func(i int, tick uint32) Input { inputs[i] = input(i, tick); return inputs[i] })
		rec := f.schema.Kind(0)
		for i, p := range f.players {
			Move(&mine[i], inputs[i].MoveX, inputs[i].MoveY, 1/float32(Rate))
			predicted := *f.game.players.Get(p.Entity)
			predicted.Body = mine[i]
			rec.Snap(unsafe.Pointer(&predicted))
			if predicted.Body != f.game.players.Get(p.Entity).Body {
				t.Fatalf("tick %d player %d: predicted %+v, server %+v", tick, i, predicted.Body, f.game.players.Get(p.Entity).Body)
			}
		}
	}
}

// TestDirectionsAreTheSameEverywhere: a last bit of math.Sincos cannot reach the table.
func TestDirectionsAreTheSameEverywhere(t *testing.T) {
	for i := range turn {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / turn)
		for _, v := range []float64{sin * directionUnit, cos * directionUnit} {
			if f := math.Abs(v - math.Trunc(v)); math.Abs(f-0.5) < 1e-6 {
				t.Errorf("yaw %d: %v could be rounded either way", i, v)
			}
		}
		x, y := Direction(float32(i) / turn)
		if length := math.Hypot(float64(x), float64(y)); math.Abs(length-1) > 1e-4 {
			t.Errorf("yaw %d: length %v", i, length)
		}
	}
}

func TestNamesAreCutBetweenLetters(t *testing.T) {
	f := func(name, want string) {
		t.Helper()
		if got := named(&match.Player{Username: name}).String(); got != want {
			t.Errorf("%q became %q, want %q", name, got, want)
		}
	}
	f("", "")
	f("Ada", "Ada")
	f("0123456789abcdefg", "0123456789abcdef")
	f("0123456789abcdeß", "0123456789abcde")
	f("Zoë\x00x", "Zoë")
}

func TestTickAllocatesNothing(t *testing.T) {
	f := start(t, PlayersMax, 1, "")
	input := wild(2)
	for range 600 {
		f.step(input)
	}
	if n := testing.AllocsPerRun(600, func() { f.step(input) }); n != 0 {
		t.Errorf("%v allocations a tick", n)
	}
}

func TestRay(t *testing.T) {
	f := func(x, y, dx, dy, want float32) {
		t.Helper()
		if got := Ray(x, y, dx, dy, 40); math.Abs(float64(got-want)) > 0.01 {
			t.Errorf("from %v, %v along %v, %v: %v, want %v", x, y, dx, dy, got, want)
		}
	}
	f(3, 11, 1, 0, 40)  // along a free row, no further than asked
	f(33, 11, 1, 0, 29) // to the far wall
	f(3, 3, -1, 0, 1)
	f(3, 3, 0, -1, 1)
	f(0.5, 0.5, 1, 0, 0) // inside a wall
}

// TestTraceIsWhatBenchmarksNeed: in the checked-in traces everybody lives, moves and turns in at least four ticks of five,
// and shoots once a second.
func TestTraceIsWhatBenchmarksNeed(t *testing.T) {
	f := func(file string) {
		t.Helper()
		trace := readTrace(t, file)
		s := startAt(t, trace.Rate, trace.Players, 1, Peaceful)
		moved, turned, shots := 0, 0, 0
		var last [PlayersMax]Player
		for range trace.Ticks() {
			s.step(func(p int, tick uint32) Input {
				in := trace.Input(p, tick)
				if in.Fire {
					shots++
				}
				return in
			})
			for i, p := range s.players {
				e := *s.game.players.Get(p.Entity)
				if !e.Alive {
					t.Fatal("somebody died in a peaceful arena")
				}
				if e.X != last[i].X || e.Y != last[i].Y {
					moved++
				}
				if e.Yaw != last[i].Yaw {
					turned++
				}
				last[i] = e
			}
		}
		all := trace.Ticks() * trace.Players
		if moved*100 < all*80 || turned*100 < all*80 || shots != all/trace.Rate {
			t.Errorf("%s: of %d player-ticks %d moved, %d turned; %d shots", file, all, moved, turned, shots)
		}
	}
	f("arena-16x60.trace")
	f("arena-10x128.trace")
}

func TestTraceHasOneFileForm(t *testing.T) {
	trace := NewTrace(3, Rate, 50, 1)
	back, err := ParseTrace(trace.Marshal())
	if err != nil || !bytes.Equal(back.Marshal(), trace.Marshal()) || back.Input(2, 49) != trace.Input(2, 49) {
		t.Errorf("the file form changes the trace: %v", err)
	}
}

// TestTraceFile holds the checked-in traces against the generator.
func TestTraceFile(t *testing.T) {
	for _, c := range []struct {
		name                 string
		players, rate, ticks int
		seed                 uint64
	}{{"arena-16x60.trace", 16, Rate, 600, 1}, {"arena-10x128.trace", 10, RateFast, 1280, 2}} { // seed 1 runs into walls too often there
		path := filepath.Join("..", "testdata", c.name)
		want := NewTrace(c.players, c.rate, c.ticks, c.seed).Marshal()
		if *rewrite {
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what the generator writes (%v): run make gen", path, err)
		}
	}
}

func FuzzParseTrace(f *testing.F) {
	f.Add(NewTrace(2, 60, 3, 1).Marshal())
	f.Fuzz(func(t *testing.T, b []byte) {
		if trace, err := ParseTrace(b); err == nil && !bytes.Equal(trace.Marshal(), b) {
			t.Error("a trace has two forms")
		}
	})
}

func BenchmarkTick(b *testing.B) {
	f := start(b, PlayersMax, 1, Peaceful)
	trace := NewTrace(PlayersMax, Rate, 600, 1)
	b.ReportAllocs()
	for range b.N {
		f.step(trace.Input)
	}
}
