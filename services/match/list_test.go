package match

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/presence"
	"github.com/skirmishgg/skirmish/services/session"
	"github.com/skirmishgg/skirmish/services/session/sessiontest"
)

// board is a handler whose label is told by its creator and by signals. It lets everybody in.
type board struct{}

func (board) Init(_ context.Context, params map[string]any) (int, string, error) {
	return 1 + len(params), params["label"].(string), nil
}

func (board) JoinAttempt(context.Context, Dispatcher, int64, *Presence, map[string]string) (bool, bool, string, error) {
	return true, true, "", nil
}

func (board) Join(context.Context, Dispatcher, int64, []*Presence) (bool, error)  { return true, nil }
func (board) Leave(context.Context, Dispatcher, int64, []*Presence) (bool, error) { return true, nil }
func (board) Loop(context.Context, Dispatcher, int64, []*Message) (bool, error)   { return true, nil }
func (board) Terminate(context.Context, Dispatcher, int64, int) (bool, error)     { return true, nil }

func (board) Signal(_ context.Context, d Dispatcher, _ int64, label string) (string, bool, error) {
	return "", label != "end", d.UpdateLabel(label)
}

func (board) State() any { return nil }

// lobby is a Service with boards, and clients to list them.
type lobby struct {
	t     *testing.T
	s     *Service
	live  *session.Live
	desk  *op.Registry
	who   op.Caller
	names map[string]string // of matches: what a test calls them, by id
	conns int
}

func newLobby(t *testing.T) *lobby {
	l := &lobby{t: t, live: session.NewLive(), desk: op.NewRegistry(), names: map[string]string{}}
	var s *Service
	present := presence.New(presence.Config{Left: func(st presence.Stream, p presence.Presence, why presence.Reason) { s.Left(st, p, why) }})
	s = New(Config{
		Presence: present, Live: l.live, Node: "here", LabelInterval: time.Second,
		Handlers: func(name string) (func() Handler, bool) {
			return func() Handler { return board{} }, strings.HasPrefix(name, "board")
		},
	})
	l.s = s
	t.Cleanup(func() { s.Stop(context.Background()) })
	l.s.Register(l.desk)
	l.desk.Seal()
	l.who = l.conn().Caller()
	return l
}

func (l *lobby) conn() *sessiontest.Conn {
	l.conns++
	var u id.UUID
	binary.BigEndian.PutUint32(u[:], uint32(l.conns))
	c := sessiontest.NewConn(u, u, fmt.Sprint("player", l.conns))
	l.live.Add(c)
	l.s.c.Presence.Begin(c)
	return c
}

// create begins a match that the test calls by its name.
func (l *lobby) create(name, label string, more ...string) string {
	l.t.Helper()
	params := map[string]any{"label": label}
	for _, m := range more {
		params[m] = true
	}
	m, err := l.s.Create(l.t.Context(), "board", params)
	if err != nil {
		l.t.Fatal(err)
	}
	l.names[m] = name
	return m
}

func (l *lobby) join(match string, players int) {
	l.t.Helper()
	for range players {
		c := l.conn()
		if _, err := l.s.Join(l.t.Context(), c, c.Caller(), match, nil); err != nil {
			l.t.Fatal(err)
		}
	}
}

// finds asks the operation and wants these matches, by their names and in this order, or a refusal.
func (l *lobby) finds(request string, want string) {
	l.t.Helper()
	in := &api.ListMatchesRequest{}
	if err := protojson.Unmarshal([]byte(request), in); err != nil {
		l.t.Fatal(err)
	}
	out, err := l.desk.Named("ListMatches").Invoke(l.t.Context(), l.who, in)
	if err != nil {
		if got := fmt.Sprintf("! %d %s", errs.Of(err).Code, errs.Of(err).Message); got != want {
			l.t.Errorf("%s: %s, want %s", request, got, want)
		}
		return
	}
	var names []string
	for _, m := range out.(*api.MatchList).Matches {
		names = append(names, l.names[m.MatchId])
	}
	if got := strings.Join(names, " "); got != want {
		l.t.Errorf("%s: %s, want %s", request, got, want)
	}
}

// TestListMatches: goal, every line of the reference's tables of match listings; method, five matches of three kinds, and a
// request a line.
func TestListMatches(t *testing.T) {
	l := newLobby(t)
	duel := l.create("duel", `{"mode":"duel","skill":30,"open":true}`)
	l.create("ranked", `{"mode":"ranked","skill":70,"open":true,"tags":["eu","fast"]}`, "more", "and more")
	l.create("plain", "waiting room")
	l.create("blank", "")
	natives := l.addNative("arena", 60, `{"mode":"arena","map":"yard"}`)
	natives.players.Store(3)
	l.join(duel, 2)
	relayed, err := l.s.CreateRelayed(l.conn(), "")
	if err != nil {
		t.Fatal(err)
	}
	l.names[relayed.MatchId] = "relayed"

	// kinds and order
	l.finds(`{}`, "arena blank plain ranked duel relayed")
	l.finds(`{"limit":3}`, "arena blank plain")
	l.finds(`{"authoritative":true}`, "arena blank plain ranked duel")
	l.finds(`{"authoritative":false}`, "relayed")
	l.finds(`{"limit":100,"authoritative":false}`, "relayed")
	// whole labels
	l.finds(`{"label":"waiting room"}`, "plain")
	l.finds(`{"label":"waiting"}`, "")
	l.finds(`{"label":""}`, "blank")
	l.finds(`{"label":"{\"mode\":\"arena\",\"map\":\"yard\"}","authoritative":true}`, "arena")
	// queries, which leave the label no say
	l.finds(`{"query":""}`, "arena blank plain ranked duel")
	l.finds(`{"query":"*","label":"waiting room"}`, "arena blank plain ranked duel")
	l.finds(`{"query":"+label.open:T"}`, "ranked duel")
	l.finds(`{"query":"+label.skill:>=30 +label.skill:<50"}`, "duel")
	l.finds(`{"query":"+label.open:T label.mode:duel^2"}`, "duel ranked")
	l.finds(`{"query":"label.tags:eu label.map:yard"}`, "arena ranked")
	l.finds(`{"query":"+label_string:waiting\\ room"}`, "plain")
	l.finds(`{"query":"+label_string:*room"}`, "plain")
	l.finds(`{"query":"+handler_name:arena +tick_rate:60"}`, "arena")
	l.finds(`{"query":"+handler_name:board +tick_rate:>2"}`, "ranked")
	l.finds(`{"query":"+node:here -label.mode:*"}`, "blank plain")
	l.finds(`{"query":"+node:there"}`, "")
	l.finds(`{"query":"+create_time:>\"2026-01-01\" +create_time:>0","limit":1}`, "arena")
	l.finds(fmt.Sprintf(`{"query":"+_id:%s"}`, strings.ReplaceAll(duel, "-", `\\-`)), "duel")
	// sizes, as they are now
	l.finds(`{"min_size":1}`, "arena duel relayed")
	l.finds(`{"min_size":2,"max_size":2}`, "duel")
	l.finds(`{"max_size":0}`, "blank plain ranked")
	l.finds(`{"query":"label.mode:*","min_size":3}`, "arena")
	l.finds(`{"authoritative":false,"min_size":2}`, "")
	natives.players.Store(4)
	l.finds(`{"min_size":4}`, "arena")
	// refusals
	l.finds(`{"limit":0}`, "! 3 Invalid limit - limit must be between 1 and 100.")
	l.finds(`{"limit":101}`, "! 3 Invalid limit - limit must be between 1 and 100.")
	l.finds(`{"authoritative":false,"label":"","query":"+"}`, "! 3 Label filtering is not supported for non-authoritative matches.")
	l.finds(`{"authoritative":false,"query":"+","min_size":-1}`, "! 3 Query filtering is not supported for non-authoritative matches.")
	l.finds(`{"min_size":-1,"max_size":-1}`, "! 3 Minimum size must be 0 or above.")
	l.finds(`{"max_size":-1}`, "! 3 Maximum size must be 0 or above.")
	l.finds(`{"min_size":2,"max_size":1}`, "! 3 Maximum size must be greater than or equal to minimum size when both are specified.")
	l.finds(`{"query":"label.mode:"}`, "! 3 Query is invalid.")
	l.finds(`{"query":"label.mode:/a(/"}`, "! 3 Query is invalid.")
	// the end
	_, _ = l.s.Signal(t.Context(), duel, "end")
	l.s.RemoveNative(natives.id)
	l.s.RemoveNative(natives.id)
	l.finds(`{}`, "blank plain ranked relayed")
}

// fakeNative is a match of an engine.
type fakeNative struct {
	id      id.UUID
	players atomic.Int32
	label   atomic.Pointer[string]
}

func (l *lobby) addNative(game string, rate int, label string) *fakeNative {
	n := &fakeNative{id: id.UUID{15: byte(len(l.names))}}
	n.label.Store(&label)
	l.s.AddNative(Native{
		ID: n.id, Game: game, Rate: rate, Size: func() int { return int(n.players.Load()) }, Label: func() string { return *n.label.Load() },
	})
	l.names[n.id.String()+".here"] = game
	return n
}

// TestListed is what a client sees of each kind.
func TestListed(t *testing.T) {
	l := newLobby(t)
	f := func(authoritative bool, want *api.Match) {
		t.Helper()
		list, err := l.s.List(Filter{Authoritative: wrapperspb.Bool(authoritative)}, 1)
		if err != nil {
			t.Fatal(err)
		}
		if len(list) != 1 || protojson.Format(list[0]) != protojson.Format(want) {
			t.Errorf("%v, want %v", list, want)
		}
		l.s.RemoveNative(id.UUID{15: 1})
	}
	board := l.create("board", "")
	n := l.addNative("arena", 128, "yard")
	n.players.Store(2)
	f(true, &api.Match{
		MatchId: n.id.String() + ".here", Authoritative: true, Label: wrapperspb.String("yard"), Size: 2, TickRate: 128, HandlerName: "arena",
	})
	f(true, &api.Match{MatchId: board, Authoritative: true, Label: wrapperspb.String(""), TickRate: 2, HandlerName: "board"})
	relayed, err := l.s.CreateRelayed(l.conn(), "")
	if err != nil {
		t.Fatal(err)
	}
	f(false, &api.Match{MatchId: relayed.MatchId, Size: 1})
}

// TestLabelsChange: a search enters the labels of few matches before it looks; those of many are found when the interval is
// over, and each is entered once, however often it was written.
func TestLabelsChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLobby(t)
		one := l.create("one", "a")
		if _, err := l.s.Signal(t.Context(), one, `{"b":1}`); err != nil {
			t.Fatal(err)
		}
		l.finds(`{"query":"+label.b:1"}`, "one")
		l.finds(`{"label":"a"}`, "")

		natives := make([]*fakeNative, changedFew+1)
		for i := range natives {
			natives[i] = l.addNative("arena", 60, "old")
		}
		label := ""
		for i := range 5 {
			for _, n := range natives {
				label = fmt.Sprint("new ", i)
				n.label.Store(&label)
				l.s.NativeRelabelled(n.id)
			}
		}
		l.s.RemoveNative(natives[0].id) // and does not come back
		count := func(label string) int {
			list, err := l.s.List(Filter{Label: wrapperspb.String(label)}, 1000)
			if err != nil {
				t.Fatal(err)
			}
			return len(list)
		}
		if n := count("old"); n != changedFew {
			t.Errorf("%d labels are old before the interval is over, want %d", n, changedFew)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if n := count(label); n != changedFew {
			t.Errorf("%d labels are new after the interval, want %d", n, changedFew)
		}
		if n := count("old"); n != 0 {
			t.Errorf("%d labels are old after the interval", n)
		}
	})
}

// TestListingTogether: goal, a listing is whole while matches begin, change and end; method, all of it at once, and the
// listing compared with the matches in the end. For the race detector, too.
func TestListingTogether(t *testing.T) {
	var l listing
	l.init("here", time.Millisecond)
	var all sync.WaitGroup
	natives := make([][]*native, 4)
	for g := range natives {
		all.Go(func() {
			r := rand.New(rand.NewPCG(uint64(g), 1))
			for i := range 300 {
				label := new(atomic.Pointer[string])
				text := "begun"
				label.Store(&text)
				n := &native{Native: Native{ID: id.UUID{byte(g), byte(i >> 8), byte(i)}, Size: func() int { return 0 }, Label: func() string { return *label.Load() }}}
				l.add(n.ID, n)
				natives[g] = append(natives[g], n)
				for range r.IntN(4) {
					text := fmt.Sprint("label ", r.IntN(3))
					label.Store(&text)
					l.change(n.ID)
				}
				if r.IntN(2) == 0 {
					at := r.IntN(len(natives[g]))
					l.remove(natives[g][at].ID)
					natives[g] = slices.Delete(natives[g], at, at+1)
				}
			}
		})
		all.Go(func() {
			for range 100 {
				if _, err := l.search(Filter{Query: wrapperspb.String("label_string:label*")}, 10); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	l.enter()
	want := map[string]int{}
	for _, n := range slices.Concat(natives...) {
		want[n.Label()]++
	}
	for label, n := range want {
		if found, _ := l.search(Filter{Label: wrapperspb.String(label)}, 10_000); len(found) != n {
			t.Errorf("%s: %d matches, want %d", label, len(found), n)
		}
	}
	if rest, _ := l.search(Filter{}, 10_000); len(rest) != len(slices.Concat(natives...)) {
		t.Errorf("%d matches, want %d", len(rest), len(slices.Concat(natives...)))
	}
}
