package match

import (
	"errors"
	"fmt"
	"runtime/debug"
	"time"
	"unsafe"

	"github.com/skirmishgg/skirmish/netcode/input"
	"github.com/skirmishgg/skirmish/netcode/snapshot"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// Match is one running match: the game, its world, and who takes part. Its owner, a shard or a test, calls
//
//	Join, Lost, Left                as connections come and go
//	Input, Receive                  as packets arrive
//	Tick                            when it is due: messages, inputs, Game.Tick, capture
//	Snapshot                        after it, once for each player
//
// and looks at Over after each. A panic of the game is caught in every one of them; the match is Over then, and does
// nothing any more.
type Match struct {
	Counters Counters

	// constant after New
	def         Definition
	schema      *snapshot.Schema
	id          id.UUID
	params      []byte
	rewindTicks uint32
	graceTicks  uint32
	emptyTicks  uint32
	holdTicks   int
	posts       *Posts

	// owned by the match's goroutine
	ctx        Ctx
	game       Game
	returner   Returner // the game, when it is one; nil else
	watcher    Watcher
	listener   Listener
	answered   Answered
	carrier    Carrier
	world      *snapshot.World
	tables     []*tableHead // by kind; nil: the game did not open it
	tick       uint32       // runs, or runs next
	rand       Rand
	seats      []Player  // by slot
	players    []*Player // seated, by slot
	spectators []*Player
	mail       mail
	answers    []*Answer // to posts, for the next tick
	see        Set
	scratch    []byte // an event on its way out
	posting    Post
	kicks      int
	emptyFor   uint32 // ticks in a row without anybody
	ending     bool   // the game called End
	label      string
	relabelled bool // since Relabelled was asked
	over       wire.Close
	failure    error
}

// Counters of one match. Its goroutine writes them; whoever else wants them gets copies.
type Counters struct {
	Joins        uint64
	Rejoins      uint64 // came back to their place
	JoinsRefused uint64 // by the game
	JoinsFull    uint64
	Leaves       uint64
	Away         uint64 // connections lost while their place was kept

	Snapshots     uint64
	SnapshotBytes uint64
	Deferred      uint64 // entities that a snapshot's budget had no room for

	InputsMalformed uint64 // INPUT bodies that made no sense
	InputsStarved   uint64 // ticks for which a connected player's input was missing
	MailDropped     uint64 // lossy messages that found the tick's mail full
	AnswersDropped  uint64 // answers to posts that found too many others waiting
	MailOverflow    uint64 // reliable ones: their sender was closed with CloseOverflow
	EventsRefused   uint64 // broadcast events that a full queue refused
	SpawnsRefused   uint64 // Spawn beyond a kind's capacity
}

// Config is what a match is made of.
type Config struct {
	Definition *Definition
	Schema     *snapshot.Schema // of the definition, from Compile
	ID         id.UUID
	Seed       uint64
	Params     []byte
	Posts      *Posts // nil: Ctx.Post refuses
}

// holdFor is how long the last input is repeated while new ones are missing.
const holdFor = time.Second / 4

// New makes the match and runs Game.Init.
func New(c Config) (*Match, error) {
	m := &Match{
		def: *c.Definition, schema: c.Schema, id: c.ID, params: c.Params, posts: c.Posts,
		world: snapshot.NewWorld(c.Schema), tables: make([]*tableHead, c.Schema.Kinds()),
		tick: 1, rand: NewRand(c.Seed), scratch: make([]byte, 0, wire.MaxEvent),
		seats: make([]Player, c.Definition.MaxPlayers+c.Definition.MaxSpectators),
		see:   Set{make([]uint64, c.Schema.Words())},
	}
	m.rewindTicks = defaultTicks(&m.def, m.def.Rewind, defaultRewind)
	m.graceTicks = m.def.ticksIn(m.def.grace())
	m.emptyTicks = m.def.ticksIn(m.def.EmptyFor)
	m.holdTicks = int(m.def.ticksIn(holdFor))
	m.ctx.m = m
	m.players = make([]*Player, 0, m.def.MaxPlayers)
	m.spectators = make([]*Player, 0, m.def.MaxSpectators)
	if !m.def.Carrier {
		m.mail.init()
	}
	base, size := m.def.Schema.inputs(len(m.seats))
	for i := range m.seats {
		p := &m.seats[i]
		p.Slot, p.Spectator, p.Entity = i, i >= m.def.MaxPlayers, NoID
		p.input = unsafe.Add(base, uintptr(i)*size)
	}
	if err := m.init(); err != nil {
		return nil, fmt.Errorf("match %s: %w", m.def.Name, err)
	}
	if m.over != wire.CloseNone {
		return nil, fmt.Errorf("match %s: %w", m.def.Name, m.failure)
	}
	return m, nil
}

func (m *Match) init() error {
	defer m.catch()
	m.game = m.def.New()
	m.returner, _ = m.game.(Returner)
	m.watcher, _ = m.game.(Watcher)
	m.listener, _ = m.game.(Listener)
	m.answered, _ = m.game.(Answered)
	if m.def.Carrier {
		m.carrier, _ = m.game.(Carrier)
	}
	return m.game.Init(&m.ctx)
}

func defaultTicks(d *Definition, t, otherwise time.Duration) uint32 {
	if t == 0 {
		t = otherwise
	}
	return d.ticksIn(max(t, 0))
}

// catch turns a panic of the game into the end of its match. To be deferred directly.
func (m *Match) catch() {
	if r := recover(); r != nil {
		m.failure = &PanicError{Value: r, Stack: debug.Stack()}
		m.end(wire.CloseMatchError)
	}
}

// PanicError is why a match ended with CloseMatchError.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("the game panicked: %v", e.Value) }

// errFull and others are why Join refuses; the client reads the wire.Deny beside them.
var (
	errFull = errors.New("no place is free")
	errOver = errors.New("the match is over")
)

// Tick runs the next tick.
func (m *Match) Tick() {
	if m.over != wire.CloseNone {
		return
	}
	m.play()
	if m.over != wire.CloseNone {
		return
	}
	m.capture()
	m.tick++
	m.expire()
	if m.ending && m.over == wire.CloseNone {
		m.over = wire.CloseMatchEnded // Dismiss follows, when the last events have arrived
	}
}

// play is the part of a tick that is the game's.
func (m *Match) play() {
	defer m.catch()
	m.deliver()
	m.deliverAnswers()
	m.takeInputs()
	m.game.Tick(&m.ctx)
	m.removeKicked()
}

// takeInputs gives every player the input for this tick.
func (m *Match) takeInputs() {
	if m.def.Schema.input == nil {
		return
	}
	for _, p := range m.players {
		if !p.Connected {
			m.def.Schema.zero(p.input)
			continue
		}
		if p.inputs.Take(m.tick, p.input) == input.Exact {
			p.starved = 0
			if s := &p.seen[m.tick%seenTicks]; s.tick == m.tick {
				p.seenNow = s.snapshot
			}
			p.seenNow = max(p.seenNow, m.tick-min(m.tick, m.rewindTicks+1))
			continue
		}
		m.Counters.InputsStarved++
		if p.starved++; p.starved > m.holdTicks {
			m.def.Schema.zero(p.input)
		}
	}
}

// capture takes what the tick left into the world's newest snapshot.
func (m *Match) capture() {
	m.world.Begin(m.tick)
	for _, t := range m.tables {
		if t == nil {
			continue
		}
		t.each(m.world)
		if t.record != nil {
			t.record(m.tick)
		}
	}
	m.world.End()
}

// expire takes away the places that were kept long enough, and ends a match that nobody comes to.
func (m *Match) expire() {
	defer m.catch()
	for i := len(m.players) - 1; i >= 0; i-- {
		if p := m.players[i]; !p.Connected && m.tick-p.away >= m.graceTicks {
			m.leave(p, wire.CloseTimeout)
		}
	}
	if len(m.players)+len(m.spectators) > 0 {
		m.emptyFor = 0
		return
	}
	if m.emptyFor++; m.emptyTicks > 0 && m.emptyFor >= m.emptyTicks {
		m.ending = true
	}
}

// Snapshot writes what changed for p into dst, for the tick that ran last, and the tick's part of the packet's tick block.
// share, 1 or less, is the part of the budget that p's path carries now.
func (m *Match) Snapshot(p *Player, dst []byte, share float64) (n int, baselineDelta uint8) {
	budget := m.def.BudgetBytes
	if budget == 0 || budget > len(dst) {
		budget = len(dst)
	}
	if share < 1 {
		budget = int(float64(budget) * share)
	}
	r := snapshot.Request{Acked: p.acked, HasAck: p.hasAck, Owner: p.Entity, Budget: budget}
	if m.watcher != nil {
		copy(m.see.words, m.world.Present())
		m.look(p)
		r.Visible = m.see.words
	}
	deferred := p.viewer.Counters.Deferred
	n, baselineDelta = p.viewer.Encode(dst, r)
	m.Counters.Snapshots++
	m.Counters.SnapshotBytes += uint64(n)
	m.Counters.Deferred += p.viewer.Counters.Deferred - deferred
	return n, baselineDelta
}

func (m *Match) look(p *Player) {
	defer m.catch()
	m.watcher.Visible(&m.ctx, p, &m.see)
}

// Label is what the game has set last, "" before that.
func (m *Match) Label() string { return m.label }

// Relabelled reports whether the game has set another label since it was asked last.
func (m *Match) Relabelled() bool {
	was := m.relabelled
	m.relabelled = false
	return was
}

// LastTick is the tick that ran last, 0 before the first.
func (m *Match) LastTick() uint32 { return m.tick - 1 }

// Margin is how early p's newest input came, in 1/16 tick, and how long before the last tick the input was made that it
// used: 255 for none.
func (m *Match) Margin(p *Player) (margin int8, inputDelta uint8) {
	inputDelta = 255
	if p.inputs == nil {
		return 0, inputDelta
	}
	if t, ok := p.inputs.Processed(); ok && m.LastTick()-t < 255 {
		inputDelta = uint8(m.LastTick() - t)
	}
	return p.margin, inputDelta
}

// Input takes the INPUT of a packet whose newest input is for a tick. untilNext is how long it is until the next Tick.
// False: it makes no sense.
func (m *Match) Input(p *Player, tick uint32, body []byte, untilNext time.Duration) bool {
	if p.Spectator || m.def.Schema.input == nil {
		return true // nothing of his counts
	}
	newest, any := p.inputs.Newest()
	if err := p.inputs.Receive(body, tick, m.tick); err != nil {
		m.Counters.InputsMalformed++
		return false
	}
	if !any || int32(tick-newest) > 0 {
		early := int64(int32(tick-m.tick))*16 + int64(untilNext)*16*int64(m.def.Rate)/int64(time.Second)
		p.margin = int8(min(max(early, -128), 127))
	}
	return true
}

// SetInput is Input for players without a connection: bots inside the server, replays, tests. in points to the schema's
// input.
func (m *Match) SetInput(p *Player, tick uint32, in unsafe.Pointer) { p.inputs.Add(tick, m.tick, in) }

// World is the match's state over the last ticks, as it travels.
func (m *Match) World() *snapshot.World { return m.world }

// Saw takes what a packet says of the client: it made the input of a tick after it had decoded a snapshot.
func (m *Match) Saw(p *Player, tick, decoded uint32) {
	if decoded == 0 || int32(m.tick-decoded) <= 0 {
		return // a snapshot that was never sent
	}
	if !p.hasAck || int32(decoded-p.acked) > 0 {
		p.acked, p.hasAck = decoded, true
	}
	if p.seen == nil {
		return
	}
	for i := range uint32(wire.MaxInputsPacket) {
		if s := &p.seen[(tick-i)%seenTicks]; s.tick != tick-i {
			*s = seen{tick - i, decoded}
		}
	}
}

// Seated is how many have a place, and how many watch.
func (m *Match) Seated() (players, spectators int) { return len(m.players), len(m.spectators) }

// Resumed says that p's client took its connection up again and may have lost what it had decoded.
func (m *Match) Resumed(p *Player) { p.hasAck = false }

// Over is CloseNone while the match runs, and how it ended after that.
func (m *Match) Over() wire.Close { return m.over }

// Failure is why the match ended when Over is CloseMatchError: *PanicError.
func (m *Match) Failure() error { return m.failure }

// Stop ends the match from outside: CloseShutdown, CloseOverrun.
func (m *Match) Stop(why wire.Close) {
	if m.over == wire.CloseNone {
		m.end(why)
	}
}

// Dismiss closes the connections of a match that the game ended. Until then its last events can still be repeated.
func (m *Match) Dismiss() { m.end(m.over) }

// end closes all connections. The game is not called any more.
func (m *Match) end(why wire.Close) {
	m.over = why
	for _, list := range [2][]*Player{m.players, m.spectators} {
		for _, p := range list {
			if p.link != nil {
				p.link.Close(why)
				p.link, p.Connected = nil, false
			}
		}
	}
}

func (m *Match) count(err error) {
	if err != nil {
		m.Counters.EventsRefused++
	}
}
