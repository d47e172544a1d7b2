package sim

import (
	"encoding/binary"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strconv"
	"time"

	"github.com/skirmishgg/skirmish/engine/clock"
	"github.com/skirmishgg/skirmish/engine/loop"
	"github.com/skirmishgg/skirmish/engine/match"
	"github.com/skirmishgg/skirmish/engine/ring"
	"github.com/skirmishgg/skirmish/engine/shard"
	"github.com/skirmishgg/skirmish/engine/udp"
	"github.com/skirmishgg/skirmish/netcode/simnet"
	"github.com/skirmishgg/skirmish/netcode/snapshot"
	"github.com/skirmishgg/skirmish/netcode/token"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// Config is what a simulation is made of.
type Config struct {
	Seed        uint64
	Definitions []*match.Definition
	Shards      int           // default 1
	ConnsMax    int           // of each shard
	Sessions    loop.Sessions // serves native sessions; nil: there are none
	SessionsMax int
	Quantum     time.Duration // clients and packets move on this grid, shards to their deadlines; default 1 ms
	OnStep      func(d time.Duration)
}

// Sim is a server, its clients and the network between them.
type Sim struct {
	Clock     *clock.Manual
	Net       *simnet.Net
	Control   *loop.Control
	Shards    []*shard.Shard
	Directory *loop.Directory
	Posts     *match.Posts
	Reports   []shard.Report // matches that ended
	Clients   []*Client

	config  Config
	schemas map[string]*snapshot.Schema
	port    *port
	reports *ring.MPSC[shard.Report]
	batch   []udp.Datagram
	random  random
	keys    [4][32]byte // token, ticket, reset; server id
	started int
}

// Addr is where the server is.
var Addr = netip.MustParseAddrPort("192.0.2.1:7350")

// epoch is the wall time at which simulations start.
var epoch = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

// New makes a server without matches.
func New(c Config) *Sim {
	if c.Shards == 0 {
		c.Shards = 1
	}
	if c.Quantum == 0 {
		c.Quantum = time.Millisecond
	}
	s := &Sim{
		config: c, Clock: clock.NewManual(time.Second), Net: simnet.NewNet(c.Seed),
		schemas: map[string]*snapshot.Schema{}, batch: make([]udp.Datagram, udp.MaxBatch), random: random{match.NewRand(c.Seed)},
	}
	for _, d := range c.Definitions {
		schema, err := d.Compile()
		if err != nil {
			panic("sim: " + err.Error())
		}
		s.schemas[d.Name] = schema
	}
	for i := range s.keys {
		_, _ = s.random.Read(s.keys[i][:])
	}
	s.boot()
	return s
}

// boot makes the server's half.
func (s *Sim) boot() {
	s.Directory, s.reports, s.Posts = loop.NewDirectory(), ring.NewMPSC[shard.Report](64), match.NewPosts(1024)
	s.port = newPort(s.Net, Addr, s.config.Shards+1, s.Clock)
	s.Shards = nil
	for i := range s.config.Shards {
		s.Shards = append(s.Shards, shard.New(shard.Config{
			Index: i, Socket: s.port.sockets[i+1], Clock: s.Clock, Wall: s.Wall, Random: &s.random,
			Sockets: s.config.Shards + 1, TicketKey: s.keys[1], ResetKey: s.keys[2], ConnsMax: s.config.ConnsMax,
			Reports: s.reports,
		}))
	}
	for _, schema := range s.schemas {
		s.Directory.AddSchema(schema.Hash())
	}
	s.Control = loop.NewControl(loop.Config{
		ServerID: s.serverID(), TokenKey: s.keys[0], TicketKey: s.keys[1], ResetKey: s.keys[2],
		Random: &s.random, Clock: s.Clock, Wall: s.Wall, Directory: s.Directory, Shards: s.Shards,
		Sessions: s.config.Sessions, SessionsMax: s.config.SessionsMax, Wake: s.port.sockets[0].Wake,
	})
}

// Restart is a server that crashed and is back: the same keys, no match, no connection. Clients notice.
func (s *Sim) Restart() {
	s.port.end.Close()
	s.boot()
}

// Wall is the wall time.
func (s *Sim) Wall() time.Time { return epoch.Add(s.Clock.Now()) }

func (s *Sim) serverID() [8]byte { return [8]byte(s.keys[3][:]) }

// Schema is that of a definition.
func (s *Sim) Schema(name string) *snapshot.Schema { return s.schemas[name] }

// StartMatch starts a match of the definition of that name, on the shards in turn. It panics when the game refuses.
func (s *Sim) StartMatch(name string, seed uint64, params []byte) id.UUID {
	for _, d := range s.config.Definitions {
		if d.Name != name {
			continue
		}
		s.started++
		matchID := id.UUID{15: byte(s.started), 14: byte(s.started >> 8)}
		m, err := match.New(match.Config{Definition: d, Schema: s.schemas[name], ID: matchID, Seed: seed, Params: params, Posts: s.Posts})
		if err != nil {
			panic("sim: " + err.Error())
		}
		i := (s.started - 1) % len(s.Shards)
		info := &shard.Info{ID: matchID, Name: name, Rate: d.Rate, Schema: s.schemas[name].Hash(), Shard: i}
		s.Shards[i].Start(m, info)
		s.Directory.Add(info)
		return matchID
	}
	panic("sim: no definition " + name)
}

// Mint makes a connect token.
func (s *Sim) Mint(p token.Private, schema [8]byte) *token.Connect {
	if p.ServerID == [8]byte{} {
		p.ServerID = s.serverID()
	}
	if p.Suite == 0 {
		p.Suite = wire.SuiteAES128GCM
	}
	key := token.Key(s.keys[0])
	c, err := token.Mint(&key, p, token.Options{
		Schema: schema, Expiry: s.Wall().Add(wire.TokenLifetime), Addresses: []netip.AddrPort{Addr}, Random: &s.random,
	})
	if err != nil {
		panic("sim: " + err.Error())
	}
	return c
}

// Run lets d pass.
func (s *Sim) Run(d time.Duration) {
	for end := s.Clock.Now() + d; s.Clock.Now() < end; {
		s.Step(end)
	}
}

// Until runs until done, at most d; it says whether it is.
func (s *Sim) Until(d time.Duration, done func() bool) bool {
	for end := s.Clock.Now() + d; s.Clock.Now() < end; s.Step(end) {
		if done() {
			return true
		}
	}
	return done()
}

// Step moves to the next moment at which something may happen, not beyond end.
func (s *Sim) Step(end time.Duration) {
	now := s.Clock.Now()
	next := min(end, now-now%s.config.Quantum+s.config.Quantum)
	for _, sh := range s.Shards {
		if at := sh.Next(); at > now {
			next = min(next, at)
		}
	}
	if at := s.Control.Next(); at > now {
		next = min(next, at)
	}
	if s.config.OnStep != nil {
		s.config.OnStep(next - now)
	}
	s.Clock.Advance(next - now)
	s.Net.Advance(next)
	s.port.pump()
	s.serve(next)
	if next%s.config.Quantum == 0 || next == end {
		for _, c := range s.Clients {
			c.Step(next)
		}
	}
}

// serve is the server's turn.
func (s *Sim) serve(now time.Duration) {
	control := s.port.sockets[0]
	if len(control.waiting) > 0 || control.woken.Load() || now >= s.Control.Next() {
		control.woken.Store(false)
		if err := s.Control.Drain(control, s.batch); err != nil {
			panic("sim: " + err.Error())
		}
	}
	s.Control.Idle(now)
	for i, sh := range s.Shards {
		// as Run does: with connections packets wait for the deadline, without they end the wait
		sock := s.port.sockets[i+1]
		if now >= sh.Next() || sock.woken.Load() || len(sock.waiting) > 0 && sh.Stats.Conns.Load() == 0 {
			sock.woken.Store(false)
			sh.Step()
		}
	}
	for r, ok := s.reports.TryPop(); ok; r, ok = s.reports.TryPop() {
		s.Directory.Remove(r.Info)
		s.Reports = append(s.Reports, r)
	}
}

// random is deterministic; tests of cryptography are elsewhere.
type random struct{ match.Rand }

func (r *random) Read(b []byte) (int, error) {
	for i := 0; i < len(b); i += 8 {
		var word [8]byte
		binary.LittleEndian.PutUint64(word[:], r.Uint64())
		copy(b[i:], word[:])
	}
	return len(b), nil
}

var _ io.Reader = (*random)(nil)

// Seed is the seed of a simulation test: otherwise, or what `make sim SEED=n` says.
func Seed(otherwise uint64) uint64 {
	if n, err := strconv.ParseUint(os.Getenv("SKIRMISH_SEED"), 10, 64); err == nil {
		return n
	}
	return otherwise
}

// Repeat is what a failing simulation prints.
func Repeat(seed uint64) string { return fmt.Sprintf("repeat with: make sim SEED=%d", seed) }

// Late is the lateness that 99 % of all ticks stayed below.
func Late(s *Sim) time.Duration {
	var buckets []uint64
	for _, sh := range s.Shards {
		buckets = sh.Stats.Lateness.Buckets(buckets)
	}
	return shard.Quantile(buckets, 0.99)
}
