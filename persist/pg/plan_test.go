package pg

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/skirmishgg/skirmish/persist/pg/migrate"
	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/id"
)

// TestPagesAreStretchesOfAnIndex: whatever the database's collation, a page begins at its cursor and needs no sorting.
// The tables are empty, so the planner is told to avoid everything else; what it cannot avoid stands in the plan.
func TestPagesAreStretchesOfAnIndex(t *testing.T) {
	user := id.UUID{15: 7}
	byKey, public, own := schema.Storage.By("collection", "key", "user_id"), schema.Storage.By("collection", "read", "key", "user_id"),
		schema.Storage.By("collection", "user_id", "read", "key")
	for _, collation := range []string{"LC_COLLATE 'C'", "LOCALE_PROVIDER icu ICU_LOCALE 'en-US'"} {
		t.Run(collation, func(t *testing.T) {
			dsn := server.DatabaseWith(t, "TEMPLATE template0 "+collation)
			if _, err := migrate.Up(t.Context(), dsn, 0); err != nil {
				t.Fatal(err)
			}
			db, err := Open(t.Context(), Config{DSN: dsn, Clock: time.Now})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			conn, err := pgx.Connect(t.Context(), dsn)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close(context.Background())
			if _, err := conn.Exec(t.Context(), "SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off; SET enable_incremental_sort = off"); err != nil {
				t.Fatal(err)
			}
			f := func(what string, ix *store.IndexDef, rng store.Range) {
				t.Helper()
				rng.Limit = 11
				for _, rng.Reverse = range []bool{false, true} {
					c, _, err := db.texts.walkCall(ix, rng, false)
					if err != nil {
						t.Fatal(err)
					}
					if plan := plan(t, conn, c); strings.Contains(plan, "Sort") || strings.Contains(plan, "Filter:") || !strings.Contains(plan, "Index Cond:") {
						t.Errorf("%s, reverse %v: %s\n%s", what, rng.Reverse, c.text, plan)
					} else if rng.Keys != strings.Contains(plan, "Index Only Scan") {
						t.Errorf("%s, keys %v: %s\n%s", what, rng.Keys, c.text, plan)
					}
				}
			}
			f("public", public.Def, store.Range{Prefix: []any{"c", int16(2)}})
			f("public, further", public.Def, store.Range{Prefix: []any{"c", int16(2)}, After: []any{"c", int16(2), "k", user}})
			f("own", own.Def, store.Range{Prefix: []any{"c", user}, After: []any{"c", user, int16(0)}})
			f("own, further", own.Def, store.Range{Prefix: []any{"c", user}, After: []any{"c", user, int16(1), "k"}})
			f("all", byKey.Def, store.Range{Prefix: []any{"c"}})
			f("all, further", byKey.Def, store.Range{Prefix: []any{"c"}, After: []any{"c", "k", user}})
			f("a username", schema.Users.By("username").Def, store.Range{Prefix: []any{"n"}})
			f("usernames, further", schema.Users.By("username").Def, store.Range{After: []any{"n"}})
			f("a channel", schema.Messages.By("stream_mode", "stream_subject", "stream_descriptor", "stream_label", "create_time").Def,
				store.Range{Prefix: []any{int16(2), id.UUID{}, id.UUID{}, "r"}, After: []any{int16(2), id.UUID{}, id.UUID{}, "r", schema.Epoch, user}})
			f("members", schema.GroupEdges.By("source_id", "state", "position").Def, store.Range{Prefix: []any{user}, After: []any{user, int16(2), int64(9)}})
			f("group names", schema.Groups.By("name").Def, store.Range{After: []any{"n"}})
			period := []any{"b", schema.Epoch}
			f("scores", schema.LeaderboardRecords.By("leaderboard_id", "expiry_time", "score", "subscore").Def,
				store.Range{Prefix: period, After: append(period, int64(5), int64(0), user)})
			f("scores alone", schema.LeaderboardRecords.By("leaderboard_id", "expiry_time", "score", "subscore").Def,
				store.Range{Prefix: period, After: append(period, int64(5), int64(0), user), Keys: true})
			group := &schema.Group{ID: user, LangTag: "en", DisableTime: schema.Epoch, UpdateTime: schema.Epoch}
			for columns, given := range map[string]int{"update_time,edge_count": 1, "edge_count,update_time": 1, "lang_tag,edge_count": 2, "state,update_time,edge_count": 2,
				"state,edge_count,lang_tag": 2, "state,lang_tag,edge_count": 3} {
				ix := schema.Groups.By(append([]string{"disable_time"}, strings.Split(columns, ",")...)...).Def
				at := ix.ValuesOf(group)
				f("groups by "+columns, ix, store.Range{Prefix: at[:given]})
				f("groups by "+columns+", further", ix, store.Range{Prefix: at[:given], After: at})
			}
		})
	}
}

func plan(t *testing.T, conn *pgx.Conn, c call) string {
	t.Helper()
	result := conn.PgConn().ExecParams(t.Context(), "EXPLAIN (COSTS OFF) "+c.text, c.args, nil, []int16{pgx.BinaryFormatCode}, nil).Read()
	if result.Err != nil {
		t.Fatal(result.Err)
	}
	var lines []string
	for _, row := range result.Rows {
		lines = append(lines, string(row[0]))
	}
	return strings.Join(lines, "\n")
}
