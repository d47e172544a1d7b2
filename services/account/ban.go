package account

import (
	"context"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/id"
)

// Ban keeps users out, all or none of them: their tokens end, their connections are told and closed, and they sign in no
// more until Unban. Who does not exist is passed over.
func (s *Service) Ban(ctx context.Context, users ...id.UUID) error {
	err := s.each(ctx, users, func(tx store.Tx, row *schema.User) error {
		row.DisableTime = tx.Now()
		return s.c.Sessions.RevokeAllIn(tx, row.ID)
	})
	if err != nil {
		return err
	}
	for _, user := range users {
		s.c.Live.KickBanned(user)
	}
	return nil
}

// Unban lets users sign in again.
func (s *Service) Unban(ctx context.Context, users ...id.UUID) error {
	return s.each(ctx, users, func(_ store.Tx, row *schema.User) error {
		row.DisableTime = schema.Epoch
		return nil
	})
}

// each changes those of the users who exist, in one write. The system user is not changed.
func (s *Service) each(ctx context.Context, users []id.UUID, change func(store.Tx, *schema.User) error) error {
	if len(users) == 0 {
		return nil
	}
	hints := make([]store.Ref, len(users))
	for i, user := range users {
		hints[i] = schema.Users.Ref(user)
	}
	return s.c.DB.Write(ctx, hints, func(tx store.Tx) error {
		for _, user := range users {
			row, err := get(tx, user)
			if err == ErrNotFound || user.IsZero() {
				continue
			}
			if err == nil {
				err = change(tx, row)
			}
			if err == nil {
				row.UpdateTime = tx.Now()
				err = store.Put(tx, schema.Users, row)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}
