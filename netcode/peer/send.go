package peer

import (
	"net/netip"
	"time"

	"github.com/skirmishgg/skirmish/netcode/seal"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

const (
	// packetLimit is where a packet's plaintext ends at the latest: the tag comes behind it.
	packetLimit = wire.MaxDatagram - wire.TagSize
	// bodyRoom is what messages and streams leave to the body of a tick's datagram: a snapshot of 64 players is 200 B,
	// eight inputs are 100. With 512 B of events and 300 of control frames it still fits.
	bodyRoom = 320
)

// Begin starts the next datagram in dst (capacity of at least wire.MaxDatagram): header, acks, tick block, control
// frames, events, and messages that fit. Finish ends it. t.Valid false: no tick block, and no body.
func (p *Peer) Begin(dst []byte, now time.Duration, t TickInfo) {
	limit := packetLimit
	if t.Valid {
		limit -= 1 + bodyRoom // and the frame's first byte
	}
	p.beginTo(dst, now, t)
	p.lastAll = now
	p.appendControl(now)
	if p.outbox.Len() > 0 {
		p.dst = p.outbox.Append(p.dst, p.nextPN)
		p.flags |= sentEvents
	}
	p.appendMessages(limit)
	p.appendStreams(limit)
}

// beginTo starts a datagram that carries nothing yet.
func (p *Peer) beginTo(dst []byte, now time.Duration, t TickInfo) {
	p.flags, p.at, p.tailAt = sentUsed, now, 0
	dst = dst[:0:wire.MaxDatagram]
	if p.c.Server {
		dst = seal.AppendServerHeader(dst, p.nextPN, p.largestAcked)
	} else {
		dst = seal.AppendClientHeader(dst, p.cid, p.nextPN, p.largestAcked)
	}
	p.headerLen = len(dst)
	dst = p.appendAck(dst, now, t.Valid)
	if t.Valid {
		dst = p.appendTick(dst, &t)
	}
	if p.control.restart { // in every packet, and first: what follows is of channels that begin anew
		dst = append(dst, byte(wire.FrameRestart)<<3)
		p.flags |= sentRestart
	}
	p.dst = dst
}

// appendTick: u16 tick · server: u8 baseline delta · i8 margin · u8 input delta; client: u8 decoded delta.
func (p *Peer) appendTick(dst []byte, t *TickInfo) []byte {
	if p.c.Server {
		return append(dst, byte(t.Tick), byte(t.Tick>>8), t.BaselineDelta, byte(t.Margin), t.InputDelta)
	}
	return append(dst, byte(t.Tick), byte(t.Tick>>8), t.DecodedDelta)
}

// SetBaseline completes the tick block of the datagram under construction: an encoder knows its baseline only once it
// has run, and it runs into the datagram itself.
func (p *Peer) SetBaseline(delta uint8) {
	p.dst[p.headerLen+ackSize(p.dst[p.headerLen])+2] = delta
}

// Tail begins the datagram's last frame and returns the room for its body, which runs to the end of the packet: at least
// bodyRoom less events and control frames of this datagram, usually 1,100 B. It is part of the buffer given to Begin.
func (p *Peer) Tail(f wire.Frame) []byte {
	p.dst = append(p.dst, byte(f)<<3)
	p.tailAt = len(p.dst)
	return p.dst[p.tailAt:packetLimit]
}

// Finish seals the datagram, whose last frame has a body of bodyLen bytes (negative: no such frame after all), and
// returns its length.
func (p *Peer) Finish(bodyLen int) int {
	if p.tailAt > 0 {
		if bodyLen < 0 {
			p.dst = p.dst[:p.tailAt-1]
		} else {
			p.dst = p.dst[:p.tailAt+bodyLen]
		}
	}
	pkt := p.sealer.Seal(p.dst, p.headerLen, p.nextPN)
	p.took(p.flags, p.at)
	p.sentOut(len(pkt), p.at)
	p.dst = nil
	return len(pkt)
}

func (p *Peer) sentOut(size int, now time.Duration) {
	p.lastOut = now
	p.stats.Out++
	p.stats.BytesOut += uint64(size)
	p.bucket.spend(size)
}

// Sender lends buffers and sends them, as an engine/udp socket does.
type Sender interface {
	Buffer() []byte // capacity of at least wire.MaxDatagram
	Queue(n int, to netip.AddrPort)
}

// Service does what does not wait for a tick: timeouts, path probes, streams, fragments, goodbyes, overdue acks, and
// everything for a connection without ticks. Call it at least every 10 ms.
func (p *Peer) Service(now time.Duration, out Sender) {
	switch {
	case p.state == Closed:
		return
	case now-p.lastIn > p.c.Timeout:
		p.end(wire.CloseTimeout)
		return
	case p.state == Closing:
		p.sayGoodbye(now, out)
		return
	}
	p.bucket.refill(now, p.bulkRate())
	p.makeReport(now)
	p.probePath(now, out)
	p.sendLarge(now, out)
	p.sendStreams(now, out)
	if p.due(now) {
		p.Begin(out.Buffer(), now, TickInfo{})
		out.Queue(p.Finish(-1), p.addr)
	}
	p.sendMessages(now, out)
}

// due reports whether a datagram must go out although no tick asks for one.
func (p *Peer) due(now time.Duration) bool {
	idle := now - p.lastAll
	switch {
	case p.control.urgent, now-p.lastOut >= p.c.KeepAlive:
		return true
	case p.ackDue && now-p.ackSince >= ackDelayMax:
		return true
	case idle >= rideWait && (p.queue.any() || p.outbox.Fresh()):
		return true
	}
	return idle >= eventRepeat && p.outbox.Len() > 0
}

// Next is when Service has something to do, at the latest: for owners of many connections that rest most of the time. It
// changes with every call of another method. After the end it is now.
func (p *Peer) Next(now time.Duration) time.Duration {
	switch {
	case p.state == Closed, p.control.urgent, p.large.waits(), p.queue.passed:
		return now
	case p.state == Closing:
		return p.closeNext
	}
	next := min(p.lastIn+p.c.Timeout+1, p.lastOut+p.c.KeepAlive)
	if p.ackDue {
		next = min(next, p.ackSince+ackDelayMax)
	}
	if p.queue.any() || p.outbox.Fresh() {
		next = min(next, p.lastAll+rideWait)
	}
	if p.outbox.Len() > 0 {
		next = min(next, p.lastAll+eventRepeat)
	}
	if s := &p.path; s.live {
		next = min(next, s.heard+probeTime+1)
		if s.sentAny {
			next = min(next, s.sentAt+probeInterval)
		} else {
			next = now
		}
	}
	for _, s := range p.streams {
		switch {
		case s == nil || !s.Busy():
		case s.Eager():
			next = min(next, p.streamsAt+streamInterval)
		default: // an answer may follow, take the ack along, and want its turn within the interval
			next = min(next, max(p.streamsAt+streamLazy, p.acksAt))
		}
	}
	return max(next, now)
}

func (p *Peer) sayGoodbye(now time.Duration, out Sender) {
	if now < p.closeNext {
		return
	}
	p.beginTo(out.Buffer(), now, TickInfo{})
	p.dst = append(p.dst, byte(wire.FrameClose)<<3, byte(p.reason))
	out.Queue(p.Finish(-1), p.addr)
	p.closeNext = now + closeInterval
	if p.closeLeft--; p.closeLeft == 0 {
		p.state = Closed
	}
}

// appendLength: one byte below 128, else two: 0x80|high seven bits, low eight.
func appendLength(dst []byte, n int) []byte {
	if n < 128 {
		return append(dst, byte(n))
	}
	return append(dst, 0x80|byte(n>>8), byte(n))
}
