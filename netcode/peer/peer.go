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
	Server bool // which end this is
	// Restart, client only: the connection was resumed by a process that has no memory of it, so its events, messages and
	// streams begin anew, at the server too.
	Restart   bool
	Keys      seal.Keys
	Schema    [8]byte // of the match; zero for sessions
	CID       uint32  // low byte: steering byte
	Addr      netip.AddrPort
	Timeout   time.Duration // of silence; 0: wire.DefaultTimeout
	KeepAlive time.Duration // of own silence until a packet without content is sent; 0: 250 ms
	RateBytes int           // bytes a second that bulk may fill up to; 0: 64 KB

	// Server only. Random is of path challenges; Ticket appends the body of a TICKET frame, nil: none are sent;
	// ResetToken is of this CID and an address, nil: none are sent.
	Random     io.Reader
	Ticket     func(dst []byte) []byte
	ResetToken func(cid uint32, addr netip.Addr) [wire.ResetTokenSize]byte
}

// Times, in the order in which they matter.
const (
	rideWait       = 20 * time.Millisecond  // a message or new event waits this long for a tick's datagram
	ackDelayMax    = 25 * time.Millisecond  // an ack waits this long for company
	eventRepeat    = 50 * time.Millisecond  // between repetitions of events where no tick repeats them
	closeInterval  = 50 * time.Millisecond  // between repetitions of CLOSE
	keepAlive      = 250 * time.Millisecond // of own silence until a packet without content is sent, unless configured
	controlRetry   = 250 * time.Millisecond // until a control frame is sent again that no ack has confirmed
	reportInterval = time.Second
	closeRepeats   = 4
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

// Handler gets what a packet brought, in its order. Slices are borrowed until the method returns. Its methods may call
// the peer's Send methods and Close, not Receive, Begin or Service.
type Handler interface {
	OnTick(t TickInfo) // of a packet newer than any before
	OnInput(t TickInfo, body []byte)
	OnSnapshot(t TickInfo, body []byte)
	OnEvent(ch uint8, data []byte)
	OnMessage(ch uint8, data []byte) // unreliable and sequenced
	OnStream(ch uint8, msg []byte)
	OnTicket(secret [32]byte, ticket []byte)
}

// Counters has a name for everything that a peer refused, gave up, or did once in a while. What the seal refused has the
// opener's own, see Refused.
type Counters struct {
	Ended        uint64 // datagrams for a peer whose life is over
	Header       uint64 // no data datagram of this connection
	ResetForged  uint64 // stateless reset with another token than ours
	Malformed    uint64 // authentic, yet no packet: closes the peer. Those below that close it count here too
	EventWindow  uint64 // authentic event outside the window: closes the peer
	StreamBad    uint64 // authentic STREAM that is no KCP of its channel: closes the peer
	FragmentBad  uint64 // authentic piece that contradicts those before: closes the peer
	OldSequenced uint64 // sequenced message that a newer one overtook
	MessageDrop  uint64 // own message that found no room
	LargeDrop    uint64 // own frame in pieces that another took the place of
	PathSent     uint64 // path challenges
	PathLimited  uint64 // challenges withheld by the 3x rule
	PathStale    uint64 // probes given up: the other end was back, went on elsewhere, or never answered
	PathForged   uint64 // path responses that answer no challenge, or from elsewhere
	PathMoved    uint64 // completed moves to another address
	Resumed      uint64 // resumptions taken up
	Restarted    uint64 // those of a client without memory: channels began anew
}

// Stats is what is known of a connection's quality.
type Stats struct {
	RTT, MinRTT    time.Duration // smoothed; least of the last minute or so; 0 before the first ack
	Jitter         time.Duration // smoothed deviation of RTT
	Loss           float64       // of packets towards us, last second
	LossOut        float64       // of ours, as the other end reports
	PacketsIn, Out uint64
	BytesIn        uint64
	BytesOut       uint64
	EventsUnacked  int
	LastReceived   time.Duration

	least, older time.Duration // RTT of this half minute and the one before
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
	closeLeft uint8
	closeNext time.Duration

	link                      // keys, packet numbers, acks of the current CID
	pending *pending          // keys of a resumption that no packet has confirmed yet
	refused seal.OpenCounters // of the links before

	// paths
	addr netip.AddrPort
	path probe

	// packet under construction, between Begin and Finish
	dst       []byte
	headerLen int
	tailAt    int
	flags     sentFlags
	at        time.Duration

	// what goes out with the next packets
	control control
	outbox  channel.Outbox
	queue   messages
	large   large

	// what came in
	inbox    channel.Inbox
	seqOut   [wire.Channels]uint16
	seqIn    [wire.Channels]uint16
	seqAny   uint8 // bit ch: seqIn[ch] is of a message
	held     uint8 // bit ch: OnStream waits for ReleaseStream
	assembly channel.Assembly
	streams  [wire.Channels - wire.FirstStream]*channel.Stream
	msgBuf   []byte
	tickRef  uint32 // newest tick of the other end
	tickAny  bool

	// timing and quality
	lastIn  time.Duration
	lastOut time.Duration // any datagram
	lastAll time.Duration // one that had room for events and messages
	// streamsAt is when streams were flushed last, at least an interval after the time before.
	streamsAt time.Duration
	acksAt    time.Duration // when what streams have to ack has waited for company long enough; 0: nothing waits
	bucket    bucket
	stats     Stats
	report    report
	shed      shed
}

// New makes a peer whose handshake has ended.
func New(c Config, now time.Duration) *Peer {
	if c.RateBytes <= 0 {
		c.RateBytes = rateDefault
	}
	if c.Timeout <= 0 {
		c.Timeout = wire.DefaultTimeout
	}
	if c.KeepAlive <= 0 {
		c.KeepAlive = keepAlive
	}
	p := &Peer{c: c, addr: c.Addr, lastIn: now, lastOut: now, lastAll: now, bucket: bucket{at: now}}
	if c.Server {
		p.ownID = seal.S2C
	}
	p.link = newLink(&c, c.Keys, c.CID)
	p.control.restart = c.Restart && !c.Server
	p.control.ticketAt = now + wire.TicketInterval
	p.report.begin(now, 1)
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
func (p *Peer) Refused() seal.OpenCounters { return sum(p.refused, p.link.opener.Counters) }

func sum(a, b seal.OpenCounters) seal.OpenCounters {
	return seal.OpenCounters{
		Short: a.Short + b.Short, Replayed: a.Replayed + b.Replayed, TooOld: a.TooOld + b.TooOld,
		Phase: a.Phase + b.Phase, Forged: a.Forged + b.Forged,
	}
}

// SetTickReference tells the peer a tick that the other end's ticks are near to, before the first packet has.
func (p *Peer) SetTickReference(tick uint32) { p.tickRef = tick }

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
