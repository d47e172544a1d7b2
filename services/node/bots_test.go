package node_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/skirmishgg/skirmish/bench/arena"
	"github.com/skirmishgg/skirmish/bench/bot"
	"github.com/skirmishgg/skirmish/bench/proxy"
	"github.com/skirmishgg/skirmish/engine/match"
	"github.com/skirmishgg/skirmish/engine/shard"
	"github.com/skirmishgg/skirmish/netcode/simnet"
	"github.com/skirmishgg/skirmish/netcode/token"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/wire"
	skirmish "github.com/skirmishgg/skirmish/sdk-gen/base/go"
	"github.com/skirmishgg/skirmish/services/node"
)

// botDrivers are what every test with real sockets runs over.
func botDrivers() []string {
	if runtime.GOOS == "linux" {
		return []string{"linux", "portable"}
	}
	return []string{"portable"}
}

func start(t *testing.T, c node.Config) (*node.Node, *shard.Info) {
	t.Helper()
	if c.Addr == "" {
		c.Addr = "127.0.0.1:0"
	}
	def := arena.Definition(arena.Rate)
	c.Shards, c.Games, c.Log = 1, []*match.Definition{&def}, slog.New(slog.NewTextHandler(io.Discard, nil))
	n, err := node.Start(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, n) })
	return n, startArena(t, n)
}

func startArena(t *testing.T, n *node.Node) *shard.Info {
	t.Helper()
	m, err := n.StartMatch("arena", node.MatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	info, _ := n.Match(m)
	return info
}

func stop(t *testing.T, n *node.Node) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := n.Stop(ctx); err != nil {
		t.Error(err)
	}
}

// join connects a bot that plays until the test ends or its connection does.
func join(t *testing.T, n *node.Node, m *shard.Info, user byte) (*bot.Bot, *skirmish.Client) {
	t.Helper()
	b, c, err := tryJoin(t, n, m, user)
	if err != nil {
		t.Fatal(err)
	}
	return b, c
}

func tryJoin(t *testing.T, n *node.Node, m *shard.Info, user byte) (*bot.Bot, *skirmish.Client, error) {
	t.Helper()
	tok, err := n.MintToken(node.TokenOptions{Match: m.ID, User: id.UUID{user}, Username: "bot"})
	if err != nil {
		t.Fatal(err)
	}
	return connect(t, n, m, tok, user)
}

func connect(t *testing.T, n *node.Node, m *shard.Info, tok *token.Connect, user byte) (*bot.Bot, *skirmish.Client, error) {
	t.Helper()
	b := bot.New(n.Schema(m.Name), m.Rate, uint64(user))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	c, err := skirmish.ConnectToken(ctx, tok, b.Game())
	if err == nil {
		t.Cleanup(c.Close)
	}
	return b, c, err
}

// until waits for what a client sees, step by step of its own.
func until(t *testing.T, what string, c *skirmish.Client, ok func(*skirmish.Conn) bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		done := false
		c.Do(func(conn *skirmish.Conn, _ time.Duration) { done = ok(conn) })
		if done {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("%s: not within 20 s; stats %+v", what, c.Stats())
		case <-c.Done():
			t.Fatalf("%s: the connection ended: %v", what, c.Err())
		case <-time.After(10 * time.Millisecond): // the next look
		}
	}
}

// TestBotsPlay: real clients over real UDP, both drivers: inputs arrive in time, snapshots are decoded, predictions hold.
func TestBotsPlay(t *testing.T) {
	for _, driver := range botDrivers() {
		t.Run(driver, func(t *testing.T) {
			t.Parallel()
			n, m := start(t, node.Config{Driver: driver})
			var bots [4]*bot.Bot
			var clients [4]*skirmish.Client
			for i := range bots {
				bots[i], clients[i] = join(t, n, m, byte(i+1))
			}
			for i, c := range clients {
				until(t, "three seconds of snapshots", c, func(conn *skirmish.Conn) bool { return conn.Stats().Snapshots > 180 && bots[i].Predictions > 60 })
				c.Do(func(conn *skirmish.Conn, _ time.Duration) {
					s := conn.Stats()
					if s.NotDecoded > 2 {
						t.Errorf("bot %d: %d snapshots were not decoded", i, s.NotDecoded)
					}
					if bots[i].Corrections*20 > bots[i].Predictions {
						t.Errorf("bot %d: %d of %d predictions were wrong", i, bots[i].Corrections, bots[i].Predictions)
					}
				})
			}
			if m.Players.Load() != 4 {
				t.Errorf("%d players", m.Players.Load())
			}
		})
	}
}

func closeReason(t *testing.T, c *skirmish.Client) wire.Close {
	t.Helper()
	select {
	case <-c.Done():
	case <-time.After(20 * time.Second):
		t.Fatal("the connection did not end")
	}
	var closed *skirmish.ClosedError
	if !errors.As(c.Err(), &closed) {
		t.Fatalf("ended with %v", c.Err())
	}
	return closed.Reason
}

func denyReason(t *testing.T, err error) wire.Deny {
	t.Helper()
	var denied *skirmish.DeniedError
	if !errors.As(err, &denied) {
		t.Fatalf("connect answered %v", err)
	}
	return denied.Reason
}

// TestWhatBotsAreTold: full, gone, replaced, ended, stopping: each has an answer that a client can read.
func TestWhatBotsAreTold(t *testing.T) {
	n, m := start(t, node.Config{})
	for i := range arena.PlayersMax {
		join(t, n, m, byte(i+1))
	}
	if _, _, err := tryJoin(t, n, m, 99); denyReason(t, err) != wire.DenyFull {
		t.Errorf("a full match answered %v", err)
	}
	again := startArena(t, n)
	_, first := join(t, n, again, 1)
	_, second := join(t, n, again, 1)
	if why := closeReason(t, first); why != wire.CloseReplaced {
		t.Errorf("the first of two connections of one user was told %d", why)
	}
	if err := n.EndMatch(again.ID, wire.CloseMatchEnded); err != nil {
		t.Fatal(err)
	}
	if why := closeReason(t, second); why != wire.CloseMatchEnded {
		t.Errorf("a player of an ended match was told %d", why)
	}
	_, third := join(t, n, m, 2) // comes back to the own place although the match is full
	stop(t, n)
	if why := closeReason(t, third); why != wire.CloseShutdown {
		t.Errorf("a player of a stopping server was told %d", why)
	}
}

// TestRestartIsNoticedByBots: a server that crashed and comes back with its keys answers old connections with a reset, at once.
// The proxy loses what a crashed process does not send: the goodbyes of the orderly stop that a test can do.
func TestRestartIsNoticedByBots(t *testing.T) {
	dir := t.TempDir()
	n, m := start(t, node.Config{DataDir: dir})
	p, err := proxy.New(proxy.Config{Listen: "127.0.0.1:0", Target: n.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }() // ends with ctx; the last line waits for it
	tok, err := n.MintToken(node.TokenOptions{Match: m.ID, User: id.UUID{1}})
	if err != nil {
		t.Fatal(err)
	}
	tok.Addresses = []netip.AddrPort{p.Addr()}
	_, c, err := connect(t, n, m, tok, 1)
	if err != nil {
		t.Fatal(err)
	}
	until(t, "a snapshot", c, func(conn *skirmish.Conn) bool { return conn.View() != nil })
	lost := simnet.LinkConfig{Loss: 1}
	p.SetLinks(lost, lost)
	addr := n.Addr().String()
	stop(t, n)
	start(t, node.Config{DataDir: dir, Addr: addr})
	p.SetLinks(simnet.LinkConfig{}, simnet.LinkConfig{})
	began := time.Now()
	if why := closeReason(t, c); why != wire.CloseReset || time.Since(began) > 5*time.Second {
		t.Errorf("told %d after %v", why, time.Since(began))
	}
	cancel()
	if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// mute is a network that loses everything one process says, as when the process is gone.
type mute struct {
	skirmish.Transport
	dead atomic.Bool
}

func (m *mute) Write(b []byte, to netip.AddrPort) error {
	if m.dead.Load() {
		return nil
	}
	return m.Transport.Write(b, to)
}

// TestProcessIsReplaced: a client's process dies; another takes the connection up from what the first had kept, without a
// new token, sits in the same seat and plays on.
func TestProcessIsReplaced(t *testing.T) {
	n, m := start(t, node.Config{})
	tok, err := n.MintToken(node.TokenOptions{Match: m.ID, User: id.UUID{1}})
	if err != nil {
		t.Fatal(err)
	}
	schema := n.Schema(m.Name)
	network := &mute{}
	open := func() (skirmish.Transport, error) {
		var err error
		network.Transport, err = skirmish.UDP()
		return network, err
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	first := bot.New(schema, m.Rate, 1)
	c, err := skirmish.ConnectWith(ctx, tok, first.Game(), skirmish.Options{Open: open})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	until(t, "a second of play", c, func(conn *skirmish.Conn) bool { return first.Slot() >= 0 && conn.Stats().Snapshots > 60 })
	var kept skirmish.Resumable
	c.Do(func(conn *skirmish.Conn, _ time.Duration) {
		var ok bool
		if kept, ok = conn.Resumable(); !ok {
			t.Error("nothing to resume with")
		}
		network.dead.Store(true)
	})
	second := bot.New(schema, m.Rate, 2)
	again, err := skirmish.Resume(ctx, kept, second.Game(), skirmish.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(again.Close)
	until(t, "play in the old seat", again, func(conn *skirmish.Conn) bool {
		return second.Slot() == first.Slot() && conn.Stats().Snapshots > 60 && second.Predictions > 30
	})
	if players := m.Players.Load(); players != 1 {
		t.Errorf("%d players, want the one", players)
	}
	if _, err := skirmish.Resume(ctx, kept, second.Game(), skirmish.Options{}); denyReason(t, err) != wire.DenyReused && denyReason(t, err) != wire.DenyGone {
		t.Errorf("a ticket that was used answered %v", err)
	}
}
