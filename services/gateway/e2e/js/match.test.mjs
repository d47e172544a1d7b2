// Relayed matches with Nakama's client, in both formats.
import test from "node:test";
import assert from "node:assert/strict";
import { newUser, newSocket, base, nil, fresh } from "./lib.mjs";

/** A signed-in, connected player who writes down, in order, what the server tells of matches. */
async function newPlayer(format) {
  const { session, id, username } = await newUser();
  const socket = await newSocket(session, format, false);
  const p = { session, socket, id, username, told: [] };
  let wake = () => {};
  socket.onmatchpresence = (e) => {
    for (const x of e.joins ?? []) p.told.push(`+${x.username}`);
    for (const x of e.leaves ?? []) p.told.push(`-${x.username}`);
    wake();
  };
  socket.onmatchdata = (m) => {
    p.told.push(`${m.presence?.username}>${m.op_code}:${new TextDecoder().decode(m.data)}`);
    wake();
  };
  /** Resolves when exactly this has been told since the last time. */
  p.hears = (...want) => new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${username} heard ${JSON.stringify(p.told)}, not ${JSON.stringify(want)}`)), 5000);
    wake = () => {
      if (p.told.length < want.length) return;
      clearTimeout(timer);
      wake = () => {};
      try { assert.deepEqual(p.told.splice(0, want.length), want); resolve(); } catch (e) { reject(e); }
    };
    wake();
  });
  return p;
}

const names = (list) => (list ?? []).map((x) => x.username);
const refused = (promise, code, message) => assert.rejects(promise, (e) => e.code === code && e.message === message);
const number = Number; // the formats differ in how they give op codes and sizes that are 0

for (const format of ["json", "protobuf"]) {
  test(`a relayed match from the first to the last member, in ${format}`, async () => {
    const [ann, bob, cid] = [await newPlayer(format), await newPlayer(format), await newPlayer(format)];
    const match = await ann.socket.createMatch();
    assert.match(match.match_id, /^[0-9a-f-]{36}\.$/);
    assert.ok(!match.authoritative);
    assert.equal(number(match.size), 1);
    assert.deepEqual(names(match.presences), []);
    assert.equal(match.self.username, ann.username);
    assert.equal(match.self.user_id, ann.id);
    await ann.hears(`+${ann.username}`);

    const joined = await bob.socket.joinMatch(match.match_id);
    assert.equal(joined.match_id, match.match_id);
    assert.deepEqual(names(joined.presences), [ann.username]);
    assert.equal(number(joined.size), 1); // the others
    await bob.hears(`+${bob.username}`);
    await ann.hears(`+${bob.username}`);
    const again = await bob.socket.joinMatch(match.match_id);
    assert.equal(number(again.size), 2);
    assert.deepEqual(names(again.presences), [ann.username, bob.username]);
    const all = await cid.socket.joinMatch(match.match_id);
    for (const p of [ann, bob, cid]) await p.hears(`+${cid.username}`);

    await ann.socket.sendMatchState(match.match_id, 7, "to all");
    for (const p of [bob, cid]) await p.hears(`${ann.username}>7:to all`);
    await bob.socket.sendMatchState(match.match_id, 8, "to one", all.presences.filter((x) => x.username === ann.username));
    await ann.hears(`${bob.username}>8:to one`);
    await cid.socket.sendMatchState(match.match_id, 9, "to me too", [all.self, joined.self]);
    for (const p of [bob, cid]) await p.hears(`${cid.username}>9:to me too`);

    await bob.socket.leaveMatch(match.match_id);
    for (const p of [ann, cid]) await p.hears(`-${bob.username}`);
    await bob.socket.leaveMatch(match.match_id); // not a member: nothing happens
    await bob.socket.sendMatchState(match.match_id, 1, "from outside");
    cid.socket.disconnect(false);
    await ann.hears(`-${cid.username}`); // and nothing of what Bob sent
    await ann.socket.leaveMatch(match.match_id);
    await refused(bob.socket.joinMatch(match.match_id), 4, "Match not found");
    for (const p of [ann, bob]) assert.deepEqual(p.told, []);
    for (const p of [ann, bob]) p.socket.disconnect(false);
  });
}

test("matches of one name are one match, and members of both formats understand each other", async () => {
  const [ann, bob, cid] = [await newPlayer(), await newPlayer(), await newPlayer("protobuf")];
  const name = fresh("lobby");
  const match = await ann.socket.createMatch(name);
  const same = await bob.socket.createMatch(name);
  assert.equal(same.match_id, match.match_id);
  assert.equal(number(same.size), 2);
  assert.deepEqual(names(same.presences), [ann.username]);
  assert.notEqual((await bob.socket.createMatch(fresh("lobby"))).match_id, match.match_id);
  await cid.socket.joinMatch(match.match_id); // Nakama's protobuf adapter does not send a new match's name
  await ann.hears(`+${ann.username}`, `+${bob.username}`, `+${cid.username}`);
  await cid.hears(`+${cid.username}`);
  await ann.socket.sendMatchState(match.match_id, 1, new Uint8Array([0xe4, 0xbd, 0xa0]));
  await cid.hears(`${ann.username}>1:你`);
  await cid.socket.sendMatchState(match.match_id, 2, "back");
  await ann.hears(`${cid.username}>2:back`);
  for (const p of [ann, bob, cid]) p.socket.disconnect(false);
});

test("what cannot be joined, left or sent to", async () => {
  const ann = await newPlayer();
  await refused(ann.socket.joinMatch(), 3, "No match ID or token found");
  await refused(ann.socket.joinMatch("lobby"), 3, "Invalid match ID");
  await refused(ann.socket.joinMatch(`${nil}.`), 4, "Match not found");
  await refused(ann.socket.joinMatch(`${nil}.nakama`), 4, "Match not found");
  await refused(ann.socket.joinMatch(`${nil}.elsewhere`), 4, "Match not found");
  await refused(ann.socket.joinMatch(undefined, "no token"), 3, "Invalid match token");
  await refused(ann.socket.joinMatch(undefined, ann.session.token), 3, "Invalid match token");
  await refused(ann.socket.leaveMatch("lobby"), 3, "Invalid match ID");
  ann.socket.disconnect(false);

  // data is refused without the request's cid: nobody waits for it
  const raw = new WebSocket(`${base.replace("http", "ws")}/ws?token=${ann.session.token}`);
  await once(raw, "open");
  raw.send(JSON.stringify({ cid: "7", match_data_send: { match_id: "lobby", op_code: 1 } }));
  assert.deepEqual(JSON.parse((await once(raw, "message")).data), { error: { code: 3, message: "Invalid match ID" } });
  raw.close();
});

const once = (socket, event) => new Promise((resolve) => socket.addEventListener(event, resolve, { once: true }));
