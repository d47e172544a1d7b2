package suite

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// faulty are modules that misbehave when they are asked to. VERSION is what answer answers, and a match's signal with its
// ticks.
var faulty = map[string]map[string]string{
	"lua": {
		"main.lua": `
local nk = require("nakama")
local function deep(n) return n + deep(n + 1) end
nk.register_rpc(function() return "VERSION" end, "answer")
nk.register_rpc(function() while true do end end, "loop")
nk.register_rpc(function() return tostring(deep(1)) end, "deep")
nk.register_rpc(function()
	local kept = {}
	while true do
		kept[#kept + 1] = string.rep("x", 100000)
		for i = 1, 2000 do end -- not faster than anybody can look
	end
end, "memory")
nk.register_rpc(function() return nk.match_create("ticker", {}) end, "match")
nk.register_rpc(function(_, id) return nk.match_signal(id, "") end, "ticks")
nk.register_req_before(function() error({ "no friends today", 9 }) end, "ListFriends")
nk.register_req_before(function() return nil .. "x" end, "ListGroups")
nk.register_req_after(function() error("after all") end, "GetAccount")
nk.register_rt_before(function() error("no status today") end, "StatusUpdate")
nk.register_rt_after(function() error("after all") end, "Ping")
`,
		"ticker.lua": `
local function same(_, _, _, state) return state end
return {
	match_init = function() return { ticks = 0 }, 30, "" end,
	match_join_attempt = function(_, _, _, state) return state, true end, match_join = same, match_leave = same, match_terminate = same,
	match_loop = function(_, _, tick, state)
		state.ticks = tick
		return state
	end,
	match_signal = function(_, _, _, state) return state, "VERSION " .. state.ticks end,
}
`,
	},
	"js": {"index.js": `
function deep(n) { return n + deep(n + 1); }
function InitModule(ctx, logger, nk, initializer) {
	initializer.registerRpc("answer", () => "VERSION");
	initializer.registerRpc("loop", () => { for (;;); });
	initializer.registerRpc("deep", () => String(deep(1)));
	initializer.registerRpc("memory", () => {
		for (const kept = []; ;) {
			kept.push("x".repeat(100000));
			for (let i = 0; i < 2000; i++); // not faster than anybody can look
		}
	});
	initializer.registerRpc("match", (ctx, logger, nk) => nk.matchCreate("ticker", {}));
	initializer.registerRpc("ticks", (ctx, logger, nk, id) => nk.matchSignal(id, ""));
	initializer.registerBeforeListFriends(() => { throw { message: "no friends today", code: 9 }; });
	initializer.registerBeforeListGroups(() => null.x);
	initializer.registerAfterGetAccount(() => { throw new Error("after all"); });
	initializer.registerRtBefore("StatusUpdate", () => { throw new Error("no status today"); });
	initializer.registerRtAfter("Ping", () => { throw new Error("after all"); });
	const same = (ctx, logger, nk, dispatcher, tick, state) => ({ state });
	initializer.registerMatch("ticker", {
		matchInit: () => ({ state: { ticks: 0 }, tickRate: 30, label: "" }),
		matchJoinAttempt: (ctx, logger, nk, dispatcher, tick, state) => ({ state, accept: true }), matchJoin: same, matchLeave: same, matchTerminate: same,
		matchLoop: (ctx, logger, nk, dispatcher, tick, state) => ({ state: { ticks: tick } }),
		matchSignal: (ctx, logger, nk, dispatcher, tick, state) => ({ state, data: "VERSION " + state.ticks }),
	});
}
`},
}

// write puts a version of a language's faulty modules into a folder.
func write(t *testing.T, root, language, version string) {
	t.Helper()
	for name, text := range faulty[language] {
		if err := os.WriteFile(filepath.Join(root, name), []byte(strings.ReplaceAll(text, "VERSION", version)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// eachFaulty runs a test for each language on the embedded store, with the first version of its modules.
func eachFaulty(t *testing.T, test func(t *testing.T, s *server, language, root string), settings ...string) {
	for language := range faulty {
		t.Run(language, func(t *testing.T) {
			root := t.TempDir()
			write(t, root, language, "1")
			test(t, start(t, "embedded", root, settings...), language, root)
		})
	}
}

// refused calls a function and gives what it fails with.
func (s *server) refused(t *testing.T, id string) string {
	t.Helper()
	status, answer := s.post(t, "/v2/rpc/"+id+"?unwrap&http_key="+httpKey, "", "")
	var told struct{ Message string }
	if err := json.Unmarshal([]byte(answer), &told); err != nil || status == http.StatusOK {
		t.Fatalf("%s: %d %s", id, status, answer)
	}
	return told.Message
}

// ticks is which version's code a match runs, and at which tick it is.
func (s *server) ticks(t *testing.T, match string) (version string, tick int) {
	t.Helper()
	version, text, _ := strings.Cut(s.rpc(t, "ticks", match), " ")
	tick, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return version, tick
}

// goesOn waits until a match has had some more ticks.
func (s *server) goesOn(t *testing.T, match string) {
	t.Helper()
	_, first := s.ticks(t, match)
	for now := first; now < first+5; _, now = s.ticks(t, match) {
	}
}

// TestCallsThatDoNotEndAreEnded: by count in Lua, by time in JavaScript, and when calls go too deep. The server answers as
// before.
func TestCallsThatDoNotEndAreEnded(t *testing.T) {
	want := map[string][2]string{
		"lua": {"the call has run too many instructions (runtime.lua_max_instructions)", "stack overflow"},
		"js":  {"the call has computed for too long (runtime.js_max_ms)", "RangeError: Maximum call stack size exceeded"},
	}
	eachFaulty(t, func(t *testing.T, s *server, language, _ string) {
		match := s.rpc(t, "match", "")
		for i, id := range []string{"loop", "deep"} {
			if got := s.refused(t, id); !strings.Contains(got, want[language][i]) {
				t.Errorf("%s: %s, want %s", id, got, want[language][i])
			}
			if got := s.rpc(t, "answer", ""); got != "1" {
				t.Errorf("after %s the answer is %s", id, got)
			}
		}
		s.goesOn(t, match)
	}, "--runtime.lua_max_instructions=1000000", "--runtime.js_max_ms=2000")
}

// TestOthersGoOnMeanwhile: while a call never ends other calls are answered and a match ticks; when its caller goes away it
// ends.
func TestOthersGoOnMeanwhile(t *testing.T) {
	eachFaulty(t, func(t *testing.T, s *server, _, _ string) {
		match := s.rpc(t, "match", "")
		ctx, leave := context.WithCancel(t.Context())
		var loops sync.WaitGroup
		for range 2 {
			loops.Go(func() { // ends with ctx
				r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/v2/rpc/loop?http_key="+httpKey, nil)
				if err != nil {
					t.Error(err)
					return
				}
				if answer, err := http.DefaultClient.Do(r); err == nil {
					answer.Body.Close()
					t.Errorf("an endless loop is answered %s", answer.Status)
				}
			})
		}
		s.goesOn(t, match)
		if got := s.rpc(t, "answer", ""); got != "1" {
			t.Errorf("meanwhile the answer is %s", got)
		}
		leave()
		loops.Wait()
		s.goesOn(t, match)
	}, "--runtime.lua_max_instructions=0", "--runtime.js_max_ms=0")
}

// TestCallsThatTakeAllMemoryAreEnded: only the guard of memory ends them here.
func TestCallsThatTakeAllMemoryAreEnded(t *testing.T) {
	eachFaulty(t, func(t *testing.T, s *server, _, _ string) {
		match := s.rpc(t, "match", "")
		if got := s.refused(t, "memory"); !strings.Contains(got, "out of memory") {
			t.Errorf("memory: %s", got)
		}
		if got := s.rpc(t, "answer", ""); got != "1" {
			t.Errorf("then the answer is %s", got)
		}
		s.goesOn(t, match)
	}, "--runtime.lua_max_instructions=0", "--runtime.js_max_ms=0", "--runtime.memory_limit_mb=256")
}

// TestHooksThatThrow: one before refuses the call, one after is not felt.
func TestHooksThatThrow(t *testing.T) {
	eachFaulty(t, func(t *testing.T, s *server, language, _ string) {
		token := "Bearer " + s.signIn(t, "ann")
		for range 2 {
			if status, answer := s.get(t, "/v2/friend", token); status != http.StatusBadRequest || !strings.Contains(answer, `"message":"no friends today"`) {
				t.Errorf("%d %s", status, answer)
			}
			if status, answer := s.get(t, "/v2/group", token); status != http.StatusInternalServerError || !strings.Contains(answer, `"code":13`) {
				t.Errorf("%d %s", status, answer)
			}
			if status, answer := s.get(t, "/v2/account", token); status != http.StatusOK {
				t.Errorf("%d %s", status, answer)
			}
		}
		ann := s.socket(t, "ann", token)
		answer := ann.ask(message{"status_update": message{"status": "here"}})
		if text, _ := answer.at("error", "message").(string); answer.at("error", "code") != 7.0 || !strings.Contains(text, "no status today") {
			t.Errorf("%v", answer)
		}
		if answer := ann.ask(message{"ping": message{}}); answer["pong"] == nil {
			t.Errorf("%v", answer)
		}
	})
}

// TestReloadUnderLoad: calls are answered by the old code or the new, and by nothing else; a match goes on with the code it
// began with; modules that do not load change nothing.
func TestReloadUnderLoad(t *testing.T) {
	eachFaulty(t, func(t *testing.T, s *server, language, root string) {
		old := s.rpc(t, "match", "")
		stop := make(chan struct{})
		var callers sync.WaitGroup
		for range 4 {
			callers.Go(func() { // ends with stop
				for last := "1"; ; {
					select {
					case <-stop:
						return
					default:
					}
					status, got := s.post(t, "/v2/rpc/answer?unwrap&http_key="+httpKey, "", "")
					if status != http.StatusOK || got < last || got > "3" {
						t.Errorf("%d %s after %s", status, got, last)
						return
					}
					last = got
				}
			})
		}
		for _, version := range []string{"2", "3"} {
			write(t, root, language, version)
			if err := s.ReloadModules(t.Context()); err != nil {
				t.Error(err)
			}
			if got := s.rpc(t, "answer", ""); got != version {
				t.Errorf("after version %s is loaded the answer is %s", version, got)
			}
		}
		write(t, root, language, `4"`) // which is no text
		if err := s.ReloadModules(t.Context()); err == nil {
			t.Error("broken modules load")
		}
		close(stop)
		callers.Wait()
		if got := s.rpc(t, "answer", ""); got != "3" {
			t.Errorf("after broken modules the answer is %s", got)
		}
		s.goesOn(t, old)
		if version, _ := s.ticks(t, old); version != "1" {
			t.Errorf("the running match has code of version %s", version)
		}
		if version, _ := s.ticks(t, s.rpc(t, "match", "")); version != "3" {
			t.Errorf("a new match has code of version %s", version)
		}
	})
}
