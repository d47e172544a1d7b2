// Package session has the tokens that prove who a caller is, the revocations that end them early, and the realtime
// connections that are open.
//
// The life of a token: auth Issues a pair after a sign-in; doors Verify the session token of every call; SessionRefresh
// turns the refresh token into a new pair of the same family; Revoke ends a family or everything a user holds.
// Verify reads only memory and may be called from any goroutine.
package session

import (
	"context"
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
	Now                  func() time.Time
}

// Token is what a session or refresh token says.
type Token struct {
	TokenID  string // of the family: equal in both tokens of a pair, kept by refresh
	UserID   id.UUID
	Username string
	Vars     map[string]string
	Expires  int64 // Unix seconds
	IssuedAt int64 // Unix seconds of the sign-in
}

// ErrInvalid refuses a token that is malformed, foreign, expired or revoked.
var ErrInvalid = errs.New(errs.Unauthenticated, "Auth token invalid")

// Service issues and checks tokens.
type Service struct {
	c Config
}

// New reads the revocations that still matter.
func New(ctx context.Context, c Config) (*Service, error) { return &Service{c: c}, nil }

// Issue makes a new pair. Created tells that the sign-in made the account.
func (s *Service) Issue(ctx context.Context, user id.UUID, username string, vars map[string]string, created bool) (*api.Session, error) {
	panic("TODO")
}

// Verify checks a session token.
func (s *Service) Verify(token string) (Token, error) { panic("TODO") }

// VerifySocket is Verify for the WebSocket handshake, which honours only the revocation of everything a user holds.
func (s *Service) VerifySocket(token string) (Token, error) { panic("TODO") }

// RevokeAll ends every token of the user that was issued before now.
func (s *Service) RevokeAll(ctx context.Context, user id.UUID) error { panic("TODO") }
