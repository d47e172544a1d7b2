// Tag: one of the players is it, until it touches another.
package main

import (
	"fmt"
	"log"

	"github.com/skirmishgg/skirmish/engine/match"
	"github.com/skirmishgg/skirmish/services/node"
)

type Runner struct { // everybody sees this
	X, Y float32 `snap:"quant=1/64,min=-16,max=16"`
	It   bool    `snap:""`
}

type Input struct { // a player does this, 60 times a second: -1, 0 or 1 each
	DX, DY int8 `snap:"bits=2"`
}

type Tagged struct { // this happens once
	Slot uint8 `snap:""`
}

var Tag = match.Definition{
	Name: "tag", Rate: 60, MaxPlayers: 16, New: func() match.Game { return &tag{} },
	Schema: match.Schema[Input](match.Kind[Runner](16), match.Event[Tagged]()),
}

type tag struct {
	runners match.Store[Runner]
	it      match.ID
	safe    uint32 // until this tick nobody is tagged
}

func (g *tag) Init(c *match.Ctx) error {
	g.runners, g.it = match.Open[Runner](c), match.NoID
	return nil
}
func (g *tag) Join(c *match.Ctx, p *match.Player) error {
	p.Entity, _ = g.runners.SpawnAt(p.Slot)
	return nil
}
func (g *tag) Leave(c *match.Ctx, p *match.Player, _ match.Close) { g.runners.Despawn(p.Entity) }

func (g *tag) Tick(c *match.Ctx) {
	for _, p := range c.Players() {
		in, r := match.Input[Input](p), g.runners.Get(p.Entity)
		r.X = min(max(r.X+5*float32(in.DX)*c.Dt(), -16), 16)
		r.Y = min(max(r.Y+5*float32(in.DY)*c.Dt(), -16), 16)
	}
	it := g.runners.Get(g.it) // nil at first, and when it has left
	for id, r := range g.runners.All() {
		if it == nil || id != g.it && c.Tick() >= g.safe && near(it, r) {
			g.it, g.safe = id, c.Tick()+60
			match.Broadcast(c, &Tagged{Slot: uint8(g.runners.Slot(id))})
			break
		}
	}
	for id, r := range g.runners.All() {
		r.It = id == g.it
	}
}

func near(a, b *Runner) bool { dx, dy := a.X-b.X, a.Y-b.Y; return float32(dx*dx)+float32(dy*dy) < 1 }

func main() {
	n := try(node.Start(node.Config{Addr: ":7350", DataDir: "data", Games: []*match.Definition{&Tag}}))
	m := try(n.StartMatch("tag", node.MatchOptions{}))
	fmt.Println(try(n.MintToken(node.TokenOptions{Match: m, User: [16]byte{1}, Username: "zoe"})).Text())
	select {}
}

func try[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}
