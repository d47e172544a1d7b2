package group

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/persist/storetest/each"
	"github.com/skirmishgg/skirmish/protocol/codec"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/account"
	"github.com/skirmishgg/skirmish/services/chat"
	"github.com/skirmishgg/skirmish/services/notify"
	"github.com/skirmishgg/skirmish/services/presence"
	"github.com/skirmishgg/skirmish/services/session"
)

func TestMain(m *testing.M) { each.Main(m) }

var (
	anna = id.UUID{0: 0xa, 15: 1}
	ben  = id.UUID{0: 0xb, 15: 1}
	cleo = id.UUID{0: 0xc, 15: 1}
	dora = id.UUID{0: 0xd, 15: 1}
	gone = id.UUID{0: 0xe, 15: 1} // nobody has this id
)

var names = map[id.UUID]string{anna: "anna", ben: "ben", cleo: "cleo", dora: "dora"}

// desk is a catalogue with the group operations over one store.
type desk struct {
	t        *testing.T
	db       store.DB
	clock    *each.Clock
	presence *presence.Service
	chat     *chat.Service
	s        *Service
	r        *op.Registry
	conns    byte
}

func onEach(t *testing.T, test func(t *testing.T, d *desk)) {
	t.Helper()
	each.Store(t, func(t *testing.T, db store.DB, clock *each.Clock) {
		d := &desk{t: t, db: db, clock: clock, presence: presence.New(presence.Config{})}
		d.over(db)
		d.put(func(tx store.Tx) error {
			for user, name := range names {
				if err := store.Put(tx, schema.Users, account.NewRow(user, name, tx.Now())); err != nil {
					return err
				}
			}
			return nil
		})
		test(t, d)
	})
}

func (d *desk) over(db store.DB) {
	messages := notify.New(notify.Config{DB: db, Presence: d.presence, Now: d.clock.Now})
	d.chat = chat.New(chat.Config{DB: db, Presence: d.presence, Live: session.NewLive(), Notify: messages, Now: d.clock.Now})
	d.s = New(Config{DB: db, Presence: d.presence, Notify: messages, Chat: d.chat, Now: d.clock.Now})
	d.r = op.NewRegistry()
	d.s.Register(d.r)
	d.r.Seal()
}

func (d *desk) put(f func(tx store.Tx) error) {
	d.t.Helper()
	if err := d.db.Update(context.Background(), f); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) call(user id.UUID, name string, in proto.Message) (proto.Message, error) {
	return d.r.Named(name).Invoke(context.Background(), op.Caller{UserID: user, Username: names[user]}, in)
}

func ok[S proto.Message](d *desk, user id.UUID, name string, in proto.Message) S {
	d.t.Helper()
	out, err := d.call(user, name, in)
	if err != nil {
		d.t.Fatalf("%s(%v) of %s: %v", name, in, names[user], err)
	}
	return out.(S)
}

func (d *desk) refuse(code errs.Code, text string, user id.UUID, name string, in proto.Message) {
	d.t.Helper()
	_, err := d.call(user, name, in)
	if got := errs.Of(err); err == nil || got.Code != code || got.Message != text {
		d.t.Errorf("%s(%v) of %s answers %v, want %d %q", name, in, names[user], err, code, text)
	}
}

// group makes one: anna's, open, for a hundred members.
func (d *desk) group(name string, change ...func(*api.CreateGroupRequest)) *api.Group {
	d.t.Helper()
	in := &api.CreateGroupRequest{Name: name, Open: true}
	for _, f := range change {
		f(in)
	}
	return ok[*api.Group](d, anna, "CreateGroup", in)
}

func closed(in *api.CreateGroupRequest) { in.Open = false }

func upTo(n int32) func(*api.CreateGroupRequest) {
	return func(in *api.CreateGroupRequest) { in.MaxCount = n }
}

func (d *desk) join(user id.UUID, group string) {
	d.t.Helper()
	ok[*emptypb.Empty](d, user, "JoinGroup", &api.JoinGroupRequest{GroupId: group})
}

func (d *desk) leave(user id.UUID, group string) {
	d.t.Helper()
	ok[*emptypb.Empty](d, user, "LeaveGroup", &api.LeaveGroupRequest{GroupId: group})
}

// request is a call on users of a group.
func request(name, group string, users ...id.UUID) proto.Message {
	texts := make([]string, len(users))
	for i, u := range users {
		texts[i] = u.String()
	}
	switch name {
	case "AddGroupUsers":
		return &api.AddGroupUsersRequest{GroupId: group, UserIds: texts}
	case "KickGroupUsers":
		return &api.KickGroupUsersRequest{GroupId: group, UserIds: texts}
	case "BanGroupUsers":
		return &api.BanGroupUsersRequest{GroupId: group, UserIds: texts}
	case "PromoteGroupUsers":
		return &api.PromoteGroupUsersRequest{GroupId: group, UserIds: texts}
	}
	return &api.DemoteGroupUsersRequest{GroupId: group, UserIds: texts}
}

func (d *desk) manage(user id.UUID, name, group string, users ...id.UUID) {
	d.t.Helper()
	ok[*emptypb.Empty](d, user, name, request(name, group, users...))
}

// row is a group's row, nil when there is none.
func (d *desk) row(group string) *schema.Group {
	d.t.Helper()
	rows, err := store.GetMany(context.Background(), d.db, schema.Groups, []any{parse(group)})
	if err != nil {
		d.t.Fatal(err)
	}
	return rows[0]
}

func parse(text string) id.UUID {
	u, _ := id.Parse(text)
	return u
}

// state is a group's count and edges, "2: anna0 ben2 cleo3". It holds both sides of each membership, and the count, to
// what they must be.
func (d *desk) state(group string) string {
	d.t.Helper()
	edges, err := store.List(context.Background(), d.db, byState, store.Range{Prefix: []any{parse(group)}})
	if err != nil {
		d.t.Fatal(err)
	}
	var words []string
	var count int32
	for _, e := range edges {
		words = append(words, fmt.Sprint(names[e.DestinationID], e.State))
		if e.State <= schema.MemberPlain {
			count++
		}
		other, err := store.GetMany(context.Background(), d.db, schema.GroupEdges, []any{e.DestinationID, e.SourceID})
		if err != nil {
			d.t.Fatal(err)
		}
		if banned := e.State == schema.MemberBanned; banned != (other[0] == nil) || !banned && other[0].State != e.State {
			d.t.Errorf("%s has %d in the group, and himself %v", names[e.DestinationID], e.State, other[0])
		}
	}
	row := d.row(group)
	if row == nil {
		return strings.TrimSpace("none " + strings.Join(words, " "))
	}
	if row.EdgeCount != count || count > row.MaxCount {
		d.t.Errorf("the group counts %d members of %d, it has %d", row.EdgeCount, row.MaxCount, count)
	}
	return fmt.Sprint(row.EdgeCount, ": ", strings.Join(words, " "))
}

func (d *desk) want(group, text string) {
	d.t.Helper()
	if got := d.state(group); got != text {
		d.t.Errorf("the group is %q, want %q", got, text)
	}
}

// notifications are what waits for a user, "CODE SUBJECT CONTENT" each.
func (d *desk) notifications(user id.UUID) string {
	d.t.Helper()
	rows, err := store.List(context.Background(), d.db, schema.Notifications.By("user_id", "create_time"), store.Range{Prefix: []any{user}})
	if err != nil {
		d.t.Fatal(err)
	}
	var words []string
	for _, n := range rows {
		words = append(words, fmt.Sprint(n.Code, " ", n.Subject, " ", n.Content, " from ", names[n.SenderID]))
	}
	return strings.Join(words, "; ")
}

// history is what a group's channel has kept, in no order: "name:code" each, sorted.
func (d *desk) history(group string) string {
	d.t.Helper()
	page, err := d.chat.List(context.Background(), chat.Group(parse(group)), 100, true, "")
	if err != nil {
		d.t.Fatal(err)
	}
	var words []string
	for _, m := range page.Messages {
		if m.CreateTime.Nanosecond() != 0 || m.Content != "{}" || m.Username != names[m.SenderID] {
			d.t.Errorf("kept %+v", m)
		}
		words = append(words, fmt.Sprint(m.Username, ":", m.Code))
	}
	slices.Sort(words)
	return strings.Join(words, " ")
}

// conn is a connection in a group's channel that remembers what it got.
type conn struct {
	d        *desk
	id, user id.UUID
	mu       sync.Mutex
	got      []*rtapi.Envelope
}

func (d *desk) listen(user id.UUID, group string) *conn {
	d.conns++
	c := &conn{d: d, user: user, id: id.UUID{0: 0xcc, 3: d.conns}}
	d.presence.Begin(c)
	d.presence.Track(c, presence.Stream{Mode: presence.ModeNotifications, Subject: user}, presence.Meta{Hidden: true})
	d.presence.Track(c, chat.Group(parse(group)), presence.Meta{})
	c.take()
	return c
}

func (c *conn) ID() id.UUID             { return c.id }
func (c *conn) UserID() id.UUID         { return c.user }
func (c *conn) Username() string        { return names[c.user] }
func (c *conn) Vars() map[string]string { return nil }
func (c *conn) Lang() string            { return "en" }
func (c *conn) Close(string)            {}
func (c *conn) Send(m *codec.Shared) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.got = append(c.got, m.Message.(*rtapi.Envelope))
	return true
}

// take is what came since the last take: name:code for notices, -name for leaves, !code for notifications.
func (c *conn) take() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var words []string
	for _, e := range c.got {
		if m := e.GetChannelMessage(); m != nil {
			if m.Content != "{}" || !m.Persistent.Value || m.GroupId == "" {
				c.d.t.Errorf("live %v", m)
			}
			words = append(words, fmt.Sprint(m.Username, ":", m.Code.Value))
		}
		for _, p := range e.GetChannelPresenceEvent().GetLeaves() {
			words = append(words, "-"+p.Username)
		}
		for _, n := range e.GetNotifications().GetNotifications() {
			words = append(words, fmt.Sprint("!", n.Code))
		}
	}
	c.got = nil
	return strings.Join(words, " ")
}

func (c *conn) want(text string) {
	c.d.t.Helper()
	if got := c.take(); got != text {
		c.d.t.Errorf("%s got %q, want %q", c.Username(), got, text)
	}
}

func TestCreate(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		got := ok[*api.Group](d, anna, "CreateGroup", &api.CreateGroupRequest{Name: "Clan", Description: "d", AvatarUrl: "a", LangTag: "fr", Open: true, MaxCount: 7})
		now := &api.Group{
			Id: got.Id, CreatorId: anna.String(), Name: "Clan", Description: "d", AvatarUrl: "a", LangTag: "fr", Metadata: "{}", Open: wrapperspb.Bool(true),
			EdgeCount: 1, MaxCount: 7, CreateTime: got.CreateTime, UpdateTime: got.UpdateTime,
		}
		if !proto.Equal(got, now) || !got.CreateTime.AsTime().Equal(each.Start.Truncate(time.Second)) || !proto.Equal(got.CreateTime, got.UpdateTime) {
			t.Errorf("made %v, want %v", got, now)
		}
		d.want(got.Id, "1: anna0")
		usual := ok[*api.Group](d, ben, "CreateGroup", &api.CreateGroupRequest{Name: "clan"}) // another name
		if usual.LangTag != "en" || usual.MaxCount != 100 || usual.Open == nil || usual.Open.Value || usual.Description+usual.AvatarUrl != "" {
			t.Errorf("made %v", usual)
		}
		f := func(code errs.Code, text string, in *api.CreateGroupRequest) {
			t.Helper()
			d.refuse(code, text, anna, "CreateGroup", in)
		}
		f(3, "Group name must be set.", &api.CreateGroupRequest{MaxCount: -1})
		f(3, "Group max count must be >= 1 when set.", &api.CreateGroupRequest{Name: "x", MaxCount: -1})
		f(6, "Group name is in use.", &api.CreateGroupRequest{Name: "Clan"})
		const long = "Group name and description must be at most 255 characters long, the avatar URL 512, the language tag 18."
		f(3, long, &api.CreateGroupRequest{Name: strings.Repeat("é", 256)})
		f(3, long, &api.CreateGroupRequest{Name: "x", Description: strings.Repeat("x", 256)})
		f(3, long, &api.CreateGroupRequest{Name: "x", AvatarUrl: strings.Repeat("x", 513)})
		f(3, long, &api.CreateGroupRequest{Name: "x", LangTag: strings.Repeat("x", 19)})
		f(3, "Group fields must be valid text without NUL characters.", &api.CreateGroupRequest{Name: "x\x00"})
		ok[*api.Group](d, anna, "CreateGroup", &api.CreateGroupRequest{Name: strings.Repeat("é", 255)})
		d.refuse(5, "Account not found.", gone, "CreateGroup", &api.CreateGroupRequest{Name: "ghosts"})
	})
}

func TestUpdate(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		g := d.group("clan")
		d.group("other")
		d.join(ben, g.Id)
		f := func(user id.UUID, in *api.UpdateGroupRequest) {
			t.Helper()
			if in.GroupId == "" {
				in.GroupId = g.Id
			}
			ok[*emptypb.Empty](d, user, "UpdateGroup", in)
		}
		bad := func(code errs.Code, text string, user id.UUID, group string, in *api.UpdateGroupRequest) {
			t.Helper()
			in.GroupId = group
			d.refuse(code, text, user, "UpdateGroup", in)
		}
		d.clock.Advance(time.Hour)
		f(anna, &api.UpdateGroupRequest{Name: wrapperspb.String("Clan"), Description: wrapperspb.String("d"), AvatarUrl: wrapperspb.String("a"),
			LangTag: wrapperspb.String("fr"), Open: wrapperspb.Bool(false)})
		row := d.row(g.Id)
		if row.Name != "Clan" || *row.Description != "d" || *row.AvatarURL != "a" || row.LangTag != "fr" || row.State != stateClosed || row.EdgeCount != 2 ||
			!row.UpdateTime.Equal(d.clock.Now()) || !row.CreateTime.Equal(each.Start) {
			t.Errorf("updated %+v", row)
		}
		f(anna, &api.UpdateGroupRequest{Name: wrapperspb.String("Clan")})
		f(anna, &api.UpdateGroupRequest{Description: wrapperspb.String(""), AvatarUrl: wrapperspb.String("")})
		if row := d.row(g.Id); row.Description != nil || row.AvatarURL != nil || row.Name != "Clan" {
			t.Errorf("cleared %+v", row)
		}
		const denied = "Group not found or you're not allowed to update."
		bad(3, "Group ID must be set.", anna, "", &api.UpdateGroupRequest{})
		bad(3, "Group ID must be a valid ID.", anna, "x", &api.UpdateGroupRequest{})
		bad(3, "Group name cannot be empty.", ben, g.Id, &api.UpdateGroupRequest{Name: wrapperspb.String("")})
		bad(3, "Group language cannot be empty.", ben, g.Id, &api.UpdateGroupRequest{LangTag: wrapperspb.String("")})
		bad(5, denied, ben, g.Id, &api.UpdateGroupRequest{})
		bad(5, denied, cleo, g.Id, &api.UpdateGroupRequest{Open: wrapperspb.Bool(true)})
		bad(5, denied, anna, gone.String(), &api.UpdateGroupRequest{Open: wrapperspb.Bool(true)})
		bad(3, "Specify at least one field to update.", anna, g.Id, &api.UpdateGroupRequest{})
		bad(3, "Group name is in use.", anna, g.Id, &api.UpdateGroupRequest{Name: wrapperspb.String("other"), Open: wrapperspb.Bool(true)})
		if d.row(g.Id).State != stateClosed {
			t.Error("a refused update changed a field")
		}
		d.manage(anna, "PromoteGroupUsers", g.Id, ben)
		f(ben, &api.UpdateGroupRequest{Open: wrapperspb.Bool(true)})

		server := op.Caller{Trusted: true}
		one, metadata := int32(1), store.JSON(`{"b":1}`)
		if err := d.s.Update(t.Context(), server, parse(g.Id), Fields{MaxCount: &one}); !errors.Is(err, ErrFull) {
			t.Errorf("fewer places than members: %v", err)
		}
		if err := d.s.Update(t.Context(), server, parse(g.Id), Fields{Metadata: &metadata}); err != nil || d.row(g.Id).Metadata != `{"b": 1}` {
			t.Errorf("metadata: %v, %+v", err, d.row(g.Id))
		}
		d.disable(g.Id)
		bad(3, "No new fields in group update.", anna, g.Id, &api.UpdateGroupRequest{Open: wrapperspb.Bool(true)})
	})
}

func (d *desk) disable(group string) {
	d.t.Helper()
	d.put(func(tx store.Tx) error {
		row, _, err := store.Get(tx, schema.Groups, parse(group))
		if err != nil {
			return err
		}
		row.DisableTime = tx.Now()
		return store.Put(tx, schema.Groups, row)
	})
}

func TestDelete(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		g := d.group("clan")
		d.join(ben, g.Id)
		d.join(cleo, g.Id)
		d.manage(anna, "PromoteGroupUsers", g.Id, ben)
		d.manage(anna, "BanGroupUsers", g.Id, cleo)
		c := d.listen(ben, g.Id)
		const denied = "Group not found or you're not allowed to delete."
		d.refuse(3, denied, ben, "DeleteGroup", &api.DeleteGroupRequest{GroupId: g.Id})
		d.refuse(3, denied, anna, "DeleteGroup", &api.DeleteGroupRequest{GroupId: gone.String()})
		ok[*emptypb.Empty](d, anna, "DeleteGroup", &api.DeleteGroupRequest{GroupId: g.Id})
		d.want(g.Id, "none")
		c.want("")
		if n := d.presence.Count(chat.Group(parse(g.Id))); n != 0 {
			t.Errorf("%d sessions are still in the channel", n)
		}
		if got := d.history(g.Id); got != "ben:3 ben:7 cleo:3 cleo:8" {
			t.Errorf("history %s", got)
		}
		d.refuse(3, denied, anna, "DeleteGroup", &api.DeleteGroupRequest{GroupId: g.Id})
		d.refuse(5, "Group not found.", ben, "JoinGroup", &api.JoinGroupRequest{GroupId: g.Id})
		d.leave(ben, g.Id)
		d.refuse(5, "Group not found or permission denied.", anna, "KickGroupUsers", request("KickGroupUsers", g.Id, ben))
		d.group("clan") // the name is free again
	})
}

func TestJoinOpen(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		g := d.group("clan", upTo(3))
		c := d.listen(anna, g.Id)
		d.clock.Advance(time.Hour)
		d.join(ben, g.Id)
		d.join(ben, g.Id)
		d.want(g.Id, "2: anna0 ben2")
		c.want("ben:3")
		if row := d.row(g.Id); !row.UpdateTime.Equal(d.clock.Now()) {
			t.Errorf("updated %v", row.UpdateTime)
		}
		d.join(cleo, g.Id)
		d.refuse(3, "Group is full.", dora, "JoinGroup", &api.JoinGroupRequest{GroupId: g.Id})
		d.refuse(3, "Group is full.", ben, "JoinGroup", &api.JoinGroupRequest{GroupId: g.Id}) // asked first
		d.manage(anna, "BanGroupUsers", g.Id, ben)
		d.join(ben, g.Id)
		d.want(g.Id, "2: anna0 cleo2 ben4")
		d.refuse(5, "Account not found.", gone, "JoinGroup", &api.JoinGroupRequest{GroupId: g.Id})
		d.refuse(3, "Group ID must be set.", ben, "JoinGroup", &api.JoinGroupRequest{})
		d.refuse(3, "Group ID must be a valid ID.", ben, "JoinGroup", &api.JoinGroupRequest{GroupId: "clan"})
		d.disable(g.Id)
		d.refuse(5, "Group not found.", dora, "JoinGroup", &api.JoinGroupRequest{GroupId: g.Id})
		if got := d.notifications(anna); got != "" {
			t.Errorf("anna was told %q", got)
		}
	})
}

func TestJoinClosed(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		g := d.group("clan", closed, upTo(3))
		d.manage(anna, "AddGroupUsers", g.Id, ben)
		d.manage(anna, "PromoteGroupUsers", g.Id, ben)
		a, b := d.listen(anna, g.Id), d.listen(ben, g.Id)
		d.clock.Advance(time.Second)
		d.join(cleo, g.Id)
		d.join(cleo, g.Id)
		d.want(g.Id, "2: anna0 ben1 cleo3")
		asked := fmt.Sprintf(`-5 User cleo wants to join your group {"group_id": "%s", "username": "cleo"} from cleo`, g.Id)
		if got := d.notifications(anna); got != asked {
			t.Errorf("anna was told %s", got)
		}
		if got := d.notifications(ben); !strings.HasSuffix(got, "; "+asked) {
			t.Errorf("ben was told %s", got)
		}
		a.want("!-5")
		b.want("!-5")
		if got := d.history(g.Id); got != "ben:4 ben:7" {
			t.Errorf("history %s", got)
		}

		// Opening the group lets nobody in who has asked before.
		ok[*emptypb.Empty](d, anna, "UpdateGroup", &api.UpdateGroupRequest{GroupId: g.Id, Open: wrapperspb.Bool(true)})
		d.join(cleo, g.Id)
		d.want(g.Id, "2: anna0 ben1 cleo3")
		d.leave(cleo, g.Id)
		a.want("cleo:5")
		d.join(cleo, g.Id)
		d.want(g.Id, "3: anna0 ben1 cleo2")
		ok[*emptypb.Empty](d, anna, "UpdateGroup", &api.UpdateGroupRequest{GroupId: g.Id, Open: wrapperspb.Bool(false)})
		d.refuse(3, "Group is full.", dora, "JoinGroup", &api.JoinGroupRequest{GroupId: g.Id})
	})
}

// slow is a store that lets something happen once, between a look-up of a group and what is done about it.
type slow struct {
	store.DB
	once func()
}

func (s *slow) Load(ctx context.Context, ix *store.IndexDef, keys [][]any) ([]any, error) {
	rows, err := s.DB.Load(ctx, ix, keys)
	if f := s.once; f != nil && ix.Table == schema.Groups.Def {
		s.once = nil
		f()
	}
	return rows, err
}

func TestAGroupThatIsClosedWhileSomebodyJoins(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		g := d.group("clan")
		d.over(&slow{d.db, func() {
			ok[*emptypb.Empty](d, anna, "UpdateGroup", &api.UpdateGroupRequest{GroupId: g.Id, Open: wrapperspb.Bool(false)})
		}})
		d.join(ben, g.Id)
		d.want(g.Id, "1: anna0 ben3")
		if got := d.notifications(anna); !strings.HasPrefix(got, "-5") {
			t.Errorf("anna was told %q", got)
		}
	})
}

func TestLeave(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		g := d.group("clan")
		d.join(ben, g.Id)
		d.join(cleo, g.Id)
		a, b := d.listen(anna, g.Id), d.listen(ben, g.Id)
		d.leave(ben, g.Id)
		d.leave(ben, g.Id)
		d.want(g.Id, "2: anna0 cleo2")
		a.want("ben:5 -ben")
		b.want("ben:5") // he hears it, but is gone
		d.refuse(3, "Cannot leave group when you are the last superadmin.", anna, "LeaveGroup", &api.LeaveGroupRequest{GroupId: g.Id})
		d.manage(anna, "BanGroupUsers", g.Id, cleo)
		d.leave(cleo, g.Id)
		d.want(g.Id, "1: anna0 cleo4")
		ok[*emptypb.Empty](d, anna, "UpdateGroup", &api.UpdateGroupRequest{GroupId: g.Id, Open: wrapperspb.Bool(false)})
		d.join(dora, g.Id)
		d.leave(anna, g.Id) // requests and bans hold nobody
		d.want(g.Id, "none")
		if n := d.presence.Count(chat.Group(parse(g.Id))); n != 0 {
			t.Errorf("%d sessions are still in the channel", n)
		}

		g = d.group("clan")
		d.join(ben, g.Id)
		d.manage(anna, "PromoteGroupUsers", g.Id, ben)
		d.manage(anna, "PromoteGroupUsers", g.Id, ben)
		d.leave(anna, g.Id)
		d.want(g.Id, "1: ben0")
		d.leave(anna, gone.String())
		d.refuse(3, "Group ID must be set.", ben, "LeaveGroup", &api.LeaveGroupRequest{})
	})
}

// TestEveryTransition goes through what each state may do to each other. A letter is the state that the target has then,
// "-" none; the places of a word are those it had before: 0 1 2 3 4 -.
func TestEveryTransition(t *testing.T) {
	const before = "01234-"
	onEach(t, func(t *testing.T, d *desk) {
		g := d.group("clan")
		c := d.listen(anna, g.Id)
		f := func(name string, code int32, superadmin, admin string) {
			t.Helper()
			for _, rank := range before {
				for i, was := range before {
					want, allowed := superadmin, rank == '0' || rank == '1'
					if rank == '1' {
						want = admin
					}
					d.set(g.Id, ben, rank)
					d.set(g.Id, cleo, was)
					_, err := d.call(ben, name, request(name, g.Id, cleo))
					if !allowed {
						if got := errs.Of(err); err == nil || got.Code != 5 || got.Message != "Group not found or permission denied." {
							t.Errorf("%s by %c: %v", name, rank, err)
						}
						want = before
					} else if err != nil {
						t.Errorf("%s of %c by %c: %v", name, was, rank, err)
					}
					now := "-"
					if e := d.edge(g.Id, cleo); e != nil {
						now = fmt.Sprint(e.State)
					}
					if now != want[i:i+1] {
						t.Errorf("%s of %c by %c makes %s, want %c", name, was, rank, now, want[i])
					}
					told := ""
					if changed := now != string(was); changed && (was < '3' || code == chat.CodeAdded) {
						told = fmt.Sprint("cleo:", code)
					}
					if got := c.take(); got != told {
						t.Errorf("%s of %c by %c tells %q, want %q", name, was, rank, got, told)
					}
					d.state(g.Id) // the count, and both sides
				}
			}
		}
		f("KickGroupUsers", chat.CodeKicked, "------", "01----")
		f("BanGroupUsers", chat.CodeBanned, "44444-", "01444-")
		f("PromoteGroupUsers", chat.CodePromoted, "00134-", "01134-")
		f("DemoteGroupUsers", chat.CodeDemoted, "12234-", "02234-")
		f("AddGroupUsers", chat.CodeAdded, "012242", "012242")
	})
}

func (d *desk) edge(group string, user id.UUID) *schema.GroupEdge {
	d.t.Helper()
	rows, err := store.GetMany(context.Background(), d.db, schema.GroupEdges, []any{parse(group), user})
	if err != nil {
		d.t.Fatal(err)
	}
	return rows[0]
}

// set puts a user into a state: a digit, or '-' for none.
func (d *desk) set(group string, user id.UUID, state rune) {
	d.t.Helper()
	d.put(func(tx store.Tx) error {
		h, err := hold(tx, parse(group))
		if err != nil {
			return err
		}
		old, err := h.edge(user)
		if err != nil {
			return err
		}
		if old != nil && old.State <= schema.MemberPlain {
			if err := h.countDown(); err != nil {
				return err
			}
		}
		if err := h.remove(user); err != nil || state == '-' {
			return err
		}
		if state <= '2' {
			if err := h.countUp(); err != nil {
				return err
			}
		}
		if err := h.enter(user, int16(state-'0'), tx.Now().UnixNano()); err != nil || state < '4' {
			return err
		}
		return store.Delete(tx, schema.GroupEdges, user, parse(group))
	})
}

func TestManage(t *testing.T) {
	all := []string{"AddGroupUsers", "KickGroupUsers", "BanGroupUsers", "PromoteGroupUsers", "DemoteGroupUsers"}
	onEach(t, func(t *testing.T, d *desk) {
		g := d.group("clan", upTo(3))
		for _, name := range all {
			f := func(code errs.Code, text string, group string, users ...id.UUID) {
				t.Helper()
				d.refuse(code, text, anna, name, request(name, group, users...))
			}
			f(3, "Group ID must be set.", "", id.UUID{})
			f(3, "Group ID must be a valid ID.", "x", id.UUID{})
			f(3, "User ID must be a valid ID.", g.Id, ben, id.UUID{})
			f(5, "Group not found or permission denied.", gone.String(), ben)
			if name == "DemoteGroupUsers" {
				f(3, "User IDs must be set.", g.Id)
			} else {
				d.manage(cleo, name, g.Id) // nobody, by nobody
			}
			d.manage(anna, name, g.Id, anna, anna)
			d.want(g.Id, "1: anna0")
		}
		d.refuse(3, "User ID must be a valid ID.", anna, "KickGroupUsers", &api.KickGroupUsersRequest{GroupId: g.Id, UserIds: []string{"ben"}})

		// Adding is all or nothing.
		d.refuse(3, "One or more users not found.", anna, "AddGroupUsers", request("AddGroupUsers", g.Id, ben, gone))
		d.refuse(3, "Group is full.", anna, "AddGroupUsers", request("AddGroupUsers", g.Id, ben, cleo, dora))
		d.want(g.Id, "1: anna0")
		if got := d.history(g.Id) + d.notifications(ben); got != "" {
			t.Errorf("what did not happen was told: %s", got)
		}
		b := d.listen(ben, g.Id)
		d.manage(anna, "AddGroupUsers", g.Id, ben, cleo, ben)
		d.want(g.Id, "3: anna0 ben2 cleo2")
		if got, want := d.notifications(ben), fmt.Sprintf(`-4 You've been added to group clan {"name": "clan", "group_id": "%s"} from anna`, g.Id); got != want {
			t.Errorf("ben was told %s, want %s", got, want)
		}
		b.want("ben:4 cleo:4 !-4")
		d.manage(anna, "KickGroupUsers", g.Id, dora, gone)
		d.want(g.Id, "3: anna0 ben2 cleo2")

		// All of several are banned. They hear it, leave the channel, and cannot come back until they are kicked.
		d.manage(anna, "BanGroupUsers", g.Id, ben, cleo)
		b.want("ben:8 cleo:8")
		d.join(ben, g.Id)
		d.join(cleo, g.Id)
		d.want(g.Id, "1: anna0 ben4 cleo4")
		if n := d.presence.Count(chat.Group(parse(g.Id))); n != 0 {
			t.Errorf("%d sessions are still in the channel", n)
		}
		d.manage(anna, "KickGroupUsers", g.Id, ben)
		d.join(ben, g.Id)
		d.want(g.Id, "2: anna0 ben2 cleo4")
		d.disable(g.Id)
		d.refuse(5, "Group not found or permission denied.", anna, "KickGroupUsers", request("KickGroupUsers", g.Id, ben))
	})
}

// Server code reaches everybody but the last superadmin.
func TestTheLastSuperadminStays(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		server, both := op.Caller{Trusted: true}, []id.UUID{anna, ben}
		for name, f := range map[string]func(context.Context, op.Caller, id.UUID, []id.UUID) error{"kick": d.s.Kick, "ban": d.s.Ban, "demote": d.s.Demote} {
			g := d.group(name)
			d.set(g.Id, ben, '0')
			if err := f(t.Context(), server, parse(g.Id), both); err != nil {
				t.Fatal(err)
			}
			want := map[string]string{"kick": "1: ben0", "ban": "1: ben0 anna4", "demote": "2: ben0 anna1"}[name]
			d.want(g.Id, want)
		}
	})
}

// TestParallelJoins: however many come at once, no more are let in than the group has room for.
func TestParallelJoins(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		const room, users = 10, 60
		g := d.group("clan", upTo(room))
		crowd := d.crowd(users)
		var in, full atomic.Int32
		var all sync.WaitGroup
		for i, user := range crowd {
			all.Go(func() {
				var err error
				if i%3 == 0 { // some are fetched
					_, err = d.call(anna, "AddGroupUsers", request("AddGroupUsers", g.Id, user))
				} else {
					_, err = d.call(user, "JoinGroup", &api.JoinGroupRequest{GroupId: g.Id})
				}
				switch {
				case err == nil:
					in.Add(1)
				case errors.Is(err, ErrFull):
					full.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		all.Wait()
		if in.Load() != room-1 || full.Load() != users-room+1 {
			t.Errorf("%d came in, %d did not", in.Load(), full.Load())
		}
		d.state(g.Id)
		if row := d.row(g.Id); row.EdgeCount != room {
			t.Errorf("%d members", row.EdgeCount)
		}
	})
}

// crowd makes further users, without names.
func (d *desk) crowd(n int) []id.UUID {
	d.t.Helper()
	users := make([]id.UUID, n)
	d.put(func(tx store.Tx) error {
		for i := range users {
			users[i] = id.UUID{0: 0xf, 1: byte(i), 15: 1}
			if err := store.Put(tx, schema.Users, account.NewRow(users[i], fmt.Sprint("user", i), tx.Now())); err != nil {
				return err
			}
		}
		return nil
	})
	return users
}

// TestParallelChanges: everything at once leaves the count and both sides of each membership right.
func TestParallelChanges(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		g, other := d.group("clan", upTo(12)), d.group("other", closed)
		crowd := d.crowd(16)
		var all sync.WaitGroup
		for i, user := range crowd {
			all.Go(func() {
				for n := range 6 {
					calls := []func() (proto.Message, error){
						func() (proto.Message, error) { return d.call(user, "JoinGroup", &api.JoinGroupRequest{GroupId: g.Id}) },
						func() (proto.Message, error) {
							return d.call(user, "JoinGroup", &api.JoinGroupRequest{GroupId: other.Id})
						},
						func() (proto.Message, error) {
							return d.call(anna, "PromoteGroupUsers", request("PromoteGroupUsers", g.Id, user))
						},
						func() (proto.Message, error) {
							return d.call(anna, "AddGroupUsers", request("AddGroupUsers", other.Id, user))
						},
						func() (proto.Message, error) {
							return d.call(anna, "KickGroupUsers", request("KickGroupUsers", g.Id, crowd[(i+1)%len(crowd)]))
						},
						func() (proto.Message, error) {
							return d.call(user, "LeaveGroup", &api.LeaveGroupRequest{GroupId: g.Id})
						},
					}
					if _, err := calls[(i+n)%len(calls)](); err != nil && !errors.Is(err, ErrFull) && !errors.Is(err, ErrLastOwner) {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		d.state(g.Id)
		d.state(other.Id)
	})
}

// Of two superadmins who leave at once, and leave a member behind, one stays.
func TestSuperadminsLeaveAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		for n := range 8 {
			g := d.group(fmt.Sprint("clan ", n))
			d.set(g.Id, ben, '0')
			d.set(g.Id, cleo, '2')
			var stayed atomic.Int32
			var both sync.WaitGroup
			for _, user := range []id.UUID{anna, ben} {
				both.Go(func() {
					if _, err := d.call(user, "LeaveGroup", &api.LeaveGroupRequest{GroupId: g.Id}); errors.Is(err, ErrLastOwner) {
						stayed.Add(1)
					} else if err != nil {
						t.Error(err)
					}
				})
			}
			both.Wait()
			if got := d.state(g.Id); stayed.Load() != 1 || !strings.HasPrefix(got, "2: ") {
				t.Errorf("%d stayed: %s", stayed.Load(), got)
			}
		}
	})
}

// broken is a store that fails.
type broken struct{ store.DB }

var errDisk = errors.New("disk")

func (broken) Read(context.Context, func(store.Reader) error) error              { return errDisk }
func (broken) Load(context.Context, *store.IndexDef, [][]any) ([]any, error)     { return nil, errDisk }
func (broken) Page(context.Context, *store.IndexDef, store.Range) ([]any, error) { return nil, errDisk }
func (broken) Write(context.Context, []store.Ref, func(store.Tx) error) error    { return errDisk }
func (broken) Update(context.Context, func(store.Tx) error) error                { return errDisk }

func TestTroubleIsTold(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		g := gone.String()
		d.over(broken{d.db})
		f := func(text, name string, in proto.Message) {
			t.Helper()
			d.refuse(13, text, anna, name, in)
		}
		f("Error while trying to create group.", "CreateGroup", &api.CreateGroupRequest{Name: "x"})
		f("Error while trying to update group.", "UpdateGroup", &api.UpdateGroupRequest{GroupId: g})
		f("Error while trying to delete group.", "DeleteGroup", &api.DeleteGroupRequest{GroupId: g})
		f("Error while trying to join group.", "JoinGroup", &api.JoinGroupRequest{GroupId: g})
		f("Error while trying to leave group.", "LeaveGroup", &api.LeaveGroupRequest{GroupId: g})
		for name, text := range map[string]string{"AddGroupUsers": "add users to", "KickGroupUsers": "kick users from", "BanGroupUsers": "ban users from",
			"PromoteGroupUsers": "promote users in", "DemoteGroupUsers": "demote users in"} {
			f("Error while trying to "+text+" a group.", name, request(name, g, ben))
		}
		f("Error while trying to list users in a group.", "ListGroupUsers", &api.ListGroupUsersRequest{GroupId: g})
		f("Error while trying to list groups for a user.", "ListUserGroups", &api.ListUserGroupsRequest{UserId: g})
		f("Error while trying to list groups.", "ListGroups", &api.ListGroupsRequest{})
		f("Error while trying to list groups.", "ListGroups", &api.ListGroupsRequest{Name: "x"})
	})
}
