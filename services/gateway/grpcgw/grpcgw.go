// Package grpcgw is the gRPC door: service nakama.api.Nakama with a method for every operation of the catalogue that
// has an HTTP rule, built in a loop and without generated stubs, and the standard health service beside it.
//
// The life of a call: gRPC reads and inflates the message, the method decodes it, asks gateway.Caller with the
// authorization metadata, invokes, and answers or refuses with the refusal's code and text.
package grpcgw

import (
	"context"
	"crypto/tls"
	"net"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	_ "google.golang.org/grpc/encoding/gzip" // clients may compress their messages
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/gateway"
	"github.com/skirmishgg/skirmish/services/rpc"
)

// ServiceName is the service clients call.
const ServiceName = "nakama.api.Nakama"

// Config is what the door is made of.
type Config struct {
	Door            *gateway.Door // its registry is sealed
	MaxRequestBytes int           // of a message, as sent and inflated
	TLS             *tls.Config   // nil: in the clear
}

// Server answers gRPC calls.
type Server struct {
	door   *gateway.Door
	server *grpc.Server
	health *health.Server
}

// Limits on connections. A game client makes few calls at a time and may idle for hours; what is here keeps a broken
// or hostile one from costing more than its socket.
const (
	streamsMax         = 128              // calls under way on one connection
	headerBytesMax     = 16 << 10         // of metadata
	connectTimeout     = 10 * time.Second // until the HTTP/2 preface is there
	pingAfter          = time.Minute      // of silence, to find peers that are gone
	pingTimeout        = 20 * time.Second
	clientPingInterval = 5 * time.Second // clients that ping more often are sent away
)

// New makes a server of the registry's operations.
func New(c Config) *Server {
	options := []grpc.ServerOption{
		grpc.MaxRecvMsgSize(c.MaxRequestBytes),
		grpc.MaxConcurrentStreams(streamsMax),
		grpc.MaxHeaderListSize(headerBytesMax),
		grpc.ConnectionTimeout(connectTimeout),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: pingAfter, Timeout: pingTimeout}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: clientPingInterval, PermitWithoutStream: true}),
	}
	if c.TLS != nil {
		options = append(options, grpc.Creds(credentials.NewTLS(c.TLS)))
	}
	s := &Server{door: c.Door, server: grpc.NewServer(options...), health: health.NewServer()}
	service := grpc.ServiceDesc{ServiceName: ServiceName, HandlerType: (*any)(nil)}
	for _, e := range c.Door.Registry.Entries() {
		if len(e.Spec.HTTP) > 0 && e.Spec.Auth != op.Console {
			service.Methods = append(service.Methods, s.method(e))
		}
	}
	s.server.RegisterService(&service, s)
	healthpb.RegisterHealthServer(s.server, s.health)
	s.health.SetServingStatus(ServiceName, healthpb.HealthCheckResponse_SERVING)
	return s
}

// Serve answers calls on l until Stop; then it returns nil.
func (s *Server) Serve(l net.Listener) error { return s.server.Serve(l) }

// SetReady is what the health service tells: whether players should be sent here. Calls are answered either way.
func (s *Server) SetReady(ready bool) {
	is := healthpb.HealthCheckResponse_NOT_SERVING
	if ready {
		is = healthpb.HealthCheckResponse_SERVING
	}
	s.health.SetServingStatus("", is)
	s.health.SetServingStatus(ServiceName, is)
}

// Stop takes no new calls and waits for those under way until ctx ends; the rest are cut off. It returns when it is over.
func (s *Server) Stop(ctx context.Context) {
	s.health.Shutdown()
	cut := context.AfterFunc(ctx, s.server.Stop)
	defer cut()
	s.server.GracefulStop()
}

func (s *Server) method(e *op.Entry) grpc.MethodDesc {
	return grpc.MethodDesc{
		MethodName: e.Spec.Name,
		Handler: func(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			return s.serve(ctx, e, decode)
		},
	}
}

func (s *Server) serve(ctx context.Context, e *op.Entry, decode func(any) error) (out any, err error) {
	// gRPC lets a panic end the process. Operations have their own net in Door.Call; this one is for the door.
	defer func() {
		if p := recover(); p != nil {
			s.door.Log.Error("gRPC call panicked", "operation", e.Spec.Name, "panic", p, "stack", string(debug.Stack()))
			out, err = nil, status.Error(codes.Internal, "Internal server error.")
		}
	}()
	in := e.Request.New().Interface()
	if err := decode(in); err != nil {
		return nil, err
	}
	caller, ctx, refusal := s.caller(ctx, e, in)
	if refusal != nil {
		return nil, told(ctx, refusal)
	}
	answer, refusal := s.door.Invoke(ctx, e, caller, in)
	if refusal != nil {
		return nil, told(ctx, refusal)
	}
	if called, ok := answer.(*api.Rpc); ok {
		called.Id = "" // the socket echoes it, gRPC does not
	}
	return answer, nil
}

func told(ctx context.Context, refusal *errs.Error) error {
	if refusal.RetryAfter > 0 {
		_ = grpc.SetTrailer(ctx, metadata.Pairs("retry-after", strconv.Itoa(refusal.RetryAfter))) // fails after the answer only
	}
	return status.Error(codes.Code(refusal.Code), refusal.Message)
}

var errNoMetadata = errs.New(errs.FailedPrecondition, "Cannot extract metadata from incoming context")

func (s *Server) caller(ctx context.Context, e *op.Entry, in proto.Message) (op.Caller, context.Context, *errs.Error) {
	md, ok := metadata.FromIncomingContext(ctx)
	if !ok {
		return op.Caller{}, ctx, errNoMetadata
	}
	remote := ""
	if p, ok := peer.FromContext(ctx); ok {
		remote = p.Addr.String()
	}
	httpKey := ""
	if called, ok := in.(*api.Rpc); ok {
		httpKey = called.HttpKey
		ctx = rpc.With(ctx, calledWith(md))
	}
	c, refusal := s.door.Caller(e, md["authorization"], httpKey, s.door.ClientIP(remote, md["x-forwarded-for"]))
	c.ClientPort = s.door.ClientPort(remote, md["x-forwarded-for"])
	if authority := md[":authority"]; len(authority) == 1 {
		c.Host = authority[0]
	}
	return c, ctx, refusal
}

// calledWith is what functions see of the metadata: keys that begin with q_ stand for what would be the query over HTTP.
func calledWith(md metadata.MD) *rpc.Called {
	called := &rpc.Called{Headers: make(map[string][]string, len(md)), Query: map[string][]string{}}
	for key, values := range md {
		if name, ok := strings.CutPrefix(key, "q_"); ok {
			called.Query[name] = values
		} else {
			called.Headers[key] = values
		}
	}
	return called
}
