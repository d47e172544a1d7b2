package match

import (
	"fmt"
	"iter"
	"math/bits"
	"unsafe"

	"github.com/skirmishgg/skirmish/netcode/rewind"
	"github.com/skirmishgg/skirmish/netcode/snapshot"
)

// ID names an entity; different kinds have different ids. An id is used again for another entity after Despawn.
type ID = snapshot.ID

// NoID is no entity.
const NoID = snapshot.NoID

// Store holds a game's entities of one kind. It is a handle: copies are the same store.
//
//	id, shot := a.shots.Spawn()
//	for id, shot := range a.shots.All() { … } // in order of id; Despawn of the one at hand is allowed
//
// Pointers stay good until Despawn. After each Tick the engine captures every entity, and rounds its tagged fields to
// what travels.
type Store[T any] struct{ t *table[T] }

type table[T any] struct {
	tableHead
	rows    []T
	history *rewind.History[T] // nil unless the store was opened with Rewindable
}

// tableHead is what the engine needs to know without knowing T.
type tableHead struct {
	kind    int
	base    ID
	first   unsafe.Pointer
	size    uintptr
	alive   []uint64
	gens    []uint8
	count   int
	refused uint64 // Spawn without room
	record  func(tick uint32)
}

// Option is a wish about a Store.
type Option uint8

// Rewindable makes the engine remember the store's entities for Store.At.
const Rewindable Option = 1

// Open is the store of the kind T; called in Init, once for each kind.
func Open[T any](c *Ctx, options ...Option) Store[T] {
	m := c.m
	kind, ok := snapshot.KindOf[T](m.schema)
	if !ok {
		panic(fmt.Sprintf("match %s: Open: %T is no kind of the schema", m.def.Name, *new(T)))
	}
	if m.tables[kind] != nil {
		panic(fmt.Sprintf("match %s: Open: %T is open already", m.def.Name, *new(T)))
	}
	k := m.schema.Kind(kind)
	t := &table[T]{rows: make([]T, k.Cap)}
	t.tableHead = tableHead{
		kind: kind, base: k.Base, first: unsafe.Pointer(unsafe.SliceData(t.rows)), size: unsafe.Sizeof(t.rows[0]),
		alive: make([]uint64, (k.Cap+63)/64), gens: make([]uint8, k.Cap),
	}
	for _, o := range options {
		if o == Rewindable {
			t.history = rewind.New[T](k.Cap, m.rewindTicks)
			t.record = t.remember
		}
	}
	m.tables[kind] = &t.tableHead
	return Store[T]{t}
}

// Spawn makes an entity, zero, with the lowest free id. NoID and nil: the kind's capacity is reached.
func (s Store[T]) Spawn() (ID, *T) {
	for i, word := range s.t.alive {
		if slot := i<<6 | bits.TrailingZeros64(^word); word != ^uint64(0) && slot < len(s.t.rows) {
			return s.SpawnAt(slot)
		}
	}
	s.t.refused++
	return NoID, nil
}

// SpawnAt makes the entity of a slot, 0 to capacity-1: a player's avatar may share the player's slot. NoID and nil when
// it exists already.
func (s Store[T]) SpawnAt(slot int) (ID, *T) {
	t := s.t
	if t.alive[slot>>6]>>(slot&63)&1 != 0 {
		t.refused++
		return NoID, nil
	}
	t.alive[slot>>6] |= 1 << (slot & 63)
	t.gens[slot]++ // clients see another one even if the last was despawned in this very tick
	t.count++
	var zero T
	t.rows[slot] = zero
	return t.base + ID(slot), &t.rows[slot]
}

// Despawn removes an entity; one that is gone already, or of another kind, changes nothing.
func (s Store[T]) Despawn(id ID) {
	t := s.t
	if s.Get(id) == nil {
		return
	}
	slot := int(id - t.base)
	t.alive[slot>>6] &^= 1 << (slot & 63)
	t.count--
}

// Get is the entity, nil when there is none with this id in this store.
func (s Store[T]) Get(id ID) *T {
	slot := int(id) - int(s.t.base)
	if slot < 0 || slot >= len(s.t.rows) || s.t.alive[slot>>6]>>(slot&63)&1 == 0 {
		return nil
	}
	return &s.t.rows[slot]
}

// Len is how many there are.
func (s Store[T]) Len() int { return s.t.count }

// Cap is how many there can be.
func (s Store[T]) Cap() int { return len(s.t.rows) }

// ID is the id of a slot.
func (s Store[T]) ID(slot int) ID { return s.t.base + ID(slot) }

// Slot is the slot of an id of this store.
func (s Store[T]) Slot(id ID) int { return int(id - s.t.base) }

// All ranges over the entities in order of id.
func (s Store[T]) All() iter.Seq2[ID, *T] {
	return func(yield func(ID, *T) bool) {
		for i := range s.t.alive {
			for word := s.t.alive[i]; word != 0; word &= word - 1 {
				slot := i<<6 | bits.TrailingZeros64(word)
				if !yield(s.t.base+ID(slot), &s.t.rows[slot]) {
					return
				}
			}
		}
	}
}

// At is the entity as the snapshot of a tick showed it: what a player who had that snapshot on his screen aimed at. A
// tick longer ago than Definition.Rewind is taken as that long ago, one that has not been as the newest. nil: it did not
// exist then, or is another one now. The store must be opened Rewindable. Borrowed until the end of this Tick.
func (s Store[T]) At(id ID, tick uint32) *T {
	slot := int(id) - int(s.t.base)
	if s.t.history == nil {
		panic(fmt.Sprintf("match: At: the store of %T was not opened Rewindable", *new(T)))
	}
	if slot < 0 || slot >= len(s.t.rows) {
		return nil
	}
	return s.t.history.At(tick, slot, s.t.gens[slot])
}

// remember keeps this tick's entities for At.
func (t *table[T]) remember(tick uint32) {
	t.history.Begin(tick)
	for i := range t.alive {
		for word := t.alive[i]; word != 0; word &= word - 1 {
			slot := i<<6 | bits.TrailingZeros64(word)
			t.history.Put(slot, t.gens[slot], &t.rows[slot])
		}
	}
}

// each captures every entity.
func (t *tableHead) each(w *snapshot.World) {
	for i, word := range t.alive {
		for ; word != 0; word &= word - 1 {
			slot := i<<6 | bits.TrailingZeros64(word)
			w.Capture(t.kind, slot, t.gens[slot], unsafe.Add(t.first, uintptr(slot)*t.size))
		}
	}
}
