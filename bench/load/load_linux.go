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
	batchSize    = 64
	slotsDefault = 16 // wake-ups a tick: about 1 ms apart at 60 Hz
	slotsMax     = 128
	connectBurst = 64 // handshakes in flight
	perOctet     = 250
)

// Config says who drives whom.
type Config struct {
	Addr    netip.AddrPort // of the server, IPv4 loopback
	Clients int
	Rate    int  // ticks a second
	Slots   int  // 0: 16
	Stamps  bool // kernel receive timestamps, for gaps
	// New makes client i.
	New func(i int) (Protocol, error)
}

// slot is the clients that have their turn together, each with an address of its own on one socket.
type slot struct {
	conn    *mmsg.Conn
	net     byte // the addresses are 127.net.x.y
	clients []client
}

// client is one player.
type client struct {
	Protocol
	last time.Duration // kernel time of the newest tick datagram; 0: none in this run
}

// Generator drives the clients of one Config.
type Generator struct {
	// constant after New
	c      Config
	clock  *pace.Clock
	offset time.Duration // CLOCK_REALTIME - clock, to bring stamps onto the clock
	period time.Duration
	// owned by the goroutine that calls Connect and Run
	slots  []slot
	rx, tx *mmsg.Batch
	queued int // datagrams in tx, all of one slot
	gaps   hist.Hist
	late   hist.Hist
	report Report
}

// New makes the clients and opens their sockets.
// Errors: whatever Config.New refuses; the system's.
func New(c Config) (*Generator, error) {
	if c.Slots == 0 {
		c.Slots = slotsDefault
	}
	if c.Slots > slotsMax || (c.Clients+c.Slots-1)/c.Slots > perOctet*256 {
		return nil, fmt.Errorf("%d clients in %d slots", c.Clients, c.Slots)
	}
	g := &Generator{
		c: c, clock: pace.New(), period: time.Second / time.Duration(c.Rate),
		slots: make([]slot, c.Slots), rx: mmsg.NewBatch(batchSize), tx: mmsg.NewBatch(batchSize),
	}
	g.offset = mmsg.Now() - g.clock.Now()
	for i := range g.slots {
		conn, err := mmsg.Many(c.Addr, c.Stamps)
		if err != nil {
			g.Close()
			return nil, err
		}
		g.slots[i] = slot{conn: conn, net: byte(i + 1)}
	}
	for i := range c.Clients {
		p, err := c.New(i)
		if err != nil {
			g.Close()
			return nil, fmt.Errorf("client %d: %w", i, err)
		}
		s := &g.slots[i%c.Slots]
		s.clients = append(s.clients, client{Protocol: p})
	}
	return g, nil
}

// local is the address of a slot's j-th client, and index the way back.
func (s *slot) local(j int) [4]byte {
	return [4]byte{127, s.net, byte(j / perOctet), byte(1 + j%perOctet)}
}

func (s *slot) index(local [4]byte) int { return int(local[2])*perOctet + int(local[3]) - 1 }

// Close closes the sockets.
func (g *Generator) Close() {
	for i := range g.slots {
		if c := g.slots[i].conn; c != nil {
			c.Close()
			g.slots[i].conn = nil
		}
	}
}

// client is client i of Config.
func (g *Generator) client(i int) *client { return &g.slots[i%g.c.Slots].clients[i/g.c.Slots] }

// Connect drives handshakes, connectBurst at a time, until every client is ready. Those that are ready already tick,
// as players do while others join.
// Errors: ctx's, with how many were ready; a client gave up.
func (g *Generator) Connect(ctx context.Context) error {
	ready := 0 // clients 0 to ready-1 are connected
	step := g.period / time.Duration(g.c.Slots)
	start := g.clock.Now()
	for k := 0; ready < g.c.Clients; k++ {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("connect: %d of %d clients ready: %w", ready, g.c.Clients, err)
		}
		g.clock.SleepUntil(start + time.Duration(k)*step)
		g.visit(&g.slots[k%g.c.Slots], k%g.c.Slots, ready, ready+connectBurst)
		for ready < g.c.Clients && g.client(ready).Ready() {
			ready++
		}
		if ready == g.c.Clients {
			return nil
		}
		if p, ok := g.client(ready).Protocol.(interface{ Err() error }); ok && p.Err() != nil {
			return fmt.Errorf("connect: client %d: %w", ready, p.Err())
		}
	}
	return nil
}

// Run ticks every client for d and reports. It may be called again; each call reports its own time.
func (g *Generator) Run(d time.Duration) Report {
	g.report = Report{Clients: g.c.Clients}
	g.gaps.Reset()
	g.late.Reset()
	for i := range g.c.Clients {
		g.client(i).last = 0
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
		g.visit(&g.slots[k%g.c.Slots], k%g.c.Slots, g.c.Clients, g.c.Clients)
	}
	g.report.Busy = float64(cpuTime()-cpu) / float64(g.clock.Now()-start)
	for i := range g.c.Clients {
		if g.client(i).Ready() {
			g.report.Ready++
		}
	}
	g.report.LateP99us = float64(g.late.Quantile(0.99)) / 1e3
	g.report.GapP50ms = float64(g.gaps.Quantile(0.5)) / 1e6
	g.report.GapP99ms = float64(g.gaps.Quantile(0.99)) / 1e6
	g.report.GapMaxms = float64(g.gaps.Max()) / 1e6
	return g.report
}

// visit is a slot's turn: read everything, then for each client what is due and the tick. Of those that are not
// connected (from ready on) only the ones before limit have begun.
func (g *Generator) visit(s *slot, at, ready, limit int) {
	now := g.clock.Now()
	g.drain(s, now)
	for j := range s.clients {
		c, i := &s.clients[j], j*g.c.Slots+at
		if i >= ready && i >= limit {
			break
		}
		if n := c.Next(g.tx.Buf(g.queued), now); n > 0 {
			g.queue(s, j, n)
		}
		if i >= ready {
			continue
		}
		if n := c.Tick(g.tx.Buf(g.queued), now); n > 0 {
			g.queue(s, j, n)
			g.report.Sent++
		}
	}
	g.flush(s)
}

func (g *Generator) drain(s *slot, now time.Duration) {
	for {
		n, err := s.conn.Recv(g.rx)
		if err != nil {
			g.report.Errors++
			return
		}
		for i := range n {
			local, stamp := g.rx.Meta(i)
			j := s.index(local)
			if j < 0 || j >= len(s.clients) {
				continue
			}
			if g.c.Stamps {
				stamp -= g.offset
			} else {
				stamp = now
			}
			c := &s.clients[j]
			if !c.Receive(g.rx.Received(i), now, stamp) {
				continue
			}
			g.report.Received++
			if c.last != 0 {
				g.gaps.Add(stamp - c.last)
			}
			c.last = stamp
		}
		if n < batchSize {
			return
		}
	}
}

func (g *Generator) queue(s *slot, j, n int) {
	g.tx.SetLen(g.queued, n)
	g.tx.SetFrom(g.queued, s.conn, s.local(j))
	if g.queued++; g.queued == batchSize {
		g.flush(s)
	}
}

func (g *Generator) flush(s *slot) {
	if n, err := s.conn.Send(g.tx, g.queued); err != nil || n < g.queued {
		g.report.Errors++
	}
	g.queued = 0
}

func cpuTime() time.Duration {
	var ru unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &ru)
	return time.Duration(ru.Utime.Nano() + ru.Stime.Nano())
}
