package lua

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	nakama "github.com/heroiclabs/nakama-common/runtime"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/proto"

	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/config"
	"github.com/skirmishgg/skirmish/services/match"
	"github.com/skirmishgg/skirmish/services/runtime"
)

// fakeNK is a nk whose functions wait, or refuse.
type fakeNK struct {
	nakama.NakamaModule
	block chan struct{}
}

func (m *fakeNK) LinkDevice(ctx context.Context, user, device string) error {
	if device == "wait" {
		<-m.block
		return nil
	}
	return errors.New("device is in use")
}

type fixture struct {
	*testing.T
	host    *runtime.Host
	nk      *fakeNK
	builder *runtime.Builder
	set     runtime.Registered
}

// load runs modules, given as name and text in turn.
func load(t *testing.T, modules ...string) (*fixture, error) {
	t.Helper()
	f := &fixture{T: t, nk: &fakeNK{block: make(chan struct{})}, builder: runtime.NewBuilder()}
	settings := &config.Config{}
	settings.Runtime.LuaReadOnlyGlobals, settings.Runtime.ReadOnlyGlobals = true, true
	settings.Runtime.LuaCallStackSize, settings.Runtime.LuaRegistrySize, settings.Runtime.LuaMaxCount = 128, 512, 4
	settings.Runtime.LuaMaxInstructions = 5_000_000
	root := t.TempDir()
	f.host = &runtime.Host{NK: f.nk, Log: slog.New(slog.DiscardHandler), Settings: settings, Node: "n1", Version: "1", Env: map[string]string{"K": "V"}, Root: root}
	var files []runtime.File
	for i := 0; i < len(modules); i += 2 {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, modules[i])), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, modules[i]), []byte(modules[i+1]), 0o644); err != nil {
			t.Fatal(err)
		}
		files = append(files, runtime.File{Root: root, Name: modules[i]})
	}
	err := New().Load(t.Context(), f.host, files, f.builder)
	f.set = f.builder.Registered()
	return f, err
}

func mustLoad(t *testing.T, modules ...string) *fixture {
	t.Helper()
	f, err := load(t, modules...)
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

const prelude = "local nk = require('nakama')\n"

func TestRPC(t *testing.T) {
	f := mustLoad(t, "main.lua", prelude+`
local n = 0
local function echo(ctx, payload) n = n + 1; return ctx.execution_mode .. ctx.env.K .. #ctx.headers .. payload .. n end
nk.register_rpc(echo, "Echo")
nk.register_rpc(function() return nil end, "nothing")
nk.register_rpc(function() return 1, "last" end, "several")
nk.register_rpc(function() return 5 end, "number")
nk.register_rpc(function() error({"no", 7}) end, "coded")
nk.register_rpc(function() error({"no", 99}) end, "clamped")
nk.register_rpc(function() error({"no"}) end, "uncoded")
nk.register_rpc(function() error("plain") end, "plain")
nk.register_rpc(function() error({message = "x"}) end, "keyed")
nk.register_rpc(function() nk.link_device("x", "y") end, "argument")
nk.register_rpc(function() local ok, err = pcall(nk.link_device, "6c8a4ac4-7a4f-4f4b-9c36-9a2b3a7d1f10", "y"); return tostring(ok) .. " " .. err end, "caught")
`)
	want := func(id, payload, text string) {
		t.Helper()
		if got, err := f.rpc(id, payload); err != nil || got != text {
			t.Errorf("%s: %q, %v, want %q", id, got, err, text)
		}
	}
	fails := func(id string, code errs.Code, text string) {
		t.Helper()
		_, err := f.rpc(id, "")
		var thrown *runtime.Thrown
		if err == nil || err.Error() != text || errors.As(err, &thrown) && thrown.Code != code {
			t.Errorf("%s: %#v, want %d %s", id, err, code, text)
		}
	}
	want("echo", "hi", "rpcV0hi1")
	want("ECHO", "hi", "rpcV0hi2")
	want("nothing", "", "")
	want("several", "", "last")
	fails("number", 0, "Runtime function returned invalid data - only allowed one return value of type String/Byte.")
	fails("coded", errs.PermissionDenied, "no")
	fails("clamped", errs.Internal, "no")
	fails("uncoded", 0, "no")
	fails("plain", 0, "plain")
	fails("argument", 0, "bad argument #1 to link_device (expects user id to be a valid identifier)")
	want("caught", "", "false main.lua:15: error linking: device is in use")
	if _, err := f.rpc("keyed", ""); err == nil || !strings.HasPrefix(err.Error(), "table: 0x") {
		t.Errorf("keyed: %v", err)
	}
}

// TestEveryCallSeesTheSameGlobals, at once and while others wait in nk.
func TestEveryCallSeesTheSameGlobals(t *testing.T) {
	f := mustLoad(t, "main.lua", prelude+`
local n = 0
nk.register_rpc(function() for _ = 1, 1000 do local m = n; n = m + 1 end; return tostring(n) end, "count")
nk.register_rpc(function() nk.link_device("6c8a4ac4-7a4f-4f4b-9c36-9a2b3a7d1f10", "wait"); return tostring(n) end, "wait")
`)
	var running sync.WaitGroup
	running.Go(func() {
		if got, err := f.rpc("wait", ""); err != nil || got == "0" {
			t.Errorf("who waited sees %s, %v", got, err)
		}
	})
	for range 16 {
		running.Go(func() {
			for range 20 {
				if _, err := f.rpc("count", ""); err != nil {
					t.Error(err)
				}
			}
		})
	}
	if got, err := f.rpc("count", ""); err != nil || got == "0" {
		t.Errorf("%s, %v", got, err)
	}
	close(f.nk.block)
	running.Wait()
}

func TestRunawayCallsEnd(t *testing.T) {
	f := mustLoad(t, "main.lua", prelude+`
nk.register_rpc(function() while true do end end, "loop")
nk.register_rpc(function() while true do pcall(function() while true do end end) end end, "stubborn")
nk.register_rpc(function() local function r(n) return 1 + r(n + 1) end; return r(1) end, "deep")
nk.register_rpc(function() return string.rep("x", 1e9) end, "large")
nk.register_rpc(function() return string.format("%999999999d", 1) end, "wide")
nk.register_rpc(function() local t = {}; for i = 1, 100 do t[i] = string.rep("x", 1e6) end; return table.concat(t) end, "concat")
nk.register_rpc(function() return string.rep("a", 2e6):match("a-a-a-a-b") end, "pattern")
nk.register_rpc(function() local t = {}; t.t = t; return nk.json_encode(t) end, "endless")
nk.register_rpc(function() return nk.json_encode({[1] = 1, [1e9] = 2}) end, "holes")
nk.register_rpc(function() return "ok" end, "well")
`)
	for id, text := range map[string]string{
		"loop": errBudget.Error(), "stubborn": errBudget.Error(), "deep": "stack overflow", "large": "resulting string is larger",
		"wide": "too wide", "concat": "resulting string is larger", "pattern": "looks through", "endless": errDepth.Error(), "holes": "too many holes",
	} {
		if _, err := f.rpc(id, ""); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v, want %s", id, err, text)
		}
		if got, err := f.rpc("well", ""); err != nil || got != "ok" {
			t.Fatalf("after %s: %q, %v", id, got, err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	f.host.Settings.Runtime.LuaMaxInstructions = 0
	if _, err := f.set.RPC["loop"](ctx, ""); err == nil {
		t.Error("a call went on after its context ended")
	}
}

func TestModules(t *testing.T) {
	f := mustLoad(t, "a/b.lua", "return {x = 1}", "a/c.lua", prelude+"nk.register_rpc(function() return tostring(require('a.b').x) end, 'x')", "z.lua", "require('a.c')")
	if got, err := f.rpc("x", ""); err != nil || got != "1" {
		t.Errorf("%s, %v", got, err)
	}
	for text, want := range map[string]string{
		"return = 1":                                "bad.lua: line:1(column:8)",
		"error('at load')":                          "bad.lua:1: at load",
		"require('nowhere')":                        "no module 'nowhere'",
		prelude + "nk.register_rpc(print, '')":      "expects rpc id",
		"io.open('x')":                              "bad.lua:1",
		"coroutine.create(print)":                   "bad.lua:1",
		prelude + "nk.run_once(function() x() end)": "error in run_once function",
	} {
		if _, err := load(t, "bad.lua", text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

// TestProtectedCalls: functions share their variables still when a call that is protected has failed, and what a failed
// call leaves behind keeps its own.
func TestProtectedCalls(t *testing.T) {
	f := mustLoad(t, "main.lua", prelude+`
local shared = 0
local function set(n) shared = n end
local function get() return shared end
local kept
local function fail()
	local mine = "mine"
	kept = function() return mine end
	error({ "failed", 3 })
end
for _, protected in ipairs({ function() return pcall(fail) end, function() return xpcall(fail, function(e) return e end) end }) do
	local ok, e = protected()
	assert(not ok and e[1] == "failed" and e[2] == 3)
	set(shared + 1)
	local a, b, c = 1, 2, 3 -- where the failed call had its variables
	assert(shared == get() and kept() == "mine", kept())
end
local late = function() return shared end
nk.register_rpc(function(_, n) set(tonumber(n)); return get() .. " " .. late() end, "set")
nk.register_rpc(function()
	local function results(...) return select("#", ...) end
	assert(results(pcall(function(...) return ... end, 1, nil, nil)) == 4)
	assert(results(xpcall(function(...) return select("#", ...) end, print)) == 2)
	assert(select(2, pcall(nil)) == "attempt to call a nil value")
	assert(select(2, pcall(setmetatable({}, { __call = function(_, x) return x end }), 7)) == 7)
	assert(select(2, xpcall(function() local x = nil + 1 end, function(e) return "handled " .. type(e) end)) == "handled string")
	local depth = 0
	local function deeper() depth = depth + 1; return pcall(deeper) end
	deeper()
	return depth > 50 and depth < 1000 and "ended" or tostring(depth)
end, "results")
`)
	for id, want := range map[string]string{"set": "5 5", "results": "ended"} {
		if got, err := f.rpc(id, "5"); err != nil || got != want {
			t.Errorf("%s: %q %v, want %s", id, got, err, want)
		}
	}
}

func TestLibraries(t *testing.T) {
	f := mustLoad(t, "main.lua", prelude+`
nk.register_rpc(function()
  assert(bit32.band(0xff, 0x0f) == 0x0f and bit32.bnot(0) == 0xffffffff and bit32.lshift(1, 31) == 0x80000000)
  assert(bit32.arshift(0x80000000, 4) == 0xf8000000 and bit32.extract(0xabcd, 4, 8) == 0xbc and bit32.replace(0, 5, 4, 4) == 0x50)
  assert(bit32.lrotate(0x80000001, 1) == 3 and bit32.btest(1, 2) == false and bit32.rshift(-1, 28) == 15)
  assert(os.time({year = 2026, month = 2, day = 28, hour = 0}) == 1772236800)
  assert(os.date("%Y-%m-%d %H:%M:%S %%", 1772236800) == "2026-02-28 00:00:00 %")
  local d = os.date("*t", 1772236800); assert(d.wday == 6 and d.yday == 59 and d.isdst == false)
  assert(math.huge < 1/0 and math.log10(1000) == 3)
  local words = {}; for w in ("a b c"):gmatch("%a") do table.insert(words, w) end; assert(#words == 3)
  assert(not io and not coroutine and not debug and not os.execute and not channel)
  goto done
  error("goto went nowhere")
  ::done::
  return nk.json_encode({list = {1, 2.5, "x"}, empty = {}, yes = true})
end, "libs")
`)
	if got, err := f.rpc("libs", ""); err != nil || got != `{"empty":{},"list":[1,2.5,"x"],"yes":true}` {
		t.Errorf("%s, %v", got, err)
	}
}

func TestHooks(t *testing.T) {
	f := mustLoad(t, "main.lua", prelude+`
nk.register_req_before(function(ctx, req) req.account.id = req.account.id .. "!"; return req end, "AuthenticateCustom")
nk.register_req_before(function(ctx, req) return nil end, "AuthenticateDevice")
nk.register_req_before(function(ctx, req) return {unknown = 1} end, "AuthenticateEmail")
nk.register_req_after(function(ctx, out, req) seen = (out and out.token or "none") .. req.account.id end, "AuthenticateCustom")
nk.register_rpc(function() return seen end, "seen")
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
	if err := f.set.After["authenticatecustom"](ctx, proto.Message(&api.Session{Token: "t"}), in); err != nil {
		t.Error(err)
	}
	if got, _ := f.rpc("seen", ""); got != "tme" {
		t.Errorf("the hook after saw %q", got)
	}
}

const counter = `
local M = {}
local made = 0
function M.match_init(ctx, params) made = made + 1; return {n = params.start, made = made}, 10, "label" end
function M.match_join_attempt(ctx, d, tick, state, p, meta)
  if meta.key == "open" then return state, true end
  return state, false, "closed to " .. p.username
end
function M.match_join(ctx, d, tick, state, joins) state.n = state.n + #joins; return state end
function M.match_leave(ctx, d, tick, state, leaves) state.reason = leaves[1].reason; return state end
function M.match_loop(ctx, d, tick, state, messages)
  for _, m in ipairs(messages) do
    if m.op_code == 1 then d.broadcast_message(2, m.data .. "!", nil, m.sender) end
    if m.op_code == 3 then error("boom") end
    if m.op_code == 4 then return nil end
    if m.op_code == 5 then while true do end end
  end
  return state
end
function M.match_terminate(ctx, d, tick, state, grace) d.match_label_update("ends in " .. grace); return state end
function M.match_signal(ctx, d, tick, state, data) return state, data .. ctx.match_id end
return M
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
	s.log = append(s.log, fmt.Sprintf("%d %s %v %s %v", op, data, to == nil, sender.Username, reliable))
	return nil
}
func (s *sent) BroadcastDeferred(int64, []byte, []*match.Presence, *match.Presence, bool) error {
	return match.ErrDeferredFull
}
func (s *sent) Kick([]*match.Presence) error   { return nil }
func (s *sent) UpdateLabel(label string) error { s.log = append(s.log, label); return nil }

func TestMatch(t *testing.T) {
	f := mustLoad(t, "counter.lua", counter)
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
	if goOn, err := say(1); !goOn || err != nil || len(d.log) != 1 || d.log[0] != "2 hi! true al true" {
		t.Error(goOn, err, d.log)
	}
	if answer, goOn, err := h.Signal(ctx, d, 2, "s"); answer != "sm1" || !goOn || err != nil {
		t.Error(answer, goOn, err)
	}
	if goOn, err := h.Terminate(ctx, d, 2, 7); !goOn || err != nil || d.log[1] != "ends in 7" {
		t.Error(goOn, err, d.log)
	}
	if got := h.State(); got != `{"made":1,"n":4,"reason":3}` {
		t.Error(got)
	}
	if goOn, err := say(3); goOn || err == nil || err.Error() != "boom" {
		t.Error(goOn, err)
	}
	if goOn, err := say(5); goOn || err == nil || !strings.Contains(err.Error(), errBudget.Error()) {
		t.Error(goOn, err)
	}
	if goOn, err := say(4); goOn || err != nil {
		t.Error(goOn, err)
	}
	if f.set.Match["nowhere"] != nil {
		t.Error("a match of no module")
	}
}
