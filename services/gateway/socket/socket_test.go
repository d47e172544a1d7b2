package socket_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/skirmishgg/skirmish/engine/websocket"
	"github.com/skirmishgg/skirmish/protocol/codec"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/gateway/gatewaytest"
	"github.com/skirmishgg/skirmish/services/gateway/socket"
	"github.com/skirmishgg/skirmish/services/gateway/worker"
	"github.com/skirmishgg/skirmish/services/rpc"
	"github.com/skirmishgg/skirmish/services/session"
)

const patience = 30 * time.Second // until a test that waits for a signal gives up

var (
	alice = id.UUID{0xa1, 15: 1}
	bob   = id.UUID{0xb0, 15: 2}
)

// harness is the door with the whole catalogue behind it, over TCP.
type harness struct {
	t testing.TB
	*gatewaytest.Catalogue
	server *socket.Server
	http   *httptest.Server
	opened chan session.Conn
	status chan bool
	closed chan session.Conn
	begun  chan struct{} // told by the rpc "block"
	block  chan struct{} // the rpc "block" waits for it
}

func start(t testing.TB, change func(*socket.Config)) *harness {
	t.Helper()
	h := &harness{
		t: t, opened: make(chan session.Conn, 1000), status: make(chan bool, 1000), closed: make(chan session.Conn, 1000), begun: make(chan struct{}, 10), block: make(chan struct{}),
	}
	h.Catalogue = gatewaytest.New(t, map[string]rpc.Func{
		"echo": func(_ context.Context, _ op.Caller, r rpc.Request) (string, error) { return r.Payload, nil },
		"block": func(context.Context, op.Caller, rpc.Request) (string, error) {
			h.begun <- struct{}{}
			<-h.block
			return "done", nil
		},
		"coded": func(context.Context, op.Caller, rpc.Request) (string, error) {
			return "", errs.New(errs.PermissionDenied, "not you")
		},
		"plain": func(context.Context, op.Caller, rpc.Request) (string, error) { return "", errors.New("it broke") },
		"panic": func(context.Context, op.Caller, rpc.Request) (string, error) { panic("bug") },
	})
	workers := worker.New(256)
	c := socket.Config{
		Door: h.Door, Workers: workers, WebSocket: websocket.Config{Loops: 1},
		Opened: func(c session.Conn, status bool) { h.opened <- c; h.status <- status },
		Closed: func(c session.Conn) { h.closed <- c },
	}
	if change != nil {
		change(&c)
	}
	var err error
	if h.server, err = socket.New(c); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/ws", h.server)
	h.http = httptest.NewServer(mux)
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		h.server.Stop(ctx)
		h.http.Close()
		workers.Stop()
	})
	return h
}

func (h *harness) url(user id.UUID, name string, more ...string) string {
	h.t.Helper()
	query := url.Values{"token": {h.Token(h.t, user, name, map[string]string{"k": "v"})}}
	for i := 0; i < len(more); i += 2 {
		query.Set(more[i], more[i+1])
	}
	return "ws" + strings.TrimPrefix(h.http.URL, "http") + "/ws?" + query.Encode()
}

// client is a real WebSocket client.
type client struct {
	testing.TB
	nc net.Conn
	r  io.Reader
	op ws.OpCode
}

func (h *harness) dial(user id.UUID, name string, more ...string) *client {
	h.t.Helper()
	nc, buffered, _, err := ws.Dial(h.t.Context(), h.url(user, name, more...))
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { nc.Close() })
	_ = nc.SetDeadline(time.Now().Add(patience))
	c := &client{h.t, nc, nc, ws.OpText}
	if buffered != nil {
		c.r = buffered // it goes on reading nc when empty
	} else {
		c.r = bufio.NewReader(nc)
	}
	for i := 0; i < len(more); i += 2 {
		if more[i] == "format" && more[i+1] == "protobuf" {
			c.op = ws.OpBinary
		}
	}
	return c
}

func (c *client) send(message string) {
	c.Helper()
	if err := wsutil.WriteClientMessage(c.nc, c.op, []byte(message)); err != nil {
		c.Fatal(err)
	}
}

func (c *client) frame() ws.Frame {
	c.Helper()
	f, err := readFrame(c.r)
	if err != nil {
		c.Fatal(err)
	}
	return f
}

// readFrame believes the length that our own server states.
func readFrame(r io.Reader) (f ws.Frame, err error) {
	if f.Header, err = ws.ReadHeader(r); err != nil {
		return f, err
	}
	f.Payload = make([]byte, f.Header.Length)
	_, err = io.ReadFull(r, f.Payload)
	return f, err
}

// want reads a message of a JSON socket and compares it without regard to white space.
func (c *client) want(message string) {
	c.Helper()
	f := c.frame()
	var got bytes.Buffer
	if f.Header.OpCode != ws.OpText || json.Compact(&got, f.Payload) != nil || got.String() != message {
		c.Fatalf("got opcode %d %q, want %s", f.Header.OpCode, f.Payload, message)
	}
}

// wantClose passes over messages up to the close frame.
func (c *client) wantClose(code int, reason string) {
	c.Helper()
	for {
		f := c.frame()
		if f.Header.OpCode != ws.OpClose {
			continue
		}
		if len(f.Payload) < 2 || int(binary.BigEndian.Uint16(f.Payload)) != code || string(f.Payload[2:]) != reason {
			c.Fatalf("close says %q, want %d %q", f.Payload, code, reason)
		}
		return
	}
}

// wait takes a signal.
func wait[T any](t testing.TB, from <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatalf("no %s", what)
		panic("unreachable")
	}
}

func TestHandshake(t *testing.T) {
	h := start(t, nil)
	token := h.Token(t, alice, "alice", nil)
	f := func(method, query string, header http.Header, status int, body string) {
		t.Helper()
		r, _ := http.NewRequest(method, h.http.URL+"/ws"+query, nil)
		r.Header = header
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if resp.StatusCode == 101 {
			if status != 101 {
				t.Errorf("%s %s: upgraded, want %d", method, query, status)
			}
			wait(t, h.opened, "session")
			return
		}
		got, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != status || string(got) != body {
			t.Errorf("%s %s: %d %q, want %d %q", method, query, resp.StatusCode, got, status, body)
		}
		if want := "text/plain; charset=utf-8"; status < 404 && resp.Header.Get("Content-Type") != want {
			t.Errorf("%s %s: content type %q", method, query, resp.Header.Get("Content-Type"))
		}
	}
	upgrade := func(authorization ...string) http.Header {
		h := http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}, "Origin": {"https://anywhere.example"}}
		if len(authorization) > 0 {
			h["Authorization"] = authorization
		}
		return h
	}
	const noToken, badFormat, notFound = "Missing or invalid token\n", "Invalid format parameter\n", `{"code":5,"message":"Not Found"}`

	f("GET", "?token="+token, upgrade(), 101, "")
	f("GET", "?format=json&token="+token, upgrade(), 101, "")
	f("GET", "?format=&token="+token, upgrade(), 101, "")
	f("GET", "?format=protobuf&token="+token, upgrade(), 101, "")
	f("GET", "", upgrade("Bearer "+token), 101, "")
	f("GET", "?token=junk", upgrade("Bearer "+token), 101, "") // the header wins
	f("GET", "?status=maybe&lang=fr&token="+token, upgrade(), 101, "")

	f("GET", "", upgrade(), 401, noToken)
	f("GET", "?token=", upgrade(), 401, noToken)
	f("GET", "?token=junk", upgrade(), 401, noToken)
	f("GET", "?token="+token, upgrade("Bearer junk"), 401, noToken)
	f("GET", "?token="+token, upgrade("Bearer "), 401, noToken)
	f("GET", "?token="+token, upgrade("bearer "+token), 401, noToken)
	f("GET", "?token="+token, upgrade("Basic ZGVmYXVsdGtleTo="), 401, noToken)
	f("GET", "?format=xml&token="+token, upgrade(), 400, badFormat)
	f("GET", "?format=JSON", upgrade(), 400, badFormat) // before the token
	f("GET", "?token="+token, http.Header{}, 400, "Bad Request\n")
	f("GET", "?token=junk", http.Header{}, 401, noToken) // before the upgrade
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH"} {
		f(method, "?token="+token, upgrade(), 404, notFound)
	}
	if n := len(h.opened); n != 0 {
		t.Errorf("%d refused handshakes opened a session", n)
	}
}

func TestSession(t *testing.T) {
	h := start(t, nil)
	callers := make(chan op.Caller, 1)
	h.Answer(func(_ context.Context, c op.Caller, in proto.Message) (proto.Message, error) {
		callers <- c
		return &rtapi.Match{MatchId: in.(*rtapi.MatchCreate).Name}, nil
	})
	c := h.dial(alice, "alice", "lang", "de", "status", "true")
	conn := wait(t, h.opened, "session")
	if !wait(t, h.status, "status") {
		t.Error("status=true is not told")
	}
	if conn.UserID() != alice || conn.Username() != "alice" || conn.Lang() != "de" || conn.Vars()["k"] != "v" {
		t.Errorf("session of %v %q %q %v", conn.UserID(), conn.Username(), conn.Lang(), conn.Vars())
	}
	if text := conn.ID().String(); text[14] != '1' || !strings.HasSuffix(text, "a94a8fe5ccb1") { // SHA-1("test")
		t.Errorf("session id %s is not version 1 of node test", text)
	}
	if h.Live.Find(conn.ID()) != conn || len(h.Live.OfUser(alice)) != 1 {
		t.Error("the session is not live")
	}
	c.send(`{"cid":"7","match_create":{"name":"m"}}`)
	c.want(`{"cid":"7","match":{"match_id":"m"}}`)
	got := wait(t, callers, "call")
	if got.UserID != alice || got.Username != "alice" || got.Vars["k"] != "v" || got.SessionID != conn.ID().String() || got.Node != "test" || got.ClientIP != "127.0.0.1" || !strings.HasPrefix(got.Host, "127.0.0.1:") || got.Trusted {
		t.Errorf("caller %+v", got)
	}
	if !conn.Send(codec.Share(&rtapi.Envelope{Message: &rtapi.Envelope_StreamData{StreamData: &rtapi.StreamData{Data: "d"}}})) {
		t.Error("an open session takes no push")
	}
	c.want(`{"stream_data":{"data":"d"}}`)
	c.nc.Close()
	if wait(t, h.closed, "end") != conn || h.Live.Count() != 0 {
		t.Error("the session is still live")
	}
	if conn.Send(codec.Share(&rtapi.Envelope{})) {
		t.Error("an ended session takes a push")
	}
}

func TestAnswersJSON(t *testing.T) {
	h := start(t, nil)
	refusals := map[string]error{
		"bad":      errs.New(errs.InvalidArgument, "Bad input."),
		"trouble":  errors.New("secret detail"),
		"missing":  errs.New(errs.NotFound, "Match not found").On(errs.MatchNotFound),
		"reserved": errs.New(errs.AlreadyExists, "Taken."),
	}
	h.Answer(func(_ context.Context, _ op.Caller, in proto.Message) (proto.Message, error) {
		switch in := in.(type) {
		case *rtapi.MatchCreate:
			return (*rtapi.Match)(nil), nil
		case *rtapi.MatchJoin:
			return nil, refusals[in.GetMatchId()]
		case *rtapi.MatchDataSend:
			if in.MatchId != "" {
				return nil, refusals[in.MatchId]
			}
		}
		return nil, nil
	})
	c := h.dial(alice, "alice")
	f := func(in, out string) {
		t.Helper()
		c.send(in)
		c.want(out)
	}
	f(`{"cid":"1","ping":{}}`, `{"cid":"1","pong":{}}`)
	f(`{"ping":{}}`, `{"pong":{}}`)
	f(` { "ping" : { } , "cid" : "ü" } `, `{"cid":"ü","pong":{}}`)
	f(`{"cid":"2","channel_leave":{"channel_id":"x"}}`, `{"cid":"2"}`)
	f(`{"cid":"2","channelLeave":{"channelId":"x"}}`, `{"cid":"2"}`)
	f(`{"channel_leave":{}}`, `{}`)
	f(`{"cid":"3","match_create":{}}`, `{"cid":"3"}`) // a nil answer
	f(`{"cid":"5","match_join":{"match_id":"bad"}}`, `{"cid":"5","error":{"code":3,"message":"Bad input."}}`)
	f(`{"match_join":{"match_id":"reserved"}}`, `{"error":{"code":3,"message":"Taken."}}`)
	f(`{"cid":"6","match_join":{"match_id":"missing"}}`, `{"cid":"6","error":{"code":4,"message":"Match not found"}}`)
	f(`{"cid":"7","match_join":{"match_id":"trouble"}}`, `{"cid":"7","error":{"message":"Internal server error."}}`)
	f(`{"cid":"8","match_data_send":{"match_id":"bad"}}`, `{"error":{"code":3,"message":"Bad input."}}`)

	f(`{"cid":"r","rpc":{"id":"EcHo","payload":"p","http_key":"ignored"}}`, `{"cid":"r","rpc":{"id":"EcHo","payload":"p"}}`)
	f(`{"rpc":{"id":"echo"}}`, `{"rpc":{"id":"echo"}}`)
	f(`{"cid":"r","rpc":{}}`, `{"cid":"r","error":{"code":3,"message":"RPC ID must be set"}}`)
	f(`{"cid":"r","rpc":{"id":"nope"}}`, `{"cid":"r","error":{"code":6,"message":"RPC function not found"}}`)
	f(`{"cid":"r","rpc":{"id":"coded"}}`, `{"cid":"r","error":{"code":7,"message":"not you"}}`)
	f(`{"cid":"r","rpc":{"id":"plain"}}`, `{"cid":"r","error":{"code":7,"message":"it broke"}}`)
	f(`{"cid":"r","rpc":{"id":"panic"}}`, `{"cid":"r","error":{"message":"Internal server error."}}`)
	f(`{"cid":"9","ping":{}}`, `{"cid":"9","pong":{}}`) // still open after all that
}

func TestAnswersProtobuf(t *testing.T) {
	h := start(t, nil)
	h.Answer(func(context.Context, op.Caller, proto.Message) (proto.Message, error) { return nil, nil })
	c := h.dial(alice, "alice", "format", "protobuf")
	f := func(in, out *rtapi.Envelope) {
		t.Helper()
		b, err := proto.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		c.send(string(b))
		answer := c.frame()
		got := &rtapi.Envelope{}
		if answer.Header.OpCode != ws.OpBinary || proto.Unmarshal(answer.Payload, got) != nil || !proto.Equal(got, out) {
			t.Fatalf("got opcode %d %v, want %v", answer.Header.OpCode, got, out)
		}
	}
	f(&rtapi.Envelope{Cid: "1", Message: &rtapi.Envelope_Ping{Ping: &rtapi.Ping{}}}, &rtapi.Envelope{Cid: "1", Message: &rtapi.Envelope_Pong{Pong: &rtapi.Pong{}}})
	f(&rtapi.Envelope{Message: &rtapi.Envelope_PartyLeave{PartyLeave: &rtapi.PartyLeave{}}}, &rtapi.Envelope{})
	f(&rtapi.Envelope{Cid: "2", Message: &rtapi.Envelope_Rpc{Rpc: &api.Rpc{Id: "Echo", Payload: "x"}}}, &rtapi.Envelope{Cid: "2", Message: &rtapi.Envelope_Rpc{Rpc: &api.Rpc{Id: "Echo", Payload: "x"}}})
	f(&rtapi.Envelope{Cid: "3", Message: &rtapi.Envelope_Rpc{Rpc: &api.Rpc{Id: "nope"}}}, &rtapi.Envelope{Cid: "3", Message: &rtapi.Envelope_Error{Error: &rtapi.Error{Code: 6, Message: "RPC function not found"}}})
}

// Each line of the table of close causes that the client's message provokes.
func TestCloses(t *testing.T) {
	h := start(t, nil)
	h.Answer(func(context.Context, op.Caller, proto.Message) (proto.Message, error) { return nil, op.ErrDisabled })
	const malformed, processing, unexpected = "received malformed payload", "error processing message", "received unexpected WebSocket message type"
	f := func(format, in, before, reason string) {
		t.Helper()
		c := h.dial(alice, "alice", "format", format)
		conn := wait(t, h.opened, "session")
		c.send(`` + in)
		c.send(in) // what comes behind it is not looked at
		if before != "" {
			c.want(before)
		}
		if f := c.frame(); f.Header.OpCode != ws.OpClose || string(f.Payload) != "\x03\xe8"+reason {
			t.Errorf("%s %q: got opcode %d %q, want close %q", format, in, f.Header.OpCode, f.Payload, reason)
		}
		_ = wsutil.WriteClientMessage(c.nc, ws.OpClose, []byte{3, 232})
		if wait(t, h.closed, "end") != conn {
			t.Error("another session ended")
		}
	}
	for _, in := range []string{
		``, ` `, `junk`, `[]`, `null`, `"x"`, `1`, `{`, `{"ping":{}}{}`, `{"ping":{}} x`, `{"nope":{}}`, `{"cid":"1","ping":{"nope":1}}`,
		`{"cid":"1","cid":"2","ping":{}}`, `{"ping":{},"ping":{}}`, `{"rpc":{"id":"a","id":"b"}}`, `{"ping":{},"pong":{}}`, `{"cid":1,"ping":{}}`,
		`{"match_data_send":{"op_code":1.5}}`, `{"ping":[]}`, "{\"cid\":\"\xff\",\"ping\":{}}", strings.Repeat("[", 4000),
	} {
		f("json", in, "", malformed)
	}
	for _, in := range []string{"\xff", "\x0a\x05ab", "\x0a\x01\xff", "\xc2\x01\x05x"} {
		f("protobuf", in, "", malformed)
	}
	f("json", `{}`, `{"error":{"code":2,"message":"Missing message."}}`, processing)
	f("json", `{"cid":"1"}`, `{"cid":"1","error":{"code":2,"message":"Missing message."}}`, processing)
	f("json", `{"cid":"1","ping":null}`, `{"cid":"1","error":{"code":2,"message":"Missing message."}}`, processing)
	f("json", `{"cid":"1","match_data":{}}`, `{"cid":"1","error":{"code":1,"message":"Unrecognized message."}}`, processing)
	f("json", `{"cid":"1","error":{}}`, `{"cid":"1","error":{"code":1,"message":"Unrecognized message."}}`, processing)
	f("json", `{"cid":"1","channel_join":{}}`, `{"cid":"1","error":{"code":1,"message":"Requested resource was not found."}}`, processing)

	wrong := func(format string, op ws.OpCode) {
		t.Helper()
		c := h.dial(alice, "alice", "format", format)
		conn := wait(t, h.opened, "session")
		c.op = op
		c.send(`{"ping":{}}`)
		c.wantClose(1000, unexpected)
		c.nc.Close()
		if wait(t, h.closed, "end") != conn {
			t.Error("another session ended")
		}
	}
	wrong("json", ws.OpBinary)
	wrong("protobuf", ws.OpText)
}

func TestTooLarge(t *testing.T) {
	h := start(t, nil)
	c := h.dial(alice, "alice")
	c.send(`{"ping":{}}` + strings.Repeat(" ", 4096-11))
	c.want(`{"pong":{}}`)
	c.send(`{"ping":{}}` + strings.Repeat(" ", 4097-11))
	c.wantClose(1009, "")
}

func TestServerClosings(t *testing.T) {
	h := start(t, nil)
	c := h.dial(alice, "alice")
	h.Live.Kick(alice)
	c.wantClose(1000, "server-side session disconnect")

	c = h.dial(alice, "alice")
	_ = wsutil.WriteClientMessage(c.nc, ws.OpClose, []byte{0x0f, 0xa1, 'b', 'y', 'e'})
	c.wantClose(4001, "")

	c = h.dial(bob, "bob")
	stopped := make(chan struct{})
	go func() { // ends when the client has answered
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		h.server.Stop(ctx)
		close(stopped)
	}()
	c.wantClose(1001, "server shutting down")
	_ = wsutil.WriteClientMessage(c.nc, ws.OpClose, []byte{3, 233})
	wait(t, stopped, "end of Stop")
}

// A session whose client reads nothing ends by itself.
func TestQueueFull(t *testing.T) {
	h := start(t, nil)
	c := h.dial(alice, "alice")
	conn := wait(t, h.opened, "session")
	push := codec.Share(&rtapi.Envelope{Message: &rtapi.Envelope_StreamData{StreamData: &rtapi.StreamData{Data: strings.Repeat("d", 100_000)}}})
	for conn.Send(push) {
	}
	c.wantClose(1000, "session outgoing queue full")
}

func TestSingleSocket(t *testing.T) {
	h := start(t, func(c *socket.Config) { c.SingleSocket = true })
	first := h.dial(alice, "alice")
	other := h.dial(bob, "bob")
	h.dial(alice, "alice").send(`{"ping":{}}`)
	f := first.frame()
	got := &rtapi.Envelope{}
	if err := protojson.Unmarshal(f.Payload, got); err != nil {
		t.Fatal(err)
	}
	n := got.GetNotifications().GetNotifications()
	if len(n) != 1 || n[0].Code != -7 || n[0].Subject != "single_socket" || n[0].Content != "{}" || n[0].SenderId != "" || n[0].Persistent || n[0].Id == "" || n[0].CreateTime == nil {
		t.Errorf("notification %v", got)
	}
	first.wantClose(1000, "server-side session disconnect")
	other.send(`{"ping":{}}`)
	other.want(`{"pong":{}}`)

	many := start(t, nil)
	first = many.dial(alice, "alice")
	many.dial(alice, "alice")
	first.send(`{"ping":{}}`)
	first.want(`{"pong":{}}`)
}

// Answers come in the order of the requests, for 200 sessions at once.
func TestOrder(t *testing.T) {
	const sessions, calls = 200, 60 // more calls than may wait
	h := start(t, func(c *socket.Config) { c.WebSocket.Loops = 2 })
	var wg sync.WaitGroup
	for i := range sessions {
		c := h.dial(alice, fmt.Sprint("user", i))
		wg.Go(func() {
			for n := range calls {
				c.send(fmt.Sprintf(`{"cid":"%d","rpc":{"id":"echo","payload":"%d"}}`, n, i))
			}
			for n := range calls {
				f, err := readFrame(c.r)
				got := &rtapi.Envelope{}
				if err != nil || protojson.Unmarshal(f.Payload, got) != nil || got.Cid != fmt.Sprint(n) || got.GetRpc().GetPayload() != fmt.Sprint(i) {
					t.Errorf("session %d: answer %d is %q (%v)", i, n, f.Payload, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// While a call takes long the session still gets what is pushed, and everything it has sent is answered in the end.
func TestLongCall(t *testing.T) {
	h := start(t, nil)
	c := h.dial(alice, "alice")
	conn := wait(t, h.opened, "session")
	c.send(`{"rpc":{"id":"block"}}`)
	const behind = 2000
	sent := make(chan error, 1)
	go func() { // ends when all is written
		var all bytes.Buffer
		for n := range behind {
			_ = wsutil.WriteClientMessage(&all, ws.OpText, fmt.Appendf(nil, `{"cid":"%d","ping":{}}%s`, n, strings.Repeat(" ", 1000)))
		}
		_, err := c.nc.Write(all.Bytes())
		sent <- err
	}()
	conn.Send(codec.Share(&rtapi.Envelope{Message: &rtapi.Envelope_StreamData{StreamData: &rtapi.StreamData{Data: "now"}}}))
	c.want(`{"stream_data":{"data":"now"}}`)
	close(h.block)
	c.want(`{"rpc":{"id":"block","payload":"done"}}`)
	for n := range behind {
		c.want(fmt.Sprintf(`{"cid":"%d","pong":{}}`, n))
	}
	if err := wait(t, sent, "end of writing"); err != nil {
		t.Error(err)
	}
}

// Game data runs where it was read, but never before what its session sent earlier; server code's hooks see it too.
func TestQuick(t *testing.T) {
	h := start(t, nil)
	c := h.dial(alice, "alice")
	data := func(n int) { c.send(fmt.Sprintf(`{"match_data_send":{"match_id":"m","op_code":%d}}`, n)) }
	answered := func() { // everything sent before has been handled
		t.Helper()
		c.send(`{"ping":{}}`)
		c.want(`{"pong":{}}`)
	}
	ran := func(want string) {
		t.Helper()
		var got []string
		for _, call := range h.Calls() {
			got = append(got, fmt.Sprint(call.In.(*rtapi.MatchDataSend).OpCode))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("ran %v, want %s", got, want)
		}
	}
	data(1)
	answered()
	ran("1")

	c.send(`{"rpc":{"id":"block"}}`)
	wait(t, h.begun, "call")
	data(2)
	other := h.dial(bob, "bob")
	other.send(`{"match_data_send":{"match_id":"m","op_code":3}}`)
	other.send(`{"ping":{}}`)
	other.want(`{"pong":{}}`)
	ran("3") // and not 2, whose session's call is under way
	close(h.block)
	c.want(`{"rpc":{"id":"block","payload":"done"}}`)
	answered()
	ran("2")

	c.send(`{"match_data_send":{"match_id":"m","op_code":"4"},"cid":"match_data_send"}`)
	c.send(`{"cid":"match_data_send","ping":{}}`) // not what it seems
	c.want(`{"cid":"match_data_send","pong":{}}`)
	ran("4")

	entry := h.Registry.Named("MatchDataSend")
	entry.SetHook(&op.Hook{Before: func(_ context.Context, _ op.Caller, in proto.Message) (proto.Message, error) {
		in.(*rtapi.MatchDataSend).OpCode *= 10
		return in, nil
	}})
	data(5)
	answered()
	ran("50")
	entry.SetHook(nil)

	c.send(`{"match_data_send":{"match_id":7}}`)
	c.wantClose(1000, "received malformed payload")
}

// What a session leaves behind is cleared after its last call, not during it.
// In protobuf, the messages of a connection share their memory, but for the data and what a hook has seen.
func TestQuickProtobuf(t *testing.T) {
	h := start(t, nil)
	var mu sync.Mutex // the socket orders what the two sides do, but the race detector does not know
	var data [][]byte
	h.Answer(func(_ context.Context, c op.Caller, in proto.Message) (proto.Message, error) {
		if _, live := c.Conn.(session.Conn); !live {
			t.Error("the caller has no connection")
		}
		if m, ok := in.(*rtapi.MatchDataSend); ok {
			mu.Lock()
			defer mu.Unlock()
			data = append(data, m.Data)
			if m.MatchId != "m" || m.Reliable != (m.OpCode == 1) {
				t.Errorf("got %v", m)
			}
		}
		return nil, nil
	})
	c := h.dial(alice, "alice", "format", "protobuf")
	send := func(e *rtapi.Envelope) {
		t.Helper()
		b, err := proto.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		c.send(string(b))
	}
	say := func(m *rtapi.MatchDataSend) {
		m.MatchId = "m"
		send(&rtapi.Envelope{Message: &rtapi.Envelope_MatchDataSend{MatchDataSend: m}})
	}
	answered := func() {
		send(&rtapi.Envelope{Message: &rtapi.Envelope_Ping{Ping: &rtapi.Ping{}}})
		c.frame()
	}
	say(&rtapi.MatchDataSend{OpCode: 1, Data: []byte("one"), Reliable: true})
	say(&rtapi.MatchDataSend{OpCode: 2, Data: []byte("two")})
	say(&rtapi.MatchDataSend{Data: []byte("3"), Presences: []*rtapi.UserPresence{{UserId: "u"}}})
	say(&rtapi.MatchDataSend{})
	answered()
	mu.Lock()
	if got := fmt.Sprintf("%s", data); got != "[one two 3 ]" {
		t.Errorf("got %s", got)
	}
	mu.Unlock()
	var hooked []proto.Message
	h.Registry.Named("MatchDataSend").SetHook(&op.Hook{Before: func(_ context.Context, _ op.Caller, in proto.Message) (proto.Message, error) {
		mu.Lock()
		defer mu.Unlock()
		hooked = append(hooked, in)
		return in, nil
	}})
	say(&rtapi.MatchDataSend{OpCode: 4})
	say(&rtapi.MatchDataSend{OpCode: 5})
	answered()
	mu.Lock()
	defer mu.Unlock()
	if len(hooked) != 2 || hooked[0].(*rtapi.MatchDataSend).OpCode != 4 {
		t.Errorf("the hook has %v", hooked)
	}
}

func TestClosedComesAfterTheLastCall(t *testing.T) {
	h := start(t, nil)
	c := h.dial(alice, "alice")
	conn := wait(t, h.opened, "session")
	c.send(`{"rpc":{"id":"block"}}`)
	wait(t, h.begun, "call")
	c.send(`{"rpc":{"id":"block"}}`) // is dropped
	c.nc.Close()
	other := h.dial(bob, "bob")
	for h.Live.Find(conn.ID()) != nil { // the server has seen the end when it answers others and the session is not live
		other.send(`{"ping":{}}`)
		other.want(`{"pong":{}}`)
	}
	select {
	case <-h.closed:
		t.Fatal("Closed was told during a call")
	default:
	}
	close(h.block)
	wait(t, h.closed, "end")
}

func TestAnswerWithoutAFieldIsRefusedAtStart(t *testing.T) {
	c := gatewaytest.New(t, nil)
	r := op.NewRegistry()
	op.Add(r, op.Spec{Name: "Wrong", ID: 1, RT: "ping", Auth: op.Session}, func(context.Context, op.Caller, *rtapi.Ping) (*api.Account, error) { return nil, nil })
	r.Seal()
	c.Door.Registry = r
	if _, err := socket.New(socket.Config{Door: c.Door}); err == nil {
		t.Error("an answer that fits no envelope is accepted")
	}
}
