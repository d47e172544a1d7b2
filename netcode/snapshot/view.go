package snapshot

import (
	"unsafe"

	"github.com/skirmishgg/skirmish/netcode/bits"
)

// View is what a client knows of one tick. It belongs to its Decoder, and is valid until the tick 64 later is decoded.
type View struct {
	s       *Schema
	tick    uint32
	valid   bool
	present []uint64 // set
	ages    []uint8  // by id: ticks by which the state of a deferred entity is behind
	gens    []uint8  // by id
	rows    []uint32
	known   []uint8 // by kind * spans + span: slot of the model that is known + 1; 0: the one to start from
}

// start makes v what base was.
func (v *View) start(tick uint32, base *View) {
	v.tick, v.valid = tick, false
	if base == nil {
		clear(v.present)
		clear(v.known)
		return
	}
	copy(v.present, base.present)
	copy(v.gens, base.gens)
	copy(v.rows, base.rows)
	copy(v.known, base.known)
}

// readWhole reads an entity that is there from now on.
func (v *View) readWhole(in *bits.Reader, id int) bool {
	r := v.s.kinds[v.s.kindOf[id]].Record
	row := v.Row(ID(id))
	v.gens[id] = uint8(in.Read(8))
	for i := range r.fields {
		row[i] = r.fields[i].zero
	}
	for _, c := range r.components {
		if !in.Bool() {
			continue
		}
		for i := range r.fields {
			bit := uint32(1) << i
			if c.mask&bit == 0 || c.mask != bit && !in.Bool() {
				continue
			}
			if row[i] = uint32(in.Read(uint(r.fields[i].bits))); row[i] > r.fields[i].span {
				return false
			}
		}
	}
	return !in.Overflow()
}

// Tick is the tick that the view is of.
func (v *View) Tick() uint32 { return v.tick }

// Has reports whether an entity is there.
func (v *View) Has(id ID) bool { return int(id) < v.s.entities && has(v.present, int(id)) }

// Generation tells apart the entities that use an id one after another.
func (v *View) Generation(id ID) uint8 { return v.gens[id] }

// Age is how many ticks the state of an entity is behind the view, because the server deferred it; usually 0, and 255
// for so many or more.
func (v *View) Age(id ID) int { return int(v.ages[id]) }

// Row is the codes of an entity that is there.
func (v *View) Row(id ID) []uint32 {
	at := int(v.s.rowOf[id])
	return v.rows[at : at+len(v.s.kinds[v.s.kindOf[id]].fields)]
}

// Present is the set of who is there: bit id&63 of word id>>6. Read-only.
func (v *View) Present() []uint64 { return v.present }

// Next is the least id not below from that is there.
func (v *View) Next(from ID) (ID, bool) {
	id := next(v.present, int(from))
	return ID(id), id >= 0
}

// Load fills the tagged fields of the struct at p, which is of the type of id's kind. False: nobody is there.
func (v *View) Load(id ID, p unsafe.Pointer) bool {
	if !v.Has(id) {
		return false
	}
	v.s.kinds[v.s.kindOf[id]].Load(v.Row(id), p)
	return true
}

// Load fills the tagged fields of *into. False: nobody is there, or entities of that kind are not Ts.
func Load[T any](v *View, id ID, into *T) bool {
	return v.Has(id) && v.s.kinds[v.s.kindOf[id]].pointer == typeOf[T]() && v.Load(id, unsafe.Pointer(into))
}
