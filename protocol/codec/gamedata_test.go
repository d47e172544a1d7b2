package codec_test

import (
	"bytes"
	"math"
	"testing"

	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/skirmishgg/skirmish/protocol/codec"
)

const matchID = "0b4f1c3e-7f1d-4a51-9f0e-0d3f5c1f9a11.node1"

// agree fails when package proto reads data otherwise than we, or refuses what we take.
func agree(t *testing.T, data []byte) {
	t.Helper()
	got, want := &rtapi.Envelope{Cid: "of before"}, &rtapi.Envelope{}
	err, judged := codec.Decode(codec.Protobuf, data, got), proto.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(data, want)
	if (err == nil) != (judged == nil) {
		t.Fatalf("%x: got %v, proto says %v", data, err, judged)
	}
	if err == nil && !proto.Equal(got, want) {
		t.Fatalf("%x: got %v, proto reads %v", data, got, want)
	}
	again := &rtapi.MatchDataSend{MatchId: matchID, OpCode: 5, Data: []byte("before"), Presences: []*rtapi.UserPresence{{}}, Reliable: true}
	if codec.DecodeMatchDataSend(data, again) && !proto.Equal(sent(again), want) {
		t.Fatalf("%x: got %v, proto reads %v", data, again, want)
	}
}

func marshal(t testing.TB, m proto.Message) []byte {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func sent(d *rtapi.MatchDataSend) *rtapi.Envelope {
	return &rtapi.Envelope{Message: &rtapi.Envelope_MatchDataSend{MatchDataSend: d}}
}

// Everything that a client may send in place of game data, the odd with the usual.
func gameDataSent(t testing.TB) (all [][]byte) {
	for _, d := range []*rtapi.MatchDataSend{
		{}, {MatchId: matchID}, {MatchId: matchID, OpCode: 1, Data: make([]byte, 32), Reliable: true}, {OpCode: -1, Data: []byte{}}, {OpCode: math.MaxInt64, Data: make([]byte, 200)},
		{MatchId: matchID, Presences: []*rtapi.UserPresence{{UserId: "u", SessionId: "s"}}},
	} {
		b := marshal(t, sent(d))
		all = append(all, b, append(b, b...), append([]byte{0x0a, 1, '1'}, b...), append(b, 0x0a, 1, '1'), append(b, 0x32, 0))
	}
	field := func(content []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, 15, protowire.BytesType), content)
	}
	for _, content := range [][]byte{
		{0x0a, 1, 0xff}, {0x28, 2}, {0x28, 1, 0x28, 0}, {0x0a, 1, 'a', 0x0a, 1, 'b'}, {0x1a, 1, 'a', 0x1a, 0}, {0x30, 1}, {0x10}, {0x12, 1, 1}, {0x08, 1}, {0x8a, 0x80, 0x00, 1, 'x'},
		{0x10, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02}, {0x00}, {0x0a, 5, 'a'}, {0x0b, 0x0c},
	} {
		all = append(all, field(content))
	}
	return append(all, []byte{0x7a}, []byte{0x7a, 0x80}, []byte{0x78, 1}, []byte{0xfa, 0x00, 0x00})
}

func TestGameDataIsReadAsProtoReadsIt(t *testing.T) {
	for _, data := range gameDataSent(t) {
		for n := range len(data) + 1 {
			agree(t, data[:n])
		}
	}
}

func FuzzGameData(f *testing.F) {
	for _, data := range gameDataSent(f) {
		f.Add(data)
	}
	f.Fuzz(agree)
}

func TestGameDataIsWrittenAsProtoWritesIt(t *testing.T) {
	full := &rtapi.UserPresence{UserId: "0b4f1c3e-7f1d-4a51-9f0e-0d3f5c1f9a11", SessionId: "7c1d3a52-96a0-11ee-b9d1-0242ac120002", Username: "käthe", Persistence: true}
	for _, p := range []*rtapi.UserPresence{nil, {}, full, {Username: string(make([]byte, 300))}, {Status: wrapperspb.String("")}, {Status: wrapperspb.String("away")}} {
		for _, opCode := range []int64{0, 1, 127, 128, math.MaxInt64, -1, math.MinInt64} {
			for _, size := range []int{0, 1, 32, 127, 128, 16384} {
				d := &rtapi.MatchData{MatchId: matchID, Presence: p, OpCode: opCode, Data: make([]byte, size), Reliable: size%2 == 0}
				for _, e := range []*rtapi.Envelope{{Message: &rtapi.Envelope_MatchData{MatchData: d}}, {Cid: "1", Message: &rtapi.Envelope_MatchData{MatchData: d}}} {
					got, err := codec.Append([]byte("before"), codec.Protobuf, e)
					if want := append([]byte("before"), marshal(t, e)...); err != nil || !bytes.Equal(got, want) {
						t.Fatalf("%v: got %x, %v, want %x", e, got, err, want)
					}
				}
			}
		}
	}
	for _, e := range []*rtapi.Envelope{nil, {}, {Message: &rtapi.Envelope_MatchData{}}, {Message: (*rtapi.Envelope_MatchData)(nil)}} {
		if got, err := codec.Append(nil, codec.Protobuf, e); err != nil || !bytes.Equal(got, marshal(t, e)) {
			t.Errorf("%v: got %x, %v", e, got, err)
		}
	}
	for _, d := range []*rtapi.MatchData{
		{MatchId: "\xff"}, {Presence: &rtapi.UserPresence{UserId: "\xff"}}, {Presence: &rtapi.UserPresence{SessionId: "\xff"}}, {Presence: &rtapi.UserPresence{Username: "\xff"}},
	} {
		if got, err := codec.Append(nil, codec.Protobuf, &rtapi.Envelope{Message: &rtapi.Envelope_MatchData{MatchData: d}}); err == nil {
			t.Errorf("%v: got %x", d, got)
		}
	}
}

func TestGameDataAllocations(t *testing.T) {
	data := marshal(t, sent(&rtapi.MatchDataSend{MatchId: matchID, OpCode: 1, Data: make([]byte, 32), Reliable: true}))
	e := &rtapi.Envelope{}
	if n := testing.AllocsPerRun(100, func() { _ = codec.Decode(codec.Protobuf, data, e) }); n > 3 {
		t.Errorf("reading allocates %v times: the message, its match's id and its data are 3", n)
	}
	d := &rtapi.MatchDataSend{}
	if n := testing.AllocsPerRun(100, func() { _ = codec.DecodeMatchDataSend(data, d) }); n > 1 {
		t.Errorf("reading the next one allocates %v times: its data is 1", n)
	}
	out := &rtapi.Envelope{Message: &rtapi.Envelope_MatchData{MatchData: &rtapi.MatchData{MatchId: matchID, OpCode: 1, Data: make([]byte, 200)}}}
	if n := testing.AllocsPerRun(100, func() { _, _ = codec.Share(out).Bytes(codec.Protobuf) }); n > 2 {
		t.Errorf("sharing allocates %v times: itself and the bytes are 2", n)
	}
}
