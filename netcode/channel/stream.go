package channel

import (
	"errors"
	"time"

	"github.com/xtaci/kcp-go/v5"

	"github.com/skirmishgg/skirmish/protocol/wire"
)

const (
	// StreamMTU is the most KCP bytes in one packet: 1,200 less 23 header and tag, 8 acks, 5 tick, 3 frame, and 41 spare.
	StreamMTU      = 1120
	streamSend     = 128 // segments in flight
	streamReceive  = 256
	pushBackAt     = 2 * streamSend // waiting segments at which Send answers ErrBackpressure
	overflowAt     = 8 * streamSend // at which the peer is closed
	streamInterval = 10             // ms between flushes
)

// Errors of streams.
var (
	ErrBackpressure = errors.New("channel: the stream's queue is full, try again after the other end has caught up")
	ErrOverflow     = errors.New("channel: the stream's queue is far over its limit")
)

// Stream is one reliable, ordered stream of messages over KCP. KCP's clock is its own (wall time, or virtual inside
// testing/synctest), so a stream is serviced, never ticked.
type Stream struct {
	kcp *kcp.KCP
	out [][]byte // flushed KCP datagrams that wait for a packet; buffers are reused
	n   int
}

// NewStream makes the stream of one channel.
func NewStream(ch uint8) *Stream {
	s := &Stream{}
	s.kcp = kcp.NewKCP(uint32(ch), func(buf []byte, size int) {
		if s.n == len(s.out) {
			s.out = append(s.out, make([]byte, 0, StreamMTU))
		}
		s.out[s.n] = append(s.out[s.n][:0], buf[:size]...)
		s.n++
	})
	s.kcp.NoDelay(1, streamInterval, 2, 1)
	s.kcp.WndSize(streamSend, streamReceive)
	s.kcp.SetMtu(StreamMTU)
	return s
}

// Send queues a message; msg is copied.
// Errors: ErrTooLarge (over 64 KB, or empty), ErrBackpressure, ErrOverflow.
func (s *Stream) Send(msg []byte) error {
	waiting := s.kcp.WaitSnd()
	switch {
	case len(msg) == 0 || len(msg) > wire.MaxStreamMsg:
		return ErrTooLarge
	case waiting >= overflowAt:
		return ErrOverflow
	case waiting >= pushBackAt:
		return ErrBackpressure
	}
	if s.kcp.Send(msg) < 0 {
		return ErrTooLarge
	}
	return nil
}

// Input takes the body of a STREAM frame; false when it is no KCP of this channel.
func (s *Stream) Input(body []byte) bool {
	return s.kcp.Input(body, kcp.IKCP_PACKET_REGULAR, true) == 0
}

// Receive appends the next whole message to dst[:0]; nil when there is none.
func (s *Stream) Receive(dst []byte) []byte {
	n := s.kcp.PeekSize()
	if n <= 0 {
		return nil
	}
	if cap(dst) < n {
		dst = make([]byte, n)
	}
	dst = dst[:n]
	if s.kcp.Recv(dst) < 0 {
		return nil
	}
	return dst
}

// Flush lets KCP write what is due; Next then hands out what it wrote.
func (s *Stream) Flush() { s.kcp.Update() }

// Next is the oldest KCP datagram that waits, valid until the next Flush; nil when there is none. Drop takes it away.
func (s *Stream) Next() []byte {
	if s.n == 0 {
		return nil
	}
	return s.out[0]
}

// Drop takes away what Next showed.
func (s *Stream) Drop() {
	first := s.out[0]
	copy(s.out, s.out[1:s.n])
	s.n--
	s.out[s.n] = first
}

// Idle tells that nothing waits to be sent or acked.
func (s *Stream) Idle() bool { return s.n == 0 && s.kcp.WaitSnd() == 0 }

// Due is how long until Flush has something to do.
func (s *Stream) Due() time.Duration { return streamInterval * time.Millisecond }

// Waiting is how many KCP datagrams wait for a packet.
func (s *Stream) Waiting() int { return s.n }
