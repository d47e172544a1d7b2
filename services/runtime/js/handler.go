package js

import (
	"context"
	"fmt"
	"math"

	"github.com/dop251/goja"

	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/match"
	"github.com/skirmishgg/skirmish/services/runtime/bind"
)

// callbacks are the functions of a match, in the order of their keys.
var callbacks = [...]string{"matchInit", "matchJoinAttempt", "matchJoin", "matchLeave", "matchLoop", "matchTerminate", "matchSignal"}

const (
	callInit = iota
	callJoinAttempt
	callJoin
	callLeave
	callLoop
	callTerminate
	callSignal
)

// handler is a match in JavaScript. Owned by the match's goroutine.
type handler struct {
	program    *program
	first      int // key of matchInit
	machine    *machine
	state      goja.Value
	dispatcher goja.Value
	to         match.Dispatcher // of the call under way
}

// Init makes the match's machine.
func (h *handler) Init(ctx context.Context, params map[string]any) (rate int, label string, err error) {
	if h.machine, err = h.program.newMachine(ctx, nil); err != nil {
		return 0, "", err
	}
	m := h.machine
	h.dispatcher = h.newDispatcher()
	err = h.call(ctx, nil, callInit, func() []goja.Value { return []goja.Value{m.toJS(params)} }, func(o *goja.Object) error {
		if o == nil || o.Get("state") == nil || o.Get("tickRate") == nil {
			return bind.Text("matchInit is expected to return an object with 'state', 'tickRate' and 'label' properties")
		}
		if h.state = o.Get("state"); isNothing(h.state) {
			return bind.Text("Match initial state must not be nil")
		}
		n, ok := number(o.Get("tickRate"))
		if !ok || n != math.Trunc(n) || n < match.RateMin || n > match.RateMax {
			return bind.Textf("matchInit 'tickRate' must be a number between %d and %d", match.RateMin, match.RateMax)
		}
		rate = int(n)
		if v := o.Get("label"); !isNothing(v) {
			text, ok := v.Export().(string)
			if !ok {
				return bind.Text("matchInit 'label' must be a string")
			}
			label = text
		}
		return nil
	})
	return rate, label, err
}

func isNothing(v goja.Value) bool { return v == nil || goja.IsUndefined(v) || goja.IsNull(v) }

func number(v goja.Value) (float64, bool) {
	switch n := v.Export().(type) {
	case int64:
		return float64(n), true
	case float64:
		return n, true
	}
	return 0, false
}

// call runs a callback; args follow (ctx, logger, nk), and take gets the object it returned, nil for nothing.
func (h *handler) call(ctx context.Context, d match.Dispatcher, which int, args func() []goja.Value, take func(*goja.Object) error) error {
	h.to = d
	m := h.machine
	ctx = h.program.host.MatchContext(ctx)
	return m.run(ctx, h.program.limit, func() error {
		all := append([]goja.Value{m.matchContext(ctx), m.logger, m.nk}, args()...)
		v, err := m.settle(m.functions[h.first+which](goja.Undefined(), all...))
		if err != nil {
			return err
		}
		if isNothing(v) {
			return take(nil)
		}
		o, ok := v.(*goja.Object)
		if !ok {
			return expected(which)
		}
		return take(o)
	})
}

// expected says what a callback should have returned.
func expected(which int) error {
	switch which {
	case callInit:
		return bind.Text("matchInit is expected to return an object with 'state', 'tickRate' and 'label' properties")
	case callJoinAttempt:
		return bind.Text("matchJoinAttempt is expected to return an object with 'state' and 'accept' properties")
	}
	return bind.Textf("%s is expected to return an object with 'state' property", callbacks[which])
}

// step is a callback that gets the state and returns one.
func (h *handler) step(ctx context.Context, d match.Dispatcher, tick int64, which int, more func() goja.Value, take func(*goja.Object) error) (goOn bool, err error) {
	err = h.call(ctx, d, which, func() []goja.Value {
		return []goja.Value{h.dispatcher, h.machine.vm.ToValue(tick), h.state, more()}
	}, func(o *goja.Object) error {
		if goOn, err = h.keep(o, which); err != nil || take == nil || o == nil {
			return err
		}
		return take(o)
	})
	return goOn && err == nil, err
}

// keep takes the new state; false: there is none, and the match ends.
func (h *handler) keep(o *goja.Object, which int) (bool, error) {
	if o == nil {
		return false, nil
	}
	state := o.Get("state")
	if state == nil {
		return false, expected(which)
	}
	if isNothing(state) {
		return false, nil
	}
	if _, ok := state.(*goja.Object); !ok {
		return false, expected(which)
	}
	h.state = state
	return true, nil
}

// JoinAttempt implements match.Handler.
func (h *handler) JoinAttempt(ctx context.Context, d match.Dispatcher, tick int64, p *match.Presence, metadata map[string]string) (goOn, accept bool, reason string, err error) {
	m := h.machine
	err = h.call(ctx, d, callJoinAttempt, func() []goja.Value {
		return []goja.Value{h.dispatcher, m.vm.ToValue(tick), h.state, h.presence(p, false), m.toJS(metadata)}
	}, func(o *goja.Object) error {
		if goOn, err = h.keep(o, callJoinAttempt); err != nil || !goOn {
			return err
		}
		accepted, ok := false, false
		if v := o.Get("accept"); v != nil {
			accepted, ok = v.Export().(bool)
		}
		if !ok {
			return expected(callJoinAttempt)
		}
		accept = accepted
		if v := o.Get("rejectMessage"); !isNothing(v) {
			if reason, ok = v.Export().(string); !ok {
				return bind.Text("matchJoinAttempt 'rejectMessage' must be a string")
			}
		}
		return nil
	})
	return goOn && err == nil, accept, reason, err
}

// Join implements match.Handler.
func (h *handler) Join(ctx context.Context, d match.Dispatcher, tick int64, joins []*match.Presence) (bool, error) {
	return h.step(ctx, d, tick, callJoin, func() goja.Value { return h.presences(joins) }, nil)
}

// Leave implements match.Handler.
func (h *handler) Leave(ctx context.Context, d match.Dispatcher, tick int64, leaves []*match.Presence) (bool, error) {
	return h.step(ctx, d, tick, callLeave, func() goja.Value { return h.presences(leaves) }, nil)
}

// Loop implements match.Handler.
func (h *handler) Loop(ctx context.Context, d match.Dispatcher, tick int64, messages []*match.Message) (bool, error) {
	return h.step(ctx, d, tick, callLoop, func() goja.Value { return h.messages(messages) }, nil)
}

// Terminate implements match.Handler.
func (h *handler) Terminate(ctx context.Context, d match.Dispatcher, tick int64, graceSeconds int) (bool, error) {
	return h.step(ctx, d, tick, callTerminate, func() goja.Value { return h.machine.vm.ToValue(graceSeconds) }, nil)
}

// Signal implements match.Handler.
func (h *handler) Signal(ctx context.Context, d match.Dispatcher, tick int64, data string) (answer string, goOn bool, err error) {
	goOn, err = h.step(ctx, d, tick, callSignal, func() goja.Value { return h.machine.vm.ToValue(data) }, func(o *goja.Object) error {
		if v := o.Get("data"); !isNothing(v) {
			text, ok := v.Export().(string)
			if !ok {
				return bind.Text("matchSignal 'data' must be a string")
			}
			answer = text
		}
		return nil
	})
	return answer, goOn, err
}

// State implements match.Handler: JSON.
func (h *handler) State() any {
	o, ok := h.state.(*goja.Object)
	if !ok {
		return ""
	}
	text, err := o.MarshalJSON()
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func (h *handler) newDispatcher() goja.Value {
	m := h.machine
	o := m.vm.NewObject()
	m.set(o, "broadcastMessage", func(call goja.FunctionCall) goja.Value { return h.broadcast(call, h.to.Broadcast, "") })
	m.set(o, "broadcastMessageDeferred", func(call goja.FunctionCall) goja.Value {
		return h.broadcast(call, h.to.BroadcastDeferred, "error deferring message broadcast: ")
	})
	m.set(o, "matchKick", func(call goja.FunctionCall) goja.Value {
		if err := h.to.Kick(h.members(call.Argument(0), "userId", "sessionId")); err != nil {
			panic(m.vm.NewGoError(err))
		}
		return goja.Undefined()
	})
	m.set(o, "matchLabelUpdate", func(call goja.FunctionCall) goja.Value {
		if err := h.to.UpdateLabel(m.text(call.Argument(0), "expects string")); err != nil {
			panic(m.vm.NewGoError(fmt.Errorf("error updating match label: %w", err)))
		}
		return goja.Undefined()
	})
	return o
}

type broadcast func(opCode int64, data []byte, to []*match.Presence, sender *match.Presence, reliable bool) error

func (h *handler) broadcast(call goja.FunctionCall, by broadcast, tried string) goja.Value {
	m := h.machine
	op, ok := number(call.Argument(0))
	if !ok || op != math.Trunc(op) {
		panic(m.vm.NewTypeError("expects number"))
	}
	var to []*match.Presence
	if v := call.Argument(2); !isNothing(v) {
		if to = h.members(v, "sessionId"); to == nil {
			return goja.Undefined() // to nobody
		}
	}
	var sender *match.Presence
	if v, ok := call.Argument(3).(*goja.Object); ok {
		sender = h.member(v, "userId", "sessionId", "username")
		sender.Username = sender.SessionID.String() // which is what clients of JavaScript matches have always been told
	}
	reliable := isNothing(call.Argument(4)) || call.Argument(4).ToBoolean()
	if err := by(int64(op), h.data(call.Argument(1)), to, sender, reliable); err != nil {
		panic(m.vm.NewGoError(fmt.Errorf("%s%w", tried, err)))
	}
	return goja.Undefined()
}

// data is a message's: a string or bytes, or nothing.
func (h *handler) data(v goja.Value) []byte {
	switch d := h.machine.toGo(v).(type) {
	case nil:
		return nil
	case string:
		return []byte(d)
	case bind.Bytes:
		return append([]byte(nil), d...) // the script may go on to write into its own
	}
	panic(h.machine.vm.NewTypeError("expects data to be string, ArrayBuffer or Uint8Array"))
}

// members is an argument that is a list of presences.
func (h *handler) members(v goja.Value, fields ...string) (list []*match.Presence) {
	m := h.machine
	var all []goja.Value
	if err := m.vm.ExportTo(v, &all); err != nil {
		panic(m.vm.NewTypeError("expects a list of presences"))
	}
	for _, v := range all {
		o, ok := v.(*goja.Object)
		if !ok {
			panic(m.vm.NewTypeError("expects a list of presences"))
		}
		list = append(list, h.member(o, fields...))
	}
	return list
}

// member is a presence that a script named; fields are those that it must have.
func (h *handler) member(o *goja.Object, fields ...string) *match.Presence {
	text := func(name string) string {
		if v := o.Get(name); !isNothing(v) {
			return v.String()
		}
		return ""
	}
	for _, name := range fields {
		if text(name) == "" {
			panic(h.machine.vm.NewTypeError("presence is missing '%s'", name))
		}
	}
	p := &match.Presence{Username: text("username"), Node: text("node")}
	p.UserID, _ = id.Parse(text("userId"))
	p.SessionID, _ = id.Parse(text("sessionId"))
	return p
}

func (h *handler) presence(p *match.Presence, reason bool) goja.Value {
	m := h.machine
	o := m.vm.NewObject()
	m.set(o, "userId", p.GetUserId())
	m.set(o, "sessionId", p.GetSessionId())
	m.set(o, "username", p.Username)
	m.set(o, "node", p.Node)
	if reason {
		m.set(o, "reason", int(p.Reason))
	}
	return o
}

func (h *handler) presences(list []*match.Presence) goja.Value {
	values := make([]any, len(list))
	for i, p := range list {
		values[i] = h.presence(p, true)
	}
	return h.machine.vm.NewArray(values...)
}

func (h *handler) messages(list []*match.Message) goja.Value {
	m := h.machine
	values := make([]any, len(list))
	for i, message := range list {
		o := m.vm.NewObject()
		m.set(o, "sender", h.presence(message.Presence, false))
		m.set(o, "opCode", message.OpCode)
		if len(message.Data) > 0 {
			m.set(o, "data", m.vm.NewArrayBuffer(message.Data))
		} else {
			m.set(o, "data", goja.Null())
		}
		m.set(o, "reliable", message.Reliable)
		m.set(o, "receiveTimeMs", message.ReceiveTime)
		values[i] = o
	}
	return m.vm.NewArray(values...)
}
