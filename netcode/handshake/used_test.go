package handshake

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"
)

// Against a map that never forgets: a token that a living server could still take is never new twice, and the table
// never holds more than it was made for.
func TestUsedModel(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	u := newUsed(2000)
	type entry struct{ expiry, who, route uint64 }
	seen := map[[16]byte]entry{}
	var tags [][16]byte
	full := 0
	now := int64(2_000_000_000)
	for i := range 300_000 {
		if r.IntN(120) == 0 {
			now++
		}
		if r.IntN(50_000) == 0 {
			now += 1000
		}
		wall := time.Unix(now, 0)
		var tag [16]byte
		if len(tags) > 0 && r.IntN(3) == 0 {
			tag = tags[len(tags)-1-r.IntN(min(len(tags), 3000))]
		} else {
			binary.LittleEndian.PutUint64(tag[:], r.Uint64())
		}
		e, known := seen[tag]
		if !known {
			e = entry{uint64(now) + r.Uint64N(61), r.Uint64N(3), r.Uint64()}
		}
		who := r.Uint64N(3)
		got, answer := u.use(tag[:], e.expiry, who, wall)
		switch {
		case known && answer == usedNew:
			t.Fatalf("step %d: a token is new twice", i)
		case known && uint64(now) < e.expiry && answer != usedAgain && answer != usedOther:
			t.Fatalf("step %d: a living token is forgotten: %d", i, answer)
		case known && answer == usedAgain && (who != e.who || got.route != e.route):
			t.Fatalf("step %d: again, by another", i)
		case known && answer == usedOther && who == e.who:
			t.Fatalf("step %d: other, by the same", i)
		case !known && uint64(now) >= e.expiry && answer != usedLate:
			t.Fatalf("step %d: an expired token is %d", i, answer)
		case !known && answer == usedFull:
			full++
		case !known && answer == usedNew:
			got.route = e.route
			seen[tag] = entry{e.expiry, who, e.route}
			tags = append(tags, tag)
		}
	}
	for g, slots := range u.generations {
		if len(slots) != 4096 || u.counts[g] > 3072 {
			t.Errorf("generation %d: %d of %d", g, u.counts[g], len(slots))
		}
	}
	if full == 0 || len(seen) < 10_000 {
		t.Fatalf("%d tokens, %d times full: the test does not reach what it is about", len(seen), full)
	}
}

// A clock that is set back makes tokens late at worst, never new again.
func TestUsedClockBack(t *testing.T) {
	u := newUsed(1)
	tag := make([]byte, 16)
	now := time.Unix(2_000_000_000, 0)
	expiry := uint64(now.Unix() + 30)
	if _, answer := u.use(tag, expiry, 1, now); answer != usedNew {
		t.Fatal(answer)
	}
	u.use(make([]byte, 16), expiry+120, 1, now.Add(120*time.Second)) // forgotten by now
	if _, answer := u.use(tag, expiry, 2, now); answer != usedLate {
		t.Fatal(answer)
	}
}
