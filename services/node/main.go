package node

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/skirmishgg/skirmish/engine/match"
	"github.com/skirmishgg/skirmish/services/config"
	"github.com/skirmishgg/skirmish/services/log"
)

// Options are what a studio's own server adds to the settings.
type Options struct {
	Games   []*match.Definition
	Modules []Module
	Version string // as modules see it
	Watch   bool   // reload modules in runtime.path when their files change
}

// Main is a server's whole program: it reads the settings of flags, environment and files, serves until SIGINT or SIGTERM,
// lets matches end for shutdown_grace_sec, and ends the process. A second signal cuts that short; SIGHUP loads the modules
// anew.
func Main(o Options) {
	if err := serve(o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(o Options) (err error) {
	stop, hurry := WatchSignals()
	flags, rest := config.Split(os.Args[1:])
	if len(rest) > 0 {
		return fmt.Errorf("%s is no setting", rest[0])
	}
	settings, err := config.Load(config.Sources{Flags: flags, Env: os.Environ(), Generate: true})
	if err != nil {
		return err
	}
	logger, closer, err := OpenLog(settings.Logger)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closer.Close()) }()
	for _, w := range settings.Warnings {
		logger.Warn(w.Text, "param", w.Key)
	}
	n, err := Start(Config{
		Settings: settings, Games: o.Games, Modules: o.Modules, Version: o.Version, WatchModules: o.Watch, Log: logger,
	})
	if err != nil {
		return err
	}
	return n.Run(stop, hurry)
}

// OpenLog opens the log as settings want it.
func OpenLog(l config.Logger) (*slog.Logger, io.Closer, error) {
	c := log.Config{
		Level: l.Level, Format: l.Format, File: l.File, Rotation: l.Rotation, MaxSizeMB: l.MaxSize, MaxAgeDays: l.MaxAge,
		MaxBackups: l.MaxBackups, LocalTime: l.LocalTime, Compress: l.Compress,
	}
	if l.Stdout {
		c.Stdout = os.Stdout
	}
	return log.Open(c)
}
