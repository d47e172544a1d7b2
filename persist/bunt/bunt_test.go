package bunt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
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
	before := db.drv.log.size
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

func TestCheckpointKeepsLiveRows(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	big := store.JSON(`"` + string(make([]byte, 0)) + fmt.Sprintf("%01000000d", 7) + `"`)
	for n := range 8 {
		err := db.Write(t.Context(), nil, func(tx store.Tx) error {
			return store.Put(tx, storetest.Things, &storetest.Thing{ID: id.UUID{1}, Name: "n1", Count: int32(n), Made: tx.Now(), Value: big})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	sequence := db.drv.sequence
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = open(t, dir) // rewrites the log
	if db.drv.log.size > 2<<20 || db.drv.sequence != sequence {
		t.Errorf("the log is %d bytes at sequence %d after a checkpoint at %d", db.drv.log.size, db.drv.sequence, sequence)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = open(t, dir)
	if got := counts(t, db); got["n1"] != 7 {
		t.Errorf("after the checkpoint: %v", got)
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
