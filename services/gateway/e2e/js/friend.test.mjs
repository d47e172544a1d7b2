// Friends: every transition, listings, friends of friends.
import test, { after } from "node:test";
import assert from "node:assert/strict";
import { client, newUser, newSocket as connect, next, fresh, refused, http, nil } from "./lib.mjs";

const sockets = [];
const newSocket = async (...args) => { const s = await connect(...args); sockets.push(s); return s; };
after(() => { for (const s of sockets) s.disconnect(false); }); // open ones would keep the process

const call = (method, path, u, query) => http(method, `${path}?${new URLSearchParams(query)}`, { token: u.session.token });
const list = (u, query = {}) => call("GET", "/v2/friend", u, query);
const state = async (u, other) => (await client.listFriends(u.session)).friends.find((f) => f.user.id === other.id)?.state;
const tie = async (a, b) => [await state(a, b), await state(b, a)];
const codes = async (u) => (await client.listNotifications(u.session, 100)).notifications.map((n) => n.code);
const edges = async (u) => (await client.getAccount(u.session)).user.edge_count ?? 0;
const pair = () => Promise.all([newUser(), newUser()]);

test("invited, accepted, removed", async () => {
  const [a, b] = await pair();
  await client.addFriends(a.session, [b.id]);
  assert.deepEqual(await tie(a, b), [1, 2]);
  await client.addFriends(a.session, [b.id]); // no second invitation
  assert.deepEqual(await codes(b), [-2]);
  await client.addFriends(b.session, undefined, [a.username]);
  assert.deepEqual(await tie(a, b), [0, 0]);
  assert.deepEqual(await codes(a), [-3]);
  assert.deepEqual([await edges(a), await edges(b)], [1, 1]);
  await client.deleteFriends(a.session, [b.id]);
  assert.deepEqual(await tie(a, b), [undefined, undefined]);
  assert.deepEqual(await codes(b), [-2, -9]);
  assert.deepEqual([await edges(a), await edges(b)], [0, 0]);
});

test("declined, taken back", async () => {
  const [a, b] = await pair();
  await client.addFriends(a.session, [b.id]);
  await client.deleteFriends(b.session, [a.id]);
  assert.deepEqual(await codes(a), [-9]);
  await client.addFriends(a.session, [b.id]);
  await client.deleteFriends(a.session, [b.id]);
  assert.deepEqual(await codes(b), [-2, -2, -9]);
  assert.deepEqual(await tie(a, b), [undefined, undefined]);
});

test("blocks", async () => {
  const [a, b] = await pair();
  await client.addFriends(a.session, [b.id]);
  await client.blockFriends(b.session, [a.id]);
  assert.deepEqual(await tie(a, b), [undefined, 3]);
  await client.addFriends(a.session, [b.id]);
  await client.addFriends(b.session, [a.id]);
  await client.deleteFriends(a.session, [b.id]);
  assert.deepEqual(await tie(a, b), [undefined, 3]);
  await client.blockFriends(a.session, undefined, [b.username]);
  assert.deepEqual(await tie(a, b), [3, 3]);
  assert.deepEqual([await edges(a), await edges(b)], [1, 1]);
  await client.deleteFriends(b.session, [a.id]);
  assert.deepEqual(await tie(a, b), [3, undefined]);
  await client.deleteFriends(a.session, [b.id]);
  assert.deepEqual(await tie(a, b), [undefined, undefined]);
  assert.deepEqual(await codes(a), []);
  assert.deepEqual(await codes(b), [-2]);
});

for (const format of ["json", "protobuf"]) {
  test(`${format}: both are told live`, async () => {
    const [a, b] = await pair();
    const sa = await newSocket(a.session, format), sb = await newSocket(b.session, format);
    const asked = next((f) => { sb.onnotification = f; });
    await client.addFriends(a.session, [b.id]);
    const invite = await asked;
    assert.deepEqual([invite.code, invite.subject, invite.sender_id], [-2, `${a.username} wants to add you as a friend`, a.id]);
    const answered = next((f) => { sa.onnotification = f; });
    await client.addFriends(b.session, [a.id]);
    const accepted = await answered;
    assert.deepEqual([accepted.code, accepted.subject], [-3, `${b.username} accepted your friend request`]);
    const removed = next((f) => { sb.onnotification = f; });
    await client.deleteFriends(a.session, [b.id]);
    assert.deepEqual([(await removed).code, (await removed).subject], [-9, `${a.username} removed you as a friend`]);
  });
}

test("malformed calls", async () => {
  const [a, b] = await pair();
  for (const [method, path, verb, told] of [["POST", "/v2/friend", "add self as friend", true], ["DELETE", "/v2/friend", "delete self", false], ["POST", "/v2/friend/block", "block self", true]]) {
    const f = async (query, message) => {
      const r = await call(method, path, a, query);
      assert.deepEqual(message ? r.body : { status: r.status, body: r.body }, message ? { code: 3, message } : { status: 200, body: {} }, `${method} ${path} ${JSON.stringify(query)}`);
    };
    const own = [a.id, a.id.toUpperCase(), a.id.replaceAll("-", "")];
    for (const ids of own) await f({ ids }, `Cannot ${verb}.`);
    await f({ usernames: a.username }, `Cannot ${verb}.`);
    await f({ ids: "x" }, "Invalid user ID 'x'.");
    await f({ ids: "" }, "Invalid user ID ''.");
    await f({ ids: nil }, `Invalid user ID '${nil}'.`);
    await f({ ids: b.id, usernames: "" }, "Username must not be empty.");
    await f({ usernames: fresh("nobody") }, told ? "No valid ID or username was provided." : undefined);
    await f({ ids: "00000000-0000-4000-8000-000000000001" });
    await f({});
    assert.equal((await call(method, path, a, { usernames: "a\u0000" })).body.code, 3);
    const body = await http(method, path, { token: a.session.token, body: { ids: [b.id] } }); // query parameters only
    assert.deepEqual(body.body, {});
  }
  assert.deepEqual(await tie(a, b), [undefined, undefined]);
});

test("metadata: any JSON, normalised, each side its own", async () => {
  const [a, b] = await pair();
  const add = (from, to, metadata) => call("POST", "/v2/friend", from, { ids: to.id, metadata });
  for (const bad of ["x", "{", '{"a":"\\u0000"}', '"\\ud800"', "1e999999"]) assert.equal((await add(a, b, bad)).body.code, 3, bad);
  assert.deepEqual((await list(a)).body, {});
  await add(a, b, '{"bb":1e2,"a":[1.50]}');
  await add(b, a, "[1]");
  const of = async (u) => (await list(u)).body.friends[0].metadata;
  assert.equal(await of(a), '{"a": [1.50], "bb": 100}');
  assert.equal(await of(b), "[{}, 1]");
});

test("the list: order, pages, states, cursors", async () => {
  const a = await newUser(), others = [];
  for (let n = 0; n < 6; n++) others.push(await newUser());
  const [f1, f2, sent1, sent2, received, blocked] = others;
  for (const u of [sent1, sent2, f1, f2]) await client.addFriends(a.session, [u.id]);
  await client.addFriends(received.session, [a.id]);
  await client.blockFriends(a.session, [blocked.id]);
  for (const u of [f2, f1]) await client.addFriends(u.session, [a.id]);
  const want = others.map((u) => u.id), ids = (r) => (r.body.friends ?? []).map((f) => f.user.id);
  const whole = await list(a);
  assert.deepEqual(ids(whole), want);
  assert.equal(whole.body.cursor, undefined);
  assert.deepEqual(whole.body.friends.map((f) => f.state), [0, 0, 1, 1, 2, 3]);
  assert.equal(whole.body.friends[0].user.edge_count, undefined);
  assert.match(whole.body.friends[0].update_time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  for (const limit of [1, 2, 3, 5, 6]) {
    const got = [];
    let cursor;
    do {
      const page = await list(a, cursor ? { limit, cursor } : { limit });
      got.push(...ids(page));
      cursor = page.body.cursor;
    } while (cursor);
    assert.deepEqual(got, want, `${limit} a page`);
  }
  assert.deepEqual(ids(await list(a, { state: 1 })), [sent1.id, sent2.id]);
  const { cursor } = (await list(a, { state: 1, limit: 1 })).body;
  assert.deepEqual(ids(await list(a, { state: 1, cursor })), [sent2.id]);
  const invalid = { code: 3, message: "Cursor is invalid." };
  assert.deepEqual((await list(a, { state: 0, cursor })).body, invalid);
  assert.deepEqual((await list(a, { cursor: "nonsense" })).body, invalid);
  for (const limit of [0, 1001]) assert.deepEqual((await list(a, { limit })).body, { code: 3, message: "Invalid limit - limit must be between 1 and 1000." });
  await refused(client.listFriends(a.session, 4), 3, "Invalid state - state must be between 0 and 3.");
});

test("friends of friends, page after page", async () => {
  const [a, b, c, d] = await Promise.all(Array.from({ length: 4 }, () => newUser()));
  const far = await Promise.all(Array.from({ length: 3 }, () => newUser()));
  const befriend = async (x, y) => { await client.addFriends(x.session, [y.id]); await client.addFriends(y.session, [x.id]); };
  for (const u of [b, c, d]) await befriend(a, u);
  await befriend(b, c);
  for (const [x, y] of [[b, far[0]], [b, far[1]], [c, far[1]], [d, far[2]]]) await befriend(x, y);
  const want = [[b, far[0]], [b, far[1]], [c, far[1]], [d, far[2]]].sort(([x], [y]) => (x.id < y.id ? -1 : x.id > y.id ? 1 : 0)).map(([x, y]) => [x.id, y.id]);
  for (const limit of [1, 2, 3, 10]) {
    const got = [];
    let cursor;
    do {
      const page = await client.listFriendsOfFriends(a.session, limit, cursor);
      got.push(...page.friends_of_friends.map((f) => [f.referrer, f.user.id]));
      cursor = page.cursor;
    } while (cursor);
    assert.deepEqual(got, want, `${limit} a page`);
  }
  await refused(client.listFriendsOfFriends(a.session, 101), 3, "Invalid limit - limit must be between 1 and 100.");
  await refused(client.listFriendsOfFriends(a.session, 10, "nonsense"), 3, "Cursor is invalid.");
});

test("both add at once: friends, told once each", async () => {
  for (let n = 0; n < 10; n++) {
    const [a, b] = await pair();
    await Promise.all([client.addFriends(a.session, [b.id]), client.addFriends(b.session, [a.id])]);
    assert.deepEqual(await tie(a, b), [0, 0]);
    assert.deepEqual([...(await codes(a)), ...(await codes(b))].sort(), [-2, -3]);
    assert.deepEqual([await edges(a), await edges(b)], [1, 1]);
  }
});

test("fifty invitations of one user at once", async () => {
  const a = await newUser(), others = await Promise.all(Array.from({ length: 50 }, () => newUser()));
  await Promise.all(others.map((u) => client.addFriends(u.session, [a.id])));
  assert.equal((await client.listFriends(a.session, 2)).friends.length, 50);
  assert.equal(await edges(a), 50);
  assert.deepEqual(await codes(a), others.map(() => -2));
});
