package simnet

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"
)

const ms = time.Millisecond

// near fails unless a count of n trials lies within five standard deviations of its chance.
func near(t *testing.T, what string, count, n int, chance float64) {
	t.Helper()
	want, sigma := float64(n)*chance, math.Sqrt(float64(n)*chance*(1-chance))
	if math.Abs(float64(count)-want) > 5*sigma+1 {
		t.Errorf("%s: %d of %d, want %.0f ± %.0f", what, count, n, want, 5*sigma)
	}
}

// arrivals sends n numbered packets, one each gap, and returns what arrives: number, delay.
type arrived struct {
	number int
	took   time.Duration
	pkt    []byte
}

func arrivals(l *Link, n int, gap time.Duration) (got []arrived) {
	var p [64]byte
	receive := func(until time.Duration) {
		for at, ok := l.Next(); ok && at <= until; at, ok = l.Next() {
			pkt, ok := l.Receive(at)
			if !ok {
				panic("Next said a packet is due")
			}
			number := int(binary.LittleEndian.Uint32(pkt))
			got = append(got, arrived{number, at - time.Duration(number)*gap, bytes.Clone(pkt)})
		}
	}
	for i := range n {
		now := time.Duration(i) * gap
		receive(now)
		binary.LittleEndian.PutUint32(p[:], uint32(i))
		l.Send(now, p[:])
	}
	receive(math.MaxInt64)
	return got
}

func TestPerfectLink(t *testing.T) {
	l := NewLink(LinkConfig{}, 1)
	l.Send(5, []byte("a"))
	l.Send(5, nil)
	for _, want := range []string{"a", ""} {
		pkt, ok := l.Receive(5)
		if !ok || string(pkt) != want {
			t.Fatalf("%q %v, want %q", pkt, ok, want)
		}
	}
	if _, ok := l.Receive(6); ok {
		t.Fatal("a packet too many")
	}
	l.SetConfig(LinkConfig{Delay: 10 * ms})
	l.Send(0, []byte("b"))
	if _, ok := l.Receive(10*ms - 1); ok {
		t.Fatal("early")
	}
	if at, ok := l.Next(); !ok || at != 10*ms {
		t.Fatalf("due at %v %v", at, ok)
	}
	if _, ok := l.Receive(10 * ms); !ok {
		t.Fatal("late")
	}
}

func TestJitterAndOrder(t *testing.T) {
	f := func(c LinkConfig, gap time.Duration, ordered bool) {
		t.Helper()
		const n = 20_000
		got := arrivals(NewLink(c, 7), n, gap)
		least, most, sum := time.Duration(math.MaxInt64), time.Duration(0), time.Duration(0)
		inversions := 0
		for i, a := range got {
			least, most, sum = min(least, a.took), max(most, a.took), sum+a.took
			if i > 0 && a.number < got[i-1].number {
				inversions++
			}
		}
		if len(got) != n {
			t.Fatalf("%d of %d arrived", len(got), n)
		}
		if least < c.Delay-c.Jitter || most > c.Delay+c.Jitter {
			t.Errorf("%+v: took %v to %v", c, least, most)
		}
		if ordered != (inversions == 0) {
			t.Errorf("%+v: %d inversions", c, inversions)
		}
		if gap > 2*c.Jitter || !ordered { // nobody waits for the one before
			if mean := sum / n; mean < c.Delay-c.Jitter/20 || mean > c.Delay+c.Jitter/20 {
				t.Errorf("%+v: mean %v", c, mean)
			}
			if most-least < 2*c.Jitter*99/100 {
				t.Errorf("%+v: jitter reaches from %v to %v only", c, least, most)
			}
		}
	}
	f(LinkConfig{Delay: 25 * ms}, ms, true)
	f(LinkConfig{Delay: 25 * ms, Jitter: 5 * ms}, 16*ms, true)
	f(LinkConfig{Delay: 25 * ms, Jitter: 5 * ms}, ms, true)
	f(LinkConfig{Delay: 25 * ms, Jitter: 5 * ms, Overtake: true}, ms, false)

	// Jitter beyond the delay: never before it was sent.
	for _, a := range arrivals(NewLink(LinkConfig{Delay: ms, Jitter: 20 * ms, Overtake: true}, 1), 1000, ms) {
		if a.took < 0 {
			t.Fatalf("took %v", a.took)
		}
	}
}

func TestIndependentLoss(t *testing.T) {
	const n = 100_000
	for _, chance := range []float64{0, 0.01, 0.05, 0.25, 1} {
		l := NewLink(LinkConfig{Loss: chance}, 3)
		lost, pairs := make([]bool, n), 0
		for i := range lost {
			lost[i] = true
		}
		for _, a := range arrivals(l, n, ms) {
			lost[a.number] = false
		}
		count := 0
		for i := range lost {
			if lost[i] {
				count++
				if i > 0 && lost[i-1] {
					pairs++
				}
			}
		}
		near(t, fmt.Sprint("lost at ", chance), count, n, chance)
		near(t, fmt.Sprint("two in a row at ", chance), pairs, n-1, chance*chance)
		if l.Stats().Lost != uint64(count) || l.Stats().Sent != n || l.Stats().Bytes != 64*n {
			t.Errorf("stats %+v, lost %d", l.Stats(), count)
		}
	}
}

func TestBurstLoss(t *testing.T) {
	f := func(g GilbertElliott, wantLoss, wantRun float64) {
		t.Helper()
		const n = 400_000
		got := arrivals(NewLink(LinkConfig{GE: g}, 11), n, ms)
		lost := n - len(got)
		runs, next := 0, 0
		for _, a := range got {
			if a.number > next {
				runs++
			}
			next = a.number + 1
		}
		share, run := float64(lost)/n, float64(lost)/float64(runs)
		if math.Abs(share-wantLoss) > 0.06*wantLoss || math.Abs(g.Mean()-wantLoss) > 1e-9 {
			t.Errorf("%+v: lost %.4f, Mean %.4f, want %.4f", g, share, g.Mean(), wantLoss)
		}
		if wantRun > 0 && math.Abs(run-wantRun) > 0.06*wantRun {
			t.Errorf("%+v: runs of %.2f, want %.2f", g, run, wantRun)
		}
	}
	f(Bursty(0.02, 4), 0.02, 4)
	f(Bursty(0.10, 8), 0.10, 8)
	f(GilbertElliott{PGB: 0.01, PBG: 0.09, LossBad: 0.5, LossGood: 0.01}, 0.1*0.5+0.9*0.01, 0)
	f(GilbertElliott{LossGood: 0.03}, 0.03, 0)
	if (Bursty(0, 4) != GilbertElliott{}) {
		t.Error("no loss is no chain")
	}
}

func TestReorderDuplicateCorrupt(t *testing.T) {
	const n = 50_000
	l := NewLink(LinkConfig{Delay: 20 * ms, Reorder: 0.1, ReorderBy: 8 * ms, Duplicate: 0.05, Corrupt: 0.02}, 5)
	got := arrivals(l, n, ms)
	copies, held, flipped := map[int]int{}, 0, 0
	for _, a := range got {
		number := int(int32(binary.LittleEndian.Uint32(a.pkt)))
		clean := make([]byte, 64)
		binary.LittleEndian.PutUint32(clean, uint32(number))
		if !bytes.Equal(clean, a.pkt) { // a bit of the zeros behind the number
			flipped++
			continue
		}
		if number < 0 || number >= n { // a bit of the number itself
			flipped++
			continue
		}
		copies[number]++
		if a.took > 20*ms && copies[number] == 1 && a.took <= 28*ms+1 {
			held++
		}
	}
	near(t, "arrivals", len(got)-n, n, 0.05)
	st := l.Stats()
	near(t, "corrupted", int(st.Corrupted), len(got), 0.02)
	near(t, "reordered", int(st.Reordered), n, 0.1)
	if st.Duplicated != uint64(len(got)-n) {
		t.Errorf("duplicated %d, %d more arrived", st.Duplicated, len(got)-n)
	}
	if flipped == 0 || flipped > int(st.Corrupted) {
		t.Errorf("%d of %d corrupted packets seen", flipped, st.Corrupted)
	}
	if held < n/20 {
		t.Errorf("%d packets were held back", held)
	}

	// Exactly one bit.
	zero := make([]byte, 100)
	l = NewLink(LinkConfig{Corrupt: 1}, 9)
	for range 1000 {
		l.Send(0, zero)
		pkt, _ := l.Receive(0)
		ones := 0
		for _, b := range pkt {
			for ; b != 0; b &= b - 1 {
				ones++
			}
		}
		if ones != 1 {
			t.Fatalf("%d bits flipped", ones)
		}
	}
	l.Send(0, nil) // nothing to flip
	if pkt, ok := l.Receive(0); !ok || len(pkt) != 0 {
		t.Fatal("empty packet")
	}
}

func TestRateAndQueue(t *testing.T) {
	// 100 packets of 1,000 B at once into 100 kB/s with room for 20 kB: 20 wait or are on the wire, 10 ms each.
	l := NewLink(LinkConfig{Rate: 100_000, Queue: 20_000, Delay: 5 * ms}, 1)
	for range 100 {
		l.Send(0, make([]byte, 1000))
	}
	if got := l.Stats().Overflowed; got != 80 {
		t.Fatalf("%d overflowed, want 80", got)
	}
	for i := range 20 {
		at, ok := l.Next()
		if want := time.Duration(i+1)*10*ms + 5*ms; !ok || at != want {
			t.Fatalf("packet %d at %v, want %v", i, at, want)
		}
		l.Receive(at)
	}
	// After the queue has drained the link is idle again.
	l.Send(time.Second, make([]byte, 1000))
	if at, _ := l.Next(); at != time.Second+15*ms {
		t.Fatalf("at %v", at)
	}
}

// One changed setting changes nothing else: the same packets are lost.
func TestSettingsAreIndependent(t *testing.T) {
	numbers := func(c LinkConfig) map[int]bool {
		m := map[int]bool{}
		for _, a := range arrivals(NewLink(c, 42), 5000, ms) {
			m[a.number] = true
		}
		return m
	}
	plain := numbers(LinkConfig{Loss: 0.1})
	other := numbers(LinkConfig{Loss: 0.1, Delay: 20 * ms, Jitter: 15 * ms, Duplicate: 0.2, Reorder: 0.2})
	for i := range 5000 {
		if plain[i] != other[i] {
			t.Fatalf("packet %d: lost on one link only", i)
		}
	}
}

var harsh = LinkConfig{
	Delay: 30 * ms, Jitter: 20 * ms, Overtake: true, Loss: 0.05, GE: Bursty(0.02, 4), Reorder: 0.05, Duplicate: 0.1,
	Corrupt: 0.05, Rate: 50_000,
}

// The sum is what this seed gave when it was written: another one means that old seeds no longer repeat old runs.
func TestDeterminism(t *testing.T) {
	run := func(seed uint64) uint64 {
		h := fnv.New64a()
		for _, a := range arrivals(NewLink(harsh, seed), 5000, ms) {
			fmt.Fprintf(h, "%v %x\n", a.took, a.pkt)
		}
		return h.Sum64()
	}
	if a, b := run(1), run(1); a != b {
		t.Fatal("the same seed gave two runs")
	}
	if run(1) == run(2) {
		t.Fatal("two seeds gave the same run")
	}
	const want = 0x8cf0612fa2097e08
	if got := run(1); got != want {
		t.Fatalf("seed 1 gave %#x, want %#x", got, uint64(want))
	}
}

func TestNet(t *testing.T) {
	n := NewNet(1)
	a, b, c := netip.MustParseAddrPort("10.0.0.1:1"), netip.MustParseAddrPort("10.0.0.2:1"), netip.MustParseAddrPort("10.0.0.2:2")
	server := n.Endpoint(a, LinkConfig{}, LinkConfig{})
	client := n.Endpoint(b, LinkConfig{Delay: 10 * ms}, LinkConfig{Delay: 20 * ms})
	expect := func(e *Endpoint, want string) {
		t.Helper()
		pkt, from, ok := e.Receive()
		got := "none"
		if ok {
			got = fmt.Sprintf("%s from %v", pkt, from)
		}
		if got != want {
			t.Fatalf("%q, want %q", got, want)
		}
	}
	client.Send(0, []byte("ask"), a)
	n.Advance(10*ms - 1)
	expect(server, "none")
	n.Advance(10 * ms)
	expect(server, "ask from 10.0.0.2:1")
	expect(server, "none")
	server.Send(10*ms, []byte("answer"), b)
	n.Advance(29 * ms)
	expect(client, "none")
	for at, ok := n.Next(); ok; at, ok = n.Next() {
		n.Advance(at)
	}
	if n.now != 30*ms {
		t.Fatalf("arrived at %v", n.now)
	}
	expect(client, "answer from 10.0.0.1:1")

	// Rebinding: what is under way to the old address is lost, on the link down as well as before it.
	server.Send(30*ms, []byte("one"), b)
	n.Advance(31 * ms)
	client.Rebind(c)
	server.Send(31*ms, []byte("two"), b)
	client.Send(31*ms, []byte("moved"), a)
	n.Advance(100 * ms)
	expect(client, "none")
	expect(server, "moved from 10.0.0.2:2")
	if n.Unroutable() != 2 {
		t.Fatalf("%d unroutable, want 2", n.Unroutable())
	}
	server.Send(100*ms, []byte("three"), c)
	n.Advance(120 * ms)
	expect(client, "three from 10.0.0.1:1")

	client.SetLinks(LinkConfig{Loss: 1}, LinkConfig{})
	client.Send(120*ms, []byte("lost"), a)
	n.Advance(200 * ms)
	expect(server, "none")
	if up, down := client.Stats(); up.Lost != 1 || up.Sent != 3 || down.Sent != 3 {
		t.Fatalf("up %+v down %+v", up, down)
	}
	client.Close()
	server.Send(200*ms, []byte("gone"), c)
	n.Advance(300 * ms)
	if n.Unroutable() != 3 {
		t.Fatal("routed to a closed endpoint")
	}
	n.Endpoint(c, LinkConfig{}, LinkConfig{}) // the address is free again

	defer func() {
		if recover() == nil {
			t.Error("two endpoints on one address")
		}
	}()
	n.Endpoint(a, LinkConfig{}, LinkConfig{})
}

// Many clients, all rebinding at once, twice with the same seed: byte for byte the same.
func TestNetDeterminism(t *testing.T) {
	run := func() uint64 {
		h := fnv.New64a()
		n := NewNet(99)
		addr := func(i, move int) netip.AddrPort {
			return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(move), byte(i >> 8), byte(i)}), 9)
		}
		server := n.Endpoint(addr(0, 9), LinkConfig{}, LinkConfig{})
		clients := make([]*Endpoint, 200)
		for i := range clients {
			clients[i] = n.Endpoint(addr(i, 0), harsh, harsh)
		}
		for tick := range 60 {
			now := time.Duration(tick) * 16 * ms
			n.Advance(now)
			for pkt, from, ok := server.Receive(); ok; pkt, from, ok = server.Receive() {
				fmt.Fprintf(h, "%v %x\n", from, pkt)
				server.Send(now, pkt, from)
			}
			for i, c := range clients {
				for pkt, _, ok := c.Receive(); ok; pkt, _, ok = c.Receive() {
					fmt.Fprintf(h, "%d %x\n", i, pkt)
				}
				if tick == 30 {
					c.Rebind(addr(i, 1))
				}
				c.Send(now, []byte{byte(tick), byte(i)}, server.Addr())
			}
		}
		return h.Sum64()
	}
	if a, b := run(), run(); a != b {
		t.Fatal("the same seed gave two runs")
	}
}

func TestAllocatesNothing(t *testing.T) {
	l := NewLink(harsh, 1)
	pkt := make([]byte, 200)
	now := time.Duration(0)
	step := func() {
		now += 5 * ms
		l.Send(now, pkt)
		for _, ok := l.Receive(now); ok; _, ok = l.Receive(now) {
		}
	}
	n := NewNet(1)
	a := n.Endpoint(netip.MustParseAddrPort("10.0.0.1:1"), harsh, harsh)
	b := n.Endpoint(netip.MustParseAddrPort("10.0.0.2:1"), harsh, harsh)
	netStep := func() {
		n.Advance(now)
		a.Send(now, pkt, b.Addr())
		for _, _, ok := b.Receive(); ok; _, _, ok = b.Receive() {
		}
	}
	for range 20_000 {
		step()
		netStep()
	}
	if n := testing.AllocsPerRun(1000, func() { step(); netStep() }); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}

func TestParseLink(t *testing.T) {
	f := func(text string, want LinkConfig) {
		t.Helper()
		got, err := ParseLink(text)
		if err != nil || got != want {
			t.Errorf("%q: %+v %v, want %+v", text, got, err, want)
		}
	}
	f("", LinkConfig{})
	f("delay=25ms,jitter=5ms loss=5%", LinkConfig{Delay: 25 * ms, Jitter: 5 * ms, Loss: 0.05})
	f("overtake loss=0.25", LinkConfig{Overtake: true, Loss: 0.25})
	f("burst=2%/4", LinkConfig{GE: Bursty(0.02, 4)})
	f("ge=1%/25%/1/0", LinkConfig{GE: GilbertElliott{PGB: 0.01, PBG: 0.25, LossBad: 1}})
	f("reorder=1%/20ms duplicate=0.5% corrupt=0.1%", LinkConfig{Reorder: 0.01, ReorderBy: 20 * ms, Duplicate: 0.005, Corrupt: 0.001})
	f("rate=128k queue=1m", LinkConfig{Rate: 128 << 10, Queue: 1 << 20})

	for _, bad := range []string{
		"speed=1", "delay", "delay=-1ms", "loss=101%", "loss=NaN", "loss=x", "burst=2%", "burst=1/4", "burst=1%/0.5", "ge=1/2",
		"ge=1/2/3/4", "rate=1g", "rate=4000000m", "rate=-1", "reorder=1%/x",
	} {
		if _, err := ParseLink(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		} else if !strings.HasPrefix(err.Error(), "simnet: ") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func BenchmarkLink(b *testing.B) {
	l := NewLink(harsh, 1)
	pkt := make([]byte, 200)
	now := time.Duration(0)
	for b.Loop() {
		now += 5 * ms
		l.Send(now, pkt)
		for _, ok := l.Receive(now); ok; _, ok = l.Receive(now) {
		}
	}
}
