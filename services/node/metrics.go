package node

import (
	"time"

	"github.com/skirmishgg/skirmish/services/metric"
)

// measure makes the metrics and what they read of the node.
func (b *backend) measure(n *Node) {
	s := b.settings
	b.metrics = metric.New(metric.Config{
		Node: s.Name, Prefix: s.Metrics.Prefix, Namespace: s.Metrics.Namespace, CustomPrefix: s.Metrics.CustomPrefix,
		CustomScopeLimit: s.Metrics.CustomScopeLimit, Now: func() time.Duration { return time.Since(n.started) },
		KnownFunction: func(id string) bool { _, err := b.rpc.Find(id); return err == nil },
	})
	b.metrics.Gauge("sessions", "Realtime sessions that are open.", func() float64 { return float64(b.live.Count()) })
	b.metrics.Gauge("presences", "Sessions in streams.", func() float64 { return float64(b.presence.Total()) })
	b.metrics.Gauge("matchmaker_tickets", "Tickets in the matchmaker.", func() float64 { tickets, _ := b.matchmaker.Count(); return float64(tickets) })
	b.metrics.Gauge("matchmaker_active_tickets", "Tickets that search.", func() float64 { _, searching := b.matchmaker.Count(); return float64(searching) })
	b.metrics.Gauge("authoritative_matches", "Matches that server code runs.", func() float64 { return float64(b.match.Count()) })
	b.metrics.Gauges("storage_index_entry_count", "Objects in storage indexes.", "index_name", b.index.Sizes)
	b.metrics.Engine(func() metric.EngineStats { return engineStats(n.Stats()) })
}

func engineStats(s Stats) metric.EngineStats {
	e := metric.EngineStats{Players: s.Players, Spectators: s.Spectators, Conns: s.Conns, Matches: len(s.Matches), Ended: s.Ended}
	for _, sh := range s.Shards {
		one := metric.ShardStats{
			Ticks: sh.Ticks, Overruns: sh.Overruns, Slipped: sh.Slipped, Panics: sh.Panics, Busy: sh.Busy,
			TickP50: sh.TickP50, TickP99: sh.TickP99, LateP50: sh.LatenessP50, LateP99: sh.LatenessP99, LateP999: sh.LatenessP999,
			RxDatagrams: sh.RxPackets, RxBytes: sh.RxBytes, RxDropped: sh.RxDropped,
			TxDatagrams: sh.TxPackets, TxBytes: sh.TxBytes, TxDropped: sh.TxDropped,
			Accepted: sh.Accepts, Resumed: sh.Resumed, TimedOut: sh.Timeouts, Garbage: sh.Garbage,
		}
		e.Shards = append(e.Shards, one)
	}
	return e
}
