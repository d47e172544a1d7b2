package snapshot

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
)

// tag is a parsed `snap:"..."`.
type tag struct {
	quant, min, max          float64
	hasQuant, hasMin, hasMax bool
	bits                     int // 0: not given
	wrap                     bool
	rate                     string
	prio                     int
}

func parseTag(text string) (tag, error) {
	t := tag{prio: 1}
	for word := range strings.SplitSeq(text, ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(word), "=")
		var err error
		switch key {
		case "":
		case "quant":
			t.quant, err = parseNumber(value)
			t.hasQuant = true
		case "min":
			t.min, err = parseNumber(value)
			t.hasMin = true
		case "max":
			t.max, err = parseNumber(value)
			t.hasMax = true
		case "bits":
			if t.bits, err = strconv.Atoi(value); err == nil && (t.bits < 1 || t.bits > 32) {
				err = fmt.Errorf("bits=%s is not within 1 to 32", value)
			}
		case "prio":
			if t.prio, err = strconv.Atoi(value); err == nil && (t.prio < 1 || t.prio > 1000) {
				err = fmt.Errorf("prio=%s is not within 1 to 1000", value)
			}
		case "wrap":
			t.wrap = true
		case "rate":
			t.rate = value
		default:
			err = fmt.Errorf("unknown word %q", key)
		}
		if err != nil {
			return t, err
		}
	}
	return t, nil
}

// parseNumber reads 0.5, -64 or 1/64.
func parseNumber(text string) (float64, error) {
	above, below, fraction := strings.Cut(text, "/")
	v, err := strconv.ParseFloat(above, 64)
	if err == nil && fraction {
		var d float64
		if d, err = strconv.ParseFloat(below, 64); err == nil {
			v /= d
		}
	}
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, fmt.Errorf("%q is not a number", text)
	}
	return v, nil
}

// fieldOf turns a tag into numbers: codes 0..span stand for the values (min + code) * step.
func (t tag) fieldOf(typ reflect.Type) (field, error) {
	f := field{step: 1, rate: -1}
	switch typ.Kind() {
	case reflect.Bool:
		f.form, f.letter, f.span = formBool, 'b', 1
		if t.hasQuant || t.hasMin || t.hasMax || t.bits > 1 || t.wrap || t.rate != "" {
			return f, fmt.Errorf("a bool is one bit and takes none of these words")
		}
	case reflect.Float32:
		f.form, f.letter = formFloat32, 'f'
	case reflect.Float64:
		f.form, f.letter = formFloat64, 'f'
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Int:
		f.form, f.letter = formInt8+form(sizeLog(typ)), 'i'
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uint:
		f.form, f.letter = formUint8+form(sizeLog(typ)), 'i'
	default:
		return f, fmt.Errorf("%s does not travel: bool, integers and floats do", typ)
	}
	var err error
	switch f.letter {
	case 'f':
		err = t.floatRange(&f)
	case 'i':
		err = t.intRange(&f, typ)
	}
	if err != nil {
		return f, err
	}
	f.bits = uint8(width(f.span))
	if f.letter != 'b' && t.wrap {
		if f.span&(f.span+1) != 0 {
			return f, fmt.Errorf("wrap: the circle has %d steps, which is not a power of two", uint64(f.span)+1)
		}
		f.wrap = true
	}
	f.seal()
	return f, nil
}

func sizeLog(typ reflect.Type) int { return map[uintptr]int{1: 0, 2: 1, 4: 2, 8: 3}[typ.Size()] }

func (t tag) intRange(f *field, typ reflect.Type) error {
	if t.hasQuant {
		return fmt.Errorf("quant is for floats")
	}
	signed := f.form < formUint8
	bits := t.bits
	if bits == 0 {
		bits = int(typ.Size()) * 8
	}
	if bits > int(typ.Size())*8 {
		return fmt.Errorf("%d bits do not fit into %s", bits, typ)
	}
	lo, hi := 0.0, math.Ldexp(1, bits)-1
	if signed {
		lo, hi = -math.Ldexp(1, bits-1), math.Ldexp(1, bits-1)-1
	}
	typeLo, typeHi := 0.0, math.Ldexp(1, int(typ.Size())*8)-1
	if signed {
		typeLo, typeHi = -math.Ldexp(1, int(typ.Size())*8-1), math.Ldexp(1, int(typ.Size())*8-1)-1
	}
	if (t.hasMin || t.hasMax) && t.bits == 0 {
		lo, hi = typeLo, typeHi
	}
	if t.hasMin {
		lo = t.min
	}
	if t.hasMax {
		hi = t.max
		if t.wrap {
			hi-- // of a circle the end is the beginning
		}
	} else if t.bits != 0 {
		hi = lo + math.Ldexp(1, t.bits) - 1
	}
	if t.hasMin && t.hasMax && t.bits != 0 {
		return fmt.Errorf("bits besides min and max: one of them follows from the other")
	}
	if lo != math.Trunc(lo) || hi != math.Trunc(hi) || lo < typeLo || hi > typeHi || hi <= lo {
		return fmt.Errorf("range %v to %v does not fit into %s", lo, hi, typ)
	}
	if hi-lo > math.MaxUint32 {
		return fmt.Errorf("range %v to %v needs more than 32 bits: give bits, or min and max", lo, hi)
	}
	f.min, f.span = int64(lo), uint32(hi-lo)
	return nil
}

func (t tag) floatRange(f *field) error {
	if !t.hasMin || !t.hasMax || t.max <= t.min {
		return fmt.Errorf("a float needs min and max")
	}
	if t.hasQuant == (t.bits != 0) {
		return fmt.Errorf("a float needs quant, or bits")
	}
	f.step = t.quant
	if t.bits != 0 {
		steps := math.Ldexp(1, t.bits)
		if !t.wrap {
			steps--
		}
		f.step = (t.max - t.min) / steps
	}
	if f.step <= 0 {
		return fmt.Errorf("quant must be above zero")
	}
	lo, hi := math.Round(t.min/f.step), math.Round(t.max/f.step)
	if t.wrap {
		hi--
	}
	if math.Abs(lo*f.step-t.min) > 1e-6*f.step*math.Max(1, math.Abs(lo)) {
		return fmt.Errorf("min=%v is not a whole number of steps of %v: zero would not be a value", t.min, f.step)
	}
	// A float32 has 24 bits: a value must be the nearest float to its own step and no other.
	largest := math.Ldexp(1, 31)
	if f.form == formFloat32 {
		largest = math.Ldexp(1, 22)
	}
	if math.Abs(lo) > largest || math.Abs(hi) > largest {
		return fmt.Errorf("%v to %v in steps of %v is finer than the type can hold", t.min, t.max, f.step)
	}
	f.min, f.span = int64(lo), uint32(hi-lo)
	return nil
}
