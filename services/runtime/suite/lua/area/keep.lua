local check = require("check")

check.area("storage", function(t, nk)
  local ann = t.user("ann")
  local ben = t.user("ben")
  local rejected = "Storage write rejected - version check failed."

  local acks = nk.storage_write({
    { collection = "saves", key = "a", user_id = ann, value = { n = 1 } },
    { collection = "saves", key = "b", user_id = ann, value = { n = 2 }, permission_read = 2, permission_write = 0, version = "" },
    { collection = "shared", key = "c", value = { n = 3 }, permission_read = 2 },
  })
  t.is(acks, {
    { collection = "saves", key = "a", user_id = ann, version = acks[1].version },
    { collection = "saves", key = "b", user_id = ann, version = acks[2].version },
    { collection = "shared", key = "c", user_id = check.system, version = acks[3].version },
  })
  local objects = nk.storage_read({ { collection = "saves", key = "a", user_id = ann }, { collection = "saves", key = "missing", user_id = ann } })
  t.is(check.timed(objects), {
    {
      collection = "saves", key = "a", user_id = ann, version = acks[1].version, value = { n = 1 },
      permission_read = 1, permission_write = 1, create_time = "now", update_time = "now",
    },
  })
  t.is(nk.storage_read({ { collection = "shared", key = "c" } })[1].user_id, check.system)
  t.is(nk.storage_read({}), {})

  t.refuses("failed to write storage objects: " .. rejected, "storage_write", { { collection = "saves", key = "a", user_id = ann, value = {}, version = "*" } })
  t.refuses("failed to write storage objects: " .. rejected, "storage_write", {
    { collection = "saves", key = "new", user_id = ann, value = {} }, { collection = "saves", key = "a", user_id = ann, value = {}, version = "old" },
  })
  t.is(#nk.storage_read({ { collection = "saves", key = "new", user_id = ann } }), 0) -- all or nothing
  local changed = nk.storage_write({ { collection = "saves", key = "a", user_id = ann, value = { n = 9 }, version = acks[1].version } })
  t.is(changed[1].version ~= acks[1].version, true)
  t.wrong(1, "expects collection to be a non-empty string", "storage_write", { { collection = "", key = "a", value = {} } })
  t.wrong(1, "expects value to be given", "storage_write", { { collection = "saves", key = "a" } })
  t.wrong(1, "expects user id to be a valid identifier", "storage_write", { { collection = "saves", key = "a", value = {}, user_id = "x" } })
  nk.storage_write({ { collection = "odd", key = "a", user_id = ann, value = {}, permission_read = 4 } }) -- stored, and readable by nobody
  t.is(nk.storage_read({ { collection = "odd", key = "a", user_id = ann } })[1].permission_read, 4)

  local list, cursor = nk.storage_list(ann, "saves", 1)
  t.is({ #list, type(cursor) }, { 1, "string" })
  local rest, last = nk.storage_list(ann, "saves", 1, cursor)
  t.are({ n = 2, 1 }, #rest, last)
  t.is(#nk.storage_list(ann, "saves", 10, "", ben), 1) -- what ben may read
  t.is(#nk.storage_list("", "saves", 10), 2)
  t.is(#nk.storage_list(nil, "saves", 10), 2)
  t.is(nk.storage_list(ann, "saves", 0), {})
  t.wrong(3, "number expected, got nil", "storage_list", ann, "saves")
  t.wrong(3, "expects limit to be >= 0", "storage_list", ann, "saves", -1)

  -- While the function writes, somebody else does.
  local runs = 0
  local function bump(found)
    runs = runs + 1
    if runs == 1 then nk.storage_write({ { collection = "saves", key = "a", user_id = ann, value = { n = 100 } } }) end
    return { { collection = "saves", key = "a", user_id = ann, value = { n = found[1].value.n + 1 } } }
  end
  t.is(nk.storage_write_retry({ { collection = "saves", key = "a", user_id = ann } }, bump, 3)[1].key, "a")
  t.is({ runs, nk.storage_read({ { collection = "saves", key = "a", user_id = ann } })[1].value }, { 2, { n = 101 } })
  t.refuses("Storage write retries exhausted.", "storage_write_retry", { { collection = "saves", key = "a", user_id = ann } }, function()
    nk.storage_write({ { collection = "saves", key = "a", user_id = ann, value = { n = runs } } })
    runs = runs + 1
    return { { collection = "saves", key = "a", user_id = ann, value = {} } }
  end, 0)
  t.wrong(3, "expects max retries to be 0-10", "storage_write_retry", {}, bump, 11)
  t.wrong(2, "function expected, got nil", "storage_write_retry", {}, nil, 1)

  t.refuses("failed to remove storage: Storage delete rejected - not found, version check failed, or permission denied.", "storage_delete", {
    { collection = "saves", key = "a", user_id = ann, version = "old" },
  })
  t.wrong(1, "expects version to be a non-empty string", "storage_delete", { { collection = "saves", key = "a", user_id = ann, version = "" } })
  nk.storage_delete({ { collection = "saves", key = "a", user_id = ann }, { collection = "saves", key = "missing" } })
  t.is(#nk.storage_list(ann, "saves", 10), 1)

  t.refuses('index "nowhere" not found', "storage_index_list", "nowhere", "*", 10, {})
  t.wrong(4, "table expected, got nil", "storage_index_list", "nowhere", "*", 10)
  t.wrong(3, "expects limit to be 1-10000", "storage_index_list", "nowhere", "*", 0, {})
end)

check.area("wallet", function(t, nk)
  local ann, ann_name = t.user("ann")
  local ben = t.user("ben")

  t.are({ n = 2, { coins = 100 }, {} }, nk.wallet_update(ann, { coins = 100 }, { why = "start" }, true))
  t.are({ n = 2, { coins = 60, gems = 2 }, { coins = 100 } }, nk.wallet_update(ann, { coins = -40, gems = 2 }, nil, true))
  t.refuses("wallet update rejected negative value at path 'coins'", "wallet_update", ann, { coins = -61 })
  t.wrong(2, "expects changeset values to be whole numbers", "wallet_update", ann, { coins = 1.5 })
  t.refuses("user not found", "wallet_update", check.nobody, { coins = 1 })
  t.is(nk.account_get_id(ann).wallet, { coins = 60, gems = 2 })

  local results = nk.wallets_update({ { user_id = ann, changeset = { coins = -10 } }, { user_id = ben, changeset = { coins = 10 }, metadata = {} } })
  t.is(results, {
    { user_id = ann, updated = { coins = 50, gems = 2 }, previous = { coins = 60, gems = 2 } }, { user_id = ben, updated = { coins = 10 }, previous = {} },
  })
  t.refuses("wallet update rejected negative value at path 'coins'", "wallets_update", {
    { user_id = ann, changeset = { coins = 1 } }, { user_id = ben, changeset = { coins = -11 } },
  })
  t.is(nk.account_get_id(ann).wallet.coins, 50) -- all or nothing

  local items, cursor = nk.wallet_ledger_list(ann)
  t.is(check.timed(items), {
    { id = items[1].id, user_id = ann, create_time = "now", update_time = "now", changeset = { coins = -40, gems = 2 }, metadata = {} },
    { id = items[2].id, user_id = ann, create_time = "now", update_time = "now", changeset = { coins = 100 }, metadata = { why = "start" } },
  })
  t.is(cursor, "") -- and not nil, as elsewhere
  local first, more = nk.wallet_ledger_list(ann, 1)
  t.is({ #first, #more > 0, #nk.wallet_ledger_list(ann, 1, more) }, { 1, true, 1 })
  t.wrong(2, "expects limit to be 0-100", "wallet_ledger_list", ann, 101)
  t.refuses("wallet ledger cursor invalid", "wallet_ledger_list", ann, 1, "no cursor")

  local item = nk.wallet_ledger_update(items[2].id, { by = "me" }) -- shows what was given, and keeps the rest as well
  t.is({ item.metadata, item.id, item.user_id }, { { by = "me" }, items[2].id, ann })
  t.is(nk.wallet_ledger_list(ann)[2].metadata, { why = "start", by = "me" })

  local acks, wallets = nk.multi_update(
    { { user_id = ann, display_name = "Rich", metadata = { level = 2 } } },
    { { collection = "unit", key = "a", user_id = ann, value = { n = 1 } } }, nil,
    { { user_id = ann, changeset = { coins = 1 } } }, true)
  t.is({ #acks, acks[1].key, wallets }, { 1, "a", { { user_id = ann, updated = { coins = 51, gems = 2 }, previous = { coins = 50, gems = 2 } } } })
  t.is({ nk.account_get_id(ann).display_name, nk.account_get_id(ann).metadata }, { "Rich", { level = 2 } })
  t.is(#nk.wallet_ledger_list(ann), 3)
  nk.multi_update(nil, nil, { { collection = "unit", key = "a", user_id = ann } })
  t.is(#nk.storage_list(ann, "unit", 10), 0)
  t.refuses("error running multi update: wallet update rejected negative value at path 'coins'", "multi_update",
    { { user_id = ann, display_name = "Poor" } }, nil, nil, { { user_id = ann, changeset = { coins = -52 } } })
  t.is({ nk.account_get_id(ann).display_name, nk.account_get_id(ann).username }, { "Rich", ann_name })
  t.wrong(1, "expects user id to be given", "multi_update", { { display_name = "Nobody" } })
end)
