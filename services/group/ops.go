package group

import (
	"context"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
)

// Refusals of requests.
var (
	ErrGroupUnset = errs.New(errs.InvalidArgument, "Group ID must be set.")
	ErrGroupID    = errs.New(errs.InvalidArgument, "Group ID must be a valid ID.")
	ErrUserUnset  = errs.New(errs.InvalidArgument, "User ID must be set.")
	ErrUsersUnset = errs.New(errs.InvalidArgument, "User IDs must be set.")
	ErrUserID     = errs.New(errs.InvalidArgument, "User ID must be a valid ID.")
	ErrLimit      = errs.New(errs.InvalidArgument, "Invalid limit - limit must be between 1 and 100.")
	ErrState      = errs.New(errs.InvalidArgument, "Invalid state - state must be between 0 and 4.")
)

// What a client is told of trouble from below.
var (
	errCreating  = errs.New(errs.Internal, "Error while trying to create group.")
	errUpdating  = errs.New(errs.Internal, "Error while trying to update group.")
	errDeleting  = errs.New(errs.Internal, "Error while trying to delete group.")
	errJoining   = errs.New(errs.Internal, "Error while trying to join group.")
	errLeaving   = errs.New(errs.Internal, "Error while trying to leave group.")
	errAdding    = errs.New(errs.Internal, "Error while trying to add users to a group.")
	errKicking   = errs.New(errs.Internal, "Error while trying to kick users from a group.")
	errBanning   = errs.New(errs.Internal, "Error while trying to ban users from a group.")
	errPromoting = errs.New(errs.Internal, "Error while trying to promote users in a group.")
	errDemoting  = errs.New(errs.Internal, "Error while trying to demote users in a group.")
	errMembers   = errs.New(errs.Internal, "Error while trying to list users in a group.")
	errOf        = errs.New(errs.Internal, "Error while trying to list groups for a user.")
	errListing   = errs.New(errs.Internal, "Error while trying to list groups.")
)

// Register adds the group operations to the catalogue.
func (s *Service) Register(r *op.Registry) {
	op.Add(r, op.Spec{Name: "AddGroupUsers", ID: 2, HTTP: []string{"POST /v2/group/{group_id}/add"}, Auth: op.Session}, s.addGroupUsers)
	op.Add(r, op.Spec{Name: "BanGroupUsers", ID: 12, HTTP: []string{"POST /v2/group/{group_id}/ban"}, Auth: op.Session}, s.banGroupUsers)
	op.Add(r, op.Spec{Name: "CreateGroup", ID: 14, HTTP: []string{"POST /v2/group *"}, Auth: op.Session}, s.createGroup)
	op.Add(r, op.Spec{Name: "DeleteGroup", ID: 17, HTTP: []string{"DELETE /v2/group/{group_id}"}, Auth: op.Session}, s.deleteGroup)
	op.Add(r, op.Spec{Name: "DemoteGroupUsers", ID: 22, HTTP: []string{"POST /v2/group/{group_id}/demote"}, Auth: op.Session}, s.demoteGroupUsers)
	op.Add(r, op.Spec{Name: "JoinGroup", ID: 31, HTTP: []string{"POST /v2/group/{group_id}/join"}, Auth: op.Session}, s.joinGroup)
	op.Add(r, op.Spec{Name: "KickGroupUsers", ID: 33, HTTP: []string{"POST /v2/group/{group_id}/kick"}, Auth: op.Session}, s.kickGroupUsers)
	op.Add(r, op.Spec{Name: "LeaveGroup", ID: 34, HTTP: []string{"POST /v2/group/{group_id}/leave"}, Auth: op.Session}, s.leaveGroup)
	op.Add(r, op.Spec{Name: "ListGroups", ID: 47, HTTP: []string{"GET /v2/group"}, Auth: op.Session}, s.listGroups)
	op.Add(r, op.Spec{Name: "ListGroupUsers", ID: 48, HTTP: []string{"GET /v2/group/{group_id}/user"}, Auth: op.Session}, s.listGroupUsers)
	op.Add(r, op.Spec{Name: "ListUserGroups", ID: 59, HTTP: []string{"GET /v2/user/{user_id}/group"}, Auth: op.Session}, s.listUserGroups)
	op.Add(r, op.Spec{Name: "PromoteGroupUsers", ID: 60, HTTP: []string{"POST /v2/group/{group_id}/promote"}, Auth: op.Session}, s.promoteGroupUsers)
	op.Add(r, op.Spec{Name: "UpdateGroup", ID: 75, HTTP: []string{"PUT /v2/group/{group_id} *"}, Auth: op.Session}, s.updateGroup)
}

func (s *Service) createGroup(ctx context.Context, c op.Caller, in *api.CreateGroupRequest) (*api.Group, error) {
	f := Fields{Name: &in.Name, Description: &in.Description, AvatarURL: &in.AvatarUrl, Open: &in.Open}
	if in.LangTag != "" {
		f.LangTag = &in.LangTag
	}
	if in.MaxCount != 0 {
		f.MaxCount = &in.MaxCount
	}
	row, err := s.Create(ctx, c, f)
	if err != nil {
		return nil, errs.Or(err, errCreating)
	}
	return Message(row), nil
}

func (s *Service) updateGroup(ctx context.Context, c op.Caller, in *api.UpdateGroupRequest) (*emptypb.Empty, error) {
	f := Fields{Name: value(in.Name), Description: value(in.Description), AvatarURL: value(in.AvatarUrl), LangTag: value(in.LangTag)}
	if in.Open != nil {
		f.Open = &in.Open.Value
	}
	return about(in, errUpdating, func(group id.UUID) error { return s.Update(ctx, c, group, f) })
}

func value(w *wrapperspb.StringValue) *string {
	if w == nil {
		return nil
	}
	return &w.Value
}

func (s *Service) deleteGroup(ctx context.Context, c op.Caller, in *api.DeleteGroupRequest) (*emptypb.Empty, error) {
	return about(in, errDeleting, func(group id.UUID) error { return s.Delete(ctx, c, group) })
}

func (s *Service) joinGroup(ctx context.Context, c op.Caller, in *api.JoinGroupRequest) (*emptypb.Empty, error) {
	return about(in, errJoining, func(group id.UUID) error { return s.Join(ctx, c, group) })
}

func (s *Service) leaveGroup(ctx context.Context, c op.Caller, in *api.LeaveGroupRequest) (*emptypb.Empty, error) {
	return about(in, errLeaving, func(group id.UUID) error { return s.Leave(ctx, c, group) })
}

// about runs a call on the group that a request names.
func about(in interface{ GetGroupId() string }, told *errs.Error, call func(id.UUID) error) (*emptypb.Empty, error) {
	group, err := parseGroup(in.GetGroupId())
	if err == nil {
		err = call(group)
	}
	if err != nil {
		return nil, errs.Or(err, told)
	}
	return &emptypb.Empty{}, nil
}

func parseGroup(text string) (id.UUID, error) {
	if text == "" {
		return id.UUID{}, ErrGroupUnset
	}
	group, err := id.Parse(text)
	if err != nil {
		return id.UUID{}, ErrGroupID
	}
	return group, nil
}

func (s *Service) addGroupUsers(ctx context.Context, c op.Caller, in *api.AddGroupUsersRequest) (*emptypb.Empty, error) {
	return aimed(ctx, c, in, errAdding, s.Add)
}

func (s *Service) kickGroupUsers(ctx context.Context, c op.Caller, in *api.KickGroupUsersRequest) (*emptypb.Empty, error) {
	return aimed(ctx, c, in, errKicking, s.Kick)
}

func (s *Service) banGroupUsers(ctx context.Context, c op.Caller, in *api.BanGroupUsersRequest) (*emptypb.Empty, error) {
	return aimed(ctx, c, in, errBanning, s.Ban)
}

func (s *Service) promoteGroupUsers(ctx context.Context, c op.Caller, in *api.PromoteGroupUsersRequest) (*emptypb.Empty, error) {
	return aimed(ctx, c, in, errPromoting, s.Promote)
}

func (s *Service) demoteGroupUsers(ctx context.Context, c op.Caller, in *api.DemoteGroupUsersRequest) (*emptypb.Empty, error) {
	return aimed(ctx, c, in, errDemoting, func(ctx context.Context, c op.Caller, group id.UUID, users []id.UUID) error {
		if len(users) == 0 {
			return ErrUsersUnset
		}
		return s.Demote(ctx, c, group, users)
	})
}

// aimed runs a call on the group and users that a request names; one that names nobody does nothing.
func aimed(ctx context.Context, c op.Caller, in interface {
	GetGroupId() string
	GetUserIds() []string
}, told *errs.Error, call func(context.Context, op.Caller, id.UUID, []id.UUID) error) (*emptypb.Empty, error) {
	return about(in, told, func(group id.UUID) error {
		users := make([]id.UUID, len(in.GetUserIds()))
		for i, text := range in.GetUserIds() {
			var err error
			if users[i], err = id.Parse(text); err != nil || users[i].IsZero() {
				return ErrUserID
			}
		}
		return call(ctx, c, group, users)
	})
}

func (s *Service) listGroups(ctx context.Context, _ op.Caller, in *api.ListGroupsRequest) (*api.GroupList, error) {
	limit, err := limitOf(in.Limit, 1)
	if err != nil {
		return nil, err
	}
	f := Filter{Name: in.Name, LangTag: in.LangTag}
	if in.Members != nil {
		f.Members = &in.Members.Value
	}
	if in.Open != nil {
		f.Open = &in.Open.Value
	}
	page, err := s.List(ctx, f, limit, in.Cursor)
	if err != nil {
		return nil, errs.Or(err, errListing)
	}
	out := &api.GroupList{Cursor: page.Cursor}
	for _, row := range page.Groups {
		out.Groups = append(out.Groups, Message(row))
	}
	return out, nil
}

func (s *Service) listGroupUsers(ctx context.Context, _ op.Caller, in *api.ListGroupUsersRequest) (*api.GroupUserList, error) {
	group, err := parseGroup(in.GroupId)
	if err != nil {
		return nil, err
	}
	limit, state, err := pageOf(in)
	if err != nil {
		return nil, err
	}
	out, err := s.Members(ctx, group, limit, state, in.Cursor)
	return out, errs.Or(err, errMembers)
}

func (s *Service) listUserGroups(ctx context.Context, _ op.Caller, in *api.ListUserGroupsRequest) (*api.UserGroupList, error) {
	if in.UserId == "" {
		return nil, ErrUserUnset
	}
	user, err := parseGroup(in.UserId) // with the same refusal
	if err != nil {
		return nil, err
	}
	limit, state, err := pageOf(in)
	if err != nil {
		return nil, err
	}
	out, err := s.Of(ctx, user, limit, state, in.Cursor)
	return out, errs.Or(err, errOf)
}

// pageOf is how many edges of which state a request wants.
func pageOf(in interface {
	GetLimit() *wrapperspb.Int32Value
	GetState() *wrapperspb.Int32Value
}) (limit int, state *int16, err error) {
	if limit, err = limitOf(in.GetLimit(), 100); err != nil {
		return 0, nil, err
	}
	if w := in.GetState(); w != nil {
		if w.Value < 0 || w.Value > 4 {
			return 0, nil, ErrState
		}
		v := int16(w.Value)
		state = &v
	}
	return limit, state, nil
}

func limitOf(asked *wrapperspb.Int32Value, usual int) (int, error) {
	switch {
	case asked == nil:
		return usual, nil
	case asked.Value < 1 || asked.Value > 100:
		return 0, ErrLimit
	}
	return int(asked.Value), nil
}
