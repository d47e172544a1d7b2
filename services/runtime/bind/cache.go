package bind

import (
	"sync"
	"time"
)

// cacheMax is how many keys a cache holds: one more drops what expires first, else any.
const cacheMax = 1 << 20

// Cache is the local cache of one language: what scripts keep in memory until the process ends. Any goroutine may use it.
type Cache struct {
	mu    sync.Mutex
	items map[string]cached
	now   func() time.Time
	swept time.Time
}

type cached struct {
	value any
	until time.Time // zero: for ever
}

const cacheSweep = 5 * time.Minute

// NewCache is empty.
func NewCache(now func() time.Time) *Cache {
	return &Cache{items: map[string]cached{}, now: now, swept: now()}
}

// Get is what was put under a key; ok is false when nothing was, or it has expired.
func (c *Cache) Get(key string) (value any, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i, ok := c.items[key]
	if ok && !i.until.IsZero() && !c.now().Before(i.until) {
		delete(c.items, key)
		return nil, false
	}
	return i.value, ok
}

// Put keeps a value for some time; 0 is for ever.
func (c *Cache) Put(key string, value any, ttl time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if now.Sub(c.swept) >= cacheSweep {
		c.sweep(now)
	}
	if _, known := c.items[key]; !known && len(c.items) >= cacheMax {
		c.dropOne()
	}
	i := cached{value: value}
	if ttl > 0 {
		i.until = now.Add(ttl)
	}
	c.items[key] = i
}

// Delete forgets a key, and Clear all.
func (c *Cache) Delete(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.items, key)
}

func (c *Cache) Clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.items)
}

func (c *Cache) sweep(now time.Time) {
	c.swept = now
	for k, i := range c.items {
		if !i.until.IsZero() && !now.Before(i.until) {
			delete(c.items, k)
		}
	}
}

// dropOne makes room: of a handful of keys, the one that would have gone first.
func (c *Cache) dropOne() {
	var first string
	var until time.Time
	looked := 0
	for k, i := range c.items {
		if looked == 0 || !i.until.IsZero() && (until.IsZero() || i.until.Before(until)) {
			first, until = k, i.until
		}
		if looked++; looked == 8 {
			break
		}
	}
	delete(c.items, first)
}
