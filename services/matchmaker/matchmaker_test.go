package matchmaker

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	nakama "github.com/heroiclabs/nakama-common/runtime"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	ownapi "github.com/skirmishgg/skirmish/protocol/api"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/party"
	"github.com/skirmishgg/skirmish/services/presence"
	"github.com/skirmishgg/skirmish/services/session"
	"github.com/skirmishgg/skirmish/services/session/sessiontest"
)

const interval = 10 * time.Second

// hall is a running matchmaker with real parties, and sessions by name.
type hall struct {
	t    *testing.T
	s    *Service
	desk *sessiontest.Desk
	live *session.Live
	pres *presence.Service
	part *party.Service
	by   map[string]*sessiontest.Conn
	log  strings.Builder
}

// in runs f in a bubble of its own time, with a matchmaker that runs as changed.
func in(t *testing.T, change func(*Config), f func(h *hall)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := &hall{t: t, live: session.NewLive(), by: map[string]*sessiontest.Conn{}}
		h.pres = presence.New(presence.Config{Left: func(st presence.Stream, p presence.Presence, _ presence.Reason) { h.part.Left(st, p) }})
		h.part = party.New(party.Config{Presence: h.pres, Live: h.live, Node: "node1", Matchmaker: cancel{h}, Now: time.Now, Random: rand.Reader})
		c := Config{
			Live: h.live, Parties: h.part, Node: "node1", Tickets: 3, Interval: interval, Intervals: 2,
			NewToken: func() (string, error) { return "token", nil }, Now: time.Now, Random: rand.Reader,
			Log: slog.New(slog.NewTextHandler(&h.log, nil)),
		}
		if change != nil {
			change(&c)
		}
		h.s = New(c)
		h.desk = sessiontest.NewDesk(t, h.s.Register)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { h.s.Run(ctx); close(done) }() // ended below, which waits
		f(h)
		stop()
		<-done
	})
}

type cancel struct{ h *hall }

func (c cancel) CancelParty(u id.UUID) { c.h.s.CancelParty(u) }

// conn is the session of that name, connected when it is first named.
func (h *hall) conn(name string) *sessiontest.Conn {
	c := h.by[name]
	if c == nil {
		n := byte(len(h.by) + 1)
		c = sessiontest.NewConn(id.UUID{n}, id.UUID{15: n}, name)
		h.by[name] = c
		h.live.Add(c)
		h.pres.Begin(c)
	}
	return c
}

func (h *hall) end(name string) {
	c := h.conn(name)
	h.live.Remove(c)
	h.s.End(c)
	h.part.End(c)
	h.pres.End(c)
}

func (h *hall) ok(name, op string, m proto.Message) proto.Message {
	h.t.Helper()
	return h.desk.OK(h.conn(name).Caller(), op, m)
}

func (h *hall) refuse(code errs.Realtime, text, name, op string, m proto.Message) {
	h.t.Helper()
	h.desk.RefuseOnSocket(code, text, h.conn(name).Caller(), op, m)
}

func (h *hall) add(name, query string, low, high int32) string {
	h.t.Helper()
	return h.ok(name, "MatchmakerAdd", &rtapi.MatchmakerAdd{Query: query, MinCount: low, MaxCount: high}).(*rtapi.MatchmakerTicket).Ticket
}

// soon is within a second.
func (h *hall) soon() {
	time.Sleep(time.Second)
	synctest.Wait()
}

func (h *hall) later(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// matched is the one matchmaker_matched that came to a session since the last time; nil: none.
func (h *hall) matched(name string) (m *rtapi.MatchmakerMatched) {
	h.t.Helper()
	for _, e := range h.conn(name).Take() {
		if e.GetMatchmakerMatched() != nil {
			if m != nil {
				h.t.Errorf("%s was matched twice", name)
			}
			m = e.GetMatchmakerMatched()
		}
	}
	return m
}

func (h *hall) unmatched(names ...string) {
	h.t.Helper()
	for _, name := range names {
		if m := h.matched(name); m != nil {
			h.t.Errorf("%s was matched: %v", name, m)
		}
	}
}

func users(m *rtapi.MatchmakerMatched) string {
	var list []string
	for _, u := range m.GetUsers() {
		list = append(list, u.Presence.Username)
	}
	return strings.Join(list, " ")
}

func TestTwoPlayersWithinASecond(t *testing.T) {
	in(t, nil, func(h *hall) {
		a := h.ok("ann", "MatchmakerAdd", &rtapi.MatchmakerAdd{
			MinCount: 2, MaxCount: 2, StringProperties: map[string]string{"region": "eu"}, NumericProperties: map[string]float64{"skill": 7},
		}).(*rtapi.MatchmakerTicket).Ticket
		h.later(time.Second)
		h.unmatched("ann")
		b := h.add("bob", "+properties.region:eu +properties.skill:>=5", 2, 2)
		h.soon()
		am, bm := h.matched("ann"), h.matched("bob")
		if am.GetTicket() != a || bm.GetTicket() != b || users(am) != "ann bob" || users(bm) != "ann bob" || am.GetToken() != "token" || bm.GetToken() != "token" {
			t.Fatalf("ann: %v\nbob: %v", am, bm)
		}
		if am.Self.Presence.Username != "ann" || am.Self.StringProperties["region"] != "eu" || am.Self.NumericProperties["skill"] != 7 || bm.Self.Presence.Username != "bob" {
			t.Errorf("self: %v, %v", am.Self, bm.Self)
		}
		if am.Self.Presence.SessionId != h.conn("ann").ID().String() || am.Self.Presence.Persistence {
			t.Errorf("presence: %v", am.Self.Presence)
		}
		h.refuse(errs.BadInput, "Matchmaker ticket not found", "ann", "MatchmakerRemove", &rtapi.MatchmakerRemove{Ticket: a})
	})
}

func TestRounds(t *testing.T) {
	in(t, nil, func(h *hall) {
		h.add("ann", "", 2, 4)
		h.add("bob", "", 2, 4)
		h.later(interval + time.Second)
		h.unmatched("ann", "bob")
		h.later(interval)
		if m := h.matched("ann"); users(m) != "bob ann" {
			t.Errorf("after two rounds: %v", m)
		}
		for _, name := range []string{"c1", "c2", "c3", "c4", "c5"} {
			h.add(name, "", 2, 4)
		}
		h.soon()
		if m := h.matched("c1"); len(m.GetUsers()) != 4 {
			t.Errorf("four at once: %v", m)
		}
		h.later(3 * interval)
		h.unmatched("c5")
	})
}

func TestRefusals(t *testing.T) {
	in(t, nil, func(h *hall) {
		f := func(code errs.Realtime, text string, low, high, multiple int32, query string) {
			t.Helper()
			h.refuse(code, text, "ann", "MatchmakerAdd", &rtapi.MatchmakerAdd{MinCount: low, MaxCount: high, CountMultiple: wrapperspb.Int32(multiple), Query: query})
		}
		f(errs.BadInput, "Invalid minimum count, must be >= 2", 1, 0, 0, "+")
		f(errs.BadInput, "Invalid maximum count, must be >= minimum count", 3, 2, 0, "+")
		f(errs.BadInput, "Invalid count multiple, must be >= 1", 2, 3, 0, "+")
		f(errs.BadInput, "Invalid count multiple for minimum count, must divide", 3, 5, 2, "+")
		f(errs.BadInput, "Invalid count multiple for maximum count, must divide", 2, 5, 2, "+")
		f(errs.RuntimeException, "Error adding to matchmaker", 2, 2, 1, "properties.a:")
		f(errs.RuntimeException, "Error adding to matchmaker", 2, 2, 1, "+")
		first := h.add("ann", "properties.a:/a(/", 2, 2)
		h.add("ann", "", 2, 2)
		h.add("ann", "", 3, 3)
		f(errs.RuntimeException, "Error adding to matchmaker", 2, 2, 1, "")
		h.refuse(errs.BadInput, "Invalid matchmaker ticket", "ann", "MatchmakerRemove", &rtapi.MatchmakerRemove{})
		h.refuse(errs.BadInput, "Matchmaker ticket not found", "ann", "MatchmakerRemove", &rtapi.MatchmakerRemove{Ticket: "x"})
		h.refuse(errs.BadInput, "Matchmaker ticket not found", "bob", "MatchmakerRemove", &rtapi.MatchmakerRemove{Ticket: first})
		h.ok("ann", "MatchmakerRemove", &rtapi.MatchmakerRemove{Ticket: first})
		h.add("ann", "", 4, 4)
		h.soon()
		h.unmatched("ann") // never with itself
		h.end("ann")
		h.refuse(errs.RuntimeException, "Session has ended.", "ann", "MatchmakerAdd", &rtapi.MatchmakerAdd{MinCount: 2, MaxCount: 2})
		if n, searching := h.s.Count(); n != 0 || searching != 0 {
			t.Errorf("%d tickets of nobody, %d search", n, searching)
		}
	})
}

func TestOtherTicketsStay(t *testing.T) {
	in(t, nil, func(h *hall) {
		h.add("ann", "", 2, 2)
		other := h.add("ann", "", 3, 3)
		h.add("bob", "", 2, 2)
		h.soon()
		if h.matched("ann") == nil {
			t.Error("no match")
		}
		h.ok("ann", "MatchmakerRemove", &rtapi.MatchmakerRemove{Ticket: other})
	})
}

func (h *hall) party(names ...string) string {
	h.t.Helper()
	p, err := h.part.Create(h.conn(names[0]), party.Options{Open: true, MaxSize: 8})
	if err != nil {
		h.t.Fatal(err)
	}
	for _, name := range names[1:] {
		if err := h.part.Join(h.conn(name), p.PartyId); err != nil {
			h.t.Fatal(err)
		}
	}
	return p.PartyId
}

func TestParties(t *testing.T) {
	in(t, nil, func(h *hall) {
		p, q := h.party("ann", "bob"), h.party("cid", "dan")
		add := &rtapi.PartyMatchmakerAdd{PartyId: p, MinCount: 4, MaxCount: 4, Query: "*", StringProperties: map[string]string{"x": "y"}}
		h.refuse(errs.BadInput, "Error adding party to matchmaker: party leader only", "bob", "PartyMatchmakerAdd", add)
		h.refuse(errs.BadInput, "Error adding party to matchmaker: matchmaker query invalid", "ann", "PartyMatchmakerAdd", &rtapi.PartyMatchmakerAdd{PartyId: p, MinCount: 4, MaxCount: 4, Query: "+"})
		h.refuse(errs.BadInput, "Invalid party ID", "ann", "PartyMatchmakerAdd", &rtapi.PartyMatchmakerAdd{PartyId: "x", MinCount: 4, MaxCount: 4})
		h.refuse(errs.BadInput, "Invalid minimum count, must be >= 2", "ann", "PartyMatchmakerAdd", &rtapi.PartyMatchmakerAdd{PartyId: p})
		mine := h.ok("ann", "PartyMatchmakerAdd", add).(*rtapi.PartyMatchmakerTicket)
		h.soon()
		if told := h.conn("bob").Take(); len(told) == 0 || told[len(told)-1].GetPartyMatchmakerTicket().GetTicket() != mine.Ticket || mine.PartyId != p {
			t.Errorf("bob hears %v of %v", told, mine)
		}
		h.refuse(errs.BadInput, "Error closing party: matchmaker ticket not found", "cid", "PartyMatchmakerRemove", &rtapi.PartyMatchmakerRemove{PartyId: q, Ticket: mine.Ticket})
		h.refuse(errs.BadInput, "Error closing party: party leader only", "bob", "PartyMatchmakerRemove", &rtapi.PartyMatchmakerRemove{PartyId: p, Ticket: mine.Ticket})
		h.refuse(errs.BadInput, "Invalid matchmaker ticket", "ann", "PartyMatchmakerRemove", &rtapi.PartyMatchmakerRemove{PartyId: p})
		h.refuse(errs.BadInput, "Matchmaker ticket not found", "ann", "MatchmakerRemove", &rtapi.MatchmakerRemove{Ticket: mine.Ticket})

		theirs := h.ok("cid", "PartyMatchmakerAdd", &rtapi.PartyMatchmakerAdd{PartyId: q, MinCount: 4, MaxCount: 4}).(*rtapi.PartyMatchmakerTicket)
		h.soon()
		for name, ticket := range map[string]string{"ann": mine.Ticket, "bob": mine.Ticket, "cid": theirs.Ticket, "dan": theirs.Ticket} {
			m := h.matched(name)
			if users(m) != "ann bob cid dan" || m.Ticket != ticket || m.Users[1].PartyId != p || m.Users[2].PartyId != q || m.Users[1].StringProperties["x"] != "y" {
				t.Errorf("%s: %v", name, m)
			}
		}
		for range 3 {
			h.ok("ann", "PartyMatchmakerAdd", add)
		}
		h.refuse(errs.BadInput, "Error adding party to matchmaker: matchmaker too many tickets", "ann", "PartyMatchmakerAdd", add)
		h.end("bob") // the party's tickets were for two
		h.ok("cid", "PartyMatchmakerAdd", &rtapi.PartyMatchmakerAdd{PartyId: q, MinCount: 4, MaxCount: 4})
		h.soon()
		h.unmatched("ann", "cid")
		again := h.ok("ann", "PartyMatchmakerAdd", add).(*rtapi.PartyMatchmakerTicket)
		h.ok("ann", "PartyMatchmakerRemove", &rtapi.PartyMatchmakerRemove{PartyId: p, Ticket: again.Ticket})
		if n, _ := h.s.Count(); n != 1 {
			t.Errorf("%d tickets", n)
		}
	})
}

func TestMatchedHook(t *testing.T) {
	const match = "00000000-0000-4000-8000-000000000001.node1"
	answers := map[string]struct {
		matchID string
		err     error
		want    string
	}{
		"match": {match, nil, match}, "none": {"", nil, ""}, "nonsense": {"x", nil, ""}, "relayed": {match[:37], nil, ""}, "trouble": {match, errors.New("boom"), ""},
	}
	for name, a := range answers {
		t.Run(name, func(t *testing.T) {
			var seen string
			in(t, func(c *Config) {
				c.Hooks = func() Hooks {
					return Hooks{Matched: func(_ context.Context, list []nakama.MatchmakerEntry) (string, error) {
						for _, e := range list {
							seen += fmt.Sprintf("%s %v %s%s, ", e.GetPresence().GetUsername(), e.GetProperties(), e.GetPresence().GetNodeId(), e.GetPartyId())
						}
						return a.matchID, a.err
					}}
				}
			}, func(h *hall) {
				h.ok("ann", "MatchmakerAdd", &rtapi.MatchmakerAdd{MinCount: 2, MaxCount: 2, StringProperties: map[string]string{"a": "b", "c": "d"}, NumericProperties: map[string]float64{"a": 1}})
				h.add("bob", "", 2, 2)
				h.soon()
				m := h.matched("bob")
				if m.GetMatchId() != a.want || (m.GetToken() == "token") == (a.want != "") {
					t.Errorf("%v", m)
				}
				if logged := strings.Contains(h.log.String(), "level=ERROR"); logged != (a.want == "" && name != "none") {
					t.Errorf("logged: %s", h.log.String())
				}
			})
			if want := "bob map[] node1, ann map[a:1 c:d] node1, "; seen != want {
				t.Errorf("the hook sees %q, want %q", seen, want)
			}
		})
	}
}

// engine is a Native whose matches are numbered.
type engine struct{ err error }

func (n engine) Begin(_ context.Context, list []*Entry) (string, error) {
	return fmt.Sprintf("native-%d", len(list)), n.err
}
func (n engine) Has(matchID string) bool { return strings.HasPrefix(matchID, "native") }
func (n engine) ConnectToken(_ context.Context, matchID string, e *Entry) (string, error) {
	if e.Conn().Username() == "cid" {
		return "", errors.New("no address")
	}
	return matchID + "/" + e.Conn().Username(), nil
}

func TestNativeMatches(t *testing.T) {
	in(t, func(c *Config) { c.Native = engine{} }, func(h *hall) {
		h.ok("ann", "MatchmakerAdd", &rtapi.MatchmakerAdd{MinCount: 3, MaxCount: 3, StringProperties: map[string]string{"a": "b"}})
		h.add("bob", "", 3, 3)
		h.add("cid", "", 3, 3)
		h.soon()
		for name, token := range map[string]string{"ann": "native-3/ann", "bob": "native-3/bob", "cid": ""} {
			m := h.matched(name)
			if m.GetMatchId() != "native-3" || m.Self.StringProperties[ConnectToken] != token {
				t.Errorf("%s: %v", name, m)
			}
			for _, u := range m.Users {
				if u.StringProperties[ConnectToken] != "" {
					t.Errorf("%s sees %s's token", name, u.Presence.Username)
				}
			}
		}
	})
	in(t, func(c *Config) { c.Native = engine{errors.New("busy")} }, func(h *hall) {
		h.add("ann", "", 2, 2)
		h.add("bob", "", 2, 2)
		h.soon()
		if m := h.matched("ann"); m.GetToken() != "token" {
			t.Errorf("%v", m)
		}
	})
}

func TestBackfill(t *testing.T) {
	in(t, func(c *Config) { c.Native = engine{} }, func(h *hall) {
		hold := func(matchID string, players, places int32) {
			_, err := h.s.setMatchBackfill(t.Context(), op.Caller{Trusted: true}, &ownapi.SetMatchBackfillRequest{
				MatchId: matchID, Players: players, Places: places, Query: "+properties.mode:x", StringProperties: map[string]string{"map": "dust"},
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		hold("native-a", 3, 1)
		hold("native-a", 3, 2)  // in place of what it said before
		hold("relayed-b", 9, 1) // never meets the other one
		h.soon()
		x := map[string]string{"mode": "x"}
		h.ok("ann", "MatchmakerAdd", &rtapi.MatchmakerAdd{MinCount: 2, MaxCount: 5, Query: "+properties.map:dust", StringProperties: x})
		h.soon()
		if m := h.matched("ann"); m.GetMatchId() != "native-a" || users(m) != "ann" || m.Self.StringProperties[ConnectToken] != "native-a/ann" {
			t.Errorf("%v", m)
		}
		h.ok("bob", "MatchmakerAdd", &rtapi.MatchmakerAdd{MinCount: 2, MaxCount: 10, StringProperties: x})
		h.soon()
		if m := h.matched("bob"); m.GetMatchId() != "relayed-b" || m.Self.StringProperties[ConnectToken] != "" {
			t.Errorf("%v", m)
		}
		hold("native-c", 1, 1)
		h.s.EndBackfill("native-c")
		h.s.EndBackfill("native-c")
		hold("native-d", 1, 1)
		hold("native-d", 2, 0)
		h.ok("cid", "MatchmakerAdd", &rtapi.MatchmakerAdd{MinCount: 2, MaxCount: 2, StringProperties: x})
		h.later(3 * interval)
		h.unmatched("cid")
		if tickets, _ := h.s.Count(); tickets != 1 || len(h.s.byMatch) != 0 {
			t.Errorf("%d tickets, %d of matches", tickets, len(h.s.byMatch))
		}
		for in, want := range map[*ownapi.SetMatchBackfillRequest]error{
			{Places: 1}: ErrBackfill, {MatchId: "a", Players: -1, Places: 1}: ErrBackfill, {MatchId: "a", Places: -1}: ErrBackfill,
			{MatchId: "a", Places: 1, Query: "+"}: ErrBackfillQuery,
		} {
			if _, err := h.s.setMatchBackfill(t.Context(), op.Caller{}, in); err != want {
				t.Errorf("%v: %v, want %v", in, err, want)
			}
		}
		if _, err := h.s.setMatchBackfill(t.Context(), op.Caller{UserID: id.UUID{1}}, &ownapi.SetMatchBackfillRequest{MatchId: "a", Places: 1}); err != ErrServerOnly {
			t.Errorf("a player: %v", err)
		}
	})
}

func TestProcessor(t *testing.T) {
	type grouping func([]nakama.MatchmakerEntry) [][]nakama.MatchmakerEntry
	var answer atomic.Pointer[grouping]
	set := func(g grouping) { answer.Store(&g) }
	in(t, func(c *Config) {
		c.Hooks = func() Hooks {
			return Hooks{Processor: func(_ context.Context, list []nakama.MatchmakerEntry) ([][]nakama.MatchmakerEntry, error) {
				return (*answer.Load())(list), nil
			}}
		}
	}, func(h *hall) {
		h.add("ann", "", 2, 2)
		h.add("bob", "", 2, 2)
		p := h.party("cid", "dan")
		h.ok("cid", "PartyMatchmakerAdd", &rtapi.PartyMatchmakerAdd{PartyId: p, MinCount: 4, MaxCount: 4})
		h.soon()
		h.unmatched("ann", "bob") // rounds only
		set(func(l []nakama.MatchmakerEntry) [][]nakama.MatchmakerEntry {
			return [][]nakama.MatchmakerEntry{{l[0], l[2]}, {l[1], &stranger{}}, nil, {l[1], l[0]}, {l[1]}, {l[3]}}
		})
		h.later(interval)
		if m := h.matched("ann"); users(m) != "bob ann" || !strings.Contains(h.log.String(), "some of its players only") || !strings.Contains(h.log.String(), "none of those") || !strings.Contains(h.log.String(), "in another group") {
			t.Errorf("%v; %s", m, h.log.String())
		}
		h.unmatched("cid", "dan")
		set(func(l []nakama.MatchmakerEntry) [][]nakama.MatchmakerEntry { return [][]nakama.MatchmakerEntry{l} })
		h.later(interval)
		if m := h.matched("dan"); users(m) != "cid dan" {
			t.Errorf("%v", m)
		}
	})
}

type stranger struct{ nakama.MatchmakerEntry }

func TestOverride(t *testing.T) {
	var seen [][]nakama.MatchmakerEntry
	in(t, func(c *Config) {
		c.Hooks = func() Hooks {
			return Hooks{Override: func(_ context.Context, l [][]nakama.MatchmakerEntry) ([][]nakama.MatchmakerEntry, error) {
				seen = l
				return l[len(l)-1:], nil
			}}
		}
	}, func(h *hall) {
		for _, name := range []string{"ann", "bob", "cid"} {
			h.add(name, "", 2, 2)
		}
		h.soon()
		h.unmatched("ann", "bob", "cid")
		h.later(interval)
		if len(seen) != 3 {
			t.Errorf("%d candidates", len(seen))
		}
		if m := h.matched("cid"); users(m) != "ann cid" {
			t.Errorf("%v", m)
		}
		h.unmatched("bob")
	})
}

func TestStats(t *testing.T) {
	in(t, nil, func(h *hall) {
		stats := func() *api.MatchmakerStats {
			return h.ok("ann", "GetMatchmakerStats", &emptypb.Empty{}).(*api.MatchmakerStats)
		}
		begin := time.Now()
		h.add("ann", "", 3, 3)
		if s := stats(); !proto.Equal(s, &api.MatchmakerStats{}) {
			t.Errorf("before a round: %v", s)
		}
		h.later(time.Second)
		for n := range 12 {
			h.add(fmt.Sprint("p", n), "", 2, 2)
		}
		h.later(interval)
		s := stats()
		if s.TicketCount != 1 || !s.OldestTicketCreateTime.AsTime().Equal(begin) || len(s.Completions) != 10 {
			t.Fatalf("%v", s)
		}
		if c := s.Completions[9]; !c.CreateTime.AsTime().Equal(begin.Add(time.Second)) || !c.CompleteTime.AsTime().After(c.CreateTime.AsTime()) {
			t.Errorf("%v", c)
		}
	})
}

// TestWorked: rounds are measured, with the hooks that take their time.
func TestWorked(t *testing.T) {
	var took []time.Duration
	in(t, func(c *Config) {
		c.Worked = func(d time.Duration) { took = append(took, d) }
		c.Hooks = func() Hooks {
			return Hooks{Processor: func(context.Context, []nakama.MatchmakerEntry) ([][]nakama.MatchmakerEntry, error) {
				time.Sleep(3 * time.Second)
				return nil, nil
			}}
		}
	}, func(h *hall) {
		h.later(interval + time.Second)
		h.add("ann", "", 2, 2)
		h.later(interval + 3*time.Second)
		if want := []time.Duration{0, 3 * time.Second}; !slices.Equal(took, want) {
			t.Errorf("rounds took %v, want %v", took, want)
		}
	})
}

func TestExplain(t *testing.T) {
	in(t, nil, func(h *hall) {
		a := h.add("ann", "+properties.region:eu", 2, 2)
		sees := func(want string) {
			t.Helper()
			e, err := h.s.ExplainOwn(h.conn("ann").UserID(), a)
			if err != nil || e.Summary != want || e.Ticket != a {
				t.Errorf("%v, %v; want %s", e, err, want)
			}
		}
		sees("The ticket has just come.")
		h.soon()
		sees("There are no other tickets.")
		h.add("bob", "+properties.x:y", 2, 2)
		h.soon()
		sees("Of 1 other tickets none will do; +properties.region:eu rules out 1.")
		h.ok("cid", "MatchmakerAdd", &rtapi.MatchmakerAdd{MinCount: 3, MaxCount: 3, StringProperties: map[string]string{"region": "eu"}})
		h.ok("dan", "MatchmakerAdd", &rtapi.MatchmakerAdd{MinCount: 3, MaxCount: 3, StringProperties: map[string]string{"region": "eu"}})
		h.soon()
		sees("Of 3 other tickets none will do; the counts that 2 allow are not within its own.")
		if _, err := h.s.ExplainOwn(h.conn("bob").UserID(), a); !errors.Is(err, ErrNotFound) {
			t.Errorf("another's ticket: %v", err)
		}
		if e, err := h.s.Explain(a); err != nil || e.Others != 3 || e.Sizes != 2 || len(e.Clauses) != 1 {
			t.Errorf("%+v, %v", e, err)
		}
		if _, err := h.s.Explain("x"); !errors.Is(err, ErrNotFound) {
			t.Errorf("no ticket: %v", err)
		}
	})
}
