package arena

import (
	"bytes"
	"time"

	"github.com/skirmishgg/skirmish/engine/match"
)

// Rate is ticks per second of the arena; RateFast is the same game at 128.
const (
	Rate     = 60
	RateFast = 128
)

// Body moves. Positions are metres from the map's corner, velocities metres per second.
type Body struct {
	X  float32 `snap:"quant=1/256,min=0,max=63.99609375,rate=VX"` // 14 bits; the last quantum is in a wall
	Y  float32 `snap:"quant=1/256,min=0,max=63.99609375,rate=VY"`
	VX float32 `snap:"quant=1/32,min=-32,max=32"`
	VY float32 `snap:"quant=1/32,min=-32,max=32"`
}

// Aim is where a player looks, in turns: 0 along x, a quarter along y.
type Aim struct {
	Yaw float32 `snap:"bits=10,min=0,max=1,wrap"`
}

// Vitals keep a player alive.
type Vitals struct {
	Alive   bool  `snap:""`
	Health  uint8 `snap:"bits=7"`
	Armor   uint8 `snap:"bits=7"`
	Rockets uint8 `snap:"bits=5"`
}

// Score is a player's record.
type Score struct {
	Team   uint8  `snap:"bits=1"`
	Kills  uint16 `snap:"bits=10"`
	Deaths uint16 `snap:"bits=10"`
}

// Player is somebody in the arena.
type Player struct {
	Body
	Aim
	Vitals
	Score
	Slot uint8 `snap:"bits=5,prio=3"` // of the match: names come with Named

	respawn uint32 // tick
	reload  uint32 // tick
}

// Rocket flies until it meets something.
type Rocket struct {
	Body
	Owner uint8 `snap:"bits=5,prio=2"` // slot
	Team  uint8 `snap:"bits=1"`

	dies uint32 // tick
}

// Pickup lies around, or comes back after a while.
type Pickup struct {
	X, Y  float32 `snap:"quant=1/2,min=0,max=64"`
	What  uint8   `snap:"bits=2"`
	Ready bool    `snap:""`

	returns uint32 // tick
}

// What a pickup is.
const (
	PickupHealth = iota
	PickupArmor
	PickupRockets
)

// Round is the state of the game as a whole.
type Round struct {
	Left   uint16 `snap:"bits=9"` // seconds
	Red    uint16 `snap:"bits=8"`
	Blue   uint16 `snap:"bits=8"`
	Number uint16 `snap:"bits=10"`
}

// Input is what a player does in a tick.
type Input struct {
	MoveX int8    `snap:"min=-1,max=1"`
	MoveY int8    `snap:"min=-1,max=1"`
	Yaw   float32 `snap:"bits=10,min=0,max=1,wrap"`
	Fire  bool    `snap:""`
	Alt   bool    `snap:""`       // rocket
	Shown uint8   `snap:"bits=6"` // ticks between this input's and the world that was on the player's screen
}

// Welcome tells a player which seat is theirs: the entity of the player kind at that slot.
type Welcome struct {
	Slot uint8 `snap:"bits=5"`
}

// Named says who has a seat: sent to everybody when it is taken, and of all seats to whoever comes. Text is UTF-8, cut to
// its length, and zeros.
type Named struct {
	Slot uint8     `snap:"bits=5"`
	Text [16]uint8 `snap:""`
}

// String is the name.
func (n *Named) String() string { return string(bytes.TrimRight(n.Text[:], "\x00")) }

// Shot is a rail's trace, for the eye: it is sent once and may be lost.
type Shot struct {
	By     uint8   `snap:"bits=5"`
	X, Y   float32 `snap:"quant=1/16,min=0,max=64"`
	TX, TY float32 `snap:"quant=1/16,min=0,max=64"`
	Hit    bool    `snap:""`
}

// Blast is a rocket's end, for the eye.
type Blast struct {
	X, Y float32 `snap:"quant=1/16,min=0,max=64"`
}

// Kill says who killed whom.
type Kill struct {
	By, Of uint8 `snap:"bits=5"`
	Rocket bool  `snap:""`
}

// Taken says who took a pickup.
type Taken struct {
	By   uint8 `snap:"bits=5"`
	What uint8 `snap:"bits=2"`
}

// RoundEnd says how a round ended; Winner is a team, or 2 for a draw.
type RoundEnd struct {
	Winner uint8 `snap:"bits=2"`
}

// Capacities of the entity kinds.
const (
	PlayersMax = 16
	rocketsMax = 20
	pickupsMax = 12
)

// Definition is the arena at a rate, for a number of players up to PlayersMax.
func Definition(rate int) match.Definition {
	return match.Definition{
		Name: name(rate), Rate: rate, MaxPlayers: PlayersMax, MaxSpectators: 8, Rewind: 200 * time.Millisecond,
		Schema: match.Schema[Input](match.Kind[Player](PlayersMax), match.Kind[Rocket](rocketsMax), match.Kind[Pickup](pickupsMax), match.Kind[Round](1),
			match.Event[Welcome](), match.Event[Named](),
			match.Event[Shot](), match.Event[Blast](), match.Event[Kill](), match.Event[Taken](), match.Event[RoundEnd]()),
		New: func() match.Game { return &Game{} },
	}
}

func name(rate int) string {
	if rate == Rate {
		return "arena"
	}
	return "arena-fast"
}
