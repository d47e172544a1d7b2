package account

import (
	"context"
	"strings"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
)

// Identifier is a kind of identifier of which an account has at most one, in a column of its row. Devices are not among
// them: an account has many.
type Identifier struct {
	index        *store.Index[schema.User]
	of           func(*schema.User) **string
	InUse        *errs.Error // another account has it
	LinkFailed   *errs.Error // what a client is told of trouble
	UnlinkFailed *errs.Error
}

// All kinds. How a provider's token becomes the text in the column is the provider's own matter.
var (
	Custom     = identifier("custom_id", func(u *schema.User) **string { return &u.CustomID }, "Custom ID", "Custom ID", "custom ID")
	Email      = identifier("email", func(u *schema.User) **string { return &u.Email }, "Email", "email", "email")
	Apple      = provider("apple_id", func(u *schema.User) **string { return &u.AppleID }, "Apple ID")
	Facebook   = provider("facebook_id", func(u *schema.User) **string { return &u.FacebookID }, "Facebook ID")
	Instant    = provider("facebook_instant_game_id", func(u *schema.User) **string { return &u.FacebookInstantGameID }, "Facebook Instant Game ID")
	GameCenter = provider("gamecenter_id", func(u *schema.User) **string { return &u.GameCenterID }, "GameCenter ID")
	Google     = provider("google_id", func(u *schema.User) **string { return &u.GoogleID }, "Google ID")
	Steam      = provider("steam_id", func(u *schema.User) **string { return &u.SteamID }, "Steam ID")
)

var identifiers = []*Identifier{Custom, Email, Apple, Facebook, Instant, GameCenter, Google, Steam}

func provider(column string, of func(*schema.User) **string, name string) *Identifier {
	return identifier(column, of, name, name, name)
}

func identifier(column string, of func(*schema.User) **string, name, linked, unlinked string) *Identifier {
	return &Identifier{
		index:        schema.Users.By(column),
		of:           of,
		InUse:        errs.New(errs.AlreadyExists, name+" is already in use."),
		LinkFailed:   errs.New(errs.Internal, "Error while trying to link "+linked+"."),
		UnlinkFailed: errs.New(errs.Internal, "Error while trying to unlink "+unlinked+"."),
	}
}

// Ref names the row that has this identifier, or that there is none.
func (i *Identifier) Ref(value string) store.Ref { return i.index.Ref(value) }

// Holder is the account that has this identifier, nil when there is none.
func (i *Identifier) Holder(r store.Reader, value string) (*schema.User, error) {
	row, _, err := store.GetBy(r, i.index, value)
	return row, err
}

// Lookup is Holder outside a transaction, in one round trip.
func (i *Identifier) Lookup(ctx context.Context, db store.DB, value string) (*schema.User, error) {
	rows, err := store.GetManyBy(ctx, db, i.index, []any{value})
	if err != nil {
		return nil, err
	}
	return rows[0], nil
}

// Set gives the row this identifier.
func (i *Identifier) Set(row *schema.User, value string) { *i.of(row) = &value }

// Refusals of linking and unlinking.
var (
	ErrDeviceInUse = errs.New(errs.AlreadyExists, "Device ID already in use.")
	ErrLastLink    = errs.New(errs.PermissionDenied, "Cannot unlink last account identifier. Check profile exists and is not last link.")
	ErrNoDevice    = errs.New(errs.InvalidArgument, "A device ID must be supplied.")
	ErrNUL         = errs.New(errs.InvalidArgument, "Identifiers must not contain NUL characters.")
)

// Link gives the account an identifier in place of the one it may have. also changes further columns in the same write;
// nil: none. Linking what is linked already only moves the update time.
// Errors: i.InUse, ErrNotFound.
func (s *Service) Link(ctx context.Context, user id.UUID, i *Identifier, value string, also func(*schema.User)) error {
	err := s.c.DB.Write(ctx, []store.Ref{schema.Users.Ref(user), i.Ref(value)}, func(tx store.Tx) error {
		row, err := get(tx, user)
		if err != nil {
			return err
		}
		holder, err := i.Holder(tx, value)
		if err != nil {
			return err
		}
		if holder != nil && holder.ID != user {
			return i.InUse
		}
		i.Set(row, value)
		if also != nil {
			also(row)
		}
		row.UpdateTime = tx.Now()
		return store.Put(tx, schema.Users, row)
	})
	return duplicateIs(err, i.InUse)
}

// LinkCustom gives the account a custom id.
// Errors: those of the rule for custom ids, Custom.InUse, ErrNotFound.
func (s *Service) LinkCustom(ctx context.Context, user id.UUID, custom string) error {
	if err := linkCustomRule.Check(custom); err != nil {
		return err
	}
	return s.Link(ctx, user, Custom, custom, nil)
}

// checkLogin looks at the password between the characters of the address and its form.
func checkLogin(address, password string) error {
	if address == "" || password == "" {
		return ErrEmailAndPassword
	}
	wrong, weak := CheckEmail(address), CheckPassword(password)
	if weak != nil && wrong != ErrEmailChars {
		return weak
	}
	return wrong
}

// LinkEmail gives the account an address and a password; linking the same address again changes the password.
// Errors: ErrEmailAndPassword, those of CheckEmail, CheckPassword and Passwords.Hash, Email.InUse, ErrNotFound.
func (s *Service) LinkEmail(ctx context.Context, user id.UUID, address, password string) error {
	if err := checkLogin(address, password); err != nil {
		return err
	}
	address = strings.ToLower(address)
	// Looked up before the costly hash; what counts is the check in the write.
	holder, err := Email.Lookup(ctx, s.c.DB, address)
	if err != nil {
		return err
	}
	if holder != nil && holder.ID != user {
		return Email.InUse
	}
	hash, err := s.c.Passwords.Hash(ctx, address, password)
	if err != nil {
		return err
	}
	return s.Link(ctx, user, Email, address, func(row *schema.User) { row.Password = hash })
}

// LinkDevice adds a device to the account.
// Errors: those of DeviceRule, ErrDeviceInUse, ErrNotFound.
func (s *Service) LinkDevice(ctx context.Context, user id.UUID, device string) error {
	if err := DeviceRule.Check(device); err != nil {
		return err
	}
	hint := []store.Ref{schema.Users.Ref(user), schema.UserDevices.Ref(device)}
	err := s.c.DB.Write(ctx, hint, func(tx store.Tx) error {
		row, err := get(tx, user)
		if err != nil {
			return err
		}
		held, ok, err := store.Get(tx, schema.UserDevices, device)
		if err != nil {
			return err
		}
		if ok && held.UserID != user {
			return ErrDeviceInUse
		}
		if !ok {
			if err := store.Put(tx, schema.UserDevices, DeviceRow(device, user)); err != nil {
				return err
			}
		}
		row.UpdateTime = tx.Now()
		return store.Put(tx, schema.Users, row)
	})
	return duplicateIs(err, ErrDeviceInUse)
}

// Unlink takes an identifier from the account: value, which must be the one it has, or with "" whichever it has, if any.
// also changes further columns in the same write; nil: none.
// Errors: ErrLastLink when nothing else signs the account in, or value is not its own; ErrNUL, ErrNotFound.
func (s *Service) Unlink(ctx context.Context, user id.UUID, i *Identifier, value string, also func(*schema.User)) error {
	if hasNUL(value) {
		return ErrNUL
	}
	return s.c.DB.Write(ctx, []store.Ref{schema.Users.Ref(user)}, func(tx store.Tx) error {
		row, err := get(tx, user)
		if err != nil {
			return err
		}
		if value != "" && text(*i.of(row)) != value {
			return ErrLastLink
		}
		*i.of(row) = nil
		if err := mustSignIn(tx, row, ""); err != nil {
			return err
		}
		if also != nil {
			also(row)
		}
		row.UpdateTime = tx.Now()
		return store.Put(tx, schema.Users, row)
	})
}

// UnlinkEmail takes the address, and the password with it.
// Errors: as Unlink.
func (s *Service) UnlinkEmail(ctx context.Context, user id.UUID, address string) error {
	return s.Unlink(ctx, user, Email, strings.ToLower(address), func(row *schema.User) { row.Password = nil })
}

// UnlinkDevice takes a device from the account.
// Errors: ErrNoDevice, ErrLastLink when nothing else signs the account in, or the device is not its own; ErrNUL,
// ErrNotFound.
func (s *Service) UnlinkDevice(ctx context.Context, user id.UUID, device string) error {
	switch {
	case device == "":
		return ErrNoDevice
	case hasNUL(device):
		return ErrNUL
	}
	hint := []store.Ref{schema.Users.Ref(user), schema.UserDevices.Ref(device)}
	return s.c.DB.Write(ctx, hint, func(tx store.Tx) error {
		row, err := get(tx, user)
		if err != nil {
			return err
		}
		held, ok, err := store.Get(tx, schema.UserDevices, device)
		if err != nil {
			return err
		}
		if !ok || held.UserID != user {
			return ErrLastLink
		}
		if err := mustSignIn(tx, row, device); err != nil {
			return err
		}
		if err := store.Delete(tx, schema.UserDevices, device); err != nil {
			return err
		}
		row.UpdateTime = tx.Now()
		return store.Put(tx, schema.Users, row)
	})
}

// mustSignIn refuses a change that leaves the account without any identifier; without is a device that goes.
func mustSignIn(tx store.Tx, row *schema.User, without string) error {
	for _, i := range identifiers {
		if *i.of(row) != nil {
			return nil
		}
	}
	for device, err := range store.Scan(tx, devicesOf, store.Range{Prefix: []any{row.ID}, Limit: 2}) {
		if err != nil {
			return err
		}
		if device.ID != without {
			return nil
		}
	}
	return ErrLastLink
}
