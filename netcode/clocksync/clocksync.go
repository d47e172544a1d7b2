// Package clocksync keeps a client's ticks just far enough ahead of the server's that its inputs arrive in time.
//
// There is no clock to agree on. The server says with every datagram how early the newest input came, in sixteenths of
// its tick (the margin); the client runs a few percent faster when that is too little, slower when it is too much:
//
//	margin of the worst packet in a hundred ──▶ one tick, and more on a lossy path ──▶ speed 0.95 to 1.05
//	all packets more than ten ticks off ──▶ a jump
//
// So the lead covers half a round trip, the server's own tick, and exactly the jitter of this path. What the server says
// is a round trip old: each margin is compared with the lead its input had then, not with the lead of now, and steering
// stays calm at a second of latency. A client owns its Sync; time is passed in, nothing allocates.
package clocksync

import "time"

const (
	window     = 128 // margins that are looked at: about two seconds at 60 Hz
	settle     = 16  // reports in a row that must agree on a jump
	speedMax   = 0.05
	gain       = 0.02 // of speed per tick of error: at 60 Hz an error halves in 0.6 s
	jumpBeyond = 10   // ticks of error
	unit       = 16.0 // a tick, in the unit of margins
	leadsMax   = 256  // ticks of leads that are remembered: a second of round trip at the highest rate
	lossSmooth = 1.0 / 128

	// lateMax is the part of inputs that may be late because they and their repetitions were lost: half of the 0.01 % that
	// may be late at all.
	lateMax    = 5e-5
	repeatsMax = 7 // a packet carries eight inputs
)

// Sync steers one client's ticks.
type Sync struct {
	period time.Duration // of the server's tick

	// samples are margins less the lead of their input, so that old ones stay comparable after steering
	samples [window]float32
	count   int // valid samples
	next    int // where the next one goes

	lead  float32 // sixteenths that steering has added so far
	leads [leadsMax]float32
	ticks uint32 // counts Tick
	blind uint32 // until then, what the server says is of before the last jump

	astray int   // reports in a row that say "more than ten ticks off", negative: too late
	least  int32 // the smallest error of them
	loss   float64
	speed  float64

	Jumps uint64 // hard resynchronisations
}

// New steers towards a server of this tick rate.
func New(rate int) *Sync { return &Sync{period: time.Second / time.Duration(rate), speed: 1} }

// First is the tick a client should begin with when serverTick was the server's half a round trip ago: the input then
// arrives about two ticks early, and steering takes it from there.
func (s *Sync) First(serverTick uint32, rtt time.Duration) uint32 {
	s.blind = s.inTicks(rtt)*5/4 + 4
	return serverTick + s.inTicks(rtt) + 2
}

// Report is what a datagram of the server says of the client's inputs.
type Report struct {
	ServerTick uint32        // of the datagram
	ClientTick uint32        // the client's newest tick when it arrives
	Margin     int8          // how early the newest input came, in sixteenths of a tick
	RTT        time.Duration // as measured now
	Loss       float64       // of the client's packets, 0 to 1
}

// Margin takes a report. It returns how many ticks to jump: 0 normally, otherwise the client's tick and all that is
// planned with it moves by so many at once.
func (s *Sync) Margin(r Report) (jump int32) {
	if int32(s.ticks-s.blind) < 0 {
		return 0
	}
	s.loss += (min(max(r.Loss, 0), 1) - s.loss) * lossSmooth
	target := unit * (1 + s.repeats())
	if jump := s.far(r, target); jump != 0 {
		s.Jumped(jump, r.RTT)
		s.Jumps++
		return jump
	}
	age := min(s.inTicks(r.RTT)+1, leadsMax-1, s.ticks)
	s.samples[s.next] = float32(r.Margin) - s.leads[(s.ticks-age)%leadsMax]
	s.next = (s.next + 1) % window
	s.count = min(s.count+1, window)
	early := float64(s.worst()+s.lead) - target
	s.speed = 1 - min(max(early/unit*gain, -speedMax), speedMax)
	return 0
}

// repeats is how many ticks more than one the inputs must be early so that, at this loss, enough of them arrive at least
// once in time: each is in the seven packets after its own, too.
func (s *Sync) repeats() float64 {
	n, lost := 0.0, s.loss
	for lost > lateMax && n < repeatsMax {
		lost *= s.loss
		n++
	}
	return max(n-1, 0)
}

// far is the jump that is due: a margin cannot say more than eight ticks, but the two tick counts and the round trip
// can. A path that stalls for a moment says the same, hence settle reports in a row, and the least of what they say.
func (s *Sync) far(r Report, target float64) int32 {
	off := int32(r.ClientTick-r.ServerTick) - int32(s.inTicks(r.RTT)) - int32(target/unit)
	switch {
	case off > jumpBeyond && r.Margin == 127:
		if s.astray <= 0 {
			s.astray, s.least = 0, off
		}
		s.astray, s.least = s.astray+1, min(s.least, off)
	case off < -jumpBeyond && r.Margin == -128:
		if s.astray >= 0 {
			s.astray, s.least = 0, off
		}
		s.astray, s.least = s.astray-1, max(s.least, off)
	default:
		s.astray = 0
	}
	if s.astray >= settle || s.astray <= -settle {
		return -s.least
	}
	return 0
}

// Jumped forgets what was measured: the client's ticks have moved by some.
func (s *Sync) Jumped(ticks int32, rtt time.Duration) {
	s.lead += float32(ticks) * unit
	s.count, s.next, s.astray, s.speed = 0, 0, 0, 1
	s.blind = s.ticks + s.inTicks(rtt)*5/4 + 4
}

// worst is the sample that one in a hundred falls short of: of 128, the second least.
func (s *Sync) worst() float32 {
	first, second := s.samples[0], s.samples[0]
	for i, v := range s.samples[:s.count] {
		switch {
		case v < first:
			first, second = v, first
		case v < second || i == 1:
			second = v
		}
	}
	if s.count < window*3/4 {
		return first
	}
	return second
}

// Tick is how long the client's next tick lasts, and counts what that does to the lead. Call it once a tick.
func (s *Sync) Tick() time.Duration {
	s.lead += float32((s.speed - 1) * unit)
	s.ticks++
	s.leads[s.ticks%leadsMax] = s.lead
	return time.Duration(float64(s.period) / s.speed)
}

// Speed is the client's ticks per server tick, 0.95 to 1.05.
func (s *Sync) Speed() float64 { return s.speed }

// inTicks is a time in ticks, rounded up.
func (s *Sync) inTicks(d time.Duration) uint32 { return uint32((max(d, 0) + s.period - 1) / s.period) }
