package codec_test

import (
	"math/rand/v2"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/skirmishgg/skirmish/protocol/codec"
	"github.com/skirmishgg/skirmish/protocol/codec/codectest"
)

var formats = map[string]codec.Format{"json": codec.JSON, "protobuf": codec.Protobuf, "flatbuffers": codec.FlatBuffers}

// Every message type, filled at random and empty, comes back equal from every format, presence of wrappers, oneofs
// and empty messages included.
func TestRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	rounds := 20
	if testing.Short() {
		rounds = 5
	}
	for _, mt := range types {
		for i := range rounds {
			m := mt.New().Interface()
			if i > 0 {
				codectest.Fill(r, m)
			}
			for name, f := range formats {
				roundTrip(t, name, f, m)
			}
			if t.Failed() {
				return
			}
		}
	}
}

func roundTrip(t *testing.T, name string, f codec.Format, m proto.Message) {
	t.Helper()
	kind := m.ProtoReflect().Descriptor().FullName()
	data, err := codec.Append([]byte("abc"), f, m)
	if err != nil {
		t.Errorf("%s %s: %v\n%v", name, kind, err, m)
		return
	}
	if string(data[:3]) != "abc" {
		t.Errorf("%s %s: what stood before is gone", name, kind)
	}
	got := m.ProtoReflect().New().Interface()
	codectest.Fill(rand.New(rand.NewPCG(3, uint64(len(data)))), got) // what is in the way must go
	if err := codec.Decode(f, data[3:], got); err != nil {
		t.Errorf("%s %s: %v\n%v\n%q", name, kind, err, m, data[3:])
	} else if !proto.Equal(got, m) {
		t.Errorf("%s %s: got %v\nwant %v", name, kind, got, m)
	}
}
