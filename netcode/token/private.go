package token

import (
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/skirmishgg/skirmish/netcode/seal"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// Key is a server's secret: whoever holds the token key can vouch for players.
type Key [32]byte

// Refusals of Open, Parse and OpenTicket. They say which rule was broken, never what a token contains.
var (
	ErrForged    = errors.New("token: does not open under this key")
	ErrMalformed = errors.New("token: opens, but breaks the format")
	ErrVersion   = errors.New("token: another major version of the protocol")
)

// Private is what a token tells the server, sealed under the server's token key.
type Private struct {
	ServerID   [8]byte  // the server, or group of servers with one key, that may accept the token
	UserID     [16]byte // who
	SessionID  [16]byte // of the session that asked for the token; zero when there is none
	MatchID    [16]byte // which match; zero: a service session
	Shard      uint8    // 1..N: where the match lives, a hint; 0: unknown
	Suite      wire.Suite
	Timeout    time.Duration // of silence until the connection is given up; whole milliseconds, 100 ms to 65,535 ms
	Keys       [2][32]byte   // client to server, server to client
	VarsDigest [32]byte      // SHA-256 of the session's variables; zero when it has none
	Username   string        // at most 128 bytes of UTF-8
	GameData   []byte        // at most 256 bytes for the game's Join
}

// Session reports whether the token opens a service session rather than a place in a match.
func (p *Private) Session() bool { return p.MatchID == [16]byte{} }

// The private part: 752 B of plaintext, 16 B of tag.
//
//	  0  8 B server id · 16 B user id · 16 B session id · 16 B match id
//	 56  u8 shard · u8 suite · u16 timeout in ms
//	 60  32 B key client to server · 32 B key server to client
//	124  32 B vars digest
//	156  u8 length · username
//	  …  u16 length · game data
//	  …  zeros
const privatePlain = wire.PrivateSize - wire.TagSize

// Timeouts a token may ask for.
const (
	TimeoutMin = 100 * time.Millisecond
	TimeoutMax = 65535 * time.Millisecond
)

func (p *Private) check() error {
	switch {
	case len(p.Username) > wire.MaxUsername || !utf8.ValidString(p.Username):
		return errors.New("token: username is not at most 128 bytes of UTF-8")
	case len(p.GameData) > wire.MaxGameData:
		return errors.New("token: more than 256 bytes of game data")
	case !seal.Valid(p.Suite):
		return errors.New("token: unknown cipher suite")
	case p.Timeout < TimeoutMin || p.Timeout > TimeoutMax:
		return errors.New("token: timeout is not between 100 and 65,535 ms")
	}
	return nil
}

func (p *Private) marshal() []byte {
	b := make([]byte, 0, privatePlain)
	b = append(b, p.ServerID[:]...)
	b = append(b, p.UserID[:]...)
	b = append(b, p.SessionID[:]...)
	b = append(b, p.MatchID[:]...)
	b = append(b, p.Shard, byte(p.Suite))
	b = binary.LittleEndian.AppendUint16(b, uint16(p.Timeout/time.Millisecond))
	b = append(b, p.Keys[0][:]...)
	b = append(b, p.Keys[1][:]...)
	b = append(b, p.VarsDigest[:]...)
	b = append(b, byte(len(p.Username)))
	b = append(b, p.Username...)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(p.GameData)))
	b = append(b, p.GameData...)
	return b[:privatePlain]
}

func (p *Private) unmarshal(b []byte) error {
	r := reader{b: b}
	r.take(p.ServerID[:])
	r.take(p.UserID[:])
	r.take(p.SessionID[:])
	r.take(p.MatchID[:])
	p.Shard = r.u8()
	p.Suite = wire.Suite(r.u8())
	p.Timeout = time.Duration(r.u16()) * time.Millisecond
	r.take(p.Keys[0][:])
	r.take(p.Keys[1][:])
	r.take(p.VarsDigest[:])
	p.Username = string(r.next(int(r.u8())))
	if data := r.next(int(r.u16())); len(data) > 0 {
		p.GameData = append([]byte(nil), data...)
	}
	if r.bad || !zeros(r.b) || p.check() != nil {
		return ErrMalformed
	}
	return nil
}

// sealPrivate seals p for the server. version, schema and expiry travel beside it in the open and are authenticated.
func sealPrivate(key *Key, p *Private, version uint16, schema [8]byte, expiry uint64, nonce [wire.NonceSize]byte) (out [wire.PrivateSize]byte) {
	aead, err := chacha20poly1305.NewX(key[:])
	if err != nil {
		panic("token: " + err.Error()) // only a key of another length
	}
	aead.Seal(out[:0], nonce[:], p.marshal(), privateAAD(nil, version, schema, expiry))
	return out
}

// Opener opens private parts with one token key. What does not open costs no allocation: it is the first thing that a
// flood of made-up requests meets. Not for concurrent use.
type Opener struct {
	aead  cipher.AEAD
	plain [privatePlain]byte
	aad   [privateAADSize]byte
}

// NewOpener makes an opener for tokens minted with key.
func NewOpener(key *Key) *Opener {
	aead, err := chacha20poly1305.NewX(key[:])
	if err != nil {
		panic("token: " + err.Error())
	}
	return &Opener{aead: aead}
}

// Open opens the private part of a token; version, schema, expiry (Unix seconds) and nonce are those that came with it.
// Whether the token has expired or was used is the caller's to decide.
// Errors: ErrForged, ErrMalformed (a holder of the key broke the format).
func (o *Opener) Open(version uint16, schema [8]byte, expiry uint64, nonce, private []byte) (p Private, err error) {
	if len(nonce) != wire.NonceSize || len(private) != wire.PrivateSize {
		return Private{}, ErrForged
	}
	plain, err := o.aead.Open(o.plain[:0], nonce, private, privateAAD(o.aad[:0], version, schema, expiry))
	if err != nil {
		return Private{}, ErrForged
	}
	if err := p.unmarshal(plain); err != nil {
		return Private{}, err
	}
	return p, nil
}

// Open opens one private part, see Opener.
func Open(key *Key, version uint16, schema [8]byte, expiry uint64, nonce, private []byte) (Private, error) {
	return NewOpener(key).Open(version, schema, expiry, nonce, private)
}

const privateAADSize = len(privateLabel) + 2 + 8 + 8

const privateLabel = "skirmish token"

// privateAAD is what a private part authenticates beside itself: label · u16 version · 8 B schema · u64 expiry.
func privateAAD(b []byte, version uint16, schema [8]byte, expiry uint64) []byte {
	b = append(b, privateLabel...)
	b = binary.LittleEndian.AppendUint16(b, version)
	b = append(b, schema[:]...)
	return binary.LittleEndian.AppendUint64(b, expiry)
}
