package shard

import (
	"time"

	"github.com/skirmishgg/skirmish/engine/match"
	"github.com/skirmishgg/skirmish/netcode/peer"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// running is a match with its connections and its place in time.
type running struct {
	*match.Match
	id    id.UUID
	info  *Info
	conns []*conn

	start time.Duration // tick n is due at start + n/rate, exactly
	n     uint64
	due   time.Duration
	cost  time.Duration // of a tick with its snapshots, smoothed; decides who goes when the shard is overloaded

	lingers time.Duration // once the game has ended it: until when its last events are repeated
	untold  bool          // the label has changed, and Config.Labels had no room
}

const (
	catchUpMax = 4                    // ticks a match runs in one Step; what it is behind after that is given up
	bodyMin    = 16                   // bytes without which no snapshot is begun
	lingerMax  = time.Second          // for the last events of a match
	freshEvery = 4 * time.Millisecond // between datagrams of a carrier to one player; what comes sooner waits for the service
)

// start spreads matches over the tick, so that a hundred of them do not fall due at once: by the golden ratio each
// falls into the largest gap.
func (s *Shard) start(m *running) {
	if s.stopping {
		m.Stop(wire.CloseShutdown)
	}
	const golden = 0x9E3779B97F4A7C15 // 2^64 divided by it
	s.phase += golden
	period := uint64(time.Second) / uint64(m.info.Rate)
	m.start = s.now + time.Duration(s.phase>>32*period>>32)
	m.due = m.start
	s.matches = append(s.matches, m)
	s.Stats.Matches.Store(int64(len(s.matches)))
	m.publish()
}

func (s *Shard) find(match id.UUID) *running {
	for _, m := range s.matches {
		if m.id == match && m.Over() == wire.CloseNone {
			return m
		}
	}
	return nil
}

// runDue runs the matches that are due, or will be in a moment.
func (s *Shard) runDue() {
	soon := s.now + shareWithin
	at := time.Duration(-1)
	for _, m := range s.matches {
		if m.due > soon || m.lingers == 0 && m.Over() != wire.CloseNone {
			continue
		}
		if at < 0 {
			at = s.c.Clock.Now() // the drain took its time
		}
		if m.lingers == 0 {
			at = s.run(m, at)
		} else {
			s.linger(m, at)
		}
	}
}

// run runs a match that is due at a time and returns when it was done.
func (s *Shard) run(m *running, at time.Duration) time.Duration {
	s.Stats.Lateness.add(max(at-m.due, 0))
	for ran := 1; ; ran++ {
		m.Tick()
		m.next()
		s.Stats.Ticks.add(1)
		if m.due > at || m.Over() != wire.CloseNone {
			break
		}
		if ran == catchUpMax {
			s.giveUp(m, at)
			break
		}
		s.Stats.CaughtUp.add(1)
	}
	if m.info.Carrier {
		s.sendFresh(m)
	} else {
		for i := 0; i < len(m.conns); i++ {
			s.send(m, m.conns[i], at)
		}
	}
	if m.Over() == wire.CloseMatchEnded {
		m.lingers = at + lingerMax
	}
	s.relabel(m)
	done := s.c.Clock.Now()
	m.cost += (done - at - m.cost) / 16
	s.Stats.TickTime.add(done - at)
	s.overload.busy += done - at
	m.info.note(m, done-at)
	return done
}

// relabel publishes the label when the game has set another one, and tells of it.
func (s *Shard) relabel(m *running) {
	if m.Relabelled() {
		m.info.SetLabel(m.Label())
		m.untold = true
	}
	if !m.untold {
		return
	}
	if s.c.Labels == nil || m.info.waiting.Swap(true) {
		m.untold = false // whoever takes it out reads the newest
	} else if m.untold = !s.c.Labels.TryPush(m.info); m.untold {
		m.info.waiting.Store(false)
	}
}

// linger repeats the last events of a match that the game has ended, until all have arrived.
func (s *Shard) linger(m *running, at time.Duration) {
	m.next()
	waiting := false
	for _, c := range m.conns {
		if c.peer.Stats().EventsUnacked == 0 {
			continue
		}
		waiting = true
		c.peer.Begin(s.socket.Buffer(), at, peer.TickInfo{})
		s.socket.Queue(c.peer.Finish(-1), c.peer.Addr())
	}
	if !waiting || at >= m.lingers {
		m.lingers = -1
		m.Dismiss()
	}
}

// next moves on to the next tick's deadline, computed anew from the start, so that rounding never adds up.
func (m *running) next() {
	m.n++
	m.due = m.start + time.Duration(m.n*uint64(time.Second)/uint64(m.info.Rate))
}

// giveUp moves a match that is too far behind to now. Its ticks stay numbered without gaps; its clients see time stand
// still for a moment, and steer after it.
func (s *Shard) giveUp(m *running, at time.Duration) {
	behind := uint64(at-m.due)*uint64(m.info.Rate)/uint64(time.Second) + 1
	m.start += time.Duration(behind * uint64(time.Second) / uint64(m.info.Rate))
	m.due = m.start + time.Duration(m.n*uint64(time.Second)/uint64(m.info.Rate))
	s.Stats.Slipped.add(behind)
	m.info.Slipped.Add(behind)
	s.overload.slipped += behind
}

// send builds the datagram in the socket's buffer: header, acks, tick, events, and what changed for this player.
func (s *Shard) send(m *running, c *conn, at time.Duration) {
	t := peer.TickInfo{Valid: true, Tick: m.LastTick()}
	t.Margin, t.InputDelta = m.Margin(c.player)
	share, every := c.peer.Shed()

	c.peer.Begin(s.socket.Buffer(), at, t)
	body := -1
	if t.Tick%every == 0 {
		if tail := c.peer.Tail(wire.FrameSnapshot); len(tail) >= bodyMin {
			n, baseline := m.Snapshot(c.player, tail, share)
			c.peer.SetBaseline(baseline)
			body = n
		}
	}
	s.socket.Queue(c.peer.Finish(body), c.peer.Addr())
}

// sendFresh sends what a carrier has for its players, each in a datagram of its own: there is no tick to wait for. Who had one
// a moment ago waits for the next service, so that many messages become one datagram.
func (s *Shard) sendFresh(m *running) {
	for _, c := range m.conns {
		if c.fresh && s.now-c.freshAt >= freshEvery {
			s.sendNow(c)
		}
	}
}

func (s *Shard) sendNow(c *conn) {
	c.fresh, c.freshAt = false, s.now
	c.peer.Begin(s.socket.Buffer(), s.now, peer.TickInfo{})
	s.socket.Queue(c.peer.Finish(-1), c.peer.Addr())
}

// detach takes a connection out of its match.
func (m *running) detach(c *conn) {
	last := len(m.conns) - 1
	m.conns[c.inTurn] = m.conns[last]
	m.conns[c.inTurn].inTurn = c.inTurn
	m.conns[last] = nil
	m.conns = m.conns[:last]
	c.match, c.player = nil, nil
}

// finishMatches forgets the matches that are over and reports why.
func (s *Shard) finishMatches() {
	for i := 0; i < len(s.matches); {
		m := s.matches[i]
		why := m.Over()
		if why == wire.CloseNone || m.lingers > 0 {
			i++
			continue
		}
		s.matches = append(s.matches[:i], s.matches[i+1:]...)
		if why == wire.CloseMatchError {
			s.Stats.Panics.add(1)
		}
		m.info.Over.Store(uint32(why))
		m.publish()
		s.Stats.Matches.Store(int64(len(s.matches)))
		if s.c.Reports == nil {
			continue
		}
		if !s.c.Reports.TryPush(Report{Match: m.id, Info: m.info, Name: m.info.Name, Shard: s.c.Index, Tick: m.LastTick(), Why: why, Err: m.Failure()}) {
			s.Stats.ReportsDropped.add(1)
		}
	}
}
