package skirmish

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/proto"

	"github.com/skirmishgg/skirmish/netcode/channel"
	"github.com/skirmishgg/skirmish/netcode/handshake"
	"github.com/skirmishgg/skirmish/netcode/token"
	"github.com/skirmishgg/skirmish/protocol/api"
	"github.com/skirmishgg/skirmish/protocol/codec"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// Errors of a Session, beside those of a Client and the server's refusals, which are *errs.Error.
var (
	ErrNoSession = errors.New("the token is for a match, not for a session")
	ErrTooLarge  = errors.New("the request is larger than a session carries")
	ErrNonsense  = errors.New("the server's answer made no sense") // and the session is over
)

// SessionOptions are what a session can do without.
type SessionOptions struct {
	// Push gets what the server sends unasked, in order, on a goroutine of its own: it may call the Session, and wait.
	// 1,024 pushes wait for it; one more ends the session.
	Push func(m *rtapi.Envelope)
	// MatchEnded hears of matches that the session was in and that are over, in one order with Push and under its terms.
	MatchEnded func(m *api.MatchEnded)
	Open       func() (Transport, error) // see Options
}

const (
	callsMax  = 256 // under way at once; the next Call waits
	pushesMax = 1024

	sessionKeepAlive = 10        // part of the timeout
	sessionRate      = 256 << 10 // bytes a second
)

// Session is a native session: every operation of the catalogue, and pushes, over UDP. Any goroutine may use it.
//
//	s, err := skirmish.OpenSession(ctx, tokenText)
//	account := &api.Account{}
//	err = s.Call(ctx, 24, &emptypb.Empty{}, account) // GetAccount
//
// Calls run on the server in the order in which they were made. Each is carried out once and answered once, whatever the
// network does, as long as the session lives; when it ends, those under way fail and may or may not have been carried out.
type Session struct {
	// constant after OpenSession
	client *Client
	slots  chan struct{}      // one for each call under way
	pushes chan proto.Message // nil: nobody wants them

	// under client.mu
	calls  map[uint32]chan<- answer
	last   uint32   // correlation of the last call
	waits  [][]byte // messages that the stream had no room for
	reader wire.CallReader
	err    error // why the client ended the session itself
}

// answer is a copy.
type answer struct {
	kind wire.CallKind
	body []byte
}

// OpenSession opens a session with a connect token (its text form) and returns once it is open.
// Errors: ctx's, a token that cannot be read, ErrNoSession, *DeniedError, ErrTimeout.
func OpenSession(ctx context.Context, tokenText string) (*Session, error) {
	t, err := token.ParseText(tokenText)
	if err != nil {
		return nil, err
	}
	return OpenSessionWith(ctx, t, SessionOptions{})
}

// OpenSessionWith is OpenSession with a token that was parsed before, and options.
func OpenSessionWith(ctx context.Context, t *token.Connect, o SessionOptions) (*Session, error) {
	if t.Schema != [8]byte{} {
		return nil, ErrNoSession
	}
	return newSession(ctx, handshake.NewClient(t, rand.Reader), false, o)
}

// ResumeSession takes up the session of a process that is gone, from what its Resumable said: in one round trip, without a
// new token. What that process had under way is void.
// Errors: as OpenSession.
func ResumeSession(ctx context.Context, r Resumable, o SessionOptions) (*Session, error) {
	if r.Schema != [8]byte{} {
		return nil, ErrNoSession
	}
	return newSession(ctx, handshake.NewResume(r, rand.Reader), true, o)
}

func newSession(ctx context.Context, shake *handshake.Client, restart bool, o SessionOptions) (*Session, error) {
	s := &Session{calls: map[uint32]chan<- answer{}, slots: make(chan struct{}, callsMax)}
	if o.Push != nil || o.MatchEnded != nil {
		s.pushes = make(chan proto.Message, pushesMax)
	}
	conn := newConn(shake, Game{Stream: s.receive, feed: s.feed}, rand.Reader)
	conn.restart = restart
	client, err := start(ctx, conn, Options{Open: o.Open})
	if err != nil {
		return nil, err
	}
	s.client = client
	if s.pushes != nil {
		go deliver(s.pushes, client.Done(), o.handle) // ends with the session
	}
	return s, nil
}

// Call has the server carry out the operation of a number and fills out with the answer. A call whose ctx ends is not
// taken back.
// Errors: *errs.Error, the server's refusal; ctx's; ErrTooLarge; why the session has ended.
func (s *Session) Call(ctx context.Context, number uint16, in, out proto.Message) error {
	body, err := encode(in)
	if err != nil {
		return err
	}
	select {
	case s.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	case <-s.Done():
		return s.Err()
	}
	defer func() { <-s.slots }()
	answered := make(chan answer, 1)
	correlation := s.ask(number, body, answered)
	select {
	case a := <-answered:
		return a.decode(out)
	case <-ctx.Done():
		s.client.Do(func(*Conn, time.Duration) { delete(s.calls, correlation) })
		return ctx.Err()
	case <-s.Done():
		select {
		case a := <-answered: // it came with the goodbye
			return a.decode(out)
		default:
			return s.Err()
		}
	}
}

// Post is Call for who wants no answer. It does not wait.
// Errors: ErrTooLarge; why the session has ended; channel.ErrBackpressure when a megabyte waits to be sent.
func (s *Session) Post(number uint16, in proto.Message) error {
	body, err := encode(in)
	if err != nil {
		return err
	}
	select {
	case <-s.Done():
		return s.Err()
	default:
	}
	s.client.Do(func(c *Conn, _ time.Duration) {
		if len(s.waits) >= postsMax {
			err = channel.ErrBackpressure
			return
		}
		s.send(c, number, 0, body)
	})
	return err
}

// postsMax is a megabyte of the smallest KCP segments.
const postsMax = 1024

func encode(in proto.Message) ([]byte, error) {
	body, err := codec.Append(nil, codec.FlatBuffers, in)
	if err == nil && len(body) > wire.CallMax {
		err = ErrTooLarge
	}
	return body, err
}

func (s *Session) ask(number uint16, body []byte, answered chan<- answer) (correlation uint32) {
	s.client.Do(func(c *Conn, _ time.Duration) {
		for s.last++; s.last == 0 || s.calls[s.last] != nil; {
			s.last++
		}
		correlation = s.last
		s.calls[correlation] = answered
		s.send(c, number, correlation, body)
	})
	return correlation
}

// send queues a request and has it sent.
func (s *Session) send(c *Conn, number uint16, correlation uint32, body []byte) {
	s.waits = append(s.waits, wire.SplitCall(number, correlation, body)...)
	s.feed(c)
	s.client.nudge()
}

// feed gives the stream what it takes.
func (s *Session) feed(c *Conn) {
	for len(s.waits) > 0 && c.SendStream(wire.CallChannel, s.waits[0]) == nil {
		s.waits[0] = nil
		s.waits = s.waits[1:]
	}
	if len(s.waits) == 0 {
		s.waits = nil
	}
}

// receive takes a message of the stream: the client's goroutine.
func (s *Session) receive(c *Conn, ch uint8, msg []byte) {
	if ch != wire.CallChannel {
		s.giveUp(c, ErrNonsense, wire.CloseProtocol)
		return
	}
	call, done, err := s.reader.Add(msg)
	switch {
	case err != nil:
		s.giveUp(c, ErrNonsense, wire.CloseProtocol)
	case !done:
	case call.Correlation == 0:
		s.pushed(c, &call)
	default:
		if answered := s.calls[call.Correlation]; answered != nil { // else nobody waits any more
			delete(s.calls, call.Correlation)
			answered <- answer{call.Kind, bytes.Clone(call.Body)}
		}
	}
}

func (s *Session) pushed(c *Conn, call *wire.Call) {
	if call.Kind != wire.CallWhole {
		s.giveUp(c, ErrNonsense, wire.CloseProtocol)
		return
	}
	m := newPush(call.Number)
	if s.pushes == nil || m == nil {
		return
	}
	if codec.Decode(codec.FlatBuffers, call.Body, m) != nil {
		s.giveUp(c, ErrNonsense, wire.CloseProtocol)
		return
	}
	select {
	case s.pushes <- m:
	default:
		s.giveUp(c, &ClosedError{wire.CloseOverflow}, wire.CloseOverflow)
	}
}

func (s *Session) giveUp(c *Conn, err error, why wire.Close) {
	if s.err == nil {
		s.err = err
	}
	c.peer.Close(why, c.now)
}

// numberMatchEnded is that of the push in the catalogue.
const numberMatchEnded = 311

// newPush is what a push with this number is read into; nil: it is of a newer server, and passed over.
func newPush(number uint16) proto.Message {
	switch number {
	case wire.NumberEnvelope:
		return &rtapi.Envelope{}
	case numberMatchEnded:
		return &api.MatchEnded{}
	}
	return nil
}

// handle calls the function that wants a push.
func (o *SessionOptions) handle(m proto.Message) {
	switch m := m.(type) {
	case *rtapi.Envelope:
		if o.Push != nil {
			o.Push(m)
		}
	case *api.MatchEnded:
		if o.MatchEnded != nil {
			o.MatchEnded(m)
		}
	}
}

// deliver calls the handler of pushes until the end.
func deliver[M any](pushes <-chan M, done <-chan struct{}, handle func(m M)) {
	for {
		select {
		case m := <-pushes:
			handle(m)
		case <-done:
			for { // what came before the end
				select {
				case m := <-pushes:
					handle(m)
				default:
					return
				}
			}
		}
	}
}

func (a *answer) decode(out proto.Message) error {
	if a.kind == wire.CallRefused {
		c := wire.Call{Body: a.body}
		code, text := c.Refusal()
		return errs.New(errs.Code(code), text)
	}
	if err := codec.Decode(codec.FlatBuffers, a.body, out); err != nil {
		return ErrNonsense
	}
	return nil
}

// Close ends the session and waits until the goodbye is sent. It may be called twice.
func (s *Session) Close() { s.client.Close() }

// Done is closed when the session has ended; Err says why, nil while it has not.
func (s *Session) Done() <-chan struct{} { return s.client.Done() }

// Err is a *ClosedError, *DeniedError (of a resumption), ErrTimeout or ErrNonsense.
func (s *Session) Err() error {
	s.client.mu.Lock()
	defer s.client.mu.Unlock()
	if err := s.client.conn.Err(); err == nil || s.err == nil {
		return err
	}
	return s.err
}

// Stats is the quality of the connection.
func (s *Session) Stats() Stats { return s.client.Stats() }

// Rebind goes on from another socket, as after a change of networks that the client was told of.
func (s *Session) Rebind() { s.client.Rebind() }

// Resumable is what to keep for ResumeSession; ok is false while there is nothing.
func (s *Session) Resumable() (r Resumable, ok bool) {
	s.client.Do(func(c *Conn, _ time.Duration) { r, ok = c.Resumable() })
	return r, ok
}
