// Package matchmaker asks services/matchmaker/pool how fast it is: alone, on one goroutine, with tickets as games have them.
//
//	Batch    all tickets are there when matching begins
//	Stream   tickets come evenly, and the pool is stepped at the matchmaker's beat: how long do players wait?
//	Naive    the reference: each ticket is held against all others, by the same queries
//
// A player is in one of five regions and has a skill, normally distributed, and wants others of the region within a
// hundred. Time is virtual where players wait, and the caller's clock where work is measured.
package matchmaker

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"time"

	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/matchmaker/pool"
	"github.com/skirmishgg/skirmish/services/query"
)

// Game is what tickets ask for.
type Game struct {
	Name    string
	Players int // of a match
}

// Games are those measured.
var Games = []Game{{"1v1", 2}, {"5v5", 10}}

const (
	rounds = 2 // of pool.Config, as the matchmaker's default
	window = 100
	beat   = 50 * time.Millisecond
)

// Player is whom a ticket is for; it is the ticket's Owner.
type Player struct {
	Number int
	Region string
	Skill  float64
}

// Tickets makes as many as count; equal seeds make equal ones.
func Tickets(g Game, count int, seed uint64) []*pool.Ticket {
	r := rand.New(rand.NewPCG(seed, uint64(count)))
	list := make([]*pool.Ticket, count)
	for i := range list {
		region, skill := []string{"eu", "us", "asia", "sa", "af"}[r.IntN(5)], 1500+r.NormFloat64()*400
		text := fmt.Sprintf("+properties.region:%s +properties.skill:>=%.0f +properties.skill:<=%.0f", region, max(skill-window, 0), skill+window)
		q, err := query.Parse(text)
		if err != nil {
			panic(err) // the text is ours
		}
		d := &query.Document{}
		d.Keyword("properties.region", region)
		d.Number("properties.skill", skill)
		d.Number("min_count", float64(g.Players))
		d.Number("max_count", float64(g.Players))
		d.Number("created_at", float64(i))
		d.Keyword("party_id", "")
		d.Keyword("ticket", fmt.Sprintf("%08x-0000-4000-8000-%012x", seed, i))
		list[i] = &pool.Ticket{
			Query: q, Document: d, Min: g.Players, Max: g.Players, Multiple: 1, Weight: 1, Created: int64(i), Owner: Player{i, region, skill},
			Sessions: []id.UUID{{byte(i), byte(i >> 8), byte(i >> 16)}},
		}
	}
	return list
}

// Work is what a Batch or Naive took.
type Work struct {
	Add     time.Duration // of all tickets
	Match   time.Duration
	Matched int     // tickets
	Bytes   float64 // heap of the pool for each ticket in it, the tickets' own queries and documents included; of Batch
}

// Batch adds all tickets, and then lets the pool match what can be, a round included. clock is CPU time.
func Batch(g Game, count int, seed uint64, clock func() time.Duration) Work {
	w, _ := batch(g, count, seed, clock)
	return w
}

func batch(g Game, count int, seed uint64, clock func() time.Duration) (w Work, matches []pool.Match) {
	before := heap()
	list := Tickets(g, count, seed)
	p := pool.New(pool.Config{RoundsMax: rounds})
	start := clock()
	for _, t := range list {
		if err := p.Add(t); err != nil {
			panic(err) // there is room for 16 million
		}
	}
	w.Add = clock() - start
	w.Bytes = float64(heap()-before) / float64(count)
	start = clock()
	matches = p.Step(count, nil)
	p.Round()
	matches = p.Step(2*count, matches)
	w.Match = clock() - start
	w.Matched = len(matches) * g.Players
	runtime.KeepAlive(list)
	return w, matches
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// Wait is how long players of a Stream waited.
type Wait struct {
	P50, P99 time.Duration
	Matched  int           // of all tickets
	Busy     float64       // part of the time that the pool worked
	BeatMax  time.Duration // of work in one beat
}

// Stream lets count tickets come evenly within a time, and steps the pool at each beat. Who is not matched when the last
// has come is not counted. The work of a beat counts as waiting, as measured by clock.
func Stream(g Game, count int, within time.Duration, seed uint64, clock func() time.Duration) (w Wait) {
	list := Tickets(g, count, seed)
	p := pool.New(pool.Config{RoundsMax: rounds})
	came := make([]time.Duration, count)
	var waits []time.Duration
	var busy time.Duration
	next := 0
	for now := beat; next < count; now += beat {
		start := clock()
		for ; next < count && time.Duration(next)*within/time.Duration(count) < now; next++ {
			came[next] = time.Duration(next) * within / time.Duration(count)
			if err := p.Add(list[next]); err != nil {
				panic(err)
			}
		}
		matches := p.Step(count, nil)
		took := clock() - start
		busy += took
		w.BeatMax = max(w.BeatMax, took)
		for _, m := range matches {
			for _, t := range m {
				waits = append(waits, now+took-came[t.Owner.(Player).Number])
			}
		}
	}
	if w.Matched = len(waits); w.Matched > 0 {
		slices.Sort(waits)
		w.P50, w.P99 = waits[len(waits)/2], waits[len(waits)*99/100]
	}
	w.Busy = float64(busy) / float64(within)
	return w
}

// Naive holds each ticket against all others and takes the oldest that will do, once over.
func Naive(g Game, count int, seed uint64, clock func() time.Duration) (w Work) {
	list := Tickets(g, count, seed)
	gone := make([]bool, count)
	start := clock()
	for i, t := range list {
		if gone[i] {
			continue
		}
		var candidates []int
		for j, c := range list {
			if i == j || gone[j] || c.Min < t.Min || c.Max > t.Max {
				continue
			}
			if _, ok := t.Query.Match(c.Document); ok {
				candidates = append(candidates, j)
			}
		}
		if len(candidates) < g.Players-1 {
			continue
		}
		gone[i] = true
		for _, j := range candidates[:g.Players-1] {
			gone[j] = true
		}
		w.Matched += g.Players
	}
	w.Match = clock() - start
	return w
}
