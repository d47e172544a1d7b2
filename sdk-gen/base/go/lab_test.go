package skirmish_test

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/skirmishgg/skirmish/engine/match"
	"github.com/skirmishgg/skirmish/engine/sim"
	"github.com/skirmishgg/skirmish/netcode/simnet"
	"github.com/skirmishgg/skirmish/netcode/snapshot"
	"github.com/skirmishgg/skirmish/netcode/token"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/wire"
	skirmish "github.com/skirmishgg/skirmish/sdk-gen/base/go"
)

// The game of these tests: everybody pushes a sledge, says what tick an input was for, and gets every event back.

type sledge struct {
	X    float32 `snap:"quant=1/64,min=-512,max=512,rate=V"`
	V    float32 `snap:"quant=1/64,min=-16,max=16"`
	Slot uint8   `snap:"bits=4"`
}

type push struct {
	Force int8   `snap:"min=-1,max=1"`
	Mark  uint16 `snap:"bits=16"` // low bits of the tick
}

type hello struct {
	Slot uint8 `snap:"bits=4"`
}

type word struct {
	N uint32 `snap:""`
}

// what word.N asks the game for
const (
	askKick = 1_000_000 + iota
	askEnd
	askPanic
)

const rate = 60

func (s *sledge) step(force int8) {
	s.V = max(min(s.V+float32(force)/8, 15), -15)
	s.X = max(min(s.X+float32(int32(s.V))/64, 500), -500)
}

type game struct {
	sledges match.Store[sledge]
	inTime  int // ticks of connected players with their own input
	late    int // and without
	counts  bool
	heard   []uint32
	gone    []wire.Close
}

func (g *game) Init(c *match.Ctx) error {
	g.sledges = match.Open[sledge](c)
	return nil
}

func (g *game) Join(c *match.Ctx, p *match.Player) error {
	if string(p.Data) == "unwanted" {
		return errors.New("unwanted")
	}
	if p.Spectator {
		return nil
	}
	var s *sledge
	p.Entity, s = g.sledges.SpawnAt(p.Slot)
	*s = sledge{Slot: uint8(p.Slot)}
	return match.Send(c, p, &hello{uint8(p.Slot)})
}

func (g *game) Leave(_ *match.Ctx, p *match.Player, why wire.Close) {
	g.sledges.Despawn(p.Entity)
	g.gone = append(g.gone, why)
}

func (g *game) Receive(c *match.Ctx, p *match.Player, m match.Message) {
	var w word
	if m.Kind == match.MessageStream {
		_ = match.SendStream(c, p, m.Channel, m.Data)
		return
	}
	if !match.Read(c, m, &w) {
		return
	}
	switch w.N {
	case askKick:
		c.Kick(p, wire.CloseKicked)
	case askEnd:
		c.End()
	case askPanic:
		panic("asked to")
	default:
		g.heard = append(g.heard, w.N)
		_ = match.SendOn(c, p, m.Channel, &w)
	}
}

func (g *game) Tick(c *match.Ctx) {
	for _, p := range c.Players() {
		in := match.Input[push](p)
		if p.Connected && g.counts {
			if in.Mark == uint16(c.Tick()) {
				g.inTime++
			} else {
				g.late++
			}
		}
		g.sledges.Get(p.Entity).step(in.Force)
	}
}

func definition(g *game) *match.Definition {
	return &match.Definition{
		Name: "sledges", Rate: rate, MaxPlayers: 8, MaxSpectators: 2,
		Schema: match.Schema[push](match.Kind[sledge](8), match.Event[hello](), match.Event[word]()),
		New:    func() match.Game { return g },
	}
}

// pusher is a client of the game that predicts its sledge.
type pusher struct {
	*skirmish.Simulated
	slot   int
	words  []uint32
	closed error
	own    *skirmish.Own[sledge, sledge, push]
	views  int
}

func newPusher() *pusher {
	return &pusher{slot: -1, own: skirmish.Predict(
		func(s *sledge) sledge { return *s },
		func(s *sledge, in *push) { s.step(in.Force) },
	)}
}

func (p *pusher) game(schema *snapshot.Schema) skirmish.Game {
	return skirmish.Game{
		Schema: schema,
		Input: skirmish.Fill(func(c *skirmish.Conn, tick uint32, in *push) {
			*in = push{Force: int8(tick/20%3) - 1, Mark: uint16(tick)}
			p.own.Input(c, tick, in)
		}),
		Snapshot: func(_ *skirmish.Conn, v *snapshot.View) {
			p.views++
			if p.slot >= 0 {
				p.own.Snapshot(v, snapshot.ID(p.slot))
			}
		},
		Event: func(c *skirmish.Conn, data []byte) {
			var h hello
			var w word
			switch {
			case skirmish.Read(c, data, &h):
				p.slot = int(h.Slot)
			case skirmish.Read(c, data, &w):
				p.words = append(p.words, w.N)
			}
		},
		Closed: func(_ *skirmish.Conn, err error) { p.closed = err },
	}
}

// lab is a server with a match of the game, and clients.
type lab struct {
	*sim.Sim
	t       testing.TB
	game    *game
	match   id.UUID
	pushers []*pusher
}

func newLab(t testing.TB, seed uint64) *lab {
	g := &game{}
	l := &lab{Sim: sim.New(sim.Config{Seed: seed, Definitions: []*match.Definition{definition(g)}}), t: t, game: g}
	l.match = l.StartMatch("sledges", seed, nil)
	return l
}

func (l *lab) mint(user byte, data string) *token.Connect {
	schema := l.Schema("sledges").Hash()
	return l.Mint(token.Private{UserID: [16]byte{user}, MatchID: l.match, Username: "p", GameData: []byte(data)}, schema)
}

func (l *lab) join(link simnet.LinkConfig) *pusher {
	n := byte(len(l.pushers) + 1)
	return l.joinWith(l.mint(n, ""), link)
}

func (l *lab) joinWith(t *token.Connect, link simnet.LinkConfig) *pusher {
	l.t.Helper()
	n := byte(len(l.pushers) + 1)
	p := newPusher()
	conn, err := skirmish.NewConn(t, p.game(l.Schema("sledges")), same(n))
	if err != nil {
		l.t.Fatal(err)
	}
	p.Simulated = &skirmish.Simulated{Conn: conn, End: l.Net.Endpoint(netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 9, 0, n}), 4000), link, link)}
	l.pushers = append(l.pushers, p)
	return p
}

// same is a client's randomness: the same in each run.
type same byte

func (s same) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(s) + byte(i)
	}
	return len(b), nil
}

func (l *lab) run(d time.Duration) {
	for end := l.Clock.Now() + d; l.Clock.Now() < end; {
		l.Run(time.Millisecond)
		for _, p := range l.pushers {
			p.Step(l.Clock.Now())
		}
	}
}

func (l *lab) until(limit time.Duration, done func() bool) bool {
	for end := l.Clock.Now() + limit; l.Clock.Now() < end && !done(); {
		l.run(time.Millisecond)
	}
	return done()
}

func (l *lab) addr() netip.AddrPort { return sim.Addr }
