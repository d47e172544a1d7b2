package gatewaytest

import (
	"context"
	"errors"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/skirmishgg/skirmish/protocol/op"
)

type message[T any] interface {
	*T
	proto.Message
}

func fake[Q, S any, PQ message[Q], PS message[S]](r *op.Registry, number uint16, name string, auth op.Auth, rules ...string) {
	op.Add[Q, S, PQ, PS](r, op.Spec{Name: name, ID: number, Auth: auth, HTTP: rules},
		func(context.Context, op.Caller, *Q) (*S, error) { return nil, errors.New("fake") })
}

type empty = emptypb.Empty

func fakes(r *op.Registry) {
	fake[api.AuthenticateCustomRequest, api.Session](r, 4, "AuthenticateCustom", op.ServerKey, "POST /v2/account/authenticate/custom account")
	fake[api.AuthenticateDeviceRequest, api.Session](r, 5, "AuthenticateDevice", op.ServerKey, "POST /v2/account/authenticate/device account")
	fake[api.AuthenticateEmailRequest, api.Session](r, 6, "AuthenticateEmail", op.ServerKey, "POST /v2/account/authenticate/email account")
	fake[empty, empty](r, 15, "DeleteAccount", op.Session, "DELETE /v2/account")
	fake[empty, api.Account](r, 24, "GetAccount", op.Session, "GET /v2/account")
	fake[api.GetUsersRequest, api.Users](r, 27, "GetUsers", op.Session, "GET /v2/user")
	fake[api.AccountCustom, empty](r, 36, "LinkCustom", op.Session, "POST /v2/account/link/custom *")
	fake[api.AccountDevice, empty](r, 37, "LinkDevice", op.Session, "POST /v2/account/link/device *")
	fake[api.AccountEmail, empty](r, 38, "LinkEmail", op.Session, "POST /v2/account/link/email *")
	fake[api.SessionLogoutRequest, empty](r, 63, "SessionLogout", op.Session, "POST /v2/session/logout *")
	fake[api.SessionRefreshRequest, api.Session](r, 64, "SessionRefresh", op.ServerKey, "POST /v2/account/session/refresh *")
	fake[api.AccountCustom, empty](r, 66, "UnlinkCustom", op.Session, "POST /v2/account/unlink/custom *")
	fake[api.AccountDevice, empty](r, 67, "UnlinkDevice", op.Session, "POST /v2/account/unlink/device *")
	fake[api.AccountEmail, empty](r, 68, "UnlinkEmail", op.Session, "POST /v2/account/unlink/email *")
	fake[api.UpdateAccountRequest, empty](r, 74, "UpdateAccount", op.Session, "PUT /v2/account *")
}
