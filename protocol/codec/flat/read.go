package flat

import (
	flatbuffers "github.com/google/flatbuffers/go"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// What generated readers call. All of it trusts the verifier. o is a field's place in its table, never 0.

type (
	reader  = flatbuffers.Table
	voffset = flatbuffers.VOffsetT
)

// text copies: a message may live long after its bytes.
func text(t *reader, o voffset) string {
	return string(t.ByteVector(t.Pos + uoffset(o)))
}

// blob copies; never nil, since an empty vector is a present value.
func blob(t *reader, o voffset) []byte {
	v := t.ByteVector(t.Pos + uoffset(o))
	return append(make([]byte, 0, len(v)), v...)
}

func texts(t *reader, o voffset) []string {
	n := t.VectorLen(uoffset(o))
	if n == 0 {
		return nil
	}
	list := make([]string, n)
	first := t.Vector(uoffset(o))
	for i := range list {
		list[i] = string(t.ByteVector(first + uoffset(i)*flatbuffers.SizeUOffsetT))
	}
	return list
}

func child(t *reader, o voffset) reader {
	return reader{Bytes: t.Bytes, Pos: t.Indirect(t.Pos + uoffset(o))}
}

func element(t *reader, first uoffset, i int) reader {
	return reader{Bytes: t.Bytes, Pos: t.Indirect(first + uoffset(i)*flatbuffers.SizeUOffsetT)}
}

func micros(t *reader, o voffset) *timestamppb.Timestamp {
	us := t.GetInt64(t.Pos + uoffset(o))
	seconds, rest := us/1e6, us%1e6
	if rest < 0 {
		seconds, rest = seconds-1, rest+1e6
	}
	return &timestamppb.Timestamp{Seconds: seconds, Nanos: int32(rest) * 1e3}
}
