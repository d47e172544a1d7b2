// Package rank keeps the order of one board's records, so that every rank is exact at every moment.
//
// Three structures over one slab of entries, all of them flat memory without pointers, which the garbage collector does
// not look into:
//
//	owners   hash of the owner → entry            5-8 B a record
//	entries  score, subscore, owner, version, leaf   48 B
//	tree     counted B+ tree of entry numbers       5-8 B: leaves of up to 64, nodes that know how many are below
//
//	rank of an owner:   owner → entry → its leaf: the place in it, then up, adding what lies to the left. No comparison.
//	record at a rank:   down from the root, by the counts
//	a new score:        out of one leaf, into another
//
// A record comes with the sequence of the commit that wrote it. Callbacks of two commits may arrive in the wrong order;
// what is older than what is held is ignored.
package rank

import (
	"bytes"
	"cmp"
	"sync"

	"github.com/skirmishgg/skirmish/protocol/id"
)

// Key is where a record stands: by score, subscore and owner, all in the board's direction. No two are equal.
type Key struct {
	Score, Subscore int64
	Owner           id.UUID
}

// Compare is negative when k ranks above c.
func (k *Key) Compare(c *Key, descending bool) int {
	if descending {
		k, c = c, k
	}
	return cmp.Or(cmp.Compare(k.Score, c.Score), cmp.Compare(k.Subscore, c.Subscore), bytes.Compare(k.Owner[:], c.Owner[:]))
}

// Board ranks the records of one period. Any goroutine may use it.
type Board struct {
	// constant after New
	descending bool

	mu      sync.RWMutex
	entries slab[entry]
	owners  owners
	removed removed
	tree
}

// entry is a record. Number 0 is none.
type entry struct {
	Key
	version uint64
	leaf    uint32
}

// New is an empty board; descending: the highest score has rank 1.
func New(descending bool) *Board {
	b := &Board{descending: descending}
	b.entries.alloc() // the one that is none
	b.owners = newOwners(&b.entries)
	b.tree.init(b)
	return b
}

// before reports whether a ranks above c.
func (b *Board) before(a, c *Key) bool {
	if b.descending {
		a, c = c, a
	}
	if a.Score != c.Score {
		return a.Score < c.Score
	}
	if a.Subscore != c.Subscore {
		return a.Subscore < c.Subscore
	}
	return bytes.Compare(a.Owner[:], c.Owner[:]) < 0
}

// Set enters a record, or moves it, unless something newer than version is known of its owner.
func (b *Board) Set(k Key, version uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if version >= b.version(k.Owner) {
		b.set(k, version)
	}
}

// Remove takes an owner's record out, under the same terms.
func (b *Board) Remove(owner id.UUID, version uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if version >= b.version(owner) {
		b.remove(owner, version)
	}
}

// Version is the newest that is known of an owner; 0: nothing.
func (b *Board) Version(owner id.UUID) uint64 {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.version(owner)
}

// Settle enters what was found in the store, nil for nothing, unless something was heard of the owner since Version said
// version.
func (b *Board) Settle(owner id.UUID, found *Key, version uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.version(owner) != version:
	case found != nil:
		b.set(*found, version)
	default:
		b.remove(owner, version)
	}
}

func (b *Board) version(owner id.UUID) uint64 {
	if n := b.owners.find(owner); n != 0 {
		return b.entries.at(n).version
	}
	return b.removed.version(owner)
}

func (b *Board) set(k Key, version uint64) {
	n := b.owners.find(k.Owner)
	switch {
	case n == 0:
		n = b.entries.alloc()
		*b.entries.at(n) = entry{Key: k}
		b.owners.add(n)
		b.insert(n)
		b.removed.forget(k.Owner)
	case b.entries.at(n).Key != k:
		b.take(n)
		b.entries.at(n).Key = k
		b.insert(n)
	}
	b.entries.at(n).version = version
}

func (b *Board) remove(owner id.UUID, version uint64) {
	if n := b.owners.find(owner); n != 0 {
		b.take(n)
		b.owners.remove(owner)
		b.entries.release(n)
	}
	b.removed.add(owner, version)
}

// Rank is an owner's place, from 1.
func (b *Board) Rank(owner id.UUID) (rank int, ok bool) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	n := b.owners.find(owner)
	if n == 0 {
		return 0, false
	}
	return b.place(n) + 1, true
}

// Len is how many records there are.
func (b *Board) Len() int {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.count
}

// At is the record with a rank.
func (b *Board) At(rank int) (k Key, ok bool) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if rank < 1 || rank > b.count {
		return k, false
	}
	b.from(rank-1, func(n uint32) bool { k = b.entries.at(n).Key; return false })
	return k, true
}

// Around appends to dst the records around an owner: of those ranks that window picks, given the owner's and the number
// of all, both within 1 to count. rank is the owner's; 0: it has none.
func (b *Board) Around(dst []Key, owner id.UUID, window func(rank, count int) (first, last int)) (keys []Key, first, rank, count int) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	n := b.owners.find(owner)
	if n == 0 {
		return dst, 0, 0, b.count
	}
	rank = b.place(n) + 1
	first, last := window(rank, b.count)
	left := last - first + 1
	b.from(first-1, func(n uint32) bool {
		dst = append(dst, b.entries.at(n).Key)
		left--
		return left > 0
	})
	return dst, first, rank, b.count
}

// Bytes is the memory that the board holds.
func (b *Board) Bytes() int {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.entries.bytes() + b.owners.bytes() + b.leaves.bytes() + b.nodes.bytes() + b.removed.bytes()
}

// removed remembers the versions of records that are gone, so that an older commit does not bring them back. It holds the
// last ones only, in two halves of which the older is dropped when the younger is full.
type removed struct{ young, old map[id.UUID]uint64 }

// removedMax is more than the commits that can be under way at once // batches of 512 in 8 lanes
const removedMax = 4096

func (r *removed) version(owner id.UUID) uint64 { return max(r.young[owner], r.old[owner]) }

func (r *removed) add(owner id.UUID, version uint64) {
	if len(r.young) >= removedMax {
		r.young, r.old = nil, r.young
	}
	if r.young == nil {
		r.young = map[id.UUID]uint64{}
	}
	r.young[owner] = version
}

func (r *removed) forget(owner id.UUID) {
	delete(r.young, owner)
	delete(r.old, owner)
}

func (r *removed) bytes() int { return (len(r.young) + len(r.old)) * 40 }
