package skirmish

import (
	"time"

	"github.com/skirmishgg/skirmish/netcode/peer"
)

// Stats is the quality of a connection.
type Stats struct {
	peer.Stats                // round trip, jitter, loss each way, bytes
	Tick        uint32        // of the newest input
	ServerTick  uint32        // of the newest snapshot
	Margin      int8          // how early the newest input came, in 1/16 tick
	Speed       float64       // of the client's ticks
	Jumps       uint64        // hard resynchronisations
	ShownDelay  time.Duration // of interpolation
	Snapshots   uint64
	NotDecoded  uint64        // snapshots without their baseline, or damaged
	SnapshotGap time.Duration // the longest between two snapshots in the last second or two
	Resumptions uint64
}

// Stats is the quality of the connection.
func (c *Conn) Stats() Stats {
	s := c.stats
	if c.peer == nil {
		return s
	}
	s.Stats = c.peer.Stats()
	if c.session() {
		return s
	}
	s.Tick, s.Margin = c.tick, c.margin
	if v := c.decoder.Newest(); v != nil {
		s.ServerTick = v.Tick()
	}
	s.Speed, s.Jumps, s.ShownDelay = c.sync.Speed(), c.sync.Jumps, c.shown.Delay()
	s.SnapshotGap = max(c.gaps.worst, c.gaps.before)
	return s
}

// gaps keeps the longest gap between snapshots of this second and of the one before.
type gaps struct {
	last, second  time.Duration
	worst, before time.Duration
}

func (g *gaps) arrived(now time.Duration) {
	if g.last > 0 {
		g.worst = max(g.worst, now-g.last)
	}
	g.last = now
	if now-g.second >= time.Second {
		g.second, g.before, g.worst = now, g.worst, 0
	}
}
