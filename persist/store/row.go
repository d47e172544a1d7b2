package store

import (
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"
	"unsafe"

	"github.com/skirmishgg/skirmish/protocol/id"
)

// Row is a row struct seen column by column, without reflection or boxes: commit lanes spend their time here. It is made
// by Def.View of a pointer to the struct, and reads and writes that struct.
//
// The unsafe part of the package is this file: a field's offset and type were read from the struct by columnsOf, and Kind
// names the type.
type Row struct{ p unsafe.Pointer }

// View looks at a row, which must be a pointer to the table's struct.
func (d *Def) View(row any) Row {
	v := reflect.ValueOf(row)
	if v.Kind() != reflect.Pointer || v.Type().Elem() != d.Row {
		panic(fmt.Sprintf("store: a %T is no row of %s", row, d.Name))
	}
	return Row{v.UnsafePointer()}
}

// value is where the column's value lies; nil when it is NULL.
func (c *Column) value(r Row) unsafe.Pointer {
	p := unsafe.Add(r.p, c.offset)
	switch {
	case c.Kind == KindBytes:
		if *(*[]byte)(p) == nil {
			return nil
		}
	case c.Null:
		return *(*unsafe.Pointer)(p)
	}
	return p
}

// IsNull reports that the column holds no value.
func (c *Column) IsNull(r Row) bool { return c.value(r) == nil }

// UUID is the value of a KindUUID that is not NULL.
func (c *Column) UUID(r Row) id.UUID { return *(*id.UUID)(c.value(r)) }

// Text is the value of a KindText or KindJSON that is not NULL.
func (c *Column) Text(r Row) string { return *(*string)(c.value(r)) }

// Bytes is the value of a KindBytes; nil is NULL.
func (c *Column) Bytes(r Row) []byte { return *(*[]byte)(unsafe.Add(r.p, c.offset)) }

// Int is the value of any other kind that is not NULL: a bool is 0 or 1, a time is microseconds since 1970.
func (c *Column) Int(r Row) int64 {
	p := c.value(r)
	switch c.Kind {
	case KindInt16:
		return int64(*(*int16)(p))
	case KindInt32:
		return int64(*(*int32)(p))
	case KindInt64:
		return *(*int64)(p)
	case KindTime:
		return (*time.Time)(p).UnixMicro()
	case KindBool:
		if *(*bool)(p) {
			return 1
		}
	}
	return 0
}

// Value is the column's value in a box: the Go type of its Kind, or nil for NULL.
func (c *Column) Value(r Row) any {
	p := c.value(r)
	if p == nil {
		return nil
	}
	switch c.Kind {
	case KindUUID:
		return *(*id.UUID)(p)
	case KindText:
		return *(*string)(p)
	case KindJSON:
		return *(*JSON)(p)
	case KindInt16:
		return *(*int16)(p)
	case KindInt32:
		return *(*int32)(p)
	case KindInt64:
		return *(*int64)(p)
	case KindBool:
		return *(*bool)(p)
	case KindBytes:
		return *(*[]byte)(p)
	}
	return *(*time.Time)(p)
}

// SetZero makes the column NULL, or zero where NULL is not allowed.
func (c *Column) SetZero(r Row) {
	if c.Null && c.Kind != KindBytes {
		*(*unsafe.Pointer)(unsafe.Add(r.p, c.offset)) = nil
		return
	}
	switch c.Kind {
	case KindUUID:
		c.SetUUID(r, id.UUID{})
	case KindText, KindJSON:
		c.SetText(r, "")
	case KindBytes:
		c.SetBytes(r, nil)
	case KindTime:
		*set[time.Time](c, r) = time.Time{}
	default:
		c.SetInt(r, 0)
	}
}

// set is where a new value goes: into the struct, or into memory of its own for a column that may be NULL.
func set[T any](c *Column, r Row) *T {
	p := unsafe.Add(r.p, c.offset)
	if c.Null && c.Kind != KindBytes {
		fresh := new(T)
		*(**T)(p) = fresh
		return fresh
	}
	return (*T)(p)
}

// SetUUID, SetText, SetBytes and SetInt are the inverses of the readers.
func (c *Column) SetUUID(r Row, u id.UUID) { *set[id.UUID](c, r) = u }

// SetText sets a KindText or KindJSON.
func (c *Column) SetText(r Row, s string) { *set[string](c, r) = s }

// SetBytes sets a KindBytes; nil is NULL.
func (c *Column) SetBytes(r Row, b []byte) { *set[[]byte](c, r) = b }

// SetInt sets any other kind, as Int reads it.
func (c *Column) SetInt(r Row, n int64) {
	switch c.Kind {
	case KindInt16:
		*set[int16](c, r) = int16(n)
	case KindInt32:
		*set[int32](c, r) = int32(n)
	case KindInt64:
		*set[int64](c, r) = n
	case KindBool:
		*set[bool](c, r) = n != 0
	case KindTime:
		*set[time.Time](c, r) = time.UnixMicro(n).UTC()
	}
}

// Copy is a copy of row as every driver keeps it: JSON normalised, times in UTC and whole microseconds. Byte columns and
// what pointers point to are shared, since nobody writes into them.
// Errors: ErrInvalidValue for text that is too long, no UTF-8 or has a NUL byte, for JSON columns that hold none, and for
// rows that break a Check.
func (d *Def) Copy(row any) (any, error) {
	fresh := d.Clone(row)
	r := d.View(fresh)
	for i := range d.Columns {
		c := &d.Columns[i]
		if c.IsNull(r) {
			continue
		}
		switch c.Kind {
		case KindText:
			if err := c.checkText(c.Text(r)); err != nil {
				return nil, fmt.Errorf("%w: %s.%s %w", ErrInvalidValue, d.Name, c.Name, err)
			}
		case KindJSON:
			text, err := Normalise(JSON(c.Text(r)))
			if err != nil {
				return nil, fmt.Errorf("%s.%s: %w", d.Name, c.Name, err)
			}
			c.SetText(r, string(text))
		case KindTime:
			c.SetInt(r, c.Int(r))
		}
	}
	for _, check := range d.Checks {
		if !check.holds(fresh) {
			return nil, fmt.Errorf("%w: %s: want %s", ErrInvalidValue, d.Name, check.Text)
		}
	}
	return fresh, nil
}

func (c *Column) checkText(s string) error {
	switch {
	case strings.IndexByte(s, 0) >= 0:
		return errNUL
	case !utf8.ValidString(s):
		return errUTF8
	case c.Max > 0 && len(s) > c.Max && utf8.RuneCountInString(s) > c.Max:
		return fmt.Errorf("is longer than %d characters", c.Max)
	}
	return nil
}

// Check is a rule that every row of a table keeps.
type Check struct {
	Text  string
	holds func(row any) bool
}

// Checked declares a rule; PostgreSQL has the same as a CHECK constraint.
func Checked[R any](text string, holds func(*R) bool) Option {
	return func(d *Def) {
		d.Checks = append(d.Checks, Check{text, func(row any) bool { return holds(row.(*R)) }})
	}
}
