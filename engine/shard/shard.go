package shard

import (
	"io"
	"net/netip"
	"runtime"
	"time"

	"github.com/skirmishgg/skirmish/engine/clock"
	"github.com/skirmishgg/skirmish/engine/ring"
	"github.com/skirmishgg/skirmish/engine/udp"
	"github.com/skirmishgg/skirmish/netcode/handshake"
	"github.com/skirmishgg/skirmish/netcode/peer"
	"github.com/skirmishgg/skirmish/netcode/token"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// Config is what a shard is made of.
type Config struct {
	Index  int // its socket's steering byte is Index+1
	Socket udp.Socket
	Clock  clock.Clock
	Wall   func() time.Time // for tickets, which outlive the process
	Random io.Reader        // secure
	// Sockets is how many answer on the port, control included: they share the limit on resets.
	Sockets int

	TicketKey token.Key
	ResetKey  [32]byte

	ConnsMax int                // connections; beyond: DenyFull. 0: 4,096
	Reports  *ring.MPSC[Report] // what happened to matches; full: dropped and counted. nil: nobody wants to know
	Labels   *ring.MPSC[*Info]  // whose label has changed, each once; full: told after a later tick. nil: as Reports
}

// Times and limits of a shard.
const (
	shareWithin    = 500 * time.Microsecond // matches due so soon join the Step
	serviceEvery   = 10 * time.Millisecond  // transport service of every peer, at the latest
	idleWait       = time.Second            // without matches and peers
	floodSleep     = time.Millisecond       // between Steps while more than floodAbove datagrams a Step arrive
	floodAbove     = 512
	drainMax       = 8192 // datagrams a Step; what is beyond waits in the kernel, whose queue is the bound
	inboxSize      = 4096 // messages; full: the pusher is told, and tells the client DenyBusy
	inboxTake      = 128  // messages a Step: a join costs 20 µs
	connsDefault   = 4096
	goodbyesWithin = 500 * time.Millisecond // after Stop
)

// Shard is one goroutine's matches and connections.
type Shard struct {
	// constant after New
	c        Config
	socket   udp.Socket
	sender   peer.Sender // the socket
	connsMax int

	// owned by the shard goroutine
	now       time.Duration
	batch     []udp.Datagram
	matches   []*running
	conns     []*conn
	table     table
	serviceAt time.Duration
	flooded   bool
	draining  bool
	stopping  bool
	stopAt    time.Duration
	phase     uint64 // of the next match's start, as a fraction of its tick
	overload  overload
	refused   [refusedMax]refusal
	refusals  int
	tickets   *token.Tickets
	resumer   *handshake.Resumer
	resetter  *handshake.Resetter
	nonce     [wire.NonceSize]byte // scratch of mintTicket
	secret    [32]byte             // the same
	rx        time.Duration        // when the datagram at hand arrived

	// any goroutine
	inbox *ring.MPSC[message]
	Stats Stats
}

// New makes a shard; Run runs it, or a simulation calls Step.
func New(c Config) *Shard {
	if c.ConnsMax <= 0 {
		c.ConnsMax = connsDefault
	}
	s := &Shard{
		c: c, socket: c.Socket, sender: c.Socket, connsMax: c.ConnsMax,
		batch: make([]udp.Datagram, udp.MaxBatch), conns: make([]*conn, 0, c.ConnsMax), table: newTable(2 * c.ConnsMax),
		tickets: token.NewTickets(&c.TicketKey), resumer: handshake.NewResumer(&c.TicketKey),
		inbox: ring.NewMPSC[message](inboxSize),
	}
	var seed [16]byte
	s.draw(seed[:])
	s.resetter = handshake.NewResetter(&c.ResetKey, seed, max(c.Sockets, 1))
	s.overload.windowEnd = c.Clock.Now() + overloadWindow
	return s
}

// Run is the shard's goroutine, until Stop: started by the node, which waits for its return.
func (s *Shard) Run() {
	runtime.LockOSThread() // never unlocked: the thread ends with the goroutine, and its priority with it
	s.Stats.priority.Store(1 + int32(clock.RaisePriority()))
	for s.Step(); !s.Done(); s.Step() {
		if next := s.Next(); len(s.conns) > 0 {
			s.socket.Sleep(next) // packets collect until the tick
		} else {
			s.socket.Wait(next) // a stray packet is answered at once
		}
	}
}

// Step does everything that is due now.
func (s *Shard) Step() {
	s.now = s.c.Clock.Now()
	s.takeInbox()
	s.drain()
	s.runDue()
	s.service()
	_ = s.socket.Flush() // an error is only ever that the socket is closed, which ends the process's part here anyway
	s.finishMatches()
	s.overload.judge(s)
	s.Stats.StepTime.add(uint64(s.c.Clock.Now() - s.now))
}

// Next is when Step has something to do again.
func (s *Shard) Next() time.Duration {
	next := s.now + idleWait
	for _, m := range s.matches {
		next = min(next, m.due)
	}
	if len(s.conns) > 0 {
		next = min(next, s.serviceAt)
	}
	if s.flooded {
		next = min(next, s.now+floodSleep)
	}
	if s.stopping {
		next = min(next, s.stopAt)
	}
	return next
}

// Done reports that Stop has been carried out.
func (s *Shard) Done() bool {
	return s.stopping && (len(s.conns) == 0 || s.now >= s.stopAt)
}

// draw fills b with randomness. A source that fails leaves nothing safe to do.
func (s *Shard) draw(b []byte) {
	if _, err := io.ReadFull(s.c.Random, b); err != nil {
		panic("shard: random source: " + err.Error())
	}
}

// reply sends one datagram that belongs to no connection.
func (s *Shard) reply(pkt []byte, to netip.AddrPort) {
	if len(pkt) > 0 {
		s.socket.Queue(len(pkt), to)
	}
}

// Report is how a match ended.
type Report struct {
	Match id.UUID
	Info  *Info
	Name  string
	Shard int
	Tick  uint32
	Why   wire.Close
	Err   error // *match.PanicError when Why is CloseMatchError
}
