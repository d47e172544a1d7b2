package js

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/dop251/goja"

	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/services/runtime"
	"github.com/skirmishgg/skirmish/services/runtime/bind"
)

// machine is an interpreter that has run the script. Owned by who took it from the pool, or by its match.
type machine struct {
	program   *program
	vm        *goja.Runtime
	host      *bind.Host
	nk        goja.Value
	logger    goja.Value
	functions []goja.Callable // by key
	spoilt    bool            // it was interrupted

	ctx    context.Context // of the call under way
	watch  *watch
	init   *initializer // while InitModule runs
	replay *int         // the next reply, while it runs again
}

// depthMax is how deep calls may go.
const depthMax = 4096

var (
	errTime    = bind.Text("the call has computed for too long (runtime.js_max_ms)")
	errPending = bind.Text("the Promise that the function returned will never settle: there is nothing to wait for outside of the call")
	errDiffers = bind.Text("InitModule does not call nk in the same order every time; register global functions, or decide by nothing but what nk answers")
	errNoInit  = bind.Text("InitModule function not found.")
)

// newMachine makes an interpreter and runs the script in it. With b, InitModule runs and registers there.
func (p *program) newMachine(ctx context.Context, b *runtime.Builder) (*machine, error) {
	m := &machine{
		program: p, vm: goja.New(),
		host: &bind.Host{NK: p.host.NK, DB: p.host.DB, Root: p.host.Root, Cache: p.cache},
	}
	m.vm.SetMaxCallStackSize(depthMax)
	if m.vm.SetRandSource(random(p.seed)); b == nil && p.closed {
		m.vm.SetRandSource(rand.Float64)
	}
	m.openNakama()
	ctx = p.host.Context(ctx, "") // InitModule's mode is none
	err := m.run(ctx, 0, func() error {
		if _, err := m.vm.RunProgram(p.script); err != nil {
			return err
		}
		if b == nil && p.closed {
			return m.findFunctions()
		}
		return m.runInit(ctx, b)
	})
	if err != nil {
		return nil, err
	}
	m.vm.SetRandSource(rand.Float64)
	if p.freeze {
		err = m.freeze()
	}
	return m, err
}

// runInit calls InitModule: for the first time, when it registers at b, or again.
func (m *machine) runInit(ctx context.Context, b *runtime.Builder) error {
	init, ok := goja.AssertFunction(m.lookup("InitModule"))
	if !ok {
		if entry, isObject := m.lookup("__entry").(*goja.Object); isObject { // export default function
			init, ok = goja.AssertFunction(entry.Get("default"))
		}
	}
	if !ok {
		return errNoInit
	}
	m.init = &initializer{machine: m, builder: b}
	if b == nil {
		m.replay = new(int)
	}
	_, err := m.settle(init(goja.Undefined(), m.initContext(ctx), m.logger, m.nk, m.init.object()))
	m.init, m.replay = nil, nil
	return err
}

// lookup is a global by its name, also one declared by let, const or class; undefined when there is none.
func (m *machine) lookup(name string) goja.Value {
	if v := m.vm.Get(name); v != nil {
		return v
	}
	v, err := m.vm.RunString(name)
	if err != nil {
		return goja.Undefined()
	}
	return v
}

// findFunctions finds the registered functions by their names.
func (m *machine) findFunctions() error {
	for _, name := range m.program.names {
		f, ok := goja.AssertFunction(m.lookupPath(name))
		if !ok {
			return fmt.Errorf("function %s is not there on every run of the script", name)
		}
		m.functions = append(m.functions, f)
	}
	return nil
}

// watch interrupts a call that computes for too long. Owned by the goroutine of the call.
type watch struct {
	timer *time.Timer
	left  time.Duration
	since time.Time
}

func (w *watch) start() {
	if w != nil {
		w.since = time.Now()
		w.timer.Reset(max(w.left, 1))
	}
}

// pause does not count what follows, until start.
func (w *watch) pause() {
	if w != nil {
		w.timer.Stop()
		w.left -= time.Since(w.since)
	}
}

// run runs f, which calls into the interpreter, for limit at most (0: for as long as it takes), and makes of what it
// throws what the runtime tells on.
func (m *machine) run(ctx context.Context, limit time.Duration, f func() error) error {
	before, outer := m.ctx, m.watch
	m.ctx, m.watch = ctx, nil
	alarm := alarm{vm: m.vm}
	if limit > 0 {
		m.watch = &watch{left: limit, timer: time.AfterFunc(limit, func() { alarm.ring(errTime) }), since: time.Now()}
	}
	stop := context.AfterFunc(ctx, func() { alarm.ring(ctx.Err()) })
	running := m.program.host.Guard.Enter("JavaScript "+m.program.file, alarm.ring)
	err := f()
	running.Leave()
	stop()
	m.watch.pause()
	alarm.disarm()
	m.ctx, m.watch = before, outer
	var interrupted *goja.InterruptedError
	if errors.As(err, &interrupted) {
		m.spoilt = true
		cause, _ := interrupted.Value().(error)
		return &runtime.Thrown{Message: fmt.Sprint(cause), StackTrace: interrupted.String()}
	}
	return m.thrown(err)
}

// alarm interrupts a call, and never the one after it.
type alarm struct {
	vm   *goja.Runtime
	mu   sync.Mutex
	over bool // behind mu
}

func (a *alarm) ring(why error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.over {
		a.vm.Interrupt(why)
	}
}

func (a *alarm) disarm() {
	a.mu.Lock()
	a.over = true
	a.mu.Unlock()
	a.vm.ClearInterrupt() // which may have come when all was done
}

// settle waits for a Promise, by which time everything has run that could.
func (m *machine) settle(v goja.Value, err error) (goja.Value, error) {
	if err != nil || v == nil {
		return v, err
	}
	p, ok := v.Export().(*goja.Promise)
	if !ok {
		return v, nil
	}
	switch p.State() {
	case goja.PromiseStateFulfilled:
		return p.Result(), nil
	case goja.PromiseStateRejected:
		return nil, &rejection{p.Result()}
	}
	return nil, errPending
}

// rejection is what a Promise was rejected with.
type rejection struct{ value goja.Value }

func (r *rejection) Error() string { return r.value.String() }

// thrown is what a script threw as the runtime tells it on.
func (m *machine) thrown(err error) error {
	var exception *goja.Exception
	var rejected *rejection
	var overflow *goja.StackOverflowError
	switch {
	case errors.As(err, &overflow):
		return &runtime.Thrown{Message: "RangeError: Maximum call stack size exceeded" + overflow.Error(), StackTrace: overflow.String()}
	case errors.As(err, &exception):
		t := &runtime.Thrown{Message: exception.Error(), StackTrace: exception.String()}
		m.describe(t, exception.Value())
		return t
	case errors.As(err, &rejected):
		t := &runtime.Thrown{Message: rejected.Error(), StackTrace: rejected.Error()}
		if o, ok := rejected.value.(*goja.Object); ok && o.Get("stack") != nil {
			t.StackTrace = o.Get("stack").String()
		}
		m.describe(t, rejected.value)
		return t
	}
	return err
}

// describe takes the message and the code of a thrown object that is no Error; of an Error only the code.
func (m *machine) describe(t *runtime.Thrown, v goja.Value) {
	o, ok := v.(*goja.Object)
	if !ok {
		return
	}
	if code := o.Get("code"); code != nil {
		switch n := code.Export().(type) {
		case int64:
			t.Code = errs.Code(n)
		case float64:
			t.Code = errs.Code(n)
		}
	}
	if o.ClassName() == "Error" {
		return
	}
	if text := o.Get("message"); text != nil {
		t.Message = text.String()
	}
}

// function makes a JavaScript function callable from Go, within the call that got it.
func (m *machine) function(f goja.Callable) bind.Func {
	return func(_ context.Context, args ...any) (any, error) {
		m.watch.start()
		defer m.watch.pause()
		values := make([]goja.Value, len(args))
		for i := range args {
			values[i] = m.toJS(args[i])
		}
		v, err := m.settle(f(goja.Undefined(), values...))
		if err != nil {
			return nil, m.thrown(err)
		}
		return m.toGo(v), nil
	}
}

// bindFunction is a function of the table as JavaScript calls it.
func (m *machine) bindFunction(f *bind.Function) func(goja.FunctionCall) goja.Value {
	name := f.NameIn(bind.JavaScript)
	return func(call goja.FunctionCall) goja.Value {
		args := make([]any, len(call.Arguments))
		for i, v := range call.Arguments {
			args[i] = m.toGo(v)
		}
		out, err := m.invoke(name, f, args)
		var wrong *bind.ArgumentError
		switch {
		case errors.As(err, &wrong):
			panic(m.vm.NewTypeError("%s", wrong.Text))
		case err != nil:
			panic(m.vm.NewGoError(err))
		case len(out) == 0:
			return goja.Undefined()
		}
		return m.toJS(out[0])
	}
}

// invoke runs a function of nk; while InitModule runs for the first time it is remembered what it gave, and while that
// runs again it gives the same.
func (m *machine) invoke(name string, f *bind.Function, args []any) ([]any, error) {
	if m.replay != nil {
		n := *m.replay
		if n >= len(m.program.replies) || m.program.replies[n].name != name {
			return nil, errDiffers
		}
		*m.replay++
		return m.program.replies[n].out, m.program.replies[n].err
	}
	m.watch.pause()
	out, err := f.Invoke(m.ctx, m.host, bind.JavaScript, args)
	m.watch.start()
	if m.init != nil {
		m.program.replies = append(m.program.replies, reply{name, out, err})
	}
	return out, err
}
