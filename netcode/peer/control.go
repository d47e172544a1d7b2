package peer

import (
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/skirmishgg/skirmish/netcode/handshake"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// control are the small frames that look after the connection itself.
type control struct {
	urgent bool // something below should not wait for the next tick

	// server: resume ticket and reset token, sent until a packet that carried them is acked
	ticketAt     time.Duration // when the next ticket is due
	ticket       []byte        // body of the TICKET frame in flight; empty: none
	ticketSentAt time.Duration
	resetDue     bool
	resetSentAt  time.Duration

	// client: tokens by which a reset is believed, newest first; a path change brings a second
	resets [2][16]byte

	answer    [8]byte // PATH_RESPONSE that is owed
	answerDue bool
	stamp     uint32 // TIME answer that is owed
	stampDue  bool
	rate      uint32 // RATE report that is owed
	rateLoss  uint8
	rateDue   bool
}

// append writes what is due into the datagram under construction.
func (c *control) append(p *Peer, dst []byte, now time.Duration) []byte {
	c.urgent = false
	if c.answerDue {
		dst = append(append(dst, byte(wire.FramePathResponse)<<3), c.answer[:]...)
		c.answerDue = false
	}
	if c.stampDue {
		dst = append(dst, byte(wire.FrameTime)<<3, 1)
		dst = binary.LittleEndian.AppendUint32(dst, c.stamp)
		c.stampDue = false
	}
	if c.rateDue {
		dst = append(dst, byte(wire.FrameRate)<<3)
		dst = append(binary.LittleEndian.AppendUint32(dst, c.rate), c.rateLoss)
		c.rateDue = false
	}
	if !p.c.Server {
		return dst
	}
	if c.resetDue && now-c.resetSentAt >= controlRetry && p.c.ResetToken != nil {
		token := p.c.ResetToken(p.cid, p.addr.Addr())
		dst = append(append(dst, byte(wire.FrameResetToken)<<3), token[:]...)
		c.resetSentAt = now
		p.building.flags |= sentReset
	}
	if now >= c.ticketAt && p.c.Ticket != nil {
		c.ticket, c.ticketAt, c.ticketSentAt = p.c.Ticket(c.ticket[:0]), now+ticketInterval, now-controlRetry
	}
	if len(c.ticket) > 0 && now-c.ticketSentAt >= controlRetry {
		dst = append(append(dst, byte(wire.FrameTicket)<<3), c.ticket...)
		c.ticketSentAt = now
		p.building.flags |= sentTicket
	}
	return dst
}

func (c *control) acked(f sentFlags) {
	if f&sentTicket != 0 {
		c.ticket = c.ticket[:0]
	}
	if f&sentReset != 0 {
		c.resetDue = false
	}
}

// SetResetToken gives a client the token that came with ACCEPT or RESUMED.
func (p *Peer) SetResetToken(token [16]byte) {
	p.control.resets[0], p.control.resets[1] = token, p.control.resets[0]
	if p.control.resets[1] == [16]byte{} {
		p.control.resets[1] = token
	}
}

// onControl takes the frames that are not game content.
func (p *Peer) onControl(f wire.Frame, b []byte, from netip.AddrPort, now time.Duration, h Handler) (rest []byte, ok bool) {
	sizes := [...]int{wire.FrameTime: 5, wire.FramePathChallenge: 8, wire.FramePathResponse: 8, wire.FrameRate: 5, wire.FrameClose: 1,
		wire.FrameKey: 4, wire.FrameResetToken: 16}
	if f == wire.FrameTicket {
		secret, ticket, rest, ok := handshake.CutTicket(b)
		if ok && !p.c.Server {
			h.OnTicket(secret, ticket)
		}
		return rest, ok && !p.c.Server
	}
	if int(f) >= len(sizes) || sizes[f] == 0 || len(b) < sizes[f] {
		return nil, false
	}
	body, rest := b[:sizes[f]], b[sizes[f]:]
	switch f {
	case wire.FrameTime:
		if body[0] == 0 {
			p.control.stamp, p.control.stampDue = binary.LittleEndian.Uint32(body[1:]), true
		} else if p.ownAsk(now, binary.LittleEndian.Uint32(body[1:])) {
			p.stats.sample(time.Duration(uint32(now/time.Microsecond)-binary.LittleEndian.Uint32(body[1:])) * time.Microsecond)
		}
	case wire.FramePathChallenge:
		copy(p.control.answer[:], body)
		p.control.answerDue, p.control.urgent = true, true
	case wire.FramePathResponse:
		p.onPathResponse(body, from, now)
	case wire.FrameRate:
		p.onReport(binary.LittleEndian.Uint32(body), body[4])
	case wire.FrameClose:
		p.end(wire.Close(body[0]))
	case wire.FrameKey:
		// The epoch follows from the packet number; the frame only tells that the sender has moved on.
	case wire.FrameResetToken:
		if p.c.Server {
			return nil, false
		}
		p.SetResetToken([16]byte(body))
	}
	return rest, true
}

// ownAsk reports whether a TIME answer can be to a question of the last ten seconds.
func (p *Peer) ownAsk(now time.Duration, stamp uint32) bool {
	return uint32(now/time.Microsecond)-stamp < uint32(10*time.Second/time.Microsecond)
}
