// Match listing with Nakama's client: the arena, which the server was started with, and relayed matches. What server code
// creates is listed too: services/match has the tests.
import test from "node:test";
import assert from "node:assert/strict";
import { client, newUser, newSocket, http, refused } from "./lib.mjs";

const { session } = await newUser();

/** Lists matches; without the wishes that are undefined. */
const list = async ({ limit = 100, authoritative, label, min, max, query } = {}) =>
  (await client.listMatches(session, limit, authoritative, label, min, max, query)).matches ?? [];

const find = async (id, wishes) => (await list(wishes)).find((m) => m.match_id === id);

test("the arena is found by its label, and played over UDP", async () => {
  const arena = (await list({ query: "+handler_name:arena" })).at(-1); // the oldest: other suites may start some
  assert.match(arena.match_id, /^[0-9a-f-]{36}\.nakama$/);
  assert.equal(arena.handler_name, "arena");
  assert.equal(arena.tick_rate, 60);
  assert.equal(arena.authoritative, true);
  assert.equal(arena.size ?? 0, 0);
  assert.deepEqual(JSON.parse(arena.label), { map: "yard", mode: "teams", open: true, players: 0 });

  for (const query of [
    "", "*", "+label.open:T", "+label.mode:teams -label.map:forest", "label.map:y?rd", "label.map:/y.*d/", "label.mode:team~ label.players:>9",
    "+label.players:>=0 +label.players:<16", "+handler_name:arena +tick_rate:60 +node:nakama", '+create_time:>"2026-01-01"', `+label_string:*yard*`,
  ]) {
    assert.deepEqual(await find(arena.match_id, { query }), arena, query);
  }
  for (const query of ["+label.open:F", "label.mode:rank*", "-handler_name:arena", "+label.players:>0", "arena", "+node:elsewhere", '+create_time:<"2026-01-01"']) {
    assert.equal(await find(arena.match_id, { query }), undefined, query);
  }
  assert.deepEqual(await find(arena.match_id, { label: arena.label }), arena);
  assert.equal(await find(arena.match_id, { label: "{}" }), undefined);
  assert.deepEqual(await find(arena.match_id, { authoritative: true, min: 0, max: 16 }), arena);
  assert.equal(await find(arena.match_id, { query: "*", min: 1 }), undefined);

  // a socket is no way in; the API issues a connect token for the match as listed
  const socket = await newSocket(session);
  await assert.rejects(socket.joinMatch(arena.match_id), (e) => e.code === 5 && /over UDP/.test(e.message));
  socket.disconnect(false);
  const { status, body } = await http("POST", "/v2/connect", { token: session.token, body: { match_id: arena.match_id } });
  assert.equal(status, 200);
  assert.ok(body.token.length > 100);
});

test("relayed matches are listed with their size of the moment, and not where labels are asked for", async () => {
  const [ann, bob] = [await newSocket(session), await newSocket((await newUser()).session)];
  const { match_id } = await ann.createMatch();
  const relayed = { authoritative: false };
  assert.deepEqual(await find(match_id, relayed), { match_id, size: 1 });
  await bob.joinMatch(match_id);
  assert.deepEqual(await find(match_id, relayed), { match_id, size: 2 });
  assert.ok(await find(match_id, { ...relayed, min: 2, max: 2 }));
  assert.equal(await find(match_id, { ...relayed, min: 3 }), undefined);
  assert.equal(await find(match_id, { ...relayed, max: 1 }), undefined);

  const all = await list();
  assert.equal(all[0].authoritative, true); // these come first
  assert.ok(all.some((m) => m.match_id === match_id));
  assert.equal((await list({ limit: 1 })).length, 1);
  assert.equal(await find(match_id, { query: "*" }), undefined);
  assert.equal(await find(match_id, { label: "" }), undefined);
  assert.equal(await find(match_id, { authoritative: true }), undefined);

  await bob.leaveMatch(match_id);
  assert.deepEqual(await find(match_id, relayed), { match_id, size: 1 });
  await ann.leaveMatch(match_id);
  assert.equal(await find(match_id, relayed), undefined);
  ann.disconnect(false);
  bob.disconnect(false);
});

test("what is refused", async () => {
  const get = (query) => http("GET", `/v2/match?${query}`, { token: session.token });
  const wants = async (query, message) => assert.deepEqual((await get(query)).body, { code: 3, message }, query);
  await wants("limit=0", "Invalid limit - limit must be between 1 and 100.");
  await wants("limit=101", "Invalid limit - limit must be between 1 and 100.");
  await wants("authoritative=false&label=x&query=%2B", "Label filtering is not supported for non-authoritative matches.");
  await wants("authoritative=false&query=%2B&min_size=-1", "Query filtering is not supported for non-authoritative matches.");
  await wants("min_size=-1&max_size=-1", "Minimum size must be 0 or above.");
  await wants("max_size=-1", "Maximum size must be 0 or above.");
  await wants("min_size=2&max_size=1", "Maximum size must be greater than or equal to minimum size when both are specified.");
  await wants("query=label.mode:", "Query is invalid.");
  await wants("query=label.mode:/a(/", "Query is invalid.");
  assert.equal((await http("GET", "/v2/match")).status, 401);
  await refused(client.listMatches(session, 101), 3, "Invalid limit - limit must be between 1 and 100.");
  const { status, body } = await get("limit=100");
  assert.equal(status, 200);
  assert.ok(body.matches.length >= 1);
});
