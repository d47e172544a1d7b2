package lua

import (
	"context"
	"errors"
	"fmt"

	lua "github.com/yuin/gopher-lua"

	"github.com/skirmishgg/skirmish/services/runtime"
	"github.com/skirmishgg/skirmish/services/runtime/bind"
)

// machine is an interpreter that has run the modules.
type machine struct {
	program *program
	host    *bind.Host
	turn    turn
	logger  logger

	// owned by who has the turn
	root      *lua.LState
	idle      []*lua.LState    // threads of calls that are over
	functions []*lua.LFunction // by key
	builder   *runtime.Builder // while the modules run for the first time; nil else
	ctx       context.Context  // the same
}

const idleMax = 64 // threads that are kept

// newMachine makes an interpreter and runs the modules in it, or only one and what that requires. What they register goes to
// b, unless that is nil.
func (p *program) newMachine(ctx context.Context, b *runtime.Builder, only *module) (m *machine, err error) {
	m = &machine{
		program: p, builder: b, logger: logger{p.host.Log},
		host: &bind.Host{NK: p.host.NK, DB: p.host.DB, Root: p.host.Root, Cache: p.cache},
		ctx:  p.host.Context(ctx, runtime.ModeRunOnce),
	}
	m.root = lua.NewState(lua.Options{
		SkipOpenLibs: true, CallStackSize: p.limits.callStack, MinimizeStackMemory: true,
		RegistrySize: p.limits.registry, RegistryMaxSize: max(p.limits.registry, registryMax),
	})
	m.openLibraries()
	m.turn.take()
	defer m.turn.give()
	for i := range p.modules {
		m.preload(&p.modules[i])
	}
	for i := range p.modules {
		if only == nil || p.modules[i].name == only.name {
			if err := m.require(p.modules[i].name); err != nil {
				return nil, err
			}
		}
	}
	m.builder, m.ctx = nil, nil
	return m, nil
}

// registryMax is how many values a stack may grow to.
const registryMax = 64 << 10

// preload puts a module where require finds it.
func (m *machine) preload(mod *module) {
	preload := m.root.GetField(m.root.GetGlobal("package"), "preload").(*lua.LTable)
	preload.RawSetString(mod.name, m.root.NewFunctionFromProto(mod.code))
}

// require runs a module unless another has.
func (m *machine) require(name string) error {
	require := m.root.GetGlobal("require").(*lua.LFunction)
	err := m.run(m.ctx, -1, require, "", func(*call) []lua.LValue { return []lua.LValue{lua.LString(name)} }, nil)
	var thrown *runtime.Thrown
	if errors.As(err, &thrown) {
		return errors.New(thrown.Message)
	}
	return err
}

// loaded is what a module returned.
func (m *machine) loaded(name string) lua.LValue {
	return m.root.GetField(m.root.GetField(m.root.GetGlobal("package"), "loaded"), name)
}

// call is one call into a machine. Owned by its goroutine.
type call struct {
	*machine
	L      *lua.LState
	budget *budget
}

// invoke runs a registered function and gives its results to take, all while it is the call's turn.
func (m *machine) invoke(ctx context.Context, fn *lua.LFunction, args func(*call) []lua.LValue, take func([]lua.LValue) error) error {
	m.turn.take()
	defer m.turn.give()
	return m.run(ctx, m.program.limits.instructions, fn, fn.Proto.SourceName, args, take)
}

// run runs fn on a thread. The caller has the turn. An error that says where it was raised does not say so to clients when
// that is in file. take may be nil.
func (m *machine) run(ctx context.Context, instructions int64, fn *lua.LFunction, file string, args func(*call) []lua.LValue, take func([]lua.LValue) error) error {
	c := &call{machine: m, L: m.thread(), budget: &budget{Context: ctx, turn: &m.turn, left: instructions}}
	L := c.L
	L.SetContext(c.budget)
	running := m.program.host.Guard.Enter("Lua "+file, c.budget.kill)
	defer running.Leave()
	L.Push(fn)
	values := args(c)
	for _, v := range values {
		L.Push(v)
	}
	if err := L.PCall(len(values), lua.MultRet, nil); err != nil {
		return m.thrown(ctx, err, file) // and L, on which something may be left behind, is not used again
	}
	defer m.release(L)
	if take == nil {
		return nil
	}
	results := make([]lua.LValue, L.GetTop())
	for i := range results {
		results[i] = L.Get(i + 1)
	}
	return take(results)
}

// thread is one that shares the machine's globals.
func (m *machine) thread() *lua.LState {
	if n := len(m.idle); n > 0 {
		L := m.idle[n-1]
		m.idle = m.idle[:n-1]
		return L
	}
	L, _ := m.root.NewThread()
	return L
}

// release keeps a thread whose call is over.
func (m *machine) release(L *lua.LState) {
	L.RemoveContext()
	L.SetTop(0)
	if len(m.idle) < idleMax {
		m.idle = append(m.idle, L)
	}
}

// callOf is the call that a function of the library is called in.
func (m *machine) callOf(L *lua.LState) *call {
	b, _ := L.Context().(*budget)
	return &call{machine: m, L: L, budget: b}
}

// outside runs what may block: others have their turn meanwhile.
func (c *call) outside(f func()) {
	c.turn.give()
	defer c.turn.take()
	f()
}

// function makes a Lua function callable from Go, within the call that got it, and from outside of the turn.
func (c *call) function(f *lua.LFunction) bind.Func {
	return func(_ context.Context, args ...any) (any, error) {
		c.turn.take()
		defer c.turn.give()
		L := c.L
		top := L.GetTop()
		defer L.SetTop(top)
		L.Push(f)
		for _, a := range args {
			L.Push(toLua(L, a))
		}
		if err := L.PCall(len(args), 1, nil); err != nil {
			return nil, c.thrown(c.budget.Context, err, f.Proto.SourceName)
		}
		return toGo(L.Get(-1), 0)
	}
}

// bindFunction is a function of the table as Lua calls it.
func (m *machine) bindFunction(f *bind.Function) lua.LGFunction {
	return func(L *lua.LState) int {
		c := m.callOf(L)
		n := L.GetTop()
		args := make([]any, n)
		for i := range args {
			v, err := c.toGo(L.Get(i + 1))
			if err != nil {
				L.RaiseError("bad argument #%d to %s (%s)", i+1, f.NameIn(bind.Lua), err)
			}
			args[i] = v
		}
		var out []any
		var err error
		c.outside(func() { out, err = f.Invoke(c.budget.Context, m.host, bind.Lua, args) })
		if err != nil {
			L.RaiseError("%s", err)
		}
		for _, v := range out {
			L.Push(toLua(L, v))
		}
		return len(out)
	}
}

// thrown is what went wrong in Lua as the runtime tells it on.
func (m *machine) thrown(ctx context.Context, err error, file string) error {
	var e *lua.ApiError
	if !errors.As(err, &e) {
		return err
	}
	t := &runtime.Thrown{}
	switch v := e.Object.(type) {
	case *lua.LTable:
		message, ok := v.RawGetInt(1).(lua.LString)
		if !ok {
			t.Message = v.String()
			break
		}
		t.Message = string(message)
		if code, ok := v.RawGetInt(2).(lua.LNumber); ok {
			t.Code = runtime.Clamp(int(code))
		}
		return t
	case *lua.LNilType, nil:
		t.Message = e.Error()
		if e.Cause != nil {
			t.Message = e.Cause.Error()
		}
	default:
		t.Message = v.String()
	}
	m.logger.failed(ctx, t.Message, e.StackTrace)
	t.Message = withoutPlace(t.Message, file)
	if m.program.host.Settings.Runtime.LuaAPIStacktrace {
		t.Message = fmt.Sprintf("%s\n%s", t.Message, e.StackTrace)
	}
	return t
}

// withoutPlace takes file:line: off the front of a message.
func withoutPlace(message, file string) string {
	if file == "" || len(message) <= len(file) || message[:len(file)] != file || message[len(file)] != ':' {
		return message
	}
	i := len(file) + 1
	for i < len(message) && message[i] >= '0' && message[i] <= '9' {
		i++
	}
	if i > len(file)+1 && i+1 < len(message) && message[i:i+2] == ": " {
		return message[i+2:]
	}
	return message
}
