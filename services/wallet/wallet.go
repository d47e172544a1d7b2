// Package wallet keeps what each user has of the game's currencies, as whole numbers by name, and the ledger of how that
// came to be. Only server code changes a wallet.
//
// The life of a change: Prepare checks a batch and draws the ids of its ledger items; Apply, inside a write function, adds
// the amounts to the wallets in the order of the batch, refuses what would leave less than nothing, and puts down the
// ledger. Update is both for wallets alone; a unit that changes other things besides calls them itself. All functions may
// be called from any goroutine, never from a tick.
package wallet

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
)

// Refusals.
var (
	ErrUser     = errs.New(errs.NotFound, "user not found")
	ErrKey      = errs.New(errs.InvalidArgument, "wallet keys must be valid text without NUL characters")
	ErrMetadata = errs.New(errs.InvalidArgument, "ledger metadata must be a JSON object that can be stored")
)

// NegativeError refuses a change that would leave less than nothing.
type NegativeError struct {
	UserID          id.UUID
	Key             string
	Current, Amount int64
}

func (e *NegativeError) Error() string {
	return "wallet update rejected negative value at path '" + e.Key + "'"
}

func (e *NegativeError) Unwrap() error { return errs.New(errs.InvalidArgument, e.Error()) }

// Amounts are what a wallet holds, or by how much it changes.
type Amounts map[string]int64

// Service changes wallets. Any goroutine may use it.
type Service struct{ db store.DB }

// New is a service over a store.
func New(db store.DB) *Service { return &Service{db} }

// Change adds amounts to the wallet of a user.
type Change struct {
	UserID   id.UUID
	Amounts  Amounts
	Metadata store.JSON // of the ledger item; "": an empty object
}

// Result is what one Change did.
type Result struct {
	UserID            id.UUID
	Updated, Previous Amounts
}

// Update makes all changes or none, in their order; ledger notes each of them down.
// Errors: those of Prepare and Apply.
func (s *Service) Update(ctx context.Context, changes []Change, ledger bool) (results []Result, err error) {
	if len(changes) == 0 {
		return nil, nil
	}
	batch, err := Prepare(changes, ledger)
	if err != nil {
		return nil, err
	}
	err = s.db.Write(ctx, batch.Hints(), func(tx store.Tx) (err error) {
		results, err = batch.Apply(tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	return results, nil
}

// Batch is changes that are valid in themselves.
type Batch struct {
	changes []Change
	items   []schema.LedgerItem // by change; nil: nothing is noted down
}

// Prepare checks changes before any wallet is asked.
// Errors: ErrKey, ErrMetadata.
func Prepare(changes []Change, ledger bool) (*Batch, error) {
	b := &Batch{changes: changes}
	for i := range changes {
		for key := range changes[i].Amounts {
			if strings.IndexByte(key, 0) >= 0 || !utf8.ValidString(key) {
				return nil, ErrKey
			}
		}
		if !ledger {
			continue
		}
		u, err := id.NewV4(rand.Reader)
		if err != nil {
			return nil, err
		}
		item := schema.LedgerItem{ID: u, UserID: changes[i].UserID, Metadata: "{}"}
		if changes[i].Metadata != "" {
			if item.Metadata, err = metadata(changes[i].Metadata); err != nil {
				return nil, err
			}
		}
		if item.Changeset, err = changes[i].Amounts.text(); err != nil {
			return nil, err
		}
		b.items = append(b.items, item)
	}
	return b, nil
}

func metadata(text store.JSON) (store.JSON, error) {
	kept, err := store.Normalise(text)
	if err != nil || !kept.IsObject() {
		return "", ErrMetadata
	}
	return kept, nil
}

// Hints names the rows of the batch.
func (b *Batch) Hints() []store.Ref {
	refs := make([]store.Ref, len(b.changes))
	for i := range b.changes {
		refs[i] = schema.Users.Ref(b.changes[i].UserID)
	}
	return refs
}

// Apply makes the changes inside a transaction.
// Errors: ErrUser, *NegativeError, a refusal of what is more than a wallet can count.
func (b *Batch) Apply(tx store.Tx) ([]Result, error) {
	results := make([]Result, len(b.changes))
	for i := range b.changes {
		var err error
		if results[i], err = apply(tx, &b.changes[i]); err != nil {
			return nil, err
		}
		if b.items == nil {
			continue
		}
		item := b.items[i]
		item.CreateTime, item.UpdateTime = tx.Now(), tx.Now()
		if err := store.Put(tx, schema.Ledger, &item); err != nil {
			return nil, err
		}
	}
	return results, nil
}

func apply(tx store.Tx, c *Change) (r Result, err error) {
	row, exists, err := store.Get(tx, schema.Users, c.UserID)
	if err != nil {
		return r, err
	}
	if !exists {
		return r, ErrUser
	}
	r = Result{UserID: c.UserID}
	if r.Previous, err = parse(row.Wallet); err != nil {
		return r, fmt.Errorf("wallet of user %s: %w", c.UserID, err)
	}
	if r.Updated, err = r.Previous.plus(c); err != nil {
		return r, err
	}
	if maps.Equal(r.Updated, r.Previous) {
		return r, nil // adding nothing is no update
	}
	if row.Wallet, err = r.Updated.text(); err != nil {
		return r, err
	}
	row.UpdateTime = tx.Now()
	return r, store.Put(tx, schema.Users, row)
}

// plus is the wallet after a change. Of several amounts that it refuses it names the first by name, so that one change has
// one answer.
func (a Amounts) plus(c *Change) (Amounts, error) {
	sum := maps.Clone(a)
	for _, key := range slices.Sorted(maps.Keys(c.Amounts)) {
		has, amount := a[key], c.Amounts[key]
		switch {
		case amount > 0 && has > math.MaxInt64-amount:
			return nil, errs.Newf(errs.InvalidArgument, "wallet update rejected value at path '%s': more than can be counted", key)
		case amount < 0 && has < math.MinInt64-amount, has+amount < 0:
			return nil, &NegativeError{c.UserID, key, has, amount}
		}
		sum[key] = has + amount
	}
	return sum, nil
}

// text is the amounts as a JSON object.
func (a Amounts) text() (store.JSON, error) {
	if a == nil {
		return "{}", nil
	}
	text, err := json.Marshal(a)
	return store.JSON(text), err
}

func parse(text store.JSON) (Amounts, error) {
	a := Amounts{}
	err := json.Unmarshal([]byte(text), &a)
	return a, err
}
