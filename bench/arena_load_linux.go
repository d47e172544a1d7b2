package bench

import (
	_ "embed"
	"flag"
	"fmt"
	"strings"
	"time"

	"github.com/skirmishgg/skirmish/bench/arena"
	"github.com/skirmishgg/skirmish/bench/hist"
	"github.com/skirmishgg/skirmish/bench/load"
	"github.com/skirmishgg/skirmish/bench/proc"
	"github.com/skirmishgg/skirmish/protocol/id"
)

// Recorded inputs: everybody alive, moving and turning in at least four ticks of five, a shot a second.
var (
	//go:embed testdata/arena-16x60.trace
	trace16x60 []byte
	//go:embed testdata/arena-10x128.trace
	trace10x128 []byte
)

// fullEvery is how many clients there are to one that also decodes its snapshots.
const fullEvery = 32

// arenaReport is what the arena's generator saw in a run.
type arenaReport struct {
	load.Report
	Decoded      uint64  `json:"decoded"`
	Broken       uint64  `json:"broken"` // snapshots that did not decode
	LatencyCount uint64  `json:"latency_count"`
	LatencyP50ms float64 `json:"latency_p50_ms"`
	LatencyP99ms float64 `json:"latency_p99_ms"`
	LatencyMaxms float64 `json:"latency_max_ms"`
}

// arenaLoad is the role "arena-load": players of recorded inputs in the matches of one node. It connects them, says
// how many are ready, then answers "run DURATION" with an arenaReport.
func arenaLoad(con *proc.Console, args []string) error {
	fs := flag.NewFlagSet("arena-load", flag.ContinueOnError)
	dir := fs.String("dir", "", "where the node's keys are")
	addr := fs.String("addr", "", "the node")
	matchList := fs.String("matches", "", "ids of its matches, set apart by commas")
	perMatch := fs.Int("per-match", arena.PlayersMax, "players a match")
	rate := fs.Int("rate", arena.Rate, "ticks a second")
	slots := fs.Int("slots", 0, "wake-ups a tick; 0: 16")
	latency := fs.Bool("latency", false, "measure the way from input to snapshot")
	if err := fs.Parse(args); err != nil {
		return err
	}
	def := arena.Definition(*rate)
	schema, err := def.Compile()
	if err != nil {
		return err
	}
	back, err := newBackend(*dir, *addr, schema.Hash())
	if err != nil {
		return err
	}
	trace, err := traceAt(*rate)
	if err != nil {
		return err
	}
	matches, err := parseIDs(*matchList)
	if err != nil {
		return err
	}
	var ways *hist.Hist
	if *latency {
		ways = new(hist.Hist)
	}
	players := make([]*load.Player, len(matches)**perMatch)
	c := load.Config{Addr: back.addr, Clients: len(players), Rate: *rate, Slots: *slots, Stamps: true, New: func(i int) (load.Protocol, error) {
		players[i] = load.NewPlayer(schema, trace, *rate, 0, i%fullEvery == 0)
		players[i].Latency = ways
		return load.NewTransport(back.addr, back.mint(i, matches[i / *perMatch]), players[i]), nil
	}}
	decoded, broken := uint64(0), uint64(0)
	return generate(con, c, func(_ *load.Generator, r load.Report) any {
		a := arenaReport{Report: r, Decoded: -decoded, Broken: -broken}
		decoded, broken = 0, 0
		for _, p := range players {
			decoded, broken = decoded+p.Decoded, broken+p.Broken
		}
		a.Decoded, a.Broken = a.Decoded+decoded, a.Broken+broken
		if ways != nil {
			ms := func(d time.Duration) float64 { return float64(d) / 1e6 }
			a.LatencyCount, a.LatencyMaxms = ways.Count(), ms(ways.Max())
			a.LatencyP50ms, a.LatencyP99ms = ms(ways.Quantile(0.5)), ms(ways.Quantile(0.99))
			ways.Reset()
		}
		return a
	})
}

// traceAt is the recorded inputs for a tick rate.
func traceAt(rate int) (*arena.Trace, error) {
	for _, file := range [][]byte{trace16x60, trace10x128} {
		t, err := arena.ParseTrace(file)
		if err != nil || t.Rate == rate {
			return t, err
		}
	}
	return nil, fmt.Errorf("no recorded inputs at %d Hz", rate)
}

func parseIDs(list string) (ids []id.UUID, err error) {
	for text := range strings.SplitSeq(list, ",") {
		u, err := id.Parse(text)
		if err != nil {
			return nil, err
		}
		ids = append(ids, u)
	}
	return ids, nil
}
