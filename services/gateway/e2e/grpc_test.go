package e2e

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// grpcClient calls methods of the API by their names, with one authorization.
type grpcClient struct {
	conn          *grpc.ClientConn
	authorization string
}

func (c grpcClient) call(method string, in, out proto.Message, opts ...grpc.CallOption) error {
	ctx := context.Background()
	if c.authorization != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", c.authorization)
	}
	return c.conn.Invoke(ctx, "/nakama.api.Nakama/"+method, in, out, opts...)
}

func basic(user string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":")) }

func wantStatus(t *testing.T, err error, code codes.Code, message string) {
	t.Helper()
	if s := status.Convert(err); s.Code() != code || s.Message() != message {
		t.Errorf("got %d %q, want %d %q", s.Code(), s.Message(), code, message)
	}
}

func TestGRPC(t *testing.T) {
	eachStore(t, func(t *testing.T, s *server) {
		conn, err := grpc.NewClient(fmt.Sprintf("127.0.0.1:%d", s.port-1), grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		nobody, key := grpcClient{conn: conn}, grpcClient{conn, basic("defaultkey")}

		var session api.Session
		device := &api.AuthenticateDeviceRequest{Account: &api.AccountDevice{Id: "grpc-device-1"}, Username: "grace"}
		if err := key.call("AuthenticateDevice", device, &session); err != nil {
			t.Fatal(err)
		}
		if !session.Created || session.Token == "" {
			t.Errorf("session %v", &session)
		}
		grace := grpcClient{conn, "Bearer " + session.Token}

		var account api.Account
		if err := grace.call("GetAccount", &emptypb.Empty{}, &account, grpc.UseCompressor(gzip.Name)); err != nil || account.User.Username != "grace" {
			t.Errorf("GetAccount: %v, %v", &account, err)
		}
		write := &api.WriteStorageObjectsRequest{Objects: []*api.WriteStorageObject{{Collection: "c", Key: "k", Value: `{"a":1}`, PermissionRead: wrapperspb.Int32(2)}}}
		var acks api.StorageObjectAcks
		if err := grace.call("WriteStorageObjects", write, &acks); err != nil || len(acks.Acks) != 1 {
			t.Errorf("WriteStorageObjects: %v, %v", &acks, err)
		}

		wantStatus(t, nobody.call("AuthenticateDevice", device, &session), codes.Unauthenticated, "Server key required")
		wantStatus(t, grpcClient{conn, basic("wrong")}.call("AuthenticateDevice", device, &session), codes.Unauthenticated, "Server key invalid")
		wantStatus(t, nobody.call("GetAccount", &emptypb.Empty{}, &account), codes.Unauthenticated, "Auth token required")
		wantStatus(t, key.call("GetAccount", &emptypb.Empty{}, &account), codes.Unauthenticated, "Auth token invalid")
		wantStatus(t, key.call("AuthenticateEmail", &api.AuthenticateEmailRequest{}, &session), codes.InvalidArgument, "Email address and password is required.")
		wantStatus(t, grace.call("Nope", &emptypb.Empty{}, &emptypb.Empty{}), codes.Unimplemented, "unknown method Nope for service nakama.api.Nakama")
		wantStatus(t, nobody.call("RpcFunc", &api.Rpc{Id: "f"}, &api.Rpc{}), codes.Unauthenticated, "Auth token or HTTP key required")
		wantStatus(t, nobody.call("RpcFunc", &api.Rpc{Id: "f", HttpKey: "wrong"}, &api.Rpc{}), codes.Unauthenticated, "HTTP key invalid")
		wantStatus(t, grace.call("RpcFunc", &api.Rpc{Id: "f"}, &api.Rpc{}), codes.NotFound, "RPC function not found")

		large := &api.WriteStorageObjectsRequest{Objects: []*api.WriteStorageObject{{Collection: "c", Key: "k", Value: strings.Repeat(" ", 300000)}}}
		wantStatus(t, grace.call("WriteStorageObjects", large, &acks), codes.ResourceExhausted,
			fmt.Sprintf("grpc: received message larger than max (%d vs. 262144)", proto.Size(large)))

		health, err := grpc_health_v1.NewHealthClient(conn).Check(context.Background(), &grpc_health_v1.HealthCheckRequest{})
		if err != nil || health.Status != grpc_health_v1.HealthCheckResponse_SERVING {
			t.Errorf("health: %v, %v", health, err)
		}
	})
}

// TestRestart: what was acknowledged is there after a restart, and what was revoked stays revoked.
func TestRestart(t *testing.T) {
	t.Parallel()
	s := start(t)
	call := func(token, method string, in, out proto.Message) error {
		conn, err := grpc.NewClient(fmt.Sprintf("127.0.0.1:%d", s.port-1), grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return grpcClient{conn, token}.call(method, in, out)
	}
	sessions := map[string]string{}
	for _, name := range []string{"stays", "leaves"} {
		var session api.Session
		in := &api.AuthenticateDeviceRequest{Account: &api.AccountDevice{Id: "restart-" + name}, Username: name}
		if err := call(basic("defaultkey"), "AuthenticateDevice", in, &session); err != nil {
			t.Fatal(err)
		}
		sessions[name] = session.Token
	}
	if err := call("Bearer "+sessions["leaves"], "SessionLogout", &api.SessionLogoutRequest{Token: sessions["leaves"]}, &emptypb.Empty{}); err != nil {
		t.Fatal(err)
	}

	s.stop(t)
	s.done = make(chan struct{})
	s.run(t)

	var account api.Account
	if err := call("Bearer "+sessions["stays"], "GetAccount", &emptypb.Empty{}, &account); err != nil || account.User.Username != "stays" {
		t.Errorf("after a restart: %v, %v", &account, err)
	}
	wantStatus(t, call("Bearer "+sessions["leaves"], "GetAccount", &emptypb.Empty{}, &account), codes.Unauthenticated, "Auth token invalid")
}
