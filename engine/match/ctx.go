package match

import (
	"time"

	"github.com/skirmishgg/skirmish/netcode/snapshot"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// Ctx is a game's view of its match. Every method is for the match's goroutine, during a call of Game.
type Ctx struct{ m *Match }

// Tick is the tick that runs, or during Join, Leave and Receive the one that runs next. It starts at 1.
func (c *Ctx) Tick() uint32 { return c.m.tick }

// Rate is in ticks a second.
func (c *Ctx) Rate() int { return c.m.def.Rate }

// Dt is the length of a tick in seconds.
func (c *Ctx) Dt() float32 { return 1 / float32(c.m.def.Rate) }

// TicksIn is how many ticks there are in t, rounded up: a way to say "a second from now" as a tick.
func (c *Ctx) TicksIn(t time.Duration) uint32 { return c.m.def.ticksIn(t) }

// ID is the match's.
func (c *Ctx) ID() id.UUID { return c.m.id }

// Params is what the match was started with.
func (c *Ctx) Params() []byte { return c.m.params }

// Schema is the compiled schema of the definition.
func (c *Ctx) Schema() *snapshot.Schema { return c.m.schema }

// Rand is the match's own randomness: the same seed gives the same numbers.
func (c *Ctx) Rand() *Rand { return &c.m.rand }

// Players are those who have a place, by slot, whether connected or away. The slice is borrowed: it changes when one
// joins or leaves.
func (c *Ctx) Players() []*Player { return c.m.players }

// Spectators are those who only watch, by slot.
func (c *Ctx) Spectators() []*Player { return c.m.spectators }

// Kick removes p when the call into the game returns: Leave is called, his client reads why (wire.CloseKicked, as a
// rule). Kicking twice is kicking once.
func (c *Ctx) Kick(p *Player, why wire.Close) {
	if why == wire.CloseNone {
		why = wire.CloseKicked
	}
	if p.kick == wire.CloseNone {
		p.kick = why
		c.m.kicks++
	}
}

// LabelMax is the longest label, in bytes.
const LabelMax = 2048

// SetLabel says by what listings find the match: the fields of a JSON object, as a rule. A game may call it whenever it
// likes; a label that is the same costs nothing, another one is seen by listings within a second. False: it is too long, and
// the label stays what it was.
func (c *Ctx) SetLabel(text string) bool {
	if len(text) > LabelMax {
		return false
	}
	if text != c.m.label {
		c.m.label, c.m.relabelled = text, true
	}
	return true
}

// End ends the match after this tick. Its snapshot still goes out, and its events are repeated for up to a second until
// everybody has them; then clients read CloseMatchEnded.
func (c *Ctx) End() { c.m.ending = true }

// Post hands an operation of the catalogue to the services: a ring carries it away, a match never waits. number is the
// operation's, data its request as a FlatBuffers table, copied, at most PostMax bytes. on is the player on whose behalf it
// runs, with every right that server code has; nil: the server's own. False: too large, or the ring is full and
// Posts.Dropped counts it. What comes of it reaches a game that is an Answered on a later tick, in the order of posting.
func (c *Ctx) Post(number uint16, on *Player, data []byte) bool { return c.m.post(number, on, data) }
