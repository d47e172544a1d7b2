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

// mind decides what to do. It is no better than a player with good hands: it hesitates, its aim wanders, it turns at a
// hand's speed.
type mind struct {
	rand match.Rand
	rate float32
	roam roam

	target uint8  // slot of whom it fights
	since  uint32 // tick at which that target came into sight
	rocket bool   // the weapon for the next shot
	loaded uint32 // tick from which it can shoot again, as far as it knows
	strafe int8
	turnAt uint32  // tick at which strafing and aim are thought over
	aimOff float32 // in turns
	yaw    float32

	lastX, lastY float32
	stuck        int // ticks in which it wanted to move and did not
}

// Times are seconds, angles turns.
const (
	none       = 255
	hesitation = 0.22 // between seeing and shooting
	aimWander  = 0.010
	aimGood    = 0.008 // off the aim at which the trigger is pulled
	handSpeed  = 2.5   // a second
	railPause  = 0.9
	rocketWait = 1.1
	rocketNear = 4.5 // metres: nearer it would hurt itself
	rocketFar  = 16.0
	stuckAfter = 0.2
)

func newMind(seed uint64, rate int) *mind {
	return &mind{rand: match.NewRand(seed), rate: float32(rate), roam: newRoam(), target: none, strafe: 1}
}

// ticks is a time in ticks.
func (m *mind) ticks(seconds float32) uint32 { return uint32(seconds * m.rate) }

// act is the input of a tick.
func (m *mind) act(s *Sight) (in arena.Input) {
	if !s.Me.Alive {
		m.target = none
		m.roam.forget()
		return arena.Input{Yaw: m.yaw}
	}
	if m.notice(s); s.Tick >= m.turnAt {
		m.reconsider(s)
	}
	if enemy := m.chooseTarget(s); enemy != nil {
		m.fight(s, enemy, &in)
	} else {
		dx, dy := m.roam.direction(s, m)
		m.turnTo(arena.YawOf(dx, dy))
		walk(&in, dx, dy)
	}
	in.Yaw = m.yaw
	return in
}

// notice counts how long the bot has pushed against something.
func (m *mind) notice(s *Sight) {
	if dx, dy := s.Me.X-m.lastX, s.Me.Y-m.lastY; dx*dx+dy*dy > 1e-4 {
		m.stuck = 0
	} else {
		m.stuck++
	}
	m.lastX, m.lastY = s.Me.X, s.Me.Y
	if m.stuck > int(m.ticks(stuckAfter)) {
		m.turnAt, m.stuck = s.Tick, 0
		m.roam.forget()
	}
}

// reconsider changes the way it strafes and how its aim is off.
func (m *mind) reconsider(s *Sight) {
	m.strafe = int8(m.rand.IntN(3) - 1)
	m.turnAt = s.Tick + m.ticks(0.25+0.6*m.rand.Float32())
	m.aimOff = (m.rand.Float32() - 0.5) * 2 * aimWander
}

// chooseTarget is the nearest enemy in sight; the one at hand while there is not a much nearer one.
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
			d /= 2
		}
		if d < bestFar {
			best, bestFar = e, d
		}
	}
	switch {
	case best == nil:
		m.target = none
	case best.Slot != m.target:
		m.target, m.since = best.Slot, s.Tick
		m.chooseWeapon(s)
	}
	return best
}

// chooseWeapon is asked once a shot, so that the aim does not jump between leading and not.
func (m *mind) chooseWeapon(s *Sight) { m.rocket = s.Me.Rockets > 0 && m.rand.IntN(3) == 0 }

// fight turns to the enemy, leads rockets, keeps a middle distance and strafes.
func (m *mind) fight(s *Sight, e *arena.Player, in *arena.Input) {
	dx, dy := e.X-s.Me.X, e.Y-s.Me.Y
	distance := length(dx, dy)
	rocket := m.rocket && distance > rocketNear && distance < rocketFar
	aimX, aimY := dx, dy
	if rocket {
		aimX, aimY = leadFor(s, e)
	}
	want := arena.YawOf(aimX, aimY) + m.aimOff
	m.turnTo(want)
	if aimed := math.Abs(float64(turnBetween(m.yaw, want))) < aimGood; aimed && s.Tick >= m.loaded && s.Tick-m.since >= m.ticks(hesitation) {
		in.Fire, in.Alt = !rocket, rocket
		m.loaded = s.Tick + m.ticks(railPause)
		if rocket {
			m.loaded = s.Tick + m.ticks(rocketWait)
		}
		m.chooseWeapon(s)
	}
	along := float32(0)
	switch {
	case distance > 14:
		along = 1
	case distance < 6:
		along = -1
	}
	ux, uy := dx/max(distance, 0.01), dy/max(distance, 0.01)
	walk(in, ux*along-uy*float32(m.strafe), uy*along+ux*float32(m.strafe))
}

// leadFor is where to aim a rocket so that it meets a target that goes on as it does: two steps towards the answer are near
// enough for a blast. The target is shown as it was, and the rocket starts a round trip later: both move on meanwhile.
func leadFor(s *Sight, e *arena.Player) (dx, dy float32) {
	dx, dy = e.X-s.Me.X, e.Y-s.Me.Y
	x, y := dx, dy
	for range 2 {
		flight := length(x, y) / arena.RocketSpeed
		x, y = dx+e.VX*flight, dy+e.VY*flight
	}
	if !arena.Sees(s.Me.X, s.Me.Y, s.Me.X+x, s.Me.Y+y) {
		return dx, dy // it would meet a wall on the way
	}
	return x, y
}

// turnTo moves the aim towards a yaw, as fast as a hand does.
func (m *mind) turnTo(yaw float32) {
	fastest := handSpeed / m.rate
	m.yaw += min(max(turnBetween(m.yaw, yaw), -fastest), fastest)
	m.yaw -= float32(math.Floor(float64(m.yaw)))
}

// turnBetween is the short way from one yaw to another.
func turnBetween(from, to float32) float32 {
	d := to - from
	return d - float32(math.Floor(float64(d)+0.5))
}

// walk presses the keys that come nearest to a direction.
func walk(in *arena.Input, dx, dy float32) {
	far := length(dx, dy)
	if far < 0.05 {
		return
	}
	in.MoveX, in.MoveY = key(dx/far), key(dy/far)
}

func key(v float32) int8 {
	switch {
	case v > 0.38: // sine of 22.5 degrees: eight directions of equal width
		return 1
	case v < -0.38:
		return -1
	}
	return 0
}

func length(x, y float32) float32 { return float32(math.Sqrt(float64(x*x + y*y))) }
