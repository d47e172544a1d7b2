package bot

import (
	"math"

	"github.com/skirmishgg/skirmish/bench/arena"
	"github.com/skirmishgg/skirmish/engine/match"
)

// Sight is what a bot knows at a tick: itself as predicted, the others as they are shown.
type Sight struct {
	Tick    uint32
	Me      arena.Player
	Others  []arena.Player
	Pickups []arena.Pickup
}

// mind decides what to do. Skill is how far its aim wanders and how long it hesitates.
type mind struct {
	rand   match.Rand
	way    *field
	target uint8  // slot of whom it fights
	seen   uint32 // tick at which that target came into sight; 0: it is not
	goalX  float32
	goalY  float32
	until  uint32 // tick at which the goal is thought over
	strafe int8
	turnAt uint32
	aimOff float32 // in turns
	yaw    float32
}

const (
	none       = 255
	hesitation = 14 // ticks between seeing and shooting
	aimWander  = 0.012
)

func newMind(seed uint64) *mind {
	return &mind{rand: match.NewRand(seed), way: newField(), target: none, strafe: 1}
}

// act is the input of a tick.
func (m *mind) act(s *Sight) arena.Input {
	if !s.Me.Alive {
		m.target, m.seen, m.until = none, 0, 0
		return arena.Input{Yaw: m.yaw}
	}
	enemy := m.chooseTarget(s)
	if s.Tick >= m.turnAt {
		m.strafe, m.turnAt = int8(m.rand.IntN(3)-1), s.Tick+15+uint32(m.rand.IntN(40))
		m.aimOff = (m.rand.Float32() - 0.5) * 2 * aimWander
	}
	in := arena.Input{}
	if enemy != nil {
		m.fight(s, enemy, &in)
	} else {
		m.wander(s, &in)
	}
	in.Yaw = m.yaw
	return in
}

// chooseTarget is the nearest enemy in sight, or the last one while it stays in sight.
func (m *mind) chooseTarget(s *Sight) *arena.Player {
	var best *arena.Player
	bestFar := float32(math.MaxFloat32)
	for i := range s.Others {
		e := &s.Others[i]
		if !e.Alive || e.Team == s.Me.Team || !arena.Sees(s.Me.X, s.Me.Y, e.X, e.Y) {
			continue
		}
		dx, dy := e.X-s.Me.X, e.Y-s.Me.Y
		d := dx*dx + dy*dy
		if e.Slot == m.target {
			d /= 2 // stay with the one at hand
		}
		if d < bestFar {
			best, bestFar = e, d
		}
	}
	switch {
	case best == nil:
		m.target, m.seen = none, 0
	case best.Slot != m.target:
		m.target, m.seen = best.Slot, s.Tick
	}
	return best
}

// fight turns to the enemy, leads rockets, keeps a middle distance and strafes.
func (m *mind) fight(s *Sight, e *arena.Player, in *arena.Input) {
	dx, dy := e.X-s.Me.X, e.Y-s.Me.Y
	distance := float32(math.Sqrt(float64(dx*dx + dy*dy)))
	rocket := s.Me.Rockets > 0 && distance > 4 && distance < 16 && m.rand.IntN(3) == 0
	if rocket {
		lead := distance / 18
		dx, dy = dx+e.VX*lead, dy+e.VY*lead
	}
	m.turnTo(arena.YawOf(dx, dy) + m.aimOff)
	off := turnBetween(m.yaw, arena.YawOf(dx, dy))
	if s.Tick-m.seen > hesitation && math.Abs(float64(off)) < 0.02 {
		in.Fire, in.Alt = !rocket, rocket
	}
	along := int8(0)
	switch {
	case distance > 14:
		along = 1
	case distance < 6:
		along = -1
	}
	ux, uy := dx/distance, dy/distance
	m.walk(in, ux*float32(along)-uy*float32(m.strafe), uy*float32(along)+ux*float32(m.strafe))
}

// wander goes for what it needs, or to where enemies were last seen, or anywhere.
func (m *mind) wander(s *Sight, in *arena.Input) {
	if s.Tick >= m.until || m.way.goal < 0 || m.way.distance(s.Me.X, s.Me.Y) == 0 {
		m.chooseGoal(s)
	}
	m.way.aim(m.goalX, m.goalY)
	x, y := m.way.next(s.Me.X, s.Me.Y)
	dx, dy := x-s.Me.X, y-s.Me.Y
	if m.way.distance(s.Me.X, s.Me.Y) == 0 {
		dx, dy = m.goalX-s.Me.X, m.goalY-s.Me.Y
	}
	m.turnTo(arena.YawOf(dx, dy))
	m.walk(in, dx, dy)
}

func (m *mind) chooseGoal(s *Sight) {
	m.until = s.Tick + 240 + uint32(m.rand.IntN(240))
	var wish []arena.Pickup
	for _, p := range s.Pickups {
		useful := (p.What == arena.PickupHealth && s.Me.Health < 70) || (p.What == arena.PickupArmor && s.Me.Armor < 50) ||
			(p.What == arena.PickupRockets && s.Me.Rockets < 3)
		if p.Ready && useful {
			wish = append(wish, p)
		}
	}
	if len(wish) > 0 {
		p := wish[m.rand.IntN(len(wish))]
		m.goalX, m.goalY = p.X, p.Y
		return
	}
	if n := len(s.Others); n > 0 && m.rand.IntN(3) > 0 {
		if e := s.Others[m.rand.IntN(n)]; e.Alive && e.Team != s.Me.Team {
			m.goalX, m.goalY = e.X, e.Y
			return
		}
	}
	for range 20 {
		x, y := m.rand.Float32()*arena.Size, m.rand.Float32()*arena.Size
		if !arena.Solid(x, y) {
			m.goalX, m.goalY = x, y
			return
		}
	}
}

// walk presses the keys that come nearest to a direction.
func (m *mind) walk(in *arena.Input, dx, dy float32) {
	length := float32(math.Sqrt(float64(dx*dx + dy*dy)))
	if length < 0.05 {
		return
	}
	in.MoveX, in.MoveY = key(dx/length), key(dy/length)
}

func key(v float32) int8 {
	switch {
	case v > 0.38:
		return 1
	case v < -0.38:
		return -1
	}
	return 0
}

// turnTo moves the aim towards a yaw, as fast as a hand does.
func (m *mind) turnTo(yaw float32) {
	const fastest = 0.05
	d := min(max(turnBetween(m.yaw, yaw), -fastest), fastest)
	m.yaw += d
	m.yaw -= float32(math.Floor(float64(m.yaw)))
}

// turnBetween is the short way from one yaw to another.
func turnBetween(from, to float32) float32 {
	d := to - from
	return d - float32(math.Floor(float64(d)+0.5))
}
