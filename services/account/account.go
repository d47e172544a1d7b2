// Package account has the users of the game: their profiles, the identifiers that sign them in, and their end.
//
// The life of an account: auth creates its row (New) when an unknown identifier signs in; Link and Unlink add further
// identifiers and take them away, but never the last; Update changes the profile; Delete ends it with everything that
// belongs to it.
//
// ops.go holds what a client may ask of its own account; everything else has no idea of clients, so server code and the
// console call the same functions. They may be called from any goroutine, never from a tick.
package account

import (
	"context"
	"crypto/rand"
	"slices"

	"github.com/heroiclabs/nakama-common/api"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/session"
)

// Config is what a Service is made of.
type Config struct {
	DB        store.DB
	Sessions  *session.Service
	Live      *session.Live
	Passwords *Passwords
	Online    func(id.UUID) bool // whether a user shows as online; nil: nobody does

	// RecordRemoved is told, in the transaction, of each score that goes with an account, when it is deleted; nil: nobody is.
	RecordRemoved func(tx store.Tx, r *schema.LeaderboardRecord) error
	// Removed is told of each account that was deleted, after the commit. It must not wait. nil: nobody is.
	Removed func(user id.UUID)
}

// Service reads and changes accounts.
type Service struct{ c Config }

// New is a service over these parts.
func New(c Config) *Service {
	if c.Online == nil {
		c.Online = func(id.UUID) bool { return false }
	}
	if c.RecordRemoved == nil {
		c.RecordRemoved = func(store.Tx, *schema.LeaderboardRecord) error { return nil }
	}
	if c.Removed == nil {
		c.Removed = func(id.UUID) {}
	}
	return &Service{c}
}

// ErrNotFound says that the account is gone.
var ErrNotFound = errs.New(errs.NotFound, "Account not found.")

// Get is the whole account.
// Errors: ErrNotFound.
func (s *Service) Get(ctx context.Context, user id.UUID) (*api.Account, error) {
	rows, err := store.GetMany(ctx, s.c.DB, schema.Users, []any{user})
	if err != nil {
		return nil, err
	}
	if rows[0] == nil {
		return nil, ErrNotFound
	}
	devices, err := store.List(ctx, s.c.DB, devicesOf, store.Range{Prefix: []any{user}})
	if err != nil {
		return nil, err
	}
	return accountMessage(rows[0], devices, s.c.Online(user)), nil
}

var devicesOf = schema.UserDevices.By("user_id", "id")

// Accounts are the whole accounts with any of these ids and devices, once each, with the time of a ban, which their owners
// are not told; who does not exist is left out.
func (s *Service) Accounts(ctx context.Context, ids []id.UUID, devices []string) ([]*api.Account, error) {
	keys := make([][]any, len(devices))
	for i, device := range devices {
		keys[i] = []any{device}
	}
	held, err := store.GetMany(ctx, s.c.DB, schema.UserDevices, keys...)
	if err != nil {
		return nil, err
	}
	users := slices.Clone(ids)
	for _, d := range held {
		if d != nil {
			users = append(users, d.UserID)
		}
	}
	rows, err := store.GetMany(ctx, s.c.DB, schema.Users, keysOf(users)...)
	if err != nil {
		return nil, err
	}
	var found []*api.Account
	seen := make(map[id.UUID]bool, len(rows))
	for _, row := range rows {
		if row == nil || seen[row.ID] {
			continue
		}
		seen[row.ID] = true
		devices, err := store.List(ctx, s.c.DB, devicesOf, store.Range{Prefix: []any{row.ID}})
		if err != nil {
			return nil, err
		}
		a := accountMessage(row, devices, s.c.Online(row.ID))
		if Banned(row) {
			a.DisableTime = seconds(row.DisableTime)
		}
		found = append(found, a)
	}
	return found, nil
}

func keysOf(ids []id.UUID) [][]any {
	keys := make([][]any, len(ids))
	for i, u := range ids {
		keys[i] = []any{u}
	}
	return keys
}

// Random are up to count users, whoever chance picks; the system user is none.
func (s *Service) Random(ctx context.Context, count int) ([]*api.User, error) {
	if count < 1 {
		return nil, nil
	}
	from, err := id.NewV4(rand.Reader)
	if err != nil {
		return nil, err
	}
	rows, err := store.ListAround(ctx, s.c.DB, schema.Users, count+1, from)
	if err != nil {
		return nil, err
	}
	rows = slices.DeleteFunc(rows, func(u *schema.User) bool { return u.ID.IsZero() })
	return s.messages(rows[:min(count, len(rows))]), nil
}

// ErrLookup refuses a search text that no row can hold.
var ErrLookup = errs.New(errs.InvalidArgument, "Usernames and Facebook IDs must not contain NUL characters.")

// Users are the users with any of these ids, names and Facebook ids, once each; who does not exist is left out.
// Errors: ErrLookup.
func (s *Service) Users(ctx context.Context, ids []id.UUID, usernames, facebookIDs []string) ([]*api.User, error) {
	var found []*schema.User
	add := func(rows []*schema.User, err error) error {
		found = append(found, rows...)
		return err
	}
	names, err := keys(usernames)
	if err != nil {
		return nil, err
	}
	facebook, err := keys(facebookIDs)
	if err != nil {
		return nil, err
	}
	if err := add(store.GetMany(ctx, s.c.DB, schema.Users, keysOf(ids)...)); err != nil {
		return nil, err
	}
	if err := add(store.GetManyBy(ctx, s.c.DB, schema.Users.By("username"), names...)); err != nil {
		return nil, err
	}
	if err := add(store.GetManyBy(ctx, s.c.DB, Facebook.index, facebook...)); err != nil {
		return nil, err
	}
	return s.messages(found), nil
}

func keys(texts []string) ([][]any, error) {
	out := make([][]any, len(texts))
	for i, text := range texts {
		if hasNUL(text) {
			return nil, ErrLookup
		}
		out[i] = []any{text}
	}
	return out, nil
}

func (s *Service) messages(rows []*schema.User) []*api.User {
	out, seen := make([]*api.User, 0, len(rows)), make(map[id.UUID]bool, len(rows))
	for _, row := range rows {
		if row != nil && !seen[row.ID] {
			seen[row.ID] = true
			out = append(out, UserMessage(row, s.c.Online(row.ID)))
		}
	}
	return out
}
