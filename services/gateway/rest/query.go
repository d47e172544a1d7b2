package rest

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/skirmishgg/skirmish/protocol/errs"
)

// table finds the fields of a message by the names a query may use: as in the .proto, or in lowerCamelCase.
type table struct {
	fields map[string]*field
}

type field struct {
	desc  protoreflect.FieldDescriptor
	index int  // within its message, for set
	bound bool // the path or the body has it; the query's is ignored
	parse func(text string) (protoreflect.Value, error)
	sub   *table // of a message's own fields: "limit.value=5"
}

// queryTable compiles a request's table.
func queryTable(request protoreflect.MessageDescriptor, bound map[protoreflect.FieldDescriptor]bool) *table {
	t := tableOf(request, map[protoreflect.FullName]*table{})
	for _, f := range t.fields {
		f.bound = bound[f.desc]
	}
	return t
}

func tableOf(m protoreflect.MessageDescriptor, known map[protoreflect.FullName]*table) *table {
	if t := known[m.FullName()]; t != nil {
		return t
	}
	t := &table{fields: map[string]*field{}}
	known[m.FullName()] = t
	for i := range m.Fields().Len() {
		desc := m.Fields().Get(i)
		f := &field{desc: desc, index: i, parse: parser(desc)}
		if desc.Message() != nil && !desc.IsList() && !desc.IsMap() {
			f.sub = tableOf(desc.Message(), known)
		}
		t.fields[string(desc.Name())], t.fields[desc.JSONName()] = f, f
	}
	return t
}

// bind sets what the query says. Unknown keys are ignored. Refusals are InvalidArgument with the texts clients know.
func (t *table) bind(m protoreflect.Message, query string) *errs.Error {
	b := binding{root: t, query: query}
	for key, value := range pairs(query, &b.malformed) {
		if err := b.set(m, key, value); err != nil {
			return errs.New(errs.InvalidArgument, err.Error())
		}
	}
	if b.malformed != nil {
		return errs.New(errs.InvalidArgument, b.malformed.Error())
	}
	return nil
}

// binding is one run of bind.
type binding struct {
	root      *table
	query     string
	malformed error
	seen      uint64          // fields of root with a value, by index
	seenDeep  map[string]bool // "limit.value" and the fields of root from 64 on
}

func (b *binding) set(m protoreflect.Message, key, value string) error {
	var inner string
	var hasInner bool
	// "key[inner]=value" stands for the two values inner and value; only maps make sense of it.
	if open := strings.LastIndexByte(key, '['); open >= 0 && strings.HasSuffix(key, "]") {
		key, inner, hasInner = key[:open], key[open+1:len(key)-1], true
	}
	f, m, err := b.lookup(m, key)
	if f == nil || err != nil {
		return err
	}
	name := f.desc.Name()
	switch {
	case f.desc.IsMap():
		if !hasInner {
			return fmt.Errorf("more than one value provided for key %q in map %q", value, f.desc.FullName())
		}
		return setPair(m, f.desc, inner, value)
	case f.desc.IsList():
		if hasInner {
			if err := appendTo(m, f, inner); err != nil {
				return err
			}
		}
		return appendTo(m, f, value)
	case hasInner:
		return fmt.Errorf("too many values for field %q: %s, %s", name, inner, value)
	case b.again(f, key):
		return fmt.Errorf("too many values for field %q: %s", name, strings.Join(b.all(f), ", "))
	}
	v, err := f.parse(value)
	if err != nil {
		return fmt.Errorf("parsing field %q: %w", name, err)
	}
	m.Set(f.desc, v)
	return nil
}

// lookup follows a dotted key to its field and the message that holds it; no field: the key is nobody's.
func (b *binding) lookup(m protoreflect.Message, key string) (*field, protoreflect.Message, error) {
	if f := b.root.fields[key]; f != nil {
		if f.bound {
			return nil, m, nil
		}
		return f, m, nil
	}
	for t := b.root; ; {
		name, rest, more := strings.Cut(key, ".")
		f := t.fields[name]
		switch {
		case f == nil || f.bound:
			return nil, m, nil
		case !more:
			return f, m, nil
		case f.sub == nil:
			return nil, m, fmt.Errorf("invalid path: %q is not a message", name)
		}
		m, t, key = m.Mutable(f.desc).Message(), f.sub, rest
	}
}

// again notes that f has a value, and reports whether it had one.
func (b *binding) again(f *field, key string) bool {
	if b.root.fields[key] == f && f.index < 64 {
		bit := uint64(1) << f.index
		had := b.seen&bit != 0
		b.seen |= bit
		return had
	}
	if b.seenDeep == nil {
		b.seenDeep = map[string]bool{}
	}
	had := b.seenDeep[key]
	b.seenDeep[key] = true
	return had
}

// all are the values the query has for f, for the text of a refusal.
func (b *binding) all(f *field) (texts []string) {
	var ignored error
	for key, value := range pairs(b.query, &ignored) {
		last := key[strings.LastIndexByte(key, '.')+1:]
		if last == string(f.desc.Name()) || last == f.desc.JSONName() {
			texts = append(texts, value)
		}
	}
	return texts
}

func appendTo(m protoreflect.Message, f *field, text string) error {
	v, err := f.parse(text)
	if err != nil {
		return fmt.Errorf("parsing list %q: %w", f.desc.Name(), err)
	}
	m.Mutable(f.desc).List().Append(v)
	return nil
}

func setPair(m protoreflect.Message, desc protoreflect.FieldDescriptor, key, value string) error {
	k, err := parser(desc.MapKey())(key)
	if err != nil {
		return fmt.Errorf("parsing map key %q: %w", desc.Name(), err)
	}
	v, err := parser(desc.MapValue())(value)
	if err != nil {
		return fmt.Errorf("parsing map value %q: %w", desc.Name(), err)
	}
	m.Mutable(desc).Map().Set(k.MapKey(), v)
	return nil
}

// pairs yields the keys and values of a query in their order. What is malformed is skipped and noted once.
func pairs(query string, malformed *error) func(yield func(key, value string) bool) {
	note := func(err error) {
		if *malformed == nil {
			*malformed = err
		}
	}
	return func(yield func(key, value string) bool) {
		for query != "" {
			var pair string
			pair, query, _ = strings.Cut(query, "&")
			if strings.Contains(pair, ";") {
				note(errors.New("invalid semicolon separator in query"))
				continue
			}
			if pair == "" {
				continue
			}
			key, value, _ := strings.Cut(pair, "=")
			key, err := url.QueryUnescape(key)
			if err != nil {
				note(err)
				continue
			}
			if value, err = url.QueryUnescape(value); err != nil {
				note(err)
				continue
			}
			if !yield(key, value) {
				return
			}
		}
	}
}

var errNotUTF8 = errors.New("invalid UTF-8")

// parser reads one value of a field, an element when it is a list.
func parser(desc protoreflect.FieldDescriptor) func(text string) (protoreflect.Value, error) {
	switch desc.Kind() {
	case protoreflect.BoolKind:
		return boolean
	case protoreflect.EnumKind:
		return enum(desc.Enum())
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return int32Value
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return int64Value
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return uint32Value
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return uint64Value
	case protoreflect.FloatKind:
		return float32Value
	case protoreflect.DoubleKind:
		return float64Value
	case protoreflect.StringKind:
		return str
	case protoreflect.BytesKind:
		return bytesValue
	}
	return messageParser(desc.Message())
}

func messageParser(m protoreflect.MessageDescriptor) func(text string) (protoreflect.Value, error) {
	switch m.FullName() {
	case "google.protobuf.Timestamp":
		return wrap(timestamp, func(t *timestamppb.Timestamp) proto.Message { return t })
	case "google.protobuf.Duration":
		return wrap(time.ParseDuration, func(d time.Duration) proto.Message { return durationpb.New(d) })
	case "google.protobuf.BoolValue":
		return wrapped(boolean, func(v protoreflect.Value) proto.Message { return wrapperspb.Bool(v.Bool()) })
	case "google.protobuf.Int32Value":
		return wrapped(int32Value, func(v protoreflect.Value) proto.Message { return wrapperspb.Int32(int32(v.Int())) })
	case "google.protobuf.Int64Value":
		return wrapped(int64Value, func(v protoreflect.Value) proto.Message { return wrapperspb.Int64(v.Int()) })
	case "google.protobuf.UInt32Value":
		return wrapped(uint32Value, func(v protoreflect.Value) proto.Message { return wrapperspb.UInt32(uint32(v.Uint())) })
	case "google.protobuf.UInt64Value":
		return wrapped(uint64Value, func(v protoreflect.Value) proto.Message { return wrapperspb.UInt64(v.Uint()) })
	case "google.protobuf.FloatValue":
		return wrapped(float32Value, func(v protoreflect.Value) proto.Message { return wrapperspb.Float(float32(v.Float())) })
	case "google.protobuf.DoubleValue":
		return wrapped(float64Value, func(v protoreflect.Value) proto.Message { return wrapperspb.Double(v.Float()) })
	case "google.protobuf.StringValue":
		return wrapped(str, func(v protoreflect.Value) proto.Message { return wrapperspb.String(v.String()) })
	case "google.protobuf.BytesValue":
		return wrapped(bytesValue, func(v protoreflect.Value) proto.Message { return wrapperspb.Bytes(v.Bytes()) })
	}
	name := m.FullName()
	return func(string) (protoreflect.Value, error) {
		return protoreflect.Value{}, fmt.Errorf("unsupported message type: %q", name)
	}
}

func wrapped(parse func(string) (protoreflect.Value, error), message func(protoreflect.Value) proto.Message) func(string) (protoreflect.Value, error) {
	return wrap(parse, message)
}

func wrap[T any](parse func(string) (T, error), message func(T) proto.Message) func(string) (protoreflect.Value, error) {
	return func(text string) (protoreflect.Value, error) {
		v, err := parse(text)
		if err != nil {
			return protoreflect.Value{}, err
		}
		return protoreflect.ValueOfMessage(message(v).ProtoReflect()), nil
	}
}

func timestamp(text string) (*timestamppb.Timestamp, error) {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return nil, err
	}
	stamp := timestamppb.New(t)
	if !stamp.IsValid() {
		return nil, fmt.Errorf("%s before 0001-01-01", text)
	}
	return stamp, nil
}

func boolean(text string) (protoreflect.Value, error) {
	v, err := strconv.ParseBool(text)
	return protoreflect.ValueOfBool(v), err
}

func int32Value(text string) (protoreflect.Value, error) {
	v, err := strconv.ParseInt(text, 10, 32)
	return protoreflect.ValueOfInt32(int32(v)), err
}

func int64Value(text string) (protoreflect.Value, error) {
	v, err := strconv.ParseInt(text, 10, 64)
	return protoreflect.ValueOfInt64(v), err
}

func uint32Value(text string) (protoreflect.Value, error) {
	v, err := strconv.ParseUint(text, 10, 32)
	return protoreflect.ValueOfUint32(uint32(v)), err
}

func uint64Value(text string) (protoreflect.Value, error) {
	v, err := strconv.ParseUint(text, 10, 64)
	return protoreflect.ValueOfUint64(v), err
}

func float32Value(text string) (protoreflect.Value, error) {
	v, err := strconv.ParseFloat(text, 32)
	return protoreflect.ValueOfFloat32(float32(v)), err
}

func float64Value(text string) (protoreflect.Value, error) {
	v, err := strconv.ParseFloat(text, 64)
	return protoreflect.ValueOfFloat64(v), err
}

func str(text string) (protoreflect.Value, error) {
	if !utf8.ValidString(text) {
		return protoreflect.Value{}, errNotUTF8
	}
	return protoreflect.ValueOfString(text), nil
}

func bytesValue(text string) (protoreflect.Value, error) {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		b, err = base64.URLEncoding.DecodeString(text)
	}
	return protoreflect.ValueOfBytes(b), err
}

// enum takes the exact name or a number that the enum has.
func enum(desc protoreflect.EnumDescriptor) func(text string) (protoreflect.Value, error) {
	return func(text string) (protoreflect.Value, error) {
		v := desc.Values().ByName(protoreflect.Name(text))
		if v == nil {
			if n, err := strconv.ParseInt(text, 10, 32); err == nil {
				v = desc.Values().ByNumber(protoreflect.EnumNumber(n))
			}
		}
		if v == nil {
			return protoreflect.Value{}, fmt.Errorf("%q is not a valid value", text)
		}
		return protoreflect.ValueOfEnum(v.Number()), nil
	}
}
