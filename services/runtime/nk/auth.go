package nk

import (
	"context"

	"github.com/skirmishgg/skirmish/services/auth"
)

// AuthenticateDevice and the other sign-ins find or create the account of an identifier. username is for an account that is
// created; "" draws one.

func (m *Module) AuthenticateDevice(ctx context.Context, id, username string, create bool) (string, string, bool, error) {
	return signedIn(m.c.Auth.Device(ctx, id, username, create))
}

func (m *Module) AuthenticateCustom(ctx context.Context, id, username string, create bool) (string, string, bool, error) {
	return signedIn(m.c.Auth.Custom(ctx, id, username, create))
}

// AuthenticateEmail without an address signs in by username.
func (m *Module) AuthenticateEmail(ctx context.Context, email, password, username string, create bool) (string, string, bool, error) {
	return signedIn(m.c.Auth.Email(ctx, email, password, username, create))
}

func signedIn(who auth.SignIn, err error) (userID, username string, created bool, _ error) {
	if err != nil {
		return "", "", false, toldSignIn(err)
	}
	return who.UserID.String(), who.Username, who.Created, nil
}

// What needs an identity provider that there is none of yet.
var (
	errApple      = sentence("Apple authentication is not configured")
	errFacebook   = sentence("Facebook authentication is not configured")
	errInstant    = sentence("Facebook Instant Game authentication is not configured")
	errGameCenter = sentence("Game Center authentication is not configured")
	errGoogle     = sentence("Google authentication is not configured")
	errSteam      = sentence("Steam authentication is not configured")
)

func (m *Module) AuthenticateApple(context.Context, string, string, bool) (string, string, bool, error) {
	return "", "", false, errApple
}

func (m *Module) AuthenticateFacebook(context.Context, string, bool, string, bool) (string, string, bool, error) {
	return "", "", false, errFacebook
}

func (m *Module) AuthenticateFacebookInstantGame(context.Context, string, string, bool) (string, string, bool, error) {
	return "", "", false, errInstant
}

func (m *Module) AuthenticateGameCenter(context.Context, string, string, int64, string, string, string, string, bool) (string, string, bool, error) {
	return "", "", false, errGameCenter
}

func (m *Module) AuthenticateGoogle(context.Context, string, string, bool) (string, string, bool, error) {
	return "", "", false, errGoogle
}

func (m *Module) AuthenticateSteam(context.Context, string, string, bool) (string, string, bool, error) {
	return "", "", false, errSteam
}

// AuthenticateTokenGenerate makes a session token for a user, whom it does not look up. exp is in Unix seconds; 0: the
// configured lifetime from now.
func (m *Module) AuthenticateTokenGenerate(userID, username string, exp int64, vars map[string]string) (string, int64, error) {
	user, err := parseUser(userID)
	if err != nil {
		return "", 0, err
	}
	return m.c.Sessions.Generate(user, username, exp, vars)
}
