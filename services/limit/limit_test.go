package limit

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/catalogue"
)

var rewrite = flag.Bool("rewrite", false, "write docs/rate-limits.md anew")

func nothing(context.Context, op.Caller, *emptypb.Empty) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

type server struct {
	r       *op.Registry
	now     time.Duration
	refused []string
}

func start() *server {
	s := &server{r: op.NewRegistry()}
	for n, spec := range []op.Spec{{Name: "ReadStorageObjects", Auth: op.Session}, {Name: "UpdateAccount", Auth: op.Session}, {Name: "AuthenticateDevice", Auth: op.ServerKey},
		{Name: "Healthcheck", Auth: op.None}, {Name: "RpcFunc", Auth: op.HTTPKey}, {Name: "GetConfig", Auth: op.Console}} {
		spec.ID = uint16(n + 1)
		op.Add(s.r, spec, nothing)
	}
	l := New(Config{Now: func() time.Duration { return s.now }, Refused: func(name string) { s.refused = append(s.refused, name) }})
	s.r.Wrap(l.Wrap)
	s.r.Seal()
	return s
}

// passed is how many calls in a row get through, of at most 2000, and what the next is told.
func (s *server) passed(c op.Caller, name string) (int, error) {
	for n := range 2000 {
		if _, err := s.r.Named(name).Invoke(context.Background(), c, &emptypb.Empty{}); err != nil {
			return n, err
		}
	}
	return 2000, nil
}

func TestOperationsAreLimited(t *testing.T) {
	s := start()
	anna, ben := id.UUID{1}, id.UUID{2}
	f := func(want int, name string, c op.Caller) {
		t.Helper()
		got, err := s.passed(c, name)
		if got != want {
			t.Errorf("%d calls of %s pass, want %d", got, name, want)
		}
		if want < 2000 && !errors.Is(err, ErrTooMany) {
			t.Errorf("%s: then %v", name, err)
		}
	}
	const far, near, other = "203.0.113.7", "203.0.113.8", "2001:db8:1:2::1"
	f(60, "ReadStorageObjects", op.Caller{UserID: anna, ClientIP: far})
	f(0, "ReadStorageObjects", op.Caller{UserID: anna, ClientIP: near})  // the user counts, not the address
	f(60, "ReadStorageObjects", op.Caller{UserID: ben, ClientIP: far})   // another user
	f(20, "UpdateAccount", op.Caller{UserID: anna, ClientIP: far})       // another operation
	f(200, "RpcFunc", op.Caller{UserID: anna, ClientIP: far})            //
	f(2000, "RpcFunc", op.Caller{ClientIP: far})                         // a server with the HTTP key
	f(2000, "UpdateAccount", op.Caller{Trusted: true, ClientIP: far})    // server code for a player
	f(2000, "GetConfig", op.Caller{ClientIP: far})                       // the console
	f(600, "AuthenticateDevice", op.Caller{ClientIP: far})               // 200 players, three calls each
	f(600, "AuthenticateDevice", op.Caller{ClientIP: near})              //
	f(0, "AuthenticateDevice", op.Caller{ClientIP: "::ffff:" + far})     // the same address
	f(600, "Healthcheck", op.Caller{ClientIP: far})                      // another operation
	f(600, "AuthenticateDevice", op.Caller{ClientIP: other})             //
	f(0, "AuthenticateDevice", op.Caller{ClientIP: "2001:db8:1:2:3::9"}) // the same holder
	f(600, "AuthenticateDevice", op.Caller{ClientIP: "2001:db8:1:3::1"}) // another
	f(600, "AuthenticateDevice", op.Caller{ClientIP: "nonsense"})        //
	f(0, "AuthenticateDevice", op.Caller{ClientIP: "other nonsense"})    //
	for _, own := range []string{"127.0.0.1", "127.9.9.9", "::1", "10.1.2.3", "172.16.0.1", "192.168.1.77", "::ffff:192.168.1.77", "fd00::1", "fe80::1%eth0", "169.254.1.1", ""} {
		f(2000, "AuthenticateDevice", op.Caller{ClientIP: own})
		f(2000, "ReadStorageObjects", op.Caller{UserID: anna, ClientIP: own})
	}
	if want := 14; len(s.refused) != want || s.refused[0] != "ReadStorageObjects" {
		t.Errorf("%d refusals counted, want %d: %q", len(s.refused), want, s.refused)
	}
}

func TestRefusalSaysWhenToTryAgain(t *testing.T) {
	s := start()
	c := op.Caller{UserID: id.UUID{1}, ClientIP: "203.0.113.7"}
	_, err := s.passed(c, "UpdateAccount") // two a second
	refusal := errs.Of(err)
	if refusal.Code != errs.ResourceExhausted || refusal.Code.HTTP() != 429 || refusal.RetryAfter != 1 {
		t.Fatalf("refused with %+v", refusal)
	}
	s.now += time.Duration(refusal.RetryAfter) * time.Second
	if n, _ := s.passed(c, "UpdateAccount"); n != 2 {
		t.Errorf("%d calls pass after the wait", n)
	}
}

func TestPassingAllocatesNothing(t *testing.T) {
	s := start()
	ctx, in := context.Background(), &emptypb.Empty{}
	f := func(name string, c op.Caller) {
		t.Helper()
		e := s.r.Named(name)
		user := 0
		if n := testing.AllocsPerRun(1000, func() {
			user++ // a new key each time, as well
			if c.UserID != (id.UUID{}) {
				c.UserID = id.UUID{1, byte(user), byte(user >> 8)}
			}
			s.now += time.Second
			if _, err := e.Invoke(ctx, c, in); err != nil {
				t.Fatal(err)
			}
		}); n > 1 { // the answer of the operation itself
			t.Errorf("%s allocates %v times", name, n)
		}
	}
	f("ReadStorageObjects", op.Caller{UserID: id.UUID{1}, ClientIP: "203.0.113.7"})
	f("AuthenticateDevice", op.Caller{ClientIP: "2001:db8:1:2::1"})
	a, from, now := NewAddresses(HandshakeRule), netip.MustParseAddr("203.0.113.7"), time.Duration(0)
	if n := testing.AllocsPerRun(1000, func() {
		now += time.Second
		if !a.Allow(from, now) {
			t.Fatal("refused")
		}
	}); n != 0 {
		t.Errorf("Allow allocates %v times", n)
	}
}

func TestAddresses(t *testing.T) {
	a := NewAddresses(Rule{Rate: 1, Burst: 3})
	f := func(want int, from string, now time.Duration) {
		t.Helper()
		n := 0
		for n < 50 && a.Allow(netip.MustParseAddr(from), now) {
			n++
		}
		if n != want {
			t.Errorf("%d datagrams of %s pass, want %d", n, from, want)
		}
	}
	f(3, "203.0.113.7", 0)
	f(1, "203.0.113.7", time.Second)
	f(3, "203.0.113.8", time.Second)
	f(50, "192.168.0.9", time.Second)
}

// catalogue is every operation that is offered.
func everything() *op.Registry {
	r := op.NewRegistry()
	catalogue.Features{}.Register(r)
	r.Seal()
	return r
}

// TestPublishedTable holds docs/rate-limits.md against the rules, and the rules against the catalogue.
func TestPublishedTable(t *testing.T) {
	const file = "../../docs/rate-limits.md"
	want := published()
	if *rewrite {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != want {
		t.Errorf("docs/rate-limits.md is not what the rules say (%v): go test ./services/limit -rewrite", err)
	}
}

func TestSpecialsAreOperations(t *testing.T) {
	r := everything()
	f := func(specials []Special, want kind) {
		if !slices.IsSortedFunc(specials, func(a, b Special) int { return strings.Compare(a.Operation, b.Operation) }) {
			t.Error("the specials are not sorted by name")
		}
		for _, s := range specials {
			e := r.Named(s.Operation)
			if e == nil {
				t.Errorf("%s is no operation", s.Operation)
			} else if rule, k := ruleOf(e.Spec); k != want || rule != s.Rule {
				t.Errorf("%s has rule %v of kind %d, want %v of %d", s.Operation, rule, k, s.Rule, want)
			}
		}
	}
	f(UserSpecials, perUser)
	f(AddressSpecials, perAddress)
}

func published() string {
	var b strings.Builder
	b.WriteString(`# Rate limits

Written by services/limit's test from its rules; change them there.

A caller may make *burst* calls at once and *rate* calls a second from then on. Over that the answer is code 8
"` + ErrTooMany.Message + `" (HTTP 429) with the seconds to wait in ` + "`Retry-After`" + `. Nothing else happens to the caller.

Calls with a session are counted per user and operation, whatever address they come from. Calls without one, and
datagrams, are counted per operation and address: an IPv4 address, or 64 bits of IPv6. The numbers have room for `)
	fmt.Fprintf(&b, "%d\nplayers behind one address.\n\n", playersPerAddress)
	b.WriteString("Not limited: loopback, private and link-local addresses; server code; calls with the HTTP key; the console.\nBehind a proxy, set `socket.proxy_count`: otherwise all players have the proxy's address.\n" +
		"`rate_limit.enabled=false` turns all of it off.\n\n| operation | counted per | rate per second | burst | because |\n|---|---|---|---|---|\n")
	row := func(name, per string, r Rule, why string) {
		fmt.Fprintf(&b, "| %s | %s | %v | %d | %s |\n", name, per, r.Rate, r.Burst, why)
	}
	row("every other operation with a session", "user", UserRule, "more than a menu can ask")
	row("every other operation without one", "address", AddressRule, "all players behind an address start at the same moment")
	for _, s := range AddressSpecials {
		row(s.Operation, "address", s.Rule, s.Why)
	}
	for _, s := range UserSpecials {
		row(s.Operation, "user", s.Rule, s.Why)
	}
	row("UDP: ask for a connection", "address", HandshakeRule, "three tries each")
	row("UDP: ask what the server is", "address", QueryRule, "a server browser asks every second or two")
	return b.String()
}
