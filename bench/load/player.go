package load

import (
	"time"
	"unsafe"

	"github.com/skirmishgg/skirmish/bench/arena"
	"github.com/skirmishgg/skirmish/bench/hist"
	"github.com/skirmishgg/skirmish/netcode/handshake"
	"github.com/skirmishgg/skirmish/netcode/input"
	"github.com/skirmishgg/skirmish/netcode/peer"
	"github.com/skirmishgg/skirmish/netcode/snapshot"
)

const (
	marginUnit   = 16 // margins are sixteenths of a tick
	marginLeast  = 1  // inputs come at least about a millisecond before their tick
	settleTicks  = 32 // margins that are looked at before the client's tick is moved
	staleTicks   = 16 // margins after a move that may still be of before: 125 ms of round trip at 128 Hz
	sentRing     = 64
	arriveWithin = 200 * time.Microsecond // how well the start of a tick is known from outside
)

// Player is a Body that plays recorded inputs in the arena. All players seal, open and acknowledge every datagram;
// a full one also decodes its snapshots, which the others only claim to have done.
type Player struct {
	// constant after NewPlayer
	trace  *arena.Trace
	schema *snapshot.Schema
	period time.Duration
	start  uint32 // the tick at which the trace begins; standing still before
	// owned by the generator's goroutine
	history   *input.History
	decoder   *snapshot.Decoder // nil unless full
	slot      int               // -1 until the game's Welcome
	tick      uint32
	seen      uint32 // newest snapshot
	anySeen   bool
	processed uint32 // newest input that the server has used
	anyUsed   bool
	least     int8 // margin since the last move
	samples   int
	hold      int // ticks to leave out

	// what a row wants to know
	Decoded, Broken uint64 // snapshots decoded, and those that could not be
	Checksum        func(tick uint32, v *snapshot.View)
	Latency         *hist.Hist // from sending an input to the kernel's receipt of the snapshot that shows it; nil: not measured
	sentAt          [sentRing]time.Duration
	sentTick        [sentRing]uint32
	origin          time.Duration // when tick 0 would have been seen at the earliest
}

// NewPlayer makes a player of the arena at a rate. The trace begins at tick start.
func NewPlayer(schema *snapshot.Schema, trace *arena.Trace, rate int, start uint32, full bool) *Player {
	p := &Player{
		trace: trace, schema: schema, period: time.Second / time.Duration(rate), start: start,
		history: input.NewHistory(schema.Input()), slot: -1, least: 127, origin: time.Hour,
	}
	if full {
		p.decoder = snapshot.NewDecoder(schema)
	}
	return p
}

// Joined begins two ticks ahead of the server.
func (p *Player) Joined(r *handshake.Result, _ time.Duration) { p.tick = r.ServerTick + 2 }

// Event waits for the Welcome, which says whose inputs these are.
func (p *Player) Event(data []byte) {
	var w arena.Welcome
	if p.slot < 0 && snapshot.LoadEvent(p.schema, data, &w) {
		p.slot = int(w.Slot)
	}
}

// Input is the trace's, with those before it that the server has not used.
func (p *Player) Input(dst []byte, now time.Duration) (int, peer.TickInfo) {
	p.steer()
	if p.hold > 0 {
		p.hold--
		return -1, p.info()
	}
	p.tick++
	var in arena.Input
	if p.slot >= 0 && p.tick >= p.start {
		in = p.trace.Input(p.slot, p.tick-p.start)
	}
	p.history.Put(p.tick, unsafe.Pointer(&in))
	p.sentAt[p.tick%sentRing], p.sentTick[p.tick%sentRing] = now, p.tick
	return p.history.Encode(dst, p.processed, p.anyUsed), p.info()
}

func (p *Player) info() peer.TickInfo {
	t := peer.TickInfo{Valid: true, Tick: p.tick, DecodedDelta: peer.None}
	if d := p.tick - p.seen; p.anySeen && d < peer.None {
		t.DecodedDelta = uint8(d)
	}
	return t
}

// steer moves the client's tick so that inputs arrive within the tick before theirs. The generator's clock is the
// server's, so once right it stays right.
func (p *Player) steer() {
	if p.samples < settleTicks {
		return
	}
	p.samples = 0
	switch {
	case p.least < marginLeast:
		p.tick += uint32((marginLeast - int(p.least) + marginUnit - 1) / marginUnit) // later ones of the trace are left out
		p.samples = -staleTicks
	case p.least >= marginLeast+marginUnit:
		p.hold = (int(p.least) - marginLeast) / marginUnit
		p.samples = -staleTicks
	}
	p.least = 127
}

// Snapshot notes what the server has used and shown.
func (p *Player) Snapshot(t peer.TickInfo, body []byte, stamp time.Duration) {
	if t.InputDelta != peer.None {
		if p.samples++; p.samples > 0 {
			p.least = min(p.least, t.Margin)
		}
		p.use(t.Tick-uint32(t.InputDelta), t.Tick, stamp)
	}
	if p.decoder != nil {
		v, err := p.decoder.Decode(t.Tick, t.BaselineDelta, body)
		if err != nil {
			p.Broken++
			return
		}
		p.Decoded++
		if p.Checksum != nil {
			p.Checksum(t.Tick, v)
		}
	}
	if !p.anySeen || int32(t.Tick-p.seen) > 0 {
		p.seen, p.anySeen = t.Tick, true
	}
}

// use measures an input's way when the snapshot of its own tick shows it for the first time. Inputs that came before the
// tick ahead of theirs had begun are not counted: they waited because their client sent them early.
func (p *Player) use(input, shown uint32, stamp time.Duration) {
	first := !p.anyUsed || int32(input-p.processed) > 0
	if first {
		p.processed, p.anyUsed = input, true
	}
	if p.Latency == nil {
		return
	}
	p.origin = min(p.origin, stamp-time.Duration(shown)*p.period)
	if !first || input != shown || p.sentTick[input%sentRing] != input {
		return
	}
	if sent := p.sentAt[input%sentRing]; sent >= p.origin+time.Duration(shown-1)*p.period-arriveWithin {
		p.Latency.Add(stamp - sent)
	}
}
