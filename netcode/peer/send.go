package peer

import (
	"net/netip"
	"time"

	"github.com/skirmishgg/skirmish/netcode/channel"
	"github.com/skirmishgg/skirmish/netcode/handshake"
	"github.com/skirmishgg/skirmish/netcode/seal"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// packetLimit is where a packet's plaintext ends at the latest: the tag comes behind it.
const packetLimit = wire.MaxDatagram - wire.TagSize

// Begin starts the next datagram in dst (capacity of at least wire.MaxDatagram): header, acks, tick block, control
// frames, events, and messages that fit. Finish ends it.
func (p *Peer) Begin(dst []byte, now time.Duration, t TickInfo) {
	p.beginTo(dst, now, t)
	p.dst = p.control.append(p, p.dst, now)
	p.dst = p.outbox.Append(p.dst, p.nextPN)
	if p.outbox.Len() > 0 {
		p.building.flags |= sentEvents
	}
	p.appendMessages()
	p.appendStreams(streamRideMax)
}

// beginTo starts a datagram that carries nothing yet.
func (p *Peer) beginTo(dst []byte, now time.Duration, t TickInfo) {
	p.building = sentPacket{pn: p.nextPN, at: now, flags: sentUsed}
	p.tailAt = 0
	if p.c.Server {
		dst = seal.AppendServerHeader(dst[:0], p.nextPN, p.largestAcked)
	} else {
		dst = seal.AppendClientHeader(dst[:0], p.cid, p.nextPN, p.largestAcked)
	}
	p.headerLen = len(dst)
	dst = p.appendAck(dst, now, t.Valid)
	if t.Valid {
		dst = p.appendTick(dst, t)
	}
	p.dst = dst
}

// Flags of the ack block.
const (
	ackBits  = 1 << 0 // u32 of older packets follows; absent: all were received
	ackDelay = 1 << 1
	ackTick  = 1 << 2 // a tick block follows
	ackNone  = 1 << 3 // nothing was received yet: no ack fields
	ackMask  = ackBits | ackDelay | ackTick | ackNone

	ackDelayUnit = 250 * time.Microsecond
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
	older, newest := p.opener.AckBits(), p.opener.Largest()
	if older != 1<<32-1 {
		flags |= ackBits
	}
	dst = append(dst, flags|ackDelay, byte(newest), byte(newest>>8))
	if flags&ackBits != 0 {
		dst = append(dst, byte(older), byte(older>>8), byte(older>>16), byte(older>>24))
	}
	p.ackDue = false
	return append(dst, byte(min((now-p.newestAt)/ackDelayUnit, 255)))
}

// appendTick: u16 tick · server: u8 baseline delta · i8 margin · u8 input delta; client: u8 decoded delta.
func (p *Peer) appendTick(dst []byte, t TickInfo) []byte {
	dst = append(dst, byte(t.Tick), byte(t.Tick>>8))
	if p.c.Server {
		return append(dst, t.BaselineDelta, byte(t.Margin), t.InputDelta)
	}
	return append(dst, t.DecodedDelta)
}

// SetBaseline completes the tick block of the datagram under construction: an encoder knows its baseline only once it
// has run, and it runs into the datagram itself.
func (p *Peer) SetBaseline(delta uint8) {
	at := p.headerLen + 1 // flags
	if flags := p.dst[p.headerLen]; flags&ackNone == 0 {
		at += 2
		if flags&ackBits != 0 {
			at += 4
		}
		if flags&ackDelay != 0 {
			at++
		}
	}
	p.dst[at+2] = delta
}

// appendMessages puts unreliable and sequenced messages into the datagram, oldest first, as many as fit.
func (p *Peer) appendMessages() {
	taken, bytes := 0, 0
	for taken < len(p.lengths) && len(p.dst)+int(p.lengths[taken]) <= packetLimit {
		p.dst = append(p.dst, p.messages[bytes:bytes+int(p.lengths[taken])]...)
		bytes += int(p.lengths[taken])
		taken++
	}
	p.messages = p.messages[:copy(p.messages, p.messages[bytes:])]
	p.lengths = p.lengths[:copy(p.lengths, p.lengths[taken:])]
}

// Tail begins the datagram's last frame and returns the room for its body, which runs to the end of the packet. It is
// part of the buffer given to Begin.
func (p *Peer) Tail(f wire.Frame) []byte {
	p.dst = append(p.dst, byte(f)<<3)
	p.tailAt = len(p.dst)
	return p.dst[p.tailAt:packetLimit]
}

// Finish seals the datagram, whose last frame has a body of bodyLen bytes (negative: no such frame after all), and
// returns its length.
func (p *Peer) Finish(bodyLen int) int {
	switch {
	case p.tailAt > 0 && bodyLen < 0:
		p.dst = p.dst[:p.tailAt-1]
	case p.tailAt > 0:
		p.dst = p.dst[:p.tailAt+bodyLen]
	}
	pkt := p.sealer.Seal(p.dst, p.headerLen, p.nextPN)
	p.sent[p.nextPN%sentRing] = p.building
	p.nextPN++
	p.lastOut = p.building.at
	p.stats.Out++
	p.stats.BytesOut += uint64(len(pkt))
	p.tokens -= float64(len(pkt))
	p.dst = nil
	return len(pkt)
}

// SendFragmented queues a frame that is too large for one datagram: its type and body, at most 16 pieces of 1,100 B.
// The pieces leave with the next Service; a frame that still waits is replaced, since it is older.
func (p *Peer) SendFragmented(f wire.Frame, body []byte) error {
	if channel.Pieces(len(body)+1) == 0 {
		return channel.ErrTooLarge
	}
	p.fragments = append(p.fragments[:0], byte(f)<<3)
	p.fragments = append(p.fragments, body...)
	return nil
}

// Sender lends buffers and sends them, as an engine/udp socket does.
type Sender interface {
	Buffer() []byte // capacity of at least wire.MaxDatagram
	Queue(n int, to netip.AddrPort)
}

// Service does what does not wait for a tick: timeouts, path probes, streams, fragments, goodbyes, overdue acks.
// Call it at least every 10 ms; t is the tick block for fragments of a snapshot.
func (p *Peer) Service(now time.Duration, t TickInfo, out Sender) {
	if p.state == Closed {
		return
	}
	if now-p.lastIn > p.c.Timeout {
		p.end(wire.CloseTimeout)
		return
	}
	if p.state == Closing {
		p.sayGoodbye(now, out)
		return
	}
	p.refill(now)
	p.makeReport(now)
	p.probePath(now, out)
	p.sendFragments(now, t, out)
	p.sendStreams(now, out)
	if now-p.lastOut >= keepAlive || (p.ackDue && now-p.newestAt >= ackDelayMax) || p.control.urgent {
		p.Begin(out.Buffer(), now, TickInfo{})
		out.Queue(p.Finish(-1), p.addr)
	}
}

func (p *Peer) sayGoodbye(now time.Duration, out Sender) {
	if now < p.closeNext {
		return
	}
	p.beginTo(out.Buffer(), now, TickInfo{})
	p.dst = append(p.dst, byte(wire.FrameClose)<<3, byte(p.reason))
	out.Queue(p.Finish(-1), p.addr)
	p.closeNext = now + closeInterval
	if p.closeLeft--; p.closeLeft <= 0 {
		p.state = Closed
	}
}

func (p *Peer) sendFragments(now time.Duration, t TickInfo, out Sender) {
	if len(p.fragments) == 0 {
		return
	}
	count := channel.Pieces(len(p.fragments))
	for i := range count {
		piece := p.fragments[i*channel.PieceMax : min((i+1)*channel.PieceMax, len(p.fragments))]
		p.beginTo(out.Buffer(), now, t)
		p.dst = append(p.dst, byte(wire.FrameFragment)<<3, p.fragID, byte(i)<<4|byte(count-1))
		p.dst = append(appendLength(p.dst, len(piece)), piece...)
		out.Queue(p.Finish(-1), p.addr)
	}
	p.fragID++
	p.fragments = p.fragments[:0]
}

// streamRideMax is the most of a tick's datagram that a stream may take; what is larger goes in datagrams of its own.
const streamRideMax = 200

// appendStreams lets small segments, acks above all, ride along.
func (p *Peer) appendStreams(room int) {
	for i := range p.streams {
		s := p.streams[i]
		if s == nil {
			continue
		}
		for seg := s.Next(); seg != nil && len(seg) <= room && len(p.dst)+3+len(seg) <= packetLimit; seg = s.Next() {
			p.appendSegment(i, seg)
			room -= len(seg)
			s.Drop()
		}
	}
}

func (p *Peer) appendSegment(i int, seg []byte) {
	p.dst = append(p.dst, byte(wire.FrameStream)<<3|byte(wire.FirstStream+i))
	p.dst = append(appendLength(p.dst, len(seg)), seg...)
}

// sendStreams flushes KCP and sends what fits the token bucket; gameplay has spent its part before.
func (p *Peer) sendStreams(now time.Duration, out Sender) {
	for i := range p.streams {
		s := p.streams[i]
		if s == nil {
			continue
		}
		if s.Waiting() == 0 {
			s.Flush()
		}
		for seg := s.Next(); seg != nil && p.tokens > 0; seg = s.Next() {
			p.beginTo(out.Buffer(), now, TickInfo{})
			p.appendSegment(i, seg)
			s.Drop()
			for more := s.Next(); more != nil && len(p.dst)+3+len(more) <= packetLimit; more = s.Next() {
				p.appendSegment(i, more)
				s.Drop()
			}
			out.Queue(p.Finish(-1), p.addr)
		}
	}
}

// refill gives the bucket its bytes; it holds an eighth of a second, and owes at most as much.
func (p *Peer) refill(now time.Duration) {
	rate := float64(p.c.RateBytes) * p.shed.bulk()
	burst := max(float64(p.c.RateBytes)/8, 2*wire.MaxDatagram)
	p.tokens += (now - p.tokensAt).Seconds() * rate
	p.tokens = min(max(p.tokens, -burst), burst)
	p.tokensAt = now
}

// Accept builds ACCEPT in dst as the peer's next packet and returns its length.
func (p *Peer) Accept(dst []byte, a *handshake.Accept, now time.Duration) int {
	pkt := handshake.SealAccept(dst, p.sealer, p.nextPN, a)
	p.nextPN++
	p.lastOut = now
	return len(pkt)
}

// appendLength: one byte below 128, else two: 0x80|high seven bits, low eight.
func appendLength(dst []byte, n int) []byte {
	if n < 128 {
		return append(dst, byte(n))
	}
	return append(dst, 0x80|byte(n>>8), byte(n))
}
