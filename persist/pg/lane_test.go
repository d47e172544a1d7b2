package pg

import (
	"fmt"
	"testing"

	"github.com/skirmishgg/skirmish/persist/batch"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/persist/storetest"
	"github.com/skirmishgg/skirmish/protocol/id"
)

// Writes near the same thing go to one lane, those near many things to all of them, and a hinted row counts for more.
func TestNearWritesShareALane(t *testing.T) {
	db := &DB{lanes: make([]*batch.Lane, 4)}
	seen := map[uint64]bool{}
	for i := range 100 {
		near := []store.Ref{store.Near(fmt.Sprint("room ", i))}
		lane := db.laneOf(near)
		seen[lane] = true
		for range 8 {
			if again := db.laneOf(near); again != lane {
				t.Fatalf("room %d is in lanes %d and %d", i, lane, again)
			}
		}
	}
	if len(seen) != 4 {
		t.Errorf("a hundred rooms share %d lanes of 4", len(seen))
	}
	row := storetest.Things.Ref(id.UUID{15: 1})
	for i := range 100 {
		if hint := []store.Ref{store.Near(fmt.Sprint("room ", i)), row}; db.laneOf(hint) != db.laneOf([]store.Ref{row}) {
			t.Fatalf("room %d takes its row to another lane", i)
		}
	}
}
