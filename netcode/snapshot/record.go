package snapshot

import (
	"fmt"
	"math"
	"math/bits"
	"reflect"
	"sort"
	"strings"
	"unsafe"
)

// Record is a struct that travels: a table of fields, in the order in which they are coded, which is the struct's
// order but for fields with a rate, which come after what they change with.
type Record struct {
	name       string
	fields     []field
	components []component
	bits       int // of all fields, raw
	size       uintptr
	prio       uint32
	typ        reflect.Type
	pointer    unsafe.Pointer // identity of the type, see typeOf
	tracked    []uint8        // fields whose prediction is not just the baseline's value
}

// component is an embedded struct, or what is not in one.
type component struct {
	name string
	mask uint32 // its fields
}

// Name is the type's name, or what the KindSpec said.
func (r *Record) Name() string { return r.name }

// Fields is the length of a row.
func (r *Record) Fields() int { return len(r.fields) }

// Bits is the size of the record when every field is written raw.
func (r *Record) Bits() int { return r.bits }

// Size is that of the struct.
func (r *Record) Size() uintptr { return r.size }

// Type is the struct.
func (r *Record) Type() reflect.Type { return r.typ }

func width(span uint32) int { return max(1, bits.Len32(span)) }

// newRecord reads the tags of proto's struct.
func newRecord(proto any, name string, rate int) (*Record, error) {
	t, err := structOf(proto)
	if err != nil {
		return nil, err
	}
	if name == "" {
		name = t.Name()
	}
	if name == "" || strings.ContainsAny(name, " \n") {
		return nil, fmt.Errorf("%s needs a name of one word", t)
	}
	r := &Record{name: name, size: t.Size(), typ: t, prio: 1, pointer: typeWord(reflect.Zero(reflect.PointerTo(t)).Interface())}
	b := builder{record: r, rates: map[string]string{}}
	b.components = append(b.components, component{name: name})
	if err := b.walk(t, 0, "", 0); err != nil {
		return nil, fmt.Errorf("%s.%w", name, err)
	}
	if len(b.fields) == 0 {
		return nil, fmt.Errorf("%s has no field with a snap tag", name)
	}
	if len(b.fields) > FieldsMax {
		return nil, fmt.Errorf("%s has %d fields, at most %d", name, len(b.fields), FieldsMax)
	}
	if err := b.order(rate); err != nil {
		return nil, fmt.Errorf("%s.%w", name, err)
	}
	return r, nil
}

// builder collects the fields of one record.
type builder struct {
	record     *Record
	fields     []field
	components []component
	rates      map[string]string // path of a field → path of its rate
}

// walk adds the fields of t, which lies at offset in the record; prefix is the path to it, with its dot.
func (b *builder) walk(t reflect.Type, offset uintptr, prefix string, comp int) error {
	for i := range t.NumField() {
		sf := t.Field(i)
		path, at := prefix+sf.Name, offset+sf.Offset
		if sf.Anonymous && sf.Type.Kind() == reflect.Struct && prefix == "" && comp == 0 {
			b.components = append(b.components, component{name: sf.Name})
			if err := b.walk(sf.Type, at, path+".", len(b.components)-1); err != nil {
				return err
			}
			continue
		}
		text, tagged := sf.Tag.Lookup("snap")
		if text == "-" {
			continue
		}
		if err := b.add(sf.Type, at, path, text, tagged, comp); err != nil {
			return err
		}
	}
	return nil
}

// add adds what is at path: a field, or the fields inside a struct or array.
func (b *builder) add(t reflect.Type, at uintptr, path, text string, tagged bool, comp int) error {
	switch t.Kind() {
	case reflect.Struct:
		if tagged {
			return fmt.Errorf("%s: tag the fields of a struct, not the struct", path)
		}
		return b.walk(t, at, path+".", comp)
	case reflect.Array:
		if !tagged && t.Elem().Kind() != reflect.Struct {
			return nil
		}
		for i := range t.Len() {
			if err := b.add(t.Elem(), at+uintptr(i)*t.Elem().Size(), fmt.Sprintf("%s[%d]", path, i), text, tagged, comp); err != nil {
				return err
			}
		}
		return nil
	}
	if !tagged {
		return nil
	}
	parsed, err := parseTag(text)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	f, err := parsed.fieldOf(t)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	f.name, f.offset, f.component = path, at, uint8(comp)
	b.record.prio = max(b.record.prio, uint32(parsed.prio))
	if parsed.rate != "" {
		b.rates[path] = parsed.rate
	}
	b.fields = append(b.fields, f)
	return nil
}

// order puts fields behind their rates and joins them.
func (b *builder) order(rate int) error {
	byName := map[string]int{}
	for i, f := range b.fields {
		byName[f.name] = i
	}
	source := make([]int, len(b.fields))
	for i, f := range b.fields {
		source[i] = -1
		if b.rates[f.name] == "" {
			continue
		}
		at, ok := byName[f.name[:strings.LastIndexByte(f.name, '.')+1]+b.rates[f.name]]
		if !ok {
			at, ok = byName[b.rates[f.name]]
		}
		if !ok {
			return fmt.Errorf("%s: rate=%s is no field with a tag", f.name, b.rates[f.name])
		}
		source[i] = at
	}
	depth := make([]int, len(b.fields))
	for i := range b.fields {
		for at := source[i]; at >= 0; at = source[at] {
			if depth[i]++; depth[i] > len(b.fields) {
				return fmt.Errorf("%s: its rate leads back to itself", b.fields[i].name)
			}
		}
	}
	order := make([]int, len(b.fields))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(i, j int) bool { return depth[order[i]] < depth[order[j]] })
	place := make([]int, len(b.fields))
	for to, from := range order {
		place[from] = to
	}
	r := b.record
	for to, from := range order {
		f := b.fields[from]
		if src := source[from]; src >= 0 {
			if f.bits > codedBitsMax || b.fields[src].bits > codedBitsMax || b.fields[src].wrap {
				return fmt.Errorf("%s: a field with a rate, and its rate, have at most %d bits; the rate does not wrap", f.name, codedBitsMax)
			}
			perTick := b.fields[src].step / (f.step * float64(rate))
			if perTick >= 1<<12 {
				return fmt.Errorf("%s: one step of %s moves it by %.0f steps a tick; use a finer step there", f.name, b.fields[src].name, perTick)
			}
			f.rate = int8(place[src])
			f.perTick = int64(math.Round(perTick * (1 << rateShift)))
			r.tracked = append(r.tracked, uint8(to))
		}
		b.components[f.component].mask |= 1 << to
		r.fields = append(r.fields, f)
		r.bits += int(f.bits)
	}
	for _, c := range b.components {
		if c.mask != 0 {
			r.components = append(r.components, c)
		}
	}
	return nil
}

// describe writes the canonical lines of the record.
//
//	component NAME MASK
//	field NAME f|i|b BITS MIN SPAN STEP line|wrap [rate INDEX PERTICK]
//
// MASK in hexadecimal over the fields below; STEP is the hexadecimal IEEE 754 binary64 of the step, INDEX that of a
// field of the record, from 0; PERTICK is a count of 1/2^20 steps.
func (r *Record) describe(b *strings.Builder) {
	for _, c := range r.components {
		fmt.Fprintf(b, "component %s %x\n", c.name, c.mask)
	}
	for _, f := range r.fields {
		fmt.Fprintf(b, "field %s %c %d %d %d %016x ", f.name, f.letter, f.bits, f.min, f.span, math.Float64bits(f.step))
		if f.wrap {
			b.WriteString("wrap")
		} else {
			b.WriteString("line")
		}
		if f.rate >= 0 {
			fmt.Fprintf(b, " rate %d %d", f.rate, f.perTick)
		}
		b.WriteByte('\n')
	}
}
