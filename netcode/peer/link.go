package peer

import (
	"math/bits"
	"time"

	"github.com/skirmishgg/skirmish/netcode/seal"
)

// link is what belongs to one set of keys: a resumption replaces it whole, packet numbers begin at 0.
type link struct {
	cid    uint32
	sealer *seal.Sealer
	opener *seal.Opener
	keys   seal.Keys

	nextPN   uint64
	newestAt time.Duration // when the newest packet arrived
	ackDue   bool          // something arrived that no packet has acked

	sent         [sentRing]sentPacket
	largestAcked uint64
	ackedAny     bool
	acked        uint64 // bit i: packet largestAcked-i was acked
}

// sentRing is how many packets an ack may refer to: 33 are acked at a time, 256 are a second at the highest rate.
const sentRing = 256

// sentPacket is what has to be known when the ack comes.
type sentPacket struct {
	pn    uint64
	at    time.Duration
	flags sentFlags
}

type sentFlags uint8

const (
	sentUsed   sentFlags = 1 << iota
	sentEvents           // carried the oldest events, as many as the budget allows
	sentTicket
	sentReset
)

func newLink(c *Config, keys seal.Keys, cid uint32) link {
	out, in := seal.C2S, seal.S2C
	if c.Server {
		out, in = in, out
	}
	return link{cid: cid, keys: keys, sealer: seal.NewSealer(keys, out, c.Schema), opener: seal.NewOpener(keys, in, c.Schema)}
}

// onAck takes the ack block of an authentic packet: the packets newly acked, newest first.
func (p *Peer) onAck(low uint16, older uint32, delay time.Duration, now time.Duration) {
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
		l.ackedAny, l.largestAcked, l.acked = true, pn, 0
	case pn > l.largestAcked:
		l.acked = shiftLeft(l.acked, pn-l.largestAcked)
		l.largestAcked = pn
	default:
		behind := l.largestAcked - pn
		if behind >= 64 {
			return
		}
		mask <<= behind
	}
	fresh := mask &^ l.acked
	l.acked |= mask
	for fresh != 0 {
		i := uint64(bits.TrailingZeros64(fresh))
		fresh &= fresh - 1
		if i > l.largestAcked {
			return
		}
		acked := l.largestAcked - i
		s := &l.sent[acked%sentRing]
		if s.pn != acked || s.flags == 0 {
			continue
		}
		p.onAcked(s, acked == pn, delay, now)
		s.flags = 0
	}
}

func shiftLeft(v, n uint64) uint64 {
	if n >= 64 {
		return 0
	}
	return v << n
}

// onAcked is one packet that arrived; newest tells that the ack's delay is its own.
func (p *Peer) onAcked(s *sentPacket, newest bool, delay, now time.Duration) {
	if s.flags&sentEvents != 0 {
		p.outbox.Acked(s.pn)
	}
	p.control.acked(s.flags)
	if newest {
		p.stats.sample(max(now-s.at-delay, 0))
	}
}

// sample updates the round-trip estimate, as RFC 6298 does.
func (s *Stats) sample(rtt time.Duration) {
	if s.RTT == 0 {
		s.RTT, s.MinRTT, s.Jitter = max(rtt, 1), max(rtt, 1), rtt/2
		return
	}
	deviation := s.RTT - rtt
	if deviation < 0 {
		deviation = -deviation
	}
	s.Jitter += (deviation - s.Jitter) / 4
	s.RTT = max(s.RTT+(rtt-s.RTT)/8, 1)
	s.MinRTT = max(min(s.MinRTT, rtt), 1)
}
