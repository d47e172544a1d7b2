// The matchmaker with Nakama's client. A server with matchmaker.native_match (SKIRMISH_NATIVE_MATCH names the game) matches
// into matches over UDP, another into relayed ones.
import test from "node:test";
import assert from "node:assert/strict";
import { newUser, newSocket, http, client, claims, fresh, next } from "./lib.mjs";

const native = process.env.SKIRMISH_NATIVE_MATCH;

/** A signed-in, connected player. */
async function newPlayer(format) {
  const { session, id, username } = await newUser();
  const socket = await newSocket(session, format, false);
  const p = { session, socket, id, username, matches: [] };
  let wake = () => {};
  socket.onmatchmakermatched = (m) => { p.matches.push(m); wake(); };
  /** Resolves with the next match. */
  p.match = (ms = 5000) => new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("no match")), ms);
    wake = () => {
      if (p.matches.length === 0) return;
      clearTimeout(timer);
      wake = () => {};
      resolve(p.matches.shift());
    };
    wake();
  });
  p.leave = () => socket.disconnect(false);
  return p;
}

const players = (n, format) => Promise.all(Array.from({ length: n }, () => newPlayer(format)));
const leave = (...list) => list.forEach((p) => p.leave());
const socketRefuses = (promise, code, message) => assert.rejects(promise, (e) => (e.code ?? 0) === code && e.message === message);

/** A query for who has the same text in `room`, so that tests do not meet. */
const room = () => {
  const name = fresh("room");
  return { query: `+properties.room:${name}`, properties: { room: name } };
};

/** The explanation of a ticket that waits in the pool. */
async function explained(p, ticket, until) {
  for (const end = Date.now() + 5000; Date.now() < end;) {
    const { status, body } = await http("GET", `/v2/matchmaker/ticket/${ticket}`, { token: p.session.token });
    assert.equal(status, 200, JSON.stringify(body));
    if (until(body)) return body;
  }
  assert.fail("the ticket does not come to be as it should");
}

for (const format of ["json", "protobuf"]) {
  test(`two players are matched within a second (${format})`, async () => {
    const [ann, bob] = await players(2, format);
    const { query, properties } = room();
    const a = await ann.socket.addMatchmaker(query, 2, 2, { ...properties, region: "eu" }, { skill: 7.5 });
    assert.match(a.ticket, /^[0-9a-f-]{36}$/);
    const b = await bob.socket.addMatchmaker(query, 2, 2, properties);
    const start = performance.now();
    const [am, bm] = await Promise.all([ann.match(), bob.match()]);
    assert.ok(performance.now() - start < 1000, `${performance.now() - start} ms`);
    assert.equal(am.ticket, a.ticket);
    assert.equal(bm.ticket, b.ticket);
    assert.deepEqual(am.users, bm.users);
    assert.deepEqual(am.users.map((u) => u.presence.username).sort(), [ann.username, bob.username].sort());
    assert.equal(am.self.presence.user_id, ann.id);
    assert.equal(bm.self.presence.user_id, bob.id);
    assert.equal(am.self.string_properties.region, "eu");
    assert.equal(am.self.numeric_properties.skill, 7.5);
    leave(ann, bob);
  });
}

if (!native) {
  test("the token admits to one relayed match, for 30 seconds", async () => {
    const [ann, bob, eve] = await players(3);
    const { query, properties } = room();
    await ann.socket.addMatchmaker(query, 2, 2, properties);
    await bob.socket.addMatchmaker(query, 2, 2, properties);
    const [am, bm] = await Promise.all([ann.match(), bob.match()]);
    assert.equal(am.token, bm.token);
    assert.equal(am.match_id, undefined);
    const { exp, mid } = claims(am.token);
    assert.match(mid, /^[0-9a-f-]{36}\.$/);
    const life = exp - Date.now() / 1000;
    assert.ok(life > 20 && life <= 31, `${life} s`);
    const first = await ann.socket.joinMatch(undefined, am.token);
    assert.equal(first.match_id, mid);
    assert.equal(first.presences ?? "none", "none");
    const came = next((f) => { bob.socket.onmatchdata = f; });
    const second = await bob.socket.joinMatch(undefined, bm.token);
    assert.deepEqual(second.presences.map((p) => p.username), [ann.username]);
    await ann.socket.sendMatchState(mid, 7, "hi");
    const data = await came;
    assert.equal(Buffer.from(data.data).toString(), "hi");
    await eve.socket.joinMatch(undefined, am.token); // not bound to a user
    await socketRefuses(eve.socket.joinMatch(undefined, am.token.slice(0, -2) + "xx"), 3, "Invalid match token");
    leave(ann, bob, eve);
  });
} else {
  test("a group plays over UDP: everybody has a connect token of his own", async () => {
    const [ann, bob] = await players(2);
    const { query, properties } = room();
    await ann.socket.addMatchmaker(query, 2, 2, properties);
    await bob.socket.addMatchmaker(query, 2, 2, properties);
    const [am, bm] = await Promise.all([ann.match(), bob.match()]);
    assert.match(am.match_id, /^[0-9a-f-]{36}\../);
    assert.equal(am.match_id, bm.match_id);
    assert.equal(am.token, undefined);
    const [at, bt] = [am, bm].map((m) => m.self.string_properties.connect_token);
    assert.ok(at && bt && at !== bt, "tokens");
    assert.ok(am.users.every((u) => u.string_properties.connect_token === undefined), "tokens of others");
    const listed = await client.listMatches(ann.session, 100, true);
    const found = listed.matches.find((m) => m.match_id === am.match_id);
    assert.equal(found?.handler_name, native);
    await socketRefuses(ann.socket.joinMatch(am.match_id), 5, "This match is played over UDP: ask CreateConnectToken for a way in");
    leave(ann, bob);
  });
}

test("queries: terms, ranges, exclusions, and why a ticket waits", async () => {
  const list = await players(4);
  const [ann, bob, cid, dan] = list;
  const { query, properties } = room();
  // Bob is of the wrong region, cid beyond the skill; neither searches for ann.
  const nobody = "+properties.room:nowhere";
  const wish = `${query} +properties.region:eu +properties.skill:>=10 +properties.skill:<20 -properties.mode:casual`;
  const a = await ann.socket.addMatchmaker(wish, 2, 2, { ...properties, name: "ann" });
  await bob.socket.addMatchmaker(nobody, 2, 2, { ...properties, region: "us" }, { skill: 15 });
  await cid.socket.addMatchmaker(nobody, 2, 2, { ...properties, region: "eu" }, { skill: 20 });
  const why = await explained(ann, a.ticket, (e) => e.others >= 2);
  assert.equal(why.ticket, a.ticket);
  assert.equal(why.players_wanted, 1);
  assert.equal(why.candidates, undefined);
  const counts = Object.fromEntries(why.clauses.map((c) => [c.clause, c.rules_out ?? 0]));
  assert.ok(counts["+properties.region:eu"] >= 1 && counts["+properties.skill:<20"] >= 1, JSON.stringify(counts));
  assert.equal(ann.matches.length, 0);
  await dan.socket.addMatchmaker(`${query} +properties.name:ann`, 2, 2, { ...properties, region: "eu" }, { skill: 10 });
  const m = await ann.match();
  assert.deepEqual(m.users.map((u) => u.presence.username).sort(), [ann.username, dan.username].sort());
  assert.equal(bob.matches.length + cid.matches.length, 0);
  leave(...list);
});

test("the best score is taken, then the oldest ticket", async () => {
  const list = await players(3);
  const [ann, bob, cid] = list;
  const { query, properties } = room();
  const nobody = "+properties.room:nowhere";
  await bob.socket.addMatchmaker(nobody, 2, 2, { ...properties, map: "dust" });
  await cid.socket.addMatchmaker(nobody, 2, 2, { ...properties, map: "inferno" });
  await ann.socket.addMatchmaker(`${query} properties.map:inferno^2 properties.map:dust`, 2, 2, properties);
  const m = await ann.match();
  assert.deepEqual(m.users.map((u) => u.presence.username), [cid.username, ann.username]);
  assert.equal(bob.matches.length, 0);
  leave(...list);
});

test("counts: full groups at once, others when a ticket has searched long enough", async () => {
  const list = await players(5);
  const { query, properties } = room();
  for (const p of list) await p.socket.addMatchmaker(query, 2, 4, properties);
  const m = await list[0].match();
  assert.equal(m.users.length, 4);
  assert.equal(list.slice(0, 4).every((p) => m.users.some((u) => u.presence.user_id === p.id)), true);
  assert.equal(list[4].matches.length, 0);

  const pair = await players(2);
  const other = room();
  for (const p of pair) await p.socket.addMatchmaker(other.query, 2, 4, other.properties);
  assert.equal((await pair[0].match(40000)).users.length, 2);
  leave(...list, ...pair);
});

test("refusals, and tickets that were closed", async () => {
  const [ann, bob] = await players(2);
  const { query, properties } = room();
  const add = (low, high, multiple, q = "*") =>
    ann.socket.send({ matchmaker_add: { min_count: low, max_count: high, query: q, count_multiple: multiple } });
  await socketRefuses(add(1, 2), 3, "Invalid minimum count, must be >= 2");
  await socketRefuses(add(3, 2), 3, "Invalid maximum count, must be >= minimum count");
  await socketRefuses(add(2, 4, 0), 3, "Invalid count multiple, must be >= 1");
  await socketRefuses(add(3, 4, 2), 3, "Invalid count multiple for minimum count, must divide");
  await socketRefuses(add(2, 3, 2), 3, "Invalid count multiple for maximum count, must divide");
  await socketRefuses(add(2, 2, undefined, "properties.a:"), 0, "Error adding to matchmaker");
  await socketRefuses(ann.socket.removeMatchmaker(""), 3, "Invalid matchmaker ticket");
  await socketRefuses(ann.socket.removeMatchmaker("x"), 3, "Matchmaker ticket not found");
  const { ticket } = await ann.socket.addMatchmaker(query, 2, 2, properties);
  await socketRefuses(bob.socket.removeMatchmaker(ticket), 3, "Matchmaker ticket not found");
  await ann.socket.removeMatchmaker(ticket);
  await socketRefuses(ann.socket.removeMatchmaker(ticket), 3, "Matchmaker ticket not found");
  for (let n = 0; n < 3; n++) await ann.socket.addMatchmaker(`${query} +properties.none:${n}`, 2, 2, properties);
  await socketRefuses(ann.socket.addMatchmaker(query, 2, 2, properties), 0, "Error adding to matchmaker");
  // Bob's search finds one of ann's three; the other two stay.
  await bob.socket.addMatchmaker(query, 2, 2, properties);
  const m = await ann.match();
  const rest = m.ticket;
  assert.equal((await bob.match()).users.length, 2);
  await socketRefuses(ann.socket.removeMatchmaker(rest), 3, "Matchmaker ticket not found");
  await ann.socket.addMatchmaker(`${query} +properties.none:9`, 2, 2, properties);
  await socketRefuses(ann.socket.addMatchmaker(query, 2, 2, properties), 0, "Error adding to matchmaker");

  // A socket that closes takes its tickets along.
  const cid = await newPlayer();
  ann.leave();
  const ticket2 = (await cid.socket.addMatchmaker(`${query} -properties.room:*`, 2, 2, properties)).ticket;
  await explained(cid, ticket2, (e) => e.clauses?.find((c) => c.clause === query)?.rules_out === e.others); // nobody else is in the room
  leave(bob, cid);
});

test("party tickets", async () => {
  const list = await players(4);
  const [ann, bob, cid, dan] = list;
  const { query, properties } = room();
  const party = await ann.socket.createParty(true, 4);
  await bob.socket.joinParty(party.party_id);
  await socketRefuses(bob.socket.addMatchmakerParty(party.party_id, query, 4, 4, properties), 3, "Error adding party to matchmaker: party leader only");
  await socketRefuses(ann.socket.addMatchmakerParty(party.party_id, "+", 4, 4), 3, "Error adding party to matchmaker: matchmaker query invalid");
  await socketRefuses(ann.socket.addMatchmakerParty("x", query, 4, 4), 3, "Invalid party ID");
  const told = next((f) => { bob.socket.onpartymatchmakerticket = f; });
  const mine = await ann.socket.addMatchmakerParty(party.party_id, query, 4, 4, properties, { skill: 3 });
  assert.equal(mine.party_id, party.party_id);
  const heard = await told;
  assert.equal((heard.party_matchmaker_ticket ?? heard).ticket, mine.ticket);
  await socketRefuses(ann.socket.removeMatchmakerParty(party.party_id, "x"), 3, "Error closing party: matchmaker ticket not found");

  await cid.socket.addMatchmaker(query, 4, 4, properties);
  await dan.socket.addMatchmaker(query, 4, 4, properties);
  const matched = await Promise.all(list.map((p) => p.match()));
  for (const m of matched) {
    assert.equal(m.users.length, 4);
    assert.deepEqual(m.users.filter((u) => u.party_id === party.party_id).map((u) => u.presence.username), [ann.username, bob.username]);
  }
  assert.equal(matched[0].ticket, mine.ticket);
  assert.equal(matched[1].ticket, mine.ticket);
  assert.equal(matched[1].self.numeric_properties.skill, 3);

  const again = await ann.socket.addMatchmakerParty(party.party_id, query, 4, 4, properties);
  await ann.socket.removeMatchmakerParty(party.party_id, again.ticket);
  const third = await ann.socket.addMatchmakerParty(party.party_id, query, 4, 4, properties);
  await bob.socket.leaveParty(party.party_id); // the ticket was for two
  await socketRefuses(ann.socket.removeMatchmakerParty(party.party_id, third.ticket), 3, "Error closing party: matchmaker ticket not found");
  leave(...list);
});

test("statistics, and other people's tickets", async () => {
  const [ann, bob] = await players(2);
  const stats = await http("GET", "/v2/matchmaker/stats", { token: ann.session.token });
  assert.equal(stats.status, 200);
  assert.ok((stats.body.ticket_count ?? 0) >= 0 && (stats.body.completions ?? []).length <= 10);
  const { query, properties } = room();
  const { ticket } = await ann.socket.addMatchmaker(query, 2, 2, properties);
  const { status, body } = await http("GET", `/v2/matchmaker/ticket/${ticket}`, { token: bob.session.token });
  assert.deepEqual([status, body.code, body.message], [404, 5, "Matchmaker ticket not found."]);
  leave(ann, bob);
});
