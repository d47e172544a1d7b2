package nk

import (
	"context"
	"errors"
	"fmt"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/skirmishgg/skirmish/services/leaderboard"
)

var (
	errBoardID  = errors.New("expects a leaderboard ID string")
	errSort     = errors.New("expects sort order to be 'asc' or 'desc'")
	errOperator = errors.New("expects operator to be 'best', 'set', 'incr' or 'decr'")
	errOverride = errors.New("invalid operator")
	errScore    = errors.New("expects score to be >= 0")
	errSubscore = errors.New("expects subscore to be >= 0")
)

// LeaderboardCreate makes a board; one of the id that is there stays as it is.
func (m *Module) LeaderboardCreate(ctx context.Context, id string, authoritative bool, sortOrder, operator, resetSchedule string, metadata map[string]any, enableRanks bool) error {
	d, err := definitionOf(id, authoritative, sortOrder, operator, resetSchedule, metadata, enableRanks)
	if err != nil {
		return err
	}
	_, _, err = m.c.Board.Create(ctx, d)
	return told(err)
}

func definitionOf(id string, authoritative bool, sortOrder, operator, resetSchedule string, metadata map[string]any, enableRanks bool) (d leaderboard.Definition, err error) {
	if id == "" {
		return d, errBoardID
	}
	d = leaderboard.Definition{ID: id, Authoritative: authoritative, ResetSchedule: resetSchedule, EnableRanks: enableRanks}
	var known bool
	if d.SortOrder, known = orders[sortOrder]; !known {
		return d, errSort
	}
	if d.Operator, known = operators[operator]; !known {
		return d, errOperator
	}
	d.Metadata, err = jsonOf(metadata, "metadata")
	return d, err
}

var orders = map[string]leaderboard.Order{
	"asc": leaderboard.Ascending, "ascending": leaderboard.Ascending, "desc": leaderboard.Descending, "descending": leaderboard.Descending,
}

var operators = map[string]leaderboard.Operator{
	"best": leaderboard.Best, "set": leaderboard.Set, "incr": leaderboard.Increment, "increment": leaderboard.Increment,
	"decr": leaderboard.Decrement, "decrement": leaderboard.Decrement,
}

func (m *Module) LeaderboardDelete(ctx context.Context, id string) error {
	if id == "" {
		return errBoardID
	}
	return told(m.c.Board.Delete(ctx, id))
}

// LeaderboardList has no tournaments.
func (m *Module) LeaderboardList(limit int, cursor string) (*api.LeaderboardList, error) {
	if err := limited(limit, 1, 100); err != nil {
		return nil, err
	}
	page, next, err := m.c.Board.List(limit, cursor)
	if err != nil {
		return nil, told(err)
	}
	list := &api.LeaderboardList{Cursor: next}
	for _, b := range page {
		list.Leaderboards = append(list.Leaderboards, b.Message(m.c.Now()))
	}
	return list, nil
}

// LeaderboardRanksDisable cannot be undone.
func (m *Module) LeaderboardRanksDisable(ctx context.Context, id string) error {
	if id == "" {
		return errBoardID
	}
	return told(m.c.Board.DisableRanks(ctx, id))
}

// LeaderboardsGetId leaves out what does not exist, and tournaments.
func (m *Module) LeaderboardsGetId(_ context.Context, ids []string) ([]*api.Leaderboard, error) {
	list := []*api.Leaderboard{}
	for _, id := range ids {
		if b, ok := m.c.Board.Get(id); ok && !b.IsTournament() {
			list = append(list, b.Message(m.c.Now()))
		}
	}
	return list, nil
}

// LeaderboardRecordsList is a page of a period's records, and those of owners in addition. limit 0: only these. expiry names
// the period; 0: that of now.
func (m *Module) LeaderboardRecordsList(ctx context.Context, id string, ownerIDs []string, limit int, cursor string, expiry int64) (records, ownerRecords []*api.LeaderboardRecord, next, prev string, err error) {
	b, err := m.board(id)
	if err != nil {
		return nil, nil, "", "", err
	}
	l, err := listingOf(ownerIDs, limit, cursor, expiry)
	if err != nil {
		return nil, nil, "", "", err
	}
	l.Expiry = m.c.Board.PeriodOf(b, wrapperspb.Int64(expiry))
	page, err := m.c.Board.Records(ctx, b, l)
	if err != nil {
		return nil, nil, "", "", told(err)
	}
	return leaderboard.Messages(page.Records), leaderboard.Messages(page.OwnerRecords), page.Next, page.Prev, nil
}

// LeaderboardRankCount is how many records of a period of a leaderboard or tournament have ranks, which scripts are told
// besides.
func (m *Module) LeaderboardRankCount(id string, expiry int64) int64 {
	b, err := m.board(id)
	if err != nil || expiry < 0 {
		return 0
	}
	none := leaderboard.Listing{Expiry: m.c.Board.PeriodOf(b, wrapperspb.Int64(expiry))}
	page, err := m.c.Board.Records(context.Background(), b, none)
	if err != nil {
		return 0
	}
	return int64(page.RankCount)
}

func listingOf(ownerIDs []string, limit int, cursor string, expiry int64) (l leaderboard.Listing, err error) {
	if err := limited(limit, 0, 10000); err != nil {
		return l, err
	}
	if expiry < 0 {
		return l, errExpiry
	}
	l = leaderboard.Listing{Limit: limit, Cursor: cursor}
	l.Owners, err = parseUsers(ownerIDs)
	return l, err
}

var errExpiry = errors.New("expects expiry to be 0 or greater")

// board is a leaderboard or a tournament.
func (m *Module) board(id string) (*leaderboard.Board, error) {
	if id == "" {
		return nil, errBoardID
	}
	b, ok := m.c.Board.Get(id)
	if !ok {
		return nil, runtime.ErrLeaderboardNotFound
	}
	return b, nil
}

// LeaderboardRecordsListCursorFromRank is where the page begins that has this rank first; "" for the first.
func (m *Module) LeaderboardRecordsListCursorFromRank(id string, rank, expiry int64) (string, error) {
	b, err := m.board(id)
	if err != nil {
		return "", err
	}
	if expiry < 0 {
		return "", errExpiry
	}
	cursor, err := m.c.Board.CursorFromRank(b, int(rank), m.c.Board.PeriodOf(b, wrapperspb.Int64(expiry)))
	return cursor, told(err)
}

// LeaderboardRecordWrite enters a score, also where clients may not. overrideOperator is an api.Operator; nil: the board's.
func (m *Module) LeaderboardRecordWrite(ctx context.Context, id, ownerID, username string, score, subscore int64, metadata map[string]any, overrideOperator *int) (*api.LeaderboardRecord, error) {
	if id == "" {
		return nil, errBoardID
	}
	in, err := scoreOf(ownerID, username, score, subscore, metadata, overrideOperator)
	if err != nil {
		return nil, err
	}
	record, err := m.c.Board.Submit(ctx, server, id, in)
	if err != nil {
		return nil, told(err)
	}
	return record.Message(), nil
}

func scoreOf(ownerID, username string, score, subscore int64, metadata map[string]any, override *int) (in leaderboard.Score, err error) {
	in = leaderboard.Score{Username: username, Score: score, Subscore: subscore}
	if in.Owner, err = parse(ownerID, "owner id"); err != nil {
		return in, err
	}
	switch {
	case score < 0:
		return in, errScore
	case subscore < 0:
		return in, errSubscore
	}
	if metadata != nil {
		if in.Metadata, err = jsonOf(metadata, "metadata"); err != nil {
			return in, err
		}
	}
	if override != nil {
		if *override < int(api.Operator_NO_OVERRIDE) || *override > int(api.Operator_DECREMENT) {
			return in, errOverride
		}
		in.Operator = leaderboard.OperatorOf(api.Operator(*override))
	}
	return in, nil
}

func (m *Module) LeaderboardRecordDelete(ctx context.Context, id, ownerID string) error {
	if id == "" {
		return errBoardID
	}
	owner, err := parse(ownerID, "owner id")
	if err != nil {
		return err
	}
	_, err = m.c.Board.DeleteRecord(ctx, server, id, owner)
	return told(err)
}

// LeaderboardRecordsHaystack is a page with the owner's record in its middle.
func (m *Module) LeaderboardRecordsHaystack(ctx context.Context, id, ownerID string, limit int, cursor string, expiry int64) (*api.LeaderboardRecordList, error) {
	b, err := m.board(id)
	if err != nil {
		return nil, err
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
	page, err := m.c.Board.AroundOrFrom(ctx, b, owner, limit, cursor, m.c.Board.PeriodOf(b, wrapperspb.Int64(expiry)))
	if err != nil {
		return nil, told(err)
	}
	return page.Message(), nil
}

// within refuses a number that is out of range; name is what modules call it.
func within(name string, n, least, most int) error {
	switch {
	case n >= least && n <= most:
		return nil
	case n < least:
		return fmt.Errorf("%s must be >= %d", name, least)
	}
	return fmt.Errorf("%s must be <= %d", name, most)
}
