package wallet

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"maps"
	"time"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
)

// Refusals.
var (
	ErrCursor = errs.New(errs.InvalidArgument, "wallet ledger cursor invalid")
	ErrItem   = errs.New(errs.NotFound, "wallet ledger item not found")
)

// Item is a line of the ledger as it is stored.
type Item = schema.LedgerItem

// AmountsOf and MetadataOf read a line.
func AmountsOf(i *Item) (Amounts, error) { return parse(i.Changeset) }

func MetadataOf(i *Item) (m map[string]any, err error) {
	err = json.Unmarshal([]byte(i.Metadata), &m)
	return m, err
}

var byTime = schema.Ledger.By("user_id", "create_time", "id")

// Ledger is one page of a user's ledger, newest first, from beyond a cursor ("": from the newest), and the cursor of what
// follows ("": nothing does). limit 0 gives nothing.
// Errors: ErrCursor.
func (s *Service) Ledger(ctx context.Context, user id.UUID, limit int, cursor string) ([]*Item, string, error) {
	rng := store.Range{Prefix: []any{user}, Reverse: true, Limit: limit + 1} // one more tells whether a cursor is due
	if cursor != "" {
		at, item, ok := parseCursor(cursor)
		if !ok {
			return nil, "", ErrCursor
		}
		rng.After = []any{user, at, item}
	}
	if limit < 1 {
		return nil, "", nil
	}
	items, err := store.List(ctx, s.db, byTime, rng)
	if err != nil || len(items) <= limit {
		return items, "", err
	}
	items = items[:limit]
	last := items[limit-1]
	return items, cursorAt(last.CreateTime, last.ID), nil
}

// Annotate puts members into the metadata of a line, in place of those with the same keys. The amounts stay.
// Errors: ErrItem, ErrMetadata.
func (s *Service) Annotate(ctx context.Context, item id.UUID, members map[string]any) (*Item, error) {
	text, err := json.Marshal(members)
	if err == nil {
		_, err = metadata(store.JSON(text))
	}
	if err != nil {
		return nil, ErrMetadata
	}
	added := map[string]json.RawMessage{}
	if err := json.Unmarshal(text, &added); err != nil {
		return nil, err
	}
	var row *Item
	err = s.db.Write(ctx, []store.Ref{schema.Ledger.Ref(item)}, func(tx store.Tx) (err error) {
		var exists bool
		if row, exists, err = store.Get(tx, schema.Ledger, item); err != nil {
			return err
		}
		if !exists {
			return ErrItem
		}
		if row.Metadata, err = merge(row.Metadata, added); err != nil {
			return err
		}
		row.UpdateTime = tx.Now()
		return store.Put(tx, schema.Ledger, row)
	})
	if err != nil {
		return nil, err
	}
	return row, nil
}

func merge(text store.JSON, added map[string]json.RawMessage) (store.JSON, error) {
	all := map[string]json.RawMessage{} // raw, so that numbers keep their digits
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		return "", err
	}
	maps.Copy(all, added)
	merged, err := json.Marshal(all)
	return store.JSON(merged), err
}

// Remove takes a line out of a user's ledger, if it is there. The wallet stays as it is.
func (s *Service) Remove(ctx context.Context, user, item id.UUID) error {
	return s.db.Write(ctx, []store.Ref{schema.Ledger.Ref(item)}, func(tx store.Tx) error {
		row, exists, err := store.Get(tx, schema.Ledger, item)
		if err != nil || !exists || row.UserID != user {
			return err
		}
		return store.Delete(tx, schema.Ledger, item)
	})
}

// A cursor is base64 of: i64 µs since 1970 · 16 B id, of the last item before it, big-endian.
const cursorSize = 8 + 16

func cursorAt(at time.Time, item id.UUID) string {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, cursorSize), uint64(at.UnixMicro()))
	return base64.URLEncoding.EncodeToString(append(b, item[:]...))
}

func parseCursor(text string) (at time.Time, item id.UUID, ok bool) {
	b, err := base64.URLEncoding.DecodeString(text)
	if err != nil || len(b) != cursorSize {
		return at, item, false
	}
	micros := int64(binary.BigEndian.Uint64(b))
	if micros < 0 || micros > lastMicro {
		return at, item, false
	}
	return time.UnixMicro(micros).UTC(), id.UUID(b[8:]), true
}

// lastMicro is 9999-12-31, beyond which a database need not know a time.
var lastMicro = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC).UnixMicro()
