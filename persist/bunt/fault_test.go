//go:build unix

package bunt

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/persist/storetest"
	"github.com/skirmishgg/skirmish/protocol/id"
)

// The tests of this file run a child that writes until it is stopped from outside, then open what it left. Each of the
// child's writers counts up two rows in one write, and says each count once it is acknowledged. So a store is right when
// both rows of a writer are equal, and no less than it has said.

const (
	childDir   = "SKIRMISH_TEST_BUNT_DIR"
	childLimit = "SKIRMISH_TEST_BUNT_BYTES" // of the largest file it may write; "": no limit
	writers    = 8
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		child(dir)
		return
	}
	os.Exit(m.Run())
}

func child(dir string) {
	if limit, err := strconv.ParseUint(os.Getenv(childLimit), 10, 64); err == nil {
		signal.Ignore(syscall.SIGXFSZ) // the write fails instead
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: limit, Max: limit}); err != nil {
			fmt.Println("failed", err)
			os.Exit(1)
		}
	}
	db, err := Open(Config{Dir: dir, Clock: time.Now})
	if err != nil {
		fmt.Println("failed", err)
		os.Exit(1)
	}
	if os.Getenv(childLimit) == "" {
		db.drv.deadMin = 1 << 14 // checkpoints all the time
	}
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for {
				count, err := countUp(db, w)
				if err != nil {
					fmt.Println("refused", w, errors.Is(err, store.ErrUnavailable))
					return
				}
				fmt.Println("acknowledged", w, count)
			}
		})
	}
	wg.Wait()
	var n int32
	if err := db.Read(context.Background(), func(r store.Reader) error {
		row, _, err := store.Get(r, storetest.Things, pair(0, 0))
		n = row.Count
		return err
	}); err != nil {
		fmt.Println("failed", err)
	}
	fmt.Println("read", n)
}

func pair(writer, half int) id.UUID { return id.UUID{byte(writer), byte(half), 15: 1} }

func countUp(db *DB, writer int) (count int32, err error) {
	err = db.Write(context.Background(), nil, func(tx store.Tx) error {
		for half := range 2 {
			row, ok, err := store.Get(tx, storetest.Things, pair(writer, half))
			if err != nil {
				return err
			}
			if !ok {
				row = &storetest.Thing{ID: pair(writer, half), Name: fmt.Sprint(writer, "/", half), Made: tx.Now(), Value: "{}"}
			}
			row.Count++
			count = row.Count
			if err := store.Put(tx, storetest.Things, row); err != nil {
				return err
			}
		}
		return nil
	})
	return count, err
}

// said is what a child has said.
type said struct {
	acknowledged [writers]int32
	refused      int // writers that were answered Unavailable
	other        []string
	read         int32
}

// listen reads what the child says until it ends; lines are counted in seen.
func (s *said) listen(r io.Reader, seen func(lines int)) {
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		words := strings.Fields(lines.Text())
		var a, b int
		switch {
		case len(words) == 3 && words[0] == "acknowledged":
			a, _ = strconv.Atoi(words[1])
			b, _ = strconv.Atoi(words[2])
			s.acknowledged[a] = max(s.acknowledged[a], int32(b))
		case len(words) == 3 && words[0] == "refused" && words[2] == "true":
			s.refused++
		case len(words) == 2 && words[0] == "read":
			b, _ = strconv.Atoi(words[1])
			s.read = int32(b)
		default:
			s.other = append(s.other, lines.Text())
		}
		seen(n)
	}
}

func startChild(t *testing.T, dir, limit string) (*exec.Cmd, io.Reader) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^$")
	cmd.Env = append(os.Environ(), childDir+"="+dir, childLimit+"="+limit)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	return cmd, out
}

// check opens the store and compares. A writer may be ahead of what it has said: by a count whose line was not written
// yet, and by one that was in flight.
func (s *said) check(t *testing.T, dir string) {
	t.Helper()
	db := open(t, dir)
	defer db.Close()
	for w := range writers {
		var rows []*storetest.Thing
		rows, err := store.GetMany(t.Context(), db, storetest.Things, []any{pair(w, 0)}, []any{pair(w, 1)})
		if err != nil {
			t.Fatal(err)
		}
		if rows[0] == nil || rows[1] == nil {
			if s.acknowledged[w] > 0 || rows[0] != rows[1] {
				t.Errorf("writer %d has said %d and left %+v, %+v", w, s.acknowledged[w], rows[0], rows[1])
			}
			continue
		}
		if a, b := rows[0].Count, rows[1].Count; a != b || a < s.acknowledged[w] || a > s.acknowledged[w]+2 {
			t.Errorf("writer %d has said %d and left %d and %d", w, s.acknowledged[w], a, b)
		}
	}
	if len(s.other) > 0 {
		t.Errorf("the child said %q", s.other)
	}
}

// TestKilled: a process that is killed at any moment, also within a checkpoint, has lost nothing that it acknowledged and
// half-written nothing; round after round on what the last one left.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	var s said
	rng := rand.New(rand.NewPCG(1, 2))
	for range 6 {
		cmd, out := startChild(t, dir, "")
		until := 200 + rng.IntN(3000)
		s.listen(out, func(lines int) {
			if lines == until {
				_ = cmd.Process.Kill()
			}
		})
		_ = cmd.Wait()
		s.check(t, dir)
	}
	if info, err := os.Stat(filepath.Join(dir, logName)); err != nil || info.Size() > 1<<18 {
		t.Errorf("no checkpoint ran: the log is %v, %v", info, err)
	}
}

// TestFullDisk: when the log cannot grow, writers are told so, readers go on, and everything acknowledged is there after a
// restart with room.
func TestFullDisk(t *testing.T) {
	for _, limit := range []string{"50000", "50001", "123457"} {
		dir := t.TempDir()
		cmd, out := startChild(t, dir, limit)
		var s said
		s.listen(out, func(int) {})
		if err := cmd.Wait(); err != nil || s.refused != writers {
			t.Errorf("the child ended with %v, %d of %d writers were refused", err, s.refused, writers)
		}
		if s.read != s.acknowledged[0] {
			t.Errorf("on the full disk a reader saw %d, %d was acknowledged", s.read, s.acknowledged[0])
		}
		s.check(t, dir)
	}
}
