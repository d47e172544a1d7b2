package skirmish

import (
	"reflect"
	"time"
	"unsafe"

	"github.com/skirmishgg/skirmish/netcode/clocksync"
	"github.com/skirmishgg/skirmish/netcode/handshake"
	"github.com/skirmishgg/skirmish/netcode/interp"
	"github.com/skirmishgg/skirmish/netcode/peer"
	"github.com/skirmishgg/skirmish/netcode/snapshot"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

const (
	ticksAtOnce     = 4                      // a client that slept longer gives up the rest
	serviceInterval = 20 * time.Millisecond  // without streams there is nothing that ticks and packets do not do
	streamInterval  = 10 * time.Millisecond  // KCP's
	sessionLook     = time.Second            // between looks of a session whether the network is still there
	sessionLookBusy = 100 * time.Millisecond // the same while something waits to be acked

	firstRTTMax = time.Second // beyond, a handshake's datagram was lost and the time says nothing
)

func (c *Conn) startTicks(r *handshake.Result, now time.Duration) {
	c.rate = max(int(r.TickRate), 1)
	c.firstRTT = min(now-c.shakeAt, firstRTTMax)
	c.sync, c.shown = clocksync.New(c.rate), interp.New(c.rate)
	c.tick = c.sync.First(r.ServerTick, c.firstRTT)
	c.nextTick = now
}

// Tick is the tick of the newest input.
func (c *Conn) Tick() uint32 { return c.tick }

// Rate is the match's ticks per second, once connected.
func (c *Conn) Rate() int { return c.rate }

// Fill makes a Game's Input of a function that knows the schema's input type I. in is zero when f is called.
func Fill[I any](f func(c *Conn, tick uint32, in *I)) func(*Conn, uint32, unsafe.Pointer) {
	return func(c *Conn, tick uint32, in unsafe.Pointer) { f(c, tick, (*I)(in)) }
}

// Hold makes in the input of every tick from now on, for a Game without Input. Error: ErrInputType.
func Hold[I any](c *Conn, in I) error {
	rec := c.game.Schema.Input()
	if rec == nil || rec.Type() != reflect.TypeFor[I]() {
		return ErrInputType
	}
	*(*I)(unsafe.Pointer(unsafe.SliceData(c.held))) = in
	c.holds = true
	return nil
}

// plays reports whether the connection sends inputs; a spectator's does not.
func (c *Conn) plays() bool { return c.inputs != nil && (c.game.Input != nil || c.holds) }

// pollPeer is Poll once there is a peer.
func (c *Conn) pollPeer(now time.Duration, out peer.Sender) (next time.Duration) {
	if c.game.feed != nil {
		c.game.feed(c)
	}
	c.peer.Service(now, out)
	c.watch()
	if c.phase == Ended {
		return now
	}
	if state, _ := c.peer.State(); state != peer.Open {
		return now + streamInterval // goodbyes
	}
	if c.session() {
		return c.restUntil(now)
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
	return min(c.nextTick, now+c.interval())
}

// restUntil is when a session has something to do, at the latest.
func (c *Conn) restUntil(now time.Duration) time.Duration {
	rest := sessionLook
	switch idle := c.settled(); {
	case idle:
		c.busyAt = 0
	case c.busyAt == 0:
		c.busyAt = now
		fallthrough
	default:
		rest = sessionLookBusy
	}
	return min(now+rest, max(c.peer.Next(now), now+time.Millisecond))
}

func (c *Conn) interval() time.Duration {
	if c.streams {
		return streamInterval
	}
	return serviceInterval
}

// sendTick makes the input of the next tick and sends it with those before it that the server has not processed.
func (c *Conn) sendTick(now time.Duration, out peer.Sender) {
	c.tick++
	c.nextTick += c.sync.Tick()
	plays := c.plays()
	if plays {
		c.makeInput()
	}
	t := peer.TickInfo{Valid: true, Tick: c.tick, DecodedDelta: peer.None}
	if v := c.decoder.Newest(); v != nil {
		if behind := c.tick - v.Tick(); behind < peer.None {
			t.DecodedDelta = uint8(behind)
		}
	}
	c.peer.Begin(out.Buffer(), now, t)
	n := -1
	if plays {
		n = c.inputs.Encode(c.peer.Tail(wire.FrameInput), c.processed, c.anyProcessed)
	}
	out.Queue(c.peer.Finish(n), c.peer.Addr())
}

func (c *Conn) makeInput() {
	in := unsafe.Pointer(unsafe.SliceData(c.in))
	if c.game.Input != nil {
		clear(c.in)
		c.game.Input(c, c.tick, in)
	} else {
		copy(c.in, c.held)
	}
	c.inputs.Put(c.tick, in)
}

// InputAt fills in with the input that was sent for a tick, as the server reads it; false when it is too long ago.
func (c *Conn) InputAt(tick uint32, in unsafe.Pointer) bool {
	return c.inputs != nil && c.inputs.Get(tick, in)
}

// Processed is the newest input tick whose effect the newest snapshot shows.
func (c *Conn) Processed() (tick uint32, ok bool) { return c.processed, c.anyProcessed }

// View is the newest snapshot, nil before the first.
func (c *Conn) View() *snapshot.View { return c.decoder.Newest() }

// ViewAt is the snapshot of a tick of the last 64, nil when it never came.
func (c *Conn) ViewAt(tick uint32) *snapshot.View { return c.decoder.View(tick) }

// RTT is the round trip to the server, as measured so far.
func (c *Conn) RTT() time.Duration {
	if c.peer == nil {
		return 0
	}
	if rtt := c.peer.Stats().RTT; rtt > 0 {
		return rtt
	}
	return c.firstRTT
}

// handler is a Conn as its peer sees it, so that a Conn's own methods are those for games.
type handler Conn

// OnTick steers the client's ticks by what the server says of its inputs.
func (h *handler) OnTick(t peer.TickInfo) {
	c := (*Conn)(h)
	if c.session() {
		return
	}
	if t.InputDelta != peer.None {
		if newest := t.Tick - uint32(t.InputDelta); !c.anyProcessed || int32(newest-c.processed) > 0 {
			c.processed, c.anyProcessed = newest, true
		}
	}
	c.margin = t.Margin
	if !c.plays() {
		if ahead := int32(c.tick - t.Tick); ahead <= 0 || ahead > int32(c.rate) {
			c.tick = t.Tick + 1 // of a spectator's tick nothing depends but that it is near the server's
		}
		return
	}
	jump := c.sync.Margin(clocksync.Report{ServerTick: t.Tick, ClientTick: c.tick, Margin: t.Margin, RTT: c.RTT(), Loss: c.peer.Stats().LossOut})
	switch {
	case jump > 0: // inputs are left out
		c.tick += uint32(jump)
	case jump < 0: // the next one waits for as long
		c.nextTick += time.Duration(-jump) * time.Second / time.Duration(c.rate)
	}
}

// OnSnapshot decodes, and shows what is newer than anything before.
func (h *handler) OnSnapshot(t peer.TickInfo, body []byte) {
	c := (*Conn)(h)
	if c.session() {
		return
	}
	newest := c.decoder.Newest()
	v, err := c.decoder.Decode(t.Tick, t.BaselineDelta, body)
	if err != nil {
		c.stats.NotDecoded++
		return
	}
	c.stats.Snapshots++
	c.shown.Arrived(t.Tick, c.now)
	if newest != nil && int32(t.Tick-newest.Tick()) <= 0 {
		return
	}
	c.gaps.arrived(c.now)
	if c.game.Snapshot != nil {
		c.game.Snapshot(c, v)
	}
}

// OnEvent and OnMessage hand the game's events on.
func (h *handler) OnEvent(_ uint8, data []byte) {
	if h.game.Event != nil {
		h.game.Event((*Conn)(h), data)
	}
}

func (h *handler) OnMessage(ch uint8, data []byte) {
	if h.game.message != nil {
		h.game.message((*Conn)(h), data)
		return
	}
	h.OnEvent(ch, data)
}

// OnStream hands a message of a stream on.
func (h *handler) OnStream(ch uint8, msg []byte) {
	h.streams = true
	if h.game.Stream != nil {
		h.game.Stream((*Conn)(h), ch, msg)
	}
}

// OnTicket keeps the newest resume ticket.
func (h *handler) OnTicket(secret [32]byte, ticket []byte) {
	h.keep.Secret, h.keep.Ticket = secret, append(h.keep.Ticket[:0], ticket...)
}

// OnInput is a server's business.
func (h *handler) OnInput(peer.TickInfo, []byte) {}
