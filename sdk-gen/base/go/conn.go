package skirmish

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"
	"unsafe"

	"github.com/skirmishgg/skirmish/netcode/clocksync"
	"github.com/skirmishgg/skirmish/netcode/handshake"
	"github.com/skirmishgg/skirmish/netcode/input"
	"github.com/skirmishgg/skirmish/netcode/interp"
	"github.com/skirmishgg/skirmish/netcode/peer"
	"github.com/skirmishgg/skirmish/netcode/snapshot"
	"github.com/skirmishgg/skirmish/netcode/token"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// Game is what the connection needs to know of the game, and what it calls. Everything but Schema may be nil. Callbacks
// run on the goroutine that drives the Conn; slices and views are borrowed until they return, unless a View says more.
type Game struct {
	Schema *snapshot.Schema

	Input    func(c *Conn, tick uint32, in unsafe.Pointer) // fills the input of a tick: see Fill; nil: a spectator
	Snapshot func(c *Conn, v *snapshot.View)               // newer than any before
	Event    func(c *Conn, data []byte)                    // read it with snapshot.LoadEvent; reliable ones and others
	Stream   func(c *Conn, ch uint8, msg []byte)
	Closed   func(c *Conn, err error) // the end: see Conn.Err
}

// Fill makes a Game's Input of a function that knows the schema's input type I. in is zero when f is called.
func Fill[I any](f func(c *Conn, tick uint32, in *I)) func(*Conn, uint32, unsafe.Pointer) {
	return func(c *Conn, tick uint32, in unsafe.Pointer) { f(c, tick, (*I)(in)) }
}

// Phase is where a Conn is in its life.
type Phase uint8

const (
	Connecting Phase = iota // handshake; left by success or by a refusal
	Connected               // left by CLOSE, silence, reset
	Resuming                // the connection was lost and is being taken up again with its ticket
	Ended                   // Err says why
)

// ClosedError is why an established connection ended.
type ClosedError struct{ Reason wire.Close }

func (e *ClosedError) Error() string {
	if text, ok := closeTexts[e.Reason]; ok {
		return text
	}
	return fmt.Sprintf("connection closed (reason %d)", e.Reason)
}

var closeTexts = map[wire.Close]string{
	wire.CloseLeft: "left the match", wire.CloseKicked: "removed from the match by the game", wire.CloseMatchEnded: "the match has ended",
	wire.CloseMatchError: "the match failed and was ended", wire.CloseTimeout: "nothing was heard from the server",
	wire.CloseShutdown: "the server is shutting down", wire.CloseOverflow: "too much was waiting to be sent", wire.CloseProtocol: "a packet made no sense",
	wire.CloseReplaced: "the same user joined from elsewhere", wire.CloseReset: "the server no longer knows this connection",
	wire.CloseOverrun: "the match could not keep its tick rate",
}

// DeniedError is why a server refused the connection.
type DeniedError = handshake.DeniedError

// Stats is the quality of a connection.
type Stats struct {
	peer.Stats
	Tick        uint32        // of the newest input
	ServerTick  uint32        // of the newest snapshot
	Margin      int8          // how early the newest input came, in 1/16 tick
	Speed       float64       // of the client's ticks
	Jumps       uint64        // hard resynchronisations
	ShownDelay  time.Duration // of interpolation
	Snapshots   uint64
	NotDecoded  uint64 // snapshots without their baseline, or damaged
	Resumptions uint64
}

// Conn is one match connection from token to end. Not for concurrent use.
type Conn struct {
	game   Game
	random io.Reader
	phase  Phase
	err    error

	shake *handshake.Client
	token *token.Connect
	peer  *peer.Peer
	keep  handshake.Resumable // to resume with
	hello handshake.Result

	rate     int
	sync     *clocksync.Sync
	shown    *interp.Clock
	inputs   *input.History
	in       unsafe.Pointer // scratch of one input
	inMem    []uint64
	decoder  *snapshot.Decoder
	tick     uint32
	nextTick time.Duration

	processed    uint32 // newest input tick the server has processed
	anyProcessed bool
	margin       int8
	now          time.Duration // of the call under way
	stats        Stats
}

// NewConn starts to connect with a token. random must be secure, e.g. crypto/rand.Reader.
// Errors: the token is for another schema.
func NewConn(t *token.Connect, game Game, random io.Reader) (*Conn, error) {
	if t.Schema != game.Schema.Hash() {
		return nil, errors.New("the token is for another version of the game: its schema differs from this client's")
	}
	c := &Conn{game: game, random: random, token: t, shake: handshake.NewClient(t, random), decoder: snapshot.NewDecoder(game.Schema)}
	if rec := game.Schema.Input(); rec != nil {
		c.inputs = input.NewHistory(rec)
		c.inMem = make([]uint64, (rec.Size()+7)/8+1)
		c.in = unsafe.Pointer(unsafe.SliceData(c.inMem))
	}
	return c, nil
}

// Phase is where the connection is in its life; Err is why it ended, nil before.
func (c *Conn) Phase() Phase { return c.phase }

// Err is a *DeniedError, a *ClosedError, or handshake.ErrTimeout.
func (c *Conn) Err() error { return c.err }

// View is the newest snapshot, nil before the first.
func (c *Conn) View() *snapshot.View { return c.decoder.Newest() }

// ViewAt is the snapshot of a tick of the last 64, nil when it never came.
func (c *Conn) ViewAt(tick uint32) *snapshot.View { return c.decoder.View(tick) }

// Tick is the tick of the newest input.
func (c *Conn) Tick() uint32 { return c.tick }

// Rate is the match's ticks per second, once connected.
func (c *Conn) Rate() int { return c.rate }

// Processed is the newest input tick whose effect the newest snapshot shows.
func (c *Conn) Processed() (tick uint32, ok bool) { return c.processed, c.anyProcessed }

// Shown is the moment of the server's past to show now: between tick and tick+1. See netcode/interp.
func (c *Conn) Shown(now time.Duration) (tick uint32, fraction float32, ok bool) {
	if c.shown == nil {
		return 0, 0, false
	}
	return c.shown.At(now)
}

// Stats is the quality of the connection.
func (c *Conn) Stats() Stats {
	s := c.stats
	if c.peer != nil {
		s.Stats = c.peer.Stats()
	}
	s.Tick, s.Margin = c.tick, c.margin
	if v := c.decoder.Newest(); v != nil {
		s.ServerTick = v.Tick()
	}
	if c.sync != nil {
		s.Speed, s.Jumps, s.ShownDelay = c.sync.Speed(), c.sync.Jumps, c.shown.Delay()
	}
	return s
}

// SendEvent sends at most 255 bytes to the game, reliably and in order.
func (c *Conn) SendEvent(data []byte, now time.Duration) error {
	if c.phase != Connected {
		return errNotConnected
	}
	return c.peer.SendEvent(0, data, now)
}

// SendEventOn is SendEvent on another channel: 1 is ordered too, 2 and 3 are not.
func (c *Conn) SendEventOn(ch uint8, data []byte, now time.Duration) error {
	if c.phase != Connected {
		return errNotConnected
	}
	return c.peer.SendEvent(ch, data, now)
}

// SendStream sends up to 64 KB on stream channel 4 to 7, reliably and in its own time.
func (c *Conn) SendStream(ch uint8, msg []byte, now time.Duration) error {
	if c.phase != Connected {
		return errNotConnected
	}
	return c.peer.SendStream(ch, msg, now)
}

var errNotConnected = errors.New("not connected")

// Leave says goodbye; the connection ends with CloseLeft once that is sent.
func (c *Conn) Leave(now time.Duration) {
	if c.phase == Connected {
		c.peer.Close(wire.CloseLeft, now)
		return
	}
	c.end(&ClosedError{wire.CloseLeft})
}

// Lost says that the socket is gone, or that silence has lasted longer than the game wants to wait: the connection is
// taken up again with its ticket, from whatever socket sends what Poll gives.
func (c *Conn) Lost() {
	if c.phase != Connected || len(c.keep.Ticket) == 0 {
		return
	}
	c.phase, c.shake = Resuming, handshake.NewResume(c.keep, c.random)
}

// Receive takes a datagram that arrived. pkt is spoiled.
func (c *Conn) Receive(pkt []byte, from netip.AddrPort, now time.Duration) {
	c.now = now
	switch c.phase {
	case Connecting, Resuming:
		if done, err := c.shake.Receive(pkt, from, now); err != nil {
			c.end(err)
		} else if done {
			c.begin(c.shake.Result(), now)
		}
	case Connected:
		if len(pkt) > 0 && (wire.IsData(pkt[0]) || pkt[0] == byte(wire.FormReset)) {
			c.peer.Receive(pkt, from, now, c)
			c.watch()
		}
	}
}

// begin makes the peer of a connection that has opened, or gives it its new keys.
func (c *Conn) begin(r *handshake.Result, now time.Duration) {
	c.hello = *r
	c.keep = handshake.Resumable{CID: r.CID, Ticket: r.Ticket, Secret: r.Secret, Suite: r.Keys.Suite, Schema: r.Schema, Addr: r.Addr}
	if c.phase == Resuming {
		c.peer.Rekey(r.Keys, r.CID, r.Addr, now)
		c.stats.Resumptions++
	} else {
		c.rate = max(int(r.TickRate), 1)
		c.sync, c.shown = clocksync.New(c.rate), interp.New(c.rate)
		c.peer = peer.New(peer.Config{Keys: r.Keys, Schema: r.Schema, CID: r.CID, Addr: r.Addr, Timeout: r.Timeout, Random: c.random}, now)
		c.tick = c.sync.First(r.ServerTick, 0)
		c.nextTick = now
	}
	c.peer.SetTickReference(r.ServerTick)
	c.peer.SetResetToken(r.ResetToken)
	c.phase = Connected
}

// watch ends the connection once its peer has.
func (c *Conn) watch() {
	if state, why := c.peer.State(); state == peer.Closed && c.phase == Connected {
		c.end(&ClosedError{why})
	}
}

func (c *Conn) end(err error) {
	if c.phase == Ended {
		return
	}
	c.phase, c.err = Ended, err
	if c.game.Closed != nil {
		c.game.Closed(c, err)
	}
}

// Poll sends everything that is due and returns when it wants to be called again at the latest.
func (c *Conn) Poll(now time.Duration, out peer.Sender) (next time.Duration) {
	c.now = now
	switch c.phase {
	case Connecting, Resuming:
		pkt, to, wait := c.shake.Next(now)
		if err := c.shake.Err(); err != nil {
			c.end(err)
			return now
		}
		if pkt != nil {
			out.Queue(copy(out.Buffer(), pkt), to)
		}
		return now + wait
	case Connected:
		c.peer.Service(now, peer.TickInfo{}, out)
		c.watch()
		if c.phase != Connected {
			return now
		}
		for range ticksAtOnce {
			if now < c.nextTick {
				break
			}
			c.sendTick(now, out)
		}
		if now >= c.nextTick { // the process slept: what was missed is over
			c.nextTick = now + c.sync.Tick()
		}
		return min(c.nextTick, now+serviceInterval)
	}
	return now + time.Second
}

const (
	ticksAtOnce     = 4
	serviceInterval = 10 * time.Millisecond
)

// sendTick makes the input of the next tick and sends it with those before it that the server has not processed.
func (c *Conn) sendTick(now time.Duration, out peer.Sender) {
	c.tick++
	c.nextTick += c.sync.Tick()
	t := peer.TickInfo{Valid: true, Tick: c.tick, DecodedDelta: peer.None}
	if v := c.decoder.Newest(); v != nil {
		if behind := c.tick - v.Tick(); behind < peer.None {
			t.DecodedDelta = uint8(behind)
		}
	}
	if c.game.Input == nil || c.inputs == nil {
		c.peer.Begin(out.Buffer(), now, t)
		out.Queue(c.peer.Finish(-1), c.peer.Addr())
		return
	}
	clear(c.inMem)
	c.game.Input(c, c.tick, c.in)
	c.inputs.Put(c.tick, c.in)
	c.peer.Begin(out.Buffer(), now, t)
	n := c.inputs.Encode(c.peer.Tail(wire.FrameInput), c.processed, c.anyProcessed)
	out.Queue(c.peer.Finish(n), c.peer.Addr())
}

// InputAt fills in with the input that was sent for a tick, as the server reads it: for prediction.
func (c *Conn) InputAt(tick uint32, in unsafe.Pointer) bool {
	return c.inputs != nil && c.inputs.Get(tick, in)
}

// OnTick steers the client's ticks by what the server says of its inputs. Conn is its peer's Handler.
func (c *Conn) OnTick(t peer.TickInfo) {
	if t.InputDelta != peer.None {
		if newest := t.Tick - uint32(t.InputDelta); !c.anyProcessed || int32(newest-c.processed) > 0 {
			c.processed, c.anyProcessed = newest, true
		}
		c.margin = t.Margin
		if jump := c.sync.Margin(t.Margin); jump != 0 {
			c.jump(jump)
		}
	}
	if int32(t.Tick-c.tick) >= 0 { // behind the server: no input of ours can be in time
		c.tick = t.Tick + 1
	}
}

// jump moves the client's tick: forward leaves inputs out, back holds the next ones for as long.
func (c *Conn) jump(ticks int32) {
	if ticks > 0 {
		c.tick += uint32(ticks)
		return
	}
	c.nextTick += time.Duration(-ticks) * time.Second / time.Duration(c.rate)
}

// OnSnapshot decodes, and shows what is newer than anything before.
func (c *Conn) OnSnapshot(t peer.TickInfo, body []byte) {
	newest := c.decoder.Newest()
	v, err := c.decoder.Decode(t.Tick, t.BaselineDelta, body)
	if err != nil {
		c.stats.NotDecoded++
		return
	}
	c.stats.Snapshots++
	c.shown.Arrived(t.Tick, c.now)
	if c.game.Snapshot != nil && (newest == nil || int32(t.Tick-newest.Tick()) > 0) {
		c.game.Snapshot(c, v)
	}
}

// OnEvent and OnMessage hand the game's events on.
func (c *Conn) OnEvent(_ uint8, data []byte) {
	if c.game.Event != nil {
		c.game.Event(c, data)
	}
}

func (c *Conn) OnMessage(ch uint8, data []byte) { c.OnEvent(ch, data) }

// OnStream hands a message of a stream on.
func (c *Conn) OnStream(ch uint8, msg []byte) {
	if c.game.Stream != nil {
		c.game.Stream(c, ch, msg)
	}
}

// OnTicket keeps the newest resume ticket.
func (c *Conn) OnTicket(secret [32]byte, ticket []byte) {
	c.keep.Secret, c.keep.Ticket = secret, append(c.keep.Ticket[:0], ticket...)
}

// OnInput is a server's business.
func (c *Conn) OnInput(peer.TickInfo, []byte) {}

// Now is the time of the call that runs: what a callback passes to Shown and SendEvent.
func (c *Conn) Now() time.Duration { return c.now }
