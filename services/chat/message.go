package chat

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/codec"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/presence"
)

// Refusals of messages.
var (
	ErrContent     = errs.New(errs.InvalidArgument, "Message content must be a valid JSON object")
	ErrContentText = errs.New(errs.InvalidArgument, "Message content cannot be stored: it holds a NUL character, half of a surrogate pair, or a number out of range")
	ErrUpdateNone  = errs.New(errs.InvalidArgument, "Could not find message to update in channel history")
	ErrRemoveNone  = errs.New(errs.InvalidArgument, "Could not find message to remove in channel history")
	errSendStore   = errs.New(errs.Internal, "Could not persist message to channel history")
	errUpdateStore = errs.New(errs.Internal, "Could not persist message update to channel history")
	errRemoveStore = errs.New(errs.Internal, "Could not persist message remove to channel history")
)

// noContent is what messages say that are not about their text.
const noContent = "{}"

// message is one on its way to the members of its channel.
type message struct {
	channel          presence.Stream
	id               id.UUID
	code             int32
	from             Author
	content          string
	created, updated time.Time // whole nanoseconds
	kept             bool
}

// Send says something in a channel; kept tells whether the history has it too. A batch's functions have one time, so the
// message brings its own: the history has messages in the order in which they were sent.
// Errors: ErrContent, ErrContentText.
func (s *Service) Send(ctx context.Context, st presence.Stream, from Author, content string, kept bool) (*api.ChannelMessage, error) {
	if err := checkContent(content, kept); err != nil {
		return nil, err
	}
	now := s.c.Now()
	m := &message{channel: st, id: newID(), code: CodeChat, from: from, content: content, created: now, updated: now, kept: kept}
	if kept {
		row := m.row()
		// What is said in a channel at the same time is kept at the same time: its members then get all of it in one piece.
		near := []store.Ref{store.Near(st.ID())}
		err := s.c.DB.Write(ctx, near, func(tx store.Tx) error { return store.Put(tx, schema.Messages, row) })
		if err != nil {
			return nil, errs.Or(err, errSendStore)
		}
	}
	return s.broadcast(m), nil
}

// Update replaces what an author said. The message is looked for by id and author only; without kept it is not looked
// for at all.
// Errors: ErrContent, ErrContentText, ErrUpdateNone.
func (s *Service) Update(ctx context.Context, st presence.Stream, from Author, msg id.UUID, content string, kept bool) (*api.ChannelMessage, error) {
	if err := checkContent(content, kept); err != nil {
		return nil, err
	}
	now := s.c.Now()
	m := &message{channel: st, id: msg, code: CodeUpdate, from: from, content: content, created: now, updated: now, kept: kept}
	if kept {
		err := s.change(ctx, m, ErrUpdateNone, func(tx store.Tx, row *schema.Message) error {
			row.Content, row.Username, row.UpdateTime = store.JSON(content), from.Username, now
			return store.Put(tx, schema.Messages, row)
		})
		if err != nil {
			return nil, errs.Or(err, errUpdateStore)
		}
	}
	return s.broadcast(m), nil
}

// Remove takes back what an author said; what Update says of msg and kept holds here too.
// Errors: ErrRemoveNone.
func (s *Service) Remove(ctx context.Context, st presence.Stream, from Author, msg id.UUID, kept bool) (*api.ChannelMessage, error) {
	now := s.c.Now()
	m := &message{channel: st, id: msg, code: CodeRemove, from: from, content: noContent, created: now, updated: now, kept: kept}
	if kept {
		err := s.change(ctx, m, ErrRemoveNone, func(tx store.Tx, row *schema.Message) error {
			return store.Delete(tx, schema.Messages, row.ID)
		})
		if err != nil {
			return nil, errs.Or(err, errRemoveStore)
		}
	}
	return s.broadcast(m), nil
}

// change finds the stored message and changes it; m learns when it was created.
func (s *Service) change(ctx context.Context, m *message, none error, f func(store.Tx, *schema.Message) error) error {
	var created time.Time
	err := s.c.DB.Write(ctx, []store.Ref{schema.Messages.Ref(m.id)}, func(tx store.Tx) error {
		row, ok, err := store.Get(tx, schema.Messages, m.id)
		if err != nil {
			return err
		}
		if !ok || row.SenderID != m.from.UserID {
			return none
		}
		created = row.CreateTime
		return f(tx, row)
	})
	m.created = created
	return err
}

// checkContent holds a message's text against the rules: a JSON object, and if it is to be kept, one that a store can keep.
func checkContent(content string, kept bool) error {
	if !strings.HasPrefix(strings.TrimLeft(content, " \t\r\n"), "{") {
		return ErrContent
	}
	if !kept {
		if !json.Valid([]byte(content)) {
			return ErrContent
		}
		return nil
	}
	_, err := store.Normalise(store.JSON(content))
	switch {
	case errors.Is(err, store.ErrNotJSON):
		return ErrContent
	case err != nil:
		return ErrContentText
	}
	return nil
}

func newID() id.UUID {
	u, _ := id.NewV4(rand.Reader) // crypto/rand does not fail
	return u
}

// row is the message as the history keeps it.
func (m *message) row() *schema.Message {
	return &schema.Message{
		ID: m.id, Code: int16(m.code), SenderID: m.from.UserID, Username: m.from.Username,
		StreamMode: int16(m.channel.Mode), StreamSubject: m.channel.Subject, StreamDescriptor: m.channel.Subcontext, StreamLabel: m.channel.Label,
		Content: store.JSON(m.content), CreateTime: m.created, UpdateTime: m.updated,
	}
}

// broadcast sends the message to every member of its channel, the author's sessions included.
func (s *Service) broadcast(m *message) *api.ChannelMessage {
	out := m.message()
	s.c.Presence.Send(m.channel, codec.Share(&rtapi.Envelope{Message: &rtapi.Envelope_ChannelMessage{ChannelMessage: out}}))
	return out
}

func (m *message) message() *api.ChannelMessage {
	out := &api.ChannelMessage{
		ChannelId: m.channel.ID(), MessageId: m.id.String(), Code: wrapperspb.Int32(m.code), SenderId: m.from.UserID.String(), Username: m.from.Username,
		Content: m.content, CreateTime: timestamppb.New(m.created), UpdateTime: timestamppb.New(m.updated), Persistent: wrapperspb.Bool(m.kept),
	}
	out.RoomName, out.GroupId, out.UserIdOne, out.UserIdTwo = m.channel.ChannelFields()
	return out
}

// Notice tells a group's channel what happened to a member.
type Notice struct{ m *message }

// NewNotice makes one about a user, outside of any write function: it draws an id and reads the clock.
func (s *Service) NewNotice(group id.UUID, code int32, user id.UUID) *Notice {
	now := s.c.Now()
	return &Notice{&message{channel: Group(group), id: newID(), code: code, from: Author{UserID: user}, content: noContent, created: now, updated: now, kept: true}}
}

// Put keeps a notice as part of a larger change, with the user's name. The history has the times of notices in whole
// seconds.
func (n *Notice) Put(tx store.Tx, username string) error {
	n.m.from.Username = username
	row := n.m.row()
	row.CreateTime, row.UpdateTime = row.CreateTime.Truncate(time.Second), row.UpdateTime.Truncate(time.Second)
	return store.Put(tx, schema.Messages, row)
}

// Deliver sends notices to the channels, when the write that Put them has returned.
func (s *Service) Deliver(list ...*Notice) {
	for _, n := range list {
		s.broadcast(n.m)
	}
}
