package transfer

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/account"
	"github.com/skirmishgg/skirmish/services/storage"
)

// Import puts a document into a user's account, or, for the zero user, into a new one with the document's id, whose id it
// answers. It happens as a whole or not at all, and a second time changes nothing:
//
//	metadata, wallet    replace the account's, if the document has them
//	objects             replace all of the account's objects, with their versions and times
//	                    the rest only if the document is of this very account:
//	friends             return where both users exist and are nothing to each other
//	messages, notifications, wallet_ledgers
//	                    replace those with the same ids
//	leaderboard_records replace those of the same board and period; those of boards that are gone are passed over, and
//	                    the sizes of tournaments stay
//
// A new account has everything by which its owner signs in but the password.
// Errors: ErrNoUser, ErrUserExists, ErrUsername, account.ErrDeviceInUse, a refusal of another identifier that is taken,
// those of account.CheckUsername, and refusals that name an item of the document.
func (s *Service) Import(ctx context.Context, user id.UUID, d *Document) (id.UUID, error) {
	r, err := rowsOf(user, d, s.c.Now())
	if err != nil {
		return id.UUID{}, err
	}
	err = s.c.DB.Update(ctx, func(tx store.Tx) error { return s.put(tx, r) })
	if errors.Is(err, store.ErrUnavailable) {
		s.c.Boards.Doubt(r.records)
	}
	if err != nil {
		return id.UUID{}, taken(err)
	}
	return r.user, nil
}

// taken tells which identifier of a new account is another's.
func taken(err error) error {
	var duplicate *store.DuplicateError
	switch {
	case !errors.As(err, &duplicate) || duplicate.Table != schema.Users.Def.Name:
		return err
	case duplicate.Columns == "username":
		return ErrUsername
	}
	return errs.Newf(errs.AlreadyExists, "account: %s already in use", duplicate.Columns)
}

func (s *Service) put(tx store.Tx, r *rows) error {
	users, err := r.hold(tx)
	if err != nil {
		return err
	}
	if users[r.user], err = r.putAccount(tx, users[r.user]); err != nil {
		return err
	}
	if err := r.putFriends(tx, users); err != nil {
		return err
	}
	if err := s.putObjects(tx, r); err != nil {
		return err
	}
	if err := s.putRecords(tx, r); err != nil {
		return err
	}
	if err := putOwned(tx, schema.Messages, "messages", r.messages, func(m *schema.Message) (u, owner id.UUID) { return m.ID, m.SenderID }); err != nil {
		return err
	}
	if err := putOwned(tx, schema.Notifications, "notifications", r.notifications, func(n *schema.Notification) (u, owner id.UUID) { return n.ID, n.UserID }); err != nil {
		return err
	}
	return putOwned(tx, schema.Ledger, "wallet_ledgers", r.ledger, func(l *schema.LedgerItem) (u, owner id.UUID) { return l.ID, l.UserID })
}

// hold reads the account's row and those of its friends, nil for who does not exist. Nobody else changes them from then on.
// All who tie users take them in one order, so that no two transactions wait for each other.
func (r *rows) hold(tx store.Tx) (map[id.UUID]*schema.User, error) {
	ids := []id.UUID{r.user}
	for _, e := range r.friends {
		ids = append(ids, e.DestinationID)
	}
	slices.SortFunc(ids, func(a, b id.UUID) int { return bytes.Compare(a[:], b[:]) })
	users := make(map[id.UUID]*schema.User, len(ids))
	for _, u := range slices.Compact(ids) {
		row, _, err := store.Get(tx, schema.Users, u)
		if err != nil {
			return nil, err
		}
		users[u] = row
	}
	return users, nil
}

// putAccount is the account's row, with what the document says of it.
func (r *rows) putAccount(tx store.Tx, row *schema.User) (*schema.User, error) {
	switch {
	case r.profile != nil && row != nil:
		return nil, ErrUserExists
	case r.profile != nil:
		fresh := *r.profile // a run must not change what the next one begins with
		row = &fresh
	case row == nil:
		return nil, ErrNoUser
	}
	if r.metadata != "" {
		row.Metadata = r.metadata
	}
	if r.wallet != "" {
		row.Wallet = r.wallet
	}
	if err := store.Put(tx, schema.Users, row); err != nil {
		return nil, unstorable("account", err)
	}
	for _, d := range r.devices {
		other, exists, err := store.Get(tx, schema.UserDevices, d.ID)
		if err != nil {
			return nil, err
		}
		if exists && other.UserID != r.user {
			return nil, account.ErrDeviceInUse
		}
		if err := store.Put(tx, schema.UserDevices, d); err != nil {
			return nil, unstorable("account.devices", err)
		}
	}
	return row, nil
}

// putObjects makes the account's objects those of the document.
func (s *Service) putObjects(tx store.Tx, r *rows) error {
	changed := make(map[storage.ID]bool, len(r.objects)) // true: it is in the document
	for i, o := range r.objects {
		if err := store.Put(tx, schema.Storage, o); err != nil {
			return unstorable(sectionItem("objects", i), err)
		}
		changed[storage.ID{Collection: o.Collection, Key: o.Key, UserID: o.UserID}] = true
	}
	var others []storage.ID // collected first: the scan reads what the loop changes
	for o, err := range store.Scan(tx, objectsOf, store.Range{Prefix: []any{r.user}}) {
		if err != nil {
			return err
		}
		if u := (storage.ID{Collection: o.Collection, Key: o.Key, UserID: o.UserID}); !changed[u] {
			others = append(others, u)
		}
	}
	for _, o := range others {
		if err := store.Delete(tx, schema.Storage, o.Collection, o.Key, o.UserID); err != nil {
			return err
		}
		changed[o] = false
	}
	tx.AfterCommit(func(store.Commit) {
		for o := range changed {
			s.c.Changed(o)
		}
	})
	return nil
}

func (s *Service) putRecords(tx store.Tx, r *rows) error {
	for i, record := range r.records {
		_, exists, err := store.Get(tx, schema.Leaderboards, record.LeaderboardID) // held: it is not deleted meanwhile
		if err != nil {
			return err
		}
		if !exists {
			continue
		}
		if err := store.Put(tx, schema.LeaderboardRecords, record); err != nil {
			return unstorable(sectionItem("leaderboard_records", i), err)
		}
		s.c.Boards.Follow(tx, record)
	}
	return nil
}

// putOwned puts rows that have ids of their own. One that is another's is not taken from him.
func putOwned[R any](tx store.Tx, t *store.Table[R], section string, rows []*R, names func(*R) (u, owner id.UUID)) error {
	for i, row := range rows {
		u, owner := names(row)
		old, exists, err := store.Get(tx, t, u)
		if err != nil {
			return err
		}
		if exists {
			if _, holder := names(old); holder != owner {
				return invalid(sectionItem(section, i), errNotOwn)
			}
		}
		if err := store.Put(tx, t, row); err != nil {
			return unstorable(sectionItem(section, i), err)
		}
	}
	return nil
}

var errNotOwn = errs.New(errs.InvalidArgument, "the identifier is of another account's")

// unstorable is an error of a Put: a refusal that names what no store can keep.
func unstorable(what string, err error) error {
	if errors.Is(err, store.ErrInvalidValue) {
		return invalid(what, err)
	}
	return err
}
