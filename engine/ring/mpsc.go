package ring

import "sync/atomic"

// MPSC is a bounded queue from many goroutines to one. Each producer's own order is kept; producers interleave.
//
// Dmitry Vyukov's bounded queue: every slot carries a sequence that says whose turn it is. For lap L of slot i
// it is L*capacity+i while free, one more once written. Producers compete with one compare-and-swap; the consumer
// writes plainly. A producer that is suspended between its claim and its write hides what others pushed behind it
// until it runs again; their wake-ups come after their pushes, its own comes after its write, so nothing is
// missed for good.
type MPSC[T any] struct {
	// constant after NewMPSC
	slots []mpscSlot[T]
	mask  uint64
	_     [cacheLine]byte

	// any producer
	tail atomic.Uint64
	_    [cacheLine]byte

	// owned by the consumer; Len reads it
	head atomic.Uint64
	_    [cacheLine]byte
}

// mpscSlot keeps its turn less its own place, so that a fresh ring is all zeros: memory that nobody has to touch until
// it is used.
type mpscSlot[T any] struct {
	turn  atomic.Uint64
	value T
}

// NewMPSC returns a ring for capacity values, rounded up to a power of two of at least 2 (with one slot a written
// slot and a free one of the next lap would carry the same sequence). It panics if capacity is below 1.
func NewMPSC[T any](capacity int) *MPSC[T] {
	n := max(roundUp(capacity), 2)
	return &MPSC[T]{slots: make([]mpscSlot[T], n), mask: uint64(n - 1)}
}

// TryPush appends v and reports whether there was room. Any goroutine.
func (r *MPSC[T]) TryPush(v T) bool {
	tail := r.tail.Load()
	for {
		place := tail & r.mask
		slot := &r.slots[place]
		switch lead := int64(slot.turn.Load() + place - tail); {
		case lead == 0:
			if r.tail.CompareAndSwap(tail, tail+1) {
				slot.value = v
				slot.turn.Store(tail + 1 - place)
				return true
			}
			tail = r.tail.Load()
		case lead < 0: // still holds a value of the lap before
			return false
		default: // another producer was here first
			tail = r.tail.Load()
		}
	}
}

// TryPop takes the oldest value; false when there is none. Consumer only.
func (r *MPSC[T]) TryPop() (v T, ok bool) {
	head := r.head.Load()
	place := head & r.mask
	slot := &r.slots[place]
	if slot.turn.Load()+place != head+1 {
		return v, false
	}
	v = slot.value
	var zero T
	slot.value = zero
	slot.turn.Store(head + r.mask + 1 - place)
	r.head.Store(head + 1)
	return v, true
}

// Len is a recent number of waiting values, for metrics and load figures.
func (r *MPSC[T]) Len() int {
	head := r.head.Load()
	return int(min(r.tail.Load()-head, r.mask+1))
}

// Cap is the number of values that fit.
func (r *MPSC[T]) Cap() int { return len(r.slots) }
