package bench

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/skirmishgg/skirmish/bench/lanes"
	"github.com/skirmishgg/skirmish/persist"
	"github.com/skirmishgg/skirmish/persist/pg/migrate"
	"github.com/skirmishgg/skirmish/persist/pg/pgtest"
	"github.com/skirmishgg/skirmish/persist/store"
)

var lanesRow = Row{
	Name: "lanes_writes_s",
	Doc:  "acknowledged read-and-write operations a second at 1, 16, 128 and 512 writers: group commit, one statement each, one transaction each, the unnest upsert alone; and the embedded store",
	Aim:  "≥ 4 × statement-per-operation at 128 writers",
	run:  runLanes,
}

const lanesAim = 4

func runLanes(e *env) error {
	server, err := pgtest.Start()
	if err != nil {
		e.add(unmeasured(e.row.Name, "1/s", err))
		return nil
	}
	defer server.Stop()
	dsn := server.DSN("lanes")
	if _, err := migrate.Up(e.ctx, dsn, 0); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(e.dir, "lanes")
	if err != nil {
		return err
	}
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	db, err := persist.Open(e.ctx, persist.Config{Addresses: []string{dsn}, Log: quiet})
	if err != nil {
		return err
	}
	defer db.Close()
	embedded, err := persist.Open(e.ctx, persist.Config{Dir: filepath.Join(dir, "store"), Log: quiet})
	if err != nil {
		return err
	}
	defer embedded.Close()
	most := lanes.Writers[len(lanes.Writers)-1]
	for _, s := range []store.DB{db, embedded} {
		if err := lanes.Prepare(e.ctx, s, most); err != nil {
			return err
		}
	}
	pool, err := pgxpool.New(e.ctx, fmt.Sprint(dsn, "&pool_max_conns=", lanes.PoolConns))
	if err != nil {
		return err
	}
	defer pool.Close()
	for _, writers := range lanes.Writers {
		if e.o.Quick && writers > 16 {
			break
		}
		if err := e.lanesOf(db, embedded, pool, writers); err != nil {
			return err
		}
	}
	return nil
}

// lanesOf measures every way in turn, run by run, so that a slow moment of the box meets them all.
func (e *env) lanesOf(db, embedded store.DB, pool *pgxpool.Pool, writers int) error {
	conns := min(lanes.CeilingConns, writers)
	ways := []struct {
		way     lanes.Way
		writers int
	}{
		{lanes.Lanes(db), writers}, {lanes.Statement(pool), writers}, {lanes.Transaction(pool), writers},
		{lanes.Ceiling(pool, writers/conns), conns}, {lanes.Lanes(embedded), writers},
	}
	rates := make([][]float64, len(ways))
	for range e.o.Runs {
		for i, w := range ways {
			rate, err := lanes.Measure(e.ctx, w.way, w.writers, e.o.Window/4)
			if err != nil {
				return err
			}
			rates[i] = append(rates[i], rate)
		}
	}
	name := fmt.Sprintf("lanes_writes_s_%d", writers)
	r := measured(name, "1/s", rates[0]).against(fmt.Sprintf("one statement each, pgx pool of %d", lanes.PoolConns), rates[1])
	if writers == 128 {
		r = r.aimed("≥ 4 × statement", r.Ratio >= lanesAim)
	}
	e.add(r.noted("a storage object read, changed and put back; Postgres with fsync, on the same cores"))
	e.add(measured(name+"_vs_transaction", "1/s", rates[0]).against("one transaction each", rates[2]))
	e.add(measured(name+"_vs_ceiling", "1/s", rates[0]).against("unnest upsert alone, 2 connections", rates[3]))
	e.add(measured(name+"_embedded", "1/s", rates[4]).noted("embedded store, fsync for each batch"))
	return nil
}
