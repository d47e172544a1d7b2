// Package rewind remembers where entities were, so that a server can judge a shot by what the shooter saw.
//
//	server, each tick      Begin(tick) ── Put, Put … for each entity, as its snapshot shows it
//	server, at a shot      At(what the shooter saw, target)
//
// How far back it looks is fixed when it is made, 200 ms by default above: beyond that the favour to the shooter, who
// sees the past, is an injustice to the target, who is long behind the wall.
//
// One match's goroutine owns a History. Nothing is allocated after New, and nothing here can fail: a tick out of reach is
// the nearest one in reach.
package rewind

// History is a ring of ticks, each with the values of all slots.
type History[T any] struct {
	// constant after New
	slots int
	mask  uint32
	back  uint32

	newest uint32
	count  uint32 // ticks remembered, at most back+1
	rows   []T
	gens   []uint16 // by row: generation+1, 0 for nobody
}

// New makes a history of slots values that looks back the given number of ticks from the newest.
func New[T any](slots int, back uint32) *History[T] {
	size := uint32(1)
	for size < back+1 {
		size *= 2
	}
	n := int(size) * slots
	return &History[T]{slots: slots, mask: size - 1, back: back, rows: make([]T, n), gens: make([]uint16, n)}
}

// Begin starts a tick with nobody in it. Ticks follow each other; any other tick forgets all before it.
func (h *History[T]) Begin(tick uint32) {
	if h.count > 0 && tick != h.newest+1 {
		h.count = 0
	}
	h.newest = tick
	h.count = min(h.count+1, h.back+1)
	first := h.row(tick, 0)
	clear(h.gens[first : first+h.slots])
}

// Put records the value of a slot in the tick begun last; gen tells one owner of the slot from the next.
func (h *History[T]) Put(slot int, gen uint8, v *T) {
	i := h.row(h.newest, slot)
	h.rows[i], h.gens[i] = *v, uint16(gen)+1
}

// At is the value of a slot at a tick; before the first one remembered it is the first, after the newest the newest. nil
// when the slot was free then, or another's. Borrowed until that tick is overwritten.
func (h *History[T]) At(tick uint32, slot int, gen uint8) *T {
	if h.count == 0 || uint(slot) >= uint(h.slots) {
		return nil
	}
	i := h.row(h.Clamp(tick), slot)
	if h.gens[i] != uint16(gen)+1 {
		return nil
	}
	return &h.rows[i]
}

// Clamp is the tick that At looks at for a tick: the nearest one remembered.
func (h *History[T]) Clamp(tick uint32) uint32 {
	age := int32(h.newest - tick)
	return h.newest - uint32(min(max(age, 0), int32(h.count)-1))
}

func (h *History[T]) row(tick uint32, slot int) int { return int(tick&h.mask)*h.slots + slot }
