package node

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/skirmishgg/skirmish/engine/clock"
	"github.com/skirmishgg/skirmish/engine/loop"
	"github.com/skirmishgg/skirmish/engine/match"
	"github.com/skirmishgg/skirmish/engine/ring"
	"github.com/skirmishgg/skirmish/engine/shard"
	"github.com/skirmishgg/skirmish/engine/udp"
	"github.com/skirmishgg/skirmish/netcode/query"
	"github.com/skirmishgg/skirmish/netcode/snapshot"
	"github.com/skirmishgg/skirmish/protocol/wire"
	"github.com/skirmishgg/skirmish/services/config"
	"github.com/skirmishgg/skirmish/services/leaderboard"
	"github.com/skirmishgg/skirmish/services/limit"
	"github.com/skirmishgg/skirmish/services/rpc"
)

// Config is what a node is made of. Only Games is needed.
type Config struct {
	Addr    string // of the UDP port; "" is ":7350"
	DataDir string // where the keys are; "": keys that die with the process
	Driver  string // of engine/udp: "" or "auto", "linux", "portable"
	Shards  int    // 0: one a core
	Games   []*match.Definition
	Name    string           // in server lists; "" is "Skirmish"
	Public  []netip.AddrPort // what connect tokens say; none: the address that Addr came to, loopback for a wildcard
	Log     *slog.Logger     // nil: slog.Default()

	ConnsPerShard int  // 0: 4,096
	KeepMaxProcs  bool // leave GOMAXPROCS as it is

	// Settings, if given, add the game backend: the store, accounts and every other feature, and the API's doors. Addr,
	// DataDir, Driver, Shards, Name and Public are then what the settings say, wherever they are left zero here.
	Settings *config.Config
	RPC      map[string]rpc.Func // functions that clients may call, by name
	Matches  Handlers            // of authoritative matches, by name

	Leaderboards []leaderboard.Definition // and tournaments, created at start where they do not exist
	Modules      []Module                 // linked in; they run before those in runtime.path
	Version      string                   // as modules see it

	WatchModules bool // reload modules when their files change
}

// Sizes of the rings out of the shards.
const (
	reportsMax   = 256  // matches that end within one turn of the worker; more: dropped, counted
	labelsMax    = 1024 // matches whose label has changed; more: told with a later tick
	postsMax     = 1024 // operations; full: Ctx.Post says false
	workInterval = 20 * time.Millisecond
)

// Node is one running server.
type Node struct {
	// constant after Start
	c         Config
	keys      Keys
	games     map[string]game
	port      *loop.Port
	shards    []*shard.Shard
	control   *loop.Control
	directory *loop.Directory
	posts     *match.Posts
	reports   *ring.MPSC[shard.Report]
	labels    *ring.MPSC[*shard.Info]
	backend   *backend // nil without Settings
	started   time.Time
	procs     int // GOMAXPROCS before Start; 0: left alone

	posted  atomic.Uint64
	running sync.WaitGroup // shards
	quit    chan struct{}  // closed by Stop: ends the worker
	worker  sync.WaitGroup

	mu      sync.Mutex
	next    int // shard of the next match, when all are equally loaded
	stopped bool
	ended   map[string]uint64 // matches that ended, by how
}

// game is a definition and its compiled schema.
type game struct {
	def    *match.Definition
	schema *snapshot.Schema
}

// Start builds and starts a node.
func Start(c Config) (*Node, error) {
	n := &Node{games: map[string]game{}, quit: make(chan struct{}), ended: map[string]uint64{}, started: time.Now()}
	n.c = c.withSettings().withDefaults()
	n.directory = loop.NewDirectory()
	n.maxProcs()
	if err := n.start(); err != nil {
		n.restoreProcs()
		return nil, err
	}
	return n, nil
}

// start leaves nothing open or running when it fails.
func (n *Node) start() (err error) {
	if err := n.addGames(); err != nil {
		return err
	}
	if n.keys, err = LoadKeys(n.c.DataDir); err != nil {
		return err
	}
	if err := n.openPorts(); err != nil {
		return err
	}
	n.build()
	for _, s := range n.shards {
		n.running.Go(s.Run) // stopped by Stop, which waits
	}
	n.port.Start(n.control)
	n.worker.Go(n.work) // the same
	if n.backend != nil {
		if err := n.backend.start(n); err != nil {
			return errors.Join(err, n.Stop(context.Background()))
		}
	}
	n.announce()
	return nil
}

func (n *Node) addGames() error {
	for _, d := range n.c.Games {
		schema, err := d.Compile()
		if err != nil {
			return err
		}
		if _, twice := n.games[d.Name]; twice {
			return fmt.Errorf("node: two games are named %s", d.Name)
		}
		n.games[d.Name] = game{d, schema}
		n.directory.AddSchema(schema.Hash())
	}
	return nil
}

// openPorts takes the API's ports, then the UDP port, which has the API's number unless told otherwise, and builds the
// backend that will stand behind both. It leaves nothing open when it fails.
func (n *Node) openPorts() (err error) {
	var d *doors
	if n.c.Settings != nil {
		if d, err = listen(n.c.Settings); err != nil {
			return err
		}
		if n.c.Addr == "" {
			n.c.Addr = udpAddr(n.c.Settings, d)
		}
	}
	port, err := loop.Open(udp.Config{Addr: n.c.Addr, Shards: n.c.Shards, Driver: n.c.Driver, Timestamps: true})
	if err != nil {
		err = fmt.Errorf("node: %w", err)
	} else if n.port = port; d != nil {
		if n.backend, err = newBackend(context.Background(), n, d); err != nil {
			err = errors.Join(err, port.Close())
		}
	}
	if err != nil && d != nil {
		err = errors.Join(err, d.close())
	}
	return err
}

// withSettings fills in what the settings say.
func (c Config) withSettings() Config {
	s := c.Settings
	if s == nil {
		if c.Addr == "" {
			c.Addr = ":7350"
		}
		return c
	}
	c.DataDir, c.Driver = cmp.Or(c.DataDir, s.DataDir), cmp.Or(c.Driver, s.UDP.Driver)
	c.Name = cmp.Or(c.Name, s.UDP.ServerName)
	if c.Shards == 0 {
		c.Shards = s.UDP.Shards
	}
	if c.Shards == 0 && s.LAN.Enabled {
		c.Shards = 1
	}
	return c
}

// udpAddr is where the settings put the UDP port: beside REST, unless told otherwise.
func udpAddr(s *config.Config, d *doors) string {
	port := s.UDP.Port
	if port == 0 {
		port = int(d.httpAddr().Port())
	}
	return address(cmp.Or(s.UDP.Address, s.Socket.Address), port)
}

func (c Config) withDefaults() Config {
	if c.Shards <= 0 {
		c.Shards = min(runtime.NumCPU(), udp.MaxShards)
	}
	if c.Name == "" {
		c.Name = "Skirmish"
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return c
}

// maxProcs leaves the scheduler a free P for each shard's thread when it wakes: with two busy goroutines on two cores a
// 128 Hz loop is otherwise 15 ms late. It comes before anything is built: later it would wait for the collection that
// building a backend begins, which takes as long as the rest of the start.
func (n *Node) maxProcs() {
	if want := runtime.NumCPU() + n.c.Shards + 1; !n.c.KeepMaxProcs && os.Getenv("GOMAXPROCS") == "" && runtime.GOMAXPROCS(0) < want {
		n.procs = runtime.GOMAXPROCS(want)
	}
}

func (n *Node) restoreProcs() {
	if n.procs > 0 {
		runtime.GOMAXPROCS(n.procs)
		n.procs = 0
	}
}

func (n *Node) build() {
	n.posts, n.reports = match.NewPosts(postsMax), ring.NewMPSC[shard.Report](reportsMax)
	n.labels = ring.NewMPSC[*shard.Info](labelsMax)
	group := n.port.Group()
	for i := range group.Shards() {
		n.shards = append(n.shards, shard.New(shard.Config{
			Index: i, Socket: group.Shard(i), Clock: clock.Real{}, Wall: time.Now, Random: rand.Reader,
			Sockets: group.Shards() + 1, TicketKey: n.keys.Ticket, ResetKey: n.keys.Reset,
			ConnsMax: n.c.ConnsPerShard, Reports: n.reports, Labels: n.labels,
		}))
	}
	var sessions loop.Sessions // nil: there are none here
	var admit func(netip.Addr, time.Duration) bool
	if n.backend != nil {
		sessions = n.backend.native
		if n.c.Settings.RateLimit.Enabled {
			admit = limit.NewAddresses(limit.HandshakeRule).Allow
		}
	}
	n.control = loop.NewControl(loop.Config{
		Sessions: sessions, Admit: admit, Wake: n.port.Wake,
		ServerID: n.keys.ServerID, TokenKey: n.keys.Token, TicketKey: n.keys.Ticket, ResetKey: n.keys.Reset,
		Random: rand.Reader, Clock: clock.Real{}, Wall: time.Now, Directory: n.directory, Shards: n.shards,
		Describe: n.describe,
	})
}

// announce says once what a newcomer to the log wants to know.
func (n *Node) announce() {
	group := n.port.Group()
	if note := group.Note(); note != "" {
		n.c.Log.Warn("UDP driver is not the first choice", "driver", group.Driver(), "why", note)
	}
	granted := ""
	for range 100 { // the shards' threads say within a millisecond what they were granted
		if granted = n.shards[0].Stats.Priority().String(); n.shards[0].Stats.Started() {
			break
		}
		time.Sleep(time.Millisecond)
	}
	n.c.Log.Info("listening", "udp", group.LocalAddr().String(), "driver", group.Driver(), "shards", group.Shards(),
		"thread priority", granted, "GOMAXPROCS", runtime.GOMAXPROCS(0), "games", len(n.games))
}

// describe fills in the answers to server queries. Called by the control loop.
func (n *Node) describe(r *query.Responder) {
	players, places := 0, 0
	for _, m := range n.Matches() {
		players += int(m.Players.Load())
		places += n.games[m.Name].def.MaxPlayers
	}
	name, schema := "", [8]byte{}
	if len(n.games) == 1 {
		for _, g := range n.games {
			name, schema = g.def.Name, g.schema.Hash()
		}
	}
	system := byte('l')
	switch runtime.GOOS {
	case "windows":
		system = 'w'
	case "darwin":
		system = 'm'
	}
	r.SetInfo(&query.Info{Name: n.c.Name, Game: name, Players: uint8(min(players, 255)), Max: uint8(min(places, 255)), System: system})
	r.SetPlayers(nil)
	r.SetRules(nil)
	r.SetServer(&query.Server{
		ID: n.keys.ServerID, Version: wire.Version, Schema: schema, Port: n.port.Group().LocalAddr().Port(),
		Players: uint16(min(players, 65535)), Max: uint16(min(places, 65535)), Name: n.c.Name, Game: name,
	})
}

// Addr is where the node listens.
func (n *Node) Addr() netip.AddrPort { return n.port.Group().LocalAddr() }

// Schema is that of a game, nil when there is none of that name.
func (n *Node) Schema(name string) *snapshot.Schema { return n.games[name].schema }

// Stop ends every match with CloseShutdown, lets the goodbyes out and returns when nothing runs any more, or with ctx's
// error when that takes too long. A second call does nothing.
func (n *Node) Stop(ctx context.Context) error {
	n.mu.Lock()
	if n.stopped {
		n.mu.Unlock()
		return nil
	}
	n.stopped = true
	n.mu.Unlock()

	n.directory.Draining.Store(true)
	if err := n.stopEngine(ctx); err != nil {
		return err
	}
	n.restoreProcs()
	err := n.port.Close()
	if n.backend != nil {
		err = errors.Join(err, n.backend.stop(ctx))
	}
	return err
}

// stopEngine ends matches, native sessions and the worker.
func (n *Node) stopEngine(ctx context.Context) error {
	for _, s := range n.shards {
		for !s.Stop() { // its inbox is full of joins
			if ctx.Err() != nil {
				return ctx.Err()
			}
			time.Sleep(time.Millisecond)
		}
	}
	done := make(chan struct{})
	go func() { n.running.Wait(); close(done) }() // ends with the shards
	select {
	case <-done:
	case <-ctx.Done():
		return fmt.Errorf("node: shards did not stop: %w", ctx.Err())
	}
	select {
	case <-n.control.EndSessions(wire.CloseShutdown):
	case <-ctx.Done():
		return fmt.Errorf("node: native sessions did not end: %w", ctx.Err())
	}
	n.port.Stop()
	close(n.quit)
	n.worker.Wait()
	return nil
}

var errStopped = errors.New("node: stopped")
