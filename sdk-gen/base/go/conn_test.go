package skirmish_test

import (
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/skirmishgg/skirmish/engine/sim"
	"github.com/skirmishgg/skirmish/netcode/simnet"
	"github.com/skirmishgg/skirmish/netcode/snapshot"
	"github.com/skirmishgg/skirmish/protocol/wire"
	skirmish "github.com/skirmishgg/skirmish/sdk-gen/base/go"
)

const ms = time.Millisecond

// TestSimInputsInTimeAndPredictionsRight: what arrives in time is predicted right; both by link.
//
// Method: the game checks of every tick of every player that the input was made for it; each client compares each
// snapshot with what it had predicted for that tick.
func TestSimInputsInTimeAndPredictionsRight(t *testing.T) {
	seed := sim.Seed(7)
	f := func(link simnet.LinkConfig, seconds, lateMax, wrongMax int) {
		t.Helper()
		l := newLab(t, seed)
		for range 4 {
			l.join(link)
		}
		l.run(10 * time.Second)
		l.game.counts = true
		before := make([]uint64, len(l.pushers))
		for i, p := range l.pushers {
			before[i] = p.own.Corrected
		}
		l.run(time.Duration(seconds) * time.Second)
		wrong, compared := 0, 0
		for i, p := range l.pushers {
			wrong += int(p.own.Corrected - before[i])
			compared += int(p.own.Compared)
			if s := p.Conn.Stats(); s.NotDecoded != 0 || s.Jumps != 0 {
				t.Errorf("%+v: %d snapshots not decoded, %d jumps", link, s.NotDecoded, s.Jumps)
			}
		}
		if all := l.game.inTime + l.game.late; l.game.late > lateMax || wrong > wrongMax || compared < 4*seconds*40 || all < 4*seconds*60 {
			t.Errorf("%+v: %d of %d inputs late, %d of %d predictions wrong; %s", link, l.game.late, all, wrong, compared, sim.Repeat(seed))
		}
	}
	f(simnet.LinkConfig{}, 20, 0, 0)
	f(simnet.LinkConfig{Delay: 25 * ms}, 20, 0, 0)
	f(simnet.LinkConfig{Delay: 50 * ms, Jitter: 20 * ms}, 150, 3, 10)
	f(simnet.LinkConfig{Delay: 50 * ms, Jitter: 20 * ms, Overtake: true, Loss: 0.05}, 150, 3, 10)
	f(simnet.LinkConfig{Delay: 50 * ms, Jitter: 20 * ms, Overtake: true, Loss: 0.2}, 300, 7, 20) // of 72,000: 99.99 %
}

func TestSimEventsComeBackInOrder(t *testing.T) {
	l := newLab(t, 3)
	p := l.join(simnet.LinkConfig{Delay: 25 * ms, Jitter: 10 * ms, Overtake: true, Loss: 0.1, Duplicate: 0.1})
	if err := skirmish.Send(p.Conn, &word{1}); err != skirmish.ErrNotConnected {
		t.Errorf("sending before the connection is open: %v", err)
	}
	l.run(time.Second)
	for i := range uint32(300) {
		if err := skirmish.Send(p.Conn, &word{i}); err != nil {
			t.Fatal(err)
		}
		l.run(20 * ms)
	}
	l.run(2 * time.Second)
	if len(p.words) != 300 || !slices.IsSorted(p.words) {
		t.Errorf("%d of 300 events came back, in order: %v", len(p.words), slices.IsSorted(p.words))
	}
	if err := skirmish.Send(p.Conn, &struct{ X int }{}); err != skirmish.ErrEventType {
		t.Errorf("sending what is no event: %v", err)
	}
}

func TestRefusalsCanBeRead(t *testing.T) {
	f := func(prepare func(l *lab) *pusher, want wire.Deny) {
		t.Helper()
		l := newLab(t, 1)
		p := prepare(l)
		l.until(15*time.Second, func() bool { return p.closed != nil })
		var denied *skirmish.DeniedError
		if !errors.As(p.closed, &denied) || denied.Reason != want || p.Conn.Phase() != skirmish.Ended || p.Conn.Err() != p.closed {
			t.Errorf("ended with %v, want reason %d", p.closed, want)
		} else if len(denied.Error()) < 15 {
			t.Errorf("reason %d prints %q", want, denied)
		}
	}
	f(func(l *lab) *pusher { return l.joinWith(l.mint(1, "unwanted"), simnet.LinkConfig{}) }, wire.DenyRefused)
	f(func(l *lab) *pusher {
		for range 8 {
			l.join(simnet.LinkConfig{})
		}
		l.run(time.Second)
		return l.join(simnet.LinkConfig{})
	}, wire.DenyFull)
	f(func(l *lab) *pusher {
		used := l.mint(1, "")
		l.joinWith(used, simnet.LinkConfig{})
		l.run(time.Second)
		return l.joinWith(used, simnet.LinkConfig{})
	}, wire.DenyReused)
	f(func(l *lab) *pusher {
		l.match[3]++
		return l.joinWith(l.mint(1, ""), simnet.LinkConfig{})
	}, wire.DenyNoMatch)

	l := newLab(t, 1)
	p := l.join(simnet.LinkConfig{Loss: 1})
	if l.until(25*time.Second, func() bool { return p.closed != nil }); p.closed != skirmish.ErrTimeout {
		t.Errorf("without a server: %v", p.closed)
	}
	foreign := l.mint(9, "")
	foreign.Schema[0]++
	if _, err := skirmish.NewConn(foreign, p.game(l.Schema("sledges")), same(1)); err != skirmish.ErrSchema {
		t.Errorf("token of another game: %v", err)
	}
}

func TestEndsCanBeRead(t *testing.T) {
	f := func(end func(l *lab, p *pusher), want wire.Close) {
		t.Helper()
		l := newLab(t, 1)
		p := l.join(simnet.LinkConfig{Delay: 20 * ms})
		l.run(time.Second)
		end(l, p)
		l.until(15*time.Second, func() bool { return p.closed != nil })
		var closed *skirmish.ClosedError
		if !errors.As(p.closed, &closed) || closed.Reason != want || p.Conn.Phase() != skirmish.Ended {
			t.Errorf("ended with %v, want reason %d", p.closed, want)
		}
	}
	ask := func(n uint32) func(l *lab, p *pusher) {
		return func(l *lab, p *pusher) { _ = skirmish.Send(p.Conn, &word{n}) }
	}
	f(ask(askKick), wire.CloseKicked)
	f(ask(askEnd), wire.CloseMatchEnded)
	f(ask(askPanic), wire.CloseMatchError)
	f(func(l *lab, p *pusher) { p.Conn.Leave(l.Clock.Now()) }, wire.CloseLeft)
	f(func(l *lab, p *pusher) { l.Restart() }, wire.CloseReset)
	f(func(l *lab, p *pusher) { p.End.SetLinks(simnet.LinkConfig{Loss: 1}, simnet.LinkConfig{Loss: 1}) }, wire.CloseTimeout)
	f(func(l *lab, p *pusher) { l.joinWith(l.mint(1, ""), simnet.LinkConfig{}) }, wire.CloseReplaced)
}

// TestSimAnotherAddressCostsNothing: events in flight while the client's address changes arrive once, in order.
func TestSimAnotherAddressCostsNothing(t *testing.T) {
	f := func(what string, change func(l *lab, p *pusher, i int), resumptions uint64) {
		t.Helper()
		l := newLab(t, 5)
		p := l.join(simnet.LinkConfig{Delay: 20 * ms})
		l.run(time.Second)
		for i := range 4 {
			for n := range uint32(50) {
				if err := skirmish.Send(p.Conn, &word{uint32(i)*50 + n}); err != nil {
					t.Fatal(err)
				}
				if n == 20 {
					change(l, p, i)
				}
				l.run(5 * ms)
			}
			l.run(4 * time.Second)
		}
		if len(p.words) != 200 || !slices.IsSorted(p.words) || p.closed != nil {
			t.Errorf("%s: %d of 200 events came back, ended %v", what, len(p.words), p.closed)
		}
		if s := p.Conn.Stats(); s.Resumptions != resumptions || p.Conn.Phase() != skirmish.Connected {
			t.Errorf("%s: %d resumptions, want %d", what, s.Resumptions, resumptions)
		}
	}
	port := func(i int) netip.AddrPort { return netip.AddrPortFrom(netip.MustParseAddr("10.8.0.1"), uint16(5000+i)) }
	f("rebind", func(l *lab, p *pusher, i int) { p.End.Rebind(port(i)) }, 0)
	f("lost", func(l *lab, p *pusher, i int) {
		p.End.Rebind(port(i))
		p.Conn.Lost()
	}, 4)
	f("three seconds of silence", func(l *lab, p *pusher, i int) {
		p.End.SetLinks(simnet.LinkConfig{Loss: 1}, simnet.LinkConfig{Loss: 1})
		l.run(3 * time.Second)
		if !p.Conn.Astray(l.Clock.Now()) || p.Conn.Phase() != skirmish.Resuming {
			t.Errorf("silent for %v, phase %d", p.Conn.Silent(l.Clock.Now()), p.Conn.Phase())
		}
		p.End.SetLinks(simnet.LinkConfig{Delay: 20 * ms}, simnet.LinkConfig{Delay: 20 * ms})
	}, 4)
}

// TestSimASecondOfStallIsNotTheEnd: time lost on the client's side is given up, and ticks come right again.
func TestSimASecondOfStallIsNotTheEnd(t *testing.T) {
	l := newLab(t, 5)
	p := l.join(simnet.LinkConfig{Delay: 20 * ms})
	l.run(3 * time.Second)
	for range 1000 { // the process sleeps
		l.Run(ms)
	}
	l.run(5 * time.Second)
	l.game.counts = true
	l.run(10 * time.Second)
	if l.game.late != 0 || p.closed != nil {
		t.Errorf("%d inputs late after a stall, ended %v", l.game.late, p.closed)
	}
}

func TestHeldInputsAndSpectators(t *testing.T) {
	l := newLab(t, 5)
	schema := l.Schema("sledges")
	holder, err := skirmish.NewConn(l.mint(1, ""), skirmish.Game{Schema: schema}, same(1))
	if err != nil {
		t.Fatal(err)
	}
	watcher, err := skirmish.NewConn(l.mint(2, "spectator:"), skirmish.Game{Schema: schema}, same(2))
	if err != nil {
		t.Fatal(err)
	}
	for i, conn := range []*skirmish.Conn{holder, watcher} {
		p := newPusher()
		p.Simulated = &skirmish.Simulated{Conn: conn, End: l.Net.Endpoint(netip.AddrPortFrom(netip.MustParseAddr("10.7.0.1"), uint16(4000+i)), simnet.LinkConfig{}, simnet.LinkConfig{})}
		l.pushers = append(l.pushers, p)
	}
	if err := skirmish.Hold(holder, hello{}); err != skirmish.ErrInputType {
		t.Errorf("holding what is no input: %v", err)
	}
	if err := skirmish.Hold(holder, push{Force: 1}); err != nil {
		t.Fatal(err)
	}
	l.run(4 * time.Second)
	var s sledge
	if v := watcher.View(); v == nil || !snapshot.Load(v, 0, &s) || s.V < 10 {
		t.Errorf("the spectator sees %+v", s)
	}
	if ahead := int32(watcher.Tick() - watcher.View().Tick()); ahead < 0 || ahead > rate {
		t.Errorf("the spectator's tick is %d ahead", ahead)
	}
}

// TestFrameIsBetweenSnapshots: what is shown moves evenly though snapshots are lost.
func TestSimFrameMovesEvenly(t *testing.T) {
	l := newLab(t, 5)
	mover := l.join(simnet.LinkConfig{})
	p := l.join(simnet.LinkConfig{Delay: 30 * ms, Jitter: 5 * ms, Loss: 0.05})
	l.run(10 * time.Second)
	last, stood, frames := float32(-1e9), 0, 0
	for range 600 {
		l.run(10 * ms)
		f, ok := p.Conn.Frame(l.Clock.Now())
		var from, to sledge
		if !ok || !skirmish.Ends(f, snapshot.ID(mover.slot), &from, &to) || f.Fraction < 0 || f.Fraction > 1 {
			t.Fatalf("no frame: %+v", f)
		}
		at := from.X + (to.X-from.X)*f.Fraction
		step := at - last
		if last > -1e8 {
			frames++
			if limit := max(abs(from.V), abs(to.V)) / 64 * 60 / 100; abs(step) > limit*1.5+0.07 {
				t.Errorf("jumped by %v at speed %v", step, from.V)
			}
			if f.From == f.To {
				stood++
			}
		}
		last = at
	}
	if stood*50 > frames {
		t.Errorf("stood still for %d of %d frames", stood, frames)
	}
}

func abs(v float32) float32 { return max(v, -v) }

// TestTickAllocatesNothing: connected clients with their predictions and snapshots, and the server and network around them.
func TestTickAllocatesNothing(t *testing.T) {
	l := newLab(t, 5)
	for range 3 {
		l.join(simnet.LinkConfig{Delay: 5 * ms})
	}
	l.run(20 * time.Second)
	if n := testing.AllocsPerRun(20, func() { l.run(100 * ms) }); n != 0 {
		t.Errorf("%v allocations in a tenth of a second", n)
	}
}

func TestStats(t *testing.T) {
	l := newLab(t, 5)
	p := l.join(simnet.LinkConfig{Delay: 40 * ms, Loss: 0.1})
	if s := p.Conn.Stats(); s.Snapshots != 0 || s.RTT != 0 {
		t.Errorf("before the connection: %+v", s)
	}
	l.run(10 * time.Second)
	s := p.Conn.Stats()
	if s.RTT < 75*ms || s.RTT > 110*ms || s.Loss < 0.01 || s.Loss > 0.3 || s.LossOut < 0.01 || s.LossOut > 0.3 || s.SnapshotGap < 30*ms || s.SnapshotGap > 200*ms ||
		s.BytesIn == 0 || s.BytesOut == 0 || s.Speed < 0.95 || s.Speed > 1.05 || s.ShownDelay < 25*ms || s.ServerTick < 500 || s.Tick <= s.ServerTick {
		t.Errorf("%+v", s)
	}
}
