// Package period is the arithmetic of a board's periods: pure, in whole Unix seconds, UTC.
//
// A tournament can be written for its duration at the start of each period; its records belong to the period's expiry,
// at which the next period begins:
//
//	      start                                end    expiry = start of the next
//	────────┼───────────────────────────────────┼─────────┼───────────────────────────────────┼─────────┼────
//	        └───────────── duration ────────────┘         └───────────── duration ────────────┘
//
// A leaderboard is a board without a duration: it has no end, only resets.
package period

import "time"

// Instants are the moments that a reset schedule names; the zero time: there is none.
type Instants interface {
	Next(time.Time) time.Time // strictly after
	Last(time.Time) time.Time // strictly before
}

// Board is what decides a board's periods.
type Board struct {
	Start    int64
	End      int64 // 0: none
	Duration int64 // seconds; 0: a leaderboard
	Resets   Instants
}

// Period is one of them. Expiry is 0 when it never ends; so is End, of a leaderboard.
type Period struct{ Start, End, Expiry int64 }

// Active reports whether scores count at t.
func (p Period) Active(t int64) bool { return p.Start <= t && t < p.End }

// At is the period that t falls into; before the board's start, and between an end and a late start, the one to come.
func (b Board) At(t int64) Period {
	if b.Resets == nil {
		return b.single()
	}
	if b.Duration == 0 {
		return Period{Start: b.opening(t), Expiry: b.next(t)}
	}
	base := b.base(t)
	if base == 0 { // the schedule names no instant at all
		return b.single()
	}
	next := b.next(base)
	if next == 0 { // nor one after this
		b.Start = base
		return b.single()
	}
	p := Period{base, min(base+b.Duration, next), next}
	switch {
	case b.Start > p.End: // between two periods
		first := b.next(b.Start)
		second := b.next(first)
		if second == 0 { // the schedule ends with it
			b.Start = first
			return b.single()
		}
		p = Period{first, min(first+b.Duration, second), second}
	case b.Start > base: // within one
		p.Start = b.Start
	}
	if b.End > 0 && p.Expiry > b.End {
		p.End, p.Expiry = min(p.End, b.End), b.End
	}
	return p
}

// single is the only period of a board that is never reset.
func (b Board) single() Period {
	p := Period{Start: b.Start, Expiry: b.End}
	if b.Duration > 0 {
		p.End = b.Start + b.Duration
	}
	if b.End > 0 {
		p.End = min(p.End, b.End)
	}
	return p
}

// base is the instant that the period of t is counted from.
func (b Board) base(t int64) int64 {
	if t < b.Start {
		return b.next(b.Start)
	}
	if at := b.opening(t); at != 0 {
		return at
	}
	return b.next(t)
}

// opening is the last instant that is not after t.
func (b Board) opening(t int64) int64 {
	if b.next(t-1) == t {
		return t
	}
	return b.last(t)
}

func (b Board) next(t int64) int64 { return unix(b.Resets.Next(time.Unix(t, 0).UTC())) }
func (b Board) last(t int64) int64 { return unix(b.Resets.Last(time.Unix(t, 0).UTC())) }

func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// PreviousReset is the last reset before t, 0 when there was none.
func (b Board) PreviousReset(t int64) int64 {
	if b.Resets == nil || b.Start > t {
		return 0
	}
	return b.last(t)
}

// NextEnd is the period whose end is the first after t. Ends lie within the board's life: what At tells before its start is
// a promise, not a period.
func (b Board) NextEnd(t int64) (p Period, ok bool) {
	p = b.At(max(t, b.Start))
	if p.End > t && p.Start < p.End {
		return p, true
	}
	if p.Expiry <= t || p.Expiry == b.End { // there is no further period
		return p, false
	}
	p = b.At(p.Expiry)
	return p, p.End > t && p.Start < p.End
}

// NextReset is the period whose expiry is the first after t, under the same terms.
func (b Board) NextReset(t int64) (p Period, ok bool) {
	p = b.At(max(t, b.Start))
	return p, p.Expiry > t
}

// Back is the moment after which, until t, at most n resets have come, and the ends that go with them and with the present
// period; 0 when all of the board's are fewer.
func (b Board) Back(t int64, n int) int64 {
	if b.Resets == nil {
		return 0
	}
	if b.End > 0 && t >= b.End {
		if t = b.End; b.opening(t) != t {
			n-- // for the last one
		}
	}
	at := b.opening(t)
	for ; n > 0 && at > b.Start; n-- {
		at = b.last(at)
	}
	if n > 0 || at <= b.Start {
		return 0
	}
	return at
}
