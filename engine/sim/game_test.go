package sim

import (
	"time"
	"unsafe"

	"github.com/skirmishgg/skirmish/engine/clock"
	"github.com/skirmishgg/skirmish/engine/match"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

type walker struct {
	X float32 `snap:"quant=1/64,min=-64,max=64,rate=V"`
	V float32 `snap:"quant=1/64,min=-8,max=8"`
	N uint16  `snap:"bits=10"`
}

type pebble struct {
	X uint16 `snap:"bits=12"`
}

type walk struct {
	V    float32 `snap:"quant=1/64,min=-8,max=8"`
	Mark uint16  `snap:"bits=16"`
	Do   uint8   `snap:"bits=4"`
}

// what walk.Do asks for
const (
	doNothing = iota
	doPanic
	doEnd
	doKickMe
	doBusy // burn the clock
)

type note struct {
	N uint32 `snap:""`
}

// stroll is the game of these tests: everybody walks, each tick is told in an event when talk is set.
type stroll struct {
	walkers match.Store[walker]
	pebbles match.Store[pebble]

	clock    *clock.Manual
	busy     time.Duration
	talk     bool
	returned int
	away     int
	heard    []string
	marks    map[string][]uint16 // inputs as they were used, by player
	left     []wire.Close
	ticked   func(c *match.Ctx, g *stroll)
}

func (g *stroll) Init(c *match.Ctx) error {
	g.walkers, g.pebbles = match.Open[walker](c, match.Rewindable), match.Open[pebble](c)
	for range 40 {
		_, p := g.pebbles.Spawn()
		p.X = uint16(c.Rand().IntN(4096))
	}
	return nil
}

func (g *stroll) Join(c *match.Ctx, p *match.Player) error {
	if p.Spectator {
		return nil
	}
	if string(p.Data) == "unwanted" {
		return errUnwanted
	}
	p.Entity, _ = g.walkers.SpawnAt(p.Slot)
	return nil
}

func (g *stroll) Leave(c *match.Ctx, p *match.Player, why wire.Close) {
	g.left = append(g.left, why)
	g.walkers.Despawn(p.Entity)
}

func (g *stroll) Away(c *match.Ctx, p *match.Player)   { g.away++ }
func (g *stroll) Return(c *match.Ctx, p *match.Player) { g.returned++ }

func (g *stroll) Receive(c *match.Ctx, p *match.Player, m match.Message) {
	var n note
	if m.Kind == match.MessageEvent && match.Read(c, m, &n) {
		_ = match.Send(c, p, &n) // an echo
		return
	}
	g.heard = append(g.heard, string(m.Data))
}

func (g *stroll) Tick(c *match.Ctx) {
	for _, p := range c.Players() {
		in, w := match.Input[walk](p), g.walkers.Get(p.Entity)
		w.V = in.V
		w.X += w.V * c.Dt()
		if w.X > 60 || w.X < -60 {
			w.X = 0
		}
		w.N = (w.N + 1) & 1023
		if g.marks != nil {
			g.marks[p.Username] = append(g.marks[p.Username], in.Mark)
		}
		switch in.Do {
		case doPanic:
			panic("somebody asked for it")
		case doEnd:
			match.Broadcast(c, &note{N: 999})
			c.End()
		case doKickMe:
			c.Kick(p, wire.CloseKicked)
		case doBusy:
			g.clock.Advance(g.busy)
		}
	}
	if g.talk {
		match.Broadcast(c, &note{N: c.Tick()})
	}
	if g.ticked != nil {
		g.ticked(c, g)
	}
}

type unwanted struct{}

func (unwanted) Error() string { return "unwanted" }

var errUnwanted = unwanted{}

// strollDef is the definition, and the games made of it, in order.
func strollDef(name string, rate, players int, change func(g *stroll)) (*match.Definition, *[]*stroll) {
	var games []*stroll
	return &match.Definition{
		Name: name, Rate: rate, MaxPlayers: players, MaxSpectators: 2, Grace: 5 * time.Second,
		Schema: match.Schema[walk](match.Kind[walker](players), match.Kind[pebble](64), match.Event[note]()),
		New: func() match.Game {
			g := &stroll{}
			if change != nil {
				change(g)
			}
			games = append(games, g)
			return g
		},
	}, &games
}

// walking is a Think: it walks to and fro, and marks each input with its tick.
func walking(do *uint8) func(tick uint32) unsafe.Pointer {
	in := &walk{}
	return func(tick uint32) unsafe.Pointer {
		in.V = float32(int(tick/30)%5-2) * 1.5
		in.Mark = uint16(tick)
		if do != nil {
			in.Do = *do
		}
		return unsafe.Pointer(in)
	}
}
