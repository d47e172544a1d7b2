package bind

import (
	"encoding/json"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	"github.com/heroiclabs/nakama-common/runtime"
)

var notifications = []*Function{
	fn("notification_send", "user_id:uuid subject:text content:object code:int sender:uuid? persistent:bool=false", "", func(c *Call) ([]any, error) {
		if !sendable(c.Int64("code")) {
			return nil, c.Wrong("code", "expects code number to be a positive integer")
		}
		return none(c.NK.NotificationSend(c.Ctx, c.Str("user_id"), c.Str("subject"), c.Object("content"), c.Int("code"), c.Str("sender"), c.Bool("persistent")))
	}),
	fn("notifications_send", "notifications:list", "", func(c *Call) ([]any, error) {
		all, err := each(c, "notifications", func(r *Row) *runtime.NotificationSend {
			n := &runtime.NotificationSend{
				UserID: r.Str("user_id", "uuid"), Subject: r.Str("subject", "text"), Content: r.Object("content", "object"),
				Code: int(r.Int("code", "int")), Sender: r.Str("sender_id", "uuid?"), Persistent: r.Bool("persistent", "bool?"),
			}
			if r.Err == nil && !sendable(int64(n.Code)) {
				r.Err = r.c.Wrong(r.of, "expects code to number above 0")
			}
			return n
		})
		if err != nil {
			return nil, err
		}
		return none(c.NK.NotificationsSend(c.Ctx, all))
	}),
	fn("notification_send_all", "subject:text content:object code:int persistent:bool=false", "", func(c *Call) ([]any, error) {
		if !sendable(c.Int64("code")) {
			return nil, c.Wrong("code", "expects code number to be a positive integer")
		}
		return none(c.NK.NotificationSendAll(c.Ctx, c.Str("subject"), c.Object("content"), c.Int("code"), c.Bool("persistent")))
	}),
	fn("notifications_list", "user_id:uuid limit:int=100 cursor:string=", "notifications cursor", func(c *Call) ([]any, error) {
		if err := c.between("limit", 1, 1000, "expects limit to be 1-1000"); err != nil {
			return nil, err
		}
		all, next, err := c.NK.NotificationsList(c.Ctx, c.Str("user_id"), c.Int("limit"), c.Str("cursor"))
		return page(all, next, err, func(n *api.Notification) *Object {
			return new(Object).Add("id", n.Id).Add("subject", n.Subject).Add("content", n.Content).Add("code", int64(n.Code)).
				AddAs("senderId", n.SenderId).Add("persistent", n.Persistent).AddAs("createTime", unix(n.CreateTime))
		})
	}),
	fn("notifications_delete", "notifications:list", "", func(c *Call) ([]any, error) {
		all, err := each(c, "notifications", func(r *Row) *runtime.NotificationDelete {
			return &runtime.NotificationDelete{UserID: r.Str("user_id", "uuid"), NotificationID: r.Str("notification_id", "uuid")}
		})
		if err != nil {
			return nil, err
		}
		return none(c.NK.NotificationsDelete(c.Ctx, all))
	}),
	fn("notifications_update", "updates:list", "", func(c *Call) ([]any, error) {
		all, err := each(c, "updates", func(r *Row) runtime.NotificationUpdate {
			return runtime.NotificationUpdate{
				Id: r.Str("id", "uuid"), Content: r.Object("content", "object?"), Subject: r.text("subject"), Sender: r.text("sender"),
			}
		})
		if err != nil {
			return nil, err
		}
		return none(c.NK.NotificationsUpdate(c.Ctx, all...))
	}),
	fn("notifications_get_id", "ids_list:uuids! user_id:string=", "notifications", func(c *Call) ([]any, error) {
		all, err := c.NK.NotificationsGetId(c.Ctx, c.Str("user_id"), c.Strings("ids_list"))
		return rows(all, err, c.notification)
	}),
	fn("notifications_delete_id", "ids_list:uuids! user_id:string=", "", func(c *Call) ([]any, error) {
		return none(c.NK.NotificationsDeleteId(c.Ctx, c.Str("user_id"), c.Strings("ids_list")))
	}),
}

// sendable are the codes that modules may use.
func sendable(code int64) bool { return code > 0 || code >= -2000 && code <= -1000 }

// text is a member that is a text when given.
func (r *Row) text(name string) *string {
	if s, ok := r.get(name, "text?").(string); ok {
		return &s
	}
	return nil
}

func (c *Call) notification(n *runtime.Notification) *Object {
	if c.Lang == JavaScript {
		return new(Object).Add("id", n.Id).Add("user_id", n.UserID).Add("subject", n.Subject).Add("persistent", n.Persistent).
			Add("content", n.Content).Add("code", int64(n.Code)).Add("sender", n.Sender).Add("create_time", unix(n.CreateTime))
	}
	return new(Object).Add("code", int64(n.Code)).Add("content", n.Content).AddIf("sender_id", n.Sender).Add("subject", n.Subject).
		Add("user_id", n.UserID).Add("create_time", unix(n.CreateTime)).Add("persistent", n.Persistent)
}

var channels = []*Function{
	fn("channel_id_build", "sender_id:string= target:text type:int", "channel_id", buildChannelID).inJS("sender_id:uuid? target:text type:int"),
	fn("channel_message_send", "channel_id:text content:object? sender_id:uuid? sender_username:string= persist:bool=false", "ack", func(c *Call) ([]any, error) {
		return c.channelAck(c.NK.ChannelMessageSend(c.Ctx, c.Str("channel_id"), c.Object("content"), c.Str("sender_id"), c.Str("sender_username"), c.Bool("persist")))
	}).inJS("channel_id:text content:object? sender_id:uuid? sender_username:string= persist:bool=true"),
	fn("channel_message_update", "channel_id:text message_id:text content:object? sender_id:uuid? sender_username:string= persist:bool=false", "ack", func(c *Call) ([]any, error) {
		return c.channelAck(c.NK.ChannelMessageUpdate(c.Ctx, c.Str("channel_id"), c.Str("message_id"), c.Object("content"), c.Str("sender_id"), c.Str("sender_username"), c.Bool("persist")))
	}).inJS("channel_id:text message_id:text content:object? sender_id:uuid? sender_username:string= persist:bool=true"),
	fn("channel_message_remove", "channel_id:text message_id:text sender_id:uuid? sender_username:string= persist:bool=false", "ack", func(c *Call) ([]any, error) {
		return c.channelAck(c.NK.ChannelMessageRemove(c.Ctx, c.Str("channel_id"), c.Str("message_id"), c.Str("sender_id"), c.Str("sender_username"), c.Bool("persist")))
	}).inJS("channel_id:text message_id:text sender_id:uuid? sender_username:string= persist:bool=true"),
	fn("channel_messages_list", "channel_id:text limit:int=100 forward:bool=true cursor:string=", "messages next_cursor prev_cursor", func(c *Call) ([]any, error) {
		if err := c.between("limit", 1, 100, "expects limit to be 1-100"); err != nil {
			return nil, err
		}
		all, next, prev, err := c.NK.ChannelMessagesList(c.Ctx, c.Str("channel_id"), c.Int("limit"), c.Bool("forward"), c.Str("cursor"))
		return []any{list(all, channelMessage), next, prev}, err
	}),
}

func buildChannelID(c *Call) ([]any, error) {
	if t := c.Int64("type"); t < 1 || t > 3 {
		return nil, c.Wrong("type", "invalid channel type: expects value 1-3")
	}
	return one(c.NK.ChannelIdBuild(c.Ctx, c.Str("sender_id"), c.Str("target"), runtime.ChannelType(c.Int("type"))))
}

// channelAck is in camelCase in both languages, and its wrapped values are objects in JavaScript.
func (c *Call) channelAck(a *rtapi.ChannelMessageAck, err error) ([]any, error) {
	if err != nil {
		return nil, err
	}
	var code, persistent any = int64(a.Code.GetValue()), a.Persistent.GetValue()
	if c.Lang == JavaScript {
		code, persistent = new(Object).AddAs("Value", code), new(Object).AddAs("Value", persistent)
	}
	return []any{new(Object).AddAs("channelId", a.ChannelId).AddAs("messageId", a.MessageId).AddAs("code", code).
		AddAs("username", a.Username).AddAs("createTime", unix(a.CreateTime)).AddAs("updateTime", unix(a.UpdateTime)).
		AddAs("persistent", persistent)}, nil
}

func channelMessage(m *api.ChannelMessage) *Object {
	return new(Object).AddAs("channelId", m.ChannelId).AddAs("messageId", m.MessageId).AddAs("code", int64(m.Code.GetValue())).
		AddAs("senderId", m.SenderId).AddAs("username", m.Username).AddAs("content", m.Content).AddAs("createTime", unix(m.CreateTime)).
		AddAs("updateTime", unix(m.UpdateTime)).AddAs("persistent", m.Persistent.GetValue()).AddAs("roomName", m.RoomName).
		AddAs("groupId", m.GroupId).AddAs("userIdOne", m.UserIdOne).AddAs("userIdTwo", m.UserIdTwo)
}

var streams = []*Function{
	fn("stream_user_list", "stream:object include_hidden:bool=true include_not_hidden:bool=true", "presences", func(c *Call) ([]any, error) {
		s, err := c.stream()
		if err != nil {
			return nil, err
		}
		all, err := c.NK.StreamUserList(s.mode, s.subject, s.subcontext, s.label, c.Bool("include_hidden"), c.Bool("include_not_hidden"))
		return rows(all, err, c.streamPresence)
	}),
	fn("stream_user_get", "user_id:uuid session_id:uuid stream:object", "meta", func(c *Call) ([]any, error) {
		s, err := c.stream()
		if err != nil {
			return nil, err
		}
		m, err := c.NK.StreamUserGet(s.mode, s.subject, s.subcontext, s.label, c.Str("user_id"), c.Str("session_id"))
		if err != nil || m == nil {
			return []any{nil}, err
		}
		return []any{c.meta(new(Object), m)}, nil
	}),
	fn("stream_user_join", tracking, "fresh", func(c *Call) ([]any, error) {
		s, err := c.stream()
		if err != nil {
			return nil, err
		}
		return one(c.NK.StreamUserJoin(s.mode, s.subject, s.subcontext, s.label, c.Str("user_id"), c.Str("session_id"), c.Bool("hidden"), c.Bool("persistence"), c.Str("status")))
	}),
	fn("stream_user_update", tracking, "", func(c *Call) ([]any, error) {
		s, err := c.stream()
		if err != nil {
			return nil, err
		}
		return none(c.NK.StreamUserUpdate(s.mode, s.subject, s.subcontext, s.label, c.Str("user_id"), c.Str("session_id"), c.Bool("hidden"), c.Bool("persistence"), c.Str("status")))
	}),
	fn("stream_user_leave", "user_id:uuid session_id:uuid stream:object", "", func(c *Call) ([]any, error) {
		s, err := c.stream()
		if err != nil {
			return nil, err
		}
		return none(c.NK.StreamUserLeave(s.mode, s.subject, s.subcontext, s.label, c.Str("user_id"), c.Str("session_id")))
	}),
	fn("stream_user_kick", "presence:object stream:object", "", func(c *Call) ([]any, error) {
		s, err := c.stream()
		if err != nil {
			return nil, err
		}
		p, err := c.presence("presence", c.Object("presence"))
		if err != nil {
			return nil, err
		}
		return none(c.NK.StreamUserKick(s.mode, s.subject, s.subcontext, s.label, p))
	}),
	fn("stream_count", "stream:object", "count", func(c *Call) ([]any, error) {
		s, err := c.stream()
		if err != nil {
			return nil, err
		}
		n, err := c.NK.StreamCount(s.mode, s.subject, s.subcontext, s.label)
		return []any{int64(n)}, err
	}),
	fn("stream_close", "stream:object", "", func(c *Call) ([]any, error) {
		s, err := c.stream()
		if err != nil {
			return nil, err
		}
		return none(c.NK.StreamClose(s.mode, s.subject, s.subcontext, s.label))
	}),
	fn("stream_send", "stream:object data:string presences:list? reliable:bool=true", "", func(c *Call) ([]any, error) {
		s, err := c.stream()
		if err != nil {
			return nil, err
		}
		to, err := c.Presences("presences")
		if err != nil {
			return nil, err
		}
		return none(c.NK.StreamSend(s.mode, s.subject, s.subcontext, s.label, c.Str("data"), to, c.Bool("reliable")))
	}),
	fn("stream_send_raw", "stream:object envelope:object presences:list? reliable:bool=true", "", func(c *Call) ([]any, error) {
		s, err := c.stream()
		if err != nil {
			return nil, err
		}
		text, err := json.Marshal(c.Object("envelope"))
		envelope := new(rtapi.Envelope)
		if err == nil {
			err = FromJSON(text, envelope)
		}
		if err != nil {
			return nil, c.Wrong("envelope", "not a valid envelope: "+err.Error())
		}
		to, err := c.Presences("presences")
		if err != nil {
			return nil, err
		}
		return none(c.NK.StreamSendRaw(s.mode, s.subject, s.subcontext, s.label, envelope, to, c.Bool("reliable")))
	}),
	fn("status_follow", "session_id:uuid user_ids_list:uuids!", "", func(c *Call) ([]any, error) {
		return none(c.NK.StatusFollow(c.Str("session_id"), c.Strings("user_ids_list")))
	}),
	fn("status_unfollow", "session_id:uuid user_ids_list:uuids!", "", func(c *Call) ([]any, error) {
		return none(c.NK.StatusUnfollow(c.Str("session_id"), c.Strings("user_ids_list")))
	}),
	fn("session_disconnect", "session_id:uuid reason:int=0", "", func(c *Call) ([]any, error) {
		if err := c.between("reason", 0, 4, "expects reason to be 0-4"); err != nil {
			return nil, err
		}
		return none(c.NK.SessionDisconnect(c.Ctx, c.Str("session_id"), runtime.PresenceReason(c.Int("reason"))))
	}),
	fn("session_logout", "user_id:uuid token:string= refresh_token:string=", "", func(c *Call) ([]any, error) {
		return none(c.NK.SessionLogout(c.Str("user_id"), c.Str("token"), c.Str("refresh_token")))
	}),
}

const tracking = "user_id:uuid session_id:uuid stream:object hidden:bool=false persistence:bool=true status:string="

// stream is which stream the argument of this name is.
func (c *Call) stream() (s struct {
	mode                       uint8
	subject, subcontext, label string
}, err error) {
	r := Row{m: c.Object("stream"), c: c, of: "stream"}
	mode := r.Int("mode", "int")
	s.subject, s.subcontext, s.label = r.Str("subject", "uuid?"), r.Str("subcontext", "uuid?"), r.Str("label", "string?")
	if r.Err == nil && (mode < 0 || mode > 255) {
		r.Err = c.Wrong("stream", "stream mode must be 0-255")
	}
	s.mode = uint8(mode)
	return s, r.Err
}

func (c *Call) meta(o *Object, m runtime.PresenceMeta) *Object {
	o.Add("hidden", m.GetHidden()).Add("persistence", m.GetPersistence()).Add("username", m.GetUsername()).Add("status", m.GetStatus())
	if c.Lang == JavaScript {
		o.Add("reason", int64(m.GetReason()))
	}
	return o
}

func (c *Call) streamPresence(p runtime.Presence) *Object {
	o := new(Object).Add("user_id", p.GetUserId()).Add("session_id", p.GetSessionId())
	if c.Lang == JavaScript {
		o.Add("node_id", p.GetNodeId())
	} else {
		o.Add("node", p.GetNodeId())
	}
	return c.meta(o, p)
}
