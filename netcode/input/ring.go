package input

import (
	"errors"
	"unsafe"

	"github.com/skirmishgg/skirmish/netcode/bits"
	"github.com/skirmishgg/skirmish/netcode/snapshot"
)

// ErrMalformed refuses a body that no History writes.
var ErrMalformed = errors.New("input: malformed")

// Counters of a Ring.
type Counters struct {
	Added     uint64 // new inputs
	Duplicate uint64 // that were here already: the redundancy, most of what arrives
	Late      uint64 // new, but for a tick that was taken
	Early     uint64 // for a tick more than 31 ahead: dropped
	Malformed uint64 // bodies
	Exact     uint64 // ticks taken with their own input
	Repeated  uint64 // ticks taken with the one before
	Missing   uint64 // ticks taken before any input came
}

// reach is how far from the next tick inputs are kept, on either side: both together fill the ring.
const reach = ringTicks/2 - 1

// Outcome says what Take gave.
type Outcome uint8

const (
	Missing  Outcome = iota // nothing came yet: zero
	Repeated                // the newest input before the tick: the player goes on doing what it did
	Exact                   // the tick's own
)

// Ring is one player's inputs that wait for their tick. Policy: the first to come for a tick counts; one that is late,
// or more than 31 ticks early, is counted and not used; a tick without input repeats the newest before it, which may be
// one that came late.
type Ring struct {
	Counters Counters

	rows
	newest    uint32 // of all added
	any       bool
	next      uint32 // least tick that may be taken
	taken     bool   // some tick was
	processed uint32 // newest tick that was taken with its own input
	used      bool   // there is one
	last      []uint32
	hasLast   bool
	arriving  []uint32 // codes of the input being read
	before    []uint32 // and of the one before it
}

// NewRing keeps inputs of a schema's Input record.
func NewRing(record *snapshot.Record) *Ring {
	n := record.Fields()
	return &Ring{rows: newRows(record), last: make([]uint32, n), arriving: make([]uint32, n), before: make([]uint32, n)}
}

// Receive adds the inputs of an INPUT frame. clientTick is the tick of the newest of them, serverTick the tick that
// will be taken next. The body is checked before anything is kept. Error: ErrMalformed.
func (r *Ring) Receive(body []byte, clientTick, serverTick uint32) error {
	var in bits.Reader
	in.Reset(body)
	count := uint32(in.Read(3)) + 1
	if uint64(count) > uint64(clientTick)+1 || !r.check(in, count) {
		r.Counters.Malformed++
		return ErrMalformed
	}
	for i := range count {
		r.read(&in, i == 0)
		r.keep(clientTick-(count-1-i), serverTick, r.arriving)
	}
	return nil
}

// check reads count inputs from a copy of the reader and keeps none.
func (r *Ring) check(in bits.Reader, count uint32) bool {
	for i := range count {
		if !r.read(&in, i == 0) {
			return false
		}
	}
	return in.Done()
}

// read moves arriving one input on.
func (r *Ring) read(in *bits.Reader, first bool) bool {
	if first {
		return r.record.Read(in, r.arriving)
	}
	copy(r.before, r.arriving)
	return r.record.ReadDelta(in, r.before, r.arriving)
}

// Add adds the input of a tick, the struct at p, as if it had arrived: for bots in the match and replays.
func (r *Ring) Add(tick, serverTick uint32, p unsafe.Pointer) {
	r.record.Quantize(p, r.arriving)
	r.keep(tick, serverTick, r.arriving)
}

func (r *Ring) keep(tick, serverTick uint32, codes []uint32) {
	if r.taken {
		serverTick = max(serverTick, r.next)
	}
	switch {
	case r.has(tick):
		r.Counters.Duplicate++
		return
	case tick < serverTick:
		r.Counters.Late++
		if serverTick-tick > reach {
			return
		}
		if !r.any || tick > r.newest {
			r.remember(codes)
		}
	case tick-serverTick > reach:
		r.Counters.Early++
		return
	default:
		r.Counters.Added++
	}
	copy(r.at(tick), codes)
	r.mark(tick)
	if !r.any || tick > r.newest {
		r.newest, r.any = tick, true
	}
}

// remember makes a late input the one to repeat: it is nearer to what the player does than an older one.
func (r *Ring) remember(codes []uint32) {
	copy(r.last, codes)
	r.hasLast = true
}

// Take fills the struct at into with the input of a tick. Ticks only grow.
func (r *Ring) Take(tick uint32, into unsafe.Pointer) Outcome {
	r.skip(tick)
	r.next, r.taken = tick+1, true
	outcome := Repeated
	switch {
	case r.has(tick):
		r.remember(r.at(tick))
		r.processed, r.used = tick, true
		outcome = Exact
		r.Counters.Exact++
	case r.hasLast:
		r.Counters.Repeated++
	default:
		r.Counters.Missing++
		r.record.Zero(r.last)
		outcome = Missing
	}
	r.record.Load(r.last, into)
	return outcome
}

// skip makes what came for ticks that nobody took before this one the input to repeat.
func (r *Ring) skip(tick uint32) {
	from := tick - min(tick, reach)
	if r.taken {
		from = max(from, r.next)
	}
	for ; from < tick; from++ {
		if r.has(from) {
			r.remember(r.at(from))
		}
	}
}

// Newest is the newest tick for which an input came, in time or late.
func (r *Ring) Newest() (tick uint32, ok bool) { return r.newest, r.any }

// Processed is the newest tick that was taken with its own input: the server→client tick block reports it, and the
// client sends nothing older again.
func (r *Ring) Processed() (tick uint32, ok bool) { return r.processed, r.used }
