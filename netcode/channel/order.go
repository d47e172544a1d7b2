package channel

import (
	"encoding/binary"
	"errors"

	"github.com/skirmishgg/skirmish/protocol/wire"
)

const (
	// OrderHead is the number before every message of a Splitter.
	OrderHead = 2
	// orderWindow is how far one way may be ahead of the other: what a Joiner holds back at most.
	orderWindow = 512
	// orderHeldMax is the same in bytes. // 16 messages of the largest size
	orderHeldMax = 1 << 20
)

// ErrOrder refuses a message whose number came before, or is further ahead than the other end may be.
var ErrOrder = errors.New("channel: message out of its order")

// Ways are the two ways of a connection to the other end.
type Ways interface {
	SendEvent(ch uint8, data []byte) error
	SendStream(ch uint8, data []byte) error
	// EventRoom is how many bytes of events, each with its head, still ride in every packet; EventBudget while none waits.
	EventRoom() int
	// StreamsIdle reports that nothing waits on any stream.
	StreamsIdle() bool
}

// Splitter sends messages of one order by two ways: as events as long as all that are not acked ride in one packet, which is
// the quickest way there is; what is large, or one too many, as stream messages, which have room for anything. Each has its
// number in front, by which a Joiner puts them in order again. The zero value is ready.
//
//	u16 number · message
type Splitter struct {
	next   uint32 // number of the next message, with the bits that do not travel
	event  uint32 // number of the first event since none was on its way
	stream uint32 // the same of stream messages
	bytes  int    // of stream messages since event
	buf    []byte
}

// Begin lends the buffer of the next message, with room for its number: append to it, then Send.
func (s *Splitter) Begin() []byte {
	if s.buf == nil {
		s.buf = make([]byte, 0, wire.MaxEvent)
	}
	return append(s.buf[:0], 0, 0)
}

// Send sends what was appended to Begin's buffer, at most wire.MaxStreamMsg bytes with the number.
// Errors: ErrBackpressure: nothing was sent, try again later; those of Ways.
func (s *Splitter) Send(w Ways, ch uint8, msg []byte) error {
	s.buf = msg
	room, idle := w.EventRoom(), w.StreamsIdle()
	if room == EventBudget {
		s.event, s.bytes = s.next, 0
	}
	if idle {
		s.stream = s.next
	}
	binary.LittleEndian.PutUint16(msg, uint16(s.next))
	var err error
	switch {
	case len(msg) <= wire.MaxEvent && len(msg)+eventHeader <= room && s.next-s.stream < orderWindow:
		err = w.SendEvent(0, msg)
	case s.next-s.event >= orderWindow || s.bytes+len(msg) > orderHeldMax && s.bytes > 0:
		return ErrBackpressure // until the events are acked, which takes a round trip
	default:
		if err = w.SendStream(ch, msg); err == nil && room < EventBudget {
			s.bytes += len(msg)
		}
	}
	if err == nil {
		s.next++
	}
	if cap(s.buf) > bufMax {
		s.buf = nil
	}
	return err
}

// bufMax is the largest buffer that is kept between messages.
const bufMax = 4 << 10

// Restart numbers from 0 again, for another end without memory.
func (s *Splitter) Restart() { *s = Splitter{buf: s.buf} }

// Joiner puts the messages of a Splitter in order again. The zero value is ready.
type Joiner struct {
	next  uint16
	held  map[uint16][]byte // came before their turn; nil while there are none
	bytes int
}

// Accept takes a message as it came by either way. rest is the message without its number when it is its turn; nil when it
// has to wait, which copies it. After its turn others may have theirs: call Next until it has none.
// Error: ErrOrder.
func (j *Joiner) Accept(msg []byte) (rest []byte, err error) {
	if len(msg) <= OrderHead {
		return nil, ErrOrder
	}
	number := binary.LittleEndian.Uint16(msg)
	switch ahead := number - j.next; {
	case ahead == 0:
		j.next++
		return msg[OrderHead:], nil
	case ahead >= orderWindow || j.held[number] != nil || j.bytes+len(msg) > orderHeldMax+wire.MaxStreamMsg:
		return nil, ErrOrder
	}
	if j.held == nil {
		j.held = map[uint16][]byte{}
	}
	j.held[number] = append([]byte(nil), msg[OrderHead:]...)
	j.bytes += len(msg)
	return nil, nil
}

// Next is the next message in turn of those that came early.
func (j *Joiner) Next() (rest []byte, ok bool) {
	if j.held == nil {
		return nil, false
	}
	if rest, ok = j.held[j.next]; !ok {
		return nil, false
	}
	delete(j.held, j.next)
	j.next++
	if j.bytes -= OrderHead + len(rest); len(j.held) == 0 {
		j.held = nil
	}
	return rest, true
}

// Restart forgets everything, for another end without memory.
func (j *Joiner) Restart() { *j = Joiner{} }
