package match

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/heroiclabs/nakama-common/rtapi"

	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/presence"
	"github.com/skirmishgg/skirmish/services/session"
)

// queues are what waits for a match's goroutine. Needs the match's mu.
//
//	input     messages of members, until the next tick; full: the newest is dropped, and counted
//	calls     members that came or went, terminate, state; full of the former: the handler is too slow, the match ends
//	attempts  sessions that want in; full: refused
//	signals   calls from outside; full: refused as busy
type queues struct {
	input    []Message
	calls    []call
	attempts []*attempt
	signals  []*signal
}

// call is one thing to tell the handler.
type call struct {
	kind      callKind
	presences []*Presence // joins and leaves
	grace     int         // terminate, in seconds
	view      chan view   // state; has room for the answer
}

type callKind uint8

const (
	callJoin callKind = iota
	callLeave
	callTerminate
	callState
)

// answerWithin is how long callers wait for a handler.
const answerWithin = 10 * time.Second

// claim says whose an attempt or a signal is: a caller that gives up and the match's goroutine race for it.
type claim struct{ state atomic.Uint32 }

const (
	waiting   = iota // in the queue, or with the handler
	answered         // the caller gets what the handler said
	abandoned        // the caller has gone; the handler is not asked any more
)

func (c *claim) settle(state uint32) bool { return c.state.CompareAndSwap(waiting, state) }
func (c *claim) gone() bool               { return c.state.Load() == abandoned }

// attempt is a session that wants in.
type attempt struct {
	claim
	conn     session.Conn
	caller   op.Caller
	metadata map[string]string
	answer   chan admission // has room for the answer
}

// admission is what became of an attempt.
type admission struct {
	others []presence.Presence // that were in the match before
	err    error
}

// signal is a call from outside.
type signal struct {
	claim
	data   string
	answer chan reply // has room for the answer
}

type reply struct {
	data string
	err  error
}

// view is a match as the console shows it.
type view struct {
	members []*rtapi.UserPresence
	tick    int64
	state   string
	err     error
}

// refuse answers whoever waits for a match that is over.
func (q *queues) refuse() {
	for _, a := range q.attempts {
		a.answer <- admission{err: ErrNotFound}
	}
	for _, s := range q.signals {
		s.answer <- reply{err: ErrMatchBusy}
	}
	for _, c := range q.calls {
		if c.view != nil {
			c.view <- view{err: ErrNoMatch}
		}
	}
}

// input queues a member's message for the next tick.
func (m *match) input(sessionID id.UUID, in *rtapi.MatchDataSend) {
	now := time.Now().UnixMilli()
	m.mu.Lock()
	defer m.mu.Unlock()
	mb := m.inside[sessionID]
	if mb == nil {
		return
	}
	if len(m.queue.input) >= m.service.c.InputMax {
		m.service.dropped.Add(1)
		return
	}
	m.queue.input = append(m.queue.input, Message{Presence: mb.presence, OpCode: in.OpCode, Data: in.Data, Reliable: in.Reliable, ReceiveTime: now})
}

// takeInput is what has come since the last tick. It is the handler's to keep: the next tick's has room of its own.
func (m *match) takeInput() []Message {
	m.mu.Lock()
	defer m.mu.Unlock()
	taken := m.queue.input
	m.queue.input = nil
	if len(taken) > 0 {
		m.queue.input = make([]Message, 0, len(taken))
	}
	return taken
}

// tell queues a call; false when the match is over. Those that come or go one after the other are one call.
func (m *match) tell(c call) bool {
	m.mu.Lock()
	ok, full := m.tellLocked(c)
	m.mu.Unlock()
	m.told(full)
	return ok
}

// tellLocked is tell with mu held; told must follow without it.
func (m *match) tellLocked(c call) (ok, full bool) {
	if m.over.Load() {
		return false, false
	}
	calls := m.queue.calls
	if n := len(calls); n > 0 && calls[n-1].kind == c.kind && len(c.presences) > 0 {
		calls[n-1].presences = append(calls[n-1].presences, c.presences...)
		return true, false
	}
	if len(calls) >= m.service.c.CallMax {
		return false, true
	}
	m.queue.calls = append(calls, c)
	return true, false
}

func (m *match) told(full bool) {
	if full {
		m.service.c.Log.Warn("match handler call processing too slow, closing match", "mid", m.name, "handler", m.handlerName)
		m.finish(EndedSlow)
		return
	}
	m.look()
}

// serve does what waits: all calls, then one attempt and one signal. It answers whether there was anything.
func (m *match) serve() (busy bool) {
	m.mu.Lock()
	calls := m.queue.calls
	m.queue.calls = nil
	var a *attempt
	if len(m.queue.attempts) > 0 {
		a, m.queue.attempts = m.queue.attempts[0], m.queue.attempts[1:]
	}
	var s *signal
	if len(m.queue.signals) > 0 {
		s, m.queue.signals = m.queue.signals[0], m.queue.signals[1:]
	}
	m.mu.Unlock()
	for i := range calls {
		m.serveCall(&calls[i])
	}
	if a != nil {
		m.serveAttempt(a)
	}
	if s != nil {
		m.serveSignal(s)
	}
	return len(calls) > 0 || a != nil || s != nil
}

func (m *match) serveCall(c *call) {
	if m.over.Load() {
		if c.view != nil {
			c.view <- view{err: ErrNoMatch}
		}
		return
	}
	switch c.kind {
	case callJoin:
		m.call("match_join", func() (bool, error) { return m.handler.Join(m.ctx, m, m.tick.Load(), c.presences) })
	case callLeave:
		m.call("match_leave", func() (bool, error) { return m.handler.Leave(m.ctx, m, m.tick.Load(), c.presences) })
	case callTerminate:
		m.call("match_terminate", func() (bool, error) { return m.handler.Terminate(m.ctx, m, m.tick.Load(), c.grace) })
	case callState:
		c.view <- m.view()
	}
}

// view asks the handler for its state, whose panic ends the match as in any other call.
func (m *match) view() (v view) {
	v.err = ErrNoMatch
	m.call("state", func() (bool, error) {
		state := m.handler.State()
		text, isText := state.(string)
		if !isText {
			text = fmt.Sprintf("%+v", state)
		}
		v = view{tick: m.tick.Load(), state: text}
		return true, nil
	})
	for _, mb := range *m.members.Load() {
		v.members = append(v.members, mb.presence.wire())
	}
	return v
}

// state waits for a view.
func (m *match) state(ctx context.Context) (members []*rtapi.UserPresence, tick int64, state string, err error) {
	answer := make(chan view, 1)
	m.mu.Lock()
	busy := len(m.queue.calls) >= m.service.c.CallMax // looking must not end a match
	if !busy && !m.over.Load() {
		m.queue.calls = append(m.queue.calls, call{kind: callState, view: answer})
	}
	over := m.over.Load()
	m.mu.Unlock()
	switch {
	case over:
		return nil, 0, "", ErrNoMatch
	case busy:
		return nil, 0, "", ErrMatchBusy
	}
	m.look()
	v, ok := await(ctx, answer)
	if !ok {
		return nil, 0, "", ErrMatchBusy
	}
	return v.members, v.tick, v.state, v.err
}

// await is the answer that comes within the time that callers wait.
func await[T any](ctx context.Context, answer chan T) (a T, ok bool) {
	timer := time.NewTimer(answerWithin)
	defer timer.Stop()
	select {
	case a = <-answer:
		return a, true
	case <-timer.C:
	case <-ctx.Done():
	}
	return a, false
}

func (m *match) terminate(graceSeconds int) { m.tell(call{kind: callTerminate, grace: graceSeconds}) }

// signal waits for the handler's answer to a call from outside.
func (m *match) signal(ctx context.Context, data string) (string, error) {
	s := &signal{data: data, answer: make(chan reply, 1)}
	m.mu.Lock()
	over, busy := m.over.Load(), len(m.queue.signals) >= m.service.c.SignalMax
	if !over && !busy {
		m.queue.signals = append(m.queue.signals, s)
	}
	m.mu.Unlock()
	switch {
	case over:
		return "", ErrNoMatch
	case busy:
		return "", ErrMatchBusy
	}
	m.look()
	r, ok := await(ctx, s.answer)
	if !ok && s.settle(abandoned) {
		return "", ErrMatchBusy
	} else if !ok {
		r = <-s.answer // it came in this moment
	}
	return r.data, r.err
}

func (m *match) serveSignal(s *signal) {
	if s.gone() {
		return
	}
	r := reply{err: ErrMatchBusy}
	if !m.over.Load() {
		var data string
		if m.call("match_signal", func() (goOn bool, err error) {
			data, goOn, err = m.handler.Signal(m.ctx, m, m.tick.Load(), s.data)
			return goOn, err
		}) {
			r = reply{data: data}
		}
	}
	if s.settle(answered) {
		s.answer <- r
	}
}

// join asks the handler for a session's way in and waits for it. Errors: ErrNotFound, ErrBusy, ErrRejected, a refusal
// with the handler's reason.
func (m *match) join(ctx context.Context, conn session.Conn, c op.Caller, metadata map[string]string) (*rtapi.Match, error) {
	p := m.service.c.Presence
	if _, ok := p.Find(m.stream, conn.ID()); ok {
		return m.joined(conn, p.List(m.stream, false)), nil
	}
	a := &attempt{conn: conn, caller: c, metadata: metadata, answer: make(chan admission, 1)}
	m.mu.Lock()
	over, busy := m.over.Load(), len(m.queue.attempts) >= m.service.c.JoinMax
	if !over && !busy {
		m.queue.attempts = append(m.queue.attempts, a)
	}
	m.mu.Unlock()
	switch {
	case over:
		return nil, ErrNotFound
	case busy:
		return nil, ErrBusy
	}
	m.look()
	ad, ok := await(ctx, a.answer)
	if !ok && a.settle(abandoned) {
		return nil, ErrRejected
	} else if !ok {
		ad = <-a.answer // it came in this moment
	}
	if ad.err != nil {
		return nil, ad.err
	}
	m.service.leaveOthers(conn, m.stream)
	return m.joined(conn, ad.others), nil
}

func (m *match) joined(conn session.Conn, before []presence.Presence) *rtapi.Match {
	out := joined(conn, m.stream, before)
	out.Authoritative, out.Label = true, labelValue(m.currentLabel())
	return out
}

// serveAttempt asks the handler and lets the session in, if it says so.
func (m *match) serveAttempt(a *attempt) {
	if a.gone() {
		return
	}
	var ad admission
	entered := false
	switch {
	case m.over.Load():
		ad.err = ErrNotFound
	case m.has(a.conn.ID()):
		ad.others = m.service.c.Presence.List(m.stream, false) // its earlier attempt was answered too late
	default:
		ad, entered = m.decide(a)
	}
	if a.settle(answered) {
		a.answer <- ad
	} else if entered {
		m.service.c.Presence.Untrack(a.conn, m.stream) // it was told no for want of an answer in time
	}
}

// decide runs the handler's JoinAttempt. What it defers is sent when the session is in, so that it is among those who
// get it.
func (m *match) decide(a *attempt) (ad admission, entered bool) {
	p := newPresence(a.conn, m.stream.Label)
	ctx := &handlerContext{Context: m.ctx.Context, match: m, caller: &a.caller, conn: a.conn}
	ad.err = ErrRejected
	m.call("match_join_attempt", func() (bool, error) {
		goOn, accept, reason, err := m.handler.JoinAttempt(ctx, m, m.tick.Load(), p, a.metadata)
		switch {
		case err != nil || !goOn:
		case accept:
			ad.others, entered = m.enter(&member{a.conn, p})
			ad.err = nil
		case reason != "":
			ad.err = errs.New(errs.PermissionDenied, reason).On(errs.MatchJoinRejected)
		}
		return goOn, err
	})
	return ad, entered
}

func (m *match) has(sessionID id.UUID) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.inside[sessionID] != nil
}

// enter makes a session a member. Its presence, its place among the members and the handler's Join come in one step, so
// that no join stays half done: a session that has ended meanwhile has left again before anybody looks, and a match that
// ends finds the presence there, or is over before it comes.
func (m *match) enter(mb *member) (others []presence.Presence, entered bool) {
	m.mu.Lock()
	ok, full := m.tellLocked(call{kind: callJoin, presences: []*Presence{mb.presence}})
	if ok {
		m.inside[mb.presence.SessionID] = mb
		list := append(append(make([]*member, 0, m.size()+1), *m.members.Load()...), mb)
		m.members.Store(&list)
		entered, others = m.service.c.Presence.Track(mb.conn, m.stream, presence.Meta{})
	}
	m.mu.Unlock()
	m.told(full)
	if ok && !entered {
		m.left(mb.presence.SessionID, presence.Disconnect)
	}
	return others, entered
}

// left takes a session out of the members: its presence has ended.
func (m *match) left(sessionID id.UUID, why presence.Reason) {
	m.mu.Lock()
	mb := m.inside[sessionID]
	if mb == nil {
		m.mu.Unlock()
		return
	}
	delete(m.inside, sessionID)
	list := make([]*member, 0, m.size())
	for _, other := range *m.members.Load() {
		if other != mb {
			list = append(list, other)
		}
	}
	m.members.Store(&list)
	gone := *mb.presence
	gone.Reason = why
	_, full := m.tellLocked(call{kind: callLeave, presences: []*Presence{&gone}})
	m.mu.Unlock()
	m.told(full)
}
