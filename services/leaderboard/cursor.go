package leaderboard

import (
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/leaderboard/rank"
)

// Refusals of cursors.
var (
	ErrCursor  = errs.New(errs.InvalidArgument, "Cursor is invalid or expired.")
	ErrRank    = errs.New(errs.InvalidArgument, "invalid rank - must be > 1")
	ErrNoRanks = errs.New(errs.FailedPrecondition, "No ranks are kept for this leaderboard.")
	ErrBeyond  = errs.New(errs.NotFound, "The leaderboard does not have so many records.")
)

// cursor is a record beside which a page begins or, when it looks back, ends.
type cursor struct {
	rank.Key
	back bool
	rank int
}

// A cursor of records is base64 of: u8 back · u64 rank · i64 score · i64 subscore · 16 B owner · i64 expiry · board.
const cursorHead = 1 + 8 + 8 + 8 + 16 + 8

const rankMax = 1 << 32 // more than anybody pages through: what a forged cursor counts up from stays a number

func cursorAt(b *Board, r Record, back bool) string {
	return cursor{keyOf(r.LeaderboardRecord), back, r.Rank}.text(b, r.ExpiryTime)
}

func (c cursor) text(b *Board, expiry time.Time) string {
	t := make([]byte, 1, cursorHead+len(b.ID))
	if c.back {
		t[0] = 1
	}
	for _, n := range []int64{int64(c.rank), c.Score, c.Subscore} {
		t = binary.BigEndian.AppendUint64(t, uint64(n))
	}
	t = append(t, c.Owner[:]...)
	t = binary.BigEndian.AppendUint64(t, uint64(expiry.Unix()))
	t = append(t, b.ID...)
	return base64.URLEncoding.EncodeToString(t)
}

// parseCursor reads one of a board's period; nil for "".
func parseCursor(b *Board, expiry time.Time, text string) (*cursor, error) {
	if text == "" {
		return nil, nil
	}
	t, err := base64.URLEncoding.DecodeString(text)
	if err != nil || len(t) <= cursorHead || t[0] > 1 {
		return nil, ErrCursor
	}
	number := func(at int) int64 { return int64(binary.BigEndian.Uint64(t[at:])) }
	c := &cursor{rank.Key{Score: number(9), Subscore: number(17), Owner: id.UUID(t[25:41])}, t[0] == 1, int(number(1))}
	if number(41) != expiry.Unix() || string(t[cursorHead:]) != b.ID || c.rank < 0 || c.rank > rankMax {
		return nil, ErrCursor
	}
	return c, nil
}

// CursorFromRank is the cursor of the page that begins with a rank; "" for the first.
// Errors: ErrRank, ErrNoRanks, ErrBeyond.
func (s *Service) CursorFromRank(b *Board, place int, expiry time.Time) (string, error) {
	switch {
	case place < 1:
		return "", ErrRank
	case place == 1:
		return "", nil
	}
	ranks := s.ranks(b, expiry)
	if ranks == nil {
		return "", ErrNoRanks
	}
	k, ok := ranks.At(place - 1)
	if !ok {
		return "", ErrBeyond
	}
	return cursor{k, false, place - 1}.text(b, expiry), nil
}

// A cursor of boards is base64 of: i64 creation in µs · id.

func boardCursor(b *Board) string {
	t := binary.BigEndian.AppendUint64(nil, uint64(b.CreateTime.UnixMicro()))
	return base64.URLEncoding.EncodeToString(append(t, b.ID...))
}

func parseBoardCursor(text string) (*Board, error) {
	t, err := base64.URLEncoding.DecodeString(text)
	if err != nil || len(t) <= 8 {
		return nil, ErrCursor
	}
	created := time.UnixMicro(int64(binary.BigEndian.Uint64(t))).UTC()
	return &Board{Leaderboard: schema.Leaderboard{ID: string(t[8:]), CreateTime: created}}, nil
}
