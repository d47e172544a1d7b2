package nk

import (
	"errors"
	"testing"

	"github.com/heroiclabs/nakama-common/rtapi"
	"github.com/heroiclabs/nakama-common/runtime"

	"github.com/skirmishgg/skirmish/services/session/sessiontest"
)

func TestNotifications(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		ctx := t.Context()
		c := d.open(annaID, "anna")
		must(t, d.NotificationSend(ctx, anna, "live", map[string]any{"n": 1}, 7, ben, false))
		must(t, d.NotificationsSend(ctx, []*runtime.NotificationSend{
			{UserID: anna, Subject: "one", Code: 1, Persistent: true}, {UserID: ben, Subject: "two", Content: map[string]any{"a": "b"}, Code: -1500, Persistent: true},
		}))
		must(t, d.NotificationSendAll(ctx, "all", nil, 2, false))
		got := sessiontest.Notifications(c.Take())
		is(t, `3 live {"n":1} `+ben+" one all", nil, len(got), " ", got[0].Subject, " ", got[0].Content, " ", got[0].SenderId, " ", got[1].Subject, " ", got[2].Subject)

		list, next, err := d.NotificationsList(ctx, anna, 10, "")
		is(t, "1 one  ", err, len(list), " ", list[0].Subject, " ", list[0].SenderId, " ", next)
		bens, _, err := d.NotificationsList(ctx, ben, 10, "")
		must(t, err)
		subject := "changed"
		must(t, d.NotificationsUpdate(ctx, runtime.NotificationUpdate{Id: bens[0].Id, Subject: &subject, Sender: &anna}))
		full, err := d.NotificationsGetId(ctx, "", []string{bens[0].Id, list[0].Id, nobody})
		is(t, "2 "+ben+" changed map[a:b] -1500 "+anna+" true", err, len(full), " ", full[0].UserID, " ", full[0].Subject, " ", full[0].Content, " ", full[0].Code, " ", full[0].Sender, " ", full[0].Persistent)
		full, err = d.NotificationsGetId(ctx, anna, []string{bens[0].Id})
		is(t, "0", err, len(full))

		must(t, d.NotificationsDelete(ctx, []*runtime.NotificationDelete{{UserID: anna, NotificationID: bens[0].Id}}))
		must(t, d.NotificationsDeleteId(ctx, anna, []string{bens[0].Id, list[0].Id}))
		full, err = d.NotificationsGetId(ctx, "", []string{bens[0].Id, list[0].Id})
		is(t, "1", err, len(full))

		refused(t, "expects code number to be a positive integer", d.NotificationSend(ctx, anna, "s", nil, 0, "", false))
		refused(t, "expects code number to be a positive integer", d.NotificationSend(ctx, anna, "s", nil, -1, "", false))
		refused(t, "expects code to number above 0", d.NotificationsSend(ctx, []*runtime.NotificationSend{{UserID: anna, Subject: "s", Code: -2}}))
		refused(t, "expects subject to be a non-empty string", d.NotificationSend(ctx, anna, "", nil, 1, "", false))
		refused(t, "user not found", d.NotificationSend(ctx, nobody, "s", nil, 1, "", true))
	})
}

func TestChannels(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		ctx := t.Context()
		room, err := d.ChannelIdBuild(ctx, "", "hall", runtime.Room)
		is(t, "2...hall", err, room)
		direct, err := d.ChannelIdBuild(ctx, ben, anna, runtime.DirectMessage)
		is(t, "4."+anna+"."+ben+".", err, direct)
		for target, kind := range map[string]runtime.ChannelType{"": runtime.Room, "x": runtime.DirectMessage, nobody: runtime.DirectMessage} {
			if _, err := d.ChannelIdBuild(ctx, anna, target, kind); !errors.Is(err, runtime.ErrInvalidChannelTarget) {
				t.Errorf("%q of %d: %v", target, kind, err)
			}
		}
		_, err = d.ChannelIdBuild(ctx, anna, nobody, runtime.Group)
		is(t, "true", nil, err == runtime.ErrChannelGroupNotFound)
		_, err = d.ChannelIdBuild(ctx, anna, "hall", 4)
		refused(t, "invalid channel type: expects value 1-3", err)

		ack, err := d.ChannelMessageSend(ctx, room, map[string]any{"t": "hi"}, anna, "anna", true)
		is(t, "2...hall anna 0 true", err, ack.ChannelId, " ", ack.Username, " ", ack.Code.Value, " ", ack.Persistent.Value)
		d.Advance(1e9)
		_, err = d.ChannelMessageSend(ctx, room, nil, "", "", true)
		must(t, err)
		_, err = d.ChannelMessageUpdate(ctx, room, ack.MessageId, map[string]any{"t": "ho"}, anna, "anna", true)
		must(t, err)
		list, next, prev, err := d.ChannelMessagesList(ctx, room, 1, true, "")
		is(t, `1 {"t": "ho"} true `, err, len(list), " ", list[0].Content, " ", next != "", " ", prev)
		list, next, _, err = d.ChannelMessagesList(ctx, room, 1, true, next)
		is(t, "1 {} "+system+" ", err, len(list), " ", list[0].Content, " ", list[0].SenderId, " ", next)
		_, err = d.ChannelMessageRemove(ctx, room, ack.MessageId, anna, "anna", true)
		must(t, err)

		_, err = d.ChannelMessageRemove(ctx, room, ack.MessageId, anna, "anna", true)
		refused(t, "channel message not found", err)
		_, err = d.ChannelMessageUpdate(ctx, room, "x", nil, anna, "anna", true)
		refused(t, "Invalid message identifier", err)
		_, err = d.ChannelMessageSend(ctx, "x", nil, anna, "anna", true)
		is(t, "true", nil, err == runtime.ErrChannelIDInvalid)
		_, _, _, err = d.ChannelMessagesList(ctx, room, 1, true, "x")
		is(t, "true", nil, err == runtime.ErrChannelCursorInvalid)
	})
}

func TestStreams(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		a, b := d.open(annaID, "anna"), d.open(benID, "ben")
		as, bs := a.ID().String(), b.ID().String()
		const mode = 123
		fresh, err := d.StreamUserJoin(mode, anna, "", "l", anna, as, false, true, "here")
		is(t, "true", err, fresh)
		fresh, err = d.StreamUserJoin(mode, anna, "", "l", anna, as, false, true, "")
		is(t, "false", err, fresh)
		_, err = d.StreamUserJoin(mode, anna, "", "l", ben, bs, true, false, "")
		must(t, err)
		n, err := d.StreamCount(mode, anna, "", "l")
		is(t, "2", err, n)
		all, err := d.StreamUserList(mode, anna, "", "l", true, true)
		is(t, "2", err, len(all))
		all, err = d.StreamUserList(mode, anna, "", "l", false, true)
		is(t, "1 "+anna+" "+as+" n1 false true anna here", err, len(all), " ", all[0].GetUserId(), " ", all[0].GetSessionId(), " ", all[0].GetNodeId(), " ", all[0].GetHidden(), " ",
			all[0].GetPersistence(), " ", all[0].GetUsername(), " ", all[0].GetStatus())
		must(t, d.StreamUserUpdate(mode, anna, "", "l", anna, as, false, false, "there"))
		meta, err := d.StreamUserGet(mode, anna, "", "l", anna, as)
		is(t, "there false", err, meta.GetStatus(), " ", meta.GetPersistence())
		meta, err = d.StreamUserGet(mode, anna, "", "l", anna, bs)
		is(t, "true", err, meta == nil)

		a.Take()
		b.Take()
		must(t, d.StreamSend(mode, anna, "", "l", "data", nil, true))
		must(t, d.StreamSendRaw(mode, anna, "", "l", &rtapi.Envelope{Message: &rtapi.Envelope_Pong{Pong: &rtapi.Pong{}}}, all, true))
		got, others := a.Take(), b.Take()
		is(t, "2 1 data 123 "+anna+" true", nil, len(got), " ", len(others), " ", got[0].GetStreamData().Data, " ", got[0].GetStreamData().Stream.Mode, " ", got[0].GetStreamData().Stream.Subject, " ", got[1].GetPong() != nil)

		refused(t, "session id does not exist", d.StreamUserUpdate(mode, "", "", "", anna, bs, false, false, ""))
		refused(t, "expects an empty or valid stream subject", d.StreamClose(mode, "x", "", ""))
		refused(t, "node not found", d.StreamUserKick(mode, anna, "", "l", &streamPresence{node: "other"}))
		must(t, d.StreamUserKick(mode, anna, "", "l", all[0]))
		must(t, d.StreamUserLeave(mode, anna, "", "l", anna, bs)) // not his
		n, err = d.StreamCount(mode, anna, "", "l")
		is(t, "1", err, n)
		must(t, d.StreamClose(mode, anna, "", "l"))
		n, err = d.StreamCount(mode, anna, "", "l")
		is(t, "0", err, n)

		must(t, d.StatusFollow(as, []string{ben}))
		is(t, "2", nil, d.c.Presence.Follows(a))
		must(t, d.StatusUnfollow(as, []string{ben}))
		is(t, "1", nil, d.c.Presence.Follows(a))
		refused(t, "session id does not exist", d.StatusFollow(nobody, []string{ben}))
		must(t, d.SessionDisconnect(t.Context(), nobody))
		must(t, d.SessionDisconnect(t.Context(), as, runtime.PresenceReasonLeave))
	})
}
