package account

import (
	"context"
	"errors"
	"unicode/utf8"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
)

// Update is a change of a profile; nil leaves a field as it is, "" clears one that may be empty.
type Update struct {
	Username, DisplayName, AvatarURL, LangTag, Location, Timezone *string
	Metadata                                                      *store.JSON // server code's only
}

// Refusals of an Update.
var (
	ErrNoFields      = errs.New(errs.InvalidArgument, "No fields to update.")
	ErrLangTagEmpty  = errs.New(errs.InvalidArgument, "Language tag must not be empty.")
	ErrUsernameInUse = errs.New(errs.AlreadyExists, "Username is already in use.")
)

// Check holds the new values against the rules.
func (u *Update) Check() error {
	if *u == (Update{}) {
		return ErrNoFields
	}
	if u.Username != nil {
		if err := CheckUsername(*u.Username); err != nil {
			return err
		}
	}
	if u.LangTag != nil && *u.LangTag == "" {
		return ErrLangTagEmpty
	}
	for _, f := range []struct {
		name  string
		value *string
		max   int // characters that the column holds
	}{
		{"Display name", u.DisplayName, 255},
		{"Avatar URL", u.AvatarURL, 512},
		{"Language tag", u.LangTag, 18},
		{"Location", u.Location, 255},
		{"Timezone", u.Timezone, 255},
	} {
		switch {
		case f.value == nil:
		case hasNUL(*f.value):
			return errs.Newf(errs.InvalidArgument, "%s invalid, no NUL characters allowed.", f.name)
		case utf8.RuneCountInString(*f.value) > f.max:
			return errs.Newf(errs.InvalidArgument, "%s invalid, must be at most %d characters.", f.name, f.max)
		}
	}
	return nil
}

// Update changes a profile, all of it or nothing.
// Errors: those of Check, ErrUsernameInUse, ErrNotFound.
func (s *Service) Update(ctx context.Context, user id.UUID, u Update) error {
	if err := u.Check(); err != nil {
		return err
	}
	hint := []store.Ref{schema.Users.Ref(user)}
	if u.Username != nil {
		hint = append(hint, schema.Users.By("username").Ref(*u.Username))
	}
	err := s.c.DB.Write(ctx, hint, func(tx store.Tx) error { return u.Apply(tx, user) })
	return duplicateIs(err, ErrUsernameInUse)
}

// Apply is an Update that Check has passed, as part of a larger change. Values equal to the stored ones leave the row
// and its update time alone.
// Errors: ErrNotFound, a store.DuplicateError for the username.
func (u *Update) Apply(tx store.Tx, user id.UUID) error {
	row, err := get(tx, user)
	if err != nil {
		return err
	}
	changed := false
	for _, f := range []struct{ to, from *string }{{&row.Username, u.Username}, {&row.LangTag, u.LangTag}} {
		if f.from != nil && *f.to != *f.from {
			*f.to, changed = *f.from, true
		}
	}
	for _, f := range []struct {
		to   **string
		from *string
	}{{&row.DisplayName, u.DisplayName}, {&row.AvatarURL, u.AvatarURL}, {&row.Location, u.Location}, {&row.Timezone, u.Timezone}} {
		if f.from != nil && text(*f.to) != *f.from {
			*f.to, changed = orNull(*f.from), true
		}
	}
	if u.Metadata != nil {
		metadata, err := store.Normalise(*u.Metadata)
		if err != nil {
			return err
		}
		if row.Metadata != metadata {
			row.Metadata, changed = metadata, true
		}
	}
	if !changed {
		return nil
	}
	row.UpdateTime = tx.Now()
	return store.Put(tx, schema.Users, row)
}

func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// get is the account that a change is about; the transaction holds it from here on.
func get(tx store.Tx, user id.UUID) (*schema.User, error) {
	row, ok, err := store.Get(tx, schema.Users, user)
	if err == nil && !ok {
		err = ErrNotFound
	}
	return row, err
}

// duplicateIs words what a unique key refused, in the overlay or at last in the database.
func duplicateIs(err error, refusal *errs.Error) error {
	var duplicate *store.DuplicateError
	if errors.As(err, &duplicate) {
		return refusal
	}
	return err
}
