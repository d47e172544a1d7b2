package bind

import (
	"github.com/heroiclabs/nakama-common/api"
)

func user(u *api.User) *Object {
	if u == nil {
		return new(Object)
	}
	return userInto(new(Object), u)
}

// userInto adds a user's members to an object.
func userInto(o *Object, u *api.User) *Object {
	return o.Add("user_id", u.Id).Add("username", u.Username).Add("display_name", u.DisplayName).Add("avatar_url", u.AvatarUrl).
		Add("lang_tag", u.LangTag).Add("location", u.Location).Add("timezone", u.Timezone).
		AddIf("apple_id", u.AppleId).AddIf("facebook_id", u.FacebookId).AddIf("facebook_instant_game_id", u.FacebookInstantGameId).
		AddIf("google_id", u.GoogleId).AddIf("gamecenter_id", u.GamecenterId).AddIf("steam_id", u.SteamId).
		Add("online", u.Online).Add("edge_count", int64(u.EdgeCount)).Add("create_time", unix(u.CreateTime)).
		Add("update_time", unix(u.UpdateTime)).Add("metadata", jsonValue(u.Metadata))
}

// account has the user's members at its top in Lua as well.
func account(l Lang, a *api.Account) *Object {
	o := new(Object)
	if l == Lua {
		userInto(o, a.User)
	}
	o.Add("user", user(a.User)).Add("wallet", jsonValue(a.Wallet)).AddIf("email", a.Email)
	if len(a.Devices) > 0 {
		o.Add("devices", list(a.Devices, func(d *api.AccountDevice) *Object { return new(Object).Add("id", d.Id) }))
	}
	o.AddIf("custom_id", a.CustomId)
	if a.VerifyTime != nil {
		o.Add("verify_time", unix(a.VerifyTime))
	}
	if a.DisableTime != nil {
		o.Add("disable_time", unix(a.DisableTime))
	}
	return o
}

func friend(f *api.Friend) *Object {
	return new(Object).Add("state", int64(f.State.GetValue())).Add("update_time", unix(f.UpdateTime)).Add("user", user(f.User)).
		Add("metadata", jsonValue(f.Metadata))
}

func friendOfFriend(f *api.FriendsOfFriendsList_FriendOfFriend) *Object {
	return new(Object).Add("referrer", f.Referrer).Add("user", user(f.User))
}

func group(g *api.Group) *Object {
	if g == nil {
		return new(Object)
	}
	return new(Object).Add("id", g.Id).Add("creator_id", g.CreatorId).Add("name", g.Name).Add("description", g.Description).
		Add("avatar_url", g.AvatarUrl).Add("lang_tag", g.LangTag).Add("open", g.Open.GetValue()).Add("edge_count", int64(g.EdgeCount)).
		Add("max_count", int64(g.MaxCount)).Add("create_time", unix(g.CreateTime)).Add("update_time", unix(g.UpdateTime)).
		Add("metadata", jsonValue(g.Metadata))
}
