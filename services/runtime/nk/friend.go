package nk

import (
	"context"

	"github.com/heroiclabs/nakama-common/api"

	"github.com/skirmishgg/skirmish/services/friend"
)

func (m *Module) FriendsList(ctx context.Context, userID string, limit int, state *int, cursor string) ([]*api.Friend, string, error) {
	user, err := parseUser(userID)
	if err == nil {
		err = limited(limit, 1, 1000)
	}
	if err != nil {
		return nil, "", err
	}
	of, err := stateOf(state, 3)
	if err != nil {
		return nil, "", err
	}
	page, err := m.c.Friend.List(ctx, user, limit, of, cursor)
	return page.GetFriends(), page.GetCursor(), told(err)
}

func (m *Module) FriendsOfFriendsList(ctx context.Context, userID string, limit int, cursor string) ([]*api.FriendsOfFriendsList_FriendOfFriend, string, error) {
	user, err := parseUser(userID)
	if err == nil {
		err = limited(limit, 1, 1000)
	}
	if err != nil {
		return nil, "", err
	}
	page, err := m.c.Friend.ListOfFriends(ctx, user, limit, cursor)
	return page.GetFriendsOfFriends(), page.GetCursor(), told(err)
}

// FriendsAdd acts like the client's call of the user, whose name the others are told.
func (m *Module) FriendsAdd(ctx context.Context, userID, username string, ids, usernames []string, metadata map[string]any) error {
	text, err := jsonOf(metadata, "metadata")
	if err != nil {
		return err
	}
	return aimed(userID, username, ids, usernames, func(a friend.Actor, to friend.Targets) error {
		return m.c.Friend.Add(ctx, a, to, string(text))
	})
}

func (m *Module) FriendsDelete(ctx context.Context, userID, username string, ids, usernames []string) error {
	return aimed(userID, username, ids, usernames, func(a friend.Actor, to friend.Targets) error { return m.c.Friend.Delete(ctx, a, to) })
}

func (m *Module) FriendsBlock(ctx context.Context, userID, username string, ids, usernames []string) error {
	return aimed(userID, username, ids, usernames, func(a friend.Actor, to friend.Targets) error { return m.c.Friend.Block(ctx, a, to) })
}

// aimed runs a call of a user on others.
func aimed(userID, username string, ids, usernames []string, call func(friend.Actor, friend.Targets) error) error {
	user, err := parseUser(userID)
	if err != nil {
		return err
	}
	others, err := parseUsers(ids)
	if err != nil {
		return err
	}
	return told(call(friend.Actor{UserID: user, Username: username}, friend.Targets{IDs: others, Usernames: usernames}))
}

// FriendMetadataUpdate replaces what the user keeps with his side of a tie.
func (m *Module) FriendMetadataUpdate(ctx context.Context, userID, friendUserID string, metadata map[string]any) error {
	user, err := parseUser(userID)
	if err != nil {
		return err
	}
	other, err := parse(friendUserID, "friend user id")
	if err != nil {
		return err
	}
	text, err := jsonOf(metadata, "metadata")
	if err != nil {
		return err
	}
	return told(m.c.Friend.Annotate(ctx, user, other, string(text)))
}
