package handshake

import (
	"encoding/binary"
	"io"
	"net/netip"

	"github.com/skirmishgg/skirmish/netcode/seal"
	"github.com/skirmishgg/skirmish/netcode/token"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// head is what REQUEST and RESPONSE share. Slices point into the datagram.
//
//	  0  u8 form · u8 0 (steering: the control loop)
//	  2  u16 version · 8 B schema hash · u64 expiry, Unix seconds
//	 20  24 B token nonce
//	 44  768 B private half of the token
//	812
type head struct {
	version uint16
	schema  [8]byte
	expiry  uint64
	nonce   []byte
	private []byte
}

func parseHead(pkt []byte) head {
	h := head{
		version: binary.LittleEndian.Uint16(pkt[2:]),
		expiry:  binary.LittleEndian.Uint64(pkt[12:]),
		nonce:   pkt[20:44],
		private: pkt[44:wire.RequestHead],
	}
	copy(h.schema[:], pkt[4:12])
	return h
}

func appendHead(dst []byte, form wire.Form, c *token.Connect) []byte {
	dst = append(dst, byte(form), 0)
	dst = binary.LittleEndian.AppendUint16(dst, c.Version)
	dst = append(dst, c.Schema[:]...)
	dst = binary.LittleEndian.AppendUint64(dst, c.Expiry)
	dst = append(dst, c.Nonce[:]...)
	return append(dst, c.Private[:]...)
}

// Where RESPONSE goes on after its head: 106 B cookie · box { 16 B client random } · zeros to 1,200.
const (
	responseBox = wire.RequestHead + wire.CookieSize
	responseEnd = responseBox + wire.BoxOverhead + wire.RandomSize
)

// appendBox appends a box that authenticates all of dst before it: a handshake datagram is its plain bytes and a box
// over them.
func appendBox(dst []byte, suite wire.Suite, key *[32]byte, random io.Reader, plaintext []byte) []byte {
	var salt [wire.SaltSize]byte
	draw(random, salt[:])
	return seal.Box(dst, suite, key, salt, plaintext, dst)
}

// openBox opens the box that pkt ends in from offset at.
func openBox(pkt []byte, at int, suite wire.Suite, key *[32]byte) (plaintext []byte, ok bool) {
	if len(pkt) < at {
		return nil, false
	}
	return seal.OpenBox(nil, suite, key, pkt[at:], pkt[:at])
}

// appendDenyPlain appends the one refusal that needs no token: u8 form · u8 0 · u8 reason.
func appendDenyPlain(dst []byte, reason wire.Deny) []byte {
	return append(dst, byte(wire.FormDeny), 0, byte(reason))
}

// appendDeny appends a refusal that only the holder of key can read: u8 form · u8 1 · box { u8 reason }.
func appendDeny(dst []byte, suite wire.Suite, key *[32]byte, random io.Reader, reason wire.Deny) []byte {
	return appendBox(append(dst, byte(wire.FormDeny), 1), suite, key, random, []byte{byte(reason)})
}

// openDeny is the reason of a sealed DENY.
func openDeny(pkt []byte, suite wire.Suite, key *[32]byte) (reason wire.Deny, ok bool) {
	if len(pkt) != wire.DenySize || pkt[1] != 1 {
		return 0, false
	}
	plain, ok := openBox(pkt, 2, suite, key)
	if !ok || plain[0] == 0 {
		return 0, false
	}
	return wire.Deny(plain[0]), true
}

// appendLength appends a length: one byte below 128, else two, the high seven bits first.
func appendLength(dst []byte, n int) []byte {
	if n < 0x80 {
		return append(dst, byte(n))
	}
	return append(dst, 0x80|byte(n>>8), byte(n))
}

// cutLength takes a length and that many bytes off the front of b. A long form where the short one would do is refused.
func cutLength(b []byte) (body, rest []byte, ok bool) {
	if len(b) < 1 {
		return nil, nil, false
	}
	n, size := int(b[0]), 1
	if n >= 0x80 {
		if len(b) < 2 {
			return nil, nil, false
		}
		n, size = (n&0x7F)<<8|int(b[1]), 2
		if n < 0x80 {
			return nil, nil, false
		}
	}
	if n > len(b)-size {
		return nil, nil, false
	}
	return b[size : size+n], b[size+n:], true
}

// pad fills dst with zeros up to the size of a request.
func pad(dst []byte) []byte {
	return append(dst, make([]byte, wire.RequestSize-len(dst))...)
}

func zeros(b []byte) bool {
	var or byte
	for _, x := range b {
		or |= x
	}
	return or == 0
}

// draw fills b. A random source that fails leaves nothing safe to do.
func draw(random io.Reader, b []byte) {
	if _, err := io.ReadFull(random, b); err != nil {
		panic("handshake: random source: " + err.Error())
	}
}

// same reports whether two addresses are the same place; IPv4 counts as equal in either notation.
func same(a, b netip.AddrPort) bool {
	return a.Port() == b.Port() && a.Addr().Unmap() == b.Addr().Unmap()
}
