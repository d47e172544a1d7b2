package codec_test

import (
	"fmt"
	"testing"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/skirmishgg/skirmish/protocol/codec"
)

// The two messages that codec_ns is about: ten storage objects, and a relayed match message.
func benchMessages() map[string]proto.Message {
	list := &api.StorageObjectList{Cursor: "MTIzNDU2Nzg5MDEyMzQ1Njc4OTA"}
	for i := range 10 {
		list.Objects = append(list.Objects, &api.StorageObject{
			Collection: "saves", Key: fmt.Sprintf("slot%d", i), UserId: "0b4f1c3e-7f1d-4a51-9f0e-0d3f5c1f9a11",
			Value:   `{"level": 12, "weapons": ["rocket", "rail"], "position": {"x": 1.5, "y": -3.25}}`,
			Version: "4a1b6b9a6d1f0c3e5d7f9b1a2c3d4e5f", PermissionRead: 1, PermissionWrite: 1,
			CreateTime: &timestamppb.Timestamp{Seconds: 1793000000}, UpdateTime: &timestamppb.Timestamp{Seconds: 1793000100},
		})
	}
	data := &rtapi.Envelope{Message: &rtapi.Envelope_MatchData{MatchData: &rtapi.MatchData{
		MatchId: "0b4f1c3e-7f1d-4a51-9f0e-0d3f5c1f9a11.node1", OpCode: 7, Data: make([]byte, 64), Reliable: true,
		Presence: &rtapi.UserPresence{
			UserId: "0b4f1c3e-7f1d-4a51-9f0e-0d3f5c1f9a11", SessionId: "7c1d3a52-96a0-11ee-b9d1-0242ac120002", Username: "quake-player",
		},
	}}}
	return map[string]proto.Message{"storage": list, "match": data}
}

func BenchmarkAppend(b *testing.B) {
	for name, m := range benchMessages() {
		for format, f := range formats {
			b.Run(name+"/"+format, func(b *testing.B) {
				var buffer []byte
				b.ReportAllocs()
				for b.Loop() {
					var err error
					if buffer, err = codec.Append(buffer[:0], f, m); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(len(buffer)), "bytes")
			})
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	for name, m := range benchMessages() {
		for format, f := range formats {
			b.Run(name+"/"+format, func(b *testing.B) {
				data, err := codec.Append(nil, f, m)
				if err != nil {
					b.Fatal(err)
				}
				into := m.ProtoReflect().New().Interface()
				b.ReportAllocs()
				for b.Loop() {
					if err := codec.Decode(f, data, into); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
