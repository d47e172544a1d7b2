package pool

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/query"
)

// players are tickets of a game with regions and skills, each wanting its region and about its skill.
func players(b testing.TB, count, size int) []*Ticket {
	r := rand.New(rand.NewPCG(1, uint64(count)))
	list := make([]*Ticket, count)
	for i := range list {
		region, skill := []string{"eu", "us", "asia", "sa", "af"}[r.IntN(5)], 1500+r.NormFloat64()*400
		q, err := query.Parse(fmt.Sprintf("+properties.region:%s +properties.skill:>=%.0f +properties.skill:<=%.0f", region, max(skill-100, 0), skill+100))
		if err != nil {
			b.Fatal(err)
		}
		d := &query.Document{}
		d.Keyword("properties.region", region)
		d.Number("properties.skill", skill)
		d.Number("min_count", float64(size))
		d.Number("max_count", float64(size))
		list[i] = &Ticket{Query: q, Document: d, Min: size, Max: size, Multiple: 1, Weight: 1, Sessions: []id.UUID{{byte(i), byte(i >> 8), byte(i >> 16)}}, Created: int64(i)}
	}
	return list
}

func BenchmarkAddAndMatch(b *testing.B) {
	for _, size := range []int{2, 10} {
		for _, count := range []int{1000, 10_000, 100_000} {
			b.Run(fmt.Sprintf("%d_players_%d_tickets", size, count), func(b *testing.B) {
				for b.Loop() {
					b.StopTimer()
					list := players(b, count, size)
					runtime.GC()
					b.StartTimer()
					p := New(Config{RoundsMax: 2})
					for _, t := range list {
						_ = p.Add(t)
					}
					added := b.Elapsed()
					m := p.Step(all, nil)
					p.Round()
					m = p.Step(all, m)
					b.ReportMetric(float64(len(m)*size)/float64(count), "matched")
					_ = added
				}
			})
		}
	}
}

func BenchmarkAdd(b *testing.B) {
	list := players(b, 100_000, 2)
	p, n := New(Config{RoundsMax: 2}), 0
	for b.Loop() {
		if n == len(list) {
			b.StopTimer()
			list, p, n = players(b, 100_000, 2), New(Config{RoundsMax: 2}), 0
			b.StartTimer()
		}
		_ = p.Add(list[n])
		n++
	}
}
