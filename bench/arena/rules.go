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
	rocketSpeed  = 18.0
	rocketLife   = 3.0
	rocketDamage = 80 // at the centre
	blastRadius  = 3.0

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

// directions holds the unit vectors of the 1024 values of a yaw.
var directions = func() (d [1024][2]float32) {
	for i := range d {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / float64(len(d)))
		d[i] = [2]float32{float32(cos), float32(sin)}
	}
	return d
}()

// Direction is the unit vector of a yaw in turns.
func Direction(yaw float32) (x, y float32) {
	d := &directions[int32(math.Floor(float64(yaw)*float64(len(directions))+0.5))&int32(len(directions)-1)]
	return d[0], d[1]
}

// YawOf is the yaw that looks along a vector.
func YawOf(x, y float32) float32 {
	turns := math.Atan2(float64(y), float64(x)) / (2 * math.Pi)
	return float32(turns - math.Floor(turns))
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
