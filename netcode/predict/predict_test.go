package predict

import "testing"

type state struct{ X, V int }
type in struct{ Push int }

func step(s *state, i *in) {
	s.V += i.Push
	s.X += s.V
}

func TestRightPredictionCostsNothing(t *testing.T) {
	server, p := state{}, New(step)
	p.Start(0, state{})
	var server10 state
	for tick := uint32(1); tick <= 20; tick++ {
		i := in{Push: int(tick % 3)}
		step(&server, &i)
		if tick == 10 {
			server10 = server
		}
		p.Step(tick, i)
	}
	if before, after := p.Reconcile(10, server10); before != after || p.Corrections != 0 || p.State() != server {
		t.Errorf("%+v became %+v with %d corrections; server %+v", before, after, p.Corrections, server)
	}
}

func TestWrongPredictionIsPlayedAgain(t *testing.T) {
	p := New(step)
	p.Start(0, state{})
	for tick := uint32(1); tick <= 20; tick++ {
		p.Step(tick, in{Push: 1})
	}
	pushed := state{X: 100, V: 3}
	want := pushed
	for range 10 {
		step(&want, &in{Push: 1})
	}
	if _, after := p.Reconcile(10, pushed); after != want || p.Corrections != 1 || p.Replayed != 10 {
		t.Errorf("after %+v, want %+v; %d corrections, %d replayed", after, want, p.Corrections, p.Replayed)
	}
	if before, after := p.Reconcile(10, pushed); before != after {
		t.Error("the same news corrects twice")
	}
}

func TestLeftOutTicksRepeatTheInputBefore(t *testing.T) {
	p := New(step)
	p.Start(5, state{})
	p.Step(6, in{Push: 1}) // V 1, X 1
	p.Step(9, in{Push: 5}) // 7 and 8 push 1 again: V 2, 3, X 3, 6; then V 8, X 14
	if p.State() != (state{X: 14, V: 8}) || p.Newest() != 9 {
		t.Errorf("%+v at %d", p.State(), p.Newest())
	}
	if got, ok := p.At(8); !ok || got != (state{X: 6, V: 3}) {
		t.Errorf("at 8: %+v, %v", got, ok)
	}
	p.Step(9+2*History, in{}) // far beyond the ring: no endless catching up
	if p.Newest() != 9+2*History {
		t.Errorf("newest %d", p.Newest())
	}
	if _, ok := p.At(8); ok {
		t.Error("a tick that is gone is still there")
	}
	if p.Reconcile(9, state{}); p.Lost != 1 {
		t.Error("a tick that is gone was not counted")
	}
	if p.Reconcile(9000, state{X: 1}); p.State().X != 1 {
		t.Error("news from ahead of the prediction was not taken")
	}
	if p.Reset(); p.Started() {
		t.Error("started after Reset")
	}
}

func TestStepAndReconcileAllocateNothing(t *testing.T) {
	p := New(step)
	p.Start(0, state{})
	tick := uint32(0)
	if n := testing.AllocsPerRun(500, func() {
		tick++
		p.Step(tick, in{Push: 1})
		if tick > 10 {
			p.Reconcile(tick-10, state{X: int(tick)})
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestSmoother(t *testing.T) {
	s := Smoother{Snap: 2}
	s.Add(1, 0)
	for range 15 {
		s.Decay(1.0 / 60)
	}
	if s.X > 0.11 || s.X <= 0 {
		t.Errorf("after a quarter of a second %v of 1 is left", s.X)
	}
	if s.Add(5, 0); s.X != 0 {
		t.Error("a teleport is smoothed")
	}
}
