package token

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/skirmishgg/skirmish/protocol/wire"
)

var testKey = Key{1, 2, 3}

func random(seed byte) *rand.ChaCha8 { return rand.NewChaCha8([32]byte{seed}) }

func player() Private {
	return Private{
		ServerID: [8]byte{'s'}, UserID: [16]byte{1}, SessionID: [16]byte{2}, MatchID: [16]byte{3},
		Shard: 4, Suite: wire.SuiteAES128GCM, Timeout: 5 * time.Second, VarsDigest: [32]byte{6},
		Username: "Zoë", GameData: []byte("skin=7"),
	}
}

func options() Options {
	return Options{
		Schema: [8]byte{9}, Expiry: time.Unix(2_000_000_000, 0), Random: random(1),
		Addresses: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:7350"), netip.MustParseAddrPort("[2001:db8::1]:7350")},
	}
}

func mint(t testing.TB, p Private) *Connect {
	t.Helper()
	c, err := Mint(&testKey, p, options())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestMintOpen(t *testing.T) {
	want := player()
	c := mint(t, want)
	got, err := Open(&testKey, c.Version, c.Schema, c.Expiry, c.Nonce[:], c.Private[:])
	if err != nil {
		t.Fatal(err)
	}
	if got.Keys != c.Keys || got.Keys[0] == got.Keys[1] {
		t.Error("the two halves do not carry the same two keys")
	}
	want.Keys = c.Keys
	if !reflect.DeepEqual(got, want) {
		t.Errorf("opens to %+v, want %+v", got, want)
	}
	if got.Session() {
		t.Error("a match token says it is for a session")
	}
	if c.Expired(time.Unix(1_999_999_999, 0)) || !c.Expired(time.Unix(2_000_000_000, 0)) {
		t.Error("Expired is off")
	}
}

func TestMintLargest(t *testing.T) {
	p := player()
	p.Username, p.GameData = strings.Repeat("u", 128), bytes.Repeat([]byte{7}, 256)
	c := mint(t, p)
	got, err := Open(&testKey, c.Version, c.Schema, c.Expiry, c.Nonce[:], c.Private[:])
	if err != nil || got.Username != p.Username || !bytes.Equal(got.GameData, p.GameData) {
		t.Errorf("the largest token does not open whole: %v", err)
	}
}

func TestMintRefuses(t *testing.T) {
	f := func(what string, change func(*Private, *Options)) {
		t.Helper()
		p, o := player(), options()
		change(&p, &o)
		if _, err := Mint(&testKey, p, o); err == nil {
			t.Errorf("minted with %s", what)
		}
	}
	f("a long name", func(p *Private, _ *Options) { p.Username = strings.Repeat("x", 129) })
	f("a name that is not UTF-8", func(p *Private, _ *Options) { p.Username = "\xff" })
	f("much game data", func(p *Private, _ *Options) { p.GameData = make([]byte, 257) })
	f("an unknown suite", func(p *Private, _ *Options) { p.Suite = 9 })
	f("a short timeout", func(p *Private, _ *Options) { p.Timeout = time.Millisecond })
	f("a long timeout", func(p *Private, _ *Options) { p.Timeout = 66 * time.Second })
	f("no addresses", func(_ *Private, o *Options) { o.Addresses = nil })
	f("33 addresses", func(_ *Private, o *Options) {
		o.Addresses = make([]netip.AddrPort, 33)
		for i := range o.Addresses {
			o.Addresses[i] = netip.MustParseAddrPort("192.0.2.1:1")
		}
	})
	f("port 0", func(_ *Private, o *Options) { o.Addresses[0] = netip.MustParseAddrPort("192.0.2.1:0") })
	f("no expiry", func(_ *Private, o *Options) { o.Expiry = time.Time{} })
	f("no randomness", func(_ *Private, o *Options) { o.Random = strings.NewReader("too short") })
}

func TestOpenRefuses(t *testing.T) {
	c := mint(t, player())
	f := func(what string, key Key, version uint16, schema [8]byte, expiry uint64, nonce, private []byte) {
		t.Helper()
		if _, err := Open(&key, version, schema, expiry, nonce, private); !errors.Is(err, ErrForged) {
			t.Errorf("%s: %v, want ErrForged", what, err)
		}
	}
	f("another key", Key{}, c.Version, c.Schema, c.Expiry, c.Nonce[:], c.Private[:])
	f("another version", testKey, c.Version+1, c.Schema, c.Expiry, c.Nonce[:], c.Private[:])
	f("another schema", testKey, c.Version, [8]byte{}, c.Expiry, c.Nonce[:], c.Private[:])
	f("a later expiry", testKey, c.Version, c.Schema, c.Expiry+1, c.Nonce[:], c.Private[:])
	f("no nonce", testKey, c.Version, c.Schema, c.Expiry, nil, c.Private[:])
	f("a short private part", testKey, c.Version, c.Schema, c.Expiry, c.Nonce[:], c.Private[:700])
	for bit := 0; bit < 8*len(c.Nonce); bit++ {
		nonce := c.Nonce
		nonce[bit/8] ^= 1 << (bit % 8)
		f("flipped nonce", testKey, c.Version, c.Schema, c.Expiry, nonce[:], c.Private[:])
	}
	for bit := 0; bit < 8*len(c.Private); bit += 5 {
		private := c.Private
		private[bit/8] ^= 1 << (bit % 8)
		f("flipped private part", testKey, c.Version, c.Schema, c.Expiry, c.Nonce[:], private[:])
	}
}

// A holder of the key that breaks the format is refused too.
func TestOpenMalformed(t *testing.T) {
	p := player()
	f := func(what string, change func(plain []byte)) {
		t.Helper()
		plain := p.marshal()
		change(plain)
		var got Private
		if err := got.unmarshal(plain); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v, want ErrMalformed", what, err)
		}
	}
	f("unknown suite", func(b []byte) { b[57] = 3 })
	f("no timeout", func(b []byte) { b[58], b[59] = 0, 0 })
	f("name runs out", func(b []byte) { b[156] = 255 })
	f("name is not UTF-8", func(b []byte) { b[157] = 0xFF })
	f("game data run out", func(b []byte) { b[156] = 0; b[157], b[158] = 0xFF, 0xFF })
	f("padding is not zero", func(b []byte) { b[len(b)-1] = 1 })
}

func TestMarshalParse(t *testing.T) {
	c := mint(t, player())
	b := c.Marshal()
	got, err := Parse(b)
	if err != nil || !reflect.DeepEqual(got, c) {
		t.Fatalf("Parse: %v, %+v", err, got)
	}
	if got, err := ParseText(c.Text()); err != nil || !reflect.DeepEqual(got, c) {
		t.Fatalf("ParseText: %v", err)
	}
	if _, err := ParseText("not base64url!"); !errors.Is(err, ErrMalformed) {
		t.Errorf("text that is none: %v", err)
	}
	for n := range b {
		if _, err := Parse(b[:n]); err == nil {
			t.Fatalf("parses when cut to %d bytes", n)
		}
	}
	if _, err := Parse(append(b, 0)); !errors.Is(err, ErrMalformed) {
		t.Errorf("a byte too many: %v", err)
	}
	b[0]++
	if _, err := Parse(b); !errors.Is(err, ErrVersion) {
		t.Errorf("another version: %v", err)
	}
}

func ticket() Ticket {
	return Ticket{
		CID: 0x01020304, Seq: 7, Secret: [32]byte{1}, Schema: [8]byte{2}, Suite: wire.SuiteAES128GCM,
		UserID: [16]byte{3}, MatchID: [16]byte{4}, SessionID: [16]byte{5}, Issued: time.UnixMilli(1_999_999_999_123),
	}
}

func TestTicket(t *testing.T) {
	want := ticket()
	b := SealTicket(nil, &testKey, &want, [24]byte{6})
	if len(b) != wire.TicketSize {
		t.Fatalf("%d bytes, want %d", len(b), wire.TicketSize)
	}
	got, err := OpenTicket(&testKey, b)
	if err != nil || got != want {
		t.Fatalf("opens to %+v, %v", got, err)
	}
	for n := range b {
		if _, err := OpenTicket(&testKey, b[:n]); !errors.Is(err, ErrForged) {
			t.Fatalf("opens when cut to %d bytes", n)
		}
	}
	for bit := range 8 * len(b) {
		bad := bytes.Clone(b)
		bad[bit/8] ^= 1 << (bit % 8)
		if _, err := OpenTicket(&testKey, bad); !errors.Is(err, ErrForged) {
			t.Fatalf("opens with bit %d flipped", bit)
		}
	}
	if _, err := OpenTicket(&Key{}, b); !errors.Is(err, ErrForged) {
		t.Error("opens under another key")
	}
	want.Suite = 9
	if _, err := OpenTicket(&testKey, SealTicket(nil, &testKey, &want, [24]byte{})); !errors.Is(err, ErrMalformed) {
		t.Errorf("unknown suite: %v", err)
	}
	f := func(age time.Duration, expired bool) {
		t.Helper()
		if got.Expired(got.Issued.Add(age)) != expired {
			t.Errorf("at age %v Expired is %v", age, !expired)
		}
	}
	f(0, false)
	f(59*time.Second, false)
	f(60*time.Second, true)
	f(-time.Second, false)
	f(-2*time.Minute, true)
}

func FuzzParse(f *testing.F) {
	f.Add([]byte{})
	f.Add(mint(f, player()).Marshal())
	f.Add(bytes.Repeat([]byte{1, 0}, 500))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := Parse(b)
		if err != nil {
			return
		}
		if !bytes.Equal(c.Marshal(), b) {
			t.Fatal("one token has two encodings")
		}
		if got, err := ParseText(c.Text()); err != nil || !reflect.DeepEqual(got, c) {
			t.Fatal("the text form reads differently")
		}
	})
}

func FuzzOpen(f *testing.F) {
	p := player()
	f.Add(p.marshal())
	f.Add(make([]byte, privatePlain))
	f.Fuzz(func(t *testing.T, plain []byte) {
		if _, err := Open(&testKey, 1, [8]byte{}, 0, make([]byte, 24), plain); err == nil {
			t.Fatal("opened what nobody sealed")
		}
		if _, err := OpenTicket(&testKey, plain); err == nil {
			t.Fatal("opened a ticket that nobody sealed")
		}
		var p Private // and what a holder of the key may have sealed
		if p.unmarshal(plain) == nil && len(plain) == privatePlain && !bytes.Equal(p.marshal(), plain) {
			t.Fatal("one private part has two encodings")
		}
	})
}

func TestForgedAllocs(t *testing.T) {
	c, o := mint(t, player()), NewOpener(&testKey)
	c.Private[0] ^= 1
	if n := testing.AllocsPerRun(1000, func() {
		if _, err := o.Open(c.Version, c.Schema, c.Expiry, c.Nonce[:], c.Private[:]); err != ErrForged {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations for a forged token", n)
	}
}

func BenchmarkOpen(b *testing.B) {
	c := mint(b, player())
	for b.Loop() {
		if _, err := Open(&testKey, c.Version, c.Schema, c.Expiry, c.Nonce[:], c.Private[:]); err != nil {
			b.Fatal(err)
		}
	}
}
