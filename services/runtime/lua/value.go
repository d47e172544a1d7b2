package lua

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/skirmishgg/skirmish/services/runtime/bind"
)

// depthMax is how deep tables may be nested that leave Lua; one in itself is endless.
const depthMax = 100

var errDepth = errors.New("table is nested too deeply, or in itself")

// toGo is a Lua value as bind takes it. A function is a Func of this call.
func (c *call) toGo(v lua.LValue) (any, error) {
	if f, ok := v.(*lua.LFunction); ok {
		return c.function(f), nil
	}
	return toGo(v, 0)
}

func toGo(v lua.LValue, depth int) (any, error) {
	switch v := v.(type) {
	case *lua.LNilType:
		return nil, nil
	case lua.LBool:
		return bool(v), nil
	case lua.LNumber:
		return float64(v), nil
	case lua.LString:
		return string(v), nil
	case *lua.LUserData:
		return v.Value, nil // of putTable
	case *lua.LTable:
		if depth == depthMax {
			return nil, errDepth
		}
		return table(v, depth+1)
	}
	return v.String(), nil
}

// table is a list when any of its keys is a positive whole number, as long as the largest; else an object.
func table(t *lua.LTable, depth int) (any, error) {
	count, last := 0, 0
	t.ForEach(func(k, _ lua.LValue) {
		count++
		if n, ok := k.(lua.LNumber); ok && n >= 1 && n == lua.LNumber(math.Trunc(float64(n))) && n > lua.LNumber(last) {
			last = int(min(n, math.MaxInt32))
		}
	})
	if last == 0 {
		return fields(t, count, depth)
	}
	if last > holesMax+16*count {
		return nil, fmt.Errorf("a list of %d places has too many holes", last)
	}
	list := make([]any, last)
	for i := range list {
		var err error
		if list[i], err = toGo(t.RawGetInt(i+1), depth); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// holesMax is how many places of a list may be empty, besides 15 for each that is not.
const holesMax = 1024

func fields(t *lua.LTable, count, depth int) (any, error) {
	m := make(map[string]any, count)
	var failed error
	t.ForEach(func(k, v lua.LValue) {
		value, err := toGo(v, depth)
		if err != nil {
			failed = err
		}
		m[k.String()] = value
	})
	return m, failed
}

// toLua is a result in Lua.
func toLua(L *lua.LState, v any) lua.LValue {
	switch v := v.(type) {
	case nil:
		return lua.LNil
	case bool:
		return lua.LBool(v)
	case string:
		return lua.LString(v)
	case bind.Bytes:
		return lua.LString(v)
	case float64:
		return lua.LNumber(v)
	case int64:
		return lua.LNumber(v)
	case int:
		return lua.LNumber(v)
	case uint32:
		return lua.LNumber(v)
	case time.Time:
		return lua.LNumber(v.Unix())
	case *bind.Object:
		return object(L, v)
	case *shared:
		if v.of == L.G {
			return v.table
		}
		return toLua(L, v.copy)
	case []any:
		t := L.CreateTable(len(v), 0)
		for i, element := range v {
			t.RawSetInt(i+1, toLua(L, element))
		}
		return t
	case []string:
		t := L.CreateTable(len(v), 0)
		for i, element := range v {
			t.RawSetInt(i+1, lua.LString(element))
		}
		return t
	case map[string]any:
		return members(L, v)
	case map[string]string:
		return members(L, v)
	case map[string][]string:
		return members(L, v)
	case map[string]int64:
		return members(L, v)
	}
	return lua.LString(fmt.Sprint(v))
}

func object(L *lua.LState, o *bind.Object) lua.LValue {
	if o == nil {
		return lua.LNil
	}
	t := L.CreateTable(0, len(o.Members))
	for i := range o.Members {
		m := &o.Members[i]
		t.RawSetString(m.Key(bind.Lua), toLua(L, m.Value))
	}
	return t
}

// members makes a table in the order of its keys, so that pairs sees the same order every time.
func members[V any](L *lua.LState, m map[string]V) lua.LValue {
	t := L.CreateTable(0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		t.RawSetString(k, toLua(L, m[k]))
	}
	return t
}
