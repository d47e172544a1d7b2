package codec

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/skirmishgg/skirmish/protocol/codec/jsonpb"
)

var (
	restIn     = protojson.UnmarshalOptions{DiscardUnknown: true}
	envelopeIn = protojson.UnmarshalOptions{}
)

// DecodeJSON reads a REST body into m: proto or lowerCamelCase names, unknown fields and unknown enum names dropped,
// null as unset, whatever follows the first value ignored. An empty body is the empty message. m is reset first;
// after a refusal its content is undefined. Refusals are InvalidArgument with the text of the parser that found fault.
func DecodeJSON(data []byte, m proto.Message) error {
	// The good case first, by whichever parser is quicker: what jsonpb or protojson accepts as a whole is one value
	// with nothing behind it.
	if jsonpb.Decode(data, m) || restIn.Unmarshal(data, m) == nil {
		return nil
	}
	// Clients know two parsers' texts: encoding/json's for what is no JSON, protojson's for what does not fit the
	// message, with positions counted from the value's first byte.
	value, err := firstValue(data)
	if errors.Is(err, io.EOF) {
		proto.Reset(m)
		return nil
	}
	if err != nil {
		return refusal(err)
	}
	if err := restIn.Unmarshal(value, m); err != nil {
		return refusal(err)
	}
	return nil
}

// DecodeEnvelopeJSON reads a socket's text frame, which is one JSON value and nothing else: unknown fields, a field
// given twice, two messages of one envelope and junk are refused. m is reset first.
func DecodeEnvelopeJSON(data []byte, m proto.Message) error {
	if jsonpb.Decode(data, m) {
		return nil
	}
	if err := envelopeIn.Unmarshal(data, m); err != nil {
		return refusal(err)
	}
	return nil
}

// firstValue cuts the first JSON value out of data; io.EOF when there is nothing but blanks.
func firstValue(data []byte) (json.RawMessage, error) {
	var value json.RawMessage
	err := json.NewDecoder(bytes.NewReader(data)).Decode(&value)
	return value, err
}
