package rest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/gateway/gatewaytest"
	"github.com/skirmishgg/skirmish/services/rpc"
)

// scriptError is an error as a script's runtime makes it: with a code, and fields that clients may see.
type scriptError struct {
	StackTrace string `json:"stackTrace"`
	refusal    *errs.Error
}

func (e *scriptError) Error() string { return e.refusal.Message }
func (e *scriptError) Unwrap() error { return e.refusal }

// saved is what the function "echo" saw last.
type saved struct {
	caller  op.Caller
	request rpc.Request
}

func functions(seen *saved) map[string]rpc.Func {
	fail := func(err error) rpc.Func {
		return func(context.Context, op.Caller, rpc.Request) (string, error) { return "", err }
	}
	return map[string]rpc.Func{
		"echo": func(_ context.Context, c op.Caller, r rpc.Request) (string, error) {
			*seen = saved{c, r}
			return r.Payload, nil
		},
		"a/Deep/name": func(context.Context, op.Caller, rpc.Request) (string, error) { return "deep", nil },
		"plain":       fail(errors.New("plain <trouble>")),
		"refused":     fail(errs.New(errs.NotFound, "no such thing")),
		"custom":      fail(errs.New(1234, "own code")),
		"script":      fail(&scriptError{"at main.js:3", errs.New(errs.Aborted, "script says no")}),
		"panic":       func(context.Context, op.Caller, rpc.Request) (string, error) { panic("oh no") },
	}
}

func TestFunctionsOverHTTP(t *testing.T) {
	var seen saved
	s := start(t, functions(&seen))
	const key = "?http_key=http%20key"
	ok := func(a answer, want string) {
		t.Helper()
		if a.status != 200 || a.body != want || a.header.Get("Content-Type") != "application/json" || a.header.Get("Cache-Control") == "" {
			t.Errorf("%d %s %v, want %s", a.status, a.body, a.header, want)
		}
	}
	raw := func(a answer, contentType, want string) {
		t.Helper()
		if a.status != 200 || a.body != want || a.header.Get("Content-Type") != contentType {
			t.Errorf("%d %q %q, want %q %q", a.status, a.header.Get("Content-Type"), a.body, contentType, want)
		}
	}
	refused := func(a answer, status int, code errs.Code, message string) {
		t.Helper()
		want := map[string]any{"error": message, "message": message, "code": float64(code)}
		var got map[string]any
		if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.status != status || !reflect.DeepEqual(got, want) {
			t.Errorf("%d %s, want %d %v", a.status, a.body, status, want)
		}
		if a.header.Get("Www-Authenticate") != "" || a.header.Get("Grpc-Metadata-Content-Type") != "" {
			t.Errorf("headers %v", a.header)
		}
	}

	// ids
	ok(s.call("POST", "/v2/rpc/echo", `"hi"`), `{"payload":"hi"}`)
	ok(s.call("POST", "/v2/rpc/ECHO", `"hi"`), `{"payload":"hi"}`)
	ok(s.call("GET", "/v2/rpc/A/deep/Name", ""), `{"payload":"deep"}`)
	ok(s.call("GET", "/v2/rpc/a%2Fdeep%2Fname", ""), `{"payload":"deep"}`)
	refused(s.call("POST", "/v2/rpc/", ""), 400, errs.InvalidArgument, "RPC ID must be set")
	refused(s.call("POST", "/v2/rpc/nope", "{"), 404, errs.NotFound, "RPC function not found")
	refused(s.call("POST", "/v2/rpc/echo/", ""), 404, errs.NotFound, "RPC function not found")

	// credentials, before the id
	refused(s.send("POST", "/v2/rpc/", ""), 401, errs.Unauthenticated, "Auth token or HTTP key required")
	refused(s.send("POST", "/v2/rpc/echo?http_key=", ""), 401, errs.Unauthenticated, "Auth token or HTTP key required")
	refused(s.send("POST", "/v2/rpc/echo?http_key=x", ""), 401, errs.Unauthenticated, "HTTP key invalid")
	refused(s.call("POST", "/v2/rpc/echo?http_key=x", ""), 401, errs.Unauthenticated, "HTTP key invalid")
	refused(s.send("POST", "/v2/rpc/echo", "", "Authorization: Bearer x"), 401, errs.Unauthenticated, "Auth token invalid")
	refused(s.send("POST", "/v2/rpc/echo", "", "Authorization: "+serverKey), 401, errs.Unauthenticated, "HTTP key invalid")
	ok(s.send("GET", "/v2/rpc/echo"+key, "", "Authorization: Bearer expired"), `{"payload":""}`)
	if !seen.caller.UserID.IsZero() {
		t.Errorf("the key has a user: %+v", seen.caller)
	}
	ok(s.send("GET", "/v2/rpc/echo", "", "Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte(gatewaytest.HTTPKey+":"))), `{"payload":""}`)
	ok(s.call("GET", "/v2/rpc/echo", ""), `{"payload":""}`)
	if seen.caller.UserID != al {
		t.Errorf("the token has no user: %+v", seen.caller)
	}

	// payloads
	ok(s.call("POST", "/v2/rpc/echo", ``), `{"payload":""}`)
	ok(s.call("POST", "/v2/rpc/echo", `null`), `{"payload":""}`)
	ok(s.call("POST", "/v2/rpc/echo", ` "\u00e9\n\"" `), `{"payload":"é\n\""}`)
	ok(s.call("GET", "/v2/rpc/echo?payload=%22x%22&a=1&a=2"+"&http_key=http%20key", `"body"`), `{"payload":""}`)
	if q := seen.request.Query; len(q) != 2 || q["payload"][0] != `"x"` || len(q["a"]) != 2 {
		t.Errorf("query %v", q)
	}
	if h := seen.request.Headers; len(h["User-Agent"]) != 1 || h["User-Agent"][0] != "test" {
		t.Errorf("headers %v", h)
	}
	for body, text := range map[string]string{
		`{}`:    "json: cannot unmarshal object into Go value of type string",
		`[1]`:   "json: cannot unmarshal array into Go value of type string",
		`5`:     "json: cannot unmarshal number into Go value of type string",
		`true`:  "json: cannot unmarshal bool into Go value of type string",
		`"a"x`:  "invalid character 'x' after top-level value",
		`"a`:    "unexpected end of JSON input",
		`nope`:  "invalid character 'o' in literal null (expecting 'u')",
		`   `:   "unexpected end of JSON input",
		`"a" 1`: "invalid character '1' after top-level value",
	} {
		refused(s.call("POST", "/v2/rpc/echo", body), 400, errs.InvalidArgument, text)
	}
	for _, unwrap := range []string{"unwrap", "unwrap=", "unwrap=false", "unwrap=0", "x=1&unwrap=true"} {
		raw(s.call("POST", "/v2/rpc/echo?"+unwrap, `{"a":1}`, "Content-Type: application/json; charset=x"), "application/json; charset=x", `{"a":1}`)
		raw(s.call("POST", "/v2/rpc/echo?"+unwrap, "\x00\xff"), "text/plain", "\x00\xff")
	}
	ok(s.call("POST", "/v2/rpc/echo?UNWRAP", `"x"`), `{"payload":"x"}`)
	raw(s.call("GET", "/v2/rpc/echo?unwrap", `{"a":1}`), "text/plain", "")
	s.call("POST", "/v2/rpc/echo", `"x"`+strings.Repeat(" ", limit)).refused(t, "large", 400, errs.InvalidArgument, "http: request body too large")
	s.call("POST", "/v2/rpc/echo?unwrap", strings.Repeat("x", limit+1)).refused(t, "large", 400, errs.InvalidArgument, "http: request body too large")
	raw(s.call("POST", "/v2/rpc/echo?unwrap", strings.Repeat("x", limit)), "text/plain", strings.Repeat("x", limit))
	ok(s.call("POST", "/v2/rpc/echo", gzipped(t, `"x"`), "Content-Encoding: gzip"), `{"payload":"x"}`)
	refused(s.call("POST", "/v2/rpc/echo", `"x"`, "Content-Encoding: gzip"), 400, errs.InvalidArgument, "unexpected EOF")
	refused(s.call("POST", "/v2/rpc/echo", gzipped(t, strings.Repeat("x", 10*limit)), "Content-Encoding: gzip"), 429, errs.ResourceExhausted,
		fmt.Sprintf("trying to send message larger than max (%d vs. %d)", inflateMax*limit+1, limit))
}

func TestFunctionErrorsOverHTTP(t *testing.T) {
	s := start(t, functions(new(saved)))
	f := func(name string, status int, want string) {
		t.Helper()
		var got, expected any
		a := s.call("GET", "/v2/rpc/"+name, "")
		if err := errors.Join(json.Unmarshal([]byte(a.body), &got), json.Unmarshal([]byte(want), &expected)); err != nil || a.status != status || !reflect.DeepEqual(got, expected) {
			t.Errorf("%s: %d %s, want %d %s (%v)", name, a.status, a.body, status, want, err)
		}
	}
	f("plain", 500, `{"code":13,"error":{},"message":"plain <trouble>"}`)
	f("refused", 404, `{"code":5,"error":{"Message":"no such thing","Code":5},"message":"no such thing"}`)
	f("custom", 500, `{"code":1234,"error":{"Message":"own code","Code":1234},"message":"own code"}`)
	f("script", 409, `{"code":10,"error":{"stackTrace":"at main.js:3"},"message":"script says no"}`)
	f("panic", 500, `{"code":13,"error":"Internal server error.","message":"Internal server error."}`)
	if log := s.Log.String(); !strings.Contains(log, "plain <trouble>") || !strings.Contains(log, "oh no") {
		t.Errorf("log %q", log)
	}
}
