package handshake

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/skirmishgg/skirmish/netcode/seal"
	"github.com/skirmishgg/skirmish/netcode/token"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

func (w *world) resumable(r *Result) Resumable {
	return Resumable{CID: r.CID, Ticket: r.Ticket, Secret: r.Secret, Suite: r.Keys.Suite, Schema: r.Schema, Addr: r.Addr}
}

func TestResume(t *testing.T) {
	for _, suite := range []wire.Suite{wire.SuiteChaCha20Poly1305, wire.SuiteAES128GCM} {
		w := newWorld(t)
		old := w.connect(mint(t, func(p *token.Private, _ *token.Options) { p.Suite = suite }))
		p := w.peers[0]

		client := NewResume(w.resumable(old), random(30))
		pkt, to, _ := client.Next(w.now)
		if to != serverAddr || len(pkt) != wire.RequestSize || pkt[1] != byte(old.CID) {
			t.Fatalf("%d bytes to %v", len(pkt), to)
		}
		first := bytes.Clone(pkt)
		r, err := OpenResume(&ticketKey, first, wall)
		if err != nil {
			t.Fatal(err)
		}
		if p.resumption.Judge(&r) != ResumeNew {
			t.Fatal("a fresh ticket is refused")
		}
		serverRandom := [16]byte{1, 2, 3}
		p.resumption.Begin(&r, serverRandom)
		sealer := seal.NewSealer(r.Keys(serverRandom), seal.S2C, r.Ticket.Schema)
		accept := w.acceptFor(0x701, 2, clientAddr.Addr(), suite)
		lost := bytes.Clone(SealResumed(w.out[:0], sealer, serverRandom, 0, &accept))

		pkt, _, _ = client.Next(w.now + time.Second)
		if !bytes.Equal(pkt, first) {
			t.Fatal("the retransmission is another RESUME")
		}
		if p.resumption.Judge(&r) != ResumeAgain {
			t.Fatal("the same RESUME again is refused")
		}
		again := SealResumed(w.out[:0], sealer, p.resumption.ServerRandom(), 1, &accept)
		if len(again) > len(pkt) {
			t.Fatal("RESUMED amplifies")
		}
		done, err := client.Receive(again, serverAddr, w.now)
		if !done || err != nil {
			t.Fatalf("%v, %+v", err, client.Counters)
		}
		got := client.Result()
		if got.Keys != r.Keys(serverRandom) || got.CID != 0x701 || got.PacketNumber != 1 || got.Keys == old.Keys {
			t.Errorf("result %+v", got)
		}
		if done, err := client.Receive(lost, serverAddr, w.now); !done || err != nil {
			t.Error("a late RESUMED disturbs the connection")
		}

		// The ticket is used up: by another process of the same player it is refused, and so are older ones.
		thief := NewResume(w.resumable(old), random(31))
		pkt, _, _ = thief.Next(w.now)
		r2, err := OpenResume(&ticketKey, pkt, wall)
		if err != nil || p.resumption.Judge(&r2) != ResumeReused {
			t.Fatalf("a ticket is good twice: %v", err)
		}
		wantDenied(t, thief, DenyResume(w.out[:0], &r2, random(5), wire.DenyReused), wire.DenyReused)
		r2.Ticket.Seq--
		if p.resumption.Judge(&r2) != ResumeReused {
			t.Fatal("an older ticket is good")
		}
		r2.Ticket.Seq += 2
		if p.resumption.Judge(&r2) != ResumeNew {
			t.Fatal("the next ticket is refused")
		}
	}
}

func TestResumeRefused(t *testing.T) {
	w := newWorld(t)
	resumable := w.resumable(w.connect(mint(t, nil)))
	client := NewResume(resumable, random(30))
	pkt, _, _ := client.Next(w.now)

	for n := range pkt {
		if _, err := OpenResume(&ticketKey, pkt[:n], wall); !errors.Is(err, ErrResumeMalformed) {
			t.Fatalf("cut to %d bytes: %v", n, err)
		}
	}
	for bit := range 8 * len(pkt) {
		bad := bytes.Clone(pkt)
		bad[bit/8] ^= 1 << (bit % 8)
		if _, err := OpenResume(&ticketKey, bad, wall); err == nil {
			t.Fatalf("opens with bit %d flipped", bit)
		}
	}
	if _, err := OpenResume(&token.Key{}, pkt, wall); !errors.Is(err, ErrResumeForged) {
		t.Errorf("under another key: %v", err)
	}
	stolen := resumable
	stolen.Secret[0] ^= 1 // somebody who saw the ticket pass, not the secret
	pkt2, _, _ := NewResume(stolen, random(31)).Next(w.now)
	if _, err := OpenResume(&ticketKey, pkt2, wall); !errors.Is(err, ErrResumeForged) {
		t.Errorf("without the secret: %v", err)
	}
	r, err := OpenResume(&ticketKey, pkt, wall.Add(time.Minute))
	if !errors.Is(err, ErrResumeExpired) {
		t.Fatalf("a minute later: %v", err)
	}
	wantDenied(t, client, DenyResume(w.out[:0], &r, random(5), wire.DenyExpired), wire.DenyExpired)

	gone := NewResume(resumable, random(32))
	pkt, _, _ = gone.Next(w.now)
	if r, err = OpenResume(&ticketKey, pkt, wall); err != nil {
		t.Fatal(err)
	}
	wantDenied(t, gone, DenyResume(w.out[:0], &r, random(5), wire.DenyGone), wire.DenyGone)

	silent := NewResume(resumable, random(33))
	now := w.now
	for silent.Err() == nil {
		_, _, wait := silent.Next(now)
		now += wait
	}
	if !errors.Is(silent.Err(), ErrTimeout) || now-w.now != wire.AddressTime {
		t.Errorf("%v after %v", silent.Err(), now-w.now)
	}
}

func TestResumerCounts(t *testing.T) {
	w := newWorld(t)
	pkt, _, _ := NewResume(w.resumable(w.connect(mint(t, nil))), random(30)).Next(w.now)
	forged := bytes.Clone(pkt)
	forged[50] ^= 1
	s := NewResumer(&ticketKey)
	s.Open(pkt, wall)
	s.Open(pkt, wall.Add(time.Minute))
	if want := (ResumeCounters{Opened: 1, Expired: 1}); s.Counters != want {
		t.Errorf("counters %+v, want %+v", s.Counters, want)
	}
	if n := testing.AllocsPerRun(99, func() {
		s.Open(forged, wall)
		s.Open(pkt[:1000], wall)
	}); n != 0 {
		t.Errorf("%v allocations to refuse what is made up", n)
	}
	if s.Counters.Forged != 100 || s.Counters.Malformed != 100 {
		t.Errorf("counters %+v", s.Counters)
	}
}

func TestAcceptRefuses(t *testing.T) {
	a := Accept{CID: 1, TickRate: 60, MaxPayload: 1200, Timeout: time.Second, Ticket: make([]byte, 169)}
	good := AppendAccept(nil, &a)
	if got, ok := ParseAccept(good); !ok || got.CID != 1 || len(got.Ticket) != 169 {
		t.Fatalf("%+v %v", got, ok)
	}
	for n := range good {
		if _, ok := ParseAccept(good[:n]); ok {
			t.Fatalf("parses when cut to %d bytes", n)
		}
	}
	f := func(what string, change func(*Accept)) {
		t.Helper()
		bad := a
		change(&bad)
		if _, ok := ParseAccept(AppendAccept(nil, &bad)); ok {
			t.Errorf("parses with %s", what)
		}
	}
	f("257 Hz", func(a *Accept) { a.TickRate = 257 })
	f("tiny payload", func(a *Accept) { a.MaxPayload = 511 })
	f("huge payload", func(a *Accept) { a.MaxPayload = 1201 })
	f("no timeout", func(a *Accept) { a.Timeout = 0 })
	f("no ticket", func(a *Accept) { a.Ticket = nil })
	f("a huge ticket", func(a *Accept) { a.Ticket = make([]byte, 513) })
	if _, ok := ParseAccept(append(good, 0)); ok {
		t.Error("parses with a byte too many")
	}
	b := AppendAccept(nil, &Accept{TickRate: 1, MaxPayload: 512, Timeout: time.Second, Ticket: make([]byte, 5)})
	long := append(b[:len(b)-6:len(b)-6], 0x80, 5, 0, 0, 0, 0, 0)
	if _, ok := ParseAccept(long); ok {
		t.Error("a length has two encodings")
	}
}
