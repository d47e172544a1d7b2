package proxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/skirmishgg/skirmish/bench/delay"
	"github.com/skirmishgg/skirmish/engine/clock"
	"github.com/skirmishgg/skirmish/netcode/simnet"
)

// Config says between whom, and how bad.
type Config struct {
	Listen string // "127.0.0.1:0": what clients are told
	Target string // the server

	Up   simnet.LinkConfig // client to target
	Down simnet.LinkConfig // target to client
	Seed uint64

	RebindEvery time.Duration // every client gets a new address this often; 0: only by Rebind
	Idle        time.Duration // a client silent for so long is forgotten; 0: one minute
	MaxClients  int           // more are ignored; 0: 10,000
}

// Proxy runs between New and Close.
type Proxy struct {
	// constant after New
	config Config
	listen *net.UDPConn
	target *net.UDPAddr
	addr   netip.AddrPort
	line   *delay.Line[*parcel]
	ended  sync.WaitGroup // readers of upstream sockets

	// sessions by client; the lock also guards what is below
	mu       sync.Mutex
	sessions map[netip.AddrPort]*session
	up, down simnet.LinkConfig
	created  uint64
	past     Stats // of forgotten clients, and counters that belong to none
	closed   bool
}

// Stats counts over all clients, those already forgotten too.
type Stats struct {
	Clients    int // now
	Up, Down   simnet.Stats
	Rebinds    uint64
	TooMany    uint64 // datagrams of clients beyond MaxClients, or for which there was no socket
	Unsendable uint64 // datagrams that a socket refused: nobody listens, or too large
	Line       delay.Stats
}

// parcel is one datagram on the line.
type parcel struct {
	session *session
	up      bool
	bytes   []byte
}

var parcels = sync.Pool{New: func() any { return new(parcel) }}

// New opens the listening socket; Run does the work.
func New(c Config) (*Proxy, error) {
	for _, link := range []simnet.LinkConfig{c.Up, c.Down} {
		if err := link.Check(); err != nil {
			return nil, err
		}
	}
	if c.Idle == 0 {
		c.Idle = time.Minute
	}
	if c.MaxClients == 0 {
		c.MaxClients = 10_000
	}
	target, err := net.ResolveUDPAddr("udp", c.Target)
	if err != nil {
		return nil, fmt.Errorf("proxy: target: %w", err)
	}
	listen, err := net.ResolveUDPAddr("udp", c.Listen)
	if err != nil {
		return nil, fmt.Errorf("proxy: listen: %w", err)
	}
	p := &Proxy{config: c, target: target, sessions: map[netip.AddrPort]*session{}, up: c.Up, down: c.Down}
	if p.listen, err = net.ListenUDP("udp", listen); err != nil {
		return nil, fmt.Errorf("proxy: %w", err)
	}
	grow(p.listen)
	p.addr = unmap(p.listen.LocalAddr().(*net.UDPAddr).AddrPort())
	if p.line, err = delay.New(p.deliver); err != nil {
		p.listen.Close()
		return nil, fmt.Errorf("proxy: %w", err)
	}
	return p, nil
}

// Addr is where clients connect to.
func (p *Proxy) Addr() netip.AddrPort { return p.addr }

// Run forwards until ctx ends or Close is called, then closes everything. It returns nil for both.
func (p *Proxy) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { p.Close() })
	defer stop()
	done := make(chan struct{})
	var keeper sync.WaitGroup
	keeper.Go(func() { p.keep(done) }) // stopped and awaited at the end of Run
	defer keeper.Wait()
	defer close(done)

	buf := make([]byte, 64<<10)
	for {
		n, from, err := p.listen.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil { // an ICMP error from a client that left; reading has cleared it
			continue
		}
		if s := p.session(unmap(from)); s != nil {
			s.forward(buf[:n], true)
		}
	}
}

// Close stops everything and returns when it is over. A second call does nothing.
func (p *Proxy) Close() error {
	p.mu.Lock()
	was := p.closed
	p.closed = true
	for client, s := range p.sessions {
		p.forget(client, s)
	}
	p.mu.Unlock()
	if was {
		return nil
	}
	err := p.listen.Close()
	p.line.Close()
	p.ended.Wait()
	return err
}

// SetLinks changes both directions for all clients, from the next packet on. It panics when a config is wrong.
func (p *Proxy) SetLinks(up, down simnet.LinkConfig) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.up, p.down = up, down
	for _, s := range p.sessions {
		s.setLinks(up, down)
	}
}

// Rebind gives every client a new address towards the target, at once, and returns how many there were.
func (p *Proxy) Rebind() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	count := 0
	for _, s := range p.sessions {
		if s.rebind() == nil {
			count++
		}
	}
	p.past.Rebinds += uint64(count)
	return count
}

// Stats is what happened so far.
func (p *Proxy) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	st := p.past
	for _, s := range p.sessions {
		s.addTo(&st)
	}
	st.Clients = len(p.sessions)
	st.Line = p.line.Stats()
	return st
}

// session finds or makes the client's; nil when there is no room.
func (p *Proxy) session(client netip.AddrPort) *session {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.sessions[client]
	if s == nil && !p.closed {
		s = p.add(client)
	}
	if s == nil {
		p.past.TooMany++
		return nil
	}
	s.heard = clock.Real{}.Now()
	return s
}

func (p *Proxy) add(client netip.AddrPort) *session {
	if len(p.sessions) >= p.config.MaxClients {
		return nil
	}
	p.created++
	seed := p.config.Seed + p.created*0x9E3779B97F4A7C15
	s := &session{
		proxy: p, client: client,
		up: simnet.NewModel(p.up, seed), down: simnet.NewModel(p.down, ^seed),
	}
	if s.rebind() != nil {
		return nil
	}
	p.sessions[client] = s
	return s
}

// forget needs the lock.
func (p *Proxy) forget(client netip.AddrPort, s *session) {
	delete(p.sessions, client)
	s.close()
	s.addTo(&p.past)
}

// keep forgets silent clients and rebinds on schedule.
func (p *Proxy) keep(done <-chan struct{}) {
	sweep := time.NewTicker(min(p.config.Idle, time.Second))
	defer sweep.Stop()
	var rebind <-chan time.Time
	if p.config.RebindEvery > 0 {
		t := time.NewTicker(p.config.RebindEvery)
		defer t.Stop()
		rebind = t.C
	}
	for {
		select {
		case <-done:
			return
		case <-rebind:
			p.Rebind()
		case <-sweep.C:
			p.forgetSilent(clock.Real{}.Now() - p.config.Idle)
		}
	}
}

func (p *Proxy) forgetSilent(since time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for client, s := range p.sessions {
		if s.heard < since {
			p.forget(client, s)
		}
	}
}

// deliver runs on the line's thread.
func (p *Proxy) deliver(d *parcel) {
	var err error
	if d.up {
		err = d.session.sendUp(d.bytes)
	} else {
		_, err = p.listen.WriteToUDPAddrPort(d.bytes, d.session.client)
	}
	if err != nil && !errors.Is(err, net.ErrClosed) {
		p.mu.Lock()
		p.past.Unsendable++
		p.mu.Unlock()
	}
	d.session = nil
	parcels.Put(d)
}

func unmap(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }

func grow(c *net.UDPConn) {
	_ = c.SetReadBuffer(4 << 20) // what the system allows
	_ = c.SetWriteBuffer(4 << 20)
}
