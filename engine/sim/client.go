package sim

import (
	"io"
	"net/netip"
	"time"
	"unsafe"

	"github.com/skirmishgg/skirmish/netcode/clocksync"
	"github.com/skirmishgg/skirmish/netcode/handshake"
	"github.com/skirmishgg/skirmish/netcode/input"
	"github.com/skirmishgg/skirmish/netcode/peer"
	"github.com/skirmishgg/skirmish/netcode/simnet"
	"github.com/skirmishgg/skirmish/netcode/snapshot"
	"github.com/skirmishgg/skirmish/netcode/token"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// End is a client's end of the network: a simulated one, or a real socket in a test of the real engine.
type End interface {
	Send(now time.Duration, pkt []byte, to netip.AddrPort)
	Receive() (pkt []byte, from netip.AddrPort, ok bool) // pkt is valid until the next call
}

// ClientConfig is what a simulated client is made of.
type ClientConfig struct {
	Schema   *snapshot.Schema // of the match; nil: a native session, without ticks
	Match    id.UUID
	User     id.UUID
	Name     string
	Data     []byte // game data of the token
	Suite    wire.Suite
	Timeout  time.Duration
	Up, Down simnet.LinkConfig
	Addr     netip.AddrPort // default: one of its own

	Token *token.Connect // instead of one made from the fields above

	// Think fills the input of a tick: a pointer to the schema's input struct, which it keeps. nil: no inputs.
	Think func(tick uint32) unsafe.Pointer
	// Snapshot sees each new one; Event each event.
	Snapshot func(v *snapshot.View)
	Event    func(ch uint8, data []byte)
	Message  func(ch uint8, data []byte)
	Stream   func(ch uint8, data []byte)
}

// Client is one simulated client.
type Client struct {
	Peer     *peer.Peer // nil until connected
	Result   handshake.Result
	Err      error // of the handshake
	Decoder  *snapshot.Decoder
	Sync     *clocksync.Sync
	History  *input.History
	Tick     uint32 // of the newest input
	Margin   int8   // the server's last word on how early inputs come, in 1/16 tick
	Resumed  handshake.Resumable
	Counters ClientCounters

	config    ClientConfig
	random    io.Reader
	end       End
	sim       *Sim             // nil: of a real network
	simEnd    *simnet.Endpoint // the same end; nil
	now       time.Duration
	shaking   *handshake.Client
	shakeAt   time.Duration
	askedAt   time.Duration // of the last handshake datagram: what comes after it gives a first round trip
	tickAt    time.Duration
	serviceAt time.Duration
	processed uint32
	hasInput  bool
	forgot    bool // what it resumes was another process's
	out       [wire.MaxDatagram]byte
	in        [wire.MaxDatagram]byte
}

// ClientCounters counts what a client saw.
type ClientCounters struct {
	Snapshots   uint64 // decoded
	Undecodable uint64
	Events      uint64
	Inputs      uint64 // made
	Jumps       uint64 // of its clock
	Foreign     uint64 // datagrams that were not the server's
}

// Connect adds a client that begins its handshake with the next step.
func (s *Sim) Connect(c ClientConfig) *Client {
	n := len(s.Clients)
	if !c.Addr.IsValid() {
		c.Addr = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)}), 4000)
	}
	if c.User.IsZero() {
		c.User = id.UUID{0: 1, 13: byte(n >> 16), 14: byte(n >> 8), 15: byte(n)}
	}
	if c.Token == nil {
		var schema [8]byte
		if c.Schema != nil {
			schema = c.Schema.Hash()
		}
		c.Token = s.Mint(token.Private{
			UserID: c.User, MatchID: c.Match, Username: c.Name, GameData: c.Data, Suite: c.Suite, Timeout: c.Timeout,
		}, schema)
	}
	end := s.Net.Endpoint(c.Addr, c.Up, c.Down)
	cl := NewClient(c, end, &s.random)
	cl.sim, cl.simEnd = s, end
	s.Clients = append(s.Clients, cl)
	return cl
}

// NewClient makes a client with a token at any end of any network. Its owner calls Step every few milliseconds.
func NewClient(c ClientConfig, end End, random io.Reader) *Client {
	return &Client{config: c, end: end, random: random, shaking: handshake.NewClient(c.Token, random)}
}

// Resume lets the client, whose process may have died, take its connection up from another address.
func (c *Client) Resume(addr netip.AddrPort) {
	c.simEnd.Close()
	c.simEnd = c.sim.Net.Endpoint(addr, c.config.Up, c.config.Down)
	c.ResumeFrom(c.simEnd)
}

// Successor is Resume by another process, which has nothing but the ticket.
func (c *Client) Successor(addr netip.AddrPort) {
	c.Peer, c.forgot = nil, true
	c.Resume(addr)
}

// ResumeFrom is Resume from another end of the network.
func (c *Client) ResumeFrom(end End) {
	c.end, c.Err, c.shakeAt = end, nil, 0
	c.shaking = handshake.NewResume(c.Resumed, c.random)
}

// Rebind gives the client another address, as its NAT would.
func (c *Client) Rebind(addr netip.AddrPort) { c.simEnd.Rebind(addr) }

// SetLinks changes the client's links.
func (c *Client) SetLinks(up, down simnet.LinkConfig) { c.simEnd.SetLinks(up, down) }

// Send sends any bytes from the client's address.
func (c *Client) Send(pkt []byte) { c.end.Send(c.sim.Clock.Now(), pkt, Addr) }

// Open reports that the client is connected.
func (c *Client) Open() bool {
	if c.Peer == nil {
		return false
	}
	state, _ := c.Peer.State()
	return state == peer.Open && c.shaking == nil
}

// Closed is why the connection ended; CloseNone while it has not.
func (c *Client) Closed() wire.Close {
	if c.Peer == nil {
		return wire.CloseNone
	}
	_, why := c.Peer.State()
	return why
}

// Leave says goodbye.
func (c *Client) Leave() { c.Peer.Close(wire.CloseLeft, c.now) }

// Vanish takes the client off the network without a word.
func (c *Client) Vanish() {
	c.simEnd.Close()
	c.shaking = nil
	c.Peer = nil
}

// Step takes what has arrived and does what is due.
func (c *Client) Step(now time.Duration) {
	c.now = now
	for pkt, from, ok := c.end.Receive(); ok; pkt, from, ok = c.end.Receive() {
		n := copy(c.in[:], pkt)
		c.receive(c.in[:n], from, now)
	}
	if c.shaking != nil && c.Err == nil && now >= c.shakeAt {
		pkt, to, wait := c.shaking.Next(now)
		if len(pkt) > 0 {
			c.end.Send(now, pkt, to)
			c.askedAt = now
		}
		c.shakeAt = now + wait
		c.Err = c.shaking.Err()
	}
	if c.Peer == nil || c.shaking != nil {
		return
	}
	if state, _ := c.Peer.State(); state == peer.Open && c.config.Schema != nil {
		for now >= c.tickAt {
			c.sendInput(now)
			c.tickAt += c.Sync.Tick()
		}
	}
	if now >= c.serviceAt {
		c.Peer.Service(now, c)
		c.serviceAt = now + 10*time.Millisecond
	}
}

func (c *Client) receive(pkt []byte, from netip.AddrPort, now time.Duration) {
	if c.shaking != nil {
		done, err := c.shaking.Receive(pkt, from, now)
		c.shakeAt = now
		if c.Err = err; done {
			c.connected(now)
		}
		return
	}
	if c.Peer == nil || from != c.Result.Addr {
		c.Counters.Foreign++
		return
	}
	c.Peer.Receive(pkt, from, now, c)
}

// connected makes a peer of what the handshake came to, or gives the one there is its new keys.
func (c *Client) connected(now time.Duration) {
	c.Result, c.shaking = *c.shaking.Result(), nil
	r := &c.Result
	c.Resumed = handshake.Resumable{CID: r.CID, Ticket: r.Ticket, Secret: r.Secret, Suite: r.Keys.Suite, Schema: r.Schema, Addr: r.Addr}
	if c.Peer != nil {
		c.Peer.Rekey(r.Keys, r.CID, r.Addr, now)
		c.Peer.SetResetToken(r.ResetToken)
		return
	}
	conf := peer.Config{
		Keys: r.Keys, Schema: r.Schema, CID: r.CID, Addr: r.Addr, Timeout: r.Timeout, Random: c.random, Restart: c.forgot,
	}
	if c.config.Schema == nil {
		conf.KeepAlive = r.Timeout / 10
	}
	c.Peer = peer.New(conf, now)
	c.Peer.SetResetToken(r.ResetToken)
	c.serviceAt = now
	if c.config.Schema == nil {
		return
	}
	c.Peer.SetTickReference(r.ServerTick)
	c.Decoder = snapshot.NewDecoder(c.config.Schema)
	c.Sync = clocksync.New(int(r.TickRate))
	c.Tick = c.Sync.First(r.ServerTick, now-c.askedAt)
	c.tickAt = now
	if c.config.Schema.Input() != nil {
		c.History = input.NewHistory(c.config.Schema.Input())
	}
}

// sendInput makes the next tick's input and sends it with those that the server has not used.
func (c *Client) sendInput(now time.Duration) {
	c.Tick++
	t := peer.TickInfo{Valid: true, Tick: c.Tick, DecodedDelta: peer.None}
	if v := c.Decoder.Newest(); v != nil && c.Tick-v.Tick() < peer.None {
		t.DecodedDelta = uint8(c.Tick - v.Tick())
	}
	think := c.config.Think != nil && c.History != nil
	if think {
		c.History.Put(c.Tick, c.config.Think(c.Tick))
		c.Counters.Inputs++
	}
	c.Peer.Begin(c.out[:], now, t)
	body := -1
	if think {
		tail := c.Peer.Tail(wire.FrameInput)
		body = c.History.Encode(tail, c.processed, c.hasInput)
	}
	c.end.Send(now, c.out[:c.Peer.Finish(body)], c.Result.Addr)
}

// Buffer and Queue are the peer's way out of Service.
func (c *Client) Buffer() []byte { return c.out[:] }

// Queue sends at once.
func (c *Client) Queue(n int, to netip.AddrPort) { c.end.Send(c.now, c.out[:n], to) }

// OnTick steers the client's ticks.
func (c *Client) OnTick(t peer.TickInfo) {
	if t.InputDelta == peer.None {
		return
	}
	c.processed, c.hasInput, c.Margin = t.Tick-uint32(t.InputDelta), true, t.Margin
	stats := c.Peer.Stats()
	if jump := c.Sync.Margin(clocksync.Report{
		ServerTick: t.Tick, ClientTick: c.Tick, Margin: t.Margin, RTT: stats.RTT, Loss: stats.LossOut,
	}); jump != 0 {
		c.Counters.Jumps++
		if jump > 0 { // behind: skip ticks; ahead: wait for them
			c.Tick += uint32(jump)
		} else {
			c.tickAt += time.Duration(-jump) * time.Second / time.Duration(c.Result.TickRate)
		}
	}
}

// OnSnapshot decodes.
func (c *Client) OnSnapshot(t peer.TickInfo, body []byte) {
	v, err := c.Decoder.Decode(t.Tick, t.BaselineDelta, body)
	if err != nil {
		c.Counters.Undecodable++
		return
	}
	c.Counters.Snapshots++
	if c.config.Snapshot != nil {
		c.config.Snapshot(v)
	}
}

// OnEvent and the others hand on.
func (c *Client) OnEvent(ch uint8, data []byte) {
	c.Counters.Events++
	if c.config.Event != nil {
		c.config.Event(ch, data)
	}
}

// OnMessage is for unreliable and sequenced messages.
func (c *Client) OnMessage(ch uint8, data []byte) {
	if c.config.Message != nil {
		c.config.Message(ch, data)
	}
}

// OnStream is for whole stream messages.
func (c *Client) OnStream(ch uint8, data []byte) {
	if c.config.Stream != nil {
		c.config.Stream(ch, data)
	}
}

// OnTicket keeps the newest ticket.
func (c *Client) OnTicket(secret [32]byte, ticket []byte) {
	c.Resumed.Secret, c.Resumed.Ticket = secret, append([]byte(nil), ticket...)
}

// OnInput is a server's.
func (c *Client) OnInput(peer.TickInfo, []byte) {}
