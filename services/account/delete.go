package account

import (
	"context"
	"iter"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
)

// ErrSystemUser refuses to delete the owner of what belongs to nobody.
var ErrSystemUser = errs.New(errs.Internal, "Error deleting user account.")

// Delete ends an account: its row and all that hangs on it (persist/schema declares what), its scores, its memberships,
// its tokens and its connections. Purchases and subscriptions stay and belong to the system user. recorded leaves a
// tombstone. An account that is gone already is no error.
// Errors: ErrSystemUser.
func (s *Service) Delete(ctx context.Context, user id.UUID, recorded bool) error {
	if user.IsZero() {
		return ErrSystemUser
	}
	err := s.c.DB.Update(ctx, func(tx store.Tx) error {
		if err := s.c.Sessions.RevokeAllIn(tx, user); err != nil {
			return err
		}
		switch _, err := get(tx, user); err {
		case nil:
		case ErrNotFound:
			return nil
		default:
			return err
		}
		for _, remove := range []func(store.Tx, id.UUID) error{leaveGroups, s.removeRecords} {
			if err := remove(tx, user); err != nil {
				return err
			}
		}
		if recorded {
			if err := store.Put(tx, schema.Tombstones, &schema.Tombstone{UserID: user, CreateTime: tx.Now()}); err != nil {
				return err
			}
		}
		tx.AfterCommit(func(store.Commit) { s.c.Removed(user) })
		return store.Delete(tx, schema.Users, user)
	})
	if err != nil {
		return err
	}
	s.c.Live.Kick(user)
	return nil
}

// removeRecords takes the user's scores from all boards and periods.
func (s *Service) removeRecords(tx store.Tx, user id.UUID) error {
	records, err := collect(store.Scan(tx, schema.LeaderboardRecords.By("owner_id"), store.Range{Prefix: []any{user}}))
	if err != nil {
		return err
	}
	for _, r := range records {
		if err := store.Delete(tx, schema.LeaderboardRecords, r.OwnerID, r.LeaderboardID, r.ExpiryTime); err != nil {
			return err
		}
		if err := s.c.RecordRemoved(tx, r); err != nil {
			return err
		}
	}
	return nil
}

// leaveGroups takes the user from all groups. A group that loses its last superadmin ends, whoever else is in it; its
// messages stay.
func leaveGroups(tx store.Tx, user id.UUID) error {
	// The groups' side of each membership: of a ban it is the only one.
	edges, err := collect(store.Scan(tx, schema.GroupEdges.By("destination_id"), store.Range{Prefix: []any{user}}))
	if err != nil {
		return err
	}
	for _, e := range edges {
		if err := leaveGroup(tx, e.SourceID, user); err != nil {
			return err
		}
	}
	// A user's side alone: nothing of ours leaves one, an older database may.
	edges, err = collect(store.Scan(tx, schema.GroupEdges.By("source_id"), store.Range{Prefix: []any{user}}))
	if err != nil {
		return err
	}
	for _, e := range edges {
		if err := store.Delete(tx, schema.GroupEdges, e.SourceID, e.DestinationID); err != nil {
			return err
		}
	}
	return nil
}

func leaveGroup(tx store.Tx, group, user id.UUID) error {
	row, exists, err := store.Get(tx, schema.Groups, group) // holds the group: its edges stand still from here on
	if err != nil {
		return err
	}
	edge, member, err := store.Get(tx, schema.GroupEdges, group, user)
	if err != nil || !member {
		return err
	}
	if exists && edge.State == schema.MemberSuperadmin {
		last, err := isLastSuperadmin(tx, group, user)
		if err != nil {
			return err
		}
		if last {
			return removeGroup(tx, group)
		}
	}
	if err := removeEdges(tx, group, user); err != nil {
		return err
	}
	if !exists || edge.State > schema.MemberPlain || row.EdgeCount <= 1 { // the table refuses a count of none
		return nil
	}
	row.EdgeCount--
	row.UpdateTime = tx.Now()
	return store.Put(tx, schema.Groups, row)
}

func isLastSuperadmin(tx store.Tx, group, user id.UUID) (bool, error) {
	superadmins := store.Range{Prefix: []any{group, schema.MemberSuperadmin}, Limit: 2}
	for e, err := range store.Scan(tx, schema.GroupEdges.By("source_id", "state", "position"), superadmins) {
		if err != nil {
			return false, err
		}
		if e.DestinationID != user {
			return false, nil
		}
	}
	return true, nil
}

func removeGroup(tx store.Tx, group id.UUID) error {
	edges, err := collect(store.Scan(tx, schema.GroupEdges.By("source_id"), store.Range{Prefix: []any{group}}))
	if err != nil {
		return err
	}
	for _, e := range edges {
		if err := removeEdges(tx, group, e.DestinationID); err != nil {
			return err
		}
	}
	return store.Delete(tx, schema.Groups, group)
}

func removeEdges(tx store.Tx, group, user id.UUID) error {
	if err := store.Delete(tx, schema.GroupEdges, group, user); err != nil {
		return err
	}
	return store.Delete(tx, schema.GroupEdges, user, group)
}

// collect reads a scan to its end, so that the rows may be changed.
func collect[R any](rows iter.Seq2[*R, error]) ([]*R, error) {
	var all []*R
	for row, err := range rows {
		if err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	return all, nil
}
