// Package session has the tokens that prove who a caller is, the revocations that end them early, and the realtime
// connections that are open.
//
// The life of a token: auth Issues a pair after a sign-in; doors Verify the session token of every call; SessionRefresh
// Renews the refresh token into a new pair of the same family; Logout ends a family or everything a user holds, and
// RevokeAll the latter. node calls Sweep now and then.
// Verify reads only memory and may be called from any goroutine.
package session

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/heroiclabs/nakama-common/api"

	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
)

// Config is what a Service is made of.
type Config struct {
	EncryptionKey        string
	TokenExpiry          time.Duration
	RefreshEncryptionKey string
	RefreshExpiry        time.Duration
	SingleSession        bool // each sign-in ends the user's earlier tokens
	DB                   store.DB
	Now                  func() time.Time // the clock of DB; nil: time.Now
}

// Token is what a session or refresh token says.
type Token struct {
	TokenID  string // of the family: equal in both tokens of a pair, kept by refresh
	UserID   id.UUID
	Username string
	Vars     map[string]string // shared between calls with one token: read-only
	Expires  int64             // Unix seconds
	IssuedAt int64             // Unix seconds of the sign-in

	checked int64 // of a refresh token, Unix seconds: when VerifyRefresh passed it
}

// Refusals. What SessionRefresh and a bad credential are told is for auth and the doors to say.
var (
	ErrInvalid        = errs.New(errs.Unauthenticated, "Auth token invalid") // malformed, foreign, expired or revoked
	ErrSessionInvalid = errs.New(errs.InvalidArgument, "Session token invalid.")
	ErrRefreshInvalid = errs.New(errs.InvalidArgument, "Refresh token invalid.")
)

// Service issues and checks tokens.
type Service struct {
	// constant after New
	c       Config
	signers [kinds]*signer
	life    [kinds]int64 // seconds
	// any goroutine
	verified verified
	revoked  revocations
}

// New reads the revocations that still matter.
// Errors: the two keys are equal, or a lifetime is under a second, or the store cannot be read.
func New(ctx context.Context, c Config) (*Service, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.EncryptionKey == c.RefreshEncryptionKey {
		return nil, fmt.Errorf("session.encryption_key and session.refresh_encryption_key must differ")
	}
	if c.TokenExpiry < time.Second || c.RefreshExpiry < time.Second {
		return nil, fmt.Errorf("session.token_expiry_sec and session.refresh_token_expiry_sec must be at least 1")
	}
	s := &Service{
		c:       c,
		signers: [kinds]*signer{newSigner(c.EncryptionKey), newSigner(c.RefreshEncryptionKey)},
		life:    [kinds]int64{int64(c.TokenExpiry / time.Second), int64(c.RefreshExpiry / time.Second)},
	}
	if err := s.loadRevocations(ctx); err != nil {
		return nil, fmt.Errorf("load session revocations: %w", err)
	}
	return s, nil
}

// Issue makes the pair of a new sign-in. Created tells that the sign-in made the account. In single-session mode the
// user's earlier tokens end.
func (s *Service) Issue(ctx context.Context, user id.UUID, username string, vars map[string]string, created bool) (*api.Session, error) {
	if s.c.SingleSession {
		if err := s.RevokeAll(ctx, user); err != nil {
			return nil, err
		}
	}
	family, err := id.NewV4(rand.Reader)
	if err != nil {
		return nil, err
	}
	now := s.c.Now().Unix()
	pair := s.pair(now, Token{TokenID: family.String(), UserID: user, Username: username, Vars: vars, IssuedAt: now})
	pair.Created = created
	return pair, nil
}

// Renew makes a new pair in the family of a token that VerifyRefresh has passed. The old pair stays valid. The new one
// counts as issued when VerifyRefresh looked, so a revocation that came in between ends it too.
func (s *Service) Renew(ctx context.Context, refresh Token, username string, vars map[string]string) (*api.Session, error) {
	// The new session token of a family that was logged out is as dead as the old one: that must be remembered longer.
	loggedOut := family{kindSession, refresh.TokenID}
	if s.revoked.family(refresh.UserID, loggedOut) {
		if err := s.revokeFamilies(ctx, refresh.UserID, ending{loggedOut, 0}); err != nil {
			return nil, err
		}
	}
	refresh.Username, refresh.Vars = username, vars
	return s.pair(refresh.checked, refresh), nil
}

func (s *Service) pair(now int64, t Token) *api.Session {
	t.Expires = now + s.life[kindSession]
	token := s.signers[kindSession].sign(&t)
	t.Expires = now + s.life[kindRefresh]
	return &api.Session{Token: token, RefreshToken: s.signers[kindRefresh].sign(&t)}
}

// Generate makes a session token outside any sign-in, for server code. expires is in Unix seconds, 0: the configured
// lifetime from now.
func (s *Service) Generate(user id.UUID, username string, expires int64, vars map[string]string) (token string, expiresAt int64, err error) {
	family, err := id.NewV4(rand.Reader)
	if err != nil {
		return "", 0, err
	}
	now := s.c.Now().Unix()
	if expires == 0 {
		expires = now + s.life[kindSession]
	}
	t := Token{TokenID: family.String(), UserID: user, Username: username, Vars: vars, Expires: expires, IssuedAt: now}
	return s.signers[kindSession].sign(&t), expires, nil
}

// Verify checks a session token.
// Errors: ErrInvalid.
func (s *Service) Verify(token string) (Token, error) {
	t, err := s.VerifySocket(token)
	if err == nil && s.revoked.family(t.UserID, family{kindSession, t.TokenID}) {
		return Token{}, ErrInvalid
	}
	return t, err
}

// VerifySocket is Verify for the WebSocket handshake, which honours only the revocation of everything a user holds.
// Errors: ErrInvalid.
func (s *Service) VerifySocket(token string) (Token, error) {
	now := s.c.Now().Unix()
	t, ok := s.verified.get(token)
	if !ok {
		if t, ok = s.signers[kindSession].open(token); ok && now < t.Expires {
			s.verified.put(token, t)
		}
	}
	if !ok || now >= t.Expires || s.revoked.all(kindSession, &t) {
		return Token{}, ErrInvalid
	}
	return t, nil
}

// VerifyRefresh checks a refresh token.
// Errors: ErrInvalid.
func (s *Service) VerifyRefresh(token string) (Token, error) {
	now := s.c.Now().Unix()
	t, ok := s.signers[kindRefresh].open(token)
	if !ok || now >= t.Expires || s.revoked.all(kindRefresh, &t) || s.revoked.family(t.UserID, family{kindRefresh, t.TokenID}) {
		return Token{}, ErrInvalid
	}
	t.checked = now
	return t, nil
}

// Logout ends the family of the session token, of the refresh token, or of both, each for tokens of its own kind; with
// neither it ends all that the user holds. Open connections stay.
// Errors: ErrSessionInvalid and ErrRefreshInvalid for a token that is malformed, expired or another user's.
func (s *Service) Logout(ctx context.Context, user id.UUID, token, refresh string) error {
	if token == "" && refresh == "" {
		return s.RevokeAll(ctx, user)
	}
	var dead []ending
	if token != "" {
		e, ok := s.endingOf(kindSession, user, token)
		if !ok {
			return ErrSessionInvalid
		}
		dead = append(dead, e)
	}
	if refresh != "" {
		e, ok := s.endingOf(kindRefresh, user, refresh)
		if !ok {
			return ErrRefreshInvalid
		}
		dead = append(dead, e)
	}
	for _, e := range dead {
		if e.tokenID == "" { // made by another program, without a family: nothing smaller can be named
			return s.RevokeAll(ctx, user)
		}
	}
	return s.revokeFamilies(ctx, user, dead...)
}

// endingOf is what ends with the user's token; a token that is revoked already may be ended again.
func (s *Service) endingOf(k kind, user id.UUID, token string) (ending, bool) {
	t, ok := s.signers[k].open(token)
	return ending{family{k, t.TokenID}, t.Expires}, ok && s.c.Now().Unix() < t.Expires && t.UserID == user
}
