package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	nakama "github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"

	"github.com/skirmishgg/skirmish/bench/arena"
	"github.com/skirmishgg/skirmish/bench/bot"
	"github.com/skirmishgg/skirmish/netcode/token"
	skirmish "github.com/skirmishgg/skirmish/sdk-gen/base/go"
)

type botCmd struct {
	Server     string `default:"http://127.0.0.1:7350" help:"The server's REST address."`
	ServerKey  string `default:"defaultkey" help:"Its socket.server_key."`
	Match      string `required:"" xor:"match" placeholder:"ID" help:"The arena match to join; \"skirmish serve --arena\" and the demo say which there is."`
	Find       string `required:"" xor:"match" placeholder:"QUERY" help:"Join the newest arena that match listing finds by this query, such as '+label.open:T'."`
	Matchmaker bool   `required:"" xor:"match" help:"Join the arena that the matchmaker starts for them; the server's matchmaker.native_match is arena."`
	Count      int    `default:"8" help:"How many bots."`
	Rate       int    `default:"60" help:"Ticks per second of the arena: 60 or 128."`
}

// Run lets bots sign in, join the match and play until a signal comes or all have ended.
func (c *botCmd) Run(a *app) error {
	def := arena.Definition(c.Rate)
	schema, err := def.Compile()
	if err != nil {
		return err
	}
	api := &skirmish.API{URL: c.Server, ServerKey: c.ServerKey}
	var bots sync.WaitGroup
	var failures errorList
	for i := range c.Count {
		bots.Go(func() { // ends with a.ctx or its connection; Wait below
			if err := c.play(a.ctx, api, bot.New(schema, c.Rate, uint64(i+1)), i); err != nil {
				failures.add(fmt.Errorf("bot %d: %w", i+1, err))
			}
		})
	}
	bots.Wait()
	return errors.Join(failures.all...)
}

// play signs a bot in by a device id of its own, so that it is the same user each time.
func (c *botCmd) play(ctx context.Context, api *skirmish.API, b *bot.Bot, i int) error {
	session, err := api.SignIn(ctx, fmt.Sprintf("skirmish-bot-%04d", i+1), fmt.Sprint("bot ", i+1))
	if err != nil {
		return fmt.Errorf("sign in: %w", err)
	}
	t, err := c.way(ctx, api, session)
	switch {
	case ctx.Err() != nil:
		return nil // told to stop before it played
	case err != nil:
		return err
	}
	return b.Run(ctx, t)
}

// way is the connect token for a match of the arena.
func (c *botCmd) way(ctx context.Context, api *skirmish.API, session *nakama.Session) (*token.Connect, error) {
	if c.Matchmaker {
		t, err := c.matchmake(ctx, api, session)
		if err != nil {
			return nil, fmt.Errorf("be matched: %w", err)
		}
		return t, nil
	}
	match := c.Match
	if c.Find != "" {
		var err error
		if match, err = c.find(ctx, api, session); err != nil {
			return nil, fmt.Errorf("find a match: %w", err)
		}
	}
	t, err := api.ConnectToken(ctx, session, match)
	if err != nil {
		return nil, fmt.Errorf("ask for a connect token: %w", err)
	}
	return t, nil
}

// matchmake waits until the matchmaker has found others, best as many as there are bots, and started an arena for them.
func (c *botCmd) matchmake(ctx context.Context, api *skirmish.API, session *nakama.Session) (*token.Connect, error) {
	most := max(2, min(c.Count, arena.PlayersMax))
	m, err := api.Matchmake(ctx, session, &rtapi.MatchmakerAdd{
		MinCount: 2, MaxCount: int32(most), Query: "+properties.game:arena", StringProperties: map[string]string{"game": "arena"},
	})
	if err != nil {
		return nil, err
	}
	return skirmish.MatchConnect(m)
}

// find asks the match listing for an arena that bots of this rate can play.
func (c *botCmd) find(ctx context.Context, api *skirmish.API, session *nakama.Session) (string, error) {
	list, err := api.FindMatches(ctx, session, c.Find, findMax)
	if err != nil {
		return "", err
	}
	for _, m := range list {
		if m.HandlerName == arena.Definition(c.Rate).Name && int(m.TickRate) == c.Rate {
			return m.MatchId, nil
		}
	}
	return "", fmt.Errorf("of %d matches that %q finds, none is an arena at %d Hz", len(list), c.Find, c.Rate)
}

const findMax = 100 // matches in a listing

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
