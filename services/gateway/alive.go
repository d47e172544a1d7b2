package gateway

import (
	"context"

	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/skirmishgg/skirmish/protocol/op"
)

// Register adds the operations that only say that somebody is there, and the message that tells of failures.
func Register(r *op.Registry) {
	op.Add(r, op.Spec{Name: "Healthcheck", ID: 28, HTTP: []string{"GET /healthcheck"}, Auth: op.None}, healthcheck)
	op.Add(r, op.Spec{Name: "Ping", ID: 132, RT: "ping", Auth: op.Session}, ping)
	op.Add(r, op.Spec{Name: "Pong", ID: 133, RT: "pong", Auth: op.Session, Silent: true}, pong)
	op.AddPush[rtapi.Error](r, "error", 111)
	op.AddPush[rtapi.StreamData](r, "stream_data", 130) // what server code sends to streams of its own
	op.AddPush[rtapi.StreamPresenceEvent](r, "stream_presence_event", 131)
}

func healthcheck(context.Context, op.Caller, *emptypb.Empty) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

func ping(context.Context, op.Caller, *rtapi.Ping) (*rtapi.Pong, error) { return &rtapi.Pong{}, nil }

func pong(context.Context, op.Caller, *rtapi.Pong) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}
