package nk

import (
	"context"
	"fmt"
	"strings"

	"github.com/heroiclabs/nakama-common/api"

	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/transfer"
)

// AccountExportId is the account as one JSON document, the console's.
func (m *Module) AccountExportId(ctx context.Context, userID string) (string, error) {
	user, err := parseUser(userID)
	if err != nil {
		return "", err
	}
	var text strings.Builder
	if err := m.c.Transfer.Export(ctx, user, &text); err != nil {
		return "", fmt.Errorf("error exporting account: %w", told(err))
	}
	return text.String(), nil
}

// AccountImportId puts a document into an account that exists, or makes the one of the document when none is named. Of the
// latter it answers everything but the id: modules know it from the document, and get the zero one.
func (m *Module) AccountImportId(ctx context.Context, data, userID string) (*api.Account, error) {
	user, err := parseOptional(userID, "user id")
	if err != nil {
		return nil, err
	}
	document, err := transfer.Parse([]byte(data))
	if err != nil {
		return nil, err
	}
	imported, err := m.c.Transfer.Import(ctx, user, document)
	if err != nil {
		return nil, fmt.Errorf("error importing account: %w", told(err))
	}
	list, err := m.c.Account.Accounts(ctx, []id.UUID{imported}, nil)
	if err != nil {
		return nil, told(err)
	}
	if len(list) == 0 {
		return nil, errAccount // deleted since
	}
	if user.IsZero() {
		list[0].User.Id = user.String()
	}
	return list[0], nil
}
