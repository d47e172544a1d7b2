package nk

import (
	"context"
	"errors"

	"github.com/heroiclabs/nakama-common/runtime"

	"github.com/skirmishgg/skirmish/services/wallet"
)

func (m *Module) WalletUpdate(ctx context.Context, userID string, changeset map[string]int64, metadata map[string]any, updateLedger bool) (updated, previous map[string]int64, err error) {
	list, err := m.WalletsUpdate(ctx, []*runtime.WalletUpdate{{UserID: userID, Changeset: changeset, Metadata: metadata}}, updateLedger)
	if err != nil {
		return nil, nil, err
	}
	return list[0].Updated, list[0].Previous, nil
}

// WalletsUpdate makes all changes or none.
func (m *Module) WalletsUpdate(ctx context.Context, updates []*runtime.WalletUpdate, updateLedger bool) ([]*runtime.WalletUpdateResult, error) {
	changes, err := changesOf(updates)
	if err != nil {
		return nil, err
	}
	done, err := m.c.Wallet.Update(ctx, changes, updateLedger)
	return results(done), told(err)
}

func changesOf(updates []*runtime.WalletUpdate) ([]wallet.Change, error) {
	changes := make([]wallet.Change, len(updates))
	for i, u := range updates {
		user, err := parseUser(u.UserID)
		if err != nil {
			return nil, err
		}
		metadata, err := jsonOf(u.Metadata, "metadata")
		if err != nil {
			return nil, err
		}
		changes[i] = wallet.Change{UserID: user, Amounts: u.Changeset, Metadata: metadata}
	}
	return changes, nil
}

func results(done []wallet.Result) []*runtime.WalletUpdateResult {
	list := make([]*runtime.WalletUpdateResult, len(done))
	for i, r := range done {
		list[i] = &runtime.WalletUpdateResult{UserID: r.UserID.String(), Updated: r.Updated, Previous: r.Previous}
	}
	return list
}

// WalletLedgerUpdate puts members into the metadata of a line of a ledger. The answer has just those.
func (m *Module) WalletLedgerUpdate(ctx context.Context, itemID string, metadata map[string]any) (runtime.WalletLedgerItem, error) {
	item, err := parse(itemID, "item id")
	if err != nil {
		return nil, err
	}
	if metadata == nil {
		return nil, errors.New("expects metadata to be given")
	}
	row, err := m.c.Wallet.Annotate(ctx, item, metadata)
	if err != nil {
		return nil, told(err)
	}
	line, err := ledgerLineOf(row)
	if err != nil {
		return nil, err
	}
	line.metadata = metadata
	return line, nil
}

// WalletLedgerList is a page of a user's ledger, newest first.
func (m *Module) WalletLedgerList(ctx context.Context, userID string, limit int, cursor string) ([]runtime.WalletLedgerItem, string, error) {
	user, err := parseUser(userID)
	if err == nil {
		err = limited(limit, 0, 100)
	}
	if err != nil {
		return nil, "", err
	}
	rows, next, err := m.c.Wallet.Ledger(ctx, user, limit, cursor)
	if err != nil {
		return nil, "", told(err)
	}
	list := make([]runtime.WalletLedgerItem, len(rows))
	for i, row := range rows {
		if list[i], err = ledgerLineOf(row); err != nil {
			return nil, "", err
		}
	}
	return list, next, nil
}

// ledgerLine is a runtime.WalletLedgerItem.
type ledgerLine struct {
	row       *wallet.Item
	changeset map[string]int64
	metadata  map[string]any
}

func ledgerLineOf(row *wallet.Item) (*ledgerLine, error) {
	changeset, err := wallet.AmountsOf(row)
	if err != nil {
		return nil, err
	}
	metadata, err := wallet.MetadataOf(row)
	return &ledgerLine{row, changeset, metadata}, err
}

func (l *ledgerLine) GetID() string                  { return l.row.ID.String() }
func (l *ledgerLine) GetUserID() string              { return l.row.UserID.String() }
func (l *ledgerLine) GetCreateTime() int64           { return l.row.CreateTime.Unix() }
func (l *ledgerLine) GetUpdateTime() int64           { return l.row.UpdateTime.Unix() }
func (l *ledgerLine) GetChangeset() map[string]int64 { return l.changeset }
func (l *ledgerLine) GetMetadata() map[string]any    { return l.metadata }
