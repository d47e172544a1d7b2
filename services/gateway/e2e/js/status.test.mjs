// Statuses: who is online, followed by id and by username, in both formats.
import test, { after } from "node:test";
import assert from "node:assert/strict";
import WebSocket from "ws";
import { client, newUser, newSocket as connect, fresh, host, port, nil } from "./lib.mjs";

const sockets = [];
const newSocket = async (...args) => { const s = await connect(...args); sockets.push(s); return s; };
after(() => { for (const s of sockets) s.disconnect(false); }); // open ones would keep the process

/** Collects a socket's status events as "+name=status,-name=status"; .until(n) resolves with the first n. */
function collect(socket) {
  const got = [];
  let check = () => {};
  const words = (sign, list) => (list ?? []).map((p) => `${sign}${p.username}=${p.status}`);
  socket.onstatuspresence = (e) => { got.push([...words("+", e.joins), ...words("-", e.leaves)].join()); check(); };
  return {
    got,
    until: (n) => new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${got.length} of ${n} came: ${got}`)), 5000);
      (check = () => { if (got.length >= n) { clearTimeout(timer); resolve(got); } })();
    }),
  };
}

/** A raw JSON socket whose call(message) resolves with the answer; events are passed over. */
async function raw(session, query = "") {
  const ws = new WebSocket(`ws://${host}:${port}/ws?token=${session.token}${query}`);
  const waiting = new Map(), events = [];
  let cid = 0;
  ws.on("message", (data) => {
    const m = JSON.parse(String(data));
    if (waiting.has(m.cid)) waiting.get(m.cid)(m); else events.push(m);
  });
  await new Promise((resolve, reject) => { ws.on("open", resolve); ws.on("error", reject); });
  return {
    ws, events,
    call: (message) => new Promise((resolve) => { const id = String(++cid); waiting.set(id, resolve); ws.send(JSON.stringify({ cid: id, ...message })); }),
  };
}

for (const format of ["json", "protobuf"]) {
  test(`${format}: followers see a user come, change and go`, async () => {
    const ann = await newUser(), bob = await newUser(), name = ann.username;
    const follower = await newSocket(bob.session, format, false), events = collect(follower);
    assert.deepEqual((await follower.followUsers([ann.id])).presences ?? [], []);
    const socket = await newSocket(ann.session, format);
    await events.until(1);
    await socket.updateStatus("busy");
    await socket.updateStatus("");
    await socket.updateStatus();
    await socket.updateStatus("back");
    socket.disconnect(false);
    await events.until(6);
    assert.deepEqual(events.got, [`+${name}=`, `+${name}=busy,-${name}=`, `+${name}=,-${name}=busy`, `-${name}=`, `+${name}=back`, `-${name}=back`]);
    follower.disconnect(false);
  });

  test(`${format}: follow answers with who is online; unfollow ends it`, async () => {
    const ann = await newUser(), bob = await newUser(), cy = await newUser();
    const one = await newSocket(ann.session, format), two = await newSocket(ann.session, format);
    await newSocket(cy.session, format, false);
    await one.updateStatus("one");
    const follower = await newSocket(bob.session, format, false), events = collect(follower);
    const { presences } = await follower.followUsers([ann.id, bob.id, cy.id, nil]);
    assert.deepEqual(presences.map((p) => [p.user_id, p.username, p.status]).sort(), [[ann.id, ann.username, ""], [ann.id, ann.username, "one"]]);
    assert.equal(new Set(presences.map((p) => p.session_id)).size, 2);
    await two.updateStatus("two");
    await events.until(1);
    await follower.unfollowUsers([ann.id, cy.id]);
    await two.updateStatus("unseen");
    assert.deepEqual((await follower.followUsers([ann.id])).presences.map((p) => p.status).sort(), ["one", "unseen"]);
    assert.deepEqual(events.got, [`+${ann.username}=two,-${ann.username}=`]);
  });
}

test("a session sees its user's other sessions, and appears online in users and friends", async () => {
  const ann = await newUser(), bob = await newUser();
  const online = async () => (await client.getUsers(bob.session, [ann.id])).users[0].online ?? false;
  assert.equal(await online(), false);
  const quiet = await newSocket(ann.session, "json", false), events = collect(quiet);
  assert.equal(await online(), false);
  const other = await newSocket(ann.session);
  assert.deepEqual(await events.until(1), [`+${ann.username}=`]);
  assert.equal(await online(), true);
  await client.addFriends(bob.session, [ann.id]);
  assert.equal((await client.listFriends(bob.session)).friends[0].user.online, true);
  other.disconnect(false);
  await events.until(2);
  assert.equal(await online(), false);
  await quiet.updateStatus("hello");
  assert.equal(await online(), true);
  await quiet.updateStatus();
  assert.equal(await online(), false);
});

test("exact frames: own arrival, names, refusals", async () => {
  const ann = await newUser(), bob = await newUser();
  const a = await raw(ann.session, "&status=true");
  assert.deepEqual(await a.call({ status_follow: {} }), { cid: "1", status: {} });
  const self = { user_id: ann.id, session_id: a.events[0].status_presence_event.joins[0].session_id, username: ann.username, status: "" };
  assert.deepEqual(a.events, [{ status_presence_event: { joins: [self] } }]);
  assert.deepEqual(await a.call({ status_update: { status: "x" } }), { cid: "2" });
  assert.deepEqual(a.events[1], { status_presence_event: { joins: [{ ...self, status: "x" }], leaves: [self] } });
  const b = await raw(bob.session);
  assert.deepEqual(await b.call({ status_follow: { usernames: [ann.username, bob.username, fresh("nobody"), ann.username.toUpperCase()] } }),
    { cid: "1", status: { presences: [{ ...self, status: "x" }] } });
  assert.deepEqual(await b.call({ status_follow: { user_ids: ["x"] } }), { cid: "2", error: { code: 3, message: "Invalid user identifier" } });
  assert.deepEqual(await b.call({ status_follow: { usernames: [""] } }), { cid: "3", error: { code: 3, message: "Invalid username" } });
  assert.deepEqual(await b.call({ status_unfollow: { user_ids: ["x"] } }), { cid: "4", error: { code: 3, message: "Invalid user identifier" } });
  assert.deepEqual(await b.call({ status_update: { status: "x".repeat(2049) } }), { cid: "5", error: { code: 3, message: "Status must be 2048 characters or less" } });
  assert.deepEqual(await b.call({ status_update: {} }), { cid: "6" });
  assert.deepEqual(await b.call({ status_unfollow: { user_ids: [bob.id, ann.id] } }), { cid: "7" });
  assert.deepEqual(await b.call({ status_update: { status: "y" } }), { cid: "8" });
  assert.equal(b.events.length, 1); // following oneself does not end
  a.ws.terminate();
  b.ws.terminate();
});

test("an abrupt end is told, to a hundred followers", async () => {
  const ann = await newUser(), a = await raw(ann.session, "&status=true");
  const users = await Promise.all(Array.from({ length: 10 }, () => newUser()));
  const followers = await Promise.all(Array.from({ length: 100 }, (_, n) => raw(users[n % 10].session)));
  await Promise.all(followers.map((f) => f.call({ status_follow: { user_ids: [ann.id] } })));
  const left = followers.map((f) => new Promise((resolve) => f.ws.on("message", (data) => {
    const e = JSON.parse(String(data)).status_presence_event;
    if (e?.leaves) resolve(e.leaves[0].user_id);
  })));
  a.ws.terminate();
  assert.deepEqual(await Promise.all(left), followers.map(() => ann.id));
  for (const f of followers) f.ws.terminate();
});
