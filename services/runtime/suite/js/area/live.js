// Areas that are called in a realtime session, ann's, while ben has one too: the payload says which.
import { nobody } from "../check.js";

export function stream(t, nk, payload) {
  const { ctx: ann } = t;
  const ben = JSON.parse(payload);
  t.is([ann.lang, typeof ann.clientIp, typeof ann.clientPort, typeof ann.userSessionExp, ann.executionMode, ann.headers], ["de", "string", "string", "number", "rpc", undefined]);
  const named = { mode: 100, subject: nobody, label: "suite" };
  const other = { mode: 100, subject: nobody, subcontext: ben.user_id, label: "suite" };

  t.is(nk.streamUserJoin(ann.userId, ann.sessionId, named, false, true, "here"), true);
  t.is(nk.streamUserJoin(ann.userId, ann.sessionId, named), false);
  t.is(nk.streamUserJoin(ben.user_id, ben.session_id, named, true, false), true);
  t.refuses("session id does not exist", "streamUserJoin", ann.userId, nobody, named);
  t.wrong("expects object", "streamUserJoin", ann.userId, ann.sessionId, "stream");
  t.wrong("stream mode must be 0-255", "streamUserJoin", ann.userId, ann.sessionId, { mode: 256 });

  t.is(nk.streamUserList(named, false), [
    { userId: ann.userId, sessionId: ann.sessionId, nodeId: "suite", hidden: false, persistence: true, username: ann.username, status: "here", reason: 1 },
  ]);
  t.is([nk.streamUserList(named, true, false).map((p) => p.userId), nk.streamUserList(named).length], [[ben.user_id], 2]);
  t.is([nk.streamCount(named), nk.streamCount({ mode: 101 })], [2, 0]);

  t.is(nk.streamUserGet(ben.user_id, ben.session_id, named), { hidden: true, persistence: false, username: ben.username, status: "", reason: 1 });
  t.is(nk.streamUserGet(ben.user_id, ann.sessionId, named), null);
  nk.streamUserUpdate(ben.user_id, ben.session_id, named, false, true, "seen");
  t.is(nk.streamUserGet(ben.user_id, ben.session_id, named).status, "seen");

  const toBen = [{ sessionId: ben.session_id, nodeId: "suite" }];
  nk.streamSend(named, "to both");
  nk.streamSend(named, "to ben", toBen, false);
  nk.streamSendRaw(named, { stream_data: { stream: { mode: 100 }, data: "raw" } });
  nk.streamSendRaw(named, { streamData: { data: "raw to ben" } }, toBen);
  t.is(/^TypeError: not a valid envelope: /.test(t.fails(() => nk.streamSendRaw(named, { nonsense: {} }))), true);

  nk.streamUserJoin(ben.user_id, ben.session_id, other);
  nk.streamUserLeave(ben.user_id, ben.session_id, named);
  t.is(nk.streamCount(named), 1);
  nk.streamUserKick({ userId: ann.userId, sessionId: ann.sessionId, node: "suite" }, named);
  t.is(nk.streamCount(named), 0);
  nk.streamUserJoin(ann.userId, ann.sessionId, named);
  nk.streamClose(other);
  t.is([nk.streamCount(named), nk.streamCount(other)], [1, 0]);
  nk.streamClose(named);
  t.is(nk.streamCount(named), 0);

  nk.statusFollow(ann.sessionId, [ben.user_id]);
  nk.statusUnfollow(ann.sessionId, [ben.user_id]);
  nk.statusFollow(ann.sessionId, []);

  nk.sessionDisconnect(nobody);
  t.wrong("expects reason to be 0-4", "sessionDisconnect", nobody, 5);
  nk.sessionDisconnect(ben.session_id, 3);
}

export function match(t, nk, party) {
  const params = { greeting: "hello", list: [1, 2] };
  const label = '{"kind":"diary","open":true}';
  const id = nk.matchCreate("match.diary", params);
  t.is(id.endsWith(".suite"), true);
  t.refuses("error creating match: not found", "matchCreate", "match.missing");

  t.is(nk.matchGet(id), { matchId: id, authoritative: true, label, size: 0 }); // without tick rate and handler
  t.is(nk.matchGet(nobody + ".suite"), null);
  t.refuses("failed to get match: match id invalid", "matchGet", "no id");

  t.is(nk.matchList().length, 1);
  t.is(nk.matchList(10, null, label, 0, 0).length, 1);
  t.is(nk.matchList(10, true, null, null, null, "+label.kind:diary +label.open:T").length, 1);
  t.is(nk.matchList(10, true, null, null, null, "+label.kind:other").length, 0);
  t.is(nk.matchList(10, true, null, 1).length, 0);

  t.is([nk.matchSignal(id, "echo this"), nk.matchSignal(id)], ["echo this", ""]);
  t.refuses("match id invalid", "matchSignal", "no id");
  t.refuses("match not found", "matchSignal", nobody + ".suite", "x");
  for (const data of ["fail", "end"]) {
    const gone = nk.matchCreate("match.diary", {});
    t.refuses("match busy", "matchSignal", gone, data);
    t.is(nk.matchGet(gone), null);
  }
  t.is(nk.matchSignal(nk.matchCreate("match.diary", {}), "state alone"), ""); // which is fine here
  t.refuses("error creating match: matchInit 'tickRate' must be a number between 1 and 256", "matchCreate", "match.diary", { rate: 257 });
  t.refuses("error creating match: Match initial state must not be nil", "matchCreate", "match.diary", { stateless: true });
  t.refuses("error creating match: match label too long, must be 0-2048 bytes", "matchCreate", "match.diary", { label: "x".repeat(2049) });

  t.is(nk.partyList(10, null, false), { parties: [{ partyId: party, open: true, maxSize: 4, label: '{"mode":"suite"}' }] }); // no cursor at all
  t.is(nk.partyList(10, false, false).parties, []);
  t.wrong("expects bool", "partyList", 10);
  t.wrong("expects limit to be 1-100", "partyList", 0, null, false);
}
