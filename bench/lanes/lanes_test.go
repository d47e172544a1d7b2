package lanes

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/skirmishgg/skirmish/persist/bunt"
	"github.com/skirmishgg/skirmish/persist/pg"
	"github.com/skirmishgg/skirmish/persist/pg/migrate"
	"github.com/skirmishgg/skirmish/persist/pg/pgtest"
	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
)

var server *pgtest.Server

// TestMain starts a server that waits for its disk, since that is what group commit is about.
func TestMain(m *testing.M) {
	var err error
	if server, err = pgtest.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	server.Stop()
	os.Exit(code)
}

// ways are all ways over fresh stores that hold what max writers need.
func ways(t testing.TB, max int) map[string]func(writers int) (Way, int) {
	dsn := server.Missing(t)
	if _, err := migrate.Up(t.Context(), dsn, 0); err != nil {
		t.Fatal(err)
	}
	db, err := pg.Open(t.Context(), pg.Config{DSN: dsn, Clock: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	embedded, err := bunt.Open(bunt.Config{Dir: t.TempDir(), Clock: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = embedded.Close() })
	for _, db := range []store.DB{db, embedded} {
		if err := db.Write(t.Context(), nil, schema.Seed); err != nil {
			t.Fatal(err)
		}
		if err := Prepare(t.Context(), db, max); err != nil {
			t.Fatal(err)
		}
	}
	pool, err := pgxpool.New(t.Context(), fmt.Sprint(dsn, "&pool_max_conns=", PoolConns))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	same := func(w Way) func(int) (Way, int) { return func(writers int) (Way, int) { return w, writers } }
	return map[string]func(int) (Way, int){
		"lanes":       same(Lanes(db)),
		"statement":   same(Statement(pool)),
		"transaction": same(Transaction(pool)),
		"ceiling": func(writers int) (Way, int) {
			conns := min(CeilingConns, writers)
			return Ceiling(pool, writers/conns), conns
		},
		"embedded": same(Lanes(embedded)),
	}
}

// TestWays: every way writes what it says, from several writers at once.
func TestWays(t *testing.T) {
	for name, way := range ways(t, 8) {
		w, writers := way(8)
		if rate, err := Measure(t.Context(), w, writers, 20*time.Millisecond); err != nil || rate <= 0 {
			t.Errorf("%s: %f writes a second, %v", name, rate, err)
		}
	}
}

// BenchmarkLanes reports rows a second: go test -bench Lanes -benchtime 1x ./bench/lanes
func BenchmarkLanes(b *testing.B) {
	all := ways(b, 512)
	for _, writers := range Writers {
		for _, name := range []string{"lanes", "statement", "transaction", "ceiling", "embedded"} {
			b.Run(fmt.Sprintf("%s/%d", name, writers), func(b *testing.B) {
				w, n := all[name](writers)
				for b.Loop() {
					rate, err := Measure(b.Context(), w, n, time.Second)
					if err != nil {
						b.Fatal(err)
					}
					b.ReportMetric(rate, "rows/s")
				}
			})
		}
	}
}
