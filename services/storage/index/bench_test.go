package index

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/query"
	"github.com/skirmishgg/skirmish/services/storage"
)

// BenchmarkTable: 100,000 objects go in, and are searched.
func BenchmarkTable(b *testing.B) {
	s := Spec{Collection: "c", Fields: []string{"level", "name", "clan"}, Sortable: []string{"level"}, EntriesMax: 100_000}
	object := func(n int) *storage.Object {
		value := fmt.Sprintf(`{"level": %d, "name": "player%d", "clan": "clan%d", "more": [1, 2, 3, 4, 5, 6, 7, 8]}`, n*7919%1000, n, n%500)
		at := time.UnixMicro(int64(n) * 1000)
		return &schema.StorageObject{
			Collection: "c", Key: "base", UserID: id.UUID{0: byte(n), 1: byte(n >> 8), 2: byte(n >> 16)}, Value: store.JSON(value),
			Version: fmt.Sprintf("%032x", n), Read: 2, Write: 1, CreateTime: at, UpdateTime: at,
		}
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	t := newTable(s.EntriesMax)
	for n := range s.EntriesMax {
		o := object(n)
		t.put(key{o.Key, o.UserID}, s.entry(o))
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.Run("put", func(b *testing.B) {
		for n := 0; b.Loop(); n++ {
			o := object(n % s.EntriesMax)
			o.UpdateTime = o.UpdateTime.Add(time.Hour)
			t.put(key{o.Key, o.UserID}, s.entry(o))
		}
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(s.EntriesMax), "B/entry")
	})
	for name, text := range map[string]string{"all": "", "range": "+value.level:>=100 +value.level:<110", "clan": "+value.clan:clan77"} {
		b.Run(name, func(b *testing.B) {
			q, err := query.Parse(text)
			if err != nil {
				b.Fatal(err)
			}
			p := page{caller: server, order: s.order([]string{"-value.level"}), limit: 10}
			for b.Loop() {
				if len(p.find(t, q)) != 11 {
					b.Fatal("not a full page")
				}
			}
		})
	}
	runtime.KeepAlive(t)
}
