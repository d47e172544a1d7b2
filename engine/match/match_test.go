package match

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/skirmishgg/skirmish/netcode/snapshot"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

type body struct {
	X, Y float32 `snap:"quant=1/64,min=-64,max=64"`
	HP   uint8   `snap:"bits=7"`
}

type dot struct {
	N uint16 `snap:"bits=12"`
}

type steer struct {
	DX, DY int8 `snap:"bits=3"`
	Fire   bool `snap:""`
}

type hit struct {
	By uint16 `snap:"bits=12"`
}

// field is a game small enough to see through, with a switch for everything a test wants of it.
type field struct {
	bodies Store[body]
	dots   Store[dot]

	log    []string
	refuse error
	blow   string // which method panics
	hide   ID
	onTick func(c *Ctx)
	got    []string
}

func (g *field) panicIn(where string) {
	g.log = append(g.log, where)
	if g.blow == where {
		panic("bang in " + where)
	}
}

func (g *field) Init(c *Ctx) error {
	g.bodies, g.dots = Open[body](c, Rewindable), Open[dot](c)
	g.hide = NoID
	return nil
}

func (g *field) Join(c *Ctx, p *Player) error {
	g.panicIn("join")
	if g.refuse != nil {
		return g.refuse
	}
	if !p.Spectator {
		p.Entity, _ = g.bodies.SpawnAt(p.Slot)
	}
	return nil
}

func (g *field) Leave(c *Ctx, p *Player, why wire.Close) {
	g.panicIn("leave")
	g.bodies.Despawn(p.Entity)
}

func (g *field) Away(c *Ctx, p *Player)   { g.panicIn("away") }
func (g *field) Return(c *Ctx, p *Player) { g.panicIn("return") }

func (g *field) Visible(c *Ctx, p *Player, see *Set) {
	if g.hide != NoID {
		see.Remove(g.hide)
	}
}

func (g *field) Receive(c *Ctx, p *Player, m Message) {
	g.got = append(g.got, p.Username+":"+string(m.Data))
}

func (g *field) Tick(c *Ctx) {
	if g.blow == "tick" {
		panic("bang in tick")
	}
	for _, p := range c.Players() {
		in, b := Input[steer](p), g.bodies.Get(p.Entity)
		b.X += float32(in.DX) * c.Dt()
		b.Y += float32(in.DY) * c.Dt()
		if in.Fire {
			Broadcast(c, &hit{By: uint16(p.Entity)})
		}
	}
	for id, d := range g.dots.All() {
		if d.N++; d.N > 4000 {
			g.dots.Despawn(id)
		}
	}
	if c.Rand().IntN(4) == 0 {
		g.dots.Spawn()
	}
	if g.onTick != nil {
		g.onTick(c)
	}
}

func start(t testing.TB, change func(*Definition)) (*Match, *field) {
	t.Helper()
	g := &field{}
	d := &Definition{
		Name: "field", Rate: 60, MaxPlayers: 4, MaxSpectators: 1, New: func() Game { return g },
		Schema: Schema[steer](Kind[body](4), Kind[dot](100), Event[hit]()),
	}
	if change != nil {
		change(d)
	}
	s, err := d.Compile()
	if err != nil {
		t.Fatal(err)
	}
	m, err := New(Config{Definition: d, Schema: s, ID: id.UUID{1}, Seed: 7, Posts: NewPosts(4)})
	if err != nil {
		t.Fatal(err)
	}
	return m, g
}

// tape is a link that keeps what went out.
type tape struct {
	events [][]byte
	closed wire.Close
}

func (l *tape) SendEvent(_ uint8, data []byte) error {
	l.events = append(l.events, bytes.Clone(data))
	return nil
}
func (l *tape) SendUnreliable(uint8, []byte) error { return nil }
func (l *tape) SendStream(uint8, []byte) error     { return nil }
func (l *tape) Close(why wire.Close)               { l.closed = why }

func join(t testing.TB, m *Match, user byte) (*Player, *tape) {
	t.Helper()
	l := &tape{}
	p, deny, err := m.Join(Who{UserID: id.UUID{user}, Username: string(rune('a' - 1 + user))}, l)
	if deny != 0 || err != nil {
		t.Fatalf("user %d: deny %d, %v", user, deny, err)
	}
	return p, l
}

func TestPlaces(t *testing.T) {
	m, g := start(t, func(d *Definition) { d.Grace = time.Second })
	a, aLink := join(t, m, 1)
	b, bLink := join(t, m, 2)
	m.Tick()

	f := func(who Who, want wire.Deny) *Player {
		t.Helper()
		p, deny, _ := m.Join(who, &tape{})
		if deny != want {
			t.Errorf("deny %d, want %d", deny, want)
		}
		return p
	}
	g.refuse = errors.New("not you")
	f(Who{UserID: id.UUID{3}}, wire.DenyRefused)
	g.refuse = nil
	f(Who{UserID: id.UUID{3}}, 0)
	f(Who{UserID: id.UUID{4}}, 0)
	f(Who{UserID: id.UUID{5}}, wire.DenyFull)
	watcher := f(Who{UserID: id.UUID{5}, Spectator: true}, 0)
	f(Who{UserID: id.UUID{6}, Spectator: true}, wire.DenyFull)
	if got := m.Room(Who{UserID: id.UUID{1}}); got != 0 {
		t.Errorf("who has a place is told %d", got)
	}
	if watcher.Slot != 4 || watcher.Entity != NoID {
		t.Errorf("the spectator: %+v", watcher)
	}

	// The same user again, while connected: same place, new link.
	again := &tape{}
	p, deny, _ := m.Join(Who{UserID: id.UUID{1}}, again)
	if p != a || deny != 0 || aLink.closed != wire.CloseReplaced || a.Entity == NoID {
		t.Errorf("joined again: slot %d, deny %d, old link closed %d", p.Slot, deny, aLink.closed)
	}
	m.Lost(a, aLink) // the old link's end comes late
	if !a.Connected {
		t.Error("the end of a replaced link ended the new one")
	}

	// Lost, and back within the grace.
	m.Lost(b, bLink)
	for range 59 {
		m.Tick()
	}
	if b.Connected || !slices.Contains(m.players, b) || g.bodies.Get(b.Entity) == nil {
		t.Error("a lost player's place was not kept")
	}
	p, _, _ = m.Join(Who{UserID: id.UUID{2}}, bLink)
	if p != b || !b.Connected {
		t.Error("he did not get his place back")
	}
	// Lost for good.
	m.Lost(b, bLink)
	for range 61 {
		m.Tick()
	}
	if slices.Contains(m.players, b) || g.bodies.Len() != 3 {
		t.Error("a lost player's place was kept for too long")
	}
	m.Lost(watcher, watcher.link)
	if len(m.spectators) != 0 {
		t.Error("a lost spectator was kept")
	}
	m.ctx.Kick(a, 0)
	m.ctx.Kick(a, 0)
	m.Tick()
	if again.closed != wire.CloseKicked || len(m.players) != 2 {
		t.Errorf("kicked: closed %d, %d players", again.closed, len(m.players))
	}
	m.ctx.End()
	m.Tick()
	if m.Over() != wire.CloseMatchEnded {
		t.Error("End did not end")
	}
	f(Who{UserID: id.UUID{9}}, wire.DenyNoMatch)
	want := "join join join join join join return away return away leave leave leave"
	if got := strings.Join(g.log, " "); got != want {
		t.Errorf("calls:\n got %s\nwant %s", got, want)
	}
}

// TestPanics: wherever the game panics the match is over, everybody reads CloseMatchError, and nothing escapes.
func TestPanics(t *testing.T) {
	for _, where := range []string{"tick", "join", "leave", "away", "return"} {
		m, g := start(t, nil)
		p, l := join(t, m, 1)
		m.Tick()
		g.blow = where
		switch where {
		case "join":
			if _, deny, _ := m.Join(Who{UserID: id.UUID{2}}, &tape{}); deny != wire.DenyNoMatch {
				t.Errorf("join: deny %d", deny)
			}
		case "leave":
			m.Left(p, l, wire.CloseLeft)
		case "away":
			m.Lost(p, l)
		case "return":
			m.Join(Who{UserID: id.UUID{1}}, l)
		}
		m.Tick()
		var e *PanicError
		if m.Over() != wire.CloseMatchError || !errors.As(m.Failure(), &e) || e.Value != "bang in "+where {
			t.Errorf("%s: over %d, %v", where, m.Over(), m.Failure())
		}
		if !strings.Contains(string(e.Stack), "match_test.go") {
			t.Errorf("%s: the stack does not say where", where)
		}
		if where == "tick" && l.closed != wire.CloseMatchError {
			t.Errorf("%s: the client reads %d", where, l.closed)
		}
		m.Tick() // does nothing
	}
	// At birth: the match does not start.
	for _, bad := range []func() Game{
		func() Game { panic("no game") },
		func() Game { return &opener{open: func(c *Ctx) { Open[steer](c) }} },
		func() Game { return &opener{open: func(c *Ctx) { Open[dot](c); Open[dot](c) }} },
	} {
		d := &Definition{Name: "bad", Rate: 60, MaxPlayers: 1, New: bad, Schema: Schema[steer](Kind[dot](1))}
		s, err := d.Compile()
		if err != nil {
			t.Fatal(err)
		}
		var e *PanicError
		if _, err := New(Config{Definition: d, Schema: s}); !errors.As(err, &e) {
			t.Errorf("started, or %v", err)
		}
	}
}

// opener is a game that does something at Init.
type opener struct {
	field
	open func(c *Ctx)
}

func (g *opener) Init(c *Ctx) error { g.open(c); return nil }

func TestInputs(t *testing.T) {
	m, g := start(t, nil)
	p, _ := join(t, m, 1)
	put := func(tick uint32, dx int8) { m.SetInput(p, tick, unsafe.Pointer(&steer{DX: dx})) }
	x := func() float32 { return g.bodies.Get(p.Entity).X * 60 }
	near := func(want float32) {
		t.Helper()
		if got := x(); got < want-1 || got > want+1 {
			t.Errorf("moved %v, want %v", got, want)
		}
	}
	put(1, 3)
	m.Tick()
	near(3)
	for range 15 { // repeated for a quarter of a second
		m.Tick()
	}
	near(45)       // 16 ticks of 3/64, which is what 3/60 is rounded to
	for range 10 { // and then not
		m.Tick()
	}
	near(45)
	put(m.tick, -3)
	m.Tick()
	near(42)
	if got, delta := m.Margin(p); delta != 0 {
		t.Errorf("margin %d, input delta %d", got, delta)
	}
}

func TestMail(t *testing.T) {
	m, g := start(t, nil)
	a, aLink := join(t, m, 1)
	b, _ := join(t, m, 2)
	m.Receive(a, MessageEvent, 0, []byte("one"))
	m.Receive(b, MessageLossy, 0, []byte("two"))
	m.Receive(a, MessageEvent, 0, []byte("three"))
	m.Tick()
	if got := strings.Join(g.got, " "); got != "a:one b:two a:three" {
		t.Errorf("got %s", got)
	}
	// Of a connection that is gone nothing is delivered.
	m.Receive(a, MessageEvent, 0, []byte("late"))
	m.Left(a, aLink, wire.CloseLeft)
	m.Tick()
	if len(g.got) != 3 {
		t.Errorf("got %v", g.got[3:])
	}
	big := make([]byte, 60<<10)
	for range 2 {
		if !m.Receive(b, MessageStream, 4, big) {
			t.Error("refused what fits")
		}
	}
	if m.Receive(b, MessageStream, 4, big) || !m.Receive(b, MessageLossy, 0, big) || m.Counters.MailDropped != 1 || m.Counters.MailOverflow != 1 {
		t.Errorf("took what does not fit: %+v", m.Counters)
	}
}

func TestEventsAndPosts(t *testing.T) {
	m, g := start(t, nil)
	p, l := join(t, m, 1)
	m.SetInput(p, 1, unsafe.Pointer(&steer{Fire: true}))
	m.Tick()
	var e hit
	if len(l.events) != 1 || !snapshot.LoadEvent(m.schema, l.events[0], &e) || e.By != uint16(p.Entity) {
		t.Errorf("events %x", l.events)
	}
	g.onTick = func(c *Ctx) {
		for i := range 6 {
			if ok := c.Post(uint16(i), p, []byte("score")); ok != (i < 4) {
				t.Errorf("post %d: %v", i, ok)
			}
		}
		if c.Post(0, nil, make([]byte, PostMax+1)) {
			t.Error("too large, and taken")
		}
	}
	m.Tick()
	post, ok := m.posts.TryPop()
	if !ok || string(post.Data()) != "score" || post.User != p.UserID || post.Tick != 2 || m.posts.Dropped.Load() != 3 {
		t.Errorf("posted %v, dropped %d", post.Tick, m.posts.Dropped.Load())
	}
}

func TestSeen(t *testing.T) {
	m, g := start(t, nil)
	p, _ := join(t, m, 1)
	for range 100 {
		tick := m.tick
		m.Saw(p, tick, tick-min(tick, 6))
		m.SetInput(p, tick, unsafe.Pointer(&steer{DX: 3}))
		m.Tick()
		if tick > 20 && p.SeenTick() != tick-6 {
			t.Fatalf("tick %d: saw %d", tick, p.SeenTick())
		}
	}
	now, then := g.bodies.Get(p.Entity).X, g.bodies.At(p.Entity, p.SeenTick())
	if then == nil || now-then.X < 0.2 || now-then.X > 0.4 {
		t.Errorf("at %v now, %v then", now, then)
	}
	if far := g.bodies.At(p.Entity, 1); far == nil || *far != *g.bodies.At(p.Entity, m.LastTick()-12) {
		t.Error("looked back further than 200 ms")
	}
	m.Saw(p, m.tick, m.tick+5) // a snapshot that was never sent
	if p.acked >= m.tick {
		t.Error("believed an ack of the future")
	}
}

// TestVisible: what the game hides does not reach the client.
func TestVisible(t *testing.T) {
	m, g := start(t, nil)
	a, _ := join(t, m, 1)
	b, _ := join(t, m, 2)
	m.Tick()
	g.hide = b.Entity
	buf := make([]byte, 1000)
	n, delta := m.Snapshot(a, buf, 1)
	v, err := snapshot.NewDecoder(m.schema).Decode(m.LastTick(), delta, buf[:n])
	if err != nil || !v.Has(a.Entity) || v.Has(b.Entity) {
		t.Errorf("err %v", err)
	}
}

// TestDeterminism: the same seed, joins and inputs give the same snapshot bytes, tick for tick.
func TestDeterminism(t *testing.T) {
	run := func(seed uint64) []byte {
		var out []byte
		m, _ := start(t, nil)
		m.rand = NewRand(seed)
		a, _ := join(t, m, 1)
		rng := NewRand(3)
		buf := make([]byte, 1100)
		for range 300 {
			if m.tick == 100 {
				join(t, m, 2)
			}
			m.SetInput(a, m.tick, unsafe.Pointer(&steer{DX: int8(rng.IntN(8) - 4), Fire: rng.IntN(9) == 0}))
			m.Tick()
			m.Saw(a, m.tick, m.LastTick())
			n, delta := m.Snapshot(a, buf, 1)
			out = append(append(out, delta), buf[:n]...)
		}
		return out
	}
	if a := run(1); !bytes.Equal(a, run(1)) {
		t.Error("two runs differ")
	} else if bytes.Equal(a, run(2)) {
		t.Error("the seed changes nothing")
	}
}

func TestSetLabel(t *testing.T) {
	m, g := start(t, nil)
	f := func(text string, ok, told bool, want string) {
		t.Helper()
		g.onTick = func(c *Ctx) {
			if c.SetLabel(text) != ok {
				t.Errorf("%.20q: taken is %t", text, !ok)
			}
		}
		m.Tick()
		if got := m.Relabelled(); got != told || m.Label() != want {
			t.Errorf("%.20q: label %.20q, told %t", text, m.Label(), got)
		}
	}
	f("", true, false, "")
	f("yard", true, true, "yard")
	f("yard", true, false, "yard")
	f(strings.Repeat("x", LabelMax+1), false, false, "yard")
	f(strings.Repeat("x", LabelMax), true, true, strings.Repeat("x", LabelMax))
	f("", true, true, "")
}

// TestTickAllocatesNothing, with a store walked, entities made and removed, an event sent and snapshots encoded.
func TestTickAllocatesNothing(t *testing.T) {
	m, g := start(t, nil)
	var players [4]*Player
	for i := range players {
		p, deny, err := m.Join(Who{UserID: id.UUID{byte(i + 1)}}, NullLink{})
		if deny != 0 {
			t.Fatal(err)
		}
		players[i] = p
	}
	buf := make([]byte, 1100)
	in := steer{DX: 1, Fire: true}
	step := func() {
		for _, p := range players {
			m.SetInput(p, m.tick, unsafe.Pointer(&in))
			m.Receive(p, MessageEvent, 0, nil)
		}
		m.Tick()
		for _, p := range players {
			m.Saw(p, m.tick, m.LastTick())
			m.Snapshot(p, buf, 1)
		}
	}
	m.listener = nil
	g.onTick = func(c *Ctx) { c.SetLabel("the same") }
	for range 1000 {
		step()
	}
	if n := testing.AllocsPerRun(1000, step); n != 0 {
		t.Errorf("%v allocations a tick", n)
	}
}

func TestDefinition(t *testing.T) {
	f := func(change func(*Definition), want string) {
		t.Helper()
		d := &Definition{Name: "x", Rate: 60, MaxPlayers: 2, New: func() Game { return nil }, Schema: Schema[steer](Kind[body](2))}
		change(d)
		_, err := d.Compile()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	f(func(d *Definition) { d.Name = "" }, "no name")
	f(func(d *Definition) { d.New = nil }, "New is nil")
	f(func(d *Definition) { d.Rate = 300 }, "rate 300")
	f(func(d *Definition) { d.MaxPlayers = 0 }, "0 players")
	f(func(d *Definition) { d.BudgetBytes = -1 }, "budget")
	f(func(d *Definition) { d.Schema = Schema[struct{ M map[int]int }](Kind[body](2)) }, "input")
}
