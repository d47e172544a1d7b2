package storage

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/skirmishgg/skirmish/persist/bunt"
	"github.com/skirmishgg/skirmish/persist/pg"
	"github.com/skirmishgg/skirmish/persist/pg/pgtest"
	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
)

var postgres *pgtest.Server

func TestMain(m *testing.M) { pgtest.Main(m, &postgres) }

func openBunt(t *testing.T, clock func() time.Time) store.DB {
	db, err := bunt.Open(bunt.Config{Dir: t.TempDir(), Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // a test may have closed it
	return db
}

func openPG(t *testing.T, clock func() time.Time) store.DB {
	db, err := pg.Open(t.Context(), pg.Config{DSN: postgres.Database(t, createSQL(schema.Users.Def), createSQL(schema.Storage.Def)), Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// createSQL creates a relation as its rows need it.
func createSQL(d *store.Def) string {
	types := map[store.Kind]string{store.KindUUID: "UUID", store.KindText: "VARCHAR", store.KindInt16: "SMALLINT", store.KindInt32: "INT", store.KindInt64: "BIGINT",
		store.KindBool: "BOOLEAN", store.KindBytes: "BYTEA", store.KindTime: "TIMESTAMPTZ", store.KindJSON: "JSONB"}
	var lines []string
	for _, c := range d.Columns {
		lines = append(lines, fmt.Sprintf(`"%s" %s`, c.Name, types[c.Kind]))
	}
	lines = append(lines, "PRIMARY KEY ("+d.Primary.ColumnNames()+")")
	for _, p := range d.Parents {
		lines = append(lines, fmt.Sprintf("FOREIGN KEY (%s) REFERENCES %s", p.ColumnNames(), p.Parent.Name))
	}
	return fmt.Sprintf("CREATE TABLE %s (%s)", d.Name, strings.Join(lines, ", "))
}
