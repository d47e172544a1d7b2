package notify

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"time"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
)

// ErrCursor refuses a cursor that List did not make.
var ErrCursor = errs.New(errs.InvalidArgument, "Cursor is invalid.")

// Page is a part of a user's list. Cursor is where what comes later begins, now or whenever it is there; so it is never
// "".
type Page struct {
	Notifications []*schema.Notification
	Cursor        string
	More          bool // something is beyond the cursor now
}

var byTime = schema.Notifications.By("user_id", "create_time", "id")

// List reads the user's notifications, oldest first, from beyond a cursor; "": from the oldest.
// Errors: ErrCursor.
func (s *Service) List(ctx context.Context, user id.UUID, limit int, cursor string) (*Page, error) {
	rng := store.Range{Prefix: []any{user}, Limit: limit + 1} // one more tells whether there are more
	if cursor == "" {
		cursor = start
	} else if at, u, ok := parseCursor(cursor); ok {
		rng.After = []any{user, at, u}
	} else {
		return nil, ErrCursor
	}
	rows, err := store.List(ctx, s.c.DB, byTime, rng)
	if err != nil {
		return nil, err
	}
	page := &Page{Cursor: cursor, More: len(rows) > limit}
	rows = rows[:min(limit, len(rows))]
	page.Notifications = rows
	if len(rows) > 0 {
		last := rows[len(rows)-1]
		page.Cursor = cursorAt(last.CreateTime, last.ID)
	}
	return page, nil
}

// Get reads notifications; those that are not there, or not the user's, are left out. The zero user has all.
func (s *Service) Get(ctx context.Context, user id.UUID, ids ...id.UUID) ([]*schema.Notification, error) {
	keys := make([][]any, len(ids))
	for i, u := range ids {
		keys[i] = []any{u}
	}
	rows, err := store.GetMany(ctx, s.c.DB, schema.Notifications, keys...)
	return slices.DeleteFunc(rows, func(n *schema.Notification) bool { return n == nil || !user.IsZero() && n.UserID != user }), err
}

// Delete deletes those of the notifications that are the user's.
func (s *Service) Delete(ctx context.Context, user id.UUID, ids ...id.UUID) error {
	list := make([]Named, len(ids))
	for i, u := range ids {
		list[i] = Named{user, u}
	}
	return s.DeleteAll(ctx, list)
}

// Named is a notification of a user; the zero user stands for any.
type Named struct{ UserID, ID id.UUID }

// DeleteAll deletes notifications of many users in one write. What is not there, or another's, is passed over.
func (s *Service) DeleteAll(ctx context.Context, list []Named) error {
	return s.each(ctx, list, func(tx store.Tx, i int, row *schema.Notification) error {
		if owner := list[i].UserID; !owner.IsZero() && owner != row.UserID {
			return nil
		}
		return store.Delete(tx, schema.Notifications, row.ID)
	})
}

// Change is what is to be different about a notification; nil leaves a field as it is.
type Change struct {
	ID               id.UUID
	Subject, Content *string
	SenderID         *id.UUID
}

// Update changes notifications that wait in lists, all or none. What is not there is passed over. Sessions are not told.
// Errors: those of Notification.Check.
func (s *Service) Update(ctx context.Context, changes []Change) error {
	list := make([]Named, len(changes))
	for i := range changes {
		list[i].ID = changes[i].ID
	}
	return s.each(ctx, list, func(tx store.Tx, i int, row *schema.Notification) error {
		c := &changes[i]
		if c.Subject != nil {
			row.Subject = *c.Subject
		}
		if c.Content != nil {
			row.Content = store.JSON(*c.Content)
		}
		if c.SenderID != nil {
			row.SenderID = *c.SenderID
		}
		if err := (&Notification{Subject: row.Subject, Content: string(row.Content), Code: int32(row.Code)}).Check(); err != nil {
			return err
		}
		return store.Put(tx, schema.Notifications, row)
	})
}

// each runs f for those of the notifications that are there, with their place in the list, in one write.
func (s *Service) each(ctx context.Context, list []Named, f func(tx store.Tx, i int, row *schema.Notification) error) error {
	if len(list) == 0 {
		return nil
	}
	hints := make([]store.Ref, len(list))
	for i := range list {
		hints[i] = schema.Notifications.Ref(list[i].ID)
	}
	return s.c.DB.Write(ctx, hints, func(tx store.Tx) error {
		for i := range list {
			row, ok, err := store.Get(tx, schema.Notifications, list[i].ID)
			if err == nil && ok {
				err = f(tx, i, row)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// A cursor is base64 of: i64 µs since 1970 · 16 B id, of the last notification before it, big-endian.
const cursorSize = 8 + 16

// start is the cursor before everything.
var start = cursorAt(schema.Epoch, id.UUID{})

func cursorAt(at time.Time, u id.UUID) string {
	b := make([]byte, 0, cursorSize)
	b = binary.BigEndian.AppendUint64(b, uint64(at.UnixMicro()))
	return base64.URLEncoding.EncodeToString(append(b, u[:]...))
}

func parseCursor(text string) (at time.Time, u id.UUID, ok bool) {
	b, err := base64.URLEncoding.DecodeString(text)
	if err != nil || len(b) != cursorSize {
		return at, u, false
	}
	micros := int64(binary.BigEndian.Uint64(b))
	if micros < 0 || micros > lastMicro {
		return at, u, false
	}
	return time.UnixMicro(micros).UTC(), id.UUID(b[8:]), true
}

// lastMicro is 9999-12-31, beyond which a database need not know a time.
var lastMicro = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC).UnixMicro()
