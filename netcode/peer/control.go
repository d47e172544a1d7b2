package peer

import (
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/skirmishgg/skirmish/netcode/handshake"
	"github.com/skirmishgg/skirmish/netcode/seal"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// control are the small frames that look after the connection itself. At most 300 B of them go into one datagram.
type control struct {
	// server: resume ticket and reset token, sent until a packet that carried them is acked
	ticketAt     time.Duration // when the next ticket is due
	ticket       []byte        // body of the TICKET frame in flight; empty: none
	ticketPN     uint64        // first packet that carried it
	ticketSentAt time.Duration
	resetPN      uint64 // first packet that carried the present token
	resetSentAt  time.Duration

	// client: tokens by which a reset is believed, newest first; a path change brings a second
	resets     [2][wire.ResetTokenSize]byte
	resetCount uint8
	ticketSent bool
	resetDue   bool
	urgent     bool // something here should not wait for the next tick
	restart    bool // RESTART goes out with every packet until one is acked

	answer    [8]byte // PATH_RESPONSE that is owed
	answerDue bool
	stamp     uint32 // TIME answer that is owed
	stampDue  bool
	ask       uint32 // TIME question that is under way
	askDue    bool
	asked     bool
}

// appendControl writes what is due into the datagram under construction.
func (p *Peer) appendControl(now time.Duration) {
	c := &p.control
	dst := p.dst
	c.urgent = false
	if c.answerDue {
		dst = append(append(dst, byte(wire.FramePathResponse)<<3), c.answer[:]...)
		c.answerDue = false
	}
	if c.askDue {
		dst = append(dst, byte(wire.FrameTime)<<3, 0)
		dst = binary.LittleEndian.AppendUint32(dst, c.ask)
		c.askDue = false
	}
	if c.stampDue {
		dst = append(dst, byte(wire.FrameTime)<<3, 1)
		dst = binary.LittleEndian.AppendUint32(dst, c.stamp)
		c.stampDue = false
	}
	if r := &p.report; r.due {
		dst = append(dst, byte(wire.FrameRate)<<3)
		dst = append(binary.LittleEndian.AppendUint32(dst, r.rate), r.loss)
		r.due = false
	}
	if epoch := seal.Epoch(p.nextPN); epoch != p.keyEpoch {
		dst = append(dst, byte(wire.FrameKey)<<3)
		dst = binary.LittleEndian.AppendUint32(dst, uint32(epoch))
		p.flags |= sentKey
	}
	p.dst = dst
	if p.c.Server {
		p.appendReset(now)
		p.appendTicket(now)
	}
}

func (p *Peer) appendReset(now time.Duration) {
	c := &p.control
	if !c.resetDue || now-c.resetSentAt < controlRetry || p.c.ResetToken == nil {
		return
	}
	token := p.c.ResetToken(p.cid, p.addr.Addr())
	p.dst = append(append(p.dst, byte(wire.FrameResetToken)<<3), token[:]...)
	c.resetSentAt = now
	p.flags |= sentReset
}

func (p *Peer) appendTicket(now time.Duration) {
	c := &p.control
	if now >= c.ticketAt && p.c.Ticket != nil {
		c.ticket, c.ticketAt = p.c.Ticket(c.ticket[:0]), now+wire.TicketInterval
		c.ticketPN, c.ticketSent = p.nextPN, false
	}
	if len(c.ticket) == 0 || c.ticketSent && now-c.ticketSentAt < controlRetry {
		return
	}
	p.dst = append(append(p.dst, byte(wire.FrameTicket)<<3), c.ticket...)
	c.ticketSentAt, c.ticketSent = now, true
	p.flags |= sentTicket
}

// onControlAcked ends the repetition of what packet pn carried.
func (p *Peer) onControlAcked(f sentFlags, pn uint64) {
	c := &p.control
	if f&sentTicket != 0 && pn >= c.ticketPN { // not one of the ticket before
		c.ticket = c.ticket[:0]
	}
	if f&sentReset != 0 && pn >= c.resetPN {
		c.resetDue = false
	}
	if f&sentKey != 0 {
		p.keyEpoch = max(p.keyEpoch, seal.Epoch(pn))
	}
	if f&sentRestart != 0 {
		c.restart = false
	}
}

// controlSizes are the bodies of fixed size; 0: no such frame.
var controlSizes = [32]uint8{wire.FrameTime: 5, wire.FramePathChallenge: 8, wire.FramePathResponse: 8, wire.FrameRate: 5,
	wire.FrameClose: 1, wire.FrameKey: 4, wire.FrameResetToken: wire.ResetTokenSize}

// onControl takes the frames that are not game content.
func (p *Peer) onControl(f wire.Frame, b []byte, from netip.AddrPort, now time.Duration, h Handler) (rest []byte, ok bool) {
	switch f {
	case wire.FrameTicket:
		secret, ticket, rest, ok := handshake.CutTicket(b)
		if !ok || p.c.Server {
			return nil, false
		}
		h.OnTicket(secret, ticket)
		return rest, true
	case wire.FrameRestart:
		if !p.c.Server || !p.resumed {
			return nil, false
		}
		if !p.restarted {
			p.restart()
		}
		return b, true
	}
	size := int(controlSizes[f&31])
	if size == 0 || len(b) < size {
		return nil, false
	}
	body, rest := b[:size], b[size:]
	c := &p.control
	switch f {
	case wire.FrameTime:
		stamp := binary.LittleEndian.Uint32(body[1:])
		switch {
		case body[0] > 1:
			return nil, false
		case body[0] == 0:
			c.stamp, c.stampDue, c.urgent = stamp, true, true
		case c.asked && stamp == c.ask:
			c.asked = false
			p.stats.sample(time.Duration(micros(now)-stamp) * time.Microsecond)
		}
	case wire.FramePathChallenge:
		copy(c.answer[:], body)
		c.answerDue, c.urgent = true, true
	case wire.FramePathResponse:
		p.onPathResponse(body, from, now)
	case wire.FrameRate:
		p.onReport(body[4])
	case wire.FrameClose:
		return nil, p.onClose(wire.Close(body[0]))
	case wire.FrameKey:
		// The epoch follows from the packet number; the frame only tells that the sender has moved on.
		if uint64(binary.LittleEndian.Uint32(body)) > seal.Epoch(p.opener.Largest()) {
			return nil, false
		}
	case wire.FrameResetToken:
		if p.c.Server {
			return nil, false
		}
		p.SetResetToken([wire.ResetTokenSize]byte(body))
	}
	return rest, true
}

// onClose ends the peer; what else the packet has is not looked at. A client can only say what a client knows, so that no
// cheat has the server believe in a timeout.
func (p *Peer) onClose(reason wire.Close) bool {
	if reason == wire.CloseNone {
		return false
	}
	if p.c.Server && reason != wire.CloseOverflow && reason != wire.CloseProtocol {
		reason = wire.CloseLeft
	}
	p.end(reason)
	return true
}

// SetResetToken gives a client the token that came with ACCEPT or RESUMED.
func (p *Peer) SetResetToken(token [wire.ResetTokenSize]byte) {
	c := &p.control
	if c.resetCount > 0 && c.resets[0] == token {
		return // repeated
	}
	c.resets[1], c.resets[0] = c.resets[0], token
	c.resetCount = min(c.resetCount+1, 2)
}

// onReset believes a stateless reset only when it is one that the server gave us inside the seal.
func (p *Peer) onReset(pkt []byte) bool {
	for i := range p.control.resets[:p.control.resetCount] {
		if handshake.IsReset(pkt, &p.control.resets[i]) {
			p.end(wire.CloseReset)
			return true
		}
	}
	p.Counters.ResetForged++
	return false
}

func micros(t time.Duration) uint32 { return uint32(t / time.Microsecond) }

// AskTime sends a TIME question; its answer is an RTT sample. For connections that otherwise only listen.
func (p *Peer) AskTime(now time.Duration) {
	p.control.ask, p.control.askDue, p.control.asked, p.control.urgent = micros(now), true, true, true
}
