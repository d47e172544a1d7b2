package bind

import (
	"context"
	"encoding/json"
	"strings"
	"sync"

	"google.golang.org/protobuf/types/known/timestamppb"
)

// Lang is a scripting language.
type Lang uint8

const (
	Lua Lang = iota
	JavaScript
)

// Bytes are binary: a string in Lua, an ArrayBuffer in JavaScript.
type Bytes []byte

// Func is a function of a script. It runs on the VM that gave it, within the call that it was given to.
type Func func(ctx context.Context, args ...any) (any, error)

// Object is a result with named members, in order.
type Object struct{ Members []Member }

// Member is one of an Object. Name is in snake_case, or as it shall be in both languages if Verbatim.
type Member struct {
	Name     string
	Value    any
	Verbatim bool
}

// Add appends a member.
func (o *Object) Add(name string, value any) *Object {
	o.Members = append(o.Members, Member{Name: name, Value: value})
	return o
}

// AddAs appends a member whose name is the same in both languages.
func (o *Object) AddAs(name string, value any) *Object {
	o.Members = append(o.Members, Member{Name: name, Value: value, Verbatim: true})
	return o
}

// AddIf appends a text that is not empty.
func (o *Object) AddIf(name, text string) *Object {
	if text != "" {
		o.Add(name, text)
	}
	return o
}

// Key is a member's name in a language.
func (m *Member) Key(l Lang) string {
	if l == Lua || m.Verbatim {
		return m.Name
	}
	return Camel(m.Name)
}

var camels sync.Map // of what tables and shapes name: a few hundred words

// Camel is a snake_case word in camelCase.
func Camel(word string) string {
	if c, ok := camels.Load(word); ok {
		return c.(string)
	}
	var b strings.Builder
	up := false
	for _, r := range word {
		switch {
		case r == '_':
			up = b.Len() > 0
		case up:
			b.WriteString(strings.ToUpper(string(r)))
			up = false
		default:
			b.WriteRune(r)
		}
	}
	camels.Store(word, b.String())
	return b.String()
}

// Plain turns results into what encoding/json would have made of them, for VMs that convert nothing else.
func Plain(v any, l Lang) any {
	switch v := v.(type) {
	case *Object:
		if v == nil {
			return nil
		}
		m := make(map[string]any, len(v.Members))
		for i := range v.Members {
			m[v.Members[i].Key(l)] = Plain(v.Members[i].Value, l)
		}
		return m
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = Plain(v[i], l)
		}
		return out
	}
	return v
}

// jsonValue is the value of a JSON text that the server keeps; an object without members when it is empty or damaged.
func jsonValue(text string) any {
	var v any
	if json.Unmarshal([]byte(text), &v) != nil || v == nil {
		return map[string]any{}
	}
	return v
}

// unix is a time in seconds; 0 when there is none.
func unix(t *timestamppb.Timestamp) any {
	if t == nil {
		return int64(0)
	}
	return t.Seconds
}

// unixOr is a time in seconds; nil when there is none.
func unixOr(t *timestamppb.Timestamp) any {
	if t == nil {
		return nil
	}
	return t.Seconds
}

// list turns rows into results.
func list[T any](rows []T, f func(T) *Object) []any {
	out := make([]any, len(rows))
	for i, row := range rows {
		out[i] = f(row)
	}
	return out
}
