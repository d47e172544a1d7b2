package friend

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"slices"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/account"
)

// ErrCursor refuses a cursor that the listing did not make.
var ErrCursor = errs.New(errs.InvalidArgument, "Cursor is invalid.")

// List reads whom a user is tied to, by state and then by when that began; state nil: any.
// Errors: ErrCursor, also for one of another state.
func (s *Service) List(ctx context.Context, user id.UUID, limit int, state *int16, cursor string) (*api.FriendList, error) {
	rng := store.Range{Prefix: []any{user}, Limit: limit + 1} // one more tells whether a cursor is due
	if state != nil {
		rng.Prefix = append(rng.Prefix, *state)
	}
	if cursor != "" {
		at, position, ok := parseListCursor(cursor)
		if !ok || state != nil && *state != at {
			return nil, ErrCursor
		}
		rng.After = []any{user, at, position}
	}
	edges, err := store.List(ctx, s.c.DB, byState, rng)
	if err != nil {
		return nil, err
	}
	out := &api.FriendList{}
	if len(edges) > limit {
		edges = edges[:limit]
		last := edges[limit-1]
		out.Cursor = listCursor(last.State, last.Position)
	}
	out.Friends, err = s.friends(ctx, edges)
	return out, err
}

// Ties are what a user is to each of these others, in their order; who is nothing to him is left out.
func (s *Service) Ties(ctx context.Context, user id.UUID, others []id.UUID) ([]*api.Friend, error) {
	keys := make([][]any, len(others))
	for i, other := range others {
		keys[i] = []any{user, other}
	}
	rows, err := store.GetMany(ctx, s.c.DB, schema.UserEdges, keys...)
	if err != nil {
		return nil, err
	}
	return s.friends(ctx, slices.DeleteFunc(rows, func(e *schema.UserEdge) bool { return e == nil }))
}

// friends are edges as clients see them, without those to users who are gone.
func (s *Service) friends(ctx context.Context, edges []*schema.UserEdge) (list []*api.Friend, err error) {
	users, err := s.users(ctx, edges)
	if err != nil {
		return nil, err
	}
	for i, e := range edges {
		if users[i] == nil {
			continue // deleted since
		}
		users[i].EdgeCount = 0 // not told here
		list = append(list, &api.Friend{
			User: users[i], State: wrapperspb.Int32(int32(e.State)), Metadata: string(e.Metadata),
			UpdateTime: &timestamppb.Timestamp{Seconds: e.UpdateTime.Unix()},
		})
	}
	return list, nil
}

// users are the destinations of edges, nil where one is gone.
func (s *Service) users(ctx context.Context, edges []*schema.UserEdge) ([]*api.User, error) {
	keys := make([][]any, len(edges))
	for i, e := range edges {
		keys[i] = []any{e.DestinationID}
	}
	rows, err := store.GetMany(ctx, s.c.DB, schema.Users, keys...)
	if err != nil {
		return nil, err
	}
	users := make([]*api.User, len(rows))
	for i, row := range rows {
		if row != nil {
			users[i] = account.UserMessage(row, s.c.Presence.IsOnline(row.ID))
		}
	}
	return users, nil
}

// friendsMax is how many friends' lists one call of ListOfFriends looks through. One that finds too little among them
// answers with a short page and a cursor.
const friendsMax = 1000

// ListOfFriends reads the friends of a user's friends, in the order of the friends' ids, without the user himself and
// his own friends.
// Errors: ErrCursor.
func (s *Service) ListOfFriends(ctx context.Context, user id.UUID, limit int, cursor string) (*api.FriendsOfFriendsList, error) {
	var from place
	if cursor != "" {
		var ok bool
		if from, ok = parsePlace(cursor); !ok {
			return nil, ErrCursor
		}
	}
	var found []*schema.UserEdge
	var next place
	err := s.c.DB.Read(ctx, func(r store.Reader) (err error) {
		found, next, err = friendsOfFriends(r, user, limit, from)
		return err
	})
	if err != nil {
		return nil, err
	}
	users, err := s.users(ctx, found)
	if err != nil {
		return nil, err
	}
	out := &api.FriendsOfFriendsList{Cursor: next.String()}
	for i, e := range found {
		if users[i] != nil {
			out.FriendsOfFriends = append(out.FriendsOfFriends, &api.FriendsOfFriendsList_FriendOfFriend{Referrer: e.SourceID.String(), User: users[i]})
		}
	}
	return out, nil
}

// friendsOfFriends finds up to limit edges from friends to others, beyond a place; next is where more are, zero: nowhere.
func friendsOfFriends(r store.Reader, user id.UUID, limit int, from place) (found []*schema.UserEdge, next place, err error) {
	own := map[id.UUID]bool{user: true}
	var friends []id.UUID
	for e, err := range store.Scan(r, byState, store.Range{Prefix: []any{user, schema.EdgeFriend}}) {
		if err != nil {
			return nil, place{}, err
		}
		own[e.DestinationID] = true
		if bytes.Compare(e.DestinationID[:], from.friend[:]) >= 0 {
			friends = append(friends, e.DestinationID)
		}
	}
	slices.SortFunc(friends, func(a, b id.UUID) int { return bytes.Compare(a[:], b[:]) })
	for n, friend := range friends {
		if n == friendsMax {
			return found, place{friend: friend}, nil
		}
		rng := store.Range{Prefix: []any{friend, schema.EdgeFriend}}
		if friend == from.friend {
			rng.After = []any{friend, schema.EdgeFriend, from.position}
		}
		for e, err := range store.Scan(r, byState, rng) {
			if err != nil {
				return nil, place{}, err
			}
			if own[e.DestinationID] {
				continue
			}
			if len(found) == limit {
				return found, next, nil
			}
			found = append(found, e)
			next = place{friend, e.Position}
		}
	}
	return found, place{}, nil
}

// A cursor of List is base64 of: u8 state · i64 position, of the last edge before it, big-endian.
const listCursorSize = 1 + 8

func listCursor(state int16, position int64) string {
	b := binary.BigEndian.AppendUint64([]byte{byte(state)}, uint64(position))
	return base64.URLEncoding.EncodeToString(b)
}

func parseListCursor(text string) (state int16, position int64, ok bool) {
	b, err := base64.URLEncoding.DecodeString(text)
	if err != nil || len(b) != listCursorSize || int16(b[0]) > schema.EdgeBlocked {
		return 0, 0, false
	}
	return int16(b[0]), int64(binary.BigEndian.Uint64(b[1:])), true
}

// place is the last edge before the rest of a ListOfFriends.
type place struct {
	friend   id.UUID
	position int64
}

// Its text is base64 of: 16 B friend · i64 position, big-endian; "" for the zero place.
const placeSize = 16 + 8

func (p place) String() string {
	if p == (place{}) {
		return ""
	}
	return base64.URLEncoding.EncodeToString(binary.BigEndian.AppendUint64(p.friend[:], uint64(p.position)))
}

func parsePlace(text string) (p place, ok bool) {
	b, err := base64.URLEncoding.DecodeString(text)
	if err != nil || len(b) != placeSize {
		return p, false
	}
	return place{id.UUID(b[:16]), int64(binary.BigEndian.Uint64(b[16:]))}, true
}
