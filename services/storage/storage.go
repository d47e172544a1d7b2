package storage

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
)

// Permissions of an object.
const (
	NoRead     int32 = 0 // server code only
	OwnerRead  int32 = 1
	PublicRead int32 = 2
	NoWrite    int32 = 0 // server code only
	OwnerWrite int32 = 1
)

// MustNotExist is the version of a write that only inserts.
const MustNotExist = "*"

// Refusals.
var (
	ErrRead       = errs.New(errs.InvalidArgument, "Invalid Read permission supplied. It must be either 0, 1 or 2.")
	ErrWrite      = errs.New(errs.InvalidArgument, "Invalid Write permission supplied. It must be either 0 or 1.")
	ErrName       = errs.New(errs.InvalidArgument, "Invalid collection or key value supplied. They must be set.")
	ErrNameText   = errs.New(errs.InvalidArgument, "Invalid collection or key value supplied. They must be valid text without NUL characters.")
	ErrNameLong   = errs.New(errs.InvalidArgument, "Invalid collection or key value supplied. They must be at most 128 characters long.")
	ErrValue      = errs.New(errs.InvalidArgument, "Value must be a JSON object.")
	ErrValueText  = errs.New(errs.InvalidArgument, "Value cannot be stored: it holds a NUL character, half of a surrogate pair, or a number out of range.")
	ErrPermission = errs.New(errs.InvalidArgument, "Storage write rejected - permission denied.")
	ErrVersion    = errs.New(errs.InvalidArgument, "Storage write rejected - version check failed.")
	ErrDelete     = errs.New(errs.InvalidArgument, "Storage delete rejected - not found, version check failed, or permission denied.")
	ErrCursor     = errs.New(errs.InvalidArgument, "Malformed cursor was used.")
)

// Reason says why a stored row refused a write.
type Reason string

const (
	ReasonPermission Reason = "permission"
	ReasonVersion    Reason = "version"
)

// Config is what a Service is made of.
type Config struct {
	DB store.DB
	// Rejected, if given, counts writes that a stored row refused.
	Rejected func(collection string, why Reason)
	// Changed, if given, is told of each object that was written or deleted, after the commit. It must not wait.
	Changed func(o ID)
}

// Service keeps the objects. Any goroutine may use it.
type Service struct{ c Config }

// New makes a Service.
func New(c Config) *Service {
	if c.Rejected == nil {
		c.Rejected = func(string, Reason) {}
	}
	if c.Changed == nil {
		c.Changed = func(ID) {}
	}
	return &Service{c}
}

// ID names an object.
type ID struct {
	Collection, Key string
	UserID          id.UUID // owner; zero: the system
}

func (o ID) ref() store.Ref { return schema.Storage.Ref(o.Collection, o.Key, o.UserID) }

// Object is a row as it is stored.
type Object = schema.StorageObject

// Write is one object to write.
type Write struct {
	ID
	Value           string // a JSON object
	Version         string // "": whatever is stored; MustNotExist; else the stored version must be this one
	PermissionRead  int32
	PermissionWrite int32
}

// Delete is one object to delete.
type Delete struct {
	ID
	Version string // "": whatever is stored
}

// Write writes a batch, all or nothing. The answers are the objects as stored, in the order of the writes; a key may
// occur twice, and the last one wins.
// Errors: those of Prepare; ErrPermission, ErrVersion.
func (s *Service) Write(ctx context.Context, c op.Caller, writes []Write) ([]Object, error) {
	if len(writes) == 0 {
		return nil, nil
	}
	batch, err := s.Prepare(c, writes)
	if err != nil {
		return nil, err
	}
	var stored []Object
	err = s.c.DB.Write(ctx, batch.Hints(), func(tx store.Tx) (err error) {
		stored, err = batch.Put(tx, c)
		return err
	})
	if err != nil {
		s.CountRejection(err)
		return nil, err
	}
	return stored, nil
}

// rejection is a refusal that a stored row gave.
type rejection struct {
	refusal    *errs.Error
	collection string
	why        Reason
}

func (r *rejection) Error() string { return r.refusal.Message }
func (r *rejection) Unwrap() error { return r.refusal }

// CountRejection counts err if a stored row refused a write; units that call Batch.Put themselves do it.
func (s *Service) CountRejection(err error) {
	var r *rejection
	if errors.As(err, &r) {
		s.c.Rejected(r.collection, r.why)
	}
}

// Batch is writes that are valid in themselves.
type Batch struct {
	s        *Service
	writes   []Write
	versions []string
}

// Prepare validates writes before any row is asked. Permissions of a trusted caller are not limited to those that mean
// something to clients.
// Errors: ErrName, ErrRead, ErrWrite, ErrValue, ErrValueText, ErrNameText, ErrNameLong.
func (s *Service) Prepare(c op.Caller, writes []Write) (*Batch, error) {
	readMax, writeMax := PublicRead, OwnerWrite
	if c.Trusted {
		readMax, writeMax = math.MaxInt16, math.MaxInt16 // the columns are smallint
	}
	b := &Batch{s: s, writes: make([]Write, len(writes)), versions: make([]string, len(writes))}
	for i, w := range writes {
		switch {
		case w.Collection == "" || w.Key == "" || w.Value == "":
			return nil, ErrName
		case w.PermissionRead < NoRead || w.PermissionRead > readMax:
			return nil, ErrRead
		case w.PermissionWrite < NoWrite || w.PermissionWrite > writeMax:
			return nil, ErrWrite
		}
		text, err := normal(w.Value)
		if err == nil {
			err = checkName(w.ID)
		}
		if err != nil {
			return nil, err
		}
		if tooLong(w.ID) {
			return nil, ErrNameLong
		}
		sum := md5.Sum([]byte(w.Value))
		b.versions[i] = hex.EncodeToString(sum[:])
		w.Value = string(text)
		b.writes[i] = w
	}
	return b, nil
}

// Hints names the rows of the batch.
func (b *Batch) Hints() []store.Ref {
	refs := make([]store.Ref, len(b.writes))
	for i := range b.writes {
		refs[i] = b.writes[i].ref()
	}
	return refs
}

// Put writes the batch inside a transaction.
// Errors: ErrPermission, ErrVersion.
func (b *Batch) Put(tx store.Tx, c op.Caller) ([]Object, error) {
	stored := make([]Object, len(b.writes))
	for i := range b.writes {
		row, err := put(tx, c, &b.writes[i], b.versions[i])
		if err != nil {
			return nil, err
		}
		stored[i] = *row
	}
	if len(b.writes) > 0 {
		tx.AfterCommit(func(store.Commit) {
			for i := range b.writes {
				b.s.c.Changed(b.writes[i].ID)
			}
		})
	}
	return stored, nil
}

func put(tx store.Tx, c op.Caller, w *Write, version string) (*Object, error) {
	old, exists, err := store.Get(tx, schema.Storage, w.Collection, w.Key, w.UserID)
	if err != nil {
		return nil, err
	}
	if why := refuses(old, exists, c, w); why != nil {
		return nil, why
	}
	row := &Object{
		Collection: w.Collection, Key: w.Key, UserID: w.UserID, Value: store.JSON(w.Value), Version: version,
		Read: int16(w.PermissionRead), Write: int16(w.PermissionWrite), CreateTime: tx.Now(), UpdateTime: tx.Now(),
	}
	if exists {
		if w.Version == "" && old.Version == row.Version && old.Read == row.Read && old.Write == row.Write {
			return old, nil // rewriting the same is no update
		}
		row.CreateTime = old.CreateTime
	}
	return row, store.Put(tx, schema.Storage, row)
}

// refuses compares a write with the stored row. An insert is a matter of the version alone, so that "*" does not tell
// a client whether it could have overwritten.
func refuses(old *Object, exists bool, c op.Caller, w *Write) error {
	switch {
	case w.Version == MustNotExist && exists:
		return &rejection{ErrVersion, w.Collection, ReasonVersion}
	case exists && !c.Trusted && old.Write != int16(OwnerWrite):
		return &rejection{ErrPermission, w.Collection, ReasonPermission}
	case w.Version != "" && w.Version != MustNotExist && (!exists || old.Version != w.Version):
		return &rejection{ErrVersion, w.Collection, ReasonVersion}
	}
	return nil
}

// Read reads the objects that the caller may see, each once, in the order of ids.
// Errors: ErrName, ErrNameText.
func (s *Service) Read(ctx context.Context, c op.Caller, ids []ID) ([]*Object, error) {
	keys := make([][]any, 0, len(ids))
	var asked map[ID]bool
	if len(ids) > 1 {
		asked = make(map[ID]bool, len(ids))
	}
	for _, o := range ids {
		if err := checkName(o); err != nil {
			return nil, err
		}
		if asked[o] || tooLong(o) {
			continue
		}
		if asked != nil {
			asked[o] = true
		}
		keys = append(keys, []any{o.Collection, o.Key, o.UserID})
	}
	rows, err := store.GetMany(ctx, s.c.DB, schema.Storage, keys...)
	if err != nil {
		return nil, fmt.Errorf("read %d objects: %w", len(keys), err)
	}
	visible := rows[:0]
	for _, row := range rows {
		if row != nil && MayRead(c, row) {
			visible = append(visible, row)
		}
	}
	return visible, nil
}

// MayRead tells whether a caller may see an object.
func MayRead(c op.Caller, o *Object) bool {
	return c.Trusted || o.Read == int16(PublicRead) || o.Read == int16(OwnerRead) && o.UserID == c.UserID
}

// Delete deletes a batch, all or nothing. A trusted caller may delete what is not there, unless it names a version.
// Errors: ErrName, ErrNameText, ErrDelete.
func (s *Service) Delete(ctx context.Context, c op.Caller, deletes []Delete) error {
	if len(deletes) == 0 {
		return nil
	}
	hints, err := PrepareDelete(deletes)
	if err != nil {
		return err
	}
	return s.c.DB.Write(ctx, hints, func(tx store.Tx) error { return s.Remove(tx, c, deletes) })
}

// PrepareDelete checks deletes before any row is asked, and names their rows.
// Errors: ErrName, ErrNameText.
func PrepareDelete(deletes []Delete) ([]store.Ref, error) {
	refs := make([]store.Ref, len(deletes))
	for i := range deletes {
		if err := checkName(deletes[i].ID); err != nil {
			return nil, err
		}
		refs[i] = deletes[i].ref()
	}
	return refs, nil
}

// Remove deletes a batch that PrepareDelete has passed, inside a transaction.
// Errors: ErrDelete.
func (s *Service) Remove(tx store.Tx, c op.Caller, deletes []Delete) error {
	for _, d := range deletes {
		old, exists, err := store.Get(tx, schema.Storage, d.Collection, d.Key, d.UserID)
		if err != nil {
			return err
		}
		if !exists && c.Trusted && d.Version == "" {
			continue
		}
		allowed := exists && (c.Trusted || old.UserID == c.UserID && old.Write == int16(OwnerWrite))
		if !allowed || d.Version != "" && d.Version != old.Version {
			return ErrDelete
		}
		if err := store.Delete(tx, schema.Storage, d.Collection, d.Key, d.UserID); err != nil {
			return err
		}
	}
	if len(deletes) > 0 {
		tx.AfterCommit(func(store.Commit) {
			for i := range deletes {
				s.c.Changed(deletes[i].ID)
			}
		})
	}
	return nil
}

const nameMax = 128 // characters of a collection or key // the columns are varchar(128)

func tooLong(o ID) bool {
	return utf8.RuneCountInString(o.Collection) > nameMax || utf8.RuneCountInString(o.Key) > nameMax
}

func checkName(o ID) error {
	switch {
	case o.Collection == "" || o.Key == "":
		return ErrName
	case !storable(o.Collection) || !storable(o.Key):
		return ErrNameText
	}
	return nil
}

// storable tells whether a store could hold the text; one that it could not is no search key either.
func storable(s string) bool { return strings.IndexByte(s, 0) < 0 && utf8.ValidString(s) }

// normal is a value's text as the store keeps it.
func normal(text string) (store.JSON, error) {
	if !strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), "{") {
		return "", ErrValue
	}
	kept, err := store.Normalise(store.JSON(text))
	switch {
	case errors.Is(err, store.ErrNotJSON):
		return "", ErrValue
	case err != nil:
		return "", ErrValueText
	}
	return kept, nil
}

// wholeSeconds is the time as reads and listings show it.
func wholeSeconds(t time.Time) time.Time { return t.Truncate(time.Second) }
