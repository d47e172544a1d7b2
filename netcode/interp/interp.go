// Package interp says which moment of the server's past a client shows of everything it does not predict.
//
// Snapshots arrive unevenly, or not at all; what is shown must move evenly. The Clock therefore shows the time of the
// newest snapshot less a delay, which follows what the path does: a tick and a half, three deviations of arrival, and
// the snapshots in a row that are likely to be lost. The shown time only ever runs 3 % faster or slower to follow, and
// the delay is at most 250 ms. Call it from one goroutine.
package interp

import "time"

const (
	delayMax   = 250 * time.Millisecond
	slewMax    = 0.03
	jumpAfter  = 500 * time.Millisecond // of error the shown time jumps
	gain       = 1.0                    // of speed per second of error
	smooth     = 16                     // arrivals that offset and jitter are smoothed over
	smoothLoss = 128                    // and loss
	starveMax  = 0.01                   // of snapshots that may be missing when they are shown
)

// Clock maps a client's time to ticks of the server, with fractions.
type Clock struct {
	period time.Duration
	newest uint32
	any    bool

	offset  time.Duration // smoothed: arrival time less tick*period
	jitter  time.Duration // smoothed deviation from it
	loss    float64       // smoothed part of snapshots that did not come
	shown   time.Duration // server time that is shown, as of at
	at      time.Duration
	running bool

	Jumps uint64
}

// New shows a server of this tick rate.
func New(rate int) *Clock { return &Clock{period: time.Second / time.Duration(rate)} }

// Arrived notes the snapshot of a tick.
func (c *Clock) Arrived(tick uint32, now time.Duration) {
	if c.any && int32(tick-c.newest) <= 0 {
		return
	}
	late := now - time.Duration(tick)*c.period
	if !c.any {
		c.offset, c.any, c.newest = late, true, tick-1
	}
	for range min(tick-c.newest-1, smoothLoss) {
		c.loss += (1 - c.loss) / smoothLoss
	}
	c.loss -= c.loss / smoothLoss
	c.newest = tick
	e := late - c.offset
	c.offset += e / smooth
	if e < 0 {
		e = -e
	}
	c.jitter += (e - c.jitter) / smooth
}

// Delay is how far behind the newest snapshot's time the client should show the world.
func (c *Clock) Delay() time.Duration {
	ticks := 1.5
	for missing := c.loss; missing > starveMax && ticks < 8; missing *= c.loss {
		ticks++
	}
	return min(time.Duration(ticks*float64(c.period))+3*c.jitter, delayMax)
}

// Jitter is the smoothed deviation of arrivals.
func (c *Clock) Jitter() time.Duration { return c.jitter }

// Loss is the smoothed part of snapshots that did not come.
func (c *Clock) Loss() float64 { return c.loss }

// At is the moment to show now: a tick and how far towards the next, 0 to 1. ok is false before the first snapshot.
// Time must not run backwards.
func (c *Clock) At(now time.Duration) (tick uint32, fraction float32, ok bool) {
	if !c.any {
		return 0, 0, false
	}
	want := now - c.offset - c.Delay()
	e := want - (c.shown + (now - c.at))
	switch {
	case !c.running || e > jumpAfter || e < -jumpAfter:
		if c.running {
			c.Jumps++
		}
		c.shown, c.running = want, true
	default:
		speed := min(max(e.Seconds()*gain, -slewMax), slewMax)
		c.shown += time.Duration(float64(now-c.at) * (1 + speed))
	}
	c.at = now
	shown := max(c.shown, 0)
	return uint32(shown / c.period), float32(shown%c.period) / float32(c.period), true
}

// Lerp is a value between two, and Turn the same the short way round a circle of the given size.
func Lerp(a, b, fraction float32) float32 { return a + float32((b-a)*fraction) }

// Turn interpolates on a circle.
func Turn(a, b, fraction, circle float32) float32 {
	d := b - a
	if d > circle/2 {
		d -= circle
	} else if d < -circle/2 {
		d += circle
	}
	at := a + float32(d*fraction)
	if at < 0 {
		at += circle
	} else if at >= circle {
		at -= circle
	}
	return at
}
