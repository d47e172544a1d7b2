// Tournaments: entering, attempts, sizes, listings, records. The server makes those of ../testdata/boards.json at start; the
// suite leaves those with a limit empty, so that it may run again.
import test from "node:test";
import assert from "node:assert/strict";
import { client, newUser, refused, http, fresh } from "./lib.mjs";

const users = (n) => Promise.all(Array.from({ length: n }, () => newUser()));
const write = (u, id, record) => client.writeTournamentRecord(u.session, id, record);
const records = async (u, id, ...args) => (await client.listTournamentRecords(u.session, id, ...args)).records.map((r) => [r.owner_id, r.score, r.num_score]);
const listed = async (u, query = {}) => (await http("GET", `/v2/tournament?${new URLSearchParams(query)}`, { token: u.session.token })).body;
const find = async (u, id) => (await listed(u, { limit: 100 })).tournaments.find((t) => t.id === id);
const midnight = () => Math.floor(Date.now() / 86400000) * 86400;

test("what a tournament says of itself", async () => {
  const [a] = await users(1), day = midnight();
  const t = await find(a, "e2e-daily");
  assert.match(t.create_time, /T\d\d:\d\d:\d\dZ$/);
  assert.deepEqual({ ...t, create_time: "", start_time: "" }, {
    id: "e2e-daily", title: "Daily", description: "Every day.", category: 1, sort_order: 1, max_size: 2147483647, max_num_score: 3, can_enter: true,
    end_active: day + 86400, next_reset: day + 86400, prev_reset: day, start_active: t.start_active, metadata: '{"cup": "gold"}', create_time: "", start_time: "",
    duration: 86400, operator: 1,
  });
  assert.ok([day, Date.parse(t.start_time) / 1000].includes(t.start_active)); // begun within a day
  const open = await find(a, "e2e-open");
  assert.deepEqual([open.next_reset, open.prev_reset, open.end_time, open.join_required], [undefined, undefined, undefined, undefined]);
  const sdk = (await client.listTournaments(a.session, 1, 1)).tournaments.find((x) => x.id === "e2e-daily");
  assert.deepEqual([sdk.title, sdk.metadata, sdk.can_enter, sdk.duration], ["Daily", { cup: "gold" }, true, 86400]);
});

test("attempts", async () => {
  const [a, b] = await users(2);
  const first = (await http("POST", "/v2/tournament/e2e-daily", { token: a.session.token, body: { score: "10", subscore: 2, metadata: '{"a":1}' } })).body;
  assert.deepEqual({ ...first, create_time: "", update_time: "", rank: "" }, {
    leaderboard_id: "e2e-daily", owner_id: a.id, username: a.username, score: "10", subscore: "2", num_score: 1, max_num_score: 3, metadata: '{"a": 1}',
    create_time: "", update_time: "", expiry_time: new Date((midnight() + 86400) * 1000).toISOString().replace(".000", ""), rank: "",
  });
  assert.match(first.rank, /^[1-9]\d*$/);
  let r = await write(a, "e2e-daily", { score: "5" }); // counts, though it is worse
  assert.deepEqual([r.score, r.num_score, r.metadata], [10, 2, { a: 1 }]);
  const put = await http("PUT", "/v2/tournament/e2e-daily", { token: a.session.token, body: { score: 20, operator: "SET" } });
  assert.deepEqual([put.body.score, put.body.num_score], ["20", 3]);
  await refused(write(a, "e2e-daily", { score: "30" }), 9, "Reached allowed max number of score attempts.");
  await refused(write(b, "e2e-daily", { score: "-1" }), 3, "Score and subscore must not be negative, nor their sums too large.");
  assert.deepEqual((await http("POST", "/v2/tournament/e2e-daily", { token: b.session.token, body: { score: 1, operator: 9 } })).body, { code: 3, message: "Unknown operator." });
  await refused(write(b, "e2e-daily", { score: "1", metadata: [1] }), 3, "Metadata value must be JSON, if provided.");
  await client.deleteTournamentRecord(a.session, "e2e-daily");
  await client.deleteTournamentRecord(a.session, "e2e-daily");
  r = await write(a, "e2e-daily", { score: "1" });
  assert.deepEqual([r.score, r.num_score], [1, 1]);
  const at_once = await Promise.allSettled(Array.from({ length: 10 }, () => write(b, "e2e-daily", { score: "7" })));
  assert.equal(at_once.filter((x) => x.status === "fulfilled").length, 3);
});

test("joining", async () => {
  const [a, b, c, d] = await users(4);
  await refused(write(a, "e2e-join", { score: "1" }), 9, "Must join tournament before attempting to write value.");
  const before = (await find(a, "e2e-join")).size ?? 0;
  assert.equal(before, 0, "the tournament is full of an earlier run: start the server anew");
  await client.joinTournament(a.session, "e2e-join");
  await client.joinTournament(a.session, "e2e-join");
  assert.deepEqual(await records(a, "e2e-join"), [[a.id, 0, 0]]);
  const joins = await Promise.allSettled([b, c, d].map((u) => client.joinTournament(u.session, "e2e-join")));
  assert.equal(joins.filter((x) => x.status === "fulfilled").length, 1);
  const t = await find(a, "e2e-join");
  assert.deepEqual([t.size, t.max_size, t.can_enter ?? false, t.join_required], [2, 2, false, true]);
  const out = [b, c, d][joins.findIndex((x) => x.status === "rejected")];
  await refused(client.joinTournament(out.session, "e2e-join"), 3, "Tournament cannot be joined as it has reached its max size.");
  await write(a, "e2e-join", { score: "40" }); // the lowest wins, and the first one is no 0
  await write(a, "e2e-join", { score: "30" });
  const none = await write(a, "e2e-join", { score: "1" });
  assert.deepEqual([none.score, none.num_score, none.max_num_score], [30, 2, 2]);
  for (const u of [a, b, c, d]) await client.deleteTournamentRecord(u.session, "e2e-join");
  assert.equal((await find(a, "e2e-join")).size, undefined);
  assert.equal(await client.joinTournament(a.session, "e2e-open"), true); // nothing to join
  assert.deepEqual((await client.listTournamentRecords(a.session, "e2e-open", [a.id])).owner_records, []);
});

test("a limited one without joining", async () => {
  const [a, b, c] = await users(3);
  const entered = await Promise.allSettled([a, b, c].map((u) => write(u, "e2e-limited", { score: "1" })));
  assert.deepEqual(entered.map((x) => x.status).sort(), ["fulfilled", "fulfilled", "rejected"]);
  const out = [a, b, c][entered.findIndex((x) => x.status === "rejected")];
  await refused(write(out, "e2e-limited", { score: "2" }), 9, "Tournament has reached max size.");
  for (const u of [a, b, c]) await client.deleteTournamentRecord(u.session, "e2e-limited");
  await write(out, "e2e-limited", { score: "2" });
  await client.deleteTournamentRecord(out.session, "e2e-limited");
});

test("who may not", async () => {
  const [a] = await users(1), none = "Tournament not found.";
  for (const id of [fresh("none"), "best"]) {
    await refused(client.joinTournament(a.session, id), 5, none);
    await refused(write(a, id, { score: "1" }), 5, none);
    await refused(client.deleteTournamentRecord(a.session, id), 5, none);
    await refused(client.listTournamentRecords(a.session, id), 5, none);
    await refused(client.listTournamentRecordsAroundOwner(a.session, id, a.id), 5, none);
  }
  await refused(write(a, "e2e-authoritative", { score: "1" }), 7, "Tournament only allows authoritative score submissions.");
  await refused(client.deleteTournamentRecord(a.session, "e2e-authoritative"), 7, "Tournament only allows authoritative score deletions.");
  await refused(write(a, "e2e-past", { score: "1" }), 5, "Tournament not found or has ended.");
  await refused(client.listTournamentRecords(a.session, "e2e-past"), 5, "Tournament has ended.");
  assert.deepEqual((await http("GET", `/v2/tournament/e2e-past/owner/${a.id}`, { token: a.session.token })).body, {});
  await refused(client.joinTournament(a.session, "e2e-past"), 3, "Tournament is not active and cannot accept new joins.");
  await refused(write(a, "e2e-future", { score: "1" }), 9, "Tournament is not active and cannot accept new scores.");
  await client.joinTournament(a.session, "e2e-future"); // before it begins
  assert.deepEqual(await records(a, "e2e-future", [a.id], 1).then((all) => all.length), 1);
  assert.deepEqual((await http("GET", "/v2/tournament", {})).body, { code: 16, message: "Auth token required" });
});

test("listings", async () => {
  const [a] = await users(1);
  const ids = async (query) => (await listed(a, query)).tournaments?.map((t) => t.id).filter((id) => id.startsWith("e2e-")) ?? [];
  assert.deepEqual(await ids({ category_start: 9, category_end: 9 }), ["e2e-future"]); // what has ended is hidden
  assert.deepEqual(await ids({ category_start: 9, category_end: 9, end_time: 2000000000 }), ["e2e-past"]);
  assert.deepEqual(await ids({ category_start: 9, end_time: 0 }), ["e2e-future"]);
  assert.deepEqual(await ids({ start_time: 4000000000 }), ["e2e-future"]);
  const all = await ids({});
  assert.ok(all.includes("e2e-daily") && !all.includes("e2e-past"));
  const paged = [];
  for (let cursor = ""; ;) {
    const page = await listed(a, { limit: 2, ...(cursor && { cursor }) });
    assert.ok(page.tournaments.length <= 2);
    paged.push(...page.tournaments.map((t) => t.id));
    if (!(cursor = page.cursor)) break;
  }
  assert.deepEqual(paged.filter((id) => id.startsWith("e2e-")), all);
  const f = async (query, message) => assert.deepEqual(await listed(a, query), { code: 3, message });
  await f({ category_end: 128 }, "Tournament category end must be >=0 and <128.");
  await f({ category_start: 5, category_end: 4 }, "Tournament category end must be greater than category start.");
  await f({ start_time: 10, end_time: 9 }, "Tournament end time must be greater than start time.");
  await f({ limit: 0 }, "Limit must be between 1 and 100.");
  await f({ cursor: "???" }, "Cursor is invalid or expired.");
});

test("records", async () => {
  const all = await users(5), [a] = all;
  const base = Date.now() * 10; // above those of earlier runs
  for (const [i, u] of all.entries()) await write(u, "e2e-open", { score: String(base + i) });
  const owners = (list) => list.map((r) => all.findIndex((u) => u.id === r.owner_id));
  const first = await client.listTournamentRecords(a.session, "e2e-open", undefined, 2);
  assert.deepEqual(owners(first.records), [4, 3]);
  assert.deepEqual(first.records.map((r) => r.rank), [1, 2]);
  const second = await client.listTournamentRecords(a.session, "e2e-open", undefined, 2, first.next_cursor);
  assert.deepEqual(owners(second.records), [2, 1]);
  const back = await client.listTournamentRecords(a.session, "e2e-open", undefined, 2, second.prev_cursor);
  assert.deepEqual(owners(back.records), [4, 3]);
  const some = await client.listTournamentRecords(a.session, "e2e-open", [a.id, all[4].id], 1);
  assert.deepEqual([owners(some.owner_records), owners(some.records)], [[4, 0], [4]]);
  const around = await client.listTournamentRecordsAroundOwner(a.session, "e2e-open", all[2].id, 3);
  assert.deepEqual(owners(around.records), [3, 2, 1]);
  const raw = async (query) => (await http("GET", `/v2/tournament/e2e-open/owner/${all[2].id}?${new URLSearchParams(query)}`, { token: a.session.token })).body;
  const page = await raw({ limit: 3 });
  assert.deepEqual(page.records.map((r) => r.rank), ["2", "3", "4"]);
  assert.deepEqual(owners((await raw({ limit: 3, cursor: page.prev_cursor })).records), [4]);
  assert.deepEqual(owners((await raw({ limit: 1, cursor: page.next_cursor })).records), [0]);
  assert.deepEqual(await raw({ limit: 3, cursor: "bad" }), { code: 3, message: "Cursor is invalid or expired." });
  assert.deepEqual(await raw({ limit: 101 }), { code: 3, message: "Invalid limit - limit must be between 1 and 100." });
  await refused(client.listTournamentRecords(a.session, "e2e-open", undefined, 101), 3, "Invalid limit - limit must be between 1 and 100.");
  await refused(client.listTournamentRecords(a.session, "e2e-open", ["x"]), 3, "One or more owner IDs are invalid.");
  await refused(client.listTournamentRecordsAroundOwner(a.session, "e2e-open", "x"), 3, "Invalid owner ID provided.");
});
