package rank

// tree is the order: leaves hold entry numbers, nodes hold leaves or nodes and how many entries are below each. Everything
// knows its parent, so that a rank is found from below.
//
// A leaf or node that is full is split. One that has become a quarter full joins a neighbour under the same parent when
// both together are at most three quarters, so that memory follows the number of records.
type tree struct {
	b      *Board
	leaves slab[leaf]
	nodes  slab[node]
	root   uint32 // a leaf when height is 0
	height int
	count  int
}

const (
	leafMax = 64
	nodeMax = 64

	leafAppend = 56 // what a leaf keeps when it is split for an entry behind its last: boards are filled in order
)

type leaf struct {
	parent uint32 // node; 0: it is the root
	next   uint32
	count  int32
	items  [leafMax]uint32
}

type node struct {
	parent   uint32
	count    int32
	children [nodeMax]uint32
	below    [nodeMax]uint32
	keys     [nodeMax]Key // nothing below a child is before its key; the first child has none
}

func (t *tree) init(b *Board) {
	t.b = b
	t.leaves.alloc() // 0 is none
	t.root = t.leaves.alloc()
}

// nodes begin with the one that is none, too, but only a board that has grown needs any.
func (t *tree) newNode() uint32 {
	if len(t.nodes.chunks) == 0 {
		t.nodes.alloc()
	}
	return t.nodes.alloc()
}

// insert puts an entry where its key belongs.
func (t *tree) insert(n uint32) {
	k := t.b.entries.at(n).Key
	at := t.root
	for range t.height {
		nd := t.nodes.at(at)
		at = nd.children[t.childFor(nd, &k)]
	}
	l := t.leaves.at(at)
	pos := t.search(l, &k)
	if l.count == leafMax {
		keep := int32(leafMax / 2)
		if pos == leafMax {
			keep = leafAppend
		}
		right := t.splitLeaf(at, keep)
		if l = t.leaves.at(at); pos > keep {
			at, pos = right, pos-keep
			l = t.leaves.at(at)
		}
	}
	copy(l.items[pos+1:l.count+1], l.items[pos:l.count])
	l.items[pos] = n
	l.count++
	t.b.entries.at(n).leaf = at
	t.climb(at, l.parent, 1)
}

// childFor is the last child whose key is not behind k.
func (t *tree) childFor(nd *node, k *Key) int32 {
	low, high := int32(0), nd.count
	for high-low > 1 {
		mid := (low + high) / 2
		if t.b.before(k, &nd.keys[mid]) {
			high = mid
		} else {
			low = mid
		}
	}
	return low
}

// search is the first place in a leaf that is not before k.
func (t *tree) search(l *leaf, k *Key) int32 {
	low, high := int32(0), l.count
	for low < high {
		mid := (low + high) / 2
		if t.b.before(&t.b.entries.at(l.items[mid]).Key, k) {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}

// climb adds a change of what is below a child to everything above it.
func (t *tree) climb(child, parent uint32, change int32) {
	t.count += int(change)
	for parent != 0 {
		nd := t.nodes.at(parent)
		nd.below[nd.find(child)] += uint32(change)
		child, parent = parent, nd.parent
	}
}

func (nd *node) find(child uint32) int32 {
	i := int32(0)
	for nd.children[i] != child {
		i++
	}
	return i
}

// splitLeaf moves what is behind the first keep items into a new leaf.
func (t *tree) splitLeaf(at uint32, keep int32) (right uint32) {
	right = t.leaves.alloc()
	l, r := t.leaves.at(at), t.leaves.at(right)
	r.count = int32(copy(r.items[:], l.items[keep:l.count]))
	l.count = keep
	l.next, r.next = right, l.next
	t.adopt(right, r, 0)
	var key Key
	if r.count > 0 {
		key = t.b.entries.at(r.items[0]).Key
	}
	r.parent = t.addChild(l.parent, at, right, 0, key, uint32(keep), uint32(r.count))
	return right
}

// adopt tells the items of a leaf from first on where they are.
func (t *tree) adopt(at uint32, l *leaf, first int32) {
	for _, n := range l.items[first:l.count] {
		t.b.entries.at(n).leaf = at
	}
}

// addChild puts right behind left under parent, and says which node that is: it may have had to be split, or to be made.
// height is that of the children.
func (t *tree) addChild(parent, left, right uint32, height int, key Key, leftBelow, rightBelow uint32) uint32 {
	if parent == 0 {
		parent = t.newNode()
		nd := t.nodes.at(parent)
		nd.count, nd.children[0], nd.below[0] = 1, left, leftBelow
		t.setParent(left, height, parent)
		t.root, t.height = parent, height+1
	} else if t.nodes.at(parent).count == nodeMax {
		parent = t.splitNode(parent, left, height+1)
	}
	nd := t.nodes.at(parent)
	i := nd.find(left) + 1
	copy(nd.children[i+1:nd.count+1], nd.children[i:nd.count])
	copy(nd.below[i+1:nd.count+1], nd.below[i:nd.count])
	copy(nd.keys[i+1:nd.count+1], nd.keys[i:nd.count])
	nd.children[i], nd.below[i], nd.keys[i] = right, rightBelow, key
	nd.below[i-1] = leftBelow
	nd.count++
	return parent
}

func (t *tree) setParent(child uint32, height int, parent uint32) {
	if height == 0 {
		t.leaves.at(child).parent = parent
	} else {
		t.nodes.at(child).parent = parent
	}
}

// splitNode moves the second half of a node into a new one, and says which of both has child now.
func (t *tree) splitNode(at, child uint32, height int) uint32 {
	keep := int32(nodeMax / 2)
	if t.nodes.at(at).children[nodeMax-1] == child {
		keep = nodeMax - nodeMax/8
	}
	right := t.newNode()
	l, r := t.nodes.at(at), t.nodes.at(right)
	r.count = l.count - keep
	copy(r.children[:], l.children[keep:])
	copy(r.below[:], l.below[keep:])
	copy(r.keys[:], l.keys[keep:])
	l.count = keep
	rightBelow := t.reparent(right, height-1, 0)
	leftBelow := uint32(0)
	for _, n := range l.below[:l.count] {
		leftBelow += n
	}
	parent := t.addChild(l.parent, at, right, height, r.keys[0], leftBelow, rightBelow)
	l, r = t.nodes.at(at), t.nodes.at(right)
	r.parent = parent
	for _, c := range l.children[:l.count] {
		if c == child {
			return at
		}
	}
	return right
}

// reparent tells the children of a node from first on where they are, and adds up what is below those.
func (t *tree) reparent(at uint32, height int, first int32) (below uint32) {
	nd := t.nodes.at(at)
	for i := first; i < nd.count; i++ {
		t.setParent(nd.children[i], height, at)
		below += nd.below[i]
	}
	return below
}

// take removes an entry from the order.
func (t *tree) take(n uint32) {
	at := t.b.entries.at(n).leaf
	l := t.leaves.at(at)
	pos := l.find(n)
	copy(l.items[pos:], l.items[pos+1:l.count])
	l.count--
	t.climb(at, l.parent, -1)
	if l.count <= leafMax/4 && l.parent != 0 {
		t.joinLeaf(at, l.parent)
	}
}

func (l *leaf) find(n uint32) int32 {
	i := int32(0)
	for l.items[i] != n {
		i++
	}
	return i
}

// joinLeaf puts a leaf together with a neighbour, if one has room.
func (t *tree) joinLeaf(at, parent uint32) {
	nd := t.nodes.at(parent)
	left := t.pair(nd, nd.find(at), func(a, b uint32) bool {
		return t.leaves.at(a).count+t.leaves.at(b).count <= leafMax*3/4
	})
	if left < 0 {
		return
	}
	into, from := nd.children[left], nd.children[left+1]
	l, r := t.leaves.at(into), t.leaves.at(from)
	had := l.count
	l.count += int32(copy(l.items[had:], r.items[:r.count]))
	l.next = r.next
	t.adopt(into, l, had)
	t.leaves.release(from)
	t.removeChild(parent, left+1, 1)
}

// pair is the first of two children, one of which is at i, that fit together; -1: none do.
func (t *tree) pair(nd *node, i int32, fit func(a, b uint32) bool) int32 {
	if i+1 < nd.count && fit(nd.children[i], nd.children[i+1]) {
		return i
	}
	if i > 0 && fit(nd.children[i-1], nd.children[i]) {
		return i - 1
	}
	return -1
}

// removeChild closes the gap of a child, never the first, that was joined to the one before it. height is the node's.
func (t *tree) removeChild(at uint32, i int32, height int) {
	nd := t.nodes.at(at)
	nd.below[i-1] += nd.below[i]
	copy(nd.children[i:], nd.children[i+1:nd.count])
	copy(nd.below[i:], nd.below[i+1:nd.count])
	copy(nd.keys[i:], nd.keys[i+1:nd.count])
	nd.count--
	switch {
	case nd.parent != 0 && nd.count <= nodeMax/4:
		t.joinNode(at, nd.parent, height)
	case nd.parent == 0 && nd.count == 1:
		t.root, t.height = nd.children[0], t.height-1
		t.setParent(t.root, t.height, 0)
		t.nodes.release(at)
	}
}

func (t *tree) joinNode(at, parent uint32, height int) {
	up := t.nodes.at(parent)
	left := t.pair(up, up.find(at), func(a, b uint32) bool {
		return t.nodes.at(a).count+t.nodes.at(b).count <= nodeMax*3/4
	})
	if left < 0 {
		return
	}
	into, from := up.children[left], up.children[left+1]
	l, r := t.nodes.at(into), t.nodes.at(from)
	had := l.count
	copy(l.children[had:], r.children[:r.count])
	copy(l.below[had:], r.below[:r.count])
	copy(l.keys[had:], r.keys[:r.count])
	l.keys[had] = up.keys[left+1]
	l.count += r.count
	t.reparent(into, height-1, had)
	t.nodes.release(from)
	t.removeChild(parent, left+1, height+1)
}

// place is how many entries are before one.
func (t *tree) place(n uint32) int {
	at := t.b.entries.at(n).leaf
	l := t.leaves.at(at)
	before := int(l.find(n))
	for child, parent := at, l.parent; parent != 0; {
		nd := t.nodes.at(parent)
		for i := 0; nd.children[i] != child; i++ {
			before += int(nd.below[i])
		}
		child, parent = parent, nd.parent
	}
	return before
}

// from yields the entries in order, from a place on, while there are any.
func (t *tree) from(place int, yield func(n uint32) bool) {
	at, left := t.root, uint32(place)
	for range t.height {
		nd := t.nodes.at(at)
		i := 0
		for left >= nd.below[i] {
			left -= nd.below[i]
			i++
		}
		at = nd.children[i]
	}
	for pos := int(left); at != 0; pos = 0 {
		l := t.leaves.at(at)
		for ; pos < int(l.count); pos++ {
			if !yield(l.items[pos]) {
				return
			}
		}
		at = l.next
	}
}
