package chat

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"hash/fnv"
	"slices"
	"time"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/presence"
)

// Refusals of listings.
var (
	ErrCursor        = errs.New(errs.InvalidArgument, "Cursor is invalid or expired.")
	ErrHiddenGroup   = errs.New(errs.InvalidArgument, "Group not found.")
	ErrHiddenChannel = errs.New(errs.InvalidArgument, "Channel not found.")
)

// MayRead reports whether a user may see a channel's history: everybody a room's, members a group's, and of a direct
// channel those two.
// Errors: ErrHiddenGroup, ErrHiddenChannel.
func (s *Service) MayRead(ctx context.Context, user id.UUID, st presence.Stream) error {
	switch st.Mode {
	case presence.ModeGroup:
		member, err := s.isMember(ctx, st.Subject, user)
		if err == nil && !member {
			err = ErrHiddenGroup
		}
		return err
	case presence.ModeDirect:
		if user != st.Subject && user != st.Subcontext {
			return ErrHiddenChannel
		}
	}
	return nil
}

// Page is a part of a channel's history. A cursor is "" where there is nothing to be found.
type Page struct {
	Messages []*schema.Message
	Next     string // more in the direction of the listing
	Prev     string // back to where it came from
	Newer    string // forward from the last message of this page, also when that comes later
}

var inChannel = schema.Messages.By("stream_mode", "stream_subject", "stream_descriptor", "stream_label", "create_time")

// List reads a channel's history: forward from the oldest message, or backward from the newest, or from a cursor.
// Errors: ErrCursor, also for one of another channel or direction.
func (s *Service) List(ctx context.Context, st presence.Stream, limit int, forward bool, cursor string) (*Page, error) {
	prefix := []any{int16(st.Mode), st.Subject, st.Subcontext, st.Label}
	rng := store.Range{Prefix: prefix, Reverse: !forward, Limit: limit + 1} // one more tells whether a cursor is due
	at := place{channel: hashOf(st), forward: forward}
	if cursor != "" {
		from, ok := parsePlace(cursor)
		if !ok || from.channel != at.channel || from.forward != forward {
			return nil, ErrCursor
		}
		at = from
		rng.After = append(slices.Clone(prefix), at.time, at.id)
		rng.Reverse = forward == at.back
	}
	rows, err := store.List(ctx, s.c.DB, inChannel, rng)
	if err != nil {
		return nil, err
	}
	more := len(rows) > limit
	if more {
		rows = rows[:limit]
	}
	if len(rows) == 0 {
		return &Page{Newer: cursor}, nil
	}
	hasNext, hasPrev := more, cursor != ""
	if at.back {
		slices.Reverse(rows)
		hasNext, hasPrev = true, more
	}
	return at.page(rows, hasNext, hasPrev), nil
}

// page is rows, of a listing from this place, with their cursors.
func (p place) page(rows []*schema.Message, hasNext, hasPrev bool) *Page {
	first, last := rows[0], rows[len(rows)-1]
	page := &Page{Messages: rows, Newer: place{channel: p.channel, forward: true}.at(last)}
	if hasNext {
		page.Next = place{channel: p.channel, forward: p.forward}.at(last)
	}
	if hasPrev {
		page.Prev = place{channel: p.channel, forward: p.forward, back: true}.at(first)
	}
	return page
}

// place is a message beside which a listing goes on. Its text is base64 of, big-endian:
//
//	u8 bit 0 forward, bit 1 back · u64 hash of the channel · i64 µs since 1970 · 16 B id
type place struct {
	forward bool // direction of the listing
	back    bool // towards where the listing came from
	channel uint64
	time    time.Time
	id      id.UUID
}

const placeSize = 1 + 8 + 8 + 16

func (p place) at(m *schema.Message) string {
	var bits byte
	if p.forward {
		bits = 1
	}
	if p.back {
		bits |= 2
	}
	b := binary.BigEndian.AppendUint64([]byte{bits}, p.channel)
	b = binary.BigEndian.AppendUint64(b, uint64(m.CreateTime.UnixMicro()))
	return base64.URLEncoding.EncodeToString(append(b, m.ID[:]...))
}

func parsePlace(text string) (p place, ok bool) {
	b, err := base64.URLEncoding.DecodeString(text)
	if err != nil || len(b) != placeSize || b[0] > 3 {
		return p, false
	}
	micros := int64(binary.BigEndian.Uint64(b[9:]))
	if micros < 0 || micros > lastMicro {
		return p, false
	}
	return place{b[0]&1 != 0, b[0]&2 != 0, binary.BigEndian.Uint64(b[1:]), time.UnixMicro(micros).UTC(), id.UUID(b[17:])}, true
}

// lastMicro is 9999-12-31, beyond which a database need not know a time.
var lastMicro = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC).UnixMicro()

// hashOf keeps cursors of one channel out of another; a clash shows a page that begins elsewhere, nothing more.
func hashOf(st presence.Stream) uint64 {
	h := fnv.New64a()
	h.Write([]byte(st.ID()))
	return h.Sum64()
}
