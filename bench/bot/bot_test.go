package bot

import (
	"net/netip"
	"testing"
	"time"

	"github.com/skirmishgg/skirmish/bench/arena"
	"github.com/skirmishgg/skirmish/engine/match"
	"github.com/skirmishgg/skirmish/engine/sim"
	"github.com/skirmishgg/skirmish/netcode/simnet"
	"github.com/skirmishgg/skirmish/netcode/token"
	skirmish "github.com/skirmishgg/skirmish/sdk-gen/base/go"
)

// stage is an arena with bots, all simulated.
type stage struct {
	*sim.Sim
	bots    []*Bot
	clients []*skirmish.Simulated
}

func newStage(t testing.TB, seed uint64, rate, bots int, link simnet.LinkConfig) *stage {
	t.Helper()
	def := arena.Definition(rate)
	s := &stage{Sim: sim.New(sim.Config{Seed: seed, Definitions: []*match.Definition{&def}})}
	matchID := s.StartMatch(def.Name, seed, nil)
	schema := s.Schema(def.Name)
	for i := range bots {
		b := New(schema, rate, seed+uint64(i))
		minted := s.Mint(token.Private{UserID: [16]byte{byte(i + 1)}, MatchID: matchID, Username: "bot"}, schema.Hash())
		conn, err := skirmish.NewConn(minted, b.Game(), zeros{byte(i)})
		if err != nil {
			t.Fatal(err)
		}
		addr := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 1, byte(i)}), 4000)
		s.bots = append(s.bots, b)
		s.clients = append(s.clients, &skirmish.Simulated{Conn: conn, End: s.Net.Endpoint(addr, link, link)})
	}
	return s
}

// zeros is a client's randomness in a simulation: different clients, the same in each run.
type zeros struct{ b byte }

func (z zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = z.b
	}
	return len(p), nil
}

func (s *stage) play(d time.Duration) {
	for end := s.Clock.Now() + d; s.Clock.Now() < end; {
		s.Run(time.Millisecond)
		for _, c := range s.clients {
			c.Step(s.Clock.Now())
		}
	}
}

type tally struct{ kills, deaths, predictions, corrections, shots, snapshots, broken uint64 }

func (s *stage) tally() (sum tally) {
	for i, b := range s.bots {
		sum.kills += uint64(b.Kills)
		sum.deaths += uint64(b.Deaths)
		sum.predictions += b.Predictions
		sum.corrections += b.Corrections
		sum.shots += b.Shots
		stats := s.clients[i].Conn.Stats()
		sum.snapshots += stats.Snapshots
		sum.broken += stats.NotDecoded
	}
	return sum
}

// TestSimBotsFight: on a clean link bots kill each other and nothing that they predict is wrong.
func TestSimBotsFight(t *testing.T) {
	seed := sim.Seed(1)
	s := newStage(t, seed, arena.Rate, 12, simnet.LinkConfig{Delay: 25 * time.Millisecond})
	s.play(2 * time.Second) // ticks settle
	before := s.tally()
	s.play(40 * time.Second)
	got := s.tally()
	t.Logf("in 40 s: %+v", got)
	if got.corrections != before.corrections {
		t.Errorf("%d of %d predictions were wrong on a clean link; %s", got.corrections-before.corrections, got.predictions, sim.Repeat(seed))
	}
	if got.predictions < 12*60*30 || got.kills < 15 || got.broken != 0 {
		t.Errorf("%+v; %s", got, sim.Repeat(seed))
	}
}

// TestSimBotsFightOnABadLink: predictions are seldom wrong and always come right again.
func TestSimBotsFightOnABadLink(t *testing.T) {
	seed := sim.Seed(2)
	s := newStage(t, seed, arena.Rate, 12, simnet.LinkConfig{Delay: 50 * time.Millisecond, Jitter: 15 * time.Millisecond, Overtake: true, Loss: 0.05, Duplicate: 0.02})
	s.play(10 * time.Second)
	before := s.tally()
	s.play(30 * time.Second)
	got := s.tally()
	t.Logf("in 30 s: %+v", got)
	wrong, all := got.corrections-before.corrections, got.predictions-before.predictions
	if wrong*500 > all || got.kills < 15 {
		t.Errorf("%d of %d predictions were wrong, %d kills; %s", wrong, all, got.kills, sim.Repeat(seed))
	}
}

// TestSimIsRepeatable: the same seed is the same fight.
func TestSimIsRepeatable(t *testing.T) {
	run := func() tally {
		s := newStage(t, 3, arena.RateFast, 6, simnet.LinkConfig{Delay: 10 * time.Millisecond, Jitter: 5 * time.Millisecond, Loss: 0.02})
		s.play(8 * time.Second)
		return s.tally()
	}
	if a, b := run(), run(); a != b {
		t.Errorf("%+v, then %+v", a, b)
	}
}
