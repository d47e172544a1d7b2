package grpcgw

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/gateway/gatewaytest"
	"github.com/skirmishgg/skirmish/services/rpc"
)

const limit = 100_000

var al = id.UUID{1, 2, 3}

type server struct {
	*gatewaytest.Catalogue
	*Server
	t      *testing.T
	conn   *grpc.ClientConn
	bearer string
	served chan error
}

func start(t *testing.T, functions map[string]rpc.Func) *server {
	t.Helper()
	s := &server{Catalogue: gatewaytest.New(t, functions), t: t, served: make(chan error, 1)}
	s.bearer = "Bearer " + s.Token(t, al, "al", nil)
	s.Server = New(Config{Door: s.Door, MaxRequestBytes: limit})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { s.served <- s.Serve(l) }() // ended by Stop below, which a test may have called already
	t.Cleanup(func() {
		now, cancel := context.WithCancel(context.Background())
		cancel()
		s.Stop(now)
		if err := <-s.served; err != nil {
			t.Error(err)
		}
	})
	if s.conn, err = grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials())); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.conn.Close() })
	return s
}

// invoke calls a method with metadata given as pairs.
func (s *server) invoke(method string, in, out proto.Message, pairs ...string) error {
	ctx := metadata.AppendToOutgoingContext(s.t.Context(), pairs...)
	return s.conn.Invoke(ctx, "/"+ServiceName+"/"+method, in, out)
}

func (s *server) refused(method string, in proto.Message, code codes.Code, text string, pairs ...string) {
	s.t.Helper()
	err := s.invoke(method, in, &emptypb.Empty{}, pairs...)
	if got := status.Convert(err); got.Code() != code || got.Message() != text {
		s.t.Errorf("%s: %d %q, want %d %q", method, got.Code(), got.Message(), code, text)
	}
}

func basic(key string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(key+":")) }

func TestEveryCallIsThere(t *testing.T) {
	s := start(t, nil)
	methods := 0
	for _, e := range s.Registry.Entries() {
		switch {
		case len(e.Spec.HTTP) == 0:
			s.refused(e.Spec.Name, &emptypb.Empty{}, codes.Unimplemented, "unknown method "+e.Spec.Name+" for service nakama.api.Nakama")
			continue
		case e.Spec.Name == "RpcFunc" || e.Spec.Name == "Healthcheck":
			methods++
			continue
		}
		credentials := s.bearer
		if e.Spec.Auth == op.ServerKey {
			credentials = basic(gatewaytest.ServerKey)
		}
		if err := s.invoke(e.Spec.Name, e.Request.New().Interface(), e.Response.New().Interface(), "authorization", credentials); err != nil {
			t.Errorf("%s: %v", e.Spec.Name, err)
		}
		if calls := s.Calls(); len(calls) != 1 || calls[0].Name != e.Spec.Name {
			t.Errorf("%s reached %v", e.Spec.Name, calls)
		}
		methods++
	}
	if methods < 85 {
		t.Errorf("%d methods", methods)
	}
	s.refused("Nope", &emptypb.Empty{}, codes.Unimplemented, "unknown method Nope for service nakama.api.Nakama")
}

func TestMessagesGoThrough(t *testing.T) {
	s := start(t, nil)
	want := &api.StorageObjects{Objects: []*api.StorageObject{{Collection: "c", Key: "k", Value: `{"a":1}`}}}
	s.Answer(func(context.Context, op.Caller, proto.Message) (proto.Message, error) { return want, nil })
	in := &api.ReadStorageObjectsRequest{ObjectIds: []*api.ReadStorageObjectId{{Collection: "c", Key: "k", UserId: al.String()}}}
	for _, options := range [][]grpc.CallOption{nil, {grpc.UseCompressor(gzip.Name)}} {
		ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", s.bearer, "x-forwarded-for", "198.51.100.1, 203.0.113.9")
		got := &api.StorageObjects{}
		if err := s.conn.Invoke(ctx, "/nakama.api.Nakama/ReadStorageObjects", in, got, options...); err != nil || !proto.Equal(got, want) {
			t.Errorf("answer %v, %v", got, err)
		}
		calls := s.Calls()
		if len(calls) != 1 || !proto.Equal(calls[0].In, in) {
			t.Fatalf("calls %v", calls)
		}
		if c := calls[0].Caller; c.UserID != al || c.Username != "al" || c.ClientIP != "203.0.113.9" || c.Node != "test" || c.Host == "" {
			t.Errorf("caller %+v", c)
		}
	}
	if err := s.invoke("ReadStorageObjects", in, &api.StorageObjects{}, "authorization", s.bearer); err != nil {
		t.Fatal(err)
	}
	if ip := s.Calls()[0].Caller.ClientIP; ip != "127.0.0.1" {
		t.Errorf("a caller without proxies is %q", ip)
	}
}

func TestRefusals(t *testing.T) {
	s := start(t, nil)
	none, key := &emptypb.Empty{}, basic(gatewaytest.ServerKey)
	s.refused("GetAccount", none, codes.Unauthenticated, "Auth token required")
	s.refused("GetAccount", none, codes.Unauthenticated, "Auth token invalid", "authorization", key)
	s.refused("GetAccount", none, codes.Unauthenticated, "Auth token invalid", "authorization", s.bearer, "authorization", s.bearer)
	s.refused("AuthenticateDevice", &api.AuthenticateDeviceRequest{}, codes.Unauthenticated, "Server key required")
	s.refused("AuthenticateDevice", &api.AuthenticateDeviceRequest{}, codes.Unauthenticated, "Server key invalid", "authorization", basic("x"))
	if err := s.invoke("Healthcheck", none, &emptypb.Empty{}, "authorization", "nonsense"); err != nil {
		t.Errorf("Healthcheck: %v", err)
	}
	for _, refusal := range []*errs.Error{errs.New(errs.NotFound, "Account not found."), errs.New(1234, "own")} {
		s.Answer(func(context.Context, op.Caller, proto.Message) (proto.Message, error) { return nil, refusal })
		s.refused("GetAccount", none, codes.Code(refusal.Code), refusal.Message, "authorization", s.bearer)
	}
	s.Answer(func(context.Context, op.Caller, proto.Message) (proto.Message, error) {
		return nil, errors.New("disk on fire")
	})
	s.refused("GetAccount", none, codes.Internal, "Internal server error.", "authorization", s.bearer)
	s.Answer(func(context.Context, op.Caller, proto.Message) (proto.Message, error) { panic("oh no") })
	s.refused("GetAccount", none, codes.Internal, "Internal server error.", "authorization", s.bearer)
	if log := s.Log.String(); !strings.Contains(log, "disk on fire") || !strings.Contains(log, "oh no") {
		t.Errorf("log %q", log)
	}

	var trailer metadata.MD
	s.Answer(func(context.Context, op.Caller, proto.Message) (proto.Message, error) {
		return nil, errs.New(errs.ResourceExhausted, "Too many requests.").After(7)
	})
	ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", s.bearer)
	err := s.conn.Invoke(ctx, "/nakama.api.Nakama/GetAccount", none, none, grpc.Trailer(&trailer))
	if status.Code(err) != codes.ResourceExhausted || len(trailer["retry-after"]) != 1 || trailer["retry-after"][0] != "7" {
		t.Errorf("limited: %v, trailer %v", err, trailer)
	}
}

func TestTooLarge(t *testing.T) {
	s := start(t, nil)
	in := &api.Event{Name: strings.Repeat("n", limit)}
	s.refused("Event", in, codes.ResourceExhausted, fmt.Sprintf("grpc: received message larger than max (%d vs. %d)", proto.Size(in), limit), "authorization", s.bearer)
	ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", s.bearer)
	err := s.conn.Invoke(ctx, "/nakama.api.Nakama/Event", in, &emptypb.Empty{}, grpc.UseCompressor(gzip.Name))
	if status.Code(err) != codes.ResourceExhausted || len(s.Calls()) != 0 {
		t.Errorf("inflated: %v", err)
	}
}

// garbage is a codec that sends what it is given.
type garbage struct{}

func (garbage) Marshal(v any) ([]byte, error)   { return v.([]byte), nil }
func (garbage) Unmarshal(b []byte, v any) error { return nil }
func (garbage) Name() string                    { return "proto" }

func TestGarbageIsRefused(t *testing.T) {
	s := start(t, nil)
	ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", s.bearer)
	for _, bytes := range []string{"\xff", "\x0a\x02\xff\xfe", strings.Repeat("\x0b", 50_000)} {
		err := s.conn.Invoke(ctx, "/nakama.api.Nakama/Event", []byte(bytes), nil, grpc.ForceCodec(garbage{}))
		if err == nil || len(s.Calls()) != 0 {
			t.Errorf("%.10q was taken: %v", bytes, err)
		}
	}
	if err := s.invoke("GetAccount", &emptypb.Empty{}, &api.Account{}, "authorization", s.bearer); err != nil {
		t.Errorf("the server is not well afterwards: %v", err)
	}
}

func TestFunctions(t *testing.T) {
	var seen rpc.Request
	s := start(t, map[string]rpc.Func{
		"echo": func(_ context.Context, c op.Caller, r rpc.Request) (string, error) {
			seen = r
			return c.Username + " " + r.Payload, nil
		},
		"plain":   func(context.Context, op.Caller, rpc.Request) (string, error) { return "", errors.New("plain trouble") },
		"refused": func(context.Context, op.Caller, rpc.Request) (string, error) { return "", errs.New(1234, "own code") },
	})
	got := &api.Rpc{}
	if err := s.invoke("RpcFunc", &api.Rpc{Id: "ECHO", Payload: "hi"}, got, "authorization", s.bearer, "x-game", "1"); err != nil || !proto.Equal(got, &api.Rpc{Payload: "al hi"}) {
		t.Errorf("answer %v, %v", got, err)
	}
	if h := seen.Headers["x-game"]; len(h) != 1 || h[0] != "1" {
		t.Errorf("headers %v", seen.Headers)
	}
	if err := s.invoke("RpcFunc", &api.Rpc{Id: "echo", HttpKey: gatewaytest.HTTPKey}, got); err != nil || got.Payload != " " {
		t.Errorf("with the key: %v, %v", got, err)
	}
	s.refused("RpcFunc", &api.Rpc{Id: "echo"}, codes.Unauthenticated, "Auth token or HTTP key required")
	s.refused("RpcFunc", &api.Rpc{Id: "echo", HttpKey: "x"}, codes.Unauthenticated, "HTTP key invalid")
	s.refused("RpcFunc", &api.Rpc{Id: "echo"}, codes.Unauthenticated, "Auth token invalid", "authorization", "Bearer x")
	s.refused("RpcFunc", &api.Rpc{}, codes.InvalidArgument, "RPC ID must be set", "authorization", s.bearer)
	s.refused("RpcFunc", &api.Rpc{Id: "nope"}, codes.NotFound, "RPC function not found", "authorization", s.bearer)
	s.refused("RpcFunc", &api.Rpc{Id: "plain"}, codes.Internal, "plain trouble", "authorization", s.bearer)
	s.refused("RpcFunc", &api.Rpc{Id: "refused"}, codes.Code(1234), "own code", "authorization", s.bearer)
}

func TestHealthAndStop(t *testing.T) {
	s := start(t, nil)
	probe := healthpb.NewHealthClient(s.conn)
	f := func(want healthpb.HealthCheckResponse_ServingStatus) {
		t.Helper()
		for _, service := range []string{"", ServiceName} {
			got, err := probe.Check(t.Context(), &healthpb.HealthCheckRequest{Service: service})
			if err != nil || got.Status != want {
				t.Errorf("service %q: %v, %v, want %v", service, got, err, want)
			}
		}
	}
	f(healthpb.HealthCheckResponse_SERVING)
	s.SetReady(false)
	f(healthpb.HealthCheckResponse_NOT_SERVING)
	s.SetReady(true)
	f(healthpb.HealthCheckResponse_SERVING)

	// Stop lets a call under way end.
	began, finish := make(chan struct{}), make(chan struct{})
	s.Answer(func(context.Context, op.Caller, proto.Message) (proto.Message, error) {
		close(began)
		<-finish
		return &api.Account{CustomId: "late"}, nil
	})
	answered := make(chan error, 1)
	got := &api.Account{}
	go func() {
		answered <- s.invoke("GetAccount", &emptypb.Empty{}, got, "authorization", s.bearer)
	}()
	<-began
	watching, enough := context.WithCancel(t.Context())
	watch, err := probe.Watch(watching, &healthpb.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	stopped := make(chan struct{})
	go func() {
		s.Stop(context.Background())
		close(stopped)
	}()
	for is := healthpb.HealthCheckResponse_SERVING; is == healthpb.HealthCheckResponse_SERVING; {
		said, err := watch.Recv()
		if err != nil {
			t.Fatal(err)
		}
		is = said.Status // told before anything ends
	}
	enough()
	close(finish)
	if err := <-answered; err != nil || got.CustomId != "late" {
		t.Errorf("the call under way got %v, %v", got, err)
	}
	<-stopped
}
