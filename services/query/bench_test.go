package query

import (
	"encoding/json"
	"fmt"
	"runtime"
	"testing"
)

const benchLabels = 100_000

// label is what a match of some game may call itself; n makes each a little different.
func label(n int) *Document {
	text := fmt.Sprintf(`{"mode":%q,"region":%q,"map":"map%d","skill":%d,"players":%d,"open":%t,"name":"match %d"}`,
		[]string{"ranked", "casual", "custom", "event"}[n%4], []string{"eu", "us", "asia", "sa", "af"}[n/4%5], n/20%30, n*7919%3000, n%16, n%3 > 0, n)
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		panic(err)
	}
	d := &Document{}
	d.Value("label", v)
	d.Keyword("label_string", text)
	d.Number("tick_rate", 30)
	d.Keyword("handler_name", "arena")
	d.Keyword("node", "nakama")
	d.Number("create_time", float64(1_700_000_000_000+n))
	return d
}

func benchIndex(b *testing.B) *Index[int] {
	x := NewIndex[int](NewestFirst)
	for n := range benchLabels {
		x.Put(n, label(n))
	}
	b.ResetTimer()
	b.ReportAllocs()
	return x
}

func BenchmarkSearch(b *testing.B) {
	x := benchIndex(b)
	for _, c := range []struct{ name, text string }{
		{"all", ""},
		{"exact", "+label.mode:ranked +label.region:eu +label.open:T"},
		{"rare", "+label.name:match\\ 5000"},
		{"none", "+label.mode:ranked +label.region:us +label.map:map7 +label.skill:2999"},
		{"window", "+label.mode:ranked +label.region:eu +label.skill:>=1400 +label.skill:<=1430"},
		{"wide", "+label.mode:ranked +label.skill:>=100 +label.skill:<=2900"},
		{"free", "+label.open:T +label.players:<12"},
		{"pattern", "+label.map:map1*"},
		{"boosted", "+label.mode:ranked +label.region:eu label.map:map7^2"},
		{"either", "label.region:eu label.region:us"},
		{"scan", "+label.name:*99999"},
	} {
		b.Run(c.name, func(b *testing.B) {
			q, err := Parse(c.text)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			hits := 0
			for b.Loop() {
				hits = 0
				x.Search(q, func(int, float64) bool { hits++; return hits < 10 })
			}
			b.ReportMetric(float64(hits), "hits")
		})
	}
}

// BenchmarkPut changes the number of players in a label, as a match does when one joins.
func BenchmarkPut(b *testing.B) {
	x := benchIndex(b)
	documents := make([]*Document, 4096)
	n := 0
	for b.Loop() {
		if n%len(documents) == 0 {
			b.StopTimer()
			for i := range documents {
				at := (n + i) * 7919 % benchLabels
				documents[i] = label(at)
				documents[i].Number("label.players", 20)
			}
			b.StartTimer()
		}
		x.Put(n*7919%benchLabels, documents[n%len(documents)])
		n++
	}
}

// BenchmarkReplace takes the oldest label out and puts a new one in.
func BenchmarkReplace(b *testing.B) {
	x := benchIndex(b)
	documents := make([]*Document, 4096)
	n := benchLabels
	for b.Loop() {
		if n%len(documents) == 0 || documents[n%len(documents)] == nil {
			b.StopTimer()
			for i := range documents {
				documents[(n+i)%len(documents)] = label(n + i)
			}
			b.StartTimer()
		}
		x.Remove(n - benchLabels)
		x.Put(n, documents[n%len(documents)])
		n++
	}
}

// BenchmarkMemory is what a label takes, with its document.
func BenchmarkMemory(b *testing.B) {
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		x := NewIndex[int](NewestFirst)
		for n := range benchLabels {
			x.Put(n, label(n))
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/benchLabels, "B/label")
		runtime.KeepAlive(x)
	}
}
