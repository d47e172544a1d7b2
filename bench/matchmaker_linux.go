package bench

import (
	"fmt"
	"runtime"
	"time"

	"github.com/skirmishgg/skirmish/bench/matchmaker"
	"github.com/skirmishgg/skirmish/bench/proc"
)

var matchmakerRow = Row{
	Name: "matchmaker",
	Doc:  "the pool alone with 1,000, 10,000 and 100,000 tickets, 1v1 and 5v5, region and skill range: CPU to add and to match, time to match, memory; a naive pass over all pairs",
	Aim:  "100,000 tickets within 2 s of CPU, ≤ 20 µs to add one",
	run:  runMatchmaker,
}

const (
	matchmakerAim    = 2 * time.Second
	matchmakerAddAim = 20 // µs
	naiveMax         = 10_000
	streamWithin     = 10 * time.Second // virtual
)

func runMatchmaker(e *env) error {
	sizes := []int{1000, 10_000, 100_000}
	if e.o.Quick {
		sizes = []int{300}
	}
	for _, count := range sizes {
		for _, g := range matchmaker.Games {
			if err := e.ctx.Err(); err != nil {
				return err
			}
			e.matchmaker(g, count)
		}
	}
	return nil
}

// matchmaker measures one game at one size: the pool and, where it ends in seconds, the naive pass in turn.
func (e *env) matchmaker(g matchmaker.Game, count int) {
	var adds, matches, bytes, naive []float64
	matched, theirs := 0, 0
	for run := range e.o.Runs {
		seed := uint64(run + 1)
		w := matchmaker.Batch(g, count, seed, cpuTime)
		adds = append(adds, float64(w.Add.Microseconds())/float64(count))
		matches = append(matches, ms(w.Match))
		bytes = append(bytes, w.Bytes)
		matched += w.Matched
		if count <= naiveMax && (count < naiveMax || run == 0) {
			n := matchmaker.Naive(g, count, seed, cpuTime)
			naive = append(naive, ms(n.Match))
			theirs = n.Matched
		}
	}
	size := itoa(count)
	if count >= 1000 {
		size = fmt.Sprintf("%dk", count/1000)
	}
	name := e.row.Name + "_" + g.Name + "_" + size + "_ms"
	total := median(matches) + median(adds)*float64(count)/1000
	r := measured(name, "ms", matches)
	if len(naive) > 0 {
		r = r.against("all pairs", naive)
		r.note = fmt.Sprintf("the pass over all pairs matches %d players; ", theirs)
	}
	if count == 100_000 {
		r = r.aimed("≤ 2,000 with adding", total <= ms(matchmakerAim))
	}
	r.note += fmt.Sprintf("of %d tickets %d are matched; %.0f a second of CPU, adding included", count, matched/e.o.Runs, float64(count)/total*1000)
	e.add(r)

	a := measured(e.row.Name+"_add_"+g.Name+"_"+size+"_us", "µs", adds)
	e.add(a.aimed("≤ 20", a.Median <= matchmakerAddAim).noted("%.0f B a ticket, its query and document included", median(bytes)))

	w := matchmaker.Stream(g, count, streamWithin, 1, cpuTime)
	e.add(measured(e.row.Name+"_wait_"+g.Name+"_"+size+"_ms", "ms", []float64{ms(w.P50)}).
		noted("p50; p99 %.0f ms: %d tickets come within %v and %d are matched by then; busy %.1f %% of the time, %.1f ms in the worst beat",
			ms(w.P99), count, streamWithin, w.Matched, 100*w.Busy, ms(w.BeatMax)))
	runtime.GC()
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// cpuTime is what this process has used, the garbage collector included.
func cpuTime() time.Duration { return time.Duration(proc.Now(0).CPUMicros * float64(time.Microsecond)) }
