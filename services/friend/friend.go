// Package friend has what players are to each other: friends, invited, blocked.
//
// Two users are tied by two edges, one from each to the other, and each counts those that go out from him:
//
//	             Add            Add by B             Delete by either
//	none/none  ───────→  1/2  ───────────→  0/0  ──────────────────────→  none/none
//	   any     ───────→  3/none (3/3 when B blocks A too)  ───────→  none/none (none/3)
//	            Block                                      Delete
//
// Every call is one transaction that holds both users' rows, so calls of two users at once act one after the other.
// Notifications go out when it has committed.
//
// ops.go holds what a client may ask; everything else has no idea of clients. Any goroutine may call these functions,
// but no tick.
package friend

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/notify"
	"github.com/skirmishgg/skirmish/services/presence"
)

// Refusals.
var (
	ErrAddSelf      = errs.New(errs.InvalidArgument, "Cannot add self as friend.")
	ErrDeleteSelf   = errs.New(errs.InvalidArgument, "Cannot delete self.")
	ErrBlockSelf    = errs.New(errs.InvalidArgument, "Cannot block self.")
	ErrNobody       = errs.New(errs.InvalidArgument, "No valid ID or username was provided.")
	ErrUsername     = errs.New(errs.InvalidArgument, "Username must not be empty.")
	ErrUsernameText = errs.New(errs.InvalidArgument, "Username must be valid text without NUL characters.")
	ErrNoTie        = errs.New(errs.NotFound, "Friend not found.")
	ErrMetadata     = errs.New(errs.InvalidArgument, "Metadata must be JSON that can be stored.")
)

// Config is what a Service is made of.
type Config struct {
	DB       store.DB
	Notify   *notify.Service
	Presence *presence.Service
}

// Service reads and changes what users are to each other.
type Service struct{ c Config }

// New is a service over these parts.
func New(c Config) *Service { return &Service{c} }

// Actor is who changes his ties; others are told his Username.
type Actor struct {
	UserID   id.UUID
	Username string
}

// Targets are the users whom a call is about. Who is named twice counts once, and who does not exist is passed over.
type Targets struct {
	IDs       []id.UUID
	Usernames []string
}

// Add invites each of the targets, or accepts what he sent. metadata is JSON that the actor keeps with the tie; "": none.
// Errors: ErrAddSelf, ErrUsername, ErrUsernameText, ErrNobody, ErrMetadata, account.ErrNotFound.
func (s *Service) Add(ctx context.Context, a Actor, to Targets, metadata string) error {
	users, err := s.resolve(ctx, a, to, ErrAddSelf)
	if err != nil {
		return err
	}
	if len(users) == 0 {
		return ErrNobody
	}
	own := store.JSON("{}")
	if metadata != "" {
		if own, err = store.Normalise(store.JSON(metadata)); err != nil {
			return ErrMetadata
		}
	}
	c := newChange(a, users)
	c.mayTell(notify.CodeFriendInvite, " wants to add you as a friend")
	c.mayTell(notify.CodeFriendAccepted, " accepted your friend request")
	return s.write(ctx, c, func(t *tie) error { return t.add(own) })
}

// Delete ends friendships, takes back or declines invitations, and lifts the actor's blocks.
// Errors: ErrDeleteSelf, ErrUsername, ErrUsernameText, account.ErrNotFound.
func (s *Service) Delete(ctx context.Context, a Actor, to Targets) error {
	users, err := s.resolve(ctx, a, to, ErrDeleteSelf)
	if err != nil || len(users) == 0 {
		return err
	}
	c := newChange(a, users)
	c.mayTell(notify.CodeFriendRemoved, " removed you as a friend")
	return s.write(ctx, c, (*tie).remove)
}

// Block ends whatever the actor and the targets were to each other; they can neither add him nor join a direct chat with
// him from then on.
// Errors: ErrBlockSelf, ErrUsername, ErrUsernameText, ErrNobody, account.ErrNotFound.
func (s *Service) Block(ctx context.Context, a Actor, to Targets) error {
	users, err := s.resolve(ctx, a, to, ErrBlockSelf)
	if err != nil {
		return err
	}
	if len(users) == 0 {
		return ErrNobody
	}
	c := newChange(a, users)
	if err := s.write(ctx, c, (*tie).block); err != nil {
		return err
	}
	for _, user := range c.blocked {
		st := directChat(a.UserID, user)
		s.c.Presence.DropUser(a.UserID, st)
		s.c.Presence.DropUser(user, st)
	}
	return nil
}

// Annotate replaces what a user keeps with his tie to another: JSON that the other has no part in. Of ties that there are
// not there is nothing to keep.
// Errors: ErrMetadata, ErrNoTie.
func (s *Service) Annotate(ctx context.Context, user, other id.UUID, metadata string) error {
	kept, err := store.Normalise(store.JSON(metadata))
	if err != nil {
		return ErrMetadata
	}
	return s.c.DB.Write(ctx, []store.Ref{schema.UserEdges.Ref(user, other)}, func(tx store.Tx) error {
		edge, ok, err := store.Get(tx, schema.UserEdges, user, other)
		if err != nil {
			return err
		}
		if !ok {
			return ErrNoTie
		}
		edge.Metadata, edge.UpdateTime = kept, tx.Now()
		return store.Put(tx, schema.UserEdges, edge)
	})
}

// HasBlocked reports whether a user has blocked another.
func (s *Service) HasBlocked(ctx context.Context, user, other id.UUID) (bool, error) {
	rows, err := store.GetMany(ctx, s.c.DB, schema.UserEdges, []any{user, other})
	return err == nil && stateOf(rows[0]) == schema.EdgeBlocked, err
}

// directChat is the stream of two users' direct chat.
func directChat(a, b id.UUID) presence.Stream {
	if bytes.Compare(a[:], b[:]) > 0 {
		a, b = b, a
	}
	return presence.Stream{Mode: presence.ModeDirect, Subject: a, Subcontext: b}
}

// resolve finds the targets' ids, each once, and refuses the actor's own.
func (s *Service) resolve(ctx context.Context, a Actor, to Targets, self error) ([]id.UUID, error) {
	keys := make([][]any, len(to.Usernames))
	for i, name := range to.Usernames {
		switch {
		case name == "":
			return nil, ErrUsername
		case !storable(name):
			return nil, ErrUsernameText
		}
		keys[i] = []any{name}
	}
	named, err := store.GetManyBy(ctx, s.c.DB, schema.Users.By("username"), keys...)
	if err != nil {
		return nil, err
	}
	users := slices.Clone(to.IDs)
	for _, row := range named {
		if row != nil {
			users = append(users, row.ID)
		}
	}
	seen := make(map[id.UUID]bool, len(users))
	users = slices.DeleteFunc(users, func(u id.UUID) bool {
		again := seen[u]
		seen[u] = true
		return again || u.IsZero()
	})
	if seen[a.UserID] {
		return nil, self
	}
	return users, nil
}

// storable tells whether a store could hold the text; one that it could not is no search key either.
func storable(text string) bool { return strings.IndexByte(text, 0) < 0 && utf8.ValidString(text) }
