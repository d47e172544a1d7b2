package peer

import (
	"crypto/subtle"
	"io"
	"net/netip"
	"time"

	"github.com/skirmishgg/skirmish/protocol/wire"
)

// probe is an address that authentic packets came from and that has not yet proved it receives ours.
//
//	packet of the highest number from elsewhere ─▶ challenge there ─▶ response from there ─▶ move
//	                                                     └─ a higher number from the old address, or silence ─▶ none
type probe struct {
	live      bool
	sentAny   bool
	addr      netip.AddrPort
	challenge [8]byte
	budget    int           // bytes that may still go there: three times what came, less what went
	heard     time.Duration // when a packet came from there last
	sentAt    time.Duration
}

const (
	probeInterval = 100 * time.Millisecond
	probeTime     = 3 * time.Second // without a packet from there until the probe is given up
	amplification = 3
)

// onPath judges where an authentic packet came from. Only one with the highest number so far can start a probe, or end
// it in favour of the old address: so neither a late old packet nor a late response flips the path back.
func (p *Peer) onPath(from netip.AddrPort, size int, newest bool, now time.Duration) {
	s := &p.path
	switch {
	case from == p.addr:
		if newest && s.live {
			p.dropProbe()
		}
	case s.live && from == s.addr:
		s.budget += amplification * size
		s.heard = now
	case newest:
		if s.live {
			p.dropProbe()
		}
		*s = probe{live: true, addr: from, budget: amplification * size, heard: now}
		if _, err := io.ReadFull(p.c.Random, s.challenge[:]); err != nil {
			s.live = false // without randomness nothing can be proved; the next packet tries again
		}
	}
}

func (p *Peer) dropProbe() {
	p.path = probe{}
	p.Counters.PathStale++
}

// probePath sends the challenge, again every 100 ms while the address keeps sending.
func (p *Peer) probePath(now time.Duration, out Sender) {
	s := &p.path
	if !s.live || s.sentAny && now-s.sentAt < probeInterval {
		return
	}
	if now-s.heard > probeTime {
		p.dropProbe()
		return
	}
	ackDue := p.ackDue
	p.beginTo(out.Buffer(), now, TickInfo{})
	p.dst = append(append(p.dst, byte(wire.FramePathChallenge)<<3), s.challenge[:]...)
	s.sentAt, s.sentAny = now, true
	if len(p.dst)+wire.TagSize > s.budget {
		p.Counters.PathLimited++
		p.dst, p.ackDue = nil, ackDue // no number was used
		return
	}
	n := p.Finish(-1)
	s.budget -= n
	p.Counters.PathSent++
	out.Queue(n, s.addr)
}

// onPathResponse moves the peer when the right answer comes from the right place.
func (p *Peer) onPathResponse(body []byte, from netip.AddrPort, now time.Duration) {
	s := &p.path
	if !s.live || from != s.addr || subtle.ConstantTimeCompare(body, s.challenge[:]) != 1 {
		p.Counters.PathForged++
		return
	}
	if p.addr.Addr() != from.Addr() {
		c := &p.control
		c.resetDue, c.resetSentAt, c.resetPN = true, now-controlRetry, p.nextPN
	}
	p.addr = from
	p.path = probe{}
	p.stats.newRoute()
	p.Counters.PathMoved++
}
