// Leaderboards: operators, orders and ties, pages both ways, owners, around an owner, resets, deletions.
// The boards are those of ../testdata/boards.json; other suites of a run share them, so records are asked for by owner.
import test from "node:test";
import assert from "node:assert/strict";
import { client, newUser, refused, http } from "./lib.mjs";

const write = (u, board, record) => client.writeLeaderboardRecord(u.session, board, record);
const list = (u, board, query = "") => http("GET", `/v2/leaderboard/${board}${query}`, { token: u.session.token });
const ranked = (records) => records.map((r) => [r.rank, r.owner_id]);
const remove = (u, board) => http("DELETE", `/v2/leaderboard/${board}`, { token: u.session.token }); // the client has no call for it

/** So many users, one after the other. */
async function users(count) {
  const all = [];
  for (let n = 0; n < count; n++) all.push(await newUser());
  return all;
}

test("a record, as written and as raw JSON", async () => {
  const u = await newUser();
  const r = await write(u, "best", { score: "100", subscore: "5", metadata: { weather: "rain" } });
  assert.equal(r.leaderboard_id, "best");
  assert.equal(r.owner_id, u.id);
  assert.equal(r.username, u.username);
  assert.deepEqual([r.score, r.subscore, r.num_score, r.max_num_score], [100, 5, 1, 1000000]);
  assert.deepEqual(r.metadata, { weather: "rain" });
  const { body } = await list(u, "best", `?owner_ids=${u.id}`);
  assert.equal(body.records, undefined);
  const [raw] = body.owner_records;
  assert.deepEqual([raw.score, raw.subscore, raw.metadata], ["100", "5", '{"weather": "rain"}']);
  assert.match(raw.create_time, /:\d\dZ$/);
  assert.match(raw.rank, /^\d+$/);
  assert.equal(raw.expiry_time, undefined);
  assert.ok(Number(raw.rank) >= 1 && Number(raw.rank) <= Number(body.rank_count));
});

test("best: score and subscore each by itself, in the board's direction", async () => {
  const u = await newUser();
  await write(u, "best", { score: "10", subscore: "1", metadata: { a: 1 } });
  const better = await write(u, "best", { score: "5", subscore: "7" });
  assert.deepEqual([better.score, better.subscore, better.num_score], [10, 7, 2]);
  assert.deepEqual(better.metadata, { a: 1 });
  const same = await write(u, "best", { score: "5", subscore: "7", metadata: { b: 1 } });
  assert.deepEqual([same.score, same.subscore, same.num_score], [10, 7, 2]);
  assert.deepEqual(same.metadata, { a: 1 });
  await write(u, "fastest", { score: "70" });
  assert.equal((await write(u, "fastest", { score: "80" })).score, 70);
  assert.equal((await write(u, "fastest", { score: "60" })).score, 60);
});

test("operators: of the board and of the request", async () => {
  const u = await newUser();
  const plain = (board, record) => http("POST", `/v2/leaderboard/${board}`, { token: u.session.token, body: record });
  assert.equal((await plain("daily-sum", { score: 5 })).body.score, "5");
  assert.equal((await plain("daily-sum", { score: "6", subscore: 2 })).body.score, "11");
  assert.equal((await plain("daily-sum", { score: "3", operator: "SET" })).body.score, "3");
  assert.equal((await plain("daily-sum", { score: "9", operator: 1 })).body.score, "9");
  assert.equal((await plain("daily-sum", { score: "1", operator: "best" })).body.score, "10"); // an unknown name is none
  assert.equal((await plain("health", { score: "50" })).body.score, undefined); // the first of a decrement is 0
  assert.equal((await plain("health", { score: "-50" })).body.score, "50");
  assert.equal((await plain("health", { score: "20" })).body.score, "30");
  assert.equal((await plain("health", { score: "200" })).body.score, undefined);
  const refusals = [{ score: -1 }, { subscore: -1 }, { operator: 9 }];
  for (const record of refusals) assert.deepEqual([(await plain("best", record)).status, (await plain("best", record)).body.code], [400, 3]);
  await plain("daily-sum", { score: "9223372036854775807", operator: "SET" });
  assert.equal((await plain("daily-sum", { score: 1 })).body.code, 3);
  assert.equal((await http("POST", "/v2/leaderboard/best", { token: u.session.token })).body.num_score, 1); // an empty body
});

test("a board with resets: the record expires at the next one", async () => {
  const u = await newUser();
  const r = await write(u, "daily-sum", { score: "1" });
  const expiry = new Date(r.expiry_time);
  const midnight = new Date();
  midnight.setUTCHours(24, 0, 0, 0);
  assert.equal(expiry.getTime(), midnight.getTime());
  const past = expiry.getTime() / 1000 - 86400;
  assert.deepEqual((await list(u, "daily-sum", `?expiry=${past}&limit=5`)).body, {});
  const now = await list(u, "daily-sum", `?expiry=${expiry.getTime() / 1000}&owner_ids=${u.id}`);
  assert.equal(now.body.owner_records[0].score, "1");
});

test("pages forth and back have consecutive ranks, each record once", async () => {
  const all = await users(7);
  await Promise.all(all.map((u, n) => write(u, "best", { score: String(5000 + (n % 3)), subscore: "1" })));
  const forth = [];
  let page = await client.listLeaderboardRecords(all[0].session, "best", undefined, 3), before;
  for (;;) {
    forth.push(...page.records);
    if (!page.next_cursor) break;
    before = page;
    page = await client.listLeaderboardRecords(all[0].session, "best", undefined, 3, page.next_cursor);
    assert.ok(page.prev_cursor);
  }
  assert.deepEqual(forth.map((r) => r.rank), forth.map((_, n) => n + 1));
  assert.equal(new Set(forth.map((r) => r.owner_id)).size, forth.length);
  for (let n = 1; n < forth.length; n++) {
    const [a, b] = [forth[n - 1], forth[n]];
    const order = b.score - a.score || (b.subscore ?? 0) - (a.subscore ?? 0) || (a.owner_id > b.owner_id ? -1 : 1);
    assert.ok(order < 0, `${JSON.stringify(a)} stands before ${JSON.stringify(b)}`);
  }
  const back = await client.listLeaderboardRecords(all[0].session, "best", undefined, 3, page.prev_cursor);
  assert.deepEqual(ranked(back.records), ranked(before.records));
});

test("owners, in the order of the board; who has no record is skipped", async () => {
  const [a, b, c] = await users(3);
  await write(a, "fastest", { score: "900001" });
  await write(b, "fastest", { score: "900000" });
  const got = await client.listLeaderboardRecords(a.session, "fastest", [a.id, c.id, b.id]);
  assert.deepEqual(got.owner_records.map((r) => r.owner_id), [b.id, a.id]);
  assert.ok(got.owner_records[0].rank < got.owner_records[1].rank);
  const bare = await write(a, "health", { score: "1" });
  assert.equal(bare.rank, 0); // no ranks are kept there
  const none = (await list(a, "health", `?owner_ids=${a.id}`)).body;
  assert.deepEqual([none.owner_records[0].rank, none.rank_count], [undefined, undefined]);
});

test("around an owner", async () => {
  const all = await users(5);
  for (const [n, u] of all.entries()) await write(u, "best", { score: String(9000000 - n) }); // the best of all
  const around = (n, limit) => client.listLeaderboardRecordsAroundOwner(all[0].session, "best", all[n].id, limit);
  assert.deepEqual(ranked((await around(2, 3)).records), [1, 2, 3].map((n) => [n + 1, all[n].id]));
  assert.deepEqual(ranked((await around(2, 4)).records), [1, 2, 3, 4].map((n) => [n + 1, all[n].id]));
  const top = await around(0, 3);
  assert.deepEqual(ranked(top.records), [0, 1, 2].map((n) => [n + 1, all[n].id]));
  assert.ok(top.next_cursor && !top.prev_cursor);
  const next = await client.listLeaderboardRecordsAroundOwner(all[0].session, "best", all[0].id, 2, undefined, top.next_cursor);
  assert.deepEqual(ranked(next.records), [3, 4].map((n) => [n + 1, all[n].id]));
  const nobody = await newUser();
  const empty = await http("GET", `/v2/leaderboard/best/owner/${nobody.id}?limit=3`, { token: nobody.session.token });
  assert.equal(empty.body.records, undefined);
  assert.equal((await remove(all[1], "best")).status, 200);
  assert.deepEqual(ranked((await around(2, 2)).records), [[2, all[2].id], [3, all[3].id]]);
  for (const u of all) await remove(u, "best");
});

test("two hundred submissions at once end in the right order", async () => {
  const owners = await users(10), each = 20;
  const written = await Promise.all(owners.flatMap((u, n) => Array.from({ length: each }, () => write(u, "crowd", { score: String(n + 1) }))));
  assert.equal(written.length, 200);
  const { records } = await client.listLeaderboardRecords(owners[0].session, "crowd", undefined, 100);
  const want = owners.map((u, n) => [u.id, (n + 1) * each, each]).reverse();
  assert.deepEqual(records.map((r) => [r.owner_id, r.score, r.num_score]), want);
  const { owner_records } = await client.listLeaderboardRecords(owners[0].session, "crowd", owners.map((u) => u.id));
  assert.deepEqual(ranked(owner_records), want.map(([owner], n) => [n + 1, owner]));
});

test("refusals", async () => {
  const u = await newUser();
  await refused(write(u, "no-such-board", { score: "1" }), 5, "Leaderboard not found.");
  await refused(write(u, "server-only", { score: "1" }), 7, "Leaderboard only allows authoritative score submissions.");
  assert.deepEqual((await remove(u, "server-only")).body, { code: 7, message: "Leaderboard only allows authoritative score deletions." });
  assert.deepEqual((await remove(u, "no-such-board")).body, { code: 5, message: "Leaderboard not found." });
  assert.deepEqual((await remove(u, "best")).body, {}); // nothing to delete
  await refused(client.listLeaderboardRecords(u.session, "no-such-board"), 5, "Leaderboard not found.");
  await refused(client.listLeaderboardRecords(u.session, "best", ["x"]), 3, "One or more owner IDs are invalid.");
  await refused(client.listLeaderboardRecords(u.session, "best", undefined, 1001), 3, "Invalid limit - limit must be between 1 and 1000.");
  await refused(client.listLeaderboardRecords(u.session, "best", undefined, 10, "x"), 3, "Cursor is invalid or expired.");
  await refused(client.listLeaderboardRecordsAroundOwner(u.session, "best", u.id, 101), 3, "Invalid limit - limit must be between 1 and 100.");
  await refused(client.listLeaderboardRecordsAroundOwner(u.session, "best", "x", 10), 3, "Invalid owner ID provided.");
  const text = await http("POST", "/v2/leaderboard/best", { token: u.session.token, body: { metadata: "[]" } });
  assert.deepEqual(text.body, { code: 3, message: "Metadata value must be JSON, if provided." });
  const nul = await http("POST", "/v2/leaderboard/best", { token: u.session.token, body: { metadata: '{"a":"\\u0000"}' } });
  assert.deepEqual(nul.body, { code: 3, message: "Metadata value must be JSON, if provided." });
});

test("an account that is gone leaves no record and writes none", async () => {
  const [u, other] = await users(2);
  await write(u, "best", { score: "77" });
  await client.deleteAccount(u.session);
  const got = await list(other, "best", `?owner_ids=${u.id}`);
  assert.equal(got.body.owner_records, undefined);
  const late = await http("POST", "/v2/leaderboard/best", { token: u.session.token, body: { score: 5 } });
  assert.ok([401, 404].includes(late.status), late.text);
});
