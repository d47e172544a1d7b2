package friend

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/persist/storetest/each"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/account"
	"github.com/skirmishgg/skirmish/services/notify"
	"github.com/skirmishgg/skirmish/services/presence"
	"github.com/skirmishgg/skirmish/services/session/sessiontest"
)

func TestMain(m *testing.M) { each.Main(m) }

var (
	anna = id.UUID{0: 0xa, 15: 1}
	ben  = id.UUID{0: 0xb, 15: 1}
	cleo = id.UUID{0: 0xc, 15: 1}
	dora = id.UUID{0: 0xd, 15: 1}
	gone = id.UUID{0: 0xe, 15: 1} // nobody has this id

	everybody = []id.UUID{anna, ben, cleo, dora}
)

func nameOf(user id.UUID) string {
	return map[id.UUID]string{anna: "anna", ben: "ben", cleo: "cleo", dora: "dora", gone: "gone"}[user]
}

// desk is a catalogue with the friend operations over one store with everybody in it, each with one open session.
type desk struct {
	*each.Clock
	*sessiontest.Desk
	t        *testing.T
	db       store.DB
	presence *presence.Service
	notify   *notify.Service
	s        *Service
	conns    map[id.UUID]*sessiontest.Conn
}

func onEach(t *testing.T, test func(t *testing.T, d *desk)) {
	t.Helper()
	each.Store(t, func(t *testing.T, db store.DB, clock *each.Clock) { test(t, newDesk(t, db, clock)) })
}

func newDesk(t *testing.T, db store.DB, clock *each.Clock) *desk {
	t.Helper()
	d := &desk{Clock: clock, t: t, db: db, presence: presence.New(presence.Config{}), conns: map[id.UUID]*sessiontest.Conn{}}
	d.notify = notify.New(notify.Config{DB: db, Presence: d.presence, Now: clock.Now})
	d.s = New(Config{DB: db, Notify: d.notify, Presence: d.presence})
	d.Desk = sessiontest.NewDesk(t, d.s.Register)
	users := map[id.UUID]string{}
	for i, user := range everybody {
		users[user] = nameOf(user)
		c := sessiontest.NewConn(id.UUID{0: byte(1 + i)}, user, nameOf(user))
		d.presence.Begin(c)
		d.notify.Open(c)
		d.conns[user] = c
	}
	sessiontest.PutUsers(t, db, users)
	return d
}

func (d *desk) put(write func(tx store.Tx) error) {
	d.t.Helper()
	sessiontest.Put(d.t, d.db, write)
}

func caller(user id.UUID) op.Caller { return op.Caller{UserID: user, Username: nameOf(user)} }

func (d *desk) ok(name string, user id.UUID, in proto.Message) proto.Message {
	d.t.Helper()
	return d.OK(caller(user), name, in)
}

func (d *desk) refuse(code errs.Code, text, name string, user id.UUID, in proto.Message) {
	d.t.Helper()
	d.Refuse(code, text, caller(user), name, in)
}

func texts(users []id.UUID) (all []string) {
	for _, u := range users {
		all = append(all, u.String())
	}
	return all
}

func (d *desk) add(user id.UUID, to ...id.UUID) {
	d.t.Helper()
	d.ok("AddFriends", user, &api.AddFriendsRequest{Ids: texts(to)})
}

func (d *desk) delete(user id.UUID, to ...id.UUID) {
	d.t.Helper()
	d.ok("DeleteFriends", user, &api.DeleteFriendsRequest{Ids: texts(to)})
}

func (d *desk) block(user id.UUID, to ...id.UUID) {
	d.t.Helper()
	d.ok("BlockFriends", user, &api.BlockFriendsRequest{Ids: texts(to)})
}

// befriend makes friends of two users.
func (d *desk) befriend(a, b id.UUID) {
	d.t.Helper()
	d.add(a, b)
	d.add(b, a)
}

func (d *desk) edge(from, to id.UUID) *schema.UserEdge {
	d.t.Helper()
	rows, err := store.GetMany(context.Background(), d.db, schema.UserEdges, []any{from, to})
	if err != nil {
		d.t.Fatal(err)
	}
	return rows[0]
}

// tie asserts the states of both edges, as "1/2" or "-/3".
func (d *desk) tie(a, b id.UUID, want string) {
	d.t.Helper()
	state := func(e *schema.UserEdge) string {
		if e == nil {
			return "-"
		}
		return fmt.Sprint(e.State)
	}
	if got := state(d.edge(a, b)) + "/" + state(d.edge(b, a)); got != want {
		d.t.Errorf("%s and %s are %s, want %s", nameOf(a), nameOf(b), got, want)
	}
}

// counted asserts that everybody's edge_count is the number of his edges.
func (d *desk) counted() {
	d.t.Helper()
	for _, user := range everybody {
		edges, err := store.List(context.Background(), d.db, byState, store.Range{Prefix: []any{user}})
		if err != nil {
			d.t.Fatal(err)
		}
		if row := d.user(user); int(row.EdgeCount) != len(edges) {
			d.t.Errorf("%s has edge_count %d and %d edges", nameOf(user), row.EdgeCount, len(edges))
		}
	}
}

func (d *desk) user(user id.UUID) *schema.User {
	d.t.Helper()
	rows, err := store.GetMany(context.Background(), d.db, schema.Users, []any{user})
	if err != nil || rows[0] == nil {
		d.t.Fatal(err)
	}
	return rows[0]
}

// told asserts the codes of the notifications that came live since the last time, and that the same ones wait in the
// list, where they are deleted.
func (d *desk) told(user id.UUID, want ...int32) {
	d.t.Helper()
	var live, kept []int32
	for _, n := range sessiontest.Notifications(d.conns[user].Take()) {
		live = append(live, n.Code)
	}
	page, err := d.notify.List(context.Background(), user, 100, "")
	if err != nil {
		d.t.Fatal(err)
	}
	for _, n := range page.Notifications {
		kept = append(kept, int32(n.Code))
		if err := d.notify.Delete(context.Background(), user, n.ID); err != nil {
			d.t.Fatal(err)
		}
	}
	if !slices.Equal(live, want) || !slices.Equal(kept, want) {
		d.t.Errorf("%s is told %v and has %v in the list, want %v", nameOf(user), live, kept, want)
	}
}

// TestTransitions walks through all that a call can do to each tie. The arrow is a call of anna about ben.
func TestTransitions(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		reach := map[string]func(){ // from nothing
			"-/-": func() {},
			"1/2": func() { d.add(anna, ben) },
			"2/1": func() { d.add(ben, anna) },
			"0/0": func() { d.befriend(anna, ben) },
			"3/-": func() { d.block(anna, ben) },
			"-/3": func() { d.block(ben, anna) },
			"3/3": func() { d.block(anna, ben); d.block(ben, anna) },
		}
		f := func(before string, call func(user id.UUID, to ...id.UUID), after string, told ...int32) {
			t.Helper()
			reach[before]()
			d.tie(anna, ben, before)
			d.told(ben, toldReaching(before, ben)...)
			d.told(anna, toldReaching(before, anna)...)
			d.Advance(time.Second)
			call(anna, ben)
			d.tie(anna, ben, after)
			d.told(ben, told...)
			d.told(anna)
			d.counted()
			d.clean()
		}
		f("-/-", d.add, "1/2", -2)
		f("1/2", d.add, "1/2")
		f("2/1", d.add, "0/0", -3)
		f("0/0", d.add, "0/0")
		f("3/-", d.add, "3/-")
		f("-/3", d.add, "-/3")
		f("3/3", d.add, "3/3")

		f("-/-", d.delete, "-/-")
		f("1/2", d.delete, "-/-", -9)
		f("2/1", d.delete, "-/-", -9)
		f("0/0", d.delete, "-/-", -9)
		f("3/-", d.delete, "-/-")
		f("-/3", d.delete, "-/3")
		f("3/3", d.delete, "-/3")

		f("-/-", d.block, "3/-")
		f("1/2", d.block, "3/-")
		f("2/1", d.block, "3/-")
		f("0/0", d.block, "3/-")
		f("3/-", d.block, "3/-")
		f("-/3", d.block, "3/3")
		f("3/3", d.block, "3/3")
	})
}

func toldReaching(tie string, user id.UUID) []int32 {
	return map[string]map[id.UUID][]int32{
		"1/2": {ben: {-2}}, "2/1": {anna: {-2}}, "0/0": {ben: {-2}, anna: {-3}},
	}[tie][user]
}

// clean ends all ties.
func (d *desk) clean() {
	d.t.Helper()
	d.put(func(tx store.Tx) (err error) {
		for _, user := range everybody {
			for _, other := range everybody {
				err = errors.Join(err, store.Delete(tx, schema.UserEdges, user, other))
			}
			row, _, e := store.Get(tx, schema.Users, user)
			row.EdgeCount = 0
			err = errors.Join(err, e, store.Put(tx, schema.Users, row))
		}
		return err
	})
}

func TestSeveralAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		d.block(cleo, anna)
		d.ok("AddFriends", anna, &api.AddFriendsRequest{
			Ids: []string{ben.String(), strings.ToUpper(ben.String()), gone.String(), cleo.String()}, Usernames: []string{"ben", "dora", "nobody", "dora"},
		})
		d.tie(anna, ben, "1/2")
		d.tie(anna, cleo, "-/3")
		d.tie(anna, dora, "1/2")
		d.told(ben, -2)
		d.told(cleo)
		d.told(dora, -2)
		d.counted()
		d.ok("BlockFriends", anna, &api.BlockFriendsRequest{Ids: []string{ben.String(), gone.String()}, Usernames: []string{"cleo", "nobody"}})
		d.tie(anna, ben, "3/-")
		d.tie(anna, cleo, "3/3")
		d.counted()
		d.ok("DeleteFriends", anna, &api.DeleteFriendsRequest{Ids: []string{ben.String(), gone.String()}, Usernames: []string{"dora", "nobody"}})
		d.tie(anna, ben, "-/-")
		d.tie(anna, dora, "-/-")
		d.counted()
		d.ok("DeleteFriends", anna, &api.DeleteFriendsRequest{Usernames: []string{"nobody"}})
		if got := names(d.list(anna, &api.ListFriendsRequest{})); got != "cleo" {
			t.Errorf("left are %s", got)
		}
	})
}

func TestNotificationsSayWho(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		f := func(user, from id.UUID, code int32, subject string) {
			t.Helper()
			got := sessiontest.Notifications(d.conns[user].Take())
			if len(got) != 1 {
				t.Fatalf("%s got %v", nameOf(user), got)
			}
			want := &api.Notification{Id: got[0].Id, Subject: subject, Content: `{"username":"` + nameOf(from) + `"}`, Code: code,
				SenderId: from.String(), CreateTime: &timestamppb.Timestamp{Seconds: d.Now().Unix()}, Persistent: true}
			if !proto.Equal(got[0], want) {
				t.Errorf("%s got %v, want %v", nameOf(user), got[0], want)
			}
		}
		d.add(anna, ben)
		f(ben, anna, -2, "anna wants to add you as a friend")
		d.add(ben, anna)
		f(anna, ben, -3, "ben accepted your friend request")
		d.delete(anna, ben)
		f(ben, anna, -9, "anna removed you as a friend")
	})
}

func TestRefusals(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		f := func(name, self, failed string, in func(ids, usernames []string) proto.Message, nobody bool) {
			t.Helper()
			no := func(text string, ids, usernames []string) {
				t.Helper()
				d.refuse(3, text, name, anna, in(ids, usernames))
			}
			d.ok(name, anna, in(nil, nil))
			no(self, []string{ben.String(), anna.String(), "x"}, nil)
			no(self, []string{strings.ToUpper(anna.String())}, nil)
			no(self, []string{strings.ReplaceAll(anna.String(), "-", "")}, nil)
			no(self, []string{ben.String()}, []string{"anna", ""})
			no("Invalid user ID 'x'.", []string{"x", anna.String()}, []string{""})
			no("Invalid user ID ''.", []string{""}, nil)
			no("Invalid user ID '00000000-0000-0000-0000-000000000000'.", []string{id.UUID{}.String()}, nil)
			no("Username must not be empty.", []string{ben.String()}, []string{"ben", ""})
			no("Username must be valid text without NUL characters.", []string{ben.String()}, []string{"b\x00"})
			if nobody {
				no("No valid ID or username was provided.", nil, []string{"nobody", "BEN"})
			} else {
				d.ok(name, anna, in(nil, []string{"nobody", "BEN"}))
			}
			d.ok(name, anna, in([]string{gone.String()}, nil))
			d.refuse(5, "Account not found.", name, gone, in([]string{ben.String()}, nil))
			_, err := d.Named(name).Invoke(canceled(), op.Caller{UserID: anna}, in([]string{ben.String()}, nil))
			if got := errs.Of(err); got.Code != errs.Internal || got.Message != failed {
				t.Errorf("trouble is told as %v", got)
			}
		}
		f("AddFriends", "Cannot add self as friend.", "Error while trying to add friends.", func(ids, usernames []string) proto.Message {
			return &api.AddFriendsRequest{Ids: ids, Usernames: usernames}
		}, true)
		f("DeleteFriends", "Cannot delete self.", "Error while trying to delete friends.", func(ids, usernames []string) proto.Message {
			return &api.DeleteFriendsRequest{Ids: ids, Usernames: usernames}
		}, false)
		f("BlockFriends", "Cannot block self.", "Error while trying to block friends.", func(ids, usernames []string) proto.Message {
			return &api.BlockFriendsRequest{Ids: ids, Usernames: usernames}
		}, true)
		for _, metadata := range []string{"x", "{", `{"a":"\u0000"}`, `"\ud800"`, "1e999999", "{} {}", "\xff"} {
			d.refuse(3, "Metadata must be JSON that can be stored.", "AddFriends", anna, &api.AddFriendsRequest{Ids: []string{ben.String()}, Metadata: metadata})
		}
		d.tie(anna, ben, "-/-")
		d.told(ben)

		// Renamed since he signed in: the new name is his own, too.
		d.put(func(tx store.Tx) error {
			row, _, err := store.Get(tx, schema.Users, anna)
			row.Username = "annabel"
			return errors.Join(err, store.Put(tx, schema.Users, row))
		})
		d.refuse(3, "Cannot add self as friend.", "AddFriends", anna, &api.AddFriendsRequest{Usernames: []string{"annabel"}})
		d.refuse(3, "Cannot delete self.", "DeleteFriends", anna, &api.DeleteFriendsRequest{Usernames: []string{"ben", "annabel"}})
		d.refuse(3, "Cannot block self.", "BlockFriends", anna, &api.BlockFriendsRequest{Usernames: []string{"annabel"}})
	})
}

func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func TestMetadata(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		add := func(user, to id.UUID, metadata string) {
			t.Helper()
			d.ok("AddFriends", user, &api.AddFriendsRequest{Ids: []string{to.String()}, Metadata: metadata})
		}
		f := func(from, to id.UUID, want string) {
			t.Helper()
			for _, f := range d.list(from, &api.ListFriendsRequest{}).Friends {
				if f.User.Id == to.String() {
					if f.Metadata != want {
						t.Errorf("%s keeps %s with %s, want %s", nameOf(from), f.Metadata, nameOf(to), want)
					}
					return
				}
			}
			t.Errorf("%s is not tied to %s", nameOf(from), nameOf(to))
		}
		add(anna, ben, ` {"bb":1e2,"a":[1.50]} `)
		f(anna, ben, `{"a": [1.50], "bb": 100}`)
		f(ben, anna, "{}")
		add(anna, ben, `{"again":1}`) // no second invitation
		f(anna, ben, `{"a": [1.50], "bb": 100}`)
		add(ben, anna, `{"mine":true}`)
		f(ben, anna, `{"mine": true}`)
		f(anna, ben, `{"a": [1.50], "bb": 100}`)
		add(anna, cleo, "5")
		f(anna, cleo, "5")
		add(cleo, anna, "[1, 2]")
		f(cleo, anna, "[{}, 1, 2]")
		add(anna, dora, "")
		f(anna, dora, "{}")
		d.block(anna, ben)
		f(anna, ben, `{"a": [1.50], "bb": 100}`)
	})
}

// TestMerge: the rules are those of PostgreSQL's ||.
func TestMerge(t *testing.T) {
	f := func(a, b, want string) {
		t.Helper()
		got, err := store.Normalise(merge(store.JSON(a), store.JSON(b)))
		if err != nil || string(got) != want {
			t.Errorf("%s and %s make %s (%v), want %s", a, b, got, err, want)
		}
	}
	f("{}", "{}", "{}")
	f(`{"a": 1}`, "{}", `{"a": 1}`)
	f("{}", `{"a": 1}`, `{"a": 1}`)
	f(`{"a": {"x": 1}, "b": 2}`, `{"a": {"y": 1}, "cc": 3}`, `{"a": {"y": 1}, "b": 2, "cc": 3}`)
	f("[]", "[]", "[]")
	f("[1]", "[2, 3]", "[1, 2, 3]")
	f("[]", "1", "[1]")
	f("{}", "[]", "[{}]")
	f("{}", "null", "[{}, null]")
	f(`"["`, `"{"`, `["[", "{"]`)
	f("1", `{"a": 1}`, `[1, {"a": 1}]`)
}

func (d *desk) list(user id.UUID, in *api.ListFriendsRequest) *api.FriendList {
	d.t.Helper()
	return d.ok("ListFriends", user, in).(*api.FriendList)
}

func names(l *api.FriendList) string {
	var all []string
	for _, f := range l.Friends {
		all = append(all, f.User.Username)
	}
	return strings.Join(all, " ")
}

func TestListFriends(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		d.put(func(tx store.Tx) (err error) {
			for n := range 6 {
				err = errors.Join(err, store.Put(tx, schema.Users, account.NewRow(id.UUID{0: 1, 15: byte(n + 1)}, fmt.Sprint("user", n), tx.Now())))
			}
			return err
		})
		user := func(n int) id.UUID { return id.UUID{0: 1, 15: byte(n + 1)} }
		d.add(user(3), anna)
		d.add(anna, user(1), user(0)) // at one time
		d.Advance(time.Millisecond)
		d.add(user(2), anna)
		d.Advance(time.Millisecond)
		d.befriend(anna, ben)
		d.Advance(time.Millisecond)
		d.block(anna, user(4))
		d.Advance(time.Hour)
		d.add(user(0), anna) // accepted late, but begun before ben
		d.add(anna, user(3))

		all := "user3 user0 ben user1 user2 user4"
		if got := names(d.list(anna, &api.ListFriendsRequest{})); got != all && got != strings.Replace(all, "user3 user0", "user0 user3", 1) {
			t.Errorf("all are %q, want %q", got, all)
		} else {
			all = got // the first two came at one time, from two calls
		}
		for limit := int32(1); limit <= 6; limit++ {
			var pages []string
			in := &api.ListFriendsRequest{Limit: wrapperspb.Int32(limit)}
			for {
				page := d.list(anna, in)
				pages = append(pages, names(page))
				if in.Cursor = page.Cursor; in.Cursor == "" {
					break
				}
			}
			if got := strings.Join(pages, " "); got != all || len(pages) != (6+int(limit)-1)/int(limit) {
				t.Errorf("%d a page: %q, want %q", limit, pages, all)
			}
		}
		f := func(state int32, want string) {
			t.Helper()
			if got := names(d.list(anna, &api.ListFriendsRequest{State: wrapperspb.Int32(state)})); got != want {
				t.Errorf("in state %d are %q, want %q", state, got, want)
			}
		}
		f(0, strings.TrimSuffix(all, " user1 user2 user4"))
		f(1, "user1")
		f(2, "user2")
		f(3, "user4")

		page := d.list(anna, &api.ListFriendsRequest{Limit: wrapperspb.Int32(1), State: wrapperspb.Int32(0)})
		d.refuse(3, "Cursor is invalid.", "ListFriends", anna, &api.ListFriendsRequest{State: wrapperspb.Int32(1), Cursor: page.Cursor})
		if got := d.list(anna, &api.ListFriendsRequest{Cursor: page.Cursor}); len(got.Friends) != 5 {
			t.Errorf("a state's cursor without the state leads to %s", names(got))
		}
		for _, cursor := range []string{"x", "====", "AAAA", listCursor(4, 1), listCursor(0, 1) + "AAAA", place{anna, 1}.String()} {
			d.refuse(3, "Cursor is invalid.", "ListFriends", anna, &api.ListFriendsRequest{Cursor: cursor})
		}
		for _, limit := range []int32{0, -1, 1001} {
			d.refuse(3, "Invalid limit - limit must be between 1 and 1000.", "ListFriends", anna, &api.ListFriendsRequest{Limit: wrapperspb.Int32(limit)})
		}
		for _, state := range []int32{-1, 4} {
			d.refuse(3, "Invalid state - state must be between 0 and 3.", "ListFriends", anna, &api.ListFriendsRequest{State: wrapperspb.Int32(state)})
		}
		d.ok("ListFriends", anna, &api.ListFriendsRequest{Limit: wrapperspb.Int32(1000)})
		if got := d.list(gone, &api.ListFriendsRequest{}); len(got.Friends) != 0 {
			t.Errorf("a deleted account lists %s", names(got))
		}
	})
}

func TestAFriendShows(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		d.add(anna, ben)
		d.Advance(time.Minute)
		d.add(ben, anna)
		d.presence.Track(d.conns[ben], presence.Stream{Mode: presence.ModeStatus, Subject: ben}, presence.Meta{})
		row := d.user(ben)
		user := account.UserMessage(row, true)
		user.EdgeCount = 0
		want := &api.Friend{User: user, State: wrapperspb.Int32(0), UpdateTime: &timestamppb.Timestamp{Seconds: d.Now().Unix()}, Metadata: "{}"}
		if got := d.list(anna, &api.ListFriendsRequest{}).Friends; len(got) != 1 || !proto.Equal(got[0], want) {
			t.Errorf("got %v, want %v", got, want)
		}
		if row.EdgeCount != 1 || !row.UpdateTime.Equal(each.Start) {
			t.Errorf("an accepted invitation changed the user: %d edges, %v", row.EdgeCount, row.UpdateTime)
		}
		d.delete(anna, ben)
		if row = d.user(ben); !row.UpdateTime.Equal(d.Now()) {
			t.Errorf("another count leaves update_time at %v", row.UpdateTime)
		}
	})
}

func (d *desk) ofFriends(user id.UUID, in *api.ListFriendsOfFriendsRequest) *api.FriendsOfFriendsList {
	d.t.Helper()
	return d.ok("ListFriendsOfFriends", user, in).(*api.FriendsOfFriendsList)
}

// referred are the items as "referrer:user".
func referred(l *api.FriendsOfFriendsList) (all []string) {
	for _, f := range l.FriendsOfFriends {
		u, _ := id.Parse(f.Referrer)
		all = append(all, nameOf(u)+":"+f.User.Username)
	}
	return all
}

func TestFriendsOfFriends(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		user := func(n int) id.UUID { return id.UUID{0: 1, 15: byte(n + 1)} }
		d.put(func(tx store.Tx) (err error) {
			for n := range 5 {
				err = errors.Join(err, store.Put(tx, schema.Users, account.NewRow(user(n), fmt.Sprint("u", n), tx.Now())))
			}
			return err
		})
		for _, friend := range []id.UUID{dora, ben, cleo} {
			d.befriend(anna, friend)
		}
		d.befriend(ben, cleo) // both are anna's own
		for _, tie := range [][2]id.UUID{{ben, user(3)}, {ben, user(1)}, {dora, user(1)}, {dora, user(0)}, {dora, user(2)}} {
			d.Advance(time.Millisecond)
			d.befriend(tie[0], tie[1])
		}
		d.add(ben, user(4))       // only invited
		d.block(cleo, user(4))    // only blocked
		d.befriend(user(3), dora) // a path of two
		want := []string{"ben:u3", "ben:u1", "dora:u1", "dora:u0", "dora:u2", "dora:u3"}
		if got := referred(d.ofFriends(anna, &api.ListFriendsOfFriendsRequest{})); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		for limit := int32(1); limit <= 6; limit++ {
			var got []string
			in := &api.ListFriendsOfFriendsRequest{Limit: wrapperspb.Int32(limit)}
			pages := 0
			for {
				page := d.ofFriends(anna, in)
				got = append(got, referred(page)...)
				pages++
				if in.Cursor = page.Cursor; in.Cursor == "" {
					break
				}
			}
			if !slices.Equal(got, want) || pages != (6+int(limit)-1)/int(limit) {
				t.Errorf("%d a page: %d pages of %v, want %v", limit, pages, got, want)
			}
		}
		first := d.ofFriends(anna, &api.ListFriendsOfFriendsRequest{Limit: wrapperspb.Int32(1)})
		if got := first.FriendsOfFriends[0].User.EdgeCount; got != 2 {
			t.Errorf("edge_count %d, want 2", got)
		}
		d.delete(anna, ben) // the cursor's friend: the next ones go on
		if got := referred(d.ofFriends(anna, &api.ListFriendsOfFriendsRequest{Cursor: first.Cursor})); !slices.Equal(got, []string{"cleo:ben", "dora:u1", "dora:u0", "dora:u2", "dora:u3"}) {
			t.Errorf("beyond a former friend are %v", got)
		}
		for _, cursor := range []string{"x", "AAAA", listCursor(0, 1)} {
			d.refuse(3, "Cursor is invalid.", "ListFriendsOfFriends", anna, &api.ListFriendsOfFriendsRequest{Cursor: cursor})
		}
		for _, limit := range []int32{0, -1, 101} {
			d.refuse(3, "Invalid limit - limit must be between 1 and 100.", "ListFriendsOfFriends", anna, &api.ListFriendsOfFriendsRequest{Limit: wrapperspb.Int32(limit)})
		}
	})
}

// TestFriendsOfFriendsIsBounded: one call looks through so many friends; the next goes on after them.
func TestFriendsOfFriendsIsBounded(t *testing.T) {
	d := newDesk(t, each.Bunt(t, each.NewClock()), each.NewClock())
	friend := func(n int) id.UUID { return id.UUID{0: 1, 1: byte(n >> 8), 2: byte(n)} }
	const last = friendsMax + 3
	d.put(func(tx store.Tx) (err error) {
		edge := func(from, to id.UUID, n int) {
			err = errors.Join(err, store.Put(tx, schema.UserEdges, &schema.UserEdge{SourceID: from, DestinationID: to, Position: int64(n), UpdateTime: tx.Now(), Metadata: "{}"}))
		}
		for n := range last + 1 {
			err = errors.Join(err, store.Put(tx, schema.Users, account.NewRow(friend(n), fmt.Sprint("friend", n), tx.Now())))
			edge(anna, friend(n), n)
			edge(friend(n), anna, n)
		}
		edge(friend(last), ben, last+1)
		return err
	})
	page := d.ofFriends(anna, &api.ListFriendsOfFriendsRequest{})
	if len(page.FriendsOfFriends) != 0 || page.Cursor == "" {
		t.Fatalf("the first page has %v, cursor %q", referred(page), page.Cursor)
	}
	page = d.ofFriends(anna, &api.ListFriendsOfFriendsRequest{Cursor: page.Cursor})
	if got := referred(page); !slices.Equal(got, []string{":ben"}) || page.Cursor != "" {
		t.Errorf("the second page has %v, cursor %q", got, page.Cursor)
	}
}

func TestBlockEndsTheDirectChat(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		st := directChat(ben, anna)
		if st != directChat(anna, ben) || st.Subject != anna || st.Subcontext != ben {
			t.Errorf("the chat is %+v", st)
		}
		for _, user := range []id.UUID{anna, ben} {
			d.presence.Track(d.conns[user], st, presence.Meta{})
		}
		other := directChat(ben, cleo)
		d.presence.Track(d.conns[ben], other, presence.Meta{})
		for _, c := range d.conns {
			c.Take()
		}
		d.block(ben, anna)
		if n := d.presence.Count(st); n != 0 {
			t.Errorf("%d are still in the chat", n)
		}
		if n := d.presence.Count(other); n != 1 {
			t.Error("another chat ended")
		}
		for user, c := range d.conns {
			if len(sessiontest.Notifications(c.Peek())) > 0 {
				t.Errorf("%s was told", nameOf(user))
			}
		}
		for _, f := range []struct {
			user, other id.UUID
			want        bool
		}{{ben, anna, true}, {anna, ben, false}, {anna, gone, false}} {
			if got, err := d.s.HasBlocked(t.Context(), f.user, f.other); got != f.want || err != nil {
				t.Errorf("%s has blocked %s: %v, %v", nameOf(f.user), nameOf(f.other), got, err)
			}
		}
	})
}

func TestImport(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		d.put(func(tx store.Tx) (err error) {
			for _, user := range everybody {
				row, _, e := store.Get(tx, schema.Users, user)
				account.Facebook.Set(row, "fb-"+nameOf(user))
				if user == ben {
					account.Steam.Set(row, "steam-ben")
				}
				err = errors.Join(err, e, store.Put(tx, schema.Users, row))
			}
			return err
		})
		all := []string{"fb-anna", "fb-ben", "fb-cleo", "fb-dora", "fb-dora", "fb-nobody", "a\x00", ""}
		run := func(from *Provider, ids []string, reset bool) {
			t.Helper()
			if err := d.s.Import(t.Context(), Actor{anna, "anna"}, from, ids, reset); err != nil {
				t.Error(err)
			}
			d.counted()
		}
		run(Facebook, all, false)
		for _, user := range []id.UUID{ben, cleo, dora} {
			d.tie(anna, user, "0/0")
			if n := sessiontest.Notifications(d.conns[user].Peek()); len(n) != 1 || n[0].Subject != "Your friend has just joined the game" || n[0].Content != `{"username":"anna"}` || n[0].SenderId != anna.String() {
				t.Errorf("%s is told %v", nameOf(user), n)
			}
			d.told(user, -6)
		}
		if mine, theirs := d.edge(anna, ben).Metadata, d.edge(ben, anna).Metadata; mine != `{"provider": "facebook"}` || theirs != mine {
			t.Errorf("metadata %s and %s", mine, theirs)
		}
		run(Facebook, all, false)
		d.told(ben)

		d.clean()
		d.ok("AddFriends", anna, &api.AddFriendsRequest{Ids: []string{ben.String()}, Metadata: `{"a":1}`})
		d.add(cleo, anna)
		d.block(dora, anna)
		d.told(anna, -2)
		d.told(ben, -2)
		run(Facebook, all, false)
		d.tie(anna, ben, "0/0")
		d.tie(anna, cleo, "0/0")
		d.tie(anna, dora, "-/3")
		if got := string(d.edge(anna, ben).Metadata); got != `{"a": 1, "provider": "facebook"}` {
			t.Errorf("an accepted invitation keeps %s", got)
		}
		d.told(ben, -6)
		d.told(cleo, -6)
		d.told(dora)

		d.clean()
		d.befriend(anna, ben)
		d.add(anna, cleo)
		d.block(anna, dora)
		d.block(cleo, ben)
		d.Advance(time.Millisecond) // the list sorts by time
		run(Steam, []string{"steam-ben"}, true)
		d.tie(anna, ben, "0/0")
		d.tie(anna, cleo, "-/-")
		d.tie(anna, dora, "3/-")
		d.tie(cleo, ben, "3/-")
		if got := string(d.edge(anna, ben).Metadata); got != `{"provider": "steam"}` {
			t.Errorf("after a reset the metadata is %s", got)
		}
		d.told(ben, -2, -6)
		d.told(cleo, -2)

		run(Steam, nil, true)
		d.tie(anna, ben, "-/-")
		d.tie(anna, dora, "3/-")
		d.told(ben)
		run(Facebook, []string{"fb-dora"}, false)
		d.tie(anna, dora, "3/-")
		if err := d.s.Import(t.Context(), Actor{gone, "gone"}, Facebook, all, false); !errors.Is(err, account.ErrNotFound) {
			t.Errorf("of a deleted account: %v", err)
		}
	})
}

// TestBothAddAtOnce: two who invite each other at once end as friends, each told once.
func TestBothAddAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		for range 10 {
			var running sync.WaitGroup
			for _, pair := range [][2]id.UUID{{anna, ben}, {ben, anna}, {anna, cleo}, {cleo, anna}, {ben, cleo}, {cleo, ben}} {
				running.Go(func() { d.add(pair[0], pair[1]) })
			}
			running.Wait()
			for _, pair := range [][2]id.UUID{{anna, ben}, {anna, cleo}, {ben, cleo}} {
				d.tie(pair[0], pair[1], "0/0")
			}
			d.counted()
			total := 0
			for _, user := range everybody {
				total += len(sessiontest.Notifications(d.conns[user].Take()))
			}
			if total != 6 {
				t.Errorf("%d notifications, want an invitation and an acceptance a pair", total)
			}
			d.clean()
		}
	})
}

// TestCountsUnderCrossfire: whatever order many calls of many users take, each one's count is the number of his edges,
// and the two edges of a tie fit each other.
func TestCountsUnderCrossfire(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		var running sync.WaitGroup
		for n, user := range everybody {
			for k := range 3 {
				running.Go(func() {
					others := slices.DeleteFunc(slices.Clone(everybody), func(u id.UUID) bool { return u == user })
					for step := range 12 {
						to := []id.UUID{others[(n+k+step)%3], others[(step*2)%3]}
						switch (n*7 + k*3 + step) % 4 {
						case 0, 1:
							d.add(user, to...)
						case 2:
							d.delete(user, to...)
						case 3:
							d.block(user, to[0])
						}
					}
				})
			}
		}
		running.Wait()
		d.counted()
		fits := map[string]bool{"-/-": true, "0/0": true, "1/2": true, "2/1": true, "3/-": true, "-/3": true, "3/3": true}
		for i, a := range everybody {
			for _, b := range everybody[i+1:] {
				if tie := fmt.Sprint(stateOf(d.edge(a, b)), "/", stateOf(d.edge(b, a))); !fits[strings.ReplaceAll(tie, "-1", "-")] {
					t.Errorf("%s and %s are %s", nameOf(a), nameOf(b), tie)
				}
			}
		}
	})
}

// FuzzCursors: what is accepted is what a listing would have made.
func FuzzCursors(f *testing.F) {
	f.Add("")
	f.Add(listCursor(0, 1))
	f.Add(listCursor(3, -1))
	f.Add(listCursor(4, 1))
	f.Add(place{anna, 1 << 60}.String())
	f.Fuzz(func(t *testing.T, text string) {
		plain := strings.NewReplacer("\r", "", "\n", "").Replace(text)
		if state, position, ok := parseListCursor(text); ok && listCursor(state, position) != plain {
			t.Errorf("%q is read as %d, %d", text, state, position)
		}
		if p, ok := parsePlace(text); ok && p != (place{}) && p.String() != plain {
			t.Errorf("%q is read as %v", text, p)
		}
	})
}
