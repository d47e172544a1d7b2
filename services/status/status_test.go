package status

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/persist/storetest/each"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/presence"
	"github.com/skirmishgg/skirmish/services/session"
	"github.com/skirmishgg/skirmish/services/session/sessiontest"
)

func TestMain(m *testing.M) { each.Main(m) }

var (
	anna = id.UUID{0: 0xa, 15: 1}
	ben  = id.UUID{0: 0xb, 15: 1}
	cleo = id.UUID{0: 0xc, 15: 1}
	gone = id.UUID{0: 0xd, 15: 1} // nobody has this id

	names = map[id.UUID]string{anna: "anna", ben: "ben", cleo: "cleo"}
)

// conn is a session at the desk.
type conn struct {
	*sessiontest.Conn
	d *desk
}

// sees asserts what came since the last time, as words: +anna="busy" a join, -anna="" a leave, both in one event with a
// comma.
func (c *conn) sees(want ...string) {
	c.d.t.Helper()
	var got []string
	for _, e := range c.Take() {
		event := e.GetStatusPresenceEvent()
		got = append(got, strings.Join(append(words("+", event.GetJoins()), words("-", event.GetLeaves())...), ","))
	}
	if !slices.Equal(got, want) {
		c.d.t.Errorf("%s sees %q, want %q", c.Username(), got, want)
	}
}

func words(sign string, list []*rtapi.UserPresence) (all []string) {
	for _, p := range list {
		all = append(all, fmt.Sprintf("%s%s=%q", sign, p.Username, p.Status.GetValue()))
	}
	return all
}

// desk is a catalogue with the status messages over one store.
type desk struct {
	*sessiontest.Desk
	t        *testing.T
	presence *presence.Service
	live     *session.Live
	s        *Service
	sessions byte
}

// newDesk has these users in its store.
func newDesk(t *testing.T, db store.DB, users map[id.UUID]string) *desk {
	t.Helper()
	d := &desk{t: t, presence: presence.New(presence.Config{}), live: session.NewLive()}
	d.s = New(Config{DB: db, Presence: d.presence, Live: d.live})
	d.Desk = sessiontest.NewDesk(t, d.s.Register)
	sessiontest.PutUsers(t, db, users)
	return d
}

func onEach(t *testing.T, test func(t *testing.T, d *desk)) {
	t.Helper()
	each.Store(t, func(t *testing.T, db store.DB, _ *each.Clock) { test(t, newDesk(t, db, names)) })
}

// open is a new connection, as node makes it.
func (d *desk) open(user id.UUID, online bool) *conn {
	d.sessions++
	c := &conn{sessiontest.NewConn(id.UUID{0: d.sessions}, user, names[user]), d}
	d.live.Add(c)
	d.presence.Begin(c)
	d.s.Open(c, online)
	return c
}

func (d *desk) close(c *conn) {
	d.live.Remove(c)
	d.presence.End(c)
}

func (c *conn) ok(name string, in proto.Message) proto.Message {
	c.d.t.Helper()
	return c.d.OK(c.Caller(), name, in)
}

func (c *conn) refused(code errs.Realtime, text, name string, in proto.Message) {
	c.d.t.Helper()
	c.d.RefuseOnSocket(code, text, c.Caller(), name, in)
}

// follows asserts whom a status_follow finds online.
func (c *conn) follows(ids []string, usernames []string, want ...string) {
	c.d.t.Helper()
	out := c.ok("StatusFollow", &rtapi.StatusFollow{UserIds: ids, Usernames: usernames})
	if got := words("", out.(*rtapi.Status).Presences); !slices.Equal(got, want) {
		c.d.t.Errorf("%v %v are %q, want %q", ids, usernames, got, want)
	}
}

func (c *conn) set(text string) {
	c.d.t.Helper()
	c.ok("StatusUpdate", &rtapi.StatusUpdate{Status: wrapperspb.String(text)})
}

func (c *conn) clear() {
	c.d.t.Helper()
	c.ok("StatusUpdate", &rtapi.StatusUpdate{})
}

func TestAStatusIsToldToFollowers(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		a := d.open(anna, true)
		a.sees(`+anna=""`)
		if !d.presence.IsOnline(anna) {
			t.Error("a session with status=true is not online")
		}
		b, c := d.open(ben, false), d.open(cleo, false)
		if d.presence.IsOnline(ben) {
			t.Error("a session without status=true is online")
		}
		b.follows([]string{anna.String()}, nil, `anna=""`)
		a.set("busy")
		a.sees(`+anna="busy",-anna=""`)
		b.sees(`+anna="busy",-anna=""`)
		c.follows(nil, []string{"anna"}, `anna="busy"`)
		a.set("busy")
		b.sees(`+anna="busy",-anna="busy"`)
		a.clear()
		b.sees(`-anna="busy"`)
		a.clear()
		b.sees()
		if d.presence.IsOnline(anna) {
			t.Error("online after an update without a status")
		}
		a.set("")
		b.sees(`+anna=""`)
		b.ok("StatusUnfollow", &rtapi.StatusUnfollow{UserIds: []string{strings.ToUpper(anna.String()), cleo.String(), gone.String()}})
		a.set("x")
		b.sees()
		d.close(a)
		c.sees(`+anna="busy",-anna="busy"`, `-anna="busy"`, `+anna=""`, `+anna="x",-anna=""`, `-anna="x"`)
		b.sees()
	})
}

func TestOwnSessionsFollowEachOther(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		one, two := d.open(anna, true), d.open(anna, false)
		one.sees(`+anna=""`)
		two.set("two")
		one.sees(`+anna="two"`)
		two.sees(`+anna="two"`)
		one.follows([]string{anna.String()}, []string{"anna"})
		one.ok("StatusUnfollow", &rtapi.StatusUnfollow{UserIds: []string{anna.String()}})
		two.set("again")
		one.sees(`+anna="again",-anna="two"`)
		d.close(two)
		one.sees(`-anna="again"`)
		if !d.presence.IsOnline(anna) {
			t.Error("offline while a session has a status")
		}
	})
}

func TestFollow(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		a := d.open(anna, false)
		b1, b2, c := d.open(ben, true), d.open(ben, true), d.open(cleo, false)
		b1.set("one")
		b2.set("two")
		a.follows(nil, nil)
		a.follows([]string{gone.String(), id.UUID{}.String()}, []string{"nobody", "BEN"})
		a.follows([]string{cleo.String(), ben.String()}, []string{"ben"}, `ben="one"`, `ben="two"`)
		a.follows([]string{strings.ReplaceAll(ben.String(), "-", "")}, nil, `ben="one"`, `ben="two"`)
		c.set("here")
		a.sees(`+cleo="here"`)
		d.close(a)
		c.set("gone")
		a.sees()

		a = d.open(anna, false)
		a.refused(errs.BadInput, "Invalid user identifier", "StatusFollow", &rtapi.StatusFollow{UserIds: []string{ben.String(), "x"}, Usernames: []string{""}})
		a.refused(errs.BadInput, "Invalid user identifier", "StatusFollow", &rtapi.StatusFollow{UserIds: []string{""}})
		a.refused(errs.BadInput, "Invalid username", "StatusFollow", &rtapi.StatusFollow{UserIds: []string{ben.String()}, Usernames: []string{"ben", ""}})
		a.refused(errs.BadInput, "Invalid username", "StatusFollow", &rtapi.StatusFollow{Usernames: []string{"b\x00"}})
		a.refused(errs.BadInput, "Invalid user identifier", "StatusUnfollow", &rtapi.StatusUnfollow{UserIds: []string{"x"}})
		b1.set("x")
		a.sees() // a follow that was refused is none
	})
}

func TestStatusLength(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		a := d.open(anna, true)
		a.set(strings.Repeat("é", 1024))
		a.refused(errs.BadInput, "Status must be 2048 characters or less", "StatusUpdate", &rtapi.StatusUpdate{Status: wrapperspb.String(strings.Repeat("é", 1024) + "x")})
		if got := d.presence.Online(anna)[0].Meta.Status; len(got) != 2048 {
			t.Errorf("a refused update left %d bytes", len(got))
		}
		d.close(a)
		a.refused(errs.RuntimeException, "Error tracking status update", "StatusUpdate", &rtapi.StatusUpdate{Status: wrapperspb.String("x")})
		d.live.Add(a) // it ends while its last call is under way
		a.refused(errs.RuntimeException, "Error tracking status update", "StatusUpdate", &rtapi.StatusUpdate{Status: wrapperspb.String("x")})
		if d.presence.IsOnline(anna) {
			t.Error("a session that has ended is online")
		}
	})
}

// TestFollowsAreBounded: what one session may follow has an end, and unknown users do not count.
func TestFollowsAreBounded(t *testing.T) {
	users := map[id.UUID]string{}
	var ids []id.UUID
	for n := range followsMax {
		u := id.UUID{0: 1, 1: byte(n), 2: byte(n >> 8)}
		ids = append(ids, u)
		users[u] = u.String()
	}
	d := newDesk(t, each.Bunt(t, each.NewClock()), users)
	a := d.open(anna, false)
	follow := func(ids ...id.UUID) error {
		_, err := d.s.Follow(t.Context(), a, ids, nil)
		return err
	}
	if err := follow(ids...); !errors.Is(err, ErrMany) {
		t.Errorf("all and itself: %v", err)
	}
	if err := errors.Join(follow(ids[1:]...), follow(gone)); err != nil {
		t.Error(err)
	}
	if err := follow(ids[0]); !errors.Is(err, ErrMany) {
		t.Errorf("one too many: %v", err)
	}
	d.s.Unfollow(a, ids[1])
	if err := follow(ids[0]); err != nil {
		t.Errorf("after an unfollow: %v", err)
	}
}
