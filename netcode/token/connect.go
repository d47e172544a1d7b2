package token

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	"github.com/skirmishgg/skirmish/protocol/wire"
)

// Connect is a connect token as its client holds it: a secret, good for one connection.
type Connect struct {
	Version   uint16
	Schema    [8]byte // of the match's components and inputs; zero for sessions
	Expiry    uint64  // Unix seconds
	Timeout   time.Duration
	Suite     wire.Suite
	Keys      [2][32]byte // client to server, server to client
	Nonce     [wire.NonceSize]byte
	Private   [wire.PrivateSize]byte
	Addresses []netip.AddrPort // servers in the order to try them, 1 to 32
}

// Options is what Mint needs beside who the player is.
type Options struct {
	Schema    [8]byte
	Expiry    time.Time        // at most wire.TokenLifetime from now, or servers refuse the token
	Addresses []netip.AddrPort // 1 to 32
	Random    io.Reader        // secure, e.g. crypto/rand.Reader: nonce and, when p.Keys is zero, both keys
}

// Mint makes the token that lets p's user connect once. key is the token key of the servers at o.Addresses.
// p.Keys left zero are drawn from o.Random, as they should be; p.Timeout left zero is 10 s, p.Suite left zero is
// ChaCha20-Poly1305, which every client has.
// Errors: p or o breaks a limit, or o.Random failed.
func Mint(key *Key, p Private, o Options) (*Connect, error) {
	if p.Timeout == 0 {
		p.Timeout = wire.DefaultTimeout
	}
	if p.Suite == 0 {
		p.Suite = wire.SuiteChaCha20Poly1305
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	if n := len(o.Addresses); n < 1 || n > wire.MaxAddresses {
		return nil, fmt.Errorf("token: %d server addresses, want 1 to %d", n, wire.MaxAddresses)
	}
	c := &Connect{Version: wire.Version, Schema: o.Schema, Timeout: p.Timeout, Suite: p.Suite}
	for _, a := range o.Addresses {
		if !a.IsValid() || a.Port() == 0 {
			return nil, errors.New("token: a server address is not valid")
		}
		c.Addresses = append(c.Addresses, netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port()))
	}
	if o.Expiry.Unix() <= 0 {
		return nil, errors.New("token: no expiry")
	}
	c.Expiry = uint64(o.Expiry.Unix())
	if p.Keys == [2][32]byte{} {
		for i := range p.Keys {
			if _, err := io.ReadFull(o.Random, p.Keys[i][:]); err != nil {
				return nil, fmt.Errorf("token: draw a key: %w", err)
			}
		}
	}
	if _, err := io.ReadFull(o.Random, c.Nonce[:]); err != nil {
		return nil, fmt.Errorf("token: draw a nonce: %w", err)
	}
	c.Keys = p.Keys
	c.Private = sealPrivate(key, &p, c.Version, c.Schema, c.Expiry, c.Nonce)
	return c, nil
}

// Expired reports whether servers refuse the token by now.
func (c *Connect) Expired(now time.Time) bool { return now.Unix() >= int64(c.Expiry) }

// Marshal is the token as bytes.
//
//	u16 version · 8 B schema · u64 expiry · u16 timeout in ms · u8 suite · 32 B key c2s · 32 B key s2c ·
//	24 B nonce · 768 B private · u8 count · count × (u8 4 · 4 B · u16 port, or u8 6 · 16 B · u16 port)
func (c *Connect) Marshal() []byte {
	b := make([]byte, 0, connectFixed+len(c.Addresses)*19)
	b = binary.LittleEndian.AppendUint16(b, c.Version)
	b = append(b, c.Schema[:]...)
	b = binary.LittleEndian.AppendUint64(b, c.Expiry)
	b = binary.LittleEndian.AppendUint16(b, uint16(c.Timeout/time.Millisecond))
	b = append(b, byte(c.Suite))
	b = append(b, c.Keys[0][:]...)
	b = append(b, c.Keys[1][:]...)
	b = append(b, c.Nonce[:]...)
	b = append(b, c.Private[:]...)
	b = append(b, byte(len(c.Addresses)))
	for _, a := range c.Addresses {
		b = appendAddress(b, a)
	}
	return b
}

// Text is the token as base64url without padding: one word for a JSON field or a command line.
func (c *Connect) Text() string { return base64.RawURLEncoding.EncodeToString(c.Marshal()) }

const connectFixed = 2 + 8 + 8 + 2 + 1 + 64 + wire.NonceSize + wire.PrivateSize + 1

// Parse reads what Marshal wrote. There is one encoding of a token: Parse refuses every other.
// Errors: ErrVersion, ErrMalformed.
func Parse(b []byte) (*Connect, error) {
	r := reader{b: b}
	c := &Connect{Version: r.u16()}
	if !r.bad && c.Version != wire.Version {
		return nil, ErrVersion
	}
	r.take(c.Schema[:])
	c.Expiry = r.u64()
	c.Timeout = time.Duration(r.u16()) * time.Millisecond
	c.Suite = wire.Suite(r.u8())
	r.take(c.Keys[0][:])
	r.take(c.Keys[1][:])
	r.take(c.Nonce[:])
	r.take(c.Private[:])
	n := int(r.u8())
	if n < 1 || n > wire.MaxAddresses {
		return nil, ErrMalformed
	}
	for range n {
		c.Addresses = append(c.Addresses, r.address())
	}
	p := Private{Suite: c.Suite, Timeout: c.Timeout}
	if r.bad || len(r.b) != 0 || p.check() != nil {
		return nil, ErrMalformed
	}
	return c, nil
}

// ParseText reads what Text wrote.
func ParseText(s string) (*Connect, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil {
		return nil, ErrMalformed
	}
	return Parse(b)
}

func appendAddress(b []byte, a netip.AddrPort) []byte {
	if a.Addr().Is4() {
		ip := a.Addr().As4()
		b = append(append(b, 4), ip[:]...)
	} else {
		ip := a.Addr().As16()
		b = append(append(b, 6), ip[:]...)
	}
	return binary.LittleEndian.AppendUint16(b, a.Port())
}

func (r *reader) address() netip.AddrPort {
	var ip netip.Addr
	switch r.u8() {
	case 4:
		var a [4]byte
		r.take(a[:])
		ip = netip.AddrFrom4(a)
	case 6:
		var a [16]byte
		r.take(a[:])
		ip = netip.AddrFrom16(a)
		r.bad = r.bad || ip.Is4In6() // has a shorter form
	default:
		r.bad = true
	}
	port := r.u16()
	r.bad = r.bad || port == 0
	return netip.AddrPortFrom(ip, port)
}
