package schema

import (
	"time"

	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/id"
)

// Purchase is a validated in-app purchase.
type Purchase struct {
	TransactionID string     `db:"transaction_id" max:"512"`
	CreateTime    time.Time  `db:"create_time"`
	Environment   int16      `db:"environment"` // 0 unknown, 1 sandbox, 2 production
	ProductID     string     `db:"product_id" max:"512"`
	PurchaseTime  time.Time  `db:"purchase_time"`
	RawResponse   store.JSON `db:"raw_response"`
	Store         int16      `db:"store"` // 0 Apple, 1 Google, 2 Huawei, 3 Facebook Instant, 4 Samsung
	UpdateTime    time.Time  `db:"update_time"`
	UserID        id.UUID    `db:"user_id"`
	RefundTime    time.Time  `db:"refund_time"`
}

// Purchases are those of all users.
var Purchases = store.NewTable[Purchase]("purchase", "transaction_id",
	store.Ordered("purchase_time desc", "user_id desc", "transaction_id desc"), store.Ordered("user_id"),
	store.SetZero(Users, "user_id"),
	store.Checked("length(transaction_id) > 0", func(p *Purchase) bool { return p.TransactionID != "" }))

// Subscription is a validated subscription.
type Subscription struct {
	OriginalTransactionID string     `db:"original_transaction_id" max:"512"`
	CreateTime            time.Time  `db:"create_time"`
	UpdateTime            time.Time  `db:"update_time"`
	Environment           int16      `db:"environment"`
	ProductID             string     `db:"product_id" max:"512"`
	PurchaseTime          time.Time  `db:"purchase_time"`
	Store                 int16      `db:"store"`
	UserID                id.UUID    `db:"user_id"`
	ExpireTime            time.Time  `db:"expire_time"`
	RawResponse           store.JSON `db:"raw_response"`
	RawNotification       store.JSON `db:"raw_notification"`
	RefundTime            time.Time  `db:"refund_time"`
}

// Subscriptions are those of all users.
var Subscriptions = store.NewTable[Subscription]("subscription", "original_transaction_id",
	store.Ordered("purchase_time desc", "user_id desc", "original_transaction_id desc"), store.Ordered("user_id"),
	store.SetZero(Users, "user_id"),
	store.Checked("length(original_transaction_id) > 0", func(s *Subscription) bool { return s.OriginalTransactionID != "" }))
