package tournament_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/persist/storetest/each"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/account"
	"github.com/skirmishgg/skirmish/services/leaderboard"
	"github.com/skirmishgg/skirmish/services/session"
	"github.com/skirmishgg/skirmish/services/session/sessiontest"
	"github.com/skirmishgg/skirmish/services/tournament"
)

func TestMain(m *testing.M) { each.Main(m) }

const players = 10

// player is a caller with an account, from 1.
func player(n int) op.Caller {
	return op.Caller{UserID: id.UUID{byte(n)}, Username: fmt.Sprint("player-", n)}
}

var server = op.Caller{Trusted: true}

// desk is a catalogue with the tournament operations over one store. It is the second 0 of 1 March 2026.
type desk struct {
	*sessiontest.Desk
	t      *testing.T
	db     store.DB
	clock  *each.Clock
	boards *leaderboard.Service
	s      *tournament.Service
}

func onEach(t *testing.T, test func(t *testing.T, d *desk)) {
	t.Helper()
	each.Store(t, func(t *testing.T, db store.DB, clock *each.Clock) {
		names := map[id.UUID]string{}
		for n := 1; n <= players; n++ {
			names[player(n).UserID] = player(n).Username
		}
		sessiontest.PutUsers(t, db, names)
		clock.Advance(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).Sub(clock.Now()))
		d := &desk{t: t, db: db, clock: clock}
		var err error
		d.boards, err = leaderboard.New(t.Context(), leaderboard.Config{
			DB: db, Now: clock.Now, Log: slog.New(slog.DiscardHandler), Changed: func(board string) { d.s.Changed(board) },
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(d.boards.Stop)
		d.s = tournament.New(tournament.Config{DB: db, Boards: d.boards, Now: clock.Now})
		d.Desk = sessiontest.NewDesk(t, d.s.Register)
		test(t, d)
	})
}

// define makes boards, each with ranks.
func (d *desk) define(defs ...leaderboard.Definition) {
	d.t.Helper()
	for _, def := range defs {
		def.EnableRanks = true
		if _, created, err := d.boards.Create(d.t.Context(), def); err != nil || !created {
			d.t.Fatalf("create %s: %t, %v", def.ID, created, err)
		}
	}
}

func attempt(board string, score int64) *api.WriteTournamentRecordRequest {
	return &api.WriteTournamentRecordRequest{TournamentId: board, Record: &api.WriteTournamentRecordRequest_TournamentRecordWrite{Score: score}}
}

func (d *desk) write(n int, board string, score int64) *api.LeaderboardRecord {
	d.t.Helper()
	return d.OK(player(n), "WriteTournamentRecord", attempt(board, score)).(*api.LeaderboardRecord)
}

func (d *desk) join(n int, board string) {
	d.t.Helper()
	d.OK(player(n), "JoinTournament", &api.JoinTournamentRequest{TournamentId: board})
}

func (d *desk) size(board string) uint32 {
	d.t.Helper()
	list, err := d.s.GetMany(d.t.Context(), []string{board})
	if err != nil || len(list) != 1 {
		d.t.Fatalf("%s: %v, %v", board, list, err)
	}
	return list[0].Size
}

// records are "player score/attempts rank" of a page.
func records(list []*api.LeaderboardRecord) string {
	var out []string
	for _, r := range list {
		out = append(out, fmt.Sprintf("%s %d/%d #%d", strings.TrimPrefix(r.Username.GetValue(), "player-"), r.Score, r.NumScore, r.Rank))
	}
	return strings.Join(out, ", ")
}

func (d *desk) page(in *api.ListTournamentRecordsRequest) *api.TournamentRecordList {
	d.t.Helper()
	return d.OK(player(1), "ListTournamentRecords", in).(*api.TournamentRecordList)
}

// all are the present records of a tournament.
func (d *desk) all(board string) string {
	d.t.Helper()
	return records(d.page(&api.ListTournamentRecordsRequest{TournamentId: board, Limit: wrapperspb.Int32(100)}).Records)
}

func (d *desk) equal(got, want any) {
	d.t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		d.t.Errorf("got  %v\nwant %v", got, want)
	}
}

const day = 24 * 3600

// TestAttempts: each accepted one counts, whether it is better or not, and none beyond the last.
func TestAttempts(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		d.define(leaderboard.Definition{ID: "a", ResetSchedule: "0 0 * * *", Duration: day, MaxNumScore: 3},
			leaderboard.Definition{ID: "low", Duration: day, SortOrder: leaderboard.Ascending, JoinRequired: true})
		r := d.write(1, "a", 10)
		d.equal([]any{r.Score, r.NumScore, r.MaxNumScore, r.Rank, r.Username.Value, r.Metadata, r.ExpiryTime.Seconds - r.CreateTime.Seconds}, []any{10, 1, 3, 1, "player-1", "{}", day})
		in := attempt("a", 5)
		in.Record.Metadata = `{"car": "red"}`
		r = d.OK(player(1), "WriteTournamentRecord", in).(*api.LeaderboardRecord)
		d.equal([]any{r.Score, r.NumScore, r.Metadata}, []any{10, 2, `{"car": "red"}`})
		d.write(1, "a", 20)
		d.Refuse(9, "Reached allowed max number of score attempts.", player(1), "WriteTournamentRecord", attempt("a", 30))
		d.equal(d.all("a"), "1 20/3 #1")

		// refused ones do not count
		d.Refuse(3, leaderboard.ErrScore.Message, player(2), "WriteTournamentRecord", attempt("a", -1))
		in = attempt("a", 1)
		in.Record.Operator = 9
		d.Refuse(3, leaderboard.ErrOperator.Message, player(2), "WriteTournamentRecord", in)
		in = attempt("a", 5)
		in.Record.Operator = api.Operator_DECREMENT
		d.OK(player(2), "WriteTournamentRecord", in) // the first one is 0
		in.Record.Score = -7
		d.OK(player(2), "WriteTournamentRecord", in)
		d.equal(d.all("a"), "1 20/3 #1, 2 7/2 #2")

		// the next period has attempts of its own
		d.clock.Advance(day * time.Second)
		d.write(1, "a", 1)
		d.equal(d.all("a"), "1 1/1 #1")

		if err := d.s.AddAttempts(t.Context(), "a", player(1).UserID, -2); err != nil {
			t.Fatal(err)
		}
		d.Refuse(9, "Reached allowed max number of score attempts.", player(1), "WriteTournamentRecord", attempt("a", 30))
		if err := d.s.AddAttempts(t.Context(), "a", player(1).UserID, 1); err != nil {
			t.Fatal(err)
		}
		d.equal(d.write(1, "a", 2).NumScore, 2)
		for _, n := range []int32{-2, 1<<31 - 1} {
			if err := d.s.AddAttempts(t.Context(), "a", player(1).UserID, n); !errors.Is(err, tournament.ErrMaxNumScore) {
				t.Errorf("%d more attempts: %v", n, err)
			}
		}
		if err := d.s.AddAttempts(t.Context(), "a", player(9).UserID, 5); err != nil {
			t.Errorf("of one who has no record: %v", err)
		}
	})
}

// TestJoin: a record without an attempt, then attempts up to the last, then the record as it is.
func TestJoin(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		d.define(leaderboard.Definition{ID: "j", StartTime: d.clock.Now().Unix() + 60, Duration: 60, SortOrder: leaderboard.Ascending, JoinRequired: true, MaxNumScore: 2},
			leaderboard.Definition{ID: "free", Duration: 60, MaxSize: 1})
		d.Refuse(9, "Tournament is not active and cannot accept new scores.", player(1), "WriteTournamentRecord", attempt("j", 1))
		d.join(1, "j") // before it begins
		d.join(1, "j")
		d.equal(d.all("j"), "1 0/0 #1")
		d.clock.Advance(60 * time.Second)
		d.Refuse(9, "Must join tournament before attempting to write value.", player(2), "WriteTournamentRecord", attempt("j", 1))
		d.Refuse(3, leaderboard.ErrScore.Message, player(1), "WriteTournamentRecord", attempt("j", -1)) // the result would be negative
		d.write(1, "j", 50)
		d.join(2, "j")
		d.write(2, "j", 20)
		in := attempt("j", -5)
		in.Record.Operator = api.Operator_INCREMENT
		d.OK(player(1), "WriteTournamentRecord", in)
		r := d.write(1, "j", 1) // none left
		d.equal(records([]*api.LeaderboardRecord{r}), "1 45/2 #2")
		d.equal(d.all("j"), "2 20/1 #1, 1 45/2 #2")
		d.clock.Advance(60 * time.Second)
		d.Refuse(3, "Tournament is not active and cannot accept new joins.", player(1), "JoinTournament", &api.JoinTournamentRequest{TournamentId: "j"})
		d.Refuse(9, "Tournament is not active and cannot accept new scores.", player(1), "WriteTournamentRecord", attempt("j", 1))

		d.join(1, "free") // nothing happens, though it is over
		d.equal(d.size("free"), 0)
	})
}

// TestSize: entrants are counted one by one, also at the same time, and anew in each period, clock service or none.
func TestSize(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		def := leaderboard.Definition{ResetSchedule: "0 0 * * *", Duration: day, MaxSize: 4}
		join := def
		def.ID, join.ID, join.JoinRequired = "w", "j", true
		d.define(def, join)
		for range 2 {
			f := func(board string, call func(n int) error, full error) {
				t.Helper()
				var in, out atomic.Int32
				var all sync.WaitGroup
				for n := 1; n <= players; n++ {
					for range 2 { // who is in stays in
						all.Go(func() {
							switch err := call(n); {
							case err == nil:
								in.Add(1)
							case errors.Is(err, full):
								out.Add(1)
							default:
								t.Error(err)
							}
						})
					}
				}
				all.Wait()
				if in.Load() != 2*4 || out.Load() != 2*(players-4) || d.size(board) != 4 {
					t.Errorf("%s: %d in, %d out, size %d", board, in.Load(), out.Load(), d.size(board))
				}
			}
			f("j", func(n int) error { return d.s.Join(t.Context(), player(n), "j", player(n).UserID, player(n).Username) }, tournament.ErrJoinFull)
			f("w", func(n int) error {
				_, err := d.s.Write(t.Context(), player(n), "w", leaderboard.Score{Owner: player(n).UserID, Score: 1})
				return err
			}, tournament.ErrFull)
			d.Refuse(3, "Tournament cannot be joined as it has reached its max size.", op.Caller{UserID: player(11).UserID, Trusted: true}, "JoinTournament", &api.JoinTournamentRequest{TournamentId: "j"})

			inside := d.page(&api.ListTournamentRecordsRequest{TournamentId: "w"}).Records[0].OwnerId
			owner, err := id.Parse(inside)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				d.OK(op.Caller{UserID: owner}, "DeleteTournamentRecord", &api.DeleteTournamentRecordRequest{TournamentId: "w"})
			}
			d.equal(d.size("w"), 3)
			d.clock.Advance(day * time.Second)
			d.equal([]any{d.size("w"), d.size("j"), d.all("j")}, []any{0, 0, ""})
		}
	})
}

// TestAccountDeleted: whose account ends leaves the place that he holds, and takes none of another period.
func TestAccountDeleted(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		sessions, err := session.New(t.Context(), session.Config{
			EncryptionKey: "one", TokenExpiry: time.Minute, RefreshEncryptionKey: "two", RefreshExpiry: time.Hour, DB: d.db, Now: d.clock.Now,
		})
		if err != nil {
			t.Fatal(err)
		}
		accounts := account.New(account.Config{DB: d.db, Sessions: sessions, Live: session.NewLive(), RecordRemoved: d.s.Forget})
		d.define(leaderboard.Definition{ID: "a", ResetSchedule: "0 0 * * *", Duration: day, MaxSize: 2},
			leaderboard.Definition{ID: "all", Duration: day})
		d.write(1, "a", 10)
		d.write(2, "a", 20)
		d.write(2, "all", 20)
		d.Refuse(9, "Tournament has reached max size.", player(3), "WriteTournamentRecord", attempt("a", 30))
		if err := accounts.Delete(t.Context(), player(2).UserID, false); err != nil {
			t.Fatal(err)
		}
		d.equal([]any{d.size("a"), d.all("a"), d.all("all")}, []any{1, "1 10/1 #1", ""})
		d.write(3, "a", 30)
		d.equal(d.size("a"), 2)

		d.clock.Advance(day * time.Second)
		d.write(4, "a", 1)
		if err := accounts.Delete(t.Context(), player(3).UserID, false); err != nil { // he has entered the last period only
			t.Fatal(err)
		}
		d.equal(d.size("a"), 1)
	})
}

// TestAtOnce: parallel writes of one user are all counted, and no more than allowed.
func TestAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		d.define(leaderboard.Definition{ID: "w", Duration: day, MaxNumScore: 5, MaxSize: 3, Operator: leaderboard.Increment},
			leaderboard.Definition{ID: "j", Duration: day, MaxNumScore: 5, JoinRequired: true, Operator: leaderboard.Increment})
		d.join(1, "j")
		for _, board := range []string{"w", "j"} {
			var all sync.WaitGroup
			var accepted atomic.Int32
			for range 20 {
				all.Go(func() {
					_, err := d.s.Write(t.Context(), player(1), board, leaderboard.Score{Owner: player(1).UserID, Username: "player-1", Score: 2})
					if err == nil {
						accepted.Add(1)
					} else if !errors.Is(err, tournament.ErrAttempts) {
						t.Error(err)
					}
				})
			}
			all.Wait()
			want := map[string]int32{"w": 5, "j": 20}[board]
			if accepted.Load() != want || d.all(board) != "1 10/5 #1" {
				t.Errorf("%s: %d accepted, %s", board, accepted.Load(), d.all(board))
			}
		}
		d.equal(d.size("w"), 1)
	})
}

// TestList: filters, order, pages, and what a tournament says of itself.
func TestList(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		now := d.clock.Now().Unix()
		d.define(
			leaderboard.Definition{ID: "board"},
			leaderboard.Definition{ID: "d", StartTime: now - 100, Duration: 50, Category: 5}, // over for now, without an end
			leaderboard.Definition{ID: "c", StartTime: now - 100, Duration: 50, EndTime: now + 10, Category: 3},
			leaderboard.Definition{ID: "b", StartTime: now - 100, Duration: 50, EndTime: now + 20, Category: 7},
			leaderboard.Definition{ID: "e2", StartTime: now, Duration: 50, Category: 127},
			leaderboard.Definition{ID: "e1", StartTime: now, Duration: 50, Category: 127},
			leaderboard.Definition{ID: "past", StartTime: now - 1000, Duration: 50, EndTime: now - 10},
			leaderboard.Definition{ID: "f", StartTime: now + 50, ResetSchedule: "0 12 * * *", Duration: 3600, MaxSize: 2, MaxNumScore: 9, JoinRequired: true,
				Title: "T", Description: "D", Metadata: `{"a": 1}`, Category: 1, Operator: leaderboard.Set, SortOrder: leaderboard.Ascending, Authoritative: true},
		)
		list := func(in *api.ListTournamentsRequest) (ids string, cursor string) {
			t.Helper()
			out := d.OK(player(1), "ListTournaments", in).(*api.TournamentList)
			var all []string
			for _, m := range out.Tournaments {
				all = append(all, m.Id)
			}
			return strings.Join(all, " "), out.Cursor
		}
		f := func(in *api.ListTournamentsRequest, want string) {
			t.Helper()
			ids, cursor := list(in)
			d.equal([]any{ids, cursor}, []any{want, ""})
		}
		n := func(v int64) *wrapperspb.UInt32Value { return wrapperspb.UInt32(uint32(v)) }
		f(&api.ListTournamentsRequest{}, "b c d e1 e2 f")
		f(&api.ListTournamentsRequest{CategoryStart: n(4)}, "b d e1 e2")
		f(&api.ListTournamentsRequest{CategoryStart: n(3), CategoryEnd: n(5)}, "c d")
		f(&api.ListTournamentsRequest{StartTime: n(now)}, "e1 e2 f")
		f(&api.ListTournamentsRequest{EndTime: n(0)}, "d e1 e2 f")
		f(&api.ListTournamentsRequest{EndTime: n(now + 10)}, "past c")
		f(&api.ListTournamentsRequest{StartTime: n(now - 500), EndTime: n(now + 20)}, "b c")
		f(&api.ListTournamentsRequest{CategoryStart: n(100), CategoryEnd: n(110)}, "")

		var pages []string
		for cursor := ""; ; {
			ids, next := list(&api.ListTournamentsRequest{Limit: wrapperspb.Int32(2), Cursor: cursor})
			pages = append(pages, ids)
			if cursor = next; cursor == "" {
				break
			}
		}
		d.equal(strings.Join(pages, " | "), "b c | d e1 | e2 f")
		_, cursor := list(&api.ListTournamentsRequest{Limit: wrapperspb.Int32(3)})
		if err := d.boards.Delete(t.Context(), "d"); err != nil {
			t.Fatal(err)
		}
		f(&api.ListTournamentsRequest{Cursor: cursor}, "") // its last one is gone
		f(&api.ListTournamentsRequest{}, "b c e1 e2 f")

		refuse := func(text string, in *api.ListTournamentsRequest) {
			t.Helper()
			d.Refuse(3, text, player(1), "ListTournaments", in)
		}
		refuse("Tournament category end must be >=0 and <128.", &api.ListTournamentsRequest{CategoryEnd: n(128)})
		refuse("Tournament category end must be greater than category start.", &api.ListTournamentsRequest{CategoryStart: n(5), CategoryEnd: n(4)})
		refuse("Tournament end time must be greater than start time.", &api.ListTournamentsRequest{StartTime: n(5), EndTime: n(4)})
		refuse("Limit must be between 1 and 100.", &api.ListTournamentsRequest{Limit: wrapperspb.Int32(0)})
		refuse("Limit must be between 1 and 100.", &api.ListTournamentsRequest{Limit: wrapperspb.Int32(101)})
		refuse(tournament.ErrCursor.Message, &api.ListTournamentsRequest{Cursor: "?"})

		m := d.OK(player(1), "ListTournaments", &api.ListTournamentsRequest{StartTime: n(now + 1)}).(*api.TournamentList).Tournaments[0]
		noon := uint32(now + day/2)
		d.equal(m, &api.Tournament{
			Id: "f", Title: "T", Description: "D", Metadata: `{"a": 1}`, Category: 1, SortOrder: 0, Operator: api.Operator_SET, Authoritative: true, JoinRequired: true,
			MaxSize: 2, MaxNumScore: 9, Duration: 3600, StartActive: noon, EndActive: noon + 3600, NextReset: noon + day,
			CreateTime: m.CreateTime, StartTime: m.StartTime,
		})
		d.equal([]any{m.CreateTime.Seconds, m.StartTime.Seconds, m.EndTime == nil}, []any{now, now + 50, true})
		if slices.ContainsFunc([]string{"e1", "c"}, func(id string) bool { _, ok := d.s.Get(id); return !ok }) {
			t.Error("what is listed is not there")
		}
	})
}

// TestRecords: pages, owners, around an owner, other periods, and tournaments that are over.
func TestRecords(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		now := d.clock.Now().Unix()
		d.define(leaderboard.Definition{ID: "r", ResetSchedule: "0 0 * * *", Duration: day}, leaderboard.Definition{ID: "end", Duration: 50, EndTime: now + 100},
			leaderboard.Definition{ID: "board"})
		for n := 1; n <= 5; n++ {
			d.write(n, "r", int64(n)*10)
		}
		d.write(1, "end", 1)
		list := func(in *api.ListTournamentRecordsRequest) *api.TournamentRecordList {
			t.Helper()
			in.TournamentId = "r"
			return d.page(in)
		}
		first := list(&api.ListTournamentRecordsRequest{Limit: wrapperspb.Int32(2)})
		d.equal([]any{records(first.Records), first.RankCount, first.PrevCursor}, []any{"5 50/1 #1, 4 40/1 #2", 5, ""})
		second := list(&api.ListTournamentRecordsRequest{Limit: wrapperspb.Int32(2), Cursor: first.NextCursor})
		d.equal(records(second.Records), "3 30/1 #3, 2 20/1 #4")
		back := list(&api.ListTournamentRecordsRequest{Limit: wrapperspb.Int32(2), Cursor: second.PrevCursor})
		d.equal(records(back.Records), records(first.Records))
		owners := []string{player(1).UserID.String(), player(9).UserID.String(), player(5).UserID.String()}
		both := list(&api.ListTournamentRecordsRequest{OwnerIds: owners})
		d.equal([]any{len(both.Records), records(both.OwnerRecords)}, []any{5, "5 50/1 #1, 1 10/1 #5"})
		only := list(&api.ListTournamentRecordsRequest{OwnerIds: owners, Cursor: first.NextCursor})
		d.equal([]any{len(only.Records), len(only.OwnerRecords)}, []any{0, 2})

		around := func(in *api.ListTournamentRecordsAroundOwnerRequest) *api.TournamentRecordList {
			t.Helper()
			return d.OK(player(1), "ListTournamentRecordsAroundOwner", in).(*api.TournamentRecordList)
		}
		near := around(&api.ListTournamentRecordsAroundOwnerRequest{TournamentId: "r", OwnerId: player(3).UserID.String(), Limit: wrapperspb.UInt32(3)})
		d.equal(records(near.Records), "4 40/1 #2, 3 30/1 #3, 2 20/1 #4")
		for cursor, want := range map[string]string{near.NextCursor: "1 10/1 #5", near.PrevCursor: "5 50/1 #1"} {
			d.equal(records(around(&api.ListTournamentRecordsAroundOwnerRequest{TournamentId: "r", OwnerId: player(3).UserID.String(), Limit: wrapperspb.UInt32(3), Cursor: cursor}).Records), want)
		}
		d.equal(len(around(&api.ListTournamentRecordsAroundOwnerRequest{TournamentId: "r", OwnerId: player(3).UserID.String()}).Records), 5)

		d.clock.Advance(day * time.Second)
		d.equal(d.all("r"), "")
		old := list(&api.ListTournamentRecordsRequest{Expiry: wrapperspb.Int64(now + day), Limit: wrapperspb.Int32(1)})
		d.equal(records(old.Records), "5 50/1 #1")
		d.Refuse(3, "Cursor is invalid or expired.", player(1), "ListTournamentRecords", &api.ListTournamentRecordsRequest{TournamentId: "r", Cursor: old.NextCursor})

		d.Refuse(5, "Tournament has ended.", player(1), "ListTournamentRecords", &api.ListTournamentRecordsRequest{TournamentId: "end"})
		d.equal(records(d.page(&api.ListTournamentRecordsRequest{TournamentId: "end", Expiry: wrapperspb.Int64(now + 100)}).Records), "1 1/1 #1")
		d.equal(around(&api.ListTournamentRecordsAroundOwnerRequest{TournamentId: "end", OwnerId: owners[0]}), &api.TournamentRecordList{})
		d.Refuse(5, "Tournament not found or has ended.", player(1), "WriteTournamentRecord", attempt("end", 1))
	})
}

// TestRefusals: every other text of the reference.
func TestRefusals(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		d.define(leaderboard.Definition{ID: "t", Duration: day}, leaderboard.Definition{ID: "auth", Duration: day, Authoritative: true}, leaderboard.Definition{ID: "board"})
		p := player(1)
		for _, unknown := range []string{"none", "board"} {
			d.Refuse(5, "Tournament not found.", p, "JoinTournament", &api.JoinTournamentRequest{TournamentId: unknown})
			d.Refuse(5, "Tournament not found.", p, "WriteTournamentRecord", attempt(unknown, 1))
			d.Refuse(5, "Tournament not found.", p, "DeleteTournamentRecord", &api.DeleteTournamentRecordRequest{TournamentId: unknown})
			d.Refuse(5, "Tournament not found.", p, "ListTournamentRecords", &api.ListTournamentRecordsRequest{TournamentId: unknown})
			d.Refuse(5, "Tournament not found.", p, "ListTournamentRecordsAroundOwner", &api.ListTournamentRecordsAroundOwnerRequest{TournamentId: unknown, OwnerId: p.UserID.String()})
		}
		d.Refuse(3, "Tournament ID must be provided.", p, "WriteTournamentRecord", attempt("", 1))
		d.Refuse(3, "Invalid input, record score value is required.", p, "WriteTournamentRecord", &api.WriteTournamentRecordRequest{TournamentId: "t"})
		for _, text := range []string{"x", "[]", `"a"`, `{"a":"\u0000"}`} {
			in := attempt("t", 1)
			in.Record.Metadata = text
			d.Refuse(3, "Metadata value must be JSON, if provided.", p, "WriteTournamentRecord", in)
		}
		d.Refuse(7, "Tournament only allows authoritative score submissions.", p, "WriteTournamentRecord", attempt("auth", 1))
		d.Refuse(7, "Tournament only allows authoritative score deletions.", p, "DeleteTournamentRecord", &api.DeleteTournamentRecordRequest{TournamentId: "auth"})
		d.Refuse(3, "Invalid tournament ID.", p, "DeleteTournamentRecord", &api.DeleteTournamentRecordRequest{})
		if _, err := d.s.Write(t.Context(), server, "auth", leaderboard.Score{Owner: id.UUID{200}, Score: 3}); err != nil {
			t.Errorf("server code: %v", err)
		}
		d.Refuse(3, "Tournament ID must be provided", p, "ListTournamentRecords", &api.ListTournamentRecordsRequest{})
		d.Refuse(3, "One or more owner IDs are invalid.", p, "ListTournamentRecords", &api.ListTournamentRecordsRequest{TournamentId: "t", OwnerIds: []string{"x"}})
		for _, n := range []int32{0, 101, -1} {
			d.Refuse(3, "Invalid limit - limit must be between 1 and 100.", p, "ListTournamentRecords", &api.ListTournamentRecordsRequest{TournamentId: "t", Limit: wrapperspb.Int32(n)})
		}
		around := func(text string, in *api.ListTournamentRecordsAroundOwnerRequest) {
			t.Helper()
			d.Refuse(3, text, p, "ListTournamentRecordsAroundOwner", in)
		}
		around("Invalid tournament ID.", &api.ListTournamentRecordsAroundOwnerRequest{OwnerId: "x"})
		around("Owner ID must be provided for a haystack query.", &api.ListTournamentRecordsAroundOwnerRequest{TournamentId: "t"})
		around("Invalid owner ID provided.", &api.ListTournamentRecordsAroundOwnerRequest{TournamentId: "t", OwnerId: "x"})
		around("Invalid limit - limit must be between 1 and 100.", &api.ListTournamentRecordsAroundOwnerRequest{TournamentId: "t", OwnerId: "x", Limit: wrapperspb.UInt32(101)})
		bad := base64.URLEncoding.EncodeToString([]byte("bad"))
		around("Cursor is invalid or expired.", &api.ListTournamentRecordsAroundOwnerRequest{TournamentId: "t", OwnerId: p.UserID.String(), Cursor: bad})

		// ranks go, the tournament stays
		d.write(1, "t", 1)
		if err := d.boards.DisableRanks(t.Context(), "t"); err != nil {
			t.Fatal(err)
		}
		d.equal(d.write(1, "t", 2).Rank, 0)
		d.equal(d.all("t"), "1 2/2 #1") // by its place
	})
}
