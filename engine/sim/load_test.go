package sim

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/skirmishgg/skirmish/engine/match"
	"github.com/skirmishgg/skirmish/netcode/simnet"
	"github.com/skirmishgg/skirmish/netcode/snapshot"
	"github.com/skirmishgg/skirmish/netcode/token"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// long is for `make sim`.
var long = os.Getenv("SKIRMISH_SIM_LONG") != ""

// TestSimThousandRebinds: the NAT in front of 1,000 players forgets all of them at once. Nobody is disconnected, and of
// the numbered events that go both ways all the time none is lost, doubled or out of order.
func TestSimThousandRebinds(t *testing.T) {
	const players, perMatch = 1000, 50
	seed := Seed(11)
	def, _ := strollDef("stroll", 30, perMatch, func(g *stroll) {
		g.ticked = func(c *match.Ctx, g *stroll) {
			if c.Tick()%6 == 0 {
				match.Broadcast(c, &note{N: c.Tick()/6 + 1<<16})
			}
		}
	})
	s := New(Config{Seed: seed, Definitions: []*match.Definition{def}, Shards: 2})
	schema := s.Schema("stroll")
	type ledger struct{ sent, echoed, told uint32 }
	books := make([]ledger, players)
	link := simnet.LinkConfig{Delay: 20 * time.Millisecond, Jitter: 3 * time.Millisecond, Loss: 0.02}
	for i := range players {
		if i%perMatch == 0 {
			s.StartMatch("stroll", seed, nil)
		}
		b := &books[i]
		s.Connect(ClientConfig{
			Schema: schema, Match: [16]byte{15: byte(i/perMatch + 1)}, Up: link, Down: link, Think: walking(nil),
			Event: func(_ uint8, data []byte) {
				var n note
				switch snapshot.LoadEvent(schema, data, &n); {
				case n.N < 1<<16:
					if b.echoed++; n.N != b.echoed {
						t.Errorf("player %d: echo %d after %d", i, n.N, b.echoed-1)
					}
				case b.told != 0 && n.N != b.told+1:
					t.Errorf("player %d: told %d after %d", i, n.N, b.told)
				default:
					b.told = n.N
				}
			},
		})
	}
	if !s.Until(10*time.Second, opened(s.Clients...)) {
		t.Fatalf("not everybody connected. %s", Repeat(seed))
	}
	data := []byte(nil)
	talk := func(d time.Duration) {
		for end := s.Clock.Now() + d; s.Clock.Now() < end; s.Run(200 * time.Millisecond) {
			for i, c := range s.Clients {
				books[i].sent++
				data, _ = snapshot.AppendEvent(schema, data[:0], &note{N: books[i].sent})
				if err := c.Peer.SendEvent(0, data, s.Clock.Now()); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	talk(time.Second)
	for i, c := range s.Clients {
		c.Rebind(netip.AddrPortFrom(netip.AddrFrom4([4]byte{172, 16, byte(i >> 8), byte(i)}), uint16(1024+i)))
	}
	talk(2 * time.Second)
	s.Run(2 * time.Second)
	for i, c := range s.Clients {
		b := &books[i]
		if !c.Open() || b.echoed != b.sent || b.told < 1<<16+20 {
			t.Errorf("player %d: closed for %d, %d of %d echoes, told up to %d", i, c.Closed(), b.echoed, b.sent, b.told-1<<16)
		}
	}
	for i, sh := range s.Shards {
		if n := sh.Stats.Conns.Load(); n != players/2 || sh.Stats.Timeouts.Load() != 0 {
			t.Errorf("shard %d: %d connections, %d timeouts", i, n, sh.Stats.Timeouts.Load())
		}
	}
	if t.Failed() {
		t.Log(Repeat(seed))
	}
}

// TestSimInputsOnTime: at 20 % loss and ± 20 ms of jitter at least 99.99 % of the ticks have their own input, once the
// clients have found their lead.
func TestSimInputsOnTime(t *testing.T) {
	seed, length := Seed(12), 110*time.Second
	if long {
		length = 20 * time.Minute
	}
	var used, exact int
	counting := false
	def, games := strollDef("stroll", 60, 16, func(g *stroll) {
		g.ticked = func(c *match.Ctx, g *stroll) {
			for _, p := range c.Players() {
				if counting {
					used++
					if match.Input[walk](p).Mark == uint16(c.Tick()) {
						exact++
					}
				}
			}
		}
	})
	_ = games
	s := New(Config{Seed: seed, Definitions: []*match.Definition{def}})
	m := s.StartMatch("stroll", seed, nil)
	link := simnet.LinkConfig{Delay: 40 * time.Millisecond, Jitter: 20 * time.Millisecond, Overtake: true, Loss: 0.2}
	for range 16 {
		s.Connect(ClientConfig{Schema: s.Schema("stroll"), Match: m, Up: link, Down: link, Think: walking(nil)})
	}
	if !s.Until(20*time.Second, opened(s.Clients...)) {
		t.Fatalf("not everybody connected. %s", Repeat(seed))
	}
	s.Run(20 * time.Second)
	counting = true
	s.Run(length)
	part := float64(exact) / float64(used)
	early := 0.0
	for _, c := range s.Clients {
		early += float64(c.Margin) / 16 / float64(len(s.Clients))
	}
	t.Logf("%d of %d inputs in time: %.4f %%; last margin %.1f ticks on average", exact, used, part*100, early)
	if part < 0.9999 {
		t.Errorf("%.4f %% of inputs in time, want 99.99. %s", part*100, Repeat(seed))
	}
}

// TestSimOverrun: a match that is too slow catches up, then gives up time, then is ended with a reason; a stall of the
// whole machine is forgiven, and the match beside it goes on.
func TestSimOverrun(t *testing.T) {
	var s *Sim
	def, games := strollDef("stroll", 60, 4, func(g *stroll) {})
	s = New(Config{Seed: 13, Definitions: []*match.Definition{def}})
	slow, fine := s.StartMatch("stroll", 1, nil), s.StartMatch("stroll", 2, nil)
	do := uint8(0)
	a := s.Connect(ClientConfig{Schema: s.Schema("stroll"), Match: slow, Think: walking(&do)})
	b := s.Connect(ClientConfig{Schema: s.Schema("stroll"), Match: fine, Think: walking(nil)})
	s.Until(time.Second, opened(a, b))
	g, st := (*games)[0], &s.Shards[0].Stats
	g.clock = s.Clock

	tick := s.Directory.List()[0].Tick.Load()
	s.Clock.Advance(40 * time.Millisecond) // a hiccup of two ticks: caught up
	s.Run(time.Second)
	if st.CaughtUp.Load() == 0 || st.Slipped.Load() != 0 {
		t.Errorf("after a hiccup: caught up %d, slipped %d", st.CaughtUp.Load(), st.Slipped.Load())
	}
	if got := s.Directory.List()[0].Tick.Load() - tick; got < 61 || got > 64 {
		t.Errorf("%d ticks in 1.04 s", got)
	}
	s.Clock.Advance(4 * time.Second) // a machine that stood still
	s.Run(11 * time.Second)
	if st.Slipped.Load() == 0 || st.Overruns.Load() != 0 || !a.Open() || !b.Open() {
		t.Errorf("after a stall: slipped %d, overruns %d", st.Slipped.Load(), st.Overruns.Load())
	}

	g.busy, do = 20*time.Millisecond, doBusy // 20 ms of work every 16.7 ms
	if !s.Until(30*time.Second, func() bool { return a.Closed() != 0 }) || a.Closed() != wire.CloseOverrun {
		t.Errorf("closed for %d", a.Closed())
	}
	if st.Overruns.Load() != 1 || len(s.Reports) != 1 || s.Reports[0].Why != wire.CloseOverrun || s.Reports[0].Match != slow {
		t.Errorf("overruns %d, reports %+v", st.Overruns.Load(), s.Reports)
	}
	before := b.Counters.Snapshots
	s.Run(time.Second)
	if got := b.Counters.Snapshots - before; !b.Open() || got < 55 {
		t.Errorf("the match beside it: open %v, %d snapshots", b.Open(), got)
	}
}

// TestSimGarbage: 100,000 datagrams a second of all kinds while a match runs. Nothing allocates, nobody is dropped, every
// input is in time.
func TestSimGarbage(t *testing.T) {
	seed := Seed(14)
	def, games := strollDef("stroll", 60, 4, func(g *stroll) { g.marks = map[string][]uint16{} })
	s := New(Config{Seed: seed, Definitions: []*match.Definition{def}})
	m := s.StartMatch("stroll", 1, nil)
	for i := range 4 {
		s.Connect(ClientConfig{Schema: s.Schema("stroll"), Match: m, Name: fmt.Sprint(i), Think: walking(nil)})
	}
	s.Until(time.Second, opened(s.Clients...))
	s.Run(5 * time.Second)
	clear((*games)[0].marks)

	noise := s.Net.Endpoint(netip.MustParseAddrPort("203.0.113.66:6666"), simnet.LinkConfig{}, simnet.LinkConfig{})
	rng := match.NewRand(seed)
	pkt := make([]byte, 1200)
	good := s.Mint(token.Private{MatchID: m}, s.Schema("stroll").Hash()).Marshal()
	back := 0
	snapshots := s.Clients[0].Counters.Snapshots
	for range 2000 { // 2 s
		for range 100 {
			for i := 0; i < 64; i += 8 {
				binary.LittleEndian.PutUint64(pkt[i:], rng.Uint64())
			}
			n := rng.IntN(1200)
			switch rng.IntN(6) {
			case 0: // data of nobody
				pkt[0], pkt[1] = 0x40|pkt[0]&7, byte(rng.IntN(3))
			case 1: // data of a real connection, forged
				pkt[0] = 0x40
				binary.LittleEndian.PutUint32(pkt[1:], s.Clients[rng.IntN(4)].Result.CID)
			case 2: // made-up handshakes of the right size
				pkt[0], pkt[1], n = byte(0x80+2*rng.IntN(2)), 0, 1200
				copy(pkt[2:], good[:20])
			case 3: // RESUME
				pkt[0], pkt[1], n = byte(wire.FormResume), 1, 1200
			case 4: // queries
				copy(pkt, "\xff\xff\xff\xffTSource Engine Query\x00")
			}
			noise.Send(s.Clock.Now(), pkt[:n], Addr)
		}
		s.Run(time.Millisecond)
		for _, _, ok := noise.Receive(); ok; _, _, ok = noise.Receive() {
			back++
		}
	}
	for i, c := range s.Clients {
		marks := (*games)[0].marks[fmt.Sprint(i)]
		if !c.Open() || len(marks) < 119 {
			t.Errorf("client %d: closed for %d, %d ticks", i, c.Closed(), len(marks))
		}
		for j := 1; j < len(marks); j++ {
			if marks[j] != marks[j-1]+1 {
				t.Errorf("client %d: input %d after %d. %s", i, marks[j], marks[j-1], Repeat(seed))
			}
		}
	}
	if got := s.Clients[0].Counters.Snapshots - snapshots; got < 119 {
		t.Errorf("%d snapshots in 2 s", got)
	}
	if back > 200 {
		t.Errorf("the source of the noise got %d answers to 200,000 datagrams", back)
	}
	st, control := &s.Shards[0].Stats, s.Control.Stats()
	if st.Unknown.Load() == 0 || st.Refused.Load() == 0 || st.Garbage.Load()+control.Garbage == 0 || control.Handshake.Version+control.Handshake.Forged+control.Handshake.ExpiryFar == 0 {
		t.Errorf("not everything was counted: %d %d %d %+v", st.Unknown.Load(), st.Refused.Load(), st.Garbage.Load(), control)
	}
	t.Logf("%d answers; control %+v", back, control.Handshake)
}
