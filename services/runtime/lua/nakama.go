package lua

import (
	"context"
	"log/slog"

	lua "github.com/yuin/gopher-lua"

	"github.com/skirmishgg/skirmish/services/runtime"
	"github.com/skirmishgg/skirmish/services/runtime/bind"
)

// openNakama makes the module that require("nakama") gives: the functions of bind's table, and those that are Lua's own.
func (m *machine) openNakama() {
	L := m.root
	nk := L.NewTable()
	for _, f := range bind.Functions() {
		if name := f.NameIn(bind.Lua); name != "" {
			call := m.bindFunction(f)
			if name == "localcache_put" {
				call = m.putTable(call)
			}
			nk.RawSetString(name, L.NewFunction(call))
		}
	}
	for level, name := range map[slog.Level]string{
		slog.LevelDebug: "logger_debug", slog.LevelInfo: "logger_info", slog.LevelWarn: "logger_warn", slog.LevelError: "logger_error",
	} {
		nk.RawSetString(name, L.NewFunction(m.logAt(level)))
	}
	L.SetFuncs(nk, map[string]lua.LGFunction{
		"get_context": func(L *lua.LState) int { L.Push(contextTable(L, m.callOf(L).budget.Context)); return 1 },
		"get_config":  func(L *lua.LState) int { L.Push(toLua(L, bind.Config(m.program.host))); return 1 },
		"get_satori":  func(L *lua.LState) int { L.Push(satori(L)); return 1 },
		"run_once":    m.runOnce,
	})
	m.openRegistrations(nk)
	L.GetField(L.GetGlobal("package"), "preload").(*lua.LTable).RawSetString("nakama", L.NewFunction(func(L *lua.LState) int {
		L.Push(nk)
		return 1
	}))
}

// shared is a table in the cache. Modules expect to get the table itself, and to see what others do to it; that is so on
// the machine that it is from, which serves all calls. Other machines, of matches and of later loads, get a copy of what
// it was.
type shared struct {
	table *lua.LTable
	of    *lua.Global
	copy  any
}

func (m *machine) putTable(put lua.LGFunction) lua.LGFunction {
	return func(L *lua.LState) int {
		if t, ok := L.Get(2).(*lua.LTable); ok {
			plain, err := toGo(t, 0)
			if err != nil {
				L.ArgError(2, err.Error())
			}
			L.Replace(2, &lua.LUserData{Value: &shared{t, L.G, plain}})
		}
		return put(L)
	}
}

// satori is a client that nobody has configured.
func satori(L *lua.LState) lua.LValue {
	t := L.NewTable()
	for _, name := range bind.Satori {
		t.RawSetString(name, L.NewFunction(func(L *lua.LState) int { L.RaiseError("%s", bind.ErrSatori); return 0 }))
	}
	return t
}

// runOnce runs a function when the modules run for the first time in this process.
func (m *machine) runOnce(L *lua.LState) int {
	f := L.CheckFunction(1)
	if m.builder == nil || m.program.ranOnce {
		return 0
	}
	L.Push(f)
	L.Push(contextTable(L, m.callOf(L).budget.Context))
	if err := L.PCall(1, 0, nil); err != nil {
		L.RaiseError("error in run_once function: %s", err)
	}
	return 0
}

// contextTable is a context as the first argument of functions.
func contextTable(L *lua.LState, ctx context.Context) lua.LValue {
	t := L.NewTable()
	for name, v := range runtime.Values(ctx) {
		t.RawSetString(name, toLua(L, v))
	}
	if mode, _ := t.RawGetString("execution_mode").(lua.LString); string(mode) == runtime.ModeRPC {
		for _, name := range []string{"headers", "query_params"} { // there even when the call came by another way
			if t.RawGetString(name) == lua.LNil {
				t.RawSetString(name, L.NewTable())
			}
		}
	}
	return t
}

// logger writes what modules log.
type logger struct{ log *slog.Logger }

func (m *machine) logAt(level slog.Level) lua.LGFunction {
	return func(L *lua.LState) int {
		message := L.CheckString(1)
		fields := []any{"runtime", "lua"}
		ctx := m.callOf(L).budget.Context
		if mode, ok := ctx.Value("execution_mode").(string); ok {
			fields = append(fields, "mode", mode)
		}
		if level == slog.LevelError {
			fields = append(fields, "source", L.Where(1))
		}
		m.logger.log.Log(ctx, level, message, fields...)
		L.Push(lua.LString(message))
		return 1
	}
}

// failed tells of an error that nobody caught.
func (l logger) failed(ctx context.Context, message, stack string) {
	l.log.ErrorContext(ctx, "a Lua function failed", "error", message, "stack", stack, "runtime", "lua")
}
