package socket_test

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/proto"

	"github.com/skirmishgg/skirmish/engine/websocket"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/gateway/gatewaytest"
	"github.com/skirmishgg/skirmish/services/gateway/socket"
	"github.com/skirmishgg/skirmish/services/gateway/worker"
	"github.com/skirmishgg/skirmish/services/rpc"
)

// pipe is a ResponseWriter whose connection is a net.Pipe.
type pipe struct {
	header http.Header
	server net.Conn
}

func (p *pipe) Header() http.Header         { return p.header }
func (p *pipe) Write(b []byte) (int, error) { return len(b), nil }
func (p *pipe) WriteHeader(int)             {}
func (p *pipe) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return p.server, bufio.NewReadWriter(bufio.NewReader(p.server), bufio.NewWriter(p.server)), nil
}

// Any message to a live session: the session answers or closes with a known reason, and nothing panics.
func fuzzMessages(f *testing.F, format string, kind ws.OpCode) {
	c := gatewaytest.New(f, map[string]rpc.Func{
		"echo": func(_ context.Context, _ op.Caller, r rpc.Request) (string, error) { return r.Payload, nil },
	})
	workers := worker.New(4)
	s, err := socket.New(socket.Config{Door: c.Door, Workers: workers, WebSocket: websocket.Config{Loops: -1}})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		s.Stop(ctx)
		workers.Stop()
	})
	token := c.Token(f, alice, "alice", nil)
	f.Fuzz(func(t *testing.T, message []byte) {
		client, server := net.Pipe()
		defer client.Close()
		_ = client.SetDeadline(time.Now().Add(patience))
		r, _ := http.NewRequest("GET", "/ws?format="+format, nil)
		r.RemoteAddr = "192.0.2.1:1234"
		r.Header = http.Header{"Authorization": {"Bearer " + token}, "Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}}
		go s.ServeHTTP(&pipe{http.Header{}, server}, r) // ends with the handshake
		br := bufio.NewReader(client)
		if resp, err := http.ReadResponse(br, nil); err != nil || resp.StatusCode != 101 {
			t.Fatalf("handshake: %v", err)
		}
		go func() { // ends when both are written or the pipe is closed
			_ = wsutil.WriteClientMessage(client, kind, message)
			_ = wsutil.WriteClientMessage(client, ws.OpClose, []byte{3, 232})
		}()
		for {
			f, err := readFrame(br)
			if err != nil {
				t.Fatalf("ended without a close frame: %v", err)
			}
			if f.Header.OpCode != ws.OpClose {
				if f.Header.OpCode != kind || proto.Unmarshal(f.Payload, &rtapi.Envelope{}) != nil && kind == ws.OpBinary {
					t.Fatalf("answer %+v %q", f.Header, f.Payload)
				}
				continue
			}
			switch reason := string(f.Payload); reason {
			case "\x03\xe8", "\x03\xe8received malformed payload", "\x03\xe8error processing message", "\x03\xf1":
			default:
				t.Fatalf("closed with %q", reason)
			}
			break
		}
		if log := c.Log.String(); strings.Contains(log, "panic") {
			t.Fatal(log)
		}
	})
}

func FuzzJSON(f *testing.F) {
	for _, message := range []string{
		`{"cid":"1","ping":{}}`, `{}`, `null`, `{"ping":null}`, `{"rpc":{"id":"echo","payload":"{}"}}`, `{"match_data":{}}`,
		`{"cid":"2","matchmaker_add":{"min_count":2,"max_count":"4","query":"*","string_properties":{"a":"b"},"numeric_properties":{"n":1e3},"count_multiple":2}}`,
		`{"match_data_send":{"match_id":"x.","op_code":"9223372036854775807","data":"aGk=","presences":[{"user_id":"u"}]}}`,
		`{"channel_join":{"target":"room","type":1,"persistence":true,"hidden":false}}`, `{"status_update":{"status":""}}`, `{"ping":{},"pong":{}}`,
	} {
		f.Add([]byte(message))
	}
	fuzzMessages(f, "json", ws.OpText)
}

func FuzzProtobuf(f *testing.F) {
	for _, e := range []*rtapi.Envelope{
		{}, {Cid: "1", Message: &rtapi.Envelope_Ping{Ping: &rtapi.Ping{}}}, {Message: &rtapi.Envelope_Rpc{Rpc: &api.Rpc{Id: "echo", Payload: "p"}}},
		{Message: &rtapi.Envelope_MatchDataSend{MatchDataSend: &rtapi.MatchDataSend{MatchId: "x.", OpCode: 7, Data: []byte("hi")}}},
		{Message: &rtapi.Envelope_MatchmakerAdd{MatchmakerAdd: &rtapi.MatchmakerAdd{MinCount: 2, NumericProperties: map[string]float64{"n": 1}}}},
		{Message: &rtapi.Envelope_Error{Error: &rtapi.Error{}}},
	} {
		b, err := proto.Marshal(e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte("\xff\xff"))
	fuzzMessages(f, "protobuf", ws.OpBinary)
}
