package query

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/skirmishgg/skirmish/protocol/wire"
)

var (
	asker  = netip.MustParseAddrPort("192.168.1.20:40000")
	public = netip.MustParseAddrPort("203.0.113.9:27005")

	someInfo = Info{Name: "Skirmish – Köln #1", Map: "crossfire", Folder: "skirmish", Game: "Arena", Players: 13, Max: 16, Bots: 12,
		Kind: 'd', System: 'l', Version: "1.2.0", Port: 7350, Keywords: "60hz,teams"}
	somePlayers = []Player{{"Ada", 12, 95 * time.Second}, {"Bo", -1, 1500 * time.Millisecond}}
	someRules   = []Rule{{"friendly_fire", "0"}, {"tick_rate", "60"}}
	someServer  = Server{ID: [8]byte{1, 2, 3, 4, 5, 6, 7, 8}, Version: wire.Version, Schema: [8]byte{8, 7, 6, 5, 4, 3, 2, 1}, Port: 7350, APIPort: 7351,
		Players: 13, Max: 16, TLS: true, Name: "Küche", Game: "Arena", Map: "crossfire", Build: "1.2.0"}
)

func newResponder(t testing.TB, c Config) *Responder {
	t.Helper()
	if c.Random == nil {
		c.Random = rand.NewChaCha8([32]byte{1})
	}
	r := New(c)
	r.SetInfo(&someInfo)
	r.SetPlayers(somePlayers)
	r.SetRules(someRules)
	r.SetServer(&someServer)
	return r
}

// TestServerQueries plays the asker's side of each kind: a challenge first, the answer for it second.
func TestServerQueries(t *testing.T) {
	r := newResponder(t, Config{})
	f := func(kind byte, want any, parse func([]byte) (any, bool)) {
		t.Helper()
		out := make([]byte, wire.MaxDatagram)
		challenge, ok := ParseChallenge(r.Handle(AppendAsk(nil, kind, 0), public, time.Minute, out))
		if !ok {
			t.Fatalf("%c: no challenge", kind)
		}
		got, ok := parse(r.Handle(AppendAsk(nil, kind, challenge), public, time.Minute, out))
		if !ok || !reflect.DeepEqual(got, want) {
			t.Errorf("%c: got %+v %v, want %+v", kind, got, ok, want)
		}
	}
	f(wire.QueryInfo, someInfo, func(b []byte) (any, bool) { return pair(ParseInfo(b)) })
	f(wire.QueryPlayers, somePlayers, func(b []byte) (any, bool) { return pair(ParsePlayers(b)) })
	f(wire.QueryRules, someRules, func(b []byte) (any, bool) { return pair(ParseRules(b)) })
	if c := r.Counters; c.Challenged != 3 || c.Info != 1 || c.Players != 1 || c.Rules != 1 {
		t.Errorf("counters %+v", c)
	}
}

func pair[T any](v T, ok bool) (any, bool) { return v, ok }

func TestDiscovery(t *testing.T) {
	r := newResponder(t, Config{})
	nonce, out := [8]byte{9, 9, 1}, make([]byte, wire.MaxDatagram)
	reply := r.Handle(AppendDiscover(nil, nonce, 0), asker, 0, out)
	challenge, ok := ParseLANChallenge(reply, nonce)
	if !ok {
		t.Fatalf("no challenge in %x", reply)
	}
	if _, ok := ParseLANChallenge(reply, [8]byte{1}); ok {
		t.Error("took an answer to another question")
	}
	reply = r.Handle(AppendDiscover(nil, nonce, challenge), asker, 0, out)
	if got, ok := ParseServer(reply, nonce); !ok || got != someServer {
		t.Errorf("got %+v %v, want %+v", got, ok, someServer)
	}
}

// TestDiscoveryIsForLANs: nobody across the internet learns that a LAN server is here, nor hears a byte from it.
func TestDiscoveryIsForLANs(t *testing.T) {
	f := func(from string, answered bool) {
		t.Helper()
		r := newResponder(t, Config{})
		reply := r.Handle(AppendDiscover(nil, [8]byte{1}, 0), netip.AddrPortFrom(netip.MustParseAddr(from), 4000), 0, make([]byte, wire.MaxDatagram))
		if (reply != nil) != answered {
			t.Errorf("%s: answered %v, want %v", from, reply != nil, answered)
		}
		if want := uint64(1); !answered && r.Counters.Foreign != want {
			t.Errorf("%s: Foreign = %d", from, r.Counters.Foreign)
		}
	}
	for _, a := range []string{"10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.0.9", "169.254.3.4", "127.0.0.1", "::1", "fe80::1%eth0", "fd12::7", "::ffff:10.1.2.3"} {
		f(a, true)
	}
	for _, a := range []string{"8.8.8.8", "172.32.0.1", "100.64.0.1", "192.169.0.1", "2001:db8::1", "::ffff:8.8.8.8"} {
		f(a, false)
	}
}

// TestChallengeBelongsToAnAddress: another port, another address, or a minute later it is worth nothing.
func TestChallengeBelongsToAnAddress(t *testing.T) {
	r := newResponder(t, Config{})
	out := make([]byte, wire.MaxDatagram)
	at := 10 * wire.ChallengeWindow
	challenge, _ := ParseChallenge(r.Handle(AppendAsk(nil, wire.QueryRules, 0), public, at, out))
	f := func(from netip.AddrPort, now time.Duration, answered bool) {
		t.Helper()
		_, got := ParseRules(r.Handle(AppendAsk(nil, wire.QueryRules, challenge), from, now, out))
		if got != answered {
			t.Errorf("%s at %s: answered %v, want %v", from, now, got, answered)
		}
	}
	f(public, at, true)
	f(netip.AddrPortFrom(public.Addr(), public.Port()+1), at, false)
	f(netip.AddrPortFrom(public.Addr().Next(), public.Port()), at, false)
	f(netip.AddrPortFrom(netip.AddrFrom16(public.Addr().As16()), public.Port()), at, true) // the same one, mapped
	f(public, at+2*wire.ChallengeWindow-1, true)
	f(public, at+2*wire.ChallengeWindow, false)
}

// TestAmplification: whatever comes, from wherever, an answer that did not cost its asker a challenge is not larger than
// the question, no answer exceeds a datagram, and no answer is a question to another server.
func TestAmplification(t *testing.T) {
	r := newResponder(t, Config{Rate: 1 << 20, Burst: 1 << 20, Total: 1 << 30})
	rng := rand.New(rand.NewPCG(1, 2))
	out, again := make([]byte, wire.MaxDatagram), make([]byte, wire.MaxDatagram)
	answered := 0
	for i := range 200_000 {
		pkt := question(rng)
		from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(i), byte(i >> 8), 1}), uint16(1+rng.IntN(65535)))
		reply := r.Handle(pkt, from, time.Duration(i)*time.Millisecond, out)
		if len(reply) > len(pkt) {
			t.Fatalf("%d bytes answered %d: %x to %x", len(pkt), len(reply), pkt, reply)
		}
		if reply == nil {
			continue
		}
		answered++
		if r.Handle(reply, from, time.Duration(i)*time.Millisecond, again) != nil {
			t.Fatalf("an answer was answered: %x", reply)
		}
	}
	if answered < 10_000 {
		t.Errorf("only %d of the questions made sense: the generator is off", answered)
	}
	for _, answer := range [][]byte{r.info, r.players, r.rules, r.server} {
		if r.Handle(answer, asker, 0, again) != nil {
			t.Errorf("an answer was answered: %x", answer)
		}
	}
}

// question makes datagrams around the formats: whole, cut, padded, with flipped bits, with made-up challenges.
func question(rng *rand.Rand) []byte {
	kinds := []byte{wire.QueryInfo, wire.QueryPlayers, wire.QueryRules, 'W', 'i', wire.QueryChallenge}
	var pkt []byte
	if rng.IntN(3) == 0 {
		pkt = AppendDiscover(nil, [8]byte{byte(rng.Uint32())}, uint64(rng.IntN(2))*rng.Uint64())
	} else {
		pkt = AppendAsk(nil, kinds[rng.IntN(len(kinds))], uint32(rng.IntN(2))*rng.Uint32())
	}
	switch rng.IntN(4) {
	case 0:
		pkt = pkt[:rng.IntN(len(pkt)+1)]
	case 1:
		pkt = append(pkt, make([]byte, rng.IntN(1300))...)
	case 2:
		pkt[rng.IntN(len(pkt))] ^= 1 << rng.IntN(8)
	}
	return pkt
}

// TestLimitPerNetwork: one /24 or /56 gets its share, neighbours in it share it, others are not touched; the bucket
// fills again with time; and a flood of made-up askers leaves the answers of those who hold a challenge alone.
func TestLimitPerNetwork(t *testing.T) {
	c := Config{Rate: 10, Burst: 20, Total: 100_000}
	out := make([]byte, wire.MaxDatagram)
	spend := func(r *Responder, from func(i int) string, now time.Duration) (got int) {
		for i := range 100 {
			addr := netip.AddrPortFrom(netip.MustParseAddr(from(i)), 2000)
			if r.Handle(AppendAsk(nil, wire.QueryInfo, 0), addr, now, out) != nil {
				got++
			}
		}
		return got
	}
	r := newResponder(t, c)
	v4 := func(i int) string { return fmt.Sprintf("203.0.113.%d", i) }
	v6 := func(i int) string { return fmt.Sprintf("2001:db8:1:2%02x::%d", i, i) }
	if got := spend(r, v4, time.Second); got != 20 {
		t.Errorf("a /24 got %d answers at once, want 20", got)
	}
	if got := spend(r, v6, time.Second); got != 20 {
		t.Errorf("a /56 got %d answers at once, want 20", got)
	}
	if got := spend(r, func(i int) string { return fmt.Sprintf("203.0.%d.1", 114+i) }, time.Second); got != 100 {
		t.Errorf("100 other networks got %d answers, want 100", got)
	}
	if got := spend(r, v4, 2*time.Second); got != 10 {
		t.Errorf("a second later the /24 got %d, want 10", got)
	}
	if r.Counters.Limited != 80+80+90 {
		t.Errorf("Limited = %d", r.Counters.Limited)
	}

	r = newResponder(t, c)
	challenge, _ := ParseChallenge(r.Handle(AppendAsk(nil, wire.QueryInfo, 0), public, 0, out))
	spend(r, v4, 0) // strangers who claim to be neighbours of public
	if _, ok := ParseInfo(r.Handle(AppendAsk(nil, wire.QueryInfo, challenge), public, 0, out)); !ok {
		t.Error("a flood of questions took the answer of one who held a challenge")
	}
}

// TestLimitTotal: networks that nobody has seen cannot get more than the total, whatever they make up, and the table
// stays as it is.
func TestLimitTotal(t *testing.T) {
	r := newResponder(t, Config{Total: 1000})
	out := make([]byte, wire.MaxDatagram)
	rng := rand.New(rand.NewPCG(3, 4))
	answered := 0
	for i := range 1_000_000 { // 100,000 a second, for 10 s
		from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{byte(1 + rng.IntN(200)), byte(rng.Uint32()), byte(rng.Uint32()), 7}), 99)
		if r.Handle(AppendAsk(nil, wire.QueryPlayers, 0), from, time.Duration(i)*10*time.Microsecond, out) != nil {
			answered++
		}
	}
	if answered > 1000*10+101 || answered < 9_000 {
		t.Errorf("%d answers in 10 s, want about 10,000", answered)
	}
	if c := r.Counters; c.Challenged+c.Limited+c.Full != 1_000_000 {
		t.Errorf("counters do not add up: %+v", c)
	}
}

func TestSilence(t *testing.T) {
	out := make([]byte, wire.MaxDatagram)
	r := New(Config{Random: rand.NewChaCha8([32]byte{2})})
	for _, kind := range []byte{wire.QueryInfo, wire.QueryPlayers, wire.QueryRules} {
		if r.Handle(AppendAsk(nil, kind, 0), public, 0, out) != nil {
			t.Errorf("%c: answered with nothing to say", kind)
		}
	}
	if r.Handle(AppendDiscover(nil, [8]byte{}, 0), asker, 0, out) != nil || r.Counters.Unset != 4 {
		t.Errorf("Unset = %d, want 4", r.Counters.Unset)
	}
	r = newResponder(t, Config{})
	f := func(hexed string) {
		t.Helper()
		pkt, err := hex.DecodeString(strings.ReplaceAll(hexed, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		before := r.Counters.Malformed
		if r.Handle(pkt, public, 0, out) != nil || r.Counters.Malformed != before+1 {
			t.Errorf("%s: not refused as malformed", hexed)
		}
	}
	f("ff ff ff ff")
	f("ff ff ff fd 54")
	f("ff ff ff ff 55")                                     // PLAYER without room for a challenge
	f("ff ff ff ff 57")                                     // the old way to ask for a challenge
	f("ff ff ff ff 69")                                     // the old ping
	f("ff ff ff ff 54 53 6f 75 72 63 65")                   // cut
	f("ff ff ff fe 01 00 00 00 00 00 00 00 00 00 00 00 00") // LAN, cut
	for _, from := range []string{"203.0.113.9:0", "255.255.255.255:9", "224.0.0.251:5353", "0.0.0.0:9", "[::]:9", "[ff02::1]:9", "[::ffff:255.255.255.255]:9"} {
		if r.Handle(AppendAsk(nil, wire.QueryInfo, 0), netip.MustParseAddrPort(from), 0, out) != nil {
			t.Errorf("answered %s", from)
		}
	}
}

// TestFits: facts of any size give whole answers of at most one datagram whose counts are true.
func TestFits(t *testing.T) {
	r := newResponder(t, Config{})
	long := strings.Repeat("ü", 3000) + "\xff\x00"
	r.SetInfo(&Info{Name: long, Map: long, Folder: long, Game: long, Version: long, Keywords: long, AppID: 1 << 20, Port: 1})
	r.SetServer(&Server{Name: long, Game: long, Map: long, Build: long})
	r.SetPlayers(make([]Player, 300))
	if p, ok := ParsePlayers(r.players); !ok || len(p) != (wire.MaxDatagram-6)/10 {
		t.Errorf("%d of 300 nameless players fit, want %d", len(p), (wire.MaxDatagram-6)/10)
	}
	many, rules := make([]Player, 300), make([]Rule, 300)
	for i := range many {
		many[i] = Player{Name: long}
		rules[i] = Rule{long, long}
	}
	r.SetPlayers(many)
	r.SetRules(rules)
	for _, answer := range [][]byte{r.info, r.players, r.rules, r.server} {
		if len(answer) > wire.MaxDatagram {
			t.Errorf("answer of %d bytes", len(answer))
		}
	}
	i, ok := ParseInfo(r.info)
	if !ok || i.Name != strings.Repeat("ü", 64) || i.AppID != 1<<20 {
		t.Errorf("info %+v %v", i, ok)
	}
	if p, ok := ParsePlayers(r.players); !ok || len(p) == 0 || p[0].Name != strings.Repeat("ü", 16) {
		t.Errorf("players %+v %v", p, ok)
	}
	if got, ok := ParseRules(r.rules); !ok || len(got) != 3 {
		t.Errorf("%d rules %v", len(got), ok)
	}
	if s, ok := ParseServer(r.server, [8]byte{}); !ok || s.Name != strings.Repeat("ü", 50) {
		t.Errorf("server %+v %v", s, ok)
	}
}

// TestForeignServer reads what a server that is not ours sent: Team Fortress 2 with a challenge, as captured in
// hyperxpro/SourceEngineQueryCacher, issue 20. The asker's question in that capture is ours, byte for byte.
func TestForeignServer(t *testing.T) {
	unhex := func(s string) []byte { b, _ := hex.DecodeString(s); return b }
	if got := AppendAsk(nil, wire.QueryInfo, 0); !bytes.Equal(got, unhex("ffffffff54536f7572636520456e67696e6520517565727900")) {
		t.Errorf("question %x", got)
	}
	challenge, ok := ParseChallenge(unhex("ffffffff4129f9d53c"))
	if !ok {
		t.Fatal("challenge refused")
	}
	if got := AppendAsk(nil, wire.QueryInfo, challenge); !bytes.Equal(got, unhex("ffffffff54536f7572636520456e67696e652051756572790029f9d53c")) {
		t.Errorf("question with challenge %x", got)
	}
	got, ok := ParseInfo(unhex("ffffffff49114c696e757847534d006b6f74685f686172766573745f6576656e74007466005465616d20466f72747265737300" +
		"b801002000646c00013638333038393900b1876907f8d10be648400163702c696e637265617365645f6d6178706c617965727300b801000000000000"))
	want := Info{Name: "LinuxGSM", Map: "koth_harvest_event", Folder: "tf", Game: "Team Fortress", AppID: 440, Max: 32, Kind: 'd', System: 'l',
		Version: "6830899", Port: 27015, Keywords: "cp,increased_maxplayers"}
	if !ok || got != want {
		t.Errorf("got %+v %v, want %+v", got, ok, want)
	}
}

func TestHandleAllocates(t *testing.T) {
	r := newResponder(t, Config{Rate: 1 << 20, Burst: 1 << 20, Total: 1 << 30})
	out := make([]byte, wire.MaxDatagram)
	first := AppendAsk(nil, wire.QueryInfo, 0)
	challenge, _ := ParseChallenge(r.Handle(first, public, 0, out))
	second, discover := AppendAsk(nil, wire.QueryInfo, challenge), AppendDiscover(nil, [8]byte{}, 0)
	if n := testing.AllocsPerRun(1000, func() {
		r.Handle(first, public, 0, out)
		r.Handle(second, public, 0, out)
		r.Handle(discover, asker, 0, out)
		r.Handle(discover, public, 0, out)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkChallenge(b *testing.B) {
	r := newResponder(b, Config{Rate: 1 << 30, Burst: 1 << 20, Total: 1 << 30})
	out, pkt := make([]byte, wire.MaxDatagram), AppendAsk(nil, wire.QueryInfo, 0)
	for i := 0; b.Loop(); i++ {
		r.Handle(pkt, public, time.Duration(i)*time.Microsecond, out)
	}
}
