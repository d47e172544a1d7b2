// A match that writes down what happens to it. Each line is what a callback got, in words, which are those of Lua's diary.

const who = (p) => p.username + (p.reason === undefined ? "" : `(${p.reason})`);

const whole = (p) => p.userId.length === 36 && p.sessionId.length === 36 && p.node === "suite";

function write(state, ...words) {
  state.lines.push(words.map((w) => (w === undefined || w === null ? "nil" : w)).join(" "));
}

const failure = (call) => {
  try {
    call();
  } catch (e) {
    return String(e);
  }
  return "";
};

export const diary = {
  matchInit(ctx, logger, nk, params) {
    if (params.stateless) return { state: null, tickRate: 10, label: "" };
    const state = { lines: [], members: {} };
    const mode = ctx.executionMode === 5 ? "match" : ctx.executionMode; // a number, in matches only
    write(state, "init", params.greeting, params.list && params.list.length, mode, ctx.matchNode, ctx.matchId.length > 36, typeof ctx.version === "string");
    return { state, tickRate: params.rate || 10, label: params.label || '{"kind":"diary","open":true}' };
  },

  matchJoinAttempt(ctx, logger, nk, dispatcher, tick, state, presence, metadata) {
    write(state, "attempt", who(presence), whole(presence), metadata.password, ctx.username, ctx.sessionId === presence.sessionId, ctx.matchTickRate);
    if (metadata.password !== "open") return { state, accept: false, rejectMessage: metadata.password && "wrong password" };
    return { state, accept: true };
  },

  matchJoin(ctx, logger, nk, dispatcher, tick, state, presences) {
    for (const p of presences) write(state, "join", who(p), whole(p));
    return { state };
  },

  matchLeave(ctx, logger, nk, dispatcher, tick, state, presences) {
    for (const p of presences) write(state, "leave", who(p));
    return { state };
  },

  matchLoop(ctx, logger, nk, dispatcher, tick, state, messages) {
    state.ticks = tick;
    for (const m of messages) {
      write(state, "message", who(m.sender), m.opCode, m.data && nk.binaryToString(m.data), m.reliable, m.receiveTimeMs > 0, ctx.matchLabel);
      if (m.opCode === 1) {
        dispatcher.broadcastMessage(1, "to all");
        dispatcher.broadcastMessage(2, nk.stringToBinary("to the sender"), [m.sender], m.sender);
        dispatcher.broadcastMessage(3, "to nobody", []);
        dispatcher.broadcastMessageDeferred(5, "at the end");
        dispatcher.broadcastMessage(4, null, null, null, false);
        const wrong = failure(() => dispatcher.broadcastMessage(6, "x", null, { username: "x" }));
        write(state, "sender", wrong === "", "expects presence to have a valid user_id, session_id, and username"); // the words are Lua's
      } else if (m.opCode === 2) {
        dispatcher.matchLabelUpdate('{"kind":"changed"}');
        const long = failure(() => dispatcher.matchLabelUpdate("x".repeat(2049)));
        write(state, "label", long === "", long.match(/error updating match label: [^(]*bytes/));
      } else if (m.opCode === 3) {
        dispatcher.matchKick([m.sender]);
      } else if (m.opCode === 4) {
        for (let i = 1; i <= 129; i++) {
          const full = failure(() => dispatcher.broadcastMessageDeferred(7, "x", [{ sessionId: m.sender.userId, node: "suite" }])); // to no member
          if (full) write(state, "deferred", i, full.match(/error deferring.*per tick/));
        }
      } else if (m.opCode === 9) {
        throw new Error("a fault of the match");
      }
    }
    return { state };
  },

  matchTerminate(ctx, logger, nk, dispatcher, tick, state, graceSeconds) {
    dispatcher.broadcastMessage(99, "terminate " + graceSeconds);
    return null;
  },

  matchSignal(ctx, logger, nk, dispatcher, tick, state, data) {
    switch (data) {
      case "read":
        return { state, data: JSON.stringify({ lines: state.lines, ticks: state.ticks }) };
      case "fail":
        throw new Error("a fault of the signal");
      case "end":
        return null;
      case "state alone":
        return { state };
    }
    return { state, data };
  },
};
