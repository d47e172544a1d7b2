package leaderboard

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"time"
	"unicode/utf8"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/services/cron"
	"github.com/skirmishgg/skirmish/services/period"
)

// Refusals of definitions.
var (
	ErrID       = errs.New(errs.InvalidArgument, "A leaderboard's id must be 1 to 128 characters of valid text without NUL.")
	ErrSchedule = errs.New(errs.InvalidArgument, "The reset schedule must be a valid CRON expression of at most 64 characters.")
	ErrDefined  = errs.New(errs.InvalidArgument, "The metadata must be a JSON object that can be stored, title and description text of at most 255 characters.")
	ErrRange    = errs.New(errs.InvalidArgument, "Category must be 0 to 127; duration, sizes, attempts and times must not be negative.")
)

// Operator is what becomes of a record when a score comes in, as it is stored.
type Operator int16

const (
	Best      Operator = iota // score and subscore are each replaced by a better one
	Set                       // both are replaced
	Increment                 // both are added
	Decrement                 // both are subtracted, down to 0; the first score is 0
)

var operators = map[string]Operator{"": Best, "best": Best, "set": Set, "incr": Increment, "increment": Increment, "decr": Decrement, "decrement": Decrement}

// UnmarshalText reads its name.
func (o *Operator) UnmarshalText(text []byte) error {
	known, ok := operators[string(text)]
	if !ok {
		return fmt.Errorf("%q is no operator: best, set, incr or decr", text)
	}
	*o = known
	return nil
}

// Order is which records come first.
type Order int16

const (
	Descending Order = iota // the highest score
	Ascending               // the lowest
)

// UnmarshalText reads asc or desc.
func (o *Order) UnmarshalText(text []byte) error {
	switch string(text) {
	case "asc":
		*o = Ascending
	case "desc", "":
		*o = Descending
	default:
		return fmt.Errorf("%q is no sort order: asc or desc", text)
	}
	return nil
}

// stored is 0 ascending, 1 descending.
func (o Order) stored() int16 { return 1 - int16(o) }

// MaxNumScore is how often an owner may score in a period, unless told otherwise.
const MaxNumScore = 1_000_000

// Definition is a board to create. What is left out is as in a new board of server code.
type Definition struct {
	ID            string     `json:"id"`
	Authoritative bool       `json:"authoritative"`
	SortOrder     Order      `json:"sort_order"`
	Operator      Operator   `json:"operator"`
	ResetSchedule string     `json:"reset_schedule"` // "": never
	Metadata      store.JSON `json:"-"`              // "": {}
	EnableRanks   bool       `json:"enable_ranks"`

	// Of tournaments. Times are Unix seconds.
	Duration     int64  `json:"duration"` // seconds; 0: a leaderboard
	Title        string `json:"title"`
	Description  string `json:"description"`
	Category     int64  `json:"category"`
	StartTime    int64  `json:"start_time"` // 0: now
	EndTime      int64  `json:"end_time"`   // 0: none
	MaxSize      int64  `json:"max_size"`   // 0: unlimited
	MaxNumScore  int64  `json:"max_num_score"`
	JoinRequired bool   `json:"join_required"`
}

// Board is a definition as it stands. Nobody changes one. Size is not current here: the store has it.
type Board struct {
	schema.Leaderboard
	Resets *cron.Schedule // nil: never
}

func boardOf(row *schema.Leaderboard) (*Board, error) {
	b := &Board{Leaderboard: *row}
	if row.ResetSchedule == nil || *row.ResetSchedule == "" {
		return b, nil
	}
	resets, err := cron.Parse(*row.ResetSchedule)
	if err != nil {
		return nil, fmt.Errorf("board %q: reset schedule %q: %w", row.ID, *row.ResetSchedule, err)
	}
	b.Resets = resets
	return b, nil
}

// IsTournament reports whether it has a duration.
func (b *Board) IsTournament() bool { return b.Duration > 0 }

// IsDescending reports whether the highest score comes first.
func (b *Board) IsDescending() bool { return b.SortOrder == Descending.stored() }

// Periods is the arithmetic of its periods.
func (b *Board) Periods() period.Board {
	p := period.Board{Start: unix(b.StartTime), End: unix(b.EndTime), Duration: int64(b.Duration)}
	if b.Resets != nil {
		p.Resets = b.Resets
	}
	return p
}

// Expiry names the period of now; Epoch: it does not end.
func (b *Board) Expiry(now time.Time) time.Time { return expiryOf(b.Periods().At(now.Unix()).Expiry) }

// nextReset names the period that a score counts for which no tournament's rules are asked.
func (b *Board) nextReset(now time.Time) time.Time {
	if b.Resets == nil {
		return schema.Epoch
	}
	if next := b.Resets.Next(now); !next.IsZero() {
		return next
	}
	return schema.Epoch
}

func expiryOf(seconds int64) time.Time { return time.Unix(seconds, 0).UTC() }

// unix is 0 for a time that is not set.
func unix(t time.Time) int64 { return max(t.Unix(), 0) }

// row checks a definition and makes its row.
func (d *Definition) row(now time.Time) (*schema.Leaderboard, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	metadata, err := store.Normalise(cmp.Or(d.Metadata, "{}"))
	if err != nil || !metadata.IsObject() {
		return nil, errors.Join(ErrDefined, err)
	}
	ranks := d.EnableRanks
	row := &schema.Leaderboard{
		ID: d.ID, Authoritative: d.Authoritative, SortOrder: d.SortOrder.stored(), Operator: int16(d.Operator), Metadata: metadata,
		CreateTime: now, Category: int16(d.Category), Title: d.Title, Description: d.Description, Duration: int32(d.Duration),
		StartTime: now, EndTime: expiryOf(d.EndTime), JoinRequired: d.JoinRequired,
		MaxSize: int32(d.MaxSize), MaxNumScore: int32(d.MaxNumScore), EnableRanks: &ranks,
	}
	if d.ResetSchedule != "" {
		row.ResetSchedule = &d.ResetSchedule
	}
	if d.StartTime > 0 {
		row.StartTime = expiryOf(d.StartTime)
	}
	if row.MaxSize == 0 {
		row.MaxSize = math.MaxInt32
	}
	if row.MaxNumScore == 0 {
		row.MaxNumScore = MaxNumScore
	}
	return row, nil
}

func (d *Definition) check() error {
	switch {
	case d.ID == "" || !isText(d.ID, idMax):
		return ErrID
	case !isText(d.Title, titleMax) || !isText(d.Description, titleMax):
		return ErrDefined
	case !isText(d.ResetSchedule, scheduleMax):
		return ErrSchedule
	case d.Operator < Best || d.Operator > Decrement || d.SortOrder < Descending || d.SortOrder > Ascending:
		return ErrRange
	case d.Category < 0 || d.Category > categoryMax:
		return ErrRange
	}
	for _, n := range []int64{d.Duration, d.MaxSize, d.MaxNumScore} {
		if n < 0 || n > math.MaxInt32 {
			return ErrRange
		}
	}
	for _, t := range []int64{d.StartTime, d.EndTime} {
		if t < 0 || t > timeMax {
			return ErrRange
		}
	}
	if d.ResetSchedule != "" {
		if _, err := cron.Parse(d.ResetSchedule); err != nil {
			return fmt.Errorf("%w: %w", ErrSchedule, err)
		}
	}
	return nil
}

// Bounds of a definition's columns.
const (
	idMax       = 128
	titleMax    = 255
	scheduleMax = 64
	categoryMax = 127
	timeMax     = 1 << 32 // messages have 32 bits of seconds
)

func isText(s string, max int) bool {
	for _, c := range []byte(s) {
		if c == 0 {
			return false
		}
	}
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= max
}
