package sim

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skirmishgg/skirmish/engine/loop"
	"github.com/skirmishgg/skirmish/engine/match"
	"github.com/skirmishgg/skirmish/netcode/channel"
	"github.com/skirmishgg/skirmish/netcode/peer"
	"github.com/skirmishgg/skirmish/netcode/simnet"
	"github.com/skirmishgg/skirmish/netcode/token"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// echoes serves sessions by sending each message back.
type echoes struct {
	open []*echo
	deny wire.Deny
	mute bool // answers nothing
}

type echo struct {
	house    *echoes
	session  *loop.Session
	user     [16]byte
	heard    [][]byte
	refusals int // of Send
	stop     int // messages until it reads no more; 0: never
	rooms    int
	restarts int
	closed   wire.Close
}

func (h *echoes) Open(s *loop.Session, p *token.Private) (loop.Receiver, wire.Deny) {
	if h.deny != 0 {
		return nil, h.deny
	}
	e := &echo{house: h, session: s, user: p.UserID}
	h.open = append(h.open, e)
	return e, 0
}

func (e *echo) Message(ch uint8, msg []byte) bool {
	e.heard = append(e.heard, bytes.Clone(msg))
	if !e.house.mute && e.session.Send(ch, bytes.Clone(msg)) != nil {
		e.refusals++
	}
	e.stop--
	return e.stop != 0
}

func (e *echo) Room()                 { e.rooms++ }
func (e *echo) Restarted()            { e.restarts++ }
func (e *echo) Closed(why wire.Close) { e.closed = why }

// sessionSim is a simulation with echoes, in virtual time because KCP reads the clock itself.
func sessionSim(t *testing.T, c Config, f func(s *Sim, h *echoes)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := &echoes{}
		c.Sessions, c.OnStep = h, time.Sleep
		f(New(c), h)
	})
}

// caller is a client that sends numbered messages and keeps what comes back.
type caller struct {
	*Client
	next uint32
	back []uint32
}

func (s *Sim) caller(link simnet.LinkConfig) *caller {
	c := &caller{}
	c.Client = s.Connect(ClientConfig{Up: link, Down: link, Stream: func(ch uint8, data []byte) {
		if ch == 4 {
			c.back = append(c.back, binary.LittleEndian.Uint32(data))
		}
	}})
	return c
}

// say sends the next message, of at least 4 bytes.
func (c *caller) say(t *testing.T, size int) {
	t.Helper()
	msg := binary.LittleEndian.AppendUint32(nil, c.next)
	if err := c.Peer.SendStream(4, append(msg, make([]byte, size-4)...)); err != nil {
		t.Fatal(err)
	}
	c.next++
}

// inOrder checks that messages first to next-1 came back, once and in order.
func (c *caller) inOrder(t *testing.T, first uint32) {
	t.Helper()
	want := first
	for _, n := range c.back {
		if n != want {
			t.Fatalf("%d came back, want %d", n, want)
		}
		want++
	}
	if want != c.next {
		t.Errorf("messages up to %d came back, %d were sent; closed for %d", want, c.next, c.Closed())
	}
}

// TestSimSessions: goal: over a bad link, with changes of address and sockets, each message is answered once and in order.
// Method: twenty sessions that say something every 20 ms at 20 % loss; half of them rebind, the others resume; a match runs
// beside them and loses nothing.
func TestSimSessions(t *testing.T) {
	seed := Seed(41)
	def, _ := strollDef("stroll", 60, 4, nil)
	sessionSim(t, Config{Seed: seed, Definitions: []*match.Definition{def}}, func(s *Sim, h *echoes) {
		link := simnet.LinkConfig{Delay: 25 * time.Millisecond, Jitter: 10 * time.Millisecond, Overtake: true, Loss: 0.2, Duplicate: 0.05}
		m := s.StartMatch("stroll", 1, nil)
		walker := s.Connect(ClientConfig{Schema: s.Schema("stroll"), Match: m, Think: walking(nil)})
		var callers []*caller
		for range 20 {
			callers = append(callers, s.caller(link))
		}
		all := []*Client{walker}
		for _, c := range callers {
			all = append(all, c.Client)
		}
		if !s.Until(10*time.Second, opened(all...)) {
			t.Fatal("not everybody connected; " + Repeat(seed))
		}
		before := walker.Counters.Snapshots
		for i := range 100 {
			for j, c := range callers {
				if !c.Open() {
					continue
				}
				c.say(t, 4+i*7)
				if i%30 == 10+j/2 {
					addr := netip.AddrPortFrom(netip.MustParseAddr("10.9.0.1"), uint16(5000+i*20+j))
					if j%2 == 0 {
						c.Rebind(addr)
					} else {
						c.Client.Resume(addr)
					}
				}
			}
			s.Run(20 * time.Millisecond)
		}
		s.Run(20 * time.Second)
		for _, c := range callers {
			if c.next < 30 { // none during a resumption
				t.Errorf("only %d messages were sent", c.next)
			}
			c.inOrder(t, 0)
		}
		if got := walker.Counters.Snapshots - before; got < 21*60 {
			t.Errorf("%d snapshots of the match beside in 22 s", got)
		}
		if st := s.Control.Stats().Sessions; st.Open != 20 || st.Resumed < 20 || st.Restarted != 0 || st.Closed[wire.CloseTimeout] != 0 {
			t.Errorf("%+v; %s", st, Repeat(seed))
		}
	})
}

// TestSimSessionSuccessor: a client's process dies in the middle of it, its successor has nothing but the ticket. What the
// old one had under way is void; the new one begins with nothing.
func TestSimSessionSuccessor(t *testing.T) {
	sessionSim(t, Config{Seed: 42}, func(s *Sim, h *echoes) {
		c := s.caller(simnet.LinkConfig{Delay: 20 * time.Millisecond, Loss: 0.1})
		if !s.Until(5*time.Second, opened(c.Client)) {
			t.Fatal(c.Err)
		}
		for range 50 {
			c.say(t, 3000)
			s.Run(5 * time.Millisecond)
		}
		h.open[0].stop = 1
		c.say(t, 300)
		s.Run(time.Second)
		if h.open[0].stop != 0 {
			t.Fatal("the receiver reads on")
		}
		c.Successor(netip.MustParseAddrPort("10.9.0.2:4000"))
		c.back, c.next = nil, 1000
		if !s.Until(5*time.Second, opened(c.Client)) {
			t.Fatal(c.Err)
		}
		for range 50 {
			c.say(t, 300)
			s.Run(5 * time.Millisecond)
		}
		s.Run(5 * time.Second)
		c.inOrder(t, 1000)
		if e := h.open[0]; e.restarts != 1 || len(h.open) != 1 || e.closed != 0 {
			t.Errorf("%d sessions, restarted %d times, closed for %d", len(h.open), e.restarts, e.closed)
		}
	})
}

// TestSimSessionPushesBack: a receiver that reads no more stops its client, and goes on where it stopped.
func TestSimSessionPushesBack(t *testing.T) {
	sessionSim(t, Config{Seed: 43}, func(s *Sim, h *echoes) {
		c := s.caller(simnet.LinkConfig{Delay: 5 * time.Millisecond})
		if !s.Until(5*time.Second, opened(c.Client)) {
			t.Fatal(c.Err)
		}
		e := h.open[0]
		e.stop = 3
		refused := 0
		for range 3000 {
			msg := append(binary.LittleEndian.AppendUint32(nil, c.next), make([]byte, 1000)...)
			switch err := c.Peer.SendStream(4, msg); err {
			case nil:
				c.next++
			case channel.ErrBackpressure:
				refused++
			default:
				t.Fatal(err)
			}
			s.Run(5 * time.Millisecond)
		}
		if len(e.heard) != 3 || refused < 2000 {
			t.Fatalf("%d messages were read, %d refused to their sender", len(e.heard), refused)
		}
		e.session.Read()
		s.Run(20 * time.Second)
		c.inOrder(t, 0)
	})
}

// TestSimSessionOverflow: a client that takes nothing fills the queue; then it is Full, then closed, and costs no more than
// that. One that takes again is told of the room.
func TestSimSessionOverflow(t *testing.T) {
	f := func(comesBack bool) {
		t.Helper()
		sessionSim(t, Config{Seed: 44}, func(s *Sim, h *echoes) {
			c := s.caller(simnet.LinkConfig{Delay: 5 * time.Millisecond})
			if !s.Until(5*time.Second, opened(c.Client)) {
				t.Fatal(c.Err)
			}
			c.say(t, 4)
			s.Run(time.Second)
			e := h.open[0]
			c.SetLinks(simnet.LinkConfig{Delay: 5 * time.Millisecond}, simnet.LinkConfig{Loss: 1})
			bytes, full := 0, 0
			for range 3000 {
				if comesBack && e.session.Full() {
					break
				}
				if e.session.Send(4, make([]byte, 1000)) != nil {
					break
				}
				if bytes += 1000; e.session.Full() && full == 0 {
					full = bytes
				}
				s.Run(time.Millisecond)
			}
			if comesBack {
				c.SetLinks(simnet.LinkConfig{}, simnet.LinkConfig{})
				s.Run(5 * time.Second)
				if e.rooms != 1 || e.closed != 0 || len(c.back) != 1+bytes/1000 {
					t.Errorf("%d times room, %d of %d messages arrived, closed for %d", e.rooms, len(c.back)-1, bytes/1000, e.closed)
				}
				return
			}
			s.Run(time.Second)
			if e.closed != wire.CloseOverflow || bytes < 1<<20 || bytes > 3<<19 || full < 1<<19 || full > bytes {
				t.Errorf("closed for %d after %d bytes, full at %d", e.closed, bytes, full)
			}
			if err := e.session.Send(4, []byte("more")); err != loop.ErrSessionClosed {
				t.Errorf("sending after the end: %v", err)
			}
			if st := s.Control.Stats().Sessions; st.Closed[wire.CloseOverflow] != 1 {
				t.Errorf("%+v", st)
			}
		})
	}
	f(false)
	f(true)
}

// TestSimSessionEnds: every way in which a session ends, as both ends see it; and that what was queued before goes first.
func TestSimSessionEnds(t *testing.T) {
	f := func(what string, end func(s *Sim, h *echoes, c *caller), wantServer, wantClient wire.Close) {
		t.Helper()
		sessionSim(t, Config{Seed: 45}, func(s *Sim, h *echoes) {
			c := s.caller(simnet.LinkConfig{Delay: 10 * time.Millisecond})
			if !s.Until(5*time.Second, opened(c.Client)) {
				t.Fatal(c.Err)
			}
			s.Run(time.Second)
			end(s, h, c)
			s.Run(12 * time.Second)
			if h.open[0].closed != wantServer || c.Closed() != wantClient {
				t.Errorf("%s: the server says %d, the client %d", what, h.open[0].closed, c.Closed())
			}
			if n := s.Control.SessionCount(); n != 0 {
				t.Errorf("%s: %d sessions are left", what, n)
			}
		})
	}
	f("left", func(s *Sim, h *echoes, c *caller) { c.Leave() }, wire.CloseLeft, wire.CloseLeft)
	f("kicked", func(s *Sim, h *echoes, c *caller) { h.open[0].session.Close(wire.CloseKicked) }, wire.CloseKicked, wire.CloseKicked)
	f("silence", func(s *Sim, h *echoes, c *caller) {
		c.SetLinks(simnet.LinkConfig{Loss: 1}, simnet.LinkConfig{Loss: 1})
	}, wire.CloseTimeout, wire.CloseTimeout)
	f("nonsense", func(s *Sim, h *echoes, c *caller) {
		_ = c.Peer.SendStream(4, []byte("x"))
		c.Peer.Begin(c.out[:], s.Clock.Now(), peer.TickInfo{})
		tail := c.Peer.Tail(wire.FrameStream) // no such channel
		c.end.Send(s.Clock.Now(), c.out[:c.Peer.Finish(copy(tail, []byte{1, 2, 3}))], Addr)
	}, wire.CloseProtocol, wire.CloseProtocol)
	f("shutdown", func(s *Sim, h *echoes, c *caller) {
		s.Directory.Draining.Store(true)
		ended := s.Control.EndSessions(wire.CloseShutdown)
		s.Run(time.Second)
		select {
		case <-ended:
		default:
			t.Error("EndSessions is not done")
		}
	}, wire.CloseShutdown, wire.CloseShutdown)
	f("restart of the server", func(s *Sim, h *echoes, c *caller) {
		h.open[0].closed = wire.CloseReset // of the process that died nobody is left to say so
		s.Restart()
	}, wire.CloseReset, wire.CloseReset)
	f("last words", func(s *Sim, h *echoes, c *caller) {
		for i := range 40 {
			_ = h.open[0].session.Send(4, append(binary.LittleEndian.AppendUint32(nil, uint32(i)), make([]byte, 1000)...))
		}
		h.open[0].session.Close(wire.CloseKicked)
		s.Run(2 * time.Second)
		c.next = 40
		c.inOrder(t, 0)
	}, wire.CloseKicked, wire.CloseKicked)
}

// TestSimSessionRefusals: who is not let in learns why, also when asking again because the answer was lost.
func TestSimSessionRefusals(t *testing.T) {
	f := func(what string, prepare func(s *Sim, h *echoes) *Client, want wire.Deny) {
		t.Helper()
		sessionSim(t, Config{Seed: 46, SessionsMax: 2}, func(s *Sim, h *echoes) {
			c := prepare(s, h)
			s.Run(10 * time.Second)
			if got := fmt.Sprint(c.Err); got != fmt.Sprintf("handshake: the server refused the connection (reason %d)", want) {
				t.Errorf("%s: %v, want reason %d", what, got, want)
			}
		})
	}
	f("nobody serves them", func(s *Sim, h *echoes) *Client {
		s.config.Sessions = nil
		s.Restart()
		return s.caller(simnet.LinkConfig{}).Client
	}, wire.DenyPurpose)
	f("table full", func(s *Sim, h *echoes) *Client {
		s.caller(simnet.LinkConfig{})
		s.caller(simnet.LinkConfig{})
		s.Run(time.Second)
		return s.caller(simnet.LinkConfig{}).Client
	}, wire.DenyBusy)
	f("refused by the door", func(s *Sim, h *echoes) *Client {
		h.deny = wire.DenyRefused
		return s.caller(simnet.LinkConfig{Loss: 0.5}).Client
	}, wire.DenyRefused)
	f("draining", func(s *Sim, h *echoes) *Client {
		s.Directory.Draining.Store(true)
		return s.caller(simnet.LinkConfig{}).Client
	}, wire.DenyDraining)
	f("with a schema", func(s *Sim, h *echoes) *Client {
		s.Directory.AddSchema([8]byte{1})
		return s.Connect(ClientConfig{Token: s.Mint(token.Private{UserID: [16]byte{1}}, [8]byte{1})})
	}, wire.DenyVersion)
	f("gone", func(s *Sim, h *echoes) *Client {
		c := s.caller(simnet.LinkConfig{})
		s.Run(time.Second)
		h.open[0].session.Close(wire.CloseKicked)
		s.Run(time.Second)
		c.Client.Resume(netip.MustParseAddrPort("10.9.0.3:4000"))
		return c.Client
	}, wire.DenyGone)
}

// TestSimSessionAtRest: sessions without anything to say cost two packets every tenth of their timeout each way.
func TestSimSessionAtRest(t *testing.T) {
	sessionSim(t, Config{Seed: 47}, func(s *Sim, h *echoes) {
		c := s.caller(simnet.LinkConfig{Delay: 10 * time.Millisecond})
		c.config.Token = nil
		s.Until(5*time.Second, opened(c.Client))
		c.say(t, 100)
		s.Run(2 * time.Second)
		before := c.Peer.Stats()
		s.Run(60 * time.Second)
		after := c.Peer.Stats()
		if in, out := after.PacketsIn-before.PacketsIn, after.Out-before.Out; in > 130 || out > 130 || in < 50 { // with an ack of each report
			t.Errorf("%d packets in and %d out in a minute of rest with a timeout of 10 s", in, out)
		}
		if c.Closed() != 0 || len(c.Resumed.Ticket) == 0 {
			t.Errorf("closed for %d", c.Closed())
		}
	})
}

// TestSimSessionAnswersAtOnce: calls one after the other wait for KCP's turn at their sender, not at the server as well.
func TestSimSessionAnswersAtOnce(t *testing.T) {
	sessionSim(t, Config{Seed: 48}, func(s *Sim, h *echoes) {
		c := s.caller(simnet.LinkConfig{})
		if !s.Until(5*time.Second, opened(c.Client)) {
			t.Fatal(c.Err)
		}
		for range 50 {
			heard := len(h.open[0].heard)
			c.say(t, 100)
			s.Until(time.Second, func() bool { return len(h.open[0].heard) > heard })
			at := s.Clock.Now()
			s.Until(time.Second, func() bool { return len(c.back) == int(c.next) })
			if d := s.Clock.Now() - at; d > time.Millisecond {
				t.Fatalf("answer %d took %v", c.next, d)
			}
		}
	})
}
