// Package codec turns catalogue messages into bytes and back: JSON as REST and the socket speak it, protobuf, and
// FlatBuffers for native sessions. Decoders take bytes from the network: they refuse, they never panic.
package codec

import (
	"fmt"
	"sync"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// Format is how a realtime session wants its messages.
type Format uint8

const (
	JSON Format = iota + 1
	Protobuf
	FlatBuffers
	formats
)

var jsonOut = protojson.MarshalOptions{UseProtoNames: true, UseEnumNumbers: true}

// Append writes m in a format.
func Append(dst []byte, f Format, m proto.Message) ([]byte, error) {
	switch f {
	case JSON:
		return jsonOut.MarshalAppend(dst, m)
	case Protobuf:
		return proto.MarshalOptions{}.MarshalAppend(dst, m)
	}
	return nil, fmt.Errorf("codec: no format %d", f)
}

// Shared is one message for many receivers: encoded at most once a format. Any goroutine may ask.
type Shared struct {
	Message proto.Message // read-only from here on
	once    [formats]sync.Once
	bytes   [formats][]byte
	err     [formats]error
}

// Share makes m ready for many receivers. The caller gives m up.
func Share(m proto.Message) *Shared { return &Shared{Message: m} }

// Bytes are the message in a format; nobody may change them.
func (s *Shared) Bytes(f Format) ([]byte, error) {
	s.once[f].Do(func() { s.bytes[f], s.err[f] = Append(nil, f, s.Message) })
	return s.bytes[f], s.err[f]
}
