package load

import (
	"crypto/rand"
	"net/netip"
	"time"

	"github.com/skirmishgg/skirmish/netcode/handshake"
	"github.com/skirmishgg/skirmish/netcode/peer"
	"github.com/skirmishgg/skirmish/netcode/token"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// Body is the game's half of a client: what it sends each tick, and what it makes of what comes.
type Body interface {
	// Joined is called once, when the handshake has ended.
	Joined(r *handshake.Result, now time.Duration)
	// Input writes the body of the INPUT frame of this tick into dst and returns its length, negative for a datagram
	// without input, and the tick block.
	Input(dst []byte, now time.Duration) (n int, t peer.TickInfo)
	// Event takes an event of the game.
	Event(data []byte)
	// Snapshot takes a snapshot; body is valid until it returns. stamp is the kernel's receive time.
	Snapshot(t peer.TickInfo, body []byte, stamp time.Duration)
}

// Transport is a client of ours: handshake, then the same peer that every client has.
type Transport struct {
	// constant after New
	mint func() (*token.Connect, error)
	addr netip.AddrPort
	body Body
	// owned by the generator's goroutine
	shake *handshake.Client
	peer  *peer.Peer
	stamp time.Duration // of the datagram in Receive
	tick  bool          // it was of a tick
	due   time.Duration // when shake or peer want to be asked again
	err   error
	out   outbox
}

// serviceEvery is how often a peer wants its Service.
const serviceEvery = 10 * time.Millisecond

// NewTransport makes a client of the server at addr; mint is called when its turn to connect comes, since tokens live for seconds.
func NewTransport(addr netip.AddrPort, mint func() (*token.Connect, error), body Body) *Transport {
	return &Transport{addr: addr, mint: mint, body: body}
}

// Err is why the server refused the client, nil while it has not.
func (c *Transport) Err() error { return c.err }

// Peer is the connection, nil before the handshake has ended.
func (c *Transport) Peer() *peer.Peer { return c.peer }

// Ready reports whether the handshake has ended and the connection is open.
func (c *Transport) Ready() bool {
	if c.peer == nil {
		return false
	}
	state, _ := c.peer.State()
	return state == peer.Open
}

// Next drives the handshake, and the peer's service afterwards.
func (c *Transport) Next(dst []byte, now time.Duration) int {
	if c.err != nil || now < c.due {
		return 0
	}
	if c.peer != nil {
		c.due = now + serviceEvery
		c.out = outbox{buf: dst}
		c.peer.Service(now, &c.out)
		return c.out.n
	}
	if c.shake == nil {
		connect, err := c.mint()
		if err != nil {
			c.err = err
			return 0
		}
		c.shake = handshake.NewClient(connect, rand.Reader)
	}
	datagram, _, wait := c.shake.Next(now)
	if c.shake.Err() != nil { // nobody answered: a box too busy to is no reason to give up
		c.shake, c.due = nil, 0
		return 0
	}
	c.due = now + wait
	return copy(dst, datagram)
}

// Tick builds the tick's datagram.
func (c *Transport) Tick(dst []byte, now time.Duration) int {
	if !c.Ready() {
		return 0
	}
	var input [512]byte
	n, t := c.body.Input(input[:], now)
	c.peer.Begin(dst, now, t)
	if n < 0 {
		return c.peer.Finish(n)
	}
	return c.peer.Finish(copy(c.peer.Tail(wire.FrameInput), input[:n]))
}

// Receive takes a datagram.
func (c *Transport) Receive(pkt []byte, now, stamp time.Duration) (tick bool) {
	if c.peer != nil {
		c.stamp, c.tick = stamp, false
		c.peer.Receive(pkt, c.addr, now, (*handler)(c))
		return c.tick
	}
	if c.shake == nil {
		return false
	}
	c.due = 0
	done, err := c.shake.Receive(pkt, c.addr, now)
	switch {
	case err != nil:
		c.err = err
	case done:
		c.join(now)
	}
	return false
}

func (c *Transport) join(now time.Duration) {
	r := c.shake.Result()
	c.peer = peer.New(peer.Config{Keys: r.Keys, Schema: r.Schema, CID: r.CID, Addr: r.Addr, Timeout: r.Timeout, Random: rand.Reader}, now)
	c.peer.SetResetToken(r.ResetToken)
	c.peer.SetTickReference(r.ServerTick)
	c.body.Joined(r, now)
	c.shake, c.due = nil, 0
}

// handler is Transport as its peer sees it.
type handler Transport

func (h *handler) OnTick(peer.TickInfo)           {}
func (h *handler) OnInput(peer.TickInfo, []byte)  {}
func (h *handler) OnEvent(_ uint8, data []byte)   { h.body.Event(data) }
func (h *handler) OnMessage(_ uint8, data []byte) { h.body.Event(data) }
func (h *handler) OnStream(uint8, []byte)         {}
func (h *handler) OnTicket([32]byte, []byte)      {}
func (h *handler) OnSnapshot(t peer.TickInfo, b []byte) {
	h.tick = true
	h.body.Snapshot(t, b, h.stamp)
}

// outbox keeps the last datagram that a peer's Service sends: a client without streams sends at most one.
type outbox struct {
	buf []byte
	n   int
}

func (o *outbox) Buffer() []byte                { return o.buf }
func (o *outbox) Queue(n int, _ netip.AddrPort) { o.n = n }

// Blob is the Body of the transport row: a fixed number of bytes a tick.
type Blob struct {
	Bytes int
	tick  uint32
	seen  uint32
	any   bool
}

// Joined starts at the server's tick.
func (b *Blob) Joined(r *handshake.Result, _ time.Duration) { b.tick = r.ServerTick }

// Input is zeros.
func (b *Blob) Input(dst []byte, _ time.Duration) (int, peer.TickInfo) {
	b.tick++
	t := peer.TickInfo{Valid: true, Tick: b.tick, DecodedDelta: peer.None}
	if d := b.tick - b.seen; b.any && d < peer.None {
		t.DecodedDelta = uint8(d)
	}
	clear(dst[:b.Bytes])
	return b.Bytes, t
}

// Event is nothing to a Blob.
func (*Blob) Event([]byte) {}

// Snapshot notes the tick, to acknowledge it.
func (b *Blob) Snapshot(t peer.TickInfo, _ []byte, _ time.Duration) { b.seen, b.any = t.Tick, true }
