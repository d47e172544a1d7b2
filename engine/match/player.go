package match

import (
	"time"
	"unsafe"

	"github.com/skirmishgg/skirmish/netcode/input"
	"github.com/skirmishgg/skirmish/netcode/snapshot"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// Player is somebody's place in a match.
//
//	         Join               connection lost             Grace is over
//	(free) ───────> connected ─────────────────> away ──────────────────> Leave, (free)
//	                    │  ^                       │
//	                    │  └─── same user joins ───┘  Return
//	                    └ left, kicked: Leave, (free)
//
// When the same user joins while connected, the new connection replaces the old one (CloseReplaced) in the same place.
// Games read the exported fields and set Entity and Focus; the engine owns the rest. Valid from Join until Leave
// returns; the memory is used again for the next player of the slot.
type Player struct {
	// written by the engine
	Slot      int // players: 0 to MaxPlayers-1; spectators follow. The lowest free one; free again after Leave
	UserID    id.UUID
	Username  string
	Data      []byte // game data of the connect token, at most 256 bytes
	Spectator bool   // only watches: has no input and no grace
	Connected bool

	// written by the game
	Entity ID // his own entity, NoID at first: always fits into the budget first

	// owned by Match
	seated  bool
	link    Link
	input   unsafe.Pointer // *I of this tick
	inputs  *input.Ring
	viewer  *snapshot.Viewer
	away    uint32 // tick since which he is not connected
	starved int    // ticks without a fresh input
	kick    wire.Close

	// what his client said
	acked   uint32 // newest snapshot it decoded
	hasAck  bool
	seen    *[seenTicks]seen // by input tick; nil: has no inputs
	seenNow uint32           // of the input of this tick
	margin  int8             // how early the newest input came, in 1/16 tick
}

// Link is a player's connection as the match uses it. engine/shard has the one over UDP.
type Link interface {
	SendEvent(ch uint8, data []byte) error
	SendUnreliable(ch uint8, data []byte) error
	SendStream(ch uint8, data []byte) error
	// Close ends the connection with a reason that its client reads. The match forgets the link.
	Close(why wire.Close)
}

// NullLink is a connection to nobody, for players without one.
type NullLink struct{}

// SendEvent and the others throw away what they get.
func (NullLink) SendEvent(uint8, []byte) error      { return nil }
func (NullLink) SendUnreliable(uint8, []byte) error { return nil }
func (NullLink) SendStream(uint8, []byte) error     { return nil }
func (NullLink) Close(wire.Close)                   {}

// seen says which snapshot the client had decoded when it made the input of a tick.
type seen struct{ tick, snapshot uint32 }

// seenTicks bounds how far an input may be ahead of its tick and still say what its player saw.
const seenTicks = 64

// Input is what p does in this tick: the input for it, or while it is missing the newest one before it, for at most a
// quarter of a second; then, and for who is away or only watches, the zero input. I is the schema's input.
func Input[I any](p *Player) *I { return (*I)(p.input) }

// SeenTick is the newest snapshot that p's client had decoded when it made the input of this tick, at most
// Definition.Rewind ago: what he aimed at was no newer. Clients show other entities later by their interpolation delay;
// a game that wants the exact moment lets the input say it. Then: Store.At.
func (p *Player) SeenTick() uint32 { return p.seenNow }

// InputEarly is how early p's newest input came, measured at its tick's start. Negative: late.
func (p *Player) InputEarly(rate int) time.Duration {
	return time.Duration(p.margin) * time.Second / time.Duration(16*rate)
}
