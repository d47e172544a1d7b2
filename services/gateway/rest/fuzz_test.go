package rest

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/skirmishgg/skirmish/services/gateway/gatewaytest"
)

// FuzzRequest sends anything to every kind of rule: nothing answers 5xx but 501, and what reaches an operation is a
// message that every codec can write, with the path's values in it.
func FuzzRequest(f *testing.F) {
	f.Add("GET", "/v2/notification", "limit=5&cacheable_cursor=x", "", "")
	f.Add("GET", "/v2/user", "ids=a&ids=b&ids[c]=d&facebook_ids=%ff", "", "")
	f.Add("GET", "/v2/match", "authoritative=t&limit.value=3&query=+&min_size=1&minSize=2", "", "")
	f.Add("GET", "/v2/leaderboard/a/owner/b", "expiry=1&owner_id=c;d&%zz", "", "")
	f.Add("PUT", "/v2/group/g", "", `{"name":"n","open":true,"avatarUrl":null}`, "")
	f.Add("POST", "/v2/account/authenticate/device", "create=1&account.id=x", `{"id":"x","vars":{"a":"b"}}`, "gzip")
	f.Add("POST", "/v2/tournament/t", "", `{"score":"1","operator":2,"metadata":"{}"}junk`, "deflate")
	f.Add("POST", "/v2/event", "", `{"properties":{"a":"b"},"timestamp":"2026-01-01T00:00:00Z"}`, "")
	f.Add("POST", "/v2/rpc/echo", "unwrap&http_key=x", "\x00\xff", "")
	f.Add("POST", "/v2/rpc//..//", "", `"x"`, "gzip")
	f.Add("POST", "/v2/user", "ids=a", "ids=b&%", "form")
	f.Add("OPTIONS", "//", "", "", "")
	var seen saved
	c := gatewaytest.New(f, functions(&seen))
	token := "Bearer " + c.Token(f, al, "al", nil)
	h := New(Config{Door: c.Door, RPC: c.RPC, MaxRequestBytes: limit})
	f.Fuzz(func(t *testing.T, method, path, query, body, kind string) {
		c.Calls()
		r := &http.Request{
			Method: method, URL: &url.URL{Path: "/" + path, RawQuery: query}, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: http.Header{"Authorization": {token}, "Accept-Encoding": {kind}}, RemoteAddr: "192.0.2.1:1",
		}
		switch kind {
		case "form":
			r.Header["Content-Type"] = []string{formType}
		case "gzip", "deflate":
			r.Header["Content-Encoding"] = []string{kind}
		case "gzipped":
			r.Header["Content-Encoding"], body = []string{"gzip"}, gzipped(t, body)
		}
		sent, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Body, r.ContentLength = sent.Body, sent.ContentLength
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r.WithContext(t.Context()))
		if w.Code >= 500 && w.Code != http.StatusNotImplemented {
			if !strings.HasPrefix(strings.ToLower(path), "v2/rpc/") { // functions of the test fail on purpose
				t.Errorf("%s %q?%q: %d %s", method, path, query, w.Code, w.Body)
			}
		}
		for _, call := range c.Calls() {
			if _, err := proto.Marshal(call.In); err != nil {
				t.Errorf("%s got a message that cannot be written: %v", call.Name, err)
			}
			valid(t, call.In.ProtoReflect())
		}
	})
}

// valid checks texts, which protobuf's writer does for strings only where the syntax says so.
func valid(t *testing.T, m protoreflect.Message) {
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.IsList() || f.IsMap():
		case f.Message() != nil:
			valid(t, v.Message())
		case f.Kind() == protoreflect.StringKind && !utf8.ValidString(v.String()):
			t.Errorf("%s is no UTF-8", f.FullName())
		}
		return true
	})
}

// FuzzQuery holds the binder against net/url: it finds what is malformed where ParseQuery does, and the same values.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{"a=b&c=d", "ids=a&ids=b", "ids=%41+%zz", "a;b=c", "&&==&ids", "%69ds=x", "ids=%ff"} {
		f.Add(seed)
	}
	c := gatewaytest.New(f, nil)
	users := c.Registry.Named("GetUsers")
	table := queryTable(users.Request.Descriptor(), nil)
	ids := users.Request.Descriptor().Fields().ByName("ids")
	f.Fuzz(func(t *testing.T, query string) {
		want, wantErr := url.ParseQuery(query)
		m := users.Request.New()
		refusal := table.bind(m, query)
		if refusal != nil {
			return
		}
		if wantErr != nil {
			t.Fatalf("%q was taken, though %v", query, wantErr)
		}
		got := m.Get(ids).List()
		if strings.Contains(query, "[") || strings.Contains(strings.ToLower(query), "%5b") {
			return // an inner value counts too
		}
		if got.Len() != len(want["ids"]) {
			t.Fatalf("%q: %d ids, want %q", query, got.Len(), want["ids"])
		}
		for i, id := range want["ids"] {
			if got.Get(i).String() != id {
				t.Errorf("%q: id %d is %q, want %q", query, i, got.Get(i).String(), id)
			}
		}
	})
}
