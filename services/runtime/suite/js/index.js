import { areas } from "./check.js";
import * as account from "./area/account.js";
import * as board from "./area/board.js";
import * as encoding from "./area/encoding.js";
import * as keep from "./area/keep.js";
import * as live from "./area/live.js";
import * as other from "./area/other.js";
import * as people from "./area/people.js";
import { diary } from "./match/diary.js";

export default function InitModule(ctx, logger, nk, initializer) {
  areas(initializer, { ...encoding, ...account, ...people, ...keep, ...board, ...other, ...live });

  initializer.registerRpc("who", (ctx) => JSON.stringify({ user_id: ctx.userId, session_id: ctx.sessionId, username: ctx.username }));

  // The match that players are in: its id, and what it wrote down.
  initializer.registerMatch("match.diary", diary);
  initializer.registerRpc("diary", (ctx, logger, nk) => nk.matchCreate("match.diary", { greeting: "hello", list: [1, 2] }));
  initializer.registerRpc("diary_read", (ctx, logger, nk, id) => nk.matchSignal(id, "read"));

  // What only InitModule has: settings, and a context of three members.
  const loading = { ctx: Object.keys(ctx).sort(), config: initializer.getConfig() };
  initializer.registerRpc("loading", () => JSON.stringify({ ctx: loading.ctx, name: loading.config.name, http_key: loading.config.runtime.http_key, server_key: loading.config.socket.server_key }));
}
