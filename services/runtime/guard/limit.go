package guard

import (
	"math"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
)

// Limit is a limit in bytes: what was asked for, or three quarters of what the process may have.
func Limit(megabytes int) uint64 {
	if megabytes > 0 {
		return uint64(megabytes) << 20
	}
	total := uint64(math.MaxUint64)
	if n := debug.SetMemoryLimit(-1); n > 0 && n < math.MaxInt64 {
		total = uint64(n)
	}
	for _, name := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		if text, err := os.ReadFile(name); err == nil {
			if n, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64); err == nil {
				total = min(total, n)
			}
		}
	}
	if text, err := os.ReadFile("/proc/meminfo"); err == nil {
		total = min(total, memTotal(string(text)))
	}
	return total / 4 * 3
}

// memTotal is the machine's memory.
func memTotal(text string) uint64 {
	for line := range strings.Lines(text) {
		if fields := strings.Fields(line); len(fields) >= 2 && fields[0] == "MemTotal:" {
			if n, err := strconv.ParseUint(fields[1], 10, 64); err == nil {
				return n << 10
			}
		}
	}
	return math.MaxUint64
}
