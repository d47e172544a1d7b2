package handshake

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/skirmishgg/skirmish/netcode/token"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

func TestClientRetransmits(t *testing.T) {
	c := NewClient(mint(t, nil), random(9))
	var at []time.Duration
	now := time.Hour
	for c.Err() == nil {
		pkt, to, wait := c.Next(now)
		if pkt != nil {
			at = append(at, now-time.Hour)
			if len(pkt) != wire.RequestSize || to != serverAddr {
				t.Fatalf("%d bytes to %v", len(pkt), to)
			}
		}
		now += wait
	}
	if !errors.Is(c.Err(), ErrTimeout) || now != time.Hour+10*time.Second {
		t.Errorf("gave up with %v after %v", c.Err(), now-time.Hour)
	}
	for i, ms := range []time.Duration{0, 250, 625, 1125, 1625, 2125} {
		if at[i] != ms*time.Millisecond {
			t.Fatalf("sent at %v", at)
		}
	}
	if len(at) != 2*11 {
		t.Errorf("sent %d times: %v", len(at), at)
	}
}

// Whatever is lost on the way, client and server end up with one connection.
func TestClientLoss(t *testing.T) {
	for seed := range uint64(200) {
		w := newWorld(t)
		r := rand.New(rand.NewPCG(seed, 1))
		lost := func() bool { return r.IntN(100) < 25 }
		client := NewClient(mint(t, nil), random(9))
		for !client.Done() && client.Err() == nil {
			pkt, _, _ := client.Next(w.now)
			if pkt != nil && !lost() {
				for range 1 + r.IntN(2) { // and something arrives twice
					reply, a := w.handle(pkt, clientAddr)
					if a != nil {
						reply = w.accept(a)
					}
					if reply != nil && !lost() {
						client.Receive(reply, serverAddr, w.now)
					}
				}
			}
			if client.Done() {
				break
			}
			_, _, wait := client.Next(w.now)
			w.now += max(wait, time.Millisecond)
		}
		if !client.Done() {
			t.Fatalf("seed %d: %v; %+v", seed, client.Err(), w.server.Counters)
		}
		if len(w.peers) != 1 || client.Result().Keys != w.peers[0].keys {
			t.Fatalf("seed %d: %d peers", seed, len(w.peers))
		}
	}
}

func TestClientAddresses(t *testing.T) {
	second := netip.MustParseAddrPort("[2001:db8::2]:7350")
	c := mint(t, func(_ *token.Private, o *token.Options) { o.Addresses = append(o.Addresses, second) })
	w := newWorld(t)
	w.capacity = Elsewhere

	client := NewClient(c, random(9))
	pkt, to, _ := client.Next(w.now)
	elsewhere, _ := w.handle(pkt, clientAddr)
	if to != serverAddr || len(elsewhere) != wire.ElsewhereSize {
		t.Fatalf("%x to %v", elsewhere, to)
	}
	client.Receive(bytes.Clone(elsewhere), second, w.now)
	if client.Counters.Foreign != 1 {
		t.Error("an answer from where nothing was asked is taken")
	}
	forged := bytes.Clone(elsewhere)
	forged[20] ^= 1
	client.Receive(forged, serverAddr, w.now)
	if _, to, _ = client.Next(w.now + time.Second); to != serverAddr || client.Counters.Forged != 1 {
		t.Error("a forged ELSEWHERE is taken")
	}
	client.Receive(bytes.Clone(elsewhere), serverAddr, w.now)
	if pkt, to, _ = client.Next(w.now); to != second || pkt[0] != byte(wire.FormRequest) {
		t.Fatalf("after ELSEWHERE the client asks %v", to)
	}
	if _, to, _ = client.Next(w.now + 5*time.Second); to != serverAddr {
		t.Fatalf("after 5 s of silence the client asks %v", to)
	}
	client.Receive(bytes.Clone(elsewhere), serverAddr, w.now)
	if _, err := client.Receive(bytes.Clone(elsewhere), second, w.now); err == nil || err.(*DeniedError).Reason != wire.DenyFull {
		t.Errorf("after two rounds, one of them a refusal, the client says %v", err)
	}
}

// An unsealed DENY(version) can be said by anybody, so it ends nothing that a server still answers.
func TestClientVersionDeny(t *testing.T) {
	w := newWorld(t)
	c := mint(t, nil)
	deny := []byte{byte(wire.FormDeny), 0, byte(wire.DenyVersion)}

	client := NewClient(c, random(9))
	pkt, _, _ := client.Next(w.now)
	challenge, _ := w.handle(pkt, clientAddr)
	if _, err := client.Receive(bytes.Clone(deny), serverAddr, w.now); err != nil {
		t.Fatal("a DENY that anybody could have sent ends the handshake at once")
	}
	client.Receive(challenge, serverAddr, w.now)
	if pkt, _, _ = client.Next(w.now + time.Second); pkt == nil || pkt[0] != byte(wire.FormResponse) {
		t.Fatal("a forged DENY won over the CHALLENGE")
	}
	client.Receive(bytes.Clone(deny), serverAddr, w.now)
	if client.Next(w.now + 2*time.Second); client.Err() != nil {
		t.Fatal("a version is refused after the server challenged")
	}

	client = NewClient(c, random(9))
	client.Next(w.now)
	client.Receive(bytes.Clone(deny), serverAddr, w.now)
	client.Next(w.now + 250*time.Millisecond)
	if denied, ok := client.Err().(*DeniedError); !ok || denied.Reason != wire.DenyVersion {
		t.Fatalf("nobody else answers, and the client says %v", client.Err())
	}
}

func TestClientIgnores(t *testing.T) {
	w := newWorld(t)
	client, pkt := w.response(mint(t, nil))
	_, a := w.handle(pkt, clientAddr)
	accept := w.accept(a)
	f := func(what string, pkt []byte) {
		t.Helper()
		if done, err := client.Receive(bytes.Clone(pkt), serverAddr, w.now); done || err != nil {
			t.Errorf("%s: %v %v", what, done, err)
		}
	}
	f("nothing", nil)
	f("data before ACCEPT", []byte{0x40, 1, 2, 3})
	f("CHALLENGE when it has one", []byte{0x81})
	f("RESUMED", bytes.Repeat([]byte{0x87}, 100))
	f("DENY of another shape", []byte{0x84, 2, 3})
	f("unsealed DENY(full)", []byte{0x84, 0, byte(wire.DenyFull)})
	for bit := range 8 * len(accept) {
		bad := bytes.Clone(accept)
		bad[bit/8] ^= 1 << (bit % 8)
		f("flipped ACCEPT", bad)
	}
	for n := range accept {
		f("cut ACCEPT", accept[:n])
	}
	if done, err := client.Receive(accept, serverAddr, w.now); !done || err != nil {
		t.Fatalf("then the ACCEPT itself: %v %v", done, err)
	}
	if pkt, _, wait := client.Next(w.now + time.Hour); pkt != nil || wait != 0 {
		t.Error("the client goes on sending")
	}
}
