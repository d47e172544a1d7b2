package skirmish_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/skirmishgg/skirmish/engine/match"
	"github.com/skirmishgg/skirmish/netcode/snapshot"
	"github.com/skirmishgg/skirmish/netcode/token"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/wire"
	skirmish "github.com/skirmishgg/skirmish/sdk-gen/base/go"
	"github.com/skirmishgg/skirmish/services/node"
)

// house is a server with real sockets and a match of the game.
type house struct {
	*node.Node
	t     *testing.T
	match id.UUID
	users byte
}

func newHouse(t *testing.T) *house {
	t.Helper()
	n, err := node.Start(node.Config{
		Addr: "127.0.0.1:0", Shards: 1, Games: []*match.Definition{definition(&game{})}, KeepMaxProcs: true, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := n.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	h := &house{Node: n, t: t}
	if h.match, err = n.StartMatch("sledges", node.MatchOptions{Seed: 1}); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *house) mint() *token.Connect {
	h.t.Helper()
	h.users++
	minted, err := h.MintToken(node.TokenOptions{Match: h.match, User: id.UUID{h.users}, Username: "p"})
	if err != nil {
		h.t.Fatal(err)
	}
	return minted
}

func within(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !done(); time.Sleep(5 * ms) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within ten seconds", what)
		}
	}
}

func TestClientOverUDP(t *testing.T) {
	h := newHouse(t)
	p := newPusher()
	var streamed atomic.Int64
	g := p.game(h.Schema("sledges"))
	g.Stream = func(_ *skirmish.Conn, ch uint8, msg []byte) {
		if ch == 5 && len(msg) == 20_000 {
			streamed.Add(1)
		}
	}
	client, err := skirmish.Connect(t.Context(), h.mint().Text(), g)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	client.Do(func(c *skirmish.Conn, _ time.Duration) {
		for i := range uint32(20) {
			if err := skirmish.Send(c, &word{i}); err != nil {
				t.Error(err)
			}
		}
		if err := c.SendStream(5, []byte(strings.Repeat("x", 20_000))); err != nil {
			t.Error(err)
		}
	})
	within(t, "events, a stream, and snapshots", func() (done bool) {
		client.Do(func(c *skirmish.Conn, _ time.Duration) {
			done = len(p.words) == 20 && streamed.Load() == 1 && p.views > 60
		})
		return done
	})
	for range 3 {
		client.Rebind()
		time.Sleep(100 * ms)
		client.Do(func(c *skirmish.Conn, _ time.Duration) { _ = skirmish.Send(c, &word{100}) })
	}
	within(t, "events from other sockets", func() (done bool) {
		client.Do(func(*skirmish.Conn, time.Duration) { done = len(p.words) == 23 })
		return done
	})
	client.Do(func(*skirmish.Conn, time.Duration) {
		if !slices.IsSorted(p.words) {
			t.Errorf("events came as %v", p.words)
		}
	})
	client.Close()
	client.Close() // once is enough
	var closed *skirmish.ClosedError
	if err := client.Err(); !errors.As(err, &closed) || closed.Reason != wire.CloseLeft {
		t.Errorf("after Close: %v", err)
	}
}

// dead is a network that has gone: it takes everything and brings nothing.
type dead struct{ skirmish.Transport }

func (d dead) Write([]byte, netip.AddrPort) error { return errors.New("network is unreachable") }

func (d dead) Read(_ []byte, until time.Time) (int, netip.AddrPort, error) {
	time.Sleep(time.Until(until))
	return 0, netip.AddrPort{}, errors.New("network is unreachable")
}

// TestClientFindsAnotherNetwork: the socket dies; after a tenth of the timeout the client opens another by itself.
func TestClientFindsAnotherNetwork(t *testing.T) {
	h := newHouse(t)
	var opened atomic.Int32
	var dies atomic.Bool
	open := func() (skirmish.Transport, error) {
		tr, err := skirmish.UDP()
		if opened.Add(1) == 1 && err == nil {
			return &mortal{Transport: tr, dead: &dies}, nil
		}
		return tr, err
	}
	p := newPusher()
	client, err := skirmish.ConnectWith(t.Context(), h.mint(), p.game(h.Schema("sledges")), skirmish.Options{Open: open})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	time.Sleep(100 * ms)
	dies.Store(true)
	client.Do(func(c *skirmish.Conn, _ time.Duration) { _ = skirmish.Send(c, &word{7}) })
	within(t, "an event through another socket", func() (done bool) {
		client.Do(func(*skirmish.Conn, time.Duration) { done = len(p.words) == 1 })
		return done
	})
	if opened.Load() < 2 {
		t.Error("no other socket was opened")
	}
	if s := client.Stats(); s.Resumptions != 0 {
		t.Errorf("%d resumptions: another socket is enough", s.Resumptions)
	}
}

// mortal is a transport whose network goes away.
type mortal struct {
	skirmish.Transport
	dead *atomic.Bool
}

func (m *mortal) Write(pkt []byte, to netip.AddrPort) error {
	if m.dead.Load() {
		return dead{}.Write(pkt, to)
	}
	return m.Transport.Write(pkt, to)
}

func (m *mortal) Read(buf []byte, until time.Time) (int, netip.AddrPort, error) {
	if m.dead.Load() {
		return dead{}.Read(buf, until)
	}
	return m.Transport.Read(buf, until)
}

func TestConnectFails(t *testing.T) {
	h := newHouse(t)
	schema := h.Schema("sledges")
	if _, err := skirmish.Connect(t.Context(), "no token", skirmish.Game{Schema: schema}); !errors.Is(err, token.ErrMalformed) {
		t.Errorf("what is no token: %v", err)
	}
	used := h.mint()
	first, err := skirmish.ConnectToken(t.Context(), used, skirmish.Game{Schema: schema})
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	var denied *skirmish.DeniedError
	if _, err := skirmish.ConnectToken(t.Context(), used, skirmish.Game{Schema: schema}); !errors.As(err, &denied) || denied.Reason != wire.DenyReused {
		t.Errorf("a used token: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*ms)
	defer cancel()
	nowhere := h.mint()
	nowhere.Addresses = []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:9")}
	if _, err := skirmish.ConnectToken(ctx, nowhere, skirmish.Game{Schema: schema}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a server that does not answer: %v", err)
	}
	if err := skirmish.SetInput(first, push{Force: 1}); err != nil {
		t.Error(err)
	}
	within(t, "a held input", func() (done bool) {
		first.Do(func(c *skirmish.Conn, _ time.Duration) {
			var s sledge
			done = c.View() != nil && snapshot.Load(c.View(), 0, &s) && s.V > 1
		})
		return done
	})
}
