package bench

import (
	"bytes"
	"context"
	"database/sql"
	"embed"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	nakama "github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/skirmishgg/skirmish/bench/proc"
	"github.com/skirmishgg/skirmish/bench/socketload"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/rpc"
)

// languages are those of server code, and what rows call them.
var languages = []string{"go", "lua", "js"}

// functions are those of the role "api" in Go.
var functions = map[string]rpc.Func{
	"echo_go": func(_ context.Context, _ op.Caller, r rpc.Request) (string, error) { return r.Payload, nil },
}

const echoPayload = `{"quest":"win three duels","level":12,"reward":{"coins":250}}`

//go:embed testdata/modules
var modules embed.FS

// modules writes one of the folders of testdata/modules to disk and answers where.
func (e *env) modules(name string) (string, error) {
	folder, err := fs.Sub(modules, "testdata/modules/"+name)
	if err != nil {
		return "", err
	}
	to, err := os.MkdirTemp(e.dir, name)
	if err != nil {
		return "", err
	}
	return to, os.CopyFS(to, folder)
}

// startScripts starts the role "api" with the functions and matches of every language.
func (e *env) startScripts() (*apiProc, error) {
	dir, err := e.modules("scripts")
	if err != nil {
		return nil, err
	}
	return e.startModules("", dir)
}

var rpcRow = Row{
	Name: "rpc_echo_us",
	Doc:  "a function that answers what it gets, in Go, Lua and JavaScript, called over REST and WebSockets by 16 clients: server CPU a call",
	Aim:  "measured beside the same function in Go",
	run:  runRPC,
}

const rpcClients = 16

func runRPC(e *env) error {
	api, err := e.startScripts()
	if err != nil {
		return err
	}
	defer api.Stop()
	clients := e.quick(rpcClients, 2)
	rest, socket := map[string][]float64{}, map[string][]float64{}
	rates := map[string]float64{}
	for range e.o.Runs {
		for _, l := range languages {
			micros, r, err := e.restRun(api, "rpc:echo_"+l, clients)
			if err != nil {
				return fmt.Errorf("%s over REST: %w", l, err)
			}
			rest[l], rates["rest"+l] = append(rest[l], micros), r.PerS
			micros, rate, err := e.rpcRun(api, "echo_"+l, clients)
			if err != nil {
				return fmt.Errorf("%s over WebSockets: %w", l, err)
			}
			socket[l], rates["ws"+l] = append(socket[l], micros), rate
		}
	}
	for _, door := range []struct {
		name   string
		micros map[string][]float64
	}{{"rest", rest}, {"ws", socket}} {
		for _, l := range languages {
			r := measured(fmt.Sprintf("%s_%s_%s", e.row.Name, door.name, l), "µs", door.micros[l])
			if l != "go" {
				r = r.against("in Go", door.micros["go"])
			}
			e.add(r.noted("%d clients, %d B each way; %.0f calls/s in the last run", clients, len(echoPayload), rates[door.name+l]))
		}
	}
	return nil
}

// rpcRun is the server's CPU for one call over a WebSocket.
func (e *env) rpcRun(api *apiProc, function string, clients int) (micros, perS float64, err error) {
	load, err := e.load(nil, "rpc-load", "--addr", api.hello.HTTP, "--function", function, "--clients", itoa(clients))
	if err != nil {
		return 0, 0, err
	}
	defer load.Stop()
	var calls int
	if err := load.Ask("run 200ms", &calls); err != nil {
		return 0, 0, err
	}
	before, err := api.mark("mark")
	if err != nil {
		return 0, 0, err
	}
	if err := load.Ask(fmt.Sprintf("run %v", e.o.Window/2), &calls); err != nil {
		return 0, 0, err
	}
	after, err := api.mark("mark")
	return (after.CPUMicros - before.CPUMicros) / float64(calls), float64(calls) / (e.o.Window / 2).Seconds(), err
}

// rpcLoad is the role "rpc-load": clients that call a function over WebSockets, each again when it is answered. It answers
// "run DURATION" with the number of calls.
func rpcLoad(con *proc.Console, args []string) error {
	flags := flag.NewFlagSet("rpc-load", flag.ContinueOnError)
	addr := flags.String("addr", "", "of the server")
	clients := flags.Int("clients", 1, "how many")
	function := flags.String("function", "", "its id")
	if err := flags.Parse(args); err != nil {
		return err
	}
	tokens, err := signIn(*addr, *clients)
	if err != nil {
		return err
	}
	request := socketload.Text(fmt.Sprintf(`{"cid":"1","rpc":{"id":%q,"payload":%s}}`, *function, strconv.Quote(echoPayload)))
	answer := []byte(strconv.Quote(echoPayload))
	var load *socketload.Load
	var failures []error
	var end time.Time
	calls, under := 0, 0
	ask := func(client int) {
		under++
		if err := load.Send(client, request); err != nil {
			failures = append(failures, err)
		}
	}
	load, err = socketload.Open(socketload.Config{
		Addr: *addr, Clients: *clients, Request: func(i int) []byte { return upgrade(tokens[i]) },
		Message: func(client int, m []byte) {
			if !bytes.Contains(m, answer) {
				failures = append(failures, fmt.Errorf("client %d was answered %s", client, m))
			}
			calls, under = calls+1, under-1
			if time.Now().Before(end) {
				ask(client)
			}
		},
	})
	if err != nil {
		return err
	}
	defer load.Close()
	con.Say(struct{}{})
	return serveLoad(con, load, func(command string) (any, error) {
		window, err := time.ParseDuration(strings.TrimPrefix(command, "run "))
		if err != nil {
			return nil, err
		}
		calls, end = 0, time.Now().Add(window)
		for i := range *clients {
			ask(i)
		}
		for under > 0 && err == nil {
			last := calls
			err = await(load, &failures, func() bool { return calls > last })
		}
		return calls, err
	})
}

var hookRow = Row{
	Name: "hook_overhead_ns",
	Doc:  "what a hook before an operation that does nothing adds to a call, in Go, Lua and JavaScript; and what modules without a hook on it add",
	Aim:  "nothing where there is none",
	run:  runHooks,
}

// hookedOp is the operation that the hooks of the row are before: without matches it has little to do itself.
const hookedOp = "ListMatches"

// hookModule is the hook in Go.
func hookModule(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, i runtime.Initializer) error {
	return i.RegisterBeforeListMatches(func(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, in *nakama.ListMatchesRequest) (*nakama.ListMatchesRequest, error) {
		return in, nil
	})
}

// invokeFor calls hookedOp for a while: CPU of the process for a call, in ns.
func invokeFor(r *op.Registry, window time.Duration) (each float64, err error) {
	entry := r.Named(hookedOp)
	c := op.Caller{UserID: id.UUID{0: 1}, Username: "bench", SessionID: "00000000-0000-4000-8000-000000000000"}
	in := &nakama.ListMatchesRequest{Limit: wrapperspb.Int32(10), Authoritative: wrapperspb.Bool(true)}
	start, calls := cpuTime(), 0
	for end := time.Now().Add(window); time.Now().Before(end); calls++ {
		if _, err := entry.Invoke(context.Background(), c, in); err != nil {
			return 0, err
		}
	}
	return float64(cpuTime()-start) / float64(calls), nil
}

func runHooks(e *env) error {
	kinds := []struct {
		name, modules string
		flags         []string
	}{{name: "bare"}, {name: "none", modules: "scripts"}, {name: "go", flags: []string{"--go-hook"}}, {name: "lua", modules: "hook_lua"}, {name: "js", modules: "hook_js"}}
	ns := map[string][]float64{}
	for _, k := range kinds {
		dir := ""
		if k.modules != "" {
			var err error
			if dir, err = e.modules(k.modules); err != nil {
				return err
			}
		}
		api, err := e.startModules("", dir, k.flags...)
		if err != nil {
			return fmt.Errorf("%s: %w", k.name, err)
		}
		defer api.Stop()
		for run := range e.o.Runs + 1 {
			var each float64
			if err := api.Ask(fmt.Sprintf("invoke %v", e.o.Window/4), &each); err != nil {
				return fmt.Errorf("%s: %w", k.name, err)
			}
			if run > 0 { // the first one warms up
				ns[k.name] = append(ns[k.name], each)
			}
		}
		api.Stop()
	}
	least := median(ns["bare"])
	e.add(measured(e.row.Name+"_none", "ns", ns["none"]).against("without modules", ns["bare"]).noted("CPU of the operation where modules have no hook on it"))
	for _, k := range kinds[2:] {
		added := make([]float64, len(ns[k.name]))
		for i, n := range ns[k.name] {
			added[i] = n - least
		}
		e.add(measured(e.row.Name+"_"+k.name, "ns", added).noted("CPU, besides the operation"))
	}
	return nil
}

var scriptMatchRow = Row{
	Name: "script_match_tick_us",
	Doc:  "the game of ws_match in Lua and JavaScript, 16 players at 30 Hz over WebSockets: server CPU a tick of a match, its traffic included",
	Aim:  "measured beside the same game in Go",
	run:  runScriptMatch,
}

const scriptMatches = 10

func runScriptMatch(e *env) error {
	const rate = 30
	matches := e.quick(scriptMatches, 1)
	api, err := e.startScripts()
	if err != nil {
		return err
	}
	defer api.Stop()
	micros := map[string][]float64{}
	var last playCost
	for range e.o.Runs {
		for _, l := range languages {
			handler := "bench_" + l
			if l == "go" {
				handler = matchHandler
			}
			load, err := e.startPlay(api, handler, rate, matches)
			if err != nil {
				return fmt.Errorf("%s: %w", l, err)
			}
			last, err = e.playRun(api, load, e.o.Window)
			load.Stop()
			if err != nil {
				return fmt.Errorf("%s: %w", l, err)
			}
			if last.Silent > 0 {
				return fmt.Errorf("%s: %d players got nothing", l, last.Silent)
			}
			micros[l] = append(micros[l], last.CPU/(float64(last.Received)/matchPlayers))
		}
	}
	for _, l := range languages {
		r := measured(e.row.Name+"_"+l, "µs", micros[l])
		if l != "go" {
			r = r.against("in Go", micros["go"])
		}
		e.add(r.noted("%d matches; a tick reads %d inputs of %d B and sends %d states of %d B", matches, matchPlayers, matchInput, matchPlayers, matchState))
	}
	return nil
}

var vmRow = Row{
	Name: "vm_mb",
	Doc:  "memory of the server per running match in Lua and JavaScript, each on an interpreter of its own",
	Aim:  "",
	run:  runVM,
}

const vmMatches = 100

func runVM(e *env) error {
	count := e.quick(vmMatches, 30)
	for _, l := range languages[1:] {
		var heap, rss []float64
		for range e.o.Runs {
			h, r, err := e.machines("bench_"+l, count)
			if err != nil {
				return fmt.Errorf("%s: %w", l, err)
			}
			heap, rss = append(heap, h), append(rss, r)
		}
		e.add(measured(e.row.Name+"_"+l, "MB", rss).noted("resident, %d matches without players; %s MB of it on Go's heap", count, figure(median(heap))))
	}
	return nil
}

// machines is what a match of a handler takes, in MB.
func (e *env) machines(handler string, count int) (heap, rss float64, err error) {
	api, err := e.startScripts()
	if err != nil {
		return 0, 0, err
	}
	defer api.Stop()
	var ids []string
	if err := api.Ask(fmt.Sprintf("create 1 %s 1", handler), &ids); err != nil { // what the first one loads is for all
		return 0, 0, err
	}
	before, err := api.mark("settle")
	if err != nil {
		return 0, 0, err
	}
	if err := api.Ask(fmt.Sprintf("create %d %s 1", count, handler), &ids); err != nil {
		return 0, 0, err
	}
	after, err := api.mark("settle")
	each := func(a, b int64) float64 { return float64(b-a) / 1e6 / float64(count) }
	return each(before.Heap, after.Heap), each(before.RSS, after.RSS), err
}

var reloadRow = Row{
	Name: "reload_ms",
	Doc:  "from the command to reload to serving the new code: docs/tictactoe in Lua and in TypeScript",
	Aim:  "",
	run:  runReload,
}

func runReload(e *env) error {
	root, err := sample()
	if err != nil {
		return err
	}
	for _, language := range []string{"lua", "typescript"} {
		api, err := e.startModules("", filepath.Join(root, language))
		if err != nil {
			return err
		}
		defer api.Stop()
		var took []float64
		for range e.o.Runs {
			var each float64
			if err := api.Ask("reload", &each); err != nil {
				return err
			}
			took = append(took, each)
		}
		e.add(measured(e.row.Name+"_"+language, "ms", took))
		api.Stop()
	}
	return nil
}

// sample is where docs/tictactoe is, seen from the repository's root or one of its folders.
func sample() (string, error) {
	for _, dir := range []string{"docs/tictactoe", "../docs/tictactoe"} {
		if _, err := os.Stat(dir); err == nil {
			return filepath.Abs(dir)
		}
	}
	return "", errors.New("docs/tictactoe is found from the repository's root only")
}
