package snapshot

import (
	"unsafe"

	"github.com/skirmishgg/skirmish/netcode/bits"
)

// A row is a record as codes, one uint32 a field, in coding order.

// Quantize fills row, Fields() long, from the struct at p.
func (r *Record) Quantize(p unsafe.Pointer, row []uint32) { r.capture(p, row, row, false) }

// Capture fills row from the struct at p and writes back into the struct what the codes stand for.
func (r *Record) Capture(p unsafe.Pointer, row []uint32) { r.capture(p, row, row, true) }

// Snap rounds the struct at p to what would arrive at the other end.
func (r *Record) Snap(p unsafe.Pointer) {
	var row [FieldsMax]uint32
	r.capture(p, row[:len(r.fields)], row[:len(r.fields)], true)
}

// capture also reports whether row differs from before, which may be row itself.
func (r *Record) capture(p unsafe.Pointer, row, before []uint32, back bool) bool {
	fields := r.fields
	row, before = row[:len(fields)], before[:len(fields)]
	var diff uint32
	for i := range fields {
		f := &fields[i]
		at := unsafe.Add(p, f.offset)
		var q uint32
		switch f.form {
		case formFloat32:
			v := (*float32)(at)
			q = f.quantize(float64(*v))
			if back {
				*v = float32(f.value(q))
			}
		case formFloat64:
			v := (*float64)(at)
			q = f.quantize(*v)
			if back {
				*v = f.value(q)
			}
		case formBool:
			if *(*bool)(at) {
				q = 1
			}
		default:
			v := f.integer(at)
			q = f.code(v)
			if w := int64(q) + f.min; back && w != v {
				f.setInteger(at, w)
			}
		}
		diff |= q ^ before[i]
		row[i] = q
	}
	return diff != 0
}

// Load fills the tagged fields of the struct at p from row.
func (r *Record) Load(row []uint32, p unsafe.Pointer) {
	fields := r.fields
	row = row[:len(fields)]
	for i := range fields {
		f := &fields[i]
		at := unsafe.Add(p, f.offset)
		switch f.form {
		case formFloat32:
			*(*float32)(at) = float32(f.value(row[i]))
		case formFloat64:
			*(*float64)(at) = f.value(row[i])
		case formBool:
			*(*bool)(at) = row[i] != 0
		default:
			f.setInteger(at, int64(row[i])+f.min)
		}
	}
}

// Write appends every field raw.
func (r *Record) Write(w *bits.Writer, row []uint32) {
	for i := range r.fields {
		w.Write(uint64(row[i]), uint(r.fields[i].bits))
	}
}

// Read fills row with what Write wrote; false when bits are missing or a number is outside its range.
func (r *Record) Read(rd *bits.Reader, row []uint32) bool {
	ok := true
	for i := range r.fields {
		f := &r.fields[i]
		row[i] = uint32(rd.Read(uint(f.bits)))
		ok = ok && row[i] <= f.span
	}
	return ok && !rd.Overflow()
}

// WriteDelta appends row against before, another row of the record:
//
//	1 bit: same? · [for each field 1 bit: changed? · code raw]
func (r *Record) WriteDelta(w *bits.Writer, before, row []uint32) {
	var diff uint32
	for i := range r.fields {
		diff |= before[i] ^ row[i]
	}
	w.Bool(diff == 0)
	if diff == 0 {
		return
	}
	for i := range r.fields {
		w.Bool(before[i] != row[i])
		if before[i] != row[i] {
			w.Write(uint64(row[i]), uint(r.fields[i].bits))
		}
	}
}

// ReadDelta fills row with what WriteDelta wrote; false when bits are missing or a number is outside its range.
func (r *Record) ReadDelta(rd *bits.Reader, before, row []uint32) bool {
	copy(row[:len(r.fields)], before)
	if rd.Bool() {
		return true
	}
	ok := true
	for i := range r.fields {
		if rd.Bool() {
			row[i] = uint32(rd.Read(uint(r.fields[i].bits)))
			ok = ok && row[i] <= r.fields[i].span
		}
	}
	return ok && !rd.Overflow()
}

// Zero fills row with the codes nearest to zero.
func (r *Record) Zero(row []uint32) {
	for i := range r.fields {
		row[i] = r.fields[i].zero
	}
}

func (f *field) integer(at unsafe.Pointer) int64 {
	switch f.form {
	case formInt8:
		return int64(*(*int8)(at))
	case formInt16:
		return int64(*(*int16)(at))
	case formInt32:
		return int64(*(*int32)(at))
	case formInt64:
		return *(*int64)(at)
	case formUint8:
		return int64(*(*uint8)(at))
	case formUint16:
		return int64(*(*uint16)(at))
	case formUint32:
		return int64(*(*uint32)(at))
	}
	return int64(min(*(*uint64)(at), 1<<62)) // what is beyond is beyond every range
}

func (f *field) setInteger(at unsafe.Pointer, v int64) {
	switch f.form {
	case formInt8:
		*(*int8)(at) = int8(v)
	case formInt16:
		*(*int16)(at) = int16(v)
	case formInt32:
		*(*int32)(at) = int32(v)
	case formInt64:
		*(*int64)(at) = v
	case formUint8:
		*(*uint8)(at) = uint8(v)
	case formUint16:
		*(*uint16)(at) = uint16(v)
	case formUint32:
		*(*uint32)(at) = uint32(v)
	default:
		*(*uint64)(at) = uint64(v)
	}
}
