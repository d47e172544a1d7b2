package migrate

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	invalidDatabase   = "3D000"
	undefinedTable    = "42P01"
	duplicateDatabase = "42P04"
	uniqueViolation   = "23505"
	wrongObject       = "42809" // a locale that the system does not have
	invalidParameter  = "22023"
)

func is(err error, codes ...string) bool {
	var refused *pgconn.PgError
	if !errors.As(err, &refused) {
		return false
	}
	for _, c := range codes {
		if refused.Code == c {
			return true
		}
	}
	return false
}

func connect(ctx context.Context, dsn string, onNotice pgconn.NoticeHandler) (*pgx.Conn, error) {
	conf, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("bad database connection URL: %w", err)
	}
	conf.OnNotice = onNotice
	conn, err := pgx.ConnectConfig(ctx, conf)
	switch {
	case is(err, invalidDatabase):
		return nil, ErrNoDatabase
	case err != nil:
		return nil, fmt.Errorf("connect to the database: %w", err)
	}
	return conn, nil
}

// createDatabase makes the database that dsn names when there is none: sorted by bytes, as the program sorts, so that
// one index serves a listing and a look-up.
func createDatabase(ctx context.Context, dsn string) error {
	conn, err := connect(ctx, dsn, nil)
	if err == nil {
		return conn.Close(ctx)
	}
	if !errors.Is(err, ErrNoDatabase) {
		return err
	}
	conf, err := pgx.ParseConfig(dsn)
	if err != nil {
		return err
	}
	name := conf.Database
	conf.Database = "postgres"
	conn, err = pgx.ConnectConfig(ctx, conf)
	if is(err, invalidDatabase) {
		conf.Database = "template1"
		conn, err = pgx.ConnectConfig(ctx, conf)
	}
	if err != nil {
		return fmt.Errorf("connect to create database %s: %w", name, err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	// Letters beyond ASCII have cases only under a locale that knows them; sorting stays bytewise.
	for _, ctype := range []string{"C.UTF-8", "C"} {
		_, err = conn.Exec(ctx, fmt.Sprintf("CREATE DATABASE %s TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE '%s'", pgx.Identifier{name}.Sanitize(), ctype))
		if !is(err, wrongObject, invalidParameter) {
			break
		}
	}
	if err != nil && !is(err, duplicateDatabase, uniqueViolation) { // another server was faster
		return fmt.Errorf("create database %s: %w", name, err)
	}
	return nil
}
