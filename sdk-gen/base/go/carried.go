package skirmish

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/heroiclabs/nakama-common/rtapi"

	"github.com/skirmishgg/skirmish/netcode/channel"
	"github.com/skirmishgg/skirmish/netcode/handshake"
	"github.com/skirmishgg/skirmish/netcode/token"
	"github.com/skirmishgg/skirmish/protocol/codec"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// ErrNoCarried refuses a token that is for a session or for a match with a world of its own.
var ErrNoCarried = errors.New("the token is not for a relayed or authoritative match")

// CarriedOptions are what a connection in a relayed or authoritative match can do without.
type CarriedOptions struct {
	// Push gets what the server sends, in order, on a goroutine of its own: it may call the CarriedMatch, and wait. First
	// comes Match: the match, who is in it, and who this connection is; then MatchData and MatchPresenceEvent. Match comes
	// again when the server begins anew with a client without memory. Presences are a set: one that joins may be known
	// already. 1,024 messages wait; one more ends the connection.
	Push func(e *rtapi.Envelope)
	// Lossy has data that is not reliable come at once, at most once, and in any order, instead of like all other data. It
	// is not for games whose other players have clients that never say reliable, as most of Nakama's.
	Lossy bool
	Open  func() (Transport, error) // see Options
}

// CarriedMatch is a connection over UDP in a relayed or authoritative match. Any goroutine may use it.
//
//	t, err := api.MatchToken(ctx, session, matchID, nil)
//	m, err := skirmish.JoinCarried(ctx, t, skirmish.CarriedOptions{Push: got})
//	err = m.Send(1, []byte("hello"))
type CarriedMatch struct {
	// constant after JoinCarried
	client *Client
	pushes chan *rtapi.Envelope // nil: nobody wants them

	// under client.mu
	in      channel.Joiner
	out     channel.Splitter
	waits   [][]byte // reliable messages without their numbers, oldest first
	bytes   int      // of them
	pieces  []byte   // of an envelope
	whos    map[uint16]*rtapi.UserPresence
	matchID string
	err     error
}

// carriedWaitMax is how many bytes may wait to be sent.
const carriedWaitMax = 1 << 20

// JoinCarried connects with a token for a relayed or authoritative match and returns once the connection is open.
// Errors: ctx's, ErrNoCarried, *DeniedError, ErrTimeout.
func JoinCarried(ctx context.Context, t *token.Connect, o CarriedOptions) (*CarriedMatch, error) {
	if t.Schema != wire.CarriedSchema {
		return nil, ErrNoCarried
	}
	return newCarried(ctx, handshake.NewClient(t, rand.Reader), false, o)
}

// ResumeCarried takes up the connection of a process that is gone, from what its Resumable said.
// Errors: as JoinCarried.
func ResumeCarried(ctx context.Context, r Resumable, o CarriedOptions) (*CarriedMatch, error) {
	if r.Schema != wire.CarriedSchema {
		return nil, ErrNoCarried
	}
	return newCarried(ctx, handshake.NewResume(r, rand.Reader), true, o)
}

func newCarried(ctx context.Context, shake *handshake.Client, restart bool, o CarriedOptions) (*CarriedMatch, error) {
	m := &CarriedMatch{whos: map[uint16]*rtapi.UserPresence{}}
	if o.Lossy {
		m.waits = [][]byte{{byte(wire.CarriedWish), wire.CarriedTakesLossy}}
	}
	if o.Push != nil {
		m.pushes = make(chan *rtapi.Envelope, pushesMax)
	}
	conn := newConn(shake, Game{
		Event: m.reliable, Stream: func(c *Conn, _ uint8, msg []byte) { m.reliable(c, msg) }, message: m.lossy, feed: m.feed,
	}, rand.Reader)
	conn.restart = restart
	client, err := start(ctx, conn, Options{Open: o.Open})
	if err != nil {
		return nil, err
	}
	m.client = client
	if o.Push != nil {
		go deliver(m.pushes, client.Done(), o.Push) // ends with the connection
	}
	return m, nil
}

// Send sends data reliably, in the order of all that is sent so: to everybody else in a relayed match, or to those sessions
// alone; to the handler of an authoritative one. data is copied.
// Errors: ErrTooLarge; channel.ErrBackpressure when a megabyte waits; why the connection has ended.
func (m *CarriedMatch) Send(opCode int64, data []byte, to ...id.UUID) error {
	msg, err := dataSend(wire.CarriedData, opCode, data, to)
	if err != nil {
		return err
	}
	m.client.Do(func(c *Conn, _ time.Duration) {
		switch {
		case c.Err() != nil:
			err = c.Err()
		case m.bytes+len(msg) > carriedWaitMax:
			err = channel.ErrBackpressure
		default:
			m.waits, m.bytes = append(m.waits, msg), m.bytes+len(msg)
			m.feed(c)
			m.client.nudge()
		}
	})
	return err
}

// SendLossy sends data once, without delay: it may be lost and overtaken, and arrives with reliable false. At most
// wire.CarriedLossyMax bytes with the sessions.
// Errors: ErrTooLarge; channel.ErrFull when it found no room; why the connection has ended.
func (m *CarriedMatch) SendLossy(opCode int64, data []byte, to ...id.UUID) error {
	msg, err := dataSend(wire.CarriedLossy, opCode, data, to)
	if err == nil && len(msg) > wire.CarriedLossyMax {
		err = ErrTooLarge
	}
	if err != nil {
		return err
	}
	m.client.Do(func(c *Conn, _ time.Duration) {
		if err = c.Err(); err == nil {
			err = c.SendUnreliable(0, msg)
			m.client.nudge()
		}
	})
	return err
}

func dataSend(kind wire.CarriedKind, opCode int64, data []byte, to []id.UUID) ([]byte, error) {
	if len(to) > wire.CarriedTargets {
		return nil, ErrTooLarge
	}
	sessions := make([][16]byte, len(to))
	for i, u := range to {
		sessions[i] = u
	}
	msg := append(wire.AppendDataSend(nil, kind, opCode, sessions...), data...)
	if len(msg)+channel.OrderHead > wire.MaxStreamMsg {
		return nil, ErrTooLarge
	}
	return msg, nil
}

// feed sends what there is room for.
func (m *CarriedMatch) feed(c *Conn) {
	for len(m.waits) > 0 && m.out.Send((*connWays)(c), wire.CarriedStream, append(m.out.Begin(), m.waits[0]...)) == nil {
		m.bytes = max(m.bytes-len(m.waits[0]), 0)
		m.waits[0] = nil
		m.waits = m.waits[1:]
	}
	if len(m.waits) == 0 {
		m.waits = nil
	}
}

// connWays are the two ways of a Conn, for a channel.Splitter.
type connWays Conn

func (w *connWays) SendEvent(ch uint8, data []byte) error {
	return (*Conn)(w).SendEventOn(ch, data, w.now)
}
func (w *connWays) SendStream(ch uint8, data []byte) error { return (*Conn)(w).SendStream(ch, data) }
func (w *connWays) StreamsIdle() bool                      { return w.peer == nil || w.peer.StreamsIdle() }
func (w *connWays) EventRoom() int {
	if w.peer == nil {
		return 0
	}
	return w.peer.EventRoom()
}

// reliable takes a message that came as an event or on the stream: the client's goroutine.
func (m *CarriedMatch) reliable(c *Conn, msg []byte) {
	rest, err := m.in.Accept(msg)
	if err != nil {
		m.giveUp(c, ErrNonsense, wire.CloseProtocol)
		return
	}
	for ok := rest != nil; ok; rest, ok = m.in.Next() {
		if !m.take(c, rest) {
			m.giveUp(c, ErrNonsense, wire.CloseProtocol)
			return
		}
	}
}

// lossy takes a message that came once; a sender that is not known yet makes it useless.
func (m *CarriedMatch) lossy(c *Conn, msg []byte) {
	if len(msg) == 0 || wire.CarriedKind(msg[0]) != wire.CarriedLossy {
		m.giveUp(c, ErrNonsense, wire.CloseProtocol)
		return
	}
	if sender, _, _, err := wire.ParseDelivery(msg[1:]); err == nil && m.matchID != "" && (sender == 0 || m.whos[sender] != nil) {
		m.take(c, msg)
	}
}

// take decides what a message is; false when it makes no sense.
func (m *CarriedMatch) take(c *Conn, msg []byte) bool {
	kind, body := wire.CarriedKind(msg[0]), msg[1:]
	if m.pieces != nil && kind != wire.CarriedPiece && kind != wire.CarriedEnvelope {
		return false
	}
	switch kind {
	case wire.CarriedPiece:
		m.pieces = append(m.pieces, body...)
		return len(m.pieces) <= wire.CarriedMax
	case wire.CarriedEnvelope:
		return m.envelope(c, append(m.pieces, body...))
	case wire.CarriedWho:
		number, who, err := wire.ParseWho(body)
		if err != nil {
			return false
		}
		m.whos[number] = &rtapi.UserPresence{
			UserId: id.UUID(who.UserID).String(), SessionId: id.UUID(who.SessionID).String(), Username: who.Username,
		}
		return true
	case wire.CarriedData, wire.CarriedLossy:
		return m.data(c, kind, body)
	}
	return false
}

func (m *CarriedMatch) envelope(c *Conn, table []byte) bool {
	m.pieces = nil
	e := &rtapi.Envelope{}
	if codec.Decode(codec.FlatBuffers, table, e) != nil {
		return false
	}
	if joined := e.GetMatch(); joined != nil {
		m.matchID = joined.MatchId
	}
	m.push(c, e)
	return true
}

func (m *CarriedMatch) data(c *Conn, kind wire.CarriedKind, body []byte) bool {
	sender, opCode, data, err := wire.ParseDelivery(body)
	who := m.whos[sender]
	if err != nil || sender != 0 && who == nil {
		return false
	}
	m.push(c, &rtapi.Envelope{Message: &rtapi.Envelope_MatchData{MatchData: &rtapi.MatchData{
		MatchId: m.matchID, Presence: who, OpCode: opCode, Data: bytes.Clone(data), Reliable: kind == wire.CarriedData,
	}}})
	return true
}

func (m *CarriedMatch) push(c *Conn, e *rtapi.Envelope) {
	if m.pushes == nil {
		return
	}
	select {
	case m.pushes <- e:
	default:
		m.giveUp(c, &ClosedError{wire.CloseOverflow}, wire.CloseOverflow)
	}
}

func (m *CarriedMatch) giveUp(c *Conn, err error, why wire.Close) {
	if m.err == nil {
		m.err = err
	}
	c.peer.Close(why, c.now)
}

// Close leaves the match once what was sent has arrived, a second later at most. It may be called twice.
func (m *CarriedMatch) Close() { m.client.Close() }

// Done is closed when the connection has ended; Err says why, nil while it has not.
func (m *CarriedMatch) Done() <-chan struct{} { return m.client.Done() }

// Err is a *ClosedError, *DeniedError (of a resumption), ErrTimeout or ErrNonsense.
func (m *CarriedMatch) Err() error {
	m.client.mu.Lock()
	defer m.client.mu.Unlock()
	if err := m.client.conn.Err(); err == nil || m.err == nil {
		return err
	}
	return m.err
}

// Stats is the quality of the connection.
func (m *CarriedMatch) Stats() Stats { return m.client.Stats() }

// Rebind goes on from another socket, as after a change of networks that the client was told of.
func (m *CarriedMatch) Rebind() { m.client.Rebind() }

// Resumable is what to keep for ResumeCarried; ok is false while there is nothing.
func (m *CarriedMatch) Resumable() (r Resumable, ok bool) {
	m.client.Do(func(c *Conn, _ time.Duration) { r, ok = c.Resumable() })
	return r, ok
}
