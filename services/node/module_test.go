package node

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	"github.com/heroiclabs/nakama-common/runtime"
	"google.golang.org/protobuf/proto"

	"github.com/skirmishgg/skirmish/persist"
	"github.com/skirmishgg/skirmish/protocol/codec"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/services/config"
)

// reported is an event that a module saw, with whom it concerns, and whether the context knows the client's address and
// until when its token is good.
type reported struct {
	name, user     string
	located, dated bool
}

// testModule is a module that refuses, panics and reports.
func testModule(events chan<- reported) Module {
	return func(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, i runtime.Initializer) error {
		event := func(ctx context.Context, _ runtime.Logger, e *api.Event) {
			user, _ := ctx.Value(runtime.RUNTIME_CTX_USERNAME).(string)
			ip, _ := ctx.Value(runtime.RUNTIME_CTX_CLIENT_IP).(string)
			port, _ := ctx.Value(runtime.RUNTIME_CTX_CLIENT_PORT).(string)
			expires, _ := ctx.Value(runtime.RUNTIME_CTX_USER_SESSION_EXP).(int64)
			events <- reported{e.Name, user, ip == "127.0.0.1" && port != "", expires > time.Now().Unix()}
		}
		return errors.Join(
			i.RegisterRpc("Ask", func(ctx context.Context, _ runtime.Logger, db *sql.DB, _ runtime.NakamaModule, what string) (string, error) {
				switch what {
				case "sql":
					one := ""
					err := db.QueryRowContext(ctx, "SELECT 'one row'").Scan(&one)
					return one, err
				case "panic":
					panic("a module's")
				case "refuse":
					return "", runtime.NewError("not you", 7)
				}
				return fmt.Sprint(ctx.Value(runtime.RUNTIME_CTX_USERNAME), " ", what), nil
			}),
			i.RegisterBeforeGetUsers(func(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, in *api.GetUsersRequest) (*api.GetUsersRequest, error) {
				if len(in.Usernames) == 0 {
					return nil, nil
				}
				in.Usernames = []string{"ann"}
				return in, nil
			}),
			i.RegisterBeforeRt("StatusUpdate", func(context.Context, runtime.Logger, *sql.DB, runtime.NakamaModule, *rtapi.Envelope) (*rtapi.Envelope, error) {
				return nil, errors.New("no status today")
			}),
			i.RegisterAfterRt("ChannelJoin", func(context.Context, runtime.Logger, *sql.DB, runtime.NakamaModule, *rtapi.Envelope, *rtapi.Envelope) error {
				panic("after")
			}),
			i.RegisterEvent(event), i.RegisterEventSessionStart(event), i.RegisterEventSessionEnd(event),
			i.RegisterHttp("/hello/{name}", func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Query().Has("panic") {
					panic("http")
				}
				_, _ = io.WriteString(w, strings.Repeat("hello ", 1000))
			}, http.MethodGet),
		)
	}
}

// TestModulesBehindEveryDoor runs a Go module on both stores and calls it through every door. After each panic the same
// connection is used again.
func TestModulesBehindEveryDoor(t *testing.T) {
	doors := map[string]func(*testing.T, *Node) door{
		"rest": newRESTDoor, "grpc": newGRPCDoor, "native": newNativeDoor,
		"socket-json": newSocketDoor(codec.JSON), "socket-protobuf": newSocketDoor(codec.Protobuf),
	}
	for _, store := range []string{"embedded", "postgres"} {
		t.Run(store, func(t *testing.T) {
			t.Parallel()
			events := make(chan reported, 100)
			n := startAs(t, store, Config{Modules: []Module{testModule(events)}})
			ann := signIn(t, n, "ann")
			for name, open := range doors {
				t.Run(name, func(t *testing.T) { callModule(t, store, n, open(t, n), ann.token) })
			}
			helloOverHTTP(t, n)

			ann.ask("Event", ann.token, &api.Event{Name: "won"})
			ann.socket(codec.JSON).end()
			want := map[reported]bool{{"won", "ann", true, true}: true}
			for _, name := range []string{"session_start", "session_end"} {
				want[reported{name, "ann", true, true}] = true
				want[reported{name, "ann", true, false}] = true // of the native door: its token does not say
			}
			for len(want) > 0 {
				delete(want, <-events) // more than these: the doors' sessions came and went as well
			}
		})
	}
}

func callModule(t *testing.T, store string, n *Node, d door, token string) {
	call := func(name string, in proto.Message) (proto.Message, error) {
		return d.call(n.Registry().Named(name), token, in)
	}
	ask := func(what, want string) {
		t.Helper()
		out, err := call("RpcFunc", &api.Rpc{Id: "aSK", Payload: what})
		if err != nil || out.(*api.Rpc).Payload != want {
			t.Errorf("%s: %v %v, want %s", what, out, err, want)
		}
	}
	refused := func(what string, err error, code errs.Code, message string) {
		t.Helper()
		var refusal *errs.Error
		if !errors.As(err, &refusal) || refusal.Message != message || refusal.Code != code && refusal.Code != anyCode {
			t.Errorf("%s: %v, want %d %s", what, err, code, message)
		}
	}
	ask("hello", "ann hello")
	if store == "postgres" {
		ask("sql", "one row")
	} else {
		_, err := call("RpcFunc", &api.Rpc{Id: "ask", Payload: "sql"})
		refused("sql", err, errs.Internal, persist.ErrNoSQL.Error())
	}
	_, err := call("RpcFunc", &api.Rpc{Id: "ask", Payload: "refuse"})
	refused("refuse", err, errs.PermissionDenied, "not you")
	_, err = call("RpcFunc", &api.Rpc{Id: "ask", Payload: "panic"})
	refused("panic", err, errs.Internal, "Internal server error.")
	ask("again", "ann again")

	if d.carries(n.Registry().Named("GetUsers")) {
		out, err := call("GetUsers", &api.GetUsersRequest{Usernames: []string{"nobody"}})
		if err != nil || len(out.(*api.Users).Users) != 1 {
			t.Errorf("the hook changed nothing: %v %v", out, err)
		}
		_, err = call("GetUsers", &api.GetUsersRequest{})
		refused("GetUsers", err, errs.NotFound, "Requested resource was not found.")
	}
	if d.carries(n.Registry().Named("StatusUpdate")) {
		_, err = call("StatusUpdate", &rtapi.StatusUpdate{})
		refused("StatusUpdate", err, errs.Internal, "no status today")
		if out, err := call("ChannelJoin", &rtapi.ChannelJoin{Type: 1, Target: "hall"}); err != nil {
			t.Errorf("an after hook that panics is felt: %v %v", out, err)
		}
		ask("after all", "ann after all")
	}
}

func helloOverHTTP(t *testing.T, n *Node) {
	t.Helper()
	f := func(method, path string, status int, want string) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), method, "http://"+n.HTTPAddr().String()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode != status || !strings.HasPrefix(string(text), want) {
			t.Errorf("%s %s: %d %.40q %v, want %d %s", method, path, answer.StatusCode, text, err, status, want)
		}
		if status == http.StatusOK && (!answer.Uncompressed || len(text) != 6000) {
			t.Errorf("%s: %d bytes, compressed on the way: %v", path, len(text), answer.Uncompressed)
		}
	}
	f("GET", "/hello/ann", 200, "hello hello ")
	f("GET", "/hello/ann?panic", 500, `{"code":13,"message":"Internal server error."}`)
	f("POST", "/hello/ann", 404, `{"code":5`)
}

func TestModuleThatFailsKeepsTheServerFromStarting(t *testing.T) {
	flags, _ := config.Split([]string{"--socket.address=127.0.0.1", "--socket.port=0", "--console.address=127.0.0.1", "--data_dir=" + t.TempDir()})
	settings, err := config.Load(config.Sources{Flags: flags, Generate: true})
	if err != nil {
		t.Fatal(err)
	}
	n, err := Start(Config{Settings: settings, KeepMaxProcs: true, Modules: []Module{
		func(context.Context, runtime.Logger, *sql.DB, runtime.NakamaModule, runtime.Initializer) error {
			return errors.New("no licence")
		},
	}})
	if err == nil || !strings.Contains(err.Error(), "modules: Go: module 1 of those linked in: InitModule: no licence") {
		t.Error(n, err)
	}
}

// TestStorageIndexOfModules: what Lua registers is filled from the store, goes through its filter, and is another after a
// reload.
func TestStorageIndexOfModules(t *testing.T) {
	for _, store := range []string{"embedded", "postgres"} {
		t.Run(store, func(t *testing.T) {
			t.Parallel()
			n := startAs(t, store, Config{})
			ann := signIn(t, n, "ann")
			for key, value := range map[string]string{"a": `{"level": 3}`, "b": `{"level": 30}`, "c": `{"level": 9, "hidden": true}`} {
				o := &api.WriteStorageObject{Collection: "base", Key: key, Value: value}
				ann.ask("WriteStorageObjects", ann.token, &api.WriteStorageObjectsRequest{Objects: []*api.WriteStorageObject{o}})
			}
			load := func(filter string) {
				t.Helper()
				text := `local nk = require("nakama")
					nk.register_storage_index("bases", "base", "", {"level"}, {"level"}, 100)
					` + filter + `
					nk.register_rpc(function(context, payload)
						local keys = ""
						for _, o in ipairs(nk.storage_index_list("bases", payload, 10, {"-value.level"}, context.user_id)) do keys = keys .. o.key end
						return keys
					end, "find")`
				if err := os.WriteFile(filepath.Join(n.c.Settings.Runtime.Path, "m.lua"), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
				if err := n.ReloadModules(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			find := func(query, want string) {
				t.Helper()
				if out := ann.ask("RpcFunc", ann.token, &api.Rpc{Id: "find", Payload: query}).(*api.Rpc).Payload; out != want {
					t.Errorf("%s: found %q, want %q", query, out, want)
				}
			}
			load("")
			find("*", "bca")
			find("+value.level:<10", "ca")
			load(`nk.register_storage_index_filter("bases", function(context, w)
				return context.execution_mode == "storage_index_filter" and w.user_id ~= nil and not w.value.hidden
			end)`)
			find("*", "ba")
			o := &api.WriteStorageObject{Collection: "base", Key: "c", Value: `{"level": 10}`}
			ann.ask("WriteStorageObjects", ann.token, &api.WriteStorageObjectsRequest{Objects: []*api.WriteStorageObject{o}})
			find("*", "bca")
			ann.ask("DeleteStorageObjects", ann.token, &api.DeleteStorageObjectsRequest{ObjectIds: []*api.DeleteStorageObjectId{{Collection: "base", Key: "b"}}})
			find("*", "ca")
		})
	}
}

func TestReloadAndCheckModules(t *testing.T) {
	n := startAs(t, "embedded", Config{Modules: []Module{testModule(make(chan reported, 1))}})
	if err := n.ReloadModules(t.Context()); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(filepath.Join(n.c.Settings.Runtime.Path, "broken.so"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{"reload": n.ReloadModules(t.Context()), "check": CheckModules(t.Context(), n.c.Settings)} {
		if err == nil || !strings.Contains(err.Error(), "Go: plugin broken.so:") {
			t.Errorf("%s: %v", what, err)
		}
	}
	ann := signIn(t, n, "ann")
	if out := ann.ask("RpcFunc", ann.token, &api.Rpc{Id: "ask", Payload: "still"}); out.(*api.Rpc).Payload != "ann still" {
		t.Error(out)
	}
}
