package pg

import (
	"context"
	"sync"
	"time"

	"github.com/skirmishgg/skirmish/persist/store"
)

// gather sends the reads of many callers together. What comes while trips are under way waits and goes with the next, one
// statement a unique key; a caller that finds a trip free makes it itself, so that a lone one pays for no hand-over.
// Any goroutine.
type gather struct {
	db *DB

	mu      sync.Mutex
	waiting []*load
	trips   int // under way
}

const (
	tripsMax    = 2                // at once: one is read while the server works on the other
	tripKeysMax = 4096             // of one trip; the rest waits for the next
	tripTime    = 30 * time.Second // for which a trip may hold its callers up
)

// load is one caller's read.
type load struct {
	index *store.IndexDef
	keys  []store.Key // "" for one that no row can have
	asked [][]any
	rows  []any
	err   error
	done  chan struct{} // closed when rows or err are there
}

// load reads rows by a unique key, in the order of values, nil where there is none.
func (g *gather) load(ctx context.Context, ix *store.IndexDef, values [][]any) ([]any, error) {
	l := &load{index: ix, keys: make([]store.Key, len(values)), done: make(chan struct{})}
	for i, v := range values {
		key, err := ix.Prefix(v...)
		if err != nil {
			return nil, err
		}
		if ix.Storable(v) {
			l.keys[i], l.asked = key, append(l.asked, v)
		}
	}
	if len(l.asked) == 0 {
		return make([]any, len(values)), nil
	}
	g.mu.Lock()
	g.waiting = append(g.waiting, l)
	if g.trips < tripsMax {
		g.trips++
		batch := g.take()
		g.mu.Unlock()
		g.trip(ctx, batch)
		g.onward(ctx)
	} else {
		g.mu.Unlock()
	}
	select {
	case <-l.done:
		return l.rows, l.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// take is what goes with the next trip: everything that waits, as far as there is room. Needs mu.
func (g *gather) take() []*load {
	keys := 0
	for i, l := range g.waiting {
		if keys += len(l.keys); keys > tripKeysMax && i > 0 {
			batch := g.waiting[:i:i]
			g.waiting = g.waiting[i:]
			return batch
		}
	}
	batch := g.waiting
	g.waiting = nil
	return batch
}

// onward ends a trip, or hands what has come meanwhile to a goroutine, so that no caller makes trips for others for ever.
func (g *gather) onward(ctx context.Context) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.waiting) == 0 {
		g.trips--
		return
	}
	batch := g.take()
	go func() { // ends when nothing waits
		g.trip(ctx, batch)
		g.onward(ctx)
	}()
}

// trip reads for everybody in batch, whoever gives up meanwhile. A trip that fails is made again for each alone, so that
// one caller's trouble is not everybody's.
func (g *gather) trip(ctx context.Context, batch []*load) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tripTime)
	defer cancel()
	if len(batch) == 0 {
		return
	}
	err := g.read(ctx, batch)
	for _, l := range batch {
		if err != nil && len(batch) > 1 {
			l.err = g.read(ctx, []*load{l})
		} else {
			l.err = err
		}
		close(l.done)
	}
}

// read asks for the rows of all loads in one round trip.
func (g *gather) read(ctx context.Context, batch []*load) error {
	var indexes []*store.IndexDef
	asked := map[*store.IndexDef][][]any{}
	for _, l := range batch {
		if _, ok := asked[l.index]; !ok {
			indexes = append(indexes, l.index)
		}
		asked[l.index] = append(asked[l.index], l.asked...)
	}
	var calls []call
	for _, ix := range indexes {
		c, err := g.db.texts.getCall(ix, asked[ix], false)
		if err != nil {
			return err
		}
		calls = append(calls, c)
	}
	found := make([]map[store.Key]any, len(indexes))
	conn, err := g.db.onLiveConn(ctx, func(l link) error {
		for n, ix := range indexes { // anew when a connection turned out to be dead
			found[n] = make(map[store.Key]any, len(asked[ix]))
		}
		_, err := l.exchange(ctx, calls, func(n int, values [][]byte) error {
			row, err := readRow(indexes[n].Table, values)
			if err != nil {
				return err
			}
			key, _ := indexes[n].KeyOf(row)
			found[n][key] = row
			return nil
		})
		return err
	})
	if conn != nil {
		conn.Release()
	}
	if err != nil {
		return explain(err)
	}
	for n, ix := range indexes {
		given := make(map[store.Key]bool, len(found[n]))
		for _, l := range batch {
			if l.index == ix {
				l.rows = make([]any, len(l.keys))
				for i, key := range l.keys {
					l.rows[i] = give(ix, found[n], given, key)
				}
			}
		}
	}
	return nil
}

// give is a row for one who may change it: the row itself once, copies after that.
func give(ix *store.IndexDef, found map[store.Key]any, given map[store.Key]bool, key store.Key) any {
	row := found[key]
	if row == nil {
		return nil
	}
	if given[key] {
		return ix.Table.Clone(row)
	}
	given[key] = true
	return row
}
