package notify

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

	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/persist/storetest/each"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/presence"
	"github.com/skirmishgg/skirmish/services/session"
	"github.com/skirmishgg/skirmish/services/session/sessiontest"
)

func TestMain(m *testing.M) { each.Main(m) }

var (
	anna = id.UUID{0: 0xa, 15: 1}
	ben  = id.UUID{0: 0xb, 15: 1}
	gone = id.UUID{0: 0xd, 15: 1} // nobody has this id
)

// taken is what came since the last time: "subject subject" a message.
func taken(c *sessiontest.Conn) (messages []string) {
	for _, e := range c.Take() {
		var subjects []string
		for _, n := range e.GetNotifications().GetNotifications() {
			subjects = append(subjects, n.Subject)
		}
		messages = append(messages, strings.Join(subjects, " "))
	}
	return messages
}

// desk is a catalogue with the notification operations over one store with the users anna and ben.
type desk struct {
	*each.Clock
	*sessiontest.Desk
	t        *testing.T
	db       store.DB
	presence *presence.Service
	live     *session.Live
	s        *Service
	sessions byte
}

func onEach(t *testing.T, test func(t *testing.T, d *desk)) {
	t.Helper()
	each.Store(t, func(t *testing.T, db store.DB, clock *each.Clock) {
		d := &desk{Clock: clock, t: t, db: db, presence: presence.New(presence.Config{}), live: session.NewLive()}
		d.s = New(Config{DB: db, Presence: d.presence, Live: d.live, Now: clock.Now})
		t.Cleanup(d.s.Stop)
		d.Desk = sessiontest.NewDesk(t, d.s.Register)
		sessiontest.PutUsers(t, db, map[id.UUID]string{anna: "anna", ben: "ben"})
		test(t, d)
	})
}

func (d *desk) open(user id.UUID) *sessiontest.Conn {
	d.sessions++
	c := sessiontest.NewConn(id.UUID{0: d.sessions}, user, "")
	d.live.Add(c)
	d.presence.Begin(c)
	d.s.Open(c)
	return c
}

func (d *desk) refuse(code errs.Code, text, name string, in proto.Message) {
	d.t.Helper()
	d.Refuse(code, text, op.Caller{UserID: anna}, name, in)
}

// list is a page; limit 0: none is given.
func (d *desk) list(user id.UUID, limit int32, cursor string) *api.NotificationList {
	d.t.Helper()
	in := &api.ListNotificationsRequest{CacheableCursor: cursor}
	if limit > 0 {
		in.Limit = wrapperspb.Int32(limit)
	}
	out, err := d.Call(op.Caller{UserID: user}, "ListNotifications", in)
	if err != nil {
		d.t.Fatal(err)
	}
	return out.(*api.NotificationList)
}

func subjects(l *api.NotificationList) (all []string) {
	for _, n := range l.Notifications {
		all = append(all, n.Subject)
	}
	return all
}

// kept is a persistent notification of server code to anna.
func kept(subject string) *Notification {
	return &Notification{UserID: anna, Subject: subject, Content: "{}", Code: 1, Persistent: true}
}

func (d *desk) send(list ...*Notification) {
	d.t.Helper()
	if err := d.s.Send(context.Background(), list...); err != nil {
		d.t.Fatal(err)
	}
}

func TestListPagesOldestFirst(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		empty := d.list(anna, 10, "")
		if len(empty.Notifications) != 0 || empty.CacheableCursor == "" {
			t.Errorf("an empty list answers %v", empty)
		}
		for n := range 5 {
			d.send(kept(fmt.Sprint(n)))
			d.Advance(time.Millisecond)
		}
		d.send(kept("5"), kept("6"), kept("7")) // at one time, and in this order all the same
		var got []string
		cursor := ""
		for _, want := range []int{3, 3, 2, 0} {
			page := d.list(anna, 3, cursor)
			if len(page.Notifications) != want {
				t.Errorf("a page has %v, want %d", subjects(page), want)
			}
			if want == 0 && page.CacheableCursor != cursor {
				t.Errorf("an empty page's cursor is %q, want the one asked with", page.CacheableCursor)
			}
			got, cursor = append(got, subjects(page)...), page.CacheableCursor
		}
		if want := []string{"0", "1", "2", "3", "4", "5", "6", "7"}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		d.Advance(time.Millisecond)
		d.send(kept("later"))
		if got := subjects(d.list(anna, 100, cursor)); !slices.Equal(got, []string{"later"}) {
			t.Errorf("beyond the end's cursor came %v", got)
		}
		if got := d.list(anna, 100, empty.CacheableCursor); len(got.Notifications) != 9 {
			t.Errorf("from the empty list's cursor came %v", subjects(got))
		}
		if got := d.list(anna, 0, ""); len(got.Notifications) != 1 {
			t.Errorf("without a limit came %v", subjects(got))
		}
		if got := d.list(ben, 100, ""); len(got.Notifications) != 0 {
			t.Errorf("another user sees %v", subjects(got))
		}
	})
}

func TestListShows(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		d.send(&Notification{UserID: anna, Subject: "news", Content: `{"bb":1.50,"a":"<x>"}`, Code: 7, Persistent: true},
			&Notification{UserID: anna, Subject: "from ben", Content: `[1e2]`, Code: -1500, SenderID: ben, Persistent: true})
		l := d.list(anna, 10, "")
		for _, n := range l.Notifications {
			if _, err := id.Parse(n.Id); err != nil {
				t.Errorf("id %q: %v", n.Id, err)
			}
			n.Id = ""
		}
		at := &timestamppb.Timestamp{Seconds: each.Start.Unix()}
		want := []*api.Notification{
			{Subject: "news", Content: `{"a": "<x>", "bb": 1.50}`, Code: 7, CreateTime: at, Persistent: true},
			{Subject: "from ben", Content: `[100]`, Code: -1500, SenderId: ben.String(), CreateTime: at, Persistent: true},
		}
		if !slices.EqualFunc(l.Notifications, want, func(a, b *api.Notification) bool { return proto.Equal(a, b) }) {
			t.Errorf("got %v, want %v", l.Notifications, want)
		}
	})
}

func TestListRefuses(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		for _, limit := range []int32{0, -1, 101} {
			d.refuse(3, "Invalid limit - limit must be between 1 and 100.", "ListNotifications", &api.ListNotificationsRequest{Limit: wrapperspb.Int32(limit)})
		}
		for _, cursor := range []string{"x", "====", "AAAA", cursorAt(time.UnixMicro(-1), anna), cursorAt(time.UnixMicro(1<<62), anna), start + start} {
			d.refuse(3, "Cursor is invalid.", "ListNotifications", &api.ListNotificationsRequest{CacheableCursor: cursor})
		}
	})
}

func TestDelete(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		foreign := kept("ben's")
		foreign.UserID = ben
		d.send(kept("0"), kept("1"), kept("2"), foreign)
		all := d.list(anna, 10, "").Notifications
		d.refuse(3, "Invalid notification ID.", "DeleteNotifications", &api.DeleteNotificationsRequest{Ids: []string{all[0].Id, "x"}})
		d.refuse(3, "Invalid notification ID.", "DeleteNotifications", &api.DeleteNotificationsRequest{Ids: []string{all[0].Id, ""}})
		f := func(left string, ids ...string) {
			t.Helper()
			if _, err := d.Call(op.Caller{UserID: anna}, "DeleteNotifications", &api.DeleteNotificationsRequest{Ids: ids}); err != nil {
				t.Error(err)
			}
			if got := strings.Join(subjects(d.list(anna, 10, "")), " "); got != left {
				t.Errorf("%v leaves %q, want %q", ids, got, left)
			}
		}
		f("0 1 2")
		f("0 1 2", gone.String(), foreign.ID.String())
		f("1", all[0].Id, strings.ToUpper(all[2].Id), all[0].Id)
		f("1", all[0].Id)
		if got := d.list(ben, 10, ""); len(got.Notifications) != 1 {
			t.Error("another user's notification was deleted")
		}
	})
}

func TestLive(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		one, two, other := d.open(anna), d.open(anna), d.open(ben)
		d.send(kept("a"), &Notification{UserID: ben, Subject: "b", Content: ` {"x" :1} `, Code: 1}, &Notification{UserID: anna, Subject: "c", Content: "{}", Code: 2, SenderID: ben})
		if one.Shared()[0] != two.Shared()[0] {
			t.Error("a message to two sessions is encoded twice")
		}
		n := sessiontest.Notifications(other.Peek())[0]
		want := &api.Notification{Id: n.Id, Subject: "b", Content: ` {"x" :1} `, Code: 1, SenderId: id.UUID{}.String(), CreateTime: &timestamppb.Timestamp{Seconds: each.Start.Unix()}}
		if !proto.Equal(n, want) || n.Id == (id.UUID{}).String() {
			t.Errorf("live came %v, want %v", n, want)
		}
		f := func(c *sessiontest.Conn, want ...string) {
			t.Helper()
			if got := taken(c); !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		}
		f(one, "a c")
		f(two, "a c")
		f(other, "b")
		if got := subjects(d.list(anna, 10, "")); !slices.Equal(got, []string{"a"}) {
			t.Errorf("kept are %v", got)
		}
		if got := subjects(d.list(ben, 10, "")); len(got) != 0 {
			t.Errorf("what is not persistent was kept: %v", got)
		}
		d.presence.End(one)
		d.send(kept("d"))
		f(one)
		f(two, "d")
		if members := d.presence.List(streamOf(anna), false); len(members) != 0 {
			t.Error("a session shows in its notifications stream")
		}
	})
}

// TestSendRefuses: what cannot be kept reaches nobody, nor does anything sent with it.
func TestSendRefuses(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		c := d.open(anna)
		f := func(want error, change func(*Notification)) {
			t.Helper()
			bad := kept("bad")
			change(bad)
			if err := d.s.Send(t.Context(), kept("good"), bad); !errors.Is(err, want) {
				t.Errorf("%+v: %v, want %v", bad, err, want)
			}
			if got := taken(c); got != nil {
				t.Errorf("delivered were %q", got)
			}
			if got := subjects(d.list(anna, 10, "")); got != nil {
				t.Errorf("kept were %q", got)
			}
		}
		f(ErrSubject, func(n *Notification) { n.Subject = "" })
		f(ErrSubject, func(n *Notification) { n.Subject = strings.Repeat("é", 256) })
		f(ErrSubject, func(n *Notification) { n.Subject = "a\x00" })
		f(ErrSubject, func(n *Notification) { n.Subject = "\xff" })
		f(ErrContent, func(n *Notification) { n.Content = "" })
		f(ErrContent, func(n *Notification) { n.Content = `{"a":"\u0000"}` })
		f(ErrContent, func(n *Notification) { n.Content, n.Persistent = "{", false })
		f(ErrCode, func(n *Notification) { n.Code = 1 << 15 })
		f(ErrRecipient, func(n *Notification) { n.UserID = gone })
		d.send(kept(strings.Repeat("é", 255)))
		d.send()
	})
}

// TestPut: a notification is part of what it tells of.
func TestPut(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		n := System(anna, CodeFriendInvite, strings.Repeat("é", 300), map[string]string{"username": `"<ben>`}, ben)
		refusal := errors.New("refused")
		put := func(err error) error {
			return d.db.Write(t.Context(), nil, func(tx store.Tx) error { return errors.Join(Put(tx, n), err) })
		}
		if err := put(refusal); !errors.Is(err, refusal) || len(d.list(anna, 1, "").Notifications) != 0 {
			t.Errorf("a refused write: %v", err)
		}
		if err := put(nil); err != nil {
			t.Fatal(err)
		}
		c := d.open(anna)
		d.s.Deliver(n)
		live := sessiontest.Notifications(c.Peek())[0]
		listed := d.list(anna, 1, "").Notifications[0]
		if live.Content != `{"username":"\"\u003cben\u003e"}` || listed.Content != `{"username": "\"<ben>"}` {
			t.Errorf("content: live %s, in the list %s", live.Content, listed.Content)
		}
		live.Content = listed.Content
		if !proto.Equal(live, listed) {
			t.Errorf("live came %v, in the list is %v", live, listed)
		}
		if live.Subject != strings.Repeat("é", 255) {
			t.Errorf("subject %q", live.Subject)
		}
	})
}

func TestManySendersAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		c := d.open(anna)
		const senders = 64
		var running sync.WaitGroup
		for n := range senders {
			running.Go(func() {
				if err := d.s.Send(context.Background(), kept(fmt.Sprint(n))); err != nil {
					t.Error(err)
				}
			})
		}
		running.Wait()
		live, listed := taken(c), subjects(d.list(anna, 100, ""))
		slices.Sort(live)
		slices.Sort(listed)
		if len(live) != senders || len(slices.Compact(slices.Clone(live))) != senders || !slices.Equal(live, listed) {
			t.Errorf("live came %v, in the list are %v", live, listed)
		}
	})
}

// FuzzCursor: what is accepted is what List would have made.
func FuzzCursor(f *testing.F) {
	f.Add(start)
	f.Add(cursorAt(each.Start, anna))
	f.Add("")
	f.Add("AAAA")
	f.Add(cursorAt(time.UnixMicro(-1), anna))
	f.Fuzz(func(t *testing.T, text string) {
		if at, u, ok := parseCursor(text); ok {
			if again := cursorAt(at, u); strings.NewReplacer("\r", "", "\n", "").Replace(text) != again {
				t.Errorf("%q is read as %q", text, again)
			}
		}
	})
}
