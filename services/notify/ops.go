package notify

import (
	"context"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
)

// Refusals of requests.
var (
	ErrLimit = errs.New(errs.InvalidArgument, "Invalid limit - limit must be between 1 and 100.")
	ErrID    = errs.New(errs.InvalidArgument, "Invalid notification ID.")
)

// What a client is told of trouble from below.
var (
	errListing  = errs.New(errs.Internal, "Error retrieving notifications.")
	errDeleting = errs.New(errs.Internal, "Error while deleting notifications.")
)

// Register adds the notification operations to the catalogue.
func (s *Service) Register(r *op.Registry) {
	op.Add(r, op.Spec{Name: "DeleteNotifications", ID: 19, HTTP: []string{"DELETE /v2/notification"}, Auth: op.Session}, s.deleteNotifications)
	op.Add(r, op.Spec{Name: "ListNotifications", ID: 52, HTTP: []string{"GET /v2/notification"}, Auth: op.Session}, s.listNotifications)
	op.AddPush[rtapi.Notifications](r, "notifications", 123)
}

func (s *Service) listNotifications(ctx context.Context, c op.Caller, in *api.ListNotificationsRequest) (*api.NotificationList, error) {
	limit := 1
	if in.Limit != nil {
		if in.Limit.Value < 1 || in.Limit.Value > 100 {
			return nil, ErrLimit
		}
		limit = int(in.Limit.Value)
	}
	page, err := s.List(ctx, c.UserID, limit, in.CacheableCursor)
	if err != nil {
		return nil, errs.Or(err, errListing)
	}
	out := &api.NotificationList{CacheableCursor: page.Cursor, Notifications: make([]*api.Notification, len(page.Notifications))}
	for i, row := range page.Notifications {
		out.Notifications[i] = Listed(row)
	}
	return out, nil
}

// Listed is a notification as the list shows it: the system is no sender there.
func Listed(row *schema.Notification) *api.Notification {
	n := &api.Notification{
		Id: row.ID.String(), Subject: row.Subject, Content: string(row.Content), Code: int32(row.Code), CreateTime: seconds(row.CreateTime), Persistent: true,
	}
	if !row.SenderID.IsZero() {
		n.SenderId = row.SenderID.String()
	}
	return n
}

func (s *Service) deleteNotifications(ctx context.Context, c op.Caller, in *api.DeleteNotificationsRequest) (*emptypb.Empty, error) {
	ids := make([]id.UUID, len(in.Ids))
	for i, text := range in.Ids {
		var err error
		if ids[i], err = id.Parse(text); err != nil {
			return nil, ErrID
		}
	}
	if err := s.Delete(ctx, c.UserID, ids...); err != nil {
		return nil, errs.Or(err, errDeleting)
	}
	return &emptypb.Empty{}, nil
}
