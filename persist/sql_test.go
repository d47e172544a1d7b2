package persist

import (
	"context"
	"errors"
	"testing"
)

func TestSQLOfTheEmbeddedStoreSaysWhatToDo(t *testing.T) {
	db, err := SQL(Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ctx := context.Background()
	f := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, ErrNoSQL) {
			t.Errorf("%s: %v", what, err)
		}
	}
	f("Ping", db.PingContext(ctx))
	_, err = db.QueryContext(ctx, "SELECT 1")
	f("Query", err)
	_, err = db.ExecContext(ctx, "SELECT 1")
	f("Exec", err)
	_, err = db.BeginTx(ctx, nil)
	f("Begin", err)
	var n int
	f("QueryRow", db.QueryRowContext(ctx, "SELECT 1").Scan(&n))
}

func TestConnectionsAreShared(t *testing.T) {
	f := func(connsMax, rows, sql int) {
		t.Helper()
		if r, s := shares(connsMax); r != rows || s != sql {
			t.Errorf("%d: %d and %d, want %d and %d", connsMax, r, s, rows, sql)
		}
	}
	f(0, 75, 25)
	f(100, 75, 25)
	f(4, 3, 1)
	f(1, 1, 1)
}
