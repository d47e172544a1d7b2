package snapshot

import (
	"math/bits"

	bitstring "github.com/skirmishgg/skirmish/netcode/bits"
)

// A set of entities is a bitset over ids: bit id&63 of word id>>6. All sets of a schema have the same length.

func has(set []uint64, id int) bool { return set[id>>6]>>(id&63)&1 != 0 }

func add(set []uint64, id int) { set[id>>6] |= 1 << (id & 63) }

func remove(set []uint64, id int) { set[id>>6] &^= 1 << (id & 63) }

// next is the least member not below from, or -1.
func next(set []uint64, from int) int {
	for i := from >> 6; i < len(set); i++ {
		word := set[i]
		if i == from>>6 {
			word &= ^uint64(0) << (from & 63)
		}
		if word != 0 {
			return i<<6 | bits.TrailingZeros64(word)
		}
	}
	return -1
}

// count is how many members are in [from, to).
func count(set []uint64, from, to int) (n int) {
	for i := from >> 6; i <= (to-1)>>6 && from < to; i++ {
		word := set[i]
		if i == from>>6 {
			word &= ^uint64(0) << (from & 63)
		}
		if i == to>>6 {
			word &= 1<<(to&63) - 1
		}
		n += bits.OnesCount64(word)
	}
	return n
}

// A subset of a universe that both ends know travels as runs: the members of the universe in order are skipped and
// taken in turn.
//
//	Golomb(runs, 0) · per run: Golomb(skip, 0) · Golomb(taken-1, 1) · [what belongs to each taken]
//
// skip of the first run counts from the first member, of later ones from one behind the last run, whose end is known
// to be skipped.
const (
	orderRuns  = 0
	orderSkip  = 0
	orderTaken = 1
)

// runs walks the runs of a subset. Both sets are borrowed; the subset must lie within the universe.
type runs struct {
	universe, subset []uint64
	from             int // where to look for the next run
}

// number is how many runs there are.
func (r runs) number() (n int) {
	for {
		if _, _, _, _, ok := r.next(); !ok {
			return n
		}
		n++
	}
}

// next is the next run: its members are the subset's from first to before end.
func (r *runs) next() (first, end, skip, taken int, ok bool) {
	first = next(r.subset, r.from)
	if first < 0 {
		return 0, 0, 0, 0, false
	}
	skip = count(r.universe, r.from, first)
	if end = nextOutside(r.universe, r.subset, first); end < 0 {
		end = len(r.subset) << 6
	}
	taken = count(r.subset, first, end)
	r.from = end + 1
	return first, end, skip, taken, true
}

// nextOutside is the least member of universe, not of subset, not below from; or -1.
func nextOutside(universe, subset []uint64, from int) int {
	for i := from >> 6; i < len(universe); i++ {
		word := universe[i] &^ subset[i]
		if i == from>>6 {
			word &= ^uint64(0) << (from & 63)
		}
		if word != 0 {
			return i<<6 | bits.TrailingZeros64(word)
		}
	}
	return -1
}

func writeRun(w *bitstring.Writer, skip, taken int) {
	w.Golomb(uint64(skip), orderSkip)
	w.Golomb(uint64(taken-1), orderTaken)
}
