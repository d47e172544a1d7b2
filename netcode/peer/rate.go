package peer

import (
	"time"

	"github.com/skirmishgg/skirmish/protocol/wire"
)

// bucket holds the bytes that bulk may still send. Every datagram is charged to it, bulk waits for it: so snapshots go
// first, and bulk gets what they leave of the rate.
type bucket struct {
	tokens float64
	at     time.Duration
}

const rateDefault = 64 << 10

// refill adds what rate bytes a second give until now. The bucket holds, and owes, at most an eighth of a second.
func (b *bucket) refill(now time.Duration, rate float64) {
	burst := max(rate/8, 2*wire.MaxDatagram)
	b.tokens = min(max(b.tokens+(now-b.at).Seconds()*rate, -burst), burst)
	b.at = now
}

func (b *bucket) spend(bytes int) { b.tokens -= float64(bytes) }

func (b *bucket) has() bool { return b.tokens > 0 }

// report is what the receiving side counts between two RATE frames.
type report struct {
	started time.Duration
	bytes   uint64
	packets uint64
	first   uint64 // packet number expected first
	count   uint8  // since the path's least round trip was aged

	// RATE frame that is owed
	rate uint32
	loss uint8
	due  bool
}

const reportsPerAge = 30

// begin starts an interval; that of a new link at 1, because packet 0 of a server is ACCEPT or RESUMED.
func (r *report) begin(now time.Duration, first uint64) {
	r.started, r.first, r.bytes, r.packets = now, first, 0, 0
}

// makeReport tells the sender once a second what arrived of what it sent.
func (p *Peer) makeReport(now time.Duration) {
	r := &p.report
	interval := now - r.started
	if interval < reportInterval {
		return
	}
	next := r.first
	if p.opener.Any() {
		next = p.opener.Largest() + 1
	}
	loss := 0.0
	if expected := next - r.first; r.packets < expected { // more: some of before came late
		loss = 1 - float64(r.packets)/float64(expected)
	}
	p.stats.Loss = loss
	r.rate, r.loss, r.due = uint32(float64(r.bytes)/interval.Seconds()), uint8(loss*255), r.packets > 0
	r.begin(now, next)
	if r.count++; r.count == reportsPerAge {
		r.count = 0
		p.stats.age()
	}
}

// shed is how much of the normal rate is being left out because the path is congested.
//
//	0 nothing · 1 bulk · 2 and far entities · 3 and every second snapshot · 4 and three of four
type shed struct {
	level uint8
	calm  uint8 // reports without congestion since the last change
}

const (
	shedMax        = 4
	calmReports    = 3
	congestionLoss = 13 // of 255: 5 %
)

// onReport raises the level while packets are lost and the round trip has grown, which loss on a radio link alone
// does not cause, and lowers it after three calm reports.
func (p *Peer) onReport(loss uint8) {
	p.stats.LossOut = float64(loss) / 255
	grown := p.stats.RTT > p.stats.MinRTT*3/2+20*time.Millisecond
	if loss >= congestionLoss && grown {
		p.shed.level, p.shed.calm = min(p.shed.level+1, shedMax), 0
		return
	}
	if p.shed.calm++; p.shed.calm >= calmReports {
		p.shed.level, p.shed.calm = max(p.shed.level, 1)-1, 0
	}
}

// bulkRate is the bytes a second that fill the bucket.
func (p *Peer) bulkRate() float64 {
	if p.shed.level > 0 {
		return float64(p.c.RateBytes) / 4
	}
	return float64(p.c.RateBytes)
}

// Shed is what a match should leave out for this peer: the part of the snapshot budget that remains, and every how many
// ticks a snapshot is due.
func (p *Peer) Shed() (budget float64, every uint32) {
	switch p.shed.level {
	case 0, 1:
		return 1, 1
	case 2:
		return 0.5, 1
	case 3:
		return 0.5, 2
	}
	return 0.5, 4
}
