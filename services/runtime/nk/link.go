package nk

import (
	"context"

	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/account"
)

func (m *Module) LinkCustom(ctx context.Context, userID, customID string) error {
	return link(userID, func(user id.UUID) error { return m.c.Account.LinkCustom(ctx, user, customID) })
}

func (m *Module) LinkDevice(ctx context.Context, userID, deviceID string) error {
	return link(userID, func(user id.UUID) error { return m.c.Account.LinkDevice(ctx, user, deviceID) })
}

func (m *Module) LinkEmail(ctx context.Context, userID, email, password string) error {
	return link(userID, func(user id.UUID) error { return m.c.Account.LinkEmail(ctx, user, email, password) })
}

func (m *Module) UnlinkCustom(ctx context.Context, userID, customID string) error {
	return link(userID, func(user id.UUID) error { return m.c.Account.Unlink(ctx, user, account.Custom, customID, nil) })
}

func (m *Module) UnlinkDevice(ctx context.Context, userID, deviceID string) error {
	return link(userID, func(user id.UUID) error { return m.c.Account.UnlinkDevice(ctx, user, deviceID) })
}

func (m *Module) UnlinkEmail(ctx context.Context, userID, email string) error {
	return link(userID, func(user id.UUID) error { return m.c.Account.UnlinkEmail(ctx, user, email) })
}

// link changes what signs a user in.
func link(userID string, change func(id.UUID) error) error {
	user, err := parseUser(userID)
	if err != nil {
		return err
	}
	return toldStatus(change(user))
}

func (m *Module) LinkApple(context.Context, string, string) error { return errApple }

func (m *Module) LinkFacebook(context.Context, string, string, string, bool) error {
	return errFacebook
}

func (m *Module) LinkFacebookInstantGame(context.Context, string, string) error { return errInstant }

func (m *Module) LinkGameCenter(context.Context, string, string, string, int64, string, string, string) error {
	return errGameCenter
}

func (m *Module) LinkGoogle(context.Context, string, string) error { return errGoogle }

func (m *Module) LinkSteam(context.Context, string, string, string, bool) error { return errSteam }

// UnlinkApple and the others take whatever is stored when no token is given; who has one is asked of the provider.

func (m *Module) UnlinkApple(ctx context.Context, userID, token string) error {
	return m.unlink(ctx, userID, account.Apple, token == "", errApple)
}

func (m *Module) UnlinkFacebook(ctx context.Context, userID, token string) error {
	return m.unlink(ctx, userID, account.Facebook, token == "", errFacebook)
}

func (m *Module) UnlinkFacebookInstantGame(ctx context.Context, userID, signedPlayerInfo string) error {
	return m.unlink(ctx, userID, account.Instant, signedPlayerInfo == "", errInstant)
}

func (m *Module) UnlinkGameCenter(ctx context.Context, userID, playerID, bundleID string, timestamp int64, salt, signature, publicKeyURL string) error {
	unproven := playerID == "" && bundleID == "" && timestamp == 0 && salt == "" && signature == "" && publicKeyURL == ""
	return m.unlink(ctx, userID, account.GameCenter, unproven, errGameCenter)
}

func (m *Module) UnlinkGoogle(ctx context.Context, userID, token string) error {
	return m.unlink(ctx, userID, account.Google, token == "", errGoogle)
}

func (m *Module) UnlinkSteam(ctx context.Context, userID, token string) error {
	return m.unlink(ctx, userID, account.Steam, token == "", errSteam)
}

func (m *Module) unlink(ctx context.Context, userID string, i *account.Identifier, whatever bool, unavailable error) error {
	if !whatever {
		return unavailable
	}
	return link(userID, func(user id.UUID) error { return m.c.Account.Unlink(ctx, user, i, "", nil) })
}
