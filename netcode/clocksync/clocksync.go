// Package clocksync keeps a client's ticks just far enough ahead of the server's that its inputs arrive in time.
//
// There is no clock to agree on. The server says with every datagram how early the newest input came, in sixteenths of
// its tick (the margin); the client runs a few percent faster when that is too little, slower when it is too much:
//
//	margin of the worst packet in a hundred ──▶ should be one tick ──▶ speed 0.95 to 1.05, or a jump beyond 10 ticks
//
// So the lead covers half a round trip, the server's own tick, and exactly the jitter of this path. A client owns its
// Sync; time is passed in, nothing allocates.
package clocksync

import (
	"slices"
	"time"
)

const (
	window     = 128  // margin samples that are looked at: about two seconds at 60 Hz
	settle     = 16   // samples after a jump before the next
	lateRank   = 1    // of the window, counted from the least: the worst packet in a hundred
	target     = 16.0 // sixteenths: one tick
	speedMax   = 0.05
	gain       = 0.02 // of speed per tick of error
	jumpBeyond = 10.0 // ticks of error
	unit       = 16.0 // sixteenths of a tick
)

// Sync steers one client's ticks.
type Sync struct {
	period time.Duration // of the server's tick

	// samples are margins less the lead at the time they came, so that old ones stay comparable after steering
	samples [window]float64
	sorted  [window]float64
	count   int // valid samples, and where the next goes
	next    int
	lead    float64 // sixteenths that steering has added so far
	fresh   int     // samples since the last jump

	speed float64
	Jumps uint64 // hard resynchronisations
}

// New steers towards a server of this tick rate.
func New(rate int) *Sync { return &Sync{period: time.Second / time.Duration(rate), speed: 1} }

// First is the tick a client should begin with when the server was at serverTick half a round trip ago: the input then
// arrives about two ticks early, and steering takes it from there.
func (s *Sync) First(serverTick uint32, rtt time.Duration) uint32 {
	return serverTick + uint32((rtt+s.period-1)/s.period) + 2
}

// Margin takes the server's word on the newest input, in sixteenths of a tick. It returns how many ticks to jump: 0
// normally, otherwise the client's tick and all that is planned with it moves by so many at once.
func (s *Sync) Margin(margin int8) (jump int32) {
	s.samples[s.next] = float64(margin) - s.lead
	s.next = (s.next + 1) % window
	s.count = min(s.count+1, window)
	s.fresh++
	e := s.worst() + s.lead - target // error in sixteenths: positive is too early
	if s.fresh >= settle && (e > jumpBeyond*unit || e < -jumpBeyond*unit || saturated(margin)) {
		return s.jump(e, margin)
	}
	s.speed = 1 - min(max(e/unit*gain, -speedMax), speedMax)
	return 0
}

// saturated margins only say "at least so much": 8 ticks late or early.
func saturated(margin int8) bool { return margin == 127 || margin == -128 }

func (s *Sync) jump(e float64, margin int8) int32 {
	ticks := -e / unit
	if saturated(margin) {
		ticks *= 2 // it is further off than the number can say; the next jump refines
	}
	s.lead, s.count, s.next, s.fresh, s.speed = 0, 0, 0, 0, 1
	s.Jumps++
	if ticks < 0 {
		return int32(ticks - 0.5)
	}
	return int32(ticks + 0.5)
}

// worst is the sample that one in a hundred falls short of.
func (s *Sync) worst() float64 {
	n := copy(s.sorted[:], s.samples[:s.count])
	slices.Sort(s.sorted[:n])
	return s.sorted[min(lateRank*n/100, n-1)]
}

// Tick is how long the client's next tick lasts, and counts what that does to the lead. Call it once a tick.
func (s *Sync) Tick() time.Duration {
	s.lead += (s.speed - 1) * unit
	return time.Duration(float64(s.period) / s.speed)
}

// Speed is the client's ticks per server tick, 0.95 to 1.05.
func (s *Sync) Speed() float64 { return s.speed }
