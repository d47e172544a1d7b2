package lua

import lua "github.com/yuin/gopher-lua"

// pcall and xpcall run what they protect on a thread of its own. The interpreter's own ones, when a call fails, part the
// functions outside of it from the local variables that they share: what one then sets the others do not see. A thread that
// fails does so to nobody else's.

func (m *machine) pcall(L *lua.LState) int {
	L.CheckAny(1)
	f := L.Get(1)
	if f.Type() != lua.LTFunction && L.GetMetaField(f, "__call").Type() != lua.LTFunction {
		L.Push(lua.LFalse)
		L.Push(lua.LString("attempt to call a " + f.Type().String() + " value"))
		return 2
	}
	return m.protect(L, f, 2)
}

func (m *machine) xpcall(L *lua.LState) int {
	f, handler := L.CheckFunction(1), L.CheckFunction(2)
	top := L.GetTop()
	results := m.protect(L, f, top+1)
	if lua.LVAsBool(L.Get(top + 1)) {
		return results
	}
	m.protect(L, handler, top+2) // with what was raised
	L.Replace(top+3, lua.LFalse)
	return L.GetTop() - top - 2
}

// protectedMax is how many protected calls may be one in the other, each of which takes of the process's own stack.
const protectedMax = 200 // LUAI_MAXCCALLS

// protect calls f with the arguments of L from first on, and pushes how it went.
func (m *machine) protect(L *lua.LState, f lua.LValue, first int) int {
	b := m.callOf(L).budget
	if b.depth == protectedMax {
		L.RaiseError("stack overflow")
	}
	t := m.thread()
	t.SetContext(b)
	t.Push(f)
	args := L.GetTop() - first + 1
	for i := range args {
		t.Push(L.Get(first + i))
	}
	b.depth++
	err := t.PCall(args, lua.MultRet, nil)
	b.depth--
	if err != nil { // and t is not used again
		L.Push(lua.LFalse)
		L.Push(placed(L, err))
		return 2
	}
	results := t.GetTop()
	L.Push(lua.LTrue)
	for i := range results {
		L.Push(t.Get(i + 1))
	}
	m.release(t)
	return 1 + results
}

// placed is what was raised. Where no line of the protected call raised it, which leaves a blank in front, it was the line
// that protects.
func placed(L *lua.LState, err error) lua.LValue {
	e, ok := err.(*lua.ApiError)
	if !ok {
		return lua.LString(err.Error())
	}
	if text, ok := e.Object.(lua.LString); ok && len(text) > 0 && text[0] == ' ' {
		return lua.LString(L.Where(1)) + text
	}
	return e.Object
}
