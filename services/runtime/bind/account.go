package bind

import (
	"fmt"

	"github.com/heroiclabs/nakama-common/api"
)

// signedIn are the results of every sign-in.
const signedIn = "user_id username created"

var signIn = []*Function{
	fn("authenticate_apple", "token:text username:string= create:bool=true", signedIn, func(c *Call) ([]any, error) {
		return in(c.NK.AuthenticateApple(c.Ctx, c.Str("token"), c.Str("username"), c.Bool("create")))
	}),
	fn("authenticate_custom", "id:text username:string= create:bool=true", signedIn, func(c *Call) ([]any, error) {
		return in(c.NK.AuthenticateCustom(c.Ctx, c.Str("id"), c.Str("username"), c.Bool("create")))
	}),
	fn("authenticate_device", "id:text username:string= create:bool=true", signedIn, func(c *Call) ([]any, error) {
		return in(c.NK.AuthenticateDevice(c.Ctx, c.Str("id"), c.Str("username"), c.Bool("create")))
	}),
	fn("authenticate_email", "email:string= password:text username:string= create:bool=true", signedIn, func(c *Call) ([]any, error) {
		if c.Str("email") == "" && c.Str("username") == "" {
			return nil, c.Wrong("username", "expects username string when email is not supplied")
		}
		return in(c.NK.AuthenticateEmail(c.Ctx, c.Str("email"), c.Str("password"), c.Str("username"), c.Bool("create")))
	}),
	fn("authenticate_facebook", "token:text import_friends:bool=true username:string= create:bool=true", signedIn, func(c *Call) ([]any, error) {
		return in(c.NK.AuthenticateFacebook(c.Ctx, c.Str("token"), c.Bool("import_friends"), c.Str("username"), c.Bool("create")))
	}),
	fn("authenticate_facebook_instant_game", "signed_player_info:text username:string= create:bool=true", signedIn, func(c *Call) ([]any, error) {
		return in(c.NK.AuthenticateFacebookInstantGame(c.Ctx, c.Str("signed_player_info"), c.Str("username"), c.Bool("create")))
	}),
	fn("authenticate_game_center", gameCenter+" username:string= create:bool=true", signedIn, func(c *Call) ([]any, error) {
		if c.Int64("timestamp") == 0 {
			return nil, c.Wrong("timestamp", "expects timestamp value")
		}
		return in(c.NK.AuthenticateGameCenter(c.Ctx, c.Str("player_id"), c.Str("bundle_id"), c.Int64("timestamp"), c.Str("salt"),
			c.Str("signature"), c.Str("public_key_url"), c.Str("username"), c.Bool("create")))
	}),
	fn("authenticate_google", "token:text username:string= create:bool=true", signedIn, func(c *Call) ([]any, error) {
		return in(c.NK.AuthenticateGoogle(c.Ctx, c.Str("token"), c.Str("username"), c.Bool("create")))
	}),
	fn("authenticate_steam", "token:text import_friends:bool=true username:string= create:bool=true", signedIn, func(c *Call) ([]any, error) {
		return in(c.NK.AuthenticateSteam(c.Ctx, c.Str("token"), c.Str("username"), c.Bool("create")))
	}),
	fn("authenticate_token_generate", "user_id:uuid username:text exp:int=0 vars:tags?", "token exp", func(c *Call) ([]any, error) {
		token, exp, err := c.NK.AuthenticateTokenGenerate(c.Str("user_id"), c.Str("username"), c.Int64("exp"), c.Tags("vars"))
		return []any{token, exp}, err
	}).inJS("user_id:uuid username:string= exp:int=0 vars:tags?"),
}

const gameCenter = "player_id:text bundle_id:text timestamp:int salt:text signature:text public_key_url:text"

func in(userID, username string, created bool, err error) ([]any, error) {
	return failed("error authenticating", []any{userID, username, created}, err)
}

var accounts = []*Function{
	fn("account_get_id", "user_id:uuid", "account", func(c *Call) ([]any, error) {
		a, err := c.NK.AccountGetId(c.Ctx, c.Str("user_id"))
		if err != nil {
			return nil, fmt.Errorf("failed to get account for user_id %s: %w", c.Str("user_id"), err)
		}
		return []any{account(c.Lang, a)}, nil
	}),
	fn("accounts_get_id", "user_ids:uuids? device_ids:strings?", "accounts", func(c *Call) ([]any, error) {
		all, err := c.NK.AccountsGetId(c.Ctx, c.Strings("user_ids"), c.Strings("device_ids"))
		return rows(all, err, func(a *api.Account) *Object { return account(c.Lang, a) })
	}),
	fn("account_update_id", "user_id:uuid metadata:object? username:string= display_name:string= timezone:string= location:string= lang_tag:string= avatar_url:string=", "",
		func(c *Call) ([]any, error) {
			return none(c.NK.AccountUpdateId(c.Ctx, c.Str("user_id"), c.Str("username"), c.Object("metadata"), c.Str("display_name"),
				c.Str("timezone"), c.Str("location"), c.Str("lang_tag"), c.Str("avatar_url")))
		}).inJS("user_id:uuid username:string= display_name:string= timezone:string= location:string= lang_tag:string= avatar_url:string= metadata:object?"),
	fn("account_delete_id", "user_id:uuid recorded:bool=false", "", func(c *Call) ([]any, error) {
		return none(c.NK.AccountDeleteId(c.Ctx, c.Str("user_id"), c.Bool("recorded")))
	}),
	fn("account_export_id", "user_id:uuid", "document", func(c *Call) ([]any, error) {
		return one(c.NK.AccountExportId(c.Ctx, c.Str("user_id")))
	}),
	fn("account_import_id", "data:text user_id:string=", "account", func(c *Call) ([]any, error) {
		a, err := c.NK.AccountImportId(c.Ctx, c.Str("data"), c.Str("user_id"))
		if err != nil {
			return nil, err
		}
		return []any{account(c.Lang, a)}, nil
	}),
}

var users = []*Function{
	fn("users_get_id", "user_ids_list:uuids!? facebook_ids:strings?", "users", func(c *Call) ([]any, error) {
		all, err := c.NK.UsersGetId(c.Ctx, c.Strings("user_ids_list"), c.Strings("facebook_ids"))
		return rows(all, err, user)
	}),
	fn("users_get_username", "usernames:strings", "users", func(c *Call) ([]any, error) {
		all, err := c.NK.UsersGetUsername(c.Ctx, c.Strings("usernames"))
		return rows(all, err, user)
	}),
	fn("users_get_friend_status", "user_id:uuid user_ids_list:uuids!", "friends", func(c *Call) ([]any, error) {
		all, err := c.NK.UsersGetFriendStatus(c.Ctx, c.Str("user_id"), c.Strings("user_ids_list"))
		return rows(all, err, friend)
	}),
	fn("users_get_random", "count:int=0", "users", func(c *Call) ([]any, error) {
		if err := c.count(); err != nil {
			return nil, err
		}
		all, err := c.NK.UsersGetRandom(c.Ctx, c.Int("count"))
		return rows(all, err, user)
	}).inJS("count:int"),
	fn("users_ban_id", "user_ids:uuids", "", func(c *Call) ([]any, error) { return none(c.NK.UsersBanId(c.Ctx, c.Strings("user_ids"))) }),
	fn("users_unban_id", "user_ids:uuids", "", func(c *Call) ([]any, error) { return none(c.NK.UsersUnbanId(c.Ctx, c.Strings("user_ids"))) }),
}

// count checks a count of random picks.
func (c *Call) count() error {
	if n := c.Int64("count"); n < 0 || n > 1000 {
		return c.Wrong("count", "count must be 0-1000")
	}
	return nil
}

var links = []*Function{
	link("link_apple", "user_id:uuid token:text", func(c *Call) error { return c.NK.LinkApple(c.Ctx, c.Str("user_id"), c.Str("token")) }),
	link("link_custom", "user_id:uuid custom_id:text", func(c *Call) error {
		return c.NK.LinkCustom(c.Ctx, c.Str("user_id"), c.Str("custom_id"))
	}),
	link("link_device", "user_id:uuid device_id:text", func(c *Call) error {
		return c.NK.LinkDevice(c.Ctx, c.Str("user_id"), c.Str("device_id"))
	}),
	link("link_email", "user_id:uuid email:text password:text", func(c *Call) error {
		return c.NK.LinkEmail(c.Ctx, c.Str("user_id"), c.Str("email"), c.Str("password"))
	}),
	link("link_facebook", "user_id:uuid username:text token:text import_friends:bool=true", func(c *Call) error {
		return c.NK.LinkFacebook(c.Ctx, c.Str("user_id"), c.Str("username"), c.Str("token"), c.Bool("import_friends"))
	}),
	link("link_facebook_instant_game", "user_id:uuid signed_player_info:text", func(c *Call) error {
		return c.NK.LinkFacebookInstantGame(c.Ctx, c.Str("user_id"), c.Str("signed_player_info"))
	}),
	link("link_gamecenter", "user_id:uuid "+gameCenter, func(c *Call) error {
		return c.NK.LinkGameCenter(c.Ctx, c.Str("user_id"), c.Str("player_id"), c.Str("bundle_id"), c.Int64("timestamp"), c.Str("salt"),
			c.Str("signature"), c.Str("public_key_url"))
	}).as("linkGameCenter"),
	link("link_google", "user_id:uuid token:text", func(c *Call) error { return c.NK.LinkGoogle(c.Ctx, c.Str("user_id"), c.Str("token")) }),
	link("link_steam", "user_id:uuid username:text token:text import_friends:bool=true", func(c *Call) error {
		return c.NK.LinkSteam(c.Ctx, c.Str("user_id"), c.Str("username"), c.Str("token"), c.Bool("import_friends"))
	}),
	link("unlink_apple", "user_id:uuid token:string=", func(c *Call) error { return c.NK.UnlinkApple(c.Ctx, c.Str("user_id"), c.Str("token")) }),
	link("unlink_custom", "user_id:uuid custom_id:string=", func(c *Call) error {
		return c.NK.UnlinkCustom(c.Ctx, c.Str("user_id"), c.Str("custom_id"))
	}),
	link("unlink_device", "user_id:uuid device_id:text", func(c *Call) error {
		return c.NK.UnlinkDevice(c.Ctx, c.Str("user_id"), c.Str("device_id"))
	}),
	link("unlink_email", "user_id:uuid email:string=", func(c *Call) error { return c.NK.UnlinkEmail(c.Ctx, c.Str("user_id"), c.Str("email")) }),
	link("unlink_facebook", "user_id:uuid token:string=", func(c *Call) error {
		return c.NK.UnlinkFacebook(c.Ctx, c.Str("user_id"), c.Str("token"))
	}),
	link("unlink_facebook_instant_game", "user_id:uuid signed_player_info:string=", func(c *Call) error {
		return c.NK.UnlinkFacebookInstantGame(c.Ctx, c.Str("user_id"), c.Str("signed_player_info"))
	}),
	link("unlink_gamecenter", "user_id:uuid player_id:string= bundle_id:string= timestamp:int=0 salt:string= signature:string= public_key_url:string=", func(c *Call) error {
		return c.NK.UnlinkGameCenter(c.Ctx, c.Str("user_id"), c.Str("player_id"), c.Str("bundle_id"), c.Int64("timestamp"), c.Str("salt"),
			c.Str("signature"), c.Str("public_key_url"))
	}).as("unlinkGameCenter"),
	link("unlink_google", "user_id:uuid token:string=", func(c *Call) error { return c.NK.UnlinkGoogle(c.Ctx, c.Str("user_id"), c.Str("token")) }),
	link("unlink_steam", "user_id:uuid token:string=", func(c *Call) error { return c.NK.UnlinkSteam(c.Ctx, c.Str("user_id"), c.Str("token")) }),
}

// link is a line for a function that joins or parts an account and an identity.
func link(name, params string, run func(*Call) error) *Function {
	tried := "error linking"
	if name[0] == 'u' {
		tried = "error unlinking"
	}
	return fn(name, params, "", func(c *Call) ([]any, error) { return failed(tried, nil, run(c)) })
}
