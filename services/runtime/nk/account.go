package nk

import (
	"context"

	"github.com/heroiclabs/nakama-common/api"

	"github.com/skirmishgg/skirmish/services/account"
)

func (m *Module) AccountGetId(ctx context.Context, userID string) (*api.Account, error) {
	list, err := m.AccountsGetId(ctx, []string{userID}, nil)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, errAccount
	}
	return list[0], nil
}

// AccountsGetId leaves out what does not exist.
func (m *Module) AccountsGetId(ctx context.Context, userIDs, deviceIDs []string) ([]*api.Account, error) {
	users, err := parseUsers(userIDs)
	if err != nil {
		return nil, err
	}
	list, err := m.c.Account.Accounts(ctx, users, deviceIDs)
	return list, told(err)
}

// AccountUpdateId changes what is not "" or nil.
func (m *Module) AccountUpdateId(ctx context.Context, userID, username string, metadata map[string]any, displayName, timezone, location, langTag, avatarURL string) error {
	user, err := parseUser(userID)
	if err != nil {
		return err
	}
	u, err := updateOf(username, metadata, displayName, timezone, location, langTag, avatarURL)
	if err != nil {
		return err
	}
	return toldAccount(m.c.Account.Update(ctx, user, u))
}

func updateOf(username string, metadata map[string]any, displayName, timezone, location, langTag, avatarURL string) (u account.Update, err error) {
	u = account.Update{
		Username: given(username), DisplayName: given(displayName), Timezone: given(timezone), Location: given(location),
		LangTag: given(langTag), AvatarURL: given(avatarURL),
	}
	if metadata != nil {
		text, err := jsonOf(metadata, "metadata")
		if err != nil {
			return u, err
		}
		u.Metadata = &text
	}
	return u, nil
}

func (m *Module) AccountDeleteId(ctx context.Context, userID string, recorded bool) error {
	user, err := parseUser(userID)
	if err != nil {
		return err
	}
	return told(m.c.Account.Delete(ctx, user, recorded))
}
