package gateway

import (
	"crypto/subtle"
	"encoding/base64"
	"strings"

	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/session"
)

// Refusals of credentials; their texts are known to clients.
var (
	ErrServerKeyRequired = errs.New(errs.Unauthenticated, "Server key required")
	ErrServerKeyInvalid  = errs.New(errs.Unauthenticated, "Server key invalid")
	ErrTokenRequired     = errs.New(errs.Unauthenticated, "Auth token required")
	ErrTokenInvalid      = session.ErrInvalid
	ErrNothingGiven      = errs.New(errs.Unauthenticated, "Auth token or HTTP key required")
	ErrHTTPKeyInvalid    = errs.New(errs.Unauthenticated, "HTTP key invalid")
	errConsoleOnly       = errs.New(errs.PermissionDenied, "This operation belongs to the console.")
)

// Caller is who may run e with these credentials: authorization are all values of the header (or metadata key) of that
// name, httpKey the key of server-to-server calls where the door knows one.
func (d *Door) Caller(e *op.Entry, authorization []string, httpKey, clientIP string) (op.Caller, *errs.Error) {
	c := op.Caller{Node: d.Node, ClientIP: clientIP}
	switch e.Spec.Auth {
	case op.None:
		return c, nil
	case op.ServerKey:
		return c, d.serverKey(authorization)
	case op.Session:
		if len(authorization) == 0 {
			return c, ErrTokenRequired
		}
		return d.bearer(c, authorization)
	case op.HTTPKey:
		if len(authorization) > 0 {
			return d.bearer(c, authorization)
		}
		return c, d.httpKey(httpKey)
	}
	return c, errConsoleOnly
}

// HTTPCaller is Caller for functions called over HTTP, where the key goes before the header, and the header may carry
// the key as well. Only the first one present is looked at.
func (d *Door) HTTPCaller(authorization []string, httpKey, clientIP string) (op.Caller, *errs.Error) {
	c := op.Caller{Node: d.Node, ClientIP: clientIP}
	if httpKey != "" || len(authorization) == 0 {
		return c, d.httpKey(httpKey)
	}
	if key, ok := basicUser(authorization[0]); ok {
		if !same(key, d.HTTPKey) {
			return c, ErrHTTPKeyInvalid
		}
		return c, nil
	}
	return d.bearer(c, authorization[:1])
}

func (d *Door) serverKey(authorization []string) *errs.Error {
	if len(authorization) != 1 {
		return ErrServerKeyRequired
	}
	if key, ok := basicUser(authorization[0]); !ok || !same(key, d.ServerKey) {
		return ErrServerKeyInvalid
	}
	return nil
}

func (d *Door) httpKey(key string) *errs.Error {
	switch {
	case key == "":
		return ErrNothingGiven
	case !same(key, d.HTTPKey):
		return ErrHTTPKeyInvalid
	}
	return nil
}

func (d *Door) bearer(c op.Caller, authorization []string) (op.Caller, *errs.Error) {
	if len(authorization) != 1 {
		return c, ErrTokenInvalid
	}
	token, ok := strings.CutPrefix(authorization[0], "Bearer ")
	if !ok {
		return c, ErrTokenInvalid
	}
	t, err := d.Sessions.Verify(token)
	if err != nil {
		return c, ErrTokenInvalid
	}
	c.UserID, c.Username, c.Vars, c.Expires = t.UserID, t.Username, t.Vars, t.Expires
	return c, nil
}

// basicUser is the user part of HTTP basic credentials; the password is nobody's business here.
func basicUser(authorization string) (user string, ok bool) {
	encoded, ok := strings.CutPrefix(authorization, "Basic ")
	if !ok {
		return "", false
	}
	plain, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return "", false
	}
	user, _, ok = strings.Cut(string(plain), ":")
	return user, ok
}

// same compares a key in a time that does not tell how much of it was right. Nothing is the same as no key.
func same(given, key string) bool {
	return key != "" && subtle.ConstantTimeCompare([]byte(given), []byte(key)) == 1
}
