package arena

import "github.com/skirmishgg/skirmish/engine/match"

// fireRail hits what the shooter saw: targets stand where they stood at the tick that was on the shooter's screen.
func (g *Game) fireRail(c *match.Ctx, e *Player, shown uint32) {
	dx, dy := Direction(e.Yaw)
	reach := Ray(e.X, e.Y, dx, dy, railReach)
	var target *Player
	for id, other := range g.players.All() {
		if other == e || !other.Alive || other.Team == e.Team {
			continue
		}
		then := g.players.At(id, shown)
		if then == nil || !then.Alive {
			continue
		}
		if at, ok := meets(e.X, e.Y, dx, dy, then.X, then.Y, Radius); ok && at < reach {
			reach, target = at, other
		}
	}
	match.BroadcastLossy(c, &Shot{By: e.Slot, X: e.X, Y: e.Y, TX: e.X + float32(dx*reach), TY: e.Y + float32(dy*reach), Hit: target != nil})
	if target != nil {
		g.hurt(c, target, e.Slot, railDamage, false)
	}
}

// meets is how far along the unit vector dx, dy a circle begins; ok is false when it is missed.
func meets(x, y, dx, dy, cx, cy, radius float32) (at float32, ok bool) {
	rx, ry := cx-x, cy-y
	along := float32(rx*dx) + float32(ry*dy)
	if along < 0 {
		return 0, false
	}
	aside := float32(rx*dy) - float32(ry*dx)
	return along - radius, float32(aside*aside) <= float32(radius*radius)
}

func (g *Game) fireRocket(c *match.Ctx, e *Player) {
	_, r := g.rockets.Spawn()
	if r == nil {
		return // as many as can be are in the air
	}
	e.Rockets--
	dx, dy := Direction(e.Yaw)
	*r = Rocket{Body: Body{X: e.X, Y: e.Y, VX: quanta(float32(dx * RocketSpeed)), VY: quanta(float32(dy * RocketSpeed))},
		Owner: e.Slot, Team: e.Team, dies: c.Tick() + ticks(c, rocketLife)}
}

func (g *Game) tickRocket(c *match.Ctx, id match.ID, r *Rocket, dt float32) {
	r.X += float32(r.VX * dt)
	r.Y += float32(r.VY * dt)
	if c.Tick() < r.dies && !Solid(r.X, r.Y) && !g.touches(r) {
		return
	}
	g.blast(c, r)
	g.rockets.Despawn(id)
}

func (g *Game) touches(r *Rocket) bool {
	for _, e := range g.players.All() {
		dx, dy := e.X-r.X, e.Y-r.Y
		if e.Alive && e.Team != r.Team && float32(dx*dx)+float32(dy*dy) < (Radius+0.2)*(Radius+0.2) {
			return true
		}
	}
	return false
}

// blast hurts enemies, and the owner, by how near they are and if nothing is between.
func (g *Game) blast(c *match.Ctx, r *Rocket) {
	x, y := r.X-float32(r.VX*c.Dt()), r.Y-float32(r.VY*c.Dt()) // before it was in the wall
	match.BroadcastLossy(c, &Blast{X: x, Y: y})
	for _, e := range g.players.All() {
		if !e.Alive || (e.Team == r.Team && e.Slot != r.Owner) {
			continue
		}
		_, _, far := unit(e.X-x, e.Y-y)
		if far < BlastRadius && Sees(x, y, e.X, e.Y) {
			g.hurt(c, e, r.Owner, uint8(rocketDamage*(1-far/BlastRadius)), true)
		}
	}
}

// hurt takes armour first, two thirds of it, then health.
func (g *Game) hurt(c *match.Ctx, e *Player, by uint8, damage uint8, rocket bool) {
	if g.peaceful {
		return
	}
	absorbed := min(e.Armor, damage*2/3)
	e.Armor -= absorbed
	damage -= absorbed
	if damage < e.Health {
		e.Health -= damage
		return
	}
	e.Health, e.Alive, e.VX, e.VY = 0, false, 0, 0
	e.Deaths = min(e.Deaths+1, 1023)
	e.respawn = c.Tick() + ticks(c, respawnAfter)
	match.Broadcast(c, &Kill{By: by, Of: e.Slot, Rocket: rocket})
	killer := g.players.Get(g.players.ID(int(by)))
	if killer == nil || killer == e {
		return
	}
	killer.Kills = min(killer.Kills+1, 1023)
	if killer.Team == 0 {
		g.round.Red++
	} else {
		g.round.Blue++
	}
}
