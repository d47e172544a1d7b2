// Signing in, refreshing and signing out: client-facing rules of authentication and session tokens.
import test from "node:test";
import assert from "node:assert/strict";
import { client, newClient, newUser, fresh, refused, http, claims } from "./lib.mjs";

test("device: created once, then found; name and vars in the token", async () => {
  const id = fresh("device"), name = fresh("u").slice(0, 16);
  const first = await client.authenticateDevice(id, true, name, { colour: "red" });
  assert.equal(first.created, true);
  assert.equal(first.username, name);
  const again = await client.authenticateDevice(id, true, name);
  assert.equal(again.created, false);
  assert.equal(again.user_id, first.user_id);
  const c = claims(first.token), r = claims(first.refresh_token);
  assert.deepEqual(Object.keys(c), ["tid", "uid", "usn", "vrs", "exp", "iat"]);
  assert.deepEqual(c.vrs, { colour: "red" });
  assert.equal(c.tid, r.tid);
  assert.equal(claims(again.token).vrs, undefined);
});

test("device: refusals", async () => {
  await refused(client.authenticateDevice("", true), 3, "Device ID is required.");
  await refused(client.authenticateDevice("short", true), 3, "Device ID invalid, must be 10-128 bytes.");
  await refused(client.authenticateDevice("has a space in it", true), 3, "Device ID invalid, no spaces or control characters allowed.");
  await refused(client.authenticateDevice("d".repeat(129), true), 3, "Device ID invalid, must be 10-128 bytes.");
  await refused(client.authenticateDevice(fresh("device"), false), 5, "User account not found.");
  await refused(client.authenticateDevice(fresh("device"), true, "tab\there"), 3, "Username invalid, no spaces or control characters allowed.");
  await refused(client.authenticateDevice(fresh("device"), true, "n".repeat(129)), 3, "Username invalid, must be 1-128 bytes.");
  const { username } = await newUser();
  await refused(client.authenticateDevice(fresh("device"), true, username), 6, "Username is already in use.");
  await refused(newClient("wrong").authenticateDevice(fresh("device"), true), 16, "Server key invalid");
});

test("a generated username has ten letters", async () => {
  const s = await client.authenticateDevice(fresh("device"), true);
  assert.match(s.username, /^[A-Za-z]{10}$/);
});

test("custom id", async () => {
  const id = fresh("custom");
  const s = await client.authenticateCustom(id, true);
  assert.equal((await client.authenticateCustom(id, false)).user_id, s.user_id);
  await refused(client.authenticateCustom("", true), 3, "Custom ID is required.");
  await refused(client.authenticateCustom("12345", true), 3, "Custom ID invalid, must be 6-128 bytes.");
  await refused(client.authenticateCustom("12 456", true), 3, "Custom ID invalid, no spaces or control characters allowed.");
});

test("e-mail", async () => {
  const email = `${fresh("m")}@Example.COM`, name = fresh("mail").slice(0, 20);
  const s = await client.authenticateEmail(email, "correct horse", true, name);
  assert.equal(s.created, true);
  assert.equal((await client.authenticateEmail(email.toLowerCase(), "correct horse", false)).user_id, s.user_id);
  const byName = await http("POST", `/v2/account/authenticate/email?username=${name}`, { basic: "defaultkey:", body: { password: "correct horse" } });
  assert.equal(byName.status, 200);
  await refused(client.authenticateEmail(email, "wrong password", true), 16, "Invalid credentials.");
  await refused(client.authenticateEmail("no-at-sign.example", "correct horse", true), 3, "Invalid email address format.");
  await refused(client.authenticateEmail("a@b.cd", "correct horse", true), 3, "Invalid email address, must be 10-255 bytes.");
  await refused(client.authenticateEmail(email, "short", true), 3, "Password must be at least 8 characters long.");
  await refused(client.authenticateEmail("", "correct horse", true), 3, "Username is required when email address is not supplied.");
  await refused(client.authenticateEmail(`${fresh()}@example.com`, "correct horse", false), 5, "User account not found.");
  await refused(client.authenticateEmail(`${fresh()}@example.com`, "x".repeat(73), true), 3, "Password must be at most 72 bytes long.");
});

test("fifty first sign-ins with one identifier make one account", async () => {
  const id = fresh("device");
  const all = await Promise.all(Array.from({ length: 50 }, () => client.authenticateDevice(id, true)));
  assert.equal(new Set(all.map((s) => s.user_id)).size, 1);
  assert.equal(all.filter((s) => s.created).length, 1);
});

test("refresh keeps the family and takes new vars", async () => {
  const { session } = await newUser({ a: "1" });
  const before = claims(session.token);
  const kept = await http("POST", "/v2/account/session/refresh", { basic: "defaultkey:", body: { token: session.refresh_token } });
  assert.equal(kept.status, 200);
  const c = claims(kept.body.token);
  assert.equal(c.tid, before.tid);
  assert.equal(c.iat, before.iat);
  assert.deepEqual(c.vrs, { a: "1" });
  assert.equal(kept.body.created, undefined);
  const replaced = await http("POST", "/v2/account/session/refresh", { basic: "defaultkey:", body: { token: session.refresh_token, vars: { b: "2" } } });
  assert.deepEqual(claims(replaced.body.token).vrs, { b: "2" });
  const f = async (token, code, message) => {
    const r = await http("POST", "/v2/account/session/refresh", { basic: "defaultkey:", body: { token } });
    assert.deepEqual(r.body, { code, message });
  };
  await f("", 3, "Refresh token is required.");
  await f("nonsense", 16, "Refresh token invalid or expired.");
  await f(session.token, 16, "Refresh token invalid or expired.");
});

test("logout ends the family", async () => {
  const { session } = await newUser();
  const other = await newUser();
  await refused(client.sessionLogout(session, other.session.token, ""), 3, "Session token invalid.");
  await refused(client.sessionLogout(session, "", other.session.refresh_token), 3, "Refresh token invalid.");
  const refreshed = await http("POST", "/v2/account/session/refresh", { basic: "defaultkey:", body: { token: session.refresh_token } });
  await client.sessionLogout(session, session.token, session.refresh_token);
  const auto = new Error("no");
  for (const token of [session.token, refreshed.body.token]) {
    const r = await http("GET", "/v2/account", { token });
    assert.equal(r.status, 401, auto);
    assert.deepEqual(r.body, { code: 16, message: "Auth token invalid" });
    assert.equal(r.headers.get("www-authenticate"), "Auth token invalid");
  }
  const again = await http("POST", "/v2/account/session/refresh", { basic: "defaultkey:", body: { token: session.refresh_token } });
  assert.deepEqual(again.body, { code: 16, message: "Refresh token invalid or expired." });
});

test("credentials that are missing or foreign", async () => {
  const f = async (method, path, how, message) => {
    const r = await http(method, path, how);
    assert.equal(r.status, 401);
    assert.deepEqual(r.body, { code: 16, message });
  };
  await f("GET", "/v2/account", {}, "Auth token required");
  await f("GET", "/v2/account", { token: "a.b.c" }, "Auth token invalid");
  await f("GET", "/v2/account", { basic: "defaultkey:" }, "Auth token invalid");
  await f("POST", "/v2/account/authenticate/device", { body: { id: "1234567890" } }, "Server key required");
  await f("POST", "/v2/account/authenticate/device", { body: { id: "1234567890" }, headers: { Authorization: "Bearer x" } }, "Server key invalid");
});
