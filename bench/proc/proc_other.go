//go:build !linux

package proc

import (
	"os/exec"
	"runtime"
	"time"
)

var origin = time.Now()

func startPinned(cmd *exec.Cmd, _ int) error { return cmd.Start() }

// Cores are the cores this process may run on.
func Cores() []int {
	cores := make([]int, runtime.NumCPU())
	for i := range cores {
		cores[i] = i
	}
	return cores
}

// Now marks the wall clock only: CPU and memory are measured on Linux.
func Now(ops uint64) Mark {
	return Mark{WallMicros: float64(time.Since(origin).Nanoseconds()) / 1e3, Ops: ops}
}
