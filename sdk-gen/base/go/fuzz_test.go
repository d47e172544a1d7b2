package skirmish_test

import (
	"testing"
	"time"

	"github.com/skirmishgg/skirmish/netcode/simnet"
	skirmish "github.com/skirmishgg/skirmish/sdk-gen/base/go"
)

// FuzzReceive: whatever arrives, a Conn neither panics nor ends, before its connection opens and after: nothing here can
// be authentic.
func FuzzReceive(f *testing.F) {
	l := newLab(f, 1)
	open := l.join(simnet.LinkConfig{})
	l.run(2 * time.Second)
	opening := l.join(simnet.LinkConfig{Loss: 1})
	l.run(10 * ms)
	resuming := l.join(simnet.LinkConfig{})
	l.run(2 * time.Second)
	resuming.Conn.Lost()
	conns := []*skirmish.Conn{open.Conn, opening.Conn, resuming.Conn}
	phases := []skirmish.Phase{skirmish.Connected, skirmish.Connecting, skirmish.Resuming}
	f.Add([]byte{})
	f.Add([]byte{0x40, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18})
	f.Add(append([]byte{0xC0}, make([]byte, 16)...))
	for form := byte(0x80); form < 0x88; form++ {
		f.Add(append([]byte{form, 0, 1}, make([]byte, 300)...))
	}
	f.Fuzz(func(t *testing.T, pkt []byte) {
		for i, c := range conns {
			c.Receive(append([]byte(nil), pkt...), l.addr(), l.Clock.Now())
			if c.Phase() != phases[i] {
				t.Fatalf("phase %d became %d: %v", phases[i], c.Phase(), c.Err())
			}
		}
	})
}
