package lab

import (
	"github.com/skirmishgg/skirmish/bench/arena"
	"github.com/skirmishgg/skirmish/engine/match"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// CrowdMax is how many players a crowd has room for: four times the arena's.
const CrowdMax = 64

// Crowd is the arena's movement without its fighting, for more players than the arena takes: what a snapshot of 64
// moving players weighs.
func Crowd(rate int) match.Definition {
	return match.Definition{
		Name: "crowd", Rate: rate, MaxPlayers: CrowdMax,
		Schema: match.Schema[arena.Input](match.Kind[arena.Player](CrowdMax), match.Event[arena.Welcome]()),
		New:    func() match.Game { return &crowd{} },
	}
}

type crowd struct {
	players match.Store[arena.Player]
	seats   [CrowdMax]*match.Player
}

func (g *crowd) Init(c *match.Ctx) error {
	g.players = match.Open[arena.Player](c)
	return nil
}

func (g *crowd) Join(c *match.Ctx, p *match.Player) error {
	id, e := g.players.SpawnAt(p.Slot)
	p.Entity, g.seats[p.Slot] = id, p
	*e = arena.Player{Slot: uint8(p.Slot % 32), Vitals: arena.Vitals{Alive: true, Health: 100}, Score: arena.Score{Team: uint8(p.Slot & 1)}}
	for e.X = arena.Size; arena.Solid(e.X, e.Y) || e.X >= arena.Size; {
		e.X, e.Y = float32(c.Rand().IntN(arena.Tiles)*arena.Tile)+arena.Tile/2, float32(c.Rand().IntN(arena.Tiles)*arena.Tile)+arena.Tile/2
	}
	return match.Send(c, p, &arena.Welcome{Slot: uint8(p.Slot)})
}

func (g *crowd) Leave(_ *match.Ctx, p *match.Player, _ wire.Close) {
	g.players.Despawn(p.Entity)
	g.seats[p.Slot] = nil
}

func (g *crowd) Tick(c *match.Ctx) {
	for id, e := range g.players.All() {
		in := match.Input[arena.Input](g.seats[g.players.Slot(id)])
		e.Yaw = in.Yaw
		arena.Move(&e.Body, in.MoveX, in.MoveY, c.Dt())
		if in.Fire {
			e.Kills = (e.Kills + 1) % 1000 // something that changes once a second, as a shot does
		}
	}
}
