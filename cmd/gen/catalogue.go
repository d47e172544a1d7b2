package main

import (
	"fmt"
	"sort"
	"strings"

	nakama "github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"
	"google.golang.org/protobuf/types/pluginpb"
)

// catalogue is every message that has a table, sorted by name, and the enums they use.
type catalogue struct {
	plugin   *protogen.Plugin // knows Go names and writes Go files
	messages []*message
	enums    []*protogen.Enum
}

// message is one table of the FlatBuffers schema. Map entries are tables without a Go type.
type message struct {
	*protogen.Message
	index  int      // in the verifier's tables
	fields []*field // in the descriptor's order
	slots  []*field // in the order of slots.golden, with holes
	schema string   // e.g. "nakama_api": the .fbs file, and the .gen.go file
}

// shape says how a field stands in a table.
type shape int

const (
	scalar     shape = iota // absent when zero
	optional                // scalar with presence: wrapper, oneof arm, proto3 optional
	text                    // absent when empty
	optText                 // string with presence
	blob                    // bytes, absent when empty
	optBlob                 // bytes with presence
	table                   // a message
	micros                  // a Timestamp
	scalarList              // repeated
	textList
	tableList
	mapping // a map: entries sorted by key
)

// field is one slot of a table.
type field struct {
	*protogen.Field // nil when the field is gone from the descriptors
	name            string
	shape           shape
	wrapper         bool   // shape's value stands in a wrapper message
	fbs             string // type in the schema, which a slot keeps for ever
	target          string // full name of the table referred to
	arm             int    // number of the oneof within the message, from 1; 0: none
}

// wellKnown are the messages of google.protobuf that may stand alone; Timestamp stands in fields only.
var wellKnown = []protoreflect.FileDescriptor{emptypb.File_google_protobuf_empty_proto, wrapperspb.File_google_protobuf_wrappers_proto}

// readCatalogue collects the messages of nakama-common, ours, and the well-known types.
func readCatalogue() (*catalogue, error) {
	own, err := compileOwn()
	if err != nil {
		return nil, err
	}
	request := &pluginpb.CodeGeneratorRequest{}
	seen := map[string]bool{}
	var add func(fd protoreflect.FileDescriptor)
	add = func(fd protoreflect.FileDescriptor) {
		if seen[fd.Path()] || fd.IsPlaceholder() {
			return
		}
		seen[fd.Path()] = true
		for i := range fd.Imports().Len() {
			add(fd.Imports().Get(i).FileDescriptor)
		}
		p := protodesc.ToFileDescriptorProto(fd)
		for i, path := range p.Dependency {
			if path == "api/api.proto" { // rtapi imports what registered itself as api.proto
				p.Dependency[i] = nakama.File_api_proto.Path()
			}
		}
		request.ProtoFile = append(request.ProtoFile, p)
		request.FileToGenerate = append(request.FileToGenerate, fd.Path())
	}
	for _, fd := range append(wellKnown, nakama.File_api_proto, rtapi.File_realtime_proto) {
		add(fd)
	}
	for _, fd := range own {
		request.ProtoFile = append(request.ProtoFile, fd)
		request.FileToGenerate = append(request.FileToGenerate, fd.GetName())
	}
	plugin, err := protogen.Options{}.New(request)
	if err != nil {
		return nil, err
	}
	c := &catalogue{plugin: plugin}
	for _, f := range plugin.Files {
		if f.Desc.Path() == "google/protobuf/timestamp.proto" {
			continue
		}
		schema := strings.ReplaceAll(string(f.Desc.Package()), ".", "_")
		c.enums = append(c.enums, f.Enums...)
		if err := c.add(f.Messages, schema); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *catalogue) add(messages []*protogen.Message, schema string) error {
	for _, pm := range messages {
		m := &message{Message: pm, schema: schema}
		arms := map[*protogen.Oneof]int{}
		for _, pf := range pm.Fields {
			f, err := readField(pf)
			if err != nil {
				return fmt.Errorf("%s: %w", pf.Desc.FullName(), err)
			}
			if o := pf.Oneof; o != nil && !o.Desc.IsSynthetic() {
				if arms[o] == 0 {
					arms[o] = len(arms) + 1
				}
				f.arm = arms[o]
			}
			m.fields = append(m.fields, f)
		}
		m.slots = m.fields
		c.messages = append(c.messages, m)
		c.enums = append(c.enums, pm.Enums...)
		if err := c.add(pm.Messages, schema); err != nil {
			return err
		}
	}
	return nil
}

// number gives tables their place in the verifier's list.
func (c *catalogue) number() {
	sort.Slice(c.messages, func(i, j int) bool { return c.messages[i].full() < c.messages[j].full() })
	for i, m := range c.messages {
		m.index = i
	}
}

func (m *message) full() string { return string(m.Desc.FullName()) }

// readField decides how a field stands in its table. Combinations that no catalogue message has are refused here,
// so that whoever needs the first one meets this list.
func readField(pf *protogen.Field) (*field, error) {
	d := pf.Desc
	f := &field{Field: pf, name: string(d.Name())}
	element, err := elementType(pf)
	if err != nil {
		return nil, err
	}
	wk := pf.Message != nil && pf.Message.Desc.ParentFile().Package() == "google.protobuf"
	switch {
	case d.IsMap():
		if d.MapKey().Kind() != protoreflect.StringKind {
			return nil, fmt.Errorf("a map's key is a string")
		}
		f.shape, f.target, f.fbs = mapping, string(pf.Message.Desc.FullName()), "["+fbsName(pf.Message.Desc)+"]"
	case d.IsList() && (wk || d.Kind() == protoreflect.BytesKind):
		return nil, fmt.Errorf("no list of %s", element)
	case d.IsList() && pf.Message != nil:
		f.shape, f.target, f.fbs = tableList, string(pf.Message.Desc.FullName()), "["+element+"]"
	case d.IsList() && d.Kind() == protoreflect.StringKind:
		f.shape, f.fbs = textList, "[string]"
	case d.IsList():
		f.shape, f.fbs = scalarList, "["+element+"]"
	case wk && pf.Message.Desc.Name() == "Timestamp":
		f.shape, f.fbs = micros, "long = null"
	case wk && strings.HasSuffix(string(pf.Message.Desc.Name()), "Value") && len(pf.Message.Fields) == 1:
		inner, err := readField(pf.Message.Fields[0])
		if err != nil {
			return nil, err
		}
		f.wrapper = true
		f.shape, f.fbs = withPresence(inner.shape, inner.fbs)
	case pf.Message != nil:
		f.shape, f.target, f.fbs = table, string(pf.Message.Desc.FullName()), element
	default:
		switch d.Kind() {
		case protoreflect.StringKind:
			f.shape = text
		case protoreflect.BytesKind:
			f.shape = blob
		}
		f.fbs = element
		if d.HasPresence() {
			f.shape, f.fbs = withPresence(f.shape, f.fbs)
		}
	}
	if d.ContainingOneof() != nil && (f.wrapper || f.shape == micros) {
		return nil, fmt.Errorf("no wrapper or Timestamp in a oneof")
	}
	return f, nil
}

func withPresence(s shape, fbs string) (shape, string) {
	switch s {
	case text:
		return optText, fbs
	case blob:
		return optBlob, fbs
	}
	return optional, fbs + " = null"
}

// elementType is the schema's name for the type of a value or list element.
func elementType(pf *protogen.Field) (string, error) {
	switch pf.Desc.Kind() {
	case protoreflect.BoolKind:
		return "bool", nil
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return "int", nil
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return "uint", nil
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return "long", nil
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return "ulong", nil
	case protoreflect.FloatKind:
		return "float", nil
	case protoreflect.DoubleKind:
		return "double", nil
	case protoreflect.StringKind:
		return "string", nil
	case protoreflect.BytesKind:
		return "[ubyte]", nil
	case protoreflect.EnumKind:
		return fbsName(pf.Enum.Desc), nil
	case protoreflect.MessageKind:
		return fbsName(pf.Message.Desc), nil
	}
	return "", fmt.Errorf("no place for a %s", pf.Desc.Kind())
}

// fbsName is a message's or enum's name in the schema: its package, then its own names joined by '_', because
// FlatBuffers knows no types within types.
func fbsName(d protoreflect.Descriptor) string {
	pkg := string(d.ParentFile().Package())
	own := strings.TrimPrefix(string(d.FullName()), pkg+".")
	return pkg + "." + strings.ReplaceAll(own, ".", "_")
}
