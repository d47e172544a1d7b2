package e2e

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/skirmishgg/skirmish/persist/pg/pgtest"
)

var (
	postgres *pgtest.Server
	binary   string
)

// TestMain builds the binary and starts PostgreSQL; without either the tests fail.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "skirmish-e2e")
	if err == nil {
		binary = filepath.Join(dir, "skirmish")
		err = run("../../..", "go", "build", "-o", binary, "./cmd/skirmish")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer os.RemoveAll(dir)
	pgtest.Main(m, &postgres)
}

func run(dir, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %v: %w\n%s", name, args, err, out)
	}
	return nil
}

// eachStore runs f against a server on the embedded store and against one on PostgreSQL, with these arguments.
func eachStore(t *testing.T, f func(t *testing.T, s *server), args ...string) {
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		f(t, start(t, args...))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		dsn := postgres.Database(t)
		if err := run(".", binary, "migrate", "up", "--database.address", dsn); err != nil {
			t.Fatal(err)
		}
		f(t, start(t, append(args[:len(args):len(args)], "--database.address", dsn)...))
	})
}

// server is a running binary.
type server struct {
	port int // REST, WebSocket and UDP; gRPC is one below
	dir  string
	args []string // besides ports and folder
	cmd  *exec.Cmd
	log  *logBuffer
	done chan struct{} // closed when the process has ended
}

// start runs the binary on free ports and waits until it is healthy; the test's end stops it.
func start(t *testing.T, args ...string) *server {
	t.Helper()
	s := &server{port: freePorts(t), dir: t.TempDir(), log: &logBuffer{}, done: make(chan struct{})}
	s.args = args
	s.run(t, args...)
	t.Cleanup(func() {
		s.stop(t)
		if t.Failed() {
			t.Logf("the server's log:\n%s", s.log.tail(8000))
		}
	})
	return s
}

func (s *server) run(t *testing.T, args ...string) {
	t.Helper()
	args = append([]string{
		"--socket.address", "127.0.0.1", "--socket.port", strconv.Itoa(s.port), "--console.address", "127.0.0.1", "--console.port", strconv.Itoa(s.port + 1),
		"--data_dir", s.dir, "--logger.level", "warn", "--rate_limit.enabled=false",
		"--leaderboard.definitions", "testdata/boards.json",
	}, args...)
	s.cmd = exec.Command(binary, args...)
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.cmd.Wait(); close(s.done) }() // ends with the process
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		if r, err := http.Get(s.url("/healthcheck")); err == nil {
			r.Body.Close()
			return
		}
		select {
		case <-s.done:
			t.Fatalf("the server ended:\n%s", s.log.tail(4000))
		case <-ctx.Done():
			t.Fatalf("the server does not answer:\n%s", s.log.tail(4000))
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// stop asks the process to end and fails the test when it does not, or not well.
func (s *server) stop(t *testing.T) {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.done:
		if code := s.cmd.ProcessState.ExitCode(); code != 0 && code != -1 {
			t.Errorf("the server ended with code %d", code)
		}
	case <-time.After(20 * time.Second):
		_ = s.cmd.Process.Kill()
		t.Error("the server did not stop within 20 s")
	}
}

func (s *server) url(path string) string { return fmt.Sprintf("http://127.0.0.1:%d%s", s.port, path) }

// freePorts is a port that is free together with its neighbours: the server derives others from it.
func freePorts(t *testing.T) int {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		l.Close()
		if claim(port) {
			return port
		}
	}
	t.Fatal("no free ports")
	return 0
}

var claimed struct {
	sync.Mutex
	ports map[int]bool
}

// claim takes port-3 to port+1 for one server, if nobody has them.
func claim(port int) bool {
	claimed.Lock()
	defer claimed.Unlock()
	if claimed.ports == nil {
		claimed.ports = map[int]bool{}
	}
	for p := port - 3; p <= port+1; p++ {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", p))
		if err != nil || claimed.ports[p] {
			return false
		}
		l.Close()
	}
	for p := port - 3; p <= port+1; p++ {
		claimed.ports[p] = true
	}
	return true
}

// logBuffer collects what the server says.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) tail(n int) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.buf.Bytes()
	return string(all[max(0, len(all)-n):])
}
