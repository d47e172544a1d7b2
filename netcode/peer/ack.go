package peer

import (
	"encoding/binary"
	"math/bits"
	"time"

	"github.com/skirmishgg/skirmish/netcode/seal"
)

// link is what belongs to one set of keys: a resumption replaces it whole, packet numbers begin at 0.
type link struct {
	cid       uint32
	resumed   bool // it began with RESUMED
	restarted bool // and its client began its channels anew
	sealer    *seal.Sealer
	opener    *seal.Opener

	nextPN   uint64
	keyEpoch uint64        // newest that the other end is known to have heard of by KEY
	newestAt time.Duration // when the newest packet arrived
	ackDue   bool          // something with content arrived that no packet has acked
	ackSince time.Duration

	sent         [sentRing]sentPacket // by the low bits of their number
	largestAcked uint64
	ackedAny     bool
	acked        uint64 // bit i: packet largestAcked-i was acked
}

// sentRing is how many packets may be on their way: two seconds of them at 256 Hz, that is a link of 1 s each way.
const sentRing = 512

// sentPacket is what has to be known when the ack comes: u26 time in 16 µs, which wraps after 18 minutes · u6 sentFlags.
// 0: no ack is expected.
type sentPacket uint32

const sentUnit = 16 * time.Microsecond

func newSentPacket(at time.Duration, f sentFlags) sentPacket {
	return sentPacket(at/sentUnit)<<6 | sentPacket(f)
}

func (s sentPacket) flags() sentFlags { return sentFlags(s & 63) }

// age is negative when now is the time of a datagram that the kernel had before this one went out.
func (s sentPacket) age(now time.Duration) time.Duration {
	return time.Duration(int32(newSentPacket(now, 0)-s&^63)>>6) * sentUnit
}

// sentFlags say what has to be done when the ack comes.
type sentFlags uint8

const (
	sentUsed   sentFlags = 1 << iota
	sentEvents           // carried the oldest events, as many as the budget allows
	sentTicket
	sentReset
	sentKey
	sentRestart
)

func newLink(c *Config, keys seal.Keys, cid uint32) link {
	out, in := seal.C2S, seal.S2C
	if c.Server {
		out, in = in, out
	}
	return link{cid: cid, sealer: seal.NewSealer(keys, out, c.Schema), opener: seal.NewOpener(keys, in, c.Schema)}
}

// took uses up the next packet number.
func (l *link) took(f sentFlags, at time.Duration) {
	l.sent[l.nextPN%sentRing] = newSentPacket(at, f)
	l.nextPN++
}

// Flags of the ack block.
const (
	ackBits  = 1 << 0 // u32 of older packets follows; absent: all were received
	ackDelay = 1 << 1
	ackTick  = 1 << 2 // a tick block follows
	ackNone  = 1 << 3 // nothing was received yet: no ack fields
	ackMask  = ackBits | ackDelay | ackTick | ackNone

	ackDelayUnit = 250 * time.Microsecond
	ackDelayCap  = 255 * ackDelayUnit // a delay that is this or more
	allReceived  = ^uint32(0)
)

// appendAck: u8 flags · u16 newest packet · [u32 older] · [u8 delay in 250 µs].
func (p *Peer) appendAck(dst []byte, now time.Duration, tick bool) []byte {
	flags := byte(0)
	if tick {
		flags = ackTick
	}
	if !p.opener.Any() {
		return append(dst, flags|ackNone)
	}
	p.ackDue = false
	newest, older := p.opener.Largest(), p.opener.AckBits()
	delay := byte(min(max((now-p.newestAt)/ackDelayUnit, 0), 255))
	if older == allReceived {
		return append(dst, flags|ackDelay, byte(newest), byte(newest>>8), delay)
	}
	return append(dst, flags|ackDelay|ackBits, byte(newest), byte(newest>>8),
		byte(older), byte(older>>8), byte(older>>16), byte(older>>24), delay)
}

// ackSize is how many bytes an ack block with these flags has.
func ackSize(flags byte) int {
	n := 1
	if flags&ackNone != 0 {
		return n
	}
	if flags&ackBits != 0 {
		n += 4
	}
	if flags&ackDelay != 0 {
		n++
	}
	return n + 2
}

// readAck takes the ack block off the front of an authentic packet.
func (p *Peer) readAck(b []byte, now time.Duration) (flags byte, rest []byte, ok bool) {
	if len(b) == 0 || b[0]&^ackMask != 0 {
		return 0, nil, false
	}
	flags = b[0]
	n := ackSize(flags)
	if len(b) < n || flags&ackNone != 0 && flags&(ackBits|ackDelay) != 0 {
		return 0, nil, false
	}
	if flags&ackNone == 0 {
		older, delay := allReceived, time.Duration(0)
		if flags&ackBits != 0 {
			older = binary.LittleEndian.Uint32(b[3:])
			if older == allReceived {
				return 0, nil, false // one meaning, one encoding
			}
		}
		if flags&ackDelay != 0 {
			delay = time.Duration(b[n-1]) * ackDelayUnit
		}
		p.onAck(binary.LittleEndian.Uint16(b[1:]), older, delay, now)
	}
	return flags, b[n:], true
}

// onAck looks after the packets that an ack names for the first time.
func (p *Peer) onAck(low uint16, older uint32, delay, now time.Duration) {
	l := &p.link
	if l.nextPN == 0 {
		return
	}
	newest := l.nextPN - 1
	pn := newest - uint64(uint16(newest)-low) // the highest packet sent so far with these low bits
	if pn > newest {
		return // of before the first packet: an ack of nothing we sent
	}
	mask := uint64(older)<<1 | 1 // bit i: pn-i
	switch {
	case !l.ackedAny:
		l.ackedAny, l.largestAcked = true, pn
	case pn > l.largestAcked:
		l.acked <<= min(pn-l.largestAcked, 64) // 64 and more give 0
		l.largestAcked = pn
	default:
		mask <<= min(l.largestAcked-pn, 64)
	}
	fresh := mask &^ l.acked
	l.acked |= mask
	events := false
	for ; fresh != 0; fresh &= fresh - 1 {
		acked := l.largestAcked - uint64(bits.TrailingZeros64(fresh))
		if acked >= l.nextPN || l.nextPN-acked > sentRing { // of before the first packet, or forgotten
			return
		}
		s := l.sent[acked%sentRing]
		l.sent[acked%sentRing] = 0
		f := s.flags()
		if acked == pn && f != 0 && (delay < ackDelayCap || p.stats.RTT == 0) {
			// A delay at its cap may have been any longer one.
			p.stats.sample(s.age(now) - delay)
		}
		if f&sentEvents != 0 && !events {
			events = true // newest first: what older ones carried, this one did or they were acked before
			p.outbox.Acked(acked)
		}
		if f&^(sentUsed|sentEvents) != 0 {
			p.onControlAcked(f, acked)
		}
	}
}

// sample updates the round-trip estimate, as RFC 6298 does.
func (s *Stats) sample(rtt time.Duration) {
	rtt = max(rtt, 1)
	if s.RTT == 0 {
		s.RTT, s.Jitter = rtt, rtt/2
	} else {
		deviation := s.RTT - rtt
		if deviation < 0 {
			deviation = -deviation
		}
		s.Jitter += (deviation - s.Jitter) / 4
		s.RTT = max(s.RTT+(rtt-s.RTT)/8, 1)
	}
	if s.least == 0 || rtt < s.least {
		s.least = rtt
	}
	s.MinRTT = s.least
	if s.older != 0 {
		s.MinRTT = min(s.MinRTT, s.older)
	}
}

// age forgets the least round trip of the half minute before last, so that a longer route is not taken for a queue.
func (s *Stats) age() { s.older, s.least = s.least, 0 }

// newRoute forgets the round trip of another route.
func (s *Stats) newRoute() { s.RTT, s.MinRTT, s.least, s.older = 0, 0, 0, 0 }
