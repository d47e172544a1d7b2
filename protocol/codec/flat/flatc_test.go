package flat

import (
	"os"
	"testing"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// testdata/flatc holds messages as JSON and what FlatBuffers' own compiler made of them with our published schema:
//
//	flatc -b --root-type nakama.api.StorageObjectList fbs/nakama_api.fbs nakama.api.StorageObjectList.json
func TestFlatcWritesWhatWeRead(t *testing.T) {
	f := func(want proto.Message) {
		t.Helper()
		name := string(want.ProtoReflect().Descriptor().FullName())
		data, err := os.ReadFile("testdata/flatc/" + name + ".bin")
		if err != nil {
			t.Fatal(err)
		}
		got := want.ProtoReflect().New().Interface()
		if err := Decode(data, got); err != nil {
			t.Errorf("%s: %v", name, err)
		} else if !proto.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
	f(&api.StorageObjectList{Cursor: "c", Objects: []*api.StorageObject{
		{
			Collection: "saves", Key: "slot1", UserId: "u", Value: `{"hp":7}`, Version: "v", PermissionRead: 2, PermissionWrite: 1,
			CreateTime: &timestamppb.Timestamp{Seconds: 1793000000, Nanos: 123456000},
			UpdateTime: &timestamppb.Timestamp{Seconds: -1, Nanos: 999999000},
		},
		{Collection: "saves", Key: "日本語"},
	}})
	f(&api.WriteLeaderboardRecordRequest{LeaderboardId: "l", Record: &api.WriteLeaderboardRecordRequest_LeaderboardRecordWrite{
		Score: -5, Subscore: 9007199254740993, Metadata: "{}", Operator: api.Operator_SET,
	}})
	f(&api.UpdateAccountRequest{DisplayName: wrapperspb.String(""), Location: wrapperspb.String("é")})
	f(&rtapi.Envelope{Cid: "7", Message: &rtapi.Envelope_MatchmakerAdd{MatchmakerAdd: &rtapi.MatchmakerAdd{
		MinCount: 2, MaxCount: 4, Query: "*", StringProperties: map[string]string{"a": "1", "b": "2"},
		NumericProperties: map[string]float64{"n": -1.5}, CountMultiple: wrapperspb.Int32(0),
	}}})
	f(&rtapi.MatchDataSend{
		MatchId: "m.node", OpCode: 1 << 32, Data: []byte{0, 1, 255}, Reliable: true,
		Presences: []*rtapi.UserPresence{{UserId: "u", SessionId: "s", Username: "al", Persistence: true, Status: wrapperspb.String("")}},
	})
}
