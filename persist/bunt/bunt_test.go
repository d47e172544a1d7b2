package bunt

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/persist/storetest"
	"github.com/skirmishgg/skirmish/protocol/id"
)

func open(t *testing.T, dir string) *DB {
	t.Helper()
	db, err := Open(Config{Dir: dir, Clock: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.DB {
		db := open(t, t.TempDir())
		t.Cleanup(func() { _ = db.Close() }) // the suite may have closed it
		return db
	})
}

func put(db *DB, n int, count int32) error {
	return db.Write(context.Background(), nil, func(tx store.Tx) error {
		return store.Put(tx, storetest.Things, &storetest.Thing{ID: id.UUID{byte(n)}, Name: fmt.Sprint("n", n), Count: count, Made: tx.Now(), Value: "{}"})
	})
}

func counts(t *testing.T, db *DB) map[string]int32 {
	t.Helper()
	all := map[string]int32{}
	err := db.Read(t.Context(), func(r store.Reader) error {
		for row, err := range store.Scan(r, storetest.Things.By("name"), store.Range{}) {
			if err != nil {
				return err
			}
			all[row.Name] = row.Count
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestCutAtEveryByte: whatever part of the last frame reached the disk, the store opens with every earlier commit, and
// with the last one only when it is whole.
func TestCutAtEveryByte(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	for n := range 3 {
		if err := put(db, n, 1); err != nil {
			t.Fatal(err)
		}
	}
	before := db.drv.log.size.Load()
	if err := put(db, 0, 2); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(filepath.Join(dir, logName))
	if err != nil {
		t.Fatal(err)
	}
	f := func(content []byte, want int32) {
		t.Helper()
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, logName), content, 0o600); err != nil {
			t.Fatal(err)
		}
		db := open(t, dir)
		if got := counts(t, db); len(got) != 3 || got["n0"] != want {
			t.Errorf("log of %d bytes opens with %v", len(content), got)
		}
		if err := put(db, 9, 9); err != nil { // and goes on
			t.Error(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		db = open(t, dir)
		if got := counts(t, db); len(got) != 4 || got["n0"] != want || got["n9"] != 9 {
			t.Errorf("log of %d bytes, one write and a restart: %v", len(content), got)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
	for cut := int(before); cut < len(whole); cut++ {
		f(whole[:cut], 1)
	}
	f(whole, 2)
	flipped := append([]byte(nil), whole...)
	flipped[len(flipped)-1] ^= 1
	f(flipped, 1)
}

// TestDamageInTheMiddle: a log that lost a commit which others follow is not cut there; it is left as it is.
func TestDamageInTheMiddle(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	var ends []int64
	for n := range 4 {
		if err := put(db, n, 1); err != nil {
			t.Fatal(err)
		}
		ends = append(ends, db.drv.log.size.Load())
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, logName)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for at := ends[0]; at < ends[1]; at++ {
		damaged := slices.Clone(whole)
		damaged[at] ^= 0x40
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		db, err := Open(Config{Dir: dir, Clock: time.Now})
		if err == nil {
			t.Fatalf("opened with byte %d changed: %v", at, db.Close())
		}
		if want := fmt.Sprintf("cut it at byte %d", ends[0]); !strings.Contains(err.Error(), want) {
			t.Errorf("byte %d changed: %v, want %q", at, err, want)
		}
		if left, err := os.ReadFile(path); err != nil || !slices.Equal(left, damaged) {
			t.Errorf("byte %d changed: the log was touched, %v", at, err)
		}
	}
}

// badDisk fails from the nth sync on.
type badDisk struct {
	file
	syncs int
}

func (d *badDisk) Sync() error {
	if d.syncs--; d.syncs < 0 {
		return errors.New("input/output error")
	}
	return d.file.Sync()
}

func TestFailedSyncStopsWritesNotReads(t *testing.T) {
	db := open(t, t.TempDir())
	if err := put(db, 1, 1); err != nil {
		t.Fatal(err)
	}
	db.drv.log.f = &badDisk{file: db.drv.log.f}
	for range 3 {
		if err := put(db, 2, 2); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("a write on a failed disk answered %v", err)
		}
	}
	if got := counts(t, db); len(got) != 1 || got["n1"] != 1 {
		t.Errorf("reads after the failure see %v", got)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

// settle waits until no checkpoint is under way.
func settle(db *DB) { db.drv.checkpoint.Wait() }

// TestCheckpoint: while the lane goes on, the log of rows long replaced is exchanged for one of live rows, which holds
// everything that was acknowledged meanwhile, removals too.
func TestCheckpoint(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	db.drv.deadMin = 1 << 15
	for n := range 200 {
		if err := put(db, n, 0); err != nil {
			t.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	stop, rounds := make(chan struct{}), int32(0)
	wg.Go(func() { // until three checkpoints have gone by, whose sizes show
		defer close(stop)
		for sizes := 0; sizes < 3; rounds++ {
			before := db.drv.log.size.Load()
			for n := range 100 {
				if err := put(db, n, rounds); err != nil {
					t.Error(err)
					return
				}
			}
			if db.drv.log.size.Load() < before {
				sizes++
			}
		}
	})
	wg.Go(func() {
		for n := 100; n < 200; n++ {
			err := db.Write(context.Background(), nil, func(tx store.Tx) error { return store.Delete(tx, storetest.Things, id.UUID{byte(n)}) })
			if err != nil {
				t.Error(err)
			}
		}
		<-stop
	})
	wg.Wait()
	settle(db)
	want, sequence := counts(t, db), db.drv.sequence
	if len(want) != 100 || want["n7"] != rounds-1 {
		t.Fatalf("the store holds %d rows, n7 at %d of %d", len(want), want["n7"], rounds-1)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = open(t, dir)
	if got := counts(t, db); !maps.Equal(got, want) || db.drv.sequence != sequence {
		t.Errorf("after a restart %d rows at sequence %d, want %d at %d", len(got), db.drv.sequence, len(want), sequence)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestCheckpointOfNothing: a store whose rows are all gone keeps its sequence.
func TestCheckpointOfNothing(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	for range 3 {
		if err := put(db, 1, 1); err != nil {
			t.Fatal(err)
		}
	}
	db.drv.deadMin = 1
	if err := db.Write(t.Context(), nil, func(tx store.Tx) error { return store.Delete(tx, storetest.Things, id.UUID{1}) }); err != nil {
		t.Fatal(err)
	}
	settle(db)
	if size := db.drv.log.size.Load(); size != int64(len(logMagic)+frameHead) {
		t.Errorf("a log of nothing has %d bytes", size)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = open(t, dir)
	if got := counts(t, db); len(got) != 0 || db.drv.sequence != 4 {
		t.Errorf("%d rows at sequence %d", len(got), db.drv.sequence)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestFailedCheckpoint: a checkpoint that cannot be written costs nothing but its warning, and is not tried at every commit.
func TestFailedCheckpoint(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, checkpointName, "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	var warnings atomic.Int32
	db, err := Open(Config{Dir: dir, Clock: time.Now, Warn: func(error) { warnings.Add(1) }})
	if err != nil {
		t.Fatal(err)
	}
	db.drv.deadMin = 1 << 10
	for n := range 500 {
		if err := put(db, 1, int32(n)); err != nil {
			t.Fatal(err)
		}
	}
	settle(db)
	if n := warnings.Load(); n == 0 || n > 10 {
		t.Errorf("%d warnings of a checkpoint that cannot be written", n)
	}
	if err := os.RemoveAll(filepath.Join(dir, checkpointName)); err != nil {
		t.Fatal(err)
	}
	for size := int64(0); db.drv.log.size.Load() > size; {
		if size = db.drv.log.size.Load(); size > 1<<22 {
			t.Fatal("no checkpoint since the disk is well again")
		}
		if err := put(db, 1, 7); err != nil {
			t.Fatal(err)
		}
		settle(db)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = open(t, dir)
	if got := counts(t, db); got["n1"] != 7 {
		t.Errorf("after all: %v", got)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestSecondServerIsRefused(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	if second, err := Open(Config{Dir: dir, Clock: time.Now}); err == nil {
		t.Error("two servers opened one folder", second.Close())
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

func FuzzReplay(f *testing.F) {
	f.Add([]byte(logMagic))
	f.Add([]byte(logMagic + "\x04\x00\x00\x00abcd12345678abcd"))
	f.Fuzz(func(t *testing.T, log []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, logName), log, 0o600); err != nil {
			t.Fatal(err)
		}
		if db, err := Open(Config{Dir: dir, Clock: time.Now}); err == nil {
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

func FuzzRow(f *testing.F) {
	f.Add(string(appendRow(nil, storetest.Things.Def, &storetest.Thing{Name: "a"})))
	f.Fuzz(func(t *testing.T, data string) {
		if row, err := readRow(storetest.Things.Def, data); err == nil && row == nil {
			t.Error("neither a row nor an error")
		}
	})
}

// BenchmarkWrite is one writer's read and put of a row, disk included: allocations are what a change of the row paths shows.
func BenchmarkWrite(b *testing.B) {
	db, err := Open(Config{Dir: b.TempDir(), Clock: time.Now})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		key := id.UUID{byte(n % 64)}
		err := db.Write(b.Context(), []store.Ref{storetest.Things.Ref(key)}, func(tx store.Tx) error {
			row, ok, err := store.Get(tx, storetest.Things, key)
			if err != nil {
				return err
			}
			if !ok {
				row = &storetest.Thing{ID: key, Name: fmt.Sprint(n), Made: tx.Now(), Value: `{"a": 1}`}
			}
			row.Rank++
			return store.Put(tx, storetest.Things, row)
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
