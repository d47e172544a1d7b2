package node

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"runtime"
	"sync"
	"time"

	"github.com/skirmishgg/skirmish/engine/clock"
	"github.com/skirmishgg/skirmish/engine/loop"
	"github.com/skirmishgg/skirmish/engine/match"
	"github.com/skirmishgg/skirmish/engine/ring"
	"github.com/skirmishgg/skirmish/engine/shard"
	"github.com/skirmishgg/skirmish/engine/udp"
	"github.com/skirmishgg/skirmish/netcode/query"
	"github.com/skirmishgg/skirmish/netcode/snapshot"
	"github.com/skirmishgg/skirmish/netcode/token"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// Config says what to build. The zero value of everything but Games is usable.
type Config struct {
	Name    string // as server lists show it; "": skirmish
	Addr    string // UDP; "": 127.0.0.1:7350
	DataDir string // where keys live; "": they are made anew each time
	Driver  string // auto, linux, portable
	Shards  int    // 0: one a core
	Games   []match.Definition

	Timestamps bool         // take the arrival of datagrams from the kernel: margins are then exact
	Log        *slog.Logger // nil: slog.Default()
}

const (
	addrDefault = "127.0.0.1:7350"
	postsMax    = 4096
	reportsMax  = 1024
	watchEvery  = 20 * time.Millisecond
)

// Node is a server.
type Node struct {
	// constant after New
	c       Config
	log     *slog.Logger
	keys    keys
	games   map[string]game
	port    *loop.Port
	shards  []*shard.Shard
	control *loop.Control
	dir     *loop.Directory
	posts   *match.Posts
	reports *ring.MPSC[shard.Report]
	began   time.Time

	mu      sync.Mutex // guards the life below
	state   state
	running sync.WaitGroup // shards
	workers sync.WaitGroup // the worker
	quit    chan struct{}
	next    int // shard of the next match

	discarded uint64 // posts, counted by the worker
}

type state uint8

const (
	made    state = iota // left by Start
	started              // left by Stop
	stopped
)

type game struct {
	def    match.Definition
	schema *snapshot.Schema
}

// New builds the server and binds its port; nothing is answered before Start.
// Errors: a definition that cannot be, keys that cannot be read, a port that is taken.
func New(c Config) (*Node, error) {
	if c.Addr == "" {
		c.Addr = addrDefault
	}
	if c.Name == "" {
		c.Name = "skirmish"
	}
	if c.Shards <= 0 {
		c.Shards = runtime.NumCPU()
	}
	n := &Node{c: c, log: c.Log, games: map[string]game{}, dir: loop.NewDirectory(), posts: match.NewPosts(postsMax),
		reports: ring.NewMPSC[shard.Report](reportsMax), quit: make(chan struct{}), began: time.Now()}
	if n.log == nil {
		n.log = slog.Default()
	}
	for _, def := range c.Games {
		schema, err := def.Compile()
		if err != nil {
			return nil, err
		}
		if _, twice := n.games[def.Name]; twice {
			return nil, fmt.Errorf("two games are called %s", def.Name)
		}
		n.games[def.Name] = game{def, schema}
		n.dir.AddSchema(schema.Hash())
	}
	var err error
	if n.keys, err = loadKeys(c.DataDir); err != nil {
		return nil, err
	}
	if n.port, err = loop.Open(udp.Config{Addr: c.Addr, Shards: c.Shards, Driver: c.Driver, Timestamps: c.Timestamps}); err != nil {
		return nil, fmt.Errorf("open UDP %s: %w", c.Addr, err)
	}
	n.build()
	return n, nil
}

func (n *Node) build() {
	group := n.port.Group()
	for i := range n.c.Shards {
		n.shards = append(n.shards, shard.New(shard.Config{Index: i, Socket: group.Shard(i), Clock: clock.Real{}, Wall: time.Now, Random: rand.Reader,
			Sockets: n.c.Shards + 1, TicketKey: n.keys.ticket, ResetKey: n.keys.reset, Reports: n.reports}))
	}
	n.control = loop.NewControl(loop.Config{ServerID: n.keys.serverID, TokenKey: n.keys.token, TicketKey: n.keys.ticket, ResetKey: n.keys.reset,
		Random: rand.Reader, Clock: clock.Real{}, Wall: time.Now, Directory: n.dir, Shards: n.shards, Describe: n.describe})
}

// Start runs shards, control loop and the worker.
func (n *Node) Start() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.state != made {
		return
	}
	n.state = started
	// A locked thread that wakes needs a free P; with as many as cores, two busy goroutines keep it waiting for 10 ms.
	runtime.GOMAXPROCS(max(runtime.GOMAXPROCS(0), runtime.NumCPU()+n.c.Shards+1))
	for _, s := range n.shards {
		n.running.Go(s.Run) // stopped by Stop, which waits for it
	}
	n.workers.Go(n.work) // stopped by Stop, which waits for it
	n.port.Start(n.control)
	group := n.port.Group()
	n.log.Info("listening", "udp", group.LocalAddr().String(), "driver", group.Driver(), "shards", n.c.Shards)
	if note := group.Note(); note != "" {
		n.log.Warn("UDP driver is not the one of first choice", "why", note)
	}
}

// Stop refuses new players, ends all matches, says goodbye and closes the port. It may be called twice.
func (n *Node) Stop() error {
	n.mu.Lock()
	before := n.state
	n.state = stopped
	n.mu.Unlock()
	if before == stopped {
		return nil
	}
	n.dir.Draining.Store(true)
	if before == started {
		for _, s := range n.shards {
			for !s.Stop() { // a full inbox empties within a step
				time.Sleep(time.Millisecond)
			}
		}
		n.running.Wait()
		n.port.Stop()
		close(n.quit)
		n.workers.Wait()
	}
	return n.port.Close()
}

// work is the services' side of the matches: their reports, and what they post. It is a stub until operations exist:
// posts are counted and thrown away.
func (n *Node) work() {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-n.quit:
			n.collect()
			return
		case <-tick.C:
			n.collect()
		}
	}
}

func (n *Node) collect() {
	for r, ok := n.reports.TryPop(); ok; r, ok = n.reports.TryPop() {
		n.dir.Remove(r.Match)
		level := slog.LevelInfo
		if r.Err != nil {
			level = slog.LevelError
		}
		n.log.Log(context.Background(), level, "match ended", "match", r.Match.String(), "game", r.Name, "tick", r.Tick, "why", int(r.Why), "err", r.Err)
	}
	for _, ok := n.posts.TryPop(); ok; _, ok = n.posts.TryPop() {
		n.discarded++
	}
}

// ErrNoGame refuses to start a match of a game that the server has not got.
var ErrNoGame = errors.New("no such game")

// ErrStopped refuses what needs a running server.
var ErrStopped = errors.New("the server is not running")

// StartMatch starts a match of a game by its name, on the shards in turn. params reach the game as Ctx.Params.
func (n *Node) StartMatch(name string, params []byte) (*shard.Info, error) {
	var seed [8]byte
	if _, err := rand.Read(seed[:]); err != nil {
		return nil, err
	}
	return n.StartMatchSeeded(name, params, binary.LittleEndian.Uint64(seed[:]))
}

// StartMatchSeeded is StartMatch with the seed of its randomness, for runs that can be repeated.
func (n *Node) StartMatchSeeded(name string, params []byte, seed uint64) (*shard.Info, error) {
	g, ok := n.games[name]
	if !ok {
		return nil, fmt.Errorf("%w: %s", ErrNoGame, name)
	}
	matchID, err := id.NewV4(rand.Reader)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.state != started {
		return nil, ErrStopped
	}
	m, err := match.New(match.Config{Definition: &g.def, Schema: g.schema, ID: matchID, Seed: seed, Params: params, Posts: n.posts})
	if err != nil {
		return nil, err
	}
	info := &shard.Info{ID: matchID, Name: name, Rate: g.def.Rate, Schema: g.schema.Hash(), Shard: n.next}
	n.next = (n.next + 1) % len(n.shards)
	n.dir.Add(info)
	if !n.shards[info.Shard].Start(m, info) {
		n.dir.Remove(matchID)
		return nil, fmt.Errorf("shard %d is too busy to start a match", info.Shard)
	}
	return info, nil
}

// EndMatch ends a match; its players are told CloseMatchEnded.
func (n *Node) EndMatch(matchID id.UUID) {
	if info, ok := n.dir.Find(matchID); ok {
		n.shards[info.Shard].End(matchID, wire.CloseMatchEnded)
	}
}

// Matches are all running matches.
func (n *Node) Matches() []*shard.Info { return n.dir.List() }

// Schema is the compiled schema of a game, which its clients need too.
func (n *Node) Schema(name string) (*snapshot.Schema, error) {
	g, ok := n.games[name]
	if !ok {
		return nil, fmt.Errorf("%w: %s", ErrNoGame, name)
	}
	return g.schema, nil
}

// Addr is where the server listens.
func (n *Node) Addr() netip.AddrPort { return n.port.Group().LocalAddr() }

// TokenRequest says for whom a connect token is.
type TokenRequest struct {
	Match    id.UUID
	UserID   id.UUID // zero: a new one is drawn
	Username string
	Data     []byte // for the game's Join; starts with match.SpectatorPrefix to watch only

	Addresses []netip.AddrPort // zero: the loopback address of the server's port
	Suite     wire.Suite       // zero: AES-128-GCM
	Timeout   time.Duration    // zero: 10 s
}

// MintToken makes a token that lets one user connect once, within 30 seconds.
func (n *Node) MintToken(r TokenRequest) (*token.Connect, error) {
	info, ok := n.dir.Find(r.Match)
	if !ok {
		return nil, fmt.Errorf("no match %s", r.Match)
	}
	var err error
	if r.UserID.IsZero() {
		if r.UserID, err = id.NewV4(rand.Reader); err != nil {
			return nil, err
		}
	}
	if r.Suite == 0 {
		r.Suite = wire.SuiteAES128GCM
	}
	if len(r.Addresses) == 0 {
		r.Addresses = []netip.AddrPort{reachable(n.Addr())}
	}
	return token.Mint(&n.keys.token, token.Private{ServerID: n.keys.serverID, UserID: r.UserID, Username: r.Username, MatchID: r.Match,
		Shard: uint8(info.Shard + 1), Suite: r.Suite, Timeout: r.Timeout, GameData: r.Data},
		token.Options{Schema: info.Schema, Expiry: time.Now().Add(wire.TokenLifetime), Addresses: r.Addresses, Random: rand.Reader})
}

// reachable is how this machine itself reaches a server that listens at addr.
func reachable(addr netip.AddrPort) netip.AddrPort {
	if !addr.Addr().IsUnspecified() {
		return addr
	}
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), addr.Port())
}

// Stats is a sum over all shards, and the control loop's own.
type Stats struct {
	Uptime         time.Duration
	Matches, Conns int64
	Ticks          uint64
	TickTime       []uint64 // buckets: shard.Quantile
	Lateness       []uint64
	CaughtUp       uint64
	Slipped        uint64
	Panics         uint64
	TxBytes        uint64
	TxPackets      uint64
	RxBytes        uint64
	RxPackets      uint64
	Posted         uint64
	PostsDropped   uint64
	Control        loop.Stats
	Priority       string // what the shards' threads were granted
}

// Stats may be asked at any time, from any goroutine.
func (n *Node) Stats() Stats {
	s := Stats{Uptime: time.Since(n.began), Posted: n.posts.Posted.Load(), PostsDropped: n.posts.Dropped.Load(), Control: n.control.Stats()}
	for i, sh := range n.shards {
		s.Matches += sh.Stats.Matches.Load()
		s.Conns += sh.Stats.Conns.Load()
		s.Ticks += sh.Stats.Ticks.Load()
		s.TickTime = sh.Stats.TickTime.Buckets(s.TickTime)
		s.Lateness = sh.Stats.Lateness.Buckets(s.Lateness)
		s.CaughtUp += sh.Stats.CaughtUp.Load()
		s.Slipped += sh.Stats.Slipped.Load()
		s.Panics += sh.Stats.Panics.Load()
		c := n.port.Group().Shard(i).Counters()
		s.TxBytes, s.TxPackets = s.TxBytes+c.TxBytes.Load(), s.TxPackets+c.TxPackets.Load()
		s.RxBytes, s.RxPackets = s.RxBytes+c.RxBytes.Load(), s.RxPackets+c.RxPackets.Load()
		s.Priority = sh.Stats.Priority().String()
	}
	return s
}

// describe tells server lists and LAN discovery about the server.
func (n *Node) describe(r *query.Responder) {
	players, most := 0, 0
	names := ""
	for _, m := range n.dir.List() {
		players += int(m.Players.Load())
		most += n.games[m.Name].def.MaxPlayers
		names = m.Name
	}
	r.SetInfo(&query.Info{Name: n.c.Name, Map: names, Game: names, Players: uint8(min(players, 255)), Max: uint8(min(most, 255)), Kind: 'd',
		System: runtime.GOOS[0], Port: n.Addr().Port()})
	r.SetServer(&query.Server{ID: n.keys.serverID, Version: wire.Version, Port: n.Addr().Port(), Players: uint16(players), Max: uint16(most), Name: n.c.Name, Game: names})
}
