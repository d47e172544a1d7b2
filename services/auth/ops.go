package auth

import (
	"context"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/account"
)

// Refusals of requests.
var (
	ErrEmailAndPassword = errs.New(errs.InvalidArgument, "Email address and password is required.")
	ErrRefreshRequired  = errs.New(errs.InvalidArgument, "Refresh token is required.")
	ErrRefreshInvalid   = errs.New(errs.Unauthenticated, "Refresh token invalid or expired.")

	errLogout = errs.New(errs.Internal, "Error processing session logout.")
)

// Register adds the sign-in operations to the catalogue.
func (s *Service) Register(r *op.Registry) {
	op.Add(r, op.Spec{Name: "AuthenticateCustom", ID: 4, HTTP: []string{"POST /v2/account/authenticate/custom account"}, Auth: op.ServerKey}, s.authenticateCustom)
	op.Add(r, op.Spec{Name: "AuthenticateDevice", ID: 5, HTTP: []string{"POST /v2/account/authenticate/device account"}, Auth: op.ServerKey}, s.authenticateDevice)
	op.Add(r, op.Spec{Name: "AuthenticateEmail", ID: 6, HTTP: []string{"POST /v2/account/authenticate/email account"}, Auth: op.ServerKey}, s.authenticateEmail)
	op.Add(r, op.Spec{Name: "SessionLogout", ID: 63, HTTP: []string{"POST /v2/session/logout *"}, Auth: op.Session}, s.sessionLogout)
	op.Add(r, op.Spec{Name: "SessionRefresh", ID: 64, HTTP: []string{"POST /v2/account/session/refresh *"}, Auth: op.ServerKey}, s.sessionRefresh)
}

func (s *Service) authenticateCustom(ctx context.Context, _ op.Caller, in *api.AuthenticateCustomRequest) (*api.Session, error) {
	who, err := s.Custom(ctx, in.GetAccount().GetId(), in.Username, wanted(in.Create))
	return s.issue(ctx, who, in.GetAccount().GetVars(), err)
}

func (s *Service) authenticateDevice(ctx context.Context, _ op.Caller, in *api.AuthenticateDeviceRequest) (*api.Session, error) {
	who, err := s.Device(ctx, in.GetAccount().GetId(), in.Username, wanted(in.Create))
	return s.issue(ctx, who, in.GetAccount().GetVars(), err)
}

func (s *Service) authenticateEmail(ctx context.Context, _ op.Caller, in *api.AuthenticateEmailRequest) (*api.Session, error) {
	if in.Account == nil {
		return nil, ErrEmailAndPassword
	}
	who, err := s.Email(ctx, in.Account.Email, in.Account.Password, in.Username, wanted(in.Create))
	return s.issue(ctx, who, in.Account.Vars, err)
}

// wanted: an account is created unless the client says no.
func wanted(create *wrapperspb.BoolValue) bool { return create == nil || create.Value }

func (s *Service) issue(ctx context.Context, who SignIn, vars map[string]string, err error) (*api.Session, error) {
	if err != nil {
		return nil, err
	}
	pair, err := s.c.Sessions.Issue(ctx, who.UserID, who.Username, vars, who.Created)
	return pair, errs.Or(err, errFinding)
}

func (s *Service) sessionRefresh(ctx context.Context, _ op.Caller, in *api.SessionRefreshRequest) (*api.Session, error) {
	if in.Token == "" {
		return nil, ErrRefreshRequired
	}
	token, err := s.c.Sessions.VerifyRefresh(in.Token)
	if err != nil {
		return nil, ErrRefreshInvalid
	}
	rows, err := store.GetMany(ctx, s.c.DB, schema.Users, []any{token.UserID})
	switch {
	case err != nil:
		return nil, errs.Or(err, errFinding)
	case rows[0] == nil:
		return nil, ErrUserNotFound
	case account.Banned(rows[0]):
		return nil, ErrBanned
	}
	vars := token.Vars
	if len(in.Vars) > 0 {
		vars = in.Vars
	}
	pair, err := s.c.Sessions.Renew(ctx, token, rows[0].Username, vars)
	return pair, errs.Or(err, errFinding)
}

func (s *Service) sessionLogout(ctx context.Context, c op.Caller, in *api.SessionLogoutRequest) (*emptypb.Empty, error) {
	if err := s.c.Sessions.Logout(ctx, c.UserID, in.Token, in.RefreshToken); err != nil {
		return nil, errs.Or(err, errLogout)
	}
	return &emptypb.Empty{}, nil
}
