package store

import (
	"fmt"
	"reflect"
	"time"

	"github.com/skirmishgg/skirmish/protocol/id"
)

// Kind is the type of a column, the same in both drivers.
type Kind uint8

const (
	KindUUID  Kind = iota + 1 // id.UUID
	KindText                  // string: UTF-8 without NUL, ordered bytewise
	KindInt16                 // int16
	KindInt32                 // int32
	KindInt64                 // int64
	KindBool                  // bool
	KindBytes                 // []byte; nil is NULL
	KindTime                  // time.Time: UTC, microseconds
	KindJSON                  // JSON
)

// JSON is the text of a JSON value. What is read back is normalised as PostgreSQL's jsonb writes it.
type JSON string

// Column is one field of a row. A pointer field may be NULL.
type Column struct {
	Name  string
	Kind  Kind
	Null  bool
	field int
}

var kinds = map[reflect.Type]Kind{
	reflect.TypeFor[id.UUID]():   KindUUID,
	reflect.TypeFor[string]():    KindText,
	reflect.TypeFor[int16]():     KindInt16,
	reflect.TypeFor[int32]():     KindInt32,
	reflect.TypeFor[int64]():     KindInt64,
	reflect.TypeFor[bool]():      KindBool,
	reflect.TypeFor[[]byte]():    KindBytes,
	reflect.TypeFor[time.Time](): KindTime,
	reflect.TypeFor[JSON]():      KindJSON,
}

// columnsOf reads the `db` tags of a row struct. A field of a type that no driver knows is a bug and panics.
func columnsOf(row reflect.Type) []Column {
	var cols []Column
	for i := range row.NumField() {
		f := row.Field(i)
		name := f.Tag.Get("db")
		if name == "" {
			continue
		}
		typ, null := f.Type, f.Type == reflect.TypeFor[[]byte]()
		if typ.Kind() == reflect.Pointer {
			typ, null = typ.Elem(), true
		}
		kind, ok := kinds[typ]
		if !ok {
			panic(fmt.Sprintf("store: %s.%s has type %s, which no column can have", row, f.Name, f.Type))
		}
		cols = append(cols, Column{Name: name, Kind: kind, Null: null, field: i})
	}
	return cols
}

// Value is the column's value in row (a pointer to its struct): the Go type of its Kind, or nil for NULL.
func (c *Column) Value(row reflect.Value) any {
	v := row.Elem().Field(c.field)
	if c.Kind == KindBytes {
		if v.IsNil() {
			return nil
		}
		return v.Interface()
	}
	if c.Null {
		if v.IsNil() {
			return nil
		}
		v = v.Elem()
	}
	return v.Interface()
}

// Set is the inverse of Value; v must have the Kind's Go type, or be nil where NULL is allowed.
func (c *Column) Set(row reflect.Value, v any) {
	f := row.Elem().Field(c.field)
	switch {
	case v == nil:
		f.SetZero()
	case c.Null && c.Kind != KindBytes:
		p := reflect.New(f.Type().Elem())
		p.Elem().Set(reflect.ValueOf(v))
		f.Set(p)
	default:
		f.Set(reflect.ValueOf(v))
	}
}
