package migrate

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/skirmishgg/skirmish/persist/pg/pgtest"
)

var rewrite = flag.Bool("rewrite", false, "write testdata/schema.txt anew")

var server *pgtest.Server

func TestMain(m *testing.M) { flag.Parse(); pgtest.Main(m, &server) }

func dial(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func up(t *testing.T, dsn string, limit, want int) Done {
	t.Helper()
	done, err := Up(t.Context(), dsn, limit)
	if err != nil || len(done.Names) != want {
		t.Fatalf("up applied %v, %v; want %d", done.Names, err, want)
	}
	return done
}

// dump describes every table: its columns in order, then constraints and indexes by what they say.
func dump(t *testing.T, conn *pgx.Conn) string {
	t.Helper()
	rows, err := conn.Query(t.Context(), `SELECT * FROM (
SELECT 0 AS part, c.relname::text AS relation, lpad(a.attnum::text, 4, '0') AS place, a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
	|| CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END || coalesce(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), '') AS line
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
UNION ALL
SELECT 1, conrelid::regclass::text, conname, conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL
SELECT 2, tablename, indexname, regexp_replace(indexdef, 'CREATE (UNIQUE )?INDEX (\S+) ON \S+ USING', '\2 \1INDEX') FROM pg_indexes i
WHERE schemaname = 'public' AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conname = i.indexname)
) AS all_lines ORDER BY relation COLLATE "C", part, place COLLATE "C"`)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	var part int
	var relation, place, line, last string
	_, err = pgx.ForEachRow(rows, []any{&part, &relation, &place, &line}, func() error {
		if relation != last {
			b.WriteString(relation + "\n")
			last = relation
		}
		b.WriteString("  " + line + "\n")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// difference is the lines that only one of two dumps has, in whatever order: a column that was dropped and made again is
// the last one.
func difference(want, got string) string {
	count := map[string]int{}
	relation := ""
	each := func(text string, by int) {
		for line := range strings.Lines(text) {
			if !strings.HasPrefix(line, " ") {
				relation = strings.TrimSpace(line)
			}
			count[relation+": "+strings.TrimSpace(line)] += by
		}
	}
	each(want, 1)
	each(got, -1)
	var out []string
	for line, n := range count {
		if n != 0 {
			out = append(out, fmt.Sprintf("%+d %s", -n, line))
		}
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

const path = "testdata/schema.txt"

func expected(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestSchema: the end state is the documented one. testdata/schema.txt was compared with the tables of the reference.
func TestSchema(t *testing.T) {
	dsn := server.Missing(t)
	if done := up(t, dsn, 0, len(names())); len(done.Notes) > 0 {
		t.Errorf("the server remarked %q", done.Notes)
	}
	got := dump(t, dial(t, dsn))
	if *rewrite {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want := expected(t); got != want {
		t.Errorf("the migrated schema differs from %s in\n%s", path, difference(want, got))
	}
	var collation string
	if err := dial(t, dsn).QueryRow(t.Context(), "SELECT datcollate FROM pg_database WHERE datname = current_database()").Scan(&collation); err != nil || collation != "C" {
		t.Errorf("a database that we made sorts by %q, %v", collation, err)
	}
}

// TestStepByStep: every migration reverts to exactly what was there before it, and applies again.
func TestStepByStep(t *testing.T) {
	dsn := server.Database(t, recordsSQL)
	conn := dial(t, dsn)
	states := []string{dump(t, conn)}
	for range names() {
		up(t, dsn, 1, 1)
		states = append(states, dump(t, conn))
	}
	up(t, dsn, 0, 0)
	all := names()
	for n := len(all) - 1; n >= 0; n-- {
		redone, err := Redo(t.Context(), dsn)
		if err != nil || !slices.Equal(redone.Names, []string{all[n], all[n]}) {
			t.Fatalf("redo of %s: %v, %v", all[n], redone.Names, err)
		}
		if diff := difference(states[n+1], dump(t, conn)); diff != "" {
			t.Errorf("after a redo of %s:\n%s", all[n], diff)
		}
		done, err := Down(t.Context(), dsn, 1)
		if err != nil || !slices.Equal(done.Names, all[n:n+1]) {
			t.Fatalf("down from %s: %v, %v", all[n], done.Names, err)
		}
		if diff := difference(states[n], dump(t, conn)); diff != "" {
			t.Errorf("without %s:\n%s", all[n], diff)
		}
	}
	if done, err := Down(t.Context(), dsn, 1); err != nil || len(done.Names) != 0 {
		t.Errorf("down from nothing: %v, %v", done, err)
	}
	if _, err := Down(t.Context(), dsn, 0); !errors.Is(err, ErrNoLimit) {
		t.Errorf("down without a limit: %v", err)
	}
}

// TestDataSurvives: rows keep what they say through the migrations that change their form.
func TestDataSurvives(t *testing.T) {
	dsn := server.Database(t)
	before := slices.Index(names(), "20230222172540-purchases-not-null-uid-1.sql")
	up(t, dsn, before, before)
	conn := dial(t, dsn)
	for _, sql := range []string{
		"INSERT INTO purchase (product_id, transaction_id) VALUES ('p', 'orphan')",
		"INSERT INTO console_user (id, username, email, role) VALUES (gen_random_uuid(), 'root', 'r', 1), (gen_random_uuid(), 'reader', 'q', 4)",
	} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	up(t, dsn, 0, len(names())-before)
	f := func(sql string, want bool) {
		t.Helper()
		var got bool
		if err := conn.QueryRow(t.Context(), sql).Scan(&got); err != nil || got != want {
			t.Errorf("%s: %v, %v", sql, got, err)
		}
	}
	f("SELECT user_id = '00000000-0000-0000-0000-000000000000' FROM purchase", true)
	f("SELECT (acl ->> 'admin')::bool FROM console_user WHERE username = 'root'", true)
	f("SELECT (acl ->> 'admin')::bool FROM console_user WHERE username = 'reader'", false)
	f("SELECT username = '' FROM users WHERE id = '00000000-0000-0000-0000-000000000000'", true)
}

// TestNakamaDatabase: a database that Nakama has migrated and filled lacks nothing but our own additions.
func TestNakamaDatabase(t *testing.T) {
	dsn := server.Database(t)
	nakama := slices.IndexFunc(names(), func(name string) bool { return strings.Contains(name, "-skirmish-") })
	if nakama != 19 {
		t.Fatalf("%d migrations carry Nakama's names", nakama)
	}
	up(t, dsn, nakama, nakama)
	conn := dial(t, dsn)
	if _, err := conn.Exec(t.Context(), "INSERT INTO users (id, username) VALUES ('00000000-0000-4000-8000-000000000001', 'ann')"); err != nil {
		t.Fatal(err)
	}
	report, err := Check(t.Context(), conn)
	if !errors.Is(err, ErrOutdated) || !report.Own() || len(report.Pending) != len(names())-19 || len(report.Unknown) != 0 {
		t.Errorf("check: %+v, %v", report, err)
	}
	up(t, dsn, 0, len(names())-19)
	if report, err := Check(t.Context(), conn); err != nil || len(report.Pending) != 0 {
		t.Errorf("check after up: %+v, %v", report, err)
	}
	if _, err := conn.Exec(t.Context(), "INSERT INTO migration_info VALUES ('20991231000000-later.sql')"); err != nil {
		t.Fatal(err)
	}
	if report, err := Check(t.Context(), conn); err != nil || !slices.Equal(report.Unknown, []string{"20991231000000-later.sql"}) {
		t.Errorf("check of a newer database: %+v, %v", report, err)
	}
	if done, err := Down(t.Context(), dsn, 1); err == nil {
		t.Errorf("reverted %v, which this program cannot know how to", done.Names)
	}
	steps, err := Status(t.Context(), dsn)
	if err != nil || len(steps) != len(names())+1 || !steps[0].Known || steps[len(steps)-1].Known || steps[0].Applied.IsZero() {
		t.Errorf("status: %+v, %v", steps, err)
	}
}

func TestWhatIsMissing(t *testing.T) {
	if _, err := Status(t.Context(), server.Missing(t)); !errors.Is(err, ErrNoDatabase) {
		t.Errorf("status of no database: %v", err)
	}
	empty := server.Database(t)
	if _, err := Status(t.Context(), empty); !errors.Is(err, ErrNoRecords) {
		t.Errorf("status of an empty database: %v", err)
	}
	if _, err := Check(t.Context(), dial(t, empty)); !errors.Is(err, ErrNoRecords) {
		t.Errorf("check of an empty database: %v", err)
	}
	if done, err := Redo(t.Context(), empty); !errors.Is(err, ErrNoRecords) {
		t.Errorf("redo in an empty database: %v, %v", done, err)
	}
}

// TestServersRace: of many that find no database, one makes it and applies each migration, and all go on.
func TestServersRace(t *testing.T) {
	dsn := server.Missing(t)
	var applied atomic.Int64
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			done, err := Up(t.Context(), dsn, 0)
			if err != nil {
				t.Error(err)
			}
			applied.Add(int64(len(done.Names)))
		})
	}
	wg.Wait()
	if n := applied.Load(); n != int64(len(names())) {
		t.Errorf("%d migrations were applied, of %d", n, len(names()))
	}
}

// TestWithoutTrigrams: a role that may not create the extension gets everything but the search index, and is told.
func TestWithoutTrigrams(t *testing.T) {
	dsn := server.DatabaseWith(t, "TEMPLATE template0 LC_COLLATE 'C'")
	conn := dial(t, dsn)
	role := fmt.Sprint("limited_", time.Now().UnixNano())
	for _, sql := range []string{"CREATE ROLE " + role + " LOGIN", "GRANT ALL ON SCHEMA public TO " + role} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	limited := strings.Replace(dsn, "postgres@", role+"@", 1)
	done := up(t, limited, 0, len(names()))
	if len(done.Notes) != 1 || !strings.Contains(done.Notes[0], "pg_trgm") {
		t.Errorf("remarks %q do not name the extension", done.Notes)
	}
	if diff := difference(expected(t), dump(t, dial(t, dsn))); strings.Count(diff, "\n") != 0 || !strings.Contains(diff, "-1 users: users_display_name_idx") {
		t.Errorf("without the extension this differs:\n%s", diff)
	}
}

// TestFailureLeavesNothing: a migration that fails is neither half applied nor recorded.
func TestFailureLeavesNothing(t *testing.T) {
	dsn := server.Database(t, "CREATE TABLE console_acl_template (x INT)") // the last of three tables that one migration makes
	done, err := Up(t.Context(), dsn, 0)
	if err == nil || !strings.Contains(err.Error(), "20251015150737") || len(done.Names) != 17 {
		t.Fatalf("up applied %d, %v", len(done.Names), err)
	}
	if got := dump(t, dial(t, dsn)); strings.Contains(got, "users_notes") {
		t.Error("a failed migration left a table")
	}
	if _, err := dial(t, dsn).Exec(t.Context(), "DROP TABLE console_acl_template"); err != nil {
		t.Fatal(err)
	}
	up(t, dsn, 0, len(names())-17)
}
