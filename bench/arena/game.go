package arena

import (
	"unicode/utf8"

	"github.com/skirmishgg/skirmish/engine/match"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// Peaceful as match parameters makes a game in which nobody is hurt: benchmarks want every player alive at every tick.
const Peaceful = "peaceful"

// Game is one arena. It implements match.Game.
type Game struct {
	players match.Store[Player]
	rockets match.Store[Rocket]
	pickups match.Store[Pickup]
	rounds  match.Store[Round]

	round    *Round
	roundEnd uint32
	peaceful bool
	seats    [PlayersMax]*match.Player // by slot
}

// Init lays out the map.
func (g *Game) Init(c *match.Ctx) error {
	g.players = match.Open[Player](c, match.Rewindable)
	g.rockets = match.Open[Rocket](c)
	g.pickups = match.Open[Pickup](c)
	g.rounds = match.Open[Round](c)
	g.peaceful = string(c.Params()) == Peaceful
	for _, p := range pickups {
		_, e := g.pickups.Spawn()
		*e = Pickup{X: p[0], Y: p[1], What: uint8(p[2]), Ready: true}
	}
	_, g.round = g.rounds.Spawn()
	g.startRound(c)
	g.label(c)
	return nil
}

// Join puts a player into the smaller team; spectators only watch.
func (g *Game) Join(c *match.Ctx, p *match.Player) error {
	if p.Spectator {
		g.welcome(c, p)
		return nil
	}
	id, e := g.players.SpawnAt(p.Slot)
	p.Entity, g.seats[p.Slot] = id, p
	*e = Player{Slot: uint8(p.Slot), Score: Score{Team: g.smallerTeam(e)}}
	g.spawn(c, e)
	g.welcome(c, p)
	match.Broadcast(c, named(p)) // to those who were here
	g.label(c)
	return nil
}

// welcome tells who comes, or comes back perhaps in a new process, which seat is theirs and who has the others. What
// cannot be sent is for a connection that is lost again: the next Return says it.
func (g *Game) welcome(c *match.Ctx, p *match.Player) {
	if !p.Spectator {
		_ = match.Send(c, p, &Welcome{Slot: uint8(p.Slot)})
	}
	for _, other := range g.seats {
		if other != nil {
			_ = match.Send(c, p, named(other))
		}
	}
}

// named cuts a name between its letters.
func named(p *match.Player) *Named {
	n := &Named{Slot: uint8(p.Slot)}
	for i, r := range p.Username {
		if i+utf8.RuneLen(r) > len(n.Text) || r == 0 {
			break
		}
		utf8.EncodeRune(n.Text[i:], r)
	}
	return n
}

// Away leaves a player's body standing where it is: the zero input moves nobody.
func (g *Game) Away(*match.Ctx, *match.Player) {}

// Return is for somebody who is back.
func (g *Game) Return(c *match.Ctx, p *match.Player) { g.welcome(c, p) }

func (g *Game) smallerTeam(except *Player) uint8 {
	var count [2]int
	for _, e := range g.players.All() {
		if e != except {
			count[e.Team]++
		}
	}
	if count[1] < count[0] {
		return 1
	}
	return 0
}

// Leave takes the player out of the arena.
func (g *Game) Leave(c *match.Ctx, p *match.Player, _ wire.Close) {
	if !p.Spectator {
		g.players.Despawn(p.Entity)
		g.seats[p.Slot] = nil
		g.label(c)
	}
}

// Tick is one tick of the game: players, then rockets, then pickups, then the round.
func (g *Game) Tick(c *match.Ctx) {
	dt := c.Dt()
	for _, e := range g.players.All() {
		g.tickPlayer(c, e, dt)
	}
	for id, r := range g.rockets.All() {
		g.tickRocket(c, id, r, dt)
	}
	for _, p := range g.pickups.All() {
		g.tickPickup(c, p)
	}
	g.tickRound(c)
}

func (g *Game) tickPlayer(c *match.Ctx, e *Player, dt float32) {
	if !e.Alive {
		if c.Tick() >= e.respawn {
			g.spawn(c, e)
		}
		return
	}
	p := g.seats[e.Slot]
	in := match.Input[Input](p)
	e.Yaw = in.Yaw
	Move(&e.Body, in.MoveX, in.MoveY, dt)
	if c.Tick() < e.reload {
		return
	}
	switch {
	case in.Fire:
		e.reload = c.Tick() + ticks(c, railReload)
		g.fireRail(c, e, c.Tick()-uint32(in.Shown))
	case in.Alt && e.Rockets > 0:
		e.reload = c.Tick() + ticks(c, rocketReload)
		g.fireRocket(c, e)
	}
}

func ticks(c *match.Ctx, seconds float32) uint32 { return uint32(float32(seconds * float32(c.Rate()))) }

// spawn gives a player a new life at the place of the team that is farthest from enemies.
func (g *Game) spawn(c *match.Ctx, e *Player) {
	places := spawns[e.Team]
	first := c.Rand().IntN(len(places)) // of places as good as each other, any
	best, bestAway := places[first], float32(-1)
	for i := range places {
		place := places[(first+i)%len(places)]
		away := float32(Size * Size)
		for _, other := range g.players.All() {
			if other.Alive && other != e {
				dx, dy := other.X-place[0], other.Y-place[1]
				away = min(away, float32(dx*dx)+float32(dy*dy))
			}
		}
		if away > bestAway {
			best, bestAway = place, away
		}
	}
	e.Body = Body{X: best[0], Y: best[1]}
	e.Vitals = Vitals{Alive: true, Health: healthStart, Rockets: rocketsStart}
	e.reload = c.Tick()
}

func (g *Game) tickPickup(c *match.Ctx, p *Pickup) {
	if !p.Ready {
		p.Ready = c.Tick() >= p.returns
		return
	}
	for _, e := range g.players.All() {
		dx, dy := e.X-p.X, e.Y-p.Y
		if !e.Alive || float32(dx*dx)+float32(dy*dy) > pickupRadius*pickupRadius || !take(e, p.What) {
			continue
		}
		p.Ready, p.returns = false, c.Tick()+ticks(c, pickupReturns)
		match.BroadcastLossy(c, &Taken{By: e.Slot, What: p.What})
		return
	}
}

// take gives a player what a pickup has; false when it is of no use now.
func take(e *Player, what uint8) bool {
	switch {
	case what == PickupHealth && e.Health < healthStart:
		e.Health = min(e.Health+50, healthStart)
	case what == PickupArmor && e.Armor < 100:
		e.Armor = min(e.Armor+50, 100)
	case what == PickupRockets && e.Rockets < 20:
		e.Rockets = min(e.Rockets+5, 20)
	default:
		return false
	}
	return true
}

func (g *Game) startRound(c *match.Ctx) {
	*g.round = Round{Left: roundSeconds, Number: g.round.Number + 1}
	g.roundEnd = c.Tick() + roundSeconds*uint32(c.Rate())
}

func (g *Game) tickRound(c *match.Ctx) {
	if c.Tick()%uint32(c.Rate()) == 0 && g.round.Left > 0 {
		g.round.Left--
	}
	if c.Tick() < g.roundEnd && g.round.Red < roundScore && g.round.Blue < roundScore {
		return
	}
	winner := uint8(2)
	if g.round.Red != g.round.Blue {
		winner = 0
		if g.round.Blue > g.round.Red {
			winner = 1
		}
	}
	match.Broadcast(c, &RoundEnd{Winner: winner})
	g.startRound(c)
	for _, e := range g.players.All() {
		e.Kills, e.Deaths = 0, 0
		g.spawn(c, e)
	}
}
