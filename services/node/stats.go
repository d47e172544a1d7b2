package node

import (
	"net/netip"
	"time"

	"github.com/skirmishgg/skirmish/engine/loop"
	"github.com/skirmishgg/skirmish/engine/shard"
	"github.com/skirmishgg/skirmish/engine/udp"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// Stats is a node's figures since its start.
type Stats struct {
	Uptime  time.Duration
	Addr    string
	Driver  string
	Note    string // why the driver is not the first choice
	Shards  []ShardStats
	Matches []MatchStats
	Control loop.Stats

	Players    int // with a place, over all matches
	Spectators int
	Conns      int
	BytesIn    uint64 // UDP payload of the shards' sockets
	BytesOut   uint64
	Ended      map[string]uint64 // matches, by how they ended
	Posted     uint64            // operations taken from ticks
	PostsLost  uint64            // for which the ring had no room
}

// ShardStats is one shard's.
type ShardStats struct {
	Priority       string
	Matches, Conns int
	Ticks          uint64
	CaughtUp       uint64
	Slipped        uint64
	Overruns       uint64
	Panics         uint64
	Busy           time.Duration // in ticks and snapshots
	Stepped        time.Duration // in all of a shard's work: receiving, ticks, snapshots, sending

	TickP50, TickP99                          time.Duration
	LatenessP50, LatenessP99, LatenessP999    time.Duration
	Accepts, Resumed, Timeouts                uint64
	Denied                                    map[wire.Deny]uint64 `json:",omitempty"`
	Unknown, Resets, Refused, Garbage         uint64
	RxPackets, RxBytes, RxDropped             uint64
	TxPackets, TxBytes, TxDropped, TxErrors   uint64
	InboxFull, ReportsDropped, ResumesRefused uint64
}

// MatchStats is one running match's.
type MatchStats struct {
	ID         string
	Name       string
	Rate       int
	Shard      int
	Tick       uint32
	TickTime   time.Duration // of the last one, with its snapshots
	Players    int
	Spectators int
	Connected  int
	Slipped    uint64
}

// Stats asks everything. A few microseconds a shard and system calls for the kernel's counters: for pages and metrics.
func (n *Node) Stats() Stats {
	group := n.port.Group()
	s := Stats{
		Uptime: time.Since(n.started), Addr: group.LocalAddr().String(), Driver: group.Driver(), Note: group.Note(),
		Control: n.control.Stats(), Ended: map[string]uint64{}, PostsLost: n.posts.Dropped.Load(),
	}
	n.mu.Lock()
	stopped := n.stopped
	for why, count := range n.ended {
		s.Ended[why] = count
	}
	n.mu.Unlock()
	s.Posted = n.posted.Load()
	for _, m := range n.directory.List() {
		one := MatchStats{
			ID: m.ID.String(), Name: m.Name, Rate: m.Rate, Shard: m.Shard, Tick: m.Tick.Load(),
			TickTime: time.Duration(m.TickNs.Load()), Players: int(m.Players.Load()), Spectators: int(m.Spectators.Load()),
			Connected: int(m.Connected.Load()), Slipped: m.Slipped.Load(),
		}
		s.Players += one.Players
		s.Spectators += one.Spectators
		s.Matches = append(s.Matches, one)
	}
	for i, sh := range n.shards {
		one := shardStats(&sh.Stats)
		if !stopped { // a closed socket's counters are gone
			one.addSocket(group.Shard(i).Counters())
		}
		s.Conns += one.Conns
		s.BytesIn += one.RxBytes
		s.BytesOut += one.TxBytes
		s.Shards = append(s.Shards, one)
	}
	return s
}

func shardStats(st *shard.Stats) ShardStats {
	ticks, late := st.TickTime.Buckets(nil), st.Lateness.Buckets(nil)
	s := ShardStats{
		Priority: st.Priority().String(), Matches: int(st.Matches.Load()), Conns: int(st.Conns.Load()),
		Ticks: st.Ticks.Load(), CaughtUp: st.CaughtUp.Load(), Slipped: st.Slipped.Load(), Overruns: st.Overruns.Load(),
		Panics: st.Panics.Load(), Busy: st.TickTime.Sum(), Stepped: time.Duration(st.StepTime.Load()),
		TickP50: shard.Quantile(ticks, 0.5), TickP99: shard.Quantile(ticks, 0.99),
		LatenessP50: shard.Quantile(late, 0.5), LatenessP99: shard.Quantile(late, 0.99), LatenessP999: shard.Quantile(late, 0.999),
		Accepts: st.Accepts.Load(), Resumed: st.Resumed.Load(), Timeouts: st.Timeouts.Load(),
		Unknown: st.Unknown.Load(), Resets: st.Resets.Load(), Refused: st.Refused.Load(), Garbage: st.Garbage.Load(),
		InboxFull: st.InboxFull.Load(), ReportsDropped: st.ReportsDropped.Load(), ResumesRefused: st.ResumesDenied.Load(),
	}
	for why := range st.Denied {
		if count := st.Denied[why].Load(); count > 0 {
			if s.Denied == nil {
				s.Denied = map[wire.Deny]uint64{}
			}
			s.Denied[wire.Deny(why)] = count
		}
	}
	return s
}

func (s *ShardStats) addSocket(c *udp.Counters) {
	s.RxPackets, s.RxBytes, s.RxDropped = c.RxPackets.Load(), c.RxBytes.Load(), c.RxDropped.Load()
	s.TxPackets, s.TxBytes, s.TxDropped, s.TxErrors = c.TxPackets.Load(), c.TxBytes.Load(), c.TxDropped.Load(), c.TxErrors.Load()
}

// ShardStats are the live figures of a shard, for who wants differences of histograms: a bench.
func (n *Node) ShardStats(i int) *shard.Stats { return &n.shards[i].Stats }

// public is what connect tokens say.
func (n *Node) public() []netip.AddrPort {
	if len(n.c.Public) > 0 {
		return n.c.Public
	}
	local := n.Addr()
	if !local.Addr().IsUnspecified() {
		return []netip.AddrPort{local}
	}
	return []netip.AddrPort{netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), local.Port())}
}
