package party

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/skirmishgg/skirmish/protocol/codec"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/presence"
	"github.com/skirmishgg/skirmish/services/session"
	"github.com/skirmishgg/skirmish/services/session/sessiontest"
)

var rewrite = flag.Bool("rewrite", false, "write what came into testdata")

// room is a catalogue with the party operations, and sessions by name: ann2 is another session of ann.
type room struct {
	t       *testing.T
	s       *Service
	r       *op.Registry
	live    *session.Live
	present *presence.Service

	conns   map[string]*sessiontest.Conn
	order   []string // of names
	cursor  string   // that came last
	tickets ticketsOf
}

// ticketsOf writes down whose tickets were cancelled.
type ticketsOf struct {
	mu        sync.Mutex
	cancelled []id.UUID
}

func (x *ticketsOf) CancelParty(u id.UUID) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.cancelled = append(x.cancelled, u)
}

func (x *ticketsOf) take() []id.UUID {
	x.mu.Lock()
	defer x.mu.Unlock()
	list := x.cancelled
	x.cancelled = nil
	return list
}

func newRoom(t *testing.T, single bool) *room {
	d := &room{t: t, live: session.NewLive(), conns: map[string]*sessiontest.Conn{}, r: op.NewRegistry()}
	var s *Service
	d.present = presence.New(presence.Config{Left: func(st presence.Stream, p presence.Presence, _ presence.Reason) { s.Left(st, p) }})
	s = New(Config{
		Presence: d.present, Live: d.live, Node: "node1", SingleParty: single, Matchmaker: &d.tickets,
		Now: minutes(), Random: &counter{},
	})
	d.s = s
	d.s.Register(d.r)
	d.r.Seal()
	return d
}

// minutes is a clock on which each look takes a minute.
func minutes() func() time.Time {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var looks atomic.Int64
	return func() time.Time { return start.Add(time.Duration(looks.Add(1)) * time.Minute) }
}

// counter is randomness that counts what it is asked for: party N has the id 0N….
type counter struct {
	mu sync.Mutex
	n  uint32
}

func (c *counter) Read(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	clear(b)
	binary.BigEndian.PutUint32(b, c.n)
	return len(b), nil
}

func partyName(n uint32) string {
	u, _ := id.NewV4(&counter{n: n - 1})
	return u.String() + ".node1"
}

// conn is the session of this name; one that is not there connects.
func (d *room) conn(name string) *sessiontest.Conn {
	if c := d.conns[name]; c != nil {
		return c
	}
	n := byte(len(d.conns) + 1)
	user := strings.TrimRight(name, "0123456789")
	c := sessiontest.NewConn(id.UUID{0: 0xc0, 15: n}, id.UUID{0: 0xa0, 1: user[0], 2: user[1]}, user)
	d.conns[name] = c
	d.order = append(d.order, name)
	d.live.Add(c)
	d.present.Begin(c)
	return c
}

// end is what a node does when a connection is gone.
func (d *room) end(name string) {
	c := d.conns[name]
	d.live.Remove(c)
	d.s.End(c)
	d.present.End(c)
	delete(d.conns, name)
	d.order = slices.DeleteFunc(d.order, func(n string) bool { return n == name })
}

// call sends a message to the operation behind its envelope field, or to the one of this name.
func (d *room) call(c *sessiontest.Conn, name string, in []byte) (proto.Message, error) {
	e := d.r.OnSocket(name)
	if e == nil {
		if e = d.r.Named(name); e == nil {
			d.t.Fatalf("there is no %s", name)
		}
	}
	m := e.Request.New().Interface()
	if err := protojson.Unmarshal(in, m); err != nil {
		d.t.Fatalf("%s: %v", name, err)
	}
	as := c.Caller()
	as.Node = "node1"
	return e.Invoke(context.Background(), as, m)
}

// names replaces what a script writes short by what it stands for, or the other way round: $1 is the id of the first
// party, @ann the presence of a session, $cursor the last one that came.
func (d *room) names(text string, long bool) string {
	var pairs []string
	for n := uint32(20); n > 0; n-- {
		pairs = append(pairs, fmt.Sprint("$", n), partyName(n))
	}
	for _, name := range slices.Backward(slices.Sorted(slices.Values(d.order))) {
		c := d.conns[name]
		pairs = append(pairs, "@"+name, fmt.Sprintf(`{"user_id":"%s","session_id":"%s","username":"%s"}`, c.UserID(), c.ID(), c.Username()))
	}
	if d.cursor != "" {
		pairs = append(pairs, "$cursor", d.cursor)
	}
	if !long {
		for i := 0; i < len(pairs); i += 2 {
			pairs[i], pairs[i+1] = pairs[i+1], pairs[i]
		}
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

func (d *room) json(m proto.Message) string {
	b, err := codec.Append(nil, codec.JSON, m)
	if err != nil {
		d.t.Fatal(err)
	}
	return d.names(string(b), false)
}

// run plays one line of a script and returns what came of it, a line each: what each session got, then the answer.
func (d *room) run(line string) (out []string) {
	words := strings.SplitN(line, " ", 3)
	answer := ""
	switch {
	case words[0] == "sweep":
		d.s.Sweep()
	case words[0] == "drop": // server code ends the stream of a party
		p, err := d.s.find(d.names(words[1], true))
		if err != nil {
			d.t.Fatal(err)
		}
		d.present.Drop(p.stream)
	case len(words) == 1:
		d.conn(words[0])
	case words[1] == "ends":
		d.end(words[0])
	case words[1] == "untracked": // server code takes a session out of the stream of a party
		p, err := d.s.find(d.names(words[2], true))
		if err != nil {
			d.t.Fatal(err)
		}
		d.present.Untrack(d.conns[words[0]], p.stream)
	default:
		c := d.conn(words[0])
		m, err := d.call(c, words[1], []byte(d.names(words[2], true)))
		if err != nil {
			refusal := errs.Of(err)
			answer = fmt.Sprintf("! %d %s", refusal.Realtime(), refusal.Message)
		} else {
			if list, ok := m.(*api.PartyList); ok && list.Cursor != "" {
				d.cursor = list.Cursor
			}
			answer = "= " + d.json(m)
		}
	}
	for _, name := range d.order {
		for _, e := range d.conns[name].Take() {
			out = append(out, fmt.Sprint(name, ": ", d.message(e)))
		}
	}
	for _, u := range d.tickets.take() {
		out = append(out, d.names("tickets of "+u.String()+".node1 are cancelled", false))
	}
	if answer != "" {
		out = append(out, answer)
	}
	return out
}

func (d *room) message(e *rtapi.Envelope) (text string) {
	e.ProtoReflect().Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		text += string(f.Name()) + " " + d.json(v.Message().Interface())
		return true
	})
	return text
}

// TestScripts: goal, every message of the party protocol to every session, in order; method, each file of testdata is
// played in a room of its own, and what comes of a line stands below it. -rewrite, and review the difference.
//
//	ann                       connects
//	ann MESSAGE JSON          sends; ListParties is a call
//	ann ends                  the connection is gone
//	ann untracked $1          server code takes it out of the stream of a party
//	drop $1, sweep
//	  ann: MESSAGE JSON       came to ann
//	  = JSON or ! CODE TEXT   is the answer
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) < 3 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			script, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var out []string
			d := newRoom(t, strings.Contains(file, "single"))
			for line := range strings.Lines(string(script)) {
				line = strings.TrimSuffix(line, "\n")
				if strings.HasPrefix(line, "  ") {
					continue
				}
				out = append(out, line)
				if line != "" && line[0] != '#' {
					for _, came := range d.run(line) {
						out = append(out, "  "+came)
					}
				}
			}
			for name := range d.conns {
				d.end(name)
			}
			d.s.Sweep()
			d.empty()
			got := strings.Join(out, "\n") + "\n"
			if *rewrite {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != string(script) {
				want := strings.Split(string(script), "\n")
				for i, line := range out {
					if i >= len(want) || line != want[i] {
						t.Fatalf("%s:%d: %s", file, i+1, line)
					}
				}
				t.Fatalf("%s has more lines than came", file)
			}
		})
	}
}

// empty asserts that nothing is left of any party.
func (d *room) empty() {
	d.t.Helper()
	if len(d.s.directory.byID) != 0 || d.s.directory.index.Len() != 0 || len(d.s.roster.in) != 0 || d.s.idle.Load() != 0 || d.present.Total() != 0 {
		d.t.Errorf("left behind: %d parties, %d in order, %d sessions, %d idle, %d presences",
			len(d.s.directory.byID), d.s.directory.index.Len(), len(d.s.roster.in), d.s.idle.Load(), d.present.Total())
	}
}

// TestLeadHoldsTheParty: a ticket is for the members that its maker was shown, because nobody comes or goes meanwhile.
func TestLeadHoldsTheParty(t *testing.T) {
	d := newRoom(t, false)
	ann, bob := d.conn("ann"), d.conn("bob")
	if _, err := d.s.Create(ann, Options{Open: true, MaxSize: 2}); err != nil {
		t.Fatal(err)
	}
	d.tickets.take()
	joined := make(chan error)
	err := d.s.Lead(ann, partyName(1), func(u id.UUID, members []session.Conn) error {
		go func() { joined <- d.s.Join(bob, partyName(1)) }()
		if u.String()+".node1" != partyName(1) || !slices.Equal(members, []session.Conn{ann}) || len(d.tickets.take()) != 0 {
			t.Errorf("party %s of %v", u, members)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if err := <-joined; err != nil || len(d.tickets.take()) != 1 {
		t.Errorf("joined: %v", err)
	}
	trouble := errors.New("trouble")
	for c, want := range map[*sessiontest.Conn]error{ann: trouble, bob: ErrNotLeader} {
		if err := d.s.Lead(c, partyName(1), func(id.UUID, []session.Conn) error { return trouble }); !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
}

// TestJoinWhileSomebodyIsTakenOut: goal, who comes in does not go on seeing one that server code has just taken out of the
// stream; method, a join while that one's leave, of which the others know, waits for the party.
func TestJoinWhileSomebodyIsTakenOut(t *testing.T) {
	d := newRoom(t, false)
	ann, bob, cid := d.conn("ann"), d.conn("bob"), d.conn("cid")
	if _, err := d.s.Create(ann, Options{Open: true, MaxSize: 4}); err != nil {
		t.Fatal(err)
	}
	if err := d.s.Join(bob, partyName(1)); err != nil {
		t.Fatal(err)
	}
	p := d.s.directory.all()[0]
	ann.Take()
	var taking sync.WaitGroup
	p.mu.Lock()
	taking.Go(func() { d.present.Untrack(bob, p.stream) })
	ann.Wait(1)
	if _, err := d.s.admit(p, memberOf(cid), ErrTrackJoin); err != nil {
		t.Error(err)
	}
	p.mu.Unlock()
	taking.Wait()
	var got []string
	for _, e := range cid.Take() {
		got = append(got, d.message(e))
	}
	want := []string{
		`party {"party_id":"$1","open":true,"max_size":4,"self":@cid,"leader":@ann,"presences":[@ann,@bob,@cid]}`,
		`party_presence_event {"party_id":"$1","joins":[@cid]}`,
		`party_presence_event {"party_id":"$1","leaves":[@bob]}`,
	}
	if !slices.Equal(got, want) || len(p.members) != 2 {
		t.Errorf("%s\nwant %s\n%d members", strings.Join(got, "\n"), strings.Join(want, "\n"), len(p.members))
	}
}

// TestLimits: what a client can make grow ends somewhere.
func TestLimits(t *testing.T) {
	d := newRoom(t, false)
	ann := d.conn("ann")
	for range partiesMax {
		if _, err := d.s.Create(ann, Options{MaxSize: 1}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.call(ann, "party_create", []byte(`{"max_size":1}`)); !errors.Is(err, errs.New(errs.InvalidArgument, "Error creating party: session is in too many parties")) {
		t.Errorf("%v", err)
	}
	d.end("ann")
	d.empty()

	bob := d.conn("bob")
	for n := range uint32(idleMax + 1) {
		if n == idleMax {
			if got := len(d.s.directory.all()); got != idleMax {
				t.Errorf("%d parties wait to be swept", got)
			}
		}
		if _, err := d.s.Create(bob, Options{}); err != nil {
			t.Fatal(err)
		}
		if err := d.s.Leave(bob, partyName(partiesMax+1+n+1)); err != nil { // one id went to ann's last try
			t.Fatal(err)
		}
	}
	d.empty()
}

// TestEverythingAtOnce: goal, whatever sessions do to each other, no member is lost or left behind, limits hold, and
// everybody's picture is whole; method, many sessions do everything in no order; each checks what it was sent, and when
// all have ended nothing may be left.
func TestEverythingAtOnce(t *testing.T) {
	for _, single := range []bool{false, true} {
		t.Run(fmt.Sprint("single=", single), func(t *testing.T) {
			d := newRoom(t, single)
			const size = 3
			var running sync.WaitGroup
			for g := range 16 {
				running.Go(func() {
					random := rand.New(rand.NewPCG(1, uint64(g)))
					for n := range 12 {
						c := sessiontest.NewConn(id.UUID{0: byte(g), 1: byte(n), 3: byte(g)}, id.UUID{15: byte(g)}, "x")
						d.live.Add(c)
						d.present.Begin(c)
						for range 60 {
							d.something(c, random)
						}
						d.live.Remove(c)
						d.s.End(c)
						d.present.End(c)
						checkPicture(t, c, size)
					}
				})
			}
			running.Wait()
			d.s.Sweep()
			d.empty()
		})
	}
}

// something is one of the things that a session does.
func (d *room) something(c *sessiontest.Conn, random *rand.Rand) {
	var name string
	var about *party
	if all := d.s.directory.all(); len(all) > 0 {
		about = all[random.IntN(len(all))]
		name = about.name
	}
	var other *rtapi.UserPresence
	if about != nil {
		about.mu.Lock()
		if list := slices.Concat(about.members, about.requests); len(list) > 0 {
			other = list[random.IntN(len(list))].wire
		}
		about.mu.Unlock()
	}
	if other == nil {
		other = &rtapi.UserPresence{}
	}
	switch random.IntN(12) {
	case 0:
		_, _ = d.s.Create(c, Options{Open: random.IntN(3) > 0, MaxSize: 3})
	case 1, 2, 3, 4:
		_ = d.s.Join(c, name)
	case 5:
		_ = d.s.Leave(c, name)
	case 6, 7:
		_ = d.s.Accept(c, name, other)
	case 8:
		_ = d.s.Remove(c, name, other)
	case 9:
		_ = d.s.Promote(c, name, other)
	case 10:
		if random.IntN(8) == 0 {
			_ = d.s.Close(c, name)
		}
	case 11:
		_ = d.s.SendData(c, name, 1, nil)
		if about != nil && random.IntN(8) == 0 {
			d.present.Untrack(c, about.stream) // server code does
		}
	}
}

// checkPicture follows what a session was told of each party: no party has more members than it may, nobody joins twice
// or leaves without having been there, who sends is a member, and who leads is or was one: server code may just have taken
// it out.
func checkPicture(t *testing.T, c *sessiontest.Conn, size int) {
	t.Helper()
	members := map[string]map[string]bool{} // by party
	known := map[string]bool{}
	self := c.ID().String()
	for _, e := range c.Take() {
		switch m := e.Message.(type) {
		case *rtapi.Envelope_Party:
			in := map[string]bool{}
			for _, p := range m.Party.Presences {
				in[p.SessionId], known[p.SessionId] = true, true
			}
			if !in[m.Party.Leader.SessionId] || !in[self] || len(in) > size || m.Party.Self.SessionId != self {
				t.Errorf("party %v", m.Party)
			}
			delete(in, self) // its own join comes next
			members[m.Party.PartyId] = in
		case *rtapi.Envelope_PartyPresenceEvent:
			in := members[m.PartyPresenceEvent.PartyId]
			for _, p := range m.PartyPresenceEvent.Joins {
				if in[p.SessionId] || len(in) >= size {
					t.Errorf("joins a second time, or as one too many: %v, in it %v", p, in)
				}
				in[p.SessionId], known[p.SessionId] = true, true
			}
			for _, p := range m.PartyPresenceEvent.Leaves {
				if !in[p.SessionId] || p.SessionId == self {
					t.Errorf("leaves what it was not in: %v", p)
				}
				delete(in, p.SessionId)
			}
		case *rtapi.Envelope_PartyLeader:
			if !known[m.PartyLeader.Presence.SessionId] {
				t.Errorf("led by one that never was in it: %v", m.PartyLeader)
			}
		case *rtapi.Envelope_PartyData:
			if !members[m.PartyData.PartyId][m.PartyData.Presence.SessionId] {
				t.Errorf("data of one that is not in it: %v", m.PartyData)
			}
		}
	}
}

// TestJoinsAtTheLimit: goal, however many join at once, a party is never larger than it may be.
func TestJoinsAtTheLimit(t *testing.T) {
	d := newRoom(t, false)
	ann := d.conn("ann")
	if _, err := d.s.Create(ann, Options{Open: true, MaxSize: 20}); err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	results := make(chan error, 200)
	for n := range 200 {
		c := sessiontest.NewConn(id.UUID{0: 1, 3: byte(n)}, id.UUID{15: byte(n)}, "x")
		d.live.Add(c)
		d.present.Begin(c)
		running.Go(func() { results <- d.s.Join(c, partyName(1)) })
	}
	running.Wait()
	close(results)
	joined := 0
	for err := range results {
		if err == nil {
			joined++
		} else if !errors.Is(err, ErrFull) {
			t.Error(err)
		}
	}
	if p := d.s.directory.all()[0]; joined != 19 || len(p.members) != 20 || d.present.Count(p.stream) != 20 {
		t.Errorf("%d joined, %d members, %d presences", joined, len(p.members), d.present.Count(p.stream))
	}
	checkPicture(t, ann, 20)
}

// TestPagesAreTheList: goal, pages of whatever size are the whole list, each party once and in order; method, parties of
// four scores in no order, and every size of page.
func TestPagesAreTheList(t *testing.T) {
	d := newRoom(t, false)
	random := rand.New(rand.NewPCG(1, 2))
	for n := range 60 {
		c := sessiontest.NewConn(id.UUID{0: 1, 3: byte(n)}, id.UUID{}, "x")
		d.present.Begin(c)
		if _, err := d.s.Create(c, Options{MaxSize: 4, Label: fmt.Sprintf(`{"level":%d}`, random.IntN(4))}); err != nil {
			t.Fatal(err)
		}
	}
	f := Filter{Query: "+label.level:>=0 label.level:1^0.5 label.level:2 label.level:3^7"}
	all, err := d.s.List(f, 100, "")
	if err != nil || len(all.Parties) != 60 || all.Cursor != "" {
		t.Fatalf("%d parties, cursor %q, %v", len(all.Parties), all.Cursor, err)
	}
	levels := func(p *api.Party) int { return strings.Index("3210", p.Label[9:10]) }
	if !slices.IsSortedFunc(all.Parties, func(a, b *api.Party) int {
		return cmp.Or(cmp.Compare(levels(a), levels(b)), strings.Compare(a.PartyId, b.PartyId))
	}) {
		t.Error("not in order")
	}
	for limit := 1; limit <= 61; limit++ {
		var got []*api.Party
		for cursor := ""; ; {
			page, err := d.s.List(f, limit, cursor)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, page.Parties...)
			if cursor = page.Cursor; cursor == "" {
				break
			}
			if len(page.Parties) != limit {
				t.Fatalf("a page of %d, and a cursor", len(page.Parties))
			}
		}
		if !slices.Equal(got, all.Parties) {
			t.Errorf("pages of %d are not the list", limit)
		}
	}
}

// TestEndedSession: a session whose connection is gone comes into nothing, and leaves nothing behind.
func TestEndedSession(t *testing.T) {
	d := newRoom(t, false)
	ann, bob := d.conn("ann"), d.conn("bob")
	if _, err := d.s.Create(ann, Options{Open: true, MaxSize: 4}); err != nil {
		t.Fatal(err)
	}
	d.end("bob")
	if err := d.s.Join(bob, partyName(1)); !errors.Is(err, ErrTrackJoin) {
		t.Errorf("join: %v", err)
	}
	if _, err := d.s.Create(bob, Options{MaxSize: 4}); !errors.Is(err, ErrTrackCreate) {
		t.Errorf("create: %v", err)
	}
	if _, err := d.call(bob, "party_join", []byte(d.names(`{"party_id":"$1"}`, true))); err == nil {
		t.Error("the operation does not notice")
	}
	d.end("ann")
	d.empty()
}

func BenchmarkList(b *testing.B) {
	s := New(Config{Presence: presence.New(presence.Config{}), Node: "node1", Now: minutes(), Random: &counter{}})
	for n := range 10_000 {
		c := sessiontest.NewConn(id.UUID{0: 1, 2: byte(n >> 8), 3: byte(n)}, id.UUID{}, "x")
		s.c.Presence.Begin(c)
		if _, err := s.Create(c, Options{MaxSize: 4, Label: fmt.Sprintf(`{"mode":"m%d","level":%d}`, n%50, n%7)}); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if _, err := s.List(Filter{Query: "+label.mode:m7 +label.level:>=3 label.level:6^2"}, 10, ""); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*10_000), "ns/party")
}

func FuzzParseCursor(f *testing.F) {
	filter := Filter{Query: "a:b"}
	f.Add(hit{score: 2.5, ordinal: 7}.cursor(filter.purpose(10)))
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		h, err := parseCursor(text, filter.purpose(10))
		if err == nil && (h.ordinal == 0 || h.cursor(filter.purpose(10)) != text && len(text) == 32) {
			t.Errorf("%q is %v", text, h)
		}
	})
}
