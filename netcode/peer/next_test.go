package peer

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skirmishgg/skirmish/netcode/simnet"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// TestServiceOnlyWhenNextSays: goal: an owner that calls Service at Next and after each packet only, loses nothing to one
// that calls it all the time. Method: streams, events, messages, a rebind and silence over a lossy link; whatever was sent
// arrives, nobody times out, and a connection at rest is called about as often as its keep-alive asks.
func TestServiceOnlyWhenNextSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := wire2(t, simnet.LinkConfig{Delay: 20 * time.Millisecond, Jitter: 5 * time.Millisecond, Loss: 0.2}, wire.SuiteAES128GCM)
		const rest = 2 * time.Second
		w.client.c.KeepAlive, w.server.c.KeepAlive = rest, rest
		calls := 0
		run := func(d time.Duration) {
			for until := w.now + d; w.now < until; {
				time.Sleep(time.Millisecond)
				w.now += time.Millisecond
				w.net.Advance(w.now)
				for _, e := range []*end{w.server, w.client} {
					for pkt, from, ok := e.net.Receive(); ok; pkt, from, ok = e.net.Receive() {
						e.Receive(pkt, from, w.now, e)
					}
					if e.Next(w.now) <= w.now {
						calls++
						e.Service(w.now, out{e, w.now})
					}
				}
			}
		}
		for i := range 20 {
			must(t, w.client.SendStream(4, fmt.Appendf(nil, "ask %d", i)))
			must(t, w.server.SendStream(4, make([]byte, 3000)))
			must(t, w.client.SendEvent(0, []byte{byte(i)}, w.now))
			must(t, w.server.SendEvent(0, []byte{byte(i)}, w.now))
			if i == 10 {
				w.client.net.Rebind(elsewhere)
			}
			run(300 * time.Millisecond)
		}
		run(5 * time.Second)
		if len(w.server.stream) != 20 || len(w.client.stream) != 20 || len(w.server.events[0]) != 20 || len(w.client.events[0]) != 20 {
			t.Errorf("%d asks, %d answers, %d and %d events arrived of 20", len(w.server.stream), len(w.client.stream), len(w.server.events[0]), len(w.client.events[0]))
		}
		if w.server.Addr() != elsewhere {
			t.Errorf("server sends to %v", w.server.Addr())
		}
		calls = 0
		run(20 * time.Second)
		if s, _ := w.server.State(); s != Open || calls > 2*20/2*4 {
			t.Errorf("state %d, %d calls of Service in 20 s of rest", s, calls)
		}
		w.client.net.SetLinks(simnet.LinkConfig{Loss: 1}, simnet.LinkConfig{Loss: 1})
		run(11 * time.Second)
		if s, why := w.client.State(); s != Closed || why != wire.CloseTimeout {
			t.Errorf("state %d for %d after 11 s of silence", s, why)
		}
	})
}

// TestHeldStreamWaits: what arrives while a stream is held waits in order, the other end stops when the window is full, and
// all of it comes once the stream is released.
func TestHeldStreamWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := wire2(t, simnet.LinkConfig{Delay: 5 * time.Millisecond, Loss: 0.05}, wire.SuiteAES128GCM)
		w.client.c.RateBytes = 4 << 20
		var want []string
		run := func(steps int) {
			for range steps {
				time.Sleep(5 * time.Millisecond)
				w.step(5*time.Millisecond, false)
				if msg := fmt.Sprintf("%d %s", len(want), make([]byte, 1000)); len(want) < 800 && w.client.SendStream(4, []byte(msg)) == nil {
					want = append(want, msg)
				}
			}
		}
		w.server.HoldStream(4)
		run(2000)
		if len(w.server.stream) != 0 {
			t.Fatalf("%d messages came through a held stream", len(w.server.stream))
		}
		if len(want) == 800 {
			t.Fatal("the sender was never pushed back")
		}
		w.server.ReleaseStream(5, w.now, w.server) // another one
		w.server.ReleaseStream(4, w.now, w.server)
		run(2000)
		if len(want) != 800 || !slices.Equal(w.server.stream, want) {
			t.Errorf("%d of %d messages, in order: %v", len(w.server.stream), len(want), slices.Equal(w.server.stream, want[:len(w.server.stream)]))
		}
	})
}

// lines keeps what Service sends.
type lines struct {
	buf  []byte
	sent [][]byte
}

func (l *lines) Buffer() []byte { return l.buf }

func (l *lines) Queue(n int, _ netip.AddrPort) { l.sent = append(l.sent, slices.Clone(l.buf[:n])) }

// TestRestartIsInEveryPacket: of a resumed client without memory whichever packet arrives first says so, one with nothing
// but a stream too: or the server would take the new stream's first segment for one it has had, and ack it away.
func TestRestartIsInEveryPacket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := wire2(t, simnet.LinkConfig{}, wire.SuiteAES128GCM)
		must(t, w.client.SendStream(4, []byte("old")))
		w.run(100 * time.Millisecond)
		keys, accept := otherKeys(w.server.c.Keys), acceptFor(0x0900_0001)
		w.server.BeginResume(w.server.buf, keys, [16]byte{1}, &accept, clientAddr)
		conf := w.client.c
		conf.Keys, conf.CID, conf.Restart = keys, accept.CID, true
		p := New(conf, w.now)
		must(t, p.SendStream(4, []byte("new")))
		must(t, p.SendUnreliable(0, make([]byte, 3000)))
		l := &lines{buf: make([]byte, 1500)}
		p.Service(w.now, l)
		pieces := len(l.sent)
		time.Sleep(100 * time.Millisecond) // until the bucket has room for bulk
		p.Service(w.now+100*time.Millisecond, l)
		if pieces != 3 || len(l.sent) < 4 {
			t.Fatalf("%d packets, %d of them pieces", len(l.sent), pieces)
		}
		w.server.stream = nil
		w.server.Receive(l.sent[3], clientAddr, w.now, w.server) // the stream's; the others are lost
		if w.server.Counters.Restarted != 1 || !slices.Equal(w.server.stream, []string{"new"}) {
			t.Errorf("restarted %d times, stream %q", w.server.Counters.Restarted, w.server.stream)
		}
	})
}
