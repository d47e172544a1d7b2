package bench

import (
	"fmt"
	"slices"
	"time"

	"github.com/skirmishgg/skirmish/bench/arena"
	"github.com/skirmishgg/skirmish/bench/proc"
	"github.com/skirmishgg/skirmish/engine/shard"
)

const (
	tickMs       = 1e3 / arena.Rate
	gapAimMs     = 1.5 * tickMs
	busyMax      = 0.8 // of the generator: beyond it the generator is what is measured
	playersAim   = 1200
	playersByCPU = 2000
	cpuPlayers   = 100 * arena.PlayersMax // at which a player's CPU is measured: near the aim, since wake-ups are shared by more
	probeFirst   = 80                     // matches of the first probe
	probeMax     = 250
	probeStep    = 5 // matches: the search ends within so many
	probesFirst  = 7 // tries of the first run; later ones start from what it found
	probesAgain  = 3
)

// nodeRun is one node, its generator, and what both said of one window.
type nodeRun struct {
	before, after nodeMark
	load          arenaReport
}

func (r *nodeRun) cpu() float64       { return r.after.CPUMicros - r.before.CPUMicros }
func (r *nodeRun) datagrams() float64 { return float64(r.after.Ops - r.before.Ops) }
func (r *nodeRun) ticks() float64     { return float64(r.after.Ticks - r.before.Ticks) }

// wireBytes is the mean datagram on the IPv4 wire: UDP payload, 8 B UDP, 20 B IP.
func (r *nodeRun) wireBytes() float64 {
	return float64(r.after.TxBytes-r.before.TxBytes)/r.datagrams() + 28
}

// lateness is the quantile of how late ticks began within the window, in microseconds.
func (r *nodeRun) lateness(q float64) float64 {
	buckets := slices.Clone(r.after.Lateness)
	for i := range min(len(buckets), len(r.before.Lateness)) {
		buckets[i] -= r.before.Lateness[i]
	}
	return float64(shard.Quantile(buckets, q)) / 1e3
}

// arenaRun is a window of d with players in matches of the arena.
type arenaRun struct {
	matches, perMatch, rate int
	core                    int // of the node; -1: any
	latency                 bool
	busy                    int // goroutines in the node that compute for nothing
	settle                  time.Duration
	window                  time.Duration
}

func (e *env) runArena(c arenaRun) (r nodeRun, err error) {
	n, err := e.startNodeOn(c.core, "--matches", itoa(c.matches), "--rate", itoa(c.rate), "--busy", itoa(c.busy))
	if err != nil {
		return r, err
	}
	defer n.Stop()
	args := append(n.clientArgs(), "--per-match", itoa(c.perMatch), "--rate", itoa(c.rate), fmt.Sprintf("--latency=%t", c.latency))
	if c.matches*c.perMatch < 64 {
		args = append(args, "--slots", "4") // few players need few wake-ups
	}
	gen, err := e.load(nil, "arena-load", args...)
	if err != nil {
		return r, err
	}
	defer gen.Stop()
	if err := gen.Ask("run "+c.settle.String(), nil); err != nil {
		return r, err
	}
	if r.before, err = n.mark("mark"); err != nil {
		return r, err
	}
	if err := gen.Ask("run "+c.window.String(), &r.load); err != nil {
		return r, err
	}
	if r.after, err = n.mark("mark"); err != nil {
		return r, err
	}
	if r.load.Broken > 0 {
		return r, fmt.Errorf("%d snapshots did not decode", r.load.Broken)
	}
	return r, nil
}

// players is an arenaRun of full 60 Hz matches on the server's core.
func (e *env) players(matches int) arenaRun {
	return arenaRun{matches: matches, perMatch: arena.PlayersMax, rate: arena.Rate, core: e.serverCore, settle: time.Second, window: e.o.Window}
}

var arenaRow = Row{
	Name: "arena_players_per_core_60hz",
	Doc:  "arena matches of 16 at 60 Hz on one core: (a) up to the deadline, (b) by CPU",
	Aim:  "(a) ≥ 1,200 with p99 snapshot gap ≤ 1.5 ticks; (b) ≥ 2,000",
	run:  runPlayers,
}

func runPlayers(e *env) error {
	var most, byCPU, micros, bytes, busy []float64
	why, last := "", probeFirst
	for range e.o.Runs {
		r, err := e.runArena(e.players(e.quick(cpuPlayers/arena.PlayersMax, 2)))
		if err != nil {
			return err
		}
		cost := r.cpu() / r.datagrams()
		micros, bytes, busy = append(micros, cost), append(bytes, r.wireBytes()), append(busy, r.load.Busy*100)
		byCPU = append(byCPU, 0.8e6/(arena.Rate*cost))

		probes := probesAgain
		if len(most) == 0 {
			probes = probesFirst
		}
		matches, reason, err := e.searchMatches(last, probes, e.probePlayers)
		if err != nil {
			return err
		}
		most, why, last = append(most, float64(matches*arena.PlayersMax)), reason, max(last, matches)
		e.printf("  run %d: %d players (%s), %.2f µs a client-tick at %d\n", len(most), matches*arena.PlayersMax, reason, cost, cpuPlayers)
	}
	a := measured(e.row.Name, "players", most)
	e.add(a.aimed("≥ 1,200, best run", a.Max >= playersAim).noted("beyond, in the last run: %s", why))
	b := measured("arena_players_by_cpu_60hz", "players", byCPU)
	e.add(b.aimed("≥ 2,000", b.Median >= playersByCPU).noted("0.8 × 10^6 / (60 × %.2f µs a client-tick at %d players, the generator %.0f %% busy); mean datagram %.0f B on the IPv4 wire",
		median(micros), cpuPlayers, median(busy), median(bytes)))
	return nil
}

// searchMatches finds the most full matches that hold the deadline, in at most probes tries: it grows from a guess until
// a number does not hold, then halves the way. probe says what a number does not hold, "" when it holds everything; why
// what the next larger number failed at.
func (e *env) searchMatches(guess, probes int, probe func(matches int) (fault string, err error)) (matches int, why string, err error) {
	low, high, why := 0, 0, "not tried" // low holds, high does not
	n := e.quick(max(guess, probeStep), 2)
	for range e.quick(probes, 1) {
		fault, err := probe(n)
		if err != nil {
			return 0, "", err
		}
		if fault == "" {
			low = n
		} else {
			high, why = n, fmt.Sprintf("%d players: %s", n*arena.PlayersMax, fault)
		}
		switch {
		case low == probeMax || high > 0 && high-low <= probeStep:
			return low, why, nil
		case high == 0:
			n = min(low+low/5+1, probeMax)
		case low == 0:
			n = high * 3 / 4
		default:
			n = (low + high) / 2
		}
	}
	return low, why, nil
}

// probePlayers says what matches do not hold, "" when they hold everything.
func (e *env) probePlayers(matches int) (fault string, err error) {
	r, err := e.runArena(e.players(matches))
	if err != nil {
		return "", err
	}
	players := matches * arena.PlayersMax
	switch {
	case r.load.Busy >= busyMax:
		return fmt.Sprintf("the generator is %.0f %% busy", r.load.Busy*100), nil
	case r.load.Ready < players:
		return fmt.Sprintf("%d were disconnected", players-r.load.Ready), nil
	case r.load.GapP99ms > gapAimMs:
		return fmt.Sprintf("p99 snapshot gap %.1f ms", r.load.GapP99ms), nil
	case r.after.Slipped > r.before.Slipped:
		return fmt.Sprintf("%d ticks given up", r.after.Slipped-r.before.Slipped), nil
	}
	return "", nil
}

// quick is n, or least in a bench that only tries whether everything runs.
func (e *env) quick(n, least int) int {
	if e.o.Quick {
		return least
	}
	return n
}

var engineTickRow = Row{
	Name: "engine_tick_10x128_us",
	Doc:  "one match of 10 players at 128 Hz: the shard's whole work for a tick, from receiving to sending; the tick alone; the process's CPU",
	Aim:  "≤ 200 µs",
	run:  runEngineTick,
}

func runEngineTick(e *env) error {
	var whole, tick, process, bytes []float64
	for range e.o.Runs {
		r, err := e.runArena(arenaRun{matches: 1, perMatch: 10, rate: arena.RateFast, core: e.serverCore, settle: time.Second, window: e.o.Window})
		if err != nil {
			return err
		}
		whole = append(whole, float64(r.after.StepNs-r.before.StepNs)/1e3/r.ticks())
		tick = append(tick, float64(r.after.BusyNs-r.before.BusyNs)/1e3/r.ticks())
		process, bytes = append(process, r.cpu()/r.ticks()), append(bytes, r.wireBytes())
	}
	r := measured(e.row.Name, "µs", whole)
	e.add(r.aimed("≤ 200", r.Median <= 200).noted("datagrams received and opened, game, snapshots, seals, datagrams sent; mean datagram %.0f B on the IPv4 wire", median(bytes)))
	e.add(measured(e.row.Name+"_game", "µs", tick).noted("of that, the match's tick and its snapshots until they are queued"))
	e.add(measured(e.row.Name+"_process", "µs", process).noted("CPU of the node: the same, and sleeping and waking 128 times a second, in the kernel"))
	return nil
}

var latenessRow = Row{
	Name: "tick_lateness_us",
	Doc:  "how late ticks begin, 100 matches of 2 on one core: otherwise idle, and with a busy goroutine a core",
	Aim:  "best of 5: p99 ≤ 500 µs; ≤ 2,000 with the priority granted",
	run:  runLateness,
}

func runLateness(e *env) error {
	matches := e.quick(100, 4)
	for _, busy := range []int{0, len(proc.Cores())} {
		c := arenaRun{matches: matches, perMatch: 2, rate: arena.Rate, core: e.serverCore, settle: time.Second, window: 2 * e.o.Window, busy: busy}
		name, aim := e.row.Name, 500.0
		if busy > 0 {
			name, aim, c.core = name+"_busy", 2000, -1
		}
		var p50, p99, p999 []float64
		priority := ""
		for range e.o.Runs {
			r, err := e.runArena(c)
			if err != nil {
				return err
			}
			p50, p99, p999 = append(p50, r.lateness(0.5)), append(p99, r.lateness(0.99)), append(p999, r.lateness(0.999))
			priority = r.after.Priority
		}
		r := measured(name, "µs", p99)
		e.add(r.aimed(fmt.Sprintf("≤ %.0f, best run", aim), r.Min <= aim).noted("p99; p50 %s µs, p99.9 %s µs (medians of the runs); priority: %s",
			figure(median(p50)), figure(median(p999)), priority))
		e.add(measured(name+"_p50", "µs", p50))
		e.add(measured(name+"_p999", "µs", p999))
	}
	return nil
}

var latencyRow = Row{
	Name: "input_to_snapshot_ms",
	Doc:  "from sending an input for the next tick to the kernel's receipt of the snapshot that shows it, loopback, 60 Hz, p99",
	Aim:  "≤ 1 tick + 0.3 ms (16.97 ms), best of 5",
	run:  runLatency,
}

func runLatency(e *env) error {
	const aim = tickMs + 0.3
	var p99, p50 []float64
	count := uint64(0)
	for range e.o.Runs {
		c := e.players(e.quick(10, 2))
		c.latency = true
		r, err := e.runArena(c)
		if err != nil {
			return err
		}
		if r.load.LatencyCount == 0 {
			return fmt.Errorf("no input was seen on its way")
		}
		p99, p50, count = append(p99, r.load.LatencyP99ms), append(p50, r.load.LatencyP50ms), r.load.LatencyCount
	}
	r := measured(e.row.Name, "ms", p99)
	e.add(r.aimed("≤ 16.97, best run", r.Min <= aim).noted("p99 of inputs sent at any moment of the tick before theirs; p50 %.1f ms; %d inputs in the last run", median(p50), count))
	return nil
}

var memoryRow = Row{
	Name: "client_memory_bytes",
	Doc:  "resident memory of the node per connected match client, its share of the match included, before streams",
	Aim:  "≤ 32 KB",
	run:  runMemory,
}

func runMemory(e *env) error {
	var sizes, heap []float64
	matches := e.quick(64, 4)
	players := float64(matches * arena.PlayersMax)
	for range e.o.Runs {
		empty, err := e.settled(1, 0)
		if err != nil {
			return err
		}
		full, err := e.settled(matches, arena.PlayersMax)
		if err != nil {
			return err
		}
		sizes = append(sizes, float64(full.RSS-empty.RSS)/players)
		heap = append(heap, float64(full.Heap-empty.Heap)/players)
	}
	r := measured(e.row.Name, "B", sizes)
	e.add(r.aimed("≤ 32,768", r.Median <= 32<<10).noted("%.0f clients in matches of 16 beside a node with one empty match; of it %.0f B of Go heap", players, median(heap)))
	return nil
}

// settled is a node's memory with players in its matches who have played for a second, after a collection.
func (e *env) settled(matches, perMatch int) (m nodeMark, err error) {
	n, err := e.startNode("--matches", itoa(matches))
	if err != nil {
		return m, err
	}
	defer n.Stop()
	if perMatch > 0 {
		gen, err := e.load(nil, "arena-load", append(n.clientArgs(), "--per-match", itoa(perMatch))...)
		if err != nil {
			return m, err
		}
		defer gen.Stop()
		if err := gen.Ask("run 1s", nil); err != nil {
			return m, err
		}
	}
	return n.mark("settle")
}
