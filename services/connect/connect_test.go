package connect

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/skirmishgg/skirmish/netcode/token"
	"github.com/skirmishgg/skirmish/protocol/api"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// matches has one match.
type matches struct{}

var (
	matchID   = id.UUID{1, 2, 3}
	errBanned = errs.New(errs.PermissionDenied, "Not you.")
)

func (matches) Place(_ context.Context, r Request, c op.Caller) (Place, bool, error) {
	if c.Username == "banned" {
		return Place{}, true, errBanned
	}
	return Place{Match: r.Match, Schema: [8]byte{7}, Shard: 3, Data: []byte("red team")}, r.Match == matchID, nil
}

type lab struct {
	*Service
	now  time.Time
	key  token.Key
	t    *testing.T
	rand *rand.ChaCha8
}

func newLab(t *testing.T) *lab {
	l := &lab{t: t, now: time.Unix(1_900_000_000, 0), key: token.Key{5}, rand: rand.NewChaCha8([32]byte{1})}
	a, err := NewAddresses(AddressConfig{Public: []string{"192.0.2.1:7350"}, Local: netip.MustParseAddrPort("0.0.0.0:7350")})
	if err != nil {
		t.Fatal(err)
	}
	l.Service = New(Config{
		TokenKey: l.key, ServerID: [8]byte{9}, Node: "north", Matches: matches{}, Addresses: a, Sessions: true,
		Random: l.rand, Now: func() time.Time { return l.now },
	})
	return l
}

var zoe = op.Caller{UserID: id.UUID{8}, Username: "zoe", Host: "game.example.com:7350", ClientIP: "198.51.100.1", Vars: map[string]string{"region": "eu"}}

// create asks for a token and opens it as a server would.
func (l *lab) create(c op.Caller, match string) (*token.Connect, token.Private, *api.ConnectToken) {
	l.t.Helper()
	out, err := l.CreateConnectToken(l.t.Context(), c, &api.CreateConnectTokenRequest{MatchId: match})
	if err != nil {
		l.t.Fatal(err)
	}
	t, err := token.ParseText(out.Token)
	if err != nil {
		l.t.Fatal(err)
	}
	p, err := token.Open(&l.key, t.Version, t.Schema, t.Expiry, t.Nonce[:], t.Private[:])
	if err != nil {
		l.t.Fatal(err)
	}
	return t, p, out
}

func TestSessionToken(t *testing.T) {
	l := newLab(t)
	tok, p, out := l.create(zoe, "")
	if !p.Session() || p.UserID != zoe.UserID || p.Username != "zoe" || p.ServerID != [8]byte{9} || p.SessionID == [16]byte{} || tok.Schema != [8]byte{} {
		t.Errorf("%+v", p)
	}
	if out.ExpiresAt != l.now.Add(wire.TokenLifetime).Unix() || out.MatchId != "" || int64(tok.Expiry) != out.ExpiresAt || tok.Timeout != sessionTimeout {
		t.Errorf("%+v", out)
	}
	if len(tok.Addresses) != 1 || tok.Addresses[0].String() != "192.0.2.1:7350" {
		t.Errorf("addresses %v", tok.Addresses)
	}
	who, err := l.Identify(&p)
	if err != nil || !who.Issued.Equal(l.now) || who.Host != zoe.Host || len(who.Vars) != 1 || who.Vars["region"] != "eu" {
		t.Errorf("%+v, %v", who, err)
	}
	if _, other, _ := l.create(zoe, ""); other.SessionID == p.SessionID || other.Keys == p.Keys {
		t.Error("two tokens have one session id")
	}
	p.VarsDigest[0]++
	if _, err := l.Identify(&p); err == nil {
		t.Error("variables with another digest were taken")
	}
	bare := token.Private{UserID: zoe.UserID}
	if who, err := l.Identify(&bare); err != nil || who.Vars != nil || !who.Issued.IsZero() {
		t.Errorf("a backend's bare token: %+v, %v", who, err)
	}
}

// TestLargeVars: what does not fit the token is kept until it is used, once, or has expired; and no more than fits.
func TestLargeVars(t *testing.T) {
	l := newLab(t)
	c := zoe
	c.Vars = map[string]string{"inventory": strings.Repeat("x", 5000), "a": "b"}
	_, p, _ := l.create(c, "")
	who, err := l.Identify(&p)
	if err != nil || len(who.Vars["inventory"]) != 5000 || who.Vars["a"] != "b" || who.Host != zoe.Host {
		t.Errorf("%v, %v", who.Vars, err)
	}
	if _, err := l.Identify(&p); err == nil {
		t.Error("kept variables were there twice")
	}
	if l.kept.bytes != 0 {
		t.Errorf("%d bytes are kept of nothing", l.kept.bytes)
	}
	c.Vars["inventory"] = strings.Repeat("x", 17_000)
	if _, err := l.CreateConnectToken(t.Context(), c, &api.CreateConnectTokenRequest{}); !errors.Is(err, ErrVarsTooLarge) {
		t.Errorf("17 KB: %v", err)
	}
	c.Vars["inventory"] = strings.Repeat("x", 16_000)
	taken := 0
	for ; taken < 2000; taken++ {
		if _, err = l.CreateConnectToken(t.Context(), c, &api.CreateConnectTokenRequest{}); err != nil {
			break
		}
	}
	if !errors.Is(err, ErrVarsFull) || taken < 900 {
		t.Errorf("%v after %d", err, taken)
	}
	l.now = l.now.Add(parkedLife)
	if _, p, _ = l.create(c, ""); l.kept.bytes > 20_000 {
		t.Errorf("%d bytes are kept though all but one have expired", l.kept.bytes)
	}
	if who, err := l.Identify(&p); err != nil || len(who.Vars) != 2 {
		t.Errorf("%v", err)
	}
}

func TestMatchToken(t *testing.T) {
	l := newLab(t)
	for _, text := range []string{matchID.String(), matchID.String() + ".", matchID.String() + ".north"} {
		c := zoe
		c.SessionID = id.UUID{6}.String()
		tok, p, out := l.create(c, text)
		if p.MatchID != matchID || p.Shard != 3 || string(p.GameData) != "red team" || tok.Schema != [8]byte{7} || p.SessionID != [16]byte{6} || out.MatchId != text || p.Username != "zoe" {
			t.Errorf("%s: %+v", text, p)
		}
		if p.Timeout != wire.DefaultTimeout {
			t.Errorf("timeout %v", p.Timeout)
		}
	}
	f := func(c op.Caller, match string, want error) {
		t.Helper()
		if _, err := l.CreateConnectToken(t.Context(), c, &api.CreateConnectTokenRequest{MatchId: match}); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", match, err, want)
		}
	}
	f(zoe, "no id", ErrMatchID)
	if _, err := l.CreateConnectToken(t.Context(), zoe, &api.CreateConnectTokenRequest{MatchId: matchID.String(), MatchToken: "x"}); !errors.Is(err, ErrBoth) {
		t.Errorf("an id and a token: %v", err)
	}
	f(zoe, id.UUID{4}.String(), ErrMatch)
	f(zoe, matchID.String()+".south", ErrMatch)
	banned := zoe
	banned.Username = "banned"
	f(banned, matchID.String(), errBanned)
	f(op.Caller{}, "", ErrNobody)
	long := zoe
	long.Username = strings.Repeat("x", 129)
	f(long, "", ErrUsername)
	l.c.Sessions = false
	f(zoe, "", ErrNoSessions)
}

func TestRegister(t *testing.T) {
	r := op.NewRegistry()
	(*Service)(nil).Register(r)
	r.Seal()
	if e := r.Numbered(301); e == nil || e.Spec.Name != "CreateConnectToken" || e.Spec.Auth != op.Session {
		t.Errorf("%+v", e)
	}
}

// FuzzIdentity: what is read back is written the same again, and nothing panics.
func FuzzIdentity(f *testing.F) {
	who := Identity{Issued: time.Unix(1_900_000_000, 0), Host: "h:1", Vars: map[string]string{"a": "b", "": ""}}
	p := who.Private()
	f.Add(p.GameData)
	f.Add(who.marshalWithout())
	f.Add([]byte{1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255})
	f.Fuzz(func(t *testing.T, b []byte) {
		who, elsewhere, err := unmarshalIdentity(b)
		if err != nil || len(b) == 0 {
			return
		}
		again := who.marshalWithout()
		if !elsewhere {
			p := who.Private()
			again = p.GameData
		}
		if string(again) != string(b) {
			t.Errorf("%x is written as %x", b, again)
		}
	})
}

// TestAddresses: who is sent where. Names are in a table instead of DNS.
func TestAddresses(t *testing.T) {
	names := map[string]string{
		"game.example.com": "203.0.113.5 2001:db8::5", "localhost": "127.0.0.1 ::1", "lan.example.com": "192.168.1.20", "v6.example.com": "2001:db8::6",
	}
	lookup := func(_ context.Context, host string) (list []netip.Addr, err error) {
		for _, ip := range strings.Fields(names[host]) {
			list = append(list, netip.MustParseAddr(ip))
		}
		if list == nil {
			err = errors.New("no such host")
		}
		return list, err
	}
	interfaces := func() []netip.Prefix {
		var list []netip.Prefix
		for _, p := range []string{"127.0.0.1/8", "::1/128", "203.0.113.9/24", "172.17.0.1/16", "192.168.1.20/24", "10.0.0.7/8", "fe80::1/64", "fd00::7/64"} {
			list = append(list, netip.MustParsePrefix(p))
		}
		return list
	}
	f := func(what, public, local, host, client, want string) {
		t.Helper()
		a, err := NewAddresses(AddressConfig{Public: strings.Fields(public), Local: netip.MustParseAddrPort(local), Lookup: lookup, Interfaces: interfaces})
		if err != nil {
			t.Fatal(err)
		}
		list, err := a.For(t.Context(), host, client)
		var got []string
		for _, at := range list {
			got = append(got, at.String())
		}
		text := strings.Join(got, " ")
		if err != nil {
			text = err.Error()
		}
		if text != want {
			t.Errorf("%s:\n got %s\nwant %s", what, text, want)
		}
	}
	const any4, any6, lan = "0.0.0.0:7350", "[::]:7350", " 192.168.1.20:7350 172.17.0.1:7350 10.0.0.7:7350"
	f("public address", "198.51.100.1:9000", any4, "game.example.com", "8.8.8.8", "198.51.100.1:9000")
	f("public name, both families", "game.example.com:9000", any6, "", "8.8.8.8", "203.0.113.5:9000 [2001:db8::5]:9000")
	f("the caller's family first", "game.example.com:9000", any6, "", "2001:db8::1", "[2001:db8::5]:9000 203.0.113.5:9000")
	f("two, in their order", "198.51.100.2:1 198.51.100.1:2", any4, "", "8.8.8.8", "198.51.100.2:1 198.51.100.1:2")
	f("public name unknown", "nowhere.example.com:9000", any4, "", "8.8.8.8", ErrUnresolved.Message)
	f("one of two names unknown", "nowhere.example.com:1 game.example.com:2", any4, "", "8.8.8.8", "203.0.113.5:2")
	f("host by name", "", any6, "game.example.com:7350", "8.8.8.8", "203.0.113.5:7350 [2001:db8::5]:7350")
	f("bound to IPv4 only", "", any4, "Game.Example.COM", "8.8.8.8", "203.0.113.5:7350")
	f("host by address, another port", "", any4, "203.0.113.9:80", "8.8.8.8", "203.0.113.9:7350")
	f("host by IPv6 address", "", any6, "[2001:db8::9]:80", "2001:db8::1", "[2001:db8::9]:7350")
	f("no host", "", any4, "", "8.8.8.8", ErrUnreachable.Message)
	f("a host that is none", "", any4, "a/b c", "8.8.8.8", ErrUnreachable.Message)
	f("an unknown host", "", any4, "nowhere", "8.8.8.8", ErrUnresolved.Message)
	f("only IPv6 at an IPv4 socket", "", any4, "v6.example.com", "8.8.8.8", ErrUnreachable.Message)
	f("on this machine", "", any4, "127.0.0.1:7350", "127.0.0.1", "127.0.0.1:7350 172.17.0.1:7350 192.168.1.20:7350 10.0.0.7:7350")
	f("on this machine, by name", "", any6, "localhost:7350", "::1", "[::1]:7350 [fd00::7]:7350 127.0.0.1:7350 172.17.0.1:7350 192.168.1.20:7350 10.0.0.7:7350")
	f("on the LAN", "", any4, "lan.example.com", "192.168.1.33", strings.TrimSpace(lan))
	f("on the LAN, through a name for loopback", "", any4, "localhost", "192.168.1.33", strings.TrimSpace(lan))
	f("on the LAN, IPv4 in IPv6", "", any4, "192.168.1.20", "::ffff:192.168.1.33", strings.TrimSpace(lan))
	f("from outside, through a name for loopback", "", any4, "localhost", "8.8.8.8", ErrUnreachable.Message)
	f("from who knows where", "", any4, "localhost", "", ErrUnreachable.Message)
	f("bound to loopback, from loopback", "", "127.0.0.1:7350", "game.example.com", "127.0.0.1", "127.0.0.1:7350")
	f("bound to loopback, from outside", "", "127.0.0.1:7350", "game.example.com", "8.8.8.8", ErrUnreachable.Message)
	f("bound to one address", "", "192.168.1.20:7350", "game.example.com", "8.8.8.8", "192.168.1.20:7350")
	f("public is loopback, from outside", "127.0.0.1:7350", any4, "", "8.8.8.8", ErrUnreachable.Message)

	for _, bad := range []string{"game.example.com", "game.example.com:0", ":7350", "game.example.com:http", "x:70000"} {
		if _, err := NewAddresses(AddressConfig{Public: []string{bad}}); err == nil {
			t.Errorf("%q was taken for host:port", bad)
		}
	}
}
