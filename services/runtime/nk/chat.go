package nk

import (
	"context"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	"github.com/heroiclabs/nakama-common/runtime"

	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/chat"
	"github.com/skirmishgg/skirmish/services/presence"
)

// ChannelIdBuild names the channel of a room, of the sender and another user, or of a group. Those must exist.
func (m *Module) ChannelIdBuild(ctx context.Context, senderID, target string, kind runtime.ChannelType) (string, error) {
	sender, err := parseOptional(senderID, "sender id")
	if err != nil {
		return "", err
	}
	if kind < runtime.Room || kind > runtime.Group {
		return "", words[chat.ErrType]
	}
	st, err := chat.Target(sender, rtapi.ChannelJoin_Type(kind), target)
	if err == nil {
		err = m.c.Chat.Check(ctx, st)
	}
	if err != nil {
		return "", told(err)
	}
	return st.ID(), nil
}

// ChannelMessageSend says something to the members of a channel; with persist its history has it too. The sender need not
// be a member; "": the system is.
func (m *Module) ChannelMessageSend(ctx context.Context, channelID string, content map[string]any, senderID, senderUsername string, persist bool) (*rtapi.ChannelMessageAck, error) {
	st, from, text, err := said(channelID, content, senderID, senderUsername)
	if err != nil {
		return nil, err
	}
	return acked(m.c.Chat.Send(ctx, st, from, text, persist))
}

func (m *Module) ChannelMessageUpdate(ctx context.Context, channelID, messageID string, content map[string]any, senderID, senderUsername string, persist bool) (*rtapi.ChannelMessageAck, error) {
	msg, err := id.Parse(messageID)
	if err != nil {
		return nil, errMessage
	}
	st, from, text, err := said(channelID, content, senderID, senderUsername)
	if err != nil {
		return nil, err
	}
	return acked(m.c.Chat.Update(ctx, st, from, msg, text, persist))
}

func (m *Module) ChannelMessageRemove(ctx context.Context, channelID, messageID string, senderID, senderUsername string, persist bool) (*rtapi.ChannelMessageAck, error) {
	msg, err := id.Parse(messageID)
	if err != nil {
		return nil, errMessage
	}
	st, from, _, err := said(channelID, nil, senderID, senderUsername)
	if err != nil {
		return nil, err
	}
	return acked(m.c.Chat.Remove(ctx, st, from, msg, persist))
}

// said is who says what, and where.
func said(channelID string, content map[string]any, senderID, senderUsername string) (st presence.Stream, from chat.Author, text string, err error) {
	st, ok := chat.Parse(channelID)
	if !ok {
		return st, from, "", runtime.ErrChannelIDInvalid
	}
	from.Username = senderUsername
	if from.UserID, err = parseOptional(senderID, "sender id"); err != nil {
		return st, from, "", err
	}
	object, err := jsonOf(content, "content")
	return st, from, string(object), err
}

func acked(m *api.ChannelMessage, err error) (*rtapi.ChannelMessageAck, error) {
	return chat.Ack(m), told(err)
}

func (m *Module) ChannelMessagesList(ctx context.Context, channelID string, limit int, forward bool, cursor string) (messages []*api.ChannelMessage, next, prev string, err error) {
	st, ok := chat.Parse(channelID)
	if !ok {
		return nil, "", "", runtime.ErrChannelIDInvalid
	}
	if err := limited(limit, 1, 100); err != nil {
		return nil, "", "", err
	}
	page, err := m.c.Chat.List(ctx, st, limit, forward, cursor)
	if err != nil {
		return nil, "", "", told(err)
	}
	messages = make([]*api.ChannelMessage, len(page.Messages))
	for i, row := range page.Messages {
		messages[i] = chat.Listed(st, row)
	}
	return messages, page.Next, page.Prev, nil
}
