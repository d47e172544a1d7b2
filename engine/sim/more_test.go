package sim

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skirmishgg/skirmish/engine/match"
	"github.com/skirmishgg/skirmish/netcode/handshake"
	"github.com/skirmishgg/skirmish/netcode/simnet"
	"github.com/skirmishgg/skirmish/netcode/snapshot"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// TestSimRates: matches of 1 to 256 Hz on one shard. Each keeps its rate, and sends one datagram a client and tick; slow
// ones add what keeps the connection alive.
func TestSimRates(t *testing.T) {
	rates := []int{1, 10, 30, 60, 128, 256}
	var defs []*match.Definition
	for _, rate := range rates {
		def, _ := strollDef(fmt.Sprint("at", rate), rate, 2, nil)
		defs = append(defs, def)
	}
	s := New(Config{Seed: 21, Definitions: defs, Quantum: 500 * time.Microsecond})
	link := simnet.LinkConfig{Delay: 10 * time.Millisecond}
	for _, def := range defs {
		m := s.StartMatch(def.Name, 1, nil)
		s.Connect(ClientConfig{Schema: s.Schema(def.Name), Match: m, Think: walking(nil), Up: link, Down: link})
	}
	if !s.Until(5*time.Second, opened(s.Clients...)) {
		t.Fatal("not everybody connected")
	}
	s.Run(3 * time.Second)
	type mark struct {
		tick                uint32
		snapshots, received uint64
	}
	take := func(i int) mark {
		c := s.Clients[i]
		return mark{s.Directory.List()[index(s, defs[i].Name)].Tick.Load(), c.Counters.Snapshots, c.Peer.Stats().PacketsIn}
	}
	before := make([]mark, len(rates))
	for i := range rates {
		before[i] = take(i)
	}
	s.Run(10 * time.Second)
	for i, rate := range rates {
		now := take(i)
		ticks, snapshots, received := int(now.tick-before[i].tick), int(now.snapshots-before[i].snapshots), int(now.received-before[i].received)
		if ticks < rate*10-1 || ticks > rate*10+1 {
			t.Errorf("%d Hz: %d ticks in 10 s", rate, ticks)
		}
		if snapshots < rate*10-2 || snapshots > rate*10+2 {
			t.Errorf("%d Hz: %d snapshots in 10 s", rate, snapshots)
		}
		if rate >= 60 && received > snapshots+25 { // the peer's own: a report a second, and what goes with it
			t.Errorf("%d Hz: %d datagrams for %d snapshots", rate, received, snapshots)
		}
	}
	st := &s.Shards[0].Stats
	if late := Late(s); late > 600*time.Microsecond || st.Slipped.Load() != 0 {
		t.Errorf("late by %v, slipped %d", late, st.Slipped.Load())
	}
}

func index(s *Sim, name string) int {
	for i, m := range s.Directory.List() {
		if m.Name == name {
			return i
		}
	}
	return -1
}

// TestSimStreams: large messages both ways through a match over a lossy link, inside virtual time because KCP reads the
// clock itself.
func TestSimStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		big := bytes.Repeat([]byte("a level, or a replay. "), 2000)
		def, games := strollDef("stroll", 60, 2, nil)
		s := New(Config{Seed: 22, Definitions: []*match.Definition{def}, OnStep: time.Sleep})
		m := s.StartMatch("stroll", 1, nil)
		link := simnet.LinkConfig{Delay: 20 * time.Millisecond, Loss: 0.05}
		var got [][]byte
		c := s.Connect(ClientConfig{
			Schema: s.Schema("stroll"), Match: m, Think: walking(nil), Up: link, Down: link,
			Stream: func(ch uint8, data []byte) { got = append(got, bytes.Clone(data)) },
		})
		if !s.Until(5*time.Second, opened(c)) {
			t.Fatal(c.Err)
		}
		g := (*games)[0]
		once := false
		g.ticked = func(ctx *match.Ctx, g *stroll) {
			if !once {
				once = true
				if err := match.SendStream(ctx, ctx.Players()[0], 4, big); err != nil {
					t.Error(err)
				}
			}
		}
		if err := c.Peer.SendStream(5, big); err != nil {
			t.Fatal(err)
		}
		if !s.Until(20*time.Second, func() bool { return len(got) == 1 && len(g.heard) == 1 }) {
			t.Fatalf("%d arrived at the client, %d at the game; closed for %d", len(got), len(g.heard), c.Closed())
		}
		if !bytes.Equal(got[0], big) || g.heard[0] != string(big) {
			t.Error("something else arrived")
		}
	})
}

// TestSimLostDeny: the refusal is lost; the client asks again and reads the same.
func TestSimLostDeny(t *testing.T) {
	def, _ := strollDef("stroll", 60, 1, nil)
	s := New(Config{Seed: 23, Definitions: []*match.Definition{def}})
	m := s.StartMatch("stroll", 1, nil)
	s.Connect(ClientConfig{Schema: s.Schema("stroll"), Match: m})
	s.Until(time.Second, opened(s.Clients...))
	lossy := simnet.LinkConfig{Delay: 5 * time.Millisecond, Loss: 0.4}
	answered := 0
	for range 20 {
		c := s.Connect(ClientConfig{Schema: s.Schema("stroll"), Match: m, Up: lossy, Down: lossy})
		s.Until(15*time.Second, func() bool { return c.Err != nil || c.Open() })
		var denied *handshake.DeniedError
		if errors.As(c.Err, &denied) {
			// After five seconds without an answer the client begins anew, and its token counts as used.
			if denied.Reason != wire.DenyFull && denied.Reason != wire.DenyReused {
				t.Errorf("reason %d", denied.Reason)
			}
			answered++
		}
	}
	if answered < 18 || s.Shards[0].Stats.Denied[wire.DenyFull].Load() > 20 {
		t.Errorf("%d of 20 read why; %d were judged", answered, s.Shards[0].Stats.Denied[wire.DenyFull].Load())
	}
}

// TestSimLostAccept: the same for ACCEPT: one connection, however often the RESPONSE comes.
func TestSimLostAccept(t *testing.T) {
	def, _ := strollDef("stroll", 60, 32, nil)
	s := New(Config{Seed: 24, Definitions: []*match.Definition{def}})
	m := s.StartMatch("stroll", 1, nil)
	lossy := simnet.LinkConfig{Delay: 30 * time.Millisecond, Loss: 0.5, Duplicate: 0.3}
	for range 20 {
		s.Connect(ClientConfig{Schema: s.Schema("stroll"), Match: m, Think: walking(nil), Up: lossy, Down: lossy})
	}
	s.Run(12 * time.Second)
	open := 0
	for _, c := range s.Clients {
		if c.Open() {
			open++
		}
	}
	if got := s.Shards[0].Stats.Conns.Load(); open < 16 || got > 20 || s.Control.Stats().Joins > 20 {
		t.Errorf("%d open, %d connections, %d joins", open, got, s.Control.Stats().Joins)
	}
}

// TestSimBudget: a match whose world does not fit its budget sends what matters first, and everything in the end.
func TestSimBudget(t *testing.T) {
	def, games := strollDef("stroll", 60, 16, nil)
	def.BudgetBytes = 90
	s := New(Config{Seed: 25, Definitions: []*match.Definition{def}})
	m := s.StartMatch("stroll", 1, nil)
	for range 16 {
		s.Connect(ClientConfig{Schema: s.Schema("stroll"), Match: m, Think: walking(nil)})
	}
	s.Until(time.Second, opened(s.Clients...))
	s.Run(5 * time.Second)
	g := (*games)[0]
	for i, c := range s.Clients {
		v := c.Decoder.Newest()
		own := g.walkers.ID(i)
		if !v.Has(own) || v.Age(own) != 0 {
			t.Errorf("client %d: its own walker is %d ticks old", i, v.Age(own))
		}
		for id, ok := snapshot.ID(0), true; ok; id, ok = v.Next(id + 1) {
			if v.Has(id) && v.Age(id) > 30 {
				t.Errorf("client %d: entity %d is %d ticks old", i, id, v.Age(id))
			}
		}
		if v.Tick() != s.Clients[0].Decoder.Newest().Tick() || !v.Has(g.pebbles.ID(39)) {
			t.Errorf("client %d lacks what does not move", i)
		}
	}
	if info := s.Directory.List()[0]; info.Deferred.Load() == 0 || info.SnapshotBytes.Load() > info.Snapshots.Load()*90 {
		t.Errorf("%d deferred, %d B in %d snapshots", info.Deferred.Load(), info.SnapshotBytes.Load(), info.Snapshots.Load())
	}
}
