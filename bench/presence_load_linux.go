package bench

import (
	"bytes"
	"flag"
	"fmt"
	"strings"
	"time"

	"github.com/skirmishgg/skirmish/bench/proc"
	"github.com/skirmishgg/skirmish/bench/socketload"
	"github.com/skirmishgg/skirmish/protocol/codec"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/presence"
)

const (
	presenceMembers = 8   // of a room: every join and leave is told to them
	presenceUnder   = 256 // joins and leaves that wait for their answer
	presenceUsers   = 500 // further sessions are those of the same users
)

// churnReport is what the roles "presence-load" and "presence" did.
type churnReport struct {
	Ops     int     `json:"ops"`    // joins and leaves
	Events  int     `json:"events"` // that members were told
	Bytes   int     `json:"bytes"`  // of events and answers
	Reads   int     `json:"reads"`  // calls that took them
	Seconds float64 `json:"seconds"`
}

// roomFactors spread sessions over rooms: they have nothing in common with round numbers of sessions, so that each k sends
// a session to other people.
var roomFactors = [...]int{1, 3, 7, 9, 11, 13, 17, 19, 21, 23, 27, 29}

// roomOf is a session's k-th room, of presenceMembers.
func roomOf(session, k, sessions int) int {
	return k*sessions + session*roomFactors[k%len(roomFactors)]%sessions/presenceMembers
}

// mingle is sessions that come to rooms and leave them.
type mingle struct {
	load     *socketload.Load
	sessions int
	rooms    int    // of each session
	turn     int    // whose turn it is to leave and come back
	coming   bool   // it has left
	stride   int    // to the next: those who come and go at a time are in different rooms
	next     func() // sends what is next, if anything is

	under    int
	report   churnReport
	failures []error
}

// presenceLoad is the role "presence-load". It answers "join": everybody enters his rooms; and "run DURATION": one session
// after the other leaves its first room and comes back.
func presenceLoad(con *proc.Console, args []string) error {
	fs := flag.NewFlagSet("presence-load", flag.ContinueOnError)
	addr := fs.String("addr", "", "of the server")
	sessions := fs.Int("sessions", 1, "how many")
	rooms := fs.Int("rooms", 1, "of each")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if err := moreFiles(); err != nil {
		return err
	}
	tokens, err := signIn(*addr, min(*sessions, presenceUsers))
	if err != nil {
		return err
	}
	m := &mingle{sessions: *sessions, rooms: *rooms, stride: 7919 % *sessions} // a prime: everybody has his turn
	m.load, err = socketload.Open(socketload.Config{
		Addr: *addr, Clients: *sessions, Message: m.message,
		Request: func(i int) []byte { return upgrade(tokens[i%len(tokens)]) },
	})
	if err != nil {
		return err
	}
	defer m.load.Close()
	con.Say(struct{}{})
	return serveLoad(con, m.load, func(command string) (any, error) {
		if command == "join" {
			return m.join()
		}
		window, err := time.ParseDuration(strings.TrimPrefix(command, "run "))
		if err != nil {
			return nil, err
		}
		return m.churn(window)
	})
}

// join lets everybody enter his first room, then his second, and so on.
func (m *mingle) join() (churnReport, error) {
	n := 0
	return m.play(func() {
		if n == m.sessions*m.rooms {
			return
		}
		session := n % m.sessions
		m.send(session, fmt.Sprintf(`{"cid":"1","channel_join":{"type":1,"target":"room%d"}}`, roomOf(session, n/m.sessions, m.sessions)))
		n++
	})
}

func (m *mingle) churn(window time.Duration) (churnReport, error) {
	end := time.Now().Add(window)
	return m.play(func() {
		if !m.coming && !time.Now().Before(end) {
			return
		}
		room := roomOf(m.turn, 0, m.sessions)
		if !m.coming {
			m.coming = true
			m.send(m.turn, fmt.Sprintf(`{"cid":"1","channel_leave":{"channel_id":"2...room%d"}}`, room))
			return
		}
		m.coming = false
		m.send(m.turn, fmt.Sprintf(`{"cid":"1","channel_join":{"type":1,"target":"room%d"}}`, room))
		m.turn = (m.turn + m.stride) % m.sessions
	})
}

// play keeps presenceUnder of what next sends on the way, until it sends nothing and all is answered.
func (m *mingle) play(next func()) (churnReport, error) {
	m.next, m.report = next, churnReport{}
	m.load.Bytes, m.load.Reads = 0, 0
	start := time.Now()
	for range presenceUnder {
		next()
	}
	for done := -1; m.under > 0; { // as long as anything happens
		if done == m.report.Ops {
			return m.report, fmt.Errorf("%d of %d joins and leaves are not answered: %w", m.under, m.report.Ops+m.under, errAwait)
		}
		done = m.report.Ops
		if err := await(m.load, &m.failures, func() bool { return m.under == 0 || m.report.Ops > done }); err != nil {
			return m.report, err
		}
	}
	m.report.Seconds, m.report.Bytes, m.report.Reads = time.Since(start).Seconds(), m.load.Bytes, m.load.Reads
	return m.report, nil
}

func (m *mingle) send(session int, text string) {
	m.under++
	if err := m.load.Send(session, socketload.Text(text)); err != nil {
		m.failures = append(m.failures, fmt.Errorf("session %d: %w", session, err))
	}
}

var (
	eventPrefix = []byte(`{"channel_presence_event":`)
	cidPrefix   = []byte(`{"cid":"1"`)
)

func (m *mingle) message(session int, b []byte) {
	switch {
	case bytes.HasPrefix(b, eventPrefix):
		m.report.Events++
	case bytes.HasPrefix(b, errorPrefix):
		m.failures = append(m.failures, fmt.Errorf("session %d was answered %s", session, b))
	case bytes.HasPrefix(b, cidPrefix):
		m.report.Ops++
		m.under--
		m.next()
	}
}

// presenceServer is the role "presence": the service alone with sessions that have no socket, so that their number is not
// limited by open files. It answers "mark" and "settle", "join" and "run DURATION" as the others do.
func presenceServer(con *proc.Console, args []string) error {
	fs := flag.NewFlagSet("presence", flag.ContinueOnError)
	sessions := fs.Int("sessions", 1, "how many")
	rooms := fs.Int("rooms", 1, "of each")
	if err := fs.Parse(args); err != nil {
		return err
	}
	crowd := &crowd{service: presence.New(presence.Config{}), rooms: *rooms}
	for i := range *sessions {
		c := &listener{id: id.UUID{0: byte(i >> 16), 1: byte(i >> 8), 3: byte(i), 6: 0x40, 8: 0x80, 15: 1}, crowd: crowd}
		crowd.conns = append(crowd.conns, c)
		crowd.service.Begin(c)
	}
	con.Say(struct{}{})
	for command := range con.Commands() {
		switch {
		case command == "join":
			con.Say(crowd.join())
		case strings.HasPrefix(command, "run "):
			window, err := time.ParseDuration(strings.TrimPrefix(command, "run "))
			if err != nil {
				return err
			}
			con.Say(crowd.churn(window))
		default:
			answerMark(con, command)
		}
	}
	return nil
}

// crowd is sessions of a service.
type crowd struct {
	service *presence.Service
	conns   []*listener
	rooms   int
	turn    int
	events  int
}

// listener is a session that gets messages as a socket does: encoded once for all, and then counted.
type listener struct {
	id    id.UUID
	crowd *crowd
}

func (l *listener) ID() id.UUID           { return l.id }
func (l *listener) UserID() id.UUID       { return l.id }
func (*listener) Username() string        { return "bench-user" }
func (*listener) Vars() map[string]string { return nil }
func (*listener) Lang() string            { return "en" }
func (*listener) Close(string)            {}

func (l *listener) Send(m *codec.Shared) bool {
	if _, err := m.Bytes(codec.JSON); err != nil {
		return false
	}
	l.crowd.events++
	return true
}

func (c *crowd) room(session, k int) presence.Stream {
	return presence.Stream{Mode: presence.ModeRoom, Label: fmt.Sprint("room", roomOf(session, k, len(c.conns)))}
}

func (c *crowd) join() churnReport {
	for i, l := range c.conns {
		for k := range c.rooms {
			c.service.Track(l, c.room(i, k), presence.Meta{Persistence: true})
		}
	}
	return churnReport{Ops: c.service.Total()}
}

func (c *crowd) churn(window time.Duration) (r churnReport) {
	c.events = 0
	start := time.Now()
	for end := start.Add(window); time.Now().Before(end); r.Ops += 2 {
		l, st := c.conns[c.turn], c.room(c.turn, c.turn%c.rooms)
		c.service.Untrack(l, st)
		c.service.Track(l, st, presence.Meta{Persistence: true})
		c.turn = (c.turn + 1) % len(c.conns)
	}
	r.Events, r.Seconds = c.events, time.Since(start).Seconds()
	return r
}
