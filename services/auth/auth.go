// Package auth turns credentials into sessions: it finds or creates the account behind an identifier and has session
// issue its tokens.
//
//	credentials checked ─▶ looked up ─▶ found: banned? password? ───────────────▶ tokens
//	                          │ nobody ─▶ created in one write, or found there ──────┘
//
// ops.go holds what clients send; Device, Custom and Email are for server code as well. They may be called from any
// goroutine, never from a tick.
package auth

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/account"
	"github.com/skirmishgg/skirmish/services/session"
)

// Config is what a Service is made of.
type Config struct {
	DB        store.DB
	Sessions  *session.Service
	Passwords *account.Passwords
}

// Service signs users in.
type Service struct {
	c       Config
	newName func() string // generates a username
}

// New is a service over these parts.
func New(c Config) *Service { return &Service{c: c, newName: randomName} }

// SignIn is who signed in.
type SignIn struct {
	UserID   id.UUID
	Username string
	Created  bool // the account is new
}

// Refusals.
var (
	ErrUserNotFound     = errs.New(errs.NotFound, "User account not found.")
	ErrBanned           = errs.New(errs.PermissionDenied, "User account banned.")
	ErrCredentials      = errs.New(errs.Unauthenticated, "Invalid credentials.")
	ErrUsernameRequired = errs.New(errs.InvalidArgument, "Username is required when email address is not supplied.")
)

// What a caller is told of trouble from below.
var (
	errFinding  = errs.New(errs.Internal, "Error finding user account.")
	errCreating = errs.New(errs.Internal, "Error finding or creating user account.")
)

// Device signs in with a device id. username is for an account that is created; "" generates one.
// Errors: the refusals of account.DeviceRule and account.CheckUsername, account.ErrUsernameInUse, ErrUserNotFound,
// ErrBanned.
func (s *Service) Device(ctx context.Context, device, username string, create bool) (SignIn, error) {
	if err := account.DeviceRule.Check(device); err != nil {
		return SignIn{}, err
	}
	return s.signIn(ctx, byDevice(s.c.DB, device), username, create)
}

// Custom signs in with a custom id.
// Errors: as Device, with account.CustomRule.
func (s *Service) Custom(ctx context.Context, custom, username string, create bool) (SignIn, error) {
	if err := account.CustomRule.Check(custom); err != nil {
		return SignIn{}, err
	}
	return s.signIn(ctx, byIdentifier(s.c.DB, account.Custom, custom), username, create)
}

// Email signs in with an address and a password; with no address, with a username and a password, which never creates.
// Errors: the refusals of account.CheckEmail, CheckPassword and CheckUsername, ErrUsernameRequired,
// account.ErrUsernameInUse, ErrUserNotFound, ErrBanned, ErrCredentials, account.ErrPasswordLong for a new account,
// account.ErrBusy.
func (s *Service) Email(ctx context.Context, address, password, username string, create bool) (SignIn, error) {
	if address != "" {
		if err := account.CheckEmail(address); err != nil {
			return SignIn{}, err
		}
	}
	if err := account.CheckPassword(password); err != nil {
		return SignIn{}, err
	}
	if address == "" {
		return s.byUsername(ctx, username, password)
	}
	address = strings.ToLower(address)
	i := byIdentifier(s.c.DB, account.Email, address)
	i.password = &password
	i.hash = func(ctx context.Context) ([]byte, error) { return s.c.Passwords.Hash(ctx, address, password) }
	return s.signIn(ctx, i, username, create)
}

func (s *Service) byUsername(ctx context.Context, username, password string) (SignIn, error) {
	if username == "" {
		return SignIn{}, ErrUsernameRequired
	}
	if err := account.CheckUsername(username); err != nil {
		return SignIn{}, err
	}
	rows, err := store.GetManyBy(ctx, s.c.DB, schema.Users.By("username"), []any{username})
	if err != nil {
		return SignIn{}, errs.Or(err, errFinding)
	}
	if rows[0] == nil {
		return SignIn{}, ErrUserNotFound
	}
	return s.admit(ctx, rows[0], &password)
}

var errNoName = errors.New("every username drawn is in use")

const triesMax = 8 // of creating an account, when names clash or others create it at the same time

// signIn finds the account of an identifier, or creates it. Of many that do so at once one creates it, and all get it.
func (s *Service) signIn(ctx context.Context, i identity, username string, create bool) (SignIn, error) {
	if username != "" {
		if err := account.CheckUsername(username); err != nil {
			return SignIn{}, err
		}
	}
	row, err := i.lookup(ctx)
	if err != nil {
		return SignIn{}, errs.Or(err, errFinding)
	}
	if row == nil {
		if !create {
			return SignIn{}, ErrUserNotFound
		}
		var created bool
		if row, created, err = s.create(ctx, i, username); err != nil {
			return SignIn{}, errs.Or(err, errCreating)
		}
		if created {
			return SignIn{row.ID, row.Username, true}, nil
		}
	}
	return s.admit(ctx, row, i.password)
}

// admit decides on an account that exists; password nil: the identifier is proof enough.
func (s *Service) admit(ctx context.Context, row *schema.User, password *string) (SignIn, error) {
	if account.Banned(row) {
		return SignIn{}, ErrBanned
	}
	if password != nil {
		if len(row.Password) == 0 {
			return SignIn{}, ErrCredentials
		}
		ok, err := s.c.Passwords.Match(ctx, row.Password, *password)
		if err != nil {
			return SignIn{}, errs.Or(err, errFinding)
		}
		if !ok {
			return SignIn{}, ErrCredentials
		}
	}
	return SignIn{row.ID, row.Username, false}, nil
}

// create makes the account, unless it is there by the time of the write.
func (s *Service) create(ctx context.Context, i identity, username string) (row *schema.User, created bool, err error) {
	if i.hash != nil {
		hash, err := i.hash(ctx)
		if err != nil {
			return nil, false, err
		}
		attach := i.attach
		i.attach = func(tx store.Tx, row *schema.User) error {
			row.Password = hash
			return attach(tx, row)
		}
	}
	user, err := id.NewV4(rand.Reader)
	if err != nil {
		return nil, false, err
	}
	for range triesMax {
		name := username
		if name == "" {
			name = s.newName()
		}
		row, created, err = s.createOnce(ctx, i, user, name)
		switch clash := (*store.DuplicateError)(nil); {
		case errors.As(err, &clash): // in the database, with a write of another lane or program: look again
		case username == "" && errors.Is(err, account.ErrUsernameInUse): // draw again
			err = errNoName // unless the next one is free
		default:
			return row, created, err
		}
	}
	return nil, false, err
}

func (s *Service) createOnce(ctx context.Context, i identity, user id.UUID, name string) (row *schema.User, created bool, err error) {
	byName := schema.Users.By("username")
	hint := []store.Ref{i.ref, byName.Ref(name)}
	err = s.c.DB.Write(ctx, hint, func(tx store.Tx) error {
		var err error
		if row, err = i.find(tx); err != nil || row != nil {
			created = false
			return err
		}
		_, taken, err := store.GetBy(tx, byName, name)
		if err != nil {
			return err
		}
		if taken {
			return account.ErrUsernameInUse
		}
		row, created = account.NewRow(user, name, tx.Now()), true
		return i.attach(tx, row)
	})
	return row, created, err
}

// identity is one identifier of an account: how to find who has it, and how to give it to a new account.
type identity struct {
	ref    store.Ref // the row or unique key that holds it: those who create one account meet in one lane
	lookup func(context.Context) (*schema.User, error)
	find   func(store.Reader) (*schema.User, error)
	attach func(store.Tx, *schema.User) error // puts the row, and what belongs to it

	password *string                               // to be compared with the account's
	hash     func(context.Context) ([]byte, error) // of the password, for a new account
}

func byIdentifier(db store.DB, i *account.Identifier, value string) identity {
	return identity{
		ref:    i.Ref(value),
		lookup: func(ctx context.Context) (*schema.User, error) { return i.Lookup(ctx, db, value) },
		find:   func(r store.Reader) (*schema.User, error) { return i.Holder(r, value) },
		attach: func(tx store.Tx, row *schema.User) error {
			i.Set(row, value)
			return store.Put(tx, schema.Users, row)
		},
	}
}

func byDevice(db store.DB, device string) identity {
	return identity{
		ref: schema.UserDevices.Ref(device),
		lookup: func(ctx context.Context) (*schema.User, error) {
			devices, err := store.GetMany(ctx, db, schema.UserDevices, []any{device})
			if err != nil || devices[0] == nil {
				return nil, err
			}
			users, err := store.GetMany(ctx, db, schema.Users, []any{devices[0].UserID})
			if err != nil {
				return nil, err
			}
			return users[0], nil // nil: deleted between the two, so both are gone
		},
		find: func(r store.Reader) (*schema.User, error) {
			held, ok, err := store.Get(r, schema.UserDevices, device)
			if err != nil || !ok {
				return nil, err
			}
			row, _, err := store.Get(r, schema.Users, held.UserID)
			return row, err
		},
		attach: func(tx store.Tx, row *schema.User) error {
			if err := store.Put(tx, schema.Users, row); err != nil {
				return err
			}
			return store.Put(tx, schema.UserDevices, account.DeviceRow(device, row.ID))
		},
	}
}

// randomName is ten letters: 52¹⁰ names, so a clash is an accident, but it is one that create survives.
func randomName() string {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	name := make([]byte, 0, 10)
	for len(name) < cap(name) {
		var random [16]byte
		_, _ = rand.Read(random[:]) // never fails: it would end the process
		for _, b := range random {
			if int(b) < 256/len(letters)*len(letters) && len(name) < cap(name) { // others would favour some letters
				name = append(name, letters[int(b)%len(letters)])
			}
		}
	}
	return string(name)
}
