package pg

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/persist/storetest"
	"github.com/skirmishgg/skirmish/protocol/id"
)

// ledger counts two rows a writer up in one write each, and knows what it was told. A store is right when both rows are
// equal, no less than what was acknowledged, and no more than that and what nobody could say.
type ledger struct {
	db                    *DB
	acknowledged, unknown [writers]int64
}

const writers = 6

func half(writer, n int) id.UUID { return id.UUID{byte(writer), byte(n), 15: 1} }

func (l *ledger) countUp(writer int) error {
	hint := []store.Ref{storetest.Things.Ref(half(writer, 0)), storetest.Things.Ref(half(writer, 1))}
	return l.db.Write(context.Background(), hint, func(tx store.Tx) error {
		for n := range 2 {
			row, ok, err := store.Get(tx, storetest.Things, half(writer, n))
			if err != nil {
				return err
			}
			if !ok {
				row = &storetest.Thing{ID: half(writer, n), Name: fmt.Sprint(writer, "/", n), Made: tx.Now(), Value: "{}"}
			}
			row.Rank++
			if err := store.Put(tx, storetest.Things, row); err != nil {
				return err
			}
		}
		return nil
	})
}

// load writes with all writers until each has been told of trouble, or stop is closed; seen is called with the number of
// acknowledged writes.
func (l *ledger) load(t *testing.T, stop <-chan struct{}, seen func(total int64)) {
	t.Helper()
	var total atomic.Int64
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := l.countUp(w); err != nil {
					if !errors.Is(err, store.ErrUnavailable) {
						t.Errorf("the trouble was answered with %v", err)
					}
					l.unknown[w]++
					return
				}
				l.acknowledged[w]++
				seen(total.Add(1))
			}
		})
	}
	wg.Wait()
}

func (l *ledger) check(t *testing.T, dsn string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	for w := range writers {
		var got [2]int64
		for n := range got {
			err := conn.QueryRow(t.Context(), "SELECT coalesce((SELECT rank FROM storetest_thing WHERE id = $1), 0)", [16]byte(half(w, n))).Scan(&got[n])
			if err != nil {
				t.Fatal(err)
			}
		}
		if got[0] != got[1] || got[0] < l.acknowledged[w] || got[0] > l.acknowledged[w]+l.unknown[w] {
			t.Errorf("writer %d: %d acknowledged, %d unknown, rows hold %d and %d", w, l.acknowledged[w], l.unknown[w], got[0], got[1])
		}
		l.acknowledged[w], l.unknown[w] = got[0], 0
	}
}

// TestServerKilled: rounds of load during which PostgreSQL is killed and started again. Between them the same DB goes on.
func TestServerKilled(t *testing.T) {
	dsn := server.Database(t, storetest.DDL)
	l := &ledger{db: open(t, dsn)}
	for round := range int64(3) {
		var once sync.Once
		l.load(t, nil, func(total int64) {
			if total == 50+37*round {
				once.Do(server.Kill)
			}
		})
		if err := server.Restart(); err != nil {
			t.Fatal(err)
		}
		l.check(t, dsn)
		if got := rank(t, l.db, half(0, 0)); got != l.acknowledged[0] { // reads pass over the dead connections of the pool
			t.Errorf("a reader sees %d of %d", got, l.acknowledged[0])
		}
	}
}

// wire is a proxy that forwards, and cuts a connection after a number of bytes either way.
type wire struct {
	target string
	l      net.Listener
	left   atomic.Int64 // bytes until the cut; negative: no cut is due
}

func newWire(t *testing.T, target string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &wire{target: target, l: l}
	p.left.Store(-1)
	t.Cleanup(func() { _ = l.Close() })
	go func() { // ends with the listener
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", target)
			if err != nil {
				_ = near.Close()
				continue
			}
			go p.forward(near, far) // both end when either connection does
			go p.forward(far, near)
		}
	}()
	return p
}

func (p *wire) forward(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	buf := make([]byte, 4096)
	for {
		n, err := from.Read(buf)
		if left := p.left.Load(); left >= 0 && p.left.Add(int64(-n)) < 0 {
			_, _ = to.Write(buf[:min(int64(n), left)]) // the rest never arrives
			return
		}
		if _, writeErr := to.Write(buf[:n]); err != nil || writeErr != nil {
			return
		}
	}
}

// TestConnectionCut: connections break at every place of a batch, in either direction; afterwards the lanes go on. Nothing
// acknowledged is missing, nothing is half there, and what was refused as unknown is there or not.
func TestConnectionCut(t *testing.T) {
	dsn := server.Database(t, storetest.DDL)
	conf, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	p := newWire(t, fmt.Sprintf("%s:%d", conf.Host, conf.Port))
	l := &ledger{db: open(t, strings.Replace(dsn, fmt.Sprintf("%s:%d", conf.Host, conf.Port), p.l.Addr().String(), 1))}
	rng := rand.New(rand.NewPCG(3, 4))
	for range 40 {
		stop := make(chan struct{})
		var once, end sync.Once
		l.load(t, stop, func(total int64) {
			if total >= 10 {
				once.Do(func() { p.left.Store(rng.Int64N(12000)) })
			}
			if p.left.Load() < -1 || total > 500 { // cut: each writer ends with its next answer
				end.Do(func() { close(stop) })
			}
		})
		p.left.Store(-1)
		l.check(t, dsn)
	}
}

func rank(t *testing.T, db *DB, key id.UUID) int64 {
	t.Helper()
	var rank int64
	err := db.Read(t.Context(), func(r store.Reader) error {
		row, ok, err := store.Get(r, storetest.Things, key)
		if ok {
			rank = row.Rank
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return rank
}

// TestSerializationFailure: a batch that the server turns away as a loser runs again, each function too.
func TestSerializationFailure(t *testing.T) {
	dsn := server.Database(t, storetest.DDL, `CREATE SEQUENCE attempts`,
		`CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			IF nextval('attempts') <= 2 THEN RAISE EXCEPTION 'could not serialize access' USING ERRCODE = '40001'; END IF;
			RETURN NEW; END $$`,
		`CREATE TRIGGER lose BEFORE INSERT OR UPDATE ON storetest_thing FOR EACH STATEMENT EXECUTE FUNCTION lose()`)
	db := open(t, dsn)
	runs := 0
	err := db.Write(t.Context(), nil, func(tx store.Tx) error {
		runs++
		return store.Put(tx, storetest.Things, &storetest.Thing{ID: id.UUID{1}, Name: "n", Rank: 7, Made: tx.Now(), Value: "{}"})
	})
	if err != nil || runs != 3 || rank(t, db, id.UUID{1}) != 7 {
		t.Errorf("after %d runs: %v", runs, err)
	}
}

// TestForeignInsert: a row that another program inserts after a function has found it missing is not overwritten; the
// function runs again and finds it.
func TestForeignInsert(t *testing.T) {
	dsn := server.Database(t, storetest.DDL)
	db := open(t, dsn)
	other, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close(context.Background())
	f := func(key id.UUID, name string, hint ...store.Ref) {
		t.Helper()
		runs := 0
		err := db.Write(t.Context(), hint, func(tx store.Tx) error {
			row, ok, err := store.Get(tx, storetest.Things, key)
			if err != nil {
				return err
			}
			if runs++; runs == 1 && !ok {
				_, err := other.Exec(t.Context(), `INSERT INTO storetest_thing (id, name, rank, small, count, enabled, made, value) VALUES ($1, $2, 40, 0, 0, false, now(), '{}')`,
					[16]byte(key), name)
				if err != nil {
					return err
				}
			}
			if !ok {
				row = &storetest.Thing{ID: key, Name: name, Made: tx.Now(), Value: "{}"}
			}
			row.Rank++
			return store.Put(tx, storetest.Things, row)
		})
		if got := rank(t, db, key); err != nil || runs != 2 || got != 41 {
			t.Errorf("after %d runs rank %d, %v", runs, got, err)
		}
	}
	f(id.UUID{1}, "hinted", storetest.Things.Ref(id.UUID{1}))
	f(id.UUID{2}, "not hinted")

	// without a unique key that would be looked for, only the flush finds out
	runs := 0
	err = db.Write(t.Context(), nil, func(tx store.Tx) error {
		tag, ok, err := store.GetBy(tx, storetest.Tags.By("name"), "tag")
		if err != nil {
			return err
		}
		if runs++; runs == 1 && !ok {
			_, err = other.Exec(t.Context(), "INSERT INTO storetest_tag (name, thing) VALUES ('tag', $1)", [16]byte{1})
		}
		if ok {
			tag.Thing = id.UUID{2}
			return store.Put(tx, storetest.Tags, tag)
		}
		return errors.Join(err, store.Put(tx, storetest.Tags, &storetest.Tag{Name: "tag", Thing: id.UUID{1}}))
	})
	tags, readErr := store.GetMany(t.Context(), db, storetest.Tags, []any{"tag"})
	if err != nil || readErr != nil || runs != 2 || tags[0] == nil || tags[0].Thing != (id.UUID{2}) {
		t.Errorf("after %d runs the tag is %+v, %v, %v", runs, tags, err, readErr)
	}
}

// TestForeignName: a unique name that another program takes meanwhile is refused by its declared columns.
func TestForeignName(t *testing.T) {
	dsn := server.Database(t, storetest.DDL)
	db := open(t, dsn)
	other, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close(context.Background())
	runs := 0
	err = db.Write(t.Context(), []store.Ref{storetest.Things.By("name").Ref("taken")}, func(tx store.Tx) error {
		if _, ok, err := store.GetBy(tx, storetest.Things.By("name"), "taken"); err != nil || ok {
			return errors.Join(err, &store.DuplicateError{Table: "storetest_thing", Columns: "name"})
		}
		if runs++; runs == 1 {
			_, err := other.Exec(t.Context(), `INSERT INTO storetest_thing (id, name, rank, small, count, enabled, made, value) VALUES (gen_random_uuid(), 'taken', 0, 0, 0, false, now(), '{}')`)
			if err != nil {
				return err
			}
		}
		return store.Put(tx, storetest.Things, &storetest.Thing{ID: id.UUID{1}, Name: "taken", Made: tx.Now(), Value: "{}"})
	})
	var dup *store.DuplicateError
	if !errors.As(err, &dup) || dup.Columns != "name" || runs != 1 {
		t.Errorf("after %d runs: %v", runs, err)
	}
}

// TestUndeclaredKey: a unique key that only the database knows is refused too, with its columns, and alone.
func TestUndeclaredKey(t *testing.T) {
	db := open(t, server.Database(t, storetest.DDL, "CREATE UNIQUE INDEX by_hand ON storetest_thing (rank, small) WHERE rank > 0"))
	var wg sync.WaitGroup
	var refused atomic.Int32
	for n := range 8 {
		wg.Go(func() {
			err := db.Write(context.Background(), nil, func(tx store.Tx) error {
				return store.Put(tx, storetest.Things, &storetest.Thing{ID: id.UUID{byte(n)}, Name: fmt.Sprint(n), Rank: int64(n % 4), Made: tx.Now(), Value: "{}"})
			})
			var dup *store.DuplicateError
			if errors.As(err, &dup) && dup.Columns == "rank,small" && dup.Table == "storetest_thing" {
				refused.Add(1)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if refused.Load() != 3 {
		t.Errorf("%d writes were refused, want one each of the ranks 1 to 3", refused.Load())
	}
}

// TestAlteredTable: a table that changes under a running server costs nobody an error.
func TestAlteredTable(t *testing.T) {
	dsn := server.Database(t, storetest.DDL)
	db := open(t, dsn)
	l := &ledger{db: db}
	read := func() {
		t.Helper()
		if _, err := store.GetMany(t.Context(), db, storetest.Things, []any{half(0, 0)}); err != nil {
			t.Error(err)
		}
	}
	other, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close(context.Background())
	for _, alter := range []string{"ALTER COLUMN name TYPE text", "ADD COLUMN later INT", "ALTER COLUMN name TYPE varchar(200)"} {
		for range 2 {
			if err := l.countUp(0); err != nil {
				t.Errorf("before %s: %v", alter, err)
			}
			read()
		}
		if _, err := other.Exec(t.Context(), "ALTER TABLE storetest_thing "+alter); err != nil {
			t.Fatal(err)
		}
		read()
	}
	if err := l.countUp(0); err != nil {
		t.Error(err)
	}
	if got := rank(t, db, half(0, 0)); got != 7 {
		t.Errorf("rank %d after 7 writes", got)
	}
}
