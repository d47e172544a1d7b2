package match

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	goruntime "runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/heroiclabs/nakama-common/rtapi"
	"github.com/heroiclabs/nakama-common/runtime"

	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/presence"
	"github.com/skirmishgg/skirmish/services/session"
	"github.com/skirmishgg/skirmish/services/session/sessiontest"
)

// desk is the feature with sessions around it. Tests of authoritative matches run it within synctest, where time stands
// still until everybody waits.
type desk struct {
	*sessiontest.Desk
	t        *testing.T
	presence *presence.Service
	live     *session.Live
	s        *Service
	handler  *script // of the next match
}

func newDesk(t *testing.T, change ...func(*Config)) *desk {
	d := &desk{t: t, live: session.NewLive()}
	d.presence = presence.New(presence.Config{Left: func(st presence.Stream, p presence.Presence, why presence.Reason) { d.s.Left(st, p, why) }})
	c := Config{
		Presence: d.presence, Live: d.live, Node: "node1", TokenKey: "key", Log: slog.New(slog.DiscardHandler),
		Handlers: func(name string) (func() Handler, bool) { return func() Handler { return d.handler }, name == "script" },
	}
	for _, f := range change {
		f(&c)
	}
	d.s = New(c)
	d.Desk = sessiontest.NewDesk(t, d.s.Register)
	return d
}

// conn is a session that notes how it was closed and what it was told of its matches' ends.
type conn struct {
	*sessiontest.Conn
	mu     sync.Mutex
	closed string
	ended  []Ended
}

func (c *conn) Close(reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = reason
}

func (c *conn) MatchEnded(_ string, why Ended) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = append(c.ended, why)
}

// open is a session with number n of a user with its first letter's name.
func (d *desk) open(n byte, name string) *conn {
	c := &conn{Conn: sessiontest.NewConn(id.UUID{3: n}, id.UUID{0: name[0]}, name)}
	d.live.Add(c)
	d.presence.Begin(c)
	return c
}

func (d *desk) close(c *conn) {
	d.live.Remove(c)
	d.presence.End(c)
}

// heard are the messages since the last call, in a short form: +name and -name for presences, sender>op:data for data.
func heard(c *conn) string {
	var out []string
	for _, e := range c.Take() {
		switch m := e.Message.(type) {
		case *rtapi.Envelope_MatchPresenceEvent:
			for _, p := range m.MatchPresenceEvent.Joins {
				out = append(out, "+"+p.Username)
			}
			for _, p := range m.MatchPresenceEvent.Leaves {
				out = append(out, "-"+p.Username)
			}
		case *rtapi.Envelope_MatchData:
			out = append(out, fmt.Sprintf("%s>%d:%s", m.MatchData.Presence.GetUsername(), m.MatchData.OpCode, m.MatchData.Data))
		default:
			out = append(out, fmt.Sprintf("%T", m))
		}
	}
	return strings.Join(out, " ")
}

func (d *desk) hears(c *conn, want string) {
	d.t.Helper()
	if got := heard(c); got != want {
		d.t.Errorf("%s hears %q, want %q", c.Username(), got, want)
	}
}

// shows asserts size and presences of an answer.
func (d *desk) shows(m *rtapi.Match, self *conn, size int32, others ...string) {
	d.t.Helper()
	var got []string
	for _, p := range m.Presences {
		got = append(got, p.Username)
	}
	if m.Size != size || strings.Join(got, " ") != strings.Join(others, " ") || m.Self.GetSessionId() != self.ID().String() {
		d.t.Errorf("%s gets %v, want size %d and %v", self.Username(), m, size, others)
	}
}

func (d *desk) join(c *conn, match string) *rtapi.Match {
	d.t.Helper()
	out := d.OK(c.Caller(), "MatchJoin", &rtapi.MatchJoin{Id: &rtapi.MatchJoin_MatchId{MatchId: match}})
	if out == nil {
		return &rtapi.Match{}
	}
	return out.(*rtapi.Match)
}

func (d *desk) refused(c *conn, match string, code errs.Realtime, text string) {
	d.t.Helper()
	d.RefuseOnSocket(code, text, c.Caller(), "MatchJoin", &rtapi.MatchJoin{Id: &rtapi.MatchJoin_MatchId{MatchId: match}})
}

func (d *desk) send(c *conn, match string, opCode int64, data string, to ...*conn) {
	d.t.Helper()
	in := &rtapi.MatchDataSend{MatchId: match, OpCode: opCode, Data: []byte(data), Reliable: true}
	for _, other := range to {
		in.Presences = append(in.Presences, &rtapi.UserPresence{SessionId: other.ID().String(), UserId: other.UserID().String()})
	}
	d.OK(c.Caller(), "MatchDataSend", in)
}

func TestRelayed(t *testing.T) {
	d := newDesk(t)
	ann, bob, cy := d.open(1, "ann"), d.open(2, "bob"), d.open(3, "cy")
	m := d.OK(ann.Caller(), "MatchCreate", &rtapi.MatchCreate{}).(*rtapi.Match)
	if d.shows(m, ann, 1); m.Authoritative || m.Label != nil || !strings.HasSuffix(m.MatchId, ".") || len(m.MatchId) != 37 {
		t.Errorf("created %v", m)
	}
	d.shows(d.join(bob, m.MatchId), bob, 1, "ann")
	d.shows(d.join(bob, m.MatchId), bob, 2, "ann", "bob")
	d.shows(d.join(cy, strings.ToUpper(m.MatchId)), cy, 2, "ann", "bob")
	d.hears(ann, "+ann +bob +cy")
	d.hears(bob, "+bob +cy")
	d.hears(cy, "+cy")

	d.send(ann, m.MatchId, 7, "all")
	d.send(bob, m.MatchId, 8, "one", cy)
	d.send(bob, m.MatchId, 9, "echo", bob, ann)
	d.send(d.open(4, "dan"), m.MatchId, 1, "from outside")
	d.OK(bob.Caller(), "MatchDataSend", &rtapi.MatchDataSend{MatchId: m.MatchId, Presences: []*rtapi.UserPresence{{SessionId: "?"}}})
	d.hears(ann, "bob>9:echo")
	d.hears(bob, "ann>7:all bob>9:echo")
	d.hears(cy, "ann>7:all bob>8:one")

	d.OK(cy.Caller(), "MatchLeave", &rtapi.MatchLeave{MatchId: m.MatchId})
	d.OK(cy.Caller(), "MatchLeave", &rtapi.MatchLeave{MatchId: m.MatchId})
	d.send(cy, m.MatchId, 1, "too late")
	d.close(bob)
	d.hears(ann, "-cy -bob")
	if got, _ := d.s.Get(m.MatchId); got.GetSize() != 1 || got.Authoritative {
		t.Errorf("Get answers %v", got)
	}
	d.close(ann)
	if got, err := d.s.Get(m.MatchId); got != nil || err != nil {
		t.Errorf("the empty match is %v, %v", got, err)
	}
	d.refused(cy, m.MatchId, errs.MatchNotFound, "Match not found")
	d.s.relayed.each(func(u id.UUID) bool { t.Errorf("%v is left in the listing", u); return true })
}

// Members are told in one envelope, encoded once for all of them.
func TestRelayedDataIsEncodedOnce(t *testing.T) {
	d := newDesk(t)
	ann, bob, cy := d.open(1, "ann"), d.open(2, "bob"), d.open(3, "cy")
	m := d.OK(ann.Caller(), "MatchCreate", &rtapi.MatchCreate{}).(*rtapi.Match)
	d.join(bob, m.MatchId)
	d.join(cy, m.MatchId)
	bob.Take()
	cy.Take()
	d.send(ann, m.MatchId, 1, "x")
	if bob.Shared()[0] != cy.Shared()[0] {
		t.Error("two members got two messages")
	}
}

func TestNamed(t *testing.T) {
	d := newDesk(t)
	ann, bob := d.open(1, "ann"), d.open(2, "bob")
	m := d.OK(ann.Caller(), "MatchCreate", &rtapi.MatchCreate{Name: "lobby"}).(*rtapi.Match)
	if d.shows(m, ann, 1); m.MatchId != "358c4021-7393-5e08-ae5a-059e36c15bae." {
		t.Errorf("created %s", m.MatchId)
	}
	d.shows(d.OK(bob.Caller(), "MatchCreate", &rtapi.MatchCreate{Name: "lobby"}).(*rtapi.Match), bob, 2, "ann")
	d.shows(d.OK(bob.Caller(), "MatchCreate", &rtapi.MatchCreate{Name: "lobby"}).(*rtapi.Match), bob, 2, "ann")
}

func TestJoinRefusals(t *testing.T) {
	d := newDesk(t, func(c *Config) { c.Native = func(u id.UUID) bool { return u == id.UUID{0: 9} } })
	ann := d.open(1, "ann")
	d.RefuseOnSocket(errs.BadInput, "No match ID or token found", ann.Caller(), "MatchJoin", &rtapi.MatchJoin{})
	for _, malformed := range []string{"", ".", "lobby", "lobby.node1", "00000000-0000-4000-8000-000000000000"} {
		d.refused(ann, malformed, errs.BadInput, "Invalid match ID")
		d.RefuseOnSocket(errs.BadInput, "Invalid match ID", ann.Caller(), "MatchLeave", &rtapi.MatchLeave{MatchId: malformed})
		d.RefuseOnSocket(errs.BadInput, "Invalid match ID", ann.Caller(), "MatchDataSend", &rtapi.MatchDataSend{MatchId: malformed})
		if _, err := d.s.Get(malformed); !errors.Is(err, runtime.ErrMatchIdInvalid) {
			t.Errorf("Get(%q): %v", malformed, err)
		}
	}
	const unknown = "00000000-0000-4000-8000-000000000000."
	d.refused(ann, unknown, errs.MatchNotFound, "Match not found")
	d.refused(ann, unknown+"node1", errs.MatchNotFound, "Match not found")
	d.refused(ann, unknown+"elsewhere", errs.MatchNotFound, "Match not found")
	d.refused(ann, id.UUID{0: 9}.String()+".node1", errs.MatchJoinRejected, ErrNative.Message)
	d.send(ann, unknown, 1, "nobody is told")
	d.send(ann, unknown+"node1", 1, "nobody is told")
	d.close(ann)
	if _, err := d.s.CreateRelayed(ann, ""); err == nil {
		t.Error("a session that has ended made a match")
	}
}

func TestTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		ann, bob := d.open(1, "ann"), d.open(2, "bob")
		by := func(token string) *rtapi.MatchJoin {
			return &rtapi.MatchJoin{Id: &rtapi.MatchJoin_Token{Token: token}}
		}
		token, err := d.s.NewToken()
		if err != nil {
			t.Fatal(err)
		}
		m := d.OK(ann.Caller(), "MatchJoin", by(token)).(*rtapi.Match)
		d.shows(m, ann, 0)
		d.shows(d.OK(bob.Caller(), "MatchJoin", by(token)).(*rtapi.Match), bob, 1, "ann")
		d.shows(d.OK(bob.Caller(), "MatchJoin", by(token)).(*rtapi.Match), bob, 2, "ann", "bob")
		other := New(Config{Presence: d.presence, TokenKey: "another key"})
		foreign, _ := other.NewToken()
		for _, wrong := range []string{"", "a.b.c", foreign, token[:len(token)-1],
			// {"alg":"none"} with a mid
			"eyJhbGciOiJub25lIn0.eyJleHAiOjk5OTk5OTk5OTksIm1pZCI6IjAwMDAwMDAwLTAwMDAtNDAwMC04MDAwLTAwMDAwMDAwMDAwMC4ifQ.",
			sign(t, claims{MatchID: ""}), sign(t, claims{MatchID: "lobby."}), sign(t, claims{MatchID: "00000000-0000-4000-8000-000000000000"}),
		} {
			d.RefuseOnSocket(errs.BadInput, "Invalid match token", bob.Caller(), "MatchJoin", by(wrong))
		}
		pass(TokenLife - time.Second)
		d.OK(bob.Caller(), "MatchJoin", by(token))
		pass(time.Second)
		d.RefuseOnSocket(errs.BadInput, "Invalid match token", bob.Caller(), "MatchJoin", by(token))
	})
}

func TestSingleMatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, func(c *Config) { c.SingleMatch = true })
		ann, bob := d.open(1, "ann"), d.open(2, "bob")
		first := d.OK(ann.Caller(), "MatchCreate", &rtapi.MatchCreate{}).(*rtapi.Match).MatchId
		second := d.OK(bob.Caller(), "MatchCreate", &rtapi.MatchCreate{}).(*rtapi.Match).MatchId
		d.join(bob, first)
		if got, _ := d.s.Get(second); got != nil {
			t.Error("joining did not leave the other match")
		}
		d.OK(bob.Caller(), "MatchCreate", &rtapi.MatchCreate{}) // does not
		d.hears(ann, "+ann +bob")
		d.join(bob, d.create(&script{rate: 1}))
		d.hears(ann, "-bob")
		d.s.Stop(t.Context())
	})
}

// script is a handler whose calls a test decides on; those that it leaves out go on. It writes down what it is told.
type script struct {
	rate  int
	label string
	fail  error

	attempt   func(ctx context.Context, d Dispatcher, p *Presence, metadata map[string]string) (goOn, accept bool, reason string, err error)
	joined    func(d Dispatcher, joins []*Presence) (bool, error)
	left      func(d Dispatcher, leaves []*Presence) (bool, error)
	loop      func(d Dispatcher, tick int64, messages []*Message) (bool, error)
	terminate func(d Dispatcher, grace int) (bool, error)
	answer    func(d Dispatcher, data string) (string, bool, error)
	state     any

	mu     sync.Mutex
	ctx    context.Context
	params map[string]any
	log    []string
}

func (s *script) note(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = append(s.log, fmt.Sprintf(format, args...))
}

// told is what the handler was told since the last call.
func (s *script) told() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := strings.Join(s.log, " ")
	s.log = nil
	return text
}

func (s *script) Init(ctx context.Context, params map[string]any) (int, string, error) {
	s.ctx, s.params = ctx, params
	return s.rate, s.label, s.fail
}

func (s *script) JoinAttempt(ctx context.Context, d Dispatcher, tick int64, p *Presence, metadata map[string]string) (bool, bool, string, error) {
	s.note("%d?%s", tick, p.Username)
	if s.attempt == nil {
		return true, true, "", nil
	}
	return s.attempt(ctx, d, p, metadata)
}

func (s *script) Join(_ context.Context, d Dispatcher, tick int64, joins []*Presence) (bool, error) {
	for _, p := range joins {
		s.note("%d+%s:%d", tick, p.Username, p.GetReason())
	}
	if s.joined == nil {
		return true, nil
	}
	return s.joined(d, joins)
}

func (s *script) Leave(_ context.Context, d Dispatcher, tick int64, leaves []*Presence) (bool, error) {
	for _, p := range leaves {
		s.note("%d-%s:%d", tick, p.Username, p.GetReason())
	}
	if s.left == nil {
		return true, nil
	}
	return s.left(d, leaves)
}

func (s *script) Loop(_ context.Context, d Dispatcher, tick int64, messages []*Message) (bool, error) {
	for _, m := range messages {
		s.note("%d:%s>%d:%s", tick, m.GetUsername(), m.OpCode, m.Data)
	}
	if s.loop == nil {
		return true, nil
	}
	return s.loop(d, tick, messages)
}

func (s *script) Terminate(_ context.Context, d Dispatcher, tick int64, grace int) (bool, error) {
	s.note("%d!%d", tick, grace)
	if s.terminate == nil {
		return true, nil
	}
	return s.terminate(d, grace)
}

func (s *script) Signal(_ context.Context, d Dispatcher, tick int64, data string) (string, bool, error) {
	s.note("%d~%s", tick, data)
	if s.answer == nil {
		return "re: " + data, true, nil
	}
	return s.answer(d, data)
}

func (s *script) State() any { return s.state }

func (d *desk) create(h *script) string {
	d.t.Helper()
	d.handler = h
	name, err := d.s.Create(d.t.Context(), "script", nil)
	if err != nil {
		d.t.Fatal(err)
	}
	return name
}

func (d *desk) told(h *script, want string) {
	d.t.Helper()
	synctest.Wait()
	if got := h.told(); got != want {
		d.t.Errorf("the handler is told %q, want %q", got, want)
	}
}

// pass lets time pass, and everybody do what there is to do by then.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// play runs a test within synctest, and ends what it leaves running.
func play(t *testing.T, f func(t *testing.T, d *desk), change ...func(*Config)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, change...)
		f(t, d)
		d.s.Stop(t.Context())
		if d.s.Count() != 0 || d.presence.Total() != 0 {
			t.Errorf("%d matches and %d presences are left", d.s.Count(), d.presence.Total())
		}
	})
}

func TestCreate(t *testing.T) {
	play(t, func(t *testing.T, d *desk) {
		f := func(name string, h *script, want string) {
			t.Helper()
			d.handler = h
			if _, err := d.s.Create(t.Context(), name, nil); err == nil || err.Error() != want {
				t.Errorf("%v, want %s", err, want)
			}
		}
		f("unknown", &script{}, "error creating match: not found")
		f("script", &script{rate: 1, fail: errors.New("no")}, "error creating match: no")
		f("script", &script{rate: 0}, "error creating match: MatchInit returned invalid tick rate, must be between 1 and 256")
		f("script", &script{rate: 257}, "error creating match: MatchInit returned invalid tick rate, must be between 1 and 256")
		f("script", &script{rate: 1, label: strings.Repeat("x", 2049)}, "error creating match: match label too long, must be 0-2048 bytes")
		f("script", nil, "error creating match: panic: runtime error: invalid memory address or nil pointer dereference")
		d.create(&script{rate: 1, label: strings.Repeat("x", 2048)})
		h := &script{rate: 256}
		d.handler = h
		params := map[string]any{"map": "dust", "teams": []any{int64(1), "two"}, "sub": map[string]any{"x": 1.5}}
		name, err := d.s.Create(t.Context(), "script", params)
		if err != nil || fmt.Sprint(h.params) != fmt.Sprint(params) {
			t.Errorf("params %v, %v", h.params, err)
		}
		if got, _ := d.s.Get(name); got.GetTickRate() != 256 || !got.Authoritative || got.Label == nil || got.HandlerName != "script" {
			t.Errorf("Get answers %v", got)
		}
		if _, err := d.s.Create(t.Context(), "script", map[string]any{"f": func() {}}); !errors.Is(err, runtime.ErrCannotEncodeParams) {
			t.Errorf("a function as parameter: %v", err)
		}
	})
}

func TestLife(t *testing.T) {
	play(t, func(t *testing.T, d *desk) {
		ann, bob := d.open(1, "ann"), d.open(2, "bob")
		h := &script{rate: 10, label: "first"}
		name := d.create(h)
		m := d.join(ann, name)
		if d.shows(m, ann, 0); !m.Authoritative || m.Label.GetValue() != "first" {
			t.Errorf("joined %v", m)
		}
		d.told(h, "0?ann 0+ann:0")
		d.hears(ann, "+ann")
		d.shows(d.join(bob, name), bob, 1, "ann")
		d.shows(d.join(bob, name), bob, 2, "ann", "bob")
		d.told(h, "0?bob 0+bob:0")
		d.send(ann, name, 1, "a")
		d.send(bob, name, 2, "b")
		d.send(d.open(3, "cy"), name, 3, "from outside")
		d.told(h, "")
		pass(100 * time.Millisecond)
		d.told(h, "0:ann>1:a 0:bob>2:b")
		d.hears(ann, "+bob")
		d.hears(bob, "+bob")
		pass(200 * time.Millisecond)
		d.OK(ann.Caller(), "MatchLeave", &rtapi.MatchLeave{MatchId: name})
		d.close(bob)
		d.told(h, "3-ann:3 3-bob:4")
		d.hears(ann, "")
		d.hears(bob, "-ann")
		if got, _ := d.s.Get(name); got == nil || got.Size != 0 {
			t.Errorf("left empty, it is %v", got)
		}
	})
}

func TestJoinAttempt(t *testing.T) {
	play(t, func(t *testing.T, d *desk) {
		ann := d.open(1, "ann")
		reason := "full"
		h := &script{rate: 1, attempt: func(_ context.Context, _ Dispatcher, p *Presence, metadata map[string]string) (bool, bool, string, error) {
			return true, metadata["password"] == "x", reason, nil
		}}
		name := d.create(h)
		d.refused(ann, name, errs.MatchJoinRejected, "full")
		reason = ""
		d.refused(ann, name, errs.MatchJoinRejected, "Match join rejected")
		d.OK(ann.Caller(), "MatchJoin", &rtapi.MatchJoin{Id: &rtapi.MatchJoin_MatchId{MatchId: name}, Metadata: map[string]string{"password": "x"}})
		d.told(h, "0?ann 0?ann 0?ann 0+ann:0")
	})
}

func TestContext(t *testing.T) {
	type key struct{}
	play(t, func(t *testing.T, d *desk) {
		ann := d.open(1, "ann")
		var at context.Context
		h := &script{rate: 5, label: "one", attempt: func(ctx context.Context, dis Dispatcher, _ *Presence, _ map[string]string) (bool, bool, string, error) {
			at = ctx
			return true, true, "", dis.UpdateLabel("two")
		}}
		name := d.create(h)
		f := func(ctx context.Context, k string, want any) {
			t.Helper()
			if got := ctx.Value(k); got != want {
				t.Errorf("%s is %v, want %v", k, got, want)
			}
		}
		f(h.ctx, runtime.RUNTIME_CTX_MATCH_ID, name)
		f(h.ctx, runtime.RUNTIME_CTX_MATCH_LABEL, "one")
		caller := ann.Caller()
		caller.ClientIP, caller.ClientPort, caller.Expires = "192.0.2.1", "5555", 1234
		if _, err := d.s.Join(t.Context(), ann, caller, name, nil); err != nil {
			t.Fatal(err)
		}
		f(h.ctx, runtime.RUNTIME_CTX_MATCH_LABEL, "two")
		f(h.ctx, runtime.RUNTIME_CTX_MATCH_NODE, "node1")
		f(h.ctx, runtime.RUNTIME_CTX_MATCH_TICK_RATE, 5)
		f(h.ctx, runtime.RUNTIME_CTX_USER_ID, nil)
		f(h.ctx, runtime.RUNTIME_CTX_MODE, "match")
		f(at, runtime.RUNTIME_CTX_USER_ID, ann.UserID().String())
		f(at, runtime.RUNTIME_CTX_USERNAME, "ann")
		f(at, runtime.RUNTIME_CTX_SESSION_ID, ann.ID().String())
		f(at, runtime.RUNTIME_CTX_CLIENT_IP, "192.0.2.1")
		f(at, runtime.RUNTIME_CTX_CLIENT_PORT, "5555")
		f(at, runtime.RUNTIME_CTX_USER_SESSION_EXP, int64(1234))
		f(at, runtime.RUNTIME_CTX_VARS, nil)
		f(at, runtime.RUNTIME_CTX_MATCH_ID, name)
		if h.ctx.Value(key{}) != 1 || h.ctx.Err() != nil {
			t.Error("the base context is lost, or has ended")
		}
		d.s.Stop(t.Context())
		if h.ctx.Err() == nil {
			t.Error("the context outlives its match")
		}
	}, func(c *Config) {
		c.Context = context.WithValue(mode{}, key{}, 1)
	})
}

// mode is a context that says how server code runs.
type mode struct{ context.Context }

func (mode) Deadline() (t time.Time, ok bool) { return t, false }
func (mode) Done() <-chan struct{}            { return nil }
func (mode) Err() error                       { return nil }
func (mode) Value(k any) any {
	if k == runtime.RUNTIME_CTX_MODE {
		return "match"
	}
	return nil
}

func TestDispatcher(t *testing.T) {
	play(t, func(t *testing.T, d *desk) {
		ann, bob, cy := d.open(1, "ann"), d.open(2, "bob"), d.open(3, "cy")
		acts := make(chan func(d Dispatcher), 1)
		h := &script{rate: 1, loop: func(d Dispatcher, _ int64, _ []*Message) (bool, error) {
			select {
			case act := <-acts:
				act(d)
			default:
			}
			return true, nil
		}}
		name := d.create(h)
		d.join(ann, name)
		d.join(bob, name)
		tick := func(f func(d Dispatcher)) {
			ann.Take()
			bob.Take()
			acts <- f
			pass(time.Second)
			synctest.Wait()
		}
		of := func(c *conn) *Presence { return newPresence(c, "node1") }
		tick(func(d Dispatcher) {
			_ = d.BroadcastDeferred(2, []byte("late"), nil, nil, true)
			_ = d.Broadcast(1, []byte("all"), nil, nil, true)
			_ = d.Broadcast(3, []byte("none"), []*Presence{}, nil, true)
			_ = d.Broadcast(4, []byte("from"), []*Presence{of(bob), of(cy)}, of(ann), false)
			_ = d.Broadcast(5, []byte("made"), []*Presence{{SessionID: bob.ID()}}, &Presence{Username: "x", UserID: id.UUID{1}}, false)
		})
		d.hears(ann, ">1:all >2:late")
		d.hears(bob, ">1:all ann>4:from x>5:made >2:late")
		var full error
		tick(func(d Dispatcher) {
			for range 128 {
				_ = d.BroadcastDeferred(1, nil, nil, nil, true)
			}
			full = d.BroadcastDeferred(1, nil, nil, nil, true)
		})
		if n := len(ann.Take()); n != 128 || !errors.Is(full, runtime.ErrDeferredBroadcastFull) {
			t.Errorf("%d deferred messages came, then %v", n, full)
		}
		tick(func(d Dispatcher) {
			full = d.UpdateLabel(strings.Repeat("x", 2049))
			_ = d.UpdateLabel("new")
			_ = d.Kick([]*Presence{of(bob), of(cy)})
		})
		if got, _ := d.s.Get(name); got.Label.GetValue() != "new" || got.Size != 1 || !errors.Is(full, runtime.ErrMatchLabelTooLong) {
			t.Errorf("it is %v, %v", got, full)
		}
		d.hears(ann, "-bob")
		d.hears(bob, "")
		h.told()
		d.send(bob, name, 1, "kicked")
		pass(time.Second)
		d.told(h, "")
		var kept Dispatcher
		tick(func(d Dispatcher) { kept = d })
		d.s.Stop(t.Context())
		for _, err := range []error{
			kept.Broadcast(1, nil, nil, nil, true), kept.BroadcastDeferred(1, nil, nil, nil, true), kept.Kick(nil), kept.UpdateLabel(""),
		} {
			if err == nil || err.Error() != "match stopped" {
				t.Errorf("after the end: %v", err)
			}
		}
	})
}

// Everything but go_on false disconnects the members, whatever call it came from; everybody who waits is answered.
func TestEnds(t *testing.T) {
	broken := errors.New("broken")
	f := func(name string, why Ended, disconnected bool, h *script, act func(t *testing.T, d *desk, match string)) {
		t.Run(name, func(t *testing.T) {
			play(t, func(t *testing.T, d *desk) {
				ann := d.open(1, "ann")
				h.rate = 1
				match := d.create(h)
				d.join(ann, match)
				ann.Take()
				act(t, d, match)
				synctest.Wait()
				if got, _ := d.s.Get(match); got != nil {
					t.Errorf("it goes on: %v", got)
				}
				ann.mu.Lock()
				defer ann.mu.Unlock()
				if (ann.closed == session.KickReason) != disconnected || len(ann.ended) != 1 || ann.ended[0] != why {
					t.Errorf("the member is closed with %q and told %v", ann.closed, ann.ended)
				}
				d.hears(ann, map[bool]string{false: ">1:bye", true: ""}[disconnected])
				d.send(ann, match, 1, "late")
				d.refused(ann, match, errs.MatchNotFound, "Match not found")
			})
		})
	}
	ends := func(err error) func(Dispatcher) (bool, error) {
		return func(d Dispatcher) (bool, error) {
			_ = d.BroadcastDeferred(1, []byte("bye"), nil, nil, true)
			if err != nil && err.Error() == "panic" {
				panic(err)
			}
			return false, err
		}
	}
	for _, how := range []struct {
		name string
		err  error
		why  Ended
	}{{"quietly", nil, EndedByHandler}, {"with an error", broken, EndedFailed}, {"with a panic", errors.New("panic"), EndedFailed}} {
		end := ends(how.err)
		failed := how.err != nil
		f("loop "+how.name, how.why, failed, &script{loop: func(d Dispatcher, _ int64, _ []*Message) (bool, error) { return end(d) }},
			func(*testing.T, *desk, string) { pass(time.Second) })
		first := true
		f("join attempt "+how.name, how.why, failed, &script{
			attempt: func(_ context.Context, d Dispatcher, _ *Presence, _ map[string]string) (bool, bool, string, error) {
				if first {
					first = false
					return true, true, "", nil
				}
				goOn, err := end(d)
				return goOn, true, "", err
			},
		}, func(t *testing.T, d *desk, match string) {
			d.refused(d.open(2, "bob"), match, errs.MatchJoinRejected, "Match join rejected")
		})
		f("join "+how.name, how.why, failed, &script{joined: func(d Dispatcher, joins []*Presence) (bool, error) {
			if joins[len(joins)-1].Username == "ann" {
				return true, nil
			}
			return end(d)
		}}, func(t *testing.T, d *desk, match string) {
			d.s.find(mustParse(t, match), "node1").tell(call{kind: callJoin, presences: []*Presence{{}}})
		})
		f("leave "+how.name, how.why, failed, &script{left: func(d Dispatcher, _ []*Presence) (bool, error) { return end(d) }},
			func(t *testing.T, d *desk, match string) {
				d.s.find(mustParse(t, match), "node1").tell(call{kind: callLeave, presences: []*Presence{{}}})
			})
		f("signal "+how.name, how.why, failed, &script{answer: func(d Dispatcher, _ string) (string, bool, error) {
			goOn, err := end(d)
			return "", goOn, err
		}}, func(t *testing.T, d *desk, match string) {
			if _, err := d.s.Signal(t.Context(), match, "x"); !errors.Is(err, runtime.ErrMatchBusy) {
				t.Errorf("the signaller gets %v", err)
			}
		})
		f("terminate "+how.name, how.why, failed, &script{terminate: func(d Dispatcher, _ int) (bool, error) { return end(d) }},
			func(t *testing.T, d *desk, match string) { <-d.s.Drain(5 * time.Second) })
	}
}

func mustParse(t *testing.T, match string) id.UUID {
	u, _, ok := parse(match)
	if !ok {
		t.Fatal(match)
	}
	return u
}

func TestSignalAndState(t *testing.T) {
	play(t, func(t *testing.T, d *desk) {
		h := &script{rate: 10, state: struct{ A int }{7}}
		name := d.create(h)
		if got, err := d.s.Signal(t.Context(), name, "hi"); got != "re: hi" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
		d.join(d.open(1, "ann"), name)
		pass(210 * time.Millisecond)
		members, tick, state, err := d.s.State(t.Context(), name)
		if len(members) != 1 || members[0].Username != "ann" || tick != 2 || state != "{A:7}" || err != nil {
			t.Errorf("%v, %d, %s, %v", members, tick, state, err)
		}
		h.state = "text"
		if _, _, state, _ = d.s.State(t.Context(), name); state != "text" {
			t.Error(state)
		}
		const unknown = "00000000-0000-4000-8000-000000000000.node1"
		if _, err := d.s.Signal(t.Context(), unknown, ""); !errors.Is(err, runtime.ErrMatchNotFound) {
			t.Error(err)
		}
		if _, err := d.s.Signal(t.Context(), "x", ""); !errors.Is(err, runtime.ErrMatchIdInvalid) {
			t.Error(err)
		}
		if _, _, _, err := d.s.State(t.Context(), unknown); !errors.Is(err, runtime.ErrMatchNotFound) {
			t.Error(err)
		}
	})
}

// A handler that does not return: callers are answered in time, queues stay bounded, and whoever came too late for an
// answer is not in the match.
func TestBlocked(t *testing.T) {
	play(t, func(t *testing.T, d *desk) {
		ann, bob, cy := d.open(1, "ann"), d.open(2, "bob"), d.open(3, "cy")
		var inLoop, inAttempt gate
		h := &script{rate: 1, loop: func(Dispatcher, int64, []*Message) (bool, error) {
			inLoop.pass()
			return true, nil
		}}
		h.attempt = func(context.Context, Dispatcher, *Presence, map[string]string) (bool, bool, string, error) {
			inAttempt.pass()
			return true, true, "", nil
		}
		name := d.create(h)
		d.join(ann, name)
		h.told()
		inLoop.shut()
		pass(time.Second)
		for i := range 200 {
			d.send(ann, name, int64(i), "")
		}
		if d.s.Dropped() != 200-128 {
			t.Errorf("%d messages dropped", d.s.Dropped())
		}
		start := time.Now()
		d.refused(bob, name, errs.MatchJoinRejected, "Match join rejected")
		if _, err := d.s.Signal(t.Context(), name, "x"); !errors.Is(err, runtime.ErrMatchBusy) {
			t.Error(err)
		}
		if _, _, _, err := d.s.State(t.Context(), name); !errors.Is(err, runtime.ErrMatchBusy) {
			t.Error(err)
		}
		if got := time.Since(start); got != 30*time.Second {
			t.Errorf("three callers waited %v", got)
		}
		for range 10 { // one is abandoned: its place is not
			go func() { _, _ = d.s.Signal(t.Context(), name, "y") }()
		}
		synctest.Wait()
		if _, err := d.s.Signal(t.Context(), name, "z"); !errors.Is(err, runtime.ErrMatchBusy) {
			t.Error(err)
		}
		if time.Since(start) != 30*time.Second {
			t.Error("one more signal than there is room for waited")
		}
		inAttempt.shut()
		inLoop.open()
		synctest.Wait()
		if got := h.told(); strings.Contains(got, "bob") || strings.Contains(got, "~x") || strings.Count(got, "~y") != 9 {
			t.Errorf("the handler is told %q", got)
		}
		go d.refused(cy, name, errs.MatchJoinRejected, "Match join rejected") // the handler thinks it over for too long
		pass(15 * time.Second)
		inAttempt.open()
		synctest.Wait()
		got := h.told()
		if !strings.HasSuffix(got, "+cy:0 "+tickOf(got)+"-cy:3") || d.presence.Count(d.s.find(mustParse(t, name), "node1").stream) != 1 {
			t.Errorf("the handler is told %q", got)
		}
	})
}

// gate is what a call waits at while it is shut.
type gate struct{ opened atomic.Pointer[chan bool] }

func (g *gate) shut() { c := make(chan bool); g.opened.Store(&c) }
func (g *gate) open() { close(*g.opened.Load()) }
func (g *gate) pass() {
	if c := g.opened.Load(); c != nil {
		<-*c
	}
}

// tickOf is the tick of the last thing told.
func tickOf(told string) string {
	last := told[strings.LastIndexByte(told, ' ')+1:]
	return last[:strings.IndexByte(last, '-')]
}

func TestJoinQueueFull(t *testing.T) {
	play(t, func(t *testing.T, d *desk) {
		block := make(chan bool)
		h := &script{rate: 1, loop: func(Dispatcher, int64, []*Message) (bool, error) { <-block; return true, nil }}
		name := d.create(h)
		pass(time.Second)
		for i := range 128 {
			c := d.open(byte(i), "ann")
			go func() { _, _ = d.s.Join(t.Context(), c, c.Caller(), name, nil) }()
		}
		synctest.Wait()
		d.refused(d.open(200, "bob"), name, errs.MatchJoinRejected, "Match is not currently accepting join requests")
		close(block)
		synctest.Wait()
		if got, _ := d.s.Get(name); got.GetSize() != 128 {
			t.Errorf("it is %v", got)
		}
	})
}

// What came and went while the handler was busy waits; more than there is room for ends the match, even though its
// handler does not return.
func TestTooSlow(t *testing.T) {
	play(t, func(t *testing.T, d *desk) {
		block := make(chan bool)
		ann := d.open(1, "ann")
		h := &script{rate: 1, loop: func(Dispatcher, int64, []*Message) (bool, error) { <-block; return true, nil }}
		name := d.create(h)
		d.join(ann, name)
		pass(time.Second)
		m := d.s.find(mustParse(t, name), "node1")
		for i := range 128 {
			m.tell(call{kind: callKind(i % 2), presences: []*Presence{{}}})
		}
		if d.s.Count() != 1 {
			t.Fatal("ended too early")
		}
		m.tell(call{kind: callJoin, presences: []*Presence{{}}})
		if ann.closed != session.KickReason || ann.ended[0] != EndedSlow || d.s.Count() != 0 {
			t.Errorf("closed with %q, told %v", ann.closed, ann.ended)
		}
		close(block)
	})
}

// A session that ends while the handler lets it in has been in: the handler is told of both.
func TestEndedWhileJoining(t *testing.T) {
	play(t, func(t *testing.T, d *desk) {
		ann := d.open(1, "ann")
		h := &script{rate: 1, attempt: func(context.Context, Dispatcher, *Presence, map[string]string) (bool, bool, string, error) {
			d.close(ann)
			return true, true, "", nil
		}}
		name := d.create(h)
		_, _ = d.s.Join(t.Context(), ann, ann.Caller(), name, nil)
		d.told(h, "0?ann 0+ann:0 0-ann:4")
	})
}

// A match that ends while a session comes in leaves no presence behind, whichever is first.
func TestEndsWhileSomebodyComes(t *testing.T) {
	d := newDesk(t)
	for i := range 2000 {
		c := d.open(1, "ann")
		h := &script{rate: 1}
		name := d.create(h)
		m := d.s.find(mustParse(t, name), "node1")
		var both sync.WaitGroup
		h.attempt = func(context.Context, Dispatcher, *Presence, map[string]string) (bool, bool, string, error) {
			both.Go(func() {
				for m.size() == 0 {
					goruntime.Gosched()
				}
				m.finish(EndedSlow)
			})
			return true, true, "", nil
		}
		_, _ = d.s.Join(t.Context(), c, c.Caller(), name, nil)
		both.Wait()
		d.s.running.Wait()
		if n := d.presence.Count(m.stream); n != 0 {
			t.Fatalf("match %d is over, and %d presences are in it", i, n)
		}
		d.close(c)
	}
}

func TestEmpty(t *testing.T) {
	play(t, func(t *testing.T, d *desk) {
		ann := d.open(1, "ann")
		h := &script{rate: 4}
		name := d.create(h)
		pass(2900 * time.Millisecond)
		d.join(ann, name)
		pass(time.Hour)
		d.close(ann)
		pass(2900 * time.Millisecond)
		if d.s.Count() != 1 {
			t.Error("ended too early")
		}
		pass(time.Second)
		if d.s.Count() != 0 || strings.Contains(h.told(), "!") {
			t.Error("it goes on, or was terminated")
		}
	}, func(c *Config) { c.EmptyMax = 3 * time.Second })
}

// Ticks keep their deadlines whatever they take, and one that took too long costs those it missed, and no more.
func TestDeadlines(t *testing.T) {
	play(t, func(t *testing.T, d *desk) {
		start := time.Now()
		var at []time.Duration
		d.create(&script{rate: 100, loop: func(_ Dispatcher, tick int64, _ []*Message) (bool, error) {
			at = append(at, time.Since(start))
			switch {
			case tick < 10:
				time.Sleep(7 * time.Millisecond)
			case tick == 10:
				time.Sleep(35 * time.Millisecond)
			}
			return tick < 12, nil
		}})
		pass(time.Second)
		var got []int64
		for _, a := range at {
			got = append(got, a.Milliseconds())
		}
		if want := "[10 20 30 40 50 60 70 80 90 100 110 145 150]"; fmt.Sprint(got) != want {
			t.Errorf("ticks at %v, want %s", got, want)
		}
	})
}

func TestDrainAndStop(t *testing.T) {
	play(t, func(t *testing.T, d *desk) {
		ann := d.open(1, "ann")
		quits, stays := &script{rate: 1, terminate: func(Dispatcher, int) (bool, error) { return false, nil }}, &script{rate: 1}
		d.create(quits)
		name := d.create(stays)
		d.join(ann, name)
		over := d.s.Drain(7 * time.Second)
		d.told(quits, "0!7")
		d.told(stays, "0?ann 0+ann:0 0!7")
		if d.s.Count() != 1 {
			t.Errorf("%d matches are left", d.s.Count())
		}
		if _, err := d.s.Create(t.Context(), "script", nil); err == nil {
			t.Error("a match began while the server stops")
		}
		d.send(ann, name, 1, "still")
		pass(time.Second)
		d.told(stays, "0:ann>1:still")
		select {
		case <-over:
			t.Error("over, with a match left")
		default:
		}
		ann.Take()
		d.s.Stop(t.Context())
		<-over
		if d.hears(ann, ""); ann.closed != "" || ann.ended[0] != EndedByShutdown {
			t.Errorf("closed with %q, told %v", ann.closed, ann.ended)
		}
	})
}

// Stop does not wait for ever for a handler that does not return.
func TestStopOfABlockedHandler(t *testing.T) {
	play(t, func(t *testing.T, d *desk) {
		block := make(chan bool)
		d.create(&script{rate: 1, loop: func(Dispatcher, int64, []*Message) (bool, error) { <-block; return true, nil }})
		pass(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if d.s.Stop(ctx); time.Since(start) != time.Second || d.s.Count() != 0 {
			t.Errorf("it took %v, %d matches are left", time.Since(start), d.s.Count())
		}
		close(block)
	})
}

// Many come, go, send and signal at once: nothing is lost or told twice, and nobody is left in it.
func TestCrowd(t *testing.T) {
	d := newDesk(t)
	var in, out int
	seen := map[uint64]int{} // messages by number
	h := &script{rate: 256}
	h.joined = func(_ Dispatcher, joins []*Presence) (bool, error) { in += len(joins); return true, nil }
	h.left = func(_ Dispatcher, leaves []*Presence) (bool, error) { out += len(leaves); return true, nil }
	h.loop = func(dis Dispatcher, _ int64, messages []*Message) (bool, error) {
		for _, m := range messages {
			seen[binary.BigEndian.Uint64(m.Data)]++
		}
		return true, dis.Broadcast(1, []byte("state"), nil, nil, true)
	}
	name := d.create(h)
	var crowd sync.WaitGroup
	for i := range 32 {
		crowd.Go(func() {
			for round := range 20 {
				c := d.open(byte(i), "ann")
				if _, err := d.s.Join(t.Context(), c, c.Caller(), name, nil); err != nil {
					t.Error(err)
				}
				_ = d.s.Data(c, &rtapi.MatchDataSend{MatchId: name, Data: binary.BigEndian.AppendUint64(nil, uint64(i*100+round))})
				if round%4 == 0 {
					if _, err := d.s.Signal(t.Context(), name, ""); err != nil && !errors.Is(err, ErrMatchBusy) {
						t.Error(err)
					}
				}
				if round%2 == 0 {
					_ = d.s.Leave(c, name)
				}
				d.close(c)
			}
		})
	}
	crowd.Wait()
	for range 2 { // the first empties the call queue, the second follows it
		if _, _, _, err := d.s.State(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	d.s.Stop(t.Context())
	if in != 640 || out != 640 || d.presence.Total() != 0 {
		t.Errorf("%d came, %d went, %d presences are left", in, out, d.presence.Total())
	}
	for number, times := range seen {
		if times != 1 {
			t.Errorf("message %d came %d times", number, times)
		}
	}
}

func sign(t *testing.T, c claims) string {
	t.Helper()
	c.ExpiresAt = jwt.NewNumericDate(time.Now().Add(time.Minute))
	text, err := jwt.NewWithClaims(jwt.SigningMethodHS256, c).SignedString([]byte("key"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}
