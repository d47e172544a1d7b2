package rest

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/gateway/gatewaytest"
	"github.com/skirmishgg/skirmish/services/rpc"
)

// The tests send real requests to a server over the whole catalogue; what reaches an operation is written down by
// gatewaytest. Each line of a table is one documented fact.

const limit = 2000 // of bodies, in these tests

var (
	serverKey = "Basic " + base64.StdEncoding.EncodeToString([]byte(gatewaytest.ServerKey+":"))
	al        = id.UUID{1, 2, 3}
)

type server struct {
	*gatewaytest.Catalogue
	t      testing.TB
	url    string
	bearer string
	ready  error

	readyPanics bool
}

func (s *server) isReady() error {
	if s.readyPanics {
		panic("not ready at all")
	}
	return s.ready
}

func start(t testing.TB, functions map[string]rpc.Func) *server {
	t.Helper()
	s := &server{Catalogue: gatewaytest.New(t, functions), t: t}
	s.bearer = "Bearer " + s.Token(t, al, "al", nil)
	h := New(Config{
		Door: s.Door, RPC: s.RPC, MaxRequestBytes: limit, Ready: s.isReady,
		ResponseHeaders: []string{"X-Studio=skirmish", "content-type=text/html"},
		Socket: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "socket "+r.Header.Get("Upgrade"))
		}),
	})
	web := httptest.NewServer(h)
	t.Cleanup(web.Close)
	s.url = web.URL
	return s
}

var client = &http.Client{
	Transport:     &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 16},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

type answer struct {
	status int
	header http.Header
	body   string
}

// send makes a request; headers are "Name: value".
func (s *server) send(method, target, body string, headers ...string) answer {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url+target, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("User-Agent", "test")
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	res, err := client.Do(r)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, target, err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, target, err)
	}
	return answer{res.StatusCode, res.Header, string(text)}
}

// call is send with a good token.
func (s *server) call(method, target, body string, headers ...string) answer {
	s.t.Helper()
	return s.send(method, target, body, append(headers, "Authorization: "+s.bearer)...)
}

// refused checks the two fields of a failure.
func (a answer) refused(t testing.TB, what string, status int, code errs.Code, message string) {
	t.Helper()
	var got map[string]any
	err := json.Unmarshal([]byte(a.body), &got)
	want := map[string]any{"code": float64(code), "message": message}
	if err != nil || a.status != status || !reflect.DeepEqual(got, want) {
		t.Errorf("%s: %d %s, want %d %v", what, a.status, a.body, status, want)
	}
}

// reached checks the one call that an operation got.
func (s *server) reached(what, name string, want proto.Message) {
	s.t.Helper()
	calls := s.Calls()
	if len(calls) != 1 || calls[0].Name != name || (want != nil && !proto.Equal(calls[0].In, want)) {
		s.t.Errorf("%s: calls %+v, want %s %v", what, calls, name, want)
	}
}

func TestPaths(t *testing.T) {
	s := start(t, nil)
	notFound := func(method, target string) {
		t.Helper()
		a := s.send(method, target, "")
		if method == http.MethodHead {
			if a.status != 404 {
				t.Errorf("HEAD %s: %d", target, a.status)
			}
			return
		}
		a.refused(t, method+" "+target, 404, errs.NotFound, "Not Found")
	}
	wrongMethod := func(method, target string) {
		t.Helper()
		a := s.send(method, target, "")
		if method == http.MethodHead {
			if a.status != 501 {
				t.Errorf("HEAD %s: %d", target, a.status)
			}
			return
		}
		a.refused(t, method+" "+target, 501, errs.Unimplemented, "Method Not Allowed")
	}
	redirected := func(target, want string) {
		t.Helper()
		if a := s.send("GET", target, ""); a.status != 301 || a.header.Get("Location") != want {
			t.Errorf("%s: %d to %q, want %q", target, a.status, a.header.Get("Location"), want)
		}
	}
	if a := s.send("GET", "/", ""); a.status != 200 || a.body != "" || a.header.Get("Cache-Control") != "" {
		t.Errorf("GET /: %+v", a)
	}
	notFound("POST", "/")
	notFound("HEAD", "/")
	notFound("GET", "/nope")
	notFound("GET", "/v2")
	notFound("GET", "/v2/account/")
	notFound("GET", "/v2/account/nope")
	notFound("GET", "/v2/rpc")
	notFound("POST", "/ws")
	notFound("GET", "/healthcheck/")
	wrongMethod("HEAD", "/v2/account")
	wrongMethod("PATCH", "/v2/account")
	wrongMethod("POST", "/v2/account")
	wrongMethod("HEAD", "/healthcheck")
	wrongMethod("PUT", "/v2/rpc/x")
	wrongMethod("DELETE", "/v2/rpc/a/b")
	wrongMethod("HEAD", "/v2/rpc/")
	wrongMethod("NONSENSE", "/v2/storage")
	wrongMethod("PUT", "/livez")
	redirected("//v2/account", "/v2/account")
	redirected("/v2//account?x=1&y=%20", "/v2/account?x=1&y=%20")
	redirected("/v2/./account", "/v2/account")
	redirected("/v2/user/../account/", "/v2/account/")
	redirected("/%2e%2e//evil", "/evil")
	redirected("/v2/rpc//x", "/v2/rpc/x")

	notFound("GET", "/v2/leaderboard/a%2Fb")
	s.call("GET", "/v2/leaderboard/a%2Fowner%2Fc", "")
	s.reached("encoded slashes", "ListLeaderboardRecordsAroundOwner", &api.ListLeaderboardRecordsAroundOwnerRequest{LeaderboardId: "a", OwnerId: "c"})
	s.call("GET", "/v2/leaderboard/a:b%20c", "")
	s.reached("colon and blank", "ListLeaderboardRecords", &api.ListLeaderboardRecordsRequest{LeaderboardId: "a:b c"})
	// A literal segment goes before a value, where its method is the one asked for.
	s.call("PUT", "/v2/storage/delete", "{}")
	s.reached("literal", "DeleteStorageObjects", nil)
	s.call("GET", "/v2/storage/delete", "")
	s.reached("value", "ListStorageObjects", &api.ListStorageObjectsRequest{Collection: "delete"})
	s.call("GET", "/v2/iap/subscription/apple", "")
	s.reached("value", "GetSubscription", &api.GetSubscriptionRequest{ProductId: "apple"})
	wrongMethod("PUT", "/v2/iap/subscription/apple")
}

func TestEveryRuleLeadsToItsOperation(t *testing.T) {
	s := start(t, nil)
	rules := 0
	for _, e := range s.Registry.Entries() {
		for _, rule := range e.Spec.HTTP {
			method, path, _, _ := op.SplitHTTP(rule)
			rules++
			switch e.Spec.Name {
			case "RpcFunc", "Healthcheck":
				continue
			}
			path = strings.NewReplacer("{", "x", "}", "x").Replace(path)
			credentials := "Authorization: " + s.bearer
			if e.Spec.Auth == op.ServerKey {
				credentials = "Authorization: " + serverKey
			}
			if a := s.send(method, path, "", credentials); a.status != 200 || a.body != "{}" {
				t.Errorf("%s: %+v", rule, a)
			}
			s.reached(rule, e.Spec.Name, nil)
		}
	}
	if rules < 88 {
		t.Errorf("%d rules", rules)
	}
}

func TestHeaders(t *testing.T) {
	s := start(t, nil)
	f := func(what string, a answer, want map[string]string) {
		t.Helper()
		for name, value := range want {
			if got := a.header.Get(name); got != value {
				t.Errorf("%s: %s is %q, want %q", what, name, got, value)
			}
		}
	}
	common := map[string]string{
		"Cache-Control": "no-store, no-cache, must-revalidate", "Vary": "Accept-Encoding", "X-Studio": "skirmish",
		"Grpc-Metadata-Content-Type": "", "Www-Authenticate": "", "Content-Encoding": "",
	}
	with := func(pairs ...string) map[string]string {
		m := map[string]string{}
		for k, v := range common {
			m[k] = v
		}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = pairs[i+1]
		}
		return m
	}
	js := []string{"Content-Type", "application/json"}
	f("success", s.call("GET", "/v2/account", ""), with(append(js, "Grpc-Metadata-Content-Type", "application/grpc")...))
	f("no credentials", s.send("GET", "/v2/account", ""), with(append(js, "Www-Authenticate", "Auth token required")...))
	f("unknown path", s.send("GET", "/nope", ""), with(js...))
	f("RPC refused", s.send("GET", "/v2/rpc/x", ""), with(js...))
	s.Answer(func(context.Context, op.Caller, proto.Message) (proto.Message, error) {
		return nil, errs.New(errs.Internal, "two\r\nlines: \"<é>\"")
	})
	a := s.call("GET", "/v2/account", "")
	f("failure", a, with(js...))
	a.refused(t, "failure", 500, errs.Internal, "two\r\nlines: \"<é>\"")
	if got := s.send("GET", "/", "").header.Get("X-Studio"); got != "skirmish" {
		t.Errorf("/ has X-Studio %q", got)
	}
}

func TestHealth(t *testing.T) {
	s := start(t, nil)
	f := func(target, header string) {
		t.Helper()
		if a := s.send("GET", target, "", header); a.status != 200 || a.body != "{}" {
			t.Errorf("%s: %+v", target, a)
		}
	}
	f("/healthcheck", "X: y")
	f("/healthcheck", "Authorization: Bearer nonsense")
	f("/livez", "X: y")
	f("/readyz", "X: y")
	s.ready = errs.New(errs.FailedPrecondition, "Shutting down.")
	s.send("GET", "/readyz", "").refused(t, "draining", 503, errs.Unavailable, "Shutting down.")
	s.ready = errors.New("dial 10.0.0.7: refused")
	s.send("GET", "/readyz", "").refused(t, "trouble", 503, errs.Unavailable, "Internal server error.")
	f("/livez", "X: y")
	if a := s.send("HEAD", "/livez", ""); a.status != 200 {
		t.Errorf("HEAD /livez: %d", a.status)
	}
	if a := s.send("GET", "/ws", "", "Upgrade: websocket"); a.body != "socket websocket" {
		t.Errorf("/ws: %+v", a)
	}
}

func TestMethodOverride(t *testing.T) {
	s := start(t, nil)
	const form = "Content-Type: application/x-www-form-urlencoded"
	auth := "Authorization: " + s.bearer
	s.send("POST", "/v2/user?ids=b", "ids=a", form, auth, "X-HTTP-Method-Override: get")
	s.reached("override", "GetUsers", &api.GetUsersRequest{Ids: []string{"a", "b"}})
	s.send("POST", "/v2/user", "ids=a", form, auth)
	s.reached("a form where there is only GET", "GetUsers", &api.GetUsersRequest{Ids: []string{"a"}})
	s.send("POST", "/v2/user", "", auth, "X-HTTP-Method-Override: GET").refused(t, "override of no form", 501, errs.Unimplemented, "Method Not Allowed")
	s.send("POST", "/v2/account", "", form, auth, "X-HTTP-Method-Override: DELETE")
	s.reached("override", "DeleteAccount", nil)
	s.send("POST", "/v2/account", "", form, auth, "X-HTTP-Method-Override: PATCH").refused(t, "bad override", 501, errs.Unimplemented, "Method Not Allowed")
	s.send("POST", "/v2/user", strings.Repeat("x", limit+1), form, auth).refused(t, "long form", 400, errs.InvalidArgument, "http: request body too large")
	s.send("POST", "/v2/storage", `{"object_ids":[{"key":"k"}]}`, form, auth)
	s.reached("JSON that calls itself a form", "ReadStorageObjects", &api.ReadStorageObjectsRequest{ObjectIds: []*api.ReadStorageObjectId{{Key: "k"}}})
}

func TestQuery(t *testing.T) {
	s := start(t, nil)
	notifications := func(query string, want *api.ListNotificationsRequest) {
		t.Helper()
		if a := s.call("GET", "/v2/notification?"+query, ""); a.status != 200 {
			t.Errorf("%s: %+v", query, a)
		}
		s.reached(query, "ListNotifications", want)
	}
	refused := func(target, message string) {
		t.Helper()
		s.call("GET", target, "").refused(t, target, 400, errs.InvalidArgument, message)
		if calls := s.Calls(); len(calls) != 0 {
			t.Errorf("%s reached %s", target, calls[0].Name)
		}
	}
	five := &api.ListNotificationsRequest{Limit: wrapperspb.Int32(5)}
	cursor := &api.ListNotificationsRequest{CacheableCursor: "a b"}
	notifications("limit=5", five)
	notifications("limit=%2B5", five)
	notifications("limit=005", five)
	notifications("limit.value=5", five)
	notifications("limit=0", &api.ListNotificationsRequest{Limit: wrapperspb.Int32(0)})
	notifications("cacheable_cursor=a%20b", cursor)
	notifications("cacheableCursor=a+b", cursor)
	notifications("cacheable_cursor=", &api.ListNotificationsRequest{})
	notifications("nope=1&nope=2&&=&limit=5&x.y=3&limit.nope=1", five)
	notifications("LIMIT=7&Limit=8", &api.ListNotificationsRequest{})

	const field = `parsing field "limit": strconv.ParseInt: parsing `
	refused("/v2/notification?limit=1.0", field+`"1.0": invalid syntax`)
	refused("/v2/notification?limit=", field+`"": invalid syntax`)
	refused("/v2/notification?limit", field+`"": invalid syntax`)
	refused("/v2/notification?limit=+1", field+`" 1": invalid syntax`)
	refused("/v2/notification?limit=1e0", field+`"1e0": invalid syntax`)
	refused("/v2/notification?limit=0x1", field+`"0x1": invalid syntax`)
	refused("/v2/notification?limit=2147483648", field+`"2147483648": value out of range`)
	refused("/v2/notification?limit=1&limit=2", `too many values for field "limit": 1, 2`)
	refused("/v2/notification?limit=1&x=3&limit=2&limit=3", `too many values for field "limit": 1, 2, 3`)
	refused("/v2/notification?cacheable_cursor=1&cacheableCursor=2", `too many values for field "cacheable_cursor": 1, 2`)
	refused("/v2/notification?limit.value=1&limit.value=2", `too many values for field "value": 1, 2`)
	refused("/v2/notification?limit[a]=1", `too many values for field "limit": a, 1`)
	refused("/v2/notification?cacheable_cursor.x=1", `invalid path: "cacheable_cursor" is not a message`)
	refused("/v2/notification?x=%zz", `invalid URL escape "%zz"`)
	refused("/v2/notification?%zz=x", `invalid URL escape "%zz"`)
	refused("/v2/notification?a;b=1", "invalid semicolon separator in query")
	refused("/v2/notification?cacheable_cursor=%ff", `parsing field "cacheable_cursor": invalid UTF-8`)
	refused("/v2/user?ids=%ff", `parsing list "ids": invalid UTF-8`)
	refused("/v2/leaderboard/%ff", `parsing field "leaderboard_id": invalid UTF-8`)

	s.call("GET", "/v2/user?ids=a&ids=b,c&usernames=x&facebookIds=f&ids[d]=e", "")
	s.reached("repeated", "GetUsers", &api.GetUsersRequest{Ids: []string{"a", "b,c", "d", "e"}, Usernames: []string{"x"}, FacebookIds: []string{"f"}})

	for _, yes := range []string{"1", "t", "T", "TRUE", "true", "True"} {
		s.call("GET", "/v2/match?authoritative="+yes, "")
		s.reached(yes, "ListMatches", &api.ListMatchesRequest{Authoritative: wrapperspb.Bool(true)})
	}
	for _, no := range []string{"0", "f", "F", "FALSE", "false", "False"} {
		s.call("GET", "/v2/match?authoritative="+no+"&label=", "")
		s.reached(no, "ListMatches", &api.ListMatchesRequest{Authoritative: wrapperspb.Bool(false), Label: wrapperspb.String("")})
	}
	refused("/v2/match?authoritative=yes", `parsing field "authoritative": strconv.ParseBool: parsing "yes": invalid syntax`)

	// The query fills what path and body leave.
	s.call("GET", "/v2/storage/saves?collection=other&user_id=u&userId=", "").refused(t, "twice", 400, errs.InvalidArgument, `too many values for field "user_id": u, `)
	s.call("GET", "/v2/storage/saves/me?collection=other&user_id=u&limit=3", "")
	s.reached("path goes first", "ListStorageObjects", &api.ListStorageObjectsRequest{Collection: "saves", UserId: "me", Limit: wrapperspb.Int32(3)})
	s.send("POST", "/v2/account/authenticate/device?create=false&username=al&account.id=other", `{"id":"d"}`, "Authorization: "+serverKey)
	s.reached("body field", "AuthenticateDevice", &api.AuthenticateDeviceRequest{Account: &api.AccountDevice{Id: "d"}, Create: wrapperspb.Bool(false), Username: "al"})
	// Where no field is left for it, the query is not even parsed.
	s.call("GET", "/v2/account?%zz;", "")
	s.reached("no query", "GetAccount", nil)
	s.call("PUT", "/v2/account?username=x&%zz", `{"username":"al"}`)
	s.reached("whole body", "UpdateAccount", &api.UpdateAccountRequest{Username: wrapperspb.String("al")})
}

func TestBody(t *testing.T) {
	s := start(t, nil)
	ok := func(body string, want *api.UpdateGroupRequest, headers ...string) {
		t.Helper()
		if a := s.call("PUT", "/v2/group/g", body, headers...); a.status != 200 || a.body != "{}" {
			t.Errorf("%.80q: %+v", body, a)
		}
		want.GroupId = "g"
		s.reached(fmt.Sprintf("%.80q", body), "UpdateGroup", want)
	}
	refused := func(body string, code errs.Code, message string, headers ...string) {
		t.Helper()
		// Bodies are read before credentials are looked at.
		s.send("PUT", "/v2/group/g", body, headers...).refused(t, fmt.Sprintf("%.80q", body), code.HTTP(), code, message)
	}
	name := func() *api.UpdateGroupRequest { return &api.UpdateGroupRequest{Name: wrapperspb.String("n")} }
	ok(`{"name":"n"}`, name())
	ok(`{"name":"n","group_id":"other"}`, name())
	ok(`{"name":"n"}`, name(), "Content-Type: text/plain", "Accept: text/html")
	ok(`{"name":"n"} junk`, name())
	ok(``, &api.UpdateGroupRequest{})
	ok(`{"langTag":"en","nope":[1]}`, &api.UpdateGroupRequest{LangTag: wrapperspb.String("en")})
	refused(`null`, errs.InvalidArgument, "proto: syntax error (line 1:1): unexpected token null")
	refused(`nope`, errs.InvalidArgument, "invalid character 'o' in literal null (expecting 'u')")
	refused(`{`, errs.InvalidArgument, "unexpected EOF")
	refused(`{"name":5}`, errs.InvalidArgument, "proto: (line 1:9): invalid value for string field value: 5")
	refused("{\"name\":\"\xff\"}", errs.InvalidArgument, "proto: syntax error (line 1:9): invalid UTF-8 in string")

	// The limit counts up to the end of the first value.
	value := func(n int) string { return `{"name":"` + strings.Repeat("n", n-len(`{"name":""}`)) + `"}` }
	long := func(n int) *api.UpdateGroupRequest {
		return &api.UpdateGroupRequest{Name: wrapperspb.String(strings.Repeat("n", n-len(`{"name":""}`)))}
	}
	ok(value(limit), long(limit))
	ok(value(limit)+strings.Repeat(" ", limit), long(limit))
	ok(`{"name":"n"}`+strings.Repeat("junk", limit), name())
	refused(value(limit+1), errs.InvalidArgument, "http: request body too large")
	refused(value(100*limit), errs.InvalidArgument, "http: request body too large")
	refused(strings.Repeat(" ", limit+1)+"{}", errs.InvalidArgument, "http: request body too large")
	refused("nope"+strings.Repeat(" ", limit), errs.InvalidArgument, "invalid character 'o' in literal null (expecting 'u')")

	// Where the message has no body, it is not read.
	if a := s.call("POST", "/v2/friend?ids=a", strings.Repeat("junk", limit)); a.status != 200 {
		t.Errorf("junk where no body is: %+v", a)
	}
	s.reached("no body", "AddFriends", &api.AddFriendsRequest{Ids: []string{"a"}})
	s.call("POST", "/v2/friend", `{"ids":["a"]}`)
	s.reached("no body", "AddFriends", &api.AddFriendsRequest{})
	s.send("POST", "/v2/account/authenticate/device", ``, "Authorization: "+serverKey)
	s.reached("empty body field", "AuthenticateDevice", &api.AuthenticateDeviceRequest{Account: &api.AccountDevice{}})
	s.send("POST", "/v2/account/authenticate/device", `null`, "Authorization: "+serverKey).
		refused(t, "null", 400, errs.InvalidArgument, "proto: syntax error (line 1:1): unexpected token null")
}

func packed(t testing.TB, open func(io.Writer) io.WriteCloser, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := open(&b)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func gzipped(t testing.TB, text string) string {
	return packed(t, func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }, text)
}

func deflated(t testing.TB, text string) string {
	return packed(t, func(w io.Writer) io.WriteCloser { z, _ := flate.NewWriter(w, 6); return z }, text)
}

func TestCompressedBody(t *testing.T) {
	s := start(t, nil)
	const isGzip, isDeflate = "Content-Encoding: gzip", "Content-Encoding: deflate"
	event := func(body, encoding string, want *api.Event) {
		t.Helper()
		if a := s.call("POST", "/v2/event", body, encoding); a.status != 200 {
			t.Errorf("%.40q: %+v", body, a)
		}
		s.reached(encoding, "Event", want)
	}
	refused := func(body, encoding string, code errs.Code, message string) {
		t.Helper()
		s.send("POST", "/v2/event", body, encoding).refused(t, fmt.Sprintf("%s %.40q", encoding, body), code.HTTP(), code, message)
	}
	named := &api.Event{Name: "n"}
	for range 3 { // the readers are used again
		event(gzipped(t, `{"name":"n"}`), isGzip, named)
		event(deflated(t, `{"name":"n"}`), isDeflate, named)
	}
	event(`{"name":"n"}`, "Content-Encoding: br", named)
	event("", isGzip, &api.Event{})
	event("", isDeflate, &api.Event{})
	event(gzipped(t, `{"name":"n"} `+strings.Repeat("junk", limit)), isGzip, named)
	whole := gzipped(t, `{"name":"n"}`)
	event(whole[:len(whole)-8], isGzip, named) // the value was there before the stream broke

	refused(`{"name":"n"}`, isGzip, errs.InvalidArgument, "gzip: invalid header")
	refused(`{`, isGzip, errs.InvalidArgument, "unexpected EOF")
	refused(packed(t, func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }, `{"name":"n"}`), isDeflate, errs.InvalidArgument, "flate: corrupt input before offset 5")
	refused(whole[:18], isGzip, errs.InvalidArgument, "unexpected EOF")

	// A name of n bytes is a message of n + tag + length (2).
	big := func(n int) string { return `{"name":"` + strings.Repeat("n", n) + `"}` }
	refused(gzipped(t, big(limit+100)), isGzip, errs.ResourceExhausted, fmt.Sprintf("trying to send message larger than max (%d vs. %d)", limit+103, limit))
	refused(deflated(t, big(limit+100)), isDeflate, errs.ResourceExhausted, fmt.Sprintf("trying to send message larger than max (%d vs. %d)", limit+103, limit))
	refused(gzipped(t, big(400*limit)), isGzip, errs.ResourceExhausted, fmt.Sprintf("trying to send message larger than max (%d vs. %d)", inflateMax*limit+1, limit))
	event(gzipped(t, strings.Repeat(" ", 2*limit)+`{"name":"n"}`), isGzip, named) // blanks weigh nothing
	noise := make([]byte, 2*limit)
	for i, seed := 0, uint32(1); i < len(noise); i++ {
		seed = seed*1664525 + 1013904223
		noise[i] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"[seed>>26]
	}
	refused(gzipped(t, `{"name":"`+string(noise)+`"}`), isGzip, errs.InvalidArgument, "http: request body too large")
}

func TestCompressedAnswer(t *testing.T) {
	s := start(t, nil)
	inflate := map[string]func(io.Reader) (io.Reader, error){
		"":        func(r io.Reader) (io.Reader, error) { return r, nil },
		"gzip":    func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
		"deflate": func(r io.Reader) (io.Reader, error) { return flate.NewReader(r), nil },
	}
	f := func(accept, want string) {
		t.Helper()
		for _, size := range []int{0, 1, storedMax - 20, storedMax, 70_000} {
			s.Answer(func(context.Context, op.Caller, proto.Message) (proto.Message, error) {
				return &api.Account{Wallet: strings.Repeat("w", size)}, nil
			})
			a := s.call("GET", "/v2/account", "", "Accept-Encoding: "+accept)
			if got := a.header.Get("Content-Encoding"); got != want {
				t.Errorf("%q: encoding %q, want %q", accept, got, want)
				return
			}
			plain, err := inflate[want](strings.NewReader(a.body))
			if err != nil {
				t.Fatalf("%q: %v", accept, err)
			}
			text, err := io.ReadAll(plain)
			var account struct{ Wallet string }
			if err := errors.Join(err, json.Unmarshal(text, &account)); err != nil || len(account.Wallet) != size {
				t.Errorf("%q, %d bytes: %v, %d came", accept, size, err, len(account.Wallet))
			}
			if size > storedMax && want != "" && len(a.body) > size/10 {
				t.Errorf("%q: %d bytes are %d", accept, size, len(a.body))
			}
		}
	}
	f("gzip", "gzip")
	f("deflate", "deflate")
	f("br, deflate , gzip", "deflate")
	f("gzip, deflate, br, zstd", "gzip")
	f("gzip;q=1.0, deflate", "deflate")
	for _, no := range []string{"identity", "GZIP", "x-gzip", "*", "gzip;q=1.0", ""} {
		f(no, "")
	}
	a := s.send("GET", "/nope", "", "Accept-Encoding: gzip")
	if a.status != 404 || a.header.Get("Content-Encoding") != "gzip" {
		t.Errorf("a failure is not compressed: %+v", a)
	}
}

func TestCORS(t *testing.T) {
	s := start(t, nil)
	f := func(what string, a answer, status int, origin, methods, headers string) {
		t.Helper()
		got := [3]string{a.header.Get("Access-Control-Allow-Origin"), a.header.Get("Access-Control-Allow-Methods"), a.header.Get("Access-Control-Allow-Headers")}
		if want := [3]string{origin, methods, headers}; a.status != status || got != want {
			t.Errorf("%s: %d %q, want %d %q", what, a.status, got, status, want)
		}
		for _, never := range []string{"Access-Control-Allow-Credentials", "Access-Control-Max-Age", "Access-Control-Expose-Headers"} {
			if a.header.Get(never) != "" {
				t.Errorf("%s: has %s", what, never)
			}
		}
	}
	const origin = "Origin: https://game.example"
	preflight := func(target string, headers ...string) answer {
		t.Helper()
		a := s.send("OPTIONS", target, "", append(headers, origin)...)
		if a.body != "" {
			t.Errorf("preflight answered %q", a.body)
		}
		return a
	}
	f("actual", s.call("GET", "/v2/account", "", origin), 200, "*", "", "")
	f("actual failure", s.send("GET", "/nope", "", origin), 404, "*", "", "")
	f("no origin", s.call("GET", "/v2/account", ""), 200, "", "", "")
	for _, method := range []string{"GET", "HEAD", "POST"} {
		f(method, preflight("/v2/account", "Access-Control-Request-Method: "+method), 200, "*", "", "")
	}
	for _, method := range []string{"PUT", "DELETE"} {
		f(method, preflight("/nope", "Access-Control-Request-Method: "+method), 200, "*", method, "")
	}
	for _, method := range []string{"PATCH", "get", "OPTIONS"} {
		f(method, preflight("/v2/account", "Access-Control-Request-Method: "+method), 405, "", "", "")
	}
	f("no method", preflight("/v2/account"), 400, "", "", "")
	f("OPTIONS without origin", s.send("OPTIONS", "/v2/account", ""), 200, "", "", "")
	const get = "Access-Control-Request-Method: GET"
	f("headers", preflight("/", get, "Access-Control-Request-Headers: authorization, content-type,USER-AGENT,accept, origin"), 200, "*", "", "Authorization,Content-Type,User-Agent")
	f("safe headers", preflight("/", get, "Access-Control-Request-Headers: accept"), 200, "*", "", "")
	f("another header", preflight("/", "Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: authorization, x-game"), 403, "", "", "")
}

func TestOrderOfFailures(t *testing.T) {
	s := start(t, nil)
	s.send("PATCH", "/v2/group/g?x=%zz", "{").refused(t, "method", 501, errs.Unimplemented, "Method Not Allowed")
	s.send("PUT", "/v2/group/g", "{").refused(t, "body", 400, errs.InvalidArgument, "unexpected EOF")
	s.send("GET", "/v2/notification?limit=x", "").refused(t, "query", 400, errs.InvalidArgument, `parsing field "limit": strconv.ParseInt: parsing "x": invalid syntax`)
	s.send("POST", "/v2/account/authenticate/device?create=x", "{").refused(t, "body before query", 400, errs.InvalidArgument, "unexpected EOF")
	s.send("PUT", "/v2/group/g", "{}").refused(t, "credentials", 401, errs.Unauthenticated, "Auth token required")
	s.send("GET", "/v2/account", "", "Authorization: "+serverKey).refused(t, "credentials", 401, errs.Unauthenticated, "Auth token invalid")
	s.send("POST", "/v2/account/session/refresh", "{}").refused(t, "credentials", 401, errs.Unauthenticated, "Server key required")
	s.send("POST", "/v2/account/session/refresh", "{}", "Authorization: "+serverKey, "Authorization: "+serverKey).refused(t, "repeated", 401, errs.Unauthenticated, "Server key required")
	s.send("POST", "/v2/account/session/refresh", "{}", "Authorization: Basic x").refused(t, "credentials", 401, errs.Unauthenticated, "Server key invalid")
	if calls := s.Calls(); len(calls) != 0 {
		t.Errorf("%d calls", len(calls))
	}
	for code, status := range map[errs.Code]int{errs.NotFound: 404, errs.AlreadyExists: 409, errs.ResourceExhausted: 429, errs.Unavailable: 503, 1234: 500} {
		s.Answer(func(context.Context, op.Caller, proto.Message) (proto.Message, error) {
			return nil, errs.New(code, "No.")
		})
		s.call("GET", "/v2/account", "").refused(t, "refusal", status, code, "No.")
	}
}

func TestRetryAfter(t *testing.T) {
	s := start(t, map[string]rpc.Func{"busy": func(context.Context, op.Caller, rpc.Request) (string, error) {
		return "", errs.New(errs.ResourceExhausted, "Too many requests.").After(3)
	}})
	s.Answer(func(context.Context, op.Caller, proto.Message) (proto.Message, error) {
		return nil, errs.New(errs.ResourceExhausted, "Too many requests.").After(7)
	})
	a := s.call("GET", "/v2/account", "")
	a.refused(t, "limited", 429, errs.ResourceExhausted, "Too many requests.")
	if got := a.header.Get("Retry-After"); got != "7" {
		t.Errorf("Retry-After %q", got)
	}
	if got := s.call("GET", "/v2/rpc/busy", "").header.Get("Retry-After"); got != "3" {
		t.Errorf("Retry-After %q", got)
	}
}

func TestAPanicEndsOneRequest(t *testing.T) {
	s := start(t, nil)
	s.Answer(func(context.Context, op.Caller, proto.Message) (proto.Message, error) { panic("oh no") })
	s.call("GET", "/v2/account", "").refused(t, "panic", 500, errs.Internal, "Internal server error.")
	if log := s.Log.String(); !strings.Contains(log, "oh no") || !strings.Contains(log, "rest_test.go") {
		t.Errorf("log %q", log)
	}
	s.readyPanics = true
	s.send("GET", "/readyz", "").refused(t, "panic outside of operations", 500, errs.Internal, "Internal server error.")
	if log := s.Log.String(); !strings.Contains(log, "not ready at all") {
		t.Errorf("log %q", log)
	}
}

// TestMessagesDoNotLiveInBuffers: an exchange's buffers serve the next request, while a feature may keep its message.
func TestMessagesDoNotLiveInBuffers(t *testing.T) {
	s := start(t, nil)
	const first, second = `{"name":"first","properties":{"first":"first"}}`, `{"name":"other","properties":{"other":"other"}}`
	s.call("POST", "/v2/event", first)
	kept := s.Calls()
	for range 20 {
		s.call("POST", "/v2/event", second)
		s.call("POST", "/v2/event", gzipped(t, second), "Content-Encoding: gzip")
	}
	want := &api.Event{Name: "first", Properties: map[string]string{"first": "first"}}
	if !proto.Equal(kept[0].In, want) {
		t.Errorf("the message became %v", kept[0].In)
	}
}

func TestCallerComesAlong(t *testing.T) {
	s := start(t, nil)
	s.call("GET", "/v2/account", "", "X-Forwarded-For: 198.51.100.1, 203.0.113.9")
	calls := s.Calls()
	if len(calls) != 1 {
		t.Fatalf("%d calls", len(calls))
	}
	if c := calls[0].Caller; c.UserID != al || c.Username != "al" || c.ClientIP != "203.0.113.9" || c.Node != "test" || !strings.HasPrefix(c.Host, "127.0.0.1:") {
		t.Errorf("caller %+v", c)
	}
}
