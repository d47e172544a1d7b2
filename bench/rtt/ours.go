package rtt

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	skirmish "github.com/skirmishgg/skirmish/sdk-gen/base/go"

	"github.com/skirmishgg/skirmish/netcode/snapshot"
	"github.com/skirmishgg/skirmish/netcode/token"
)

// Player is one client of the echo game: the Go client, which sends an event in each of its ticks as long as it is told
// to.
type Player struct {
	// constant after Join
	number uint32
	schema *snapshot.Schema
	sink   *Sink
	client *skirmish.Client
	// any goroutine
	send atomic.Bool
	// the client's goroutine
	seq uint32
	buf []byte // an event as it travels
	err error  // what SendEvent said
}

// Join connects client number n with a token.
func Join(ctx context.Context, t *token.Connect, schema *snapshot.Schema, sink *Sink, n int) (*Player, error) {
	p := &Player{number: uint32(n), schema: schema, sink: sink}
	client, err := skirmish.ConnectToken(ctx, t, skirmish.Game{
		Schema: schema,
		Input:  skirmish.Fill(p.input),
		Event:  p.event,
	})
	p.client = client
	return p, err
}

// input is the client's tick: the event made here leaves with this tick's datagram.
func (p *Player) input(c *skirmish.Conn, tick uint32, in *Input) {
	in.Turn = int16(tick % 256)
	if !p.send.Load() {
		return
	}
	now := uint64(p.sink.clock.Now())
	ping := Ping{Client: p.number, Seq: p.seq, SentLo: uint32(now), SentHi: uint32(now >> 32)}
	p.seq++
	p.buf, _ = snapshot.AppendEvent(p.schema, p.buf[:0], &ping)
	if err := c.SendEvent(p.buf, c.Now()); err != nil {
		p.err = err
	}
}

// event is the handler that the round trip ends in.
func (p *Player) event(_ *skirmish.Conn, data []byte) {
	var ping Ping
	if snapshot.LoadEvent(p.schema, data, &ping) {
		p.sink.received(ping.Client, ping.Seq, ping.sent())
	}
}

// progress is the number of the next event, and what went wrong with one before.
func (p *Player) progress() (seq uint32, err error) {
	p.client.Do(func(*skirmish.Conn, time.Duration) { seq, err = p.seq, p.err })
	return seq, err
}

// Play is Drive for ours, whose clients have ticks of their own: unmeasured for warm, then measured for count ticks.
// Errors: a client's connection ended, or its event was refused.
func Play(s *Sink, players []*Player, warm time.Duration, count int) (Report, error) {
	for _, p := range players {
		p.send.Store(true)
	}
	s.clock.SleepUntil(s.clock.Now() + warm)
	first := make([]uint32, len(players))
	for i, p := range players {
		first[i], _ = p.progress()
	}
	s.begin(first)
	s.clock.SleepUntil(s.clock.Now() + time.Duration(count)*time.Second/Rate)
	sent := uint64(0)
	for i, p := range players {
		p.send.Store(false)
		end, err := p.progress()
		if err != nil {
			return Report{}, fmt.Errorf("client %d: send an event: %w", p.number, err)
		}
		sent += uint64(end - first[i])
	}
	for wait := s.clock.Now() + stragglerWait; s.count() < sent && s.clock.Now() < wait; {
		s.clock.SleepUntil(s.clock.Now() + 10*time.Millisecond)
	}
	for _, p := range players {
		select {
		case <-p.client.Done():
			return Report{}, fmt.Errorf("client %d: %w", p.number, p.client.Err())
		default:
		}
	}
	return s.report(len(players), sent), nil
}
