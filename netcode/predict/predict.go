// Package predict lets a client show its own player now instead of a round trip later.
//
//	each tick       Step(tick, input): the state moves on at once
//	each snapshot   Reconcile(tick, what the server says the state was then): where it differs, the inputs since are
//	                played again on top of it, and what the picture jumped is paid back over a few frames
//
// The step function is the game's, the same that the server runs; the server quantises its state, so with equal inputs
// the two agree to the bit and nothing is played again. A client owns its Predictor; after New nothing allocates.
package predict

// History is how many ticks of inputs and states are kept: at 256 Hz, two round trips of 250 ms.
const History = 128

// Predictor predicts a state S under inputs I. S must hold everything the step depends on.
type Predictor[S comparable, I any] struct {
	step   func(state *S, input *I)
	ring   [History]entry[S, I]
	newest uint32
	any    bool

	Corrections uint64 // reconciliations that differed
	Replayed    uint64 // ticks played again
	Lost        uint64 // reconciliations for a tick that the ring no longer holds
}

type entry[S comparable, I any] struct {
	tick  uint32
	input I
	state S // after the input
}

// New predicts with step, which moves a state on by one tick and depends on nothing else.
func New[S comparable, I any](step func(*S, *I)) *Predictor[S, I] {
	return &Predictor[S, I]{step: step}
}

// Start begins at a state that is known to be right after tick.
func (p *Predictor[S, I]) Start(tick uint32, state S) {
	p.newest, p.any = tick, true
	p.ring[tick%History] = entry[S, I]{tick: tick, state: state}
}

// Started reports whether there is a state to go on from.
func (p *Predictor[S, I]) Started() bool { return p.any }

// Step plays one more tick and returns the state after it. Ticks that were left out repeat the input before them, as the
// server does.
func (p *Predictor[S, I]) Step(tick uint32, input I) S {
	before := p.ring[p.newest%History].input
	if int32(tick-p.newest) > History {
		p.ring[(tick-1)%History] = entry[S, I]{tick: tick - 1, input: before, state: p.State()}
		p.newest = tick - 1
	}
	for int32(tick-p.newest) > 0 {
		state := p.State()
		p.newest++
		e := &p.ring[p.newest%History] // stepped in place: a local's address would escape through the step function
		e.tick, e.input, e.state = p.newest, before, state
		if p.newest == tick {
			e.input = input
		}
		p.step(&e.state, &e.input)
	}
	return p.State()
}

// State is the newest predicted state, and Newest its tick.
func (p *Predictor[S, I]) State() S       { return p.ring[p.newest%History].state }
func (p *Predictor[S, I]) Newest() uint32 { return p.newest }

// At is the predicted state after a tick; false when there is none, or no longer.
func (p *Predictor[S, I]) At(tick uint32) (state S, ok bool) {
	e := &p.ring[tick%History]
	if !p.any || e.tick != tick || int32(p.newest-tick) < 0 || int32(p.newest-tick) >= History {
		return state, false
	}
	return e.state, true
}

// Reset forgets everything: the next Reconcile or Start begins anew.
func (p *Predictor[S, I]) Reset() {
	p.any, p.newest = false, 0
	clear(p.ring[:])
}

// Reconcile takes the server's state after tick. It returns the newest state before and after, which are equal when the
// prediction was right.
func (p *Predictor[S, I]) Reconcile(tick uint32, state S) (before, after S) {
	before = p.State()
	behind := int32(p.newest - tick)
	if !p.any || behind < 0 || behind >= History || p.ring[tick%History].tick != tick {
		p.Lost++
		if !p.any || behind < 0 {
			p.Start(tick, state)
		}
		return before, p.State()
	}
	if p.ring[tick%History].state == state {
		return before, before
	}
	p.Corrections++
	p.ring[tick%History].state = state
	for t := tick + 1; int32(p.newest-t) >= 0; t++ {
		e := &p.ring[t%History]
		e.state = p.ring[(t-1)%History].state
		p.step(&e.state, &e.input)
		p.Replayed++
	}
	return before, p.State()
}

// Smoother pays a jump of the picture back: what is shown is the state plus Offset, which shrinks to nothing.
type Smoother struct {
	X, Y float32
	Snap float32 // a jump further than this is shown at once: a respawn, a teleport
}

// Add takes a jump from where something was shown to where it is.
func (s *Smoother) Add(dx, dy float32) {
	s.X, s.Y = s.X+dx, s.Y+dy
	if float32(s.X*s.X)+float32(s.Y*s.Y) > s.Snap*s.Snap {
		s.X, s.Y = 0, 0
	}
}

// Decay shrinks the offset by a frame of dt seconds: nine tenths are gone after a quarter of a second.
func (s *Smoother) Decay(dt float32) {
	keep := max(1-9.2*dt, 0)
	s.X, s.Y = s.X*keep, s.Y*keep
}
