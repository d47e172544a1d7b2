import { nobody, timed } from "../check.js";

export function signin(t, nk) {
  const { userId, ...first } = nk.authenticateCustom("signin-custom", "signin_ann");
  t.is(first, { username: "signin_ann", created: true });
  t.is(nk.authenticateCustom("signin-custom", "another_name"), { userId, username: "signin_ann", created: false });
  t.is(nk.authenticateCustom("signin-custom", undefined, false).userId, userId);
  t.is(nk.authenticateCustom("signin-random").username.length, 10);
  t.wrong("expects id to be a non-empty string", "authenticateCustom", "");
  t.wrong("expects string", "authenticateCustom");
  t.wrong("expects string", "authenticateCustom", 5);
  t.wrong("expects bool", "authenticateCustom", "signin-custom", "x", "yes");
  t.refuses("error authenticating: expects username to be valid, no spaces or control characters allowed", "authenticateCustom", "signin-custom", "a\u0001b");
  t.refuses("error authenticating: expects id to be valid, must be 1-128 bytes", "authenticateCustom", "signin-custom", "x".repeat(129));

  const device = nk.authenticateDevice("signin-device", "signin_ben");
  t.is(nk.authenticateDevice("signin-device"), { ...device, created: false });

  const email = nk.authenticateEmail("Signin@Example.com", "correct horse", "signin_cy");
  t.is(nk.authenticateEmail("signin@example.com", "correct horse"), { ...email, created: false });
  t.is(nk.authenticateEmail(null, "correct horse", "signin_cy"), { ...email, created: false });
  t.wrong("expects username string when email is not supplied", "authenticateEmail", "", "correct horse");
  t.refuses("error authenticating: expects password to be valid, must be longer than 8 characters", "authenticateEmail", "a@example.com", "short");

  t.refuses("error authenticating: Apple authentication is not configured", "authenticateApple", "token");
  t.refuses("error authenticating: Facebook authentication is not configured", "authenticateFacebook", "token", true, "x");
  t.refuses("error authenticating: Facebook Instant Game authentication is not configured", "authenticateFacebookInstantGame", "info");
  t.refuses("error authenticating: Game Center authentication is not configured", "authenticateGameCenter", "p", "b", 1, "s", "s", "u");
  t.wrong("expects timestamp value", "authenticateGameCenter", "p", "b", 0, "s", "s", "u");
  t.refuses("error authenticating: Google authentication is not configured", "authenticateGoogle", "token");
  t.refuses("error authenticating: Steam authentication is not configured", "authenticateSteam", "token", false, "x");

  const { token, exp } = nk.authenticateTokenGenerate(nobody, "anyone", 4102444800, { region: "eu" });
  const claims = JSON.parse(nk.binaryToString(nk.base64UrlDecode(token.split(".")[1], false)));
  t.is([exp, claims.uid, claims.usn, claims.exp, claims.vrs], [4102444800, nobody, "anyone", 4102444800, { region: "eu" }]);
  t.is(nk.authenticateTokenGenerate(userId).exp > Date.now() / 1000, true); // no name is needed
  t.wrong("expects user id to be a valid identifier", "authenticateTokenGenerate", "x", "y");
  t.wrong("expects number", "authenticateTokenGenerate", userId, "y", 5.5);

  nk.sessionLogout(userId);
  t.wrong("expects user id to be a valid identifier", "sessionLogout", "x");
  t.refuses("session token invalid", "sessionLogout", userId, "no token");
  t.refuses("refresh token invalid", "sessionLogout", userId, "", "no token");
}

const profile = (userId, username, more) => ({
  userId, username, displayName: "", avatarUrl: "", langTag: "en", location: "", timezone: "", online: false, edgeCount: 0,
  createTime: "now", updateTime: "now", metadata: {}, ...more,
});

export function account(t, nk) {
  const [ann, annName] = t.user("ann");
  t.is(timed(nk.accountGetId(ann)), { user: profile(ann, annName), wallet: {}, customId: "custom_" + annName });
  t.refuses(`failed to get account for user_id ${nobody}: account not found`, "accountGetId", nobody);
  t.wrong("expects user id to be a valid identifier", "accountGetId", "x");

  nk.linkDevice(ann, "account-device-1");
  t.is(nk.accountsGetId([ann, nobody]).length, 1);
  t.is(nk.accountsGetId(null, ["account-device-1"])[0].user.userId, ann);
  t.is(nk.accountsGetId([]), []);
  t.is(nk.accountGetId(ann).devices, [{ id: "account-device-1" }]);

  nk.accountUpdateId(ann, "ann_renamed", "Ann", "Europe/Berlin", "Berlin", "de", "http://a/b.png", { level: 3 }); // metadata last, unlike Lua
  const renamed = profile(ann, "ann_renamed", {
    displayName: "Ann", timezone: "Europe/Berlin", location: "Berlin", langTag: "de", avatarUrl: "http://a/b.png", metadata: { level: 3 },
  });
  t.is(timed(nk.accountGetId(ann).user), renamed);
  nk.accountUpdateId(ann, null, undefined, "Asia/Tokyo");
  t.is(timed(nk.accountGetId(ann).user), { ...renamed, timezone: "Asia/Tokyo" });
  t.wrong("expects object", "accountUpdateId", ann, null, null, null, null, null, null, "metadata");

  const document = nk.accountExportId(ann);
  t.is(JSON.parse(document).account.user.username, "ann_renamed");
  nk.accountUpdateId(ann, null, null, null, null, null, null, { level: 4 });
  t.is(nk.accountImportId(document, ann).user.metadata, { level: 3 });
  t.is(nk.accountGetId(ann).user.metadata, { level: 3 });
  t.refuses("error importing account: User identifier already exists.", "accountImportId", document);
  t.refuses("expects data to be a valid account export format", "accountImportId", "{}", ann);

  const [ben] = t.user("ben");
  nk.accountDeleteId(ben);
  const [cy] = t.user("cy");
  nk.accountDeleteId(cy, true);
  t.is(nk.accountsGetId([ben, cy]), []);
}

export function users(t, nk) {
  const [ann, annName] = t.user("ann");
  const [ben, benName] = t.user("ben");

  t.is(timed(nk.usersGetId([ann, nobody])), [profile(ann, annName)]);
  t.is(nk.usersGetId(null, ["no facebook id"]), []);
  t.is([nk.usersGetId(), nk.usersGetId([])], [[], []]); // [] is fine, where Lua refuses {}
  t.wrong("expects user ids list to be a list of valid identifiers", "usersGetId", ["x"]);
  t.is(nk.usersGetUsername([benName, "nobody at all"])[0].userId, ben);
  t.is(nk.usersGetUsername([]), []);

  t.is(nk.usersGetFriendStatus(ann, [ben]), []);
  nk.friendsAdd(ann, annName, [ben], null, {});
  const edges = nk.usersGetFriendStatus(ann, [ben, nobody]);
  t.is([edges.length, edges[0].state, edges[0].user.userId], [1, 1, ben]);
  t.is(nk.usersGetFriendStatus(ann, []), []);

  t.is([nk.usersGetRandom(0), nk.usersGetRandom(1).length], [[], 1]);
  t.wrong("expects number", "usersGetRandom"); // which Lua may leave out
  t.wrong("count must be 0-1000", "usersGetRandom", 1001);

  nk.usersBanId([ben]);
  t.is(timed(nk.accountGetId(ben)).disableTime, "now");
  nk.usersUnbanId([ben]);
  t.is(nk.accountGetId(ben).disableTime, undefined);
  t.wrong("expects array", "usersBanId");
}

export function link(t, nk) {
  const [ann, annName] = t.user("ann");
  const [ben] = t.user("ben");
  const last = "error unlinking: rpc error: code = PermissionDenied desc = Cannot unlink last account identifier. Check profile exists and is not last link.";

  t.refuses(last, "unlinkCustom", ann);
  nk.linkDevice(ann, "link-device-1");
  nk.linkDevice(ann, "link-device-2");
  t.is(nk.accountGetId(ann).devices.length, 2);
  t.refuses("error linking: rpc error: code = AlreadyExists desc = Device ID already in use.", "linkDevice", ben, "link-device-1");
  nk.unlinkDevice(ann, "link-device-2");
  t.wrong("expects device id to be a non-empty string", "unlinkDevice", ann, "");
  nk.unlinkCustom(ann);
  t.is(nk.accountGetId(ann).customId, undefined);
  nk.linkCustom(ann, "link-custom-1");
  nk.unlinkCustom(ann, "link-custom-1");
  nk.linkEmail(ann, "Link@Example.com", "correct horse");
  t.is(nk.accountGetId(ann).email, "link@example.com");
  nk.unlinkEmail(ann);
  t.refuses(last, "unlinkDevice", ann, "link-device-1");

  const unavailable = {
    Apple: ["token"], Facebook: [annName, "token", false], FacebookInstantGame: ["info"], GameCenter: ["p", "b", 1, "s", "s", "u"], Google: ["token"],
    Steam: [annName, "token"],
  };
  for (const [provider, args] of Object.entries(unavailable)) {
    t.is(/^GoError: error linking: .* is not configured$/.test(t.fails(() => nk["link" + provider](ann, ...args))), true, provider);
    nk["unlink" + provider](ann); // which she has not
  }
  t.wrong("expects username to be a non-empty string", "linkFacebook", ann, "", "token");
  t.wrong("expects number", "unlinkGameCenter", ann, "p", "b", 1.5);
}
