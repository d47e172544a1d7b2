package node

import (
	"strings"
	"testing"
	"time"

	"github.com/heroiclabs/nakama-common/rtapi"

	"github.com/skirmishgg/skirmish/engine/match"
	"github.com/skirmishgg/skirmish/netcode/snapshot"
	"github.com/skirmishgg/skirmish/protocol/codec"
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
