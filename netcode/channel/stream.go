package channel

import (
	"encoding/binary"
	"errors"

	"github.com/xtaci/kcp-go/v5"

	"github.com/skirmishgg/skirmish/protocol/wire"
)

const (
	// StreamMTU is the most KCP bytes in one packet: 1,200 less 23 header and tag, 8 acks, 5 tick, 3 frame, and 41 spare.
	StreamMTU = 1120
	// StreamWindow is the most segments in flight. Window narrows it to what the rate can carry.
	StreamWindow = 128

	streamReceive  = 256
	segmentMax     = StreamMTU - kcp.IKCP_OVERHEAD
	segmentsMax    = (wire.MaxStreamMsg + segmentMax - 1) / segmentMax // of one message
	pushBackAt     = 2 * StreamWindow                                  // waiting segments at which Send refuses
	overflowAt     = 8 * StreamWindow                                  // at which Push does, and the peer is closed
	streamInterval = 10                                                // ms between flushes
	outMax         = 2 * StreamWindow                                  // KCP datagrams that wait for a packet; policy when full: dropped, KCP sends them again
)

// Errors of streams.
var (
	ErrBackpressure = errors.New("channel: the stream's queue is full, try again when the other end has caught up")
	ErrOverflow     = errors.New("channel: the stream's queue is far over its limit")
	ErrStream       = errors.New("channel: not KCP of this stream")
)

// Stream is one reliable, ordered stream of messages over KCP. KCP's clock is its own (wall time, or virtual inside
// testing/synctest), so a stream is serviced, never ticked.
//
// KCP trusts what it is given: a forged segment of 24 bytes empties its send queue. So it only ever sees bytes that came
// under the seal, and of these only what Input has found well-formed.
type Stream struct {
	Dropped uint64 // KCP datagrams that found outMax waiting

	kcp   *kcp.KCP
	out   [][]byte // flushed KCP datagrams that wait for a packet, from first on; buffers are reused
	n     int
	fresh uint8 // rounds of flushes that are owed to what was read, taken or queued last
	eager uint8 // the same for what was queued
}

// freshRounds: KCP keeps its own time, in whole milliseconds, so the first flush after a change may come just too early.
const freshRounds = 2

// NewStream makes the stream of one channel, 4 to 7.
func NewStream(ch uint8) *Stream {
	s := &Stream{}
	s.kcp = kcp.NewKCP(uint32(ch), func(buf []byte, size int) { s.output(buf[:size]) })
	s.kcp.NoDelay(1, streamInterval, 2, 1)
	s.kcp.WndSize(StreamWindow, streamReceive)
	s.kcp.SetMtu(StreamMTU)
	return s
}

func (s *Stream) output(datagram []byte) {
	if s.n == outMax {
		s.Dropped++
		return
	}
	if s.n == len(s.out) {
		s.out = append(s.out, nil)
	}
	s.out[s.n] = append(s.out[s.n][:0], datagram...)
	s.n++
}

// Send queues a message of at most 64 KB; msg is copied. It is for callers that can wait.
// Errors: ErrTooLarge (also for an empty one); ErrBackpressure when twice the window waits: nothing was queued.
func (s *Stream) Send(msg []byte) error {
	if s.kcp.WaitSnd() >= pushBackAt {
		return ErrBackpressure
	}
	return s.Push(msg)
}

// Push queues a message that cannot wait for a better moment, such as one for many receivers.
// Errors: ErrTooLarge; ErrOverflow when eight times the window waits: the other end does not keep up, close it.
func (s *Stream) Push(msg []byte) error {
	switch {
	case len(msg) == 0 || len(msg) > wire.MaxStreamMsg:
		return ErrTooLarge
	case s.kcp.WaitSnd() >= overflowAt:
		return ErrOverflow
	}
	if s.kcp.Send(msg) < 0 {
		return ErrTooLarge
	}
	s.fresh, s.eager = freshRounds, freshRounds
	return nil
}

// Input takes the body of a STREAM frame, one or more segments; body is copied.
// Errors: ErrStream, before any segment was looked at by KCP.
//
//	u32 conversation = channel · u8 command · u8 fragments to come · u16 window · u32 time · u32 number ·
//	u32 next expected · u32 length · bytes
func (s *Stream) Input(ch uint8, body []byte) error {
	for b := body; len(b) > 0; {
		if len(b) < kcp.IKCP_OVERHEAD {
			return ErrStream
		}
		command, fragments, length := b[4], b[5], binary.LittleEndian.Uint32(b[20:])
		switch {
		case binary.LittleEndian.Uint32(b) != uint32(ch), length > uint32(len(b)-kcp.IKCP_OVERHEAD):
			return ErrStream
		case command == kcp.IKCP_CMD_PUSH:
			if length == 0 || length > segmentMax || int(fragments) >= segmentsMax {
				return ErrStream
			}
		case command != kcp.IKCP_CMD_ACK && command != kcp.IKCP_CMD_WASK && command != kcp.IKCP_CMD_WINS, length != 0:
			return ErrStream
		}
		b = b[kcp.IKCP_OVERHEAD+length:]
	}
	// Acks wait for the next Flush, where those of several packets become one.
	s.fresh = freshRounds
	if len(body) == 0 || s.kcp.Input(body, kcp.IKCP_PACKET_REGULAR, false) != 0 {
		return ErrStream
	}
	return nil
}

// Receive gives the next whole message in dst's storage, or in a larger one; nil when there is none.
// Errors: ErrStream when it is larger than a message may be.
func (s *Stream) Receive(dst []byte) ([]byte, error) {
	n := s.kcp.PeekSize()
	if n <= 0 {
		return nil, nil
	}
	if n > wire.MaxStreamMsg {
		return nil, ErrStream
	}
	if cap(dst) < n {
		dst = make([]byte, n)
	}
	dst = dst[:n]
	if s.kcp.Recv(dst) < 0 {
		return nil, nil
	}
	s.fresh = freshRounds // the other end may have to be told that there is room again
	return dst, nil
}

// Window sets how many segments may be in flight, at most StreamWindow: what the rate carries in a round trip. More would
// only wait here until KCP takes it for lost and sends it again.
func (s *Stream) Window(segments int) {
	s.kcp.WndSize(min(max(segments, 4), StreamWindow), 0)
}

// Flush lets KCP write what is due: new segments, lost ones, acks. Next then hands out what it wrote.
func (s *Stream) Flush() {
	if s.kcp.Update(); s.n > 0 {
		s.eager = 0
	}
}

// Busy reports whether Flush has something to do: segments wait to be sent or acked, or acks to be given. A stream that is
// not need not be flushed, and one that was left alone sends its next message at once.
func (s *Stream) Busy() bool { return s.fresh > 0 || s.n > 0 || s.kcp.WaitSnd() > 0 }

// Eager reports whether Flush has something new to send, not only to ack or to send again.
func (s *Stream) Eager() bool { return s.eager > 0 }

// Settle says that a flush interval has passed since the last Settle, with a Flush in it.
func (s *Stream) Settle() {
	s.fresh, s.eager = max(s.fresh, 1)-1, max(s.eager, 1)-1
}

// Next is the oldest KCP datagram that waits for a packet, valid until the next Flush; nil when there is none.
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

// Ready is how many KCP datagrams wait for a packet.
func (s *Stream) Ready() int { return s.n }

// Waiting is how many segments wait to be sent or acked.
func (s *Stream) Waiting() int { return s.kcp.WaitSnd() }
