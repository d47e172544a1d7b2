package codec

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"unicode/utf8"

	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// Most of all messages are the data of matches, and package proto takes longer over one than everything else that is done
// with it. So their protobuf is read and written by hand: the same bytes, field by field, or nothing at all.

// Fields of rtapi.Envelope.
const (
	matchDataField     protowire.Number = 14
	matchDataSendField protowire.Number = 15
)

// gameData is what a client's match data needs, in one allocation.
type gameData struct {
	field   rtapi.Envelope_MatchDataSend
	message rtapi.MatchDataSend
}

// decodeGameData reads an envelope that is a plain match_data_send. It answers false for everything else, and for what
// package proto would refuse. m is reset when it answers true.
func decodeGameData(data []byte, m proto.Message) bool {
	e, ok := m.(*rtapi.Envelope)
	if !ok {
		return false
	}
	content, ok := onlyField(data, matchDataSendField)
	if !ok {
		return false
	}
	g := &gameData{}
	if !decodeMatchDataSend(content, &g.message) {
		return false
	}
	g.field.MatchDataSend = &g.message
	e.Reset()
	e.Message = &g.field
	return true
}

// DecodeMatchDataSend reads the protobuf of an envelope that is a match_data_send, has no cid and names no receivers, and
// answers false for everything else: Decode then says what it is. The content of m is undefined after that; otherwise it
// is as after Decode, its Data is new, and a MatchId that m had already is kept rather than made again.
func DecodeMatchDataSend(data []byte, m *rtapi.MatchDataSend) bool {
	content, ok := onlyField(data, matchDataSendField)
	return ok && decodeMatchDataSend(content, m)
}

func decodeMatchDataSend(b []byte, m *rtapi.MatchDataSend) bool {
	named := false
	m.OpCode, m.Data, m.Presences, m.Reliable = 0, nil, nil, false
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return false
		}
		b = b[n:]
		switch {
		case kind == protowire.BytesType && (number == 1 || number == 3):
			v, n := protowire.ConsumeBytes(b)
			if n < 0 {
				return false
			}
			b = b[n:]
			switch {
			case number == 3:
				m.Data = append([]byte(nil), v...)
			case !utf8.Valid(v):
				return false
			default:
				named = true
				if m.MatchId != string(v) {
					m.MatchId = string(v)
				}
			}
		case kind == protowire.VarintType && (number == 2 || number == 5):
			v, n := protowire.ConsumeVarint(b)
			if n < 0 {
				return false
			}
			b = b[n:]
			if number == 2 {
				m.OpCode = int64(v)
			} else {
				m.Reliable = v != 0
			}
		default:
			return false
		}
	}
	if !named {
		m.MatchId = ""
	}
	return true
}

// onlyField is the content of a message field when data is that field and nothing else.
func onlyField(data []byte, field protowire.Number) (content []byte, ok bool) {
	number, kind, n := protowire.ConsumeTag(data)
	if n < 0 || number != field || kind != protowire.BytesType {
		return nil, false
	}
	content, size := protowire.ConsumeBytes(data[n:])
	return content, size == len(data)-n
}

// appendGameData writes an envelope of one match_data. It answers false for everything else, and for what package proto
// would refuse. Messages have no unknown fields here: see protobufIn.
func appendGameData(dst []byte, m proto.Message) (out []byte, ok bool) {
	e, ok := m.(*rtapi.Envelope)
	if !ok || e == nil || e.Cid != "" {
		return dst, false
	}
	field, ok := e.Message.(*rtapi.Envelope_MatchData)
	if !ok || field == nil || field.MatchData == nil {
		return dst, false
	}
	d := field.MatchData
	p := d.Presence
	if !utf8.ValidString(d.MatchId) || p != nil && (p.Status != nil || !utf8.ValidString(p.UserId) || !utf8.ValidString(p.SessionId) || !utf8.ValidString(p.Username)) {
		return dst, false
	}
	presence := 0
	size := sizeText(len(d.MatchId)) + sizeText(len(d.Data)) + sizeVarint(uint64(d.OpCode)) + sizeBool(d.Reliable)
	if p != nil {
		presence = sizeText(len(p.UserId)) + sizeText(len(p.SessionId)) + sizeText(len(p.Username)) + sizeBool(p.Persistence)
		size += 1 + sizeLength(presence) + presence
	}
	if room := 1 + sizeLength(size) + size; dst == nil {
		dst = make([]byte, 0, room)
	} else {
		dst = slices.Grow(dst, room)
	}
	dst = binary.AppendUvarint(append(dst, tag(matchDataField, protowire.BytesType)), uint64(size))
	dst = appendText(dst, 1, d.MatchId)
	if p != nil {
		dst = binary.AppendUvarint(append(dst, tag(2, protowire.BytesType)), uint64(presence))
		dst = appendText(dst, 1, p.UserId)
		dst = appendText(dst, 2, p.SessionId)
		dst = appendText(dst, 3, p.Username)
		dst = appendBool(dst, 4, p.Persistence)
	}
	if d.OpCode != 0 {
		dst = binary.AppendUvarint(append(dst, tag(3, protowire.VarintType)), uint64(d.OpCode))
	}
	dst = appendText(dst, 4, d.Data)
	return appendBool(dst, 5, d.Reliable), true
}

// tag is a field's tag, whose number is below 16.
func tag(field protowire.Number, kind protowire.Type) byte { return byte(field)<<3 | byte(kind) }

func appendText[T string | []byte](dst []byte, field protowire.Number, v T) []byte {
	if len(v) == 0 {
		return dst
	}
	return append(binary.AppendUvarint(append(dst, tag(field, protowire.BytesType)), uint64(len(v))), v...)
}

func appendBool(dst []byte, field protowire.Number, v bool) []byte {
	if !v {
		return dst
	}
	return append(dst, tag(field, protowire.VarintType), 1)
}

// The sizes of fields, with their tags; what has its zero value is left out.

func sizeText(n int) int {
	if n == 0 {
		return 0
	}
	return 1 + sizeLength(n) + n
}

func sizeVarint(v uint64) int {
	if v == 0 {
		return 0
	}
	return 1 + (bits.Len64(v)+6)/7
}

func sizeBool(v bool) int {
	if !v {
		return 0
	}
	return 2
}

// sizeLength is the size of a length itself.
func sizeLength(n int) int { return (bits.Len64(uint64(n)|1) + 6) / 7 }
