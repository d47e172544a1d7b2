package bot

import (
	"context"
	"time"
	"unsafe"

	"github.com/skirmishgg/skirmish/bench/arena"
	"github.com/skirmishgg/skirmish/netcode/interp"
	"github.com/skirmishgg/skirmish/netcode/predict"
	"github.com/skirmishgg/skirmish/netcode/snapshot"
	"github.com/skirmishgg/skirmish/netcode/token"
	skirmish "github.com/skirmishgg/skirmish/sdk-gen/base/go"
)

// Bot is one client that plays. Its methods are for the goroutine that drives the Conn; Stats for any, through Client.Do.
type Bot struct {
	schema *snapshot.Schema
	slot   int // of the player entity that is this bot's; -1 until Welcome
	mind   *mind
	sight  Sight

	body  *predict.Predictor[arena.Body, arena.Input]
	alive bool

	Predictions, Corrections uint64 // snapshots compared with the prediction, and how many differed
	Kills, Deaths            uint16
}

// New makes a bot for the arena at a tick rate.
func New(schema *snapshot.Schema, rate int, seed uint64) *Bot {
	dt := 1 / float32(rate)
	return &Bot{schema: schema, slot: -1, mind: newMind(seed),
		body: predict.New(func(b *arena.Body, in *arena.Input) { arena.Move(b, in.MoveX, in.MoveY, dt) })}
}

// Game is what the bot plugs into a Conn.
func (b *Bot) Game() skirmish.Game {
	return skirmish.Game{Schema: b.schema, Snapshot: b.onSnapshot, Event: b.onEvent, Input: skirmish.Fill(b.onInput)}
}

// onEvent learns which player the bot is.
func (b *Bot) onEvent(_ *skirmish.Conn, data []byte) {
	var w arena.Welcome
	if snapshot.LoadEvent(b.schema, data, &w) {
		b.slot, b.alive = int(w.Slot), false
	}
}

// onSnapshot corrects the prediction of the bot's own body.
func (b *Bot) onSnapshot(c *skirmish.Conn, v *snapshot.View) {
	var me arena.Player
	if b.slot < 0 || !snapshot.Load(v, snapshot.ID(b.slot), &me) {
		return
	}
	b.Kills, b.Deaths = me.Kills, me.Deaths
	processed, ok := c.Processed()
	if !ok || !me.Alive {
		b.alive = false
		return
	}
	if !b.alive { // a new life: nothing before it counts
		b.alive = true
		b.body.Start(v.Tick(), me.Body)
		return
	}
	if processed == v.Tick() {
		b.Predictions++
		if before, after := b.body.Reconcile(v.Tick(), me.Body); before != after {
			b.Corrections++
		}
	} else {
		b.body.Reconcile(v.Tick(), me.Body)
	}
}

// onInput looks, thinks and predicts.
func (b *Bot) onInput(c *skirmish.Conn, tick uint32, in *arena.Input) {
	if !b.look(c, tick) {
		return
	}
	*in = b.mind.act(&b.sight)
	if shownTick, _, ok := c.Shown(c.Now()); ok {
		in.Shown = uint8(min(max(int32(tick-shownTick), 0), 63))
	}
	b.schema.Input().Snap(unsafe.Pointer(in))
	if b.alive && b.body.Started() {
		b.body.Step(tick, *in)
	}
}

// look fills the bot's sight: itself as predicted, the others where they are shown.
func (b *Bot) look(c *skirmish.Conn, tick uint32) bool {
	newest := c.View()
	if newest == nil || b.slot < 0 || !snapshot.Load(newest, snapshot.ID(b.slot), &b.sight.Me) {
		return false
	}
	b.sight.Tick = tick
	if b.alive && b.body.Started() {
		b.sight.Me.Body = b.body.State()
	}
	from, to, fraction := newest, newest, float32(0)
	if shown, f, ok := c.Shown(c.Now()); ok {
		if v := c.ViewAt(shown); v != nil {
			from = v
			if next := c.ViewAt(shown + 1); next != nil {
				to, fraction = next, f
			} else {
				to = from
			}
		}
	}
	b.sight.Others, b.sight.Pickups = b.sight.Others[:0], b.sight.Pickups[:0]
	for id, ok := from.Next(0); ok; id, ok = from.Next(id + 1) {
		var p arena.Player
		var item arena.Pickup
		switch {
		case int(id) != b.slot && snapshot.Load(from, id, &p):
			var then arena.Player
			if snapshot.Load(to, id, &then) && from.Generation(id) == to.Generation(id) && then.Alive {
				p.X, p.Y = interp.Lerp(p.X, then.X, fraction), interp.Lerp(p.Y, then.Y, fraction)
			}
			b.sight.Others = append(b.sight.Others, p)
		case snapshot.Load(from, id, &item):
			b.sight.Pickups = append(b.sight.Pickups, item)
		}
	}
	return true
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
