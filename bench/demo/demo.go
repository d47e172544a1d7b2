package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/skirmishgg/skirmish/bench/arena"
	"github.com/skirmishgg/skirmish/engine/match"
	"github.com/skirmishgg/skirmish/engine/shard"
	"github.com/skirmishgg/skirmish/netcode/token"
	skirmish "github.com/skirmishgg/skirmish/sdk-gen/base/go"
	"github.com/skirmishgg/skirmish/services/node"
)

// Config says what to show.
type Config struct {
	Node node.Config // with Settings: its bots have accounts. Games: the arena at some rate; empty: at 60 Hz
	Page string      // address of the page, loopback; "": DefaultPage
	Bots int         // 0 to arena.PlayersMax

	Seed  uint64           // of the match and its bots; 0: another one each time
	Out   io.Writer        // where the addresses are printed; nil: os.Stdout
	Ready func(url string) // called once the page answers; may be nil
}

// Run runs server, match, bots and page until ctx ends, and returns when all of them are over.
// Errors: what node.Start says, a page's address that is taken or not loopback, too many bots.
func Run(ctx context.Context, c Config) error {
	if c.Bots < 0 || c.Bots > arena.PlayersMax {
		return fmt.Errorf("the arena has room for 0 to %d bots, not %d", arena.PlayersMax, c.Bots)
	}
	if len(c.Node.Games) == 0 {
		def := arena.Definition(arena.Rate)
		c.Node.Games = []*match.Definition{&def}
	}
	if c.Node.Log == nil {
		c.Node.Log = slog.Default()
	}
	if c.Out == nil {
		c.Out = os.Stdout
	}
	if c.Seed == 0 {
		c.Seed = uint64(time.Now().UnixNano())
	}
	listener, err := listen(c.Page)
	if err != nil {
		return err
	}
	n, err := node.Start(c.Node)
	if err != nil {
		listener.Close()
		return err
	}
	game := c.Node.Games[0]
	d := &demo{node: n, api: &skirmish.API{URL: "http://" + n.HTTPAddr().String(), ServerKey: c.Node.Settings.Socket.ServerKey}, game: game.Name, log: c.Node.Log, seed: c.Seed}
	if err := d.startMatch(); err != nil {
		listener.Close()
		return errors.Join(err, d.stop())
	}
	page := NewPage()
	page.SetScene(arenaScene(game.Rate))
	closePage := serve(listener, page)
	crew := newCrew(page, n.Schema(game.Name), d.token, d.log)
	crew.start(ctx, c.Bots, game.Rate, c.Seed)

	url := "http://" + listener.Addr().String()
	fmt.Fprintf(c.Out, "arena at %d Hz with %d bots on udp %s, API on %s\n\n  watch it   %s\n  join it    skirmish bot --server http://%s --match %s\n\n^C ends it\n",
		game.Rate, c.Bots, n.Addr(), n.HTTPAddr(), url, n.HTTPAddr(), d.match.Load().ID)
	if c.Ready != nil {
		c.Ready(url)
	}
	d.watch(ctx, page, crew)

	crew.wait()
	return errors.Join(closePage(), d.stop())
}

// demo is a running server and its one match.
type demo struct {
	node  *node.Node
	api   *skirmish.API // how its bots sign in
	game  string
	log   *slog.Logger
	seed  uint64
	match atomic.Pointer[shard.Info] // written by watch, read by whoever mints
}

func (d *demo) startMatch() error {
	match, err := d.node.StartMatch(d.game, node.MatchOptions{Seed: d.seed})
	if err != nil {
		return err
	}
	info, ok := d.node.Match(match)
	if !ok {
		return errors.New("the demo's match ended at once")
	}
	d.match.Store(info)
	return nil
}

// stopTime is how long goodbyes may take.
const stopTime = 5 * time.Second

func (d *demo) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	return d.node.Stop(ctx)
}

// token asks the API for a bot's connect token, as any client does: it signs in by a device id, which makes its account
// on the first run. The spectator has none: only the server itself may watch.
func (d *demo) token(ctx context.Context, number int, username string) (*token.Connect, error) {
	match := d.match.Load().ID
	if number == spectatorNumber {
		return d.node.MintToken(node.TokenOptions{Match: match, Username: username, Spectator: true})
	}
	session, err := d.api.SignIn(ctx, fmt.Sprintf("skirmish-demo-bot-%02d", number), username)
	if err != nil {
		return nil, fmt.Errorf("sign in: %w", err)
	}
	return d.api.ConnectToken(ctx, session, match.String())
}

// watch samples figures until ctx ends. A match that is over is followed by another: the arena's own never are, but one
// that failed must not leave an empty page.
func (d *demo) watch(ctx context.Context, page *Page, crew *crew) {
	tick := time.NewTicker(figuresEvery)
	defer tick.Stop()
	began := time.Now()
	var m meter
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		info := d.match.Load()
		if why := info.Over.Load(); why != 0 {
			d.log.Error("the demo's match has ended; another one starts", "reason", why)
			if err := d.startMatch(); err != nil {
				d.log.Error("start another match", "error", err)
			}
			continue
		}
		f, ok := m.measure(d.node.ShardStats(info.Shard))
		if !ok {
			continue
		}
		f.At = time.Since(began)
		f.Players, f.Spectators = int(info.Players.Load()), int(info.Spectators.Load())
		crew.measure(&f, f.At)
		page.AddFigures(f)
	}
}
