package socket

import (
	"bytes"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/skirmishgg/skirmish/protocol/codec"
	"github.com/skirmishgg/skirmish/protocol/op"
)

// Game data comes many times a second from every player, and is done with in less time than it takes to wake a worker.
// So a message whose operation is op.Spec.Quick runs where it was read, while nothing of its session waits or is under way
// and server code has no hook on it.
type quick struct {
	names   [][]byte // in JSON, quoted
	numbers map[protowire.Number]bool
}

func newQuick(r *op.Registry) quick {
	q := quick{numbers: map[protowire.Number]bool{}}
	for i := range messageField.Fields().Len() {
		f := messageField.Fields().Get(i)
		if e := r.OnSocket(string(f.Name())); e != nil && e.Spec.Quick {
			q.names = append(q.names, []byte(`"`+string(f.Name())+`"`))
			q.numbers[f.Number()] = true
		}
	}
	return q
}

const peekMax = 64 // bytes, in which the message's name stands unless the cid is long

// maybe tells at a glance whether a message may be a quick one. Wrong either way costs time and nothing else.
func (q *quick) maybe(f codec.Format, data []byte) bool {
	if f == codec.JSON {
		head := data[:min(len(data), peekMax)]
		for _, name := range q.names {
			if bytes.Contains(head, name) {
				return true
			}
		}
		return false
	}
	number, _, n := protowire.ConsumeTag(data)
	if n > 0 && number == 1 { // the cid
		data = data[n:]
		if _, n = protowire.ConsumeBytes(data); n > 0 {
			number, _, n = protowire.ConsumeTag(data[n:])
		}
	}
	return n > 0 && q.numbers[number]
}

// handleQuick runs a message here, or passes it on to the session's line when it is not what it seemed.
func (c *conn) handleQuick(data []byte) (more bool) {
	r := c.read(data)
	switch {
	case r.entry == nil:
	case r.entry.Spec.Quick && !r.entry.Hooked():
		c.run(r)
	default:
		return c.line.Push(func() {
			if c.socket.Open() {
				c.run(r)
			}
		})
	}
	return true
}
