// Package group has what players form to stay together: clans, guilds, teams.
//
// A member is in one of five states, and both he and the group have an edge that says so; of a ban only the group has.
// edge_count counts states 0 to 2.
//
//	           Join (open), Add                    Promote              Promote
//	nothing ─────────────────────→  2 member  ←──────────────→  1 admin ←───────→  0 superadmin
//	   │  ↑                            ↑               Demote            Demote
//	   │  └─ Leave, Kick (anybody) ─┐  │ Add
//	   └───────────────────────────→ 3 join request              anybody ──Ban──→  4 banned ──Kick──→ nothing
//	        Join (closed)
//
// Every change is one transaction that holds the group's row, so changes of one group act one after the other: parallel
// joins never exceed its limit. It keeps what the group's channel is told, and notifications; both go out when it has
// committed, and who is no member any more is taken out of the channel.
//
// ops.go holds what a client may ask; a trusted caller has a superadmin's rights in every group. Any goroutine may call
// these functions, but no tick.
package group

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/account"
	"github.com/skirmishgg/skirmish/services/chat"
	"github.com/skirmishgg/skirmish/services/notify"
	"github.com/skirmishgg/skirmish/services/presence"
)

// Refusals.
var (
	ErrName        = errs.New(errs.InvalidArgument, "Group name must be set.")
	ErrNameEmpty   = errs.New(errs.InvalidArgument, "Group name cannot be empty.")
	ErrLangEmpty   = errs.New(errs.InvalidArgument, "Group language cannot be empty.")
	ErrMaxCount    = errs.New(errs.InvalidArgument, "Group max count must be >= 1 when set.")
	ErrLong        = errs.New(errs.InvalidArgument, "Group name and description must be at most 255 characters long, the avatar URL 512, the language tag 18.")
	ErrText        = errs.New(errs.InvalidArgument, "Group fields must be valid text without NUL characters.")
	ErrMetadata    = errs.New(errs.InvalidArgument, "Group metadata must be JSON that can be stored.")
	ErrNameTaken   = errs.New(errs.AlreadyExists, "Group name is in use.")
	ErrNameInUse   = errs.New(errs.InvalidArgument, "Group name is in use.") // of an update
	ErrUpdate      = errs.New(errs.NotFound, "Group not found or you're not allowed to update.")
	ErrNoFields    = errs.New(errs.InvalidArgument, "Specify at least one field to update.")
	ErrNotUpdated  = errs.New(errs.InvalidArgument, "No new fields in group update.")
	ErrDelete      = errs.New(errs.InvalidArgument, "Group not found or you're not allowed to delete.")
	ErrNotFound    = errs.New(errs.NotFound, "Group not found.")
	ErrFull        = errs.New(errs.InvalidArgument, "Group is full.")
	ErrLastOwner   = errs.New(errs.InvalidArgument, "Cannot leave group when you are the last superadmin.")
	ErrPermission  = errs.New(errs.NotFound, "Group not found or permission denied.")
	ErrUserMissing = errs.New(errs.InvalidArgument, "One or more users not found.")
)

// Config is what a Service is made of.
type Config struct {
	DB       store.DB
	Presence *presence.Service
	Notify   *notify.Service
	Chat     *chat.Service
	Now      func() time.Time // of memberships; nil: time.Now
}

// Service reads and changes groups.
type Service struct{ c Config }

// New is a service over these parts.
func New(c Config) *Service {
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Service{c}
}

// maxCountUsual is how many members a group may have when nobody says.
const maxCountUsual = 100

// Fields are what a group says of itself; nil: as it is, or when the group is new, as usual.
type Fields struct {
	Name, Description, AvatarURL, LangTag *string
	Open                                  *bool
	MaxCount                              *int32      // not for clients, once the group exists
	Metadata                              *store.JSON // not for clients
	CreatorID                             *id.UUID    // not for clients: whom the group names as such, with no rights by that
}

// check holds fields against the rules that need no row, and makes metadata what a store keeps.
func (f *Fields) check() error {
	for _, text := range []struct {
		value *string
		max   int // characters // the columns are varchar
	}{{f.Name, 255}, {f.Description, 255}, {f.AvatarURL, 512}, {f.LangTag, 18}} {
		switch v := text.value; {
		case v == nil:
		case !utf8.ValidString(*v) || strings.IndexByte(*v, 0) >= 0:
			return ErrText
		case utf8.RuneCountInString(*v) > text.max:
			return ErrLong
		}
	}
	switch {
	case f.Name != nil && *f.Name == "":
		return ErrNameEmpty
	case f.LangTag != nil && *f.LangTag == "":
		return ErrLangEmpty
	case f.MaxCount != nil && *f.MaxCount < 1:
		return ErrMaxCount
	}
	if f.Metadata != nil {
		kept, err := store.Normalise(*f.Metadata)
		if err != nil {
			return ErrMetadata
		}
		f.Metadata = &kept
	}
	return nil
}

// fill writes the fields into a row.
func (f *Fields) fill(row *schema.Group) {
	if f.Name != nil {
		row.Name = *f.Name
	}
	if f.Description != nil {
		row.Description = optional(*f.Description)
	}
	if f.AvatarURL != nil {
		row.AvatarURL = optional(*f.AvatarURL)
	}
	if f.LangTag != nil {
		row.LangTag = *f.LangTag
	}
	if f.Open != nil {
		row.State = stateOf(*f.Open)
	}
	if f.MaxCount != nil {
		row.MaxCount = *f.MaxCount
	}
	if f.Metadata != nil {
		row.Metadata = *f.Metadata
	}
	if f.CreatorID != nil {
		row.CreatorID = *f.CreatorID
	}
}

// States of a group.
const (
	stateOpen   int16 = 0
	stateClosed int16 = 1
)

func stateOf(open bool) int16 {
	if open {
		return stateOpen
	}
	return stateClosed
}

func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// Create makes a group with the caller as its superadmin.
// Errors: ErrName, those of the fields, ErrNameTaken, account.ErrNotFound.
func (s *Service) Create(ctx context.Context, c op.Caller, f Fields) (*schema.Group, error) {
	if f.Name == nil || *f.Name == "" {
		return nil, ErrName
	}
	if err := f.check(); err != nil {
		return nil, err
	}
	u, err := id.NewV4(rand.Reader)
	if err != nil {
		return nil, err
	}
	position := s.c.Now().UnixNano()
	hints := append(edgeHints(u, c.UserID), schema.Users.Ref(c.UserID), schema.Groups.Ref(u), schema.Groups.By("name").Ref(*f.Name),
		byState.Ref(u, schema.MemberSuperadmin, position), byState.Ref(c.UserID, schema.MemberSuperadmin, position))
	var made *schema.Group
	err = s.c.DB.Write(ctx, hints, func(tx store.Tx) error {
		if _, ok, err := store.Get(tx, schema.Users, c.UserID); err != nil || !ok {
			return either(err, account.ErrNotFound)
		}
		made = &schema.Group{
			ID: u, CreatorID: c.UserID, LangTag: "en", Metadata: "{}", State: stateClosed, EdgeCount: 1, MaxCount: maxCountUsual,
			CreateTime: tx.Now(), UpdateTime: tx.Now(), DisableTime: schema.Epoch,
		}
		f.fill(made)
		h := &held{tx: tx, id: u, row: made}
		if err := h.enter(c.UserID, schema.MemberSuperadmin, position); err != nil {
			return err
		}
		return store.Put(tx, schema.Groups, made)
	})
	if nameTaken(err) {
		return nil, ErrNameTaken
	}
	return made, err
}

// either is the first error, or the second when there is none.
func either(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

func nameTaken(err error) bool {
	var taken *store.DuplicateError
	return errors.As(err, &taken) && taken.Columns == "name"
}

// Update changes what a group says of itself, all fields or none.
// Errors: those of the fields, ErrUpdate, ErrNoFields, ErrNotUpdated, ErrNameInUse, ErrFull when it has more members than
// it shall have.
func (s *Service) Update(ctx context.Context, c op.Caller, group id.UUID, f Fields) error {
	if err := f.check(); err != nil {
		return err
	}
	hints := []store.Ref{schema.Groups.Ref(group), schema.GroupEdges.Ref(group, c.UserID)}
	if f.Name != nil {
		hints = append(hints, schema.Groups.By("name").Ref(*f.Name))
	}
	err := s.c.DB.Write(ctx, hints, func(tx store.Tx) error {
		h, err := hold(tx, group)
		if err != nil {
			return err
		}
		rank, err := h.rank(c)
		switch {
		case err != nil:
			return err
		case rank > schema.MemberAdmin:
			return ErrUpdate
		case f == Fields{}:
			return ErrNoFields
		case h.disabled():
			return ErrNotUpdated
		}
		f.fill(h.row)
		if h.row.EdgeCount > h.row.MaxCount {
			return ErrFull
		}
		h.row.UpdateTime = tx.Now()
		return store.Put(tx, schema.Groups, h.row)
	})
	if nameTaken(err) {
		return ErrNameInUse
	}
	return err
}

// Delete ends a group and its channel, whose history stays.
// Errors: ErrDelete.
func (s *Service) Delete(ctx context.Context, c op.Caller, group id.UUID) error {
	err := s.c.DB.Update(ctx, func(tx store.Tx) error {
		h, err := hold(tx, group)
		if err != nil {
			return err
		}
		if rank, err := h.rank(c); err != nil || rank != schema.MemberSuperadmin || h.row == nil {
			return either(err, ErrDelete)
		}
		return h.end()
	})
	if err == nil {
		s.c.Chat.Close(chat.Group(group))
	}
	return err
}

// Message is a group as clients see it.
func Message(row *schema.Group) *api.Group {
	return &api.Group{
		Id: row.ID.String(), CreatorId: row.CreatorID.String(), Name: row.Name, Description: text(row.Description), AvatarUrl: text(row.AvatarURL),
		LangTag: row.LangTag, Metadata: string(row.Metadata), Open: wrapperspb.Bool(row.State == stateOpen), EdgeCount: row.EdgeCount, MaxCount: row.MaxCount,
		CreateTime: &timestamppb.Timestamp{Seconds: row.CreateTime.Unix()}, UpdateTime: &timestamppb.Timestamp{Seconds: row.UpdateTime.Unix()},
	}
}

func text(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}
