-- Areas that are called in a realtime session, ann's, while ben has one too: the payload says which.
local check = require("check")
local nakama = require("nakama")

nakama.register_rpc(function(context)
  return nakama.json_encode({ user_id = context.user_id, session_id = context.session_id, username = context.username })
end, "who")

check.area("stream", function(t, nk, payload)
  local ann, ben = t.context, nk.json_decode(payload)
  t.is({ ann.lang, type(ann.client_ip), type(ann.client_port), type(ann.user_session_exp), ann.execution_mode }, { "de", "string", "string", "number", "rpc" })
  local stream = { mode = 100, subject = check.nobody, label = "suite" }
  local other = { mode = 100, subject = check.nobody, subcontext = ben.user_id, label = "suite" }

  t.is(nk.stream_user_join(ann.user_id, ann.session_id, stream, false, true, "here"), true)
  t.is(nk.stream_user_join(ann.user_id, ann.session_id, stream), false) -- is in it already
  t.is(nk.stream_user_join(ben.user_id, ben.session_id, stream, true, false), true)
  t.refuses("session id does not exist", "stream_user_join", ann.user_id, check.nobody, stream)
  t.wrong(3, "table expected, got string", "stream_user_join", ann.user_id, ann.session_id, "stream")
  t.wrong(3, "stream mode must be 0-255", "stream_user_join", ann.user_id, ann.session_id, { mode = 256 })
  t.wrong(3, "expects subject to be a valid identifier", "stream_user_join", ann.user_id, ann.session_id, { mode = 100, subject = "x" })

  local open, hidden = nk.stream_user_list(stream, false), nk.stream_user_list(stream, true, false)
  t.is(open, { { user_id = ann.user_id, session_id = ann.session_id, node = "suite", hidden = false, persistence = true, username = ann.username, status = "here" } })
  t.is({ #hidden, hidden[1].user_id, #nk.stream_user_list(stream) }, { 1, ben.user_id, 2 })
  t.is(nk.stream_count(stream), 2)
  t.is(nk.stream_count({ mode = 101 }), 0)

  t.is(nk.stream_user_get(ben.user_id, ben.session_id, stream), { hidden = true, persistence = false, username = ben.username, status = "" })
  t.is(nk.stream_user_get(ben.user_id, ann.session_id, stream), nil)
  nk.stream_user_update(ben.user_id, ben.session_id, stream, false, true, "seen")
  t.is(nk.stream_user_get(ben.user_id, ben.session_id, stream).status, "seen")

  nk.stream_send(stream, "to both")
  nk.stream_send(stream, "to ben", { { session_id = ben.session_id, node = "suite" } }, false)
  nk.stream_send_raw(stream, { stream_data = { stream = { mode = 100 }, data = "raw" } })
  nk.stream_send_raw(stream, { streamData = { data = "raw to ben" } }, { { session_id = ben.session_id, node = "suite" } })
  local ok, err = pcall(nk.stream_send_raw, stream, { nonsense = {} })
  t.is({ ok, string.match(err, "not a valid envelope: ") }, { false, "not a valid envelope: " }, err)

  nk.stream_user_join(ben.user_id, ben.session_id, other)
  nk.stream_user_leave(ben.user_id, ben.session_id, stream)
  t.is(nk.stream_count(stream), 1)
  nk.stream_user_kick({ user_id = ann.user_id, session_id = ann.session_id, node = "suite" }, stream)
  t.is(nk.stream_count(stream), 0)
  nk.stream_user_join(ann.user_id, ann.session_id, stream)
  nk.stream_close(other) -- the one named, and no other
  t.is({ nk.stream_count(stream), nk.stream_count(other) }, { 1, 0 })
  nk.stream_close(stream)
  t.is(nk.stream_count(stream), 0)

  nk.status_follow(ann.session_id, { ben.user_id })
  nk.status_unfollow(ann.session_id, { ben.user_id })
  t.wrong(2, "invalid user ids list", "status_follow", ann.session_id, {})
  t.wrong(2, "invalid user ids list", "status_unfollow", ann.session_id, {})

  nk.session_disconnect(check.nobody) -- nobody there is no error
  t.wrong(2, "expects reason to be 0-4", "session_disconnect", check.nobody, 5)
  nk.session_disconnect(ben.session_id, 3)
end)

check.area("match", function(t, nk, party)
  local id = nk.match_create("match.diary", { greeting = "hello", list = { 1, 2 } })
  t.is(string.match(id, "%.suite$"), ".suite")
  t.refuses("error creating match: not found", "match_create", "match.missing", nil)
  t.refuses("error creating match: match module must return a table containing the match callback functions", "match_create", "area.encoding", {})
  t.wrong(2, "value expected", "match_create", "match.diary")

  t.is(nk.match_get(id), { match_id = id, authoritative = true, label = '{"kind":"diary","open":true}', size = 0, tick_rate = 10, handler_name = "match.diary" })
  t.is(nk.match_get(check.nobody .. ".suite"), nil)
  t.refuses("failed to get match: match id invalid", "match_get", "no id")

  t.is(#nk.match_list(10, true, nil, nil, nil, nil), 1)
  t.is(#nk.match_list(10, nil, '{"kind":"diary","open":true}', 0, 0, nil), 1)
  t.is(#nk.match_list(10, true, nil, nil, nil, "+label.kind:diary +label.open:T"), 1)
  t.is(#nk.match_list(10, true, nil, nil, nil, "+label.kind:other"), 0)
  t.is(#nk.match_list(10, true, nil, 1, nil, nil), 0)
  for missing = 2, 6 do
    local given = { 10, nil, nil, nil, nil, nil }
    local ok, err = pcall(nk.match_list, unpack(given, 1, missing - 1))
    t.is({ ok, string.match(err, "bad.*") }, { false, "bad argument #" .. missing .. " to match_list (value expected)" })
  end

  t.is(nk.match_signal(id, "echo this"), "echo this")
  t.is(nk.match_signal(id), "")
  t.refuses("match id invalid", "match_signal", "no id")
  t.refuses("match not found", "match_signal", check.nobody .. ".suite", "x")
  local faulty = nk.match_create("match.diary", {})
  t.refuses("match busy", "match_signal", faulty, "fail")
  t.is(nk.match_get(faulty), nil)
  local ended = nk.match_create("match.diary", {})
  t.refuses("match busy", "match_signal", ended, "end")
  local lone = nk.match_create("match.diary", {}) -- the state alone is taken for the data
  t.refuses("match busy", "match_signal", lone, "state alone")
  t.refuses("error creating match: match_init returned invalid tick rate, must be between 1 and 256", "match_create", "match.diary", { rate = 257 })
  t.refuses("error creating match: Match initial state must not be nil", "match_create", "match.diary", { stateless = true })
  t.refuses("error creating match: match label too long, must be 0-2048 bytes", "match_create", "match.diary", { label = string.rep("x", 2049) })

  local parties, cursor = nk.party_list(10, nil, false)
  t.is({ parties, cursor or "none" }, { { { match_id = party, open = true, maxSize = 4, label = '{"mode":"suite"}' } }, "none" })
  t.is(#nk.party_list(10, false, false), 0)
  t.wrong(2, "value expected", "party_list", 10)
  t.wrong(3, "boolean expected, got nil", "party_list", 10, nil, nil)
  t.wrong(1, "expects limit to be 1-100", "party_list", 0, nil, false)
end)

-- The match that players are in: its id, and what it wrote down.
nakama.register_rpc(function() return nakama.match_create("match.diary", { greeting = "hello", list = { 1, 2 } }) end, "diary")
nakama.register_rpc(function(_, id) return nakama.match_signal(id, "read") end, "diary_read")
