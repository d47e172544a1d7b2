// Package transfer writes an account down as one JSON document, and makes an account of such a document again.
//
//	{"account": …, "objects": […], "friends": […], "groups": […], "messages": […],
//	 "leaderboard_records": […], "notifications": […], "wallet_ledgers": […]}
//
// The way out: Export reads the account in pages and writes each as it comes. The way in: Parse reads a document in any
// of the forms that are about (document.go), rows.go turns it into rows and refuses what no store could keep, and Import
// puts them into the store in one transaction (import.go).
//
// What is a player's save goes into any account that is named: metadata, wallet and storage objects, in place of those it
// has. What is history names its owner, and comes back only to him: leaderboard records, notifications, the wallet's
// ledger, messages, and friendships with those who still exist. Groups are in a document to be read; who is a member of
// them is theirs to say.
//
// Any goroutine may call these functions, but no tick. No client may: server code and the console do.
package transfer

import (
	"time"

	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/services/account"
	"github.com/skirmishgg/skirmish/services/leaderboard"
	"github.com/skirmishgg/skirmish/services/storage"
)

// Refusals. What is wrong with one item of a document is a refusal that names it: "objects[3]: …".
var (
	ErrDocument   = errs.New(errs.InvalidArgument, "expects data to be a valid account export format")
	ErrSystemUser = errs.New(errs.InvalidArgument, "Cannot export the system user.")
	ErrNoUser     = errs.New(errs.NotFound, "Error updating user account during import.")
	ErrUserExists = errs.New(errs.AlreadyExists, "User identifier already exists.")
	ErrUsername   = errs.New(errs.AlreadyExists, "Username already in use.")
)

// Config is what a Service is made of.
type Config struct {
	DB      store.DB
	Account *account.Service
	Boards  *leaderboard.Service
	Now     func() time.Time // for what a document gives no time; nil: time.Now

	// Changed, if given, is told of each object that an import wrote or deleted, after the commit. It must not wait.
	Changed func(o storage.ID)
}

// Service exports and imports accounts.
type Service struct{ c Config }

// New is a service over these parts.
func New(c Config) *Service {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Changed == nil {
		c.Changed = func(storage.ID) {}
	}
	return &Service{c}
}
