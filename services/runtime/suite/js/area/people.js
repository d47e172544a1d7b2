import { nobody, system, timed } from "../check.js";

export function friend(t, nk) {
  const [ann, annName] = t.user("ann");
  const [ben, benName] = t.user("ben");
  const [cy, cyName] = t.user("cy");
  const states = (user) => Object.fromEntries(nk.friendsList(user).friends.map((f) => [f.user.username, f.state]));

  nk.friendsAdd(ann, annName, [ben], [cyName], { met: "here" });
  t.is(states(ann), { [benName]: 1, [cyName]: 1 });
  t.is(states(ben), { [annName]: 2 });
  nk.friendsAdd(ben, benName, [ann], null, {});
  t.is(states(ben), { [annName]: 0 });
  t.refuses("no valid ID or username was provided", "friendsAdd", ann, annName, null, null, {});
  t.wrong("invalid metadata: must be an object", "friendsAdd", ann, annName, [ben]); // there is no default
  t.wrong("expects username to be a non-empty string", "friendsAdd", ann, "", [ben], null, {});
  t.refuses("cannot add self as friend", "friendsAdd", ann, annName, [ann], null, {});

  const mutual = nk.friendsList(ann, 1, 0);
  t.is(Object.keys(mutual), ["friends"]); // no cursor at all after the last page
  t.is([mutual.friends[0].state, mutual.friends[0].user.userId, mutual.friends[0].metadata], [0, ben, { met: "here" }]);
  const first = nk.friendsList(ann, 1);
  t.is([typeof first.cursor, Object.keys(nk.friendsList(ann, 1, null, first.cursor))], ["string", ["friends"]]);
  t.wrong("expects limit to be 1-1000", "friendsList", ann, 1001);
  t.wrong("expects state to be 0-3", "friendsList", ann, 1, 4);
  t.refuses("friend cursor invalid", "friendsList", ann, 1, null, "no cursor");

  nk.friendMetadataUpdate(ann, ben, { met: "there" });
  t.is(nk.friendsList(ann, 1, 0).friends[0].metadata, { met: "there" });
  t.is(nk.friendsList(ben, 1, 0).friends[0].metadata, {});

  nk.friendsAdd(cy, cyName, [ann], null, {});
  const others = nk.friendsOfFriendsList(ben);
  t.is([Object.keys(others), others.friendsOfFriends[0].referrer, others.friendsOfFriends[0].user.userId], [["friendsOfFriends"], ann, cy]);
  t.wrong("expects limit to be 1-1000", "friendsOfFriendsList", ann, 0);

  nk.friendsBlock(ann, annName, [cy]);
  t.is(states(ann), { [benName]: 0, [cyName]: 3 });
  t.refuses("cannot block self", "friendsBlock", ann, annName, [ann]);
  nk.friendsDelete(ann, annName, null, [benName]);
  t.is(states(ann), { [cyName]: 3 });
  t.refuses("cannot delete self", "friendsDelete", ann, annName, [ann]);
}

export function group(t, nk) {
  const [ann, annName] = t.user("ann");
  const [ben, benName] = t.user("ben");
  const [cy] = t.user("cy");
  const members = (id) => Object.fromEntries(nk.groupUsersList(id).groupUsers.map((m) => [m.user.userId, m.state]));

  const made = nk.groupCreate(ann, "suite group", ann, "de", "about", "http://a/g.png", false, { color: "red" }, 10);
  const { id } = made;
  const want = {
    id, creatorId: ann, name: "suite group", description: "about", avatarUrl: "http://a/g.png", langTag: "de", open: false,
    edgeCount: 1, maxCount: 10, createTime: "now", updateTime: "now", metadata: { color: "red" },
  };
  t.is(timed(made), want);
  const plain = nk.groupCreate(ann, "suite plain");
  t.is([plain.langTag, plain.open, plain.maxCount, plain.metadata, plain.creatorId], ["en", false, 100, {}, system]);
  t.refuses("did not create group as a group already exists with the same name", "groupCreate", ann, "suite group");
  t.wrong("expects name to be a non-empty string", "groupCreate", ann, "");
  t.wrong("expects max_count to be >= 1", "groupCreate", ann, "x", null, null, null, null, null, null, 0);

  nk.groupUpdate(id, null, "suite renamed", null, null, "more", null, true, { color: "blue" }, 11);
  t.is(timed(nk.groupsGetId([id, nobody])), [{ ...want, name: "suite renamed", description: "more", open: true, metadata: { color: "blue" }, maxCount: 11 }]);
  nk.groupUpdate(id, ann, null, null, null, "most"); // and it stays open
  t.is(nk.groupsGetId([id])[0].open, true);
  t.refuses("group permission denied", "groupUpdate", id, ben, "not mine");
  t.is(nk.groupsGetId([]), []);

  nk.groupUserJoin(id, ben, benName);
  nk.groupUserJoin(plain.id, ben, benName);
  t.is([members(id)[ben], members(plain.id)[ben]], [2, 3]);
  nk.groupUsersAdd(id, [cy]);
  nk.groupUsersPromote(id, [cy]);
  t.is(members(id), { [ann]: 0, [ben]: 2, [cy]: 1 });
  nk.groupUsersDemote(id, [cy], ann);
  t.is(members(id)[cy], 2);
  nk.groupUsersKick(id, [cy]);
  t.is(members(id)[cy], undefined);
  nk.groupUsersBan(id, [ben]);
  t.is([members(id)[ben], nk.groupUsersList(id, 1, 4).groupUsers.length], [undefined, 1]);
  t.refuses("cannot add the root user", "groupUsersAdd", id, [system]);
  t.refuses("cannot ban the root user", "groupUsersBan", id, [system]);
  t.refuses("cannot kick the root user", "groupUsersKick", id, [system]);
  t.refuses("group permission denied", "groupUsersAdd", id, [cy], cy);
  t.wrong("expects array", "groupUsersAdd", id);
  t.wrong("expects caller id to be a valid identifier", "groupUsersAdd", id, [cy], ""); // where null is meant
  t.refuses("group not found", "groupUsersAdd", nobody, [cy]);

  nk.groupUsersAdd(id, [cy]);
  const first = nk.groupUsersList(id, 1);
  t.is([first.groupUsers[0].user.username, first.groupUsers[0].state, typeof first.cursor], [annName, 0, "string"]);
  t.is(nk.groupUsersList(id).cursor, null);
  t.wrong("expects limit to be 1-10000", "groupUsersList", id, 10001);
  t.wrong("expects state to be 0-4", "groupUsersList", id, 1, 5);
  t.refuses("group user cursor invalid", "groupUsersList", id, 1, null, "no cursor");

  const mine = nk.userGroupsList(ann, 100, 0);
  t.is([mine.userGroups.length, mine.userGroups[0].state, mine.cursor], [2, 0, null]);
  t.wrong("expects limit to be 1-100", "userGroupsList", ann, 101);
  t.refuses("user group cursor invalid", "userGroupsList", ann, 1, null, "no cursor");

  const found = nk.groupsList("suite re%");
  t.is([found.groups.map((g) => g.id), found.cursor], [[id], null]);
  t.wrong("expects limit to be 1-100", "groupsList", "suite re%", null, null, null, 101);
  t.is(nk.groupsGetRandom(1).length, 1);
  t.wrong("expects number", "groupsGetRandom");
  t.wrong("count must be 0-1000", "groupsGetRandom", -1);

  t.refuses("user is last group superadmin", "groupUserLeave", id, ann, annName);
  nk.groupUserLeave(id, cy, "cy_group");
  t.is(members(id)[cy], undefined);
  nk.groupDelete(id);
  t.is(nk.groupsGetId([id]), []);
  t.refuses("group not found", "groupDelete", nobody);
}

export function notification(t, nk) {
  const [ann] = t.user("ann");
  const [ben] = t.user("ben");

  nk.notificationSend(ann, "hello", { a: 1 }, 7, ben, true);
  nk.notificationSend(ann, "from the system", {}, -1500, null, true);
  nk.notificationSend(ann, "gone at once", {}, 8);
  t.wrong("expects code number to be a positive integer", "notificationSend", ann, "x", {}, 0);
  t.wrong("expects code number to be a positive integer", "notificationSend", ann, "x", {}, -1);
  t.wrong("expects subject to be a non-empty string", "notificationSend", ann, "", {}, 1);
  t.wrong("expects object", "notificationSend", ann, "x", "content", 1);
  t.wrong("expects sender to be a valid identifier", "notificationSend", ann, "x", {}, 1, ""); // where null is meant

  const { notifications: list, cursor } = nk.notificationsList(ann);
  t.is([list.length, cursor], [2, null]);
  t.is(timed(list[0]), { id: list[0].id, subject: "hello", content: '{"a": 1}', code: 7, senderId: ben, persistent: true, createTime: "now" });
  t.is(list[1].senderId, "");
  t.is(typeof nk.notificationsList(ann, 1).cursor, "string");
  t.wrong("expects limit to be 1-1000", "notificationsList", ann, 0);

  nk.notificationsSend([
    { userId: ben, subject: "one", content: { n: 1 }, code: 1, senderId: ann, persistent: true },
    { userId: ben, subject: "two", content: { n: 2 }, code: 2, persistent: true },
    { userId: ben, subject: "three", content: { n: 3 }, code: 3 },
  ]);
  const both = nk.notificationsList(ben).notifications;
  t.is(both.map((n) => n.subject), ["one", "two"]);
  t.wrong("expects code to number above 0", "notificationsSend", [{ userId: ben, subject: "x", content: {}, code: 0 }]);

  const ids = both.map((n) => n.id);
  nk.notificationsUpdate([{ id: ids[0], subject: "changed", content: { n: 9 } }]);
  const items = nk.notificationsGetId(ids, ben);
  t.is(timed(items[0]), { id: ids[0], userId: ben, subject: "changed", persistent: true, content: { n: 9 }, code: 1, sender: ann, createTime: "now" });
  t.is([items[1].sender, nk.notificationsGetId(ids, ann), nk.notificationsGetId([])], ["", [], []]);
  t.wrong("expects subject to be a non-empty string", "notificationsUpdate", [{ id: ids[0], subject: "" }]);

  nk.notificationsDelete([{ userId: ben, notificationId: ids[0] }]);
  nk.notificationsDeleteId([ids[1]], ann); // not hers
  t.is(nk.notificationsList(ben).notifications.length, 1);
  nk.notificationsDeleteId([ids[1]]);
  t.is(nk.notificationsList(ben).notifications.length, 0);

  nk.notificationSendAll("to all", { all: true }, 5);
  t.wrong("expects code number to be a positive integer", "notificationSendAll", "x", {}, -2001);
}

export function chat(t, nk) {
  const [ann, annName] = t.user("ann");
  const [ben] = t.user("ben");

  const room = nk.channelIdBuild(null, "lounge", 1);
  t.is(room, "2...lounge");
  t.is(nk.channelIdBuild(ann, ben, 2), nk.channelIdBuild(ben, ann, 2));
  const group = nk.groupCreate(ann, "suite chat", ann).id;
  t.is(nk.channelIdBuild(ann, group, 3), `3.${group}..`);
  t.wrong("expects sender id to be a valid identifier", "channelIdBuild", "", "lounge", 1);
  t.wrong("invalid channel type: expects value 1-3", "channelIdBuild", ann, "lounge", 4);
  for (const type of [2, 3]) t.is(t.fails(() => nk.channelIdBuild(ann, nobody, type)) !== "", true);

  const kept = nk.channelMessageSend(room, { text: "kept" }, ann, annName); // persistent is JavaScript's default
  t.is(timed(kept), {
    channelId: room, messageId: kept.messageId, code: { Value: 0 }, username: annName, createTime: "now", updateTime: "now", persistent: { Value: true },
  });
  t.is(nk.channelMessageSend(room, { text: "hi" }, ann, annName, false).persistent, { Value: false });
  t.is(timed(nk.channelMessagesList(room)), {
    messages: [{
      channelId: room, messageId: kept.messageId, code: 0, senderId: ann, username: annName, content: '{"text": "kept"}',
      createTime: "now", updateTime: "now", persistent: true, roomName: "lounge", groupId: "", userIdOne: "", userIdTwo: "",
    }],
    nextCursor: "", prevCursor: "",
  });
  t.wrong("expects object", "channelMessageSend", room, "text");
  t.refuses("invalid channel id", "channelMessageSend", "nowhere", {});

  t.is(nk.channelMessageUpdate(room, kept.messageId, { text: "changed" }, ann, annName).code, { Value: 1 });
  t.is(nk.channelMessagesList(room).messages[0].content, '{"text": "changed"}');
  t.refuses("Invalid message identifier", "channelMessageUpdate", room, "no id", {});
  nk.channelMessageSend(room, { text: "second" });
  const page = nk.channelMessagesList(room, 1, false);
  t.is([page.messages[0].content, page.messages[0].senderId], ['{"text": "second"}', system]);
  t.is(nk.channelMessagesList(room, 1, false, page.nextCursor).messages.length, 1);
  t.is(nk.channelMessageRemove(room, kept.messageId, ann, annName).code, { Value: 2 });
  t.is(nk.channelMessagesList(room).messages.length, 1);
  t.refuses("Invalid message identifier", "channelMessageRemove", room, "no id");
  t.wrong("expects limit to be 1-100", "channelMessagesList", room, 101);
  t.refuses("invalid channel cursor", "channelMessagesList", room, 1, true, "no cursor");
}
