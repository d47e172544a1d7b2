package demo

import (
	"encoding/json"
	"strconv"
	"time"
)

// Scene is what does not change during a match. Lengths are in the game's units, the origin is at the top left of what
// the page draws and y grows downwards.
type Scene struct {
	Name    string   `json:"name"`
	Rate    int      `json:"rate"` // ticks a second
	MinX    float32  `json:"minX"`
	MinY    float32  `json:"minY"`
	MaxX    float32  `json:"maxX"`
	MaxY    float32  `json:"maxY"`
	Radius  float32  `json:"radius"` // of a player
	Walls   []Rect   `json:"walls"`
	Teams   []string `json:"teams"`
	Weapons []string `json:"weapons"` // verbs of the kill feed, by Event.How: "railed"
}

// Rect is a wall.
type Rect struct {
	X float32 `json:"x"`
	Y float32 `json:"y"`
	W float32 `json:"w"`
	H float32 `json:"h"`
}

// Frame is what the spectator saw at one tick.
type Frame struct {
	Tick        uint32
	Players     []Player
	Projectiles []Projectile
	Pickups     []Pickup
	Events      []Event // since the frame before
	Round       Round
}

// Round is the state of the game as a whole.
type Round struct {
	Number, Left uint16   // Left in seconds
	Points       []uint16 // of the teams
}

// Player is one player as seen by the spectator.
type Player struct {
	ID            uint16
	Team          uint8
	Alive         bool
	X, Y, Angle   float32 // radians, 0 to the right, clockwise on the page
	Health, Armor float32 // 0 to 1
	Kills, Deaths uint16
}

// Projectile is something that flies.
type Projectile struct {
	ID         uint32 // not used again soon
	Kind, Team uint8
	X, Y       float32
}

// Pickup lies around; Ready says that it can be taken now.
type Pickup struct {
	ID    uint16
	Kind  uint8
	X, Y  float32
	Ready bool
}

// EventKind says which fields of an Event count.
type EventKind uint8

const (
	EventShot  EventKind = iota + 1 // By; from X, Y to ToX, ToY; Hit
	EventKill                       // By killed Of, with How; By == Of: an accident
	EventBlast                      // at X, Y, ToX is the radius
	EventTake                       // By took a pickup of kind How
	EventRound                      // a round has ended; How is the team that won it, 255 nobody
)

// Event is something that happened between two frames.
type Event struct {
	Kind           EventKind
	By, Of         uint16
	How            uint8
	Hit            bool
	X, Y, ToX, ToY float32
}

// Name is who an id is.
type Name struct {
	ID   uint16 `json:"id"`
	Name string `json:"name"`
}

// Figures is one sample of the graphs.
type Figures struct {
	At         time.Duration // since the server started
	TickP50    time.Duration // of a match's tick: input, game, snapshots, sealing
	TickP99    time.Duration
	LateP50    time.Duration // how long after its deadline a tick began
	LateP99    time.Duration
	Players    int
	Spectators int
	DownBytes  float64 // server to client, UDP payload, per client and second
	UpBytes    float64
	RTTP50     time.Duration
	RTTP99     time.Duration
	Overruns   uint64 // ticks skipped because an earlier one took too long, since start
}

// MarshalJSON writes times as the page draws them: at in seconds, ticks in microseconds, round trips in milliseconds.
func (f Figures) MarshalJSON() ([]byte, error) {
	us := func(d time.Duration) float64 { return float64(d.Nanoseconds()/100) / 10 }
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()/10) / 100 }
	return json.Marshal(map[string]any{
		"at": float64(f.At.Milliseconds()) / 1000, "players": f.Players, "spectators": f.Spectators, "overruns": f.Overruns,
		"tick50": us(f.TickP50), "tick99": us(f.TickP99), "late50": us(f.LateP50), "late99": us(f.LateP99),
		"rtt50": ms(f.RTTP50), "rtt99": ms(f.RTTP99), "down": int64(f.DownBytes), "up": int64(f.UpBytes),
	})
}

// appendJSON is one frame as the page reads it: arrays, because names would be three quarters of it. 30 of these go out
// every second, so it is written by hand.
//
//	{"t":tick,"p":[[id,team,alive,x,y,angle,health,armor,kills,deaths]…],"s":[[id,kind,team,x,y]…],"k":[[id,kind,x,y,ready]…],
//	 "e":[[kind,by,of,how,hit,x,y,toX,toY]…],"r":[number,left,points…]}
func (f *Frame) appendJSON(b []byte) []byte {
	b = append(b, `{"t":`...)
	b = strconv.AppendUint(b, uint64(f.Tick), 10)
	b = append(b, `,"p":[`...)
	for i := range f.Players {
		p := &f.Players[i]
		b = appendInts(b, uint(p.ID), uint(p.Team), digit(p.Alive))
		b = appendFloats(b, p.X, p.Y, p.Angle, p.Health, p.Armor)
		b = append(appendInts2(b, uint(p.Kills), uint(p.Deaths)), ']', ',')
	}
	b = append(closeList(b), `,"s":[`...)
	for i := range f.Projectiles {
		p := &f.Projectiles[i]
		b = appendInts(b, uint(p.ID), uint(p.Kind), uint(p.Team))
		b = append(appendFloats(b, p.X, p.Y), ']', ',')
	}
	b = append(closeList(b), `,"k":[`...)
	for i := range f.Pickups {
		p := &f.Pickups[i]
		b = appendInts(b, uint(p.ID), uint(p.Kind))
		b = appendFloats(b, p.X, p.Y)
		b = append(appendInts2(b, digit(p.Ready)), ']', ',')
	}
	b = append(closeList(b), `,"e":[`...)
	for i := range f.Events {
		e := &f.Events[i]
		b = appendInts(b, uint(e.Kind), uint(e.By), uint(e.Of), uint(e.How), digit(e.Hit))
		b = append(appendFloats(b, e.X, e.Y, e.ToX, e.ToY), ']', ',')
	}
	b = appendInts(append(closeList(b), `,"r":`...), uint(f.Round.Number), uint(f.Round.Left))
	for _, points := range f.Round.Points {
		b = appendInts2(b, uint(points))
	}
	return append(b, ']', '}')
}

// appendInts opens a row.
func appendInts(b []byte, first uint, rest ...uint) []byte {
	b = strconv.AppendUint(append(b, '['), uint64(first), 10)
	return appendInts2(b, rest...)
}

func appendInts2(b []byte, values ...uint) []byte {
	for _, v := range values {
		b = strconv.AppendUint(append(b, ','), uint64(v), 10)
	}
	return b
}

// appendFloats writes two decimals: a hundredth of a unit is less than a pixel.
func appendFloats(b []byte, values ...float32) []byte {
	for _, v := range values {
		b = append(b, ',')
		if v-v != 0 { // NaN and infinities are no JSON
			v = 0
		}
		b = strconv.AppendFloat(b, float64(v), 'f', 2, 32)
	}
	return b
}

func closeList(b []byte) []byte {
	if b[len(b)-1] == ',' {
		b = b[:len(b)-1]
	}
	return append(b, ']')
}

func digit(v bool) uint {
	if v {
		return 1
	}
	return 0
}
