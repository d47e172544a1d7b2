package js

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/dop251/goja"
	nakama "github.com/heroiclabs/nakama-common/runtime"

	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/services/runtime"
	"github.com/skirmishgg/skirmish/services/runtime/bind"
)

// openNakama makes nk, the logger, console, and nkruntime's codes.
func (m *machine) openNakama() {
	nk := m.vm.NewObject()
	for _, f := range bind.Functions() {
		if name := f.NameIn(bind.JavaScript); name != "" {
			m.set(nk, name, m.bindFunction(f))
		}
	}
	m.set(nk, "getSatori", func(goja.FunctionCall) goja.Value { return m.satori() })
	m.nk = nk
	log := m.program.host.Log.With("runtime", "javascript")
	m.logger = m.newLogger(log, map[string]any{})
	m.set(m.vm.GlobalObject(), "console", m.console(log))
	m.set(m.vm.GlobalObject(), "nkruntime", m.nkruntime())
}

// set gives a new object a member, which it always takes.
func (m *machine) set(o *goja.Object, name string, v any) { _ = o.Set(name, v) }

// satori is a client that nobody has configured.
func (m *machine) satori() goja.Value {
	o := m.vm.NewObject()
	for _, name := range bind.Satori {
		m.set(o, bind.Camel(name), func(goja.FunctionCall) goja.Value { panic(m.vm.NewGoError(bind.ErrSatori)) })
	}
	return o
}

// codes are those of nkruntime.Codes.
var codes = map[string]errs.Code{
	"CANCELLED": 1, "UNKNOWN": 2, "INVALID_ARGUMENT": 3, "DEADLINE_EXCEEDED": 4, "NOT_FOUND": 5, "ALREADY_EXISTS": 6,
	"PERMISSION_DENIED": 7, "RESOURCE_EXHAUSTED": 8, "FAILED_PRECONDITION": 9, "ABORTED": 10, "OUT_OF_RANGE": 11,
	"UNIMPLEMENTED": 12, "INTERNAL": 13, "UNAVAILABLE": 14, "DATA_LOSS": 15, "UNAUTHENTICATED": 16,
}

func (m *machine) nkruntime() goja.Value {
	all, o := m.vm.NewObject(), m.vm.NewObject()
	for name, code := range codes {
		m.set(o, name, int(code))
	}
	m.set(all, "Codes", o)
	return all
}

// newLogger is a logger with fields. Adding fields to one also adds them to the one it comes from, as it always has.
func (m *machine) newLogger(log *slog.Logger, fields map[string]any) goja.Value {
	o := m.vm.NewObject()
	for name, level := range map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError} {
		m.set(o, name, func(call goja.FunctionCall) goja.Value {
			values := make([]any, 0, len(call.Arguments))
			for _, v := range call.Arguments[min(1, len(call.Arguments)):] {
				values = append(values, v.Export())
			}
			text := call.Argument(0).String()
			if len(values) > 0 {
				text = fmt.Sprintf(text, values...)
			}
			attributes := make([]any, 0, 2*len(fields))
			for k, v := range fields {
				attributes = append(attributes, k, v)
			}
			log.Log(m.context(), level, text, attributes...)
			return goja.Undefined()
		})
	}
	m.set(o, "withField", func(call goja.FunctionCall) goja.Value {
		key, value := m.text(call.Argument(0), "expects a string as key"), m.text(call.Argument(1), "expects a string as value")
		fields[key] = value
		return m.newLogger(log, fields)
	})
	m.set(o, "withFields", func(call goja.FunctionCall) goja.Value {
		more, ok := call.Argument(0).Export().(map[string]any)
		if !ok {
			panic(m.vm.NewTypeError("expects an object"))
		}
		for k, v := range more {
			fields[k] = v
		}
		return m.newLogger(log, fields)
	})
	m.set(o, "getFields", func(goja.FunctionCall) goja.Value { return m.toJS(fields) })
	return o
}

// context is that of the call under way.
func (m *machine) context() context.Context {
	if m.ctx == nil {
		return context.Background()
	}
	return m.ctx
}

// console logs as browsers' does.
func (m *machine) console(log *slog.Logger) goja.Value {
	o := m.vm.NewObject()
	for name, level := range map[string]slog.Level{
		"debug": slog.LevelDebug, "log": slog.LevelInfo, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError, "trace": slog.LevelDebug,
	} {
		m.set(o, name, func(call goja.FunctionCall) goja.Value {
			words := make([]string, len(call.Arguments))
			for i, v := range call.Arguments {
				words[i] = m.show(v)
			}
			log.Log(m.context(), level, strings.Join(words, " "))
			return goja.Undefined()
		})
	}
	return o
}

// show is a value for people: objects as JSON, if they have one.
func (m *machine) show(v goja.Value) string {
	o, ok := v.(*goja.Object)
	if !ok || o.ClassName() == "Error" || o.ClassName() == "Function" {
		return v.String()
	}
	text, err := o.MarshalJSON()
	if err != nil {
		return v.String()
	}
	return string(text)
}

// names of what a context has, in JavaScript.
var contextNames = map[string]string{
	nakama.RUNTIME_CTX_CLIENT_IP: "clientIp", nakama.RUNTIME_CTX_USER_SESSION_EXP: "userSessionExp",
}

// contextObject is a context as the first argument of functions.
func (m *machine) contextObject(ctx context.Context) goja.Value {
	o := m.vm.NewObject()
	for name, v := range runtime.Values(ctx) {
		key, ok := contextNames[name]
		if !ok {
			key = bind.Camel(name)
		}
		m.set(o, key, m.toJS(v))
	}
	return o
}

// matchMode is what matches see as their execution mode.
const matchMode = 5

func (m *machine) matchContext(ctx context.Context) goja.Value {
	o := m.contextObject(ctx).(*goja.Object)
	m.set(o, "executionMode", matchMode)
	return o
}

// initContext is InitModule's.
func (m *machine) initContext(ctx context.Context) goja.Value {
	o := m.contextObject(ctx).(*goja.Object)
	_ = o.Delete("executionMode")
	return o
}

// freezer freezes globals, and what they come from.
const freezer = `(function () {
	const seen = new Set();
	const freeze = (v) => {
		if ((typeof v !== "object" && typeof v !== "function") || v === null || seen.has(v)) return;
		seen.add(v);
		for (const key of Reflect.ownKeys(v)) {
			const d = Object.getOwnPropertyDescriptor(v, key);
			if (d && "value" in d) freeze(d.value);
		}
		freeze(Object.getPrototypeOf(v));
		if (!ArrayBuffer.isView(v)) Object.freeze(v);
	};
	for (const name of Object.getOwnPropertyNames(globalThis)) {
		if (name !== "globalThis") freeze(globalThis[name]);
	}
})`

func (m *machine) freeze() error {
	f, err := m.vm.RunScript("freeze", freezer)
	if err != nil {
		return err
	}
	call, _ := goja.AssertFunction(f)
	_, err = call(goja.Undefined())
	return m.thrown(err)
}
