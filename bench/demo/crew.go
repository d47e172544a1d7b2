package demo

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/skirmishgg/skirmish/bench/bot"
	"github.com/skirmishgg/skirmish/netcode/snapshot"
	"github.com/skirmishgg/skirmish/netcode/token"
	skirmish "github.com/skirmishgg/skirmish/sdk-gen/base/go"
)

// botNames are people who made machines play.
var botNames = []string{"Ada", "Grace", "Edsger", "Barbara", "Donald", "Frances", "Alan", "Radia", "Claude", "Margaret", "Dennis", "Lynn", "Ken", "Hedy", "Niklaus", "Sophie"}

// mint gets a connect token for one of the crew.
type mint func(ctx context.Context, number int, username string) (*token.Connect, error)

// crew is the demo's own clients: the bots and the spectator. Each connects again when its connection ends.
type crew struct {
	// constant after newCrew
	page   *Page
	schema *snapshot.Schema
	mint   mint
	log    *slog.Logger

	mu      sync.Mutex
	clients map[int]*skirmish.Client // connected bots, by number
	before  map[int]traffic          // at the last sample
	group   sync.WaitGroup
}

const spectatorNumber = -1

type traffic struct {
	client   *skirmish.Client
	in, out  uint64
	measured time.Duration
}

func newCrew(page *Page, schema *snapshot.Schema, m mint, log *slog.Logger) *crew {
	return &crew{page: page, schema: schema, mint: m, log: log, clients: map[int]*skirmish.Client{}, before: map[int]traffic{}}
}

// start lets the spectator and some bots in, one after the other. They leave when ctx ends; wait returns when they have.
func (c *crew) start(ctx context.Context, bots, rate int, seed uint64) {
	c.keep(ctx, spectatorNumber, "spectator", 0, func() skirmish.Game { return newSpectator(c.page, c.schema).game() })
	for i := range bots {
		name := botNames[i%len(botNames)]
		c.keep(ctx, i, name, time.Duration(i)*80*time.Millisecond, func() skirmish.Game {
			return bot.New(c.schema, rate, seed+uint64(i)).Game()
		})
	}
}

func (c *crew) wait() { c.group.Wait() }

// keep keeps one client connected until ctx ends, as the same user each time: within the match's grace a bot has its
// place and score back.
func (c *crew) keep(ctx context.Context, number int, name string, after time.Duration, game func() skirmish.Game) {
	c.group.Add(1)
	go func() { // ends with ctx; wait waits for it
		defer c.group.Done()
		for pause(ctx, after) {
			if err := c.play(ctx, number, name, game()); err != nil && ctx.Err() == nil {
				c.log.Warn("a client of the demo has left and comes back", "name", name, "reason", err)
			}
			after = time.Second
		}
	}()
}

func (c *crew) play(ctx context.Context, number int, name string, game skirmish.Game) error {
	t, err := c.mint(ctx, number, name)
	if err != nil {
		return err
	}
	connecting, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	client, err := skirmish.ConnectToken(connecting, t, game)
	if err != nil {
		return err
	}
	if number != spectatorNumber {
		c.set(number, client)
		defer c.set(number, nil)
	}
	select {
	case <-ctx.Done():
		client.Close()
		return nil
	case <-client.Done():
		return client.Err()
	}
}

func (c *crew) set(number int, client *skirmish.Client) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if client == nil {
		delete(c.clients, number)
		return
	}
	c.clients[number] = client
}

// measure fills what clients know best: what arrives, what they send, and how long the way is.
func (c *crew) measure(f *Figures, now time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var trips []time.Duration
	var down, up float64
	count := 0
	for number, client := range c.clients {
		s := client.Stats()
		then, known := c.before[number]
		c.before[number] = traffic{client, s.BytesIn, s.BytesOut, now}
		if s.RTT > 0 {
			trips = append(trips, s.RTT)
		}
		if !known || then.client != client || now <= then.measured {
			continue
		}
		seconds := (now - then.measured).Seconds()
		down += float64(s.BytesIn-then.in) / seconds
		up += float64(s.BytesOut-then.out) / seconds
		count++
	}
	if count > 0 {
		f.DownBytes, f.UpBytes = down/float64(count), up/float64(count)
	}
	slices.SortFunc(trips, cmp.Compare[time.Duration])
	if n := len(trips); n > 0 {
		f.RTTP50, f.RTTP99 = trips[n/2], trips[(n*99+99)/100-1]
	}
}

// pause waits; false when ctx has ended.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
