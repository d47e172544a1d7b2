package native

import (
	"context"
	"io"
	"log/slog"
	"testing"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/proto"

	"github.com/skirmishgg/skirmish/protocol/codec"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/protocol/wire"
	"github.com/skirmishgg/skirmish/services/gateway"
)

// FuzzRequest: whatever a client says, it is malformed, waits for its other pieces, or is answered by exactly one message
// of its number and correlation.
func FuzzRequest(f *testing.F) {
	r := op.NewRegistry()
	op.Add(r, op.Spec{Name: "Write", ID: 84, Auth: op.Session}, func(_ context.Context, _ op.Caller, in *api.WriteStorageObjectsRequest) (*api.WriteStorageObjectsRequest, error) {
		return in, nil
	})
	r.Seal()
	door := New(Config{Door: &gateway.Door{Registry: r, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}, RequestMax: 1000})
	body, err := codec.Append(nil, codec.FlatBuffers, &api.WriteStorageObjectsRequest{Objects: []*api.WriteStorageObject{{Collection: "c", Key: "k", Value: "{}"}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(wire.SplitCall(84, 1, body)[0])
	f.Add(wire.SplitCall(84, 1, nil)[0])
	f.Add(wire.SplitCall(1, 1, body)[0])
	f.Add(wire.SplitCall(84, 1, make([]byte, 2000))[0])
	f.Fuzz(func(t *testing.T, msg []byte) {
		c := &conn{door: door, ctx: t.Context()}
		c.reader.Max = 1000
		call, done, err := c.reader.Add(msg)
		if err != nil || !done || call.Kind != wire.CallWhole {
			return
		}
		messages := c.answer(&request{number: call.Number, correlation: call.Correlation, body: call.Body, tooLarge: call.TooLarge})
		if len(messages) != 1 {
			t.Fatalf("%d answers", len(messages))
		}
		back, err := wire.ParseCall(messages[0])
		if err != nil || back.Number != call.Number || back.Correlation != call.Correlation {
			t.Fatalf("%+v answered by %+v, %v", call, back, err)
		}
		if back.Kind != wire.CallWhole {
			return
		}
		var in, out api.WriteStorageObjectsRequest
		if codec.Decode(codec.FlatBuffers, call.Body, &in) != nil || codec.Decode(codec.FlatBuffers, back.Body, &out) != nil || !proto.Equal(&in, &out) {
			t.Fatalf("%v came back as %v", &in, &out)
		}
	})
}
