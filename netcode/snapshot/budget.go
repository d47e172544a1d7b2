package snapshot

import (
	bitcount "math/bits"
	"slices"

	"github.com/skirmishgg/skirmish/netcode/bits"
)

// budget decides who goes first when not all fit. Whoever waits gains its kind's priority each tick, so everybody's
// turn comes; nothing is kept while everything fits.
type budget struct {
	gained  []uint32 // by id, since it was last sent
	waiting bool     // some gained is not zero
	queue   []uint64 // this tick's candidates, gained<<16 | 0xFFFF-id, the last one first
}

func (b *budget) init(s *Schema) {
	b.gained = make([]uint32, s.entities)
	b.queue = make([]uint64, 0, s.entities)
}

// settle forgets who waited: everything was sent.
func (b *budget) settle() {
	if b.waiting {
		clear(b.gained)
		b.waiting = false
	}
}

const (
	removalGain = 4       // times the priority: short, and a ghost is worse than a stutter
	gainedMax   = 1 << 30 // far beyond what anybody waits
	overhead    = 4       // bits that one more entity may cost in runs; a guess, corrected below
)

// choose writes into out, over dst, what fits of the candidates that compare found, leaving in due, born and deferred
// what became of them. False: nothing fits, not even nobody.
func (v *Viewer) choose(out *bits.Writer, dst []byte, age int, owner ID) bool {
	b := &v.budget
	b.waiting = true
	b.queue = b.queue[:0]
	for i := range v.due {
		for set := v.due[i] | v.born[i]; set != 0; set &= set - 1 {
			v.enqueue(i<<6|bitcount.TrailingZeros64(set), owner)
		}
		v.deferred[i] = v.due[i]
		v.due[i], v.born[i] = 0, 0
	}
	slices.Sort(b.queue)
	out.Reset(dst)
	v.write(out, age, true)
	room := len(dst)*8 - out.Len()
	first := len(b.queue) // of the chosen
	for first > 0 && room >= 0 {
		first--
		id := idOf(b.queue[first])
		room -= v.sizeOf(id, age) + overhead
		v.take(id, age)
	}
	for {
		out.Reset(dst)
		v.write(out, age, true)
		if !out.Overflow() {
			break
		}
		if first == len(b.queue) {
			return false
		}
		for range max(1, (len(b.queue)-first)/16) {
			v.giveBack(idOf(b.queue[first]), age)
			first++
		}
	}
	for _, key := range b.queue[first:] {
		b.gained[idOf(key)] = 0
	}
	v.Counters.Deferred += uint64(first)
	return true
}

func (v *Viewer) enqueue(id int, owner ID) {
	b := &v.budget
	gain := v.w.s.kinds[v.w.s.kindOf[id]].prio
	if has(v.gone, id) {
		gain *= removalGain
	}
	b.gained[id] = min(b.gained[id]+gain, gainedMax)
	key := uint64(b.gained[id])
	if id == int(owner) {
		key = gainedMax + 1
	}
	b.queue = append(b.queue, key<<16|uint64(0xFFFF-id))
}

func idOf(key uint64) int { return 0xFFFF - int(key&0xFFFF) }

func (v *Viewer) take(id, age int) {
	if age > 0 && has(v.deferred, id) {
		remove(v.deferred, id)
		add(v.due, id)
		return
	}
	add(v.born, id)
}

func (v *Viewer) giveBack(id, age int) {
	if age > 0 && has(v.due, id) {
		remove(v.due, id)
		add(v.deferred, id)
		return
	}
	remove(v.born, id)
}

// sizeOf is the bits of a candidate.
func (v *Viewer) sizeOf(id, age int) int {
	switch {
	case age == 0 || !has(v.deferred, id):
		return int(v.w.created(id).n)
	case !has(v.special, id):
		return int(v.w.changes(id, age).n)
	}
	var out bits.Writer // has no room and counts
	v.writeSpecial(&out, id, age)
	return out.Len()
}
