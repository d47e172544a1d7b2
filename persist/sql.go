package persist

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// ErrNoSQL is what every call of SQL's result answers on the embedded store.
var ErrNoSQL = errors.New("the embedded store has no SQL: use the functions of nk, or run the server on Postgres (database.address)")

// SQL is the database as a studio's own code sees it: connections apart from the store's, so that a SET, or a transaction
// that somebody forgets, is nobody else's. A quarter of ConnsMax are for it. On the embedded store every call of it
// answers ErrNoSQL. Nothing is connected before it is used.
func SQL(c Config) (*sql.DB, error) {
	if len(c.Addresses) == 0 {
		return sql.OpenDB(noSQL{}), nil
	}
	dsn, err := DSN(c.Addresses[0])
	if err != nil {
		return nil, err
	}
	conf, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("database.address: %w", err)
	}
	db := stdlib.OpenDB(*conf)
	_, conns := shares(c.ConnsMax)
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	db.SetConnMaxLifetime(c.ConnLifetime)
	return db, nil
}

// shares divides the connections between the store and SQL.
func shares(connsMax int) (rows, sql int) {
	connsMax = cmp.Or(connsMax, 100)
	sql = max(connsMax/4, 1)
	return max(connsMax-sql, 1), sql
}

// noSQL connects to nothing.
type noSQL struct{}

func (noSQL) Connect(context.Context) (driver.Conn, error) { return nil, ErrNoSQL }
func (noSQL) Driver() driver.Driver                        { return noSQL{} }
func (noSQL) Open(string) (driver.Conn, error)             { return nil, ErrNoSQL }
