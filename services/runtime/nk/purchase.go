package nk

import (
	"context"
	"errors"

	"github.com/heroiclabs/nakama-common/api"
)

// What needs a store of purchases that there is none of yet.
var (
	errAppleIAP    = sentence("Apple IAP is not configured.")
	errGoogleIAP   = sentence("Google IAP is not configured.")
	errHuaweiIAP   = sentence("Huawei IAP is not configured.")
	errFacebookIAP = sentence("Facebook Instant IAP is not configured.")
	errSamsungIAP  = sentence("Samsung IAP is not configured.")
	errPurchases   = errors.New("purchases are not available")
)

// override is what a Google validation may use in place of the settings.
type override = struct {
	ClientEmail string
	PrivateKey  string
}

func (m *Module) PurchaseValidateApple(context.Context, string, string, bool, ...string) (*api.ValidatePurchaseResponse, error) {
	return nil, errAppleIAP
}

func (m *Module) PurchaseValidateGoogle(context.Context, string, string, bool, ...override) (*api.ValidatePurchaseResponse, error) {
	return nil, errGoogleIAP
}

func (m *Module) PurchaseValidateHuawei(context.Context, string, string, string, bool) (*api.ValidatePurchaseResponse, error) {
	return nil, errHuaweiIAP
}

func (m *Module) PurchaseValidateFacebookInstant(context.Context, string, string, bool) (*api.ValidatePurchaseResponse, error) {
	return nil, errFacebookIAP
}

func (m *Module) PurchaseValidateSamsung(context.Context, string, string, bool) (*api.ValidatePurchaseResponse, error) {
	return nil, errSamsungIAP
}

func (m *Module) PurchasesList(context.Context, string, int, string) (*api.PurchaseList, error) {
	return nil, errPurchases
}

func (m *Module) PurchaseGetByTransactionId(context.Context, string) (*api.ValidatedPurchase, error) {
	return nil, errPurchases
}

func (m *Module) SubscriptionValidateApple(context.Context, string, string, bool, ...string) (*api.ValidateSubscriptionResponse, error) {
	return nil, errAppleIAP
}

func (m *Module) SubscriptionValidateGoogle(context.Context, string, string, bool, ...override) (*api.ValidateSubscriptionResponse, error) {
	return nil, errGoogleIAP
}

func (m *Module) SubscriptionsList(context.Context, string, int, string) (*api.SubscriptionList, error) {
	return nil, errPurchases
}

func (m *Module) SubscriptionGetByProductId(context.Context, string, string) (*api.ValidatedSubscription, error) {
	return nil, errPurchases
}
