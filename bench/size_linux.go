package bench

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/gobwas/ws"
	"golang.org/x/sys/unix"

	"github.com/skirmishgg/skirmish/bench/httpload"
	"github.com/skirmishgg/skirmish/bench/proc"
)

var wsIdleRow = Row{
	Name: "ws_idle_bytes",
	Doc:  "resident memory of the server per idle WebSocket session, and goroutines, with 10,000 connected",
	Aim:  "≤ 6 KB and no goroutine each",
	run:  runIdle,
}

const (
	idleSockets  = 10000
	idleAimBytes = 6 << 10
)

func runIdle(e *env) error {
	sockets := e.quick(idleSockets, 200)
	var bytes, routines []float64
	for range min(e.o.Runs, 3) { // it opens thousands of sockets each time
		each, more, err := e.idleRun(sockets)
		if err != nil {
			return err
		}
		bytes, routines = append(bytes, each), append(routines, more)
	}
	r := measured(e.row.Name, "B", bytes)
	e.add(r.aimed("≤ 6,144", r.Median <= idleAimBytes).noted("%d sockets of 100 users; the kernel's buffers are not in it", sockets))
	g := measured("ws_idle_goroutines", "", routines)
	e.add(g.aimed("no more than a few", g.Max < 16).noted("that the server has more with all of them open"))
	return nil
}

func (e *env) idleRun(sockets int) (bytesEach, goroutines float64, err error) {
	api, err := e.startAPI("")
	if err != nil {
		return 0, 0, err
	}
	defer api.Stop()
	first, err := e.load(nil, "ws-idle", "--addr", api.hello.HTTP, "--sockets", "100") // what the first ones cost for all
	if err != nil {
		return 0, 0, err
	}
	defer first.Stop()
	before, err := api.mark("settle")
	if err != nil {
		return 0, 0, err
	}
	rest, err := e.load(nil, "ws-idle", "--addr", api.hello.HTTP, "--sockets", itoa(sockets))
	if err != nil {
		return 0, 0, err
	}
	defer rest.Stop()
	after, err := api.mark("settle")
	return float64(after.RSS-before.RSS) / float64(sockets), float64(after.Goroutines - before.Goroutines), err
}

// wsIdle is the role "ws-idle": it opens sockets and leaves them alone until the end.
func wsIdle(con *proc.Console, args []string) error {
	fs := flag.NewFlagSet("ws-idle", flag.ContinueOnError)
	addr := fs.String("addr", "", "of the server")
	sockets := fs.Int("sockets", 1, "how many")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if err := moreFiles(); err != nil {
		return err
	}
	tokens, err := signIn(*addr, min(*sockets, 100))
	if err != nil {
		return err
	}
	conns := make([]net.Conn, *sockets)
	var opening sync.WaitGroup
	failures := make(chan error, 8)
	for w := range 8 {
		opening.Go(func() {
			for i := w; i < len(conns); i += 8 {
				c, buffered, _, err := ws.Dial(context.Background(), fmt.Sprintf("ws://%s/ws?token=%s", *addr, tokens[i%len(tokens)]))
				if err != nil || buffered != nil {
					failures <- errors.Join(errors.New("a socket was not opened as it should be"), err)
					return
				}
				conns[i] = c
			}
		})
	}
	opening.Wait()
	select {
	case err := <-failures:
		return err
	default:
	}
	con.Say(struct{}{})
	for range con.Commands() {
		con.Say(struct{}{})
	}
	for _, c := range conns {
		c.Close()
	}
	return nil
}

func signIn(addr string, users int) (tokens []string, err error) {
	c, err := httpload.Dial(addr)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	for i := range users {
		var session struct {
			Token string `json:"token"`
		}
		request := httpload.Build("POST", "/v2/account/authenticate/device", "Basic ZGVmYXVsdGtleTo=", []byte(fmt.Sprintf(`{"id":"bench-socket-%06d"}`, i)))
		if err := call(c, request, &session); err != nil {
			return nil, err
		}
		tokens = append(tokens, session.Token)
	}
	return tokens, nil
}

// moreFiles raises the limit on open files as far as it goes.
func moreFiles() error {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return err
	}
	l.Cur = l.Max
	return unix.Setrlimit(unix.RLIMIT_NOFILE, &l)
}

var startRow = Row{
	Name: "start_ms",
	Doc:  "the binary with nothing but a data folder: time from its start to the first healthy answer, memory when idle, size",
	Aim:  "≤ 70 ms; below Nakama's 57 MB and 60 MB",
	run:  runStart,
}

func runStart(e *env) error {
	var cold, warm, idle []float64
	for range e.o.Runs {
		dir, err := os.MkdirTemp(e.dir, "start")
		if err != nil {
			return err
		}
		took, _, err := e.startOnce(dir, 0)
		if err != nil {
			return err
		}
		cold = append(cold, took)
		took, rss, err := e.startOnce(dir, time.Duration(e.quick(2, 0))*time.Second)
		if err != nil {
			return err
		}
		warm, idle = append(warm, took), append(idle, rss)
	}
	r := measured(e.row.Name, "ms", warm)
	e.add(r.aimed("≤ 70", r.Median <= 70).noted("embedded store, keys and secrets are there"))
	e.add(measured("start_first_ms", "ms", cold).noted("the first start, which makes them"))
	m := measured("idle_rss_mb", "MB", idle)
	e.add(m.aimed("< 57", m.Median < 57).noted("resident, two seconds after the start"))
	size, err := e.strippedSize()
	if err != nil {
		e.add(unmeasured("binary_mb", "MB", err))
		return nil
	}
	b := measured("binary_mb", "MB", []float64{size})
	e.add(b.aimed("< 60", b.Median < 60).noted("stripped"))
	return nil
}

// startOnce starts the server and says how long it took to answer, and how much memory it holds after a while.
func (e *env) startOnce(dir string, idle time.Duration) (ms, rssMB float64, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, 0, err
	}
	addr := l.Addr().(*net.TCPAddr)
	l.Close()
	cmd := exec.CommandContext(e.ctx, e.o.Binary, "--socket.address=127.0.0.1", fmt.Sprintf("--socket.port=%d", addr.Port), "--console.address=127.0.0.1",
		fmt.Sprintf("--console.port=%d", addr.Port+1), "--data_dir="+filepath.Join(dir, "data"), "--logger.level=error")
	started := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, 0, err
	}
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	}()
	for {
		r, err := http.Get("http://" + addr.String() + "/healthcheck")
		if err == nil {
			r.Body.Close()
			break
		}
		if time.Since(started) > 10*time.Second {
			return 0, 0, fmt.Errorf("the server does not answer: %w", err)
		}
		time.Sleep(200 * time.Microsecond)
	}
	ms = float64(time.Since(started).Microseconds()) / 1e3
	time.Sleep(idle)
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
	if err != nil {
		return 0, 0, err
	}
	_, line, _ := strings.Cut(string(status), "VmRSS:")
	var kb float64
	_, err = fmt.Sscanf(line, "%f kB", &kb)
	return ms, kb / 1024, err
}

// strippedSize is that of the running binary without symbols.
func (e *env) strippedSize() (mb float64, err error) {
	out := filepath.Join(e.dir, "stripped")
	if text, err := exec.CommandContext(e.ctx, "strip", "-o", out, e.o.Binary).CombinedOutput(); err != nil {
		return 0, fmt.Errorf("strip (apt-get install binutils): %w: %s", err, text)
	}
	info, err := os.Stat(out)
	if err != nil {
		return 0, err
	}
	return float64(info.Size()) / (1 << 20), nil
}
