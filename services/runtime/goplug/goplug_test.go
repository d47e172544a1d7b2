package goplug

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"github.com/heroiclabs/nakama-common/api"
	nakama "github.com/heroiclabs/nakama-common/runtime"

	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/config"
	"github.com/skirmishgg/skirmish/services/gateway/gatewaytest"
	"github.com/skirmishgg/skirmish/services/match"
	"github.com/skirmishgg/skirmish/services/runtime"
)

// load is a catalogue with what a module registered.
func load(t *testing.T, m Module) (*gatewaytest.Catalogue, *runtime.Runtime) {
	t.Helper()
	c := gatewaytest.New(t, nil)
	r := runtime.New(runtime.Config{
		Host:      &runtime.Host{Log: slog.New(slog.NewTextHandler(c.Log, nil)), Settings: &config.Config{Name: "n"}, Node: "n", Root: t.TempDir()},
		Languages: []runtime.Language{New(m)}, Registry: c.Registry, RPC: c.RPC,
	})
	if err := r.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c, r
}

// TestEveryMethodHooksItsOperation calls each RegisterBefore… and RegisterAfter… with a function of the type it wants, and
// then each operation.
func TestEveryMethodHooksItsOperation(t *testing.T) {
	fired := map[string]int{}
	registered := 0
	c, _ := load(t, func(_ context.Context, _ nakama.Logger, _ *sql.DB, _ nakama.NakamaModule, initializer nakama.Initializer) error {
		v := reflect.ValueOf(initializer)
		for i := range v.NumMethod() {
			name := v.Type().Method(i).Name
			if !strings.HasPrefix(name, "RegisterBefore") && !strings.HasPrefix(name, "RegisterAfter") || strings.HasSuffix(name, "Rt") {
				continue
			}
			registered++
			v.Method(i).Call([]reflect.Value{reflect.MakeFunc(v.Type().Method(i).Type.In(1), func(args []reflect.Value) []reflect.Value {
				fired[name]++
				noError := reflect.Zero(reflect.TypeFor[error]())
				if strings.HasPrefix(name, "RegisterBefore") && len(args) == 5 {
					return []reflect.Value{args[4], noError}
				}
				for _, message := range args[4:] {
					if message.IsNil() {
						t.Errorf("%s got a nil %s", name, message.Type())
					}
				}
				return []reflect.Value{noError}
			})})
		}
		return nil
	})
	if registered != 2*83 {
		t.Errorf("there are %d methods, want %d", registered, 2*83)
	}
	for _, e := range c.Registry.Entries() {
		if _, refusal := c.Invoke(t.Context(), e, op.Caller{}, e.Request.New().Interface()); refusal != nil && e.Spec.Name != "RpcFunc" {
			t.Errorf("%s: %v", e.Spec.Name, refusal)
		}
	}
	for i := range reflect.TypeFor[*initializer]().NumMethod() {
		name := reflect.TypeFor[*initializer]().Method(i).Name
		if strings.HasPrefix(name, "RegisterBefore") || strings.HasPrefix(name, "RegisterAfter") {
			if want := 1; fired[name] != want && !strings.HasSuffix(name, "Rt") {
				t.Errorf("%s fired %d times", name, fired[name])
			}
		}
	}
}

func TestBeforeReturningNothing(t *testing.T) {
	c, _ := load(t, func(_ context.Context, _ nakama.Logger, _ *sql.DB, _ nakama.NakamaModule, i nakama.Initializer) error {
		return errors.Join(
			i.RegisterBeforeGetUsers(func(context.Context, nakama.Logger, *sql.DB, nakama.NakamaModule, *api.GetUsersRequest) (*api.GetUsersRequest, error) {
				return nil, nil
			}),
			i.RegisterBeforeGetAccount(func(context.Context, nakama.Logger, *sql.DB, nakama.NakamaModule) error {
				return nakama.NewError("not you", 7)
			}))
	})
	f := func(operation, want string) {
		t.Helper()
		e := c.Registry.Named(operation)
		if _, refusal := c.Invoke(t.Context(), e, op.Caller{}, e.Request.New().Interface()); refusal == nil || refusal.Message != want {
			t.Errorf("%s: %v, want %s", operation, refusal, want)
		}
	}
	f("GetUsers", "Requested resource was not found.")
	f("GetAccount", "not you")
}

func TestModulesRunOnce(t *testing.T) {
	ran := 0
	c, r := load(t, func(ctx context.Context, _ nakama.Logger, _ *sql.DB, _ nakama.NakamaModule, i nakama.Initializer) error {
		ran++
		if ctx.Value(nakama.RUNTIME_CTX_MODE) != "run_once" {
			t.Errorf("mode %v", ctx.Value(nakama.RUNTIME_CTX_MODE))
		}
		conf, err := i.GetConfig()
		if err != nil || conf.GetName() != "n" {
			t.Errorf("config %v %v", conf, err)
		}
		return i.RegisterRpc("hello", func(context.Context, nakama.Logger, *sql.DB, nakama.NakamaModule, string) (string, error) {
			return "world", nil
		})
	})
	if err := r.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	out, refusal := c.Invoke(t.Context(), c.Registry.Named("RpcFunc"), op.Caller{}, &api.Rpc{Id: "hello"})
	if refusal != nil || out.(*api.Rpc).Payload != "world" || ran != 1 {
		t.Errorf("%v %v after %d runs", out, refusal, ran)
	}
}

func TestFailingModule(t *testing.T) {
	f := func(want string, m Module) {
		t.Helper()
		c := gatewaytest.New(t, nil)
		r := runtime.New(runtime.Config{
			Host:      &runtime.Host{Log: slog.New(slog.NewTextHandler(c.Log, nil)), Root: t.TempDir()},
			Languages: []runtime.Language{New(m)}, Registry: c.Registry, RPC: c.RPC,
		})
		if err := r.Load(t.Context()); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	f("Go: module 1 of those linked in: InitModule: no luck", func(context.Context, nakama.Logger, *sql.DB, nakama.NakamaModule, nakama.Initializer) error {
		return errors.New("no luck")
	})
	f("Go: Go panicked: boom", func(context.Context, nakama.Logger, *sql.DB, nakama.NakamaModule, nakama.Initializer) error {
		panic("boom")
	})
	f(`Go: module 1 of those linked in: InitModule: HTTP handler: path pattern "shop" does not start with /`, func(_ context.Context, _ nakama.Logger, _ *sql.DB, _ nakama.NakamaModule, i nakama.Initializer) error {
		return i.RegisterHttp("shop", nil)
	})
}

// counter is a Match that counts, and ends at a negative tick.
type counter struct{ rate int }

func (c *counter) MatchInit(ctx context.Context, _ nakama.Logger, _ *sql.DB, _ nakama.NakamaModule, params map[string]any) (any, int, string) {
	if params["state"] == nil {
		return nil, c.rate, ""
	}
	return params["state"], c.rate, ctx.Value(nakama.RUNTIME_CTX_MODE).(string)
}

func (c *counter) MatchJoinAttempt(_ context.Context, _ nakama.Logger, _ *sql.DB, _ nakama.NakamaModule, _ nakama.MatchDispatcher, _ int64, state any, p nakama.Presence, metadata map[string]string) (any, bool, string) {
	return state, p.GetUsername() == "ada", metadata["why"]
}

func (c *counter) MatchJoin(_ context.Context, _ nakama.Logger, _ *sql.DB, _ nakama.NakamaModule, d nakama.MatchDispatcher, _ int64, state any, joins []nakama.Presence) any {
	if err := d.BroadcastMessage(1, []byte("x"), nil, joins[0], true); err != nil {
		return nil
	}
	return state.(int) + len(joins)
}

func (c *counter) MatchLeave(_ context.Context, _ nakama.Logger, _ *sql.DB, _ nakama.NakamaModule, d nakama.MatchDispatcher, _ int64, state any, leaves []nakama.Presence) any {
	if err := d.MatchKick([]nakama.Presence{}); err != nil {
		return nil
	}
	return state.(int) - len(leaves)
}

func (c *counter) MatchLoop(_ context.Context, _ nakama.Logger, _ *sql.DB, _ nakama.NakamaModule, d nakama.MatchDispatcher, tick int64, state any, messages []nakama.MatchData) any {
	if tick < 0 {
		return nil
	}
	for _, m := range messages {
		if d.BroadcastMessageDeferred(m.GetOpCode(), m.GetData(), []nakama.Presence{m}, nil, m.GetReliable()) != nil {
			return nil
		}
	}
	return state
}

func (c *counter) MatchTerminate(_ context.Context, _ nakama.Logger, _ *sql.DB, _ nakama.NakamaModule, d nakama.MatchDispatcher, _ int64, state any, grace int) any {
	_ = d.MatchLabelUpdate("over")
	return state.(int) + grace
}

func (c *counter) MatchSignal(_ context.Context, _ nakama.Logger, _ *sql.DB, _ nakama.NakamaModule, _ nakama.MatchDispatcher, _ int64, state any, data string) (any, string) {
	return state, data + data
}

// noted is a dispatcher that writes down what it is asked.
type noted struct{ calls []any }

func (n *noted) Broadcast(opCode int64, data []byte, to []*match.Presence, sender *match.Presence, reliable bool) error {
	n.calls = append(n.calls, []any{"broadcast", opCode, string(data), to == nil, sender.Username, reliable})
	return nil
}

func (n *noted) BroadcastDeferred(opCode int64, data []byte, to []*match.Presence, sender *match.Presence, reliable bool) error {
	n.calls = append(n.calls, []any{"deferred", opCode, string(data), to[0].Username, sender == nil, reliable})
	return nil
}

func (n *noted) Kick(list []*match.Presence) error {
	n.calls = append(n.calls, []any{"kick", list != nil, len(list)})
	return nil
}

func (n *noted) UpdateLabel(label string) error {
	n.calls = append(n.calls, []any{"label", label})
	return nil
}

func TestMatchHandler(t *testing.T) {
	var make func() match.Handler
	rate, failure := 10, error(nil)
	_, r := load(t, func(_ context.Context, _ nakama.Logger, _ *sql.DB, _ nakama.NakamaModule, i nakama.Initializer) error {
		return i.RegisterMatch("counter", func(ctx context.Context, _ nakama.Logger, _ *sql.DB, _ nakama.NakamaModule) (nakama.Match, error) {
			if ctx.Value(nakama.RUNTIME_CTX_MODE) != "match_create" {
				t.Errorf("mode %v", ctx.Value(nakama.RUNTIME_CTX_MODE))
			}
			return &counter{rate: rate}, failure
		})
	})
	make, ok := r.Set().Match("counter")
	if !ok {
		t.Fatal("no match of that name")
	}
	if _, ok := r.Set().Match("Counter"); ok {
		t.Error("names of matches are compared without their case")
	}
	ctx, d := t.Context(), &noted{}
	h := make()
	if rate, label, err := h.Init(ctx, map[string]any{"state": 1}); rate != 10 || label != "match" || err != nil {
		t.Fatal(rate, label, err)
	}
	ada := &match.Presence{Username: "ada"}
	if goOn, accept, reason, err := h.JoinAttempt(ctx, d, 0, ada, map[string]string{"why": "b"}); !goOn || !accept || reason != "b" || err != nil {
		t.Error("join attempt", goOn, accept, reason, err)
	}
	if goOn, err := h.Join(ctx, d, 0, []*match.Presence{ada, ada}); !goOn || err != nil || h.State() != 3 {
		t.Error("join", goOn, err, h.State())
	}
	if goOn, err := h.Leave(ctx, d, 0, []*match.Presence{ada}); !goOn || err != nil || h.State() != 2 {
		t.Error("leave", goOn, err, h.State())
	}
	if goOn, err := h.Loop(ctx, d, 0, []*match.Message{{Presence: ada, OpCode: 5, Data: []byte("y"), Reliable: true}}); !goOn || err != nil {
		t.Error("loop", goOn, err)
	}
	if answer, goOn, err := h.Signal(ctx, d, 0, "z"); answer != "zz" || !goOn || err != nil {
		t.Error("signal", answer, goOn, err)
	}
	if goOn, err := h.Terminate(ctx, d, 0, 7); !goOn || err != nil || h.State() != 9 {
		t.Error("terminate", goOn, err, h.State())
	}
	if goOn, err := h.Loop(ctx, d, -1, nil); goOn || err != nil || h.State() != nil {
		t.Error("nil state", goOn, err, h.State())
	}
	want := []any{
		[]any{"broadcast", int64(1), "x", true, "ada", true}, []any{"kick", true, 0}, []any{"deferred", int64(5), "y", "ada", true, true}, []any{"label", "over"},
	}
	if !reflect.DeepEqual(d.calls, want) {
		t.Errorf("the dispatcher was asked\n%v, want\n%v", d.calls, want)
	}

	f := func(want string, params map[string]any) {
		t.Helper()
		if _, _, err := make().Init(ctx, params); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	f("Match initial state must not be nil", nil)
	rate = 0
	f("MatchInit returned invalid tick rate, must be between 1 and 256", map[string]any{"state": 1})
	failure = errors.New("no such map")
	f("no such map", nil)
}

func TestForeignPresences(t *testing.T) {
	f := func(want string, p nakama.Presence) {
		t.Helper()
		if _, err := presence(p); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	f("a presence is nil", nil)
	f("Presence contains an invalid Session ID", foreign{})
	session := "01010101-0101-4101-8101-010101010101"
	f("Presence contains an invalid User ID", foreign{session: session, user: "x"})
	f("Presence must contain a Node ID", foreign{session: session})
	if p, err := presence(foreign{session: session, node: "n"}); err != nil || p.GetSessionId() != session || p.Node != "n" {
		t.Error(p, err)
	}
}

type foreign struct {
	nakama.Presence
	session, user, node string
}

func (f foreign) GetSessionId() string { return f.session }
func (f foreign) GetUserId() string    { return f.user }
func (f foreign) GetNodeId() string    { return f.node }
func (f foreign) GetUsername() string  { return "" }

func TestFleetCallbacks(t *testing.T) {
	c := newCallbacks()
	first, second := c.GenerateCallbackId(), c.GenerateCallbackId()
	called := 0
	c.SetCallback(first, func(nakama.FmCreateStatus, *nakama.InstanceInfo, []*nakama.SessionInfo, map[string]any, error) {
		called++
	})
	c.InvokeCallback(second, nakama.CreateError, nil, nil, nil, nil)
	c.InvokeCallback(first, nakama.CreateSuccess, nil, nil, nil, nil)
	c.InvokeCallback(first, nakama.CreateSuccess, nil, nil, nil, nil)
	if called != 1 || first == second || len(c.waiting) != 0 {
		t.Errorf("called %d times; ids %s and %s", called, first, second)
	}
}
