package snapshot

import (
	"crypto/sha256"
	"fmt"
	"reflect"
	"strings"
	"unsafe"
)

// ID numbers the entities of a match: the base of its kind + its slot.
type ID uint16

// NoID is no entity.
const NoID ID = 0xFFFF

// Limits of a schema. They keep masks in 32 bits, event numbers in one byte and World within a few MB.
const (
	FieldsMax   = 32
	KindsMax    = 64
	EventsMax   = 255
	EntitiesMax = 4096
	RateMax     = 256
)

// KindSpec is one kind of entity.
type KindSpec struct {
	Proto any    // a value of the struct, or a pointer to one
	Cap   int    // entities of the kind that can be there at once
	Name  string // default: the type's name
}

// SchemaSpec is what a match sends. The order of kinds, events and fields is part of the schema.
type SchemaSpec struct {
	Rate   int // ticks a second
	Kinds  []KindSpec
	Input  any // struct or pointer; nil: the match takes none
	Events []any
}

// Kind is one kind of entity in a schema.
type Kind struct {
	*Record
	Index int
	Base  ID // id of slot 0
	Cap   int

	rows int // where row 0 of slot 0 is in a World's tick or a View
}

// ID is the id of a slot.
func (k *Kind) ID(slot int) ID { return k.Base + ID(slot) }

// Schema is read-only after NewSchema; any goroutine may use it.
type Schema struct {
	rate   int
	kinds  []Kind
	input  *Record
	events []*Record
	text   string
	hash   [8]byte

	entities int      // ids in all
	words    int      // of a bitset over them
	numbers  int      // uint32s of the rows of all entities
	kindOf   []uint8  // by id
	rowOf    []uint32 // by id
	all      []uint64 // set of all ids
}

// NewSchema reads the struct tags. Errors name the field and say what is wrong with it.
func NewSchema(spec SchemaSpec) (*Schema, error) {
	s := &Schema{rate: spec.Rate}
	if spec.Rate < 1 || spec.Rate > RateMax {
		return nil, fmt.Errorf("snapshot: rate %d is not within 1 to %d ticks a second", spec.Rate, RateMax)
	}
	if len(spec.Kinds) == 0 || len(spec.Kinds) > KindsMax {
		return nil, fmt.Errorf("snapshot: %d kinds, want 1 to %d", len(spec.Kinds), KindsMax)
	}
	if len(spec.Events) > EventsMax {
		return nil, fmt.Errorf("snapshot: %d events, at most %d", len(spec.Events), EventsMax)
	}
	for i, k := range spec.Kinds {
		r, err := newRecord(k.Proto, k.Name, spec.Rate)
		if err != nil {
			return nil, fmt.Errorf("snapshot: kind %d: %w", i, err)
		}
		if k.Cap < 1 || s.entities+k.Cap > EntitiesMax {
			return nil, fmt.Errorf("snapshot: kind %s: capacity %d: want at least 1, and %d in all", r.name, k.Cap, EntitiesMax)
		}
		s.kinds = append(s.kinds, Kind{Record: r, Index: i, Base: ID(s.entities), Cap: k.Cap, rows: s.numbers})
		for slot := range k.Cap {
			s.kindOf = append(s.kindOf, uint8(i))
			s.rowOf = append(s.rowOf, uint32(s.numbers+slot*len(r.fields)))
		}
		s.entities += k.Cap
		s.numbers += k.Cap * len(r.fields)
	}
	s.words = (s.entities + 63) / 64
	s.all = make([]uint64, s.words)
	for id := range s.entities {
		add(s.all, id)
	}
	if spec.Input != nil {
		r, err := newRecord(spec.Input, "", spec.Rate)
		if err != nil {
			return nil, fmt.Errorf("snapshot: input: %w", err)
		}
		s.input = r
	}
	for i, e := range spec.Events {
		r, err := newRecord(e, "", spec.Rate)
		if err != nil {
			return nil, fmt.Errorf("snapshot: event %d: %w", i, err)
		}
		if bytes := 1 + (r.bits+7)/8; bytes > 255 {
			return nil, fmt.Errorf("snapshot: event %s: %d bytes do not fit into an event's 255", r.name, bytes)
		}
		s.events = append(s.events, r)
	}
	s.text = s.canonical()
	sum := sha256.Sum256([]byte(s.text))
	copy(s.hash[:], sum[:])
	return s, nil
}

// canonical writes the schema as text: one line a record, one a field, in coding order, integers and names only.
// protocol/wire/STANDARD.md says what each word is.
func (s *Schema) canonical() string {
	var b strings.Builder
	fmt.Fprintf(&b, "skirmish schema 1\nrate %d\n", s.rate)
	for i := range s.kinds {
		fmt.Fprintf(&b, "kind %s %d\n", s.kinds[i].name, s.kinds[i].Cap)
		s.kinds[i].describe(&b)
	}
	if s.input != nil {
		fmt.Fprintf(&b, "input %s\n", s.input.name)
		s.input.describe(&b)
	}
	for _, e := range s.events {
		fmt.Fprintf(&b, "event %s\n", e.name)
		e.describe(&b)
	}
	return b.String()
}

// Hash is the first 8 bytes of SHA-256 over Text: two ends with the same hash read each other's bits.
func (s *Schema) Hash() [8]byte { return s.hash }

// Text is the canonical text of the schema.
func (s *Schema) Text() string { return s.text }

// Rate is in ticks a second.
func (s *Schema) Rate() int { return s.rate }

// Kinds is how many kinds there are.
func (s *Schema) Kinds() int { return len(s.kinds) }

// Kind is the i-th of SchemaSpec.Kinds.
func (s *Schema) Kind(i int) *Kind { return &s.kinds[i] }

// Cap is the number of ids; every id is below it.
func (s *Schema) Cap() int { return s.entities }

// Words is the length of a bitset over the ids: bit id&63 of word id>>6.
func (s *Schema) Words() int { return s.words }

// Locate is the kind and slot of an id below Cap.
func (s *Schema) Locate(id ID) (kind, slot int) {
	kind = int(s.kindOf[id])
	return kind, int(id - s.kinds[kind].Base)
}

// Input is the record of inputs, nil when the match takes none.
func (s *Schema) Input() *Record { return s.input }

// Events is how many events there are.
func (s *Schema) Events() int { return len(s.events) }

// Event is the i-th of SchemaSpec.Events.
func (s *Schema) Event(i uint8) *Record { return s.events[i] }

// KindOf is the first kind whose entities are T.
func KindOf[T any](s *Schema) (kind int, ok bool) {
	t := typeOf[T]()
	for i := range s.kinds {
		if s.kinds[i].pointer == t {
			return i, true
		}
	}
	return 0, false
}

// EventOf is the number of the event that is a T.
func EventOf[T any](s *Schema) (event uint8, ok bool) {
	t := typeOf[T]()
	for i, r := range s.events {
		if r.pointer == t {
			return uint8(i), true
		}
	}
	return 0, false
}

// typeOf identifies T by the address of the type *T, which is what an interface holds: a comparison of words where
// reflect would be a call and is not welcome in a tick.
func typeOf[T any]() unsafe.Pointer { return typeWord((*T)(nil)) }

func typeWord(v any) unsafe.Pointer { return (*[2]unsafe.Pointer)(unsafe.Pointer(&v))[0] }

// structOf is the struct type behind a proto.
func structOf(proto any) (reflect.Type, error) {
	t := reflect.TypeOf(proto)
	if t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil || t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("%T is not a struct", proto)
	}
	return t, nil
}
