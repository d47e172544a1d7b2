package session

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/heroiclabs/nakama-common/api"

	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/persist/storetest/each"
	"github.com/skirmishgg/skirmish/protocol/id"
)

func TestMain(m *testing.M) { each.Main(m) }

func config(db store.DB, clock *each.Clock) Config {
	return Config{
		EncryptionKey: "session-key", TokenExpiry: time.Minute, RefreshEncryptionKey: "refresh-key", RefreshExpiry: time.Hour,
		DB: db, Now: clock.Now,
	}
}

func start(t testing.TB, c Config) *Service {
	t.Helper()
	s, err := New(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var (
	alice = id.UUID{0: 0xa1, 6: 0x40, 8: 0x80, 15: 1}
	bob   = id.UUID{0: 0xb0, 6: 0x40, 8: 0x80, 15: 2}
)

func issue(t testing.TB, s *Service, user id.UUID, vars map[string]string) *api.Session {
	t.Helper()
	pair, err := s.Issue(context.Background(), user, "name", vars, false)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// lives checks which uses of a pair are still honoured.
func lives(t *testing.T, s *Service, what string, pair *api.Session, session, socket, refresh bool) {
	t.Helper()
	f := func(use string, verify func(string) (Token, error), token string, want bool) {
		t.Helper()
		_, err := verify(token)
		if err != nil && !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %s answered %v", what, use, err)
		}
		if (err == nil) != want {
			t.Errorf("%s: %s honoured %v, want %v", what, use, err == nil, want)
		}
	}
	f("session", s.Verify, pair.Token, session)
	f("socket", s.VerifySocket, pair.Token, socket)
	f("refresh", s.VerifyRefresh, pair.RefreshToken, refresh)
}

// memory is a service whose store is only asked for revocations that nobody made.
func memory(t testing.TB, clock *each.Clock) *Service {
	t.Helper()
	return start(t, config(each.Bunt(t, clock), clock))
}

func TestTokenBytes(t *testing.T) {
	clock := each.NewClock()
	s := memory(t, clock)
	pair := issue(t, s, alice, map[string]string{"b": "2", "a": "<1>"})
	parts := strings.Split(pair.Token, ".")
	head, _ := base64.RawURLEncoding.DecodeString(parts[0])
	body, _ := base64.RawURLEncoding.DecodeString(parts[1])
	token, err := s.Verify(pair.Token)
	if err != nil {
		t.Fatal(err)
	}
	at := clock.Now().Unix()
	want := fmt.Sprintf(`{"tid":"%s","uid":"a1000000-0000-4000-8000-000000000001","usn":"name","vrs":{"a":"\u003c1\u003e","b":"2"},"exp":%d,"iat":%d}`,
		token.TokenID, at+60, at)
	if string(head) != `{"alg":"HS256","typ":"JWT"}` || string(body) != want {
		t.Errorf("header %s, payload\n%s, want\n%s", head, body, want)
	}
	if token.UserID != alice || token.Username != "name" || token.Vars["a"] != "<1>" || token.Expires != at+60 || token.IssuedAt != at {
		t.Errorf("read back %+v", token)
	}
	refresh, err := s.VerifyRefresh(pair.RefreshToken)
	if err != nil || refresh.TokenID != token.TokenID || refresh.Expires != at+3600 || refresh.Vars["b"] != "2" {
		t.Errorf("refresh token says %+v, %v", refresh, err)
	}
	if plain := issue(t, s, alice, nil); plain.Created || len(strings.Split(plain.Token, ".")[1]) >= len(parts[1]) {
		t.Error("empty vars are written, or created is set")
	}
}

// TestAgreesWithJWT: the library that other programs use signs what we accept and accepts what we sign, byte for byte.
func TestAgreesWithJWT(t *testing.T) {
	clock := each.NewClock()
	s := memory(t, clock)
	ours := issue(t, s, alice, map[string]string{"k": "v"}).Token
	var c libraryClaims
	if _, err := jwt.ParseWithClaims(ours, &c, libraryKey, libraryOptions(clock)...); err != nil {
		t.Fatal(err)
	}
	theirs, err := jwt.NewWithClaims(jwt.SigningMethodHS256, &c).SignedString([]byte("session-key"))
	if err != nil || theirs != ours {
		t.Errorf("the library signs\n%s, %v, we\n%s", theirs, err, ours)
	}
}

type libraryClaims struct{ claims }

func (c *libraryClaims) GetExpirationTime() (*jwt.NumericDate, error) {
	return jwt.NewNumericDate(time.Unix(c.ExpiresAt, 0)), nil
}
func (c *libraryClaims) GetNotBefore() (*jwt.NumericDate, error) { return nil, nil }
func (c *libraryClaims) GetIssuedAt() (*jwt.NumericDate, error)  { return nil, nil }
func (c *libraryClaims) GetAudience() (jwt.ClaimStrings, error)  { return nil, nil }
func (c *libraryClaims) GetIssuer() (string, error)              { return "", nil }
func (c *libraryClaims) GetSubject() (string, error)             { return "", nil }
func libraryKey(*jwt.Token) (any, error)                         { return []byte("session-key"), nil }
func libraryOptions(clock *each.Clock) []jwt.ParserOption {
	return []jwt.ParserOption{jwt.WithValidMethods([]string{"HS256"}), jwt.WithTimeFunc(clock.Now), jwt.WithExpirationRequired()}
}

func TestVerifyRefuses(t *testing.T) {
	clock := each.NewClock()
	s := memory(t, clock)
	sign := func(method jwt.SigningMethod, key any, claims jwt.MapClaims) string {
		text, err := jwt.NewWithClaims(method, claims).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	key, at := []byte("session-key"), clock.Now().Unix()
	good := jwt.MapClaims{"tid": "t", "uid": alice.String(), "usn": "n", "exp": at + 10}
	if _, err := s.Verify(sign(jwt.SigningMethodHS256, key, good)); err != nil {
		t.Fatalf("a token of another program with our key is refused: %v", err)
	}
	pair := issue(t, s, alice, nil)
	f := func(what, token string) {
		t.Helper()
		for range 2 { // the second time something wrong could have been remembered
			if _, err := s.Verify(token); !errors.Is(err, ErrInvalid) {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
	f("nothing", "")
	f("no dots", "abc")
	f("two dots", "..")
	f("a refresh token", pair.RefreshToken)
	f("another key", sign(jwt.SigningMethodHS256, []byte("wrong"), good))
	f("HS512", sign(jwt.SigningMethodHS512, key, good))
	f("alg none", sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, good))
	f("no exp", sign(jwt.SigningMethodHS256, key, jwt.MapClaims{"uid": alice.String()}))
	f("text exp", sign(jwt.SigningMethodHS256, key, jwt.MapClaims{"uid": alice.String(), "exp": "soon"}))
	f("expired", sign(jwt.SigningMethodHS256, key, jwt.MapClaims{"uid": alice.String(), "exp": at}))
	f("no user", sign(jwt.SigningMethodHS256, key, jwt.MapClaims{"exp": at + 10}))
	f("user that is no UUID", sign(jwt.SigningMethodHS256, key, jwt.MapClaims{"uid": "alice", "exp": at + 10}))
	f("a letter more", pair.Token+"A")
	f("a line break in the signature", pair.Token[:len(pair.Token)-2]+"\n"+pair.Token[len(pair.Token)-2:])
	f("another payload", strings.Join([]string{headerSegment, strings.Split(sign(jwt.SigningMethodHS256, []byte("x"), good), ".")[1],
		strings.Split(pair.Token, ".")[2]}, "."))
	if _, err := s.VerifyRefresh(pair.Token); !errors.Is(err, ErrInvalid) {
		t.Errorf("a session token refreshes: %v", err)
	}
}

func TestTokensExpire(t *testing.T) {
	clock := each.NewClock()
	s := memory(t, clock)
	pair := issue(t, s, alice, nil)
	lives(t, s, "new", pair, true, true, true)
	clock.Advance(59 * time.Second)
	lives(t, s, "in its last second", pair, true, true, true)
	clock.Advance(time.Second)
	lives(t, s, "after its last second", pair, false, false, true)
	clock.Advance(time.Hour)
	lives(t, s, "after an hour", pair, false, false, false)
}

func TestRenewKeepsTheFamily(t *testing.T) {
	clock := each.NewClock()
	s := memory(t, clock)
	first := issue(t, s, alice, map[string]string{"k": "v"})
	began := clock.Now().Unix()
	clock.Advance(30 * time.Second)
	refresh, err := s.VerifyRefresh(first.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	second, err := s.Renew(t.Context(), refresh, "renamed", refresh.Vars)
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Verify(second.Token)
	if err != nil || got.TokenID != refresh.TokenID || got.IssuedAt != began || got.Expires != began+30+60 || got.Username != "renamed" || got.Vars["k"] != "v" {
		t.Errorf("renewed token says %+v, %v", got, err)
	}
	lives(t, s, "the old pair", first, true, true, true)
}

func TestLogout(t *testing.T) {
	each.Store(t, func(t *testing.T, db store.DB, clock *each.Clock) {
		s := start(t, config(db, clock))
		f := func(what string, token, refresh bool, session, socket, refreshes bool) {
			t.Helper()
			pair, other := issue(t, s, alice, nil), issue(t, s, alice, nil)
			clock.Advance(time.Second)
			var a, b string
			if token {
				a = pair.Token
			}
			if refresh {
				b = pair.RefreshToken
			}
			if err := s.Logout(t.Context(), alice, a, b); err != nil {
				t.Fatal(err)
			}
			lives(t, s, what, pair, session, socket, refreshes)
			all := !token && !refresh
			lives(t, s, what+", the user's other pair", other, !all, !all, !all)
			lives(t, start(t, config(db, clock)), what+", after a restart", pair, session, socket, refreshes)
		}
		f("session token", true, false, false, true, true)
		f("refresh token", false, true, true, true, false)
		f("both", true, true, false, true, false)
		f("neither", false, false, false, false, false)

		pair, foreign := issue(t, s, alice, nil), issue(t, s, bob, nil)
		refuse := func(token, refresh string, want error) {
			t.Helper()
			if err := s.Logout(t.Context(), alice, token, refresh); !errors.Is(err, want) {
				t.Errorf("got %v, want %v", err, want)
			}
		}
		refuse("x", "", ErrSessionInvalid)
		refuse("", "x", ErrRefreshInvalid)
		refuse(foreign.Token, "", ErrSessionInvalid)
		refuse(pair.Token, foreign.RefreshToken, ErrRefreshInvalid)
		refuse(pair.RefreshToken, "", ErrSessionInvalid)
		lives(t, s, "after refused logouts", pair, true, true, true)
		if err := s.Logout(t.Context(), alice, "", pair.RefreshToken); err != nil {
			t.Error(err)
		}
		if err := s.Logout(t.Context(), alice, "", pair.RefreshToken); err != nil {
			t.Errorf("a second logout answers %v", err)
		}
	})
}

// TestLoggedOutFamilyStaysDead: a session family that was logged out gives no live token however often and late its
// refresh token is used, and no sweep revives it.
func TestLoggedOutFamilyStaysDead(t *testing.T) {
	each.Store(t, func(t *testing.T, db store.DB, clock *each.Clock) {
		s := start(t, config(db, clock))
		pair := issue(t, s, alice, nil)
		if err := s.Logout(t.Context(), alice, pair.Token, ""); err != nil {
			t.Fatal(err)
		}
		for range 5 {
			clock.Advance(59 * time.Minute)
			refresh, err := s.VerifyRefresh(pair.RefreshToken)
			if err != nil {
				t.Fatal(err)
			}
			if pair, err = s.Renew(t.Context(), refresh, "name", nil); err != nil {
				t.Fatal(err)
			}
			if err := s.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
			lives(t, s, "refreshed after logout", pair, false, true, true)
		}
	})
}

func TestRevokeAllCountsSeconds(t *testing.T) {
	each.Store(t, func(t *testing.T, db store.DB, clock *each.Clock) {
		s := start(t, config(db, clock))
		before := issue(t, s, alice, nil)
		clock.Advance(time.Second)
		same, others := issue(t, s, alice, nil), issue(t, s, bob, nil)
		if err := s.RevokeAll(t.Context(), alice); err != nil {
			t.Fatal(err)
		}
		after := issue(t, s, alice, nil)
		check := func(when string, s *Service) {
			t.Helper()
			lives(t, s, when+": issued a second earlier", before, false, false, false)
			lives(t, s, when+": issued in the second of the revocation", same, true, true, true)
			lives(t, s, when+": issued after it in the same second", after, true, true, true)
			lives(t, s, when+": of another user", others, true, true, true)
		}
		check("at once", s)
		check("after a restart", start(t, config(db, clock)))
		longer := config(db, clock)
		longer.TokenExpiry, longer.RefreshExpiry = 10*time.Second, 10*time.Minute
		lives(t, start(t, longer), "after a restart with shorter lifetimes", before, false, false, false)
	})
}

// TestRevokedBetweenLookAndRenew: a refresh that was checked before a ban and answered after it yields dead tokens.
func TestRevokedBetweenLookAndRenew(t *testing.T) {
	clock := each.NewClock()
	s := memory(t, clock)
	refresh, err := s.VerifyRefresh(issue(t, s, alice, nil).RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	clock.Advance(time.Second)
	if err := s.RevokeAll(t.Context(), alice); err != nil {
		t.Fatal(err)
	}
	clock.Advance(time.Second)
	pair, err := s.Renew(t.Context(), refresh, "name", nil)
	if err != nil {
		t.Fatal(err)
	}
	lives(t, s, "renewed across a revocation", pair, false, false, false)
}

func TestSingleSession(t *testing.T) {
	each.Store(t, func(t *testing.T, db store.DB, clock *each.Clock) {
		c := config(db, clock)
		c.SingleSession = true
		s := start(t, c)
		first := issue(t, s, alice, nil)
		lives(t, s, "the only pair", first, true, true, true)
		clock.Advance(time.Second)
		second := issue(t, s, alice, nil)
		lives(t, s, "the earlier pair", first, false, false, false)
		lives(t, s, "the new pair", second, true, true, true)
	})
}

func TestSweep(t *testing.T) {
	each.Store(t, func(t *testing.T, db store.DB, clock *each.Clock) {
		s := start(t, config(db, clock))
		pair := issue(t, s, alice, nil)
		if err := s.Logout(t.Context(), alice, "", pair.RefreshToken); err != nil {
			t.Fatal(err)
		}
		err := db.Update(t.Context(), func(tx store.Tx) error {
			for n := range sweepMax { // two rows each: more than one transaction sweeps
				if err := s.RevokeAllIn(tx, id.UUID{1, byte(n >> 8), byte(n)}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		clock.Advance(59 * time.Minute)
		if err := s.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		lives(t, s, "swept while it matters", pair, false, false, false)
		if users := s.revoked.users.Load(); users != sweepMax+1 {
			t.Errorf("%d users remembered, want %d", users, sweepMax+1)
		}
		clock.Advance(2 * time.Hour)
		if err := s.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if users := s.revoked.users.Load(); users != 0 {
			t.Errorf("%d users remembered after every token has expired", users)
		}
		if rows := start(t, Config{EncryptionKey: "a", RefreshEncryptionKey: "b", TokenExpiry: time.Second, RefreshExpiry: time.Second, DB: db,
			Now: func() time.Time { return time.Unix(0, 0) }}).revoked.users.Load(); rows != 0 {
			t.Errorf("rows of %d users are left", rows)
		}
	})
}

func TestGenerate(t *testing.T) {
	clock := each.NewClock()
	s := memory(t, clock)
	token, expires, err := s.Generate(alice, "server", 0, nil)
	if got, verr := s.Verify(token); err != nil || verr != nil || expires != clock.Now().Unix()+60 || got.Expires != expires {
		t.Errorf("default lifetime: %+v, %d, %v, %v", got, expires, err, verr)
	}
	token, expires, _ = s.Generate(alice, "server", clock.Now().Unix()+86400, nil)
	if err := s.Logout(t.Context(), alice, token, ""); err != nil {
		t.Fatal(err)
	}
	clock.Advance(23 * time.Hour)
	if err := s.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Verify(token); !errors.Is(err, ErrInvalid) {
		t.Errorf("a token with a life until %d, logged out, answers %v after a sweep", expires, err)
	}
}

func TestNewRefusesConfig(t *testing.T) {
	clock := each.NewClock()
	c := config(memory(t, clock).c.DB, clock)
	same, short := c, c
	same.RefreshEncryptionKey = same.EncryptionKey
	short.TokenExpiry = 0
	for _, bad := range []Config{same, short} {
		if _, err := New(t.Context(), bad); err == nil {
			t.Errorf("New accepts %+v", bad)
		}
	}
}

// TestVerifiedIsBounded fills the memory of verified tokens far beyond its size; those in use stay.
func TestVerifiedIsBounded(t *testing.T) {
	clock := each.NewClock()
	s := memory(t, clock)
	used := issue(t, s, alice, nil).Token
	for range 3 * verifiedShards * generationMax {
		if _, err := s.Verify(issue(t, s, bob, nil).Token); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Verify(used); err != nil {
			t.Fatal(err)
		}
	}
	total := 0
	for i := range s.verified.shards {
		total += len(s.verified.shards[i].young) + len(s.verified.shards[i].old)
	}
	if limit := 2 * verifiedShards * generationMax; total > limit || total < limit/4 {
		t.Errorf("%d tokens remembered, limit %d", total, limit)
	}
	if _, ok := s.verified.get(used); !ok {
		t.Error("a token in use was forgotten")
	}
}

func TestNewIDsAreUnique(t *testing.T) {
	const each = 2000
	var wg sync.WaitGroup
	ids := make([][]id.UUID, 8)
	for g := range ids {
		wg.Go(func() {
			for range each {
				ids[g] = append(ids[g], NewID("node1"))
			}
		})
	}
	wg.Wait()
	seen := map[id.UUID]bool{}
	for _, u := range ids {
		for _, u := range u {
			seen[u] = true
			// SHA-1("node1") begins with these bytes
			if u[6]>>4 != 1 || u[8]>>6 != 2 || fmt.Sprintf("%x", u[10:]) != "f937c37e949d" {
				t.Fatalf("%s is no version 1 id of node1", u)
			}
		}
	}
	if len(seen) != len(ids)*each {
		t.Errorf("%d ids, %d of them different", len(ids)*each, len(seen))
	}
}

// FuzzVerify: whatever the network sends is refused or is what the library reads in it.
func FuzzVerify(f *testing.F) {
	clock := each.NewClock()
	s := memory(f, clock)
	signed := func(header, payload string) string {
		text := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload))
		w := s.signers[kindSession].pool.Get().(*worker)
		return text + "." + encoding.EncodeToString(w.hash([]byte(text)))
	}
	for _, payload := range []string{`{"uid":"a1000000-0000-4000-8000-000000000001","exp":1772366500,"vrs":{"a":"b"}}`, `{}`, `[]`, `null`, `{"exp":1e10}`, `{"exp":-1}`} {
		f.Add(header, payload, "")
	}
	f.Add(`{"alg":"none"}`, `{}`, "")
	f.Add(header, `{}`, "..")
	f.Fuzz(func(t *testing.T, head, payload, raw string) {
		_, _ = s.Verify(raw)
		_, _ = s.VerifyRefresh(raw)
		token := signed(head, payload)
		got, err := s.Verify(token)
		var c libraryClaims
		_, theirs := jwt.ParseWithClaims(token, &c, libraryKey, libraryOptions(clock)...)
		if err == nil && (theirs != nil || c.TokenID != got.TokenID || c.Username != got.Username || len(c.Vars) != len(got.Vars)) {
			t.Errorf("%q %q: we read %+v, the library %+v, %v", head, payload, got, c, theirs)
		}
		if _, uidErr := id.Parse(c.UserID); err != nil && theirs == nil && uidErr == nil {
			t.Errorf("%q %q is refused; the library accepts it", head, payload)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	clock := each.NewClock()
	s := memory(b, clock)
	if err := s.RevokeAll(b.Context(), bob); err != nil { // so that revocations are looked at
		b.Fatal(err)
	}
	token := issue(b, s, alice, map[string]string{"platform": "pc"}).Token
	b.Run("remembered", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := s.Verify(token); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("first time", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, ok := s.signers[kindSession].open(token); !ok {
				b.Fatal("refused")
			}
		}
	})
	b.Run("library", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var c libraryClaims
			if _, err := jwt.ParseWithClaims(token, &c, libraryKey, libraryOptions(clock)...); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkIssue(b *testing.B) {
	clock := each.NewClock()
	s := memory(b, clock)
	b.ReportAllocs()
	for b.Loop() {
		issue(b, s, alice, map[string]string{"platform": "pc"})
	}
}
