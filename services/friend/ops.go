package friend

import (
	"context"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
)

// Refusals of list requests.
var (
	ErrLimit          = errs.New(errs.InvalidArgument, "Invalid limit - limit must be between 1 and 1000.")
	ErrLimitOfFriends = errs.New(errs.InvalidArgument, "Invalid limit - limit must be between 1 and 100.")
	ErrState          = errs.New(errs.InvalidArgument, "Invalid state - state must be between 0 and 3.")
)

// What a client is told of trouble from below.
var (
	errAdding   = errs.New(errs.Internal, "Error while trying to add friends.")
	errDeleting = errs.New(errs.Internal, "Error while trying to delete friends.")
	errBlocking = errs.New(errs.Internal, "Error while trying to block friends.")
	errListing  = errs.New(errs.Internal, "Error while trying to list friends.")
)

// Register adds the friend operations to the catalogue.
func (s *Service) Register(r *op.Registry) {
	op.Add(r, op.Spec{Name: "AddFriends", ID: 1, HTTP: []string{"POST /v2/friend"}, Auth: op.Session}, s.addFriends)
	op.Add(r, op.Spec{Name: "BlockFriends", ID: 13, HTTP: []string{"POST /v2/friend/block"}, Auth: op.Session}, s.blockFriends)
	op.Add(r, op.Spec{Name: "DeleteFriends", ID: 16, HTTP: []string{"DELETE /v2/friend"}, Auth: op.Session}, s.deleteFriends)
	op.Add(r, op.Spec{Name: "ListFriends", ID: 45, HTTP: []string{"GET /v2/friend"}, Auth: op.Session}, s.listFriends)
	op.Add(r, op.Spec{Name: "ListFriendsOfFriends", ID: 46, HTTP: []string{"GET /v2/friend/friends"}, Auth: op.Session}, s.listFriendsOfFriends)
}

func (s *Service) addFriends(ctx context.Context, c op.Caller, in *api.AddFriendsRequest) (*emptypb.Empty, error) {
	return aimed(c, in, ErrAddSelf, errAdding, func(a Actor, to Targets) error { return s.Add(ctx, a, to, in.Metadata) })
}

func (s *Service) deleteFriends(ctx context.Context, c op.Caller, in *api.DeleteFriendsRequest) (*emptypb.Empty, error) {
	return aimed(c, in, ErrDeleteSelf, errDeleting, func(a Actor, to Targets) error { return s.Delete(ctx, a, to) })
}

func (s *Service) blockFriends(ctx context.Context, c op.Caller, in *api.BlockFriendsRequest) (*emptypb.Empty, error) {
	return aimed(c, in, ErrBlockSelf, errBlocking, func(a Actor, to Targets) error { return s.Block(ctx, a, to) })
}

// aimed runs a call on the users whom a request names; one that names nobody does nothing. Of several mistakes the first
// is told.
func aimed(c op.Caller, in interface {
	GetIds() []string
	GetUsernames() []string
}, self, told *errs.Error, call func(Actor, Targets) error) (*emptypb.Empty, error) {
	to := Targets{Usernames: in.GetUsernames()}
	for _, text := range in.GetIds() {
		switch u, err := id.Parse(text); {
		case err != nil || u.IsZero():
			return nil, errs.Newf(errs.InvalidArgument, "Invalid user ID '%s'.", text)
		case u == c.UserID:
			return nil, self
		default:
			to.IDs = append(to.IDs, u)
		}
	}
	for _, name := range to.Usernames {
		switch name {
		case "":
			return nil, ErrUsername
		case c.Username:
			return nil, self
		}
	}
	if len(to.IDs)+len(to.Usernames) > 0 {
		if err := call(Actor{c.UserID, c.Username}, to); err != nil {
			return nil, errs.Or(err, told)
		}
	}
	return &emptypb.Empty{}, nil
}

func (s *Service) listFriends(ctx context.Context, c op.Caller, in *api.ListFriendsRequest) (*api.FriendList, error) {
	limit, err := limitOf(in.Limit, 1000, 1000, ErrLimit)
	if err != nil {
		return nil, err
	}
	var state *int16
	if in.State != nil {
		if in.State.Value < 0 || in.State.Value > 3 {
			return nil, ErrState
		}
		v := int16(in.State.Value)
		state = &v
	}
	out, err := s.List(ctx, c.UserID, limit, state, in.Cursor)
	return out, errs.Or(err, errListing)
}

func (s *Service) listFriendsOfFriends(ctx context.Context, c op.Caller, in *api.ListFriendsOfFriendsRequest) (*api.FriendsOfFriendsList, error) {
	limit, err := limitOf(in.Limit, 10, 100, ErrLimitOfFriends)
	if err != nil {
		return nil, err
	}
	out, err := s.ListOfFriends(ctx, c.UserID, limit, in.Cursor)
	return out, errs.Or(err, errListing)
}

func limitOf(asked *wrapperspb.Int32Value, usual, most int, refusal *errs.Error) (int, error) {
	switch {
	case asked == nil:
		return usual, nil
	case asked.Value < 1 || int(asked.Value) > most:
		return 0, refusal
	}
	return int(asked.Value), nil
}
