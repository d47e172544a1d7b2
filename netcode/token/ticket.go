package token

import (
	"crypto/cipher"
	"encoding/binary"
	"time"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/skirmishgg/skirmish/netcode/seal"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// Ticket is what a server must know to take a connection up again. Sealed under the server's ticket key it is kept by
// the client, together with Secret, which reaches the client only inside the seal.
type Ticket struct {
	CID       uint32 // connection it belongs to; its low byte names the socket
	Seq       uint32 // counts up over a connection's tickets; one that was used, and all before it, are void
	Secret    [32]byte
	Schema    [8]byte
	Suite     wire.Suite
	UserID    [16]byte
	MatchID   [16]byte
	SessionID [16]byte  // zero when the connect token had none
	Issued    time.Time // whole milliseconds
}

// Expired reports whether the ticket is older than wire.TicketLifetime, or from the future by more than that, which
// only a clock that was set back explains.
func (t *Ticket) Expired(now time.Time) bool {
	age := now.Sub(t.Issued)
	return age >= wire.TicketLifetime || age < -wire.TicketLifetime
}

const ticketPlain = wire.TicketSize - wire.NonceSize - wire.TagSize

var ticketAAD = binary.LittleEndian.AppendUint16([]byte("skirmish ticket"), wire.Version)

// Tickets seals and opens tickets with one ticket key. What does not open costs no allocation: shards open what
// strangers send. Not for concurrent use.
type Tickets struct {
	aead  cipher.AEAD
	plain [ticketPlain]byte
}

// NewTickets uses the server's ticket key, which outlives the process.
func NewTickets(key *Key) *Tickets {
	aead, err := chacha20poly1305.NewX(key[:])
	if err != nil {
		panic("token: " + err.Error())
	}
	return &Tickets{aead: aead}
}

// Seal appends the sealed ticket to dst: wire.TicketSize bytes. nonce must come from a secure random source. Allocates
// nothing when dst has room.
//
//	24 B nonce · sealed { u32 CID · u32 seq · 32 B secret · 8 B schema · u8 suite · 16 B user id · 16 B match id ·
//	16 B session id · u64 issued, Unix ms } · 16 B tag
func (k *Tickets) Seal(dst []byte, t *Ticket, nonce [wire.NonceSize]byte) []byte {
	b := binary.LittleEndian.AppendUint32(k.plain[:0], t.CID)
	b = binary.LittleEndian.AppendUint32(b, t.Seq)
	b = append(b, t.Secret[:]...)
	b = append(b, t.Schema[:]...)
	b = append(b, byte(t.Suite))
	b = append(b, t.UserID[:]...)
	b = append(b, t.MatchID[:]...)
	b = append(b, t.SessionID[:]...)
	b = binary.LittleEndian.AppendUint64(b, uint64(t.Issued.UnixMilli()))
	dst = append(dst, nonce[:]...)
	return k.aead.Seal(dst, dst[len(dst)-len(nonce):], b, ticketAAD)
}

// Open opens what Seal sealed. Age and sequence are the caller's to judge.
// Errors: ErrForged, ErrMalformed.
func (k *Tickets) Open(b []byte) (t Ticket, err error) {
	if len(b) != wire.TicketSize {
		return Ticket{}, ErrForged
	}
	plain, err := k.aead.Open(k.plain[:0], b[:wire.NonceSize], b[wire.NonceSize:], ticketAAD)
	if err != nil {
		return Ticket{}, ErrForged
	}
	r := reader{b: plain}
	t.CID = r.u32()
	t.Seq = r.u32()
	r.take(t.Secret[:])
	r.take(t.Schema[:])
	t.Suite = wire.Suite(r.u8())
	r.take(t.UserID[:])
	r.take(t.MatchID[:])
	r.take(t.SessionID[:])
	t.Issued = time.UnixMilli(int64(r.u64()))
	if r.bad || len(r.b) != 0 || !seal.Valid(t.Suite) {
		return Ticket{}, ErrMalformed
	}
	return t, nil
}

// SealTicket seals one ticket, see Tickets.
func SealTicket(dst []byte, key *Key, t *Ticket, nonce [wire.NonceSize]byte) []byte {
	return NewTickets(key).Seal(dst, t, nonce)
}

// OpenTicket opens one ticket, see Tickets.
func OpenTicket(key *Key, b []byte) (Ticket, error) { return NewTickets(key).Open(b) }
