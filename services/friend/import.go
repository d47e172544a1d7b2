package friend

import (
	"context"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/notify"
)

// Provider is a network whose friends players can bring along.
type Provider struct {
	name  string // in the metadata of imported ties
	index *store.Index[schema.User]
}

// All providers.
var (
	Facebook = &Provider{"facebook", schema.Users.By("facebook_id")}
	Steam    = &Provider{"steam", schema.Users.By("steam_id")}
)

// Import makes friends of the actor and the accounts that have these ids at the provider; whoever of the two has blocked
// the other is passed over. reset first ends all that the actor has with others, but for blocks.
// Errors: account.ErrNotFound.
func (s *Service) Import(ctx context.Context, a Actor, from *Provider, ids []string, reset bool) error {
	keys := make([][]any, 0, len(ids))
	for _, text := range ids {
		if storable(text) {
			keys = append(keys, []any{text})
		}
	}
	rows, err := store.GetManyBy(ctx, s.c.DB, from.index, keys...)
	if err != nil {
		return err
	}
	var users []id.UUID
	seen := map[id.UUID]bool{a.UserID: true}
	for _, row := range rows {
		if row != nil && !seen[row.ID] {
			seen[row.ID] = true
			users = append(users, row.ID)
		}
	}
	if len(users) == 0 && !reset {
		return nil
	}
	c := newChange(a, users)
	for _, user := range users {
		c.drafts[draftID{user, notify.CodeFriendJoined}] = notify.System(user, notify.CodeFriendJoined,
			"Your friend has just joined the game", map[string]string{"username": a.Username}, a.UserID)
	}
	if reset {
		if c.former, err = s.tied(ctx, a.UserID); err != nil {
			return err
		}
	}
	metadata := store.JSON(`{"provider": "` + from.name + `"}`)
	err = s.c.DB.Update(ctx, func(tx store.Tx) error {
		return c.run(tx, func(t *tie) error { return t.befriend(metadata) })
	})
	if err == nil {
		s.c.Notify.Deliver(c.sent...)
	}
	return err
}

// tied is whom the user is tied to. It is read before the transaction, which has to hold all users in one order before
// it looks at edges.
func (s *Service) tied(ctx context.Context, user id.UUID) ([]id.UUID, error) {
	edges, err := store.List(ctx, s.c.DB, byState, store.Range{Prefix: []any{user}})
	users := make([]id.UUID, len(edges))
	for i, e := range edges {
		users[i] = e.DestinationID
	}
	return users, err
}
