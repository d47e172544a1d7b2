package channel

import (
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// Assembly puts a fragmented frame together. Only the newest id is kept: a frame whose piece was lost is overtaken by
// the next one, as everything unreliable. The zero value is ready; its buffer is made by the first fragment.
type Assembly struct {
	buf   []byte // wire.MaxFragments pieces of pieceMax
	id    uint8
	live  bool
	count uint8
	got   uint16
	sizes [wire.MaxFragments]uint16
}

// PieceMax is the most of a frame that one fragment carries.
const PieceMax = 1100

// Add takes one piece. whole is the frame when this was the last missing one, valid until the next Add.
// ok is false when the piece contradicts itself or the pieces before it.
func (a *Assembly) Add(id, index, count uint8, piece []byte) (whole []byte, ok bool) {
	if index >= count || count > wire.MaxFragments || len(piece) == 0 || len(piece) > PieceMax {
		return nil, false
	}
	if a.live && id != a.id && int8(id-a.id) < 0 {
		return nil, true // of a frame that was overtaken
	}
	if !a.live || id != a.id {
		if a.buf == nil {
			a.buf = make([]byte, wire.MaxFragments*PieceMax)
		}
		a.live, a.id, a.count, a.got = true, id, count, 0
	}
	if count != a.count || (index < count-1 && len(piece) != PieceMax) {
		return nil, false // all but the last are full, so that a piece's place follows from its index
	}
	if a.got>>index&1 != 0 {
		return nil, true
	}
	a.got |= 1 << index
	a.sizes[index] = uint16(len(piece))
	copy(a.buf[int(index)*PieceMax:], piece)
	if a.got != 1<<count-1 {
		return nil, true
	}
	a.got = 0
	return a.buf[:int(count-1)*PieceMax+int(a.sizes[count-1])], true
}

// Pieces is how many fragments a frame of n bytes takes; 0 when it is too large or empty.
func Pieces(n int) int {
	p := (n + PieceMax - 1) / PieceMax
	if p > wire.MaxFragments {
		return 0
	}
	return p
}
