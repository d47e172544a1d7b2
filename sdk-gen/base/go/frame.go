package skirmish

import (
	"time"

	"github.com/skirmishgg/skirmish/netcode/snapshot"
)

// Frame is the moment of the server's past that is on the screen: Fraction of the way between two snapshots.
type Frame struct {
	From, To *snapshot.View // the same when the next one has not come
	Fraction float32
	Tick     uint32 // the moment in whole ticks, and
	Part     float32
}

// frameReach is how many ticks before or after the moment a snapshot may be to stand for it.
const frameReach = 16

// Shown is the moment of the server's past to show now: between tick and tick+1. See netcode/interp.
func (c *Conn) Shown(now time.Duration) (tick uint32, fraction float32, ok bool) {
	if c.shown == nil {
		return 0, 0, false
	}
	return c.shown.At(now)
}

// Frame is what to show now of everything that is not predicted; false before the first snapshot. Nothing is guessed:
// when the next snapshot is late, the last one stands still.
func (c *Conn) Frame(now time.Duration) (f Frame, ok bool) {
	tick, part, ok := c.Shown(now)
	newest := c.decoder.Newest()
	if !ok || newest == nil {
		return f, false
	}
	f.Tick, f.Part = tick, part
	for i := range uint32(frameReach) {
		if f.From = c.decoder.View(tick - i); f.From != nil || i == tick {
			break
		}
	}
	for i := uint32(1); i <= frameReach && int32(newest.Tick()-tick) >= int32(i); i++ {
		if f.To = c.decoder.View(tick + i); f.To != nil {
			break
		}
	}
	switch {
	case f.From == nil && f.To == nil:
		f.From, f.To = newest, newest
	case f.From == nil:
		f.From = f.To
	case f.To == nil:
		f.To = f.From
	default:
		f.Fraction = (float32(tick-f.From.Tick()) + part) / float32(f.To.Tick()-f.From.Tick())
	}
	return f, true
}

// Ends loads an entity at both ends of a frame; the game blends them as it likes, see interp.Lerp and interp.Turn. One
// that is gone or another at the far end stands still at the near end. False: it is not there, or is no T.
func Ends[T any](f Frame, id snapshot.ID, from, to *T) bool {
	if !snapshot.Load(f.From, id, from) {
		return false
	}
	if f.To == f.From || f.To.Generation(id) != f.From.Generation(id) || !snapshot.Load(f.To, id, to) {
		*to = *from
	}
	return true
}
