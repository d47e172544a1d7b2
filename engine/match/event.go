package match

import (
	"errors"
	"fmt"

	"github.com/skirmishgg/skirmish/netcode/snapshot"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// ErrAway is what sending to somebody who is not connected answers.
var ErrAway = errors.New("player is away")

// Channels of events. A channel's events arrive whatever is lost on the way.
const (
	Ordered    uint8 = 0                   // Send and Broadcast use it: in the order they were sent
	Ordered2   uint8 = 1                   // in order among themselves
	Unordered  uint8 = wire.FirstUnordered // each as soon as it comes
	Unordered2 uint8 = wire.FirstUnordered + 1
)

// Message is what a client sent beside its inputs.
type Message struct {
	Channel uint8
	Kind    MessageKind
	Data    []byte // borrowed until Receive returns
}

// MessageKind says how a message came.
type MessageKind uint8

const (
	MessageEvent  MessageKind = iota // reliable, at most 255 bytes
	MessageLossy                     // unreliable or sequenced
	MessageStream                    // reliable and large
)

// Send sends an event to one player, reliably and in order: it is repeated in each datagram until acknowledged.
// Errors: ErrAway, or his queue is full (he is closed with CloseOverflow soon). Both may be ignored.
func Send[E any](c *Ctx, p *Player, ev *E) error { return SendOn(c, p, Ordered, ev) }

// SendOn is Send on another channel of events.
func SendOn[E any](c *Ctx, p *Player, channel uint8, ev *E) error {
	if p.link == nil {
		return ErrAway
	}
	return p.link.SendEvent(channel, encode(c, ev))
}

// SendLossy sends an event once: it may be lost, and overtaken. For what is worthless when late.
func SendLossy[E any](c *Ctx, p *Player, ev *E) error {
	if p.link == nil {
		return ErrAway
	}
	return p.link.SendUnreliable(0, encode(c, ev))
}

// Broadcast sends an event to all players and spectators who are connected, as Send does.
func Broadcast[E any](c *Ctx, ev *E) {
	data := encode(c, ev)
	for _, p := range c.m.players {
		if p.link != nil {
			c.m.count(p.link.SendEvent(Ordered, data))
		}
	}
	for _, p := range c.m.spectators {
		if p.link != nil {
			c.m.count(p.link.SendEvent(Ordered, data))
		}
	}
}

// BroadcastLossy sends an event once to all who are connected.
func BroadcastLossy[E any](c *Ctx, ev *E) {
	data := encode(c, ev)
	for _, p := range c.m.players {
		if p.link != nil {
			c.m.count(p.link.SendUnreliable(0, data))
		}
	}
	for _, p := range c.m.spectators {
		if p.link != nil {
			c.m.count(p.link.SendUnreliable(0, data))
		}
	}
}

// SendStream sends up to 64 KB reliably, in order and in its own time: never in the way of snapshots. channel is 4 to
// 7. data is copied.
func SendStream(c *Ctx, p *Player, channel uint8, data []byte) error {
	if p.link == nil {
		return ErrAway
	}
	return p.link.SendStream(channel, data)
}

// Read takes a message as the event E. False: it is another one, or malformed; ev is then undefined.
func Read[E any](c *Ctx, m Message, ev *E) bool { return snapshot.LoadEvent(c.m.schema, m.Data, ev) }

// encode writes an event into the match's scratch space: valid until the next call.
func encode[E any](c *Ctx, ev *E) []byte {
	data, ok := snapshot.AppendEvent(c.m.schema, c.m.scratch[:0], ev)
	if !ok {
		panic(fmt.Sprintf("match %s: %T is no event of the schema", c.m.def.Name, *ev))
	}
	return data
}
