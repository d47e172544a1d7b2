package peer

import (
	"encoding/binary"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/skirmishgg/skirmish/netcode/simnet"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// seeds are what a simulation runs over: one and the short form in `make test`; `make sim` sets the variables.
func seeds(t *testing.T) (all []uint64, long bool) {
	t.Helper()
	long = os.Getenv("SKIRMISH_SIM_LONG") != ""
	if s := os.Getenv("SKIRMISH_SEED"); s != "" {
		seed, err := strconv.ParseUint(s, 10, 64)
		must(t, err)
		return []uint64{seed}, long
	}
	count := 1
	if s := os.Getenv("SKIRMISH_SIM_COUNT"); s != "" {
		var err error
		count, err = strconv.Atoi(s)
		must(t, err)
	}
	for i := range count {
		all = append(all, uint64(i+1))
	}
	return all, long
}

// TestSimSoak: 25 % loss and as many duplicates, 1,000 ms of latency, 100 ms of jitter that reorders. Goal: no event lost,
// doubled or out of order, no stall, no growth. Method: a numbered event each way every 100 ms, over 20,000 packets, or
// 10^7 in `make sim`.
func TestSimSoak(t *testing.T) {
	all, long := seeds(t)
	packets := 20_000
	if long {
		packets = 10_000_000
	}
	for _, seed := range all {
		link := simnet.LinkConfig{Delay: 500 * time.Millisecond, Jitter: 100 * time.Millisecond, Overtake: true, Loss: 0.25, Duplicate: 0.25}
		w := wireSeed(t, link, wire.SuiteAES128GCM, seed)
		for _, e := range []*end{w.client, w.server} {
			next := uint32(0)
			e.onEv = func(_ uint8, data []byte) {
				if got := binary.LittleEndian.Uint32(data); got != next {
					t.Fatalf("event %d came where %d was due; repeat with: make sim SEED=%d", got, next, seed)
				}
				next++
			}
		}
		sent, mostUnacked := uint32(0), 0
		for tick := 0; tick < packets/2; tick++ {
			if tick%6 == 0 {
				must(t, w.client.SendEvent(0, binary.LittleEndian.AppendUint32(nil, sent), w.now))
				must(t, w.server.SendEvent(1, binary.LittleEndian.AppendUint32(nil, sent), w.now))
				sent++
			}
			w.step(time.Second/60, true)
			mostUnacked = max(mostUnacked, w.client.outbox.Len(), w.server.outbox.Len())
			w.client.snaps, w.client.ticks, w.server.ticks = w.client.snaps[:0], w.client.ticks[:0], w.server.ticks[:0]
			w.client.events, w.server.events = [wire.EventChannels][]string{}, [wire.EventChannels][]string{}
		}
		if mostUnacked > 60 {
			t.Errorf("seed %d: %d events waited at once: the connection stalls; repeat with: make sim SEED=%d", seed, mostUnacked, seed)
		}
		for name, e := range map[string]*end{"client": w.client, "server": w.server} {
			if s, why := e.State(); s != Open || e.Counters.Malformed != 0 {
				t.Errorf("seed %d: the %s is in state %d for %d with %+v", seed, name, s, why, e.Counters)
			}
			if cap(e.outbox0()) > 64<<10 || cap(e.queue.bytes) > messagesMax*2 {
				t.Errorf("seed %d: the %s has grown", seed, name)
			}
		}
	}
}

// outbox0 is the storage behind unacked events, for its size.
func (e *end) outbox0() []byte { return e.outbox.Append(nil, 0) }
