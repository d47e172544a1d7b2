package peer

import (
	"io"
	"net/netip"
	"time"

	"github.com/skirmishgg/skirmish/netcode/channel"
	"github.com/skirmishgg/skirmish/netcode/seal"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// State is where a peer is in its life.
type State uint8

const (
	Open    State = iota // packets flow; left by Close, a CLOSE frame, silence, or a protocol error
	Closing              // CLOSE is being repeated; left after the last repetition
	Closed               // over; Reason says why
)

// Config is what a peer is made of.
type Config struct {
	Server    bool // which end this is
	Keys      seal.Keys
	Schema    [8]byte // of the match; zero for sessions
	CID       uint32  // low byte: steering byte
	Addr      netip.AddrPort
	Timeout   time.Duration // of silence
	RateBytes int           // bytes a second that bulk may fill up to; 0: 64 KB
	Random    io.Reader     // of path challenges

	// Server only. Ticket appends the body of a TICKET frame; ResetToken is of this CID and an address.
	Ticket     func(dst []byte) []byte
	ResetToken func(cid uint32, addr netip.Addr) [16]byte
}

// Times, in the order in which they matter.
const (
	rateDefault    = 64 << 10
	keepAlive      = 250 * time.Millisecond // of own silence until a packet without content is sent
	ackDelayMax    = 25 * time.Millisecond  // an ack waits this long for company
	closeRepeats   = 4
	closeInterval  = 50 * time.Millisecond
	ticketInterval = 30 * time.Second
	reportInterval = time.Second
	controlRetry   = 250 * time.Millisecond // until a control frame is sent again that no ack has confirmed
)

// TickInfo is a packet's tick block. Ticks are full counters; the wire has their low 16 bits.
type TickInfo struct {
	Valid         bool
	Tick          uint32 // server: the match's tick; client: tick of its newest input
	BaselineDelta uint8  // server: snapshot baseline = Tick - BaselineDelta; 0: full
	Margin        int8   // server: how early the newest input came, in 1/16 tick
	InputDelta    uint8  // server: Tick - newest processed input tick; 255: none
	DecodedDelta  uint8  // client: Tick - newest decoded snapshot tick; 255: none
}

// None stands in InputDelta and DecodedDelta for "nothing yet".
const None = 255

// Handler gets what a packet brought, in its order. Slices are borrowed until the method returns.
type Handler interface {
	OnTick(t TickInfo) // of a packet newer than any before
	OnInput(t TickInfo, body []byte)
	OnSnapshot(t TickInfo, body []byte)
	OnEvent(ch uint8, data []byte)
	OnMessage(ch uint8, data []byte) // unreliable and sequenced
	OnStream(ch uint8, msg []byte)
	OnTicket(secret [32]byte, ticket []byte)
}

// Counters has a name for everything that a peer refused or gave up. Refused by the seal: see Opener's own.
type Counters struct {
	Header       uint64 // no data datagram of this connection
	Malformed    uint64 // authenticated, yet no packet: closes the peer
	EventWindow  uint64 // authenticated event outside the window: closes the peer
	StreamBad    uint64 // authenticated STREAM that is no KCP of its channel: closes the peer
	MessageDrop  uint64 // own unreliable message that found no room
	OldSequenced uint64 // sequenced message that a newer one overtook
	FragmentBad  uint64
	PathSent     uint64 // path challenges
	PathMoved    uint64 // completed moves to another address
	PathLimited  uint64 // challenges withheld by the 3x rule
	ResetForged  uint64
}

// Stats is what is known of a connection's quality.
type Stats struct {
	RTT, MinRTT    time.Duration // smoothed; least; 0 before the first ack
	Jitter         time.Duration // smoothed deviation of RTT
	Loss           float64       // of packets towards us, last second
	LossOut        float64       // of ours, as the other end reports
	PacketsIn, Out uint64
	BytesIn        uint64
	BytesOut       uint64
	EventsUnacked  int
	LastReceived   time.Duration
}

// Peer is one connection, either end. It is owned by one goroutine: a shard, a control loop, a client.
type Peer struct {
	Counters Counters

	// constant after New
	c     Config
	ownID seal.Direction // direction in which this end sends

	// life
	state     State
	reason    wire.Close
	closeLeft int
	closeNext time.Duration

	link             // keys, packet numbers, acks of the current CID
	pending *pending // keys of a resumption that no packet has confirmed yet

	// paths
	addr netip.AddrPort
	path probe

	// packet under construction, between Begin and Finish
	dst       []byte
	headerLen int
	building  sentPacket
	tailAt    int

	// what goes out with the next packets
	outbox    channel.Outbox
	messages  []byte // unreliable and sequenced frames, whole, one after the other
	lengths   []uint16
	fragments []byte // whole frames that wait for pieces, at most one
	fragID    uint8
	control   control

	// what came in
	inbox    channel.Inbox
	seqOut   [wire.Channels]uint16
	seqIn    [wire.Channels]uint16
	seqAny   [wire.Channels]bool
	assembly channel.Assembly
	streams  [wire.Channels - wire.FirstStream]*channel.Stream
	msgBuf   []byte
	tickRef  uint32 // newest tick of the other end
	tickAny  bool

	// timing and quality
	lastIn, lastOut time.Duration
	tokens          float64 // of the bucket, in bytes
	tokensAt        time.Duration
	stats           Stats
	report          report
	shed            shed
}

// New makes a peer whose handshake has ended.
func New(c Config, now time.Duration) *Peer {
	if c.RateBytes <= 0 {
		c.RateBytes = rateDefault
	}
	p := &Peer{c: c, addr: c.Addr, lastIn: now, lastOut: now, tokens: float64(c.RateBytes) / 8, tokensAt: now}
	if c.Server {
		p.ownID = seal.S2C
	}
	p.link = newLink(&c, c.Keys, c.CID)
	p.control.ticketAt = now + ticketInterval
	p.report.at = now + reportInterval
	return p
}

// CID names the connection to the server.
func (p *Peer) CID() uint32 { return p.link.cid }

// Addr is where the other end is.
func (p *Peer) Addr() netip.AddrPort { return p.addr }

// State is where the peer is in its life, and once it is not Open, why.
func (p *Peer) State() (State, wire.Close) { return p.state, p.reason }

// Stats is what is known of the connection's quality.
func (p *Peer) Stats() Stats {
	s := p.stats
	s.EventsUnacked, s.LastReceived = p.outbox.Len(), p.lastIn
	return s
}

// Refused are the seal's counters.
func (p *Peer) Refused() seal.OpenCounters { return p.link.opener.Counters }

// Close tells the other end, repeatedly, and ends the peer. The first reason stays.
func (p *Peer) Close(reason wire.Close, now time.Duration) {
	if p.state == Open {
		p.state, p.reason, p.closeLeft, p.closeNext = Closing, reason, closeRepeats, now
	}
}

// end is a life that needs no goodbye.
func (p *Peer) end(reason wire.Close) {
	if p.state == Open {
		p.reason = reason
	}
	p.state = Closed
}

// SendEvent queues a reliable event of at most 255 bytes. Errors: see channel.Outbox; ErrFull closes the peer.
func (p *Peer) SendEvent(ch uint8, data []byte, now time.Duration) error {
	err := p.outbox.Push(ch, data)
	if err == channel.ErrFull {
		p.Close(wire.CloseOverflow, now)
	}
	return err
}

// messagesMax bounds the unreliable messages that wait for the next packets; policy when full: the new one is dropped.
const messagesMax = 4 << 10

// SendUnreliable sends data once, with the next packet that has room.
func (p *Peer) SendUnreliable(ch uint8, data []byte) error {
	return p.queueMessage(wire.FrameUnreliable, ch, data)
}

// SendSequenced sends data once; a receiver that has seen a newer one ignores it.
func (p *Peer) SendSequenced(ch uint8, data []byte) error {
	return p.queueMessage(wire.FrameSequenced, ch, data)
}

func (p *Peer) queueMessage(f wire.Frame, ch uint8, data []byte) error {
	if ch >= wire.Channels {
		return channel.ErrChannel
	}
	if len(data) > channel.PieceMax-8 {
		return channel.ErrTooLarge
	}
	if len(p.messages)+len(data)+8 > messagesMax {
		p.Counters.MessageDrop++
		return channel.ErrFull
	}
	start := len(p.messages)
	p.messages = append(p.messages, byte(f)<<3|ch)
	if f == wire.FrameSequenced {
		p.messages = append(p.messages, byte(p.seqOut[ch]), byte(p.seqOut[ch]>>8))
		p.seqOut[ch]++
	}
	p.messages = appendLength(p.messages, len(data))
	p.messages = append(p.messages, data...)
	p.lengths = append(p.lengths, uint16(len(p.messages)-start))
	return nil
}

// SendStream queues a message of at most 64 KB on stream channel 4 to 7.
// Errors: see channel.Stream; ErrOverflow closes the peer.
func (p *Peer) SendStream(ch uint8, msg []byte, now time.Duration) error {
	s := p.stream(ch)
	if s == nil {
		return channel.ErrChannel
	}
	err := s.Send(msg)
	if err == channel.ErrOverflow {
		p.Close(wire.CloseOverflow, now)
	}
	return err
}

// stream is made when first used: 19 to 36 KB that most match connections never need.
func (p *Peer) stream(ch uint8) *channel.Stream {
	if ch < wire.FirstStream || ch >= wire.Channels {
		return nil
	}
	s := &p.streams[ch-wire.FirstStream]
	if *s == nil {
		*s = channel.NewStream(ch)
	}
	return *s
}
