package skirmish

import (
	"unsafe"

	"github.com/skirmishgg/skirmish/netcode/predict"
	"github.com/skirmishgg/skirmish/netcode/snapshot"
)

// Own predicts the entity that the player controls, so that it obeys at once:
//
//	me := skirmish.Predict(
//		func(p *Player) Body { return p.Body },                  // what a step needs
//		func(b *Body, in *Input) { Move(b, in, dt) },            // the server's own rule
//	)
//	Snapshot: func(c *skirmish.Conn, v *snapshot.View) { me.Snapshot(v, id) }
//	Input:    skirmish.Fill(func(c *skirmish.Conn, tick uint32, in *Input) { *in = controls(); me.Input(c, tick, in) })
//
// T is the entity's struct, S the part of it that is predicted, I the schema's input. The step must leave S as it would
// arrive, rounded as its tags say; then prediction and server agree to the bit, and Corrected counts only what the player
// could not know.
type Own[T any, S comparable, I any] struct {
	state     func(*T) S
	predictor *predict.Predictor[S, I]
	entity    T // scratch
	sent      I // the same

	Compared  uint64 // snapshots that showed what was predicted, right or wrong
	Corrected uint64 // of them, those that differed
}

// Predict makes an Own. state picks what is predicted out of an entity; step moves it on by a tick and depends on nothing
// else.
func Predict[T any, S comparable, I any](state func(*T) S, step func(*S, *I)) *Own[T, S, I] {
	return &Own[T, S, I]{state: state, predictor: predict.New(step)}
}

// Input predicts a tick with its input, which is rounded to what the server will read. Ticks only grow.
func (o *Own[T, S, I]) Input(c *Conn, tick uint32, in *I) {
	c.game.Schema.Input().Snap(unsafe.Pointer(in))
	if !o.predictor.Started() {
		return
	}
	from := o.predictor.Newest() + 1
	if tick-from > predict.History {
		from = tick // too long ago; Step goes on from where it was
	}
	for t := from; t < tick; t++ { // sent before there was anything to predict, or while the entity was not there
		if c.InputAt(t, unsafe.Pointer(&o.sent)) {
			o.predictor.Step(t, o.sent)
		}
	}
	o.predictor.Step(tick, *in)
}

// Snapshot compares the prediction with what the server says of entity id, and corrects it. It returns the state now as it
// was predicted before and as it is after: where they differ, a picture can be smoothed (predict.Smoother). False: the
// entity is not there.
func (o *Own[T, S, I]) Snapshot(v *snapshot.View, id snapshot.ID) (before, after S, ok bool) {
	if !snapshot.Load(v, id, &o.entity) {
		return before, after, false
	}
	state := o.state(&o.entity)
	if predicted, known := o.predictor.At(v.Tick()); known {
		o.Compared++
		if predicted != state {
			o.Corrected++
		}
	}
	before, after = o.predictor.Reconcile(v.Tick(), state)
	return before, after, true
}

// State is the predicted state after the newest input; false before the first snapshot.
func (o *Own[T, S, I]) State() (S, bool) { return o.predictor.State(), o.predictor.Started() }

// At is what was predicted for a tick; false when that was never done, or is too long ago.
func (o *Own[T, S, I]) At(tick uint32) (S, bool) { return o.predictor.At(tick) }

// Reset forgets the prediction: the next snapshot starts another.
func (o *Own[T, S, I]) Reset() { o.predictor.Reset() }
