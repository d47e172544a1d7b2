package peer

import (
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/skirmishgg/skirmish/netcode/seal"
	"github.com/skirmishgg/skirmish/netcode/seq"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// Receive takes a data datagram or, at a client, a stateless reset, and reports whether it was authentic. pkt is
// spoiled; what h gets is part of it.
func (p *Peer) Receive(pkt []byte, from netip.AddrPort, now time.Duration, h Handler) bool {
	if p.state == Closed {
		p.Counters.Ended++
		return false
	}
	l, headerLen, pn, ok := p.readHeader(pkt)
	if !ok {
		if !p.c.Server && len(pkt) > 0 && pkt[0] == byte(wire.FormReset) {
			return p.onReset(pkt)
		}
		p.Counters.Header++
		return false
	}
	newest := pn > l.opener.Largest() || !l.opener.Any()
	plain, ok := l.opener.Open(pkt, headerLen, pn)
	if !ok {
		return false
	}
	if l != &p.link {
		p.takeUp(from, now)
	}
	if newest {
		p.newestAt = now
	}
	p.lastIn = now
	p.stats.PacketsIn++
	p.stats.BytesIn += uint64(len(pkt))
	p.report.bytes += uint64(len(pkt))
	p.report.packets++
	if p.c.Server {
		p.onPath(from, len(pkt), newest, now)
	}
	if !p.onPacket(plain, newest, from, now, h) {
		p.Counters.Malformed++
		p.Close(wire.CloseProtocol, now)
	}
	return true
}

// readHeader finds the packet number, and whether the packet belongs to the present keys or to a resumption's.
func (p *Peer) readHeader(pkt []byte) (l *link, headerLen int, pn uint64, ok bool) {
	l = &p.link
	if !p.c.Server {
		headerLen, pn, ok = seal.ServerHeader(pkt, l.opener.Largest())
		return l, headerLen, pn, ok
	}
	if len(pkt) < wire.MinClientData {
		return nil, 0, 0, false
	}
	if cid := binary.LittleEndian.Uint32(pkt[1:]); cid != l.cid {
		if p.pending == nil || cid != p.pending.cid {
			return nil, 0, 0, false
		}
		l = &p.pending.link
	}
	headerLen, pn, ok = seal.ClientHeader(pkt, l.opener.Largest())
	return l, headerLen, pn, ok
}

// onPacket takes an authentic packet apart; false when it makes no sense.
func (p *Peer) onPacket(b []byte, newest bool, from netip.AddrPort, now time.Duration, h Handler) bool {
	flags, b, ok := p.readAck(b, now)
	if !ok {
		return false
	}
	var t TickInfo
	if flags&ackTick != 0 {
		if t, b, ok = p.readTick(b); !ok {
			return false
		}
		if newest {
			h.OnTick(t)
		}
	}
	if len(b) == 0 {
		return true
	}
	if !p.ackDue {
		p.ackDue, p.ackSince = true, now // only content is worth a datagram for its ack, or two silent ends would talk for ever
	}
	return p.onFrames(b, &t, from, now, h)
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

// onFrames reads frames to the end of a packet; false at the first that makes no sense.
func (p *Peer) onFrames(b []byte, t *TickInfo, from netip.AddrPort, now time.Duration, h Handler) (ok bool) {
	for len(b) > 0 {
		f, ch := wire.Frame(b[0]>>3), b[0]&7
		b = b[1:]
		switch f {
		case wire.FrameInput:
			if !p.c.Server || !t.Valid || ch != 0 {
				return false
			}
			h.OnInput(*t, b)
			return true
		case wire.FrameSnapshot:
			return p.onSnapshot(ch, b, t, h)
		case wire.FrameEvent:
			b, ok = p.onEvent(ch, b, h)
		case wire.FrameStream:
			b, ok = p.onStream(ch, b, h)
		case wire.FrameUnreliable:
			b, ok = p.onUnreliable(ch, b, h)
		case wire.FrameSequenced:
			b, ok = p.onSequenced(ch, b, h)
		default:
			if ch != 0 {
				return false
			}
			switch f {
			case wire.FramePad:
				return zeros(b)
			case wire.FrameFragment:
				b, ok = p.onFragment(b, t, h)
			default:
				b, ok = p.onControl(f, b, from, now, h)
			}
		}
		if !ok {
			return false
		}
	}
	return true
}

func (p *Peer) onSnapshot(ch uint8, body []byte, t *TickInfo, h Handler) bool {
	if p.c.Server || !t.Valid || ch != 0 {
		return false
	}
	h.OnSnapshot(*t, body)
	return true
}

func zeros(b []byte) bool {
	for _, v := range b {
		if v != 0 {
			return false
		}
	}
	return true
}
