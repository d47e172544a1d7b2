package peer

import (
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/skirmishgg/skirmish/netcode/handshake"
	"github.com/skirmishgg/skirmish/netcode/seal"
	"github.com/skirmishgg/skirmish/netcode/seq"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// Receive takes a data datagram or, at a client, a stateless reset, and reports whether it was authentic. pkt is
// spoiled; what h gets is part of it.
func (p *Peer) Receive(pkt []byte, from netip.AddrPort, now time.Duration, h Handler) bool {
	if p.state == Closed {
		return false
	}
	if !p.c.Server && len(pkt) > 0 && pkt[0] == byte(wire.FormReset) {
		return p.onReset(pkt)
	}
	headerLen, pn, ok := p.readHeader(pkt, from)
	if !ok {
		p.Counters.Header++
		return false
	}
	newest := !p.opener.Any() || pn > p.opener.Largest()
	size := len(pkt)
	plain, ok := p.opener.Open(pkt, headerLen, pn)
	if !ok {
		return false
	}
	p.lastIn, p.ackDue = now, true
	p.stats.PacketsIn++
	p.stats.BytesIn += uint64(size)
	p.report.bytes += uint64(size)
	p.report.packets++
	if newest {
		p.newestAt = now
	}
	if p.c.Server && from != p.addr {
		p.onOtherPath(from, size, newest)
	}
	if !p.onPacket(plain, newest, from, now, h) {
		p.Counters.Malformed++
		p.Close(wire.CloseProtocol, now)
	}
	return true
}

// readHeader finds the packet number. A packet of a resumption that was waiting makes its keys the peer's.
func (p *Peer) readHeader(pkt []byte, from netip.AddrPort) (headerLen int, pn uint64, ok bool) {
	if !p.c.Server {
		return seal.ServerHeader(pkt, p.opener.Largest())
	}
	if len(pkt) < wire.MinClientData {
		return 0, 0, false
	}
	switch cid := binary.LittleEndian.Uint32(pkt[1:]); {
	case cid == p.cid:
	case p.pending != nil && cid == p.pending.cid:
		if !p.takeUp(pkt, from) {
			return 0, 0, false
		}
	default:
		return 0, 0, false
	}
	return seal.ClientHeader(pkt, p.opener.Largest())
}

// onReset believes a stateless reset only when it is the one that the server gave us inside the seal.
func (p *Peer) onReset(pkt []byte) bool {
	for i := range p.control.resets {
		if handshake.IsReset(pkt, &p.control.resets[i]) {
			p.end(wire.CloseReset)
			return true
		}
	}
	p.Counters.ResetForged++
	return false
}

// onPacket takes an authentic packet apart; false when it makes no sense.
func (p *Peer) onPacket(b []byte, newest bool, from netip.AddrPort, now time.Duration, h Handler) bool {
	if len(b) == 0 || b[0]&^ackMask != 0 {
		return false
	}
	flags := b[0]
	b = b[1:]
	if flags&ackNone == 0 {
		var low uint16
		older, delay := uint32(1<<32-1), time.Duration(0)
		n := 2
		if flags&ackBits != 0 {
			n += 4
		}
		if flags&ackDelay != 0 {
			n++
		}
		if len(b) < n {
			return false
		}
		low = binary.LittleEndian.Uint16(b)
		if flags&ackBits != 0 {
			older = binary.LittleEndian.Uint32(b[2:])
		}
		if flags&ackDelay != 0 {
			delay = time.Duration(b[n-1]) * ackDelayUnit
		}
		b = b[n:]
		p.onAck(low, older, delay, now)
	}
	var t TickInfo
	if flags&ackTick != 0 {
		var ok bool
		if t, b, ok = p.readTick(b); !ok {
			return false
		}
		if newest {
			h.OnTick(t)
		}
	}
	return p.onFrames(b, t, from, now, h)
}

func (p *Peer) readTick(b []byte) (t TickInfo, rest []byte, ok bool) {
	n := 5
	if p.c.Server {
		n = 3
	}
	if len(b) < n {
		return t, nil, false
	}
	t = TickInfo{Valid: true, Tick: seq.Expand16(binary.LittleEndian.Uint16(b), p.tickRef), InputDelta: None, DecodedDelta: None}
	if p.c.Server {
		t.DecodedDelta = b[2]
	} else {
		t.BaselineDelta, t.Margin, t.InputDelta = b[2], int8(b[3]), b[4]
	}
	if !p.tickAny || int32(t.Tick-p.tickRef) > 0 {
		p.tickRef, p.tickAny = t.Tick, true
	}
	return t, b[n:], true
}

// SetTickReference tells the peer a tick that the other end's ticks are near to, before the first packet has.
func (p *Peer) SetTickReference(tick uint32) { p.tickRef = tick }

// onFrames reads frames to the end of a packet; false at the first that makes no sense.
func (p *Peer) onFrames(b []byte, t TickInfo, from netip.AddrPort, now time.Duration, h Handler) bool {
	for len(b) > 0 {
		f, ch := wire.Frame(b[0]>>3), b[0]&7
		b = b[1:]
		var ok bool
		switch f {
		case wire.FramePad:
			for _, zero := range b {
				if zero != 0 {
					return false
				}
			}
			return ch == 0
		case wire.FrameInput:
			if !p.c.Server || !t.Valid || ch != 0 {
				return false
			}
			h.OnInput(t, b)
			return true
		case wire.FrameSnapshot:
			if p.c.Server || !t.Valid || ch != 0 {
				return false
			}
			h.OnSnapshot(t, b)
			return true
		case wire.FrameEvent:
			b, ok = p.onEvent(ch, b, h)
		case wire.FrameStream:
			b, ok = p.onStream(ch, b, h)
		case wire.FrameUnreliable:
			var body []byte
			if body, b, ok = cutLength(b); ok {
				h.OnMessage(ch, body)
			}
		case wire.FrameSequenced:
			b, ok = p.onSequenced(ch, b, h)
		case wire.FrameFragment:
			b, ok = p.onFragment(b, t, from, now, h)
		default:
			b, ok = p.onControl(f, b, from, now, h)
		}
		if !ok {
			return false
		}
	}
	return true
}

func (p *Peer) onEvent(ch uint8, b []byte, h Handler) (rest []byte, ok bool) {
	if len(b) < 3 || len(b) < 3+int(b[2]) {
		return nil, false
	}
	deliver, err := p.inbox.Accept(ch, binary.LittleEndian.Uint16(b))
	if err != nil {
		p.Counters.EventWindow++
		return nil, false
	}
	end := 3 + int(b[2])
	if deliver {
		h.OnEvent(ch, b[3:end])
	}
	return b[end:], true
}

func (p *Peer) onStream(ch uint8, b []byte, h Handler) (rest []byte, ok bool) {
	body, rest, ok := cutLength(b)
	s := p.stream(ch)
	if !ok || s == nil || !s.Input(body) {
		p.Counters.StreamBad++
		return nil, false
	}
	for msg := s.Receive(p.msgBuf); msg != nil; msg = s.Receive(p.msgBuf) {
		p.msgBuf = msg[:0]
		h.OnStream(ch, msg)
	}
	return rest, true
}

func (p *Peer) onSequenced(ch uint8, b []byte, h Handler) (rest []byte, ok bool) {
	if len(b) < 2 {
		return nil, false
	}
	id := binary.LittleEndian.Uint16(b)
	body, rest, ok := cutLength(b[2:])
	if !ok {
		return nil, false
	}
	if p.seqAny[ch] && !seq.Greater16(id, p.seqIn[ch]) {
		p.Counters.OldSequenced++
		return rest, true
	}
	p.seqAny[ch], p.seqIn[ch] = true, id
	h.OnMessage(ch, body)
	return rest, true
}

// onFragment collects pieces; a whole frame is taken like one of this packet, but may hold no further fragment.
func (p *Peer) onFragment(b []byte, t TickInfo, from netip.AddrPort, now time.Duration, h Handler) (rest []byte, ok bool) {
	if len(b) < 2 {
		return nil, false
	}
	piece, rest, ok := cutLength(b[2:])
	if !ok {
		return nil, false
	}
	whole, ok := p.assembly.Add(b[0], b[1]>>4, b[1]&15+1, piece)
	if !ok {
		p.Counters.FragmentBad++
		return nil, false
	}
	if whole == nil {
		return rest, true
	}
	if wire.Frame(whole[0]>>3) == wire.FrameFragment || !p.onFrames(whole, t, from, now, h) {
		return nil, false
	}
	return rest, true
}

// cutLength is the inverse of appendLength and what it counts.
func cutLength(b []byte) (body, rest []byte, ok bool) {
	if len(b) == 0 {
		return nil, nil, false
	}
	n, at := int(b[0]), 1
	if n >= 128 {
		if len(b) < 2 {
			return nil, nil, false
		}
		if n, at = (n&127)<<8|int(b[1]), 2; n < 128 {
			return nil, nil, false // one length, one encoding
		}
	}
	if len(b) < at+n {
		return nil, nil, false
	}
	return b[at : at+n], b[at+n:], true
}
