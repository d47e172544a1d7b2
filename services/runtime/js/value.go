package js

import (
	"maps"
	"slices"
	"time"

	"github.com/dop251/goja"

	"github.com/skirmishgg/skirmish/services/runtime/bind"
)

// toGo is a value as bind takes it.
func (m *machine) toGo(v goja.Value) any {
	if v == nil || goja.IsNull(v) || goja.IsUndefined(v) {
		return nil
	}
	if f, ok := goja.AssertFunction(v); ok {
		return m.function(f)
	}
	return plain(v.Export())
}

// plain makes of what the interpreter exports what bind knows, as deep as lists and objects go.
func plain(v any) any {
	switch v := v.(type) {
	case goja.ArrayBuffer:
		return bind.Bytes(v.Bytes())
	case []byte:
		return bind.Bytes(v)
	case time.Time:
		return v.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	return v
}

// toJS is a result in JavaScript.
func (m *machine) toJS(v any) goja.Value {
	switch v := v.(type) {
	case nil:
		return goja.Null()
	case bind.Bytes:
		return m.vm.ToValue(m.vm.NewArrayBuffer(v))
	case *bind.Object:
		if v == nil {
			return goja.Null()
		}
		o := m.vm.NewObject()
		for i := range v.Members {
			_ = o.Set(v.Members[i].Key(bind.JavaScript), m.toJS(v.Members[i].Value)) // a new object takes anything
		}
		return o
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = m.toJS(v[i])
		}
		return m.vm.NewArray(list...)
	case []string:
		list := make([]any, len(v))
		for i := range v {
			list[i] = v[i]
		}
		return m.vm.NewArray(list...)
	case map[string]any:
		return members(m, v)
	case map[string]string:
		return members(m, v)
	case map[string][]string:
		return members(m, v)
	case map[string]int64:
		return members(m, v)
	}
	return m.vm.ToValue(v)
}

// members makes an object with its keys in order.
func members[V any](m *machine, v map[string]V) goja.Value {
	o := m.vm.NewObject()
	for _, k := range slices.Sorted(maps.Keys(v)) {
		_ = o.Set(k, m.toJS(v[k]))
	}
	return o
}

// text is an argument that must be a string.
func (m *machine) text(v goja.Value, wrong string) string {
	s, ok := v.Export().(string)
	if !ok {
		panic(m.vm.NewTypeError(wrong))
	}
	return s
}
