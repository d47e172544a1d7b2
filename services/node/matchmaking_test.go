package node

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/heroiclabs/nakama-common/rtapi"

	"github.com/skirmishgg/skirmish/engine/match"
	"github.com/skirmishgg/skirmish/netcode/snapshot"
	"github.com/skirmishgg/skirmish/protocol/api"
	"github.com/skirmishgg/skirmish/protocol/codec"
	"github.com/skirmishgg/skirmish/protocol/wire"
	client "github.com/skirmishgg/skirmish/sdk-gen/base/go"
)

// matched waits for the match that the matchmaker found.
func (p *person) matched() *rtapi.MatchmakerMatched {
	p.t.Helper()
	for timeout := time.After(10 * time.Second); ; {
		select {
		case e := <-p.pushes:
			if m := e.GetMatchmakerMatched(); m != nil {
				return m
			}
		case <-timeout:
			p.t.Fatalf("%s was not matched", p.name)
		}
	}
}

// TestMatchedGroupPlaysOverUDP: goal, from ticket to snapshots without another call; method, one player on a WebSocket and
// one on a native session, who join the engine's match with what the matchmaker sent them.
func TestMatchedGroupPlaysOverUDP(t *testing.T) {
	n := startAs(t, "embedded", Config{Games: []*match.Definition{&raceMatch}}, "--matchmaker.native_match="+raceMatch.Name, "--udp.port=0")
	ann, ned := signIn(t, n, "ann").socket(codec.JSON), signIn(t, n, "ned").native()
	add := &rtapi.MatchmakerAdd{MinCount: 2, MaxCount: 2, Query: "*"}
	ann.do("MatchmakerAdd", add, nil)
	ned.do("MatchmakerAdd", add, &rtapi.MatchmakerTicket{})
	am, nm := ann.matched(), ned.matched()
	if am.GetMatchId() != nm.GetMatchId() || !strings.HasSuffix(am.GetMatchId(), "."+n.c.Settings.Name) || len(n.Matches()) != 1 {
		t.Fatalf("ann: %v, ned: %v, matches: %v", am, nm, n.Matches())
	}
	for name, m := range map[string]*rtapi.MatchmakerMatched{"ann": am, "ned": nm} {
		snapshots := make(chan struct{}, 1)
		c, err := client.Connect(t.Context(), m.Self.StringProperties["connect_token"], client.Game{
			Schema: n.Schema(raceMatch.Name),
			Snapshot: func(*client.Conn, *snapshot.View) {
				select {
				case snapshots <- struct{}{}:
				default:
				}
			},
		})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		defer c.Close()
		select {
		case <-snapshots:
		case <-time.After(10 * time.Second):
			t.Fatalf("%s sees nothing", name)
		}
	}
	other := *n.c.Settings
	other.DataDir = t.TempDir()
	if _, err := Start(Config{Settings: &other, Log: n.c.Log}); err == nil || !strings.Contains(err.Error(), "native_match") {
		t.Errorf("a game that is not there: %v", err)
	}
}

// opening is a game that says on its first tick what it has room for.
type opening struct{ poster }

func (g *opening) Tick(c *match.Ctx) {
	if c.Tick() == 1 {
		data, err := codec.Append(nil, codec.FlatBuffers, &api.SetMatchBackfillRequest{
			MatchId: c.ID().String() + ".nakama", Players: 1, Places: 1, StringProperties: map[string]string{"map": "dust"},
		})
		if err != nil || !c.Post(312, nil, data) {
			panic("not posted")
		}
	}
}

func (g *opening) Answered(_ *match.Ctx, a *match.Answer) { g.answers <- fmt.Sprint(a.Code) }

// TestRunningMatchTakesPlayers: a match on a shard says from its tick that it has a place, and so does a server with the HTTP
// key in the name of another; whose ticket fits is sent there, and when a match ends nobody is.
func TestRunningMatchTakesPlayers(t *testing.T) {
	g := &opening{poster{answers: make(chan string, 1)}}
	def := match.Definition{Name: "opening", Rate: 60, MaxPlayers: 2, Schema: match.Schema[run](match.Kind[runner](2)), New: func() match.Game { return g }}
	n := startAs(t, "embedded", Config{Games: []*match.Definition{&def}}, "--udp.port=0", "--runtime.http_key=key")
	u, err := n.StartMatch("opening", MatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if code := <-g.answers; code != "0" {
		t.Fatalf("the tick's backfill is refused: %s", code)
	}
	ann := signIn(t, n, "ann").socket(codec.JSON)
	ask := &rtapi.MatchmakerAdd{MinCount: 2, MaxCount: 2, Query: "+properties.map:dust"}
	ann.do("MatchmakerAdd", ask, nil)
	if m := ann.matched(); m.GetMatchId() != u.String()+".nakama" || m.Self.StringProperties["connect_token"] == "" {
		t.Errorf("%v", m)
	}

	put := func(places int) {
		t.Helper()
		body := fmt.Sprintf(`{"players":1,"places":%d,"string_properties":{"map":"dust"}}`, places)
		r, err := http.NewRequest(http.MethodPut, fmt.Sprintf("http://%s/v2/match/%s.nakama/backfill?http_key=key", n.HTTPAddr(), u), strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			t.Fatal(answer.Status)
		}
	}
	put(1)
	if err := n.EndMatch(u, wire.CloseMatchEnded); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; runtime.Gosched() {
		if tickets, _ := n.backend.matchmaker.Count(); tickets == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the ticket of a match that is over is still there")
		}
	}
}
