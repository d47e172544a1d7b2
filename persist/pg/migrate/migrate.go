// Package migrate brings a PostgreSQL database to the schema that this program works with, and back.
//
// The files in sql/ are applied in name order, each in a transaction of its own together with its row in migration_info.
// The first 19 carry the names that Nakama 3.40 records there and end in the schema it ends in, so a database of either
// program is continued, and nothing is applied twice. Ours follow, by date.
//
// The runner is our own: the usual ones number their files, and two of Nakama's share a number.
package migrate

import (
	"cmp"
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

//go:embed sql/*.sql
var files embed.FS

// Step is one migration.
type Step struct {
	Name    string
	Applied time.Time // zero: not yet
	Known   bool      // false: another program, or a later version of this one, has applied it
}

// Done is what a call did.
type Done struct {
	Names []string // in the order in which they were applied or reverted
	Notes []string // what the server remarked: a part that it could do without
}

// advice is a sentence for the operator, in the words that Nakama's operators know.
type advice string

func (a advice) Error() string { return string(a) }

// What stands in the way of a call.
const (
	ErrNoDatabase = advice("Database schema not found, run `skirmish migrate up`")
	ErrNoRecords  = advice("Could not get migration records, run `skirmish migrate up`")
	ErrOutdated   = advice("DB schema outdated, run `skirmish migrate up`")
	ErrNoLimit    = advice("Say how many migrations to revert: reverting all of them drops all tables")
)

// NoteNewer is said of a database that holds migrations which this program does not know.
const NoteNewer = "DB schema newer, update Skirmish"

// Up applies at most limit migrations, 0 for all, and creates the database when there is none. Of several servers that
// call it at once, one does the work and the others wait for it.
func Up(ctx context.Context, dsn string, limit int) (Done, error) {
	if err := createDatabase(ctx, dsn); err != nil {
		return Done{}, err
	}
	return run(ctx, dsn, func(r *runner) error {
		steps, err := r.steps(ctx)
		if err != nil {
			return err
		}
		for _, s := range steps {
			if !s.Applied.IsZero() {
				continue
			}
			if limit > 0 && len(r.done.Names) == limit {
				break
			}
			if err := r.apply(ctx, s.Name); err != nil {
				return err
			}
		}
		return nil
	})
}

// Down reverts the newest limit migrations.
func Down(ctx context.Context, dsn string, limit int) (Done, error) {
	if limit < 1 {
		return Done{}, ErrNoLimit
	}
	return run(ctx, dsn, func(r *runner) error {
		for range limit {
			name, err := r.newest(ctx)
			if err != nil || name == "" {
				return err
			}
			if err := r.revert(ctx, name); err != nil {
				return err
			}
		}
		return nil
	})
}

// Redo reverts the newest migration and applies it again.
func Redo(ctx context.Context, dsn string) (Done, error) {
	return run(ctx, dsn, func(r *runner) error {
		name, err := r.newest(ctx)
		if err != nil || name == "" {
			return err
		}
		if err := r.revert(ctx, name); err != nil {
			return err
		}
		return r.apply(ctx, name)
	})
}

// Status lists every migration in name order: ours, and what else the database records. It changes nothing.
// Errors: ErrNoDatabase, ErrNoRecords.
func Status(ctx context.Context, dsn string) ([]Step, error) {
	conn, err := connect(ctx, dsn, nil)
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return read(ctx, conn)
}

// Report is how a database compares with this program.
type Report struct {
	Pending []string // migrations it lacks
	Unknown []string // migrations it has beyond ours
}

// Own reports that only migrations are missing that Nakama's schema does not know: tables and indexes beside its own, which
// an existing database can be given without asking.
func (r Report) Own() bool {
	return len(r.Pending) > 0 && !slices.ContainsFunc(r.Pending, func(name string) bool { return !strings.Contains(name, "-skirmish-") })
}

// Check compares the database of conn with this program.
// Errors: ErrNoRecords; ErrOutdated together with the Report when something is pending.
func Check(ctx context.Context, conn *pgx.Conn) (Report, error) {
	steps, err := read(ctx, conn)
	if err != nil {
		return Report{}, err
	}
	var r Report
	for _, s := range steps {
		switch {
		case s.Applied.IsZero():
			r.Pending = append(r.Pending, s.Name)
		case !s.Known:
			r.Unknown = append(r.Unknown, s.Name)
		}
	}
	if len(r.Pending) > 0 {
		return r, ErrOutdated
	}
	return r, nil
}

// names are all migrations in the order in which they are applied.
func names() []string {
	found, err := fs.Glob(files, "sql/*.sql")
	if err != nil {
		panic("migrate: the embedded files: " + err.Error())
	}
	for i := range found {
		found[i] = strings.TrimPrefix(found[i], "sql/")
	}
	slices.Sort(found)
	return found
}

// parts are the statements that apply a migration and those that revert it.
func parts(name string) (up, down string, err error) {
	text, err := files.ReadFile("sql/" + name)
	if err != nil {
		return "", "", fmt.Errorf("migration %s is not one of this program's: update Skirmish", name)
	}
	_, body, found := strings.Cut(string(text), "-- +up\n")
	up, down, both := strings.Cut(body, "-- +down\n")
	if !found || !both {
		return "", "", fmt.Errorf("migration %s lacks its parts", name)
	}
	return up, down, nil
}

// runner does one call's work under the lock. Owned by that call.
type runner struct {
	conn *pgx.Conn
	done Done
}

// lockKey is an arbitrary number that no other program is likely to lock: "skirmish" in ASCII.
const lockKey = 0x736b69726d697368

func run(ctx context.Context, dsn string, f func(*runner) error) (Done, error) {
	r := &runner{}
	var err error
	r.conn, err = connect(ctx, dsn, func(_ *pgconn.PgConn, n *pgconn.Notice) {
		if n.SeverityUnlocalized == "WARNING" {
			r.done.Notes = append(r.done.Notes, n.Message)
		}
	})
	if err != nil {
		return Done{}, err
	}
	defer r.conn.Close(context.WithoutCancel(ctx)) // which also gives the lock back
	if _, err := r.conn.Exec(ctx, "SELECT pg_advisory_lock($1)", int64(lockKey)); err != nil {
		return Done{}, fmt.Errorf("wait for another server's migration: %w", err)
	}
	err = f(r)
	return r.done, err
}

const recordsSQL = `CREATE TABLE IF NOT EXISTS migration_info (id TEXT PRIMARY KEY, applied_at TIMESTAMPTZ NOT NULL DEFAULT now())`

// steps are all migrations; it makes the table that records them when there is none.
func (r *runner) steps(ctx context.Context) ([]Step, error) {
	if _, err := r.conn.Exec(ctx, recordsSQL); err != nil {
		return nil, fmt.Errorf("make the migration records: %w", err)
	}
	return read(ctx, r.conn)
}

// newest is the last migration that was applied, "" when there is none.
func (r *runner) newest(ctx context.Context) (string, error) {
	steps, err := read(ctx, r.conn)
	for _, s := range slices.Backward(steps) {
		if !s.Applied.IsZero() {
			return s.Name, err
		}
	}
	return "", err
}

func (r *runner) apply(ctx context.Context, name string) error {
	up, _, err := parts(name)
	if err != nil {
		return err
	}
	return r.step(ctx, name, up, "INSERT INTO migration_info (id, applied_at) VALUES ($1, now())")
}

func (r *runner) revert(ctx context.Context, name string) error {
	_, down, err := parts(name)
	if err != nil {
		return err
	}
	return r.step(ctx, name, down, "DELETE FROM migration_info WHERE id = $1")
}

// step runs statements and notes them, both or neither.
func (r *runner) step(ctx context.Context, name, statements, note string) error {
	err := pgx.BeginFunc(ctx, r.conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, statements, pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, note, name)
		return err
	})
	if err != nil {
		return fmt.Errorf("migration %s: %w", name, err)
	}
	r.done.Names = append(r.done.Names, name)
	return nil
}

// read joins our migrations with what the database records.
func read(ctx context.Context, conn *pgx.Conn) ([]Step, error) {
	var all []Step
	for _, name := range names() {
		all = append(all, Step{Name: name, Known: true})
	}
	rows, err := conn.Query(ctx, "SELECT id, applied_at FROM migration_info")
	if err != nil {
		return nil, explain(err)
	}
	var name string
	var at *time.Time
	_, err = pgx.ForEachRow(rows, []any{&name, &at}, func() error {
		i := slices.IndexFunc(all, func(s Step) bool { return s.Name == name })
		if i < 0 {
			i, all = len(all), append(all, Step{Name: name})
		}
		if all[i].Applied = time.Unix(0, 0).UTC(); at != nil {
			all[i].Applied = at.UTC()
		}
		return nil
	})
	if err != nil {
		return nil, explain(err)
	}
	slices.SortFunc(all, func(a, b Step) int { return cmp.Compare(a.Name, b.Name) })
	return all, nil
}

func explain(err error) error {
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.Code == undefinedTable {
		return ErrNoRecords
	}
	return fmt.Errorf("read the migration records: %w", err)
}
