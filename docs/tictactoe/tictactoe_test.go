// Package tictactoe is the sample game of docs/scripting.md, in Lua and in TypeScript. Its test plays both alike.
package tictactoe

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/heroiclabs/nakama-common/api"
	nakama "github.com/heroiclabs/nakama-common/runtime"

	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/config"
	"github.com/skirmishgg/skirmish/services/match"
	"github.com/skirmishgg/skirmish/services/runtime"
	"github.com/skirmishgg/skirmish/services/runtime/js"
	"github.com/skirmishgg/skirmish/services/runtime/lua"
)

// server is what the modules call.
type server struct {
	nakama.NakamaModule
	waiting string // a match that waits for a second player
	boards  []string
	wins    []string
}

func (s *server) LeaderboardCreate(_ context.Context, id string, _ bool, _, _, _ string, _ map[string]any, _ bool) error {
	s.boards = append(s.boards, id)
	return nil
}

func (s *server) LeaderboardRecordWrite(_ context.Context, id, owner, username string, score, _ int64, _ map[string]any, _ *int) (*api.LeaderboardRecord, error) {
	s.wins = append(s.wins, fmt.Sprint(username, score))
	return &api.LeaderboardRecord{LeaderboardId: id, OwnerId: owner}, nil
}

func (s *server) MatchList(context.Context, int, bool, string, *int, *int, string) ([]*api.Match, error) {
	if s.waiting == "" {
		return nil, nil
	}
	return []*api.Match{{MatchId: s.waiting, Authoritative: true}}, nil
}

func (s *server) MatchCreate(context.Context, string, map[string]any) (string, error) {
	return "new", nil
}

// table is the match as its handler acts on it.
type table struct {
	label string
	said  []string // "code to data"
}

func (t *table) Broadcast(op int64, data []byte, to []*match.Presence, _ *match.Presence, _ bool) error {
	who := "all"
	if len(to) == 1 {
		who = to[0].Username
	}
	t.said = append(t.said, fmt.Sprint(op, " ", who, " ", ordered(data)))
	return nil
}

func (t *table) BroadcastDeferred(op int64, data []byte, to []*match.Presence, sender *match.Presence, reliable bool) error {
	return t.Broadcast(op, data, to, sender, reliable)
}
func (t *table) Kick([]*match.Presence) error   { return nil }
func (t *table) UpdateLabel(label string) error { t.label = ordered([]byte(label)); return nil }

// ordered is JSON with its keys in order, without the users' ids.
func ordered(data []byte) string {
	var m map[string]any
	if err := json.Unmarshal(data, &m); err != nil {
		return err.Error()
	}
	delete(m, "marks")
	text, _ := json.Marshal(m)
	return string(text)
}

func (t *table) take() string {
	said := strings.Join(t.said, "\n")
	t.said = nil
	return said
}

func TestGame(t *testing.T) {
	for folder, language := range map[string]runtime.Language{"lua": lua.New(), "typescript": js.New()} {
		t.Run(folder, func(t *testing.T) { play(t, language, folder) })
	}
}

func play(t *testing.T, language runtime.Language, folder string) {
	nk := &server{}
	functions := load(t, nk, language, folder)
	find := functions.RPC["tictactoe_find"]
	if out, err := find(t.Context(), ""); err != nil || out != `{"match_id":"new"}` {
		t.Errorf("find: %s, %v", out, err)
	}
	nk.waiting = "here"
	if out, err := find(t.Context(), ""); err != nil || out != `{"match_id":"here"}` {
		t.Errorf("find: %s, %v", out, err)
	}

	h, d := functions.Match["tictactoe"](), &table{}
	ctx := t.Context()
	rate, label, err := h.Init(ctx, nil)
	if err != nil || rate != 5 || ordered([]byte(label)) != `{"game":"tictactoe","open":true}` {
		t.Fatal(rate, label, err)
	}
	al, bo, cy := player(1, "al"), player(2, "bo"), player(3, "cy")
	join := func(p *match.Presence) string {
		goOn, ok, why, err := h.JoinAttempt(ctx, d, 0, p, nil)
		if !goOn || err != nil {
			t.Fatal(goOn, err)
		}
		if ok {
			if goOn, err := h.Join(ctx, d, 0, []*match.Presence{p}); !goOn || err != nil {
				t.Fatal(goOn, err)
			}
		}
		return why
	}
	tick := int64(0)
	say := func(p *match.Presence, text string) string {
		tick++
		goOn, err := h.Loop(ctx, d, tick, []*match.Message{{Presence: p, OpCode: 4, Data: []byte(text)}})
		if !goOn || err != nil {
			t.Fatal(goOn, err)
		}
		return d.take()
	}
	want := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
	want(join(al), "")
	want(join(al), "already here")
	want(join(bo), "")
	want(join(cy), "match full")
	want(d.take(), `1 all {"seconds":20,"turn":"x"}`)
	want(d.label, `{"game":"tictactoe","open":false}`)
	want(say(bo, `{"cell":0}`), `5 bo {"reason":"not your turn"}`)
	want(say(al, `{"cell":9}`), `5 al {"reason":"not a free cell"}`)
	want(say(al, `nonsense`), `5 al {"reason":"not a free cell"}`)
	want(say(al, `{"cell":0}`), `2 all {"board":["x","","","","","","","",""],"turn":"o"}`)
	want(say(bo, `{"cell":0}`), `5 bo {"reason":"not a free cell"}`)
	say(bo, `{"cell":3}`)
	say(al, `{"cell":1}`)
	say(bo, `{"cell":4}`)
	want(say(al, `{"cell":2}`), `3 all {"board":["x","x","x","o","o","","","",""],"winner":"x"}`)
	want(strings.Join(nk.wins, " "), "al1")
	if answer, goOn, err := h.Signal(ctx, d, tick, ""); err != nil || !goOn || ordered([]byte(answer)) != `{"players":2,"playing":false}` {
		t.Error(answer, goOn, err)
	}

	// bo leaves and comes back: a new game, which al loses by not moving.
	leave := func(p *match.Presence) {
		if goOn, err := h.Leave(ctx, d, tick, []*match.Presence{p}); !goOn || err != nil {
			t.Fatal(goOn, err)
		}
	}
	leave(bo)
	join(bo)
	d.take()
	if goOn, err := h.Loop(ctx, d, 100, nil); !goOn || err != nil {
		t.Fatal(goOn, err)
	}
	want(d.take(), `3 all {"board":["","","","","","","","",""],"winner":"o"}`)
	leave(al)
	leave(bo)
	for n := range int64(400) {
		if goOn, err := h.Loop(ctx, d, 101+n, nil); err != nil || !goOn {
			if n < 299 || err != nil {
				t.Errorf("the empty match ended after %d ticks, %v", n, err)
			}
			return
		}
	}
	t.Error("an empty match goes on for ever")
}

func player(n byte, name string) *match.Presence {
	return &match.Presence{UserID: id.UUID{n}, SessionID: id.UUID{n, n}, Username: name, Node: "n1"}
}

// load runs the modules of a folder.
func load(t *testing.T, nk *server, language runtime.Language, folder string) runtime.Registered {
	settings := &config.Config{}
	r := &settings.Runtime
	r.LuaReadOnlyGlobals, r.JSReadOnlyGlobals, r.ReadOnlyGlobals = true, true, true
	r.LuaMaxCount, r.JSMaxCount, r.LuaCallStackSize, r.LuaRegistrySize = 1, 1, 128, 512
	root, err := filepath.Abs(folder)
	if err != nil {
		t.Fatal(err)
	}
	list, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	var files []runtime.File
	for _, e := range list {
		files = append(files, runtime.File{Root: root, Name: e.Name()})
	}
	host := &runtime.Host{NK: nk, Log: slog.New(slog.DiscardHandler), Settings: settings, Root: root}
	b := runtime.NewBuilder()
	if err := language.Load(t.Context(), host, files, b); err != nil {
		t.Fatal(err)
	}
	if len(nk.boards) != 1 {
		t.Errorf("boards %v", nk.boards)
	}
	return b.Registered()
}
