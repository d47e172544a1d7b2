package nk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/notify"
)

var (
	errSubject   = errors.New("expects subject to be a non-empty string")
	errCode      = errors.New("expects code number to be a positive integer")
	errBatchCode = errors.New("expects code to number above 0")
)

// NotificationSend tells a user something; sender "": the system does.
func (m *Module) NotificationSend(ctx context.Context, userID, subject string, content map[string]any, code int, sender string, persistent bool) error {
	n, err := notificationOf(&runtime.NotificationSend{
		UserID: userID, Subject: subject, Content: content, Code: code, Sender: sender, Persistent: persistent,
	}, errCode)
	if err != nil {
		return err
	}
	return told(m.c.Notify.Send(ctx, n))
}

// NotificationsSend keeps the persistent ones together, or none.
func (m *Module) NotificationsSend(ctx context.Context, notifications []*runtime.NotificationSend) error {
	list := make([]*notify.Notification, len(notifications))
	for i, n := range notifications {
		var err error
		if list[i], err = notificationOf(n, errBatchCode); err != nil {
			return err
		}
	}
	return told(m.c.Notify.Send(ctx, list...))
}

// NotificationSendAll tells everybody: who is connected, or with persistent every user there is, in the background.
func (m *Module) NotificationSendAll(_ context.Context, subject string, content map[string]any, code int, persistent bool) error {
	n, err := notificationOf(&runtime.NotificationSend{Subject: subject, Content: content, Code: code, Persistent: persistent}, errCode)
	if err != nil {
		return err
	}
	return told(m.c.Notify.SendAll(*n))
}

func notificationOf(n *runtime.NotificationSend, code error) (*notify.Notification, error) {
	user, err := parseOptional(n.UserID, "user id")
	if err != nil {
		return nil, err
	}
	sender, err := parseOptional(n.Sender, "sender id")
	if err != nil {
		return nil, err
	}
	content, err := jsonOf(n.Content, "content")
	switch {
	case err != nil:
		return nil, err
	case n.Subject == "":
		return nil, errSubject
	case !sendable(n.Code):
		return nil, code
	}
	return &notify.Notification{
		UserID: user, Subject: n.Subject, Content: string(content), Code: int32(n.Code), SenderID: sender, Persistent: n.Persistent,
	}, nil
}

// sendable are the codes that modules may use; the server has the other negative ones.
func sendable(code int) bool {
	return code > 0 && code == int(int32(code)) || code >= -2000 && code <= -1000
}

func (m *Module) NotificationsList(ctx context.Context, userID string, limit int, cursor string) ([]*api.Notification, string, error) {
	user, err := parseUser(userID)
	if err == nil {
		err = limited(limit, 1, 1000)
	}
	if err != nil {
		return nil, "", err
	}
	page, err := m.c.Notify.List(ctx, user, limit, cursor)
	if err != nil {
		return nil, "", told(err)
	}
	list := make([]*api.Notification, len(page.Notifications))
	for i, row := range page.Notifications {
		list[i] = notify.Listed(row)
	}
	if !page.More {
		return list, "", nil
	}
	return list, page.Cursor, nil
}

// NotificationsGetId leaves out what is not there, or not the user's; "": any user's.
func (m *Module) NotificationsGetId(ctx context.Context, userID string, ids []string) ([]*runtime.Notification, error) {
	user, wanted, err := someOf(userID, ids)
	if err != nil {
		return nil, err
	}
	rows, err := m.c.Notify.Get(ctx, user, wanted...)
	if err != nil {
		return nil, told(err)
	}
	list := make([]*runtime.Notification, len(rows))
	for i, row := range rows {
		n := notify.Listed(row)
		list[i] = &runtime.Notification{
			Id: n.Id, UserID: row.UserID.String(), Subject: n.Subject, Code: int(n.Code), Sender: n.SenderId, Persistent: true,
			CreateTime: timestamppb.New(row.CreateTime),
		}
		if err := json.Unmarshal([]byte(n.Content), &list[i].Content); err != nil {
			return nil, fmt.Errorf("content of notification %s: %w", n.Id, err)
		}
	}
	return list, nil
}

func (m *Module) NotificationsDeleteId(ctx context.Context, userID string, ids []string) error {
	user, unwanted, err := someOf(userID, ids)
	if err != nil {
		return err
	}
	return told(m.c.Notify.Delete(ctx, user, unwanted...))
}

func someOf(userID string, ids []string) (user id.UUID, list []id.UUID, err error) {
	if user, err = parseOptional(userID, "user id"); err != nil {
		return user, nil, err
	}
	list = make([]id.UUID, len(ids))
	for i, text := range ids {
		if list[i], err = parse(text, "each notification id"); err != nil {
			return user, nil, err
		}
	}
	return user, list, nil
}

func (m *Module) NotificationsDelete(ctx context.Context, notifications []*runtime.NotificationDelete) error {
	list := make([]notify.Named, len(notifications))
	for i, n := range notifications {
		var err error
		if list[i].UserID, err = parseUser(n.UserID); err != nil {
			return err
		}
		if list[i].ID, err = parse(n.NotificationID, "notification id"); err != nil {
			return err
		}
	}
	return told(m.c.Notify.DeleteAll(ctx, list))
}

// NotificationsUpdate changes what is not nil.
func (m *Module) NotificationsUpdate(ctx context.Context, updates ...runtime.NotificationUpdate) error {
	list := make([]notify.Change, len(updates))
	for i := range updates {
		u, c := &updates[i], &list[i]
		var err error
		if c.ID, err = parse(u.Id, "notification id"); err != nil {
			return err
		}
		c.Subject = u.Subject
		if u.Content != nil {
			text, err := jsonOf(u.Content, "content")
			if err != nil {
				return err
			}
			content := string(text)
			c.Content = &content
		}
		if u.Sender != nil {
			sender, err := parse(*u.Sender, "sender id")
			if err != nil {
				return err
			}
			c.SenderID = &sender
		}
	}
	return told(m.c.Notify.Update(ctx, list))
}
