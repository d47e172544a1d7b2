package bind

import (
	"slices"
	"strconv"
	"strings"

	"github.com/heroiclabs/nakama-common/api"
)

var leaderboards = []*Function{
	fn("leaderboard_create", "id:text authoritative:bool=false sort_order:string=desc operator:string=best reset_schedule:string= metadata:object? enable_ranks:bool=false", "",
		func(c *Call) ([]any, error) {
			sort, operator, err := c.rules()
			if err != nil {
				return nil, err
			}
			return none(c.NK.LeaderboardCreate(c.Ctx, c.Str("id"), c.Bool("authoritative"), sort, operator, c.Str("reset_schedule"),
				c.Object("metadata"), c.Bool("enable_ranks")))
		}),
	fn("leaderboard_delete", "id:text", "", func(c *Call) ([]any, error) { return none(c.NK.LeaderboardDelete(c.Ctx, c.Str("id"))) }),
	fn("leaderboard_list", "limit:int=10 cursor:text?", "leaderboards cursor", func(c *Call) ([]any, error) {
		if err := c.between("limit", 1, 100, "expects limit to be 1-100"); err != nil {
			return nil, err
		}
		all, err := c.NK.LeaderboardList(c.Int("limit"), c.Str("cursor"))
		return page(all.GetLeaderboards(), all.GetCursor(), err, c.leaderboard)
	}),
	fn("leaderboard_ranks_disable", "id:text", "", func(c *Call) ([]any, error) {
		return none(c.NK.LeaderboardRanksDisable(c.Ctx, c.Str("id")))
	}),
	fn("leaderboard_records_list", listing, listed, func(c *Call) ([]any, error) {
		if err := c.records(); err != nil {
			return nil, err
		}
		if c.noOwners() {
			return []any{[]any{}}, nil
		}
		all, owners, next, prev, err := c.NK.LeaderboardRecordsList(c.Ctx, c.Str("id"), c.Strings("owner_ids"), c.Int("limit"), c.Str("cursor"), c.Int64("expiry_override"))
		return []any{list(all, record), list(owners, record), cursor(next), cursor(prev), c.rankCount()}, err
	}),
	fn("leaderboard_records_list_cursor_from_rank", "id:text rank:int expiry_override:int=0", "cursor", func(c *Call) ([]any, error) {
		return one(c.NK.LeaderboardRecordsListCursorFromRank(c.Str("id"), c.Int64("rank"), c.Int64("expiry_override")))
	}),
	fn("leaderboard_record_write", writing, "record", func(c *Call) ([]any, error) {
		if err := c.scores(); err != nil {
			return nil, err
		}
		operator, err := c.override(shortOperators)
		if err != nil {
			return nil, err
		}
		return c.oneRecord(c.NK.LeaderboardRecordWrite(c.Ctx, c.Str("id"), c.Str("owner_id"), c.Str("username"), c.Int64("score"), c.Int64("subscore"), c.Object("metadata"), operator))
	}),
	fn("leaderboard_record_delete", "id:text owner_id:uuid", "", func(c *Call) ([]any, error) {
		return none(c.NK.LeaderboardRecordDelete(c.Ctx, c.Str("id"), c.Str("owner_id")))
	}),
	fn("leaderboards_get_id", "ids:strings", "leaderboards", func(c *Call) ([]any, error) {
		all, err := c.NK.LeaderboardsGetId(c.Ctx, c.Strings("ids"))
		return rows(all, err, c.leaderboard)
	}),
	fn("leaderboard_records_haystack", around, aroundLua, func(c *Call) ([]any, error) {
		if err := c.between("limit", 1, 100, "expects limit to be 1-100"); err != nil {
			return nil, err
		}
		all, err := c.NK.LeaderboardRecordsHaystack(c.Ctx, c.Str("id"), c.Str("owner_id"), c.Int("limit"), c.Str("cursor"), c.Int64("expiry"))
		return c.haystack(all.GetRecords(), all.GetOwnerRecords(), all.GetNextCursor(), all.GetPrevCursor(), all.GetRankCount(), err)
	}),
}

const (
	listing   = "id:text owner_ids:uuids? limit:int=0 cursor:string= expiry_override:int=0"
	listed    = "records owner_records next_cursor prev_cursor rank_count"
	writing   = "id:text owner_id:uuid username:string= score:int=0 subscore:int=0 metadata:object? override_operator:string?"
	around    = "id:text owner_id:uuid limit:int=10 cursor:string= expiry:int=0"
	aroundLua = "records"
)

var tournaments = []*Function{
	fn("tournament_create", "id:text authoritative:bool=true sort_order:string=desc operator:string=best duration:int reset_schedule:string= metadata:object? title:string= description:string= category:int=0 start_time:int=0 end_time:int=0 max_size:int=0 max_num_score:int=0 join_required:bool=false enable_ranks:bool=false", "",
		func(c *Call) ([]any, error) {
			sort, operator, err := c.rules()
			if err == nil && c.Int("duration") <= 0 {
				err = c.Wrong("duration", "duration must be > 0")
			}
			if err == nil {
				err = c.between("category", 0, 127, "category must be 0-127")
			}
			if end := c.Int("end_time"); err == nil && end != 0 && end <= c.Int("start_time") {
				err = c.Wrong("end_time", "endTime must be > startTime. Use 0 to indicate a tournament that never ends.")
			}
			if err != nil {
				return nil, err
			}
			return none(c.NK.TournamentCreate(c.Ctx, c.Str("id"), c.Bool("authoritative"), sort, operator, c.Str("reset_schedule"),
				c.Object("metadata"), c.Str("title"), c.Str("description"), c.Int("category"), c.Int("start_time"), c.Int("end_time"),
				c.Int("duration"), c.Int("max_size"), c.Int("max_num_score"), c.Bool("join_required"), c.Bool("enable_ranks")))
		}),
	fn("tournament_delete", "id:text", "", func(c *Call) ([]any, error) { return none(c.NK.TournamentDelete(c.Ctx, c.Str("id"))) }),
	fn("tournament_add_attempt", "id:text owner_id:uuid count:int", "", func(c *Call) ([]any, error) {
		if c.Int("count") == 0 {
			return nil, c.Wrong("count", "expects an attempt count number != 0")
		}
		return none(c.NK.TournamentAddAttempt(c.Ctx, c.Str("id"), c.Str("owner_id"), c.Int("count")))
	}),
	fn("tournament_join", "id:text user_id:uuid username:text", "", func(c *Call) ([]any, error) {
		return none(c.NK.TournamentJoin(c.Ctx, c.Str("id"), c.Str("user_id"), c.Str("username")))
	}),
	fn("tournaments_get_id", "ids:strings", "tournaments", func(c *Call) ([]any, error) {
		all, err := c.NK.TournamentsGetId(c.Ctx, c.Strings("ids"))
		return rows(all, err, c.tournament)
	}),
	fn("tournament_list", "category_start:int=0 category_end:int=0 start_time:int=-1 end_time:int=-1 limit:int=10 cursor:text?", "tournaments cursor", listTournaments),
	fn("tournament_ranks_disable", "id:text", "", func(c *Call) ([]any, error) {
		return none(c.NK.TournamentRanksDisable(c.Ctx, c.Str("id")))
	}).as("tournamentsRanksDisable"),
	fn("tournament_records_list", listing, listed, func(c *Call) ([]any, error) {
		if err := c.records(); err != nil {
			return nil, err
		}
		if c.noOwners() {
			return []any{[]any{}}, nil
		}
		all, owners, prev, next, err := c.NK.TournamentRecordsList(c.Ctx, c.Str("id"), c.Strings("owner_ids"), c.Int("limit"), c.Str("cursor"), c.Int64("expiry_override"))
		return []any{list(all, record), list(owners, record), cursor(next), cursor(prev), c.rankCount()}, err
	}),
	fn("tournament_record_write", writing, "record", func(c *Call) ([]any, error) {
		if err := c.scores(); err != nil {
			return nil, err
		}
		operator, err := c.override(longOperators)
		if err != nil {
			return nil, err
		}
		return c.oneRecord(c.NK.TournamentRecordWrite(c.Ctx, c.Str("id"), c.Str("owner_id"), c.Str("username"), c.Int64("score"), c.Int64("subscore"), c.Object("metadata"), operator))
	}),
	fn("tournament_record_delete", "id:text owner_id:uuid", "", func(c *Call) ([]any, error) {
		return none(c.NK.TournamentRecordDelete(c.Ctx, c.Str("id"), c.Str("owner_id")))
	}),
	fn("tournament_records_haystack", around, aroundLua, func(c *Call) ([]any, error) {
		if err := c.between("limit", 1, 100, "expects limit to be 1-100"); err != nil {
			return nil, err
		}
		all, err := c.NK.TournamentRecordsHaystack(c.Ctx, c.Str("id"), c.Str("owner_id"), c.Int("limit"), c.Str("cursor"), c.Int64("expiry"))
		return c.haystack(all.GetRecords(), all.GetOwnerRecords(), all.GetNextCursor(), all.GetPrevCursor(), all.GetRankCount(), err)
	}),
}

func listTournaments(c *Call) ([]any, error) {
	for _, name := range []string{"category_start", "category_end"} {
		if err := c.between(name, 0, 127, "expects "+strings.ReplaceAll(name, "_", " ")+" to be 0-127"); err != nil {
			return nil, err
		}
	}
	end, start := c.Int("end_time"), c.Int("start_time")
	switch {
	case c.Int("category_end") < c.Int("category_start"):
		return nil, c.Wrong("category_end", "category end must be >= category start")
	case start < -1:
		return nil, c.Wrong("start_time", "startTime must be >= 0")
	case end < -1:
		return nil, c.Wrong("end_time", "endTime must be >= 0")
	case end > 0 && end < start:
		return nil, c.Wrong("end_time", "endTime must be >= startTime")
	}
	if err := c.between("limit", 1, 100, "expects limit to be 1-100"); err != nil {
		return nil, err
	}
	all, err := c.NK.TournamentList(c.Ctx, c.Int("category_start"), c.Int("category_end"), start, end, c.Int("limit"), c.Str("cursor"))
	return page(all.GetTournaments(), all.GetCursor(), err, c.tournament)
}

// rules are the order and the operator of a new board, checked.
func (c *Call) rules() (sort, operator string, err error) {
	sort, operator = c.Str("sort_order"), c.Str("operator")
	if !slices.Contains([]string{"asc", "ascending", "desc", "descending"}, sort) {
		return "", "", c.Wrong("sort_order", "expects sort order to be 'asc' or 'desc'")
	}
	if !slices.Contains([]string{"best", "set", "incr", "increment", "decr", "decrement"}, operator) {
		return "", "", c.Wrong("operator", "expects operator to be 'best', 'set', 'incr' or 'decr'")
	}
	return sort, operator, nil
}

// noOwners tells of a list of owners that is empty: in Lua that is answered with one empty table, and nothing else.
func (c *Call) noOwners() bool {
	owners, given := c.Arg("owner_ids").([]string)
	return given && len(owners) == 0 && c.Lang == Lua
}

func (c *Call) scores() error {
	if c.Int64("score") < 0 {
		return c.Wrong("score", "expects score to be >= 0")
	}
	if c.Int64("subscore") < 0 {
		return c.Wrong("subscore", "expects subscore to be >= 0")
	}
	return nil
}

// rankCounter is a module that also says how many records of a period have ranks, which the Go interface has no place for.
type rankCounter interface {
	LeaderboardRankCount(id string, expiry int64) int64
}

func (c *Call) rankCount() int64 {
	if r, ok := c.NK.(rankCounter); ok {
		return r.LeaderboardRankCount(c.Str("id"), c.Int64("expiry_override"))
	}
	return 0
}

func (c *Call) records() error {
	return c.between("limit", 0, 10000, "expects limit to be 0-10000")
}

// Operators by their names, as api.Operator numbers them.
var (
	shortOperators = map[string]int{"no_override": 0, "best": 1, "set": 2, "incr": 3, "increment": 3, "decr": 4, "decrement": 4}
	longOperators  = map[string]int{"no_override": 0, "best": 1, "set": 2, "increment": 3, "decrement": 4}
)

func (c *Call) override(names map[string]int) (*int, error) {
	text := c.Str("override_operator")
	if text == "" {
		return nil, nil
	}
	n, ok := names[strings.ToLower(text)]
	if !ok {
		return nil, c.Wrong("override_operator", "invalid operator")
	}
	return &n, nil
}

func (c *Call) oneRecord(r *api.LeaderboardRecord, err error) ([]any, error) {
	if err != nil {
		return nil, err
	}
	return []any{record(r)}, nil
}

// haystack is one object in JavaScript and four values in Lua.
func (c *Call) haystack(all, owners []*api.LeaderboardRecord, next, prev string, count int64, err error) ([]any, error) {
	if err != nil {
		return nil, err
	}
	if c.Lang == Lua {
		return []any{list(all, record), cursor(next), cursor(prev), count}, nil
	}
	return []any{new(Object).Add("records", list(all, record)).Add("owner_records", list(owners, record)).
		Add("next_cursor", cursor(next)).Add("prev_cursor", cursor(prev)).Add("rank_count", count)}, nil
}

func record(r *api.LeaderboardRecord) *Object {
	var username any
	if r.Username != nil {
		username = r.Username.Value
	}
	return new(Object).Add("leaderboard_id", r.LeaderboardId).Add("owner_id", r.OwnerId).Add("username", username).
		Add("score", r.Score).Add("subscore", r.Subscore).Add("num_score", int64(r.NumScore)).Add("max_num_score", int64(r.MaxNumScore)).
		Add("metadata", jsonValue(r.Metadata)).Add("create_time", unix(r.CreateTime)).Add("update_time", unix(r.UpdateTime)).
		Add("expiry_time", unixOr(r.ExpiryTime)).Add("rank", r.Rank)
}

var operators = [...]string{"", "best", "set", "increment", "decrement"}

func operatorName(o api.Operator) string {
	if o < 0 || int(o) >= len(operators) {
		return ""
	}
	return operators[o]
}

func (c *Call) leaderboard(b *api.Leaderboard) *Object {
	o := new(Object).Add("id", b.Id).Add("authoritative", b.Authoritative).Add("operator", operatorName(b.Operator)).
		Add("sort_order", c.sortOrder(b.SortOrder)).Add("metadata", jsonValue(b.Metadata)).Add("create_time", unix(b.CreateTime))
	if b.NextReset != 0 {
		o.Add("next_reset", int64(b.NextReset))
	}
	if b.PrevReset != 0 {
		name := "prev_reset"
		if c.Lang == Lua {
			name = "" // where modules have always found it
		}
		o.Add(name, int64(b.PrevReset))
	}
	return o
}

// leaderboardAtReset is a leaderboard as the hook of its reset gets it: in Lua with the resets as texts, under their names.
func (c *Call) leaderboardAtReset(b *api.Leaderboard) *Object {
	o := c.leaderboard(b)
	if c.Lang == Lua {
		o.Members = slices.DeleteFunc(o.Members, func(m Member) bool { return m.Name == "" || m.Name == "next_reset" })
		o.Add("prev_reset", strconv.FormatUint(uint64(b.PrevReset), 10)).Add("next_reset", strconv.FormatUint(uint64(b.NextReset), 10))
	}
	return o
}

// sortOrder is a number, which Lua has as a text.
func (c *Call) sortOrder(n uint32) any {
	if c.Lang == Lua {
		return strconv.Itoa(int(n))
	}
	return int64(n)
}

func (c *Call) tournament(t *api.Tournament) *Object {
	o := new(Object).Add("id", t.Id).Add("title", t.Title).Add("description", t.Description).Add("category", int64(t.Category)).
		Add("sort_order", c.sortOrder(t.SortOrder)).Add("size", int64(t.Size)).Add("max_size", int64(t.MaxSize)).
		Add("max_num_score", int64(t.MaxNumScore)).Add("duration", int64(t.Duration)).Add("start_active", int64(t.StartActive)).
		Add("end_active", int64(t.EndActive)).Add("can_enter", t.CanEnter)
	if t.NextReset != 0 {
		o.Add("next_reset", int64(t.NextReset))
	}
	if t.PrevReset != 0 {
		o.Add("prev_reset", int64(t.PrevReset))
	}
	return o.Add("metadata", jsonValue(t.Metadata)).Add("create_time", unix(t.CreateTime)).Add("start_time", unix(t.StartTime)).
		Add("end_time", unixOr(t.EndTime)).Add("operator", operatorName(t.Operator)).Add("join_required", t.JoinRequired)
}
