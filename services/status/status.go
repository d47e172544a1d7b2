// Package status lets players say that they are online, and what they are up to, and lets others follow them.
//
// The life of a status: a session that connects with status=true, or Sets one, is online; its followers are told of
// that, of each change, and of its end: Clear, or the end of the session. Whoever Follows a user gets to know at once
// which of his sessions are online. Follows belong to the follower's session and end with it.
//
// Statuses and follows live in services/presence; any goroutine may call these functions.
package status

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/presence"
	"github.com/skirmishgg/skirmish/services/session"
)

// Refusals.
var (
	ErrUserID   = errs.New(errs.InvalidArgument, "Invalid user identifier")
	ErrUsername = errs.New(errs.InvalidArgument, "Invalid username")
	ErrLong     = errs.New(errs.InvalidArgument, "Status must be 2048 characters or less")
	ErrMany     = errs.New(errs.ResourceExhausted, "Too many users followed")
	ErrEnded    = errs.New(errs.Internal, "Error tracking status update") // the session is over
)

const (
	statusMax  = 2048 // bytes
	followsMax = 4096 // users that one session follows // 16 B each, and a scan of 64 KB at most
)

// Config is what a Service is made of.
type Config struct {
	DB       store.DB
	Presence *presence.Service
	Live     *session.Live
}

// Service changes statuses and follows.
type Service struct{ c Config }

// New is a service over these parts.
func New(c Config) *Service { return &Service{c} }

func streamOf(user id.UUID) presence.Stream {
	return presence.Stream{Mode: presence.ModeStatus, Subject: user}
}

// Open lets a new session appear online, if it wants to. presence.Begin comes before it.
func (s *Service) Open(c session.Conn, online bool) {
	if online {
		s.c.Presence.Track(c, streamOf(c.UserID()), presence.Meta{})
	}
}

// Set gives the session a status; one that had none appears online.
// Errors: ErrLong, ErrEnded.
func (s *Service) Set(c session.Conn, text string) error {
	if len(text) > statusMax {
		return ErrLong
	}
	st, meta := streamOf(c.UserID()), presence.Meta{Status: text}
	if s.c.Presence.Update(c, st, meta) {
		return nil
	}
	if fresh, _ := s.c.Presence.Track(c, st, meta); !fresh && !s.c.Presence.Update(c, st, meta) {
		return ErrEnded
	}
	return nil
}

// Clear lets the session go offline.
func (s *Service) Clear(c session.Conn) { s.c.Presence.Untrack(c, streamOf(c.UserID())) }

// Follow tells the session of these users' statuses from now on, and returns who of them is online, in the order given.
// The session's own user, whom it follows anyway, the system user and unknown ones are passed over.
// Errors: ErrUsername, ErrMany.
func (s *Service) Follow(ctx context.Context, c session.Conn, ids []id.UUID, usernames []string) ([]presence.Presence, error) {
	users, err := s.users(ctx, c.UserID(), ids, usernames)
	if err != nil {
		return nil, err
	}
	if s.c.Presence.Follows(c)+len(users) > followsMax {
		return nil, ErrMany
	}
	var online []presence.Presence
	for _, user := range users {
		online = append(online, s.c.Presence.Follow(c, user)...)
	}
	return online, nil
}

// users are those that exist, each once.
func (s *Service) users(ctx context.Context, self id.UUID, ids []id.UUID, usernames []string) ([]id.UUID, error) {
	byID, byName := make([][]any, len(ids)), make([][]any, len(usernames))
	for i, u := range ids {
		byID[i] = []any{u}
	}
	for i, name := range usernames {
		if name == "" || strings.IndexByte(name, 0) >= 0 || !utf8.ValidString(name) {
			return nil, ErrUsername
		}
		byName[i] = []any{name}
	}
	rows, err := store.GetMany(ctx, s.c.DB, schema.Users, byID...)
	if err != nil {
		return nil, err
	}
	named, err := store.GetManyBy(ctx, s.c.DB, schema.Users.By("username"), byName...)
	if err != nil {
		return nil, err
	}
	var users []id.UUID
	seen := map[id.UUID]bool{self: true, {}: true}
	for _, row := range append(rows, named...) {
		if row != nil && !seen[row.ID] {
			seen[row.ID] = true
			users = append(users, row.ID)
		}
	}
	return users, nil
}

// Unfollow ends Follows; those that are none are passed over.
func (s *Service) Unfollow(c session.Conn, ids ...id.UUID) {
	for _, user := range ids {
		s.c.Presence.Unfollow(c, user)
	}
}
