package pg

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/skirmishgg/skirmish/persist/pg/pgtest"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/persist/storetest"
	"github.com/skirmishgg/skirmish/protocol/id"
)

var server *pgtest.Server

func TestMain(m *testing.M) { pgtest.Main(m, &server) }

func open(t *testing.T, dsn string) *DB {
	t.Helper()
	db, err := Open(t.Context(), Config{DSN: dsn, Clock: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.DB { return open(t, server.Database(t, storetest.DDL)) })
}

// TestNormaliseAgreesWithJSONB asks the server itself how jsonb prints.
func TestNormaliseAgreesWithJSONB(t *testing.T) {
	conn, err := pgx.Connect(t.Context(), server.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	for _, text := range []string{`{}`, ` [ 1,2 , "x"] `, `{"bb":1,"a":2,"c":3}`, `{"a":1,"a":2}`, `1e2`, `1.50e-1`, `-0`, `-0.00`, `1.500`, `-1.5E+3`,
		`12345678901234567890.123`, `"\u00e9\/\t\u0001"`, `[true,false,null]`, `0.000e5`, `1e-5`, `"\ud83d\ude00"`, `{"é":1,"zz":2,"z":3}`, `"\u007f"`, `00e0`,
		` {"b" : {"y":1,"x":[{"d":1,"c":2}]} , "a\n":2, "aé":3, "a\"" : 4, "b":{"z":{},"y":0}}`, `"\u001f\/\b\f\u007f"`,
		`[0e5, 0.000e2, 0.000e5, -0e-3, 12.34e1, 12.34E+5, 12.34e-4, 0.00120e2, -1e0, -0.0e-2]`, `0e1000000000`, `0e1073741824`,
		`"\u0000"`, `{"\u0000":1}`, `"\ud83d"`, `"\ude00"`, `"\ud83d\ud83d"`, `"\ud83dx"`, `"\ud83d\n"`, `"\ud83d\u0041"`,
		`1e131071`, `1e131072`, `0.1e131072`, `0.1e131073`, `1e-16383`, `1e-16384`, `0e-16383`, `0e-16384`, `1e99999999999999999999`,
		strings.Repeat("9", 131072), strings.Repeat("9", 131073), "1." + strings.Repeat("0", 16383), "1." + strings.Repeat("0", 16384),
		``, ` `, `{`, `{"a"}`, `{"a":1,}`, `[1,]`, `[1 2]`, `nul`, `1.`, `.5`, `1e`, `-`, `"\x"`, "\"\t\"", "\"\x7f\"", strings.Repeat("[", 900) + strings.Repeat("]", 900)} {
		var want string
		pgErr := conn.QueryRow(t.Context(), "SELECT $1::text::jsonb::text", text).Scan(&want)
		got, err := store.Normalise(store.JSON(text))
		if (err != nil) != (pgErr != nil) || err == nil && string(got) != want {
			t.Errorf("%.60s: jsonb says %.60s (%v), Normalise %.60s (%v)", text, want, pgErr, got, err)
		}
	}
}

func increment(db *DB, n byte) error {
	return db.Write(context.Background(), []store.Ref{storetest.Things.Ref(id.UUID{n})}, func(tx store.Tx) error {
		row, ok, err := store.Get(tx, storetest.Things, id.UUID{n})
		if err != nil {
			return err
		}
		if !ok {
			row = &storetest.Thing{ID: id.UUID{n}, Name: fmt.Sprint("n", n), Made: tx.Now(), Value: "{}"}
		}
		row.Rank++
		return store.Put(tx, storetest.Things, row)
	})
}

// TestOutsideWriter: a row that another program changes between load and flush waits for the lock, so no update is lost.
func TestOutsideWriter(t *testing.T) {
	dsn := server.Database(t, storetest.DDL)
	db := open(t, dsn)
	if err := increment(db, 1); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		conn, err := pgx.Connect(context.Background(), dsn)
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close(context.Background())
		for range 200 {
			if _, err := conn.Exec(context.Background(), "UPDATE storetest_thing SET rank = rank + 1"); err != nil {
				t.Error(err)
			}
		}
	})
	for range 200 {
		if err := increment(db, 1); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
	if got := rank(t, db, id.UUID{1}); got != 401 {
		t.Errorf("rank %d after 401 increments from two programs", got)
	}
}

// TestDeadlockRunsAgain: two lanes that lock two rows in opposite order both get through.
func TestDeadlockRunsAgain(t *testing.T) {
	db := open(t, server.Database(t, storetest.DDL))
	for n := range 2 {
		if err := increment(db, byte(n)); err != nil {
			t.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	for n := range 2 {
		wg.Go(func() {
			for range 6 {
				err := db.Update(context.Background(), func(tx store.Tx) error {
					for _, at := range []int{n, 1 - n} {
						row, _, err := store.Get(tx, storetest.Things, id.UUID{byte(at)})
						if err != nil {
							return err
						}
						row.Rank++
						if err := store.Put(tx, storetest.Things, row); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if a, b := rank(t, db, id.UUID{0}), rank(t, db, id.UUID{1}); a != 13 || b != 13 {
		t.Errorf("ranks %d and %d, want 13", a, b)
	}
}
