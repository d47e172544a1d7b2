// Chat: channels, messages, history, in both formats.
import test, { after } from "node:test";
import assert from "node:assert/strict";
import WebSocket from "ws";
import { client, newUser, newSocket as connect, fresh, http, nil, host, port } from "./lib.mjs";

const sockets = [];
after(() => { for (const s of sockets) s.disconnect(false); }); // open ones would keep the process

/** A member of channels: a user with a socket, and everything that came over it. */
async function member(format = "json", user) {
  const m = { ...(user ?? await newUser()), got: [], waiting: [] };
  m.socket = await connect(m.session, format);
  sockets.push(m.socket);
  const note = (word) => { m.got.push(word); for (const look of m.waiting) look(); };
  m.socket.onchannelmessage = (x) => { m.last = x; note(`${x.username === m.username ? "me" : "you"}:${x.code}:${JSON.stringify(x.content)}`); };
  m.socket.onchannelpresence = (e) => {
    for (const p of e.joins ?? []) note(`+${p.user_id}`);
    for (const p of e.leaves ?? []) note(`-${p.user_id}`);
  };
  /** Resolves when this has come, and forgets what came up to it. */
  m.gets = (word, ms = 15000) => new Promise((resolve, reject) => {
    const timer = setTimeout(() => { reject(new Error(`${word} did not come, but ${m.got.join(" ")}`)); }, ms);
    const look = () => {
      const at = m.got.indexOf(word);
      if (at < 0) return;
      const before = m.got.splice(0, at + 1);
      m.waiting.splice(m.waiting.indexOf(look), 1);
      clearTimeout(timer);
      resolve(before.slice(0, -1));
    };
    m.waiting.push(look);
    look();
  });
  return m;
}

const ROOM = 1, DIRECT = 2, GROUP = 3;
const refused = (promise, code, message) => assert.rejects(promise, (e) => { assert.deepEqual({ code: e.code ?? 0, message: e.message }, { code, message }); return true; });
const list = async (u, channel, query = {}) => (await http("GET", `/v2/channel/${encodeURIComponent(channel)}?${new URLSearchParams(query)}`, { token: u.session.token })).body;
const texts = (l) => (l.messages ?? []).map((m) => m.content);
const codes = async (u) => (await client.listNotifications(u.session, 100)).notifications.map((n) => n.code);
const nanos = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/;

for (const format of ["json", "protobuf"]) {
  test(`${format}: two in a room`, async () => {
    const room = fresh("room"), id = `2...${room}`;
    const [a, b] = [await member(format), await member(format)];
    let ch = await a.socket.joinChat(room, ROOM, true, false);
    assert.equal(ch.id, id);
    assert.equal(ch.room_name, room);
    assert.deepEqual([ch.self.user_id, ch.self.username, ch.self.persistence], [a.id, a.username, true]);
    assert.deepEqual(ch.presences ?? [], []);
    await a.gets(`+${a.id}`);
    ch = await b.socket.joinChat(room, ROOM, true, false);
    assert.deepEqual(ch.presences.map((p) => p.user_id), [a.id]);
    await a.gets(`+${b.id}`);
    await b.gets(`+${b.id}`);

    const ack = await a.socket.writeChatMessage(id, { t: "hi" });
    assert.deepEqual(await a.gets('me:0:{"t":"hi"}'), []); // there before the answer
    await b.gets('you:0:{"t":"hi"}');
    for (const m of [ack, b.last]) {
      if (format === "json") assert.match(m.create_time, nanos); // the other format's adapter makes it a Date
      assert.deepEqual([m.channel_id, m.message_id, m.code, m.username, m.persistent, m.room_name], [id, ack.message_id, 0, a.username, true, room]);
    }
    assert.equal(b.last.sender_id, a.id);
    assert.deepEqual(b.last.create_time, ack.create_time);

    const changed = await a.socket.updateChatMessage(id, ack.message_id, { t: "ho" });
    await b.gets('you:1:{"t":"ho"}');
    assert.equal(changed.code, 1);
    assert.equal(+new Date(changed.create_time), +new Date(ack.create_time));
    assert.deepEqual(texts(await list(b, id)), ['{"t": "ho"}']);
    await a.socket.removeChatMessage(id, ack.message_id);
    await b.gets("you:2:{}");
    assert.deepEqual(await list(b, id), {});

    await b.socket.leaveChat(id);
    await a.gets(`-${b.id}`);
    await b.socket.leaveChat(id); // again
    await a.socket.writeChatMessage(id, {});
    await a.gets("me:0:{}");
    assert.deepEqual(b.got, []); // neither his own leave nor what came after
  });

  test(`${format}: the socket is lost`, async () => {
    const room = fresh("room");
    const [a, b] = [await member(format), await member(format)];
    await a.socket.joinChat(room, ROOM, true, false);
    await b.socket.joinChat(room, ROOM, true, false);
    b.socket.disconnect(false);
    await a.gets(`-${b.id}`, 2000);
  });
}

test("hidden, without persistence, and joined again", async () => {
  const room = fresh("room"), id = `2...${room}`;
  const [a, ghost, c] = [await member(), await member(), await member()];
  await a.socket.joinChat(room, ROOM, true, false);
  const seen = await ghost.socket.joinChat(room, ROOM, true, true);
  assert.deepEqual(seen.presences.map((p) => p.user_id), [a.id]);
  let ch = await c.socket.joinChat(room, ROOM, false, false);
  assert.deepEqual(ch.presences.map((p) => p.user_id), [a.id]);
  assert.equal(ch.self.persistence ?? false, false);
  await ghost.gets(`+${c.id}`);
  ch = await c.socket.joinChat(room, ROOM, true, false);
  assert.deepEqual(ch.presences.map((p) => p.user_id), [a.id, c.id]);
  assert.equal(ch.self.persistence, true); // as it was asked, not as it is
  assert.equal((await c.socket.writeChatMessage(id, { n: 1 })).persistent, false);
  await ghost.gets('you:0:{"n":1}');
  await ghost.socket.writeChatMessage(id, { n: 2 });
  assert.deepEqual(await a.gets('you:0:{"n":2}'), [`+${a.id}`, `+${c.id}`, 'you:0:{"n":1}']);
  assert.deepEqual(texts(await list(a, id)), ['{"n": 2}']);
  const any = await c.socket.updateChatMessage(id, nil, { n: 3 }); // nobody looks for it
  assert.deepEqual([any.message_id, any.code, any.persistent], [nil, 1, false]);
});

test("join's refusals", async () => {
  const a = await member();
  const f = (target, type, message) => refused(a.socket.joinChat(target, type, true, false), 3, message);
  await f("", ROOM, "Invalid channel target");
  await f("x", 4, "Invalid channel type");
  await f("x".repeat(65), ROOM, "Channel name is required and must be 1-64 chars: Invalid channel target");
  await f("a\nb", ROOM, "Channel name must not contain control chars: Invalid channel target");
  await f("x", DIRECT, "Invalid user ID in direct message join: Invalid channel target");
  await f(nil, DIRECT, "Invalid user ID in direct message join: Invalid channel target");
  await f(crypto.randomUUID(), DIRECT, "User ID not found: Invalid channel target");
  await f("x", GROUP, "Invalid group ID in group channel join: Invalid channel target");
  await f(crypto.randomUUID(), GROUP, "Group not found: Invalid channel target");
  assert.equal((await a.socket.joinChat("a. b", 0, true, false)).id, "2...a. b");
});

test("the messages' refusals", async () => {
  const a = await member(), b = await member();
  const room = fresh("room"), id = `2...${room}`, away = `2...${fresh("room")}`;
  for (const m of [a, b]) await m.socket.joinChat(room, ROOM, true, false);
  const { message_id } = await a.socket.writeChatMessage(id, {});
  const s = a.socket;
  const noObject = "Message content must be a valid JSON object";
  await refused(s.leaveChat("x"), 3, "Invalid channel identifier");
  await refused(s.writeChatMessage("2...", {}), 3, "Invalid channel identifier");
  await refused(s.writeChatMessage(away, [1]), 3, noObject);
  await refused(s.writeChatMessage(away, "text"), 3, noObject);
  await refused(s.writeChatMessage(away, {}), 3, "Must join channel before sending messages");
  await refused(s.updateChatMessage("x", "x", {}), 3, "Invalid message identifier");
  await refused(s.updateChatMessage("x", message_id, {}), 3, "Invalid channel identifier");
  await refused(s.updateChatMessage(away, message_id, 1), 3, noObject);
  await refused(s.updateChatMessage(away, message_id, {}), 3, "Must join channel before updating messages");
  await refused(s.updateChatMessage(id, nil, {}), 3, "Could not find message to update in channel history");
  await refused(b.socket.updateChatMessage(id, message_id, {}), 3, "Could not find message to update in channel history");
  await refused(s.removeChatMessage("x", "x"), 3, "Invalid message identifier");
  await refused(s.removeChatMessage("x", message_id), 3, "Invalid channel identifier");
  await refused(s.removeChatMessage(away, message_id), 3, "Must join channel before removing messages");
  await refused(b.socket.removeChatMessage(id, message_id), 3, "Could not find message to remove in channel history");
});

test("history, both ways", async () => {
  const a = await member(), room = fresh("room"), id = `2...${room}`;
  await a.socket.joinChat(room, ROOM, true, false);
  for (let n = 0; n < 5; n++) await a.socket.writeChatMessage(id, { n });
  const other = await newUser(); // who is not in the room
  const page = async (query, want) => {
    const l = await list(other, id, query);
    assert.equal(texts(l).map((t) => JSON.parse(t).n).join("") + (l.prev_cursor ? "p" : "") + (l.next_cursor ? "n" : "") + (l.cacheable_cursor ? "c" : ""), want);
    return l;
  };
  let l = await page({ limit: 2 }, "01nc");
  l = await page({ limit: 2, cursor: l.next_cursor }, "23pnc");
  const last = await page({ limit: 2, cursor: l.next_cursor }, "4pc");
  await page({ limit: 2, cursor: last.prev_cursor }, "23pnc");
  l = await page({ limit: 3, forward: false }, "432nc");
  await page({ limit: 9, forward: true, cursor: l.cacheable_cursor }, "34pc");
  l = await page({ limit: 3, forward: false, cursor: l.next_cursor }, "10pc");
  await page({ limit: 3, forward: false, cursor: l.prev_cursor }, "432nc");
  await page({ limit: 9, cursor: last.cacheable_cursor }, "c");
  await a.socket.writeChatMessage(id, { n: 5 });
  await page({ limit: 9, cursor: last.cacheable_cursor }, "5pc");
  await page({}, "0nc");
  const bad = async (query, message, channel = id) => assert.deepEqual(await list(other, channel, query), { code: 3, message });
  await bad({ cursor: last.prev_cursor, forward: false }, "Cursor is invalid or expired.");
  await bad({ cursor: last.prev_cursor }, "Cursor is invalid or expired.", "2...other");
  await bad({ cursor: "x" }, "Cursor is invalid or expired.");
  await bad({ limit: 0 }, "Invalid limit - limit must be between 1 and 100.");
  await bad({}, "Invalid channel ID.", "lobby");
  await bad({}, "Channel not found.", `4.${a.id}.${a.id}.`);
  const [m] = (await list(other, id)).messages;
  assert.deepEqual({ ...m, message_id: 0, create_time: 0, update_time: 0 }, { channel_id: id, message_id: 0, code: 0, sender_id: a.id, username: a.username,
    content: '{"n": 0}', create_time: 0, update_time: 0, persistent: true, room_name: room });
  assert.match(m.create_time, /T\d\d:\d\d:\d\d(\.\d{1,6})?Z$/);
  const parsed = await client.listChannelMessages(other.session, id, 1);
  assert.deepEqual(parsed.messages[0].content, { n: 0 });
});

test("direct channels", async () => {
  const [a, b] = [await member(), await member()];
  const [one, two] = [a.id, b.id].sort(), id = `4.${one}.${two}.`;
  const ch = await a.socket.joinChat(b.id, DIRECT, true, false);
  assert.deepEqual([ch.id, ch.user_id_one, ch.user_id_two], [id, one, two]);
  const [n] = (await client.listNotifications(b.session, 10)).notifications;
  assert.deepEqual([n.code, n.subject, n.content, n.sender_id], [-1, `${a.username} wants to chat`, { username: a.username }, a.id]);
  await a.socket.joinChat(b.id.toUpperCase(), DIRECT, true, false);
  await b.socket.joinChat(a.id, DIRECT, true, false);
  assert.deepEqual([await codes(a), await codes(b)], [[], [-1]]);
  await a.gets(`+${b.id}`);
  await a.socket.writeChatMessage(id, { t: 1 });
  await b.gets('you:0:{"t":1}');
  assert.deepEqual([b.last.user_id_one, b.last.user_id_two], [one, two]);
  assert.deepEqual(texts(await list(b, id)), ['{"t": 1}']);
  assert.deepEqual(await list(await newUser(), id), { code: 3, message: "Channel not found." });

  await client.blockFriends(b.session, [a.id]); // both are out, and nobody is told
  await refused(a.socket.writeChatMessage(id, {}), 3, "Must join channel before sending messages");
  await refused(a.socket.joinChat(b.id, DIRECT, true, false), 3, "User ID not found: Invalid channel target");
  await b.socket.joinChat(a.id, DIRECT, true, false); // he who blocks may
  assert.deepEqual(await codes(a), [-1]);
  assert.ok(!a.got.some((w) => w.startsWith("-")));
});

/** Opens a bare socket: the client of 200 would be slow. */
const open = (session) => new Promise((resolve, reject) => {
  const ws = new WebSocket(`ws://${host}:${port}/ws?token=${session.token}`);
  ws.on("open", () => resolve(ws));
  ws.on("error", reject);
});
const say = (ws, message) => ws.send(JSON.stringify(message));

test("200 in a room: everybody gets everything, in order; the leaves of those who are lost arrive", async () => {
  const members = 200, each = 3, room = fresh("room"), id = `2...${room}`;
  const users = await Promise.all(Array.from({ length: 20 }, () => newUser()));
  const all = await Promise.all(Array.from({ length: members }, (_, n) => open(users[n % 20].session)));
  const leaves = new Array(members).fill(0);
  let joined = 0, whole = 0, lost = 0, told, arrived, gone;
  const everybodyIn = new Promise((r) => { told = r; }), everything = new Promise((r) => { arrived = r; }), everybodyOut = new Promise((r) => { gone = r; });
  const wrong = [];
  all.forEach((ws, me) => {
    const next = new Array(members).fill(0);
    let count = 0;
    ws.on("message", (raw) => {
      const m = JSON.parse(String(raw));
      if (m.channel && ++joined === members) told();
      if (m.error) wrong.push(m.error.message);
      if (m.channel_message) {
        const { from, n } = JSON.parse(m.channel_message.content);
        if (n !== next[from]++) wrong.push(`${me} got ${n} of ${from}`);
        if (++count === members * each && ++whole === members) arrived();
      }
      leaves[me] += m.channel_presence_event?.leaves?.length ?? 0;
      if (leaves[me] === members / 2 && ++lost === members / 2) gone();
    });
    say(ws, { cid: "j", channel_join: { target: room, type: ROOM, persistence: me % 4 === 0 } });
  });
  await everybodyIn;
  for (let n = 0; n < each; n++) all.forEach((ws, from) => say(ws, { channel_message_send: { channel_id: id, content: JSON.stringify({ from, n }) } }));
  await everything;
  assert.deepEqual(wrong, []);
  for (const ws of all.slice(0, members / 2)) ws.terminate();
  await everybodyOut;
  for (const ws of all) ws.terminate();
});

test("who does not read is out, and nobody waits for him", async () => {
  const room = fresh("room"), id = `2...${room}`;
  const [a, b, slow] = [await member(), await member(), await newUser()];
  await a.socket.joinChat(room, ROOM, false, false);
  await b.socket.joinChat(room, ROOM, false, false);
  const ws = await open(slow.session);
  say(ws, { channel_join: { target: room, type: ROOM } });
  await a.gets(`+${slow.id}`);
  await b.gets(`+${slow.id}`);
  ws._socket.pause();
  const text = "x".repeat(3000);
  let out = false, sent = 0;
  const left = a.gets(`-${slow.id}`, 60000).finally(() => { out = true; });
  for (let full = false; !out; full ||= sent > 5000) { // what no queue and no kernel holds; then a little, until he is gone
    await Promise.all(Array.from({ length: full ? 1 : 20 }, () => b.socket.writeChatMessage(id, { n: sent++, text })));
    a.got = a.got.filter((w) => w.startsWith("-"));
  }
  await left;
  const last = { n: "last" };
  await b.socket.writeChatMessage(id, last);
  await a.gets(`you:0:${JSON.stringify(last)}`);
  ws.terminate();
});
