package handshake

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/skirmishgg/skirmish/netcode/seal"
	"github.com/skirmishgg/skirmish/netcode/seq"
	"github.com/skirmishgg/skirmish/netcode/token"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// Goal: the test vectors in protocol/wire/testdata are what this code does. Method: everything random is drawn from a
// fixed seed, so a run makes the same bytes every time and compares them with the files; -rewrite writes the files.
// Another reader, which shares no code with this one, checks the files in protocol/wire.
var rewrite = flag.Bool("rewrite", false, "write the test vectors instead of comparing them")

// object is a JSON object; encoding/json sorts its keys.
type object map[string]any

func h(b []byte) string { return hex.EncodeToString(b) }

func vectors(t *testing.T, name string, v any) {
	t.Helper()
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("..", "..", "protocol", "wire", "testdata", name)
	if *rewrite {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, buf.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(buf.Bytes(), want) {
		t.Errorf("%s is not what this code makes; if the change is meant, run: go test ./netcode/handshake -run Vectors -rewrite", path)
	}
}

func vectorToken(t *testing.T, suite wire.Suite, seed byte) *token.Connect {
	t.Helper()
	p := token.Private{
		ServerID: serverID, UserID: fill16(0x10), SessionID: fill16(0x20), MatchID: fill16(0x30), Shard: 3, Suite: suite,
		Timeout: 5 * time.Second, VarsDigest: [32]byte{0x40, 0x41}, Username: "zoë", GameData: []byte{0xCA, 0xFE},
	}
	c, err := token.Mint(&tokenKey, p, token.Options{
		Schema: schema, Expiry: wall.Add(30 * time.Second), Random: random(seed),
		Addresses: []netip.AddrPort{serverAddr, netip.MustParseAddrPort("[2001:db8::1]:65535")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func fill16(start byte) (b [16]byte) {
	for i := range b {
		b[i] = start + byte(i)
	}
	return b
}

func TestVectorsToken(t *testing.T) {
	session, err := token.Mint(&tokenKey, token.Private{Suite: wire.SuiteChaCha20Poly1305, Timeout: token.TimeoutMin}, token.Options{
		Expiry: wall, Random: random(51), Addresses: []netip.AddrPort{serverAddr}})
	if err != nil {
		t.Fatal(err)
	}
	largest, err := token.Mint(&tokenKey, token.Private{
		ServerID: serverID, MatchID: fill16(1), Shard: 255, Suite: wire.SuiteAES128GCM, Timeout: token.TimeoutMax,
		Username: strings.Repeat("u", wire.MaxUsername), GameData: bytes.Repeat([]byte{0xAB}, wire.MaxGameData),
	}, token.Options{Schema: schema, Expiry: wall, Random: random(52), Addresses: many(wire.MaxAddresses)})
	if err != nil {
		t.Fatal(err)
	}
	var tokens []object
	for _, c := range []struct {
		name string
		*token.Connect
	}{{"match", vectorToken(t, wire.SuiteAES128GCM, 50)}, {"session", session}, {"largest", largest}} {
		p, err := token.Open(&tokenKey, c.Version, c.Schema, c.Expiry, c.Nonce[:], c.Private[:])
		if err != nil {
			t.Fatal(err)
		}
		var addresses []string
		for _, a := range c.Addresses {
			addresses = append(addresses, a.String())
		}
		tokens = append(tokens, object{
			"name": c.name, "token_key": h(tokenKey[:]), "bytes": h(c.Marshal()), "text": c.Text(),
			"version": c.Version, "schema": h(c.Schema[:]), "expiry": c.Expiry, "timeout_ms": c.Timeout.Milliseconds(),
			"suite": c.Suite, "key_c2s": h(c.Keys[0][:]), "key_s2c": h(c.Keys[1][:]), "nonce": h(c.Nonce[:]), "addresses": addresses,
			"private": object{
				"server_id": h(p.ServerID[:]), "user_id": h(p.UserID[:]), "session_id": h(p.SessionID[:]), "match_id": h(p.MatchID[:]),
				"shard": p.Shard, "suite": p.Suite, "timeout_ms": p.Timeout.Milliseconds(), "vars_digest": h(p.VarsDigest[:]),
				"username": p.Username, "game_data": h(p.GameData),
			},
		})
	}

	var refused []object
	refuse := func(name string, change func([]byte) []byte) {
		b := change(vectorToken(t, wire.SuiteAES128GCM, 50).Marshal())
		if _, err := token.Parse(b); err == nil {
			t.Errorf("%s: parses", name)
		}
		refused = append(refused, object{"name": name, "bytes": h(b)})
	}
	const countAt = 2 + 8 + 8 + 2 + 1 + 64 + 24 + 768
	set := func(at int, x byte) func([]byte) []byte {
		return func(b []byte) []byte { b[at] = x; return b }
	}
	refuse("another version", set(0, 2))
	refuse("unknown suite", set(20, 3))
	refuse("timeout below 100 ms", func(b []byte) []byte { b[18], b[19] = 99, 0; return b })
	refuse("no addresses", func(b []byte) []byte { b[countAt] = 0; return b[:countAt+1] })
	refuse("an address missing", set(countAt, 3))
	refuse("an address too many", set(countAt, 1))
	refuse("an address of no kind", set(countAt+1, 5))
	refuse("port 0", func(b []byte) []byte { b[countAt+6], b[countAt+7] = 0, 0; return b })
	refuse("IPv4 in IPv6 form", func(b []byte) []byte {
		copy(b[countAt+9:], make([]byte, 10))
		b[countAt+19], b[countAt+20] = 0xFF, 0xFF
		return b
	})
	refuse("cut", func(b []byte) []byte { return b[:len(b)-1] })

	var tickets []object
	for i, suite := range []wire.Suite{wire.SuiteChaCha20Poly1305, wire.SuiteAES128GCM} {
		k := token.Ticket{CID: 0xA1B2C301, Seq: uint32(i) + 1, Secret: [32]byte{0x50, byte(i)}, Schema: schema, Suite: suite,
			UserID: fill16(0x10), MatchID: fill16(0x30), SessionID: fill16(0x20), Issued: wall.Add(123 * time.Millisecond)}
		var nonce [24]byte
		random(53 + byte(i)).Read(nonce[:])
		tickets = append(tickets, object{
			"ticket_key": h(ticketKey[:]), "bytes": h(token.SealTicket(nil, &ticketKey, &k, nonce)), "nonce": h(nonce[:]),
			"cid": k.CID, "seq": k.Seq, "secret": h(k.Secret[:]), "schema": h(k.Schema[:]), "suite": k.Suite,
			"user_id": h(k.UserID[:]), "match_id": h(k.MatchID[:]), "session_id": h(k.SessionID[:]), "issued_ms": k.Issued.UnixMilli(),
		})
	}
	vectors(t, "token.json", object{"tokens": tokens, "refused": refused, "tickets": tickets})
}

func many(n int) (a []netip.AddrPort) {
	for i := range n {
		a = append(a, netip.AddrPortFrom(netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 15: byte(i)}), uint16(i+1)))
	}
	return a
}

func TestVectorsData(t *testing.T) {
	var numbers []object
	number := func(pn, acked, received uint64) {
		n := seq.PacketNumberLen(pn, acked)
		b := seq.AppendPacketNumber(nil, pn, n)
		if got := seq.Rebuild(seq.ReadPacketNumber(b, n), n, received); got != pn {
			t.Errorf("%d acked %d received %d rebuilds to %d", pn, acked, received, got)
		}
		numbers = append(numbers, object{"packet_number": pn, "largest_acked": acked, "largest_received": received, "bytes": h(b)})
	}
	number(0, 0, 0)
	number(127, 0, 0)
	number(128, 0, 0)
	number(256, 200, 255)
	number(255, 200, 256)
	number(32767, 0, 32766)
	number(32768, 0, 1)
	number(1<<23-1, 0, 12345)
	number(1<<23, 0, 12345)
	number(1<<30, 1<<30-100, 1<<30-1)
	number(1<<40+5, 1<<40-1, 1<<40+100)

	var packets []object
	for _, suite := range []wire.Suite{wire.SuiteChaCha20Poly1305, wire.SuiteAES128GCM} {
		keys := seal.DeriveSession([32]byte{0x60}, [32]byte{0x61}, fill16(0x62), fill16(0x63), suite)
		for _, d := range []seal.Direction{seal.C2S, seal.S2C} {
			s := seal.NewSealer(keys, d, schema)
			packet := func(pn, acked uint64, plain string) {
				b := make([]byte, 0, wire.MaxDatagram)
				if d == seal.C2S {
					b = seal.AppendClientHeader(b, 0xA1B2C301, pn, acked)
				} else {
					b = seal.AppendServerHeader(b, pn, acked)
				}
				header := h(b)
				key := keys.Of(d)
				for range seal.Epoch(pn) {
					key = key.Next()
				}
				b = s.Seal(append(b, plain...), len(b), pn)
				packets = append(packets, object{
					"suite": suite, "to_server": d == seal.C2S, "schema": h(schema[:]),
					"token_key_c2s": h(append([]byte{0x60}, make([]byte, 31)...)), "token_key_s2c": h(append([]byte{0x61}, make([]byte, 31)...)),
					"server_random": h(fill(0x62)), "client_random": h(fill(0x63)),
					"packet_number": pn, "largest_acked": acked, "epoch": seal.Epoch(pn), "key": h(key.Key[:]), "iv": h(key.IV[:]),
					"header": header, "plaintext": h([]byte(plain)), "datagram": h(b),
				})
			}
			packet(0, 0, "\x08\x00\x00")
			packet(1, 0, "")
			packet(300, 0, "the quick brown fox jumps over the lazy dog")
			packet(70_000, 69_990, strings.Repeat("\xA5", 1100))
			packet(1<<30-1, 1<<30-5, "last of epoch 0")
			packet(1<<30, 1<<30-5, "first of epoch 1")
			packet(2<<30+7, 1<<30, "epoch 2, four bytes of packet number")
		}
	}
	vectors(t, "data.json", object{"packet_numbers": numbers, "packets": packets})
}

func fill(start byte) []byte { b := fill16(start); return b[:] }

func TestVectorsHandshake(t *testing.T) {
	var connects, resumes []object
	for i, suite := range []wire.Suite{wire.SuiteChaCha20Poly1305, wire.SuiteAES128GCM} {
		w := newWorld(t)
		c := vectorToken(t, suite, 60+byte(i))
		client := NewClient(c, random(62+byte(i)))
		req, _, _ := client.Next(w.now)
		req = bytes.Clone(req)
		challenge, _ := w.handle(req, clientAddr)
		client.Receive(bytes.Clone(challenge), serverAddr, w.now)
		resp, _, _ := client.Next(w.now)
		resp = bytes.Clone(resp)
		_, a := w.handle(resp, clientAddr)
		accept := w.acceptFor(0xA1B2C301, 1, clientAddr.Addr(), suite)
		accept.ServerTick, accept.TickRate = 123456, 128
		sealer := seal.NewSealer(a.Keys, seal.S2C, a.Schema)
		var acceptPkts []string
		for pn := range uint64(2) {
			acceptPkts = append(acceptPkts, h(SealAccept(w.out[:0], sealer, pn, &accept)))
		}
		pkt, _ := hex.DecodeString(acceptPkts[1])
		if done, err := client.Receive(pkt, serverAddr, w.now); !done || err != nil {
			t.Fatal(err)
		}

		w.capacity = wire.DenyFull
		deny, _ := w.handle(req, clientAddr)
		w.capacity = Elsewhere
		elsewhere, _ := w.handle(req, clientAddr)
		version := bytes.Clone(req)
		version[2]++
		denyVersion, _ := w.handle(version, clientAddr)
		connects = append(connects, object{
			"suite": suite, "token": h(c.Marshal()), "client_address": clientAddr.String(),
			"request": h(req), "challenge": h(challenge), "response": h(resp), "accepts": acceptPkts,
			"server_random": h(mustOpen(t, challenge, 1, suite, &c.Keys[1])[:16]), "client_random": h(client.clientRandom[:]),
			"keys": keysObject(a.Keys), "accept": acceptObject(&accept),
			"deny_full": h(deny), "elsewhere": h(elsewhere), "deny_version": h(denyVersion),
		})

		r := client.Result()
		again := NewResume(w.resumable(r), random(70+byte(i)))
		resume, _, _ := again.Next(w.now)
		resume = bytes.Clone(resume)
		opened, err := OpenResume(&ticketKey, resume, wall)
		if err != nil {
			t.Fatal(err)
		}
		serverRandom := fill16(0x70)
		accept2 := w.acceptFor(0x00000502, 2, clientAddr.Addr(), suite)
		sealer = seal.NewSealer(opened.Keys(serverRandom), seal.S2C, schema)
		resumed := bytes.Clone(SealResumed(w.out[:0], sealer, serverRandom, 0, &accept2))
		gone := bytes.Clone(DenyResume(w.out[:0], &opened, random(72), wire.DenyGone))
		if done, err := again.Receive(bytes.Clone(resumed), serverAddr, w.now); !done || err != nil {
			t.Fatal(err)
		}
		resumes = append(resumes, object{
			"suite": suite, "schema": h(schema[:]), "cid": r.CID, "secret": h(r.Secret[:]), "ticket": h(r.Ticket), "ticket_key": h(ticketKey[:]),
			"resume": h(resume), "client_random": h(opened.ClientRandom[:]), "server_random": h(serverRandom[:]),
			"resumed": h(resumed), "keys": keysObject(opened.Keys(serverRandom)), "accept": acceptObject(&accept2), "deny_gone": h(gone),
		})
	}
	vectors(t, "handshake.json", object{"connects": connects, "resumes": resumes, "token_key": h(tokenKey[:])})
}

func mustOpen(t *testing.T, pkt []byte, at int, suite wire.Suite, key *[32]byte) []byte {
	t.Helper()
	plain, ok := openBox(pkt, at, suite, key)
	if !ok {
		t.Fatalf("form %#x does not open", pkt[0])
	}
	return plain
}

func keysObject(k seal.Keys) object {
	return object{"c2s": h(k.C2S.Key[:]), "c2s_iv": h(k.C2S.IV[:]), "s2c": h(k.S2C.Key[:]), "s2c_iv": h(k.S2C.IV[:])}
}

func acceptObject(a *Accept) object {
	return object{
		"cid": a.CID, "tick_rate": a.TickRate, "server_tick": a.ServerTick, "max_payload": a.MaxPayload,
		"timeout_ms": a.Timeout.Milliseconds(), "reset_token": h(a.ResetToken[:]), "secret": h(a.Secret[:]), "ticket": h(a.Ticket),
	}
}

func TestVectorsReset(t *testing.T) {
	var resets []object
	for i, ip := range []string{"198.51.100.9", "2001:db8::1", "::ffff:198.51.100.9"} {
		from := netip.AddrPortFrom(netip.MustParseAddr(ip), 50000)
		cause := data(0x01020301)
		cause[3], cause[4] = 2, 1
		reply := NewResetter(&resetKey, [16]byte{}, 1).Reply(cause, from, time.Second, nil)
		if token := ResetToken(&resetKey, 0x01020301, from.Addr()); !IsReset(reply, &token) {
			t.Errorf("vector %d: %x", i, reply)
		}
		resets = append(resets, object{"reset_key": h(resetKey[:]), "cid": 0x01020301, "ip": ip, "cause": h(cause), "reset": fmt.Sprintf("%x", reply)})
	}
	vectors(t, "reset.json", object{"resets": resets})
}
