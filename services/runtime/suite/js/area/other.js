export function other(t, nk, url) {
  t.is([nk.cronNext("0 0 * * *", 1772366400), nk.cronPrev("0 0 * * *", 1772366400)], [1772409600, 1772323200]);
  t.is([nk.cronNext("30 0 0 * * * *", 1772366400), nk.cronNext("0 0 1 1 * 2030", 1772366400)], [1772409630, 1893456000]);
  t.is(nk.cronNext("0 0 * * *", 0), 86400); // a time like any other, where Lua refuses it
  t.is(t.fails(() => nk.cronPrev("never", 1)) !== "", true);

  const answer = nk.httpRequest(url, "PoSt", { "X-Ask": "me" }, "text");
  t.is([answer.code, answer.headers["X-Twice"], answer.body], [202, ["one", "two"], "POST me text"]); // headers are lists
  t.is(nk.httpRequest(url, "head").code, 202);
  t.is(t.fails(() => nk.httpRequest(url, "options")) !== "", true);
  t.is(/^GoError: HTTP request error: /.test(t.fails(() => nk.httpRequest("http://127.0.0.1:1/", "get"))), true);

  t.is([nk.fileRead("data/hello.txt"), nk.fileRead("../js/data/hello.txt")], ["hello\n", "hello\n"]); // .. is not blocked
  t.is(t.fails(() => nk.fileRead("no such file")) !== "", true);

  t.is([nk.localcacheGet("key"), nk.localcacheGet("key", "default")], [null, "default"]);
  for (const value of ["text", 1.5, true]) {
    nk.localcachePut("key", value, 60);
    t.is(nk.localcacheGet("key", "default"), value);
  }
  t.wrong("unsupported value type: must be string, numeric or boolean", "localcachePut", "key", {});
  nk.localcacheDelete("key");
  nk.localcachePut("other", 1);
  nk.localcacheClear();
  t.is([nk.localcacheGet("key"), nk.localcacheGet("other")], [null, null]);
  t.wrong("ttl must be 0 or more", "localcachePut", "key", 1, -1);

  nk.metricsCounterAdd("suite_counter", null, 2);
  nk.metricsGaugeSet("suite_gauge", { language: "js" }, 1.5);
  nk.metricsTimerRecord("suite_timer", {}, 2000000);
  t.wrong("expects tags to be a table of strings", "metricsCounterAdd", "suite_counter", { n: 1 }, 1);

  nk.event("suite_event", { a: "b" }, 1772366400, true);
  nk.event("", {}); // which Lua refuses

  const { ctx, logger } = t;
  t.is([ctx.executionMode, ctx.node, ctx.env, typeof ctx.version, ctx.queryParams.unwrap, typeof ctx.headers, ctx.userId],
    ["rpc", "suite", { greeting: "hello" }, "string", [""], "object", undefined]);
  for (const level of ["debug", "info", "warn", "error"]) logger[level]("%s %d", level, 1);
  const named = logger.withField("a", "b");
  t.is([named.getFields(), logger.getFields()], [{ a: "b" }, { a: "b" }]); // the original has them as well
  t.is(logger.withFields({ c: "d" }).getFields(), { a: "b", c: "d" });
  t.is(t.fails(() => logger.withField("a", 1)) !== "", true);
  t.is([nkruntime.Codes.NOT_FOUND, nkruntime.Codes.UNAUTHENTICATED, Object.keys(nkruntime.Codes).length], [5, 16, 16]);

  const satori = nk.getSatori();
  for (const name of [
    "authenticate", "identityDelete", "propertiesGet", "propertiesUpdate", "eventsPublish", "serverEventsPublish", "experimentsList", "flagsList",
    "flagsOverridesList", "liveEventsList", "liveEventJoin", "messagesList", "messageUpdate", "messageDelete",
  ]) t.is(t.fails(() => satori[name]("id")), "GoError: satori configuration is invalid", name);
}

export function sql(t, nk, store) {
  const refusal = "the embedded store has no SQL: use the functions of nk, or run the server on Postgres (database.address)";
  if (store === "embedded") {
    t.refuses("sql exec error: " + refusal, "sqlExec", "SELECT 1");
    t.refuses("sql query error: " + refusal, "sqlQuery", "SELECT 1");
    return;
  }
  nk.sqlExec("CREATE TABLE suite (id INT, name TEXT, data JSONB, at TIMESTAMPTZ, price NUMERIC, ok BOOL, ratio DOUBLE PRECISION, raw BYTEA)");
  t.is(nk.sqlExec("INSERT INTO suite VALUES ($1, $2, $3, '2026-03-01T12:00:00Z', 1.50, true, 0.5, '\\x00ff'), (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL)", [1, "one", { a: 1 }]), { rowsAffected: 2 });
  const bytes = Array.from('{"a": 1}', (c) => c.charCodeAt(0)); // as which JSON comes
  t.is(JSON.parse(JSON.stringify(nk.sqlQuery("SELECT * FROM suite ORDER BY id"))), [
    { id: 1, name: "one", data: bytes, at: "2026-03-01T12:00:00Z", price: "1.50", ok: true, ratio: 0.5, raw: [0, 255] },
    { id: 2, name: null, data: null, at: null, price: null, ok: null, ratio: null, raw: null },
  ]);
  t.is(nk.sqlQuery("SELECT id FROM suite WHERE name = $1", ["nobody"]), []);
  t.is(/^GoError: sql query error: .*nowhere/.test(t.fails(() => nk.sqlQuery("SELECT * FROM nowhere"))), true);
}

export function purchase(t, nk) {
  const [ann] = t.user("ann");
  t.refuses("apple IAP is not configured", "purchaseValidateApple", ann, "receipt"); // in other words than Lua's
  t.refuses("Google IAP is not configured.", "purchaseValidateGoogle", ann, "receipt");
  t.refuses("Huawei IAP is not configured.", "purchaseValidateHuawei", ann, "receipt", "signature");
  t.refuses("Facebook Instant IAP is not configured.", "purchaseValidateFacebookInstant", ann, "request");
  t.refuses("Samsung IAP is not configured.", "purchaseValidateSamsung", ann, "id");
  t.refuses("apple IAP is not configured", "subscriptionValidateApple", ann, "receipt");
  t.refuses("Google IAP is not configured.", "subscriptionValidateGoogle", ann, "receipt");
  t.wrong("expects receipt to be a non-empty string", "purchaseValidateApple", ann, "");
  t.wrong("expects receipt to be a non-empty string", "purchaseValidateHuawei", ann, "", "signature"); // before the signature
  t.refuses("purchases are not available", "purchaseGetByTransactionId", "no transaction");
  t.refuses("purchases are not available", "purchasesList", ann);
  t.wrong("expects user id to be a valid identifier", "purchasesList", ""); // where null is meant
  t.refuses("purchases are not available", "subscriptionGetByProductId", ann, "product");
  t.refuses("purchases are not available", "subscriptionsList", ann);
}
