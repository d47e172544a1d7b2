package query

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"
)

// Document is what a query is matched against: fields by name, each with any number of values. The zero value has none.
type Document struct {
	values []value // in order, each once
}

// value is a text, a number or a date of a field, never two of them.
type value struct {
	field string
	text  string // of isText
	bits  uint64 // of isNumber: as math.Float64bits; of isDate: seconds since 1970
	nanos int32  // of isDate: beyond the second
	kind  kind
}

type kind uint8

const (
	isText kind = iota
	isNumber
	isDate
)

func (v *value) number() float64 { return math.Float64frombits(v.bits) }

func (v *value) compareDate(at *value) int {
	return cmp.Or(cmp.Compare(int64(v.bits), int64(at.bits)), cmp.Compare(v.nanos, at.nanos))
}

// compare is the order of a document's values, which is by field first and means nothing beyond that.
func (v *value) compare(w *value) int {
	return cmp.Or(strings.Compare(v.field, w.field), cmp.Compare(v.kind, w.kind), strings.Compare(v.text, w.text),
		cmp.Compare(v.bits, w.bits), cmp.Compare(v.nanos, w.nanos))
}

// Keyword adds a text that is a name: it is never taken for a date.
func (d *Document) Keyword(field, text string) { d.add(value{field: field, kind: isText, text: text}) }

// Text adds a text; one that looks like a date is a date, and not found as a text.
func (d *Document) Text(field, text string) {
	if at, ok := parseDate(text); ok {
		d.Date(field, at)
	} else {
		d.Keyword(field, text)
	}
}

// Number adds a number; what is none (NaN) is not added.
func (d *Document) Number(field string, n float64) {
	if n == n {
		d.add(value{field: field, kind: isNumber, bits: math.Float64bits(n + 0)}) // + 0: there is one zero
	}
}

// Date adds a date.
func (d *Document) Date(field string, at time.Time) { d.add(dateOf(field, at)) }

func dateOf(field string, at time.Time) value {
	return value{field: field, kind: isDate, bits: uint64(at.Unix()), nanos: int32(at.Nanosecond())}
}

// Bool adds a truth, which is the text T or F.
func (d *Document) Bool(field string, b bool) {
	if b {
		d.Keyword(field, "T")
	} else {
		d.Keyword(field, "F")
	}
}

// Value adds what encoding/json makes of a JSON value: an object's members as field.member, an array's elements as values
// of the field itself, and nothing for null.
func (d *Document) Value(field string, v any) {
	switch v := v.(type) {
	case string:
		d.Text(field, v)
	case float64:
		d.Number(field, v)
	case bool:
		d.Bool(field, v)
	case []any:
		for _, element := range v {
			d.Value(field, element)
		}
	case map[string]any:
		for name, member := range v {
			d.Value(field+"."+name, member)
		}
	}
}

func (d *Document) add(v value) {
	i, found := slices.BinarySearchFunc(d.values, v, func(a, b value) int { return a.compare(&b) })
	if !found {
		d.values = slices.Insert(d.values, i, v)
	}
}

// any reports whether a value of the field is what f wants.
func (d *Document) any(field string, f func(*value) bool) bool {
	for i := d.first(field); i < len(d.values) && d.values[i].field == field; i++ {
		if f(&d.values[i]) {
			return true
		}
	}
	return false
}

// first is where the values of a field begin, or would.
func (d *Document) first(field string) int {
	low, high := 0, len(d.values)
	for low < high {
		if middle := int(uint(low+high) >> 1); d.values[middle].field < field {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low
}

var layouts = []string{time.RFC3339, "2006-01-02T15:04:05", time.DateTime, time.DateOnly}

// parseDate is what counts as a date; without a zone it is UTC.
func parseDate(text string) (time.Time, bool) {
	if len(text) < len(time.DateOnly) || text[4] != '-' || text[7] != '-' {
		return time.Time{}, false // most texts
	}
	for _, layout := range layouts {
		if at, err := time.Parse(layout, text); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}
