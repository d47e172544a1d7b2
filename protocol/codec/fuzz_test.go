package codec_test

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/skirmishgg/skirmish/protocol/codec"
	"github.com/skirmishgg/skirmish/protocol/codec/codectest"
	"github.com/skirmishgg/skirmish/protocol/errs"
)

var types = codectest.Types()

// seed adds a filled message of every type in a format.
func seed(f *testing.F, format codec.Format) {
	r := rand.New(rand.NewPCG(15, uint64(format)))
	for i, mt := range types {
		m := mt.New().Interface()
		codectest.Fill(r, m)
		data, err := codec.Append(nil, format, m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint16(i), data)
	}
}

// target is the message type that a fuzzed number names.
func target(which uint16) proto.Message {
	return types[int(which)%len(types)].New().Interface()
}

// mustRefuse holds every error of a decoder to a refusal that a client can be shown.
func mustRefuse(t *testing.T, err error) {
	t.Helper()
	if e := (*errs.Error)(nil); !errors.As(err, &e) || e.Code != errs.InvalidArgument || e.Message == "" {
		t.Fatalf("no refusal: %v", err)
	}
}

// again holds a decoded message to coming back from the format that it came in.
func again(t *testing.T, format codec.Format, m proto.Message) {
	t.Helper()
	data, err := codec.Append(nil, format, m)
	if err != nil {
		t.Fatalf("%v cannot be written: %v", m, err)
	}
	back := m.ProtoReflect().New().Interface()
	if err := codec.Decode(format, data, back); err != nil || !proto.Equal(m, back) {
		t.Fatalf("%v comes back as %v, %v", m, back, err)
	}
}

// Any body is refused, or read as protojson reads its first value.
func FuzzDecodeJSON(f *testing.F) {
	seed(f, codec.JSON)
	for _, body := range []string{``, ` `, `null`, `[]`, `{`, `{}x`, `{"id":5}`, `{"a":1}{"b":2}`, `{"vars":{"a":"\u0000"}}`, "\xff", `{"limit":1e2}`, `{"display_name":null}`} {
		f.Add(uint16(0), []byte(body))
	}
	f.Fuzz(func(t *testing.T, which uint16, data []byte) {
		m := target(which)
		if err := codec.DecodeJSON(data, m); err != nil {
			mustRefuse(t, err)
			return
		}
		again(t, codec.JSON, m)
		want := target(which)
		if (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(data, want) == nil && !proto.Equal(m, want) {
			t.Fatalf("got %v, protojson reads %v", m, want)
		}
	})
}

// Any text frame is refused, or read as protojson reads it.
func FuzzEnvelopeJSON(f *testing.F) {
	r := rand.New(rand.NewPCG(17, 18))
	for range 50 {
		m := &rtapi.Envelope{}
		codectest.Fill(r, m)
		data, err := codec.Append(nil, codec.JSON, m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, frame := range []string{`{}`, `{"cid":"1","ping":{}}`, `{"ping":null}`, `{"ping":{},"pong":{}}`, `{"nope":{}}`, `{"cid":1}`, `x`} {
		f.Add([]byte(frame))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, want := &rtapi.Envelope{}, &rtapi.Envelope{}
		err, judged := codec.DecodeEnvelopeJSON(data, m), protojson.Unmarshal(data, want)
		if (err == nil) != (judged == nil) {
			t.Fatalf("got %v, protojson says %v", err, judged)
		}
		if err != nil {
			mustRefuse(t, err)
			return
		}
		if !proto.Equal(m, want) {
			t.Fatalf("got %v, protojson reads %v", m, want)
		}
		again(t, codec.JSON, m)
	})
}

// Any binary frame is refused or read; what protobuf lets in and JSON does not know (a time outside the calendar) may
// fail to be written, but as an error.
func FuzzProtobuf(f *testing.F) {
	seed(f, codec.Protobuf)
	f.Fuzz(func(t *testing.T, which uint16, data []byte) {
		m := target(which)
		if err := codec.Decode(codec.Protobuf, data, m); err != nil {
			mustRefuse(t, err)
			return
		}
		again(t, codec.Protobuf, m)
		if _, err := codec.Append(nil, codec.JSON, m); err == nil {
			again(t, codec.JSON, m)
		}
		_, _ = codec.Append(nil, codec.FlatBuffers, m)
	})
}

// Any table is refused, or read as a message that the other two formats can carry.
func FuzzFlatBuffers(f *testing.F) {
	seed(f, codec.FlatBuffers)
	f.Fuzz(func(t *testing.T, which uint16, data []byte) {
		m := target(which)
		if err := codec.Decode(codec.FlatBuffers, data, m); err != nil {
			mustRefuse(t, err)
			return
		}
		for _, format := range formats {
			again(t, format, m)
		}
	})
}
