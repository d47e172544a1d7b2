package codec

import (
	"errors"
	"testing"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/skirmishgg/skirmish/protocol/errs"
)

func TestDecodeJSON(t *testing.T) {
	ok := func(in string, want proto.Message) {
		t.Helper()
		got := want.ProtoReflect().New().Interface()
		if err := DecodeJSON([]byte(in), got); err != nil {
			t.Errorf("%s: %v", in, err)
		} else if !proto.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", in, got, want)
		}
	}
	no := func(in string, m proto.Message, text string) {
		t.Helper()
		err := DecodeJSON([]byte(in), m)
		if !errors.Is(err, errs.New(errs.InvalidArgument, text)) {
			t.Errorf("%s: got %v, want %s", in, err, text)
		}
	}

	// names
	named := &api.UpdateAccountRequest{DisplayName: wrapperspb.String("al")}
	ok(`{"display_name":"al"}`, named)
	ok(`{"displayName":"al"}`, named)
	ok(`{"display_name":"al","nope":{"a":[1,{}]}}`, named)
	no(`{"display_name":"a","displayName":"b"}`, &api.UpdateAccountRequest{}, `proto: (line 1:21): duplicate field "displayName"`)
	no(`{"location":"a","location":"b"}`, &api.UpdateAccountRequest{}, `proto: (line 1:17): duplicate field "location"`)

	// wrappers, null, numbers
	ok(`{"display_name":""}`, &api.UpdateAccountRequest{DisplayName: wrapperspb.String("")})
	ok(`{"display_name":null}`, &api.UpdateAccountRequest{})
	limit := &api.ListNotificationsRequest{Limit: wrapperspb.Int32(5)}
	for _, five := range []string{"5", "5.0", `"5"`, "50e-1", "0.5e1"} {
		ok(`{"limit":`+five+`}`, limit)
	}
	no(`{"limit":5.5}`, &api.ListNotificationsRequest{}, `proto: (line 1:10): invalid value for int32 field value: 5.5`)
	score := &api.WriteLeaderboardRecordRequest_LeaderboardRecordWrite{Score: 10}
	ok(`{"score":10}`, score)
	ok(`{"score":"10"}`, score)
	no(`{"persistent":"true"}`, &api.Notification{}, `proto: (line 1:15): invalid value for bool field persistent: "true"`)

	// enums: a number, or the exact name; any other string is dropped
	best := &api.WriteLeaderboardRecordRequest_LeaderboardRecordWrite{Operator: api.Operator_SET}
	ok(`{"operator":2}`, best)
	ok(`{"operator":"SET"}`, best)
	ok(`{"operator":"2"}`, &api.WriteLeaderboardRecordRequest_LeaderboardRecordWrite{})
	ok(`{"operator":"set"}`, &api.WriteLeaderboardRecordRequest_LeaderboardRecordWrite{})
	ok(`{"operator":77}`, &api.WriteLeaderboardRecordRequest_LeaderboardRecordWrite{Operator: 77})

	// the body as a whole
	empty := &api.AccountDevice{}
	ok(``, empty)
	ok(" \n\t", empty)
	ok(`{}`, empty)
	ok(` {"id":"x"} `, &api.AccountDevice{Id: "x"})
	ok(`{"id":"x"}junk`, &api.AccountDevice{Id: "x"})
	ok(`{"id":"x"}{"id":"y"}`, &api.AccountDevice{Id: "x"})
	no(`null`, empty, `proto: syntax error (line 1:1): unexpected token null`)
	no("  null", empty, `proto: syntax error (line 1:1): unexpected token null`)
	no(`[]`, empty, `proto: syntax error (line 1:1): unexpected token [`)
	no(`"x"`, empty, `proto: syntax error (line 1:1): unexpected token "x"`)
	no(`nope`, empty, `invalid character 'o' in literal null (expecting 'u')`)
	no(`{`, empty, `unexpected EOF`)
	no(`{"id":"x"`, empty, `unexpected EOF`)
	no(`{"id":}`, empty, `invalid character '}' looking for beginning of value`)
	no(`{'id':1}`, empty, `invalid character '\'' looking for beginning of object key string`)
	no(`{"id":5}`, empty, `proto: (line 1:7): invalid value for string field id: 5`)
	no(`  {"id":5} junk`, empty, `proto: (line 1:7): invalid value for string field id: 5`)
	no(`{"vars":{"a":5}}`, &api.AccountDevice{}, `proto: (line 1:14): invalid value for string field value: 5`)
	no("{\"location\":\"\xff\"}", &api.UpdateAccountRequest{}, `proto: syntax error (line 1:13): invalid UTF-8 in string`)
}

func TestDecodeEnvelopeJSON(t *testing.T) {
	ok := func(in string, want *rtapi.Envelope) {
		t.Helper()
		got := &rtapi.Envelope{}
		if err := DecodeEnvelopeJSON([]byte(in), got); err != nil {
			t.Errorf("%s: %v", in, err)
		} else if !proto.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", in, got, want)
		}
	}
	no := func(in string) {
		t.Helper()
		err := DecodeEnvelopeJSON([]byte(in), &rtapi.Envelope{})
		if e := (*errs.Error)(nil); !errors.As(err, &e) || e.Code != errs.InvalidArgument {
			t.Errorf("%s: got %v, want a refusal", in, err)
		}
	}
	data := func(code int64) *rtapi.Envelope {
		return &rtapi.Envelope{Message: &rtapi.Envelope_MatchDataSend{MatchDataSend: &rtapi.MatchDataSend{MatchId: "m", OpCode: code, Data: []byte("hi")}}}
	}
	ok(`{}`, &rtapi.Envelope{})
	ok(`{"cid":"1","ping":{}}`, &rtapi.Envelope{Cid: "1", Message: &rtapi.Envelope_Ping{Ping: &rtapi.Ping{}}})
	ok(`{"cid":"1","ping":null}`, &rtapi.Envelope{Cid: "1"})
	for _, four := range []string{"4", `"4"`, "4e0", "4.0"} {
		ok(`{"match_data_send":{"match_id":"m","op_code":`+four+`,"data":"aGk="}}`, data(4))
		ok(`{"matchDataSend":{"matchId":"m","opCode":`+four+`,"data":"aGk="}}`, data(4))
	}
	for _, in := range []string{
		``, `null`, `[]`, `x`, `{"ping":{}}x`, `{"ping":{}}{}`, `{"nope":{}}`, `{"ping":{"nope":1}}`, `{"cid":"1","cid":"2"}`,
		`{"ping":{},"pong":{}}`, `{"cid":1}`, `{"match_data_send":{"op_code":1.5}}`, "{\"cid\":\"\xff\"}",
	} {
		no(in)
	}
}

func TestRefusalPutsThePlainSpaceBack(t *testing.T) {
	if got := refusal(errors.New("proto:\u00a0a\u00a0b")).Message; got != "proto: a\u00a0b" {
		t.Errorf("got %q", got)
	}
}
