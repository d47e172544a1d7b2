package node

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/skirmishgg/skirmish/protocol/codec"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/op"
	client "github.com/skirmishgg/skirmish/sdk-gen/base/go"
)

// TestEveryOperationThroughEveryDoor plays services/gateway/testdata/ops.txt, which has each operation of the catalogue,
// on a fresh server for each store and door. A step's answer must be the one in the file whatever carried it, so that
// two codecs, doors or stores cannot differ.
func TestEveryOperationThroughEveryDoor(t *testing.T) {
	steps := readSteps(t, "../gateway/testdata/ops.txt")
	doors := map[string]func(*testing.T, *Node) door{
		"rest": newRESTDoor, "grpc": newGRPCDoor, "native": newNativeDoor,
		"socket-json": newSocketDoor(codec.JSON), "socket-protobuf": newSocketDoor(codec.Protobuf),
	}
	for _, store := range []string{"embedded", "postgres"} {
		for name, open := range doors {
			t.Run(store+"/"+name, func(t *testing.T) {
				t.Parallel()
				n := startOn(t, store)
				p := player{n: n, door: open(t, n), rest: newRESTDoor(t, n), held: map[string]string{}}
				for _, s := range steps {
					p.play(t, s)
				}
			})
		}
	}
	missing := map[string]bool{}
	for _, e := range startOn(t, "embedded").Registry().Entries() {
		missing[e.Spec.Name] = true
	}
	for _, s := range steps {
		delete(missing, s.name)
	}
	for name := range missing {
		t.Errorf("ops.txt has no step for %s", name)
	}
}

// step is one call and what is to come back.
type step struct {
	line                  int
	name, caller, request string
	answer                string // "" for a refusal
	code                  errs.Code
	message               string
}

func readSteps(t *testing.T, path string) []step {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var steps []step
	for i, line := range strings.Split(string(text), "\n") {
		switch {
		case line == "" || line[0] == '#':
		case line[0] == '=':
			steps[len(steps)-1].answer = line[2:]
		case line[0] == '!':
			number, message, _ := strings.Cut(line[2:], " ")
			code, err := strconv.Atoi(number)
			if err != nil {
				t.Fatalf("%s:%d: %v", path, i+1, err)
			}
			steps[len(steps)-1].code, steps[len(steps)-1].message = errs.Code(code), message
		default:
			words := strings.SplitN(line, " ", 3)
			if len(words) != 3 {
				t.Fatalf("%s:%d: not OPERATION CALLER REQUEST", path, i+1)
			}
			steps = append(steps, step{line: i + 1, name: words[0], caller: words[1], request: words[2]})
		}
	}
	return steps
}

// door carries one call. token is the caller's session token, "key" or "nobody".
type door interface {
	// carries tells whether the door offers the operation at all.
	carries(e *op.Entry) bool
	call(e *op.Entry, token string, in proto.Message) (proto.Message, error)
}

// player plays steps through a door; what the door does not carry goes through REST, so that the script goes on.
type player struct {
	n    *Node
	door door
	rest door
	held map[string]string // what $x is
}

func (p *player) play(t *testing.T, s step) {
	t.Helper()
	e := p.n.Registry().Named(s.name)
	if e == nil {
		t.Errorf("ops.txt:%d: there is no operation %s", s.line, s.name)
		return
	}
	d := p.door
	if !d.carries(e) {
		if d = p.rest; !d.carries(e) {
			return // a realtime message at a door without sessions
		}
	}
	in := e.Request.New().Interface()
	if err := protojson.Unmarshal([]byte(p.fill(s.request)), in); err != nil {
		t.Fatalf("ops.txt:%d: %v", s.line, err)
	}
	out, err := d.call(e, p.fill(s.caller), in)
	if s.answer == "" {
		var refusal *errs.Error
		if !errors.As(err, &refusal) || refusal.Code != s.code && refusal.Code != anyCode || refusal.Message != s.message {
			t.Errorf("ops.txt:%d: %s answers %v, %v; want %d %q", s.line, s.name, out, err, s.code, s.message)
		}
		return
	}
	if err != nil {
		t.Errorf("ops.txt:%d: %s: %v", s.line, s.name, err)
		return
	}
	text, err := protojson.MarshalOptions{UseProtoNames: true, UseEnumNumbers: true}.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	var got, want map[string]any
	if err := errors.Join(json.Unmarshal(text, &got), json.Unmarshal([]byte(s.answer), &want)); err != nil {
		t.Fatalf("ops.txt:%d: %v", s.line, err)
	}
	if s.name == "RpcFunc" {
		delete(got, "id") // only realtime doors say it
	}
	if why := p.differ(got, want); why != "" {
		t.Errorf("ops.txt:%d: %s answers %s; %s", s.line, s.name, text, why)
	}
}

// fill replaces every $x by what it holds.
func (p *player) fill(text string) string {
	return os.Expand(text, func(name string) string { return p.held[name] })
}

// differ says where got is not what want describes; "" when it is. Names in want that hold nothing yet are bound.
func (p *player) differ(got, want any) string {
	switch want := want.(type) {
	case map[string]any:
		object, ok := got.(map[string]any)
		if !ok || len(object) != len(want) {
			return fmt.Sprintf("%v is not %v", got, want)
		}
		for key := range want {
			if why := p.differ(object[key], want[key]); why != "" {
				return key + ": " + why
			}
		}
	case []any:
		list, ok := got.([]any)
		if !ok || len(list) != len(want) {
			return fmt.Sprintf("%v is not %v", got, want)
		}
		for i := range want {
			if why := p.differ(list[i], want[i]); why != "" {
				return fmt.Sprintf("%d: %s", i, why)
			}
		}
	case string:
		text, ok := got.(string)
		switch {
		case !ok:
			return fmt.Sprintf("%v is no text", got)
		case want == "*":
		case strings.HasPrefix(want, "$"):
			if held, bound := p.held[want[1:]]; !bound {
				p.held[want[1:]] = text
			} else if held != text {
				return fmt.Sprintf("%q is not %s, which is %q", text, want, held)
			}
		case text != want:
			return fmt.Sprintf("%q is not %q", text, want)
		}
	default:
		if got != want {
			return fmt.Sprintf("%v is not %v", got, want)
		}
	}
	return ""
}

// anyCode stands for a code that a door does not tell: the socket's are too few.
const anyCode = 0

func refusal(code int, message string) error { return errs.New(errs.Code(code), message) }

// restDoor calls by the HTTP rule of the operation.
type restDoor struct{ base string }

func newRESTDoor(_ *testing.T, n *Node) door { return restDoor{"http://" + n.HTTPAddr().String()} }

func (restDoor) carries(e *op.Entry) bool { return len(e.Spec.HTTP) > 0 }

func (d restDoor) call(e *op.Entry, token string, in proto.Message) (proto.Message, error) {
	r, err := d.request(e, in)
	if err != nil {
		return nil, err
	}
	switch token {
	case "nobody":
	case "key":
		r.SetBasicAuth("defaultkey", "")
	default:
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		var told struct {
			Code    int
			Message string
		}
		if err := json.Unmarshal(body, &told); err != nil {
			return nil, fmt.Errorf("%s: %s", answer.Status, body)
		}
		return nil, refusal(told.Code, told.Message)
	}
	out := e.Response.New().Interface()
	return out, protojson.Unmarshal(body, out)
}

// request fills the first rule: fields named in the path, the body field, and the query with the rest.
func (d restDoor) request(e *op.Entry, in proto.Message) (*http.Request, error) {
	method, path, bodyField, err := op.SplitHTTP(e.Spec.HTTP[0])
	if err != nil {
		return nil, err
	}
	m, query, inPath := in.ProtoReflect(), url.Values{}, []string{bodyField}
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if strings.HasPrefix(s, "{") {
			name := s[1 : len(s)-1]
			inPath = append(inPath, name)
			segments[i] = url.PathEscape(m.Get(m.Descriptor().Fields().ByName(protoreflect.Name(name))).String())
		}
	}
	path = strings.Join(segments, "/")
	var body []byte
	switch f := m.Descriptor().Fields().ByName(protoreflect.Name(bodyField)); {
	case bodyField == "*":
		body, err = protojson.Marshal(in)
	case f != nil && f.Message() != nil:
		body, err = protojson.Marshal(m.Get(f).Message().Interface())
	case f != nil:
		body, err = json.Marshal(m.Get(f).String())
	}
	if err != nil {
		return nil, err
	}
	if bodyField != "*" {
		m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
			if slices.Contains(inPath, string(f.Name())) {
				return true
			}
			if f.IsList() {
				for i := range v.List().Len() {
					query.Add(string(f.Name()), v.List().Get(i).String())
				}
				return true
			}
			if f.Message() != nil { // a wrapper
				v = v.Message().Get(f.Message().Fields().ByName("value"))
			}
			query.Set(string(f.Name()), v.String())
			return true
		})
	}
	return http.NewRequest(method, d.base+path+"?"+query.Encode(), bytes.NewReader(body))
}

// grpcDoor calls the method of the operation's name.
type grpcDoor struct{ conn *grpc.ClientConn }

func newGRPCDoor(t *testing.T, n *Node) door {
	conn, err := grpc.NewClient(n.GRPCAddr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return grpcDoor{conn}
}

func (grpcDoor) carries(e *op.Entry) bool { return len(e.Spec.HTTP) > 0 }

func (d grpcDoor) call(e *op.Entry, token string, in proto.Message) (proto.Message, error) {
	ctx := context.Background()
	switch token {
	case "nobody":
	case "key":
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Basic ZGVmYXVsdGtleTo=")
	default:
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
	}
	out := e.Response.New().Interface()
	if err := d.conn.Invoke(ctx, "/nakama.api.Nakama/"+e.Spec.Name, in, out); err != nil {
		s := status.Convert(err)
		return nil, refusal(int(s.Code()), s.Message())
	}
	return out, nil
}

// nativeDoor calls over UDP sessions, one for each token.
type nativeDoor struct {
	t        *testing.T
	rest     restDoor
	n        *Node
	sessions map[string]*client.Session
}

func newNativeDoor(t *testing.T, n *Node) door {
	return &nativeDoor{t: t, n: n, rest: newRESTDoor(t, n).(restDoor), sessions: map[string]*client.Session{}}
}

func (d *nativeDoor) carries(e *op.Entry) bool {
	return e.Spec.Auth == op.Session || e.Spec.Auth == op.HTTPKey
}

func (d *nativeDoor) call(e *op.Entry, token string, in proto.Message) (proto.Message, error) {
	s := d.sessions[token]
	if s == nil {
		connect := d.n.Registry().Named("CreateConnectToken")
		out, err := d.rest.call(connect, token, connect.Request.New().Interface())
		if err != nil {
			return nil, err // a token that is dead
		}
		text := out.ProtoReflect().Get(out.ProtoReflect().Descriptor().Fields().ByName("token")).String()
		if s, err = client.OpenSession(d.t.Context(), text); err != nil {
			return nil, err
		}
		d.t.Cleanup(s.Close)
		d.sessions[token] = s
	}
	out := e.Response.New().Interface()
	return out, s.Call(d.t.Context(), e.Spec.ID, in, out)
}

// socketDoor sends the realtime messages over WebSockets of one format, one for each token.
type socketDoor struct {
	t       *testing.T
	n       *Node
	format  codec.Format
	sockets map[string]io.ReadWriter
}

func newSocketDoor(f codec.Format) func(*testing.T, *Node) door {
	return func(t *testing.T, n *Node) door { return &socketDoor{t, n, f, map[string]io.ReadWriter{}} }
}

func (*socketDoor) carries(e *op.Entry) bool { return e.Spec.RT != "" }

func (d *socketDoor) call(e *op.Entry, token string, in proto.Message) (proto.Message, error) {
	conn, err := d.socket(token)
	if err != nil {
		return nil, err
	}
	cid := e.Spec.Name
	request := &rtapi.Envelope{Cid: cid}
	field := request.ProtoReflect().Descriptor().Fields().ByName(protoreflect.Name(e.Spec.RT))
	request.ProtoReflect().Set(field, protoreflect.ValueOfMessage(in.ProtoReflect()))
	opcode := ws.OpText
	if d.format == codec.Protobuf {
		opcode = ws.OpBinary
	}
	raw, err := codec.Append(nil, d.format, request)
	if err != nil {
		return nil, err
	}
	if err := wsutil.WriteClientMessage(conn, opcode, raw); err != nil {
		return nil, err
	}
	if e.Spec.Silent { // only refused, without the cid: what is asked for next is answered next
		cid = "after " + cid
		raw, err := codec.Append(nil, d.format, &rtapi.Envelope{Cid: cid, Message: &rtapi.Envelope_Ping{Ping: &rtapi.Ping{}}})
		if err == nil {
			err = wsutil.WriteClientMessage(conn, opcode, raw)
		}
		if err != nil {
			return nil, err
		}
	}
	answer := &rtapi.Envelope{}
	for answer.Cid != cid && (answer.Cid != "" || answer.GetError() == nil) { // pushes, and what an earlier refusal left
		raw, _, err = wsutil.ReadServerData(conn)
		if err != nil {
			return nil, err
		}
		answer.Reset()
		if err := codec.Decode(d.format, raw, answer); err != nil {
			return nil, err
		}
	}
	if told := answer.GetError(); told != nil {
		return nil, refusal(anyCode, told.Message)
	}
	out := e.Response.New().Interface()
	if e.Spec.Silent {
		return out, nil
	}
	if f := answer.ProtoReflect().WhichOneof(answer.ProtoReflect().Descriptor().Oneofs().Get(0)); f != nil {
		out = answer.ProtoReflect().Get(f).Message().Interface()
	}
	return out, nil
}

func (d *socketDoor) socket(token string) (io.ReadWriter, error) {
	if conn := d.sockets[token]; conn != nil {
		return conn, nil
	}
	format := map[codec.Format]string{codec.JSON: "json", codec.Protobuf: "protobuf"}[d.format]
	conn, buffered, _, err := ws.Dial(d.t.Context(), fmt.Sprintf("ws://%s/ws?token=%s&format=%s", d.n.HTTPAddr(), token, format))
	if err != nil {
		return nil, err
	}
	if buffered != nil {
		d.t.Fatal("the server spoke before it was asked")
	}
	d.t.Cleanup(func() { conn.Close() })
	d.sockets[token] = conn
	return conn, nil
}
