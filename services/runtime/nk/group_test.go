package nk

import (
	"errors"
	"testing"

	"github.com/heroiclabs/nakama-common/runtime"
)

func TestGroups(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		ctx := t.Context()
		g, err := d.GroupCreate(ctx, anna, "Clan", ben, "", "text", "", false, map[string]any{"n": 1}, 3)
		is(t, ben+` en text false {"n": 1} 1 3`, err, g.CreatorId, " ", g.LangTag, " ", g.Description, " ", g.Open.Value, " ", g.Metadata, " ", g.EdgeCount, " ", g.MaxCount)
		_, err = d.GroupCreate(ctx, anna, "Clan", "", "", "", "", true, nil, 3)
		if err != runtime.ErrGroupNameInUse {
			t.Errorf("a taken name: %v", err)
		}
		_, err = d.GroupCreate(ctx, anna, "Other", "x", "", "", "", true, nil, 3)
		is(t, "true", nil, errors.Is(err, runtime.ErrGroupCreatorInvalid))
		_, err = d.GroupCreate(ctx, anna, "Other", "", "", "", "", true, nil, 0)
		refused(t, "expects max_count to be >= 1", err)
		_, err = d.GroupCreate(ctx, anna, "", "", "", "", "", true, nil, 1)
		refused(t, "expects group name not be empty", err)

		must(t, d.GroupUserJoin(ctx, g.Id, ben, "ben")) // closed: a request
		must(t, d.GroupUsersAdd(ctx, "", g.Id, []string{cara}))
		members, next, err := d.GroupUsersList(ctx, g.Id, 2, nil, "")
		is(t, "anna0 cara2", err, members[0].User.Username, members[0].State.Value, " ", members[1].User.Username, members[1].State.Value)
		members, next, err = d.GroupUsersList(ctx, g.Id, 2, nil, next)
		is(t, "ben3 ", err, members[0].User.Username, members[0].State.Value, " ", next)

		must(t, d.GroupUsersPromote(ctx, anna, g.Id, []string{cara}))
		mine, _, err := d.UserGroupsList(ctx, cara, 10, nil, "")
		is(t, "Clan 1", err, mine[0].Group.Name, " ", mine[0].State.Value)
		must(t, d.GroupUsersDemote(ctx, "", g.Id, []string{cara}))
		must(t, d.GroupUsersKick(ctx, "", g.Id, []string{cara}))
		must(t, d.GroupUsersBan(ctx, "", g.Id, []string{ben}))
		banned := 4
		members, _, err = d.GroupUsersList(ctx, g.Id, 10, &banned, "")
		is(t, "1 ben", err, len(members), " ", members[0].User.Username)

		refused(t, "cannot add the root user", d.GroupUsersAdd(ctx, "", g.Id, []string{system}))
		refused(t, "cannot kick the root user", d.GroupUsersKick(ctx, "", g.Id, []string{system}))
		for _, f := range []struct {
			got, want error
		}{
			{d.GroupUsersAdd(ctx, cara, g.Id, []string{ben}), runtime.ErrGroupPermissionDenied},
			{d.GroupUsersAdd(ctx, "", nobody, []string{ben}), runtime.ErrGroupNotFound},
			{d.GroupUsersAdd(ctx, "", g.Id, []string{nobody}), runtime.ErrGroupUserNotFound},
			{d.GroupUserJoin(ctx, nobody, ben, "ben"), runtime.ErrGroupNotFound},
			{d.GroupDelete(ctx, nobody), runtime.ErrGroupNotFound},
			{d.GroupUpdate(ctx, nobody, "", "x", "", "", "", "", true, nil, 0), runtime.ErrGroupNotFound},
			{d.GroupUpdate(ctx, g.Id, cara, "x", "", "", "", "", true, nil, 0), runtime.ErrGroupPermissionDenied},
		} {
			if f.got != f.want {
				t.Errorf("refused with %v, want %v", f.got, f.want)
			}
		}

		must(t, d.GroupUpdate(ctx, g.Id, "", "Clan2", cara, "de", "", "", true, nil, 1))
		list, err := d.GroupsGetId(ctx, []string{g.Id, nobody, g.Id})
		is(t, "1 Clan2 de text true 1 "+cara, err, len(list), " ", list[0].Name, " ", list[0].LangTag, " ", list[0].Description, " ", list[0].Open.Value, " ", list[0].MaxCount, " ", list[0].CreatorId)
		if err := d.GroupUserJoin(ctx, g.Id, cara, "cara"); err != runtime.ErrGroupFull {
			t.Errorf("a full group: %v", err)
		}
		list, _, err = d.GroupsList(ctx, "clan%", "", nil, nil, 10, "")
		is(t, "1 Clan2", err, len(list), " ", list[0].Name)
		_, _, err = d.GroupsList(ctx, "clan%", "de", nil, nil, 10, "")
		refused(t, "name filter cannot be combined with any other filter", err)
		list, err = d.GroupsGetRandom(ctx, 5)
		is(t, "1 Clan2", err, len(list), " ", list[0].Name)

		_, _, err = d.GroupUsersList(ctx, g.Id, 10, nil, "x")
		is(t, "true", nil, err == runtime.ErrGroupUserInvalidCursor)
		_, _, err = d.UserGroupsList(ctx, anna, 10, nil, "x")
		is(t, "true", nil, err == runtime.ErrUserGroupInvalidCursor)

		must(t, d.GroupUserLeave(ctx, g.Id, anna, "anna")) // alone: the group ends
		list, err = d.GroupsGetId(ctx, []string{g.Id})
		is(t, "0", err, len(list))
		list, err = d.GroupsGetRandom(ctx, 5)
		is(t, "0", err, len(list))
	})
}
