package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

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
// lets matches end for shutdown_grace_sec, and ends the process. A second signal cuts that short.
func Main(o Options) {
	if err := serve(o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// stopTime is how long goodbyes may take.
const stopTime = 5 * time.Second

func serve(o Options) (err error) {
	flags, rest := config.Split(os.Args[1:])
	if len(rest) > 0 {
		return fmt.Errorf("%s is no setting", rest[0])
	}
	settings, err := config.Load(config.Sources{Flags: flags, Env: os.Environ(), Generate: true})
	if err != nil {
		return err
	}
	logger, closer, err := log.Open(logConfig(settings.Logger))
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
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	<-signals
	return n.end(signals)
}

// end drains and stops; a signal meanwhile ends the draining.
func (n *Node) end(hurry <-chan os.Signal) error {
	if grace := seconds(n.c.Settings.ShutdownGraceSec); grace > 0 {
		ctx, cancel := context.WithTimeout(context.Background(), grace)
		defer cancel()
		go func() { // ends with the first signal, or with end
			select {
			case <-hurry:
				cancel()
			case <-ctx.Done():
			}
		}()
		if err := n.Drain(ctx); err != nil {
			n.c.Log.Info("Matches were cut short", "why", err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	return n.Stop(ctx)
}

func logConfig(l config.Logger) log.Config {
	c := log.Config{
		Level: l.Level, Format: l.Format, File: l.File, Rotation: l.Rotation, MaxSizeMB: l.MaxSize, MaxAgeDays: l.MaxAge,
		MaxBackups: l.MaxBackups, LocalTime: l.LocalTime, Compress: l.Compress,
	}
	if l.Stdout {
		c.Stdout = os.Stdout
	}
	return c
}
