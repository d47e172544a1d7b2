package notify

import (
	"context"
	"encoding/base64"
	"encoding/binary"
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
}

var byTime = schema.Notifications.By("user_id", "create_time", "id")

// List reads the user's notifications, oldest first, from beyond a cursor; "": from the oldest.
// Errors: ErrCursor.
func (s *Service) List(ctx context.Context, user id.UUID, limit int, cursor string) (*Page, error) {
	rng := store.Range{Prefix: []any{user}, Limit: limit}
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
	page := &Page{Notifications: rows, Cursor: cursor}
	if len(rows) > 0 {
		last := rows[len(rows)-1]
		page.Cursor = cursorAt(last.CreateTime, last.ID)
	}
	return page, nil
}

// Delete deletes those of the notifications that are the user's.
func (s *Service) Delete(ctx context.Context, user id.UUID, ids ...id.UUID) error {
	if len(ids) == 0 {
		return nil
	}
	hints := make([]store.Ref, len(ids))
	for i, u := range ids {
		hints[i] = schema.Notifications.Ref(u)
	}
	return s.c.DB.Write(ctx, hints, func(tx store.Tx) error {
		for _, u := range ids {
			row, ok, err := store.Get(tx, schema.Notifications, u)
			if err != nil {
				return err
			}
			if !ok || row.UserID != user {
				continue
			}
			if err := store.Delete(tx, schema.Notifications, u); err != nil {
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
