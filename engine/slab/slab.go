// Package slab has counted datagram buffers: one allocation at start, cut into equal pieces that goroutines hand to
// each other.
//
//	ref, ok := pool.Get()       // one reference; ok false: pool empty, caller drops and counts
//	n := copy(ref.Bytes(), pkt)
//	inbox.TryPush(message{ref, n}) // the reference moves with the message
//	...
//	ref.Release()               // by the last holder, once
//
// Any goroutine may Get, Retain and Release. The bytes belong to whoever holds the reference; two holders (after
// Retain) only read.
package slab

import "sync/atomic"

// Pool is a fixed number of buffers of one size. The free ones form a stack, so that the one used last, which is
// still in the cache, is used next.
type Pool struct {
	// constant after New
	size   int
	memory []byte

	// any goroutine
	counts []atomic.Int32  // references per buffer; 0 is free
	next   []atomic.Uint32 // buffer below this one on the free stack, plus one; 0 is the bottom
	top    atomic.Uint64   // changes<<32 | top buffer plus one. The change count defeats A-B-A between Load and CAS.
	free   atomic.Int64
	misses atomic.Uint64
}

// Ref is one reference to a buffer. The zero Ref holds nothing.
type Ref struct {
	pool  *Pool
	index uint32
}

// New returns a pool of count buffers of size bytes each. It panics when either is below 1.
func New(count, size int) *Pool {
	if count < 1 || size < 1 {
		panic("slab: count and size must be positive")
	}
	p := &Pool{
		size:   size,
		memory: make([]byte, count*size),
		counts: make([]atomic.Int32, count),
		next:   make([]atomic.Uint32, count),
	}
	for i := count - 1; i >= 0; i-- {
		p.push(uint32(i))
	}
	return p
}

// Get takes a buffer with one reference. False when all are in use, which Misses counts.
func (p *Pool) Get() (Ref, bool) {
	for {
		top := p.top.Load()
		if uint32(top) == 0 {
			p.misses.Add(1)
			return Ref{}, false
		}
		index := uint32(top) - 1
		if p.top.CompareAndSwap(top, (top>>32+1)<<32|uint64(p.next[index].Load())) {
			p.free.Add(-1)
			p.counts[index].Store(1)
			return Ref{p, index}, true
		}
	}
}

// Free is a recent number of unused buffers.
func (p *Pool) Free() int { return int(p.free.Load()) }

// Misses counts the Gets that found no buffer.
func (p *Pool) Misses() uint64 { return p.misses.Load() }

func (p *Pool) push(index uint32) {
	p.free.Add(1)
	for {
		top := p.top.Load()
		p.next[index].Store(uint32(top))
		if p.top.CompareAndSwap(top, (top>>32+1)<<32|uint64(index+1)) {
			return
		}
	}
}

// Valid reports whether r refers to a buffer.
func (r Ref) Valid() bool { return r.pool != nil }

// Bytes is the whole buffer; its capacity ends where the next buffer starts.
func (r Ref) Bytes() []byte {
	first := int(r.index) * r.pool.size
	return r.pool.memory[first : first+r.pool.size : first+r.pool.size]
}

// Retain adds a reference, for a second holder.
func (r Ref) Retain() {
	if r.pool.counts[r.index].Add(1) < 2 {
		panic("slab: Retain of a released buffer")
	}
}

// Release gives up one reference; the last one frees the buffer. Releasing once too often is a bug and panics.
func (r Ref) Release() {
	switch n := r.pool.counts[r.index].Add(-1); {
	case n == 0:
		r.pool.push(r.index)
	case n < 0:
		panic("slab: Release of a released buffer")
	}
}
