// Accounts, users, linking and unlinking.
import test from "node:test";
import assert from "node:assert/strict";
import { client, newUser, fresh, refused, http, nil } from "./lib.mjs";

test("a new account as its owner sees it", async () => {
  const { session, device, id, username } = await newUser();
  const a = await client.getAccount(session);
  assert.equal(a.user.id, id);
  assert.equal(a.user.username, username);
  assert.equal(a.user.lang_tag, "en");
  assert.equal(a.user.metadata, "{}");
  assert.equal(a.wallet, "{}");
  assert.deepEqual(a.devices, [{ id: device }]);
  assert.equal(a.user.edge_count, undefined);
  assert.equal(a.email, undefined);
  assert.match(a.user.create_time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
});

test("update: absent keeps, empty clears, a refusal changes nothing", async () => {
  const { session, username } = await newUser();
  await client.updateAccount(session, { display_name: "Ann", location: "Oslo", timezone: "CET", avatar_url: "http://x/y.png", lang_tag: "no" });
  let u = (await client.getAccount(session)).user;
  assert.deepEqual([u.display_name, u.location, u.timezone, u.avatar_url, u.lang_tag], ["Ann", "Oslo", "CET", "http://x/y.png", "no"]);
  await client.updateAccount(session, { location: "" });
  u = (await client.getAccount(session)).user;
  assert.equal(u.location, undefined);
  assert.equal(u.display_name, "Ann");

  await refused(client.updateAccount(session, {}), 3, "No fields to update.");
  await refused(client.updateAccount(session, { username: "" }), 3, "Username invalid, must be 1-128 bytes.");
  await refused(client.updateAccount(session, { username: "a\nb" }), 3, "Username invalid, no spaces or control characters allowed.");
  const other = await newUser();
  await refused(client.updateAccount(session, { display_name: "Eve", username: other.username }), 3,
    "rpc error: code = AlreadyExists desc = Username is already in use.");
  for (const bad of [{ display_name: "x".repeat(256) }, { lang_tag: "" }, { lang_tag: "x".repeat(19) }, { avatar_url: "x".repeat(513) }, { location: "a\u0000b" }]) {
    const r = await http("PUT", "/v2/account", { token: session.token, body: { ...bad, timezone: "changed" } });
    assert.equal(r.body.code, 3, JSON.stringify(bad));
  }
  u = (await client.getAccount(session)).user;
  assert.deepEqual([u.display_name, u.username, u.timezone], ["Ann", username, "CET"]);
  await client.updateAccount(session, { display_name: "é".repeat(255) });

  const before = (await client.getAccount(session)).user.update_time;
  await client.updateAccount(session, { timezone: "CET" });
  assert.equal((await client.getAccount(session)).user.update_time, before);
});

test("users by id and name", async () => {
  const a = await newUser(), b = await newUser();
  const { users } = await client.getUsers(a.session, [a.id, b.id], [b.username], []);
  assert.deepEqual(users.map((u) => u.id).sort(), [a.id, b.id].sort());
  assert.deepEqual((await http("GET", "/v2/user", { token: a.session.token })).body, {});
  const system = await http("GET", `/v2/user?ids=${nil}`, { token: a.session.token });
  assert.equal(system.body.users.length, 1);
  assert.equal(system.body.users[0].username, undefined);
  const upper = await http("GET", `/v2/user?ids=${a.id.toUpperCase()}&ids=${a.id.replaceAll("-", "")}`, { token: a.session.token });
  assert.equal(upper.body.users.length, 1);
  assert.deepEqual((await http("GET", "/v2/user?ids=nonsense", { token: a.session.token })).body, { code: 3, message: "ID 'nonsense' is not a valid system ID." });
  assert.deepEqual((await http("GET", `/v2/user?usernames=${a.username.toUpperCase()}X`, { token: a.session.token })).body, {});
});

test("link and unlink devices, custom ids and e-mail", async () => {
  const { session, device } = await newUser(), other = await newUser();
  const second = fresh("device"), custom = fresh("custom"), email = `${fresh("m")}@example.com`;
  await refused(client.unlinkDevice(session, { id: device }), 7, "Cannot unlink last account identifier. Check profile exists and is not last link.");
  await client.linkDevice(session, { id: second });
  await client.linkDevice(session, { id: second });
  await refused(client.linkDevice(other.session, { id: second }), 6, "Device ID already in use.");
  await client.linkCustom(session, { id: custom });
  await refused(client.linkCustom(other.session, { id: custom }), 6, "Custom ID is already in use.");
  await client.linkEmail(session, { email: email.toUpperCase(), password: "battery staple" });
  await refused(client.linkEmail(other.session, { email, password: "battery staple" }), 6, "Email is already in use.");
  const a = await client.getAccount(session);
  assert.equal(a.custom_id, custom);
  assert.equal(a.email, email);
  assert.deepEqual(a.devices.map((d) => d.id).sort(), [device, second].sort());
  for (const s of [await client.authenticateDevice(second, false), await client.authenticateCustom(custom, false), await client.authenticateEmail(email, "battery staple", false)]) {
    assert.equal(s.user_id, session.user_id);
  }
  await client.unlinkDevice(session, { id: device });
  await client.unlinkDevice(session, { id: second });
  await client.unlinkCustom(session, {});
  await client.unlinkCustom(session, {});
  await refused(client.unlinkEmail(session, { email }), 7, "Cannot unlink last account identifier. Check profile exists and is not last link.");
  await refused(client.unlinkDevice(session, {}), 3, "A device ID must be supplied.");
  await refused(client.linkDevice(session, {}), 3, "Device ID is required.");
  await refused(client.linkCustom(session, { id: "a b c d" }), 3, "Invalid custom ID, no spaces or control characters allowed.");
  await refused(client.linkCustom(session, { id: "abc" }), 3, "Invalid custom ID, must be 6-128 bytes.");
  await refused(client.linkEmail(session, {}), 3, "Email address and password is required.");
});

test("delete: the account, its devices and its tokens are gone", async () => {
  const { session, device, username } = await newUser(), other = await newUser();
  await client.writeStorageObjects(session, [{ collection: "c", key: "k", value: { a: 1 }, permission_read: 2 }]);
  await new Promise((r) => setTimeout(r, 1100)); // a token of the second of the deletion survives it
  await client.deleteAccount(session);
  const r = await http("GET", "/v2/account", { token: session.token });
  assert.deepEqual(r.body, { code: 16, message: "Auth token invalid" });
  await refused(client.authenticateDevice(device, false), 5, "User account not found.");
  assert.deepEqual((await http("GET", `/v2/user?usernames=${username}`, { token: other.session.token })).body, {});
  assert.deepEqual((await http("GET", `/v2/storage/c/${session.user_id}?limit=10`, { token: other.session.token })).body, {});
  const again = await client.authenticateDevice(device, true, username);
  assert.notEqual(again.user_id, session.user_id);
});
