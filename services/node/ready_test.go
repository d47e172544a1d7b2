package node

import (
	"net/http"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
)

// TestReadyUntilDrained: a load balancer hears of a drain while calls are still answered.
func TestReadyUntilDrained(t *testing.T) {
	for _, store := range []string{"embedded", "postgres"} {
		t.Run(store, func(t *testing.T) {
			n := startOn(t, store)
			status := func(path string) int {
				r, err := http.Get("http://" + n.HTTPAddr().String() + path)
				if err != nil {
					t.Fatal(err)
				}
				r.Body.Close()
				return r.StatusCode
			}
			if got := status("/readyz"); got != http.StatusOK {
				t.Errorf("/readyz answers %d", got)
			}
			if err := n.Drain(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := status("/readyz"); got != http.StatusServiceUnavailable {
				t.Errorf("/readyz answers %d while draining", got)
			}
			if got := serving(t, n); got != grpc_health_v1.HealthCheckResponse_NOT_SERVING {
				t.Errorf("gRPC's health answers %v while draining", got)
			}
			if got := status("/healthcheck"); got != http.StatusOK {
				t.Errorf("/healthcheck answers %d while draining", got)
			}
		})
	}
}

func serving(t *testing.T, n *Node) grpc_health_v1.HealthCheckResponse_ServingStatus {
	t.Helper()
	conn, err := grpc.NewClient(n.GRPCAddr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	answer, err := grpc_health_v1.NewHealthClient(conn).Check(t.Context(), &grpc_health_v1.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	return answer.Status
}
