package storage

import (
	"context"
	"encoding/base64"
	"fmt"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
)

// Listing asks for one page of a collection.
type Listing struct {
	Collection string
	Owner      *id.UUID // nil: of everybody
	Limit      int
	Cursor     string // "": the first page
}

// Page is a part of a listing; Cursor is "" on the last one.
type Page struct {
	Objects []*Object
	Cursor  string
}

// List reads one page of what the caller may see:
//
//	owner     trusted: everything        client: what it may read
//	nobody    by key, user               public, by key, user
//	caller    by read, key               with read 1 or 2, by read, key
//	other     by read, key               public, by key
//
// Errors: ErrCursor, ErrNameText.
func (s *Service) List(ctx context.Context, c op.Caller, l Listing) (*Page, error) {
	if !storable(l.Collection) {
		return nil, ErrNameText
	}
	if l.Limit < 1 {
		return &Page{}, nil
	}
	ix, rng, readMin := pathOf(c, l)
	if l.Cursor != "" {
		at, err := parseCursor(l.Cursor)
		if err != nil || at.read < readMin {
			return nil, ErrCursor // a forged one must not start among hidden objects
		}
		rng.After = at.after(ix.Def, l)
	}
	rng.Limit = l.Limit + 1 // one more tells whether a cursor is due
	rows, err := store.List(ctx, s.c.DB, ix, rng)
	if err != nil {
		return nil, fmt.Errorf("list a collection: %w", err)
	}
	page := &Page{Objects: rows}
	if len(rows) > l.Limit {
		page.Objects = rows[:l.Limit]
		page.Cursor = cursorAt(page.Objects[l.Limit-1])
	}
	return page, nil
}

var (
	byKey     = schema.Storage.By("collection", "key", "user_id")
	publicly  = schema.Storage.By("collection", "read", "key", "user_id")
	byOwner   = schema.Storage.By("collection", "user_id", "read", "key")
	hidden    = int16(NoRead)
	forPublic = int16(PublicRead)
)

// pathOf is the index and range of a listing, and the lowest read permission that its objects have.
func pathOf(c op.Caller, l Listing) (ix *store.Index[Object], rng store.Range, readMin int16) {
	switch {
	case l.Owner == nil && c.Trusted:
		return byKey, store.Range{Prefix: []any{l.Collection}}, hidden
	case l.Owner == nil:
		return publicly, store.Range{Prefix: []any{l.Collection, forPublic}}, forPublic
	case c.Trusted:
		return byOwner, store.Range{Prefix: []any{l.Collection, *l.Owner}}, hidden
	case *l.Owner == c.UserID:
		return byOwner, store.Range{Prefix: []any{l.Collection, *l.Owner}, After: []any{l.Collection, *l.Owner, hidden}}, int16(OwnerRead)
	}
	return byOwner, store.Range{Prefix: []any{l.Collection, *l.Owner, forPublic}}, forPublic
}

// position is where a listing goes on.
type position struct {
	read int16
	user id.UUID
	key  string
}

// after is the position as a key of the listing's index.
func (p position) after(ix *store.IndexDef, l Listing) []any {
	switch ix {
	case byKey.Def:
		return []any{l.Collection, p.key, p.user}
	case publicly.Def:
		return []any{l.Collection, forPublic, p.key, p.user}
	}
	return []any{l.Collection, *l.Owner, p.read, p.key}
}

// A cursor is base64 of: u8 read · 16 B user · key.
const (
	cursorHead = 1 + 16
	cursorMax  = cursorHead + nameMax*4 // bytes of UTF-8 in a character
)

func cursorAt(o *Object) string {
	b := make([]byte, 0, cursorHead+len(o.Key))
	b = append(b, byte(o.Read))
	b = append(b, o.UserID[:]...)
	b = append(b, o.Key...)
	return base64.URLEncoding.EncodeToString(b)
}

func parseCursor(text string) (position, error) {
	b, err := base64.URLEncoding.DecodeString(text)
	if err != nil || len(b) <= cursorHead || len(b) > cursorMax || !storable(string(b[cursorHead:])) {
		return position{}, ErrCursor
	}
	return position{read: int16(b[0]), user: id.UUID(b[1:cursorHead]), key: string(b[cursorHead:])}, nil
}
