package query

import "time"

// Document is what a query is matched against: fields by name, each with any number of values. The zero value has none.
type Document struct {
	fields map[string][]value
}

// value is a text, a number or a date, never two of them.
type value struct {
	kind   kind
	text   string
	number float64
	date   time.Time
}

type kind uint8

const (
	isText kind = iota
	isNumber
	isDate
)

// Keyword adds a text that is a name: it is never taken for a date.
func (d *Document) Keyword(field, text string) { d.add(field, value{kind: isText, text: text}) }

// Text adds a text; one that looks like a date is a date, and not found as a text.
func (d *Document) Text(field, text string) {
	if at, ok := parseDate(text); ok {
		d.Date(field, at)
	} else {
		d.Keyword(field, text)
	}
}

// Number adds a number.
func (d *Document) Number(field string, n float64) { d.add(field, value{kind: isNumber, number: n}) }

// Date adds a date.
func (d *Document) Date(field string, at time.Time) { d.add(field, value{kind: isDate, date: at}) }

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

func (d *Document) add(field string, v value) {
	if d.fields == nil {
		d.fields = map[string][]value{}
	}
	d.fields[field] = append(d.fields[field], v)
}

// any reports whether a value of the field is what f wants.
func (d *Document) any(field string, f func(*value) bool) bool {
	values := d.fields[field]
	for i := range values {
		if f(&values[i]) {
			return true
		}
	}
	return false
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
