package metric

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// DatabaseStats are of a pool of connections.
type DatabaseStats struct {
	MaxOpen, Open, InUse, Idle                 int
	Waits                                      int64
	Waited                                     time.Duration
	IdleClosed, IdleTimeClosed, LifetimeClosed int64
}

// Database registers the database pool.
func (m *Metrics) Database(read func() DatabaseStats) {
	maxOpen, open := m.desc("db_max_open_conns", "Connections that the pool may open."), m.desc("db_total_open_conns", "Open connections.")
	inUse, idle := m.desc("db_in_use_conns", "Connections in use."), m.desc("db_idle_conns", "Idle connections.")
	waits, waited := m.desc("db_total_wait_count", "Times somebody waited for a connection."), m.desc("db_total_wait_time_nanos", "Nanoseconds waited for connections.")
	idleClosed := m.desc("db_total_max_idle_closed", "Connections closed because too many were idle.")
	idleTime := m.desc("db_total_max_idle_time_closed", "Connections closed because they were idle too long.")
	lifetime := m.desc("db_total_max_lifetime_closed", "Connections closed because of their age.")
	m.register(func(out chan<- prometheus.Metric) {
		s := read()
		gauge(out, maxOpen, float64(s.MaxOpen))
		gauge(out, open, float64(s.Open))
		gauge(out, inUse, float64(s.InUse))
		gauge(out, idle, float64(s.Idle))
		gauge(out, waits, float64(s.Waits))
		gauge(out, waited, float64(s.Waited))
		gauge(out, idleClosed, float64(s.IdleClosed))
		gauge(out, idleTime, float64(s.IdleTimeClosed))
		gauge(out, lifetime, float64(s.LifetimeClosed))
	}, maxOpen, open, inUse, idle, waits, waited, idleClosed, idleTime, lifetime)
}

// EngineStats are of the realtime engine.
type EngineStats struct {
	Players, Spectators, Conns, Matches int
	Ended                               map[string]uint64 // matches, by how they ended
	Shards                              []ShardStats
}

// ShardStats are of one shard since its start.
type ShardStats struct {
	Ticks, Overruns, Slipped, Panics     uint64
	Busy                                 time.Duration // in ticks and snapshots
	TickP50, TickP99                     time.Duration
	LateP50, LateP99, LateP999           time.Duration // of tick starts
	RxDatagrams, RxBytes, RxDropped      uint64
	TxDatagrams, TxBytes, TxDropped      uint64
	Accepted, Resumed, TimedOut, Garbage uint64
}

// Engine registers the engine's figures.
func (m *Metrics) Engine(read func() EngineStats) {
	var descs []*prometheus.Desc
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		d := m.ownDesc(name, help, labels...)
		descs = append(descs, d)
		return d
	}
	players, spectators := desc("players", "Players with a place in a match."), desc("spectators", "Spectators of matches.")
	conns, matches := desc("connections", "Match connections over UDP."), desc("matches", "Running matches.")
	ended := desc("matches_ended_total", "Matches that ended, by how.", "reason")
	ticks, overruns := desc("ticks_total", "Match ticks.", "shard"), desc("tick_overruns_total", "Ticks that took longer than their time.", "shard")
	slipped, panics := desc("ticks_slipped_total", "Ticks given up because a shard was late.", "shard"), desc("match_panics_total", "Matches that ended in a panic.", "shard")
	busy := desc("shard_busy_seconds_total", "Seconds in ticks and snapshots.", "shard")
	tick := desc("tick_seconds", "Time of ticks with their snapshots.", "shard", "quantile")
	late := desc("tick_lateness_seconds", "How late ticks start.", "shard", "quantile")
	datagrams, bytes := desc("datagrams_total", "Datagrams of match connections.", "shard", "direction"), desc("datagram_bytes_total", "Their payload.", "shard", "direction")
	dropped := desc("datagrams_dropped_total", "Datagrams lost in this host.", "shard", "direction")
	accepted, resumed := desc("connections_accepted_total", "Match connections opened.", "shard"), desc("connections_resumed_total", "Match connections taken up again.", "shard")
	timedOut, garbage := desc("connections_timed_out_total", "Match connections that fell silent.", "shard"), desc("datagrams_garbage_total", "Datagrams that no connection understood.", "shard")
	m.register(func(out chan<- prometheus.Metric) {
		s := read()
		gauge(out, players, float64(s.Players))
		gauge(out, spectators, float64(s.Spectators))
		gauge(out, conns, float64(s.Conns))
		gauge(out, matches, float64(s.Matches))
		for why, n := range s.Ended {
			counter(out, ended, n, why)
		}
		for n, sh := range s.Shards {
			shard := strconv.Itoa(n)
			counter(out, ticks, sh.Ticks, shard)
			counter(out, overruns, sh.Overruns, shard)
			counter(out, slipped, sh.Slipped, shard)
			counter(out, panics, sh.Panics, shard)
			out <- prometheus.MustNewConstMetric(busy, prometheus.CounterValue, sh.Busy.Seconds(), shard)
			gauge(out, tick, sh.TickP50.Seconds(), shard, "0.5")
			gauge(out, tick, sh.TickP99.Seconds(), shard, "0.99")
			gauge(out, late, sh.LateP50.Seconds(), shard, "0.5")
			gauge(out, late, sh.LateP99.Seconds(), shard, "0.99")
			gauge(out, late, sh.LateP999.Seconds(), shard, "0.999")
			counter(out, datagrams, sh.RxDatagrams, shard, "in")
			counter(out, datagrams, sh.TxDatagrams, shard, "out")
			counter(out, bytes, sh.RxBytes, shard, "in")
			counter(out, bytes, sh.TxBytes, shard, "out")
			counter(out, dropped, sh.RxDropped, shard, "in")
			counter(out, dropped, sh.TxDropped, shard, "out")
			counter(out, accepted, sh.Accepted, shard)
			counter(out, resumed, sh.Resumed, shard)
			counter(out, timedOut, sh.TimedOut, shard)
			counter(out, garbage, sh.Garbage, shard)
		}
	}, descs...)
}
