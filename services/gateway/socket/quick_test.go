package socket

import (
	"context"
	"testing"

	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/skirmishgg/skirmish/protocol/codec"
	"github.com/skirmishgg/skirmish/protocol/op"
)

// What a client's library sends is told at a glance, and nothing else is taken for it by accident.
func TestQuickAtAGlance(t *testing.T) {
	r := op.NewRegistry()
	op.Add(r, op.Spec{Name: "MatchDataSend", ID: 1, RT: "match_data_send", Quick: true},
		func(context.Context, op.Caller, *rtapi.MatchDataSend) (*emptypb.Empty, error) { return nil, nil })
	op.Add(r, op.Spec{Name: "Ping", ID: 2, RT: "ping"},
		func(context.Context, op.Caller, *rtapi.Ping) (*rtapi.Pong, error) { return nil, nil })
	q := newQuick(r)
	data := &rtapi.Envelope{Message: &rtapi.Envelope_MatchDataSend{MatchDataSend: &rtapi.MatchDataSend{MatchId: "m", Data: make([]byte, 200)}}}
	withCid := &rtapi.Envelope{Cid: "12345", Message: data.Message}
	ping := &rtapi.Envelope{Cid: "12345", Message: &rtapi.Envelope_Ping{Ping: &rtapi.Ping{}}}
	for _, f := range []codec.Format{codec.JSON, codec.Protobuf} {
		for e, want := range map[*rtapi.Envelope]bool{data: true, withCid: true, ping: false, {Cid: "1"}: false, {}: false} {
			b, err := codec.Append(nil, f, e)
			if err != nil {
				t.Fatal(err)
			}
			if got := q.maybe(f, b); got != want {
				t.Errorf("format %d, %v: %v", f, e, got)
			}
			for i := range b { // whatever comes, it does not panic
				q.maybe(f, b[:i])
				q.maybe(f, b[i:])
			}
		}
	}
}
