package peer

import (
	"crypto/subtle"
	"encoding/binary"
	"io"
	"net/netip"
	"time"

	"github.com/skirmishgg/skirmish/netcode/handshake"
	"github.com/skirmishgg/skirmish/netcode/seal"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// probe is an address that authentic packets came from and that has not yet proved it receives ours.
//
//	packet of the highest number from elsewhere ─▶ challenge there ─▶ response from there ─▶ move
type probe struct {
	addr      netip.AddrPort
	challenge [8]byte
	budget    int // bytes that may still go there: three times what came
	live      bool
	sentAt    time.Duration
	sentAny   bool
}

const (
	probeInterval = 100 * time.Millisecond
	amplification = 3
)

// onOtherPath notes an authentic packet from another address. Only the highest packet number so far can start a probe,
// so that a late old packet does not flip the path back.
func (p *Peer) onOtherPath(from netip.AddrPort, size int, newest bool) {
	if p.path.live && p.path.addr == from {
		p.path.budget += amplification * size
		return
	}
	if !newest {
		return
	}
	p.path = probe{addr: from, live: true, budget: amplification * size}
	if _, err := io.ReadFull(p.c.Random, p.path.challenge[:]); err != nil {
		p.path.live = false // without randomness nothing can be proved; the next packet tries again
	}
}

// probePath sends the challenge, again every 100 ms while the address keeps sending.
func (p *Peer) probePath(now time.Duration, out Sender) {
	if !p.path.live || (p.path.sentAny && now-p.path.sentAt < probeInterval) {
		return
	}
	p.beginTo(out.Buffer(), now, TickInfo{})
	p.dst = append(append(p.dst, byte(wire.FramePathChallenge)<<3), p.path.challenge[:]...)
	if size := len(p.dst) + wire.TagSize; size > p.path.budget {
		p.Counters.PathLimited++
		p.dst = nil // no number was used
		return
	}
	n := p.Finish(-1)
	p.path.budget -= n
	p.path.sentAt, p.path.sentAny = now, true
	p.Counters.PathSent++
	out.Queue(n, p.path.addr)
}

// onPathResponse moves the peer when the right answer comes from the right place.
func (p *Peer) onPathResponse(body []byte, from netip.AddrPort, now time.Duration) {
	if !p.path.live || from != p.path.addr || subtle.ConstantTimeCompare(body, p.path.challenge[:]) != 1 {
		return
	}
	ipChanged := p.addr.Addr() != from.Addr()
	p.addr, p.path.live = from, false
	p.Counters.PathMoved++
	if ipChanged {
		p.control.resetDue, p.control.resetSentAt = true, now-controlRetry
	}
}

// pending are the keys of a resumption until its first packet opens.
type pending struct {
	link
}

// BeginResume answers a RESUME that the shard has judged: keys and CID wait beside the old ones, and RESUMED is built in
// dst. Call it again with the same arguments to answer the same RESUME again.
func (p *Peer) BeginResume(dst []byte, keys seal.Keys, serverRandom [wire.RandomSize]byte, a *handshake.Accept) int {
	if p.pending == nil || p.pending.cid != a.CID {
		p.pending = &pending{link: newLink(&p.c, keys, a.CID)}
	}
	pn := p.pending.nextPN
	p.pending.nextPN++
	return len(handshake.SealResumed(dst, p.pending.sealer, serverRandom, pn, a))
}

// takeUp opens pkt on a copy: when its tag verifies, the waiting keys become the peer's, and the old path dies. Whoever
// has the new keys has read RESUMED, so the address needs no further proof.
func (p *Peer) takeUp(pkt []byte, from netip.AddrPort) bool {
	headerLen, pn, ok := seal.ClientHeader(pkt, 0)
	if !ok {
		return false
	}
	trial := append([]byte(nil), pkt...) // a resumption is rare; the packet itself is opened again by its new owner
	next := newLink(&p.c, p.pending.keys, p.pending.cid)
	if _, ok := next.opener.Open(trial, headerLen, pn); !ok {
		return false
	}
	p.rekey(p.pending.link)
	p.pending, p.addr = nil, from
	return true
}

// Rekey gives a client's peer the connection that its RESUME opened; unacked events and streams go on.
func (p *Peer) Rekey(keys seal.Keys, cid uint32, addr netip.AddrPort, now time.Duration) {
	p.rekey(newLink(&p.c, keys, cid))
	p.addr, p.lastIn = addr, now
}

func (p *Peer) rekey(l link) {
	p.link = l
	p.outbox.Restart()
	p.path = probe{}
	p.control.ticket = p.control.ticket[:0]
}

// report is what the receiving side counts between two RATE frames.
type report struct {
	at      time.Duration
	bytes   uint64
	packets uint64
	first   uint64 // packet number at which the interval began
}

// makeReport tells the sender once a second what arrived of what it sent.
func (p *Peer) makeReport(now time.Duration) {
	r := &p.report
	if now < r.at {
		return
	}
	expected := p.opener.Largest() - min(r.first, p.opener.Largest())
	loss := 0.0
	if expected > 0 && r.packets < expected {
		loss = 1 - float64(r.packets)/float64(expected)
	}
	p.stats.Loss = loss
	p.control.rate, p.control.rateLoss, p.control.rateDue = uint32(r.bytes), uint8(loss*255), r.packets > 0
	*r = report{at: now + reportInterval, first: p.opener.Largest()}
}

// shed is how much of the normal rate is being left out because the path is congested.
//
//	0 nothing · 1 bulk · 2 and far entities · 3 and every second snapshot · 4 and three of four
type shed struct {
	level uint8
	calm  uint8 // reports without congestion since the last change
}

const (
	shedMax        = 4
	calmReports    = 3
	congestionLoss = 13 // of 255: 5 %
)

// onReport raises the level while packets are lost and the round trip has grown, which loss on a radio link alone
// does not cause, and lowers it after three calm reports.
func (p *Peer) onReport(_ uint32, loss uint8) {
	p.stats.LossOut = float64(loss) / 255
	grown := p.stats.RTT > p.stats.MinRTT*3/2+20*time.Millisecond
	if loss >= congestionLoss && grown {
		p.shed.level, p.shed.calm = min(p.shed.level+1, shedMax), 0
		return
	}
	if p.shed.calm++; p.shed.calm >= calmReports && p.shed.level > 0 {
		p.shed.level, p.shed.calm = p.shed.level-1, 0
	}
}

// bulk is the part of the bucket's rate that streams may use.
func (s *shed) bulk() float64 {
	if s.level > 0 {
		return 0.25
	}
	return 1
}

// Shed is what a match should leave out for this peer: the part of the snapshot budget that remains, and every how many
// ticks a snapshot is due.
func (p *Peer) Shed() (budget float64, every uint32) {
	switch p.shed.level {
	case 0, 1:
		return 1, 1
	case 2:
		return 0.5, 1
	case 3:
		return 0.5, 2
	}
	return 0.5, 4
}

// AskTime sends a TIME question with the next packet; the answer is an RTT sample. For connections without ticks.
func (p *Peer) AskTime(now time.Duration) {
	frame := append([]byte{byte(wire.FrameTime) << 3, 0}, 0, 0, 0, 0)
	binary.LittleEndian.PutUint32(frame[2:], uint32(now/time.Microsecond))
	if len(p.messages)+len(frame) <= messagesMax {
		p.messages = append(p.messages, frame...)
		p.lengths = append(p.lengths, uint16(len(frame)))
	}
}
