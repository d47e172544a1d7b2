// Groups: every transition, listings, what the channel and the users are told.
import test, { after } from "node:test";
import assert from "node:assert/strict";
import { client, newUser, newSocket as connect, fresh, refused, http, nil } from "./lib.mjs";

const sockets = [];
after(() => { for (const s of sockets) s.disconnect(false); }); // open ones would keep the process

const users = (n) => Promise.all(Array.from({ length: n }, () => newUser()));
const group = (u, more = {}) => client.createGroup(u.session, { name: fresh("group"), open: true, ...more });
const members = async (u, g, query = {}) =>
  (await http("GET", `/v2/group/${g.id}/user?${new URLSearchParams(query)}`, { token: u.session.token })).body.group_users?.map((m) => [m.user.id, m.state]) ?? [];
const count = async (u, g) => (await client.listGroups(u.session, g.name, undefined, 1)).groups[0]?.edge_count;
const states = async (u, g, ...who) => {
  const all = [...await members(u, g), ...await members(u, g, { state: 4 })];
  return who.map((w) => all.find(([id]) => id === w.id)?.[1] ?? "-").join("");
};
const told = async (u) => (await client.listNotifications(u.session, 100)).notifications;
const history = async (u, g) => (await client.listChannelMessages(u.session, `3.${g.id}..`, 100)).messages.map((m) => m.code).sort();
const call = {
  add: (u, g, ...w) => client.addGroupUsers(u.session, g.id, w.map((x) => x.id)),
  kick: (u, g, ...w) => client.kickGroupUsers(u.session, g.id, w.map((x) => x.id)),
  ban: (u, g, ...w) => client.banGroupUsers(u.session, g.id, w.map((x) => x.id)),
  promote: (u, g, ...w) => client.promoteGroupUsers(u.session, g.id, w.map((x) => x.id)),
  demote: (u, g, ...w) => client.demoteGroupUsers(u.session, g.id, w.map((x) => x.id)),
};

test("created, updated, deleted", async () => {
  const [a, b] = await users(2), name = fresh("group");
  const raw = (await http("POST", "/v2/group", { token: a.session.token, body: { name } })).body;
  const { id, create_time } = raw;
  assert.match(create_time, /T\d\d:\d\d:\d\dZ$/);
  assert.deepEqual(raw, { id, creator_id: a.id, name, lang_tag: "en", metadata: "{}", open: false, edge_count: 1, max_count: 100, create_time, update_time: create_time });
  await refused(client.createGroup(b.session, { name }), 6, "Group name is in use.");
  await refused(client.createGroup(b.session, { name: "" }), 3, "Group name must be set.");
  await refused(client.createGroup(b.session, { name: "x", max_count: -1 }), 3, "Group max count must be >= 1 when set.");
  const other = await group(b);
  const update = (u, body, to = id) => http("PUT", `/v2/group/${to}`, { token: u.session.token, body });
  assert.deepEqual((await update(a, { description: "d", open: true, lang_tag: "fr" })).body, {});
  assert.deepEqual((await client.listGroups(a.session, name)).groups.map((g) => [g.description, g.open, g.lang_tag]), [["d", true, "fr"]]);
  const f = async (u, body, code, message, to) => assert.deepEqual((await update(u, body, to)).body, { code, message });
  await f(b, { open: false }, 5, "Group not found or you're not allowed to update.");
  await f(a, {}, 3, "Specify at least one field to update.");
  await f(a, { name: "" }, 3, "Group name cannot be empty.");
  await f(a, { lang_tag: "" }, 3, "Group language cannot be empty.");
  await f(a, { name: other.name }, 3, "Group name is in use.");
  await f(a, { name: "x" }, 3, "Group ID must be a valid ID.", "x");
  await refused(client.deleteGroup(b.session, id), 3, "Group not found or you're not allowed to delete.");
  assert.equal(await client.deleteGroup(a.session, id), true);
  assert.deepEqual((await client.listGroups(a.session, name)).groups, []);
  await refused(client.joinGroup(b.session, id), 5, "Group not found.");
});

test("open, closed, full", async () => {
  const [a, b, c] = await users(3), g = await group(a, { max_count: 2 });
  await client.joinGroup(b.session, g.id);
  assert.equal(await states(a, g, a, b), "02");
  await refused(client.joinGroup(c.session, g.id), 3, "Group is full.");
  await refused(call.add(a, g, c), 3, "Group is full.");
  await client.leaveGroup(b.session, g.id);
  await client.leaveGroup(b.session, g.id);
  assert.equal(await count(a, g), 1);
  await client.updateGroup(a.session, g.id, { open: false });
  await client.joinGroup(b.session, g.id);
  await client.joinGroup(b.session, g.id);
  assert.equal(await states(a, g, a, b), "03");
  assert.deepEqual((await told(a)).map((n) => [n.code, n.subject, n.content, n.sender_id]),
    [[-5, `User ${b.username} wants to join your group`, { group_id: g.id, username: b.username }, b.id]]);
  await call.promote(a, g, b); // accepts nobody
  assert.equal(await states(a, g, b), "3");
  await call.add(a, g, b);
  assert.equal(await states(a, g, b), "2");
  assert.deepEqual((await told(b)).map((n) => [n.code, n.subject, n.content, n.sender_id]),
    [[-4, `You've been added to group ${g.name}`, { group_id: g.id, name: g.name }, a.id]]);
  await refused(client.leaveGroup(a.session, g.id), 3, "Cannot leave group when you are the last superadmin.");
  assert.deepEqual(await history(a, g), [3, 4, 5]);
  await client.leaveGroup(b.session, g.id);
  await client.leaveGroup(a.session, g.id); // the last one ends it
  assert.deepEqual((await client.listGroups(a.session, g.name)).groups, []);
});

test("promoted, demoted, kicked, banned", async () => {
  const [a, b, c, d, none] = await users(5), g = await group(a);
  await call.add(a, g, b, c, d, a);
  assert.equal(await states(a, g, a, b, c, d, none), "0222-");
  await call.promote(a, g, b);
  await call.promote(b, g, c, a, b, d); // an admin raises members only
  assert.equal(await states(a, g, a, b, c, d), "0111");
  await call.demote(b, g, a, d);
  assert.equal(await states(a, g, a, b, c, d), "0112");
  await call.kick(b, g, a, c, d, b, none);
  assert.equal(await states(a, g, a, b, c, d), "011-");
  await call.promote(a, g, b);
  await call.demote(a, g, c);
  await call.demote(b, g, a);
  assert.equal(await states(a, g, a, b, c), "102");
  await call.demote(b, g, b); // the only superadmin stays
  await refused(client.leaveGroup(b.session, g.id), 3, "Cannot leave group when you are the last superadmin.");
  await call.ban(b, g, a, c, d);
  assert.equal(await states(b, g, a, b, c, d), "404-"); // all who have an edge
  await client.joinGroup(a.session, g.id);
  await client.leaveGroup(a.session, g.id);
  await call.add(b, g, c);
  assert.equal(await states(b, g, a, c), "44");
  assert.equal(await count(b, g), 1);
  await call.kick(b, g, c); // lifts the ban
  await client.joinGroup(c.session, g.id);
  assert.equal(await states(b, g, c), "2");
  const denied = "Group not found or permission denied.";
  for (const f of Object.values(call)) {
    await refused(f(c, g, b), 5, denied);
    await refused(f(none, { id: crypto.randomUUID() }, b), 5, denied);
    await refused(f(b, { id: "x" }, c), 3, "Group ID must be a valid ID.");
    await refused(f(b, g, { id: nil }), 3, "User ID must be a valid ID.");
  }
  await refused(call.add(b, g, { id: crypto.randomUUID() }), 3, "One or more users not found.");
  assert.deepEqual((await http("POST", `/v2/group/${g.id}/demote`, { token: b.session.token })).body, { code: 3, message: "User IDs must be set." });
  assert.deepEqual((await http("POST", `/v2/group/${g.id}/kick`, { token: none.session.token })).body, {});
});

for (const format of ["json", "protobuf"]) {
  test(`${format}: the channel is told, and loses who leaves the group`, async () => {
    const [a, b] = await users(2), g = await group(a), id = `3.${g.id}..`;
    const got = [[], []], waiting = [];
    const chat = await Promise.all([a, b].map(async (u, i) => {
      const s = await connect(u.session, format);
      sockets.push(s);
      const note = (word) => { got[i].push(word); for (const look of waiting) look(); };
      s.onchannelmessage = (m) => note(`${m.sender_id === a.id ? "a" : "b"}${m.code}`);
      s.onchannelpresence = (e) => { for (const p of e.leaves ?? []) note(`-${p.user_id === a.id ? "a" : "b"}`); };
      s.onnotification = (n) => note(`!${n.code}`);
      return s;
    }));
    const until = (i, word) => new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no ${word} in ${got[i]}`)), 15000);
      const look = () => { if (got[i].includes(word)) { clearTimeout(timer); resolve(); } };
      waiting.push(look);
      look();
    });
    await assert.rejects(chat[1].joinChat(g.id, 3, true, false), (e) => e.code === 3 && e.message === "Group not found: Invalid channel target");
    assert.equal((await chat[0].joinChat(g.id, 3, true, false)).group_id, g.id);
    await call.add(a, g, b);
    await until(0, "b4");
    await until(1, "!-4");
    await chat[1].joinChat(g.id, 3, true, false);
    await call.promote(a, g, b);
    await call.demote(a, g, b);
    await call.kick(a, g, b);
    await until(0, "-b");
    await until(1, "b6");
    assert.deepEqual(got[0].filter((w) => w !== "!-4"), ["b4", "b7", "b9", "b6", "-b"]);
    assert.deepEqual(got[1], ["!-4", "b7", "b9", "b6"]);
    await assert.rejects(chat[1].writeChatMessage(id, {}), (e) => e.message === "Must join channel before sending messages");
    await refused(client.listChannelMessages(b.session, id), 3, "Group not found.");
    await client.joinGroup(b.session, g.id);
    await client.leaveGroup(b.session, g.id);
    await client.joinGroup(b.session, g.id);
    await chat[1].joinChat(g.id, 3, true, false);
    await call.ban(a, g, b);
    await until(1, "b8");
    assert.deepEqual(await history(a, g), [3, 3, 4, 5, 6, 7, 8, 9]);
    const [m] = (await http("GET", `/v2/channel/${id}`, { token: a.session.token })).body.messages;
    assert.deepEqual([m.channel_id, m.sender_id, m.username, m.content, m.persistent, m.group_id], [id, b.id, b.username, "{}", true, g.id]);
    assert.match(m.create_time, /T\d\d:\d\d:\d\dZ$/);
    await client.deleteGroup(a.session, g.id);
    await assert.rejects(chat[0].writeChatMessage(id, {}), (e) => e.message === "Must join channel before sending messages");
  });
}

test("members and groups of a user, page by page", async () => {
  const [a, b, c] = await users(3), g = await group(a);
  await client.joinGroup(c.session, g.id);
  await client.joinGroup(b.session, g.id);
  const page = async (query) => (await http("GET", `/v2/group/${g.id}/user?${new URLSearchParams(query)}`, { token: b.session.token })).body;
  let l = await page({ limit: 2 });
  assert.deepEqual(l.group_users.map((m) => m.user.id), [a.id, c.id]);
  l = await page({ limit: 2, cursor: l.cursor });
  assert.deepEqual([l.group_users.map((m) => m.user.id), l.cursor], [[b.id], undefined]);
  assert.deepEqual(await page({ state: 5 }), { code: 3, message: "Invalid state - state must be between 0 and 4." });
  assert.deepEqual(await page({ limit: 101 }), { code: 3, message: "Invalid limit - limit must be between 1 and 100." });
  assert.deepEqual(await page({ cursor: "x" }), { code: 3, message: "Cursor is invalid." });
  assert.deepEqual(await members(a, { id: crypto.randomUUID() }), []);

  const asked = await group(a, { open: false });
  await client.joinGroup(b.session, asked.id);
  const of = async (query, user = b.id) => (await http("GET", `/v2/user/${user}/group?${new URLSearchParams(query)}`, { token: a.session.token })).body;
  l = await of({});
  assert.deepEqual(l.user_groups.map((x) => [x.group.id, x.state]), [[g.id, 2], [asked.id, 3]]);
  l = await of({ limit: 1 });
  l = await of({ limit: 1, cursor: l.cursor });
  assert.deepEqual([l.user_groups[0].group.name, l.cursor], [asked.name, undefined]);
  assert.deepEqual(await of({ state: 4 }), {});
  assert.deepEqual(await of({}, "x"), { code: 3, message: "Group ID must be a valid ID." });
});

test("listings by every filter", async () => {
  const a = await newUser(), prefix = fresh("List"), lang = prefix.slice(-18), made = [];
  for (let n = 0; n < 5; n++) made.push(await group(a, { name: `${prefix} ${n}`, lang_tag: lang, open: n % 2 === 0 }));
  const b = await newUser();
  await client.joinGroup(b.session, made[0].id);
  await client.joinGroup(b.session, made[4].id);
  const all = async (query) => {
    const names = [];
    for (let cursor = ""; ;) {
      const l = (await http("GET", `/v2/group?${new URLSearchParams({ limit: 2, ...query, ...(cursor && { cursor }) })}`, { token: a.session.token })).body;
      names.push(...(l.groups ?? []).map((g) => g.name.at(-1)));
      if (!(cursor = l.cursor)) return names.join("");
    }
  };
  const sorted = (s) => [...s].sort().join("");
  const counted = await all({ lang_tag: lang });
  assert.deepEqual([sorted(counted.slice(0, 3)), sorted(counted.slice(3))], ["123", "04"]);
  const down = await all({ lang_tag: lang, members: 2 });
  assert.equal(down, [...counted].reverse().join(""));
  assert.equal(sorted(await all({ lang_tag: lang, members: 1 })), "123");
  assert.equal(sorted(await all({ lang_tag: lang, open: true })), "024");
  assert.equal(await all({ lang_tag: lang, open: true, members: 1 }), "2");
  assert.equal(await all({ name: `${prefix.toUpperCase()}%` }), "01234");
  assert.equal(await all({ name: `${prefix.toLowerCase()} 3` }), "3");
  assert.equal(await all({ name: `% ${prefix}_4` }), "4");
  assert.equal(await all({ name: `${prefix.slice(0, -3)}%3` }), "3");
  const bad = async (query, message) => assert.deepEqual((await http("GET", `/v2/group?${new URLSearchParams(query)}`, { token: a.session.token })).body, { code: 3, message });
  await bad({ name: "x", open: true }, "name filter cannot be combined with any other filter");
  await bad({ limit: 0 }, "Invalid limit - limit must be between 1 and 100.");
  await bad({ cursor: "x" }, "Cursor is invalid.");
});

test("parallel joins never exceed the limit", async () => {
  const [a, ...crowd] = await users(25), g = await group(a, { max_count: 10 });
  const results = await Promise.allSettled(crowd.map((u) => client.joinGroup(u.session, g.id)));
  assert.equal(results.filter((r) => r.status === "fulfilled").length, 9);
  assert.equal((await members(a, g)).length, 10);
  assert.equal(await count(a, g), 10);
});
