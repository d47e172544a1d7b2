package chat

import (
	"context"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/presence"
	"github.com/skirmishgg/skirmish/services/session"
)

// Refusals of requests.
var (
	ErrTarget      = errs.New(errs.InvalidArgument, "Invalid channel target")
	ErrType        = errs.New(errs.InvalidArgument, "Invalid channel type")
	ErrDirectID    = errs.New(errs.InvalidArgument, "Invalid user ID in direct message join: Invalid channel target")
	ErrGroupID     = errs.New(errs.InvalidArgument, "Invalid group ID in group channel join: Invalid channel target")
	ErrChannel     = errs.New(errs.InvalidArgument, "Invalid channel identifier")
	ErrMessage     = errs.New(errs.InvalidArgument, "Invalid message identifier")
	ErrSendJoin    = errs.New(errs.InvalidArgument, "Must join channel before sending messages")
	ErrUpdateJoin  = errs.New(errs.InvalidArgument, "Must join channel before updating messages")
	ErrRemoveJoin  = errs.New(errs.InvalidArgument, "Must join channel before removing messages")
	ErrListChannel = errs.New(errs.InvalidArgument, "Invalid channel ID.")
	ErrLimit       = errs.New(errs.InvalidArgument, "Invalid limit - limit must be between 1 and 100.")
	errListing     = errs.New(errs.Internal, "Error listing messages from channel.")
)

// Register adds the chat operations to the catalogue.
func (s *Service) Register(r *op.Registry) {
	op.Add(r, op.Spec{Name: "ListChannelMessages", ID: 44, HTTP: []string{"GET /v2/channel/{channel_id}"}, Auth: op.Session}, s.listMessages)
	op.Add(r, op.Spec{Name: "ChannelJoin", ID: 103, RT: "channel_join", Auth: op.Session}, s.channelJoin)
	op.Add(r, op.Spec{Name: "ChannelLeave", ID: 104, RT: "channel_leave", Auth: op.Session}, s.channelLeave)
	op.Add(r, op.Spec{Name: "ChannelMessageSend", ID: 107, RT: "channel_message_send", Auth: op.Session}, s.messageSend)
	op.Add(r, op.Spec{Name: "ChannelMessageUpdate", ID: 108, RT: "channel_message_update", Auth: op.Session}, s.messageUpdate)
	op.Add(r, op.Spec{Name: "ChannelMessageRemove", ID: 109, RT: "channel_message_remove", Auth: op.Session}, s.messageRemove)
	op.AddPush[rtapi.Channel](r, "channel", 102)
	op.AddPush[api.ChannelMessage](r, "channel_message", 105)
	op.AddPush[rtapi.ChannelMessageAck](r, "channel_message_ack", 106)
	op.AddPush[rtapi.ChannelPresenceEvent](r, "channel_presence_event", 110)
}

func (s *Service) channelJoin(ctx context.Context, c op.Caller, in *rtapi.ChannelJoin) (*rtapi.Channel, error) {
	st, err := Target(c.UserID, rtapi.ChannelJoin_Type(in.Type), in.Target)
	if err != nil {
		return nil, err
	}
	conn := s.conn(c)
	if conn == nil {
		return nil, ErrJoin
	}
	return s.Join(ctx, conn, st, presence.Meta{Hidden: in.Hidden.GetValue(), Persistence: in.Persistence == nil || in.Persistence.Value})
}

// Target is the channel that a user means who names a room, another user, or a group.
// Errors: ErrTarget, ErrType, ErrDirectID, ErrGroupID, those of Room.
func Target(user id.UUID, kind rtapi.ChannelJoin_Type, name string) (st presence.Stream, err error) {
	if name == "" {
		return st, ErrTarget
	}
	switch kind {
	case rtapi.ChannelJoin_TYPE_UNSPECIFIED, rtapi.ChannelJoin_ROOM:
		return Room(name)
	case rtapi.ChannelJoin_DIRECT_MESSAGE:
		other, err := id.Parse(name)
		if err != nil || other.IsZero() {
			return st, ErrDirectID
		}
		return Direct(user, other), nil
	case rtapi.ChannelJoin_GROUP:
		group, err := id.Parse(name)
		if err != nil {
			return st, ErrGroupID
		}
		return Group(group), nil
	}
	return st, ErrType
}

func (s *Service) channelLeave(_ context.Context, c op.Caller, in *rtapi.ChannelLeave) (*emptypb.Empty, error) {
	st, ok := Parse(in.ChannelId)
	if !ok {
		return nil, ErrChannel
	}
	if conn := s.conn(c); conn != nil {
		s.Leave(conn, st)
	}
	return &emptypb.Empty{}, nil
}

func (s *Service) messageSend(ctx context.Context, c op.Caller, in *rtapi.ChannelMessageSend) (*rtapi.ChannelMessageAck, error) {
	st, ok := Parse(in.ChannelId)
	if !ok {
		return nil, ErrChannel
	}
	p, err := s.member(c, st, in.Content, ErrSendJoin)
	if err != nil {
		return nil, err
	}
	m, err := s.Send(ctx, st, authorOf(p), in.Content, p.Meta.Persistence)
	return Ack(m), err
}

func (s *Service) messageUpdate(ctx context.Context, c op.Caller, in *rtapi.ChannelMessageUpdate) (*rtapi.ChannelMessageAck, error) {
	msg, st, err := addressed(in)
	if err != nil {
		return nil, err
	}
	p, err := s.member(c, st, in.Content, ErrUpdateJoin)
	if err != nil {
		return nil, err
	}
	m, err := s.Update(ctx, st, authorOf(p), msg, in.Content, p.Meta.Persistence)
	return Ack(m), err
}

func (s *Service) messageRemove(ctx context.Context, c op.Caller, in *rtapi.ChannelMessageRemove) (*rtapi.ChannelMessageAck, error) {
	msg, st, err := addressed(in)
	if err != nil {
		return nil, err
	}
	p, err := s.member(c, st, noContent, ErrRemoveJoin)
	if err != nil {
		return nil, err
	}
	m, err := s.Remove(ctx, st, authorOf(p), msg, p.Meta.Persistence)
	return Ack(m), err
}

// addressed is the message that a change is about, and the channel that is told of it.
func addressed(in interface {
	GetMessageId() string
	GetChannelId() string
}) (id.UUID, presence.Stream, error) {
	msg, err := id.Parse(in.GetMessageId())
	if err != nil {
		return msg, presence.Stream{}, ErrMessage
	}
	st, ok := Parse(in.GetChannelId())
	if !ok {
		return msg, st, ErrChannel
	}
	return msg, st, nil
}

// member is the caller's presence in a channel. Of several mistakes the content is told first.
func (s *Service) member(c op.Caller, st presence.Stream, content string, absent error) (presence.Presence, error) {
	if err := checkContent(content, false); err != nil {
		return presence.Presence{}, err
	}
	if u, err := id.Parse(c.SessionID); err == nil {
		if p, ok := s.c.Presence.Find(st, u); ok {
			return p, nil
		}
	}
	return presence.Presence{}, absent
}

func authorOf(p presence.Presence) Author { return Author{p.Conn.UserID(), p.Conn.Username()} }

// conn is the caller's own connection, on which the call came; nil when it has ended.
func (s *Service) conn(c op.Caller) session.Conn {
	u, err := id.Parse(c.SessionID)
	if err != nil {
		return nil
	}
	return s.c.Live.Find(u)
}

// Ack is what the author gets of a message that all members got.
func Ack(m *api.ChannelMessage) *rtapi.ChannelMessageAck {
	if m == nil {
		return nil
	}
	return &rtapi.ChannelMessageAck{
		ChannelId: m.ChannelId, MessageId: m.MessageId, Code: m.Code, Username: m.Username, CreateTime: m.CreateTime, UpdateTime: m.UpdateTime,
		Persistent: m.Persistent, RoomName: m.RoomName, GroupId: m.GroupId, UserIdOne: m.UserIdOne, UserIdTwo: m.UserIdTwo,
	}
}

func (s *Service) listMessages(ctx context.Context, c op.Caller, in *api.ListChannelMessagesRequest) (*api.ChannelMessageList, error) {
	limit := 1
	if in.Limit != nil {
		if in.Limit.Value < 1 || in.Limit.Value > 100 {
			return nil, ErrLimit
		}
		limit = int(in.Limit.Value)
	}
	st, ok := Parse(in.ChannelId)
	if !ok {
		return nil, ErrListChannel
	}
	if !c.Trusted {
		if err := s.MayRead(ctx, c.UserID, st); err != nil {
			return nil, errs.Or(err, errListing)
		}
	}
	page, err := s.List(ctx, st, limit, in.Forward == nil || in.Forward.Value, in.Cursor)
	if err != nil {
		return nil, errs.Or(err, errListing)
	}
	out := &api.ChannelMessageList{NextCursor: page.Next, PrevCursor: page.Prev, CacheableCursor: page.Newer}
	for _, row := range page.Messages {
		out.Messages = append(out.Messages, Listed(st, row))
	}
	return out, nil
}

// Listed is a message as the history shows it.
func Listed(st presence.Stream, row *schema.Message) *api.ChannelMessage {
	out := &api.ChannelMessage{
		ChannelId: st.ID(), MessageId: row.ID.String(), Code: wrapperspb.Int32(int32(row.Code)), SenderId: row.SenderID.String(), Username: row.Username,
		Content: string(row.Content), CreateTime: timestamppb.New(row.CreateTime), UpdateTime: timestamppb.New(row.UpdateTime), Persistent: wrapperspb.Bool(true),
	}
	out.RoomName, out.GroupId, out.UserIdOne, out.UserIdTwo = st.ChannelFields()
	return out
}
