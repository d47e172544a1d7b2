-- Tic-tac-toe for two, with a limit on the time of each turn. The match's module name, tictactoe, is its handler's.
local nk = require("nakama")

local TICK_RATE = 5
local TURN_SECONDS = 20
local WINS = "tictactoe_wins"

-- What is said in the match: JSON under these codes.
local OP = { start = 1, update = 2, done = 3, move = 4, rejected = 5 }

local LINES = { { 1, 2, 3 }, { 4, 5, 6 }, { 7, 8, 9 }, { 1, 4, 7 }, { 2, 5, 8 }, { 3, 6, 9 }, { 1, 5, 9 }, { 3, 5, 7 } }

local function label(open)
  return nk.json_encode({ game = "tictactoe", open = open })
end

-- winner_of is the mark that has a line; "" is a draw, nil an unfinished game.
local function winner_of(board)
  for _, l in ipairs(LINES) do
    local m = board[l[1]]
    if m ~= "" and m == board[l[2]] and m == board[l[3]] then
      return m
    end
  end
  for _, m in ipairs(board) do
    if m == "" then
      return nil
    end
  end
  return ""
end

local function deadline(tick)
  return tick + TURN_SECONDS * TICK_RATE
end

local function begin(dispatcher, tick, state)
  state.board = { "", "", "", "", "", "", "", "", "" }
  state.marks = { [state.order[1]] = "x", [state.order[2]] = "o" }
  state.turn, state.playing, state.deadline = "x", true, deadline(tick)
  dispatcher.match_label_update(label(false))
  dispatcher.broadcast_message(OP.start, nk.json_encode({ marks = state.marks, turn = state.turn, seconds = TURN_SECONDS }))
end

local function finish(dispatcher, state, winner)
  state.playing = false
  dispatcher.broadcast_message(OP.done, nk.json_encode({ board = state.board, winner = winner }))
  for user_id, mark in pairs(state.marks) do
    if mark == winner then
      nk.leaderboard_record_write(WINS, user_id, state.players[user_id].username, 1)
    end
  end
end

local function other(mark)
  return mark == "x" and "o" or "x"
end

-- move is what a player did with a cell, counted from 0; nil and a reason when he may not.
local function move(state, user_id, data)
  local ok, m = pcall(nk.json_decode, data or "")
  local cell = ok and type(m) == "table" and tonumber(m.cell) or nil
  if state.marks[user_id] ~= state.turn then
    return nil, "not your turn"
  end
  if not cell or cell < 0 or cell > 8 or cell ~= math.floor(cell) or state.board[cell + 1] ~= "" then
    return nil, "not a free cell"
  end
  return cell + 1
end

local M = {}

function M.match_init(_, _)
  return { players = {}, order = {}, playing = false, empty = 0 }, TICK_RATE, label(true)
end

function M.match_join_attempt(_, _, _, state, presence, _)
  if state.players[presence.user_id] then
    return state, false, "already here"
  end
  if #state.order == 2 then
    return state, false, "match full"
  end
  return state, true
end

function M.match_join(_, dispatcher, tick, state, presences)
  for _, p in ipairs(presences) do
    state.players[p.user_id] = p
    table.insert(state.order, p.user_id)
  end
  if #state.order == 2 and not state.playing then
    begin(dispatcher, tick, state)
  end
  return state
end

function M.match_leave(_, dispatcher, _, state, presences)
  for _, p in ipairs(presences) do
    local left = state.marks and state.marks[p.user_id]
    if state.playing and left then
      finish(dispatcher, state, other(left)) -- who leaves has lost
    end
    state.players[p.user_id] = nil
    for i = #state.order, 1, -1 do
      if state.order[i] == p.user_id then
        table.remove(state.order, i)
      end
    end
  end
  return state
end

function M.match_loop(_, dispatcher, tick, state, messages)
  if #state.order == 0 then
    state.empty = state.empty + 1
    if state.empty > 60 * TICK_RATE then
      return nil -- nobody came, or nobody is left
    end
    return state
  end
  state.empty = 0
  for _, m in ipairs(messages) do
    if state.playing and m.op_code == OP.move then
      local cell, why = move(state, m.sender.user_id, m.data)
      if cell then
        state.board[cell] = state.turn
        local winner = winner_of(state.board)
        if winner then
          finish(dispatcher, state, winner)
        else
          state.turn, state.deadline = other(state.turn), deadline(tick)
          dispatcher.broadcast_message(OP.update, nk.json_encode({ board = state.board, turn = state.turn }))
        end
      else
        dispatcher.broadcast_message(OP.rejected, nk.json_encode({ reason = why }), { m.sender })
      end
    end
  end
  if state.playing and tick >= state.deadline then
    finish(dispatcher, state, other(state.turn)) -- who does not move has lost
  end
  return state
end

function M.match_terminate(_, _, _, state, _)
  return state
end

function M.match_signal(_, _, _, state, _)
  return state, nk.json_encode({ players = #state.order, playing = state.playing })
end

-- tictactoe_find answers the id of a match that waits for a second player, or of a new one.
local function find(_, _)
  local list = nk.match_list(1, true, nil, 0, 1, "+label.game:tictactoe +label.open:T")
  local id = list[1] and list[1].match_id or nk.match_create("tictactoe", {})
  return nk.json_encode({ match_id = id })
end

nk.register_rpc(find, "tictactoe_find")
nk.run_once(function()
  nk.leaderboard_create(WINS, true, "desc", "incr", "", {}, true)
end)

return M
