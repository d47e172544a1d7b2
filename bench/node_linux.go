package bench

import (
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/skirmishgg/skirmish/bench/arena"
	"github.com/skirmishgg/skirmish/bench/proc"
	"github.com/skirmishgg/skirmish/bench/rtt"
	"github.com/skirmishgg/skirmish/engine/match"
	"github.com/skirmishgg/skirmish/netcode/token"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/wire"
	"github.com/skirmishgg/skirmish/services/node"
)

// nodeHello is the node's first line.
type nodeHello struct {
	Addr    string   `json:"addr"`
	Matches []string `json:"matches"` // ids
}

// nodeMark is what the node answers to "mark" and "settle".
type nodeMark struct {
	proc.Mark          // Ops: datagrams sent, one a client and tick
	Ticks     uint64   `json:"ticks"` // of all matches
	Conns     int      `json:"conns"`
	TxBytes   uint64   `json:"tx_bytes"` // UDP payload
	RxPackets uint64   `json:"rx_packets"`
	Slipped   uint64   `json:"slipped"` // ticks whose time was given up
	Overruns  uint64   `json:"overruns"`
	BusyNs    int64    `json:"busy_ns"` // wall time in matches, with their snapshots
	StepNs    int64    `json:"step_ns"` // wall time of the shard's work, from the first datagram to the flush
	Priority  string   `json:"priority"`
	Lateness  []uint64 `json:"lateness"` // buckets of shard.Quantile
}

// nodeServer is the role "node": a real node with matches of one game on one shard. It answers
//
//	mark       with a nodeMark
//	settle     the same after a garbage collection that gives memory back
func nodeServer(con *proc.Console, args []string) error {
	fs := flag.NewFlagSet("node", flag.ContinueOnError)
	dir := fs.String("dir", "", "where the keys are, for the generator to find them")
	game := fs.String("game", "arena", "arena, echo or blend")
	rate := fs.Int("rate", arena.Rate, "ticks a second of the arena")
	matches := fs.Int("matches", 1, "how many")
	driver := fs.String("driver", "auto", "of engine/udp")
	busy := fs.Int("busy", 0, "goroutines that compute for nothing")
	if err := fs.Parse(args); err != nil {
		return err
	}
	def := arena.Definition(*rate)
	switch *game {
	case "echo":
		def = rtt.Definition()
	case "blend":
		def = nativeBlend(*rate)
	}
	n, err := node.Start(node.Config{
		Addr: "127.0.0.1:0", DataDir: *dir, Driver: *driver, Shards: 1, Games: []*match.Definition{&def},
		ConnsPerShard: *matches*def.MaxPlayers + 16, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		return err
	}
	hello := nodeHello{Addr: n.Addr().String()}
	for i := range *matches {
		m, err := n.StartMatch(def.Name, node.MatchOptions{Seed: uint64(i + 1), Params: []byte(arena.Peaceful)})
		if err != nil {
			return fmt.Errorf("start match %d: %w", i, err)
		}
		hello.Matches = append(hello.Matches, m.String())
	}
	for range *busy {
		go spin() // until the process ends
	}
	con.Say(hello)
	for command := range con.Commands() {
		if command == "settle" {
			debug.FreeOSMemory() // collects first
		}
		con.Say(markNode(n))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	return n.Stop(ctx)
}

func markNode(n *node.Node) nodeMark {
	s := n.Stats().Shards[0]
	m := nodeMark{
		Mark: proc.Now(s.TxPackets), Ticks: s.Ticks, Conns: s.Conns, TxBytes: s.TxBytes, RxPackets: s.RxPackets,
		Slipped: s.Slipped, Overruns: s.Overruns, BusyNs: int64(s.Busy), StepNs: int64(s.Stepped), Priority: s.Priority,
		Lateness: n.ShardStats(0).Lateness.Buckets(nil),
	}
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	m.Heap = int64(mem.HeapAlloc)
	return m
}

// spin keeps a core busy.
func spin() {
	for x := uint64(1); ; {
		x = x*6364136223846793005 + 1
	}
}

// nodeProc is a node that runs as a child.
type nodeProc struct {
	*proc.Proc
	hello nodeHello
	dir   string
}

// startNode starts a node on the server's core; startNodeOn on another, or on any (-1).
func (e *env) startNode(args ...string) (*nodeProc, error) {
	return e.startNodeOn(e.serverCore, args...)
}

func (e *env) startNodeOn(core int, args ...string) (*nodeProc, error) {
	dir, err := os.MkdirTemp(e.dir, "node")
	if err != nil {
		return nil, err
	}
	n := &nodeProc{dir: dir}
	n.Proc, err = proc.Start(e.ctx, core, &n.hello, e.self, e.childArgs("node", append([]string{"--dir", dir}, args...))...)
	return n, err
}

// clientArgs are the flags by which a client role finds the node, its keys and its matches.
func (n *nodeProc) clientArgs() []string {
	return []string{"--dir", n.dir, "--addr", n.hello.Addr, "--matches", strings.Join(n.hello.Matches, ",")}
}

// mark asks for the node's figures.
func (n *nodeProc) mark(command string) (m nodeMark, err error) { return m, n.Ask(command, &m) }

// backend makes connect tokens for a node, as a studio's own server does: with its keys.
type backend struct {
	keys   node.Keys
	addr   netip.AddrPort // what tokens say: the node's, or that of a proxy before it
	schema [8]byte
}

func newBackend(dir, addr string, schema [8]byte) (*backend, error) {
	keys, err := node.LoadKeys(dir)
	if err != nil {
		return nil, err
	}
	to, err := netip.ParseAddrPort(addr)
	return &backend{keys: keys, addr: to, schema: schema}, err
}

// mint is a function that makes tokens for one user of a match.
func (b *backend) mint(user int, match id.UUID) func() (*token.Connect, error) {
	who := id.UUID{0xB0, byte(user >> 24), byte(user >> 16), byte(user >> 8), byte(user)}
	return func() (*token.Connect, error) {
		return token.Mint(&b.keys.Token, token.Private{
			ServerID: b.keys.ServerID, Suite: wire.SuiteAES128GCM, UserID: who, MatchID: match, Username: fmt.Sprint("bench", user), Timeout: 10 * time.Second,
		}, token.Options{Schema: b.schema, Expiry: time.Now().Add(wire.TokenLifetime), Addresses: []netip.AddrPort{b.addr}, Random: rand.Reader})
	}
}
