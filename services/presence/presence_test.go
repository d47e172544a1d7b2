package presence

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/heroiclabs/nakama-common/rtapi"

	"github.com/skirmishgg/skirmish/protocol/codec"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/session/sessiontest"
)

func newConn(n int, user byte) *sessiontest.Conn {
	var u id.UUID
	binary.BigEndian.PutUint32(u[:], uint32(n))
	return sessiontest.NewConn(u, id.UUID{user}, fmt.Sprintf("user%d", user))
}

// take is what came since the last time, as words: +N a join and -N a leave of session N, or the data of a message.
func take(c *sessiontest.Conn) string {
	var words []string
	note := func(sign string, list []*rtapi.UserPresence) {
		for _, p := range list {
			u, _ := id.Parse(p.SessionId)
			word := fmt.Sprint(sign, binary.BigEndian.Uint32(u[:]))
			if p.Status != nil {
				word += "=" + p.Status.Value
			}
			words = append(words, word)
		}
	}
	for _, e := range c.Take() {
		switch m := e.Message.(type) {
		case *rtapi.Envelope_ChannelPresenceEvent:
			note("+", m.ChannelPresenceEvent.Joins)
			note("-", m.ChannelPresenceEvent.Leaves)
		case *rtapi.Envelope_StatusPresenceEvent:
			note("+", m.StatusPresenceEvent.Joins)
			note("-", m.StatusPresenceEvent.Leaves)
		case *rtapi.Envelope_StreamData:
			words = append(words, m.StreamData.Data)
		}
	}
	return strings.Join(words, " ")
}

func say(text string) *codec.Shared {
	return codec.Share(&rtapi.Envelope{Message: &rtapi.Envelope_StreamData{StreamData: &rtapi.StreamData{Data: text}}})
}

func want(t *testing.T, c *sessiontest.Conn, text string) {
	t.Helper()
	if got := take(c); got != text {
		t.Errorf("%s got %q, want %q", c.Username(), got, text)
	}
}

func sessions(list []Presence) (out []uint32) {
	for _, p := range list {
		u := p.Conn.ID()
		out = append(out, binary.BigEndian.Uint32(u[:]))
	}
	return out
}

var lobby = Stream{Mode: ModeRoom, Label: "lobby"}

func TestJoinsAndLeavesAreTold(t *testing.T) {
	var left []string
	s := New(Config{Left: func(st Stream, p Presence, why Reason) {
		left = append(left, fmt.Sprint(st.Label, sessions([]Presence{p}), why))
	}})
	a, b, ghost := newConn(1, 1), newConn(2, 2), newConn(3, 3)
	for _, c := range []*sessiontest.Conn{a, b, ghost} {
		s.Begin(c)
	}
	s.Track(a, lobby, Meta{})
	want(t, a, "+1")
	if fresh, others := s.Track(ghost, lobby, Meta{Hidden: true}); !fresh || !slices.Equal(sessions(others), []uint32{1}) {
		t.Errorf("fresh %v, others %v", fresh, sessions(others))
	}
	if fresh, others := s.Track(b, lobby, Meta{}); !fresh || !slices.Equal(sessions(others), []uint32{1}) {
		t.Errorf("the hidden one is seen: %v", sessions(others))
	}
	if fresh, _ := s.Track(b, lobby, Meta{Persistence: true}); fresh {
		t.Error("joined twice")
	}
	if p, ok := s.Find(lobby, b.ID()); !ok || p.Meta.Persistence {
		t.Error("a second join changed the first")
	}
	want(t, a, "+2")
	want(t, b, "+2")
	want(t, ghost, "+2")
	s.Send(lobby, say("x"))
	s.SendExcept(lobby, say("y"), a.ID())
	want(t, a, "x")
	want(t, ghost, "x y")
	s.SendTo(lobby, say("z"), []id.UUID{a.ID(), {99}, ghost.ID(), a.ID()})
	want(t, a, "z")
	want(t, ghost, "z")
	s.SendTo(lobby, say("w"), nil)
	s.SendTo(Stream{Mode: 9}, say("w"), []id.UUID{a.ID()})
	s.Untrack(ghost, lobby)
	if s.Untrack(ghost, lobby) {
		t.Error("left twice")
	}
	s.End(b)
	want(t, a, "-2")
	want(t, b, "x y")
	if fresh, _ := s.Track(b, lobby, Meta{}); fresh {
		t.Error("a session that ended is tracked")
	}
	s.Drop(lobby)
	want(t, a, "")
	if got := strings.Join(left, " "); got != "lobby[3] 3 lobby[2] 4 lobby[1] 3" {
		t.Errorf("left: %s", got)
	}
	if s.Total() != 0 || s.Count(lobby) != 0 {
		t.Errorf("%d presences are left", s.Total())
	}
}

func TestStatusGoesToFollowers(t *testing.T) {
	s := New(Config{})
	a, a2, fan := newConn(1, 1), newConn(2, 1), newConn(3, 3)
	for _, c := range []*sessiontest.Conn{a, a2, fan} {
		s.Begin(c)
	}
	status := Stream{Mode: ModeStatus, Subject: a.UserID()}
	if online := s.Follow(fan, a.UserID()); len(online) != 0 || s.IsOnline(a.UserID()) {
		t.Errorf("online: %v", sessions(online))
	}
	s.Track(a, status, Meta{})
	s.Update(a, status, Meta{Status: "busy"})
	for _, c := range []*sessiontest.Conn{a, a2, fan} {
		want(t, c, "+1= +1=busy -1=")
	}
	if online := s.Follow(fan, a.UserID()); !slices.Equal(sessions(online), []uint32{1}) || !s.IsOnline(a.UserID()) {
		t.Errorf("online: %v", sessions(online))
	}
	s.Unfollow(fan, a.UserID())
	s.Unfollow(a2, a.UserID())
	s.End(a)
	want(t, fan, "")
	want(t, a2, "-1=busy")
	if s.Update(a, status, Meta{}) {
		t.Error("a presence that is gone was updated")
	}
}

func TestManyMembersKeepTheirOrder(t *testing.T) {
	s := New(Config{})
	var all []*sessiontest.Conn
	for i := range 100 {
		c := newConn(i, byte(i%7))
		s.Begin(c)
		s.Track(c, lobby, Meta{})
		all = append(all, c)
	}
	for i := 0; i < 100; i += 3 {
		s.Untrack(all[i], lobby)
	}
	got := sessions(s.List(lobby, false))
	if len(got) != 66 || !slices.IsSorted(got) {
		t.Errorf("%d members: %v", len(got), got)
	}
	s.DropUser(id.UUID{5}, lobby)
	if s.HasUser(lobby, id.UUID{5}) || !s.HasUser(lobby, id.UUID{4}) {
		t.Error("the wrong user's sessions were dropped")
	}
	if fresh, _ := s.TrackUpTo(all[0], lobby, Meta{}, s.Count(lobby)); fresh {
		t.Error("a full stream took one more")
	}
}

func TestNames(t *testing.T) {
	u, v := id.UUID{1}, id.UUID{2}
	f := func(s Stream, want string) {
		t.Helper()
		if got := s.ID(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	f(lobby, "2...lobby")
	f(Stream{Mode: ModeGroup, Subject: u}, "3."+u.String()+"..")
	f(Stream{Mode: ModeDirect, Subject: u, Subcontext: v}, "4."+u.String()+"."+v.String()+".")
	e := Event(Stream{Mode: 20, Label: "x"}, []Presence{{Conn: newConn(1, 1)}}, nil)
	if e.GetStreamPresenceEvent().GetStream().Subject != "" || Event(lobby, []Presence{{Conn: newConn(1, 1), Meta: Meta{Hidden: true}}}, nil) != nil {
		t.Errorf("event %v", e)
	}
}

// TestConcurrentComingAndGoing: goal, no presence is lost or left behind when everything happens at once; method, many
// goroutines join, talk, leave and end, and at last nothing may be left and each member's picture be whole: every join of
// another that it saw is followed by that one's leave.
func TestConcurrentComingAndGoing(t *testing.T) {
	s := New(Config{})
	var running sync.WaitGroup
	for g := range 16 {
		running.Go(func() {
			for n := range 40 {
				c := newConn(g*1000+n, byte(g))
				s.Begin(c)
				s.Follow(c, id.UUID{byte(g + 1)})
				for r := range 4 {
					st := Stream{Mode: ModeRoom, Label: fmt.Sprint((n + r) % 5)}
					s.Track(c, st, Meta{})
					s.Send(st, say("hello"))
					if n%3 == 0 {
						s.Untrack(c, st)
					}
				}
				s.Track(c, Stream{Mode: ModeStatus, Subject: c.UserID()}, Meta{})
				s.End(c)
			}
		})
	}
	running.Wait()
	if s.Total() != 0 {
		t.Errorf("%d presences are left", s.Total())
	}
	for i := range s.shards {
		if len(s.shards[i].streams) != 0 || len(s.mine[i].sessions) != 0 || len(s.follows[i].byUser) != 0 {
			t.Fatal("something is left behind")
		}
	}
}

func BenchmarkSendToRoom(b *testing.B) {
	for _, members := range []int{10, 100, 1000} {
		b.Run(fmt.Sprint(members), func(b *testing.B) {
			s, msg := New(Config{}), say("x")
			for i := range members {
				c := &silent{newConn(i, 1)}
				s.Begin(c)
				s.Track(c, lobby, Meta{})
			}
			for b.Loop() {
				s.Send(lobby, msg)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*members), "ns/receiver")
		})
	}
}

type silent struct{ *sessiontest.Conn }

func (silent) Send(*codec.Shared) bool { return true }

// Relay reaches the others, or those that are named, with the sender as it is now; a message that nobody gets is not made.
func TestRelay(t *testing.T) {
	s, st := New(Config{}), Stream{Mode: ModeRelayed, Subject: id.UUID{7}}
	ann, bob, cy, stranger := newConn(1, 1), newConn(2, 2), newConn(3, 3), newConn(4, 4)
	made := 0
	relay := func(from *sessiontest.Conn, text string, to ...id.UUID) {
		s.Relay(st, from.ID(), to, func(name string, sender *rtapi.UserPresence) *codec.Shared {
			made++
			if name != st.Member() || sender.SessionId != from.ID().String() || sender.Username != from.Username() {
				t.Errorf("%s of %v", name, sender)
			}
			return say(text + ":" + fmt.Sprint(sender.Persistence))
		})
	}
	enter := func(c *sessiontest.Conn) {
		s.Begin(c)
		s.Track(c, st, Meta{})
	}
	relay(ann, "no stream")
	enter(ann)
	relay(ann, "alone")
	if made != 0 {
		t.Errorf("%d messages were made for nobody", made)
	}
	enter(bob)
	enter(cy)
	ann.Take()
	bob.Take()
	cy.Take()
	relay(stranger, "no member")
	relay(ann, "all")
	relay(bob, "some", cy.ID(), bob.ID(), cy.ID(), stranger.ID())
	s.Update(ann, st, Meta{Persistence: true})
	relay(ann, "updated", bob.ID())
	want(t, ann, "")
	want(t, bob, "all:false some:false updated:true")
	want(t, cy, "all:false some:false")
	want(t, stranger, "")
	if made != 3 {
		t.Errorf("%d messages were made", made)
	}
}
