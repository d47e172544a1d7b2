import { nobody, timed } from "../check.js";

const record = (leaderboardId, ownerId, score, rank, more) => ({
  leaderboardId, ownerId, score, subscore: 0, numScore: 1, maxNumScore: 1000000, metadata: {}, createTime: "now", updateTime: "now", rank,
  username: null, expiryTime: null, ...more,
});

export function leaderboard(t, nk) {
  const names = ["ann", "ben", "cy", "dan", "eve"].map((name) => t.user(name));
  const [[ann, annName], [ben], [cy], [dan]] = names;
  const board = "suite board";

  nk.leaderboardCreate(board, false, "desc", "best", "0 0 * * *", { map: "x" }, true);
  nk.leaderboardCreate(board, true, "asc", "set"); // is there already: nothing changes
  const boards = nk.leaderboardsGetId([board, "no board"]);
  const { prevReset, nextReset } = boards[0];
  t.is(nextReset - prevReset, 86400);
  t.is(timed(boards), [{ id: board, authoritative: false, operator: "best", sortOrder: 1, metadata: { map: "x" }, createTime: "now", nextReset, prevReset }]);
  t.wrong("expects sort order to be 'asc' or 'desc'", "leaderboardCreate", "x", false, "up");
  t.wrong("expects operator to be 'best', 'set', 'incr' or 'decr'", "leaderboardCreate", "x", false, "asc", "sum");
  t.refuses("expects reset schedule to be a valid CRON expression", "leaderboardCreate", "x", false, "asc", "best", "never");

  t.is(timed(nk.leaderboardRecordWrite(board, ann, annName, 50, 0, { car: "red" })),
    record(board, ann, 50, 1, { username: annName, metadata: { car: "red" }, expiryTime: nextReset }));
  t.is(nk.leaderboardRecordWrite(board, ann, annName, 40).score, 50);
  const set = nk.leaderboardRecordWrite(board, ann, null, 40, null, null, "set");
  t.is([set.score, set.numScore], [40, 2]);
  t.is(nk.leaderboardRecordWrite(board, ann, annName, 5, 0, null, "incr").score, 45);
  names.slice(1).forEach(([id, name], i) => nk.leaderboardRecordWrite(board, id, name, 98 - i));
  const unnamed = nk.leaderboardRecordWrite(board, nobody);
  t.is([unnamed.score, unnamed.username], [0, null]);
  t.wrong("expects score to be >= 0", "leaderboardRecordWrite", board, ann, "", -1);
  t.wrong("expects subscore to be >= 0", "leaderboardRecordWrite", board, ann, "", 1, -1);
  t.wrong("invalid operator", "leaderboardRecordWrite", board, ann, "", 1, 0, null, "sum");
  t.wrong("expects number", "leaderboardRecordWrite", board, ann, "", 1.5);
  t.refuses("leaderboard not found", "leaderboardRecordWrite", "no board", ann);

  const none = nk.leaderboardRecordsList(board, [ben]);
  t.is([none.records, none.ownerRecords.map((r) => r.rank), none.nextCursor, none.prevCursor, none.rankCount], [[], [1], null, null, 6]);
  const page = nk.leaderboardRecordsList(board, null, 2);
  t.is([page.records.map((r) => [r.ownerId, r.rank]), typeof page.nextCursor], [[[ben, 1], [cy, 2]], "string"]);
  const second = nk.leaderboardRecordsList(board, [], 2, page.nextCursor); // [] is nobody in particular
  t.is([second.records.map((r) => r.rank), typeof second.prevCursor], [[3, 4], "string"]);
  t.wrong("expects limit to be 0-10000", "leaderboardRecordsList", board, null, 10001);
  t.refuses("leaderboard not found", "leaderboardRecordsList", "no board", null, 1);
  t.refuses("leaderboard cursor invalid", "leaderboardRecordsList", board, null, 1, "no cursor");

  t.is(nk.leaderboardRecordsListCursorFromRank(board, 1), "");
  t.is(nk.leaderboardRecordsList(board, null, 1, nk.leaderboardRecordsListCursorFromRank(board, 3)).records[0].rank, 3);
  t.refuses("invalid rank - must be > 1", "leaderboardRecordsListCursorFromRank", board, 0);

  const around = nk.leaderboardRecordsHaystack(board, dan, 3);
  t.is([around.records.map((r) => r.rank), around.records[1].ownerId, typeof around.nextCursor, typeof around.prevCursor, around.rankCount],
    [[2, 3, 4], dan, "string", "string", 6]);
  t.wrong("expects limit to be 1-100", "leaderboardRecordsHaystack", board, dan, 0);

  nk.leaderboardRecordDelete(board, ben);
  t.is(nk.leaderboardRecordsList(board, null, 1).rankCount, 5);
  t.refuses("leaderboard not found", "leaderboardRecordDelete", "no board", ben);

  nk.leaderboardCreate("suite another", true, "ascending", "increment");
  t.is(typeof nk.leaderboardList(1).cursor, "string");
  const all = nk.leaderboardList(100);
  const another = all.leaderboards.find((b) => b.id === "suite another");
  t.is([all.cursor, another.authoritative, another.operator, another.sortOrder, another.nextReset, another.prevReset], [null, true, "increment", 0, undefined, undefined]);
  t.wrong("expects limit to be 1-100", "leaderboardList", 101);
  t.wrong("expects cursor to be a non-empty string", "leaderboardList", 1, ""); // where null is meant
  t.refuses("leaderboard cursor invalid", "leaderboardList", 1, "no cursor");

  nk.leaderboardRanksDisable(board);
  const unranked = nk.leaderboardRecordsList(board, [cy], 1);
  t.is([unranked.records[0].rank, unranked.ownerRecords[0].rank, unranked.rankCount], [1, 0, 0]);
  t.refuses("leaderboard not found", "leaderboardRanksDisable", "no board");
  nk.leaderboardDelete(board);
  t.is(nk.leaderboardsGetId([board]), []);
}

export function tournament(t, nk) {
  const [ann, annName] = t.user("ann");
  const [ben, benName] = t.user("ben");
  const now = Math.floor(Date.now() / 1000);
  const id = "suite cup";

  nk.tournamentCreate(id, false, "desc", "best", 3600, "0 * * * *", { cup: "gold" }, "Cup", "about", 7, 0, 0, 2, 3, true, true);
  nk.tournamentCreate(id, true, "asc", "set", 10);
  const cup = nk.tournamentsGetId([id, "no cup"])[0];
  const { startActive, endActive, nextReset, prevReset, startTime } = cup;
  t.is([nextReset - prevReset, endActive >= now, startActive <= now, startTime <= now], [3600, true, true, true]);
  t.is(timed(cup), {
    id, title: "Cup", description: "about", category: 7, sortOrder: 1, size: 0, maxSize: 2, maxNumScore: 3, duration: 3600, startActive, endActive,
    canEnter: true, nextReset, prevReset, metadata: { cup: "gold" }, createTime: "now", startTime, endTime: null, operator: "best", joinRequired: false,
  });
  t.wrong("duration must be > 0", "tournamentCreate", "x", true, "asc", "best", 0);
  t.wrong("expects number", "tournamentCreate", "x");
  t.wrong("category must be 0-127", "tournamentCreate", "x", true, "asc", "best", 10, "", null, "", "", 128);
  t.wrong("endTime must be > startTime. Use 0 to indicate a tournament that never ends.", "tournamentCreate", "x", true, "asc", "best", 10, "", null, "", "", 0, now + 10, now + 5);

  t.refuses("required to join before writing tournament record", "tournamentRecordWrite", id, ann, annName, 1);
  nk.tournamentJoin(id, ann, annName);
  nk.tournamentJoin(id, ann, annName);
  t.is(nk.tournamentsGetId([id])[0].size, 1);
  t.is(timed(nk.tournamentRecordWrite(id, ann, annName, 10, 1, { car: "red" })), record(id, ann, 10, 1, {
    username: annName, subscore: 1, maxNumScore: 3, metadata: { car: "red" }, expiryTime: nextReset,
  }));
  t.is(nk.tournamentRecordWrite(id, ann, annName, 5, 0, null, "Set").score, 5);
  t.wrong("invalid operator", "tournamentRecordWrite", id, ann, annName, 5, 0, null, "incr");
  t.is(nk.tournamentRecordWrite(id, ann, annName, 5, 0, null, "increment").numScore, 3);
  t.is(nk.tournamentRecordWrite(id, ann, annName, 500).score, 10); // no attempt is left: as it was
  nk.tournamentAddAttempt(id, ann, 2);
  t.is(nk.tournamentRecordWrite(id, ann, annName, 1).maxNumScore, 5);
  t.wrong("expects an attempt count number != 0", "tournamentAddAttempt", id, ann, 0);
  nk.tournamentJoin(id, ben, benName);
  t.refuses("tournament max size reached", "tournamentJoin", id, nobody, "late");
  t.refuses("tournament not found", "tournamentJoin", "no cup", ann, annName);

  const page = nk.tournamentRecordsList(id, [ann], 10);
  t.is([page.records.length, page.ownerRecords.length, page.records[0].ownerId, page.rankCount], [2, 1, ann, 2]);
  t.is(nk.tournamentRecordsList(id, [ann]).records, []);
  t.wrong("expects limit to be 0-10000", "tournamentRecordsList", id, null, -1);
  t.is(nk.tournamentRecordsHaystack(id, ann, 1).records.map((r) => r.ownerId), [ann]);
  t.refuses("tournament not found", "tournamentRecordsList", "no cup", null, 1);

  nk.tournamentCreate("suite plain", null, null, null, 60);
  const plain = nk.tournamentsGetId(["suite plain"])[0];
  t.is([plain.maxSize, plain.maxNumScore, plain.operator, plain.endTime, plain.nextReset], [2147483647, 1000000, "best", null, undefined]);
  nk.tournamentCreate("suite tries", null, null, null, 60, null, null, null, null, null, null, null, null, 1);
  nk.tournamentRecordWrite("suite tries", ann, annName, 1);
  t.refuses("max number score count reached", "tournamentRecordWrite", "suite tries", ann, annName, 5);
  const list = nk.tournamentList(0, 127, 0, 0, 1);
  t.is([list.tournaments.length, typeof list.cursor], [1, "string"]);
  t.is(nk.tournamentList(7, 7).tournaments.map((c) => [c.id, c.joinRequired]), [[id, true]]);
  t.wrong("category end must be >= category start", "tournamentList", 5, 4);
  t.wrong("expects limit to be 1-100", "tournamentList", 0, 1, 0, 0, 101);

  nk.tournamentsRanksDisable(id); // the only one in the plural
  t.is([nk.tournamentsGetId([id])[0].id, nk.tournamentRecordsList(id, [ann]).ownerRecords[0].rank], [id, 0]);
  nk.tournamentRecordDelete(id, ann);
  t.is(nk.tournamentRecordsList(id, null, 10).records.length, 1);
  t.refuses("tournament not found", "tournamentRecordDelete", "no cup", ann);
  nk.tournamentDelete(id);
  t.is(nk.tournamentsGetId([id]), []);
  t.refuses("tournament not found", "tournamentDelete", "no cup");
}
