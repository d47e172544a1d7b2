package nk

import (
	"context"

	"github.com/heroiclabs/nakama-common/api"

	"github.com/skirmishgg/skirmish/protocol/id"
)

func (m *Module) UsersGetId(ctx context.Context, userIDs, facebookIDs []string) ([]*api.User, error) {
	users, err := parseUsers(userIDs)
	if err != nil {
		return nil, err
	}
	list, err := m.c.Account.Users(ctx, users, nil, facebookIDs)
	return list, told(err)
}

func (m *Module) UsersGetUsername(ctx context.Context, usernames []string) ([]*api.User, error) {
	list, err := m.c.Account.Users(ctx, nil, usernames, nil)
	return list, told(err)
}

// UsersGetFriendStatus leaves out who is nothing to the user.
func (m *Module) UsersGetFriendStatus(ctx context.Context, userID string, userIDs []string) ([]*api.Friend, error) {
	user, err := parseUser(userID)
	if err != nil {
		return nil, err
	}
	others, err := parseUsers(userIDs)
	if err != nil {
		return nil, err
	}
	list, err := m.c.Friend.Ties(ctx, user, others)
	return list, told(err)
}

func (m *Module) UsersGetRandom(ctx context.Context, count int) ([]*api.User, error) {
	if err := counted(count); err != nil {
		return nil, err
	}
	return m.c.Account.Random(ctx, count)
}

func (m *Module) UsersBanId(ctx context.Context, userIDs []string) error {
	return eachUser(ctx, userIDs, m.c.Account.Ban)
}

func (m *Module) UsersUnbanId(ctx context.Context, userIDs []string) error {
	return eachUser(ctx, userIDs, m.c.Account.Unban)
}

func eachUser(ctx context.Context, userIDs []string, change func(context.Context, ...id.UUID) error) error {
	users, err := parseUsers(userIDs)
	if err != nil {
		return err
	}
	return told(change(ctx, users...))
}
