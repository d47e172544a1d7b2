package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/skirmishgg/skirmish/persist/pg/migrate"
	"github.com/skirmishgg/skirmish/services/config"
	"github.com/skirmishgg/skirmish/services/node"
)

type migrateCmd struct {
	Action string `arg:"" optional:"" help:"up, down, redo or status."`
	Yes    bool   `help:"Do not ask before reverting."`
}

// Help is printed by "skirmish migrate --help".
func (migrateCmd) Help() string {
	return `  up      create the database if there is none, and run what is pending: all, or --limit of them
  down    revert the newest --limit migrations, which deletes the data in what they made; asks first
  redo    revert the newest migration and run it again; asks first
  status  list the migrations and when each was run

Settings: --database.address, --config, --limit, --logger.format, also in the environment.
The database of a Nakama server up to 3.40 is continued where it is.`
}

// migrateSettings are those that the command line of migrate takes.
var migrateSettings = []string{"database.address", "config", "limit", "logger.format"}

// Run migrates.
func (c *migrateCmd) Run(a *app) error {
	if !slices.Contains([]string{"up", "down", "redo", "status"}, c.Action) {
		//lint:ignore ST1005 Nakama's words
		return errors.New("Unrecognized migrate subcommand. Available commands are: 'up', 'down', 'redo', 'status'.")
	}
	for _, name := range a.flags.Names() {
		if !slices.Contains(migrateSettings, name) {
			return fmt.Errorf("migrate takes --%s, not --%s", strings.Join(migrateSettings, ", --"), name)
		}
	}
	conf, err := a.load(false, nil)
	if err := migrateProblems(err); err != nil {
		return err
	}
	dsn := conf.DSN()
	if dsn == "" {
		return errors.New("migrations are for Postgres: give --database.address. The embedded store needs none")
	}
	logger, closer, err := node.OpenLog(conf.Logger)
	if err != nil {
		return err
	}
	defer closer.Close()
	return c.migrate(a.ctx, conf, dsn, logger)
}

// migrateProblems keeps the problems that concern migrations: a server's other troubles must not stop them.
func migrateProblems(err error) error {
	ps, ok := config.AsProblems(err)
	if !ok {
		return err
	}
	ps = slices.DeleteFunc(slices.Clone(ps), func(p config.Problem) bool {
		return !slices.Contains(migrateSettings, p.Key) && p.From.Kind != config.FromFlag && (p.Key != "" || p.From.Kind != config.FromFile)
	})
	if len(ps) == 0 {
		return nil
	}
	return ps
}

func (c *migrateCmd) migrate(ctx context.Context, conf *config.Config, dsn string, logger *slog.Logger) error {
	var done migrate.Done
	var err error
	verb := "Applied"
	switch c.Action {
	case "up":
		done, err = migrate.Up(ctx, dsn, conf.Limit)
	case "down":
		if !conf.Given("limit") || conf.Limit < 1 {
			return fmt.Errorf("%w: --limit 1", migrate.ErrNoLimit)
		}
		if err := c.confirm(fmt.Sprintf("This reverts the newest %d migrations of %s and deletes the data in what they made.", conf.Limit, config.RedactDSN(dsn))); err != nil {
			return err
		}
		verb = "Reverted"
		done, err = migrate.Down(ctx, dsn, conf.Limit)
	case "redo":
		if err := c.confirm(fmt.Sprintf("This reverts the newest migration of %s, which deletes the data in what it made, and runs it again.", config.RedactDSN(dsn))); err != nil {
			return err
		}
		verb = "Reverted and applied"
		done, err = migrate.Redo(ctx, dsn)
	case "status":
		return status(ctx, dsn, os.Stdout, logger)
	}
	for _, note := range done.Notes {
		logger.Warn(note)
	}
	for _, name := range done.Names {
		logger.Info(verb+" migration", "name", name)
	}
	if err != nil {
		return err
	}
	logger.Info("Migrations are done", "count", len(done.Names))
	return nil
}

// confirm asks, unless --yes has answered.
func (c *migrateCmd) confirm(what string) error {
	if c.Yes {
		return nil
	}
	fmt.Fprintf(os.Stderr, "%s\nType yes to go on: ", what)
	answer, err := bufio.NewReader(io.LimitReader(os.Stdin, 64)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if strings.TrimSpace(answer) != "yes" {
		return errors.New("nothing was changed. --yes answers for a script")
	}
	return nil
}

func status(ctx context.Context, dsn string, w io.Writer, logger *slog.Logger) error {
	steps, err := migrate.Status(ctx, dsn)
	if err != nil {
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "MIGRATION\tAPPLIED")
	for _, s := range steps {
		when := "pending"
		if !s.Applied.IsZero() {
			when = s.Applied.UTC().Format(time.DateTime)
		}
		fmt.Fprintf(t, "%s\t%s\n", s.Name, when)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, s := range steps {
		if !s.Known {
			logger.Warn("Unknown migration in the database", "name", s.Name)
		}
	}
	return nil
}
