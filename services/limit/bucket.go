package limit

import (
	"hash/maphash"
	"math/bits"
	"sync"
	"time"
)

// Rule is a token bucket: Burst tokens at first, refilled at Rate a second, never more than Burst.
type Rule struct {
	Rate  float64 // tokens a second
	Burst int
}

// cost is a Rule in nanoseconds: what one token is worth, and how far a bucket may be overdrawn.
type cost struct{ token, slack int64 }

func (r Rule) cost() cost {
	token := int64(float64(time.Second) / r.Rate)
	return cost{token, token * int64(r.Burst-1)}
}

// Buckets are the token buckets of many keys in constant memory. A bucket is one number: the time at which it will be
// full again, so an idle one needs no refilling, and one that is full needs no memory.
//
//	hash of the key → set of 8 slots, 32 B each, behind one of 256 locks
//
// When all slots of a set are taken, the new key gets the one that is full or will be soonest: a full one loses nothing,
// otherwise the key that owes least is let off. Many strangers at once make the limits milder, never wrong for others.
type Buckets struct {
	seed  maphash.Seed // random, so that nobody can aim at another's set
	mask  uint64
	sets  []set
	locks [locks]lock
}

const (
	ways  = 8
	locks = 256
)

// Key names a bucket: 16 bytes of a user id or an address, and what the limit is about.
type Key struct {
	Who  [16]byte
	What uint32
}

type slot struct {
	key    Key
	fullAt int64 // ns on the caller's clock; 0 with a zero key: never used
}

type set [ways]slot

type lock struct {
	sync.Mutex
	_ [56]byte // a cache line each
}

// NewBuckets has room for at least capacity keys; 32 bytes each, taken from the system when first used.
func NewBuckets(capacity int) *Buckets {
	sets := 1 << bits.Len(uint(max(capacity, ways)-1)/ways)
	return &Buckets{seed: maphash.MakeSeed(), mask: uint64(sets - 1), sets: make([]set, sets)}
}

// take takes a token of key's bucket at now, which is in ns and never goes far back, or says how long until there is
// one. Allocates nothing.
func (b *Buckets) take(k Key, c cost, now int64) (wait time.Duration, ok bool) {
	n := maphash.Comparable(b.seed, k) & b.mask
	mu := &b.locks[n%locks]
	mu.Lock()
	defer mu.Unlock()
	s := b.sets[n].slot(k)
	fullAt := max(s.fullAt, now)
	if over := fullAt - now - c.slack; over > 0 {
		return time.Duration(over), false
	}
	s.fullAt = fullAt + c.token
	return 0, true
}

// slot is k's, or the one it takes over.
func (s *set) slot(k Key) *slot {
	free := &s[0]
	for i := range s {
		if s[i].key == k {
			return &s[i]
		}
		if s[i].fullAt < free.fullAt {
			free = &s[i]
		}
	}
	*free = slot{key: k}
	return free
}
