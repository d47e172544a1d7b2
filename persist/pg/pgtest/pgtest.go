// Package pgtest starts a throw-away PostgreSQL for tests: one server a test binary, one database a test.
package pgtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Server is a running PostgreSQL in a temporary folder.
type Server struct {
	dir, bin string
	settings []string
	port     int
	cmd      *exec.Cmd
	count    atomic.Int64
}

// Main is TestMain of a package whose tests need PostgreSQL: it starts a server, runs the tests and stops it.
// The program fails with a sentence that says what to install when there is none.
func Main(m *testing.M, server **Server) {
	s, err := Start(Hasty)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	*server = s
	code := m.Run()
	s.Stop()
	os.Exit(code)
}

// Hasty is a setting for tests: a server that is killed loses nothing, only a machine that stops would.
const Hasty = "fsync=off"

// Start initialises and starts a server on a free loopback port, with its own defaults but for these name=value settings.
func Start(settings ...string) (*Server, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "skirmish-pg")
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir, bin: bin, settings: settings}
	if err := s.start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return s, nil
}

// binaries is the folder of initdb and postgres: of the PATH, or where Debian keeps them.
func binaries() (string, error) {
	folders, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return "", err
	}
	for _, dir := range folders {
		if _, err := os.Stat(filepath.Join(dir, "initdb")); err == nil {
			return dir, nil
		}
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	return "", errors.New("these tests need PostgreSQL: apt-get install postgresql (or put initdb and postgres in the PATH)")
}

func (s *Server) start() error {
	if err := owner(s.dir); err != nil {
		return err
	}
	data := filepath.Join(s.dir, "data")
	if out, err := s.command("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync").CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	port, err := freePort()
	if err != nil {
		return err
	}
	s.port = port
	return s.Restart()
}

// freePort is one below those that the system gives to connections: a test that kills its server wants it back.
func freePort() (int, error) {
	for range 100 {
		port := 15000 + rand.IntN(15000)
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			return port, l.Close()
		}
	}
	return 0, errors.New("no free port between 15000 and 30000")
}

// Restart starts the server again after Kill, and waits until it answers.
func (s *Server) Restart() error {
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	args := []string{"-D", filepath.Join(s.dir, "data"), "-p", fmt.Sprint(s.port), "-k", s.dir}
	for _, setting := range append([]string{"listen_addresses=127.0.0.1", "max_connections=200", "shared_buffers=64MB", "deadlock_timeout=50ms"}, s.settings...) {
		args = append(args, "-c", setting)
	}
	s.cmd = s.command("postgres", args...)
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := startBound(s.cmd); err != nil {
		return fmt.Errorf("start postgres: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, s.DSN("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-ctx.Done():
			text, _ := os.ReadFile(filepath.Join(s.dir, "log"))
			return fmt.Errorf("postgres does not answer: %w\n%s", err, text)
		case <-time.After(50 * time.Millisecond): // it has no signal for "ready" but its answer
		}
	}
}

// PID is the server's first process, the parent of all others.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Kill ends the server at once, as a crash would.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
	_ = os.Remove(filepath.Join(s.dir, "data", "postmaster.pid"))
}

// Stop ends the server and removes its folder.
func (s *Server) Stop() {
	s.Kill()
	_ = os.RemoveAll(s.dir)
}

// Missing is the address of a database that does not exist, and that the test may create; it is dropped at the end.
func (s *Server) Missing(t testing.TB) string {
	name := fmt.Sprintf("test%d", s.count.Add(1))
	s.dropAtEnd(t, name)
	return s.DSN(name)
}

// DSN is the address of a database, which need not exist.
func (s *Server) DSN(database string) string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/%s?sslmode=disable", s.port, database)
}

// Database makes an empty database for one test, runs the statements in it, and returns its address.
func (s *Server) Database(t testing.TB, statements ...string) string {
	t.Helper()
	return s.DatabaseWith(t, "", statements...)
}

// DatabaseWith is Database with options of CREATE DATABASE.
func (s *Server) DatabaseWith(t testing.TB, options string, statements ...string) string {
	t.Helper()
	name := fmt.Sprintf("test%d", s.count.Add(1))
	s.exec(t, s.DSN("postgres"), "CREATE DATABASE "+name+" "+options)
	s.dropAtEnd(t, name)
	s.exec(t, s.DSN(name), statements...)
	return s.DSN(name)
}

func (s *Server) dropAtEnd(t testing.TB, name string) {
	t.Cleanup(func() {
		conn, err := pgx.Connect(context.Background(), s.DSN("postgres"))
		if err != nil {
			return // the server is down: a test killed it last
		}
		defer conn.Close(context.Background())
		if _, err := conn.Exec(context.Background(), "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
}

func (s *Server) exec(t testing.TB, dsn string, statements ...string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	for _, sql := range statements {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", strings.SplitN(sql, "\n", 2)[0], err)
		}
	}
}
