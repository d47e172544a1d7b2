package schema_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/skirmishgg/skirmish/persist/pg/migrate"
	"github.com/skirmishgg/skirmish/persist/pg/pgtest"
	_ "github.com/skirmishgg/skirmish/persist/schema" // whose tables are declared
	"github.com/skirmishgg/skirmish/persist/store"
)

var server *pgtest.Server

func TestMain(m *testing.M) { pgtest.Main(m, &server) }

func migrated(t *testing.T) (dsn string, conn *pgx.Conn) {
	t.Helper()
	dsn = server.Missing(t)
	if _, err := migrate.Up(t.Context(), dsn, 0); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return dsn, conn
}

func query[T any](t *testing.T, conn *pgx.Conn, sql string, args ...any) []T {
	t.Helper()
	rows, err := conn.Query(t.Context(), sql, args...)
	if err != nil {
		t.Fatal(err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByPos[T])
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// tables are those of the package, not the suites' own.
func tables() []*store.Def {
	var out []*store.Def
	for _, d := range store.Tables() {
		if !strings.HasPrefix(d.Name, "storetest_") {
			out = append(out, d)
		}
	}
	return out
}

// TestTablesAreThere: every relation of the database but the migrations' own has its table, and the other way round.
func TestTablesAreThere(t *testing.T) {
	_, conn := migrated(t)
	var declared []string
	for _, d := range tables() {
		declared = append(declared, d.Name)
	}
	type name struct{ Name string }
	var found []string
	for _, n := range query[name](t, conn, "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'migration_info'") {
		found = append(found, n.Name)
	}
	slices.Sort(declared)
	slices.Sort(found)
	if !slices.Equal(declared, found) {
		t.Errorf("declared %v\nfound    %v", declared, found)
	}
}

var kinds = map[string]store.Kind{"uuid": store.KindUUID, "varchar": store.KindText, "text": store.KindText, "int2": store.KindInt16, "int4": store.KindInt32,
	"int8": store.KindInt64, "bool": store.KindBool, "bytea": store.KindBytes, "timestamptz": store.KindTime, "jsonb": store.KindJSON}

// TestColumns: names, types, lengths and nullability of every column agree.
func TestColumns(t *testing.T) {
	_, conn := migrated(t)
	for _, d := range tables() {
		type column struct {
			Name, Type string
			Max        int
			Null       bool
		}
		found := map[string]column{}
		for _, c := range query[column](t, conn, `SELECT attname::text, typname::text, CASE WHEN atttypmod > 4 THEN atttypmod - 4 ELSE 0 END, NOT attnotnull
			FROM pg_attribute a JOIN pg_type y ON y.oid = a.atttypid WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped`, d.Name) {
			found[c.Name] = c
		}
		for _, c := range d.Columns {
			f, ok := found[c.Name]
			if !ok || kinds[f.Type] != c.Kind || f.Null != c.Null || f.Max != c.Max {
				t.Errorf("%s.%s has kind %d, null %v, max %d; the database has %+v", d.Name, c.Name, c.Kind, c.Null, c.Max, f)
			}
			delete(found, c.Name)
		}
		if len(found) > 0 {
			t.Errorf("%s lacks %v", d.Name, slices.Collect(maps.Keys(found)))
		}
	}
}

type index struct {
	Columns []string // "name" or "name desc"
	Unique  bool
}

func indexesOf(t *testing.T, conn *pgx.Conn, table string) []index {
	t.Helper()
	return query[index](t, conn, `SELECT (SELECT array_agg(a.attname::text || CASE WHEN i.indoption[k.n - 1] & 1 = 1 THEN ' desc' ELSE '' END ORDER BY k.n)
			FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, n) JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum), i.indisunique
		FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am m ON m.oid = x.relam WHERE i.indrelid = $1::text::regclass AND m.amname = 'btree'`, table)
}

func columnsOf(ix *store.IndexDef) []string {
	var out []string
	for n, c := range ix.Columns {
		name := ix.Table.Columns[c].Name
		if ix.Desc[n] {
			name += " desc"
		}
		out = append(out, name)
	}
	return out
}

func plain(columns []string) []string {
	var out []string
	for _, c := range columns {
		out = append(out, strings.TrimSuffix(c, " desc"))
	}
	slices.Sort(out)
	return out
}

// TestKeys: whatever is unique to one side is unique to the other. A unique key of the database that contains ours is
// implied by it.
func TestKeys(t *testing.T) {
	_, conn := migrated(t)
	for _, d := range tables() {
		found := indexesOf(t, conn, d.Name)
		for _, ix := range append([]*store.IndexDef{d.Primary}, d.Uniques...) {
			if !slices.ContainsFunc(found, func(f index) bool { return f.Unique && slices.Equal(plain(f.Columns), plain(columnsOf(ix))) }) {
				t.Errorf("%s: no unique index on %s", d.Name, ix.ColumnNames())
			}
		}
		for _, f := range found {
			if f.Unique && !slices.ContainsFunc(append([]*store.IndexDef{d.Primary}, d.Uniques...), func(ix *store.IndexDef) bool {
				return !slices.ContainsFunc(plain(columnsOf(ix)), func(c string) bool { return !slices.Contains(plain(f.Columns), c) })
			}) {
				t.Errorf("%s: the database keeps %v unique, the table does not", d.Name, f.Columns)
			}
		}
	}
}

// TestOrders: every declared order is that of an index, up to columns of the key that only break its ties.
func TestOrders(t *testing.T) {
	_, conn := migrated(t)
	for _, d := range tables() {
		found := indexesOf(t, conn, d.Name)
		for _, ix := range d.Indexes {
			want, best := columnsOf(ix), 0
			for _, f := range found {
				best = max(best, common(want, f.Columns, false), common(want, f.Columns, true))
			}
			for n := best; n < len(want); n++ {
				if best == 0 || !slices.Contains(d.Primary.Columns, ix.Columns[n]) {
					t.Errorf("%s: no index has the order %v, only its first %d columns", d.Name, want, best)
					break
				}
			}
		}
	}
}

// common is how many leading columns two orders share, one of them read backwards if flip.
func common(a, b []string, flip bool) int {
	n := 0
	for n < min(len(a), len(b)) {
		x, y := a[n], b[n]
		if flip && strings.HasSuffix(y, " desc") {
			y = strings.TrimSuffix(y, " desc")
		} else if flip {
			y += " desc"
		}
		if x != y {
			break
		}
		n++
	}
	return n
}

// TestForeignKeys: what goes with a row, or falls to the system user, is the same on both sides.
func TestForeignKeys(t *testing.T) {
	_, conn := migrated(t)
	type foreign struct {
		Columns []string
		Parent  string
		Action  string // c cascade, d set default
	}
	for _, d := range tables() {
		var want, found []string
		for _, f := range query[foreign](t, conn, `SELECT (SELECT array_agg(a.attname::text ORDER BY k.n) FROM unnest(conkey) WITH ORDINALITY AS k(attnum, n)
				JOIN pg_attribute a ON a.attrelid = conrelid AND a.attnum = k.attnum), confrelid::regclass::text, confdeltype::text
			FROM pg_constraint WHERE contype = 'f' AND conrelid = $1::text::regclass`, d.Name) {
			found = append(found, fmt.Sprint(strings.Join(f.Columns, ","), " ", f.Parent, " ", f.Action == "d"))
			if f.Action != "c" && f.Action != "d" {
				t.Errorf("%s: the action %q of a foreign key is not known", d.Name, f.Action)
			}
		}
		for _, f := range d.Parents {
			want = append(want, fmt.Sprint(f.ColumnNames(), " ", f.Parent.Name, " ", f.SetZero))
		}
		slices.Sort(want)
		slices.Sort(found)
		if !slices.Equal(want, found) {
			t.Errorf("%s declares %v, the database has %v", d.Name, want, found)
		}
	}
}

// TestChecks: a rule's text, given to the database, says what one of its own constraints says; and none is left over.
func TestChecks(t *testing.T) {
	_, conn := migrated(t)
	type constraint struct{ Text string }
	for _, d := range tables() {
		var want, found []string
		for _, c := range query[constraint](t, conn, "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'c' AND conrelid = $1::text::regclass", d.Name) {
			found = append(found, c.Text)
		}
		for _, check := range d.Checks {
			if _, err := conn.Exec(t.Context(), fmt.Sprintf("ALTER TABLE %s ADD CONSTRAINT ours CHECK (%s) NOT VALID", d.Name, check.Text)); err != nil {
				t.Errorf("%s: %s: %v", d.Name, check.Text, err)
				continue
			}
			text := query[constraint](t, conn, "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'ours'")[0].Text
			want = append(want, strings.TrimSuffix(text, " NOT VALID"))
			if _, err := conn.Exec(t.Context(), fmt.Sprintf("ALTER TABLE %s DROP CONSTRAINT ours", d.Name)); err != nil {
				t.Fatal(err)
			}
		}
		slices.Sort(want)
		slices.Sort(found)
		if !slices.Equal(want, found) {
			t.Errorf("%s checks %v\nthe database %v", d.Name, want, found)
		}
	}
}
