package session

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"hash"
	"strings"
	"sync"

	"github.com/skirmishgg/skirmish/protocol/id"
)

// kind says which of a pair a token is. Each has a key and a lifetime of its own.
type kind int16

const (
	kindSession kind = 0
	kindRefresh kind = 1
	kinds            = 2
)

// A token is a JWT:
//
//	base64url(header) "." base64url(claims) "." base64url(HMAC-SHA256(key, everything before))
const (
	header        = `{"alg":"HS256","typ":"JWT"}`
	signatureSize = 43 // base64url of 32 bytes
)

var (
	encoding      = base64.RawURLEncoding.Strict() // strict: one signature has one text
	headerSegment = encoding.EncodeToString([]byte(header))
)

// claims have Nakama's names, and their order is that of the payload.
type claims struct {
	TokenID   string            `json:"tid,omitempty"`
	UserID    string            `json:"uid,omitempty"`
	Username  string            `json:"usn,omitempty"`
	Vars      map[string]string `json:"vrs,omitempty"`
	ExpiresAt int64             `json:"exp,omitempty"`
	IssuedAt  int64             `json:"iat,omitempty"`
}

// signer signs and opens the tokens of one kind. Any goroutine may use it.
type signer struct{ pool sync.Pool }

// worker is a keyed hash, whose key schedule costs as much as a short token, and room for one token.
type worker struct {
	mac hash.Hash
	buf []byte
	sum [sha256.Size]byte
}

func newSigner(key string) *signer {
	return &signer{sync.Pool{New: func() any { return &worker{mac: hmac.New(sha256.New, []byte(key))} }}}
}

func (s *signer) sign(t *Token) string {
	payload, err := json.Marshal(claims{t.TokenID, t.UserID.String(), t.Username, t.Vars, t.Expires, t.IssuedAt})
	if err != nil {
		panic("session: strings and numbers do not marshal: " + err.Error())
	}
	w := s.pool.Get().(*worker)
	defer s.pool.Put(w)
	w.buf = append(append(w.buf[:0], headerSegment...), '.')
	w.buf = encoding.AppendEncode(w.buf, payload)
	sum := w.hash(w.buf)
	w.buf = append(w.buf, '.')
	w.buf = encoding.AppendEncode(w.buf, sum)
	return string(w.buf)
}

func (w *worker) hash(text []byte) []byte {
	w.mac.Reset()
	w.mac.Write(text)
	return w.mac.Sum(w.sum[:0])
}

// open checks the form and signature of a token; its times and revocations are the caller's to check. token comes from
// the network: anything may be in it.
func (s *signer) open(token string) (Token, bool) {
	dot := strings.IndexByte(token, '.')
	end := strings.LastIndexByte(token, '.')
	if dot < 0 || end == dot || len(token)-end-1 != signatureSize {
		return Token{}, false
	}
	w := s.pool.Get().(*worker)
	defer s.pool.Put(w)
	w.buf = append(w.buf[:0], token[:end]...)
	sum := w.hash(w.buf)
	var signature [sha256.Size + 1]byte // a 43-character text decodes to at most 32 bytes
	n, err := encoding.Decode(signature[:], []byte(token[end+1:]))
	if err != nil || !hmac.Equal(signature[:n], sum) || !isHS256(token[:dot]) {
		return Token{}, false
	}
	return parseClaims(token[dot+1 : end])
}

// isHS256 reports whether the header names our algorithm. Tokens made by others with our key may word it differently.
func isHS256(segment string) bool {
	if segment == headerSegment {
		return true
	}
	text, err := encoding.DecodeString(segment)
	if err != nil {
		return false
	}
	var h struct {
		Alg string `json:"alg"`
	}
	return json.Unmarshal(text, &h) == nil && h.Alg == "HS256"
}

func parseClaims(segment string) (Token, bool) {
	text, err := encoding.DecodeString(segment)
	if err != nil {
		return Token{}, false
	}
	var c claims
	if !bytes.HasPrefix(text, []byte("{")) || json.Unmarshal(text, &c) != nil || c.ExpiresAt == 0 {
		return Token{}, false
	}
	user, err := id.Parse(c.UserID)
	if err != nil {
		return Token{}, false
	}
	return Token{TokenID: c.TokenID, UserID: user, Username: c.Username, Vars: c.Vars, Expires: c.ExpiresAt, IssuedAt: c.IssuedAt}, true
}
