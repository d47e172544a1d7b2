local check = require("check")
local nakama = require("nakama")

local once = 0
nakama.run_once(function(context) once = once + (context.execution_mode == "run_once" and context.env.greeting == "hello" and 1 or 100) end)
local loading = nakama.get_context()

check.area("other", function(t, nk, payload)
  t.is(once, 1)
  t.is({ loading.execution_mode, loading.node, loading.env }, { "run_once", "suite", { greeting = "hello" } })

  t.is(math.abs(nk.time() - os.time() * 1000) < 5000, true) -- milliseconds, where os.time has seconds
  t.is(nk.time({ year = 2026, month = 3, day = 1 }), 1772366400000) -- noon
  t.is(nk.time({ year = 2026, month = 3, day = 1, hour = 0, min = 1, sec = 2 }), 1772323262000)
  t.wrong(1, "expects year to be given", "time", { month = 1, day = 1 })

  t.is(nk.cron_next("0 0 * * *", 1772366400), 1772409600)
  t.is(nk.cron_prev("0 0 * * *", 1772366400), 1772323200)
  t.is(nk.cron_next("30 0 0 * * * *", 1772366400), 1772409630) -- seven fields: seconds first
  t.is(nk.cron_next("0 0 1 1 * 2030", 1772366400), 1893456000) -- six: the year last
  t.wrong(2, "expects timestamp value", "cron_next", "0 0 * * *", 0)
  t.is(pcall(nk.cron_prev, "never", 1), false)

  local code, headers, body = nk.http_request(payload, "PoSt", { ["X-Ask"] = "me" }, "text")
  t.is({ code, headers["X-Twice"], body }, { 202, "one", "POST me text" }) -- the first value of each header
  t.is((nk.http_request(payload, "head", {})), 202)
  t.wrong(3, "table expected, got nil", "http_request", payload, "get")
  t.is(pcall(nk.http_request, payload, "options", {}), false)
  local ok, err = pcall(nk.http_request, "http://127.0.0.1:1/", "get", {})
  t.is({ ok, string.match(err, "HTTP request error: ") ~= nil }, { false, true }, err)

  t.is(nk.file_read("data/hello.txt"), "hello\n")
  t.is(string.match(nk.file_read("../lua/data/hello.txt"), "hello"), "hello") -- .. is not blocked
  t.is(pcall(nk.file_read, "no such file"), false)

  t.is(nk.localcache_get("key"), nil)
  t.is(nk.localcache_get("key", "default"), "default")
  nk.localcache_put("key", "text")
  t.is(nk.localcache_get("key", "default"), "text")
  local shared = { n = 1 }
  nk.localcache_put("table", shared, 60)
  shared.n = 2
  t.is(nk.localcache_get("table"), { n = 2 }) -- by reference
  nk.localcache_delete("key")
  t.is(nk.localcache_get("key"), nil)
  nk.localcache_clear()
  t.is(nk.localcache_get("table"), nil)
  t.wrong(3, "ttl must be 0 or more", "localcache_put", "key", 1, -1)

  nk.metrics_counter_add("suite_counter", nil, 2)
  nk.metrics_gauge_set("suite_gauge", { language = "lua" }, 1.5)
  nk.metrics_timer_record("suite_timer", {}, 2000000)
  t.wrong(2, "expects tags to be a table of strings", "metrics_counter_add", "suite_counter", { n = 1 }, 1)

  nk.event("suite_event", { a = "b" }, 1772366400, true)
  nk.event("suite_event", {})
  t.wrong(1, "expects name string", "event", "", {})

  for _, level in ipairs({ "debug", "info", "warn", "error" }) do t.is(nk["logger_" .. level](level), level) end
  local _, unsaid = pcall(function() nakama.logger_info() end)
  t.is(string.match(unsaid, "bad argument.*"), "bad argument #1 to logger_info (string expected, got nil)")

  local context = nk.get_context()
  t.is({ context.execution_mode, context.node, context.env, type(context.headers), type(context.query_params) }, { "rpc", "suite", { greeting = "hello" }, "table", "table" })
  t.is({ t.context.user_id or "none", t.context.query_params.unwrap, type(t.context.version) }, { "none", { "" }, "string" })
  local config = nk.get_config()
  t.is({ config.name, config.runtime.http_key, config.runtime.env, config.socket.server_key }, { "suite", "suite", { greeting = "hello" }, "defaultkey" })

  local satori = nk.get_satori()
  for _, name in ipairs({
    "authenticate", "identity_delete", "properties_get", "properties_update", "events_publish", "server_events_publish", "experiments_list", "flags_list",
    "flags_overrides_list", "live_events_list", "live_event_join", "messages_list", "message_update", "message_delete",
  }) do
    local ok, err = pcall(satori[name], "id")
    t.is({ ok, string.match(tostring(err), "satori configuration is invalid$") }, { false, "satori configuration is invalid" }, name)
  end
end)

check.area("sql", function(t, nk, store)
  if store == "embedded" then
    t.refuses("sql exec error: the embedded store has no SQL: use the functions of nk, or run the server on Postgres (database.address)", "sql_exec", "SELECT 1")
    t.refuses("sql query error: the embedded store has no SQL: use the functions of nk, or run the server on Postgres (database.address)", "sql_query", "SELECT 1")
    return
  end
  nk.sql_exec("CREATE TABLE suite (id INT, name TEXT, data JSONB, at TIMESTAMPTZ, price NUMERIC, ok BOOL, ratio DOUBLE PRECISION)")
  t.is(nk.sql_exec("INSERT INTO suite VALUES ($1, $2, $3, '2026-03-01T12:00:00Z', 1.50, true, 0.5), (2, NULL, NULL, NULL, NULL, NULL, NULL)", { 1, "one", { a = 1 } }), 2)
  t.is(nk.sql_query("SELECT * FROM suite ORDER BY id"), {
    { id = 1, name = "one", data = '{"a": 1}', at = 1772366400, price = "1.50", ok = true, ratio = 0.5 }, { id = 2 },
  })
  t.is(nk.sql_query("SELECT id FROM suite WHERE name = $1", { "nobody" }), {})
  t.is(nk.sql_exec("DELETE FROM suite"), 2)
  local ok, err = pcall(nk.sql_query, "SELECT * FROM nowhere")
  t.is({ ok, string.match(err, "sql query error: .*nowhere.*") ~= nil }, { false, true }, err)
end)

check.area("purchase", function(t, nk)
  local ann = t.user("ann")
  t.refuses("Apple IAP is not configured.", "purchase_validate_apple", ann, "receipt")
  t.refuses("Google IAP is not configured.", "purchase_validate_google", ann, "receipt")
  t.refuses("Huawei IAP is not configured.", "purchase_validate_huawei", ann, "signature", "receipt")
  t.refuses("Facebook Instant IAP is not configured.", "purchase_validate_facebook_instant", ann, "request")
  t.refuses("Samsung IAP is not configured.", "purchase_validate_samsung", ann, "id")
  t.refuses("Apple IAP is not configured.", "subscription_validate_apple", ann, "receipt")
  t.refuses("Google IAP is not configured.", "subscription_validate_google", ann, "receipt")
  t.wrong(2, "expects receipt to be a non-empty string", "purchase_validate_apple", ann, "")
  t.refuses("purchases are not available", "purchase_get_by_transaction_id", "no transaction")
  t.refuses("purchases are not available", "purchases_list", ann)
  t.wrong(2, "expects limit to be 1-100", "purchases_list", ann, 0)
  t.refuses("purchases are not available", "subscription_get_by_product_id", ann, "product")
  t.refuses("purchases are not available", "subscriptions_list", ann)
end)
