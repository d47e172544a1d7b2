package native_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/skirmishgg/skirmish/engine/clock"
	"github.com/skirmishgg/skirmish/engine/loop"
	"github.com/skirmishgg/skirmish/engine/udp"
	"github.com/skirmishgg/skirmish/netcode/token"
	protoapi "github.com/skirmishgg/skirmish/protocol/api"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
	skirmish "github.com/skirmishgg/skirmish/sdk-gen/base/go"
	"github.com/skirmishgg/skirmish/services/connect"
	"github.com/skirmishgg/skirmish/services/gateway"
	"github.com/skirmishgg/skirmish/services/gateway/native"
	"github.com/skirmishgg/skirmish/services/gateway/worker"
	"github.com/skirmishgg/skirmish/services/session"
)

// Numbers of the test's operations.
const (
	opEcho   = 62 // api.Rpc: the same back
	opWho    = 24 // the caller as an account
	opRefuse = 5
	opBlock  = 6 // waits until the house opens its gate
	opLarge  = 7 // as much as the payload's number says
	opHidden = 8 // for the console
	opPanic  = 9
)

// house is a server of native sessions on real sockets: control loop, door, workers, tokens.
type house struct {
	t       testing.TB
	door    *native.Door
	live    *session.Live
	connect *connect.Service
	control *loop.Control
	port    *loop.Port
	addr    netip.AddrPort
	gate    chan struct{}
	began   chan string // payloads of blocked calls
	gone    atomic.Int64
	ended   sync.Map // user → true: revoked

	mu    sync.Mutex
	heard map[string][]string // payloads of opEcho by user
}

func (h *house) register(r *op.Registry) {
	op.Add(r, op.Spec{Name: "Echo", ID: opEcho, Auth: op.HTTPKey}, func(_ context.Context, c op.Caller, in *api.Rpc) (*api.Rpc, error) {
		h.mu.Lock()
		h.heard[c.Username] = append(h.heard[c.Username], in.Payload)
		h.mu.Unlock()
		return &api.Rpc{Id: in.Id, Payload: in.Payload}, nil
	})
	op.Add(r, op.Spec{Name: "Who", ID: opWho, Auth: op.Session}, func(_ context.Context, c op.Caller, _ *emptypb.Empty) (*api.Account, error) {
		return &api.Account{
			User:     &api.User{Id: c.UserID.String(), Username: c.Username, Metadata: c.Vars["color"]},
			CustomId: c.SessionID, Email: c.ClientIP, Wallet: c.Host,
		}, nil
	})
	op.Add(r, op.Spec{Name: "Refuse", ID: opRefuse, Auth: op.ServerKey}, func(_ context.Context, _ op.Caller, in *api.Rpc) (*emptypb.Empty, error) {
		if in.Id == "trouble" {
			return nil, errors.New("the disk has a secret name")
		}
		return nil, errs.New(errs.AlreadyExists, "It is there already.")
	})
	op.Add(r, op.Spec{Name: "Block", ID: opBlock, Auth: op.Session}, func(ctx context.Context, _ op.Caller, in *api.Rpc) (*emptypb.Empty, error) {
		h.began <- in.Payload
		select {
		case <-h.gate:
			return &emptypb.Empty{}, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	})
	op.Add(r, op.Spec{Name: "Large", ID: opLarge, Auth: op.Session}, func(_ context.Context, _ op.Caller, in *api.Rpc) (*api.Rpc, error) {
		var n int
		_, err := fmt.Sscan(in.Payload, &n)
		return &api.Rpc{Payload: strings.Repeat("x", n)}, err
	})
	op.Add(r, op.Spec{Name: "Hidden", ID: opHidden, Auth: op.Console}, func(context.Context, op.Caller, *emptypb.Empty) (*emptypb.Empty, error) {
		return &emptypb.Empty{}, nil
	})
	op.Add(r, op.Spec{Name: "Panic", ID: opPanic, Auth: op.Session}, func(context.Context, op.Caller, *emptypb.Empty) (*emptypb.Empty, error) {
		panic("a bug")
	})
	h.connect.Register(r)
	r.Seal()
}

// houses runs f on both drivers.
func houses(t *testing.T, f func(t *testing.T, h *house), change ...func(c *native.Config)) {
	for _, driver := range []string{"linux", "portable"} {
		t.Run(driver, func(t *testing.T) {
			h := newHouse(t, driver, change...)
			f(t, h)
		})
	}
}

func newHouse(t testing.TB, driver string, change ...func(c *native.Config)) *house {
	h := &house{t: t, live: session.NewLive(), gate: make(chan struct{}), began: make(chan string, 1000), heard: map[string][]string{}}
	port, err := loop.Open(udp.Config{Addr: "127.0.0.1:0", Driver: driver})
	if err != nil {
		if driver == "linux" {
			t.Skip(err)
		}
		t.Fatal(err)
	}
	h.port, h.addr = port, port.Group().LocalAddr()
	addresses, err := connect.NewAddresses(connect.AddressConfig{Local: h.addr})
	if err != nil {
		t.Fatal(err)
	}
	var keys [3][32]byte
	for i := range keys {
		_, _ = rand.Read(keys[i][:])
	}
	h.connect = connect.New(connect.Config{
		TokenKey: keys[0], ServerID: [8]byte{1}, Node: "here", Matches: h, Addresses: addresses, Sessions: true, Random: rand.Reader,
	})
	r := op.NewRegistry()
	h.register(r)
	workers := worker.New(8)
	c := native.Config{
		Door:    &gateway.Door{Registry: r, Live: h.live, Node: "here", Log: slog.New(slog.NewTextHandler(io.Discard, nil))},
		Workers: workers, Identify: h.connect.Identify,
		Ended:  func(user id.UUID, _ time.Time) bool { _, ok := h.ended.Load(user); return ok },
		Closed: func(session.Conn) { h.gone.Add(1) },
	}
	for _, f := range change {
		f(&c)
	}
	h.door = native.New(c)
	h.control = loop.NewControl(loop.Config{
		ServerID: [8]byte{1}, TokenKey: keys[0], TicketKey: keys[1], ResetKey: keys[2], Random: rand.Reader,
		Clock: clock.Real{}, Wall: time.Now, Directory: loop.NewDirectory(), Sessions: h.door, SessionsMax: 300, Wake: port.Wake,
	})
	port.Start(h.control)
	t.Cleanup(func() {
		if err := port.Close(); err != nil {
			t.Error(err)
		}
		workers.Stop()
	})
	return h
}

// Place: there are no matches here.
func (h *house) Place(context.Context, connect.Request, op.Caller) (connect.Place, bool, error) {
	return connect.Place{}, false, nil
}

func user(n int) op.Caller {
	return op.Caller{UserID: id.UUID{1, byte(n >> 8), byte(n)}, Username: fmt.Sprint("user", n), ClientIP: "127.0.0.1", Host: "127.0.0.1:7350"}
}

func (h *house) token(c op.Caller) *token.Connect {
	h.t.Helper()
	out, err := h.connect.CreateConnectToken(h.t.Context(), c, &protoapi.CreateConnectTokenRequest{})
	if err != nil {
		h.t.Fatal(err)
	}
	t, err := token.ParseText(out.Token)
	if err != nil {
		h.t.Fatal(err)
	}
	return t
}

func (h *house) open(c op.Caller, o skirmish.SessionOptions) *skirmish.Session {
	h.t.Helper()
	s, err := skirmish.OpenSessionWith(h.t.Context(), h.token(c), o)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(s.Close)
	return s
}

func echo(t testing.TB, s *skirmish.Session, payload string) error {
	t.Helper()
	out := &api.Rpc{}
	err := s.Call(t.Context(), opEcho, &api.Rpc{Id: "echo", Payload: payload}, out)
	if err == nil && (out.Payload != payload || out.Id != "echo") {
		t.Errorf("%.40q came back as %.40q", payload, out.Payload)
	}
	return err
}

// within waits for what another goroutine brings about.
func within(t testing.TB, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !done(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within ten seconds", what)
		}
	}
}

func TestCalls(t *testing.T) {
	houses(t, func(t *testing.T, h *house) {
		who := user(1)
		who.Vars = map[string]string{"color": "green"}
		s := h.open(who, skirmish.SessionOptions{})
		account := &api.Account{}
		if err := s.Call(t.Context(), opWho, &emptypb.Empty{}, account); err != nil {
			t.Fatal(err)
		}
		if account.User.Id != who.UserID.String() || account.User.Username != "user1" || account.User.Metadata != "green" ||
			account.Email != "127.0.0.1" || account.Wallet != "127.0.0.1:7350" {
			t.Errorf("the server sees %v", account)
		}
		conns := h.live.OfUser(who.UserID)
		if len(conns) != 1 || conns[0].ID().String() != account.CustomId || conns[0].Username() != "user1" || conns[0].Vars()["color"] != "green" || conns[0].Lang() != "en" {
			t.Errorf("live connections %v", conns)
		}
		for _, payload := range []string{"", "hello", strings.Repeat("a", 65_000), strings.Repeat("b", 150_000)} {
			if err := echo(t, s, payload); err != nil {
				t.Errorf("%d bytes: %v", len(payload), err)
			}
		}
		f := func(what string, number uint16, payload string, code errs.Code, text string) {
			t.Helper()
			err := s.Call(t.Context(), number, &api.Rpc{Id: payload, Payload: payload}, &api.Rpc{})
			if !errors.Is(err, errs.New(code, text)) {
				t.Errorf("%s: %v", what, err)
			}
		}
		f("refusal", opRefuse, "", errs.AlreadyExists, "It is there already.")
		f("trouble", opRefuse, "trouble", errs.Internal, "Internal server error.")
		f("no such operation", 999, "", errs.Unimplemented, "This server has no operation of that number.")
		f("too large", opEcho, strings.Repeat("c", 263_000), errs.ResourceExhausted, "The request is larger than this server takes.")
		f("an answer that is too large", opLarge, "5000000", errs.ResourceExhausted, "The answer is larger than a native session carries. Ask for less.")
		if err := s.Call(t.Context(), opHidden, &emptypb.Empty{}, &emptypb.Empty{}); errs.Of(err).Code != errs.PermissionDenied {
			t.Errorf("for the console: %v", err)
		}
		if err := s.Call(t.Context(), opPanic, &emptypb.Empty{}, &emptypb.Empty{}); errs.Of(err).Code != errs.Internal {
			t.Errorf("a panic: %v", err)
		}
		large := &api.Rpc{}
		if err := s.Call(t.Context(), opLarge, &api.Rpc{Payload: "200000"}, large); err != nil || len(large.Payload) != 200_000 {
			t.Errorf("a large answer: %d bytes, %v", len(large.Payload), err)
		}
		if st := h.door.Stats(); st.Unknown != 1 || st.TooLarge != 1 || st.Malformed != 0 || st.Open != 1 {
			t.Errorf("%+v", st)
		}
		if err := s.Post(opEcho, &api.Rpc{Payload: "last words"}); err != nil {
			t.Error(err)
		}
		s.Close() // takes them along
		within(t, "the goodbye", func() bool { return h.gone.Load() == 1 && h.live.Count() == 0 })
		h.mu.Lock()
		defer h.mu.Unlock()
		if heard := h.heard["user1"]; heard[len(heard)-1] != "last words" {
			t.Errorf("the server heard %d messages, not the last one", len(heard))
		}
		if err := echo(t, s, "too late"); err == nil {
			t.Error("a session that was closed still answers")
		}
	})
}
