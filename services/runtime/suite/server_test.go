package suite

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/skirmishgg/skirmish/persist/pg/migrate"
	"github.com/skirmishgg/skirmish/persist/pg/pgtest"
	"github.com/skirmishgg/skirmish/services/config"
	"github.com/skirmishgg/skirmish/services/node"
)

var postgres *pgtest.Server

func TestMain(m *testing.M) { pgtest.Main(m, &postgres) }

// server is a node with modules.
type server struct {
	*node.Node
	url string
}

const httpKey = "suite"

// start starts a server on a fresh store, "embedded" or "postgres", with the modules of a folder.
func start(t *testing.T, store, modules string, more ...string) *server {
	t.Helper()
	root, err := filepath.Abs(modules)
	if err != nil {
		t.Fatal(err)
	}
	args := []string{
		"--socket.address=127.0.0.1", "--socket.port=0", "--console.address=127.0.0.1", "--data_dir=" + t.TempDir(), "--rate_limit.enabled=false", "--udp.shards=1",
		"--name=suite", "--runtime.path=" + root, "--runtime.http_key=" + httpKey, "--runtime.env=greeting=hello", "--match.label_update_interval_ms=1",
	}
	if store == "postgres" {
		address := postgres.Database(t)
		if _, err := migrate.Up(t.Context(), address, 0); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--database.address="+address)
	}
	flags, rest := config.Split(append(args, more...))
	if len(rest) > 0 {
		t.Fatalf("flags that are none: %v", rest)
	}
	settings, err := config.Load(config.Sources{Flags: flags, Generate: true})
	if err != nil {
		t.Fatal(err)
	}
	n, err := node.Start(node.Config{Settings: settings, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), KeepMaxProcs: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := n.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return &server{n, "http://" + n.HTTPAddr().String()}
}

// rpc calls a function as a server does, and must be answered.
func (s *server) rpc(t *testing.T, id, payload string) string {
	t.Helper()
	status, answer := s.post(t, "/v2/rpc/"+id+"?unwrap&http_key="+httpKey, "", payload)
	if status != http.StatusOK {
		t.Fatalf("%s: %d %s", id, status, answer)
	}
	return answer
}

// post sends a request and gives its answer. authorization may be "".
func (s *server) post(t *testing.T, path, authorization, body string) (status int, answer string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+path, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}
