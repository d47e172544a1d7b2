local check = require("check")

local function record(board, owner, score, rank, more)
  local r = {
    leaderboard_id = board, owner_id = owner, score = score, subscore = 0, num_score = 1, max_num_score = 1000000, metadata = {},
    create_time = "now", update_time = "now", rank = rank,
  }
  for k, v in pairs(more or {}) do r[k] = v end
  return r
end

check.area("leaderboard", function(t, nk)
  local users, names = {}, {}
  for i, name in ipairs({ "ann", "ben", "cy", "dan", "eve" }) do users[i], names[i] = t.user(name) end

  nk.leaderboard_create("suite board", false, "desc", "best", "0 0 * * *", { map = "x" }, true)
  nk.leaderboard_create("suite board", true, "asc", "set") -- is there already: nothing changes
  local boards = nk.leaderboards_get_id({ "suite board", "no board" })
  local previous, next_reset = boards[1][""], boards[1].next_reset -- the one before is under no name
  t.is(next_reset - previous, 86400)
  t.is(check.timed(boards), {
    {
      id = "suite board", authoritative = false, operator = "best", sort_order = "1", metadata = { map = "x" }, create_time = "now",
      next_reset = next_reset, [""] = previous,
    },
  })
  t.wrong(3, "expects sort order to be 'asc' or 'desc'", "leaderboard_create", "x", false, "up")
  t.wrong(4, "expects operator to be 'best', 'set', 'incr' or 'decr'", "leaderboard_create", "x", false, "asc", "sum")
  t.refuses("expects reset schedule to be a valid CRON expression", "leaderboard_create", "x", false, "asc", "best", "never")
  t.is(nk.leaderboards_get_id({}), {})

  local written = nk.leaderboard_record_write("suite board", users[1], names[1], 50, 0, { car = "red" })
  local expiry = written.expiry_time
  t.is(expiry, next_reset)
  local at = { expiry_time = expiry }
  t.is(check.timed(written), record("suite board", users[1], 50, 1, { username = names[1], metadata = { car = "red" }, expiry_time = expiry }))
  t.is(nk.leaderboard_record_write("suite board", users[1], names[1], 40).score, 50) -- best
  local set = nk.leaderboard_record_write("suite board", users[1], nil, 40, nil, nil, "set")
  t.is({ set.score, set.num_score }, { 40, 2 }) -- what did not improve does not count
  t.is(nk.leaderboard_record_write("suite board", users[1], names[1], 5, 0, nil, "incr").score, 45)
  for i = 2, 5 do nk.leaderboard_record_write("suite board", users[i], names[i], 100 - i) end
  t.is(nk.leaderboard_record_write("suite board", check.nobody).score, 0) -- nobody it knows, without a name
  t.wrong(4, "expects score to be >= 0", "leaderboard_record_write", "suite board", users[1], "", -1)
  t.wrong(5, "expects subscore to be >= 0", "leaderboard_record_write", "suite board", users[1], "", 1, -1)
  t.wrong(7, "invalid operator", "leaderboard_record_write", "suite board", users[1], "", 1, 0, nil, "sum")
  t.refuses("leaderboard not found", "leaderboard_record_write", "no board", users[1])

  -- No limit: no page, but the owners asked for and the count.
  local none, owners, after, before, count = nk.leaderboard_records_list("suite board", { users[2] })
  t.is({ #none, #owners, owners[1].rank, after or "nil", before or "nil", count }, { 0, 1, 1, "nil", "nil", 6 })
  local page, _, cursor = nk.leaderboard_records_list("suite board", nil, 2)
  t.is({ page[1].owner_id, page[1].rank, page[2].owner_id, page[2].rank, type(cursor) }, { users[2], 1, users[3], 2, "string" })
  local second, _, _, back = nk.leaderboard_records_list("suite board", nil, 2, cursor)
  t.is({ second[1].rank, second[2].rank, type(back) }, { 3, 4, "string" })
  t.is(select("#", nk.leaderboard_records_list("suite board", {}, 2)), 1) -- no owners at all: one empty table
  t.is((nk.leaderboard_records_list("suite board", {}, 2)), {})
  t.wrong(3, "expects limit to be 0-10000", "leaderboard_records_list", "suite board", nil, 10001)
  t.refuses("leaderboard not found", "leaderboard_records_list", "no board", nil, 1)
  t.refuses("leaderboard cursor invalid", "leaderboard_records_list", "suite board", nil, 1, "no cursor")

  t.is(nk.leaderboard_records_list_cursor_from_rank("suite board", 1), "")
  local third = nk.leaderboard_records_list_cursor_from_rank("suite board", 3)
  t.is(nk.leaderboard_records_list("suite board", nil, 1, third)[1].rank, 3)
  t.refuses("invalid rank - must be > 1", "leaderboard_records_list_cursor_from_rank", "suite board", 0)

  local around, next_page, previous_page, total = nk.leaderboard_records_haystack("suite board", users[4], 3)
  t.is({ #around, around[1].rank, around[2].owner_id, around[3].rank, type(next_page), type(previous_page), total }, { 3, 2, users[4], 4, "string", "string", 6 })
  t.wrong(3, "expects limit to be 1-100", "leaderboard_records_haystack", "suite board", users[4], 0)

  nk.leaderboard_record_delete("suite board", users[2])
  t.is(select(5, nk.leaderboard_records_list("suite board", nil, 1)), 5)
  t.refuses("leaderboard not found", "leaderboard_record_delete", "no board", users[2])

  nk.leaderboard_create("suite another", true, "ascending", "increment")
  local all, more = nk.leaderboard_list(1)
  t.is({ #all, type(more) }, { 1, "string" })
  local found = {}
  for _, b in ipairs((nk.leaderboard_list(100))) do found[b.id] = b end
  t.is({ found["suite another"].authoritative, found["suite another"].operator, found["suite another"].sort_order }, { true, "increment", "0" })
  t.is({ found["suite another"].next_reset or "none", found["suite another"][""] or "none" }, { "none", "none" })
  t.wrong(1, "expects limit to be 1-100", "leaderboard_list", 101)
  t.refuses("leaderboard cursor invalid", "leaderboard_list", 1, "no cursor")

  nk.leaderboard_ranks_disable("suite board")
  local first, asked, _, _, ranked = nk.leaderboard_records_list("suite board", { users[3] }, 1)
  t.is({ first[1].rank, asked[1].rank, ranked }, { 1, 0, 0 }) -- the first of a page is the first all the same
  t.refuses("leaderboard not found", "leaderboard_ranks_disable", "no board")
  nk.leaderboard_delete("suite board")
  t.is(nk.leaderboards_get_id({ "suite board" }), {})
end)

check.area("tournament", function(t, nk)
  local ann, ann_name = t.user("ann")
  local ben, ben_name = t.user("ben")
  local now = os.time()

  nk.tournament_create("suite cup", false, "desc", "best", 3600, "0 * * * *", { cup = "gold" }, "Cup", "about", 7, 0, 0, 2, 3, true, true)
  nk.tournament_create("suite cup", true, "asc", "set", 10) -- is there already
  local cup = nk.tournaments_get_id({ "suite cup", "no cup" })[1]
  t.is({ cup.next_reset - cup.prev_reset, cup.end_active >= now, cup.start_active <= now, cup.start_time <= now }, { 3600, true, true, true })
  t.is(check.timed(cup), {
    id = "suite cup", title = "Cup", description = "about", category = 7, sort_order = "1", size = 0, max_size = 2, max_num_score = 3, duration = 3600,
    start_active = cup.start_active, end_active = cup.end_active, can_enter = true, next_reset = cup.next_reset, prev_reset = cup.prev_reset,
    metadata = { cup = "gold" }, create_time = "now", start_time = cup.start_time, operator = "best", join_required = false, -- whatever it is
  })
  t.wrong(5, "duration must be > 0", "tournament_create", "x", true, "asc", "best", 0)
  t.wrong(5, "number expected, got nil", "tournament_create", "x")
  t.wrong(10, "category must be 0-127", "tournament_create", "x", true, "asc", "best", 10, "", nil, "", "", 128)
  t.wrong(12, "endTime must be > startTime. Use 0 to indicate a tournament that never ends.", "tournament_create", "x", true, "asc", "best", 10, "", nil, "", "", 0, now + 10, now + 5)

  t.refuses("required to join before writing tournament record", "tournament_record_write", "suite cup", ann, ann_name, 1)
  nk.tournament_join("suite cup", ann, ann_name)
  nk.tournament_join("suite cup", ann, ann_name)
  t.is(nk.tournaments_get_id({ "suite cup" })[1].size, 1)
  local written = nk.tournament_record_write("suite cup", ann, ann_name, 10, 1, { car = "red" })
  t.is(check.timed(written), record("suite cup", ann, 10, 1, {
    username = ann_name, subscore = 1, max_num_score = 3, metadata = { car = "red" }, expiry_time = cup.next_reset,
  }))
  t.is(nk.tournament_record_write("suite cup", ann, ann_name, 5, 0, nil, "Set").score, 5)
  t.wrong(7, "invalid operator", "tournament_record_write", "suite cup", ann, ann_name, 5, 0, nil, "incr")
  t.is(nk.tournament_record_write("suite cup", ann, ann_name, 5, 0, nil, "increment").num_score, 3)
  t.is(nk.tournament_record_write("suite cup", ann, ann_name, 500).score, 10) -- no attempt is left: as it was
  nk.tournament_add_attempt("suite cup", ann, 2)
  t.is(nk.tournament_record_write("suite cup", ann, ann_name, 1).max_num_score, 5)
  t.wrong(3, "expects an attempt count number != 0", "tournament_add_attempt", "suite cup", ann, 0)
  nk.tournament_join("suite cup", ben, ben_name)
  t.refuses("tournament max size reached", "tournament_join", "suite cup", check.nobody, "late")
  t.refuses("tournament not found", "tournament_join", "no cup", ann, ann_name)

  local page, owners, _, _, count = nk.tournament_records_list("suite cup", { ann }, 10)
  t.is({ #page, #owners, page[1].owner_id, count }, { 2, 1, ann, 2 })
  local none, mine = nk.tournament_records_list("suite cup", { ann })
  t.is({ #none, #mine }, { 0, 1 })
  t.wrong(3, "expects limit to be 0-10000", "tournament_records_list", "suite cup", nil, -1)
  local around = nk.tournament_records_haystack("suite cup", ann, 1)
  t.is({ #around, around[1].owner_id }, { 1, ann })
  t.refuses("tournament not found", "tournament_records_list", "no cup", nil, 1)

  nk.tournament_create("suite plain", nil, nil, nil, 60)
  local plain = nk.tournaments_get_id({ "suite plain" })[1]
  t.is({ plain.max_size, plain.max_num_score, plain.operator, plain.end_time or "never", plain.next_reset or "never" }, { 2147483647, 1000000, "best", "never", "never" })
  nk.tournament_create("suite tries", nil, nil, nil, 60, nil, nil, nil, nil, nil, nil, nil, nil, 1)
  nk.tournament_record_write("suite tries", ann, ann_name, 1)
  t.refuses("max number score count reached", "tournament_record_write", "suite tries", ann, ann_name, 5)
  local list, cursor = nk.tournament_list(0, 127, 0, 0, 1)
  t.is({ #list, type(cursor) }, { 1, "string" })
  local found = {}
  for _, c in ipairs((nk.tournament_list(7, 7))) do found[#found + 1] = { c.id, c.join_required } end -- times left out: not asked for
  t.is(found, { { "suite cup", true } })
  t.wrong(2, "category end must be >= category start", "tournament_list", 5, 4)
  t.wrong(5, "expects limit to be 1-100", "tournament_list", 0, 1, 0, 0, 101)

  nk.tournament_ranks_disable("suite cup")
  local _, unranked = nk.tournament_records_list("suite cup", { ann })
  t.is({ nk.tournaments_get_id({ "suite cup" })[1].id, unranked[1].rank }, { "suite cup", 0 })
  nk.tournament_record_delete("suite cup", ann)
  t.is(#nk.tournament_records_list("suite cup", nil, 10), 1)
  t.refuses("tournament not found", "tournament_record_delete", "no cup", ann)
  nk.tournament_delete("suite cup")
  t.is(nk.tournaments_get_id({ "suite cup" }), {})
  t.refuses("tournament not found", "tournament_delete", "no cup")
end)
