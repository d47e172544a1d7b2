package chat

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
	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/persist/storetest/each"
	"github.com/skirmishgg/skirmish/protocol/codec"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/account"
	"github.com/skirmishgg/skirmish/services/notify"
	"github.com/skirmishgg/skirmish/services/presence"
	"github.com/skirmishgg/skirmish/services/session"
)

func TestMain(m *testing.M) { each.Main(m) }

var (
	anna = id.UUID{0: 0xa, 15: 1}
	ben  = id.UUID{0: 0xb, 15: 1}
	cleo = id.UUID{0: 0xc, 15: 1}
	gone = id.UUID{0: 0xd, 15: 1} // nobody has this id
	clan = id.UUID{0: 0xe, 15: 1} // a group
)

var names = map[id.UUID]string{anna: "anna", ben: "ben", cleo: "cleo"}

// desk is a catalogue with the chat operations over one store.
type desk struct {
	t        *testing.T
	db       store.DB
	clock    *each.Clock
	presence *presence.Service
	live     *session.Live
	s        *Service
	r        *op.Registry
	conns    int
}

func onEach(t *testing.T, test func(t *testing.T, d *desk)) {
	t.Helper()
	each.Store(t, func(t *testing.T, db store.DB, clock *each.Clock) {
		d := &desk{t: t, db: db, clock: clock, presence: presence.New(presence.Config{}), live: session.NewLive()}
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

// over builds the service over a store. Its clock has nanoseconds.
func (d *desk) over(db store.DB) {
	d.s = New(Config{
		DB: db, Presence: d.presence, Live: d.live, Notify: notify.New(notify.Config{DB: db, Presence: d.presence, Now: d.clock.Now}),
		Now: func() time.Time { return d.clock.Now().Add(123 * time.Nanosecond) },
	})
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

// conn is a connection that remembers what was sent to it.
type conn struct {
	d        *desk
	id, user id.UUID
	mu       sync.Mutex
	got      []*rtapi.Envelope
}

func (d *desk) connect(user id.UUID) *conn {
	d.conns++
	c := &conn{d: d, user: user, id: id.UUID{0: 0xcc, 2: byte(d.conns >> 8), 3: byte(d.conns)}}
	d.live.Add(c)
	d.presence.Begin(c)
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

// take is what came since the last take, as words: +name and -name for joins and leaves, name:code:content for messages.
func (c *conn) take() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var words []string
	for _, e := range c.got {
		switch m := e.Message.(type) {
		case *rtapi.Envelope_ChannelPresenceEvent:
			for _, p := range m.ChannelPresenceEvent.Joins {
				words = append(words, "+"+p.Username)
			}
			for _, p := range m.ChannelPresenceEvent.Leaves {
				words = append(words, "-"+p.Username)
			}
		case *rtapi.Envelope_ChannelMessage:
			words = append(words, fmt.Sprint(m.ChannelMessage.Username, ":", m.ChannelMessage.Code.Value, ":", m.ChannelMessage.Content))
		default:
			words = append(words, fmt.Sprintf("%T", e.Message))
		}
	}
	c.got = nil
	return strings.Join(words, " ")
}

// message is the newest message that came.
func (c *conn) message() *api.ChannelMessage {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range slices.Backward(c.got) {
		if m := e.GetChannelMessage(); m != nil {
			return m
		}
	}
	c.d.t.Helper()
	c.d.t.Fatal("no message came")
	return nil
}

func (c *conn) want(text string) {
	c.d.t.Helper()
	if got := c.take(); got != text {
		c.d.t.Errorf("%s got %q, want %q", c.Username(), got, text)
	}
}

func (c *conn) call(name string, in proto.Message) (proto.Message, error) {
	return c.d.r.Named(name).Invoke(context.Background(), op.Caller{UserID: c.user, Username: c.Username(), SessionID: c.id.String()}, in)
}

func ok[S proto.Message](c *conn, name string, in proto.Message) S {
	c.d.t.Helper()
	out, err := c.call(name, in)
	if err != nil {
		c.d.t.Fatalf("%s(%v) of %s: %v", name, in, c.Username(), err)
	}
	return out.(S)
}

// refuse expects a refusal with this realtime code.
func (c *conn) refuse(code errs.Realtime, text, name string, in proto.Message) {
	c.d.t.Helper()
	_, err := c.call(name, in)
	if got := errs.Of(err); err == nil || got.Realtime() != code || got.Message != text {
		c.d.t.Errorf("%s(%v) of %s answers %v, want %d %q", name, in, c.Username(), err, code, text)
	}
}

const (
	room   = int32(rtapi.ChannelJoin_ROOM)
	direct = int32(rtapi.ChannelJoin_DIRECT_MESSAGE)
	group  = int32(rtapi.ChannelJoin_GROUP)
)

// join joins with flags: "hidden", "volatile" (without persistence).
func (c *conn) join(kind int32, target string, flags ...string) *rtapi.Channel {
	c.d.t.Helper()
	return ok[*rtapi.Channel](c, "ChannelJoin", &rtapi.ChannelJoin{
		Type: kind, Target: target,
		Hidden: wrapperspb.Bool(slices.Contains(flags, "hidden")), Persistence: wrapperspb.Bool(!slices.Contains(flags, "volatile")),
	})
}

func (c *conn) send(channel, content string) *rtapi.ChannelMessageAck {
	c.d.t.Helper()
	return ok[*rtapi.ChannelMessageAck](c, "ChannelMessageSend", &rtapi.ChannelMessageSend{ChannelId: channel, Content: content})
}

// history is what a listing of up to 100 shows, oldest first, in take's words.
func (c *conn) history(channel string) string {
	c.d.t.Helper()
	var words []string
	for _, m := range c.list(channel, 100, true, "").Messages {
		words = append(words, fmt.Sprint(m.Username, ":", m.Code.Value, ":", m.Content))
	}
	return strings.Join(words, " ")
}

func (c *conn) list(channel string, limit int32, forward bool, cursor string) *api.ChannelMessageList {
	c.d.t.Helper()
	return ok[*api.ChannelMessageList](c, "ListChannelMessages", &api.ListChannelMessagesRequest{
		ChannelId: channel, Limit: wrapperspb.Int32(limit), Forward: wrapperspb.Bool(forward), Cursor: cursor,
	})
}

// notifications are subjects of what waits for a user.
func (d *desk) notifications(user id.UUID) string {
	d.t.Helper()
	rows, err := store.List(context.Background(), d.db, schema.Notifications.By("user_id", "create_time"), store.Range{Prefix: []any{user}})
	if err != nil {
		d.t.Fatal(err)
	}
	var words []string
	for _, n := range rows {
		words = append(words, fmt.Sprint(n.Code, " ", n.Subject, " ", n.Content))
	}
	return strings.Join(words, "; ")
}

// member makes a user's state in the group.
func (d *desk) member(user id.UUID, state int16) {
	d.t.Helper()
	d.put(func(tx store.Tx) error {
		return store.Put(tx, schema.GroupEdges, &schema.GroupEdge{SourceID: clan, DestinationID: user, State: state, Position: int64(user[0]), UpdateTime: tx.Now()})
	})
}

func (d *desk) block(user, other id.UUID) {
	d.t.Helper()
	d.put(func(tx store.Tx) error {
		return store.Put(tx, schema.UserEdges, &schema.UserEdge{SourceID: user, DestinationID: other, State: schema.EdgeBlocked, Position: 1, UpdateTime: tx.Now(), Metadata: "{}"})
	})
}

func TestTargets(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		a := d.connect(anna)
		good := func(kind int32, target, want string) {
			t.Helper()
			if got := a.join(kind, target).Id; got != want {
				t.Errorf("joined %q, want %q", got, want)
			}
		}
		bad := func(kind int32, target, text string) {
			t.Helper()
			a.refuse(errs.BadInput, text, "ChannelJoin", &rtapi.ChannelJoin{Type: kind, Target: target})
		}
		good(room, "lobby", "2...lobby")
		good(0, "a. b", "2...a. b")
		good(room, strings.Repeat("x", 64), "2..."+strings.Repeat("x", 64))
		good(direct, strings.ToUpper(ben.String()), "4."+anna.String()+"."+ben.String()+".")
		good(direct, anna.String(), "4."+anna.String()+"."+anna.String()+".")
		bad(room, "", "Invalid channel target")
		bad(4, "lobby", "Invalid channel type")
		bad(-1, "lobby", "Invalid channel type")
		bad(room, strings.Repeat("x", 65), "Channel name is required and must be 1-64 chars: Invalid channel target")
		bad(room, "a\tb", "Channel name must not contain control chars: Invalid channel target")
		bad(room, "a\x00", "Channel name must not contain control chars: Invalid channel target")
		bad(room, "a\xff", "Channel name must only contain valid UTF-8 bytes: Invalid channel target")
		bad(direct, "ben", "Invalid user ID in direct message join: Invalid channel target")
		bad(direct, id.UUID{}.String(), "Invalid user ID in direct message join: Invalid channel target")
		bad(direct, gone.String(), "User ID not found: Invalid channel target")
		bad(group, "clan", "Invalid group ID in group channel join: Invalid channel target")
		bad(group, clan.String(), "Group not found: Invalid channel target")
	})
}

func TestJoinsAndLeavesAreTold(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		a, b, ghost := d.connect(anna), d.connect(ben), d.connect(cleo)
		ch := a.join(room, "lobby")
		if ch.RoomName != "lobby" || len(ch.Presences) != 0 || ch.Self.UserId != anna.String() || ch.Self.SessionId != a.id.String() ||
			ch.Self.Username != "anna" || !ch.Self.Persistence {
			t.Errorf("anna joined %v", ch)
		}
		a.want("+anna")
		if ch := ghost.join(room, "lobby", "hidden"); len(ch.Presences) != 1 || ch.Presences[0].Username != "anna" {
			t.Errorf("the hidden one joined %v", ch)
		}
		a.want("")
		if ch := b.join(room, "lobby", "volatile"); len(ch.Presences) != 1 || ch.Self.Persistence {
			t.Errorf("ben joined %v", ch)
		}
		for _, c := range []*conn{a, b, ghost} {
			c.want("+ben")
		}
		if ch := b.join(room, "lobby"); len(ch.Presences) != 2 || !ch.Self.Persistence {
			t.Errorf("a second join answers %v", ch)
		}
		a.want("")
		if b.send(ch.Id, "{}").Persistent.Value {
			t.Error("a second join changed the first")
		}
		a.want("ben:0:{}")
		ok[proto.Message](b, "ChannelLeave", &rtapi.ChannelLeave{ChannelId: ch.Id})
		ok[proto.Message](b, "ChannelLeave", &rtapi.ChannelLeave{ChannelId: ch.Id})
		a.want("-ben")
		ghost.want("ben:0:{} -ben")
		b.want("ben:0:{}")
		d.presence.End(ghost)
		a.want("")
		b.refuse(errs.BadInput, "Invalid channel identifier", "ChannelLeave", &rtapi.ChannelLeave{ChannelId: "lobby"})
		d.live.Remove(b)
		b.refuse(errs.RuntimeException, "Error joining channel", "ChannelJoin", &rtapi.ChannelJoin{Target: "lobby"})
	})
}

func TestChannelsOfASessionAreLimited(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		a := d.connect(anna)
		for n := range streamsMax {
			a.join(room, fmt.Sprint("room ", n))
		}
		a.refuse(errs.BadInput, "Too many channels joined", "ChannelJoin", &rtapi.ChannelJoin{Target: "one more"})
		ok[proto.Message](a, "ChannelLeave", &rtapi.ChannelLeave{ChannelId: "2...room 0"})
		a.join(room, "one more")
	})
}

func TestDirectChannels(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		a, a2, b, c := d.connect(anna), d.connect(anna), d.connect(ben), d.connect(cleo)
		ch := a.join(direct, ben.String())
		if ch.UserIdOne != anna.String() || ch.UserIdTwo != ben.String() || ch.RoomName+ch.GroupId != "" {
			t.Errorf("joined %v", ch)
		}
		const wants = `-1 anna wants to chat {"username": "anna"}`
		if got := d.notifications(ben); got != wants {
			t.Errorf("ben was told %q", got)
		}
		a.join(direct, ben.String()) // not new
		if got := d.notifications(ben); got != wants {
			t.Errorf("a second join told ben %q", got)
		}
		a2.join(direct, ben.String()) // new, and ben is still not there
		if got := d.notifications(ben); got != wants+"; "+wants {
			t.Errorf("another session told ben %q", got)
		}
		b.join(direct, anna.String(), "hidden")
		if got := d.notifications(anna); got != "" {
			t.Errorf("anna, who is there, was told %q", got)
		}
		d.connect(anna).join(direct, ben.String()) // ben is there, but hidden
		if got := d.notifications(ben); strings.Count(got, "chat") != 3 {
			t.Errorf("ben was told %q", got)
		}
		a.join(direct, anna.String())
		if got := d.notifications(anna); got != "" {
			t.Errorf("anna alone was told %q", got)
		}
		d.block(anna, cleo)
		c.refuse(errs.BadInput, "User ID not found: Invalid channel target", "ChannelJoin", &rtapi.ChannelJoin{Type: direct, Target: anna.String()})
		a.join(direct, cleo.String())
		if got := d.notifications(cleo); got != wants {
			t.Errorf("the blocked one was told %q", got)
		}
	})
}

func TestGroupChannelsAreForMembers(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		a := d.connect(anna)
		in := &rtapi.ChannelJoin{Type: group, Target: clan.String()}
		for state := schema.MemberSuperadmin; state <= schema.MemberBanned; state++ {
			d.member(anna, state)
			if state > schema.MemberPlain {
				a.refuse(errs.BadInput, "Group not found: Invalid channel target", "ChannelJoin", in)
				a.refuse(errs.BadInput, "Group not found.", "ListChannelMessages", &api.ListChannelMessagesRequest{ChannelId: "3." + clan.String() + ".."})
				continue
			}
			ch := ok[*rtapi.Channel](a, "ChannelJoin", in)
			if ch.Id != "3."+clan.String()+".." || ch.GroupId != clan.String() {
				t.Errorf("joined %v", ch)
			}
			a.list(ch.Id, 1, true, "")
			ok[proto.Message](a, "ChannelLeave", &rtapi.ChannelLeave{ChannelId: ch.Id})
		}
	})
}

// kicker is a store that lets something happen once, after a look-up that began before it.
type kicker struct {
	store.DB
	once func()
}

func (k *kicker) Load(ctx context.Context, ix *store.IndexDef, keys [][]any) ([]any, error) {
	rows, err := k.DB.Load(ctx, ix, keys)
	if f := k.once; f != nil && ix.Table == schema.GroupEdges.Def {
		k.once = nil
		f()
	}
	return rows, err
}

// A member who is kicked between the check and his entry was not in the channel yet when it was emptied of him.
func TestAMemberKickedWhileJoiningIsNotThere(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		d.member(anna, schema.MemberPlain)
		d.over(&kicker{d.db, func() {
			d.member(anna, schema.MemberBanned)
			d.s.Drop(anna, Group(clan))
		}})
		a := d.connect(anna)
		a.refuse(errs.BadInput, "Group not found: Invalid channel target", "ChannelJoin", &rtapi.ChannelJoin{Type: group, Target: clan.String()})
		if n := d.presence.Count(Group(clan)); n != 0 {
			t.Errorf("%d sessions are in the channel", n)
		}
	})
}

func TestMessages(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		a, b := d.connect(anna), d.connect(ben)
		ch := a.join(room, "lobby").Id
		b.join(room, "lobby", "volatile")
		a.take()
		b.take()

		const text = `{"bb":1.50, "a":"x"}`
		ack := a.send(ch, text)
		live := a.message() // there before the answer
		if got := b.message(); !proto.Equal(got, live) {
			t.Errorf("ben got %v, anna %v", got, live)
		}
		want := &api.ChannelMessage{ChannelId: ch, MessageId: ack.MessageId, Code: wrapperspb.Int32(0), SenderId: anna.String(), Username: "anna", Content: text,
			CreateTime: ack.CreateTime, UpdateTime: ack.UpdateTime, Persistent: wrapperspb.Bool(true), RoomName: "lobby"}
		if !proto.Equal(live, want) {
			t.Errorf("live %v, want %v", live, want)
		}
		if at := d.clock.Now().Add(123 * time.Nanosecond); !live.CreateTime.AsTime().Equal(at) || !live.UpdateTime.AsTime().Equal(at) || ack.RoomName != "lobby" || ack.Username != "anna" || ack.Code.Value != 0 {
			t.Errorf("ack %v", ack)
		}
		kept := a.list(ch, 1, true, "").Messages[0]
		want.Content = `{"a": "x", "bb": 1.50}`
		want.CreateTime = kept.CreateTime
		want.UpdateTime = kept.UpdateTime
		if !proto.Equal(kept, want) || !kept.CreateTime.AsTime().Equal(d.clock.Now()) {
			t.Errorf("kept %v, want %v", kept, want)
		}

		if ack := b.send(ch, "{}"); ack.Persistent.Value {
			t.Errorf("ack %v", ack)
		}
		if got := a.message(); got.Persistent.Value || got.Username != "ben" {
			t.Errorf("anna got %v", got)
		}
		if got := a.history(ch); got != `anna:0:{"a": "x", "bb": 1.50}` {
			t.Errorf("history %s", got)
		}

		const noObject = "Message content must be a valid JSON object"
		send := func(code errs.Realtime, text, channel, content string) {
			t.Helper()
			a.refuse(code, text, "ChannelMessageSend", &rtapi.ChannelMessageSend{ChannelId: channel, Content: content})
		}
		send(errs.BadInput, "Invalid channel identifier", "lobby", "x")
		send(errs.BadInput, "Invalid channel identifier", "2.x..lobby", "{}")
		send(errs.BadInput, noObject, "2...elsewhere", "x")
		send(errs.BadInput, noObject, ch, "")
		send(errs.BadInput, noObject, ch, "[]")
		send(errs.BadInput, noObject, ch, "{} {}")
		send(errs.BadInput, noObject, ch, `{"a":}`)
		send(errs.BadInput, "Must join channel before sending messages", "2...elsewhere", "{}")
		send(errs.BadInput, "Message content cannot be stored: it holds a NUL character, half of a surrogate pair, or a number out of range", ch, `{"a":"\u0000"}`)
		b.send(ch, `{"a":"\u0000"}`) // is not kept
	})
}

func TestUpdateAndRemove(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		a, b, c := d.connect(anna), d.connect(ben), d.connect(cleo)
		ch := a.join(room, "lobby").Id
		for _, x := range []*conn{b, c} {
			x.join(room, "lobby", map[*conn]string{c: "volatile"}[x])
		}
		sent := a.send(ch, `{"n":1}`)
		a.send(ch, `{"n":2}`)
		for _, x := range []*conn{a, b, c} {
			x.take()
		}
		d.clock.Advance(time.Hour)

		update := func(x *conn, msg, content string) *rtapi.ChannelMessageAck {
			t.Helper()
			return ok[*rtapi.ChannelMessageAck](x, "ChannelMessageUpdate", &rtapi.ChannelMessageUpdate{ChannelId: ch, MessageId: msg, Content: content})
		}
		ack := update(a, sent.MessageId, `{"n":3}`)
		live := b.message()
		if live.MessageId != sent.MessageId || live.Code.Value != 1 || !live.CreateTime.AsTime().Equal(each.Start) ||
			!live.UpdateTime.AsTime().Equal(d.clock.Now().Add(123*time.Nanosecond)) || !proto.Equal(ack.CreateTime, live.CreateTime) || ack.Code.Value != 1 {
			t.Errorf("live %v, ack %v", live, ack)
		}
		b.want(`anna:1:{"n":3}`)
		if got := a.history(ch); got != `anna:0:{"n": 3} anna:0:{"n": 2}` && got != `anna:0:{"n": 2} anna:0:{"n": 3}` { // one time: by id
			t.Errorf("history %s", got)
		}

		const notMine, notMineEither = "Could not find message to update in channel history", "Could not find message to remove in channel history"
		edit := func(x *conn, text, channel, msg, content string) {
			t.Helper()
			x.refuse(errs.BadInput, text, "ChannelMessageUpdate", &rtapi.ChannelMessageUpdate{ChannelId: channel, MessageId: msg, Content: content})
		}
		edit(a, "Invalid message identifier", "x", "x", "x")
		edit(a, "Invalid channel identifier", "x", sent.MessageId, "x")
		edit(a, "Message content must be a valid JSON object", "2...elsewhere", sent.MessageId, "x")
		edit(a, "Must join channel before updating messages", "2...elsewhere", sent.MessageId, "{}")
		edit(b, notMine, ch, sent.MessageId, "{}")
		edit(b, notMine, ch, gone.String(), "{}")
		remove := func(x *conn, text, channel, msg string) {
			t.Helper()
			x.refuse(errs.BadInput, text, "ChannelMessageRemove", &rtapi.ChannelMessageRemove{ChannelId: channel, MessageId: msg})
		}
		remove(a, "Invalid message identifier", "x", "x")
		remove(a, "Invalid channel identifier", "x", sent.MessageId)
		remove(a, "Must join channel before removing messages", "2...elsewhere", sent.MessageId)
		remove(b, notMineEither, ch, sent.MessageId)

		// Without persistence nothing is looked for.
		if ack := update(c, gone.String(), "{}"); ack.MessageId != gone.String() || ack.Persistent.Value {
			t.Errorf("ack %v", ack)
		}
		ok[*rtapi.ChannelMessageAck](c, "ChannelMessageRemove", &rtapi.ChannelMessageRemove{ChannelId: ch, MessageId: sent.MessageId})
		b.want("cleo:1:{} cleo:2:{}")

		// From another channel, too: a message is its author's.
		other := a.join(room, "other").Id
		ack = ok[*rtapi.ChannelMessageAck](a, "ChannelMessageRemove", &rtapi.ChannelMessageRemove{ChannelId: other, MessageId: sent.MessageId})
		if ack.Code.Value != 2 || ack.ChannelId != other {
			t.Errorf("ack %v", ack)
		}
		if got := a.history(ch); got != `anna:0:{"n": 2}` {
			t.Errorf("history %s", got)
		}
		remove(a, notMineEither, ch, sent.MessageId)
	})
}

func TestHistory(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		a, b := d.connect(anna), d.connect(ben)
		ch := a.join(room, "lobby").Id
		a.join(room, "other")
		for n := range 5 {
			a.send(ch, fmt.Sprintf(`{"n":%d}`, n))
			d.clock.Advance(time.Microsecond)
		}
		a.send("2...other", `{"n":9}`)

		var l *api.ChannelMessageList
		page := func(limit int32, forward bool, cursor, want string) {
			t.Helper()
			l = b.list(ch, limit, forward, cursor) // who is not in the room may read it, too
			var got string
			for _, m := range l.Messages {
				got += m.Content[len(`{"n": `) : len(`{"n": `)+1]
			}
			for i, c := range []string{l.PrevCursor, l.NextCursor, l.CacheableCursor} {
				if c != "" {
					got += "pnc"[i : i+1]
				}
			}
			if got != want {
				t.Errorf("page %s, want %s", got, want)
			}
		}
		page(2, true, "", "01nc")
		first := l
		page(2, true, first.NextCursor, "23pnc")
		page(2, true, l.NextCursor, "4pc")
		newer := l.CacheableCursor
		page(2, true, l.PrevCursor, "23pnc")
		page(2, true, l.NextCursor, "4pc")
		page(9, true, newer, "c")
		if l.CacheableCursor != newer {
			t.Error("an empty page does not repeat its cursor")
		}
		page(2, true, first.NextCursor, "23pnc")
		page(2, true, l.PrevCursor, "01nc")

		page(2, false, "", "43nc")
		backward := l
		page(3, false, backward.NextCursor, "210pc")
		page(3, false, l.PrevCursor, "43nc")
		page(2, true, backward.CacheableCursor, "4pc") // forward of the oldest one shown
		a.send(ch, `{"n":5}`)
		page(9, true, newer, "5pc")
		page(5, true, "", "01234nc")
		page(6, true, "", "012345c")
		page(100, false, "", "543210c")

		bad := func(cursor string, forward bool, channel string) {
			t.Helper()
			b.refuse(errs.BadInput, "Cursor is invalid or expired.", "ListChannelMessages", &api.ListChannelMessagesRequest{
				ChannelId: channel, Forward: wrapperspb.Bool(forward), Cursor: cursor})
		}
		bad(first.NextCursor, false, ch)
		bad(backward.NextCursor, true, ch)
		bad(first.NextCursor, true, "2...other")
		bad("x", true, ch)
		bad(first.NextCursor[:20], true, ch)

		if got := ok[*api.ChannelMessageList](b, "ListChannelMessages", &api.ListChannelMessagesRequest{ChannelId: ch}); len(got.Messages) != 1 || got.Messages[0].Content != `{"n": 0}` {
			t.Errorf("by default %v", got)
		}
		if got := b.list("2...empty", 9, true, ""); !proto.Equal(got, &api.ChannelMessageList{}) {
			t.Errorf("an empty room has %v", got)
		}
		list := func(text, channel string, limit int32) {
			t.Helper()
			b.refuse(errs.BadInput, text, "ListChannelMessages", &api.ListChannelMessagesRequest{ChannelId: channel, Limit: wrapperspb.Int32(limit)})
		}
		list("Invalid limit - limit must be between 1 and 100.", ch, 0)
		list("Invalid limit - limit must be between 1 and 100.", ch, 101)
		list("Invalid channel ID.", "lobby", 1)
		list("Invalid channel ID.", "2...a\x00b", 1)
		list("Channel not found.", "4."+anna.String()+"."+cleo.String()+".", 1)
		if got := b.list("4."+anna.String()+"."+ben.String()+".", 1, true, ""); len(got.Messages) != 0 {
			t.Errorf("%v", got)
		}
	})
}

// Everybody in a room gets everything, and each sender's messages in the order in which they were sent.
func TestTwoHundredInARoom(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		const members, messages = 200, 20
		conns := make([]*conn, members)
		for i := range conns {
			conns[i] = d.connect([]id.UUID{anna, ben, cleo}[i%3])
			conns[i].join(room, "lobby", map[bool]string{true: "volatile"}[i%10 != 0])
		}
		for _, c := range conns {
			c.take()
		}
		var senders sync.WaitGroup
		for i, c := range conns {
			senders.Go(func() {
				for n := range messages {
					if _, err := c.call("ChannelMessageSend", &rtapi.ChannelMessageSend{ChannelId: "2...lobby", Content: fmt.Sprintf(`{"from":%d,"n":%d}`, i, n)}); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		senders.Wait()
		var order string
		for i, c := range conns {
			var next [members]int
			for _, e := range c.got {
				var from, n int
				if _, err := fmt.Sscanf(e.GetChannelMessage().GetContent(), `{"from":%d,"n":%d}`, &from, &n); err != nil {
					t.Fatalf("%d got %v: %v", i, e, err)
				}
				if n != next[from] {
					t.Fatalf("%d got message %d of %d, want %d", i, n, from, next[from])
				}
				next[from]++
			}
			if len(c.got) != members*messages {
				t.Fatalf("%d got %d messages", i, len(c.got))
			}
			if got := c.take(); order == "" {
				order = got
			} else if got != order {
				t.Fatalf("%d got another order", i)
			}
		}
		for _, c := range conns[:members/2] { // the sockets of half of them are lost
			senders.Go(func() { d.presence.End(c) })
		}
		senders.Wait()
		for i, c := range conns[members/2:] {
			if got := strings.Count(c.take(), "-"); got != members/2 {
				t.Fatalf("%d got %d leaves", i, got)
			}
		}
	})
}

func TestNotices(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		d.member(anna, schema.MemberPlain)
		a := d.connect(anna)
		ch := a.join(group, clan.String()).Id
		a.take()
		n := d.s.NewNotice(clan, CodeKicked, ben)
		d.put(func(tx store.Tx) error { return n.Put(tx, "ben") })
		a.want("")
		d.s.Deliver(n)
		live := a.message()
		if live.SenderId != ben.String() || live.GroupId != clan.String() || !live.Persistent.Value || !live.CreateTime.AsTime().Equal(d.clock.Now().Add(123*time.Nanosecond)) {
			t.Errorf("live %v", live)
		}
		a.want("ben:6:{}")
		kept := a.list(ch, 1, true, "").Messages[0]
		if kept.Code.Value != 6 || kept.Content != "{}" || !kept.CreateTime.AsTime().Equal(d.clock.Now().Truncate(time.Second)) || kept.MessageId != live.MessageId {
			t.Errorf("kept %v", kept)
		}
		d.s.Drop(anna, Group(clan))
		a.refuse(errs.BadInput, "Must join channel before sending messages", "ChannelMessageSend", &rtapi.ChannelMessageSend{ChannelId: ch, Content: "{}"})
	})
}

// broken is a store that fails.
type broken struct{ store.DB }

var errDisk = errors.New("disk")

func (broken) Load(context.Context, *store.IndexDef, [][]any) ([]any, error)     { return nil, errDisk }
func (broken) Page(context.Context, *store.IndexDef, store.Range) ([]any, error) { return nil, errDisk }
func (broken) Write(context.Context, []store.Ref, func(store.Tx) error) error    { return errDisk }

func TestTroubleIsTold(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		d.over(broken{d.db})
		a := d.connect(anna)
		ch := a.join(room, "lobby").Id
		a.take()
		f := func(text, name string, in proto.Message) {
			t.Helper()
			a.refuse(errs.RuntimeException, text, name, in)
		}
		f("Failed to look up user ID", "ChannelJoin", &rtapi.ChannelJoin{Type: direct, Target: ben.String()})
		f("Failed to look up group membership", "ChannelJoin", &rtapi.ChannelJoin{Type: group, Target: clan.String()})
		f("Could not persist message to channel history", "ChannelMessageSend", &rtapi.ChannelMessageSend{ChannelId: ch, Content: "{}"})
		f("Could not persist message update to channel history", "ChannelMessageUpdate", &rtapi.ChannelMessageUpdate{ChannelId: ch, MessageId: gone.String(), Content: "{}"})
		f("Could not persist message remove to channel history", "ChannelMessageRemove", &rtapi.ChannelMessageRemove{ChannelId: ch, MessageId: gone.String()})
		f("Error listing messages from channel.", "ListChannelMessages", &api.ListChannelMessagesRequest{ChannelId: ch})
		a.want("") // what was not stored was not sent
	})
}

func FuzzChannelID(f *testing.F) {
	for _, st := range []presence.Stream{Direct(anna, ben), Group(clan), {Mode: presence.ModeRoom, Label: "a.b."}} {
		f.Add(st.ID())
	}
	f.Add("2...")
	f.Add("4...")
	f.Fuzz(func(t *testing.T, text string) {
		st, ok := Parse(text)
		if !ok {
			return
		}
		if again, ok := Parse(st.ID()); ok && again != st {
			t.Errorf("%q is %v, and %q is %v", text, st, st.ID(), again)
		}
	})
}

func FuzzCursor(f *testing.F) {
	f.Add(place{forward: true}.at(&schema.Message{ID: anna, CreateTime: each.Start}))
	f.Fuzz(func(t *testing.T, text string) {
		if p, ok := parsePlace(text); ok && p.at(&schema.Message{ID: p.id, CreateTime: p.time}) != text {
			t.Logf("%q is not the only text of its place", text) // base64 has spare bits
		}
	})
}
