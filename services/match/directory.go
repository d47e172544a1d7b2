package match

import (
	"sync"
	"sync/atomic"

	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/presence"
)

// shards is how many locks a directory has: every message of a client looks into one.
const shards = 64

// directory finds authoritative matches by id, from Create to their end.
type directory struct {
	size   atomic.Int64
	shards [shards]struct {
		mu   sync.RWMutex
		byID map[id.UUID]*match
	}
}

func (d *directory) init() {
	for i := range d.shards {
		d.shards[i].byID = map[id.UUID]*match{}
	}
}

func (d *directory) find(u id.UUID) *match {
	sh := &d.shards[u[0]%shards]
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	return sh.byID[u]
}

func (d *directory) add(m *match) {
	sh := &d.shards[m.id[0]%shards]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.byID[m.id] = m
	d.size.Add(1)
}

func (d *directory) remove(m *match) {
	sh := &d.shards[m.id[0]%shards]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	delete(sh.byID, m.id)
	d.size.Add(-1)
}

func (d *directory) count() int { return int(d.size.Load()) }

// each calls f for the matches of a moment, with no lock held.
func (d *directory) each(f func(*match)) {
	var list []*match
	for i := range d.shards {
		sh := &d.shards[i]
		sh.mu.RLock()
		for _, m := range sh.byID {
			list = append(list, m)
		}
		sh.mu.RUnlock()
	}
	for _, m := range list {
		f(m)
	}
}

// relayed are the relayed matches that somebody is in, for listings: presence has no list of its streams.
type relayed struct {
	shards [shards]struct {
		mu  sync.Mutex
		all map[id.UUID]struct{}
	}
}

func (r *relayed) init() {
	for i := range r.shards {
		r.shards[i].all = map[id.UUID]struct{}{}
	}
}

// enter runs join, which says whether somebody is in the match afterwards. Nobody empties it meanwhile.
func (r *relayed) enter(u id.UUID, join func() bool) {
	sh := &r.shards[u[0]%shards]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if join() {
		sh.all[u] = struct{}{}
	}
}

// left forgets a match that nobody is in any more.
func (r *relayed) left(p *presence.Service, st presence.Stream) {
	sh := &r.shards[st.Subject[0]%shards]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if p.Count(st) == 0 {
		delete(sh.all, st.Subject)
	}
}

// each calls f for the matches of a moment until it answers false, with no lock held.
func (r *relayed) each(f func(id.UUID) bool) {
	for i := range r.shards {
		sh := &r.shards[i]
		sh.mu.Lock()
		list := make([]id.UUID, 0, len(sh.all))
		for u := range sh.all {
			list = append(list, u)
		}
		sh.mu.Unlock()
		for _, u := range list {
			if !f(u) {
				return
			}
		}
	}
}
