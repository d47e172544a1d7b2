// Tic-tac-toe for two, with a limit on the time of each turn.

const tickRate = 5;
const turnSeconds = 20;
const wins = "tictactoe_wins";

// What is said in the match: JSON under these codes.
enum Op { Start = 1, Update, Done, Move, Rejected }

type Mark = "x" | "o";
type Cell = Mark | "";

interface State {
  players: { [userId: string]: { username: string } };
  order: string[]; // user ids, as they came
  marks: { [userId: string]: Mark };
  board: Cell[];
  turn: Mark;
  playing: boolean;
  deadline: number; // tick
  empty: number; // ticks without anybody
}

const lines = [[0, 1, 2], [3, 4, 5], [6, 7, 8], [0, 3, 6], [1, 4, 7], [2, 5, 8], [0, 4, 8], [2, 4, 6]];

const label = (open: boolean) => JSON.stringify({ game: "tictactoe", open });
const other = (mark: Mark): Mark => (mark === "x" ? "o" : "x");
const deadline = (tick: number) => tick + turnSeconds * tickRate;

/** The mark that has a line; "" is a draw, null an unfinished game. */
function winnerOf(board: Cell[]): Cell | null {
  for (const [a, b, c] of lines) {
    if (board[a] && board[a] === board[b] && board[a] === board[c]) return board[a];
  }
  return board.includes("") ? null : "";
}

function begin(d: any, tick: number, state: State) {
  state.board = Array(9).fill("");
  state.marks = { [state.order[0]]: "x", [state.order[1]]: "o" };
  Object.assign(state, { turn: "x", playing: true, deadline: deadline(tick) });
  d.matchLabelUpdate(label(false));
  d.broadcastMessage(Op.Start, JSON.stringify({ marks: state.marks, turn: state.turn, seconds: turnSeconds }));
}

function finish(nk: any, d: any, state: State, winner: Cell) {
  state.playing = false;
  d.broadcastMessage(Op.Done, JSON.stringify({ board: state.board, winner }));
  for (const [userId, mark] of Object.entries(state.marks)) {
    if (mark === winner) nk.leaderboardRecordWrite(wins, userId, state.players[userId].username, 1, 0);
  }
}

/** What a player does with a cell; a text says why he may not. */
function move(nk: any, state: State, userId: string, data: ArrayBuffer | null): number | string {
  if (state.marks[userId] !== state.turn) return "not your turn";
  try {
    const { cell } = JSON.parse(data ? nk.binaryToString(data) : "");
    if (state.board[cell] === "") return cell;
  } catch { /* answered below */ }
  return "not a free cell";
}

const match = {
  matchInit: () => ({
    state: { players: {}, order: [], marks: {}, board: [], turn: "x", playing: false, deadline: 0, empty: 0 } as State,
    tickRate, label: label(true),
  }),

  matchJoinAttempt(ctx: any, logger: any, nk: any, d: any, tick: number, state: State, presence: any) {
    if (state.players[presence.userId]) return { state, accept: false, rejectMessage: "already here" };
    if (state.order.length === 2) return { state, accept: false, rejectMessage: "match full" };
    return { state, accept: true };
  },

  matchJoin(ctx: any, logger: any, nk: any, d: any, tick: number, state: State, presences: any[]) {
    for (const p of presences) {
      state.players[p.userId] = p;
      state.order.push(p.userId);
    }
    if (state.order.length === 2 && !state.playing) begin(d, tick, state);
    return { state };
  },

  matchLeave(ctx: any, logger: any, nk: any, d: any, tick: number, state: State, presences: any[]) {
    for (const p of presences) {
      if (state.playing && state.marks[p.userId]) finish(nk, d, state, other(state.marks[p.userId])); // who leaves has lost
      delete state.players[p.userId];
      state.order = state.order.filter((id) => id !== p.userId);
    }
    return { state };
  },

  matchLoop(ctx: any, logger: any, nk: any, d: any, tick: number, state: State, messages: any[]) {
    if (state.order.length === 0) {
      // Nobody came, or nobody is left.
      return ++state.empty > 60 * tickRate ? null : { state };
    }
    state.empty = 0;
    for (const m of messages) {
      if (!state.playing || m.opCode !== Op.Move) continue;
      const cell = move(nk, state, m.sender.userId, m.data);
      if (typeof cell === "string") {
        d.broadcastMessage(Op.Rejected, JSON.stringify({ reason: cell }), [m.sender]);
        continue;
      }
      state.board[cell] = state.turn;
      const winner = winnerOf(state.board);
      if (winner !== null) {
        finish(nk, d, state, winner);
      } else {
        Object.assign(state, { turn: other(state.turn), deadline: deadline(tick) });
        d.broadcastMessage(Op.Update, JSON.stringify({ board: state.board, turn: state.turn }));
      }
    }
    if (state.playing && tick >= state.deadline) finish(nk, d, state, other(state.turn)); // who does not move has lost
    return { state };
  },

  matchTerminate: (ctx: any, logger: any, nk: any, d: any, tick: number, state: State) => ({ state }),

  matchSignal: (ctx: any, logger: any, nk: any, d: any, tick: number, state: State) => ({
    state, data: JSON.stringify({ players: state.order.length, playing: state.playing }),
  }),
};

function InitModule(ctx: any, logger: any, nk: any, initializer: any) {
  nk.leaderboardCreate(wins, true, "desc", "incr", "", {}, true);
  initializer.registerMatch("tictactoe", match);

  // Answers the id of a match that waits for a second player, or of a new one.
  initializer.registerRpc("tictactoe_find", () => {
    const [waiting] = nk.matchList(1, true, null, 0, 1, "+label.game:tictactoe +label.open:T");
    return JSON.stringify({ match_id: waiting ? waiting.matchId : nk.matchCreate("tictactoe", {}) });
  });
}
