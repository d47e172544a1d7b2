package rtt

import (
	"crypto/rand"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/skirmishgg/skirmish/bench/pace"
	"github.com/skirmishgg/skirmish/netcode/handshake"
	"github.com/skirmishgg/skirmish/netcode/peer"
	"github.com/skirmishgg/skirmish/netcode/token"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

const (
	inputBytes  = 60 // what a shooter's client sends beside its events
	connectWait = 10 * time.Second
)

// client is one of our connections, over a socket of its own: one datagram a tick, and a reader that runs the handler
// when a datagram arrives, as the Go client does.
type client struct {
	conn  *net.UDPConn
	addr  netip.AddrPort
	clock *pace.Clock
	sink  *Sink

	mu   sync.Mutex
	peer *peer.Peer
	tick uint32
	seen uint32 // newest snapshot
	buf  [wire.MaxDatagram]byte
}

// Dial connects with a token through addr, which is the server's or a proxy's; answers go to sink.
func Dial(addr netip.AddrPort, t *token.Connect, sink *Sink) (Sender, error) {
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(addr))
	if err != nil {
		return nil, err
	}
	c := &client{conn: conn, addr: addr, clock: pace.New(), sink: sink}
	if err := c.connect(t); err != nil {
		conn.Close()
		return nil, err
	}
	go c.read() // ends with its connection, at the latest with the process
	return c, nil
}

func (c *client) connect(t *token.Connect) error {
	shake := handshake.NewClient(t, rand.Reader)
	var in [wire.MaxDatagram]byte
	for c.clock.Now() < connectWait {
		datagram, _, wait := shake.Next(c.clock.Now())
		if err := shake.Err(); err != nil {
			return fmt.Errorf("connect: %w", err)
		}
		if datagram != nil {
			if _, err := c.conn.Write(datagram); err != nil {
				return fmt.Errorf("connect: %w", err)
			}
		}
		if err := c.conn.SetReadDeadline(time.Now().Add(wait)); err != nil {
			return err
		}
		n, err := c.conn.Read(in[:])
		if err != nil {
			continue // nothing yet: Next sends again
		}
		done, err := shake.Receive(in[:n], c.addr, c.clock.Now())
		if err != nil {
			return fmt.Errorf("connect: %w", err)
		}
		if done {
			r := shake.Result()
			c.peer = peer.New(peer.Config{Keys: r.Keys, Schema: r.Schema, CID: r.CID, Addr: r.Addr, Timeout: r.Timeout, Random: rand.Reader}, c.clock.Now())
			c.peer.SetResetToken(r.ResetToken)
			c.peer.SetTickReference(r.ServerTick)
			c.tick = r.ServerTick
			return c.conn.SetReadDeadline(time.Time{})
		}
	}
	return fmt.Errorf("connect: %w", handshake.ErrTimeout)
}

func (c *client) read() {
	var in [wire.MaxDatagram]byte
	for {
		n, err := c.conn.Read(in[:])
		if err != nil {
			return
		}
		c.mu.Lock()
		c.peer.Receive(in[:n], c.addr, c.clock.Now(), (*handler)(c))
		c.mu.Unlock()
	}
}

// Send queues the event and sends the tick's datagram.
func (c *client) Send(event []byte) error {
	c.mu.Lock()
	err := c.peer.SendEvent(0, event, c.clock.Now())
	c.mu.Unlock()
	if err != nil {
		return err
	}
	c.Tick()
	return nil
}

// Tick sends the datagram of a tick without a new event: acks, and whatever is unacked.
func (c *client) Tick() {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.clock.Now()
	c.tick++
	t := peer.TickInfo{Valid: true, Tick: c.tick, DecodedDelta: peer.None}
	if d := c.tick - c.seen; d < peer.None {
		t.DecodedDelta = uint8(d)
	}
	c.peer.Begin(c.buf[:], now, t)
	body := c.peer.Tail(wire.FrameInput)
	clear(body[:inputBytes])
	_, _ = c.conn.Write(c.buf[:c.peer.Finish(inputBytes)])
	c.peer.Service(now, (*handler)(c))
}

// handler is client as its peer sees it.
type handler client

func (h *handler) OnTick(peer.TickInfo)                    {}
func (h *handler) OnInput(peer.TickInfo, []byte)           {}
func (h *handler) OnSnapshot(t peer.TickInfo, body []byte) { h.seen = t.Tick }
func (h *handler) OnEvent(_ uint8, event []byte)           { h.sink.Received(event) }
func (h *handler) OnMessage(uint8, []byte)                 {}
func (h *handler) OnStream(uint8, []byte)                  {}
func (h *handler) OnTicket([32]byte, []byte)               {}
func (h *handler) Buffer() []byte                          { return h.buf[:] }
func (h *handler) Queue(n int, _ netip.AddrPort)           { _, _ = h.conn.Write(h.buf[:n]) }
