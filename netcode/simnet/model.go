package simnet

import "time"

// Model decides what happens to the packets of one direction.
type Model struct {
	config LinkConfig
	random random
	bad    bool          // Gilbert-Elliott: in the bad state
	busy   time.Duration // Rate: when the packet now being sent will be out
	last   time.Duration // when the last packet in order arrives
	stats  Stats
}

// Fate is what happens to one packet.
type Fate struct {
	Copies int              // 0: lost
	At     [2]time.Duration // when each copy arrives
	Flip   [2]int           // the bit of each copy to flip, bit 0 being the lowest of byte 0; -1 for none
}

// Stats counts packets.
type Stats struct {
	Sent       uint64 // handed to the link
	Lost       uint64 // by Loss or GE
	Overflowed uint64 // by a full Queue
	Duplicated uint64
	Reordered  uint64 // held back by Reorder
	Corrupted  uint64 // copies
	Bytes      uint64 // handed to the link
}

// Add adds another link's counts.
func (s *Stats) Add(o Stats) {
	s.Sent += o.Sent
	s.Lost += o.Lost
	s.Overflowed += o.Overflowed
	s.Duplicated += o.Duplicated
	s.Reordered += o.Reordered
	s.Corrupted += o.Corrupted
	s.Bytes += o.Bytes
}

// NewModel returns the model of an idle link. It panics when c.Check fails.
func NewModel(c LinkConfig, seed uint64) Model {
	m := Model{random: random{seed}}
	m.SetConfig(c)
	return m
}

// SetConfig changes the link from the next packet on; what is under way stays so. It panics when c.Check fails.
func (m *Model) SetConfig(c LinkConfig) {
	if err := c.Check(); err != nil {
		panic(err)
	}
	if c.ReorderBy == 0 {
		c.ReorderBy = defaultReorderBy
	}
	if c.Queue == 0 {
		c.Queue = defaultQueue
	}
	m.config = c
}

// Stats is what happened so far.
func (m *Model) Stats() Stats { return m.stats }

// Send decides the fate of a packet of size bytes sent at now. Calls come in the order of time.
//
// Every packet draws the same random numbers whatever the config, so that two runs that differ in one setting differ by
// that setting alone: the same packets are lost with and without jitter.
func (m *Model) Send(now time.Duration, size int) Fate {
	var (
		c         = &m.config
		r         = &m.random
		step      = r.unit()
		burstLoss = r.unit()
		loss      = r.unit()
		held      = r.unit()
		holdFor   = r.unit()
		twice     = r.unit()
		jitter    = [2]float64{r.unit(), r.unit()}
		corrupt   = [2]float64{r.unit(), r.unit()}
		bit       = [2]uint64{r.next(), r.next()}
	)
	m.stats.Sent++
	m.stats.Bytes += uint64(size)

	out, ok := m.transmit(now, size)
	if !ok {
		m.stats.Overflowed++
		return Fate{}
	}
	if m.loses(step, burstLoss, loss) {
		m.stats.Lost++
		return Fate{}
	}

	f := Fate{Copies: 1, Flip: [2]int{-1, -1}}
	f.At[0] = m.arrival(out, jitter[0])
	if !c.Overtake {
		f.At[0] = max(f.At[0], m.last)
		m.last = f.At[0]
	}
	if held < c.Reorder {
		m.stats.Reordered++
		f.At[0] += 1 + time.Duration(holdFor*float64(c.ReorderBy))
	}
	if twice < c.Duplicate {
		m.stats.Duplicated++
		f.Copies = 2
		f.At[1] = max(m.arrival(out, jitter[1]), f.At[0])
	}
	for i := range f.Copies {
		if corrupt[i] < c.Corrupt && size > 0 {
			m.stats.Corrupted++
			f.Flip[i] = int(bit[i] % uint64(size*8))
		}
	}
	return f
}

// transmit passes the packet through Rate and its queue: when its last byte is out, or false if the queue is full.
func (m *Model) transmit(now time.Duration, size int) (out time.Duration, ok bool) {
	rate := time.Duration(m.config.Rate)
	if rate == 0 {
		return now, true
	}
	if m.busy > now {
		waiting := (m.busy - now) * rate / time.Second // bytes
		if int(waiting)+size > m.config.Queue {
			return 0, false
		}
	} else {
		m.busy = now
	}
	m.busy += time.Duration(size) * time.Second / rate
	return m.busy, true
}

func (m *Model) loses(step, burstLoss, loss float64) bool {
	g := &m.config.GE
	if m.bad {
		m.bad = step >= g.PBG
	} else {
		m.bad = step < g.PGB
	}
	burst := g.LossGood
	if m.bad {
		burst = g.LossBad
	}
	return burstLoss < burst || loss < m.config.Loss
}

func (m *Model) arrival(out time.Duration, jitter float64) time.Duration {
	c := &m.config
	return out + max(0, c.Delay+time.Duration((jitter*2-1)*float64(c.Jitter)))
}
