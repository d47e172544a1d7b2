package wire

import (
	"encoding/binary"
	"errors"
)

// A native session speaks of the catalogue in stream messages of channel CallChannel, each a header and a body:
//
//	u16 number · u8 kind · u8 0 · u32 correlation · body
//
// The header has eight bytes so that a FlatBuffers table behind it is aligned where the message is.
const (
	CallChannel = FirstStream
	CallHead    = 8
	CallPiece   = MaxStreamMsg - CallHead // most bytes of body in one message; what is larger goes in pieces
	CallMax     = 4 << 20                 // most bytes of body in all pieces together
	CallText    = 4 << 10                 // most bytes of a refusal's text
	// NumberEnvelope stands for an operation's number where the body is a whole rtapi.Envelope: a push.
	NumberEnvelope = 100
)

// CallKind says what a body is.
type CallKind uint8

const (
	CallWhole   CallKind = 0 // a request, an answer, a push; or the last piece of one
	CallMore    CallKind = 1 // a piece with others to come; always CallPiece bytes
	CallRefused CallKind = 2 // from the server: u32 code · text
)

// Call is one message of a session, or a piece of one.
type Call struct {
	Number      uint16   // of the operation, or NumberEnvelope
	Kind        CallKind // of a whole one: CallWhole or CallRefused
	Correlation uint32   // chosen by the client; 0: a push, or a request that wants no answer
	Body        []byte
	TooLarge    bool // of a whole one: it was larger than the reader takes, and its body is gone
}

// ErrCall refuses a message that is not one of a session's.
var ErrCall = errors.New("wire: not a message of a native session")

// AppendCall appends the header of a message; the body is to follow.
func AppendCall(dst []byte, number uint16, kind CallKind, correlation uint32) []byte {
	dst = binary.LittleEndian.AppendUint16(dst, number)
	dst = append(dst, byte(kind), 0)
	return binary.LittleEndian.AppendUint32(dst, correlation)
}

// ParseCall reads one message; its Body is part of msg.
// Error: ErrCall.
func ParseCall(msg []byte) (c Call, err error) {
	if len(msg) < CallHead || len(msg) > MaxStreamMsg || msg[3] != 0 || msg[2] > byte(CallRefused) {
		return Call{}, ErrCall
	}
	c = Call{
		Number: binary.LittleEndian.Uint16(msg), Kind: CallKind(msg[2]),
		Correlation: binary.LittleEndian.Uint32(msg[4:]), Body: msg[CallHead:],
	}
	if c.Number == 0 || c.Kind == CallMore && len(c.Body) != CallPiece {
		return Call{}, ErrCall
	}
	if c.Kind == CallRefused && (len(c.Body) < 4 || len(c.Body) > 4+CallText) {
		return Call{}, ErrCall
	}
	return c, nil
}

// SplitCall makes the messages of a body, whose pieces must follow each other on the stream. Body has at most CallMax
// bytes, which is the caller's to check, and is copied.
func SplitCall(number uint16, correlation uint32, body []byte) (messages [][]byte) {
	for len(body) > CallPiece {
		messages = append(messages, append(AppendCall(make([]byte, 0, MaxStreamMsg), number, CallMore, correlation), body[:CallPiece]...))
		body = body[CallPiece:]
	}
	last := AppendCall(make([]byte, 0, CallHead+len(body)), number, CallWhole, correlation)
	return append(messages, append(last, body...))
}

// AppendRefusal appends a whole refusal. A text that is too long is cut, between characters.
func AppendRefusal(dst []byte, number uint16, correlation, code uint32, text string) []byte {
	dst = AppendCall(dst, number, CallRefused, correlation)
	dst = binary.LittleEndian.AppendUint32(dst, code)
	if len(text) > CallText {
		cut := CallText
		for cut > CallText-4 && text[cut]&0xC0 == 0x80 {
			cut--
		}
		text = text[:cut]
	}
	return append(dst, text...)
}

// Refusal is what a whole call of kind CallRefused says.
func (c *Call) Refusal() (code uint32, text string) {
	return binary.LittleEndian.Uint32(c.Body), string(c.Body[4:])
}

// CallReader puts pieces together, for one direction of one session. Its memory is what Max allows, and nothing while no
// message is in pieces.
type CallReader struct {
	Max int // most bytes of a body; 0: CallMax

	first Call // header of the pieces under way
	open  bool
	size  int
	body  []byte // nil when it is too large already
}

// Add takes the next message of the stream. done: c is whole; its Body is part of msg, or the reader gives it up. It is
// told once of a message that was too large.
// Error: ErrCall: a message or a piece out of place; nothing after it makes sense.
func (r *CallReader) Add(msg []byte) (c Call, done bool, err error) {
	c, err = ParseCall(msg)
	if err != nil {
		return Call{}, false, err
	}
	most := r.Max
	if most <= 0 {
		most = CallMax
	}
	switch {
	case !r.open && c.Kind != CallMore:
		if len(c.Body) > most {
			c.Body, c.TooLarge = nil, true
		}
		return c, true, nil
	case !r.open:
		r.first, r.open, r.size, r.body = c, true, 0, []byte{}
		r.first.Body = nil
	case c.Number != r.first.Number || c.Correlation != r.first.Correlation || c.Kind == CallRefused || len(c.Body) == 0:
		return Call{}, false, ErrCall
	}
	if r.size += len(c.Body); r.size > CallMax {
		return Call{}, false, ErrCall
	}
	if r.size > most {
		r.body = nil
	} else {
		r.body = append(r.body, c.Body...)
	}
	if c.Kind == CallMore {
		return Call{}, false, nil
	}
	c.Body, c.TooLarge = r.body, r.body == nil
	*r = CallReader{Max: r.Max}
	return c, true, nil
}

// Reset forgets pieces: the other end begins anew.
func (r *CallReader) Reset() { *r = CallReader{Max: r.Max} }
