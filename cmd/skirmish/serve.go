package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strings"

	"github.com/skirmishgg/skirmish/bench/arena"
	"github.com/skirmishgg/skirmish/engine/match"
	"github.com/skirmishgg/skirmish/services/config"
	"github.com/skirmishgg/skirmish/services/log"
	"github.com/skirmishgg/skirmish/services/node"
)

type serveCmd struct {
	Watch bool `help:"Reload the modules in runtime.path when their files change."`
	Arena bool `help:"Start an arena match, the example game."`
	Rate  int  `default:"60" help:"Ticks per second of the arena: 60 or 128."`
}

// Help is printed by "skirmish serve --help".
func (serveCmd) Help() string { return settingsHelp() }

// Run serves until a signal comes and players had their time to finish.
func (c *serveCmd) Run(a *app) error {
	conf, logger, closeLog, err := startUp(a, nil)
	if err != nil {
		return err
	}
	defer closeLog()
	if err := c.serve(a, conf, logger); err != nil {
		logger.Log(context.Background(), log.LevelFatal, "The server failed", "error", err)
		return errSaid
	}
	logger.Info("Shutdown complete")
	return nil
}

func (c *serveCmd) serve(a *app, conf *config.Config, logger *slog.Logger) error {
	nc, err := nodeConfig(conf, logger, c.Rate)
	if err != nil {
		return err
	}
	nc.WatchModules = c.Watch
	n, err := node.Start(nc)
	if err != nil {
		return err
	}
	if c.Arena {
		if err := c.arena(n, logger); err != nil {
			over, cancel := context.WithCancel(context.Background())
			cancel()
			return errors.Join(err, n.Run(over, over.Done()))
		}
	}
	logger.Info("Startup done")
	if onTerminal(conf) {
		printBanner(os.Stdout, conf, doors(n))
	}
	return n.Run(a.ctx, a.hurry)
}

// arena starts the example game.
func (c *serveCmd) arena(n *node.Node, logger *slog.Logger) error {
	m, err := n.StartMatch(arena.Definition(c.Rate).Name, node.MatchOptions{})
	if err != nil {
		return err
	}
	logger.Info("An arena match runs: skirmish bot --match "+m.String(), "match", m.String(), "rate", c.Rate)
	return nil
}

// startUp reads the configuration and opens the log. What is wrong is said: to people as a list, otherwise as log lines.
func startUp(a *app, defaults map[string]string) (*config.Config, *slog.Logger, func(), error) {
	conf, err := a.load(true, defaults)
	logger, closer, logErr := node.OpenLog(conf.Logger)
	if logErr != nil { // before there is a configuration, there is a log all the same
		logger, closer, _ = log.Open(log.Config{Format: "auto", Stdout: os.Stdout})
		if err == nil {
			logger.Log(context.Background(), log.LevelFatal, "Failed to open the log", "error", logErr)
			return nil, nil, nil, errSaid
		}
	}
	closeLog := func() {
		if err := closer.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "skirmish: close the log:", err)
		}
	}
	if err != nil {
		defer closeLog()
		return nil, nil, nil, sayProblems(conf, logger, err)
	}
	slog.SetDefault(logger) // what libraries log, and package log's users
	for _, w := range conf.Warnings {
		logger.Warn(sentence(w), "param", w.Key, "source", w.From.String())
	}
	logger.Info("Skirmish starting", "node", conf.Name, "version", versionLine(), "runtime", runtime.Version(), "cpu", runtime.NumCPU(),
		"data_dir", conf.DataDir, "database", storeName(conf))
	if len(conf.Generated) > 0 {
		logger.Info("Secrets that nobody gave were made", "file", conf.SecretsFile(), "keys", strings.Join(conf.Generated, " "))
	}
	return conf, logger, closeLog, nil
}

// sayProblems says why the server does not start.
func sayProblems(conf *config.Config, logger *slog.Logger, err error) error {
	ps, ok := config.AsProblems(err)
	if !ok || onTerminal(conf) {
		return err
	}
	for _, p := range ps {
		attrs := []any{}
		if p.Key != "" {
			attrs = append(attrs, "param", p.Key)
		}
		if p.From.Kind != config.FromDefault {
			attrs = append(attrs, "source", p.From.String())
		}
		if p.Advice != "" {
			attrs = append(attrs, "advice", p.Advice)
		}
		logger.Log(context.Background(), log.LevelFatal, p.Text, attrs...)
	}
	return errSaid
}

// sentence is a warning's text with what to do.
func sentence(p config.Problem) string {
	if p.Advice == "" {
		return p.Text
	}
	return p.Text + ". " + p.Advice
}

// onTerminal says whether people read the output, so that it may have more than log lines.
func onTerminal(c *config.Config) bool {
	return c.Logger.Stdout && (c.Logger.Format == "text" || c.Logger.Format == "auto" && log.Terminal(os.Stdout))
}

// storeName is where data is kept, for people.
func storeName(c *config.Config) string {
	if c.Embedded() {
		return "embedded in " + c.DataDir
	}
	return config.RedactDSN(c.Database.Address[0])
}

// nodeConfig is what a node needs of the configuration. rate is of the arena, the game that every server has until a
// studio brings its own.
func nodeConfig(c *config.Config, logger *slog.Logger, rate int) (node.Config, error) {
	if rate != arena.Rate && rate != arena.RateFast {
		return node.Config{}, fmt.Errorf("--rate is %d or %d, not %d", arena.Rate, arena.RateFast, rate)
	}
	game := arena.Definition(rate)
	return node.Config{Settings: c, Games: []*match.Definition{&game}, Log: logger, Version: version}, nil
}
