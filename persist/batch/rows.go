package batch

import "github.com/skirmishgg/skirmish/persist/store"

// slot is what a layer says of one row; row is nil when it was removed.
type slot struct {
	table  *store.Def
	key    store.Key // primary
	row    any
	values []any // of key, of a removed row
}

// rows are a layer's slots, by primary key. A function's layer has a handful, which a look at each finds sooner than a map
// would be made; the lane's has hundreds.
type rows struct {
	slots []slot
	at    map[rowID]int // once there are more than scanMax
}

type rowID struct {
	table *store.Def
	key   store.Key
}

const scanMax = 8

func (r *rows) find(d *store.Def, key store.Key) *slot {
	if r.at != nil {
		if i, ok := r.at[rowID{d, key}]; ok {
			return &r.slots[i]
		}
		return nil
	}
	for i := range r.slots {
		if s := &r.slots[i]; s.table == d && s.key == key {
			return s
		}
	}
	return nil
}

func (r *rows) add(s slot) {
	r.slots = append(r.slots, s)
	if r.at != nil {
		r.at[rowID{s.table, s.key}] = len(r.slots) - 1
		return
	}
	if len(r.slots) > scanMax {
		r.at = make(map[rowID]int, 8*scanMax)
		for i := range r.slots {
			r.at[rowID{r.slots[i].table, r.slots[i].key}] = i
		}
	}
}

// reset forgets everything and keeps the memory.
func (r *rows) reset() {
	clear(r.slots)
	r.slots = r.slots[:0]
	if r.at != nil {
		clear(r.at)
	}
}
