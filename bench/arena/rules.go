package arena

import "math"

// The numbers of the game. Times are seconds, distances metres.
const (
	speed        = 7.0  // running
	pickUp       = 12.0 // how fast a velocity follows the wish, per second
	Radius       = 0.4  // of a player
	healthStart  = 100
	rocketsStart = 4

	railReload   = 0.9
	railDamage   = 45
	railReach    = 40.0
	rocketReload = 1.1
	RocketSpeed  = 18.0
	rocketLife   = 3.0
	rocketDamage = 80 // at the centre
	BlastRadius  = 3.0

	respawnAfter  = 2.0
	pickupReturns = 8.0
	pickupRadius  = 0.9
	roundSeconds  = 300
	roundScore    = 50
)

// placeQuantum is the step of Body's positions: a place is rounded before it is tried, so that what travels fits too.
const placeQuantum = 1.0 / 256

// velocityQuantum is the step of Body's velocities. Move rounds to it before it moves, so that what travels is what was
// moved by.
const velocityQuantum = 1.0 / 32

// turn is how many yaws there are: Aim's ten bits.
const turn = 1024

// directions holds their unit vectors, rounded to 1/32768. math.Sincos may differ in its last bit between machines; no
// value of the table is so near to the middle of two (a test) that this shows.
var directions = func() (d [turn][2]float32) {
	for i := range d {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / turn)
		d[i] = [2]float32{float32(math.Round(cos*directionUnit) / directionUnit), float32(math.Round(sin*directionUnit) / directionUnit)}
	}
	return d
}()

const directionUnit = 1 << 15

// Direction is the unit vector of a yaw in turns, 0 to 1.
func Direction(yaw float32) (x, y float32) {
	d := &directions[int32(yaw*turn+0.5)&(turn-1)]
	return d[0], d[1]
}

// YawOf is the yaw that looks along a vector. For clients: the server never asks.
func YawOf(x, y float32) float32 {
	turns := math.Atan2(float64(y), float64(x)) / (2 * math.Pi)
	return float32(turns - math.Floor(turns))
}

// Mover is what a client predicts of its own player. It does not know when it dies or returns; Alive changes by the
// server's word alone.
type Mover struct {
	Body
	Alive bool
}

// MoverOf is the predicted part of a player.
func MoverOf(p *Player) Mover { return Mover{p.Body, p.Alive} }

// Step moves on by a tick as the server does.
func (m *Mover) Step(in *Input, dt float32) {
	if m.Alive {
		Move(&m.Body, in.MoveX, in.MoveY, dt)
	}
}

// Move is one tick of a player's movement: what server and client both compute. dt is the length of a tick.
func Move(b *Body, moveX, moveY int8, dt float32) {
	wantX, wantY := float32(moveX)*speed, float32(moveY)*speed
	if moveX != 0 && moveY != 0 {
		const diagonal = 0.70710678
		wantX, wantY = float32(wantX*diagonal), float32(wantY*diagonal)
	}
	b.VX = follow(b.VX, wantX, dt)
	b.VY = follow(b.VY, wantY, dt)
	x := place(b.X + float32(b.VX*dt))
	if fits(x, b.Y) {
		b.X = x
	} else {
		b.VX = 0
	}
	y := place(b.Y + float32(b.VY*dt))
	if fits(b.X, y) {
		b.Y = y
	} else {
		b.VY = 0
	}
}

// follow brings a velocity nearer to the wish, in whole quanta.
func follow(v, want, dt float32) float32 {
	step := float32((want - v) * float32(pickUp*dt))
	if step*step < velocityQuantum*velocityQuantum {
		return quanta(want) // the approach ends
	}
	return quanta(v + step)
}

// quanta rounds a velocity to what travels.
func quanta(v float32) float32 {
	if v < 0 {
		return float32(int32(v/velocityQuantum-0.5)) * velocityQuantum
	}
	return float32(int32(v/velocityQuantum+0.5)) * velocityQuantum
}

// place rounds a position to what travels.
func place(x float32) float32 { return float32(int32(x/placeQuantum+0.5)) * placeQuantum }

// fits reports whether a player fits at a place.
func fits(x, y float32) bool {
	return !Solid(x-Radius, y-Radius) && !Solid(x+Radius, y-Radius) && !Solid(x-Radius, y+Radius) && !Solid(x+Radius, y+Radius)
}
