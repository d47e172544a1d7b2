// Package codec turns catalogue messages into bytes and back: JSON as REST and the socket speak it, protobuf, and
// FlatBuffers for native sessions. Decoders take bytes from the network: they refuse, they never panic.
package codec

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/skirmishgg/skirmish/protocol/codec/flat"
	"github.com/skirmishgg/skirmish/protocol/codec/jsonpb"
	"github.com/skirmishgg/skirmish/protocol/errs"
)

// Format is how a realtime session wants its messages.
type Format uint8

const (
	JSON Format = iota + 1
	Protobuf
	FlatBuffers
	formats
)

// protobufIn drops fields that we do not know, as the other formats do: nobody may send through us what we cannot see.
var protobufIn = proto.UnmarshalOptions{DiscardUnknown: true}

var jsonOut = protojson.MarshalOptions{UseProtoNames: true, UseEnumNumbers: true}

// Append writes m in a format.
func Append(dst []byte, f Format, m proto.Message) ([]byte, error) {
	switch f {
	case JSON:
		if out, known, err := jsonpb.Append(dst, m); known {
			return out, err
		}
		return jsonOut.MarshalAppend(dst, m)
	case Protobuf:
		if out, ok := appendGameData(dst, m); ok {
			return out, nil
		}
		return proto.MarshalOptions{}.MarshalAppend(dst, m)
	case FlatBuffers:
		return flat.Append(dst, m)
	}
	return nil, fmt.Errorf("codec: no format %d", f)
}

// Decode reads what a realtime session sent. JSON follows the socket's rules, which are DecodeEnvelopeJSON's.
// m is reset first; after a refusal its content is undefined. Refusals are InvalidArgument.
func Decode(f Format, data []byte, m proto.Message) error {
	switch f {
	case JSON:
		return DecodeEnvelopeJSON(data, m)
	case Protobuf:
		if decodeGameData(data, m) {
			return nil
		}
		if err := protobufIn.Unmarshal(data, m); err != nil {
			return refusal(err)
		}
		return nil
	case FlatBuffers:
		return flat.Decode(data, m)
	}
	return fmt.Errorf("codec: no format %d", f)
}

// refusal shows the parser's own text, as clients know it. Package proto begins its texts with a space or, in some
// builds, with a no-break space, so that nobody compares them; clients do, so the plain space is put back.
func refusal(err error) *errs.Error {
	text := err.Error()
	if rest, odd := strings.CutPrefix(text, "proto:\u00a0"); odd {
		text = "proto: " + rest
	}
	return errs.New(errs.InvalidArgument, text)
}

// Shared is one message for many receivers: encoded at most once a format. Any goroutine may ask.
type Shared struct {
	Message proto.Message // read-only from here on

	encoded atomic.Uint32 // the formats in bytes, a bit each
	mu      sync.Mutex    // held while encoding
	bytes   [formats - 1][]byte
}

// Share makes m ready for many receivers. The caller gives m up.
func Share(m proto.Message) *Shared { return &Shared{Message: m} }

// Bytes are the message in a format; nobody may change them.
func (s *Shared) Bytes(f Format) ([]byte, error) {
	if s.encoded.Load()&(1<<f) == 0 {
		return s.encode(f)
	}
	return s.bytes[f-1], nil
}

func (s *Shared) encode(f Format) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.encoded.Load()&(1<<f) == 0 {
		b, err := exactly(f, s.Message)
		if err != nil {
			return nil, err
		}
		s.bytes[f-1] = b
		s.encoded.Store(s.encoded.Load() | 1<<f)
	}
	return s.bytes[f-1], nil
}

// scratch holds buffers that have grown: a message of unknown length is written to one of them and kept in its length.
var scratch = sync.Pool{New: func() any { return new([]byte) }}

const scratchMax = 64 << 10 // bytes; a larger buffer is not kept

func exactly(f Format, m proto.Message) ([]byte, error) {
	if f == Protobuf {
		if b, ok := appendGameData(nil, m); ok {
			return b, nil
		}
	}
	buf := scratch.Get().(*[]byte)
	defer scratch.Put(buf)
	b, err := Append((*buf)[:0], f, m)
	if err != nil {
		return nil, err
	}
	if cap(b) <= scratchMax {
		*buf = b
	}
	return bytes.Clone(b), nil
}
