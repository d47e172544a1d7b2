package bind

import (
	"encoding/json"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// Hooks and raw envelopes show messages to scripts as tables: in Lua in snake_case without what is not set, in JavaScript in
// camelCase with everything. Either style comes back.

var (
	toLua = protojson.MarshalOptions{UseProtoNames: true, UseEnumNumbers: true}
	toJS  = protojson.MarshalOptions{EmitUnpopulated: true, UseEnumNumbers: true}
	back  = protojson.UnmarshalOptions{}
)

// ToValue is a message as a script sees it.
func ToValue(m proto.Message, l Lang) (map[string]any, error) {
	options := toLua
	if l == JavaScript {
		options = toJS
	}
	text, err := options.Marshal(m)
	if err != nil {
		return nil, err
	}
	var v map[string]any
	return v, json.Unmarshal(text, &v)
}

// FromValue reads a message that a script gave.
// Errors: an unknown key, a wrong type.
func FromValue(v map[string]any, m proto.Message) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return FromJSON(text, m)
}

// FromJSON reads a message of either style.
func FromJSON(text []byte, m proto.Message) error { return back.Unmarshal(text, m) }
