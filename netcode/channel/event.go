package channel

import (
	"errors"

	"github.com/skirmishgg/skirmish/netcode/seq"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

const (
	// EventBudget is how many bytes of events one packet repeats. It is constant, and packets carry the oldest events
	// first, so an event once carried is carried by every later packet that carries events, until acked: that makes an
	// ack of any of them an ack of the event.
	EventBudget = 512
	eventHeader = 1 + 2 + 1 // frame, id, length
	eventsMax   = 256       // unacked events in all four channels; policy when full: ErrFull, the peer is closed
	windowMax   = 512       // ids ahead of the oldest missing one that a receiver takes; beyond: protocol error
)

// Errors of events.
var (
	ErrFull     = errors.New("channel: too many unacked events")
	ErrTooLarge = errors.New("channel: message is too large")
	ErrChannel  = errors.New("channel: no such channel for this kind of message")
	ErrWindow   = errors.New("channel: event id outside the window")
)

type event struct {
	firstPN uint64 // of the first packet that carried it
	carried bool
	id      uint16
	ch      uint8
	size    uint8
	at      uint32 // offset of its bytes in data
}

// Outbox holds events until they are acked. The zero value is ready.
type Outbox struct {
	queue []event // oldest first
	data  []byte  // their bytes, in the same order
	next  [wire.EventChannels]uint16
}

// Push queues an event; data is copied.
// Errors: ErrChannel, ErrTooLarge (more than 255 B), ErrFull.
func (o *Outbox) Push(ch uint8, data []byte) error {
	switch {
	case ch >= wire.EventChannels:
		return ErrChannel
	case len(data) > wire.MaxEvent:
		return ErrTooLarge
	case len(o.queue) >= eventsMax:
		return ErrFull
	}
	o.queue = append(o.queue, event{id: o.next[ch], ch: ch, size: uint8(len(data)), at: uint32(len(o.data))})
	o.data = append(o.data, data...)
	o.next[ch]++
	return nil
}

// Len is how many events wait for their ack.
func (o *Outbox) Len() int { return len(o.queue) }

// Room is how many bytes of events, each with its head of 4, every packet still carries along with those that wait.
func (o *Outbox) Room() int { return EventBudget - len(o.data) - eventHeader*len(o.queue) }

// Fresh reports whether an event waits that no packet has carried yet.
func (o *Outbox) Fresh() bool { return len(o.queue) > 0 && !o.queue[len(o.queue)-1].carried }

// Append writes the oldest events that fit the constant budget, as packet pn carries them.
//
//	u8 3<<3|channel · u16 id · u8 length · bytes
func (o *Outbox) Append(dst []byte, pn uint64) []byte {
	left := EventBudget
	for i := range o.queue {
		e := &o.queue[i]
		if left -= eventHeader + int(e.size); left < 0 {
			break
		}
		if !e.carried {
			e.carried, e.firstPN = true, pn
		}
		dst = append(dst, byte(wire.FrameEvent)<<3|e.ch, byte(e.id), byte(e.id>>8), e.size)
		dst = append(dst, o.data[e.at:e.at+uint32(e.size)]...)
	}
	return dst
}

// Acked forgets the events that packet pn carried; pn is a packet that Append wrote for.
func (o *Outbox) Acked(pn uint64) {
	kept, bytes := 0, uint32(0)
	for i := range o.queue {
		e := o.queue[i]
		if e.carried && e.firstPN <= pn {
			continue
		}
		copy(o.data[bytes:], o.data[e.at:e.at+uint32(e.size)])
		e.at = bytes
		bytes += uint32(e.size)
		o.queue[kept] = e
		kept++
	}
	o.queue, o.data = o.queue[:kept], o.data[:bytes]
}

// Restart makes every event count as not yet carried, for a connection whose packet numbers begin anew.
func (o *Outbox) Restart() {
	for i := range o.queue {
		o.queue[i].carried = false
	}
}

// Clear forgets every event and numbers the next ones from 0, for another end that has lost its memory.
func (o *Outbox) Clear() {
	o.queue, o.data, o.next = o.queue[:0], o.data[:0], [wire.EventChannels]uint16{}
}

// Inbox takes events once each, and on channels 0 and 1 in order. The zero value is ready.
type Inbox struct {
	next [wire.EventChannels]uint16 // oldest id that has not been delivered
	// unordered channels: which of the ids from next on were delivered, as bits
	seen [wire.EventChannels - wire.FirstUnordered][windowMax / 64]uint64
}

// Accept says whether an event is to be delivered now. An ordered event that comes before its predecessors is not: the
// sender repeats it, and the packet that brings the missing ones brings it again.
// Errors: ErrWindow for an id that no honest sender could have reached; ErrChannel.
func (b *Inbox) Accept(ch uint8, id uint16) (deliver bool, err error) {
	if ch >= wire.EventChannels {
		return false, ErrChannel
	}
	ahead := int(seq.Diff16(id, b.next[ch]))
	if ahead < 0 {
		return false, nil // delivered before
	}
	if ahead >= windowMax {
		return false, ErrWindow
	}
	if ch < wire.FirstUnordered {
		if ahead != 0 {
			return false, nil
		}
		b.next[ch]++
		return true, nil
	}
	seen := &b.seen[ch-wire.FirstUnordered]
	word, bit := id/64%uint16(len(seen)), id%64
	if seen[word]>>bit&1 != 0 {
		return false, nil
	}
	seen[word] |= 1 << bit
	for { // slide over what is delivered, freeing its bits for the ids one window later
		word, bit := b.next[ch]/64%uint16(len(seen)), b.next[ch]%64
		if seen[word]>>bit&1 == 0 {
			return true, nil
		}
		seen[word] &^= 1 << bit
		b.next[ch]++
	}
}
