package suite

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// failing are functions that fail, or answer what they may not, each in one way.
var failing = map[string]string{
	"lua": `local nk = require("nakama")
nk.register_rpc(function() error({ "no", 5 }) end, "coded")
nk.register_rpc(function() error({ "no", 99 }) end, "beyond")
nk.register_rpc(function() error({ "no" }) end, "bare")
nk.register_rpc(function() error("no") end, "text")
nk.register_rpc(function() error({ message = "no" }) end, "keyed")
nk.register_rpc(function() nk.account_get_id("x") end, "argument")
nk.register_rpc(function() return 5 end, "number")
nk.register_rpc(function() end, "nothing")
nk.register_rpc(function() return "first", "last" end, "several")
nk.register_rpc(function(context, payload) return "[" .. payload .. "] " .. context.query_params.q[1] .. " " .. context.headers["X-Ask"][1] end, "echo")
`,
	"js": `function boom() { throw new Error("no"); }
function InitModule(ctx, logger, nk, initializer) {
	initializer.registerRpc("coded", () => { throw { message: "no", code: 5 }; });
	initializer.registerRpc("beyond", () => { throw { message: "no", code: 99 }; });
	initializer.registerRpc("text", boom);
	initializer.registerRpc("argument", (ctx, logger, nk) => { nk.accountGetId("x"); });
	initializer.registerRpc("number", () => 5);
	initializer.registerRpc("nothing", () => {});
	initializer.registerRpc("promise", async () => { await null; return "kept"; });
	initializer.registerRpc("rejected", async () => { throw { message: "no", code: 5 }; });
	initializer.registerRpc("echo", (ctx, logger, nk, payload) => "[" + payload + "] " + ctx.queryParams.q[0] + " " + ctx.headers["X-Ask"][0]);
}
`,
}

// TestWhatFunctionsAnswer: each way to fail has its status, code and text over HTTP.
func TestWhatFunctionsAnswer(t *testing.T) {
	for language, text := range failing {
		t.Run(language, func(t *testing.T) {
			root, name := t.TempDir(), map[string]string{"lua": "main.lua", "js": "index.js"}[language]
			if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			s := start(t, "embedded", root)
			f := func(id string, status int, want string) { // a regular expression between the @
				t.Helper()
				parts := strings.Split(want, "@")
				for i := 0; i < len(parts); i += 2 {
					parts[i] = regexp.QuoteMeta(parts[i])
				}
				got, answer := s.post(t, "/v2/rpc/"+id+"?http_key="+httpKey, "", "")
				answer = sorted(t, answer)
				if got != status || !regexp.MustCompile("^"+strings.Join(parts, "")+"$").MatchString(answer) {
					t.Errorf("%s: %d %s, want %d %s", id, got, answer, status, want)
				}
			}
			f("CODED", 404, `{"code":5,"error":{@.*@},"message":"no"}`)
			if status, answer := s.echo(t, "?unwrap&q=1&q=2", "raw"); status != 200 || answer != "[raw] 1 me" {
				t.Errorf("unwrapped: %d %s", status, answer)
			}
			if status, answer := s.echo(t, "?q=1", `"a \"text\""`); status != 200 || answer != `{"payload":"[a \"text\"] 1 me"}` {
				t.Errorf("wrapped: %d %s", status, answer)
			}
			if status, answer := s.echo(t, "?q=1", `{}`); status != 400 || !strings.Contains(answer, `json: cannot unmarshal object into Go value of type string`) {
				t.Errorf("not a text: %d %s", status, answer)
			}
			f("nothing", 200, `{"payload":""}`)
			f("missing", 404, `{"code":5,"error":@.*@,"message":"RPC function not found"}`)
			if language == "lua" {
				f("beyond", 500, `{"code":13,"error":{},"message":"no"}`)
				f("bare", 500, `{"code":13,"error":{},"message":"no"}`)
				f("text", 500, `{"code":13,"error":{},"message":"no"}`)
				f("keyed", 500, `{"code":13,"error":{},"message":"table: 0x@[0-9a-f]+@"}`)
				f("argument", 500, `{"code":13,"error":{},"message":"bad argument #1 to account_get_id (expects user id to be a valid identifier)"}`)
				f("number", 500, `{"code":13,"error":{},"message":"Runtime function returned invalid data - only allowed one return value of type String/Byte."}`)
				f("several", 200, `{"payload":"last"}`)
			} else {
				f("beyond", 500, `{"code":99,"error":{@.*@},"message":"no"}`)
				f("text", 500, `{"code":13,"error":{"stackTrace":"Error: no\n\tat boom (index.js:1:25(@\d+@))\n"},"message":"Error: no at boom (index.js:1:25(@\d+@))"}`)
				f("argument", 500, `{"code":13,"error":{"stackTrace":"@.*@"},"message":"TypeError: expects user id to be a valid identifier@.*@"}`)
				f("number", 500, `{"code":13,"error":{@.*@},"message":"Runtime function returned invalid data - only allowed one return value of type string."}`)
				f("promise", 200, `{"payload":"kept"}`)
				f("rejected", 404, `{"code":5,"error":{@.*@},"message":"no"}`)
			}
		})
	}
}

// sorted is a JSON object with its members in the order of their names.
func sorted(t *testing.T, text string) string {
	t.Helper()
	var m map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatal(text, err)
	}
	out, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// echo calls the function of this name with a header.
func (s *server) echo(t *testing.T, query, body string) (status int, answer string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/v2/rpc/echo"+query+"&http_key="+httpKey, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Ask", "me")
	return s.send(t, r)
}
