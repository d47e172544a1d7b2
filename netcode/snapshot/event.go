package snapshot

import (
	"errors"
	"unsafe"

	"github.com/skirmishgg/skirmish/netcode/bits"
)

// ErrEvent refuses bytes that are no event of the schema.
var ErrEvent = errors.New("snapshot: no event of this schema")

// AppendEvent appends an event, the struct at p:
//
//	u8 number of the event · fields raw, in coding order · zeros to the byte
func (s *Schema) AppendEvent(dst []byte, event uint8, p unsafe.Pointer) []byte {
	r := s.events[event]
	var row [FieldsMax]uint32
	r.Quantize(p, row[:len(r.fields)])
	dst = append(dst, event)
	at := len(dst)
	dst = append(dst, zeros[:(r.bits+7)/8]...)
	var out bits.Writer
	out.Reset(dst[at:])
	r.Write(&out, row[:])
	out.Bytes()
	return dst
}

var zeros [256]byte // NewSchema lets no event be longer

// EventIndex is the number of the event in data; false when the schema has none such.
func (s *Schema) EventIndex(data []byte) (event uint8, ok bool) {
	if len(data) == 0 || int(data[0]) >= len(s.events) {
		return 0, false
	}
	return data[0], true
}

// LoadEvent fills the tagged fields of the struct at p, which is of the type that EventIndex says. False: data is not
// what AppendEvent writes, and nothing was filled.
func (s *Schema) LoadEvent(data []byte, p unsafe.Pointer) bool {
	event, ok := s.EventIndex(data)
	if !ok {
		return false
	}
	r := s.events[event]
	var row [FieldsMax]uint32
	var in bits.Reader
	in.Reset(data[1:])
	if !r.Read(&in, row[:]) || !in.Done() {
		return false
	}
	r.Load(row[:], p)
	return true
}

// AppendEvent appends an event of a type that is in the schema; false when it is not. Allocates nothing.
func AppendEvent[E any](s *Schema, dst []byte, event *E) ([]byte, bool) {
	n, ok := EventOf[E](s)
	if !ok {
		return dst, false
	}
	return s.AppendEvent(dst, n, unsafe.Pointer(event)), true
}

// LoadEvent fills *into with the event in data; false when that is another event, or none.
func LoadEvent[E any](s *Schema, data []byte, into *E) bool {
	n, ok := EventOf[E](s)
	return ok && len(data) > 0 && data[0] == n && s.LoadEvent(data, unsafe.Pointer(into))
}
