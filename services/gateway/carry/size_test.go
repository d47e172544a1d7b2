package carry

import (
	"runtime"
	"testing"

	"github.com/skirmishgg/skirmish/engine/match"
	"github.com/skirmishgg/skirmish/protocol/id"
)

// TestCarrierIsSmall: a server may have many thousands of matches with two UDP members each.
func TestCarrierIsSmall(t *testing.T) {
	const count = 200
	var kept [count]*match.Match
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range kept {
		d := definition(newCarrier(&Service{}, id.UUID{byte(i)}))
		schema, err := d.Compile()
		if err != nil {
			t.Fatal(err)
		}
		if kept[i], err = match.New(match.Config{Definition: &d, Schema: schema, ID: id.UUID{byte(i)}}); err != nil {
			t.Fatal(err)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if each := (after.HeapAlloc - before.HeapAlloc) / count; each > 40<<10 {
		t.Errorf("a carrier has %d bytes", each)
	} else {
		t.Logf("%d bytes", each)
	}
	runtime.KeepAlive(&kept)
}
