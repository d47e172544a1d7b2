package native_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/types/known/emptypb"

	protoapi "github.com/skirmishgg/skirmish/protocol/api"
	"github.com/skirmishgg/skirmish/protocol/codec"
	"github.com/skirmishgg/skirmish/protocol/wire"
	skirmish "github.com/skirmishgg/skirmish/sdk-gen/base/go"
	"github.com/skirmishgg/skirmish/services/gateway/native"
	"github.com/skirmishgg/skirmish/services/match"
)

// bad is a client's network: it loses a share of all datagrams, or everything once it is dead.
type bad struct {
	skirmish.Transport
	loss float64
	dead *atomic.Bool

	mu  sync.Mutex
	rng *rand.Rand
}

func badNet(loss float64, dead *atomic.Bool) func() (skirmish.Transport, error) {
	var sockets atomic.Uint64
	return func() (skirmish.Transport, error) {
		t, err := skirmish.UDP()
		return &bad{Transport: t, loss: loss, dead: dead, rng: rand.New(rand.NewPCG(1, sockets.Add(1)))}, err
	}
}

func (b *bad) lost() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.dead.Load() || b.rng.Float64() < b.loss
}

func (b *bad) Write(pkt []byte, to netip.AddrPort) error {
	if b.lost() {
		return nil
	}
	return b.Transport.Write(pkt, to)
}

func (b *bad) Read(buf []byte, until time.Time) (int, netip.AddrPort, error) {
	for {
		n, from, err := b.Transport.Read(buf, until)
		if err != nil || !b.lost() {
			return n, from, err
		}
	}
}

func (b *bad) Wake() { b.Transport.(interface{ Wake() }).Wake() }

// heardInOrder checks that the server carried out 0 … n-1 of a user's calls, once and in order.
func (h *house) heardInOrder(name string, n int) {
	h.t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	heard := h.heard[name]
	for i, payload := range heard {
		if payload != strconv.Itoa(i) {
			h.t.Errorf("%s: call %d was %q", name, i, payload)
			return
		}
	}
	if len(heard) != n {
		h.t.Errorf("%s: %d calls were carried out, not %d", name, len(heard), n)
	}
}

// TestManySessions: goal: 200 sessions at once, each answered in order and nobody with another's answer.
func TestManySessions(t *testing.T) {
	houses(t, func(t *testing.T, h *house) {
		const sessions, calls = 200, 10
		var open sync.WaitGroup
		for i := range sessions {
			open.Go(func() {
				s, err := skirmish.OpenSessionWith(t.Context(), h.token(user(i)), skirmish.SessionOptions{})
				if err != nil {
					t.Error(err)
					return
				}
				defer s.Close()
				for n := range calls {
					if err := echo(t, s, strconv.Itoa(n)); err != nil {
						t.Errorf("session %d: %v", i, err)
					}
				}
			})
		}
		open.Wait()
		for i := range sessions {
			h.heardInOrder(fmt.Sprint("user", i), calls)
		}
		within(t, "the end of all", func() bool { return h.live.Count() == 0 && h.gone.Load() == sessions && h.control.SessionCount() == 0 })
		if st := h.door.Stats(); st.Opened != sessions || st.Calls != sessions*calls || st.Open != 0 {
			t.Errorf("%+v", st)
		}
	})
}

// TestLossAndRebinding: goal: at 20 % loss each way, while the client changes sockets, every call is carried out once, in
// order, and answered.
func TestLossAndRebinding(t *testing.T) {
	houses(t, func(t *testing.T, h *house) {
		s := h.open(user(1), skirmish.SessionOptions{Open: badNet(0.2, new(atomic.Bool))})
		const calls = 120
		var under sync.WaitGroup
		for n := range calls {
			if n%3 > 0 { // in order: Post queues before it returns
				if err := s.Post(opEcho, &api.Rpc{Payload: strconv.Itoa(n)}); err != nil {
					t.Fatal(err)
				}
				continue
			}
			if n%30 == 15 {
				s.Rebind()
			}
			if err := echo(t, s, strconv.Itoa(n)); err != nil {
				t.Fatal(err)
			}
			under.Go(func() { // beside it, and out of its order
				account := &api.Account{}
				if err := s.Call(t.Context(), opWho, &emptypb.Empty{}, account); err != nil || account.User.Username != "user1" {
					t.Errorf("%v, %v", account, err)
				}
			})
		}
		under.Wait()
		if err := s.Call(t.Context(), opWho, &emptypb.Empty{}, &api.Account{}); err != nil { // after the last Post
			t.Fatal(err)
		}
		h.heardInOrder("user1", calls)
		if h.live.Count() != 1 {
			t.Errorf("%d connections", h.live.Count())
		}
	})
}

// TestSuccessor: the client's process dies amid a call; another takes its session up with nothing but what was kept. The
// old call is void, the new ones are answered, and to the services it is one connection all the time.
func TestSuccessor(t *testing.T) {
	houses(t, func(t *testing.T, h *house) {
		var dead atomic.Bool
		old := h.open(user(1), skirmish.SessionOptions{Open: badNet(0, &dead)})
		if err := echo(t, old, "0"); err != nil {
			t.Fatal(err)
		}
		kept, ok := old.Resumable()
		if !ok {
			t.Fatal("nothing to resume with")
		}
		before := h.live.OfUser(user(1).UserID)[0]
		ctx, cancel := context.WithCancel(t.Context())
		lost := make(chan error, 1)
		go func() { lost <- old.Call(ctx, opBlock, &api.Rpc{Payload: "old"}, &emptypb.Empty{}) }()
		<-h.began
		for range 20 { // wait in the old one's queue
			if err := old.Post(opBlock, &api.Rpc{Payload: "never"}); err != nil {
				t.Fatal(err)
			}
		}
		dead.Store(true)
		cancel()
		if err := <-lost; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		s, err := skirmish.ResumeSession(t.Context(), kept, skirmish.SessionOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		asked := make(chan error, 1)
		go func() { asked <- echo(t, s, "1") }() // waits behind the old one's call, which is under way
		within(t, "the server to hear of it", func() bool { return h.door.Stats().Restarted == 1 })
		close(h.gate)
		if err := <-asked; err != nil {
			t.Error(err)
		}
		if err := echo(t, s, "2"); err != nil {
			t.Error(err)
		}
		h.heardInOrder("user1", 3)
		select {
		case payload := <-h.began:
			t.Errorf("a call of the old process was begun: %s", payload)
		default:
		}
		if now := h.live.OfUser(user(1).UserID); len(now) != 1 || now[0] != before {
			t.Errorf("connections %v", now)
		}
	})
}

// TestWaitingCallsPushBack: a client that asks faster than it is served waits; nothing is lost, and the server holds no more
// than it says.
func TestWaitingCallsPushBack(t *testing.T) {
	houses(t, func(t *testing.T, h *house) {
		s := h.open(user(1), skirmish.SessionOptions{})
		const calls = 500
		for n := range calls {
			if err := s.Post(opBlock, &api.Rpc{Payload: strconv.Itoa(n)}); err != nil {
				t.Fatalf("call %d: %v", n, err)
			}
		}
		within(t, "the stream to be held", func() bool { return h.door.Stats().Held == 1 })
		if err := echo(t, h.open(user(2), skirmish.SessionOptions{}), "0"); err != nil {
			t.Errorf("another session: %v", err)
		}
		if st := h.door.Stats(); st.Calls != 2 {
			t.Errorf("%d calls were begun", st.Calls)
		}
		close(h.gate)
		for n := range calls {
			if got := <-h.began; got != strconv.Itoa(n) {
				t.Fatalf("call %d was %s", n, got)
			}
		}
	})
}

// TestStuckClient: one that takes nothing gets no calls carried out once it is half a megabyte behind, and is closed when
// pushes have filled the rest; others do not notice.
func TestStuckClient(t *testing.T) {
	houses(t, func(t *testing.T, h *house) {
		var dead atomic.Bool
		s := h.open(user(1), skirmish.SessionOptions{Open: badNet(0, &dead)})
		if err := echo(t, s, "0"); err != nil {
			t.Fatal(err)
		}
		conn := h.live.OfUser(user(1).UserID)[0]
		dead.Store(true)
		sent := 0
		push := codec.Share(&rtapi.Envelope{Message: &rtapi.Envelope_MatchData{MatchData: &rtapi.MatchData{Data: make([]byte, 4000)}}})
		for conn.Send(push) {
			if sent++; sent > 1000 {
				t.Fatal("four megabytes wait")
			}
		}
		within(t, "the end of it", func() bool { return h.live.Count() == 0 && h.gone.Load() == 1 })
		if conn.Send(push) {
			t.Error("a session that is over takes pushes")
		}
		if st := h.door.Stats(); st.Overflows != 1 || sent < 200 {
			t.Errorf("%+v after %d pushes", st, sent)
		}
		if err := echo(t, h.open(user(2), skirmish.SessionOptions{}), "0"); err != nil {
			t.Errorf("another session: %v", err)
		}
	})
}

// TestPushes: they come in order, whole, and beside calls; and a handler may call.
func TestPushes(t *testing.T) {
	houses(t, func(t *testing.T, h *house) {
		got := make(chan string, 100)
		ready := make(chan *skirmish.Session, 1)
		s := h.open(user(1), skirmish.SessionOptions{Push: func(m *rtapi.Envelope) {
			s := <-ready
			ready <- s
			if err := echo(t, s, "from the handler"); err != nil {
				t.Error(err)
			}
			got <- m.GetStreamData().Data
		}})
		ready <- s
		conn := h.live.OfUser(user(1).UserID)[0]
		var want []string
		for i := range 20 {
			data := strings.Repeat(strconv.Itoa(i%10), 1+i*i*200)
			want = append(want, data)
			if !conn.Send(codec.Share(&rtapi.Envelope{Message: &rtapi.Envelope_StreamData{StreamData: &rtapi.StreamData{Data: data}}})) {
				t.Fatal("not taken")
			}
		}
		for i := range want {
			if data := <-got; data != want[i] {
				t.Fatalf("push %d has %d bytes", i, len(data))
			}
		}
	})
}

// TestOwnPushes: a message of our own comes in one order with envelopes; one that the client does not know is passed over.
func TestOwnPushes(t *testing.T) {
	houses(t, func(t *testing.T, h *house) {
		got := make(chan string, 10)
		h.open(user(1), skirmish.SessionOptions{
			Push:       func(m *rtapi.Envelope) { got <- m.GetStreamData().Data },
			MatchEnded: func(m *protoapi.MatchEnded) { got <- fmt.Sprint(m.MatchId, " ", m.Reason) },
		})
		conn := h.live.OfUser(user(1).UserID)[0]
		say := func(data string) {
			conn.Send(codec.Share(&rtapi.Envelope{Message: &rtapi.Envelope_StreamData{StreamData: &rtapi.StreamData{Data: data}}}))
		}
		say("before")
		conn.(match.Watcher).MatchEnded("m.here", match.EndedEmpty)
		native.Push(conn, 60_000, &api.Rpc{Id: "of a newer server"})
		say("after")
		for _, want := range []string{"before", "m.here EMPTY", "after"} {
			if one := <-got; one != want {
				t.Errorf("got %q, want %q", one, want)
			}
		}
	})
}

// TestEnds: how sessions end, as the client reads it; and who is not let in.
func TestEnds(t *testing.T) {
	houses(t, func(t *testing.T, h *house) {
		f := func(what string, end func(s *skirmish.Session), want wire.Close) {
			t.Helper()
			s := h.open(user(1), skirmish.SessionOptions{})
			end(s)
			<-s.Done()
			var closed *skirmish.ClosedError
			if err := s.Err(); !errors.As(err, &closed) || closed.Reason != want {
				t.Errorf("%s: %v", what, err)
			}
			if err := s.Call(t.Context(), opWho, &emptypb.Empty{}, &api.Account{}); !errors.As(err, &closed) {
				t.Errorf("%s: a call afterwards: %v", what, err)
			}
			within(t, what, func() bool { return h.live.Count() == 0 })
		}
		f("kicked", func(*skirmish.Session) { h.live.Kick(user(1).UserID) }, wire.CloseKicked)
		f("left", func(s *skirmish.Session) { s.Close() }, wire.CloseLeft)

		denied := func(what string, open func() error, want wire.Deny) {
			t.Helper()
			var d *skirmish.DeniedError
			if err := open(); !errors.As(err, &d) || d.Reason != want {
				t.Errorf("%s: %v", what, err)
			}
		}
		used := h.token(user(2))
		s, err := skirmish.OpenSessionWith(t.Context(), used, skirmish.SessionOptions{})
		if err != nil {
			t.Fatal(err)
		}
		denied("used token", func() error {
			_, err := skirmish.OpenSessionWith(t.Context(), used, skirmish.SessionOptions{})
			return err
		}, wire.DenyReused)
		late := h.token(user(3))
		h.ended.Store(user(3).UserID, true)
		denied("revoked since", func() error {
			_, err := skirmish.OpenSessionWith(t.Context(), late, skirmish.SessionOptions{})
			return err
		}, wire.DenyExpired)
		kept, _ := s.Resumable()
		s.Close()
		within(t, "the goodbye", func() bool { return h.control.SessionCount() == 0 })
		denied("resumed after the end", func() error {
			_, err := skirmish.ResumeSession(t.Context(), kept, skirmish.SessionOptions{})
			return err
		}, wire.DenyGone)

		f("shutdown", func(*skirmish.Session) { h.port.Stop() }, wire.CloseShutdown)
	})
}

// TestSingleSocket: a user's new session ends his older ones, which learn why.
func TestSingleSocket(t *testing.T) {
	houses(t, func(t *testing.T, h *house) {
		told := make(chan *rtapi.Envelope, 1)
		older := h.open(user(1), skirmish.SessionOptions{Push: func(m *rtapi.Envelope) { told <- m }})
		other := h.open(user(2), skirmish.SessionOptions{})
		newer := h.open(user(1), skirmish.SessionOptions{})
		if n := (<-told).GetNotifications().GetNotifications(); len(n) != 1 || n[0].Code != -7 || n[0].Subject != "single_socket" || n[0].Content != "{}" {
			t.Errorf("told %v", n)
		}
		<-older.Done()
		for _, s := range []*skirmish.Session{other, newer} {
			if err := echo(t, s, "hello"); err != nil {
				t.Error(err)
			}
		}
	}, func(c *native.Config) { c.SingleSocket = true })
}

// TestConcurrentCalls: answers find their callers, though all of them share a stream.
func TestConcurrentCalls(t *testing.T) {
	houses(t, func(t *testing.T, h *house) {
		s := h.open(user(1), skirmish.SessionOptions{})
		var callers sync.WaitGroup
		for i := range 300 { // more than may be under way
			callers.Go(func() {
				if err := echo(t, s, fmt.Sprint("caller ", i)); err != nil {
					t.Error(err)
				}
			})
		}
		callers.Wait()
		h.mu.Lock()
		defer h.mu.Unlock()
		heard := h.heard["user1"]
		slices.Sort(heard)
		if len(slices.Compact(heard)) != 300 {
			t.Errorf("%d of 300 calls were carried out", len(heard))
		}
	})
}
