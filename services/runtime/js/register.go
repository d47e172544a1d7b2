package js

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"

	"github.com/dop251/goja"
	nakama "github.com/heroiclabs/nakama-common/runtime"

	"github.com/skirmishgg/skirmish/services/match"
	"github.com/skirmishgg/skirmish/services/runtime"
	"github.com/skirmishgg/skirmish/services/runtime/bind"
)

// initializer is what InitModule registers with. The machine remembers each function under a key: how many came before it.
// builder is nil when InitModule runs again, and only the functions are wanted.
type initializer struct {
	machine *machine
	builder *runtime.Builder
}

// operations are those that hooks may be put around: Nakama's, and those it has forgotten.
var operations = func() (names []string) {
	t := reflect.TypeFor[nakama.Initializer]()
	for i := range t.NumMethod() {
		if name, ok := strings.CutPrefix(t.Method(i).Name, "RegisterBefore"); ok && name != "Rt" {
			names = append(names, name)
		}
	}
	return append(names, "Event")
}()

// object is the initializer as InitModule gets it.
func (i *initializer) object() goja.Value {
	m := i.machine
	o := m.vm.NewObject()
	for _, name := range operations {
		m.set(o, "registerBefore"+name, i.single(func(o bind.Offers, f bind.Script) { o.Before(name, f) }))
		m.set(o, "registerAfter"+name, i.single(func(o bind.Offers, f bind.Script) { o.After(name, f) }))
	}
	m.set(o, "registerRpc", i.named("expects an RPC ID", bind.Offers.RPC))
	m.set(o, "registerRtBefore", i.named("expects a message name", bind.Offers.BeforeEnvelope))
	m.set(o, "registerRtAfter", i.named("expects a message name", bind.Offers.AfterEnvelope))
	m.set(o, "registerMatchmakerMatched", i.single(bind.Offers.MatchmakerMatched))
	m.set(o, "registerTournamentEnd", i.single(bind.Offers.TournamentEnd))
	m.set(o, "registerTournamentReset", i.single(bind.Offers.TournamentReset))
	m.set(o, "registerLeaderboardReset", i.single(bind.Offers.LeaderboardReset))
	m.set(o, "registerShutdown", i.single(func(o bind.Offers, f bind.Script) {
		o.Shutdown(f, func(err error) { m.program.host.Log.Error("The shutdown function failed", "error", err) })
	}))
	m.set(o, "registerPurchaseNotificationApple", i.single(bind.Offers.PurchaseApple))
	m.set(o, "registerSubscriptionNotificationApple", i.single(bind.Offers.SubscriptionApple))
	m.set(o, "registerPurchaseNotificationGoogle", i.single(bind.Offers.PurchaseGoogle))
	m.set(o, "registerSubscriptionNotificationGoogle", i.single(bind.Offers.SubscriptionGoogle))
	m.set(o, "registerStorageIndexFilter", i.named("expects an index name", bind.Offers.IndexFilter))
	m.set(o, "registerStorageIndex", i.registerIndex)
	m.set(o, "registerMatch", i.registerMatch)
	m.set(o, "getConfig", func(goja.FunctionCall) goja.Value { return m.toJS(bind.Config(m.program.host)) })
	return o
}

// single is a registration that takes a function.
func (i *initializer) single(offer func(bind.Offers, bind.Script)) func(goja.FunctionCall) goja.Value {
	return func(call goja.FunctionCall) goja.Value { i.register(call.Argument(0), offer); return goja.Undefined() }
}

// named is one that takes a name and a function.
func (i *initializer) named(missing string, offer func(o bind.Offers, name string, f bind.Script)) func(goja.FunctionCall) goja.Value {
	return func(call goja.FunctionCall) goja.Value {
		name := i.machine.text(call.Argument(0), missing)
		if name == "" {
			panic(i.machine.vm.NewTypeError(missing))
		}
		i.register(call.Argument(1), func(o bind.Offers, f bind.Script) { offer(o, name, f) })
		return goja.Undefined()
	}
}

// register remembers a function, or a global one of this name, and offers it.
func (i *initializer) register(v goja.Value, offer func(bind.Offers, bind.Script)) {
	m := i.machine
	if name, ok := v.Export().(string); ok {
		v = m.lookupPath(name)
	}
	key, ok := i.remember(v)
	if !ok {
		panic(m.vm.NewTypeError("expects a function"))
	}
	if i.builder != nil {
		offer(bind.Offers{Builder: i.builder, Lang: bind.JavaScript}, m.program.function(key))
	}
}

// remember gives a function its key; false: it is none.
func (i *initializer) remember(v goja.Value) (key int, ok bool) {
	m := i.machine
	f, ok := goja.AssertFunction(v)
	if !ok {
		return 0, false
	}
	m.functions = append(m.functions, f)
	if i.builder != nil {
		m.program.names = append(m.program.names, m.globalName(v))
	}
	return len(m.functions) - 1, true
}

// function is the function of a key, on whatever machine is free.
func (p *program) function(key int) bind.Script {
	return func(ctx context.Context, args ...any) (results []any, err error) {
		err = p.with(ctx, func(m *machine) error {
			return m.run(ctx, p.limit, func() error {
				values := []goja.Value{m.contextObject(ctx), m.logger, m.nk}
				for _, a := range args {
					values = append(values, m.toJS(a))
				}
				v, err := m.settle(m.functions[key](goja.Undefined(), values...))
				if err != nil {
					return err
				}
				result, err := m.result(v)
				results = []any{result}
				return err
			})
		})
		return results, err
	}
}

// result is what a function returned: an object as its JSON.
func (m *machine) result(v goja.Value) (any, error) {
	if o, ok := v.(*goja.Object); ok && o.ClassName() == "Object" {
		text, err := o.MarshalJSON()
		return json.RawMessage(text), err
	}
	return m.toGo(v), nil
}

// globalName is the name under which a function is global; "" when it is not.
func (m *machine) globalName(f goja.Value) string {
	o, ok := f.(*goja.Object)
	if !ok {
		return ""
	}
	name := o.Get("name").String()
	if !identifier(name) || !m.lookup(name).SameAs(f) {
		return ""
	}
	return name
}

// lookupPath is a global, or a member of one: a.b.c.
func (m *machine) lookupPath(name string) goja.Value {
	first, rest, _ := strings.Cut(name, ".")
	if !identifier(first) {
		return goja.Undefined()
	}
	v := m.lookup(first)
	for rest != "" {
		o, ok := v.(*goja.Object)
		if !ok {
			return goja.Undefined()
		}
		first, rest, _ = strings.Cut(rest, ".")
		if v = o.Get(first); v == nil {
			return goja.Undefined()
		}
	}
	return v
}

// identifier reports whether a text can be looked up as a name, and is no program.
func identifier(name string) bool {
	for i, r := range name {
		if !(r == '_' || r == '$' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || i > 0 && r >= '0' && r <= '9') {
			return false
		}
	}
	return name != ""
}

func (i *initializer) registerIndex(call goja.FunctionCall) goja.Value {
	m := i.machine
	index := runtime.StorageIndex{
		Name: m.text(call.Argument(0), "expects an index name"), Collection: m.text(call.Argument(1), "expects a collection"),
		MaxEntries: int(call.Argument(5).ToInteger()), IndexOnly: call.Argument(6).ToBoolean(),
	}
	index.Key, _ = call.Argument(2).Export().(string)
	index.Fields, index.Sortable = m.texts(call.Argument(3)), m.texts(call.Argument(4))
	if i.builder != nil {
		if err := i.builder.Index(index); err != nil {
			panic(m.vm.NewGoError(err))
		}
	}
	return goja.Undefined()
}

// texts is an argument that is a list of strings, or nothing.
func (m *machine) texts(v goja.Value) (list []string) {
	if goja.IsUndefined(v) || goja.IsNull(v) {
		return nil
	}
	if err := m.vm.ExportTo(v, &list); err != nil {
		panic(m.vm.NewTypeError("expects a list of strings"))
	}
	return list
}

// registerMatch takes a name and an object with the seven functions.
func (i *initializer) registerMatch(call goja.FunctionCall) goja.Value {
	m := i.machine
	name := m.text(call.Argument(0), "expects a match name")
	object, ok := call.Argument(1).(*goja.Object)
	if name == "" || !ok {
		panic(m.vm.NewTypeError("expects a match name and an object of its functions"))
	}
	first := len(m.functions)
	for _, callback := range callbacks {
		if _, ok := i.remember(object.Get(callback)); !ok {
			panic(m.vm.NewTypeError("%s not found", callback))
		}
	}
	if i.builder != nil {
		p := m.program
		i.builder.Match(name, func() match.Handler { return &handler{program: p, first: first} })
	}
	return goja.Undefined()
}
