package bind

import (
	"errors"

	"github.com/heroiclabs/nakama-common/api"
)

var errNoPurchase = errors.New("purchase not found")

// overrides are a store's credentials other than the configured ones.
type overrides = struct {
	ClientEmail string
	PrivateKey  string
}

var purchases = []*Function{
	fn("purchase_validate_apple", "user_id:uuid receipt:text persist:bool=true password_override:string=", "response", func(c *Call) ([]any, error) {
		return c.ofApple(validated(c.NK.PurchaseValidateApple(c.Ctx, c.Str("user_id"), c.Str("receipt"), c.Bool("persist"), c.password()...)))
	}),
	fn("purchase_validate_google", google, "response", func(c *Call) ([]any, error) {
		return validated(c.NK.PurchaseValidateGoogle(c.Ctx, c.Str("user_id"), c.Str("receipt"), c.Bool("persist"), c.account()...))
	}),
	fn("purchase_validate_huawei", "user_id:uuid signature:text receipt:text persist:bool=true", "response", func(c *Call) ([]any, error) {
		return validated(c.NK.PurchaseValidateHuawei(c.Ctx, c.Str("user_id"), c.Str("signature"), c.Str("receipt"), c.Bool("persist")))
	}).inJS("user_id:uuid receipt:text signature:text persist:bool=true"),
	fn("purchase_validate_facebook_instant", "user_id:uuid signed_request:text persist:bool=true", "response", func(c *Call) ([]any, error) {
		return validated(c.NK.PurchaseValidateFacebookInstant(c.Ctx, c.Str("user_id"), c.Str("signed_request"), c.Bool("persist")))
	}),
	fn("purchase_validate_samsung", "user_id:uuid purchase_id:text persist:bool=true", "response", func(c *Call) ([]any, error) {
		return validated(c.NK.PurchaseValidateSamsung(c.Ctx, c.Str("user_id"), c.Str("purchase_id"), c.Bool("persist")))
	}),
	fn("purchase_get_by_transaction_id", "transaction_id:text", "purchase", func(c *Call) ([]any, error) {
		p, err := c.NK.PurchaseGetByTransactionId(c.Ctx, c.Str("transaction_id"))
		if err == nil && p == nil {
			err = errNoPurchase
		}
		if err != nil {
			return nil, err
		}
		return []any{purchase(p)}, nil
	}),
	fn("purchases_list", owned, "validated_purchases cursor prev_cursor", func(c *Call) ([]any, error) {
		if err := c.between("limit", 1, 100, "expects limit to be 1-100"); err != nil {
			return nil, err
		}
		all, err := c.NK.PurchasesList(c.Ctx, c.Str("user_id"), c.Int("limit"), c.Str("cursor"))
		return []any{list(all.GetValidatedPurchases(), purchase), cursor(all.GetCursor()), cursor(all.GetPrevCursor())}, err
	}),
	fn("subscription_validate_apple", "user_id:uuid receipt:text persist:bool=true password_override:string=", "response", func(c *Call) ([]any, error) {
		return c.ofApple(subscribed(c.NK.SubscriptionValidateApple(c.Ctx, c.Str("user_id"), c.Str("receipt"), c.Bool("persist"), c.password()...)))
	}),
	fn("subscription_validate_google", google, "response", func(c *Call) ([]any, error) {
		return subscribed(c.NK.SubscriptionValidateGoogle(c.Ctx, c.Str("user_id"), c.Str("receipt"), c.Bool("persist"), c.account()...))
	}),
	fn("subscription_get_by_product_id", "user_id:uuid product_id:text", "subscription", func(c *Call) ([]any, error) {
		s, err := c.NK.SubscriptionGetByProductId(c.Ctx, c.Str("user_id"), c.Str("product_id"))
		if err != nil {
			return nil, err
		}
		return []any{subscription(s)}, nil
	}),
	fn("subscriptions_list", owned, "validated_subscriptions cursor prev_cursor", func(c *Call) ([]any, error) {
		if err := c.between("limit", 1, 100, "expects limit to be 1-100"); err != nil {
			return nil, err
		}
		all, err := c.NK.SubscriptionsList(c.Ctx, c.Str("user_id"), c.Int("limit"), c.Str("cursor"))
		return []any{list(all.GetValidatedSubscriptions(), subscription), cursor(all.GetCursor()), cursor(all.GetPrevCursor())}, err
	}),
}

const (
	google = "user_id:uuid receipt:text persist:bool=true client_email_override:string= private_key_override:string="
	owned  = "user_id:uuid? limit:int=100 cursor:string="
)

func (c *Call) password() []string {
	if p := c.Str("password_override"); p != "" {
		return []string{p}
	}
	return nil
}

func (c *Call) account() []overrides {
	if email, key := c.Str("client_email_override"), c.Str("private_key_override"); email != "" || key != "" {
		return []overrides{{ClientEmail: email, PrivateKey: key}}
	}
	return nil
}

// ofApple puts it as JavaScript modules know it that there are no settings for Apple's store.
func (c *Call) ofApple(out []any, err error) ([]any, error) {
	if err != nil && c.Lang == JavaScript && err.Error() == "Apple IAP is not configured." {
		err = Text("apple IAP is not configured")
	}
	return out, err
}

func validated(r *api.ValidatePurchaseResponse, err error) ([]any, error) {
	return []any{new(Object).Add("validated_purchases", list(r.GetValidatedPurchases(), purchase))}, err
}

func subscribed(r *api.ValidateSubscriptionResponse, err error) ([]any, error) {
	if err != nil {
		return nil, err
	}
	return []any{new(Object).Add("validated_subscription", subscription(r.GetValidatedSubscription()))}, nil
}

func purchase(p *api.ValidatedPurchase) *Object {
	o := new(Object).Add("user_id", p.UserId).Add("product_id", p.ProductId).Add("transaction_id", p.TransactionId).
		Add("store", p.Store.String()).Add("provider_response", p.ProviderResponse).Add("purchase_time", unix(p.PurchaseTime))
	if p.CreateTime != nil {
		o.Add("create_time", unix(p.CreateTime))
	}
	if p.UpdateTime != nil {
		o.Add("update_time", unix(p.UpdateTime))
	}
	if p.RefundTime != nil {
		o.Add("refund_time", unix(p.RefundTime))
	}
	return o.Add("environment", p.Environment.String()).Add("seen_before", p.SeenBefore)
}

func subscription(s *api.ValidatedSubscription) *Object {
	if s == nil {
		return new(Object)
	}
	o := new(Object).Add("user_id", s.UserId).Add("product_id", s.ProductId).Add("original_transaction_id", s.OriginalTransactionId).
		Add("store", s.Store.String()).Add("purchase_time", unix(s.PurchaseTime)).Add("expiry_time", unix(s.ExpiryTime))
	if s.CreateTime != nil {
		o.Add("create_time", unix(s.CreateTime))
	}
	if s.UpdateTime != nil {
		o.Add("update_time", unix(s.UpdateTime))
	}
	if s.RefundTime != nil {
		o.Add("refund_time", unix(s.RefundTime))
	}
	return o.Add("environment", s.Environment.String()).Add("active", s.Active).Add("provider_response", s.ProviderResponse).
		Add("provider_notification", s.ProviderNotification)
}
