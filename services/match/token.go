package match

import (
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/skirmishgg/skirmish/protocol/id"
)

// A match token is a JWT that admits to one relayed match, whoever shows it, until it expires:
//
//	{"exp":<seconds since 1970>,"mid":"<uuid>."}
//
// signed with HMAC-SHA256 and the key of session tokens, whose payload has no mid.
type claims struct {
	jwt.RegisteredClaims
	MatchID string `json:"mid,omitempty"`
}

// TokenLife is how long a match token admits.
const TokenLife = 30 * time.Second

// NewToken makes a token for a relayed match that need not exist yet.
func (s *Service) NewToken() (string, error) {
	u, err := id.NewV4(s.c.Random)
	if err != nil {
		return "", err
	}
	c := claims{MatchID: relayedStream(u).Member()}
	c.ExpiresAt = jwt.NewNumericDate(time.Now().Add(TokenLife))
	return jwt.NewWithClaims(jwt.SigningMethodHS256, c).SignedString([]byte(s.c.TokenKey))
}

var tokens = jwt.NewParser(jwt.WithValidMethods([]string{"HS256"}), jwt.WithExpirationRequired())

// openToken is the match that a client's token admits to. Errors: ErrToken.
func (s *Service) openToken(token string) (id.UUID, error) {
	var c claims
	if _, err := tokens.ParseWithClaims(token, &c, func(*jwt.Token) (any, error) { return []byte(s.c.TokenKey), nil }); err != nil {
		return id.UUID{}, ErrToken
	}
	u, err := id.Parse(strings.TrimSuffix(c.MatchID, "."))
	if err != nil || !strings.HasSuffix(c.MatchID, ".") {
		return id.UUID{}, ErrToken
	}
	return u, nil
}
