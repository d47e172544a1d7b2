package nk

import (
	"context"

	"github.com/heroiclabs/nakama-common/api"

	"github.com/skirmishgg/skirmish/services/party"
)

// PartyList finds parties; open nil: both.
func (m *Module) PartyList(_ context.Context, limit int, open *bool, showHidden bool, query, cursor string) ([]*api.Party, string, error) {
	if err := limited(limit, 1, 100); err != nil {
		return nil, "", err
	}
	page, err := m.c.Party.List(party.Filter{Open: open, Hidden: showHidden, Query: query}, limit, cursor)
	return page.GetParties(), page.GetCursor(), told(err)
}
