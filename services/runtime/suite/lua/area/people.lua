local check = require("check")

check.area("friend", function(t, nk)
  local ann, ann_name = t.user("ann")
  local ben, ben_name = t.user("ben")
  local cy, cy_name = t.user("cy")
  local function states(user)
    local all = {}
    for _, f in ipairs((nk.friends_list(user))) do all[f.user.username] = f.state end
    return all
  end

  nk.friends_add(ann, ann_name, { ben }, { cy_name }, { met = "here" })
  t.is(states(ann), { [ben_name] = 1, [cy_name] = 1 })
  t.is(states(ben), { [ann_name] = 2 })
  nk.friends_add(ben, ben_name, { ann })
  t.is(states(ben), { [ann_name] = 0 })
  nk.friends_add(ann, ann_name) -- nobody: nothing, in Lua
  t.wrong(3, "invalid user ids list", "friends_add", ann, ann_name, {})
  t.wrong(4, "invalid username list", "friends_add", ann, ann_name, nil, {})
  t.wrong(2, "expects username to be a non-empty string", "friends_add", ann, "", { ben })
  t.refuses("cannot add self as friend", "friends_add", ann, ann_name, { ann })

  local list, cursor = nk.friends_list(ann, 1, 0)
  t.is({ #list, cursor }, { 1 })
  t.is({ list[1].state, list[1].user.user_id, list[1].metadata }, { 0, ben, { met = "here" } })
  local first, more = nk.friends_list(ann, 1)
  local second, no_more = nk.friends_list(ann, 1, nil, more)
  t.is({ #first, type(more), #second, type(no_more) }, { 1, "string", 1, "nil" })
  t.wrong(2, "expects limit to be 1-1000", "friends_list", ann, 1001)
  t.wrong(3, "expects state to be 0-3", "friends_list", ann, 1, 4)
  t.refuses("friend cursor invalid", "friends_list", ann, 1, nil, "no cursor")

  nk.friend_metadata_update(ann, ben, { met = "there" })
  t.is(nk.friends_list(ann, 1, 0)[1].metadata, { met = "there" })
  t.is(nk.friends_list(ben, 1, 0)[1].metadata, {}) -- only the one direction

  nk.friends_add(cy, cy_name, { ann })
  local others, last = nk.friends_of_friends_list(ben)
  t.is({ #others, others[1].referrer, others[1].user.user_id, last }, { 1, ann, cy })
  t.wrong(2, "expects limit to be 1-1000", "friends_of_friends_list", ann, 0)

  nk.friends_block(ann, ann_name, { cy })
  t.is(states(ann), { [ben_name] = 0, [cy_name] = 3 })
  t.refuses("cannot block self", "friends_block", ann, ann_name, { ann })
  nk.friends_delete(ann, ann_name, nil, { ben_name })
  t.is(states(ann), { [cy_name] = 3 })
  t.refuses("cannot delete self", "friends_delete", ann, ann_name, { ann })
end)

check.area("group", function(t, nk)
  local ann, ann_name = t.user("ann")
  local ben, ben_name = t.user("ben")
  local cy = t.user("cy")
  local function members(group)
    local all = {}
    for _, m in ipairs((nk.group_users_list(group))) do all[m.user.user_id] = m.state end
    return all
  end

  local group = nk.group_create(ann, "suite group", ann, "de", "about", "http://a/g.png", false, { color = "red" }, 10)
  t.is(check.timed(group), {
    id = group.id, creator_id = ann, name = "suite group", description = "about", avatar_url = "http://a/g.png", lang_tag = "de", open = false,
    edge_count = 1, max_count = 10, create_time = "now", update_time = "now", metadata = { color = "red" },
  })
  local plain = nk.group_create(ann, "suite plain")
  t.is({ plain.lang_tag, plain.open, plain.max_count, plain.metadata, plain.creator_id }, { "en", false, 100, {}, check.system })
  t.refuses("did not create group as a group already exists with the same name", "group_create", ann, "suite group")
  t.wrong(2, "expects name to be a non-empty string", "group_create", ann, "")
  t.wrong(9, "expects max_count to be >= 1", "group_create", ann, "x", nil, nil, nil, nil, nil, nil, 0)

  nk.group_update(group.id, nil, "suite renamed", nil, nil, "more", nil, true, { color = "blue" }, 11)
  t.is(check.timed(nk.groups_get_id({ group.id, check.nobody })), {
    {
      id = group.id, creator_id = ann, name = "suite renamed", description = "more", avatar_url = "http://a/g.png", lang_tag = "de", open = true,
      edge_count = 1, max_count = 11, create_time = "now", update_time = "now", metadata = { color = "blue" },
    },
  })
  nk.group_update(group.id, ann, nil, nil, nil, "most") -- and it stays open
  t.is(nk.groups_get_id({ group.id })[1].open, true)
  t.refuses("group permission denied", "group_update", group.id, ben, "not mine")
  t.is(nk.groups_get_id({}), {})

  nk.group_user_join(group.id, ben, ben_name)
  nk.group_user_join(plain.id, ben, ben_name)
  t.is({ members(group.id)[ben], members(plain.id)[ben] }, { 2, 3 }) -- a member; a request to a closed one
  nk.group_users_add(group.id, { cy })
  nk.group_users_promote(group.id, { cy }) -- one step
  t.is(members(group.id), { [ann] = 0, [ben] = 2, [cy] = 1 })
  nk.group_users_demote(group.id, { cy }, ann)
  t.is(members(group.id)[cy], 2)
  nk.group_users_kick(group.id, { cy })
  t.is(members(group.id)[cy], nil)
  nk.group_users_ban(group.id, { ben })
  t.is({ members(group.id)[ben], #nk.group_users_list(group.id, 1, 4) }, { nil, 1 })
  t.refuses("cannot add the root user", "group_users_add", group.id, { check.system })
  t.refuses("cannot ban the root user", "group_users_ban", group.id, { check.system })
  t.refuses("cannot kick the root user", "group_users_kick", group.id, { check.system })
  t.refuses("group permission denied", "group_users_add", group.id, { cy }, cy)
  t.wrong(2, "table expected, got nil", "group_users_add", group.id)
  t.refuses("group not found", "group_users_add", check.nobody, { cy })

  nk.group_users_add(group.id, { cy })
  local list, cursor = nk.group_users_list(group.id, 1)
  t.is({ #list, list[1].user.username, list[1].state, type(cursor) }, { 1, ann_name, 0, "string" })
  local rest, last = nk.group_users_list(group.id, 100, 4)
  t.are({ n = 2, 1 }, #rest, last)
  t.wrong(2, "expects limit to be 1-10000", "group_users_list", group.id, 10001)
  t.wrong(3, "expects state to be 0-4", "group_users_list", group.id, 1, 5)
  t.refuses("group user cursor invalid", "group_users_list", group.id, 1, nil, "no cursor")

  local mine = nk.user_groups_list(ann, 100, 0)
  t.is(#mine, 2)
  t.is({ mine[1].state, mine[1].group.max_count ~= nil }, { 0, true })
  t.wrong(2, "expects limit to be 1-100", "user_groups_list", ann, 101)
  t.refuses("user group cursor invalid", "user_groups_list", ann, 1, nil, "no cursor")

  local found = nk.groups_list("suite re%", nil, nil)
  t.is({ #found, found[1].id }, { 1, group.id })
  t.wrong(3, "value expected", "groups_list", "suite re%")
  t.is(#nk.groups_get_random(1), 1)
  t.is(nk.groups_get_random(), {})
  t.wrong(1, "count must be 0-1000", "groups_get_random", -1)

  t.refuses("user is last group superadmin", "group_user_leave", group.id, ann, ann_name)
  nk.group_user_leave(group.id, cy, "cy_group")
  t.is(members(group.id)[cy], nil)
  nk.group_delete(group.id)
  t.is(nk.groups_get_id({ group.id }), {})
  t.refuses("group not found", "group_delete", check.nobody)
end)

check.area("notification", function(t, nk)
  local ann, ann_name = t.user("ann")
  local ben = t.user("ben")

  nk.notification_send(ann, "hello", { a = 1 }, 7, ben, true)
  nk.notification_send(ann, "from the system", {}, -1500, nil, true)
  nk.notification_send(ann, "gone at once", {}, 8)
  t.wrong(4, "expects code number to be a positive integer", "notification_send", ann, "x", {}, 0)
  t.wrong(4, "expects code number to be a positive integer", "notification_send", ann, "x", {}, -1)
  t.wrong(2, "expects subject to be a non-empty string", "notification_send", ann, "", {}, 1)
  t.wrong(3, "table expected, got string", "notification_send", ann, "x", "content", 1)

  local list, cursor = nk.notifications_list(ann)
  t.is({ #list, cursor }, { 2 })
  t.is(check.timed(list[1]), { id = list[1].id, subject = "hello", content = '{"a": 1}', code = 7, senderId = ben, persistent = true, createTime = "now" })
  t.is(list[2].senderId, "")
  t.is(#nk.notifications_list(ann, 1), 1)
  t.wrong(2, "expects limit to be 1-1000", "notifications_list", ann, 0)

  nk.notifications_send({
    { user_id = ben, subject = "one", content = { n = 1 }, code = 1, sender_id = ann, persistent = true },
    { user_id = ben, subject = "two", content = { n = 2 }, code = 2, persistent = true },
    { user_id = ben, subject = "three", content = { n = 3 }, code = 3 },
  })
  local both = nk.notifications_list(ben)
  t.is({ #both, both[1].subject, both[2].subject }, { 2, "one", "two" })
  t.wrong(1, "expects code to number above 0", "notifications_send", { { user_id = ben, subject = "x", content = {}, code = 0 } })

  local ids = { both[1].id, both[2].id }
  nk.notifications_update({ { id = ids[1], subject = "changed", content = { n = 9 } } })
  local items = nk.notifications_get_id(ids, ben)
  t.is(check.timed(items[1]), {
    code = 1, content = { n = 9 }, sender_id = ann, subject = "changed", user_id = ben, create_time = "now", persistent = true,
  })
  t.is(items[2].sender_id, nil) -- the system
  t.is(nk.notifications_get_id(ids, ann), {})
  t.wrong(1, "invalid ids list", "notifications_get_id", {})
  t.wrong(1, "expects subject to be a non-empty string", "notifications_update", { { id = ids[1], subject = "" } })

  nk.notifications_delete({ { user_id = ben, notification_id = ids[1] } })
  t.is(#nk.notifications_list(ben), 1)
  nk.notifications_delete_id({ ids[2] }, ann) -- not hers
  t.is(#nk.notifications_list(ben), 1)
  nk.notifications_delete_id({ ids[2] })
  t.is(#nk.notifications_list(ben), 0)
  t.wrong(1, "invalid ids list", "notifications_delete_id", {})

  nk.notification_send_all("to all", { all = true }, 5)
  t.wrong(3, "expects code number to be a positive integer", "notification_send_all", "x", {}, -2001)
end)

check.area("chat", function(t, nk)
  local ann, ann_name = t.user("ann")
  local ben = t.user("ben")

  local room = nk.channel_id_build("", "lounge", 1)
  t.is(room, "2...lounge")
  t.is(nk.channel_id_build(ann, ben, 2), nk.channel_id_build(ben, ann, 2))
  local group = nk.group_create(ann, "suite chat", ann).id
  t.is(nk.channel_id_build(ann, group, 3), "3." .. group .. "..")
  t.wrong(3, "invalid channel type: expects value 1-3", "channel_id_build", ann, "lounge", 4)
  t.is(pcall(nk.channel_id_build, ann, check.nobody, 2), false)
  t.is(pcall(nk.channel_id_build, ann, check.nobody, 3), false)

  local ack = nk.channel_message_send(room, { text = "hi" }, ann, ann_name) -- not persistent: Lua's default
  t.is(check.timed(ack), {
    channelId = room, messageId = ack.messageId, code = 0, username = ann_name, createTime = "now", updateTime = "now", persistent = false,
  })
  t.is((nk.channel_messages_list(room)), {})
  local kept = nk.channel_message_send(room, { text = "kept" }, ann, ann_name, true)
  t.is(kept.persistent, true)
  local list, next_page, previous = nk.channel_messages_list(room)
  t.is(check.timed(list), {
    {
      channelId = room, messageId = kept.messageId, code = 0, senderId = ann, username = ann_name, content = '{"text": "kept"}',
      createTime = "now", updateTime = "now", persistent = true, roomName = "lounge", groupId = "", userIdOne = "", userIdTwo = "",
    },
  })
  t.is({ next_page, previous }, { "", "" })
  t.wrong(2, "table expected, got string", "channel_message_send", room, "text")
  t.refuses("invalid channel id", "channel_message_send", "nowhere", {})

  t.is(nk.channel_message_update(room, kept.messageId, { text = "changed" }, ann, ann_name, true).code, 1)
  t.is(nk.channel_messages_list(room)[1].content, '{"text": "changed"}')
  t.refuses("Invalid message identifier", "channel_message_update", room, "no id", {})
  nk.channel_message_send(room, { text = "second" }, nil, nil, true)
  local page, cursor = nk.channel_messages_list(room, 1, false)
  t.is({ #page, page[1].content, page[1].senderId, #cursor > 0 }, { 1, '{"text": "second"}', check.system, true })
  t.is(#nk.channel_messages_list(room, 1, false, cursor), 1)
  t.is(nk.channel_message_remove(room, kept.messageId, ann, ann_name, true).code, 2)
  t.is(#nk.channel_messages_list(room), 1)
  t.refuses("Invalid message identifier", "channel_message_remove", room, "no id")
  t.wrong(2, "expects limit to be 1-100", "channel_messages_list", room, 101)
  t.refuses("invalid channel cursor", "channel_messages_list", room, 1, true, "no cursor")
end)
