// Package persist opens the store that the configuration asks for: PostgreSQL at database.address, or the embedded one in
// data_dir when there is no address.
package persist

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/skirmishgg/skirmish/persist/bunt"
	"github.com/skirmishgg/skirmish/persist/pg"
	"github.com/skirmishgg/skirmish/persist/pg/migrate"
	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
)

// Config says where rows are kept.
type Config struct {
	Addresses []string // database.address: the first is used; none: the embedded store
	Dir       string   // of the embedded store; made when missing

	// of connections to PostgreSQL
	ConnsMax     int           // database.max_open_conns, for the store and SQL; 0: 100
	ConnLifetime time.Duration // database.conn_max_lifetime_ms; 0: an hour

	Clock func() time.Time // the server's; nil: time.Now
	Log   *slog.Logger
}

// Open returns a store with its schema in place. An existing Nakama database is given the tables and indexes that are only
// ours; one whose own schema is older is refused, as Nakama does.
// Errors: migrate.ErrNoDatabase, ErrNoRecords and ErrOutdated say what to run; others what cannot be reached or used.
func Open(ctx context.Context, c Config) (store.DB, error) {
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if len(c.Addresses) == 0 {
		return openEmbedded(ctx, c)
	}
	return openPostgres(ctx, c)
}

func openEmbedded(ctx context.Context, c Config) (store.DB, error) {
	db, err := bunt.Open(bunt.Config{Dir: c.Dir, Clock: c.Clock, Warn: func(err error) { c.Log.Warn("embedded store", "error", err) }})
	if err != nil {
		return nil, fmt.Errorf("open the embedded store: %w", err)
	}
	if err := db.Write(ctx, nil, schema.Seed); err != nil {
		return nil, errors.Join(fmt.Errorf("put the first rows: %w", err), db.Close())
	}
	c.Log.Info("embedded store", "dir", c.Dir)
	return db, nil
}

func openPostgres(ctx context.Context, c Config) (store.DB, error) {
	dsn, err := DSN(c.Addresses[0])
	if err != nil {
		return nil, err
	}
	if err := prepare(ctx, dsn, c.Log); err != nil {
		return nil, err
	}
	conns, _ := shares(c.ConnsMax)
	db, err := pg.Open(ctx, pg.Config{DSN: dsn, ConnsMax: conns, ConnLifetime: c.ConnLifetime, Clock: c.Clock})
	if err != nil {
		return nil, err
	}
	return db, nil
}

const invalidDatabase = "3D000"

// prepare checks the schema, and adds what is only ours.
func prepare(ctx context.Context, dsn string, log *slog.Logger) error {
	conn, err := pgx.Connect(ctx, dsn)
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.Code == invalidDatabase {
		return migrate.ErrNoDatabase
	}
	if err != nil {
		return fmt.Errorf("connect to the database: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	log.Info("database", "address", Redacted(dsn), "version", conn.PgConn().ParameterStatus("server_version"))
	report, err := migrate.Check(ctx, conn)
	if len(report.Unknown) > 0 {
		log.Warn(migrate.NoteNewer, "unknown", report.Unknown)
	}
	if !errors.Is(err, migrate.ErrOutdated) || !report.Own() {
		return err
	}
	done, err := migrate.Up(ctx, dsn, 0)
	log.Info("database schema extended", "applied", done.Names, "notes", done.Notes)
	return err
}

// DSN is the full form of a database.address: user:password@host:port/database?parameter=value, where user root, database
// nakama and sslmode=prefer need not be said; a postgres:// URL may be given as well.
// Errors name no part of the address, since it holds a password.
func DSN(address string) (string, error) {
	if !strings.Contains(address, "://") {
		address = "postgres://" + address
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" || u.Host == "" {
		return "", errors.New("database.address: bad database connection URL: want user:password@host:port/database")
	}
	u.Scheme = "postgres"
	if u.User.Username() == "" {
		if password, ok := u.User.Password(); ok {
			u.User = url.UserPassword("root", password)
		} else {
			u.User = url.User("root")
		}
	}
	if strings.Trim(u.Path, "/") == "" {
		u.Path = "/nakama"
	}
	if q := u.Query(); q.Get("sslmode") == "" {
		q.Set("sslmode", "prefer")
		u.RawQuery = q.Encode()
	}
	if _, err := pgx.ParseConfig(u.String()); err != nil {
		return "", errors.New("database.address: bad database connection URL: a parameter is not understood")
	}
	return u.String(), nil
}

// Redacted is an address without its password, for logs.
func Redacted(address string) string {
	if !strings.Contains(address, "://") {
		address = "postgres://" + address
	}
	u, err := url.Parse(address)
	if err != nil {
		return "(not readable)"
	}
	q := u.Query()
	if q.Has("password") {
		q.Set("password", "xxxxx")
		u.RawQuery = q.Encode()
	}
	return u.Redacted()
}
