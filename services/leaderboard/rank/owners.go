package rank

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"

	"github.com/skirmishgg/skirmish/protocol/id"
)

// owners finds entries by owner: extendible hashing. The directory's top bits of a hash name a page; a page that is full
// is split in two, so that growing never moves more than one page's worth.
type owners struct {
	entries   *slab[entry]
	seed      [2]uint64
	directory []*page // 1<<depth, several of which may be the same
	depth     int
}

// page is a table of entry numbers with linear probing, 0 where there is none.
type page struct {
	slots []uint32 // a power of two
	count int
	depth int // leading bits that all hashes here share
}

const (
	slotsMin = 8
	slotsMax = 256
)

// full leaves an eighth free, so that probing ends soon.
func (p *page) full() bool { return p.count >= len(p.slots)-len(p.slots)/8 }

func newOwners(entries *slab[entry]) owners {
	return owners{entries: entries, seed: [2]uint64{rand.Uint64(), rand.Uint64()}, directory: []*page{{slots: make([]uint32, slotsMin)}}}
}

// hash has its page in the top bits and its slot in the lowest.
func (o *owners) hash(owner *id.UUID) uint64 {
	hi, lo := bits.Mul64(binary.LittleEndian.Uint64(owner[:8])^o.seed[0], binary.LittleEndian.Uint64(owner[8:])^o.seed[1])
	hi, lo = bits.Mul64(hi^lo, 0x9e3779b97f4a7c15) // the golden ratio
	return hi ^ lo
}

func (o *owners) page(h uint64) *page { return o.directory[h>>1>>(63-o.depth)] }

func (o *owners) find(owner id.UUID) uint32 {
	h := o.hash(&owner)
	p := o.page(h)
	mask := uint64(len(p.slots) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		if n := p.slots[i]; n == 0 || o.entries.at(n).Owner == owner {
			return n
		}
	}
}

// add enters an entry whose owner is not there.
func (o *owners) add(n uint32) {
	h := o.hash(&o.entries.at(n).Owner)
	for o.page(h).full() {
		o.grow(h)
	}
	o.page(h).add(h, n)
}

func (p *page) add(h uint64, n uint32) {
	mask := uint64(len(p.slots) - 1)
	i := h & mask
	for p.slots[i] != 0 {
		i = (i + 1) & mask
	}
	p.slots[i] = n
	p.count++
}

// grow makes room in the page of a hash.
func (o *owners) grow(h uint64) {
	old := o.page(h)
	if len(old.slots) < slotsMax {
		larger := &page{slots: make([]uint32, 2*len(old.slots)), depth: old.depth}
		o.share(old, larger, larger)
		o.replace(h, old, larger, larger)
		return
	}
	if old.depth == o.depth {
		o.double()
	}
	lower := &page{slots: make([]uint32, slotsMax), depth: old.depth + 1}
	upper := &page{slots: make([]uint32, slotsMax), depth: old.depth + 1}
	o.share(old, lower, upper)
	o.replace(h, old, lower, upper)
}

// share moves a page's entries to two by the first bit that the page does not fix.
func (o *owners) share(old, lower, upper *page) {
	for _, n := range old.slots {
		if n == 0 {
			continue
		}
		h := o.hash(&o.entries.at(n).Owner)
		if h<<old.depth>>63 == 0 {
			lower.add(h, n)
		} else {
			upper.add(h, n)
		}
	}
}

// replace puts two pages where one stood, which holds h.
func (o *owners) replace(h uint64, old, lower, upper *page) {
	span := 1 << (o.depth - old.depth) // of equal directory entries
	first := int(h>>1>>(63-o.depth)) &^ (span - 1)
	for i := range span {
		o.directory[first+i] = lower
		if i >= span/2 {
			o.directory[first+i] = upper
		}
	}
}

func (o *owners) double() {
	wide := make([]*page, 0, 2*len(o.directory))
	for _, p := range o.directory {
		wide = append(wide, p, p)
	}
	o.directory, o.depth = wide, o.depth+1
}

// remove takes an owner out and closes the gap, so that probing still finds what came after it. Pages do not shrink.
func (o *owners) remove(owner id.UUID) {
	h := o.hash(&owner)
	p := o.page(h)
	mask := uint64(len(p.slots) - 1)
	gap := h & mask
	for o.entries.at(p.slots[gap]).Owner != owner {
		gap = (gap + 1) & mask
	}
	for i := (gap + 1) & mask; p.slots[i] != 0; i = (i + 1) & mask {
		home := o.hash(&o.entries.at(p.slots[i]).Owner) & mask
		if (i-home)&mask >= (i-gap)&mask {
			p.slots[gap], gap = p.slots[i], i
		}
	}
	p.slots[gap] = 0
	p.count--
}

func (o *owners) bytes() int {
	n := cap(o.directory) * 8
	for i, p := range o.directory {
		if i == 0 || p != o.directory[i-1] {
			n += cap(p.slots)*4 + 40
		}
	}
	return n
}
