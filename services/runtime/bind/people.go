package bind

import (
	"context"
	"errors"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"
)

var friends = []*Function{
	fn("friends_list", "user_id:uuid limit:int=100 state:int? cursor:string=", "friends cursor", func(c *Call) ([]any, error) {
		if err := c.between("limit", 1, 1000, "expects limit to be 1-1000"); err != nil {
			return nil, err
		}
		if s := c.IntOr("state"); s != nil && (*s < 0 || *s > 3) {
			return nil, c.Wrong("state", "expects state to be 0-3")
		}
		all, next, err := c.NK.FriendsList(c.Ctx, c.Str("user_id"), c.Int("limit"), c.IntOr("state"), c.Str("cursor"))
		return []any{list(all, friend), cursorIf(next)}, err
	}),
	fn("friends_of_friends_list", "user_id:uuid limit:int=100 cursor:string=", "friends_of_friends cursor", func(c *Call) ([]any, error) {
		if err := c.between("limit", 1, 1000, "expects limit to be 1-1000"); err != nil {
			return nil, err
		}
		all, next, err := c.NK.FriendsOfFriendsList(c.Ctx, c.Str("user_id"), c.Int("limit"), c.Str("cursor"))
		return []any{list(all, friendOfFriend), cursorIf(next)}, err
	}).inJS("user_id:uuid limit:int=10 cursor:string="),
	fn("friends_add", befriend+" metadata:object?", "", func(c *Call) ([]any, error) {
		if err := c.metadata(); err != nil || c.nobody() && c.Lang == Lua {
			return none(err)
		}
		if c.nobody() {
			return nil, errNobody
		}
		return none(c.NK.FriendsAdd(c.Ctx, c.Str("user_id"), c.Str("username"), c.Strings("user_ids_list"), c.Strings("username_list"), c.Object("metadata")))
	}).inJS(befriend + " metadata:any?"),
	fn("friends_delete", befriend, "", func(c *Call) ([]any, error) {
		return none(c.NK.FriendsDelete(c.Ctx, c.Str("user_id"), c.Str("username"), c.Strings("user_ids_list"), c.Strings("username_list")))
	}),
	fn("friends_block", befriend, "", func(c *Call) ([]any, error) {
		return none(c.NK.FriendsBlock(c.Ctx, c.Str("user_id"), c.Str("username"), c.Strings("user_ids_list"), c.Strings("username_list")))
	}),
	fn("friend_metadata_update", "user_id:uuid friend_user_id:uuid metadata:object", "", func(c *Call) ([]any, error) {
		return none(c.NK.FriendMetadataUpdate(c.Ctx, c.Str("user_id"), c.Str("friend_user_id"), c.Object("metadata")))
	}),
}

const befriend = "user_id:uuid username:text user_ids_list:uuids!? username_list:strings!?"

var errNobody = errors.New("no valid ID or username was provided")

func (c *Call) nobody() bool {
	return len(c.Strings("user_ids_list")) == 0 && len(c.Strings("username_list")) == 0
}

// metadata refuses what is no object where JavaScript must give one.
func (c *Call) metadata() error {
	if _, ok := c.Arg("metadata").(map[string]any); !ok && c.Lang == JavaScript {
		return c.Wrong("metadata", "invalid metadata: must be an object")
	}
	return nil
}

// between refuses a number outside of a range.
func (c *Call) between(name string, low, high int64, text string) error {
	if n := c.Int64(name); n < low || n > high {
		return c.Wrong(name, text)
	}
	return nil
}

var groups = []*Function{
	fn("groups_get_id", "group_ids:uuids", "groups", func(c *Call) ([]any, error) {
		all, err := c.NK.GroupsGetId(c.Ctx, c.Strings("group_ids"))
		return rows(all, err, group)
	}),
	fn("group_create", "user_id:uuid name:text creator_id:string= lang_tag:string= description:string= avatar_url:string= open:bool=false metadata:object? max_count:int=100", "group",
		func(c *Call) ([]any, error) {
			if c.Int("max_count") < 1 {
				return nil, c.Wrong("max_count", "expects max_count to be >= 1")
			}
			g, err := c.NK.GroupCreate(c.Ctx, c.Str("user_id"), c.Str("name"), c.Str("creator_id"), c.Str("lang_tag"), c.Str("description"),
				c.Str("avatar_url"), c.Bool("open"), c.Object("metadata"), c.Int("max_count"))
			if errors.Is(err, runtime.ErrGroupNameInUse) {
				err = errGroupExists
			}
			if err != nil {
				return nil, err
			}
			return []any{group(g)}, nil
		}),
	fn("group_update", "group_id:uuid user_id:string= name:string= creator_id:string= lang_tag:string= description:string= avatar_url:string= open:bool? metadata:object? max_count:int=0", "",
		func(c *Call) ([]any, error) {
			open, err := c.groupOpen()
			if err != nil {
				return nil, err
			}
			return none(c.NK.GroupUpdate(c.Ctx, c.Str("group_id"), c.Str("user_id"), c.Str("name"), c.Str("creator_id"), c.Str("lang_tag"),
				c.Str("description"), c.Str("avatar_url"), open, c.Object("metadata"), c.Int("max_count")))
		}),
	fn("group_delete", "group_id:uuid", "", func(c *Call) ([]any, error) { return none(c.NK.GroupDelete(c.Ctx, c.Str("group_id"))) }),
	fn("group_user_join", "group_id:uuid user_id:uuid username:text", "", func(c *Call) ([]any, error) {
		return none(c.NK.GroupUserJoin(c.Ctx, c.Str("group_id"), c.Str("user_id"), c.Str("username")))
	}),
	fn("group_user_leave", "group_id:uuid user_id:uuid username:text", "", func(c *Call) ([]any, error) {
		return none(c.NK.GroupUserLeave(c.Ctx, c.Str("group_id"), c.Str("user_id"), c.Str("username")))
	}),
	members("group_users_add", func(c *Call) groupChange { return c.NK.GroupUsersAdd }),
	members("group_users_ban", func(c *Call) groupChange { return c.NK.GroupUsersBan }),
	members("group_users_kick", func(c *Call) groupChange { return c.NK.GroupUsersKick }),
	members("group_users_promote", func(c *Call) groupChange { return c.NK.GroupUsersPromote }),
	members("group_users_demote", func(c *Call) groupChange { return c.NK.GroupUsersDemote }),
	fn("group_users_list", "group_id:uuid limit:int=100 state:int? cursor:string=", "group_users cursor", func(c *Call) ([]any, error) {
		if err := c.memberPage(10000); err != nil {
			return nil, err
		}
		all, next, err := c.NK.GroupUsersList(c.Ctx, c.Str("group_id"), c.Int("limit"), c.IntOr("state"), c.Str("cursor"))
		return page(all, next, err, func(m *api.GroupUserList_GroupUser) *Object {
			return new(Object).Add("user", user(m.User)).Add("state", int64(m.State.GetValue()))
		})
	}),
	fn("user_groups_list", "user_id:uuid limit:int=100 state:int? cursor:string=", "user_groups cursor", func(c *Call) ([]any, error) {
		if err := c.memberPage(100); err != nil {
			return nil, err
		}
		all, next, err := c.NK.UserGroupsList(c.Ctx, c.Str("user_id"), c.Int("limit"), c.IntOr("state"), c.Str("cursor"))
		return page(all, next, err, func(m *api.UserGroupList_UserGroup) *Object {
			return new(Object).Add("group", group(m.Group)).Add("state", int64(m.State.GetValue()))
		})
	}),
	fn("groups_list", "name:string= lang_tag:string= open:bool? edge_count:int=-1 limit:int=100 cursor:string=", "groups cursor", func(c *Call) ([]any, error) {
		if err := c.between("limit", 1, 100, "expects limit to be 1-100"); err != nil && c.Lang == JavaScript {
			return nil, err
		}
		var members *int
		if n := c.Int("edge_count"); n >= 0 {
			members = &n
		}
		all, next, err := c.NK.GroupsList(c.Ctx, c.Str("name"), c.Str("lang_tag"), members, c.BoolOr("open"), c.Int("limit"), c.Str("cursor"))
		return page(all, next, err, group)
	}).all(3),
	fn("groups_get_random", "count:int=0", "groups", func(c *Call) ([]any, error) {
		if err := c.count(); err != nil {
			return nil, err
		}
		all, err := c.NK.GroupsGetRandom(c.Ctx, c.Int("count"))
		return rows(all, err, group)
	}).inJS("count:int"),
}

var errGroupExists = errors.New("did not create group as a group already exists with the same name")

// groupOpen is whether an update leaves the group open. The module's function always sets it, so what was not given is
// looked up.
func (c *Call) groupOpen() (bool, error) {
	if open := c.BoolOr("open"); open != nil {
		return *open, nil
	}
	list, err := c.NK.GroupsGetId(c.Ctx, []string{c.Str("group_id")})
	if err != nil || len(list) == 0 {
		return false, err
	}
	return list[0].Open.GetValue(), nil
}

type groupChange func(ctx context.Context, callerID, groupID string, userIDs []string) error

// members is a line for a function that changes who is what in a group.
func members(name string, change func(*Call) groupChange) *Function {
	return fn(name, "group_id:uuid user_ids:uuids caller_id:uuid?", "", func(c *Call) ([]any, error) {
		return none(change(c)(c.Ctx, c.Str("caller_id"), c.Str("group_id"), c.Strings("user_ids")))
	})
}

func (c *Call) memberPage(limit int64) error {
	text := "expects limit to be 1-100"
	if limit > 100 {
		text = "expects limit to be 1-10000"
	}
	if err := c.between("limit", 1, limit, text); err != nil {
		return err
	}
	if s := c.IntOr("state"); s != nil && (*s < 0 || *s > 4) {
		return c.Wrong("state", "expects state to be 0-4")
	}
	return nil
}
