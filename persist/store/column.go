package store

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
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

// IsObject reports whether a normalised value is an object.
func (j JSON) IsObject() bool { return strings.HasPrefix(string(j), "{") }

// Column is one field of a row. A pointer field may be NULL; nobody writes to what a stored pointer points to.
//
//	Username string  `db:"username" max:"128"`
//	Email    *string `db:"email" max:"255"`
type Column struct {
	Name   string
	Kind   Kind
	Null   bool
	Max    int     // characters of a text; 0: any number
	offset uintptr // of the field in its struct
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

// columnsOf reads the tags of a row struct. A field of a type that no driver knows is a bug and panics.
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
		cols = append(cols, Column{Name: name, Kind: kind, Null: null, Max: maxOf(f), offset: f.Offset})
	}
	return cols
}

func maxOf(f reflect.StructField) int {
	text := f.Tag.Get("max")
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil || n <= 0 {
		panic(fmt.Sprintf("store: field %s has max:%q", f.Name, text))
	}
	return n
}
