package nk

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"

	"github.com/skirmishgg/skirmish/services/leaderboard"
	"github.com/skirmishgg/skirmish/services/tournament"
)

var (
	errTournamentID = errors.New("expects a tournament ID string")
	errCategory     = errors.New("category must be 0-127")
	errDuration     = errors.New("duration must be > 0")
	errEnd          = sentence("endTime must be > startTime. Use 0 to indicate a tournament that never ends.")
	errAttempts     = errors.New("expects an attempt count number != 0")
	errCategoryEnd  = errors.New("categoryEnd must be >= categoryStart and 0-127")
	errTimes        = errors.New("endTime must be >= startTime")
)

// TournamentCreate makes a tournament; a board of the id that is there stays as it is. Times are Unix seconds, duration
// seconds; of limits and times 0 is none.
func (m *Module) TournamentCreate(ctx context.Context, id string, authoritative bool, sortOrder, operator, resetSchedule string, metadata map[string]any, title, description string, category, startTime, endTime, duration, maxSize, maxNumScore int, joinRequired, enableRanks bool) error {
	if id == "" {
		return errTournamentID
	}
	d, err := definitionOf(id, authoritative, sortOrder, operator, resetSchedule, metadata, enableRanks)
	if err != nil {
		return err
	}
	switch {
	case category < 0 || category > 127:
		return errCategory
	case duration < 1:
		return errDuration
	case endTime != 0 && endTime <= startTime:
		return errEnd
	}
	for _, err := range []error{
		within("startTime", startTime, 0, math.MaxInt), within("endTime", endTime, 0, math.MaxInt),
		within("maxSize", maxSize, 0, math.MaxInt32), within("maxNumScore", maxNumScore, 0, math.MaxInt32),
	} {
		if err != nil {
			return err
		}
	}
	d.Duration, d.Title, d.Description, d.Category = int64(duration), title, description, int64(category)
	d.StartTime, d.EndTime, d.MaxSize, d.MaxNumScore, d.JoinRequired = int64(startTime), int64(endTime), int64(maxSize), int64(maxNumScore), joinRequired
	_, _, err = m.c.Board.Create(ctx, d)
	return told(err)
}

// tournament is nil but for a tournament.
func (m *Module) tournament(id string) error {
	if id == "" {
		return errTournamentID
	}
	if _, ok := m.c.Tournament.Get(id); !ok {
		return runtime.ErrTournamentNotFound
	}
	return nil
}

func (m *Module) TournamentDelete(ctx context.Context, id string) error {
	if err := m.tournament(id); err != nil {
		return err
	}
	return toldTournament(m.c.Board.Delete(ctx, id))
}

// TournamentRanksDisable cannot be undone. The tournament stays one.
func (m *Module) TournamentRanksDisable(ctx context.Context, id string) error {
	if err := m.tournament(id); err != nil {
		return err
	}
	return toldTournament(m.c.Board.DisableRanks(ctx, id))
}

// toldTournament is told for boards that are tournaments.
func toldTournament(err error) error {
	if errors.Is(err, leaderboard.ErrNotFound) {
		return runtime.ErrTournamentNotFound
	}
	return told(err)
}

// TournamentAddAttempt lets an owner score so many times more in this period, or less.
func (m *Module) TournamentAddAttempt(ctx context.Context, id, ownerID string, count int) error {
	if id == "" {
		return errTournamentID
	}
	owner, err := parse(ownerID, "owner id")
	switch {
	case err != nil:
		return err
	case count == 0 || count != int(int32(count)):
		return errAttempts
	}
	return told(m.c.Tournament.AddAttempts(ctx, id, owner, int32(count)))
}

func (m *Module) TournamentJoin(ctx context.Context, id, ownerID, username string) error {
	if id == "" {
		return errTournamentID
	}
	owner, err := parse(ownerID, "owner id")
	switch {
	case err != nil:
		return err
	case username == "":
		return errUsername
	}
	return told(m.c.Tournament.Join(ctx, server, id, owner, username))
}

// TournamentsGetId leaves out what does not exist. Modules have always got it like this: nobody needs to join, sizes are
// those of limited tournaments only, and these come last.
func (m *Module) TournamentsGetId(ctx context.Context, ids []string) ([]*api.Tournament, error) {
	all, err := m.c.Tournament.GetMany(ctx, ids)
	if err != nil {
		return nil, told(err)
	}
	list, limited := []*api.Tournament{}, []*api.Tournament{}
	for _, t := range all {
		if t.JoinRequired = false; t.MaxSize != math.MaxInt32 {
			limited = append(limited, t)
			continue
		}
		t.Size = 0
		list = append(list, t)
	}
	return append(list, limited...), nil
}

// TournamentList finds tournaments by category and times, in Unix seconds; -1: any start, and all that have not ended; as
// an end 0 is those that never end.
func (m *Module) TournamentList(ctx context.Context, categoryStart, categoryEnd, startTime, endTime, limit int, cursor string) (*api.TournamentList, error) {
	switch {
	case categoryStart < 0 || categoryStart > 127:
		return nil, errors.New("categoryStart must be 0-127")
	case categoryEnd < categoryStart || categoryEnd > 127:
		return nil, errCategoryEnd
	case startTime > 0 && endTime > 0 && endTime < startTime:
		return nil, errTimes
	}
	for _, err := range []error{within("startTime", startTime, -1, math.MaxInt), within("endTime", endTime, -1, math.MaxInt), limited(limit, 1, 100)} {
		if err != nil {
			return nil, err
		}
	}
	f := tournament.Filter{CategoryMin: int64(categoryStart), CategoryMax: int64(categoryEnd)}
	if startTime >= 0 {
		at := int64(startTime)
		f.StartMin = &at
	}
	if endTime >= 0 {
		at := int64(endTime)
		f.EndMax = &at
	}
	page, next, err := m.c.Tournament.List(ctx, f, limit, cursor)
	if err != nil {
		return nil, told(err)
	}
	return &api.TournamentList{Tournaments: page, Cursor: next}, nil
}

// TournamentRecordsList is LeaderboardRecordsList of a tournament, with the cursors the other way round.
func (m *Module) TournamentRecordsList(ctx context.Context, id string, ownerIDs []string, limit int, cursor string, expiry int64) (records, ownerRecords []*api.LeaderboardRecord, prev, next string, err error) {
	if id == "" {
		return nil, nil, "", "", errTournamentID
	}
	l, err := listingOf(ownerIDs, limit, cursor, expiry)
	if err != nil {
		return nil, nil, "", "", err
	}
	l.Expiry = expiryOf(expiry)
	page, err := m.c.Tournament.Records(ctx, id, l)
	if err != nil {
		return nil, nil, "", "", told(err)
	}
	return leaderboard.Messages(page.Records), leaderboard.Messages(page.OwnerRecords), page.Prev, page.Next, nil
}

// expiryOf names a period of a tournament; the zero time: that of now.
func expiryOf(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(min(seconds, math.MaxUint32), 0).UTC() // messages have 32 bits for it
}

// TournamentRecordWrite takes an attempt, also where clients may not.
func (m *Module) TournamentRecordWrite(ctx context.Context, id, ownerID, username string, score, subscore int64, metadata map[string]any, operatorOverride *int) (*api.LeaderboardRecord, error) {
	if id == "" {
		return nil, errTournamentID
	}
	in, err := scoreOf(ownerID, username, score, subscore, metadata, operatorOverride)
	if err != nil {
		return nil, err
	}
	record, err := m.c.Tournament.Write(ctx, server, id, in)
	if err != nil {
		return nil, told(err)
	}
	return record.Message(), nil
}

func (m *Module) TournamentRecordDelete(ctx context.Context, id, ownerID string) error {
	if id == "" {
		return errTournamentID
	}
	owner, err := parse(ownerID, "owner id")
	if err != nil {
		return err
	}
	return told(m.c.Tournament.DeleteRecord(ctx, server, id, owner))
}

func (m *Module) TournamentRecordsHaystack(ctx context.Context, id, ownerID string, limit int, cursor string, expiry int64) (*api.TournamentRecordList, error) {
	if id == "" {
		return nil, errTournamentID
	}
	owner, err := parse(ownerID, "owner id")
	if err == nil {
		err = limited(limit, 1, 100)
	}
	if err == nil && expiry < 0 {
		err = errExpiry
	}
	if err != nil {
		return nil, err
	}
	page, err := m.c.Tournament.Around(ctx, id, owner, limit, cursor, expiryOf(expiry))
	if err != nil {
		return nil, told(err)
	}
	list := page.Message()
	return &api.TournamentRecordList{
		Records: list.Records, OwnerRecords: list.OwnerRecords, NextCursor: list.NextCursor, PrevCursor: list.PrevCursor, RankCount: list.RankCount,
	}, nil
}
