package nk

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/heroiclabs/nakama-common/api"

	"github.com/skirmishgg/skirmish/services/session/sessiontest"
)

func TestSignIn(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		user, name, created, err := d.AuthenticateDevice(t.Context(), "device-0001", "dora", true)
		is(t, "dora true", err, name, " ", created)
		again, name, created, err := d.AuthenticateDevice(t.Context(), "device-0001", "", false)
		is(t, "dora false", err, name, " ", created)
		if again != user {
			t.Errorf("signed in as %s and %s", user, again)
		}
		_, name, created, err = d.AuthenticateCustom(t.Context(), "custom-1", "", true)
		is(t, "10 true", err, len(name), " ", created)
		mail, _, created, err := d.AuthenticateEmail(t.Context(), "E@Example.com", "password", "emil", true)
		is(t, "true", err, created)
		byName, _, _, err := d.AuthenticateEmail(t.Context(), "", "password", "emil", true)
		is(t, mail, err, byName)

		f := func(want string, f func() (string, string, bool, error)) {
			t.Helper()
			_, _, _, err := f()
			refused(t, want, err)
		}
		ctx := t.Context()
		f("rpc error: code = NotFound desc = User account not found.", func() (string, string, bool, error) { return d.AuthenticateDevice(ctx, "device-0002", "", false) })
		f("rpc error: code = AlreadyExists desc = Username is already in use.", func() (string, string, bool, error) { return d.AuthenticateDevice(ctx, "device-0002", "emil", true) })
		f("rpc error: code = Unauthenticated desc = Invalid credentials.", func() (string, string, bool, error) {
			return d.AuthenticateEmail(ctx, "e@example.com", "passwort", "", false)
		})
		f("expects username to be valid, no spaces or control characters allowed", func() (string, string, bool, error) { return d.AuthenticateDevice(ctx, "device-0002", "\x01", true) })
		f("expects id to be valid, must be 1-128 bytes", func() (string, string, bool, error) {
			return d.AuthenticateDevice(ctx, "device-0002", strings.Repeat("n", 129), true)
		})
		f("expects username string when email is not supplied", func() (string, string, bool, error) { return d.AuthenticateEmail(ctx, "", "password", "", true) })
		f("Apple authentication is not configured", func() (string, string, bool, error) { return d.AuthenticateApple(ctx, "t", "", true) })
		f("Steam authentication is not configured", func() (string, string, bool, error) { return d.AuthenticateSteam(ctx, "t", "", true) })

		token, exp, err := d.AuthenticateTokenGenerate(anna, "anna", 0, map[string]string{"a": "b"})
		is(t, "60", err, exp-d.Now().Unix())
		if got, err := d.c.Sessions.Verify(token); err != nil || got.UserID != annaID || got.Vars["a"] != "b" {
			t.Errorf("the token is %v, %v", got, err)
		}
		_, _, err = d.AuthenticateTokenGenerate("x", "anna", 0, nil)
		refused(t, "expects user id to be a valid identifier", err)
		must(t, d.SessionLogout(anna, token, ""))
		if _, err := d.c.Sessions.Verify(token); err == nil {
			t.Error("the token outlives a logout")
		}
		refused(t, "session token invalid", d.SessionLogout(anna, "x", ""))
		refused(t, "refresh token invalid", d.SessionLogout(anna, "", "x"))
	})
}

func TestLinks(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		ctx := t.Context()
		must(t, d.LinkDevice(ctx, anna, "device-0001"))
		must(t, d.LinkCustom(ctx, anna, "custom-1"))
		must(t, d.LinkEmail(ctx, anna, "anna@example.com", "password"))
		a, err := d.AccountGetId(ctx, anna)
		is(t, "device-0001 custom-1 anna@example.com", err, a.Devices[0].Id, " ", a.CustomId, " ", a.Email)
		refused(t, "rpc error: code = AlreadyExists desc = Device ID already in use.", d.LinkDevice(ctx, ben, "device-0001"))
		refused(t, "rpc error: code = InvalidArgument desc = Invalid custom ID, must be 6-128 bytes.", d.LinkCustom(ctx, ben, "c"))
		refused(t, "rpc error: code = InvalidArgument desc = Password must be at least 8 characters long.", d.LinkEmail(ctx, ben, "ben", "p"))
		refused(t, "Google authentication is not configured", d.LinkGoogle(ctx, anna, "t"))

		must(t, d.UnlinkDevice(ctx, anna, "device-0001"))
		must(t, d.UnlinkCustom(ctx, anna, ""))
		must(t, d.UnlinkGoogle(ctx, anna, "")) // there is none
		refused(t, "Google authentication is not configured", d.UnlinkGoogle(ctx, anna, "t"))
		refused(t, "rpc error: code = PermissionDenied desc = Cannot unlink last account identifier. Check profile exists and is not last link.", d.UnlinkEmail(ctx, anna, ""))
	})
}

func names(users []*api.User) string {
	var list []string
	for _, u := range users {
		list = append(list, u.Username)
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

func TestAccounts(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		ctx := t.Context()
		must(t, d.LinkDevice(ctx, ben, "device-0001"))
		list, err := d.AccountsGetId(ctx, []string{anna, nobody, anna}, []string{"device-0001", "none", "\x00"})
		is(t, "2 anna ben", err, len(list), " ", list[0].User.Username, " ", list[1].User.Username)
		_, err = d.AccountGetId(ctx, nobody)
		refused(t, "account not found", err)
		_, err = d.AccountGetId(ctx, "x")
		refused(t, "expects each user id to be a valid identifier", err)

		must(t, d.AccountUpdateId(ctx, anna, "anna2", map[string]any{"n": 1}, "Anna", "", "", "", ""))
		must(t, d.AccountUpdateId(ctx, anna, "", nil, "", "UTC", "", "", ""))
		a, err := d.AccountGetId(ctx, anna)
		is(t, `anna2 Anna UTC en {"n": 1}`, err, a.User.Username, " ", a.User.DisplayName, " ", a.User.Timezone, " ", a.User.LangTag, " ", a.User.Metadata)
		refused(t, "rpc error: code = AlreadyExists desc = Username is already in use.", d.AccountUpdateId(ctx, anna, "ben", nil, "", "", "", "", ""))
		refused(t, "account not found", d.AccountUpdateId(ctx, nobody, "x", nil, "", "", "", "", ""))

		must(t, d.AccountDeleteId(ctx, cara, false))
		users, err := d.UsersGetId(ctx, []string{anna, ben, cara}, nil)
		is(t, "anna2 ben", err, names(users))
		users, err = d.UsersGetUsername(ctx, []string{"ben", "none"})
		is(t, "ben", err, names(users))
		users, err = d.UsersGetId(ctx, nil, nil)
		is(t, "0", err, len(users))
		for _, count := range []int{0, 1, 2, 1000} {
			users, err = d.UsersGetRandom(ctx, count)
			is(t, map[int]string{0: "0", 1: "1"}[min(count, 1)], err, min(len(users), 1))
			if want := min(count, 2); len(users) != want {
				t.Errorf("%d random users of 2: %s", count, names(users))
			}
		}
		_, err = d.UsersGetRandom(ctx, 1001)
		refused(t, "count must be 0-1000", err)
	})
}

func TestBan(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		ctx := t.Context()
		must(t, d.LinkDevice(ctx, anna, "device-0001"))
		token, _, err := d.AuthenticateTokenGenerate(anna, "anna", 0, nil)
		must(t, err)
		c := d.open(annaID, "anna")
		d.Advance(1e9)
		must(t, d.UsersBanId(ctx, []string{anna, nobody}))
		_, _, _, err = d.AuthenticateDevice(ctx, "device-0001", "", false)
		refused(t, "rpc error: code = PermissionDenied desc = User account banned.", err)
		if _, err := d.c.Sessions.Verify(token); err == nil {
			t.Error("a banned user's token is good")
		}
		if got := sessiontest.Notifications(c.Take()); len(got) != 1 || got[0].Subject != "banned" {
			t.Errorf("the session got %v", got)
		}
		a, err := d.AccountGetId(ctx, anna)
		is(t, "true", err, a.DisableTime != nil)
		must(t, d.UsersUnbanId(ctx, []string{anna}))
		_, _, _, err = d.AuthenticateDevice(ctx, "device-0001", "", false)
		must(t, err)
		a, err = d.AccountGetId(ctx, anna)
		is(t, "false", err, a.DisableTime != nil)
		if err := d.UsersBanId(ctx, []string{"x"}); err == nil || errors.Is(err, errUser) {
			t.Errorf("%v", err)
		}
	})
}

func TestFriends(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		ctx := t.Context()
		must(t, d.FriendsAdd(ctx, anna, "anna", []string{ben}, []string{"cara"}, map[string]any{"n": 1}))
		must(t, d.FriendsAdd(ctx, ben, "ben", []string{anna}, nil, nil))
		list, next, err := d.FriendsList(ctx, anna, 1, nil, "")
		is(t, "ben 0", err, list[0].User.Username, " ", list[0].State.Value)
		list, next, err = d.FriendsList(ctx, anna, 1, nil, next)
		is(t, `cara 1 {"n": 1} `, err, list[0].User.Username, " ", list[0].State.Value, " ", list[0].Metadata, " ", next)
		invited := 1
		list, _, err = d.FriendsList(ctx, anna, 10, &invited, "")
		is(t, "1 cara", err, len(list), " ", list[0].User.Username)

		must(t, d.FriendMetadataUpdate(ctx, anna, ben, map[string]any{"close": true}))
		ties, err := d.UsersGetFriendStatus(ctx, anna, []string{nobody, ben})
		is(t, `1 ben 0 {"close": true}`, err, len(ties), " ", ties[0].User.Username, " ", ties[0].State.Value, " ", ties[0].Metadata)
		ties, err = d.UsersGetFriendStatus(ctx, ben, []string{anna})
		is(t, `{}`, err, ties[0].Metadata)
		refused(t, "friend not found", d.FriendMetadataUpdate(ctx, anna, nobody, map[string]any{}))

		must(t, d.FriendsAdd(ctx, cara, "cara", []string{ben}, nil, nil))
		must(t, d.FriendsAdd(ctx, ben, "ben", []string{cara}, nil, nil))
		far, _, err := d.FriendsOfFriendsList(ctx, cara, 10, "")
		is(t, "1 anna "+ben, err, len(far), " ", far[0].User.Username, " ", far[0].Referrer)

		must(t, d.FriendsDelete(ctx, anna, "anna", nil, []string{"cara"}))
		must(t, d.FriendsBlock(ctx, anna, "anna", []string{ben}, nil))
		list, _, err = d.FriendsList(ctx, anna, 10, nil, "")
		is(t, "1 ben 3", err, len(list), " ", list[0].User.Username, " ", list[0].State.Value)

		refused(t, "cannot add self as friend", d.FriendsAdd(ctx, anna, "anna", []string{anna}, nil, nil))
		refused(t, "cannot delete self", d.FriendsDelete(ctx, anna, "anna", []string{anna}, nil))
		refused(t, "cannot block self", d.FriendsBlock(ctx, anna, "anna", nil, []string{"anna"}))
		refused(t, "no valid ID or username was provided", d.FriendsAdd(ctx, anna, "anna", nil, nil, nil))
		_, _, err = d.FriendsList(ctx, anna, 10, nil, "x")
		refused(t, "friend cursor invalid", err)
		wrong := 4
		_, _, err = d.FriendsList(ctx, anna, 10, &wrong, "")
		refused(t, "expects state to be 0-3", err)
		_, _, err = d.FriendsList(ctx, anna, 0, nil, "")
		refused(t, "expects limit to be 1-1000", err)
	})
}

func TestTransfer(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		ctx := t.Context()
		must(t, d.AccountUpdateId(ctx, anna, "", map[string]any{"level": 1}, "Anna", "", "", "", ""))
		document, err := d.AccountExportId(ctx, anna)
		must(t, err)
		must(t, d.AccountUpdateId(ctx, anna, "", map[string]any{"level": 2}, "", "", "", "", ""))
		a, err := d.AccountImportId(ctx, document, anna)
		is(t, anna+` {"level": 1}`, err, a.User.Id, " ", a.User.Metadata)

		_, err = d.AccountImportId(ctx, document, "")
		refused(t, "error importing account: User identifier already exists.", err)
		must(t, d.AccountDeleteId(ctx, anna, false))
		_, err = d.AccountImportId(ctx, document, anna)
		refused(t, "error importing account: Error updating user account during import.", err)
		a, err = d.AccountImportId(ctx, document, "")
		is(t, system+" anna Anna", err, a.User.Id, " ", a.User.Username, " ", a.User.DisplayName)
		again, err := d.AccountExportId(ctx, anna)
		is(t, document, err, again)

		_, err = d.AccountImportId(ctx, "{}", anna)
		refused(t, "expects data to be a valid account export format", err)
		_, err = d.AccountImportId(ctx, document, "x")
		refused(t, "expects an empty or valid user id", err)
		_, err = d.AccountExportId(ctx, "x")
		refused(t, "expects user id to be a valid identifier", err)
		_, err = d.AccountExportId(ctx, nobody)
		refused(t, "error exporting account: account not found", err)
	})
}
