package node

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/heroiclabs/nakama-common/api"

	"github.com/skirmishgg/skirmish/engine/match"
	"github.com/skirmishgg/skirmish/protocol/codec"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/protocol/wire"
	"github.com/skirmishgg/skirmish/services/rpc"
)

// poster posts on its first ticks and keeps what it is answered.
type poster struct {
	requests [][]byte
	next     int
	answers  chan string
}

func (g *poster) Init(*match.Ctx) error                       { return nil }
func (g *poster) Join(*match.Ctx, *match.Player) error        { return nil }
func (g *poster) Leave(*match.Ctx, *match.Player, wire.Close) {}
func (g *poster) Answered(_ *match.Ctx, a *match.Answer) {
	var out api.Rpc
	if a.Code != 0 {
		g.answers <- fmt.Sprintf("%d: %d %s", a.Op, a.Code, a.Data)
		return
	}
	if err := codec.Decode(codec.FlatBuffers, a.Data, &out); err != nil {
		g.answers <- err.Error()
		return
	}
	g.answers <- fmt.Sprintf("%d: %s", a.Op, out.Payload)
}

func (g *poster) Tick(c *match.Ctx) {
	if n := g.next; n < len(g.requests) {
		g.next++
		number := uint16(62) // RpcFunc
		if n == len(g.requests)-1 {
			number = 9999
		}
		if !c.Post(number, nil, g.requests[n]) {
			panic("the ring is full")
		}
	}
}

// TestPostReachesOperations: what a tick posts is carried out, in order, and what came of it comes back on later ticks.
func TestPostReachesOperations(t *testing.T) {
	g := &poster{answers: make(chan string, 8)}
	for _, r := range []*api.Rpc{{Id: "echo", Payload: "one"}, {Id: "refuse"}, {Id: "echo", Payload: "two"}, {}} {
		data, err := codec.Append(nil, codec.FlatBuffers, r)
		if err != nil {
			t.Fatal(err)
		}
		g.requests = append(g.requests, data)
	}
	def := match.Definition{
		Name: "poster", Rate: 60, MaxPlayers: 2, Schema: match.Schema[run](match.Kind[runner](2)), New: func() match.Game { return g },
	}
	n := startWith(t, "embedded", []*match.Definition{&def}, map[string]rpc.Func{
		"echo": func(_ context.Context, c op.Caller, r rpc.Request) (string, error) {
			return fmt.Sprint(r.Payload, " ", c.Trusted), nil
		},
		"refuse": func(context.Context, op.Caller, rpc.Request) (string, error) { return "", errRefused },
	})
	if _, err := n.StartMatch("poster", MatchOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"62: one true", "62: 9 Not today.", "62: two true", "9999: 12 There is no operation of this number."} {
		select {
		case got := <-g.answers:
			if got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%q never came", want)
		}
	}
}
