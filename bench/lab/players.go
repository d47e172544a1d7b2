package lab

import (
	"io"
	"time"

	"github.com/skirmishgg/skirmish/bench/arena"
	"github.com/skirmishgg/skirmish/bench/load"
	"github.com/skirmishgg/skirmish/engine/sim"
	"github.com/skirmishgg/skirmish/netcode/peer"
	"github.com/skirmishgg/skirmish/netcode/simnet"
	"github.com/skirmishgg/skirmish/netcode/snapshot"
	"github.com/skirmishgg/skirmish/netcode/token"
	"github.com/skirmishgg/skirmish/protocol/wire"
	skirmish "github.com/skirmishgg/skirmish/sdk-gen/base/go"
)

func (l *lab) join(i int, t *token.Connect, end *simnet.Endpoint, random io.Reader) (player, error) {
	if l.c.Real {
		return l.joinReal(t, end, random)
	}
	rate := l.c.Definition.Rate
	p := &generated{lab: l, end: end, period: time.Second / time.Duration(rate)}
	p.Player = load.NewPlayer(l.schema, l.c.Trace, rate, start, true)
	p.Player.Checksum = l.check
	p.transport = load.NewTransport(sim.Addr, func() (*token.Connect, error) { return t, nil }, p)
	// Spread over the tick, as the generator's slots are.
	p.due = l.s.Clock.Now() + time.Duration(i)*p.period/time.Duration(l.c.Players)
	return p, nil
}

// generated is a player of the load generator, and a look into what it gets.
type generated struct {
	*load.Player
	lab       *lab
	transport *load.Transport
	end       *simnet.Endpoint
	period    time.Duration
	due       time.Duration // of the next tick
	size      int           // of the datagram in Receive
	buf       [wire.MaxDatagram]byte
}

func (p *generated) Snapshot(t peer.TickInfo, body []byte, stamp time.Duration) {
	p.lab.took(t.Tick, p.size, len(body))
	broken := p.Broken
	p.Player.Snapshot(t, body, stamp)
	if p.Broken > broken && p.lab.measured(t.Tick) {
		p.lab.report.Undecoded++
	}
}

func (p *generated) step(now time.Duration) {
	for pkt, _, ok := p.end.Receive(); ok; pkt, _, ok = p.end.Receive() {
		p.size = len(pkt)
		p.transport.Receive(p.buf[:copy(p.buf[:], pkt)], now, now)
	}
	if n := p.transport.Next(p.buf[:], now); n > 0 {
		p.end.Send(now, p.buf[:n], sim.Addr)
	}
	if now < p.due {
		return
	}
	p.due += p.period
	if n := p.transport.Tick(p.buf[:], now); n > 0 {
		p.end.Send(now, p.buf[:n], sim.Addr)
	}
}

func (p *generated) failure() error { return p.transport.Err() }

// real is the Go client.
type real struct{ skirmish.Simulated }

func (l *lab) joinReal(t *token.Connect, end *simnet.Endpoint, random io.Reader) (player, error) {
	slot := -1
	p := &real{}
	p.End = end
	conn, err := skirmish.NewConn(t, skirmish.Game{
		Schema: l.schema,
		Event: func(_ *skirmish.Conn, data []byte) {
			var w arena.Welcome
			if slot < 0 && snapshot.LoadEvent(l.schema, data, &w) {
				slot = int(w.Slot)
			}
		},
		Input: skirmish.Fill(func(_ *skirmish.Conn, tick uint32, in *arena.Input) {
			if slot >= 0 && tick >= start {
				*in = l.c.Trace.Input(slot, tick-start)
			}
		}),
		Snapshot: func(_ *skirmish.Conn, v *snapshot.View) { l.check(v.Tick(), v) },
	}, random)
	p.Conn = conn
	return p, err
}

func (p *real) step(now time.Duration) { p.Step(now) }

func (p *real) failure() error { return p.Conn.Err() }
