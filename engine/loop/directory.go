package loop

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/skirmishgg/skirmish/engine/shard"
	"github.com/skirmishgg/skirmish/protocol/id"
)

// Directory says where matches are. Any goroutine but a shard's may use it.
type Directory struct {
	Draining atomic.Bool // no joins any more: the server is about to stop

	mu      sync.RWMutex
	matches map[id.UUID]*shard.Info
	schemas map[[8]byte]bool
}

// NewDirectory makes an empty one.
func NewDirectory() *Directory {
	return &Directory{matches: map[id.UUID]*shard.Info{}, schemas: map[[8]byte]bool{}}
}

// AddSchema makes known that the server can have matches of a schema. A client with another one is told at once that it
// needs an update; one whose match is gone, that it is.
func (d *Directory) AddSchema(schema [8]byte) {
	d.mu.Lock()
	d.schemas[schema] = true
	d.mu.Unlock()
}

// Add makes a match known.
func (d *Directory) Add(info *shard.Info) {
	d.mu.Lock()
	d.matches[info.ID] = info
	d.mu.Unlock()
}

// Remove forgets a match, unless another has its id by now.
func (d *Directory) Remove(info *shard.Info) {
	d.mu.Lock()
	if d.matches[info.ID] == info {
		delete(d.matches, info.ID)
	}
	d.mu.Unlock()
}

// Find is a match that runs.
func (d *Directory) Find(match id.UUID) (*shard.Info, bool) {
	d.mu.RLock()
	info, ok := d.matches[match]
	d.mu.RUnlock()
	return info, ok && info.Over.Load() == 0
}

// Knows reports whether some kind of match here has the schema.
func (d *Directory) Knows(schema [8]byte) bool {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.schemas[schema]
}

// List is all matches, by name, then id.
func (d *Directory) List() []*shard.Info {
	d.mu.RLock()
	list := make([]*shard.Info, 0, len(d.matches))
	for _, m := range d.matches {
		list = append(list, m)
	}
	d.mu.RUnlock()
	slices.SortFunc(list, func(a, b *shard.Info) int {
		if c := strings.Compare(a.Name, b.Name); c != 0 {
			return c
		}
		return slices.Compare(a.ID[:], b.ID[:])
	})
	return list
}
