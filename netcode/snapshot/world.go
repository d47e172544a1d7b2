package snapshot

import (
	"math/bits"
	"unsafe"
)

const (
	historyTicks = 64 // ticks that a World, a Viewer and a Decoder remember
	historyMask  = historyTicks - 1
	ageMax       = 62 // of a baseline in ticks: one less than the ring's oldest, for the tick that is being written
)

// World is the state of one match over the last 64 ticks, as codes, and what is shared by all who see it. The match's
// goroutine owns it, and the Viewers on it.
type World struct {
	// constant after NewWorld
	s *Schema

	// newest tick
	tick     uint32
	serial   uint32 // of Begin: stamps what is valid for this tick only
	started  bool
	open     bool     // between Begin and End
	previous uint32   // tick before it
	before   []uint64 // who was there then

	// ring by tick & historyMask
	ticks   [historyTicks]uint32
	valid   [historyTicks]bool
	rows    []uint32 // codes of all entities
	present []uint64 // set
	changed []uint64 // set: differs from the tick before, or came, or went
	gens    []uint8  // generation by id

	last []uint32 // tick of an entity's last change

	// made when a Viewer asks, kept for the others; valid with their serial
	strings     []entityBits // by age * ids + id; age 0: created
	long        []uint64     // words of strings longer than one
	since       []uint64     // by age: set of what changed since
	sinceSerial [ageMax + 1]uint32
	scratch     [stringBytes]byte

	// by kind * spans + span
	models   []model
	versions []uint8 // of the model; 0 is the one that both ends start from
	stats    []stats
	trial    model
}

// entityBits is the coded change of one entity.
type entityBits struct {
	word   uint64 // the bits, or where in long they start when there are more than 64
	serial uint32
	n      uint32 // bits
}

// stringBytes holds the longest string: 32 fields of at most 50 bits, masks, flags and generation.
const stringBytes = 256

// NewWorld allocates everything that the match will need.
func NewWorld(s *Schema) *World {
	w := &World{
		s:       s,
		before:  make([]uint64, s.words),
		rows:    make([]uint32, historyTicks*s.numbers),
		present: make([]uint64, historyTicks*s.words),
		changed: make([]uint64, historyTicks*s.words),
		gens:    make([]uint8, historyTicks*s.entities),
		last:    make([]uint32, s.entities),
		strings: make([]entityBits, (ageMax+1)*s.entities),
		long:    make([]uint64, 0, 16*s.entities),
		since:   make([]uint64, (ageMax+1)*s.words),

		models:   make([]model, len(s.kinds)*spans),
		versions: make([]uint8, len(s.kinds)*spans),
		stats:    make([]stats, len(s.kinds)*spans),
	}
	for k := range s.kinds {
		for span := range spans {
			w.models[k*spans+span].reset(s.kinds[k].Record)
			w.stats[k*spans+span].spread = make([][classes]uint32, len(s.kinds[k].fields))
		}
	}
	return w
}

// Begin starts a tick, which must be later than the last one; ticks may be left out.
func (w *World) Begin(tick uint32) {
	if w.open || w.started && tick <= w.tick {
		panic("snapshot: Begin inside a tick, or of one that is over")
	}
	if w.started {
		copy(w.before, w.presentAt(w.tick))
		w.learn(tick)
	}
	w.previous = w.tick
	w.tick, w.started, w.open = tick, true, true
	w.serial++
	w.long = w.long[:0]
	at := tick & historyMask
	w.ticks[at], w.valid[at] = tick, true
	clear(w.presentAt(tick))
	clear(w.changedAt(tick))
}

// Capture takes the state of a live entity, each once a tick, in any order, and rounds it: the tagged fields of the
// struct at p become what every client will read. gen tells apart the entities that use a slot one after another.
func (w *World) Capture(kind, slot int, gen uint8, p unsafe.Pointer) {
	k := &w.s.kinds[kind]
	if uint(slot) >= uint(k.Cap) {
		panic("snapshot: slot is beyond the kind's capacity")
	}
	id := int(k.Base) + slot
	present := w.presentAt(w.tick)
	if !w.open || has(present, id) {
		panic("snapshot: Capture outside a tick, or twice in it")
	}
	add(present, id)
	newest, previous := int(w.tick&historyMask), int(w.previous&historyMask)
	row := k.rows + slot*len(k.fields)
	differs := k.capture(p, w.rows[newest*w.s.numbers+row:], w.rows[previous*w.s.numbers+row:], true)
	if differs || !has(w.before, id) || w.gens[previous*w.s.entities+id] != gen {
		add(w.changedAt(w.tick), id)
		w.last[id] = w.tick
	}
	w.gens[newest*w.s.entities+id] = gen
}

// End ends the tick: who was not captured is gone. Viewers may encode from now on.
func (w *World) End() {
	present, changed := w.presentAt(w.tick), w.changedAt(w.tick)
	for i, before := range w.before {
		gone := before &^ present[i]
		changed[i] |= gone
		for ; gone != 0; gone &= gone - 1 {
			w.last[i<<6|bits.TrailingZeros64(gone)] = w.tick
		}
	}
	w.open = false
}

// Tick is the newest tick.
func (w *World) Tick() uint32 { return w.tick }

// Present is the set of who is there at the newest tick; read-only, valid until the next Begin.
func (w *World) Present() []uint64 { return w.presentAt(w.tick) }

// Row is an entity's codes at the newest tick; read-only, valid for 63 ticks.
func (w *World) Row(id ID) []uint32 { return w.rowAt(w.tick, int(id)) }

// Generation is an entity's generation at the newest tick.
func (w *World) Generation(id ID) uint8 { return w.genAt(w.tick, int(id)) }

// holds reports whether tick is in the ring.
func (w *World) holds(tick uint32) bool {
	return w.valid[tick&historyMask] && w.ticks[tick&historyMask] == tick
}

func (w *World) presentAt(tick uint32) []uint64 {
	at := int(tick&historyMask) * w.s.words
	return w.present[at : at+w.s.words]
}

func (w *World) changedAt(tick uint32) []uint64 {
	at := int(tick&historyMask) * w.s.words
	return w.changed[at : at+w.s.words]
}

func (w *World) rowAt(tick uint32, id int) []uint32 {
	at := int(tick&historyMask)*w.s.numbers + int(w.s.rowOf[id])
	return w.rows[at : at+len(w.s.kinds[w.s.kindOf[id]].fields)]
}

func (w *World) genAt(tick uint32, id int) uint8 {
	return w.gens[int(tick&historyMask)*w.s.entities+id]
}

// changedSince is the set of who changed after the tick that was age ticks ago. It is a superset for a slot that came
// and went in between.
func (w *World) changedSince(age int) []uint64 {
	set := w.since[age*w.s.words : (age+1)*w.s.words]
	if w.sinceSerial[age] == w.serial {
		return set
	}
	w.sinceSerial[age] = w.serial
	clear(set)
	for i := range uint32(age) {
		tick := w.tick - i
		if !w.holds(tick) {
			continue // a tick that was left out
		}
		for j, word := range w.changedAt(tick) {
			set[j] |= word
		}
	}
	return set
}

// learn looks at what was counted and changes to better models.
func (w *World) learn(tick uint32) {
	for i := range w.stats {
		s := &w.stats[i]
		if s.samples > 0 {
			s.ticks++
		}
		if tick < s.nextAt || s.samples < learnSamples {
			continue
		}
		r := w.s.kinds[i/spans].Record
		if s.improve(r, i%spans, &w.models[i], &w.trial) {
			w.models[i] = w.trial
			if w.versions[i]++; w.versions[i] == 0 {
				w.versions[i] = slots // 0 is taken; the next that falls into the same slot
			}
		}
		s.nextAt = tick + learnEvery<<min(s.looks, learnSlower)
		s.looks++
		s.age()
	}
}
