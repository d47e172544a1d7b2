package shard

import (
	"math/bits"
	"sync/atomic"
	"time"

	"github.com/skirmishgg/skirmish/engine/clock"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// count is a counter that one goroutine writes and any may read: a plain add and a store, without a locked instruction.
type count struct{ v atomic.Uint64 }

func (c *count) add(n uint64) { c.v.Store(c.v.Load() + n) }

func (c *count) set(n uint64) { c.v.Store(n) }

// Load is the count so far.
func (c *count) Load() uint64 { return c.v.Load() }

// Stats is what a shard has done. The shard writes, any goroutine reads.
type Stats struct {
	Matches, Conns atomic.Int64

	Ticks    count
	StepTime count     // ns in Steps, from the first datagram to the flush
	TickTime Histogram // a match's tick with its snapshots
	Lateness Histogram // from a tick's deadline to its start
	CaughtUp count     // ticks run late in the Step of another, to catch up
	Slipped  count     // ticks' time given up: the match was more than 4 ticks behind
	Overruns count     // matches ended with CloseOverrun
	Panics   count     // matches ended with CloseMatchError

	Accepts       count // ACCEPTs sent
	Resumed       count // connections taken up by their ticket
	ResumesDenied count
	Timeouts      count
	Denied        [16]count // joins refused, by wire.Deny

	Unknown count // data of connections that nobody knows: answered by a reset, within limits
	Refused count // data of a known connection that did not open, or came twice
	Garbage count // no form that a shard takes

	Resets         count // answers to Unknown
	ReportsDropped count
	InboxFull      atomic.Uint64 // written by the pushers

	priority atomic.Int32 // 1 + clock.Priority
}

// Priority is what the shard's thread was granted.
func (s *Stats) Priority() clock.Priority { return clock.Priority(max(s.priority.Load()-1, 0)) }

// Started reports that the shard's thread runs, and Priority is known.
func (s *Stats) Started() bool { return s.priority.Load() > 0 }

func (s *Stats) denied(why wire.Deny) { s.Denied[int(why)%len(s.Denied)].add(1) }

// Histogram counts durations in fixed buckets: four for each doubling, from 1 µs to 134 s, and one below.
type Histogram struct {
	buckets [histogramBuckets]count
	sum     count // ns
}

const (
	histogramSteps   = 4
	histogramBuckets = 1 + 27*histogramSteps
)

func (h *Histogram) add(d time.Duration) {
	h.buckets[bucketOf(d)].add(1)
	h.sum.add(uint64(max(d, 0)))
}

func bucketOf(d time.Duration) int {
	us := uint64(max(d, 0)) / uint64(time.Microsecond)
	if us == 0 {
		return 0
	}
	log := bits.Len64(us) - 1
	// the two bits below the highest are the step within the doubling
	return min(1+log*histogramSteps+int(us<<2>>log&3), histogramBuckets-1)
}

// BucketEnd is the least duration above bucket i.
func BucketEnd(i int) time.Duration {
	if i == 0 {
		return time.Microsecond
	}
	log, step := (i-1)/histogramSteps, (i-1)%histogramSteps
	return time.Duration((uint64(histogramSteps+step+1)*uint64(time.Microsecond))<<log) / histogramSteps
}

// Buckets adds the counts to into, which has a place for each bucket: to merge shards, or to take a difference later.
func (h *Histogram) Buckets(into []uint64) []uint64 {
	if len(into) < histogramBuckets {
		into = append(into, make([]uint64, histogramBuckets-len(into))...)
	}
	for i := range h.buckets {
		into[i] += h.buckets[i].Load()
	}
	return into
}

// Sum is of all durations.
func (h *Histogram) Sum() time.Duration { return time.Duration(h.sum.Load()) }

// Quantile is the duration below which a part q of the counted ones lie, from the counts that Buckets gave: exact to a
// quarter of a doubling.
func Quantile(buckets []uint64, q float64) time.Duration {
	total := uint64(0)
	for _, n := range buckets {
		total += n
	}
	rank := uint64(q * float64(total))
	for i, n := range buckets {
		if rank < n {
			return BucketEnd(i)
		}
		rank -= n
	}
	return 0
}

// Info is what any goroutine may know of a match.
type Info struct {
	// constant
	ID     id.UUID
	Name   string
	Rate   int
	Schema [8]byte
	Shard  int
	// Carrier: it carries the messages of a match that lives elsewhere. Its connections have no ticks.
	Carrier bool

	// written by the shard
	Tick       atomic.Uint32
	Players    atomic.Int32 // who have a place
	Connected  atomic.Int32 // connections, spectators' included
	Spectators atomic.Int32
	TickNs     atomic.Int64 // the last tick's cost with its snapshots
	Slipped    atomic.Uint64
	Over       atomic.Uint32 // wire.Close; 0 while it runs

	Snapshots     count
	SnapshotBytes count
	Deferred      count // entities that found no room in a snapshot
	InputsStarved count // ticks for which a connected player's input was missing
	MailDropped   count // lossy messages of clients beyond a tick's bound

	label   atomic.Pointer[string] // nil: ""
	waiting atomic.Bool            // in Config.Labels
}

// Label is what listings find the match by.
func (i *Info) Label() string {
	if text := i.label.Load(); text != nil {
		return *text
	}
	return ""
}

// SetLabel is for whoever makes the Info; from Start on the shard calls it.
func (i *Info) SetLabel(text string) { i.label.Store(&text) }

// LabelTaken is for whoever takes the Info out of Config.Labels, before it reads the label: a newer one will be told anew.
func (i *Info) LabelTaken() { i.waiting.Store(false) }

// note publishes a tick.
func (i *Info) note(m *running, took time.Duration) {
	i.Tick.Store(m.LastTick())
	i.TickNs.Store(int64(took))
	c := &m.Counters
	i.Snapshots.set(c.Snapshots)
	i.SnapshotBytes.set(c.SnapshotBytes)
	i.Deferred.set(c.Deferred)
	i.InputsStarved.set(c.InputsStarved)
	i.MailDropped.set(c.MailDropped)
	if i.Connected.Load() != int32(len(m.conns)) {
		m.publish()
	}
}

// publish publishes who takes part.
func (m *running) publish() {
	players, spectators := m.Seated()
	m.info.Players.Store(int32(players))
	m.info.Spectators.Store(int32(spectators))
	m.info.Connected.Store(int32(len(m.conns)))
}
