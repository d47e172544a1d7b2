package loop

import (
	"crypto/rand"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/skirmishgg/skirmish/engine/clock"
	"github.com/skirmishgg/skirmish/netcode/handshake"
	"github.com/skirmishgg/skirmish/netcode/seal"
	"github.com/skirmishgg/skirmish/netcode/token"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// everybody is let in and says nothing.
type everybody struct{ open []*Session }

func (e *everybody) Open(s *Session, _ *token.Private) (Receiver, wire.Deny) {
	e.open = append(e.open, s)
	return e, 0
}

func (e *everybody) Message(uint8, []byte) bool { return true }
func (e *everybody) Room()                      {}
func (e *everybody) Restarted()                 {}
func (e *everybody) Closed(wire.Close)          {}

// nowhere is a socket that nothing comes to and everything is lost from.
type nowhere struct{ out [wire.MaxDatagram]byte }

func (n *nowhere) Buffer() []byte            { return n.out[:] }
func (n *nowhere) Queue(int, netip.AddrPort) {}

// TestSessionsAtRest: goal: what sessionsDefault says of memory, and that a turn of thousands of sessions at rest allocates
// nothing. Method: sessions admitted without a network; then each sends one message.
func TestSessionsAtRest(t *testing.T) {
	const count = 2000
	door, at := &everybody{}, clock.NewManual(time.Second)
	l := NewControl(Config{
		Random: rand.Reader, Clock: at, Wall: time.Now, Directory: NewDirectory(), Sessions: door, SessionsMax: count,
	})
	l.sessions.sender = &nowhere{}
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	var out [wire.MaxDatagram]byte
	a := handshake.Accepted{From: netip.MustParseAddrPort("192.0.2.1:4000")}
	a.Private.Suite, a.Private.Timeout = wire.SuiteAES128GCM, 25*time.Second
	a.Keys = seal.DeriveSession([32]byte{1}, [32]byte{2}, [16]byte{3}, [16]byte{4}, wire.SuiteAES128GCM)
	for range count {
		if reply := l.sessions.admit(&a, out[:0], at.Now()); len(reply) == 0 || reply[0] != byte(wire.FormAccept) {
			t.Fatalf("answered by %x", reply)
		}
	}
	rest := (heap() - before) / count
	if l.SessionCount() != count || rest > 8<<10 {
		t.Errorf("%d sessions of %d B", l.SessionCount(), rest)
	}
	turn := func() {
		at.Advance(serviceEvery)
		l.sessions.turn(at.Now())
	}
	began := time.Now()
	for range 300 { // a keep-alive of each
		turn()
	}
	took := time.Since(began) / 300
	if n := testing.AllocsPerRun(200, turn); n != 0 {
		t.Errorf("a turn allocates %v times", n)
	}
	for _, s := range door.open {
		if err := s.Send(wire.CallChannel, make([]byte, 200)); err != nil {
			t.Fatal(err)
		}
	}
	turn()
	used := (heap() - before) / count
	if used > 64<<10 {
		t.Errorf("%d B with a stream in use", used)
	}
	t.Logf("%d B at rest, %d with a stream in use; a turn of 10 ms takes %v with %d at rest", rest, used, took, count)
	if l.sessions.admit(&a, out[:0], at.Now()); l.SessionCount() != count || l.sessions.counters.Denied[wire.DenyBusy] != 1 {
		t.Errorf("%d sessions where %d may be", l.SessionCount(), count)
	}
	runtime.KeepAlive(door)
}
