package leaderboard

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/persist/storetest/each"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/account"
)

func TestMain(m *testing.M) { each.Main(m) }

const players = 12

// player is one of those who have accounts, from 1; gone has none any more.
func player(n int) (u id.UUID) {
	binary.BigEndian.PutUint32(u[:], uint32(n))
	u[15] = 1
	return u
}

var gone = player(99)

// desk is a catalogue with the leaderboard operations over one store.
type desk struct {
	t     *testing.T
	db    store.DB
	clock *each.Clock
	s     *Service
	r     *op.Registry
}

func onEach(t *testing.T, test func(t *testing.T, d *desk)) {
	t.Helper()
	each.Store(t, func(t *testing.T, db store.DB, clock *each.Clock) {
		d := &desk{t: t, db: db, clock: clock}
		err := db.Update(t.Context(), func(tx store.Tx) error {
			for n := 1; n <= players; n++ {
				if err := store.Put(tx, schema.Users, account.NewRow(player(n), fmt.Sprint("player-", n), tx.Now())); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		d.restart()
		test(t, d)
		d.s.Stop()
	})
}

// restart is what a new process would do.
func (d *desk) restart(change ...func(*Config)) {
	d.t.Helper()
	c := Config{DB: d.db, Now: d.clock.Now, Log: slog.New(slog.DiscardHandler)}
	for _, f := range change {
		f(&c)
	}
	if d.s != nil {
		d.s.Stop()
	}
	var err error
	if d.s, err = New(d.t.Context(), c); err != nil {
		d.t.Fatal(err)
	}
	d.r = op.NewRegistry()
	d.s.Register(d.r)
	d.r.Seal()
}

func (d *desk) board(def Definition) *Board {
	d.t.Helper()
	b, created, err := d.s.Create(context.Background(), def)
	if err != nil || !created {
		d.t.Fatalf("create %q: %t, %v", def.ID, created, err)
	}
	return b
}

func (d *desk) call(user id.UUID, name string, in proto.Message) (proto.Message, error) {
	c := op.Caller{UserID: user, Username: fmt.Sprint("player-", binary.BigEndian.Uint32(user[:]))}
	return d.r.Named(name).Invoke(context.Background(), c, in)
}

func ok[S proto.Message](d *desk, user id.UUID, name string, in proto.Message) S {
	d.t.Helper()
	out, err := d.call(user, name, in)
	if err != nil {
		d.t.Fatalf("%s(%v): %v", name, in, err)
	}
	return out.(S)
}

func (d *desk) refuse(code errs.Code, text string, user id.UUID, name string, in proto.Message) {
	d.t.Helper()
	_, err := d.call(user, name, in)
	if got := errs.Of(err); err == nil || got.Code != code || got.Message != text {
		d.t.Errorf("%s(%v) answers %v, want %d %q", name, in, err, code, text)
	}
}

type submission = api.WriteLeaderboardRecordRequest_LeaderboardRecordWrite

func write(board string, r *submission) *api.WriteLeaderboardRecordRequest {
	return &api.WriteLeaderboardRecordRequest{LeaderboardId: board, Record: r}
}

func (d *desk) submit(n int, board string, score, subscore int64) *api.LeaderboardRecord {
	d.t.Helper()
	return ok[*api.LeaderboardRecord](d, player(n), "WriteLeaderboardRecord", write(board, &submission{Score: score, Subscore: subscore}))
}

func (d *desk) list(in *api.ListLeaderboardRecordsRequest) *api.LeaderboardRecordList {
	d.t.Helper()
	return ok[*api.LeaderboardRecordList](d, player(1), "ListLeaderboardRecords", in)
}

func (d *desk) around(n int, board string, limit int32) *api.LeaderboardRecordList {
	d.t.Helper()
	in := &api.ListLeaderboardRecordsAroundOwnerRequest{LeaderboardId: board, OwnerId: player(n).String(), Limit: wrapperspb.UInt32(uint32(limit))}
	return ok[*api.LeaderboardRecordList](d, player(1), "ListLeaderboardRecordsAroundOwner", in)
}

// show is records as "rank:player=score.subscore".
func show(records []*api.LeaderboardRecord) string {
	var list []string
	for _, r := range records {
		owner, _ := id.Parse(r.OwnerId)
		list = append(list, fmt.Sprintf("%d:%d=%d.%d", r.Rank, binary.BigEndian.Uint32(owner[:]), r.Score, r.Subscore))
	}
	return strings.Join(list, " ")
}

func (d *desk) same(what, got, want string) {
	d.t.Helper()
	if got != want {
		d.t.Errorf("%s: %s\nwant: %s", what, got, want)
	}
}

func limit(n int32) *wrapperspb.Int32Value { return wrapperspb.Int32(n) }

func TestOperators(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		steps := []struct {
			operator Operator
			order    Order
			scores   string // score.subscore>stored score.subscore/number of scores
		}{
			{Best, Descending, "5.5>5.5/1 3.7>5.7/2 5.7>5.7/2 1.1>5.7/2 6.0>6.7/3"},
			{Best, Ascending, "5.5>5.5/1 3.7>3.5/2 3.5>3.5/2 9.9>3.5/2 4.0>3.0/3"},
			{Set, Descending, "5.5>5.5/1 3.7>3.7/2 3.7>3.7/2 0.0>0.0/3"},
			{Increment, Descending, "5.5>5.5/1 3.0>8.5/2 0.0>8.5/2 0.1>8.6/3"},
			{Decrement, Descending, "5.5>0.0/1 3.3>0.0/2 0.0>0.0/2 -9.-8>9.8/3 4.9>5.0/4"},
		}
		for i, s := range steps {
			board := fmt.Sprint("operator-", i)
			d.board(Definition{ID: board, Operator: s.operator, SortOrder: s.order, EnableRanks: true})
			for _, step := range strings.Fields(s.scores) {
				var score, subscore, want, wantSub int64
				var number int32
				if _, err := fmt.Sscanf(step, "%d.%d>%d.%d/%d", &score, &subscore, &want, &wantSub, &number); err != nil {
					t.Fatal(err)
				}
				r := d.submit(1, board, score, subscore)
				if r.Score != want || r.Subscore != wantSub || r.NumScore != number || r.Rank != 1 || r.MaxNumScore != 1_000_000 {
					t.Errorf("%s: %s gives %v", board, step, r)
				}
			}
		}
		// A client overrides the operator.
		override := write("operator-0", &submission{Score: 100, Operator: api.Operator_INCREMENT})
		if r := ok[*api.LeaderboardRecord](d, player(1), "WriteLeaderboardRecord", override); r.Score != 106 {
			t.Errorf("an overriding increment gives %v", r)
		}
	})
}

func TestWrite(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		d.board(Definition{ID: "plain", Operator: Increment, EnableRanks: true})
		d.board(Definition{ID: "server", Authoritative: true})
		const call = "WriteLeaderboardRecord"
		anna := player(1)
		d.refuse(3, "Invalid leaderboard ID.", anna, call, write("", &submission{}))
		d.refuse(3, "Invalid input, record score value is required.", anna, call, write("plain", nil))
		d.refuse(5, "Leaderboard not found.", anna, call, write("none", &submission{}))
		d.refuse(5, "Leaderboard not found.", anna, call, write("no\x00ne", &submission{}))
		d.refuse(7, "Leaderboard only allows authoritative score submissions.", anna, call, write("server", &submission{}))
		for _, text := range []string{"x", "[]", "5", `{"a":"\u0000"}`, `{"a":1`} {
			d.refuse(3, "Metadata value must be JSON, if provided.", anna, call, write("plain", &submission{Metadata: text}))
		}
		d.refuse(3, ErrScore.Message, anna, call, write("plain", &submission{Score: -1}))
		d.refuse(3, ErrScore.Message, anna, call, write("plain", &submission{Subscore: -1}))
		d.refuse(3, ErrOperator.Message, anna, call, write("plain", &submission{Operator: 5}))
		d.refuse(3, ErrOperator.Message, anna, call, write("plain", &submission{Operator: -1}))
		d.refuse(5, "Account not found.", gone, call, write("plain", &submission{Score: 1}))

		first := ok[*api.LeaderboardRecord](d, anna, call, write("plain", &submission{Score: math.MaxInt64 - 1, Metadata: ` {"b":1, "a":2} `}))
		want := &api.LeaderboardRecord{
			LeaderboardId: "plain", OwnerId: anna.String(), Username: wrapperspb.String("player-1"), Score: math.MaxInt64 - 1, NumScore: 1, MaxNumScore: 1_000_000,
			Metadata: `{"a": 2, "b": 1}`, CreateTime: stamp(each.Start), UpdateTime: stamp(each.Start), Rank: 1,
		}
		if !proto.Equal(first, want) {
			t.Errorf("written %v\nwant %v", first, want)
		}
		d.refuse(3, ErrScore.Message, anna, call, write("plain", &submission{Score: 2}))
		d.clock.Advance(time.Minute)
		second := d.submit(1, "plain", 1, 0)
		want.Score, want.NumScore, want.UpdateTime = math.MaxInt64, 2, stamp(each.Start.Add(time.Minute))
		if !proto.Equal(second, want) {
			t.Errorf("then %v\nwant %v", second, want)
		}
		d.clock.Advance(time.Minute)
		if third := d.submit(1, "plain", 0, 0); !proto.Equal(third, want) {
			t.Errorf("a score that changes nothing: %v\nwant %v", third, want)
		}

		trusted := op.Caller{Trusted: true}
		r, err := d.s.Submit(t.Context(), trusted, "server", Score{Owner: gone, Score: 5})
		if err != nil || r.Score != 5 || r.Rank != 0 || r.Username != nil {
			t.Errorf("server code writes %v, %v", r, err)
		}
		d.refuse(7, "Leaderboard only allows authoritative score deletions.", anna, "DeleteLeaderboardRecord", &api.DeleteLeaderboardRecordRequest{LeaderboardId: "server"})
	})
}

func TestDelete(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		d.board(Definition{ID: "plain", EnableRanks: true})
		d.board(Definition{ID: "tournament", Duration: 3600, EnableRanks: true})
		const call = "DeleteLeaderboardRecord"
		in := func(board string) *api.DeleteLeaderboardRecordRequest {
			return &api.DeleteLeaderboardRecordRequest{LeaderboardId: board}
		}
		d.submit(1, "plain", 5, 0)
		d.submit(2, "plain", 3, 0)
		d.submit(1, "tournament", 3, 0) // accepted, by the board's rules
		d.refuse(3, "Invalid leaderboard ID.", player(1), call, in(""))
		d.refuse(5, "Leaderboard not found.", player(1), call, in("none"))
		d.refuse(5, "Leaderboard not found.", player(1), call, in("tournament"))
		for range 2 {
			ok[*emptypb.Empty](d, player(1), call, in("plain"))
		}
		got := d.list(&api.ListLeaderboardRecordsRequest{LeaderboardId: "plain", Limit: limit(10)})
		d.same("after a deletion", show(got.Records), "1:2=3.0")
		if got.RankCount != 1 {
			t.Errorf("%d ranks", got.RankCount)
		}
		if err := d.s.Delete(t.Context(), "plain"); err != nil {
			t.Fatal(err)
		}
		d.refuse(5, "Leaderboard not found.", player(1), "WriteLeaderboardRecord", write("plain", &submission{}))
		if err := d.s.Delete(t.Context(), "plain"); err != ErrNotFound {
			t.Errorf("a second deletion: %v", err)
		}
		d.board(Definition{ID: "plain", EnableRanks: true})
		if got := d.list(&api.ListLeaderboardRecordsRequest{LeaderboardId: "plain", Limit: limit(10)}); len(got.Records) != 0 || got.RankCount != 0 {
			t.Errorf("a new board of the id has %v", got)
		}
	})
}

// TestAccountDeleted: its scores leave the ranks with it.
func TestAccountDeleted(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		d.board(Definition{ID: "plain", EnableRanks: true})
		for n := 1; n <= 3; n++ {
			d.submit(n, "plain", int64(n), 0)
		}
		err := d.db.Update(t.Context(), func(tx store.Tx) error {
			r, _, err := store.Get(tx, schema.LeaderboardRecords, player(2), "plain", schema.Epoch)
			if err != nil {
				return err
			}
			d.s.Forget(tx, r)
			return store.Delete(tx, schema.LeaderboardRecords, player(2), "plain", schema.Epoch)
		})
		if err != nil {
			t.Fatal(err)
		}
		d.same("without the second", show(d.around(1, "plain", 5).Records), "1:3=3.0 2:1=1.0")
	})
}

func TestList(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		d.board(Definition{ID: "down", EnableRanks: true})
		d.board(Definition{ID: "up", SortOrder: Ascending, EnableRanks: true})
		d.board(Definition{ID: "bare"})
		scores := [][2]int64{{5, 0}, {7, 1}, {7, 2}, {7, 2}, {1, 9}} // of players 1 to 5
		for i, s := range scores {
			for _, board := range []string{"down", "up", "bare"} {
				d.submit(i+1, board, s[0], s[1])
			}
		}
		in := func(board string) *api.ListLeaderboardRecordsRequest {
			return &api.ListLeaderboardRecordsRequest{LeaderboardId: board}
		}
		const call = "ListLeaderboardRecords"
		d.refuse(3, "Invalid leaderboard ID.", player(1), call, in(""))
		d.refuse(5, "Leaderboard not found.", player(1), call, in("none"))
		for _, n := range []int32{0, -1, 1001} {
			d.refuse(3, "Invalid limit - limit must be between 1 and 1000.", player(1), call, &api.ListLeaderboardRecordsRequest{LeaderboardId: "down", Limit: limit(n)})
		}
		d.refuse(3, "One or more owner IDs are invalid.", player(1), call, &api.ListLeaderboardRecordsRequest{LeaderboardId: "down", OwnerIds: []string{"x"}})

		whole := map[string]string{
			"down": "1:4=7.2 2:3=7.2 3:2=7.1 4:1=5.0 5:5=1.9", "up": "1:5=1.9 2:1=5.0 3:2=7.1 4:3=7.2 5:4=7.2", "bare": "1:4=7.2 2:3=7.2 3:2=7.1 4:1=5.0 5:5=1.9",
		}
		for board, want := range whole {
			all := d.list(&api.ListLeaderboardRecordsRequest{LeaderboardId: board, Limit: limit(100)})
			d.same(board, show(all.Records), want)
			if count := map[string]int64{"down": 5, "up": 5}[board]; all.RankCount != count || all.NextCursor != "" || all.PrevCursor != "" {
				t.Errorf("%s: %d ranks, cursors %q %q", board, all.RankCount, all.PrevCursor, all.NextCursor)
			}
			d.same(board+" without a limit", show(d.list(in(board)).Records), strings.Fields(want)[0])
			d.pages(board, want)
		}

		owners := []string{player(5).String(), player(2).String(), player(2).String(), player(8).String(), player(3).String()}
		some := d.list(&api.ListLeaderboardRecordsRequest{LeaderboardId: "down", OwnerIds: owners})
		if len(some.Records) != 0 || some.RankCount != 5 {
			t.Errorf("owners alone come with %v", some)
		}
		d.same("owners", show(some.OwnerRecords), "2:3=7.2 3:2=7.1 5:5=1.9")
		some = d.list(&api.ListLeaderboardRecordsRequest{LeaderboardId: "up", OwnerIds: owners, Limit: limit(1)})
		d.same("owners, ascending", show(some.OwnerRecords), "1:5=1.9 3:2=7.1 4:3=7.2")
		d.same("records beside them", show(some.Records), "1:5=1.9")
		some = d.list(&api.ListLeaderboardRecordsRequest{LeaderboardId: "bare", OwnerIds: owners})
		d.same("owners without ranks", show(some.OwnerRecords), "0:3=7.2 0:2=7.1 0:5=1.9")

		// A cursor with owners brings records again: one, without a limit.
		first := d.list(&api.ListLeaderboardRecordsRequest{LeaderboardId: "down", Limit: limit(2)})
		some = d.list(&api.ListLeaderboardRecordsRequest{LeaderboardId: "down", OwnerIds: owners, Cursor: first.NextCursor})
		d.same("a cursor without a limit", show(some.Records), "3:2=7.1")
		for _, bad := range []string{"x", "AAAA", first.NextCursor[:20], first.NextCursor + "AAAA"} {
			d.refuse(3, "Cursor is invalid or expired.", player(1), call, &api.ListLeaderboardRecordsRequest{LeaderboardId: "down", Cursor: bad})
		}
		d.refuse(3, "Cursor is invalid or expired.", player(1), call, &api.ListLeaderboardRecordsRequest{LeaderboardId: "up", Cursor: first.NextCursor})
		d.refuse(3, "Cursor is invalid or expired.", player(1), call, &api.ListLeaderboardRecordsRequest{LeaderboardId: "down", Cursor: first.NextCursor, Expiry: wrapperspb.Int64(5)})

		b, _ := d.s.Get("down")
		if c, err := d.s.CursorFromRank(b, 1, schema.Epoch); c != "" || err != nil {
			t.Errorf("the cursor of rank 1 is %q, %v", c, err)
		}
		c, err := d.s.CursorFromRank(b, 4, schema.Epoch)
		if err != nil {
			t.Fatal(err)
		}
		d.same("from rank 4", show(d.list(&api.ListLeaderboardRecordsRequest{LeaderboardId: "down", Cursor: c, Limit: limit(9)}).Records), "4:1=5.0 5:5=1.9")
		if _, err := d.s.CursorFromRank(b, 0, schema.Epoch); err != ErrRank {
			t.Errorf("rank 0: %v", err)
		}
		if _, err := d.s.CursorFromRank(b, 7, schema.Epoch); err != ErrBeyond {
			t.Errorf("rank 7: %v", err)
		}
	})
}

// pages walks a board forth and back, with every page size.
func (d *desk) pages(board, want string) {
	d.t.Helper()
	for size := int32(1); size <= 6; size++ {
		var forth, back []string
		var cursors []string
		in := &api.ListLeaderboardRecordsRequest{LeaderboardId: board, Limit: limit(size)}
		var page *api.LeaderboardRecordList
		for {
			page = d.list(in)
			forth = append(forth, show(page.Records))
			cursors = append(cursors, page.PrevCursor)
			if in.Cursor = page.NextCursor; in.Cursor == "" {
				break
			}
		}
		d.same(fmt.Sprintf("%s by %d", board, size), strings.Join(forth, " "), want)
		if cursors[0] != "" || len(cursors) > 1 && slices.Contains(cursors[1:], "") {
			d.t.Errorf("%s by %d: previous cursors %q", board, size, cursors)
		}
		for in.Cursor = page.PrevCursor; in.Cursor != ""; in.Cursor = page.PrevCursor {
			page = d.list(in)
			back = append([]string{show(page.Records)}, back...)
			if page.NextCursor == "" {
				d.t.Errorf("%s by %d: a page before another has no next one", board, size)
			}
		}
		d.same(fmt.Sprintf("%s back by %d", board, size), strings.Join(append(back, forth[len(forth)-1]), " "), want)
	}
}

func TestAround(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		for _, ranks := range []bool{true, false} {
			board := fmt.Sprint("board-", ranks)
			d.board(Definition{ID: board, EnableRanks: ranks})
			for n := 1; n <= 9; n++ { // player n has rank n
				d.submit(n, board, int64(100-n), 0)
			}
			f := func(n int, limit int32, first, last int) {
				t.Helper()
				var want []string
				for r := first; r <= last; r++ {
					rank := r
					if !ranks {
						rank = 0
					}
					want = append(want, fmt.Sprintf("%d:%d=%d.0", rank, r, 100-r))
				}
				got := d.around(n, board, limit)
				d.same(fmt.Sprintf("%s: %d around %d", board, limit, n), show(got.Records), strings.Join(want, " "))
				if (got.PrevCursor != "") != (first > 1) || (got.NextCursor != "") != (last < 9) {
					t.Errorf("%s: %d around %d: cursors %q %q", board, limit, n, got.PrevCursor, got.NextCursor)
				}
			}
			f(5, 1, 5, 5)
			f(5, 2, 5, 6)
			f(5, 3, 4, 6)
			f(5, 4, 4, 7)
			f(5, 5, 3, 7)
			f(5, 6, 3, 8)
			f(1, 1, 1, 1)
			f(1, 4, 1, 4)
			f(2, 8, 1, 8) // one record is left beyond
			f(9, 1, 9, 9)
			f(9, 4, 6, 9)
			f(8, 4, 6, 9)
			f(5, 9, 1, 9)
			f(5, 100, 1, 9)
			if got := d.around(11, board, 5); len(got.Records) != 0 || got.NextCursor != "" {
				t.Errorf("%s: around nobody: %v", board, got)
			}
		}
		middle := d.around(5, "board-true", 3)
		from := func(cursor string) string {
			in := &api.ListLeaderboardRecordsAroundOwnerRequest{LeaderboardId: "board-true", OwnerId: player(5).String(), Limit: wrapperspb.UInt32(3), Cursor: cursor}
			return show(ok[*api.LeaderboardRecordList](d, player(1), "ListLeaderboardRecordsAroundOwner", in).Records)
		}
		d.same("the next page", from(middle.NextCursor), "7:7=93.0 8:8=92.0 9:9=91.0")
		d.same("the previous page", from(middle.PrevCursor), "1:1=99.0 2:2=98.0 3:3=97.0")

		const call = "ListLeaderboardRecordsAroundOwner"
		in := func(board, owner string) *api.ListLeaderboardRecordsAroundOwnerRequest {
			return &api.ListLeaderboardRecordsAroundOwnerRequest{LeaderboardId: board, OwnerId: owner}
		}
		d.refuse(3, "Invalid leaderboard ID.", player(1), call, in("", player(1).String()))
		d.refuse(3, "Owner ID must be provided for a haystack query.", player(1), call, in("board-true", ""))
		d.refuse(3, "Invalid owner ID provided.", player(1), call, in("board-true", "x"))
		d.refuse(5, "Leaderboard not found.", player(1), call, in("none", player(1).String()))
		for _, n := range []uint32{0, 101} {
			bad := in("board-true", player(1).String())
			bad.Limit = wrapperspb.UInt32(n)
			d.refuse(3, "Invalid limit - limit must be between 1 and 100.", player(1), call, bad)
		}
		bad := in("board-true", player(1).String())
		bad.Cursor = "x"
		d.refuse(3, "Cursor is invalid or expired.", player(1), call, bad)
		d.same("without a limit", show(ok[*api.LeaderboardRecordList](d, player(1), call, in("board-true", player(4).String())).Records), "4:4=96.0")
	})
}

// TestPeriods: a reset begins anew; what was before can still be listed.
func TestPeriods(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		b := d.board(Definition{ID: "daily", ResetSchedule: "0 0 * * *", EnableRanks: true})
		midnight := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
		if r := d.submit(1, "daily", 5, 0); !r.ExpiryTime.AsTime().Equal(midnight) {
			t.Errorf("the record expires at %v", r.ExpiryTime.AsTime())
		}
		d.submit(2, "daily", 7, 0)
		first := d.list(&api.ListLeaderboardRecordsRequest{LeaderboardId: "daily", Limit: limit(1)})
		d.clock.Advance(12 * time.Hour)
		if got := d.list(&api.ListLeaderboardRecordsRequest{LeaderboardId: "daily", Limit: limit(10)}); len(got.Records) != 0 || got.RankCount != 0 {
			t.Errorf("after the reset there are %v", got)
		}
		d.refuse(3, "Cursor is invalid or expired.", player(1), "ListLeaderboardRecords", &api.ListLeaderboardRecordsRequest{LeaderboardId: "daily", Cursor: first.NextCursor})
		if r := d.submit(1, "daily", 1, 0); r.Score != 1 || r.Rank != 1 || r.NumScore != 1 {
			t.Errorf("the next day's first score is %v", r)
		}
		past := &api.ListLeaderboardRecordsRequest{
			LeaderboardId: "daily", Limit: limit(10), Expiry: wrapperspb.Int64(midnight.Unix()), OwnerIds: []string{player(1).String()},
		}
		d.s.Sweep()
		if d.s.ranks(b, midnight) == nil {
			t.Error("the ranks of a period that is just over are gone")
		}
		d.clock.Advance(2 * overFor)
		d.s.Sweep()
		got := d.list(past)
		d.same("the day before", show(got.Records), "1:2=7.0 2:1=5.0")
		d.same("owners of the day before", show(got.OwnerRecords), "0:1=5.0")
		if got.RankCount != 0 || d.s.ranks(b, midnight) != nil {
			t.Errorf("the ranks of a period that is over are kept: %v", got)
		}
		d.restart()
		if b, _ = d.s.Get("daily"); d.s.ranks(b, midnight) != nil || d.s.Rank(b, player(1), b.Expiry(d.clock.Now())) != 1 {
			t.Error("a restart reads other periods than those that are not over")
		}
	})
}

// TestRestart: ranks are what they were, from more records than one read brings.
func TestRestart(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		const records = warmPage + 1000
		for _, order := range []Order{Descending, Ascending} {
			board := fmt.Sprint("board-", order)
			b := d.board(Definition{ID: board, SortOrder: order, EnableRanks: true})
			d.fill(b, records)
			d.restart(func(c *Config) { c.Workers = 2 })
			b, _ = d.s.Get(board)
			ranks := d.s.ranks(b, schema.Epoch)
			if ranks == nil || ranks.Len() != records {
				t.Fatalf("after a restart: %v", ranks)
			}
			for _, n := range []int{0, 1, warmPage, records - 1} {
				want := n + 1
				if order == Descending {
					want = records - n
				}
				if got := d.s.Rank(b, player(1000+n), schema.Epoch); got != want {
					t.Errorf("%s: rank %d of record %d, want %d", board, got, n, want)
				}
			}
		}
		d.restart(func(c *Config) { c.WithoutRanks = []string{"board-0"} })
		for board, ranked := range map[string]bool{"board-0": false, "board-1": true} {
			if b, _ := d.s.Get(board); (d.s.ranks(b, schema.Epoch) != nil) != ranked {
				t.Errorf("%s: ranks %t", board, !ranked)
			}
		}
		d.restart(func(c *Config) { c.WithoutRanks = []string{"*"} })
		if b, _ := d.s.Get("board-1"); d.s.ranks(b, schema.Epoch) != nil {
			t.Error("there are ranks where there are none at all")
		}
		d.restart()
		if err := d.s.DisableRanks(t.Context(), "board-1"); err != nil {
			t.Fatal(err)
		}
		d.restart()
		if b, _ := d.s.Get("board-1"); d.s.Rank(b, player(1000), schema.Epoch) != 0 {
			t.Error("disabled ranks are back after a restart")
		}
	})
}

// fill puts records past the service; the n-th has score n.
func (d *desk) fill(b *Board, count int) {
	d.t.Helper()
	for from := 0; from < count; from += 2000 {
		err := d.db.Update(context.Background(), func(tx store.Tx) error {
			for n := from; n < min(from+2000, count); n++ {
				r, _, _ := b.Apply(nil, &Score{Owner: player(1000 + n), Score: int64(n)}, schema.Epoch, tx.Now())
				if err := store.Put(tx, schema.LeaderboardRecords, r); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			d.t.Fatal(err)
		}
	}
}

// TestParallel: goal, 200 submissions at once end in the right order, and none of one owner's is lost; method, ten owners
// add up twenty scores each while boards of the same are listed, then ranks, pages and sums are compared.
func TestParallel(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		const owners, each = 10, 20
		d.board(Definition{ID: "sum", Operator: Increment, EnableRanks: true})
		d.board(Definition{ID: "same", Operator: Increment, EnableRanks: true})
		var running sync.WaitGroup
		for n := 1; n <= owners; n++ {
			for range each {
				running.Go(func() {
					d.submit(n, "sum", int64(n), 1)
					d.submit(n, "same", 1, 0)
				})
			}
		}
		running.Go(func() {
			for range each {
				d.around(1, "sum", 10)
			}
		})
		running.Wait()
		var want, level []string
		for n := owners; n >= 1; n-- {
			want = append(want, fmt.Sprintf("%d:%d=%d.%d", owners-n+1, n, n*each, each))
			level = append(level, fmt.Sprintf("%d:%d=%d.0", owners-n+1, n, each))
		}
		for board, want := range map[string][]string{"sum": want, "same": level} {
			d.same(board, show(d.list(&api.ListLeaderboardRecordsRequest{LeaderboardId: board, Limit: limit(100)}).Records), strings.Join(want, " "))
			d.same(board+" around", show(d.around(5, board, 10).Records), strings.Join(want, " "))
		}
	})
}

// TestDeletedWhileWritten: nothing of an old board reaches a new one of the same id.
func TestDeletedWhileWritten(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		d.board(Definition{ID: "b", EnableRanks: true})
		done := make(chan struct{})
		var writing sync.WaitGroup
		for n := 1; n <= 8; n++ {
			writing.Go(func() {
				for score := int64(1); ; score++ {
					if _, err := d.call(player(n), "WriteLeaderboardRecord", write("b", &submission{Score: score})); err != nil && errs.Of(err).Code != errs.NotFound {
						t.Error(err)
						return
					}
					select {
					case <-done:
						return
					default:
					}
				}
			})
		}
		for range 8 {
			if err := d.s.Delete(t.Context(), "b"); err != nil {
				t.Fatal(err)
			}
			d.board(Definition{ID: "b", EnableRanks: true})
		}
		close(done)
		writing.Wait()
		got := d.list(&api.ListLeaderboardRecordsRequest{LeaderboardId: "b", Limit: limit(100)})
		if int(got.RankCount) != len(got.Records) {
			t.Errorf("%d ranks of %d records", got.RankCount, len(got.Records))
		}
		for i, r := range got.Records {
			owner, _ := id.Parse(r.OwnerId)
			if b, _ := d.s.Get("b"); d.s.Rank(b, owner, schema.Epoch) != i+1 {
				t.Errorf("record %d has another rank", i+1)
			}
		}
	})
}

// lossy loses the answers of commits.
type lossy struct {
	store.DB
	mu   sync.Mutex
	lose int
}

func (l *lossy) Write(ctx context.Context, hint []store.Ref, f func(store.Tx) error) error {
	l.mu.Lock()
	lose := l.lose > 0
	l.lose--
	l.mu.Unlock()
	if !lose {
		return l.DB.Write(ctx, hint, f)
	}
	// The commit goes through, but its callbacks are never run.
	err := l.DB.Write(ctx, hint, func(tx store.Tx) error { return f(deaf{tx}) })
	if err != nil {
		return err
	}
	return store.ErrUnavailable
}

type deaf struct{ store.Tx }

func (deaf) AfterCommit(func(store.Commit)) {}

// TestUnknownOutcome: ranks follow a commit of which only the store knows that it went through.
func TestUnknownOutcome(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		b := d.board(Definition{ID: "b", EnableRanks: true})
		d.submit(1, "b", 5, 0)
		d.submit(2, "b", 4, 0)
		l := &lossy{DB: d.db, lose: 1}
		d.restart(func(c *Config) { c.DB = l })
		d.refuse(14, "Storage is not available.", player(2), "WriteLeaderboardRecord", write("b", &submission{Score: 9}))
		d.s.running.Wait()
		if got := d.s.Rank(b, player(2), schema.Epoch); got != 1 {
			t.Errorf("rank %d after a commit that nobody answered for", got)
		}
		l.lose = 1
		d.refuse(14, "Storage is not available.", player(2), "DeleteLeaderboardRecord", &api.DeleteLeaderboardRecordRequest{LeaderboardId: "b"})
		d.s.running.Wait()
		if got := d.s.Rank(b, player(2), schema.Epoch); got != 0 {
			t.Errorf("rank %d of a record that is gone", got)
		}
	})
}

func TestDefinitions(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		var changed []string
		d.restart(func(c *Config) { c.Changed = func(id string) { changed = append(changed, id) } })
		f := func(want error, def Definition) {
			t.Helper()
			if _, _, err := d.s.Create(t.Context(), def); errs.Of(err) != errs.Of(want) {
				t.Errorf("create %+v: %v, want %v", def, err, want)
			}
		}
		f(ErrID, Definition{})
		f(ErrID, Definition{ID: strings.Repeat("x", 129)})
		f(ErrID, Definition{ID: "a\x00b"})
		f(ErrSchedule, Definition{ID: "a", ResetSchedule: "never"})
		f(ErrSchedule, Definition{ID: "a", ResetSchedule: strings.Repeat("1,", 40) + " * * * *"})
		f(ErrDefined, Definition{ID: "a", Metadata: "[]"})
		f(ErrDefined, Definition{ID: "a", Title: strings.Repeat("x", 256)})
		f(ErrRange, Definition{ID: "a", Category: 128})
		f(ErrRange, Definition{ID: "a", Duration: -1})
		f(ErrRange, Definition{ID: "a", Operator: 4})

		for n := range 5 {
			d.clock.Advance(time.Second)
			d.board(Definition{ID: fmt.Sprint("b", 5-n), ResetSchedule: "@weekly", Metadata: `{"n":1}`, Operator: Set, Authoritative: true})
		}
		d.board(Definition{ID: "t", Duration: 60})
		b, created, err := d.s.Create(t.Context(), Definition{ID: "b5", Operator: Increment})
		if err != nil || created || Operator(b.Operator) != Set {
			t.Errorf("a second creation gives %v, %t, %v", b, created, err)
		}
		walk := func() string {
			var ids []string
			for cursor := ""; ; {
				page, next, err := d.s.List(2, cursor)
				if err != nil {
					t.Fatal(err)
				}
				for _, b := range page {
					ids = append(ids, b.ID)
				}
				if cursor = next; next == "" {
					return strings.Join(ids, " ")
				}
			}
		}
		d.same("all", walk(), "b5 b4 b3 b2 b1")
		d.same("changed", strings.Join(changed, " "), "b5 b4 b3 b2 b1 t")
		before, _ := d.s.Get("b5")
		d.restart()
		d.same("all after a restart", walk(), "b5 b4 b3 b2 b1")
		after, ok := d.s.Get("b5")
		if !ok || !after.CreateTime.Equal(before.CreateTime) || after.Metadata != `{"n": 1}` || after.Resets == nil || !after.Authoritative {
			t.Errorf("after a restart: %+v\nbefore: %+v", after, before)
		}
		if _, _, err := d.s.List(2, "x"); err != ErrCursor {
			t.Errorf("a bad cursor: %v", err)
		}
		m := after.Message(d.clock.Now())
		if m.Operator != api.Operator_SET || m.SortOrder != 1 || m.NextReset != uint32(time.Date(2026, 3, 8, 0, 0, 0, 0, time.UTC).Unix()) || m.PrevReset != uint32(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).Unix()) {
			t.Errorf("its message is %v", m)
		}
	})
}

// TestRanksEndWhileWritten: a board that loses its ranks under writers keeps none of a few late scores.
func TestRanksEndWhileWritten(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		for n := range 15 {
			b := d.board(Definition{ID: fmt.Sprint("board-", n), EnableRanks: true})
			l := d.s.find(b.ID)
			var all sync.WaitGroup
			quit := make(chan struct{})
			for range 2 {
				all.Go(func() {
					for {
						select {
						case <-quit:
							return
						default:
							d.s.ranksForWrite(l, 0)
							runtime.Gosched()
						}
					}
				})
			}
			if err := d.s.DisableRanks(t.Context(), b.ID); err != nil {
				t.Fatal(err)
			}
			d.submit(1, b.ID, 1, 0)
			close(quit)
			all.Wait()
			if d.s.ranks(b, schema.Epoch) != nil {
				t.Fatalf("%s has ranks again", b.ID)
			}
		}
	})
}

func TestFile(t *testing.T) {
	all, err := ParseDefinitions([]byte(`[
		{"id": "a", "operator": "incr", "sort_order": "asc", "reset_schedule": "@daily", "metadata": {"x": 1}, "enable_ranks": true, "authoritative": true},
		{"id": "b", "duration": 60, "max_size": 5, "join_required": true}]`))
	want := []Definition{
		{ID: "a", Operator: Increment, SortOrder: Ascending, ResetSchedule: "@daily", Metadata: `{"x": 1}`, EnableRanks: true, Authoritative: true},
		{ID: "b", Duration: 60, MaxSize: 5, JoinRequired: true},
	}
	if err != nil || !slices.Equal(all, want) {
		t.Errorf("read %+v, %v", all, err)
	}
	for _, text := range []string{``, `{}`, `[{"id": 5}]`, `[{"name": "a"}]`, `[{"id": "a", "operator": "most"}]`, `[{"id": "a", "sort_order": "1"}]`} {
		if _, err := ParseDefinitions([]byte(text)); err == nil {
			t.Errorf("%s is read", text)
		}
	}
}

func FuzzCursor(f *testing.F) {
	b := &Board{Leaderboard: schema.Leaderboard{ID: "b"}}
	r := Record{&schema.LeaderboardRecord{Score: 5, OwnerID: player(1), ExpiryTime: schema.Epoch}, 3}
	f.Add(cursorAt(b, r, true))
	f.Add(boardCursor(b))
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := parseCursor(b, schema.Epoch, text); err == nil && c != nil {
			if again, err := parseCursor(b, schema.Epoch, c.text(b, schema.Epoch)); err != nil || *again != *c {
				t.Errorf("%v is read as %v, %v", c, again, err)
			}
		}
		_, _ = parseBoardCursor(text)
	})
}
