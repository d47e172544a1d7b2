// What the suites share: clients of the server at SKIRMISH_PORT, fresh names, and assertions on refusals.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import WebSocket from "ws";
import * as nakama from "@heroiclabs/nakama-js";
import * as protobuf from "@heroiclabs/nakama-js-protobuf";

globalThis.WebSocket ??= WebSocket;

export const host = "127.0.0.1";
export const port = process.env.SKIRMISH_PORT ?? "7350";
export const base = `http://${host}:${port}`;
export const nil = "00000000-0000-0000-0000-000000000000";

const patience = 60000; // ms: a busy box takes seconds to hash passwords
export const newClient = (key = "defaultkey") => new nakama.Client(key, host, port, false, patience, false);

// Nakama's client leaves the timers of requests (on a socket 10 s) and connecting (30 s) running when the answer is there.
// They must not keep the process.
const setTimer = globalThis.setTimeout;
globalThis.setTimeout = (f, ms, ...args) => {
  const timer = setTimer(f, ms, ...args);
  return ms >= 10000 ? timer.unref() : timer;
};

export const client = newClient();
export const fresh = (prefix = "x") => `${prefix}-${randomUUID()}`;

/** A new user, signed in by a new device. */
export async function newUser(vars) {
  const device = fresh("device");
  const session = await client.authenticateDevice(device, true, fresh("user").slice(0, 20), vars);
  return { session, device, id: session.user_id, username: session.username };
}

/** A connected socket of the format "json" or "protobuf". */
export async function newSocket(session, format = "json", status = true) {
  const adapter = format === "protobuf" ? new protobuf.WebSocketAdapterPb() : undefined;
  const socket = adapter ? client.createSocket(false, false, adapter) : client.createSocket(false, false);
  socket.onerror = () => {};
  socket.ondisconnect = () => {};
  await socket.connect(session, status);
  return socket;
}

/** Asserts that a call is refused with this gRPC code and text. */
export async function refused(promise, code, message) {
  let response;
  try {
    const result = await promise;
    assert.fail(`accepted: ${JSON.stringify(result)}`);
  } catch (e) {
    if (e instanceof assert.AssertionError) throw e;
    response = e;
  }
  assert.equal(typeof response.json, "function", `not an HTTP answer: ${response?.stack ?? response}`);
  const body = await response.json();
  assert.deepEqual(body, { code, message });
}

/** A plain HTTP call; returns {status, headers, body (parsed), text}. */
export async function http(method, path, { token, basic, body, headers = {} } = {}) {
  if (token) headers.Authorization = `Bearer ${token}`;
  if (basic) headers.Authorization = "Basic " + Buffer.from(basic).toString("base64");
  const response = await fetch(base + path, { method, headers, body: typeof body === "object" ? JSON.stringify(body) : body });
  const text = await response.text();
  let parsed;
  try { parsed = JSON.parse(text); } catch { /* not JSON */ }
  return { status: response.status, headers: response.headers, body: parsed, text };
}

/** The payload of a JWT. */
export const claims = (jwt) => JSON.parse(Buffer.from(jwt.split(".")[1], "base64url").toString());

/** Resolves with the next value that the setter's callback gets. */
export const next = (set, ms = 5000) => new Promise((resolve, reject) => {
  const timer = setTimeout(() => reject(new Error("nothing came")), ms);
  set((value) => { clearTimeout(timer); resolve(value); });
});
