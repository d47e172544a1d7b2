// Parties with Nakama's client. Its protobuf adapter is older than the message `party` and misreads it, so in that format
// a player only joins and listens to the rest.
import test from "node:test";
import assert from "node:assert/strict";
import { newUser, newSocket, http, fresh, next } from "./lib.mjs";

const handlers = ["party", "partyclose", "partydata", "partyjoinrequest", "partyleader", "partypresence"];

/** A signed-in, connected player who writes down, in order, what the server tells of parties. */
async function newPlayer(format) {
  const { session, id, username } = await newUser();
  const socket = await newSocket(session, format, false);
  const p = { session, socket, id, username, told: [] };
  let wake = () => {};
  for (const name of handlers) {
    socket["on" + name] = (message) => { p.told.push([name, message]); wake(); };
  }
  /** Resolves with the first message of this kind (for which f holds), and forgets it and what came before. */
  p.hears = (name, f = () => true) => new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no ${name}, but ${JSON.stringify(p.told)}`)), 5000);
    wake = () => {
      const i = p.told.findIndex(([kind, message]) => kind === name && f(message));
      if (i < 0) return;
      clearTimeout(timer);
      wake = () => {};
      resolve(p.told.splice(0, i + 1)[i][1]);
    };
    wake();
  });
  p.presence = (party) => party.presences.find((x) => x.user_id === p.id);
  p.leave = () => socket.disconnect(false);
  return p;
}

const names = (list) => (list ?? []).map((x) => x.username);
const joined = (p) => (m) => names(m.joins).includes(p.username);
const left = (p) => (m) => names(m.leaves).includes(p.username);
const refused = (promise, message) => assert.rejects(promise, (e) => e.code === 3 && e.message === message);

/** Creates a party with what the client's own call cannot say. */
const create = async (p, party) => (await p.socket.send({ party_create: party })).party;

test("an open party: created, joined, left, inherited, closed", async () => {
  const [ann, bob, cid] = [await newPlayer(), await newPlayer(), await newPlayer()];
  const party = await ann.socket.createParty(true, 3);
  assert.match(party.party_id, /^[0-9a-f-]{36}\../);
  assert.equal(party.open, true);
  assert.equal(party.max_size, 3);
  assert.deepEqual(party.self, party.leader);
  assert.deepEqual(names(party.presences), [ann.username]);
  assert.deepEqual(await ann.hears("party"), party);
  await ann.hears("partypresence", joined(ann));

  await bob.socket.joinParty(party.party_id);
  const seen = await bob.hears("party");
  assert.deepEqual(names(seen.presences), [ann.username, bob.username]);
  assert.equal(seen.self.username, bob.username);
  assert.equal(seen.leader.username, ann.username);
  await bob.hears("partypresence", joined(bob));
  await ann.hears("partypresence", joined(bob));
  await bob.socket.joinParty(party.party_id); // again: nothing happens
  await cid.socket.joinParty(party.party_id);
  const all = await cid.hears("party");
  await bob.hears("partypresence", joined(cid));
  await ann.hears("partypresence", joined(cid));
  const late = await newPlayer();
  await refused(late.socket.joinParty(party.party_id), "Error joining party: party full");

  await bob.socket.sendPartyData(party.party_id, 7, "hi");
  for (const p of [ann, cid]) {
    const data = await p.hears("partydata");
    assert.equal(data.op_code, 7);
    assert.equal(new TextDecoder().decode(data.data), "hi");
    assert.equal(data.presence.username, bob.username);
  }

  await refused(bob.socket.promotePartyMember(party.party_id, bob.presence(all)), "Error promoting new party leader: party leader only");
  await ann.socket.promotePartyMember(party.party_id, cid.presence(all));
  for (const p of [ann, bob, cid]) assert.equal((await p.hears("partyleader")).presence.username, cid.username);

  // the longest-standing member inherits, and that is told before the leave
  cid.leave();
  for (const p of [ann, bob]) {
    assert.equal((await p.hears("partyleader")).presence.username, ann.username);
    await p.hears("partypresence", left(cid)); // hears forgets what came before
  }
  await bob.socket.leaveParty(party.party_id);
  await ann.hears("partypresence", left(bob));
  await bob.socket.leaveParty(party.party_id); // it does not matter
  await bob.socket.joinParty(party.party_id);
  await bob.hears("party");
  bob.told.length = 0;
  await ann.socket.closeParty(party.party_id);
  for (const p of [ann, bob]) assert.equal((await p.hears("partyclose")).party_id, party.party_id);
  await refused(bob.socket.joinParty(party.party_id), "Error joining party: party not found");
  await bob.socket.leaveParty(party.party_id);
  assert.deepEqual(bob.told, []); // no leave events
  for (const p of [ann, bob, late]) p.leave();
});

test("a closed party: requests, accepted and declined; removing", async () => {
  const [ann, bob, cid] = [await newPlayer(), await newPlayer(), await newPlayer()];
  const { party_id } = await ann.socket.createParty(false, 2);
  await ann.hears("partypresence", joined(ann));
  await bob.socket.joinParty(party_id);
  const asked = await ann.hears("partyjoinrequest");
  assert.deepEqual([asked.party_id, ...names(asked.presences)], [party_id, bob.username]);
  await refused(bob.socket.joinParty(party_id), "Error joining party: party join request duplicate");
  await cid.socket.joinParty(party_id);
  await refused((await newPlayer()).socket.joinParty(party_id), "Error joining party: party join requests full");
  await refused(bob.socket.listPartyJoinRequests(party_id), "Error listing party join requests: party leader only");
  const list = await ann.socket.listPartyJoinRequests(party_id);
  assert.deepEqual(names(list.presences), [bob.username, cid.username]);

  const wrong = { ...list.presences[0], username: "somebody" };
  await refused(ann.socket.acceptPartyMember(party_id, wrong), "Error accepting party join request: party join request not found");
  await refused(ann.socket.acceptPartyMember(party_id, { user_id: ann.id }), "Invalid presence");
  await ann.socket.acceptPartyMember(party_id, list.presences[0]);
  const seen = await bob.hears("party");
  assert.deepEqual(names(seen.presences), [ann.username, bob.username]);
  await ann.hears("partypresence", joined(bob));
  await refused(ann.socket.acceptPartyMember(party_id, list.presences[1]), "Error accepting party join request: party full");
  await ann.socket.removePartyMember(party_id, list.presences[1]); // declined, and not told
  assert.equal((await ann.socket.listPartyJoinRequests(party_id)).presences, undefined);

  await refused(ann.socket.removePartyMember(party_id, ann.presence(seen)), "Error removing party member or join request: party cannot remove self");
  await ann.socket.removePartyMember(party_id, bob.presence(seen));
  assert.equal((await bob.hears("partyclose")).party_id, party_id);
  await ann.hears("partypresence", left(bob));
  await refused(ann.socket.removePartyMember(party_id, bob.presence(seen)), "Error removing party member or join request: party member not found");

  await cid.socket.joinParty(party_id);
  const gone = (await ann.hears("partyjoinrequest")).presences[0];
  const room = fresh("room"); // where cid's end is seen
  await ann.socket.joinChat(room, 1, false, false);
  await cid.socket.joinChat(room, 1, false, false);
  const noticed = next((f) => { ann.socket.onchannelpresence = (m) => { if (m.leaves) f(m); }; });
  cid.leave();
  await noticed;
  await refused(ann.socket.acceptPartyMember(party_id, gone), "Error accepting party join request: party could not accept request");
  assert.equal((await ann.socket.listPartyJoinRequests(party_id)).presences, undefined);
  assert.deepEqual(cid.told, []);
  await refused(ann.socket.acceptPartyMember("x", gone), "Invalid party ID");
  for (const p of [ann, bob]) p.leave();
});

test("labels and listing", async () => {
  const ann = await newPlayer();
  const mode = fresh("mode");
  const get = async (query) => {
    const response = await http("GET", "/v2/party?" + new URLSearchParams(query), { token: ann.session.token });
    return response.status === 200 ? response.body : `${response.status} ${response.body.code} ${response.body.message}`;
  };
  const label = (level) => JSON.stringify({ mode, level });
  const parties = [];
  for (let level = 0; level < 5; level++) {
    parties.push(await create(ann, { open: level % 2 === 0, max_size: 4, label: label(level) }));
  }
  assert.equal(parties[0].label, label(0));
  const secret = await create(ann, { open: true, max_size: 4, label: label(9), hidden: true });
  assert.equal(secret.hidden, true);
  const ids = (body) => (body.parties ?? []).map((p) => parties.findIndex((q) => q.party_id === p.party_id));

  const query = `+label.mode:${mode.replaceAll("-", "\\-")}`;
  const first = await get({ query });
  assert.deepEqual(ids(first), [0, 1, 2, 3, 4]);
  assert.deepEqual(first.parties[1], { party_id: parties[1].party_id, max_size: 4, label: label(1) });
  assert.equal(first.cursor, undefined);
  assert.deepEqual(ids(await get({ query, open: "false" })), [1, 3]);
  assert.deepEqual(ids(await get({ query: `${query} +label.level:>=3` })), [3, 4]);
  assert.deepEqual(ids(await get({ query: `${query} label.level:2^3 label.level:4^2` })), [2, 4, 0, 1, 3]);
  const pages = [];
  for (let cursor = ""; ;) {
    const page = await get(cursor ? { query, limit: 2, cursor } : { query, limit: 2 });
    pages.push(...ids(page));
    if (!page.cursor) break;
    assert.equal(await get({ query, limit: 3, cursor: page.cursor }), "400 3 Cursor is invalid.");
    cursor = page.cursor;
  }
  assert.deepEqual(pages, [0, 1, 2, 3, 4]);
  assert.equal(await get({ limit: 101 }), "400 3 Invalid limit - limit must be between 1 and 100.");
  assert.equal(await get({ query: "label.mode:" }), "400 3 Query is invalid.");
  assert.equal(await get({ query: "label.mode:/a(/" }), "400 3 Query is invalid.");

  await ann.socket.send({ party_update: { party_id: parties[0].party_id, label: label(7), open: true } });
  await ann.socket.send({ party_update: { party_id: parties[1].party_id, hidden: true } });
  await ann.socket.closeParty(parties[2].party_id);
  assert.deepEqual(ids(await get({ query })), [0, 3, 4]);
  assert.deepEqual(ids(await get({ query: `${query} +label.level:7` })), [0]);
  const update = (fields) => ann.socket.send({ party_update: { party_id: parties[0].party_id, ...fields } });
  await refused(update({ label: "[]" }), "Error updating party: failed to unmarshal party label: json: cannot unmarshal array into Go value of type map[string]interface {}");
  await refused(update({ label: JSON.stringify({ a: "x".repeat(2048) }) }), "Error updating party: party label too long");
  await refused(update({ label: label(1), hidden: true }), "Error updating party: party is hidden and label is not empty, invalid operation");
  await refused(create(ann, { max_size: 257 }), "Invalid party max size, must be 1-256");
  await refused(create(ann, { max_size: 1, label: "x" }), "Error creating party: failed to unmarshal party label: invalid character 'x' looking for beginning of value");
  ann.leave();
});

test("both formats in one party", async () => {
  const ann = await newPlayer();
  const bob = await newPlayer("protobuf");
  bob.socket.onparty = () => {}; // misread
  const { party_id } = await ann.socket.createParty(false, 2);
  await bob.socket.joinParty(party_id);
  const { presences } = await ann.hears("partyjoinrequest");
  await ann.socket.acceptPartyMember(party_id, presences[0]);
  const event = await bob.hears("partypresence");
  assert.deepEqual([event.party_id, ...names(event.joins)], [party_id, bob.username]);
  await ann.socket.sendPartyData(party_id, 3, "to protobuf");
  const data = await bob.hears("partydata");
  assert.equal(data.op_code, 3);
  assert.equal(new TextDecoder().decode(data.data), "to protobuf");
  await bob.socket.sendPartyData(party_id, 4, "to json");
  assert.equal(new TextDecoder().decode((await ann.hears("partydata")).data), "to json");
  await ann.socket.promotePartyMember(party_id, presences[0]);
  assert.equal((await bob.hears("partyleader")).presence.username, bob.username);
  ann.leave();
  assert.deepEqual(names((await bob.hears("partypresence")).leaves), [ann.username]);
  await refused(bob.socket.promotePartyMember(party_id, event.joins[0]).then(() => bob.socket.promotePartyMember(party_id, { ...event.joins[0], username: "x" })),
    "Error promoting new party leader: party member not found");
  await bob.socket.closeParty(party_id);
  assert.equal((await bob.hears("partyclose")).party_id, party_id);
  bob.leave();
});

test("an unknown party, on every message", async () => {
  const ann = await newPlayer();
  const somebody = { user_id: "x", session_id: "y", username: "z" };
  const messages = {
    party_join: "Error joining party: ", party_promote: "Error promoting new party leader: ", party_accept: "Error accepting party join request: ",
    party_remove: "Error removing party member or join request: ", party_close: "Error closing party: ",
    party_join_request_list: "Error listing party join requests: ", party_update: "Error updating party: ",
  };
  const node = (await ann.socket.createParty(true, 1)).party_id.split(".")[1];
  for (const [name, prefix] of Object.entries(messages)) {
    for (const party_id of [`00000000-0000-4000-8000-000000000000.${node}`, "00000000-0000-4000-8000-000000000000.elsewhere"]) {
      await refused(ann.socket.send({ [name]: { party_id, presence: ["party_promote", "party_accept", "party_remove"].includes(name) ? somebody : undefined } }), prefix + "party not found");
    }
    await refused(ann.socket.send({ [name]: { party_id: "nonsense" } }), "Invalid party ID");
  }
  ann.leave();
});
