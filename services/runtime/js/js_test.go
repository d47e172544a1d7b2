package js

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	nakama "github.com/heroiclabs/nakama-common/runtime"

	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/config"
	"github.com/skirmishgg/skirmish/services/match"
	"github.com/skirmishgg/skirmish/services/runtime"
)

// fakeNK is a nk whose functions count, refuse, or wait.
type fakeNK struct {
	nakama.NakamaModule
	links int
}

func (m *fakeNK) LinkDevice(_ context.Context, _, device string) error {
	m.links++
	switch device {
	case "slow":
		time.Sleep(3 * limit / 2)
		return nil
	case "free":
		return nil
	}
	return errors.New("device is in use")
}

const limit = time.Second

type fixture struct {
	*testing.T
	host *runtime.Host
	nk   *fakeNK
	set  runtime.Registered
}

// load runs modules, given as name and text in turn.
func load(t *testing.T, machines int, modules ...string) (*fixture, error) {
	t.Helper()
	f := &fixture{T: t, nk: &fakeNK{}}
	settings := &config.Config{}
	settings.Runtime.JSReadOnlyGlobals, settings.Runtime.ReadOnlyGlobals = true, true
	settings.Runtime.JSMaxCount, settings.Runtime.JSMaxMs = machines, int(limit/time.Millisecond)
	root := t.TempDir()
	f.host = &runtime.Host{NK: f.nk, Log: slog.New(slog.DiscardHandler), Settings: settings, Node: "n1", Version: "1", Env: map[string]string{"K": "V"}, Root: root}
	var files []runtime.File
	for i := 0; i < len(modules); i += 2 {
		path := filepath.Join(root, modules[i])
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(modules[i+1]), 0o644); err != nil {
			t.Fatal(err)
		}
		files = append(files, runtime.File{Root: root, Name: modules[i]})
	}
	b := runtime.NewBuilder()
	err := New().Load(t.Context(), f.host, files, b)
	f.set = b.Registered()
	return f, err
}

func mustLoad(t *testing.T, modules ...string) *fixture {
	t.Helper()
	f, err := load(t, 4, modules...)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *fixture) rpc(id, payload string) (string, error) {
	f.Helper()
	call := f.set.RPC[strings.ToLower(id)]
	if call == nil {
		f.Fatalf("there is no function %s", id)
	}
	return call(f.host.Context(f.Context(), runtime.ModeRPC), payload)
}

func (f *fixture) want(id, payload, text string) {
	f.Helper()
	if got, err := f.rpc(id, payload); err != nil || got != text {
		f.Errorf("%s: %q, %v, want %q", id, got, err, text)
	}
}

func (f *fixture) fails(id string, code errs.Code, text string) {
	f.Helper()
	_, err := f.rpc(id, "")
	var thrown *runtime.Thrown
	if err == nil || err.Error() != text || errors.As(err, &thrown) && thrown.Code != code {
		f.Errorf("%s: %#v, want %d %s", id, err, code, text)
	}
}

const user = "6c8a4ac4-7a4f-4f4b-9c36-9a2b3a7d1f10"

func TestPlainScript(t *testing.T) {
	f := mustLoad(t, "index.js", `
function echo(ctx, logger, nk, payload) { return ctx.executionMode + ctx.env.K + payload; }
function boom() { throw new Error("boom"); }
function coded() { throw {message: "no", code: 99}; }
function errorCode() { var e = new Error("x"); e.code = 7; throw e; }
function number() { return 5; }
function nothing() {}
function argument(ctx, logger, nk) { nk.linkDevice("x", "y"); }
function refused(ctx, logger, nk) { nk.linkDevice("`+user+`", "y"); }
function caught(ctx, logger, nk) { try { refused(ctx, logger, nk); } catch (e) { return e.message; } }
const arrow = (ctx, logger, nk) => nk.binaryToString(nk.stringToBinary("é"));
function undeclared() { oops = 1; }
function frozen() { Array.prototype.map = null; }
function InitModule(ctx, logger, nk, initializer) {
  if (ctx.executionMode !== undefined || ctx.env.K !== "V") throw new Error("context");
  initializer.registerRpc("Echo", echo);
  initializer.registerRpc("boom", boom);
  for (const [name, fn] of [["coded", coded], ["errorcode", errorCode], ["number", number], ["nothing", nothing]]) initializer.registerRpc(name, fn);
  initializer.registerRpc("argument", argument); initializer.registerRpc("refused", refused); initializer.registerRpc("caught", caught);
  initializer.registerRpc("arrow", arrow); initializer.registerRpc("undeclared", undeclared); initializer.registerRpc("frozen", frozen);
  initializer.registerRpc("named", "echo");
}
`)
	f.want("echo", "hi", "rpcVhi")
	f.want("ECHO", "hi", "rpcVhi")
	f.want("named", "x", "rpcVx")
	f.want("nothing", "", "")
	f.want("arrow", "", "é")
	f.want("caught", "", "error linking: device is in use")
	f.fails("boom", 0, "Error: boom at boom (index.js:3:25(3))")
	f.fails("coded", 99, "no")
	f.fails("errorcode", 7, "Error: x at errorCode (index.js:5:32(3))")
	f.fails("number", 0, "Runtime function returned invalid data - only allowed one return value of type string.")
	for id, text := range map[string]string{
		"argument": "TypeError: expects user id to be a valid identifier at ", "refused": "GoError: error linking: device is in use at ",
	} {
		if _, err := f.rpc(id, ""); err == nil || !strings.HasPrefix(err.Error(), text) {
			t.Errorf("%s: %v", id, err)
		}
	}
	for _, id := range []string{"undeclared", "frozen"} {
		if _, err := f.rpc(id, ""); err == nil || !strings.Contains(err.Error(), "Error") {
			t.Errorf("%s: %v", id, err)
		}
	}
}

const game = `
import { greet } from "./greet";
import pkg from "words";
let count = 0;
class Counter { #n = 0; add(): number { return ++this.#n; } static make() { return new Counter(); } }
const local = Counter.make();
function InitModule(ctx: nkruntime.Context, logger: nkruntime.Logger, nk: nkruntime.Nakama, initializer: nkruntime.Initializer) {
  nk.linkDevice("` + user + `", "free");
  const seen: string = nk.uuidv4();
  initializer.registerRpc("inline", (ctx, logger, nk, payload) => greet(payload ?? "nobody") + pkg.word);
  initializer.registerRpc("same", () => seen + Math.floor(local.add() / 1000));
  for (const n of [1, 2]) initializer.registerRpc("loop" + n, () => String(n));
  initializer.registerRpc("async", async () => { await Promise.resolve(); return "later"; });
  initializer.registerRpc("rejects", async () => { throw {message: "async no", code: 5}; });
  initializer.registerRpc("pending", () => new Promise(() => {}) as any);
  initializer.registerRpc("deep", () => { fail(3); return ""; });
  async function* numbers() { yield 1; yield 2; }
  initializer.registerRpc("generator", async () => { let sum = 0; for await (const n of numbers()) sum += n; return String(sum); });
}
function fail(n: number): void {
  if (n === 0) throw new Error("at the bottom");
  fail(n - 1);
}
`

func TestTypeScript(t *testing.T) {
	f := mustLoad(t, "index.ts", game, "greet.ts", "export function greet(name: string): string { return `hello ${name} `; }",
		"node_modules/words/package.json", `{"name": "words", "main": "w.js"}`, "node_modules/words/w.js", `module.exports = {word: "world"};`)
	f.want("inline", "you", "hello you world")
	f.want("loop1", "", "1")
	f.want("loop2", "", "2")
	f.want("async", "", "later")
	f.want("generator", "", "3")
	f.fails("rejects", 5, "async no")
	f.fails("pending", 0, errPending.Error())
	if _, err := f.rpc("deep", ""); err == nil || !strings.Contains(err.Error(), "Error: at the bottom at fail (index.ts:21:") {
		t.Errorf("deep: %v", err)
	}
	// Machines made later run InitModule again, and nothing is done twice.
	first, err := f.rpc("same", "")
	if err != nil {
		t.Fatal(err)
	}
	block, blocked := make(chan struct{}), make(chan struct{})
	go func() { close(blocked); <-block }()
	<-blocked
	for range 3 { // more than one machine at once
		done := make(chan string)
		go func() { s, _ := f.rpc("same", ""); done <- s }()
		if got := <-done; got != first {
			t.Errorf("a machine has %s, another %s", got, first)
		}
	}
	close(block)
	if f.nk.links != 1 {
		t.Errorf("InitModule linked %d times", f.nk.links)
	}
}

func TestReplayOnOtherMachines(t *testing.T) {
	f := mustLoad(t, "index.ts", game, "greet.ts", "export function greet(name: string): string { return name; }",
		"node_modules/words/index.js", `module.exports = {word: "!"};`)
	h := f.set.RPC["same"]
	first, err := h(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	// A call that takes its machine away makes the next one use another.
	if _, err := f.rpc("pending", ""); err == nil {
		t.Error("a pending promise is no error")
	}
	second, err := h(t.Context(), "")
	if err != nil || first != second || f.nk.links != 1 {
		t.Errorf("%s, %s, %v, %d links", first, second, err, f.nk.links)
	}
}

func TestLoadErrors(t *testing.T) {
	for text, want := range map[string]string{
		"function InitModule(":    "index.js",
		"var x = 1;":              errNoInit.Error(),
		"throw new Error('top');": "Error: top at index.js:1:",
		"function InitModule(c, l, n, i) { i.registerRpc('', InitModule); }":         "expects an RPC ID",
		"function InitModule(c, l, n, i) { i.registerRpc('x', 5); }":                 "expects a function",
		"function InitModule(c, l, n, i) { i.registerMatch('m', {}); }":              "matchInit not found",
		"import x from 'nowhere'; export function InitModule() {}":                   "index.js:1:15: Could not resolve \"nowhere\"",
		"function InitModule(c, l, n, i) { i.registerStorageIndex('', '', '', []) }": "",
	} {
		if _, err := load(t, 1, "index.js", text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	if _, err := load(t, 1, "other.js", "nonsense("); err != nil {
		t.Errorf("a file that is no entry point: %v", err)
	}
}

func TestRunawayCallsEnd(t *testing.T) {
	f := mustLoad(t, "index.js", `
function loop() { for (;;) {} }
function stubborn() { for (;;) { try { for (;;) {} } catch (e) {} } }
function deep(n) { return deep(n + 1) + 1; }
function cycle(ctx, logger, nk) { var a = {}; a.a = a; nk.storageWrite([{collection: "c", key: "k", value: a}]); }
function slow(ctx, logger, nk) { nk.linkDevice("`+user+`", "slow"); return "not counted"; }
function well() { return "ok"; }
function InitModule(ctx, logger, nk, i) { [loop, stubborn, deep, cycle, slow, well].forEach(f => i.registerRpc(f.name, f)); }
`)
	for id, text := range map[string]string{"loop": errTime.Error(), "stubborn": errTime.Error(), "deep": "RangeError", "cycle": "cycle"} {
		if _, err := f.rpc(id, ""); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v, want %s", id, err, text)
		}
		f.want("well", "", "ok")
	}
	f.want("slow", "", "not counted")
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := f.set.RPC["loop"](ctx, ""); err == nil || !strings.Contains(err.Error(), context.DeadlineExceeded.Error()) {
		t.Errorf("a call went on after its context ended: %v", err)
	}
}

func TestHooks(t *testing.T) {
	f := mustLoad(t, "index.js", `
var seen = {text: ""};
function before(ctx, logger, nk, req) { req.account.id += "!"; return req; }
function after(ctx, logger, nk, out, req) { nk.localcachePut("seen", (out ? out.token : "none") + req.account.id); }
function InitModule(ctx, logger, nk, i) {
  i.registerBeforeAuthenticateCustom(before);
  i.registerAfterAuthenticateCustom(after);
  i.registerBeforeAuthenticateDevice(() => null);
  i.registerBeforeAuthenticateEmail(() => ({unknown: 1}));
  i.registerBeforeGetAccount(() => {});
  i.registerBeforeEvent((c, l, n, e) => e);
  i.registerRpc("seen", (c, l, nk) => nk.localcacheGet("seen"));
}
`)
	ctx := t.Context()
	in := &api.AuthenticateCustomRequest{Account: &api.AccountCustom{Id: "me"}}
	out, err := f.set.Before["authenticatecustom"](ctx, in)
	if err != nil || out.(*api.AuthenticateCustomRequest).Account.Id != "me!" || in.Account.Id != "me" {
		t.Errorf("%v, %v", out, err)
	}
	if out, err := f.set.Before["authenticatedevice"](ctx, &api.AuthenticateDeviceRequest{}); err != nil || out != nil {
		t.Errorf("%v, %v", out, err)
	}
	if _, err := f.set.Before["authenticateemail"](ctx, &api.AuthenticateEmailRequest{}); err == nil {
		t.Error("an unknown field was taken")
	}
	if err := f.set.After["authenticatecustom"](ctx, &api.Session{Token: "t"}, in); err != nil {
		t.Error(err)
	}
	f.want("seen", "", "tme")
}

const counter = `
function matchInit(ctx, logger, nk, params) { return {state: {n: params.start}, tickRate: 10, label: "label"}; }
function matchJoinAttempt(ctx, logger, nk, d, tick, state, p, meta) {
  if (meta.key === "open") return {state, accept: true};
  return {state, accept: false, rejectMessage: "closed to " + p.username};
}
function matchJoin(ctx, logger, nk, d, tick, state, joins) { state.n += joins.length; return {state}; }
function matchLeave(ctx, logger, nk, d, tick, state, leaves) { state.reason = leaves[0].reason; return {state}; }
function matchLoop(ctx, logger, nk, d, tick, state, messages) {
  for (const m of messages) {
    if (m.opCode === 1) d.broadcastMessage(2, nk.binaryToString(m.data) + "!", null, m.sender);
    if (m.opCode === 3) throw new Error("boom");
    if (m.opCode === 4) return null;
    if (m.opCode === 5) for (;;) {}
    if (m.opCode === 6) return {};
  }
  return {state};
}
function matchTerminate(ctx, logger, nk, d, tick, state, grace) { d.matchLabelUpdate("ends in " + grace); return {state}; }
function matchSignal(ctx, logger, nk, d, tick, state, data) { return {state, data: data + ctx.matchId + ctx.executionMode}; }
function InitModule(ctx, logger, nk, i) {
  i.registerMatch("counter", {matchInit, matchJoinAttempt, matchJoin, matchLeave, matchLoop, matchTerminate, matchSignal});
}
`

// inMatch is what a match's context is to its handler.
type inMatch struct{ context.Context }

func (c inMatch) Value(key any) any {
	if key == nakama.RUNTIME_CTX_MATCH_ID {
		return "m1"
	}
	return c.Context.Value(key)
}

// sent notes what a handler does.
type sent struct{ log []string }

func (s *sent) Broadcast(op int64, data []byte, to []*match.Presence, sender *match.Presence, reliable bool) error {
	s.log = append(s.log, fmt.Sprintf("%d %s %v %v %v", op, data, to == nil, sender.SessionID, reliable))
	return nil
}
func (s *sent) BroadcastDeferred(int64, []byte, []*match.Presence, *match.Presence, bool) error {
	return match.ErrDeferredFull
}
func (s *sent) Kick([]*match.Presence) error   { return nil }
func (s *sent) UpdateLabel(label string) error { s.log = append(s.log, label); return nil }

func TestMatch(t *testing.T) {
	f := mustLoad(t, "index.js", counter)
	ctx := inMatch{t.Context()}
	h := f.set.Match["counter"]()
	rate, label, err := h.Init(ctx, map[string]any{"start": int64(3)})
	if err != nil || rate != 10 || label != "label" {
		t.Fatal(rate, label, err)
	}
	d, p := &sent{}, &match.Presence{UserID: id.UUID{1}, SessionID: id.UUID{2}, Username: "al", Node: "n1", Reason: 3}
	if _, ok, why, err := h.JoinAttempt(ctx, d, 0, p, nil); ok || why != "closed to al" || err != nil {
		t.Error(ok, why, err)
	}
	if goOn, ok, _, err := h.JoinAttempt(ctx, d, 0, p, map[string]string{"key": "open"}); !goOn || !ok || err != nil {
		t.Error(goOn, ok, err)
	}
	if goOn, err := h.Join(ctx, d, 0, []*match.Presence{p}); !goOn || err != nil {
		t.Error(goOn, err)
	}
	if goOn, err := h.Leave(ctx, d, 0, []*match.Presence{p}); !goOn || err != nil {
		t.Error(goOn, err)
	}
	say := func(op int64) (bool, error) {
		return h.Loop(ctx, d, 1, []*match.Message{{Presence: p, OpCode: op, Data: []byte("hi"), Reliable: true}})
	}
	if goOn, err := say(1); !goOn || err != nil || len(d.log) != 1 || d.log[0] != "2 hi! true "+p.SessionID.String()+" true" {
		t.Error(goOn, err, d.log)
	}
	if answer, goOn, err := h.Signal(ctx, d, 2, "s"); answer != "sm15" || !goOn || err != nil {
		t.Error(answer, goOn, err)
	}
	if goOn, err := h.Terminate(ctx, d, 2, 7); !goOn || err != nil || d.log[1] != "ends in 7" {
		t.Error(goOn, err, d.log)
	}
	if got := h.State(); got != `{"n":4,"reason":3}` {
		t.Error(got)
	}
	if goOn, err := say(3); goOn || err == nil || !strings.Contains(err.Error(), "Error: boom at matchLoop (index.js:12:") {
		t.Error(goOn, err)
	}
	if goOn, err := say(6); goOn || err == nil || err.Error() != "matchLoop is expected to return an object with 'state' property" {
		t.Error(goOn, err)
	}
	if goOn, err := say(4); goOn || err != nil {
		t.Error(goOn, err)
	}
	if goOn, err := say(5); goOn || err == nil || err.Error() != errTime.Error() {
		t.Error(goOn, err)
	}
}
