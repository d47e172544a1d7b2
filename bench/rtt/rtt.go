// Package rtt measures how long a game's event takes to the server's handler and back, over ours, kcp-go and WebSocket.
//
// The game is the same for all three: every client sends one event a tick, in its tick; the server collects what
// arrived and answers in its own tick; the client's handler runs when the answer arrives. So a round trip holds the
// link twice, the wait for the server's tick, and whatever a transport does about loss.
//
//	Play, Join, Definition    ours: a node's match, and the Go client
//	Drive                     the clients' side of the references, over anything that can send
//	ServeKCP, DialKCP, ServeWebSocket, DialWebSocket
//
// An event is u32 client · u32 sequence · i64 nanoseconds when Send was called · zeros to 32 bytes.
package rtt

import (
	"encoding/binary"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/skirmishgg/skirmish/bench/hist"
	"github.com/skirmishgg/skirmish/bench/pace"
)

const (
	// EventBytes is the size of an event: a hit report, a pickup, a door.
	EventBytes = 32
	// slots spread the clients' ticks over the period, as players' are.
	slots = 20
	// stragglerWait is how long Drive waits after the last send for answers that are still on their way.
	stragglerWait = 3 * time.Second
)

// Sender is a client's connection: Send queues or sends one event; the event is not kept.
type Sender interface{ Send(event []byte) error }

// Report is what a Drive saw.
type Report struct {
	Clients int     `json:"clients"`
	Sent    uint64  `json:"sent"`
	Lost    uint64  `json:"lost"`   // never answered, though reliable
	Double  uint64  `json:"double"` // answered more than once, though reliable
	P50ms   float64 `json:"p50_ms"` // lost events count as an endless round trip
	P99ms   float64 `json:"p99_ms"`
	Maxms   float64 `json:"max_ms"`
}

// Sink collects the answers. Any goroutine may call Received.
type Sink struct {
	clock *pace.Clock

	mu     sync.Mutex
	open   bool // warm-up answers are not counted
	times  hist.Hist
	first  []uint32 // events are counted from here on, by client
	seen   []map[uint32]struct{}
	double uint64
}

// NewSink makes a sink for n clients.
func NewSink(n int) *Sink {
	s := &Sink{clock: pace.New(), first: make([]uint32, n), seen: make([]map[uint32]struct{}, n)}
	for i := range s.seen {
		s.seen[i] = map[uint32]struct{}{}
	}
	return s
}

// Received is a client's handler: an answer came in just now. Malformed ones are dropped.
func (s *Sink) Received(event []byte) {
	if len(event) >= EventBytes {
		le := binary.LittleEndian
		s.received(le.Uint32(event), le.Uint32(event[4:]), time.Duration(le.Uint64(event[8:])))
	}
}

func (s *Sink) received(client, seq uint32, sent time.Duration) {
	now := s.clock.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if int64(client) >= int64(len(s.seen)) || !s.open || seq < s.first[client] {
		return
	}
	if _, twice := s.seen[client][seq]; twice {
		s.double++
		return
	}
	s.seen[client][seq] = struct{}{}
	s.times.Add(now - sent)
}

// Drive sends an event a tick from each client, unmeasured for warm, then measured until each has sent count of them.
// Errors: a Sender's.
func Drive(s *Sink, clients []Sender, rate int, warm time.Duration, count int) (Report, error) {
	period := time.Second / time.Duration(rate)
	step := period / slots
	warmTicks := int(warm / period)
	var event [EventBytes]byte
	start := s.clock.Now()
	for k := range (warmTicks + count) * slots {
		s.clock.SleepUntil(start + time.Duration(k)*step)
		seq := uint32(k / slots)
		if k == warmTicks*slots {
			s.begin(slices.Repeat([]uint32{seq}, len(clients)))
		}
		for i := k % slots; i < len(clients); i += slots {
			binary.LittleEndian.PutUint32(event[:], uint32(i))
			binary.LittleEndian.PutUint32(event[4:], seq)
			binary.LittleEndian.PutUint64(event[8:], uint64(s.clock.Now()))
			if err := clients[i].Send(event[:]); err != nil {
				return Report{}, errors.Join(errors.New("send an event"), err)
			}
		}
	}
	sent := uint64(len(clients) * count)
	for wait := s.clock.Now() + stragglerWait; s.count() < sent && s.clock.Now() < wait; {
		s.clock.SleepUntil(s.clock.Now() + 10*time.Millisecond)
	}
	return s.report(len(clients), sent), nil
}

// begin starts to count, from each client's event first[client] on.
func (s *Sink) begin(first []uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = true
	copy(s.first, first)
}

func (s *Sink) count() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.times.Count()
}

func (s *Sink) report(clients int, sent uint64) Report {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := Report{Clients: clients, Sent: sent, Lost: sent - min(sent, s.times.Count()), Double: s.double}
	for range r.Lost {
		s.times.Add(time.Hour)
	}
	ms := func(d time.Duration) float64 { return float64(d) / 1e6 }
	r.P50ms, r.P99ms, r.Maxms = ms(s.times.Quantile(0.5)), ms(s.times.Quantile(0.99)), ms(s.times.Max())
	return r
}
