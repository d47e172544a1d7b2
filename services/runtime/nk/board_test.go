package nk

import (
	"testing"
	"time"

	"github.com/heroiclabs/nakama-common/runtime"
)

func TestLeaderboards(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		ctx := t.Context()
		must(t, d.LeaderboardCreate(ctx, "weekly", true, "desc", "best", "0 0 * * 1", map[string]any{"n": 1}, true))
		must(t, d.LeaderboardCreate(ctx, "weekly", false, "asc", "set", "", nil, false)) // stays as it is
		list, err := d.LeaderboardsGetId(ctx, []string{"weekly", "none"})
		is(t, `1 true 1 BEST {"n": 1} true`, err, len(list), " ", list[0].Authoritative, " ", list[0].SortOrder, " ", list[0].Operator, " ", list[0].Metadata, " ", list[0].NextReset > 0)
		all, err := d.LeaderboardList(10, "")
		is(t, "1 ", err, len(all.Leaderboards), " ", all.Cursor)

		for i, owner := range []string{anna, ben, cara} {
			r, err := d.LeaderboardRecordWrite(ctx, "weekly", owner, "", int64(10-i), 0, map[string]any{"i": i}, nil)
			is(t, "1", err, r.NumScore)
		}
		incr := 3
		r, err := d.LeaderboardRecordWrite(ctx, "weekly", cara, "cara", 1, 0, nil, &incr)
		is(t, `9 2 cara {"i": 2}`, err, r.Score, " ", r.NumScore, " ", r.Username.Value, " ", r.Metadata)

		records, owners, next, prev, err := d.LeaderboardRecordsList(ctx, "weekly", []string{cara}, 2, "", 0)
		is(t, "2 1 "+anna+" 1 "+cara+" true ", err, len(records), " ", len(owners), " ", records[0].OwnerId, " ", records[0].Rank, " ", owners[0].OwnerId, " ", next != "", " ", prev)
		records, _, next, prev, err = d.LeaderboardRecordsList(ctx, "weekly", nil, 2, next, 0)
		is(t, "1 3  true", err, len(records), " ", records[0].Rank, " ", next, " ", prev != "")
		records, owners, _, _, err = d.LeaderboardRecordsList(ctx, "weekly", []string{ben}, 0, "", 0)
		is(t, "0 1", err, len(records), " ", len(owners))
		is(t, "3", nil, d.LeaderboardRankCount("weekly", 0))
		around, err := d.LeaderboardRecordsHaystack(ctx, "weekly", ben, 1, "", 0)
		is(t, "1 "+ben, err, len(around.Records), " ", around.Records[0].OwnerId)
		cursor, err := d.LeaderboardRecordsListCursorFromRank("weekly", 1, 0)
		is(t, "", err, cursor)
		cursor, err = d.LeaderboardRecordsListCursorFromRank("weekly", 2, 0)
		must(t, err)
		records, _, _, _, err = d.LeaderboardRecordsList(ctx, "weekly", nil, 1, cursor, 0)
		is(t, "2", err, records[0].Rank)
		_, err = d.LeaderboardRecordsListCursorFromRank("weekly", 0, 0)
		refused(t, "invalid rank - must be > 1", err)

		must(t, d.LeaderboardRecordDelete(ctx, "weekly", anna))
		records, _, _, _, err = d.LeaderboardRecordsList(ctx, "weekly", nil, 10, "", 0)
		is(t, "2", err, len(records))
		must(t, d.LeaderboardRanksDisable(ctx, "weekly"))
		records, _, _, _, err = d.LeaderboardRecordsList(ctx, "weekly", nil, 10, "", 0)
		is(t, "2 0", err, len(records), " ", d.LeaderboardRankCount("weekly", 0))

		f := func(want error, err error) {
			t.Helper()
			if err == nil || want == nil || err.Error() != want.Error() {
				t.Errorf("refused with %v, want %v", err, want)
			}
		}
		f(errSort, d.LeaderboardCreate(ctx, "b", true, "up", "best", "", nil, true))
		f(errOperator, d.LeaderboardCreate(ctx, "b", true, "asc", "worst", "", nil, true))
		refused(t, "expects reset schedule to be a valid CRON expression", d.LeaderboardCreate(ctx, "b", true, "asc", "decrement", "x", nil, true))
		_, err = d.LeaderboardRecordWrite(ctx, "weekly", anna, "", -1, 0, nil, nil)
		f(errScore, err)
		_, err = d.LeaderboardRecordWrite(ctx, "weekly", anna, "", 1, -1, nil, nil)
		f(errSubscore, err)
		bad := 5
		_, err = d.LeaderboardRecordWrite(ctx, "weekly", anna, "", 1, 1, nil, &bad)
		f(errOverride, err)
		_, err = d.LeaderboardRecordWrite(ctx, "none", anna, "", 1, 1, nil, nil)
		f(runtime.ErrLeaderboardNotFound, err)
		_, _, _, _, err = d.LeaderboardRecordsList(ctx, "weekly", nil, 10, "x", 0)
		refused(t, "leaderboard cursor invalid", err)
		must(t, d.LeaderboardDelete(ctx, "weekly"))
		f(runtime.ErrLeaderboardNotFound, d.LeaderboardDelete(ctx, "weekly"))
	})
}

func TestTournaments(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		ctx := t.Context()
		create := func(id string, start, end, maxSize, maxNumScore int, join bool) error {
			return d.TournamentCreate(ctx, id, true, "desc", "best", "", nil, "Title", "Text", 3, start, end, 3600, maxSize, maxNumScore, join, true)
		}
		must(t, create("cup", 0, 0, 2, 2, true))
		must(t, create("open", 0, 0, 0, 0, false))
		must(t, create("ended", 1, 2, 0, 0, false))
		must(t, create("once", 0, 0, 0, 1, false))
		must(t, d.TournamentJoin(ctx, "cup", anna, "anna"))
		list, err := d.TournamentsGetId(ctx, []string{"cup", "none", "open"})
		is(t, "2 open 2147483647 1000000 cup 2 1 false Title 3", err, len(list), " ", list[0].Id, " ", list[0].MaxSize, " ", list[0].MaxNumScore, " ",
			list[1].Id, " ", list[1].MaxSize, " ", list[1].Size, " ", list[1].JoinRequired, " ", list[1].Title, " ", list[1].Category)
		page, err := d.TournamentList(ctx, 0, 127, -1, -1, 10, "")
		is(t, "3", err, len(page.Tournaments))
		page, err = d.TournamentList(ctx, 0, 2, -1, -1, 10, "")
		is(t, "0", err, len(page.Tournaments))
		page, err = d.TournamentList(ctx, 0, 127, 0, int(d.Now().Unix()), 10, "")
		is(t, "1 ended", err, len(page.Tournaments), " ", page.Tournaments[0].Id)

		for i := range 2 {
			r, err := d.TournamentRecordWrite(ctx, "cup", anna, "anna", int64(i+1), 0, nil, nil)
			is(t, "1", err, r.Rank)
		}
		f := func(want error, err error) {
			t.Helper()
			if err != want {
				t.Errorf("refused with %v, want %v", err, want)
			}
		}
		r, err := d.TournamentRecordWrite(ctx, "cup", anna, "anna", 3, 0, nil, nil) // no attempt is left
		is(t, "2", err, r.Score)
		must(t, d.TournamentAddAttempt(ctx, "cup", anna, 1))
		_, err = d.TournamentRecordWrite(ctx, "cup", anna, "anna", 3, 0, nil, nil)
		must(t, err)
		_, err = d.TournamentRecordWrite(ctx, "cup", ben, "ben", 3, 0, nil, nil)
		f(runtime.ErrTournamentWriteJoinRequired, err)
		_, err = d.TournamentRecordWrite(ctx, "once", ben, "ben", 3, 0, nil, nil)
		must(t, err)
		_, err = d.TournamentRecordWrite(ctx, "once", ben, "ben", 4, 0, nil, nil)
		f(runtime.ErrTournamentWriteMaxNumScoreReached, err)
		must(t, d.TournamentJoin(ctx, "cup", ben, "ben"))
		f(runtime.ErrTournamentMaxSizeReached, d.TournamentJoin(ctx, "cup", cara, "cara"))
		f(runtime.ErrTournamentNotFound, d.TournamentJoin(ctx, "none", cara, "cara"))

		records, owners, _, _, err := d.TournamentRecordsList(ctx, "cup", []string{anna}, 10, "", 0)
		is(t, "2 1 3", err, len(records), " ", len(owners), " ", owners[0].Score)
		around, err := d.TournamentRecordsHaystack(ctx, "cup", anna, 1, "", 0)
		is(t, "1 "+anna, err, len(around.Records), " ", around.Records[0].OwnerId)
		is(t, "2", nil, d.LeaderboardRankCount("cup", 0))
		must(t, d.TournamentRecordDelete(ctx, "cup", anna))
		must(t, d.TournamentRanksDisable(ctx, "cup"))
		list, err = d.TournamentsGetId(ctx, []string{"cup"}) // still one
		is(t, "1", err, len(list))

		f(errEnd, create("x", 10, 10, 0, 0, false))
		f(errDuration, d.TournamentCreate(ctx, "x", true, "desc", "best", "", nil, "", "", 0, 0, 0, 0, 0, 0, false, false))
		f(errCategory, d.TournamentCreate(ctx, "x", true, "desc", "best", "", nil, "", "", 128, 0, 0, 1, 0, 0, false, false))
		f(errAttempts, d.TournamentAddAttempt(ctx, "cup", anna, 0))
		_, err = d.TournamentList(ctx, 0, 127, -2, -1, 10, "")
		refused(t, "startTime must be >= -1", err)
		d.Advance(2 * time.Hour)
		_, err = d.TournamentRecordWrite(ctx, "open", anna, "anna", 3, 0, nil, nil)
		if err != runtime.ErrTournamentOutsideDuration && err != runtime.ErrTournamentNotFound {
			t.Errorf("after its end: %v", err)
		}
		must(t, d.TournamentDelete(ctx, "cup"))
		f(runtime.ErrTournamentNotFound, d.TournamentDelete(ctx, "cup"))
	})
}
