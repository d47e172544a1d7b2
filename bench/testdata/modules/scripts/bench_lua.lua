-- The game of the ws_match row: everybody's input of a tick goes into a state that everybody gets.
local M = {}

function M.match_init(_, params)
  return { members = 0, inputs = {}, rest = string.rep("s", 200) }, params.rate, ""
end

function M.match_join_attempt(_, _, _, state)
  return state, true
end

function M.match_join(_, _, _, state, presences)
  state.members = state.members + #presences
  return state
end

function M.match_leave(_, _, _, state, presences)
  state.members = state.members - #presences
  if state.members == 0 then
    return nil
  end
  return state
end

function M.match_loop(_, dispatcher, _, state, messages)
  local inputs = {}
  for i, message in ipairs(messages) do
    inputs[i] = string.sub(message.data, 1, 12)
  end
  dispatcher.broadcast_message(1, string.sub(table.concat(inputs) .. state.rest, 1, 200))
  return state
end

function M.match_terminate(_, _, _, state)
  return state
end

function M.match_signal(_, _, _, state)
  return state, ""
end

return M
