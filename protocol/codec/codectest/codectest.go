// Package codectest is for tests that run over every catalogue message: the list of types, and messages filled at
// random.
package codectest

import (
	"math"
	"math/rand/v2"
	"sort"

	nakama "github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/skirmishgg/skirmish/protocol/api"
)

// Types are all message types that may stand alone, sorted by name. They come from the registered descriptors, not
// from the generator's list, so that a type the generator forgot is found.
func Types() []protoreflect.MessageType {
	files := []protoreflect.FileDescriptor{
		nakama.File_api_proto, rtapi.File_realtime_proto, api.File_protocol_api_skirmish_proto,
		emptypb.File_google_protobuf_empty_proto, wrapperspb.File_google_protobuf_wrappers_proto,
	}
	var types []protoreflect.MessageType
	var add func(protoreflect.MessageDescriptors)
	add = func(list protoreflect.MessageDescriptors) {
		for i := range list.Len() {
			d := list.Get(i)
			if d.IsMapEntry() {
				continue
			}
			t, err := protoregistry.GlobalTypes.FindMessageByName(d.FullName())
			if err != nil {
				panic(err)
			}
			types = append(types, t)
			add(d.Messages())
		}
	}
	for _, f := range files {
		add(f.Messages())
	}
	sort.Slice(types, func(i, j int) bool { return types[i].Descriptor().FullName() < types[j].Descriptor().FullName() })
	return types
}

// Fill gives m's fields values: most of them present, with edges (zero, extremes, empty, long, odd characters) among
// them. Timestamps are whole microseconds, which is what FlatBuffers keeps.
func Fill(r *rand.Rand, m proto.Message) { fill(r, m.ProtoReflect()) }

func fill(r *rand.Rand, m protoreflect.Message) {
	if t, ok := m.Interface().(*timestamppb.Timestamp); ok {
		const first, last = -62135596800, 253402300799 // years 1 to 9999
		t.Seconds = pick(r, 0, first, last, 1793000000, first+r.Int64N(last-first))
		t.Nanos = int32(pick(r, 0, 999999, r.Int64N(1e6))) * 1e3
		return
	}
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if r.IntN(4) == 0 {
			continue
		}
		switch {
		case f.IsMap():
			entries := m.Mutable(f).Map()
			for range r.IntN(4) {
				value := entries.NewValue()
				if f.MapValue().Message() != nil {
					fill(r, value.Message())
				} else {
					value = single(r, f.MapValue())
				}
				entries.Set(protoreflect.ValueOfString(text(r)).MapKey(), value)
			}
		case f.IsList():
			list := m.Mutable(f).List()
			for range r.IntN(4) {
				if f.Message() != nil {
					fill(r, list.AppendMutable().Message())
				} else {
					list.Append(single(r, f))
				}
			}
		case f.Message() != nil:
			fill(r, m.Mutable(f).Message())
		default:
			m.Set(f, single(r, f))
		}
	}
}

func single(r *rand.Rand, f protoreflect.FieldDescriptor) protoreflect.Value {
	switch f.Kind() {
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(r.IntN(2) == 0)
	case protoreflect.EnumKind: // numbers that no name has are values too
		return protoreflect.ValueOfEnum(pick(r, 0, 1, 2, protoreflect.EnumNumber(r.Int32()), -1))
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return protoreflect.ValueOfInt32(pick(r, 0, 1, -1, math.MaxInt32, math.MinInt32, r.Int32()))
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return protoreflect.ValueOfUint32(pick(r, 0, 1, math.MaxUint32, r.Uint32()))
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return protoreflect.ValueOfInt64(pick(r, 0, 1, -1, math.MaxInt64, math.MinInt64, r.Int64()))
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return protoreflect.ValueOfUint64(pick(r, 0, 1, math.MaxUint64, r.Uint64()))
	case protoreflect.FloatKind:
		return protoreflect.ValueOfFloat32(float32(float(r)))
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64(float(r))
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(text(r))
	case protoreflect.BytesKind:
		b := make([]byte, pick(r, 0, 1, 2, 3, r.IntN(300)))
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return protoreflect.ValueOfBytes(b)
	}
	panic("no value for a " + f.Kind().String())
}

func float(r *rand.Rand) float64 {
	return pick(r, 0, math.Copysign(0, -1), 1, -1.5, 1e-7, 1e21, 123456789, math.Inf(1), math.Inf(-1), math.NaN(),
		math.MaxFloat64, math.SmallestNonzeroFloat64, r.NormFloat64())
}

func text(r *rand.Rand) string {
	words := []string{"", "a", "al", "\x00", "\x1f\x7f", "\"\\/\b\f\n\r\t", "<&>", "é", "日本語", "🚀", "\u2028", "\ufffd", "\u00a0", `{"t":"hi"}`}
	s := ""
	for range r.IntN(4) {
		s += words[r.IntN(len(words))]
	}
	if r.IntN(50) == 0 {
		for len(s) < 2000 {
			s += "long "
		}
	}
	return s
}

func pick[T any](r *rand.Rand, values ...T) T { return values[r.IntN(len(values))] }
