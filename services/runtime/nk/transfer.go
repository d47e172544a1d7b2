package nk

import (
	"context"
	"errors"

	"github.com/heroiclabs/nakama-common/api"
)

var errTransfer = errors.New("export and import of accounts are not available")

func (m *Module) AccountExportId(context.Context, string) (string, error) { return "", errTransfer }

func (m *Module) AccountImportId(context.Context, string, string) (*api.Account, error) {
	return nil, errTransfer
}
