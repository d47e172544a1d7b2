// Notifications: live on every socket of the recipient, and in his list until he deletes them.
import test, { after } from "node:test";
import assert from "node:assert/strict";
import { client, newUser, newSocket as connect, refused, http } from "./lib.mjs";

const sockets = [];
const newSocket = async (...args) => { const s = await connect(...args); sockets.push(s); return s; };
after(() => { for (const s of sockets) s.disconnect(false); }); // open ones would keep the process

const list = (u, query = "") => http("GET", `/v2/notification${query}`, { token: u.session.token });

/** Collects a socket's notifications; .until(n) resolves with the first n. */
function collect(socket) {
  const got = [];
  let check = () => {};
  socket.onnotification = (n) => { got.push(n); check(); };
  return {
    got,
    until: (n) => new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${got.length} of ${n} came`)), 5000);
      (check = () => { if (got.length >= n) { clearTimeout(timer); resolve(got); } })();
    }),
  };
}

for (const format of ["json", "protobuf"]) {
  test(`${format}: each socket of the recipient gets a notification once, as it is in the list`, async () => {
    const ann = await newUser(), bob = await newUser();
    const one = collect(await newSocket(bob.session, format)), two = collect(await newSocket(bob.session, format, false));
    const other = collect(await newSocket(ann.session, format));
    await client.addFriends(ann.session, [bob.id]);
    await client.deleteFriends(ann.session, [bob.id]);
    await Promise.all([one.until(2), two.until(2)]);
    for (const { got } of [one, two]) {
      assert.deepEqual(got.map((n) => n.code), [-2, -9]);
      assert.equal(got[0].subject, `${ann.username} wants to add you as a friend`);
      assert.deepEqual(typeof got[0].content === "string" ? JSON.parse(got[0].content) : got[0].content, { username: ann.username });
      assert.equal(got[0].sender_id, ann.id);
      assert.equal(got[0].persistent, true);
      assert.equal(new Date(got[0].create_time).getTime() % 1000, 0); // text or Date, by format
    }
    assert.deepEqual(other.got, []);
    const { notifications } = await client.listNotifications(bob.session, 10);
    assert.deepEqual(notifications.map((n) => n.id), one.got.map((n) => n.id));
    assert.deepEqual(one.got.map((n) => n.id), two.got.map((n) => n.id));
  });
}

test("who is not connected finds it later, and nothing is replayed", async () => {
  const ann = await newUser(), bob = await newUser();
  await client.addFriends(ann.session, [bob.id]);
  const late = collect(await newSocket(bob.session));
  await client.deleteFriends(ann.session, [bob.id]);
  const [first] = await late.until(1);
  assert.equal(first.code, -9);
  assert.deepEqual((await client.listNotifications(bob.session, 10)).notifications.map((n) => n.code), [-2, -9]);
});

test("the list by cursor: it also leads to what comes later", async () => {
  const bob = await newUser(), senders = [];
  for (let n = 0; n < 5; n++) {
    senders.push(await newUser());
    await client.addFriends(senders[n].session, [bob.id]);
  }
  const empty = await list(await newUser(), "?limit=10");
  assert.deepEqual(Object.keys(empty.body), ["cacheable_cursor"]);
  const seen = [];
  let cursor;
  for (const want of [2, 2, 1, 0]) {
    const page = await client.listNotifications(bob.session, 2, cursor);
    assert.equal(page.notifications.length, want);
    if (want === 0) assert.equal(page.cacheable_cursor, cursor);
    seen.push(...page.notifications.map((n) => n.sender_id));
    cursor = page.cacheable_cursor;
  }
  assert.deepEqual(seen, senders.map((u) => u.id));
  const later = await newUser();
  await client.addFriends(later.session, [bob.id]);
  const page = await client.listNotifications(bob.session, 10, cursor);
  assert.deepEqual(page.notifications.map((n) => n.sender_id), [later.id]);
  const raw = await list(bob);
  assert.equal(raw.body.notifications.length, 1); // the usual limit
  assert.equal(raw.body.notifications[0].content, `{"username": "${senders[0].username}"}`);
  assert.equal((await list(bob, "?cursor=nonsense")).body.notifications.length, 1); // no such parameter
  for (const limit of [0, 101]) {
    assert.deepEqual((await list(bob, `?limit=${limit}`)).body, { code: 3, message: "Invalid limit - limit must be between 1 and 100." });
  }
  assert.deepEqual((await list(bob, "?cacheable_cursor=nonsense")).body, { code: 3, message: "Cursor is invalid." });
});

test("delete: own ones only, malformed ids change nothing", async () => {
  const ann = await newUser(), bob = await newUser(), cy = await newUser();
  await client.addFriends(ann.session, [bob.id, cy.id]);
  await client.addFriends(cy.session, [bob.id]);
  const [first, second] = (await client.listNotifications(bob.session, 10)).notifications;
  const [foreign] = (await client.listNotifications(cy.session, 10)).notifications;
  await refused(client.deleteNotifications(bob.session, [first.id, "x"]), 3, "Invalid notification ID.");
  assert.equal(await client.deleteNotifications(bob.session, []), true);
  await client.deleteNotifications(bob.session, [first.id, foreign.id, ann.id]);
  assert.deepEqual((await client.listNotifications(bob.session, 10)).notifications.map((n) => n.id), [second.id]);
  assert.equal((await client.listNotifications(cy.session, 10)).notifications.length, 1);
  await client.deleteNotifications(bob.session, [first.id, second.id]);
  assert.deepEqual((await client.listNotifications(bob.session, 10)).notifications, []);
});
