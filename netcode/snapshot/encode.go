package snapshot

import (
	"encoding/binary"

	"github.com/skirmishgg/skirmish/netcode/bits"
)

// An entity that the client holds is coded as a symbol of the kind's model and what follows from it:
//
//	mask of the model · residual of each of its fields
//	escape · 1 · for each component: 1 bit, and when set, 1 bit a field (left out if there is just one) · residuals
//	escape · 0 · 0                 removed
//	escape · 0 · 1 · whole         replaced: another generation, or what the client holds is too old
//
// An entity that it does not hold is coded as whole:
//
//	u8 generation · for each component: 1 bit, and when set, for each field: 1 bit (left out if there is just one),
//	and when set, the code raw. What is not set is the code of zero.

// created is the string that makes id appear as it is now.
func (w *World) created(id int) *entityBits {
	e := &w.strings[id]
	if e.serial != w.serial {
		var out bits.Writer
		out.Reset(w.scratch[:])
		w.writeWhole(&out, id)
		w.keep(e, &out)
	}
	return e
}

// changes is the string that takes id from what it was age ticks ago, when it was there, to what it is now.
func (w *World) changes(id, age int) *entityBits {
	e := &w.strings[age*w.s.entities+id]
	if e.serial != w.serial {
		w.makeChanges(e, id, age)
	}
	return e
}

func (w *World) makeChanges(e *entityBits, id, age int) {
	var out bits.Writer
	out.Reset(w.scratch[:])
	w.writeChanges(&out, id, age, spanOf(age), true)
	w.keep(e, &out)
}

// keep moves what was written to where Viewers find it.
func (w *World) keep(e *entityBits, out *bits.Writer) {
	n := out.Len()
	used := out.Bytes()
	for len(used)%8 != 0 {
		used = append(used, 0) // scratch is longer than the longest string
	}
	e.n, e.serial = uint32(n), w.serial
	if n <= 64 {
		e.word = 0
		if n > 0 {
			e.word = binary.LittleEndian.Uint64(used)
		}
		return
	}
	e.word = uint64(len(w.long))
	for ; len(used) > 0; used = used[8:] {
		w.long = append(w.long, binary.LittleEndian.Uint64(used))
	}
}

// put copies a string into a snapshot.
func (w *World) put(out *bits.Writer, e *entityBits) {
	if e.n <= 64 {
		out.Write(e.word, uint(e.n))
		return
	}
	out.Append(w.long[e.word:e.word+uint64(e.n+63)/64], uint(e.n))
}

func (w *World) writeRemoved(out *bits.Writer, id, span int) {
	m := &w.models[int(w.s.kindOf[id])*spans+span]
	m.writeSymbol(out, m.count)
	out.Write(0b00, 2)
}

func (w *World) writeReplaced(out *bits.Writer, id, span int) {
	m := &w.models[int(w.s.kindOf[id])*spans+span]
	m.writeSymbol(out, m.count)
	out.Write(0b10, 2) // 0, then 1
	w.writeWhole(out, id)
}

func (w *World) writeWhole(out *bits.Writer, id int) {
	r := w.s.kinds[w.s.kindOf[id]].Record
	row := w.rowAt(w.tick, id)
	out.Write(uint64(w.genAt(w.tick, id)), 8)
	var mask uint32
	for i := range r.fields {
		if row[i] != r.fields[i].zero {
			mask |= 1 << i
		}
	}
	for c := range r.components {
		all := r.components[c].mask
		out.Bool(mask&all != 0)
		if mask&all == 0 {
			continue
		}
		for i := range r.fields {
			bit := uint32(1) << i
			if all&bit == 0 {
				continue
			}
			if all != bit {
				out.Bool(mask&bit != 0)
			}
			if mask&bit != 0 {
				out.Write(uint64(row[i]), uint(r.fields[i].bits))
			}
		}
	}
}

// writeChanges writes what became of id since it was there age ticks ago, with the models of span. counted: let World
// learn from it.
func (w *World) writeChanges(out *bits.Writer, id, age, span int, counted bool) {
	kind := int(w.s.kindOf[id])
	r := w.s.kinds[kind].Record
	base := w.tick - uint32(age)
	if w.genAt(base, id) != w.genAt(w.tick, id) {
		w.writeReplaced(out, id, span)
		return
	}
	before, now := w.rowAt(base, id), w.rowAt(w.tick, id)
	var residuals [FieldsMax]int32
	var mask uint32
	for i := range r.fields {
		f := &r.fields[i]
		expected := before[i]
		if f.rate >= 0 {
			expected = r.predict(i, before, now, int64(age))
		}
		if d := f.residual(expected, now[i]); d != 0 {
			residuals[i] = d
			mask |= 1 << i
		}
	}
	m := &w.models[kind*spans+span]
	sym := m.find(mask)
	m.writeSymbol(out, sym)
	if sym == m.count {
		out.Write(1, 1)
		r.writeMask(out, mask)
	}
	for i := range r.fields {
		if mask>>i&1 != 0 {
			r.fields[i].write(out, m.orders[i], now[i], residuals[i])
		}
	}
	if counted {
		w.stats[kind*spans+span].add(r, mask, &residuals)
	}
}

// predict is the expected code of a field with a rate; of now only the rate's code is read.
func (r *Record) predict(field int, before, now []uint32, dt int64) uint32 {
	f := &r.fields[field]
	rate := &r.fields[f.rate]
	return f.predict(before[field], int64(before[f.rate])+rate.min, int64(now[f.rate])+rate.min, dt)
}

func (r *Record) writeMask(out *bits.Writer, mask uint32) {
	for _, c := range r.components {
		out.Bool(mask&c.mask != 0)
		if mask&c.mask == 0 || c.mask&(c.mask-1) == 0 {
			continue
		}
		for i := range r.fields {
			if c.mask>>i&1 != 0 {
				out.Write(uint64(mask>>i&1), 1)
			}
		}
	}
}

func (r *Record) readMask(rd *bits.Reader) (mask uint32) {
	for _, c := range r.components {
		switch {
		case !rd.Bool():
		case c.mask&(c.mask-1) == 0:
			mask |= c.mask
		default:
			for i := range r.fields {
				if c.mask>>i&1 != 0 {
					mask |= uint32(rd.Read(1)) << i
				}
			}
		}
	}
	return mask
}
