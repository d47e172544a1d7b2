package bot

import (
	"context"
	"time"

	"github.com/skirmishgg/skirmish/bench/arena"
	"github.com/skirmishgg/skirmish/netcode/interp"
	"github.com/skirmishgg/skirmish/netcode/snapshot"
	"github.com/skirmishgg/skirmish/netcode/token"
	skirmish "github.com/skirmishgg/skirmish/sdk-gen/base/go"
)

// Bot is one client that plays. Its methods are for the goroutine that drives the Conn, its fields for any through
// Client.Do.
type Bot struct {
	schema  *snapshot.Schema
	players *snapshot.Kind
	slot    int // of the seat that is this bot's; -1 until Welcome
	mind    *mind
	sight   Sight
	own     *skirmish.Own[arena.Player, arena.Mover, arena.Input]

	Predictions uint64 // snapshots compared with what was predicted for their tick
	Corrections uint64 // of them, those that differed though nobody died or returned to life
	Kills       uint16
	Deaths      uint16
	Shots       uint64 // inputs with a trigger pulled
}

// New makes a bot for the arena at a tick rate.
func New(schema *snapshot.Schema, rate int, seed uint64) *Bot {
	dt := 1 / float32(rate)
	kind, _ := snapshot.KindOf[arena.Player](schema)
	return &Bot{
		schema: schema, players: schema.Kind(kind), slot: -1, mind: newMind(seed, rate),
		own: skirmish.Predict(arena.MoverOf, func(m *arena.Mover, in *arena.Input) { m.Step(in, dt) }),
	}
}

// Game is what the bot plugs into a Conn.
func (b *Bot) Game() skirmish.Game {
	return skirmish.Game{Schema: b.schema, Snapshot: b.onSnapshot, Event: b.onEvent, Input: skirmish.Fill(b.onInput)}
}

// Slot is the bot's seat, -1 before it has one.
func (b *Bot) Slot() int { return b.slot }

// onEvent learns which player the bot is.
func (b *Bot) onEvent(c *skirmish.Conn, data []byte) {
	var w arena.Welcome
	if skirmish.Read(c, data, &w) && int(w.Slot) != b.slot {
		b.slot = int(w.Slot)
		b.own.Reset()
	}
}

// onSnapshot corrects the prediction of the bot's own body.
func (b *Bot) onSnapshot(_ *skirmish.Conn, v *snapshot.View) {
	if b.slot < 0 || !snapshot.Load(v, b.players.ID(b.slot), &b.sight.Me) {
		return
	}
	me := &b.sight.Me
	b.Kills, b.Deaths = me.Kills, me.Deaths
	if predicted, ok := b.own.At(v.Tick()); ok && predicted.Alive == me.Alive {
		b.Predictions++
		if predicted != arena.MoverOf(me) {
			b.Corrections++
		}
	}
	b.own.Snapshot(v, b.players.ID(b.slot))
}

// onInput looks, thinks and predicts.
func (b *Bot) onInput(c *skirmish.Conn, tick uint32, in *arena.Input) {
	frame, ok := c.Frame(c.Now())
	me, started := b.own.State()
	if !ok || !started {
		return
	}
	b.sight.Tick, b.sight.Me.Body, b.sight.Me.Alive = tick, me.Body, me.Alive
	b.look(frame)
	*in = b.mind.act(&b.sight)
	in.Shown = uint8(min(max(int32(tick-frame.Tick), 0), 63))
	if frame.Part > 0.5 {
		in.Shown = max(in.Shown, 1) - 1 // the nearer of the two ticks that are on the screen
	}
	if in.Fire || in.Alt {
		b.Shots++
	}
	b.own.Input(c, tick, in)
}

// look fills the bot's sight with the others where they are shown.
func (b *Bot) look(f skirmish.Frame) {
	s := &b.sight
	s.Others, s.Pickups = s.Others[:0], s.Pickups[:0]
	for slot := range b.players.Cap {
		var p, then arena.Player
		if slot == b.slot || !skirmish.Ends(f, b.players.ID(slot), &p, &then) {
			continue
		}
		if p.Alive && then.Alive { // not from where it died to where it appears
			p.X, p.Y = interp.Lerp(p.X, then.X, f.Fraction), interp.Lerp(p.Y, then.Y, f.Fraction)
		}
		s.Others = append(s.Others, p)
	}
	kind, _ := snapshot.KindOf[arena.Pickup](b.schema)
	pickups := b.schema.Kind(kind)
	for slot := range pickups.Cap {
		var item arena.Pickup
		if snapshot.Load(f.From, pickups.ID(slot), &item) {
			s.Pickups = append(s.Pickups, item)
		}
	}
}

// Run plays over UDP until ctx ends or the connection does, and returns why it ended.
func (b *Bot) Run(ctx context.Context, t *token.Connect) error {
	connecting, cancel := context.WithTimeout(ctx, 15*time.Second)
	client, err := skirmish.ConnectToken(connecting, t, b.Game())
	cancel()
	if err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		client.Close()
		return nil
	case <-client.Done():
		return client.Err()
	}
}
