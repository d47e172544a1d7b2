package nk

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/group"
)

func (m *Module) GroupsGetId(ctx context.Context, groupIDs []string) ([]*api.Group, error) {
	ids := make([]id.UUID, len(groupIDs))
	for i, text := range groupIDs {
		var err error
		if ids[i], err = parse(text, "each group id"); err != nil {
			return nil, err
		}
	}
	rows, err := m.c.Group.Get(ctx, ids)
	return groups(rows), told(err)
}

func groups(rows []*schema.Group) []*api.Group {
	list := make([]*api.Group, len(rows))
	for i, row := range rows {
		list[i] = group.Message(row)
	}
	return list
}

var errGroupName = errors.New("expects group name not be empty")

// GroupCreate makes a group with the user as its superadmin. creatorID is who made it as far as the group says; "": the
// system.
func (m *Module) GroupCreate(ctx context.Context, userID, name, creatorID, langTag, description, avatarURL string, open bool, metadata map[string]any, maxCount int) (*api.Group, error) {
	user, err := parseUser(userID)
	if err != nil {
		return nil, err
	}
	creator, err := creatorOf(creatorID)
	if err != nil {
		return nil, err
	}
	if name == "" {
		return nil, errGroupName
	}
	f, err := fieldsOf(name, langTag, description, avatarURL, metadata)
	if err != nil {
		return nil, err
	}
	f.Open, f.CreatorID = &open, &creator
	if f.MaxCount, err = maxCountOf(maxCount); err != nil {
		return nil, err
	}
	row, err := m.c.Group.Create(ctx, op.Caller{UserID: user}, f)
	if err != nil {
		return nil, told(err)
	}
	return group.Message(row), nil
}

func creatorOf(text string) (id.UUID, error) {
	u, err := parseOptional(text, "creator id")
	if err != nil {
		return u, runtime.ErrGroupCreatorInvalid
	}
	return u, nil
}

func maxCountOf(n int) (*int32, error) {
	if n < 1 || n > math.MaxInt32 {
		return nil, words[group.ErrMaxCount]
	}
	count := int32(n)
	return &count, nil
}

func fieldsOf(name, langTag, description, avatarURL string, metadata map[string]any) (f group.Fields, err error) {
	f = group.Fields{Name: given(name), LangTag: given(langTag), Description: given(description), AvatarURL: given(avatarURL)}
	if metadata != nil {
		text, err := jsonOf(metadata, "metadata")
		if err != nil {
			return f, err
		}
		f.Metadata = &text
	}
	return f, nil
}

// GroupUpdate changes what is not "", nil or 0, and always open. With a user it is his right to change the group that
// counts.
func (m *Module) GroupUpdate(ctx context.Context, groupID, userID, name, creatorID, langTag, description, avatarURL string, open bool, metadata map[string]any, maxCount int) error {
	of, err := parse(groupID, "group id")
	if err != nil {
		return err
	}
	caller, err := onBehalf(userID, "user id")
	if err != nil {
		return err
	}
	f, err := fieldsOf(name, langTag, description, avatarURL, metadata)
	if err != nil {
		return err
	}
	f.Open = &open
	if creatorID != "" {
		creator, err := creatorOf(creatorID)
		if err != nil {
			return err
		}
		f.CreatorID = &creator
	}
	if maxCount != 0 {
		if f.MaxCount, err = maxCountOf(maxCount); err != nil {
			return err
		}
	}
	err = m.c.Group.Update(ctx, caller, of, f)
	if errors.Is(err, group.ErrUpdate) && caller.Trusted {
		return runtime.ErrGroupNotFound
	}
	return told(err)
}

// onBehalf is the caller that a call is made for; "": the server itself.
func onBehalf(userID, what string) (op.Caller, error) {
	if userID == "" {
		return server, nil
	}
	user, err := parseOptional(userID, what)
	return op.Caller{UserID: user}, err
}

func (m *Module) GroupDelete(ctx context.Context, groupID string) error {
	of, err := parse(groupID, "group id")
	if err != nil {
		return err
	}
	return told(m.c.Group.Delete(ctx, server, of))
}

// GroupUserJoin acts like the client's call of the user: a closed group gets a request.
func (m *Module) GroupUserJoin(ctx context.Context, groupID, userID, username string) error {
	return comeOrGo(ctx, groupID, userID, username, m.c.Group.Join)
}

func (m *Module) GroupUserLeave(ctx context.Context, groupID, userID, username string) error {
	return comeOrGo(ctx, groupID, userID, username, m.c.Group.Leave)
}

var errUsername = errors.New("expects a username string")

func comeOrGo(ctx context.Context, groupID, userID, username string, call func(context.Context, op.Caller, id.UUID) error) error {
	of, err := parse(groupID, "group id")
	if err != nil {
		return err
	}
	user, err := parseUser(userID)
	if err != nil {
		return err
	}
	if username == "" {
		return errUsername
	}
	return told(call(ctx, op.Caller{UserID: user, Username: username}, of))
}

// GroupUsersAdd and the others act like the client's call of callerID; "": nothing is denied to the server.

func (m *Module) GroupUsersAdd(ctx context.Context, callerID, groupID string, userIDs []string) error {
	return manage(ctx, "add", callerID, groupID, userIDs, m.c.Group.Add)
}

func (m *Module) GroupUsersBan(ctx context.Context, callerID, groupID string, userIDs []string) error {
	return manage(ctx, "ban", callerID, groupID, userIDs, m.c.Group.Ban)
}

func (m *Module) GroupUsersKick(ctx context.Context, callerID, groupID string, userIDs []string) error {
	return manage(ctx, "kick", callerID, groupID, userIDs, m.c.Group.Kick)
}

func (m *Module) GroupUsersPromote(ctx context.Context, callerID, groupID string, userIDs []string) error {
	return manage(ctx, "promote", callerID, groupID, userIDs, m.c.Group.Promote)
}

func (m *Module) GroupUsersDemote(ctx context.Context, callerID, groupID string, userIDs []string) error {
	return manage(ctx, "demote", callerID, groupID, userIDs, m.c.Group.Demote)
}

func manage(ctx context.Context, what, callerID, groupID string, userIDs []string, call func(context.Context, op.Caller, id.UUID, []id.UUID) error) error {
	caller, err := onBehalf(callerID, "caller id")
	if err != nil {
		return err
	}
	of, err := parse(groupID, "group id")
	if err != nil {
		return err
	}
	users, err := parseUsers(userIDs)
	if err != nil {
		return err
	}
	for _, user := range users {
		if user.IsZero() {
			return fmt.Errorf("cannot %s the root user", what)
		}
	}
	err = call(ctx, caller, of, users)
	if errors.Is(err, group.ErrPermission) && caller.Trusted {
		return runtime.ErrGroupNotFound
	}
	return told(err)
}

func (m *Module) GroupUsersList(ctx context.Context, groupID string, limit int, state *int, cursor string) ([]*api.GroupUserList_GroupUser, string, error) {
	of, err := parse(groupID, "group id")
	if err == nil {
		err = limited(limit, 1, 10000)
	}
	if err != nil {
		return nil, "", err
	}
	in, err := stateOf(state, 4)
	if err != nil {
		return nil, "", err
	}
	page, err := m.c.Group.Members(ctx, of, limit, in, cursor)
	if errors.Is(err, group.ErrCursor) {
		err = runtime.ErrGroupUserInvalidCursor
	}
	return page.GetGroupUsers(), page.GetCursor(), told(err)
}

func (m *Module) UserGroupsList(ctx context.Context, userID string, limit int, state *int, cursor string) ([]*api.UserGroupList_UserGroup, string, error) {
	user, err := parseUser(userID)
	if err == nil {
		err = limited(limit, 1, 100)
	}
	if err != nil {
		return nil, "", err
	}
	in, err := stateOf(state, 4)
	if err != nil {
		return nil, "", err
	}
	page, err := m.c.Group.Of(ctx, user, limit, in, cursor)
	if errors.Is(err, group.ErrCursor) {
		err = runtime.ErrUserGroupInvalidCursor
	}
	return page.GetUserGroups(), page.GetCursor(), told(err)
}

// GroupsList finds groups by name, where % is a wildcard, or by the other filters. members: at most so many.
func (m *Module) GroupsList(ctx context.Context, name, langTag string, members *int, open *bool, limit int, cursor string) ([]*api.Group, string, error) {
	if err := limited(limit, 1, 100); err != nil {
		return nil, "", err
	}
	f := group.Filter{Name: name, LangTag: langTag, Open: open}
	if members != nil {
		count := int32(min(max(*members, 0), math.MaxInt32))
		f.Members = &count
	}
	page, err := m.c.Group.List(ctx, f, limit, cursor)
	if err != nil {
		return nil, "", told(err)
	}
	return groups(page.Groups), page.Cursor, nil
}

func (m *Module) GroupsGetRandom(ctx context.Context, count int) ([]*api.Group, error) {
	if err := counted(count); err != nil {
		return nil, err
	}
	rows, err := m.c.Group.Random(ctx, count)
	return groups(rows), told(err)
}
