package native

import (
	"bytes"
	"context"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/skirmishgg/skirmish/engine/loop"
	"github.com/skirmishgg/skirmish/protocol/codec"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/protocol/wire"
	"github.com/skirmishgg/skirmish/services/gateway/worker"
	"github.com/skirmishgg/skirmish/services/match"
	"github.com/skirmishgg/skirmish/services/session"
)

// Refusals that a native session gives by itself.
var (
	errUnknown  = errs.New(errs.Unimplemented, "This server has no operation of that number.")
	errTooLarge = errs.New(errs.ResourceExhausted, "The request is larger than this server takes.")
	errAnswer   = errs.New(errs.ResourceExhausted, "The answer is larger than a native session carries. Ask for less.")
	errConsole  = errs.New(errs.PermissionDenied, "This operation belongs to the console.")
)

// conn is one native session: a receiver to the loop, a session.Conn to the services.
type conn struct {
	// constant after Open
	door    *Door
	session *loop.Session
	id      id.UUID
	caller  op.Caller // with the client's address when it opened the session
	line    *worker.Line
	ctx     context.Context
	cancel  context.CancelFunc

	// owned by the loop
	reader wire.CallReader

	mu      sync.Mutex
	queue   []request // of this incarnation of the client
	bytes   int
	running bool // a call is in the line or under way
	held    bool // the stream is not read
	life    int  // counts incarnations: what an earlier one asked for is void
	ending  bool // closed by the server: the call under way is still answered, and no other begins
	closed  bool
}

var _ session.Conn = (*conn)(nil)

// request is a call that waits.
type request struct {
	number      uint16
	correlation uint32
	body        []byte
	tooLarge    bool
	client      netip.AddrPort
	life        int
}

// Message puts a request into the queue.
func (c *conn) Message(ch uint8, msg []byte) (more bool) {
	if ch != wire.CallChannel {
		return c.malformed()
	}
	call, done, err := c.reader.Add(msg)
	if err != nil || done && call.Kind != wire.CallWhole {
		return c.malformed()
	}
	if !done {
		return true
	}
	r := request{
		number: call.Number, correlation: call.Correlation, body: bytes.Clone(call.Body), tooLarge: call.TooLarge,
		client: c.session.Addr(),
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return true
	}
	r.life = c.life
	c.queue = append(c.queue, r)
	c.bytes += len(r.body)
	c.next()
	if len(c.queue) >= callsMax || c.bytes >= callBytesMax {
		c.held = true
		c.door.counters.held.Add(1)
	}
	return !c.held
}

func (c *conn) malformed() (more bool) {
	c.door.counters.malformed.Add(1)
	c.session.Close(wire.CloseProtocol)
	return false
}

// next hands the oldest request to the workers, unless one is there already or the client is too far behind: then Room
// calls again. Needs mu.
func (c *conn) next() {
	if c.running || c.ending || c.closed || len(c.queue) == 0 || c.session.Full() {
		return
	}
	r := c.queue[0]
	c.queue[0] = request{}
	if c.queue = c.queue[1:]; len(c.queue) == 0 {
		c.queue = nil
	}
	c.bytes -= len(r.body)
	c.running = true
	c.line.Push(func() { c.run(&r) })
	if c.held && len(c.queue) <= callsMax/2 && c.bytes <= callBytesMax/2 {
		c.held = false
		c.session.Read()
	}
}

// run is a call on a worker.
func (c *conn) run(r *request) {
	answer := c.answer(r)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running = false
	if r.life == c.life && r.correlation != 0 && !c.closed {
		c.send(answer)
	}
	if c.ending {
		c.session.Close(wire.CloseKicked)
	}
	c.next()
}

// answer runs a call and encodes what comes of it.
func (c *conn) answer(r *request) [][]byte {
	door := c.door
	door.counters.calls.Add(1)
	e := door.c.Door.Registry.Numbered(r.number)
	switch {
	case e == nil:
		door.counters.unknown.Add(1)
		return refusal(r, errUnknown)
	case r.tooLarge:
		door.counters.tooLarge.Add(1)
		return refusal(r, errTooLarge)
	case e.Spec.Auth == op.Console:
		return refusal(r, errConsole)
	}
	in := e.Request.New().Interface()
	if err := codec.Decode(codec.FlatBuffers, r.body, in); err != nil {
		door.counters.unreadable.Add(1)
		return refusal(r, door.c.Door.Refusal(e, c.caller, err))
	}
	caller := c.caller
	caller.ClientIP, caller.ClientPort = addressOf(r.client)
	out, refused := door.c.Door.Invoke(c.ctx, e, caller, in)
	if refused != nil {
		return refusal(r, refused)
	}
	body, err := codec.Append(nil, codec.FlatBuffers, out)
	if err != nil {
		return refusal(r, door.c.Door.Refusal(e, caller, err))
	}
	if len(body) > wire.CallMax {
		return refusal(r, errAnswer)
	}
	return wire.SplitCall(r.number, r.correlation, body)
}

func addressOf(a netip.AddrPort) (ip, port string) {
	return a.Addr().String(), strconv.Itoa(int(a.Port()))
}

func refusal(r *request, e *errs.Error) [][]byte {
	return [][]byte{wire.AppendRefusal(nil, r.number, r.correlation, uint32(e.Code), e.Message)}
}

// send queues messages; when the queue is full the session ends.
func (c *conn) send(messages [][]byte) bool {
	err := c.session.Send(wire.CallChannel, messages...)
	if err == loop.ErrSessionFull {
		c.door.counters.overflows.Add(1)
	}
	return err == nil
}

// Room goes on with calls that waited until the client had taken enough.
func (c *conn) Room() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.next()
}

// Restarted forgets what the client's process that is gone has asked for. A call under way ends; nobody hears of it.
func (c *conn) Restarted() {
	c.door.counters.restarted.Add(1)
	c.reader.Reset()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue, c.bytes, c.held = nil, 0, false
	c.life++
}

// Closed is the end.
func (c *conn) Closed(wire.Close) {
	c.mu.Lock()
	c.closed, c.queue, c.bytes = true, nil, 0
	c.mu.Unlock()
	c.cancel()
	c.door.counters.open.Add(^uint64(0))
	c.door.c.Door.Live.Remove(c)
	c.line.Close(func() {
		if c.door.c.Closed != nil {
			c.door.c.Closed(c)
		}
	})
}

// ID, UserID, Username, Vars and Lang are what the session's token said.
func (c *conn) ID() id.UUID { return c.id }

func (c *conn) UserID() id.UUID { return c.caller.UserID }

func (c *conn) Username() string { return c.caller.Username }

func (c *conn) Vars() map[string]string { return c.caller.Vars }

func (c *conn) Lang() string { return lang }

// Caller is the session as one who asks, for what is told of it without a call.
func (c *conn) Caller() op.Caller { return c.caller }

// Origin implements session.Origin.
func (c *conn) Origin() (host, clientIP string) { return c.caller.Host, c.caller.ClientIP }

const lang = "en" // what a socket is that does not say

// Send pushes an envelope.
func (c *conn) Send(m *codec.Shared) bool {
	body, err := m.Bytes(codec.FlatBuffers)
	if err != nil || len(body) > wire.CallMax {
		c.door.c.Door.Log.Error("a push cannot be sent", "session", c.id.String(), "bytes", len(body), "error", err)
		return false
	}
	c.door.counters.pushes.Add(1)
	return c.send(wire.SplitCall(wire.NumberEnvelope, 0, body))
}

var _ match.Watcher = (*conn)(nil)

// MatchEnded pushes why a match of the session's is over.
func (c *conn) MatchEnded(name string, why match.Ended) { c.push(match.PushEnded, why.Message(name)) }

// push sends a message of our own, under its number.
func (c *conn) push(number uint16, m proto.Message) {
	body, err := codec.Append(nil, codec.FlatBuffers, m)
	if err != nil {
		c.door.c.Door.Log.Error("a push cannot be sent", "session", c.id.String(), "number", number, "error", err)
		return
	}
	c.door.counters.pushes.Add(1)
	c.send(wire.SplitCall(number, 0, body))
}

// Close ends the session after what is queued and the answer to the call under way, which may be what ends it: a user who
// deletes his account is told that it is done. CLOSE has room for a number only: whatever the text, the client reads that
// the server ended it.
func (c *conn) Close(string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ending {
		return
	}
	if c.ending = true; !c.running {
		c.session.Close(wire.CloseKicked)
		return
	}
	time.AfterFunc(answerWithin, func() { c.session.Close(wire.CloseKicked) }) // run has done so by then, mostly
}
