// The WebSocket door with Nakama's client, in both formats.
import test from "node:test";
import assert from "node:assert/strict";
import WebSocket from "ws";
import { client, newUser, newSocket, host, port, http, claims } from "./lib.mjs";

const url = (query) => `ws://${host}:${port}/ws?${query}`;

/** Opens a raw socket; resolves with it once open. */
const open = (query) => new Promise((resolve, reject) => {
  const ws = new WebSocket(url(query));
  ws.on("open", () => resolve(ws));
  ws.on("error", reject);
  ws.on("unexpected-response", (_, r) => {
    let text = "";
    r.on("data", (d) => { text += d; });
    r.on("end", () => reject(Object.assign(new Error("refused"), { status: r.statusCode, text })));
  });
});
const closed = (ws) => new Promise((resolve) => ws.on("close", (code, reason) => resolve({ code, reason: String(reason) })));
const message = (ws) => new Promise((resolve) => ws.once("message", (data, binary) => resolve(binary ? data : String(data))));

for (const format of ["json", "protobuf"]) {
  test(`${format}: an unknown function is refused, the socket stays open`, async () => {
    const { session } = await newUser();
    const socket = await newSocket(session, format);
    for (let n = 0; n < 2; n++) {
      await assert.rejects(socket.rpc("no_such_function", "{}"), (e) => e.code === 6 && e.message === "RPC function not found");
    }
    socket.disconnect(false);
  });
}

test("ping, cid, and an acknowledgement's exact form", async () => {
  const { session } = await newUser();
  const ws = await open(`token=${session.token}`);
  ws.send('{"cid":"7","ping":{}}');
  assert.deepEqual(JSON.parse(await message(ws)), { cid: "7", pong: {} });
  ws.send('{"ping":{}}');
  assert.deepEqual(JSON.parse(await message(ws)), { pong: {} });
  ws.send('{"cid":"8","rpc":{}}');
  assert.deepEqual(JSON.parse(await message(ws)), { cid: "8", error: { code: 3, message: "RPC ID must be set" } });
  const end = closed(ws);
  ws.close(4001, "bye");
  assert.equal((await end).code, 4001);
});

test("the handshake's refusals", async () => {
  const { session } = await newUser();
  const f = async (query, status, text) => {
    await assert.rejects(open(query), (e) => e.status === status && e.text.trim() === text);
  };
  await f("token=nonsense", 401, "Missing or invalid token");
  await f("", 401, "Missing or invalid token");
  await f(`token=${session.token}&format=xml`, 400, "Invalid format parameter");
  const plain = await http("GET", `/ws?token=${session.token}`);
  assert.equal(plain.status, 400);
  assert.equal(plain.text.trim(), "Bad Request");
  const post = await http("POST", `/ws?token=${session.token}`);
  assert.deepEqual(post.body, { code: 5, message: "Not Found" });
});

test("what closes a socket, and how", async () => {
  const { session } = await newUser();
  const f = async (send, code, reason, query = "") => {
    const ws = await open(`token=${session.token}${query}`);
    const end = closed(ws);
    send(ws);
    assert.deepEqual(await end, { code, reason });
  };
  await f((ws) => ws.send("not json"), 1000, "received malformed payload");
  await f((ws) => ws.send('{"cid":"1","nope":{}}'), 1000, "received malformed payload");
  await f((ws) => ws.send('{"cid":1,"ping":{}}'), 1000, "received malformed payload");
  await f((ws) => ws.send('{"ping":{},"pong":{}}'), 1000, "received malformed payload");
  await f((ws) => ws.send(Buffer.from([1, 2, 3])), 1000, "received unexpected WebSocket message type");
  await f((ws) => ws.send("{}"), 1000, "received unexpected WebSocket message type", "&format=protobuf");
  await f((ws) => ws.send('{"cid":"1"}'), 1000, "error processing message");
  await f((ws) => ws.send('{"cid":"1","match_data":{}}'), 1000, "error processing message");
  await f((ws) => ws.send(`{"cid":"${"x".repeat(5000)}","ping":{}}`), 1009, "");
});

test("a deleted account's socket is closed", async () => {
  const { session } = await newUser();
  const ws = await open(`token=${session.token}`);
  const end = closed(ws);
  await client.deleteAccount(session);
  assert.deepEqual(await end, { code: 1000, reason: "server-side session disconnect" });
});

test("200 sockets, each answered in order", async () => {
  const users = await Promise.all(Array.from({ length: 20 }, () => newUser()));
  const sockets = await Promise.all(Array.from({ length: 200 }, (_, n) => open(`token=${users[n % 20].session.token}`)));
  await Promise.all(sockets.map((ws) => new Promise((resolve, reject) => {
    let n = 0;
    ws.on("message", (data) => {
      if (JSON.parse(String(data)).cid !== String(n++)) reject(new Error("out of order"));
      if (n === 20) resolve();
    });
    for (let i = 0; i < 20; i++) ws.send(`{"cid":"${i}","ping":{}}`);
  })));
  for (const ws of sockets) ws.terminate();
});

test("a session token's expiry does not end a socket that is open", async () => {
  const { session } = await newUser();
  assert.ok(claims(session.token).exp > Date.now() / 1000);
  const ws = await open(`token=${session.token}`);
  await client.sessionLogout(session, session.token, session.refresh_token);
  ws.send('{"cid":"1","ping":{}}');
  assert.deepEqual(JSON.parse(await message(ws)), { cid: "1", pong: {} });
  ws.terminate();
});
