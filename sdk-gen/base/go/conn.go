package skirmish

import (
	"io"
	"net/netip"
	"time"
	"unsafe"

	"github.com/skirmishgg/skirmish/netcode/channel"
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
// run on the goroutine that drives the Conn; slices are borrowed until they return, Views for 64 ticks.
type Game struct {
	Schema *snapshot.Schema

	Input    func(c *Conn, tick uint32, in unsafe.Pointer) // fills the input of a tick: see Fill; nil: Hold, or a spectator
	Snapshot func(c *Conn, v *snapshot.View)               // newer than any before
	Event    func(c *Conn, data []byte)                    // see Read; reliable ones and others
	Stream   func(c *Conn, ch uint8, msg []byte)
	Closed   func(c *Conn, err error) // the end: see Conn.Err

	// message, of a carried match, gets what came unreliably; nil: Event does.
	message func(c *Conn, data []byte)
	// feed, of a session, gives the streams what waits; there is no Schema then, and no tick.
	feed func(c *Conn)
}

// Phase is where a Conn is in its life.
//
//	Connecting ──ACCEPT──> Connected <──silence, Lost / RESUMED──> Resuming
//	     │ DENY, no answer     │ CLOSE, silence, reset                 │ DENY
//	     └─────────────────────┴────────────> Ended <─────────────────┘
type Phase uint8

const (
	Connecting Phase = iota // handshake
	Connected               // inputs and snapshots flow
	Resuming                // the same, and the connection is being taken up anew with its ticket
	Ended                   // Err says why
)

// Conn is one match connection from token to end, or what carries a Session. Not for concurrent use.
type Conn struct {
	// constant after NewConn
	game   Game
	random io.Reader

	// life
	phase   Phase
	err     error
	now     time.Duration // of the call under way
	shake   *handshake.Client
	shakeAt time.Duration // when its last datagram went out
	peer    *peer.Peer
	keep    Resumable     // to resume with; no ticket: it is used up
	restart bool          // this process takes up the connection of another
	timeout time.Duration // of silence
	streams bool          // one is in use
	leaveBy time.Duration // when a session that is to end does so; 0: it is not
	busyAt  time.Duration // of a session: since when something waits to be acked; 0: nothing does

	// ticks: see tick.go
	rate     int
	firstRTT time.Duration // of the handshake
	sync     *clocksync.Sync
	shown    *interp.Clock
	inputs   *input.History
	in, held []uint64 // one input each, for alignment in words: scratch, and what Hold was given
	holds    bool
	tick     uint32
	nextTick time.Duration
	decoder  *snapshot.Decoder

	processed    uint32 // newest input tick the server has processed
	anyProcessed bool
	margin       int8
	gaps         gaps
	stats        Stats
}

// NewConn starts to connect with a token. random must be secure, e.g. crypto/rand.Reader.
// Error: ErrSchema.
func NewConn(t *token.Connect, game Game, random io.Reader) (*Conn, error) {
	if game.Schema == nil || t.Schema != game.Schema.Hash() {
		return nil, ErrSchema
	}
	return newConn(handshake.NewClient(t, random), game, random), nil
}

// ResumeConn takes up a connection of a process that is gone, from what its Resumable said: in one round trip, without a
// new token. The game's server tells the client anew what it needs to know.
// Error: ErrSchema.
func ResumeConn(r Resumable, game Game, random io.Reader) (*Conn, error) {
	if game.Schema == nil || r.Schema != game.Schema.Hash() {
		return nil, ErrSchema
	}
	c := newConn(handshake.NewResume(r, random), game, random)
	c.restart = true
	return c, nil
}

// Resumable is what a client may keep on disk, to take its connection up again after its process has ended. It is a secret.
type Resumable = handshake.Resumable

// Resumable is the newest there is; a client gets another every 30 seconds, good for 60. ok is false while there is none.
func (c *Conn) Resumable() (r Resumable, ok bool) {
	r = c.keep
	r.Ticket = append([]byte(nil), r.Ticket...)
	return r, c.phase == Connected && len(r.Ticket) > 0
}

func newConn(shake *handshake.Client, game Game, random io.Reader) *Conn {
	c := &Conn{game: game, random: random, shake: shake}
	if c.session() {
		return c
	}
	c.decoder = snapshot.NewDecoder(game.Schema)
	if rec := game.Schema.Input(); rec != nil {
		words := (rec.Size()+7)/8 + 1 // never empty
		c.inputs, c.in, c.held = input.NewHistory(rec), make([]uint64, words), make([]uint64, words)
	}
	return c
}

// session reports whether the connection carries a Session or a CarriedMatch: messages, and no ticks.
func (c *Conn) session() bool { return c.game.Schema == nil }

// Phase is where the connection is in its life; Err is why it ended, nil before.
func (c *Conn) Phase() Phase { return c.phase }

// Err is a *DeniedError, a *ClosedError, or ErrTimeout; nil before the end.
func (c *Conn) Err() error { return c.err }

// Schema is the game's.
func (c *Conn) Schema() *snapshot.Schema { return c.game.Schema }

// Now is the time of the call that runs: what a callback passes to Frame and SendEvent.
func (c *Conn) Now() time.Duration { return c.now }

// Poll sends everything that is due and returns when it wants to be called again at the latest. Call it after Receive
// too: what arrived may want an answer.
func (c *Conn) Poll(now time.Duration, out peer.Sender) (next time.Duration) {
	c.now = now
	switch c.phase {
	case Connecting:
		return c.pollHandshake(now, out)
	case Connected:
		if c.Silent(now) > c.patience(resumePart) {
			c.Lost()
		}
		return c.pollPeer(now, out)
	case Resuming:
		next = c.pollHandshake(now, out)
		if c.phase == Ended {
			return now
		}
		return min(next, c.pollPeer(now, out))
	}
	return now + time.Second
}

// After so long a part of the timeout without a word from the server, a Client opens another socket, and the Conn resumes.
// A new socket with the same keys is the cheaper cure and comes first: the server follows a changed address by itself.
const (
	rebindPart = 10 // 1 s of 10
	resumePart = 4
)

// sessionBusy and sessionRest are how many times as long a session is patient. At rest it hears something every tenth of
// its timeout; 25 seconds of that and a call under way make 1.25 s until another socket, 3 until it resumes.
const (
	sessionBusy = 0.5
	sessionRest = 2.5
)

func (c *Conn) patience(part time.Duration) time.Duration {
	whole := float64(c.timeout / part)
	switch {
	case !c.session():
	case c.busyAt > 0:
		whole *= sessionBusy
	default:
		whole *= sessionRest
	}
	return time.Duration(whole)
}

func (c *Conn) pollHandshake(now time.Duration, out peer.Sender) (next time.Duration) {
	pkt, to, wait := c.shake.Next(now)
	if err := c.shake.Err(); err != nil {
		c.refused(err)
		return now
	}
	if pkt != nil {
		out.Queue(copy(out.Buffer(), pkt), to)
		c.shakeAt = now
	}
	return now + wait
}

// refused ends what the handshake was for. A resumption that nobody answered may still be overtaken by the old keys: then
// silence decides.
func (c *Conn) refused(err error) {
	if c.phase == Resuming && err == handshake.ErrTimeout {
		c.phase = Connected
		return
	}
	c.end(readable(err))
}

// Receive takes a datagram that arrived. pkt is spoiled.
func (c *Conn) Receive(pkt []byte, from netip.AddrPort, now time.Duration) {
	c.now = now
	if len(pkt) == 0 {
		return
	}
	data := wire.IsData(pkt[0]) || pkt[0] == byte(wire.FormReset)
	switch {
	case data && (c.phase == Connected || c.phase == Resuming):
		c.peer.Receive(pkt, from, now, (*handler)(c))
		c.watch()
	case !data && (c.phase == Connecting || c.phase == Resuming):
		if done, err := c.shake.Receive(pkt, from, now); err != nil {
			c.refused(err)
		} else if done {
			c.begin(c.shake.Result(), now)
		}
	}
}

// begin makes the peer of a connection that has opened, or gives it its new keys.
func (c *Conn) begin(r *handshake.Result, now time.Duration) {
	c.keep = Resumable{CID: r.CID, Ticket: r.Ticket, Secret: r.Secret, Suite: r.Keys.Suite, Schema: r.Schema, Addr: r.Addr}
	c.timeout = r.Timeout
	if c.phase == Resuming {
		c.peer.Rekey(r.Keys, r.CID, r.Addr, now)
		c.stats.Resumptions++
	} else {
		conf := peer.Config{Keys: r.Keys, Schema: r.Schema, CID: r.CID, Addr: r.Addr, Timeout: r.Timeout, Random: c.random, Restart: c.restart}
		if c.session() {
			conf.KeepAlive, conf.RateBytes = r.Timeout/sessionKeepAlive, sessionRate
		}
		c.peer = peer.New(conf, now)
		if !c.session() {
			c.peer.SetTickReference(r.ServerTick)
			c.startTicks(r, now)
		}
	}
	c.peer.SetResetToken(r.ResetToken)
	c.phase = Connected
}

// Silent is how long nothing has been heard from the server; 0 while there is no connection.
func (c *Conn) Silent(now time.Duration) time.Duration {
	if c.phase != Connected && c.phase != Resuming {
		return 0
	}
	return now - max(c.peer.Stats().LastReceived, c.busyAt) // of a session: since it waits for an answer
}

// Astray reports that the network under the connection seems to be gone: whoever has the socket should open another.
func (c *Conn) Astray(now time.Duration) bool {
	return c.Silent(now) > c.patience(rebindPart) && c.phase != Ended
}

// Lost takes the connection up again with its ticket: new keys, and an answer within a round trip, whichever socket sends
// what Poll gives. Silence for a quarter of the timeout does the same.
func (c *Conn) Lost() {
	if c.phase != Connected || len(c.keep.Ticket) == 0 {
		return
	}
	c.phase, c.shake = Resuming, handshake.NewResume(c.keep, c.random)
	c.keep.Ticket = nil // used up by trying
}

// leaveWithin is how long what a session has queued may take to arrive before it says goodbye.
const leaveWithin = time.Second

// Leave says goodbye; the connection ends with CloseLeft once that is sent. A session's goodbye follows what is queued:
// Leave is to be called again until then.
func (c *Conn) Leave(now time.Duration) {
	switch c.phase {
	case Connecting:
		c.end(&ClosedError{wire.CloseLeft})
	case Connected, Resuming:
		if c.leaveBy == 0 {
			c.leaveBy = now + leaveWithin
		}
		if c.session() && !c.settled() && now < c.leaveBy {
			return
		}
		c.phase = Connected
		c.peer.Close(wire.CloseLeft, now)
	}
}

// settled reports that nothing waits to be sent or acked.
func (c *Conn) settled() bool {
	return c.peer.StreamsIdle() && c.peer.EventRoom() == channel.EventBudget
}

// watch ends the connection once its peer has.
func (c *Conn) watch() {
	if state, why := c.peer.State(); state == peer.Closed {
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
