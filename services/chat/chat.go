// Package chat lets users talk in channels: rooms of any name, direct channels of two users, and channels of groups.
//
// The life of a message: a session Joins a channel, which is a stream of services/presence; what it Sends is stored,
// unless it joined without persistence, then goes to every member, and only then is acknowledged, so that the sender sees
// it in its place among the others. Its author may Update and Remove it. Stored messages are read with List.
//
// Groups have the channel say what happens to their members: a Notice is Put in the same write as what it tells of, and
// Delivered when that write has returned.
//
// ops.go holds what a client may ask; everything else has no idea of clients but for the connection that joins. Any
// goroutine may call these functions, but no tick.
package chat

import (
	"context"
	"time"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/notify"
	"github.com/skirmishgg/skirmish/services/presence"
	"github.com/skirmishgg/skirmish/services/session"
)

// Message codes.
const (
	CodeChat     int32 = 0
	CodeUpdate   int32 = 1 // live only: the stored message keeps its code
	CodeRemove   int32 = 2 // live only
	CodeJoined   int32 = 3 // from here on: what happened to a group's member, who is the sender
	CodeAdded    int32 = 4
	CodeLeft     int32 = 5
	CodeKicked   int32 = 6
	CodePromoted int32 = 7
	CodeBanned   int32 = 8
	CodeDemoted  int32 = 9
)

// Config is what a Service is made of.
type Config struct {
	DB       store.DB
	Presence *presence.Service
	Live     *session.Live
	Notify   *notify.Service
	Now      func() time.Time // of messages; nil: time.Now
}

// Service moves messages between users.
type Service struct{ c Config }

// New is a service over these parts.
func New(c Config) *Service {
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Service{c}
}

// Author is whom a message is from.
type Author struct {
	UserID   id.UUID
	Username string // as it was when the message was sent
}

// Refusals of channels that a user may not see.
var (
	ErrNoUser    = errs.New(errs.InvalidArgument, "User ID not found: Invalid channel target")
	ErrNoGroup   = errs.New(errs.InvalidArgument, "Group not found: Invalid channel target")
	errUserCheck = errs.New(errs.Internal, "Failed to look up user ID")
	errGroup     = errs.New(errs.Internal, "Failed to look up group membership")
)

// mayJoin reports whether a user may be in a channel: rooms are for everybody, groups for their members, and a direct
// channel ends where the other one blocks.
// Errors: ErrNoUser, ErrNoGroup.
func (s *Service) mayJoin(ctx context.Context, user id.UUID, st presence.Stream) error {
	switch st.Mode {
	case presence.ModeDirect:
		met, err := s.meets(ctx, otherOf(st, user), user)
		if err == nil && !met {
			err = ErrNoUser
		}
		return errs.Or(err, errUserCheck)
	case presence.ModeGroup:
		member, err := s.isMember(ctx, st.Subject, user)
		if err == nil && !member {
			err = ErrNoGroup
		}
		return errs.Or(err, errGroup)
	}
	return nil
}

// Check reports whether those whom a channel is of exist: the users of a direct one, the group of a group's.
// Errors: ErrNoUser, ErrNoGroup.
func (s *Service) Check(ctx context.Context, st presence.Stream) error {
	switch st.Mode {
	case presence.ModeDirect:
		users, err := store.GetMany(ctx, s.c.DB, schema.Users, []any{st.Subject}, []any{st.Subcontext})
		if err == nil && (users[0] == nil || users[1] == nil) {
			err = ErrNoUser
		}
		return err
	case presence.ModeGroup:
		groups, err := store.GetMany(ctx, s.c.DB, schema.Groups, []any{st.Subject})
		if err == nil && groups[0] == nil {
			err = ErrNoGroup
		}
		return err
	}
	return nil
}

// meets reports whether there is such a user, and he has not blocked the other.
func (s *Service) meets(ctx context.Context, user, other id.UUID) (bool, error) {
	users, err := store.GetMany(ctx, s.c.DB, schema.Users, []any{user})
	if err != nil || users[0] == nil {
		return false, err
	}
	edges, err := store.GetMany(ctx, s.c.DB, schema.UserEdges, []any{user, other})
	if err != nil {
		return false, err
	}
	return edges[0] == nil || edges[0].State != schema.EdgeBlocked, nil
}

func (s *Service) isMember(ctx context.Context, group, user id.UUID) (bool, error) {
	edges, err := store.GetMany(ctx, s.c.DB, schema.GroupEdges, []any{group, user})
	return err == nil && edges[0] != nil && edges[0].State <= schema.MemberPlain, err
}
