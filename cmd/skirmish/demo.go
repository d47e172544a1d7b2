package main

import (
	"context"
	"os"

	"github.com/skirmishgg/skirmish/bench/demo"
	"github.com/skirmishgg/skirmish/services/log"
)

type demoCmd struct {
	Page string `default:"127.0.0.1:7360" help:"Address of the page; loopback only."`
	Bots int    `default:"12" help:"How many bots play, up to 16."`
	Rate int    `default:"60" help:"Ticks per second of the arena: 60 or 128."`

	Watch bool `default:"true" negatable:"" help:"Reload the modules in runtime.path when their files change."`
}

// demoDefaults keep a demo on the machine it runs on, unless somebody wants it otherwise.
var demoDefaults = map[string]string{
	"socket.address": "127.0.0.1", "console.address": "127.0.0.1", "logger.level": "error",
}

// Help is printed by "skirmish demo --help".
func (demoCmd) Help() string { return settingsHelp() }

// Run runs the demo until a signal comes.
func (c *demoCmd) Run(a *app) error {
	conf, logger, closeLog, err := startUp(a, demoDefaults)
	if err != nil {
		return err
	}
	defer closeLog()
	nc, err := nodeConfig(conf, logger, c.Rate)
	if err != nil {
		return err
	}
	nc.WatchModules = c.Watch
	if onTerminal(conf) {
		printBanner(os.Stdout, conf, nil)
	}
	if err := demo.Run(a.ctx, demo.Config{Node: nc, Page: c.Page, Bots: c.Bots, Out: os.Stdout}); err != nil {
		logger.Log(context.Background(), log.LevelFatal, "The demo failed", "error", err)
		return errSaid
	}
	return nil
}
