package js

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"

	"github.com/dop251/goja"
	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	nakama "github.com/heroiclabs/nakama-common/runtime"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/skirmishgg/skirmish/services/match"
	"github.com/skirmishgg/skirmish/services/runtime"
	"github.com/skirmishgg/skirmish/services/runtime/bind"
)

const (
	errRPCResult    = bind.Text("Runtime function returned invalid data - only allowed one return value of type string.")
	errFilterResult = bind.Text("Invalid return type for Storage Index Filter function: bool expected")
	errMatchID      = bind.Text("Invalid return value from runtime Matchmaker Matched hook, not a valid match ID.")
	errHookResult   = bind.Text("Unexpected return type from runtime hook, must be null or undefined")
	errNoObject     = bind.Text("runtime function returned no object")
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
	p, b := m.program, i.builder
	for _, name := range operations {
		m.set(o, "registerBefore"+name, i.single(func(key int) { offerBefore(p, b, key, name) }))
		m.set(o, "registerAfter"+name, i.single(func(key int) { offerAfter(p, b, key, name) }))
	}
	m.set(o, "registerRpc", i.named("expects an RPC ID", func(key int, name string) { offerRPC(p, b, key, name) }))
	m.set(o, "registerRtBefore", i.named("expects a message name", func(key int, name string) { offerBeforeEnvelope(p, b, key, name) }))
	m.set(o, "registerRtAfter", i.named("expects a message name", func(key int, name string) { offerAfterEnvelope(p, b, key, name) }))
	m.set(o, "registerMatchmakerMatched", i.single(func(key int) { offerMatched(p, b, key) }))
	m.set(o, "registerTournamentEnd", i.single(func(key int) { b.TournamentEnd = p.tournament(key) }))
	m.set(o, "registerTournamentReset", i.single(func(key int) { b.TournamentReset = p.tournament(key) }))
	m.set(o, "registerLeaderboardReset", i.single(func(key int) { offerLeaderboardReset(p, b, key) }))
	m.set(o, "registerShutdown", i.single(func(key int) { offerShutdown(p, b, key) }))
	m.set(o, "registerStorageIndexFilter", i.named("expects an index name", func(key int, name string) { offerIndexFilter(p, b, key, name) }))
	m.set(o, "registerStorageIndex", i.registerIndex)
	m.set(o, "registerMatch", i.registerMatch)
	m.set(o, "registerPurchaseNotificationApple", i.single(func(key int) {
		b.PurchaseApple = func(ctx context.Context, t nakama.NotificationType, v *api.ValidatedPurchase, data *nakama.AppleNotificationData) error {
			return p.notified(ctx, key, bind.Purchase(v), data, t)
		}
	}))
	m.set(o, "registerSubscriptionNotificationApple", i.single(func(key int) {
		b.SubscriptionApple = func(ctx context.Context, t nakama.NotificationType, v *api.ValidatedSubscription, data *nakama.AppleNotificationData) error {
			return p.notified(ctx, key, bind.Subscription(v), data, t)
		}
	}))
	m.set(o, "registerPurchaseNotificationGoogle", i.single(func(key int) {
		b.PurchaseGoogle = func(ctx context.Context, t nakama.NotificationType, v *api.ValidatedPurchase, data *nakama.PurchaseV2GoogleResponse) error {
			return p.notified(ctx, key, bind.Purchase(v), data, t)
		}
	}))
	m.set(o, "registerSubscriptionNotificationGoogle", i.single(func(key int) {
		b.SubscriptionGoogle = func(ctx context.Context, t nakama.NotificationType, v *api.ValidatedSubscription, data *nakama.SubscriptionV2GoogleResponse) error {
			return p.notified(ctx, key, bind.Subscription(v), data, t)
		}
	}))
	m.set(o, "getConfig", func(goja.FunctionCall) goja.Value { return m.toJS(bind.Config(p.host)) })
	return o
}

// single is a registration that takes a function.
func (i *initializer) single(offer func(key int)) func(goja.FunctionCall) goja.Value {
	return func(call goja.FunctionCall) goja.Value { i.register(call.Argument(0), offer); return goja.Undefined() }
}

// named is one that takes a name and a function.
func (i *initializer) named(missing string, offer func(key int, name string)) func(goja.FunctionCall) goja.Value {
	return func(call goja.FunctionCall) goja.Value {
		name := i.machine.text(call.Argument(0), missing)
		if name == "" {
			panic(i.machine.vm.NewTypeError(missing))
		}
		i.register(call.Argument(1), func(key int) { offer(key, name) })
		return goja.Undefined()
	}
}

// register remembers a function, or a global one of this name, and offers it.
func (i *initializer) register(v goja.Value, offer func(key int)) {
	m := i.machine
	if name, ok := v.Export().(string); ok {
		v = m.lookupPath(name)
	}
	f, ok := goja.AssertFunction(v)
	if !ok {
		panic(m.vm.NewTypeError("expects a function"))
	}
	key := len(m.functions)
	m.functions = append(m.functions, f)
	if i.builder != nil {
		m.program.names = append(m.program.names, m.globalName(v))
		offer(key)
	}
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

func offerRPC(p *program, b *runtime.Builder, key int, name string) {
	b.RPC(name, func(ctx context.Context, payload string) (answer string, err error) {
		err = p.call(ctx, key, func(m *machine) ([]goja.Value, error) { return []goja.Value{m.vm.ToValue(payload)}, nil },
			func(_ *machine, v goja.Value) error {
				if v == nil || goja.IsUndefined(v) || goja.IsNull(v) {
					return nil
				}
				text, ok := v.Export().(string)
				if !ok {
					return errRPCResult
				}
				answer = text
				return nil
			})
		return answer, err
	})
}

// message is a message as an argument; null for none, and for those without fields.
func (m *machine) message(v proto.Message) (goja.Value, error) {
	if _, empty := v.(*emptypb.Empty); v == nil || empty || !v.ProtoReflect().IsValid() {
		return goja.Null(), nil
	}
	value, err := bind.ToValue(v, bind.JavaScript)
	return m.toJS(value), err
}

// back reads a message that a function returned; ok is false when it returned nothing.
func back(v goja.Value, into proto.Message) (ok bool, err error) {
	if v == nil || goja.IsUndefined(v) || goja.IsNull(v) {
		return false, nil
	}
	o, ok := v.(*goja.Object)
	if !ok {
		return false, errNoObject
	}
	text, err := o.MarshalJSON()
	if err != nil {
		return false, err
	}
	return true, bind.FromJSON(text, into)
}

func offerBefore(p *program, b *runtime.Builder, key int, name string) {
	b.Before(name, func(ctx context.Context, in proto.Message) (out proto.Message, err error) {
		_, empty := in.(*emptypb.Empty)
		err = p.call(ctx, key, func(m *machine) ([]goja.Value, error) {
			if empty {
				return nil, nil
			}
			v, err := m.message(in)
			return []goja.Value{v}, err
		}, func(_ *machine, v goja.Value) error {
			if empty {
				out = in
				return nil
			}
			changed := in.ProtoReflect().New().Interface()
			ok, err := back(v, changed)
			if ok {
				out = changed
			}
			return err
		})
		return out, err
	})
}

func offerAfter(p *program, b *runtime.Builder, key int, name string) {
	b.After(name, func(ctx context.Context, out, in proto.Message) error { return p.after(ctx, key, out, in) })
}

func (p *program) after(ctx context.Context, key int, out, in proto.Message) error {
	return p.call(ctx, key, func(m *machine) ([]goja.Value, error) {
		answer, err := m.message(out)
		if err != nil {
			return nil, err
		}
		request, err := m.message(in)
		return []goja.Value{answer, request}, err
	}, nil)
}

func offerBeforeEnvelope(p *program, b *runtime.Builder, key int, name string) {
	b.BeforeEnvelope(name, func(ctx context.Context, in *rtapi.Envelope) (out *rtapi.Envelope, err error) {
		err = p.call(ctx, key, func(m *machine) ([]goja.Value, error) {
			v, err := m.message(in)
			return []goja.Value{v}, err
		}, func(_ *machine, v goja.Value) error {
			changed := &rtapi.Envelope{}
			ok, err := back(v, changed)
			switch {
			case err != nil:
				return runtime.ErrBeforeEnvelope
			case ok:
				out = changed
			}
			return nil
		})
		return out, err
	})
}

func offerAfterEnvelope(p *program, b *runtime.Builder, key int, name string) {
	b.AfterEnvelope(name, func(ctx context.Context, out, in *rtapi.Envelope) error { return p.after(ctx, key, out, in) })
}

func offerMatched(p *program, b *runtime.Builder, key int) {
	b.MatchmakerMatched = func(ctx context.Context, entries []nakama.MatchmakerEntry) (id string, err error) {
		err = p.call(ctx, key, func(m *machine) ([]goja.Value, error) { return []goja.Value{m.toJS(bind.Entries(entries))}, nil },
			func(_ *machine, v goja.Value) error {
				if v == nil || goja.IsUndefined(v) || goja.IsNull(v) {
					return nil
				}
				text, ok := v.Export().(string)
				if !ok {
					return errMatchID
				}
				id = text
				return nil
			})
		return id, err
	}
}

// nothing refuses the result of a hook that should have none.
func nothing(_ *machine, v goja.Value) error {
	if v != nil && !goja.IsUndefined(v) && !goja.IsNull(v) {
		return errHookResult
	}
	return nil
}

func (p *program) tournament(key int) func(context.Context, *api.Tournament, int64, int64) error {
	return func(ctx context.Context, t *api.Tournament, end, reset int64) error {
		return p.call(ctx, key, func(m *machine) ([]goja.Value, error) {
			return []goja.Value{m.toJS(bind.Tournament(bind.JavaScript, t)), m.vm.ToValue(end), m.vm.ToValue(reset)}, nil
		}, nothing)
	}
}

func offerLeaderboardReset(p *program, b *runtime.Builder, key int) {
	b.LeaderboardReset = func(ctx context.Context, l *api.Leaderboard, reset int64) error {
		return p.call(ctx, key, func(m *machine) ([]goja.Value, error) {
			return []goja.Value{m.toJS(bind.Leaderboard(bind.JavaScript, l)), m.vm.ToValue(reset)}, nil
		}, nothing)
	}
}

func offerShutdown(p *program, b *runtime.Builder, key int) {
	b.Shutdown = func(ctx context.Context) {
		if err := p.call(ctx, key, func(*machine) ([]goja.Value, error) { return nil, nil }, nil); err != nil {
			p.host.Log.Error("The shutdown function failed", "error", err)
		}
	}
}

// kinds are notification types in words.
var kinds = map[nakama.NotificationType]string{
	nakama.IAPNotificationSubscribed: "SUBSCRIBED", nakama.IAPNotificationRenewed: "RENEWED", nakama.IAPNotificationExpired: "EXPIRED",
	nakama.IAPNotificationCancelled: "CANCELLED", nakama.IAPNotificationRefunded: "REFUNDED",
}

// notified tells of a notification of a store: what it is about, its text, and its kind.
func (p *program) notified(ctx context.Context, key int, about *bind.Object, data any, t nakama.NotificationType) error {
	text, err := json.Marshal(data)
	if err != nil {
		return err
	}
	return p.call(ctx, key, func(m *machine) ([]goja.Value, error) {
		return []goja.Value{m.toJS(about), m.vm.ToValue(string(text)), m.vm.ToValue(kinds[t])}, nil
	}, nothing)
}

func offerIndexFilter(p *program, b *runtime.Builder, key int, name string) {
	b.IndexFilter(strings.ToLower(name), func(ctx context.Context, w *nakama.StorageWrite) (keep bool, err error) {
		err = p.call(ctx, key, func(m *machine) ([]goja.Value, error) {
			v, err := bind.Write(w)
			return []goja.Value{m.toJS(v)}, err
		}, func(_ *machine, v goja.Value) error {
			b, ok := false, false
			if v != nil {
				b, ok = v.Export().(bool)
			}
			if !ok {
				return errFilterResult
			}
			keep = b
			return nil
		})
		return keep, err
	})
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
		f, ok := goja.AssertFunction(object.Get(callback))
		if !ok {
			panic(m.vm.NewTypeError("%s not found", callback))
		}
		m.functions = append(m.functions, f)
		if i.builder != nil {
			m.program.names = append(m.program.names, m.globalName(object.Get(callback)))
		}
	}
	if i.builder != nil {
		p := m.program
		i.builder.Match(name, func() match.Handler { return &handler{program: p, first: first} })
	}
	return goja.Undefined()
}
