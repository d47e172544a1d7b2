-- A match that writes down what happens to it. Each line is what a callback got, in words.
local nk = require("nakama")

local function who(p) return p.username .. (p.reason and ("(" .. p.reason .. ")") or "") end

local function whole(p) return #p.user_id == 36 and #p.session_id == 36 and p.node == "suite" end

local function write(state, ...)
  local words = { ... }
  for i = 1, #words do words[i] = tostring(words[i]) end
  state.lines[#state.lines + 1] = table.concat(words, " ")
end

local function match_init(context, params)
  if params.stateless then return nil, 10, "" end
  local state = { lines = {}, members = {} }
  write(state, "init", params.greeting, params.list and #params.list, context.execution_mode, context.match_node, #context.match_id > 36, context.version == nil)
  return state, params.rate or 10, params.label or '{"kind":"diary","open":true}'
end

local function match_join_attempt(context, dispatcher, tick, state, presence, metadata)
  write(state, "attempt", who(presence), whole(presence), metadata.password, context.username, context.session_id == presence.session_id, context.match_tick_rate)
  if metadata.password ~= "open" then return state, false, metadata.password and "wrong password" end
  return state, true
end

local function match_join(context, dispatcher, tick, state, presences)
  for _, p in ipairs(presences) do
    write(state, "join", who(p), whole(p))
    state.members[p.username] = p
  end
  return state
end

local function match_leave(context, dispatcher, tick, state, presences)
  for _, p in ipairs(presences) do
    write(state, "leave", who(p))
    state.members[p.username] = nil
  end
  return state
end

local function match_loop(context, dispatcher, tick, state, messages)
  state.ticks = tick
  for _, m in ipairs(messages) do
    write(state, "message", who(m.sender), m.op_code, m.data, m.reliable, m.receive_time_ms > 0, context.match_label)
    if m.op_code == 1 then
      dispatcher.broadcast_message(1, "to all")
      dispatcher.broadcast_message(2, "to the sender", { m.sender }, m.sender)
      dispatcher.broadcast_message(3, "to nobody", {})
      dispatcher.broadcast_message_deferred(5, "at the end")
      dispatcher.broadcast_message(4, nil, nil, nil, false)
      local ok, err = pcall(dispatcher.broadcast_message, 6, "x", nil, { username = "x" })
      write(state, "sender", ok, string.match(err, "expects.*username"))
    elseif m.op_code == 2 then
      dispatcher.match_label_update('{"kind":"changed"}')
      local ok, err = pcall(dispatcher.match_label_update, string.rep("x", 2049))
      write(state, "label", ok, string.match(err, "error updating.*"))
    elseif m.op_code == 3 then
      dispatcher.match_kick({ m.sender })
    elseif m.op_code == 4 then
      for i = 1, 129 do
        local ok, err = pcall(dispatcher.broadcast_message_deferred, 7, "x", { { session_id = m.sender.user_id, node = "suite" } }) -- to no member
        if not ok then write(state, "deferred", i, string.match(err, "error deferring.*")) end
      end
    elseif m.op_code == 9 then
      error("a fault of the match")
    end
  end
  return state
end

local function match_terminate(context, dispatcher, tick, state, grace_seconds)
  dispatcher.broadcast_message(99, "terminate " .. grace_seconds)
  return nil
end

local function match_signal(context, dispatcher, tick, state, data)
  if data == "read" then return state, nk.json_encode({ lines = state.lines, ticks = state.ticks or -1 }) end
  if data == "fail" then error("a fault of the signal") end
  if data == "end" then return nil, "" end
  if data == "state alone" then return state end
  return state, data
end

return {
  match_init = match_init, match_join_attempt = match_join_attempt, match_join = match_join, match_leave = match_leave, match_loop = match_loop,
  match_terminate = match_terminate, match_signal = match_signal,
}
