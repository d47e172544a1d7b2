package ring

import "sync/atomic"

// cacheLine keeps what the two sides write apart. 128: x86 prefetches lines in pairs, Apple's arm64 has 128-byte lines.
const cacheLine = 128

// SPSC is a bounded queue from one goroutine to another. Order is kept.
//
// Each side keeps the last index it saw of the other, so that a ring that is neither full nor empty costs no
// cache miss: indices are re-read only when the old reading would say full or empty.
type SPSC[T any] struct {
	// constant after NewSPSC
	slots []T
	mask  uint64
	_     [cacheLine]byte

	// owned by the consumer
	head     atomic.Uint64 // values popped so far
	tailSeen uint64
	_        [cacheLine]byte

	// owned by the producer
	tail     atomic.Uint64 // values pushed so far
	headSeen uint64
	_        [cacheLine]byte
}

// NewSPSC returns a ring for capacity values, rounded up to a power of two. It panics if capacity is below 1.
func NewSPSC[T any](capacity int) *SPSC[T] {
	n := roundUp(capacity)
	return &SPSC[T]{slots: make([]T, n), mask: uint64(n - 1)}
}

// TryPush appends v and reports whether there was room. Producer only.
func (r *SPSC[T]) TryPush(v T) bool {
	tail := r.tail.Load()
	if tail-r.headSeen > r.mask {
		r.headSeen = r.head.Load()
		if tail-r.headSeen > r.mask {
			return false
		}
	}
	r.slots[tail&r.mask] = v
	r.tail.Store(tail + 1)
	return true
}

// TryPop takes the oldest value; false when there is none. Consumer only.
func (r *SPSC[T]) TryPop() (v T, ok bool) {
	head := r.head.Load()
	if head == r.tailSeen {
		r.tailSeen = r.tail.Load()
		if head == r.tailSeen {
			return v, false
		}
	}
	slot := &r.slots[head&r.mask]
	v = *slot
	var zero T
	*slot = zero // a popped pointer must not keep its object alive for another lap
	r.head.Store(head + 1)
	return v, true
}

// Len is the number of waiting values: exact for the two owners while the other rests, else a recent value.
func (r *SPSC[T]) Len() int {
	head := r.head.Load() // first, so that the difference is never negative
	return int(min(r.tail.Load()-head, r.mask+1))
}

// Cap is the number of values that fit.
func (r *SPSC[T]) Cap() int { return len(r.slots) }

// roundUp gives the power of two at or above n.
func roundUp(n int) int {
	if n < 1 || n > 1<<30 {
		panic("ring: capacity out of range")
	}
	size := 1
	for size < n {
		size <<= 1
	}
	return size
}
