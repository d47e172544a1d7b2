package bench

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/skirmishgg/skirmish/bench/proc"
	"github.com/skirmishgg/skirmish/services/match"
	"github.com/skirmishgg/skirmish/services/node"
)

// The game of these rows: everybody's input of a tick goes into a state that everybody gets.
const (
	matchPlayers = 16
	matchInput   = 32  // bytes
	matchState   = 200 // bytes
	matchHandler = "bench"
)

// matches are those of the role "api".
var matches = node.Handlers{matchHandler: func() match.Handler { return &blend{} }}

// blend is the game in Go. It ends with its last member.
type blend struct {
	rate    int
	members int
	state   [matchState]byte
}

func (b *blend) Init(_ context.Context, params map[string]any) (rate int, label string, err error) {
	b.rate, _ = params["rate"].(int)
	return b.rate, "", nil
}

func (b *blend) JoinAttempt(context.Context, match.Dispatcher, int64, *match.Presence, map[string]string) (goOn, accept bool, reason string, err error) {
	return true, true, "", nil
}

func (b *blend) Join(_ context.Context, _ match.Dispatcher, _ int64, joins []*match.Presence) (bool, error) {
	b.members += len(joins)
	return true, nil
}

func (b *blend) Leave(_ context.Context, _ match.Dispatcher, _ int64, leaves []*match.Presence) (bool, error) {
	b.members -= len(leaves)
	return b.members > 0, nil
}

func (b *blend) Loop(_ context.Context, d match.Dispatcher, _ int64, messages []*match.Message) (bool, error) {
	for i, m := range messages {
		for j, c := range m.Data {
			b.state[(i*11+j)%matchState] ^= c
		}
	}
	state := b.state // a copy: what is broadcast is given up
	return true, d.Broadcast(1, state[:], nil, nil, true)
}

func (b *blend) Terminate(context.Context, match.Dispatcher, int64, int) (bool, error) {
	return true, nil
}

func (b *blend) Signal(context.Context, match.Dispatcher, int64, string) (string, bool, error) {
	return "", true, nil
}

func (b *blend) State() any { return b.state }

var wsMatchRow = Row{
	Name: "ws_match",
	Doc:  "authoritative matches of 16 in Go over WebSockets, 32 B inputs, 200 B of state a tick: server CPU a player and tick, and players on one core at 30 and 60 Hz; the same game over UDP",
	Aim:  "≥ 1,600 at 30 Hz and ≥ 800 at 60 Hz with p99 gap ≤ 1.5 ticks; ≤ 16 µs",
	run:  runWSMatch,
}

// wsMatchRates are the tick rates, and how many players are to fit.
var wsMatchRates = []struct {
	rate, aim int
	first     int // matches of the first probe
}{{30, 1600, 90}, {60, 800, 45}}

const wsMatchMicros = 0.55 * 29 // of 27–30 µs that Nakama takes

func runWSMatch(e *env) error {
	api, err := e.startAPI("")
	if err != nil {
		return err
	}
	defer api.Stop()
	for _, r := range wsMatchRates {
		if err := e.wsMatch(api, r.rate, r.aim, r.first); err != nil {
			return fmt.Errorf("%d Hz: %w", r.rate, err)
		}
		if e.o.Quick {
			break
		}
	}
	return nil
}

// wsMatch measures the CPU at half of the aim, ours and the floor in turn, then how many players hold.
func (e *env) wsMatch(api *apiProc, rate, aim, first int) error {
	half := e.quick(aim/2/matchPlayers, 1)
	ours, err := e.startPlay(api, matchHandler, rate, half)
	if err != nil {
		return err
	}
	defer ours.Stop()
	floor, theirs, err := e.startMatchFloor(half*matchPlayers, rate, 1, "--rate", itoa(rate))
	if err != nil {
		return err
	}
	defer floor.Stop()
	defer theirs.Stop()
	var micros, floors, byCPU []float64
	var last playCost
	for range e.o.Runs {
		if last, err = e.playRun(api, ours, e.o.Window); err != nil {
			return err
		}
		least, err := e.playRun(floor, theirs, e.o.Window)
		if err != nil {
			return err
		}
		each := last.CPU / float64(last.Received)
		micros, floors = append(micros, each), append(floors, least.CPU/float64(least.Received))
		byCPU = append(byCPU, 0.8e6/(float64(rate)*each))
	}
	ours.Stop()
	theirs.Stop()
	const reference = "a read and a write on plain TCP"
	r := measured(fmt.Sprintf("ws_match_player_tick_us_%dhz", rate), "µs", micros).against(reference, floors)
	e.add(r.aimed("≤ 16", r.Median <= wsMatchMicros).noted("server CPU a player and tick with %d players; p99 gap %.1f ms, %.2f states a read, the generator %.0f %% busy in the last run",
		half*matchPlayers, last.GapP99ms, float64(last.Received)/float64(last.Reads), last.Busy*100))
	name := fmt.Sprintf("native_match_player_tick_us_%dhz", rate)
	if natives, err := e.nativeMatch(rate, half); err != nil {
		e.add(unmeasured(name, "µs", err))
	} else {
		r = measured(name, "µs", natives).against("over WebSockets", micros)
		e.add(r.aimed("≤ ¼", r.Ratio <= 0.25).noted("the same game as a match of the engine, over UDP, encrypted"))
	}

	var most []float64
	why := ""
	for range min(e.o.Runs, 3) {
		probes := probesAgain
		if len(most) == 0 {
			probes = probesFirst
		}
		n, reason, err := e.searchMatches(first, probes, func(matches int) (string, error) { return e.probePlay(api, rate, matches) })
		if err != nil {
			return err
		}
		most, why, first = append(most, float64(n*matchPlayers)), reason, max(first, n)
	}
	r = measured(fmt.Sprintf("ws_match_players_per_core_%dhz", rate), "players", most)
	e.add(r.aimed(fmt.Sprintf("≥ %d, best run", aim), r.Max >= float64(aim)).noted("beyond, in the last run: %s; 80 %% of a core's CPU are %.0f players", why, median(byCPU)))
	return nil
}

// probePlay says what matches do not hold, "" when they hold everything.
func (e *env) probePlay(api *apiProc, rate, matches int) (fault string, err error) {
	load, err := e.startPlay(api, matchHandler, rate, matches)
	if err != nil {
		return "", err
	}
	defer load.Stop()
	r, err := e.playRun(api, load, e.o.Window)
	players := matches * matchPlayers
	switch {
	case err != nil:
		return fmt.Sprintf("%d players: %v", players, err), nil
	case r.Busy >= busyMax:
		return fmt.Sprintf("the generator is %.0f %% busy", r.Busy*100), nil
	case r.Silent > 0:
		return fmt.Sprintf("%d got nothing", r.Silent), nil
	case r.GapP99ms > 1.5e3/float64(rate):
		return fmt.Sprintf("p99 gap %.1f ms", r.GapP99ms), nil
	}
	return "", nil
}

// startPlay fills new matches of a handler.
func (e *env) startPlay(api *apiProc, handler string, rate, matches int) (*proc.Proc, error) {
	var ids []string
	if err := api.Ask(fmt.Sprintf("create %d %s %d", matches, handler, rate), &ids); err != nil {
		return nil, err
	}
	load, err := e.load(nil, "match-load", "--addr", api.hello.HTTP, "--clients", itoa(matches*matchPlayers), "--rate", itoa(rate), "--matches", strings.Join(ids, ","))
	if err != nil {
		return nil, err
	}
	if err := load.Ask("run 500ms", nil); err != nil {
		load.Stop()
		return nil, err
	}
	return load, nil
}

// startMatchFloor is plain sockets with their clients, who send at a rate.
func (e *env) startMatchFloor(clients, rate, burst int, args ...string) (floor *apiProc, load *proc.Proc, err error) {
	floor = &apiProc{}
	if floor.Proc, err = e.server(&floor.hello, "match-floor", append([]string{"--clients", itoa(clients)}, args...)...); err != nil {
		return nil, nil, err
	}
	load, err = e.load(nil, "match-load", "--floor", "--addr", floor.hello.HTTP, "--clients", itoa(clients), "--rate", itoa(rate), "--burst", itoa(burst))
	if err == nil {
		err = load.Ask("run 200ms", nil)
	}
	if err != nil {
		floor.Stop()
	}
	return floor, load, err
}

// playCost is a run with what it cost the server.
type playCost struct {
	playReport
	CPU float64 // µs
}

func (e *env) playRun(server *apiProc, load *proc.Proc, window time.Duration) (c playCost, err error) {
	before, err := server.mark("mark")
	if err != nil {
		return c, err
	}
	if err := load.Ask(fmt.Sprintf("run %v", window), &c.playReport); err != nil {
		return c, err
	}
	after, err := server.mark("mark")
	if c.CPU = after.CPUMicros - before.CPUMicros; err == nil && c.Received == 0 {
		err = fmt.Errorf("of %d messages nothing came back", c.Sent)
	}
	return c, err
}

var relayedRow = Row{
	Name: "relayed_message_us",
	Doc:  "pairs in relayed matches over WebSockets send each other 32 B, one message at a time and eight: server CPU a message, its way in and out",
	Aim:  "≤ 9 µs one at a time, ≤ 4 when several wait",
	run:  runRelayed,
}

const (
	relayedClients = 400
	relayedRate    = 60 // writes a second of each
	relayedBurst   = 8
)

func runRelayed(e *env) error {
	api, err := e.startAPI("")
	if err != nil {
		return err
	}
	defer api.Stop()
	clients := e.quick(relayedClients, 4)
	for _, k := range []struct {
		name  string
		burst int
		rate  int
		aim   float64
	}{{"relayed_message_us", 1, relayedRate, 9}, {"relayed_message_us_waiting", relayedBurst, relayedRate / 3, 4}} {
		ours, err := e.load(nil, "match-load", "--addr", api.hello.HTTP, "--clients", itoa(clients), "--rate", itoa(k.rate), "--burst", itoa(k.burst))
		if err != nil {
			return err
		}
		defer ours.Stop()
		floor, theirs, err := e.startMatchFloor(clients, k.rate, k.burst)
		if err != nil {
			return err
		}
		defer floor.Stop()
		defer theirs.Stop()
		if _, err := e.playRun(api, ours, e.o.Window/4); err != nil {
			return err
		}
		var micros, floors []float64
		var last playCost
		for range e.o.Runs {
			if last, err = e.playRun(api, ours, e.o.Window); err != nil {
				return err
			}
			least, err := e.playRun(floor, theirs, e.o.Window)
			if err != nil {
				return err
			}
			micros, floors = append(micros, last.CPU/float64(last.Received)), append(floors, least.CPU/float64(least.Received))
		}
		r := measured(k.name, "µs", micros).against("a read and a write on plain TCP", floors)
		e.add(r.aimed(fmt.Sprintf("≤ %.0f", k.aim), r.Median <= k.aim).noted("%d clients, %.0f messages/s, %d in a write, %.2f in a read in the last run",
			clients, float64(last.Received)/last.Seconds, k.burst, float64(last.Received)/float64(last.Reads)))
		ours.Stop()
		theirs.Stop()
	}
	return nil
}
