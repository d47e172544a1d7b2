package bench

import (
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/skirmishgg/skirmish/bench/httpload"
	"github.com/skirmishgg/skirmish/bench/lanes"
	"github.com/skirmishgg/skirmish/bench/proc"
	"github.com/skirmishgg/skirmish/persist"
	"github.com/skirmishgg/skirmish/persist/pg/migrate"
	"github.com/skirmishgg/skirmish/persist/pg/pgtest"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/leaderboard"
	"github.com/skirmishgg/skirmish/services/leaderboard/rank"
)

var ranksRow = Row{
	Name: "lb_rank_ns",
	Doc:  "leaderboard ranks in memory, 10^5 and 10^6 records: look-up of a rank, 100 records around an owner, a changed score; bytes a record",
	Aim:  "hundreds of ns; ≤ 100 B with the owner's id",
	run:  runRanks,
}

const recordBytesMax = 100

func runRanks(e *env) error {
	for _, records := range []int{100_000, 1_000_000} {
		if e.o.Quick && records > 100_000 {
			break
		}
		if err := e.ranks(records); err != nil {
			return err
		}
	}
	return nil
}

func (e *env) ranks(records int) error {
	r := rand.New(rand.NewPCG(1, 2))
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	b := rank.New(true)
	for n := range records {
		b.Set(rank.Key{Score: r.Int64N(1 << 30), Owner: boardOwner(n)}, 0)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	each := float64(after.HeapAlloc-before.HeapAlloc) / float64(records)

	keys := make([]rank.Key, 0, 100)
	owner := func() id.UUID { return boardOwner(r.IntN(records)) }
	around := func(rank, count int) (int, int) { return max(1, rank-50), min(count, rank+49) }
	steps := []struct {
		name string
		f    func() error
	}{
		{"lb_rank_ns", func() error { b.Rank(owner()); return nil }},
		{"lb_rank_around_ns", func() error { keys, _, _, _ = b.Around(keys[:0], owner(), around); return nil }},
		{"lb_rank_set_ns", func() error { b.Set(rank.Key{Score: r.Int64N(1 << 30), Owner: owner()}, 0); return nil }},
	}
	for _, s := range steps {
		var ns []float64
		for range e.o.Runs {
			took, _, err := e.loop(s.f)
			if err != nil {
				return err
			}
			ns = append(ns, took)
		}
		e.add(measured(fmt.Sprintf("%s_%d", s.name, records), "ns", ns))
	}
	bytes := measured(fmt.Sprintf("lb_record_bytes_%d", records), "B", []float64{each})
	e.add(bytes.aimed("≤ 100", each <= recordBytesMax).noted("of heap, scores in no order"))
	runtime.KeepAlive(b)
	return nil
}

// boardOwner is the n-th owner: spread, as random ids are.
func boardOwner(n int) (u id.UUID) {
	binary.BigEndian.PutUint64(u[:], uint64(n)*0x9e3779b97f4a7c15)
	binary.BigEndian.PutUint64(u[8:], uint64(n))
	return u
}

var boardsRow = Row{
	Name: "lb_submit_s",
	Doc:  "leaderboards over REST on Postgres, a board of 10^6 records: submissions a second of 128 clients, with server and Postgres CPU; 100 records listed, 100 around an owner; seconds to read all ranks at a start",
	Aim:  "≥ 4 × Nakama's 3,100 submissions/s at 240 + 190 µs; a quarter of its 820–890 and 510–590 µs for reads",
	run:  runBoards,
}

const (
	boardRecords = 1_000_000
	boardClients = 128
	boardName    = "bench"

	submitAim = 4 * 3100
	listAim   = 890 / 4 // µs of server CPU
	aroundAim = 590 / 4
)

// boards are those of the role "api".
var boards = []leaderboard.Definition{{ID: boardName, Operator: leaderboard.Set, EnableRanks: true}}

func runBoards(e *env) error {
	server, err := pgtest.Start()
	if err != nil {
		e.add(unmeasured(e.row.Name, "1/s", err))
		return nil
	}
	defer server.Stop()
	dsn := server.DSN("boards")
	if _, err := migrate.Up(e.ctx, dsn, 0); err != nil {
		return err
	}
	pool, err := pgxpool.New(e.ctx, fmt.Sprint(dsn, "&pool_max_conns=", lanes.PoolConns))
	if err != nil {
		return err
	}
	defer pool.Close()
	if err := e.warmBoard(dsn, pool, e.quick(boardRecords, 10_000)); err != nil {
		return fmt.Errorf("fill a board: %w", err)
	}
	api, err := e.startAPI(dsn)
	if err != nil {
		return err
	}
	defer api.Stop()
	if err := e.submits(server, api, pool); err != nil {
		return err
	}
	for _, k := range []struct {
		kind, name string
		aim        float64
	}{{"list", "lb_list100_us", listAim}, {"around", "lb_around_us", aroundAim}} {
		var micros []float64
		var last httpload.Report
		for range e.o.Runs {
			cost, r, err := e.restRun(api, k.kind, e.quick(16, 2))
			if err != nil {
				return fmt.Errorf("%s: %w", k.name, err)
			}
			micros, last = append(micros, cost), r
		}
		r := measured(k.name, "µs", micros)
		e.add(r.aimed(fmt.Sprintf("≤ %.0f", k.aim), r.Median <= k.aim).noted("server CPU for 100 records as JSON; 16 clients: %.0f requests/s, p50 %.2f ms, p99 %.2f ms in the last run", last.PerS, last.P50ms, last.P99ms))
	}
	return nil
}

// warmBoard fills the board, and measures what a start reads.
func (e *env) warmBoard(dsn string, pool *pgxpool.Pool, records int) error {
	db, err := persist.Open(e.ctx, persist.Config{Addresses: []string{dsn}, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		return err
	}
	defer db.Close()
	open := func() (*leaderboard.Service, error) {
		return leaderboard.New(e.ctx, leaderboard.Config{DB: db, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	}
	s, err := open()
	if err != nil {
		return err
	}
	if _, _, err := s.Create(e.ctx, boards[0]); err != nil {
		return err
	}
	const fill = `INSERT INTO leaderboard_record (leaderboard_id, owner_id, username, score, subscore, metadata)
SELECT $1, gen_random_uuid(), 'player' || n, (random() * 1e9)::int8, 0, '{"level": 7}' FROM generate_series(1, $2::int) n`
	if _, err := pool.Exec(e.ctx, fill, boardName, records); err != nil {
		return err
	}
	if _, err := pool.Exec(e.ctx, "VACUUM ANALYZE leaderboard_record"); err != nil {
		return err
	}
	var took []float64
	for range min(e.o.Runs, 3) {
		start := time.Now()
		if _, err := open(); err != nil {
			return err
		}
		took = append(took, time.Since(start).Seconds())
	}
	e.add(measured("lb_warm_s", "s", took).noted("%d records from Postgres", records))
	return nil
}

// submits measures ours and the plain statement in turn, on one database.
func (e *env) submits(server *pgtest.Server, api *apiProc, pool *pgxpool.Pool) error {
	clients := e.quick(boardClients, 4)
	plain, err := lanes.Scores(e.ctx, pool, boardName)
	if err != nil {
		return err
	}
	var rates, cpu, storeCPU, plainRates, plainCPU []float64
	var last httpload.Report
	for range e.o.Runs {
		var micros float64
		var requests int
		store, err := storeMicros(server, func() (err error) {
			micros, last, err = e.restRun(api, "score", clients)
			requests = last.Requests
			return err
		})
		if err != nil {
			return err
		}
		rates, cpu, storeCPU = append(rates, last.PerS), append(cpu, micros), append(storeCPU, store/float64(requests))
		var rate float64
		store, err = storeMicros(server, func() (err error) {
			rate, err = lanes.Measure(e.ctx, plain, clients, e.o.Window/2)
			return err
		})
		if err != nil {
			return err
		}
		plainRates, plainCPU = append(plainRates, rate), append(plainCPU, store/(rate*e.o.Window.Seconds()/2))
	}
	r := measured("lb_submit_s", "1/s", rates).against(fmt.Sprintf("one INSERT … ON CONFLICT a submission, pgx pool of %d, no REST, no ranks", lanes.PoolConns), plainRates)
	e.add(r.aimed("≥ 12,400", r.Median >= submitAim).noted("%d REST clients; p50 %.2f ms, p99 %.2f ms in the last run", clients, last.P50ms, last.P99ms))
	r = measured("lb_submit_server_us", "µs", cpu)
	e.add(r.aimed("≤ 60", r.Median <= 240/4).noted("server CPU a submission"))
	e.add(measured("lb_submit_store_us", "µs", storeCPU).against("one statement each", plainCPU).noted("PostgreSQL's CPU a submission, with what it did before the count began"))
	return nil
}

// storeMicros is PostgreSQL's CPU while f runs.
func storeMicros(server *pgtest.Server, f func() error) (float64, error) {
	before, err := proc.Tree(server.PID())
	if err != nil {
		return 0, err
	}
	if err := f(); err != nil {
		return 0, err
	}
	after, err := proc.Tree(server.PID())
	return after - before, err
}
