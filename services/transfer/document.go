package transfer

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Document is an account as it was exported.
type Document struct {
	Account       *api.Account
	Objects       []*api.StorageObject
	Friends       []*api.Friend
	Groups        []*api.Group
	Messages      []*api.ChannelMessage
	Records       []*api.LeaderboardRecord
	Notifications []*api.Notification
	Ledger        []*ledgerLine
}

// ledgerLine is a line of the wallet's ledger. nakama-common has no message for it.
type ledgerLine struct {
	ID         string  `json:"id,omitempty"`
	UserID     string  `json:"user_id,omitempty"`
	Changeset  string  `json:"changeset,omitempty"`
	Metadata   string  `json:"metadata,omitempty"`
	CreateTime *moment `json:"create_time,omitempty"`
	UpdateTime *moment `json:"update_time,omitempty"`
}

// moment is a time that is written as RFC 3339 has it, and read like every time of a document.
type moment struct{ time.Time }

func (m *moment) MarshalJSON() ([]byte, error) { return json.Marshal(m.UTC().Format(time.RFC3339Nano)) }

// Parse reads a document in either of the forms that are about:
//
//	                what Export writes        what Go writes of the same messages
//	a time          "2026-03-01T12:00:00Z"    {"seconds": 1772366400, "nanos": 0}
//	64 bits         "12"                      12
//	a wrapped value 3                         {"value": 3}
//
// Names may be in snake or camel case; members that are not known are passed over.
// Errors: ErrDocument.
func Parse(text []byte) (*Document, error) {
	members, err := decode(text)
	if err != nil {
		return nil, ErrDocument
	}
	d := &Document{Account: &api.Account{}}
	for _, name := range inOrder(members) {
		if err := d.read(snake(name), members[name]); err != nil {
			return nil, ErrDocument
		}
	}
	if d.Account.User == nil {
		return nil, ErrDocument
	}
	return d, nil
}

// inOrder are the names of members, so that of two for one thing the same one wins every time.
func inOrder(members map[string]any) []string { return slices.Sorted(maps.Keys(members)) }

func decode(text []byte) (members map[string]any, err error) {
	in := json.NewDecoder(bytes.NewReader(text))
	in.UseNumber() // 64 bits keep their digits
	if err := in.Decode(&members); err != nil {
		return nil, err
	}
	if _, err := in.Token(); !errors.Is(err, io.EOF) {
		return nil, errForm // text after the document
	}
	return members, nil
}

var errForm = errors.New("not of the form of a document")

func (d *Document) read(name string, value any) (err error) {
	switch name {
	case "account":
		err = readMessage(value, d.Account)
	case "objects":
		d.Objects, err = readList(value, message[api.StorageObject])
	case "friends":
		d.Friends, err = readList(value, message[api.Friend])
	case "groups":
		d.Groups, err = readList(value, message[api.Group])
	case "messages":
		d.Messages, err = readList(value, message[api.ChannelMessage])
	case "leaderboard_records":
		d.Records, err = readList(value, message[api.LeaderboardRecord])
	case "notifications":
		d.Notifications, err = readList(value, message[api.Notification])
	case "wallet_ledgers":
		d.Ledger, err = readList(value, readLine)
	}
	return err
}

func readList[T any](value any, read func(any) (*T, error)) ([]*T, error) {
	if value == nil {
		return nil, nil
	}
	items, ok := value.([]any)
	if !ok {
		return nil, errForm
	}
	list := make([]*T, len(items))
	for i, item := range items {
		var err error
		if list[i], err = read(item); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// message reads an item of a list.
func message[T any, P interface {
	*T
	proto.Message
}](value any) (*T, error) {
	m := new(T)
	return m, readMessage(value, P(m))
}

func readMessage(value any, m proto.Message) error {
	if _, ok := value.(map[string]any); !ok {
		return errForm
	}
	normal, err := normalise(m.ProtoReflect().Descriptor(), value)
	if err != nil {
		return err
	}
	text, err := json.Marshal(normal)
	if err != nil {
		return err
	}
	return protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(text, m)
}

// normalise is a message's value in the form that protojson reads.
func normalise(d protoreflect.MessageDescriptor, value any) (any, error) {
	members, ok := value.(map[string]any)
	if !ok {
		return value, nil
	}
	switch {
	case d.FullName() == "google.protobuf.Timestamp":
		t, err := timeOf(members)
		if err != nil {
			return nil, err
		}
		return t.Format(time.RFC3339Nano), nil
	case isWrapper(d):
		if inner, ok := members["value"]; ok {
			return inner, nil
		}
		return zeroOf(d.Fields().ByName("value")), nil // Go leaves it out
	}
	for name, member := range members {
		f := d.Fields().ByJSONName(name)
		if f == nil {
			f = d.Fields().ByTextName(name)
		}
		if f == nil || f.Message() == nil || f.IsMap() {
			continue
		}
		if list, ok := member.([]any); ok && f.IsList() {
			for i := range list {
				var err error
				if list[i], err = normalise(f.Message(), list[i]); err != nil {
					return nil, err
				}
			}
			continue
		}
		var err error
		if members[name], err = normalise(f.Message(), member); err != nil {
			return nil, err
		}
	}
	return members, nil
}

func isWrapper(d protoreflect.MessageDescriptor) bool {
	return d.ParentFile().Path() == "google/protobuf/wrappers.proto"
}

func zeroOf(f protoreflect.FieldDescriptor) any {
	switch f.Kind() {
	case protoreflect.BoolKind:
		return false
	case protoreflect.StringKind, protoreflect.BytesKind:
		return ""
	}
	return json.Number("0")
}

// timeOf reads {"seconds": n, "nanos": n}.
func timeOf(members map[string]any) (time.Time, error) {
	var parts [2]int64
	for i, name := range []string{"seconds", "nanos"} {
		switch n := members[name].(type) {
		case nil:
		case json.Number:
			var err error
			if parts[i], err = n.Int64(); err != nil {
				return time.Time{}, err
			}
		case string:
			var err error
			if parts[i], err = json.Number(n).Int64(); err != nil {
				return time.Time{}, err
			}
		default:
			return time.Time{}, errForm
		}
	}
	seconds, nanos := parts[0], parts[1]
	if seconds < timeMin.Unix() || seconds > timeMax.Unix() || nanos < 0 || nanos >= int64(time.Second) {
		return time.Time{}, errForm
	}
	return time.Unix(seconds, nanos).UTC(), nil
}

func readLine(value any) (*ledgerLine, error) {
	members, ok := value.(map[string]any)
	if !ok {
		return nil, errForm
	}
	l := &ledgerLine{}
	for _, name := range inOrder(members) {
		if err := l.read(snake(name), members[name]); err != nil {
			return nil, err
		}
	}
	return l, nil
}

func (l *ledgerLine) read(name string, value any) (err error) {
	switch name {
	case "id":
		l.ID, err = readText(value)
	case "user_id":
		l.UserID, err = readText(value)
	case "changeset":
		l.Changeset, err = readText(value)
	case "metadata":
		l.Metadata, err = readText(value)
	case "create_time":
		l.CreateTime, err = readMoment(value)
	case "update_time":
		l.UpdateTime, err = readMoment(value)
	}
	return err
}

func readText(value any) (string, error) {
	switch v := value.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	}
	return "", errForm
}

func readMoment(value any) (*moment, error) {
	switch v := value.(type) {
	case nil:
		return nil, nil
	case map[string]any:
		t, err := timeOf(v)
		return &moment{t}, err
	case string:
		t, err := time.Parse(time.RFC3339Nano, v)
		return &moment{t.UTC()}, err
	}
	return nil, errForm
}

// snake is a name of a member in snake case.
func snake(name string) string {
	if !strings.ContainsFunc(name, unicode.IsUpper) {
		return name
	}
	var b strings.Builder
	for _, r := range name {
		if 'A' <= r && r <= 'Z' {
			b.WriteByte('_')
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}
