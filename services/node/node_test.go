package node

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/skirmishgg/skirmish/engine/clock"
	"github.com/skirmishgg/skirmish/engine/match"
	"github.com/skirmishgg/skirmish/engine/sim"
	"github.com/skirmishgg/skirmish/netcode/handshake"
	"github.com/skirmishgg/skirmish/netcode/snapshot"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

type runner struct {
	X float32 `snap:"quant=1/64,min=-512,max=512"`
	N uint16  `snap:"bits=16"`
}

type run struct {
	V    float32 `snap:"quant=1/64,min=-8,max=8"`
	Bang bool    `snap:""`
}

type word struct {
	N uint32 `snap:""`
}

// race is the game of these tests: everybody runs, events are echoed, Bang panics.
type race struct{ runners match.Store[runner] }

func (g *race) Init(c *match.Ctx) error {
	g.runners = match.Open[runner](c)
	return nil
}

func (g *race) Join(c *match.Ctx, p *match.Player) error {
	if !p.Spectator {
		p.Entity, _ = g.runners.SpawnAt(p.Slot)
	}
	return nil
}

func (g *race) Leave(c *match.Ctx, p *match.Player, _ wire.Close) { g.runners.Despawn(p.Entity) }

func (g *race) Receive(c *match.Ctx, p *match.Player, m match.Message) {
	var w word
	if match.Read(c, m, &w) {
		_ = match.Send(c, p, &w)
	}
}

func (g *race) Tick(c *match.Ctx) {
	for _, p := range c.Players() {
		in, r := match.Input[run](p), g.runners.Get(p.Entity)
		if in.Bang {
			panic("bang")
		}
		r.X += in.V * c.Dt()
		r.N++
		if c.Tick()%30 == 0 {
			c.Post(1, p, []byte("a score"))
		}
	}
}

var raceMatch = match.Definition{
	Name: "race", Rate: 60, MaxPlayers: 64, MaxSpectators: 4, Grace: 2 * time.Second,
	Schema: match.Schema[run](match.Kind[runner](64), match.Event[word]()),
	New:    func() match.Game { return &race{} },
}

// drivers are those that this machine has; every test here runs over each.
func drivers() []string {
	if runtime.GOOS == "linux" {
		return []string{"linux", "portable"}
	}
	return []string{"portable"}
}

func eachDriver(t *testing.T, f func(t *testing.T, n *Node)) {
	for _, d := range drivers() {
		t.Run(d, func(t *testing.T) {
			n := boot(t, Config{Driver: d})
			f(t, n)
		})
	}
}

func boot(t *testing.T, c Config) *Node {
	t.Helper()
	c.Addr, c.Shards, c.Games = orDefault(c.Addr, "127.0.0.1:0"), 2, []*match.Definition{&raceMatch}
	c.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	n, err := Start(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, n) })
	return n
}

func orDefault(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func stop(t *testing.T, n *Node) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := n.Stop(ctx); err != nil {
		t.Error(err)
	}
}

// wireEnd is a sim.End over a real socket.
type wireEnd struct {
	conn *net.UDPConn
	in   chan packet
}

type packet struct {
	b    []byte
	from netip.AddrPort
}

func dial(t *testing.T) *wireEnd {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	e := &wireEnd{conn: conn, in: make(chan packet, 1024)}
	go func() { // ends when the conn is closed
		for {
			b := make([]byte, 1500)
			k, from, err := conn.ReadFromUDPAddrPort(b)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil {
				e.in <- packet{b[:k], netip.AddrPortFrom(from.Addr().Unmap(), from.Port())}
			}
		}
	}()
	t.Cleanup(func() { conn.Close() })
	return e
}

func (e *wireEnd) Send(_ time.Duration, pkt []byte, to netip.AddrPort) {
	_, _ = e.conn.WriteToUDPAddrPort(pkt, to)
}

func (e *wireEnd) Receive() ([]byte, netip.AddrPort, bool) {
	select {
	case p := <-e.in:
		return p.b, p.from, true
	default:
		return nil, netip.AddrPort{}, false
	}
}

// moving is a wireEnd that can change its address under its client, as a NAT does.
type moving struct {
	t *testing.T
	*wireEnd
}

func (m *moving) rebind() { m.wireEnd = dial(m.t) }

// bunch is clients that are stepped together.
type bunch struct {
	t       *testing.T
	n       *Node
	clients []*sim.Client
	ends    []*moving
	bang    []*run
}

func (p *bunch) join(m id.UUID, user byte, c sim.ClientConfig) *sim.Client {
	p.t.Helper()
	tok, err := p.n.MintToken(TokenOptions{Match: m, User: id.UUID{user}, Username: fmt.Sprint("user ", user), Timeout: 2 * time.Second, Spectator: c.Name == "spectator"})
	if err != nil {
		p.t.Fatal(err)
	}
	in := &run{V: float32(user%5) - 2}
	c.Token, c.Schema = tok, p.n.Schema("race")
	c.Think = func(uint32) unsafe.Pointer { return unsafe.Pointer(in) }
	end := &moving{p.t, dial(p.t)}
	cl := sim.NewClient(c, end, rand.Reader)
	p.clients, p.ends, p.bang = append(p.clients, cl), append(p.ends, end), append(p.bang, in)
	return cl
}

// until steps every client each millisecond until done; it fails the test after the limit.
func (p *bunch) until(limit time.Duration, what string, done func() bool) {
	p.t.Helper()
	var c clock.Real
	for end := c.Now() + limit; !done(); {
		now := c.Now()
		if now > end {
			p.t.Fatalf("after %v: not %s", limit, what)
		}
		for _, cl := range p.clients {
			cl.Step(now)
		}
		c.SleepUntil(now + time.Millisecond)
	}
}

func (p *bunch) open() bool {
	for _, c := range p.clients {
		if !c.Open() {
			return false
		}
	}
	return true
}

func (p *bunch) run(d time.Duration) {
	var c clock.Real
	end := c.Now() + d
	p.until(d+time.Second, "over", func() bool { return c.Now() >= end })
}

// TestMatchOverRealSockets: connect, inputs, snapshots, events, spectator, stats; then a panic, which ends its own match.
func TestMatchOverRealSockets(t *testing.T) {
	eachDriver(t, func(t *testing.T, n *Node) {
		a, err := n.StartMatch("race", MatchOptions{Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		b, _ := n.StartMatch("race", MatchOptions{})
		p := &bunch{t: t, n: n}
		echoes := 0
		for user := range byte(8) {
			m := a
			if user >= 6 {
				m = b
			}
			p.join(m, user+1, sim.ClientConfig{Event: func(_ uint8, data []byte) { echoes++ }})
		}
		watcher := p.join(a, 99, sim.ClientConfig{Name: "spectator"})
		p.until(15*time.Second, "connected", p.open)
		data, _ := snapshot.AppendEvent(n.Schema("race"), nil, &word{N: 7})
		for _, c := range p.clients {
			var clk clock.Real
			if err := c.Peer.SendEvent(0, data, clk.Now()); err != nil {
				t.Fatal(err)
			}
		}
		p.until(15*time.Second, "all echoes back", func() bool { return echoes >= 8 })
		p.run(2 * time.Second)
		for i, c := range p.clients {
			if c.Counters.Snapshots < 100 || c.Counters.Undecodable > 5 {
				t.Errorf("client %d: %+v", i, c.Counters)
			}
		}
		var r runner
		if v := watcher.Decoder.Newest(); !snapshot.Load(v, 4, &r) || r.N < 100 {
			t.Errorf("the spectator sees %+v", r)
		}
		s := n.Stats()
		if s.Players != 8 || s.Spectators != 1 || s.Conns != 9 || len(s.Matches) != 2 || s.BytesIn == 0 || s.BytesOut == 0 || s.Posted == 0 {
			t.Errorf("stats %+v", s)
		}
		for i, sh := range s.Shards {
			if sh.Matches != 1 || sh.Ticks == 0 || sh.TickP50 == 0 || sh.TxPackets == 0 {
				t.Errorf("shard %d: %+v", i, sh)
			}
			t.Logf("%s shard %d (%s): tick p50 %v p99 %v, late p50 %v p99 %v", s.Driver, i, sh.Priority, sh.TickP50, sh.TickP99, sh.LatenessP50, sh.LatenessP99)
		}
		p.bang[0].Bang = true
		p.until(15*time.Second, "told of the panic", func() bool {
			return p.clients[0].Closed() == wire.CloseMatchError && watcher.Closed() == wire.CloseMatchError
		})
		p.run(200 * time.Millisecond)
		if !p.clients[6].Open() || !p.clients[7].Open() || n.Stats().Ended["panic"] != 1 {
			t.Errorf("the other match: %d, %d; ended %v", p.clients[6].Closed(), p.clients[7].Closed(), n.Stats().Ended)
		}
		if _, err := n.MintToken(TokenOptions{Match: a}); !errors.Is(err, ErrNoMatch) {
			t.Errorf("a token for the ended match: %v", err)
		}
	})
}

// TestRebindOverRealSockets: 64 clients get new ports at once; nobody is disconnected, no event lost.
func TestRebindOverRealSockets(t *testing.T) {
	eachDriver(t, func(t *testing.T, n *Node) {
		m, _ := n.StartMatch("race", MatchOptions{})
		p := &bunch{t: t, n: n}
		echoes, sent := make([]uint32, 64), uint32(0)
		for i := range 64 {
			p.join(m, byte(i+1), sim.ClientConfig{Event: func(_ uint8, data []byte) {
				var w word
				if snapshot.LoadEvent(n.Schema("race"), data, &w); w.N != echoes[i]+1 {
					t.Errorf("client %d: echo %d after %d", i, w.N, echoes[i])
				}
				echoes[i] = w.N
			}})
		}
		p.until(15*time.Second, "connected", p.open)
		for round := range 20 {
			if round == 5 {
				for _, e := range p.ends {
					e.rebind()
				}
			}
			sent++
			data, _ := snapshot.AppendEvent(n.Schema("race"), nil, &word{N: sent})
			var clk clock.Real
			for _, c := range p.clients {
				if err := c.Peer.SendEvent(0, data, clk.Now()); err != nil {
					t.Fatal(err)
				}
			}
			p.run(50 * time.Millisecond)
		}
		p.until(15*time.Second, "every echo back", func() bool {
			for _, e := range echoes {
				if e != sent {
					return false
				}
			}
			return true
		})
		if !p.open() || n.Stats().Conns != 64 {
			t.Errorf("%d connections", n.Stats().Conns)
		}
	})
}

// TestRestart: the same data folder, another process: clients of the old one read a reset at once. A stopped one says so.
func TestRestart(t *testing.T) {
	for _, d := range drivers() {
		dir := t.TempDir()
		n := boot(t, Config{Driver: d, DataDir: dir})
		m, _ := n.StartMatch("race", MatchOptions{})
		p := &bunch{t: t, n: n}
		polite := p.join(m, 1, sim.ClientConfig{})
		p.until(15*time.Second, "connected", p.open)
		addr := n.Addr()
		done := make(chan struct{})
		go func() { stop(t, n); close(done) }()
		p.until(15*time.Second, "told of the shutdown", func() bool { return polite.Closed() == wire.CloseShutdown })
		<-done

		// A crash says nothing: here the client's packets are simply not delivered before the next server is up.
		n = boot(t, Config{Driver: d, DataDir: dir, Addr: addr.String()})
		m, _ = n.StartMatch("race", MatchOptions{})
		p = &bunch{t: t, n: n}
		c := p.join(m, 2, sim.ClientConfig{})
		p.until(15*time.Second, "connected", p.open)
		p.run(100 * time.Millisecond)
		stop(t, n)
		n = boot(t, Config{Driver: d, DataDir: dir, Addr: addr.String()})
		for len(p.ends[0].in) > 0 { // its goodbyes
			<-p.ends[0].in
		}
		p.until(5*time.Second, "reset", func() bool { return c.Closed() == wire.CloseReset })
		c.ResumeFrom(dial(t))
		var denied *handshake.DeniedError
		p.until(15*time.Second, "refused", func() bool { return errors.As(c.Err, &denied) })
		if denied.Reason != wire.DenyGone {
			t.Errorf("RESUME: %v", denied)
		}
		stop(t, n)
	}
}

// TestGarbageOverRealSockets: a flood while a match runs; the players notice nothing.
func TestGarbageOverRealSockets(t *testing.T) {
	eachDriver(t, func(t *testing.T, n *Node) {
		m, _ := n.StartMatch("race", MatchOptions{})
		p := &bunch{t: t, n: n}
		for user := range byte(4) {
			p.join(m, user+1, sim.ClientConfig{})
		}
		p.until(15*time.Second, "connected", p.open)
		p.run(time.Second)
		quit := make(chan struct{})
		defer close(quit)
		flood, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(n.Addr()))
		if err != nil {
			t.Fatal(err)
		}
		defer flood.Close()
		go func() { // ends with quit
			rng := match.NewRand(1)
			b := make([]byte, 1200)
			for i := 0; ; i++ {
				select {
				case <-quit:
					return
				default:
				}
				binary.LittleEndian.PutUint64(b, rng.Uint64())
				b[0], b[1] = byte(0x40+i%0x48), byte(i%4)
				_, _ = flood.Write(b[:20+rng.IntN(1180)])
				if i%64 == 63 {
					time.Sleep(time.Millisecond) // one core is the players' and the server's
				}
			}
		}()
		before := p.clients[0].Counters.Snapshots
		p.run(2 * time.Second)
		// On a busy machine the client misses some itself; half of 120 are enough to say that the match went on.
		if got := p.clients[0].Counters.Snapshots - before; !p.open() || got < 60 {
			t.Errorf("%d snapshots in 2 s", got)
		}
		s := n.Stats()
		noise := s.Control.Garbage
		for _, sh := range s.Shards {
			noise += sh.Garbage + sh.Unknown
		}
		if noise < 1000 {
			t.Errorf("only %d datagrams of noise arrived", noise)
		}
		t.Logf("%s: %d datagrams of noise", s.Driver, noise)
	})
}

// TestQueries: a server browser's question is answered after its challenge.
func TestQueries(t *testing.T) {
	eachDriver(t, func(t *testing.T, n *Node) {
		conn, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(n.Addr()))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		ask := []byte("\xff\xff\xff\xffTSource Engine Query\x00")
		buf := make([]byte, 1500)
		for range 2 {
			_ = conn.SetDeadline(time.Now().Add(2 * time.Second))
			if _, err := conn.Write(ask); err != nil {
				t.Fatal(err)
			}
			k, err := conn.Read(buf)
			if err != nil {
				t.Fatal(err)
			}
			if buf[4] == wire.QueryInfoIs {
				if !strings.Contains(string(buf[:k]), "Skirmish\x00") {
					t.Errorf("answer %q", buf[:k])
				}
				return
			}
			ask = append(ask, buf[5:9]...)
		}
		t.Error("no answer")
	})
}

func TestKeys(t *testing.T) {
	dir := t.TempDir()
	first, err := LoadKeys(dir)
	if err != nil {
		t.Fatal(err)
	}
	again, err := LoadKeys(dir)
	if err != nil || again != first || first.Token == first.Ticket || first.Reset == [32]byte{} {
		t.Errorf("keys differ or are not random: %v", err)
	}
	path := filepath.Join(dir, "keys", "token")
	info, err := os.Stat(path)
	if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	_ = os.Chmod(path, 0o644)
	if _, err := LoadKeys(dir); err == nil && runtime.GOOS != "windows" {
		t.Error("a key that others can read was taken")
	}
	_ = os.Chmod(path, 0o600)
	_ = os.WriteFile(path, []byte("abc\n"), 0o600)
	if _, err := LoadKeys(dir); err == nil {
		t.Error("half a key was taken")
	}
}

func TestStartRefuses(t *testing.T) {
	n := boot(t, Config{})
	if _, err := Start(Config{Addr: n.Addr().String(), Games: []*match.Definition{&raceMatch}}); err == nil {
		t.Error("two nodes on one port")
	}
	if _, err := Start(Config{Addr: "127.0.0.1:0", Games: []*match.Definition{&raceMatch, &raceMatch}}); err == nil {
		t.Error("two games of one name")
	}
	if _, err := n.StartMatch("chess", MatchOptions{}); !errors.Is(err, ErrNoGame) {
		t.Error(err)
	}
	if err := n.EndMatch(id.UUID{1}, wire.CloseKicked); !errors.Is(err, ErrNoMatch) {
		t.Error(err)
	}
	stop(t, n)
	stop(t, n)
	if _, err := n.StartMatch("race", MatchOptions{}); err == nil {
		t.Error("a stopped node started a match")
	}
}
