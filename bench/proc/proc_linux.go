package proc

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

var origin = time.Now()

// startPinned starts cmd with its affinity set to one core: it inherits that of the thread that forks it.
func startPinned(cmd *exec.Cmd, core int) error {
	if core < 0 {
		return cmd.Start()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return err
	}
	one.Set(core)
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		return err
	}
	defer func() { _ = unix.SchedSetaffinity(0, &before) }()
	return cmd.Start()
}

// Cores are the cores this process may run on.
func Cores() []int {
	var set unix.CPUSet
	if unix.SchedGetaffinity(0, &set) != nil {
		return nil
	}
	var cores []int
	for i := range len(set) * 64 {
		if set.IsSet(i) {
			cores = append(cores, i)
		}
	}
	return cores
}

// Now marks the resource use of this process.
func Now(ops uint64) Mark {
	var ru unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &ru)
	return Mark{
		CPUMicros:  float64(ru.Utime.Nano()+ru.Stime.Nano()) / 1e3,
		WallMicros: float64(time.Since(origin).Nanoseconds()) / 1e3,
		RSS:        rss(),
		Ops:        ops,
	}
}

// Tree is the CPU that a process and its children have used so far, in µs, without the children that have ended: what a
// PostgreSQL server takes for its connections.
func Tree(pid int) (micros float64, err error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, err
	}
	for _, stat := range stats {
		b, err := os.ReadFile(stat)
		if err != nil {
			continue // it has ended
		}
		// pid (name) state ppid …; a name may hold anything.
		f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
		dir := filepath.Dir(stat)
		if filepath.Base(dir) != strconv.Itoa(pid) && (len(f) < 2 || f[1] != strconv.Itoa(pid)) {
			continue
		}
		b, err = os.ReadFile(dir + "/schedstat")
		if err != nil {
			continue
		}
		ran, _, _ := strings.Cut(string(b), " ")
		ns, err := strconv.ParseFloat(ran, 64)
		if err != nil {
			return 0, fmt.Errorf("schedstat %q: %w", b, err)
		}
		micros += ns / 1e3
	}
	if micros == 0 {
		return 0, fmt.Errorf("the kernel does not say what process %d has run", pid)
	}
	return micros, nil
}

func rss() int64 {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	if f := strings.Fields(string(b)); len(f) > 1 {
		pages, _ := strconv.ParseInt(f[1], 10, 64)
		return pages * int64(os.Getpagesize())
	}
	return 0
}
