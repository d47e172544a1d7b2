package rtt

import (
	"time"

	"github.com/skirmishgg/skirmish/engine/match"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// Rate is ticks a second of both ends.
const Rate = 60

// Input is what a player of the echo game does.
type Input struct {
	Turn int16 `snap:"bits=9"`
}

// Runner is a player as everybody sees him: he goes in a circle, so that snapshots have something to say.
type Runner struct {
	Angle uint16 `snap:"bits=12"`
	X     int16  `snap:"bits=14"`
	Y     int16  `snap:"bits=14"`
}

// Ping is an event on its way: EventBytes less the kind that every event begins with. Its layout is that of an event
// of the references.
type Ping struct {
	Client uint32    `snap:""`
	Seq    uint32    `snap:""`
	SentLo uint32    `snap:""`
	SentHi uint32    `snap:""`
	Rest   [3]uint32 `snap:""`
}

// runnersMax is one match for all clients.
const runnersMax = 64

// Definition is the echo game.
func Definition() match.Definition {
	return match.Definition{
		Name: "echo", Rate: Rate, MaxPlayers: runnersMax,
		Schema: match.Schema[Input](match.Kind[Runner](runnersMax), match.Event[Ping]()),
		New:    func() match.Game { return &echo{} },
	}
}

// echo answers every Ping in the tick that reads it.
type echo struct{ runners match.Store[Runner] }

func (g *echo) Init(c *match.Ctx) error {
	g.runners = match.Open[Runner](c)
	return nil
}

func (g *echo) Join(_ *match.Ctx, p *match.Player) error {
	p.Entity, _ = g.runners.SpawnAt(p.Slot)
	return nil
}

func (g *echo) Leave(_ *match.Ctx, p *match.Player, _ wire.Close) { g.runners.Despawn(p.Entity) }

func (g *echo) Tick(c *match.Ctx) {
	for id, r := range g.runners.All() {
		r.Angle = uint16(c.Tick()*16+uint32(g.runners.Slot(id))*64) % 4096
		r.X, r.Y = int16(r.Angle), -int16(r.Angle)
	}
}

// Receive answers. A full queue closes the player's connection, which the bench then sees.
func (g *echo) Receive(c *match.Ctx, p *match.Player, m match.Message) {
	var ping Ping
	if match.Read(c, m, &ping) {
		_ = match.Send(c, p, &ping)
	}
}

func (p *Ping) sent() time.Duration { return time.Duration(uint64(p.SentHi)<<32 | uint64(p.SentLo)) }
