package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/skirmishgg/skirmish/bench/arena"
	"github.com/skirmishgg/skirmish/bench/bot"
	"github.com/skirmishgg/skirmish/netcode/token"
)

type botCmd struct {
	Tokens string `arg:"" type:"existingfile" help:"File with connect tokens, one a line: a bot for each. \"skirmish serve --tokens FILE\" writes one."`
	Rate   int    `default:"60" help:"Ticks per second of the arena: 60 or 128."`
}

// Run lets one bot a token play until a signal comes or all have ended.
func (c *botCmd) Run(a *app) error {
	text, err := os.ReadFile(c.Tokens)
	if err != nil {
		return err
	}
	def := arena.Definition(c.Rate)
	schema, err := def.Compile()
	if err != nil {
		return err
	}
	var bots sync.WaitGroup
	var failures errorList
	for i, line := range strings.Fields(string(text)) {
		t, err := token.ParseText(line)
		if err != nil {
			return fmt.Errorf("%s, token %d: %w", c.Tokens, i+1, err)
		}
		bots.Go(func() { // ends with a.ctx or its connection; Wait below
			if err := bot.New(schema, c.Rate, uint64(i+1)).Run(a.ctx, t); err != nil {
				failures.add(fmt.Errorf("bot %d: %w", i+1, err))
			}
		})
	}
	bots.Wait()
	return errors.Join(failures.all...)
}

// errorList collects errors of many goroutines.
type errorList struct {
	mu  sync.Mutex
	all []error
}

func (l *errorList) add(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, err)
}
