package loop

import (
	"crypto/rand"
	"net/netip"
	"testing"
	"time"

	"github.com/skirmishgg/skirmish/engine/clock"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// TestAdmitComesBeforeAnyWork: a REQUEST of an address that may not ask is dropped before it is looked at, and only that.
func TestAdmitComesBeforeAnyWork(t *testing.T) {
	blocked := netip.MustParseAddr("203.0.113.9")
	l := NewControl(Config{
		Random: rand.Reader, Clock: clock.Real{}, Wall: time.Now, Directory: NewDirectory(),
		Admit: func(from netip.Addr, _ time.Duration) bool { return from != blocked },
	})
	request := make([]byte, wire.RequestSize)
	request[0] = byte(wire.FormRequest)
	for _, from := range []netip.Addr{blocked, netip.MustParseAddr("203.0.113.10"), blocked} {
		l.Handle(request, netip.AddrPortFrom(from, 4000), time.Second, make([]byte, 0, 1500))
	}
	response := append([]byte{byte(wire.FormResponse)}, request[1:]...)
	l.Handle(response, netip.AddrPortFrom(blocked, 4000), time.Second, make([]byte, 0, 1500))
	l.Idle(time.Second)
	if s := l.Stats(); s.Limited != 2 {
		t.Errorf("%d requests were turned away, want 2", s.Limited)
	}
}
