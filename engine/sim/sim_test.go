package sim

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/skirmishgg/skirmish/engine/match"
	"github.com/skirmishgg/skirmish/netcode/handshake"
	"github.com/skirmishgg/skirmish/netcode/peer"
	"github.com/skirmishgg/skirmish/netcode/simnet"
	"github.com/skirmishgg/skirmish/netcode/snapshot"
	"github.com/skirmishgg/skirmish/netcode/token"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

func opened(clients ...*Client) func() bool {
	return func() bool {
		for _, c := range clients {
			if !c.Open() {
				return false
			}
		}
		return true
	}
}

// TestSimEndToEnd: connect, inputs up, snapshots down, an event there and back, over a bad link, with both suites; what
// the client decodes is what the server captured.
func TestSimEndToEnd(t *testing.T) {
	seed := Seed(1)
	def, games := strollDef("stroll", 60, 4, func(g *stroll) { g.marks = map[string][]uint16{} })
	s := New(Config{Seed: seed, Definitions: []*match.Definition{def}})
	m := s.StartMatch("stroll", seed, nil)
	bad := simnet.LinkConfig{Delay: 30 * time.Millisecond, Jitter: 5 * time.Millisecond, Loss: 0.03, Duplicate: 0.02, Reorder: 0.02, Corrupt: 0.01}
	var clients []*Client
	for i, suite := range []wire.Suite{wire.SuiteAES128GCM, wire.SuiteChaCha20Poly1305} {
		events := map[uint32]bool{}
		c := s.Connect(ClientConfig{
			Schema: s.Schema("stroll"), Match: m, Name: fmt.Sprint("p", i), Suite: suite, Up: bad, Down: bad, Think: walking(nil),
			Event: func(_ uint8, data []byte) {
				var n note
				if snapshot.LoadEvent(s.Schema("stroll"), data, &n) {
					events[n.N] = true
				}
			},
		})
		clients = append(clients, c)
		if !s.Until(5*time.Second, opened(c)) {
			t.Fatalf("suite %d: not connected: %v. %s", suite, c.Err, Repeat(seed))
		}
		data, _ := snapshot.AppendEvent(s.Schema("stroll"), nil, &note{N: 77})
		if err := c.Peer.SendEvent(0, data, s.Clock.Now()); err != nil {
			t.Fatal(err)
		}
		if !s.Until(2*time.Second, func() bool { return events[77] }) {
			t.Errorf("suite %d: the event did not come back. %s", suite, Repeat(seed))
		}
	}
	s.Run(10 * time.Second)
	g := (*games)[0]
	for i, c := range clients {
		v := c.Decoder.Newest()
		var w walker
		if !c.Open() || v == nil || c.Counters.Snapshots < 500 || !snapshot.Load(v, g.walkers.ID(i), &w) || !v.Has(g.pebbles.ID(39)) {
			t.Fatalf("client %d: open %v, closed for %d, %+v. %s", i, c.Open(), c.Closed(), c.Counters, Repeat(seed))
		}
		if c.Counters.Undecodable > 20 {
			t.Errorf("client %d: %d snapshots without a baseline. %s", i, c.Counters.Undecodable, Repeat(seed))
		}
		if n := len(g.marks[fmt.Sprint("p", i)]); n < 550 {
			t.Errorf("client %d: %d inputs used", i, n)
		}
	}
	if got := s.Shards[0].Stats.Refused.Load(); got == 0 {
		t.Errorf("no corrupted or duplicated packet was refused. %s", Repeat(seed))
	}
}

// TestSimRefusals: each way not to get in has an answer that the client can read.
func TestSimRefusals(t *testing.T) {
	def, _ := strollDef("stroll", 60, 2, nil)
	other, _ := strollDef("other", 30, 2, nil)
	s := New(Config{Seed: 3, Definitions: []*match.Definition{def, other}})
	m := s.StartMatch("stroll", 1, nil)
	schema := s.Schema("stroll")
	f := func(what string, c ClientConfig, want wire.Deny) *Client {
		t.Helper()
		if c.Schema == nil {
			c.Schema = schema
		}
		cl := s.Connect(c)
		s.Until(3*time.Second, func() bool { return cl.Open() || cl.Err != nil })
		var denied *handshake.DeniedError
		switch {
		case want == 0 && !cl.Open():
			t.Errorf("%s: %v", what, cl.Err)
		case want != 0 && (!errors.As(cl.Err, &denied) || denied.Reason != want):
			t.Errorf("%s: open %v, %v, want reason %d", what, cl.Open(), cl.Err, want)
		}
		return cl
	}
	f("the game refuses", ClientConfig{Match: m, Data: []byte("unwanted")}, wire.DenyRefused)
	f("first", ClientConfig{Match: m}, 0)
	f("second", ClientConfig{Match: m}, 0)
	f("full", ClientConfig{Match: m}, wire.DenyFull)
	spectator := f("a spectator", ClientConfig{Match: m, Data: []byte(match.SpectatorPrefix)}, 0)
	f("no such match", ClientConfig{Match: id.UUID{9}}, wire.DenyNoMatch)
	f("a session", ClientConfig{Token: s.Mint(token.Private{UserID: [16]byte{1}}, [8]byte{})}, wire.DenyPurpose)
	f("schema of nobody", ClientConfig{Token: s.Mint(token.Private{UserID: [16]byte{1}, MatchID: m}, [8]byte{1})}, wire.DenyVersion)
	f("schema of another match", ClientConfig{Schema: s.Schema("other"), Match: m}, wire.DenyVersion)
	f("another server", ClientConfig{Token: s.Mint(token.Private{ServerID: [8]byte{1}, MatchID: m}, schema.Hash())}, wire.DenyAudience)
	once := s.Mint(token.Private{UserID: [16]byte{7}, MatchID: m, GameData: []byte("spectator:x")}, schema.Hash())
	f("a token", ClientConfig{Token: once}, 0)
	f("the same token", ClientConfig{Token: once}, wire.DenyReused)
	old := s.Mint(token.Private{UserID: [16]byte{8}, MatchID: m}, schema.Hash())
	s.Run(40 * time.Second)
	f("an old token", ClientConfig{Token: old}, wire.DenyExpired)

	if spectator.Decoder.Newest() == nil {
		t.Error("the spectator sees nothing")
	}
	s.Shards[0].Drain()
	s.Run(10 * time.Millisecond)
	f("the shard drains", ClientConfig{Match: m}, wire.DenyDraining)
	s.Directory.Draining.Store(true)
	f("the server drains", ClientConfig{Match: m}, wire.DenyDraining)
	if s.Shards[0].Stats.Denied[wire.DenyFull].Load() != 1 {
		t.Error("the refusal was not counted")
	}
}

// TestSimEnds: how a connection can end, what each client reads, and what the game is told.
func TestSimEnds(t *testing.T) {
	def, games := strollDef("stroll", 60, 8, nil)
	s := New(Config{Seed: 4, Definitions: []*match.Definition{def}})
	m, quiet := s.StartMatch("stroll", 1, nil), s.StartMatch("stroll", 2, nil)
	connect := func(m id.UUID, user byte, do *uint8) *Client {
		t.Helper()
		c := s.Connect(ClientConfig{Schema: s.Schema("stroll"), Match: m, User: id.UUID{user}, Think: walking(do), Timeout: 2 * time.Second})
		if !s.Until(2*time.Second, opened(c)) {
			t.Fatalf("user %d: %v", user, c.Err)
		}
		return c
	}
	closed := func(c *Client, want wire.Close) {
		t.Helper()
		if !s.Until(12*time.Second, func() bool { return c.Closed() != 0 }) || c.Closed() != want {
			t.Errorf("closed for %d, want %d", c.Closed(), want)
		}
	}
	g := (*games)[0]
	bystander := connect(quiet, 100, nil)

	left := connect(m, 1, nil)
	left.Leave()
	s.Run(time.Second)
	if len(g.left) != 1 || g.left[0] != wire.CloseLeft {
		t.Errorf("the game was told %v", g.left)
	}

	kick := uint8(0)
	kicked := connect(m, 2, &kick)
	kick = doKickMe
	closed(kicked, wire.CloseKicked)

	// The same user again: the old connection reads why, the place stays.
	first := connect(m, 3, nil)
	second := connect(m, 3, nil)
	closed(first, wire.CloseReplaced)
	s.Run(100 * time.Millisecond)
	if !second.Open() || g.returned != 1 || g.walkers.Len() != 1 {
		t.Errorf("replaced: open %v, returned %d, %d walkers", second.Open(), g.returned, g.walkers.Len())
	}

	// Silence: away after the timeout, back within the grace, gone after it.
	second.Vanish()
	s.Run(3 * time.Second)
	if g.away != 1 || g.walkers.Len() != 1 {
		t.Errorf("away %d, %d walkers", g.away, g.walkers.Len())
	}
	third := connect(m, 3, nil)
	if g.returned != 2 || g.walkers.Len() != 1 {
		t.Errorf("returned %d, %d walkers", g.returned, g.walkers.Len())
	}
	third.Vanish()
	s.Run(8 * time.Second)
	if g.walkers.Len() != 0 || g.left[len(g.left)-1] != wire.CloseTimeout {
		t.Errorf("%d walkers, left %v", g.walkers.Len(), g.left)
	}

	// The game ends the match: its last event still arrives.
	last := map[uint32]bool{}
	do := uint8(0)
	c := s.Connect(ClientConfig{
		Schema: s.Schema("stroll"), Match: m, User: id.UUID{5}, Think: walking(&do),
		Up: simnet.LinkConfig{Delay: 20 * time.Millisecond, Loss: 0.3}, Down: simnet.LinkConfig{Delay: 20 * time.Millisecond, Loss: 0.3},
		Event: func(_ uint8, data []byte) {
			var n note
			snapshot.LoadEvent(s.Schema("stroll"), data, &n)
			last[n.N] = true
		},
	})
	s.Until(5*time.Second, opened(c))
	do = doEnd
	closed(c, wire.CloseMatchEnded)
	if !last[999] {
		t.Error("the last event did not arrive")
	}
	if len(s.Reports) != 1 || s.Reports[0].Why != wire.CloseMatchEnded || s.Reports[0].Match != m {
		t.Errorf("reports %+v", s.Reports)
	}
	if _, ok := s.Directory.Find(m); ok {
		t.Error("the ended match is still listed")
	}
	if !bystander.Open() {
		t.Error("another match's player was disconnected")
	}
	s.Shards[0].Stop()
	closed(bystander, wire.CloseShutdown)
	if !s.Until(time.Second, s.Shards[0].Done) {
		t.Error("the shard did not stop")
	}
}

// TestSimPanic: a panic ends its own match with a reason, and nothing else.
func TestSimPanic(t *testing.T) {
	def, _ := strollDef("stroll", 60, 4, nil)
	s := New(Config{Seed: 5, Definitions: []*match.Definition{def}})
	a, b := s.StartMatch("stroll", 1, nil), s.StartMatch("stroll", 2, nil)
	do := uint8(0)
	victim := s.Connect(ClientConfig{Schema: s.Schema("stroll"), Match: a, Think: walking(&do)})
	other := s.Connect(ClientConfig{Schema: s.Schema("stroll"), Match: b, Think: walking(nil)})
	s.Until(time.Second, opened(victim, other))
	before := other.Counters.Snapshots
	do = doPanic
	s.Run(time.Second)
	var p *match.PanicError
	if victim.Closed() != wire.CloseMatchError || len(s.Reports) != 1 || !errors.As(s.Reports[0].Err, &p) || p.Value != "somebody asked for it" {
		t.Errorf("closed for %d, reports %+v", victim.Closed(), s.Reports)
	}
	if got := other.Counters.Snapshots - before; !other.Open() || got < 55 {
		t.Errorf("the other match: open %v, %d snapshots in the second after", other.Open(), got)
	}
	if s.Shards[0].Stats.Panics.Load() != 1 || s.Shards[0].Stats.Matches.Load() != 1 {
		t.Error("not counted")
	}
}

// TestSimRestart: clients of a restarted server learn within a round trip, from a reset that only it can make.
func TestSimRestart(t *testing.T) {
	def, _ := strollDef("stroll", 60, 32, nil)
	s := New(Config{Seed: 6, Definitions: []*match.Definition{def}})
	m := s.StartMatch("stroll", 1, nil)
	link := simnet.LinkConfig{Delay: 25 * time.Millisecond}
	var clients []*Client
	for range 8 {
		clients = append(clients, s.Connect(ClientConfig{Schema: s.Schema("stroll"), Match: m, Think: walking(nil), Up: link, Down: link}))
	}
	s.Until(2*time.Second, opened(clients...))
	s.Run(time.Second)
	s.Restart()
	s.Run(50*time.Millisecond + 2*time.Second/60 + 5*time.Millisecond)
	for i, c := range clients {
		if c.Closed() != wire.CloseReset {
			t.Errorf("client %d: closed for %d", i, c.Closed())
		}
	}
	// A ticket from before says so too.
	clients[0].Resume(netip.MustParseAddrPort("10.9.9.9:9"))
	var denied *handshake.DeniedError
	if !s.Until(time.Second, func() bool { return clients[0].Err != nil }) || !errors.As(clients[0].Err, &denied) || denied.Reason != wire.DenyGone {
		t.Errorf("RESUME after the restart: %v", clients[0].Err)
	}
	// One source gets ten answers a second, whatever it sends.
	noise := make([]byte, 60)
	noise[0], noise[1] = 0x40, 1
	sent := s.Shards[0].Stats.Resets.Load()
	for range 100 {
		clients[1].Send(noise)
	}
	s.Run(100 * time.Millisecond)
	if got := s.Shards[0].Stats.Resets.Load() - sent; got > 1 {
		t.Errorf("%d resets to one source at once", got)
	}
}

// TestSimResume: a client that lost its socket takes its connection up from another address; what was queued arrives.
func TestSimResume(t *testing.T) {
	def, games := strollDef("stroll", 60, 4, func(g *stroll) { g.talk = true })
	s := New(Config{Seed: 7, Definitions: []*match.Definition{def}})
	m := s.StartMatch("stroll", 1, nil)
	link := simnet.LinkConfig{Delay: 20 * time.Millisecond, Loss: 0.1}
	var heard []uint32
	c := s.Connect(ClientConfig{
		Schema: s.Schema("stroll"), Match: m, Think: walking(nil), Up: link, Down: link,
		Event: func(_ uint8, data []byte) {
			var n note
			snapshot.LoadEvent(s.Schema("stroll"), data, &n)
			heard = append(heard, n.N)
		},
	})
	s.Until(2*time.Second, opened(c))
	s.Run(time.Second)
	cid := c.Result.CID
	for i := range 3 {
		c.Resume(netip.AddrPortFrom(netip.MustParseAddr("10.8.8.8"), uint16(1000+i)))
		if !s.Until(3*time.Second, opened(c)) {
			t.Fatalf("resume %d: %v", i, c.Err)
		}
		s.Run(2 * time.Second)
		if c.Closed() != 0 || c.Result.CID == cid {
			t.Fatalf("resume %d: closed for %d, CID %x", i, c.Closed(), c.Result.CID)
		}
		cid = c.Result.CID
	}
	for i := 1; i < len(heard); i++ {
		if heard[i] != heard[i-1]+1 {
			t.Fatalf("event %d came after %d", heard[i], heard[i-1])
		}
	}
	if g := (*games)[0]; len(heard) < 300 || g.away != 0 || s.Shards[0].Stats.Resumed.Load() != 3 || s.Shards[0].Stats.Conns.Load() != 1 {
		t.Errorf("%d events, away %d, resumed %d, conns %d", len(heard), g.away, s.Shards[0].Stats.Resumed.Load(), s.Shards[0].Stats.Conns.Load())
	}
	// A ticket is good once.
	spent := c.Resumed
	c.Resume(netip.MustParseAddrPort("10.8.8.9:1"))
	s.Until(2*time.Second, opened(c))
	s.Run(500 * time.Millisecond)
	c.Resumed = spent
	c.Resume(netip.MustParseAddrPort("10.8.8.9:2"))
	s.Until(2*time.Second, func() bool { return c.Err != nil || c.Open() })
	var denied *handshake.DeniedError
	if !errors.As(c.Err, &denied) || denied.Reason != wire.DenyGone && denied.Reason != wire.DenyReused {
		t.Errorf("a used ticket: %v", c.Err)
	}
}

// TestSimDeterminism: the same seed gives the same run: every datagram that a client gets, byte for byte.
func TestSimDeterminism(t *testing.T) {
	run := func(seed uint64) []byte {
		def, _ := strollDef("stroll", 64, 6, func(g *stroll) { g.talk = true })
		s := New(Config{Seed: seed, Definitions: []*match.Definition{def}, Shards: 2})
		var out []byte
		for i := range 2 {
			m := s.StartMatch("stroll", seed+uint64(i), nil)
			for range 4 {
				link := simnet.LinkConfig{Delay: 15 * time.Millisecond, Jitter: 10 * time.Millisecond, Loss: 0.1, Duplicate: 0.1}
				s.Connect(ClientConfig{
					Schema: s.Schema("stroll"), Match: m, Think: walking(nil), Up: link, Down: link,
					Snapshot: func(v *snapshot.View) {
						out = append(out, byte(v.Tick()))
						for id, ok := v.Next(0); ok; id, ok = v.Next(id + 1) {
							for _, code := range v.Row(id) {
								out = append(out, byte(code), byte(code>>8))
							}
						}
					},
				})
			}
		}
		s.Run(3 * time.Second)
		for _, sh := range s.Shards {
			out = fmt.Append(out, sh.Stats.Ticks.Load(), sh.Stats.Refused.Load())
		}
		return out
	}
	seed := Seed(8)
	if a := run(seed); len(a) < 1000 || !bytes.Equal(a, run(seed)) {
		t.Errorf("two runs differ, or are empty (%d bytes). %s", len(a), Repeat(seed))
	} else if bytes.Equal(a, run(seed+1)) {
		t.Error("the seed changes nothing")
	}
}

// TestStepAllocatesNothing: a whole Step of a shard with 16 players' packets in it: receive, tick, encode, seal, queue.
// Not AllocsPerRun, whose first, unmeasured run would be the one with the packets.
func TestStepAllocatesNothing(t *testing.T) {
	def, _ := strollDef("stroll", 60, 16, func(g *stroll) { g.talk = true })
	s := New(Config{Seed: 9, Definitions: []*match.Definition{def}})
	m := s.StartMatch("stroll", 1, nil)
	var clients []*Client
	for range 16 {
		clients = append(clients, s.Connect(ClientConfig{Schema: s.Schema("stroll"), Match: m, Think: walking(nil)}))
	}
	s.Until(time.Second, opened(clients...))
	s.Run(10 * time.Second)
	sh := s.Shards[0]
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // nobody else allocates meanwhile
	var before, after runtime.MemStats
	var allocs, ticks, packets uint64
	for range 300 {
		// Up to the next deadline as Sim.Step does, then the Step by itself.
		next := sh.Next()
		s.Run(next - s.Clock.Now() - 1)
		s.Clock.SleepUntil(next)
		s.Net.Advance(next)
		s.port.pump()
		packets += uint64(len(s.port.sockets[1].waiting))
		ran := sh.Stats.Ticks.Load()
		runtime.ReadMemStats(&before)
		sh.Step()
		runtime.ReadMemStats(&after)
		allocs += after.Mallocs - before.Mallocs
		ticks += sh.Stats.Ticks.Load() - ran
	}
	if allocs != 0 || ticks < 100 || packets < 1000 {
		t.Errorf("%d allocations in 300 Steps with %d ticks and %d packets", allocs, ticks, packets)
	}
}

var _ peer.Handler = (*Client)(nil)
