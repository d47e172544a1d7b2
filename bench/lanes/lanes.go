// Package lanes measures how many writes a second a store acknowledges, beside the other ways to write the same rows to
// the same PostgreSQL.
//
// One write reads a player's storage object and puts it back with a new value, as a game saves progress. Each writer waits
// for its answer before it sends the next, so writers are players in flight. The ways:
//
//	Lanes        DB.Write on the store under test: group commit
//	Statement    one INSERT … ON CONFLICT DO UPDATE a write through a pgx pool: blind, the least that can be sent
//	Transaction  BEGIN, SELECT … FOR UPDATE, the same INSERT, COMMIT: the same guarantee as Lanes
//	Ceiling      the same upsert over unnest arrays, as many rows a statement as there are writers to a connection, without
//	             any reading, queueing or answering: what PostgreSQL itself can do
package lanes

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/id"
)

// objectsPerWriter is how many objects a writer goes round; all exist before the measurement.
const objectsPerWriter = 16

// Writers are the numbers of writers that the bench asks for.
var Writers = []int{1, 16, 128, 512}

// Way is one way to write, ready to be asked again and again from many goroutines.
type Way struct {
	// Write saves object n of writer w.
	Write func(ctx context.Context, w, n int, value string) error

	rows int // that one Write saves: the ceiling's few writers stand for many each
}

// Prepare puts the users and objects that max writers write, into any store.
func Prepare(ctx context.Context, db store.DB, max int) error {
	const step = 256
	for first := 0; first < max; first += step {
		err := db.Update(ctx, func(tx store.Tx) error {
			for w := first; w < min(first+step, max); w++ {
				if err := store.Put(tx, schema.Users, user(w, tx.Now())); err != nil {
					return err
				}
				for n := range objectsPerWriter {
					if err := store.Put(tx, schema.Storage, object(w, n, "{}", tx.Now())); err != nil {
						return err
					}
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("prepare writers from %d: %w", first, err)
		}
	}
	return nil
}

// Lanes writes through the store under test.
func Lanes(db store.DB) Way {
	return Way{rows: 1, Write: func(ctx context.Context, w, n int, value string) error {
		key := objectKey(w, n)
		return db.Write(ctx, []store.Ref{schema.Storage.Ref(key...)}, func(tx store.Tx) error {
			row, ok, err := store.Get(tx, schema.Storage, key...)
			if err != nil {
				return err
			}
			if !ok {
				return errors.New("an object is missing")
			}
			row.Value, row.UpdateTime = store.JSON(value), tx.Now()
			return store.Put(tx, schema.Storage, row)
		})
	}}
}

const upsert = `INSERT INTO storage (collection, key, user_id, value, version, read, write, create_time, update_time)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (collection, key, user_id) DO UPDATE SET value = excluded.value, version = excluded.version, read = excluded.read, write = excluded.write, update_time = excluded.update_time`

func upsertArgs(w, n int, value string) []any {
	o := object(w, n, value, time.Now())
	return []any{o.Collection, o.Key, [16]byte(o.UserID), value, o.Version, o.Read, o.Write, o.CreateTime, o.UpdateTime}
}

// Statement writes blindly, one statement a write.
func Statement(pool *pgxpool.Pool) Way {
	return Way{rows: 1, Write: func(ctx context.Context, w, n int, value string) error {
		_, err := pool.Exec(ctx, upsert, upsertArgs(w, n, value)...)
		return err
	}}
}

// Transaction reads under lock and writes, one transaction a write.
func Transaction(pool *pgxpool.Pool) Way {
	return Way{rows: 1, Write: func(ctx context.Context, w, n int, value string) error {
		return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
			key := objectKey(w, n)
			var old string
			err := tx.QueryRow(ctx, "SELECT value::text FROM storage WHERE collection = $1 AND key = $2 AND user_id = $3 FOR UPDATE",
				key[0], key[1], [16]byte(key[2].(id.UUID))).Scan(&old)
			if err != nil {
				return err
			}
			_, err = tx.Exec(ctx, upsert, upsertArgs(w, n, value)...)
			return err
		})
	}}
}

const unnestUpsert = `INSERT INTO storage (collection, key, user_id, value, version, read, write, create_time, update_time)
SELECT * FROM unnest($1::text[], $2::text[], $3::uuid[], $4::jsonb[], $5::text[], $6::int2[], $7::int2[], $8::timestamptz[], $9::timestamptz[])
ON CONFLICT (collection, key, user_id) DO UPDATE SET value = excluded.value, version = excluded.version, read = excluded.read, write = excluded.write, update_time = excluded.update_time`

// PoolConns is how many connections Statement and Transaction share: the best of 4, 8, 16 and 64 at 128 writers on two
// cores. With more, PostgreSQL's processes get in each other's way.
const PoolConns = 16

// CeilingConns is how many connections the ceiling uses: as many as the store has lanes.
const CeilingConns = 2

// Ceiling writes so many rows a statement; it is asked with a writer a connection.
func Ceiling(pool *pgxpool.Pool, rows int) Way {
	return Way{rows: rows, Write: func(ctx context.Context, w, n int, value string) error {
		var a struct {
			collection, key, version []string
			user                     [][16]byte
			value                    []string
			read, write              []int16
			made, changed            []time.Time
		}
		now := time.Now()
		for i := range rows {
			o := object(w*rows+i, n, value, now)
			a.collection, a.key, a.version = append(a.collection, o.Collection), append(a.key, o.Key), append(a.version, o.Version)
			a.user, a.value = append(a.user, o.UserID), append(a.value, value)
			a.read, a.write = append(a.read, o.Read), append(a.write, o.Write)
			a.made, a.changed = append(a.made, o.CreateTime), append(a.changed, o.UpdateTime)
		}
		_, err := pool.Exec(ctx, unnestUpsert, a.collection, a.key, a.user, a.value, a.version, a.read, a.write, a.made, a.changed)
		return err
	}}
}

// Messages puts chat messages of senders into the history, one statement each, in rooms of eight: what a server without
// group commit sends for a message.
func Messages(pool *pgxpool.Pool, senders []id.UUID) Way {
	const insert = `INSERT INTO message (id, code, sender_id, username, stream_mode, stream_subject, stream_descriptor, stream_label, content, create_time, update_time)
VALUES (gen_random_uuid(), 0, $1, 'writer', 2, $2, $2, $3, $4, now(), now())`
	return Way{rows: 1, Write: func(ctx context.Context, w, _ int, value string) error {
		_, err := pool.Exec(ctx, insert, [16]byte(senders[w%len(senders)]), [16]byte{}, fmt.Sprint("lane", w/8), value)
		return err
	}}
}

// Scores sets the scores of a board's players, one statement each: what a server without group commit, and without ranks,
// sends for a submission.
func Scores(ctx context.Context, pool *pgxpool.Pool, board string) (Way, error) {
	rows, err := pool.Query(ctx, "SELECT owner_id FROM leaderboard_record WHERE leaderboard_id = $1 LIMIT 4096", board)
	if err != nil {
		return Way{}, err
	}
	owners, err := pgx.CollectRows(rows, pgx.RowTo[[16]byte])
	if err != nil {
		return Way{}, err
	}
	const upsert = `INSERT INTO leaderboard_record (leaderboard_id, owner_id, username, score, subscore) VALUES ($1, $2, 'writer', $3, 0)
ON CONFLICT (owner_id, leaderboard_id, expiry_time)
DO UPDATE SET score = excluded.score, subscore = excluded.subscore, num_score = leaderboard_record.num_score + 1, update_time = now()`
	return Way{rows: 1, Write: func(ctx context.Context, w, n int, _ string) error {
		_, err := pool.Exec(ctx, upsert, board, owners[(w*objectsPerWriter+n)%len(owners)], rand.Int64N(1e9))
		return err
	}}, nil
}

// Measure lets writers write for window and returns acknowledged rows a second. A write that fails ends the measurement.
func Measure(ctx context.Context, way Way, writers int, window time.Duration) (perSecond float64, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var rows atomic.Int64
	var stop atomic.Bool
	var wg sync.WaitGroup
	start := time.Now()
	time.AfterFunc(window, func() { stop.Store(true) })
	for w := range writers {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(w), 7))
			for !stop.Load() {
				value := fmt.Sprintf(`{"coins": %d, "level": %d, "items": ["sword", "shield", "potion"], "zone": "harbour"}`, rng.IntN(1e6), rng.IntN(60))
				if err := way.Write(ctx, w, rng.IntN(objectsPerWriter), value); err != nil {
					cancel(err)
					stop.Store(true)
					return
				}
				rows.Add(int64(way.rows))
			}
		})
	}
	wg.Wait()
	return float64(rows.Load()) / time.Since(start).Seconds(), context.Cause(ctx)
}

func userID(w int) id.UUID { return id.UUID{0: byte(w >> 8), 1: byte(w), 6: 0x40, 8: 0x80, 15: 1} }

func user(w int, now time.Time) *schema.User {
	return &schema.User{ID: userID(w), Username: fmt.Sprint("writer", w), LangTag: "en", Metadata: "{}", Wallet: "{}",
		CreateTime: now, UpdateTime: now, VerifyTime: schema.Epoch, DisableTime: schema.Epoch}
}

func objectKey(w, n int) []any { return []any{"save", fmt.Sprint("slot", n), userID(w)} }

func object(w, n int, value string, now time.Time) *schema.StorageObject {
	return &schema.StorageObject{Collection: "save", Key: fmt.Sprint("slot", n), UserID: userID(w), Value: store.JSON(value),
		Version: "0123456789abcdef0123456789abcdef", Read: 1, Write: 1, CreateTime: now, UpdateTime: now}
}
