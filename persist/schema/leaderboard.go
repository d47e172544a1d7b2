package schema

import (
	"time"

	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/id"
)

// Leaderboard is the definition of a leaderboard or, when Duration is set, of a tournament.
type Leaderboard struct {
	ID            string     `db:"id" max:"128"`
	Authoritative bool       `db:"authoritative"`
	SortOrder     int16      `db:"sort_order"` // 0 ascending, 1 descending
	Operator      int16      `db:"operator"`   // 0 best, 1 set, 2 increment, 3 decrement
	ResetSchedule *string    `db:"reset_schedule" max:"64"`
	Metadata      store.JSON `db:"metadata"`
	CreateTime    time.Time  `db:"create_time"`
	Category      int16      `db:"category"`
	Description   string     `db:"description" max:"255"`
	Duration      int32      `db:"duration"` // seconds
	EndTime       time.Time  `db:"end_time"`
	JoinRequired  bool       `db:"join_required"`
	MaxSize       int32      `db:"max_size"`
	MaxNumScore   int32      `db:"max_num_score"`
	Title         string     `db:"title" max:"255"`
	Size          int32      `db:"size"`
	StartTime     time.Time  `db:"start_time"`
	EnableRanks   *bool      `db:"enable_ranks"`
}

// Leaderboards are all definitions.
var Leaderboards = store.NewTable[Leaderboard]("leaderboard", "id",
	store.Ordered("duration", "start_time", "end_time desc", "category"), store.Ordered("create_time"),
	store.Checked("category >= 0", func(l *Leaderboard) bool { return l.Category >= 0 }),
	store.Checked("duration >= 0", func(l *Leaderboard) bool { return l.Duration >= 0 }),
	store.Checked("max_size > 0", func(l *Leaderboard) bool { return l.MaxSize > 0 }),
	store.Checked("max_num_score > 0", func(l *Leaderboard) bool { return l.MaxNumScore > 0 }),
	store.Checked("size >= 0", func(l *Leaderboard) bool { return l.Size >= 0 }))

// LeaderboardRecord is a player's score in one period.
type LeaderboardRecord struct {
	LeaderboardID string     `db:"leaderboard_id" max:"128"`
	OwnerID       id.UUID    `db:"owner_id"`
	Username      *string    `db:"username" max:"128"`
	Score         int64      `db:"score"`
	Subscore      int64      `db:"subscore"`
	NumScore      int32      `db:"num_score"` // submissions
	Metadata      store.JSON `db:"metadata"`
	CreateTime    time.Time  `db:"create_time"`
	UpdateTime    time.Time  `db:"update_time"`
	ExpiryTime    time.Time  `db:"expiry_time"` // Epoch: never
	MaxNumScore   int32      `db:"max_num_score"`
}

// LeaderboardRecords are the scores of all boards and periods. They go with their board; their owner has no foreign key,
// since it need not be a user.
var LeaderboardRecords = store.NewTable[LeaderboardRecord]("leaderboard_record", "owner_id,leaderboard_id,expiry_time",
	store.Ordered("leaderboard_id", "expiry_time", "score", "subscore"),
	store.Ordered("owner_id", "expiry_time", "leaderboard_id"), store.Cascade(Leaderboards, "leaderboard_id"),
	store.Checked("score >= 0", func(r *LeaderboardRecord) bool { return r.Score >= 0 }),
	store.Checked("subscore >= 0", func(r *LeaderboardRecord) bool { return r.Subscore >= 0 }),
	store.Checked("num_score >= 0", func(r *LeaderboardRecord) bool { return r.NumScore >= 0 }),
	store.Checked("max_num_score > 0", func(r *LeaderboardRecord) bool { return r.MaxNumScore > 0 }))

// LeaderboardSchedule is how far what happens to a board by the clock has come: its periods' ends and resets, each of which
// happens once, and the period that its size counts.
type LeaderboardSchedule struct {
	LeaderboardID string    `db:"leaderboard_id" max:"128"`
	EndTime       time.Time `db:"end_time"`       // of the last end that was taken up, or since when there are any
	EndAttempts   int16     `db:"end_attempts"`   // 0: its function has returned; n: was called n times and not seen to
	ResetTime     time.Time `db:"reset_time"`     // the same of resets
	ResetAttempts int16     `db:"reset_attempts"` //
	SizeExpiry    time.Time `db:"size_expiry"`    // of the period whose entrants leaderboard.size counts
	ClosedExpiry  time.Time `db:"closed_expiry"`  // of the one it counted before,
	ClosedSize    int32     `db:"closed_size"`    // and how many there were
}

// LeaderboardSchedules are of boards that have a reset schedule, a duration, or both; Skirmish's own table.
var LeaderboardSchedules = store.NewTable[LeaderboardSchedule]("leaderboard_schedule", "leaderboard_id", store.Cascade(Leaderboards, "leaderboard_id"))

// NewLeaderboardSchedule is the row of a board to which nothing has happened since.
func NewLeaderboardSchedule(board string, since time.Time) *LeaderboardSchedule {
	return &LeaderboardSchedule{LeaderboardID: board, EndTime: since, ResetTime: since, SizeExpiry: Epoch, ClosedExpiry: Epoch}
}
