package wire

import (
	"encoding/binary"
	"errors"
	"unicode/utf8"
)

// CarriedSchema stands in connect tokens for a match without a world, relayed or authoritative, whose messages a connection
// carries: the first 8 bytes of the SHA-256 of "skirmish carried match 1".
var CarriedSchema = [8]byte{0x62, 0xae, 0x22, 0x47, 0xbf, 0x0d, 0xd4, 0xed}

// CarriedStream is the stream channel of such a connection; its events and lossy messages have channel 0.
const CarriedStream = FirstStream

// CarriedKind is the first byte of a carried message, behind its number in the order of reliable ones. Those that follow say
// who sends them and what their body is.
type CarriedKind uint8

const (
	CarriedEnvelope CarriedKind = 0 // server: FlatBuffers table of an rtapi.Envelope, or the last piece of one
	CarriedPiece    CarriedKind = 1 // server: a piece of one with others to come, in messages of the largest size
	CarriedWho      CarriedKind = 2 // server: what a number stands for from now on
	CarriedData     CarriedKind = 3 // both: match data
	CarriedLossy    CarriedKind = 4 // both: match data whose sender said that it may be lost
	CarriedWish     CarriedKind = 5 // client: u8 flags
)

// CarriedTakesLossy is the flag of a CARRIED WISH: CarriedLossy may come as UNRELIABLE.
const CarriedTakesLossy = 1

const (
	CarriedHead     = 1
	CarriedMax      = 4 << 20                             // bytes of an envelope, in all pieces together
	CarriedPieceMax = MaxStreamMsg - CarriedHead - 2      // most bytes of a piece: kind and number go before it
	CarriedTargets  = 255                                 // sessions that a client can name
	CarriedLossyMax = 1024                                // most bytes of a message that may be sent as UNRELIABLE
	CarriedSendMax  = CarriedPieceMax - 16*CarriedTargets // data that fits whatever else a client says
)

// ErrCarried refuses a message that is not one of a carried match.
var ErrCarried = errors.New("wire: not a message of a carried match")

// CarriedPresence is a sender as CarriedWho tells of it.
type CarriedPresence struct {
	SessionID, UserID [16]byte
	Username          string // at most MaxUsername bytes
}

// AppendWho appends what number stands for, never 0.
//
//	u8 2 · u16 number · session id · user id · username to the end
func AppendWho(dst []byte, number uint16, p *CarriedPresence) []byte {
	dst = append(dst, byte(CarriedWho))
	dst = binary.LittleEndian.AppendUint16(dst, number)
	dst = append(dst, p.SessionID[:]...)
	dst = append(dst, p.UserID[:]...)
	return append(dst, p.Username...)
}

// ParseWho reads the body of a CarriedWho, behind its kind. Error: ErrCarried.
func ParseWho(b []byte) (number uint16, p CarriedPresence, err error) {
	if len(b) < 34 || len(b) > 34+MaxUsername || !utf8.Valid(b[34:]) {
		return 0, p, ErrCarried
	}
	if number = binary.LittleEndian.Uint16(b); number == 0 {
		return 0, p, ErrCarried
	}
	p.SessionID, p.UserID, p.Username = [16]byte(b[2:]), [16]byte(b[18:]), string(b[34:])
	return number, p, nil
}

// AppendDelivery appends the head of match data for a client, kind CarriedData or CarriedLossy; the data is to follow.
//
//	u8 kind · u16 sender, 0: none · op code · data to the end
func AppendDelivery(dst []byte, kind CarriedKind, sender uint16, opCode int64) []byte {
	dst = append(dst, byte(kind))
	dst = binary.LittleEndian.AppendUint16(dst, sender)
	return binary.AppendVarint(dst, opCode)
}

// ParseDelivery reads the body of match data for a client; data is part of b. Error: ErrCarried.
func ParseDelivery(b []byte) (sender uint16, opCode int64, data []byte, err error) {
	if len(b) < 3 {
		return 0, 0, nil, ErrCarried
	}
	opCode, data, err = cutVarint(b[2:])
	return binary.LittleEndian.Uint16(b), opCode, data, err
}

// AppendDataSend appends the head of match data from a client, kind CarriedData or CarriedLossy, for the sessions to, at most
// CarriedTargets; none: for everybody else. The data is to follow.
//
//	u8 kind · op code · u8 count · count × session id · data to the end
func AppendDataSend(dst []byte, kind CarriedKind, opCode int64, to ...[16]byte) []byte {
	dst = append(dst, byte(kind))
	dst = binary.AppendVarint(dst, opCode)
	dst = append(dst, byte(len(to)))
	for _, session := range to {
		dst = append(dst, session[:]...)
	}
	return dst
}

// ParseDataSend reads the body of match data from a client. to is its session ids, one after the other; both are part of b.
// Error: ErrCarried.
func ParseDataSend(b []byte) (opCode int64, to, data []byte, err error) {
	opCode, b, err = cutVarint(b)
	if err != nil || len(b) == 0 || len(b) < 1+16*int(b[0]) {
		return 0, nil, nil, ErrCarried
	}
	end := 1 + 16*int(b[0])
	return opCode, b[1:end], b[end:], nil
}

// cutVarint takes a number in zigzag form off the front: seven bits a byte, lowest first, the eighth says that more follow;
// only the shortest form is one.
func cutVarint(b []byte) (v int64, rest []byte, err error) {
	v, n := binary.Varint(b)
	if n <= 0 || n > 1 && b[n-1] == 0 {
		return 0, nil, ErrCarried
	}
	return v, b[n:], nil
}
