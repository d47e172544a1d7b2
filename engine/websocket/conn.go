package websocket

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Handler gets what happens on one connection. It is called from the loop or goroutine that the connection lives on and
// must not block.
type Handler interface {
	// Message gets a whole message, valid until it returns. Text is not checked to be UTF-8. When more is false the
	// connection is not read any further until Resume, which may already have been called by then; each false needs
	// exactly one Resume.
	Message(c *Conn, binary bool, data []byte) (more bool)
	// Closed tells once that the connection has ended, and why; nothing follows it.
	Closed(c *Conn, cause error)
}

// Why a connection ended.
var (
	ErrSlow       = errors.New("websocket: outgoing queue full")
	ErrTimeout    = errors.New("websocket: no pong in time")
	ErrProtocol   = errors.New("websocket: broken frame")
	ErrTooBig     = errors.New("websocket: message too large")
	ErrPeerClosed = errors.New("websocket: closed by the client")
	ErrClosed     = errors.New("websocket: closed by the server")
	ErrStopped    = errors.New("websocket: server stopped")
)

// home is where a connection lives; see the package's drawing.
type home uint8

const (
	moving   home = iota // nowhere yet, or on the way: output waits
	onLoop               // read and written by its loop's goroutine
	onThread             // read by a goroutine of its own; another one writes while there is something to write
	gone                 // closed
)

// Conn is one connection. Send, Close and Resume may be called from any goroutine and never block.
type Conn struct {
	// constant after Server.Conn
	server  *Server
	handler Handler

	// owned by whoever reads: the loop, or the reading goroutine
	unparsed []byte // the beginning of a frame, or everything since a pause
	message  []byte // the fragments so far
	kind     opcode // of the fragmented message; 0: none is under way
	skip     uint64 // payload bytes of a refused message that are still to come
	deaf     bool   // frames cannot be told apart any more: everything is dropped until the end
	received int    // messages since the ping timer was reset

	heard  atomic.Int64 // when the client last showed that it lives, on the server's clock
	pinged atomic.Int64 // from when the ping period counts

	mu         sync.Mutex
	home       home
	place      place // while onLoop
	thread     net.Conn
	room       chan struct{} // while onThread: wakes a reader that waits for Resume or for the writer
	returns    bool          // a loop would take it
	pended     bool          // while onLoop: the loop is going to see what changes
	writing    bool          // a goroutine writes, or has failed to
	writeBegan time.Time     // of the Write under way
	busyAt     time.Duration // when a reason to be onThread was last seen
	paused     bool          // not read until Resume
	early      bool          // Resume came before the pause that it ends
	resumed    bool          // what is unparsed waits to be parsed
	queue      []frame
	left       []byte // bytes of frames under way; they go first
	pong       []byte
	pongDue    bool // pong waits; a newer one takes its place
	pingDue    bool
	closing    bool // the close frame is queued; nothing may follow
	closeTaken bool // by the writer
	closeSent  bool
	peerClosed bool // the client's close frame has come
	dead       bool // to be closed without another word
	closeBy    time.Duration
	cause      error

	timer entry
}

type frame struct {
	op      opcode
	payload []byte
}

// Conn makes a connection that Upgrade will give a socket. It takes messages at once.
func (s *Server) Conn(h Handler) *Conn {
	c := &Conn{server: s, handler: h}
	c.timer.conn = c
	now := int64(s.c.Clock.Now())
	c.heard.Store(now)
	c.pinged.Store(now)
	return c
}

// Send queues a message; the caller gives payload up. It answers false when the connection is closing or has ended, and
// when the queue is full, which ends it.
func (c *Conn) Send(binary bool, payload []byte) bool {
	op := opText
	if binary {
		op = opBinary
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing || c.dead || c.home == gone {
		return false
	}
	if n := len(c.queue); n >= c.server.c.Queue && (n >= c.server.c.Queue*burstFactor || c.stalled()) {
		c.overflow()
		return false
	}
	c.queue = append(c.queue, frame{op, payload})
	c.wake()
	return true
}

// burstFactor is how many queues full may wait while the client is not known to be slow: until a loop's next turn, or a
// writing goroutine's.
const burstFactor = 16

// stalled reports whether the client does not take what is being written. Needs mu.
func (c *Conn) stalled() bool {
	return c.home == onThread && !c.writeBegan.IsZero() && time.Since(c.writeBegan) > stall
}

// overflow ends a connection that does not take what is sent. Everything queued is lost; the close frame follows what is
// under way.
func (c *Conn) overflow() {
	clear(c.queue)
	c.queue = c.queue[:0]
	c.close(CloseNormal, "session outgoing queue full", ErrSlow)
}

// Open reports whether the connection is neither closing nor closed.
func (c *Conn) Open() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.closing && !c.dead && c.home != gone
}

// Close sends what is queued, then a close frame, and waits a while for the client's. Only the first call counts.
func (c *Conn) Close(code int, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.close(code, reason, ErrClosed)
}

// close needs mu.
func (c *Conn) close(code int, reason string, cause error) {
	if c.closing || c.dead || c.home == gone {
		return
	}
	c.closing, c.cause = true, cause
	c.queue = append(c.queue, frame{opClose, closePayload(code, reason)})
	c.pingDue, c.pongDue = false, false
	if c.paused { // messages are dropped from here on, and the client's close frame may be among them
		c.paused, c.resumed = false, true
	}
	c.closeBy = c.server.c.Clock.Now() + c.server.c.WriteWait + c.server.c.CloseAckWait
	c.server.wheel.look(&c.timer, c.closeBy)
	c.wake()
}

// terminate ends the connection without another word. Any goroutine.
func (c *Conn) terminate(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kill(cause)
}

// kill needs mu.
func (c *Conn) kill(cause error) {
	if c.dead || c.home == gone {
		return
	}
	c.dead = true
	if c.cause == nil {
		c.cause = cause
	}
	c.wake()
}

// wake makes the connection's writer see what changed. Needs mu.
func (c *Conn) wake() {
	switch c.home {
	case onLoop:
		if !c.pended {
			c.pended = true
			c.place.pend(c)
		}
	case onThread:
		c.wakeThread()
	}
}

// Resume reads on after a Message that answered false.
func (c *Conn) Resume() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.paused {
		c.early = true
		return
	}
	c.paused, c.resumed = false, true
	c.heard.Store(int64(c.server.c.Clock.Now())) // nobody listened meanwhile
	c.wake()
}

// pause stops reading, unless Resume has been there already.
func (c *Conn) pause() (stopped bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.early {
		c.early = false
		return false
	}
	c.paused = true
	return true
}

// isPaused is asked by the reader before it parses. A loop that reads also flushes, so nothing need wake it until then.
func (c *Conn) isPaused() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.resumed = false
	c.pended = c.home == onLoop
	return c.paused
}

// take moves what waits to be written into dst, about max bytes of it. Needs mu.
func (c *Conn) take(dst []byte, max int) []byte {
	dst = append(dst, c.left...)
	c.left = nil
	if c.pongDue {
		dst = appendFrame(dst, opPong, c.pong)
		c.pongDue, c.pong = false, nil
	}
	if c.pingDue {
		dst = appendFrame(dst, opPing, nil)
		c.pingDue = false
	}
	n := 0
	for n < len(c.queue) && (len(dst) == 0 || len(dst)+len(c.queue[n].payload)+headerOutMax <= max) {
		dst = appendFrame(dst, c.queue[n].op, c.queue[n].payload)
		c.closeTaken = c.closeTaken || c.queue[n].op == opClose
		n++
	}
	rest := copy(c.queue, c.queue[n:])
	clear(c.queue[rest:])
	c.queue = c.queue[:rest]
	if rest == 0 && cap(c.queue) > queueKept {
		c.queue = nil
	}
	return dst
}

const queueKept = 4 // frames of room that an idle connection keeps

// wrote is called when everything taken has been written.
func (c *Conn) wrote() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closeTaken || c.closeSent {
		return
	}
	c.closeSent = true
	if c.peerClosed {
		c.kill(c.cause)
		return
	}
	c.closeBy = c.server.c.Clock.Now() + c.server.c.CloseAckWait
	c.server.wheel.look(&c.timer, c.closeBy)
}

// check is called when a deadline may have come; it says when the next one may, 0 for never.
func (c *Conn) check(now time.Duration) (next time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead || c.home == gone {
		return 0
	}
	if c.closing {
		if now < c.closeBy {
			return c.closeBy
		}
		c.kill(c.cause)
		return 0
	}
	readBy := time.Duration(c.heard.Load()) + c.server.c.PongWait
	if c.paused {
		readBy = now + c.server.c.PongWait
	}
	if now >= readBy {
		c.close(CloseNormal, "i/o timeout", ErrTimeout)
		return c.closeBy
	}
	pingBy := time.Duration(c.pinged.Load()) + c.server.c.PingPeriod
	if now >= pingBy {
		c.pinged.Store(int64(now))
		pingBy = now + c.server.c.PingPeriod
		c.pingDue = true
		c.wake()
	}
	return min(readBy, pingBy)
}

// end is called once by the home whose socket has been closed.
func (c *Conn) end(cause error) {
	c.mu.Lock()
	if c.home == gone {
		c.mu.Unlock()
		return
	}
	c.home, c.queue, c.left, c.pong = gone, nil, nil, nil
	c.place, c.thread = place{}, nil
	if c.cause != nil {
		cause = c.cause
	}
	c.mu.Unlock()
	c.unparsed, c.message = nil, nil
	c.server.remove(c)
	c.handler.Closed(c, cause)
}
