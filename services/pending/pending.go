// Package pending holds the operations of the client protocol whose features this server does not have yet. They are
// in the catalogue with everything clients know about them, so that routes, numbers, SDKs and documents are whole;
// a call answers Unimplemented. A feature that arrives takes its lines with it.
package pending

import (
	"context"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/op"
)

type empty = emptypb.Empty

// Register adds what no feature has registered. Numbers are permanent: an RPC's is its place in the client protocol's
// index.
func Register(r *op.Registry) {
	accounts(r)
	friends(r)
	purchases(r)
}

// accounts: sign-in and links through identity providers.
func accounts(r *op.Registry) {
	rpc[api.AuthenticateAppleRequest, api.Session](r, 3, "AuthenticateApple", op.ServerKey, "POST /v2/account/authenticate/apple account")
	rpc[api.AuthenticateFacebookRequest, api.Session](r, 7, "AuthenticateFacebook", op.ServerKey, "POST /v2/account/authenticate/facebook account")
	rpc[api.AuthenticateFacebookInstantGameRequest, api.Session](r, 8, "AuthenticateFacebookInstantGame", op.ServerKey, "POST /v2/account/authenticate/facebookinstantgame account")
	rpc[api.AuthenticateGameCenterRequest, api.Session](r, 9, "AuthenticateGameCenter", op.ServerKey, "POST /v2/account/authenticate/gamecenter account")
	rpc[api.AuthenticateGoogleRequest, api.Session](r, 10, "AuthenticateGoogle", op.ServerKey, "POST /v2/account/authenticate/google account")
	rpc[api.AuthenticateSteamRequest, api.Session](r, 11, "AuthenticateSteam", op.ServerKey, "POST /v2/account/authenticate/steam account")

	rpc[api.AccountApple, empty](r, 35, "LinkApple", op.Session, "POST /v2/account/link/apple *")
	rpc[api.LinkFacebookRequest, empty](r, 39, "LinkFacebook", op.Session, "POST /v2/account/link/facebook account")
	rpc[api.AccountFacebookInstantGame, empty](r, 40, "LinkFacebookInstantGame", op.Session, "POST /v2/account/link/facebookinstantgame *")
	rpc[api.AccountGameCenter, empty](r, 41, "LinkGameCenter", op.Session, "POST /v2/account/link/gamecenter *")
	rpc[api.AccountGoogle, empty](r, 42, "LinkGoogle", op.Session, "POST /v2/account/link/google *")
	rpc[api.LinkSteamRequest, empty](r, 43, "LinkSteam", op.Session, "POST /v2/account/link/steam *")

	rpc[api.AccountApple, empty](r, 65, "UnlinkApple", op.Session, "POST /v2/account/unlink/apple *")
	rpc[api.AccountFacebook, empty](r, 69, "UnlinkFacebook", op.Session, "POST /v2/account/unlink/facebook *")
	rpc[api.AccountFacebookInstantGame, empty](r, 70, "UnlinkFacebookInstantGame", op.Session, "POST /v2/account/unlink/facebookinstantgame *")
	rpc[api.AccountGameCenter, empty](r, 71, "UnlinkGameCenter", op.Session, "POST /v2/account/unlink/gamecenter *")
	rpc[api.AccountGoogle, empty](r, 72, "UnlinkGoogle", op.Session, "POST /v2/account/unlink/google *")
	rpc[api.AccountSteam, empty](r, 73, "UnlinkSteam", op.Session, "POST /v2/account/unlink/steam *")
}

// friends: their imports through identity providers.
func friends(r *op.Registry) {
	rpc[api.ImportFacebookFriendsRequest, empty](r, 29, "ImportFacebookFriends", op.Session, "POST /v2/friend/facebook account")
	rpc[api.ImportSteamFriendsRequest, empty](r, 30, "ImportSteamFriends", op.Session, "POST /v2/friend/steam account")
}

func purchases(r *op.Registry) {
	rpc[api.GetSubscriptionRequest, api.ValidatedSubscription](r, 26, "GetSubscription", op.Session, "GET /v2/iap/subscription/{product_id}")
	rpc[api.ListSubscriptionsRequest, api.SubscriptionList](r, 55, "ListSubscriptions", op.Session, "POST /v2/iap/subscription *")
	rpc[api.ValidatePurchaseAppleRequest, api.ValidatePurchaseResponse](r, 76, "ValidatePurchaseApple", op.Session, "POST /v2/iap/purchase/apple *")
	rpc[api.ValidatePurchaseFacebookInstantRequest, api.ValidatePurchaseResponse](r, 77, "ValidatePurchaseFacebookInstant", op.Session, "POST /v2/iap/purchase/facebookinstant *")
	rpc[api.ValidatePurchaseGoogleRequest, api.ValidatePurchaseResponse](r, 78, "ValidatePurchaseGoogle", op.Session, "POST /v2/iap/purchase/google *")
	rpc[api.ValidatePurchaseHuaweiRequest, api.ValidatePurchaseResponse](r, 79, "ValidatePurchaseHuawei", op.Session, "POST /v2/iap/purchase/huawei *")
	rpc[api.ValidatePurchaseSamsungRequest, api.ValidatePurchaseResponse](r, 80, "ValidatePurchaseSamsung", op.Session, "POST /v2/iap/purchase/samsung *")
	rpc[api.ValidateSubscriptionAppleRequest, api.ValidateSubscriptionResponse](r, 81, "ValidateSubscriptionApple", op.Session, "POST /v2/iap/subscription/apple *")
	rpc[api.ValidateSubscriptionGoogleRequest, api.ValidateSubscriptionResponse](r, 82, "ValidateSubscriptionGoogle", op.Session, "POST /v2/iap/subscription/google *")
}

// message is what op.Add asks of a request and an answer.
type message[T any] interface {
	*T
	proto.Message
}

func rpc[Q, S any, PQ message[Q], PS message[S]](r *op.Registry, number uint16, name string, auth op.Auth, rules ...string) {
	refuse[Q, S, PQ, PS](r, op.Spec{Name: name, ID: number, Auth: auth, HTTP: rules})
}

// refuse registers an operation that has no feature behind it.
func refuse[Q, S any, PQ message[Q], PS message[S]](r *op.Registry, s op.Spec) {
	refusal := errs.New(errs.Unimplemented, s.Name+" is not available on this server yet.")
	op.Add[Q, S, PQ, PS](r, s, func(context.Context, op.Caller, *Q) (*S, error) { return nil, refusal })
}
