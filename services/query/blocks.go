package query

import "slices"

// ref is a document in an Index: its place in the order of all in the upper bits, its slot in the lower ones. Places are
// never used again, so a list of refs in their order is a list of documents in theirs.
type ref uint64

const (
	slotBits = 24 // 16 M documents at a time
	slotMask = 1<<slotBits - 1
	placeMax = 1<<(64-slotBits) - 1 // 10^12 documents one after the other: more than three years of 10,000 a second

	noRef = ^ref(0) // is beyond all
)

func (r ref) slot() uint32                { return uint32(r & slotMask) }
func (r ref) before(s ref) bool           { return r < s }
func refOf(place uint64, slot uint32) ref { return ref(place<<slotBits | uint64(slot)) }

// point is a number or a date of a document.
type point struct {
	key uint64
	ref ref
}

func (p point) before(q point) bool { return p.key < q.key || p.key == q.key && p.ref < q.ref }

// blocks is a set in order. It is kept in short pieces, so that to add or remove moves little, however large it is. The
// zero value is empty.
type blocks[T ordered[T]] struct {
	list  [][]T // none is empty
	count int
}

type ordered[T any] interface {
	comparable
	before(T) bool
}

const blockMax = 256 // of 8 or 16 bytes: a move takes less time than to find the place

// position is where an element is in blocks, or would be.
type position struct{ block, index int }

// seek is where the first element is that is not before e, looking from a position on. Behind the last: block is
// len(list).
func (b *blocks[T]) seek(e T, from position) position {
	low, high := from.block, len(b.list)
	if low < high && !b.list[low][len(b.list[low])-1].before(e) {
		high = low // most steps of a walk stay in the block
	}
	for low < high {
		middle := int(uint(low+high) >> 1)
		if block := b.list[middle]; block[len(block)-1].before(e) {
			low = middle + 1
		} else {
			high = middle
		}
	}
	if low == len(b.list) {
		return position{low, 0}
	}
	block, i := b.list[low], 0
	if low == from.block {
		if i = from.index; !block[i].before(e) {
			return from
		}
	}
	for end := len(block); i < end; {
		middle := int(uint(i+end) >> 1)
		if block[middle].before(e) {
			i = middle + 1
		} else {
			end = middle
		}
	}
	return position{low, i}
}

// add puts e in; it must not be there.
func (b *blocks[T]) add(e T) {
	b.count++
	at := b.seek(e, position{})
	if at.block == len(b.list) { // behind all
		if last := at.block - 1; last >= 0 && len(b.list[last]) < blockMax {
			b.list[last] = append(b.list[last], e)
		} else {
			b.list = append(b.list, append([]T(nil), e))
		}
		return
	}
	block := b.list[at.block]
	switch {
	case len(block) < blockMax:
		b.list[at.block] = slices.Insert(block, at.index, e)
	case at == position{}: // before all
		b.list = slices.Insert(b.list, 0, append([]T(nil), e))
	default:
		const half = blockMax / 2
		right := slices.Clone(block[half:])
		left := block[:half:half]
		if at.index < half {
			left = slices.Insert(left, at.index, e)
		} else {
			right = slices.Insert(right, at.index-half, e)
		}
		b.list[at.block] = left
		b.list = slices.Insert(b.list, at.block+1, right)
	}
}

// remove takes e out; it must be there.
func (b *blocks[T]) remove(e T) {
	b.count--
	at := b.seek(e, position{})
	block := slices.Delete(b.list[at.block], at.index, at.index+1)
	b.list[at.block] = block
	if len(block) == 0 {
		b.list = slices.Delete(b.list, at.block, at.block+1)
	} else if !b.merge(at.block) && at.block > 0 {
		b.merge(at.block - 1)
	}
}

// merge makes one of a block and the next when both are rather empty, and leaves room in it.
func (b *blocks[T]) merge(left int) bool {
	right := left + 1
	if right == len(b.list) || len(b.list[left])+len(b.list[right]) > blockMax/2 {
		return false
	}
	b.list[left] = append(b.list[left], b.list[right]...)
	b.list = slices.Delete(b.list, right, right+1)
	return true
}

// between is how many elements there are from one position to a later one.
func (b *blocks[T]) between(from, to position) int {
	if from.block == to.block {
		return to.index - from.index
	}
	n := len(b.list[from.block]) - from.index + to.index
	for _, block := range b.list[from.block+1 : to.block] {
		n += len(block)
	}
	return n
}
