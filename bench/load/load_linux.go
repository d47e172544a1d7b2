package load

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"github.com/skirmishgg/skirmish/bench/hist"
	"github.com/skirmishgg/skirmish/bench/mmsg"
	"github.com/skirmishgg/skirmish/bench/pace"
)

const (
	recvBatch    = 8  // datagrams that may wait for one client between its slots
	slotsDefault = 16 // wake-ups a tick: about 1 ms apart at 60 Hz
	connectBurst = 64 // handshakes in flight
)

// Config says who drives whom.
type Config struct {
	Addr    netip.AddrPort // of the server, for clients whose protocol does not name another
	Clients int
	Rate    int  // ticks a second
	Slots   int  // 0: 16
	Stamps  bool // kernel receive timestamps, for gaps
	// New makes client i and may name the address it talks to first (zero: Addr).
	New func(i int) (Protocol, error)
}

// client is one player: a socket and what is spoken over it.
type client struct {
	conn *mmsg.Conn
	p    Protocol
	last time.Duration // kernel time of the newest tick datagram; 0: none in this run
}

// Generator drives the clients of one Config.
type Generator struct {
	// constant after New
	c      Config
	clock  *pace.Clock
	offset time.Duration // CLOCK_REALTIME − clock, to bring stamps onto the clock
	period time.Duration
	// owned by the goroutine that calls Connect and Run
	clients []client
	rx, tx  *mmsg.Batch
	gaps    hist.Hist
	late    hist.Hist
	report  Report
}

// New opens every client's socket.
// Errors: too many open files (raise ulimit -n), or whatever Config.New refuses.
func New(c Config) (*Generator, error) {
	if c.Slots == 0 {
		c.Slots = slotsDefault
	}
	raiseFileLimit(uint64(c.Clients) + 64)
	g := &Generator{
		c: c, clock: pace.New(), period: time.Second / time.Duration(c.Rate),
		clients: make([]client, 0, c.Clients), rx: mmsg.NewBatch(recvBatch), tx: mmsg.NewBatch(1),
	}
	g.offset = mmsg.Now() - g.clock.Now()
	g.tx.ForConnected()
	for i := range c.Clients {
		if err := g.add(i); err != nil {
			g.Close()
			return nil, err
		}
	}
	return g, nil
}

func (g *Generator) add(i int) error {
	p, err := g.c.New(i)
	if err != nil {
		return fmt.Errorf("client %d: %w", i, err)
	}
	conn, err := mmsg.Dial(g.c.Addr, g.c.Stamps)
	if err != nil {
		return fmt.Errorf("client %d: %w", i, err)
	}
	g.clients = append(g.clients, client{conn: conn, p: p})
	return nil
}

// Close closes the sockets.
func (g *Generator) Close() {
	for i := range g.clients {
		g.clients[i].conn.Close()
	}
	g.clients = nil
}

// Client is the protocol of client i, for what a row wants to know of it afterwards.
func (g *Generator) Client(i int) Protocol { return g.clients[i].p }

// Clock is the generator's clock, for protocols that need times of their own.
func (g *Generator) Clock() *pace.Clock { return g.clock }

// Connect drives handshakes, connectBurst at a time, until every client is ready. Clients that are ready already
// keep ticking, as players do while others join.
// Errors: ctx's, with how many were ready.
func (g *Generator) Connect(ctx context.Context) error {
	ready := 0 // clients[:ready] are connected
	step := g.period / time.Duration(g.c.Slots)
	for deadline := g.clock.Now(); ; deadline += step {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("connect: %d of %d clients ready: %w", ready, len(g.clients), err)
		}
		g.clock.SleepUntil(deadline)
		slot := int(deadline/step) % g.c.Slots
		for i := slot; i < ready; i += g.c.Slots {
			g.visit(&g.clients[i])
		}
		now := g.clock.Now()
		for i := ready; i < min(ready+connectBurst, len(g.clients)); i++ {
			c := &g.clients[i]
			g.drain(c, now)
			if n := c.p.Next(g.tx.Buf(0), now); n > 0 {
				g.send(c, n)
			}
		}
		for ready < len(g.clients) && g.clients[ready].p.Ready() {
			ready++
		}
		if ready == len(g.clients) {
			return nil
		}
		deadline = max(deadline, now-step) // do not hurry after a stall
	}
}

// Run ticks every client for d and reports. It may be called again; each call reports its own time.
func (g *Generator) Run(d time.Duration) Report {
	g.report = Report{Clients: len(g.clients)}
	g.gaps.Reset()
	g.late.Reset()
	for i := range g.clients {
		g.clients[i].last = 0
	}
	step := g.period / time.Duration(g.c.Slots)
	start, cpu := g.clock.Now(), cpuTime()
	for k := 0; ; k++ {
		deadline := start + time.Duration(k)*step
		if deadline >= start+d {
			break
		}
		g.clock.SleepUntil(deadline)
		g.late.Add(g.clock.Now() - deadline)
		for i := k % g.c.Slots; i < len(g.clients); i += g.c.Slots {
			g.visit(&g.clients[i])
		}
	}
	g.report.Busy = float64(cpuTime()-cpu) / float64(g.clock.Now()-start)
	for i := range g.clients {
		if g.clients[i].p.Ready() {
			g.report.Ready++
		}
	}
	g.report.LateP99us = float64(g.late.Quantile(0.99)) / 1e3
	g.report.GapP50ms = float64(g.gaps.Quantile(0.5)) / 1e6
	g.report.GapP99ms = float64(g.gaps.Quantile(0.99)) / 1e6
	g.report.GapMaxms = float64(g.gaps.Max()) / 1e6
	return g.report
}

// visit is one client's turn: read all, then what is due, then the tick.
func (g *Generator) visit(c *client) {
	now := g.clock.Now()
	g.drain(c, now)
	if n := c.p.Next(g.tx.Buf(0), now); n > 0 {
		g.send(c, n)
	}
	if n := c.p.Tick(g.tx.Buf(0), now); n > 0 {
		g.send(c, n)
		g.report.Sent++
	}
}

func (g *Generator) drain(c *client, now time.Duration) {
	for {
		n, err := c.conn.Recv(g.rx)
		if err != nil {
			g.report.Errors++
			return
		}
		for i := range n {
			stamp := now
			if g.c.Stamps {
				stamp = g.rx.Stamp(i) - g.offset
			}
			if !c.p.Receive(g.rx.Received(i), now, stamp) {
				continue
			}
			g.report.Received++
			if c.last != 0 {
				g.gaps.Add(stamp - c.last)
			}
			c.last = stamp
		}
		if n < recvBatch {
			return
		}
	}
}

func (g *Generator) send(c *client, n int) {
	g.tx.SetLen(0, n)
	if _, err := c.conn.Send(g.tx, 1); err != nil {
		g.report.Errors++
	}
}

func cpuTime() time.Duration {
	var ru unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &ru)
	return time.Duration(ru.Utime.Nano() + ru.Stime.Nano())
}

func raiseFileLimit(want uint64) {
	var l unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &l) != nil || l.Cur >= want {
		return
	}
	l.Cur = min(want, l.Max)
	_ = unix.Setrlimit(unix.RLIMIT_NOFILE, &l)
}
