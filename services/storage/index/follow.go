package index

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/storage"
)

const (
	waitingMax = 1 << 16 // keys that wait for the index's goroutine: beyond, it reads everything anew
	pageMax    = 500     // rows read at once
	retryEvery = time.Second
)

// key names an object of the index's collection.
type key struct {
	key  string
	user id.UUID
}

// index is one of them. Its goroutine alone changes the table.
type index struct {
	// constant after newIndex
	spec Spec
	db   store.DB
	log  *slog.Logger
	life context.Context
	end  context.CancelFunc
	wake chan struct{} // holds one: something waits

	mu    sync.RWMutex // the table
	table *table

	waiting waiting
}

// waiting is what commits have told and the table does not show yet. Any goroutine may use it.
type waiting struct {
	mu      sync.Mutex
	told    uint64 // how often something was told
	shown   uint64 // up to which of them the table shows; told, when nothing waits
	moved   chan struct{}
	trouble error // the store could not be read; nil once it could

	// what to look at
	all    bool
	keys   map[key]struct{}
	owners []id.UUID
}

func newIndex(c Config, s Spec) *index {
	x := &index{spec: s, db: c.DB, log: c.Log.With("index", s.Name), wake: make(chan struct{}, 1), table: newTable(s.EntriesMax)}
	x.life, x.end = context.WithCancel(context.Background())
	x.waiting = waiting{told: 1, all: true, keys: map[key]struct{}{}, moved: make(chan struct{})}
	x.wake <- struct{}{}
	return x
}

func (x *index) changed(k key) {
	x.tell(func(w *waiting) { w.keys[k] = struct{}{} })
}

func (x *index) removed(user id.UUID) {
	x.tell(func(w *waiting) { w.owners = append(w.owners, user) })
}

func (x *index) tell(add func(*waiting)) {
	w := &x.waiting
	w.mu.Lock()
	w.told++
	if add(w); len(w.keys)+len(w.owners) > waitingMax {
		w.all = true
		clear(w.keys)
		w.owners = nil
	}
	w.mu.Unlock()
	select {
	case x.wake <- struct{}{}:
	default:
	}
}

// work is what the goroutine has taken out of waiting.
type work struct {
	all    bool
	keys   map[key]struct{}
	owners []id.UUID
	told   uint64
}

func (w *waiting) take() work {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := work{w.all, w.keys, w.owners, w.told}
	w.all, w.keys, w.owners = false, map[key]struct{}{}, nil
	return t
}

// show says that the table shows what was told up to this, or why it does not.
func (w *waiting) show(told uint64, trouble error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.shown, w.trouble = max(w.shown, told), trouble
	close(w.moved)
	w.moved = make(chan struct{})
}

// run keeps the table like the store until the index ends.
func (x *index) run() {
	for {
		select {
		case <-x.life.Done():
			return
		case <-x.wake:
		}
		for w := x.waiting.take(); ; {
			err := x.follow(&w)
			if x.life.Err() != nil {
				return
			}
			if err == nil {
				x.waiting.show(w.told, nil)
				break
			}
			x.log.Warn("A storage index cannot read the store, and tries again", "error", err)
			x.waiting.show(0, err)
			select {
			case <-x.life.Done():
				return
			case <-time.After(retryEvery):
			}
		}
	}
}

func (x *index) follow(w *work) error {
	if w.all {
		return x.fill(w)
	}
	return x.lookAt(w)
}

// fill reads the whole collection. Between its pages it looks at what has changed meanwhile, so that not everything has to
// wait until the end.
func (x *index) fill(w *work) error {
	start := time.Now()
	x.mu.Lock()
	x.table = newTable(x.spec.EntriesMax)
	x.mu.Unlock()
	rng := store.Range{Prefix: []any{x.spec.Collection}, Limit: pageMax}
	if x.spec.Key != "" {
		rng.Prefix = append(rng.Prefix, x.spec.Key)
	}
	for {
		rows, err := store.List(x.life, x.db, byKey, rng)
		if err != nil {
			return err
		}
		x.enter(rows)
		meanwhile := x.waiting.take()
		if err := x.lookAt(&meanwhile); err != nil {
			return err // w.all is still there
		}
		if w.told = meanwhile.told; meanwhile.all {
			return x.fill(w)
		}
		if len(rows) < pageMax {
			break
		}
		last := rows[len(rows)-1]
		rng.After = []any{x.spec.Collection, last.Key, last.UserID}
	}
	x.log.Info("Storage index filled", "entries", x.size(), "ms", time.Since(start).Milliseconds())
	return nil
}

var byKey = schema.Storage.By("collection", "key", "user_id")

// lookAt reads rows anew that have changed.
func (x *index) lookAt(w *work) error {
	for _, user := range w.owners {
		for _, k := range x.table.of(user) {
			w.keys[k] = struct{}{}
		}
	}
	keys := make([]key, 0, len(w.keys))
	for k := range w.keys {
		keys = append(keys, k)
	}
	for len(keys) > 0 {
		part := keys[:min(len(keys), pageMax)]
		keys = keys[len(part):]
		names := make([][]any, len(part))
		for i, k := range part {
			names[i] = []any{x.spec.Collection, k.key, k.user}
		}
		rows, err := store.GetMany(x.life, x.db, schema.Storage, names...)
		if err != nil {
			return err
		}
		there := rows[:0]
		x.mu.Lock()
		for i, row := range rows {
			if row == nil {
				x.table.remove(part[i])
			} else {
				there = append(there, row)
			}
		}
		x.mu.Unlock()
		x.enter(there)
	}
	return nil
}

// enter puts objects as they are now into the table, or takes them out of it. Filters run without the lock.
func (x *index) enter(rows []*storage.Object) {
	entries := make([]*entry, len(rows))
	for i, row := range rows {
		if x.wants(row) {
			entries[i] = x.spec.entry(row)
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for i, e := range entries {
		if k := (key{rows[i].Key, rows[i].UserID}); e == nil {
			x.table.remove(k)
		} else {
			x.table.put(k, e)
		}
	}
}

// filtering marks the context of filters: a search there must not wait for the goroutine that runs it.
type filtering struct{}

func (x *index) wants(o *storage.Object) bool {
	if x.spec.Filter == nil {
		return true
	}
	in, err := x.spec.Filter(context.WithValue(x.life, filtering{}, true), o)
	if err != nil {
		x.log.Error("The filter of a storage index failed, and the object is not in it", "collection", o.Collection, "error", err)
	}
	return in && err == nil
}

// patience is how long a search waits for the index to show what was committed before.
const patience = 10 * time.Second

// ErrBehind says that an index has not been filled yet, or does not keep up.
var ErrBehind = errs.New(errs.Unavailable, "The storage index is not up to date yet.")

// current waits until the table shows everything that was committed before the call.
// Errors: ErrBehind; that of reading the store; the context's.
func (x *index) current(ctx context.Context) error {
	if ctx.Value(filtering{}) != nil {
		return nil
	}
	w := &x.waiting
	w.mu.Lock()
	told := w.told
	for w.shown < told {
		moved, trouble := w.moved, w.trouble
		w.mu.Unlock()
		if trouble != nil {
			return trouble
		}
		if err := x.await(ctx, moved); err != nil {
			return err
		}
		w.mu.Lock()
	}
	w.mu.Unlock()
	return nil
}

func (x *index) await(ctx context.Context, moved <-chan struct{}) error {
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	select {
	case <-moved:
		return nil
	case <-timeout.C:
		return ErrBehind
	case <-x.life.Done():
		return errEnded
	case <-ctx.Done():
		return ctx.Err()
	}
}

// errEnded says that another index has taken this one's place.
var errEnded = errors.New("the storage index has been replaced")

func (x *index) size() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return len(x.table.slots)
}
