package handshake

import (
	"encoding/binary"
	"time"

	"github.com/skirmishgg/skirmish/netcode/seal"
	"github.com/skirmishgg/skirmish/netcode/token"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// Accept is what a server tells a client whose connection begins, in ACCEPT and in RESUMED.
type Accept struct {
	CID        uint32 // its low byte names the socket that owns the connection
	TickRate   uint16 // Hz, 1 to 256; 0: a service session
	ServerTick uint32
	MaxPayload uint16 // UDP payload the server takes and sends, 512 to 1,200
	Timeout    time.Duration
	ResetToken [wire.ResetTokenSize]byte
	Secret     [32]byte // proves the right to Ticket
	Ticket     []byte   // for RESUME; opaque to the client, at most wire.TicketMax bytes
}

const (
	acceptHeader  = 1 + 4
	resumedHeader = 1 + wire.RandomSize + 4
	acceptFixed   = 4 + 2 + 4 + 2 + 2 + wire.ResetTokenSize
)

// AppendAccept appends the plaintext of ACCEPT and RESUMED.
//
//	u32 CID · u16 tick rate · u32 server tick · u16 max payload · u16 timeout in ms · 16 B reset token ·
//	32 B resume secret · length · ticket
func AppendAccept(dst []byte, a *Accept) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, a.CID)
	dst = binary.LittleEndian.AppendUint16(dst, a.TickRate)
	dst = binary.LittleEndian.AppendUint32(dst, a.ServerTick)
	dst = binary.LittleEndian.AppendUint16(dst, a.MaxPayload)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(a.Timeout/time.Millisecond))
	dst = append(dst, a.ResetToken[:]...)
	return AppendTicket(dst, &a.Secret, a.Ticket)
}

// ParseAccept reads what AppendAccept wrote. The ticket is a copy. ok is false when anything is out of its range.
func ParseAccept(b []byte) (a Accept, ok bool) {
	if len(b) < acceptFixed {
		return Accept{}, false
	}
	a.CID = binary.LittleEndian.Uint32(b)
	a.TickRate = binary.LittleEndian.Uint16(b[4:])
	a.ServerTick = binary.LittleEndian.Uint32(b[6:])
	a.MaxPayload = binary.LittleEndian.Uint16(b[10:])
	a.Timeout = time.Duration(binary.LittleEndian.Uint16(b[12:])) * time.Millisecond
	copy(a.ResetToken[:], b[14:])
	secret, ticket, rest, ok := CutTicket(b[acceptFixed:])
	if !ok || len(rest) != 0 || a.TickRate > 256 || a.MaxPayload < 512 || a.MaxPayload > wire.MaxDatagram || a.Timeout < token.TimeoutMin {
		return Accept{}, false
	}
	a.Secret, a.Ticket = secret, append([]byte(nil), ticket...)
	return a, true
}

// AppendTicket appends a resume ticket as it travels inside the seal, here and in the TICKET frame.
//
//	32 B resume secret · length · ticket
func AppendTicket(dst []byte, secret *[32]byte, ticket []byte) []byte {
	dst = append(dst, secret[:]...)
	return append(appendLength(dst, len(ticket)), ticket...)
}

// CutTicket takes what AppendTicket wrote off the front of b. ticket is part of b.
func CutTicket(b []byte) (secret [32]byte, ticket, rest []byte, ok bool) {
	if len(b) < len(secret) {
		return secret, nil, nil, false
	}
	copy(secret[:], b)
	ticket, rest, ok = cutLength(b[len(secret):])
	if !ok || len(ticket) == 0 || len(ticket) > wire.TicketMax {
		return secret, nil, nil, false
	}
	return secret, ticket, rest, true
}

// SealAccept builds ACCEPT in out: a packet of the new connection, under the peer's next packet number pn, which at this
// point still fits 32 bits. The same RESPONSE again is answered by another ACCEPT with another number.
//
//	u8 form · u32 packet number · sealed { AppendAccept } · 16 B tag
func SealAccept(out []byte, s *seal.Sealer, pn uint64, a *Accept) []byte {
	out = append(out[:0], byte(wire.FormAccept))
	out = binary.LittleEndian.AppendUint32(out, uint32(pn))
	return s.Seal(grow(AppendAccept(out, a)), acceptHeader, pn)
}

// OpenAccept opens ACCEPT with the opener of the connection it begins. pkt is spoiled.
func OpenAccept(pkt []byte, o *seal.Opener) (a Accept, pn uint64, ok bool) {
	if len(pkt) < acceptHeader || pkt[0] != byte(wire.FormAccept) {
		return Accept{}, 0, false
	}
	pn = uint64(binary.LittleEndian.Uint32(pkt[1:]))
	plain, ok := o.Open(pkt, acceptHeader, pn)
	if !ok {
		return Accept{}, 0, false
	}
	a, ok = ParseAccept(plain)
	return a, pn, ok
}

// grow makes sure that a tag fits behind b.
func grow(b []byte) []byte {
	if cap(b)-len(b) >= wire.TagSize {
		return b
	}
	return append(b, make([]byte, wire.TagSize)...)[:len(b)]
}
