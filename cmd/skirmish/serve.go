package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/skirmishgg/skirmish/bench/arena"
	"github.com/skirmishgg/skirmish/bench/bot"
	"github.com/skirmishgg/skirmish/bench/demo"
	"github.com/skirmishgg/skirmish/engine/match"
	"github.com/skirmishgg/skirmish/netcode/token"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/node"
)

// serverFlags are what serve and demo share.
type serverFlags struct {
	Addr    string `default:"127.0.0.1:7350" env:"SKIRMISH_ADDR" help:"UDP address, e.g. \":7350\" for every interface."`
	DataDir string `name:"data-dir" default:"data" env:"SKIRMISH_DATA_DIR" type:"path" help:"Folder for the server's keys; made on the first run."`
	Shards  int    `env:"SKIRMISH_SHARDS" help:"Match threads; one a core when left out."`
	Driver  string `name:"udp-driver" default:"auto" enum:"auto,linux,portable" env:"SKIRMISH_UDP_DRIVER" help:"Sockets: auto, linux (steered by the kernel) or portable."`
	Rate    int    `default:"60" help:"Ticks per second of the arena: 60 or 128."`
	LogJSON bool   `name:"log-json" env:"SKIRMISH_LOG_JSON" help:"Log JSON lines instead of text."`
}

func (f *serverFlags) config() (node.Config, error) {
	if f.Rate != arena.Rate && f.Rate != arena.RateFast {
		return node.Config{}, fmt.Errorf("--rate is %d or %d, not %d", arena.Rate, arena.RateFast, f.Rate)
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	if f.LogJSON {
		log = slog.New(slog.NewJSONHandler(os.Stderr, nil))
	}
	def := arena.Definition(f.Rate)
	return node.Config{Addr: f.Addr, DataDir: f.DataDir, Shards: f.Shards, Driver: f.Driver, Log: log, Games: []*match.Definition{&def}}, nil
}

type serveCmd struct {
	serverFlags
	Tokens string `type:"path" placeholder:"FILE" help:"Write connect tokens to this file, one a line, for \"skirmish bot\". They are good for 30 seconds."`
	Count  int    `default:"8" help:"How many tokens."`
	Public string `placeholder:"HOST:PORT" help:"Address in connect tokens: where players reach the server, or a proxy before it."`
}

// Run serves one arena match until a signal comes.
func (c *serveCmd) Run(ctx context.Context) error {
	conf, err := c.config()
	if err != nil {
		return err
	}
	if c.Public != "" {
		addr, err := netip.ParseAddrPort(c.Public)
		if err != nil {
			return fmt.Errorf("--public: %w", err)
		}
		conf.Public = []netip.AddrPort{addr}
	}
	n, err := node.Start(conf)
	if err != nil {
		return err
	}
	if err := c.serve(ctx, n, conf.Games[0].Name); err != nil {
		return errors.Join(err, stopNode(n))
	}
	return stopNode(n)
}

func (c *serveCmd) serve(ctx context.Context, n *node.Node, game string) error {
	m, err := n.StartMatch(game, node.MatchOptions{})
	if err != nil {
		return err
	}
	fmt.Printf("%s at %d Hz on udp %v, match %s; ^C ends it\n", game, c.Rate, n.Addr(), m)
	if c.Tokens != "" {
		if err := c.writeTokens(n, m); err != nil {
			return err
		}
		fmt.Printf("%d tokens, good for 30 seconds: skirmish bot %s\n", c.Count, c.Tokens)
	}
	<-ctx.Done()
	fmt.Println("stopping: players are told")
	return nil
}

// stopNode waits for the goodbyes, but not for ever.
func stopNode(n *node.Node) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return n.Stop(ctx)
}

func (c *serveCmd) writeTokens(n *node.Node, m id.UUID) error {
	var lines []string
	for i := range c.Count {
		user, err := id.NewV4(rand.Reader)
		if err != nil {
			return err
		}
		t, err := n.MintToken(node.TokenOptions{Match: m, User: user, Username: fmt.Sprint("bot ", i+1)})
		if err != nil {
			return err
		}
		lines = append(lines, t.Text())
	}
	return os.WriteFile(c.Tokens, []byte(strings.Join(lines, "\n")+"\n"), 0o600)
}

type demoCmd struct {
	serverFlags
	Page string `default:"127.0.0.1:7360" help:"Address of the page; loopback only."`
	Bots int    `default:"12" help:"How many bots play, up to 16."`
}

// Run runs the demo until a signal comes.
func (c *demoCmd) Run(ctx context.Context) error {
	conf, err := c.config()
	if err != nil {
		return err
	}
	return demo.Run(ctx, demo.Config{Node: conf, Page: c.Page, Bots: c.Bots})
}

type botCmd struct {
	Tokens string `arg:"" type:"existingfile" help:"File with connect tokens, one a line: a bot for each. \"skirmish serve --tokens FILE\" writes one."`
	Rate   int    `default:"60" help:"Ticks per second of the arena: 60 or 128."`
}

// Run lets one bot a token play until a signal comes or all have ended.
func (c *botCmd) Run(ctx context.Context) error {
	text, err := os.ReadFile(c.Tokens)
	if err != nil {
		return err
	}
	def := arena.Definition(c.Rate)
	schema, err := def.Compile()
	if err != nil {
		return err
	}
	var bots sync.WaitGroup
	var failures errorList
	for i, line := range strings.Fields(string(text)) {
		t, err := token.ParseText(line)
		if err != nil {
			return fmt.Errorf("%s, token %d: %w", c.Tokens, i+1, err)
		}
		bots.Go(func() { // ends with ctx or its connection; Wait below
			if err := bot.New(schema, c.Rate, uint64(i+1)).Run(ctx, t); err != nil {
				failures.add(fmt.Errorf("bot %d: %w", i+1, err))
			}
		})
	}
	bots.Wait()
	return errors.Join(failures.all...)
}

// errorList collects errors of many goroutines.
type errorList struct {
	mu  sync.Mutex
	all []error
}

func (l *errorList) add(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, err)
}
