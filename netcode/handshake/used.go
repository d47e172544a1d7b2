package handshake

import (
	"encoding/binary"
	"time"

	"github.com/skirmishgg/skirmish/protocol/wire"
)

// usedSpan is longer than any token that a server takes can still live, so at any time living tokens expire in this
// span or in the next one.
const usedSpan = int64((wire.TokenLifetime + wire.ClockSkew) / time.Second) // s

// used remembers tokens that were used, until they expire. Two generations take turns, one for each span of expiry
// times: when a span is over its generation is cleared whole, so that nothing is ever deleted one by one. Entries are
// 40 B; a generation holds up to 3/4 of its slots, then doubles, up to its limit: full, and the server says it is busy.
type used struct {
	slotsMax    int
	generations [2][]usedToken
	counts      [2]int
	span        int64 // newest span seen; only ever grows
}

const usedSlotsFirst = 4096 // a quiet server's tokens; a table of its largest size would cost it 10 MB

type usedToken struct {
	tag   [wire.TagSize]byte // of the private half: different for every token
	who   uint64             // hash of the address and both randoms of the RESPONSE that used it
	route uint64             // what the server's owner noted about it
	taken bool
}

type usedAnswer uint8

const (
	usedNew   usedAnswer = iota // first time; recorded now
	usedAgain                   // the same RESPONSE as before
	usedOther                   // by another RESPONSE
	usedFull                    // no room to record it
	usedLate                    // expired; nothing recorded
)

// newUsed makes room for at least max tokens per span.
func newUsed(max int) *used {
	slots := 16
	for slots*3/4 < max {
		slots *= 2
	}
	first := min(slots, usedSlotsFirst)
	return &used{slotsMax: slots, generations: [2][]usedToken{make([]usedToken, first), make([]usedToken, first)}}
}

// use looks a token up and records it when it is new. The entry is valid until the next call.
func (u *used) use(tag []byte, expiry uint64, who uint64, wall time.Time) (*usedToken, usedAnswer) {
	now := wall.Unix()
	if span := now / usedSpan; span > u.span {
		if span-u.span > 1 {
			u.forget(0)
			u.forget(1)
		} else {
			u.forget(int((span + 1) % 2)) // held the span that is over, and is for the next one from now on
		}
		u.span = span
	}
	if expiry > uint64(now+usedSpan) || int64(expiry)/usedSpan < u.span || int64(expiry)/usedSpan > u.span+1 {
		return nil, usedLate
	}
	g := int(int64(expiry) / usedSpan % 2)
	if len(u.generations[g]) < u.slotsMax && u.counts[g] >= len(u.generations[g])/4*3 {
		u.grow(g)
	}
	slots := u.generations[g]
	mask := uint64(len(slots) - 1)
	// Nobody but the holder of the token key chooses tags, so they are their own hash.
	i := binary.LittleEndian.Uint64(tag) & mask
	for ; slots[i].taken; i = (i + 1) & mask {
		if slots[i].tag != [wire.TagSize]byte(tag) {
			continue
		}
		if slots[i].who == who {
			return &slots[i], usedAgain
		}
		return nil, usedOther
	}
	switch {
	case now >= int64(expiry):
		return nil, usedLate
	case u.counts[g] >= len(slots)/4*3:
		return nil, usedFull
	}
	u.counts[g]++
	slots[i] = usedToken{tag: [wire.TagSize]byte(tag), who: who, taken: true}
	return &slots[i], usedNew
}

// grow doubles a generation: at the largest size 3 ms, once.
func (u *used) grow(g int) {
	old := u.generations[g]
	slots := make([]usedToken, 2*len(old))
	mask := uint64(len(slots) - 1)
	for _, e := range old {
		if !e.taken {
			continue
		}
		i := binary.LittleEndian.Uint64(e.tag[:]) & mask
		for slots[i].taken {
			i = (i + 1) & mask
		}
		slots[i] = e
	}
	u.generations[g] = slots
}

func (u *used) forget(g int) {
	if u.counts[g] == 0 {
		return // clear as it is
	}
	clear(u.generations[g])
	u.counts[g] = 0
}
