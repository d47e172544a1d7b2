package handshake

import (
	"crypto/cipher"
	"encoding/binary"
	"io"
	"net/netip"
	"time"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/skirmishgg/skirmish/protocol/wire"
)

// cookies seals what a server must remember between CHALLENGE and RESPONSE. The key is drawn at start and dies with the
// process: no other server, and no later life of this one, takes these cookies, so times may be monotonic.
type cookies struct {
	aead  cipher.AEAD
	plain [cookiePlain]byte // scratch
}

// cookie is what the server remembers.
//
//	24 B nonce · sealed { 16 B IP, IPv4 mapped · u16 port · 24 B token nonce · 16 B server random ·
//	u64 time in ms } · 16 B tag
type cookie struct {
	from         netip.AddrPort
	tokenNonce   [wire.NonceSize]byte
	serverRandom [wire.RandomSize]byte
	at           time.Duration
}

const cookiePlain = wire.CookieSize - wire.NonceSize - wire.TagSize

func newCookies(random io.Reader) *cookies {
	var key [32]byte
	draw(random, key[:])
	aead, err := chacha20poly1305.NewX(key[:])
	if err != nil {
		panic("handshake: " + err.Error()) // only a key of another length
	}
	return &cookies{aead: aead}
}

func (s *cookies) seal(dst []byte, random io.Reader, c *cookie) []byte {
	ip := c.from.Addr().As16()
	b := append(s.plain[:0], ip[:]...)
	b = binary.LittleEndian.AppendUint16(b, c.from.Port())
	b = append(b, c.tokenNonce[:]...)
	b = append(b, c.serverRandom[:]...)
	b = binary.LittleEndian.AppendUint64(b, uint64(c.at/time.Millisecond))
	var nonce [wire.NonceSize]byte
	draw(random, nonce[:])
	return s.aead.Seal(append(dst, nonce[:]...), nonce[:], b, nil)
}

func (s *cookies) open(b []byte) (c cookie, ok bool) {
	if len(b) != wire.CookieSize {
		return cookie{}, false
	}
	plain, err := s.aead.Open(s.plain[:0], b[:wire.NonceSize], b[wire.NonceSize:], nil)
	if err != nil {
		return cookie{}, false
	}
	c.from = netip.AddrPortFrom(netip.AddrFrom16([16]byte(plain)).Unmap(), binary.LittleEndian.Uint16(plain[16:]))
	copy(c.tokenNonce[:], plain[18:])
	copy(c.serverRandom[:], plain[42:])
	c.at = time.Duration(binary.LittleEndian.Uint64(plain[58:])) * time.Millisecond
	return c, true
}
