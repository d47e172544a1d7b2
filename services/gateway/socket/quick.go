package socket

import (
	"bytes"

	"github.com/heroiclabs/nakama-common/rtapi"
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
	data    *op.Entry // of match_data_send; nil: not quick
}

func newQuick(r *op.Registry) quick {
	q := quick{numbers: map[protowire.Number]bool{}}
	for i := range messageField.Fields().Len() {
		f := messageField.Fields().Get(i)
		if e := r.OnSocket(string(f.Name())); e != nil && e.Spec.Quick {
			q.names = append(q.names, []byte(`"`+string(f.Name())+`"`))
			q.numbers[f.Number()] = true
			if f.Number() == gameDataField {
				q.data = e
			}
		}
	}
	return q
}

// gameDataField is what nearly all quick messages are.
const gameDataField protowire.Number = 15 // match_data_send

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
	return n > 0 && (number == gameDataField && q.data != nil || q.numbers[number])
}

// handleQuick runs a message here, or passes it on to the session's line when it is not what it seemed.
func (c *conn) handleQuick(data []byte) (more bool) {
	if c.handleGameData(data) {
		return true
	}
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

// handleGameData runs a plain match_data_send, and answers false for everything else. Its operation keeps nothing of the
// message but its data, so that every message of a connection is read into the same one.
func (c *conn) handleGameData(data []byte) bool {
	entry := c.server.quick.data
	if c.format != codec.Protobuf || entry == nil || entry.Hooked() {
		return false
	}
	if c.game == nil {
		c.game = &rtapi.MatchDataSend{}
	}
	if !codec.DecodeMatchDataSend(data, c.game) {
		return false
	}
	c.run(request{entry: entry, message: c.game})
	if entry.Hooked() {
		c.game = nil // by now, and the hook may have kept it
	}
	return true
}
