//go:build !linux

package bench

import (
	"os"
	"runtime"

	"github.com/skirmishgg/skirmish/bench/proc"
)

func platform() string { return runtime.GOOS + " · " + runtime.Version() }

// Rows is empty: the bench drives raw Linux sockets.
func Rows() []Row { return nil }

var roles = map[string]func(con *proc.Console, args []string) error{}

func takeStdout() (*os.File, error) { return os.Stdout, nil }
