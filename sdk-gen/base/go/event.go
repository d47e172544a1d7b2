package skirmish

import (
	"time"

	"github.com/skirmishgg/skirmish/netcode/snapshot"
)

// Read takes data, what Game.Event got, as the event E. False: it is another one, or malformed.
func Read[E any](c *Conn, data []byte, ev *E) bool {
	return snapshot.LoadEvent(c.game.Schema, data, ev)
}

// Send sends an event of the schema to the game: repeated until it has arrived, in order.
// Errors: ErrNotConnected, ErrEventType; channel.ErrFull when too many are unacknowledged, which ends the connection.
func Send[E any](c *Conn, ev *E) error {
	var room [256]byte
	data, ok := snapshot.AppendEvent(c.game.Schema, room[:0], ev)
	if !ok {
		return ErrEventType
	}
	return c.SendEventOn(0, data, c.now)
}

// SendLossy sends an event of the schema once: it may be lost.
func SendLossy[E any](c *Conn, ev *E) error {
	var room [256]byte
	data, ok := snapshot.AppendEvent(c.game.Schema, room[:0], ev)
	if !ok {
		return ErrEventType
	}
	return c.SendUnreliable(0, data)
}

// SendEvent sends at most 255 bytes to the game, reliably and in order.
func (c *Conn) SendEvent(data []byte, now time.Duration) error { return c.SendEventOn(0, data, now) }

// SendEventOn is SendEvent on another channel: 1 is ordered too, 2 and 3 are not.
func (c *Conn) SendEventOn(ch uint8, data []byte, now time.Duration) error {
	if !c.open() {
		return ErrNotConnected
	}
	return c.peer.SendEvent(ch, data, now)
}

// SendUnreliable sends data once, with the next packet that has room.
func (c *Conn) SendUnreliable(ch uint8, data []byte) error {
	if !c.open() {
		return ErrNotConnected
	}
	return c.peer.SendUnreliable(ch, data)
}

// SendSequenced sends data once; the server ignores it when it has seen a newer one of the channel.
func (c *Conn) SendSequenced(ch uint8, data []byte) error {
	if !c.open() {
		return ErrNotConnected
	}
	return c.peer.SendSequenced(ch, data)
}

// SendStream sends up to 64 KB on stream channel 4 to 7, reliably and in its own time.
// Errors: ErrNotConnected; channel.ErrBackpressure: nothing was queued, try again later.
func (c *Conn) SendStream(ch uint8, msg []byte) error {
	if !c.open() {
		return ErrNotConnected
	}
	c.streams = true
	return c.peer.SendStream(ch, msg)
}

func (c *Conn) open() bool { return c.phase == Connected || c.phase == Resuming }
