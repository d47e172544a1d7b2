package flat

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	flatbuffers "github.com/google/flatbuffers/go"
	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/skirmishgg/skirmish/protocol/codec/codectest"
)

// raceEnabled is set by race_test.go.
var raceEnabled bool

// What Append writes is read by the official runtime, field by field, with nothing of ours between: slots as
// slots.golden and the .fbs files say.
func TestOfficialRuntimeReadsUs(t *testing.T) {
	data := mustAppend(t, &api.StorageObject{
		Collection: "saves", Key: "slot1", Value: `{"hp":7}`, PermissionRead: 2,
		CreateTime: &timestamppb.Timestamp{Seconds: -1, Nanos: 999_999_999},
	})
	root := flatbuffers.Table{Bytes: data, Pos: flatbuffers.GetUOffsetT(data)}
	str := func(tb *flatbuffers.Table, slot flatbuffers.VOffsetT) string {
		o := tb.Offset(4 + 2*slot)
		if o == 0 {
			return "absent"
		}
		return string(tb.ByteVector(tb.Pos + flatbuffers.UOffsetT(o)))
	}
	want := func(what, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: got %q, want %q", what, got, want)
		}
	}
	want("collection", str(&root, 0), "saves")
	want("key", str(&root, 1), "slot1")
	want("user_id", str(&root, 2), "absent")
	want("value", str(&root, 3), `{"hp":7}`)
	if got := root.GetInt32Slot(4+2*5, 0); got != 2 {
		t.Errorf("permission_read: got %d", got)
	}
	if root.Offset(4+2*6) != 0 {
		t.Error("permission_write is 0 and must be absent")
	}
	if got := root.GetInt64Slot(4+2*7, 0); got != -1 {
		t.Errorf("create_time: got %d µs, want -1", got)
	}

	data = mustAppend(t, &rtapi.Envelope{Cid: "7", Message: &rtapi.Envelope_MatchmakerAdd{MatchmakerAdd: &rtapi.MatchmakerAdd{
		StringProperties: map[string]string{"b": "2", "a": "1", "": "0"}, CountMultiple: wrapperspb.Int32(0),
	}}})
	root = flatbuffers.Table{Bytes: data, Pos: flatbuffers.GetUOffsetT(data)}
	want("cid", str(&root, 0), "7")
	var add flatbuffers.Table
	add.Bytes, add.Pos = data, root.Indirect(root.Pos+flatbuffers.UOffsetT(root.Offset(4+2*18)))
	if add.Offset(4+2*5) == 0 {
		t.Error("count_multiple is set to 0 and must be present")
	}
	entries := flatbuffers.UOffsetT(add.Offset(4 + 2*3))
	if n := add.VectorLen(entries); n != 3 {
		t.Fatalf("string_properties: %d entries", n)
	}
	for i, pair := range [][2]string{{"", "0"}, {"a", "1"}, {"b", "2"}} {
		entry := flatbuffers.Table{Bytes: data, Pos: add.Indirect(add.Vector(entries) + flatbuffers.UOffsetT(4*i))}
		want("key", str(&entry, 0), pair[0])
		want("value", str(&entry, 1), pair[1])
	}
}

// A client in another language writes in its own order, shares strings, and may be newer than we are.
func TestWeReadOthers(t *testing.T) {
	b := flatbuffers.NewBuilder(0)
	shared := b.CreateSharedString("al")
	b.StartObject(3) // rtapi.UserPresence has five slots: this writer is older
	b.PrependUOffsetTSlot(0, shared, 0)
	b.PrependUOffsetTSlot(2, shared, 0)
	older := b.EndObject()
	future := b.CreateString("from the future")
	b.StartObject(40) // and this one newer
	b.PrependUOffsetTSlot(39, future, 0)
	b.PrependUOffsetTSlot(2, shared, 0)
	newer := b.EndObject()
	b.StartVector(4, 2, 4)
	b.PrependUOffsetT(newer)
	b.PrependUOffsetT(older)
	joins := b.EndVector(2)
	b.StartObject(3)
	b.PrependUOffsetTSlot(1, joins, 0)
	b.Finish(b.EndObject())

	var got rtapi.MatchPresenceEvent
	if err := Decode(b.FinishedBytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := &rtapi.MatchPresenceEvent{Joins: []*rtapi.UserPresence{{UserId: "al", Username: "al"}, {Username: "al"}}}
	if !proto.Equal(&got, want) {
		t.Errorf("got %v, want %v", &got, want)
	}
}

func TestDecodeKeepsNothingOfItsInput(t *testing.T) {
	want := &rtapi.MatchDataSend{MatchId: "m.node", OpCode: 7, Data: []byte("bytes"), Presences: []*rtapi.UserPresence{{Username: "al"}}}
	data := mustAppend(t, want)
	var got rtapi.MatchDataSend
	if err := Decode(data, &got); err != nil {
		t.Fatal(err)
	}
	clear(data)
	if !proto.Equal(&got, want) {
		t.Errorf("got %v, want %v", &got, want)
	}
}

func TestTimestampBelowAMicrosecondIsCut(t *testing.T) {
	data := mustAppend(t, &api.User{CreateTime: &timestamppb.Timestamp{Seconds: -5, Nanos: 1999}})
	var got api.User
	if err := Decode(data, &got); err != nil {
		t.Fatal(err)
	}
	if ts := got.CreateTime; ts.Seconds != -5 || ts.Nanos != 1000 {
		t.Errorf("got %v", ts)
	}
}

func TestAppendRefuses(t *testing.T) {
	no := func(m proto.Message, part string) {
		t.Helper()
		if _, err := Append(nil, m); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%v: got %v, want %q", m, err, part)
		}
	}
	no(&timestamppb.Timestamp{}, "no catalogue message")
	no(&api.User{Id: "\xff"}, "not UTF-8")
	no(&api.AccountCustom{Vars: map[string]string{"\xff": ""}}, "not UTF-8")
	no(&api.User{CreateTime: &timestamppb.Timestamp{Seconds: 1 << 40}}, "outside the years")
	if _, err := Append(nil, &api.User{Id: "x"}); err != nil {
		t.Errorf("a writer remembers the failure before: %v", err)
	}
}

func TestNilMessagesAreEmpty(t *testing.T) {
	same := func(a, b proto.Message) {
		t.Helper()
		if string(mustAppend(t, a)) != string(mustAppend(t, b)) {
			t.Errorf("%v and %v are written differently", a, b)
		}
	}
	same((*api.User)(nil), &api.User{})
	same(&api.Users{Users: []*api.User{nil}}, &api.Users{Users: []*api.User{{}}})
	same(&rtapi.Envelope{Message: (*rtapi.Envelope_Ping)(nil)}, &rtapi.Envelope{})
	same(&rtapi.Envelope{Message: &rtapi.Envelope_Ping{}}, &rtapi.Envelope{Message: &rtapi.Envelope_Ping{Ping: &rtapi.Ping{}}})
}

func TestVerifyByName(t *testing.T) {
	for _, mt := range codectest.Types() {
		if err := Verify(mustAppend(t, mt.New().Interface()), string(mt.Descriptor().FullName())); err != nil {
			t.Errorf("%s: %v", mt.Descriptor().FullName(), err)
		}
	}
	if err := Verify(make([]byte, 8), "nakama.api.Nope"); !errors.Is(err, ErrUnknownTable) {
		t.Errorf("got %v", err)
	}
}

// The generated tables are sorted, which Verify's search needs, and point within themselves.
func TestTablesAreInOrder(t *testing.T) {
	for i := range tables {
		if i > 0 && tables[i-1].name >= tables[i].name {
			t.Errorf("%s comes after %s", tables[i].name, tables[i-1].name)
		}
		for _, s := range tables[i].slots {
			if int(s.target) >= len(tables) {
				t.Errorf("%s refers to table %d", tables[i].name, s.target)
			}
		}
	}
}

func TestAppendAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes sync.Pool drop at random")
	}
	r := rand.New(rand.NewPCG(5, 6))
	for _, m := range []proto.Message{&api.StorageObjects{}, &rtapi.Envelope{}, &rtapi.MatchmakerAdd{}, &api.Account{}} {
		codectest.Fill(r, m)
		buffer := make([]byte, 0, 64<<10)
		allocs := testing.AllocsPerRun(100, func() {
			if _, err := Append(buffer, m); err != nil {
				t.Fatal(err)
			}
		})
		if allocs != 0 {
			t.Errorf("%T: %v allocations", m, allocs)
		}
	}
}

func mustAppend(t testing.TB, m proto.Message) []byte {
	t.Helper()
	data, err := Append(nil, m)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
