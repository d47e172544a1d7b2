package match

import (
	"errors"
	"fmt"
	"time"

	"github.com/skirmishgg/skirmish/netcode/snapshot"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// Game is one match's rules. Init is called by whoever starts the match; all else from its shard's goroutine, one
// method at a time.
type Game interface {
	// Init opens the Stores and makes the world. An error refuses to start the match.
	Init(c *Ctx) error
	// Join gives p a place. An error refuses the player: his client reads DenyRefused. p is valid until Leave. Events can
	// be sent to him already; Players has him once Join has returned.
	Join(c *Ctx, p *Player) error
	// Leave takes p's place away: he left, was kicked, or was away for longer than Definition.Grace.
	Leave(c *Ctx, p *Player, why Close)
	// Tick moves the world on by one tick.
	Tick(c *Ctx)
}

// Close says why a connection ended: one of wire.Close.
type Close = wire.Close

// Returner is a Game that wants to know when a player's connection is lost, and when the same user has a new connection
// to the same place: his client may know nothing but the snapshots to come. Between the two he is in Players, not
// Connected, and his input is the zero input. Return without Away: the new connection replaced one that still lived.
type Returner interface {
	Away(c *Ctx, p *Player)
	Return(c *Ctx, p *Player)
}

// Watcher is a Game that decides what each player may see. Without it everybody sees everything.
type Watcher interface {
	// Visible is called for each player after each Tick, with everything that exists in see: remove what he must not
	// know of. It should only look.
	Visible(c *Ctx, p *Player, see *Set)
}

// Listener is a Game that takes messages from players beside their inputs.
type Listener interface {
	// Receive is called before Tick, in order of arrival. m is borrowed until return.
	Receive(c *Ctx, p *Player, m Message)
}

// Definition is a kind of match: what a server can start by name.
type Definition struct {
	Name   string
	Rate   int         // ticks a second, 1 to 256
	Schema Spec        // see Schema
	New    func() Game // a Game for one match

	MaxPlayers    int // who joins beyond is told DenyFull; up to 1,024 with spectators
	MaxSpectators int // who only watch; 0: none may

	BudgetBytes int           // of one snapshot; 0: what one datagram holds. What does not fit is sent later, by priority
	Grace       time.Duration // how long the place of a lost connection is kept; 0: 10 s; negative: not at all
	Rewind      time.Duration // how far Store.At looks back at most; 0: 200 ms
	EmptyFor    time.Duration // the match ends when nobody was there for so long; 0: it never does

	Carrier bool // its Game is a Carrier: no snapshots, and ticks only to look after itself
}

const (
	defaultGrace  = 10 * time.Second
	defaultRewind = 200 * time.Millisecond
	seatsMax      = 1024
)

// Compile checks the definition and makes the field tables that server and client share. Clients of the match need the
// same schema; its hash is in their connect tokens.
func (d *Definition) Compile() (*snapshot.Schema, error) {
	switch {
	case d.Name == "":
		return nil, errors.New("match: a definition has no name")
	case d.New == nil:
		return nil, fmt.Errorf("match %s: New is nil", d.Name)
	case d.MaxPlayers < 1 || d.MaxSpectators < 0 || d.MaxPlayers+d.MaxSpectators > seatsMax:
		return nil, fmt.Errorf("match %s: %d players and %d spectators, want 1 to %d", d.Name, d.MaxPlayers, d.MaxSpectators, seatsMax)
	case d.BudgetBytes < 0:
		return nil, fmt.Errorf("match %s: a budget of %d bytes", d.Name, d.BudgetBytes)
	}
	s, err := snapshot.NewSchema(snapshot.SchemaSpec{
		Rate: d.Rate, Kinds: d.Schema.kinds, Input: d.Schema.input, Events: d.Schema.events,
	})
	if err != nil {
		return nil, fmt.Errorf("match %s: %w", d.Name, err)
	}
	return s, nil
}

func (d *Definition) grace() time.Duration {
	switch {
	case d.Grace == 0:
		return defaultGrace
	case d.Grace < 0:
		return 0
	}
	return d.Grace
}

// ticksIn is how many ticks there are in t, rounded up.
func (d *Definition) ticksIn(t time.Duration) uint32 {
	return uint32((int64(t)*int64(d.Rate) + int64(time.Second) - 1) / int64(time.Second))
}
