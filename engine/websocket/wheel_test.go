package websocket

import (
	"math/rand/v2"
	"testing"
	"time"
)

// Against a plain list: every entry comes up once, never before its time and at most a tick late.
func TestWheel(t *testing.T) {
	const tick = 100 * time.Millisecond
	w := &wheel{tick: tick}
	r := rand.New(rand.NewPCG(1, 2))
	want := map[*Conn]time.Duration{}
	now := time.Duration(0)
	var conns []*Conn
	for range 300 {
		c := &Conn{}
		c.timer.conn = c
		conns = append(conns, c)
	}
	for range 5000 {
		c := conns[r.IntN(len(conns))]
		at := now + time.Duration(r.IntN(120_000))*time.Millisecond
		w.look(&c.timer, at)
		if old, ok := want[c]; !ok || at < old {
			want[c] = at
		}
		if r.IntN(50) == 0 {
			w.unlinkForTest(&c.timer)
			delete(want, c)
		}
		now += time.Duration(r.IntN(400)) * time.Millisecond
		if r.IntN(200) == 0 {
			now += 2 * time.Minute // more than a round
		}
		for _, c := range w.advance(now, nil) {
			at, ok := want[c]
			if !ok || at > now {
				t.Fatalf("at %v an entry of %v came up (known: %v)", now, at, ok)
			}
			delete(want, c)
		}
		for c, at := range want {
			if at+tick <= now {
				t.Fatalf("at %v the entry of %v has not come up (%d)", now, at, c.timer.due)
			}
		}
	}
	c := conns[0]
	w.remove(&c.timer)
	w.look(&c.timer, now)
	if list := w.advance(now+time.Hour, nil); containsConn(list, c) {
		t.Error("a removed entry came up")
	}
}

func (w *wheel) unlinkForTest(e *entry) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.unlink(e)
}

func containsConn(list []*Conn, c *Conn) bool {
	for _, other := range list {
		if other == c {
			return true
		}
	}
	return false
}
