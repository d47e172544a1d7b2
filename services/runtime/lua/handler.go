package lua

import (
	"context"
	"errors"
	"fmt"

	nakama "github.com/heroiclabs/nakama-common/runtime"
	lua "github.com/yuin/gopher-lua"

	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/match"
	"github.com/skirmishgg/skirmish/services/runtime/bind"
)

// callbacks are the functions of a match's module.
var callbacks = [...]string{"match_init", "match_join_attempt", "match_join", "match_leave", "match_loop", "match_terminate", "match_signal"}

const (
	callInit = iota
	callJoinAttempt
	callJoin
	callLeave
	callLoop
	callTerminate
	callSignal
)

// handler is a match in Lua. Owned by the match's goroutine.
type handler struct {
	program    *program
	module     *module
	machine    *machine
	functions  [len(callbacks)]*lua.LFunction
	state      lua.LValue
	dispatcher lua.LValue
	to         match.Dispatcher // of the call under way
	ctx        lua.LValue       // of calls but the join attempt's
	label      any              // that ctx shows
}

// newHandler lets any module be a match's; whether it can shows when one is made.
func (p *program) newHandler(mod *module) func() match.Handler {
	return func() match.Handler { return &handler{program: p, module: mod} }
}

// Init runs the module on a machine of its own.
func (h *handler) Init(ctx context.Context, params map[string]any) (rate int, label string, err error) {
	if h.machine, err = h.program.newMachine(ctx, nil, h.module); err != nil {
		return 0, "", err
	}
	if err := h.bind(); err != nil {
		return 0, "", err
	}
	results, err := h.call(ctx, nil, callInit, func(c *call) []lua.LValue {
		return []lua.LValue{matchContext(c, h.program.host.MatchContext(ctx)), toLua(c.L, params)}
	})
	if err != nil {
		return 0, "", err
	}
	if len(results) < 2 || len(results) > 3 {
		return 0, "", errors.New("match_init must return state, tick rate and optionally label")
	}
	if h.state = results[0]; h.state == lua.LNil {
		return 0, "", bind.Text("Match initial state must not be nil")
	}
	n, ok := results[1].(lua.LNumber)
	if !ok || n < match.RateMin || n > match.RateMax {
		return 0, "", fmt.Errorf("match_init returned invalid tick rate, must be between %d and %d", match.RateMin, match.RateMax)
	}
	if len(results) == 3 && results[2] != lua.LNil {
		text, ok := results[2].(lua.LString)
		if !ok {
			return 0, "", errors.New("match_init returned invalid label, must be a string")
		}
		label = string(text)
	}
	return int(n), label, nil
}

// bind finds the functions, and makes the dispatcher.
func (h *handler) bind() error {
	t, ok := h.machine.loaded(h.module.name).(*lua.LTable)
	if !ok {
		return errors.New("match module must return a table containing the match callback functions")
	}
	for i, name := range callbacks {
		if h.functions[i], ok = t.RawGetString(name).(*lua.LFunction); !ok {
			return fmt.Errorf("%s not found or not a function", name)
		}
	}
	L := h.machine.root
	h.dispatcher = L.SetFuncs(L.NewTable(), map[string]lua.LGFunction{
		"broadcast_message": func(L *lua.LState) int {
			return h.broadcast(L, "error broadcasting message", func(d match.Dispatcher) broadcast { return d.Broadcast })
		},
		"broadcast_message_deferred": func(L *lua.LState) int {
			return h.broadcast(L, "error deferring message broadcast", func(d match.Dispatcher) broadcast { return d.BroadcastDeferred })
		},
		"match_kick": func(L *lua.LState) int {
			if err := h.to.Kick(presences(L, 1, "user_id", "session_id", "node")); err != nil {
				L.RaiseError("%s", err)
			}
			return 0
		},
		"match_label_update": func(L *lua.LState) int {
			if err := h.to.UpdateLabel(L.CheckString(1)); err != nil {
				L.RaiseError("error updating match label: %s", err)
			}
			return 0
		},
	})
	return nil
}

type broadcast func(opCode int64, data []byte, to []*match.Presence, sender *match.Presence, reliable bool) error

func (h *handler) broadcast(L *lua.LState, tried string, by func(match.Dispatcher) broadcast) int {
	var to []*match.Presence
	if L.Get(3) != lua.LNil {
		if to = presences(L, 3, "session_id", "node"); to == nil {
			return 0 // to nobody
		}
	}
	var sender *match.Presence
	if t, ok := L.Get(4).(*lua.LTable); ok {
		if sender = presence(t); sender.SessionID.IsZero() || sender.UserID.IsZero() || sender.Username == "" {
			L.ArgError(4, "expects presence to have a valid user_id, session_id, and username")
		}
	}
	if err := by(h.to)(int64(L.CheckNumber(1)), []byte(L.OptString(2, "")), to, sender, L.OptBool(5, true)); err != nil {
		L.RaiseError("%s: %s", tried, err)
	}
	return 0
}

// presences is an argument that is a list of presences; fields are those that each must have.
func presences(L *lua.LState, n int, fields ...string) (list []*match.Presence) {
	L.CheckTable(n).ForEach(func(_, v lua.LValue) {
		t, ok := v.(*lua.LTable)
		if !ok {
			L.ArgError(n, "expects a list of presences")
		}
		for _, name := range fields {
			if s, ok := t.RawGetString(name).(lua.LString); !ok || s == "" {
				L.ArgError(n, "expects each presence to have "+name)
			}
		}
		list = append(list, presence(t))
	})
	return list
}

func presence(t *lua.LTable) *match.Presence {
	text := func(name string) string { return lua.LVAsString(t.RawGetString(name)) }
	p := &match.Presence{Username: text("username"), Node: text("node")}
	p.UserID, _ = id.Parse(text("user_id"))
	p.SessionID, _ = id.Parse(text("session_id"))
	return p
}

// call runs a callback.
func (h *handler) call(ctx context.Context, d match.Dispatcher, which int, args func(*call) []lua.LValue) (results []lua.LValue, err error) {
	h.to = d
	f := h.functions[which]
	err = h.machine.invoke(h.program.host.MatchContext(ctx), f, args, func(out []lua.LValue) error { results = out; return nil })
	return results, err
}

// step is a callback that gets a state and returns one, with what is between its state and its end.
func (h *handler) step(ctx context.Context, d match.Dispatcher, tick int64, which, most int, more func(*call) []lua.LValue) ([]lua.LValue, bool, error) {
	results, err := h.call(ctx, d, which, func(c *call) []lua.LValue {
		return append([]lua.LValue{h.context(c, ctx), h.dispatcher, lua.LNumber(tick), h.state}, more(c)...)
	})
	if err != nil {
		return nil, false, err
	}
	if len(results) > most {
		return nil, false, fmt.Errorf("%s returned too many values, stopping match", sentence[which])
	}
	if len(results) == 0 || results[0] == lua.LNil {
		return results, false, nil
	}
	h.state = results[0]
	return results, true, nil
}

// sentence is a callback's name in messages.
var sentence = [...]string{
	callJoinAttempt: "Match join attempt", callJoin: "Match join", callLeave: "Match leave", callLoop: "Match loop",
	callTerminate: "Match terminate", callSignal: "Match signal",
}

// context is the match's, made again only when its label has changed.
func (h *handler) context(c *call, ctx context.Context) lua.LValue {
	if label := ctx.Value(nakama.RUNTIME_CTX_MATCH_LABEL); h.ctx == nil || label != h.label {
		h.ctx, h.label = matchContext(c, h.program.host.MatchContext(ctx)), label
	}
	return h.ctx
}

func matchContext(c *call, ctx context.Context) lua.LValue {
	t := contextTable(c.L, ctx).(*lua.LTable)
	t.RawSetString(nakama.RUNTIME_CTX_VERSION, lua.LNil) // which matches in Lua do not have
	return t
}

// JoinAttempt implements match.Handler.
func (h *handler) JoinAttempt(ctx context.Context, d match.Dispatcher, tick int64, p *match.Presence, metadata map[string]string) (goOn, accept bool, reason string, err error) {
	results, err := h.call(ctx, d, callJoinAttempt, func(c *call) []lua.LValue {
		return []lua.LValue{matchContext(c, h.program.host.MatchContext(ctx)), h.dispatcher, lua.LNumber(tick), h.state, presenceTable(c.L, p, false), toLua(c.L, metadata)}
	})
	switch {
	case err != nil:
		return false, false, "", err
	case len(results) > 3:
		return false, false, "", fmt.Errorf("%s returned too many values, stopping match", sentence[callJoinAttempt])
	case len(results) == 0 || results[0] == lua.LNil:
		return false, false, "", nil
	}
	h.state = results[0]
	ok, isBool := lua.LFalse, false
	if len(results) > 1 {
		ok, isBool = results[1].(lua.LBool)
	}
	if !isBool {
		return false, false, "", bind.Text("Match join attempt returned non-boolean join result, stopping match")
	}
	if len(results) > 2 && results[2] != lua.LNil {
		text, isText := results[2].(lua.LString)
		if !isText {
			return false, false, "", bind.Text("Match join attempt returned non-string reason, stopping match")
		}
		reason = string(text)
	}
	return true, bool(ok), reason, nil
}

// Join implements match.Handler.
func (h *handler) Join(ctx context.Context, d match.Dispatcher, tick int64, joins []*match.Presence) (bool, error) {
	_, goOn, err := h.step(ctx, d, tick, callJoin, 1, func(c *call) []lua.LValue { return []lua.LValue{presenceList(c.L, joins)} })
	return goOn, err
}

// Leave implements match.Handler.
func (h *handler) Leave(ctx context.Context, d match.Dispatcher, tick int64, leaves []*match.Presence) (bool, error) {
	_, goOn, err := h.step(ctx, d, tick, callLeave, 1, func(c *call) []lua.LValue { return []lua.LValue{presenceList(c.L, leaves)} })
	return goOn, err
}

// Loop implements match.Handler.
func (h *handler) Loop(ctx context.Context, d match.Dispatcher, tick int64, messages []*match.Message) (bool, error) {
	_, goOn, err := h.step(ctx, d, tick, callLoop, 1, func(c *call) []lua.LValue { return []lua.LValue{messageList(c.L, messages)} })
	return goOn, err
}

// Terminate implements match.Handler.
func (h *handler) Terminate(ctx context.Context, d match.Dispatcher, tick int64, graceSeconds int) (bool, error) {
	_, goOn, err := h.step(ctx, d, tick, callTerminate, 1, func(*call) []lua.LValue { return []lua.LValue{lua.LNumber(graceSeconds)} })
	return goOn, err
}

// Signal implements match.Handler.
func (h *handler) Signal(ctx context.Context, d match.Dispatcher, tick int64, data string) (answer string, goOn bool, err error) {
	results, err := h.call(ctx, d, callSignal, func(c *call) []lua.LValue {
		return []lua.LValue{h.context(c, ctx), h.dispatcher, lua.LNumber(tick), h.state, lua.LString(data)}
	})
	if err != nil {
		return "", false, err
	}
	if len(results) > 2 {
		return "", false, fmt.Errorf("%s returned too many values, stopping match", sentence[callSignal])
	}
	if len(results) == 1 { // the state alone: it stands where the data belongs
		results = append([]lua.LValue{lua.LNil}, results[0])
	}
	if len(results) == 0 || results[0] == lua.LNil && results[1] == lua.LNil {
		return "", false, nil
	}
	if results[1] != lua.LNil {
		text, ok := results[1].(lua.LString)
		if !ok {
			return "", false, bind.Text("Match signal returned non-string result, stopping match")
		}
		answer = string(text)
	}
	if results[0] == lua.LNil {
		return answer, false, nil
	}
	h.state = results[0]
	return answer, true, nil
}

// State implements match.Handler: JSON.
func (h *handler) State() any {
	if h.machine == nil {
		return ""
	}
	h.machine.turn.take()
	defer h.machine.turn.give()
	v, err := toGo(h.state, 0)
	if err != nil {
		return err.Error()
	}
	return jsonText(v)
}

func presenceTable(L *lua.LState, p *match.Presence, reason bool) *lua.LTable {
	t := L.CreateTable(0, 5)
	t.RawSetString("user_id", lua.LString(p.GetUserId()))
	t.RawSetString("session_id", lua.LString(p.GetSessionId()))
	t.RawSetString("username", lua.LString(p.Username))
	t.RawSetString("node", lua.LString(p.Node))
	if reason {
		t.RawSetString("reason", lua.LNumber(p.Reason))
	}
	return t
}

func presenceList(L *lua.LState, list []*match.Presence) lua.LValue {
	t := L.CreateTable(len(list), 0)
	for i, p := range list {
		t.RawSetInt(i+1, presenceTable(L, p, true))
	}
	return t
}

func messageList(L *lua.LState, list []*match.Message) lua.LValue {
	t := L.CreateTable(len(list), 0)
	for i, m := range list {
		row := L.CreateTable(0, 5)
		row.RawSetString("sender", presenceTable(L, m.Presence, false))
		row.RawSetString("op_code", lua.LNumber(m.OpCode))
		if len(m.Data) > 0 {
			row.RawSetString("data", lua.LString(m.Data))
		}
		row.RawSetString("reliable", lua.LBool(m.Reliable))
		row.RawSetString("receive_time_ms", lua.LNumber(m.ReceiveTime))
		t.RawSetInt(i+1, row)
	}
	return t
}
