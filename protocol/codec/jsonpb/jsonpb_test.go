package jsonpb

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/skirmishgg/skirmish/protocol/codec/codectest"
)

var (
	judgeOut = protojson.MarshalOptions{UseProtoNames: true, UseEnumNumbers: true}
	judgeIn  = protojson.UnmarshalOptions{}
)

// What Append writes is what protojson writes, byte for byte, but for its blanks; and both readers read it back.
func TestAppendIsProtojson(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	for _, mt := range codectest.Types() {
		for range 20 {
			m := mt.New().Interface()
			codectest.Fill(r, m)
			got, known, err := Append([]byte("abc,"), m)
			if !known || err != nil || string(got[:4]) != "abc," {
				t.Fatalf("%s: %q %v %v", mt.Descriptor().FullName(), got, known, err)
			}
			got = got[4:]
			judged, err := judgeOut.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			var want bytes.Buffer
			if err := json.Compact(&want, judged); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want.Bytes()) {
				t.Fatalf("%s:\n got %s\nwant %s", mt.Descriptor().FullName(), got, want.Bytes())
			}
			sameAsJudge(t, mt, got)
		}
	}
}

// sameAsJudge holds Decode to its promise: what it accepts, protojson accepts and reads alike.
func sameAsJudge(t *testing.T, mt protoreflect.MessageType, data []byte) (accepted bool) {
	t.Helper()
	got, want := mt.New().Interface(), mt.New().Interface()
	if !Decode(data, got) {
		return false
	}
	if err := judgeIn.Unmarshal(data, want); err != nil {
		t.Fatalf("%s: accepted, but protojson says %v: %q", mt.Descriptor().FullName(), err, data)
	}
	if !proto.Equal(got, want) {
		t.Fatalf("%s: got %v, want %v from %q", mt.Descriptor().FullName(), got, want, data)
	}
	return true
}

// The plain input that clients send must not fall back to protojson.
func TestPlainInputIsQuick(t *testing.T) {
	quick := func(m proto.Message, in string) {
		t.Helper()
		if !sameAsJudge(t, m.ProtoReflect().Type(), []byte(in)) {
			t.Errorf("protojson is asked about %s", in)
		}
	}
	slow := func(m proto.Message, in string) {
		t.Helper()
		if sameAsJudge(t, m.ProtoReflect().Type(), []byte(in)) {
			t.Errorf("accepted %s", in)
		}
	}
	quick(&api.WriteStorageObjectsRequest{}, ` { "objects" : [ {"collection":"saves","key":"日本","value":"{\"hp\":7,\n\t\"x\":[1]}","permission_read":2,"permissionWrite":"1"} , {} ] } `)
	quick(&api.AccountEmail{}, `{"email":"a@b.c","password":"p","vars":{"a":"1","b":""}}`)
	quick(&api.UpdateAccountRequest{}, `{"display_name":"al","avatarUrl":null,"location":""}`)
	quick(&rtapi.Envelope{}, `{"cid":"1","match_data_send":{"match_id":"m","op_code":"7","data":"aGk=","presences":[],"reliable":true}}`)
	quick(&rtapi.Envelope{}, `{"cid":"1","ping":{}}`)
	quick(&rtapi.Envelope{}, `{"matchmaker_add":{"min_count":2,"max_count":4,"query":"*","numeric_properties":{"a":-1.5e3,"b":0},"string_properties":{}}}`)
	quick(&api.User{}, `{"create_time":"2026-01-01T00:00:00Z","update_time":"2026-01-01T00:00:00.5Z"}`)
	quick(&api.WriteLeaderboardRecordRequest_LeaderboardRecordWrite{}, `{"score":-10,"subscore":"999999999999999999","operator":2}`)

	const user = `{"id":"x"}`
	for i := range user {
		slow(&api.User{}, user[:i])
	}
	for _, in := range []string{
		``, `null`, `{}x`, `{} {}`, `{,}`, `{"id":"x",}`, `{"id":"x" "username":"y"}`, `{"id":"x","id":"y"}`, `{"id":null,"id":"y"}`,
		`{"display_name":"a","displayName":"b"}`, `{"nope":1}`, `{"id":5}`, `{"id":"\u0041"}`, `{"id":"\x"}`, "{\"id\":\"\xff\"}", "{\"id\":\"\\n\xff\"}",
		"{\"id\":\"\x1f\"}", "{\"i\xff\":1}", `{"i\u0064":"x"}`, `{"online":"true"}`, `{"online":truex}`, `{"edge_count":01}`, `{"edge_count":-0}`,
		`{"edge_count":1.0}`, `{"edge_count":1e0}`, `{"edge_count":2147483648}`, `{"edge_count":"1 "}`, `{"edge_count":""}`, `{"edge_count":-}`,
		`{"edge_count":+1}`, `{"edge_count":9999999999999999999999}`, `{"create_time":"2026-01-01T00:00:00+01:00"}`, `{"create_time":"2026-01-01 00:00:00Z"}`, `{"create_time":"2026-13-01T00:00:00Z"}`,
		`{"create_time":"2026-01-01T00:00:00,5Z"}`, `{"create_time":"2026-01-01T00:00:00.Z"}`, `{"create_time":"0000-01-01T00:00:00Z"}`, `{"create_time":"2026-01-01T00:00:00.0000000001Z"}`, `{id:"x"}`, `{"id"}`, `{"id":}`,
	} {
		slow(&api.User{}, in)
	}
	for _, in := range []string{
		`{"ping":{},"pong":{}}`, `{"ping":{},"ping":{}}`, `{"ping":[]}`, `{"ping":{"x":1}}`,
		`{"matchmaker_add":{"string_properties":{"a":"1","a":"2"}}}`, `{"matchmaker_add":{"string_properties":{"a":null}}}`,
		`{"matchmaker_add":{"numeric_properties":{"a":"NaN"}}}`, `{"matchmaker_add":{"numeric_properties":{"a":1.}}}`,
		`{"matchmaker_add":{"numeric_properties":{"a":.5}}}`, `{"matchmaker_add":{"numeric_properties":{"a":01}}}`, `{"matchmaker_add":{"numeric_properties":{"a":1e999}}}`,
		`{"matchmaker_add":{"numeric_properties":{"a":0x1p4}}}`, `{"match_data_send":{"data":"a"}}`, `{"status_follow":{"user_ids":[null]}}`,
		`{"status_follow":{"user_ids":["a",]}}`, `{"status_follow":{"user_ids":["a" "b"]}}`, `{"match_join":{"match_id":"a","token":"b"}}`,
	} {
		slow(&rtapi.Envelope{}, in)
	}
}

func TestAppendRefuses(t *testing.T) {
	no := func(m proto.Message, want error) {
		t.Helper()
		if _, known, err := Append(nil, m); !known || !errors.Is(err, want) {
			t.Errorf("%v: got %v", m, err)
		}
		if _, err := judgeOut.Marshal(m); err == nil {
			t.Errorf("protojson writes %v", m)
		}
	}
	no(&api.User{Id: "\xff"}, errUTF8)
	no(&api.AccountCustom{Vars: map[string]string{"\xff": ""}}, errUTF8)
	no(&api.User{CreateTime: &timestamppb.Timestamp{Seconds: 1 << 40}}, errTime)
	no(&api.User{CreateTime: &timestamppb.Timestamp{Nanos: -1}}, errTime)
	if _, known, _ := Append(nil, &timestamppb.Timestamp{}); known {
		t.Error("a Timestamp stands in fields only")
	}
}

func TestNilMessages(t *testing.T) {
	f := func(m proto.Message, want string) {
		t.Helper()
		if got, _, err := Append(nil, m); err != nil || string(got) != want {
			t.Errorf("got %s %v, want %s", got, err, want)
		}
	}
	f((*api.User)(nil), `{}`)
	f((*wrapperspb.StringValue)(nil), `""`)
	f(&api.Users{Users: []*api.User{nil, {}}}, `{"users":[{},{}]}`)
	f(&rtapi.Envelope{Message: (*rtapi.Envelope_Ping)(nil)}, `{}`)
	f(&rtapi.Envelope{Cid: "1", Message: &rtapi.Envelope_Ping{}}, `{"cid":"1","ping":{}}`)
}

func TestTimeDigits(t *testing.T) {
	f := func(nanos int32, want string) {
		t.Helper()
		got, _, err := Append(nil, &api.User{CreateTime: &timestamppb.Timestamp{Seconds: 1793000000, Nanos: nanos}})
		if err != nil || string(got) != fmt.Sprintf(`{"create_time":"2026-10-26T07:33:20%sZ"}`, want) {
			t.Errorf("%d: got %s %v", nanos, got, err)
		}
	}
	f(0, "")
	f(120_000_000, ".120")
	f(1_000, ".000001")
	f(1, ".000000001")
	f(999_999_999, ".999999999")
}

// FuzzDecode: whatever Decode accepts, protojson accepts and reads alike.
func FuzzDecode(f *testing.F) {
	list := codectest.Types()
	r := rand.New(rand.NewPCG(13, 14))
	for i, mt := range list {
		m := mt.New().Interface()
		codectest.Fill(r, m)
		data, _, err := Append(nil, m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint16(i), data)
	}
	f.Fuzz(func(t *testing.T, which uint16, data []byte) {
		sameAsJudge(t, list[int(which)%len(list)], data)
	})
}
