package shard

import (
	"fmt"
	"testing"

	"github.com/skirmishgg/skirmish/engine/match"
	"github.com/skirmishgg/skirmish/engine/ring"
	"github.com/skirmishgg/skirmish/protocol/id"
)

// crier is a game whose label is its tick, while loud.
type crier struct{ loud bool }

func (g *crier) Init(*match.Ctx) error                        { return nil }
func (g *crier) Join(*match.Ctx, *match.Player) error         { return nil }
func (g *crier) Leave(*match.Ctx, *match.Player, match.Close) {}
func (g *crier) Tick(c *match.Ctx) {
	if g.loud {
		c.SetLabel(fmt.Sprint(c.Tick()))
	}
}

type thing struct {
	N uint8 `snap:"bits=1"`
}

// TestLabels: goal, whoever takes an Info out of Labels finds its newest label, it is there once, and no change is lost when
// there was no room; method, three matches and a ring of two.
func TestLabels(t *testing.T) {
	s := &Shard{c: Config{Labels: ring.NewMPSC[*Info](2)}}
	var games [3]*crier
	var matches [3]*running
	for i := range matches {
		games[i] = &crier{loud: true}
		d := &match.Definition{Name: "crier", Rate: 60, MaxPlayers: 1, New: func() match.Game { return games[i] }, Schema: match.Schema[struct{}](match.Kind[thing](1))}
		schema, err := d.Compile()
		if err != nil {
			t.Fatal(err)
		}
		m, err := match.New(match.Config{Definition: d, Schema: schema, ID: id.UUID{byte(i)}})
		if err != nil {
			t.Fatal(err)
		}
		matches[i] = &running{Match: m, info: &Info{ID: id.UUID{byte(i)}}}
	}
	tick := func() {
		for _, m := range matches {
			m.Tick()
			s.relabel(m)
		}
	}
	told := func(want ...string) {
		t.Helper()
		var got []string
		for info, ok := s.c.Labels.TryPop(); ok; info, ok = s.c.Labels.TryPop() {
			info.LabelTaken()
			got = append(got, fmt.Sprintf("%d:%s", info.ID[0], info.Label()))
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("told %v, want %v", got, want)
		}
	}
	told()
	tick()
	tick()
	told("0:2", "1:2")
	for _, g := range games {
		g.loud = false
	}
	tick()
	told("2:2") // for which there had been no room
	tick()
	told()
	if n := testing.AllocsPerRun(100, tick); n != 0 {
		t.Errorf("%v allocations in ticks that change no label", n)
	}
}
