package snapshot

import (
	"math/bits"

	bitstring "github.com/skirmishgg/skirmish/netcode/bits"
)

// stats is what World counts while it codes, for one kind and one span of ages, and makes the next model from.
type stats struct {
	samples uint32 // deltas coded
	ticks   uint32 // in which they were
	nextAt  uint32 // tick at which the model is looked at again
	looks   uint32 // how often it was

	seen   [seenMax]seen // usual ones drift to the front
	count  int
	spread [][classes]uint32 // by field: nonzero residuals by the bit length of |r|-1
}

type seen struct{ mask, count uint32 }

const (
	seenMax = 32
	classes = codedBitsMax + 1

	learnEvery   = 32  // least ticks between versions of a model, so that 4 slots outlive the 64 ticks of baselines
	learnSlower  = 4   // times that this doubles: counts fill, and games do not change so often
	learnSamples = 24  // fewer say nothing
	horizon      = 512 // ticks over which a new model must earn what it costs to send
	escapeBits   = 9   // what a mask costs more without a place in the model, about
)

// add counts one delta.
func (s *stats) add(r *Record, mask uint32, residuals *[FieldsMax]int32) {
	s.addMask(mask)
	for i := range r.fields {
		if mask>>i&1 != 0 {
			s.addResidual(i, residuals[i])
		}
	}
}

func (s *stats) addMask(mask uint32) {
	s.samples++
	for i := range s.seen[:s.count] {
		if s.seen[i].mask != mask {
			continue
		}
		s.seen[i].count++
		if i > 0 && s.seen[i].count > s.seen[i-1].count {
			s.seen[i], s.seen[i-1] = s.seen[i-1], s.seen[i]
		}
		return
	}
	if s.count < seenMax {
		s.count++
	}
	s.seen[s.count-1] = seen{mask, 1} // when full the last, rarest one makes room
}

func (s *stats) addResidual(field int, r int32) {
	u := uint32(max(r, -r)) - 1 // of a field of 32 bits that went half way round r is its own negative; it is raw anyway
	s.spread[field][min(bits.Len32(u), classes-1)]++
}

// improve makes the model that fits the counts and reports whether changing to it pays: what it saves within the
// horizon is more than twice what it costs to send it until it is acknowledged.
func (s *stats) improve(r *Record, span int, now, next *model) bool {
	*next = model{}
	carried := 2 + int64(1)<<span // snapshots that bring it along until one is acknowledged, about
	price := 2 * carried * int64(max(s.ticks, 1))
	s.chooseMasks(r, price, next)
	s.chooseOrders(r, now, next)
	saved := int64(s.cost(r, now)) - int64(s.cost(r, next))
	return saved*horizon > price*int64(next.size(r))
}

// age halves the counts, so that the past fades.
func (s *stats) age() {
	s.samples /= 2
	s.ticks /= 2
	for i := range s.seen[:s.count] {
		s.seen[i].count /= 2
	}
	for s.count > 0 && s.seen[s.count-1].count == 0 {
		s.count--
	}
	for i := range s.spread {
		for c := range s.spread[i] {
			s.spread[i][c] /= 2
		}
	}
}

// chooseMasks takes the masks that are usual enough to earn their place, and gives them and escape the lengths of a
// Huffman code. price: what a bit of the model must save, see improve.
func (s *stats) chooseMasks(r *Record, price int64, m *model) {
	s.sortSeen()
	var weights [masksMax + 1]uint32
	rest := s.samples
	for _, entry := range s.seen[:s.count] {
		if m.count == masksMax || int64(entry.count)*escapeBits*horizon <= price*int64(len(r.fields)+3) {
			break
		}
		m.masks[m.count], weights[m.count] = entry.mask, entry.count
		m.count++
		rest -= min(rest, entry.count)
	}
	weights[m.count] = rest + 1
	if m.count > 0 {
		huffman(weights[:m.count+1], m.lengths[:m.count+1])
	}
	m.assign()
}

// sortSeen sorts by count, the most usual first; equal ones stay. Nearly sorted already.
func (s *stats) sortSeen() {
	for i := 1; i < s.count; i++ {
		for j := i; j > 0 && s.seen[j].count > s.seen[j-1].count; j-- {
			s.seen[j], s.seen[j-1] = s.seen[j-1], s.seen[j]
		}
	}
}

// huffman gives each weight a code length of at most codeMax; weights is used up. Two weights at least.
func huffman(weights []uint32, lengths []uint8) {
	for {
		longest := uint8(0)
		for i, n := range huffmanDepths(weights) {
			if i < len(lengths) {
				lengths[i] = n
				longest = max(longest, n)
			}
		}
		if longest <= codeMax {
			return
		}
		for i := range weights { // flatter
			weights[i] = weights[i]/2 + 1
		}
	}
}

func huffmanDepths(weights []uint32) (depths [masksMax + 1]uint8) {
	var tree [2*masksMax + 1]struct {
		weight uint64
		parent int
	}
	n := len(weights)
	for i, w := range weights {
		tree[i].weight = uint64(w)
	}
	for ; n < 2*len(weights)-1; n++ {
		a, b := -1, -1 // lightest two without a parent
		for i := range tree[:n] {
			switch {
			case tree[i].parent != 0:
			case a < 0 || tree[i].weight < tree[a].weight:
				a, b = i, a
			case b < 0 || tree[i].weight < tree[b].weight:
				b = i
			}
		}
		tree[n].weight = tree[a].weight + tree[b].weight
		tree[a].parent, tree[b].parent = n, n
	}
	for i := range weights {
		for at := i; tree[at].parent != 0; at = tree[at].parent {
			depths[i]++
		}
	}
	return depths
}

// chooseOrders takes the cheapest code of each field; a field that never changed keeps the one it has.
func (s *stats) chooseOrders(r *Record, now, m *model) {
	for i := range r.fields {
		m.orders[i] = now.orders[i]
		best := s.fieldCost(r, i, m.orders[i])
		for order := uint8(0); order <= orderRaw; order++ {
			if cost := s.fieldCost(r, i, order); cost < best {
				best, m.orders[i] = cost, order
			}
		}
	}
}

// fieldCost is the bits of the counted residuals of a field with an order.
func (s *stats) fieldCost(r *Record, field int, order uint8) (sum uint64) {
	f := &r.fields[field]
	if f.implied() || f.raw() {
		return 0 // no order is sent
	}
	for class, n := range s.spread[field] {
		if n == 0 {
			continue
		}
		bitsEach := uint(f.bits)
		if order != orderRaw {
			bitsEach = 1 + bitstring.GolombLen(middle(class), uint(order))
		}
		sum += uint64(n) * uint64(bitsEach)
	}
	return sum
}

// middle is a number in the middle of those with a bit length.
func middle(class int) uint64 {
	if class < 2 {
		return uint64(class)
	}
	return 3 << (class - 2)
}

// cost is the bits of everything counted with a model.
func (s *stats) cost(r *Record, m *model) (sum uint64) {
	escapes := s.samples
	for _, entry := range s.seen[:s.count] {
		if sym := m.find(entry.mask); sym < m.count {
			sum += uint64(entry.count) * uint64(m.lengths[sym])
			escapes -= min(escapes, entry.count)
		}
	}
	sum += uint64(escapes) * uint64(int(m.lengths[m.count])+1+len(r.components)+len(r.fields)/2)
	for i := range r.fields {
		sum += s.fieldCost(r, i, m.orders[i])
	}
	return sum
}
