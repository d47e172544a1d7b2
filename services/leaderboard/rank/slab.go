package rank

import "unsafe"

// slab is numbered memory that never moves more than one small chunk, however large it grows.
type slab[T any] struct {
	chunks [][]T // all but the last are full; the first grows by doubling
	free   []uint32
}

const chunkBits, chunkSize = 10, 1 << 10

// at is valid until the next alloc.
func (s *slab[T]) at(n uint32) *T { return &s.chunks[n>>chunkBits][n&(chunkSize-1)] }

func (s *slab[T]) alloc() uint32 {
	if last := len(s.free) - 1; last >= 0 {
		n := s.free[last]
		s.free = s.free[:last]
		return n
	}
	last := len(s.chunks) - 1
	if last < 0 || len(s.chunks[last]) == chunkSize {
		size := chunkSize
		if last < 0 {
			size = 2
		}
		s.chunks = append(s.chunks, make([]T, 0, size))
		last++
	}
	c := s.chunks[last]
	if len(c) == cap(c) {
		larger := make([]T, len(c), min(2*cap(c), chunkSize))
		copy(larger, c)
		c = larger
	}
	s.chunks[last] = c[:len(c)+1]
	return uint32(last<<chunkBits | len(c))
}

func (s *slab[T]) release(n uint32) {
	var zero T
	*s.at(n) = zero
	s.free = append(s.free, n)
}

func (s *slab[T]) bytes() int {
	var t T
	n := cap(s.free) * 4
	for _, c := range s.chunks {
		n += cap(c) * int(unsafe.Sizeof(t))
	}
	return n
}
