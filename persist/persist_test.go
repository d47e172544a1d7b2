package persist

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/skirmishgg/skirmish/persist/pg/migrate"
	"github.com/skirmishgg/skirmish/persist/pg/pgtest"
	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/id"
)

var server *pgtest.Server

func TestMain(m *testing.M) { pgtest.Main(m, &server) }

func TestDSN(t *testing.T) {
	f := func(address, want string) {
		t.Helper()
		if got, err := DSN(address); err != nil || got != want {
			t.Errorf("%q is %q, %v; want %q", address, got, err, want)
		}
	}
	f("root@localhost:26257", "postgres://root@localhost:26257/nakama?sslmode=prefer")
	f("localhost", "postgres://root@localhost/nakama?sslmode=prefer")
	f("ann:s3cret@db:5432/game?sslmode=disable", "postgres://ann:s3cret@db:5432/game?sslmode=disable")
	f(":s3cret@db:5432", "postgres://root:s3cret@db:5432/nakama?sslmode=prefer")
	f("postgres://ann@db/game", "postgres://ann@db/game?sslmode=prefer")
	f("postgresql://ann@db:1/", "postgres://ann@db:1/nakama?sslmode=prefer")
	f("ann@db/game?connect_timeout=3", "postgres://ann@db/game?connect_timeout=3&sslmode=prefer")
	f("ann@[::1]:5432/game", "postgres://ann@[::1]:5432/game?sslmode=prefer")
	refuse := func(address string) {
		t.Helper()
		if got, err := DSN(address); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q is %q, %v", address, got, err)
		}
	}
	refuse("ann:s3cret@db:port/game")
	refuse("mysql://ann:s3cret@db/game")
	refuse("")
	refuse("ann:s3cret@db/game?sslmode=sometimes")
	refuse("ann:s3%zzcret@db/game")
}

func TestRedacted(t *testing.T) {
	for _, address := range []string{"ann:s3cret@db:5432/game", "postgres://ann:s3cret@db", "ann@db/game?password=s3cret", "ann:s3cret@db:port%zz"} {
		if got := Redacted(address); strings.Contains(got, "s3cret") {
			t.Errorf("%q shows the password", got)
		}
	}
	if got := Redacted("ann:x@db/game"); !strings.Contains(got, "ann") || !strings.Contains(got, "db/game") {
		t.Errorf("%q does not say which database", got)
	}
}

// open opens a store and returns what it logged.
func open(t *testing.T, c Config) (store.DB, string, error) {
	t.Helper()
	var log bytes.Buffer
	c.Log = slog.New(slog.NewTextHandler(&log, nil))
	db, err := Open(t.Context(), c)
	if err == nil {
		t.Cleanup(func() { _ = db.Close() })
	}
	return db, log.String(), err
}

func hasSystemUser(t *testing.T, db store.DB) {
	t.Helper()
	users, err := store.GetMany(t.Context(), db, schema.Users, []any{id.UUID{}})
	if err != nil || users[0] == nil || users[0].Username != "" || users[0].LangTag != "en" {
		t.Errorf("the system user is %+v, %v", users, err)
	}
}

func TestOpenEmbedded(t *testing.T) {
	dir := t.TempDir()
	for range 2 { // new, and again
		db, _, err := open(t, Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		hasSystemUser(t, db)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOpenPostgres(t *testing.T) {
	f := func(want error, dsn string) string {
		t.Helper()
		db, log, err := open(t, Config{Addresses: []string{dsn}})
		if !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
		if err == nil {
			hasSystemUser(t, db)
		}
		return log
	}
	f(migrate.ErrNoDatabase, server.Missing(t))
	f(migrate.ErrNoRecords, server.Database(t))

	nakama := server.Database(t)
	if _, err := migrate.Up(t.Context(), nakama, 18); err != nil {
		t.Fatal(err)
	}
	f(migrate.ErrOutdated, nakama)
	if _, err := migrate.Up(t.Context(), nakama, 1); err != nil {
		t.Fatal(err)
	}
	if log := f(nil, nakama); !strings.Contains(log, "skirmish-session-revocation") {
		t.Errorf("a Nakama database was opened without a word of what it got: %s", log)
	}
	if log := f(nil, nakama); strings.Contains(log, "extended") || strings.Contains(log, migrate.NoteNewer) {
		t.Errorf("the second start logs %s", log)
	}
	conn, err := pgx.Connect(t.Context(), nakama)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), "INSERT INTO migration_info (id) VALUES ('20991231000000-later.sql')"); err != nil {
		t.Fatal(err)
	}
	if log := f(nil, nakama); !strings.Contains(log, migrate.NoteNewer) {
		t.Errorf("a newer database is opened without a warning: %s", log)
	}
}
