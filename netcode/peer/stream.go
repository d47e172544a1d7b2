package peer

import (
	"time"

	"github.com/skirmishgg/skirmish/netcode/channel"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// SendStream queues a message of at most 64 KB on stream channel 4 to 7, for callers that can wait.
// Errors: ErrChannel, ErrTooLarge; ErrBackpressure: too much waits, nothing was queued, try again later.
func (p *Peer) SendStream(ch uint8, msg []byte) error {
	s := p.stream(ch)
	if s == nil {
		return channel.ErrChannel
	}
	return s.Send(msg)
}

// PushStream is SendStream for what cannot wait, such as one message for many peers: it is queued up to four times as
// far. Errors: ErrChannel, ErrTooLarge; ErrOverflow, which closes the peer.
func (p *Peer) PushStream(ch uint8, msg []byte, now time.Duration) error {
	s := p.stream(ch)
	if s == nil {
		return channel.ErrChannel
	}
	err := s.Push(msg)
	if err == channel.ErrOverflow {
		p.Close(wire.CloseOverflow, now)
	}
	return err
}

// stream is made when first used: 19 to 36 KB that most match connections never need.
func (p *Peer) stream(ch uint8) *channel.Stream {
	if ch < wire.FirstStream || ch >= wire.Channels {
		return nil
	}
	s := &p.streams[ch-wire.FirstStream]
	if *s == nil {
		*s = channel.NewStream(ch)
	}
	return *s
}

func (p *Peer) onStream(ch uint8, b []byte, h Handler) (rest []byte, ok bool) {
	body, rest, ok := cutLength(b)
	if !ok {
		return nil, false
	}
	s := p.stream(ch)
	if s == nil || s.Input(ch, body) != nil {
		p.Counters.StreamBad++
		return nil, false
	}
	if p.acksAt == 0 {
		p.acksAt = p.lastIn + streamInterval
	}
	return rest, p.deliver(ch, s, h)
}

// deliver hands out the whole messages of a stream, until it is held; false when one is larger than any may be.
func (p *Peer) deliver(ch uint8, s *channel.Stream, h Handler) (ok bool) {
	for p.held>>ch&1 == 0 {
		msg, err := s.Receive(p.msgBuf)
		if err != nil {
			p.Counters.StreamBad++
			return false
		}
		if msg == nil {
			return true
		}
		p.msgBuf = msg[:0]
		h.OnStream(ch, msg)
	}
	return true
}

// HoldStream stops OnStream for a channel, from within OnStream too: messages wait in the stream's receive window (256
// segments), and the other end stops sending when that is full.
func (p *Peer) HoldStream(ch uint8) { p.held |= 1 << ch }

// ReleaseStream undoes HoldStream and hands out what has waited, until the channel is held again.
func (p *Peer) ReleaseStream(ch uint8, now time.Duration, h Handler) {
	p.held &^= 1 << ch
	if p.state != Open || ch < wire.FirstStream || ch >= wire.Channels {
		return
	}
	if s := p.streams[ch-wire.FirstStream]; s != nil && !p.deliver(ch, s, h) {
		p.Counters.Malformed++
		p.Close(wire.CloseProtocol, now)
	}
}

// StreamsIdle reports that nothing waits to be sent or acked on any stream.
func (p *Peer) StreamsIdle() bool {
	for _, s := range p.streams {
		if s != nil && s.Waiting() > 0 {
			return false
		}
	}
	return true
}

// streamRideMax is the most of a tick's datagram that streams may take; what is larger goes in datagrams of its own.
const streamRideMax = 200

// appendStreams lets small segments, acks above all, ride along.
func (p *Peer) appendStreams(limit int) {
	limit = min(limit, len(p.dst)+streamRideMax)
	for i, s := range p.streams {
		if s != nil {
			p.appendStream(i, s, limit)
		}
	}
}

// appendStream: u8 4<<3|channel · length · KCP segments, as many as end below limit.
func (p *Peer) appendStream(i int, s *channel.Stream, limit int) {
	for seg := s.Next(); seg != nil && len(p.dst)+3+len(seg) <= limit; seg = s.Next() {
		p.dst = append(p.dst, byte(wire.FrameStream)<<3|byte(wire.FirstStream+i))
		p.dst = append(appendLength(p.dst, len(seg)), seg...)
		s.Drop()
	}
}

// sendStreams flushes KCP and sends what fits the token bucket; gameplay has spent its part before.
func (p *Peer) sendStreams(now time.Duration, out Sender) {
	settles := now-p.streamsAt >= streamInterval
	early := false // by less than a millisecond, which is what KCP counts in
	if settles {
		p.streamsAt, p.acksAt = now, 0
	}
	for i, s := range p.streams {
		if s == nil || !s.Busy() {
			continue
		}
		p.sendReady(i, s, now, out) // of KCP's own accord, when acks came
		if s.Ready() > 0 {
			continue
		}
		s.Window(p.streamWindow())
		s.Flush()
		if settles {
			s.Settle()
			early = early || s.Eager() && s.Ready() == 0
		}
		p.sendReady(i, s, now, out)
	}
	if early {
		p.streamsAt -= streamInterval - time.Millisecond
	}
}

func (p *Peer) sendReady(i int, s *channel.Stream, now time.Duration, out Sender) {
	for s.Ready() > 0 && p.bucket.has() {
		p.beginTo(out.Buffer(), now, TickInfo{})
		p.appendStream(i, s, packetLimit)
		out.Queue(p.Finish(-1), p.addr)
	}
}

// streamInterval is KCP's, between flushes; streamLazy is for flushes that only ack or look for what got lost.
const (
	streamInterval = 10 * time.Millisecond
	streamLazy     = 15 * time.Millisecond
)

// streamSlack is what an ack takes beside the round trip: flush interval, tick, service at both ends.
const streamSlack = 100 * time.Millisecond

// streamWindow is how many segments the rate carries until their acks are back. KCP runs without its own congestion
// window, and would otherwise take for lost what only waits for the bucket.
func (p *Peer) streamWindow() int {
	return int(p.bulkRate()/channel.StreamMTU*(p.stats.RTT+streamSlack).Seconds()) + 2
}
