// Package each runs a test of a feature on every store: the embedded one in a folder of its own, and PostgreSQL in a
// database of its own, migrated as a server would. Both hold what a new server holds.
//
//	func TestMain(m *testing.M) { each.Main(m) }
//
//	func TestThing(t *testing.T) {
//		each.Store(t, func(t *testing.T, db store.DB, clock *each.Clock) { … })
//	}
package each

import (
	"context"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/skirmishgg/skirmish/persist/bunt"
	"github.com/skirmishgg/skirmish/persist/pg"
	"github.com/skirmishgg/skirmish/persist/pg/migrate"
	"github.com/skirmishgg/skirmish/persist/pg/pgtest"
	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
)

// Main is TestMain of a package that uses Store. PostgreSQL starts with the first test that asks for it, so that fuzz
// workers and benchmarks need none.
func Main(m *testing.M) {
	code := m.Run()
	if server != nil {
		server.Stop()
	}
	os.Exit(code)
}

// Clock moves only when told. Any goroutine may use it.
type Clock struct{ micros atomic.Int64 }

// Start is what a new Clock says: a little after a whole second, so that cut times show.
var Start = time.Date(2026, 3, 1, 12, 0, 0, 345_678_000, time.UTC)

// NewClock says Start.
func NewClock() *Clock {
	c := &Clock{}
	c.micros.Store(Start.UnixMicro())
	return c
}

// Now is the time.
func (c *Clock) Now() time.Time { return time.UnixMicro(c.micros.Load()).UTC() }

// Advance moves the clock.
func (c *Clock) Advance(d time.Duration) { c.micros.Add(d.Microseconds()) }

// Store runs a test on each store, in parallel.
func Store(t *testing.T, test func(t *testing.T, db store.DB, clock *Clock)) {
	t.Helper()
	t.Run("bunt", func(t *testing.T) {
		t.Parallel()
		clock := NewClock()
		test(t, Bunt(t, clock), clock)
	})
	t.Run("pg", func(t *testing.T) {
		t.Parallel()
		clock := NewClock()
		test(t, Postgres(t, clock), clock)
	})
}

// Bunt is a new embedded store that lives until the test ends.
func Bunt(t testing.TB, clock *Clock) store.DB {
	t.Helper()
	db, err := bunt.Open(bunt.Config{Dir: t.TempDir(), Clock: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // a test may have closed it
	if err := db.Update(t.Context(), schema.Seed); err != nil {
		t.Fatal(err)
	}
	return db
}

// Postgres is a new database that lives until the test ends.
func Postgres(t *testing.T, clock *Clock) store.DB {
	t.Helper()
	once.Do(func() { startErr = start(t) })
	if startErr != nil {
		t.Fatal(startErr)
	}
	address := server.DatabaseWith(t, "TEMPLATE "+template)
	db, err := pg.Open(t.Context(), pg.Config{DSN: address, Clock: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

var (
	once     sync.Once
	server   *pgtest.Server
	startErr error
)

// template is a migrated database, of which each test's is a copy: that takes half as long as migrating an empty one.
const template = "migrated"

// start starts the server of this test binary, with the template in it.
func start(t *testing.T) (err error) {
	if server, err = pgtest.Start(pgtest.Hasty); err != nil {
		return err
	}
	address, err := url.Parse(server.Missing(t))
	if err != nil {
		return err
	}
	address.Path = template
	_, err = migrate.Up(context.Background(), address.String(), 0)
	return err
}
