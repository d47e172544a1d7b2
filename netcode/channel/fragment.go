package channel

import (
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// PieceMax is the most of a frame that one fragment carries: 1,200 less 23 header and tag, 8 acks, 5 tick, 5 fragment,
// and 59 spare.
const PieceMax = 1100

// FragmentedMax is the largest frame that can travel in pieces.
const FragmentedMax = wire.MaxFragments * PieceMax

// reorderMax is how many ids behind the newest a piece counts as late. It is small, so that a sender whose last 200
// frames were all lost is not taken for one from the past.
const reorderMax = 32

// Assembly puts a fragmented frame together. Only the newest id is kept: a frame whose piece was lost is overtaken by
// the next one, as everything unreliable. The zero value is ready; its buffer, 17 KB, is made by the first fragment.
type Assembly struct {
	buf   []byte // FragmentedMax
	any   bool
	done  bool // the frame of id was handed out
	id    uint8
	count uint8
	got   uint16
	last  uint16 // size of the last piece; all others are full
}

// Add takes one piece. whole is the frame when this was the last missing one, valid until the next Add.
// ok is false when the piece contradicts itself or the pieces before it.
func (a *Assembly) Add(id, index, count uint8, piece []byte) (whole []byte, ok bool) {
	if index >= count || count > wire.MaxFragments || len(piece) == 0 || len(piece) > PieceMax {
		return nil, false
	}
	if index < count-1 && len(piece) != PieceMax {
		return nil, false // all but the last are full, so that a piece's place follows from its index
	}
	switch {
	case a.any && id == a.id:
		if count != a.count {
			return nil, false
		}
	case a.any && a.id-id <= reorderMax:
		return nil, true // of a frame that was overtaken
	default:
		if a.buf == nil {
			a.buf = make([]byte, FragmentedMax)
		}
		a.any, a.done, a.id, a.count, a.got = true, false, id, count, 0
	}
	if a.done || a.got>>index&1 != 0 {
		return nil, true
	}
	a.got |= 1 << index
	if index == count-1 {
		a.last = uint16(len(piece))
	}
	copy(a.buf[int(index)*PieceMax:], piece)
	if int(a.got) != 1<<count-1 {
		return nil, true
	}
	a.done = true
	return a.buf[:int(count-1)*PieceMax+int(a.last)], true
}

// Pieces is how many fragments a frame of n bytes takes; 0 when it is too large or empty.
func Pieces(n int) int {
	p := (n + PieceMax - 1) / PieceMax
	if p > wire.MaxFragments {
		return 0
	}
	return p
}

// Restart forgets the frame under construction and its id.
func (a *Assembly) Restart() { a.any = false }
