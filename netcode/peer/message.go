package peer

import (
	"encoding/binary"
	"time"

	"github.com/skirmishgg/skirmish/netcode/channel"
	"github.com/skirmishgg/skirmish/netcode/seq"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// SendEvent queues a reliable event of at most 255 bytes. Errors: see channel.Outbox; ErrFull closes the peer.
func (p *Peer) SendEvent(ch uint8, data []byte, now time.Duration) error {
	err := p.outbox.Push(ch, data)
	if err == channel.ErrFull {
		p.Close(wire.CloseOverflow, now)
	}
	return err
}

// EventRoom is how many bytes of events, each with its head of 4, every packet still carries along with those that are not
// acked: channel.EventBudget when all are. Beyond it the next one waits for the acks of those before.
func (p *Peer) EventRoom() int { return p.outbox.Room() }

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

// messages are unreliable and sequenced frames that wait for the next packets, whole, one after the other.
type messages struct {
	bytes   []byte
	lengths []uint16
	passed  bool // the last datagram had no room for the oldest
}

const (
	messagesMax   = 4 << 10 // bytes that may wait; policy when full: the new one is dropped
	messageHeader = 1 + 2 + 2
	messageMax    = channel.PieceMax - messageHeader // what is larger travels in pieces
	messageLarge  = channel.FragmentedMax - messageHeader
)

func (m *messages) any() bool { return len(m.lengths) > 0 }

// SendUnreliable sends data once, at most 17,595 bytes. It rides with the next datagram that has room, or leaves in one
// of its own, or in pieces when it is larger than 1,095.
// Errors: ErrChannel, ErrTooLarge; ErrFull: dropped, because too much waits already.
func (p *Peer) SendUnreliable(ch uint8, data []byte) error {
	return p.queueMessage(wire.FrameUnreliable, ch, data)
}

// SendSequenced is SendUnreliable for what only counts while it is new: a receiver that has seen a newer one of the same
// channel ignores it.
func (p *Peer) SendSequenced(ch uint8, data []byte) error {
	return p.queueMessage(wire.FrameSequenced, ch, data)
}

func (p *Peer) queueMessage(f wire.Frame, ch uint8, data []byte) error {
	switch {
	case ch >= wire.Channels:
		return channel.ErrChannel
	case len(data) > messageLarge:
		return channel.ErrTooLarge
	case len(data) > messageMax:
		if p.large.waits() {
			p.Counters.MessageDrop++
			return channel.ErrFull
		}
		p.large.frame = p.appendMessage(p.large.frame[:0], f, ch, data)
		p.large.tick = TickInfo{}
		return nil
	case len(p.queue.bytes)+len(data)+messageHeader > messagesMax:
		p.Counters.MessageDrop++
		return channel.ErrFull
	}
	before := len(p.queue.bytes)
	p.queue.bytes = p.appendMessage(p.queue.bytes, f, ch, data)
	p.queue.lengths = append(p.queue.lengths, uint16(len(p.queue.bytes)-before))
	return nil
}

// appendMessage: u8 type<<3|channel · sequenced: u16 sequence · length · bytes.
func (p *Peer) appendMessage(dst []byte, f wire.Frame, ch uint8, data []byte) []byte {
	dst = append(dst, byte(f)<<3|ch)
	if f == wire.FrameSequenced {
		dst = append(dst, byte(p.seqOut[ch]), byte(p.seqOut[ch]>>8))
		p.seqOut[ch]++
	}
	return append(appendLength(dst, len(data)), data...)
}

// appendMessages puts messages into the datagram, oldest first, as many as fit below limit.
func (p *Peer) appendMessages(limit int) {
	m := &p.queue
	if len(m.lengths) == 0 {
		m.passed = false
		return
	}
	taken, bytes := 0, 0
	for taken < len(m.lengths) && len(p.dst)+int(m.lengths[taken]) <= limit {
		p.dst = append(p.dst, m.bytes[bytes:bytes+int(m.lengths[taken])]...)
		bytes += int(m.lengths[taken])
		taken++
	}
	m.bytes = m.bytes[:copy(m.bytes, m.bytes[bytes:])]
	m.lengths = m.lengths[:copy(m.lengths, m.lengths[taken:])]
	m.passed = len(m.lengths) > 0
}

// sendMessages gives messages that found no room in a tick's datagram some of their own.
func (p *Peer) sendMessages(now time.Duration, out Sender) {
	for p.queue.passed {
		p.beginTo(out.Buffer(), now, TickInfo{})
		p.appendMessages(packetLimit)
		out.Queue(p.Finish(-1), p.addr)
	}
}

func (p *Peer) onUnreliable(ch uint8, b []byte, h Handler) (rest []byte, ok bool) {
	body, rest, ok := cutLength(b)
	if ok {
		h.OnMessage(ch, body)
	}
	return rest, ok
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
	if p.seqAny>>ch&1 != 0 && !seq.Greater16(id, p.seqIn[ch]) {
		p.Counters.OldSequenced++
		return rest, true
	}
	p.seqAny |= 1 << ch
	p.seqIn[ch] = id
	h.OnMessage(ch, body)
	return rest, true
}

// large is one frame that leaves in pieces with the next Service.
type large struct {
	frame []byte
	tick  TickInfo // a snapshot's
	id    uint8
}

func (l *large) waits() bool { return len(l.frame) > 0 }

// SendLargeSnapshot sends a snapshot that is too large for one datagram in up to 16 pieces, each with t as its tick
// block. It takes the place of a frame in pieces that still waits, which is older.
// Errors: ErrTooLarge.
func (p *Peer) SendLargeSnapshot(t TickInfo, body []byte) error {
	if channel.Pieces(1+len(body)) == 0 {
		return channel.ErrTooLarge
	}
	if p.large.waits() {
		p.Counters.LargeDrop++
	}
	t.Valid = true
	p.large.tick = t
	p.large.frame = append(append(p.large.frame[:0], byte(wire.FrameSnapshot)<<3), body...)
	return nil
}

func (p *Peer) sendLarge(now time.Duration, out Sender) {
	l := &p.large
	if !l.waits() {
		return
	}
	count := channel.Pieces(len(l.frame))
	for i := range count {
		piece := l.frame[i*channel.PieceMax : min((i+1)*channel.PieceMax, len(l.frame))]
		p.beginTo(out.Buffer(), now, l.tick)
		p.dst = append(p.dst, byte(wire.FrameFragment)<<3, l.id, byte(i)<<4|byte(count-1))
		p.dst = append(appendLength(p.dst, len(piece)), piece...)
		out.Queue(p.Finish(-1), p.addr)
	}
	l.id++
	l.frame = l.frame[:0]
}

// onFragment collects pieces; a whole frame is taken as if this packet had brought it.
func (p *Peer) onFragment(b []byte, t *TickInfo, h Handler) (rest []byte, ok bool) {
	if len(b) < 2 {
		return nil, false
	}
	piece, rest, ok := cutLength(b[2:])
	if !ok {
		return nil, false
	}
	whole, ok := p.assembly.Add(b[0], b[1]>>4, b[1]&15+1, piece)
	if !ok || whole != nil && !p.onLarge(whole, t, h) {
		p.Counters.FragmentBad++
		return nil, false
	}
	return rest, true
}

// onLarge takes the one frame that was in pieces. Only what can be large comes so.
func (p *Peer) onLarge(frame []byte, t *TickInfo, h Handler) (ok bool) {
	f, ch, b := wire.Frame(frame[0]>>3), frame[0]&7, frame[1:]
	switch f {
	case wire.FrameSnapshot:
		return p.onSnapshot(ch, b, t, h)
	case wire.FrameUnreliable:
		b, ok = p.onUnreliable(ch, b, h)
	case wire.FrameSequenced:
		b, ok = p.onSequenced(ch, b, h)
	}
	return ok && len(b) == 0
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
