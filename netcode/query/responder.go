package query

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"io"
	"net/netip"
	"time"

	"github.com/skirmishgg/skirmish/protocol/wire"
)

// Config is what a Responder is made of. The rates are answers a second and network; zero takes the default.
type Config struct {
	Random io.Reader // secure; 32 bytes are drawn from it, once

	Rate  int // default 50: a LAN's worth of browsers refreshing, 450 B/s to a network somebody else pretends to be
	Burst int // default 200: everybody in the hall opens the server list at once
	Total int // all networks together, default 5,000: about 2 % of a core in sends
}

// Counters counts what a Responder did with each datagram. Every datagram given to Handle is in exactly one of them.
type Counters struct {
	Challenged uint64 // asked without a challenge, or with an old or foreign one: got one
	Info       uint64 // answered
	Players    uint64
	Rules      uint64
	LAN        uint64

	// refused in silence
	Malformed uint64 // no question that this package knows, of another size, or from what is no host's address
	Foreign   uint64 // LAN discovery from an address that is not of a LAN
	Unset     uint64 // nothing to say yet
	Limited   uint64 // its network, or all together, had their share of this second
	Full      uint64 // no place in the table of networks
}

// Responder answers server queries and LAN discovery. Owned by one control loop.
type Responder struct {
	Counters Counters

	// constant after New
	mac mac

	// owned by the control loop
	challenges limiter
	answers    limiter
	info       []byte // whole datagrams; empty until set
	players    []byte
	rules      []byte
	server     []byte // with room for the asker's nonce
}

// New makes a Responder that stays silent until it is told what to say.
func New(c Config) *Responder {
	if c.Rate <= 0 {
		c.Rate = 50
	}
	if c.Burst <= 0 {
		c.Burst = 200
	}
	if c.Total <= 0 {
		c.Total = 5000
	}
	r := &Responder{}
	r.mac.init(c.Random)
	r.challenges.init(c)
	r.answers.init(c)
	return r
}

// Handle answers one datagram that starts with 0xFF. The reply is to go back to from; it is built in out, which needs a
// capacity of wire.MaxDatagram and may not overlap pkt. nil: no answer, and a counter says why. pkt is borrowed until
// return. Allocates nothing.
func (r *Responder) Handle(pkt []byte, from netip.AddrPort, now time.Duration, out []byte) []byte {
	if len(pkt) <= wire.HeadSize || len(pkt) > wire.MaxDatagram || from.Port() == 0 || !isHost(from.Addr()) {
		r.Counters.Malformed++
		return nil
	}
	switch binary.LittleEndian.Uint32(pkt) {
	case wire.QueryHead:
		return r.query(pkt, from, now, out[:0])
	case wire.LANHead:
		return r.lan(pkt, from, now, out[:0])
	}
	r.Counters.Malformed++
	return nil
}

func (r *Responder) query(pkt []byte, from netip.AddrPort, now time.Duration, out []byte) []byte {
	challenge, ok := questionChallenge(pkt)
	if !ok {
		r.Counters.Malformed++
		return nil
	}
	var answer []byte
	var count *uint64
	switch pkt[wire.HeadSize] {
	case wire.QueryInfo:
		answer, count = r.info, &r.Counters.Info
	case wire.QueryPlayers:
		answer, count = r.players, &r.Counters.Players
	case wire.QueryRules:
		answer, count = r.rules, &r.Counters.Rules
	}
	if len(answer) == 0 {
		r.Counters.Unset++
		return nil
	}
	if !r.good(uint64(challenge), from, now, fold32) {
		if !r.admit(&r.challenges, from.Addr(), now) {
			return nil
		}
		r.Counters.Challenged++
		out = binary.LittleEndian.AppendUint32(out, wire.QueryHead)
		out = append(out, wire.QueryChallenge)
		return binary.LittleEndian.AppendUint32(out, uint32(fold32(r.mac.sum(from, window(now)))))
	}
	if !r.admit(&r.answers, from.Addr(), now) {
		return nil
	}
	*count++
	return append(out, answer...)
}

// questionChallenge tells a question from everything else and returns the challenge it carries, all ones for none.
//
//	INFO             FF FF FF FF · 'T' · "Source Engine Query\0" · [u32 challenge]
//	PLAYER, RULES    FF FF FF FF · 'U' or 'V' · u32 challenge
//
// PLAYER and RULES without the four bytes, and the old 'W' that only asks for a challenge, are shorter than a challenge
// and therefore get none. Bytes after a challenge are ignored: some askers pad.
func questionChallenge(pkt []byte) (challenge uint32, ok bool) {
	switch at := 0; pkt[wire.HeadSize] {
	case wire.QueryInfo:
		if len(pkt) == wire.QueryInfoSize && string(pkt[5:]) == infoText {
			return noChallenge, true
		}
		at = wire.QueryInfoSize
		if len(pkt) < at+4 || string(pkt[5:at]) != infoText {
			return 0, false
		}
		return binary.LittleEndian.Uint32(pkt[at:]), true
	case wire.QueryPlayers, wire.QueryRules:
		if len(pkt) < wire.QueryAskSize {
			return 0, false
		}
		return binary.LittleEndian.Uint32(pkt[5:]), true
	}
	return 0, false
}

const (
	infoText    = "Source Engine Query\x00"
	noChallenge = 0xFFFFFFFF
)

func (r *Responder) lan(pkt []byte, from netip.AddrPort, now time.Duration, out []byte) []byte {
	if len(pkt) != wire.LANAskSize || pkt[wire.HeadSize] != wire.LANAsk {
		r.Counters.Malformed++
		return nil
	}
	if !isLAN(from.Addr()) {
		r.Counters.Foreign++
		return nil
	}
	if len(r.server) == 0 {
		r.Counters.Unset++
		return nil
	}
	nonce := pkt[5:13]
	if !r.good(binary.LittleEndian.Uint64(pkt[13:]), from, now, fold64) {
		if !r.admit(&r.challenges, from.Addr(), now) {
			return nil
		}
		r.Counters.Challenged++
		out = binary.LittleEndian.AppendUint32(out, wire.LANHead)
		out = append(append(out, wire.LANChallenge), nonce...)
		return binary.LittleEndian.AppendUint64(out, fold64(r.mac.sum(from, window(now))))
	}
	if !r.admit(&r.answers, from.Addr(), now) {
		return nil
	}
	r.Counters.LAN++
	out = append(out, r.server...)
	copy(out[5:13], nonce)
	return out
}

// isLAN reports whether a host with this address can only be near: never routed over the internet.
func isLAN(a netip.Addr) bool {
	a = a.Unmap()
	return a.IsPrivate() || a.IsLinkLocalUnicast() || a.IsLoopback()
}

// isHost reports whether an answer to this address goes to one host: nobody makes us shout at a network.
func isHost(a netip.Addr) bool {
	a = a.Unmap()
	return !a.IsMulticast() && !a.IsUnspecified() && a != broadcast
}

var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

func (r *Responder) admit(l *limiter, a netip.Addr, now time.Duration) bool {
	switch l.admit(r.mac.network(a), now) {
	case admitted:
		return true
	case limited:
		r.Counters.Limited++
	case full:
		r.Counters.Full++
	}
	return false
}

// good reports whether the challenge is this address's, of this window or the one before. A guess succeeds once in 2^31
// tries for A2S, whose format has no room for more, and then reflects a single answer.
func (r *Responder) good(challenge uint64, from netip.AddrPort, now time.Duration, fold func(uint64) uint64) bool {
	w := window(now)
	return challenge == fold(r.mac.sum(from, w)) || w > 0 && challenge == fold(r.mac.sum(from, w-1))
}

func window(now time.Duration) uint64 { return uint64(max(now, 0) / wire.ChallengeWindow) }

// fold32 and fold64 avoid the values that mean "none": 0 (LAN, and some A2S askers) and all ones (A2S).
func fold32(sum uint64) uint64 {
	v := sum & 0xFFFFFFFF
	if v == 0 || v == noChallenge {
		return 0x5EED
	}
	return v
}

func fold64(sum uint64) uint64 { return max(sum, 1) }

// mac is a keyed hash of 32 bytes: AES-128 CBC-MAC, which is a MAC because the length is fixed. Two block encryptions,
// 40 ns, where HMAC-SHA256 needs four compressions. The buffers stand here because arguments of an interface escape.
type mac struct {
	challenge, table cipher.Block // separate keys: what is seen of one tells nothing of the other
	in, out          [aes.BlockSize]byte
}

func (m *mac) init(random io.Reader) {
	var key [32]byte
	if _, err := io.ReadFull(random, key[:]); err != nil {
		panic("query: no randomness: " + err.Error()) // without it every challenge can be guessed
	}
	m.challenge, _ = aes.NewCipher(key[:16]) // errors only for other key lengths
	m.table, _ = aes.NewCipher(key[16:])
}

// sum: 16 B address · u64 window · u16 port · 6 B zeros.
func (m *mac) sum(from netip.AddrPort, window uint64) uint64 {
	m.in = from.Addr().As16()
	m.challenge.Encrypt(m.out[:], m.in[:])
	binary.LittleEndian.PutUint64(m.in[:8], window)
	binary.LittleEndian.PutUint64(m.in[8:], uint64(from.Port()))
	for i := range m.in {
		m.in[i] ^= m.out[i]
	}
	m.challenge.Encrypt(m.out[:], m.in[:])
	return binary.LittleEndian.Uint64(m.out[:])
}

// network hashes the part of an address that one party holds: IPv4 /24, IPv6 /56. Keyed, so that nobody can search for
// networks that share a place with a victim's.
func (m *mac) network(a netip.Addr) uint64 {
	m.in = a.As16()
	keep := 7
	if a.Unmap().Is4() {
		keep = 15
	}
	clear(m.in[keep:])
	m.table.Encrypt(m.out[:], m.in[:])
	return binary.LittleEndian.Uint64(m.out[:])
}
