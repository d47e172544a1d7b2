package arena

import (
	"encoding/binary"
	"errors"
	"hash/fnv"

	"github.com/skirmishgg/skirmish/engine/match"
	"github.com/skirmishgg/skirmish/netcode/snapshot"
)

// Trace is the inputs of some players over some ticks, recorded once and played in every benchmark: everybody alive,
// moving and turning in at least four ticks of five, with a shot a second, in a peaceful arena.
//
//	"SKTR" · u8 version 1 · u8 players · u16 rate · u32 ticks · inputs of 3 bytes, player by player within a tick:
//	u16 yaw | fire<<10 | alt<<11 · u8 (moveX+1) | (moveY+1)<<2
type Trace struct {
	Players, Rate int
	inputs        []Input
}

// NewTrace makes a trace. The same arguments make the same one, everywhere.
func NewTrace(players, rate, ticks int, seed uint64) *Trace {
	t := &Trace{Players: players, Rate: rate, inputs: make([]Input, players*ticks)}
	walkers := make([]walker, players)
	for p := range walkers {
		walkers[p].rand = match.NewRand(seed + uint64(p)*7919)
		walkers[p].yaw = walkers[p].rand.IntN(1024)
	}
	for tick := range ticks {
		for p := range walkers {
			t.inputs[tick*players+p] = walkers[p].next(tick, rate, p)
		}
	}
	return t
}

// walker runs in straight legs of a third to one second, looks about all the time, and shoots once a second.
type walker struct {
	rand         match.Rand
	moveX, moveY int8
	leg          int // ticks until the next one
	yaw, turn    int // in 1/1024
}

func (w *walker) next(tick, rate, player int) Input {
	if w.leg--; w.leg <= 0 {
		w.leg = rate/3 + w.rand.IntN(2*rate/3)
		for w.moveX, w.moveY = 0, 0; w.moveX == 0 && w.moveY == 0; {
			w.moveX, w.moveY = int8(w.rand.IntN(3)-1), int8(w.rand.IntN(3)-1)
		}
	}
	if w.rand.IntN(rate/6+1) == 0 || w.turn == 0 {
		w.turn = w.rand.IntN(1200/rate+8) - (1200/rate+8)/2
	}
	w.yaw = (w.yaw + w.turn + w.rand.IntN(3) - 1) & 1023
	return Input{MoveX: w.moveX, MoveY: w.moveY, Yaw: float32(w.yaw) / 1024, Fire: (tick+player*7)%rate == 0}
}

// Ticks is how many ticks the trace has.
func (t *Trace) Ticks() int { return len(t.inputs) / t.Players }

// Input is what a player does at a tick; the trace repeats itself.
func (t *Trace) Input(player int, tick uint32) Input {
	return t.inputs[int(tick)%t.Ticks()*t.Players+player%t.Players]
}

const (
	traceMagic  = "SKTR"
	traceHeader = 4 + 1 + 1 + 2 + 4
	traceInput  = 3
)

// Marshal is the trace as a file.
func (t *Trace) Marshal() []byte {
	b := append([]byte(traceMagic), 1, byte(t.Players))
	b = binary.LittleEndian.AppendUint16(b, uint16(t.Rate))
	b = binary.LittleEndian.AppendUint32(b, uint32(t.Ticks()))
	for _, in := range t.inputs {
		w := uint16(in.Yaw * 1024)
		if in.Fire {
			w |= 1 << 10
		}
		if in.Alt {
			w |= 1 << 11
		}
		b = append(binary.LittleEndian.AppendUint16(b, w), byte(in.MoveX+1)|byte(in.MoveY+1)<<2)
	}
	return b
}

var errTrace = errors.New("arena: not a trace file")

// ParseTrace reads what Marshal wrote.
func ParseTrace(b []byte) (*Trace, error) {
	if len(b) < traceHeader || string(b[:4]) != traceMagic || b[4] != 1 || b[5] == 0 {
		return nil, errTrace
	}
	t := &Trace{Players: int(b[5]), Rate: int(binary.LittleEndian.Uint16(b[6:]))}
	n := int64(binary.LittleEndian.Uint32(b[8:])) * int64(t.Players)
	if b = b[traceHeader:]; n == 0 || int64(len(b)) != n*traceInput || t.Rate == 0 {
		return nil, errTrace
	}
	for ; len(b) > 0; b = b[traceInput:] {
		w := binary.LittleEndian.Uint16(b)
		in := Input{Yaw: float32(w&1023) / 1024, Fire: w>>10&1 != 0, Alt: w>>11&1 != 0, MoveX: int8(b[2]&3) - 1, MoveY: int8(b[2]>>2&3) - 1}
		if w>>12 != 0 || b[2]>>4 != 0 || in.MoveX > 1 || in.MoveY > 1 {
			return nil, errTrace
		}
		t.inputs = append(t.inputs, in)
	}
	return t, nil
}

// Checksum is one number for everything that a view or a world shows: equal at server and client when the client's
// decoded state is the server's quantised state. row gives the codes of an entity.
func Checksum(schema *snapshot.Schema, has func(snapshot.ID) bool, row func(snapshot.ID) []uint32) uint64 {
	h := fnv.New64a()
	var b [4]byte
	for id := range snapshot.ID(schema.Cap()) {
		if !has(id) {
			continue
		}
		binary.LittleEndian.PutUint16(b[:], uint16(id))
		h.Write(b[:2])
		for _, code := range row(id) {
			binary.LittleEndian.PutUint32(b[:], code)
			h.Write(b[:])
		}
	}
	return h.Sum64()
}
