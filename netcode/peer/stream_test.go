package peer

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/skirmishgg/skirmish/netcode/channel"
	"github.com/skirmishgg/skirmish/netcode/simnet"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// TestStreams: bulk both ways over a lossy link, inside virtual time because KCP reads the clock itself.
func TestStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := wire2(t, simnet.LinkConfig{Delay: 20 * time.Millisecond, Jitter: 5 * time.Millisecond, Loss: 0.05}, wire.SuiteAES128GCM)
		msg := make([]byte, 50_000)
		for i := range msg {
			msg[i] = byte(i * 7)
		}
		must(t, w.client.SendStream(4, msg))
		must(t, w.server.SendStream(5, msg[:10_000]))
		for range 240 * 8 {
			time.Sleep(time.Second / 240)
			w.step(time.Second/240, false)
		}
		if len(w.server.stream) != 1 || w.server.stream[0] != string(msg) {
			t.Errorf("server got %d messages", len(w.server.stream))
		}
		if len(w.client.stream) != 1 || w.client.stream[0] != string(msg[:10_000]) {
			t.Errorf("client got %d messages", len(w.client.stream))
		}
	})
}

// TestStreamPushesBack: a sender that can wait is told to; one that cannot is closed once the other end is hopelessly
// behind.
func TestStreamPushesBack(t *testing.T) {
	w := wire2(t, simnet.LinkConfig{Loss: 1}, wire.SuiteAES128GCM)
	msg := make([]byte, 1000)
	taken := 0
	for w.client.SendStream(4, msg) == nil {
		taken++
	}
	if err := w.client.SendStream(4, msg); err != channel.ErrBackpressure || taken != 2*channel.StreamWindow {
		t.Errorf("%v after %d segments", err, taken)
	}
	for w.client.PushStream(4, msg, 0) == nil {
		taken++
	}
	if s, why := w.client.State(); s != Closing || why != wire.CloseOverflow || taken != 8*channel.StreamWindow {
		t.Errorf("state %d for %d after %d segments", s, why, taken)
	}
}

// TestSimBulkKeepsItsPlace: goal: bulk gets most of its 64 KB/s, on a clean link without sending anything twice, and ticks
// go on meanwhile. Method: a second of bulk waits at all times.
func TestSimBulkKeepsItsPlace(t *testing.T) {
	f := func(rtt time.Duration, loss float64, least, twiceMax float64) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			w := wire2(t, simnet.LinkConfig{Delay: rtt / 2, Loss: loss}, wire.SuiteAES128GCM)
			const seconds, size = 20, 8000
			for i := range seconds * 240 {
				_ = w.server.SendStream(6, make([]byte, size)) // refused while enough waits
				time.Sleep(time.Second / 240)
				w.step(time.Second/240, i%4 == 0)
			}
			got := float64(len(w.client.stream)*size) / seconds
			sent := float64(w.server.stats.BytesOut)/seconds - 60*40
			t.Logf("RTT %v, loss %.0f %%: %.1f KB/s arrived, %.1f sent", rtt, loss*100, got/1024, sent/1024)
			if got < least*rateDefault || sent > got*twiceMax || len(w.client.snaps) < int((1-loss)*seconds*60*0.95) {
				t.Errorf("%.1f KB/s arrived of %.1f sent, %d snapshots", got/1024, sent/1024, len(w.client.snaps))
			}
		})
	}
	f(50*time.Millisecond, 0, 0.85, 1.1)
	f(200*time.Millisecond, 0, 0.85, 1.1)
	f(50*time.Millisecond, 0.05, 0.7, 1.25)
}
