local check = require("check")

check.area("signin", function(t, nk)
  local id, username, created = nk.authenticate_custom("signin-custom", "signin_ann")
  t.are({ n = 2, username, created }, "signin_ann", true)
  t.are({ n = 3, id, "signin_ann", false }, nk.authenticate_custom("signin-custom", "another_name"))
  t.are({ n = 3, id, "signin_ann", false }, nk.authenticate_custom("signin-custom", nil, false))
  local _, random, fresh = nk.authenticate_custom("signin-random")
  t.is({ #random, fresh }, { 10, true })
  t.wrong(1, "expects id to be a non-empty string", "authenticate_custom", "")
  t.wrong(1, "string expected, got nil", "authenticate_custom")
  t.wrong(3, "boolean expected, got string", "authenticate_custom", "signin-custom", "x", "yes")
  t.refuses("error authenticating: expects username to be valid, no spaces or control characters allowed", "authenticate_custom", "signin-custom", "a\1b")
  t.refuses("error authenticating: expects id to be valid, must be 1-128 bytes", "authenticate_custom", "signin-custom", string.rep("x", 129))

  local device = nk.authenticate_device("signin-device", "signin_ben")
  t.are({ n = 3, device, "signin_ben", false }, nk.authenticate_device("signin-device"))

  local email = nk.authenticate_email("Signin@Example.com", "correct horse", "signin_cy")
  t.are({ n = 3, email, "signin_cy", false }, nk.authenticate_email("signin@example.com", "correct horse"))
  t.are({ n = 3, email, "signin_cy", false }, nk.authenticate_email("", "correct horse", "signin_cy"))
  t.wrong(3, "expects username string when email is not supplied", "authenticate_email", "", "correct horse")
  t.refuses("error authenticating: expects password to be valid, must be longer than 8 characters", "authenticate_email", "a@example.com", "short")

  t.refuses("error authenticating: Apple authentication is not configured", "authenticate_apple", "token")
  t.refuses("error authenticating: Facebook authentication is not configured", "authenticate_facebook", "token", true, "x")
  t.refuses("error authenticating: Facebook Instant Game authentication is not configured", "authenticate_facebook_instant_game", "info")
  t.refuses("error authenticating: Game Center authentication is not configured", "authenticate_game_center", "p", "b", 1, "s", "s", "u")
  t.wrong(3, "expects timestamp value", "authenticate_game_center", "p", "b", 0, "s", "s", "u")
  t.refuses("error authenticating: Google authentication is not configured", "authenticate_google", "token")
  t.refuses("error authenticating: Steam authentication is not configured", "authenticate_steam", "token", false, "x")

  local token, exp = nk.authenticate_token_generate(check.nobody, "anyone", 4102444800, { region = "eu" })
  t.is(exp, 4102444800)
  local claims = nk.json_decode(nk.base64url_decode(string.match(token, "%.(.*)%.")))
  t.is({ claims.uid, claims.usn, claims.exp, claims.vrs }, { check.nobody, "anyone", 4102444800, { region = "eu" } })
  local _, later = nk.authenticate_token_generate(id, "signin_ann") -- which lives as long as sessions do
  t.is(math.abs(later - os.time() - nk.get_config().session.token_expiry_sec) < 5, true)
  t.wrong(2, "string expected, got nil", "authenticate_token_generate", id)
  t.wrong(1, "expects user id to be a valid identifier", "authenticate_token_generate", "x", "y")

  nk.session_logout(id)
  t.wrong(1, "expects user id to be a valid identifier", "session_logout", "x")
  t.refuses("session token invalid", "session_logout", id, "no token")
  t.refuses("refresh token invalid", "session_logout", id, "", "no token")
end)

local function profile(id, username, more)
  local user = {
    user_id = id, username = username, display_name = "", avatar_url = "", lang_tag = "en", location = "", timezone = "",
    online = false, edge_count = 0, create_time = "now", update_time = "now", metadata = {},
  }
  for k, v in pairs(more or {}) do user[k] = v end
  return user
end

-- account_of has the user's members twice: at its top, and under user.
local function account_of(user, more)
  local account = { user = user, wallet = {} }
  for k, v in pairs(user) do account[k] = v end
  for k, v in pairs(more) do account[k] = v end
  return account
end

check.area("account", function(t, nk)
  local ann, ann_name = t.user("ann")
  local fresh = account_of(profile(ann, ann_name), { custom_id = "custom_" .. ann_name })
  t.is(check.timed(nk.account_get_id(ann)), fresh)
  t.refuses("failed to get account for user_id " .. check.nobody .. ": account not found", "account_get_id", check.nobody)
  t.wrong(1, "expects user id to be a valid identifier", "account_get_id", "x")

  nk.link_device(ann, "account-device-1")
  t.is(#nk.accounts_get_id({ ann, check.nobody }), 1)
  t.is(nk.accounts_get_id(nil, { "account-device-1" })[1].user_id, ann)
  t.is(nk.accounts_get_id({}), {})
  t.is(nk.account_get_id(ann).devices, { { id = "account-device-1" } })

  nk.account_update_id(ann, { level = 3 }, "ann_renamed", "Ann", "Europe/Berlin", "Berlin", "de", "http://a/b.png")
  local renamed = profile(ann, "ann_renamed", {
    display_name = "Ann", timezone = "Europe/Berlin", location = "Berlin", lang_tag = "de", avatar_url = "http://a/b.png", metadata = { level = 3 },
  })
  t.is(check.timed(nk.account_get_id(ann).user), renamed)
  nk.account_update_id(ann, nil, "", "", "Asia/Tokyo") -- "" leaves as it is, like nil
  renamed.timezone = "Asia/Tokyo"
  t.is(check.timed(nk.account_get_id(ann).user), renamed)
  t.wrong(2, "table expected, got string", "account_update_id", ann, "metadata")

  local document = nk.account_export_id(ann)
  t.is(nk.json_decode(document).account.user.username, "ann_renamed")
  nk.account_update_id(ann, { level = 4 })
  t.is(check.timed(nk.account_import_id(document, ann).user), renamed)
  t.is(nk.account_get_id(ann).user.metadata, { level = 3 })
  t.refuses("error importing account: User identifier already exists.", "account_import_id", document)
  t.refuses("error importing account: Error updating user account during import.", "account_import_id", document, check.nobody)
  t.refuses("expects data to be a valid account export format", "account_import_id", "{}", ann)
  t.refuses("error exporting account: account not found", "account_export_id", check.nobody)

  local ben = t.user("ben")
  nk.account_delete_id(ben)
  t.is(nk.accounts_get_id({ ben }), {})
  local cy = t.user("cy")
  nk.account_delete_id(cy, true)
  t.is(nk.accounts_get_id({ cy }), {})
end)

check.area("users", function(t, nk)
  local ann, ann_name = t.user("ann")
  local ben, ben_name = t.user("ben")

  t.is(check.timed(nk.users_get_id({ ann, check.nobody })), { profile(ann, ann_name) })
  t.is(nk.users_get_id(nil, { "no facebook id" }), {})
  t.is(nk.users_get_id(), {})
  t.wrong(1, "invalid user ids list", "users_get_id", {}) -- an object, as Lua converts it
  t.wrong(1, "expects user ids list to be a list of valid identifiers", "users_get_id", { "x" })
  t.is(nk.users_get_username({ ben_name, "nobody at all" })[1].user_id, ben)
  t.is(nk.users_get_username({}), {})

  t.is(nk.users_get_friend_status(ann, { ben }), {})
  nk.friends_add(ann, ann_name, { ben })
  local edges = nk.users_get_friend_status(ann, { ben, check.nobody })
  t.is({ #edges, edges[1].state, edges[1].user.user_id }, { 1, 1, ben })
  t.wrong(2, "invalid user ids list", "users_get_friend_status", ann, {})

  t.is(nk.users_get_random(0), {})
  t.is(nk.users_get_random(), {}) -- 0 is Lua's default
  t.is(#nk.users_get_random(1), 1)
  t.wrong(1, "count must be 0-1000", "users_get_random", 1001)

  nk.users_ban_id({ ben })
  t.is(check.timed(nk.account_get_id(ben)).disable_time, "now")
  nk.users_unban_id({ ben })
  t.is(nk.account_get_id(ben).disable_time, nil)
  t.wrong(1, "table expected, got nil", "users_ban_id")
end)

check.area("link", function(t, nk)
  local ann, ann_name = t.user("ann")
  local ben = t.user("ben")
  local last = "error unlinking: rpc error: code = PermissionDenied desc = Cannot unlink last account identifier. Check profile exists and is not last link."

  t.refuses(last, "unlink_custom", ann)
  nk.link_device(ann, "link-device-1")
  nk.link_device(ann, "link-device-2")
  t.is(#nk.account_get_id(ann).devices, 2)
  t.refuses("error linking: rpc error: code = AlreadyExists desc = Device ID already in use.", "link_device", ben, "link-device-1")
  nk.unlink_device(ann, "link-device-2")
  t.wrong(2, "expects device id to be a non-empty string", "unlink_device", ann, "")
  nk.unlink_custom(ann) -- whatever it is
  t.is(nk.account_get_id(ann).custom_id, nil)
  nk.link_custom(ann, "link-custom-1")
  t.is(nk.account_get_id(ann).custom_id, "link-custom-1")
  nk.unlink_custom(ann, "link-custom-1")
  nk.link_email(ann, "Link@Example.com", "correct horse")
  t.is(nk.account_get_id(ann).email, "link@example.com")
  nk.unlink_email(ann)
  t.is(nk.account_get_id(ann).email, nil)
  t.refuses(last, "unlink_device", ann, "link-device-1")

  local unavailable = {
    apple = { "token" }, facebook = { ann_name, "token", false }, facebook_instant_game = { "info" }, gamecenter = { "p", "b", 1, "s", "s", "u" },
    google = { "token" }, steam = { ann_name, "token" },
  }
  for provider, arguments in pairs(unavailable) do
    local ok, err = pcall(nk["link_" .. provider], ann, unpack(arguments))
    t.is({ ok, string.match(tostring(err), "error linking: .* is not configured$") ~= nil }, { false, true }, provider .. tostring(err))
    nk["unlink_" .. provider](ann) -- which she has not
  end
  t.wrong(2, "expects username to be a non-empty string", "link_facebook", ann, "", "token")
end)
