package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/skirmishgg/skirmish/persist/pg/pgtest"
	skirmish "github.com/skirmishgg/skirmish/sdk-gen/base/go"
)

// asProgram in the environment makes this test binary the program itself: it is what the tests run.
const asProgram = "SKIRMISH_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	code := m.Run()
	if postgres.server != nil {
		postgres.server.Stop()
	}
	os.Exit(code)
}

// postgres starts with the first test that needs it.
var postgres struct {
	once   sync.Once
	server *pgtest.Server
	err    error
}

// deadline ends a program that a test waits for in vain.
const deadline = 2 * time.Minute

// command is the program in a folder of its own, with nothing of ours in the environment but env.
func command(t *testing.T, env []string, args ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	t.Cleanup(cancel)
	c := exec.CommandContext(ctx, exe, args...)
	c.Dir = t.TempDir()
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "SKIRMISH_") {
			c.Env = append(c.Env, v)
		}
	}
	c.Env = append(append(c.Env, asProgram+"=1"), env...)
	return c
}

// want runs a command to its end and looks for patterns in all that it wrote.
func want(t *testing.T, c *exec.Cmd, code int, patterns ...string) (stdout string) {
	t.Helper()
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	err := c.Run()
	if c.ProcessState == nil {
		t.Fatal(err)
	}
	if got := c.ProcessState.ExitCode(); got != code {
		t.Errorf("%q exits with %d, want %d\n%s%s", c.Args[1:], got, code, out.Bytes(), errs.Bytes())
	}
	for _, p := range patterns {
		if !regexp.MustCompile(p).MatchString(out.String() + errs.String()) {
			t.Errorf("%q does not say %q\n%s%s", c.Args[1:], p, out.Bytes(), errs.Bytes())
		}
	}
	return out.String()
}

func TestHelpAndVersion(t *testing.T) {
	t.Parallel()
	want(t, command(t, nil, "--version"), exitOK, `^\S+\+\w+\n$`)
	want(t, command(t, nil, "version"), exitOK, `^skirmish \S+ go1\.\d+`)
	help := want(t, command(t, nil, "--help"), exitOK, "skirmish demo", "migrate", "doctor", "SKIRMISH_SOCKET_PORT")
	serve := want(t, command(t, nil, "serve", "--help"), exitOK, "leaderboard", "config help SECTION", "--arena")
	for _, text := range []string{help, serve} {
		if lines := strings.Count(text, "\n"); lines > 70 {
			t.Errorf("the help has %d lines: nobody reads that", lines)
		}
	}
	want(t, command(t, nil, "config", "help", "socket"), exitOK, `--socket\.ping_period_ms  \(integer, default 15000`)
	want(t, command(t, nil, "config", "help", "sokcet"), exitFailed, "Did you mean socket")
}

// TestUsage: a command line that makes no sense is 2, one that asks for what does not work is 1.
func TestUsage(t *testing.T) {
	t.Parallel()
	want(t, command(t, nil, "--nmae=x"), exitUsage, "unknown flag --nmae")
	want(t, command(t, nil, "dance"), exitUsage, "dance")
	want(t, command(t, nil, "version", "--socket.port=1"), exitUsage, "unknown flag")
	want(t, command(t, nil, "--socket.port=1", "version"), exitUsage, "version takes no settings, but got socket.port")
	want(t, command(t, nil, "config", "validate", "--socket.prot=1"), exitFailed, `Did you mean --socket\.port\?`)
	want(t, command(t, nil, "--name="), exitFailed, `"level":"fatal",.*"msg":"Name must be 1-16 characters","param":"name","source":"--name"`)
	want(t, command(t, nil, "--logger.format=text", "--name="), exitFailed, `(?m)^  name \(--name\): Name must be 1-16 characters$`)
	want(t, command(t, nil, "--config", "nothing.yml"), exitFailed, `"param":"config"`)
	want(t, command(t, nil, "bot", "nothing"), exitUsage, "nothing")
}

// TestStartScripts are ways in which servers are started today, each asked what it understood.
func TestStartScripts(t *testing.T) {
	t.Parallel()
	f := func(env, args []string, want ...string) {
		t.Helper()
		c := command(t, env, append(args, "config", "print", "--json")...)
		if err := os.WriteFile(filepath.Join(c.Dir, "local.yml"), []byte("name: file\nlogger:\n  level: DEBUG\nruntime:\n  env:\n    - A=1\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		var out, errs bytes.Buffer
		c.Stdout, c.Stderr = &out, &errs
		if err := c.Run(); err != nil {
			t.Fatalf("%q: %v\n%s", args, err, errs.Bytes())
		}
		got := map[string]string{}
		for dec := json.NewDecoder(&out); ; {
			var line struct {
				Key, Source string
				Value       any
			}
			if err := dec.Decode(&line); err == io.EOF {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			got[line.Key] = fmt.Sprint(line.Value)
		}
		for _, w := range want {
			if key, value, _ := strings.Cut(w, "="); got[key] != value {
				t.Errorf("%q: %s is %s, want %s", args, key, got[key], value)
			}
		}
	}
	f(nil, []string{"--name", "nakama1", "--database.address", "postgres:localdb@postgres:5432/nakama", "--logger.level", "DEBUG", "--session.token_expiry_sec", "7200", "--metrics.prometheus_port", "9100"},
		"name=nakama1", "database.address=[postgresql://postgres:********@postgres:5432/nakama?sslmode=prefer]", "logger.level=debug", "session.token_expiry_sec=7200", "metrics.prometheus_port=9100")
	f(nil, []string{"--config", "local.yml", "--database.address=root@cockroachdb:26257", "--runtime.env", "B=2", "--runtime.http_key=k"},
		"name=file", "database.address=[postgresql://root@cockroachdb:26257/nakama?sslmode=prefer]", "logger.level=debug", "runtime.env=[A=******** B=********]", "runtime.http_key=********")
	f(nil, []string{"-socket.port=7400", "-console.port", "7401", "--runtime.path", "/srv/modules", "--data_dir=/srv/data"},
		"socket.port=7400", "console.port=7401", "runtime.path=/srv/modules", "data_dir=/srv/data", "udp.port=7400")
	f([]string{"SKIRMISH_CONFIG=local.yml", "SKIRMISH_SOCKET_PORT=7400", "SKIRMISH_NAME="}, nil, "name=file", "socket.port=7400")
	f([]string{"SKIRMISH_NAME=env"}, []string{"--name=flag"}, "name=flag")
}

func TestConfigCommands(t *testing.T) {
	t.Parallel()
	want(t, command(t, nil, "config", "validate"), exitOK, "The configuration is valid", `warning: socket\.server_key: WARNING: insecure default`)
	want(t, command(t, nil, "check", "--udp.public_addresses=127.0.0.1:7350"), exitOK, "which is this machine only")
	want(t, command(t, nil, "config", "validate", "--console.password=password"), exitFailed, "everybody knows these secrets", `console\.password \(--console\.password\)`)
	changed := want(t, command(t, nil, "config", "print", "--changed", "--socket.port=7400"), exitOK, `port: 7400 +# --socket\.port`)
	if strings.Contains(changed, "# default") {
		t.Error(changed)
	}
	want(t, command(t, nil, "config", "print", "--name="), exitFailed, `name: "" +# --name`, "Name must be")
	var schema map[string]any
	if err := json.Unmarshal([]byte(want(t, command(t, nil, "config", "schema"), exitOK)), &schema); err != nil || schema["title"] != "Skirmish" {
		t.Error(err)
	}
}

func TestHealthcheck(t *testing.T) {
	t.Parallel()
	var status int
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" || r.Method != http.MethodGet {
			status = http.StatusNotFound
		}
		w.WriteHeader(status)
	}))
	defer server.Close()
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	status = http.StatusOK
	want(t, command(t, nil, "healthcheck", port), exitOK, `^$`)
	want(t, command(t, []string{"SKIRMISH_SOCKET_PORT=" + port, "HTTP_PROXY=http://127.0.0.1:1"}, "healthcheck"), exitOK)
	for _, status = range []int{http.StatusServiceUnavailable, http.StatusNoContent, http.StatusFound} {
		want(t, command(t, nil, "healthcheck", port), exitFailed, `"msg":"healthcheck failed"`)
	}
	server.Close()
	want(t, command(t, nil, "healthcheck", port), exitFailed, `"msg":"healthcheck failed"`)
	want(t, command(t, nil, "healthcheck", "many"), exitUsage)

	secure := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	_, port, _ = net.SplitHostPort(secure.Listener.Addr().String())
	status = http.StatusOK
	want(t, command(t, nil, "healthcheck", port), exitOK)
	status = http.StatusServiceUnavailable
	want(t, command(t, nil, "healthcheck", port), exitFailed, `503`)
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	postgres.once.Do(func() { postgres.server, postgres.err = pgtest.Start() })
	if postgres.err != nil {
		t.Fatal(postgres.err)
	}
	dsn := postgres.server.Missing(t)
	env := []string{"SKIRMISH_DATABASE_ADDRESS=" + dsn}
	const first, last = `20180103142001_initial_schema\.sql`, `20260319134532-add-display-name-index\.sql`

	want(t, command(t, nil, "migrate"), exitFailed, `Unrecognized migrate subcommand. Available commands are: 'up', 'down', 'redo', 'status'\.`)
	want(t, command(t, nil, "migrate", "sideways"), exitFailed, `Unrecognized migrate subcommand`)
	want(t, command(t, nil, "migrate", "up"), exitFailed, `give --database\.address`)
	want(t, command(t, nil, "migrate", "up", "--socket.port=1"), exitFailed, `migrate takes --database\.address, .*, not --socket\.port`)
	want(t, command(t, nil, "migrate", "up", "--database.address="), exitFailed, `At least one database address must be specified`)

	want(t, command(t, env, "migrate", "status"), exitFailed, "run `skirmish migrate up`")
	want(t, command(t, nil, "migrate", "up", "--database.address", dsn, "--limit=2"), exitOK, first, `"count":2`)
	want(t, command(t, nil, "--database.address", dsn, "migrate", "status"), exitOK, first+` +20\d\d-`, last+` +pending`)
	// A file that a server would refuse migrates all the same.
	c := command(t, env, "migrate", "--logger.format=text", "up", "--config", "server.yml")
	if err := os.WriteFile(filepath.Join(c.Dir, "server.yml"), []byte("console: {password: password}\nruntime: {js_entrypoint: elsewhere.js}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	want(t, c, exitOK, `Applied migration +name=`+last)
	want(t, command(t, env, "migrate", "up"), exitOK, `"count":0`)

	want(t, command(t, env, "migrate", "down", "--yes"), exitFailed, "(?i)say how many migrations to revert")
	want(t, command(t, env, "migrate", "down", "--limit=0", "--yes"), exitFailed, "(?i)say how many migrations to revert")
	want(t, command(t, env, "migrate", "down", "--limit=1"), exitFailed, "Type yes to go on", "nothing was changed")
	c = command(t, env, "migrate", "down", "--limit", "1")
	c.Stdin = strings.NewReader("no\n")
	want(t, c, exitFailed, "nothing was changed")
	c = command(t, env, "migrate", "down", "--limit", "1")
	c.Stdin = strings.NewReader("yes\n")
	want(t, c, exitOK, `"msg":"Reverted migration"`, `"count":1`)
	want(t, command(t, env, "doctor", "--socket.port=0", "--console.port=0"), exitFailed, `FAIL +database .*1 pending`, "DB schema outdated, run `skirmish migrate up`")
	want(t, command(t, env, "migrate", "up"), exitOK, `"count":1`)
	want(t, command(t, env, "migrate", "redo", "--yes"), exitOK, `"count":2`)
	want(t, command(t, env, "doctor", "--socket.port=0", "--console.port=0"), exitOK, `ok +database +postgresql://.*migrations run`)
}

func TestDoctor(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	c := command(t, nil, "doctor", "--socket.port=0", "--console.port=0")
	want(t, c, exitOK, `match threads`, `UDP driver +(linux|portable)`, `data folder .* can be made`, `database +none: the embedded store`)
	if left, _ := os.ReadDir(c.Dir); len(left) > 0 {
		t.Error("a look has written:", left)
	}
	want(t, command(t, nil, "doctor", "--socket.address=127.0.0.1", "--console.port=0", "--socket.port="+port), exitFailed, `FAIL +REST, WebSocket port .*in use`)
	want(t, command(t, nil, "doctor", "--socket.port=0", "--console.port=0", "--database.address=u:hush@127.0.0.1:1/x"), exitFailed, `FAIL +database`)
	c = command(t, nil, "doctor", "--socket.port=0", "--console.port=0", "--data_dir=file/data")
	if err := os.WriteFile(filepath.Join(c.Dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	want(t, c, exitFailed, `FAIL +data folder`)
}

// server is a running program whose output is read line by line.
type server struct {
	t     *testing.T
	cmd   *exec.Cmd
	lines *bufio.Scanner
	seen  bytes.Buffer
}

// serve starts the program on free ports.
func serve(t *testing.T, dir string, args ...string) *server {
	t.Helper()
	c := command(t, nil, append([]string{"--socket.port=0", "--console.port=0", "--socket.address=127.0.0.1", "--console.address=127.0.0.1"}, args...)...)
	if dir != "" {
		c.Dir = dir
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill() }) // it has ended unless the test failed
	return &server{t: t, cmd: c, lines: bufio.NewScanner(out)}
}

// until reads to a line that matches.
func (s *server) until(pattern string) (line string) {
	s.t.Helper()
	re := regexp.MustCompile(pattern)
	for s.lines.Scan() {
		s.seen.Write(append(s.lines.Bytes(), '\n'))
		if re.Match(s.lines.Bytes()) {
			return s.lines.Text()
		}
	}
	s.t.Fatalf("no line matches %q:\n%s", pattern, s.seen.Bytes())
	return ""
}

func (s *server) signal(sig os.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// ends reads the rest and wants exit code 0.
func (s *server) ends() string {
	s.t.Helper()
	for s.lines.Scan() {
		s.seen.Write(append(s.lines.Bytes(), '\n'))
	}
	if err := s.cmd.Wait(); err != nil {
		s.t.Errorf("%v\n%s", err, s.seen.Bytes())
	}
	return s.seen.String()
}

// TestServe starts and stops a server in every way.
func TestServe(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no signals to send")
	}
	t.Parallel()
	dir := t.TempDir()

	s := serve(t, dir, "--logger.format=text")
	s.until("Skirmish starting .*node=nakama")
	s.until("Startup done")
	s.until(`console sign-in +admin / \w{20} `)
	s.until(`\^C stops`)
	s.signal(os.Interrupt)
	if out := s.ends(); !strings.HasSuffix(strings.TrimSpace(out), "Shutdown complete") {
		t.Error(out)
	}
	if info, err := os.Stat(filepath.Join(dir, "data", "secrets.yaml")); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info, err)
	}

	s = serve(t, dir, "serve", "--logger.format=text") // the password is shown once
	s.until(`\^C stops`)
	s.signal(syscall.SIGTERM)
	if out := s.ends(); strings.Contains(out, "sign-in") {
		t.Error(out)
	}

	s = serve(t, dir, "--arena", "--shutdown_grace_sec=600") // the arena never ends; the second signal does
	s.until(`"msg":"Startup done"`)
	s.signal(os.Interrupt)
	s.until(`"msg":"Shutdown started.*"grace_period_sec":600`)
	s.signal(os.Interrupt)
	s.until(`"msg":"Skipping graceful shutdown"`)
	s.until(`"msg":"Shutdown complete"`)
	s.ends()

	s = serve(t, dir, "--arena", "--shutdown_grace_sec=1")
	s.until(`"msg":"Startup done"`)
	s.signal(os.Interrupt)
	s.until(`"msg":"Shutdown grace period expired"`)
	s.until(`"msg":"Shutdown complete"`)
	s.ends()

	began := time.Now()
	s = serve(t, dir, "--shutdown_grace_sec=600") // nothing to wait for
	s.until(`"msg":"Startup done"`)
	s.signal(os.Interrupt)
	s.until(`"msg":"Shutdown complete"`)
	s.ends()
	if took := time.Since(began); took > time.Minute {
		t.Error("waited for matches that are not there:", took)
	}
}

// TestReload: SIGHUP loads the modules anew; ones that do not load leave those before serving.
func TestReload(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no signals to send")
	}
	t.Parallel()
	dir := t.TempDir()
	module := filepath.Join(dir, "data", "modules", "m.lua")
	write := func(text string) {
		t.Helper()
		if err := errors.Join(os.MkdirAll(filepath.Dir(module), 0o755), os.WriteFile(module, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	rpc := `require("nakama").register_rpc(function() return "" end, "one")` + "\n"
	write(rpc)
	s := serve(t, dir)
	s.until(`"msg":"Modules loaded".*"rpc":1`)
	s.until(`"msg":"Startup done"`)
	write(rpc + `require("nakama").register_rpc(function() return "" end, "two")`)
	s.signal(syscall.SIGHUP)
	s.until(`"msg":"Modules loaded".*"rpc":2`)
	write("this is no Lua")
	s.signal(syscall.SIGHUP)
	s.until(`"msg":"Modules not loaded, the ones before go on".*m\.lua`)
	s.signal(os.Interrupt)
	s.until(`"msg":"Shutdown complete"`)
	s.ends()
}

// TestDemo runs the demo until a signal, on free ports.
func TestDemo(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no signals to send")
	}
	t.Parallel()
	s := serve(t, "", "demo", "--bots=1", "--page=127.0.0.1:0", "--logger.format=text")
	s.until(`console sign-in +admin / \w{20} `)
	s.until(`arena at 60 Hz with 1 bots`)
	s.until(`watch it +http://127\.0\.0\.1:\d+`)
	s.signal(os.Interrupt)
	s.ends()
}

// TestServeFails: what a server needs and does not get is a fatal line and exit code 1.
func TestServeFails(t *testing.T) {
	t.Parallel()
	taken, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, _ := net.SplitHostPort(taken.LocalAddr().String())
	free := []string{"--socket.port=0", "--console.port=0", "--socket.address=127.0.0.1", "--console.address=127.0.0.1"}
	want(t, command(t, nil, append(free, "--udp.port="+port)...), exitFailed, `"level":"fatal",.*address already in use`)
	want(t, command(t, nil, append(free, "--database.address=u:hush@127.0.0.1:1/x")...), exitFailed, `"level":"fatal"`)
	want(t, command(t, nil, append(free, "--rate=61")...), exitFailed, `--rate is 60 or 128`)
	c := command(t, nil, append(free, "--logger.file=nothing/there.log")...)
	want(t, c, exitFailed, `"level":"fatal",.*open the log's file`)
}

// TestBots: a bot says why it cannot play, and one that finds the arena plays until the server stops.
func TestBots(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no signals to send")
	}
	t.Parallel()
	s := serve(t, "", "--arena", "--logger.format=text")
	match := regexp.MustCompile(`bot --match (\S+)`).FindStringSubmatch(s.until("An arena match runs"))
	api := regexp.MustCompile(`http://\S+`).FindString(s.until("REST, WebSocket"))
	if match == nil || api == "" {
		t.Fatal(s.seen.String())
	}
	want(t, command(t, nil, "bot", "--server", api, "--count=1", "--match=00000000-0000-4000-8000-000000000000"), exitFailed, "bot 1: ask for a connect token")
	want(t, command(t, nil, "bot", "--server", api, "--count=1", "--match", match[1], "--server-key=wrong"), exitFailed, "bot 1: sign in")
	want(t, command(t, nil, "bot", "--server", api), exitUsage, "--match=ID or --find=QUERY or --matchmaker")
	want(t, command(t, nil, "bot", "--server", api, "--match=x", "--find=x"), exitUsage, "can't be used together")
	want(t, command(t, nil, "bot", "--server", api, "--count=1", "--find=+label.open:F"), exitFailed, "bot 1: find a match: of 0 matches")
	want(t, command(t, nil, "bot", "--server", api, "--count=1", "--find=*", "--rate=128"), exitFailed, "bot 1: find a match: of 1 matches")
	want(t, command(t, nil, "bot", "--server", api, "--count=1", "--find=label.open:"), exitFailed, "bot 1: find a match: Query is invalid.")
	want(t, command(t, nil, "bot", "--server", api, "--count=2", "--matchmaker"), exitFailed, "bot 1: be matched: the matchmaker's match is not one of the engine")
	botsPlay(t, api, "+label.players:1 +handler_name:arena", "--count=1", "--find=+label.open:T")
	s.signal(os.Interrupt)
	s.ends()
}

// TestMatchedBots: bots that only have tickets play in a match that the matchmaker has started for them.
func TestMatchedBots(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no signals to send")
	}
	t.Parallel()
	s := serve(t, "", "--matchmaker.native_match=arena", "--logger.format=text")
	api := regexp.MustCompile(`http://\S+`).FindString(s.until("REST, WebSocket"))
	botsPlay(t, api, "+label.players:3 +handler_name:arena", "--count=3", "--matchmaker")
	s.signal(os.Interrupt)
	s.ends()
}

// botsPlay starts bots, and ends them when a query finds the match that they play in.
func botsPlay(t *testing.T, api, query string, args ...string) {
	t.Helper()
	bots := command(t, nil, append([]string{"bot", "--server", api}, args...)...)
	if err := bots.Start(); err != nil {
		t.Fatal(err)
	}
	untilListed(t, api, query)
	if err := bots.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := bots.Wait(); err != nil {
		t.Error(err)
	}
}

// untilListed waits until the match listing finds a match.
func untilListed(t *testing.T, url, query string) {
	t.Helper()
	api := &skirmish.API{URL: url}
	session, err := api.SignIn(t.Context(), "somebody-who-looks", "")
	if err != nil {
		t.Fatal(err)
	}
	for until := time.Now().Add(15 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		list, err := api.FindMatches(t.Context(), session, query, 10)
		switch {
		case err != nil:
			t.Fatal(err)
		case len(list) == 1:
			return
		case time.Now().After(until):
			t.Fatalf("no match is found by %q", query)
		}
	}
}
