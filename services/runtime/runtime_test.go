package runtime

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gorilla/mux"
	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	nakama "github.com/heroiclabs/nakama-common/runtime"
	"google.golang.org/protobuf/proto"

	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/config"
	"github.com/skirmishgg/skirmish/services/gateway/gatewaytest"
	"github.com/skirmishgg/skirmish/services/match"
	"github.com/skirmishgg/skirmish/services/rpc"
)

// language is one whose modules are a function of the test.
type language struct {
	name string
	load func(h *Host, files []File, b *Builder) error
}

func (l *language) Name() string         { return l.name }
func (l *language) Extensions() []string { return []string{"." + strings.ToLower(l.name)} }
func (l *language) Load(_ context.Context, h *Host, files []File, b *Builder) error {
	return l.load(h, files, b)
}
func (l *language) Check(_ context.Context, h *Host, files []File) error {
	return l.load(h, files, NewBuilder())
}

// server is a Runtime over a catalogue whose operations only note that they were called.
type server struct {
	*gatewaytest.Catalogue
	runtime *Runtime
	log     *logged
}

// logged is a log that may be read while it is written.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newServer(t *testing.T, languages ...Language) *server {
	t.Helper()
	s := &server{Catalogue: gatewaytest.New(t, nil), log: &logged{}}
	s.runtime = New(Config{
		Host: &Host{
			Log: slog.New(slog.NewTextHandler(s.log, nil)), Settings: &config.Config{}, Node: "node1", Version: "v",
			Env: map[string]string{"A": "1"}, Root: t.TempDir(),
		},
		Languages: languages, Registry: s.Registry, RPC: s.RPC,
		Functions: map[string]rpc.Func{"own": func(context.Context, op.Caller, rpc.Request) (string, error) { return "node", nil }},
	})
	return s
}

// registering is a server with what f registers.
func registering(t *testing.T, f func(b *Builder)) *server {
	t.Helper()
	s := newServer(t, &language{"Test", func(_ *Host, _ []File, b *Builder) error { f(b); return nil }})
	if err := s.runtime.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

var user = op.Caller{
	UserID: id.UUID{1}, Username: "ada", Vars: map[string]string{"k": "v"}, Expires: 99, SessionID: "s", Lang: "fr", ClientIP: "192.0.2.1", ClientPort: "5",
}

func (s *server) invoke(t *testing.T, name string, in proto.Message) (proto.Message, *errs.Error) {
	t.Helper()
	return s.invokeIn(t.Context(), t, name, in)
}

func (s *server) invokeIn(ctx context.Context, t *testing.T, name string, in proto.Message) (proto.Message, *errs.Error) {
	t.Helper()
	e := s.Registry.Named(name)
	if e == nil {
		t.Fatalf("there is no operation %s", name)
	}
	return s.Invoke(ctx, e, user, in)
}

// TestEveryHookFires puts a hook before and after everything that can have one, and calls everything.
func TestEveryHookFires(t *testing.T) {
	fired := map[string]int{}
	see := func(ctx context.Context, name, mode string) error {
		if ctx.Value(nakama.RUNTIME_CTX_MODE) != mode || ctx.Value(nakama.RUNTIME_CTX_USERNAME) != "ada" {
			return fmt.Errorf("%s: mode %v, user %v", name, ctx.Value(nakama.RUNTIME_CTX_MODE), ctx.Value(nakama.RUNTIME_CTX_USERNAME))
		}
		fired[name+" "+mode]++
		return nil
	}
	names := gatewaytest.New(t, nil).Registry.Entries()
	s := registering(t, func(b *Builder) {
		for _, e := range names {
			name := e.Spec.Name
			b.Before(strings.ToUpper(name), func(ctx context.Context, in proto.Message) (proto.Message, error) {
				return in, see(ctx, name, ModeBefore)
			})
			b.After(name, func(ctx context.Context, out, in proto.Message) error { return see(ctx, name, ModeAfter) })
			b.BeforeEnvelope(strings.ToLower(name), func(ctx context.Context, in *rtapi.Envelope) (*rtapi.Envelope, error) {
				return in, see(ctx, name, ModeBefore)
			})
			b.AfterEnvelope(name, func(ctx context.Context, out, in *rtapi.Envelope) error { return see(ctx, name, ModeAfter) })
		}
	})
	for _, e := range s.Registry.Entries() {
		name := e.Spec.Name
		if _, refusal := s.invoke(t, name, e.Request.New().Interface()); refusal != nil && name != "RpcFunc" {
			t.Errorf("%s: %v", name, refusal)
		}
		want := 1
		if name == "RpcFunc" || name == "Healthcheck" {
			want = 0
		}
		for _, mode := range []string{ModeBefore, ModeAfter} {
			if got := fired[name+" "+mode]; got != want {
				t.Errorf("%s: its %s hooks ran %d times, want %d", name, mode, got, want)
			}
		}
	}
}

// The names that modules know, of Nakama's reference.
const (
	apiNames = `AddFriends AddGroupUsers AuthenticateApple AuthenticateCustom AuthenticateDevice AuthenticateEmail AuthenticateFacebook
AuthenticateFacebookInstantGame AuthenticateGameCenter AuthenticateGoogle AuthenticateSteam BanGroupUsers BlockFriends CreateGroup
DeleteAccount DeleteFriends DeleteGroup DeleteLeaderboardRecord DeleteNotifications DeleteStorageObjects DeleteTournamentRecord
DemoteGroupUsers Event GetAccount GetMatchmakerStats GetSubscription GetUsers ImportFacebookFriends ImportSteamFriends JoinGroup
JoinTournament KickGroupUsers LeaveGroup LinkApple UnlinkApple LinkCustom UnlinkCustom LinkDevice UnlinkDevice LinkEmail UnlinkEmail
LinkFacebook UnlinkFacebook LinkFacebookInstantGame UnlinkFacebookInstantGame LinkGameCenter UnlinkGameCenter LinkGoogle UnlinkGoogle
LinkSteam UnlinkSteam ListChannelMessages ListFriends ListFriendsOfFriends ListGroupUsers ListGroups ListLeaderboardRecords
ListLeaderboardRecordsAroundOwner ListMatches ListNotifications ListParties ListStorageObjects ListSubscriptions
ListTournamentRecords ListTournamentRecordsAroundOwner ListTournaments ListUserGroups PromoteGroupUsers ReadStorageObjects
SessionLogout SessionRefresh UpdateAccount UpdateGroup ValidatePurchaseApple ValidatePurchaseFacebookInstant ValidatePurchaseGoogle
ValidatePurchaseHuawei ValidatePurchaseSamsung ValidateSubscriptionApple ValidateSubscriptionGoogle WriteLeaderboardRecord
WriteStorageObjects WriteTournamentRecord`
	rtNames = `ChannelJoin ChannelLeave ChannelMessageSend ChannelMessageUpdate ChannelMessageRemove MatchCreate MatchDataSend MatchJoin
MatchLeave MatchmakerAdd MatchmakerRemove PartyCreate PartyJoin PartyLeave PartyPromote PartyAccept PartyRemove PartyClose
PartyJoinRequestList PartyMatchmakerAdd PartyMatchmakerRemove PartyDataSend PartyUpdate Ping Pong StatusFollow StatusUnfollow
StatusUpdate`
)

func TestTheNamesThatModulesKnowAreHookable(t *testing.T) {
	r := gatewaytest.New(t, nil).Registry
	f := func(names string, count int, envelopes bool) {
		t.Helper()
		list := strings.Fields(names)
		if len(list) != count {
			t.Errorf("%d names, want %d", len(list), count)
		}
		for _, name := range list {
			e := r.Named(name)
			if e == nil {
				t.Errorf("no operation is called %s", name)
				continue
			}
			if message, envelope := Hookable(e); message == envelopes || envelope != envelopes {
				t.Errorf("%s: hooks of the message %v, of the envelope %v", name, message, envelope)
			}
		}
	}
	f(apiNames, 83, false)
	f(rtNames, 28, true)
}

func TestUnknownHookNamesAreToldOf(t *testing.T) {
	s := registering(t, func(b *Builder) {
		b.Before("Nonsense", func(context.Context, proto.Message) (proto.Message, error) { return nil, nil })
		b.AfterEnvelope("WriteStorageObjects", func(context.Context, *rtapi.Envelope, *rtapi.Envelope) error { return nil })
	})
	for _, want := range []string{"kind=before name=nonsense", `kind="realtime after" name=writestorageobjects`} {
		if !strings.Contains(s.log.String(), want) {
			t.Errorf("the log has no %s:\n%s", want, s.log)
		}
	}
}

func TestBeforeHooks(t *testing.T) {
	var answer func(in proto.Message) (proto.Message, error)
	before := func(_ context.Context, in proto.Message) (proto.Message, error) { return answer(in) }
	s := registering(t, func(b *Builder) {
		b.Before("GetUsers", before)
		b.Before("GetAccount", before)
	})
	refused := func(what string, code errs.Code, message string) {
		t.Helper()
		_, refusal := s.invoke(t, "GetUsers", &api.GetUsersRequest{})
		if refusal == nil || refusal.Code != code || refusal.Message != message || len(s.Calls()) != 0 {
			t.Errorf("%s: %+v, want %d %q and no call", what, refusal, code, message)
		}
	}
	fails := func(err error) func(proto.Message) (proto.Message, error) {
		return func(in proto.Message) (proto.Message, error) { return in, err }
	}

	answer = func(in proto.Message) (proto.Message, error) {
		in.(*api.GetUsersRequest).Usernames = []string{"other"}
		return in, nil
	}
	if _, refusal := s.invoke(t, "GetUsers", &api.GetUsersRequest{Usernames: []string{"one"}}); refusal != nil {
		t.Fatal(refusal)
	}
	if calls := s.Calls(); len(calls) != 1 || calls[0].In.(*api.GetUsersRequest).Usernames[0] != "other" {
		t.Errorf("the operation saw %v", calls)
	}

	answer = func(proto.Message) (proto.Message, error) { return nil, nil }
	refused("nil", errs.NotFound, "Requested resource was not found.")
	answer = func(proto.Message) (proto.Message, error) { return (*api.GetUsersRequest)(nil), nil }
	refused("typed nil", errs.NotFound, "Requested resource was not found.")
	answer = fails(nakama.NewError("no", 7))
	refused("code", errs.PermissionDenied, "no")
	answer = fails(fmt.Errorf("around: %w", nakama.NewError("no", 7)))
	refused("code within", errs.PermissionDenied, "no")
	for _, code := range []int{0, -1, 17, 99} {
		answer = fails(nakama.NewError("no", code))
		refused("code out of range", errs.Internal, "no")
	}
	answer = fails(errors.New("plain"))
	refused("plain", errs.Internal, "plain")
	answer = fails(errs.New(errs.NotFound, "from below"))
	refused("a refusal from below", errs.Internal, "from below")
	answer = fails(&Thrown{Message: "thrown", Code: 99})
	refused("thrown", 99, "thrown")
	answer = fails(&Thrown{Message: "thrown"})
	refused("thrown without a code", errs.Internal, "thrown")
	answer = func(proto.Message) (proto.Message, error) { panic("boom") }
	refused("panic", errs.Internal, "Internal server error.")
	if !strings.Contains(s.log.String(), "panic=boom") || !strings.Contains(s.log.String(), "TestBeforeHooks") {
		t.Errorf("the log has no panic with its stack:\n%s", s.log)
	}

	answer = func(proto.Message) (proto.Message, error) { return nil, nil }
	if _, refusal := s.invoke(t, "GetAccount", s.Registry.Named("GetAccount").Request.New().Interface()); refusal != nil || len(s.Calls()) != 1 {
		t.Errorf("a message without fields was stopped by what its hook returned: %v", refusal)
	}
}

func TestAfterHooks(t *testing.T) {
	var saw []string
	s := registering(t, func(b *Builder) {
		b.After("GetUsers", func(_ context.Context, out, in proto.Message) error {
			saw = append(saw, fmt.Sprintf("%d %d", len(out.(*api.Users).Users), len(in.(*api.GetUsersRequest).Usernames)))
			return errors.New("after failed")
		})
		b.After("AddFriends", func(_ context.Context, out, _ proto.Message) error {
			saw = append(saw, fmt.Sprint(out == nil))
			panic("after panicked")
		})
	})
	s.Answer(func(_ context.Context, _ op.Caller, in proto.Message) (proto.Message, error) {
		if in.(*api.GetUsersRequest).Usernames == nil {
			return nil, errs.New(errs.NotFound, "none")
		}
		return &api.Users{Users: []*api.User{{}, {}}}, nil
	})
	out, refusal := s.invoke(t, "GetUsers", &api.GetUsersRequest{Usernames: []string{"a"}})
	if refusal != nil || len(out.(*api.Users).Users) != 2 {
		t.Errorf("the caller felt the hook: %v %v", out, refusal)
	}
	if _, refusal := s.invoke(t, "GetUsers", &api.GetUsersRequest{}); refusal == nil {
		t.Error("it should have failed")
	}
	s.Answer(nil)
	if _, refusal := s.invoke(t, "AddFriends", &api.AddFriendsRequest{}); refusal != nil {
		t.Errorf("the caller felt the panic: %v", refusal)
	}
	if want := []string{"2 1", "true"}; !slices.Equal(saw, want) {
		t.Errorf("hooks saw %v, want %v", saw, want)
	}
	for _, want := range []string{"after failed", "after panicked"} {
		if !strings.Contains(s.log.String(), want) {
			t.Errorf("the log has no %q", want)
		}
	}
}

func TestEnvelopeHooks(t *testing.T) {
	var before func(in *rtapi.Envelope) (*rtapi.Envelope, error)
	var out, in *rtapi.Envelope
	s := registering(t, func(b *Builder) {
		hook := func(_ context.Context, in *rtapi.Envelope) (*rtapi.Envelope, error) { return before(in) }
		after := func(_ context.Context, o, i *rtapi.Envelope) error { out, in = o, i; return nil }
		for _, name := range []string{"ChannelJoin", "MatchDataSend", "ChannelLeave"} {
			b.BeforeEnvelope(name, hook)
			b.AfterEnvelope(name, after)
		}
	})
	join := func() (op.Frame, *errs.Error) {
		frame := op.Frame{Cid: "7"}
		_, refusal := s.invokeIn(op.WithFrame(t.Context(), &frame), t, "ChannelJoin", &rtapi.ChannelJoin{Target: "room"})
		return frame, refusal
	}

	before = func(in *rtapi.Envelope) (*rtapi.Envelope, error) {
		if in.Cid != "7" || in.GetChannelJoin().GetTarget() != "room" {
			t.Errorf("the hook got %v", in)
		}
		in.Cid, in.GetChannelJoin().Target = "8", "hall"
		return in, nil
	}
	if frame, refusal := join(); refusal != nil || frame.Cid != "8" {
		t.Errorf("changed: %v, %v", frame, refusal)
	}
	if calls := s.Calls(); len(calls) != 1 || calls[0].In.(*rtapi.ChannelJoin).Target != "hall" {
		t.Errorf("the operation saw %v", calls)
	}
	if out.GetChannel() == nil || out.Cid != "8" || in.GetChannelJoin().GetTarget() != "hall" {
		t.Errorf("the after hook saw %v and %v", out, in)
	}

	before = func(*rtapi.Envelope) (*rtapi.Envelope, error) {
		return &rtapi.Envelope{Message: &rtapi.Envelope_StatusUpdate{StatusUpdate: &rtapi.StatusUpdate{}}}, nil
	}
	if frame, refusal := join(); refusal != nil || frame.Cid != "" {
		t.Errorf("another kind: %v, %v", frame, refusal)
	}
	if calls := s.Calls(); len(calls) != 1 || calls[0].Name != "StatusUpdate" {
		t.Errorf("another kind: the calls were %v", calls)
	}

	refused := func(what, cid string, code errs.Realtime, message string) {
		t.Helper()
		frame, refusal := join()
		if refusal == nil || refusal.Realtime() != code || refusal.Message != message || frame.Cid != cid || len(s.Calls()) != 0 {
			t.Errorf("%s: %v %+v", what, frame, refusal)
		}
	}
	before = func(*rtapi.Envelope) (*rtapi.Envelope, error) { return nil, nakama.NewError("no", 3) }
	refused("error", "7", errs.RuntimeFunctionException, "no")
	before = func(*rtapi.Envelope) (*rtapi.Envelope, error) { return nil, ErrBeforeEnvelope }
	refused("no envelope", "", errs.RuntimeFunctionException, "Could not complete runtime Before function.")
	before = func(*rtapi.Envelope) (*rtapi.Envelope, error) { return nil, nil }
	refused("nil", "7", errs.UnrecognizedPayload, "Requested resource was not found.")
	before = func(*rtapi.Envelope) (*rtapi.Envelope, error) { return &rtapi.Envelope{Cid: "7"}, nil }
	refused("nothing in it", "7", errs.MissingPayload, "Missing message.")
	before = func(*rtapi.Envelope) (*rtapi.Envelope, error) { panic("boom") }
	refused("panic", "7", errs.RuntimeFunctionException, "Internal server error.")

	before = func(in *rtapi.Envelope) (*rtapi.Envelope, error) { return in, nil }
	if _, refusal := s.invoke(t, "MatchDataSend", &rtapi.MatchDataSend{}); refusal != nil || out != nil || in.GetMatchDataSend() == nil {
		t.Errorf("a silent message: %v, after hook saw %v and %v", refusal, out, in)
	}
	if _, refusal := s.invoke(t, "ChannelLeave", &rtapi.ChannelLeave{}); refusal != nil || out == nil || out.Message != nil {
		t.Errorf("an acknowledged message: %v, after hook saw %v", refusal, out)
	}
}

func TestRPC(t *testing.T) {
	var got context.Context
	s := registering(t, func(b *Builder) {
		b.RPC("Echo", func(ctx context.Context, payload string) (string, error) { got = ctx; return payload, nil })
		b.RPC("own", func(context.Context, string) (string, error) { return "module", nil })
		b.RPC("fails", func(context.Context, string) (string, error) {
			return "", &Thrown{Message: "no", Code: 99, StackTrace: "at f"}
		})
		b.RPC("go", func(context.Context, string) (string, error) { return "", nakama.NewError("no", 5) })
		b.RPC("panics", func(context.Context, string) (string, error) { panic("boom") })
	})
	call := func(ctx context.Context, name string) (string, *errs.Error) {
		t.Helper()
		out, refusal := s.invokeIn(ctx, t, "RpcFunc", &api.Rpc{Id: name, Payload: "p"})
		return out.(*api.Rpc).GetPayload(), refusal
	}
	ctx := rpc.With(t.Context(), &rpc.Called{Headers: map[string][]string{"H": {"1"}}, Query: map[string][]string{"q": {"2"}}})
	if out, refusal := call(ctx, "eCHO"); refusal != nil || out != "p" {
		t.Errorf("%q %v", out, refusal)
	}
	values := map[string]string{}
	for key, v := range Values(got) {
		values[key] = fmt.Sprint(v)
	}
	want := map[string]string{
		"env": "map[A:1]", "execution_mode": "rpc", "node": "node1", "version": "v", "headers": "map[H:[1]]", "query_params": "map[q:[2]]",
		"user_id": id.UUID{1}.String(), "username": "ada", "vars": "map[k:v]", "user_session_exp": "99", "session_id": "s", "lang": "fr",
		"client_ip": "192.0.2.1", "client_port": "5",
	}
	if fmt.Sprint(values) != fmt.Sprint(want) {
		t.Errorf("the context has\n%v, want\n%v", values, want)
	}
	if out, _ := call(t.Context(), "own"); out != "node" {
		t.Errorf("a module took the node's own function away: %q", out)
	}
	f := func(name string, code errs.Code, message string) {
		t.Helper()
		_, refusal := s.invoke(t, "RpcFunc", &api.Rpc{Id: name})
		if refusal == nil || refusal.Code != code || refusal.Message != message || refusal.Realtime() != errs.RuntimeFunctionException {
			t.Errorf("%s: %+v", name, refusal)
		}
	}
	f("fails", 99, "no")
	f("go", errs.NotFound, "no")
	f("panics", errs.Internal, "Internal server error.")
}

// TestPrecedence has three languages register the same things: the first has them.
func TestPrecedence(t *testing.T) {
	say := func(name string) *language {
		return &language{name, func(_ *Host, _ []File, b *Builder) error {
			b.RPC("who", func(context.Context, string) (string, error) { return name, nil })
			b.RPC("only"+name, func(context.Context, string) (string, error) { return name, nil })
			b.Before("GetUsers", func(context.Context, proto.Message) (proto.Message, error) { return nil, errors.New(name) })
			b.TournamentEnd = func(context.Context, *api.Tournament, int64, int64) error { return errors.New(name) }
			b.IndexFilter("i", func(context.Context, *nakama.StorageWrite) (bool, error) { return false, errors.New(name) })
			b.Match("m", func() match.Handler { return nil })
			return nil
		}}
	}
	s := newServer(t, say("Go"), say("Lua"), say("JS"))
	if err := s.runtime.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	set := s.runtime.Set()
	_, before := s.invoke(t, "GetUsers", &api.GetUsersRequest{})
	_, filter := set.IndexFilter(t.Context(), "i", &nakama.StorageWrite{})
	for _, err := range []error{before, set.TournamentEnd(t.Context(), nil, 0, 0), filter} {
		if err.Error() != "Go" {
			t.Errorf("the hook is that of %v", err)
		}
	}
	for id, want := range map[string]string{"who": "Go", "onlygo": "Go", "onlylua": "Lua", "onlyjs": "JS"} {
		if out, _ := s.invoke(t, "RpcFunc", &api.Rpc{Id: id}); out.(*api.Rpc).GetPayload() != want {
			t.Errorf("%s is %v, want %s", id, out, want)
		}
	}
}

// TestReload reloads modules that got better, and then modules that fail in every way.
func TestReload(t *testing.T) {
	load := func(b *Builder) error { return nil }
	replaced := 0
	s := newServer(t, &language{"Test", func(_ *Host, _ []File, b *Builder) error { return load(b) }})
	who := func() string {
		out, _ := s.invoke(t, "RpcFunc", &api.Rpc{Id: "who"})
		return out.(*api.Rpc).GetPayload()
	}
	version := func(name string) func(b *Builder) error {
		return func(b *Builder) error {
			b.RPC("who", func(context.Context, string) (string, error) { return name, nil })
			b.Match("m", func() match.Handler { return &namedHandler{name: name} })
			b.Replaced = append(b.Replaced, func() { replaced++ })
			if name == "one" {
				b.Before("GetUsers", func(context.Context, proto.Message) (proto.Message, error) { return nil, errors.New("one") })
			}
			return nil
		}
	}
	load = version("one")
	if err := s.runtime.Load(t.Context()); err != nil || who() != "one" {
		t.Fatal(who(), err)
	}
	make, _ := s.runtime.Set().Match("m")
	running := make()
	load = version("two")
	if err := s.runtime.Reload(t.Context()); err != nil || who() != "two" || replaced != 1 {
		t.Fatal(who(), err, replaced)
	}
	if _, refusal := s.invoke(t, "GetUsers", &api.GetUsersRequest{}); refusal != nil {
		t.Errorf("a hook that is gone ran: %v", refusal)
	}
	if running.State() != "one" {
		t.Error("a running match has another handler")
	}
	f := func(what, want string, l func(b *Builder) error) {
		t.Helper()
		load = l
		err := s.runtime.Reload(t.Context())
		if err == nil || !strings.Contains(err.Error(), want) || who() != "two" || replaced != 1 {
			t.Errorf("%s: %v, who answers %s", what, err, who())
		}
	}
	f("error", "Test: main.x:3: oops", func(b *Builder) error {
		b.RPC("who", func(context.Context, string) (string, error) { return "three", nil })
		return errors.New("main.x:3: oops")
	})
	f("panic", "Test panicked: boom", func(*Builder) error { panic("boom") })
	f("bad route", `path pattern "x" does not start with /`, func(b *Builder) error {
		b.HTTP = append(b.HTTP, Route{Pattern: "x"})
		return nil
	})
}

type namedHandler struct {
	match.Handler
	name string
}

func (h *namedHandler) State() any { return h.name }

// TestReloadDuringCalls swaps Sets while calls go on: each is answered by one of them.
func TestReloadDuringCalls(t *testing.T) {
	generation := 0
	s := newServer(t, &language{"Test", func(_ *Host, _ []File, b *Builder) error {
		generation++
		n := fmt.Sprint(generation)
		b.RPC("n", func(context.Context, string) (string, error) { return n, nil })
		b.Before("GetUsers", func(_ context.Context, in proto.Message) (proto.Message, error) { return in, nil })
		return nil
	}})
	if err := s.runtime.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	var callers sync.WaitGroup
	done := make(chan struct{})
	for range 4 {
		callers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if out, refusal := s.Invoke(context.Background(), s.Registry.Named("RpcFunc"), user, &api.Rpc{Id: "n"}); refusal != nil || out.(*api.Rpc).Payload == "" {
					t.Error(out, refusal)
					return
				}
				if _, refusal := s.Invoke(context.Background(), s.Registry.Named("GetUsers"), user, &api.GetUsersRequest{}); refusal != nil {
					t.Error(refusal)
					return
				}
			}
		})
	}
	for range 50 {
		if err := s.runtime.Reload(t.Context()); err != nil {
			t.Error(err)
		}
	}
	close(done)
	callers.Wait()
}

// TestWatch saves files and looks at them as Watch does.
func TestWatch(t *testing.T) {
	var loaded []string
	var fail error
	s := newServer(t, &language{"Test", func(_ *Host, files []File, _ *Builder) error {
		loaded = nil
		for _, f := range files {
			text, err := f.Read()
			if err != nil {
				return err
			}
			loaded = append(loaded, f.Name+"="+string(text))
		}
		return fail
	}})
	root := s.runtime.c.Host.Root
	save := func(name, text string) {
		t.Helper()
		path := filepath.Join(root, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	w := watcher{runtime: s.runtime}
	look := func(what string, want ...string) {
		t.Helper()
		loaded = []string{"nothing loaded"}
		w.look(t.Context())
		if !slices.Equal(loaded, want) {
			t.Errorf("%s: %v, want %v", what, loaded, want)
		}
	}
	save("b/c.test", "1")
	save("a.test", "1")
	save("other.txt", "1")
	save("node_modules/d.test", "1")
	if err := s.runtime.Load(t.Context()); err != nil || !slices.Equal(loaded, []string{"a.test=1", "b/c.test=1"}) {
		t.Fatal(loaded, err)
	}
	look("first", "nothing loaded")
	look("unchanged", "nothing loaded")
	save("a.test", "22")
	look("seen once", "nothing loaded")
	save("a.test", "333")
	look("still being written", "nothing loaded")
	look("settled", "a.test=333", "b/c.test=1")
	look("loaded", "nothing loaded")
	fail = errors.New("a.test:1: oops")
	save("a.test", "4444")
	look("seen once", "nothing loaded")
	look("failing", "a.test=4444", "b/c.test=1")
	look("a failure is told once", "nothing loaded")
	if n := strings.Count(s.log.String(), "a.test:1: oops"); n != 1 {
		t.Errorf("the log tells the failure %d times:\n%s", n, s.log)
	}
}

func TestHTTPHandlers(t *testing.T) {
	s := registering(t, func(b *Builder) {
		b.HTTP = append(b.HTTP, Route{Pattern: "/shop/{item:[a-z]+}", Methods: []string{"GET"}, Handler: func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, mux.Vars(r)["item"])
		}})
	})
	f := func(method, path, want string) {
		t.Helper()
		r := httptest.NewRequest(method, path, nil)
		got := ""
		if h := s.runtime.HTTP(r); h != nil {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			got = w.Body.String()
		}
		if got != want {
			t.Errorf("%s %s: %q, want %q", method, path, got, want)
		}
	}
	f("GET", "/shop/sword", "sword")
	f("GET", "/shop/9", "")
	f("POST", "/shop/sword", "")
	f("GET", "/other", "")
}

func TestStorageIndexes(t *testing.T) {
	b := NewBuilder()
	good := StorageIndex{Name: "n", Collection: "c", Fields: []string{"a"}, Sortable: []string{"a"}, MaxEntries: 1}
	if err := b.Index(good); err != nil {
		t.Error(err)
	}
	f := func(want string, change func(x *StorageIndex)) {
		t.Helper()
		x := good
		change(&x)
		if err := b.Index(x); err == nil || err.Error() != "failed to create storage index: "+want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	f("storage index 'name' must be set", func(x *StorageIndex) { x.Name = "" })
	f("storage index 'collection' must be set", func(x *StorageIndex) { x.Collection = "" })
	f("storage 'maxEntries' must be > 0", func(x *StorageIndex) { x.MaxEntries = 0 })
	f("storage index 'fields' must contain at least one top level key", func(x *StorageIndex) { x.Fields = nil })
	f("sortable field 'b' is not one of the index's fields", func(x *StorageIndex) { x.Sortable = []string{"b"} })
}

func TestLogger(t *testing.T) {
	var out bytes.Buffer
	l := NewLogger(slog.New(slog.NewTextHandler(&out, nil)))
	with := l.WithField("a", 1).WithFields(map[string]any{"b": "x"})
	with.Info("%d of %s", 3, "four")
	l.Error("100%")
	if got := fmt.Sprint(with.Fields(), l.Fields()); got != "map[a:1 b:x] map[]" {
		t.Errorf("fields are %s", got)
	}
	for _, want := range []string{`msg="3 of four" a=1 b=x`, `msg=100% source=runtime_test.go:`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}
