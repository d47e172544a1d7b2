package bench

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/skirmishgg/skirmish/bench/httpload"
	"github.com/skirmishgg/skirmish/bench/proc"
	"github.com/skirmishgg/skirmish/persist/pg/migrate"
	"github.com/skirmishgg/skirmish/persist/pg/pgtest"
	"github.com/skirmishgg/skirmish/services/config"
	"github.com/skirmishgg/skirmish/services/node"
)

// apiHello is the first line of the roles "api" and "http-floor".
type apiHello struct {
	HTTP string `json:"http"`
}

// apiMark is what they answer to "mark" and "settle".
type apiMark struct {
	proc.Mark
	Goroutines int    `json:"goroutines"`
	Allocated  uint64 `json:"allocated_bytes"` // on the heap, since the start
}

func markAPI() apiMark {
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	m := apiMark{proc.Now(0), runtime.NumGoroutine(), mem.TotalAlloc}
	m.Heap = int64(mem.HeapAlloc)
	return m
}

// apiServer is the role "api": a node with every door, on the embedded store or on Postgres.
func apiServer(con *proc.Console, args []string) error {
	fs := flag.NewFlagSet("api", flag.ContinueOnError)
	dir := fs.String("dir", "", "data folder")
	dsn := fs.String("dsn", "", "Postgres; empty: the embedded store")
	modules := fs.String("modules", "", "folder of server code; empty: none")
	hook := fs.Bool("go-hook", false, "with a hook in Go before ListMatches")
	if err := fs.Parse(args); err != nil {
		return err
	}
	settings, err := apiSettings(*dir, *dsn, *modules)
	if err != nil {
		return err
	}
	c := node.Config{
		Settings: settings, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), KeepMaxProcs: true,
		Leaderboards: boards, Matches: matches, RPC: functions,
	}
	if *hook {
		c.Modules = []node.Module{hookModule}
	}
	n, err := node.Start(c)
	if err != nil {
		return err
	}
	con.Say(apiHello{n.HTTPAddr().String()})
	for command := range con.Commands() {
		if err := answerAPI(con, n, command); err != nil {
			con.Refuse(err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return n.Stop(ctx)
}

// answerAPI answers, beside "mark" and "settle":
//
//	create COUNT HANDLER RATE    begins authoritative matches, and says their ids
//	reload                       loads the modules anew, and says what it took in ms
//	invoke DURATION              calls hookedOp on one goroutine, and says the CPU time of a call in ns
func answerAPI(con *proc.Console, n *node.Node, command string) error {
	var count, rate int
	var handler string
	if _, err := fmt.Sscanf(command, "create %d %s %d", &count, &handler, &rate); err == nil {
		ids := []string{}
		for range count {
			m, err := n.CreateMatch(context.Background(), handler, map[string]any{"rate": rate})
			if err != nil {
				return err
			}
			ids = append(ids, m)
		}
		con.Say(ids)
		return nil
	}
	if command == "reload" {
		start := time.Now()
		if err := n.ReloadModules(context.Background()); err != nil {
			return err
		}
		con.Say(ms(time.Since(start)))
		return nil
	}
	if text, ok := strings.CutPrefix(command, "invoke "); ok {
		window, err := time.ParseDuration(text)
		if err != nil {
			return err
		}
		each, err := invokeFor(n.Registry(), window)
		if err == nil {
			con.Say(each)
		}
		return err
	}
	answerMark(con, command)
	return nil
}

func apiSettings(dir, dsn, modules string) (*config.Config, error) {
	args := []string{
		"--socket.address=127.0.0.1", "--socket.port=0", "--console.address=127.0.0.1", "--data_dir=" + dir,
		"--rate_limit.enabled=false", "--session.token_expiry_sec=3600", "--udp.shards=1",
	}
	if dsn != "" {
		args = append(args, "--database.address="+dsn)
	}
	if modules != "" {
		args = append(args, "--runtime.path="+modules)
	}
	flags, rest := config.Split(args)
	if len(rest) > 0 {
		return nil, fmt.Errorf("flags that are none: %v", rest)
	}
	return config.Load(config.Sources{Flags: flags, Generate: true})
}

func answerMarks(con *proc.Console) {
	for command := range con.Commands() {
		answerMark(con, command)
	}
}

func answerMark(con *proc.Console, command string) {
	if command == "settle" {
		debug.FreeOSMemory() // collects first
	}
	con.Say(markAPI())
}

// httpFloor is the role "http-floor": net/http that reads a body and answers a fixed JSON text, the least that a REST
// server on it can cost.
func httpFloor(con *proc.Console, _ []string) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	answer := []byte(`{"objects":[{"collection":"bench","key":"k","user_id":"00000000-0000-4000-8000-000000000000","value":"{\"level\": 10}","version":"5d41402abc4b2a76b9719d911017c592","permission_read":1,"permission_write":1,"create_time":"2026-01-01T00:00:00Z","update_time":"2026-01-01T00:00:00Z"}]}`)
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(answer)
	})}
	go func() { _ = s.Serve(l) }() // ends with Close
	con.Say(apiHello{l.Addr().String()})
	answerMarks(con)
	return s.Close()
}

// httpLoad is the role "http-load": so many clients that send one kind of request. It answers "run DURATION".
func httpLoad(con *proc.Console, args []string) error {
	fs := flag.NewFlagSet("http-load", flag.ContinueOnError)
	addr := fs.String("addr", "", "of the server")
	kind := fs.String("kind", "", "floor, read, write, auth, score, list, around, or rpc: and a function's id")
	clients := fs.Int("clients", 1, "how many")
	if err := fs.Parse(args); err != nil {
		return err
	}
	request, err := httpRequests(*addr, *kind, *clients)
	if err != nil {
		return err
	}
	l, err := httpload.Open(*addr, *clients, request)
	if err != nil {
		return err
	}
	defer l.Close()
	con.Say(struct{}{})
	for command := range con.Commands() {
		window, err := time.ParseDuration(strings.TrimPrefix(command, "run "))
		if err != nil {
			return err
		}
		r, err := l.Run(window)
		if err != nil {
			return err
		}
		if r.Failure != "" {
			return fmt.Errorf("a request was answered %s", r.Failure)
		}
		con.Say(r)
	}
	return nil
}

// httpRequests signs a user in for each client and makes the bytes that it sends from then on.
func httpRequests(addr, kind string, clients int) (httpload.Request, error) {
	ready := make([][]byte, clients)
	if kind == "floor" {
		return func(int, int) []byte { return ready[0] }, fill(ready, func(int) ([]byte, error) {
			return httpload.Build("POST", "/v2/storage", "Bearer none", []byte(`{"object_ids":[{"collection":"bench","key":"k"}]}`)), nil
		})
	}
	c, err := httpload.Dial(addr)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if kind == "score" {
		return scoreRequests(c, clients)
	}
	err = fill(ready, func(i int) ([]byte, error) { return apiRequest(c, kind, i) })
	return func(client, _ int) []byte { return ready[client] }, err
}

// scoreRequests are submissions, each with another score than the last.
func scoreRequests(c *httpload.Conn, clients int) (httpload.Request, error) {
	const scores = 32 // that a client goes round
	ready := make([][][]byte, clients)
	for i := range ready {
		bearer, _, err := signInAs(c, i)
		if err != nil {
			return nil, err
		}
		for n := range scores {
			body := fmt.Sprintf(`{"score":"%d"}`, (uint64(i*scores+n)*0x9e3779b97f4a7c15)%1e9)
			ready[i] = append(ready[i], httpload.Build("POST", "/v2/leaderboard/"+boardName, bearer, []byte(body)))
		}
	}
	return func(client, number int) []byte { return ready[client][number%scores] }, nil
}

func fill(list [][]byte, f func(i int) ([]byte, error)) (err error) {
	for i := range list {
		if list[i], err = f(i); err != nil {
			return err
		}
	}
	return nil
}

func deviceRequest(i int) []byte {
	return httpload.Build("POST", "/v2/account/authenticate/device", "Basic ZGVmYXVsdGtleTo=", []byte(fmt.Sprintf(`{"id":"bench-device-%06d"}`, i)))
}

// signInAs is the authorization of the i-th client, and its user.
func signInAs(c *httpload.Conn, i int) (bearer, user string, err error) {
	var session struct {
		Token string `json:"token"`
	}
	if err := call(c, deviceRequest(i), &session); err != nil {
		return "", "", err
	}
	var account struct {
		User struct {
			ID string `json:"id"`
		} `json:"user"`
	}
	bearer = "Bearer " + session.Token
	err = call(c, httpload.Build("GET", "/v2/account", bearer, nil), &account)
	return bearer, account.User.ID, err
}

func apiRequest(c *httpload.Conn, kind string, i int) ([]byte, error) {
	bearer, user, err := signInAs(c, i)
	if err != nil {
		return nil, err
	}
	write := httpload.Build("PUT", "/v2/storage", bearer, []byte(`{"objects":[{"collection":"bench","key":"k","value":"{\"level\": 10, \"gold\": 250}"}]}`))
	if function, ok := strings.CutPrefix(kind, "rpc:"); ok {
		return httpload.Build("POST", "/v2/rpc/"+function, bearer, []byte(strconv.Quote(echoPayload))), nil
	}
	switch kind {
	case "auth":
		return deviceRequest(i), nil
	case "write":
		return write, nil
	case "list":
		return httpload.Build("GET", "/v2/leaderboard/"+boardName+"?limit=100", bearer, nil), nil
	case "around":
		score := httpload.Build("POST", "/v2/leaderboard/"+boardName, bearer, []byte(fmt.Sprintf(`{"score":"%d"}`, (uint64(i+1)*0x9e3779b97f4a7c15)%1e9)))
		return httpload.Build("GET", "/v2/leaderboard/"+boardName+"/owner/"+user+"?limit=100", bearer, nil), call(c, score, nil)
	}
	read := fmt.Sprintf(`{"object_ids":[{"collection":"bench","key":"k","user_id":%q}]}`, user)
	return httpload.Build("POST", "/v2/storage", bearer, []byte(read)), call(c, write, nil)
}

func call(c *httpload.Conn, request []byte, into any) error {
	status, body, err := c.Do(request)
	if err != nil {
		return err
	}
	if status != 200 {
		return fmt.Errorf("%d %s", status, body)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(body, into)
}

// apiProc is an API server that runs as a child.
type apiProc struct {
	*proc.Proc
	hello apiHello
}

func (a *apiProc) mark(command string) (m apiMark, err error) { return m, a.Ask(command, &m) }

// startAPI starts the role "api" on the server's core with a fresh store: dsn "" is the embedded one.
func (e *env) startAPI(dsn string) (*apiProc, error) { return e.startModules(dsn, "") }

// startModules is startAPI with server code.
func (e *env) startModules(dsn, modules string, flags ...string) (*apiProc, error) {
	dir, err := os.MkdirTemp(e.dir, "api")
	if err != nil {
		return nil, err
	}
	a := &apiProc{}
	a.Proc, err = proc.Start(e.ctx, e.serverCore, &a.hello, e.self, e.childArgs("api", append([]string{"--dir", filepath.Join(dir, "data"), "--dsn", dsn, "--modules", modules}, flags...))...)
	return a, err
}

var restRow = Row{
	Name: "rest_storage_write",
	Doc:  "REST: a storage write, a storage read and a device sign-in, at 1, 16 and 128 clients on both stores: server CPU a request, requests a second, p50, p99",
	Aim:  "a third of Nakama's 260–290, 190–230 and 205–220 µs of server CPU",
	run:  runREST,
}

// restKinds are the requests, what they are called, and a third of what they cost Nakama on such a box.
var restKinds = []struct {
	kind, name string
	aim        float64
}{
	{"write", "rest_storage_write", 90},
	{"read", "rest_storage_read", 70},
	{"auth", "rest_auth_device", 70},
}

func runREST(e *env) error {
	stores := []struct{ name, dsn string }{{"embedded", ""}}
	server, err := pgtest.Start()
	if err != nil {
		e.add(unmeasured("rest_storage_write_postgres", "µs", err))
	} else {
		defer server.Stop()
		dsn := server.DSN("bench")
		if _, err := migrate.Up(e.ctx, dsn, 0); err != nil {
			return err
		}
		stores = append(stores, struct{ name, dsn string }{"postgres", dsn})
	}
	for _, store := range stores {
		if err := e.measureStore(store.name, store.dsn); err != nil {
			return errors.Join(fmt.Errorf("store %s", store.name), err)
		}
	}
	return nil
}

func (e *env) measureStore(name, dsn string) error {
	floor := &apiProc{}
	var err error
	if floor.Proc, err = proc.Start(e.ctx, e.serverCore, &floor.hello, e.self, e.childArgs("http-floor", nil)...); err != nil {
		return err
	}
	defer floor.Stop()
	api, err := e.startAPI(dsn)
	if err != nil {
		return err
	}
	defer api.Stop()
	for _, clients := range []int{1, 16, 128} {
		if clients = e.quick(clients, 2); e.o.Quick && clients != 2 {
			continue
		}
		var refs []float64
		for range e.o.Runs {
			micros, _, err := e.restRun(floor, "floor", clients)
			if err != nil {
				return err
			}
			refs = append(refs, micros)
		}
		for _, k := range restKinds {
			var micros, rates []float64
			var last httpload.Report
			for range e.o.Runs {
				cost, r, err := e.restRun(api, k.kind, clients)
				if err != nil {
					return fmt.Errorf("%s, %d clients: %w", k.name, clients, err)
				}
				micros, rates, last = append(micros, cost), append(rates, r.PerS), r
			}
			row := fmt.Sprintf("%s_%s_%d", k.name, name, clients)
			r := measured(row+"_us", "µs", micros).against("net/http that answers a fixed text", refs)
			e.add(r.aimed(fmt.Sprintf("≤ %.0f", k.aim), r.Median <= k.aim).noted("server CPU a request; %.0f requests/s, p50 %.2f ms, p99 %.2f ms in the last run", last.PerS, last.P50ms, last.P99ms))
			e.add(measured(row+"_s", "1/s", rates))
		}
		if e.o.Quick {
			return nil
		}
	}
	return nil
}

// restRun is the server's CPU for one request of a kind.
func (e *env) restRun(server *apiProc, kind string, clients int) (micros float64, r httpload.Report, err error) {
	gen, err := e.load(nil, "http-load", "--addr", server.hello.HTTP, "--kind", kind, "--clients", itoa(clients))
	if err != nil {
		return 0, r, err
	}
	defer gen.Stop()
	if err := gen.Ask("run 200ms", &r); err != nil {
		return 0, r, err
	}
	before, err := server.mark("mark")
	if err != nil {
		return 0, r, err
	}
	if err := gen.Ask(fmt.Sprintf("run %v", e.o.Window/2), &r); err != nil {
		return 0, r, err
	}
	after, err := server.mark("mark")
	return (after.CPUMicros - before.CPUMicros) / float64(r.Requests), r, err
}
