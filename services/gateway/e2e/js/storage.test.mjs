// Storage objects: permissions, versions, batches, listings.
import test from "node:test";
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { client, newUser, fresh, refused, http, nil } from "./lib.mjs";

const md5 = (text) => createHash("md5").update(text).digest("hex");
const write = (u, objects) => http("PUT", "/v2/storage", { token: u.session.token, body: { objects } });
const read = (u, object_ids) => http("POST", "/v2/storage", { token: u.session.token, body: { object_ids } });
const remove = (u, object_ids) => http("PUT", "/v2/storage/delete", { token: u.session.token, body: { object_ids } });
const list = (u, path) => http("GET", `/v2/storage/${path}`, { token: u.session.token });
const versionFailed = { code: 3, message: "Storage write rejected - version check failed." };
const notPermitted = { code: 3, message: "Storage write rejected - permission denied." };
const notSet = { code: 3, message: "Invalid collection or key value supplied. They must be set." };

test("written, acknowledged, read back normalised", async () => {
  const u = await newUser(), value = '{"bb":1,"a":{"z":1e2,"y":"\\u00e9"},"a":[1.50, 2]}';
  const acks = await write(u, [{ collection: "saves", key: "one", value }]);
  assert.equal(acks.status, 200);
  const ack = acks.body.acks[0];
  assert.equal(ack.version, md5(value));
  assert.equal(ack.user_id, u.id);
  assert.match(ack.create_time, /T\d\d:\d\d:\d\d(\.\d{3}|\.\d{6})?Z$/);
  const { objects } = await client.readStorageObjects(u.session, { object_ids: [{ collection: "saves", key: "one", user_id: u.id }] });
  assert.equal(objects.length, 1);
  assert.deepEqual(objects[0].value, { a: [1.5, 2], bb: 1 });
  assert.equal(objects[0].version, md5(value));
  assert.deepEqual([objects[0].permission_read, objects[0].permission_write], [1, 1]);
  const raw = await read(u, [{ collection: "saves", key: "one", user_id: u.id }]);
  assert.equal(raw.body.objects[0].value, '{"a": [1.50, 2], "bb": 1}');
});

test("versions: *, matching, stale; a batch is all or nothing", async () => {
  const u = await newUser(), at = { collection: "v", key: "k" };
  const first = await write(u, [{ ...at, value: "{}", version: "*" }]);
  assert.equal(first.status, 200);
  assert.deepEqual((await write(u, [{ ...at, value: "{}", version: "*" }])).body, versionFailed);
  const version = first.body.acks[0].version;
  const second = await write(u, [{ ...at, value: '{"n":2}', version }]);
  assert.equal(second.status, 200);
  assert.deepEqual((await write(u, [{ collection: "v", key: "other", value: "{}" }, { ...at, value: '{"n":3}', version }])).body, versionFailed);
  assert.deepEqual((await read(u, [{ collection: "v", key: "other", user_id: u.id }])).body, {});
  assert.deepEqual((await write(u, [{ collection: "v", key: "absent", value: "{}", version }])).body, versionFailed);
  const twice = await write(u, [{ collection: "v", key: "twice", value: '{"n":1}' }, { collection: "v", key: "twice", value: '{"n":2}' }]);
  assert.deepEqual(twice.body.acks.map((a) => a.version), [md5('{"n":1}'), md5('{"n":2}')]);
  const now = await read(u, [{ collection: "v", key: "twice", user_id: u.id }]);
  assert.equal(now.body.objects[0].value, '{"n": 2}');
});

test("fifty writers with one version: one wins", async () => {
  const u = await newUser(), at = { collection: "race", key: "k" };
  const { version } = (await write(u, [{ ...at, value: "{}" }])).body.acks[0];
  const all = await Promise.all(Array.from({ length: 50 }, (_, n) => write(u, [{ ...at, value: `{"n":${n}}`, version }])));
  assert.equal(all.filter((r) => r.status === 200).length, 1);
  for (const r of all.filter((r) => r.status !== 200)) assert.deepEqual(r.body, versionFailed);
});

test("permissions", async () => {
  const u = await newUser(), other = await newUser();
  const objects = [0, 1, 2].map((n) => ({ collection: "perm", key: `r${n}`, value: "{}", permission_read: n }));
  assert.equal((await write(u, objects)).status, 200);
  const ids = [0, 1, 2].map((n) => ({ collection: "perm", key: `r${n}`, user_id: u.id }));
  const keys = async (who) => ((await read(who, ids)).body.objects ?? []).map((o) => o.key).sort();
  assert.deepEqual(await keys(u), ["r1", "r2"]);
  assert.deepEqual(await keys(other), ["r2"]);
  assert.equal((await write(u, [{ collection: "perm", key: "r0", value: '{"hidden":true}', permission_read: 0 }])).status, 200);
  assert.equal((await write(u, [{ collection: "perm", key: "locked", value: "{}", permission_write: 0 }])).status, 200);
  assert.deepEqual((await write(u, [{ collection: "perm", key: "locked", value: "{}", permission_write: 0 }])).body, notPermitted);
  assert.deepEqual((await remove(u, [{ collection: "perm", key: "locked" }])).body,
    { code: 3, message: "Storage delete rejected - not found, version check failed, or permission denied." });
  assert.deepEqual((await write(u, [{ collection: "perm", key: "x", value: "{}", permission_read: 3 }])).body,
    { code: 3, message: "Invalid Read permission supplied. It must be either 0, 1 or 2." });
  assert.deepEqual((await write(u, [{ collection: "perm", key: "x", value: "{}", permission_write: 2 }])).body,
    { code: 3, message: "Invalid Write permission supplied. It must be either 0 or 1." });
});

test("malformed writes are refused and change nothing", async () => {
  const u = await newUser();
  assert.deepEqual((await write(u, [])).body, {});
  for (const o of [{ key: "k", value: "{}" }, { collection: "c", value: "{}" }, { collection: "c", key: "k" }]) {
    assert.deepEqual((await write(u, [o])).body, notSet);
  }
  for (const value of ["[]", "1", "nonsense", '{"a":', "null"]) {
    assert.deepEqual((await write(u, [{ collection: "c", key: "k", value }])).body, { code: 3, message: "Value must be a JSON object." }, value);
  }
  for (const o of [{ collection: "c".repeat(129) }, { key: "k".repeat(129) }, { key: "a\u0000" }, { value: '{"a":"\\u0000"}' }, { value: '{"a":"\\ud800"}' }, { value: '{"a":1e999999}' }]) {
    const r = await write(u, [{ collection: "c", key: "fine", value: "{}" }, { collection: "c", key: "k", value: "{}", ...o }]);
    assert.equal(r.body.code, 3, JSON.stringify(o));
    assert.equal(r.status, 400);
  }
  assert.deepEqual((await list(u, `c/${u.id}?limit=10`)).body, {});
  assert.deepEqual((await read(u, [])).body, {});
  assert.deepEqual((await read(u, [{ collection: "c" }])).body, notSet);
  assert.deepEqual((await read(u, [{ collection: "c", key: "k", user_id: "me" }])).body, { code: 3, message: "Invalid user ID - make sure user ID is a valid UUID." });
});

test("an identical rewrite leaves the time, another text of equal JSON moves it", async () => {
  const u = await newUser(), at = { collection: "t", key: "k" };
  const time = async (value) => (await write(u, [{ ...at, value }])).body.acks[0].update_time;
  const first = await time('{"a":1}');
  assert.equal(await time('{"a":1}'), first);
  assert.notEqual(await time('{"a": 1}'), first);
});

test("listings: limits, cursors, order", async () => {
  const u = await newUser(), other = await newUser(), c = fresh("list");
  const objects = Array.from({ length: 25 }, (_, n) => ({ collection: c, key: `k${String(n).padStart(2, "0")}`, value: `{"n":${n}}`, permission_read: n % 2 + 1 }));
  assert.equal((await write(u, objects)).status, 200);
  const page = async (path, limit) => {
    const keys = [];
    let cursor = "";
    for (let pages = 0; pages < 30; pages++) {
      const r = await list(u, `${path}?limit=${limit}&cursor=${encodeURIComponent(cursor)}`);
      assert.equal(r.status, 200, r.text);
      keys.push(...(r.body.objects ?? []).map((o) => o.key));
      cursor = r.body.cursor ?? "";
      if (!cursor) return keys;
    }
    assert.fail("the cursors never end");
  };
  const even = objects.filter((_, n) => n % 2 === 0).map((o) => o.key), odd = objects.filter((_, n) => n % 2 === 1).map((o) => o.key);
  assert.deepEqual(await page(`${c}/${u.id}`, 7), [...even, ...odd]); // read 1 first, then read 2
  assert.deepEqual(await page(c, 5), odd);
  assert.deepEqual(((await list(other, `${c}/${u.id}?limit=100`)).body.objects).map((o) => o.key), odd);
  assert.equal((await list(u, `${c}/${u.id}`)).body.objects.length, 1);
  assert.deepEqual((await list(u, `${c}?limit=101`)).body, { code: 3, message: "Invalid limit - limit must be between 1 and 100." });
  assert.deepEqual((await list(u, `${c}?limit=0`)).body, { code: 3, message: "Invalid limit - limit must be between 1 and 100." });
  assert.deepEqual((await list(u, `${c}?cursor=bad`)).body, { code: 3, message: "Malformed cursor was used." });
  assert.deepEqual((await list(u, `${c}/me`)).body, { code: 3, message: "Invalid user ID - make sure user ID is a valid UUID." });
  assert.deepEqual((await list(u, `${fresh("nothing")}?limit=5`)).body, {});
});

test("deleting", async () => {
  const u = await newUser(), other = await newUser();
  const { version } = (await write(u, [{ collection: "d", key: "k", value: "{}", permission_read: 2 }])).body.acks[0];
  const rejected = { code: 3, message: "Storage delete rejected - not found, version check failed, or permission denied." };
  assert.deepEqual((await remove(other, [{ collection: "d", key: "k" }])).body, rejected);
  assert.deepEqual((await remove(u, [{ collection: "d", key: "k", version: "stale" }])).body, rejected);
  assert.deepEqual((await remove(u, [{ collection: "d", key: "k" }, { collection: "d", key: "absent" }])).body, rejected);
  assert.deepEqual((await remove(u, [{ collection: "d" }])).body, notSet);
  assert.deepEqual((await remove(u, [])).body, {});
  assert.equal((await remove(u, [{ collection: "d", key: "k", version }])).status, 200);
  assert.deepEqual((await read(u, [{ collection: "d", key: "k", user_id: u.id }])).body, {});
});

test("without a user id it is the system's object", async () => {
  const u = await newUser();
  await write(u, [{ collection: "mine", key: "k", value: "{}", permission_read: 2 }]);
  assert.deepEqual((await read(u, [{ collection: "mine", key: "k" }])).body, {});
  await refused(client.readStorageObjects(u.session, { object_ids: [{ collection: "mine", key: "k", user_id: nil }] }), 3,
    "Invalid user ID - make sure user ID is a valid UUID.");
});
