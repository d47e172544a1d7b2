package handshake

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"hash"
	"net/netip"
	"time"

	"github.com/skirmishgg/skirmish/protocol/wire"
)

// ResetToken is what a server that no longer knows a connection can still say to its client, and nobody else can:
// HMAC-SHA256(reset key, CID ‖ client IP), the first 16 bytes. The key outlives the process.
func ResetToken(key *[32]byte, cid uint32, ip netip.Addr) [wire.ResetTokenSize]byte {
	h := hmac.New(sha256.New, key[:])
	var in [4 + 16]byte
	return resetToken(h, &in, cid, ip, nil)
}

func resetToken(h hash.Hash, in *[4 + 16]byte, cid uint32, ip netip.Addr, buf []byte) [wire.ResetTokenSize]byte {
	binary.LittleEndian.PutUint32(in[:], cid)
	a := ip.As16()
	copy(in[4:], a[:])
	h.Write(in[:])
	return [wire.ResetTokenSize]byte(h.Sum(buf[:0]))
}

// IsReset reports whether pkt is the stateless reset of a connection that was given token.
func IsReset(pkt []byte, token *[wire.ResetTokenSize]byte) bool {
	return len(pkt) == wire.ResetSize && pkt[0] == byte(wire.FormReset) && subtle.ConstantTimeCompare(pkt[1:], token[:]) == 1
}

// ResetCounters says what a Resetter did with datagrams for connections that nobody knows.
type ResetCounters struct {
	Sent    uint64
	NotData uint64 // not a data datagram, or not larger than its answer would be
	Limited uint64 // this source was answered a moment ago
	Full    uint64 // table of sources is full: the limit on all sources together
}

// Resetter answers data datagrams that belong to no connection. One a socket, owned by its goroutine; allocates nothing.
//
// A source (an IPv4 address, an IPv6 /64) gets one answer per interval. Who was answered is kept in 64 sets of 4 places
// that are free again after the interval (100 ms times the number of sockets), so all sources together get at most 2,560
// answers a second from all sockets, whatever a flood makes up: about 1 % of a core in HMAC (0.2 µs) and sends (3 µs).
// The set is found by a keyed hash.
type Resetter struct {
	Counters ResetCounters

	// constant after NewResetter
	interval time.Duration
	sip      [2]uint64

	mac   hash.Hash
	in    [4 + 16]byte
	sum   [sha256.Size]byte
	table [resetSets][resetWays]answered
}

const (
	resetSets = 64
	resetWays = 4
)

type answered struct {
	source uint64        // hash
	until  time.Duration // no other answer before this; the place is free from then on
}

// NewResetter makes the resetter of one socket. key is the server's reset key, seed a random number, sockets how many
// sockets answer on the same port: they share the limit per source evenly.
func NewResetter(key *[32]byte, seed [16]byte, sockets int) *Resetter {
	return &Resetter{
		interval: time.Second / wire.ResetsPerSecond * time.Duration(max(sockets, 1)),
		sip:      [2]uint64{binary.LittleEndian.Uint64(seed[:]), binary.LittleEndian.Uint64(seed[8:])},
		mac:      hmac.New(sha256.New, key[:]),
	}
}

// Reply answers a datagram whose CID nobody knows: 17 bytes built in out, or nil.
//
//	u8 0xC0 · 16 B reset token
func (r *Resetter) Reply(pkt []byte, from netip.AddrPort, now time.Duration, out []byte) []byte {
	if len(pkt) < wire.MinClientData || !wire.IsData(pkt[0]) {
		r.Counters.NotData++
		return nil
	}
	if !r.admit(from.Addr(), now) {
		return nil
	}
	r.mac.Reset()
	token := resetToken(r.mac, &r.in, binary.LittleEndian.Uint32(pkt[1:]), from.Addr(), r.sum[:])
	r.Counters.Sent++
	return append(append(out[:0], byte(wire.FormReset)), token[:]...)
}

func (r *Resetter) admit(ip netip.Addr, now time.Duration) bool {
	a := ip.As16()
	n := len(a)
	if !ip.Unmap().Is4() {
		n = 8 // whoever has one IPv6 address has 2^64
	}
	source := siphash(r.sip[0], r.sip[1], a[:n])
	set := &r.table[source%resetSets]
	var free *answered
	for i := range set {
		switch p := &set[i]; {
		case p.until <= now:
			free = p
		case p.source == source:
			r.Counters.Limited++
			return false
		}
	}
	if free == nil {
		r.Counters.Full++
		return false
	}
	*free = answered{source, now + r.interval}
	return true
}
