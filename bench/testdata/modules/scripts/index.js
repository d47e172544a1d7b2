// The game of the ws_match row: everybody's input of a tick goes into a state that everybody gets.

function matchInit(ctx, logger, nk, params) {
  return { state: { members: 0 }, tickRate: params.rate, label: "" };
}

function matchJoinAttempt(ctx, logger, nk, dispatcher, tick, state) {
  return { state: state, accept: true };
}

function matchJoin(ctx, logger, nk, dispatcher, tick, state, presences) {
  state.members += presences.length;
  return { state: state };
}

function matchLeave(ctx, logger, nk, dispatcher, tick, state, presences) {
  state.members -= presences.length;
  return state.members > 0 ? { state: state } : null;
}

function matchLoop(ctx, logger, nk, dispatcher, tick, state, messages) {
  var data = new Uint8Array(200);
  for (var i = 0; i < messages.length; i++) {
    data.set(new Uint8Array(messages[i].data, 0, 12), (i % 16) * 12);
  }
  dispatcher.broadcastMessage(1, data.buffer);
  return { state: state };
}

function matchTerminate(ctx, logger, nk, dispatcher, tick, state) {
  return { state: state };
}

function matchSignal(ctx, logger, nk, dispatcher, tick, state) {
  return { state: state, data: "" };
}

function echo(ctx, logger, nk, payload) {
  return payload;
}

function InitModule(ctx, logger, nk, initializer) {
  initializer.registerRpc("echo_js", echo);
  initializer.registerMatch("bench_js", {
    matchInit: matchInit, matchJoinAttempt: matchJoinAttempt, matchJoin: matchJoin, matchLeave: matchLeave,
    matchLoop: matchLoop, matchTerminate: matchTerminate, matchSignal: matchSignal,
  });
}
