package account

import (
	"context"
	"errors"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
)

// What a client is told of trouble from below.
var (
	errRetrieving      = errs.New(errs.Internal, "Error retrieving user account.")
	errRetrievingUsers = errs.New(errs.Internal, "Error retrieving user accounts.")
	errUpdating        = errs.New(errs.Internal, "Error while trying to update account.")
	errDeleting        = errs.New(errs.Internal, "Error deleting user account.")
	errLinkingDevice   = errs.New(errs.Internal, "Error linking Device ID.")
	errUnlinkingDevice = errs.New(errs.Internal, "Could not unlink device ID.")
	// Clients know a taken name by this text and code.
	errUpdateUsername = errs.New(errs.InvalidArgument, "rpc error: code = AlreadyExists desc = Username is already in use.")
)

// Register adds the account operations to the catalogue.
func (s *Service) Register(r *op.Registry) {
	add := func(name string, number uint16, rule string) op.Spec {
		return op.Spec{Name: name, ID: number, HTTP: []string{rule}, Auth: op.Session}
	}
	op.Add(r, add("DeleteAccount", 15, "DELETE /v2/account"), s.deleteAccount)
	op.Add(r, add("GetAccount", 24, "GET /v2/account"), s.getAccount)
	op.Add(r, add("GetUsers", 27, "GET /v2/user"), s.getUsers)
	op.Add(r, add("LinkCustom", 36, "POST /v2/account/link/custom *"), s.linkCustom)
	op.Add(r, add("LinkDevice", 37, "POST /v2/account/link/device *"), s.linkDevice)
	op.Add(r, add("LinkEmail", 38, "POST /v2/account/link/email *"), s.linkEmail)
	op.Add(r, add("UnlinkCustom", 66, "POST /v2/account/unlink/custom *"), s.unlinkCustom)
	op.Add(r, add("UnlinkDevice", 67, "POST /v2/account/unlink/device *"), s.unlinkDevice)
	op.Add(r, add("UnlinkEmail", 68, "POST /v2/account/unlink/email *"), s.unlinkEmail)
	op.Add(r, add("UpdateAccount", 74, "PUT /v2/account *"), s.updateAccount)
}

func (s *Service) getAccount(ctx context.Context, c op.Caller, _ *emptypb.Empty) (*api.Account, error) {
	a, err := s.Get(ctx, c.UserID)
	return a, errs.Or(err, errRetrieving)
}

func (s *Service) getUsers(ctx context.Context, _ op.Caller, in *api.GetUsersRequest) (*api.Users, error) {
	ids := make([]id.UUID, len(in.Ids))
	for i, text := range in.Ids {
		var err error
		if ids[i], err = id.Parse(text); err != nil {
			return nil, errs.Newf(errs.InvalidArgument, "ID '%s' is not a valid system ID.", text)
		}
	}
	users, err := s.Users(ctx, ids, in.Usernames, in.FacebookIds)
	if err != nil {
		return nil, errs.Or(err, errRetrievingUsers)
	}
	return &api.Users{Users: users}, nil
}

func (s *Service) updateAccount(ctx context.Context, c op.Caller, in *api.UpdateAccountRequest) (*emptypb.Empty, error) {
	err := s.Update(ctx, c.UserID, Update{
		Username:    optional(in.Username),
		DisplayName: optional(in.DisplayName),
		AvatarURL:   optional(in.AvatarUrl),
		LangTag:     optional(in.LangTag),
		Location:    optional(in.Location),
		Timezone:    optional(in.Timezone),
	})
	if errors.Is(err, ErrUsernameInUse) {
		err = errUpdateUsername
	}
	return done(err, errUpdating)
}

func (s *Service) deleteAccount(ctx context.Context, c op.Caller, _ *emptypb.Empty) (*emptypb.Empty, error) {
	return done(s.Delete(ctx, c.UserID, false), errDeleting)
}

func (s *Service) linkCustom(ctx context.Context, c op.Caller, in *api.AccountCustom) (*emptypb.Empty, error) {
	return done(s.LinkCustom(ctx, c.UserID, in.Id), Custom.LinkFailed)
}

func (s *Service) linkDevice(ctx context.Context, c op.Caller, in *api.AccountDevice) (*emptypb.Empty, error) {
	return done(s.LinkDevice(ctx, c.UserID, in.Id), errLinkingDevice)
}

func (s *Service) linkEmail(ctx context.Context, c op.Caller, in *api.AccountEmail) (*emptypb.Empty, error) {
	return done(s.LinkEmail(ctx, c.UserID, in.Email, in.Password), Email.LinkFailed)
}

func (s *Service) unlinkCustom(ctx context.Context, c op.Caller, in *api.AccountCustom) (*emptypb.Empty, error) {
	return done(s.Unlink(ctx, c.UserID, Custom, in.Id, nil), Custom.UnlinkFailed)
}

func (s *Service) unlinkDevice(ctx context.Context, c op.Caller, in *api.AccountDevice) (*emptypb.Empty, error) {
	return done(s.UnlinkDevice(ctx, c.UserID, in.Id), errUnlinkingDevice)
}

func (s *Service) unlinkEmail(ctx context.Context, c op.Caller, in *api.AccountEmail) (*emptypb.Empty, error) {
	return done(s.UnlinkEmail(ctx, c.UserID, in.Email), Email.UnlinkFailed)
}

func optional(v *wrapperspb.StringValue) *string {
	if v == nil {
		return nil
	}
	return &v.Value
}

func done(err error, told *errs.Error) (*emptypb.Empty, error) {
	if err != nil {
		return nil, errs.Or(err, told)
	}
	return &emptypb.Empty{}, nil
}
