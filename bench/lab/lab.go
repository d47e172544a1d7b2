// Package lab plays recorded inputs through the whole engine in the simulator, and checks what comes out.
//
// It answers what does not need a socket or a clock: how many bytes a datagram has, whether each client's decoded
// state is the server's quantised state at every tick, and whether a match ends in the same state whoever plays its
// inputs: the load generator's players or real Go clients. The same Config gives the same Report on every machine.
package lab

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"
	"unsafe"

	"github.com/skirmishgg/skirmish/bench/arena"
	"github.com/skirmishgg/skirmish/engine/match"
	"github.com/skirmishgg/skirmish/engine/shard"
	"github.com/skirmishgg/skirmish/engine/sim"
	"github.com/skirmishgg/skirmish/netcode/simnet"
	"github.com/skirmishgg/skirmish/netcode/snapshot"
	"github.com/skirmishgg/skirmish/netcode/token"
	"github.com/skirmishgg/skirmish/protocol/id"
)

// Config is one play.
type Config struct {
	Definition match.Definition
	Trace      *arena.Trace // its rate is the definition's
	Players    int
	Link       simnet.LinkConfig // each direction
	Ticks      int               // measured, after everybody has joined
	Seed       uint64
	Real       bool // Go clients instead of the load generator's players
}

// Report is what came out.
type Report struct {
	Datagrams []int // payload bytes of each datagram that a client received in a measured tick
	Snapshots []int // bytes of the snapshot in it
	Checked   int   // decoded snapshots whose state was the server's
	Undecoded int   // snapshots that came but whose baseline had not
	Moving    float64
	Turning   float64  // shares of players and ticks
	Starved   uint64   // ticks for which the server had no input of a player
	Sums      []uint64 // of the server's state at each measured tick
}

// Mean and Quantile of sizes.
func Mean(sizes []int) float64 {
	sum := 0
	for _, n := range sizes {
		sum += n
	}
	return float64(sum) / float64(max(len(sizes), 1))
}

// Quantile is the size that the share q of sizes does not exceed.
func Quantile(sizes []int, q float64) int {
	if len(sizes) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(sizes))
	return s[min(int(q*float64(len(s))), len(s)-1)]
}

// start is the tick at which the recorded inputs begin: everybody stands still until it, so that the state at it does
// not depend on when who joined.
const start = 180

// lab is a play under way.
type lab struct {
	c      Config
	s      *sim.Sim
	match  *match.Match
	schema *snapshot.Schema
	report Report
	sums   map[uint32]uint64 // of recent ticks
	last   uint32            // tick of the newest sum
	before []arena.Player    // at the tick before
	err    error
}

// player is one client of either kind.
type player interface {
	// step takes what has arrived and sends what is due.
	step(now time.Duration)
	// failure is why it is not connected, nil while it is or tries to be.
	failure() error
}

// Play runs c to its end.
// Errors: a client was refused or lost; a decoded state that is not the server's; snapshots of which something was
// deferred for want of room differ from the server's state and are found by that.
func Play(c Config) (Report, error) {
	l := &lab{c: c, sums: map[uint32]uint64{}, before: make([]arena.Player, c.Players)}
	l.s = sim.New(sim.Config{Seed: c.Seed, Definitions: []*match.Definition{&c.Definition}, Quantum: 250 * time.Microsecond})
	l.schema = l.s.Schema(c.Definition.Name)
	matchID := id.UUID{0: 1}
	var err error
	l.match, err = match.New(match.Config{Definition: &c.Definition, Schema: l.schema, ID: matchID, Seed: c.Seed, Params: []byte(arena.Peaceful)})
	if err != nil {
		return Report{}, err
	}
	info := &shard.Info{ID: matchID, Name: c.Definition.Name, Rate: c.Definition.Rate, Schema: l.schema.Hash()}
	l.s.Shards[0].Start(l.match, info)
	l.s.Directory.Add(info)

	players := make([]player, c.Players)
	random := rand.NewChaCha8(sha256.Sum256(binary.LittleEndian.AppendUint64(nil, c.Seed)))
	for i := range players {
		t := l.s.Mint(token.Private{UserID: id.UUID{0: 2, 15: byte(i)}, MatchID: matchID, Username: fmt.Sprint("p", i), Timeout: 10 * time.Second}, l.schema.Hash())
		addr := netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, byte(i >> 8), byte(i)}), 4000)
		end := l.s.Net.Endpoint(addr, c.Link, c.Link)
		if players[i], err = l.join(i, t, end, random); err != nil {
			return Report{}, err
		}
	}
	period := time.Second / time.Duration(c.Definition.Rate)
	deadline := l.s.Clock.Now() + time.Duration(start+c.Ticks+c.Definition.Rate)*period
	for l.match.LastTick() < uint32(start+c.Ticks) && l.err == nil {
		l.s.Step(deadline)
		l.look()
		for i, p := range players {
			if err := p.failure(); err != nil {
				return l.report, fmt.Errorf("player %d: %w", i, err)
			}
			p.step(l.s.Clock.Now())
		}
		if l.s.Clock.Now() >= deadline {
			return l.report, fmt.Errorf("the match is at tick %d only", l.match.LastTick())
		}
	}
	n := float64(max(c.Players*len(l.report.Sums), 1))
	l.report.Moving, l.report.Turning = l.report.Moving/n, l.report.Turning/n
	return l.report, l.err
}

// measured reports whether a tick counts.
func (l *lab) measured(tick uint32) bool {
	return tick > start && tick <= uint32(start+l.c.Ticks)
}

// look notes the server's state once a tick.
func (l *lab) look() {
	tick := l.match.LastTick()
	if tick == l.last {
		return
	}
	l.last = tick
	w := l.match.World()
	present := w.Present()
	sum := arena.Checksum(l.schema, func(id snapshot.ID) bool { return present[id>>6]>>(id&63)&1 != 0 }, w.Row)
	l.sums[tick] = sum
	delete(l.sums, tick-64)
	if tick == start+1 {
		l.report.Starved = l.match.Counters.InputsStarved // from here on
	}
	if l.measured(tick) {
		l.report.Sums = append(l.report.Sums, sum)
		l.watch(w)
	}
	if tick == uint32(start+l.c.Ticks) {
		l.report.Starved = l.match.Counters.InputsStarved - l.report.Starved
	}
}

// watch counts who moves and who turns.
func (l *lab) watch(w *snapshot.World) {
	kind, _ := snapshot.KindOf[arena.Player](l.schema)
	k := l.schema.Kind(kind)
	for slot := range l.c.Players {
		var p arena.Player
		k.Load(w.Row(k.ID(slot)), unsafe.Pointer(&p))
		old := &l.before[slot]
		if p.X != old.X || p.Y != old.Y {
			l.report.Moving++
		}
		if p.Yaw != old.Yaw {
			l.report.Turning++
		}
		*old = p
	}
}

// check compares a client's decoded state with what the server's was.
func (l *lab) check(tick uint32, v *snapshot.View) {
	want, known := l.sums[tick]
	if !known || !l.measured(tick) {
		return
	}
	if got := arena.Checksum(l.schema, v.Has, v.Row); got != want && l.err == nil {
		l.err = fmt.Errorf("at tick %d a client decoded another state than the server's", tick)
	}
	l.report.Checked++
}

// took notes the sizes of a tick's datagram.
func (l *lab) took(tick uint32, datagram, snapshot int) {
	if l.measured(tick) {
		l.report.Datagrams = append(l.report.Datagrams, datagram)
		l.report.Snapshots = append(l.report.Snapshots, snapshot)
	}
}
