package session

import (
	"crypto/rand"
	"crypto/sha1"
	"encoding/binary"
	"sync/atomic"
	"time"

	"github.com/skirmishgg/skirmish/protocol/id"
)

// gregorian is the start of the version 1 clock, 15 October 1582, in its ticks of 100 ns before 1970.
const gregorian = 0x01b21dd213814000

var (
	lastTick      atomic.Uint64 // of any id of this process, so that no two are equal
	clockSequence = func() (b [2]byte) { _, _ = rand.Read(b[:]); return b }()
)

// NewID makes the id of a connection: a version 1 UUID whose node part is the start of SHA-1 of the node's name, so that
// every node can tell whose connection it is. Any goroutine may call it.
func NewID(node string) id.UUID {
	var tick uint64
	for {
		last := lastTick.Load()
		tick = max(uint64(time.Now().UnixNano()/100+gregorian), last+1)
		if lastTick.CompareAndSwap(last, tick) {
			break
		}
	}
	var u id.UUID
	binary.BigEndian.PutUint32(u[0:], uint32(tick))
	binary.BigEndian.PutUint16(u[4:], uint16(tick>>32))
	binary.BigEndian.PutUint16(u[6:], uint16(tick>>48)&0x0fff|0x1000)
	u[8] = clockSequence[0]&0x3f | 0x80
	u[9] = clockSequence[1]
	sum := sha1.Sum([]byte(node))
	copy(u[10:], sum[:6])
	return u
}
