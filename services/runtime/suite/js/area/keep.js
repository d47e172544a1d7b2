import { nobody, system, timed } from "../check.js";

export function storage(t, nk) {
  const [ann] = t.user("ann");
  const [ben] = t.user("ben");
  const rejected = "Storage write rejected - version check failed.";

  const acks = nk.storageWrite([
    { collection: "saves", key: "a", userId: ann, value: { n: 1 } },
    { collection: "saves", key: "b", userId: ann, value: { n: 2 }, permissionRead: 2, permissionWrite: 0, version: "" },
    { collection: "shared", key: "c", value: { n: 3 }, permissionRead: 2 },
  ]);
  t.is(acks, [
    { collection: "saves", key: "a", userId: ann, version: acks[0].version },
    { collection: "saves", key: "b", userId: ann, version: acks[1].version },
    { collection: "shared", key: "c", userId: system, version: acks[2].version },
  ]);
  const objects = nk.storageRead([{ collection: "saves", key: "a", userId: ann }, { collection: "saves", key: "missing", userId: ann }]);
  t.is(timed(objects), [{
    collection: "saves", key: "a", userId: ann, version: acks[0].version, value: { n: 1 },
    permissionRead: 1, permissionWrite: 1, createTime: "now", updateTime: "now",
  }]);
  t.is(nk.storageRead([]), []);

  const a = { collection: "saves", key: "a", userId: ann };
  t.refuses("failed to write storage objects: " + rejected, "storageWrite", [{ ...a, value: {}, version: "*" }]);
  t.refuses("failed to write storage objects: " + rejected, "storageWrite", [{ ...a, key: "new", value: {} }, { ...a, value: {}, version: "old" }]);
  t.is(nk.storageRead([{ ...a, key: "new" }]), []); // all or nothing
  t.is(nk.storageWrite([{ ...a, value: { n: 9 }, version: acks[0].version }])[0].version !== acks[0].version, true);
  t.wrong("expects collection to be a non-empty string", "storageWrite", [{ collection: "", key: "a", value: {} }]);
  t.wrong("expects value to be given", "storageWrite", [{ collection: "saves", key: "a" }]);
  t.wrong("expects user id to be a valid identifier", "storageWrite", [{ ...a, value: {}, userId: "x" }]);
  nk.storageWrite([{ ...a, collection: "odd", value: {}, permissionRead: 4 }]);
  t.is(nk.storageRead([{ ...a, collection: "odd" }])[0].permissionRead, 4);

  const first = nk.storageList(ann, "saves", 1);
  const second = nk.storageList(ann, "saves", 1, first.cursor);
  t.is([first.objects.length, typeof first.cursor, second.objects.length, second.cursor], [1, "string", 1, null]);
  t.is(nk.storageList(ann, "saves", 10, "", ben).objects.length, 1); // what ben may read
  t.is(nk.storageList(null, "saves").objects.length, 2);
  t.is(nk.storageList(ann, "saves", 0).objects, []);
  t.wrong("expects limit to be >= 0", "storageList", ann, "saves", -1);
  t.wrong("expects caller id to be a valid identifier", "storageList", ann, "saves", 1, "", ""); // where null is meant

  // While the function writes, somebody else does.
  let runs = 0;
  const bump = (found) => {
    if (++runs === 1) nk.storageWrite([{ ...a, value: { n: 100 } }]);
    return [{ ...a, value: { n: found[0].value.n + 1 } }];
  };
  t.is(nk.storageWriteRetry([a], bump, 3)[0].key, "a");
  t.is([runs, nk.storageRead([a])[0].value], [2, { n: 101 }]);
  t.refuses("Storage write retries exhausted.", "storageWriteRetry", [a], () => {
    nk.storageWrite([{ ...a, value: { n: runs++ } }]);
    return [{ ...a, value: {} }];
  }, 0);
  t.wrong("expects max retries to be 0-10", "storageWriteRetry", [], bump, 11);
  t.wrong("expects function", "storageWriteRetry", [], null, 1);

  const gone = "failed to remove storage: Storage delete rejected - not found, version check failed, or permission denied.";
  t.refuses(gone, "storageDelete", [{ ...a, version: "old" }]);
  t.wrong("expects version to be a non-empty string", "storageDelete", [{ ...a, version: "" }]);
  nk.storageDelete([a, { collection: "saves", key: "missing" }]);
  t.is(nk.storageList(ann, "saves").objects.length, 1);

  t.refuses('index "nowhere" not found', "storageIndexList", "nowhere", "*");
  t.wrong("expects limit to be 1-10000", "storageIndexList", "nowhere", "*", 0);
  t.wrong("expects caller id to be a valid identifier", "storageIndexList", "nowhere", "*", 1, [], "");
}

export function wallet(t, nk) {
  const [ann] = t.user("ann");
  const [ben] = t.user("ben");

  t.is(nk.walletUpdate(ann, { coins: 100 }, { why: "start" }, true), { updated: { coins: 100 }, previous: {} });
  t.is(nk.walletUpdate(ann, { coins: -40, gems: 2 }, null, true), { updated: { coins: 60, gems: 2 }, previous: { coins: 100 } });
  t.refuses("wallet update rejected negative value at path 'coins'", "walletUpdate", ann, { coins: -61 });
  t.wrong("expects changeset values to be whole numbers", "walletUpdate", ann, { coins: 1.5 });
  t.refuses("user not found", "walletUpdate", nobody, { coins: 1 });

  t.is(nk.walletsUpdate([{ userId: ann, changeset: { coins: -10 } }, { userId: ben, changeset: { coins: 10 }, metadata: {} }]), [
    { userId: ann, updated: { coins: 50, gems: 2 }, previous: { coins: 60, gems: 2 } }, { userId: ben, updated: { coins: 10 }, previous: {} },
  ]);
  t.refuses("wallet update rejected negative value at path 'coins'", "walletsUpdate", [
    { userId: ann, changeset: { coins: 1 } }, { userId: ben, changeset: { coins: -11 } },
  ]);
  t.is(nk.accountGetId(ann).wallet, { coins: 50, gems: 2 });

  const { items, cursor } = nk.walletLedgerList(ann);
  t.is(timed(items), [
    { id: items[0].id, userId: ann, createTime: "now", updateTime: "now", changeset: { coins: -40, gems: 2 }, metadata: {} },
    { id: items[1].id, userId: ann, createTime: "now", updateTime: "now", changeset: { coins: 100 }, metadata: { why: "start" } },
  ]);
  const first = nk.walletLedgerList(ann, 1);
  t.is([cursor, typeof first.cursor, nk.walletLedgerList(ann, 1, first.cursor).items.length], [null, "string", 1]);
  t.wrong("expects limit to be 0-100", "walletLedgerList", ann, 101);
  t.refuses("wallet ledger cursor invalid", "walletLedgerList", ann, 1, "no cursor");

  const item = nk.walletLedgerUpdate(items[1].id, { by: "me" }); // shown as a change
  t.is([item.id, item.changeset, item.metadata], [items[1].id, { by: "me" }, null]);
  t.is(nk.walletLedgerList(ann).items[1].metadata, { why: "start", by: "me" });

  const a = { collection: "unit", key: "a", userId: ann };
  const both = nk.multiUpdate([{ userId: ann, displayName: "Rich", metadata: { level: 2 } }], [{ ...a, value: { n: 1 } }], null, [{ userId: ann, changeset: { coins: 1 } }], true);
  t.is([both.storageWriteAcks.map((k) => k.key), both.walletUpdateAcks], [["a"], [{ userId: ann, updated: { coins: 51, gems: 2 }, previous: { coins: 50, gems: 2 } }]]);
  const { user } = nk.accountGetId(ann);
  t.is([user.displayName, user.metadata, nk.walletLedgerList(ann).items.length], ["Rich", { level: 2 }, 3]);
  nk.multiUpdate(null, null, [a]);
  t.is(nk.storageRead([a]), []);
  t.refuses("error running multi update: wallet update rejected negative value at path 'coins'", "multiUpdate",
    [{ userId: ann, displayName: "Poor" }], null, null, [{ userId: ann, changeset: { coins: -52 } }]);
  t.is(nk.accountGetId(ann).user.displayName, "Rich");
  t.wrong("expects user id to be given", "multiUpdate", [{ displayName: "Nobody" }]);
}
