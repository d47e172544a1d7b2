package input

import (
	"unsafe"

	"github.com/skirmishgg/skirmish/netcode/bits"
	"github.com/skirmishgg/skirmish/netcode/snapshot"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

const (
	ringTicks = 64
	ringMask  = ringTicks - 1
)

// rows is a ring of inputs as codes, by tick.
type rows struct {
	record *snapshot.Record
	ticks  [ringTicks]uint32
	filled [ringTicks]bool
	codes  []uint32
}

func newRows(record *snapshot.Record) rows {
	return rows{record: record, codes: make([]uint32, ringTicks*record.Fields())}
}

func (r *rows) at(tick uint32) []uint32 {
	n := r.record.Fields()
	at := int(tick&ringMask) * n
	return r.codes[at : at+n : at+n]
}

func (r *rows) has(tick uint32) bool {
	return r.filled[tick&ringMask] && r.ticks[tick&ringMask] == tick
}

func (r *rows) mark(tick uint32) { r.ticks[tick&ringMask], r.filled[tick&ringMask] = tick, true }

// History is a client's inputs of the last 64 ticks.
type History struct {
	rows
	newest uint32
	any    bool
}

// NewHistory keeps inputs of a schema's Input record.
func NewHistory(record *snapshot.Record) *History { return &History{rows: newRows(record)} }

// Put keeps the input of a tick, the struct at p, and rounds it to what will arrive. Ticks only grow.
func (h *History) Put(tick uint32, p unsafe.Pointer) {
	if h.any && tick <= h.newest {
		panic("input: Put of a tick that is over")
	}
	h.record.Capture(p, h.at(tick))
	h.mark(tick)
	h.newest, h.any = tick, true
}

// Get fills the struct at into with the input of a tick; false when it is not kept.
func (h *History) Get(tick uint32, into unsafe.Pointer) bool {
	if !h.has(tick) {
		return false
	}
	h.record.Load(h.at(tick), into)
	return true
}

// Newest is the tick of the last Put.
func (h *History) Newest() (tick uint32, ok bool) { return h.newest, h.any }

// Encode writes the body of an INPUT frame into dst and returns its length: the inputs up to the last Put without a
// gap, as far back as the server has not used them, at most 8; fewer when dst is short. processed is the newest tick
// whose input the server has used. 0: there is nothing to send, or no room for one input.
//
//	u3 inputs-1 · oldest raw · each later one: 1 bit: same? · [for each field 1 bit: changed? · code raw]
func (h *History) Encode(dst []byte, processed uint32, hasProcessed bool) (n int) {
	if !h.any {
		return 0
	}
	count := uint32(1)
	for count < wire.MaxInputsPacket && h.has(h.newest-count) && !(hasProcessed && h.newest-count <= processed) {
		count++
	}
	var out bits.Writer
	for ; count > 0; count-- {
		out.Reset(dst)
		h.write(&out, count)
		if !out.Overflow() {
			return len(out.Bytes())
		}
	}
	return 0
}

func (h *History) write(out *bits.Writer, count uint32) {
	out.Write(uint64(count-1), 3)
	first := h.newest - count + 1
	h.record.Write(out, h.at(first))
	for tick := first + 1; count > 1; tick, count = tick+1, count-1 {
		h.record.WriteDelta(out, h.at(tick-1), h.at(tick))
	}
}
