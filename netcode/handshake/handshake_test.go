package handshake

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/skirmishgg/skirmish/netcode/seal"
	"github.com/skirmishgg/skirmish/netcode/token"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

var (
	tokenKey   = token.Key{1}
	ticketKey  = token.Key{2}
	resetKey   = [32]byte{3}
	serverID   = [8]byte{'a', 'r', 'e', 'n', 'a'}
	schema     = [8]byte{7}
	wall       = time.Unix(2_000_000_000, 0)
	serverAddr = netip.MustParseAddrPort("192.0.2.1:7350")
	clientAddr = netip.MustParseAddrPort("198.51.100.9:50000")
)

func random(seed byte) *rand.ChaCha8 { return rand.NewChaCha8([32]byte{seed}) }

// world is one server, the peers it made, and a clock.
type world struct {
	*testing.T
	server   *Server
	now      time.Duration
	out      [wire.MaxDatagram]byte
	capacity wire.Deny
	peers    []*testPeer
}

// testPeer is what a shard would keep.
type testPeer struct {
	keys       seal.Keys
	sealer     *seal.Sealer
	pn         uint64
	accept     Accept
	resumption Resumption
}

func newWorld(t *testing.T) *world {
	w := &world{T: t, now: time.Minute}
	w.server = NewServer(w.config())
	return w
}

func (w *world) config() ServerConfig {
	return ServerConfig{
		ID: serverID, TokenKey: tokenKey, Random: random(1),
		Schemas:  func(s [8]byte) bool { return s == schema },
		Capacity: func(*token.Private, [8]byte) wire.Deny { return w.capacity },
	}
}

func mint(t testing.TB, change func(*token.Private, *token.Options)) *token.Connect {
	t.Helper()
	mints++
	p := token.Private{ServerID: serverID, UserID: [16]byte{1}, MatchID: [16]byte{2}, Suite: wire.SuiteAES128GCM, Timeout: 5 * time.Second, Username: "zoe"}
	o := token.Options{Schema: schema, Expiry: wall.Add(30 * time.Second), Addresses: []netip.AddrPort{serverAddr}, Random: random(mints)}
	if change != nil {
		change(&p, &o)
	}
	c, err := token.Mint(&tokenKey, p, o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var mints byte

func (w *world) handle(pkt []byte, from netip.AddrPort) ([]byte, *Accepted) {
	reply, accepted := w.server.Handle(pkt, from, w.now, wall.Add(w.now-time.Minute), w.out[:0])
	if len(reply) > len(pkt) {
		w.Fatalf("%d bytes answer %d", len(reply), len(pkt))
	}
	return bytes.Clone(reply), accepted
}

// accept makes a peer of a, as a shard would, and gives its ACCEPT.
func (w *world) accept(a *Accepted) []byte {
	if !a.Again {
		p := &testPeer{keys: a.Keys, sealer: seal.NewSealer(a.Keys, seal.S2C, a.Schema)}
		cid := uint32(len(w.peers))<<8 | 1
		p.accept = w.acceptFor(cid, 1, a.From.Addr(), a.Private.Suite)
		w.peers = append(w.peers, p)
		w.server.SetRoute(a, uint64(len(w.peers)))
	}
	p := w.peers[a.Route-1]
	p.pn++
	return bytes.Clone(SealAccept(w.out[:0], p.sealer, p.pn-1, &p.accept))
}

func (w *world) acceptFor(cid, ticketSeq uint32, ip netip.Addr, suite wire.Suite) Accept {
	a := Accept{CID: cid, TickRate: 60, ServerTick: 1000, MaxPayload: wire.MaxDatagram, Timeout: 5 * time.Second,
		ResetToken: ResetToken(&resetKey, cid, ip), Secret: [32]byte{byte(cid >> 8), byte(ticketSeq)}}
	ticket := token.Ticket{CID: cid, Seq: ticketSeq, Secret: a.Secret, Schema: schema, Suite: suite, Issued: wall}
	a.Ticket = token.SealTicket(nil, &ticketKey, &ticket, [24]byte{byte(cid), byte(ticketSeq)})
	return a
}

// request is the first datagram of a client with this token.
func request(t testing.TB, c *token.Connect) []byte {
	t.Helper()
	pkt, _, _ := NewClient(c, random(9)).Next(0)
	return bytes.Clone(pkt)
}

// response runs the first round trip and gives the client and its RESPONSE.
func (w *world) response(c *token.Connect) (*Client, []byte) {
	w.Helper()
	client := NewClient(c, random(9))
	pkt, _, _ := client.Next(w.now)
	challenge, _ := w.handle(pkt, clientAddr)
	if len(challenge) != wire.ChallengeSize {
		w.Fatalf("REQUEST is answered by %x; %+v", challenge, w.server.Counters)
	}
	if _, err := client.Receive(challenge, serverAddr, w.now); err != nil {
		w.Fatal(err)
	}
	pkt, _, _ = client.Next(w.now)
	if len(pkt) != wire.RequestSize || pkt[0] != byte(wire.FormResponse) {
		w.Fatalf("CHALLENGE is answered by %d bytes; %+v", len(pkt), client.Counters)
	}
	return client, bytes.Clone(pkt)
}

func (w *world) connect(c *token.Connect) *Result {
	w.Helper()
	client, pkt := w.response(c)
	_, accepted := w.handle(pkt, clientAddr)
	if accepted == nil {
		w.Fatalf("RESPONSE is refused: %+v", w.server.Counters)
	}
	if done, err := client.Receive(w.accept(accepted), serverAddr, w.now); !done || err != nil {
		w.Fatalf("ACCEPT is refused: %v, %+v", err, client.Counters)
	}
	return client.Result()
}

func TestConnect(t *testing.T) {
	for _, suite := range []wire.Suite{wire.SuiteChaCha20Poly1305, wire.SuiteAES128GCM} {
		w := newWorld(t)
		r := w.connect(mint(t, func(p *token.Private, _ *token.Options) { p.Suite = suite }))
		p := w.peers[0]
		if r.Keys != p.keys || r.Keys.Suite != suite || r.Schema != schema || r.Addr != serverAddr || r.PacketNumber != 0 {
			t.Errorf("result %+v", r)
		}
		if got, want := fmt.Sprint(r.Accept), fmt.Sprint(p.accept); got != want {
			t.Errorf("accepted with %s, want %s", got, want)
		}
		if want := (Counters{Challenged: 1, Accepted: 1}); w.server.Counters != want {
			t.Errorf("counters %+v, want %+v", w.server.Counters, want)
		}
	}
}

// An identical RESPONSE gets the same connection's ACCEPT under the next packet number; anything else with the token is
// refused for good.
func TestResponseAgain(t *testing.T) {
	w := newWorld(t)
	c := mint(t, nil)
	client, pkt := w.response(c)
	other, pkt2 := w.response(c)

	_, a := w.handle(pkt, clientAddr)
	lost := w.accept(a)
	w.now += 2 * time.Second
	_, a = w.handle(pkt, clientAddr)
	if a == nil || !a.Again || a.Route != 1 {
		t.Fatalf("the same RESPONSE again: %+v", a)
	}
	again := w.accept(a)
	if len(w.peers) != 1 || bytes.Equal(lost, again) || again[1] != 1 {
		t.Fatal("the same RESPONSE makes a second peer, or repeats a packet")
	}
	if done, err := client.Receive(again, serverAddr, w.now); !done || err != nil {
		t.Fatalf("the second ACCEPT is refused: %v", err)
	}
	if _, err := other.Receive(lost, serverAddr, w.now); err != nil || other.Done() {
		t.Error("an ACCEPT for another RESPONSE is taken")
	}
	deny, a := w.handle(pkt2, clientAddr)
	if a != nil {
		t.Fatal("a token is good twice")
	}
	wantDenied(t, other, deny, wire.DenyReused)
	if w.server.Counters.Reused != 1 || w.server.Counters.Again != 1 {
		t.Errorf("counters %+v", w.server.Counters)
	}
}

func wantDenied(t *testing.T, c *Client, pkt []byte, want wire.Deny) {
	t.Helper()
	_, err := c.Receive(bytes.Clone(pkt), serverAddr, 0)
	if denied, ok := err.(*DeniedError); !ok || denied.Reason != want {
		t.Errorf("client says %v to %x, want reason %d", err, pkt, want)
	}
}

// Every way to be refused, its answer and its counter.
func TestRefusals(t *testing.T) {
	silent := wire.Deny(0)
	f := func(what string, want Counters, reason wire.Deny, c *token.Connect, pkt []byte, w *world) {
		t.Helper()
		w.server.Counters = Counters{}
		reply, accepted := w.handle(pkt, clientAddr)
		if accepted != nil {
			t.Errorf("%s: accepted", what)
		}
		if w.server.Counters != want {
			t.Errorf("%s: counters %+v, want %+v", what, w.server.Counters, want)
		}
		if reason == silent {
			if reply != nil {
				t.Errorf("%s: answered", what)
			}
			return
		}
		client := NewClient(c, random(9))
		client.Next(0)
		wantDenied(t, client, reply, reason)
	}
	change := func(b []byte, at int) []byte {
		b = bytes.Clone(b)
		b[at] ^= 1
		return b
	}
	w := newWorld(t)
	c := mint(t, nil)
	req := request(t, c)
	_, resp := w.response(c)

	f("empty", Counters{Form: 1}, silent, c, nil, w)
	f("another form", Counters{Form: 1}, silent, c, []byte{0x83, 0}, w)
	f("a byte short", Counters{Size: 1}, silent, c, req[:1199], w)
	f("a byte long", Counters{Size: 1}, silent, c, append(bytes.Clone(req), 0), w)
	f("steered elsewhere", Counters{Malformed: 1}, silent, c, change(req, 1), w)
	f("padding", Counters{Malformed: 1}, silent, c, change(req, 1199), w)
	f("padding of RESPONSE", Counters{Malformed: 1}, silent, c, change(resp, responseEnd), w)
	f("expiry", Counters{Forged: 1}, silent, c, change(req, 12), w)
	f("expiry in years", Counters{ExpiryFar: 1}, silent, c, change(req, 16), w)
	f("nonce", Counters{Forged: 1}, silent, c, change(req, 20), w)
	f("private part", Counters{Forged: 1}, silent, c, change(req, 500), w)
	f("private part of RESPONSE", Counters{Forged: 1}, silent, c, change(resp, 500), w)
	f("token nonce of RESPONSE", Counters{CookieMoved: 1}, silent, c, change(resp, 20), w)
	f("cookie", Counters{CookieForged: 1}, silent, c, change(resp, wire.RequestHead+50), w)
	f("box", Counters{BoxForged: 1}, silent, c, change(resp, responseBox), w)
	f("tag of box", Counters{BoxForged: 1}, silent, c, change(resp, responseEnd-1), w)
	w.now += 11 * time.Second
	f("old cookie", Counters{CookieOld: 1}, silent, c, resp, w)

	reply, _ := w.handle(change(req, 2), clientAddr)
	if !bytes.Equal(reply, []byte{0x84, 0, 1}) {
		t.Errorf("another version is answered by %x", reply)
	}
	reply, _ = w.handle(change(req, 4), clientAddr)
	if !bytes.Equal(reply, []byte{0x84, 0, 1}) {
		t.Errorf("another schema is answered by %x", reply)
	}

	w = newWorld(t)
	_, resp = w.response(c)
	w.server = NewServer(w.config()) // started again: other cookies
	w.server.cookies = newCookies(random(200))
	f("cookie of an earlier life", Counters{CookieForged: 1}, silent, c, resp, w)

	foreign := mint(t, func(p *token.Private, _ *token.Options) { p.ServerID = [8]byte{9} })
	f("another server", Counters{Audience: 1}, wire.DenyAudience, foreign, request(t, foreign), w)
	expired := mint(t, func(_ *token.Private, o *token.Options) { o.Expiry = wall })
	f("expired", Counters{Expired: 1}, wire.DenyExpired, expired, request(t, expired), w)
	w.capacity = wire.DenyDraining
	f("draining", Counters{Capacity: 1}, wire.DenyDraining, c, req, w)
	w.capacity = 0

	short := mint(t, func(_ *token.Private, o *token.Options) { o.Expiry = wall.Add(2 * time.Second) })
	_, resp = w.response(short)
	w.now += 3 * time.Second
	f("expired between", Counters{Expired: 1}, wire.DenyExpired, short, resp, w)

	config := w.config()
	config.UsedMax = 1
	w.server = NewServer(config)
	for range 12 { // the smallest table takes 12
		w.connect(mint(t, nil))
	}
	_, resp = w.response(c)
	f("table full", Counters{Busy: 1}, wire.DenyBusy, c, resp, w)
}

// A captured RESPONSE is worth nothing elsewhere, before and after its client used it.
func TestReplayFromElsewhere(t *testing.T) {
	w := newWorld(t)
	_, resp := w.response(mint(t, nil))
	for _, from := range []string{"203.0.113.5:50000", "198.51.100.9:50001"} {
		if reply, a := w.handle(resp, netip.MustParseAddrPort(from)); a != nil || reply != nil {
			t.Errorf("a RESPONSE replayed from %s is answered", from)
		}
	}
	if _, a := w.handle(resp, clientAddr); a == nil {
		t.Fatal("refused")
	}
	if reply, a := w.handle(resp, netip.MustParseAddrPort("203.0.113.5:50000")); a != nil || reply != nil {
		t.Error("a used RESPONSE replayed from elsewhere is answered")
	}
	if w.server.Counters.CookieMoved != 3 {
		t.Errorf("counters %+v", w.server.Counters)
	}
}

func TestDenyAfterAccepted(t *testing.T) {
	w := newWorld(t)
	client, pkt := w.response(mint(t, nil))
	_, a := w.handle(pkt, clientAddr)
	wantDenied(t, client, w.server.Deny(w.out[:0], a, wire.DenyRefused), wire.DenyRefused)
}

// Every bit of REQUEST and RESPONSE matters: none can be flipped without a refusal.
func TestBitFlips(t *testing.T) {
	w := newWorld(t)
	c := mint(t, nil)
	req := request(t, c)
	_, resp := w.response(c)
	for _, pkt := range [][]byte{req, resp} {
		before := w.server.Counters
		for bit := range 8 * len(pkt) {
			bad := bytes.Clone(pkt)
			bad[bit/8] ^= 1 << (bit % 8)
			if reply, a := w.handle(bad, clientAddr); a != nil || len(reply) > wire.DenyPlainSize {
				t.Fatalf("form %#x with bit %d flipped is taken", pkt[0], bit)
			}
		}
		if w.server.Counters.Challenged != before.Challenged || w.server.Counters.Accepted != before.Accepted {
			t.Fatal("a flipped bit went unnoticed")
		}
		for n := range pkt {
			if reply, a := w.handle(pkt[:n], clientAddr); a != nil || reply != nil {
				t.Fatalf("form %#x cut to %d bytes is answered", pkt[0], n)
			}
		}
	}
	if _, a := w.handle(resp, clientAddr); a == nil {
		t.Fatal("after all this the RESPONSE itself is refused")
	}
}

// To an address that has not answered a challenge no answer is larger than its cause: random and nearly right datagrams
// of every form, of every size, to everything that answers strangers.
func TestAmplification(t *testing.T) {
	r := rand.New(random(77))
	w := newWorld(t)
	resetter := NewResetter(&resetKey, [16]byte{1}, 1)
	c := mint(t, nil)
	_, resp := w.response(c)
	accept := w.acceptFor(0x101, 1, clientAddr.Addr(), wire.SuiteAES128GCM)
	resume := AppendResume(nil, accept.CID, accept.Ticket, &accept.Secret, wire.SuiteAES128GCM, [16]byte{}, random(4))
	foreign := mint(t, func(p *token.Private, _ *token.Options) { p.ServerID = [8]byte{9} })
	seeds := [][]byte{request(t, c), resp, request(t, foreign), resume, {0x40, 1, 0, 0, 0, 0}, {0xC0}, {0xFF, 0xFF, 0xFF, 0xFF}}
	answered := 0
	for i := range 60_000 {
		pkt := make([]byte, r.IntN(wire.MaxDatagram+100))
		for j := range pkt {
			pkt[j] = byte(r.Uint32())
		}
		switch i % 4 {
		case 0:
			if len(pkt) > 0 {
				pkt[0] = []byte{0x40, 0x47, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0xC0, 0xFF}[r.IntN(12)]
			}
		case 1:
			pkt = bytes.Clone(seeds[r.IntN(len(seeds))])
			pkt[r.IntN(len(pkt))] = byte(r.Uint32())
		case 2:
			pkt = bytes.Clone(seeds[r.IntN(len(seeds))])
			pkt = pkt[:r.IntN(len(pkt)+1)]
		case 3:
			pkt = bytes.Clone(seeds[r.IntN(len(seeds))])
		}
		w.capacity = []wire.Deny{0, wire.DenyFull, Elsewhere}[r.IntN(3)]
		from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{203, 0, byte(i >> 8), byte(i)}), uint16(i))
		w.now += time.Millisecond
		if w.now > 80*time.Second {
			w.now = time.Minute
		}
		for _, reply := range [][]byte{first(w.handle(pkt, from)), resetter.Reply(pkt, from, w.now, w.out[:0]), w.resume(pkt)} {
			if len(reply) > len(pkt) {
				t.Fatalf("%d bytes %x… are answered by %d", len(pkt), pkt[0], len(reply))
			}
			if len(reply) > 0 {
				answered++
			}
		}
	}
	if answered < 5_000 {
		t.Fatalf("only %d answers: the test does not reach what it is about", answered)
	}
}

func first(reply []byte, _ *Accepted) []byte { return reply }

// resume answers RESUME as a shard would that knows no peer for odd sequences, and every peer for even ones.
func (w *world) resume(pkt []byte) []byte {
	r, err := OpenResume(&ticketKey, pkt, wall)
	if err == ErrResumeExpired {
		return DenyResume(w.out[:0], &r, w.server.config.Random, wire.DenyExpired)
	}
	if err != nil {
		return nil
	}
	if w.now%2 == 0 {
		return DenyResume(w.out[:0], &r, w.server.config.Random, wire.DenyGone)
	}
	a := w.acceptFor(0x201, 2, clientAddr.Addr(), r.Ticket.Suite)
	random := [16]byte{5}
	return SealResumed(w.out[:0], seal.NewSealer(r.Keys(random), seal.S2C, r.Ticket.Schema), random, 0, &a)
}

func TestSiphash(t *testing.T) {
	var key [16]byte
	var in [15]byte
	for i := range key {
		key[i] = byte(i)
	}
	for i := range in {
		in[i] = byte(i)
	}
	k0, k1 := binary.LittleEndian.Uint64(key[:]), binary.LittleEndian.Uint64(key[8:])
	if got := siphash(k0, k1, in[:]); got != 0xa129ca6149be45e5 { // the paper's appendix A
		t.Errorf("%#x", got)
	}
}

// What a flood of made-up datagrams meets costs no garbage.
func TestForgedAllocs(t *testing.T) {
	w := newWorld(t)
	c := mint(t, nil)
	req := request(t, c)
	_, resp := w.response(c)
	req[500] ^= 1
	resp[wire.RequestHead+40] ^= 1 // the cookie
	version := bytes.Clone(req)
	version[2] ^= 1
	for _, pkt := range [][]byte{req, resp, version, req[:100]} {
		if n := testing.AllocsPerRun(1000, func() { w.server.Handle(pkt, clientAddr, w.now, wall, w.out[:0]) }); n != 0 {
			t.Errorf("%v allocations to refuse form %#x of %d bytes", n, pkt[0], len(pkt))
		}
	}
}

func BenchmarkServer(b *testing.B) {
	s := NewServer(ServerConfig{ID: serverID, TokenKey: tokenKey, Random: random(1), UsedMax: 1 << 15})
	var out [wire.MaxDatagram]byte
	type attempt struct{ request, response []byte }
	attempts := make([]attempt, 0, 20_000)
	rnd := random(5)
	p := token.Private{ServerID: serverID, Suite: wire.SuiteAES128GCM, Timeout: time.Second}
	for range cap(attempts) {
		c, err := token.Mint(&tokenKey, p, token.Options{Expiry: wall.Add(30 * time.Second), Addresses: []netip.AddrPort{serverAddr}, Random: rnd})
		if err != nil {
			b.Fatal(err)
		}
		client := NewClient(c, rnd)
		req, _, _ := client.Next(0)
		req = bytes.Clone(req)
		challenge, _ := s.Handle(req, clientAddr, 0, wall, out[:0])
		client.Receive(challenge, serverAddr, 0)
		resp, _, _ := client.Next(0)
		attempts = append(attempts, attempt{req, bytes.Clone(resp)})
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%len(attempts) == 0 {
			b.StopTimer()
			s.used.forget(0)
			s.used.forget(1)
			b.StartTimer()
		}
		a := attempts[i%len(attempts)]
		s.Handle(a.request, clientAddr, 0, wall, out[:0])
		_, accepted := s.Handle(a.response, clientAddr, 0, wall, out[:0])
		if accepted == nil {
			b.Fatalf("%+v", s.Counters)
		}
		// What the shard adds: both ciphers and ACCEPT with its ticket.
		sealer := seal.NewSealer(accepted.Keys, seal.S2C, accepted.Schema)
		seal.NewOpener(accepted.Keys, seal.C2S, accepted.Schema)
		ticket := token.Ticket{CID: 1, Suite: accepted.Private.Suite, Issued: wall}
		a2 := Accept{CID: 1, MaxPayload: 1200, Timeout: time.Second, Ticket: token.SealTicket(nil, &ticketKey, &ticket, [24]byte{})}
		a2.ResetToken = ResetToken(&resetKey, 1, clientAddr.Addr())
		SealAccept(out[:0], sealer, 0, &a2)
	}
}

func BenchmarkRequestForged(b *testing.B) {
	s := NewServer(ServerConfig{ID: serverID, TokenKey: tokenKey, Random: random(1)})
	req := request(b, mint(b, nil))
	req[100] ^= 1
	var out [wire.MaxDatagram]byte
	b.ReportAllocs()
	for b.Loop() {
		s.Handle(req, clientAddr, 0, wall, out[:0])
	}
}
